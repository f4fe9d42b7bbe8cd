/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Room for buffers in the arena.  See room.h.
 */
#include "harness/serve/room.h"

#include "harness/guest/guest.h"

#include <string.h>

/* By whose name its addresses are written. */
static uint8_t base_of(const struct arena *arena, const struct arena_region *region)
{
	uint64_t seam = arena->place[BASE_SEAM];

	if (arena->place[BASE_LOW] == region->base)
		return BASE_LOW;
	if (seam == region->base || seam == region->base + region->whole)
		return BASE_SEAM;
	return arena->place[BASE_TOP] == region->base + region->whole ? BASE_TOP : BASE_ABSOLUTE;
}

static void add_pool(struct room *room, const struct arena *arena,
		     const struct arena_region *region)
{
	struct room_pool *pool = &room->pools[room->pool_count];
	uint8_t base = base_of(arena, region);
	uint32_t from = base == BASE_LOW ? GUEST_RINGS_SIZE : 0;

	/* The page at 0 is what an address that wrapped finds. */
	if (base == BASE_ABSOLUTE || region->whole <= from)
		return;
	*pool = (struct room_pool){ .base = base,
				    .offset = (int64_t)(region->base + from - arena->place[base]),
				    .first = room->granules,
				    .count = (region->whole - from) / ROOM_GRANULE };
	/* Some devices do not reach the last page of the address space. */
	if (region->base + region->whole == 0)
		pool->count -= 4096 / ROOM_GRANULE;
	room->granules += pool->count;
	room->pool_count++;
}

void room_open(struct room *room, const struct arena *arena)
{
	memset(room, 0, sizeof(*room));
	for (unsigned i = 0; i < arena->region_count; i++)
		add_pool(room, arena, &arena->regions[i]);
}

static bool is_taken(const struct room *room, unsigned granule)
{
	return (room->taken[granule / 64] >> granule % 64 & 1) != 0;
}

static void mark(struct room *room, const struct room_place *place, bool taken)
{
	for (unsigned i = place->first; i < place->first + place->count; i++) {
		uint64_t bit = 1ULL << i % 64;

		room->taken[i / 64] =
			taken ? room->taken[i / 64] | bit : room->taken[i / 64] & ~bit;
	}
}

/* The first granule from which on `count` are free; false: there are not so many. */
static bool find(const struct room *room, const struct room_pool *pool, unsigned count,
		 unsigned *first)
{
	unsigned free = 0;

	for (unsigned i = pool->first; i < pool->first + pool->count; i++) {
		/* All 64 at once. */
		if (i % 64 == 0 && room->taken[i / 64] == UINT64_MAX) {
			free = 0;
			i += 63;
			continue;
		}
		free = is_taken(room, i) ? 0 : free + 1;
		if (free == count) {
			*first = i + 1 - count;
			return true;
		}
	}
	return false;
}

bool room_take(struct room *room, uint32_t len, struct room_place *place)
{
	unsigned count = room_cost(len) / ROOM_GRANULE;

	for (unsigned i = 0; i < room->pool_count; i++) {
		const struct room_pool *pool = &room->pools[i];
		unsigned first = pool->first;

		if (count > 0 && !find(room, pool, count, &first))
			continue;
		*place = (struct room_place){ .base = pool->base, .first = first, .count = count };
		place->offset =
			(uint64_t)pool->offset + (uint64_t)(first - pool->first) * ROOM_GRANULE;
		mark(room, place, true);
		room->used += count;
		return true;
	}
	return false;
}

void room_give(struct room *room, const struct room_place *place)
{
	mark(room, place, false);
	room->used -= place->count;
}

uint32_t room_largest(const struct room *room)
{
	unsigned most = 0;

	for (unsigned i = 0; i < room->pool_count; i++)
		if (room->pools[i].count > most)
			most = room->pools[i].count;
	return most * ROOM_GRANULE;
}
