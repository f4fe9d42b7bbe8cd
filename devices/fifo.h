/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A byte queue in host memory, bounded: bytes go in at the end, or are put back
 * at the front, and come out in order.
 *
 * It grows by doubling up to its limit, and is as small as at first once it is
 * empty; what does not fit is refused whole.  Bytes become visible only when they
 * are committed, so that a writer whose source fails leaves nothing behind.
 */
#ifndef VRINGER_DEVICES_FIFO_H
#define VRINGER_DEVICES_FIFO_H

#include "device.h"

struct fifo {
	const struct device_host *host;
	uint8_t *bytes; /* `size` of them, a ring */
	uint32_t size;	/* a power of two, or 0 */
	uint32_t limit; /* a power of two: size never passes it */
	uint32_t start; /* of the first byte */
	uint32_t len;
};

/* Empty.  `limit`: bytes, a power of two of 4096 at least.  `host` must outlive
 * it. */
void fifo_init(struct fifo *fifo, const struct device_host *host, uint32_t limit);
void fifo_release(struct fifo *fifo);

static inline uint32_t fifo_room(const struct fifo *fifo)
{
	return fifo->limit - fifo->len;
}

/* Room for `len` more bytes at either end.  0, -ENOSPC beyond the limit, or
 * -ENOMEM; what is in it stays. */
int fifo_reserve(struct fifo *fifo, uint32_t len);

/* Where the byte `ahead` places behind the last one goes: *len is how many fit
 * there in one piece.  fifo_reserve was asked for more than `ahead`. */
uint8_t *fifo_tail(struct fifo *fifo, uint32_t ahead, uint32_t *len);
/* The first `len` bytes written to the tail belong to it now. */
void fifo_commit(struct fifo *fifo, uint32_t len);

/* The byte at `ahead` from the front, which is there; *len: as fifo_tail. */
const uint8_t *fifo_head(const struct fifo *fifo, uint32_t ahead, uint32_t *len);
/* Forget the first `len` bytes, which are there; with 0 bytes: what was reserved for
 * nothing. */
void fifo_drop(struct fifo *fifo, uint32_t len);

/* Whole or not at all: 0, or what fifo_reserve says. */
int fifo_append(struct fifo *fifo, const void *data, uint32_t len);
int fifo_put_back(struct fifo *fifo, const void *data, uint32_t len);
/* Could a fifo have that ring, so many bytes from `start` on? */
bool fifo_shape_possible(const struct fifo *fifo, uint32_t size, uint32_t start, uint32_t len);
/* An empty fifo without memory becomes one of that shape, which is possible, with
 * these bytes: whoever takes them, piece by piece, gets the same pieces.  0 or
 * -ENOMEM. */
int fifo_restore(struct fifo *fifo, uint32_t size, uint32_t start, const void *data, uint32_t len);
/* Up to `max` bytes from the front; the number of bytes. */
uint32_t fifo_take(struct fifo *fifo, void *buf, uint32_t max);

#endif
