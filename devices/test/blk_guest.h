/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the tests of the block device share: a guest that sends requests, and a disk which fails, is
 * short, or finishes later, as it is told.
 *
 * Every byte of sector s of a new disk is s + 1.
 */
#ifndef VRINGER_DEVICES_TEST_BLK_GUEST_H
#define VRINGER_DEVICES_TEST_BLK_GUEST_H

#include <errno.h>

#include "../blk.h"
#include "net_guest.h"

#define SECTORS 128u
#define HEADER (BASE + BLK_QUEUE_COUNT * RINGS)
#define DATA (HEADER + 0x100u)
#define STATUS (DATA + 0x8000u)
#define F(bit) (UINT64_C(1) << VIRTIO_BLK_F_##bit)
#define ALL                                                                                        \
	(UINT64_C(1) << VIRTIO_F_VERSION_1 | F(FLUSH) | F(MQ) | F(DISCARD) | F(WRITE_ZEROES) |     \
	 F(CONFIG_WCE))
#define LATER 16u

struct fake_call {
	char verb; /* 'r', 'w', 'f', 'd', 'z' */
	bool unmap;
	uint64_t tag, offset, len;
	void *buf;
};

struct fake_disk {
	uint8_t bytes[SECTORS * BLK_SECTOR];
	bool both;	     /* each call is completed from within, and its result said as well */
	bool late;	     /* calls finish later */
	bool stuck;	     /* ... even if they should finish now */
	int64_t results[32]; /* of the next calls; INT64_MAX: all that is asked */
	unsigned result_count, result_next;
	unsigned calls, flushes, cancels, finishes;
	struct fake_call last;
	struct fake_call later[LATER]; /* in progress, oldest first */
	unsigned later_count;
};

extern struct fake_queue blk_q[BLK_QUEUE_COUNT];
extern struct fake_disk disk;
extern const struct blk_backend blk_guest_backend;

/* A device with those features offered, and its disk; the driver accepts `features`. */
void blk_guest_new(uint64_t offered);
void blk_guest_start(uint64_t features);
int blk_guest_setup(void **state);

/* The header of the request that is sent next, `extra` bytes of `more` behind it. */
void blk_head(uint32_t type, uint64_t sector);
void blk_segment(unsigned index, uint64_t sector, uint32_t sectors, uint32_t flags);
/* Send it, as descriptors `at` to `at` + 3 of a queue: header, `in` bytes of DATA, `out` bytes of
 * room at DATA, a status byte. */
void blk_send(unsigned queue, uint16_t at, uint32_t in, uint32_t out);
/* The same, which has to be answered at once: with that status and all bytes counted. */
void blk_ask(uint32_t type, uint64_t sector, uint32_t in, uint32_t out, uint8_t status);
/* Finish call `index` of those that are in progress: do it, and say `result`; INT64_MAX: all. */
void blk_finish(unsigned index, int64_t result);

#endif
