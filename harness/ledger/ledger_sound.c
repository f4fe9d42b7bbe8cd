/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is wrong with a chain as the device read it, and valid chains that a device
 * refuses.  See ledger.h.
 *
 * stream.refused, stream.lost: a cause lies in what the device itself read: it is torn,
 * in circles, names a table, has buffers in another order or direction, passes 2^64, or
 * an access for it failed.  A device that stops reading a chain although it goes on at
 * a descriptor of the table has seen no cause, whatever that descriptor holds.  Whether
 * a chain has too few or too many bytes is judged where its purpose is known.
 *
 * VIRTIO forbids a device to assume how a message is divided into buffers (2.7.4.1),
 * and allows a reasonable limit on their number; no target that declares what it
 * accepts has one.  If a refused chain has more buffers than it needs, stream.refused is
 * broken; otherwise stream.lost.
 */
#include "harness/ledger/ledger_internal.h"

#define DESC_SIZE 16u

/* Of what was read of the chain so far; UNSOUND: something is wrong with it. */
#define UNSOUND UINT32_MAX
static unsigned read_kinds(const struct ledger *l, const struct ledger_hold *hold)
{
	uint64_t bytes = 0;
	unsigned kinds = 0;

	if (hold->blind || hold->restarted || hold->strayed || hold->faulted || hold->has_table ||
	    hold->in_table)
		return UNSOUND;
	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next) {
		const struct ledger_node *node = &l->nodes[i];

		/* Those for writing come last. */
		if (!node->writable && (kinds & CHAIN_WRITABLE) != 0)
			return UNSOUND;
		kinds |= node->writable ? CHAIN_WRITABLE : CHAIN_READABLE;
		bytes += node->empty ? 0 : node->last - node->first + 1;
	}
	/* What passes 2^64 was cut there. */
	return bytes == hold->readable + hold->writable ? kinds : UNSOUND;
}

bool ledger_hold_in_one(const struct ledger *l, const struct ledger_hold *hold, uint64_t first,
			uint64_t last)
{
	unsigned parts = 0;

	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next)
		parts += !l->nodes[i].empty && l->nodes[i].first <= last &&
			 l->nodes[i].last >= first;
	return parts == 1;
}

unsigned ledger_hold_kinds(const struct ledger *l, const struct ledger_hold *hold)
{
	unsigned kinds = hold->expects ? UNSOUND : read_kinds(l, hold);

	return kinds == UNSOUND ? 0 : kinds;
}

/* Does the chain lead on to a descriptor that is there, and was not read for it? */
static bool leads_on(const struct ledger *l, const struct ledger_queue *q,
		     const struct ledger_hold *hold)
{
	if (!hold->expects || hold->expect >= q->size ||
	    q->desc > UINT64_MAX - (DESC_SIZE * (hold->expect + 1ull) - 1))
		return false;
	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next)
		if (l->nodes[i].index == hold->expect)
			return false;
	return true;
}

bool ledger_hold_is_left(const struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 unsigned kinds)
{
	unsigned seen = read_kinds(l, hold);

	return seen != UNSOUND && (seen & ~kinds) == 0 && leads_on(l, &l->queues[queue], hold);
}

void ledger_refused(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		    const char *what)
{
	bool both = hold->readable > 0 && hold->writable > 0;
	bool cut = hold->desc_count > (both ? 2 : 1) || (hold->expects && hold->desc_count > 0);
	enum rule rule = cut ? RULE_STREAM_REFUSED : RULE_STREAM_LOST;

	if (!ledger_judges(l, rule))
		return;
	ledger_break(
		l, rule,
		"queue %u: the chain of head %u is returned unused, and nothing is wrong with it: "
		"the device read %u descriptors, %s, and %llu of %llu device-readable bytes: %s",
		queue, hold->head, hold->desc_count,
		hold->expects ? "not all of them" : "all of them", (unsigned long long)hold->read,
		(unsigned long long)hold->readable, what);
}
