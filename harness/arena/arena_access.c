/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The device's side of guest memory: read, write, map, unmap, with the races
 * and faults that strike there.  See arena.h.
 */
#include "harness/arena/arena_internal.h"
#include "harness/arena/instrumented.h"

#include <errno.h>
#include <string.h>

static void arena_trace(const struct arena *arena, enum trace_kind kind, uint64_t addr,
			uint32_t len, const uint8_t *data)
{
	struct trace_event event = {
		.kind = (uint8_t)kind, .addr = addr, .len = len, .data = data
	};

	if (arena->trace != NULL)
		arena->trace->event(arena->trace->ctx, &event);
}

/* Do these bytes meet what a race changes, which counts reads of that? */
static bool touches(const struct arena_race *race, uint64_t addr, uint32_t len)
{
	return !race->on_write && (addr - race->addr < race->len || race->addr - addr < len);
}

/* Two reads for one chain, of the same kind of thing. */
static bool is_same_fetch(struct guest_why a, struct guest_why b)
{
	bool chain = a.purpose == GUEST_PAYLOAD || a.purpose == GUEST_DESC ||
		     a.purpose == GUEST_INDIRECT || a.purpose == GUEST_AVAIL_ENTRY ||
		     a.purpose == GUEST_PACKED_DESC;

	return chain && a.purpose == b.purpose && a.queue == b.queue && a.walk == b.walk;
}

/* The bytes of the race that an access of [addr, addr + len) meets. */
static uint16_t bytes_met(const struct arena_race *race, uint64_t addr, uint32_t len)
{
	uint16_t met = 0;

	for (uint32_t i = 0; i < race->len; i++)
		if (race->addr + i - addr < len)
			met |= (uint16_t)(1u << i);
	return met;
}

static void strike(struct arena *arena, unsigned i)
{
	struct arena_race *race = &arena->races[i];

	arena->struck++;
	arena_store(arena, race->addr, race->data, race->len);
	arena_trace(arena, TRACE_RACE, race->addr, race->len, race->data);
	/* Those armed earlier strike first: keep the order. */
	memmove(race, race + 1, (--arena->race_count - i) * sizeof(*race));
}

/* The race is due at this read.  true: put it off. */
static bool note_due(struct arena *arena, struct arena_race *race)
{
	if (arena->refetch.serial == 0 && race->seen == (1u << race->len) - 1)
		arena->refetch = (struct arena_refetch){ .serial = race->serial,
							 .first = race->first,
							 .addr = race->addr,
							 .len = race->len,
							 .fresh = true };
	race->due = race->serial == arena->retime.serial && arena->retime.nth == 0;
	return race->due;
}

/* A device read of [addr, addr + len) is about to happen. */
static void strike_races(struct arena *arena, struct guest_why why, uint64_t addr, uint32_t len)
{
	for (unsigned i = 0; i < arena->race_count;) {
		struct arena_race *race = &arena->races[i];

		if (!touches(race, addr, len)) {
			i++;
			continue;
		}
		race->reads++;
		if (race->first == 0 || !is_same_fetch(race->why, why)) {
			race->first = race->reads;
			race->seen = 0;
			if (race->due) {
				strike(arena, i);
				continue;
			}
		}
		race->why = why;
		if (race->due || --race->countdown > 0 || note_due(arena, race)) {
			race->seen |= bytes_met(race, addr, len);
			i++;
			continue;
		}
		strike(arena, i);
	}
}

/* What the device itself writes there is no longer what it read before. */
static void overtake_races(struct arena *arena, uint64_t addr, uint32_t len)
{
	for (unsigned i = 0; i < arena->race_count; i++) {
		if (!touches(&arena->races[i], addr, len))
			continue;
		arena->races[i].first = 0;
		arena->overtaken = arena->overtaken || arena->races[i].due;
	}
}

/* The device has written [addr, addr + len). */
static void strike_behind_write(struct arena *arena, uint64_t addr, uint32_t len)
{
	for (unsigned i = 0; i < arena->race_count;) {
		struct arena_race *race = &arena->races[i];

		if (!race->on_write || race->watch - addr >= len || --race->countdown > 0)
			i++;
		else
			strike(arena, i);
	}
}

void arena_strike_due(struct arena *arena)
{
	for (unsigned i = 0; i < arena->race_count;) {
		arena->races[i].first = 0;
		if (arena->races[i].due)
			strike(arena, i);
		else
			i++;
	}
}

/* Is this the access that was to fail? */
static bool strike_fault(struct arena *arena, struct guest_why why, bool write)
{
	if (arena->fault_kind != ACCESS_ANY && (arena->fault_kind == ACCESS_WRITE) != write)
		return false;
	if (arena->fault_purpose != 0 && arena->fault_purpose - 1 != why.purpose)
		return false;
	if (--arena->fault_nth > 0)
		return false;
	arena->struck++;
	arena_trace(arena, TRACE_FAULT, 0, 0, NULL);
	return true;
}

/* Copy a range of several pieces, all of it there. */
static void copy_pieces(struct arena *arena, uint64_t addr, uint8_t *data, uint32_t len, bool write)
{
	while (len > 0) {
		uint8_t *host;
		uint32_t piece = arena_piece(arena, addr, len, &host);

		if (write) {
			arena_mark_dirty(arena, host, piece);
			if (arena->watch)
				arena_mark_changed(arena, host, piece);
			instrumented_copy(host, data, piece);
		} else {
			instrumented_copy(data, host, piece);
		}
		addr += piece;
		data += piece;
		len -= piece;
	}
}

static inline void copy_bytes(struct arena *arena, uint8_t *host, void *data, uint32_t len,
			      bool write)
{
	if (!write) {
		instrumented_copy(data, host, len);
		return;
	}
	arena_mark_dirty(arena, host, len);
	if (arena->watch)
		arena_mark_changed(arena, host, len);
	instrumented_copy(host, data, len);
}

/* The copy itself: 0, or -EFAULT with nothing copied. */
static __attribute__((noinline)) int move_bytes(struct arena *arena, struct guest_why why,
						uint64_t addr, void *data, uint32_t len, bool write)
{
	uint8_t *host;

	if (arena->fault_nth > 0 && strike_fault(arena, why, write))
		return -EFAULT;
	if (len == 0)
		return 0;
	if (len - 1 > UINT64_MAX - addr)
		return -EFAULT;
	if (arena->race_count > 0 && !write)
		strike_races(arena, why, addr, len);
	else if (arena->race_count > 0)
		overtake_races(arena, addr, len);
	host = arena_find(arena, addr, len);
	if (host == NULL) {
		if (!arena_has(arena, addr, len))
			return -EFAULT;
		copy_pieces(arena, addr, data, len, write);
	} else {
		copy_bytes(arena, host, data, len, write);
	}
	return 0;
}

/* ... the usual one: nothing strikes, and it lies in the first region, which cannot pass
 * 2^64. */
static inline __attribute__((always_inline)) int move_bytes_quick(struct arena *arena,
								  struct guest_why why,
								  uint64_t addr, void *data,
								  uint32_t len, bool write)
{
	uint8_t *host = arena_find_first(arena, addr, len);

	if (host == NULL || (arena->fault_nth | arena->race_count) != 0)
		return move_bytes(arena, why, addr, data, len, write);
	copy_bytes(arena, host, data, len, write);
	return 0;
}

static __attribute__((noinline)) void trace_access(const struct arena *arena,
						   const struct arena_access *access)
{
	struct trace_event event = { .kind = access->write ? TRACE_WRITE : TRACE_READ,
				     .why = access->why,
				     .err = access->err,
				     .addr = access->addr,
				     .len = access->len,
				     .data = access->data };

	arena->trace->event(arena->trace->ctx, &event);
}

static inline void tell(const struct arena *arena, const struct arena_access *access)
{
	if (arena->trace != NULL)
		trace_access(arena, access);
	if (arena->observe != NULL)
		arena->observe(arena->observe_ctx, access);
}

static int arena_read(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	struct arena_access access = { why, false, addr, buf, len, 0 };

	access.err = move_bytes_quick(ctx, why, addr, buf, len, false);
	tell(ctx, &access);
	return access.err;
}

/* The bytes written are only read; one copy routine serves both directions. */
static void *writable(const void *data)
{
	union {
		const void *in;
		void *out;
	} pointer = { .in = data };

	return pointer.out;
}

static int arena_write(void *ctx, struct guest_why why, uint64_t addr, const void *buf,
		       uint32_t len)
{
	struct arena_access access = { why, true, addr, buf, len, 0 };

	access.err = move_bytes_quick(ctx, why, addr, writable(buf), len, true);
	tell(ctx, &access);
	if (((struct arena *)ctx)->race_count > 0 && access.err == 0)
		strike_behind_write(ctx, addr, len);
	return access.err;
}

static struct arena_view *find_view(struct arena *arena, const void *memory)
{
	for (unsigned i = 0; i < ARENA_VIEWS_MAX; i++)
		if (arena->views[i].memory == memory)
			return &arena->views[i];
	return NULL;
}

static void *arena_map_view(void *ctx, struct guest_why why, uint64_t addr, uint32_t len,
			    bool write)
{
	struct arena *arena = ctx;
	struct arena_view *view = find_view(arena, NULL);
	void *memory;

	if (view == NULL)
		return NULL;
	if ((len > 0 && len - 1 > UINT64_MAX - addr) || !arena_has(arena, addr, len)) {
		tell(arena, &(struct arena_access){ why, write, addr, NULL, len, -EFAULT });
		return NULL;
	}
	memory = heap_alloc(arena->heap, len);
	if (memory == NULL)
		return NULL;
	if (!write && arena_read(arena, why, addr, memory, len) != 0) {
		heap_free(arena->heap, memory);
		return NULL;
	}
	view->memory = memory;
	view->why = why;
	view->addr = addr;
	view->len = len;
	view->write = write;
	arena->view_count++;
	return memory;
}

static int arena_unmap_view(void *ctx, void *memory)
{
	struct arena *arena = ctx;
	struct arena_view *view = memory != NULL ? find_view(arena, memory) : NULL;
	int err = 0;

	if (view == NULL)
		return -EINVAL;
	if (view->write)
		err = arena_write(arena, view->why, view->addr, memory, view->len);
	heap_free(arena->heap, memory);
	view->memory = NULL;
	arena->view_count--;
	return err;
}

void arena_drop_views(struct arena *arena)
{
	for (unsigned i = 0; arena->view_count > 0 && i < ARENA_VIEWS_MAX; i++) {
		if (arena->views[i].memory == NULL)
			continue;
		heap_free(arena->heap, arena->views[i].memory);
		arena->views[i].memory = NULL;
		arena->view_count--;
	}
}

static void *arena_alloc(void *ctx, size_t size)
{
	return heap_alloc(((struct arena *)ctx)->heap, size);
}

static void arena_free(void *ctx, void *memory)
{
	heap_free(((struct arena *)ctx)->heap, memory);
}

static bool arena_is_memory(void *ctx, uint64_t addr, uint64_t len)
{
	struct arena *arena = ctx;

	if (arena->asked != NULL)
		arena->asked(arena->observe_ctx, addr, len);
	return len - 1 <= UINT64_MAX - addr && arena_has(arena, addr, len);
}

void arena_host_init(struct arena *arena)
{
	arena->host.ctx = arena;
	arena->host.read = arena_read;
	arena->host.write = arena_write;
	arena->host.map = arena_map_view;
	arena->host.unmap = arena_unmap_view;
	arena->host.is_memory = arena_is_memory;
	arena->host.alloc = arena_alloc;
	arena->host.free = arena_free;
}

/* NULL if it cannot be. */
static struct arena_race *arm(struct arena *arena, uint32_t nth, uint64_t addr, const void *data,
			      uint32_t len)
{
	struct arena_race *race = &arena->races[arena->race_count];

	if (nth == 0 || len == 0 || len > ARENA_RACE_BYTES_MAX ||
	    arena->race_count == ARENA_RACES_MAX)
		return NULL;
	*race = (struct arena_race){
		.addr = addr, .len = len, .countdown = nth, .serial = ++arena->race_serial
	};
	memcpy(race->data, data, len);
	arena->race_count++;
	return race;
}

bool arena_race(struct arena *arena, uint32_t nth, uint64_t addr, const void *data, uint32_t len)
{
	struct arena_race *race = arm(arena, nth, addr, data, len);

	if (race != NULL && race->serial == arena->retime.serial && arena->retime.nth != 0)
		race->countdown = arena->retime.nth;
	return race != NULL;
}

bool arena_race_write(struct arena *arena, uint32_t nth, uint64_t watch, uint64_t addr,
		      const void *data, uint32_t len)
{
	struct arena_race *race = arm(arena, nth, addr, data, len);

	if (race == NULL)
		return false;
	race->on_write = true;
	race->watch = watch;
	return true;
}

void arena_disarm(struct arena *arena)
{
	arena->race_count = 0;
	arena->fault_nth = 0;
	arena->heap->fault_nth = 0;
}
