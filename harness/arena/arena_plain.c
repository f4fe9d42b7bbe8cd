/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Plain guest memory: a device reaches it by pointers, so accesses are not seen.  See
 * arena.h.
 *
 * What it changed is found by comparing memory with a shadow, into which all that
 * the guest stores goes as well.  A byte that the device wrote and that held that
 * value before is not found.
 *
 * The bytes are those of a memfd, for devices that map them elsewhere; regions
 * lie between pages that cannot be accessed, so that running off the end of one is
 * a crash also where the device is not built with AddressSanitizer.
 */
#include "harness/arena/arena_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define GUARD (1u << 20) /* host bytes before and behind all regions */
#define WORD sizeof(uint64_t)

static int map_regions(struct arena *arena)
{
	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];

		void *at =
			mmap(arena->memory + region->offset, region->size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, arena->fd, (off_t)region->fd_offset);

		if (at == MAP_FAILED)
			return -errno;
	}
	return 0;
}

/* Bytes of the file: it is sparse. */
static off_t file_size(const struct arena *arena)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < arena->region_count; i++)
		if (arena->regions[i].fd_offset + arena->regions[i].size > end)
			end = arena->regions[i].fd_offset + arena->regions[i].size;
	return (off_t)end;
}

int arena_plain_init(struct arena *arena)
{
	void *reserved = MAP_FAILED;
	int err;

	arena->shadow = malloc(ARENA_SIZE_MAX);
	arena->fd = memfd_create("guest-memory", MFD_CLOEXEC);
	if (arena->shadow == NULL) {
		err = -ENOMEM;
		goto fail;
	}
	if (arena->fd < 0 || ftruncate(arena->fd, file_size(arena)) != 0) {
		err = -errno;
		goto fail;
	}
	reserved = mmap(NULL, ARENA_SIZE_MAX + 2 * GUARD, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED) {
		err = -errno;
		goto fail;
	}
	arena->memory = (uint8_t *)reserved + GUARD;
	err = map_regions(arena);
	if (err != 0)
		goto fail;
	memcpy(arena->shadow, arena->pristine, ARENA_SIZE_MAX);
	arena->process = getpid();
	return 0;

fail:
	if (reserved != MAP_FAILED)
		munmap(reserved, ARENA_SIZE_MAX + 2 * GUARD);
	if (arena->fd >= 0)
		close(arena->fd);
	free(arena->shadow);
	return err;
}

void arena_plain_release(struct arena *arena)
{
	munmap(arena->memory - GUARD, ARENA_SIZE_MAX + 2 * GUARD);
	close(arena->fd);
	free(arena->shadow);
}

void arena_set_region(struct arena *arena, unsigned region, bool present)
{
	arena->regions[region].size = present ? arena->regions[region].whole : 0;
}

void arena_load_compared(struct arena *arena, uint64_t addr, void *data, uint32_t len)
{
	uint8_t *to = data, *host;

	memset(data, 0, len);
	for (uint32_t at = 0, piece; at < len; at += piece) {
		piece = arena_piece(arena, addr + at, len - at, &host);
		if (piece == 0)
			return;
		memcpy(to + at, arena->shadow + (host - arena->memory), piece);
	}
}

unsigned arena_hand_out(const struct arena *arena, struct arena_handout out[ARENA_REGIONS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < arena->region_count; i++) {
		const struct arena_region *region = &arena->regions[i];
		unsigned at = count++;

		for (; at > 0 && out[at - 1].addr > region->base; at--)
			out[at] = out[at - 1];
		out[at] = (struct arena_handout){ .addr = region->base,
						  .size = region->size,
						  .host = arena->memory + region->offset,
						  .fd = arena->fd,
						  .fd_offset = region->fd_offset };
	}
	return count;
}

/* How many bytes from `at` on are the same, or are not: words where it can. */
static uint32_t same_bytes(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint32_t at = 0;

	for (; len - at >= WORD; at += (uint32_t)WORD)
		if (memcmp(a + at, b + at, WORD) != 0)
			break;
	while (at < len && a[at] == b[at])
		at++;
	return at;
}

static uint32_t other_bytes(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint32_t at = 0;

	while (at < len && a[at] != b[at])
		at++;
	return at;
}

void arena_mark_changed(struct arena *arena, const uint8_t *host, uint32_t len)
{
	uint32_t *changed = arena->changed + (host - arena->memory);

	for (uint32_t i = 0; i < len; i++)
		changed[i] = arena->look;
}

/* These bytes of a piece at `addr` are changed: accept them. */
static void accept(struct arena *arena, const uint8_t *host, uint64_t addr, uint32_t len,
		   arena_change_fn *fn, void *ctx)
{
	size_t offset = (size_t)(host - arena->memory);

	arena_mark_dirty(arena, host, len);
	memcpy(arena->shadow + offset, host, len);
	arena_mark_changed(arena, host, len);
	fn(ctx, addr, arena->shadow + offset, len);
}

/* `len` bytes that lie together in host memory, at `addr`. */
static void compare_piece(struct arena *arena, const uint8_t *now, uint64_t addr, uint32_t len,
			  arena_change_fn *fn, void *ctx)
{
	const uint8_t *was = arena->shadow + (now - arena->memory);
	uint32_t at = 0;

	while (at < len) {
		uint32_t step = len - at < PAGE ? len - at : PAGE;
		uint32_t run;

		/* Most of it is as it was, and memcmp is fast. */
		if (memcmp(now + at, was + at, step) == 0) {
			at += step;
			continue;
		}
		at += same_bytes(now + at, was + at, step);
		run = other_bytes(now + at, was + at, len - at);
		accept(arena, now + at, addr + at, run, fn, ctx);
		at += run;
	}
}

void arena_look(struct arena *arena)
{
	/* Once in 2^32 looks what was changed before is forgotten. */
	if (++arena->look != 0)
		return;
	memset(arena->changed, 0, ARENA_SIZE_MAX * sizeof(*arena->changed));
	arena->look = 1;
}

void arena_compare(struct arena *arena, uint64_t addr, uint64_t len, arena_change_fn *fn, void *ctx)
{
	while (len > 0) {
		uint8_t *host;
		uint32_t piece = arena_piece(arena, addr, len, &host);

		if (piece == 0)
			return;
		compare_piece(arena, host, addr, piece, fn, ctx);
		addr += piece;
		len -= piece;
	}
}

void arena_compare_all(struct arena *arena, arena_change_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < arena->region_count; i++)
		compare_piece(arena, arena->memory + arena->regions[i].offset,
			      arena->regions[i].base, arena->regions[i].whole, fn, ctx);
}

static void forget(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)addr;
	(void)data;
	(void)len;
}

void arena_plain_restore(struct arena *arena)
{
	/* The bytes are shared with the process that this one was forked from, and
	 * what is known of them is not: others may have been at them since. */
	if (arena->process != getpid()) {
		arena->process = getpid();
		arena->settled = false;
	}
	/* What it changed since the last look is in no list. */
	if (!arena->settled)
		arena_compare_all(arena, forget, NULL);
	arena->settled = false;
	for (unsigned i = 0; i < arena->dirty_count; i++) {
		size_t at = (size_t)arena->dirty[i] * ARENA_GRANULE;

		memcpy(arena->shadow + at, arena->pristine + at, ARENA_GRANULE);
	}
}

void arena_settled(struct arena *arena)
{
	arena->settled = true;
}

uint32_t arena_unchanged(struct arena *arena, uint64_t addr, uint32_t len, uint32_t since,
			 uint32_t run)
{
	uint32_t unchanged = 0;

	for (uint32_t at = 0; at < len;) {
		uint8_t *host;
		uint32_t piece = arena_piece(arena, addr + at, len - at, &host);
		const uint32_t *changed;

		if (piece == 0)
			break;
		changed = arena->changed + (host - arena->memory);
		for (uint32_t i = 0; i < piece; i++) {
			unchanged = changed[i] < since ? unchanged + 1 : 0;
			if (unchanged == run)
				return at + i + 1 - run;
		}
		at += piece;
	}
	return len;
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void arena_salt(struct arena *arena, uint64_t addr, uint32_t len, uint64_t key)
{
	for (uint32_t at = 0; at < len;) {
		uint8_t *host;
		uint32_t piece = arena_piece(arena, addr + at, len - at, &host);

		if (piece == 0)
			return;
		arena_mark_dirty(arena, host, piece);
		for (uint32_t i = 0; i < piece; i++) {
			uint64_t place = addr + at + i;
			uint8_t salt = (uint8_t)(mix(key ^ place / WORD) >> 8 * (place % WORD));

			/* Another byte it must be. */
			host[i] ^= salt != 0 ? salt : 0x5a;
		}
		arena_keep(arena, host, piece);
		at += piece;
	}
}
