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
 * counts.  Nothing is due if notifications were already allowed, or if the device has not
 * returned any entry of a packed ring: then the driver has none to add.
 *
 * With EVENT_IDX the flags mean nothing, and avail_event says at which available index the
 * driver notifies (2.7.10).  The same two rules judge it: at rest it is the index that the
 * device read last, so that the next chain is told of, and the device looked again since it
 * wrote another one.  Rings begin as zeroes (4.2.3.2), so a device that never wrote it is told
 * of the first chain and of none behind it.  Of a queue that was stopped it is what was left
 * there, which accesses do not show: not judged, as where it would lie past 2^64.  In plain memory
 * a write that changes nothing is not seen: the last change counts as long as the value stays.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define EVENT_FLAGS_AT offsetof(struct vring_packed_desc_event, flags)

void ledger_notify_flags(struct ledger *l, unsigned queue, bool wanted)
{
	struct ledger_notify *n = &l->queues[queue].work.notify;

	/* Between two events that are named a driver is silent, too. */
	n->unchecked = wanted && (n->unwanted || n->event_said || n->unchecked);
	n->unwanted = !wanted;
	n->event_said = n->gave_up = false;
}

void ledger_notify_said(struct ledger *l, unsigned queue, bool wanted)
{
	if (l->session.features_known && !ledger_has_event_idx(l))
		ledger_notify_flags(l, queue, wanted);
}

void ledger_notify_event(struct ledger *l, unsigned queue, uint16_t event)
{
	const struct ledger_queue *q = &l->queues[queue];
	struct ledger_notify *n = &l->queues[queue].work.notify;
	bool full = q->packed && q->place.held >= q->size;

	if (!l->session.features_known || !ledger_has_event_idx(l))
		return;
	n->unchecked = n->unchecked || ((!n->event_said || n->event != event) && !full);
	n->unwanted = false;
	n->event_said = true;
	n->event = event;
	n->gave_up = false;
}

/* The available index up to which the device has looked, if that is known: in plain memory
 * after a notification. */
static bool has_looked(const struct ledger *l, unsigned i, uint16_t *index)
{
	const struct ledger_queue *q = &l->queues[i];

	*index = l->plain.arena != NULL ? q->taken : q->work.avail_idx;
	return l->plain.arena != NULL ? (l->call.active >> i & 1) != 0 : q->work.index_seen;
}

/* The device has not written avail_event, which lies at `at`. */
static void judge_silence(struct ledger *l, unsigned i, uint64_t at, uint16_t index)
{
	const struct ledger_queue *q = &l->queues[i];

	/* Before the first chain, or with chains that the rules of stuck work are about. */
	if ((index == 0 && !q->was_stopped) || q->taken != index || q->holds != LEDGER_NONE)
		return;
	if (q->was_stopped || ledger_event_wraps(q, GUEST_AVAIL_EVENT) ||
	    (l->plain.arena != NULL && arena_load16(l->plain.arena, at) != 0))
		ledger_lacks(l, RULE_STUCK_SUPPRESSED);
	else if (ledger_judges(l, RULE_STUCK_SUPPRESSED))
		ledger_break(l, RULE_STUCK_SUPPRESSED,
			     "queue %u: the device rests, has looked up to available index %u, and "
			     "never wrote avail_event: it is not notified of the next chain",
			     i, index);
}

/* Does the driver notify the device of the next chain, as the device left avail_event? */
static void judge_event(struct ledger *l, unsigned i)
{
	const struct ledger_queue *q = &l->queues[i];
	const struct ledger_notify *n = &q->work.notify;
	uint64_t at = q->used + (q->packed ? ring_at(&ring_packed, GUEST_DEVICE_EVENT, 0, 0)
					   : ring_at(&ring_split, GUEST_AVAIL_EVENT, q->size, 0));
	uint16_t index;

	if (!has_looked(l, i, &index))
		return;
	/* A packed ring begins with the wish to hear of all. */
	if (!n->event_said && q->packed)
		return;
	if (!n->event_said) {
		judge_silence(l, i, at, index);
		return;
	}
	if (l->plain.arena != NULL &&
	    arena_load16(l->plain.arena, at) != (q->packed ? q->place.event : n->event))
		return;
	/* Of a packed ring places come back after two laps, and need not be told again. */
	if (ledger_judges(l, RULE_STUCK_SUPPRESSED) &&
	    (q->packed ? q->place.event != ledger_packed_next(q) : n->event != index))
		ledger_break(l, RULE_STUCK_SUPPRESSED,
			     "queue %u: the device rests with an avail_event of %u, and has looked "
			     "up to available index %u: it is not notified of the next chain",
			     i, n->event, index);
}

void ledger_notify_unknown(struct ledger_queue *q)
{
	q->work.notify = (struct ledger_notify){ .gave_up = true };
}

/* What stands in plain memory, where the driver may have written since. */
static bool stands(const struct ledger *l, const struct ledger_queue *q)
{
	if (l->plain.arena == NULL)
		return true;
	if (q->packed)
		return arena_load16(l->plain.arena, q->used + EVENT_FLAGS_AT) ==
		       VRING_PACKED_EVENT_FLAG_DISABLE;
	return (arena_load16(l->plain.arena, q->used) & VRING_USED_F_NO_NOTIFY) != 0;
}

void ledger_notify_rest(struct ledger *l, unsigned i)
{
	struct ledger_queue *q = &l->queues[i];
	struct ledger_notify *n = &q->work.notify;

	bool events = l->session.features_known && ledger_has_event_idx(l);

	if ((!n->unwanted && !n->unchecked && !events) || !l->target->queues[i].driver_initiated)
		return;
	n->unwanted = n->unwanted && stands(l, q);
	if (!q->work.ready || !q->known || ledger_queue_is_left(l, q) || n->gave_up ||
	    l->plain.session.blind || l->target->polls ||
	    (l->device.status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0 ||
	    (l->target->holds && q->holds != LEDGER_NONE))
		return;
	if (events)
		judge_event(l, i);
	if (n->unwanted && ledger_judges(l, RULE_STUCK_SUPPRESSED))
		ledger_break(l, RULE_STUCK_SUPPRESSED,
			     "queue %u: the device rests while notifications are suppressed", i);
	if (n->unchecked && ledger_judges(l, RULE_STUCK_UNCHECKED))
		ledger_break(l, RULE_STUCK_UNCHECKED,
			     "queue %u: the device allowed notifications again and did not look at "
			     "the available index after that",
			     i);
}
