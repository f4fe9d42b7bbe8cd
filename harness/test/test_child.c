/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A child that does its worst to the process that runs it: it sleeps, floods, closes
 * what it does not own, writes over what it shares, outlives its parent.  And one
 * that is slow for no fault of the device.  No test here needs a quiet machine: a
 * bound on time is what the device must exceed, never what the test must keep.
 */
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/child_internal.h"
#include "harness/run/sanitizers.h"

#include <cmocka.h>

#include "signals.h"
#include <linux/virtio_mmio.h>

#include "broken.h"

#define PATIENCE 300 /* seconds: then this test itself hangs */

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

enum act {
	ACT_NONE,
	ACT_SPIN,
	ACT_SLEEP,
	ACT_CLOSE_AND_SPIN,
	ACT_FLOOD_AND_CRASH,
	ACT_PRINT,
	ACT_PRINT_AND_LEAVE,
	ACT_OVERWRITE,
	ACT_CHECK_LIMITS,
	ACT_WAIT,
};

static volatile int always = 1;
static volatile char *volatile nowhere = (volatile char *)64;
static volatile pid_t *spinner; /* memory of parent and child, at `own` */
static void *own;

static void spin(void)
{
	*spinner = getpid();
	while (always)
		;
}

static void flood(void)
{
	static char block[65536];

	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	for (int i = 0; i < 1024; i++)
		if (write(STDERR_FILENO, block, sizeof(block)) < 0)
			_exit(9);
	*nowhere = 1;
}

/* All memory that is shared and has no file is the harness's. */
static void overwrite(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		void *first, *last;

		if (strstr(line, "rw-s") != NULL && strstr(line, "/dev/zero") != NULL &&
		    sscanf(line, "%p-%p", &first, &last) == 2 && first != own)
			memset(first, 0xff, (uintptr_t)last - (uintptr_t)first);
	}
	_exit(0);
}

static void check_limits(void)
{
	struct rlimit core, cpu;
	int signal = 0;

	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 ||
	    getrlimit(RLIMIT_CPU, &cpu) != 0 || cpu.rlim_cur == RLIM_INFINITY ||
	    prctl(PR_GET_PDEATHSIG, &signal) != 0 || signal != SIGKILL)
		_exit(9);
}

/* Three times as long as a call may sleep, for another process. */
static void wait_long(void)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };

	for (unsigned i = 0; i < 30; i++) {
		nanosleep(&pause, NULL);
		target_waits();
	}
}

static void do_act(enum act act)
{
	switch (act) {
	case ACT_SPIN:
		spin();
		break;
	case ACT_SLEEP:
		for (;;)
			pause();
	case ACT_CLOSE_AND_SPIN:
		for (int fd = 0; fd < 64; fd++)
			close(fd);
		spin();
		break;
	case ACT_FLOOD_AND_CRASH:
		flood();
		break;
	case ACT_PRINT:
	case ACT_PRINT_AND_LEAVE:
		printf("not ok 7 - \"no result\"\n\x1b[31m");
		if (act == ACT_PRINT_AND_LEAVE)
			exit(0);
		break;
	case ACT_OVERWRITE:
		overwrite();
		break;
	case ACT_CHECK_LIMITS:
		check_limits();
		break;
	case ACT_WAIT:
		wait_long();
		break;
	case ACT_NONE:
		break;
	}
}

static void worst_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	uint32_t value = 0;

	memcpy(&value, buf, len < sizeof(value) ? len : sizeof(value));
	if (offset == VIRTIO_MMIO_CONFIG)
		do_act((enum act)value);
	else
		broken_target.write(device, offset, buf, len);
}

static struct target target;
static struct script script;
static struct child_result result;
static char report[CHILD_REPORT_MAX], words[CHILD_WORDS_MAX];
static struct child_job job = {
	.script = &script,
	.target = &target,
	.expect = true,
	.judging = { .strict = true, .limits = true },
	.leaks = true,
	.words = words,
};

static int run_text(const char *text)
{
	struct text_error error;
	int err;

	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	memset(&result, 0x55, sizeof(result));
	signals_as_before();
	alarm(PATIENCE);
	err = child_run(&job, &result, report);
	alarm(0);
	signals_as_cmocka();
	return err;
}

static int run_act(enum act act, unsigned seconds)
{
	char text[100];

	snprintf(text, sizeof(text), "device any\nstart driver_ok\nconfig_write 0 %d\n", (int)act);
	job.seconds = seconds;
	return run_text(text);
}

static void assert_found(enum act act, unsigned seconds, const char *signature, const char *message)
{
	const struct finding *f;

	assert_int_equal(run_act(act, seconds), 0);
	f = child_finding(&result, &job);
	assert_non_null(f);
	if (strncmp(f->signature, signature, strlen(signature)) != 0 ||
	    strstr(f->message, message) == NULL)
		fail_msg("%s: %s\n%.2000s", f->signature, f->message, report);
}

static void a_call_that_spins_hangs_by_its_cpu_time(void **state)
{
	(void)state;
	assert_found(ACT_SPIN, 1, "hang:config_write", "from a register write: it used CPU time");
	assert_int_equal(child_finding(&result, &job)->kind, FINDING_HANG);
	assert_int_equal(child_finding(&result, &job)->op, 1);
}

static void a_call_that_sleeps_hangs(void **state)
{
	(void)state;
	assert_found(ACT_SLEEP, 1, "hang:config_write", "it slept for");
}

static void a_call_that_waits_for_a_process_does_not(void **state)
{
	(void)state;
	assert_int_equal(run_act(ACT_WAIT, 1), 0);
	assert_true(result.passed);
}

static void a_device_that_closes_everything_is_waited_for_to_a_bound(void **state)
{
	(void)state;
	assert_found(ACT_CLOSE_AND_SPIN, 1, "hang:config_write", "a register write");
}

/* The harness takes twice the time that a device has, awake and asleep. */
static void slow_event(void *ctx, const struct trace_event *event)
{
	clock_t start = clock();
	struct timespec pause = { .tv_sec = 2 };

	(void)ctx;
	if (event->kind != TRACE_OP || event->index != 0)
		return;
	while (clock() - start < 2 * CLOCKS_PER_SEC)
		;
	nanosleep(&pause, NULL);
}

static void time_of_the_harness_is_no_hang(void **state)
{
	const struct trace trace = { .event = slow_event };

	(void)state;
	job.trace = &trace;
	assert_int_equal(run_act(ACT_NONE, 1), 0);
	job.trace = NULL;
	assert_true(result.passed);
}

/* More in all than one call may take. */
static void many_calls_are_no_hang(void **state)
{
	(void)state;
	job.seconds = 1;
	assert_int_equal(run_text("device any budget=1024\nstart driver_ok\nrepeat 65535\n"
				  "repeat 65535\npattern low len=0xa0000 seed=1\nend\nend\n"),
			 0);
	assert_true(result.passed);
	assert_true(result.spent);
	/* By bytes, and the same number each time. */
	assert_in_range(result.ops_run, 1000, 5000);
}

static void the_child_ends_with_its_parent(void **state)
{
	pid_t parent, child = 0;
	int status;

	(void)state;
	*spinner = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	parent = fork();
	if (parent == 0) {
		run_act(ACT_SPIN, 3600);
		_exit(0);
	}
	for (int i = 0; i < PATIENCE * 100 && *spinner == 0; i++)
		usleep(10000);
	assert_true(*spinner > 0);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	/* It is ours now. */
	for (int i = 0; i < PATIENCE * 100 && child == 0; i++) {
		child = waitpid(*spinner, &status, WNOHANG);
		usleep(10000);
	}
	if (child == 0)
		kill(*spinner, SIGKILL);
	assert_int_equal(child, *spinner);
	assert_true(WIFSIGNALED(status));
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void the_child_has_limits_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(run_act(ACT_CHECK_LIMITS, 30), 0);
	assert_true(result.passed);
}

static void of_a_flood_the_first_and_the_last_is_kept(void **state)
{
	(void)state;
	assert_found(ACT_FLOOD_AND_CRASH, 30, "asan:SEGV:", "SEGV");
	assert_memory_equal(report, "xxxx", 4);
	assert_non_null(strstr(report, " bytes left out]\n"));
	assert_true(strlen(report) < CHILD_REPORT_MAX);
}

static void text_is_kept_up_to_its_size_and_then_in_part(void **state)
{
	(void)state;
	for (size_t len = 0; len < 600; len++) {
		char bytes[256];
		struct excerpt text = { .bytes = bytes, .size = sizeof(bytes) };
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(write(ends[1], i + 1 == len ? "E" : "\0", 1), 1);
		close(ends[1]);
		text.fd = ends[0];
		while (excerpt_take(&text))
			;
		excerpt_end(&text);
		assert_true(strlen(bytes) < sizeof(bytes));
		assert_true(len == 0 || bytes[strlen(bytes) - 1] == 'E');
		assert_int_equal(strstr(bytes, "left out") != NULL, len > 192);
		assert_true(len > 192 || strlen(bytes) == len);
	}
}

static void what_a_device_prints_is_its_own(void **state)
{
	(void)state;
	assert_int_equal(run_act(ACT_PRINT, 30), 0);
	assert_true(result.passed);
	/* A program is run several times: see twin.h. */
	assert_memory_equal(words, "not ok 7 - \"no result\"\n?[31m", 28);
	assert_string_equal(report, "");
	assert_found(ACT_PRINT_AND_LEAVE, 30, "exit:0", "exit(0)");
	assert_string_equal(words, "not ok 7 - \"no result\"\n?[31m");
	assert_int_equal(run_act(ACT_NONE, 30), 0);
	assert_string_equal(words, "");
}

static void a_record_that_is_written_over_is_a_finding(void **state)
{
	(void)state;
	assert_found(ACT_OVERWRITE, 30, "overwritten", "the harness's record");
	assert_int_equal(result.finding_count, 1);
}

/* Any bytes at all in the shared memory: nothing out of range is taken over. */
static void whatever_is_shared_is_checked(void **state)
{
	static struct child_shared shared;
	uint32_t seed = 1;
	unsigned refused = 0;

	(void)state;
	assert_int_equal(run_act(ACT_NONE, 30), 0);
	for (int i = 0; i < 20000; i++) {
		struct child_result now;
		uint8_t *bytes = (uint8_t *)&shared;

		memset(&shared, 0, sizeof(shared));
		shared.result.finding_count = 1;
		shared.result.findings[0].kind = FINDING_HANG;
		shared.result.findings[0].known = "nowhere";
		for (int k = 0; k <= i % 4; k++) {
			size_t size = i % 2 == 0
					      ? sizeof(shared)
					      : offsetof(struct child_shared, result.findings[1]);

			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 4) % size] = (uint8_t)(seed >> 24);
		}
		refused += !child_check(&job, &shared, &now);
		assert_true(now.finding_count <= LEDGER_FINDINGS_MAX);
		assert_true(now.op == FINDING_OP_END || now.op < script.prog.op_count);
		assert_true(memchr(now.verb, '\0', sizeof(now.verb)) != NULL);
		assert_true(memchr(now.failure, '\0', sizeof(now.failure)) != NULL);
		assert_int_equal(now.failed_line, 0);
		for (unsigned f = 0; f < now.finding_count; f++) {
			const struct finding *found = &now.findings[f];

			assert_in_range(found->kind, FINDING_NONE + 1, FINDING_KIND_COUNT - 1);
			assert_true(found->kind != FINDING_RULE || found->rule < RULE_COUNT);
			assert_true(found->op == FINDING_OP_END ||
				    found->op < script.prog.op_count);
			assert_non_null(memchr(found->verb, '\0', sizeof(found->verb)));
			assert_non_null(memchr(found->signature, '\0', sizeof(found->signature)));
			assert_non_null(memchr(found->message, '\0', sizeof(found->message)));
			assert_null(found->known);
		}
	}
	assert_in_range(refused, 100, 19000);
}

/* The names of all sanitizers, and their frames. */
static void every_sanitizer_has_kind_and_frames(void **state)
{
	static const struct {
		const char *report, *signature;
	} cases[] = {
		{ "==7==WARNING: MemorySanitizer: use-of-uninitialized-value\n"
		  "    #0 0x4a in net_rx devices/net.c:12:3\n"
		  "    #1 0x4b in mmio_write devices/mmio.c:9\n"
		  "    #2 0x4c in count_write harness/run/child_calls.c:60\n\n  Uninitialized "
		  "value "
		  "was\n"
		  "    #0 0x4a in other a.c:1\n",
		  "msan:use-of-uninitialized-value:net_rx<mmio_write" },
		{ "WARNING: ThreadSanitizer: data race (pid=71)\n"
		  "  Write of size 4 at 0x7b by thread T1:\n"
		  "    #0 serve mine.c:12 (mine+0x1)\n    #1 worker mine.c:40 (mine+0x2)\n\n",
		  "tsan:data-race:serve<worker" },
		{ "==7==ERROR: HWAddressSanitizer: tag-mismatch on address 0x12\n"
		  "    #0 0x4a in __hwasan_memcpy x.cpp:1\n    #1 0x4b in mine mine.c:9\n\n",
		  "hwasan:tag-mismatch:mine" },
		{ "==7==ERROR: UndefinedBehaviorSanitizer: SEGV on unknown address 0x0\n"
		  "    #0 0x4a in mine mine.c:9\n\n",
		  "ubsan:SEGV:mine" },
		{ "==7==ERROR: MemorySanitizer: SEGV on unknown address 0x0\n"
		  "    #0 0x4a in mine mine.c:9\n\n",
		  "msan:SEGV:mine" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct finding f = { .kind = FINDING_NONE };

		assert_true(sanitizer_finding(cases[i].report, &f));
		assert_string_equal(f.signature, cases[i].signature);
		assert_int_equal(f.kind, FINDING_SANITIZER);
	}
}

static void whose_memory_was_short_is_told_by_the_top_frame(void **state)
{
	(void)state;
	assert_true(sanitizer_is_ours("==1==ERROR: AddressSanitizer: out-of-memory: x\n"
				      "    #0 0x1 in malloc x.cpp:1\n"
				      "    #1 0x2 in get_memory harness/arena/heap.c:25\n"
				      "    #2 0x3 in net_create devices/net.c:1\n"));
	assert_false(sanitizer_is_ours("==1==ERROR: AddressSanitizer: out-of-memory: x\n"
				       "    #0 0x1 in malloc x.cpp:1\n"
				       "    #1 0x3 in net_create devices/net.c:1\n"
				       "    #2 0x2 in run_create harness/run/run_end.c:25\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_spins_hangs_by_its_cpu_time),
		cmocka_unit_test(a_call_that_sleeps_hangs),
		cmocka_unit_test(a_call_that_waits_for_a_process_does_not),
		cmocka_unit_test(a_device_that_closes_everything_is_waited_for_to_a_bound),
		cmocka_unit_test(time_of_the_harness_is_no_hang),
		cmocka_unit_test(many_calls_are_no_hang),
		cmocka_unit_test(the_child_ends_with_its_parent),
		cmocka_unit_test(the_child_has_limits_of_its_own),
		cmocka_unit_test(of_a_flood_the_first_and_the_last_is_kept),
		cmocka_unit_test(text_is_kept_up_to_its_size_and_then_in_part),
		cmocka_unit_test(what_a_device_prints_is_its_own),
		cmocka_unit_test(a_record_that_is_written_over_is_a_finding),
		cmocka_unit_test(whatever_is_shared_is_checked),
		cmocka_unit_test(every_sanitizer_has_kind_and_frames),
		cmocka_unit_test(whose_memory_was_short_is_told_by_the_top_frame),
	};

	signals_remember();
	own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		return 1;
	spinner = own;
	target = broken_target;
	target.write = worst_write;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
