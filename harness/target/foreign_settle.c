/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A call of the author's device begins and ends: it ends when the device's threads have
 * come to rest.  See foreign.h.
 */
#include "harness/target/foreign.h"

#include "devices/virtio_1_4.h"
#include "devices/virtqueue.h"

#include <string.h>
#include <time.h>

static const struct vringer_target *given_of(const struct foreign_device *d)
{
	return &d->foreign->given;
}

void foreign_watch(struct foreign_device *d, uint64_t offset, const void *buf, uint32_t len)
{
	uint8_t bytes[4];
	uint32_t value;

	if (given_of(d)->settle_queues == NULL || len != sizeof(bytes))
		return;
	memcpy(bytes, buf, len);
	value = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		(uint32_t)bytes[3] << 24;
	if (offset == VIRTIO_MMIO_STATUS) {
		d->live = (value & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
		d->ready = value == 0 ? 0 : d->ready;
	} else if (offset == VIRTIO_MMIO_QUEUE_SEL) {
		d->queue_sel = value;
	} else if (offset == VIRTIO_MMIO_QUEUE_READY && d->queue_sel < PROGRAM_QUEUES) {
		d->ready &= ~(1ULL << d->queue_sel);
		d->ready |= (uint64_t)(value & 1) << d->queue_sel;
	} else if (offset == VIRTIO_MMIO_QUEUE_RESET && value == 1 &&
		   d->queue_sel < PROGRAM_QUEUES &&
		   (given_of(d)->features >> VIRTIO_F_RING_RESET & 1) != 0) {
		d->ready &= ~(1ULL << d->queue_sel);
	}
}

void foreign_enter(struct foreign_device *d)
{
	if (d->threads)
		pthread_mutex_lock(&d->lock);
	d->calls = 1;
	if (d->threads)
		pthread_mutex_unlock(&d->lock);
}

static uint64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What the driver wrote does not tell: the same status suspends a device and lets it run. */
static bool is_suspended(const struct foreign_device *d)
{
	uint8_t status[4] = { 0 };

	if ((given_of(d)->features >> VIRTIO_F_SUSPEND & 1) == 0)
		return false;
	given_of(d)->read(d->device, VIRTIO_MMIO_STATUS, status, sizeof(status));
	return (status[0] & (VIRTIO_CONFIG_S_SUSPEND | VIRTIO_CONFIG_S_DRIVER_OK)) ==
	       VIRTIO_CONFIG_S_SUSPEND;
}

/* May the device take chains from that queue? */
static bool is_live(const struct foreign_device *d, uint32_t queue)
{
	const struct vringer_calls *calls = &d->foreign->calls;

	if (d->dev != NULL)
		return d->activated && d->dev->queues[queue].ready;
	if (calls->status != NULL)
		return (calls->status(d->device) & VIRTIO_CONFIG_S_DRIVER_OK) != 0 &&
		       calls->queue_ready(d->device, queue) != 0;
	return d->live && (d->ready >> queue & 1) != 0 && !is_suspended(d);
}

static int32_t settle(const struct foreign_device *d)
{
	const struct vringer_target *t = given_of(d);
	uint32_t outstanding[PROGRAM_QUEUES] = { 0 };
	uint32_t ms = t->settle_ms != 0 ? t->settle_ms : FOREIGN_SETTLE_MS;

	if (t->settle_queues == NULL)
		return t->settle(d->device, ms);
	for (uint32_t i = 0; i < t->queue_count && d->listener != NULL; i++)
		if (is_live(d, i))
			outstanding[i] = d->listener->outstanding(d->listener->ctx, i);
	return t->settle_queues(d->device, ms, outstanding);
}

/* Ask again where time passed and the threads had little of it: a busy machine is no
 * hang. */
static bool comes_to_rest(struct foreign_device *d)
{
	uint64_t start;

	if (settle(d) == 0)
		return true;
	start = cpu_ms();
	for (unsigned i = 1; i < FOREIGN_SETTLES && cpu_ms() - start < FOREIGN_SETTLE_CPU_MS; i++)
		if (settle(d) == 0)
			return true;
	return false;
}

void foreign_leave(struct foreign_device *d)
{
	if (!d->threads) {
		d->calls = 0;
		return;
	}
	/* A thread that does not come to rest goes on calling: the process is
	 * about to end, and for the right reason. */
	if (d->hung || (!d->gone && d->device != NULL && !comes_to_rest(d))) {
		d->hung = true;
		return;
	}
	pthread_mutex_lock(&d->lock);
	d->calls = 0;
	pthread_mutex_unlock(&d->lock);
}
