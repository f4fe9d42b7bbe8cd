/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The balloon: its configuration from both sides, and what becomes of page
 * numbers.  VIRTIO 1.4, 5.5.
 */
#include <endian.h>
#include <string.h>

#include "../balloon.h"
#include "net_guest.h"

#define VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)
#define NUMBERS (BASE + BALLOON_QUEUE_COUNT * RINGS)
#define FIRST (BASE >> VIRTIO_BALLOON_PFN_SHIFT) /* the first page there is */
#define NUM_PAGES 0x100
#define ACTUAL 0x104

static struct fake_queue q[BALLOON_QUEUE_COUNT];

static void start(void)
{
	guest_start(q, BALLOON_QUEUE_COUNT, VERSION_1);
}

static int setup(void **state)
{
	(void)state;
	guest_setup(&balloon_ops, q, BALLOON_QUEUE_COUNT);
	start();
	return 0;
}

static bool set_num_pages(uint32_t pages)
{
	return balloon_set_num_pages(mmio_device(m), pages);
}

static void put_number(uint32_t index, uint32_t number)
{
	number = htole32(number);
	memcpy(fake_mem(&fake, NUMBERS + 4 * (uint64_t)index, 4), &number, 4);
}

/* Page numbers from `first` on. */
static void put_numbers(uint32_t first, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		put_number(i, first + i);
}

/* A chain of those lengths, returned with length 0. */
#define give(queue, ...) give_chain((queue), (const uint32_t[]){ __VA_ARGS__, END })
static void give_chain(unsigned queue, const uint32_t *lengths)
{
	uint16_t used = fake_used_idx(&q[queue]);

	net_chain(&q[queue], 0, NUMBERS, lengths);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	assert_used(&q[queue], (uint16_t)(used + 1), 0, 0);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
}

static void identity(void **state)
{
	uint8_t buf[8];
	unsigned i;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 5);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)VIRTQUEUE_FEATURES);
	assert_int_equal(reg_read(VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	assert_int_equal(reg_read(VIRTIO_MMIO_SHM_BASE_HIGH), UINT32_MAX);
	for (i = 0; i < 32; i++) {
		mmio_read(m, 0x100 + i, buf, 1);
		assert_int_equal(buf[0], 0);
	}
	mmio_read(m, UINT64_MAX - 7, buf, 8);
	assert_memory_equal(buf, (uint8_t[8]){ 0 }, 8);
	for (i = 0; i < BALLOON_QUEUE_COUNT; i++)
		assert_true(balloon_ops.queues[i].driver_initiated);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, BALLOON_QUEUE_COUNT);
	assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	expect_none();
}

static void the_host_changes_its_mind(void **state)
{
	uint8_t half[2];

	(void)state;
	assert_true(set_num_pages(0x0000ffff));
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(reg_read(NUM_PAGES), 0x0000ffff);
	/* The same again is no change. */
	assert_false(set_num_pages(0x0000ffff));
	assert_interrupts(0, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	/* A torn read shows in the generation. */
	mmio_read(m, NUM_PAGES, half, 2);
	assert_true(set_num_pages(0x00010000));
	assert_int_equal(half[0] | half[1] << 8, 0xffff);
	mmio_read(m, NUM_PAGES + 2, half, 2);
	assert_int_equal(half[0] | half[1] << 8, 1);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 2);
	assert_true(set_num_pages(UINT32_MAX));
	assert_int_equal(reg_read(NUM_PAGES), UINT32_MAX);
	expect({ "target_changed", 3 });
}

/* A driver that is not there yet reads it when it starts; a reset is no change. */
static void a_target_outlasts_a_reset(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_true(set_num_pages(5));
	assert_interrupts(0, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	reg_write(ACTUAL, 3);
	start();
	assert_int_equal(reg_read(NUM_PAGES), 5);
	assert_int_equal(reg_read(ACTUAL), 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	expect({ "target_changed", 1 }, { "actual_written", 1 });
}

static void the_driver_writes_actual(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	set_num_pages(0x1234);
	fake_log_clear(&fake);
	reg_write(ACTUAL, 0xa1b2c3d4);
	assert_int_equal(reg_read(ACTUAL), 0xa1b2c3d4);
	mmio_write(m, ACTUAL + 1, bytes, 1);
	mmio_write(m, ACTUAL + 2, bytes, 2);
	assert_int_equal(reg_read(ACTUAL), 0x020101d4);
	/* Both fields at once: the other is the host's. */
	mmio_write(m, NUM_PAGES, bytes, 8);
	assert_int_equal(reg_read(ACTUAL), 0x08070605);
	mmio_write(m, ACTUAL + 3, bytes, 8);
	assert_int_equal(reg_read(ACTUAL), 0x01070605);
	expect({ "target_changed", 1 }, { "actual_written", 5 });
	mmio_write(m, NUM_PAGES, bytes, 4);
	mmio_write(m, ACTUAL + 4, bytes, 8);
	mmio_write(m, UINT64_MAX - 7, bytes, 8);
	assert_int_equal(reg_read(NUM_PAGES), 0x1234);
	assert_int_equal(reg_read(ACTUAL), 0x01070605);
	/* Its own writes do not move the generation, and interrupt nobody. */
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_interrupts(0, 0);
	expect_none();
}

static void pages(void **state)
{
	(void)state;
	put_numbers(FIRST, 4);
	give(BALLOON_INFLATE, 16);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", 4 }, { "inflate_pages", 4 });
	give(BALLOON_DEFLATE, 8);
	expect({ "deflate_chains", 1 }, { "deflate_numbers", 2 }, { "deflate_pages", 2 });
	/* However it is spread over descriptors; nothing at all is a chain, too. */
	give(BALLOON_INFLATE, 1, 0, 2, 5, 0, 8);
	give(BALLOON_INFLATE, 0);
	expect({ "inflate_chains", 2 }, { "inflate_numbers", 4 }, { "inflate_pages", 4 });
}

static void pages_outside_memory(void **state)
{
	const uint32_t beyond = FIRST + FAKE_MEM_SIZE / 4096;

	(void)state;
	put_number(0, FIRST - 1);
	put_number(1, FIRST);
	put_number(2, beyond - 1);
	put_number(3, beyond);
	put_number(4, UINT32_MAX);
	/* In 32 bits its address would be that of the first page. */
	put_number(5, FIRST | 1u << 20);
	give(BALLOON_INFLATE, 24);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", 6 }, { "inflate_pages", 2 },
	       { "inflate_outside", 4 });
}

static void lengths_that_are_no_multiple(void **state)
{
	uint32_t len;

	(void)state;
	put_numbers(FIRST, 4);
	for (len = 1; len < 16; len++)
		if (len % 4)
			give(BALLOON_DEFLATE, len);
	give(BALLOON_DEFLATE, 8, 3);
	expect({ "deflate_odd_length", 13 });
	assert_int_equal(fake_log_count(&fake, GUEST_PAYLOAD), 0);
}

/* What is read is bounded, whatever the lengths are. */
static void huge_lengths(void **state)
{
	unsigned i, payload = 0;

	(void)state;
	memset(fake_mem(&fake, NUMBERS, 4 * BALLOON_CHAIN_PAGES), 0, 4 * BALLOON_CHAIN_PAGES);
	give(BALLOON_INFLATE, 4 * BALLOON_CHAIN_PAGES, 4);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", BALLOON_CHAIN_PAGES + 1 },
	       { "inflate_outside", BALLOON_CHAIN_PAGES }, { "inflate_dropped", 1 });
	fake_log_clear(&fake);
	for (i = 0; i < SIZE; i++)
		fake_desc(&q[0], (uint16_t)i, NUMBERS, UINT32_MAX - 3, i + 1 < SIZE ? F_NEXT : 0,
			  (uint16_t)(i + 1));
	fake_offer(&q[0], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	for (i = 0; i < fake.logged; i++)
		if (fake.log[i].why.purpose == GUEST_PAYLOAD)
			payload += fake.log[i].len;
	assert_int_equal(payload, 4 * BALLOON_CHAIN_PAGES);
	assert_int_equal(fake.alloc_calls, 1);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", UINT64_C(0x3fffffff) * SIZE },
	       { "inflate_outside", BALLOON_CHAIN_PAGES },
	       { "inflate_dropped", UINT64_C(0x3fffffff) * SIZE - BALLOON_CHAIN_PAGES });
}

static void invalid_chains(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} bad[] = {
		{ NUMBERS, 8, F_NEXT, SIZE },		  /* out of the table */
		{ NUMBERS, 8, F_NEXT, 0 },		  /* a loop */
		{ NUMBERS, 8, VRING_DESC_F_INDIRECT, 0 }, /* not offered */
		{ NUMBERS, 8, F_WRITE, 0 },
		{ NUMBERS, 8, F_NEXT, 1 },   /* to one that cannot be read */
		{ UINT64_MAX - 2, 4, 0, 0 }, /* wraps */
	};
	unsigned i;

	(void)state;
	put_numbers(FIRST, 2);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_desc(&q[0], 0, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
		fake_desc(&q[0], 1, UNMAPPED, 4, 0, 0);
		fake_offer(&q[0], 0);
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		assert_used(&q[0], (uint16_t)(i + 1), 0, 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
		/* None of its pages counts. */
		expect({ "inflate_chain_invalid", 1 });
	}
}

static void a_poisoned_queue_is_alone(void **state)
{
	(void)state;
	put_numbers(FIRST, 1);
	fake_avail_set(&q[BALLOON_INFLATE], SIZE + 1);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, BALLOON_INFLATE);
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, BALLOON_INFLATE);
	assert_interrupts(0, 0);
	/* That is no change of configuration. */
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG_GENERATION), 0);
	give(BALLOON_DEFLATE, 4);
	expect({ "invalid_avail_idx_count", 1 }, { "deflate_chains", 1 }, { "deflate_numbers", 1 },
	       { "deflate_pages", 1 });
	/* And the host may still change its mind. */
	assert_true(set_num_pages(9));
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	expect({ "target_changed", 1 });
}

static void used_ring_that_cannot_be_written(void **state)
{
	(void)state;
	put_numbers(FIRST, 1);
	fake.fail_nth[GUEST_USED_IDX] = 1;
	net_chain(&q[0], 0, NUMBERS, (const uint32_t[]){ 4, END });
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	assert_interrupts(0, 0);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", 1 }, { "inflate_pages", 1 },
	       { "add_used_failures", 1 });
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
	give(BALLOON_INFLATE, 4);
	expect({ "inflate_chains", 1 }, { "inflate_numbers", 1 }, { "inflate_pages", 1 });
}

static void a_driver_that_wants_no_interrupt(void **state)
{
	(void)state;
	put_numbers(FIRST, 1);
	fake_avail_flags(&q[0], VRING_AVAIL_F_NO_INTERRUPT);
	net_chain(&q[0], 0, NUMBERS, (const uint32_t[]){ 4, END });
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(fake_used_idx(&q[0]), 1);
	assert_interrupts(0, 0);
	/* That flag is of a queue; configuration is another matter. */
	set_num_pages(1);
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(the_host_changes_its_mind),
		TEST(a_target_outlasts_a_reset),
		TEST(the_driver_writes_actual),
		TEST(pages),
		TEST(pages_outside_memory),
		TEST(lengths_that_are_no_multiple),
		TEST(huge_lengths),
		TEST(invalid_chains),
		TEST(a_poisoned_queue_is_alone),
		TEST(used_ring_that_cannot_be_written),
		TEST(a_driver_that_wants_no_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
