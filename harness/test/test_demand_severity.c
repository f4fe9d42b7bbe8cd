/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A `>` line that is not met, of each severity, on a device that is ours and on one that is
 * not: what fails the script, what is only told, and what is not looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/child.h"
#include "harness/run/sanitizers.h"

#include <cmocka.h>

#include "broken.h"
#include "signals.h"

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

static struct target target;
static struct script script;
static struct child_result result;
static char words[CHILD_WORDS_MAX];

/* A new device rests in status 0: the first line is met, the second is not. */
static void run_severity(const char *device, const char *severity, struct judging judging)
{
	const struct child_job job = {
		.script = &script,
		.target = &target,
		.expect = true,
		.judging = judging,
		.words = words,
	};
	struct text_error error;
	char text[200];

	snprintf(text, sizeof(text), "device %s\nreset\n> %s status 0\n> %s status DRIVER\n",
		 device, severity, severity);
	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	signals_as_before();
	assert_int_equal(child_run(&job, &result, NULL), 0);
	signals_as_cmocka();
}

static void assert_fails(const char *device, const char *severity, struct judging judging)
{
	run_severity(device, severity, judging);
	assert_false(result.passed);
	assert_int_equal(result.failed_line, 4);
	assert_int_equal(result.unmet_count, 0);
	assert_int_equal(result.demands[0], DEMAND_MET);
	assert_int_equal(result.demands[1], DEMAND_BROKEN);
}

static void assert_warns(const char *severity, struct judging judging)
{
	run_severity("any", severity, judging);
	assert_true(result.passed);
	assert_int_equal(result.failed_line, 0);
	assert_int_equal(result.unmet_count, 1);
	assert_int_equal(result.unmet[0].line, 4);
	assert_string_equal(severity_name((enum severity)result.unmet[0].severity), severity);
	assert_non_null(strstr(result.unmet[0].message, "expected"));
	assert_int_equal(result.demands[0], DEMAND_MET);
	assert_int_equal(result.demands[1], DEMAND_BROKEN);
}

static void a_device_that_is_not_ours_is_judged_by_the_options(void **state)
{
	(void)state;
	target.model = false;
	assert_fails("any", "must", (struct judging){ .strict = false });
	assert_warns("should", (struct judging){ .limits = true });
	assert_fails("any", "should", (struct judging){ .strict = true });
	assert_warns("limit", (struct judging){ .strict = true });
	assert_fails("any", "limit", (struct judging){ .limits = true });
}

static void what_our_models_promise_is_not_asked_of_others(void **state)
{
	(void)state;
	target.model = false;
	run_severity("any", "model", (struct judging){ .strict = true, .limits = true });
	assert_true(result.passed);
	assert_int_equal(result.unmet_count, 0);
	assert_int_equal(result.demands[0], DEMAND_NOT_JUDGED);
	assert_int_equal(result.demands[1], DEMAND_NOT_JUDGED);
}

static void a_script_that_names_a_device_is_about_that_one(void **state)
{
	(void)state;
	target.model = false;
	assert_fails("broken", "model", (struct judging){ .strict = false });
}

static void our_models_are_judged_by_all(void **state)
{
	static const char *const severities[] = { "must", "should", "limit", "model" };
	const struct judging ours = { .strict = true, .limits = true };

	(void)state;
	target.model = true;
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		assert_fails("any", severities[i], ours);
}

/* Not met at first, and then. */
static void a_demand_in_a_loop_is_met_if_it_always_is(void **state)
{
	static const char text[] = "device any\nreset\nrepeat 2\nnop 0\n"
				   "> should status ACKNOWLEDGE\nstatus ACKNOWLEDGE\n"
				   "> should status ACKNOWLEDGE\nend\n";
	const struct child_job job = {
		.script = &script,
		.target = &target,
		.expect = true,
		.words = words,
	};
	struct text_error error;

	(void)state;
	target.model = false;
	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	signals_as_before();
	assert_int_equal(child_run(&job, &result, NULL), 0);
	signals_as_cmocka();
	assert_true(result.passed);
	assert_int_equal(result.demands[0], DEMAND_BROKEN);
	assert_int_equal(result.demands[1], DEMAND_MET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_not_ours_is_judged_by_the_options),
		cmocka_unit_test(what_our_models_promise_is_not_asked_of_others),
		cmocka_unit_test(a_script_that_names_a_device_is_about_that_one),
		cmocka_unit_test(our_models_are_judged_by_all),
		cmocka_unit_test(a_demand_in_a_loop_is_met_if_it_always_is),
	};

	signals_remember();
	target = broken_target;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
