/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The configuration of a block device, as its driver reads it (VIRTIO 5.2.5.2).
 *
 * disk.config: `writeback` begins as 0 for a driver that accepted VIRTIO_BLK_F_CONFIG_WCE and not
 * VIRTIO_BLK_F_FLUSH, who could not make its writes stable otherwise; padding begins as 0.  Both
 * are what the device shows before its driver has written there, so a driver's mistakes do not
 * matter: what it wrote to padding a device may keep for good, and the mode until it is reset.
 * `writeback` counts once FEATURES_OK is shown: the device knows then what was accepted.  Of
 * another's device only accesses of single bytes are judged, as a driver has to make (4.2.2.2).
 *
 * disk.fields: a field is 0 where the feature that it belongs to is not offered (5.2.4), and where
 * it is, one that is a size or a number of things that there are is not 0.  VIRTIO leaves the first
 * open and calls the second by what it is for: so our own models do it, whatever their driver
 * accepts or writes, since none of these fields is the driver's.  Whether a field is 0 is judged
 * where an access reads all of it and nothing else.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F(bit) (1ULL << VIRTIO_BLK_F_##bit)
#define WRITEBACK_AT offsetof(struct virtio_blk_config, wce)

/* What a feature brings.  `some`: it is not 0 then. */
#define FIELD(bit, name, always)                                                                   \
	{                                                                                          \
		1ULL << VIRTIO_BLK_F_##bit, (uint8_t)offsetof(struct virtio_blk_config, name),     \
			(uint8_t)sizeof(((struct virtio_blk_config *)0)->name), always             \
	}
static const struct {
	uint64_t feature;
	uint8_t at, len;
	bool some;
} fields[] = {
	FIELD(SIZE_MAX, size_max, true),
	FIELD(SEG_MAX, seg_max, true),
	FIELD(GEOMETRY, geometry, false),
	FIELD(BLK_SIZE, blk_size, true),
	FIELD(TOPOLOGY, physical_block_exp, false),
	FIELD(TOPOLOGY, alignment_offset, false),
	FIELD(TOPOLOGY, min_io_size, true),
	FIELD(TOPOLOGY, opt_io_size, true),
	FIELD(CONFIG_WCE, wce, false),
	FIELD(MQ, num_queues, true),
	FIELD(DISCARD, max_discard_sectors, true),
	FIELD(DISCARD, max_discard_seg, true),
	FIELD(DISCARD, discard_sector_alignment, true),
	FIELD(WRITE_ZEROES, max_write_zeroes_sectors, true),
	FIELD(WRITE_ZEROES, max_write_zeroes_seg, true),
	FIELD(WRITE_ZEROES, write_zeroes_may_unmap, false),
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static bool is_padding(uint64_t at)
{
	return at == offsetof(struct virtio_blk_config, unused) ||
	       (at >= offsetof(struct virtio_blk_config, unused1) &&
		at < offsetof(struct virtio_blk_config, unused1) +
				sizeof(((struct virtio_blk_config *)0)->unused1));
}

/* Must the device have begun with writethrough? */
static bool begins_writethrough(const struct ledger *l)
{
	return (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !l->session.lost &&
	       l->session.features_known && !l->session.writeback_said &&
	       (l->session.driver_features & (F(CONFIG_WCE) | F(FLUSH))) == F(CONFIG_WCE);
}

static void note_byte(struct ledger *l, uint64_t at)
{
	if (at == WRITEBACK_AT)
		l->session.writethrough = false;
	l->session.writeback_said = l->session.writeback_said || at == WRITEBACK_AT;
	l->device.padding_said = l->device.padding_said || is_padding(at);
}

/* The cache is a writethrough one, of a driver that would have to say so if it were another. */
static void note_mode(struct ledger *l, uint64_t at, uint8_t value)
{
	if (at != WRITEBACK_AT || value != 0 || l->session.writethrough ||
	    (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) == 0 ||
	    (l->session.driver_features & F(CONFIG_WCE)) == 0)
		return;
	l->session.writethrough = true;
	l->disk.through = ++l->disk.now;
}

static void judge_byte(struct ledger *l, uint64_t at, uint8_t value)
{
	bool mode = at == WRITEBACK_AT && begins_writethrough(l);

	if ((!mode && (l->device.padding_said || !is_padding(at))) ||
	    !ledger_judges(l, RULE_DISK_CONFIG) || value == 0)
		return;
	if (mode)
		ledger_break(l, RULE_DISK_CONFIG,
			     "writeback reads %u; the driver accepted VIRTIO_BLK_F_CONFIG_WCE and "
			     "not VIRTIO_BLK_F_FLUSH, and wrote nothing there",
			     value);
	else
		ledger_break(l, RULE_DISK_CONFIG,
			     "the padding at offset %llu of the configuration reads 0x%02x",
			     (unsigned long long)at, value);
}

static void read_byte(struct ledger *l, uint64_t at, uint8_t value)
{
	note_mode(l, at, value);
	judge_byte(l, at, value);
}

/* The bytes from `at` on were read as that value. */
static void judge_fields(struct ledger *l, uint64_t at, uint32_t width, uint64_t value)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		bool offered = (l->offered & fields[i].feature) != 0;
		bool whole = fields[i].at == at && fields[i].len == width;
		bool inside = at >= fields[i].at && at + width <= fields[i].at + fields[i].len;

		if (offered ? !whole || !fields[i].some : !inside)
			continue;
		if (ledger_judges(l, RULE_DISK_FIELDS) && offered == (value == 0))
			ledger_break(l, RULE_DISK_FIELDS,
				     "the field at offset %u of the configuration reads %llu, and "
				     "its feature is %s",
				     fields[i].at, (unsigned long long)value,
				     offered ? "offered" : "not offered");
	}
}

void ledger_disk_config(struct ledger *l, bool write, uint64_t at, uint32_t width, uint64_t value)
{
	/* A device of ours serves the widths that there are for a field. */
	bool served = width == 1 || (l->target->model && (width & (width - 1)) == 0);

	if (l->target->device_id != VIRTIO_ID_BLOCK)
		return;
	if (!write && served && at + width <= l->target->config_len)
		judge_fields(l, at, width, value);
	for (uint32_t i = 0; i < width; i++)
		if (write)
			note_byte(l, at + i);
		else if (served && at + width <= l->target->config_len)
			read_byte(l, at + i, (uint8_t)(value >> (8 * i)));
}
