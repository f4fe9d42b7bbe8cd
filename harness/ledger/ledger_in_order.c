/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What comes back in order (VIRTIO 2.7.9, 2.8.8).  A used entry names a chain, and stands for
 * all that were made available before it and have not come back: a batch, as a driver finds
 * it.  See ledger.h.
 *
 * order.returns: of a split ring the used index says how many chains came back, and the entry
 * up to which one; if that one lies further on, chains before it were left behind.  On a packed
 * ring, where no index says so, they came back with it: a device that returns one of them later
 * shows that it did not mean that.  Where the completion of a chain could not be written a
 * device that is not ours may leave that one out, or take it in.
 *
 * completion.batch: the used index moves by the size of batches (2.7.9), so behind one's last
 * position the next one's entry was written, or the index ends there.  And the driver takes
 * skipped chains for used whole, so all of their device-writable bytes were written: what the
 * device knows of a chain, and cannot write, it returns by itself, with a length.  Not judged
 * of a chain that the device did not read to its end, or that an access failed for.
 *
 * Our own models return chains together that have nothing to write and were read to their end
 * (devices/README.md): one that has an entry of its own is the last before the device looks whether
 * the driver wants an interrupt.  Judged of chains without a table, and of one entry on a packed
 * ring, where not all that is read is looked at.
 *
 * A guest that makes one head available several times leaves open which one an entry names:
 * any that fits will do.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

static bool is_older(const struct ledger_hold *hold, uint16_t walk)
{
	return (uint16_t)(hold->walk - walk) >= 0x8000;
}

/* May the device leave that one out? */
static bool may_be_left(const struct ledger *l, const struct ledger_hold *hold)
{
	return hold->abandoned && !l->target->model;
}

/* Chains that are older; `least`: without those that may be left. */
static uint16_t count_older(const struct ledger *l, const struct ledger_queue *q, uint16_t walk,
			    bool least)
{
	uint16_t count = 0;

	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (is_older(&l->hold[h], walk) && !(least && may_be_left(l, &l->hold[h])))
			count++;
	return count;
}

uint16_t ledger_in_order_older(const struct ledger *l, const struct ledger_queue *q, uint32_t found)
{
	return count_older(l, q, l->hold[found].walk, false);
}

uint32_t ledger_in_order_oldest(const struct ledger *l, const struct ledger_queue *q)
{
	uint32_t oldest = q->holds;

	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (is_older(&l->hold[h], l->hold[oldest].walk))
			oldest = h;
	return oldest;
}

bool ledger_in_order_late(const struct ring_access *a, const struct ledger_pending *entry)
{
	const struct ledger_work *work = &a->q->work;

	if (!ledger_has_in_order(a->l) || (uint16_t)(entry->walk - work->skipped) >=
						  (uint16_t)(work->skipped_end - work->skipped))
		return false;
	if (!work->overflowed && ledger_judges(a->l, RULE_ORDER_RETURNS))
		ledger_break(a->l, RULE_ORDER_RETURNS,
			     "queue %u: used entry %u returns head %u of available entry %u, and "
			     "one that was made available after it came back before",
			     a->why.queue, entry->slot, entry->id, entry->walk);
	return true;
}

/* Is it known what all of the chain was, and could the device use it? */
static bool is_known(const struct ledger_hold *hold)
{
	return !hold->blind && !hold->piece.open && !hold->restarted && !hold->strayed &&
	       !hold->expects && !hold->faulted && hold->writable <= UINT32_MAX;
}

static void judge_skipped(const struct ring_access *a, const struct ledger_pending *entry,
			  uint32_t found)
{
	struct ledger *l = a->l;
	struct ledger_hold *hold = &l->hold[found];

	l->device.completions++;
	if (hold->early)
		(void)ledger_hold_act(a->q, hold);
	if (!a->q->work.overflowed && ledger_judges(l, RULE_COMPLETION_BATCH) && is_known(hold) &&
	    !ledger_hold_covers(l, hold, (uint32_t)hold->writable))
		ledger_break(l, RULE_COMPLETION_BATCH,
			     "queue %u: used entry %u returns head %u and skips head %u, of which "
			     "%llu bytes are device-writable; the device did not write all of them",
			     a->why.queue, entry->slot, entry->id, hold->head,
			     (unsigned long long)hold->writable);
	TELL_FOLLOWERS(l, returned, l, a->why.queue, hold,
		       is_known(hold) ? (uint32_t)hold->writable : 0);
	ledger_hold_drop(l, a->q, found);
}

/* Can a later return stand for it? */
static bool may_be_skipped(const struct ledger *l, const struct ledger_queue *q,
			   const struct ledger_hold *hold, uint32_t len)
{
	if (len != 0 || hold->has_table || !is_known(hold) || (q->packed && hold->entries != 1))
		return false;
	for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next)
		if (l->nodes[n].writable)
			return false;
	return hold->first != LEDGER_NONE;
}

static void judge_alone(const struct ring_access *a, const struct ledger_pending *entry,
			uint32_t found)
{
	const struct ledger *l = a->l;
	struct ledger_work *work = &a->q->work;
	bool alone = work->alone && work->alone_call == l->call.number;

	if (!l->target->model ||
	    (ledger_has_event_idx(l) && ledger_event_wraps(a->q, GUEST_USED_EVENT)))
		return;
	work->alone = may_be_skipped(l, a->q, &l->hold[found], entry->len);
	work->alone_call = l->call.number;
	if (alone && !work->asked && !work->overflowed &&
	    ledger_judges(a->l, RULE_COMPLETION_BATCH))
		ledger_break(
			a->l, RULE_COMPLETION_BATCH,
			"queue %u: used entry %u returns head %u, and could have stood for the "
			"one before it, which has nothing to write",
			a->why.queue, entry->slot, entry->id);
}

/* The batch that ends with that hold; `chains` is known.  Entries of a packed ring. */
static uint16_t take_off(const struct ring_access *a, const struct ledger_pending *entry,
			 uint32_t found, uint16_t chains)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t walk = l->hold[found].walk, entries = l->hold[found].entries;
	uint32_t oldest;

	judge_alone(a, entry, found);
	if (chains <= count_older(l, q, walk, false))
		q->work.overflowed = true; /* some were left out, and may come yet */
	q->work.skipped_end = walk;
	q->work.skipped = walk;
	while ((oldest = ledger_in_order_oldest(l, q)) != found) {
		if (q->work.skipped == walk)
			q->work.skipped = l->hold[oldest].walk;
		entries += l->hold[oldest].entries;
		judge_skipped(a, entry, oldest);
	}
	ledger_used_judge(a, entry, found);
	return entries;
}

static struct ledger_pending *pending_at(const struct ring_access *a, uint16_t at)
{
	uint16_t slot = (uint16_t)(a->q->used_idx + at) % a->q->size;

	for (unsigned i = 0; i < a->q->work.pending_count; i++)
		if (a->pending[i].slot == slot && a->pending[i].have == (PENDING_ID | PENDING_LEN))
			return &a->pending[i];
	return NULL;
}

/* How well does a batch of that size, at that position, fit the entries that were written? */
static unsigned fits(const struct ring_access *a, uint16_t at, uint16_t chains, uint16_t moved)
{
	if (chains > moved - at)
		return 0;
	return at + chains == moved || pending_at(a, (uint16_t)(at + chains)) != NULL ? 2 : 1;
}

/* The hold that the entry names, and how many chains come back with it. */
static uint32_t find_last(const struct ring_access *a, const struct ledger_pending *entry,
			  uint16_t at, uint16_t moved, uint16_t *chains)
{
	uint32_t best = LEDGER_NONE;
	unsigned best_fit = 0;

	for (uint32_t h = a->q->holds; h != LEDGER_NONE; h = a->l->hold[h].next) {
		const struct ledger_hold *hold = &a->l->hold[h];

		if (hold->head != entry->id)
			continue;
		for (unsigned least = 0; least < 2; least++) {
			uint16_t count = (uint16_t)(count_older(a->l, a->q, hold->walk, least) + 1);
			unsigned fit = 2 * fits(a, at, count, moved) + (hold->walk == entry->walk);

			if (best != LEDGER_NONE && fit <= best_fit)
				continue;
			best = h;
			best_fit = fit;
			*chains = count;
		}
	}
	return best;
}

static void forget_pending(const struct ring_access *a, uint16_t moved)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < a->q->work.pending_count; i++)
		if ((uint32_t)(a->pending[i].slot - a->q->used_idx) % a->q->size >= moved)
			a->pending[kept++] = a->pending[i];
	a->q->work.pending_count = kept;
}

static void break_order(const struct ring_access *a, const struct ledger_pending *entry,
			uint32_t found, uint16_t moved)
{
	if (!a->q->work.overflowed && ledger_judges(a->l, RULE_ORDER_RETURNS))
		ledger_break(a->l, RULE_ORDER_RETURNS,
			     "queue %u: the used index moved by %u, and used entry %u returns head "
			     "%u, before which %u chains were made available that have not come "
			     "back",
			     a->why.queue, moved, entry->slot, entry->id,
			     ledger_in_order_older(a->l, a->q, found));
}

static void break_batch(const struct ring_access *a, uint16_t at, uint16_t moved)
{
	if (!a->q->work.overflowed && ledger_judges(a->l, RULE_COMPLETION_BATCH))
		ledger_break(a->l, RULE_COMPLETION_BATCH,
			     "queue %u: the used index moved by %u, and the entries that were "
			     "written return %u chains",
			     a->why.queue, moved, at);
}

uint16_t ledger_in_order_moved(const struct ring_access *a, uint16_t moved)
{
	uint16_t at = 0, chains = 1;

	while (at < moved) {
		const struct ledger_pending *entry = pending_at(a, at);
		uint32_t found;

		if (entry == NULL)
			break;
		(void)ledger_judges(a->l, RULE_ORDER_RETURNS);
		found = find_last(a, entry, at, moved, &chains);
		if (found == LEDGER_NONE) {
			ledger_used_judge(a, entry, found);
			chains = 1;
		} else if (chains > moved - at) {
			break_order(a, entry, found, moved);
			ledger_used_judge(a, entry, found);
			chains = (uint16_t)(moved - at);
		} else {
			take_off(a, entry, found, chains);
		}
		at += chains;
	}
	if (at == 0)
		ledger_used_unwritten(a, moved);
	else if (at < moved)
		break_batch(a, at, moved);
	forget_pending(a, moved);
	return at;
}

uint16_t ledger_in_order_returned(const struct ring_access *a, const struct ledger_pending *entry,
				  uint16_t *chains)
{
	uint32_t found = LEDGER_NONE;

	(void)ledger_judges(a->l, RULE_ORDER_RETURNS);
	for (uint32_t h = a->q->holds; h != LEDGER_NONE; h = a->l->hold[h].next)
		if (a->l->hold[h].head == entry->id &&
		    (found == LEDGER_NONE || a->l->hold[found].walk != entry->walk))
			found = h;
	if (found == LEDGER_NONE) {
		ledger_used_judge(a, entry, found);
		return 0;
	}
	*chains = (uint16_t)(ledger_in_order_older(a->l, a->q, found) + 1);
	return take_off(a, entry, found, *chains);
}
