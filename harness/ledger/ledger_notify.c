/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Suppressed available-buffer notifications (VIRTIO 2.7.10).  See ledger.h.
 *
 * stuck.suppressed: if the device suppresses notifications and then rests, it never
 * learns of chains that the driver adds, and they wait for ever.  What the device wrote
 * last counts.  It may rest that way if it polls, waits for the host, holds chains of
 * that queue (it comes back with them), asked for a reset, or if an access for the
 * queue failed since, so that it may have given up.  A queue that the device initiates
 * needs no notification: the device looks at it when it has something to deliver.
 *
 * stuck.unchecked: the driver sent no notification for chains that it added between the
 * device's last look and the write that allows notifications again.  So the device must
 * look once more after that write, at the latest before it rests; a look that fails
 * counts.  Nothing is due if notifications were already allowed.
 *
 * With EVENT_IDX the flags mean nothing; the event index is then judged by the same two
 * rules.  In plain memory a write that changes nothing is not seen: the last change
 * counts as long as the value stays.
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
			     "queue %u: the device rests while notifications are suppressed", i);
	if (n->unchecked && ledger_judges(l, RULE_STUCK_UNCHECKED))
		ledger_break(l, RULE_STUCK_UNCHECKED,
			     "queue %u: the device allowed notifications again and did not look at "
			     "the available index after that",
			     i);
}
