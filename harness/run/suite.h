/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Results of many scripts: TAP version 13, JUnit XML or JSON.
 */
#ifndef VRINGER_HARNESS_SUITE_H
#define VRINGER_HARNESS_SUITE_H

#include "harness/files/json.h"
#include "harness/run/child.h"
#include "harness/run/instance.h"

#include <stdio.h>

#define SUITE_TARGETS_MAX 64u
#define SUITE_SKIPS_MAX 32u

enum suite_format {
	SUITE_TAP,
	SUITE_JUNIT,
	SUITE_JSON,
	SUITE_FORMAT_COUNT,
};

enum suite_outcome {
	SUITE_SKIPPED,
	SUITE_PASSED,
	SUITE_FAILED,
	SUITE_EXPECTED, /* to fail: it met a known finding */
	SUITE_OUTCOME_COUNT
};

/* One script on one target. */
struct suite_result {
	const char *path;
	const struct target *target;
	const struct instance *instance; /* of a portable script */
	bool named;			 /* the target belongs in the name */
	const char *skip;		 /* why it was not run; NULL: it was */
	const struct script *script;
	const struct child_job *job;
	const struct child_result *child;
	const char *report; /* the child's stderr */
	const char *words;  /* what the device wrote to stdout */
	bool incomplete;    /* it had to return a chain, and returned none */
};

struct suite {
	FILE *out;
	struct json json; /* to it, where that is the format */
	enum suite_format format;
	FILE *cases; /* JUnit's, printed at the end */
	char *cases_text;
	size_t cases_len;
	bool lost; /* there was no memory for them, and a line said so */
	unsigned planned, passed, failed, skipped, expected;
	unsigned warned;		/* results that broke a rule which fails nothing */
	unsigned warnings[RULE_COUNT];	/* ... that rule */
	unsigned unmet[SEVERITY_COUNT]; /* ... `>` lines of that severity */
	unsigned newer;			/* results that broke what is newer than the device */
	unsigned newer_rules[RULE_COUNT];
	unsigned newer_lines;
	unsigned transported;	       /* ... that passed, and judged vringer's transport
					  (report_transport_note) */
	unsigned packed;	       /* results of runs on packed rings */
	unsigned left_out;	       /* runs of long scripts that were not asked for */
	unsigned unfollowed;	       /* results that were not judged all the time */
	unsigned failures[RULE_COUNT]; /* results that failed by that rule */
	unsigned failed_lines;	       /* ... by a `>` line, and no rule */
	/* Why results were skipped, and how many; what has no place counts nowhere. */
	struct suite_skip {
		const char *why;
		unsigned results;
	} skips[SUITE_SKIPS_MAX];
	struct demand_counts demands; /* of all results */
	/* Rules that had something to judge, and those that were broken. */
	uint64_t judged[(RULE_COUNT + 63) / 64], broken[(RULE_COUNT + 63) / 64];
	struct known *known; /* the list that it is held against; NULL: none */
	/* Those that something was run on. */
	const struct target *targets[SUITE_TARGETS_MAX];
	unsigned target_count;
	/* Rules that lacked a fact on some target. */
	uint64_t not_judged[(RULE_COUNT + 63) / 64];
};

void suite_begin(struct suite *suite, unsigned planned);
void suite_add(struct suite *suite, const struct suite_result *result);
void suite_end(struct suite *suite);

/* What came of it; as `run --json` has it, "pass", say; the command that shows it again, a
 * line. */
enum suite_outcome suite_outcome(const struct suite_result *result);
const char *suite_outcome_name(enum suite_outcome outcome);
void suite_print_again(FILE *out, const struct suite_result *result);

/* What there is to say of a result, as lines of text; the caller frees it.  NULL:
 * nothing. */
char *suite_describe(const struct suite_result *result);
/* JUnit's; see suite_junit.c. */
void suite_junit_begin(struct suite *suite);
void suite_junit_result(struct suite *suite, const struct suite_result *result);
void suite_junit_end(struct suite *suite);

/* Parts of these.  Count the rules that a result breaks without failing, once each, what a
 * failed result failed by, and why one was skipped; print them, warnings in a line for each
 * severity that has any; print how many results judged vringer's own
 * transport, and how many were not judged all the time; and, with no end of line, how many were
 * left out. */
void suite_count_warnings(struct suite *suite, const struct suite_result *result);
void suite_count_failure(struct suite *suite, const struct suite_result *result);
void suite_count_skip(struct suite *suite, const char *why);
void suite_print_warnings(const struct suite *suite, FILE *out, const char *prefix);
void suite_print_failures(const struct suite *suite, FILE *out, const char *prefix);
void suite_print_skips(const struct suite *suite, FILE *out, const char *prefix);
void suite_print_left_out(const struct suite *suite, FILE *out, const char *prefix);
void suite_json_warnings(struct suite *suite);
/* Count what became of a result's demands and of the rules; print, of each severity, how many
 * demands and rules were met, broken, not judged: as lines, as a member of the JSON object
 * that is open, as JUnit's properties. */
void suite_count_severities(struct suite *suite, const struct suite_result *result);
void suite_print_severities(const struct suite *suite, FILE *out, const char *prefix);
void suite_json_severities(struct suite *suite);
void suite_junit_severities(const struct suite *suite);
/* The rules of a severity: how many came out how. */
void suite_count_rules(const struct suite *suite, enum severity severity,
		       unsigned counts[DEMAND_OUTCOME_COUNT]);
/* Of one result: the severity of the demand that failed it, and as a member of the JSON
 * object that is open, the counts of each severity that its demands have. */
const char *suite_failed_severity(const struct suite_result *result);
void suite_json_demands(struct json *json, const struct suite_result *result);
void suite_print_notes(const struct suite *suite, FILE *out, const char *prefix);

#endif
