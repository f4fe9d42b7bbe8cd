/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print traces and findings, as text for people and as JSON for programs.
 */
#ifndef VRINGER_HARNESS_REPORT_H
#define VRINGER_HARNESS_REPORT_H

#include "harness/files/json.h"
#include "harness/run/child.h"

#include <stdio.h>

/* The name of this program: "vringer", or that of a program that links libvringer.a. */
extern const char *report_command;
/* How a command is told to run that target: "-t NAME", or as the target has it
 * (target->words). */
void report_target(FILE *out, const char *target);
/* Is this the program of this tree?  Then a script to be kept goes to
 * "corpus/TARGET/regressions/". */
extern bool report_in_tree;
/* Print the commands that one may run next for a file with a finding. */
void report_next(FILE *out, const char *target, const struct transport *transport,
		 const char *path);

/* Is this program linked with libFuzzer?  And the user's program that is, or that should be:
 * this one, or `fuzz-NAME` beside it. */
bool report_is_engine(void);
const char *report_engine(void);

/* For a file without a finding: print where else to run it, in one line without its
 * end. */
void report_elsewhere(FILE *out, const char *target, const char *path);

/* What `start` does to the device, most of which is the same in every script: one line of
 * text for all of it.  Zeroed at first. */
struct report_fold {
	bool folding, stage, has_status, calls;
	uint32_t count;	 /* register accesses, or calls, since the last line */
	uint32_t status; /* as the driver wrote it last among them */
};

/* A reader of a run's trace.  It prints each event as a line of text or as a JSON object
 * on one line.  With `script` set it prints operations in full, and with `fold` as well the
 * registers of `start` in one line. */
struct report_trace {
	FILE *out;
	const struct script *script;
	bool json;
	struct report_fold *fold; /* in memory that the parent shares; or NULL */
};
void report_trace_event(void *ctx, const struct trace_event *event);
/* The line that has not been printed, of a child that ended in `start`. */
void report_fold_end(FILE *out, struct report_fold *fold);
/* For report_trace_event: is the event one of those that are folded?  If not, the line for
 * those before it is printed. */
bool report_fold_event(const struct report_trace *t, const struct trace_event *event);

/* Print an operation and its line in the script. */
void report_guest_op(FILE *out, const struct script *script, uint32_t op);
/* Print a finding: signature, rule and clause, operation, message; each line starts
 * with `prefix`. */
void report_finding(FILE *out, const char *prefix, const struct finding *finding,
		    const struct script *script);
void report_finding_json(struct json *json, const char *key, const struct finding *finding,
			 const struct script *script);
/* Print the findings that do not fail the run, each behind "warning: " or "known: ",
 * and what could not be judged because of the program. */
bool report_has_notes(const struct child_result *result, const struct child_job *job);
void report_notes(FILE *out, const struct child_result *result, const struct child_job *job);
/* Print members of a JSON object: all findings, whether each fails the run, and what
 * could not be judged because of the program.  NULL, NULL: it was not run. */
void report_result_json(struct json *json, const struct child_result *result,
			const struct child_job *job);
/* Of a device on plain memory that could not be followed for a while: print from which
 * operation on, why, and which rules were not judged then; a line, or nothing, or an object. */
void report_blindness(FILE *out, const struct child_result *result, const struct child_job *job);
void report_blindness_json(struct json *json, const struct child_result *result,
			   const struct child_job *job);
/* Is the clause one about registers and the device status, and features as they show
 * there? */
bool report_is_of_transport(const char *clause);
/* Of a script that passed on a device which has no registers of its own: print which of the
 * clauses that it cites vringer's transport keeps for it, in a line.  false: none. `out` NULL:
 * only say so. */
bool report_transport_note(FILE *out, const struct target *target, const struct script *script);
/* Print the rules that were not judged, a bit for each: a line behind `prefix` if there
 * are any, or a JSON list. */
void report_not_judged(FILE *out, const char *prefix, const uint64_t *not_judged);
void report_not_judged_json(struct json *json, const char *key, const uint64_t *not_judged);
/* Print a `>` line that was not met: what the device showed, the line's severity, and the
 * operation before it. */
void report_failure(FILE *out, const char *path, const struct child_result *result,
		    const struct script *script);
/* Print the rules that a target disagrees with, and its reasons: as lines "disagrees:
 * ...", or as elements of a JSON list that is open. */
void report_disagreements(FILE *out, const char *prefix, const struct target *target);
void report_disagreements_json(struct json *json, const struct target *target);
/* Print what the device wrote to stdout, each line behind `prefix` and "device prints:
 * ". */
void report_words(FILE *out, const char *prefix, const char *words);
const char *finding_kind_name(enum finding_kind kind);

#endif
