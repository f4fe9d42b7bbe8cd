/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer serve: a target as a vhost-user back-end, driven by a driver in another process,
 * judged by the ledger.
 *
 * The device never sees the driver's memory: see shadow.h.  So a served session is a list
 * of operations, as a script is, and gives the verdict that the script gives.  What that
 * cannot show are races of a driver with the device on the same memory.
 */
#ifndef VRINGER_HARNESS_SERVE_SERVE_H
#define VRINGER_HARNESS_SERVE_SERVE_H

#include "harness/run/run.h"

#include <signal.h>

struct serve_options {
	const char *path;  /* of the socket */
	uint64_t features; /* a mask on those that the target offers */
	bool echo;	   /* what the host takes from a port it types into it */
	int host;	   /* a descriptor with lines for the host; -1: none */
	struct judging judging;
	const struct transport *transport; /* NULL: the first */
	/* Set by signals that are blocked but for `unblocked`, while waiting. */
	volatile sig_atomic_t *stop, *swap;
	sigset_t unblocked;
	/* Where the session is written down; NULL: nowhere.  See recorder.h. */
	const char *record, *note;
	unsigned record_max; /* programs; 0: as many as recorder.h says */
	/* Called now and then; may be NULL. */
	void (*progress)(uint64_t chains, uint64_t interrupts, unsigned findings);
};

struct serve_result {
	uint64_t features, chains, interrupts;
	unsigned finding_count;
	unsigned programs; /* that were written */
	bool failed;	   /* one of them fails the run */
};

/* Listen, serve one driver, and judge.  0: whatever was found is in `result` and in
 * run->guest.ledger; -EPROTO, or negative errno: one line was printed, and what was found
 * until then is there all the same. */
int serve_run(struct run *run, const struct serve_options *options, struct serve_result *result);

#endif
