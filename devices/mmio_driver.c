/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a driver does to a device, and what it sees of it, by meaning: status,
 * features, queues, notifications, interrupts, configuration.  A transport
 * without registers calls this, and mmio_registers.c, which decodes those of
 * virtio-mmio.
 *
 * An act that is refused changes nothing and is counted.
 *
 * VIRTIO 1.4, 2.1 (status), 2.2 (features), 2.5 (configuration), 2.6.1 (reset of a queue),
 * 2.9 (notifications), 3.4 (suspend).
 */
#include <linux/virtio_mmio.h>
#include <string.h>

#include "mmio_private.h"
#include "virtqueue.h"

/* 32 bits each: those that there are, and of which half of the bits. */
static unsigned feature_pages(const struct device *dev)
{
	return dev->ops->features_high ? 4 : 2;
}

#define S_NEEDS_RESET ((uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)

/* NULL where there is no such queue; the number is compared whole.  So a queue
 * that does not exist is never ready: it must be there, with FEATURES_OK set,
 * to become so. */
static struct virtqueue *queue_at(const struct mmio *m, uint32_t queue)
{
	return device_queue_exists(m->dev, queue) ? &m->dev->queues[queue] : NULL;
}

uint32_t mmio_offered(const struct mmio *m, uint32_t word)
{
	uint64_t half = m->dev->offered;

	if (word >= feature_pages(m->dev))
		return 0;
	if (word >= 2)
		half = device_high(m->dev)->offered;
	return (uint32_t)(half >> (32 * (word % 2)));
}

void mmio_accept(struct mmio *m, uint32_t word, uint32_t value)
{
	struct device *dev = m->dev;
	uint64_t *half = &dev->features;
	unsigned shift = 32 * (word % 2);

	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER) ||
	    (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		mmio_count(m, MMIO_FEATURE_WRITE_REFUSED);
		return;
	}
	if (word >= feature_pages(dev))
		return;
	if (word >= 2)
		half = &device_high(dev)->features;
	*half &= ~((uint64_t)UINT32_MAX << shift);
	*half |= (uint64_t)value << shift;
}

uint32_t mmio_queue_max(const struct mmio *m, uint32_t queue)
{
	const struct virtqueue *vq = queue_at(m, queue);

	return vq ? vq->size_max : 0;
}

/* The queue if its configuration may be written now, else NULL: on a live device that of
 * one that was reset by itself. */
static struct virtqueue *queue_configurable(const struct mmio *m, uint32_t queue)
{
	struct virtqueue *vq = queue_at(m, queue);

	if (!vq || vq->ready || (device_started(m->dev->status) && !vq->renewed) ||
	    !(m->dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return NULL;
	return vq;
}

void mmio_set_queue_size(struct mmio *m, uint32_t queue, uint32_t value)
{
	struct virtqueue *vq = queue_configurable(m, queue);

	if (!vq || value > vq->size_max || !ring_size_possible(m->dev->features, value)) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	vq->size = (uint16_t)value;
}

void mmio_set_queue_area(struct mmio *m, uint32_t queue, enum virtqueue_area area, uint32_t word,
			 uint32_t value)
{
	struct virtqueue *vq = queue_configurable(m, queue);
	unsigned shift = 32 * word;
	uint64_t half = (uint64_t)value << shift;

	if (!vq || half % ring_layout_of(m->dev->features)->align[area]) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	vq->area[area] &= ~((uint64_t)UINT32_MAX << shift);
	vq->area[area] |= half;
}

uint32_t mmio_queue_ready(const struct mmio *m, uint32_t queue)
{
	const struct virtqueue *vq = queue_at(m, queue);

	return vq ? vq->ready : 0;
}

void mmio_set_queue_ready(struct mmio *m, uint32_t queue, uint32_t value)
{
	/* A queue can be stopped at any time (VIRTIO 4.2.2.2). */
	struct virtqueue *vq = value == 0 ? queue_at(m, queue) : queue_configurable(m, queue);
	const struct device_ops *ops = m->dev->ops;
	bool stopped = vq && vq->ready && value == 0;

	if (!vq || value > 1) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	vq->ready = value;
	if (vq->ready) {
		vq->renewed = false;
		virtqueue_negotiated(vq, m->dev->features);
	}
	if (!device_started(m->dev->status))
		return;
	if (stopped && ops->queue_stop)
		ops->queue_stop(m->dev, queue);
	if (vq->ready && ops->queue_start)
		ops->queue_start(m->dev, queue);
}

uint32_t mmio_queue_reset(const struct mmio *m, uint32_t queue)
{
	(void)m;
	(void)queue;
	return 0;
}

/* Without RING_RESET there is no such register.  A suspended device resets a queue as well: it need
 * not touch it for that (VIRTIO 4.2.2.1, 3.4.2).  A queue that is not ready, or was reset
 * before, is reset as any other. */
void mmio_set_queue_reset(struct mmio *m, uint32_t queue, uint32_t value)
{
	struct virtqueue *vq = queue_at(m, queue);
	struct device *dev = m->dev;

	if (!(dev->features & MMIO_F_RING_RESET))
		return;
	if (!vq || value != 1 || !(dev->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		mmio_count(m, MMIO_QUEUE_CONFIG_REFUSED);
		return;
	}
	if (device_started(dev->status) && dev->ops->queue_reset)
		dev->ops->queue_reset(dev, queue);
	virtqueue_reset(vq);
	vq->renewed = device_started(dev->status);
}

void mmio_notify(struct mmio *m, uint32_t value)
{
	struct device *dev = m->dev;

	/* The rest is how far the driver is, by its own word: the ring says it too. */
	if (dev->features >> VIRTIO_F_NOTIFICATION_DATA & 1)
		value &= UINT16_MAX;
	if (value >= dev->ops->queue_count || !dev->queues[value].ready || !device_live(dev)) {
		mmio_count(m, MMIO_NOTIFY_IGNORED);
		return;
	}
	dev->ops->notify(dev, value);
}

uint32_t mmio_interrupt_status(const struct mmio *m)
{
	return m->dev->interrupt_status;
}

void mmio_acknowledge(struct mmio *m, uint32_t value)
{
	m->dev->interrupt_status &= ~value;
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
	if (device_high(dev))
		device_high(dev)->features = 0;
	dev->status = 0;
	dev->interrupt_status = 0;
	dev->config_owed = false;
	m->device_features_sel = 0;
	m->driver_features_sel = 0;
	m->queue_sel = 0;
	m->shm_sel = 0;
}

#define RUNG_DRIVER ((uint32_t)(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER))
#define RUNG_FEATURES (RUNG_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define RUNG_LIVE (RUNG_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)
#define RUNG_SUSPENDED (RUNG_FEATURES | VIRTIO_CONFIG_S_SUSPEND)

/* The status may go on from one to the next by one bit.  No row starts from FAILED: after it
 * there is only reset.  From RUNG_LIVE on the device takes a bit back, and feature bits bring
 * the row. */
static const struct status_step {
	uint32_t from, add, to;
	uint64_t features;
} ladder[] = {
	{ 0, VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_ACKNOWLEDGE, 0 },
	{ VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER, RUNG_DRIVER, 0 },
	{ RUNG_DRIVER, VIRTIO_CONFIG_S_FEATURES_OK, RUNG_FEATURES, 0 },
	{ RUNG_FEATURES, VIRTIO_CONFIG_S_DRIVER_OK, RUNG_LIVE, 0 },
	{ RUNG_LIVE, VIRTIO_CONFIG_S_SUSPEND, RUNG_SUSPENDED, UINT64_C(1) << VIRTIO_F_SUSPEND },
	{ RUNG_SUSPENDED, VIRTIO_CONFIG_S_DRIVER_OK, RUNG_LIVE, 0 },
};

static const struct status_step *find_step(const struct device *dev, uint32_t from, uint32_t add)
{
	size_t i;

	for (i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++)
		if (ladder[i].from == from && ladder[i].add == add &&
		    !(ladder[i].features & ~dev->features))
			return &ladder[i];
	return NULL;
}

static bool features_acceptable(struct device *dev)
{
	const struct device_high *high = device_high(dev);

	return !(dev->features & ~dev->offered) && (dev->features & MMIO_F_VERSION_1) &&
	       (!high || !(high->features & ~high->offered));
}

uint32_t mmio_status(const struct mmio *m)
{
	return m->dev->status;
}

/* The device runs again: what was not told is told, and it goes on with what it has. */
static void resume(struct device *dev)
{
	if (dev->config_owed)
		device_interrupt(dev, VIRTIO_MMIO_INT_CONFIG);
	dev->config_owed = false;
	dev->ops->work(dev);
}

void mmio_set_status(struct mmio *m, uint32_t value)
{
	struct device *dev = m->dev;
	/* NEEDS_RESET is the device's: not compared, and no driver can set or
	 * clear it.  A bare NEEDS_RESET is not the 0 that resets. */
	uint32_t from = dev->status & ~S_NEEDS_RESET;
	uint32_t to = value & ~S_NEEDS_RESET;
	const struct status_step *step;

	if (value == 0) {
		mmio_reset(m);
		return;
	}
	/* A driver that resumes may leave out the bit that the device takes back. */
	if (from == RUNG_SUSPENDED && to == RUNG_LIVE)
		to |= from;
	if (to == from)
		return;
	if ((to & from) == from && (to ^ from) == VIRTIO_CONFIG_S_FAILED) {
		dev->status |= VIRTIO_CONFIG_S_FAILED;
		return;
	}
	step = (to & from) == from ? find_step(dev, from, to ^ from) : NULL;
	if (!step) {
		mmio_count(m, MMIO_STATUS_REFUSED);
		return;
	}
	if (step->to == RUNG_FEATURES && !features_acceptable(dev)) {
		mmio_count(m, MMIO_FEATURES_REFUSED);
		dev->status |= VIRTIO_CONFIG_S_FAILED;
		return;
	}
	if (step->to == RUNG_SUSPENDED && dev->ops->suspend)
		dev->ops->suspend(dev);
	dev->status = step->to | (dev->status & S_NEEDS_RESET);
	if (from == RUNG_SUSPENDED)
		resume(dev);
	else if (step->to == RUNG_LIVE && dev->ops->live)
		dev->ops->live(dev);
}

uint32_t mmio_generation(const struct mmio *m)
{
	return m->dev->config_generation;
}

/* Widths that a field of the configuration can have. */
static bool width_allowed(uint32_t len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

void mmio_config_read(struct mmio *m, uint64_t offset, void *buf, uint32_t len)
{
	if (!width_allowed(len)) {
		mmio_count(m, MMIO_BAD_ACCESS);
		memset(buf, 0xff, len);
		return;
	}
	m->dev->ops->config_read(m->dev, offset, buf, len);
}

void mmio_config_write(struct mmio *m, uint64_t offset, const void *buf, uint32_t len)
{
	if (!width_allowed(len) || (m->dev->status & VIRTIO_CONFIG_S_SUSPEND)) {
		mmio_count(m, MMIO_BAD_ACCESS);
		return;
	}
	if (m->dev->ops->config_write)
		m->dev->ops->config_write(m->dev, offset, buf, len);
}
