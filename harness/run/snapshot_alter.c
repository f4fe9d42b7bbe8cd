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
 *   made of it, and the first and last bytes.
 *
 * Which fields belong together nobody says, but they hold the same number: two indices that
 * are level, a count and the counter that shows it.
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
	for (size_t i = tail > at + EDGE_BYTES ? tail : at + EDGE_BYTES; i < f->len; i++)
		add(f, i, 1);
	if (!run->guest.target->transport)
		add_changed(f, 0, fresh, save_new(run, fresh, sizeof(fresh)));
}

static uint64_t number(const struct fields *f, unsigned i)
{
	uint64_t value = 0;

	for (unsigned b = f->field[i].width; b-- > 0;)
		value = value << 8 | f->bytes[f->field[i].at + b];
	return value;
}

static bool overlaps(const struct snapshot_field *a, const struct snapshot_field *b)
{
	return a->at < b->at + b->width && b->at < a->at + a->width;
}

/* Is the other one a field of the same number, in other bytes? */
static bool is_equal(const struct fields *f, unsigned i, unsigned other)
{
	return number(f, i) == number(f, other) && !overlaps(&f->field[i], &f->field[other]);
}

/* The nth other field that holds the same number, counted from it on and round; itself: there
 * is none. */
static unsigned find_equal(const struct fields *f, unsigned i, uint64_t nth)
{
	uint64_t equal = 0;

	for (unsigned k = 1; k < f->count; k++)
		equal += is_equal(f, i, (i + k) % f->count);
	if (equal == 0)
		return i;
	nth = (nth - 1) % equal;
	for (unsigned k = 1; k < f->count; k++)
		if (is_equal(f, i, (i + k) % f->count) && nth-- == 0)
			return (i + k) % f->count;
	return i;
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
	unsigned i, other;

	(void)prog;
	if (s->len == 0 || run->guest.target->restore == NULL)
		return;
	f.bytes = s->bytes;
	f.len = s->len;
	list_fields(run, &f);
	if (f.count == 0)
		return;
	i = (unsigned)(op->value[ALTER_FIELD] % f.count);
	other = op->value[ALTER_ALSO] != 0 ? find_equal(&f, i, op->value[ALTER_ALSO]) : i;
	flip(run, &f.field[i], op->value[ALTER_XOR]);
	if (other != i)
		flip(run, &f.field[other], op->value[ALTER_XOR]);
	s->same = s->same && !s->altered;
}
