/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device that are wrong when one queue is reset (2.6.1): what they
 * keep of it.  README.md has the table.
 */
#include "flaws.h"

#include <linux/virtio_mmio.h>
#include <string.h>

/* Nothing happens. */
static void reset_queue_not(struct device *d, struct queue *q)
{
	(void)d;
	(void)q;
}

MEMBER(queue_reset_ignored, "broken-no-queue-reset", w->reset_queue = reset_queue_not, USUALLY)

/* The queue goes on behind what it has used. */
static void reset_queue_but_index(struct device *d, struct queue *q)
{
	const uint16_t next_avail = q->next_avail, next_used = q->next_used;

	usual.reset_queue(d, q);
	q->next_avail = next_avail;
	q->next_used = next_used;
}

static void set_ready_behind(struct device *d, struct queue *q, uint32_t value)
{
	const uint16_t next_avail = q->next_avail, next_used = q->next_used;

	usual.set_ready(d, q, value);
	q->next_avail = next_avail;
	q->next_used = next_used;
}

MEMBER(queue_reset_index, "broken-renewed-index",
       (w->reset_queue = reset_queue_but_index, w->set_ready = set_ready_behind), USUALLY)

/* Chains are answered in a step, in the queue that was set up meanwhile too. */
static void take_now(struct device *d, struct queue *q)
{
	device_take(d, q);
}

static void answer_in_step(struct device *d)
{
	struct queue *q = &d->queues[0];

	if (!q->ready || !device_live(d) || q->held_count == 0)
		return;
	q->more = q->held_count == q->size;
	device_give_back(d, q);
	if (q->more && device_live(d))
		device_take(d, q);
}

static void reset_queue_but_chains(struct device *d, struct queue *q)
{
	const struct queue before = *q;

	usual.reset_queue(d, q);
	q->held_count = before.held_count;
	memcpy(q->held, before.held, sizeof(q->held));
}

MEMBER(queue_reset_chains, "broken-renewed-chains",
       (w->serve = take_now, w->step = answer_in_step, w->reset_queue = reset_queue_but_chains),
       USUALLY)

/* The driver is told in a step, of a queue that was reset too. */
static void wake_later(struct device *d, struct queue *q, uint16_t used_before)
{
	if (q->next_used != used_before && d->ways.wants_interrupt(d, q, used_before))
		d->own = 1;
}

static uint32_t state_own(const struct device *d)
{
	return d->own != 0 && device_live(d) ? VRINGER_WORK : usual.state(d);
}

static void step_wake(struct device *d)
{
	usual.step(d);
	if (d->own != 0)
		d->ways.raise(d, VIRTIO_MMIO_INT_VRING);
	d->own = 0;
}

MEMBER(queue_reset_interrupt, "broken-renewed-wakes",
       (w->wake = wake_later, w->state = state_own, w->step = step_wake), USUALLY)

/* QueueReset shows what was written last. */
static void reset_queue_shown(struct device *d, struct queue *q)
{
	usual.reset_queue(d, q);
	d->own = 1;
}

static uint32_t read_written(struct device *d, uint64_t offset)
{
	return offset == QUEUE_RESET ? d->own : usual.read_register(d, offset);
}

MEMBER(queue_reset_shown, "broken-renewed-shown",
       (w->reset_queue = reset_queue_shown, w->read_register = read_written), USUALLY)
