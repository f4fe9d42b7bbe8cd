/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that crashes, hangs, eats memory or leaks is one finding: its kind,
 * the operation in flight, a signature that is the same on every run; and the
 * process that asked goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/child.h"
#include "harness/run/sanitizers.h"

#include <cmocka.h>

#include "broken.h"
#include "signals.h"

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

static struct script script;
static struct child_result result;
static char report[CHILD_REPORT_MAX];

static struct child_job job = {
	.script = &script,
	.target = &broken_target,
	.expect = true,
	.judging = { .strict = true, .limits = true },
	.leaks = true,
};

static void parse(const char *text)
{
	struct text_error error;

	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
}

static void run(void)
{

	memset(&result, 0x55, sizeof(result));
	signals_as_before();
	assert_int_equal(child_run(&job, &result, report), 0);
	signals_as_cmocka();
}

/* The misdeed is the third operation, of index 2. */
static void run_misdeed(enum misdeed misdeed, unsigned seconds)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "device any\nstart driver_ok\nread Status\nconfig_write 0 %d\nnotify 0\n",
		 (int)misdeed);
	parse(text);
	job.seconds = seconds;
	run();
}

static void assert_finding(enum misdeed misdeed, enum finding_kind kind, const char *start,
			   uint32_t op, const char *verb)
{
	char first[sizeof(result.findings[0].signature)];
	const struct finding *f;

	for (int i = 0; i < 2; i++) {
		run_misdeed(misdeed, kind == FINDING_HANG ? 1 : 30);
		assert_false(result.passed);
		f = child_finding(&result, &job);
		assert_non_null(f);
		if (f->kind != kind || f->op != op || strcmp(f->verb, verb) != 0 ||
		    strncmp(f->signature, start, strlen(start)) != 0)
			fail_msg("misdeed %d: kind %u, op %u, verb %s, signature %s\n%s", misdeed,
				 f->kind, f->op, f->verb, f->signature, report);
		assert_null(strstr(f->signature, "0x"));
		assert_true(strlen(f->message) > 10);
		assert_non_null(strstr(f->signature + strlen(f->signature) - strlen(verb), verb));
		if (i == 0)
			strcpy(first, f->signature);
		else
			assert_string_equal(first, f->signature);
	}
}

static void assert_at_op(enum misdeed misdeed, enum finding_kind kind, const char *start)
{
	assert_finding(misdeed, kind, start, 2, "config_write");
}

static void a_good_device_passes(void **state)
{
	(void)state;
	run_misdeed(MISDEED_NONE, 0);
	assert_true(result.passed);
	assert_true(result.done);
	assert_null(child_finding(&result, &job));
	assert_int_equal(result.finding_count, 0);
	assert_int_equal(result.ops_run, 4);
	assert_string_equal(report, "");
}

static void a_wild_write_is_found(void **state)
{
	(void)state;
	assert_at_op(MISDEED_SEGV, FINDING_SANITIZER, "asan:SEGV:crash<broken_write");
}

static void an_abort_is_found(void **state)
{
	(void)state;
	run_misdeed(MISDEED_ABORT, 0);
	assert_true(child_finding(&result, &job)->kind == FINDING_SIGNAL ||
		    child_finding(&result, &job)->kind == FINDING_SANITIZER);
	assert_at_op(MISDEED_ABORT, child_finding(&result, &job)->kind,
		     child_finding(&result, &job)->kind == FINDING_SIGNAL ? "signal:ABRT"
									  : "asan:ABRT");
}

static void an_exit_is_found_whatever_its_status(void **state)
{
	(void)state;
	assert_at_op(MISDEED_EXIT, FINDING_EXIT, "exit:3:config_write");
	assert_at_op(MISDEED_EXIT_0, FINDING_EXIT, "exit:0:config_write");
}

static void a_loop_without_accesses_is_a_hang(void **state)
{
	(void)state;
	assert_at_op(MISDEED_SPIN, FINDING_HANG, "hang:config_write");
}

/* At 30 seconds the finding would be another one. */
static void a_loop_of_accesses_is_a_hang_before_the_clock_says_so(void **state)
{
	(void)state;
	run_misdeed(MISDEED_SPIN_READING, 30);
	assert_string_equal(child_finding(&result, &job)->signature, "memory.read:config_write");
	job.judging.limits = false;
	for (int i = 0; i < 2; i++) {
		run_misdeed(MISDEED_SPIN_READING, 30);
		assert_string_equal(child_finding(&result, &job)->signature,
				    "endless-loop:config_write");
		assert_int_equal(child_finding(&result, &job)->kind, FINDING_HANG);
		assert_int_equal(child_finding(&result, &job)->op, 2);
	}
	job.judging.limits = true;
}

static void memory_without_end_is_found_on_every_way(void **state)
{
	(void)state;
	assert_at_op(MISDEED_EAT_HEAP, FINDING_OOM, "out-of-memory:config_write");
	assert_at_op(MISDEED_EAT_AT_ONCE, FINDING_OOM, "asan:");
	assert_at_op(MISDEED_EAT_PAGES, FINDING_OOM, "out-of-memory:config_write");
}

static void a_leak_is_found_when_the_device_is_destroyed(void **state)
{
	(void)state;
	assert_finding(MISDEED_LEAK_HEAP, FINDING_LEAK, "leak:destroy", FINDING_OP_END, "destroy");
	assert_finding(MISDEED_LEAK_AT_RESET, FINDING_LEAK, "leak:destroy", FINDING_OP_END,
		       "destroy");
	assert_finding(MISDEED_LEAK_MALLOC, FINDING_LEAK, "lsan:leak:leak_malloc", FINDING_OP_END,
		       "destroy");
}

static void memory_errors_are_found_with_their_frames(void **state)
{
	(void)state;
	assert_at_op(MISDEED_OVERFLOW, FINDING_SANITIZER,
		     "asan:heap-buffer-overflow:overflow<broken_write");
	assert_at_op(MISDEED_USE_AFTER_FREE, FINDING_SANITIZER,
		     "asan:use-after-poison:use_after_free<broken_write");
	assert_non_null(strstr(report, "AddressSanitizer"));
}

static void a_double_free_is_found(void **state)
{
	(void)state;
	run_misdeed(MISDEED_FREE_TWICE, 0);
	assert_at_op(MISDEED_FREE_TWICE, child_finding(&result, &job)->kind,
		     child_finding(&result, &job)->kind == FINDING_SIGNAL ? "signal:ABRT"
									  : "asan:ABRT");
}

static void undefined_behaviour_is_found(void **state)
{
	(void)state;
	assert_at_op(MISDEED_DIVIDE, FINDING_SANITIZER, "ubsan:division-by-zero");
	assert_at_op(MISDEED_SHIFT, FINDING_SANITIZER, "ubsan:shift-exponent");
}

static void a_broken_rule_is_found_after_the_program(void **state)
{
	(void)state;
	assert_finding(MISDEED_KEEP_REGISTER, FINDING_RULE, "reset.registers:end-reset",
		       FINDING_OP_END, "end-reset");
	assert_finding(MISDEED_DIE_AT_RESET, FINDING_RULE, "liveness.request:liveness",
		       FINDING_OP_END, "liveness");
}

static void without_the_ledger_only_crashes_are_found(void **state)
{
	(void)state;
	job.judging.no_ledger = true;
	run_misdeed(MISDEED_KEEP_REGISTER, 0);
	assert_true(result.passed);
	run_misdeed(MISDEED_OVERFLOW, 0);
	assert_false(result.passed);
	assert_int_equal(child_finding(&result, &job)->kind, FINDING_SANITIZER);
	job.judging.no_ledger = false;
}

static void a_demand_not_met_fails_with_its_line(void **state)
{
	(void)state;
	parse("device any\nstart driver_ok\n> status +DRIVER_OK\nreset\n> status DRIVER\n"
	      "config_write 0 1\n");
	job.seconds = 0;
	run();
	assert_false(result.passed);
	assert_null(child_finding(&result, &job));
	assert_int_equal(result.failed_line, 5);
	assert_non_null(strstr(result.failure, "DRIVER"));
	job.expect = false;
	parse("device any\nreset\n> status DRIVER\n");
	run();
	assert_true(result.passed);
	job.expect = true;
}

static void a_demand_that_was_never_reached_fails(void **state)
{
	(void)state;
	parse("device any\nrepeat 65535\nrepeat 65535\nreset\nend\nend\nreset\n> status DRIVER\n");
	run();
	assert_false(result.passed);
	assert_int_equal(result.failed_line, 8);
}

static void crashes_in_a_row_leave_the_parent_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		run_misdeed(MISDEED_SEGV, 0);
		assert_false(result.passed);
		run_misdeed(MISDEED_NONE, 0);
		assert_true(result.passed);
		assert_int_equal(child_run(&job, &result, NULL), 0);
		assert_true(result.passed);
	}
}

/* Reports as sanitizers write them: what of them is the signature. */
static void signatures_hold_no_addresses_or_numbers(void **state)
{
	struct finding a = { .kind = 0 }, b = { .kind = 0 };

	(void)state;
	assert_true(sanitizer_finding(
		"==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n"
		"    #0 0x55aa in __interceptor_memcpy (/lib/x+0x1)\n"
		"    #1 0x55ab in net_rx devices/net.c:12\n"
		"    #2 0x55ac in mmio_write devices/mmio.c:9\n\nfreed by\n"
		"    #0 0x1 in other a.c:1\n",
		&a));
	assert_true(sanitizer_finding(
		"noise\n==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x7\n"
		"    #0 0x1 in __asan_memcpy (/usr/lib/y+0x2)\n"
		"    #1 0x2 in net_rx devices/net.c:99\n"
		"    #2 0x3 in mmio_write devices/mmio.c:1\n\n",
		&b));
	assert_string_equal(a.signature, "asan:heap-use-after-free:net_rx<mmio_write");
	assert_string_equal(a.signature, b.signature);
	assert_true(sanitizer_finding("a.c:3:4: runtime error: index 12 out of bounds for type "
				      "'int [4]'\n    #0 0x1 in f a.c:3\n",
				      &a));
	assert_true(sanitizer_finding("a.c:9:9: runtime error: index 5 out of bounds for type "
				      "'int [4]'\n    #0 0x2 in f a.c:9\n",
				      &b));
	assert_string_equal(a.signature, b.signature);
	assert_false(sanitizer_finding("a device that prints ERROR: nothing\n", &a));
	assert_false(sanitizer_finding("", &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_device_passes),
		cmocka_unit_test(a_wild_write_is_found),
		cmocka_unit_test(an_abort_is_found),
		cmocka_unit_test(an_exit_is_found_whatever_its_status),
		cmocka_unit_test(a_loop_without_accesses_is_a_hang),
		cmocka_unit_test(a_loop_of_accesses_is_a_hang_before_the_clock_says_so),
		cmocka_unit_test(memory_without_end_is_found_on_every_way),
		cmocka_unit_test(a_leak_is_found_when_the_device_is_destroyed),
		cmocka_unit_test(memory_errors_are_found_with_their_frames),
		cmocka_unit_test(a_double_free_is_found),
		cmocka_unit_test(undefined_behaviour_is_found),
		cmocka_unit_test(a_broken_rule_is_found_after_the_program),
		cmocka_unit_test(without_the_ledger_only_crashes_are_found),
		cmocka_unit_test(a_demand_not_met_fails_with_its_line),
		cmocka_unit_test(a_demand_that_was_never_reached_fails),
		cmocka_unit_test(crashes_in_a_row_leave_the_parent_as_it_was),
		cmocka_unit_test(signatures_hold_no_addresses_or_numbers),
	};

	signals_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
