/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of queues: what the device read from and wrote to the
 * rings.  See ledger.h.
 *
 * memory.ring: judged by the queue's own registers and the purpose that the device gave;
 * where rings lie over each other or over buffers the purpose still says which field was
 * meant.
 *
 * completion.*, order.*: judged on what the device wrote, against chains taken
 * by what it read.  A guest that publishes a head twice makes two holds, told
 * apart by their place in the available ring; one that overwrites rings while
 * the device works changes what the device reads, and so what it is judged by.
 *
 * A ring field that could not be accessed is no fact: an index that was not
 * written did not move, an entry that was not written is not there.
 */
#include "devices/table.h"
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

void ledger_queue_stop(struct ledger *l, struct ledger_queue *q)
{
	while (q->holds != LEDGER_NONE)
		ledger_hold_drop(l, q, q->holds);
	q->work = (struct ledger_work){ .ready = false };
}

void ledger_queue_start(struct ledger *l, struct ledger_queue *q)
{
	ledger_queue_stop(l, q);
	q->work.ready = true;
	q->taken = 0;
	q->used_idx = 0;
}

/* The available ring is structurally wrong, as the device read it. */
static void poison(const struct ring_access *a)
{
	if (!a->q->work.poisoned)
		a->l->call.poisoned |= (uint8_t)(1u << a->why.queue);
	a->q->work.poisoned = true;
}

static void on_avail_idx(const struct ring_access *a)
{
	struct ledger_queue *q = a->q;

	a->l->call.active |= (uint8_t)(1u << a->why.queue);
	q->looks++;
	q->work.notified = false;
	q->work.notify.unchecked = false;
	if (a->err != 0) {
		poison(a);
		return;
	}
	q->work.index_seen = true;
	q->work.avail_idx = ledger_get16(a->data);
	if ((uint16_t)(q->work.avail_idx - q->taken) > q->size)
		poison(a);
	/* An entry past 2^64 is nowhere: it cannot be read, and no access tells. */
	if (q->work.avail_idx != q->taken &&
	    ring_wraps(&ring_split, VIRTQUEUE_DRIVER, q->taken % q->size + 1u, q->avail))
		poison(a);
}

/* A walk that starts: the device takes the chain, or takes it again. */
static void on_avail_entry(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t walk = a->why.walk;
	uint32_t index = ledger_hold_find(l, q, walk);
	uint16_t ahead = (uint16_t)(q->work.avail_idx - walk);

	if (ledger_judges(l, RULE_ORDER_UNAVAILABLE) &&
	    (!q->work.index_seen || ahead == 0 || (l->target->model && ahead > q->size)))
		ledger_break(l, RULE_ORDER_UNAVAILABLE,
			     "queue %u: the device read available entry %u, the index it read last "
			     "is %u",
			     a->why.queue, walk, q->work.avail_idx);
	if (a->err != 0) {
		poison(a);
		return;
	}
	if ((uint16_t)(walk - q->taken) < 0x8000) {
		q->taken = (uint16_t)(walk + 1);
		q->call_chains = (q->call == l->call.number ? q->call_chains : 0) + 1;
		q->call = l->call.number;
	}
	l->call.chains++;
	l->call.bytes_max += LEDGER_CHAIN_BYTES;
	l->call.accesses_max += LEDGER_CHAIN_ACCESSES;
	if (ledger_get16(a->data) >= q->size) {
		poison(a);
		return;
	}
	if (index == LEDGER_NONE) {
		ledger_hold_take(l, q, walk, ledger_get16(a->data));
		return;
	}
	if (l->hold[index].call == l->call.number && ledger_judges(l, RULE_FETCH_WALK))
		ledger_break(l, RULE_FETCH_WALK,
			     "queue %u: the device read available entry %u twice in one call",
			     a->why.queue, walk);
	l->hold[index].call = l->call.number;
	l->hold[index].head = l->hold[index].expect = ledger_get16(a->data);
	l->hold[index].expects = true;
	l->hold[index].abandoned = false;
	l->hold[index].restarted = true;
	l->hold[index].strayed = false;
	l->hold[index].in_table = false;
	l->hold[index].walked = 0;
	l->hold[index].moved_max = 0;
	TELL_FOLLOWERS(l, retaken, &l->hold[index]);
}

static void on_avail_flags(const struct ring_access *a)
{
	ledger_flags_read(a->l, a->q, a->err, a->err == 0 ? ledger_get16(a->data) : 0);
}

static void on_used_event(const struct ring_access *a)
{
	ledger_event_read(a->l, a->q, a->err, a->err == 0 ? ledger_get16(a->data) : 0);
}

static void on_used_flags(const struct ring_access *a)
{
	if (a->err == 0)
		ledger_flags_written(a->l, a->why.queue, ledger_get16(a->data));
	else
		ledger_notify_unknown(a->q);
}

/* Forget that the chain's completion is on its way: it could not be written. */
static void abandon(const struct ring_access *a, uint16_t walk)
{
	uint32_t found = ledger_hold_find(a->l, a->q, walk);

	if (found != LEDGER_NONE)
		a->l->hold[found].abandoned = true;
}

/* A device may go by the used index that it finds in memory: one that took a
 * queue over does.  It may also look and go by its own. */
static void on_used_idx_read(const struct ring_access *a)
{
	if (a->l->target->model || a->err != 0 || a->q->work.pending_count > 0)
		return;
	a->q->work.used_read = true;
	a->q->work.used_seen = ledger_get16(a->data);
}

/* By what the device does it shows which of the two it is. */
static void choose_used_idx(struct ledger_queue *q, bool by_own, bool by_seen)
{
	if (!q->work.used_read || by_own)
		return;
	if (by_seen)
		q->used_idx = q->work.used_seen;
	q->work.used_read = false;
}

static void on_used_entry(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t slot =
		(uint16_t)((a->addr - q->used - ring_at(&ring_split, GUEST_USED_ENTRY, 0, 0)) /
			   RING_USED_ENTRY_SIZE);
	struct ledger_pending *entry = NULL;

	TELL_FOLLOWERS(l, entry, l, a->why.queue);
	if (a->err != 0) {
		abandon(a, a->why.walk);
		return;
	}
	for (unsigned i = 0; i < q->work.pending_count; i++)
		if (a->pending[i].slot == slot)
			entry = &a->pending[i];
	if (entry == NULL) {
		uint16_t due;

		choose_used_idx(
			q, slot == (uint16_t)(q->used_idx + q->work.pending_count) % q->size,
			slot == (uint16_t)(q->work.used_seen + q->work.pending_count) % q->size);
		due = (uint16_t)(q->used_idx + q->work.pending_count);
		if (ledger_judges(l, RULE_COMPLETION_SLOT) && slot != due % q->size)
			ledger_break(l, RULE_COMPLETION_SLOT,
				     "queue %u: the device wrote used entry %u, the next is %u "
				     "(used index %u)",
				     a->why.queue, slot, due % q->size, q->used_idx);
		if (q->work.pending_count == LEDGER_PENDING_MAX) {
			q->work.overflowed = true;
			return;
		}
		entry = &a->pending[q->work.pending_count++];
	}
	entry->slot = slot;
	entry->walk = a->why.walk;
	entry->id = ledger_get32(a->data);
	entry->len = ledger_get32(a->data + 4);
}

/* The chain that an entry returns: the one whose walk the device named, or, if
 * that has another head, any with that head. */
static uint32_t find_returned(const struct ring_access *a, const struct ledger_pending *entry)
{
	uint32_t found = ledger_hold_find(a->l, a->q, entry->walk);

	if (found != LEDGER_NONE && a->l->hold[found].head == entry->id)
		return found;
	for (found = a->q->holds; found != LEDGER_NONE; found = a->l->hold[found].next)
		if (a->l->hold[found].head == entry->id)
			return found;
	return LEDGER_NONE;
}

static void judge_completion(const struct ring_access *a, const struct ledger_pending *entry)
{
	struct ledger *l = a->l;
	uint32_t found = find_returned(a, entry);
	const struct ledger_hold *hold;

	l->device.completions++;
	if (found == LEDGER_NONE) {
		TELL_FOLLOWERS(l, returned, l, a->why.queue, NULL, entry->len);
		if (!a->q->work.overflowed && ledger_judges(l, RULE_COMPLETION_NOT_HELD))
			ledger_break(l, RULE_COMPLETION_NOT_HELD,
				     "queue %u: used entry %u returns head %u, which the device "
				     "does not hold",
				     a->why.queue, entry->slot, entry->id);
		return;
	}
	hold = &l->hold[found];
	TELL_FOLLOWERS(l, returned, l, a->why.queue, hold, entry->len);
	if (!hold->blind && !hold->restarted && ledger_judges(l, RULE_COMPLETION_LEN) &&
	    !ledger_hold_covers(l, hold, entry->len))
		ledger_break(l, RULE_COMPLETION_LEN,
			     "queue %u: used entry %u says that %u bytes of the chain of head %u "
			     "were written, the device did not write all of them",
			     a->why.queue, entry->slot, entry->len, entry->id);
	ledger_hold_drop(l, a->q, found);
}

static void on_used_idx(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t moved;
	bool lost;

	if (a->err != 0) {
		for (unsigned i = 0; i < q->work.pending_count; i++)
			abandon(a, a->pending[i].walk);
		return;
	}
	choose_used_idx(q, (uint16_t)(ledger_get16(a->data) - q->used_idx) <= q->work.pending_count,
			(uint16_t)(ledger_get16(a->data) - q->work.used_seen) <=
				q->work.pending_count);
	moved = (uint16_t)(ledger_get16(a->data) - q->used_idx);
	q->work.used_read = false;
	if (moved == 0)
		return;
	if (!q->work.overflowed && ledger_judges(l, RULE_ORDER_ENTRY) &&
	    moved > q->work.pending_count)
		ledger_break(l, RULE_ORDER_ENTRY,
			     "queue %u: the used index went from %u to %u, of these %u entries "
			     "%u had been written",
			     a->why.queue, q->used_idx, ledger_get16(a->data), moved,
			     q->work.pending_count);
	lost = moved > q->work.pending_count;
	if (lost)
		moved = (uint16_t)q->work.pending_count;
	for (unsigned i = 0; i < moved; i++)
		judge_completion(a, &a->pending[i]);
	TELL_FOLLOWERS(l, moved, l, a->why.queue, lost);
	l->device.counters[TARGET_COUNTERS_MAX + a->why.queue] += moved;
	q->work.pending_count -= moved;
	if (q->work.pending_count > 0)
		memmove(a->pending, a->pending + moved,
			q->work.pending_count * sizeof(*a->pending));
	l->call.moved |= (uint8_t)(1u << a->why.queue);
	ledger_index_moved(q, ledger_get16(a->data));
}

static void on_nothing(const struct ring_access *a)
{
	(void)a;
}

/* What the ledger makes of each purpose's field; ring.h says where it lies. */
typedef void on_field_fn(const struct ring_access *a);

TABLE(static on_field_fn *const, on_field, GUEST_PURPOSE_COUNT, 1,
      [GUEST_PAYLOAD] = NULL, /* of these two ledger_memory has its own idea */
      [GUEST_INDIRECT] = NULL,
      [GUEST_DESC] = ledger_desc_read,
      [GUEST_AVAIL_FLAGS] = on_avail_flags,
      [GUEST_AVAIL_IDX] = on_avail_idx,
      [GUEST_AVAIL_ENTRY] = on_avail_entry,
      [GUEST_USED_EVENT] = on_used_event,
      [GUEST_USED_FLAGS] = on_used_flags,
      [GUEST_USED_IDX] = on_used_idx,
      [GUEST_USED_ENTRY] = on_used_entry,
      [GUEST_AVAIL_EVENT] = on_nothing);

static bool in_place(const struct ring_access *a)
{
	uint8_t purpose = a->why.purpose;
	const struct ring_field *f = &ring_split.field[purpose];
	TABLE(const uint64_t, area, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = a->q->desc,
	      [VIRTQUEUE_DRIVER] = a->q->avail,
	      [VIRTQUEUE_DEVICE] = a->q->used);
	uint64_t offset = a->addr - area[f->area] - f->offset;

	if (a->len != f->size || (a->write && !f->device))
		return false;
	if (f->behind)
		return offset == (uint64_t)ring_split.entry[f->area] * a->q->size;
	if (!f->array)
		return offset == 0;
	if (purpose == GUEST_AVAIL_ENTRY && (a->l->target->facts & FACT_WALK) != 0)
		return offset == (uint64_t)a->why.walk % a->q->size * f->size;
	/* Sizes of entries are powers of two: no division at each access. */
	return (offset & (a->len - 1)) == 0 && offset < (uint64_t)a->q->size * a->len;
}

void ledger_ring_access(const struct ring_access *a)
{
	uint8_t purpose = a->why.purpose;

	if (a->q->known && !in_place(a)) {
		if (ledger_judges(a->l, RULE_MEMORY_RING))
			ledger_break(a->l, RULE_MEMORY_RING,
				     "queue %u: the device %s %u bytes at 0x%llx as %s, which does "
				     "not lie there",
				     a->why.queue, a->write ? "wrote" : "read", a->len,
				     (unsigned long long)a->addr,
				     field_names(FIELD_PURPOSE)[purpose + 1]);
		return;
	}
	/* A device may look at what it wrote, and learns nothing new. */
	if (a->q->known && a->write == ring_split.field[purpose].device)
		on_field[purpose](a);
	else if (a->q->known && purpose == GUEST_USED_IDX)
		on_used_idx_read(a);
}
