/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Chains returned in plain memory, and the interrupts for them.  See ledger_plain.c.
 *
 * completion.*: used entries and the used index are judged as they are after the call;
 * the entries that the index moved past must then be complete, or, in order, one for each
 * batch.  Which of the two was written first is not seen.  completion.len: a length above
 * that of the chain; and bytes below it that did not change, if in a second run of
 * the program, with other bytes in all buffers that only the device writes to, the
 * same ones did not change either (twin.h): four of them in a row, since a device
 * may write what is different in every run.
 *
 * wakeup.*: what the driver says stands in memory before and after the call; where
 * it says something else by the time that an interrupt could come, either will do.
 *
 * stuck.available: a chain that a driver may build, on a queue that was notified,
 * is returned by a device that does not hold chains.  One that it has reason to
 * leave alone (not all there, out of order, with empty parts) frees it for all.  So does
 * a receive queue of a socket device without room: packets that it would have to answer may wait
 * (dev.vsock.flow-control.1).
 */
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

#include <linux/virtio_ids.h>
#include <string.h>

#define UNWRITTEN_RUN 4u /* bytes in a row */

uint32_t ledger_find_head(const struct ledger *l, const struct ledger_queue *q, uint32_t head)
{
	uint32_t found = LEDGER_NONE;

	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (l->hold[h].head == head)
			found = h;
	return found;
}

static bool has_same_parts(const struct ledger *l, const struct ledger_hold *a,
			   const struct ledger_hold *b)
{
	uint32_t m = b->first;

	if (a->desc_count != b->desc_count)
		return false;
	for (uint32_t n = a->first; n != LEDGER_NONE; n = l->nodes[n].next, m = l->nodes[m].next)
		if (l->nodes[n].first != l->nodes[m].first ||
		    l->nodes[n].last != l->nodes[m].last ||
		    l->nodes[n].writable != l->nodes[m].writable)
			return false;
	return true;
}

/* The chain is returned.  Which of several with that head it was is not known: the
 * others may be what it was. */
static void drop(struct ledger *l, struct ledger_queue *q, uint32_t index)
{
	const struct ledger_hold *gone = &l->hold[index];
	bool known = true;

	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next) {
		struct ledger_hold *hold = &l->hold[h];

		if (h == index || hold->head != gone->head)
			continue;
		known = known && has_same_parts(l, hold, gone);
		hold->odd = hold->odd || gone->odd;
		hold->pure = hold->pure && gone->pure;
		if (gone->look < hold->look)
			hold->look = gone->look;
	}
	ledger_hold_drop(l, q, index);
	q->work.held--;
	if (!known)
		ledger_go_blind(l, BLIND_HEADS, (unsigned)(q - l->queues));
}

/* Are bytes below `len` there that do not seem to have been written? */
static bool seems_unwritten(const struct ledger *l, const struct ledger_hold *hold, uint32_t len)
{
	for (uint32_t n = hold->first; n != LEDGER_NONE && len > 0; n = l->nodes[n].next) {
		const struct ledger_node *node = &l->nodes[n];
		uint32_t piece = len;

		if (!node->writable)
			continue;
		if (node->last - node->first < piece)
			piece = (uint32_t)(node->last - node->first) + 1;
		if (arena_unchanged(l->plain.arena, node->first, piece, hold->look, UNWRITTEN_RUN) <
		    piece)
			return true;
		len -= piece;
	}
	return false;
}

/* In the first run: remember, and let the second one tell.  In the second: does it
 * say the same? */
static void note_unwritten(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			   uint32_t len)
{
	struct ledger_plain *p = &l->plain;
	struct ledger_suspect suspect = { .serial = l->device.completions,
					  .queue = (uint16_t)queue,
					  .head = hold->head,
					  .len = len,
					  .op = l->op,
					  .verb = l->verb };

	if (!p->device.salting && !p->device.over && p->device.suspect_count < LEDGER_SUSPECTS_MAX)
		p->suspects[p->device.suspect_count++] = suspect;
	for (unsigned i = 0; p->device.salting && hold->pure && i < p->device.suspect_count; i++)
		if (p->suspects[i].serial == suspect.serial && p->suspects[i].queue == queue &&
		    p->suspects[i].head == hold->head && p->suspects[i].len == len &&
		    p->device.confirmed == NULL)
			p->device.confirmed = &p->suspects[i];
}

static void judge_len(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		      uint32_t len)
{
	if (hold->odd || len == 0 || !ledger_judges(l, RULE_COMPLETION_LEN))
		return;
	if (len > hold->writable)
		ledger_break(l, RULE_COMPLETION_LEN,
			     "queue %u: a used entry says that %u bytes of the chain of head %u "
			     "were written, %llu of it are device-writable",
			     queue, len, hold->head, (unsigned long long)hold->writable);
	else if (seems_unwritten(l, hold, len))
		note_unwritten(l, queue, hold, len);
}

static void load_entry(const struct ledger *l, const struct ledger_queue *q, uint16_t at,
		       uint8_t entry[RING_USED_ENTRY_SIZE])
{
	arena_load(l->plain.arena,
		   q->used + ring_at(&ring_split, GUEST_USED_ENTRY, q->size, at % q->size), entry,
		   RING_USED_ENTRY_SIZE);
}

/* Chains behind the last whose entry was not written: in order, older ones come back with one,
 * and all of them were written whole (ledger_in_order.c). */
static void judge_skipped(struct ledger *l, unsigned queue, uint16_t count)
{
	struct ledger_queue *q = &l->queues[queue];

	for (; count > 0 && !l->plain.session.blind; count--) {
		uint32_t oldest = ledger_in_order_oldest(l, q);
		struct ledger_hold *hold = &l->hold[oldest];
		uint32_t len = hold->writable <= UINT32_MAX ? (uint32_t)hold->writable : 0;

		l->device.completions++;
		judge_len(l, queue, hold, len);
		ledger_net_seen(l, queue, hold, len);
		drop(l, q, oldest);
	}
}

bool ledger_in_order_unclear(const struct ledger *l, const struct ledger_queue *q, uint32_t index,
			     uint16_t left)
{
	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (h != index && l->hold[h].head == l->hold[index].head &&
		    ledger_in_order_older(l, q, h) < left)
			return true;
	return false;
}

/* In order: how many chains come back with the entry at position `at`, of `left` at most; and
 * all but the last are taken off. */
static uint16_t judge_batch(struct ledger *l, unsigned queue, uint16_t at, uint16_t left)
{
	struct ledger_queue *q = &l->queues[queue];
	uint8_t entry[RING_USED_ENTRY_SIZE];
	uint32_t index;
	uint16_t older;

	load_entry(l, q, at, entry);
	index = ledger_find_head(l, q, ledger_get32(entry));
	if (index == LEDGER_NONE)
		return 1;
	if (ledger_in_order_unclear(l, q, index, left)) {
		ledger_go_blind(l, BLIND_HEADS, queue);
		return left;
	}
	older = ledger_in_order_older(l, q, index);
	if (older < left) {
		(void)ledger_judges(l, RULE_ORDER_RETURNS);
		judge_skipped(l, queue, older);
		return (uint16_t)(older + 1);
	}
	if (ledger_judges(l, RULE_ORDER_RETURNS))
		ledger_break(l, RULE_ORDER_RETURNS,
			     "queue %u: the used index passes %u more chains, and used entry %u "
			     "returns head %u, before which %u chains were made available that "
			     "have not come back",
			     queue, left, at % q->size, ledger_get32(entry), older);
	ledger_go_blind(l, BLIND_UNKNOWN, queue);
	return left;
}

/* Before any is dropped: so many come back, the oldest first. */
static void look_in_order(struct ledger *l, unsigned queue, uint16_t moved)
{
	struct ledger_queue *q = &l->queues[queue];

	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (ledger_in_order_older(l, q, h) < moved)
			ledger_net_look(l, queue, &l->hold[h]);
}

/* Before any is dropped: the used index passed the entry at position `at`. */
static void look_at_entry(struct ledger *l, unsigned queue, uint16_t at)
{
	struct ledger_queue *q = &l->queues[queue];
	uint8_t entry[RING_USED_ENTRY_SIZE];
	uint32_t index;

	load_entry(l, q, at, entry);
	index = ledger_find_head(l, q, ledger_get32(entry));
	if (index != LEDGER_NONE)
		ledger_net_look(l, queue, &l->hold[index]);
}

void ledger_plain_return(struct ledger *l, unsigned queue, uint32_t index, uint32_t len)
{
	judge_len(l, queue, &l->hold[index], len);
	ledger_net_seen(l, queue, &l->hold[index], len);
	drop(l, &l->queues[queue], index);
}

/* The used index passed the entry at position `at`. */
static void judge_entry(struct ledger *l, unsigned queue, uint16_t at)
{
	struct ledger_queue *q = &l->queues[queue];
	uint8_t entry[RING_USED_ENTRY_SIZE];
	uint32_t index;

	load_entry(l, q, at, entry);
	index = ledger_find_head(l, q, ledger_get32(entry));
	l->device.completions++;
	if (index != LEDGER_NONE) {
		ledger_plain_return(l, queue, index, ledger_get32(entry + 4));
		return;
	}
	if (ledger_judges(l, RULE_COMPLETION_NOT_HELD))
		ledger_break(l, RULE_COMPLETION_NOT_HELD,
			     "queue %u: used entry %u returns head %u, of which no chain is "
			     "available or held",
			     queue, at % q->size, ledger_get32(entry));
	ledger_go_blind(l, BLIND_UNKNOWN, queue);
}

/* The used index moved by so many positions. */
static void judge_entries(struct ledger *l, unsigned queue, uint16_t moved)
{
	uint16_t from = l->queues[queue].used_idx;
	bool in_order = ledger_has_in_order(l);

	if (in_order && !l->plain.session.blind)
		look_in_order(l, queue, moved);
	for (uint16_t n = 0; n < moved && !in_order && !l->plain.session.blind; n++)
		look_at_entry(l, queue, (uint16_t)(from + n));
	for (uint16_t n = 0, count = 1; n < moved && !l->plain.session.blind; n += count) {
		if (in_order)
			count = judge_batch(l, queue, (uint16_t)(from + n), (uint16_t)(moved - n));
		if (l->plain.session.blind)
			break;
		/* The entry stands where the batch begins. */
		judge_entry(l, queue, (uint16_t)(from + n));
	}
}

/* Of a packed ring it is not known of each place what the driver wants for it. */
static enum ledger_wanted asks(const struct ledger *l, const struct ledger_queue *q, uint16_t idx,
			       const struct ledger_range *range)
{
	if (!l->session.features_known)
		return WANTED_UNSURE;
	if (q->packed)
		return ledger_packed_asks(l, q, range);
	return ledger_is_wanted(l, q, q->used_idx, idx) ? WANTED_YES : WANTED_NO;
}

static void index_moved(struct ledger *l, struct ledger_queue *q, uint16_t idx,
			const struct ledger_range *range)
{
	enum ledger_wanted wanted = asks(l, q, idx, range);
	bool silent = wanted == WANTED_NO;

	if (!q->work.moved) {
		q->work.moved_from = q->used_idx;
		q->work.moved_count = 0;
		q->work.silenced = true;
		q->work.unsure = false;
		q->place.moved = (struct ledger_range){ .entries = 0 };
	}
	if (q->packed)
		ledger_range_join(&q->place.moved, range);
	q->work.moved_count += (uint16_t)(idx - q->used_idx);
	q->work.silenced = q->work.silenced && silent;
	q->work.unsure = q->work.unsure || wanted == WANTED_UNSURE ||
			 (ledger_has_event_idx(l) && ledger_event_wraps(q, GUEST_USED_EVENT));
	q->work.asked = q->work.moved = true;
	q->used_idx = idx;
}

void ledger_plain_moved(struct ledger *l, unsigned queue, uint16_t count,
			const struct ledger_range *range)
{
	struct ledger_queue *q = &l->queues[queue];

	*ledger_chains(l, CHAINS_USED, queue) += count;
	l->call.moved |= 1ULL << queue;
	l->session.events |= VIRTIO_MMIO_INT_VRING;
	index_moved(l, q, (uint16_t)(q->used_idx + count), range);
}

void ledger_plain_used(struct ledger *l, unsigned queue)
{
	struct ledger_queue *q = &l->queues[queue];
	uint16_t idx, moved;

	if (q->packed) {
		ledger_packed_used(l, queue);
		return;
	}
	idx = ledger_used_idx(l, q);
	moved = (uint16_t)(idx - q->used_idx);
	if (moved == 0)
		return;
	if (moved > q->work.held) {
		if (ledger_judges(l, RULE_COMPLETION_NOT_HELD))
			ledger_break(l, RULE_COMPLETION_NOT_HELD,
				     "queue %u: the used index went from %u to %u, and %u chains "
				     "were available or held",
				     queue, q->used_idx, idx, q->work.held);
		ledger_go_blind(l, BLIND_UNKNOWN, queue);
		return;
	}
	/* Once round the ring: entries were written over. */
	if (moved > q->size)
		ledger_go_blind(l, BLIND_LAP, queue);
	judge_entries(l, queue, moved);
	ledger_net_moved(l, queue);
	if (!l->plain.session.blind)
		ledger_plain_moved(l, queue, moved, NULL);
}

/* So many interrupts, which serve the queues [from, to). */
static void judge_interrupts(struct ledger *l, uint32_t count, unsigned from, unsigned to)
{
	bool repeats = !l->target->model && (l->session.events & VIRTIO_MMIO_INT_VRING) != 0;
	bool due = false, wanted = false, unsure = false;
	uint32_t moved = 0;

	if (count == 0)
		return;
	for (unsigned i = from; i < to; i++) {
		struct ledger_queue *q = &l->queues[i];

		if (!q->work.moved)
			continue;
		due = true;
		moved += q->work.moved_count;
		wanted = wanted || !q->work.silenced;
		unsure = unsure || q->work.unsure;
		q->work.moved = false;
	}
	if ((count <= moved || repeats) && (!due || wanted || unsure))
		return;
	if (ledger_judges(l, RULE_WAKEUP_SUPERFLUOUS))
		ledger_break(l, RULE_WAKEUP_SUPERFLUOUS, "%u used-buffer interrupts%s, although %s",
			     count, to - from == 1 ? " of one queue" : "",
			     count <= moved ? "the driver wants none"
					    : "fewer chains were returned");
}

void ledger_plain_interrupts(struct ledger *l)
{
	ledger_judge_used_bit(l);
	for (unsigned i = 0; i < ledger_queues(l); i++)
		judge_interrupts(l, l->plain.device.interrupts[i], i, i + 1);
	judge_interrupts(l, l->plain.device.interrupts[LEDGER_LINE], 0, ledger_queues(l));
}

/* A socket device, and nowhere to put an answer. */
static bool may_not_answer(const struct ledger *l)
{
	return l->target->device_id == VIRTIO_ID_VSOCK && l->queues[0].work.held == 0;
}

void ledger_plain_stuck(struct ledger *l, unsigned i)
{
	const struct ledger_queue *q = &l->queues[i];

	if ((l->call.active >> i & 1) == 0 || !q->work.ready || may_not_answer(l) ||
	    l->plain.session.blind || q->work.held == 0 || l->target->holds || l->target->polls ||
	    !l->target->queues[i].driver_initiated || !ledger_judges(l, RULE_STUCK_AVAILABLE))
		return;
	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
		if (l->hold[h].odd)
			return;
	ledger_break(l, RULE_STUCK_AVAILABLE,
		     "queue %u was notified and %u chains are available, but the device rests "
		     "without having returned them",
		     i, q->work.held);
}

void ledger_over(struct ledger *l)
{
	l->plain.device.over = true;
}

const struct ledger_suspect *ledger_suspect(const struct ledger *l)
{
	return l->plain.device.suspect_count > 0 ? &l->plain.suspects[0] : NULL;
}

void ledger_reset_salted(struct ledger *l)
{
	unsigned count = l->plain.device.suspect_count;
	uint16_t queue_max[PROGRAM_QUEUES];

	memcpy(queue_max, l->queue_max, sizeof(queue_max));
	ledger_reset(l, l->target, l->offered, queue_max);
	l->plain.device.suspect_count = count;
	l->plain.device.salting = true;
}

const struct ledger_suspect *ledger_salted(struct ledger *l)
{
	l->plain.device.salting = false;
	return l->plain.device.confirmed;
}
