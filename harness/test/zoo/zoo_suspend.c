/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device that can be suspended (3.4), and whose driver may say in its
 * notifications how far it is (2.9).  README.md has the table of them.
 */
#include "member.h"

#define SUSPENDS (PACKED | 1ULL << VIRTIO_F_SUSPEND | 1ULL << VIRTIO_F_NOTIFICATION_DATA)
#define USUALLY_SUSPENDS ONE_QUEUE, FLAGS, .features = SUSPENDS, .requests = requests

MEMBER(suspends, "zoo-suspends", (void)0, USUALLY_SUSPENDS)

/* It serves for two steps more before it shows that it is suspended, and runs again a step
 * after it was asked to. */
enum { STEPS = 2, RESUMES = 16 };

static void suspend_later(struct device *d)
{
	d->own = STEPS;
}

static void resume_later(struct device *d)
{
	d->own = RESUMES;
}

static uint32_t state_suspend(const struct device *d)
{
	return d->own != 0 ? VRINGER_WORK : usual.state(d);
}

static void step_suspend(struct device *d)
{
	if (d->own == RESUMES) {
		d->own = 0;
		usual.resume(d);
		return;
	}
	usual.step(d);
	if (d->own != 0 && --d->own == 0 && device_live(d))
		usual.suspend(d);
}

MEMBER(suspends_later, "zoo-suspends-later",
       (w->suspend = suspend_later, w->resume = resume_later, w->state = state_suspend,
	w->step = step_suspend),
       USUALLY_SUSPENDS)
