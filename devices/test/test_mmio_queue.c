/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtio-mmio transport: queue registers and their gates, notifications and
 * left-over work.  VIRTIO 1.4, 4.2.2.
 */
#include <string.h>

#include "mmio_stub.h"

static void queue_size_max(void **state)
{
	static const struct {
		uint16_t limit[2];
		uint32_t shown[2];
	} cases[] = {
		{ { 1, 3 }, { 1, 3 } },
		{ { 64, 128 }, { 64, 128 } },
		{ { 63, 1 }, { 63, 1 } },
	};
	size_t i;

	(void)state;
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 128);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 2);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 0x10000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mmio_destroy(stub_mmio);
		stub_mmio = mmio_create(&stub_ops, &stub_host.host, 0, cases[i].limit);
		assert_non_null(stub_mmio);
		assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), cases[i].shown[0]);
		stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
		assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), cases[i].shown[1]);
	}
}

static void queue_size(void **state)
{
	const uint16_t limit[] = { 64, 5 };
	uint32_t value;
	uint64_t refused = 0;

	(void)state;
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, 0, limit);
	stub_climb(S_FEAT);
	assert_int_equal(stub->dev.queues[0].size, 64);
	assert_int_equal(stub->dev.queues[1].size, 4);
	for (value = 0; value <= 130; value++) {
		uint16_t before = stub->dev.queues[0].size;
		bool good = value && value <= 64 && !(value & (value - 1));

		stub_write(VIRTIO_MMIO_QUEUE_NUM, value);
		assert_int_equal(stub->dev.queues[0].size, good ? value : before);
		refused += !good;
		assert_int_equal(stub_counter("mmio_queue_config_refused"), refused);
	}
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 0x10010);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 0x80000000);
	assert_int_equal(stub->dev.queues[0].size, 64);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 5);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 8);
	assert_int_equal(stub->dev.queues[1].size, 4);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 2);
	assert_int_equal(stub->dev.queues[1].size, 2);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), refused + 4);
}

static const struct {
	uint16_t low, high;
	enum virtqueue_area area;
	uint32_t align;
} areas[] = {
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH, VIRTQUEUE_DESC, 16 },
	{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTQUEUE_DRIVER, 2 },
	{ VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH, VIRTQUEUE_DEVICE, 4 },
};

static void queue_addresses(void **state)
{
	uint64_t refused = 0;
	uint32_t off;
	size_t i;

	(void)state;
	stub_climb(S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	for (i = 0; i < 3; i++) {
		const uint64_t *area = &stub->dev.queues[1].area[areas[i].area];

		stub_write(areas[i].low, 0xfffffff0);
		assert_true(*area == 0xfffffff0);
		stub_write(areas[i].high, 0xffffffff);
		assert_true(*area == UINT64_MAX - 15);
		stub_write(areas[i].low, 0x1000);
		assert_true(*area == UINT64_C(0xffffffff00001000));
		stub_write(areas[i].high, 1); /* the upper half needs no alignment */
		assert_true(*area == UINT64_C(0x100001000));
		for (off = 0; off < 16; off++) {
			bool good = off % areas[i].align == 0;
			uint64_t before = *area;

			stub_write(areas[i].low, 0x2000 + off);
			assert_true(*area == (good ? UINT64_C(0x100002000) + off : before));
			refused += !good;
			assert_int_equal(stub_counter("mmio_queue_config_refused"), refused);
		}
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(stub->dev.queues[0].area[i], 0);
}

/* Everything that configures a queue, on every rung; and for no queue. */
static void queue_gates(void **state)
{
	static const uint16_t regs[] = { VIRTIO_MMIO_QUEUE_NUM,	      VIRTIO_MMIO_QUEUE_READY,
					 VIRTIO_MMIO_QUEUE_DESC_LOW,  VIRTIO_MMIO_QUEUE_DESC_HIGH,
					 VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
					 VIRTIO_MMIO_QUEUE_USED_LOW,  VIRTIO_MMIO_QUEUE_USED_HIGH };
	static const uint32_t rungs[] = { 0, S_ACK, S_DRIVER, S_FEAT, S_OK, S_FEAT };
	const size_t count = sizeof(regs) / sizeof(regs[0]);
	struct virtqueue before[2];
	uint64_t refused = 0;
	size_t i, r;

	(void)state;
	for (r = 0; r < sizeof(rungs) / sizeof(rungs[0]); r++) {
		bool absent = r == 5;

		stub_write(VIRTIO_MMIO_STATUS, 0);
		if (rungs[r])
			stub_climb(rungs[r]);
		stub_write(VIRTIO_MMIO_QUEUE_SEL, absent ? 2 : 1);
		memcpy(before, stub->dev.queues, sizeof(before));
		for (i = 0; i < count; i++) {
			bool good = rungs[r] == S_FEAT && !absent;

			stub_write(regs[i], regs[i] == VIRTIO_MMIO_QUEUE_READY ? 1 : 16);
			refused += !good;
			assert_int_equal(stub_counter("mmio_queue_config_refused"), refused);
			if (!good)
				assert_memory_equal(before, stub->dev.queues, sizeof(before));
			/* So that the others find a queue that is not ready. */
			if (good && regs[i] == VIRTIO_MMIO_QUEUE_READY) {
				assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
				stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
			}
		}
	}
	assert_int_equal(stub_counter_sum(), refused);

	/* Ready: nothing but 0 to QueueReady. */
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	memcpy(before, stub->dev.queues, sizeof(before));
	for (i = 0; i < count; i++)
		stub_write(regs[i], regs[i] == VIRTIO_MMIO_QUEUE_READY ? 1 : 32);
	assert_memory_equal(before, stub->dev.queues, sizeof(before));
	assert_int_equal(stub_counter_sum(), refused + count);
}

static void queue_ready(void **state)
{
	(void)state;
	stub_climb(S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 2);
	stub_write(VIRTIO_MMIO_QUEUE_READY, UINT32_MAX);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0x101);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 0);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), 3);
	/* Stopped at any time, started again only before DRIVER_OK. */
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), 3);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 2);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), 5);
}

static void notify(void **state)
{
	(void)state;
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	stub_climb(S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub_counter("mmio_notify_ignored"), 2);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 1);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 2);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x10001);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
	assert_int_equal(stub_counter("mmio_notify_ignored"), 6);
	/* A driver that gave up is still served, until it resets. */
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_FAILED);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 2);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[0], 0);
	assert_int_equal(stub->notified[1], 2);
	assert_int_equal(stub_counter("mmio_notify_ignored"), 7);
	assert_int_equal(stub_counter("stub_notified"), 2);
	assert_int_equal(stub_counter_sum(), 9);
}

static void work_and_state(void **state)
{
	(void)state;
	stub->state = DEVICE_WORK;
	stub_climb(S_FEAT);
	assert_int_equal(mmio_state(stub_mmio), DEVICE_IDLE);
	mmio_work(stub_mmio);
	assert_int_equal(stub->works, 0);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(mmio_state(stub_mmio), DEVICE_WORK);
	mmio_work(stub_mmio);
	assert_int_equal(stub->works, 1);
	stub->state = DEVICE_WAITING;
	assert_int_equal(mmio_state(stub_mmio), DEVICE_WAITING);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(mmio_state(stub_mmio), DEVICE_IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queue_size_max, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_size, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_addresses, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_gates, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_ready, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(notify, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(work_and_state, stub_setup, stub_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
