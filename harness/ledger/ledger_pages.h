/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of lists of page numbers (ledger_pages.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_PAGES_H
#define VRINGER_HARNESS_LEDGER_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_NUMBER_LEN 4u /* bytes of a page number (VIRTIO 5.5.6) */

/* A list, of which the device reads one at a time.  All but `bytes` is of a session. */
struct ledger_pages {
	uint8_t *bytes; /* room for target.pages_max, for as long as the ledger is open */
	bool reading;	/* the device has one in hand: the chain of that walk */
	bool known;	/* ... all that it read of it is in `bytes` */
	uint16_t queue, walk;
	uint32_t read;	/* bytes */
	uint32_t asked; /* pages about which it asked */
};

#endif
