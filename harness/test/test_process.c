/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test that does its worst: it ends in every way, floods, eats memory,
 * leaves children, and its keeper or its owner is killed.  The peer is /bin/sh or this
 * program, started with an act as its argument.  No test needs a quiet machine.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/peers/process_internal.h"

#define PATIENCE 120000u /* ms: then this test itself hangs */

static struct process *start(const char *const *argv)
{
	struct process_options options = { .argv = argv };
	struct process *process = NULL;
	char why[200] = "";

	if (process_start(&process, &options, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	return process;
}

static struct process *start_shell(const char *script)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	return start(argv);
}

static void it_runs_and_is_stopped(void **state)
{
	struct process *process = start_shell("echo here; exec sleep 1000");
	struct process_end end;
	int64_t pid = process_pid(process);

	(void)state;
	while (strstr(process_words(process), "here\n") == NULL)
		assert_true(process_is_well(process, &end));
	assert_true(process_is_well(process, &end));
	assert_int_equal(kill((pid_t)pid, 0), 0);
	process_stop(process);
	assert_int_equal(kill((pid_t)pid, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_runs_and_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
