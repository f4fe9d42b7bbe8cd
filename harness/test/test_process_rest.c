/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test that sleeps or works, as one or by its threads, and how long it is
 * waited for: one that sleeps, runs on, ends, or has ended and was not buried.  The peer is a
 * shell, or this program with an act as its argument.  No test needs a quiet machine: time is only
 * how long it may hang.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "process_rig.h"
#include "signals.h"

#define SLICE 5u /* ms */
#define NAP 50u	 /* ... for less than one may sleep at a stretch */

/* ---- acts of the peer ---- */

static volatile int always = 1;

static void *spin(void *name)
{
	if (prctl(PR_SET_NAME, name) != 0 || write(1, "spins\n", 6) < 0)
		return NULL;
	while (always)
		;
	return NULL;
}

static void spin_beside(const char *name)
{
	pthread_t thread;
	void *arg;

	/* It is not written to, but the prototype does not say so. */
	memcpy(&arg, &name, sizeof(arg));
	if (prctl(PR_SET_NAME, "sleeper") != 0 || pthread_create(&thread, NULL, spin, arg) != 0)
		_exit(1);
}

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* As a slow machine fills memory: BITE bytes in BITE_NS of its own time. */
#define BITE (32u << 20)
#define BITE_NS 20000000u

static void eat_slowly(void)
{
	for (;;) {
		uint64_t from = own_cpu_ns();
		const void *bite = mmap(NULL, BITE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (bite == MAP_FAILED)
			_exit(1);
		while (own_cpu_ns() - from < BITE_NS)
			;
	}
}

static void act(const char *name) __attribute__((noreturn));

static void act(const char *name)
{
	char byte;

	if (strcmp(name, "spin") == 0)
		spin_beside("spinner-1");
	if (strcmp(name, "eat") == 0)
		eat_slowly();
	/* Each time that it is asked to, another. */
	if (strcmp(name, "spin more") == 0)
		for (int i = 0; i < 2 && read(3, &byte, 1) == 1; i++)
			spin_beside(i == 0 ? "spinner-1" : "spinner-2");
	/* Each time that it wakes up it runs, however busy the machine is. */
	if (strcmp(name, "nap") == 0)
		for (;;)
			pause_ms(NAP);
	for (;;)
		pause();
}

/* ---- the other side ---- */

static const struct process_patience bounds = { .slice_ms = SLICE,
						.asleep_ms = 40 * SLICE,
						.spin_ns = 50000000 };

/* Until it is not worth it any more. */
static int wait_within(const struct process_patience *patience, struct process *process,
		       struct process_wait *wait, struct process_end *end)
{
	for (unsigned ms = 0; ms < RIG_PATIENCE; ms += SLICE) {
		int err;

		pause_ms(SLICE);
		err = process_wait(process, wait, patience, end);
		if (err != 0)
			return err;
	}
	fail_msg("it is waited for without end");
	return 0;
}

static int wait_for(struct process *process, struct process_wait *wait, struct process_end *end)
{
	return wait_within(&bounds, process, wait, end);
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

/* Nobody reads what it writes: it waits for room, and it is not its fault. */
static void one_whose_words_wait_is_not_asleep(void **state)
{
	static const char *const argv[] = { "yes", NULL };
	struct process *process =
		start_with(argv, (struct process_options){ .words_max = UINT64_MAX });

	(void)state;
	assert_int_equal(kill(process->keeper, SIGSTOP), 0);
	for (unsigned looks = 0; looks < 60; looks++) {
		assert_false(process_sleeps(process));
		pause_ms(SLICE);
	}
	assert_int_equal(kill(process->keeper, SIGCONT), 0);
	process_stop(process);
}

/* It wakes up more often than it may sleep. */
static void one_that_wakes_now_and_then_too(void **state)
{
	struct process *process = start_act("nap");
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

/* In `spin_ns` it takes twelve bites, and its memory is full at 32: only growth keeps it. */
static void one_that_takes_memory_is_waited_for_until_it_has_too_much(void **state)
{
	static const struct process_patience slow = { .slice_ms = SLICE,
						      .asleep_ms = 40 * SLICE,
						      .spin_ns = 12ull * BITE_NS };
	const char *const argv[] = { rig_self, "eat", NULL };
	struct process *process =
		start_with(argv, (struct process_options){ .bytes_max = 32ull * BITE });
	struct process_wait wait = { .slices = 0 };
	struct process_end end;

	(void)state;
	assert_int_equal(wait_within(&slow, process, &wait, &end), -ECHILD);
	assert_string_equal(end.signature, "memory");
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
		if (ms > RIG_PATIENCE)
			fail_msg("it does not end");
		pause_ms(1);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_false(process_sleeps(process));
	kill(process->keeper, SIGCONT);
	assert_false(process_outlives(process, RIG_PATIENCE, &end));
	assert_string_equal(end.signature, "SIGTERM");
	process_stop(process);
}

static void wait_until_it_sleeps(struct process *process)
{
	for (unsigned ms = 0; !process_sleeps(process); ms++) {
		if (ms > RIG_PATIENCE)
			fail_msg("it does not sleep");
		pause_ms(1);
	}
}

/* More CPU time than that. */
static void wait_until_used(struct process *process, uint64_t ns)
{
	for (unsigned ms = 0; process_cpu_ns(process) <= ns; ms++) {
		if (ms > RIG_PATIENCE)
			fail_msg("it uses no CPU time");
		pause_ms(1);
	}
}

static void sleep_is_told_from_work(void **state)
{
	static const char script[] = "while read x <&3; do echo $x >&4; done";
	const char *const argv[] = { "sh", "-c", script, NULL };
	int ask[2], answer[2];
	struct process *process;
	char text[4];

	(void)state;
	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	process = start_with(argv,
			     (struct process_options){ .fds = (const int[]){ ask[0], answer[1] },
						       .fd_count = 2 });
	for (int i = 0; i < 50; i++) {
		uint64_t used;

		wait_until_it_sleeps(process);
		assert_true(process_sleeps(process));
		used = process_cpu_ns(process);
		assert_int_equal(process_cpu_ns(process), used);
		assert_int_equal(write(ask[1], "x\n", 2), 2);
		assert_int_equal(read(answer[0], text, 2), 2);
		/* However long ago: it ran since. */
		assert_false(process_sleeps(process));
		/* While it is about to sleep again, that is counted late. */
		wait_until_used(process, used);
	}
	process_stop(process);
	for (int i = 0; i < 2; i++) {
		close(ask[i]);
		close(answer[i]);
	}
}

static void one_thread_that_works_is_enough(void **state)
{
	struct process *process = start_act("spin");
	uint64_t used = process_cpu_ns(process);

	(void)state;
	wait_for_words(process, "spins\n");
	for (int i = 0; i < 200; i++)
		assert_false(process_sleeps(process));
	assert_int_equal(process->task_count, 2);
	wait_until_used(process, used);
	process_stop(process);
}

static uint64_t thread_ns(struct process *process, const char *name)
{
	uint64_t ns = 0;

	assert_true(process_thread_ns(process, name, &ns));
	return ns;
}

/* Before that its main thread may have used more: it has started the program. */
static void wait_until_ahead(struct process *process, const char *name, uint64_t ns)
{
	while (thread_ns(process, name) <= ns)
		pause_ms(1);
}

static void a_thread_is_counted_by_its_name(void **state)
{
	struct process *process = start_act("spin");
	uint64_t used, least, before, all;

	(void)state;
	wait_for_words(process, "spins\n");
	before = thread_ns(process, "sleeper");
	wait_until_ahead(process, "spinner", before + 20 * 1000 * 1000);
	/* The other thread sleeps, or is about to, and is the least of all. */
	before = thread_ns(process, "sleeper");
	least = thread_ns(process, "");
	used = thread_ns(process, "sleeper");
	assert_in_range(least, before, used);
	used = thread_ns(process, "spinner");
	assert_true(used > least);
	all = process_cpu_ns(process);
	assert_true(used + least <= all + 20 * 1000 * 1000);
	assert_false(process_thread_ns(process, "pinner", &used));
	assert_false(process_thread_ns(process, "spinner-1-", &used));
	process_stop(process);
}

static void a_thread_that_came_later_is_counted(void **state)
{
	int ask[2];
	struct process *process;
	const char *const argv[] = { rig_self, "spin more", NULL };
	uint64_t first;

	(void)state;
	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	process = start_with(argv, (struct process_options){ .fds = ask, .fd_count = 1 });
	assert_false(process_thread_ns(process, "spinner", &first));
	assert_int_equal(write(ask[1], "x", 1), 1);
	wait_for_words(process, "spins\n");
	wait_until_ahead(process, "spinner", 20 * 1000 * 1000);
	assert_int_equal(write(ask[1], "x", 1), 1);
	wait_for_words(process, "spins\nspins\n");
	/* The second has the first's name, up to there, and has used less, or little more. */
	first = thread_ns(process, "spinner");
	assert_true(first <= thread_ns(process, "spinner-2"));
	process_stop(process);
	for (int i = 0; i < 2; i++)
		close(ask[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_is_told_from_work),
		cmocka_unit_test(one_thread_that_works_is_enough),
		cmocka_unit_test(a_thread_is_counted_by_its_name),
		cmocka_unit_test(a_thread_that_came_later_is_counted),
		cmocka_unit_test(one_that_sleeps_is_waited_for_so_long),
		cmocka_unit_test(one_whose_words_wait_is_not_asleep),
		cmocka_unit_test(one_that_wakes_now_and_then_too),
		cmocka_unit_test(one_that_runs_on_is_waited_for_by_its_own_time),
		cmocka_unit_test(one_that_takes_memory_is_waited_for_until_it_has_too_much),
		cmocka_unit_test(one_that_ends_is_not_waited_for),
		cmocka_unit_test(one_that_ended_does_not_sleep),
	};

	if (argc > 1)
		act(argv[1]);
	signals_remember();
	return rig_find_self() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
