/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * `>` lines and the other annotations: what they may say, what they may not,
 * and that they are outside a program's equality.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/rules/rules.h"

#include "bad_text.h"
#include "spellings.h"

#define AFTER "device any\nreset\n"
#define NAME_48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad_text bad_expectations[] = {
	{ "device any\n> silent\n", 2, 1, "no operation before this line" },
	{ "device any\nrepeat 1\n> silent\nend\n", 3, 1, "no operation before this line" },
	{ AFTER ">\n", 3, 2, "nothing after '>'" },
	{ AFTER ">   \n", 3, 5, "nothing after '>'" },
	{ AFTER "> seen 1\n", 3, 3,
	  "unknown demand 'seen', expected must, should, limit, model or one of value read "
	  "status" },
	/* The list is whole: its last one too. */
	{ AFTER "> seen 1\n", 3, 3, " answered outstanding raised" },
	{ AFTER "> value\n", 3, 8, "expected the value" },
	{ AFTER "> value x\n", 3, 9, "not a number" },
	{ AFTER "> value 1 2\n", 3, 11, "expected nothing more" },
	{ AFTER "> outstanding 1 all\n", 3, 17, "not a number" },
	{ AFTER "> answered 1 all 2\n", 3, 18, "expected nothing more" },
	{ AFTER "> read\n", 3, 7, "expected a register" },
	{ AFTER "> read Status\n", 3, 14, "expected its value" },
	{ AFTER "> read Statue 1\n", 3, 8, "no register" },
	{ AFTER "> read Status 0x100000000\n", 3, 15, "out of range" },
	{ AFTER "> status\n", 3, 9, "expected bits, +BIT or -BIT" },
	{ AFTER "> status +\n", 3, 11, "the value is empty" },
	{ AFTER "> status OK\n", 3, 10, "not a bit" },
	{ AFTER "> status DRIVER FAILED\n", 3, 17, "expected +BIT or -BIT" },
	{ AFTER "> interrupt_status\n", 3, 19, "expected bits" },
	{ AFTER "> interrupt_status tx\n", 3, 20, "not a bit" },
	{ AFTER "> interrupts rx=1\n", 3, 14, "expected used=" },
	{ AFTER "> interrupts used=1 used=1\n", 3, 26, "given twice" },
	{ AFTER "> interrupts used=x\n", 3, 19, "not a number" },
	{ AFTER "> order\n", 3, 8, "expected used config or config used" },
	{ AFTER "> order used\n", 3, 13, "expected used config or config used" },
	{ AFTER "> order used used\n", 3, 18, "the same word twice" },
	{ AFTER "> order used rx\n", 3, 14, "'rx', expected used config" },
	{ AFTER "> order used config used\n", 3, 21, "expected nothing more" },
	{ AFTER "> generation\n", 3, 13, "expected moved or same" },
	{ AFTER "> generation +1\n", 3, 14, "'+1', expected moved or same" },
	{ AFTER "> used\n", 3, 7, "expected a queue" },
	{ AFTER "> used 64 none\n", 3, 8, "0 to 63" },
	{ AFTER "> used 1\n", 3, 9, "expected id=, len= or none" },
	{ AFTER "> used 1 some\n", 3, 10, "expected id=" },
	{ AFTER "> used 1 none id=1\n", 3, 15, "expected nothing more" },
	{ AFTER "> used 1 id=1 none\n", 3, 15, "expected id=" },
	{ AFTER "> used_idx 1\n", 3, 13, "expected the index" },
	{ AFTER "> used_idx 1 65536\n", 3, 14, "out of range" },
	{ AFTER "> mem\n", 3, 6, "expected an address" },
	{ AFTER "> mem b0\n", 3, 9, "expected bytes in hex" },
	{ AFTER "> mem b0 001\n", 3, 10, "even number" },
	{ AFTER "> mem nowhere 00\n", 3, 7, "not an address" },
	{ AFTER "> mem_fill b0 len=1\n", 3, 20, "expected value=" },
	{ AFTER "> mem_fill b0 value=1\n", 3, 22, "expected len=" },
	{ AFTER "> mem_fill b0 len=1 value=256\n", 3, 27, "0 to 255" },
	{ AFTER "> mem_equal b0\n", 3, 15, "expected another address" },
	{ AFTER "> mem_equal b0 b1\n", 3, 18, "expected len=" },
	{ AFTER "> counters\n", 3, 11, "or none" },
	{ AFTER "> counters tx\n", 3, 12, "COUNTER=NUMBER" },
	{ AFTER "> counters =1\n", 3, 12, "no name" },
	{ AFTER "> counters tx=\n", 3, 15, "the value is empty" },
	{ AFTER "> counters tx=-1\n", 3, 15, "not a number" },
	{ AFTER "> counters none tx=1\n", 3, 17, "expected nothing more" },
	{ AFTER "> counter\n", 3, 10, "COUNTER=NUMBER" },
	{ AFTER "> counter tx=1 rx=1\n", 3, 16, "expected nothing more" },
	{ AFTER "> counter " NAME_48 "=1\n", 3, 11, "1 to 47 characters" },
	{ AFTER "> state\n", 3, 8, "expected idle, work or waiting" },
	{ AFTER "> state busy\n", 3, 9, "'busy', expected idle" },
	{ AFTER "> state idle work\n", 3, 14, "expected nothing more" },
	{ AFTER "> silent now\n", 3, 10, "expected nothing more" },
	{ AFTER "> should\n", 3, 9, "expected what the device must show" },
	{ AFTER "> shoud silent\n", 3, 3,
	  "unknown demand 'shoud', expected must, should, limit, model or one of value" },
	{ AFTER "> should must silent\n", 3, 10, "unknown demand 'must', expected one of value" },
	{ AFTER "> answered\n", 3, 11, "expected a queue" },
	{ AFTER "> answered q\n", 3, 13, "expected how many" },
	{ AFTER "> answered q 1 2\n", 3, 16, "expected nothing more" },
	{ AFTER "> outstanding p 1\n", 3, 15, "not a number" },
	{ AFTER "> raised\n", 3, 9, "expected used, config or none" },
	{ AFTER "> raised often\n", 3, 10, "'often', expected used" },
	{ AFTER "> breaks\n", 3, 9, "expected a rule" },
	{ AFTER "> breaks " NAME_48 "\n", 3, 10, "no name" },
};

static void wrong_expectations_are_told(void **state)
{
	(void)state;
	assert_all_bad(bad_expectations, sizeof(bad_expectations) / sizeof(bad_expectations[0]));
}

static void a_rule_that_is_not_in_the_table_is_told(void **state)
{
	static const char text[] = AFTER "> breaks completion.not-hold\n";

	(void)state;
	assert_bad(text, strlen(text), 3, 10, "no rule 'completion.not-hold'");
}

static void more_bytes_and_counters_than_a_script_holds_are_told(void **state)
{
	static char text[40 + 8 * (SCRIPT_PAIR_MAX + 1)];
	size_t len = (size_t)sprintf(text, AFTER "> mem b0 ");

	(void)state;
	memset(text + len, '0', 2 * EXPECT_BYTES_MAX + 2);
	assert_good(text, len + 2 * EXPECT_BYTES_MAX);
	assert_bad(text, len + 2 * EXPECT_BYTES_MAX + 2, 3, 10 + 2 * EXPECT_BYTES_MAX,
		   "at most 256");
	len = (size_t)sprintf(text, AFTER "> counters");
	for (int i = 0; i < SCRIPT_PAIR_MAX; i++)
		len += (size_t)sprintf(text + len, " a=1");
	assert_good(text, len);
	len += (size_t)sprintf(text + len, " b=1");
	assert_bad(text, len, 3, 12 + 4 * SCRIPT_PAIR_MAX, "at most 1024");
}

static void every_kind_of_expectation_is_taken_at_its_operation(void **state)
{
	static const uint8_t kinds[] = {
		EXPECT_VALUE,	   EXPECT_REGISTER, EXPECT_STATUS,    EXPECT_STATUS,
		EXPECT_MEM,	   EXPECT_MEM_FILL, EXPECT_MEM_EQUAL, EXPECT_INTERRUPT_STATUS,
		EXPECT_INTERRUPTS, EXPECT_USED,	    EXPECT_USED_NONE, EXPECT_USED_IDX,
		EXPECT_COUNTERS,   EXPECT_COUNTERS, EXPECT_COUNTER,   EXPECT_STATE,
		EXPECT_SILENT,	   EXPECT_BREAKS,   EXPECT_ORDER,     EXPECT_GENERATION,
		EXPECT_GENERATION, EXPECT_ANSWERED, EXPECT_ANSWERED,  EXPECT_OUTSTANDING,
		EXPECT_RAISED,
	};

	(void)state;
	parse_good(AFTER "reset\n"
			 "> value 0x10\n"
			 ">read QueueReady 1\n"
			 "> status ACKNOWLEDGE|2\n"
			 "> status +DRIVER_OK -FAILED\n"
			 "> mem top-2 f5F6 00\n"
			 "> mem_fill b8 len=12 value=7\n"
			 "> mem_equal b8+12 b0 len=64\n"
			 "> interrupt_status used|config\n"
			 "> interrupts config=2\n"
			 "> used 1 len=5\n"
			 "> used 1 none\n"
			 "> used_idx 1 65535\n"
			 "> counters a=1 b=2\n"
			 "> counters none\n"
			 "> counter a=1\n"
			 "> state waiting\n"
			 "> silent\n"
			 "> breaks completion.not-held\n"
			 "> order config used\n"
			 "> generation moved\n"
			 "> generation same\n"
			 "> answered 1 2\n"
			 "> answered 1 all\n"
			 "> limit outstanding 1 2\n"
			 "> raised none\n");
	assert_int_equal(parsed.expect_count, sizeof(kinds));
	for (unsigned i = 0; i < sizeof(kinds); i++) {
		assert_int_equal(parsed.expects[i].kind, kinds[i]);
		assert_int_equal(parsed.expects[i].op, 1);
		assert_int_equal(parsed.expects[i].line, 4 + i);
	}
	assert_int_equal(parsed.expects[21].value[1], 2);
	assert_true(parsed.expects[22].value[1] == EXPECT_ANSWERED_ALL);
	assert_int_equal(parsed.expects[2].value[0], 3);
	assert_true(parsed.expects[2].mask == UINT32_MAX);
	assert_int_equal(parsed.expects[3].value[0], 4);
	assert_int_equal(parsed.expects[3].mask, 0x84);
	assert_int_equal(parsed.expects[4].base[0], BASE_TOP);
	assert_true(parsed.expects[4].value[0] == (uint64_t)-2);
	assert_memory_equal(parsed.expects[4].bytes, "\xf5\xf6\0", 3);
	assert_false(parsed.expects[9].given[0]);
	assert_true(parsed.expects[9].given[1]);
	assert_int_equal(parsed.expects[12].pair_count, 2);
	assert_int_equal(parsed.expects[13].pair_count, 0);
	assert_string_equal(parsed.expects[14].name, "a");
	assert_int_equal(parsed.expects[18].value[0], 1);
	assert_int_equal(parsed.expects[18].value[1], 0);
	assert_int_equal(parsed.expects[19].value[0], 1);
	assert_int_equal(parsed.expects[20].value[0], 0);
}

/* The word of the line, else that of the header, else that of the kind. */
static void severities_come_from_line_header_and_kind(void **state)
{
	static const char lines[] =
		"reset\n> value 1\n> counters none\n> counter a=1\n"
		"> restored\n> limit value 1\n> must counters none\n> interrupts\n";
	static const uint8_t of_kind[] = { SEVERITY_MUST,  SEVERITY_MODEL, SEVERITY_MODEL,
					   SEVERITY_LIMIT, SEVERITY_LIMIT, SEVERITY_MUST,
					   SEVERITY_MODEL };
	char text[200];

	(void)state;
	snprintf(text, sizeof(text), "device any\n%s", lines);
	parse_good(text);
	program = parsed.prog;
	for (unsigned i = 0; i < sizeof(of_kind); i++)
		assert_int_equal(parsed.expects[i].severity, of_kind[i]);
	snprintf(text, sizeof(text), "severity should\ndevice any\n%s", lines);
	parse_good(text);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(parsed.expects[i].severity, SEVERITY_SHOULD);
	assert_int_equal(parsed.expects[4].severity, SEVERITY_LIMIT);
	assert_int_equal(parsed.expects[5].severity, SEVERITY_MUST);
	assert_true(program_equal(&parsed.prog, &program));
}

static void wrong_severities_are_told(void **state)
{
	static const struct bad_text bad[] = {
		{ "device any\nseverity\n", 2, 9,
		  "no severity, expected must, should, limit or model" },
		{ "device any\nseverity shall\n", 2, 10,
		  "no severity 'shall', expected must, should, limit or model" },
		{ "device any\nseverity should must\n", 2, 17, "expected nothing after" },
		{ "device any\nseverity should\nseverity should\n", 3, 16,
		  "a second severity, expected one line of it" },
		{ "device any\nreset\nseverity should\n", 3, 16,
		  "comes too late, expected it before any operation" },
	};

	(void)state;
	assert_all_bad(bad, sizeof(bad) / sizeof(bad[0]));
}

static void an_expectation_after_end_judges_the_repeat(void **state)
{
	(void)state;
	parse_good("device any\nreset\nrepeat 2\n  reset\n  > silent\nend\n> silent\n");
	assert_int_equal(parsed.expects[0].op, 2);
	assert_int_equal(parsed.expects[1].op, 1);
}

static void annotations_are_outside_equality(void **state)
{
	(void)state;
	parse_good("device any\nsend 1 head=0 b0 b1:w\nreset\n");
	program = parsed.prog;
	parse_good(
		"# a header\nclause dev.reset.op.1 2.4\nneeds queues=2 features=VERSION_1 model\n"
		"device any # the target\n\n   \t\nname b0 = header\nname b15 = end_\n"
		"send 1 head=0 header b1:w # goes\n> used 1 id=0\n> silent\n"
		"name b0 = other\nreset\n");
	assert_true(program_equal(&parsed.prog, &program));
	assert_true(program_hash(&parsed.prog) == program_hash(&program));
	assert_int_equal(parsed.clause_count, 2);
	assert_string_equal(parsed.clauses[1], "2.4");
	assert_int_equal(parsed.needs_queues, 2);
	assert_true(parsed.needs_features == 1ULL << 32);
	assert_true((parsed.needs & NEED_MODEL) != 0);
	assert_string_equal(parsed.slot_names[0], "other");
	assert_int_equal(parsed.op_lines[0], 9);
	assert_int_equal(parsed.op_lines[1], 13);
	parse_good("device any\n");
	assert_int_equal(parsed.clause_count + parsed.expect_count + parsed.needs_queues, 0);
	assert_false((parsed.needs & NEED_MODEL) != 0);
	assert_string_equal(parsed.slot_names[0], "");
}

static void a_program_printed_with_its_names_parses_to_the_same(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	(void)state;
	parse_good("device any\nname b0 = header\nname b1 = frame\nsend 1 header frame:w b2\n"
		   "store header+12 00\nbuffer frame at=header-1 len=3\nname b1 = x\n");
	program = parsed.prog;
	out = open_memstream(&text, &len);
	text_print(out, &parsed.prog, parsed.slot_names);
	fclose(out);
	assert_non_null(strstr(text, "send 1 header x:w b2\n"));
	parse_good(text);
	assert_true(program_equal(&parsed.prog, &program));
	free(text);
}

static void words_of_a_portable_script_stand_for_what_it_is_bound_to(void **state)
{
	static const char text[] = "device any\n"
				   "needs readable driven size=8\n"
				   "send_request q split=3\n"
				   "> model answered q 2\n"
				   "offer_request other\n"
				   "send_request 3\n"
				   "notify q\n"
				   "write QueueSel other\n"
				   "fill q.used+2 len=1\n"
				   "store other.desc-1 00\n"
				   "send_request q which=0 layout=direct\n";
	const struct script_binding binding = {
		.queue = 5, .which = 2, .other = 4, .other_which = 1, .layout = LAYOUT_INDIRECT
	};
	const struct op *ops = parsed.prog.ops;
	struct text_error error;

	(void)state;
	assert_int_equal(text_parse_bound(&parsed, text, strlen(text), &binding, &error), 0);
	assert_int_equal(ops[0].value[SEND_REQUEST_QUEUE], 5);
	assert_int_equal(ops[0].value[SEND_REQUEST_WHICH], 2);
	assert_int_equal(ops[0].value[SEND_REQUEST_LAYOUT], LAYOUT_INDIRECT);
	assert_int_equal(ops[1].value[SEND_REQUEST_QUEUE], 4);
	assert_int_equal(ops[1].value[SEND_REQUEST_WHICH], 1);
	assert_int_equal(ops[2].value[SEND_REQUEST_WHICH], 0);
	assert_int_equal(ops[2].value[SEND_REQUEST_LAYOUT], LAYOUT_DIRECT);
	assert_int_equal(ops[3].value[NOTIFY_QUEUE], 5);
	assert_int_equal(ops[4].value[WRITE_VALUE], 4);
	assert_int_equal(ops[5].base[FILL_ADDR], BASE_RING + 4 * 5 + VIRTQUEUE_DEVICE);
	assert_int_equal(ops[6].base[STORE_ADDR], BASE_RING + 4 * 4 + VIRTQUEUE_DESC);
	assert_int_equal(ops[7].value[SEND_REQUEST_WHICH], 0);
	assert_int_equal(ops[7].value[SEND_REQUEST_LAYOUT], LAYOUT_DIRECT);
	assert_int_equal(parsed.expects[0].severity, SEVERITY_MODEL);
	assert_int_equal(parsed.expects[0].value[0], 5);
	assert_int_equal(parsed.needs, NEED_READABLE | NEED_DRIVEN);
	assert_int_equal(parsed.needs_size, 8);
	assert_true(parsed.names_queue && parsed.names_other && parsed.sends_request &&
		    parsed.free_layout);
	parse_good("device any\nsend_request 1\n");
	assert_false(parsed.names_queue || parsed.sends_request || parsed.free_layout);
}

static void line_ends_tabs_and_a_last_line_without_end_do_not_matter(void **state)
{
	(void)state;
	parse_good("device any\nready 1 2\nsend 1 b0\nreset\n");
	program = parsed.prog;
	parse_good("device any\r\nready\t1\t 2 \r\nsend 1 b0#\r\n\r\nreset\r");
	assert_true(program_equal(&parsed.prog, &program));
	parse_good("device any\n ready value=2 1\nsend queue=1 b0:r\nreset");
	assert_true(program_equal(&parsed.prog, &program));
}

static void numbers_and_names_of_a_value_are_the_same(void **state)
{
	(void)state;
	parse_good("device any\nstatus 7\nread 0x070\nread QueueNum\nread Config+4\nnop 0x0\n"
		   "negotiate 0x100000000\ndesc 0 0 flags=next|write|4\nread Status width=4\n");
	program = parsed.prog;
	parse_good("device any\nstatus DRIVER|1|DRIVER_OK\nread Status\nread QueueSize\nread 260\n"
		   "nop 0\nnegotiate VERSION_1\ndesc 0 0 flags=7\nread Status\n");
	assert_true(program_equal(&parsed.prog, &program));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_expectations_are_told),
		cmocka_unit_test(a_rule_that_is_not_in_the_table_is_told),
		cmocka_unit_test(more_bytes_and_counters_than_a_script_holds_are_told),
		cmocka_unit_test(every_kind_of_expectation_is_taken_at_its_operation),
		cmocka_unit_test(severities_come_from_line_header_and_kind),
		cmocka_unit_test(wrong_severities_are_told),
		cmocka_unit_test(an_expectation_after_end_judges_the_repeat),
		cmocka_unit_test(annotations_are_outside_equality),
		cmocka_unit_test(a_program_printed_with_its_names_parses_to_the_same),
		cmocka_unit_test(words_of_a_portable_script_stand_for_what_it_is_bound_to),
		cmocka_unit_test(line_ends_tabs_and_a_last_line_without_end_do_not_matter),
		cmocka_unit_test(numbers_and_names_of_a_value_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
