/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations that are aimed at rings: entries of a packed one by hand (VIRTIO 2.8), events
 * near where the device is, and races against its looks.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define LIST_MAX 4u /* entries of a list that is written by hand */

bool rings_are_packed(const struct program *prog)
{
	for (uint32_t i = 0; i < prog->op_count; i++)
		if (prog->ops[i].code == OP_START)
			return prog->ops[i].value[START_RING] == RING_FORMAT_PACKED;
	return false;
}

bool aims_at_events(const struct mutator *m)
{
	return (m->features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0;
}

bool aims_at_packed(const struct mutator *m)
{
	return (m->features >> VIRTIO_F_RING_PACKED & 1) != 0;
}

/* From the index on: at it, before, behind, half a wrap or, in a small ring, half a lap away. */
uint64_t step_fresh(struct mutator *m)
{
	static const int16_t near[] = { 0, 0, 0, 0, 1, 1, 2, 3, -1, -1, -2, 4, -4, 7, 8 };
	static const int16_t far[] = { INT16_MAX, INT16_MAX - 1, INT16_MIN, INT16_MIN + 1,
				       16,	  128,		 255,	    256 };

	return (uint64_t)(int64_t)(random_chance(m, 5) ? PICK(m, far) : PICK(m, near));
}

static struct op *add_of_queue(struct program *prog, uint32_t *at, uint8_t code, unsigned queue)
{
	struct op *op = edit_add(prog, *at, code);

	if (op == NULL)
		return NULL;
	++*at;
	op->value[NOTIFY_QUEUE] = queue;
	return op;
}

SAME_FIELD(NOTIFY_QUEUE, PACKED_DESC_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, PACKED_MOVE_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, EVENT_AT_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, USED_EVENT_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, DRIVER_EVENT_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, AVAIL_FLAGS_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, AVAIL_IDX_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, OFFER_QUEUE);

/* A list of entries as a driver writes them, before it is written. */
struct list {
	uint32_t count;
	int32_t moves; /* of the driver */
	bool flip;
	struct {
		uint8_t slot;
		uint32_t len;
		uint16_t id, flags;
	} entry[LIST_MAX];
};

static void fill_list(struct mutator *m, struct list *l, bool driven)
{
	static const uint8_t slots[] = { 0, 1, 3, 8, 9 };
	static const uint16_t lens[] = { 12, 12, 64, 76, 76, 16, 8, 1, 0, 1514 };
	uint16_t id = (uint16_t)(random_chance(m, 6) ? value_edge(m) : random_below(m, 8));
	uint32_t read;

	memset(l, 0, sizeof(*l));
	l->count = 1 + random_below(m, random_chance(m, 2) ? 1 : LIST_MAX);
	l->moves = (int32_t)l->count;
	read = driven ? 1 + random_below(m, l->count) : 0;
	for (uint32_t i = 0; i < l->count; i++) {
		l->entry[i].slot = PICK(m, slots);
		l->entry[i].len = PICK(m, lens);
		l->entry[i].id = id;
		l->entry[i].flags = (uint16_t)((i + 1 < l->count ? VRING_DESC_F_NEXT : 0) |
					       (i >= read ? VRING_DESC_F_WRITE : 0));
	}
}

/* One mistake: in the bits of an entry, in its id, in what leads on, in where the driver is. */
static void spoil_list(struct mutator *m, struct list *l)
{
	static const uint16_t turned[] = { RING_PACKED_AVAIL, RING_PACKED_USED,
					   RING_PACKED_AVAIL | RING_PACKED_USED, VRING_DESC_F_NEXT,
					   VRING_DESC_F_INDIRECT };
	uint32_t i = random_below(m, l->count);

	switch (random_below(m, 6)) {
	case 0:
	case 1:
		l->entry[i].flags ^= PICK(m, turned);
		break;
	case 2:
		l->entry[i].id =
			(uint16_t)(random_chance(m, 2) ? l->entry[i].id ^ 1 : value_edge(m));
		break;
	case 3: /* entries are left out, or written again */
		l->moves += (int32_t)random_below(m, 5) - 2;
		break;
	case 4:
		l->flip = true;
		break;
	default: /* the last is not there */
		l->count -= l->count > 1;
		break;
	}
}

bool add_entries(struct mutator *m, struct program *prog, uint32_t at)
{
	unsigned queue = random_below(m, m->queue_count);
	bool driven = m->driven[queue];
	struct list l;
	struct op *op;

	fill_list(m, &l, driven);
	if (!random_chance(m, 3))
		spoil_list(m, &l);
	/* The first comes last (2.8.6). */
	for (uint32_t i = l.count; i-- > 0;) {
		op = add_of_queue(prog, &at, OP_PACKED_DESC, queue);
		if (op == NULL)
			return false;
		op->value[PACKED_DESC_ENTRY] = i;
		op->base[PACKED_DESC_ADDR] = BASE_SLOT + l.entry[i].slot;
		op->value[PACKED_DESC_LEN] = l.entry[i].len;
		op->value[PACKED_DESC_ID] = l.entry[i].id;
		op->value[PACKED_DESC_FLAGS] = l.entry[i].flags;
	}
	op = add_of_queue(prog, &at, OP_PACKED_MOVE, queue);
	if (op == NULL)
		return false;
	op->value[PACKED_MOVE_ENTRIES] = (uint64_t)(int64_t)l.moves;
	op->value[PACKED_MOVE_FLIP] = l.flip;
	return !driven || add_of_queue(prog, &at, OP_NOTIFY, queue) != NULL;
}

/* A driver that says what it wants to hear of, and how. */
static bool add_wish(struct mutator *m, struct program *prog, uint32_t *at, unsigned queue)
{
	static const uint8_t split[] = { OP_EVENT_AT, OP_EVENT_AT, OP_EVENT_AT, OP_USED_EVENT,
					 OP_AVAIL_FLAGS };
	static const uint8_t packed[] = { OP_EVENT_AT, OP_EVENT_AT, OP_EVENT_AT, OP_DRIVER_EVENT,
					  OP_AVAIL_FLAGS };
	uint8_t code = rings_are_packed(prog) ? PICK(m, packed) : PICK(m, split);
	struct op *op = add_of_queue(prog, at, code, queue);

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	op->value[NOTIFY_QUEUE] = queue;
	return true;
}

/* Chains that are made available together, of which the driver wants to hear of one. */
bool add_event(struct mutator *m, struct program *prog, uint32_t at)
{
	uint32_t count = 1 + random_below(m, 3), from = random_below(m, 4);
	unsigned queue = random_below(m, m->queue_count);
	struct op *op;

	for (uint32_t i = 0; i < count; i++) {
		op = add_of_queue(prog, &at, OP_OFFER, queue);
		if (op == NULL)
			return false;
		op->value[OFFER_HEAD] = (from + 2 * i) % 8;
		elements_fresh(m, prog, op, queue);
	}
	if (!add_wish(m, prog, &at, queue) || add_of_queue(prog, &at, OP_NOTIFY, queue) == NULL)
		return false;
	/* It asks for another one, or the same, in its time. */
	return !random_chance(m, 2) || add_wish(m, prog, &at, queue);
}

/* What the host gave before `at` it gives many times: more of it than a device has places for
 * waits before the first chain is there.  Mostly each is short enough for a frame. */
static bool add_crowd(struct mutator *m, struct program *prog, uint32_t *at)
{
	static const uint16_t times[] = { 256, 129, 100, 65, 33, 25, 17 };
	struct op *op = edit_add(prog, *at - 1, OP_REPEAT);

	if (op == NULL)
		return false;
	op->value[REPEAT_TIMES] = PICK(m, times);
	op->data_len = 1;
	++*at;
	if (!random_chance(m, 4))
		prog->ops[*at - 1].value[TYPE_LEN] = 64;
	return true;
}

/* A large ring full of chains, one and the same, and the host has more bytes than one call
 * gives: what the device leaves it has to come back to. */
bool add_flood(struct mutator *m, struct program *prog, uint32_t at)
{
	static const uint16_t counts[] = { 256, 255, 128, 100, 65, 64 };
	unsigned queue = m->port_count > 0 && !random_chance(m, 4)
				 ? pick_queue(m, false)
				 : random_below(m, m->queue_count);
	struct op *op = edit_put(prog, &at, OP_START);
	uint16_t count = PICK(m, counts);

	if (op == NULL)
		return false;
	op->value[START_RUNG] = RUNG_DRIVER_OK;
	op->value[START_SIZE] = count > 128 ? 256 : 128;
	/* It may look before there is anything. */
	if (random_chance(m, 2) && add_of_queue(prog, &at, OP_NOTIFY, queue) == NULL)
		return false;
	op = add_of_queue(prog, &at, OP_CHAIN, queue);
	if (op == NULL)
		return false;
	elements_fresh(m, prog, op, queue);
	if (m->port_count > 0) {
		op = edit_put(prog, &at, OP_TYPE);
		if (op == NULL)
			return false;
		op->value[TYPE_PORT] = random_below(m, m->port_count);
		op->value[TYPE_LEN] = random_chance(m, 2) ? 64 * 100 : value_edge(m) & 0xffff;
		if (random_chance(m, 2) && !add_crowd(m, prog, &at))
			return false;
	}
	op = add_of_queue(prog, &at, OP_AVAIL_IDX, queue);
	if (op == NULL)
		return false;
	op->value[AVAIL_IDX_DELTA] = count;
	return add_of_queue(prog, &at, OP_NOTIFY, queue) != NULL;
}

SAME_FIELD(NOTIFY_QUEUE, CHAIN_QUEUE);
SAME_FIELD(NOTIFY_QUEUE, ADVANCE_QUEUE);

/* Where a program begins whose queues are to have gone round: behind its first `start` that
 * goes all the way.  There is one now, if there was none. */
static bool find_start(struct program *prog, uint32_t *at)
{
	struct op *op;

	for (*at = 0; *at < prog->op_count; ++*at)
		if (prog->ops[*at].code == OP_START &&
		    prog->ops[*at].value[START_RUNG] == RUNG_DRIVER_OK)
			break;
	if (*at < prog->op_count) {
		op = &prog->ops[(*at)++];
	} else {
		*at = 0;
		op = edit_put(prog, at, OP_START);
		if (op == NULL)
			return false;
		op->value[START_RUNG] = RUNG_DRIVER_OK;
	}
	/* As many at a time as there may be, or nearly. */
	if (op->value[START_SIZE] < 16)
		op->value[START_SIZE] = 0;
	return true;
}

/* A queue whose indices have gone nearly round 2^16, as in a long session, before the program
 * begins; or half round.  Then chains that come to the end of the lap, and what the program
 * did.  One in very many is enough, since each runs for long. */
bool add_wrap(struct mutator *m, struct program *prog)
{
	static const uint16_t indices[] = { 0xffff, 0xffff, 0xffff, 0xfffe, 0xfffd,
					    0xfff0, 0xff00, 0x7fff, 0x8000, 0 };
	static const uint8_t small = 1;
	unsigned queue = pick_queue(m, true), count = 1 + random_below(m, 3);
	uint32_t at;
	struct op *op;

	if (!find_start(prog, &at))
		return false;
	op = add_of_queue(prog, &at, OP_ADVANCE, queue);
	if (op == NULL)
		return false;
	op->value[ADVANCE_INDEX] = PICK(m, indices);
	/* Its own requests take longer, and come back answered. */
	if (!m->has_named_requests || !random_chance(m, 4))
		if (!edit_payload(m, prog, op, &small, 1))
			return false;
	for (unsigned i = 0; i < count; i++, at++)
		if (!add_chain(m, prog, at, true))
			return false;
	return add_wish(m, prog, &at, queue) && add_of_queue(prog, &at, OP_NOTIFY, queue) != NULL;
}

SAME_FIELD(RACE_READ, RACE_WRITE_WRITE);

/* Where in a used ring the device says that it is done, or wants to be told of more: behind the
 * last entry, in rings of a few sizes. */
static uint64_t race_field(struct mutator *m)
{
	static const uint16_t sizes[] = { 256, 256, 1, 2, 4, 8, 16 };

	if ((m->features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0 && random_chance(m, 2))
		return ring_at(&ring_split, GUEST_AVAIL_EVENT, PICK(m, sizes), 0);
	return random_chance(m, 3) ? ring_at(&ring_split, GUEST_USED_FLAGS, 0, 0)
				   : ring_at(&ring_split, GUEST_USED_IDX, 0, 0);
}

/* ... of a packed ring: the race makes an entry available, whole or its flags alone. */
static bool race_entry(struct mutator *m, struct program *prog, struct op *op, unsigned queue)
{
	static const uint8_t entries[] = { 1, 1, 1, 2, 2, 3, 0, 4 };
	static const uint8_t entry[] = { 0, 0x80, 2, 0, 0, 0, 0, 0, 76, 0, 0, 0, 0, 0 };
	uint16_t flags = random_chance(m, 3) ? RING_PACKED_USED : RING_PACKED_AVAIL;
	unsigned addr = op->code == OP_RACE ? (unsigned)RACE_ADDR : (unsigned)RACE_WRITE_ADDR;
	uint32_t skip = random_chance(m, 2) ? sizeof(entry) : 0, slot = PICK(m, entries);
	uint8_t bytes[sizeof(entry) + sizeof(flags)];

	memcpy(bytes, entry, sizeof(entry));
	bytes[sizeof(entry)] = (uint8_t)flags;
	bytes[sizeof(entry) + 1] = (uint8_t)(flags >> 8);
	op->base[addr] = ring_base(queue, VIRTQUEUE_DESC);
	op->value[addr] = ring_at(&ring_packed, GUEST_PACKED_DESC, 0, slot) + skip;
	if (op->code == OP_RACE_WRITE) {
		bool used = random_chance(m, 2);

		op->base[RACE_WRITE_OF] =
			ring_base(queue, used ? VIRTQUEUE_DESC : VIRTQUEUE_DEVICE);
		op->value[RACE_WRITE_OF] =
			used ? ring_at(&ring_packed, GUEST_PACKED_FLAGS, 0, random_below(m, 2)) : 0;
	}
	return edit_payload(m, prog, op, bytes + skip, sizeof(bytes) - skip);
}

/* The race moves the available index of that queue, which the device is to serve, by a
 * little: the driver adds chains while it serves others. */
bool race_index(struct mutator *m, struct program *prog, struct op *op, unsigned queue)
{
	/* One more than a ring that is full with what was taken, mostly, at the next look. */
	static const uint8_t indices[] = { 2, 2, 3, 3, 5, 5, 9, 1, 4, 6, 17 };
	static const uint8_t looks[] = { 2, 2, 2, 1, 3, 4 };
	unsigned addr = op->code == OP_RACE ? (unsigned)RACE_ADDR : (unsigned)RACE_WRITE_ADDR;
	uint8_t bytes[2] = { indices[random_below(m, ARRAY_SIZE(indices))], 0 };

	if (!random_chance(m, 4))
		op->value[RACE_READ] =
			looks[random_below(m, ARRAY_SIZE(looks))] - (addr - RACE_ADDR);
	if (rings_are_packed(prog))
		return race_entry(m, prog, op, queue);
	op->base[addr] = ring_base(queue, VIRTQUEUE_DRIVER);
	op->value[addr] = ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0);
	if (op->code == OP_RACE_WRITE) {
		op->base[RACE_WRITE_OF] = ring_base(queue, VIRTQUEUE_DEVICE);
		op->value[RACE_WRITE_OF] = race_field(m);
	}
	return edit_payload(m, prog, op, bytes, sizeof(bytes));
}
