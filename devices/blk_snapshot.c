/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device's part of a snapshot: what the driver said of the cache, and the requests that
 * it has, oldest first.
 *
 *   u64 capacity, u8 writeback, u8 queues that were not looked at
 *   u64 next tag, u64 how many requests were done, u8 requests that are here, each as
 *     u8 queue, u16 head, u16 place in the ring, u8 walked to its end, u8 has a writable byte;
 *     packed: u16 entries; u64 tag
 *     u8 to be submitted, or done; u64 when, u8 fate; u8 calls of the backend, u8 flushing
 *     u32 type, u64 sector, u32 done, u64 part
 *     u16 buffers, u64 address and u32 length each; u32 length and the data
 *
 * What was in progress is to be submitted again, with its tag, from where it stood: a backend that
 * is the same one knows it by that.  Not in it: the disk.
 *
 * VIRTIO 1.4, 5.2.6.
 */
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "blk_private.h"
#include "snapshot_codec.h"

/* What was found in a snapshot, for what comes later in it. */
struct found {
	uint64_t next_tag, next_done;
	unsigned held[BLK_QUEUE_COUNT]; /* chains */
};

static const struct blk_request *older(const struct blk_request *a, const struct blk_request *b)
{
	return !a || b->tag < a->tag ? b : a;
}

/* The oldest one after tag `after`; the first: UINT64_MAX. */
static const struct blk_request *next_by_tag(const struct blk *blk, uint64_t after)
{
	const struct blk_request *next = NULL;
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++) {
		const struct blk_request *r = &blk->requests[i];

		if (r->step != BLK_FREE && (after == UINT64_MAX || r->tag > after))
			next = older(next, r);
	}
	return next;
}

static void put_request(const struct blk *blk, const struct blk_request *r,
			struct snapshot_out *out)
{
	bool in_progress = r->step == BLK_IN_PROGRESS;
	unsigned i;

	snapshot_put(out, 1, r->chain.vq->index);
	snapshot_put(out, 2, r->chain.head);
	snapshot_put(out, 2, r->chain.walk);
	snapshot_put(out, 1, r->chain.whole);
	snapshot_put(out, 1, r->chain.writable);
	if (ring_is_packed(blk->dev.features))
		snapshot_put(out, 2, r->chain.slots);
	snapshot_put(out, 8, r->tag);
	snapshot_put(out, 1, r->step == BLK_DONE);
	snapshot_put(out, 8, r->done_at);
	snapshot_put(out, 1, r->fate);
	snapshot_put(out, 1, r->calls - (in_progress ? 1u : 0u));
	snapshot_put(out, 1, r->flushing);
	snapshot_put(out, 4, r->type);
	snapshot_put(out, 8, r->sector);
	snapshot_put(out, 4, r->done);
	snapshot_put(out, 8, r->part);
	snapshot_put(out, 2, r->count);
	for (i = 0; i < r->count; i++) {
		snapshot_put(out, 8, blk->writable[r->slot][i].addr);
		snapshot_put(out, 4, blk->writable[r->slot][i].len);
	}
	snapshot_put(out, 4, r->data ? r->len : 0);
	if (r->data)
		snapshot_put_bytes(out, r->data, r->len);
}

void blk_save(const struct device *dev, struct snapshot_out *out)
{
	const struct blk *blk = (const struct blk *)dev;
	const struct blk_request *r;
	uint64_t after = UINT64_MAX;
	unsigned i, count = 0;

	snapshot_put(out, 8, blk->capacity);
	snapshot_put(out, 1, blk->writeback);
	snapshot_put(out, 1, blk->more);
	snapshot_put(out, 8, blk->next_tag);
	snapshot_put(out, 8, blk->next_done);
	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++)
		count += blk->requests[i].step != BLK_FREE;
	snapshot_put(out, 1, count);
	for (; (r = next_by_tag(blk, after)); after = r->tag)
		put_request(blk, r, out);
}

static void get_chain(struct blk *blk, struct blk_request *r, struct found *found,
		      const struct snapshot_view *view, struct snapshot_in *in)
{
	unsigned queue =
		(unsigned)snapshot_get_max(in, 1, BLK_QUEUE_COUNT - 1, "a queue that there is not");
	const struct snapshot_queue *q = &view->queues[queue];
	bool packed = ring_is_packed(view->features);

	found->held[queue]++;
	if (!q->ready)
		snapshot_bad_last(in, "a request of a queue that has none");
	r->chain = (struct virtqueue_chain){ .vq = &blk->dev.queues[queue] };
	r->chain.head = (uint16_t)snapshot_get_max(in, 2, packed ? UINT16_MAX : q->size - 1u,
						   "a head beyond the queue");
	r->chain.walk = (uint16_t)snapshot_get(in, 2);
	r->chain.whole = snapshot_get_max(in, 1, 1, "neither whole nor not");
	r->chain.writable = snapshot_get_max(in, 1, 1, "neither writable nor not");
	if (!packed)
		return;
	r->chain.slots =
		(uint16_t)snapshot_get_max(in, 2, q->size, "more entries than the queue has");
	if (r->chain.slots == 0)
		snapshot_bad_last(in, "a chain without an entry");
}

static void get_buffers(struct blk *blk, struct blk_request *r, const struct snapshot_view *view,
			struct snapshot_in *in)
{
	unsigned i;

	r->room = 0;
	r->count = (uint16_t)snapshot_get_max(in, 2, view->queues[r->chain.vq->index].size,
					      "more buffers than the queue has");
	for (i = 0; i < r->count && !in->err; i++) {
		struct virtqueue_buffer buffer = { .writable = true };
		size_t at = in->at;
		uint64_t last;

		buffer.addr = snapshot_get(in, 8);
		buffer.len = (uint32_t)snapshot_get(in, 4);
		if (buffer.len == 0 || __builtin_add_overflow(buffer.addr, buffer.len - 1, &last))
			snapshot_bad(in, at, -EINVAL, "a buffer that is empty or passes 2^64");
		r->room += buffer.len;
		if (in->commit)
			blk->writable[r->slot][i] = buffer;
	}
}

static void get_data(struct blk *blk, struct blk_request *r, const struct snapshot_view *view,
		     struct snapshot_in *in)
{
	size_t at = in->at;
	const uint8_t *bytes;

	r->len = (uint32_t)snapshot_get_max(in, 4, BLK_REQUEST_MAX, "too much data");
	bytes = snapshot_get_bytes(in, r->len);
	if (in->err)
		return;
	if (!blk_possible(r, bytes, view->features))
		snapshot_bad(in, at, -EINVAL, "a request that cannot be");
	if (!in->commit || r->len == 0)
		return;
	r->data = blk->dev.host->alloc(blk->dev.host->ctx, r->len);
	if (r->data)
		memcpy(r->data, bytes, r->len);
	else
		snapshot_bad(in, at, -ENOMEM, "no memory");
}

/* Into `r`, with `data` if it is to be taken over. */
static void get_request(struct blk *blk, struct blk_request *r, struct found *found,
			const struct snapshot_view *view, struct snapshot_in *in)
{
	bool done;

	get_chain(blk, r, found, view, in);
	r->tag = snapshot_get(in, 8);
	if (r->tag >= found->next_tag)
		snapshot_bad_last(in, "a tag that was not given");
	done = snapshot_get_max(in, 1, 1, "neither to be submitted nor done");
	r->step = done ? BLK_DONE : BLK_TO_SUBMIT;
	r->done_at = snapshot_get(in, 8);
	if (done && r->done_at >= found->next_done)
		snapshot_bad_last(in, "done, and not in any order");
	r->fate = (uint8_t)snapshot_get_max(in, 1, BLK_NO_STATUS, "a fate that no request has");
	if (done && r->fate < BLK_READS)
		snapshot_bad_last(in, "done, and nothing became of it");
	r->calls = (uint8_t)snapshot_get_max(in, 1, BLK_CALLS_MAX, "too many calls");
	r->flushing = snapshot_get_max(in, 1, 1, "neither flushing nor not");
	r->type = (uint32_t)snapshot_get(in, 4);
	r->sector = snapshot_get(in, 8);
	r->done = (uint32_t)snapshot_get_max(in, 4, BLK_REQUEST_MAX, "more done than is asked");
	r->part = snapshot_get(in, 8);
	get_buffers(blk, r, view, in);
	get_data(blk, r, view, in);
}

static void get_requests(struct blk *blk, struct found *found, const struct snapshot_view *view,
			 struct snapshot_in *in)
{
	unsigned room = device_started(view->status) ? BLK_IN_FLIGHT_MAX : 0;
	unsigned count = (unsigned)snapshot_get_max(in, 1, room, "more requests than can be");
	uint64_t tag = 0;
	unsigned i;

	for (i = 0; i < count && !in->err; i++) {
		struct blk_request r = { .slot = (uint8_t)i };
		size_t at = in->at;

		get_request(blk, &r, found, view, in);
		if (i > 0 && r.tag <= tag)
			snapshot_bad(in, at, -EINVAL,
				     "a request that is not behind the one before");
		tag = r.tag;
		if (in->commit)
			blk->requests[i] = r;
	}
	snapshot_check_gauge(in, view, BLK_IN_FLIGHT, count);
}

/* Of a queue that was stopped the chains are gone, and nobody has them. */
static void check_held(const struct found *found, const struct snapshot_view *view,
		       struct snapshot_in *in)
{
	unsigned i;

	for (i = 0; i < BLK_QUEUE_COUNT; i++) {
		const struct snapshot_queue *q = &view->queues[i];
		uint16_t held = snapshot_queue_held(q);

		if (q->ready ? held != found->held[i] : held > BLK_IN_FLIGHT_MAX)
			snapshot_bad(in, q->cursors_at, -EINVAL, "a chain that nobody has");
	}
}

/* As it was when new: what was taken over before memory ran out is given back. */
static void forget(struct blk *blk)
{
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++)
		blk_release(blk, &blk->requests[i]);
}

void blk_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in)
{
	struct blk *blk = blk_of(dev);
	const bool live = device_started(view->status);
	const bool says = (view->status & VIRTIO_CONFIG_S_FEATURES_OK) &&
			  (view->features & BLK_F(CONFIG_WCE));
	struct found found = { .next_tag = 0 };
	uint64_t capacity;
	uint8_t writeback, more;

	capacity = snapshot_get(in, 8);
	if (capacity >> BLK_CAPACITY_BITS)
		snapshot_bad_last(in, "a disk that is too large");
	writeback = (uint8_t)snapshot_get_max(in, 1, says ? BLK_WRITEBACK_COUNT - 1 : 0,
					      "a cache that cannot be so");
	more = (uint8_t)snapshot_get_max(in, 1, live ? (1u << BLK_QUEUE_COUNT) - 1 : 0,
					 "work left of queues that are none");
	found.next_tag = snapshot_get(in, 8);
	found.next_done = snapshot_get(in, 8);
	get_requests(blk, &found, view, in);
	check_held(&found, view, in);
	if (!in->commit)
		return;
	if (in->err) {
		forget(blk);
		return;
	}
	blk->capacity = capacity;
	blk->writeback = writeback;
	blk->more = more;
	blk->next_tag = found.next_tag;
	blk->next_done = found.next_done;
}
