/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtio-mmio transport: registers, widths, features, the status ladder,
 * reset, counters and memory.  VIRTIO 1.4, 4.2.2 and 2.1.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../guard.h"
#include "../virtqueue.h"
#include "mmio_stub.h"

static void climb_with_queue_ready(uint32_t queue)
{
	stub_climb(S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
}

static void constants(void **state)
{
	(void)state;
	assert_int_equal(stub_read(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(stub_read(VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_ID), 77);
	assert_int_equal(stub_read(VIRTIO_MMIO_VENDOR_ID), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 0);
	assert_int_equal(stub_counter_sum(), 0);
}

static bool is_in(uint64_t offset, const uint16_t *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (list[i] == offset)
			return true;
	return false;
}

/* All offsets of the register area that are not readable read 0; and all that
 * are not writable ignore writes. */
static void other_registers(void **state)
{
	static const uint16_t readable[] = { 0x000, 0x004, 0x008, 0x00c, 0x010, 0x034, 0x044,
					     0x060, 0x070, 0x0b0, 0x0b4, 0x0b8, 0x0bc, 0x0fc };
	static const uint16_t writable[] = {
		0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x064,
		0x070, 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac
	};
	uint32_t before[64], i, j;

	(void)state;
	climb_with_queue_ready(1);
	for (i = 0; i < 64; i++) {
		before[i] = stub_read(i * 4);
		if (!is_in(i * 4, readable, sizeof(readable) / 2))
			assert_int_equal(before[i], 0);
	}
	for (i = 0; i < 64; i++) {
		if (is_in(i * 4, writable, sizeof(writable) / 2))
			continue;
		stub_write(i * 4, 0);
		stub_write(i * 4, UINT32_MAX);
		for (j = 0; j < 64; j++)
			assert_int_equal(stub_read(j * 4), before[j]);
	}
	assert_int_equal(stub_counter_sum(), 0);
}

static void widths(void **state)
{
	uint8_t buf[16], ones[16];
	uint32_t len;
	uint64_t offset, bad = 0;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (offset = 0; offset < 0x100; offset++) {
		for (len = 1; len <= 8; len++) {
			if (len == 4 && offset % 4 == 0)
				continue;
			memset(buf, 0x5a, sizeof(buf));
			mmio_read(stub_mmio, offset, buf, len);
			assert_memory_equal(buf, ones, len);
			assert_int_equal(buf[len], 0x5a);
			assert_int_equal(stub_counter("mmio_bad_access"), ++bad);
			/* 1 would be ACKNOWLEDGE if it reached Status. */
			memset(buf, 0, sizeof(buf));
			buf[0] = S_ACK;
			mmio_write(stub_mmio, offset, buf, len);
			assert_int_equal(stub_counter("mmio_bad_access"), ++bad);
			assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), 0);
		}
	}
	assert_int_equal(stub_counter_sum(), bad);
}

static void config_widths(void **state)
{
	uint8_t buf[16] = { 0 }, ones[16];
	uint64_t bad = 0;
	uint32_t len, i, at;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < sizeof(stub->config); i++)
		stub->config[i] = (uint8_t)(0x10 + i);
	for (len = 1; len <= 8; len++) {
		bool good = len == 1 || len == 2 || len == 4 || len == 8;

		for (at = 0; at < 20; at++) {
			mmio_read(stub_mmio, 0x100 + at, buf, len);
			bad += !good;
			assert_int_equal(stub_counter("mmio_bad_access"), bad);
			for (i = 0; i < len; i++) {
				uint32_t in = at + i < 16 ? 0x10 + at + i : 0;

				assert_int_equal(buf[i], good ? in : 0xff);
			}
		}
		mmio_write(stub_mmio, 0x100 + 4, ones, len);
		bad += !good;
		for (i = 0; i < sizeof(stub->config); i++) {
			bool hit = good && i >= 4 && i < 4 + len;

			assert_int_equal(stub->config[i], hit ? 0xff : 0x10 + i);
			stub->config[i] = (uint8_t)(0x10 + i);
		}
	}
	mmio_read(stub_mmio, UINT64_MAX - 0x100, buf, 8);
	mmio_read(stub_mmio, 0xfff, buf, 8);
	mmio_read(stub_mmio, UINT64_MAX, buf, 1);
	assert_int_equal(stub_counter_sum(), bad);
}

static void device_features(void **state)
{
	(void)state;
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << 5 | 1u << 31);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)((VIRTQUEUE_FEATURES | MMIO_FEATURES) >> 32) | 1 | 1u << 18);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0x100);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	/* The other selector is another selector. */
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << 5 | 1u << 31);
}

static void offered_is_masked(void **state)
{
	(void)state;
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, 1u << 5 | 1u << 6, NULL);
	assert_non_null(stub_mmio);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES), 1u << 5);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES), 1);
}

static void driver_features_gate(void **state)
{
	(void)state;
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	stub_write(VIRTIO_MMIO_STATUS, S_ACK);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	assert_int_equal(stub_counter("mmio_feature_write_refused"), 2);
	assert_int_equal(stub->dev.features, 0);
	stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	assert_int_equal(stub->dev.features, 1u << 5);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 32);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	assert_true(stub->dev.features == (UINT64_C(1) << 32 | 1u << 5));
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 0);
	assert_true(stub->dev.features == UINT64_C(1) << 32);
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	assert_true(stub->dev.features == UINT64_C(1) << 32);
	assert_int_equal(stub_counter("mmio_feature_write_refused"), 4);
	assert_int_equal(stub_counter_sum(), 4);
}

static void features_refused(void **state)
{
	static const struct {
		uint32_t low, high;
		bool good;
	} cases[] = {
		{ 0, 1, true },
		{ 1u << 5, 1, true },
		{ 1u << 31, 1 | 1u << 18, true },
		{ (uint32_t)VIRTQUEUE_FEATURES, 1, true },
		{ (uint32_t)VIRTQUEUE_FEATURES << 2 & UINT32_MAX, 1, false },
		{ 0, 0, false },
		{ 1u << 5, 0, false },
		{ 1u << 6, 1, false },
		{ 0, 3, false },
		{ UINT32_MAX, UINT32_MAX, false },
	};
	uint64_t refused = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stub_write(VIRTIO_MMIO_STATUS, 0);
		stub_write(VIRTIO_MMIO_STATUS, S_ACK);
		stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES, cases[i].low);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES, cases[i].high);
		stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
		assert_int_equal(stub_read(VIRTIO_MMIO_STATUS),
				 cases[i].good ? S_FEAT : S_DRIVER | S_FAILED);
		refused += !cases[i].good;
		assert_int_equal(stub_counter("mmio_features_refused"), refused);
		assert_int_equal(stub_counter_sum(), refused);
	}
	/* After FAILED there is only reset. */
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT | S_FAILED);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_DRIVER | S_FAILED);
	assert_int_equal(stub_counter("mmio_status_refused"), 1);
}

/* From every rung, every value of the register. */
static void ladder(void **state)
{
	static const uint32_t rungs[] = { 0, S_ACK, S_DRIVER, S_FEAT, S_OK };
	uint32_t value;
	size_t i, failed;

	(void)state;
	for (i = 0; i < 5; i++) {
		for (failed = 0; failed < 2; failed++) {
			for (value = 1; value < 0x200; value++) {
				uint32_t from = rungs[i] | (failed ? S_FAILED : 0);
				uint32_t to = value & ~(uint32_t)S_NEEDS;
				bool same = to == from;
				bool good = same || to == (from | S_FAILED) ||
					    (!failed && i < 4 && to == rungs[i + 1]);
				uint64_t refused = stub_counter("mmio_status_refused");

				stub_write(VIRTIO_MMIO_STATUS, 0);
				if (i > 0)
					stub_climb(rungs[i]);
				else
					stub_write(VIRTIO_MMIO_STATUS, 0);
				if (i == 1)
					assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_ACK);
				if (failed)
					stub_write(VIRTIO_MMIO_STATUS, from);
				assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), from);
				stub_write(VIRTIO_MMIO_STATUS, value);
				assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), good ? to : from);
				assert_int_equal(stub_counter("mmio_status_refused"),
						 refused + !good);
			}
		}
	}
	stub_write(VIRTIO_MMIO_STATUS, 0x100);
	stub_write(VIRTIO_MMIO_STATUS, 0x80000000);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK | S_FAILED);
	assert_int_equal(stub_host.interrupt_count, 0);
}

static void needs_reset_is_the_devices(void **state)
{
	(void)state;
	/* Not live: no interrupt. */
	stub_climb(S_DRIVER);
	device_needs_reset(&stub->dev);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_DRIVER | S_NEEDS);
	assert_int_equal(stub_host.interrupt_count, 0);
	/* It is not compared, on the way up as well. */
	stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT | S_NEEDS);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK | S_NEEDS);
	device_needs_reset(&stub->dev);
	assert_int_equal(stub_host.interrupt_count, 1);
	assert_int_equal(stub_host.interrupts[0], VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_FAILED);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK | S_FAILED | S_NEEDS);
	assert_int_equal(stub_counter_sum(), 0);
	/* A bare NEEDS_RESET clears bits; it is not the 0 that resets. */
	stub_write(VIRTIO_MMIO_STATUS, S_NEEDS);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK | S_FAILED | S_NEEDS);
	assert_int_equal(stub_counter("mmio_status_refused"), 1);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), 0);
	stub_write(VIRTIO_MMIO_STATUS, S_NEEDS);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(stub->resets, 1);
}

static void interrupt_ack(void **state)
{
	(void)state;
	stub_climb(S_OK);
	device_interrupt(&stub->dev, VIRTIO_MMIO_INT_VRING);
	device_interrupt(&stub->dev, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(stub_host.interrupt_count, 2);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	stub_write(VIRTIO_MMIO_INTERRUPT_ACK, 0xfffffffc);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	stub_write(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	stub_write(VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(stub_counter_sum(), 0);
}

static uint64_t shm_pair(uint32_t id, uint64_t low)
{
	stub_write(VIRTIO_MMIO_SHM_SEL, id);
	return (uint64_t)stub_read(low + 4) << 32 | stub_read(low);
}

static void shared_memory(void **state)
{
	(void)state;
	assert_int_equal(shm_pair(2, VIRTIO_MMIO_SHM_LEN_LOW), 0x1000);
	assert_int_equal(shm_pair(2, VIRTIO_MMIO_SHM_BASE_LOW), 0x123456789abcdef0);
	assert_int_equal(shm_pair(0x102, VIRTIO_MMIO_SHM_LEN_LOW), 0xfedcba9876543210);
	assert_int_equal(shm_pair(0x102, VIRTIO_MMIO_SHM_BASE_LOW), 0);
	/* The selector is compared whole, and reset forgets it. */
	assert_int_equal(shm_pair(0x10002, VIRTIO_MMIO_SHM_LEN_LOW), UINT64_MAX);
	stub_write(VIRTIO_MMIO_SHM_SEL, 2);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	assert_int_equal(stub_counter_sum(), 0);
}

static void configuration_change(void **state)
{
	unsigned before;

	(void)state;
	before = stub_host.interrupt_count;
	device_config_changing(&stub->dev);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	device_config_changed(&stub->dev);
	assert_int_equal(stub_host.interrupt_count, before);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	stub_climb(S_OK);
	device_config_changing(&stub->dev);
	assert_int_equal(stub_host.interrupt_count, before);
	device_config_changed(&stub->dev);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 2);
	assert_int_equal(stub_host.interrupt_count, before + 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 2);
}

static void shared_memory_absent(void **state)
{
	static const uint32_t ids[] = { 0, 1, 255, 256, 0x202, UINT32_MAX };
	uint64_t offset;
	size_t i;

	(void)state;
	for (offset = 0xb0; offset <= 0xbc; offset += 4)
		assert_int_equal(stub_read(offset), UINT32_MAX);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		stub_write(VIRTIO_MMIO_SHM_SEL, ids[i]);
		assert_int_equal(stub_read(VIRTIO_MMIO_SHM_SEL), 0);
		for (offset = 0xb0; offset <= 0xbc; offset += 4)
			assert_int_equal(stub_read(offset), UINT32_MAX);
	}
	assert_int_equal(stub_counter_sum(), 0);
}

static void reset(void **state)
{
	struct virtqueue fresh[2];

	(void)state;
	memcpy(fresh, stub->dev.queues, sizeof(fresh));
	stub_climb(S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 16);
	stub_write(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	stub_write(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0x1000);
	stub_write(VIRTIO_MMIO_QUEUE_USED_LOW, 0x1000);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 7);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 9);
	stub->dev.queues[1].poisoned = true;
	device_needs_reset(&stub->dev);
	device_interrupt(&stub->dev, VIRTIO_MMIO_INT_VRING);
	stub->dev.config_generation = 5;

	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(stub->resets, 1);
	/* The model still saw the session that ends. */
	assert_int_equal(stub->status_at_reset, S_OK | S_NEEDS);
	assert_memory_equal(fresh, stub->dev.queues, sizeof(fresh));
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << 5 | 1u << 31);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	assert_int_equal(stub->dev.features, 0);
	/* What is not of the session stays. */
	assert_int_equal(stub_counter("mmio_notify_ignored"), 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 5);
	stub_write(VIRTIO_MMIO_STATUS, S_ACK);
	stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1u << 5);
	assert_int_equal(stub->dev.features, 1u << 5);
}

static void counters(void **state)
{
	unsigned i, j;

	(void)state;
	assert_int_equal(mmio_counter_count(stub_mmio), 8);
	for (i = 0; i < 8; i++) {
		assert_non_null(mmio_counter_name(stub_mmio, i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(mmio_counter_name(stub_mmio, i),
						mmio_counter_name(stub_mmio, j));
	}
	assert_string_equal(mmio_counter_name(stub_mmio, 7), "stub_notified");
	stub->dev.counters[1] = 3;
	assert_int_equal(mmio_counters(stub_mmio)[7], 3);
	assert_null(mmio_counter_name(stub_mmio, 8));
	assert_null(mmio_counter_name(stub_mmio, UINT32_MAX));
}

/* Words 2 and 3 of a model that has bits there: the rest is as for bits 0 to 63. */
static void high_features(void **state)
{
	static struct device_ops ops;
	struct mmio *m;

	(void)state;
	mmio_accept(stub_mmio, 2, 1);
	/* Its state is large enough, and nothing of its own is looked at here. */
	ops = stub_ops;
	mmio_destroy(stub_mmio);
	ops.features_high = UINT64_C(1) << 33 | 1u << 6;
	m = stub_mmio = mmio_create(&ops, &stub_host.host, UINT64_MAX, NULL);
	assert_non_null(m);
	assert_int_equal(mmio_offered(m, 2), 0);
	mmio_offer_high(m, UINT64_MAX);
	assert_int_equal(mmio_offered(m, 2), 1u << 6);
	assert_int_equal(mmio_offered(m, 3), 2);
	assert_int_equal(mmio_offered(m, 4), 0);
	for (unsigned word = 2; word < 4; word++) {
		mmio_set_status(m, 0);
		mmio_accept(m, word, 1);
		assert_int_equal(device_high(mmio_device(m))->features, 0);
		mmio_set_status(m, S_ACK);
		mmio_set_status(m, S_DRIVER);
		mmio_accept(m, 1, 1);
		mmio_accept(m, word, 2);
		mmio_accept(m, 4, UINT32_MAX);
		assert_int_equal(mmio_device(m)->features, UINT64_C(1) << 32);
		mmio_set_status(m, S_FEAT);
		assert_int_equal(mmio_status(m), word == 3 ? S_FEAT : S_DRIVER | S_FAILED);
	}
	assert_int_equal(device_high(mmio_device(m))->features, UINT64_C(1) << 33);
}

static void memory(void **state)
{
	(void)state;
	assert_int_equal(stub_host.blocks, 1);
	mmio_destroy(stub_mmio);
	assert_int_equal(stub_host.blocks, 0);
	stub_host.allocs_left = 0;
	assert_null(mmio_create(&stub_ops, &stub_host.host, 0, NULL));
	stub_host.allocs_left = 10;
	stub_create_result = -ENOMEM;
	assert_null(mmio_create(&stub_ops, &stub_host.host, 0, NULL));
	assert_int_equal(stub_host.blocks, 0);
	stub_mmio = NULL; /* which mmio_destroy takes */
}

/* One queue, or one counter, more than there is can be neither read nor written. */
static void guards(void **state)
{
	struct device *dev = mmio_device(stub_mmio);
	const struct virtqueue *queues = dev->queues;
	const unsigned count = stub_ops.queue_count;

	(void)state;
	assert_false(device_queue_exists(dev, count));
	assert_false(device_queue_exists(dev, UINT_MAX));
#ifdef GUARD_CHECKED
	assert_null(__asan_region_is_poisoned(dev->queues, count * sizeof(*queues)));
	assert_int_equal(__asan_address_is_poisoned(&queues[-1]), 1);
	assert_int_equal(__asan_address_is_poisoned((const char *)queues - 1), 1);
	assert_int_equal(__asan_address_is_poisoned(&queues[count]), 1);
	assert_int_equal(__asan_address_is_poisoned(&queues[count].moved), 1);
	/* The places of an odd number of counters are rounded up. */
	assert_int_equal(__asan_address_is_poisoned(&dev->counters[stub_ops.counter_count + 1]), 1);
#else
	(void)queues;
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(constants, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(other_registers, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(widths, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(config_widths, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(device_features, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(offered_is_masked, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(driver_features_gate, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(features_refused, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(high_features, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(ladder, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(needs_reset_is_the_devices, stub_setup,
						stub_teardown),
		cmocka_unit_test_setup_teardown(interrupt_ack, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(shared_memory, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(configuration_change, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(shared_memory_absent, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(reset, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(counters, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(memory, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(guards, stub_setup, stub_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
