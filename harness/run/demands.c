/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What becomes of a script's `>` lines.  See demands.h.
 */
#include "harness/run/demands.h"

#include <string.h>

bool demand_applies(const struct script *script, const struct expect *expect,
		    const struct target *target)
{
	return expect->severity != SEVERITY_MODEL || target->model ||
	       strcmp(script->prog.target, "any") != 0;
}

void demands_add(struct demand_counts *counts, const struct script *script, const uint8_t *outcomes)
{
	for (unsigned i = 0; i < script->expect_count; i++)
		counts->of[script->expects[i].severity][outcomes[i]]++;
}

void demands_json(struct json *json, const struct demand_counts *counts, enum severity severity)
{
	json_number(json, "met", counts->of[severity][DEMAND_MET]);
	json_number(json, "broken", counts->of[severity][DEMAND_BROKEN]);
	json_number(json, "not_judged", counts->of[severity][DEMAND_NOT_JUDGED]);
}
