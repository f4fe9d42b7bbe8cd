/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A driver's memory, as a vhost-user front-end shares it: regions that are mapped, and
 * found by the addresses that buffers have (the guest's) and by those that rings have (the
 * front-end's own).
 *
 * Everything in it may change at any time, or go away: each byte is copied once, and what
 * was copied is what counts.  Of a file that is cut under the mapping, zeroes take the
 * place, and driver_memory_is_cut says so.
 */
#ifndef VRINGER_HARNESS_SERVE_MEMORY_H
#define VRINGER_HARNESS_SERVE_MEMORY_H

#include "harness/peers/vhost_msg.h"

struct driver_region {
	uint64_t guest_addr, user_addr, size;
	uint8_t *host;	/* of the first byte */
	uint64_t reach; /* bytes from there on, with those of regions that follow in a row */
	void *map;	/* as it was mapped, and how much */
	size_t map_len;
};

struct driver_memory {
	unsigned count;
	struct driver_region regions[VHOST_REGIONS_MAX];
};

/* Map the table's regions, one descriptor each, which stay the caller's, in the place of those
 * that there are.  0; or -EPROTO with what is wrong in `why`, and there is no memory. */
int driver_memory_set(struct driver_memory *memory, const struct vhost_memory_table *table,
		      const int *fds, char *why, size_t why_size);
void driver_memory_release(struct driver_memory *memory);

/* Copy bytes at a guest address; they may lie in several regions.  false: not all of them are
 * there, and nothing is said of what was copied. */
bool driver_memory_read(const struct driver_memory *memory, uint64_t addr, void *to, uint32_t len);
bool driver_memory_write(const struct driver_memory *memory, uint64_t addr, const void *from,
			 uint32_t len);
bool driver_memory_has(const struct driver_memory *memory, uint64_t addr, uint32_t len);
/* Where a ring is, by the front-end's own address: `len` bytes, in one region or in some that
 * meet; NULL: it is not there. */
void *driver_memory_ring(const struct driver_memory *memory, uint64_t user_addr, uint64_t len);

/* From now on memory that goes away does not end the process. */
void driver_memory_guard(void);
/* Did some go away since then? */
bool driver_memory_is_cut(void);

#endif
