/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Text parsing is strict: what is wrong is reported with line, column and what
 * was expected.  What a `>` line may say is in test_text_expect.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bad_text.h"
#include "spellings.h"

#define COMMAS_16 "1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,"

static const struct bad_text bad_headers[] = {
	{ "", 1, 1, "no header" },
	{ "\n\n# nothing\n", 3, 1, "no header" },
	{ "clause 2.4\n", 1, 11, "no header" },
	{ "reset\n", 1, 1, "no header yet" },
	{ "device\n", 1, 7, "expected a target or 'any'" },
	{ "device NET\n", 1, 8, "letters a to z" },
	{ "device net/x\n", 1, 8, "no name of a target" },
	{ "device abcdefghijklmnopqrstuvwxyzabcdef\n", 1, 8, "at most 31" },
	{ "device any\ndevice any\n", 2, 11, "second header" },
	{ "device any\nreset\ndevice any\n", 3, 11, "second header" },
	{ "device any extra\n", 1, 12,
	  "expected features=, features_high=, queue_max= or budget=" },
	{ "device any features=\n", 1, 21, "the value is empty" },
	{ "device any features=RING\n", 1, 21, "is not a bit" },
	{ "device any features=0x1ffffffffffffffff\n", 1, 21, "not a bit" },
	{ "device any budget=0\n", 1, 19, "expected 1 to 1024" },
	{ "device any budget=1025\n", 1, 19, "expected 1 to 1024" },
	{ "device any budget=65536\n", 1, 19, "out of range" },
	{ "device any queue_max=1,65536\n", 1, 24, "out of range" },
	{ "device any queue_max=1,,2\n", 1, 24, "the value is empty" },
	{ "device any queue_max=" COMMAS_16 COMMAS_16 COMMAS_16 COMMAS_16 "9\n", 1, 150,
	  "at most 64" },
};

static const struct bad_text bad_operations[] = {
	{ "device any\nsmash 1\n", 2, 1, "unknown operation" },
	{ "device any\n  Reset\n", 2, 3, "unknown operation" },
	{ "device any\nreset now\n", 2, 7, "unknown 'now', expected nothing more for 'reset'" },
	{ "device any\nnotify\n", 2, 7, "lacks its queue" },
	{ "device any\nready 1\n", 2, 8, "lacks its value" },
	{ "device any\nready 1 2 3\n", 2, 11, "expected nothing more" },
	{ "device any\nqueue 1 size=1 size=2\n", 2, 16, "'size' is given twice" },
	{ "device any\nready queue=1 queue=2\n", 2, 15, "'queue' is given twice" },
	{ "device any\nstart driver_ok speed=1\n", 2, 17, "expected nothing more" },
	{ "device any\nqueue 1 size=\n", 2, 14, "the value is empty" },
	{ "device any\nstart driver_ok size=8 size\n", 2, 24, "expected nothing more" },
	{ "device any\n\tsettle # fine\n\tsettle x# not\n", 3, 9, "nothing more" },
};

/* One for each kind of field. */
static const struct bad_text bad_values[] = {
	{ "device any\nfill low value=256\n", 2, 16, "0 to 255" },
	{ "device any\nstart driver_ok size=65536\n", 2, 22, "0 to 65535" },
	{ "device any\nnotify 4294967296\n", 2, 8, "0 to 4294967295" },
	{ "device any\nnotify -1\n", 2, 8, "not a number" },
	{ "device any\nnotify 0x\n", 2, 8, "not a number" },
	{ "device any\nnotify 1a\n", 2, 8, "not a number" },
	{ "device any\nwrite 0 18446744073709551616\n", 2, 9, "not a number" },
	{ "device any\nwrite 0 0x10000000000000000\n", 2, 9, "not a number" },
	{ "device any\navail_idx 0 32768\n", 2, 13, "-32768 to 32767" },
	{ "device any\navail_idx 0 -32769\n", 2, 13, "-32768 to 32767" },
	{ "device any\navail_idx 0 --1\n", 2, 13, "not a step" },
	{ "device any\nrepeat 65536\nend\n", 2, 8, "0 to 65535" },
	{ "device any\nbuffer b16\n", 2, 8, "no buffer 'b16'" },
	{ "device any\nbuffer b00\n", 2, 8, "no buffer" },
	{ "device any\nbuffer b\n", 2, 8, "no buffer" },
	{ "device any\nbuffer 0\n", 2, 8, "no buffer" },
	{ "device any\nready 64 1\n", 2, 7, "0 to 63" },
	{ "device any\nread 0x1000\n", 2, 6, "0 to 4095" },
	{ "device any\nread Nowhere\n", 2, 6, "no register 'Nowhere'" },
	{ "device any\nread status\n", 2, 6, "no register 'status'" },
	{ "device any\nread Config+0xf00\n", 2, 6, "past the register region" },
	{ "device any\nread Config+x\n", 2, 13, "not an offset" },
	{ "device any\nread Config+0x1000\n", 2, 13, "not an offset" },
	{ "device any\nread 0 width=0\n", 2, 14, "expected 1 to 8" },
	{ "device any\nread 0 width=9\n", 2, 14, "0 to 8" },
	{ "device any\nstart up\n", 2, 7, "driver_ok" },
	{ "device any\nstart 6\n", 2, 7, "expected one of" },
	{ "device any\nstatus DRIVER|OK\n", 2, 15, "not a bit" },
	{ "device any\nstatus DRIVER|\n", 2, 15, "not a bit" },
	{ "device any\nstatus 0x100000000\n", 2, 8, "at most 0xffffffff" },
	{ "device any\nack used|busy\n", 2, 10, "not a bit" },
	{ "device any\nnegotiate VERSION_2\n", 2, 11, "not a bit" },
	{ "device any\ndesc 0 0 flags=next|last\n", 2, 21, "not a bit" },
	{ "device any\ndesc 0 0 flags=0x10000\n", 2, 16, "at most 0xffff" },
	{ "device any\nset_desc 0 0 size 1\n", 2, 14, "addr, len, flags, next" },
	{ "device any\nfault_access 1 kind=both\n", 2, 21, "any, read, write" },
	{ "device any\nfault_access 1 purpose=all\n", 2, 24, "payload" },
	{ "device any\nnop 256\n", 2, 5, "0 to 255" },
	{ "device any\nnop 16\n", 2, 5, "the code of 'start'" },
	{ "device any\nunmap middle len=1\n", 2, 7, "not an address" },
	{ "device any\nunmap q0.ring\n", 2, 7, "not an address" },
	{ "device any\nunmap q64.desc\n", 2, 7, "not an address" },
	{ "device any\nunmap q07.desc\n", 2, 7, "not an address" },
	{ "device any\nunmap q.ring\n", 2, 7, "not an address" },
	{ "device any\nunmap q0\n", 2, 7, "not an address" },
	{ "device any\nunmap low+\n", 2, 11, "not an offset" },
	{ "device any\nunmap low+1-1\n", 2, 11, "not an offset" },
	{ "device any\nunmap -1\n", 2, 7, "not an address" },
	{ "device any\nunmap 12+1\n", 2, 7, "not a number" },
};

static const struct bad_text bad_payloads[] = {
	{ "device any\nstore low 0\n", 2, 11, "even number" },
	{ "device any\nstore low 00 123\n", 2, 14, "3 hex digits" },
	{ "device any\nstore low 00gg\n", 2, 13, "'gg' is not a byte" },
	{ "device any\nstore low 00 0x11\n", 2, 14, "'0x' is not a byte" },
	{ "device any\nrace 1 low 1\n", 2, 12, "even number" },
	{ "device any\nsend 1 b0:x\n", 2, 8, "':r', ':w' or nothing" },
	{ "device any\nsend 1 b0 b16:w\n", 2, 11, "no buffer 'b16'" },
	{ "device any\nsend 1 b0 head=1\n", 2, 11, "no buffer" },
	{ "device any\nsend 1 b0,b1\n", 2, 8, "no buffer" },
};

static const struct bad_text bad_repeats[] = {
	{ "device any\nend\n", 2, 1, "no repeat is open" },
	{ "device any\nrepeat 2\nreset\n", 3, 6, "the repeat of line 2 is not closed" },
	{ "device any\nrepeat 2\nrepeat 3\nend\n", 4, 4, "the repeat of line 2 is not closed" },
	{ "device any\nrepeat 2\nend\nend\n", 4, 1, "no repeat is open" },
	{ "device any\nrepeat 2\nend 2\n", 3, 5, "expected nothing after 'end'" },
	{ "device any\nrepeat\nend\n", 2, 7, "lacks its times" },
	{ "device any\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nreset\n", 7, 1,
	  "nested too deep, at most 4" },
	{ "device any\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\n", 7, 1,
	  "nested too deep" },
};

static const struct bad_text bad_names[] = {
	{ "device any\nsend 1 header\n", 2, 8, "a name given before" },
	{ "device any\nsend 1 header\nname b0 = header\n", 2, 8, "a name given before" },
	{ "device any\nstore header+1 00\n", 2, 7, "a name given before" },
	{ "device any\nname\n", 2, 5, "expected b0 to b15" },
	{ "device any\nname b16 = x\n", 2, 6, "no buffer" },
	{ "device any\nname b0\n", 2, 8, "expected '='" },
	{ "device any\nname b0 header\n", 2, 9, "expected '='" },
	{ "device any\nname b0=header\n", 2, 6, "no buffer" },
	{ "device any\nname b0 =\n", 2, 10, "expected the name" },
	{ "device any\nname b0 = a b\n", 2, 13, "expected nothing after the name" },
	{ "device any\nname b0 = 1st\n", 2, 11, "expected a letter" },
	{ "device any\nname b0 = a-b\n", 2, 11, "expected a letter" },
	{ "device any\nname b0 = _a\n", 2, 11, "expected a letter" },
	{ "device any\nname b0 = abcdefghijklmnopqrstuvwxyzabcdef\n", 2, 11, "at most 31" },
	{ "device any\nname b0 = low\n", 2, 11, "name of a place" },
	{ "device any\nname b0 = seam\n", 2, 11, "name of a place" },
	{ "device any\nname b0 = top\n", 2, 11, "name of a place" },
	{ "device any\nname b0 = hole\n", 2, 11, "name of a place" },
	{ "device any\nname b0 = b1\n", 2, 11, "are taken" },
	{ "device any\nname b0 = q7\n", 2, 11, "are taken" },
	{ "device any\nname b0 = x\nname b1 = x\n", 3, 11, "b0 already has" },
};

static const struct bad_text bad_annotations[] = {
	{ "device any\nneeds\tspeed\n", 2, 7, "queues=, features=, features_high=, size=" },
	{ "device any\nneeds queues=256\n", 2, 14, "0 to 255" },
	{ "device any\nneeds features=NONE\n", 2, 16, "not a bit" },
	{ "device any\nclause aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 2, 8,
	  "no clause 'aaaaaaaa" },
	{ "device any\nclause dev.reset.op.1 dev.no.such.9\n", 2, 23,
	  "no clause 'dev.no.such.9', expected an id or a section of VIRTIO 1.4" },
	{ "device any\nclause 2.4 9.9.9\n", 2, 12, "no clause '9.9.9'" },
};

#define ASSERT_ALL_BAD(table) assert_all_bad(table, sizeof(table) / sizeof((table)[0]))

static void wrong_headers_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_headers);
}

static void wrong_operations_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_operations);
}

static void values_out_of_range_are_told_for_each_kind(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_values);
}

static void wrong_payloads_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_payloads);
}

static void wrong_repeats_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_repeats);
}

static void names_not_given_taken_or_odd_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_names);
}

static void wrong_annotations_are_told(void **state)
{
	(void)state;
	ASSERT_ALL_BAD(bad_annotations);
}

static void every_control_byte_but_tab_is_told(void **state)
{
	(void)state;
	for (int byte = 0; byte < ' '; byte++) {
		char text[] = "device any\nreset # .\n";
		char message[16];

		if (byte == '\t' || byte == '\n')
			continue;
		text[19] = (char)byte;
		/* One at the end of a line belongs to its end. */
		snprintf(message, sizeof(message), "byte 0x%02x", byte);
		if (byte != '\r')
			assert_bad(text, sizeof(text) - 1, 2, 9, message);
		text[13] = (char)byte;
		assert_bad(text, sizeof(text) - 1, 2, 3, message);
	}
}

static void a_line_that_is_too_long_is_told(void **state)
{
	static char text[TEXT_LINE_MAX + 100] = "device any\n";
	size_t start = strlen(text);

	(void)state;
	memset(text + start, ' ', sizeof(text) - start);
	text[start] = '#';
	text[start + TEXT_LINE_MAX] = '\n';
	assert_good(text, start + TEXT_LINE_MAX + 1);
	text[start + TEXT_LINE_MAX] = ' ';
	text[start + TEXT_LINE_MAX + 1] = '\n';
	assert_bad(text, start + TEXT_LINE_MAX + 2, 2, TEXT_LINE_MAX + 2, "too long");
}

static char *repeat_line(const char *line, int count)
{
	char *text = malloc(32 + strlen(line) * (size_t)count);
	size_t len = (size_t)sprintf(text, "device any\nreset\n");

	for (int i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "%s", line);
	return text;
}

static void assert_bound(const char *line, int max, unsigned column, const char *message)
{
	char *text = repeat_line(line, max);

	assert_good(text, strlen(text));
	free(text);
	text = repeat_line(line, max + 1);
	assert_bad(text, strlen(text), (unsigned)(3 + max), column, message);
	free(text);
}

static void more_than_a_script_holds_is_told(void **state)
{
	char clauses[4 * SCRIPT_CLAUSE_MAX + 40] = "device any\nclause";
	char *bytes = malloc(2 * OP_BYTES_MAX + 32);

	(void)state;
	assert_bound("reset\n", PROGRAM_OPS_MAX - 1, 1, "too long, at most 1024");
	assert_bound("> value 1\n", SCRIPT_EXPECT_MAX, 1, "at most 512");
	for (int i = 0; i < SCRIPT_CLAUSE_MAX; i++)
		strcat(clauses, " 2.4");
	assert_good(clauses, strlen(clauses));
	strcat(clauses, " 2.5");
	assert_bad(clauses, strlen(clauses), 2, 8 + 4 * SCRIPT_CLAUSE_MAX, "at most 32");

	strcpy(bytes, "store low ");
	memset(bytes + 10, '5', 2 * OP_BYTES_MAX);
	strcpy(bytes + 10 + 2 * OP_BYTES_MAX, "\n");
	assert_bound(bytes, PROGRAM_DATA_MAX / OP_BYTES_MAX, 11 + 2 * OP_BYTES_MAX,
		     "at most 32768 payload bytes");
	free(bytes);
}

static void an_operation_holds_no_more_payload_than_its_bound(void **state)
{
	static char text[32 + 6 * (OP_BYTES_MAX + 1)];
	size_t len = (size_t)sprintf(text, "device any\nstore low ");

	(void)state;
	memset(text + len, '5', 2 * OP_BYTES_MAX + 2);
	assert_good(text, len + 2 * OP_BYTES_MAX);
	assert_bad(text, len + 2 * OP_BYTES_MAX + 2, 2, 11 + 2 * OP_BYTES_MAX, "at most 2048");
	len = (size_t)sprintf(text, "device any\nsend 0");
	for (int i = 0; i < OP_BYTES_MAX; i++)
		len += (size_t)sprintf(text + len, " b0");
	assert_good(text, len);
	len += (size_t)sprintf(text + len, " b1");
	assert_bad(text, len, 2, 8 + 3 * OP_BYTES_MAX, "at most 2048");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_headers_are_told),
		cmocka_unit_test(wrong_operations_are_told),
		cmocka_unit_test(values_out_of_range_are_told_for_each_kind),
		cmocka_unit_test(wrong_payloads_are_told),
		cmocka_unit_test(wrong_repeats_are_told),
		cmocka_unit_test(names_not_given_taken_or_odd_are_told),
		cmocka_unit_test(wrong_annotations_are_told),
		cmocka_unit_test(every_control_byte_but_tab_is_told),
		cmocka_unit_test(a_line_that_is_too_long_is_told),
		cmocka_unit_test(more_than_a_script_holds_is_told),
		cmocka_unit_test(an_operation_holds_no_more_payload_than_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
