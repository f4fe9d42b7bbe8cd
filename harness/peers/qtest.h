/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The client's side of QEMU's qtest protocol: one line asks, one line answers.
 *
 * Writes are posted: they wait here, at most QTEST_OWED_MAX of them, until something is
 * asked, and go with it in one piece.  So a failure of the other side shows at the next
 * question.  It knows nothing of what is at an address.
 */
#ifndef VRINGER_HARNESS_QTEST_H
#define VRINGER_HARNESS_QTEST_H

#include "harness/peers/patience.h"

#include <stdbool.h>
#include <stdint.h>

#define QTEST_LINE_MAX 64u   /* bytes of a line, either way */
#define QTEST_OWED_MAX 128u  /* answers that are to come */
#define QTEST_PATIENCE_MS 50 /* how often one that waits is asked whether to go on */

struct qtest {
	int fd; /* the caller's; a stream socket that blocks */
	int err;
	patience_fn *patience; /* asked whenever nothing was heard for QTEST_PATIENCE_MS */
	void *ctx;
	unsigned owed; /* answers to come: of what was sent, and of what is in `out` */
	uint32_t out_len, in_at, in_len;
	char out[QTEST_OWED_MAX * QTEST_LINE_MAX];
	char in[4096];
};

/* One access: 1, 2, 4 or 8 bytes at `addr`. */
struct qtest_access {
	uint64_t addr;
	uint32_t width;
	uint64_t value;
};

/* All of these return 0, or the first error, which stays: -EPIPE (the other side closed),
 * -EPROTO (it said what is no answer), -ETIMEDOUT (patience ended), another of the socket. */

int qtest_open(struct qtest *q, int fd, patience_fn *patience, void *ctx);
/* Post one. */
int qtest_write(struct qtest *q, const struct qtest_access *access);
/* Post a write of a byte to an I/O port. */
int qtest_out(struct qtest *q, uint16_t port, uint8_t value);
/* Ask for `count` values, at most QTEST_OWED_MAX, in one exchange. */
int qtest_read(struct qtest *q, struct qtest_access *accesses, unsigned count);
/* Wait until all that was posted is done. */
int qtest_sync(struct qtest *q);

#endif
