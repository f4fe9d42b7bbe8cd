/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What registers read as (VIRTIO 4.2.2).  See ledger.h.
 *
 * status.identity, status.registers: what a device is does not depend on what
 * the guest does; those that a selector chooses are judged once the driver wrote it,
 * or where it is known to be 0 until then.  A queue that a feature brings is there once
 * the driver accepted that feature (5.1.2, 5.2.2, 5.3.2, 5.5.2, 5.11.2 and so on).  Until
 * then QueueNumMax may be 0 (the queue is not available, 4.2.2) or what it will be: a
 * device may go by what it offers.  The target may say which feature that is; for device
 * types of which VIRTIO says it, it need not.  Of a type of which nothing is known here any of
 * its own features may bring any queue but the first.
 *
 * status.offered: virtio-mmio has no place for what SR_IOV and NOTIF_CONFIG_DATA need: the one
 * is for PCI devices alone (dev.resfeat.bits.9b), and of the other no register provides the
 * data that a driver would notify with (4.2.2).  Bits 44 to 49 mean nothing in VIRTIO
 * 1.4; to a device written against a later version they may.  ADMIN_VQ is not judged: 2.2
 * gives its bit to the types of devices as well.
 *
 * What a read of another width or place than a register's gives is not VIRTIO's to say: under our
 * transport, all ones.
 *
 * A shared-memory region that does not exist reads as all ones, length and base (4.2.2).
 * Which regions there are is known of a target that declares some, and of device types
 * that have none.
 *
 * status.generation: nothing that a guest writes is a change that the device makes.
 * status.config: what lies past the end is nobody's, whichever bytes of it an access takes.
 *
 * status.interrupt: bits are compared with what was raised and acknowledged, whatever else
 * happened.  A bit stands for an event from the moment that it takes place (dev.mmio.regs.3):
 * a device may show it before it raises the line, which may come in a later call, and where
 * the driver wants no interrupt, instead of that.  Used buffers are seen.  A change of the
 * configuration is not: that bit must be raised by the time that the device rests, and a line
 * that is up already is.  Bits 2 to 31 stand for no event (dev.mmio.regs.4).
 */
#include "devices/virtio_1_4.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>

/* What a register must read, if that is known. */
static bool due_magic(const struct ledger *l, uint32_t *due)
{
	(void)l;
	*due = 0x74726976;
	return true;
}

static bool due_version(const struct ledger *l, uint32_t *due)
{
	(void)l;
	*due = 2;
	return true;
}

static bool due_device_id(const struct ledger *l, uint32_t *due)
{
	*due = l->target->device_id;
	return true;
}

static bool due_device_features(const struct ledger *l, uint32_t *due)
{
	struct features offered = { l->offered, l->offered_high };

	*due = l->session.device_features_sel > 3
		       ? 0
		       : features_get(offered, l->session.device_features_sel);
	return l->session.device_features_sel_known;
}

#define BIT(feature) (1ULL << (feature))

#define NOT_BY_MMIO (BIT(VIRTIO_F_SR_IOV) | BIT(VIRTIO_F_NOTIF_CONFIG_DATA))
#define RESERVED (BIT(50) - BIT(44))
#define VIRTIO_1_4 0x0104

static void judge_offered(struct ledger *l, uint64_t value)
{
	uint64_t forbidden = NOT_BY_MMIO | (l->target->virtio <= VIRTIO_1_4 ? RESERVED : 0);
	struct features offered = { 0 };

	if (!l->session.device_features_sel_known || l->session.device_features_sel > 3)
		return;
	features_set(&offered, l->session.device_features_sel, (uint32_t)value);
	if (ledger_judges(l, RULE_STATUS_OFFERED) && (offered.low & forbidden) != 0)
		ledger_break(l, RULE_STATUS_OFFERED,
			     "the device offers 0x%llx: no such features go over virtio-mmio, or "
			     "there are none",
			     (unsigned long long)(offered.low & forbidden));
	ledger_judge_requires(l, l->session.device_features_sel, (uint32_t)value);
}

/* Of VIRTIO 1.4; not in every kernel's headers. */
#define BALLOON_F_REPORTING 5
#define FS_F_NOTIFICATION 0
#define GPIO_F_IRQ 0
#define SCMI_F_P2A_CHANNELS 0
#define ID_SCMI 32
#define ID_GPIO 41

/* Queues from `first` on of a device type are there only with one of these features. */
static const struct optional_queues {
	uint32_t device_id;
	uint16_t first;
	uint64_t features;
} optional_queues[] = {
	{ VIRTIO_ID_NET, 2,
	  BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_RSS) | BIT(VIRTIO_NET_F_CTRL_VQ) },
	{ VIRTIO_ID_BLOCK, 1, BIT(VIRTIO_BLK_F_MQ) },
	{ VIRTIO_ID_CONSOLE, 2, BIT(VIRTIO_CONSOLE_F_MULTIPORT) },
	{ VIRTIO_ID_BALLOON, 2,
	  BIT(VIRTIO_BALLOON_F_STATS_VQ) | BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) |
		  BIT(BALLOON_F_REPORTING) },
	{ VIRTIO_ID_FS, 2, BIT(FS_F_NOTIFICATION) },
	{ ID_SCMI, 1, BIT(SCMI_F_P2A_CHANNELS) },
	{ ID_GPIO, 1, BIT(GPIO_F_IRQ) },
};

/* Bits that each device type has its own meaning for (2.2). */
#define OWN_FEATURES ((BIT(24) - 1) | ~(BIT(50) - 1))

/* Is it a type of which chapter 5 is known here?  These have no shared memory, and their
 * queues are those of optional_queues, or always there. */
static bool is_plain_type(const struct target *target)
{
	static const uint8_t ids[] = { VIRTIO_ID_NET,	  VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE,
				       VIRTIO_ID_RNG,	  VIRTIO_ID_SCSI,  VIRTIO_ID_INPUT,
				       VIRTIO_ID_BALLOON, VIRTIO_ID_VSOCK, VIRTIO_ID_CRYPTO };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (ids[i] == target->device_id)
			return true;
	return false;
}

/* May it be that the queue is not there for want of a feature?  Of a model, which goes by
 * what its own description says, that is known. */
static bool may_be_absent(const struct ledger *l, unsigned queue)
{
	bool chosen = (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
	uint64_t accepted = chosen && l->session.features_known ? l->session.driver_features : 0;

	if (l->target->model)
		return false;
	if ((l->target->queues[queue].features & ~accepted) != 0)
		return true;
	for (size_t i = 0; i < sizeof(optional_queues) / sizeof(optional_queues[0]); i++) {
		const struct optional_queues *o = &optional_queues[i];

		/* Which of several features brings a queue depends on the others: all of
		 * those that are offered leave no doubt. */
		if (o->device_id == l->target->device_id && queue >= o->first &&
		    (o->features & l->target->features) != 0)
			return (o->features & l->offered & ~accepted) != 0 ||
			       (o->features & l->offered) == 0;
		if (o->device_id == l->target->device_id)
			return false;
	}
	return queue > 0 && !is_plain_type(l->target) &&
	       (l->target->features & OWN_FEATURES & ~accepted) != 0;
}

static bool due_queue_num_max(const struct ledger *l, uint32_t *due)
{
	uint32_t queue = l->session.queue_sel;
	bool exists = ledger_queue_exists(l, queue);

	if (queue >= l->target->queue_count) {
		*due = 0;
		return l->session.queue_sel_known;
	}
	if (queue >= PROGRAM_QUEUES)
		return false;
	*due = exists || !l->target->model ? l->queue_max[queue] : 0;
	return l->session.queue_sel_known;
}

/* Is it right all the same? */
static bool is_excused(const struct ledger *l, uint64_t offset, uint64_t value)
{
	return offset == VIRTIO_MMIO_QUEUE_NUM_MAX && value == 0 &&
	       l->session.queue_sel < l->target->queue_count &&
	       may_be_absent(l, l->session.queue_sel);
}

/* The reset of a queue is over before the driver goes on (ledger_regs.c). */
static bool due_queue_reset(const struct ledger *l, uint32_t *due)
{
	*due = 0;
	return ledger_has_ring_reset(l) && l->session.queue_sel_known &&
	       l->session.queue_sel < ledger_queues(l);
}

static bool due_generation(const struct ledger *l, uint32_t *due)
{
	*due = l->device.generation;
	return true;
}

/* The length and base of the selected shared-memory region: all ones where there is
 * none (VIRTIO 4.2.2). */
static bool due_region(const struct ledger *l, bool base, unsigned shift, uint32_t *due)
{
	uint64_t value = UINT64_MAX;

	for (unsigned i = 0; i < l->target->region_count; i++)
		if (l->target->regions[i].id == l->session.shm_sel)
			value = base ? l->target->regions[i].base : l->target->regions[i].len;
	*due = (uint32_t)(value >> shift);
	return l->target->model || l->target->region_count > 0 || is_plain_type(l->target);
}

static bool due_shm_len_low(const struct ledger *l, uint32_t *due)
{
	return due_region(l, false, 0, due);
}

static bool due_shm_len_high(const struct ledger *l, uint32_t *due)
{
	return due_region(l, false, 32, due);
}

static bool due_shm_base_low(const struct ledger *l, uint32_t *due)
{
	return due_region(l, true, 0, due);
}

static bool due_shm_base_high(const struct ledger *l, uint32_t *due)
{
	return due_region(l, true, 32, due);
}

static const struct {
	uint16_t offset;
	uint16_t rule;
	bool (*due)(const struct ledger *l, uint32_t *due);
} readers[] = {
	{ VIRTIO_MMIO_MAGIC_VALUE, RULE_STATUS_IDENTITY, due_magic },
	{ VIRTIO_MMIO_VERSION, RULE_STATUS_IDENTITY, due_version },
	{ VIRTIO_MMIO_DEVICE_ID, RULE_STATUS_REGISTERS, due_device_id },
	{ VIRTIO_MMIO_DEVICE_FEATURES, RULE_STATUS_REGISTERS, due_device_features },
	{ VIRTIO_MMIO_QUEUE_NUM_MAX, RULE_STATUS_REGISTERS, due_queue_num_max },
	{ VIRTIO_MMIO_SHM_LEN_LOW, RULE_STATUS_REGISTERS, due_shm_len_low },
	{ VIRTIO_MMIO_SHM_LEN_HIGH, RULE_STATUS_REGISTERS, due_shm_len_high },
	{ VIRTIO_MMIO_SHM_BASE_LOW, RULE_STATUS_REGISTERS, due_shm_base_low },
	{ VIRTIO_MMIO_SHM_BASE_HIGH, RULE_STATUS_REGISTERS, due_shm_base_high },
	{ VIRTIO_MMIO_QUEUE_RESET, RULE_STATUS_QUEUE_RESET, due_queue_reset },
	{ VIRTIO_MMIO_CONFIG_GENERATION, RULE_STATUS_GENERATION, due_generation },
};

/* `value` is of `width` bytes, little-endian, read at `offset`. */
static void judge_past_config(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value)
{
	uint64_t end = VIRTIO_MMIO_CONFIG + (uint64_t)l->target->config_len;
	uint64_t within = offset < end ? end - offset : 0, due;

	/* Other widths are no access: whatever they read, no field is meant. */
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return;
	if (!ledger_judges(l, RULE_STATUS_CONFIG) || within >= width)
		return;
	due = (l->target->config_past * 0x0101010101010101u) & (UINT64_MAX >> (64 - 8 * width));
	if ((value ^ due) >> (8 * within) != 0)
		ledger_break(l, RULE_STATUS_CONFIG,
			     "%u bytes of the configuration at offset %llu read 0x%llx, but its "
			     "last byte is at %u",
			     width, (unsigned long long)(offset - VIRTIO_MMIO_CONFIG),
			     (unsigned long long)value, l->target->config_len - 1);
}

void ledger_judge_read(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value)
{
	uint32_t due;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		judge_past_config(l, offset, width, value);
		return;
	}
	if (offset == VIRTIO_MMIO_DEVICE_FEATURES)
		judge_offered(l, value);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].offset != offset || !readers[i].due(l, &due))
			continue;
		if (ledger_judges(l, readers[i].rule) && value != due &&
		    !is_excused(l, offset, value))
			ledger_break(l, readers[i].rule, "%s reads 0x%llx, not 0x%x",
				     register_name((uint32_t)offset), (unsigned long long)value,
				     due);
		return;
	}
}

void ledger_judge_odd_read(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value)
{
	uint64_t due = width < 8 ? (1ULL << (8 * width)) - 1 : UINT64_MAX;

	if (!l->target->model || !l->target->transport || value == due ||
	    !ledger_judges(l, RULE_STATUS_REGISTERS))
		return;
	ledger_break(l, RULE_STATUS_REGISTERS,
		     "%u bytes at 0x%llx, which are no register, read 0x%llx, not 0x%llx", width,
		     (unsigned long long)offset, (unsigned long long)value,
		     (unsigned long long)due);
}

void ledger_judge_interrupt_status(struct ledger *l, uint32_t shown)
{
	uint32_t raised = l->session.interrupt_status;
	uint32_t extra = shown & ~raised & ~l->session.events;

	l->device.shown = shown;
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].work.silenced || (l->queues[i].work.ready && !l->queues[i].known))
			extra &= ~(uint32_t)VIRTIO_MMIO_INT_VRING;
	if (l->plain.session.blind)
		extra &= ~(uint32_t)VIRTIO_MMIO_INT_VRING;
	l->session.unraised = l->target->model ? 0 : extra & VIRTIO_MMIO_INT_CONFIG;
	extra &= ~l->session.unraised;
	if (!ledger_judges(l, RULE_STATUS_INTERRUPT))
		return;
	if (extra != 0 || (raised & ~shown) != 0)
		ledger_break(l, RULE_STATUS_INTERRUPT,
			     "InterruptStatus reads 0x%x, but 0x%x is raised and not acknowledged",
			     shown, raised);
}

void ledger_interrupt_status_rest(struct ledger *l)
{
	uint32_t unraised = l->session.unraised & ~l->session.interrupt_status;

	if (unraised == 0 || l->target->level_line || !ledger_judges(l, RULE_STATUS_INTERRUPT))
		return;
	ledger_break(l, RULE_STATUS_INTERRUPT,
		     "the device rests, and InterruptStatus has the bits 0x%x, which it never "
		     "raised",
		     unraised);
}
