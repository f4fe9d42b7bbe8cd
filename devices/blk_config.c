/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The configuration of the block device: its disk, what it tells, what its driver may change, and
 * how it is resized.
 *
 * A field is there if its feature is offered, for a driver may read it before it accepts one; one
 * that is not there, and all beyond the end, is 0.  Of the driver's writes only `writeback` is
 * heeded, if VIRTIO_BLK_F_CONFIG_WCE was negotiated, and only 0 and 1.
 *
 * VIRTIO 1.4, 5.2.4, 5.2.5; which writes are stable: 5.2.6.2.
 */
#include <endian.h>

#include <linux/virtio_config.h>

#include "blk_private.h"

#define WRITEBACK_AT offsetof(struct virtio_blk_config, wce)

static bool negotiated(const struct blk *blk, uint64_t feature)
{
	return (blk->dev.status & VIRTIO_CONFIG_S_FEATURES_OK) && (blk->dev.features & feature);
}

/* Without a flush no driver can do with a cache that is written back (VIRTIO 5.2.5.2). */
static bool is_writeback(const struct blk *blk)
{
	if (blk->writeback == BLK_WRITEBACK_UNSAID)
		return negotiated(blk, BLK_F(FLUSH)) || !negotiated(blk, BLK_F(CONFIG_WCE));
	return blk->writeback == BLK_WRITEBACK;
}

bool blk_writethrough(const struct blk *blk)
{
	if (negotiated(blk, BLK_F(CONFIG_WCE)))
		return !is_writeback(blk);
	return !negotiated(blk, BLK_F(FLUSH));
}

static uint32_t there32(const struct blk *blk, uint64_t feature, uint32_t value)
{
	return blk->dev.offered & feature ? htole32(value) : 0;
}

void blk_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	const struct blk *blk = (const struct blk *)dev;
	struct virtio_blk_config config = {
		.capacity = htole64(blk->capacity),
		.size_max = there32(blk, BLK_F(SIZE_MAX), BLK_SIZE_MAX),
		.seg_max = there32(blk, BLK_F(SEG_MAX), BLK_SEG_MAX),
		.blk_size = there32(blk, BLK_F(BLK_SIZE), BLK_SECTOR),
		.max_discard_sectors = there32(blk, BLK_F(DISCARD), BLK_DISCARD_SECTORS_MAX),
		.max_discard_seg = there32(blk, BLK_F(DISCARD), BLK_DISCARD_SEG_MAX),
		.discard_sector_alignment = there32(blk, BLK_F(DISCARD), BLK_DISCARD_ALIGNMENT),
		.max_write_zeroes_sectors =
			there32(blk, BLK_F(WRITE_ZEROES), BLK_ZEROES_SECTORS_MAX),
		.max_write_zeroes_seg = there32(blk, BLK_F(WRITE_ZEROES), BLK_ZEROES_SEG_MAX),
		/* The backend is told where it may. */
		.write_zeroes_may_unmap = (dev->offered & BLK_F(WRITE_ZEROES)) != 0,
	};
	const uint8_t *bytes = (const uint8_t *)&config;
	uint32_t i;

	if (dev->offered & BLK_F(TOPOLOGY)) {
		config.physical_block_exp = 3;
		config.min_io_size = htole16(8);
		config.opt_io_size = htole32(BLK_REQUEST_MAX / BLK_SECTOR);
	}
	if (dev->offered & BLK_F(CONFIG_WCE))
		config.wce = is_writeback(blk);
	if (dev->offered & BLK_F(MQ))
		config.num_queues = htole16(BLK_QUEUE_COUNT);
	for (i = 0; i < len; i++)
		buf[i] = offset < BLK_CONFIG_LEN && i < BLK_CONFIG_LEN - offset ? bytes[offset + i]
										: 0;
}

void blk_config_write(struct device *dev, uint64_t offset, const uint8_t *buf, uint32_t len)
{
	struct blk *blk = blk_of(dev);
	uint8_t value;

	if (offset > WRITEBACK_AT || WRITEBACK_AT - offset >= len)
		return;
	value = buf[WRITEBACK_AT - offset];
	if (!negotiated(blk, BLK_F(CONFIG_WCE)) || value > 1) {
		blk_count(blk, BLK_WRITEBACK_REFUSED);
		return;
	}
	blk->writeback = value ? BLK_WRITEBACK : BLK_WRITETHROUGH;
	blk_count(blk, BLK_WRITEBACK_WRITTEN);
}

void blk_connect(struct device *dev, const struct blk_backend *backend, void *ctx,
		 uint64_t capacity)
{
	struct blk *blk = blk_of(dev);

	blk->backend = backend;
	blk->ctx = ctx;
	blk->capacity = capacity;
}

bool blk_resize(struct device *dev, uint64_t capacity)
{
	struct blk *blk = blk_of(dev);

	if (capacity == blk->capacity)
		return false;
	device_config_changing(dev);
	blk->capacity = capacity;
	blk_count(blk, BLK_RESIZED);
	device_config_changed(dev);
	return true;
}
