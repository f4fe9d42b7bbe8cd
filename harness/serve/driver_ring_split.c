/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A split ring in a driver's memory (VIRTIO 2.7).  See driver_ring.h.
 */
#include "harness/serve/driver_ring_internal.h"

#include <linux/virtio_ring.h>
#include <string.h>

/* In words of 16 bits: flags, index, entries, event (VIRTIO 2.7.6, 2.7.8). */
#define AVAIL_FLAGS 0
#define AVAIL_IDX 1
#define AVAIL_RING 2
#define USED_FLAGS 0
#define USED_IDX 1
#define USED_RING 2
#define USED_WORDS (sizeof(struct vring_used_elem) / 2)

static void ask(struct driver_ring *ring)
{
	driver_ring_store(&ring->used[USED_RING + USED_WORDS * ring->setup.size], ring->next_avail);
}

static int open_ring(struct driver_ring *ring, const struct driver_memory *memory, char *why)
{
	const struct driver_ring_setup *setup = &ring->setup;
	/* The fields of events are there where they are used (2.7.6, 2.7.8). */
	uint64_t size = setup->size, event = setup->event_idx ? 2 : 0;

	if (size == 0 || size > DRIVER_RING_MAX || (size & (size - 1)) != 0)
		return driver_ring_fault(why,
					 "ring %u has %u entries, expected a power of two up to %u",
					 setup->queue, setup->size, DRIVER_RING_MAX);
	ring->desc = driver_ring_place(memory, setup->desc, size * sizeof(struct vring_desc), 16);
	ring->avail = driver_ring_place(memory, setup->avail, 4 + event + 2 * size, 2);
	ring->used = driver_ring_place(memory, setup->used,
				       4 + event + sizeof(struct vring_used_elem) * size, 4);
	if (ring->desc == NULL || ring->avail == NULL || ring->used == NULL)
		return driver_ring_fault(why, "the %s of ring %u is not in memory, or not aligned",
					 ring->desc == NULL    ? "descriptor table"
					 : ring->avail == NULL ? "available ring"
							       : "used ring",
					 setup->queue);
	ring->next_avail = ring->seen = (uint16_t)setup->base;
	ring->next_used = ring->told = driver_ring_load(&ring->used[USED_IDX]);
	driver_ring_store(&ring->used[USED_FLAGS], 0);
	if (setup->event_idx)
		ask(ring);
	return 0;
}

static int look(struct driver_ring *ring, char *why)
{
	uint16_t idx = driver_ring_load(&ring->avail[AVAIL_IDX]);
	uint16_t behind = (uint16_t)(ring->next_avail - idx);

	ring->behind = ring->setup.takes_back && behind <= ring->setup.size ? behind : 0;
	if (ring->behind > 0)
		idx = ring->next_avail;
	if ((uint16_t)(idx - ring->next_avail) > ring->setup.size)
		return driver_ring_fault(why,
					 "the available index of ring %u jumps from %u to %u, a "
					 "ring of %u",
					 ring->setup.queue, ring->next_avail, idx,
					 ring->setup.size);
	ring->seen = idx;
	return 0;
}

/* ---- chains ---------------------------------------------------------------------------- */

/* Where descriptors are read: the ring's table, or an indirect one. */
struct table {
	const struct driver_ring *ring;
	const struct driver_memory *memory;
	uint64_t addr; /* of an indirect one */
	bool indirect;
	uint32_t size;
};

static bool read_desc(const struct table *table, uint32_t index, struct driver_buffer *buffer,
		      uint16_t *next)
{
	struct vring_desc desc;
	uint64_t at = index * (uint64_t)sizeof(desc);

	if (!table->indirect)
		memcpy(&desc, table->ring->desc + at, sizeof(desc));
	else if (table->addr + at < table->addr ||
		 !driver_memory_read(table->memory, table->addr + at, &desc, sizeof(desc)))
		return false;
	*buffer = (struct driver_buffer){ .addr = le64toh(desc.addr),
					  .len = le32toh(desc.len),
					  .flags = le16toh(desc.flags),
					  .index = (uint16_t)index };
	*next = le16toh(desc.next);
	return true;
}

/* The buffers of one table, from `index` on, added to the chain. */
static int walk(const struct table *table, uint32_t index, struct driver_chain *chain, char *why)
{
	unsigned queue = table->ring->setup.queue;

	for (uint32_t steps = 0;; steps++) {
		struct driver_buffer buffer;
		uint16_t next;
		int err;

		/* A chain is no longer than its queue (2.7.5.2), nor is a table that is left
		 * only by its end. */
		if (steps == table->size || steps == table->ring->setup.size)
			return driver_ring_fault(
				why, "the chain %u of ring %u is a loop, or longer than %u",
				chain->head, queue, (unsigned)steps);
		if (index >= table->size)
			return driver_ring_fault(why, "descriptor %u of ring %u, in a table of %u",
						 index, queue, table->size);
		if (!read_desc(table, index, &buffer, &next))
			return driver_ring_fault(why,
						 "the indirect table of chain %u of ring %u is "
						 "not in memory",
						 chain->head, queue);
		if ((buffer.flags & VRING_DESC_F_INDIRECT) != 0 &&
		    (table->indirect || !table->ring->setup.indirect ||
		     (buffer.flags & VRING_DESC_F_NEXT) != 0))
			return driver_ring_fault(why,
						 "descriptor %u of ring %u is indirect where it "
						 "may not be",
						 index, queue);
		err = driver_ring_add(table->ring, table->memory, chain, &buffer, why);
		if (err != 0)
			return err;
		chain->indirect = chain->indirect || (buffer.flags & VRING_DESC_F_INDIRECT) != 0;
		if ((buffer.flags & VRING_DESC_F_NEXT) == 0)
			return 0;
		index = next;
	}
}

static int read_chain(const struct driver_ring *ring, const struct driver_memory *memory,
		      struct driver_chain *chain, char *why)
{
	struct table table = { .ring = ring, .memory = memory, .size = ring->setup.size };

	chain->head =
		driver_ring_load(&ring->avail[AVAIL_RING + ring->next_avail % ring->setup.size]);
	return walk(&table, chain->head, chain, why);
}

static int read_table(const struct driver_ring *ring, const struct driver_memory *memory,
		      struct driver_chain *chain, uint64_t addr, uint32_t count, char *why)
{
	struct table table = {
		.ring = ring, .memory = memory, .addr = addr, .indirect = true, .size = count
	};

	return walk(&table, 0, chain, why);
}

static void take(struct driver_ring *ring, unsigned direct)
{
	(void)direct;
	ring->next_avail++;
}

/* ---- used entries ---------------------------------------------------------------------- */

static void put(struct driver_ring *ring, uint16_t head, uint32_t len, unsigned direct)
{
	struct vring_used_elem entry = { .id = htole32(head), .len = htole32(len) };

	(void)direct;
	memcpy(&ring->used[USED_RING + USED_WORDS * (ring->next_used % ring->setup.size)], &entry,
	       sizeof(entry));
	ring->next_used++;
}

static void show(struct driver_ring *ring)
{
	driver_ring_store(&ring->used[USED_IDX], ring->next_used);
}

static uint16_t used_event(const struct driver_ring *ring)
{
	return driver_ring_load(&ring->avail[AVAIL_RING + ring->setup.size]);
}

static uint16_t flags(const struct driver_ring *ring)
{
	return driver_ring_load(&ring->avail[AVAIL_FLAGS]);
}

static bool wants(const struct driver_ring *ring, uint16_t old)
{
	if (ring->setup.event_idx)
		return vring_need_event(used_event(ring), ring->next_used, old) != 0;
	return (flags(ring) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}

static struct driver_ring_wish wish(const struct driver_ring *ring)
{
	if (!ring->setup.event_idx)
		return (struct driver_ring_wish){ false, flags(ring) };
	return (struct driver_ring_wish){ true, (int16_t)(used_event(ring) - ring->next_used) };
}

static uint32_t base(const struct driver_ring *ring, uint16_t next_avail)
{
	(void)ring;
	return next_avail;
}

const struct driver_ring_format driver_ring_split = {
	.open = open_ring,
	.look = look,
	.read = read_chain,
	.read_table = read_table,
	.take = take,
	.ask = ask,
	.put = put,
	.show = show,
	.wants = wants,
	.wish = wish,
	.base = base,
};
