/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run guest programs on a target, in this process, under the ledger.
 *
 * A run resets memory, heap and ledger, creates a device, runs the operations in order
 * and lets the device finish its work.  Then, whatever the program did, the harness
 * cancels races and faults, maps all memory, resets the device, compares its registers
 * with a new device's, makes it serve a well-formed request, and destroys it.  Some
 * programs are then run again: twin.h.
 *
 * Everything is allocated when the run is opened.  Running a program makes no allocation
 * and no system call, and formats nothing.  Not here: isolation (child.h).
 */
#ifndef VRINGER_HARNESS_RUN_H
#define VRINGER_HARNESS_RUN_H

#include "harness/guest/guest.h"
#include "harness/program/text.h"
#include "harness/run/snapshot.h"
#include "harness/run/twin.h"

/* What the program holds back of the device and the liveness script needs. */
enum run_lack { LACK_NOTHING, LACK_ROOM, LACK_FEATURES, LACK_REGISTERS, LACK_FEATURES_HIGH };
struct run_shortage {
	enum run_lack lack;
	uint32_t line;	/* of the script; 0: its header */
	unsigned queue; /* that is too small */
	uint64_t have, need;
};

#define RUN_WRITTEN_MAX 64u

struct run {
	struct guest guest;

	/* Snapshots: of the program, and of a twin. */
	struct snapshot snapshots[2];
	uint8_t *scratch;    /* room for another */
	bool config_unknown; /* a snapshot that was altered may have changed it */

	/* The operation in flight, one of the liveness script too: what it raised, and
	 * counters before it. */
	uint32_t interrupts_used, interrupts_config;
	/* Raised by it, or by what it goes on with: `work` and `settle` do. */
	bool raised_used, raised_config;
	uint32_t interrupts_of[PROGRAM_QUEUES + 1]; /* of each queue, and of their line */
	unsigned interrupt_queue;		    /* whose the next one is, or LEDGER_LINE */
	uint32_t interrupts_first;		    /* the bits of the one that it raised first */
	uint64_t counters[TARGET_COUNTERS_MAX];

	/* The program's budget of operations, and of bytes moved by them and by the
	 * device.  The first session measures bytes; later sessions of the program end
	 * at the same operation, so that all have the same length. */
	uint64_t bytes;
	uint32_t ops_limit;
	bool measuring;
	bool spent; /* it ended there, and not at the end of the program */
	uint32_t ops_run;
	uint32_t advanced; /* chains that `advance` has published, of all that it may */
	/* Up to the end of the program: chains that the device took, and returned; and requests of
	 * the target that it answered as declared. */
	uint64_t taken, completions;
	uint32_t answered;
	struct script *liveness;
	bool in_liveness; /* what runs is that script */
	bool leftovers;	  /* the host may still have what the program made it do */
	struct run_shortage shortage;
	/* Pages that the device wrote to since it was at rest, where it has a log of them;
	 * more than there is room for are not judged. */
	unsigned written_count;
	uint64_t written[RUN_WRITTEN_MAX];
	/* After run_program: why there are no results, through no fault of the device; or
	 * NULL. */
	const char *unusable;
	const struct run_options *live; /* of a session that is open (live.h), or NULL */
	struct twin twin;
};

struct run_options {
	struct judging judging;
	bool twins;			   /* every program by twins, not a fraction: see twin.h */
	const struct transport *transport; /* NULL: the first of transport_all */
	const struct trace *trace;
	/* Called when an operation has run; `script` and its `>` lines are the
	 * caller's to check.  May be NULL. */
	void (*after_op)(void *ctx, struct run *run, uint32_t index);
	/* Called before: `index` is what is in flight from now on. */
	void (*before_op)(void *ctx, uint32_t index, const char *verb);
	void *ctx;
	/* An endless loop in the device: does not return. */
	void (*fatal)(void *ctx, const struct finding *finding);
};

/* 0, -ENOMEM; -EINVAL for a target whose liveness script is wrong, which is then in
 * `error`; -ENODEV for a device that cannot be run here, and error->message says why. */
int run_open(struct run **run, const struct target *target, struct text_error *error);
void run_close(struct run *run);

/* Run `prog` on the run's target, whichever target it names. true if there is no
 * finding that fails the run; findings are in run->guest.ledger until the next program. */
bool run_program(struct run *run, const struct program *prog, const struct run_options *options);

/* Why liveness.request was not judged, or not to its end, in the last program: one
 * line, empty if it was. */
void run_print_shortage(const struct run *run, char *text, size_t size);

/* Does the device show what the line demands?  If not, `message` says what was
 * shown and what was expected. */
bool expect_check(struct run *run, const struct script *script, const struct expect *expect,
		  char *message, size_t size);

#endif
