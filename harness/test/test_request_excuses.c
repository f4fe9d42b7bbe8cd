/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Requests of which a correct device may make something else: chains, memory and hosts
 * that the request meets.  The device here hears no notification, so that whatever is
 * judged is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/child.h"
#include "harness/run/snapshot.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

static struct script script;
static struct child_result result;
static struct target target;
static const struct target *inner;
static struct target_request requests[3];
static bool deaf, gives_up, notified, indirect;
static unsigned saves, fails; /* that save, counted from 0 */

#define INDIRECT (1u << VIRTIO_RING_F_INDIRECT_DESC)

/* The device inside does not know INDIRECT: this one says that it does. */
static void write_deaf(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	uint32_t value = 0;

	notified = notified || offset == VIRTIO_MMIO_QUEUE_NOTIFY;
	if (deaf && offset == VIRTIO_MMIO_QUEUE_NOTIFY)
		return;
	if (offset != VIRTIO_MMIO_DRIVER_FEATURES || len != sizeof(value)) {
		inner->write(device, offset, buf, len);
		return;
	}
	memcpy(&value, buf, sizeof(value));
	value &= ~INDIRECT;
	inner->write(device, offset, &value, len);
}

/* Gives up, for a reason of its own, once it is notified. */
static void read_given_up(void *device, uint64_t offset, void *buf, uint32_t len)
{
	uint32_t status, features;

	inner->read(device, offset, buf, len);
	if (offset == VIRTIO_MMIO_DEVICE_FEATURES && len == sizeof(features)) {
		memcpy(&features, buf, sizeof(features));
		/* Not of the other pages. */
		features |= (features & 1u) == 0 ? (uint32_t)(target.features & INDIRECT) : 0;
		memcpy(buf, &features, sizeof(features));
	}
	if (!gives_up || offset != VIRTIO_MMIO_STATUS || len != sizeof(status))
		return;
	memcpy(&status, buf, sizeof(status));
	if ((status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && notified)
		status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	memcpy(buf, &status, sizeof(status));
}

static unsigned sessions, steps; /* devices that were created; steps until it goes on */
static bool slow;

static void *create_counted(const struct target *t, const struct device_host *host,
			    uint64_t offered, const uint16_t *queue_max)
{
	(void)t;
	steps = slow ? 1 + 1000 * sessions++ : 0;
	return inner->create(inner, host, offered, queue_max);
}

static void write_later(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	if (offset != VIRTIO_MMIO_QUEUE_NOTIFY || steps == 0)
		inner->write(device, offset, buf, len);
}

static void work_later(void *device)
{
	static const uint8_t queue[4] = { 1 };

	if (steps > 0 && --steps == 0)
		inner->write(device, VIRTIO_MMIO_QUEUE_NOTIFY, queue, sizeof(queue));
	inner->work(device);
}

static enum device_state state_later(const void *device)
{
	return steps > 0 ? DEVICE_WORK : inner->state(device);
}

static size_t save_sometimes(const void *device, void *out, size_t room)
{
	return saves++ != fails ? inner->save(device, out, room) : SIZE_MAX;
}

/* The file system, of which little is known, with requests of its own for queues 0 and 1;
 * `after`: the second one needs that. */
static void take(const char *after)
{
	inner = target_find("fs");
	target = *inner;
	target.write = write_deaf;
	target.read = read_given_up;
	target.save = save_sometimes;
	target.transport = false;
	target.model = false;
	target.facts = FACT_REGISTERS | FACT_STATE | FACT_REQUESTS;
	target.features |= indirect ? INDIRECT : 0;
	target.liveness = "device any\nreset\n";
	requests[0] = *target_request(inner, 0, 0);
	requests[1] = requests[2] = *target_request(inner, 1, 0);
	requests[1].after = after;
	target.requests = requests;
	target.request_count = 3;
	saves = 0;
	fails = UINT32_MAX;
	gives_up = notified = false;
	deaf = true;
}

static void run(const char *text)
{
	const struct script_binding binding = { .queue = 1 };
	struct child_job job = {
		.script = &script, .target = &target, .expect = true, .judging = { .limits = true }
	};
	char whole[300];
	struct text_error error;

	snprintf(whole, sizeof(whole), "device any\nstart driver_ok\n%s", text);
	if (text_parse_bound(&script, whole, strlen(whole), &binding, &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	assert_int_equal(child_run(&job, &result, NULL), 0);
}

static void assert_silent(const char *text)
{
	run(text);
	if (result.finding_count > 0)
		fail_msg("%s: %s", text, result.findings[0].message);
}

static void assert_found(const char *text, int rule)
{
	run(text);
	if (result.finding_count == 0)
		fail_msg("%s: nothing found", text);
	assert_int_equal(result.findings[0].rule, rule);
}

static void an_indirect_table_where_no_memory_is_excuses(void **state)
{
	(void)state;
	indirect = true;
	take(NULL);
	assert_found("send_request q layout=indirect\n", RULE_REQUEST_ANSWERED);
	assert_silent("unmap low+0x40000 len=16\nsend_request q layout=indirect\n");
	indirect = false;
}

/* The requests' own area begins at low+0x40000. */
static void memory_shared_with_chains_that_nobody_noted_excuses(void **state)
{
	(void)state;
	take(NULL);
	assert_silent("buffer b9 at=low+0x20000 len=60\nsend 0 b9:w\n"
		      "send_request q at=low+0x20000\n");
	assert_silent("buffer b9 at=low+0x40000 len=60\nsend 0 b9:w\nsend_request q\n");
}

static void a_request_written_over_by_the_next_one_is_not_judged(void **state)
{
	(void)state;
	take(NULL);
	assert_silent("offer_request q at=low+0x400a0\nchain_request q\noffer_request 0\n"
		      "notify q\n");
	assert_silent("offer_request q at=low+0x40000\nchain_request q layout=indirect\n"
		      "notify q\n");
	assert_found("offer_request q at=low+0x20000\noffer_request q\nnotify q\n",
		     RULE_REQUEST_ANSWERED);
}

static void what_the_host_still_has_excuses_one_that_needs_it(void **state)
{
	(void)state;
	take("settle\n");
	assert_found("send_request q\n", RULE_REQUEST_ANSWERED);
	assert_silent("offer_request q\nnotify q\nstart driver_ok\nsend_request q\n");
	assert_silent("fault_access 9\nsend_request q\nstart driver_ok\nsend_request q\n");
	assert_silent("offer 0 b0\nsend_request q\n");
	/* What needs nobody is judged as ever. */
	assert_found("offer_request q\nnotify q\nstart driver_ok\nsend_request q which=1\n",
		     RULE_REQUEST_ANSWERED);
}

static void memory_that_its_own_operations_lack_excuses(void **state)
{
	static const char *const own[] = { "store b5 01\n", "buffer b5 at=b5 len=1\n",
					   "fill b5 len=1\n", "pattern b5 len=1\n" };

	(void)state;
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		take(own[i]);
		assert_silent("unmap b5 len=1\nsend_request q\n");
		assert_silent("buffer b5 at=hole\nsend_request q\n");
		assert_found("unmap b6 len=1\nsend_request q\n", RULE_REQUEST_ANSWERED);
		/* Those of another request are its own affair. */
		assert_found("unmap b5 len=1\nsend_request q which=1\n", RULE_REQUEST_ANSWERED);
	}
}

/* An answered one leaves nothing. */
static void after_an_answer_the_host_has_nothing_left(void **state)
{
	(void)state;
	take("settle\n");
	deaf = false;
	requests[1].used_max = requests[1].used_min = 79;
	assert_found("send_request q which=1\nsend_request q\n", RULE_REQUEST_ANSWERED);
	requests[1].used_max = requests[1].used_min = 80;
	assert_silent("repeat 3\nsend_request q\nend\n> answered q 3\n");
	assert_true(result.passed);
}

static void a_host_that_refuses_excuses(void **state)
{
	(void)state;
	take(NULL);
	assert_silent("refuse 0 2\nsend_request q\n");
	/* Of what is on its way already as well. */
	assert_silent("offer_request q\nrefuse 0 2\nnotify q\n");
}

static void a_mistake_on_another_queue_is_a_mistake(void **state)
{
	(void)state;
	take(NULL);
	assert_found("send_request 0 flip=1\nsend_request q\n", RULE_REQUEST_RESUMED);
	take("settle\n");
	assert_silent("offer_request q which=1 flip=1\nsend 0 b0\nsend_request q\n");
}

/* However it answers what it has. */
static void a_device_that_needs_a_reset_is_not_judged(void **state)
{
	(void)state;
	take(NULL);
	deaf = false;
	requests[1].used_max = requests[1].used_min = 79;
	assert_found("offer_request q\nnotify q\n", RULE_REQUEST_ANSWERED);
	gives_up = true;
	assert_silent("offer_request q\nnotify q\n");
}

/* What is restored then is the snapshot before. */
static void a_save_that_failed_excuses(void **state)
{
	(void)state;
	take(NULL);
	assert_found("save\nack used\nsave\nrestore\nsend_request q\n", RULE_REQUEST_ANSWERED);
	saves = 0;
	fails = 1;
	assert_silent("save\nack used\nsave\nrestore\n> restored\nsend_request q\n");
	assert_true(result.passed);
}

static void a_request_that_a_feature_forbids_is_not_sent(void **state)
{
	(void)state;
	indirect = true;
	take(NULL);
	target.liveness = NULL;
	deaf = false;
	requests[1].features_off = INDIRECT;
	assert_silent("send_request q\n> answered q 0\n");
	assert_true(result.passed);
	target.liveness = "device any\nreset\n";
	deaf = true;
	assert_found("start driver_ok features=VERSION_1\nsend_request q\n", RULE_REQUEST_ANSWERED);
	indirect = false;
}

/* Not accepted, and yet what the device is. */
static void a_feature_that_the_device_always_has_forbids_a_request_too(void **state)
{
	(void)state;
	indirect = true;
	take(NULL);
	requests[1].features_off = INDIRECT;
	assert_found("start driver_ok features=VERSION_1\nsend_request q\n", RULE_REQUEST_ANSWERED);
	deaf = false;
	target.liveness = NULL;
	target.features_always = INDIRECT;
	assert_silent("start driver_ok features=VERSION_1\nsend_request q\n> answered q 0\n");
	assert_true(result.passed);
	indirect = false;
}

/* Bytes that the host has typed and the device has not passed on yet. */
static void what_the_host_still_has_after_a_reset_is_no_failure_of_liveness(void **state)
{
	(void)state;
	take("settle\n");
	target.requests = &requests[1];
	target.request_count = 1;
	target.liveness = NULL;
	assert_found("settle\n", RULE_REQUEST_ANSWERED);
	assert_silent("type 0 7a7a\n");
	assert_silent("offer_request q\nnotify q\n");
	/* One that needs no host is judged as ever. */
	requests[1].after = NULL;
	assert_found("type 0 7a7a\n", RULE_REQUEST_ANSWERED);
}

/* Its answer is not counted as that of the next one of its queue. */
static void an_excused_request_after_a_reset_is_done_with(void **state)
{
	(void)state;
	take("settle\n");
	deaf = false;
	target.liveness = NULL;
	assert_silent("type 0 7a7a\n");
	assert_true(result.passed);
	requests[2].used_max = requests[2].used_min = 79;
	assert_found("type 0 7a7a\n", RULE_REQUEST_ANSWERED);
}

/* It is not sent after a reset where the device does not offer what it needs. */
static void a_request_of_a_feature_that_is_not_offered_is_left_out(void **state)
{
	(void)state;
	take(NULL);
	deaf = false;
	target.liveness = NULL;
	requests[1].features = 1ull << 49;
	assert_silent("settle\n");
	assert_true(result.passed);
}

static void a_request_is_divided_into_as_many_buffers_as_it_may_be(void **state)
{
	(void)state;
	take(NULL);
	deaf = false;
	assert_silent("send_request q split=20 at=low+0x20000\n> answered q 1\n"
		      "> mem q.desc+44 0100\n> mem q.desc+60 0300\n");
	assert_true(result.passed);
	requests[1].buffers_max = 2;
	assert_silent("send_request q split=20 at=low+0x20000\n> answered q 1\n"
		      "> mem q.desc+8 14000000\n> mem q.desc+24 24000000\n"
		      "> mem q.desc+44 0300\n> mem q.desc+60 0200\n");
	assert_true(result.passed);
}

/* The first device takes a step, those of the twins a thousand. */
static void a_twin_that_is_not_done_is_not_compared(void **state)
{
	(void)state;
	take(NULL);
	target.create = create_counted;
	target.write = write_later;
	target.work = work_later;
	target.state = state_later;
	target.save = NULL;
	target.restore = NULL;
	target.facts = FACT_REGISTERS | FACT_STATE | FACT_REQUESTS;
	slow = true;
	sessions = 0;
	assert_silent("offer_request q\nnotify q\nwork\n> answered q 1\n");
	assert_true(result.passed);
	slow = false;
}

/* The request itself is judged, in descriptors that are free again. */
static void what_a_request_sends_before_is_over(void **state)
{
	(void)state;
	take(NULL);
	requests[1].before = "send_request 1 which=1\n";
	deaf = false;
	assert_silent("send_request q\n> answered q 1\n");
	assert_true(result.passed);
	requests[1].used_max = requests[1].used_min = 79;
	assert_found("send_request q\n", RULE_REQUEST_ANSWERED);
}

static void operations_of_a_request_do_only_what_is_its_own(void **state)
{
	static const struct {
		const char *after, *fault;
	} wrong[] = {
		{ "settle\nsend_request q which=1\n", "2:1: sends a request that has operations of "
						      "its own" },
		{ "repeat 3\nsettle\nend\n", "1:1: not in a request: start, repeat and snapshots" },
		{ "settle\n> silent\n", "2:1: not in a request: `>` lines" },
		{ "needs model\nsettle\n", "1:1: not in a request: needs and `other`" },
		{ "notify other\n", "1:1: not in a request: needs and `other`" },
		{ "send_request 5\n", "1:1: that queue has no request" },
		{ "type 0 68\n", "1:1: the device has no such port" },
	};
	struct program *prog;
	char why[200], due[200];

	(void)state;
	take(NULL);
	assert_int_equal(target_request_ops(&target, &requests[1], "send_request q which=1\n",
					    &prog, why, sizeof(why)),
			 0);
	assert_int_equal(prog->ops[0].value[SEND_REQUEST_QUEUE], 1);
	free(prog);
	requests[2].before = "settle\n";
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(target_request_ops(&target, &requests[1], wrong[i].after, &prog,
						    why, sizeof(why)),
				 -EINVAL);
		assert_null(prog);
		snprintf(due, sizeof(due), "has a request 'init' with an invalid operation: %s",
			 wrong[i].fault);
		assert_string_equal(why, due);
	}
}

static void a_request_has_a_name_of_its_own(void **state)
{
	char name[TARGET_REQUEST_NAME_MAX + 2];

	(void)state;
	take(NULL);
	assert_string_equal(target_fault(&target), "has two requests of one name on one queue");
	memset(name, 'a', sizeof(name));
	name[TARGET_REQUEST_NAME_MAX + 1] = '\0';
	requests[2].name = name;
	assert_string_equal(target_fault(&target),
			    "has a request with a name of more than 40 letters");
	name[TARGET_REQUEST_NAME_MAX] = '\0';
	assert_null(target_fault(&target));
	requests[2].features = 1ull << 50;
	assert_string_equal(target_fault(&target),
			    "has a request that needs a feature that is not offered");
}

#define RESETS "start driver_ok accept=RING_RESET\n"

/* What was sent there does not come back; and it may take that queue to answer elsewhere. */
static void a_queue_that_is_reset_excuses(void **state)
{
	(void)state;
	take(NULL);
	assert_found(RESETS "send_request q\n", RULE_REQUEST_ANSWERED);
	assert_silent(RESETS "offer_request q\nreset_queue q\nnotify q\nsettle\n");
	assert_silent(RESETS "reset_queue 0\nsend_request q\n");
	assert_silent(RESETS "offer_request q\nreset_queue 0\nqueue 0\nnotify q\nsettle\n");
	/* A driver that did not accept the feature makes a mistake. */
	assert_silent("start driver_ok\nreset_queue q\nsend_request q\n");
	assert_silent("start driver_ok\nreset_queue q\nqueue q\nsend_request q\n");
}

static void one_that_was_set_up_again_does_not(void **state)
{
	(void)state;
	take(NULL);
	assert_found(RESETS "reset_queue q\nqueue q size=4\nsend_request q\n",
		     RULE_REQUEST_ANSWERED);
	assert_found(RESETS "offer_request q\nreset_queue q\nreset_queue 0\nqueue 0\nqueue q\n"
			    "send_request q\n",
		     RULE_REQUEST_ANSWERED);
	assert_found(RESETS "send 0 b1\nreset_queue 0\nqueue 0\nsend_request 0\n",
		     RULE_REQUEST_RESUMED);
	/* Not as `start` does it. */
	assert_silent(RESETS "reset_queue q\nqueue q size=3\nsend_request q\n");
	assert_silent(RESETS "reset_queue q\nqueue q desc=hole\nsend_request q\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_indirect_table_where_no_memory_is_excuses),
		cmocka_unit_test(memory_shared_with_chains_that_nobody_noted_excuses),
		cmocka_unit_test(a_request_written_over_by_the_next_one_is_not_judged),
		cmocka_unit_test(what_the_host_still_has_excuses_one_that_needs_it),
		cmocka_unit_test(memory_that_its_own_operations_lack_excuses),
		cmocka_unit_test(after_an_answer_the_host_has_nothing_left),
		cmocka_unit_test(a_host_that_refuses_excuses),
		cmocka_unit_test(a_mistake_on_another_queue_is_a_mistake),
		cmocka_unit_test(a_device_that_needs_a_reset_is_not_judged),
		cmocka_unit_test(a_save_that_failed_excuses),
		cmocka_unit_test(a_request_that_a_feature_forbids_is_not_sent),
		cmocka_unit_test(a_feature_that_the_device_always_has_forbids_a_request_too),
		cmocka_unit_test(what_the_host_still_has_after_a_reset_is_no_failure_of_liveness),
		cmocka_unit_test(an_excused_request_after_a_reset_is_done_with),
		cmocka_unit_test(a_request_of_a_feature_that_is_not_offered_is_left_out),
		cmocka_unit_test(a_request_is_divided_into_as_many_buffers_as_it_may_be),
		cmocka_unit_test(a_twin_that_is_not_done_is_not_compared),
		cmocka_unit_test(what_a_request_sends_before_is_over),
		cmocka_unit_test(operations_of_a_request_do_only_what_is_its_own),
		cmocka_unit_test(a_request_has_a_name_of_its_own),
		cmocka_unit_test(a_queue_that_is_reset_excuses),
		cmocka_unit_test(one_that_was_set_up_again_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
