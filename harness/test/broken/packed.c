/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device of ../zoo, wrong on packed rings: what it writes there, how far it skips,
 * who is told.  README.md has the table.
 */
#include "flaws.h"

#include <endian.h>
#include <stddef.h>

/* ---- used descriptors (2.8.1, 2.8.6) ---------------------------------------- */

/* Its wrap counter stays at 1. */
static bool put_first_lap(struct device *d, struct queue *q, struct place at,
			  const struct held *held, uint32_t len)
{
	at.wrap = true;
	return usual.put_packed(d, q, at, held, len);
}

MEMBER(packed_one_lap, "broken-packed-one-lap", w->put_packed = put_first_lap, USUALLY_PACKED)

/* The flags, and then what they stand for. */
static bool put_flags_first(struct device *d, struct queue *q, struct place at,
			    const struct held *held, uint32_t len)
{
	uint64_t entry = q->area[DESC] + sizeof(struct vring_packed_desc) * (uint64_t)at.slot;
	struct vringer_why why = { .purpose = VRINGER_PACKED_FLAGS,
				   .queue = q->index,
				   .walk = held->walk };
	uint16_t flags = htole16((uint16_t)((at.wrap ? 1u << VRING_PACKED_DESC_F_AVAIL |
							       1u << VRING_PACKED_DESC_F_USED
						     : 0) |
					    (len > 0 ? VRING_DESC_F_WRITE : 0)));

	return memory_write(d, why, entry + offsetof(struct vring_packed_desc, flags), &flags,
			    sizeof(flags)) &&
	       usual.put_packed(d, q, at, held, len);
}

MEMBER(packed_flags_first, "broken-packed-early", w->put_packed = put_flags_first, USUALLY_PACKED)

/* Writes it anew when the driver may have read it. */
static bool put_again(struct device *d, struct queue *q, struct place at, const struct held *held,
		      uint32_t len)
{
	return usual.put_packed(d, q, at, held, len) && usual.put_packed(d, q, at, held, len / 2);
}

MEMBER(packed_twice_written, "broken-packed-again", w->put_packed = put_again, USUALLY_PACKED)

static bool put_next_id(struct device *d, struct queue *q, struct place at, const struct held *held,
			uint32_t len)
{
	struct held other = *held;

	other.id++;
	return usual.put_packed(d, q, at, &other, len);
}

MEMBER(packed_wrong_id, "broken-packed-id", w->put_packed = put_next_id, USUALLY_PACKED)

/* An id that no queue is long enough for. */
static bool put_large_id(struct device *d, struct queue *q, struct place at,
			 const struct held *held, uint32_t len)
{
	struct held other = *held;

	other.id |= 0x8000;
	return usual.put_packed(d, q, at, &other, len);
}

MEMBER(packed_large_id, "broken-packed-big-id", w->put_packed = put_large_id, USUALLY_PACKED)

/* The number of the place, where the id was asked for. */
static bool put_place(struct device *d, struct queue *q, struct place at, const struct held *held,
		      uint32_t len)
{
	struct held other = *held;

	other.id = at.slot;
	return usual.put_packed(d, q, at, &other, len);
}

MEMBER(packed_place_for_id, "broken-packed-slot-id", w->put_packed = put_place, USUALLY_PACKED)

/* A used descriptor for each of a list's. */
static bool put_each(struct device *d, struct queue *q, struct place at, const struct held *held,
		     uint32_t len)
{
	for (uint32_t i = 0; i < held->entries; i++)
		if (!usual.put_packed(d, q, packed_after(q, at, i), held, len))
			return false;
	return true;
}

MEMBER(packed_each, "broken-packed-each", w->put_packed = put_each, USUALLY_PACKED)

/* Two places for one chain. */
static bool put_twice(struct device *d, struct queue *q, struct place at, const struct held *held,
		      uint32_t len)
{
	return usual.put_packed(d, q, at, held, len) &&
	       usual.put_packed(d, q, packed_after(q, at, held->entries), held, len);
}

MEMBER(packed_returns_twice, "broken-packed-twice", w->put_packed = put_twice, USUALLY_PACKED)

/* Skips one place for each chain, however many it takes. */
static void serve_and_skip_one(struct device *d, struct queue *q)
{
	struct place before = q->packed.used;
	uint16_t used = q->next_used;

	usual.serve(d, q);
	if (device_packed(d))
		q->packed.used = packed_after(q, before, (uint16_t)(q->next_used - used));
}

MEMBER(packed_skips_one, "broken-packed-skips", w->serve = serve_and_skip_one, USUALLY_PACKED)

static bool put_len_plus_one(struct device *d, struct queue *q, struct place at,
			     const struct held *held, uint32_t len)
{
	return usual.put_packed(d, q, at, held, len + 1);
}

MEMBER(packed_len, "broken-packed-len", w->put_packed = put_len_plus_one, USUALLY_PACKED)

/* Clears the descriptors of a list when it is done with them, those behind the first too. */
static bool put_and_clear(struct device *d, struct queue *q, struct place at,
			  const struct held *held, uint32_t len)
{
	static const struct vring_packed_desc none;
	struct vringer_why why = { .purpose = VRINGER_PACKED_DESC,
				   .queue = q->index,
				   .walk = held->walk };
	struct place before = packed_after(q, at, q->size - 1);

	return memory_write(d, why, q->area[DESC] + sizeof(none) * (uint64_t)before.slot, &none,
			    sizeof(none)) &&
	       usual.put_packed(d, q, at, held, len);
}

MEMBER(packed_clears, "broken-packed-clears", w->put_packed = put_and_clear, USUALLY_PACKED)

/* ---- who is told (2.8.10) ---------------------------------------------------- */

static bool wants_always(struct device *d, struct queue *q, uint32_t entries)
{
	(void)d;
	(void)q;
	(void)entries;
	return true;
}

MEMBER(packed_unwanted, "broken-packed-unasked", w->wants_packed = wants_always, USUALLY_PACKED)

/* The driver wants one when that place is used; this one waits for one more. */
static bool wants_late(struct device *d, struct queue *q, uint32_t entries)
{
	q->packed.used_before = packed_after(q, q->packed.used_before, 2 * q->size - 1);
	return usual.wants_packed(d, q, entries);
}

MEMBER(packed_event_late, "broken-packed-late", w->wants_packed = wants_late, USUALLY_PACKED)

/* Compares the offset of the event and forgets the wrap counter. */
static bool wants_without_lap(struct device *d, struct queue *q, uint32_t entries)
{
	struct place before = q->packed.used_before;
	bool wanted;

	q->packed.used_before.wrap = true;
	wanted = usual.wants_packed(d, q, entries);
	q->packed.used_before = before;
	return wanted;
}

MEMBER(packed_event_lap, "broken-packed-lap", w->wants_packed = wants_without_lap, USUALLY_PACKED)

/* Names the place of the first lap, always. */
static void serve_naming_first_lap(struct device *d, struct queue *q)
{
	struct vringer_why why = { .purpose = VRINGER_DEVICE_EVENT, .queue = q->index };
	struct vring_packed_desc_event event = {
		.flags = htole16(VRING_PACKED_EVENT_FLAG_DESC),
	};

	usual.serve(d, q);
	event.off_wrap =
		htole16((uint16_t)(q->packed.avail.slot | 1u << VRING_PACKED_EVENT_F_WRAP_CTR));
	if (device_packed(d) && device_live(d) && device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		memory_write(d, why, q->area[USED], &event, sizeof(event));
}

MEMBER(packed_notify_lap, "broken-packed-notify", w->serve = serve_naming_first_lap, USUALLY_PACKED)

/* Suppresses notifications for good, and does not poll. */
static void serve_and_disable(struct device *d, struct queue *q)
{
	struct vringer_why why = { .purpose = VRINGER_DEVICE_EVENT, .queue = q->index };
	struct vring_packed_desc_event event = {
		.flags = htole16(VRING_PACKED_EVENT_FLAG_DISABLE),
	};

	usual.serve(d, q);
	if (device_packed(d) && device_live(d))
		memory_write(d, why, q->area[USED], &event, sizeof(event));
}

MEMBER(packed_suppresses, "broken-packed-silent", w->serve = serve_and_disable, USUALLY_PACKED)

/* A flag that there is not. */
static void serve_and_reserve(struct device *d, struct queue *q)
{
	struct vringer_why why = { .purpose = VRINGER_DEVICE_EVENT, .queue = q->index };
	struct vring_packed_desc_event event = { .flags = htole16(3) };

	usual.serve(d, q);
	if (device_packed(d) && device_live(d))
		memory_write(d, why, q->area[USED], &event, sizeof(event));
}

MEMBER(packed_reserved, "broken-packed-flag-3", w->serve = serve_and_reserve, USUALLY_PACKED)

/* ---- chains (2.8.6, 2.8.7) ---------------------------------------------------- */

/* Writes where the descriptor says that it may read. */
static uint32_t answer_everywhere(struct device *d, struct queue *q, const struct chain *c)
{
	struct chain all = *c;

	for (uint32_t i = 0; i < all.count; i++)
		all.desc[i].flags |= VRING_DESC_F_WRITE;
	return usual.answer(d, q, &all);
}

MEMBER(packed_writes_readable, "broken-packed-input", w->answer = answer_everywhere, USUALLY_PACKED)

/* Of several chains that are available the last is lost. */
static void serve_all_but_last(struct device *d, struct queue *q)
{
	if (!device_packed(d)) {
		usual.serve(d, q);
		return;
	}
	packed_take(d, q);
	if (q->held_count > 1)
		q->held_count--;
	packed_give_back(d, q);
}

MEMBER(packed_forgets, "broken-packed-forgets", w->serve = serve_all_but_last, USUALLY_PACKED)
