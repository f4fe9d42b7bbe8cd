/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test: start it, watch it, say how it died, and leave nothing behind.
 *
 * It ends with this process, however that ends, and what it started ends with it, also
 * what left its session or its parent.  It gets no descriptor of ours but those it is
 * given, nothing on its standard input, a session of its own, no core file, none of the
 * limits that we have for ourselves, and addresses that are not random, where the kernel
 * allows that: a read past the end of something finds what it found before.  What it writes to its
 * standard output and error is taken at all times, so that it never waits for us, and kept, as far
 * as it fits.  Its death becomes a signature that is made of what happened and of its own words: no
 * address, no process number, no time.
 *
 * A process belongs to the process that started it.  In one that was forked from that,
 * nothing here touches it: it is not well, it does not sleep, and process_stop only frees.
 * One thread at a time may use it.
 */
#ifndef VRINGER_HARNESS_PROCESS_H
#define VRINGER_HARNESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_BYTES_MAX (2ull << 30) /* resident; above that it is out of memory */
#define PROCESS_FLOOD (64ull << 20)    /* bytes that it may write in all */
#define PROCESS_WORDS_MAX 16384u       /* bytes kept of what it wrote: the beginning and the end */
#define PROCESS_SIGNATURE_MAX 80u
#define PROCESS_MESSAGE_MAX 400u

struct process;

struct process_options {
	const char *const *argv; /* ended by NULL; argv[0] is a path, or found in PATH */
	const int *fds;		 /* of this process; they are 3, 4, ... there */
	unsigned fd_count;	 /* at most 8 */
	uint64_t bytes_max;	 /* 0: PROCESS_BYTES_MAX; looked at 20 times a second */
	uint64_t words_max;	 /* 0: PROCESS_FLOOD */
	/* NULL or paths, ended by NULL: files, and folders that are empty then, which are gone
	 * when it is, however that ends.  A folder comes after what is in it. */
	const char *const *leftovers;
};

/* How it ended, or why it is at fault. */
struct process_end {
	/* "exit-1", "SIGABRT:iov_copy", "exit-101:queue.rs:index-out-of-bounds",
	 * "asan:heap-buffer-overflow:f", "memory", "flood": letters, digits, ':', '-', '_',
	 * '.'.  "keeper": somebody killed the process that watches it. */
	char signature[PROCESS_SIGNATURE_MAX];
	char message[PROCESS_MESSAGE_MAX]; /* one line for a person */
};

/* 0 with *process; or negative errno and one line in `why` (-ENOENT: there is no such
 * program).  That the program was executed is known when it returns. */
int process_start(struct process **process, const struct process_options *options, char *why,
		  size_t why_size);
/* Did this process start it?  In one that was forked from that, process_stop is all that
 * is left to do. */
bool process_is_mine(const struct process *process);
/* Is it there, and within its bounds?  Costs one short system call.  false: `end` says why
 * not, each time the same. */
bool process_is_well(struct process *process, struct process_end *end);
/* As process_is_well, of a process that has closed its connection: it gets `ms`
 * milliseconds to be gone.  true: it is still there. */
bool process_outlives(struct process *process, unsigned ms, struct process_end *end);
/* Nanoseconds of CPU time that all its threads have used, exact when they sleep; not that
 * of processes that it started.  Once it has ended, what was last seen. */
uint64_t process_cpu_ns(const struct process *process);
/* ... of all that this process started, those that ended too. */
uint64_t process_all_cpu_ns(void);
/* Nanoseconds of CPU time that the threads whose names begin with `name` have used each, the
 * least of these: as the scheduler last counted them, which is up to one tick of its clock
 * ago of a thread that runs.  false: there is none, or the kernel does not say. */
bool process_thread_ns(struct process *process, const char *name, uint64_t *ns);
/* Do all its threads sleep, and have they not run since the last call that found them
 * asleep?  So the first call is never true.  Cheap enough to be asked after every call of
 * a device: about 5 us, and 3 us a thread.  Processes that it started are not looked at. */
bool process_sleeps(struct process *process);
#define PROCESS_GROWTH (64ull << 20) /* bytes: one that took so many more takes memory */
/* A wait for it: begun as all 0, and asked about after each slice of `slice_ms`.  It is not
 * worth going on where it slept for `asleep_ms` at a stretch, or four times that in all, or
 * used `spin_ns` of CPU time in which it did not take PROCESS_GROWTH bytes of memory more; what
 * waits for a CPU or a disk is waited for, and so is one that takes memory, until it has too
 * much of it: how fast a machine fills memory is no verdict.  0; -ECHILD, it is not well: `end`;
 * -ETIMEDOUT, it sleeps; -ETIME, it runs on. */
struct process_wait {
	unsigned slices, asleep, asleep_in_all;
	uint64_t cpu_from, bytes_from;
};
struct process_patience {
	unsigned slice_ms, asleep_ms;
	uint64_t spin_ns;
};
int process_wait(struct process *process, struct process_wait *wait,
		 const struct process_patience *patience, struct process_end *end);
/* What it wrote so far, as a string without control characters but newlines and tabs;
 * valid until the next call. */
const char *process_words(struct process *process);
/* For messages: it is no child of ours, and may be gone. */
int64_t process_pid(const struct process *process);
/* End it and all that it started, at once; NULL is allowed. */
void process_stop(struct process *process);

#endif
