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
	memset(g->packed.held + first, 0, room * sizeof(*g->packed.held));
}

void guest_packed_reset(struct guest *g)
{
	for (unsigned i = 0; i < PROGRAM_QUEUES && g->packed.touched >> i != 0; i++)
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
	/* Chains of before are gone. */
	memset(g->packed.held + first_of(queue), 0,
	       guest_queue_room(queue) * sizeof(*g->packed.held));
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

/* As bits of a descriptor that the driver makes available there (2.8.1). */
static uint16_t avail_bits(bool wrap)
{
	return wrap ? RING_PACKED_AVAIL : RING_PACKED_USED;
}

static void go_on(uint16_t *slot, bool *wrap, uint16_t size, uint32_t entries)
{
	uint32_t next = *slot + entries;

	/* An id that the device made up may stand for more than there are. */
	*wrap ^= next / size % 2 != 0;
	*slot = (uint16_t)(next % size);
}

/* Or back: places come again after two laps. */
static void place_move(uint16_t *slot, bool *wrap, uint16_t size, int64_t entries)
{
	int32_t laps = 2 * size, ahead = (int32_t)(entries % laps);

	go_on(slot, wrap, size, (uint32_t)(ahead < 0 ? ahead + laps : ahead));
}

/* That id is back, of a packed ring: how many entries its chain took. */
uint32_t guest_packed_back(struct guest *g, unsigned queue, uint16_t id)
{
	uint32_t index = guest_packed_index(queue, id);

	if (g->packed.held[index] > 0)
		g->packed.held[index]--;
	return g->packed.entries[index];
}

/* The driver looks behind a chain that came back: how many entries that took. */
static uint32_t take_back(struct guest *g, unsigned queue, struct guest_used used)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;

	if (q->in_order)
		return guest_in_order_used(g, queue, used, (uint16_t)(q->avail_idx - at->used_idx));
	g->packed.used[guest_packed_index(queue, at->used_idx++)] = used;
	return guest_packed_back(g, queue, (uint16_t)used.id);
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
		entries = take_back(
			g, queue,
			(struct guest_used){ .id = le16toh(desc.id),
					     .len = flags & VRING_DESC_F_WRITE ||
								    g->target->packed_as_linux
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
		.flags = htole16((uint16_t)((desc->flags & ~USED_BITS) | avail_bits(wrap))),
	};

	arena_store(&g->arena, entry_at(&g->queues[queue], slot), &le, sizeof(le));
}

void guest_packed_publish(struct guest *g, unsigned queue, uint16_t head)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;
	const struct vring_desc *first = guest_packed_desc(g, queue, head), *desc = first;
	/* Only the last tells which buffer it is (2.8.6): the others say another one. */
	uint16_t other = g->target->packed_as_linux ? head : (uint16_t)~head;
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
			put(g, queue, desc, more ? other : head, slot, wrap);
		go_on(&slot, &wrap, q->size, 1);
		desc = more ? guest_packed_desc(g, queue, desc->next) : NULL;
	}
	put(g, queue, first, first->flags & VRING_DESC_F_NEXT ? other : head, at->avail_slot,
	    at->avail_wrap);
	/* Of two chains of one id, of different length, the driver cannot tell how far to skip:
	 * it loses its place, and that is no fault of the device. */
	if (g->packed.held[guest_packed_index(queue, head)]++ > 0 &&
	    g->packed.entries[guest_packed_index(queue, head)] != count)
		requests_excuse(&g->requests);
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

/* The list that ends there began where the driver is: so many entries go with that id, unless
 * the next one says more. */
void guest_put_entry(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[PACKED_DESC_QUEUE];
	const struct guest_queue *q = &g->queues[queue];
	int64_t entry = (int64_t)op->value[PACKED_DESC_ENTRY];
	uint16_t slot = q->packed_at.avail_slot, id = (uint16_t)op->value[PACKED_DESC_ID];
	bool wrap = q->packed_at.avail_wrap;
	struct vring_packed_desc le;

	(void)prog;
	if (!q->packed || q->size == 0)
		return;
	place_move(&slot, &wrap, q->size, entry);
	le = (struct vring_packed_desc){
		.addr = htole64(
			guest_addr(g, op->base[PACKED_DESC_ADDR], op->value[PACKED_DESC_ADDR])),
		.len = htole32((uint32_t)op->value[PACKED_DESC_LEN]),
		.id = htole16(id),
		.flags = htole16((uint16_t)(op->value[PACKED_DESC_FLAGS] ^ avail_bits(wrap))),
	};
	arena_store(&g->arena, entry_at(q, slot), &le, sizeof(le));
	if (entry >= 0 && entry < q->size)
		g->packed.entries[guest_packed_index(queue, id)] = (uint16_t)(entry + 1);
}

void guest_move(struct guest *g, const struct program *prog, const struct op *op)
{
	struct guest_queue *q = &g->queues[op->value[PACKED_MOVE_QUEUE]];
	int64_t entries = (int64_t)op->value[PACKED_MOVE_ENTRIES];

	(void)prog;
	if (!q->packed || q->size == 0)
		return;
	place_move(&q->packed_at.avail_slot, &q->packed_at.avail_wrap, q->size, entries);
	q->packed_at.avail_wrap ^= op->value[PACKED_MOVE_FLIP] != 0;
	/* What the device uses of it is the driver's to take. */
	if (entries > 0)
		q->avail_idx++;
}

void guest_driver_event(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[DRIVER_EVENT_QUEUE];

	(void)prog;
	if (g->queues[queue].packed)
		guest_packed_event(g, queue, (uint16_t)op->value[DRIVER_EVENT_VALUE],
				   (uint16_t)op->value[DRIVER_EVENT_FLAGS]);
}

uint16_t guest_packed_event_at(struct guest *g, unsigned queue, int16_t step)
{
	const struct guest_queue *q = &g->queues[queue];
	uint16_t slot;
	bool wrap;

	reap(g, queue);
	slot = q->packed_at.used_slot;
	wrap = q->packed_at.used_wrap;
	if (q->size != 0)
		place_move(&slot, &wrap, q->size, step);
	return (uint16_t)(slot | (wrap ? RING_EVENT_WRAP : 0));
}
