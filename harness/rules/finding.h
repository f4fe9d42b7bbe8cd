/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A finding: what is wrong with a device, and what the guest did to it.
 */
#ifndef VRINGER_HARNESS_FINDING_H
#define VRINGER_HARNESS_FINDING_H

#include <stdint.h>

enum finding_kind {
	FINDING_NONE,
	FINDING_RULE,	   /* the ledger's: see rule */
	FINDING_SANITIZER, /* a report of a sanitizer */
	FINDING_SIGNAL,
	FINDING_EXIT,	  /* the device called exit() */
	FINDING_HANG,	  /* an endless loop */
	FINDING_OOM,	  /* out of memory */
	FINDING_LEAK,	  /* memory that was not freed */
	FINDING_MEMORY,	  /* the device wrote over memory of the harness */
	FINDING_REPORTED, /* its author's part of the target says so: host->report */
	FINDING_KIND_COUNT
};

#define FINDING_OP_END UINT32_MAX /* after the last operation */

struct finding {
	uint8_t kind;
	uint16_t rule; /* enum rule, for FINDING_RULE */
	uint32_t op;   /* index of the operation in flight, or FINDING_OP_END */
	char verb[16]; /* its name, or the stage after the last operation */
	/* Kind, place and operation, without addresses: the same bug has the same
	 * signature on every run and machine. */
	char signature[160];
	char message[320]; /* what the guest did and what the device did wrong */
	/* The reason in the list of known findings (known.h), which keeps it from
	 * failing a run; NULL: it is not in the list. */
	const char *known;
};

#endif
