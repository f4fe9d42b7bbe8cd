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
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F(bit) (1ULL << VIRTIO_BLK_F_##bit)
#define WRITEBACK_AT offsetof(struct virtio_blk_config, wce)

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

void ledger_disk_config(struct ledger *l, bool write, uint64_t at, uint32_t width, uint64_t value)
{
	/* A device of ours serves the widths that there are for a field. */
	bool served = width == 1 || (l->target->model && (width & (width - 1)) == 0);

	if (l->target->device_id != VIRTIO_ID_BLOCK)
		return;
	for (uint32_t i = 0; i < width; i++)
		if (write)
			note_byte(l, at + i);
		else if (served && at + width <= l->target->config_len)
			read_byte(l, at + i, (uint8_t)(value >> (8 * i)));
}
