/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory that another process shared: regions, and the log of the pages that were
 * written.  A range may lie across regions that meet; nothing is copied unless all of it
 * is memory.
 */
#ifndef PEER_MEMORY_H
#define PEER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_REGIONS_MAX 8u
#define MEMORY_LOG_PAGE 4096u

struct memory_region {
	uint64_t guest, size;
	uint64_t user; /* where the front-end has it */
	uint8_t *host;
	void *mapping;
	size_t mapped;
};

struct memory {
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned count;
	/* One bit a page, from guest address 0 on; NULL: there is no log. */
	uint8_t *log;
	uint64_t log_size;
	void *log_mapping;
	size_t log_mapped;
	bool logs; /* now */
};

/* Map `size` bytes of `fd` from `offset` on.  0 or negative errno; `fd` stays the
 * caller's. */
int memory_add(struct memory *m, int fd, uint64_t offset, uint64_t guest, uint64_t user,
	       uint64_t size);
int memory_set_log(struct memory *m, int fd, uint64_t offset, uint64_t size);
/* Without the log. */
void memory_forget(struct memory *m);

/* What the front-end calls `user`; false: it is in no region. */
bool memory_from_user(const struct memory *m, uint64_t user, uint64_t *guest);
bool memory_has(const struct memory *m, uint64_t addr, uint64_t len);
bool memory_read(const struct memory *m, uint64_t addr, void *buf, size_t len);
/* Not logged. */
bool memory_write(const struct memory *m, uint64_t addr, const void *buf, size_t len);
void memory_mark(struct memory *m, uint64_t addr, uint64_t len);
/* A number that the other side may change at any time: read or written at once where it
 * is aligned, before or after all else. */
bool memory_read16(const struct memory *m, uint64_t addr, uint16_t *value);
bool memory_write16(const struct memory *m, uint64_t addr, uint16_t value);

#endif
