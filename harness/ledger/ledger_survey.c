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

#define PARTS_MAX 512u /* of one chain; more: nothing is said of it */

/* A chain as memory has it now. */
struct parts {
	unsigned count;
	bool odd, blind;
	bool writable; /* the last part is */
	uint64_t bytes;
	bool has_table;
	uint64_t table, table_last;
	struct {
		uint64_t addr;
		uint32_t len;
		bool writable;
	} part[PARTS_MAX];
};

static bool has_feature(const struct ledger *l, unsigned bit)
{
	return (l->session.driver_features >> bit & 1) != 0;
}

uint16_t ledger_used_idx(const struct ledger *l, const struct ledger_queue *q)
{
	return arena_load16(l->plain.arena, q->used + ring_at(&ring_split, GUEST_USED_IDX, 0, 0));
}

bool ledger_is_wanted(const struct ledger *l, const struct ledger_queue *q, uint16_t from,
		      uint16_t to)
{
	uint16_t event;

	if (!has_feature(l, VIRTIO_RING_F_EVENT_IDX))
		return (arena_load16(l->plain.arena,
				     q->avail + ring_at(&ring_split, GUEST_AVAIL_FLAGS, 0, 0)) &
			VRING_AVAIL_F_NO_INTERRUPT) == 0;
	event = arena_load16(l->plain.arena,
			     q->avail + ring_at(&ring_split, GUEST_USED_EVENT, q->size, 0));
	return (uint16_t)(to - event - 1) < (uint16_t)(to - from);
}

/* The table that a descriptor names, and how many descriptors of it there may be; false if
 * it is none that can be followed. */
static bool enter_table(const struct ledger *l, struct parts *p, uint64_t addr, uint32_t len,
			uint16_t flags, uint32_t *size)
{
	/* A device may take one that is cut off for whole, and an empty one for one. */
	uint64_t whole =
		len == 0 ? RING_DESC_SIZE
			 : (len + (RING_DESC_SIZE - 1ULL)) / RING_DESC_SIZE * RING_DESC_SIZE;

	if (p->has_table || !l->session.features_known ||
	    !has_feature(l, VIRTIO_RING_F_INDIRECT_DESC) || (flags & VRING_DESC_F_NEXT) != 0 ||
	    addr > UINT64_MAX - (whole - 1)) {
		p->blind = true;
		return false;
	}
	p->odd = p->odd || whole != len || !arena_has(l->plain.arena, addr, whole);
	p->has_table = true;
	p->table = addr;
	p->table_last = addr + (whole - 1);
	*size = (uint32_t)(whole / RING_DESC_SIZE);
	return true;
}

static void add_part(const struct ledger *l, struct parts *p, uint64_t addr, uint32_t len,
		     bool writable)
{
	if (p->count == PARTS_MAX) {
		p->blind = true;
		return;
	}
	p->odd = p->odd || len == 0 || (p->writable && !writable) ||
		 !arena_has(l->plain.arena, addr, len);
	p->writable = writable;
	p->bytes += len;
	p->odd = p->odd || p->bytes > UINT32_MAX;
	p->part[p->count].addr = addr;
	p->part[p->count].len = len;
	p->part[p->count++].writable = writable;
}

static void walk(const struct ledger *l, const struct ledger_queue *q, uint16_t head,
		 struct parts *p)
{
	uint64_t table = q->desc;
	uint32_t size = q->size;
	uint32_t index = head;

	p->count = 0;
	p->bytes = 0;
	p->odd = p->blind = p->writable = p->has_table = false;
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
			if (!enter_table(l, p, ledger_get64(desc), ledger_get32(desc + 8), flags,
					 &size))
				return;
			table = p->table;
			index = 0;
			steps = UINT32_MAX;
			continue;
		}
		add_part(l, p, ledger_get64(desc), ledger_get32(desc + 8),
			 (flags & VRING_DESC_F_WRITE) != 0);
		if ((flags & VRING_DESC_F_NEXT) == 0)
			return;
		index = ledger_get16(desc + 14);
	}
}

/* Is the part one of the hold's already? */
static bool has_part(const struct ledger *l, const struct ledger_hold *hold, const struct parts *p,
		     unsigned i)
{
	uint32_t len = p->part[i].len;

	for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next) {
		const struct ledger_node *node = &l->nodes[n];

		if (node->first == p->part[i].addr && node->writable == p->part[i].writable &&
		    node->empty == (len == 0) && (len == 0 || node->last - node->first == len - 1))
			return true;
	}
	return false;
}

static bool is_same(const struct ledger *l, const struct ledger_hold *hold, const struct parts *p)
{
	uint32_t n = hold->first;

	if (hold->desc_count != p->count || hold->has_table != p->has_table ||
	    (p->has_table && (hold->table_first != p->table || hold->table_last != p->table_last)))
		return false;
	for (unsigned i = 0; i < p->count; i++, n = l->nodes[n].next)
		if (l->nodes[n].first != p->part[i].addr ||
		    l->nodes[n].writable != p->part[i].writable ||
		    l->nodes[n].empty != (p->part[i].len == 0) ||
		    (p->part[i].len != 0 &&
		     l->nodes[n].last - l->nodes[n].first != p->part[i].len - 1))
			return false;
	return true;
}

/* The chain as it is now is one that the device may find. */
static void permit(struct ledger *l, struct ledger_hold *hold, const struct parts *p, bool fresh)
{
	hold->blind = hold->blind || p->blind;
	hold->odd = hold->odd || p->odd || p->blind;
	if (!fresh && is_same(l, hold, p))
		return;
	if (!fresh)
		hold->odd = true;
	if (hold->has_table && p->has_table &&
	    (hold->table_first != p->table || hold->table_last != p->table_last))
		hold->blind = true;
	if (p->has_table) {
		l->plain.session.tables = hold->has_table = true;
		hold->table_first = p->table;
		hold->table_last = p->table_last;
	}
	for (unsigned i = 0; i < p->count && !hold->blind; i++)
		if (fresh || !has_part(l, hold, p, i))
			ledger_hold_add(l, hold, p->part[i].addr, p->part[i].len,
					p->part[i].writable);
}

static uint16_t avail_entry(const struct ledger *l, const struct ledger_queue *q, uint16_t at)
{
	return arena_load16(l->plain.arena, q->avail + ring_at(&ring_split, GUEST_AVAIL_ENTRY,
							       q->size, at % q->size));
}

/* What is available and new; BLIND_NEVER, or why it cannot be told. */
static enum ledger_blind take_new(struct ledger *l, struct ledger_queue *q, struct parts *p)
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
		permit(l, &l->hold[index], p, true);
		q->work.held++;
		if (l->hold[index].blind)
			return BLIND_CHAIN;
	}
	return BLIND_NEVER;
}

/* The chains that are held already, as memory has them now. */
static enum ledger_blind look_again(struct ledger *l, struct ledger_queue *q, struct parts *p)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		if (avail_entry(l, q, l->hold[i].walk) != l->hold[i].head)
			return BLIND_ENTRY;
		walk(l, q, l->hold[i].head, p);
		permit(l, &l->hold[i], p, false);
		if (l->hold[i].blind)
			return BLIND_CHAIN;
	}
	return BLIND_NEVER;
}

/* BLIND_NEVER, or why it cannot be told what the device may do with the queue. */
static enum ledger_blind survey_queue(struct ledger *l, struct ledger_queue *q)
{
	static struct parts parts;
	enum ledger_blind cause;

	if (!ledger_has_rings(l, q))
		return BLIND_RING;
	if (ledger_used_idx(l, q) != q->used_idx)
		return BLIND_USED;
	cause = look_again(l, q, &parts);
	if (cause == BLIND_NEVER)
		cause = take_new(l, q, &parts);
	if (cause != BLIND_NEVER)
		return cause;
	/* An interrupt may still come for what was returned before, and what the
	 * driver says of it is read then. */
	if (q->work.moved &&
	    q->work.silenced != !ledger_is_wanted(l, q, q->work.moved_from, q->used_idx)) {
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
	static struct parts parts;
	uint16_t idx = arena_load16(l->plain.arena,
				    q->avail + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0));
	uint16_t at = q->used_idx;

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

		*queue = i;
		if (!q->stopped || !ledger_has_rings(l, q))
			continue;
		if (is_in(addr, q->desc, ring_extent(&ring_split, VIRTQUEUE_DESC, q->size)) ||
		    is_in(addr, q->avail, ring_extent(&ring_split, VIRTQUEUE_DRIVER, q->size)) ||
		    is_in(addr, q->used, ring_extent(&ring_split, VIRTQUEUE_DEVICE, q->size)) ||
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

	if (!l->enabled || !q->work.ready || !q->known || q->jumped || l->session.lost ||
	    l->plain.session.blind || !ledger_judges(l, RULE_ORDER_UNAVAILABLE))
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
	for (unsigned i = 0; clear && i < ledger_queues(l); i++) {
		if (!l->queues[i].work.ready || !ledger_overlaps(l, &l->queues[i]))
			continue;
		clear = false;
		if (cause != BLIND_NEVER)
			continue;
		cause = BLIND_OVERLAP;
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
