/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the rings show of how far a vhost-user backend is with them, and whether it wants to
 * be notified.  See vhost_user.h.
 *
 * A packed ring has no index: how far the driver got is followed from one notification to
 * the next (VIRTIO 2.8.1: an entry has the wrap counter of its lap in AVAIL when it is made
 * available, and keeps it when it is used), and what came back is how many entries are marked
 * used.  Positions are entries there, counted over two laps, the first that of counter 1.
 */
#include "harness/peers/vhost_user.h"

#include "devices/ring.h"

#include <endian.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* Two bytes of a ring as they are now; `otherwise`: they are in no memory. */
static uint16_t look_at(const struct vhost_user *u, uint64_t at, uint16_t otherwise)
{
	for (uint32_t i = 0; i < u->host->region_count; i++) {
		const struct vringer_region *region = &u->host->regions[i];
		const volatile uint8_t *byte = (const uint8_t *)region->host + (at - region->addr);

		if (at >= region->addr && region->size >= sizeof(uint16_t) &&
		    at - region->addr <= region->size - sizeof(uint16_t))
			return (uint16_t)(byte[0] | (unsigned)byte[1] << 8);
	}
	return otherwise;
}

/* ---- split rings ------------------------------------------------------------------- */

static uint16_t used_index(const struct vhost_user *u, unsigned queue)
{
	return look_at(u, u->places[queue].used + offsetof(struct vring_used, idx), 0);
}

static uint16_t avail_index(const struct vhost_user *u, unsigned queue)
{
	return look_at(u, u->places[queue].avail + offsetof(struct vring_avail, idx), 0);
}

/* Does it want to be notified of chains from `from` up to `avail`? */
static bool wants_split(const struct vhost_user *u, unsigned queue, uint16_t from, uint16_t avail)
{
	const struct vringer_ring *ring = &u->places[queue];
	uint64_t event = ring->used + ring_at(&ring_split, GUEST_AVAIL_EVENT, ring->size, 0);

	if (u->event_idx)
		return vring_need_event(look_at(u, event, from), avail, from);
	return (look_at(u, ring->used, 0) & VRING_USED_F_NO_NOTIFY) == 0;
}

static uint32_t owed_split(const struct vhost_user *u, unsigned queue, uint32_t outstanding,
			   bool *deaf)
{
	uint16_t told = u->rings[queue].told, avail = avail_index(u, queue);
	uint16_t left = (uint16_t)(avail - used_index(u, queue));
	uint16_t untold = (uint16_t)(avail - told);

	*deaf = left == 0 && !wants_split(u, queue, avail, (uint16_t)(avail + 1));
	if (untold != 0 && wants_split(u, queue, told, avail))
		left = left > untold ? (uint16_t)(left - untold) : 0;
	return left < outstanding ? left : outstanding;
}

/* ---- packed rings ------------------------------------------------------------------ */

static uint32_t laps(const struct vringer_ring *ring)
{
	return ring->size > 0 ? 2u * ring->size : 1;
}

static uint16_t distance(const struct vringer_ring *ring, uint16_t from, uint16_t to)
{
	return (uint16_t)((to + laps(ring) - from) % laps(ring));
}

/* The flags of an entry; of one that is in no memory, those of none that is available. */
static uint16_t flags_at(const struct vhost_user *u, unsigned queue, uint32_t entry)
{
	return look_at(
		u, u->places[queue].desc + ring_at(&ring_packed, GUEST_PACKED_FLAGS, 0, entry), 0);
}

static bool is_marked(uint16_t flags)
{
	return ((flags & RING_PACKED_AVAIL) != 0) == ((flags & RING_PACKED_USED) != 0);
}

/* From `told` on: where the driver is now, and how many lists behind `told` are not used. */
static uint16_t follow(const struct vhost_user *u, unsigned queue, uint32_t *lists)
{
	const struct vringer_ring *ring = &u->places[queue];
	uint16_t at = u->rings[queue].told;

	*lists = 0;
	for (uint32_t i = 0; i < ring->size; i++) {
		uint16_t flags = flags_at(u, queue, at % ring->size);

		if (((flags & RING_PACKED_AVAIL) != 0) != (at < ring->size))
			break;
		*lists += !is_marked(flags) && (flags & VRING_DESC_F_NEXT) == 0;
		at = (uint16_t)((at + 1) % laps(ring));
	}
	return at;
}

static uint16_t marked(const struct vhost_user *u, unsigned queue)
{
	uint16_t count = 0;

	for (uint32_t i = 0; i < u->places[queue].size; i++)
		count = (uint16_t)(count + is_marked(flags_at(u, queue, i)));
	return count;
}

static bool wants_packed(const struct vhost_user *u, unsigned queue, uint16_t from, uint16_t to)
{
	const struct vringer_ring *ring = &u->places[queue];
	uint16_t off_wrap = look_at(u, ring->used, 0), flags = look_at(u, ring->used + 2, 0);
	uint16_t entry = off_wrap & (uint16_t)~RING_EVENT_WRAP;

	if ((flags & RING_EVENT_FLAGS) == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if ((flags & RING_EVENT_FLAGS) != VRING_PACKED_EVENT_FLAG_DESC || !u->event_idx ||
	    entry >= ring->size)
		return true;
	if ((off_wrap & RING_EVENT_WRAP) == 0)
		entry = (uint16_t)(entry + ring->size);
	return distance(ring, from, entry) < distance(ring, from, to);
}

static uint32_t owed_packed(const struct vhost_user *u, unsigned queue, uint32_t outstanding,
			    bool *deaf)
{
	const struct vringer_ring *ring = &u->places[queue];
	uint16_t told = u->rings[queue].told, returned, now;
	uint32_t left, lists;

	now = follow(u, queue, &lists);
	returned = (uint16_t)(marked(u, queue) - u->rings[queue].used_before);
	left = returned < outstanding ? outstanding - returned : 0;
	*deaf = left == 0 && !wants_packed(u, queue, now, (uint16_t)((now + 1) % laps(ring)));
	if (now != told && wants_packed(u, queue, told, now))
		left -= lists < left ? lists : left;
	return left;
}

/* ---- both -------------------------------------------------------------------------- */

uint16_t vhost_ring_used(const struct vhost_user *u, unsigned queue)
{
	return u->packed ? marked(u, queue) : used_index(u, queue);
}

uint32_t vhost_ring_owed(const struct vhost_user *u, unsigned queue, uint32_t outstanding,
			 bool *deaf)
{
	return u->packed ? owed_packed(u, queue, outstanding, deaf)
			 : owed_split(u, queue, outstanding, deaf);
}

void vhost_ring_told(struct vhost_user *u, unsigned queue)
{
	uint32_t lists;

	if (!u->packed) {
		u->rings[queue].told = avail_index(u, queue);
		return;
	}
	u->rings[queue].told = follow(u, queue, &lists);
	/* What the driver has written over is not marked any more. */
	u->used_then[queue] = marked(u, queue);
}
