/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One request of the block device, from its chain to its status byte; blk.h says what is done
 * and refused.
 *
 * The descriptors are copied and judged as a whole, then the header is read, once, and what the
 * driver gives is read whole, into host memory of just that size.  From then on nothing of the
 * guest is looked at, and the backend works on host memory alone, so that a request which is
 * given up leaves the guest's as it is.
 *
 * VIRTIO 1.4, 5.2.6.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "blk_private.h"

#define SEGMENT sizeof(struct virtio_blk_discard_write_zeroes)

/* A request that is being taken over. */
struct intake {
	struct chain_cursor at; /* behind the header */
	uint64_t rest;		/* readable bytes from there on */
};

struct blk_type {
	uint32_t type;
	uint64_t feature; /* without which it is unsupported; or 0 */
	enum blk_counter fate;
	bool writes;
	/* Judge it and read what goes with it: BLK_COUNTER_COUNT to go on, or its fate. */
	enum blk_counter (*begin)(struct blk *blk, struct blk_request *r, struct intake *in);
	int64_t (*call)(struct blk *blk, struct blk_request *r);
};

static const struct blk_type *type_of(uint32_t type);

static void done_as(struct blk *blk, struct blk_request *r, enum blk_counter fate)
{
	r->step = BLK_DONE;
	r->fate = (uint8_t)fate;
	r->done_at = blk->next_done++;
}

static bool within(const struct blk *blk, uint64_t sector, uint64_t sectors)
{
	return sector <= blk->capacity && sectors <= blk->capacity - sector;
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

static struct virtio_blk_discard_write_zeroes segment_at(const struct blk_request *r, uint32_t at)
{
	return segment_in(r->data, at);
}

static uint64_t segment_bytes(const struct virtio_blk_discard_write_zeroes *segment)
{
	return (uint64_t)segment->num_sectors * BLK_SECTOR;
}

/* Host memory for `len` bytes of data, at most BLK_REQUEST_MAX. */
static enum blk_counter make_data(struct blk *blk, struct blk_request *r, uint64_t len)
{
	r->len = (uint32_t)len;
	if (len == 0)
		return BLK_COUNTER_COUNT;
	r->data = blk->dev.host->alloc(blk->dev.host->ctx, r->len);
	if (!r->data)
		return BLK_NO_MEMORY;
	/* A backend that does less than it says shows nothing of the host. */
	memset(r->data, 0, r->len);
	return BLK_COUNTER_COUNT;
}

static enum blk_counter read_data(struct blk *blk, struct blk_request *r, struct intake *in)
{
	enum blk_counter fate = make_data(blk, r, in->rest);

	if (fate != BLK_COUNTER_COUNT)
		return fate;
	return chain_read(&r->chain, &in->at, r->data, r->len) ? BLK_CHAIN_INVALID : BLK_COUNTER_COUNT;
}

static bool sectors_possible(const struct blk *blk, const struct blk_request *r, uint64_t len)
{
	return len <= BLK_REQUEST_MAX && len % BLK_SECTOR == 0 &&
	       within(blk, r->sector, len / BLK_SECTOR);
}

static enum blk_counter begin_read(struct blk *blk, struct blk_request *r, struct intake *in)
{
	(void)in;
	if (!sectors_possible(blk, r, r->room - 1))
		return BLK_REFUSED;
	if (r->room == 1)
		return BLK_READS;
	return make_data(blk, r, r->room - 1);
}

/* VIRTIO 5.2.6.2: of a device that offers it, accepted or not. */
static bool is_read_only(const struct blk *blk)
{
	return blk->dev.offered & BLK_F(RO);
}

static enum blk_counter begin_write(struct blk *blk, struct blk_request *r, struct intake *in)
{
	if (is_read_only(blk) || !sectors_possible(blk, r, in->rest))
		return BLK_REFUSED;
	if (in->rest == 0)
		return BLK_WRITES;
	return read_data(blk, r, in);
}

static enum blk_counter begin_flush(struct blk *blk, struct blk_request *r, struct intake *in)
{
	(void)blk;
	(void)r;
	(void)in;
	return BLK_COUNTER_COUNT;
}

static enum blk_counter begin_id(struct blk *blk, struct blk_request *r, struct intake *in)
{
	enum blk_counter fate;

	(void)in;
	if (r->room - 1 != VIRTIO_BLK_ID_BYTES)
		return BLK_REFUSED;
	fate = make_data(blk, r, VIRTIO_BLK_ID_BYTES);
	if (fate != BLK_COUNTER_COUNT)
		return fate;
	memcpy(r->data, BLK_ID, sizeof(BLK_ID) - 1);
	return BLK_IDS;
}

/* Go on to the next segment that has sectors.  False: there is none. */
static bool skip_empty(struct blk_request *r)
{
	for (; r->done < r->len; r->done += SEGMENT)
		if (segment_at(r, r->done).num_sectors > 0)
			return true;
	return false;
}

static enum blk_counter begin_segments(struct blk *blk, struct blk_request *r, struct intake *in,
				       uint32_t flags, uint32_t seg_max, uint32_t sectors_max)
{
	enum blk_counter fate;
	uint32_t at;

	if (in->rest == 0 || in->rest % SEGMENT || in->rest > BLK_REQUEST_MAX)
		return BLK_REFUSED;
	fate = read_data(blk, r, in);
	if (fate != BLK_COUNTER_COUNT)
		return fate;
	for (at = 0; at < r->len; at += SEGMENT)
		if (segment_at(r, at).flags & ~flags)
			return BLK_UNSUPPORTED;
	if (is_read_only(blk) || r->len / SEGMENT > seg_max)
		return BLK_REFUSED;
	for (at = 0; at < r->len; at += SEGMENT) {
		struct virtio_blk_discard_write_zeroes segment = segment_at(r, at);

		if (segment.num_sectors > sectors_max ||
		    !within(blk, segment.sector, segment.num_sectors))
			return BLK_REFUSED;
	}
	return skip_empty(r) ? BLK_COUNTER_COUNT : type_of(r->type)->fate;
}

static enum blk_counter begin_discard(struct blk *blk, struct blk_request *r, struct intake *in)
{
	return begin_segments(blk, r, in, 0, BLK_DISCARD_SEG_MAX, BLK_DISCARD_SECTORS_MAX);
}

static enum blk_counter begin_zeroes(struct blk *blk, struct blk_request *r, struct intake *in)
{
	return begin_segments(blk, r, in, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP, BLK_ZEROES_SEG_MAX,
			      BLK_ZEROES_SECTORS_MAX);
}

static int64_t call_read(struct blk *blk, struct blk_request *r)
{
	return blk->backend->read(blk->ctx, r->tag, r->sector * BLK_SECTOR + r->done,
				  r->data + r->done, r->len - r->done);
}

static int64_t call_write(struct blk *blk, struct blk_request *r)
{
	return blk->backend->write(blk->ctx, r->tag, r->sector * BLK_SECTOR + r->done,
				   r->data + r->done, r->len - r->done);
}

static int64_t call_flush(struct blk *blk, struct blk_request *r)
{
	return blk->backend->flush(blk->ctx, r->tag);
}

static int64_t call_discard(struct blk *blk, struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment = segment_at(r, r->done);

	return blk->backend->discard(blk->ctx, r->tag, segment.sector * BLK_SECTOR + r->part,
				     segment_bytes(&segment) - r->part);
}

static int64_t call_zeroes(struct blk *blk, struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment = segment_at(r, r->done);

	return blk->backend->write_zeroes(blk->ctx, r->tag, segment.sector * BLK_SECTOR + r->part,
					  segment_bytes(&segment) - r->part,
					  segment.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

static const struct blk_type types[] = {
	{ VIRTIO_BLK_T_IN, 0, BLK_READS, false, begin_read, call_read },
	{ VIRTIO_BLK_T_OUT, 0, BLK_WRITES, true, begin_write, call_write },
	{ VIRTIO_BLK_T_FLUSH, BLK_F(FLUSH), BLK_FLUSHES, false, begin_flush, call_flush },
	{ VIRTIO_BLK_T_GET_ID, 0, BLK_IDS, false, begin_id, NULL },
	{ VIRTIO_BLK_T_DISCARD, BLK_F(DISCARD), BLK_DISCARDS, false, begin_discard, call_discard },
	{ VIRTIO_BLK_T_WRITE_ZEROES, BLK_F(WRITE_ZEROES), BLK_ZEROES, true, begin_zeroes,
	  call_zeroes },
};

static const struct blk_type *type_of(uint32_t type)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

/* Keep copies of the writable descriptors that have bytes. */
static void keep_writable(struct blk *blk, struct blk_request *r,
			  const struct virtqueue_buffer *buffer)
{
	uint64_t left = r->room;

	for (r->count = 0; left > 0; buffer++) {
		if (buffer->len == 0)
			continue;
		blk->writable[r->slot][r->count++] = *buffer;
		left -= buffer->len;
	}
}

static enum blk_counter begin(struct blk *blk, struct blk_request *r)
{
	struct intake in = { .at = { .buffer = blk->buffers } };
	struct virtio_blk_outhdr header;
	const struct blk_type *type;
	unsigned in_count;

	if (chain_collect_request(&r->chain, blk->buffers, &in_count, &in.rest, &r->room)) {
		r->room = 0;
		return BLK_CHAIN_INVALID;
	}
	keep_writable(blk, r, blk->buffers + in_count);
	if (r->room == 0)
		return BLK_NO_STATUS;
	if (in.rest < sizeof(header))
		return BLK_REFUSED;
	if (chain_read(&r->chain, &in.at, &header, sizeof(header)))
		return BLK_CHAIN_INVALID;
	in.rest -= sizeof(header);
	r->type = le32toh(header.type);
	r->sector = le64toh(header.sector);
	type = type_of(r->type);
	if (!type || (type->feature & ~blk->dev.features))
		return BLK_UNSUPPORTED;
	return type->begin(blk, r, &in);
}

void blk_take(struct blk *blk, struct blk_request *r, const struct virtqueue_chain *chain)
{
	enum blk_counter fate;

	*r = (struct blk_request){ .chain = *chain, .tag = blk->next_tag++, .slot = r->slot };
	blk_count(blk, BLK_REQUESTS);
	fate = begin(blk, r);
	if (fate == BLK_COUNTER_COUNT)
		r->step = BLK_TO_SUBMIT;
	else
		done_as(blk, r, fate);
}

void blk_submit(struct blk *blk, struct blk_request *r)
{
	while (r->step == BLK_TO_SUBMIT) {
		int64_t result;

		if (r->calls == BLK_CALLS_MAX) {
			done_as(blk, r, BLK_FAILED);
			return;
		}
		r->calls++;
		r->step = BLK_IN_PROGRESS;
		result = r->flushing ? call_flush(blk, r) : type_of(r->type)->call(blk, r);
		if (result != -EINPROGRESS)
			blk_result(blk, r, result);
	}
}

/* All of it is done, and if it has to be stable then that is to come. */
static void all_done(struct blk *blk, struct blk_request *r)
{
	const struct blk_type *type = type_of(r->type);

	if (type->writes && !r->flushing && blk_writethrough(blk)) {
		r->flushing = true;
		r->step = BLK_TO_SUBMIT;
		return;
	}
	done_as(blk, r, type->fate);
}

/* How many bytes the last call was asked to do. */
static uint64_t asked(const struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes segment;

	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT)
		return r->len - r->done;
	segment = segment_at(r, r->done);
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
	return !skip_empty(r);
}

void blk_result(struct blk *blk, struct blk_request *r, int64_t result)
{
	uint64_t due;

	if (r->step != BLK_IN_PROGRESS)
		return;
	if (r->flushing || r->type == VIRTIO_BLK_T_FLUSH) {
		done_as(blk, r, result < 0 ? BLK_FAILED : type_of(r->type)->fate);
		return;
	}
	due = asked(r);
	if (result <= 0 || (uint64_t)result > due) {
		done_as(blk, r, BLK_FAILED);
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
	return sector <= UINT64_C(1) << BLK_CAPACITY_BITS &&
	       sectors <= (UINT64_C(1) << BLK_CAPACITY_BITS) - sector;
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
	return r->len > 0 && r->len % BLK_SECTOR == 0 && fits(r->sector, r->len / BLK_SECTOR) &&
	       r->part == 0 && (r->flushing ? r->done == r->len : r->done < r->len);
}

bool blk_possible(const struct blk_request *r, const uint8_t *data, uint64_t features)
{
	const struct blk_type *type = type_of(r->type);

	if (r->step == BLK_DONE) {
		if (r->fate == BLK_READS || r->fate == BLK_IDS)
			return r->room > 0 && r->len == r->room - 1;
		return r->room > 0 || r->fate >= BLK_CHAIN_INVALID;
	}
	if (r->room == 0 || !type || !type->call || (type->feature & ~features) ||
	    (r->flushing && !type->writes))
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
