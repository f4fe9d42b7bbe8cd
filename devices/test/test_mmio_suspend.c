/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * VIRTIO_F_SUSPEND and VIRTIO_F_NOTIFICATION_DATA behind the transport: what a driver that
 * accepted them does, and one that did not.  VIRTIO 1.4, 3.4, 2.9 and 4.2.3.3.
 */
#include <errno.h>

#include "../snapshot.h"
#include "mmio_stub.h"

#define S_SUSPEND ((uint32_t)VIRTIO_CONFIG_S_SUSPEND)
#define S_SUSPENDED (S_FEAT | S_SUSPEND)
#define FEATURE(name) (UINT64_C(1) << VIRTIO_F_##name)

/* Live, with these features and VERSION_1, and queue 1 ready. */
static void go_live(uint64_t features)
{
	stub_climb(S_DRIVER);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32) | 1);
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
}

static void notification_data(void **state)
{
	(void)state;
	go_live(FEATURE(NOTIFICATION_DATA));
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0xffff0001);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x80000001);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 3);
	/* A queue that is not ready, and one that there is not. */
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x00010000);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x00010002);
	assert_int_equal(stub->notified[0], 0);
	assert_int_equal(stub_counter("mmio_notify_ignored"), 2);
}

static void no_notification_data(void **state)
{
	(void)state;
	go_live(0);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x00010001);
	assert_int_equal(stub->notified[1], 0);
	assert_int_equal(stub_counter("mmio_notify_ignored"), 1);
	/* The feature is of the session. */
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(FEATURE(NOTIFICATION_DATA));
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(0);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0x00010001);
	assert_int_equal(stub->notified[1], 0);
}

static void suspended_and_running_again(void **state)
{
	unsigned works;

	(void)state;
	go_live(FEATURE(SUSPEND));
	works = stub->works;
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
	/* It does nothing, whoever asks. */
	stub->state = DEVICE_WORK;
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	mmio_work(stub_mmio);
	assert_int_equal(stub->notified[1], 0);
	assert_int_equal(stub->works, works);
	assert_int_equal(mmio_state(stub_mmio), DEVICE_IDLE);
	/* The same again is no step. */
	stub_write(VIRTIO_MMIO_STATUS, S_SUSPENDED);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
	assert_int_equal(stub_counter("mmio_status_refused"), 0);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
	/* What was left it goes on with. */
	assert_int_equal(stub->works, works + 1);
	assert_int_equal(mmio_state(stub_mmio), DEVICE_WORK);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 1);
	/* And the other way to say it. */
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
	assert_int_equal(stub_counter("mmio_status_refused"), 0);
}

/* On each rung before DRIVER_OK, and by a driver that did not accept the feature. */
static void suspend_refused(void **state)
{
	static const uint32_t rungs[] = { 0, S_ACK, S_DRIVER, S_FEAT, S_OK };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		stub_write(VIRTIO_MMIO_STATUS, 0);
		if (rungs[i] == S_FEAT) {
			stub_climb(S_DRIVER);
			stub_write(VIRTIO_MMIO_DRIVER_FEATURES,
				   (uint32_t)(FEATURE(SUSPEND) >> 32) | 1);
			stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
		} else if (rungs[i] != 0) {
			stub_climb(rungs[i]);
		}
		stub_write(VIRTIO_MMIO_STATUS, rungs[i] | S_SUSPEND);
		assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), rungs[i]);
		assert_int_equal(stub_counter("mmio_status_refused"), i + 1);
	}
	/* Not together with another step, nor with a bit taken back. */
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(FEATURE(SUSPEND));
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND | S_FAILED);
	stub_write(VIRTIO_MMIO_STATUS, S_SUSPENDED);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
	assert_int_equal(stub_counter("mmio_status_refused"), i + 2);
}

static void failed_while_suspended(void **state)
{
	(void)state;
	go_live(FEATURE(SUSPEND));
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	stub_write(VIRTIO_MMIO_STATUS, S_SUSPENDED | S_FAILED);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND | S_FAILED);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_SUSPENDED | S_FAILED);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(stub->status_at_reset, S_SUSPENDED | S_FAILED);
}

static void a_change_is_told_later(void **state)
{
	(void)state;
	go_live(FEATURE(SUSPEND));
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	device_config_changing(&stub->dev);
	device_config_changed(&stub->dev);
	assert_int_equal(stub_host.interrupt_count, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(stub_host.interrupt_count, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	/* Once, and not if the session ends first. */
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(stub_host.interrupt_count, 1);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	device_config_changed(&stub->dev);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(FEATURE(SUSPEND));
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(stub_host.interrupt_count, 1);
}

static void registers_of_a_suspended_device(void **state)
{
	uint8_t byte = 0x5a;

	(void)state;
	go_live(FEATURE(SUSPEND));
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	mmio_write(stub_mmio, VIRTIO_MMIO_CONFIG, &byte, 1);
	assert_int_equal(stub->config[0], 0);
	assert_int_equal(stub_counter("mmio_bad_access"), 1);
	/* No queue is configured, the one that is ready can be stopped. */
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 0);
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 2);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), 2);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), 2);
}

/* A new device takes the stub's place and is what the bytes say. */
static void restored(const uint8_t *bytes, size_t len)
{
	struct snapshot_error error;

	mmio_destroy(stub_mmio);
	fake_host_init(&stub_host, 0);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	assert_int_equal(snapshot_restore(stub_mmio, bytes, len, &error), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
}

static void snapshots(void **state)
{
	uint8_t bytes[1024];
	struct snapshot_error error;
	size_t len;
	int told;

	(void)state;
	go_live(FEATURE(SUSPEND));
	stub->dev.queues[1].next_avail = stub->dev.queues[1].next_used = 7;
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	for (told = 0; told < 2; told++) {
		if (told)
			device_config_changed(&stub->dev);
		len = snapshot_save(stub_mmio, bytes, sizeof(bytes));
		restored(bytes, len);
		assert_int_equal(stub->dev.queues[1].next_avail, 7);
		stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
		assert_int_equal(stub_host.interrupt_count, told);
		stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	}
	/* A live device has told all; and nobody is suspended who did not accept that. */
	stub_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	len = snapshot_save(stub_mmio, bytes, sizeof(bytes));
	bytes[16 + 82 + 20] = 1;
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	assert_int_equal(snapshot_restore(stub_mmio, bytes, len, &error), -EINVAL);
	assert_int_equal(error.at, 16 + 82 + 20);
	bytes[16 + 8] = S_SUSPENDED;
	bytes[16 + 4 + (VIRTIO_F_SUSPEND - 32) / 8] &= (uint8_t) ~(1u << (VIRTIO_F_SUSPEND % 8));
	assert_int_equal(snapshot_restore(stub_mmio, bytes, len, &error), -EINVAL);
	assert_int_equal(error.at, 16 + 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stub_setup, stub_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notification_data),
		TEST(no_notification_data),
		TEST(suspended_and_running_again),
		TEST(suspend_refused),
		TEST(failed_while_suspended),
		TEST(a_change_is_told_later),
		TEST(registers_of_a_suspended_device),
		TEST(snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
