/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A target that does something terrible when a driver writes its number to
 * Config: what is left of a device when everything else about it is correct.
 */
#ifndef VRINGER_HARNESS_TEST_BROKEN_H
#define VRINGER_HARNESS_TEST_BROKEN_H

#include "harness/target/target.h"

enum misdeed {
	MISDEED_NONE,
	MISDEED_SEGV,
	MISDEED_ABORT,
	MISDEED_EXIT,	      /* exit(3) */
	MISDEED_EXIT_0,	      /* exit(0): as if nothing were wrong */
	MISDEED_SPIN,	      /* for ever, and touches nothing */
	MISDEED_SPIN_READING, /* for ever, and reads guest memory */
	MISDEED_EAT_HEAP,     /* host->alloc without end */
	MISDEED_EAT_AT_ONCE,  /* one malloc that is too large */
	MISDEED_EAT_PAGES,    /* resident memory without end */
	MISDEED_LEAK_HEAP,    /* a block of host->alloc is not given back */
	MISDEED_LEAK_MALLOC,
	MISDEED_OVERFLOW, /* a byte past a block of host->alloc is written */
	MISDEED_USE_AFTER_FREE,
	MISDEED_DIVIDE, /* by 0 */
	MISDEED_SHIFT,	/* by the width of the type */
	MISDEED_FREE_TWICE,
	MISDEED_KEEP_REGISTER, /* a register keeps its value over a reset */
	MISDEED_DIE_AT_RESET,
	MISDEED_LEAK_AT_RESET,
	MISDEED_KEEP_SECRET,	/* something no register of a new device shows stays over a reset */
	MISDEED_FETCH_AND_MIX,	/* a buffer is read twice, and half of each is taken */
	MISDEED_FETCH_AND_DROP, /* no misdeed: read twice, and the first is forgotten */
	MISDEED_REFUSE_OWN,	/* a snapshot of its own is refused */
	MISDEED_TAKE_PARTLY,	/* one that is refused changes the new device all the same */
	MISDEED_SHOW_OTHER,	/* a restored device shows another register */
	MISDEED_RESTORE_LESS,	/* something that no register shows at once is not restored */
	MISDEED_COUNT
};

/* What it remembers can be read here. */
#define BROKEN_SECRET 0x110

extern struct target broken_target;

#endif
