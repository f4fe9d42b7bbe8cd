/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Fields of a ring that a device accesses in other pieces than vringer.h asks for: a part
 * of one, or several at once.  See ledger_ring.c.
 *
 * memory.field: VIRTIO says where fields lie and leaves open how a device reads them; one
 * call for each is what the ledger asks for, so as to know what it reads.  So this is a rule of
 * vringer's header, reported as such, and of severity `limit`.
 *
 * The ledger understands a descriptor that is read field by field, a used entry that is
 * written as id and length, and several entries, or the two fields at the start of a ring, at
 * once.  A chain or a queue of which it does not understand what the device read is not judged
 * any more.
 *
 * Here is no haste: devices that keep to vringer.h do not come by.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define DESC_READ 0x3fffu /* bytes of a descriptor but for `next`, a bit each */
#define DESC_NEXT 0xc000u

void ledger_judge_size(const struct ring_access *a)
{
	if (ledger_judges(a->l, RULE_MEMORY_FIELD))
		ledger_break(a->l, RULE_MEMORY_FIELD,
			     "queue %u: the device %s %u bytes at 0x%llx as %s, and vringer.h asks "
			     "for one call of the field's size",
			     a->why.queue, a->write ? "wrote" : "read", a->len,
			     (unsigned long long)a->addr,
			     field_names(FIELD_PURPOSE)[a->why.purpose + 1]);
}

/* What the device reads of that queue from here on is not known. */
static void lose(const struct ring_access *a)
{
	ledger_queue_lose(a->l, a->q);
	ledger_note_unknown(a->l);
}

/* The part of the access that is a field of that purpose, `len` bytes from `offset` of the
 * access on. */
static void tell(const struct ring_access *a, uint16_t purpose, uint32_t offset, uint32_t len)
{
	struct ring_access part = *a;

	part.why.purpose = purpose;
	part.addr += offset;
	part.data = a->data != NULL ? a->data + offset : NULL;
	part.len = len;
	ledger_field_told(&part);
}

/* The chain's descriptor at `at`, as far as it was read now. */
static void add_piece(const struct ring_access *a, struct ledger_hold *hold, uint64_t at)
{
	struct ledger_piece *p = &hold->piece;
	uint32_t from = (uint32_t)(a->addr - at);
	struct ring_access whole = *a;
	bool again = p->mask != 0 && p->at == at;
	bool differs = again && !p->open;

	hold->blind = hold->blind || a->err != 0 || (p->open && !again);
	if (hold->blind)
		return;
	if (!again)
		*p = (struct ledger_piece){ .at = at, .open = true };
	/* Read again, it is the same or not known. */
	for (uint32_t i = 0; i < a->len; i++) {
		if (differs && (p->mask >> (from + i) & 1) != 0 && p->bytes[from + i] != a->data[i])
			hold->blind = true;
		p->bytes[from + i] = a->data[i];
		p->mask |= (uint16_t)(1u << (from + i));
	}
	/* Where the chain goes on a device may look up late. */
	if (!p->open && hold->expects && (p->mask & DESC_NEXT) == DESC_NEXT &&
	    (hold->in_table || (ledger_get16(p->bytes + 12) & VRING_DESC_F_INDIRECT) == 0))
		hold->expect = ledger_get16(p->bytes + 14);
	if (!p->open || (p->mask & DESC_READ) != DESC_READ)
		return;
	p->open = false;
	whole.addr = at;
	whole.data = p->bytes;
	whole.len = RING_DESC_SIZE;
	ledger_desc_read(&whole);
}

/* A read of descriptors of that table.  Of several at once it is not known which the
 * device goes by. */
static void on_descs(const struct ring_access *a, uint64_t table)
{
	uint32_t found = ledger_hold_find(a->l, a->q, a->why.walk);
	uint64_t at = a->addr - (a->addr - table) % RING_DESC_SIZE;

	a->l->call.accesses_max += LEDGER_DESC_ACCESSES;
	if (found == LEDGER_NONE)
		return;
	if (a->addr - at + a->len > RING_DESC_SIZE)
		a->l->hold[found].blind = true;
	else
		add_piece(a, &a->l->hold[found], at);
}

void ledger_table_odd(const struct ring_access *a)
{
	uint32_t found = ledger_hold_find(a->l, a->q, a->why.walk);
	const struct ledger_hold *hold = found != LEDGER_NONE ? &a->l->hold[found] : NULL;

	ledger_judge_size(a);
	if (a->write || hold == NULL || !hold->has_table || a->addr < hold->table_first ||
	    a->addr + (a->len - 1) > hold->table_last) {
		ledger_desc_read(a);
		return;
	}
	on_descs(a, hold->table_first);
}

/* Entries of the array of a ring. */
static void on_entries(const struct ring_access *a)
{
	const struct ring_field *f = &ring_split.field[a->why.purpose];
	uint32_t size = f->size;
	/* A used entry has two fields. */
	uint32_t least = a->why.purpose == GUEST_USED_ENTRY ? 4 : size;
	struct ring_access part = *a;

	if (a->write != f->device)
		return;
	if (a->len % least != 0 || (a->addr - a->q->used) % least != 0) {
		lose(a);
		return;
	}
	while (part.len > 0) {
		uint32_t into = least == size ? 0 : (uint32_t)(part.addr - a->q->used - 4) % size;
		uint32_t len = size - into < part.len ? size - into : part.len;

		tell(&part, a->why.purpose, 0, len);
		part.addr += len;
		part.data = part.data != NULL ? part.data + len : NULL;
		part.len -= len;
		/* Of used entries the walk is that of the first: heads tell. */
		if (a->why.purpose == GUEST_AVAIL_ENTRY)
			part.why.walk++;
	}
}

/* The two fields at the start of a ring, of which the access has both, or part of one. */
static void on_start(const struct ring_access *a, uint64_t area, uint16_t flags, uint16_t idx)
{
	if (a->addr != area || a->len != 4) {
		lose(a);
		return;
	}
	tell(a, flags, 0, 2);
	tell(a, idx, 2, 2);
}

/* Is all of the access in [first, first + len)? */
static bool is_in(const struct ring_access *a, uint64_t first, uint64_t len)
{
	return a->len > 0 && a->addr - first < len && a->len <= len - (a->addr - first);
}

bool ledger_field_odd(const struct ring_access *a)
{
	const struct ledger_queue *q = a->q;
	uint16_t purpose = a->why.purpose;
	const struct ring_field *f = &ring_split.field[purpose];
	uint64_t start = f->area == VIRTQUEUE_DRIVER ? q->avail : q->used;

	if (a->len == f->size || (a->write && !f->device))
		return false;
	if (purpose == GUEST_DESC) {
		if (!is_in(a, q->desc, ring_size(&ring_split, VIRTQUEUE_DESC, q->size)))
			return false;
		ledger_judge_size(a);
		on_descs(a, q->desc);
		return true;
	}
	if (f->array) {
		if (!is_in(a, start + f->offset, (uint64_t)f->size * q->size))
			return false;
		/* Entries of the available ring begin with the one that the walk is for. */
		if (purpose == GUEST_AVAIL_ENTRY &&
		    a->addr != start + f->offset + (uint64_t)f->size * (a->why.walk % q->size))
			return false;
		ledger_judge_size(a);
		on_entries(a);
		return true;
	}
	if (f->behind ? !is_in(a, start + ring_at(&ring_split, purpose, q->size, 0), f->size)
		      : !is_in(a, start, 4))
		return false;
	ledger_judge_size(a);
	if (f->behind)
		lose(a);
	else if (f->area == VIRTQUEUE_DRIVER)
		on_start(a, start, GUEST_AVAIL_FLAGS, GUEST_AVAIL_IDX);
	else
		on_start(a, start, GUEST_USED_FLAGS, GUEST_USED_IDX);
	return true;
}
