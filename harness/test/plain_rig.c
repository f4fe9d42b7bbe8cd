/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device on plain memory that is not there; see plain_rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"
#include "plain_rig.h"

struct arena plain_arena;
static struct heap heap;
static bool accesses;

void plain_put_bytes(uint64_t addr, const void *bytes, uint32_t len)
{
	struct arena_handout regions[ARENA_REGIONS_MAX];
	unsigned count = arena_hand_out(&plain_arena, regions);

	if (accesses) {
		struct guest_why why = { .purpose = GUEST_UNTOLD };

		plain_arena.look++; /* as a store of its own would */
		arena_store(&plain_arena, addr, bytes, len);
		ledger_memory(&ledger, &(struct arena_access){ why, true, addr, bytes, len, 0 });
		return;
	}
	for (unsigned i = 0; i < count; i++)
		if (addr - regions[i].addr < regions[i].size)
			memcpy((uint8_t *)regions[i].host + (addr - regions[i].addr), bytes, len);
}

void plain_put(uint64_t addr, uint64_t value, uint32_t len)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	plain_put_bytes(addr, bytes, len);
}

void plain_look(uint64_t addr, uint32_t len)
{
	static const uint8_t zeros[64];
	struct guest_why why = { .purpose = GUEST_UNTOLD };

	ledger_memory(&ledger, &(struct arena_access){ why, false, addr, zeros, len, 0 });
}

void plain_set_up(bool by_accessors)
{
	accesses = by_accessors;
	rig_new();
	rig_target.model = false;
	rig_target.features |= 1ull << VIRTIO_RING_F_EVENT_IDX |
			       1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_F_RING_PACKED;
	rig_target.facts = FACT_REGISTERS | FACT_CHANGES | FACT_INTERRUPT | FACT_STATE |
			   FACT_LAYOUT | (by_accessors ? FACT_ACCESS : 0);
	rig_reset();
	assert_int_equal(arena_init(&plain_arena, ARENA_FLAT, !by_accessors, &heap), 0);
	plain_arena.watch = by_accessors;
	arena_reset(&plain_arena);
	ledger_plain_open(&ledger, &plain_arena, by_accessors, NULL, NULL);
	ledger_thorough(&ledger, true);
	arena_fill(&plain_arena, DESC, 0x8000, 0);
}

int plain_teardown(void **state)
{
	(void)state;
	arena_release(&plain_arena);
	return 0;
}

void plain_begin(unsigned queue, uint64_t features)
{
	features |= 1ull << VIRTIO_F_VERSION_1;
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	set_status(STATUS_FEATURES);
	on = queue;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC);
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL);
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED);
	shown.ready = 1;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
}
