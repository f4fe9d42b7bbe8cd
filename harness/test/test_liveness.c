/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The target's liveness script is run as any script is, and a device that the
 * program made too small for it is not blamed.
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

#include <cmocka.h>

static struct script script;
static struct child_result result;
static struct target target;

#define TWO_REQUESTS                                                                               \
	"device net-loopback\n"                                                                    \
	"start driver_ok\n"                                                                        \
	"send 1 b3\n"                                                                              \
	"> interrupts used=1 config=0\n"                                                           \
	"> counters tx_packets=1 tx_bytes=64 tx_dropped_no_rx_buffer=1\n"                          \
	"send 1 b3\n"                                                                              \
	"> interrupts used=1 config=0\n"                                                           \
	"> counters tx_packets=1 tx_bytes=64 tx_dropped_no_rx_buffer=1\n"                          \
	"repeat 3\n"                                                                               \
	"  send 1 b3\n"                                                                            \
	"  > interrupts used=1 config=0\n"                                                         \
	"end\n"                                                                                    \
	"reset\n"                                                                                  \
	"> interrupts used=0 config=0\n"

/* Run `program` on net-loopback with that liveness script. */
static void run(const char *program, const char *liveness)
{
	struct child_job job = { .script = &script, .target = &target, .expect = true };
	struct text_error error;

	target = *target_find("net-loopback");
	target.liveness = liveness;
	if (text_parse(&script, program, strlen(program), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	assert_int_equal(child_run(&job, &result, NULL), 0);
}

static void assert_judged(const char *program, const char *liveness)
{
	run(program, liveness);
	if (result.finding_count > 0)
		fail_msg("%s", result.findings[0].message);
	assert_true(result.passed);
	assert_string_equal(result.shortage, "");
}

/* Nothing is found, and `why` is why it was not judged. */
static void assert_short(const char *program, const char *liveness, const char *why)
{
	run(program, liveness);
	if (result.finding_count > 0)
		fail_msg("%s", result.findings[0].message);
	if (strstr(result.shortage, why) == NULL)
		fail_msg("'%s' is not '%s'", result.shortage, why);
}

static void assert_blamed(const char *program, const char *liveness)
{
	run(program, liveness);
	assert_int_equal(result.finding_count, 1);
	assert_int_equal(result.findings[0].rule, RULE_LIVENESS_REQUEST);
	assert_string_equal(result.shortage, "");
}

static void the_same_text_is_a_script_and_a_liveness_script(void **state)
{
	(void)state;
	assert_judged(TWO_REQUESTS, TWO_REQUESTS);
	assert_judged("device any\nreset\n", TWO_REQUESTS);
}

static void what_it_demands_is_judged(void **state)
{
	(void)state;
	assert_blamed("device any\nreset\n",
		      "device any\nstart driver_ok\nsend 1 b3\n> interrupts used=2 config=0\n");
	assert_blamed("device any\nreset\n",
		      "device any\nstart driver_ok\nrepeat 2\n  send 1 b3\nend\n> used 1 id=9\n");
}

#define PARTS "device any\nstart driver_ok\nsend 1 b0 b1 b13\n> used 1 id=7\n"

static void a_queue_too_small_for_the_request_is_not_judged(void **state)
{
	(void)state;
	assert_blamed("device any\nreset\n", PARTS);
	assert_blamed("device any queue_max=1,3\nreset\n",
		      "device any\nstart driver_ok\nsend 1 b0 b1\n> used 1 id=7\n");
	assert_short("device any queue_max=1,2\nreset\n", PARTS,
		     "queue 1 has room for 2 in this program, and the target's liveness script "
		     "needs 3, line 3");
	assert_short("device any queue_max=1,2\nreset\n",
		     "device any\nstart driver_ok\nsend 1 head=2 b0\n> used 1 id=7\n",
		     "queue 1 has room for 2");
	assert_short("device any queue_max=8,8\nreset\n",
		     "device any\nstart driver_ok size=16\n> status 0\n", "needs 16, line 2");
	assert_short("device any queue_max=8,8\nreset\n",
		     "device any\nstart features_ok\nqueue 0 size=16\n> status 0\n", "queue 0");
}

/* Receive chains stay with the device. */
static void more_chains_than_the_queue_has_entries_are_not_judged(void **state)
{
	static const char many[] =
		"device any\nstart driver_ok\noffer 0 b9:w\noffer 0 head=1 b10:w\n"
		"offer 0 b11:w\n> used 0 id=7\n";

	(void)state;
	assert_blamed("device any\nreset\n", many);
	assert_short("device any queue_max=2,2\nreset\n", many, "queue 0 has room for 2");
}

static void features_that_are_held_back_are_not_judged(void **state)
{
	static const char needs[] =
		"device any\nneeds features=0x20\nstart driver_ok\n> status 0\n";
	static const char takes[] =
		"device any\nstart driver_ok features=0x100000020\n> status 0\n";

	(void)state;
	assert_blamed("device any\nreset\n", needs);
	assert_blamed("device any\nreset\n", takes);
	assert_short("device any features=0x100000000\nreset\n", needs, "the features 0x20");
	assert_short("device any features=0x100000000\nreset\n", takes, "needs, line 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_is_a_script_and_a_liveness_script),
		cmocka_unit_test(what_it_demands_is_judged),
		cmocka_unit_test(a_queue_too_small_for_the_request_is_not_judged),
		cmocka_unit_test(more_chains_than_the_queue_has_entries_are_not_judged),
		cmocka_unit_test(features_that_are_held_back_are_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
