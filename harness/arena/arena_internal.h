/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the arena share: arena.c (memory), arena_holes.c (what is
 * unmapped), arena_access.c (the device's accessors) and arena_plain.c (memory
 * without them).
 */
#ifndef VRINGER_HARNESS_ARENA_INTERNAL_H
#define VRINGER_HARNESS_ARENA_INTERNAL_H

#include "harness/arena/arena.h"

#include <string.h>

/* The host bytes of a range that lies in one region and meets no hole; NULL if
 * it does not, or is empty.  The range must not pass 2^64. */
uint8_t *arena_search(const struct arena *arena, uint64_t addr, uint32_t len);
/* ... or is not in the first region, where nearly all is that is asked for. */
static inline uint8_t *arena_find_first(const struct arena *arena, uint64_t addr, uint32_t len)
{
	const struct arena_region *first = &arena->regions[0];
	uint64_t offset = addr - first->base;

	if (arena->hole_count == 0 && len > 0 && offset < first->size &&
	    len <= first->size - offset)
		return arena->memory + first->offset + offset;
	return NULL;
}

static inline uint8_t *arena_find(const struct arena *arena, uint64_t addr, uint32_t len)
{
	uint8_t *host = arena_find_first(arena, addr, len);

	return host != NULL ? host : arena_search(arena, addr, len);
}

/* A copy by the guest.  Most are of ring fields and descriptors: not worth a call,
 * less so one that AddressSanitizer intercepts. */
static inline void arena_copy(void *to, const void *from, uint32_t len)
{
	switch (len) {
	case 1:
		memcpy(to, from, 1);
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	default:
		memcpy(to, from, len);
	}
}

/* How many of the `len` bytes from `addr` on are there and lie together in
 * host memory at *host; 0 if the first is not there. */
uint32_t arena_piece(struct arena *arena, uint64_t addr, uint64_t len, uint8_t **host);
/* These `len` > 0 bytes of arena->memory will have to be restored.  Mostly that is known of
 * the one granule where they lie. */
void arena_mark_fresh(struct arena *arena, const uint8_t *host, uint32_t len);
static inline void arena_mark_dirty(struct arena *arena, const uint8_t *host, uint32_t len)
{
	size_t at = (size_t)(host - arena->memory);

	if (at / ARENA_GRANULE != (at + len - 1) / ARENA_GRANULE ||
	    !arena->is_dirty[at / ARENA_GRANULE])
		arena_mark_fresh(arena, host, len);
}
/* ... were changed, or written, in this look. */
void arena_mark_changed(struct arena *arena, const uint8_t *host, uint32_t len);

/* Everything can be reached. */
void arena_fill_holes(struct arena *arena);

/* Plain memory.  init: 0, or negative errno with nothing left to be released.
 * restore: find what the device changed, to be restored as well, and restore the
 * shadow.  keep: the
 * guest stored these bytes of arena->memory. */
int arena_plain_init(struct arena *arena);
void arena_plain_release(struct arena *arena);
void arena_plain_restore(struct arena *arena);
static inline void arena_keep(struct arena *arena, const uint8_t *host, uint32_t len)
{
	if (arena->plain)
		memcpy(arena->shadow + (host - arena->memory), host, len);
}

/* Fill arena->host in, the interrupt aside. */
void arena_host_init(struct arena *arena);
void arena_drop_views(struct arena *arena);

#endif
