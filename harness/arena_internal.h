/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the arena share: arena.c (memory), arena_holes.c (what is
 * unmapped), arena_access.c (the device's accessors) and arena_plain.c (memory
 * without them).
 */
#ifndef VRINGER_HARNESS_ARENA_INTERNAL_H
#define VRINGER_HARNESS_ARENA_INTERNAL_H

#include "harness/arena.h"

/* The host bytes of a range that lies in one region and meets no hole; NULL if
 * it does not, or is empty.  The range must not pass 2^64. */
uint8_t *arena_find(const struct arena *arena, uint64_t addr, uint32_t len);
/* How many of the `len` bytes from `addr` on are there and lie together in
 * host memory at *host; 0 if the first is not there. */
uint32_t arena_piece(struct arena *arena, uint64_t addr, uint64_t len, uint8_t **host);
/* These `len` > 0 bytes of arena->memory will have to be restored. */
void arena_mark_dirty(struct arena *arena, const uint8_t *host, uint32_t len);
/* ... were changed, or written, in this look. */
void arena_mark_changed(struct arena *arena, const uint8_t *host, uint32_t len);
uint8_t arena_pattern_byte(uint64_t position, uint8_t seed);

/* Everything can be reached. */
void arena_fill_holes(struct arena *arena);

/* Plain memory.  init: 0, or negative errno with nothing left to be released.
 * restore: find what the device changed, to be restored as well, and restore the
 * shadow.  keep: the
 * guest stored these bytes of arena->memory. */
int arena_plain_init(struct arena *arena);
void arena_plain_release(struct arena *arena);
void arena_plain_restore(struct arena *arena);
void arena_keep(struct arena *arena, const uint8_t *host, uint32_t len);

/* Fill arena->host in, the interrupt aside. */
void arena_host_init(struct arena *arena);
void arena_drop_views(struct arena *arena);

#endif
