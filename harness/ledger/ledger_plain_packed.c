/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packed rings in plain memory (VIRTIO 2.8): what the driver has made available before a call,
 * and what the device returned in it.  See ledger_plain.c and ledger_survey.c; what holds there
 * holds here, but for the ring.
 *
 * The device has the entries from the next place that it uses to the next one that it takes:
 * those of the chains that it holds.  What the driver made available there stays until the
 * device writes over it, and only a chain that it has taken can be written over.  So one whose
 * first entry still lies ahead of the device is looked at before each call, and of another
 * what it may do is settled.
 *
 * completion.*: what the next place says is what the driver sees: id and length are those that
 * stand there when the flags do, and the chain's entries are skipped.  Places behind it may be
 * marked before it (2.8.12), and count when their turn comes.  A place that the device has, and
 * that neither is as the driver left it nor marked used in this lap, the driver waits at for
 * ever.
 *
 * order.entry: with accessors, a descriptor is not written any more once it and all before it
 * are marked used (dev.packed.desc-table.3).  One that is marked ahead of its turn nobody reads
 * yet.
 *
 * Not followed from there on until the driver resets the device (ledger_blind.c): a list that
 * goes on in an entry that is not available, or in more than there are; entries of the device
 * that the driver changed; two chains of one id that are not alike.
 */
#include "harness/ledger/ledger_plain.h"

#include "harness/arena/arena.h"

#include <linux/virtio_ring.h>

#define USED_BITS (RING_PACKED_AVAIL | RING_PACKED_USED)
#define FLAGS_AT ((uint32_t)offsetof(struct vring_packed_desc, flags))
#define LEN_AT ((uint32_t)offsetof(struct vring_packed_desc, len))

/* An entry of the ring, as memory has it. */
struct entry {
	uint64_t addr;
	uint32_t len;
	uint16_t id, flags;
};

static uint16_t load_flags(const struct ledger *l, const struct ledger_queue *q, uint16_t slot)
{
	return arena_load16(l->plain.arena,
			    q->desc + ring_at(&ring_packed, GUEST_PACKED_FLAGS, 0, slot));
}

static struct entry load_at(const struct ledger *l, uint64_t addr)
{
	uint8_t bytes[RING_DESC_SIZE];

	arena_load(l->plain.arena, addr, bytes, sizeof(bytes));
	return (struct entry){ .addr = ledger_get64(bytes),
			       .len = ledger_get32(bytes + LEN_AT),
			       .id = ledger_get16(bytes + 12),
			       .flags = ledger_get16(bytes + FLAGS_AT) };
}

static struct entry load_entry(const struct ledger *l, const struct ledger_queue *q, uint16_t slot)
{
	return load_at(l, q->desc + ring_at(&ring_packed, GUEST_PACKED_DESC, 0, slot));
}

static bool is_available(uint16_t flags, bool wrap)
{
	return (flags & USED_BITS) == (wrap ? RING_PACKED_AVAIL : RING_PACKED_USED);
}

static bool is_used(uint16_t flags, bool wrap)
{
	return (flags & USED_BITS) == (wrap ? USED_BITS : 0);
}

/* ---- before a call --------------------------------------------------------- */

/* The entries of the table that a descriptor names: of their flags WRITE alone counts. */
static void walk_table(const struct ledger *l, const struct ledger_queue *q,
		       const struct entry *named, struct ledger_parts *p)
{
	uint32_t size = 0;

	if (!ledger_parts_table(l, p, named->addr, named->len, named->flags & VRING_DESC_F_NEXT,
				&size))
		return;
	p->odd = p->odd || size > q->size;
	for (uint32_t i = 0; i < size && !p->blind; i++) {
		uint64_t at = p->table + ring_at(&ring_packed, GUEST_PACKED_DESC, 0, i);
		struct entry entry;

		if (!arena_has(l->plain.arena, at, RING_DESC_SIZE))
			return;
		entry = load_at(l, at);
		ledger_parts_add(l, p, entry.addr, entry.len,
				 (entry.flags & VRING_DESC_F_WRITE) != 0);
	}
}

/* The list that begins at a place, of `room` entries at most: how many it takes, or 0 if it is
 * none.  The buffer's id is that of the last entry. */
static uint16_t walk_list(const struct ledger *l, const struct ledger_queue *q, uint16_t slot,
			  bool wrap, uint32_t room, uint16_t *id, struct ledger_parts *p)
{
	ledger_parts_clear(p);
	for (uint32_t n = 1; n <= room; n++) {
		struct entry entry = load_entry(l, q, slot);
		bool more = (entry.flags & VRING_DESC_F_NEXT) != 0;

		if (!is_available(entry.flags, wrap))
			return 0;
		/* A list with a table in it is none (2.8.19). */
		if ((entry.flags & VRING_DESC_F_INDIRECT) == 0)
			ledger_parts_add(l, p, entry.addr, entry.len,
					 (entry.flags & VRING_DESC_F_WRITE) != 0);
		else if (n > 1)
			p->blind = true;
		else
			walk_table(l, q, &entry, p);
		/* A device that relies on what Linux does may take the id of any. */
		if (n > 1 && entry.id != *id && l->target->packed_as_linux)
			p->blind = true;
		*id = entry.id;
		if (!more)
			return (uint16_t)n;
		ledger_packed_go_on(&slot, &wrap, q->size, 1);
	}
	return 0;
}

/* Was its first entry not written over yet? */
static bool lies_ahead(const struct ledger_queue *q, const struct ledger_hold *hold)
{
	return (int32_t)(hold->place.at - q->place.used_at) >= 0;
}

static struct ledger_pending *find_ahead(struct ledger *l, const struct ledger_queue *q,
					 uint16_t slot)
{
	struct ledger_pending *pending = l->pending[q - l->queues];

	for (unsigned i = 0; i < q->work.pending_count; i++)
		if (pending[i].slot == slot)
			return &pending[i];
	return NULL;
}

/* Are the entries that the device has as it and the driver left them? */
static bool entries_stand(struct ledger *l, const struct ledger_queue *q)
{
	uint16_t slot = q->place.used_slot;
	bool wrap = q->place.used_wrap;

	for (uint32_t n = 0; n < q->place.held; n++) {
		const struct ledger_pending *ahead = find_ahead(l, q, slot);
		struct entry entry = load_entry(l, q, slot);

		if (ahead != NULL ? !is_used(entry.flags, wrap) || entry.id != ahead->id ||
					    entry.len != ahead->len
				  : !is_available(entry.flags, wrap))
			return false;
		ledger_packed_go_on(&slot, &wrap, q->size, 1);
	}
	return true;
}

/* The chains that are held already, as memory has them now. */
static enum ledger_blind look_again(struct ledger *l, struct ledger_queue *q,
				    struct ledger_parts *p)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		struct ledger_hold *hold = &l->hold[i];
		uint16_t id = 0;

		if (!lies_ahead(q, hold) || find_ahead(l, q, hold->place.slot) != NULL)
			continue;
		if (walk_list(l, q, hold->place.slot, hold->place.wrap, hold->entries, &id, p) !=
			    hold->entries ||
		    id != hold->head)
			return BLIND_ENTRY;
		ledger_permit(l, hold, p, false);
		if (hold->blind)
			return BLIND_CHAIN;
	}
	return BLIND_NEVER;
}

/* A driver that gives two chains one id leaves open which of them comes back, which matters
 * where they are not alike. */
static bool is_ambiguous(const struct ledger *l, const struct ledger_queue *q, uint16_t id,
			 uint16_t entries, const struct ledger_parts *p)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next)
		if (l->hold[i].head == id &&
		    (l->hold[i].entries != entries || !ledger_is_same(l, &l->hold[i], p)))
			return true;
	return false;
}

static enum ledger_blind take(struct ledger *l, struct ledger_queue *q, uint16_t entries,
			      uint16_t id, const struct ledger_parts *p)
{
	struct ledger_packed *at = &q->place;
	struct ledger_hold *hold;
	uint32_t index;

	if (is_ambiguous(l, q, id, entries, p))
		return BLIND_HEADS;
	index = ledger_hold_take(l, q, q->taken, id);
	if (index == LEDGER_NONE)
		return BLIND_ROOM;
	hold = &l->hold[index];
	hold->look = l->plain.arena->look;
	hold->entries = entries;
	hold->place.slot = at->avail_slot;
	hold->place.wrap = at->avail_wrap;
	hold->place.at = at->used_at + at->held;
	ledger_permit(l, hold, p, true);
	ledger_packed_go_on(&at->avail_slot, &at->avail_wrap, q->size, entries);
	at->held += entries;
	q->taken++;
	q->work.held++;
	return hold->blind ? BLIND_CHAIN : BLIND_NEVER;
}

/* What is available and new; BLIND_NEVER, or why it cannot be told. */
static enum ledger_blind take_new(struct ledger *l, struct ledger_queue *q, struct ledger_parts *p)
{
	enum ledger_blind cause = BLIND_NEVER;

	while (cause == BLIND_NEVER && q->place.held < q->size &&
	       is_available(load_flags(l, q, q->place.avail_slot), q->place.avail_wrap)) {
		uint16_t id = 0;
		uint16_t entries = walk_list(l, q, q->place.avail_slot, q->place.avail_wrap,
					     q->size - q->place.held, &id, p);

		cause = entries == 0 ? BLIND_LIST : take(l, q, entries, id, p);
	}
	return cause;
}

enum ledger_blind ledger_packed_survey(struct ledger *l, struct ledger_queue *q,
				       struct ledger_parts *p)
{
	enum ledger_blind cause;

	if (!entries_stand(l, q))
		return BLIND_OWNED;
	cause = look_again(l, q, p);
	return cause == BLIND_NEVER ? take_new(l, q, p) : cause;
}

bool ledger_packed_is_next(const struct ledger *l, const struct ledger_queue *q)
{
	return is_available(load_flags(l, q, q->place.avail_slot), q->place.avail_wrap);
}

bool ledger_packed_is_of_chains(const struct ledger *l, const struct ledger_queue *q,
				struct ledger_parts *p, uint64_t addr)
{
	uint16_t slot = q->place.used_slot;

	/* What was written over names its buffers no more: they may be anywhere. */
	if (is_used(load_flags(l, q, slot), q->place.used_wrap))
		return true;
	for (uint32_t n = 0; n < q->size; n++) {
		struct entry entry = load_entry(l, q, slot);

		slot = (uint16_t)((slot + 1u) % q->size);
		/* Of either lap: where the driver goes on is not known. */
		if (!is_available(entry.flags, true) && !is_available(entry.flags, false))
			continue;
		ledger_parts_clear(p);
		if ((entry.flags & VRING_DESC_F_INDIRECT) != 0)
			walk_table(l, q, &entry, p);
		else
			ledger_parts_add(l, p, entry.addr, entry.len, false);
		if (p->has_table && addr - p->table <= p->table_last - p->table)
			return true;
		for (unsigned i = 0; i < p->count; i++)
			if (addr - p->part[i].addr < p->part[i].len)
				return true;
	}
	return false;
}

enum ledger_wanted ledger_packed_asks(const struct ledger *l, const struct ledger_queue *q,
				      const struct ledger_range *range)
{
	uint64_t at = q->avail + ring_at(&ring_packed, GUEST_DRIVER_EVENT, 0, 0);

	return ledger_packed_wanted(l, q, range, arena_load16(l->plain.arena, at),
				    arena_load16(l->plain.arena, at + 2));
}

/* ---- in a call ------------------------------------------------------------- */

/* So many entries come back with that chain; in order, with those before it from the nth on,
 * which then is the one behind it.  0: none that can. */
static uint32_t batch_entries(const struct ledger *l, const struct ledger_queue *q, uint32_t index,
			      uint16_t *nth)
{
	uint16_t older = ledger_in_order_older(l, q, index);
	uint32_t entries = 0;

	if (!ledger_has_in_order(l))
		return l->hold[index].entries;
	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next) {
		uint16_t place = ledger_in_order_older(l, q, h);

		entries += place >= *nth && place <= older ? l->hold[h].entries : 0;
	}
	*nth = entries > 0 ? (uint16_t)(older + 1) : *nth;
	return entries;
}

/* Is that place marked, and all before it, so that the driver may have read it? */
static bool is_shown(const struct ledger *l, const struct ledger_queue *q, uint16_t slot)
{
	uint16_t at = q->place.used_slot;
	bool wrap = q->place.used_wrap;
	uint16_t nth = 0;

	for (uint32_t left = q->place.held, entries; left > 0; left -= entries) {
		struct entry entry = load_entry(l, q, at);
		uint32_t index = ledger_find_head(l, q, entry.id);

		if (!is_used(entry.flags, wrap) || at == slot)
			return at == slot && is_used(entry.flags, wrap);
		if (index == LEDGER_NONE || l->hold[index].entries > left)
			return false;
		entries = batch_entries(l, q, index, &nth);
		if (entries == 0 || entries > left)
			return false;
		ledger_packed_go_on(&at, &wrap, q->size, entries);
	}
	return false;
}

void ledger_packed_written(struct ledger *l, unsigned queue, uint64_t addr, uint32_t len)
{
	struct ledger_queue *q = &l->queues[queue];
	uint64_t first = addr - q->desc, last = first + (len - 1);

	for (uint64_t at = first / RING_DESC_SIZE; at <= last / RING_DESC_SIZE; at++) {
		uint64_t flags = at * RING_DESC_SIZE + FLAGS_AT;
		uint64_t start = at * RING_DESC_SIZE + LEN_AT;
		struct ledger_pending *entry = find_ahead(l, q, (uint16_t)at);

		if (entry != NULL && (entry->have & PENDING_SHOWN) != 0 && last >= start &&
		    ledger_judges(l, RULE_ORDER_ENTRY)) {
			ledger_break(l, RULE_ORDER_ENTRY,
				     "queue %u: the device wrote to descriptor %llu after it had "
				     "marked it used",
				     queue, (unsigned long long)at);
			return;
		}
		if (first > flags + 1 || last < flags || !is_shown(l, q, (uint16_t)at) ||
		    q->work.pending_count == LEDGER_PENDING_MAX)
			continue;
		if (entry == NULL) {
			entry = &l->pending[queue][q->work.pending_count++];
			*entry = (struct ledger_pending){ .slot = (uint16_t)at };
		}
		entry->have |= PENDING_SHOWN;
	}
}

/* ---- after a call ---------------------------------------------------------- */

/* What a used descriptor says; without WRITE it says nothing of the length (2.8.4). */
static uint32_t used_len(const struct ledger *l, const struct entry *entry)
{
	return (entry->flags & VRING_DESC_F_WRITE) != 0 || l->target->packed_as_linux ? entry->len
										      : 0;
}

/* Before any is dropped: followers look at those that come back. */
static void look_at_returns(struct ledger *l, unsigned queue)
{
	const struct ledger_queue *q = &l->queues[queue];
	uint16_t slot = q->place.used_slot;
	bool wrap = q->place.used_wrap;
	uint16_t nth = 0;

	for (uint32_t left = q->place.held, entries; left > 0; left -= entries) {
		struct entry entry = load_entry(l, q, slot);
		uint32_t index = ledger_find_head(l, q, entry.id);

		if (!is_used(entry.flags, wrap) || index == LEDGER_NONE ||
		    l->hold[index].entries > left)
			break;
		if (!ledger_has_in_order(l))
			ledger_net_look(l, queue, &l->hold[index]);
		entries = batch_entries(l, q, index, &nth);
		if (entries == 0 || entries > left)
			break;
		ledger_packed_go_on(&slot, &wrap, q->size, entries);
	}
	for (uint32_t h = q->holds; h != LEDGER_NONE && nth > 0; h = l->hold[h].next)
		if (ledger_in_order_older(l, q, h) < nth)
			ledger_net_look(l, queue, &l->hold[h]);
}

/* One used descriptor is all that is written for a list (2.8.6): is another of the entries that
 * it skips marked? */
static void judge_skipped(struct ledger *l, unsigned queue, uint16_t entries)
{
	const struct ledger_queue *q = &l->queues[queue];
	uint16_t slot = q->place.used_slot;
	bool wrap = q->place.used_wrap;

	for (uint16_t n = 1; n < entries; n++) {
		ledger_packed_go_on(&slot, &wrap, q->size, 1);
		if (is_available(load_flags(l, q, slot), wrap) ||
		    !ledger_judges(l, RULE_COMPLETION_SLOT))
			continue;
		ledger_break(l, RULE_COMPLETION_SLOT,
			     "queue %u: the chain that descriptor %u returns takes %u, and the "
			     "flags of descriptor %u behind it changed",
			     queue, q->place.used_slot, entries, slot);
		return;
	}
}

/* In order, chains before that one come back with it, used whole (ledger_in_order.c): how many,
 * and their entries; UINT16_MAX: that cannot be told. */
static uint16_t judge_older(struct ledger *l, unsigned queue, uint32_t index, uint32_t *entries)
{
	struct ledger_queue *q = &l->queues[queue];
	uint16_t older = ledger_in_order_older(l, q, index);
	uint16_t held = (uint16_t)q->hold_count;

	if (!ledger_has_in_order(l))
		return 0;
	(void)ledger_judges(l, RULE_ORDER_RETURNS);
	if (ledger_in_order_unclear(l, q, index, held))
		ledger_go_blind(l, BLIND_HEADS, queue);
	for (uint16_t left = older; left > 0 && !l->plain.session.blind; left--) {
		uint32_t oldest = ledger_in_order_oldest(l, q);
		uint64_t len = l->hold[oldest].writable;

		l->device.completions++;
		*entries += l->hold[oldest].entries;
		ledger_plain_return(l, queue, oldest, len <= UINT32_MAX ? (uint32_t)len : 0);
	}
	return l->plain.session.blind ? UINT16_MAX : older;
}

/* The next place is marked used, by that: how many chains it returns, 0 if none are known. */
static uint16_t judge_return(struct ledger *l, unsigned queue, const struct entry *entry,
			     struct ledger_range *moved)
{
	struct ledger_queue *q = &l->queues[queue];
	uint32_t index = ledger_find_head(l, q, entry->id), entries = 0;
	uint16_t skipped;

	l->device.completions++;
	if (index == LEDGER_NONE) {
		if (ledger_judges(l, RULE_COMPLETION_NOT_HELD))
			ledger_break(l, RULE_COMPLETION_NOT_HELD,
				     "queue %u: used descriptor %u returns id %u, of which no "
				     "chain is available or held",
				     queue, q->place.used_slot, entry->id);
		ledger_go_blind(l, BLIND_UNKNOWN, queue);
		return 0;
	}
	skipped = judge_older(l, queue, index, &entries);
	if (skipped == UINT16_MAX)
		return 0;
	entries += l->hold[index].entries;
	judge_skipped(l, queue, (uint16_t)entries);
	ledger_plain_return(l, queue, index, used_len(l, entry));
	if (l->plain.session.blind)
		return 0;
	ledger_range_add(moved, q, entries);
	ledger_packed_go_on(&q->place.used_slot, &q->place.used_wrap, q->size, entries);
	q->place.used_at += entries;
	q->place.held -= entries;
	return (uint16_t)(skipped + 1);
}

/* The places behind it that are marked ahead of their turn; and those that the driver would
 * wait at for ever. */
static void note_ahead(struct ledger *l, unsigned queue)
{
	struct ledger_queue *q = &l->queues[queue];
	uint16_t slot = q->place.used_slot;
	bool wrap = q->place.used_wrap;

	q->work.pending_count = 0;
	for (uint32_t n = 0; n < q->place.held; n++) {
		struct entry entry = load_entry(l, q, slot);

		if (is_used(entry.flags, wrap) && q->work.pending_count < LEDGER_PENDING_MAX) {
			l->pending[queue][q->work.pending_count++] = (struct ledger_pending){
				.slot = slot, .id = entry.id, .len = entry.len
			};
		} else if (!is_available(entry.flags, wrap)) {
			if (ledger_judges(l, RULE_COMPLETION_SLOT))
				ledger_break(l, RULE_COMPLETION_SLOT,
					     "queue %u: the flags of descriptor %u are 0x%x, which "
					     "do not mark it used in that lap (the next is %u)",
					     queue, slot, entry.flags, q->place.used_slot);
			ledger_go_blind(l, BLIND_UNKNOWN, queue);
			return;
		}
		ledger_packed_go_on(&slot, &wrap, q->size, 1);
	}
}

void ledger_packed_used(struct ledger *l, unsigned queue)
{
	struct ledger_queue *q = &l->queues[queue];
	struct ledger_range moved = { .entries = 0 };
	uint16_t chains = 0;
	struct entry entry;

	look_at_returns(l, queue);
	while (q->place.held > 0) {
		uint16_t count;

		entry = load_entry(l, q, q->place.used_slot);
		if (!is_used(entry.flags, q->place.used_wrap))
			break;
		count = judge_return(l, queue, &entry, &moved);
		if (count == 0)
			return;
		chains += count;
	}
	note_ahead(l, queue);
	if (moved.chains == 0 || l->plain.session.blind)
		return;
	ledger_net_moved(l, queue);
	ledger_plain_moved(l, queue, chains, &moved);
}
