/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Plain memory before a call: what the driver has made available, and so what the
 * device may do (VIRTIO 2.7).  See ledger.h.
 *
 * Nobody else writes to memory during a device call, so the device reads what was there
 * before the call or what it wrote itself.  If these can be the same bytes (a
 * device-writable buffer or a used ring overlaps a ring, a table or another used ring),
 * the ledger cannot know what the device saw, and judges nothing until reset.
 *
 * Every chain that is available and not returned counts as held, since the ledger
 * cannot see whether the device has taken it.  The device may take it in any call, so
 * the buffers that the chain has at any of these calls are permitted.  An invalid chain
 * can be understood in several ways: all of them are permitted (`odd`: its length is
 * not judged) or, if they cannot be listed, everything is (`blind`).
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

void ledger_go_blind(struct ledger *l)
{
	l->plain.session.blind = l->plain.device.went_blind = true;
	l->plain.device.stale = !l->plain.thorough;
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		struct ledger_queue *q = &l->queues[i];

		while (q->holds != LEDGER_NONE)
			ledger_hold_drop(l, q, q->holds);
		q->work.moved = false;
		q->work.held = 0;
	}
	for (int i = 0; i < RULE_COUNT; i++)
		if ((rule_table[i].facts & FACT_CHANGES) != 0 &&
		    rule_extent((enum rule)i, l->target->facts) != RULE_NOT_JUDGED)
			l->not_judged[i / 64] |= 1ULL << i % 64;
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

/* The table that a descriptor names; false if it is none that must be followed. */
static bool enter_table(const struct ledger *l, struct parts *p, uint64_t addr, uint32_t len,
			uint16_t flags)
{
	if (p->has_table || !l->session.features_known ||
	    !has_feature(l, VIRTIO_RING_F_INDIRECT_DESC) || (flags & VRING_DESC_F_NEXT) != 0 ||
	    len == 0 || len % RING_DESC_SIZE != 0 || !arena_has(l->plain.arena, addr, len)) {
		p->blind = true;
		return false;
	}
	p->has_table = true;
	p->table = addr;
	p->table_last = addr + (len - 1);
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
		if (index >= size || steps >= size) {
			p->odd = true;
			return;
		}
		arena_load(l->plain.arena, table + ring_at(&ring_split, GUEST_DESC, 0, index), desc,
			   RING_DESC_SIZE);
		flags = ledger_get16(desc + 12);
		if ((flags & VRING_DESC_F_INDIRECT) != 0) {
			if (!enter_table(l, p, ledger_get64(desc), ledger_get32(desc + 8), flags))
				return;
			table = p->table;
			size = ledger_get32(desc + 8) / RING_DESC_SIZE;
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

/* What is available and new; false if it cannot be told. */
static bool take_new(struct ledger *l, struct ledger_queue *q, struct parts *p)
{
	uint16_t idx = arena_load16(l->plain.arena,
				    q->avail + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0));

	if ((uint16_t)(idx - q->taken) > q->size)
		return false;
	for (unsigned n = 0; q->taken != idx && n < q->size; n++, q->taken++) {
		uint16_t head = avail_entry(l, q, q->taken);
		uint32_t index = ledger_hold_take(l, q, q->taken, head);

		if (index == LEDGER_NONE)
			return false;
		walk(l, q, head, p);
		l->hold[index].look = l->plain.arena->look;
		permit(l, &l->hold[index], p, true);
		q->work.held++;
		if (l->hold[index].blind)
			return false;
	}
	return true;
}

/* The chains that are held already, as memory has them now. */
static bool look_again(struct ledger *l, struct ledger_queue *q, struct parts *p)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		if (avail_entry(l, q, l->hold[i].walk) != l->hold[i].head)
			return false;
		walk(l, q, l->hold[i].head, p);
		permit(l, &l->hold[i], p, false);
		if (l->hold[i].blind)
			return false;
	}
	return true;
}

static bool rings_are_there(const struct ledger *l, const struct ledger_queue *q)
{
	struct arena *arena = l->plain.arena;

	return arena_has(arena, q->desc, ring_extent(&ring_split, VIRTQUEUE_DESC, q->size)) &&
	       arena_has(arena, q->avail, ring_extent(&ring_split, VIRTQUEUE_DRIVER, q->size)) &&
	       arena_has(arena, q->used, ring_extent(&ring_split, VIRTQUEUE_DEVICE, q->size));
}

/* false: what the device may do with the queue cannot be told. */
static bool survey_queue(struct ledger *l, struct ledger_queue *q)
{
	static struct parts parts;

	if (!q->known || !rings_are_there(l, q) || ledger_used_idx(l, q) != q->used_idx ||
	    !look_again(l, q, &parts) || !take_new(l, q, &parts))
		return false;
	/* An interrupt may still come for what was returned before, and what the
	 * driver says of it is read then. */
	if (q->work.moved &&
	    q->work.silenced != !ledger_is_wanted(l, q, q->work.moved_from, q->used_idx)) {
		q->work.silenced = true;
		q->work.unsure = true;
	}
	return true;
}

void ledger_survey(struct ledger *l)
{
	bool told = true;

	for (unsigned i = 0; told && i < ledger_queues(l); i++)
		told = !l->queues[i].work.ready || survey_queue(l, &l->queues[i]);
	for (unsigned i = 0; told && i < ledger_queues(l); i++)
		told = !l->queues[i].work.ready || !ledger_overlaps(l, &l->queues[i]);
	if (!told) {
		ledger_go_blind(l);
		return;
	}
	for (unsigned i = 0; l->plain.device.salting && i < ledger_queues(l); i++)
		for (uint32_t h = l->queues[i].holds; h != LEDGER_NONE; h = l->hold[h].next)
			ledger_salt(l, &l->hold[h]);
}
