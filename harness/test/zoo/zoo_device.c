/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device, each as correct as it is and unusual in one way: status,
 * features, reset, queues, configuration; and a balloon.
 * No rule may complain of them, and no script that is about VIRTIO may fail.  README.md has
 * the table of them.
 */
#include "member.h"

#include <endian.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <string.h>

/* ---- status and features (2.1, 2.2, 2.4) ------------------------------------- */

/* Cannot work without ACCESS_PLATFORM where it offers that (6.2). */
static bool accepts_platform(const struct device *d)
{
	bool offered = (d->offered[1] & 1U << (VIRTIO_F_ACCESS_PLATFORM - 32)) != 0;

	return usual.accepts(d) && (!offered || device_negotiated(d, VIRTIO_F_ACCESS_PLATFORM));
}

MEMBER(platform, "zoo-platform", w->accepts = accepts_platform, ONE_QUEUE,
       .features = FEATURES | 1ULL << VIRTIO_F_ACCESS_PLATFORM, FLAGS, .requests = requests)

/* Has a feature of its own in page 2, which demands nothing. */
MEMBER(page_2, "zoo-page-2", (void)0, USUALLY, .features_high = 1)

/* Of VIRTIO 1.2, in which no statement keeps a device from offering a reserved bit (44). */
MEMBER(older, "zoo-older", (void)0, ONE_QUEUE, .features = FEATURES | 1ULL << 44, FLAGS,
       .requests = requests, .virtio = 0x0102)

/* Goes on, whatever the driver does: what is no chain comes back unused, and an index
 * that jumps is not believed. */
static bool walk_any(struct device *d, struct queue *q, struct chain *c)
{
	if (!usual.walk(d, q, c))
		c->count = 0;
	return true;
}

static void breach_ignored(struct device *d)
{
	(void)d;
}

MEMBER(never_resets, "zoo-never-resets", (w->walk = walk_any, w->breach = breach_ignored), USUALLY)

/* DEVICE_NEEDS_RESET is set at once, and told in a step. */
static void breach_later(struct device *d)
{
	if ((d->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		return;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	d->own = (d->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
}

static uint32_t state_breach(const struct device *d)
{
	return d->own != 0 ? VRINGER_WORK : usual.state(d);
}

static void step_breach(struct device *d)
{
	if (d->own != 0)
		d->ways.raise(d, VIRTIO_MMIO_INT_CONFIG);
	d->own = 0;
	usual.step(d);
}

MEMBER(late_breach, "zoo-late-breach",
       (w->breach = breach_later, w->state = state_breach, w->step = step_breach), USUALLY)

/* A reset is complete, and the status 0, three steps later. */
static void reset_slowly(struct device *d)
{
	if (d->own == 0 && d->status != 0)
		d->own = 3;
	else if (d->own == 0)
		usual.reset(d);
}

static uint32_t state_reset(const struct device *d)
{
	return d->own != 0 ? VRINGER_WORK : usual.state(d);
}

static void step_reset(struct device *d)
{
	if (d->own == 0)
		usual.step(d);
	else if (--d->own == 0)
		usual.reset(d);
}

static void notified_after_reset(struct device *d, struct queue *q)
{
	if (d->own == 0)
		usual.notified(d, q);
}

MEMBER(slow_reset, "zoo-slow-reset",
       (w->reset = reset_slowly, w->state = state_reset, w->step = step_reset,
	w->notified = notified_after_reset),
       USUALLY)

/* ---- queues and configuration (4.2.2, 2.5) ---------------------------------- */

/* The reset of a queue is complete, and QueueReset 0, three steps later: until then it is
 * ready, and what is notified is not looked at. */
static void reset_queue_slowly(struct device *d, struct queue *q)
{
	(void)q;
	if (d->own == 0)
		d->own = 3;
}

static uint32_t read_queue_reset(struct device *d, uint64_t offset)
{
	return offset == QUEUE_RESET ? d->own != 0 : usual.read_register(d, offset);
}

static void step_reset_queue(struct device *d)
{
	if (d->own == 0)
		usual.step(d);
	else if (--d->own == 0)
		usual.reset_queue(d, &d->queues[0]);
}

MEMBER(slow_queue_reset, "zoo-slow-queue-reset",
       (w->reset_queue = reset_queue_slowly, w->state = state_reset, w->step = step_reset_queue,
	w->read_register = read_queue_reset, w->notified = notified_after_reset),
       USUALLY)

/* The second queue is there with feature 0 alone. */
static bool exists_with_feature(const struct device *d, uint32_t queue)
{
	return usual.exists(d, queue) && (queue == 0 || device_negotiated(d, 0));
}

static const struct vringer_queue two_queues[] = {
	{ .name = "requests", .size_max = QUEUE_SIZE, .driver_initiated = 1 },
	{ .name = "more", .size_max = QUEUE_SIZE, .driver_initiated = 1 },
};

static const struct vringer_request of_two_queues[] = {
	{ .name = "fill", .writable_len = 64, .used_min = 64, .used_max = 64 },
	{ .name = "more",
	  .queue = 1,
	  .features = 1,
	  .writable_len = 64,
	  .used_min = 64,
	  .used_max = 64 },
	{ .name = NULL },
};

static const struct vringer_queue_need with_feature[] = { { 0, 0 }, { .features = 1 } };

MEMBER(optional_queue, "zoo-optional-queue", w->exists = exists_with_feature,
       .device_id = DEVICE_ID, .queue_count = 2, .queues = two_queues, .queue_needs = with_feature,
       .features = FEATURES | 1, FLAGS, .requests = of_two_queues)

/* The largest queue is no power of two; the driver's is. */
static const struct vringer_queue queue_of_48[] = {
	{ .name = "requests", .size_max = 48, .driver_initiated = 1 },
};

MEMBER(size_48, "zoo-size-48", (void)0, .device_id = DEVICE_ID, .queue_count = 1,
       .queues = queue_of_48, .features = FEATURES, FLAGS, .requests = requests)

/* A 64-bit count of answers, which can tear, and a generation that skips numbers. */
static uint32_t answer_counted(struct device *d, struct queue *q, const struct chain *c)
{
	for (unsigned i = 0; i < 8 && ++d->config[i] == 0; i++)
		;
	d->generation += 3;
	return usual.answer(d, q, c);
}

static const struct vringer_field answers[] = {
	{ .name = "answers", .width = 8 },
	{ .name = NULL },
};

MEMBER(generation, "zoo-generation", w->answer = answer_counted, USUALLY, .config_len = 8,
       .fields = answers)

/* A count of one byte, which cannot tear: the generation stays. */
static uint32_t answer_counted_byte(struct device *d, struct queue *q, const struct chain *c)
{
	d->config[0]++;
	return usual.answer(d, q, c);
}

static const struct vringer_field answers_byte[] = {
	{ .name = "answers", .width = 1 },
	{ .name = NULL },
};

MEMBER(one_byte, "zoo-one-byte", w->answer = answer_counted_byte, USUALLY, .config_len = 1,
       .fields = answers_byte)

/* ---- a balloon (5.5) -------------------------------------------------------- */

#define PAGE_SIZE 4096u
#define PAGES_MAX 4u /* of a chain, that are discarded */

/* What the driver gives away in the inflateq is discarded: it reads as zeroes. */
static void discard(struct device *d, struct vringer_why why, uint64_t page)
{
	static const uint8_t zeroes[PAGE_SIZE];

	memory_write(d, why, page * PAGE_SIZE, zeroes, PAGE_SIZE);
}

static uint32_t answer_inflate(struct device *d, struct queue *q, const struct chain *c)
{
	struct vringer_why why = { .purpose = VRINGER_PAYLOAD,
				   .queue = q->index,
				   .walk = c->taken.walk };
	uint32_t pages[PAGES_MAX];
	uint32_t count = 0;

	/* A number that is divided between two buffers is left alone. */
	for (uint32_t i = 0; q->index == 0 && i < c->count; i++) {
		const struct vring_desc *desc = &c->desc[i];

		for (uint32_t at = 0; at + 4 <= desc->len && count < PAGES_MAX; at += 4)
			if ((desc->flags & VRING_DESC_F_WRITE) != 0 ||
			    !memory_read(d, why, desc->addr + at, &pages[count++], 4))
				return 0;
	}
	for (uint32_t i = 0; i < count; i++)
		discard(d, why, le32toh(pages[i]));
	return 0;
}

/* `actual` is the driver's, and a reset sets it to 0. */
static void write_actual(struct device *d, uint64_t offset, const uint8_t *buf, uint32_t len)
{
	if (offset == 4 && len == 4)
		memcpy(d->config + 4, buf, 4);
}

static const struct vringer_queue balloon_queues[] = {
	{ .name = "inflateq",
	  .size_max = QUEUE_SIZE,
	  .driver_initiated = 1,
	  .flags = VRINGER_GIVES_AWAY },
	{ .name = "deflateq", .size_max = QUEUE_SIZE, .driver_initiated = 1 },
};

static const struct vringer_field balloon_fields[] = {
	{ .name = "num_pages", .width = 4 },
	{ .name = "actual", .offset = 4, .width = 4 },
	{ .name = NULL },
};

/* The page at 0, where no script has anything. */
static const struct vringer_request balloon_requests[] = {
	{ .name = "inflate", .readable = "\0\0\0\0", .readable_len = 4 },
	{ .name = "deflate", .queue = 1, .readable = "\0\0\0\0", .readable_len = 4 },
	{ .name = NULL },
};

MEMBER(balloon, "zoo-balloon", (w->answer = answer_inflate, w->write_config = write_actual),
       .device_id = VIRTIO_ID_BALLOON, .queue_count = 2, .queues = balloon_queues,
       .features = FEATURES, FLAGS, .config_len = 8, .fields = balloon_fields,
       .requests = balloon_requests)
