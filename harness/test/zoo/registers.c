/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The registers of the small device: VIRTIO 1.4, 4.2.2, with status (2.1), features
 * (2.2) and reset (2.4).  See device.h.
 *
 * Registers are 32 bits wide: an access of another width or alignment reads 0 and
 * writes nothing.  So does one of no register.
 */
#include "device.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <stddef.h>
#include <string.h>

/* What a driver may set on its way to DRIVER_OK. */
#define STATUS_BITS                                                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

bool device_live(const struct device *d)
{
	return (d->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) ==
	       VIRTIO_CONFIG_S_DRIVER_OK;
}

bool device_negotiated(const struct device *d, unsigned bit)
{
	return (d->accepted[bit / 32] >> bit % 32 & 1) != 0;
}

bool device_packed(const struct device *d)
{
	return device_negotiated(d, VIRTIO_F_RING_PACKED);
}

/* ---- interrupts ------------------------------------------------------------ */

void usual_raise(struct device *d, uint32_t bits)
{
	d->interrupt_status |= bits;
	d->host->interrupt(d->host->ctx, bits);
}

void usual_acknowledge(struct device *d, uint32_t bits)
{
	d->interrupt_status &= ~bits;
}

/* The driver broke a rule, and the device cannot go on (2.1.2). */
void usual_breach(struct device *d)
{
	if ((d->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		return;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if ((d->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
		d->ways.raise(d, VIRTIO_MMIO_INT_CONFIG);
}

/* ---- status and features --------------------------------------------------- */

void usual_reset(struct device *d)
{
	memset(&d->status, 0, sizeof(*d) - offsetof(struct device, status));
	for (uint16_t i = 0; i < QUEUES; i++)
		d->queues[i].index = i;
}

uint32_t usual_read_status(struct device *d)
{
	return d->status;
}

/* Any part of what is offered, with VERSION_1. */
bool usual_accepts(const struct device *d)
{
	for (unsigned i = 0; i <= PAGES; i++)
		if ((d->accepted[i] & ~(i < PAGES ? d->offered[i] : 0)) != 0)
			return false;
	return device_negotiated(d, VIRTIO_F_VERSION_1);
}

/* It waits for a notification. */
void usual_live(struct device *d)
{
	(void)d;
}

bool device_suspended(const struct device *d)
{
	return (d->status & VIRTIO_CONFIG_S_SUSPEND) != 0;
}

/* At once: what it has taken it has answered. */
void usual_suspend(struct device *d)
{
	d->status &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	d->status |= VIRTIO_CONFIG_S_SUSPEND;
}

void usual_resume(struct device *d)
{
	d->status &= ~(uint32_t)VIRTIO_CONFIG_S_SUSPEND;
	d->status |= VIRTIO_CONFIG_S_DRIVER_OK;
}

/* Bits are set, one after the other or several at once, and only a reset clears them. */
static void write_status(struct device *d, uint32_t value)
{
	bool was_live;

	if (value == 0) {
		d->ways.reset(d);
		return;
	}
	if (device_suspended(d)) {
		if ((value & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
			d->ways.resume(d);
		return;
	}
	if (device_live(d) && (value & VIRTIO_CONFIG_S_SUSPEND) != 0 &&
	    device_negotiated(d, VIRTIO_F_SUSPEND)) {
		d->ways.suspend(d);
		return;
	}
	value = (value & STATUS_BITS) | d->status;
	if ((value & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !d->ways.accepts(d))
		value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if ((value & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		value &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	was_live = device_live(d);
	d->status = value;
	if (!was_live && device_live(d))
		d->ways.live(d);
}

static void write_features(struct device *d, uint32_t value)
{
	if ((d->status & VIRTIO_CONFIG_S_FEATURES_OK) != 0)
		return;
	if (d->driver_features_sel < PAGES)
		d->accepted[d->driver_features_sel] = value;
	else
		d->accepted[PAGES] |= value;
}

/* ---- queues ---------------------------------------------------------------- */

bool usual_exists(const struct device *d, uint32_t queue)
{
	return queue < d->target->queue_count;
}

static struct queue *selected(struct device *d)
{
	return d->ways.exists(d, d->queue_sel) ? &d->queues[d->queue_sel] : NULL;
}

/* A queue starts anew each time (2.7.6, 2.7.8). */
void usual_set_ready(struct device *d, struct queue *q, uint32_t value)
{
	if (value == 1 && !q->ready && q->size != 0) {
		q->avail_idx = q->next_avail = q->next_used = 0;
		memset(&q->packed, 0, sizeof(q->packed));
		q->packed.avail.wrap = q->packed.used.wrap = true;
		q->ready = 1;
	} else if (value == 0) {
		q->ready = 0;
		q->held_count = 0;
		q->more = false;
	}
	(void)d;
}

/* It is as on a new device (2.6.1). */
void usual_reset_queue(struct device *d, struct queue *q)
{
	(void)d;
	*q = (struct queue){ .index = q->index };
}

static void write_queue(struct device *d, uint64_t offset, uint32_t value)
{
	static const uint32_t align[AREAS] = { [DESC] = 16, [AVAIL] = 2, [USED] = 4 };
	uint64_t area = (offset - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16;
	struct queue *q = selected(d);

	if (q == NULL)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		d->ways.set_ready(d, q, value);
	} else if (offset == QUEUE_RESET) {
		if (value == 1 && device_negotiated(d, RING_RESET) &&
		    (d->status & VIRTIO_CONFIG_S_FEATURES_OK) != 0)
			d->ways.reset_queue(d, q);
	} else if (q->ready) {
		return;
	} else if (offset == VIRTIO_MMIO_QUEUE_NUM) {
		if (value <= d->queue_max[q->index] &&
		    (device_packed(d) || (value & (value - 1)) == 0))
			q->size = value;
	} else if (offset >= VIRTIO_MMIO_QUEUE_DESC_LOW && area < AREAS) {
		if (offset % 16 == 0)
			q->area[area] = (q->area[area] >> 32 << 32) | (value & ~(align[area] - 1));
		else if (offset % 16 == 4)
			q->area[area] = (uint32_t)q->area[area] | (uint64_t)value << 32;
	}
}

void usual_notified(struct device *d, struct queue *q)
{
	if (device_live(d) && q->ready)
		d->ways.serve(d, q);
}

/* ---- accesses -------------------------------------------------------------- */

void usual_read_config(const struct device *d, uint64_t offset, uint8_t *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		buf[i] = offset + i < CONFIG_BYTES ? d->config[offset + i] : 0;
}

/* No field of it is the driver's. */
void usual_write_config(struct device *d, uint64_t offset, const uint8_t *buf, uint32_t len)
{
	(void)d;
	(void)offset;
	(void)buf;
	(void)len;
}

uint32_t usual_read_register(struct device *d, uint64_t offset)
{
	const struct queue *q = selected(d);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return 0x74726976;
	case VIRTIO_MMIO_VERSION:
		return 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return d->target->device_id;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return d->device_features_sel < PAGES ? d->offered[d->device_features_sel] : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q != NULL ? d->queue_max[q->index] : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q != NULL ? q->ready : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return d->interrupt_status;
	case VIRTIO_MMIO_STATUS:
		return d->ways.read_status(d);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* there is no shared memory */
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return d->generation;
	default:
		return 0;
	}
}

static void write_register(struct device *d, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		d->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		d->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_features(d, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		d->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		/* How far the driver is the ring says, too. */
		if (device_negotiated(d, VIRTIO_F_NOTIFICATION_DATA))
			value &= UINT16_MAX;
		if (d->ways.exists(d, value))
			d->ways.notified(d, &d->queues[value]);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		d->ways.acknowledge(d, value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(d, value);
		break;
	default:
		write_queue(d, offset, value);
	}
}

void device_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	struct device *d = device;
	uint32_t value;

	memset(buf, 0, len);
	if (offset >= VIRTIO_MMIO_CONFIG) {
		d->ways.read_config(d, offset - VIRTIO_MMIO_CONFIG, buf, len);
	} else if (len == sizeof(value) && offset % sizeof(value) == 0) {
		value = htole32(d->ways.read_register(d, offset));
		memcpy(buf, &value, sizeof(value));
	}
}

void device_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct device *d = device;
	uint32_t value;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		if (!device_suspended(d))
			d->ways.write_config(d, offset - VIRTIO_MMIO_CONFIG, buf, len);
	} else if (len == sizeof(value) && offset % sizeof(value) == 0) {
		memcpy(&value, buf, sizeof(value));
		write_register(d, offset, le32toh(value));
	}
}
