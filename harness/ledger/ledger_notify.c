/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of notifications that a device tells its driver to leave out
 * (VIRTIO 2.7.10).  See ledger.h.
 *
 * stuck.suppressed: a driver that is told so does not notify of what it adds, and a
 * device that rests looks at nothing by itself: what is added then waits for ever.
 * Judged is what the device last wrote.  It may rest so if it says that it polls or
 * waits for the host, holds chains of that queue, with which it comes back, asked
 * for a reset, or if an access for the queue failed since, so that it may have given
 * up.  A queue that the device initiates is looked at when there is something for
 * it, and need not be told of.
 *
 * stuck.unchecked: what the driver added between the device's last look and the
 * write that allows notifications again, it did not notify of.  So the device looks
 * once more behind that write, at the latest before it rests; a look that fails is
 * one.  A device that allows what was allowed has nothing to catch up with.
 *
 * With EVENT_IDX the flags say nothing; where an event index is judged, it comes to
 * the same two things.  In plain memory a write of what is there goes unseen: what
 * was last seen to be written counts as long as it stands there.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

void ledger_notify_said(struct ledger *l, unsigned queue, bool wanted)
{
	struct ledger_notify *n = &l->queues[queue].work.notify;

	if (!l->session.features_known ||
	    (l->session.driver_features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0)
		return;
	n->unchecked = wanted && (n->unwanted || n->unchecked);
	n->unwanted = !wanted;
	n->gave_up = false;
}

void ledger_notify_unknown(struct ledger_queue *q)
{
	q->work.notify = (struct ledger_notify){ .unwanted = false };
}

/* What stands in plain memory, where the driver may have written since. */
static bool stands(const struct ledger *l, const struct ledger_queue *q)
{
	return l->plain.arena == NULL ||
	       (arena_load16(l->plain.arena, q->used) & VRING_USED_F_NO_NOTIFY) != 0;
}

void ledger_notify_rest(struct ledger *l, unsigned i)
{
	struct ledger_queue *q = &l->queues[i];
	struct ledger_notify *n = &q->work.notify;

	if ((!n->unwanted && !n->unchecked) || !l->target->queues[i].driver_initiated)
		return;
	n->unwanted = n->unwanted && stands(l, q);
	if (!q->work.ready || !q->known || q->work.poisoned || n->gave_up ||
	    l->plain.session.blind || l->target->polls ||
	    (l->device.status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0 ||
	    (l->target->holds && q->holds != LEDGER_NONE))
		return;
	if (n->unwanted && ledger_judges(l, RULE_STUCK_SUPPRESSED))
		ledger_break(l, RULE_STUCK_SUPPRESSED,
			     "queue %u: the device rests and its driver is told not to notify it",
			     i);
	if (n->unchecked && ledger_judges(l, RULE_STUCK_UNCHECKED))
		ledger_break(l, RULE_STUCK_UNCHECKED,
			     "queue %u: the device allowed notifications again and did not look at "
			     "the available index after that",
			     i);
}
