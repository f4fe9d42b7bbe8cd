/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Room for buffers in the arena, where no ring is: given out and taken back, the lowest
 * that is large enough first, so that the same session has the same addresses.
 */
#ifndef VRINGER_HARNESS_SERVE_ROOM_H
#define VRINGER_HARNESS_SERVE_ROOM_H

#include "harness/arena/arena.h"

#define ROOM_GRANULE 64u
#define ROOM_WORDS (ARENA_SIZE_MAX / ROOM_GRANULE / 64)

/* Bytes from an address on that do not leave one region. */
struct room_pool {
	uint8_t base; /* enum addr_base, and the offset of the first byte */
	int64_t offset;
	unsigned first, count; /* granules */
};

struct room {
	unsigned pool_count;
	struct room_pool pools[ARENA_REGIONS_MAX];
	unsigned granules, used;
	uint64_t taken[ROOM_WORDS];
};

/* A piece of it; `count` 0: of no bytes. */
struct room_place {
	uint8_t base;
	uint64_t offset;
	unsigned first, count;
};

/* All that the arena has beside the default places of rings, free. */
void room_open(struct room *room, const struct arena *arena);
bool room_take(struct room *room, uint32_t len, struct room_place *place);
void room_give(struct room *room, const struct room_place *place);
/* The largest piece that there is when all is free, and how much that is, in bytes. */
uint32_t room_largest(const struct room *room);
static inline uint32_t room_size(const struct room *room)
{
	return room->granules * ROOM_GRANULE;
}
/* What `len` bytes take of it. */
static inline uint32_t room_cost(uint32_t len)
{
	return (uint32_t)(((uint64_t)len + ROOM_GRANULE - 1) / ROOM_GRANULE * ROOM_GRANULE);
}

#endif
