/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Whatever is in the table of operations (ops.h) is whole: it runs, it is printed and
 * parsed, mutations come up with it, and there is help for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peers/peers.h"
#include "harness/program/binary.h"
#include "harness/program/text.h"
#include "harness/run/run.h" /* before cmocka makes a macro of expect_check */

#include <cmocka.h>

#include "fuzzers/mutate.h"

static struct program program, decoded;
static struct script parsed;
static struct mutator mutator;

/* A device in its stride, then that operation, with fields and a payload that are no
 * defaults. */
static void make_program(const struct op_desc *desc, const char *target)
{
	uint8_t bytes[2] = { 1, 2 };
	struct op *op;

	program_init(&program, target);
	assert_non_null(program_add(&program, OP_START));
	program.ops[0].value[START_RUNG] = RUNG_DRIVER_OK;
	op = program_add(&program, desc->code);
	assert_non_null(op);
	if (desc->payload == PAYLOAD_OPS) {
		op->data_len = 1;
		assert_non_null(program_add(&program, OP_NOP));
	}
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++)
		op->value[i] = field_reduce((enum field_kind)desc->fields[i].kind, 1);
	if (desc->payload == PAYLOAD_BYTES || desc->payload == PAYLOAD_ELEMENTS)
		assert_true(program_add_data(&program, bytes, sizeof(bytes)));
	program_reduce(&program);
}

struct seen {
	const char *verb;
	unsigned times;
};

static void note(void *ctx, uint32_t index, const char *verb)
{
	struct seen *seen = ctx;

	(void)index;
	seen->times += strcmp(verb, seen->verb) == 0;
}

/* What no function is there for ends in a call of NULL. */
static void each_is_executed_on_every_target(void **state)
{
	size_t count;
	const struct op_desc *ops = op_table(&count);

	(void)state;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		struct text_error error;
		struct run *run;

		assert_int_equal(run_open(&run, *t, &error), 0);
		for (size_t i = 0; i < count; i++) {
			/* A repeat shows in what it repeats. */
			bool repeats = ops[i].payload == PAYLOAD_OPS;
			struct seen seen = { .verb = repeats ? "nop" : ops[i].name };
			struct run_options options = { .before_op = note, .ctx = &seen };

			make_program(&ops[i], (*t)->name);
			run_program(run, &program, &options);
			if (seen.times == 0)
				fail_msg("%s does not run on %s", ops[i].name, (*t)->name);
		}
		run_close(run);
	}
}

/* An engine does not know how many ports a device has. */
static void hosts_act_at_no_port_that_is_not_there(void **state)
{
	static const struct {
		uint8_t code, port;
	} acts[] = { { OP_TYPE, TYPE_PORT },
		     { OP_TAKE_OUTPUT, TAKE_OUTPUT_PORT },
		     { OP_PUT_BACK, PUT_BACK_PORT } };

	(void)state;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		const struct run_options options = { .ctx = NULL };
		struct text_error error;
		struct run *run;

		assert_int_equal(run_open(&run, *t, &error), 0);
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
			make_program(op_find(acts[i].code), (*t)->name);
			program.ops[program.op_count - 1].value[acts[i].port] = UINT8_MAX;
			run_program(run, &program, &options);
		}
		run_close(run);
	}
}

static void each_is_printed_and_parsed(void **state)
{
	static uint8_t bytes[BINARY_SIZE_MAX];
	size_t count;
	const struct op_desc *ops = op_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct text_error error;
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		long len;

		assert_non_null(out);
		make_program(&ops[i], "any");
		text_print(out, &program, NULL);
		assert_int_equal(fclose(out), 0);
		if (text_parse(&parsed, text, strlen(text), &error) != 0)
			fail_msg("%s: line %u: %s", ops[i].name, error.line, error.message);
		if (!program_equal(&parsed.prog, &program))
			fail_msg("%s is printed as what it is not:\n%s", ops[i].name, text);
		len = binary_encode(&program, bytes, sizeof(bytes), true);
		assert_true(len > 0);
		assert_int_equal(binary_decode(&decoded, bytes, (size_t)len, "any", NULL), 0);
		if (!program_equal(&decoded, &program))
			fail_msg("%s is encoded as what it is not:\n%s", ops[i].name, text);
		free(text);
	}
}

/* `nop` is what an engine's havoc is for; `advance` is put in seldom, and not out of the bag. */
static void each_is_a_mutation_somewhere(void **state)
{
	bool wanted[256] = { [OP_NOP] = true, [OP_ADVANCE] = true };
	size_t count;
	const struct op_desc *ops = op_table(&count);

	(void)state;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		mutator_init(&mutator, (*t)->name, 1);
		for (unsigned i = 0; i < mutator.bag_count; i++)
			wanted[mutator.bag[i]] = true;
	}
	/* None of our models has a host that changes its configuration. */
	peer_register();
	mutator_init(&mutator, "qemu-blk", 1);
	for (unsigned i = 0; i < mutator.bag_count; i++)
		wanted[mutator.bag[i]] = true;
	for (size_t i = 0; i < count; i++)
		if (!wanted[ops[i].code])
			fail_msg("no mutation comes up with %s on any target", ops[i].name);
}

static void each_has_help_and_each_field_a_name(void **state)
{
	size_t count;
	const struct op_desc *ops = op_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		if (ops[i].help == NULL || strlen(ops[i].help) < 5)
			fail_msg("%s has no help", ops[i].name);
		for (int f = 0; f < OP_FIELDS_MAX && ops[i].fields[f].kind != FIELD_NONE; f++)
			if (ops[i].fields[f].name == NULL || *ops[i].fields[f].name == '\0')
				fail_msg("field %d of %s has no name", f, ops[i].name);
		assert_ptr_equal(op_find(ops[i].code), &ops[i]);
		assert_ptr_equal(op_find_name(ops[i].name, strlen(ops[i].name)), &ops[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_executed_on_every_target),
		cmocka_unit_test(hosts_act_at_no_port_that_is_not_there),
		cmocka_unit_test(each_is_printed_and_parsed),
		cmocka_unit_test(each_is_a_mutation_somewhere),
		cmocka_unit_test(each_has_help_and_each_field_a_name),
	};

	return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
