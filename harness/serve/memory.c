/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A driver's memory.  See memory.h.
 */
#include "harness/serve/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- memory that goes away ------------------------------------------------------------ */

static volatile sig_atomic_t is_cut;
/* What the handler may put zeroes over. */
static const struct driver_memory *guarded;

static void on_bus_error(int signal, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;

	(void)context;
	for (unsigned i = 0; guarded != NULL && i < guarded->count; i++) {
		const struct driver_region *region = &guarded->regions[i];
		const uint8_t *map = region->map;

		if (at < map || at >= map + region->map_len)
			continue;
		is_cut = 1;
		if (mmap(region->map, region->map_len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
	}
	/* It is somebody else's: the access comes again, and ends the process. */
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

void driver_memory_guard(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

bool driver_memory_is_cut(void)
{
	return is_cut != 0;
}

/* ---- the table ------------------------------------------------------------------------- */

static int refuse(char *why, size_t size, unsigned region, const char *what)
{
	snprintf(why, size, "memory region %u %s", region, what);
	return -EPROTO;
}

/* Do the bytes [a, a + size) and [b, b + other) meet?  Neither passes 2^64. */
static bool overlap(uint64_t a, uint64_t size, uint64_t b, uint64_t other)
{
	return a - b < other || b - a < size;
}

/* Of region `i`; those before it are right. */
static const char *fault(const struct driver_region *regions, unsigned i, uint64_t offset, int fd)
{
	const struct driver_region *region = &regions[i];
	struct stat file;
	uint64_t end;

	if (region->size == 0)
		return "has no bytes";
	if (region->guest_addr + (region->size - 1) < region->guest_addr ||
	    region->user_addr + (region->size - 1) < region->user_addr)
		return "passes the end of the address space";
	if (__builtin_add_overflow(offset, region->size, &end) || end > SIZE_MAX / 2)
		return "passes the end of its file";
	if (fstat(fd, &file) != 0 || file.st_size < 0 || end > (uint64_t)file.st_size)
		return "passes the end of its file";
	for (unsigned before = 0; before < i; before++)
		if (overlap(regions[before].guest_addr, regions[before].size, region->guest_addr,
			    region->size))
			return "overlaps another";
	return NULL;
}

/* From the beginning of the file, so that a file of huge pages can be mapped as well. */
static bool map_alone(struct driver_region *region, uint64_t offset, int fd)
{
	region->map_len = (size_t)(offset + region->size);
	region->map = mmap(NULL, region->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	region->host = region->map != MAP_FAILED ? (uint8_t *)region->map + offset : NULL;
	region->reach = region->size;
	return region->map != MAP_FAILED;
}

static bool in_pages(uint64_t value)
{
	return value % (uint64_t)sysconf(_SC_PAGESIZE) == 0;
}

/* A driver's memory may be cut into regions anywhere, a ring too: those that follow each other
 * both in the guest's addresses and in the driver's are mapped in a row.  How many there are
 * from the first one on, and their bytes. */
static unsigned count_row(const struct driver_region *regions, unsigned count,
			  const uint64_t *offsets, uint64_t *bytes)
{
	unsigned row = 0;

	for (*bytes = 0; row < count; row++) {
		const struct driver_region *region = &regions[row];

		if (!in_pages(region->size) || !in_pages(offsets[row]) ||
		    region->user_addr - regions->user_addr != *bytes ||
		    region->guest_addr - regions->guest_addr != *bytes ||
		    region->size > SIZE_MAX / 2 - *bytes)
			break;
		*bytes += region->size;
	}
	return row;
}

static bool map_row(struct driver_region *regions, unsigned count, const uint64_t *offsets,
		    const int *fds, uint64_t bytes)
{
	uint8_t *at = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t done = 0;

	if (at == MAP_FAILED)
		return false;
	for (unsigned i = 0; i < count; i++) {
		struct driver_region *region = &regions[i];

		region->map = mmap(at + done, (size_t)region->size, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fds[i], (off_t)offsets[i]);
		if (region->map == MAP_FAILED) {
			munmap(at, (size_t)bytes);
			return false;
		}
		region->host = region->map;
		region->map_len = (size_t)region->size;
		region->reach = bytes - done;
		done += region->size;
	}
	return true;
}

/* All regions, whose descriptions are right.  How many were mapped. */
static unsigned map_regions(struct driver_region *regions, unsigned count, const uint64_t *offsets,
			    const int *fds)
{
	unsigned done = 0;

	while (done < count) {
		uint64_t bytes;
		unsigned row = count_row(regions + done, count - done, offsets + done, &bytes);

		if (row > 1 && map_row(regions + done, row, offsets + done, fds + done, bytes))
			done += row;
		else if (map_alone(&regions[done], offsets[done], fds[done]))
			done++;
		else
			break;
	}
	return done;
}

int driver_memory_set(struct driver_memory *memory, const struct vhost_memory_table *table,
		      const int *fds, char *why, size_t why_size)
{
	unsigned count = table->count < VHOST_REGIONS_MAX ? table->count : VHOST_REGIONS_MAX;
	uint64_t offsets[VHOST_REGIONS_MAX];
	const char *what = NULL;

	driver_memory_release(memory);
	guarded = memory;
	for (unsigned i = 0; i < count; i++) {
		struct driver_region *region = &memory->regions[i];

		*region = (struct driver_region){ .guest_addr = table->regions[i].guest_addr,
						  .user_addr = table->regions[i].user_addr,
						  .size = table->regions[i].size };
		offsets[i] = table->regions[i].mmap_offset;
		what = fault(memory->regions, i, offsets[i], fds[i]);
		if (what != NULL)
			return refuse(why, why_size, i, what);
	}
	memory->count = map_regions(memory->regions, count, offsets, fds);
	if (memory->count == count)
		return 0;
	refuse(why, why_size, memory->count, "cannot be mapped");
	driver_memory_release(memory);
	return -EPROTO;
}

void driver_memory_release(struct driver_memory *memory)
{
	for (unsigned i = 0; i < memory->count; i++)
		munmap(memory->regions[i].map, memory->regions[i].map_len);
	memory->count = 0;
}

/* ---- its bytes ------------------------------------------------------------------------- */

/* As many of the bytes as lie in one region; NULL: the first is not there. */
static uint8_t *piece(const struct driver_memory *memory, uint64_t addr, uint32_t *len)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct driver_region *region = &memory->regions[i];
		uint64_t offset = addr - region->guest_addr;

		if (offset >= region->size)
			continue;
		if (*len > region->size - offset)
			*len = (uint32_t)(region->size - offset);
		return region->host + offset;
	}
	return NULL;
}

enum copy { COPY_IN, COPY_OUT, COPY_NOTHING };

/* At most one piece for each region. */
static bool copy(const struct driver_memory *memory, uint64_t addr, uint8_t *bytes, uint32_t len,
		 enum copy way)
{
	/* An address that passes 2^64 is none. */
	if (len > 0 && addr + (len - 1) < addr)
		return false;
	for (uint32_t at = 0; at < len;) {
		uint32_t part = len - at;
		uint8_t *host = piece(memory, addr + at, &part);

		if (host == NULL)
			return false;
		if (way == COPY_IN)
			memcpy(bytes + at, host, part);
		else if (way == COPY_OUT)
			memcpy(host, bytes + at, part);
		at += part;
	}
	return true;
}

bool driver_memory_read(const struct driver_memory *memory, uint64_t addr, void *to, uint32_t len)
{
	return copy(memory, addr, to, len, COPY_IN);
}

bool driver_memory_write(const struct driver_memory *memory, uint64_t addr, const void *from,
			 uint32_t len)
{
	union {
		const void *from;
		uint8_t *bytes;
	} alias = { .from = from };

	return copy(memory, addr, alias.bytes, len, COPY_OUT);
}

bool driver_memory_has(const struct driver_memory *memory, uint64_t addr, uint32_t len)
{
	return copy(memory, addr, NULL, len, COPY_NOTHING);
}

void *driver_memory_ring(const struct driver_memory *memory, uint64_t user_addr, uint64_t len)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct driver_region *region = &memory->regions[i];
		uint64_t offset = user_addr - region->user_addr;

		if (offset < region->size && len <= region->reach - offset)
			return region->host + offset;
	}
	return NULL;
}
