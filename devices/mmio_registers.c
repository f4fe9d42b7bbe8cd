/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtio-mmio registers, as one table at the end: which of the driver's acts
 * (mmio_driver.c) each one is, on the queue, the word of features or the region
 * that the selectors choose.
 *
 * A register without a row reads 0 and ignores writes, legacy ones among them.
 *
 * VIRTIO 1.4, 4.2.2 (register layout).
 */
#include <linux/virtio_mmio.h>

#include "mmio_private.h"
#include "table.h"
#include "virtqueue.h"

#define MMIO_MAGIC 0x74726976 /* "virt" */
#define MMIO_VERSION 2
#define MMIO_VENDOR 0
#define SHM_ABSENT UINT64_MAX /* length and base of a region that is not there */

static uint32_t device_id_read(const struct mmio *m)
{
	return m->dev->ops->device_id;
}

static uint32_t device_features_read(const struct mmio *m)
{
	return mmio_offered(m, m->device_features_sel);
}

static void device_features_sel_write(struct mmio *m, uint32_t value)
{
	m->device_features_sel = value;
}

static void driver_features_write(struct mmio *m, uint32_t value)
{
	mmio_accept(m, m->driver_features_sel, value);
}

static void driver_features_sel_write(struct mmio *m, uint32_t value)
{
	m->driver_features_sel = value;
}

static void queue_sel_write(struct mmio *m, uint32_t value)
{
	m->queue_sel = value;
}

static uint32_t queue_size_max_read(const struct mmio *m)
{
	return mmio_queue_max(m, m->queue_sel);
}

static void queue_size_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_size(m, m->queue_sel, value);
}

static void queue_desc_low_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DESC, 0, value);
}

static void queue_desc_high_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DESC, 1, value);
}

static void queue_driver_low_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DRIVER, 0, value);
}

static void queue_driver_high_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DRIVER, 1, value);
}

static void queue_device_low_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DEVICE, 0, value);
}

static void queue_device_high_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_area(m, m->queue_sel, VIRTQUEUE_DEVICE, 1, value);
}

static uint32_t queue_ready_read(const struct mmio *m)
{
	return mmio_queue_ready(m, m->queue_sel);
}

static void queue_ready_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_ready(m, m->queue_sel, value);
}

static uint32_t queue_reset_read(const struct mmio *m)
{
	return mmio_queue_reset(m, m->queue_sel);
}

static void queue_reset_write(struct mmio *m, uint32_t value)
{
	mmio_set_queue_reset(m, m->queue_sel, value);
}

static void shm_sel_write(struct mmio *m, uint32_t value)
{
	m->shm_sel = value;
}

/* The selected region, which may be one that is not there; the selector is
 * compared whole. */
static struct device_shm shm_selected(const struct mmio *m)
{
	const struct device_ops *ops = m->dev->ops;
	unsigned i;

	for (i = 0; i < ops->shm_count; i++)
		if (ops->shm[i].id == m->shm_sel)
			return ops->shm[i];
	return (struct device_shm){ .base = SHM_ABSENT, .len = SHM_ABSENT };
}

static uint32_t shm_len_low_read(const struct mmio *m)
{
	return (uint32_t)shm_selected(m).len;
}

static uint32_t shm_len_high_read(const struct mmio *m)
{
	return (uint32_t)(shm_selected(m).len >> 32);
}

static uint32_t shm_base_low_read(const struct mmio *m)
{
	return (uint32_t)shm_selected(m).base;
}

static uint32_t shm_base_high_read(const struct mmio *m)
{
	return (uint32_t)(shm_selected(m).base >> 32);
}

const struct mmio_register mmio_registers[VIRTIO_MMIO_CONFIG / 4] = {
	[VIRTIO_MMIO_MAGIC_VALUE / 4] = { .value = MMIO_MAGIC },
	[VIRTIO_MMIO_VERSION / 4] = { .value = MMIO_VERSION },
	[VIRTIO_MMIO_DEVICE_ID / 4] = { .read = device_id_read },
	[VIRTIO_MMIO_VENDOR_ID / 4] = { .value = MMIO_VENDOR },
	[VIRTIO_MMIO_DEVICE_FEATURES / 4] = { .read = device_features_read },
	[VIRTIO_MMIO_DEVICE_FEATURES_SEL / 4] = { .write = device_features_sel_write },
	[VIRTIO_MMIO_DRIVER_FEATURES / 4] = { .write = driver_features_write },
	[VIRTIO_MMIO_DRIVER_FEATURES_SEL / 4] = { .write = driver_features_sel_write },
	[VIRTIO_MMIO_QUEUE_SEL / 4] = { .write = queue_sel_write },
	[VIRTIO_MMIO_QUEUE_NUM_MAX / 4] = { .read = queue_size_max_read },
	[VIRTIO_MMIO_QUEUE_NUM / 4] = { .write = queue_size_write },
	[VIRTIO_MMIO_QUEUE_READY / 4] = { .read = queue_ready_read, .write = queue_ready_write },
	[VIRTIO_MMIO_QUEUE_NOTIFY / 4] = { .write = mmio_notify },
	[VIRTIO_MMIO_INTERRUPT_STATUS / 4] = { .read = mmio_interrupt_status },
	[VIRTIO_MMIO_INTERRUPT_ACK / 4] = { .write = mmio_acknowledge },
	[VIRTIO_MMIO_STATUS / 4] = { .read = mmio_status, .write = mmio_set_status },
	[VIRTIO_MMIO_QUEUE_DESC_LOW / 4] = { .write = queue_desc_low_write },
	[VIRTIO_MMIO_QUEUE_DESC_HIGH / 4] = { .write = queue_desc_high_write },
	[VIRTIO_MMIO_QUEUE_AVAIL_LOW / 4] = { .write = queue_driver_low_write },
	[VIRTIO_MMIO_QUEUE_AVAIL_HIGH / 4] = { .write = queue_driver_high_write },
	[VIRTIO_MMIO_QUEUE_USED_LOW / 4] = { .write = queue_device_low_write },
	[VIRTIO_MMIO_QUEUE_USED_HIGH / 4] = { .write = queue_device_high_write },
	[VIRTIO_MMIO_SHM_SEL / 4] = { .write = shm_sel_write },
	[VIRTIO_MMIO_SHM_LEN_LOW / 4] = { .read = shm_len_low_read },
	[VIRTIO_MMIO_SHM_LEN_HIGH / 4] = { .read = shm_len_high_read },
	[VIRTIO_MMIO_SHM_BASE_LOW / 4] = { .read = shm_base_low_read },
	[VIRTIO_MMIO_SHM_BASE_HIGH / 4] = { .read = shm_base_high_read },
	[VIRTIO_MMIO_QUEUE_RESET / 4] = { .read = queue_reset_read, .write = queue_reset_write },
	[VIRTIO_MMIO_CONFIG_GENERATION / 4] = { .read = mmio_generation },
};
