/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest and the disk of the block device's tests; blk_guest.h has the contract.
 */
#include <endian.h>
#include <string.h>

#include "blk_guest.h"

struct fake_queue blk_q[BLK_QUEUE_COUNT];
struct fake_disk disk;

static int64_t perform(const struct fake_call *call, int64_t result)
{
	int64_t len = result == INT64_MAX ? (int64_t)call->len : result;

	if (call->verb == 'f')
		return result == INT64_MAX ? 0 : result;
	if (len < 0 || len > (int64_t)call->len)
		return len;
	assert_true(call->offset + call->len <= sizeof(disk.bytes));
	if (call->verb == 'r')
		memcpy(call->buf, disk.bytes + call->offset, (size_t)len);
	else if (call->verb == 'w')
		memcpy(disk.bytes + call->offset, call->buf, (size_t)len);
	else
		memset(disk.bytes + call->offset, call->verb == 'z' ? 0 : 0xdd, (size_t)len);
	return len;
}

static int64_t ask(struct fake_call call)
{
	int64_t result = INT64_MAX;

	disk.calls++;
	disk.flushes += call.verb == 'f';
	disk.last = call;
	if (disk.late) {
		assert_true(disk.later_count < LATER);
		disk.later[disk.later_count++] = call;
		return -EINPROGRESS;
	}
	if (disk.result_next < disk.result_count)
		result = disk.results[disk.result_next++];
	if (disk.both)
		blk_complete(mmio_device(m), call.tag, perform(&call, result));
	return perform(&call, result);
}

static int64_t disk_read(void *ctx, uint64_t tag, uint64_t offset, void *buf, uint32_t len)
{
	assert_ptr_equal(ctx, &disk);
	return ask((struct fake_call){ 'r', false, tag, offset, len, buf });
}

static int64_t disk_write(void *ctx, uint64_t tag, uint64_t offset, const void *buf, uint32_t len)
{
	union {
		const void *given;
		void *buf;
	} from = { buf };

	assert_ptr_equal(ctx, &disk);
	return ask((struct fake_call){ 'w', false, tag, offset, len, from.buf });
}

static int64_t disk_flush(void *ctx, uint64_t tag)
{
	assert_ptr_equal(ctx, &disk);
	return ask((struct fake_call){ 'f', false, tag, 0, 0, NULL });
}

static int64_t disk_discard(void *ctx, uint64_t tag, uint64_t offset, uint64_t len)
{
	assert_ptr_equal(ctx, &disk);
	return ask((struct fake_call){ 'd', false, tag, offset, len, NULL });
}

static int64_t disk_zero(void *ctx, uint64_t tag, uint64_t offset, uint64_t len, bool unmap)
{
	assert_ptr_equal(ctx, &disk);
	return ask((struct fake_call){ 'z', unmap, tag, offset, len, NULL });
}

static struct fake_call take_later(unsigned index)
{
	struct fake_call call = disk.later[index];

	assert_true(index < disk.later_count);
	disk.later_count--;
	memmove(disk.later + index, disk.later + index + 1,
		(disk.later_count - index) * sizeof(call));
	return call;
}

static void disk_cancel(void *ctx, uint64_t tag)
{
	unsigned i = 0;

	assert_ptr_equal(ctx, &disk);
	while (i < disk.later_count && disk.later[i].tag != tag)
		i++;
	take_later(i);
	disk.cancels++;
}

static void disk_finish(void *ctx)
{
	assert_ptr_equal(ctx, &disk);
	disk.finishes++;
	for (unsigned left = disk.stuck ? 0 : disk.later_count; left > 0; left--)
		blk_finish(0, disk.result_next < disk.result_count
				      ? disk.results[disk.result_next++]
				      : INT64_MAX);
}

const struct blk_backend blk_guest_backend = {
	.read = disk_read,
	.write = disk_write,
	.flush = disk_flush,
	.discard = disk_discard,
	.write_zeroes = disk_zero,
	.cancel = disk_cancel,
	.finish = disk_finish,
};

void blk_finish(unsigned index, int64_t result)
{
	struct fake_call call = take_later(index);

	blk_complete(mmio_device(m), call.tag, perform(&call, result));
}

static bool is_gauge(const char *counter)
{
	return strcmp(counter, "in_flight") == 0;
}

void blk_guest_new(uint64_t offered)
{
	unsigned i;

	fake_host_init(&fake, BASE);
	for (i = 0; i < BLK_QUEUE_COUNT; i++)
		blk_q[i] = net_queue_at(BASE + i * RINGS, SIZE);
	memset(&disk, 0, sizeof(disk));
	for (i = 0; i < SECTORS; i++)
		memset(disk.bytes + (size_t)i * BLK_SECTOR, (int)(i + 1), BLK_SECTOR);
	m = mmio_create(&blk_ops, &fake.host, offered, NULL);
	assert_non_null(m);
	blk_connect(mmio_device(m), &blk_guest_backend, &disk, SECTORS);
	expect_anew();
	expect_passes = is_gauge;
}

void blk_guest_start(uint64_t features)
{
	guest_start(blk_q, features & F(MQ) ? BLK_QUEUE_COUNT : 1, features);
}

int blk_guest_setup(void **state)
{
	(void)state;
	blk_guest_new(UINT64_MAX & ~F(RO));
	blk_guest_start(ALL);
	return 0;
}

void blk_head(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr header = { .type = htole32(type),
					    .ioprio = UINT32_MAX,
					    .sector = htole64(sector) };

	memcpy(fake_mem(&fake, HEADER, sizeof(header)), &header, sizeof(header));
}

void blk_segment(unsigned index, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes segment = { .sector = htole64(sector),
							   .num_sectors = htole32(sectors),
							   .flags = htole32(flags) };

	memcpy(fake_mem(&fake, DATA + index * sizeof(segment), sizeof(segment)), &segment,
	       sizeof(segment));
}

void blk_send(unsigned queue, uint16_t at, uint32_t in, uint32_t out)
{
	struct fake_queue *q = &blk_q[queue];

	fake_desc(q, at, HEADER, 16, F_NEXT, (uint16_t)(at + 1));
	fake_desc(q, (uint16_t)(at + 1), DATA, in, F_NEXT, (uint16_t)(at + 2));
	fake_desc(q, (uint16_t)(at + 2), DATA, out, F_NEXT | F_WRITE, (uint16_t)(at + 3));
	fake_desc(q, (uint16_t)(at + 3), STATUS + at, 1, F_WRITE, 0);
	*fake_mem(&fake, STATUS + at, 1) = 0xee;
	fake_offer(q, at);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void blk_ask(uint32_t type, uint64_t sector, uint32_t in, uint32_t out, uint8_t status)
{
	uint16_t used = fake_used_idx(&blk_q[0]);

	blk_head(type, sector);
	blk_send(0, 0, in, out);
	assert_used(&blk_q[0], (uint16_t)(used + 1), 0, out + 1);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_int_equal(*fake_mem(&fake, STATUS, 1), status);
}
