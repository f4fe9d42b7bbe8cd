/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A packed ring in a driver's memory (VIRTIO 2.8).  See driver_ring.h.
 *
 * How far the driver got no index says: a look goes on over the entries that are available,
 * and no further than a ring has entries beyond those that the driver got back.
 */
#include "harness/serve/driver_ring_internal.h"

#include "devices/ring.h"

#include <string.h>

#define LIST_FLAGS (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT)
#define WRAP RING_EVENT_WRAP

/* ---- positions ------------------------------------------------------------------------- */

static uint16_t laps(const struct driver_ring *ring)
{
	return (uint16_t)(2 * ring->setup.size);
}

static uint16_t behind(const struct driver_ring *ring, uint16_t from, unsigned entries)
{
	return (uint16_t)((from + entries) % laps(ring));
}

/* Entries from one position on to another. */
static uint16_t distance(const struct driver_ring *ring, uint16_t from, uint16_t to)
{
	return (uint16_t)((to + laps(ring) - from) % laps(ring));
}

static bool wrap_of(const struct driver_ring *ring, uint16_t position)
{
	return position < ring->setup.size;
}

/* An entry, with the wrap counter in bit 15. */
static uint16_t spell(const struct driver_ring *ring, uint16_t position)
{
	return (uint16_t)(position % ring->setup.size | (wrap_of(ring, position) ? WRAP : 0));
}

/* false: the ring has no such entry. */
static bool read_spelled(const struct driver_ring *ring, uint16_t spelled, uint16_t *position)
{
	uint16_t entry = spelled & (uint16_t)~WRAP;

	*position = (uint16_t)(entry + ((spelled & WRAP) != 0 ? 0 : ring->setup.size));
	return entry < ring->setup.size;
}

/* ---- events ---------------------------------------------------------------------------- */

/* Both fields at once: neither is of another moment than the other (2.8.14). */
static void store_event(struct driver_ring *ring, uint16_t off_wrap, uint16_t flags)
{
	uint32_t both = htole32(off_wrap | (uint32_t)flags << 16);

	__atomic_store_n((uint32_t *)(void *)ring->used, both, __ATOMIC_RELEASE);
}

static void load_event(const struct driver_ring *ring, uint16_t *off_wrap, uint16_t *flags)
{
	uint32_t both = le32toh(
		__atomic_load_n((const uint32_t *)(const void *)ring->avail, __ATOMIC_ACQUIRE));

	*off_wrap = (uint16_t)both;
	*flags = (uint16_t)(both >> 16) & RING_EVENT_FLAGS;
}

static void ask(struct driver_ring *ring)
{
	store_event(ring, spell(ring, ring->next_avail), VRING_PACKED_EVENT_FLAG_DESC);
}

/* A position that does not exist, and flags that do not, leave the driver out of nothing. */
static bool wants(const struct driver_ring *ring, uint16_t old)
{
	uint16_t off_wrap, flags, event;

	load_event(ring, &off_wrap, &flags);
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->setup.event_idx ||
	    !read_spelled(ring, off_wrap, &event))
		return true;
	return distance(ring, old, event) < distance(ring, old, ring->next_used);
}

static struct driver_ring_wish wish(const struct driver_ring *ring)
{
	uint16_t off_wrap, flags, event, ahead;

	load_event(ring, &off_wrap, &flags);
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return (struct driver_ring_wish){ false, VRING_AVAIL_F_NO_INTERRUPT };
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->setup.event_idx ||
	    !read_spelled(ring, off_wrap, &event))
		return (struct driver_ring_wish){ false, 0 };
	ahead = distance(ring, ring->next_used, event);
	return (struct driver_ring_wish){ true,
					  ahead <= ring->setup.size ? ahead : ahead - laps(ring) };
}

/* ---- the ring -------------------------------------------------------------------------- */

/* DPDK leaves the upper half 0: nothing is out.  Linux in user mode says 0 of a new ring, whose
 * counters are 1 (2.8.1). */
static int begin_at(struct driver_ring *ring, char *why)
{
	uint32_t base = ring->setup.base;
	uint16_t next = (uint16_t)base, used = (uint16_t)(base >> 16);

	if (base == 0 && !ring->setup.goes_on)
		next = WRAP;
	if (used == 0 && !ring->setup.goes_on)
		used = next;
	if (!read_spelled(ring, next, &ring->next_avail) ||
	    !read_spelled(ring, used, &ring->next_used) ||
	    distance(ring, ring->next_used, ring->next_avail) > ring->setup.size)
		return driver_ring_fault(why, "ring %u begins at 0x%x, expected an entry of %u",
					 ring->setup.queue, base, ring->setup.size);
	ring->seen = ring->next_avail;
	ring->told = ring->next_used;
	return 0;
}

static int open_ring(struct driver_ring *ring, const struct driver_memory *memory, char *why)
{
	const struct driver_ring_setup *setup = &ring->setup;
	uint64_t size = setup->size, event = sizeof(struct vring_packed_desc_event);
	int err;

	if (size == 0 || size > DRIVER_RING_MAX)
		return driver_ring_fault(why, "ring %u has %u entries, expected 1 to %u",
					 setup->queue, setup->size, DRIVER_RING_MAX);
	ring->desc = driver_ring_place(memory, setup->desc, size * sizeof(struct vring_packed_desc),
				       ring_packed.align[VIRTQUEUE_DESC]);
	ring->avail =
		driver_ring_place(memory, setup->avail, event, ring_packed.align[VIRTQUEUE_DRIVER]);
	ring->used =
		driver_ring_place(memory, setup->used, event, ring_packed.align[VIRTQUEUE_DEVICE]);
	if (ring->desc == NULL || ring->avail == NULL || ring->used == NULL)
		return driver_ring_fault(why, "the %s of ring %u is not in memory, or not aligned",
					 ring->desc == NULL    ? "descriptor ring"
					 : ring->avail == NULL ? "driver's event suppression"
							       : "device's event suppression",
					 setup->queue);
	err = begin_at(ring, why);
	if (err == 0 && setup->event_idx)
		ask(ring);
	else if (err == 0)
		store_event(ring, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	return err;
}

static uint8_t *entry_at(const struct driver_ring *ring, uint16_t position)
{
	return ring->desc +
	       ring_at(&ring_packed, GUEST_PACKED_DESC, 0, position % ring->setup.size);
}

static uint16_t *flags_at(const struct driver_ring *ring, uint16_t position)
{
	return (uint16_t *)(void *)(entry_at(ring, position) +
				    offsetof(struct vring_packed_desc, flags));
}

static bool is_available(const struct driver_ring *ring, uint16_t position)
{
	bool wrap = wrap_of(ring, position);
	uint16_t flags = driver_ring_load(flags_at(ring, position));

	return ((flags & RING_PACKED_AVAIL) != 0) == wrap &&
	       ((flags & RING_PACKED_USED) != 0) != wrap;
}

static int look(struct driver_ring *ring, char *why)
{
	(void)why;
	while (distance(ring, ring->told, ring->seen) < ring->setup.size &&
	       is_available(ring, ring->seen))
		ring->seen = behind(ring, ring->seen, 1);
	return 0;
}

/* ---- chains ---------------------------------------------------------------------------- */

/* The first entry of a list is available when all of it is (2.8.6). */
static int read_chain(const struct driver_ring *ring, const struct driver_memory *memory,
		      struct driver_chain *chain, char *why)
{
	unsigned queue = ring->setup.queue;

	for (uint16_t at = ring->next_avail;; at = behind(ring, at, 1)) {
		struct vring_packed_desc desc;
		struct driver_buffer buffer;
		int err;

		if (at == ring->seen)
			return driver_ring_fault(why,
						 "a list of ring %u goes on in entry %u, which is "
						 "not available",
						 queue, at % ring->setup.size);
		memcpy(&desc, entry_at(ring, at), sizeof(desc));
		chain->head = le16toh(desc.id);
		buffer = (struct driver_buffer){ .addr = le64toh(desc.addr),
						 .len = le32toh(desc.len),
						 .flags = le16toh(desc.flags) & LIST_FLAGS,
						 .index = (uint16_t)(at % ring->setup.size) };
		chain->indirect = (buffer.flags & VRING_DESC_F_INDIRECT) != 0;
		/* It is all of its list (2.8.19). */
		if (chain->indirect && (!ring->setup.indirect || chain->count > 0 ||
					(buffer.flags & VRING_DESC_F_NEXT) != 0))
			return driver_ring_fault(
				why, "descriptor %u of ring %u is indirect where it may not be",
				buffer.index, queue);
		err = driver_ring_add(ring, memory, chain, &buffer, why);
		if (err != 0 || (buffer.flags & VRING_DESC_F_NEXT) == 0)
			return err;
	}
}

/* All of it, and no flag but WRITE counts (2.8.7). */
static int read_table(const struct driver_ring *ring, const struct driver_memory *memory,
		      struct driver_chain *chain, uint64_t addr, uint32_t count, char *why)
{
	if (count > ring->setup.size)
		return driver_ring_fault(why, "the chain %u of ring %u is longer than %u",
					 chain->head, ring->setup.queue, ring->setup.size);
	for (uint32_t i = 0; i < count; i++) {
		struct vring_packed_desc desc;
		struct driver_buffer buffer;
		uint64_t at = addr + ring_at(&ring_packed, GUEST_PACKED_DESC, 0, i);
		int err;

		if (at < addr || !driver_memory_read(memory, at, &desc, sizeof(desc)))
			return driver_ring_fault(why,
						 "the indirect table of chain %u of ring %u is "
						 "not in memory",
						 chain->head, ring->setup.queue);
		buffer = (struct driver_buffer){ .addr = le64toh(desc.addr),
						 .len = le32toh(desc.len),
						 .flags = le16toh(desc.flags) & VRING_DESC_F_WRITE,
						 .index = (uint16_t)i };
		err = driver_ring_add(ring, memory, chain, &buffer, why);
		if (err != 0)
			return err;
	}
	return 0;
}

static void take(struct driver_ring *ring, unsigned direct)
{
	ring->next_avail = behind(ring, ring->next_avail, direct);
}

/* ---- used entries ---------------------------------------------------------------------- */

/* The driver looks at one entry after the other: it does not see those behind the first before
 * that one has its flags. */
static void put(struct driver_ring *ring, uint16_t head, uint32_t len, unsigned direct)
{
	uint16_t at = ring->next_used;
	uint16_t flags = (uint16_t)((len > 0 ? VRING_DESC_F_WRITE : 0) |
				    (wrap_of(ring, at) ? RING_PACKED_AVAIL | RING_PACKED_USED : 0));
	const struct vring_packed_desc used = { .len = htole32(len), .id = htole16(head) };

	memcpy(entry_at(ring, at) + offsetof(struct vring_packed_desc, len), &used.len,
	       RING_PACKED_USED_SIZE);
	if (at == ring->told)
		ring->untold = flags;
	else
		driver_ring_store(flags_at(ring, at), flags);
	ring->next_used = behind(ring, at, direct);
}

static void show(struct driver_ring *ring)
{
	driver_ring_store(flags_at(ring, ring->told), ring->untold);
}

static uint32_t base(const struct driver_ring *ring, uint16_t next_avail)
{
	return spell(ring, next_avail) | (uint32_t)spell(ring, ring->next_used) << 16;
}

const struct driver_ring_format driver_ring_packed = {
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
