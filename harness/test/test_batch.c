/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Many programs in one child have the results that they have in a child each,
 * whatever one of them does to it: crash, hang, exit, leak, print.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/files/input.h"
#include "harness/run/batch.h"
#include "harness/run/load.h"
#include "harness/run/sanitizers.h"

#include <cmocka.h>

#include "broken.h"
#include "signals.h"

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)
SANITIZER_HOOKS

static struct script script;
static struct child_result alone, together;
static char report[CHILD_REPORT_MAX], other_report[CHILD_REPORT_MAX];
static struct batch *batch;

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

static int set_up(void **state)
{
	(void)state;
	return batch_open(&batch);
}

static int tear_down(void **state)
{
	(void)state;
	batch_close(batch);
	return 0;
}

static void assert_same_finding(const struct finding *a, const struct finding *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->rule, b->rule);
	assert_int_equal(a->op, b->op);
	assert_string_equal(a->verb, b->verb);
	assert_string_equal(a->signature, b->signature);
	assert_string_equal(a->message, b->message);
	assert_ptr_equal(a->known, b->known);
}

/* The program, both ways; how many children of its own that took in the batch. */
static unsigned run_both(void)
{
	unsigned first = batch_alone(batch);
	int first_err, err;

	memset(&alone, 0x55, sizeof(alone));
	memset(&together, 0xaa, sizeof(together));
	signals_as_before();
	first_err = child_run(&job, &alone, report);
	err = batch_run(batch, &job, &together, other_report);
	signals_as_cmocka();
	assert_int_equal(first_err, 0);
	assert_int_equal(err, 0);
	assert_int_equal(alone.done, together.done);
	assert_int_equal(alone.passed, together.passed);
	assert_int_equal(alone.failed_line, together.failed_line);
	if (alone.failed_line != 0)
		assert_string_equal(alone.failure, together.failure);
	assert_int_equal(alone.ops_run, together.ops_run);
	assert_int_equal(alone.completions, together.completions);
	assert_int_equal(alone.finding_count, together.finding_count);
	for (unsigned i = 0; i < alone.finding_count; i++)
		assert_same_finding(&alone.findings[i], &together.findings[i]);
	assert_memory_equal(alone.judged, together.judged, sizeof(alone.judged));
	assert_memory_equal(alone.not_judged, together.not_judged, sizeof(alone.not_judged));
	return batch_alone(batch) - first;
}

static unsigned run_misdeed(int misdeed)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "device any\nstart driver_ok\nread Status\nconfig_write 0 %d\nnotify 0\n",
		 misdeed);
	parse(text);
	job.target = &broken_target;
	job.seconds = misdeed == MISDEED_SPIN ? 1 : 30;
	return run_both();
}

static void every_misdeed_is_the_same_finding(void **state)
{
	(void)state;
	for (int m = 0; m < MISDEED_COUNT; m++) {
		run_misdeed(m);
		/* It does not outlive its program. */
		assert_int_equal(run_misdeed(MISDEED_NONE), 0);
		assert_true(together.passed);
	}
}

static void what_passes_is_not_run_twice(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(run_misdeed(MISDEED_NONE), 0);
	assert_int_equal(run_misdeed(MISDEED_SEGV), 1);
}

static void a_demand_that_is_not_met_fails_alone(void **state)
{
	(void)state;
	job.target = &broken_target;
	parse("device any\nreset\n> status DRIVER\n");
	assert_int_equal(run_both(), 1);
	assert_int_equal(together.failed_line, 3);
}

static void look(void)
{
	int err;

	signals_as_before();
	err = batch_look(batch, &job, &together, NULL, NULL, NULL);
	signals_as_cmocka();
	assert_int_equal(err, 0);
}

/* A leak shows in the program that has it, and in none that comes after. */
static void a_look_finds_leaks_when_asked(void **state)
{
	(void)state;
	job.target = &broken_target;
	parse("device any\nstart driver_ok\nnotify 0\n");
	look();
	assert_false(batch_leaked(batch));
	snprintf(report, sizeof(report), "device any\nstart driver_ok\nconfig_write 0 %d\n",
		 MISDEED_LEAK_MALLOC);
	parse(report);
	look();
	assert_true(batch_leaked(batch));
	assert_false(batch_leaked(batch));
	parse("device any\nstart driver_ok\nnotify 0\n");
	look();
	assert_false(batch_leaked(batch));
}

/* The second time a crash is known by its stack, and no child of its own is asked. */
static void a_crash_that_was_seen_is_told_again(void **state)
{
	static const enum misdeed crashes[] = { MISDEED_OVERFLOW, MISDEED_USE_AFTER_FREE,
						MISDEED_SEGV, MISDEED_DIVIDE, MISDEED_SHIFT };
	/* So that the compiler leaves it a loop: a stack holds from where each round was called. */
	volatile int rounds = 2;
	unsigned before_it;

	(void)state;
	job.target = &broken_target;
	for (int round = 0; round < rounds; round++) {
		before_it = batch_alone(batch);
		for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
			run_misdeed((int)crashes[i]);
			look();
			assert_int_equal(together.finding_count, 1);
			assert_string_equal(together.findings[0].signature,
					    alone.findings[0].signature);
			assert_int_equal(together.findings[0].kind, FINDING_SANITIZER);
		}
		/* Of each round five are those of run_misdeed(). */
		assert_int_equal(batch_alone(batch) - before_it, round == 0 ? 10 : 5);
	}
}

/* The script's first instance on its target. */
static bool can_run(void)
{
	static struct instance list[INSTANCES_MAX];

	instance_list(&script, job.target, true, list);
	return instance_unmet(&list[0], &script, job.target, transport_or_first(NULL)) == NULL;
}

/* Every script of a folder of our own models, on whatever it is for. */
static void run_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	assert_true(count > 2);
	for (int i = 0; i < count; i++) {
		char path[600];
		size_t len;
		char *data;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		free(entries[i]);
		if (strlen(path) < 3 || strcmp(path + strlen(path) - 3, ".vr") != 0)
			continue;
		data = input_read(path, &len);
		assert_non_null(data);
		assert_int_equal(load_decode_script(&script, path, data, len, NULL), 0);
		free(data);
		job.target = strcmp(script.prog.target, "any") == 0
				     ? target_find("console")
				     : load_target(&script, path, NULL);
		assert_non_null(job.target);
		job.seconds = 0;
		job.leaks = false;
		if (can_run())
			assert_int_equal(run_both(), 0);
	}
	free(entries);
	job.leaks = true;
}

static void our_scripts_are_the_same(void **state)
{
	(void)state;
	run_folder("conformance/reset");
	run_folder("corpus/net-loopback/regressions");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_misdeed_is_the_same_finding, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_passes_is_not_run_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_demand_that_is_not_met_fails_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_look_finds_leaks_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_crash_that_was_seen_is_told_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(our_scripts_are_the_same, set_up, tear_down),
	};

	signals_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
