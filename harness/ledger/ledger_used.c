/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of what a device returns: used entries, and the index that makes
 * them count.  See ledger.h.
 *
 * completion.*, order.*: judged on what the device wrote, against chains taken
 * by what it read.  A guest that publishes a head twice makes two holds, told
 * apart by their place in the available ring; one that overwrites rings while
 * the device works changes what the device reads, and so what it is judged by.
 *
 * A failed access of a ring field has no effect: an index that was not written did not
 * move, an entry that was not written does not exist.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

/* Forget that the chain's completion is on its way: it could not be written. */
static void abandon(const struct ring_access *a, uint16_t walk)
{
	uint32_t found = ledger_hold_find(a->l, a->q, walk);

	if (found != LEDGER_NONE)
		a->l->hold[found].abandoned = true;
}

/* A device may go by the used index that it finds in memory: one that took a
 * queue over does.  It may also look and go by its own. */
void ledger_used_idx_seen(const struct ring_access *a)
{
	if (a->l->target->model || a->err != 0 || a->q->work.pending_count > 0)
		return;
	a->q->work.used_read = true;
	a->q->work.used_seen = ledger_get16(a->data);
}

/* By what the device does it shows which of the two it is. */
static void choose_used_idx(struct ledger_queue *q, bool by_own, bool by_seen)
{
	if (!q->work.used_read || by_own)
		return;
	if (by_seen)
		q->used_idx = q->work.used_seen;
	q->work.used_read = false;
}

void ledger_used_entry_written(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t slot =
		(uint16_t)((a->addr - q->used - ring_at(&ring_split, GUEST_USED_ENTRY, 0, 0)) /
			   RING_USED_ENTRY_SIZE);
	struct ledger_pending *entry = NULL;

	TELL_FOLLOWERS(l, entry, l, a->why.queue);
	if (a->err != 0) {
		abandon(a, a->why.walk);
		return;
	}
	for (unsigned i = 0; i < q->work.pending_count; i++)
		if (a->pending[i].slot == slot)
			entry = &a->pending[i];
	if (entry == NULL) {
		uint16_t due;

		choose_used_idx(
			q, slot == (uint16_t)(q->used_idx + q->work.pending_count) % q->size,
			slot == (uint16_t)(q->work.used_seen + q->work.pending_count) % q->size);
		due = (uint16_t)(q->used_idx + q->work.pending_count);
		if (ledger_judges(l, RULE_COMPLETION_SLOT) && slot != due % q->size)
			ledger_break(l, RULE_COMPLETION_SLOT,
				     "queue %u: the device wrote used entry %u, the next is %u "
				     "(used index %u)",
				     a->why.queue, slot, due % q->size, q->used_idx);
		if (q->work.pending_count == LEDGER_PENDING_MAX) {
			q->work.overflowed = true;
			return;
		}
		entry = &a->pending[q->work.pending_count++];
	}
	entry->slot = slot;
	entry->walk = a->why.walk;
	entry->id = ledger_get32(a->data);
	entry->len = ledger_get32(a->data + 4);
}

/* The chain that an entry returns: the one whose walk the device named, or, if
 * that has another head, any with that head. */
static uint32_t find_returned(const struct ring_access *a, const struct ledger_pending *entry)
{
	uint32_t found = ledger_hold_find(a->l, a->q, entry->walk);

	if (found != LEDGER_NONE && a->l->hold[found].head == entry->id)
		return found;
	for (found = a->q->holds; found != LEDGER_NONE; found = a->l->hold[found].next)
		if (a->l->hold[found].head == entry->id)
			return found;
	return LEDGER_NONE;
}

static void judge_completion(const struct ring_access *a, const struct ledger_pending *entry)
{
	struct ledger *l = a->l;
	uint32_t found = find_returned(a, entry);
	const struct ledger_hold *hold;

	l->device.completions++;
	if (found == LEDGER_NONE) {
		TELL_FOLLOWERS(l, returned, l, a->why.queue, NULL, entry->len);
		if (!a->q->work.overflowed && ledger_judges(l, RULE_COMPLETION_NOT_HELD))
			ledger_break(l, RULE_COMPLETION_NOT_HELD,
				     "queue %u: used entry %u returns head %u, which the device "
				     "does not hold",
				     a->why.queue, entry->slot, entry->id);
		return;
	}
	hold = &l->hold[found];
	TELL_FOLLOWERS(l, returned, l, a->why.queue, hold, entry->len);
	if (!hold->blind && !hold->restarted && ledger_judges(l, RULE_COMPLETION_LEN) &&
	    !ledger_hold_covers(l, hold, entry->len))
		ledger_break(l, RULE_COMPLETION_LEN,
			     "queue %u: used entry %u says that %u bytes of the chain of head %u "
			     "were written, but the device did not write all of them",
			     a->why.queue, entry->slot, entry->len, entry->id);
	ledger_hold_drop(l, a->q, found);
}

void ledger_used_idx_written(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t moved;
	bool lost;

	if (a->err != 0) {
		for (unsigned i = 0; i < q->work.pending_count; i++)
			abandon(a, a->pending[i].walk);
		return;
	}
	choose_used_idx(q, (uint16_t)(ledger_get16(a->data) - q->used_idx) <= q->work.pending_count,
			(uint16_t)(ledger_get16(a->data) - q->work.used_seen) <=
				q->work.pending_count);
	moved = (uint16_t)(ledger_get16(a->data) - q->used_idx);
	q->work.used_read = false;
	if (moved == 0)
		return;
	if (!q->work.overflowed && ledger_judges(l, RULE_ORDER_ENTRY) &&
	    moved > q->work.pending_count)
		ledger_break(l, RULE_ORDER_ENTRY,
			     "queue %u: the used index went from %u to %u, of these %u entries "
			     "%u had been written",
			     a->why.queue, q->used_idx, ledger_get16(a->data), moved,
			     q->work.pending_count);
	lost = moved > q->work.pending_count;
	if (lost)
		moved = (uint16_t)q->work.pending_count;
	for (unsigned i = 0; i < moved; i++)
		judge_completion(a, &a->pending[i]);
	TELL_FOLLOWERS(l, moved, l, a->why.queue, lost);
	l->device.counters[TARGET_COUNTERS_MAX + a->why.queue] += moved;
	q->work.pending_count -= moved;
	if (q->work.pending_count > 0)
		memmove(a->pending, a->pending + moved,
			q->work.pending_count * sizeof(*a->pending));
	l->call.moved |= 1ULL << a->why.queue;
	ledger_index_moved(q, ledger_get16(a->data));
}
