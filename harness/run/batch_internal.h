/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the two sides of batch.h share: batch.c, the parent, and batch_child.c.
 */
#ifndef VRINGER_HARNESS_BATCH_INTERNAL_H
#define VRINGER_HARNESS_BATCH_INTERNAL_H

#include "harness/run/batch.h"

#include <sys/types.h>

enum { ASK_RUN = 'r', ASK_LEAKS = 'l', SAY_DONE = 'd', SAY_LEAKS = 'x' };

struct batch_shared {
	struct child_job job;
	struct script script;
	struct child_result result;
	uint64_t crash; /* where the child was, if a sanitizer ended it; 0: it did not */
};

/* The child itself: it answers over `line` until that is closed, and does not return.
 * What the device prints goes to `words`. */
void batch_serve(struct batch_shared *shared, pid_t parent, int line, int words)
	__attribute__((noreturn));

#endif
