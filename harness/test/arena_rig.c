/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An arena under test; see arena_rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_rig.h"

struct arena arena;
struct heap heap;
struct told told[TOLD_MAX];
unsigned told_count;

static void observe(void *ctx, const struct arena_access *a)
{
	struct told *t = &told[told_count % TOLD_MAX];

	assert_ptr_equal(ctx, told);
	*t = (struct told){
		.why = a->why, .write = a->write, .addr = a->addr, .len = a->len, .err = a->err
	};
	if (a->err == 0 && a->len > 0)
		t->first = *a->data;
	told_count++;
}

int arena_setup(void **state)
{
	(void)state;
	memset(&heap, 0, sizeof(heap));
	told_count = 0;
	if (arena_init(&arena, ARENA_STANDARD, false, &heap) != 0)
		return -1;
	arena.observe = observe;
	arena.observe_ctx = told;
	return 0;
}

int arena_teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	heap_release(&heap);
	return 0;
}

int dev_read_for(enum guest_purpose purpose, uint64_t addr, void *buf, uint32_t len)
{
	struct guest_why why = { .purpose = (uint8_t)purpose, .queue = 3, .walk = 9 };

	return arena.host.read(arena.host.ctx, why, addr, buf, len);
}

int dev_read(uint64_t addr, void *buf, uint32_t len)
{
	return dev_read_for(GUEST_PAYLOAD, addr, buf, len);
}

int dev_write(uint64_t addr, const void *buf, uint32_t len)
{
	struct guest_why why = { .purpose = GUEST_PAYLOAD, .queue = 3, .walk = 9 };

	return arena.host.write(arena.host.ctx, why, addr, buf, len);
}

int dev_byte(uint64_t addr)
{
	uint8_t byte;

	return dev_read(addr, &byte, 1) == 0 ? byte : -1;
}

bool dev_reaches(uint64_t addr, uint32_t len)
{
	static uint8_t bytes[LOW_SIZE + 1];

	assert_true(len <= sizeof(bytes));
	return dev_read(addr, bytes, len) == 0;
}

uint8_t *host_byte(uint64_t addr)
{
	for (unsigned i = 0; i < arena.region_count; i++)
		if (addr - arena.regions[i].base < arena.regions[i].size)
			return arena.memory + arena.regions[i].offset +
			       (addr - arena.regions[i].base);
	return NULL;
}
