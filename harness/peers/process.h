/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test: start it, watch it, say how it died, and leave nothing behind.
 *
 * It ends with this process, however that ends, and its own children end with it.  What
 * it writes to its standard output and error is kept, as far as it fits.  Its death
 * becomes a signature that is made of what happened and of its own words: no address, no
 * process number, no time.
 */
#ifndef VRINGER_HARNESS_PROCESS_H
#define VRINGER_HARNESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_BYTES_MAX (2ull << 30) /* resident; above that it is out of memory */
#define PROCESS_WORDS_MAX 16384u       /* bytes kept of what it wrote: the beginning and the end */
#define PROCESS_SIGNATURE_MAX 80u
#define PROCESS_MESSAGE_MAX 400u

struct process;

struct process_options {
	const char *const *argv; /* ended by NULL; argv[0] is a path, or found in PATH */
	const int *fds;		 /* of this process; they are 3, 4, ... there */
	unsigned fd_count;	 /* at most 8 */
	uint64_t bytes_max;	 /* 0: PROCESS_BYTES_MAX */
};

/* How it ended, or why it is at fault. */
struct process_end {
	/* "exit-1", "SIGABRT:iov_copy", "AddressSanitizer:heap-buffer-overflow:f", "memory",
	 * "flood": letters, digits, ':', '-', '_', '.'. */
	char signature[PROCESS_SIGNATURE_MAX];
	char message[PROCESS_MESSAGE_MAX]; /* one line for a person */
};

/* 0 with *process; or negative errno and one line in `why` (-ENOENT: there is no such
 * program).  That the program was executed is known when it returns. */
int process_start(struct process **process, const struct process_options *options, char *why,
		  size_t why_size);
/* Is it there, and within its bounds?  Costs one system call.  false: `end` says why not. */
bool process_is_well(struct process *process, struct process_end *end);
/* As process_is_well, of a process that has closed its connection: it gets `ms`
 * milliseconds to be gone.  true: it is still there. */
bool process_outlives(struct process *process, unsigned ms, struct process_end *end);
/* Nanoseconds of CPU time that all its threads have used. */
uint64_t process_cpu_ns(const struct process *process);
/* Do all its threads sleep, and have they not run since the last call that said the same?
 * Cheap enough to be asked after every call of a device. */
bool process_sleeps(struct process *process);
/* What it wrote so far, as a string without control characters but newlines. */
const char *process_words(struct process *process);
int64_t process_pid(const struct process *process);
/* End it and all that it started; NULL is allowed. */
void process_stop(struct process *process);

#endif
