/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device that offer all that VIRTIO 1.4 has for rings, at once: indirect
 * tables, event indices, packed rings, order with batches, data in notifications, the reset of
 * a queue, suspension.  README.md has the table of them.
 */
#include "member.h"

#define ALL                                                                                        \
	(PACKED | 1ULL << IN_ORDER | 1ULL << VIRTIO_F_NOTIFICATION_DATA | 1ULL << VIRTIO_F_SUSPEND)
#define USUALLY_ALL ONE_QUEUE, FLAGS, .features = ALL, .requests = requests

MEMBER(all, "zoo-all", (w->put = put_batches, w->packed = PACKED_BATCHES), USUALLY_ALL)

/* What is asked of it is done in a step: chains are answered, so that a batch is of several
 * notifications; a queue is reset; it is suspended, with nothing left, and runs again. */
enum { RENEWS = 1, SUSPENDS = 2, RESUMES = 4 };

static void reset_queue_later(struct device *d, struct queue *q)
{
	(void)q;
	d->own |= RENEWS;
}

static uint32_t read_register(struct device *d, uint64_t offset)
{
	return offset == QUEUE_RESET ? (d->own & RENEWS) != 0 : usual.read_register(d, offset);
}

static void notified(struct device *d, struct queue *q)
{
	if ((d->own & RENEWS) == 0)
		usual.notified(d, q);
}

static void suspend_later(struct device *d)
{
	d->own |= SUSPENDS;
}

static void resume_later(struct device *d)
{
	d->own |= RESUMES;
}

static uint32_t state_all(const struct device *d)
{
	return d->own != 0 ? VRINGER_WORK : usual.state(d);
}

static void step_all(struct device *d)
{
	if ((d->own & RENEWS) != 0)
		usual.reset_queue(d, &d->queues[0]);
	if ((d->own & RESUMES) != 0)
		usual.resume(d);
	d->own &= SUSPENDS;
	step_give_back(d);
	if ((d->own & SUSPENDS) == 0 || device_chains(d))
		return;
	d->own = 0;
	if (device_live(d))
		usual.suspend(d);
}

MEMBER(all_later, "zoo-all-later",
       (w->put = put_batches, w->packed = PACKED_BATCHES, w->serve = serve_take, w->step = step_all,
	w->state = state_all, w->reset_queue = reset_queue_later, w->read_register = read_register,
	w->notified = notified, w->suspend = suspend_later, w->resume = resume_later),
       USUALLY_ALL)
