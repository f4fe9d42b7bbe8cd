/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The binary form, record by record: each operation's bytes are its own,
 * unassigned codes stay what they are, and files of other versions are told
 * apart.  The laws over whole programs are in test_program.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate.h"
#include "spellings.h"

static struct program decoded;

static void decode(const void *bytes, size_t len)
{
	assert_int_equal(binary_decode(&decoded, bytes, len, "any", NULL), 0);
}

/* The same operation?  A repeat's body may have been clipped. */
static void assert_same_op(const struct program *a, uint32_t i, const struct program *b, uint32_t j)
{
	const struct op *x = &a->ops[i], *y = &b->ops[j];

	assert_int_equal(x->code, y->code);
	assert_memory_equal(x->base, y->base, sizeof(x->base));
	assert_memory_equal(x->value, y->value, sizeof(x->value));
	if (x->code == OP_REPEAT)
		return;
	assert_int_equal(x->data_len, y->data_len);
	assert_memory_equal(a->data + x->data_off, b->data + y->data_off, x->data_len);
}

/* Where each record of an encoding starts; the last one is the end. */
static size_t find_records(const uint8_t *bytes, size_t len, size_t *starts)
{
	size_t count = 0;

	starts[count++] = 0;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == BINARY_END)
			starts[count++] = i + 1;
	assert_int_equal(starts[count - 1], len);
	return count - 1;
}

static void deleting_a_record_leaves_the_other_operations(void **state)
{
	static uint8_t cut[BINARY_SIZE_MAX];
	struct generator g = { 11 };
	size_t starts[64];

	(void)state;
	for (int i = 0; i < 400; i++) {
		size_t len, count;

		generate_program(&g, &program, 16);
		len = (size_t)binary_encode(&program, encoded, sizeof(encoded), false);
		count = find_records(encoded, len, starts);
		assert_int_equal(count, program.op_count + 1);
		for (size_t r = 1; r < count; r++) {
			size_t gone = starts[r + 1] - starts[r];

			memcpy(cut, encoded, starts[r]);
			memcpy(cut + starts[r], encoded + starts[r + 1], len - starts[r + 1]);
			decode(cut, len - gone);
			assert_int_equal(decoded.op_count, program.op_count - 1);
			for (uint32_t o = 0; o < decoded.op_count; o++)
				assert_same_op(&decoded, o, &program, o + (o >= r - 1));
		}
	}
}

static void doubling_a_record_leaves_the_other_operations(void **state)
{
	static uint8_t grown[2 * BINARY_SIZE_MAX];
	struct generator g = { 12 };
	size_t starts[64];

	(void)state;
	for (int i = 0; i < 400; i++) {
		size_t len, count;

		do {
			generate_program(&g, &program, 16);
		} while (program.data_len > PROGRAM_DATA_MAX / 2);
		len = (size_t)binary_encode(&program, encoded, sizeof(encoded), false);
		count = find_records(encoded, len, starts);
		for (size_t r = 1; r < count; r++) {
			size_t more = starts[r + 1] - starts[r];

			memcpy(grown, encoded, starts[r + 1]);
			memcpy(grown + starts[r + 1], encoded + starts[r], len - starts[r]);
			decode(grown, len + more);
			assert_int_equal(decoded.op_count, program.op_count + 1);
			for (uint32_t o = 0; o < decoded.op_count; o++)
				assert_same_op(&decoded, o, &program, o - (o >= r));
		}
	}
}

static void deleting_the_header_record_gives_defaults(void **state)
{
	static const uint8_t bytes[] = { OP_CODE_HEADER, 1, BINARY_END, OP_RESET, BINARY_END };

	(void)state;
	decode(bytes, sizeof(bytes));
	assert_true(decoded.features == ~1ULL);
	assert_int_equal(decoded.op_count, 1);
	decode(bytes + 3, 2);
	assert_true(decoded.features == ~0ULL);
	assert_int_equal(decoded.budget, 1);
	assert_int_equal(decoded.op_count, 1);
	assert_int_equal(decoded.ops[0].code, OP_RESET);
}

static void unassigned_codes_stay_what_they_are(void **state)
{
	unsigned unassigned = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		bool special = code == BINARY_END || code == BINARY_ESCAPE;
		uint8_t bytes[] = { OP_CODE_HEADER, BINARY_END, BINARY_ESCAPE, (uint8_t)(code & 15),
				    BINARY_END };
		size_t len = sizeof(bytes);
		char expected[32];
		char *text;

		if (op_find((uint8_t)code) != NULL)
			continue;
		unassigned++;
		if (!special) {
			bytes[2] = (uint8_t)code;
			bytes[3] = BINARY_END;
			len--;
		}
		decode(bytes, len);
		assert_int_equal(decoded.op_count, 1);
		assert_int_equal(decoded.ops[0].code, OP_NOP);
		assert_int_equal(decoded.ops[0].value[0], code);
		text = print_program(&decoded);
		snprintf(expected, sizeof(expected), "device any\nnop %u\n", code);
		assert_string_equal(text, expected);
		free(text);
		assert_int_equal(binary_encode(&decoded, encoded, sizeof(encoded), false), len);
		assert_memory_equal(encoded, bytes, len);
	}
	assert_true(unassigned > 100);
}

static void fields_that_are_missing_are_zero_and_bytes_too_many_are_cut(void **state)
{
	static const uint8_t shorter[] = { OP_QUEUE, 3, 0xff, BINARY_END };
	uint8_t longer[200] = { OP_READY, 9, 1, 0, 0, 0, 7, 7, 7 };

	(void)state;
	decode(shorter, sizeof(shorter));
	assert_int_equal(decoded.ops[0].value[0], 3);
	assert_int_equal(decoded.ops[0].value[1], 0xff);
	assert_int_equal(decoded.ops[0].value[4], 0);
	longer[199] = BINARY_END;
	decode(longer, sizeof(longer));
	assert_int_equal(decoded.op_count, 1);
	assert_int_equal(decoded.ops[0].value[0], 1);
	assert_int_equal(decoded.ops[0].value[1], 1);
}

static void queues_are_64_and_other_bytes_are_low_ones(void **state)
{
	uint8_t bytes[] = { OP_TAKE, 0, 0, 0, BINARY_END };

	(void)state;
	for (unsigned byte = 0; byte < 245; byte++) {
		bytes[1] = (uint8_t)byte;
		decode(bytes, sizeof(bytes));
		assert_int_equal(decoded.ops[0].value[TAKE_QUEUE],
				 byte < 192 ? byte % 8 : byte - 192 + 8);
	}
	for (unsigned queue = 0; queue < PROGRAM_QUEUES; queue++) {
		program_init(&decoded, "any");
		program_add(&decoded, OP_TAKE)->value[TAKE_QUEUE] = queue;
		assert_text_law(&decoded);
		assert_binary_law(&decoded);
	}
}

/* Numbers in files: 32 to 63 are rings of queues 0 to 7, four each. */
static void rings_have_the_bases_that_they_had(void **state)
{
	(void)state;
	for (unsigned base = 0; base < 256; base++) {
		uint8_t reduced = base_reduce((uint8_t)base);

		if (reduced < BASE_RING)
			continue;
		assert_int_equal(ring_base(ring_base_queue(reduced), ring_base_area(reduced)),
				 reduced);
		if (base >= BASE_RING && base < BASE_RING_HIGH) {
			assert_int_equal(ring_base_queue(reduced), (base - 32) / 4);
			assert_int_equal(ring_base_area(reduced), base % 4);
		}
	}
	assert_int_equal(ring_base(8, VIRTQUEUE_DESC), 64);
	assert_int_equal(ring_base(63, VIRTQUEUE_DEVICE), 231);
	assert_int_equal(base_reduce(35), BASE_ABSOLUTE);
	assert_int_equal(base_reduce(231), 231);
	assert_int_equal(base_reduce(232), 232 & 63);
	assert_int_equal(base_reduce(255), BASE_ABSOLUTE);
}

static void a_header_of_eight_sizes_says_nothing_of_the_others(void **state)
{
	uint8_t bytes[1 + 8 + 16 + 1] = { OP_CODE_HEADER };

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		bytes[9 + 2 * i] = (uint8_t)(i + 1);
	bytes[sizeof(bytes) - 1] = BINARY_END;
	decode(bytes, sizeof(bytes));
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++)
		assert_int_equal(decoded.queue_max[i], i < 8 ? i + 1 : 0);
}

static void empty_records_are_nothing_and_the_last_needs_no_end(void **state)
{
	static const uint8_t bytes[] = { BINARY_END, BINARY_END, OP_RESET,
					 BINARY_END, BINARY_END, OP_WORK };

	(void)state;
	decode(bytes, sizeof(bytes));
	assert_int_equal(decoded.op_count, 2);
	assert_int_equal(decoded.ops[0].code, OP_RESET);
	assert_int_equal(decoded.ops[1].code, OP_WORK);
	decode("", 0);
	assert_int_equal(decoded.op_count, 0);
}

static void escapes_stand_for_end_and_escape_and_nothing_else(void **state)
{
	static const uint8_t bytes[] = { OP_STORE, 0,	 0,    0,    0,	   0,	 0,
					 0,	   0,	 0,    0xf6, 0x05, 0xf6, 0x06,
					 0xf6,	   0x07, 0xf6, 0xf6, 0x05, 0xf6, BINARY_END };
	static const uint8_t payload[] = { 0xf5, 0xf6, 0xf6, 0x07, 0xf6, 0xf5, 0xf6 };

	(void)state;
	decode(bytes, sizeof(bytes));
	assert_int_equal(decoded.op_count, 1);
	assert_int_equal(decoded.ops[0].data_len, sizeof(payload));
	assert_memory_equal(decoded.data, payload, sizeof(payload));
}

static void more_operations_than_fit_are_left_out(void **state)
{
	static uint8_t bytes[4 * PROGRAM_OPS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i += 2) {
		bytes[i] = OP_RESET;
		bytes[i + 1] = BINARY_END;
	}
	decode(bytes, sizeof(bytes));
	assert_int_equal(decoded.op_count, PROGRAM_OPS_MAX);
	assert_text_law(&decoded);
}

static void payload_past_the_program_s_bound_is_cut(void **state)
{
	static uint8_t bytes[PROGRAM_DATA_MAX + 20 * (12 + OP_BYTES_MAX)];
	size_t len = 0;

	(void)state;
	while (len + 11 + OP_BYTES_MAX < sizeof(bytes)) {
		memset(bytes + len, 0, 10);
		bytes[len] = OP_STORE;
		memset(bytes + len + 10, 0x55, OP_BYTES_MAX);
		len += 10 + OP_BYTES_MAX;
		bytes[len++] = BINARY_END;
	}
	decode(bytes, len);
	assert_int_equal(decoded.data_len, PROGRAM_DATA_MAX);
	assert_int_equal(decoded.ops[decoded.op_count - 1].data_len, 0);
	assert_text_law(&decoded);
}

static void repeats_end_inside_the_repeat_around_them(void **state)
{
	static const uint8_t bytes[] = {
		OP_REPEAT,  2,		0,	   3,	 0,    BINARY_END, /* three operations */
		OP_REPEAT,  2,		0,	   0xff, 0xff, BINARY_END, /* ... as many as there
									      are: one */
		OP_RESET,   BINARY_END, OP_REPEAT, 0,	 0,    1,	   0,
		BINARY_END, /* the last in the first one */
		OP_WORK,    BINARY_END,
	};

	(void)state;
	decode(bytes, sizeof(bytes));
	assert_int_equal(decoded.op_count, 5);
	assert_int_equal(decoded.ops[0].data_len, 3);
	assert_int_equal(decoded.ops[1].data_len, 2);
	assert_int_equal(decoded.ops[3].data_len, 0);
	assert_text_law(&decoded);
}

static void repeats_too_deep_have_no_body(void **state)
{
	uint8_t bytes[6 * 10];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i += 6) {
		static const uint8_t repeat[] = { OP_REPEAT, 2, 0, 0xff, 0xff, BINARY_END };

		memcpy(bytes + i, repeat, sizeof(repeat));
	}
	decode(bytes, sizeof(bytes));
	for (int i = 0; i < 10; i++)
		assert_int_equal(decoded.ops[i].data_len, i < PROGRAM_REPEAT_DEPTH_MAX ? 9 - i : 0);
	assert_text_law(&decoded);
}

static void a_file_names_its_target_and_budget(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *target;
		unsigned budget;
	} files[] = {
		{ "VRNG\1\0\0\3net", 11, "net", 1 },
		{ "VRNG\1\2\1\3net\32\365", 13, "net", 0x103 },
		{ "VRNG\1\377\3\3net", 11, "net", PROGRAM_BUDGET_MAX },
		{ "VRNG\1\0\4\3net", 11, "net", 1 },
		{ "VRNG\1\0\0\5N t/\377", 13, "__t__", 1 },
		{ "VRNG\1\0\0\100net", 11, "net", 1 },
		{ "VRNG\1\0\0\50abcdefghijklmnopqrstuvwxyzabcdefghijklmn", 48,
		  "abcdefghijklmnopqrstuvwxyzabcde", 1 },
		{ "VRNG\1\0\0\0", 8, "any", 1 },
		{ "VRNG\1\4", 6, "any", 5 },
		{ "VRNG\1", 5, "any", 1 },
		{ "VRN\1\0\0\3net", 10, "any", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		decode(files[i].bytes, files[i].len);
		assert_string_equal(decoded.target, files[i].target);
		assert_int_equal(decoded.budget, files[i].budget);
	}
}

static void a_file_of_another_version_is_an_empty_program(void **state)
{
	static const uint8_t versions[] = { 0, 2, 0x7f, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof(versions); i++) {
		uint8_t bytes[] = { 'V', 'R', 'N', 'G', versions[i], 1, 'x', OP_RESET, BINARY_END };
		unsigned version = 77;

		assert_int_equal(
			binary_decode(&decoded, bytes, sizeof(bytes), "net-loopback", &version),
			-EPROTONOSUPPORT);
		assert_int_equal(version, versions[i]);
		assert_int_equal(decoded.op_count, 0);
		assert_string_equal(decoded.target, "net-loopback");
		/* Cut short it is still of that version. */
		assert_int_equal(binary_decode(&decoded, bytes, 5, "net-loopback", &version),
				 -EPROTONOSUPPORT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deleting_a_record_leaves_the_other_operations),
		cmocka_unit_test(doubling_a_record_leaves_the_other_operations),
		cmocka_unit_test(deleting_the_header_record_gives_defaults),
		cmocka_unit_test(unassigned_codes_stay_what_they_are),
		cmocka_unit_test(fields_that_are_missing_are_zero_and_bytes_too_many_are_cut),
		cmocka_unit_test(queues_are_64_and_other_bytes_are_low_ones),
		cmocka_unit_test(rings_have_the_bases_that_they_had),
		cmocka_unit_test(a_header_of_eight_sizes_says_nothing_of_the_others),
		cmocka_unit_test(empty_records_are_nothing_and_the_last_needs_no_end),
		cmocka_unit_test(escapes_stand_for_end_and_escape_and_nothing_else),
		cmocka_unit_test(more_operations_than_fit_are_left_out),
		cmocka_unit_test(payload_past_the_program_s_bound_is_cut),
		cmocka_unit_test(repeats_end_inside_the_repeat_around_them),
		cmocka_unit_test(repeats_too_deep_have_no_body),
		cmocka_unit_test(a_file_names_its_target_and_budget),
		cmocka_unit_test(a_file_of_another_version_is_an_empty_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
