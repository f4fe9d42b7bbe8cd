/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which scripts kill which mutants.  This program holds all mutants (source.h), so that for
 * each a process is forked, and nothing is compiled, started or parsed again.
 *
 * First every script is run without a mutant, on each device and in each instance that
 * `vringer run` has of it (a job), and it is written down which mutants it reaches: for all others
 * it is the same program.  Then each mutant meets the jobs that reach it, until one fails: what
 * killed it the last time, what killed others of its function, one job of each script and device,
 * the other jobs of them, and what is in corpus/.  A mutant that no job reaches survives.
 *
 * What is known from before is in a folder: what each script reached, which script killed a
 * mutant, which scripts a survivor has met.  The first and the last count only for this very
 * program; that a mutant is killed is looked at anew each time.
 */
#ifndef VRINGER_FUZZERS_JUDGE_H
#define VRINGER_FUZZERS_JUDGE_H

#include "harness/run/child.h"
#include "harness/run/instance.h"

#include <stdio.h>

struct source_file {
	const char *path;
	char *data;
	size_t len;
	uint64_t hash;
	bool corpus;
	unsigned first_job, jobs;
};

struct job {
	unsigned source;
	const struct target *target;
	struct instance instance;
	bool bound; /* parsed with its binding */
	bool first; /* of this script and device */
	uint32_t us;
};

struct plan {
	struct source_file *sources;
	unsigned source_count;
	struct job *jobs;
	unsigned job_count, job_room;
	struct script *script;
	struct child_result *result; /* shared with children */
	uint64_t program;	     /* a hash of what runs */
};

struct mutant_row {
	unsigned number, line;
	const char *file, *function, *kind, *change;
	bool chosen;
};

struct list {
	struct mutant_row *rows;
	unsigned count, words; /* 64 bits each, a bit for a mutant */
};

enum verdict { UNKNOWN, KILLED, CRASHED, HUNG, SURVIVED, UNREACHED };
struct result {
	uint8_t verdict;
	bool cut;     /* not all jobs were tried */
	uint32_t job; /* that killed it */
};

/* All that fails ends the program with one line on stderr and status 2. */
_Noreturn void judge_fail(const char *what, const char *why);
/* As fopen(), but it never fails. */
FILE *judge_open(const char *path, const char *mode);
void *judge_share(size_t bytes);
/* CPU time of this process. */
uint64_t judge_micros(void);

/* All scripts, and jobs of them. */
void plan_read(struct plan *plan);
/* Open what the devices need, before children are forked. */
void plan_open(struct plan *plan);
/* In a child: does it pass?  It may not return. */
bool plan_run(struct plan *plan, unsigned job);

/* By which of them: all scripts; those of corpus/; all, once for each device, in a program with
 * AddressSanitizer, of what survived without. */
enum judging_what { BY_SCRIPTS, BY_CORPUS, BY_SANITIZERS, JUDGING_COUNT };

struct judging_options {
	const char *folder;
	unsigned processes;
	enum judging_what what;
	unsigned seconds; /* of CPU for a mutant, after which it counts as a survivor; 0: any */
};

/* A bit for each job and mutant, `words` for each job.  Uses and fills options->folder. */
uint64_t *reach_record(struct plan *plan, const struct list *list,
		       const struct judging_options *options);

/* Fill in results of all that are chosen. */
void judge_all(struct plan *plan, const struct list *list, const uint64_t *reach,
	       struct result *results, const struct judging_options *options);

struct known_row {
	char *key, *script, *target;
	enum verdict verdict;
	unsigned nth;
	uint64_t program, set;
};
struct known_rows {
	struct known_row *rows;
	unsigned count;
};
void memory_path(char *path, size_t size, const char *folder, enum judging_what what);
void memory_read(struct known_rows *known, const char *path);
const struct known_row *memory_find(const struct known_rows *known, const char *key);
/* Has a survivor met the script?  `set` was noted by memory_note_set. */
bool memory_met(const char *folder, uint64_t set, uint64_t script);
uint64_t memory_note_set(const char *folder, const struct plan *plan);
void memory_key(char *key, size_t size, const struct mutant_row *row);

#endif
