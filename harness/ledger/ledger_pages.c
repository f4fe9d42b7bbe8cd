/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Lists of page numbers: what a chain asks for, as the device itself read it, and how
 * the device handles it.  See struct target, pages_max.
 *
 * stream.pages: a balloon asks its host about each page whose number it read, whole,
 * once and in order, and once it has read all the numbers that it goes by; of a list
 * that is no list, about none.  A chain of which more is read than that, or of which
 * an access failed, is not judged.  One that nothing is wrong with is read
 * (stream.refused, stream.lost).
 *
 * Our models read a chain, and write it, once and in the order of its buffers: that
 * says where in it bytes are, since an address may be there twice.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12 /* VIRTIO 5.5.6 */

/* Page numbers that the device goes by. */
static uint32_t numbers_due(const struct ledger *l, const struct ledger_hold *hold)
{
	uint64_t numbers = hold->readable / LEDGER_NUMBER_LEN;

	return numbers < l->target->pages_max ? (uint32_t)numbers : l->target->pages_max;
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	struct ledger_pages *p = &l->pages;

	if (a->write)
		return;
	if (!p->reading || p->queue != a->why.queue || p->walk != a->why.walk) {
		p->reading = p->known = true;
		p->queue = a->why.queue;
		p->walk = a->why.walk;
		p->read = p->asked = 0;
	}
	if (a->err != 0 || hold->restarted ||
	    a->len > l->target->pages_max * LEDGER_NUMBER_LEN - p->read) {
		p->known = false;
		return;
	}
	memcpy(p->bytes + p->read, a->data, a->len);
	p->read += a->len;
}

/* What is wrong with a question about that page now, or NULL. */
static const char *question_fault(const struct ledger *l, const struct ledger_hold *hold,
				  uint64_t addr, uint64_t len)
{
	const struct ledger_pages *p = &l->pages;
	uint32_t due = numbers_due(l, hold);

	if (hold->readable % LEDGER_NUMBER_LEN != 0)
		return "which is no list of page numbers";
	if (p->read != due * LEDGER_NUMBER_LEN)
		return "of which it has not read all the numbers";
	if (p->asked >= due)
		return "which has no more of them";
	if (len != 1u << PAGE_SHIFT ||
	    addr != (uint64_t)ledger_get32(p->bytes + (size_t)p->asked * LEDGER_NUMBER_LEN)
			    << PAGE_SHIFT)
		return "which is not the next page of it";
	return NULL;
}

void ledger_page(struct ledger *l, uint64_t addr, uint64_t len)
{
	struct ledger_pages *p = &l->pages;
	struct ledger_hold *hold;
	const char *fault;
	uint32_t index;

	if (!l->enabled || l->target->pages_max == 0 || !p->reading || !p->known)
		return;
	index = ledger_hold_find(l, &l->queues[p->queue], p->walk);
	if (index == LEDGER_NONE || l->hold[index].blind || !ledger_judges(l, RULE_STREAM_PAGES))
		return;
	hold = &l->hold[index];
	fault = question_fault(l, hold, addr, len);
	if (fault != NULL)
		ledger_break(l, RULE_STREAM_PAGES,
			     "queue %u, chain of head %u, %llu bytes: the device asks about %llu "
			     "bytes at 0x%llx, %s",
			     p->queue, hold->head, (unsigned long long)hold->readable,
			     (unsigned long long)len, (unsigned long long)addr, fault);
	p->asked++;
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	struct ledger_pages *p = &l->pages;
	uint32_t due;

	(void)len;
	if (hold == NULL)
		return;
	due = numbers_due(l, hold);
	if (!ledger_starved(l) && ((ledger_hold_kinds(l, hold) == CHAIN_READABLE &&
				    hold->readable % LEDGER_NUMBER_LEN == 0 &&
				    hold->read < (uint64_t)due * LEDGER_NUMBER_LEN) ||
				   ledger_hold_is_left(l, queue, hold, CHAIN_READABLE)))
		ledger_refused(l, queue, hold, "the device does not read the list in it");
	if (!p->reading || p->queue != queue || p->walk != hold->walk)
		return;
	p->reading = false;
	if (p->known && !hold->blind && hold->readable % LEDGER_NUMBER_LEN == 0 &&
	    p->read == due * LEDGER_NUMBER_LEN && p->asked != due &&
	    ledger_judges(l, RULE_STREAM_PAGES))
		ledger_break(
			l, RULE_STREAM_PAGES,
			"queue %u, chain of head %u: the device read %u page numbers and asked "
			"about %u pages",
			queue, hold->head, due, p->asked);
}

static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	(void)queue;
	(void)hold;
	(void)write;
	l->pages.reading = false;
}

/* A chain that could not be returned: what the device asks for next may be for another, of a
 * queue of which nothing is known. */
static void on_failed(struct ledger *l, unsigned queue)
{
	if (l->pages.queue == queue)
		l->pages.reading = false;
}

/* A chain that is not returned ends with its queue, whose walks are then counted anew. */
static void on_called(struct ledger *l)
{
	struct ledger_pages *p = &l->pages;

	if (p->reading && ledger_hold_find(l, &l->queues[p->queue], p->walk) == LEDGER_NONE)
		p->reading = false;
}

static int on_open(struct ledger *l, const struct target *target)
{
	l->pages.bytes = malloc((size_t)target->pages_max * LEDGER_NUMBER_LEN);
	return l->pages.bytes == NULL ? -ENOMEM : 0;
}

static void on_close(struct ledger *l)
{
	free(l->pages.bytes);
}

static void on_reset(struct ledger *l)
{
	l->pages = (struct ledger_pages){ .bytes = l->pages.bytes };
}

static bool applies(const struct target *target)
{
	return target->pages_max > 0;
}

const struct follower pages_follower = {
	.applies = applies,
	.open = on_open,
	.close = on_close,
	.renew = on_reset,
	.reset = on_reset,
	.accessed = on_access,
	.unknown = on_unknown,
	.failed = on_failed,
	.returned = on_returned,
	.called = on_called,
};
