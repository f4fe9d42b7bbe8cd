/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The driver's side of a packed ring; guest_packed.h says what that means.
 *
 * It never fails: what falls into a hole is lost, as on a real machine.
 */
#include "devices/ring.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>
#include <string.h>

#define USED_BITS (RING_PACKED_AVAIL | RING_PACKED_USED)

static uint32_t first_of(unsigned queue)
{
	return queue < PROGRAM_QUEUES_LOW
		       ? queue * GUEST_QUEUE_SIZE_MAX
		       : PROGRAM_QUEUES_LOW * GUEST_QUEUE_SIZE_MAX +
				 (queue - PROGRAM_QUEUES_LOW) * GUEST_QUEUE_SIZE_SMALL;
}

uint32_t guest_packed_index(unsigned queue, uint16_t position)
{
	return first_of(queue) + position % guest_queue_room(queue);
}

static void forget(struct guest *g, unsigned queue)
{
	uint32_t first = first_of(queue), room = guest_queue_room(queue);

	memset(g->packed.desc + first, 0, room * sizeof(*g->packed.desc));
	memset(g->packed.used + first, 0, room * sizeof(*g->packed.used));
	memset(g->packed.entries + first, 0, room * sizeof(*g->packed.entries));
	memset(g->packed.order + first, 0, room * sizeof(*g->packed.order));
}

void guest_packed_reset(struct guest *g)
{
	for (unsigned i = 0; g->packed.touched >> i != 0; i++)
		if ((g->packed.touched >> i & 1) != 0)
			forget(g, i);
	g->packed.touched = 0;
}

void guest_packed_start(struct guest *g, unsigned queue)
{
	struct guest_queue *q = &g->queues[queue];

	/* The table keeps what it has, as one in memory does. */
	g->packed.touched |= 1ULL << queue;
	q->packed_at = (struct guest_packed_queue){ .avail_wrap = true, .used_wrap = true };
	if (!q->packed)
		return;
	arena_fill(&g->arena, q->ring[VIRTQUEUE_DESC],
		   ring_size(&ring_packed, VIRTQUEUE_DESC, q->size), 0);
}

struct vring_desc *guest_packed_desc(struct guest *g, unsigned queue, uint64_t index)
{
	return index < guest_queue_room(queue) ? &g->packed.desc[first_of(queue) + index] : NULL;
}

static uint64_t entry_at(const struct guest_queue *q, uint16_t slot)
{
	return q->ring[VIRTQUEUE_DESC] + ring_at(&ring_packed, GUEST_PACKED_DESC, 0, slot);
}

static void go_on(uint16_t *slot, bool *wrap, uint16_t size, uint32_t entries)
{
	uint32_t next = *slot + entries;

	/* An id that the device made up may stand for more than there are. */
	*wrap ^= next / size % 2 != 0;
	*slot = (uint16_t)(next % size);
}

/* The driver looks behind a chain that came back: how many entries that took. */
static uint32_t take_back(struct guest *g, unsigned queue, struct guest_used used)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;

	if (q->in_order)
		return guest_in_order_used(g, queue, used, (uint16_t)(q->avail_idx - at->used_idx));
	g->packed.used[guest_packed_index(queue, at->used_idx++)] = used;
	return g->packed.entries[guest_packed_index(queue, (uint16_t)used.id)];
}

/* Move what the device used to the driver's own used ring.  Nothing is used that was not
 * published, and each takes an entry at least. */
static void reap(struct guest *g, unsigned queue)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;

	for (uint32_t i = 0; i < q->size && at->used_idx != q->avail_idx; i++) {
		struct vring_packed_desc desc;
		uint32_t entries;
		uint16_t flags;

		arena_load(&g->arena, entry_at(q, at->used_slot), &desc, sizeof(desc));
		flags = le16toh(desc.flags);
		if ((flags & USED_BITS) != (at->used_wrap ? USED_BITS : 0))
			return;
		/* Without WRITE the length means nothing (2.8.4). */
		entries = take_back(g, queue,
				    (struct guest_used){ .id = le16toh(desc.id),
							 .len = flags & VRING_DESC_F_WRITE
									? le32toh(desc.len)
									: 0 });
		go_on(&at->used_slot, &at->used_wrap, q->size, entries != 0 ? entries : 1);
	}
}

static void put(struct guest *g, unsigned queue, const struct vring_desc *desc, uint16_t id,
		uint16_t slot, bool wrap)
{
	const struct vring_packed_desc le = {
		.addr = htole64(desc->addr),
		.len = htole32(desc->len),
		.id = htole16(id),
		.flags = htole16((uint16_t)((desc->flags & ~USED_BITS) |
					    (wrap ? RING_PACKED_AVAIL : RING_PACKED_USED))),
	};

	arena_store(&g->arena, entry_at(&g->queues[queue], slot), &le, sizeof(le));
}

void guest_packed_publish(struct guest *g, unsigned queue, uint16_t head)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;
	const struct vring_desc *first = guest_packed_desc(g, queue, head), *desc = first;
	uint16_t slot = at->avail_slot;
	bool wrap = at->avail_wrap;
	uint32_t count = 0;

	if (first == NULL || q->size == 0)
		return;
	reap(g, queue);
	while (desc != NULL && count < q->size) {
		bool more = (desc->flags & VRING_DESC_F_NEXT) != 0;

		/* The first is made available when the rest is there. */
		if (count++ > 0)
			put(g, queue, desc, more ? (uint16_t)~head : head, slot, wrap);
		go_on(&slot, &wrap, q->size, 1);
		desc = more ? guest_packed_desc(g, queue, desc->next) : NULL;
	}
	/* Only the last tells which buffer it is (2.8.6): the others say another one. */
	put(g, queue, first, first->flags & VRING_DESC_F_NEXT ? (uint16_t)~head : head,
	    at->avail_slot, at->avail_wrap);
	g->packed.entries[guest_packed_index(queue, head)] = (uint16_t)count;
	g->packed.order[guest_packed_index(queue, q->avail_idx)] = head;
	at->avail_slot = slot;
	at->avail_wrap = wrap;
	q->avail_idx++;
}

uint16_t guest_packed_used_idx(struct guest *g, unsigned queue)
{
	reap(g, queue);
	return g->queues[queue].packed_at.used_idx;
}

struct guest_used guest_packed_used(const struct guest *g, unsigned queue, uint16_t idx)
{
	return g->packed.used[guest_packed_index(queue, idx)];
}

void guest_packed_event(struct guest *g, unsigned queue, uint16_t off_wrap, uint16_t flags)
{
	const struct vring_packed_desc_event event = { htole16(off_wrap), htole16(flags) };

	arena_store(&g->arena,
		    g->queues[queue].ring[VIRTQUEUE_DRIVER] +
			    ring_at(&ring_packed, GUEST_DRIVER_EVENT, 0, 0),
		    &event, sizeof(event));
}
