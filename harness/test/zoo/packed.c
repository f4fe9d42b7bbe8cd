/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device's queue where RING_PACKED was accepted: take chains, answer them, give them
 * back.  See device.h.
 *
 * A chain is copied when it is taken, since what is given back may be written over it.  What
 * breaks a rule for drivers (2.8) is a breach, as in device.c.
 *
 * VIRTIO 1.4, 2.8, with INDIRECT_DESC and EVENT_IDX.
 */
#include "device.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

#define AVAIL_BIT (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED_BIT (1u << VRING_PACKED_DESC_F_USED)
#define WRAP_BIT (1u << VRING_PACKED_EVENT_F_WRAP_CTR)
#define FLAGS_AT offsetof(struct vring_packed_desc, flags)
#define LEN_AT offsetof(struct vring_packed_desc, len)

static struct vringer_why why_of(uint16_t purpose, const struct queue *q, uint16_t walk)
{
	return (struct vringer_why){ .purpose = purpose, .queue = q->index, .walk = walk };
}

static uint64_t entry_at(const struct queue *q, struct place at)
{
	return q->area[DESC] + sizeof(struct vring_packed_desc) * (uint64_t)at.slot;
}

struct place packed_after(const struct queue *q, struct place at, uint32_t entries)
{
	at.wrap ^= (at.slot + entries) / q->size % 2 != 0;
	at.slot = (uint16_t)((at.slot + entries) % q->size);
	return at;
}

static bool is_available(uint16_t flags, bool wrap)
{
	return (flags & (AVAIL_BIT | USED_BIT)) == (wrap ? AVAIL_BIT : USED_BIT);
}

/* ---- take ------------------------------------------------------------------ */

/* Is the next entry available?  Its flags, or all of it. */
static bool poll(struct device *d, struct queue *q, struct vring_packed_desc *desc)
{
	uint64_t at = entry_at(q, q->packed.avail);
	bool read;

	if (q->packed.entries == q->size)
		return false;
	if ((d->ways.packed & PACKED_WHOLE) != 0)
		read = memory_read(d, why_of(VRINGER_PACKED_DESC, q, q->next_avail), at, desc,
				   sizeof(*desc));
	else
		read = memory_read(d, why_of(VRINGER_PACKED_FLAGS, q, q->next_avail), at + FLAGS_AT,
				   &desc->flags, sizeof(desc->flags));
	if (!read) {
		d->ways.breach(d);
		return false;
	}
	return is_available(le16toh(desc->flags), q->packed.avail.wrap);
}

/* Say when to be notified. */
static bool say(struct device *d, struct queue *q, uint16_t flags)
{
	struct vring_packed_desc_event event = {
		.off_wrap = htole16(
			(uint16_t)(q->packed.avail.slot | (q->packed.avail.wrap ? WRAP_BIT : 0))),
		.flags = htole16(flags),
	};

	if (memory_write(d, why_of(VRINGER_DEVICE_EVENT, q, 0), q->area[USED], &event,
			 sizeof(event)))
		return true;
	d->ways.breach(d);
	return false;
}

/* Is there a chain to take?  If not, the driver is asked to notify the next one, and may
 * have offered it before it saw that. */
static bool look(struct device *d, struct queue *q, struct vring_packed_desc *desc)
{
	bool asks = (d->ways.packed & PACKED_SILENT) == 0 &&
		    device_negotiated(d, VIRTIO_RING_F_EVENT_IDX);

	if (poll(d, q, desc))
		return true;
	if (!device_live(d) || !asks || q->packed.entries == q->size)
		return false;
	return say(d, q, VRING_PACKED_EVENT_FLAG_DESC) && poll(d, q, desc);
}

/* Copy the entries of a list whose first flags, or all of it, are known. */
static bool copy_list(struct device *d, struct queue *q, struct held *held,
		      struct vring_packed_desc desc)
{
	struct place at = q->packed.avail;
	uint32_t room = q->size - q->packed.entries;
	uint32_t len = (d->ways.packed & PACKED_WHOLE) != 0 ? 0 : FLAGS_AT;

	held->first = q->packed.copies;
	for (held->entries = 0; held->entries < room && q->packed.copies < QUEUE_SIZE;) {
		if (len > 0 && !memory_read(d, why_of(VRINGER_PACKED_DESC, q, q->next_avail),
					    entry_at(q, at), &desc, len))
			return false;
		if (!is_available(le16toh(desc.flags), at.wrap))
			return false;
		q->packed.copy[q->packed.copies++] = desc;
		held->entries++;
		if (held->entries == 1 || (d->ways.packed & PACKED_AS_LINUX) == 0)
			held->id = le16toh(desc.id);
		at = packed_after(q, at, 1);
		if ((le16toh(desc.flags) & VRING_DESC_F_NEXT) == 0) {
			q->packed.avail = at;
			q->packed.entries += held->entries;
			return true;
		}
		len = sizeof(desc);
	}
	return false;
}

/* All chains that are available, as far as there is room for them. */
void packed_take(struct device *d, struct queue *q)
{
	struct vring_packed_desc desc = { .addr = 0 };

	while (q->held_count < q->size && look(d, q, &desc)) {
		struct held *held = &q->packed.held[q->held_count];

		held->walk = q->next_avail;
		if (!copy_list(d, q, held, desc)) {
			d->ways.breach(d);
			return;
		}
		q->held_count++;
		q->next_avail++;
	}
}

/* ---- answer ---------------------------------------------------------------- */

static bool add(struct device *d, struct chain *c, const struct vring_packed_desc *desc)
{
	struct vring_desc *to = &c->desc[c->count];

	if (c->count == QUEUE_SIZE)
		return false;
	to->addr = le64toh(desc->addr);
	to->len = le32toh(desc->len);
	to->flags = le16toh(desc->flags) & VRING_DESC_F_WRITE;
	c->count++;
	return d->ways.allows(d, to);
}

/* Entries of a table follow each other, and a list of the ring has no table in it. */
static bool walk_table(struct device *d, struct queue *q, const struct held *held, struct chain *c)
{
	const struct vring_packed_desc *named = &q->packed.copy[held->first];
	uint32_t len = le32toh(named->len);
	struct vring_packed_desc desc;

	if (!device_negotiated(d, VIRTIO_RING_F_INDIRECT_DESC) || held->entries != 1 || len == 0 ||
	    len % sizeof(desc) != 0 || len / sizeof(desc) > q->size ||
	    le64toh(named->addr) + (len - 1) < le64toh(named->addr))
		return false;
	for (uint32_t i = 0; i < len / sizeof(desc); i++)
		if (!memory_read(d, why_of(VRINGER_INDIRECT, q, held->walk),
				 le64toh(named->addr) + i * sizeof(desc), &desc, sizeof(desc)) ||
		    !add(d, c, &desc))
			return false;
	return true;
}

static bool walk(struct device *d, struct queue *q, const struct held *held, struct chain *c)
{
	*c = (struct chain){ .taken = { .head = held->id, .walk = held->walk } };
	for (uint32_t i = 0; i < held->entries; i++) {
		const struct vring_packed_desc *desc = &q->packed.copy[held->first + i];

		if ((le16toh(desc->flags) & VRING_DESC_F_INDIRECT) != 0)
			return walk_table(d, q, held, c);
		if (!add(d, c, desc))
			return false;
	}
	return true;
}

/* ---- give back ------------------------------------------------------------- */

/* A used descriptor in its place: the flags that show it come last, or with the rest. */
bool packed_put(struct device *d, struct queue *q, struct place at, const struct held *held,
		uint32_t len)
{
	struct vring_packed_desc used = {
		.len = htole32(len),
		.id = htole16(held->id),
		.flags = htole16((uint16_t)((at.wrap ? AVAIL_BIT | USED_BIT : 0) |
					    (len > 0 && (d->ways.packed & PACKED_AS_LINUX) == 0
						     ? VRING_DESC_F_WRITE
						     : 0))),
	};
	struct vringer_why why = why_of(VRINGER_PACKED_USED, q, held->walk);

	if ((d->ways.packed & PACKED_ONE_WRITE) != 0)
		return memory_write(d, why, entry_at(q, at) + LEN_AT, &used.len,
				    sizeof(used) - LEN_AT);
	if (!memory_write(d, why, entry_at(q, at) + LEN_AT, &used.len, FLAGS_AT - LEN_AT))
		return false;
	why.purpose = VRINGER_PACKED_FLAGS;
	return memory_write(d, why, entry_at(q, at) + FLAGS_AT, &used.flags, sizeof(used.flags));
}

/* Does the next chain come back with that one?  One of which not all was written ends its batch,
 * to tell how much of it was. */
static bool goes_on(const struct device *d, const struct held *held)
{
	return (d->ways.packed & PACKED_BATCHES) != 0 && device_negotiated(d, IN_ORDER) &&
	       held->full;
}

/* All that comes back: the first place last, so that the driver sees all or none (2.8.9, 2.8.12);
 * or one after the other.  A batch has the first of its places, and its last chain's id. */
static bool put_all(struct device *d, struct queue *q, const uint32_t *len, uint32_t count)
{
	struct place at[QUEUE_SIZE];
	struct place next = q->packed.used, first = next;
	uint32_t last[QUEUE_SIZE], places = 0;

	for (uint32_t i = 0; i < count; i++) {
		next = packed_after(q, next, q->packed.held[i].entries);
		if (i + 1 < count && goes_on(d, &q->packed.held[i]))
			continue;
		at[places] = first;
		last[places++] = i;
		first = next;
	}
	for (uint32_t n = 0; n < places; n++) {
		uint32_t i = (d->ways.packed & PACKED_LAST_FIRST) != 0 ? places - 1 - n : n;

		if (!d->ways.put_packed(d, q, at[i], &q->packed.held[last[i]], len[last[i]]))
			return false;
	}
	q->packed.used_before = q->packed.used;
	q->packed.used = next;
	return true;
}

/* 2.8.10.  What cannot be read cannot say no. */
bool packed_wants_interrupt(struct device *d, struct queue *q, uint32_t entries)
{
	struct vring_packed_desc_event event;
	struct place from = q->packed.used_before;
	uint32_t lap = 2 * q->size, slot, place, first;

	if (!memory_read(d, why_of(VRINGER_DRIVER_EVENT, q, 0), q->area[AVAIL], &event,
			 sizeof(event)))
		return true;
	if (le16toh(event.flags) == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (le16toh(event.flags) != VRING_PACKED_EVENT_FLAG_DESC ||
	    !device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		return true;
	slot = le16toh(event.off_wrap) & (WRAP_BIT - 1);
	place = slot + ((le16toh(event.off_wrap) & WRAP_BIT) != 0 ? q->size : 0);
	first = from.slot + (from.wrap ? q->size : 0);
	return slot >= q->size || (place + lap - first) % lap < entries;
}

/* Answer all chains that are held, and give them back. */
void packed_give_back(struct device *d, struct queue *q)
{
	uint32_t len[QUEUE_SIZE], held = q->held_count, entries = 0, count;
	struct chain chain;

	for (count = 0; count < held; count++) {
		if (!walk(d, q, &q->packed.held[count], &chain))
			break;
		len[count] = d->ways.answer(d, q, &chain);
		q->packed.held[count].full = device_is_full(&chain, len[count]);
		entries += q->packed.held[count].entries;
	}
	q->held_count = q->packed.copies = 0;
	if (!put_all(d, q, len, count)) {
		d->ways.breach(d);
		return;
	}
	q->next_used = (uint16_t)(q->next_used + count);
	q->packed.entries -= entries;
	if (count > 0 && d->ways.wants_packed(d, q, entries))
		d->ways.raise(d, 1);
	if (count < held)
		d->ways.breach(d);
}

/* As usual; or silent while it works, and with a look after it said that it is not any more. */
void packed_serve(struct device *d, struct queue *q)
{
	struct vring_packed_desc desc;

	if ((d->ways.packed & PACKED_SILENT) != 0 && !say(d, q, VRING_PACKED_EVENT_FLAG_DISABLE))
		return;
	packed_take(d, q);
	q->more = q->packed.entries == q->size;
	packed_give_back(d, q);
	if ((d->ways.packed & PACKED_SILENT) != 0 && device_live(d) &&
	    say(d, q, VRING_PACKED_EVENT_FLAG_ENABLE))
		q->more = poll(d, q, &desc);
	else
		q->more = q->more && device_live(d) && look(d, q, &desc);
}
