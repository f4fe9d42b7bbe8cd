/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console: what it is, what the guest writes to its ports, and what a reset
 * does.  VIRTIO 1.4, 5.3.
 */
#include <errno.h>
#include <string.h>

#include "console_guest.h"

static void identity(void **state)
{
	uint8_t buf[8];
	uint32_t i;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 3);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | MULTIPORT);
	for (i = 0; i < 12; i++) {
		mmio_read(m, 0x100 + i, buf, 1);
		assert_int_equal(buf[0], i == 4 ? 2 : 0);
	}
	for (i = 5; i < 64; i++) {
		mmio_read(m, 0x100 + i, buf, 8);
		assert_int_equal(buf[0] & buf[7], 0xff);
	}
	mmio_read(m, UINT64_MAX - 7, buf, 8);
	assert_int_equal(buf[0], 0xff);
	memset(buf, 0x55, sizeof(buf));
	mmio_write(m, 0x104, buf, 8);
	mmio_read(m, 0x104, buf, 8);
	assert_int_equal(buf[0], 2);
	assert_int_equal(sizeof(struct virtio_console_control), 8);
	for (i = 0; i < CONSOLE_QUEUE_COUNT; i++) {
		assert_int_equal(console_ops.queues[i].size_max, 256);
		assert_int_equal(console_ops.queues[i].driver_initiated, i % 2);
		assert_int_equal(console_ops.queues[i].features, i < 2 ? 0 : MULTIPORT);
	}
	expect_none();
}

static void queues_come_with_multiport(void **state)
{
	static const struct {
		uint64_t accepted;
		uint32_t shown;
	} cases[] = { { VERSION_1, 0 }, { VERSION_1 | MULTIPORT, 256 } };
	unsigned i, c;

	(void)state;
	for (c = 0; c < 2; c++) {
		for (i = 2; i < CONSOLE_QUEUE_COUNT; i++)
			q[i].size = cases[c].shown ? SIZE : 0;
		console_start(cases[c].accepted);
		for (i = 0; i < CONSOLE_QUEUE_COUNT; i++) {
			reg_write(VIRTIO_MMIO_QUEUE_SEL, i);
			assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX),
					 i < 2 ? 256 : cases[c].shown);
			assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_READY), i < 2 || c == 1);
		}
		reg_write(VIRTIO_MMIO_STATUS, 0);
		reg_write(VIRTIO_MMIO_QUEUE_SEL, 5);
		assert_int_equal(reg_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 256);
	}
	expect_none();
}

static void output(void **state)
{
	unsigned port;

	(void)state;
	for (port = 0; port < 2; port++) {
		unsigned tx_queue = port ? CONSOLE_TX1 : CONSOLE_TX0;

		offer(tx_queue, 3, OUT, 5, 0, 1, 900);
		kick(tx_queue);
		assert_used(&q[tx_queue], 1, 3, 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
		assert_output(1 - port, 0, 0);
		assert_output(port, OUT, 906);
		assert_output(port, 0, 0);
	}
	expect({ "port0_output_bytes", 906 }, { "port0_output_taken", 906 },
	       { "port1_output_bytes", 906 }, { "port1_output_taken", 906 });
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

/* Bytes of one access are at most 32 KiB, and none is lost. */
static void copies_are_bounded(void **state)
{
	unsigned i;

	(void)state;
	offer(CONSOLE_TX1, 0, OUT, 100000);
	kick(CONSOLE_TX1);
	assert_int_equal(fake_log_count(&fake, GUEST_PAYLOAD), 4);
	for (i = 0; i < fake.logged; i++)
		assert_true(fake.log[i].len <= CONSOLE_COPY_MAX);
	assert_output(1, OUT, 100000);
	expect({ "port1_output_bytes", 100000 }, { "port1_output_taken", 100000 });
}

static void bad_chains(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 7; i++) {
		offer(CONSOLE_TX0, 0, OUT, 10, 20, 30);
		if (i < 3)
			fake_desc(&q[1], (uint16_t)i, UNMAPPED, 20, i < 2 ? F_NEXT : 0,
				  (uint16_t)(i + 1));
		else if (i < 6)
			fake_desc(&q[1], (uint16_t)(i - 3), IN, 20,
				  (uint16_t)(F_WRITE | (i < 5 ? F_NEXT : 0)), (uint16_t)(i - 2));
		else
			fake_desc(&q[1], 2, OUT, 20, F_NEXT, SIZE);
		kick(CONSOLE_TX0);
		expect({ "port0_output_chain_invalid", 1 });
		assert_used(&q[1], (uint16_t)(i + 1), 0, 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	}
	assert_output(0, 0, 0);
}

static void call_cap(void **state)
{
	uint16_t i;

	(void)state;
	for (i = 0; i < 9; i++)
		offer(CONSOLE_TX1, i, OUT, 32768);
	kick(CONSOLE_TX1);
	assert_used(&q[5], 8, 7, 0);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	assert_int_equal(counter("port1_output_held"), CONSOLE_CALL_BYTES_MAX);
	mmio_work(m);
	assert_used(&q[5], 9, 8, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "port1_output_bytes", 9 * 32768 }, { "port1_output_capped", 1 });
	/* Alone it may be longer than a call takes; the rest is counted. */
	offer(CONSOLE_TX1, 0, OUT, 100000);
	fake_desc(&q[5], 0, OUT, 100000, F_NEXT, 1);
	fake_desc(&q[5], 1, OUT, 100000, F_NEXT, 2);
	fake_desc(&q[5], 2, OUT, 100000, 0, 0);
	kick(CONSOLE_TX1);
	expect({ "port1_output_bytes", 300000 }, { "port1_output_dropped", 300000 - (256 << 10) },
	       { "port1_output_capped", 1 });
}

static void fill_port(unsigned tx_queue)
{
	for (unsigned i = 0; i < 32; i++) {
		offer(tx_queue, 0, OUT, 32768);
		kick(tx_queue);
	}
}

static void waits_for_the_host(void **state)
{
	uint8_t bytes[64];

	(void)state;
	fill_port(CONSOLE_TX0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	offer(CONSOLE_TX0, 1, OUT + 100, 10);
	kick(CONSOLE_TX0);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	assert_int_equal(fake_used_idx(&q[1]), 32);
	fake_log_clear(&fake);
	mmio_work(m);
	assert_int_equal(fake.logged, 0);
	/* Not enough room, and then enough; the other port does not care. */
	assert_int_equal(console_take_output(console, 0, bytes, 9), 9);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	offer(CONSOLE_TX1, 0, OUT, 5);
	kick(CONSOLE_TX1);
	assert_used(&q[5], 1, 0, 0);
	assert_int_equal(console_take_output(console, 0, bytes, 1), 1);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_used(&q[1], 33, 1, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	assert_int_equal(counter("port0_output_full"), 1);
	assert_int_equal(counter("port0_output_held"), CONSOLE_HELD_MAX);
	/* A queue that is stopped has nothing that waits. */
	offer(CONSOLE_TX0, 2, OUT, 1);
	kick(CONSOLE_TX0);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

static void host_memory(void **state)
{
	(void)state;
	fake.allocs_left = 0;
	offer(CONSOLE_TX0, 0, OUT, 100);
	kick(CONSOLE_TX0);
	expect({ "port0_output_bytes", 100 }, { "port0_output_dropped", 100 },
	       { "host_alloc_failures", 1 });
	assert_used(&q[1], 1, 0, 0);
	assert_int_equal(console_put_back(console, "a", 1), -ENOMEM);
	assert_int_equal(console_type(console, 0, "abc", 3), 0);
	expect({ "port0_input_refused", 3 }, { "host_alloc_failures", 2 },
	       { "port1_output_put_back_refused", 1 });
	offer(CONSOLE_TX0, 0, OUT, 0);
	kick(CONSOLE_TX0);
	expect_none();
}

static void put_back(void **state)
{
	uint8_t bytes[16];

	(void)state;
	offer(CONSOLE_TX1, 0, OUT, 3);
	kick(CONSOLE_TX1);
	assert_int_equal(console_put_back(console, "abc", 3), 0);
	assert_int_equal(console_put_back(console, "", 0), 0);
	assert_int_equal(console_take_output(console, 1, bytes, 4), 4);
	assert_memory_equal(bytes, "abc", 3);
	assert_int_equal(bytes[3], *fake_mem(&fake, OUT, 1));
	assert_output(1, OUT + 1, 2);
	expect({ "port1_output_bytes", 3 }, { "port1_output_put_back", 3 },
	       { "port1_output_taken", 6 });
	fill_port(CONSOLE_TX1);
	assert_int_equal(console_put_back(console, "a", 1), -ENOSPC);
}

static void reset_takes_over(void **state)
{
	uint16_t i;

	(void)state;
	offer(CONSOLE_TX0, 0, OUT, 10);
	kick(CONSOLE_TX0);
	fake_log_clear(&fake);
	offer(CONSOLE_TX0, 1, OUT + 10, 20);
	offer(CONSOLE_TX1, 0, OUT, 30);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(fake_log_count(&fake, GUEST_USED_ENTRY), 0);
	assert_int_equal(fake_log_count(&fake, GUEST_USED_IDX), 0);
	assert_int_equal(fake_log_count(&fake, GUEST_AVAIL_FLAGS), 0);
	assert_interrupts(0, 0);
	assert_output(0, OUT, 30);
	assert_output(1, OUT, 30);
	expect({ "port0_output_bytes", 30 }, { "port0_output_taken", 30 },
	       { "port1_output_bytes", 30 }, { "port1_output_taken", 30 });
	/* Again: there is nothing live. */
	fake_log_clear(&fake);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(fake.logged, 0);
	/* At most what one call takes; the remainder is counted. */
	console_start(VERSION_1 | MULTIPORT);
	for (i = 0; i < 10; i++)
		offer(CONSOLE_TX0, i, OUT, 30000);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	expect({ "port0_output_bytes", 300000 },
	       { "port0_output_dropped", 300000 - CONSOLE_CALL_BYTES_MAX });
	assert_int_equal(counter("port0_output_held"), CONSOLE_CALL_BYTES_MAX);
}

static void reset_forgets(void **state)
{
	(void)state;
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_true(console_port_open(console, 1));
	assert_false(console_port_open(console, 0));
	assert_int_equal(console_type(console, 1, "abc", 3), 3);
	expect({ "control_messages", 2 }, { "answers_queued", 2 }, { "port1_input_bytes", 3 });
	reg_write(VIRTIO_MMIO_STATUS, 0);
	expect({ "answers_discarded", 2 }, { "port1_input_discarded", 3 });
	assert_false(console_port_open(console, 1));
	assert_int_equal(counter("answers_waiting") + counter("port1_input_pending"), 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

static void poisoned(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < CONSOLE_QUEUE_COUNT; i++) {
		console_start(VERSION_1 | MULTIPORT);
		say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
		say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
		console_type(console, 0, "a", 1);
		console_type(console, 1, "a", 1);
		fake_log_clear(&fake);
		fake_avail_set(&q[i], (uint16_t)(q[i].avail_idx + SIZE + 1));
		kick(i);
		assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
		assert_int_equal(counter("invalid_avail_idx_count"), i + 1);
		assert_true(reg_read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
		fake_log_clear(&fake);
		kick(i);
		mmio_work(m);
		assert_int_equal(counter("invalid_avail_idx_count"), i + 1);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, console_setup, net_teardown)
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(queues_come_with_multiport),
		TEST(output),
		TEST(copies_are_bounded),
		TEST(bad_chains),
		TEST(call_cap),
		TEST(waits_for_the_host),
		TEST(host_memory),
		TEST(put_back),
		TEST(reset_takes_over),
		TEST(reset_forgets),
		TEST(poisoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
