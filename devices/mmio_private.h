/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What mmio.c (life, access widths, counters), mmio_driver.c (what a driver does)
 * and mmio_registers.c (the registers that it does it by) share.  Nobody else includes this.
 */
#ifndef VRINGER_DEVICES_MMIO_PRIVATE_H
#define VRINGER_DEVICES_MMIO_PRIVATE_H

#include <linux/virtio_config.h>

#include "device.h"
#include "mmio.h"
#include "virtio_1_4.h"

#define MMIO_F_VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)
#define MMIO_F_RING_RESET (UINT64_C(1) << VIRTIO_F_RING_RESET)

/* Names and meanings are in the table in mmio.c. */
enum mmio_counter {
	MMIO_BAD_ACCESS,
	MMIO_STATUS_REFUSED,
	MMIO_FEATURES_REFUSED,
	MMIO_FEATURE_WRITE_REFUSED,
	MMIO_QUEUE_CONFIG_REFUSED,
	MMIO_NOTIFY_IGNORED,
	MMIO_COUNTER_COUNT
};

struct mmio {
	struct device *dev;
	uint64_t *counters; /* the transport's, then the model's */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t shm_sel;
};

/* A register that has no `read` reads as `value`: a constant, or 0 if it is
 * write-only.  One that has no `write` ignores writes. */
struct mmio_register {
	uint32_t (*read)(const struct mmio *m);
	void (*write)(struct mmio *m, uint32_t value);
	uint32_t value;
};

/* By offset / 4, for offsets below VIRTIO_MMIO_CONFIG. */
extern const struct mmio_register mmio_registers[];

static inline void mmio_count(struct mmio *m, enum mmio_counter which)
{
	m->counters[which]++;
}

static inline bool device_live(const struct device *dev)
{
	return dev->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

#endif
