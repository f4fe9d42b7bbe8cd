/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test that does its worst: it ends in every way, floods, eats memory,
 * leaves children; its keeper or its owner is killed; it is asked in the wrong process.
 * The peer is a shell, or this program with an act as its argument.  No test needs a quiet
 * machine: time is only how long it may hang.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/peers/process_internal.h"

/* It has an assert of its own, which the acts must not get. */
static void fail_here(int number)
{
	assert(number == 1);
}

#include <cmocka.h>

#include "process_rig.h"
#include "signals.h"

#define MIB (1u << 20)

/* ---- acts of the peer ---------------------------------------------------------------- */

static volatile int always = 1;
static char *volatile eaten;

/* A child of a child, in a session of its own, without parent. */
static void leave_daemon(void)
{
	char text[32];

	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	/* One write: others write too. */
	snprintf(text, sizeof(text), "daemon %ld.\n", (long)getpid());
	if (write(1, text, strlen(text)) < 0)
		_exit(1);
	for (;;)
		pause();
}

static int act(const char *name)
{
	char byte;

	if (strcmp(name, "assert") == 0)
		fail_here((int)strlen(name));
	if (strcmp(name, "overflow") == 0) {
		eaten = malloc(strlen(name));
		eaten[strlen(name) + (size_t)always - 1] = 'x';
	}
	if (strcmp(name, "list") == 0) {
		for (int fd = 3; fd < 1024; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				printf("it has %d\n", fd);
		printf("it reads %d\n", (int)read(0, &byte, 1));
		dprintf(3, "one\n");
		dprintf(4, "two\n");
		return 0;
	}
	if (strcmp(name, "eat") == 0)
		for (;;)
			memset(eaten = malloc(MIB), 'x', MIB);
	if (strncmp(name, "leave", 5) == 0)
		for (int i = 0; i < 3; i++)
			leave_daemon();
	if (strcmp(name, "leave and end") == 0)
		return 0;
	for (;;)
		pause();
}

/* ---- the other side ------------------------------------------------------------------ */

static struct process_end end_of(struct process *process)
{
	struct process_end end;

	if (process_outlives(process, RIG_PATIENCE, &end))
		fail_msg("it did not end");
	process_stop(process);
	return end;
}

static void assert_ends(struct process *process, const char *signature)
{
	struct process_end end = end_of(process);

	assert_string_equal(end.signature, signature);
}

/* Not if it is dead and its parent, which may be init, has not noticed. */
static bool is_there(int64_t pid)
{
	char path[48], text[256] = "";
	const char *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	state = strrchr(text, ')');
	return state != NULL && strncmp(state, ") Z", 3) != 0;
}

static void wait_until_gone(int64_t pid)
{
	for (unsigned ms = 0; is_there(pid); ms++) {
		if (ms > RIG_PATIENCE)
			fail_msg("process %ld is still there", (long)pid);
		pause_ms(1);
	}
}

static unsigned find_daemons(const char *words, int64_t pids[3])
{
	unsigned count = 0;

	for (; (words = strstr(words, "daemon ")) != NULL && count < 3; words++) {
		char *end;

		pids[count] = strtol(words + 7, &end, 10);
		count += *end == '.';
	}
	return count;
}

static void wait_for_daemons(struct process *process, int64_t pids[3])
{
	for (unsigned ms = 0; find_daemons(process_words(process), pids) < 3; ms++) {
		if (ms > RIG_PATIENCE)
			fail_msg("no daemons: %s", process_words(process));
		pause_ms(1);
	}
}

static void it_runs_until_it_is_stopped(void **state)
{
	struct process *process = start_shell("echo here; exec sleep 1000");
	int64_t pid = process_pid(process);
	struct process_end end;

	(void)state;
	wait_for_words(process, "here\n");
	assert_true(process_is_mine(process));
	assert_true(process_is_well(process, &end));
	assert_true(process_outlives(process, 1, &end));
	assert_true(is_there(pid));
	process_stop(process);
	assert_false(is_there(pid));
	process_stop(NULL);
}

static void its_end_has_a_name(void **state)
{
	struct process *process;
	struct process_end end, again;

	(void)state;
	assert_ends(start_shell("exit 0"), "exit-0");
	assert_ends(start_shell("exit 3"), "exit-3");
	assert_ends(start_shell("kill -SEGV $$"), "SIGSEGV");
	assert_ends(start_shell("echo 'sh: no 0x12 memory in /tmp/x12 left'; exit 1"),
		    "exit-1:no-memory-in-left");
	assert_ends(start_act("assert"), "SIGABRT:fail_here");
	assert_ends(start_act("overflow"), "asan:heap-buffer-overflow:act");
	process = start_shell("echo 'all is lost'; kill -9 $$");
	assert_false(process_outlives(process, RIG_PATIENCE, &end));
	assert_string_equal(end.message, "sh was ended by SIGKILL: all is lost");
	assert_false(process_is_well(process, &again));
	assert_memory_equal(&end, &again, sizeof(end));
	process_stop(process);
}

static void what_cannot_be_started_is_said(void **state)
{
	static const struct {
		const char *program;
		int err;
		const char *why;
	} cases[] = {
		{ "no-such-program-here", -ENOENT,
		  "no-such-program-here: there is no such program" },
		{ "/no/such/program", -ENOENT, "/no/such/program: there is no such program" },
		{ "/etc/passwd", -EACCES, "/etc/passwd: it may not be executed" },
		{ "/", -EACCES, "/: it may not be executed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const argv[] = { cases[i].program, NULL };
		struct process_options options = { .argv = argv };
		struct process *process;
		char why[200];

		assert_int_equal(process_start(&process, &options, why, sizeof(why)), cases[i].err);
		assert_null(process);
		assert_string_equal(why, cases[i].why);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Given so that each one's place is another's number. */
/* A pipe whose end to write to is `fd`. */
static int open_pipe(int fd)
{
	int ends[2], in;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	in = fcntl(ends[0], F_DUPFD_CLOEXEC, 20);
	assert_true(in >= 20);
	if (ends[1] != fd)
		assert_int_equal(dup2(ends[1], fd), fd);
	for (int i = 0; i < 2; i++)
		if (ends[i] != fd)
			close(ends[i]);
	return in;
}

static void it_gets_its_descriptors_and_no_other(void **state)
{
	const char *const argv[] = { rig_self, "list", NULL };
	/* Each is where the other goes. */
	const int fds[] = { 4, 3 };
	int first = open_pipe(4), second = open_pipe(3), other = dup(0); /* not O_CLOEXEC */
	struct process *process =
		start_with(argv, (struct process_options){ .fds = fds, .fd_count = 2 });
	struct process_end end;
	char text[8] = "";

	(void)state;
	assert_int_equal(read(first, text, 4), 4);
	assert_string_equal(text, "one\n");
	assert_int_equal(read(second, text, 4), 4);
	assert_string_equal(text, "two\n");
	assert_false(process_outlives(process, RIG_PATIENCE, &end));
	assert_string_equal(process_words(process), "it has 3\nit has 4\nit reads 0\n");
	process_stop(process);
	close(first);
	close(second);
	close(other);
	close(3);
	close(4);
}

static void our_limits_and_signals_are_not_its(void **state)
{
	struct rlimit before, now;
	struct process *process;
	sigset_t term;

	(void)state;
	unsetenv("UBSAN_OPTIONS");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	getrlimit(RLIMIT_CPU, &before);
	now = before;
	now.rlim_cur = 100000;
	setrlimit(RLIMIT_CPU, &now);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGQUIT, SIG_IGN);
	process = start_shell("echo core $(ulimit -c), cpu $(ulimit -t), $UBSAN_OPTIONS; "
			      "kill -QUIT $$");
	signal(SIGQUIT, SIG_DFL);
	wait_for_words(process, "core 0, cpu unlimited, halt_on_error=1:print_stacktrace=1\n");
	assert_ends(process, "SIGQUIT");
	assert_ends(start_shell("kill -TERM $$"), "SIGTERM");
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	setrlimit(RLIMIT_CPU, &before);
}

static void its_addresses_are_the_same_each_time(void **state)
{
	int before = personality(0xffffffff);
	char words[2][200];

	(void)state;
	/* There are containers that allow it to nobody. */
	if (personality((unsigned long)before | ADDR_NO_RANDOMIZE) == -1)
		skip();
	personality((unsigned long)before);
	for (int i = 0; i < 2; i++) {
		const char *const argv[] = { "grep", "-F", "[stack]", "/proc/self/maps", NULL };
		struct process *process =
			start_with(argv, (struct process_options){ .argv = NULL });
		struct process_end end;

		assert_false(process_outlives(process, RIG_PATIENCE, &end));
		snprintf(words[i], sizeof(words[i]), "%s", process_words(process));
		assert_non_null(strstr(words[i], "[stack]"));
		process_stop(process);
	}
	assert_string_equal(words[0], words[1]);
}

/* What the user sets comes last, and so wins. */
static void options_of_sanitizers_are_added_to_the_users(void **state)
{
	struct process *process;

	(void)state;
	setenv("UBSAN_OPTIONS", "halt_on_error=0", 1);
	setenv("ASAN_OPTIONS", "exitcode=7", 1);
	process = start_shell("echo $UBSAN_OPTIONS $ASAN_OPTIONS; exit 3");
	wait_for_words(process, "halt_on_error=1:print_stacktrace=1:halt_on_error=0 exitcode=7\n");
	assert_ends(process, "exit-3");
	unsetenv("UBSAN_OPTIONS");
	unsetenv("ASAN_OPTIONS");
}

static void its_words_are_kept_at_both_ends(void **state)
{
	struct process *process =
		start_shell("printf 'first\\001\\n'; yes | head -c 4000000; echo last");
	struct process_end end;

	(void)state;
	/* It ends, though nobody here reads. */
	assert_false(process_outlives(process, RIG_PATIENCE, &end));
	assert_string_equal(end.signature, "exit-0");
	assert_int_equal(strncmp(process_words(process), "first?\ny\ny\n", 11), 0);
	assert_non_null(strstr(process_words(process), " bytes left out]\n"));
	assert_non_null(strstr(process_words(process), "y\ny\nlast\n"));
	assert_true(strlen(process_words(process)) < PROCESS_WORDS_MAX);
	process_stop(process);
}

static void a_flood_is_a_fault(void **state)
{
	const char *const argv[] = { "yes", NULL };
	struct process *process = start_with(argv, (struct process_options){ .words_max = MIB });
	int64_t pid = process_pid(process);

	(void)state;
	assert_ends(process, "flood");
	assert_false(is_there(pid));
}

static void too_much_memory_is_a_fault(void **state)
{
	const char *const argv[] = { rig_self, "eat", NULL };
	struct process *process =
		start_with(argv, (struct process_options){ .bytes_max = 128u * MIB });
	int64_t pid = process_pid(process);

	(void)state;
	assert_ends(process, "memory");
	assert_false(is_there(pid));
}

static void its_children_go_with_it(void **state)
{
	static const char *const acts[] = { "leave and stay", "leave and end" };

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct process *process = start_act(acts[i]);
		int64_t pids[3];

		/* If it ends at once, some may not have said who they are. */
		if (i == 0)
			wait_for_daemons(process, pids);
		else
			assert_ends(process, "exit-0");
		for (unsigned j = 0; i == 0 && j < 3; j++)
			assert_true(is_there(pids[j]));
		if (i == 0)
			process_stop(process);
		for (unsigned j = 0; i == 0 && j < 3; j++)
			assert_false(is_there(pids[j]));
	}
}

/* Start a peer with daemons in a child of ours, and tell who they are. */
static pid_t start_owner(int64_t pids[4])
{
	int tell[2];
	pid_t owner;

	assert_int_equal(pipe(tell), 0);
	owner = fork();
	if (owner == 0) {
		struct process *process;

		signals_as_before();
		process = start_act("leave and stay");
		pids[3] = process_pid(process);
		wait_for_daemons(process, pids);
		if (write(tell[1], pids, 4 * sizeof(*pids)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(tell[1]);
	assert_int_equal(read(tell[0], pids, 4 * sizeof(*pids)), 4 * sizeof(*pids));
	close(tell[0]);
	return owner;
}

static void all_end_when_the_owner_is_killed(void **state)
{
	int64_t pids[4];
	pid_t owner = start_owner(pids);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_true(is_there(pids[i]));
	kill(owner, SIGKILL);
	assert_int_equal(waitpid(owner, NULL, 0), owner);
	for (unsigned i = 0; i < 4; i++)
		wait_until_gone(pids[i]);
}

/* A folder with a file in it goes with the process, when that is stopped, and when its owner
 * is killed. */
static void what_it_leaves_goes_too(void **state)
{
	(void)state;
	for (int killed = 0; killed < 2; killed++) {
		char folder[] = "/tmp/vringer-test-XXXXXX", file[64], script[128];
		const char *const argv[] = { "/bin/sh", "-c", script, NULL };
		const char *const leftovers[] = { file, "/tmp/vringer-no-such", folder, NULL };
		struct process_options options = { .leftovers = leftovers };
		struct process *process;
		pid_t owner;
		int status;

		assert_non_null(mkdtemp(folder));
		snprintf(file, sizeof(file), "%s/file", folder);
		snprintf(script, sizeof(script), "echo >%s; echo made; exec sleep 1000", file);
		owner = fork();
		if (owner == 0) {
			process = start_with(argv, options);
			wait_for_words(process, "made\n");
			if (killed)
				kill(getpid(), SIGKILL);
			process_stop(process);
			_exit(access(folder, F_OK) == 0);
		}
		assert_int_equal(waitpid(owner, &status, 0), owner);
		for (unsigned ms = 0; access(folder, F_OK) == 0; ms++) {
			if (ms > RIG_PATIENCE || (!killed && status != 0))
				fail_msg("%s is still there", folder);
			pause_ms(1);
		}
	}
}

static void it_ends_with_its_keeper(void **state)
{
	struct process *process = start_shell("exec sleep 1000");
	int64_t pid = process_pid(process);

	(void)state;
	kill(process->keeper, SIGKILL);
	assert_ends(process, "keeper");
	wait_until_gone(pid);
	/* killall and the terminal are heard. */
	process = start_shell("exec sleep 1000");
	pid = process_pid(process);
	kill(process->keeper, SIGTERM);
	assert_ends(process, "keeper");
	assert_false(is_there(pid));
}

/* What is wrong in a process that was forked from the owner; 0: nothing. */
static int ask_elsewhere(struct process *process)
{
	struct process_end end;
	uint64_t ns;

	if (process_is_mine(process))
		return 1;
	if (process_is_well(process, &end) || strcmp(end.signature, "stranger") != 0)
		return 2;
	if (process_outlives(process, RIG_PATIENCE, &end))
		return 3;
	for (int i = 0; i < 2; i++)
		if (process_sleeps(process))
			return 4;
	if (process_cpu_ns(process) != 0 || process_thread_ns(process, "", &ns))
		return 5;
	process_stop(process);
	return 0;
}

static void it_is_not_touched_elsewhere(void **state)
{
	struct process *process = start_shell("exec sleep 1000");
	struct process_end end;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(ask_elsewhere(process));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(process_outlives(process, 1, &end));
	process_stop(process);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_runs_until_it_is_stopped),
		cmocka_unit_test(its_end_has_a_name),
		cmocka_unit_test(what_cannot_be_started_is_said),
		cmocka_unit_test(it_gets_its_descriptors_and_no_other),
		cmocka_unit_test(our_limits_and_signals_are_not_its),
		cmocka_unit_test(its_addresses_are_the_same_each_time),
		cmocka_unit_test(options_of_sanitizers_are_added_to_the_users),
		cmocka_unit_test(its_words_are_kept_at_both_ends),
		cmocka_unit_test(a_flood_is_a_fault),
		cmocka_unit_test(too_much_memory_is_a_fault),
		cmocka_unit_test(its_children_go_with_it),
		cmocka_unit_test(all_end_when_the_owner_is_killed),
		cmocka_unit_test(what_it_leaves_goes_too),
		cmocka_unit_test(it_ends_with_its_keeper),
		cmocka_unit_test(it_is_not_touched_elsewhere),
	};

	if (argc > 1)
		return act(argv[1]);
	signals_remember();
	return rig_find_self() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
