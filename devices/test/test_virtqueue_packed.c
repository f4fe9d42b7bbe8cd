/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The packed-virtqueue walker against a driver that keeps no rule: every boundary
 * of the contract in virtqueue.h.  VIRTIO 1.4, 2.8.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/virtio_ring.h>

#include "../virtqueue.h"
#include "fake_host.h"

#define BASE 0x10000u
#define DESC BASE
#define DRIVER (BASE + 0x20000u)
#define DEVICE (BASE + 0x40000u)
#define TABLE_AT (BASE + 0x50000u)
#define QUEUE 3
#define F_NEXT VRING_DESC_F_NEXT
#define F_WRITE VRING_DESC_F_WRITE
#define F_INDIRECT VRING_DESC_F_INDIRECT
#define PACKED (UINT64_C(1) << VIRTIO_F_RING_PACKED)
#define INDIRECT (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

static struct fake_host fake;
static struct virtqueue vq;
static struct virtqueue_chain chain;
static struct virtqueue_buffer buffer;
static uint8_t scratch[64 * 16];
static uint16_t slot; /* the driver's: the next entry and its wrap counter */
static bool wrap;

static void setup(uint16_t size, uint64_t features)
{
	fake_host_init(&fake, BASE);
	memset(scratch, 0xff, sizeof(scratch));
	virtqueue_init(&vq, &fake.host, QUEUE, 64, scratch);
	vq.size = size;
	vq.area[VIRTQUEUE_DESC] = DESC;
	vq.area[VIRTQUEUE_DRIVER] = DRIVER;
	vq.area[VIRTQUEUE_DEVICE] = DEVICE;
	vq.ready = true;
	virtqueue_negotiated(&vq, PACKED | features);
	slot = 0;
	wrap = true;
}

static void put_at(uint64_t at, uint64_t addr, uint32_t len, uint16_t id, uint16_t flags)
{
	struct vring_packed_desc desc = { .addr = htole64(addr),
					  .len = htole32(len),
					  .id = htole16(id),
					  .flags = htole16(flags) };

	memcpy(fake_mem(&fake, at, sizeof(desc)), &desc, sizeof(desc));
}

static struct vring_packed_desc entry(uint16_t i)
{
	struct vring_packed_desc desc;

	memcpy(&desc, fake_mem(&fake, DESC + 16 * (uint64_t)i, 16), 16);
	return desc;
}

/* What the driver puts into its next entry, available. */
static void offer(uint64_t addr, uint32_t len, uint16_t id, uint16_t flags)
{
	put_at(DESC + 16 * (uint64_t)slot, addr, len, id,
	       flags | (wrap ? RING_PACKED_AVAIL : RING_PACKED_USED));
	if (++slot == vq.size) {
		slot = 0;
		wrap = !wrap;
	}
}

static void driver_event(uint16_t off_wrap, uint16_t flags)
{
	struct vring_packed_desc_event event = { htole16(off_wrap), htole16(flags) };

	memcpy(fake_mem(&fake, DRIVER, 4), &event, 4);
}

static void assert_used(uint16_t i, uint16_t id, uint32_t len, bool used_wrap)
{
	struct vring_packed_desc desc = entry(i);
	uint16_t bits = RING_PACKED_AVAIL | RING_PACKED_USED;

	assert_int_equal(le16toh(desc.id), id);
	assert_int_equal(le32toh(desc.len), len);
	assert_int_equal(le16toh(desc.flags) & bits, used_wrap ? bits : 0);
	assert_int_equal(!!(le16toh(desc.flags) & F_WRITE), len > 0);
}

static void assert_access(unsigned i, enum guest_purpose purpose, uint64_t addr, uint32_t len,
			  bool write)
{
	assert_true(i < fake.logged);
	assert_int_equal(fake.log[i].why.purpose, purpose);
	assert_int_equal(fake.log[i].why.queue, QUEUE);
	assert_int_equal(fake.log[i].addr, addr);
	assert_int_equal(fake.log[i].len, len);
	assert_int_equal(fake.log[i].write, write);
}

static void nothing_is_available_at_first(void **state)
{
	(void)state;
	setup(4, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake.logged, 1);
	assert_access(0, GUEST_PACKED_FLAGS, DESC + 14, 2, false);
	/* Used of the other lap, which a driver never writes. */
	put_at(DESC, 1, 1, 1, 0x8080);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	/* Available of the other lap. */
	put_at(DESC, 1, 1, 1, 0x8000);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
}

static void chain_goes_round_once(void **state)
{
	(void)state;
	setup(4, 0);
	offer(0x111, 1, 0xffff, F_NEXT);
	offer(0x222, 2, 7, F_WRITE);
	fake_log_clear(&fake);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(fake.logged, 3);
	assert_access(0, GUEST_PACKED_FLAGS, DESC + 14, 2, false);
	assert_access(1, GUEST_PACKED_DESC, DESC, 14, false);
	assert_access(2, GUEST_PACKED_DESC, DESC + 16, 16, false);
	assert_int_equal(chain.head, 7);
	assert_int_equal(chain.slots, 2);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(buffer.addr, 0x111);
	assert_int_equal(buffer.len, 1);
	assert_false(buffer.writable);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(buffer.addr, 0x222);
	assert_true(buffer.writable);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	fake_log_clear(&fake);
	assert_int_equal(virtqueue_push(&vq, &chain, 2), 0);
	assert_int_equal(fake.logged, 2);
	assert_access(0, GUEST_PACKED_USED, DESC + 8, 6, true);
	assert_access(1, GUEST_PACKED_FLAGS, DESC + 14, 2, true);
	assert_used(0, 7, 2, true);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
}

/* Across the end, and lap after lap; sizes need be no power of two. */
static void laps(void **state)
{
	uint16_t at = 0;
	bool used_wrap = true;

	(void)state;
	setup(5, 0);
	for (unsigned i = 0; i < 40; i++) {
		unsigned slots = 1 + i % 3;

		for (unsigned n = 0; n < slots; n++)
			offer(n, n, (uint16_t)i, n + 1 < slots ? F_NEXT : 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		assert_int_equal(chain.slots, slots);
		assert_int_equal(chain.head, i);
		assert_int_equal(chain.walk, i);
		assert_int_equal(virtqueue_push(&vq, &chain, i), 0);
		assert_used(at, (uint16_t)i, i, used_wrap);
		at = (uint16_t)(at + slots);
		if (at >= 5) {
			at = (uint16_t)(at - 5);
			used_wrap = !used_wrap;
		}
		assert_int_equal(vq.used_slot, at);
		assert_int_equal(vq.avail_slot, slot);
		assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	}
}

/* The used descriptor goes to the next place, whichever chain it returns, and skips as many
 * entries as that chain has. */
static void out_of_order(void **state)
{
	struct virtqueue_chain second;

	(void)state;
	setup(8, 0);
	offer(1, 1, 10, F_NEXT);
	offer(1, 1, 10, F_NEXT);
	offer(1, 1, 10, 0);
	offer(2, 2, 20, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_pop(&vq, &second), 1);
	assert_int_equal(virtqueue_push(&vq, &second, 0), 0);
	assert_used(0, 20, 0, true);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
	assert_used(1, 10, 0, true);
	assert_int_equal(vq.used_slot, 4);
}

static void full_ring_is_not_looked_at(void **state)
{
	struct virtqueue_chain first;

	(void)state;
	setup(2, 0);
	offer(1, 1, 0, 0);
	offer(1, 1, 1, 0);
	assert_int_equal(virtqueue_pop(&vq, &first), 1);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	/* The driver lies: the device has both. */
	offer(1, 1, 2, 0);
	fake_log_clear(&fake);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake.logged, 0);
}

static void chain_longer_than_there_is(void **state)
{
	struct virtqueue_chain first;

	(void)state;
	setup(4, 0);
	for (unsigned i = 0; i < 4; i++)
		offer(1, 1, 0, F_NEXT);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	assert_true(vq.poisoned);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	/* ... than is left. */
	setup(4, 0);
	offer(1, 1, 0, 0);
	assert_int_equal(virtqueue_pop(&vq, &first), 1);
	for (unsigned i = 0; i < 4; i++)
		offer(1, 1, 0, i < 3 ? F_NEXT : 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	assert_true(vq.poisoned);
}

static void chain_into_what_is_not_available(void **state)
{
	(void)state;
	setup(4, 0);
	offer(1, 1, 0, F_NEXT);
	put_at(DESC + 16, 1, 1, 0, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	assert_true(vq.poisoned);
}

static void unreadable_ring(void **state)
{
	(void)state;
	setup(4, 0);
	fake.fail_nth[GUEST_PACKED_FLAGS] = 1;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
	setup(4, 0);
	offer(1, 1, 0, F_NEXT);
	offer(1, 1, 0, 0);
	fake.fail_nth[GUEST_PACKED_DESC] = 2;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
	/* A ring that passes 2^64. */
	setup(4, 0);
	vq.area[VIRTQUEUE_DESC] = UINT64_MAX - 15;
	vq.avail_slot = 1;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
}

static void failed_completion_moves_nothing(void **state)
{
	struct virtqueue_chain second;

	(void)state;
	setup(4, 0);
	offer(1, 1, 5, F_NEXT);
	offer(1, 1, 5, 0);
	offer(1, 1, 6, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_pop(&vq, &second), 1);
	fake.fail_nth[GUEST_PACKED_FLAGS] = 1;
	assert_int_equal(virtqueue_push(&vq, &chain, 1), -EFAULT);
	assert_int_equal(vq.used_slot, 0);
	assert_int_equal(vq.lost, 1);
	assert_false(virtqueue_wants_interrupt(&vq));
	assert_int_equal(virtqueue_push(&vq, &second, 1), 0);
	assert_used(0, 6, 1, true);
	assert_int_equal(vq.used_slot, 1);
	/* The two entries of the lost chain stay the device's. */
	offer(1, 1, 7, F_NEXT);
	offer(1, 1, 7, F_NEXT);
	offer(1, 1, 7, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
}

static void indirect(void **state)
{
	(void)state;
	setup(4, INDIRECT);
	/* WRITE beside INDIRECT is ignored, and so are all flags but WRITE in the table. */
	put_at(TABLE_AT, 0xaaa, 1, 99, F_NEXT);
	put_at(TABLE_AT + 16, 0xbbb, 2, 98, F_WRITE | F_INDIRECT);
	put_at(TABLE_AT + 32, 0xccc, 3, 97, F_WRITE | F_NEXT);
	offer(TABLE_AT, 48, 11, F_INDIRECT | F_WRITE);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(chain.head, 11);
	assert_int_equal(chain.slots, 1);
	fake_log_clear(&fake);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
		assert_access((unsigned)i, GUEST_INDIRECT, TABLE_AT + 16 * i, 16, false);
		assert_int_equal(buffer.addr, 0xaaa + 0x111 * i);
		assert_int_equal(buffer.writable, i > 0);
	}
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	assert_int_equal(fake.logged, 3);
}

static void bad_tables(void **state)
{
	static const struct {
		uint64_t features;
		uint32_t len;
		uint16_t flags;
	} bad[] = {
		{ 0, 16, F_INDIRECT },
		{ INDIRECT, 0, F_INDIRECT },
		{ INDIRECT, 24, F_INDIRECT },
		{ INDIRECT, 15, F_INDIRECT },
		{ INDIRECT, 16, F_INDIRECT | F_NEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(4, bad[i].features);
		offer(TABLE_AT, bad[i].len, 1, bad[i].flags);
		if (bad[i].flags & F_NEXT)
			offer(TABLE_AT, 1, 1, 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
		assert_int_equal(fake_log_count(&fake, GUEST_INDIRECT), 0);
		/* It is returned like any other, and the ring goes on. */
		assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
		assert_used(0, 1, 0, true);
		assert_int_equal(vq.used_slot, slot);
	}
	/* Behind ordinary descriptors. */
	setup(4, INDIRECT);
	offer(1, 1, 1, F_NEXT);
	offer(TABLE_AT, 16, 1, F_INDIRECT);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
	/* Longer than the queue: as far as the queue goes. */
	setup(4, INDIRECT);
	offer(TABLE_AT, 5 * 16, 1, F_INDIRECT);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(virtqueue_chain_next(&chain, &buffer), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EBADMSG);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), 0);
	/* Past 2^64. */
	setup(4, INDIRECT);
	offer(UINT64_MAX - 7, 32, 1, F_INDIRECT);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_chain_next(&chain, &buffer), -EFAULT);
}

static void use_one(void)
{
	offer(1, 1, 1, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
}

static void interrupts_by_flags(void **state)
{
	static const struct {
		uint64_t features;
		uint16_t flags;
		bool wanted;
	} rows[] = {
		{ 0, VRING_PACKED_EVENT_FLAG_ENABLE, true },
		{ 0, VRING_PACKED_EVENT_FLAG_DISABLE, false },
		/* Of no meaning without EVENT_IDX, and one that has none. */
		{ 0, VRING_PACKED_EVENT_FLAG_DESC, true },
		{ EVENT, 3, true },
		{ EVENT, VRING_PACKED_EVENT_FLAG_ENABLE, true },
		{ EVENT, VRING_PACKED_EVENT_FLAG_DISABLE, false },
		/* Reserved bits are not looked at. */
		{ EVENT, 0xfff0 | VRING_PACKED_EVENT_FLAG_DISABLE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(4, rows[i].features);
		driver_event(0, rows[i].flags);
		assert_false(virtqueue_wants_interrupt(&vq));
		use_one();
		assert_int_equal(virtqueue_wants_interrupt(&vq), rows[i].wanted);
		assert_false(virtqueue_wants_interrupt(&vq));
	}
	setup(4, 0);
	driver_event(0, VRING_PACKED_EVENT_FLAG_DISABLE);
	use_one();
	fake.fail_nth[GUEST_DRIVER_EVENT] = 1;
	assert_true(virtqueue_wants_interrupt(&vq));
}

/* Every event against every place that a batch of two may end at. */
static void interrupts_by_event(void **state)
{
	(void)state;
	for (unsigned start = 0; start < 6; start++) {
		for (unsigned event = 0; event < 8; event++) {
			uint16_t offset = (uint16_t)(event % 4);
			bool event_wrap = event < 4;
			/* Of six places in two laps of three, from where it starts. */
			unsigned at = (event_wrap ? 0u : 3u) + offset;
			bool hit = offset < 3 && (at + 6 - start) % 6 < 2;

			setup(3, EVENT);
			driver_event(0, VRING_PACKED_EVENT_FLAG_DISABLE);
			for (unsigned i = 0; i < start; i++) {
				use_one();
				(void)virtqueue_wants_interrupt(&vq);
			}
			driver_event(virtqueue_cursor(offset, event_wrap),
				     VRING_PACKED_EVENT_FLAG_DESC);
			use_one();
			use_one();
			assert_int_equal(virtqueue_wants_interrupt(&vq), hit);
		}
	}
}

/* The entry that it looks at next is the one that it wants to hear of. */
static void device_event(void **state)
{
	struct vring_packed_desc_event event;

	(void)state;
	setup(2, EVENT);
	for (unsigned i = 0; i < 5; i++) {
		fake_log_clear(&fake);
		assert_int_equal(virtqueue_pop(&vq, &chain), 0);
		assert_int_equal(fake.logged, 3);
		assert_access(1, GUEST_DEVICE_EVENT, DEVICE, 4, true);
		assert_access(2, GUEST_PACKED_FLAGS, DESC + 16 * (i % 2) + 14, 2, false);
		memcpy(&event, fake_mem(&fake, DEVICE, 4), 4);
		assert_int_equal(le16toh(event.flags), VRING_PACKED_EVENT_FLAG_DESC);
		assert_int_equal(le16toh(event.off_wrap),
				 virtqueue_cursor((uint16_t)(i % 2), i / 2 % 2 == 0));
		/* Asked each time: the driver may have written over it. */
		assert_int_equal(virtqueue_pop(&vq, &chain), 0);
		assert_int_equal(fake.logged, 6);
		use_one();
	}
	/* Without EVENT_IDX nothing is written there. */
	setup(2, 0);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_log_count(&fake, GUEST_DEVICE_EVENT), 0);
}

static void made_available_while_asked(struct fake_host *host, const struct fake_access *access)
{
	if (access->why.purpose != GUEST_DEVICE_EVENT)
		return;
	host->hook = NULL;
	offer(1, 1, 9, 0);
}

static void looks_again_when_it_has_asked(void **state)
{
	(void)state;
	setup(4, EVENT);
	fake.hook = made_available_while_asked;
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(chain.head, 9);
}

static void reset_forgets(void **state)
{
	(void)state;
	setup(3, EVENT);
	use_one();
	use_one();
	use_one();
	use_one();
	virtqueue_reset(&vq);
	assert_false(vq.packed);
	assert_int_equal(vq.avail_slot | vq.used_slot, 0);
	assert_true(vq.avail_wrap && vq.used_wrap);
}

static void room_for_copies(void **state)
{
	(void)state;
	assert_int_equal(virtqueue_scratch_size(8, PACKED), 128);
	assert_int_equal(virtqueue_scratch_size(1, PACKED), 16);
	assert_int_equal(virtqueue_scratch_size(8, ~PACKED), virtqueue_seen_size(8));
	assert_int_equal(
		virtqueue_distance(virtqueue_cursor(3, true), virtqueue_cursor(1, false), 5), 3);
	assert_int_equal(
		virtqueue_distance(virtqueue_cursor(3, true), virtqueue_cursor(3, false), 5), 5);
	assert_true(virtqueue_distance(virtqueue_cursor(3, true), virtqueue_cursor(1, true), 5) >
		    5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_available_at_first),
		cmocka_unit_test(chain_goes_round_once),
		cmocka_unit_test(laps),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(full_ring_is_not_looked_at),
		cmocka_unit_test(chain_longer_than_there_is),
		cmocka_unit_test(chain_into_what_is_not_available),
		cmocka_unit_test(unreadable_ring),
		cmocka_unit_test(failed_completion_moves_nothing),
		cmocka_unit_test(indirect),
		cmocka_unit_test(bad_tables),
		cmocka_unit_test(interrupts_by_flags),
		cmocka_unit_test(interrupts_by_event),
		cmocka_unit_test(device_event),
		cmocka_unit_test(looks_again_when_it_has_asked),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(room_for_copies),
	};

	return cmocka_run_group_tests_name("virtqueue-packed", tests, NULL, NULL);
}
