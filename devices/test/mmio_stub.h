/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the transport's tests drive: a model that only remembers how it was
 * called, behind virtio-mmio in a fake host.
 */
#ifndef VRINGER_DEVICES_TEST_MMIO_STUB_H
#define VRINGER_DEVICES_TEST_MMIO_STUB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "../mmio.h"
#include "../virtqueue.h"
#include "fake_host.h"

#define S_ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define S_DRIVER (S_ACK | VIRTIO_CONFIG_S_DRIVER)
#define S_FEAT (S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_OK (S_FEAT | VIRTIO_CONFIG_S_DRIVER_OK)
#define S_FAILED VIRTIO_CONFIG_S_FAILED
#define S_NEEDS VIRTIO_CONFIG_S_NEEDS_RESET

/* A model with two queues, a writable configuration of 16 bytes, one feature in
 * each page, shared memory under the ids 2 and 0x102, and a session that the tests look into. */
struct stub {
	struct device dev;
	unsigned notified[2];
	unsigned works, resets;
	unsigned queue_resets[2], queue_starts[2];
	uint16_t avail_at_reset; /* of that queue, when it was told of its reset */
	uint32_t status_at_reset;
	uint8_t config[16];
	enum device_state state;
	uint8_t scratch[64];
};

extern struct fake_host stub_host;
extern struct mmio *stub_mmio;
extern struct stub *stub; /* the one that was created last */
extern int stub_create_result;
extern const struct device_ops stub_ops;

/* Registers, 4 bytes. */
uint32_t stub_read(uint64_t offset);
void stub_write(uint64_t offset, uint32_t value);

uint64_t stub_counter(const char *name);
uint64_t stub_counter_sum(void);

/* Climb to `status` with VERSION_1 accepted. */
void stub_climb(uint32_t status);

/* For cmocka. */
int stub_setup(void **state);
int stub_teardown(void **state);

#endif
