/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What registers read as (VIRTIO 4.2.2).  See ledger.h.
 *
 * status.identity, status.registers: what a device is does not depend on what
 * the guest does; those that a selector chooses are judged once the driver wrote it,
 * or where it is known to be 0 until then.  status.generation: nothing that a guest writes is a
 * change that the device makes.  status.config: what lies past the end is nobody's, whichever bytes
 * of it an access takes.  status.interrupt: bits are compared with what was raised and
 * acknowledged, whatever else happened.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_mmio.h>
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

static bool due_queue_num_max(const struct ledger *l, uint32_t *due)
{
	bool described = l->session.queue_sel < l->target->queue_count;
	bool exists = ledger_queue_exists(l, l->session.queue_sel);

	*due = exists && l->session.queue_sel < PROGRAM_QUEUES ? l->queue_max[l->session.queue_sel]
							       : 0;
	/* Whether others show a queue that a feature would bring is theirs to say. */
	if (described && !l->target->model && l->target->queues[l->session.queue_sel].features != 0)
		return false;
	return l->session.queue_sel_known && (!exists || l->session.queue_sel < PROGRAM_QUEUES);
}

static bool due_generation(const struct ledger *l, uint32_t *due)
{
	*due = l->device.generation;
	return true;
}

/* The length and base of the selected shared-memory region: all ones where there is
 * none (VIRTIO 4.2.2).  Of others' devices nothing is known. */
static bool due_region(const struct ledger *l, bool base, unsigned shift, uint32_t *due)
{
	uint64_t value = UINT64_MAX;

	for (unsigned i = 0; i < l->target->region_count; i++)
		if (l->target->regions[i].id == l->session.shm_sel)
			value = base ? l->target->regions[i].base : l->target->regions[i].len;
	*due = (uint32_t)(value >> shift);
	return l->target->model;
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
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].offset != offset || !readers[i].due(l, &due))
			continue;
		if (ledger_judges(l, readers[i].rule) && value != due)
			ledger_break(l, readers[i].rule, "%s reads 0x%llx, not 0x%x",
				     register_name((uint32_t)offset), (unsigned long long)value,
				     due);
		return;
	}
}

/* Bits stay until acknowledged.  A device that shows a used buffer which it
 * raised no interrupt for, because the driver wanted none, tells the truth. */
void ledger_judge_interrupt_status(struct ledger *l, uint32_t shown)
{
	uint32_t extra = shown & ~l->session.interrupt_status & 3;

	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].work.silenced)
			extra &= ~(uint32_t)VIRTIO_MMIO_INT_VRING;
	if (l->plain.session.blind)
		extra &= ~(uint32_t)VIRTIO_MMIO_INT_VRING;
	if (!ledger_judges(l, RULE_STATUS_INTERRUPT))
		return;
	if (extra != 0 || (l->session.interrupt_status & ~shown) != 0)
		ledger_break(l, RULE_STATUS_INTERRUPT,
			     "InterruptStatus reads 0x%x, but 0x%x is raised and not acknowledged",
			     shown, l->session.interrupt_status);
}
