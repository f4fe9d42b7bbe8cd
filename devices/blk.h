/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device: a disk of 512-byte sectors behind an interface that a VMM fills in.
 *
 *   VIRTIO_BLK_T_IN, OUT       whole sectors within the capacity, at most BLK_REQUEST_MAX bytes
 *   FLUSH                      if the feature was accepted
 *   GET_ID                     BLK_ID, for exactly 20 bytes of room
 *   DISCARD, WRITE_ZEROES      if the feature was accepted: all segments are judged before the
 *                              first is done; a flag that is unknown, or UNMAP of a discard, is
 *                              VIRTIO_BLK_S_UNSUPP
 *   anything else              VIRTIO_BLK_S_UNSUPP
 *
 * The header is the first 16 readable bytes and the status the last writable one, however the
 * driver divides them.  What is beyond a limit, and any write to a disk that is offered as
 * read-only, is VIRTIO_BLK_S_IOERR.  Where a request fails, the writable bytes before its status
 * are zeroes.  The used length is that of all writable bytes, or 0 where some were not written:
 * they are not memory, or they are more than BLK_REQUEST_MAX and one byte, and only the status is
 * written.  A chain that is torn, cannot be read, or has no writable byte, is returned with length
 * 0 and counted, and nothing of it is written.
 *
 * A write is stable when it completes if the driver has a writethrough disk: then it is flushed
 * first.  At most BLK_IN_FLIGHT_MAX requests are here at a time, of both queues, and of a queue no
 * more than it has entries; others wait in their rings.  seg_max and size_max are told and not
 * enforced: what counts is BLK_REQUEST_MAX.  A device that is suspended has its backend
 * finish first, if that can (VIRTIO 3.4.2); if not, it answers when it resumes.
 *
 * Not offered: geometry, lifetime, secure erase, zones, and what legacy devices had.
 *
 * VIRTIO 1.4, 5.2.
 */
#ifndef VRINGER_DEVICES_BLK_H
#define VRINGER_DEVICES_BLK_H

#include <linux/virtio_blk.h>

#include "device.h"

/* Bytes of configuration with fields of what can be offered. */
#define BLK_CONFIG_LEN offsetof(struct virtio_blk_config, max_secure_erase_sectors)

enum blk_queue { BLK_REQUEST0, BLK_REQUEST1, BLK_QUEUE_COUNT };

#define BLK_QUEUE_SIZE_MAX 128
#define BLK_SECTOR 512u
#define BLK_CAPACITY_BITS 54
#define BLK_ID "vringer-disk"
#define BLK_IN_FLIGHT_MAX 8u
#define BLK_REQUEST_MAX (16u << 10) /* bytes of data */
/* What the configuration tells; a request of SEG_MAX segments is one of BLK_REQUEST_MAX. */
#define BLK_SIZE_MAX (4u << 10)
#define BLK_SEG_MAX (BLK_REQUEST_MAX / BLK_SIZE_MAX)
#define BLK_DISCARD_SECTORS_MAX 64u
#define BLK_DISCARD_SEG_MAX 4u
#define BLK_DISCARD_ALIGNMENT 8u
#define BLK_ZEROES_SECTORS_MAX 32u
#define BLK_ZEROES_SEG_MAX 2u
/* Calls of the backend for one request, so that one which does little each time does not
 * keep the device: what is not done by then fails. */
#define BLK_CALLS_MAX 16u

/* What the disk is.  Offsets and lengths are bytes, multiples of BLK_SECTOR but where a call
 * goes on after a short one, within the capacity when the request came, and fit in 63 bits.
 *
 * Each call returns how many bytes it did, from the first on: less is short, and the device asks
 * again for the rest; 0 of any, or negative errno, and the request fails.  flush returns 0 or
 * negative errno. Or it returns -EINPROGRESS, keeps `buf` and `tag`, and blk_complete says later,
 * in any order, what it would have returned.  After a short result the rest is asked for with the
 * same tag. */
struct blk_backend {
	int64_t (*read)(void *ctx, uint64_t tag, uint64_t offset, void *buf, uint32_t len);
	int64_t (*write)(void *ctx, uint64_t tag, uint64_t offset, const void *buf, uint32_t len);
	/* All that was done before is committed to what survives. */
	int64_t (*flush)(void *ctx, uint64_t tag);
	/* What is read there from now on is open. */
	int64_t (*discard)(void *ctx, uint64_t tag, uint64_t offset, uint64_t len);
	/* What is read there from now on is zeroes; `unmap`: their place may be given up. */
	int64_t (*write_zeroes)(void *ctx, uint64_t tag, uint64_t offset, uint64_t len, bool unmap);
	/* A call that is in progress is given up: whether it is done is open, but when this
	 * returns its buffer is not touched any more.  Completed later, it is for nobody. */
	void (*cancel)(void *ctx, uint64_t tag);
	/* All calls that are in progress are completed when this returns.  May be NULL: they cannot
	 * be waited for. */
	void (*finish)(void *ctx);
};

extern const struct device_ops blk_ops;

/* Connect the disk, of a new device, before anything else.  `capacity`: sectors, below
 * 2^BLK_CAPACITY_BITS. */
void blk_connect(struct device *dev, const struct blk_backend *backend, void *ctx,
		 uint64_t capacity);

/* A call that was in progress is done.  From within a call of the backend too, for that one or for
 * others.  One that is not in progress, since the driver reset the device, is counted, and
 * nothing is done. */
void blk_complete(struct device *dev, uint64_t tag, int64_t result);

/* Another capacity, told to the driver.  Returns whether it changed. */
bool blk_resize(struct device *dev, uint64_t capacity);

/* After a restore, from a backend that has the call with that tag in progress: ask for it again, if
 * the device had asked when the snapshot was taken.  What is not asked for so is with the device's
 * next work. */
void blk_resubmit(struct device *dev, uint64_t tag);

#endif
