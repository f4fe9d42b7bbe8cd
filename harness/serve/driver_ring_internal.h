/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the formats of a driver's ring share: driver_ring.c (what is the same in all),
 * driver_ring_split.c, driver_ring_packed.c.
 */
#ifndef VRINGER_HARNESS_SERVE_DRIVER_RING_INTERNAL_H
#define VRINGER_HARNESS_SERVE_DRIVER_RING_INTERNAL_H

#include "harness/serve/driver_ring.h"

#include <endian.h>

/* See driver_ring.h for those that are named so there. */
struct driver_ring_format {
	/* The areas are in memory, and where it begins is known. */
	int (*open)(struct driver_ring *ring, const struct driver_memory *memory, char *why);
	int (*look)(struct driver_ring *ring, char *why);
	/* The chain at next_avail, which was seen; of one that ends in a table, up to that. */
	int (*read)(const struct driver_ring *ring, const struct driver_memory *memory,
		    struct driver_chain *chain, char *why);
	/* The buffers of an indirect table of that many bytes, which is in memory at `addr`. */
	int (*read_table)(const struct driver_ring *ring, const struct driver_memory *memory,
			  struct driver_chain *chain, uint64_t addr, uint32_t count, char *why);
	void (*take)(struct driver_ring *ring, unsigned direct);
	/* The driver is to notify of what it makes available at next_avail, and behind it. */
	void (*ask)(struct driver_ring *ring);
	void (*put)(struct driver_ring *ring, uint16_t head, uint32_t len, unsigned direct);
	/* From `told` up to next_used. */
	void (*show)(struct driver_ring *ring);
	/* Does it want to be interrupted for entries from `old` up to next_used? */
	bool (*wants)(const struct driver_ring *ring, uint16_t old);
	struct driver_ring_wish (*wish)(const struct driver_ring *ring);
	uint32_t (*base)(const struct driver_ring *ring, uint16_t next_avail);
};

extern const struct driver_ring_format driver_ring_split, driver_ring_packed;

/* One line into `why`.  -EPROTO. */
int driver_ring_fault(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An area of the ring, aligned for the driver and for us, since a file may be mapped at any
 * offset; NULL: it is not there. */
void *driver_ring_place(const struct driver_memory *memory, uint64_t addr, uint64_t len,
			uint64_t align);

/* One more buffer of the chain, as it was read.  0; or -EPROTO: it is not in memory. */
int driver_ring_add(const struct driver_ring *ring, const struct driver_memory *memory,
		    struct driver_chain *chain, const struct driver_buffer *buffer, char *why);

/* Once, and before all that follows. */
static inline uint16_t driver_ring_load(const uint16_t *word)
{
	return le16toh(__atomic_load_n(word, __ATOMIC_ACQUIRE));
}

static inline void driver_ring_store(uint16_t *word, uint16_t value)
{
	__atomic_store_n(word, htole16(value), __ATOMIC_RELEASE);
}

#endif
