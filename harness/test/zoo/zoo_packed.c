/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device that offer packed rings, each as correct as it is and unusual
 * in one way: how entries are read, what comes back and when, who is told.  On a split ring they
 * are as usual, or answer in a step.
 * No rule may complain of them, and no script that is about VIRTIO may fail.  README.md has
 * the table of them.
 */
#include "member.h"

MEMBER(packed, "zoo-packed", (void)0, USUALLY_PACKED)

MEMBER(packed_later, "zoo-packed-later", (w->serve = serve_take, w->step = step_give_back),
       USUALLY_PACKED)

/* The last one taken comes back first, in the first place (2.8). */
static void step_last_first(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count && device_packed(d); i++) {
		struct queue *q = &d->queues[i];

		for (uint32_t a = 0, b = q->held_count; a + 1 < b; a++) {
			struct held held = q->packed.held[--b];

			q->packed.held[b] = q->packed.held[a];
			q->packed.held[a] = held;
		}
	}
	step_give_back(d);
}

MEMBER(packed_reversed, "zoo-packed-reversed", (w->serve = serve_take, w->step = step_last_first),
       USUALLY_PACKED)

MEMBER(packed_whole, "zoo-packed-whole", w->packed = PACKED_WHOLE, USUALLY_PACKED)
MEMBER(packed_one_write, "zoo-packed-one-write", w->packed = PACKED_ONE_WRITE, USUALLY_PACKED)

/* The driver looks at the next place alone, and that is written last (2.8.12). */
MEMBER(packed_last_first, "zoo-packed-last-first", w->packed = PACKED_LAST_FIRST, USUALLY_PACKED)

/* Uses DISABLE and ENABLE, with EVENT_IDX too (2.8.10). */
MEMBER(packed_silent, "zoo-packed-silent", w->packed = PACKED_SILENT, USUALLY_PACKED)

/* What it does wrong is named, and then it is as correct as others. */
MEMBER(packed_as_linux, "zoo-packed-as-linux", w->packed = PACKED_AS_LINUX, ONE_QUEUE,
       .features = PACKED,
       .flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD | VRINGER_ALLOC |
		VRINGER_PACKED_AS_LINUX,
       .requests = requests)

/* Wants no notification, ever; looks at its queues by itself, three times after the last chain
 * without a pause. */
#define POLLS 3

static void set_ready_poll(struct device *d, struct queue *q, uint32_t value)
{
	struct vringer_why why = { .purpose = VRINGER_DEVICE_EVENT, .queue = q->index };
	static const struct vring_packed_desc_event never = { 0, VRING_PACKED_EVENT_FLAG_DISABLE };

	usual.set_ready(d, q, value);
	if (q->ready && device_packed(d))
		memory_write(d, why, q->area[USED], &never, sizeof(never));
}

static void serve_poll(struct device *d, struct queue *q)
{
	(void)q;
	d->own = POLLS;
}

static uint32_t state_poll(const struct device *d)
{
	return d->own != 0 && device_live(d) ? VRINGER_WORK : usual.state(d);
}

static void step_poll(struct device *d)
{
	if (d->own > 0)
		d->own--;
	for (uint32_t i = 0; i < d->target->queue_count; i++) {
		struct queue *q = &d->queues[i];
		uint16_t before = q->next_used;

		if (!q->ready || !device_live(d))
			continue;
		if (device_packed(d)) {
			packed_take(d, q);
			packed_give_back(d, q);
		} else {
			usual.serve(d, q);
		}
		if (q->next_used != before)
			d->own = POLLS;
	}
}

MEMBER(packed_polls, "zoo-packed-polls",
       (w->set_ready = set_ready_poll, w->serve = serve_poll, w->state = state_poll,
	w->step = step_poll),
       ONE_QUEUE, .features = PACKED & ~(1ULL << VIRTIO_RING_F_EVENT_IDX),
       .flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD | VRINGER_ALLOC | VRINGER_POLLS,
       .requests = requests)
