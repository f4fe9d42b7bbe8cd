/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An entropy device's registers.  See mmio.h.
 */
#include "mmio.h"

#include "luck.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define OFFERED                                                                                    \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC))
/* Those that a driver sets; of the others none is offered. */
#define STATUS_BITS                                                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)
#define MAGIC 0x74726976u
#define VENDOR 0x52454550u

static const char *const names[] = {
	[MMIO_WRONG_MAGIC] = "wrong-magic",
	[MMIO_LEGACY] = "legacy",
	[MMIO_NO_DEVICE] = "no-device",
	[MMIO_OTHER_DEVICE] = "other-device",
	[MMIO_STAYS] = "stays",
	[MMIO_EARLY] = "early",
	[MMIO_AGREES] = "agrees",
	[MMIO_STRAYS] = "strays",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == MMIO_FAULTS, "a name for each fault");

bool mmio_fault(struct mmio *d, const char *name)
{
	for (unsigned i = 0; i < MMIO_FAULTS; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		d->faults[i] = true;
		return true;
	}
	return false;
}

void mmio_help(void)
{
	fprintf(stderr, "faults:");
	for (unsigned i = 0; i < MMIO_FAULTS; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, "\n");
}

static void interrupt(void *ctx)
{
	struct mmio *d = ctx;

	d->interrupts |= VIRTIO_MMIO_INT_VRING;
}

void mmio_start(struct mmio *d)
{
	d->ring.interrupt = interrupt;
	d->ring.ctx = d;
}

void mmio_reset(struct mmio *d)
{
	ring_stop(&d->ring);
	ring_haunt(&d->ring);
	d->ring.held_count = 0;
	d->features_sel = d->driver_sel = d->queue_sel = d->shm_sel = 0;
	d->driver_features = 0;
	d->status = d->interrupts = 0;
	d->queue_num = d->queue_ready = 0;
	memset(d->addresses, 0, sizeof(d->addresses));
}

/* ---- the queue ----------------------------------------------------------------------- */

static void look_at_ring(struct mmio *d)
{
	if (!d->ring.broken || !d->ring.live || (d->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		return;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if ((d->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
		d->interrupts |= VIRTIO_MMIO_INT_CONFIG;
}

static void notify(struct mmio *d, uint32_t queue)
{
	if (!luck_strike(AT_KICK) || queue != 0 || !d->ring.live ||
	    (d->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		return;
	if (d->faults[MMIO_STRAYS])
		memory_write(d->ring.memory, 0, "\x99", 1);
	if (d->later)
		ring_take(&d->ring);
	else
		ring_serve(&d->ring);
	look_at_ring(d);
}

void mmio_go_on(struct mmio *d)
{
	ring_return(&d->ring);
	if (d->ring.live)
		ring_serve(&d->ring);
	look_at_ring(d);
}

static void start_queue(struct mmio *d)
{
	struct ring *r = &d->ring;
	bool due = (d->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 || d->faults[MMIO_EARLY];

	if (!due || d->queue_ready == 0 || r->live)
		return;
	r->desc = d->addresses[0];
	r->avail = d->addresses[1];
	r->used = d->addresses[2];
	r->size = (uint16_t)d->queue_num;
	r->event_idx = (d->driver_features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
	r->indirect = (d->driver_features & BIT(VIRTIO_RING_F_INDIRECT_DESC)) != 0;
	ring_start(r, 0);
	r->next_used = r->told = 0;
	look_at_ring(d);
}

/* ---- status -------------------------------------------------------------------------- */

static bool may_keep_features(const struct mmio *d)
{
	return d->faults[MMIO_AGREES] || ((d->driver_features & ~OFFERED) == 0 &&
					  (d->driver_features & BIT(VIRTIO_F_VERSION_1)) != 0);
}

static void set_status(struct mmio *d, uint32_t value)
{
	uint32_t added = value & ~d->status;

	if (value == 0) {
		luck_strike(AT_STOP);
		if (!d->faults[MMIO_STAYS])
			mmio_reset(d);
		return;
	}
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !may_keep_features(d))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if (((d->status | added) & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		added &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	d->status |= added & STATUS_BITS;
	start_queue(d);
}

static void set_ready(struct mmio *d, uint32_t value)
{
	if (d->queue_sel != 0 || value == d->queue_ready)
		return;
	d->queue_ready = value & 1;
	if (d->queue_ready != 0) {
		start_queue(d);
		return;
	}
	if (d->ring.live)
		ring_return(&d->ring);
	ring_stop(&d->ring);
}

/* ---- registers ----------------------------------------------------------------------- */

static uint32_t half(uint64_t value, uint32_t sel)
{
	return sel > 1 ? 0 : (uint32_t)(value >> 32 * sel);
}

static void set_half(uint64_t *value, uint32_t sel, uint32_t bits)
{
	if (sel > 1)
		return;
	*value &= ~((uint64_t)UINT32_MAX << 32 * sel);
	*value |= (uint64_t)bits << 32 * sel;
}

uint32_t mmio_read(struct mmio *d, uint64_t offset)
{
	bool here = d->queue_sel == 0;

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return d->faults[MMIO_WRONG_MAGIC] ? MAGIC + 1 : MAGIC;
	case VIRTIO_MMIO_VERSION:
		return d->faults[MMIO_LEGACY] ? 1 : 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return d->faults[MMIO_NO_DEVICE]      ? 0
		       : d->faults[MMIO_OTHER_DEVICE] ? VIRTIO_ID_BALLOON
						      : VIRTIO_ID_RNG;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return half(OFFERED, d->features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return here ? RING_SIZE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return here ? d->queue_ready : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return d->interrupts;
	case VIRTIO_MMIO_STATUS:
		return d->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX;
	default:
		return 0;
	}
}

void mmio_write(struct mmio *d, uint64_t offset, uint32_t value)
{
	bool negotiates = (d->status & VIRTIO_CONFIG_S_FEATURES_OK) == 0;
	bool open = d->queue_sel == 0 && d->queue_ready == 0;

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		d->features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		d->driver_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if (negotiates)
			set_half(&d->driver_features, d->driver_sel, value);
		/* Bits beyond 63, none of which was offered: kept as one that was not. */
		if (negotiates && d->driver_sel > 1 && value != 0)
			d->driver_features |= BIT(63);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		d->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		if (open)
			d->queue_num = value <= RING_SIZE_MAX ? value : 0;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		set_ready(d, value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		notify(d, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		d->interrupts &= ~value;
		break;
	case VIRTIO_MMIO_STATUS:
		set_status(d, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		offset -= VIRTIO_MMIO_QUEUE_DESC_LOW;
		if (open)
			set_half(&d->addresses[offset / 16], offset % 16 / 4, value);
		break;
	case VIRTIO_MMIO_SHM_SEL:
		d->shm_sel = value;
		break;
	default:
		break;
	}
}
