/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device: what a notification, left-over work, a completion and a reset do; blk.h says
 * what it does and refuses, blk_request.c and blk_answer.c what becomes of a request.
 *
 * A call takes at most one queue-full of chains, and none when BLK_IN_FLIGHT_MAX requests are with
 * the backend; what is left is work, or waits.  A request is answered when it is done, whatever was
 * asked first; with VIRTIO_F_IN_ORDER not before those that its queue had before it.  Whoever moves
 * a used index hears of it once, at the end of the call.
 *
 * A device that is suspended answers first what its backend can finish; what completes later is
 * answered when it resumes.  When the device or a queue is reset, or a queue is stopped, the
 * backend gives up what it has, and a completion that comes all the same is for nobody: no tag is
 * used twice.
 *
 * VIRTIO 1.4, 5.2.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "blk_private.h"
#include "table.h"

TABLE(static const char *const, counter_names, BLK_COUNTER_COUNT, 1,
	[BLK_REQUESTS] = "requests",
	[BLK_SERVED] = "served",
	[BLK_READS] = "reads",
	[BLK_WRITES] = "writes",
	[BLK_FLUSHES] = "flushes",
	[BLK_IDS] = "ids",
	[BLK_DISCARDS] = "discards",
	[BLK_ZEROES] = "zeroes",
	[BLK_REFUSED] = "refused",
	[BLK_UNSUPPORTED] = "unsupported",
	[BLK_FAILED] = "failed",
	[BLK_NO_MEMORY] = "no_memory",
	[BLK_CHAIN_INVALID] = "chain_invalid",
	[BLK_NO_STATUS] = "no_status",
	[BLK_ANSWER_FAILED] = "answer_failed",
	[BLK_ABANDONED] = "abandoned",
	[BLK_IN_FLIGHT] = "in_flight",
	[BLK_SECTORS_READ] = "sectors_read",
	[BLK_SECTORS_WRITTEN] = "sectors_written",
	[BLK_CONTINUED] = "continued",
	[BLK_COMPLETED_UNKNOWN] = "completed_unknown",
	[BLK_WRITEBACK_WRITTEN] = "writeback_written",
	[BLK_WRITEBACK_REFUSED] = "writeback_refused",
	[BLK_RESIZED] = "resized",
	[BLK_ADD_USED_FAILURES] = "add_used_failures",
	[BLK_INVALID_AVAIL_IDX] = "invalid_avail_idx_count");

TABLE(static const struct device_queue_desc, blk_queues, BLK_QUEUE_COUNT, 4,
	[BLK_REQUEST0] = { "request0", BLK_QUEUE_SIZE_MAX, true, 0 },
	[BLK_REQUEST1] = { "request1", BLK_QUEUE_SIZE_MAX, true, BLK_F(MQ) });

static void note_more(struct blk *blk, unsigned queue, bool more)
{
	blk->more = (uint8_t)((blk->more & ~(1u << queue)) | (unsigned)more << queue);
}

/* Which request is at that step; BLK_IN_FLIGHT_MAX: none is. */
static unsigned find_step(const struct blk *blk, enum blk_step step)
{
	unsigned i = 0;

	while (i < BLK_IN_FLIGHT_MAX && blk->requests[i].step != step)
		i++;
	return i;
}

static bool has_step(const struct blk *blk, enum blk_step step)
{
	return find_step(blk, step) < BLK_IN_FLIGHT_MAX;
}

/* Is there a place for one more of that queue?  A driver that makes a chain available while the
 * device has as many as the queue has entries has made one of them available twice: it waits. */
static bool may_take(const struct blk *blk, const struct virtqueue *vq)
{
	unsigned held = 0, all = 0, i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++) {
		const struct blk_request *r = &blk->requests[i];

		all += r->step != BLK_FREE;
		held += r->step != BLK_FREE && r->chain.vq == vq;
	}
	return all < BLK_IN_FLIGHT_MAX && held < vq->size;
}

/* May it go back to its driver before all others that its queue has here? */
static bool may_return(const struct blk *blk, const struct blk_request *r)
{
	unsigned i;

	if (!r->chain.vq->in_order)
		return true;
	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++) {
		const struct blk_request *other = &blk->requests[i];

		if (other->step != BLK_FREE && other->chain.vq == r->chain.vq &&
		    other->tag < r->tag)
			return false;
	}
	return true;
}

/* The next one to be answered: of those that may be, the one that was done first; of some that a
 * snapshot says were done together, the one that came first. */
static const struct blk_request *next_done(const struct blk *blk)
{
	const struct blk_request *next = NULL;
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++) {
		const struct blk_request *r = &blk->requests[i];

		if (r->step == BLK_DONE && may_return(blk, r) &&
		    (!next || r->done_at < next->done_at))
			next = r;
	}
	return next;
}

void blk_release(struct blk *blk, struct blk_request *r)
{
	blk->dev.host->free(blk->dev.host->ctx, r->data);
	r->data = NULL;
	r->step = BLK_FREE;
}

static void give_back(struct blk *blk, struct blk_request *r)
{
	uint64_t *counters = blk->dev.counters;
	uint32_t used = 0;

	/* A queue that is poisoned is left alone, its chains as well. */
	if (virtqueue_usable(r->chain.vq))
		used = blk_answer(blk, r);
	else
		r->fate = BLK_ABANDONED;
	blk_count(blk, r->fate);
	if (r->fate <= BLK_ZEROES)
		blk_count(blk, BLK_SERVED);
	if (r->fate == BLK_READS)
		counters[BLK_SECTORS_READ] += r->len / BLK_SECTOR;
	if (r->fate == BLK_WRITES)
		counters[BLK_SECTORS_WRITTEN] += r->len / BLK_SECTOR;
	if (virtqueue_push(r->chain.vq, &r->chain, used))
		blk_count(blk, BLK_ADD_USED_FAILURES);
	blk_release(blk, r);
}

static void give_back_all(struct blk *blk)
{
	const struct blk_request *next;

	while ((next = next_done(blk)))
		give_back(blk, &blk->requests[next->slot]);
}

static void drain(struct blk *blk, unsigned queue)
{
	struct virtqueue *vq = &blk->dev.queues[queue];
	struct virtqueue_chain chain;
	unsigned left = vq->size;
	int ret;

	note_more(blk, queue, true);
	for (; left > 0; left--) {
		struct blk_request *r;

		if (!may_take(blk, vq))
			return;
		ret = virtqueue_pop(vq, &chain);
		if (ret <= 0) {
			note_more(blk, queue, false);
			if (ret < 0) {
				blk_count(blk, BLK_INVALID_AVAIL_IDX);
				blk->poisoned_now = true;
			}
			return;
		}
		r = &blk->requests[find_step(blk, BLK_FREE)];
		blk_take(blk, r, &chain);
		blk_submit(blk, r);
		give_back_all(blk);
	}
}

static void note_in_flight(struct blk *blk)
{
	uint64_t count = 0;
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++)
		count += blk->requests[i].step != BLK_FREE;
	blk->dev.counters[BLK_IN_FLIGHT] = count;
}

/* Every request has at most BLK_CALLS_MAX calls. */
static void submit_all(struct blk *blk)
{
	unsigned i;

	while ((i = find_step(blk, BLK_TO_SUBMIT)) < BLK_IN_FLIGHT_MAX)
		blk_submit(blk, &blk->requests[i]);
}

static void call_begin(struct blk *blk)
{
	blk->busy = true;
}

/* Completions go before the poison signal: a driver that resets on the second has then heard of
 * the first. */
static void call_end(struct blk *blk)
{
	bool wanted = false;
	unsigned i;

	submit_all(blk);
	give_back_all(blk);
	note_in_flight(blk);
	for (i = 0; i < BLK_QUEUE_COUNT; i++)
		if (virtqueue_wants_interrupt(&blk->dev.queues[i]))
			wanted = true;
	if (wanted)
		device_interrupt(&blk->dev, VIRTIO_MMIO_INT_VRING);
	if (blk->poisoned_now)
		device_needs_reset(&blk->dev);
	blk->poisoned_now = false;
	blk->busy = false;
}

static bool goes_on(const struct blk *blk, unsigned queue)
{
	const struct virtqueue *vq = &blk->dev.queues[queue];

	return (blk->more >> queue & 1) && virtqueue_usable(vq) && may_take(blk, vq);
}

static void blk_notify(struct device *dev, unsigned queue)
{
	struct blk *blk = blk_of(dev);

	call_begin(blk);
	drain(blk, queue);
	call_end(blk);
}

static void blk_work(struct device *dev)
{
	struct blk *blk = blk_of(dev);
	unsigned i;

	call_begin(blk);
	for (i = 0; i < BLK_QUEUE_COUNT; i++)
		if (goes_on(blk, i))
			drain(blk, i);
	call_end(blk);
}

static enum device_state blk_state(const struct device *dev)
{
	const struct blk *blk = (const struct blk *)dev;
	unsigned i;

	for (i = 0; i < BLK_QUEUE_COUNT; i++)
		if (goes_on(blk, i))
			return DEVICE_WORK;
	if (has_step(blk, BLK_TO_SUBMIT) || next_done(blk))
		return DEVICE_WORK;
	return has_step(blk, BLK_IN_PROGRESS) ? DEVICE_WAITING : DEVICE_IDLE;
}

/* The request with that tag, if it is at that step; NULL: there is none. */
static struct blk_request *find_tag(struct blk *blk, enum blk_step step, uint64_t tag)
{
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++)
		if (blk->requests[i].step == step && blk->requests[i].tag == tag)
			return &blk->requests[i];
	return NULL;
}

void blk_complete(struct device *dev, uint64_t tag, int64_t result)
{
	struct blk *blk = blk_of(dev);
	struct blk_request *r = find_tag(blk, BLK_IN_PROGRESS, tag);

	if (!r) {
		blk_count(blk, BLK_COMPLETED_UNKNOWN);
		return;
	}
	blk_result(blk, r, result);
	if (blk->busy || !(dev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	call_begin(blk);
	call_end(blk);
}

void blk_resubmit(struct device *dev, uint64_t tag)
{
	struct blk *blk = blk_of(dev);
	struct blk_request *r = find_tag(blk, BLK_TO_SUBMIT, tag);

	/* What is completed from within waits for the device's next work. */
	blk->busy = true;
	if (r)
		blk_submit(blk, r);
	blk->busy = false;
}

/* Each round is at least one call of each request. */
static void blk_suspend(struct device *dev)
{
	struct blk *blk = blk_of(dev);
	unsigned rounds = BLK_CALLS_MAX;

	call_begin(blk);
	if (blk->backend->finish)
		for (; rounds > 0 && has_step(blk, BLK_IN_PROGRESS); rounds--) {
			blk->backend->finish(blk->ctx);
			submit_all(blk);
		}
	call_end(blk);
}

static int blk_create(struct device *dev)
{
	struct blk *blk = blk_of(dev);
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++)
		blk->requests[i].slot = (uint8_t)i;
	return 0;
}

/* Give up what a queue, or all of them, have here. */
static void abandon(struct blk *blk, const struct virtqueue *vq)
{
	unsigned i;

	for (i = 0; i < BLK_IN_FLIGHT_MAX; i++) {
		struct blk_request *r = &blk->requests[i];

		if (r->step == BLK_FREE || (vq && r->chain.vq != vq))
			continue;
		if (r->step == BLK_IN_PROGRESS)
			blk->backend->cancel(blk->ctx, r->tag);
		blk_count(blk, BLK_ABANDONED);
		blk_release(blk, r);
	}
	note_in_flight(blk);
}

static void blk_destroy(struct device *dev)
{
	abandon(blk_of(dev), NULL);
}

static void blk_reset(struct device *dev)
{
	struct blk *blk = blk_of(dev);

	abandon(blk, NULL);
	blk->writeback = BLK_WRITEBACK_UNSAID;
	blk->more = 0;
	blk->poisoned_now = false;
}

/* The chains are the driver's again. */
static void blk_queue_end(struct device *dev, unsigned queue)
{
	struct blk *blk = blk_of(dev);

	abandon(blk, &dev->queues[queue]);
	note_more(blk, queue, false);
}

const struct device_ops blk_ops = {
	.name = "blk",
	.device_id = VIRTIO_ID_BLOCK,
	.state_size = sizeof(struct blk),
	.scratch_size = sizeof(struct blk) - offsetof(struct blk, buffers),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1 | BLK_FEATURES | BLK_F(RO),
	.queue_count = BLK_QUEUE_COUNT,
	.queues = blk_queues,
	.counter_count = BLK_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = blk_create,
	.destroy = blk_destroy,
	.reset = blk_reset,
	.suspend = blk_suspend,
	.queue_stop = blk_queue_end,
	.queue_reset = blk_queue_end,
	.notify = blk_notify,
	.work = blk_work,
	.state = blk_state,
	.config_read = blk_config_read,
	.config_write = blk_config_write,
	.save = blk_save,
	.restore = blk_restore,
};
