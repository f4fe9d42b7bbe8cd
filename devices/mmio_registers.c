/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each virtio-mmio register does, as one table at the end.
 *
 * A write that is refused changes nothing and is counted; a register without a
 * row reads 0 and ignores writes, legacy ones and QueueReset among them.
 *
 * VIRTIO 1.4, 4.2.2 (register layout), 2.1 (status), 2.2 (features).
 */
#include <linux/virtio_mmio.h>

#include "mmio_private.h"
#include "table.h"
#include "virtqueue.h"

#define MMIO_MAGIC 0x74726976 /* "virt" */
#define MMIO_VERSION 2
#define MMIO_VENDOR 0
#define SHM_ABSENT UINT64_MAX /* length and base of a region that is not there */
#define FEATURE_PAGES 2	      /* 32 bits each; struct device has 64 */
#define S_NEEDS_RESET ((uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)

/* NULL where QueueSel names no queue; the selector is compared whole.  So a queue
 * that does not exist is never ready: it must be selected, with FEATURES_OK set,
 * to become so. */
static struct virtqueue *queue_selected(const struct mmio *m)
{
	return device_queue_exists(m->dev, m->queue_sel) ? &m->dev->queues[m->queue_sel] : NULL;
}

static uint32_t device_id_read(const struct mmio *m)
{
	return m->dev->ops->device_id;
}

static uint32_t device_features_read(const struct mmio *m)
{
	if (m->device_features_sel >= FEATURE_PAGES)
		return 0;
	return (uint32_t)(m->dev->offered >> (32 * m->device_features_sel));
}

static void device_features_sel_write(struct mmio *m, uint32_t value)
{
	m->device_features_sel = value;
}

static void driver_features_write(struct mmio *m, uint32_t value)
{
	struct device *dev = m->dev;
	unsigned shift;

	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER) ||
	    (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		mmio_count(m, MMIO_FEATURE_WRITE_REFUSED);
		return;
	}
	if (m->driver_features_sel >= FEATURE_PAGES)
		return;
	shift = 32 * m->driver_features_sel;
	dev->features &= ~((uint64_t)UINT32_MAX << shift);
	dev->features |= (uint64_t)value << shift;
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
	const struct virtqueue *vq = queue_selected(m);

	return vq ? vq->size_max : 0;
}

/* The selected queue if its configuration may be written now, else NULL. */
static struct virtqueue *queue_configurable(const struct mmio *m)
{
	struct virtqueue *vq = queue_selected(m);

	if (!vq || vq->ready || device_live(m->dev) ||
	    !(m->dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return NULL;
	return vq;
}

static void queue_size_write(struct mmio *m, uint32_t value)
{
	struct virtqueue *vq = queue_configurable(m);

	if (!vq || value == 0 || value > vq->size_max || (value & (value - 1))) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	vq->size = (uint16_t)value;
}

static void queue_area_write(struct mmio *m, enum virtqueue_area area, unsigned shift,
			     uint32_t value)
{
	struct virtqueue *vq = queue_configurable(m);
	uint64_t half = (uint64_t)value << shift;

	if (!vq || half % ring_split.align[area]) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	vq->area[area] &= ~((uint64_t)UINT32_MAX << shift);
	vq->area[area] |= half;
}

static void queue_desc_low_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DESC, 0, value);
}

static void queue_desc_high_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DESC, 32, value);
}

static void queue_driver_low_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DRIVER, 0, value);
}

static void queue_driver_high_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DRIVER, 32, value);
}

static void queue_device_low_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DEVICE, 0, value);
}

static void queue_device_high_write(struct mmio *m, uint32_t value)
{
	queue_area_write(m, VIRTQUEUE_DEVICE, 32, value);
}

static uint32_t queue_ready_read(const struct mmio *m)
{
	const struct virtqueue *vq = queue_selected(m);

	return vq ? vq->ready : 0;
}

static void queue_ready_write(struct mmio *m, uint32_t value)
{
	/* A queue can be stopped at any time (VIRTIO 4.2.2.2). */
	struct virtqueue *vq = value == 0 ? queue_selected(m) : queue_configurable(m);
	bool stopped;

	if (!vq || value > 1) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	stopped = vq->ready && value == 0;
	vq->ready = value;
	if (stopped && device_live(m->dev) && m->dev->ops->queue_stop)
		m->dev->ops->queue_stop(m->dev, m->queue_sel);
}

static void queue_notify_write(struct mmio *m, uint32_t value)
{
	struct device *dev = m->dev;

	if (value >= dev->ops->queue_count || !dev->queues[value].ready || !device_live(dev)) {
		mmio_count(m, MMIO_NOTIFY_IGNORED);
		return;
	}
	dev->ops->notify(dev, value);
}

static uint32_t interrupt_status_read(const struct mmio *m)
{
	return m->dev->interrupt_status;
}

static void interrupt_ack_write(struct mmio *m, uint32_t value)
{
	m->dev->interrupt_status &= ~value;
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

/* Back to a new device. Counters and the configuration generation stay: the
 * first are monotonic, and the second says whether configuration changed, which
 * a reset does not do. */
static void mmio_reset(struct mmio *m)
{
	struct device *dev = m->dev;
	unsigned i;

	dev->ops->reset(dev);
	for (i = 0; i < dev->ops->queue_count; i++)
		virtqueue_reset(&dev->queues[i]);
	dev->features = 0;
	dev->status = 0;
	dev->interrupt_status = 0;
	m->device_features_sel = 0;
	m->driver_features_sel = 0;
	m->queue_sel = 0;
	m->shm_sel = 0;
}

static bool status_step_allowed(uint32_t from, uint32_t add)
{
	static const struct {
		uint32_t from, add;
	} ladder[] = {
		{ 0, VIRTIO_CONFIG_S_ACKNOWLEDGE },
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER },
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
		  VIRTIO_CONFIG_S_FEATURES_OK },
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			  VIRTIO_CONFIG_S_FEATURES_OK,
		  VIRTIO_CONFIG_S_DRIVER_OK },
	};
	size_t i;

	if (add == VIRTIO_CONFIG_S_FAILED)
		return true;
	/* No row starts from FAILED: after it there is only reset. */
	for (i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++)
		if (ladder[i].from == from && ladder[i].add == add)
			return true;
	return false;
}

static bool features_acceptable(const struct device *dev)
{
	return !(dev->features & ~dev->offered) && (dev->features & MMIO_F_VERSION_1);
}

static uint32_t status_read(const struct mmio *m)
{
	return m->dev->status;
}

static void status_write(struct mmio *m, uint32_t value)
{
	struct device *dev = m->dev;
	/* NEEDS_RESET is the device's: not compared, and no driver can set or
	 * clear it.  A bare NEEDS_RESET is not the 0 that resets. */
	uint32_t from = dev->status & ~S_NEEDS_RESET;
	uint32_t to = value & ~S_NEEDS_RESET;

	if (value == 0) {
		mmio_reset(m);
		return;
	}
	if (to == from)
		return;
	if ((to & from) != from || !status_step_allowed(from, to ^ from)) {
		mmio_count(m, MMIO_STATUS_REFUSED);
		return;
	}
	if ((to ^ from) == VIRTIO_CONFIG_S_FEATURES_OK && !features_acceptable(dev)) {
		mmio_count(m, MMIO_FEATURES_REFUSED);
		dev->status |= VIRTIO_CONFIG_S_FAILED;
		return;
	}
	dev->status |= to;
	if ((to ^ from) == VIRTIO_CONFIG_S_DRIVER_OK && dev->ops->live)
		dev->ops->live(dev);
}

static uint32_t config_generation_read(const struct mmio *m)
{
	return m->dev->config_generation;
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
	[VIRTIO_MMIO_QUEUE_NOTIFY / 4] = { .write = queue_notify_write },
	[VIRTIO_MMIO_INTERRUPT_STATUS / 4] = { .read = interrupt_status_read },
	[VIRTIO_MMIO_INTERRUPT_ACK / 4] = { .write = interrupt_ack_write },
	[VIRTIO_MMIO_STATUS / 4] = { .read = status_read, .write = status_write },
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
	[VIRTIO_MMIO_CONFIG_GENERATION / 4] = { .read = config_generation_read },
};
