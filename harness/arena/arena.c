/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory: regions, reset, and the guest's own access.  The device's side
 * is in arena_access.c, what it cannot reach in arena_holes.c.  See arena.h.
 */
#include "harness/arena/arena_internal.h"
#include "harness/arena/instrumented.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024u
#define MIB (1024 * KIB)
#define GAP (4 * KIB)	      /* poisoned host bytes around each region */
#define RINGS_SIZE (96 * KIB) /* at `low`: starts as zero bytes */

static void add_region(struct arena *arena, uint64_t base, uint32_t size)
{
	struct arena_region *region = &arena->regions[arena->region_count];
	uint32_t offset = GAP;

	if (arena->region_count > 0)
		offset = region[-1].offset + region[-1].whole + GAP;
	region->base = base;
	region->size = region->whole = size;
	region->offset = offset;
	region->fd_offset = offset;
	arena->region_count++;
}

static void lay_out(struct arena *arena, enum arena_layout layout)
{
	bool by_address = layout == ARENA_OFFSET;
	uint64_t seam = by_address ? 16 * MIB : 1ULL << 32;

	arena->place[BASE_LOW] = 64 * KIB;
	arena->place[BASE_HOLE] = 1ULL << 31;
	if (layout == ARENA_FLAT) {
		/* The driver's slots lie beside each other here too: guest.c. */
		add_region(arena, 64 * KIB, 320 * KIB + ARENA_REQUESTS_SIZE);
		arena->regions[0].fd_offset = arena->regions[0].base;
		arena->place[BASE_SEAM] = (64 + 276) * KIB;
		arena->place[BASE_TOP] = (64 + 320) * KIB + ARENA_REQUESTS_SIZE;
		arena->requests = (64 + 320) * KIB - 4 * KIB;
		return;
	}
	arena->place[BASE_SEAM] = seam;
	arena->place[BASE_TOP] = layout == ARENA_BELOW_TOP ? 0 - (uint64_t)(4 * KIB) : 0;
	if (by_address)
		arena->place[BASE_TOP] = 64 * MIB;
	arena->requests = (64 + 256) * KIB;
	add_region(arena, 64 * KIB, 256 * KIB + ARENA_REQUESTS_SIZE);
	add_region(arena, seam - 96 * KIB, 96 * KIB);
	add_region(arena, seam, 96 * KIB);
	add_region(arena, arena->place[BASE_TOP] - 96 * KIB, 96 * KIB);
	add_region(arena, 0, 4 * KIB);
	for (unsigned i = 0; i < arena->region_count && by_address; i++)
		arena->regions[i].fd_offset = arena->regions[i].base;
}

static void fill_pristine(struct arena *arena)
{
	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];
		uint32_t from = i == 0 ? RINGS_SIZE : 0;

		arena_pattern_bytes(arena->pristine + region->offset + from, region->base + from,
				    region->size - from, 0);
	}
}

#define CHANGED_SIZE (ARENA_SIZE_MAX * sizeof(uint32_t))

static void release_records(struct arena *arena)
{
	instrumented_unreserve(arena->changed, CHANGED_SIZE);
	instrumented_unreserve(arena->pristine, ARENA_SIZE_MAX);
}

static int take_memory(struct arena *arena)
{
	if (arena->plain)
		return arena_plain_init(arena);
	arena->memory = aligned_alloc(4096, ARENA_SIZE_MAX);
	return arena->memory != NULL ? 0 : -ENOMEM;
}

int arena_init(struct arena *arena, enum arena_layout layout, bool plain, struct heap *heap)
{
	int err;

	memset(arena, 0, sizeof(*arena));
	arena->heap = heap;
	arena->plain = plain;
	lay_out(arena, layout);
	arena->pristine = instrumented_reserve(ARENA_SIZE_MAX, true);
	arena->changed = instrumented_reserve(CHANGED_SIZE, true);
	if (arena->pristine != NULL)
		fill_pristine(arena);
	err = arena->pristine != NULL && arena->changed != NULL ? take_memory(arena) : -ENOMEM;
	if (err != 0) {
		release_records(arena);
		return err;
	}
	instrumented_poison(arena->memory, ARENA_SIZE_MAX);
	for (unsigned i = 0; i < arena->region_count; i++) {
		uint32_t at = arena->regions[i].offset;

		instrumented_unpoison(arena->memory + at, arena->regions[i].size);
		memcpy(arena->memory + at, arena->pristine + at, arena->regions[i].size);
	}
	arena_host_init(arena);
	return 0;
}

void arena_release(struct arena *arena)
{
	arena_drop_views(arena);
	instrumented_unpoison(arena->memory, ARENA_SIZE_MAX);
	if (arena->plain)
		arena_plain_release(arena);
	else
		free(arena->memory);
	release_records(arena);
}

void arena_reset(struct arena *arena)
{
	arena_fill_holes(arena);
	if (arena->plain)
		arena_plain_restore(arena);
	for (unsigned i = 0; arena->plain && i < arena->region_count; i++)
		arena_set_region(arena, i, true);
	for (unsigned i = 0; i < arena->dirty_count; i++) {
		size_t at = (size_t)arena->dirty[i] * ARENA_GRANULE;

		memcpy(arena->memory + at, arena->pristine + at, ARENA_GRANULE);
		arena->is_dirty[arena->dirty[i]] = false;
	}
	arena->dirty_count = 0;
	arena->race_serial = 0;
	arena->refetch.serial = 0;
	arena->overtaken = false;
	arena_disarm(arena);
	arena_drop_views(arena);
}

uint8_t *arena_search(const struct arena *arena, uint64_t addr, uint32_t len)
{
	if (len == 0)
		return NULL;
	for (unsigned i = 0; i < arena->hole_count; i++)
		if (addr <= arena->holes[i].last && addr + (len - 1) >= arena->holes[i].first)
			return NULL;
	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];
		uint64_t offset = addr - region->base;

		if (offset < region->size && len <= region->size - offset)
			return arena->memory + region->offset + offset;
	}
	return NULL;
}

uint32_t arena_piece(struct arena *arena, uint64_t addr, uint64_t len, uint8_t **host)
{
	*host = NULL;
	for (unsigned i = 0; i < arena->hole_count; i++) {
		const struct arena_hole *hole = &arena->holes[i];

		if (addr >= hole->first && addr <= hole->last)
			return 0;
		if (hole->first > addr && len > hole->first - addr)
			len = hole->first - addr;
	}
	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];
		uint64_t offset = addr - region->base;

		if (offset >= region->size)
			continue;
		*host = arena->memory + region->offset + offset;
		return (uint32_t)(len < region->size - offset ? len : region->size - offset);
	}
	return 0;
}

void arena_mark_fresh(struct arena *arena, const uint8_t *host, uint32_t len)
{
	size_t first = (size_t)(host - arena->memory) / ARENA_GRANULE;
	size_t last = ((size_t)(host - arena->memory) + len - 1) / ARENA_GRANULE;

	for (size_t i = first; i <= last; i++) {
		if (arena->is_dirty[i])
			continue;
		arena->is_dirty[i] = true;
		arena->dirty[arena->dirty_count++] = (uint16_t)i;
	}
}

/* How many bytes from `addr` on are certainly not there: to skip a hole in one
 * step and not byte by byte. */
static uint64_t gap_length(const struct arena *arena, uint64_t addr)
{
	uint64_t gap = UINT64_MAX;

	for (unsigned i = 0; i < arena->hole_count; i++)
		if (addr >= arena->holes[i].first && addr <= arena->holes[i].last)
			return arena->holes[i].last - addr + 1;
	for (unsigned i = 0; i < arena->region_count; i++)
		if (arena->regions[i].base > addr && arena->regions[i].base - addr < gap)
			gap = arena->regions[i].base - addr;
	return gap;
}

/* Walk the bytes of a range that are there; at 2^64 it ends. */
typedef void piece_fn(struct arena *arena, uint8_t *host, uint32_t len, uint64_t at, void *ctx);

static void for_each_piece(struct arena *arena, uint64_t addr, uint64_t len, piece_fn *fn,
			   void *ctx)
{
	uint64_t at = 0;

	if (addr != 0 && len > 0 - addr)
		len = 0 - addr;
	while (at < len) {
		uint8_t *host;
		uint64_t piece = arena_piece(arena, addr + at, len - at, &host);

		if (piece > 0)
			fn(arena, host, (uint32_t)piece, at, ctx);
		else
			piece = gap_length(arena, addr + at);
		if (piece == 0 || piece > len - at)
			break;
		at += piece;
	}
}

static void store_piece(struct arena *arena, uint8_t *host, uint32_t len, uint64_t at, void *ctx)
{
	arena_mark_dirty(arena, host, len);
	memcpy(host, (const uint8_t *)ctx + at, len);
	arena_keep(arena, host, len);
}

static __attribute__((noinline)) void store_pieces(struct arena *arena, uint64_t addr,
						   const void *data, uint32_t len)
{
	union {
		const void *from;
		void *ctx;
	} bytes = { .from = data };

	for_each_piece(arena, addr, len, store_piece, bytes.ctx);
}

static inline __attribute__((always_inline)) void store(struct arena *arena, uint64_t addr,
							const void *data, uint32_t len)
{
	uint8_t *host = arena_find(arena, addr, len);

	if (host == NULL) {
		store_pieces(arena, addr, data, len);
		return;
	}
	arena_mark_dirty(arena, host, len);
	arena_copy(host, data, len);
	arena_keep(arena, host, len);
}

void arena_store(struct arena *arena, uint64_t addr, const void *data, uint32_t len)
{
	store(arena, addr, data, len);
}

static void load_piece(struct arena *arena, uint8_t *host, uint32_t len, uint64_t at, void *ctx)
{
	(void)arena;
	memcpy((uint8_t *)ctx + at, host, len);
}

static __attribute__((noinline)) void load_pieces(struct arena *arena, uint64_t addr, void *data,
						  uint32_t len)
{
	memset(data, 0, len);
	for_each_piece(arena, addr, len, load_piece, data);
}

static inline __attribute__((always_inline)) void load(struct arena *arena, uint64_t addr,
						       void *data, uint32_t len)
{
	const uint8_t *host = arena_find(arena, addr, len);

	if (host != NULL)
		arena_copy(data, host, len);
	else
		load_pieces(arena, addr, data, len);
}

void arena_load(struct arena *arena, uint64_t addr, void *data, uint32_t len)
{
	load(arena, addr, data, len);
}

bool arena_has(struct arena *arena, uint64_t addr, uint64_t len)
{
	while (len > 0) {
		uint8_t *host;
		uint32_t piece = arena_piece(arena, addr, len, &host);

		if (piece == 0)
			return false;
		addr += piece;
		len -= piece;
		if (addr == 0 && len > 0)
			return false;
	}
	return true;
}

void arena_store16(struct arena *arena, uint64_t addr, uint16_t value)
{
	uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	store(arena, addr, bytes, sizeof(bytes));
}

uint16_t arena_load16(struct arena *arena, uint64_t addr)
{
	uint8_t bytes[2];

	load(arena, addr, bytes, sizeof(bytes));
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void fill_piece(struct arena *arena, uint8_t *host, uint32_t len, uint64_t at, void *ctx)
{
	(void)at;
	arena_mark_dirty(arena, host, len);
	memset(host, *(const uint8_t *)ctx, len);
	arena_keep(arena, host, len);
}

void arena_fill(struct arena *arena, uint64_t addr, uint64_t len, uint8_t value)
{
	for_each_piece(arena, addr, len, fill_piece, &value);
}

/* arena_pattern_byte of positions that follow each other, in a form that compilers do many
 * at a time: its products are sums of its factor, and what is 0 comes after. */
void arena_pattern_bytes(uint8_t *to, uint64_t position, uint32_t len, uint8_t seed)
{
	uint32_t sum = (uint32_t)(position + seed) * ARENA_PATTERN_FACTOR;

	for (uint32_t i = 0; i < len; i++) {
		to[i] = (uint8_t)(sum >> ARENA_PATTERN_SHIFT);
		sum += ARENA_PATTERN_FACTOR;
	}
	for (uint64_t i = (0 - position) % 256; i < len; i += 256)
		to[i] = 0;
	for (uint64_t i = (1 - position) % 256; i < len; i += 256)
		to[i] = 0;
}

static void pattern_piece(struct arena *arena, uint8_t *host, uint32_t len, uint64_t at, void *ctx)
{
	arena_mark_dirty(arena, host, len);
	arena_pattern_bytes(host, at, len, *(const uint8_t *)ctx);
	arena_keep(arena, host, len);
}

void arena_pattern(struct arena *arena, uint64_t addr, uint64_t len, uint8_t seed)
{
	for_each_piece(arena, addr, len, pattern_piece, &seed);
}
