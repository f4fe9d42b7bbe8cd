/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ranges of guest memory that the device cannot reach, and can again.  See
 * arena.h.
 */
#include "harness/arena/arena_internal.h"
#include "harness/arena/instrumented.h"

#include <string.h>

/* The host bytes of a hole: poison them, or take the poison off. */
static void hole_poison(struct arena *arena, const struct arena_hole *hole, bool poison)
{
	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];
		uint64_t last = region->base + (region->size - 1);
		uint64_t from = hole->first > region->base ? hole->first : region->base;
		uint64_t to = hole->last < last ? hole->last : last;
		uint8_t *host = arena->memory + region->offset;

		if (from > to)
			continue;
		if (poison)
			instrumented_poison(host + (from - region->base), to - from + 1);
		else
			instrumented_unpoison(host + (from - region->base), to - from + 1);
	}
}

void arena_fill_holes(struct arena *arena)
{
	for (unsigned i = 0; i < arena->hole_count; i++)
		hole_poison(arena, &arena->holes[i], false);
	arena->hole_count = 0;
}

/* Is there a byte of any region in [first, last]?  Holes elsewhere say nothing. */
static bool touches_region(const struct arena *arena, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < arena->region_count; i++)
		if (first <= arena->regions[i].base + (arena->regions[i].size - 1) &&
		    last >= arena->regions[i].base)
			return true;
	return false;
}

/* The last byte of a range; one that passes 2^64 is cut there. */
static uint64_t range_last(uint64_t addr, uint64_t len)
{
	return len - 1 > UINT64_MAX - addr ? UINT64_MAX : addr + len - 1;
}

static void add_hole(struct arena *arena, uint64_t first, uint64_t last)
{
	struct arena_hole *hole = &arena->holes[arena->hole_count++];

	hole->first = first;
	hole->last = last;
	hole_poison(arena, hole, true);
}

void arena_unmap(struct arena *arena, uint64_t addr, uint64_t len)
{
	uint64_t first = addr, last = range_last(addr, len);

	if (arena->plain || len == 0 || !touches_region(arena, first, last))
		return;
	/* Holes are kept apart: those that this one meets become part of it. */
	for (unsigned i = 0; i < arena->hole_count;) {
		struct arena_hole *hole = &arena->holes[i];

		if (hole->last < first || hole->first > last) {
			i++;
			continue;
		}
		first = hole->first < first ? hole->first : first;
		last = hole->last > last ? hole->last : last;
		*hole = arena->holes[--arena->hole_count];
	}
	if (arena->hole_count < ARENA_HOLES_MAX)
		add_hole(arena, first, last);
}

void arena_map(struct arena *arena, uint64_t addr, uint64_t len)
{
	struct arena_hole old[ARENA_HOLES_MAX];
	unsigned count = arena->hole_count;
	uint64_t last = range_last(addr, len);

	if (len == 0 || count == 0)
		return;
	/* One hole at the most is cut in two. */
	for (unsigned i = 0; i < count && count == ARENA_HOLES_MAX; i++)
		if (arena->holes[i].first < addr && arena->holes[i].last > last)
			return;
	memcpy(old, arena->holes, count * sizeof(*old));
	arena_fill_holes(arena);
	for (unsigned i = 0; i < count; i++) {
		if (old[i].last < addr || old[i].first > last) {
			add_hole(arena, old[i].first, old[i].last);
			continue;
		}
		if (old[i].first < addr)
			add_hole(arena, old[i].first, addr - 1);
		if (old[i].last > last)
			add_hole(arena, last + 1, old[i].last);
	}
}
