/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A descriptor chain as one run of bytes: what every model does between
 * virtqueue_pop and virtqueue_push.
 *
 * The descriptors are copied first and judged as a whole; from then on only the
 * copies are used.  An empty buffer is legal anywhere: its address is not looked
 * at, and it takes no part in what follows.
 *
 * What it refuses: buffers in another direction or order than asked for.  How many bytes are too
 * few or too many is for the model, and so is the counting.
 *
 * VIRTIO 1.4, 2.7.4 (message framing), 2.7.5 (descriptors).
 */
#ifndef VRINGER_DEVICES_CHAIN_H
#define VRINGER_DEVICES_CHAIN_H

#include "virtqueue.h"

/* A position in a chain's buffers.  Nothing may be taken beyond the total that
 * chain_collect reported. */
struct chain_cursor {
	const struct virtqueue_buffer *buffer;
	uint32_t used; /* bytes of `buffer` */
};

/* Copy the descriptors of a chain that was just popped to `buffers`, which has
 * room for as many as the queue has entries; `total` is their bytes, at most
 * 2^15 * 2^32, so it cannot overflow.
 *  0         a chain of buffers that are all device-writable, or all not, as
 *            `writable` says, and none of which passes 2^64.
 *  -EBADMSG  it is not, or it is torn.
 *  -EFAULT   a descriptor cannot be read. */
int chain_collect(struct virtqueue_chain *chain, bool writable, struct virtqueue_buffer *buffers,
		  uint64_t *total);

/* The same of a request with its answer: device-readable buffers, then
 * device-writable ones (VIRTIO 2.7.4.2), either of which may be missing.  The
 * first `*in_count` of `buffers` are the readable ones, `*in` and `*out` the bytes
 * of each kind.  Returns as chain_collect does; -EBADMSG for another order. */
int chain_collect_request(struct virtqueue_chain *chain, struct virtqueue_buffer *buffers,
			  unsigned *in_count, uint64_t *in, uint64_t *out);

/* The next `len` bytes into `buf`: 0, or -EFAULT and what is in `buf` is not
 * defined. */
int chain_read(const struct virtqueue_chain *chain, struct chain_cursor *at, void *buf,
	       uint32_t len);

/* `buf` into the next `len` bytes; returns how many were written before an access
 * failed. */
uint32_t chain_write(const struct virtqueue_chain *chain, struct chain_cursor *at, const void *buf,
		     uint32_t len);

/* Zero the first `len` bytes of a chain whose buffers these are.  A piece that
 * cannot be written does not keep the others. */
void chain_clear(const struct virtqueue_chain *chain, const struct virtqueue_buffer *buffers,
		 uint32_t len);

#endif
