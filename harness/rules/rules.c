/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The table of rules.  See rules.h.
 */
#include "harness/rules/rules.h"

#include "devices/table.h"
#include "harness/rules/finding.h"

#include <stdlib.h>
#include <string.h>

/* Facts, as rows of the table name them; each has those before it. */
#define REGS FACT_REGISTERS
#define LAYOUT (REGS | FACT_LAYOUT)
#define INTR (REGS | FACT_INTERRUPT)
#define SEEN (REGS | FACT_CHANGES)
#define TOLD (SEEN | FACT_ACCESS)
#define LOG FACT_LOG
#define MEM (TOLD | FACT_PURPOSE)
#define WALK (MEM | FACT_WALK)

/* Each rule aborts through a function of its own: engines and ClusterFuzz tell
 * findings apart by the stack.  The barrier keeps them from being folded into
 * one, which have the same body. */
#define X(name, id, severity, facts, part, clause, demand)                                         \
	void vringer_rule_##name(void) __attribute__((noreturn, noinline));                        \
	void vringer_rule_##name(void)                                                             \
	{                                                                                          \
		__asm__ volatile("" : : "r"(RULE_##name) : "memory");                              \
		abort();                                                                           \
	}
RULES(X)
#undef X

const struct rule_desc rule_table[RULE_COUNT] = {
#define X(name, id, severity, facts, part, clause, demand)                                         \
	[RULE_##name] = {                                                                          \
		id, SEVERITY_##severity, facts, part, clause, demand, vringer_rule_##name          \
	},
	RULES(X)
#undef X
};

int rule_find(const char *id)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if (strcmp(rule_table[i].id, id) == 0)
			return i;
	return -1;
}

enum rule_extent rule_extent(enum rule rule, unsigned facts)
{
	const struct rule_desc *desc = &rule_table[rule];

	if ((desc->facts & ~facts) == 0)
		return RULE_WHOLE;
	return desc->part != 0 && (desc->part & ~facts) == 0 ? RULE_IN_PART : RULE_NOT_JUDGED;
}

const char *severity_name(enum severity severity)
{
	TABLE(static const char *const, names, SEVERITY_COUNT, 1,
	      [SEVERITY_MUST] = "must",
	      [SEVERITY_SHOULD] = "should",
	      [SEVERITY_LIMIT] = "limit",
	      [SEVERITY_MODEL] = "model");

	return names[severity];
}

bool rule_is_newer(enum rule rule, const struct judging *judging)
{
	return rule_is_in(judging->newer, (int)rule);
}

bool rule_fails(enum rule rule, const struct judging *judging)
{
	return !rule_is_newer(rule, judging) &&
	       severity_fails((enum severity)rule_table[rule].severity, judging);
}

bool severity_fails(enum severity severity, const struct judging *judging)
{
	switch (severity) {
	case SEVERITY_SHOULD:
		return judging->strict;
	case SEVERITY_LIMIT:
		return judging->limits;
	case SEVERITY_MUST:
	case SEVERITY_MODEL:
	case SEVERITY_COUNT:
		break;
	}
	return true;
}

bool finding_fails(const struct finding *finding, const struct judging *judging)
{
	return finding->known == NULL &&
	       (finding->kind != FINDING_RULE || rule_fails((enum rule)finding->rule, judging));
}

bool finding_is_newer(const struct finding *finding, const struct judging *judging)
{
	return finding->kind == FINDING_RULE && rule_is_newer((enum rule)finding->rule, judging);
}
