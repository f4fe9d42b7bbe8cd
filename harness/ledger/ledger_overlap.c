/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Find parts of plain memory that the device may both write and read.  See
 * ledger_survey.c.
 */
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

#define SALT_NODES_MAX 512u /* descriptors known at a time, to compare each with each */

struct span {
	uint64_t first, last;
};

static bool meet(struct span a, struct span b)
{
	return a.first <= b.last && b.first <= a.last;
}

static struct span span_of(uint64_t first, uint64_t len)
{
	return (struct span){ first, first + (len - 1) };
}

/* What the device reads as rings, and what it writes: [0] is the used ring, and of a packed
 * one [1] too. */
static void rings_of(const struct ledger_queue *q, struct span ring[VIRTQUEUE_AREA_COUNT])
{
	const struct ring_layout *layout = ledger_layout(q);

	ring[0] = span_of(q->used, ring_extent(layout, VIRTQUEUE_DEVICE, q->size));
	ring[1] = span_of(q->desc, ring_extent(layout, VIRTQUEUE_DESC, q->size));
	ring[2] = span_of(q->avail, ring_extent(layout, VIRTQUEUE_DRIVER, q->size));
}

/* Does it meet a device-writable buffer of the chain? */
static bool is_writable(const struct ledger *l, const struct ledger_hold *hold, struct span part)
{
	for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next)
		if (l->nodes[n].writable && !l->nodes[n].empty &&
		    meet(part, (struct span){ l->nodes[n].first, l->nodes[n].last }))
			return true;
	return false;
}

/* Does a buffer of the chain, or a used ring, lie over a table that is read? */
static bool meets_tables(const struct ledger *l, struct span written)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];

		for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
			if (l->hold[h].has_table &&
			    meet(written,
				 (struct span){ l->hold[h].table_first, l->hold[h].table_last }))
				return true;
	}
	return false;
}

/* own: the queue whose area of that number it is; NULL: of none. */
static bool meets_rings(const struct ledger *l, struct span written, const struct ledger_queue *own,
			unsigned number)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];
		struct span ring[VIRTQUEUE_AREA_COUNT];

		if (!q->work.ready)
			continue;
		rings_of(q, ring);
		for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
			if ((own != q || part != number) && meet(written, ring[part]))
				return true;
	}
	return false;
}

bool ledger_overlaps(const struct ledger *l, const struct ledger_queue *q)
{
	struct span ring[VIRTQUEUE_AREA_COUNT];

	rings_of(q, ring);
	for (unsigned part = 0; part < (q->packed ? 2 : 1); part++)
		if (meets_rings(l, ring[part], q, part) ||
		    (l->plain.session.tables && meets_tables(l, ring[part])))
			return true;
	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next) {
		for (uint32_t n = l->hold[h].first; n != LEDGER_NONE; n = l->nodes[n].next) {
			struct span part = { l->nodes[n].first, l->nodes[n].last };

			if (l->nodes[n].writable && !l->nodes[n].empty &&
			    (meets_rings(l, part, NULL, 0) ||
			     (l->plain.session.tables && meets_tables(l, part))))
				return true;
		}
	}
	return false;
}

bool ledger_is_away(const struct ledger *l, const struct ledger_queue *q)
{
	struct span ring[VIRTQUEUE_AREA_COUNT];

	rings_of(q, ring);
	for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		if (ledger_away_any(l, ring[part].first, ring[part].last))
			return true;
	return false;
}

/* Is a device-writable buffer of the chain one that a device may read as well? */
static bool is_read_too(const struct ledger *l, const struct ledger_hold *hold)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		for (uint32_t h = l->queues[i].holds; h != LEDGER_NONE; h = l->hold[h].next) {
			for (uint32_t r = l->hold[h].first; r != LEDGER_NONE;
			     r = l->nodes[r].next) {
				struct span part = { l->nodes[r].first, l->nodes[r].last };

				if (!l->nodes[r].writable && !l->nodes[r].empty &&
				    is_writable(l, hold, part))
					return true;
			}
		}
	}
	return false;
}

void ledger_salt(struct ledger *l, struct ledger_hold *hold)
{
	uint64_t key = (uint64_t)++l->plain.device.salts << 32;
	bool pure = !hold->odd && l->device.node_used <= SALT_NODES_MAX && !is_read_too(l, hold);

	if (hold->salted || !pure) {
		hold->pure = hold->pure && pure;
		hold->salted = true;
		return;
	}
	hold->salted = hold->pure = true;
	for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next)
		if (l->nodes[n].writable && !l->nodes[n].empty)
			arena_salt(l->plain.arena, l->nodes[n].first,
				   (uint32_t)(l->nodes[n].last - l->nodes[n].first) + 1, key + n);
}
