/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Plain memory that cannot be followed: when that ends.  See ledger_plain.c.
 *
 * Where it is not known what the device saw, or where in a ring it stands, nothing is
 * judged that needs guest memory, on any queue, since the device may write anywhere.
 * How that began is told with the result.  It ends as soon as the place of the device in
 * every ready queue is known again:
 *
 *   - at a reset;
 *   - where only the chains were in doubt, of a split ring: when all that was available is
 * returned, and neither index did in the meantime what a driver and a device do not do.  The used
 *     index, which the device moves once for each chain, then says where it stands;
 *   - of a queue that was made ready again, with a used index of 0: likewise, once something
 *     was returned.  VIRTIO does not say where a device goes on then, at its first entry or
 *     where it was, and this shows it.
 *
 * Where the place itself is in doubt (an index that jumped, a used ring that was written
 * over, memory that changed during a call) a later state of memory tells nothing: a device
 * keeps its place to itself, and may have given up the queue.  Only the first two help.
 * A queue that had nothing outstanding meanwhile, and whose indices stood still, is where
 * it was.  A packed ring has no indices, and how far the device skips depends on the chains:
 * unless it had nothing outstanding meanwhile, its place is in doubt with them.
 */
#include "devices/table.h"
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

enum ledger_doubt {
	DOUBT_NONE,
	DOUBT_CHAINS, /* ends when none is outstanding */
	DOUBT_RETURN, /* ... and one was returned */
	DOUBT_PLACE,  /* ends when the queue is made ready again */
};

struct blind_cause {
	uint8_t doubt; /* of that queue, or of all */
	const char *words;
};

TABLE(static const struct blind_cause, causes, BLIND_COUNT, 2,
      [BLIND_NEVER] = { DOUBT_NONE, NULL },
      [BLIND_RING] = { DOUBT_PLACE, "a ring is not in memory, or not known" },
      [BLIND_USED] = { DOUBT_PLACE, "the driver wrote to the used index" },
      [BLIND_JUMP] = { DOUBT_PLACE, "more chains are available than the queue has entries, or fewer than before" },
      [BLIND_ENTRY] = { DOUBT_CHAINS,
			"an available entry changed before its chain was returned" },
      [BLIND_CHAIN] = { DOUBT_CHAINS,
			"a chain is invalid, and what a device makes of it cannot be listed" },
      [BLIND_ROOM] = { DOUBT_CHAINS, "more chains are outstanding than are kept" },
      [BLIND_HEADS] = { DOUBT_CHAINS,
			"different chains of one head were outstanding" },
      [BLIND_LAP] = { DOUBT_CHAINS,
		      "more chains were returned in one call than the used ring has entries" },
      [BLIND_OVERLAP] = { DOUBT_PLACE,
			  "a buffer or the used ring lies over a ring or a table" },
      [BLIND_AWAY] = { DOUBT_PLACE, "a ring lies in a page that the driver handed to the host" },
      [BLIND_UNKNOWN] = { DOUBT_PLACE, "the device returned what was not outstanding" },
      [BLIND_STARTED] = { DOUBT_CHAINS, "a queue was made ready on a live device" },
      [BLIND_STRUCK] = { DOUBT_PLACE,
			 "memory changed, or an access failed, in the middle of a call" },
      [BLIND_HOLES] = { DOUBT_PLACE, "some guest memory is unmapped" },
      [BLIND_REGISTERS] = { DOUBT_PLACE,
			    "a register was accessed in a way that VIRTIO does not know" },
      [BLIND_LIST] = { DOUBT_PLACE, "a list goes on in a descriptor that is not available" },
      [BLIND_OWNED] = { DOUBT_PLACE, "the driver changed descriptors that the device has" });

const char *ledger_blind_words(enum ledger_blind cause)
{
	return causes[cause].words;
}

bool ledger_is_seen(enum rule rule, unsigned facts)
{
	return (rule_table[rule].facts & FACT_CHANGES) != 0 &&
	       rule_extent(rule, facts) != RULE_NOT_JUDGED;
}

bool ledger_has_rings(const struct ledger *l, const struct ledger_queue *q)
{
	const struct ring_layout *layout = ledger_layout(q);
	struct arena *arena = l->plain.arena;

	return q->known &&
	       arena_has(arena, q->desc, ring_extent(layout, VIRTQUEUE_DESC, q->size)) &&
	       arena_has(arena, q->avail, ring_extent(layout, VIRTQUEUE_DRIVER, q->size)) &&
	       arena_has(arena, q->used, ring_extent(layout, VIRTQUEUE_DEVICE, q->size));
}

static uint16_t avail_idx(const struct ledger *l, const struct ledger_queue *q)
{
	return arena_load16(l->plain.arena, q->avail + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0));
}

/* It is in doubt, at least in that way. */
static void doubt(struct ledger_queue *q, enum ledger_doubt how)
{
	if (q->work.doubt < how)
		q->work.doubt = (uint8_t)how;
}

/* Look at the indices of a queue whose chains are in doubt: has each moved as it may since
 * the last look?  Of the two the used index is the device's, which moves it in a call. */
static void look(struct ledger *l, struct ledger_queue *q, bool in_call)
{
	uint16_t avail, used, moved;

	if (q->work.doubt == DOUBT_NONE || q->work.doubt == DOUBT_PLACE)
		return;
	if (!ledger_has_rings(l, q) || (q->packed && ledger_packed_is_next(l, q))) {
		doubt(q, DOUBT_PLACE);
		return;
	}
	if (q->packed) {
		q->work.quiet = true;
		return;
	}
	avail = avail_idx(l, q);
	used = ledger_used_idx(l, q);
	moved = (uint16_t)(used - q->used_idx);
	if (in_call && l->plain.session.wild && (moved != 0 || avail != q->work.seen_avail))
		doubt(q, DOUBT_PLACE);
	if (in_call ? avail != q->work.seen_avail : moved != 0)
		doubt(q, DOUBT_PLACE);
	if ((uint16_t)(avail - q->work.seen_avail) > q->size ||
	    (uint16_t)(avail - q->used_idx) > q->size || moved > (uint16_t)(avail - q->used_idx))
		doubt(q, DOUBT_PLACE);
	if (q->work.doubt == DOUBT_RETURN && moved != 0)
		q->work.doubt = DOUBT_CHAINS;
	if (q->work.doubt == DOUBT_CHAINS) {
		l->device.completions += moved;
		*ledger_chains(l, CHAINS_USED, (unsigned)(q - l->queues)) += moved;
	}
	q->work.seen_avail = avail;
	q->used_idx = used;
	q->work.quiet = in_call ? avail == used : q->work.quiet;
}

static void begin_looking(const struct ledger *l, struct ledger_queue *q)
{
	q->work.quiet = false;
	if (q->packed)
		return;
	q->work.seen_avail = ledger_has_rings(l, q) ? avail_idx(l, q) : 0;
	if ((uint16_t)(q->work.seen_avail - q->taken) > q->size)
		doubt(q, DOUBT_PLACE);
}

/* Is that all there is to a queue's doubt: nothing is outstanding? */
static bool is_quiet(const struct ledger *l, const struct ledger_queue *q)
{
	if (q->work.held != 0 || !ledger_has_rings(l, q))
		return false;
	if (q->packed)
		return q->place.held == 0 && !ledger_packed_is_next(l, q);
	return avail_idx(l, q) == q->taken && ledger_used_idx(l, q) == q->used_idx;
}

static void note(struct ledger *l, enum ledger_blind cause, unsigned queue)
{
	struct ledger_blindness *b = &l->blindness;

	/* What comes after the program may be the program again. */
	if (l->plain.device.over)
		return;
	if (b->cause != BLIND_NEVER) {
		b->more++;
		return;
	}
	*b = (struct ledger_blindness){ .cause = (uint8_t)cause,
					.queue = (uint8_t)queue,
					.op = l->op };
}

void ledger_go_blind(struct ledger *l, enum ledger_blind cause, unsigned queue)
{
	bool place = causes[cause].doubt == DOUBT_PLACE;

	if (!l->plain.session.blind)
		note(l, cause, queue);
	l->plain.device.stale = !l->plain.thorough;
	l->plain.session.wild = l->plain.session.wild || place;
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		struct ledger_queue *q = &l->queues[i];
		bool here = queue == i || queue == PROGRAM_QUEUES;

		if (q->work.ready && q->work.doubt == DOUBT_NONE)
			begin_looking(l, q);
		if (q->work.ready)
			doubt(q, (place && here) || ((place || q->packed) && !is_quiet(l, q))
					 ? DOUBT_PLACE
					 : DOUBT_CHAINS);
		while (q->holds != LEDGER_NONE)
			ledger_hold_drop(l, q, q->holds);
		q->work.moved = false;
		q->work.held = 0;
	}
	l->plain.session.blind = true;
}

/* It can be followed again. */
static void end(struct ledger *l)
{
	l->plain.session.blind = l->plain.session.wild = l->plain.session.tables = false;
	if (l->blindness.more == 0 && !l->plain.device.over) {
		l->blindness.over = true;
		l->blindness.until = l->op;
	}
}

void ledger_blind_reset(struct ledger *l)
{
	if (l->plain.session.blind)
		end(l);
	l->plain.session = (struct ledger_plain_session){ .blind = false };
}

void ledger_blind_start(struct ledger *l, struct ledger_queue *q)
{
	if (l->plain.arena == NULL || !l->plain.session.blind || !l->call.live)
		return;
	doubt(q, !l->plain.session.fresh || q->packed || !ledger_has_rings(l, q) ? DOUBT_PLACE
		 : q->was_stopped						 ? DOUBT_RETURN
										 : DOUBT_CHAINS);
	/* A live device may have begun with it in the call that made it ready. */
	if (q->work.doubt != DOUBT_PLACE)
		q->work.seen_avail = avail_idx(l, q);
	look(l, q, true);
}

void ledger_blind_begin(struct ledger *l)
{
	bool clear = !l->session.lost && l->plain.arena->hole_count == 0;

	for (unsigned i = 0; i < ledger_queues(l); i++) {
		struct ledger_queue *q = &l->queues[i];

		if (!q->work.ready)
			continue;
		look(l, q, false);
		clear = clear && q->work.doubt <= DOUBT_CHAINS &&
			(q->work.doubt == DOUBT_NONE || q->work.quiet);
	}
	if (!clear)
		return;
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		struct ledger_queue *q = &l->queues[i];

		if (q->work.doubt == DOUBT_CHAINS && !q->packed)
			q->taken = q->used_idx;
		q->work.doubt = DOUBT_NONE;
	}
	end(l);
}

void ledger_blind_end(struct ledger *l)
{
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].work.ready)
			look(l, &l->queues[i], true);
}
