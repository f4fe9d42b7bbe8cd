/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How long a process under test is waited for: one that sleeps, runs on, ends, or has ended
 * and was not buried.  The peer is a shell.  No test needs a quiet machine: time is only how
 * long it may hang.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/peers/process_internal.h"

#include <cmocka.h>

#define PATIENCE 60000u /* ms: then this test itself hangs */
#define SLICE 5u	/* ms */

static const struct process_patience bounds = { .slice_ms = SLICE,
						.asleep_ms = 40 * SLICE,
						.spin_ns = 50000000 };

static struct process *start_shell(const char *script)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct process_options options = { .argv = argv };
	struct process *process = NULL;
	char why[200] = "";

	if (process_start(&process, &options, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	return process;
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

/* Until it is not worth it any more. */
static int wait_for(struct process *process, struct process_wait *wait, struct process_end *end)
{
	for (unsigned ms = 0; ms < PATIENCE; ms += SLICE) {
		int err;

		pause_ms(SLICE);
		err = process_wait(process, wait, &bounds, end);
		if (err != 0)
			return err;
	}
	fail_msg("it is waited for without end");
	return 0;
}

static void one_that_sleeps_is_waited_for_so_long(void **state)
{
	struct process *process = start_shell("exec sleep 1000");
	struct process_wait wait = { .slices = 0 };
	struct process_end end;

	(void)state;
	assert_int_equal(wait_for(process, &wait, &end), -ETIMEDOUT);
	assert_int_equal(wait.asleep, 40);
	process_stop(process);
}

/* It wakes up more often than it may sleep. */
static void one_that_wakes_now_and_then_too(void **state)
{
	struct process *process = start_shell("while :; do sleep 0.1; done");
	struct process_wait wait = { .slices = 0 };
	struct process_end end;

	(void)state;
	assert_int_equal(wait_for(process, &wait, &end), -ETIMEDOUT);
	assert_in_range(wait.asleep, 0, 39);
	process_stop(process);
}

static void one_that_runs_on_is_waited_for_by_its_own_time(void **state)
{
	struct process *process = start_shell("while :; do :; done");
	struct process_wait wait = { .slices = 0 };
	struct process_end end;

	(void)state;
	assert_int_equal(wait_for(process, &wait, &end), -ETIME);
	assert_true(process_cpu_ns(process) - wait.cpu_from >= bounds.spin_ns);
	process_stop(process);
}

static void one_that_ends_is_not_waited_for(void **state)
{
	struct process *process = start_shell("exit 3");
	struct process_wait wait = { .slices = 0 };
	struct process_end end;

	(void)state;
	assert_int_equal(wait_for(process, &wait, &end), -ECHILD);
	assert_string_equal(end.signature, "exit-3");
	process_stop(process);
}

static char state_of(const struct process *process)
{
	char path[48], text[256] = "";
	const char *state;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)process_pid(process));
	in = fopen(path, "re");
	if (in == NULL)
		return 'X';
	state = fgets(text, sizeof(text), in) != NULL ? strrchr(text, ')') : NULL;
	fclose(in);
	return state != NULL && state[1] == ' ' ? state[2] : '?';
}

/* It has ended, and who watches it did not see that yet. */
static void one_that_ended_does_not_sleep(void **state)
{
	struct process *process = start_shell("exec sleep 1000");
	struct process_end end;

	(void)state;
	kill(process->keeper, SIGSTOP);
	kill((pid_t)process_pid(process), SIGTERM);
	for (unsigned ms = 0; state_of(process) != 'Z'; ms++) {
		if (ms > PATIENCE)
			fail_msg("it does not end");
		pause_ms(1);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_false(process_sleeps(process));
	kill(process->keeper, SIGCONT);
	assert_false(process_outlives(process, PATIENCE, &end));
	assert_string_equal(end.signature, "SIGTERM");
	process_stop(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_sleeps_is_waited_for_so_long),
		cmocka_unit_test(one_that_wakes_now_and_then_too),
		cmocka_unit_test(one_that_runs_on_is_waited_for_by_its_own_time),
		cmocka_unit_test(one_that_ends_is_not_waited_for),
		cmocka_unit_test(one_that_ended_does_not_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
