/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is observed of a device as feedback: each kind of thing that a device may show for the
 * first time is a number of its own, the same program again is no news, and counting up is
 * not either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "fuzzers/feedback.h"

#include <cmocka.h>

#include "devices/table.h"
#include "fuzzers/engine.h"

#include <errno.h>
#include <linux/virtio_mmio.h>

const struct fuzz_target fuzz_target = { .name = "none", .feedback = FEEDBACK_ALWAYS };

static struct run *run;
static struct target target;
static struct heap heap;
/* Numbers that any program so far has reached. */
static uint8_t known[FEEDBACK_MAP];

static int open_run(void **state)
{
	(void)state;
	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return -1;
	run->guest.ledger.target = &target;
	run->guest.ledger.heap = &heap;
	return 0;
}

static int close_run(void **state)
{
	(void)state;
	free(run);
	return 0;
}

static void tell(struct trace_event e)
{
	feedback_event(NULL, &e);
}

/* As an engine has it before an input. */
static void begin(const char *verb)
{
	struct run_options options = { 0 };

	memset(feedback_map, 0, sizeof(feedback_map));
	feedback_begin(&options);
	assert_ptr_equal(options.trace->event, feedback_event);
	assert_ptr_equal(options.after_op, feedback_after_op);
	tell((struct trace_event){ .kind = TRACE_OP, .name = verb });
}

/* ... and after it: how many counters stand higher than they ever did. */
static unsigned news(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < FEEDBACK_MAP; i++) {
		count += feedback_map[i] > known[i];
		if (feedback_map[i] > known[i])
			known[i] = feedback_map[i];
	}
	return count;
}

static void forget(void)
{
	memset(known, 0, sizeof(known));
}

static unsigned news_of(struct trace_event e)
{
	begin("send");
	tell(e);
	return news();
}

/* `a` is news once, and so is `b`, which the device shows instead of it. */
static void assert_differ(struct trace_event a, struct trace_event b)
{
	forget();
	assert_true(news_of(a) > 0);
	assert_int_equal(news_of(a), 0);
	assert_true(news_of(b) > 0);
	assert_int_equal(news_of(a), 0);
	assert_int_equal(news_of(b), 0);
}

/* `b` is no news after `a`. */
static void assert_same(struct trace_event a, struct trace_event b)
{
	forget();
	news_of(a);
	assert_int_equal(news_of(b), 0);
}

#define READ_OF(reg, shown)                                                                        \
	{                                                                                          \
		.kind = TRACE_REG_READ, .addr = (reg), .len = 4, .value = (shown)                  \
	}
#define USED(of_queue, of_id, of_len)                                                              \
	{                                                                                          \
		.kind = TRACE_USED, .why = { .queue = (of_queue) }, .value = (of_id),              \
		.len = (of_len)                                                                    \
	}
#define WRITTEN(of_purpose, bytes, size, error)                                                    \
	{                                                                                          \
		.kind = TRACE_WRITE, .why = { .purpose = (of_purpose) }, .data = (bytes),          \
		.len = (size), .err = (error)                                                      \
	}

static void what_a_register_shows(void **state)
{
	struct trace_event ok = READ_OF(VIRTIO_MMIO_STATUS, 15),
			   no = READ_OF(VIRTIO_MMIO_STATUS, 79);
	struct trace_event few = READ_OF(VIRTIO_MMIO_QUEUE_NUM_MAX, 2);
	struct trace_event many = READ_OF(VIRTIO_MMIO_QUEUE_NUM_MAX, 256);
	struct trace_event more = READ_OF(VIRTIO_MMIO_QUEUE_NUM_MAX, 300);

	(void)state;
	assert_differ(ok, no);
	assert_differ(few, many);
	assert_same(many, more);
}

static void what_an_access_is_for_and_comes_to(void **state)
{
	static const uint8_t status[] = { 0, 1 };
	struct trace_event ok = WRITTEN(GUEST_PAYLOAD, status, 1, 0);
	struct trace_event fails = WRITTEN(GUEST_PAYLOAD, status, 1, -EFAULT);
	struct trace_event wrong = WRITTEN(GUEST_PAYLOAD, status + 1, 1, 0);
	struct trace_event other = WRITTEN(GUEST_USED_FLAGS, status, 1, 0);
	struct trace_event read = ok, moved = ok;

	(void)state;
	read.kind = TRACE_READ;
	moved.addr = 4096;
	assert_differ(ok, fails);
	assert_differ(ok, wrong);
	assert_differ(ok, other);
	assert_differ(ok, read);
	assert_same(ok, moved);
}

static void a_length_that_is_written(void **state)
{
	static const uint8_t none[8] = { 0 }, some[8] = { 7, 0, 0, 0, 64 },
			     more[8] = { 9, 0, 0, 0, 90 };
	struct trace_event zero = WRITTEN(GUEST_USED_ENTRY, none, 8, 0);
	struct trace_event one = WRITTEN(GUEST_USED_ENTRY, some, 8, 0);
	struct trace_event like = WRITTEN(GUEST_USED_ENTRY, more, 8, 0);
	/* A device may write it in two halves. */
	struct trace_event half = WRITTEN(GUEST_USED_ENTRY, some + 4, 4, 0);
	struct trace_event packed = WRITTEN(GUEST_PACKED_USED, some + 4, 4, 0);

	(void)state;
	assert_differ(zero, one);
	assert_same(one, like);
	assert_differ(one, half);
	assert_differ(half, packed);
}

static void a_return(void **state)
{
	struct trace_event short_one = USED(0, 0, 1), long_one = USED(0, 0, 512),
			   other = USED(1, 0, 1);

	(void)state;
	assert_differ(short_one, long_one);
	assert_differ(short_one, other);
}

static unsigned news_of_ids(const uint32_t *ids, size_t count)
{
	begin("take");
	for (size_t i = 0; i < count; i++)
		tell((struct trace_event)USED(0, ids[i], 1));
	return news();
}

static void the_order_of_returns(void **state)
{
	static const uint32_t up[] = { 3, 4 }, down[] = { 3, 2 }, again[] = { 3, 3 },
			      on[] = { 3, 6 };
	static const uint32_t up_too[] = { 0, 1 };

	(void)state;
	forget();
	assert_true(news_of_ids(up, 2) > 0);
	assert_int_equal(news_of_ids(up_too, 2), 0);
	assert_true(news_of_ids(down, 2) > 0);
	assert_true(news_of_ids(again, 2) > 0);
	assert_true(news_of_ids(on, 2) > 0);
	assert_int_equal(news_of_ids(down, 2), 0);
}

static void an_interrupt_and_a_change(void **state)
{
	static const uint8_t bytes[] = { 1, 2 };

	(void)state;
	assert_differ((struct trace_event){ .kind = TRACE_INTERRUPT, .value = 1 },
		      (struct trace_event){ .kind = TRACE_INTERRUPT, .value = 2 });
	assert_differ((struct trace_event){ .kind = TRACE_CHANGE, .data = bytes, .len = 1 },
		      (struct trace_event){ .kind = TRACE_CHANGE, .data = bytes + 1, .len = 1 });
	assert_differ((struct trace_event){ .kind = TRACE_COUNTER, .name = "sent", .value = 1 },
		      (struct trace_event){ .kind = TRACE_COUNTER, .name = "lost", .value = 1 });
}

/* What the guest and the harness do is none of the device's. */
static void only_the_device_is_observed(void **state)
{
	static const uint8_t kinds[] = { TRACE_REG_WRITE, TRACE_ACT, TRACE_RACE, TRACE_FAULT,
					 TRACE_WORK };

	(void)state;
	forget();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_int_equal(
			news_of((struct trace_event){ .kind = kinds[i], .value = 1, .len = 4 }), 0);
}

static void by_which_operation(void **state)
{
	struct trace_event e = { .kind = TRACE_INTERRUPT, .value = 1 };

	(void)state;
	forget();
	assert_true(news_of(e) > 0);
	begin("reset");
	tell(e);
	assert_true(news() > 0);
}

static void counting_up_ends(void **state)
{
	struct trace_event e = { .kind = TRACE_INTERRUPT, .value = 1 };

	(void)state;
	forget();
	for (unsigned times = 1; times <= 100; times++) {
		begin("send");
		for (unsigned i = 0; i < times; i++)
			tell(e);
		assert_int_equal(news() > 0, times == 1);
	}
}

static unsigned news_after(void)
{
	begin("send");
	feedback_after_op(NULL, run, 0);
	return news();
}

/* What is new once it is set, and no more then. */
#define ASSERT_NEW(assignment)                                                                     \
	do {                                                                                       \
		(void)news_after();                                                                \
		assignment;                                                                        \
		assert_true(news_after() > 0);                                                     \
		assert_int_equal(news_after(), 0);                                                 \
	} while (0)

static void what_comes_after_an_operation(void **state)
{
	struct ledger *ledger = &run->guest.ledger;

	(void)state;
	forget();
	run->guest.entered = true;
	ASSERT_NEW(ledger->judged[0] |= 1ULL << RULE_MEMORY_WRITE);
	ASSERT_NEW(ledger->judged[RULE_COUNTERS_SUM / 64] |= 1ULL << RULE_COUNTERS_SUM % 64);
	ASSERT_NEW(ledger->device.status = 15);
	ASSERT_NEW(ledger->device.shown = 1);
	ASSERT_NEW(ledger->device.completions = 1);
	ASSERT_NEW(ledger->device.held = 1);
	ledger->call.accesses_max = 1000;
	ledger->call.accesses = 100;
	assert_int_equal(news_after(), 0);
	ASSERT_NEW(ledger->call.accesses = 260);
	ASSERT_NEW(ledger->call.accesses = 600);
	ASSERT_NEW(ledger->call.accesses = 1000);
	ledger->call.bytes_max = 100;
	ASSERT_NEW(ledger->call.bytes = 50);
	/* That is of an earlier call. */
	run->guest.entered = false;
	ledger->call.bytes = 100;
	assert_int_equal(news_after(), 0);
}

/* Whatever a device does, the numbers are few enough for the map to have room. */
static void the_map_is_not_filled_by_one_device(void **state)
{
	unsigned count = 0;

	(void)state;
	forget();
	for (uint64_t value = 0; value < 1u << 20; value += 7) {
		begin("send");
		tell((struct trace_event)READ_OF(VIRTIO_MMIO_CONFIG, value));
		tell((struct trace_event)USED(0, (uint32_t)value, (uint32_t)value));
		tell((struct trace_event){ .kind = TRACE_COUNTER, .name = "sent", .value = value });
		news();
	}
	for (size_t i = 0; i < FEEDBACK_MAP; i++)
		count += known[i] != 0;
	assert_in_range(count, 20, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_register_shows),
		cmocka_unit_test(what_an_access_is_for_and_comes_to),
		cmocka_unit_test(a_length_that_is_written),
		cmocka_unit_test(a_return),
		cmocka_unit_test(the_order_of_returns),
		cmocka_unit_test(an_interrupt_and_a_change),
		cmocka_unit_test(only_the_device_is_observed),
		cmocka_unit_test(by_which_operation),
		cmocka_unit_test(counting_up_ends),
		cmocka_unit_test(what_comes_after_an_operation),
		cmocka_unit_test(the_map_is_not_filled_by_one_device),
	};

	return cmocka_run_group_tests(tests, open_run, close_run);
}
