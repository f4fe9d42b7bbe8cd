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

#define SEGMENT BLK_SEGMENT

static bool within(const struct blk *blk, uint64_t sector, uint64_t sectors)
{
	return sector <= blk->capacity && sectors <= blk->capacity - sector;
}

/* Host memory for `len` bytes of data, 1 to BLK_REQUEST_MAX. */
static enum blk_counter make_data(struct blk *blk, struct blk_request *r, uint64_t len)
{
	r->len = (uint32_t)len;
	r->data = blk->dev.host->alloc(blk->dev.host->ctx, r->len);
	if (!r->data)
		return BLK_NO_MEMORY;
	/* A backend that does less than it says shows nothing of the host. */
	memset(r->data, 0, r->len);
	return BLK_COUNTER_COUNT;
}

static enum blk_counter read_data(struct blk *blk, struct blk_request *r, struct blk_intake *in)
{
	enum blk_counter fate = make_data(blk, r, in->rest);

	if (fate != BLK_COUNTER_COUNT)
		return fate;
	return chain_read(&r->chain, &in->at, r->data, r->len) ? BLK_CHAIN_INVALID
							       : BLK_COUNTER_COUNT;
}

static bool sectors_possible(const struct blk *blk, const struct blk_request *r, uint64_t len)
{
	return len <= BLK_REQUEST_MAX && len % BLK_SECTOR == 0 &&
	       within(blk, r->sector, len / BLK_SECTOR);
}

static enum blk_counter begin_read(struct blk *blk, struct blk_request *r, struct blk_intake *in)
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

static enum blk_counter begin_write(struct blk *blk, struct blk_request *r, struct blk_intake *in)
{
	if (is_read_only(blk) || !sectors_possible(blk, r, in->rest))
		return BLK_REFUSED;
	if (in->rest == 0)
		return BLK_WRITES;
	return read_data(blk, r, in);
}

static enum blk_counter begin_flush(struct blk *blk, struct blk_request *r, struct blk_intake *in)
{
	(void)blk;
	(void)r;
	(void)in;
	return BLK_COUNTER_COUNT;
}

static enum blk_counter begin_id(struct blk *blk, struct blk_request *r, struct blk_intake *in)
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

static enum blk_counter begin_segments(struct blk *blk, struct blk_request *r,
				       struct blk_intake *in, uint32_t flags, uint32_t seg_max,
				       uint32_t sectors_max)
{
	enum blk_counter fate;
	uint32_t at;

	if (in->rest == 0 || in->rest % SEGMENT || in->rest > BLK_REQUEST_MAX)
		return BLK_REFUSED;
	fate = read_data(blk, r, in);
	if (fate != BLK_COUNTER_COUNT)
		return fate;
	for (at = 0; at < r->len; at += SEGMENT)
		if (blk_segment_at(r, at).flags & ~flags)
			return BLK_UNSUPPORTED;
	if (is_read_only(blk) || r->len / SEGMENT > seg_max)
		return BLK_REFUSED;
	for (at = 0; at < r->len; at += SEGMENT) {
		struct virtio_blk_discard_write_zeroes segment = blk_segment_at(r, at);

		if (segment.num_sectors > sectors_max ||
		    !within(blk, segment.sector, segment.num_sectors))
			return BLK_REFUSED;
	}
	return blk_skip_empty(r) ? BLK_COUNTER_COUNT : blk_type_of(r->type)->fate;
}

static enum blk_counter begin_discard(struct blk *blk, struct blk_request *r, struct blk_intake *in)
{
	return begin_segments(blk, r, in, 0, BLK_DISCARD_SEG_MAX, BLK_DISCARD_SECTORS_MAX);
}

static enum blk_counter begin_zeroes(struct blk *blk, struct blk_request *r, struct blk_intake *in)
{
	return begin_segments(blk, r, in, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP, BLK_ZEROES_SEG_MAX,
			      BLK_ZEROES_SECTORS_MAX);
}

static const struct blk_type types[] = {
	{ VIRTIO_BLK_T_IN, 0, BLK_READS, begin_read, blk_call_read },
	{ VIRTIO_BLK_T_OUT, 0, BLK_WRITES, begin_write, blk_call_write },
	{ VIRTIO_BLK_T_FLUSH, BLK_F(FLUSH), BLK_FLUSHES, begin_flush, blk_call_flush },
	{ VIRTIO_BLK_T_GET_ID, 0, BLK_IDS, begin_id, NULL },
	{ VIRTIO_BLK_T_DISCARD, BLK_F(DISCARD), BLK_DISCARDS, begin_discard, blk_call_discard },
	{ VIRTIO_BLK_T_WRITE_ZEROES, BLK_F(WRITE_ZEROES), BLK_ZEROES, begin_zeroes,
	  blk_call_zeroes },
};

const struct blk_type *blk_type_of(uint32_t type)
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
	struct blk_intake in = { .at = { .buffer = blk->buffers } };
	struct virtio_blk_outhdr header;
	const struct blk_type *type;
	unsigned in_count;

	if (chain_collect_request(&r->chain, blk->buffers, &in_count, &in.rest, &r->room))
		return BLK_CHAIN_INVALID;
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
	type = blk_type_of(r->type);
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
		blk_done_as(blk, r, fate);
}
