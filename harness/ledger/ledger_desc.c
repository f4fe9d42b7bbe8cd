/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Descriptors (VIRTIO 2.7.5): what reading one allows the device to do, and where the
 * chain goes on.  See ledger.h.
 *
 * fetch.walk: a walk may go wherever the previous descriptor leads, but our models end it where it
 * leads back to a descriptor that they have read (devices/README.md).  A read of any other entry
 * follows a value that was not checked.
 *
 * memory.indirect: the table is where the descriptor lay that named it, as the
 * device read that.  Entries of a table that name a table lead nowhere, and a
 * table that passes 2^64 ends there.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define QUEUE_SIZE_MAX 32768u
#define GIVEN_PAGE_SIZE 4096u /* VIRTIO 5.5.6 */

/* Of a chain that goes in a circle no descriptor is read a second time, but for those of an
 * indirect table that lie beyond the queue's size: there the chain's length alone ends it. */
static void judge_circle(const struct ring_access *a, struct ledger_hold *hold, bool table,
			 uint64_t index)
{
	uint64_t *visited = &hold->visited[table][index / 64 % (LEDGER_VISITS / 64)];
	uint64_t bit = 1ULL << index % 64;

	if (index >= a->q->size || index >= LEDGER_VISITS)
		return;
	if ((*visited & bit) != 0 && ledger_judges(a->l, RULE_FETCH_WALK))
		ledger_break(a->l, RULE_FETCH_WALK,
			     "queue %u, chain of head %u: the device read descriptor %llu%s twice",
			     a->why.queue, hold->head, (unsigned long long)index,
			     table ? " of the indirect table" : "");
	*visited |= bit;
}

static inline __attribute__((always_inline)) void judge_walk(const struct ring_access *a,
							     struct ledger_hold *hold)
{
	bool table = a->why.purpose == GUEST_INDIRECT;
	uint64_t index = (a->addr - (table ? hold->table_first : a->q->desc)) / RING_DESC_SIZE;

	/* Loops too end there: no chain is longer than the queue, not counting what names a
	 * table. */
	if (hold->walked++ == a->q->size + (hold->has_table ? 1u : 0u) &&
	    ledger_judges(a->l, RULE_FETCH_WALK))
		ledger_break(a->l, RULE_FETCH_WALK,
			     "queue %u, chain of head %u: the device read more descriptors than "
			     "the queue has, %u",
			     a->why.queue, hold->head, a->q->size);
	judge_circle(a, hold, table, index);
	if (hold->expects && hold->expect == index && hold->in_table == table)
		return;
	hold->strayed = true;
	if (table || a->err != 0 || !ledger_judges(a->l, RULE_FETCH_WALK))
		return;
	ledger_break(a->l, RULE_FETCH_WALK,
		     "queue %u, chain of head %u: the device read descriptor %llu, the chain as it "
		     "read it %s %u",
		     a->why.queue, hold->head, (unsigned long long)index,
		     hold->expects ? "goes on at" : "ended before it could lead to", hold->expect);
}

/* hold: NULL if the device does not hold the chain. */
static void judge_table(const struct ring_access *a, const struct ledger_hold *hold)
{
	const struct ledger *l = a->l;
	bool negotiated = (l->session.driver_features >> VIRTIO_RING_F_INDIRECT_DESC & 1) != 0;
	uint64_t last = a->addr + (a->len - 1);

	/* Such a range cannot be accessed: a device may leave that to be found. */
	if (last < a->addr)
		return;
	if (a->write && ledger_judges(a->l, RULE_MEMORY_WRITE))
		ledger_break(a->l, RULE_MEMORY_WRITE,
			     "queue %u: the device wrote %u bytes at 0x%llx as entries of an "
			     "indirect table",
			     a->why.queue, a->len, (unsigned long long)a->addr);
	if (!l->session.features_known || !ledger_judges(a->l, RULE_MEMORY_INDIRECT))
		return;
	if (!negotiated)
		ledger_break(a->l, RULE_MEMORY_INDIRECT,
			     "queue %u: the device read an indirect table, and INDIRECT_DESC was "
			     "not negotiated",
			     a->why.queue);
	else if (hold == NULL)
		ledger_break(a->l, RULE_MEMORY_INDIRECT,
			     "queue %u: the device read an indirect table for available entry %u, "
			     "whose chain it does not hold",
			     a->why.queue, a->why.walk);
	else if (!hold->has_table || a->addr < hold->table_first || last < a->addr ||
		 last > hold->table_last || (a->addr - hold->table_first) % RING_DESC_SIZE != 0)
		ledger_break(a->l, RULE_MEMORY_INDIRECT,
			     "queue %u, chain of head %u: the device read %u bytes at 0x%llx as "
			     "entries of an indirect table, which do not lie in one that the chain "
			     "names",
			     a->why.queue, hold->head, a->len, (unsigned long long)a->addr);
}

/* What the device may now do more: for the call, and while it holds the chain. */
static inline void allow(struct ledger *l, struct ledger_hold *hold, uint64_t bytes)
{
	/* VIRTIO does not say in how many accesses a buffer is read. */
	uint64_t accesses = LEDGER_DESC_ACCESSES + (l->target->model ? 0 : bytes);

	if (hold != NULL && hold->spent)
		return;
	l->call.bytes_max += bytes;
	l->call.accesses_max += accesses;
	if (hold == NULL)
		return;
	hold->bytes_max += bytes;
	hold->accesses_max += accesses;
	l->device.held_bytes_max += bytes;
	l->device.held_accesses_max += accesses;
}

/* No chain is longer than its queue (2.7.5.3.1).  Where the driver breaks that, a table has
 * as many entries as it says, up to the largest queue there can be. */
static void count_read(const struct ring_access *a, struct ledger_hold *hold)
{
	uint64_t entries =
		hold->has_table ? (hold->table_last - hold->table_first) / RING_DESC_SIZE + 1 : 0;

	if (entries > QUEUE_SIZE_MAX)
		entries = QUEUE_SIZE_MAX;
	hold->spent = ++hold->reads > LEDGER_WALKS * (a->q->size + entries);
}

static void name_table(struct ledger_hold *hold, uint64_t addr, uint32_t len)
{
	hold->has_table = len > 0;
	hold->in_table = true;
	hold->expects = true;
	hold->expect = 0;
	hold->table_first = addr;
	hold->table_last = addr + (len - 1);
	if (hold->table_last < addr)
		hold->table_last = UINT64_MAX;
}

static inline __attribute__((always_inline)) void desc_add(const struct ring_access *a,
							   struct ledger_hold *hold,
							   const struct vring_desc *desc,
							   uint16_t index)
{
	struct ledger *l = a->l;
	uint64_t addr = desc->addr;
	uint32_t len = desc->len;
	uint16_t flags = desc->flags;
	uint32_t moved;

	hold->expects = (flags & VRING_DESC_F_NEXT) != 0;
	hold->expect = desc->next;
	/* What names a table is no buffer.  Without INDIRECT_DESC the flag is the driver's breach
	 * (2.7.5.3.1), and what a device makes of it is open: a buffer, a table or no chain. */
	if ((flags & VRING_DESC_F_INDIRECT) != 0) {
		if (!l->target->model && l->session.features_known &&
		    (l->session.driver_features >> VIRTIO_RING_F_INDIRECT_DESC & 1) == 0)
			hold->blind = true;
		if (a->why.purpose != GUEST_INDIRECT)
			name_table(hold, addr, len);
		hold->past_table = hold->past_table || (a->why.purpose != GUEST_INDIRECT &&
							(flags & VRING_DESC_F_NEXT) != 0);
		allow(l, hold, LEDGER_DESC_BYTES);
		return;
	}
	ledger_hold_add(l, hold, addr, len, (flags & VRING_DESC_F_WRITE) != 0);
	if (hold->last_desc != LEDGER_NONE)
		l->nodes[hold->last_desc].index = index;
	/* Read once and, where a device takes back what it wrote, written twice. */
	moved = l->target->chain_bytes_max - hold->moved_max;
	if (len < moved)
		moved = len;
	hold->moved_max += moved;
	allow(l, hold, 2ull * moved + LEDGER_DESC_BYTES);
	/* A page that is given away may be discarded (ledger_away.c). */
	if ((l->target->gives_away >> a->why.queue & 1) != 0 && (flags & VRING_DESC_F_WRITE) == 0)
		allow(l, hold, moved / sizeof(uint32_t) * (uint64_t)GIVEN_PAGE_SIZE);
}

void ledger_desc_add(const struct ring_access *a, struct ledger_hold *hold,
		     const struct vring_desc *desc, uint16_t index)
{
	desc_add(a, hold, desc, index);
}

/* An entry of the table, as the device read it.  In one of a packed ring entries follow each
 * other, and WRITE is the only flag (2.8.7). */
static inline void add_entry(const struct ring_access *a, struct ledger_hold *hold, uint32_t at)
{
	const uint8_t *bytes = a->data + at;
	struct vring_desc desc = { .addr = ledger_get64(bytes),
				   .len = ledger_get32(bytes + 8),
				   .flags = ledger_get16(bytes + 12),
				   .next = ledger_get16(bytes + 14) };
	uint64_t index = (a->addr + at - a->q->desc) / RING_DESC_SIZE;

	if (a->q->packed) {
		index = (a->addr + at - hold->table_first) / RING_DESC_SIZE;
		desc.flags = desc.next & VRING_DESC_F_WRITE;
		desc.next = (uint16_t)(index + 1);
		if (hold->has_table &&
		    (index + 2) * RING_DESC_SIZE - 1 <= hold->table_last - hold->table_first)
			desc.flags |= VRING_DESC_F_NEXT;
	}
	desc_add(a, hold, &desc, (uint16_t)index);
}

static inline __attribute__((always_inline)) bool desc_walk(const struct ring_access *a,
							    struct ledger_hold *hold)
{
	judge_walk(a, hold);
	count_read(a, hold);
	hold->faulted = hold->faulted || a->err != 0;
	if (a->err != 0)
		allow(a->l, hold, LEDGER_DESC_BYTES);
	return a->err == 0;
}

bool ledger_desc_walk(const struct ring_access *a, struct ledger_hold *hold)
{
	return desc_walk(a, hold);
}

void ledger_desc_read(const struct ring_access *a)
{
	struct ledger *l = a->l;
	uint32_t found = ledger_hold_find(l, a->q, a->why.walk);
	struct ledger_hold *hold = found != LEDGER_NONE ? &l->hold[found] : NULL;

	l->call.descs++;
	if (a->why.purpose == GUEST_INDIRECT && a->len > 0 &&
	    (hold != NULL || !a->q->work.overflowed))
		judge_table(a, hold);
	if (hold == NULL || a->len == 0 || a->write) {
		allow(l, NULL, 2ull * l->target->chain_bytes_max + LEDGER_DESC_BYTES);
		return;
	}
	if (hold->early)
		ledger_hold_act(a->q, hold);
	if (!desc_walk(a, hold))
		return;
	for (uint32_t i = 0; i + RING_DESC_SIZE <= a->len; i += RING_DESC_SIZE)
		add_entry(a, hold, i);
}
