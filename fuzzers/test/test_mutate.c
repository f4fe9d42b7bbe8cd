/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations of programs: what comes out is a program and means what it meant,
 * each kind does what it says and nothing else, all kinds, operations and
 * edges come up, and what is made of nothing reaches the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "harness/run/run.h" /* before cmocka makes a macro of expect_check */

#include <cmocka.h>

#include "fuzzers/mutate_internal.h"
#include "fuzzers/test/rig.h"
#include "harness/test/generate.h"

#define ROUNDS 4000

static struct mutator mutator;
static struct program program, before, mate, decoded;
static uint8_t encoded[BINARY_SIZE_MAX];

/* What was built is what its bytes mean. */
static void assert_meant(void)
{
	size_t len = rig_encode(&program, encoded, true);

	rig_assert_whole(&program);
	rig_decode(&decoded, encoded, len);
	assert_true(program_equal(&program, &decoded));
}

static void a_mutated_program_is_a_program(void **state)
{
	struct generator g = { 1 };

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 1);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 50 == 0)
			generate_program(&g, &program, i % 500 == 0 ? PROGRAM_OPS_MAX : 24);
		if (i % 40 == 0)
			generate_program(&g, &mate, 24);
		mutate_program(&mutator, &program, i % 2 != 0 ? &mate : NULL);
		assert_meant();
	}
}

static void growth_ends_at_the_limits(void **state)
{
	struct generator g = { 2 };
	uint8_t bytes[OP_BYTES_MAX];

	(void)state;
	generate_program(&g, &mate, PROGRAM_OPS_MAX);
	memset(bytes, 0xf5, sizeof(bytes));
	mutator_init(&mutator, RIG_TARGET, 2);
	program_init(&program, RIG_TARGET);
	while (program_add(&program, OP_STORE) != NULL && program.op_count < PROGRAM_OPS_MAX / 2)
		program_add_data(&program, bytes, sizeof(bytes));
	for (int i = 0; i < ROUNDS / 4; i++) {
		mutate_program(&mutator, &program, i % 2 != 0 ? &mate : NULL);
		assert_meant();
	}
}

/* How many operations differ from `before`, place by place. */
static uint32_t changed(void)
{
	uint32_t count = 0;

	assert_int_equal(program.op_count, before.op_count);
	for (uint32_t i = 0; i < program.op_count; i++)
		count += !rig_same_op(&program, i, &before, i);
	return count;
}

static uint32_t occurrences(const struct program *prog, uint32_t at, const struct program *in)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < in->op_count; i++)
		count += rig_same_op(prog, at, in, i);
	return count;
}

static void assert_reordered(void)
{
	assert_int_equal(program.op_count, before.op_count);
	for (uint32_t i = 0; i < program.op_count; i++)
		assert_int_equal(occurrences(&program, i, &program),
				 occurrences(&program, i, &before));
}

static void assert_grown(void)
{
	assert_true(program.op_count > before.op_count);
	assert_true(rig_in_order(&before, &program));
}

static bool same_header(void)
{
	return program.features == before.features && program.budget == before.budget &&
	       strcmp(program.target, before.target) == 0 &&
	       memcmp(program.queue_max, before.queue_max, sizeof(before.queue_max)) == 0;
}

static void assert_kind(enum mutation kind)
{
	switch (kind) {
	case MUTATE_INSERT:
	case MUTATE_DUPLICATE:
		assert_grown();
		break;
	case MUTATE_DELETE:
		assert_true(program.op_count < before.op_count);
		assert_true(rig_in_order(&program, &before));
		break;
	case MUTATE_MOVE:
	case MUTATE_SWAP:
		assert_reordered();
		break;
	case MUTATE_SPLICE:
		for (uint32_t i = 0; i < program.op_count; i++)
			assert_true(occurrences(&program, i, &before) > 0 ||
				    occurrences(&program, i, &mate) > 0);
		break;
	case MUTATE_ADDRESS:
	case MUTATE_REPEAT: /* of what is there, or a new one */
		if (program.op_count != before.op_count)
			assert_grown();
		else
			assert_in_range(changed(), 0, 1);
		break;
	case MUTATE_HEADER:
		assert_int_equal(changed(), 0);
		break;
	case MUTATE_NUDGE:
	case MUTATE_FLAGS:
	case MUTATE_PAYLOAD:
		assert_in_range(changed(), 0, 1);
		break;
	case MUTATE_FRESH:
		assert_true(program.op_count > 0);
		break;
	case MUTATION_COUNT:
		fail_msg("no mutation");
	}
	assert_true(same_header() || kind == MUTATE_HEADER || kind == MUTATE_FRESH ||
		    /* the largest size, for indices that go round */
		    (kind == MUTATE_INSERT && program.features == before.features));
	assert_string_equal(program.target, before.target);
	assert_int_equal(program.budget, before.budget);
}

static void every_kind_does_what_it_says(void **state)
{
	struct generator g = { 3 };
	unsigned idle = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 3);
	for (int i = 0; i < 4 * ROUNDS; i++) {
		generate_program(&g, &program, 24);
		before = program;
		if (i % 10 == 0)
			generate_program(&g, &mate, 24);
		assert_kind(mutate_program(&mutator, &program, &mate));
		idle += program_equal(&program, &before);
	}
	/* An engine runs what it gets. */
	assert_in_range(idle, 0, 4 * ROUNDS / 50);
}

static void every_kind_comes_up_from_nothing(void **state)
{
	static uint32_t codes[256];
	const struct op_desc *ops;
	size_t count;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 7);
	/* The rarest operations are put in once in some thousand mutations. */
	for (int i = 0; i < 16 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, RIG_TARGET);
		mutate_program(&mutator, &program, NULL);
		for (uint32_t op = 0; op < program.op_count; op++)
			codes[program.ops[op].code]++;
	}
	for (int kind = 0; kind < MUTATION_COUNT; kind++) {
		assert_true(mutator.counts[kind] > ROUNDS / 200);
		assert_non_null(mutation_name((enum mutation)kind));
	}
	/* All operations but nop, which is what an engine's havoc is for, and those
	 * of a host that has nothing to do. */
	ops = op_table(&count);
	for (size_t i = 0; i < count; i++) {
		bool of_host = (ops[i].code >= OP_TYPE && ops[i].code <= OP_SET_NUM_PAGES) ||
			       ops[i].code == OP_CHANGE_CONFIG;

		if (ops[i].code != OP_NOP)
			assert_int_equal(codes[ops[i].code] > 0, !of_host);
	}
}

/* A host that has ports uses them, and what the device knows is said to it. */
static void hosts_and_requests_come_up(void **state)
{
	static uint32_t codes[256];
	const struct target_request *message;
	uint32_t said = 0;

	(void)state;
	mutator_init(&mutator, "console", 7);
	assert_true(mutator.request_count > 0);
	message = &mutator.requests[mutator.request_count - 1];
	assert_true(message->len > 0);
	for (int i = 0; i < 4 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, "console");
		mutate_program(&mutator, &program, NULL);
		for (uint32_t at = 0; at < program.op_count; at++) {
			const struct op *op = &program.ops[at];

			codes[op->code]++;
			said += op->code == OP_STORE && op->data_len == message->len &&
				memcmp(program.data + op->data_off, message->bytes, op->data_len) ==
					0;
		}
	}
	assert_true(codes[OP_SEND_REQUEST] > 0 && codes[OP_OFFER_REQUEST] > 0);
	assert_true(codes[OP_TYPE] > 0 && codes[OP_TAKE_OUTPUT] > 0 && codes[OP_PUT_BACK] > 0);
	assert_true(said > ROUNDS / 400);
}

/* Snapshots are taken, changed where the device's own part ends, and restored; frames are
 * as large as the device takes them, and a little larger. */
static void snapshots_and_sizes_come_up(void **state)
{
	uint32_t max = target_find("net-host")->chain_bytes_max;
	uint32_t restored = 0, ends = 0, nearly = 0, over = 0;

	(void)state;
	mutator_init(&mutator, "net-host", 7);
	for (int i = 0; i < 16 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, "net-host");
		mutate_program(&mutator, &program, NULL);
		for (uint32_t at = 0; at < program.op_count; at++) {
			const struct op *op = &program.ops[at];

			restored += at > 0 && op->code == OP_RESTORE &&
				    program.ops[at - 1].code == OP_ALTER;
			ends += op->code == OP_CORRUPT && op->value[0] > UINT32_MAX - 4;
			nearly += op->code == OP_TYPE && op->value[1] <= max - 12 &&
				  op->value[1] > max - 44;
			over += op->code == OP_TYPE && op->value[1] > max &&
				op->value[1] <= max + 4;
		}
	}
	assert_in_range(restored, 1, UINT32_MAX);
	assert_in_range(ends, 1, UINT32_MAX);
	assert_in_range(nearly, 1, UINT32_MAX);
	assert_in_range(over, 1, UINT32_MAX);
}

/* A selector, and what it selects, with numbers that end in zeroes too. */
static void selections_come_up(void **state)
{
	uint32_t shown = 0, long_ones = 0;

	(void)state;
	mutator_init(&mutator, "fs", 9);
	for (int i = 0; i < 32 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, "fs");
		mutate_program(&mutator, &program, NULL);
		for (uint32_t at = 1; at < program.op_count; at++) {
			const struct op *selector = &program.ops[at - 1], *op = &program.ops[at];

			if (selector->code != OP_WRITE ||
			    selector->value[0] != VIRTIO_MMIO_SHM_SEL || op->code != OP_READ ||
			    op->value[0] < VIRTIO_MMIO_SHM_LEN_LOW ||
			    op->value[0] > VIRTIO_MMIO_SHM_BASE_HIGH)
				continue;
			shown++;
			long_ones += selector->value[1] != 0 && (selector->value[1] & 0xff) == 0;
		}
	}
	assert_in_range(shown, 1, UINT32_MAX);
	assert_in_range(long_ones, 1, UINT32_MAX);
}

/* A table that a descriptor names, as it should be and nearly; the last bytes of the
 * configuration, and what lies over its end; queues too small for a chain. */
static void aims_come_up(void **state)
{
	uint32_t whole = 0, wrong = 0, last = 0, over = 0, behind = 0, small = 0;
	uint32_t end = target_find("net-host")->config_len;

	(void)state;
	mutator_init(&mutator, "net-host", 7);
	mutator.features |= 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	for (int i = 0; i < 32 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, "net-host");
		mutate_program(&mutator, &program, NULL);
		small += program.queue_max[0] > 0 && program.queue_max[0] < 4;
		for (uint32_t at = 0; at < program.op_count; at++) {
			const struct op *op = &program.ops[at], *next = op + 1;
			uint64_t offset = op->value[0], width = op->value[1];
			bool table = op->code == OP_STORE && at + 2 < program.op_count &&
				     next->code == OP_DESC && next[1].code == OP_PUBLISH &&
				     next->base[DESC_ADDR] == op->base[STORE_ADDR] &&
				     (next->value[DESC_FLAGS] & VRING_DESC_F_INDIRECT) != 0;

			whole += table && next->value[DESC_LEN] == op->data_len;
			wrong += table && next->value[DESC_LEN] == op->data_len + 8u;
			if (op->code != OP_CONFIG_READ)
				continue;
			last += offset == end - 1;
			behind += offset == end;
			over += offset < end && offset + width > end;
		}
	}
	assert_in_range(whole, ROUNDS / 100, UINT32_MAX);
	assert_in_range(wrong, 1, UINT32_MAX);
	assert_in_range(last, 1, UINT32_MAX);
	assert_in_range(behind, 1, UINT32_MAX);
	assert_in_range(over, 1, UINT32_MAX);
	assert_in_range(small, ROUNDS / 100, UINT32_MAX);
}

/* Rings of either format; entries of a packed one by hand, as they should be and not; chains and
 * requests of which a table is made; events at, before and behind the index, and half a wrap away.
 */
static void rings_come_up(void **state)
{
	enum { AT, BEFORE, BEHIND, HALF, STEPS };
	static const uint16_t wanted[STEPS] = { 0, UINT16_MAX, 1, 0x8000 };
	uint32_t formats[RING_FORMAT_COUNT] = { 0 }, steps[RING_FORMAT_COUNT][STEPS] = { 0 };
	uint32_t lists = 0, turned = 0, skipped = 0, flipped = 0, chains = 0, requests = 0,
		 wraps = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 11);
	for (int i = 0; i < 16 * ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, RIG_TARGET);
		mutate_program(&mutator, &program, NULL);
		bool packed = rings_are_packed(&program);

		formats[packed]++;
		for (uint32_t at = 0; at + 2 < program.op_count; at++) {
			const struct op *op = &program.ops[at], *next = op + 1;

			wraps += op->code == OP_ADVANCE && op->value[ADVANCE_INDEX] >= 0xfff0;
			for (unsigned s = 0; op->code == OP_EVENT_AT && s < STEPS; s++)
				steps[packed][s] += (uint16_t)op->value[EVENT_AT_STEP] == wanted[s];
			if (op->code == OP_PACKED_DESC && next->code == OP_PACKED_MOVE) {
				lists++;
				turned += (op->value[PACKED_DESC_FLAGS] & RING_PACKED_AVAIL) != 0;
				skipped += next->value[PACKED_MOVE_ENTRIES] == 2;
				flipped += next->value[PACKED_MOVE_FLIP] != 0;
			}
			chains +=
				op->code == OP_CHAIN && next->code == OP_DESC &&
				next->base[DESC_ADDR] == ring_base((unsigned)op->value[CHAIN_QUEUE],
								   VIRTQUEUE_DESC) &&
				next[1].code == OP_PUBLISH;
			requests += op->code == OP_CHAIN_REQUEST &&
				    op->value[CHAIN_REQUEST_LAYOUT] == LAYOUT_INDIRECT &&
				    next->code == OP_SET_DESC && next[1].code == OP_PUBLISH;
		}
	}
	for (unsigned f = 0; f < RING_FORMAT_COUNT; f++) {
		assert_in_range(formats[f], ROUNDS, UINT32_MAX);
		for (unsigned s = 0; s < STEPS; s++)
			assert_in_range(steps[f][s], 1, UINT32_MAX);
	}
	assert_in_range(lists, ROUNDS / 100, UINT32_MAX);
	assert_in_range(turned, 1, UINT32_MAX);
	assert_in_range(skipped, 1, UINT32_MAX);
	assert_in_range(wraps, 1, ROUNDS);
	assert_in_range(flipped, 1, UINT32_MAX);
	assert_in_range(chains, ROUNDS / 100, UINT32_MAX);
	assert_in_range(requests, ROUNDS / 100, UINT32_MAX);
}

/* Is there one of that code and queue among the next few? */
static bool comes_soon(uint32_t at, uint8_t code, uint64_t queue)
{
	for (uint32_t end = at + 6; at < program.op_count && at < end; at++)
		if (program.ops[at].code == code && program.ops[at].value[0] == queue)
			return true;
	return false;
}

/* What the features allow a driver that accepts them by name: several chains and one notification,
 * notifications that say what is not so, a queue that is reset and used again, suspension with a
 * snapshot or a request in it. */
static void what_is_accepted_comes_up(void **state)
{
	enum { RUNNING = 0x0f, SUSPEND = RUNNING | 0x10 };
	uint32_t accepted[4] = { 0 }, batches = 0, flips = 0, raw = 0, resets = 0;
	uint32_t resumed = 0, saved = 0, sent = 0, unasked = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 13);
	for (int i = 0; i < 16 * ROUNDS; i++) {
		uint64_t accept = 0;

		if (i % 40 == 0)
			program_init(&program, RIG_TARGET);
		mutate_program(&mutator, &program, NULL);
		for (uint32_t at = 0; at + 3 < program.op_count; at++) {
			const struct op *op = &program.ops[at];
			bool suspends = op->code == OP_STATUS && op[0].value[0] == SUSPEND;

			if (op->code == OP_START)
				accept = op->value[START_ACCEPT];
			for (unsigned bit = 0; op->code == OP_START && bit < 4; bit++)
				accepted[bit] += (accept >> bit & 1) != 0;
			batches += (accept & ACCEPT_IN_ORDER) != 0 && op->code == OP_OFFER &&
				   op[1].code == OP_OFFER && op[2].code == OP_OFFER &&
				   op[1].value[OFFER_HEAD] != op[2].value[OFFER_HEAD] &&
				   comes_soon(at + 3, OP_NOTIFY, op->value[OFFER_QUEUE]);
			if (op->code == OP_NOTIFY && (accept & ACCEPT_NOTIFICATION_DATA) != 0) {
				flips += op->value[NOTIFY_FLIP] != 0;
				raw += op->value[NOTIFY_QUEUE] > UINT16_MAX;
			}
			resets += (accept & ACCEPT_RING_RESET) != 0 && op->code == OP_RESET_QUEUE &&
				  comes_soon(at, OP_QUEUE, op->value[RESET_QUEUE_QUEUE]) &&
				  comes_soon(at, OP_SEND, op->value[RESET_QUEUE_QUEUE]);
			unasked += suspends && (accept & ACCEPT_SUSPEND) == 0;
			if (!suspends || (accept & ACCEPT_SUSPEND) == 0)
				continue;
			resumed += comes_soon(at + 1, OP_STATUS, SUSPEND);
			saved += op[1].code == OP_SAVE;
			sent += op[1].code == OP_SEND || op[1].code == OP_SEND_REQUEST;
		}
	}
	for (unsigned bit = 0; bit < 4; bit++)
		assert_in_range(accepted[bit], ROUNDS, UINT32_MAX);
	assert_in_range(batches, ROUNDS / 100, UINT32_MAX);
	assert_in_range(flips, ROUNDS / 100, UINT32_MAX);
	assert_in_range(raw, ROUNDS / 100, UINT32_MAX);
	assert_in_range(resets, ROUNDS / 100, UINT32_MAX);
	assert_in_range(resumed, ROUNDS / 100, UINT32_MAX);
	assert_in_range(saved, ROUNDS / 100, UINT32_MAX);
	assert_in_range(sent, ROUNDS / 100, UINT32_MAX);
	assert_in_range(unasked, 1, UINT32_MAX);
}

/* The place of data that is put for a request to a disk is one that the request has. */
static void data_of_a_disk_are_asked_for(void **state)
{
	unsigned used = 0, left = 0;

	(void)state;
	mutator_init(&mutator, "blk", 12);
	for (int i = 0; i < ROUNDS; i++) {
		program_init(&program, "blk");
		(void)add_disk(&mutator, &program, 0);
		/* Behind those that all requests have. */
		for (uint32_t at = 3; at < program.op_count; at++) {
			uint8_t next =
				at + 1 < program.op_count ? program.ops[at + 1].code : OP_NOP;

			if (program.ops[at].code != OP_BUFFER ||
			    program.ops[at - 1].code != OP_STORE)
				continue;
			if (next == OP_PATTERN || next == OP_SEND || next == OP_OFFER)
				used++;
			else
				left++;
		}
	}
	assert_in_range(used, ROUNDS / 100, UINT32_MAX);
	assert_in_range(left, 0, used / 10);
}

/* Of whatever compiler.  A change of the mutator changes the number too. */
static void every_machine_makes_the_same(void **state)
{
	uint64_t digest = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 9);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 40 == 0)
			program_init(&program, RIG_TARGET);
		mutate_program(&mutator, &program, NULL);
		digest = digest * 31 + program_hash(&program);
	}
	assert_int_equal(digest, 0x2e120053eec51cf6);
}

/* Does a field come to hold every one of these? */
static void assert_reached(mutation_fn *mutate, uint8_t code, unsigned field, uint64_t from,
			   const uint64_t *wanted, size_t count)
{
	bool reached[32] = { false };

	assert_in_range(count, 1, 32);
	mutator_init(&mutator, RIG_TARGET, 4);
	for (int i = 0; i < 25 * ROUNDS; i++) {
		struct op *op;

		program_init(&program, RIG_TARGET);
		op = program_add(&program, code);
		op->value[field] = from;
		if (!mutate(&mutator, &program, NULL))
			continue;
		edit_settle(&mutator, &program);
		op = &program.ops[program.op_count - 1];
		for (size_t w = 0; w < count; w++)
			reached[w] =
				reached[w] || (op->code == code && op->value[field] == wanted[w]);
	}
	for (size_t w = 0; w < count; w++)
		assert_true(reached[w]);
}

static void numbers_reach_their_edges(void **state)
{
	/* A size and its neighbours, nothing, all ones, signs, and the 12 bytes
	 * of virtio-net's header. */
	static const uint64_t lengths[] = { 0x1233,	0x1235,	    0,	 0xffffffff, 0x7fffffff,
					    0x80000000, 0xfffffffe, 11,	 12,	     13,
					    4095,	4096,	    4097 };
	static const uint64_t steps[] = { 4, 6, 0, ~0ULL, 0x7fff, ~0x7fffULL, 256 };
	static const uint64_t entries[] = {
		0, 1, 8, 0xffff, 0xfffe, 0x7fff, 0x8000, 255, 256, 257
	};

	(void)state;
	assert_reached(mutate_nudge, OP_BUFFER, 2, 0x1234, lengths, ARRAY_SIZE(lengths));
	assert_reached(mutate_nudge, OP_AVAIL_IDX, 1, 5, steps, ARRAY_SIZE(steps));
	assert_reached(mutate_nudge, OP_SET_DESC, 1, 7, entries, ARRAY_SIZE(entries));
}

static void addresses_reach_every_place(void **state)
{
	static uint32_t places[BASE_COUNT];
	unsigned across = 0, wraps = 0;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 5);
	for (int i = 0; i < 5 * ROUNDS; i++) {
		struct op *op;

		program_init(&program, RIG_TARGET);
		op = program_add(&program, OP_BUFFER);
		op->value[2] = 64;
		assert_true(mutate_address(&mutator, &program, NULL));
		edit_settle(&mutator, &program);
		op = &program.ops[program.op_count - 1];
		if (op->code != OP_BUFFER)
			continue;
		places[op->base[1]]++;
		/* Starts before it and ends behind it. */
		across += op->base[1] == BASE_SEAM && op->value[1] > 0 - 64ULL;
		wraps += op->base[1] == BASE_TOP && op->value[1] > 0 - 64ULL;
	}
	/* Of its two queues' rings, and of those that a device mostly has. */
	for (int base = 0; base < BASE_RING_HIGH; base++)
		if (base_reduce((uint8_t)base) == base)
			assert_true(places[base] > 0);
	assert_true(across > 0 && wraps > 0);
	for (int base = BASE_RING_HIGH; base < BASE_COUNT; base++)
		assert_int_equal(places[base], 0);
}

/* The address is 2^64 less what a header takes, and with the length comes to 2^64 and a
 * little more: by either mutation, in a buffer that a chain has. */
static void ranges_pass_the_top_behind_a_header(void **state)
{
	static const uint64_t headers[] = { 1, 2, 4, 8, 12, 14, 16, 40, 64, 80, 4096 };
	bool behind[2][ARRAY_SIZE(headers)] = { { false } }, exactly = false;

	(void)state;
	mutator_init(&mutator, RIG_TARGET, 6);
	for (int i = 0; i < 60 * ROUNDS; i++) {
		mutation_fn *mutate = i % 2 == 0 ? mutate_address : mutate_insert;

		program_init(&program, RIG_TARGET);
		program_add(&program, OP_START);
		program_add(&program, OP_BUFFER)->value[2] = 64;
		if (!mutate(&mutator, &program, NULL))
			continue;
		edit_settle(&mutator, &program);
		for (uint32_t at = 0; at < program.op_count; at++) {
			const struct op *op = &program.ops[at];
			uint64_t sum = op->value[1] + op->value[2];

			if (op->code != OP_BUFFER || op->base[1] != BASE_TOP || sum > 4096)
				continue;
			exactly = exactly || sum == 0;
			for (size_t h = 0; h < ARRAY_SIZE(headers); h++)
				if (sum > 0 && op->value[1] == 0 - headers[h])
					behind[i % 2][h] = true;
		}
	}
	assert_true(exactly);
	for (size_t h = 0; h < ARRAY_SIZE(headers); h++)
		assert_true(behind[0][h] && behind[1][h]);
}

/* A body of operations 2 and 3; those outside it before and behind. */
static void put_repeat(void)
{
	program_init(&program, RIG_TARGET);
	for (uint64_t i = 0; i < 6; i++) {
		struct op *op = program_add(&program, i == 1 ? OP_REPEAT : OP_CONFIG_WRITE);

		op->value[0] = 2 + i;
		op->data_len = i == 1 ? 2 : 0;
	}
}

/* In the body are those that were, and what came between them. */
static void assert_body(uint32_t first, uint32_t len)
{
	for (uint32_t i = 0; i < program.op_count; i++)
		if (program.ops[i].code == OP_REPEAT) {
			assert_int_equal(i + 1, first);
			assert_int_equal(program.ops[i].data_len, len);
		}
}

static void repeats_keep_their_bodies(void **state)
{
	(void)state;
	for (uint32_t at = 0; at <= 6; at++) {
		put_repeat();
		assert_non_null(edit_add(&program, at, OP_WORK));
		assert_body(at <= 1 ? 3 : 2, at == 2 || at == 3 ? 3 : 2);
	}
	for (uint32_t at = 0; at < 6; at++)
		for (uint32_t count = 1; at + count <= 6; count++) {
			uint32_t gone = 0;

			for (uint32_t i = at; i < at + count; i++)
				gone += i == 2 || i == 3;
			put_repeat();
			edit_cut(&program, at, count);
			assert_int_equal(program.op_count, 6 - count);
			assert_body(at == 0 ? 1 : 2, 2 - gone);
		}
}

/* Sessions that come to a completed request, of programs made of nothing. */
static void what_is_made_of_nothing_reaches_the_device(void **state)
{
	const struct target *target = target_find(RIG_TARGET);
	struct run_options options = { .trace = NULL };
	struct text_error error;
	unsigned completed = 0;
	struct run *run;

	(void)state;
	assert_non_null(target);
	assert_int_equal(run_open(&run, target, &error), 0);
	mutator_init(&mutator, RIG_TARGET, 6);
	for (int i = 0; i < 400; i++) {
		program_init(&program, RIG_TARGET);
		for (int step = 0; step < 12; step++)
			mutate_program(&mutator, &program, NULL);
		run_program(run, &program, &options);
		completed += run->completions > 0;
	}
	run_close(run);
	assert_true(completed > 50);
}

static void mutations_are_described(void **state)
{
	char text[200], wanted[200] = "", cut[9];

	(void)state;
	mutator_init(&mutator, "any", 8);
	mutator_bytes(&mutator, encoded, 0, NULL, 0, encoded, sizeof(encoded));
	assert_true(mutator.applied_count > 0);
	for (unsigned i = 0; i < mutator.applied_count; i++) {
		strcat(wanted, i > 0 ? "+" : "");
		strcat(wanted, mutation_name((enum mutation)mutator.applied[i]));
	}
	mutator_describe(&mutator, text, sizeof(text));
	assert_string_equal(text, wanted);
	memset(cut, 'x', sizeof(cut));
	mutator_describe(&mutator, cut, sizeof(cut));
	assert_true(strnlen(cut, sizeof(cut)) < sizeof(cut));
	assert_true(strncmp(text, cut, strlen(cut)) == 0);
	memset(cut, 'x', sizeof(cut));
	mutator_describe(&mutator, cut, 0);
	assert_int_equal(cut[0], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mutated_program_is_a_program),
		cmocka_unit_test(growth_ends_at_the_limits),
		cmocka_unit_test(every_kind_does_what_it_says),
		cmocka_unit_test(every_kind_comes_up_from_nothing),
		cmocka_unit_test(hosts_and_requests_come_up),
		cmocka_unit_test(snapshots_and_sizes_come_up),
		cmocka_unit_test(selections_come_up),
		cmocka_unit_test(aims_come_up),
		cmocka_unit_test(rings_come_up),
		cmocka_unit_test(what_is_accepted_comes_up),
		cmocka_unit_test(data_of_a_disk_are_asked_for),
		cmocka_unit_test(every_machine_makes_the_same),
		cmocka_unit_test(numbers_reach_their_edges),
		cmocka_unit_test(addresses_reach_every_place),
		cmocka_unit_test(ranges_pass_the_top_behind_a_header),
		cmocka_unit_test(repeats_keep_their_bodies),
		cmocka_unit_test(what_is_made_of_nothing_reaches_the_device),
		cmocka_unit_test(mutations_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
