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

/* Numbers of a chain, byte by byte: one may lie in several buffers. */
struct numbers {
	uint32_t have;
	uint8_t left[sizeof(uint32_t)], now[sizeof(uint32_t)];
};

/* A buffer of numbers, in plain memory: as the driver left it, and as it is now.  What the
 * device did may have changed it, where it lies in a page that is given away, or in a used
 * ring. */
static void add_buffer(struct ledger *l, const struct ledger_node *node, struct numbers *numbers)
{
	uint64_t len = node->last - node->first + 1;
	uint32_t take;

	for (uint64_t at = 0; at < len && !l->away.all; at += take) {
		take = sizeof(numbers->now) - numbers->have;
		if (take > len - at)
			take = (uint32_t)(len - at);
		arena_load(l->plain.arena, node->first + at, numbers->now + numbers->have, take);
		if (!l->plain.accesses)
			arena_load_compared(l->plain.arena, node->first + at,
					    numbers->left + numbers->have, take);
		numbers->have += take;
		if (numbers->have < sizeof(numbers->now))
			continue;
		numbers->have = 0;
		add(&l->away, ledger_get32(numbers->now));
		if (!l->plain.accesses)
			add(&l->away, ledger_get32(numbers->left));
	}
}

static void add_chain(struct ledger *l, const struct ledger_hold *hold)
{
	struct numbers numbers = { .have = 0 };

	l->away.all = l->away.all || hold->blind || hold->odd;
	for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next)
		if (!l->nodes[n].writable && !l->nodes[n].empty)
			add_buffer(l, &l->nodes[n], &numbers);
}

void ledger_away_look(struct ledger *l)
{
	for (unsigned queue = 0; queue < ledger_queues(l); queue++) {
		if (!gives_away(l, queue))
			continue;
		for (uint32_t h = l->queues[queue].holds; h != LEDGER_NONE; h = l->hold[h].next)
			add_chain(l, &l->hold[h]);
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

bool ledger_away_any(const struct ledger *l, uint64_t addr, uint64_t last)
{
	if (l->target->gives_away == 0)
		return false;
	for (uint64_t page = addr / LEDGER_PAGE; page <= last / LEDGER_PAGE; page++)
		if (is_away(&l->away, page))
			return true;
	return false;
}
