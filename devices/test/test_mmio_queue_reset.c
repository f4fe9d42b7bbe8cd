/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The reset of one queue, behind the stub model: what is as on a new device, what is left
 * alone, and what the model is told.  VIRTIO 1.4, 2.6.1 and 4.2.2.
 */
#include <errno.h>
#include <string.h>

#include "../snapshot.h"
#include "../virtio_1_4.h"
#include "mmio_stub.h"

#define RESET_BIT (1u << (VIRTIO_F_RING_RESET - 32))

static void set_up(uint16_t size, uint32_t desc)
{
	stub_write(VIRTIO_MMIO_QUEUE_NUM, size);
	stub_write(VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	stub_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, desc + 0x400);
	stub_write(VIRTIO_MMIO_QUEUE_USED_LOW, desc + 0x800);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 1);
}

/* Live, with RING_RESET; both queues are ready, and queue 1 was used. */
static void go_live(bool accept)
{
	struct virtqueue *vq = &stub->dev.queues[1];

	stub_climb(S_DRIVER);
	if (accept) {
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1 | RESET_BIT);
	}
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	for (unsigned i = 0; i < 2; i++) {
		stub_write(VIRTIO_MMIO_QUEUE_SEL, i);
		set_up(4, 0x1000 + 0x1000 * i);
	}
	stub_write(VIRTIO_MMIO_STATUS, S_OK);
	vq->next_avail = 7;
	vq->next_used = 6;
	vq->lost = 1;
	vq->avail_slot = 3;
	vq->used_slot = 2;
	vq->avail_wrap = vq->used_wrap = false;
	vq->moved = vq->poisoned = true;
}

static void queue_reset(void **state)
{
	const struct virtqueue *vq = stub->dev.queues;
	uint64_t refused;

	(void)state;
	go_live(true);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_RESET), 0);
	refused = stub_counter("mmio_queue_config_refused");
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_RESET), 0);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	/* All of it is as on a new device, and nothing of the other changed. */
	assert_int_equal(vq[1].size, vq[1].size_max);
	assert_int_equal(vq[1].area[VIRTQUEUE_DESC] | vq[1].area[VIRTQUEUE_DRIVER] |
				 vq[1].area[VIRTQUEUE_DEVICE],
			 0);
	assert_int_equal(vq[1].next_avail | vq[1].next_used | vq[1].lost, 0);
	assert_int_equal(vq[1].avail_slot | vq[1].used_slot, 0);
	assert_true(vq[1].avail_wrap && vq[1].used_wrap);
	assert_false(vq[1].moved || vq[1].poisoned);
	assert_true(vq[0].ready);
	assert_int_equal(vq[0].area[VIRTQUEUE_DESC], 0x1000);
	assert_int_equal(stub->resets, 0);
	assert_int_equal(stub->queue_resets[0], 0);
	assert_int_equal(stub->queue_resets[1], 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), S_OK);
	/* The model was told before anything changed. */
	assert_int_equal(stub->avail_at_reset, 7);
	/* A notification of it is none. */
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 0);
	set_up(2, 0x5000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_RESET), 0);
	assert_int_equal(vq[1].size, 2);
	assert_int_equal(vq[1].area[VIRTQUEUE_DEVICE], 0x5800);
	assert_int_equal(stub->queue_starts[1], 1);
	stub_write(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(stub->notified[1], 1);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), refused);
	/* Ready again it is configured as little as any other. */
	stub_write(VIRTIO_MMIO_QUEUE_NUM, 4);
	assert_int_equal(vq[1].size, 2);
}

/* ... of one that is not ready, or was reset; before DRIVER_OK the model knows of none. */
static void queue_reset_at_any_time(void **state)
{
	(void)state;
	go_live(true);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	set_up(4, 0x5000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub->queue_resets[1], 2);
	set_up(4, 0x5000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
	/* A reset of the device forgets that there was one of the queue. */
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(true);
	stub_write(VIRTIO_MMIO_QUEUE_READY, 0);
	set_up(4, 0x5000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);

	stub_write(VIRTIO_MMIO_STATUS, 0);
	stub_climb(S_DRIVER);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1 | RESET_BIT);
	stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	stub->queue_resets[0] = 0;
	set_up(4, 0x5000);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(stub->queue_resets[0], 0);
}

static void queue_reset_refused(void **state)
{
	static const uint32_t values[] = { 0, 2, 3, UINT32_MAX };
	uint64_t refused;

	(void)state;
	go_live(true);
	refused = stub_counter("mmio_queue_config_refused");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		stub_write(VIRTIO_MMIO_QUEUE_RESET, values[i]);
	stub_write(VIRTIO_MMIO_QUEUE_SEL, 2);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_RESET), 0);
	assert_int_equal(stub_counter("mmio_queue_config_refused"), refused + 5);
	assert_int_equal(stub->queue_resets[0] + stub->queue_resets[1], 0);
	assert_true(stub->dev.queues[1].ready);

	/* Without the feature there is no register. */
	stub_write(VIRTIO_MMIO_STATUS, 0);
	go_live(false);
	refused = stub_counter_sum();
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_RESET), 0);
	assert_int_equal(stub_counter_sum(), refused);
	assert_true(stub->dev.queues[1].ready);
}

/* A queue that was reset is one after a restore, and one that is ready again is not. */
static void queue_reset_is_saved(void **state)
{
	static uint8_t saved[1024], bytes[1024];
	/* Behind magic, head, record, selectors and generation: three bytes per queue. */
	const size_t at = 12 + 4 + 82 + 20 + 3;
	struct snapshot_error error;
	size_t len;

	(void)state;
	go_live(true);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	assert_int_equal(saved[at], 2);
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	assert_int_equal(snapshot_restore(stub_mmio, saved, len, &error), 0);
	memcpy(bytes, saved, len);
	assert_int_equal(snapshot_save(stub_mmio, saved, sizeof(saved)), len);
	assert_memory_equal(saved, bytes, len);
	set_up(4, 0x5000);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(snapshot_save(stub_mmio, saved, sizeof(saved)), len);
	assert_int_equal(saved[at], 0);
}

static void refuse(const uint8_t *saved, size_t len, size_t at, uint8_t value, size_t bad)
{
	static uint8_t bytes[1024];
	struct snapshot_error error;

	memcpy(bytes, saved, len);
	bytes[at] = value;
	assert_int_equal(snapshot_restore(stub_mmio, bytes, len, &error), -EINVAL);
	assert_int_equal(error.at, bad);
}

static void what_no_device_saved_is_refused(void **state)
{
	static uint8_t saved[1024];
	const size_t at = 12 + 4 + 82 + 20 + 3, cursors = 16 + 20 + 31 + 27;
	size_t len;

	(void)state;
	go_live(true);
	stub->dev.queues[1].poisoned = false;
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	refuse(saved, len, at, 2, at); /* it is ready */

	go_live(true);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	len = snapshot_save(stub_mmio, saved, sizeof(saved));
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	refuse(saved, len, at, 3, at);
	refuse(saved, len, at + 1, 1, at + 1); /* a chain was lost */
	refuse(saved, len, cursors, 1, at);    /* one was taken */
	refuse(saved, len, 16 + 5, 0, at);     /* RING_RESET was not accepted */
}

/* A model that keeps no chains has nothing to do then. */
static void a_model_need_not_know(void **state)
{
	static struct device_ops ops;

	(void)state;
	ops = stub_ops;
	ops.queue_reset = NULL;
	mmio_destroy(stub_mmio);
	stub_mmio = mmio_create(&ops, &stub_host.host, UINT64_MAX, NULL);
	go_live(true);
	stub_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(stub_read(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_true(stub->dev.queues[1].renewed);
	assert_int_equal(stub->dev.queues[1].next_avail, 0);
	assert_int_equal(stub->queue_resets[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queue_reset, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_reset_at_any_time, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(a_model_need_not_know, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_reset_refused, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(queue_reset_is_saved, stub_setup, stub_teardown),
		cmocka_unit_test_setup_teardown(what_no_device_saved_is_refused, stub_setup,
						stub_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
