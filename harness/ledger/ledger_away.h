/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of guest pages that the driver handed to the host
 * (ledger_away.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_AWAY_H
#define VRINGER_HARNESS_LEDGER_AWAY_H

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_PAGE 4096u    /* bytes (VIRTIO 5.5.6) */
#define LEDGER_AWAY_MAX 512u /* pages; with more, all count as handed over */

/* Of a session.  Beyond `count` nothing is set. */
struct ledger_away {
	bool all;
	uint32_t count;
	/* A number that is read in pieces: those of one walk. */
	uint16_t queue, walk;
	uint32_t have;
	uint8_t piece[4];
	uint32_t pages[LEDGER_AWAY_MAX];
};

#endif
