/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * `alter`: flip bits of a field of a snapshot, and of another that belongs to it.
 *
 * What a device could not have saved it must refuse, and what it does not refuse it must
 * survive.  Bytes at random seldom are a field, and two that have to say the same hardly ever
 * change together.  So a snapshot is taken as a list of fields:
 *
 *   of a device of ours, those of the transport's part (devices/snapshot.h), its counters,
 *   and the first and last bytes of the model's part;
 *   of any device, what differs from the snapshot of a new one, which is what the session has
 *   made of it, and the first and last bytes;
 *   behind these, each byte between the first and the last ones: what lies deep in a device
 *   that has much.
 *
 * Which fields belong together nobody says, but they hold the same number: two indices that
 * are level, a count and the counter that shows it.  A byte from the middle is no such other:
 * most are 0, and would hide those that belong together.
 */
#include "harness/run/snapshot.h"

#include "devices/virtio_1_4.h"
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run_internal.h"
#include "harness/target/own_part.h"

#include <string.h>

#define FIELDS_MAX 512u
#define EDGE_BYTES 24u /* at the beginning, and at the end, each a field */
#define WIDTH_MAX 8u

struct snapshot_field {
	uint32_t at;
	uint8_t width;
};

struct fields {
	const uint8_t *bytes;
	size_t len;
	unsigned count;
	struct snapshot_field field[FIELDS_MAX];
	size_t middle, middle_len; /* bytes that are in no list */
};

#define SELECTORS 5 /* and the generation */

static void add(struct fields *f, size_t at, unsigned width)
{
	if (f->count < FIELDS_MAX && at < f->len && width <= f->len - at)
		f->field[f->count++] = (struct snapshot_field){ (uint32_t)at, (uint8_t)width };
}

/* Fields one behind the other; where they end. */
static size_t add_all(struct fields *f, size_t at, const uint8_t *widths, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		add(f, at, widths[i]);
		at += widths[i];
	}
	return at;
}

/* Where the model's part begins. */
static size_t add_transport(struct fields *f, const struct run *run)
{
	static const uint8_t head[] = { 8, 4, 4, 4 }, queue[] = { 2, 1, 8, 8, 8, 2, 2 };
	static const uint8_t selectors[SELECTORS] = { 4, 4, 4, 4, 4 }, rest[] = { 1, 2, 2, 2 };
	unsigned queues = run->guest.target->queue_count;
	uint64_t features;
	uint32_t counters;
	size_t at;

	if (f->len < SNAPSHOT_QUEUES_AT + (size_t)SNAPSHOT_QUEUE_LEN * queues)
		return 0;
	features = ledger_get64(f->bytes + SNAPSHOT_RECORD_AT);
	at = add_all(f, SNAPSHOT_RECORD_AT, head, sizeof(head));
	for (unsigned i = 0; i < queues; i++)
		at = add_all(f, at, queue, sizeof(queue));
	at = add_all(f, at, selectors, sizeof(selectors));
	if ((features >> VIRTIO_F_SUSPEND & 1) != 0)
		at = add_all(f, at, rest, 1);
	for (unsigned i = 0; i < queues; i++)
		at = add_all(f, at, rest, ring_is_packed(features) ? 4 : 2);
	add(f, at, 4);
	if (f->len - at < 4 || at > f->len)
		return 0;
	counters = ledger_get32(f->bytes + at);
	at += 4;
	for (uint32_t i = 0; i < counters && i < TARGET_COUNTERS_MAX; i++, at += 8)
		add(f, at, 8);
	/* Features above bit 63, of a device that has some, are the first of what follows. */
	add(f, at, 4);
	return at + 4;
}

/* What a new device would save; 0: there is none.  Nothing of the program's comes of it. */
static size_t save_new(struct run *run, uint8_t *out, size_t room)
{
	struct guest *g = &run->guest;
	/* What its heap counts is about the other device. */
	size_t call_bytes = g->heap.call_bytes;
	unsigned peak = g->heap.peak_blocks, fault = g->heap.fault_nth;
	bool exhausted = g->heap.exhausted;
	size_t len = 0;
	void *device;

	g->heap.fault_nth = 0;
	device = target_create(g->target, &g->arena.host, g->offered, g->queue_max);
	if (device != NULL) {
		len = g->target->save(device, out, room);
		g->target->destroy(device);
	}
	g->heap.fault_nth = fault;
	g->heap.call_bytes = call_bytes;
	g->heap.peak_blocks = peak;
	g->heap.exhausted = exhausted;
	return len <= room ? len : 0;
}

/* Runs of bytes from `at` on that are not as in `fresh`. */
static void add_changed(struct fields *f, size_t at, const uint8_t *fresh, size_t fresh_len)
{
	size_t end = f->len < fresh_len ? f->len : fresh_len;

	while (at < end) {
		size_t first = at;

		while (at < end && at - first < WIDTH_MAX && f->bytes[at] != fresh[at])
			at++;
		if (at > first)
			add(f, first, (unsigned)(at - first));
		else
			at++;
	}
}

static void list_fields(struct run *run, struct fields *f)
{
	static uint8_t fresh[SNAPSHOT_NEW_MAX];
	size_t at = 0, tail;

	f->count = 0;
	if (run->guest.target->transport)
		at = add_transport(f, run);
	for (size_t i = 0; i < EDGE_BYTES; i++)
		add(f, at + i, 1);
	tail = f->len > EDGE_BYTES ? f->len - EDGE_BYTES : 0;
	f->middle = at + EDGE_BYTES;
	f->middle_len = tail > f->middle ? tail - f->middle : 0;
	for (size_t i = f->middle + f->middle_len; i < f->len; i++)
		add(f, i, 1);
	if (!run->guest.target->transport)
		add_changed(f, 0, fresh, save_new(run, fresh, sizeof(fresh)));
}

/* The ith of all: the list, and behind it the bytes in the middle. */
static struct snapshot_field field_at(const struct fields *f, size_t i)
{
	if (i < f->count)
		return f->field[i];
	return (struct snapshot_field){ (uint32_t)(f->middle + (i - f->count)), 1 };
}

static uint64_t number(const struct fields *f, const struct snapshot_field *field)
{
	uint64_t value = 0;

	for (unsigned b = field->width; b-- > 0;)
		value = value << 8 | f->bytes[field->at + b];
	return value;
}

static bool overlaps(const struct snapshot_field *a, const struct snapshot_field *b)
{
	return a->at < b->at + b->width && b->at < a->at + a->width;
}

/* Is the other one a field of the same number, in other bytes? */
static bool is_equal(const struct fields *f, const struct snapshot_field *field,
		     const struct snapshot_field *other)
{
	return number(f, field) == number(f, other) && !overlaps(field, other);
}

/* The nth field of the list that holds the same number as the ith of all, counted from that on
 * and round; NULL: there is none. */
static const struct snapshot_field *find_equal(const struct fields *f, size_t i, uint64_t nth)
{
	const struct snapshot_field field = field_at(f, i);
	size_t first = i < f->count ? i : 0;
	uint64_t equal = 0;

	for (unsigned k = 0; k < f->count; k++)
		equal += is_equal(f, &field, &f->field[(first + k) % f->count]);
	if (equal == 0)
		return NULL;
	nth = (nth - 1) % equal;
	for (unsigned k = 0; k < f->count; k++) {
		const struct snapshot_field *other = &f->field[(first + k) % f->count];

		if (is_equal(f, &field, other) && nth-- == 0)
			return other;
	}
	return NULL;
}

/* Not all bits may fit into the field. */
static void flip(struct run *run, const struct snapshot_field *field, uint64_t bits)
{
	struct snapshot *s = &run->snapshots[0];
	uint8_t *bytes = s->bytes + field->at;

	for (unsigned b = 0; b < field->width; b++, bits >>= 8) {
		bytes[b] ^= (uint8_t)bits;
		s->altered = s->altered || (uint8_t)bits != 0;
	}
	s->intact = field->at < s->intact ? field->at : s->intact;
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx,
					&(struct trace_event){ .kind = TRACE_ALTER,
							       .addr = field->at,
							       .len = field->width,
							       .data = bytes });
}

void snapshot_op_alter(struct run *run, const struct program *prog, const struct op *op)
{
	static struct fields f;
	struct snapshot *s = &run->snapshots[0];
	const struct snapshot_field *other = NULL;
	struct snapshot_field field;
	size_t i;

	(void)prog;
	if (s->len == 0 || run->guest.target->restore == NULL)
		return;
	f.bytes = s->bytes;
	f.len = s->len;
	list_fields(run, &f);
	if (f.count == 0)
		return;
	i = (size_t)(op->value[ALTER_FIELD] % (f.count + f.middle_len));
	field = field_at(&f, i);
	if (op->value[ALTER_ALSO] != 0)
		other = find_equal(&f, i, op->value[ALTER_ALSO]);
	flip(run, &field, op->value[ALTER_XOR]);
	if (other != NULL)
		flip(run, other, op->value[ALTER_XOR]);
	s->same = s->same && !s->altered;
}
