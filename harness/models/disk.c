/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The disk behind the block device; disk.h has the contract.
 */
#include "harness/models/disk.h"

#include <errno.h>
#include <string.h>

static void fill(struct disk *disk)
{
	for (unsigned i = 0; i < DISK_SECTORS; i++)
		memset(disk->bytes + (size_t)i * BLK_SECTOR, (int)(i + 1), BLK_SECTOR);
	memcpy(disk->flushed, disk->bytes, sizeof(disk->bytes));
	disk->changed = disk->volatile_too = false;
}

/* How many of `len` bytes from `offset` on are there. */
static uint64_t there(uint64_t offset, uint64_t len)
{
	if (offset >= DISK_BYTES)
		return 0;
	return len < DISK_BYTES - offset ? len : DISK_BYTES - offset;
}

static void set(struct disk *disk, uint64_t offset, uint64_t len, int value)
{
	uint64_t here = there(offset, len);

	if (here > 0)
		memset(disk->bytes + offset, value, here);
	disk->changed = disk->volatile_too = true;
}

static int64_t do_read(struct disk *disk, const struct disk_call *call, uint64_t len)
{
	uint64_t here = there(call->offset, len);

	if (here > 0)
		memcpy(call->to, disk->bytes + call->offset, here);
	memset(call->to + here, 0, len - here);
	return (int64_t)len;
}

static int64_t do_write(struct disk *disk, const struct disk_call *call, uint64_t len)
{
	uint64_t here = there(call->offset, len);

	if (here == 0)
		return -ENOSPC;
	memcpy(disk->bytes + call->offset, call->from, here);
	disk->changed = disk->volatile_too = true;
	return (int64_t)here;
}

static int64_t do_flush(struct disk *disk, const struct disk_call *call, uint64_t len)
{
	(void)call;
	(void)len;
	if (disk->volatile_too)
		memcpy(disk->flushed, disk->bytes, sizeof(disk->bytes));
	disk->volatile_too = false;
	return 0;
}

static int64_t do_discard(struct disk *disk, const struct disk_call *call, uint64_t len)
{
	set(disk, call->offset, len, DISK_DISCARDED);
	return (int64_t)len;
}

static int64_t do_zero(struct disk *disk, const struct disk_call *call, uint64_t len)
{
	set(disk, call->offset, len, 0);
	return (int64_t)len;
}

static int64_t perform(struct disk *disk, const struct disk_call *call)
{
	static int64_t (*const verbs[DISK_VERB_COUNT])(struct disk *, const struct disk_call *,
						       uint64_t) = {
		[DISK_READ] = do_read,	     [DISK_WRITE] = do_write, [DISK_FLUSH] = do_flush,
		[DISK_DISCARD] = do_discard, [DISK_ZERO] = do_zero,
	};

	if (call->limit == 0)
		return call->verb == DISK_DISCARD ? 0 : -EIO;
	return verbs[call->verb](disk, call, call->len < call->limit ? call->len : call->limit);
}

/* All that is kept is done, the newest first: what the device asks for meanwhile is not kept. */
static void let_go(struct disk *disk)
{
	disk->hold = 0;
	while (disk->kept_count > 0) {
		struct disk_call call = disk->kept[--disk->kept_count];

		blk_complete(disk->dev, call.tag, perform(disk, &call));
	}
	while (disk->late_count > 0)
		blk_complete(disk->dev, disk->late[--disk->late_count], 0);
}

/* What is asked for again, of a device that was restored, is not late. */
static void forget_late(struct disk *disk, uint64_t tag)
{
	unsigned i, left = 0;

	for (i = 0; i < disk->late_count; i++)
		if (disk->late[i] != tag)
			disk->late[left++] = disk->late[i];
	disk->late_count = left;
}

static struct disk_call *find_kept(struct disk *disk, uint64_t tag)
{
	for (unsigned i = 0; i < disk->kept_count; i++)
		if (disk->kept[i].tag == tag)
			return &disk->kept[i];
	return NULL;
}

static int64_t ask(struct disk *disk, struct disk_call call)
{
	struct disk_call *kept = find_kept(disk, call.tag);

	disk->host->backend(disk->host->ctx);
	call.taken = true;
	call.limit = UINT64_MAX;
	forget_late(disk, call.tag);
	/* The device was restored, and asks again. */
	if (kept != NULL) {
		call.limit = kept->limit;
		*kept = call;
		return -EINPROGRESS;
	}
	if (disk->refuse > 0) {
		disk->refuse--;
		call.limit = disk->refuse_taken;
	}
	if (disk->hold == 0)
		let_go(disk);
	if (disk->hold == 0 || disk->kept_count == BLK_IN_FLIGHT_MAX)
		return perform(disk, &call);
	disk->kept[disk->kept_count++] = call;
	if (--disk->hold == 0)
		let_go(disk);
	return -EINPROGRESS;
}

#define CALL(what, buffer)                                                                         \
	((struct disk_call){ .verb = (what), .tag = tag, .offset = offset, .len = len, buffer })

static int64_t disk_read(void *ctx, uint64_t tag, uint64_t offset, void *buf, uint32_t len)
{
	return ask(ctx, CALL(DISK_READ, .to = buf));
}

static int64_t disk_write(void *ctx, uint64_t tag, uint64_t offset, const void *buf, uint32_t len)
{
	return ask(ctx, CALL(DISK_WRITE, .from = buf));
}

static int64_t disk_flush(void *ctx, uint64_t tag)
{
	return ask(ctx, (struct disk_call){ .verb = DISK_FLUSH, .tag = tag });
}

static int64_t disk_discard(void *ctx, uint64_t tag, uint64_t offset, uint64_t len)
{
	return ask(ctx, CALL(DISK_DISCARD, .to = NULL));
}

static int64_t disk_zero(void *ctx, uint64_t tag, uint64_t offset, uint64_t len, bool unmap)
{
	(void)unmap;
	return ask(ctx, CALL(DISK_ZERO, .to = NULL));
}

static void remove_kept(struct disk *disk, unsigned i)
{
	disk->kept_count--;
	for (; i < disk->kept_count; i++)
		disk->kept[i] = disk->kept[i + 1];
}

static void disk_cancel(void *ctx, uint64_t tag)
{
	struct disk *disk = ctx;

	disk->host->backend(disk->host->ctx);
	for (unsigned i = 0; i < disk->kept_count; i++)
		if (disk->kept[i].tag == tag)
			remove_kept(disk, i);
	if (disk->late_count < BLK_IN_FLIGHT_MAX)
		disk->late[disk->late_count++] = tag;
}

static void disk_finish(void *ctx)
{
	struct disk *disk = ctx;
	uint32_t hold = disk->hold;

	disk->host->backend(disk->host->ctx);
	let_go(disk);
	disk->hold = hold;
}

const struct blk_backend disk_backend = {
	.read = disk_read,
	.write = disk_write,
	.flush = disk_flush,
	.discard = disk_discard,
	.write_zeroes = disk_zero,
	.cancel = disk_cancel,
	.finish = disk_finish,
};

void disk_init(struct disk *disk, const struct vringer_host *host, bool fresh)
{
	disk->host = host;
	disk->dev = NULL;
	disk->refuse = disk->refuse_taken = disk->hold = 0;
	disk->kept_count = disk->late_count = 0;
	if (fresh || disk->changed)
		fill(disk);
}

void disk_order(struct disk *disk, uint32_t order, uint32_t count, uint32_t amount)
{
	switch ((enum vringer_order)order) {
	case VRINGER_FORGET:
		disk->refuse = 0;
		disk->late_count = 0;
		let_go(disk);
		if (disk->changed)
			fill(disk);
		break;
	case VRINGER_REFUSE:
		disk->refuse = count;
		disk->refuse_taken = amount;
		break;
	case VRINGER_HOLD:
		disk->hold = count;
		if (count == 0)
			let_go(disk);
		break;
	case VRINGER_PRETEND:
		if (disk->volatile_too)
			memcpy(disk->bytes, disk->flushed, sizeof(disk->bytes));
		disk->volatile_too = false;
		break;
	}
}

void disk_take_over(struct disk *disk, const struct disk *old)
{
	unsigned i = 0;

	disk->refuse = old->refuse;
	disk->refuse_taken = old->refuse_taken;
	disk->hold = old->hold;
	disk->kept_count = old->kept_count;
	memcpy(disk->kept, old->kept, sizeof(old->kept));
	disk->late_count = old->late_count;
	memcpy(disk->late, old->late, sizeof(old->late));
	if (old->changed || disk->changed) {
		memcpy(disk->bytes, old->bytes, sizeof(old->bytes));
		memcpy(disk->flushed, old->flushed, sizeof(old->flushed));
	}
	disk->changed = old->changed;
	disk->volatile_too = old->volatile_too;
	/* What the device does not ask for again went with the one that did. */
	while (i < disk->kept_count) {
		disk->kept[i].taken = false;
		blk_resubmit(disk->dev, disk->kept[i].tag);
		if (disk->kept[i].taken)
			i++;
		else
			remove_kept(disk, i);
	}
}
