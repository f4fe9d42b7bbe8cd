/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Operations that come one at a time do what they do in a program, are judged as there,
 * may go on for ever, and allocate nothing.
 *
 * Linked so that malloc and calloc are what is here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/files/hash.h"
#include "harness/run/live.h"

#include <cmocka.h>

#include "broken.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static unsigned allocated;

void *__wrap_malloc(size_t size)
{
	allocated++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocated++;
	return __real_calloc(count, size);
}

static struct script script;
static struct run *run;

/* Of every event. */
static struct {
	uint64_t sum;
	unsigned events;
} seen;

static void add(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		seen.sum = hash_step(seen.sum, b[i]);
}

static void see(void *ctx, const struct trace_event *event)
{
	(void)ctx;
	seen.events++;
	add(&event->kind, sizeof(event->kind));
	add(&event->err, sizeof(event->err));
	add(&event->index, sizeof(event->index));
	add(&event->len, sizeof(event->len));
	add(&event->addr, sizeof(event->addr));
	add(&event->value, sizeof(event->value));
	if (event->data != NULL)
		add(event->data, event->len);
	if (event->name != NULL)
		add(event->name, strlen(event->name));
}

static const struct trace trace = { .event = see };
static const struct run_options traced = {
	.judging = { .strict = true, .limits = true },
	.trace = &trace,
};
static const struct run_options options = { .judging = { .strict = true, .limits = true } };

static void open_run(const struct target *target, const char *text)
{
	struct text_error error;

	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	assert_int_equal(run_open(&run, target, &error), 0);
	memset(&seen, 0, sizeof(seen));
}

/* The operation of that index in the text, as the session's operation `number`. */
static bool live(uint32_t index, uint32_t number)
{
	return live_op(run, &script.prog, &script.prog.ops[index], number);
}

static void a_session_is_the_program_of_its_operations(void **state)
{
	const char *text = "device net-loopback queue_max=64,32\n"
			   "start driver_ok\n"
			   "offer 0 b12:w\n"
			   "pattern b4 len=64 seed=3\n"
			   "send 1 b3 b4\n"
			   "settle\n"
			   "take 1\n"
			   "ack used\n"
			   "config_read 0\n"
			   "save\n"
			   "restore\n"
			   "send 1 head=4 b3\n";
	uint64_t sum;
	unsigned events;

	(void)state;
	open_run(target_find("net-loopback"), text);
	assert_true(run_program(run, &script.prog, &traced));
	/* No twin runs it again. */
	assert_false(run->twin.reset);
	assert_false(run->twin.snapshot);
	sum = seen.sum;
	events = seen.events;
	/* Twice: nothing is left of a session. */
	for (int i = 0; i < 2; i++) {
		memset(&seen, 0, sizeof(seen));
		assert_true(live_begin(run, &script.prog, &traced));
		for (uint32_t op = 0; op < script.prog.op_count; op++)
			assert_true(live(op, op));
		assert_true(live_end(run));
		assert_int_equal(seen.events, events);
		assert_true(seen.sum == sum);
	}
	run_close(run);
}

static void a_finding_has_the_running_number_and_ends_the_session(void **state)
{
	char text[100];

	(void)state;
	snprintf(text, sizeof(text),
		 "device any\nstart driver_ok\nsave\nrestore\nconfig_write 0 %d\n",
		 MISDEED_REFUSE_OWN);
	open_run(&broken_target, text);
	assert_true(live_begin(run, &script.prog, &options));
	assert_true(live(0, 0));
	assert_true(live(3, 1));
	assert_true(live(1, 70000));
	assert_false(live(2, 70001));
	assert_false(live(0, 70002));
	assert_false(live_end(run));
	assert_null(run->guest.device);
	assert_int_equal(run->guest.ledger.finding_count, 1);
	assert_int_equal(run->guest.ledger.findings[0].rule, RULE_SNAPSHOT_REFUSED);
	assert_int_equal(run->guest.ledger.findings[0].op, 70001);
	run_close(run);
}

static void the_end_of_a_session_is_judged(void **state)
{
	static const struct {
		enum misdeed misdeed;
		enum rule rule;
	} ends[] = { { MISDEED_KEEP_REGISTER, RULE_RESET_REGISTERS },
		     { MISDEED_DIE_AT_RESET, RULE_LIVENESS_REQUEST } };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char text[100];

		snprintf(text, sizeof(text), "device any\nstart driver_ok\nconfig_write 0 %d\n",
			 (int)ends[i].misdeed);
		open_run(&broken_target, text);
		assert_true(live_begin(run, &script.prog, &options));
		assert_true(live(0, 0));
		assert_true(live(1, 1));
		assert_false(live_end(run));
		assert_int_equal(run->guest.ledger.findings[0].rule, ends[i].rule);
		run_close(run);
	}
}

#define ROUNDS 20000u

/* Longer than any program may be, and than its budget. */
static void a_long_session_allocates_nothing(void **state)
{
	uint32_t number = 1;

	(void)state;
	open_run(target_find("net-loopback"),
		 "device net-loopback\nstart driver_ok\noffer 0 b12:w\nsend 1 head=4 b3 b4\n"
		 "take 1\ntake 0\nack used\n");
	assert_true(live_begin(run, &script.prog, &options));
	assert_true(live(0, 0));
	for (unsigned i = 0; i < ROUNDS; i++) {
		/* The device's own buffers are there from the first round on. */
		if (i == 1)
			allocated = 0;
		for (uint32_t op = 1; op < script.prog.op_count; op++)
			assert_true(live(op, number++));
	}
	assert_int_equal(allocated, 0);
	assert_int_equal(run->guest.queues[1].used_idx, ROUNDS % 65536);
	assert_int_equal(run->guest.queues[0].used_idx, ROUNDS % 65536);
	assert_true(live_end(run));
	assert_int_equal(run->completions, 2ull * ROUNDS);
	run_close(run);
}

static void a_repeat_does_nothing(void **state)
{
	(void)state;
	open_run(target_find("net-loopback"), "device net-loopback\nstart driver_ok\nrepeat 3\n"
					      "  read Status\nend\n");
	assert_true(live_begin(run, &script.prog, &options));
	assert_true(live(0, 0));
	assert_true(live(1, 1));
	assert_true(live_end(run));
	run_close(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_the_program_of_its_operations),
		cmocka_unit_test(a_finding_has_the_running_number_and_ends_the_session),
		cmocka_unit_test(the_end_of_a_session_is_judged),
		cmocka_unit_test(a_long_session_allocates_nothing),
		cmocka_unit_test(a_repeat_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
