/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Snapshots of the transport: the record byte for byte, what the container has
 * beside it, and what is refused of either.  The model is the stub of two queues.
 */
#include <errno.h>
#include <string.h>

#include "../snapshot.h"
#include "mmio_stub.h"

#define RECORD_SIZE 82u
#define RECORD_AT 16u
#define REST_AT (RECORD_AT + RECORD_SIZE + 20u) /* what there is of each queue, 3 bytes */
#define CONTAINER_MAX 1024u

static uint8_t saved[CONTAINER_MAX], again[CONTAINER_MAX];
static struct snapshot_error error;

/* A device that is new takes the stub's place. */
static void renew_as(const struct device_ops *ops)
{
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(ops, &stub_host.host, UINT64_MAX, NULL);
	assert_non_null(stub_mmio);
	mmio_offer_high(stub_mmio, UINT64_MAX);
}

static void renew(void)
{
	renew_as(&stub_ops);
}

static void configure(uint32_t queue)
{
	stub_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 16u << queue);
	stub_write(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x10u + (queue << 8));
	stub_write(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x11223344);
	stub_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x22u + (queue << 8));
	stub_write(VIRTIO_MMIO_QUEUE_USED_LOW, 0x34u + (queue << 8));
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void live(void)
{
	stub_climb(S_FEAT);
	configure(0);
	configure(1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	stub->dev.queues[0].next_avail = 0x0102;
	stub->dev.queues[0].next_used = 0x0100;
	stub->dev.queues[1].next_avail = 3;
	stub->dev.queues[1].next_used = 0xfffe;
	device_interrupt(&stub->dev, VIRTIO_MMIO_INT_VRING);
}

static void the_record_byte_for_byte(void **state)
{
	static const uint8_t due[RECORD_SIZE] = {
		0, 0, 0, 0, 1, 0, 0, 0, 0x0f, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
		/* queue 0: size, ready, three addresses, two cursors */
		16, 0, 1, 0x10, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0x22, 0, 0, 0, 0, 0, 0, 0, 0x34, 0,
		0, 0, 0, 0, 0, 0, 0x02, 0x01, 0x00, 0x01,
		/* queue 1 */
		32, 0, 1, 0x10, 1, 0, 0, 0x44, 0x33, 0x22, 0x11, 0x22, 1, 0, 0, 0, 0, 0, 0, 0x34, 1,
		0, 0, 0, 0, 0, 0, 3, 0, 0xfe, 0xff
	};
	size_t len;

	(void)state;
	live();
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	assert_int_equal(saved[RECORD_AT - 4], RECORD_SIZE);
	assert_memory_equal(saved + RECORD_AT, due, RECORD_SIZE);
	renew();
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	assert_int_equal(snapshot_save(stub_mmio, again, sizeof(again)), len);
	assert_memory_equal(again, saved, len);
	/* It is live again. */
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 1);
}

static void without_room_nothing_is_written(void **state)
{
	size_t len, i;

	(void)state;
	live();
	memset(saved, 0xee, sizeof(saved));
	len = snapshot_save(stub_mmio, NULL, 0);
	assert_int_equal(snapshot_save(stub_mmio, saved, len - 1), len);
	for (i = 0; i < sizeof(saved); i++)
		assert_int_equal(saved[i], 0xee);
	assert_int_equal(snapshot_save(stub_mmio, saved, len), len);
	assert_int_equal(saved[len], 0xee);
}

/* The device stays new, and says at which byte. */
static void refuse(const uint8_t *bytes, size_t len, size_t at, int err)
{
	static uint8_t before[CONTAINER_MAX], after[CONTAINER_MAX];
	size_t size = snapshot_save(stub_mmio, before, sizeof(before));

	assert_int_equal(snapshot_restore(stub_mmio, bytes, len, &error), err);
	assert_int_equal(error.at, at);
	assert_non_null(error.what);
	assert_int_equal(snapshot_save(stub_mmio, after, sizeof(after)), size);
	assert_memory_equal(before, after, size);
}

static void the_record_is_checked(void **state)
{
	static const struct {
		uint8_t byte, value, at;
		int err;
	} bad[] = {
		{ 0, 1, 0, -EINVAL },	 /* a feature that is not offered */
		{ 4, 0, 0, -EINVAL },	 /* VERSION_1 not accepted */
		{ 8, 0x07, 8, -EINVAL }, /* a rung left out */
		{ 8, 0x1f, 8, -EINVAL }, /* a bit that there is not */
		{ 8, 0x4b, 8, -EINVAL }, /* NEEDS_RESET of one that is not live */
		{ 10, 1, 8, -EINVAL },	   { 12, 4, 12, -EINVAL },    { 16, 3, 16, -EINVAL },
		{ 16, 0, 16, -EINVAL },	   { 20, 0, 20, -EINVAL },    { 20, 24, 20, -EINVAL },
		{ 20, 128, 20, -EINVAL },  { 21, 1, 20, -EINVAL },    { 22, 2, 22, -EINVAL },
		{ 23, 0x18, 23, -EINVAL }, { 31, 0x23, 31, -EINVAL }, { 39, 0x36, 39, -EINVAL },
		{ 48, 0x05, 47, -EINVAL }, { 51, 0, 51, -EINVAL },    { 79, 0x80, 78, -EINVAL },
	};
	uint8_t bytes[CONTAINER_MAX] = { 0 };
	size_t len, i;

	(void)state;
	live();
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	renew();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(bytes, saved, len);
		bytes[RECORD_AT + bad[i].byte] = bad[i].value;
		refuse(bytes, len, RECORD_AT + bad[i].at, bad[i].err);
	}
	/* A ring that passes 2^64, of the queue of 16. */
	memcpy(bytes, saved, len);
	memset(bytes + RECORD_AT + 24, 0xff, 7);
	refuse(bytes, len, RECORD_AT + 23, -EOVERFLOW);
	/* Another length of the record, or of the model's part; then without a byte of them. */
	memcpy(bytes, saved, len);
	bytes[RECORD_AT - 4]++;
	refuse(bytes, len, RECORD_AT - 4, -EINVAL);
	refuse(saved, len + 1, len - sizeof(stub->config) - 4, -EINVAL);
	for (i = 0; i < RECORD_AT + RECORD_SIZE; i++)
		refuse(saved, i, i, -EINVAL);
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
}

static void what_a_new_device_has_is_taken(void **state)
{
	size_t len;

	(void)state;
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	renew();
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	/* Not ready, features before FEATURES_OK: a driver may still change its mind. */
	stub_write(VIRTIO_MMIO_STATUS, S_ACK);
	stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	assert_int_equal(snapshot_save(stub_mmio, saved, sizeof(saved)), len);
	renew();
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	/* Features without a driver, a ready queue, and cursors that moved. */
	saved[RECORD_AT + 8] = S_ACK;
	renew();
	refuse(saved, len, RECORD_AT, -EINVAL);
	saved[RECORD_AT + 8] = S_DRIVER;
	saved[RECORD_AT + 22] = 1;
	refuse(saved, len, RECORD_AT + 22, -EINVAL);
	saved[RECORD_AT + 22] = 0;
	saved[RECORD_AT + 47] = 1;
	refuse(saved, len, RECORD_AT + 47, -EINVAL);
	saved[RECORD_AT + 47] = 0;
	saved[RECORD_AT + 12] = VIRTIO_MMIO_INT_VRING;
	refuse(saved, len, RECORD_AT + 12, -EINVAL);
	saved[RECORD_AT + 12] = VIRTIO_MMIO_INT_CONFIG;
	refuse(saved, len, RECORD_AT + 12, -EINVAL);
}

static void the_container_carries_the_rest(void **state)
{
	size_t len, i;

	(void)state;
	live();
	stub->config[3] = 0x77;
	device_config_changing(&stub->dev);
	device_needs_reset(&stub->dev);
	stub->dev.queues[1].poisoned = true;
	stub->dev.queues[0].lost = 2;
	stub_write(VIRTIO_MMIO_SHM_SEL, 2);
	stub_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	stub->dev.counters[1] = 5;
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	assert_in_range(len, RECORD_SIZE + 16, sizeof(saved));
	renew();
	for (i = 0; i < len; i++) {
		assert_int_equal(snapshot_restore(stub_mmio, saved, i, &error), -EINVAL);
		assert_true(error.at <= i);
	}
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	assert_int_equal(snapshot_save(stub_mmio, again, sizeof(again)), len);
	assert_memory_equal(saved, again, len);
	assert_int_equal(stub->config[3], 0x77);
	assert_true(stub->dev.queues[1].poisoned);
	assert_int_equal(stub_read(VIRTIO_MMIO_SHM_LEN_LOW), 0x1000);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(stub_counter("stub_notified"), 5);
}

/* Of packed rings the container says where the device is, as the record says of split ones. */
static void cursors_of_packed_rings(void **state)
{
	static const uint8_t first[7] = { 0, 0, 0, 0, 0x80, 0, 0x80 };
	size_t len;

	(void)state;
	stub_climb(S_DRIVER);
	mmio_accept(stub_mmio, 1,
		    1u << (VIRTIO_F_VERSION_1 - 32) | 1u << (VIRTIO_F_RING_PACKED - 32));
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	configure(0);
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	assert_memory_equal(saved + REST_AT, first, sizeof(first));
	saved[REST_AT + 3] = 1;
	refuse(saved, len, REST_AT + 3, -EINVAL);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	/* Two chains that were lost took all 16 entries. */
	stub->dev.queues[0].next_avail = stub->dev.queues[0].lost = 2;
	stub->dev.queues[0].avail_wrap = false;
	assert_int_equal(snapshot_save(stub_mmio, saved, sizeof(saved)), len);
	renew();
	/* Less than the chains are, more than the ring has, and none. */
	saved[REST_AT + 3] = 1;
	saved[REST_AT + 4] = 0x80;
	refuse(saved, len, RECORD_AT + 47, -EINVAL);
	saved[REST_AT + 4] = 0;
	refuse(saved, len, RECORD_AT + 47, -EINVAL);
	saved[REST_AT + 3] = 0;
	saved[REST_AT + 4] = 0x80;
	refuse(saved, len, RECORD_AT + 47, -EINVAL);
	saved[REST_AT + 4] = 0;
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	assert_int_equal(stub->dev.queues[0].avail_slot, 0);
	assert_false(stub->dev.queues[0].avail_wrap);
	assert_true(stub->dev.queues[0].used_wrap);
	assert_int_equal(stub->dev.queues[0].lost, 2);
}

/* Feature bits 64 to 127, in the last 8 bytes before the model's part. */
static void features_of_the_high_half(void **state)
{
	static struct device_ops ops;
	const uint64_t there = UINT64_C(1) << 40;
	size_t len, at;

	(void)state;
	ops = stub_ops;
	ops.features_high = there;
	renew_as(&ops);
	stub_climb(S_DRIVER);
	mmio_accept(stub_mmio, 3, (uint32_t)(there >> 32));
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	at = len - sizeof(stub->config) - 4 - 8;
	assert_int_equal(saved[at + 5], 1);
	renew_as(&ops);
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	assert_int_equal(device_high(mmio_device(stub_mmio))->features, there);
	/* Not offered: refused behind FEATURES_OK, but a driver may still think of it. */
	saved[at] = 2;
	renew_as(&ops);
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), -EINVAL);
	assert_int_equal(error.at, at);
	assert_int_equal(device_high(mmio_device(stub_mmio))->features, 0);
	saved[RECORD_AT + 8] = S_DRIVER;
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	assert_int_equal(device_high(mmio_device(stub_mmio))->features, there | 2);
	/* There is no driver. */
	renew_as(&ops);
	assert_int_equal(snapshot_save(stub_mmio, saved, sizeof(saved)), len);
	saved[at + 5] = 1;
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), -EINVAL);
	assert_int_equal(error.at, at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stub_setup, stub_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_record_byte_for_byte),	      TEST(without_room_nothing_is_written),
		TEST(the_record_is_checked),	      TEST(what_a_new_device_has_is_taken),
		TEST(the_container_carries_the_rest), TEST(cursors_of_packed_rings),
		TEST(features_of_the_high_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
