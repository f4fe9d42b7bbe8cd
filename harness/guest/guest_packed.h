/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The driver's side of a packed ring (VIRTIO 2.8), under the operations that a program has
 * for a split one, so that they mean the same on both.
 *
 * The driver keeps a descriptor table and a used ring to itself.  `desc`, `set_desc` and
 * `chain` write to that table; to publish a head is to put its chain into the next entries
 * of the ring, with the head for the buffer's id; what the device used is moved to that used
 * ring, in its order, before anything is looked up there or written over.
 *
 * A chain that leaves the table or goes round ends where the ring does, or in an entry that
 * is not available: what a program gets wrong the driver gets wrong.  `packed_desc` and
 * `packed_move` get wrong what a table cannot: the bits of AVAIL and USED, places, and ids.
 *
 * Without meaning here, and without effect: the available index and entries as such.
 */
#ifndef VRINGER_HARNESS_GUEST_PACKED_H
#define VRINGER_HARNESS_GUEST_PACKED_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/program/program.h"

struct guest;

#define GUEST_QUEUE_SIZE_MAX 256u  /* entries that a queue's default place has room for */
#define GUEST_QUEUE_SIZE_SMALL 16u /* ... from queue PROGRAM_QUEUES_LOW on */

/* Entries of the tables of all queues. */
#define GUEST_PACKED_ENTRIES                                                                       \
	(PROGRAM_QUEUES_LOW * GUEST_QUEUE_SIZE_MAX +                                               \
	 (PROGRAM_QUEUES - PROGRAM_QUEUES_LOW) * GUEST_QUEUE_SIZE_SMALL)

/* Of a queue: where the driver is. */
struct guest_packed_queue {
	bool avail_wrap, used_wrap;
	uint16_t avail_slot; /* the next to make available */
	uint16_t used_slot;  /* where the device returns the next */
	uint16_t used_idx;   /* of the driver's own used ring */
};

/* A chain that came back. */
struct guest_used {
	uint32_t id, len;
	bool skipped; /* in order, a later one stood for it: nobody says how many bytes (len 0) */
};

struct guest_packed {
	struct vring_desc desc[GUEST_PACKED_ENTRIES]; /* in the machine's byte order */
	/* By buffer id: entries of the ring, and how often it was published and did not come
	 * back. */
	uint16_t entries[GUEST_PACKED_ENTRIES], held[GUEST_PACKED_ENTRIES];
	uint16_t order[GUEST_PACKED_ENTRIES]; /* buffer ids, by position */
	/* Own used rings; of split queues in order, too (guest_in_order.c). */
	struct guest_used used[GUEST_PACKED_ENTRIES];
	uint64_t touched; /* queues that are not as new, a bit each */
};

/* Of every queue, before a program. */
void guest_packed_reset(struct guest *g);
/* The queue is set up, with a packed ring; or, in order, with a split one. */
void guest_packed_start(struct guest *g, unsigned queue);
/* Its own table: NULL beyond it. */
struct vring_desc *guest_packed_desc(struct guest *g, unsigned queue, uint64_t index);
void guest_packed_publish(struct guest *g, unsigned queue, uint16_t head);
/* The index of its own used ring, and the entry at `idx`, which that has passed. */
uint16_t guest_packed_used_idx(struct guest *g, unsigned queue);
struct guest_used guest_packed_used(const struct guest *g, unsigned queue, uint16_t idx);
/* In order: the buffer of that id came back.  Those that were published before it are moved
 * to the own used ring, up to `most` with itself, and it comes behind them; of a packed ring,
 * the number of entries that all of these take, else 0. */
uint32_t guest_in_order_used(struct guest *g, unsigned queue, struct guest_used used,
			     uint16_t most);
/* ... of a split ring: all that the used index has passed. */
void guest_in_order_reap(struct guest *g, unsigned queue);
/* For these: where in the arrays of struct guest_packed a position, or an id, is. */
uint32_t guest_packed_index(unsigned queue, uint16_t position);
/* Of a packed ring, a chain of that id came back: the entries that it took. */
uint32_t guest_packed_back(struct guest *g, unsigned queue, uint16_t id);
/* What the driver says of events. */
void guest_packed_event(struct guest *g, unsigned queue, uint16_t off_wrap, uint16_t flags);
/* The same of the entry that the device uses next, or so many later, as an offset there. */
uint16_t guest_packed_event_at(struct guest *g, unsigned queue, int16_t step);

#endif
