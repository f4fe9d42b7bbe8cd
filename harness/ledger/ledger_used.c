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
 * completion.slot: used entries are seen by the driver once the index passes them (2.7.8), so
 * a device may write those that are due in any order, several at once, and anew.  Due
 * are as many behind the used index as the device holds chains.  What lies elsewhere the driver
 * may not have looked at yet.
 *
 * A failed access of a ring field has no effect: an index that was not written did not
 * move, an entry that was not written does not exist.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

/* Forget that the chain's completion is on its way: it could not be written.  In order our
 * models have nothing more to do with the queue then, and say so when they look at it next.
 * Was that the first time that it could not? */
static bool abandon(const struct ring_access *a, uint16_t walk)
{
	uint32_t found = ledger_hold_find(a->l, a->q, walk);
	bool first;

	if (a->l->target->model && ledger_has_in_order(a->l))
		a->q->work.broken = true;
	if (found == LEDGER_NONE)
		return false;
	first = !a->l->hold[found].failed;
	a->l->hold[found].abandoned = a->l->hold[found].failed = true;
	return first;
}

/* `failed.N`: a device that tries again may count the chain once.  In order the write may have
 * been that of a batch, whose chains were returned before as far as their device says. */
static void count_failed(const struct ring_access *a, bool first)
{
	if (first && !ledger_has_in_order(a->l))
		ledger_count(a->l, CHAINS_FAILED, a->why.queue, 1);
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

/* Is that slot one of those behind the used index that chains may be returned in? */
static bool is_due(const struct ledger_queue *q, uint16_t used_idx, uint16_t slot)
{
	uint32_t room = q->work.pending_count + 1;

	if (room < q->hold_count)
		room = q->hold_count;
	return (uint32_t)(slot - used_idx) % q->size < room;
}

void ledger_used_entry_written(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t slot =
		(uint16_t)((a->addr - q->used - ring_at(&ring_split, GUEST_USED_ENTRY, 0, 0)) /
			   RING_USED_ENTRY_SIZE);
	struct ledger_pending *entry = NULL;
	/* Or one of its two fields. */
	bool whole = a->len == RING_USED_ENTRY_SIZE;
	bool of_id = (a->addr - q->used) % RING_USED_ENTRY_SIZE == 4;

	TELL_FOLLOWERS(l, entry, l, a->why.queue);
	if (a->err != 0) {
		ledger_used_abandoned(a);
		return;
	}
	for (unsigned i = 0; i < q->work.pending_count; i++)
		if (a->pending[i].slot == slot)
			entry = &a->pending[i];
	if (entry == NULL) {
		choose_used_idx(q, is_due(q, q->used_idx, slot),
				is_due(q, q->work.used_seen, slot));
		if (ledger_judges(l, RULE_COMPLETION_SLOT) && !is_due(q, q->used_idx, slot))
			ledger_break(l, RULE_COMPLETION_SLOT,
				     "queue %u: the device wrote used entry %u, the next is %u "
				     "(used index %u), and it holds %u chains",
				     a->why.queue, slot, q->used_idx % q->size, q->used_idx,
				     q->hold_count);
		if (q->work.pending_count == LEDGER_PENDING_MAX) {
			q->work.overflowed = true;
			return;
		}
		entry = &a->pending[q->work.pending_count++];
		entry->have = 0;
	}
	entry->slot = slot;
	entry->walk = a->why.walk;
	if (whole || of_id) {
		entry->id = ledger_get32(a->data);
		entry->have |= PENDING_ID;
	}
	if (whole || !of_id) {
		entry->len = ledger_get32(a->data + (whole ? 4 : 0));
		entry->have |= PENDING_LEN;
	}
}

/* The chain that an entry returns: the one whose walk the device named, or, if
 * that has another head, any with that head. A write of several entries names one walk for
 * all: where several chains had that head, nobody knows which one it is. */
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

/* What is known of a chain that comes back, for counters.sum. */
static void count_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			   uint32_t len)
{
	*ledger_chains(l, CHAINS_WRITTEN, queue) += len > 0;
	*ledger_chains(l, CHAINS_BYTES, queue) += len;
	if (hold->blind || hold->piece.open || hold->restarted)
		return;
	*ledger_chains(l, CHAINS_READABLE, queue) += hold->readable > 0;
	*ledger_chains(l, CHAINS_WRITABLE, queue) += hold->writable > 0;
	*ledger_chains(l, CHAINS_LARGE, queue) += hold->readable > l->target->chain_bytes_max &&
						  ledger_hold_kinds(l, hold) == CHAIN_READABLE;
}

void ledger_used_judge(const struct ring_access *a, const struct ledger_pending *entry,
		       uint32_t found)
{
	struct ledger *l = a->l;
	const struct ledger_hold *hold;
	bool named;

	l->device.completions++;
	if (found == LEDGER_NONE) {
		TELL_FOLLOWERS(l, returned, l, a->why.queue, NULL, entry->len);
		if (ledger_in_order_late(a, entry))
			return;
		if (!a->q->work.overflowed && ledger_judges(l, RULE_COMPLETION_NOT_HELD))
			ledger_break(l, RULE_COMPLETION_NOT_HELD,
				     "queue %u: used entry %u returns head %u, which the device "
				     "does not hold",
				     a->why.queue, entry->slot, entry->id);
		return;
	}
	hold = &l->hold[found];
	named = hold->walk == entry->walk || l->target->model;
	if (hold->early && !ledger_hold_act(a->q, &l->hold[found]) &&
	    ledger_judges(l, RULE_COMPLETION_NOT_HELD))
		ledger_break(l, RULE_COMPLETION_NOT_HELD,
			     "queue %u: used entry %u returns head %u of available entry %u, and "
			     "the available index that the device read last is %u",
			     a->why.queue, entry->slot, entry->id, hold->walk,
			     a->q->work.avail_idx);
	if (named)
		count_returned(l, a->why.queue, hold, entry->len);
	TELL_FOLLOWERS(l, returned, l, a->why.queue, hold, entry->len);
	if (named && !hold->blind && !hold->piece.open && !hold->restarted &&
	    ledger_judges(l, RULE_COMPLETION_LEN) && !ledger_hold_covers(l, hold, entry->len))
		ledger_break(l, RULE_COMPLETION_LEN,
			     "queue %u: used entry %u says that %u bytes of the chain of head %u "
			     "were written, but the device did not write all of them",
			     a->why.queue, entry->slot, entry->len, entry->id);
	ledger_hold_drop(l, a->q, found);
}

uint16_t ledger_used_returned(const struct ring_access *a, const struct ledger_pending *entry,
			      uint16_t *chains)
{
	uint32_t found = find_returned(a, entry);
	uint16_t entries = found != LEDGER_NONE ? a->l->hold[found].entries : 0;

	*chains = 1;
	if (ledger_has_in_order(a->l))
		return ledger_in_order_returned(a, entry, chains);
	ledger_used_judge(a, entry, found);
	return entries;
}

void ledger_used_abandoned(const struct ring_access *a)
{
	count_failed(a, abandon(a, a->why.walk));
}

/* Is the entry for the `nth` place behind the used index written?  Then it comes nth. */
static bool find_pending(const struct ring_access *a, uint16_t nth)
{
	uint16_t slot = (uint16_t)((uint16_t)(a->q->used_idx + nth) % a->q->size);
	struct ledger_pending found;

	for (unsigned i = nth; i < a->q->work.pending_count; i++) {
		if (a->pending[i].slot != slot)
			continue;
		found = a->pending[i];
		a->pending[i] = a->pending[nth];
		a->pending[nth] = found;
		return found.have == (PENDING_ID | PENDING_LEN);
	}
	return false;
}

/* The index moves past an entry that was not written: instead of it another was, or
 * none. */
void ledger_used_unwritten(const struct ring_access *a, uint16_t moved)
{
	struct ledger_queue *q = a->q;
	unsigned count = q->work.pending_count;
	uint16_t slot = q->used_idx % q->size;
	enum rule rule = RULE_COMPLETION_SLOT;

	for (unsigned i = 0; i < count; i++)
		if (a->pending[i].slot == slot)
			rule = RULE_ORDER_ENTRY;
	if (count == 0)
		rule = RULE_ORDER_ENTRY;
	if (!q->work.overflowed && ledger_judges(a->l, rule))
		ledger_break(a->l, rule,
			     "queue %u: the used index went from %u to %u, of these %u entries "
			     "%u had been written%s",
			     a->why.queue, q->used_idx, (uint16_t)(q->used_idx + moved), moved,
			     count,
			     rule == RULE_COMPLETION_SLOT ? ", and the first of them had not" : "");
}

/* One entry each; over how many of these positions it is known what came back. */
static uint16_t moved_each(const struct ring_access *a, uint16_t moved)
{
	struct ledger_queue *q = a->q;
	bool lost = moved > q->work.pending_count;
	uint16_t done;

	if (lost)
		ledger_used_unwritten(a, moved);
	for (done = 0; done < moved && find_pending(a, done); done++)
		ledger_used_judge(a, &a->pending[done], find_returned(a, &a->pending[done]));
	if (done < moved && !lost)
		ledger_used_unwritten(a, moved);
	q->work.pending_count -= done;
	if (q->work.pending_count > 0)
		memmove(a->pending, a->pending + done, q->work.pending_count * sizeof(*a->pending));
	return done;
}

void ledger_used_idx_written(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	bool in_order = ledger_has_in_order(l);
	uint32_t most = q->work.pending_count;
	uint16_t moved, done;

	if (a->err != 0) {
		bool first = false;

		/* One write of the index, however many chains it stands for. */
		for (unsigned i = 0; i < q->work.pending_count; i++)
			first |= abandon(a, a->pending[i].walk);
		count_failed(a, first);
		return;
	}
	if (in_order && most < q->hold_count)
		most = q->hold_count;
	choose_used_idx(q, (uint16_t)(ledger_get16(a->data) - q->used_idx) <= most,
			(uint16_t)(ledger_get16(a->data) - q->work.used_seen) <= most);
	moved = (uint16_t)(ledger_get16(a->data) - q->used_idx);
	q->work.used_read = false;
	if (moved == 0)
		return;
	done = (in_order ? ledger_in_order_moved : moved_each)(a, moved);
	TELL_FOLLOWERS(l, moved, l, a->why.queue, done < moved);
	*ledger_chains(l, CHAINS_USED, a->why.queue) += done;
	l->call.moved |= 1ULL << a->why.queue;
	l->session.events |= VIRTIO_MMIO_INT_VRING;
	ledger_index_moved(q, ledger_get16(a->data));
}
