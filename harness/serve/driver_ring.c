/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A split ring in a driver's memory.  See driver_ring.h.
 */
#include "harness/serve/driver_ring.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* In words of 16 bits: flags, index, entries, event (VIRTIO 2.7.6, 2.7.8). */
#define AVAIL_FLAGS 0
#define AVAIL_IDX 1
#define AVAIL_RING 2
#define USED_FLAGS 0
#define USED_IDX 1
#define USED_RING 2
#define USED_WORDS (sizeof(struct vring_used_elem) / 2)

static int fault(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fault(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DRIVER_RING_WHY_MAX, format, args);
	va_end(args);
	return -EPROTO;
}

/* Once, and before all that follows. */
static uint16_t load(const uint16_t *word)
{
	return le16toh(__atomic_load_n(word, __ATOMIC_ACQUIRE));
}

static void store(uint16_t *word, uint16_t value)
{
	__atomic_store_n(word, htole16(value), __ATOMIC_RELEASE);
}

/* Aligned for the driver and for us: a file may be mapped at any offset. */
static void *place(const struct driver_memory *memory, uint64_t addr, uint64_t len, uint64_t align)
{
	void *host = driver_memory_ring(memory, addr, len);

	return addr % align == 0 && (uintptr_t)host % align == 0 ? host : NULL;
}

int driver_ring_open(struct driver_ring *ring, const struct driver_memory *memory,
		     const struct driver_ring_setup *setup, char *why)
{
	/* The fields of events are there where they are used (2.7.6, 2.7.8). */
	uint64_t size = setup->size, event = setup->event_idx ? 2 : 0;

	*ring = (struct driver_ring){ .setup = *setup,
				      .next_avail = setup->base,
				      .seen = setup->base };
	if (size == 0 || size > DRIVER_RING_MAX || (size & (size - 1)) != 0)
		return fault(why, "ring %u has %u entries, expected a power of two up to %u",
			     setup->queue, setup->size, DRIVER_RING_MAX);
	ring->desc = place(memory, setup->desc, size * sizeof(struct vring_desc), 16);
	ring->avail = place(memory, setup->avail, 4 + event + 2 * size, 2);
	ring->used =
		place(memory, setup->used, 4 + event + sizeof(struct vring_used_elem) * size, 4);
	if (ring->desc == NULL || ring->avail == NULL || ring->used == NULL)
		return fault(why, "the %s of ring %u is not in memory, or not aligned",
			     ring->desc == NULL	   ? "descriptor table"
			     : ring->avail == NULL ? "available ring"
						   : "used ring",
			     setup->queue);
	ring->next_used = ring->told = load(&ring->used[USED_IDX]);
	store(&ring->used[USED_FLAGS], 0);
	if (setup->event_idx)
		store(&ring->used[USED_RING + USED_WORDS * size], setup->base);
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
		struct driver_buffer *buffer = &chain->buffers[chain->count];
		uint16_t next;

		/* A chain is no longer than its queue (2.7.5.2), nor is a table that is left
		 * only by its end. */
		if (steps == table->size || steps == table->ring->setup.size)
			return fault(why, "the chain %u of ring %u is a loop, or longer than %u",
				     chain->head, queue, (unsigned)steps);
		if (index >= table->size)
			return fault(why, "descriptor %u of ring %u, in a table of %u", index,
				     queue, table->size);
		if (!read_desc(table, index, buffer, &next))
			return fault(why,
				     "the indirect table of chain %u of ring %u is not in "
				     "memory",
				     chain->head, queue);
		chain->count++;
		if ((buffer->flags & VRING_DESC_F_INDIRECT) != 0) {
			if (table->indirect || !table->ring->setup.indirect ||
			    (buffer->flags & VRING_DESC_F_NEXT) != 0)
				return fault(why,
					     "descriptor %u of ring %u is indirect where it "
					     "may not be",
					     index, queue);
			chain->indirect = true;
			return 0;
		}
		if (!driver_memory_has(table->memory, buffer->addr, buffer->len))
			return fault(why,
				     "descriptor %u of ring %u: %u bytes at 0x%llx are not in "
				     "memory",
				     index, queue, buffer->len, (unsigned long long)buffer->addr);
		if ((buffer->flags & VRING_DESC_F_NEXT) == 0)
			return 0;
		index = next;
	}
}

static int walk_indirect(const struct driver_ring *ring, const struct driver_memory *memory,
			 struct driver_chain *chain, char *why)
{
	const struct driver_buffer *last = &chain->buffers[chain->direct - 1];
	struct table table = { .ring = ring,
			       .memory = memory,
			       .addr = last->addr,
			       .indirect = true,
			       .size = last->len / (uint32_t)sizeof(struct vring_desc) };

	if (table.size == 0 || last->len % sizeof(struct vring_desc) != 0)
		return fault(why, "the indirect table of chain %u of ring %u has %u bytes",
			     chain->head, ring->setup.queue, last->len);
	return walk(&table, 0, chain, why);
}

int driver_ring_look(struct driver_ring *ring, char *why)
{
	uint16_t idx = load(&ring->avail[AVAIL_IDX]);
	uint16_t behind = (uint16_t)(ring->next_avail - idx);

	ring->behind = ring->setup.takes_back && behind <= ring->setup.size ? behind : 0;
	if (ring->behind > 0)
		idx = ring->next_avail;
	if ((uint16_t)(idx - ring->next_avail) > ring->setup.size)
		return fault(why,
			     "the available index of ring %u jumps from %u to %u, a ring of "
			     "%u",
			     ring->setup.queue, ring->next_avail, idx, ring->setup.size);
	ring->seen = idx;
	return 0;
}

int driver_ring_peek(const struct driver_ring *ring, const struct driver_memory *memory,
		     struct driver_chain *chain, char *why)
{
	struct table table = { .ring = ring, .memory = memory, .size = ring->setup.size };
	int err;

	if (!driver_ring_waits(ring))
		return 0;
	chain->head = load(&ring->avail[AVAIL_RING + ring->next_avail % ring->setup.size]);
	chain->count = 0;
	chain->indirect = false;
	err = walk(&table, chain->head, chain, why);
	chain->direct = chain->count;
	if (err == 0 && chain->indirect)
		err = walk_indirect(ring, memory, chain, why);
	return err != 0 ? err : 1;
}

void driver_ring_take(struct driver_ring *ring)
{
	ring->next_avail++;
	/* From the next one on it is to notify. */
	if (!ring->setup.event_idx)
		return;
	store(&ring->used[USED_RING + USED_WORDS * ring->setup.size], ring->next_avail);
	/* What it made available before it saw that is seen by the next look (2.7.10.1). */
	atomic_thread_fence(memory_order_seq_cst);
}

/* ---- used entries ---------------------------------------------------------------------- */

void driver_ring_put(struct driver_ring *ring, uint16_t head, uint32_t len)
{
	struct vring_used_elem entry = { .id = htole32(head), .len = htole32(len) };

	memcpy(&ring->used[USED_RING + USED_WORDS * (ring->next_used % ring->setup.size)], &entry,
	       sizeof(entry));
	ring->next_used++;
}

uint16_t driver_ring_flags(const struct driver_ring *ring)
{
	return load(&ring->avail[AVAIL_FLAGS]);
}

uint16_t driver_ring_used_event(const struct driver_ring *ring)
{
	return load(&ring->avail[AVAIL_RING + ring->setup.size]);
}

bool driver_ring_show(struct driver_ring *ring)
{
	uint16_t old = ring->told, now = ring->next_used;

	if (old == now)
		return false;
	store(&ring->used[USED_IDX], now);
	ring->told = now;
	/* The driver sees the index before what it says of interrupts is looked at (2.7.7.2). */
	atomic_thread_fence(memory_order_seq_cst);
	if (ring->setup.event_idx)
		return vring_need_event(driver_ring_used_event(ring), now, old) != 0;
	return (driver_ring_flags(ring) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}
