/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A request of the block device and its backend: what it is asked for, and what becomes of the
 * request by what it says.
 *
 * A backend that does a part is asked for the rest, BLK_CALLS_MAX calls in all; one that says that
 * it did more than it was asked for has failed.  A write that has to be stable is flushed before it
 * is done.
 *
 * VIRTIO 1.4, 5.2.6; stable writes: 5.2.6.2.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "blk_private.h"

#define SEGMENT BLK_SEGMENT

void blk_done_as(struct blk *blk, struct blk_request *r, enum blk_counter fate)
{
	r->step = BLK_DONE;
	r->fate = (uint8_t)fate;
	r->done_at = blk->next_done++;
}

static struct virtio_blk_discard_write_zeroes segment_in(const uint8_t *data, uint32_t at)
{
	struct virtio_blk_discard_write_zeroes segment;

	memcpy(&segment, data + at, sizeof(segment));
	segment.sector = le64toh(segment.sector);
	segment.num_sectors = le32toh(segment.num_sectors);
	segment.flags = le32toh(segment.flags);
	return segment;
}

struct virtio_blk_discard_write_zeroes blk_segment_at(const struct blk_request *r, uint32_t at)
{
	return segment_in(r->data, at);
}

static uint64_t segment_bytes(const struct virtio_blk_discard_write_zeroes *segment)
{
	return (uint64_t)segment->num_sectors * BLK_SECTOR;
}

bool blk_skip_empty(struct blk_request *r)
{
	for (; r->done < r->len; r->done += SEGMENT)
		if (blk_segment_at(r, r->done).num_sectors > 0)
			return true;
	return false;
}

int64_t blk_call_read(struct blk *blk, struct blk_request *r)
{
	return blk->backend->read(blk->ctx, r->tag, r->sector * BLK_SECTOR + r->done,
				  r->data + r->done, r->len - r->done);
}

int64_t blk_call_write(struct blk *blk, struct blk_request *r)
{
	return blk->backend->write(blk->ctx, r->tag, r->sector * BLK_SECTOR + r->done,
				   r->data + r->done, r->len - r->done);
}

int64_t blk_call_flush(struct blk *blk, struct blk_request *r)
{
	return blk->backend->flush(blk->ctx, r->tag);
}

int64_t blk_call_discard(struct blk *blk, struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment = blk_segment_at(r, r->done);

	return blk->backend->discard(blk->ctx, r->tag, segment.sector * BLK_SECTOR + r->part,
				     segment_bytes(&segment) - r->part);
}

int64_t blk_call_zeroes(struct blk *blk, struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment = blk_segment_at(r, r->done);

	return blk->backend->write_zeroes(blk->ctx, r->tag, segment.sector * BLK_SECTOR + r->part,
					  segment_bytes(&segment) - r->part,
					  segment.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

void blk_submit(struct blk *blk, struct blk_request *r)
{
	while (r->step == BLK_TO_SUBMIT) {
		int64_t result;

		if (r->calls == BLK_CALLS_MAX) {
			blk_done_as(blk, r, BLK_FAILED);
			return;
		}
		r->calls++;
		r->step = BLK_IN_PROGRESS;
		result = r->flushing ? blk_call_flush(blk, r) : blk_type_of(r->type)->call(blk, r);
		if (result != -EINPROGRESS)
			blk_result(blk, r, result);
	}
}

static bool writes(const struct blk_type *type)
{
	return type->fate == BLK_WRITES || type->fate == BLK_ZEROES;
}

/* All of it is done; if it has to be stable then it stays one that is to be submitted. */
static void all_done(struct blk *blk, struct blk_request *r)
{
	const struct blk_type *type = blk_type_of(r->type);

	if (writes(type) && blk_writethrough(blk)) {
		r->flushing = true;
		return;
	}
	blk_done_as(blk, r, type->fate);
}

/* How many bytes the last call was asked to do. */
static uint64_t asked(const struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment;

	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT)
		return r->len - r->done;
	segment = blk_segment_at(r, r->done);
	return segment_bytes(&segment) - r->part;
}

/* `bytes` more are done; is that all? */
static bool advance(struct blk_request *r, uint64_t bytes)
{
	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT) {
		r->done += (uint32_t)bytes;
		return r->done == r->len;
	}
	if (bytes < asked(r)) {
		r->part += bytes;
		return false;
	}
	r->done += SEGMENT;
	r->part = 0;
	return !blk_skip_empty(r);
}

void blk_result(struct blk *blk, struct blk_request *r, int64_t result)
{
	uint64_t due;

	/* A backend that completed it from within the call, and returns that as well. */
	if (r->step != BLK_IN_PROGRESS)
		return;
	if (r->flushing || r->type == VIRTIO_BLK_T_FLUSH) {
		blk_done_as(blk, r, result < 0 ? BLK_FAILED : blk_type_of(r->type)->fate);
		return;
	}
	due = asked(r);
	if (result <= 0 || (uint64_t)result > due) {
		blk_done_as(blk, r, BLK_FAILED);
		return;
	}
	if ((uint64_t)result < due)
		blk_count(blk, BLK_CONTINUED);
	r->step = BLK_TO_SUBMIT;
	if (advance(r, (uint64_t)result))
		all_done(blk, r);
}

static bool fits(uint64_t sector, uint64_t sectors)
{
	return sector >> BLK_CAPACITY_BITS == 0 && (sector + sectors) >> BLK_CAPACITY_BITS == 0;
}

static bool segments_possible(const struct blk_request *r, const uint8_t *data)
{
	struct virtio_blk_discard_write_zeroes segment;
	uint32_t at;

	if (r->len == 0 || r->len % SEGMENT || r->done % SEGMENT)
		return false;
	for (at = 0; at < r->len; at += SEGMENT) {
		segment = segment_in(data, at);
		if (!fits(segment.sector, segment.num_sectors))
			return false;
	}
	if (r->flushing)
		return r->done == r->len && r->part == 0;
	if (r->done >= r->len)
		return false;
	segment = segment_in(data, r->done);
	return r->part < segment_bytes(&segment);
}

/* ... that is to be submitted. */
static bool transfer_possible(const struct blk_request *r)
{
	return r->len != 0 && r->len % BLK_SECTOR == 0 && fits(r->sector, r->len / BLK_SECTOR) &&
	       r->part == 0 && (r->flushing ? r->done == r->len : r->done < r->len);
}

bool blk_possible(const struct blk_request *r, const uint8_t *data, uint64_t features)
{
	const struct blk_type *type = blk_type_of(r->type);

	if (r->room > 0 && !(r->chain.whole && r->chain.writable))
		return false;
	if (r->step == BLK_DONE) {
		if (r->fate == BLK_READS || r->fate == BLK_IDS)
			return r->len == r->room - 1;
		return r->room > 0 || r->fate >= BLK_CHAIN_INVALID;
	}
	if (r->room == 0 || !type || !type->call || (type->feature & ~features) ||
	    (r->flushing && !writes(type)))
		return false;
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return r->len == r->room - 1 && transfer_possible(r);
	case VIRTIO_BLK_T_OUT:
		return transfer_possible(r);
	case VIRTIO_BLK_T_FLUSH:
		return r->len == 0 && r->done == 0 && r->part == 0;
	default:
		return segments_possible(r, data);
	}
}
