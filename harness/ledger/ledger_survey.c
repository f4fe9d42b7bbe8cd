/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Plain memory before a call: what the driver has made available, and so what the
 * device may do (VIRTIO 2.7).  See ledger.h.
 *
 * Nobody else writes to memory during a device call, so the device reads what was there
 * before the call or what it wrote itself.  If these can be the same bytes (a
 * device-writable buffer or a used ring overlaps a ring, a table or another used ring),
 * the ledger cannot know what the device saw, and judges nothing for a while
 * (ledger_blind.c).
 *
 * Every chain that is available and not returned counts as held, since the ledger
 * cannot see whether the device has taken it.  The device may take it in any call, so
 * the buffers that the chain has at any of these calls are permitted.  An invalid chain
 * can be understood in several ways: all of them are permitted (`odd`: its length is
 * not judged) or, if they cannot be listed, everything is (`blind`).  Of an indirect table
 * that is cut off, empty or not all in memory a device reads no more than what is there.
 *
 * order.unavailable: an available index that jumped further than the queue is long is policy
 * (ledger_ring.c).  How many chains the device could return before is known then; if it
 * returns more, it went by that index.
 *
 * What a device says itself of how far it took a queue (vringer.h, `taken`) lies between what
 * it returned and what is available, whoever made it so: it cannot take anything else.
 *
 * The ledger follows a device's position in a ring from index 0 on.  It stops when the
 * used index is not where the device left it, when the available index jumped, or when
 * an entry changed while it was available.
 */
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

uint16_t ledger_used_idx(const struct ledger *l, const struct ledger_queue *q)
{
	return arena_load16(l->plain.arena, q->used + ring_at(&ring_split, GUEST_USED_IDX, 0, 0));
}

bool ledger_is_wanted(const struct ledger *l, const struct ledger_queue *q, uint16_t from,
		      uint16_t to)
{
	uint16_t event;

	if (!ledger_has_event_idx(l))
		return (arena_load16(l->plain.arena,
				     q->avail + ring_at(&ring_split, GUEST_AVAIL_FLAGS, 0, 0)) &
			VRING_AVAIL_F_NO_INTERRUPT) == 0;
	event = arena_load16(l->plain.arena,
			     q->avail + ring_at(&ring_split, GUEST_USED_EVENT, q->size, 0));
	return (uint16_t)(to - event - 1) < (uint16_t)(to - from);
}

static void walk(const struct ledger *l, const struct ledger_queue *q, uint16_t head,
		 struct ledger_parts *p)
{
	uint64_t table = q->desc;
	uint32_t size = q->size;
	uint32_t index = head;

	ledger_parts_clear(p);
	for (uint32_t steps = 0; !p->blind; steps++) {
		uint8_t desc[RING_DESC_SIZE];
		uint16_t flags;

		/* A loop comes by all that it leads to in as many steps. */
		if (index >= size || steps >= size ||
		    !arena_has(l->plain.arena, table + ring_at(&ring_split, GUEST_DESC, 0, index),
			       RING_DESC_SIZE)) {
			p->odd = true;
			return;
		}
		arena_load(l->plain.arena, table + ring_at(&ring_split, GUEST_DESC, 0, index), desc,
			   RING_DESC_SIZE);
		flags = ledger_get16(desc + 12);
		if ((flags & VRING_DESC_F_INDIRECT) != 0) {
			if (!ledger_parts_table(l, p, ledger_get64(desc), ledger_get32(desc + 8),
						flags, &size))
				return;
			table = p->table;
			index = 0;
			steps = UINT32_MAX;
			continue;
		}
		ledger_parts_add(l, p, ledger_get64(desc), ledger_get32(desc + 8),
				 (flags & VRING_DESC_F_WRITE) != 0);
		if ((flags & VRING_DESC_F_NEXT) == 0)
			return;
		index = ledger_get16(desc + 14);
	}
}

static uint16_t avail_entry(const struct ledger *l, const struct ledger_queue *q, uint16_t at)
{
	return arena_load16(l->plain.arena, q->avail + ring_at(&ring_split, GUEST_AVAIL_ENTRY,
							       q->size, at % q->size));
}

/* What is available and new; BLIND_NEVER, or why it cannot be told. */
static enum ledger_blind take_new(struct ledger *l, struct ledger_queue *q, struct ledger_parts *p)
{
	uint16_t idx = arena_load16(l->plain.arena,
				    q->avail + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0));

	/* More than the queue has entries, if only by and by: a device that looks now sees
	 * them all at once. */
	if ((uint16_t)(idx - q->taken) > q->size) {
		q->jumped = true;
		q->jumped_held = q->work.held;
		q->jumped_used = q->used_idx;
		return BLIND_JUMP;
	}
	if ((uint16_t)(idx - q->used_idx) > q->size)
		return BLIND_JUMP;
	for (unsigned n = 0; q->taken != idx && n < q->size; n++, q->taken++) {
		uint16_t head = avail_entry(l, q, q->taken);
		uint32_t index = ledger_hold_take(l, q, q->taken, head);

		if (index == LEDGER_NONE)
			return BLIND_ROOM;
		walk(l, q, head, p);
		l->hold[index].look = l->plain.arena->look;
		ledger_permit(l, &l->hold[index], p, true);
		q->work.held++;
		if (l->hold[index].blind)
			return BLIND_CHAIN;
	}
	return BLIND_NEVER;
}

/* The chains that are held already, as memory has them now. */
static enum ledger_blind look_again(struct ledger *l, struct ledger_queue *q,
				    struct ledger_parts *p)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		if (avail_entry(l, q, l->hold[i].walk) != l->hold[i].head)
			return BLIND_ENTRY;
		walk(l, q, l->hold[i].head, p);
		ledger_permit(l, &l->hold[i], p, false);
		if (l->hold[i].blind)
			return BLIND_CHAIN;
	}
	return BLIND_NEVER;
}

/* Does the driver want an interrupt for what was returned since one was due? */
static bool wants_moved(const struct ledger *l, const struct ledger_queue *q)
{
	return q->packed ? ledger_packed_asks(l, q, &q->place.moved) != WANTED_NO
			 : ledger_is_wanted(l, q, q->work.moved_from, q->used_idx);
}

/* BLIND_NEVER, or why it cannot be told what the device may do with the queue. */
static enum ledger_blind survey_queue(struct ledger *l, struct ledger_queue *q)
{
	static struct ledger_parts parts;
	enum ledger_blind cause;

	if (!ledger_has_rings(l, q))
		return BLIND_RING;
	if (!q->packed && ledger_used_idx(l, q) != q->used_idx)
		return BLIND_USED;
	if (q->packed)
		cause = ledger_packed_survey(l, q, &parts);
	else
		cause = look_again(l, q, &parts);
	if (cause == BLIND_NEVER && !q->packed)
		cause = take_new(l, q, &parts);
	if (cause != BLIND_NEVER)
		return cause;
	/* An interrupt may still come for what was returned before, and what the
	 * driver says of it is read then. */
	if (q->work.moved && q->work.silenced != !wants_moved(l, q)) {
		q->work.silenced = true;
		q->work.unsure = true;
	}
	return BLIND_NEVER;
}

static bool is_in(uint64_t addr, uint64_t first, uint64_t len)
{
	return addr - first < len;
}

/* Is it in a chain of the queue, from the used index on to the available one?  That is
 * where they are, if they were returned in order. */
static bool is_of_chains(const struct ledger *l, const struct ledger_queue *q, uint64_t addr)
{
	static struct ledger_parts parts;
	uint16_t idx, at = q->used_idx;

	if (q->packed)
		return ledger_packed_is_of_chains(l, q, &parts, addr);
	idx = arena_load16(l->plain.arena, q->avail + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0));
	for (unsigned n = 0; at != idx && n < q->size; n++, at++) {
		walk(l, q, avail_entry(l, q, at), &parts);
		if (parts.has_table && is_in(addr, parts.table, parts.table_last - parts.table + 1))
			return true;
		for (unsigned i = 0; i < parts.count; i++)
			if (is_in(addr, parts.part[i].addr, parts.part[i].len))
				return true;
	}
	return false;
}

bool ledger_is_stopped(const struct ledger *l, uint64_t addr, unsigned *queue)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];
		const struct ring_layout *layout = ledger_layout(q);

		*queue = i;
		if (!q->stopped || !ledger_has_rings(l, q))
			continue;
		if (is_in(addr, q->desc, ring_extent(layout, VIRTQUEUE_DESC, q->size)) ||
		    is_in(addr, q->avail, ring_extent(layout, VIRTQUEUE_DRIVER, q->size)) ||
		    is_in(addr, q->used, ring_extent(layout, VIRTQUEUE_DEVICE, q->size)) ||
		    is_of_chains(l, q, addr))
			return true;
	}
	return false;
}

void ledger_judge_jump(struct ledger *l)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		struct ledger_queue *q = &l->queues[i];
		uint16_t moved;

		if (!q->jumped || !q->work.ready || !ledger_has_rings(l, q))
			continue;
		moved = (uint16_t)(ledger_used_idx(l, q) - q->jumped_used);
		/* By the next call the driver may have written there. */
		q->jumped = false;
		if (moved > q->jumped_held && ledger_judges(l, RULE_ORDER_UNAVAILABLE))
			ledger_break(l, RULE_ORDER_UNAVAILABLE,
				     "queue %u: the available index went further ahead than the "
				     "queue is long, and the used index went from %u to %u, of %u "
				     "chains before that",
				     i, q->jumped_used, (uint16_t)(q->jumped_used + moved),
				     q->jumped_held);
	}
}

void ledger_taken(struct ledger *l, unsigned queue, uint16_t index)
{
	const struct ledger_queue *q = &l->queues[queue];
	uint16_t most = (uint16_t)(q->taken - q->used_idx);

	/* Of a packed ring nothing is counted that such an index could be compared with. */
	if (!l->enabled || !q->work.ready || !q->known || q->packed || q->jumped ||
	    l->session.lost || l->plain.session.blind || !ledger_judges(l, RULE_ORDER_UNAVAILABLE))
		return;
	if ((uint16_t)(index - q->used_idx) > most)
		ledger_break(l, RULE_ORDER_UNAVAILABLE,
			     "queue %u was stopped and the device says that it took chains up to "
			     "available index %u; it returned those up to %u, and %u are available",
			     queue, index, q->used_idx, q->taken);
}

/* All queues: BLIND_NEVER, or why it cannot be told what the device may do, and of which.
 * Where an index jumped, the other queues tell whether the used index of that one is the
 * device's alone: else it says nothing of what the device went by. */
static enum ledger_blind survey_queues(struct ledger *l, unsigned *queue)
{
	enum ledger_blind cause = BLIND_NEVER, found = BLIND_NEVER;
	bool clear = true;

	for (unsigned i = 0; clear && i < ledger_queues(l); i++) {
		if (!l->queues[i].work.ready)
			continue;
		found = survey_queue(l, &l->queues[i]);
		clear = found == BLIND_NEVER || l->queues[i].jumped;
		if (found == BLIND_NEVER || cause != BLIND_NEVER)
			continue;
		cause = found;
		*queue = i;
	}
	if (clear && l->target->gives_away != 0)
		ledger_away_look(l);
	for (unsigned i = 0; clear && i < ledger_queues(l); i++) {
		if (!l->queues[i].work.ready)
			continue;
		found = ledger_overlaps(l, &l->queues[i])  ? BLIND_OVERLAP
			: ledger_is_away(l, &l->queues[i]) ? BLIND_AWAY
							   : BLIND_NEVER;
		if (found == BLIND_NEVER)
			continue;
		clear = false;
		if (cause != BLIND_NEVER)
			continue;
		cause = found;
		*queue = i;
	}
	for (unsigned i = 0; !clear && i < ledger_queues(l); i++)
		l->queues[i].jumped = false;
	return cause;
}

void ledger_survey(struct ledger *l)
{
	unsigned queue = 0;
	enum ledger_blind cause = survey_queues(l, &queue);

	if (cause != BLIND_NEVER) {
		ledger_go_blind(l, cause, queue);
		return;
	}
	for (unsigned i = 0; l->plain.device.salting && i < ledger_queues(l); i++)
		for (uint32_t h = l->queues[i].holds; h != LEDGER_NONE; h = l->hold[h].next)
			ledger_salt(l, &l->hold[h]);
}
