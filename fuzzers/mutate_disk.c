/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Requests to a disk that belong together: written and read back, with what the host does
 * between them, several at once perhaps, and now and then a mistake in one of them.
 * VIRTIO 1.4, 5.2.6.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>

#define SECTOR_LEN 512u
#define HEADER_LEN 16u
#define RANGE_LEN 16u
#define RANGES_MAX 3u
#define STEPS_MAX 9u
#define ELEMENTS_MAX 5u

/* What is where: a slot each. */
enum { SLOT_HEADER = 0, SLOT_RANGES = 1, SLOT_DATA = 4, SLOT_STATUS = 8 };
#define HEADER_PLACE 0x18000u
#define RANGES_PLACE 0x18100u
#define DATA_PLACE 0x19000u
#define STATUS_PLACE 0x1a000u
#define LARGE_PLACE 0x1c000u /* of data that would reach the status */

enum step {
	STEP_END,
	STEP_WRITE,
	STEP_READ,
	STEP_FLUSH,
	STEP_DISCARD,
	STEP_ZEROES,
	STEP_ID,
	STEP_OTHER, /* a type that there is not */
	STEP_HOLD,  /* what the host is told to do, and does */
	STEP_REFUSE,
	STEP_CONFIG,
	STEP_POWER, /* fails, for the host */
	STEP_SETTLE,
	STEP_SNAPSHOT,
	STEP_RESET, /* of the device, or of the queue */
	STEP_ANY,
};

static const uint8_t plans[][STEPS_MAX] = {
	{ STEP_WRITE, STEP_READ },
	{ STEP_READ },
	{ STEP_WRITE, STEP_FLUSH, STEP_SNAPSHOT, STEP_READ },
	{ STEP_WRITE, STEP_ZEROES, STEP_READ },
	{ STEP_WRITE, STEP_DISCARD, STEP_READ },
	{ STEP_ZEROES },
	{ STEP_DISCARD },
	{ STEP_ID },
	{ STEP_HOLD, STEP_WRITE, STEP_READ, STEP_FLUSH, STEP_SETTLE },
	{ STEP_HOLD, STEP_READ, STEP_WRITE, STEP_READ, STEP_SETTLE },
	{ STEP_HOLD, STEP_WRITE, STEP_READ, STEP_SNAPSHOT, STEP_SETTLE, STEP_READ },
	{ STEP_HOLD, STEP_READ, STEP_RESET, STEP_READ, STEP_SETTLE },
	{ STEP_REFUSE, STEP_READ, STEP_READ, STEP_SETTLE },
	{ STEP_REFUSE, STEP_WRITE, STEP_READ },
	{ STEP_WRITE, STEP_REFUSE, STEP_READ, STEP_READ },
	{ STEP_CONFIG, STEP_READ, STEP_WRITE, STEP_READ },
	{ STEP_WRITE, STEP_WRITE, STEP_READ, STEP_READ, STEP_ID },
	{ STEP_OTHER, STEP_FLUSH },
	{ STEP_WRITE, STEP_FLUSH, STEP_POWER, STEP_READ },
	{ STEP_WRITE, STEP_HOLD, STEP_FLUSH, STEP_POWER, STEP_SETTLE, STEP_READ },
	{ STEP_WRITE, STEP_POWER, STEP_READ, STEP_READ },
};

/* A plan while it is written: where the next operation goes. */
struct plan {
	struct mutator *m;
	struct program *prog;
	uint32_t at, heads;
	uint64_t sector;
};

/* A slot at its first place, of that length. */
static bool put_slot(struct plan *p, unsigned slot, uint64_t place, uint64_t len)
{
	struct op *op = edit_put(p->prog, &p->at, OP_BUFFER);

	if (op == NULL)
		return false;
	op->value[BUFFER_SLOT] = slot;
	op->base[BUFFER_AT] = BASE_LOW;
	op->value[BUFFER_AT] = place;
	op->value[BUFFER_LEN] = len;
	return true;
}

static bool put_bytes(struct plan *p, unsigned slot, const uint8_t *bytes, size_t len)
{
	struct op *op = edit_put(p->prog, &p->at, OP_STORE);

	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = (uint8_t)(BASE_SLOT + slot);
	return edit_payload(p->m, p->prog, op, bytes, len);
}

/* Sectors of a small disk: inside, at its end, and where numbers end. */
static uint64_t sector_fresh(struct mutator *m)
{
	static const uint64_t sectors[] = { 0,
					    1,
					    2,
					    3,
					    7,
					    8,
					    16,
					    64,
					    120,
					    126,
					    127,
					    128,
					    129,
					    1u << 20,
					    0xffffffff,
					    0x100000000,
					    (1ULL << 55) - 1,
					    1ULL << 55,
					    (1ULL << 55) + 1,
					    1ULL << 56,
					    INT64_MAX,
					    UINT64_MAX - 1,
					    UINT64_MAX };

	return random_chance(m, 3) ? PICK(m, sectors) : sectors[random_below(m, 5)];
}

/* Ranges of discard and write zeroes; how many bytes. */
static size_t fill_ranges(struct plan *p, uint8_t *bytes)
{
	static const uint32_t counts[] = { 0, 1, 1, 1, 2, 3, 8, 64, 65, 127, 128, 129, 0xffffffff };
	static const uint32_t flags[] = { 0, 0, 0, 0, 0, 1, 1, 2, 0x80000000 };
	struct mutator *m = p->m;
	uint32_t count = random_chance(m, 3) ? random_below(m, RANGES_MAX + 1) : 1;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t *range = bytes + (size_t)i * RANGE_LEN;

		put_number(range, random_chance(m, 2) ? p->sector : sector_fresh(m), 8);
		put_number(range + 8, PICK(m, counts), 4);
		put_number(range + 12, PICK(m, flags), 4);
	}
	return (size_t)count * RANGE_LEN;
}

/* The chain itself: header, what goes with it, status; or without one of them, or in
 * another order. */
static bool put_chain(struct plan *p, unsigned step)
{
	uint8_t elements[ELEMENTS_MAX], count = 0;
	struct mutator *m = p->m;
	struct op *op = edit_put(p->prog, &p->at, random_chance(m, 4) ? OP_OFFER : OP_SEND);

	if (op == NULL)
		return false;
	elements[count++] = SLOT_HEADER;
	if (step == STEP_WRITE)
		elements[count++] = SLOT_DATA;
	if (step == STEP_DISCARD || step == STEP_ZEROES)
		elements[count++] = SLOT_RANGES;
	if (step == STEP_READ || step == STEP_ID)
		elements[count++] = SLOT_DATA | ELEMENT_WRITE;
	if (random_chance(m, 10))
		elements[count - 1] ^= ELEMENT_WRITE;
	if (!random_chance(m, 12))
		elements[count++] = SLOT_STATUS | ELEMENT_WRITE;
	if (random_chance(m, 12))
		elements[count - 1] ^= ELEMENT_WRITE;
	op->value[SEND_QUEUE] = random_chance(m, 4) ? random_below(m, m->queue_count) : 0;
	op->value[SEND_HEAD] = random_chance(m, 8) ? random_below(m, 8) : p->heads;
	p->heads = (p->heads + 3) % 24;
	return edit_payload(m, p->prog, op, elements, count);
}

static bool put_request(struct plan *p, unsigned step)
{
	TABLE(static const uint32_t, types, STEP_OTHER + 1, 1,
	      [STEP_END] = 0,
	      [STEP_WRITE] = VIRTIO_BLK_T_OUT,
	      [STEP_READ] = VIRTIO_BLK_T_IN,
	      [STEP_FLUSH] = VIRTIO_BLK_T_FLUSH,
	      [STEP_DISCARD] = VIRTIO_BLK_T_DISCARD,
	      [STEP_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES,
	      [STEP_ID] = VIRTIO_BLK_T_GET_ID,
	      [STEP_OTHER] = 2);
	/* The last ones are as much as our device takes at a time, and more than a device need
	 * take, less than a small disk. */
	static const uint16_t lens[] = { 512, 512, 512, 1024, 1024,  2048,  4096,  511,
					 513, 1,   0,	256,  16384, 16384, 16896, 49152 };
	uint8_t header[HEADER_LEN] = { 0 }, ranges[RANGES_MAX * RANGE_LEN];
	struct mutator *m = p->m;
	bool with_data = step == STEP_WRITE || step == STEP_READ || step == STEP_ID;
	uint64_t len = step == STEP_ID ? 16 + random_below(m, 8) : PICK(m, lens);
	size_t range_len;
	struct op *op;

	if (random_chance(m, 3))
		p->sector = sector_fresh(m);
	put_number(header, types[step], 4);
	if (step == STEP_OTHER)
		put_number(header, random_chance(m, 2) ? random_below(m, 32) : value_edge(m), 4);
	put_number(header + 8, p->sector, 8);
	if (random_chance(m, 12))
		header[random_below(m, HEADER_LEN)] ^= (uint8_t)(1u << random_below(m, 8));
	if (!put_bytes(p, SLOT_HEADER, header, sizeof(header)))
		return false;
	if (with_data && random_chance(m, 2) &&
	    !put_slot(p, SLOT_DATA, len > STATUS_PLACE - DATA_PLACE ? LARGE_PLACE : DATA_PLACE,
		      len))
		return false;
	if (step == STEP_WRITE) {
		op = edit_put(p->prog, &p->at, OP_PATTERN);
		if (op == NULL)
			return false;
		op->base[PATTERN_ADDR] = BASE_SLOT + SLOT_DATA;
		op->value[PATTERN_SEED] = random_below(m, 256);
		op->value[PATTERN_LEN] = random_chance(m, 2) ? 0 : len;
	}
	if (step == STEP_DISCARD || step == STEP_ZEROES) {
		range_len = fill_ranges(p, ranges);
		if (!put_bytes(p, SLOT_RANGES, ranges, range_len) ||
		    !put_slot(p, SLOT_RANGES, RANGES_PLACE,
			      random_chance(m, 10) ? random_below(m, 64) : range_len))
			return false;
	}
	return put_chain(p, step);
}

static bool put_act(struct plan *p, uint8_t code)
{
	struct op *op = edit_put(p->prog, &p->at, code);

	if (op == NULL)
		return false;
	op_fresh(p->m, p->prog, op);
	if (code == OP_HOLD)
		op->value[HOLD_SENDS] = 1 + random_below(p->m, 6);
	return true;
}

/* What is made of a step that is no request. */
static bool put_rest(struct plan *p, unsigned step)
{
	static const uint8_t acts[] = {
		[STEP_HOLD] = OP_HOLD,
		[STEP_REFUSE] = OP_REFUSE,
		[STEP_CONFIG] = OP_CHANGE_CONFIG,
		[STEP_POWER] = OP_PRETEND,
	};
	uint32_t before = p->prog->op_count;
	bool done;

	if (step == STEP_SETTLE)
		return edit_put(p->prog, &p->at, OP_SETTLE) != NULL;
	if (step >= STEP_HOLD && step < STEP_SETTLE)
		return put_act(p, acts[step]);
	if (step == STEP_SNAPSHOT)
		done = add_snapshot(p->m, p->prog, p->at);
	else if (step == STEP_RESET)
		done = random_chance(p->m, 2) ? add_start(p->m, p->prog, p->at)
					      : add_accepted(p->m, p->prog, p->at);
	else
		done = add_any(p->m, p->prog, p->at);
	p->at += p->prog->op_count - before;
	return done;
}

/* Have the slots the lengths that requests need? */
static bool has_slots(const struct program *prog)
{
	for (uint32_t i = 0; i < prog->op_count; i++)
		if (prog->ops[i].code == OP_BUFFER &&
		    prog->ops[i].value[BUFFER_SLOT] == SLOT_HEADER &&
		    prog->ops[i].value[BUFFER_LEN] == HEADER_LEN)
			return true;
	return false;
}

bool aims_at_disk(const struct mutator *m)
{
	return m->device_id == VIRTIO_ID_BLOCK;
}

bool add_disk(struct mutator *m, struct program *prog, uint32_t at)
{
	const uint8_t *steps = plans[random_below(m, ARRAY_SIZE(plans))];
	struct plan p = { .m = m, .prog = prog, .at = at };
	unsigned step;

	p.sector = sector_fresh(m);
	if (!has_slots(prog) && (!put_slot(&p, SLOT_HEADER, HEADER_PLACE, HEADER_LEN) ||
				 !put_slot(&p, SLOT_STATUS, STATUS_PLACE, 1) ||
				 !put_slot(&p, SLOT_DATA, DATA_PLACE, SECTOR_LEN)))
		return false;
	for (unsigned i = 0; i < STEPS_MAX && steps[i] != STEP_END; i++) {
		step = steps[i];
		if (random_chance(m, 16))
			step = 1 + random_below(m, STEP_ANY);
		if (step <= STEP_OTHER ? !put_request(&p, step) : !put_rest(&p, step))
			return i > 0;
	}
	return true;
}
