/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device that are wrong when their driver suspends them (3.4).
 * README.md has the table.
 */
#include "flaws.h"

#include <linux/virtio_mmio.h>

#define SUSPENDS                                                                                   \
	ONE_QUEUE, FLAGS, .features = FEATURES | 1ULL << VIRTIO_F_SUSPEND, .requests = requests

/* Nothing happens. */
static void stay_as_it_is(struct device *d)
{
	(void)d;
}

MEMBER(suspend_ignored, "broken-not-suspended", w->suspend = stay_as_it_is, SUSPENDS)
MEMBER(resume_ignored, "broken-not-resumed", w->resume = stay_as_it_is, SUSPENDS)

/* The driver is told in a step of what was used: suspended before that, it is told when the
 * device runs again. */
static void wake_in_a_step(struct device *d, struct queue *q, uint16_t used_before)
{
	if (q->next_used != used_before && d->ways.wants_interrupt(d, q, used_before))
		d->own = 1;
}

static uint32_t state_with_news(const struct device *d)
{
	return d->own != 0 && device_live(d) ? VRINGER_WORK : usual.state(d);
}

static void step_with_news(struct device *d)
{
	usual.step(d);
	if (d->own != 0 && device_live(d)) {
		d->ways.raise(d, VIRTIO_MMIO_INT_VRING);
		d->own = 0;
	}
}

MEMBER(suspend_untold, "broken-untold",
       (w->wake = wake_in_a_step, w->state = state_with_news, w->step = step_with_news), SUSPENDS)
