/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packed rings (VIRTIO 2.8): what the device read from the descriptor ring and wrote to it,
 * told as what a split ring would have shown, so that the rules about chains, returns,
 * interrupts and stuck work are one set for both.  See ledger.h.
 *
 * An available index is what the device has taken, and one more where it saw that the next
 * entry is available.  A chain is taken when its first descriptor is read after that; the
 * buffer's id is its head, known with the last one; a device that relies on what Linux does may
 * take any, so that where they differ its queue is not known any more.
 *
 * memory.ring: by the layout of the packed ring.  Where a field is read or written in another
 * size than vringer.h names (memory.field), the queue is not judged any more.
 *
 * order.unavailable: a descriptor is used only after its flags were read as available
 * (dev.packed.desc-table.2).  Where a list goes on in an entry that is not, that is the
 * driver's breach, and what a device makes of it is open.
 *
 * completion.slot, order.entry: the driver looks at the next place alone, so the flags that
 * mark it used come when id and length are there; later places may be marked before it, since
 * the device may reorder writes (2.8.12).  A mark of the wrong lap the driver never sees.  NEXT and
 * INDIRECT are reserved there (2.8.6), and drivers ignore them; our own models leave them 0, and
 * set WRITE where there is a length and nowhere else.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define FLAGS_AT 14u
#define USED_WHOLE_SIZE (RING_PACKED_USED_SIZE + 2u)
#define USED_BITS (RING_PACKED_AVAIL | RING_PACKED_USED)

void ledger_packed_start(struct ledger_queue *q)
{
	q->place = (struct ledger_packed){ .avail_wrap = true, .used_wrap = true };
	/* At first the device wants to hear of everything: memory says so (2.8.10). */
	ledger_notify_unknown(q);
}

static bool is_available(uint16_t flags, bool wrap)
{
	return (flags & USED_BITS) == (wrap ? RING_PACKED_AVAIL : RING_PACKED_USED);
}

/* It is not known any more where the device is. */
static void lose(const struct ring_access *a)
{
	ledger_queue_lose(a->l, a->q);
	ledger_note_unknown(a->l);
}

static uint16_t slot_of(const struct ring_access *a)
{
	return (uint16_t)((a->addr - a->q->desc) / RING_DESC_SIZE);
}

/* The device saw those flags of the next entry. */
static void looked(const struct ring_access *a, uint16_t flags)
{
	struct ledger_queue *q = a->q;

	q->looks++;
	q->work.notified = false;
	q->work.notify.unchecked = false;
	q->place.flags = flags;
	q->place.available = is_available(flags, q->place.avail_wrap);
	q->work.index_seen = true;
	q->work.avail_idx = (uint16_t)(q->taken + q->place.available);
	ledger_looked(a->l, a->why.queue);
}

static void on_flags_read(const struct ring_access *a)
{
	struct ledger_queue *q = a->q;

	/* A device may look at any other entry, and learns nothing by that. */
	if (slot_of(a) != q->place.avail_slot)
		return;
	a->l->call.active |= 1ULL << a->why.queue;
	if (a->err != 0) {
		q->looks++;
		q->work.notified = false;
		ledger_ring_poison(a);
		return;
	}
	looked(a, ledger_get16(a->data));
}

/* The first descriptor of a chain; NULL: of none that the device may take. */
static struct ledger_hold *take(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint32_t index;

	if (slot_of(a) != q->place.avail_slot) {
		lose(a);
		return NULL;
	}
	if (a->len == RING_DESC_SIZE) {
		l->call.active |= 1ULL << a->why.queue;
		if (a->err != 0)
			ledger_ring_poison(a);
		else
			looked(a, ledger_get16(a->data + FLAGS_AT));
		if (a->err != 0 || !q->place.available)
			return NULL;
	}
	if (ledger_judges(l, RULE_ORDER_UNAVAILABLE) && !q->place.available) {
		ledger_break(l, RULE_ORDER_UNAVAILABLE,
			     "queue %u: the device read descriptor %u, whose flags it has not read "
			     "as available",
			     a->why.queue, q->place.avail_slot);
		return NULL;
	}
	q->taken = (uint16_t)(a->why.walk + 1);
	q->work.avail_idx = q->taken;
	q->place.available = false;
	q->call_chains = (q->call == l->call.number ? q->call_chains : 0) + 1;
	q->call = l->call.number;
	l->call.chains++;
	l->call.bytes_max += LEDGER_CHAIN_BYTES;
	l->call.accesses_max += LEDGER_CHAIN_ACCESSES;
	index = ledger_hold_take(l, q, a->why.walk, 0);
	if (index == LEDGER_NONE)
		return NULL;
	l->hold[index].expect = q->place.avail_slot;
	return &l->hold[index];
}

/* A list with a table in it is no list (2.8.19); what a device makes of it is open. */
static bool is_table_in_list(const struct ledger_hold *hold, uint16_t flags)
{
	return (flags & VRING_DESC_F_INDIRECT) != 0 &&
	       (hold->entries > 0 || (flags & VRING_DESC_F_NEXT) != 0);
}

static void on_desc_read(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint32_t found = ledger_hold_find(l, q, a->why.walk);
	struct ledger_hold *hold = found != LEDGER_NONE ? &l->hold[found] : take(a);
	struct vring_desc desc;
	uint16_t flags, id, slot = slot_of(a);

	l->call.descs++;
	if (hold == NULL)
		return;
	if (!ledger_desc_walk(a, hold)) {
		ledger_ring_poison(a);
		return;
	}
	id = ledger_get16(a->data + 12);
	flags = a->len == RING_DESC_SIZE ? ledger_get16(a->data + FLAGS_AT) : q->place.flags;
	if (hold->entries > 0 && !is_available(flags, q->place.avail_wrap)) {
		if (l->target->model)
			ledger_ring_poison(a);
		hold->blind = true;
	}
	desc = (struct vring_desc){ .addr = ledger_get64(a->data),
				    .len = ledger_get32(a->data + 8),
				    .flags = flags & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE |
						      VRING_DESC_F_INDIRECT),
				    .next = (uint16_t)((slot + 1u) % q->size) };
	if (is_table_in_list(hold, flags)) {
		desc.flags &= (uint16_t)~VRING_DESC_F_INDIRECT;
		hold->strayed = true;
		hold->blind = hold->blind || !l->target->model;
	}
	ledger_desc_add(a, hold, &desc, slot);
	hold->entries++;
	q->place.held++;
	ledger_packed_go_on(&q->place.avail_slot, &q->place.avail_wrap, q->size, 1);
	if (hold->entries > 1 && l->target->packed_as_linux && hold->head != id) {
		lose(a);
		return;
	}
	if ((flags & VRING_DESC_F_NEXT) == 0 || l->target->packed_as_linux)
		hold->head = id;
	if ((flags & VRING_DESC_F_NEXT) != 0 && q->place.held >= q->size)
		ledger_ring_poison(a);
}

static struct ledger_pending *pending_at(const struct ring_access *a, uint16_t slot)
{
	for (unsigned i = 0; i < a->q->work.pending_count; i++)
		if (a->pending[i].slot == slot)
			return &a->pending[i];
	return NULL;
}

/* One for that place; NULL: there is no room to keep it. */
static struct ledger_pending *pending_for(const struct ring_access *a, uint16_t slot)
{
	struct ledger_pending *entry = pending_at(a, slot);

	if (entry == NULL && a->q->work.pending_count < LEDGER_PENDING_MAX) {
		entry = &a->pending[a->q->work.pending_count++];
		*entry = (struct ledger_pending){ .slot = slot };
	}
	if (entry == NULL)
		a->q->work.overflowed = true;
	else
		entry->walk = a->why.walk;
	return entry;
}

/* Is that place one of those that the device has?  Where it took more chains than are kept,
 * nobody counted. */
static bool is_due(const struct ring_access *a)
{
	return a->q->work.overflowed || ledger_packed_is_due(a->q, a->addr - a->q->desc);
}

static void on_used_written(const struct ring_access *a)
{
	struct ledger_pending *entry;

	TELL_FOLLOWERS(a->l, entry, a->l, a->why.queue);
	if (a->err != 0) {
		ledger_used_abandoned(a);
		return;
	}
	if (!is_due(a)) {
		if (ledger_judges(a->l, RULE_COMPLETION_SLOT))
			ledger_break(a->l, RULE_COMPLETION_SLOT,
				     "queue %u: the device wrote id and length to descriptor %u; "
				     "the next to use is %u, and it has %u",
				     a->why.queue, slot_of(a), a->q->place.used_slot,
				     a->q->place.held);
		return;
	}
	entry = pending_for(a, slot_of(a));
	if (entry == NULL)
		return;
	entry->len = ledger_get32(a->data);
	entry->id = ledger_get16(a->data + 4);
	entry->have |= PENDING_ID | PENDING_LEN;
}

/* What the next place says is what the driver sees: a chain has come back, or a batch. */
static void return_next(const struct ring_access *a, struct ledger_pending *entry)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t chains, entries = ledger_used_returned(a, entry, &chains);
	/* Without a word of the driver that is known, the device may have kept silent. */
	bool open = q->work.moved && q->work.asked && q->work.unsure;

	if (!q->work.moved || open || (q->work.asked && q->work.silenced))
		q->place.moved = (struct ledger_range){ .open = open };
	ledger_range_add(&q->place.moved, q, entries);

	TELL_FOLLOWERS(l, moved, l, a->why.queue, entries == 0);
	*ledger_chains(l, CHAINS_USED, a->why.queue) += chains;
	*entry = a->pending[--q->work.pending_count];
	q->place.held -= entries < q->place.held ? entries : q->place.held;
	ledger_packed_go_on(&q->place.used_slot, &q->place.used_wrap, q->size, entries);
	l->call.moved |= 1ULL << a->why.queue;
	l->session.events |= VIRTIO_MMIO_INT_VRING;
	ledger_index_moved(q, (uint16_t)(q->used_idx + chains));
	/* How far the driver skips behind what it does not know is not known. */
	if (entries == 0)
		lose(a);
}

/* A used descriptor of one of our own models. */
static void judge_mark(const struct ring_access *a, const struct ledger_pending *entry)
{
	uint16_t flags = ledger_get16(a->data);
	bool writes = (flags & VRING_DESC_F_WRITE) != 0;

	if (!a->l->target->model || !ledger_judges(a->l, RULE_COMPLETION_SLOT))
		return;
	if ((flags & ~(USED_BITS | VRING_DESC_F_WRITE)) != 0 ||
	    ((entry->have & PENDING_LEN) != 0 && writes != (entry->len > 0)))
		ledger_break(
			a->l, RULE_COMPLETION_SLOT,
			"queue %u: the device marked descriptor %u used with flags 0x%x and a "
			"length of %u: there are more flags than AVAIL, USED and WRITE, or WRITE "
			"does not say whether there is a length",
			a->why.queue, entry->slot, flags, entry->len);
}

static void on_flags_written(const struct ring_access *a)
{
	struct ledger_queue *q = a->q;
	uint16_t slot = slot_of(a);
	struct ledger_pending *entry;
	bool wrap = slot >= q->place.used_slot ? q->place.used_wrap : !q->place.used_wrap;

	if (a->err != 0) {
		ledger_used_abandoned(a);
		return;
	}
	if (!is_due(a) || (ledger_get16(a->data) & USED_BITS) != (wrap ? USED_BITS : 0)) {
		if (ledger_judges(a->l, RULE_COMPLETION_SLOT))
			ledger_break(
				a->l, RULE_COMPLETION_SLOT,
				"queue %u: the device wrote flags 0x%x to descriptor %u, which "
				"do not mark it used in that lap, or it is none of the %u that the "
				"device has (the next is %u)",
				a->why.queue, ledger_get16(a->data), slot, q->place.held,
				q->place.used_slot);
		return;
	}
	entry = pending_for(a, slot);
	if (entry == NULL)
		return;
	entry->have |= PENDING_FLAGS;
	judge_mark(a, entry);
	/* Without WRITE it says nothing of the length (2.8.4). */
	if ((ledger_get16(a->data) & VRING_DESC_F_WRITE) == 0)
		entry->len = 0;
	while (q->known && (entry = pending_at(a, q->place.used_slot)) != NULL &&
	       (entry->have & PENDING_FLAGS) != 0) {
		if ((entry->have & (PENDING_ID | PENDING_LEN)) != (PENDING_ID | PENDING_LEN)) {
			if (!q->work.overflowed && ledger_judges(a->l, RULE_ORDER_ENTRY))
				ledger_break(a->l, RULE_ORDER_ENTRY,
					     "queue %u: the device marked descriptor %u used, and "
					     "its id and length had not been written",
					     a->why.queue, entry->slot);
			lose(a);
			return;
		}
		return_next(a, entry);
	}
}

static void on_driver_event(const struct ring_access *a)
{
	enum ledger_wanted wanted = WANTED_UNSURE;

	if (a->err == 0)
		wanted = ledger_packed_wanted(a->l, a->q, &a->q->place.moved, ledger_get16(a->data),
					      ledger_get16(a->data + 2));
	ledger_driver_said(a->l, a->q, wanted == WANTED_UNSURE ? -1 : 0, wanted == WANTED_NO);
}

uint16_t ledger_packed_next(const struct ledger_queue *q)
{
	return (uint16_t)(q->place.avail_slot | (q->place.avail_wrap ? RING_EVENT_WRAP : 0));
}

static void on_device_event(const struct ring_access *a)
{
	if (a->err != 0)
		ledger_notify_unknown(a->q);
	else
		ledger_packed_said(a->l, a->why.queue, ledger_get16(a->data),
				   ledger_get16(a->data + 2));
}

/* Does the whole of the field that the purpose names, or of another of its sizes, lie
 * there? */
static bool in_place(const struct ring_access *a)
{
	uint16_t purpose = a->why.purpose;
	const struct ring_field *f = &ring_packed.field[purpose];
	TABLE(const uint64_t, area, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = a->q->desc,
	      [VIRTQUEUE_DRIVER] = a->q->avail,
	      [VIRTQUEUE_DEVICE] = a->q->used);
	uint64_t offset = a->addr - area[f->area] - f->offset;

	if (f->size == 0)
		return false;
	if (a->write && !f->device && purpose != GUEST_PACKED_FLAGS)
		return false;
	return f->array ? offset % RING_DESC_SIZE == 0 &&
				  offset < (uint64_t)a->q->size * RING_DESC_SIZE
			: offset == 0;
}

static bool is_of_size(const struct ring_access *a)
{
	return a->len == ring_packed.field[a->why.purpose].size ||
	       (a->why.purpose == GUEST_PACKED_DESC && a->len == FLAGS_AT && !a->write) ||
	       (a->why.purpose == GUEST_PACKED_USED && a->len == USED_WHOLE_SIZE && a->write);
}

/* A used descriptor that is written at once: the flags come with the rest. */
static void on_used_whole(const struct ring_access *a)
{
	struct ring_access flags = *a;

	on_used_written(a);
	flags.addr += RING_PACKED_USED_SIZE;
	if (a->err == 0)
		flags.data += RING_PACKED_USED_SIZE;
	flags.len = USED_WHOLE_SIZE - RING_PACKED_USED_SIZE;
	on_flags_written(&flags);
}

void ledger_packed_access(const struct ring_access *a)
{
	uint16_t purpose = a->why.purpose;

	if (!in_place(a)) {
		if (ledger_judges(a->l, RULE_MEMORY_RING))
			ledger_break(a->l, RULE_MEMORY_RING,
				     "queue %u: the device %s %u bytes at 0x%llx as %s, which does "
				     "not lie there",
				     a->why.queue, a->write ? "wrote" : "read", a->len,
				     (unsigned long long)a->addr,
				     field_names(FIELD_PURPOSE)[purpose + 1]);
	} else if (!is_of_size(a)) {
		ledger_judge_size(a);
		lose(a);
	} else if (purpose == GUEST_PACKED_FLAGS) {
		(a->write ? on_flags_written : on_flags_read)(a);
	} else if (purpose == GUEST_PACKED_USED && a->write) {
		(a->len == USED_WHOLE_SIZE ? on_used_whole : on_used_written)(a);
	} else if (purpose == GUEST_PACKED_DESC) {
		on_desc_read(a);
	} else if (purpose == GUEST_DRIVER_EVENT) {
		on_driver_event(a);
	} else if (purpose == GUEST_DEVICE_EVENT && a->write) {
		on_device_event(a);
	}
}
