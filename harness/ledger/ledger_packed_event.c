/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Event suppression of packed rings (VIRTIO 2.8.10): what the driver's structure says about
 * interrupts, and the device's about notifications.  See ledger_wakeup.c and ledger_notify.c,
 * whose rules it feeds.
 *
 * wakeup.missing, wakeup.superfluous: one descriptor's event (DESC) wants an interrupt where a
 * used descriptor was written in the place that it names, in that lap, since an interrupt was
 * last due; and none where no chain of those that were returned since has that place.  Open is
 * what a place in the middle of a chain wants, which the device skips and did not write; and a
 * place that there is not, reserved flags, and DESC without EVENT_IDX: these are the driver's
 * breach.  What was used before such a look may count at the next one, or be over.  Our own models
 * (devices/README.md) count all entries of a chain, wait for no place that there is not, and take
 * the rest for ENABLE.
 *
 * stuck.suppressed, stuck.unchecked: DISABLE suppresses notifications and ENABLE allows them,
 * with EVENT_IDX too; DESC names the place whose chain the driver tells of, which is the one
 * that the device looks at next.  The structure begins as zeroes, which is ENABLE.
 *
 * wakeup.flags: the flags are 0, 1, or with EVENT_IDX 2; the other bits are reserved and 0
 * (2.8.14).
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_ring.h>

void ledger_range_add(struct ledger_range *range, const struct ledger_queue *q, uint32_t entries)
{
	if (range->chains++ == 0) {
		range->slot = q->place.used_slot;
		range->wrap = q->place.used_wrap;
	}
	range->last_slot = q->place.used_slot;
	range->last_wrap = q->place.used_wrap;
	range->entries += entries;
}

void ledger_range_join(struct ledger_range *range, const struct ledger_range *more)
{
	if (range->chains == 0) {
		*range = *more;
		return;
	}
	range->last_slot = more->last_slot;
	range->last_wrap = more->last_wrap;
	range->entries += more->entries;
	range->chains += more->chains;
}

/* Does the range have that place, and was a used descriptor written there? */
static enum ledger_wanted has_place(const struct ledger_queue *q, const struct ledger_range *range,
				    uint16_t slot, bool wrap, bool model)
{
	uint32_t size = q->size;
	uint32_t first = range->slot + (range->wrap ? size : 0);
	uint32_t place = slot + (wrap ? size : 0);

	/* Two laps are all that an event can tell apart. */
	if (range->entries > 2 * size)
		return WANTED_UNSURE;
	if ((place + 2 * size - first) % (2 * size) >= range->entries)
		return WANTED_NO;
	if (model || place == first || range->entries == range->chains ||
	    (slot == range->last_slot && wrap == range->last_wrap))
		return WANTED_YES;
	return WANTED_UNSURE;
}

enum ledger_wanted ledger_packed_wanted(const struct ledger *l, const struct ledger_queue *q,
					const struct ledger_range *range, uint16_t off_wrap,
					uint16_t flags)
{
	uint16_t slot = off_wrap & (RING_EVENT_WRAP - 1u);
	bool model = l->target->model;
	enum ledger_wanted wanted;

	if (!l->session.features_known)
		return WANTED_UNSURE;
	if (model)
		flags &= RING_EVENT_FLAGS;
	else if ((flags & ~RING_EVENT_FLAGS) != 0)
		return WANTED_UNSURE;
	if (flags == VRING_PACKED_EVENT_FLAG_ENABLE)
		return WANTED_YES;
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return WANTED_NO;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ledger_has_event_idx(l))
		return model ? WANTED_YES : WANTED_UNSURE;
	if (slot >= q->size)
		return model ? WANTED_NO : WANTED_UNSURE;
	wanted = has_place(q, range, slot, (off_wrap & RING_EVENT_WRAP) != 0, model);
	return wanted == WANTED_NO && range->open ? WANTED_UNSURE : wanted;
}

void ledger_packed_said(struct ledger *l, unsigned queue, uint16_t off_wrap, uint16_t flags)
{
	struct ledger_queue *q = &l->queues[queue];
	uint16_t max = ledger_has_event_idx(l) ? VRING_PACKED_EVENT_FLAG_DESC
					       : VRING_PACKED_EVENT_FLAG_DISABLE;

	q->place.event = off_wrap;
	if (!l->session.features_known)
		return;
	if (flags > max) {
		if (ledger_judges(l, RULE_WAKEUP_FLAGS))
			ledger_break(l, RULE_WAKEUP_FLAGS,
				     "queue %u: the device wrote 0x%x to the flags of its event "
				     "suppression structure, the largest there is is %u",
				     queue, flags, max);
		ledger_notify_unknown(q);
	} else if (flags == VRING_PACKED_EVENT_FLAG_DESC) {
		ledger_notify_event(l, queue, q->taken);
	} else {
		ledger_notify_flags(l, queue, flags == VRING_PACKED_EVENT_FLAG_ENABLE);
	}
}
