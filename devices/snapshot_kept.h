/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What models keep from one call to the next, in a snapshot: a buffer of bytes, and a chain
 * that waits.
 *
 *   a buffer  u32 size of its ring, u32 start, u32 length, and the bytes in order
 *   a chain   u16 head, of a packed ring u16 entries, u16 buffers, u64 address and u32
 *             length each
 *
 * What it refuses: a buffer that the model cannot have, a chain of a queue from which no
 * chain is held, a head or more buffers than the queue can have, a buffer that passes 2^64.
 *
 * VIRTIO 1.4, 2.7.5, 2.8.6.
 */
#ifndef VRINGER_DEVICES_SNAPSHOT_KEPT_H
#define VRINGER_DEVICES_SNAPSHOT_KEPT_H

#include "fifo.h"
#include "snapshot_codec.h"
#include "virtqueue.h"

void snapshot_put_fifo(struct snapshot_out *out, const struct fifo *fifo);
/* With in->commit into `fifo`, which is empty; no memory is an error of `in`.  How many
 * bytes it holds. */
uint32_t snapshot_get_fifo(struct snapshot_in *in, struct fifo *fifo);

/* A chain that was walked to its end: its buffers, of one direction, up to the last one that
 * has bytes, `total` of them. */
void snapshot_put_chain(struct snapshot_out *out, const struct virtqueue_chain *chain,
			const struct virtqueue_buffer *buffers, uint64_t total);
/* The one that was taken last from `vq`, and the only one that is held of it.  What is wrong is
 * said of the byte before, which told that there is one.  With in->commit into `chain` and
 * `buffers`, which are `writable` or not.  How many bytes they have. */
uint64_t snapshot_get_chain(struct snapshot_in *in, const struct snapshot_view *view,
			    struct virtqueue *vq, bool writable, struct virtqueue_chain *chain,
			    struct virtqueue_buffer *buffers);

#endif
