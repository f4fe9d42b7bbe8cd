/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A chain in plain memory, as a list of its parts, whatever the format of its ring; and what
 * the device may do because of it.  See ledger_survey.c.
 */
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

#include <linux/virtio_ring.h>

void ledger_parts_clear(struct ledger_parts *p)
{
	p->count = 0;
	p->bytes = 0;
	p->odd = p->blind = p->writable = p->has_table = false;
}

/* The table that a descriptor names, and how many descriptors of it there may be; false if
 * it is none that can be followed. */
bool ledger_parts_table(const struct ledger *l, struct ledger_parts *p, uint64_t addr, uint32_t len,
			uint16_t flags, uint32_t *size)
{
	/* A device may take one that is cut off for whole, and an empty one for one. */
	uint64_t whole =
		len == 0 ? RING_DESC_SIZE
			 : (len + (RING_DESC_SIZE - 1ULL)) / RING_DESC_SIZE * RING_DESC_SIZE;

	if (p->has_table || !l->session.features_known ||
	    (l->session.driver_features >> VIRTIO_RING_F_INDIRECT_DESC & 1) == 0 ||
	    (flags & VRING_DESC_F_NEXT) != 0 || addr > UINT64_MAX - (whole - 1)) {
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

void ledger_parts_add(const struct ledger *l, struct ledger_parts *p, uint64_t addr, uint32_t len,
		      bool writable)
{
	if (p->count == LEDGER_PARTS_MAX) {
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

/* Is the part one of the hold's already? */
static bool has_part(const struct ledger *l, const struct ledger_hold *hold,
		     const struct ledger_parts *p, unsigned i)
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

bool ledger_is_same(const struct ledger *l, const struct ledger_hold *hold,
		    const struct ledger_parts *p)
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
void ledger_permit(struct ledger *l, struct ledger_hold *hold, const struct ledger_parts *p,
		   bool fresh)
{
	hold->blind = hold->blind || p->blind;
	hold->odd = hold->odd || p->odd || p->blind;
	if (!fresh && ledger_is_same(l, hold, p))
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
