/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A chain that a model keeps from one call to the next, in a snapshot.
 *
 *   u16 head, of a packed ring u16 entries, u16 buffers, u64 address and u32 length each
 *
 * What it refuses: a chain of a queue of which none is held, a head, entries or buffers that the
 * queue cannot have, a buffer that passes 2^64.
 *
 * VIRTIO 1.4, 2.7.5, 2.8.6.
 */
#ifndef VRINGER_DEVICES_SNAPSHOT_CHAIN_H
#define VRINGER_DEVICES_SNAPSHOT_CHAIN_H

#include "snapshot_codec.h"
#include "virtqueue.h"

/* A chain that was walked to its end: its buffers, of one direction, up to the last one that
 * has bytes, `total` of them. */
void snapshot_put_chain(struct snapshot_out *out, const struct virtqueue_chain *chain,
			const struct virtqueue_buffer *buffers, uint64_t total);
/* The one that was taken last from `vq`, and the only one that is held of it.  What is wrong is
 * said of the byte before, which told that there is one.  Into `chain` and `buffers`, which are
 * `writable` or not, and mean nothing to the device before it takes over that it has a chain.
 * How many bytes they have: a chain that waits to be written has some. */
uint64_t snapshot_get_chain(struct snapshot_in *in, const struct snapshot_view *view,
			    struct virtqueue *vq, bool writable, struct virtqueue_chain *chain,
			    struct virtqueue_buffer *buffers);

#endif
