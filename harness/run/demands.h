/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What becomes of a script's `>` lines: each is met, broken, or not judged, and has a
 * severity, as the ledger's rules have.  What a broken one does to the run is decided
 * where it is for rules (severity_fails).
 */
#ifndef VRINGER_HARNESS_DEMANDS_H
#define VRINGER_HARNESS_DEMANDS_H

#include "harness/files/json.h"
#include "harness/program/text.h"
#include "harness/rules/rules.h"
#include "harness/target/target.h"

/* Of a demand or a rule. */
enum demand_outcome {
	DEMAND_NOT_JUDGED, /* it was not looked at, or is not about devices like this one */
	DEMAND_MET,	   /* each time */
	DEMAND_BROKEN,	   /* once at least */
	DEMAND_OUTCOME_COUNT
};

/* How many of each severity came out how. */
struct demand_counts {
	unsigned of[SEVERITY_COUNT][DEMAND_OUTCOME_COUNT];
};

/* Is the demand about devices like this one?  What is `model` is about vringer's own models
 * and those that are judged like them, and about the device that the script names. */
bool demand_applies(const struct script *script, const struct expect *expect,
		    const struct target *target);

/* Add a script's demands; `outcomes`: one of enum demand_outcome for each. */
void demands_add(struct demand_counts *counts, const struct script *script,
		 const uint8_t *outcomes);

/* Members "met", "broken" and "not_judged" of the object that is open. */
void demands_json(struct json *json, const struct demand_counts *counts, enum severity severity);

#endif
