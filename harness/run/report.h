/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What people and programs read: traces and findings, as text and as JSON.
 */
#ifndef VRINGER_HARNESS_REPORT_H
#define VRINGER_HARNESS_REPORT_H

#include "harness/files/json.h"
#include "harness/run/child.h"

#include <stdio.h>

/* What the commands are called with: "vringer", or the program of somebody who
 * linked libvringer.a. */
extern const char *report_command;
/* Where a script that is kept goes: "corpus/TARGET/regressions/" of this tree, or
 * nowhere in particular. */
extern bool report_in_tree;
/* The commands that come next for what a file showed. */
void report_next(FILE *out, const char *target, const struct transport *transport,
		 const char *path);

/* What shows nothing here may do so elsewhere: where, in one line without its end. */
void report_elsewhere(FILE *out, const char *target, const char *path);

/* A reader of a run that prints each event as a line of text, or as a JSON
 * object a line.  Set `script` to have operations spelled out. */
struct report_trace {
	FILE *out;
	const struct script *script;
	bool json;
};
void report_trace_event(void *ctx, const struct trace_event *event);

/* A finding in words: signature, rule and clause, operation, message; each
 * line behind `prefix`. */
void report_finding(FILE *out, const char *prefix, const struct finding *finding,
		    const struct script *script);
void report_finding_json(struct json *json, const char *key, const struct finding *finding,
			 const struct script *script);
/* All that a run found and that does not fail it, each behind "warning: " or
 * "known: ", and what of it was not judged because of the program. */
bool report_has_notes(const struct child_result *result, const struct child_job *job);
void report_notes(FILE *out, const struct child_result *result, const struct child_job *job);
/* Members of a JSON object: all findings, whether each fails the run, and what was
 * not judged because of the program.  NULL, NULL: it was not run. */
void report_result_json(struct json *json, const struct child_result *result,
			const struct child_job *job);
/* The rules that were not judged, a bit for each: a line behind `prefix` if there are
 * any, or a JSON list. */
void report_not_judged(FILE *out, const char *prefix, const uint64_t *not_judged);
void report_not_judged_json(struct json *json, const char *key, const uint64_t *not_judged);
/* A `>` line that did not hold: the operation before it, and what was shown. */
void report_failure(FILE *out, const char *path, const struct child_result *result,
		    const struct script *script);
/* The rules that a target is not judged by, with reasons: lines "disagrees: ...", or
 * elements of a JSON list that is open. */
void report_disagreements(FILE *out, const char *prefix, const struct target *target);
void report_disagreements_json(struct json *json, const struct target *target);
/* What the device wrote to stdout, each line behind `prefix` and "device prints: ". */
void report_words(FILE *out, const char *prefix, const char *words);
const char *finding_kind_name(enum finding_kind kind);

#endif
