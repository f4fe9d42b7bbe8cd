/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the fields and payload of a new operation usefully hold: mostly what a
 * driver would write, so that the next mistake is reached, and the edges that
 * devices get wrong.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_config.h>
#include <string.h>

/* Sizes, each with its neighbours: of rings, of the virtio-net header (12), of
 * the buffer slots, of pages and of the largest frame; where counters of 8, 15,
 * 16, 31, 32, 63 and 64 bits wrap. */
static const uint64_t edges[] = {
	0,
	1,
	2,
	3,
	4,
	7,
	8,
	9,
	11,
	12,
	13,
	15,
	16,
	17,
	31,
	32,
	33,
	63,
	64,
	65,
	75,
	76,
	77,
	127,
	128,
	129,
	255,
	256,
	257,
	1513,
	1514,
	1515,
	1525,
	1526,
	1527,
	4095,
	4096,
	4097,
	0x7ffe,
	0x7fff,
	0x8000,
	0x8001,
	0xfffe,
	0xffff,
	0x10000,
	65556,
	65557,
	65558,
	65568,
	65569,
	65570,
	0x7fffffff,
	0x80000000,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xfffffffffffff000,
	0xfffffffffffffff0,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};
static const uint16_t small[] = { 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 16, 64, 255, 256, 257 };
static const uint16_t counts[] = { 1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 13, 17, 33 };
static const int16_t steps[] = { 1, 1, 2, 3, 4, 5, 8, 9, 256, 257, -1, -2, -4, 0x7fff, -0x8000 };
static const uint8_t statuses[] = { 0, 1, 3, 11, 11, 15, 15, 31, 31 };

/* How far into a buffer a device goes before it looks at an address again: fields and
 * headers of its formats (an index, a port, a message, a packet's and a link's header,
 * a descriptor, a request and its reply, with what follows), a page. */
static const uint16_t boundaries[] = { 1,  2,  4,  6,	8,   10,   12,	 14,   16,
				       18, 20, 22, 24,	26,  40,   54,	 56,   64,
				       76, 80, 96, 128, 512, 1024, 1514, 4095, 4096 };

unsigned field_count(const struct op_desc *desc)
{
	unsigned n = 0;

	while (n < OP_FIELDS_MAX && desc->fields[n].kind != FIELD_NONE)
		n++;
	return n;
}

uint64_t value_boundary(struct mutator *m)
{
	return PICK(m, boundaries);
}

uint64_t value_edge(struct mutator *m)
{
	return random_chance(m, 16) ? 0 - value_boundary(m) : PICK(m, edges);
}

uint32_t run_length(struct mutator *m)
{
	/* More than a header has bytes, a ring has entries, a table has room. */
	static const uint16_t lengths[] = { 1,	2,  3,	4,  5,	8,   9,	     12,
					    13, 16, 17, 64, 65, 256, RUN_MAX };

	return PICK(m, lengths);
}

static uint64_t fresh_small(struct mutator *m)
{
	return random_chance(m, 8) ? value_edge(m) : PICK(m, small);
}

static uint64_t fresh_step(struct mutator *m)
{
	return random_chance(m, 6) ? value_edge(m) : (uint64_t)(int64_t)PICK(m, steps);
}

static uint64_t fresh_count(struct mutator *m)
{
	return random_chance(m, 8) ? random_below(m, 64) : PICK(m, counts);
}

static uint64_t fresh_byte(struct mutator *m)
{
	return random_chance(m, 2) ? random_below(m, 256) : 0;
}

static uint64_t fresh_queue(struct mutator *m)
{
	return random_below(m, random_chance(m, 16) ? mutator_queues(m) : m->queue_count);
}

/* A queue number where it is any number. */
static uint64_t fresh_length(struct mutator *m)
{
	return random_chance(m, 3) ? fresh_queue(m) : value_edge(m);
}

/* A register that has a name, more often than not. */
static uint64_t fresh_register(struct mutator *m)
{
	for (int tries = 0; tries < 16 && !random_chance(m, 16); tries++) {
		uint32_t offset = 4 * random_below(m, 0x104 / 4);

		if (register_name(offset) != NULL)
			return offset;
	}
	return random_below(m, 0x1000);
}

static uint64_t fresh_width(struct mutator *m)
{
	return random_chance(m, 6) ? 1 + random_below(m, 8) : 4;
}

static uint64_t fresh_rung(struct mutator *m)
{
	return random_chance(m, 8) ? random_below(m, RUNG_COUNT) : RUNG_DRIVER_OK;
}

/* A step of the way, as it should be, given up on, or with a bit too many or
 * too few. */
static uint64_t fresh_status(struct mutator *m)
{
	uint64_t status = PICK(m, statuses);

	switch (random_below(m, 4)) {
	case 0:
		return status | VIRTIO_CONFIG_S_FAILED;
	case 1:
		return status ^ 1ULL << random_below(m, 8);
	default:
		return status;
	}
}

/* 0: all that are offered. */
static uint64_t fresh_features(struct mutator *m)
{
	uint64_t bit = 1ULL << random_below(m, 64);

	if (random_chance(m, 2))
		return 0;
	return random_chance(m, 2) ? m->features & ~bit : 1ULL << VIRTIO_F_VERSION_1 | bit;
}

/* Most devices have none of these. */
static uint64_t fresh_features_high(struct mutator *m)
{
	if (m->features_high == 0 || random_chance(m, 2))
		return 0;
	return m->features_high ^ (random_chance(m, 2) ? 1ULL << random_below(m, 64) : 0);
}

static uint64_t fresh_bits(struct mutator *m)
{
	return random_chance(m, 8) ? value_edge(m) : random_below(m, 8);
}

/* One of them, or any of them together. */
static uint64_t fresh_accept(struct mutator *m)
{
	static const uint8_t one[] = { ACCEPT_IN_ORDER, ACCEPT_NOTIFICATION_DATA, ACCEPT_RING_RESET,
				       ACCEPT_SUSPEND };

	return random_chance(m, 2) ? PICK(m, one) : random_below(m, 2 * ACCEPT_SUSPEND);
}

/* As they should be, mostly, but for one of AVAIL and USED. */
static uint64_t fresh_packed_flags(struct mutator *m)
{
	static const uint16_t turned[] = { RING_PACKED_AVAIL, RING_PACKED_USED,
					   RING_PACKED_AVAIL | RING_PACKED_USED };

	return fresh_bits(m) | (random_chance(m, 2) ? 0 : PICK(m, turned));
}

static uint64_t fresh_event_flags(struct mutator *m)
{
	return random_chance(m, 16) ? value_edge(m) : random_below(m, 4);
}

static uint64_t fresh_port(struct mutator *m)
{
	return random_below(m, random_chance(m, 16) || m->port_count == 0 ? 256 : m->port_count);
}

static uint64_t fresh_which(struct mutator *m)
{
	return m->request_count > 0 ? random_below(m, m->request_count) : 0;
}

static uint64_t fresh_any(struct mutator *m)
{
	return random_number(m) >> 32;
}

static uint64_t fresh_zero(struct mutator *m)
{
	(void)m;
	return 0;
}

typedef uint64_t fresh_fn(struct mutator *m);

uint64_t value_fresh(struct mutator *m, enum field_kind kind)
{
	TABLE(static fresh_fn *const, fresh, FIELD_KIND_COUNT, 1,
	      [FIELD_NONE] = fresh_any,
	      [FIELD_U8] = fresh_byte,
	      [FIELD_U16] = fresh_small,
	      [FIELD_U32] = fresh_length,
	      [FIELD_U64] = value_edge,
	      [FIELD_I16] = fresh_step,
	      [FIELD_COUNT] = fresh_count,
	      [FIELD_ADDR] = fresh_any,
	      [FIELD_SLOT] = fresh_any,
	      [FIELD_QUEUE] = fresh_queue,
	      [FIELD_REG] = fresh_register,
	      [FIELD_WIDTH] = fresh_width,
	      [FIELD_RUNG] = fresh_rung,
	      [FIELD_STATUS] = fresh_status,
	      [FIELD_INTERRUPT] = fresh_bits,
	      [FIELD_FEATURES] = fresh_features,
	      [FIELD_DESC_FLAGS] = fresh_bits,
	      [FIELD_DESC_FIELD] = fresh_any,
	      [FIELD_ACCESS] = fresh_any,
	      [FIELD_PURPOSE] = fresh_any,
	      [FIELD_PORT] = fresh_port,
	      [FIELD_WHICH] = fresh_which,
	      [FIELD_LAYOUT] = fresh_any,
	      [FIELD_FEATURES_HIGH] = fresh_features_high,
	      [FIELD_RING] = fresh_any,
	      [FIELD_ACCEPT] = fresh_accept,
	      [FIELD_PACKED_FLAGS] = fresh_packed_flags,
	      [FIELD_EVENT_FLAGS] = fresh_event_flags,
	      [FIELD_FLIP] = fresh_any,
	      [FIELD_NOP] = fresh_zero);

	return field_reduce(kind, fresh[kind](m));
}

/* Where in a ring: at a field of one of its first entries, or of event suppression. */
static uint64_t ring_offset(struct mutator *m, const struct program *prog, unsigned part)
{
	static const uint8_t in_desc[] = { 0, 8, 12, 14 };
	uint64_t entry = PICK(m, small);

	/* Descriptors are as long there; what else there is has two fields. */
	if (part != VIRTQUEUE_DESC && rings_are_packed(prog))
		return 2 * random_below(m, 2);
	switch ((enum virtqueue_area)part) {
	case VIRTQUEUE_DESC:
		return 16 * entry + PICK(m, in_desc);
	case VIRTQUEUE_DRIVER: /* flags, idx, entries */
		return 2 * entry;
	case VIRTQUEUE_DEVICE: /* flags and idx, ids and lens */
	case VIRTQUEUE_AREA_COUNT:
		break;
	}
	return random_chance(m, 2) ? 2 * random_below(m, 2) : 4 + 4 * entry;
}

/* Where the program is already: a ring of a queue that it uses, a buffer that is
 * in a chain of it, an address that it has. */
static bool address_near(struct mutator *m, const struct program *prog, struct op *op,
			 unsigned field)
{
	const struct op *used = &prog->ops[random_below(m, prog->op_count)];
	const struct op_desc *desc = op_find(used->code);

	if (desc->payload == PAYLOAD_ELEMENTS && used->data_len > 0 && random_chance(m, 2)) {
		uint8_t element = prog->data[used->data_off + random_below(m, used->data_len)];

		op->base[field] = BASE_SLOT + (element & ELEMENT_SLOT);
		op->value[field] = PICK(m, small);
		return true;
	}
	for (unsigned i = 0; i < field_count(desc); i++) {
		if (desc->fields[i].kind == FIELD_ADDR && used != op) {
			op->base[field] = used->base[i];
			op->value[field] = used->value[i] - random_below(m, 2);
			op->value[field] += random_chance(m, 2) ? 0 : PICK(m, small);
			return true;
		}
		if (desc->fields[i].kind == FIELD_QUEUE) {
			unsigned part = random_below(m, VIRTQUEUE_AREA_COUNT);

			op->base[field] = ring_base((unsigned)used->value[i], part);
			op->value[field] = ring_offset(m, prog, part);
			return true;
		}
	}
	return false;
}

void address_fresh(struct mutator *m, const struct program *prog, struct op *op, unsigned field)
{
	static const uint8_t places[] = { BASE_LOW, BASE_SEAM, BASE_SEAM,    BASE_TOP,
					  BASE_TOP, BASE_HOLE, BASE_ABSOLUTE };
	uint64_t near = random_chance(m, 2) ? 0 : PICK(m, small);
	uint32_t which = random_below(m, 8);

	if (random_chance(m, 3) && address_near(m, prog, op, field))
		return;
	if (which < 4) {
		unsigned part = random_below(m, VIRTQUEUE_AREA_COUNT);

		op->base[field] = ring_base((unsigned)fresh_queue(m), part);
		op->value[field] = ring_offset(m, prog, part);
		return;
	}
	op->base[field] =
		which < 6 ? (uint8_t)(BASE_SLOT + random_below(m, PROGRAM_SLOTS)) : PICK(m, places);
	/* What is to lie across a seam, or end at the top, starts before it. */
	if (op->base[field] == BASE_SEAM || op->base[field] == BASE_TOP || random_chance(m, 8))
		near = 0 - (random_chance(m, 2) ? near : PICK(m, edges));
	else if (random_chance(m, 4))
		near = value_edge(m);
	op->value[field] = near;
}

void elements_fresh(struct mutator *m, struct program *prog, struct op *op, unsigned queue)
{
	/* Slots that make a request together, ended by NONE.  See guest.c. */
	enum { NONE = 0xff };
	static const uint8_t requests[][4] = {
		{ 0, 1, NONE }, { 0, 1, NONE },	 { 3, NONE },	  { 3, NONE }, { 0, 2, NONE },
		{ 0, 4, NONE }, { 0, 5, NONE },	 { 6, NONE },	  { 0, NONE }, { 0, 7, 1, NONE },
		{ 1, NONE },	{ 0, 13, NONE }, { 0, 14, NONE },
	};
	static const uint8_t rooms[][4] = {
		{ 9, NONE },	{ 9, NONE },	 { 10, NONE },	  { 11, NONE },	  { 12, NONE },
		{ 8, NONE },	{ 8, 1, NONE },	 { 8, 11, NONE }, { 8, 4, NONE }, { 6, NONE },
		{ 7, 9, NONE }, { 8, 13, NONE }, { 8, 14, NONE },
	};
	bool driven = queue < m->queue_count && m->driven[queue];
	const uint8_t *slots = driven ? PICK(m, requests) : PICK(m, rooms);
	uint8_t bytes[8 + RUN_MAX];
	size_t len = 0;

	for (; len < 4 && slots[len] != NONE; len++)
		bytes[len] = driven ? slots[len] : slots[len] | ELEMENT_WRITE;
	/* What a request to other devices ends with; or what does not belong. */
	if (random_chance(m, driven ? 6 : 12))
		bytes[len++] = (uint8_t)(random_below(m, PROGRAM_SLOTS) | ELEMENT_WRITE);
	if (random_chance(m, 12))
		bytes[len++] = (uint8_t)random_below(m, PROGRAM_SLOTS);
	if (random_chance(m, 16)) {
		size_t more = run_length(m), at = random_below(m, (uint32_t)len);

		memmove(bytes + at + more, bytes + at, len - at);
		memset(bytes + at, bytes[at + more], more);
		len += more;
	}
	edit_payload(m, prog, op, bytes, len);
}

/* A number as the device would read it, or a few bytes of nothing. */
static void bytes_fresh(struct mutator *m, struct program *prog, struct op *op)
{
	static const uint8_t widths[] = { 1, 2, 2, 2, 4, 4, 8, 16 };
	uint8_t bytes[16] = { 0 };
	unsigned width = PICK(m, widths);
	uint64_t value = random_chance(m, 4) ? random_number(m) : value_edge(m);

	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	for (unsigned i = 8; i < width; i++)
		bytes[i] = (uint8_t)random_below(m, 4);
	edit_payload(m, prog, op, bytes, width);
}

void op_fresh(struct mutator *m, struct program *prog, struct op *op)
{
	const struct op_desc *desc = op_find(op->code);

	for (unsigned i = 0; i < field_count(desc); i++) {
		if (desc->fields[i].kind == FIELD_ADDR)
			address_fresh(m, prog, op, i);
		else
			op->value[i] = value_fresh(m, (enum field_kind)desc->fields[i].kind);
	}
	special_fresh(m, op);
	if (desc->payload == PAYLOAD_ELEMENTS)
		elements_fresh(m, prog, op, (unsigned)op->value[CHAIN_QUEUE]);
	else if (desc->payload == PAYLOAD_BYTES)
		bytes_fresh(m, prog, op);
	else if (desc->payload == PAYLOAD_OPS)
		op->data_len = (uint16_t)random_below(m, 4);
}
