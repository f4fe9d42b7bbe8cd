/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a fuzzing binary counts of itself: the work of programs that are known, in one process
 * and in one after the other, without the seeds; and where it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "fuzzers/meter.h"

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct script script;
static struct run *run;
static char path[] = "/tmp/vringer-meter-XXXXXX";

static int set_up(void **state)
{
	struct text_error error;
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || run_open(&run, target_find("net-loopback"), &error) != 0)
		return -1;
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run_close(run);
	return unlink(path);
}

/* The file as a process has it that has just begun.  This one goes on, and so does its timer: no
 * sample comes while there is nowhere to put it. */
static void begin_process(bool empty)
{
	sigset_t samples;

	sigemptyset(&samples);
	sigaddset(&samples, SIGPROF);
	sigprocmask(SIG_BLOCK, &samples, NULL);
	if (meter != NULL)
		munmap(meter, sizeof(*meter));
	meter = NULL;
	if (empty)
		assert_int_equal(truncate(path, 0), 0);
	meter_open();
	sigprocmask(SIG_UNBLOCK, &samples, NULL);
}

/* Two frames; one chain that nobody takes, and one that is no request. */
#define PROGRAM                                                                                    \
	"device net-loopback\nstart driver_ok\nsend_request 1\nsend_request 1\noffer 0 b9:w\n"     \
	"repeat 2\nsend 1 b0 b1\nend\n"

static void run_session(void)
{
	struct run_options options = { .judging = { .strict = false } };
	struct text_error error;

	if (text_parse(&script, PROGRAM, strlen(PROGRAM), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	meter_begin();
	assert_true(run_program(run, &script.prog, &options));
	meter_end(run, &script.prog);
}

/* Of CPU time, in the program and in libraries. */
static void burn(double seconds)
{
	clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);

	while (clock() < end)
		for (volatile unsigned i = 0; i < 10000; i++)
			;
}

static void test_nothing_without_being_asked(void **state)
{
	(void)state;
	unsetenv("VRINGER_METER");
	meter_open();
	assert_null(meter);
	run_session();
	assert_null(meter);
}

static void test_counts(void **state)
{
	(void)state;
	setenv("VRINGER_METER", path, 1);
	unsetenv("VRINGER_METER_SKIP");
	begin_process(true);
	for (unsigned i = 1; i <= 3; i++) {
		run_session();
		assert_int_equal(meter->executions, i);
		assert_int_equal(meter->given, i * 6);
		/* What is repeated counts each time. */
		assert_int_equal(meter->operations, i * 7);
		assert_int_equal(meter->answered, i * 2);
		/* The frames that are sent come back by the buffer that was offered. */
		assert_int_equal(meter->completed, i * run->completions);
		assert_int_equal(meter->taken, i * run->taken);
	}
	assert_true(run->completions >= 4 && run->completions <= run->taken);
	assert_int_equal(meter->processes, 1);
}

/* As AFL++ has it: the session is opened, and each process that follows goes on. */
static void test_processes_add_up(void **state)
{
	uint64_t start;

	(void)state;
	begin_process(true);
	run_session();
	start = meter->start_ns;
	for (unsigned i = 0; i < 2; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			run_session();
			burn(0.02);
			run_session();
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_int_equal(meter->executions, 5);
	/* Ours began with another file. */
	assert_int_equal(meter->processes, 2);
	assert_true(meter->cpu_ns >= 40000000);
	assert_true(meter->start_ns > start);
	/* And what is opened again goes on. */
	begin_process(false);
	assert_int_equal(meter->executions, 5);
}

static void test_skips_the_seeds(void **state)
{
	(void)state;
	setenv("VRINGER_METER_SKIP", "2", 1);
	begin_process(true);
	run_session();
	burn(0.02);
	run_session();
	assert_int_equal(meter->left, 1);
	run_session();
	assert_int_equal(meter->left, 0);
	assert_int_equal(meter->executions, 1);
	assert_int_equal(meter->answered, 2);
	assert_true(meter->skipped >= 20000000);
	run_session();
	assert_int_equal(meter->executions, 2);
	unsetenv("VRINGER_METER_SKIP");
}

static uint64_t count_samples(bool inside)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < METER_SAMPLES; i++)
		if (meter->sample[i].where != 0 && METER_INSIDE(meter->sample[i].where) == inside)
			count += meter->sample[i].count;
	return count;
}

static void test_samples(void **state)
{
	uint64_t inside, outside;

	(void)state;
	begin_process(true);
	run_session();
	outside = count_samples(false);
	inside = count_samples(true);
	burn(0.2);
	assert_true(count_samples(false) >= outside + 10);
	assert_int_equal(count_samples(true), inside);
	meter_begin();
	burn(0.2);
	assert_true(count_samples(true) >= inside + 10);
	meter_end(run, &script.prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_without_being_asked),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_processes_add_up),
		cmocka_unit_test(test_skips_the_seeds),
		cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
