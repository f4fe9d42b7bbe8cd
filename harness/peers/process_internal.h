/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Shared by the parts of process.h: process.c (start, ask, stop), process_keeper.c (the
 * process between us and the peer), process_end.c (what a death is called) and
 * process_rest.c (CPU time and sleep).
 */
#ifndef VRINGER_HARNESS_PROCESS_INTERNAL_H
#define VRINGER_HARNESS_PROCESS_INTERNAL_H

#include "harness/files/excerpt.h"
#include "harness/peers/process.h"

#include <sys/types.h>
#include <time.h>

#define PROCESS_FDS_MAX 8u
#define PROCESS_TASKS_MAX 128u /* threads that are looked at */

/* Why the keeper ended the peer. */
enum process_fault { PROCESS_SOUND, PROCESS_ATE, PROCESS_FLOODED };

/* Memory of this process and of the keeper, which alone writes all but cpu_ns. */
struct process_shared {
	uint32_t ended; /* 1: `fault`, `status` and `words` are final */
	uint32_t fault; /* enum process_fault */
	int32_t pid;
	int32_t error;	/* why it was not executed: errno; 0: it was */
	int32_t status; /* of wait(2) */
	uint32_t turn;	/* odd while `words` changes */
	uint64_t cpu_ns;
	uint64_t resident;    /* bytes, when the keeper last looked */
	struct excerpt words; /* of `bytes` */
	char bytes[PROCESS_WORDS_MAX];
};

/* What the keeper gets.  Its words come as what `line` says, one byte each: SAY_STARTED,
 * of a program that was or was not executed, and SAY_ENDED.  Anything that it hears
 * there, or the end of it, means stop. */
struct keeper {
	struct process_shared *shared;
	pid_t owner;
	const char *path; /* of the program */
	char *const *argv, *const *envp;
	const int *fds;
	unsigned fd_count;
	uint64_t bytes_max, words_max;
	const char *const *leftovers;
	int line, words_in, words_out;
};

enum { SAY_STARTED = 's', SAY_ENDED = 'e' };

/* In a process that was just forked for it. */
void keeper_run(struct keeper *keeper) __attribute__((noreturn));

/* A thread of the peer. */
struct process_task {
	pid_t tid;
	int fd; /* of its stat */
};

struct process {
	pid_t owner, keeper;
	int line;
	int words_unread; /* the pipe that the keeper reads: how full is it? */
	struct process_shared *shared;
	struct process_options options; /* argv and fds are not kept */
	char name[64];			/* of the program, for messages */
	bool over;			/* ended: `end` says how */
	struct process_end end;
	char words[PROCESS_WORDS_MAX];

	clockid_t clock;
	struct process *next; /* of those that were started and not stopped */
	struct process_task tasks[PROCESS_TASKS_MAX];
	unsigned task_count;
	uint64_t slept_ns; /* CPU time at the last look that found it asleep; UINT64_MAX: none */
};

/* How a process ended that wrote `words`, by the status of wait(2).  `name`: what it calls
 * itself in its words. */
void process_end_name(struct process_end *end, const char *name, enum process_fault fault,
		      int status, const char *words);
void process_rest_begin(struct process *process);
void process_rest_end(struct process *process);

#endif
