/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Chains: the descriptors that the device read decide which memory it may access.
 *
 * memory.write, memory.read: a permission is made of the very values that the
 * device's own descriptor reads returned, so races, overlapping rings and
 * buffers, and memory that the guest changes later make no difference: a
 * correct device copies a descriptor, checks the copy and acts on the copy.
 * Where a chain is walked twice the permissions of both walks count.
 *
 * A device may read an available entry before it is available (ledger_ring.c), but has no
 * chain by that: what it does for the chain before it saw an index beyond the entry is
 * done for none that it holds.
 *
 * completion.len: bytes are marked as written by address when a write
 * succeeded.  Where buffers of a chain overlap, a byte written once counts for
 * all of them, as it does for the driver that reads them.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <stddef.h>
#include <string.h>

#define RANGES_MAX 600 /* ranges of written bytes of a chain; more: not judged */

static void drop_abandoned(struct ledger *l, struct ledger_queue *q);

/* A node, at the price of chains that are lost if need be. */
static uint32_t new_node(struct ledger *l)
{
	uint32_t index = l->device.node_free;

	if (index == LEDGER_NONE && l->device.node_used == LEDGER_NODES_MAX) {
		for (unsigned i = 0; i < ledger_queues(l); i++)
			drop_abandoned(l, &l->queues[i]);
		index = l->device.node_free;
	}
	if (index != LEDGER_NONE) {
		l->device.node_free = l->nodes[index].next;
	} else {
		if (l->device.node_used == LEDGER_NODES_MAX)
			return LEDGER_NONE;
		index = l->device.node_used++;
	}
	l->nodes[index].next = LEDGER_NONE;
	return index;
}

static void free_nodes(struct ledger *l, uint32_t first)
{
	uint32_t last = first;

	if (first == LEDGER_NONE)
		return;
	while (l->nodes[last].next != LEDGER_NONE)
		last = l->nodes[last].next;
	l->nodes[last].next = l->device.node_free;
	l->device.node_free = first;
}

uint32_t ledger_hold_search(struct ledger *l, struct ledger_queue *q, uint16_t walk)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		if (l->hold[i].walk == walk) {
			q->last_hold = i;
			return i;
		}
	}
	return LEDGER_NONE;
}

/* Chains whose completion could not be written are lost, as a rule: a device
 * that still returns one is no longer judged for it. */
static void drop_abandoned(struct ledger *l, struct ledger_queue *q)
{
	uint32_t next;

	for (uint32_t i = q->holds; i != LEDGER_NONE; i = next) {
		next = l->hold[i].next;
		if (!l->hold[i].abandoned)
			continue;
		ledger_hold_drop(l, q, i);
		q->work.overflowed = true;
	}
}

bool ledger_hold_act(struct ledger_queue *q, struct ledger_hold *hold)
{
	if (!ledger_is_available(q, hold->walk))
		return false;
	hold->early = false;
	if ((uint16_t)(hold->walk - q->taken) < 0x8000)
		q->taken = (uint16_t)(hold->walk + 1);
	return true;
}

uint32_t ledger_hold_take(struct ledger *l, struct ledger_queue *q, uint16_t walk, uint16_t head)
{
	uint32_t index = l->device.hold_free;
	struct ledger_hold *hold;

	if (index == LEDGER_NONE && l->device.hold_used == LEDGER_HOLDS_MAX) {
		drop_abandoned(l, q);
		index = l->device.hold_free;
	}
	if (index != LEDGER_NONE) {
		l->device.hold_free = l->hold[index].next;
	} else if (l->device.hold_used < LEDGER_HOLDS_MAX) {
		index = l->device.hold_used++;
	} else {
		q->work.overflowed = true;
		return LEDGER_NONE;
	}
	hold = &l->hold[index];
	memset(hold, 0, offsetof(struct ledger_hold, stream));
	TELL_FOLLOWERS(l, taken, hold);
	hold->walk = walk;
	hold->call = l->call.number;
	hold->head = hold->expect = head;
	hold->expects = true;
	hold->first = hold->last_desc = hold->cursor = hold->written = LEDGER_NONE;
	hold->bytes_max = LEDGER_CHAIN_BYTES;
	hold->accesses_max = LEDGER_CHAIN_ACCESSES;
	l->device.held_bytes_max += hold->bytes_max;
	l->device.held_accesses_max += hold->accesses_max;
	l->device.held++;
	l->device.taken++;
	q->hold_count++;
	hold->next = q->holds;
	q->holds = q->last_hold = index;
	return index;
}

void ledger_hold_drop(struct ledger *l, struct ledger_queue *q, uint32_t index)
{
	uint32_t *link = &q->holds;

	TELL_FOLLOWERS(l, dropped, l, &l->hold[index]);
	while (*link != index)
		link = &l->hold[*link].next;
	*link = l->hold[index].next;
	if (q->last_hold == index)
		q->last_hold = LEDGER_NONE;
	free_nodes(l, l->hold[index].first);
	free_nodes(l, l->hold[index].written);
	l->device.held_bytes_max -= l->hold[index].bytes_max;
	l->device.held_accesses_max -= l->hold[index].accesses_max;
	l->device.held--;
	q->hold_count--;
	l->hold[index].next = l->device.hold_free;
	l->device.hold_free = index;
}

void ledger_hold_add(struct ledger *l, struct ledger_hold *hold, uint64_t addr, uint32_t len,
		     bool writable)
{
	uint32_t index = new_node(l);
	struct ledger_node *node;

	if (index == LEDGER_NONE) {
		hold->blind = true;
		return;
	}
	node = &l->nodes[index];
	node->first = addr;
	node->empty = len == 0;
	node->last = len == 0 ? addr : addr + (len - 1);
	node->writable = writable;
	node->written = 0;
	hold->abandoned = false;
	node->offset = writable ? hold->writable : hold->readable;
	*(writable ? &hold->writable : &hold->readable) += len;
	/* A range that passes 2^64 permits what lies before it. */
	if (node->last < addr)
		node->last = UINT64_MAX;
	if (hold->first == LEDGER_NONE)
		hold->first = index;
	else
		l->nodes[hold->last_desc].next = index;
	hold->last_desc = index;
	hold->desc_count++;
}

/* How far from `addr` on one buffer of the chain of that direction reaches;
 * false if there is none.  Searches from where the last access was found: a
 * walk goes through a chain in order. */
static bool find_extent(struct ledger *l, struct ledger_hold *hold, uint64_t addr, bool writable,
			uint64_t *last)
{
	uint32_t i = hold->cursor != LEDGER_NONE ? hold->cursor : hold->first;

	for (uint32_t n = 0; n <= hold->desc_count; n++) {
		const struct ledger_node *node;

		if (i == LEDGER_NONE)
			i = hold->first;
		if (i == LEDGER_NONE)
			return false;
		node = &l->nodes[i];
		if (!node->empty && node->writable == writable && addr >= node->first &&
		    addr <= node->last) {
			hold->cursor = i;
			*last = node->last;
			return true;
		}
		i = node->next;
	}
	return false;
}

/* Is all of [first, last] in buffers of that direction? */
static bool is_permitted(struct ledger *l, struct ledger_hold *hold, uint64_t first, uint64_t last,
			 bool writable)
{
	uint64_t reach;

	while (find_extent(l, hold, first, writable, &reach)) {
		if (reach >= last)
			return true;
		first = reach + 1;
	}
	return false;
}

/* The usual case: a buffer is written from its start on, and the write lies in
 * the one buffer where it was found. */
static bool extend_written(struct ledger *l, const struct ledger_hold *hold, uint64_t first,
			   uint64_t last)
{
	struct ledger_node *node = &l->nodes[hold->cursor];

	if (first < node->first || last > node->last || first - node->first > node->written)
		return false;
	if (last - node->first >= node->written)
		node->written = last - node->first + 1;
	return true;
}

/* Remember that [first, last] was written, joined with a neighbour if it can. */
static void mark_written(struct ledger *l, struct ledger_hold *hold, uint64_t first, uint64_t last)
{
	unsigned count = 0;
	uint32_t index;

	hold->abandoned = false;
	for (uint32_t i = hold->written; i != LEDGER_NONE; i = l->nodes[i].next, count++) {
		struct ledger_node *node = &l->nodes[i];
		bool after =
			first >= node->first && first - node->first <= node->last - node->first + 1;
		bool before = node->first >= first && node->first - first <= last - first + 1;

		/* A range as long as the address space cannot be: descriptors end. */
		if (!after && !before)
			continue;
		if (first < node->first)
			node->first = first;
		if (last > node->last)
			node->last = last;
		return;
	}
	index = count < RANGES_MAX ? new_node(l) : LEDGER_NONE;
	if (index == LEDGER_NONE) {
		hold->blind = true;
		return;
	}
	l->nodes[index].first = first;
	l->nodes[index].last = last;
	l->nodes[index].next = hold->written;
	hold->written = index;
}

/* memory.torn: our models copy all of a chain's descriptors before they look at a
 * buffer.  The last that was read said that there is another: what lies before it
 * is the piece of a chain, torn or not yet known, and no request.  So is a table that a
 * descriptor with both INDIRECT and NEXT names, which no driver may write (2.7.5.3.1, 2.8.19):
 * they take what lies behind it for missing. */
static void judge_whole(struct ledger *l, const struct ledger_hold *hold, struct guest_why why,
			bool write)
{
	if (!ledger_judges(l, RULE_MEMORY_TORN) || !(hold->past_table || hold->expects))
		return;
	if (hold->past_table)
		ledger_break(l, RULE_MEMORY_TORN,
			     "queue %u, chain of head %u: the device %s a buffer, and the chain as "
			     "it read it goes on behind an indirect table",
			     why.queue, hold->head, write ? "wrote" : "read");
	else
		ledger_break(l, RULE_MEMORY_TORN,
			     "queue %u, chain of head %u: the device %s a buffer, and the chain as "
			     "it read it goes on at %u",
			     why.queue, hold->head, write ? "wrote" : "read", hold->expect);
}

void ledger_payload(struct ledger *l, struct ledger_queue *q, const struct arena_access *access)
{
	const struct guest_why why = access->why;
	const uint64_t addr = access->addr, last = addr + (access->len - 1);
	const uint32_t len = access->len;
	const bool write = access->write;
	bool done = access->err == 0;
	struct ledger_hold *hold;
	uint32_t index;

	if (len == 0 || last < addr)
		return;
	index = ledger_hold_find(l, q, why.walk);
	if (index == LEDGER_NONE) {
		TELL_FOLLOWERS(l, unknown, l, why.queue, NULL, write);
		if (!q->work.overflowed &&
		    ledger_judges(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ))
			ledger_break(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ,
				     "queue %u: the device %s %u bytes at 0x%llx for available "
				     "entry %u, whose chain it does not hold",
				     why.queue, write ? "wrote" : "read", len,
				     (unsigned long long)addr, why.walk);
		return;
	}
	hold = &l->hold[index];
	if (hold->early && !ledger_hold_act(q, hold) &&
	    ledger_judges(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ))
		ledger_break(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ,
			     "queue %u: the device %s %u bytes at 0x%llx for available entry %u, "
			     "and the available index that it read last is %u",
			     why.queue, write ? "wrote" : "read", len, (unsigned long long)addr,
			     why.walk, q->work.avail_idx);
	hold->blind = hold->blind || hold->piece.open;
	hold->faulted = hold->faulted || !done;
	if (!write && done)
		hold->read += len;
	if (hold->blind) {
		TELL_FOLLOWERS(l, unknown, l, why.queue, hold, write);
		return;
	}
	if (is_permitted(l, hold, addr, last, write)) {
		judge_whole(l, hold, why, write);
		(void)ledger_judges(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ);
		TELL_FOLLOWERS(l, accessed, l, hold, access);
		if (!write && done && l->target->gives_away != 0)
			ledger_away_read(l, access);
		if (write && done && !extend_written(l, hold, addr, last))
			mark_written(l, hold, addr, last);
		return;
	}
	if (write && ledger_away(l, addr, last))
		return;
	if (!write && is_permitted(l, hold, addr, last, true)) {
		if (ledger_judges(l, RULE_MEMORY_READ_WRITABLE))
			ledger_break(l, RULE_MEMORY_READ_WRITABLE,
				     "queue %u, chain of head %u: the device read %u bytes at "
				     "0x%llx, which are device-writable",
				     why.queue, hold->head, len, (unsigned long long)addr);
		return;
	}
	if (ledger_judges(l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ))
		ledger_break(
			l, write ? RULE_MEMORY_WRITE : RULE_MEMORY_READ,
			"queue %u, chain of head %u: the device %s %u bytes at 0x%llx, not all "
			"of them in a device-%s buffer of that chain",
			why.queue, hold->head, write ? "wrote" : "read", len,
			(unsigned long long)addr, write ? "writable" : "readable");
}

bool ledger_is_refetch(struct ledger *l, struct guest_why why, uint64_t addr, uint32_t len)
{
	uint64_t last = addr + (len - 1);
	struct ledger_queue *q;
	uint32_t index;
	unsigned parts = 0;

	if (why.queue >= l->target->queue_count || why.queue >= PROGRAM_QUEUES)
		return false;
	q = &l->queues[why.queue];
	index = ledger_hold_find(l, q, why.walk);
	if (index == LEDGER_NONE || l->hold[index].blind)
		return false;
	if (why.purpose == GUEST_AVAIL_ENTRY)
		return l->hold[index].restarted;
	if (why.purpose != GUEST_PAYLOAD)
		return l->hold[index].strayed;
	for (uint32_t i = l->hold[index].first; i != LEDGER_NONE; i = l->nodes[i].next)
		parts +=
			!l->nodes[i].empty && l->nodes[i].first <= last && l->nodes[i].last >= addr;
	return parts == 1 && !l->hold[index].restarted;
}

/* How far from `at` on bytes were written in one piece, of the ranges or of the
 * buffers of the chain, which may overlap; false if that byte was not. */
static bool written_extent(const struct ledger *l, const struct ledger_hold *hold, uint64_t at,
			   uint64_t *last)
{
	for (uint32_t i = hold->written; i != LEDGER_NONE; i = l->nodes[i].next) {
		if (at >= l->nodes[i].first && at <= l->nodes[i].last) {
			*last = l->nodes[i].last;
			return true;
		}
	}
	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next) {
		const struct ledger_node *node = &l->nodes[i];

		if (node->written > 0 && at >= node->first && at - node->first < node->written) {
			*last = node->first + (node->written - 1);
			return true;
		}
	}
	return false;
}

static bool is_written(const struct ledger *l, const struct ledger_hold *hold, uint64_t first,
		       uint64_t last)
{
	uint64_t reach;

	while (written_extent(l, hold, first, &reach)) {
		if (reach >= last)
			return true;
		first = reach + 1;
	}
	return false;
}

bool ledger_hold_covers(const struct ledger *l, const struct ledger_hold *hold, uint32_t len)
{
	for (uint32_t i = hold->first; i != LEDGER_NONE && len > 0; i = l->nodes[i].next) {
		const struct ledger_node *node = &l->nodes[i];
		uint64_t last = node->last;

		if (!node->writable || node->empty)
			continue;
		if (last - node->first >= len)
			last = node->first + (len - 1);
		if (node->written <= last - node->first && !is_written(l, hold, node->first, last))
			return false;
		len -= (uint32_t)(last - node->first + 1);
	}
	return len == 0;
}
