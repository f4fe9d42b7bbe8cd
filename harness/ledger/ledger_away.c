/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Pages that the driver handed to the host: of a queue that gives them away
 * (target->gives_away), the numbers in its chains.
 *
 * VIRTIO 5.5.6: a driver that inflates a balloon does not use those pages, and the device
 * may do with them what it likes.  So a write there is none of memory.write's.  They count
 * as the host's until reset: whether a driver has them back, a device may learn late.
 * What is not known counts as handed over: more pages than are kept, and what was given
 * before a device was restored.
 */
#include "harness/ledger/ledger_internal.h"

static bool gives_away(const struct ledger *l, unsigned queue)
{
	return (l->target->gives_away >> queue & 1) != 0;
}

static bool is_away(const struct ledger_away *away, uint64_t page)
{
	for (uint32_t i = 0; i < away->count; i++)
		if (away->pages[i] == page)
			return true;
	return away->all;
}

static void add(struct ledger_away *away, uint32_t page)
{
	if (is_away(away, page))
		return;
	if (away->count == LEDGER_AWAY_MAX)
		away->all = true;
	else
		away->pages[away->count++] = page;
}

void ledger_away_read(struct ledger *l, const struct arena_access *access)
{
	struct ledger_away *away = &l->away;
	const struct guest_why why = access->why;

	if (!gives_away(l, why.queue))
		return;
	if (away->queue != why.queue || away->walk != why.walk)
		away->have = 0;
	away->queue = why.queue;
	away->walk = why.walk;
	for (uint32_t i = 0; i < access->len; i++) {
		away->piece[away->have++] = access->data[i];
		if (away->have < sizeof(away->piece))
			continue;
		add(away, ledger_get32(away->piece));
		away->have = 0;
	}
}

/* A buffer of numbers, in plain memory: as the driver left it, and as it is now.  What the
 * device did may have changed it, where it lies in a page that is given away, or in a used
 * ring. */
static void add_buffer(struct ledger *l, const struct ledger_node *node)
{
	uint64_t numbers = (node->last - node->first + 1) / sizeof(uint32_t);
	uint8_t bytes[sizeof(uint32_t)];

	for (uint64_t i = 0; i < numbers && !l->away.all; i++) {
		arena_load(l->plain.arena, node->first + i * sizeof(bytes), bytes, sizeof(bytes));
		add(&l->away, ledger_get32(bytes));
		if (l->plain.accesses)
			continue;
		arena_load_compared(l->plain.arena, node->first + i * sizeof(bytes), bytes,
				    sizeof(bytes));
		add(&l->away, ledger_get32(bytes));
	}
}

void ledger_away_look(struct ledger *l)
{
	for (unsigned queue = 0; queue < ledger_queues(l); queue++) {
		if (!gives_away(l, queue))
			continue;
		for (uint32_t h = l->queues[queue].holds; h != LEDGER_NONE; h = l->hold[h].next) {
			l->away.all = l->away.all || l->hold[h].blind || l->hold[h].odd;
			for (uint32_t n = l->hold[h].first; n != LEDGER_NONE;
			     n = l->nodes[n].next) {
				const struct ledger_node *node = &l->nodes[n];

				if (node->writable || node->empty)
					continue;
				/* A number goes on in the next buffer. */
				l->away.all =
					l->away.all ||
					(node->last - node->first + 1) % sizeof(uint32_t) != 0;
				add_buffer(l, node);
			}
		}
	}
}

bool ledger_away(const struct ledger *l, uint64_t addr, uint64_t last)
{
	if (l->target->gives_away == 0)
		return false;
	for (uint64_t page = addr / LEDGER_PAGE; page <= last / LEDGER_PAGE; page++)
		if (!is_away(&l->away, page))
			return false;
	return true;
}
