/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtqueue, seen from the device: take what the driver made available, walk
 * its descriptors, give it back.  The format is what was negotiated, and models do
 * not know which: virtqueue_split.c has the split ring, virtqueue_packed.c the packed.
 *
 * Split:
 *
 *     area[DRIVER] ("avail", driver writes)      area[DEVICE] ("used", device writes)
 *     +0  le16 flags                             +0  le16 flags
 *     +2  le16 idx ---------.                    +2  le16 idx ----------.
 *     +4  le16 ring[size]   |                    +4  {le32 id, le32 len}|
 *          +---+---+---+---+v--+                      ring[size]        |
 *          | 3 | 0 | 5 |   |   |                  +-----+-----+-----+---v-+
 *          +---+---+-|-+---+---+                  | 3,0 | 0,9 |     |     |
 *            ^       |   ^                        +-----+-----+-----+-----+
 *            |       |   next_avail: first one                ^
 *            |       |   not taken yet            next_used: where the next goes
 *     taken -'       v
 *     area[DESC]  +------+------+------+------+------+------+
 *     le64 addr   |  0   |  1   |  2   |  3   |  4   |  5 --+--.
 *     le32 len    |      |  <---+------+------+------+------+--'  next
 *     le16 flags  |      | end  |      |      |      |      |
 *     le16 next   +------+------+------+------+------+------+
 *
 * Packed: one ring in area[DESC], which both sides write to; a chain takes as many
 * entries in a row as it has descriptors, and its used descriptor one place, behind which
 * the device skips as many.
 *
 *                   used_slot            avail_slot
 *                       v                    v
 *     le64 addr  +------+------+------+------+------+
 *     le32 len   | used | chain of 2  |  1   | free |    at the end of the ring each goes on
 *     le16 id    |      |      |      |      |      |    at its start, and its wrap counter
 *     le16 flags +------+------+------+------+------+    turns over
 *
 * next_avail and next_used run freely modulo 2^16, and count chains; the place in a split
 * ring is the index modulo the queue size.
 *
 * The contract:
 *  - Guest memory is read once and the copy is used: a descriptor is copied by
 *    virtqueue_chain_next, and no descriptor is read twice for one chain.  The exception
 *    is a loop among entries of an indirect table that lie behind its first `size`: the
 *    chain's length ends it.
 *  - Nothing is touched while the queue is not ready, or is poisoned.  That the
 *    device is live (DRIVER_OK) is for the caller to know.
 *  - A chain is at most `size` buffers long, and no more descriptors are read for it, but
 *    one that names a table.
 *  - Addresses never wrap: a part of a ring beyond 2^64 cannot be accessed.
 *  - Buffers are not looked at: what addr, len and direction mean, and whether
 *    addr + len fits, is for the model.
 *
 *  - Where VIRTIO_F_INDIRECT_DESC was negotiated, a chain may end in a descriptor that names
 *    a table of its own; otherwise one is a malformed chain, as is a table in a table, one
 *    that goes on behind it, or one that is no whole number of descriptors.
 *  - Where VIRTIO_F_EVENT_IDX was negotiated, avail_event is what was taken whenever the
 *    queue was found empty, and used_event says whether to interrupt.
 *  - Where VIRTIO_F_IN_ORDER was negotiated, chains that have no device-writable buffers and
 *    come back one after the other in a call are one batch, for which the last one's used
 *    entry stands.  A model returns the chains of a queue in the order in which it popped
 *    them.  After a return that could not be written there is no order any more: what comes
 *    after it is not returned, and the next virtqueue_pop poisons the queue.
 *
 * What it refuses to do: anything about policy.  It counts nothing and raises no interrupt.
 *
 * VIRTIO 1.4, 2.7 (split virtqueues), 2.7.5.3 (indirect tables), 2.7.7, 2.7.10 (events),
 * 2.7.9, 2.8.8 (in order), 2.8 (packed virtqueues).
 */
#ifndef VRINGER_DEVICES_VIRTQUEUE_H
#define VRINGER_DEVICES_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "ring.h"
#include "virtio_1_4.h"

/* Chains that come back together, in order: the used entry of the last. */
struct virtqueue_batch {
	uint16_t count; /* 0: none waits to be written */
	uint16_t head, walk;
	uint32_t slots; /* of a packed ring: entries that they take */
};

struct virtqueue {
	const struct device_host *host;
	uint64_t area[VIRTQUEUE_AREA_COUNT];
	/* Of the chain being walked, one at a time: one bit per descriptor that is already
	 * part of it; of a packed ring, copies of its descriptors.  Room for
	 * virtqueue_scratch_size() bytes. */
	uint8_t *seen;
	uint16_t index;	     /* which queue of the device this is */
	uint16_t size_max;   /* what QueueNumMax says */
	uint16_t size;	     /* a power of two, at most size_max */
	uint16_t next_avail; /* free-running */
	uint16_t next_used;  /* free-running */
	uint16_t lost;	     /* chains whose completion could not be written, mod 2^16 */
	bool ready;
	bool poisoned; /* not walked again until reset */
	bool moved;    /* the used idx moved since virtqueue_wants_interrupt */
	/* Its driver reset it alone and has not made it ready since: the transport's. */
	bool renewed;
	/* Negotiated, when it became ready. */
	bool indirect, event_idx, packed, in_order;
	struct virtqueue_batch batch; /* of this call of the device */
	/* Of a packed ring: */
	bool avail_wrap, used_wrap;
	uint16_t avail_slot; /* where the next chain is to be, below size */
	uint16_t used_slot;  /* where the next is returned to */
	uint32_t used_slots; /* entries that it went on by since virtqueue_wants_interrupt */
	uint16_t told; /* with event_idx, split: the used idx at the last virtqueue_wants_interrupt
			*/
};

/* What a snapshot says of a queue. */
struct snapshot_queue {
	uint64_t area[VIRTQUEUE_AREA_COUNT];
	uint16_t size, next_avail, next_used, lost;
	/* Of a packed ring, as virtqueue_cursor; else 0. */
	uint16_t avail_cursor, used_cursor;
	bool ready, poisoned, renewed;
	size_t cursors_at; /* byte of the input, to say where it is wrong */
};

/* Chains that were taken and neither returned nor lost: the model has them. */
static inline uint16_t snapshot_queue_held(const struct snapshot_queue *q)
{
	return (uint16_t)(q->next_avail - q->next_used - q->lost);
}

/* A chain that was taken from the available ring.  Opaque but for `head`. */
struct virtqueue_chain {
	struct virtqueue *vq;
	uint16_t head;	/* of a packed ring: the buffer's id */
	uint16_t walk;	/* position in the available ring, free-running */
	uint16_t slots; /* of a packed ring: entries that it takes */
	uint16_t next;	/* descriptor to read next, if `more` */
	uint16_t left;	/* buffers that it may still have */
	bool more;
	bool whole;	     /* it was walked to its end, */
	bool writable;	     /* ... and this far there was a buffer for the device to write */
	bool in_table;	     /* `next` is in an indirect table, */
	uint64_t table;	     /* which is there */
	uint32_t table_size; /* and has so many entries */
};

/* A descriptor's copy, in host byte order. */
struct virtqueue_buffer {
	uint64_t addr;
	uint32_t len;
	bool writable; /* by the device */
};

/* Bytes that `seen` needs for queues of at most `size_max` entries: bits of the queue's own
 * table, and as many of an indirect one. */
static inline size_t virtqueue_seen_size(uint16_t size_max)
{
	return ((size_t)size_max + 7) / 8 * 2;
}

/* ... and all of it, if packed rings are among what `offered` lets be negotiated. */
static inline size_t virtqueue_scratch_size(uint16_t size_max, uint64_t offered)
{
	return ring_is_packed(offered) ? (size_t)size_max * sizeof(struct vring_packed_desc)
				       : virtqueue_seen_size(size_max);
}

/* `vq` becomes queue `index` as it is after reset. `host` and `seen` must
 * outlive it. size_max is not 0; `seen` has room for virtqueue_scratch_size of it. */
void virtqueue_init(struct virtqueue *vq, const struct device_host *host, uint16_t index,
		    uint16_t size_max, uint8_t *seen);

/* Forget all that the driver and earlier walks set. The size is then the largest
 * power of two that size_max allows. */
void virtqueue_reset(struct virtqueue *vq);

/* Every ring takes these features, whatever the model. */
#define VIRTQUEUE_FEATURES                                                                         \
	(UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX |     \
	 UINT64_C(1) << VIRTIO_F_RING_PACKED | UINT64_C(1) << VIRTIO_F_IN_ORDER |                  \
	 UINT64_C(1) << VIRTIO_F_RING_RESET)

/* Offset of an entry of a packed ring and the wrap counter, as 2.8.14 has them. */
static inline uint16_t virtqueue_cursor(uint16_t slot, bool wrap)
{
	return (uint16_t)(slot | (wrap ? RING_EVENT_WRAP : 0));
}

/* Entries from one cursor to another that is not behind it, at most one ring further. */
static inline uint32_t virtqueue_distance(uint16_t from, uint16_t to, uint16_t size)
{
	uint32_t lap = (from ^ to) & RING_EVENT_WRAP ? size : 0;

	return (to & (RING_EVENT_WRAP - 1u)) + lap - (from & (RING_EVENT_WRAP - 1u));
}

/* `features` were negotiated for good; cursors, areas and size are set.  Not within a call of
 * the device. */
void virtqueue_negotiated(struct virtqueue *vq, uint64_t features);

/* May the queue be walked: ready and not poisoned. */
static inline bool virtqueue_usable(const struct virtqueue *vq)
{
	return vq->ready && !vq->poisoned;
}

/* Take the next available chain; the avail idx is read afresh.
 *  1         `chain` is set up; the caller owes a virtqueue_push.
 *  0         nothing there, or the queue is not usable.
 *  -EBADMSG  the available ring makes no sense (idx more than `size` ahead of
 *            what was taken, a head that is not below `size`; a packed chain that
 *            goes on in an entry that is not available or that the device has) or
 *  -EFAULT   cannot be read.  In both cases the queue has just been poisoned;
 *            this is said once, the caller counts and signals it. */
int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain);

/* The next descriptor of a chain that was popped last from its queue.
 *  1         `buffer` is set.
 *  0         the chain has ended.
 *  -EBADMSG  the chain is torn: next out of range, a loop, more descriptors than the queue
 *            has, or an indirect table that must not be there or be so.  Of what
 *            virtqueue_pop has already seen of a packed ring, the last alone.
 *  -EFAULT   the descriptor cannot be read.
 * After anything but 1 the walk is over, and 0 comes from then on. */
int virtqueue_chain_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer);

/* Return a chain to the driver with `len` bytes written.  0, -EFAULT if the used
 * ring could not be written (the used idx has not moved), or -ESHUTDOWN if the
 * queue is not usable any more (nothing was touched).  With in_order: -EFAULT if one before
 * it could not; and 0 if it waits for others of its batch, which virtqueue_wants_interrupt
 * writes out at the latest. */
int virtqueue_push(struct virtqueue *vq, const struct virtqueue_chain *chain, uint32_t len);

/* Whether the driver wants to hear of used-idx moves since this was last asked.
 * To be called after the last move of a device call, of every queue.  Reads the avail flags, or
 * used_event; if that cannot be read, or the queue is no longer usable and so must not be touched,
 * the answer is yes, which at worst is a spurious interrupt. */
bool virtqueue_wants_interrupt(struct virtqueue *vq);

/* What an access to the buffers of `chain` is for. */
static inline struct guest_why virtqueue_payload(const struct virtqueue_chain *chain)
{
	return (struct guest_why){
		.purpose = GUEST_PAYLOAD,
		.queue = chain->vq->index,
		.walk = chain->walk,
	};
}

#endif
