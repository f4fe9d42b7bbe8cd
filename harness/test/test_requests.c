/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Well-formed requests: answered by every model, however they are divided; judged of a
 * device that does not answer, or answers wrongly; and not judged where the driver, the
 * memory or the host gives the device an excuse.
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
#include "harness/run/instance.h"

#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

static struct script script;
static struct child_result result;
static struct target target;
static bool deaf; /* the device does not hear of QueueNotify */

static void run(const char *text, const struct script_binding *binding)
{
	struct child_job job = {
		.script = &script, .target = &target, .expect = true, .judging = { .limits = true }
	};
	struct text_error error;

	if (text_parse_bound(&script, text, strlen(text), binding, &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	assert_int_equal(child_run(&job, &result, NULL), 0);
}

static const struct target *inner;

static void write_deaf(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	if (!deaf || offset != VIRTIO_MMIO_QUEUE_NOTIFY)
		inner->write(device, offset, buf, len);
}

static void take(const char *name)
{
	inner = target_find(name);
	target = *inner;
	target.write = write_deaf;
	target.transport = false;
	deaf = false;
}

/* A device of which little is known, so that no other rule comes first. */
static void take_unknown(const char *name)
{
	take(name);
	target.facts = FACT_REGISTERS | FACT_STATE | FACT_REQUESTS;
	target.model = false;
	target.liveness = "device any\nreset\n";
	deaf = true;
}

static void assert_found(const char *text, int rule)
{
	struct script_binding binding = { .queue = 1 };

	run(text, &binding);
	if (rule < 0 && result.finding_count > 0)
		fail_msg("%s: %s", text, result.findings[0].message);
	if (rule < 0)
		return;
	if (result.finding_count == 0)
		fail_msg("%s: nothing found", text);
	assert_int_equal(result.findings[0].rule, rule);
}

#define IN_EVERY_WAY                                                                               \
	"device any\nstart driver_ok\n"                                                            \
	"send_request q\n> answered q 1\n"                                                         \
	"send_request q split=1\n> answered q 1\n"                                                 \
	"send_request q split=5 layout=reversed\n> answered q 1\n"                                 \
	"send_request q at=seam-3\n> answered q 1\n"

/* What is sent before one, for it, makes those available that were offered. */
static void assert_answered(unsigned queue, unsigned which, unsigned layout)
{
	struct script_binding binding = { .queue = queue,
					  .which = which,
					  .layout = (uint8_t)layout };
	bool alone = target_request(&target, queue, which)->before == NULL;

	run(alone ? IN_EVERY_WAY "repeat 5\n  offer_request q\nend\n> outstanding q 5\n"
				 "notify q\nsettle\n> answered q 5\n> outstanding q 0\n"
		  : IN_EVERY_WAY,
	    &binding);
	if (!result.passed)
		fail_msg("%s, queue %u, request %u: %s%s", target.name, queue, which,
			 result.failure,
			 result.finding_count > 0 ? result.findings[0].message : "");
}

static void every_model_answers_its_requests_however_they_are_divided(void **state)
{
	unsigned count = 0;

	(void)state;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		take((*t)->name);
		for (unsigned queue = 0; queue < target.queue_count; queue++)
			for (unsigned i = 0; i < target_request_count(&target, queue); i++, count++)
				assert_answered(queue, i, LAYOUT_DIRECT);
	}
	assert_true(count >= 10);
}

static void a_device_that_does_not_answer_is_found(void **state)
{
	(void)state;
	take_unknown("fs");
	assert_found("device any\nstart driver_ok\nsend_request q\n", RULE_REQUEST_ANSWERED);
	assert_found("device any\nstart driver_ok\noffer_request q\nnotify q\n",
		     RULE_REQUEST_ANSWERED);
	assert_found("device any\nstart driver_ok\nsend q head=4 b0\nsend_request q\n", -1);
	assert_found("device any\nstart driver_ok\nsend_request q flip=1\nsend_request q\n",
		     RULE_REQUEST_RESUMED);
	deaf = false;
	assert_found("device any\nstart driver_ok\nsend_request q\n", -1);
}

static void what_excuses_a_device_is_not_judged(void **state)
{
	static const char *const excuses[] = {
		"start driver",
		"start driver_ok size=3",
		"start driver_ok\nreset",
		"start driver_ok\nstatus 0x8f",
		"start driver_ok\nqueue 0 size=8",
		"start driver_ok\nready q 0",
		"start driver_ok\nwrite QueueNum 4",
		"start driver_ok\nconfig_write 0 1",
		"start driver_ok\nrace 1 q.avail+2 0500",
		"start driver_ok\nrace_write 1 q.used q.avail+2 0500",
		"start driver_ok\nfault_access 3",
		"start driver_ok\nfault_alloc 1",
		"fault_access 9\nstart driver_ok",
		"start driver_ok\nfill q.desc len=16",
		"start driver_ok\nstore q.avail+2 0500",
		"start driver_ok\navail_idx q 3",
		"start driver_ok\navail_entry q 0 7",
		"start driver_ok\npublish q 2",
		"start driver_ok\ndesc q 0 len=9",
		"start driver_ok\nset_desc q 0 len 9",
		"start driver_ok\noffer q head=250 b0 b1 b0 b1 b0 b1 b0",
		"start driver_ok\noffer q head=2 b0\noffer q head=2 b0",
		"start driver_ok\nbuffer b9 at=q.used len=9\nsend 0 b9:w",
		"unmap q.used len=9\nstart driver_ok",
		"start driver_ok\nsave\ncorrupt 3 1",
		"queue q desc=low+0x18000\nstart driver_ok",
	};
	char text[300];

	(void)state;
	take_unknown("fs");
	for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++) {
		snprintf(text, sizeof(text), "device any\n%s\nsend_request q\nsettle\n",
			 excuses[i]);
		assert_found(text, -1);
	}
	/* A later start ends all of that. */
	assert_found(
		"device any\nstart driver_ok\navail_idx q 3\nstart driver_ok\nsend_request q\n",
		RULE_REQUEST_ANSWERED);
}

static void a_request_whose_memory_changes_is_not_judged(void **state)
{
	(void)state;
	take_unknown("fs");
	assert_found("device any\nstart driver_ok\nsend_request q at=hole\n", -1);
	assert_found("device any\nstart driver_ok\noffer_request q at=low+0x20000\n"
		     "fill low+0x20003 len=1\nnotify q\n",
		     -1);
	assert_found("device any\nstart driver_ok\nsend_request q at=low+0x20000\n",
		     RULE_REQUEST_ANSWERED);
}

/* The first chain is known because a request is on its way before it. */
static void a_request_where_another_chain_is_written_to_is_not_judged(void **state)
{
	static const char *const first[] = {
		"offer_request q at=low+0x20000",
		"offer_request q\nbuffer b9 at=low+0x20000 len=60\noffer q head=40 b9:w",
		("offer_request q\nbuffer b9 at=low+0x20000 len=0xffffffff\noffer q head=40 b1:w "
		 "b9:w"),
	};
	char text[300];

	(void)state;
	take_unknown("fs");
	deaf = false;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		snprintf(text, sizeof(text),
			 "device any\nstart driver_ok\n%s\noffer_request q at=low+0x20040\n"
			 "notify q\nsettle\n",
			 first[i]);
		assert_found(text, -1);
	}
	/* Elsewhere it is. */
	deaf = true;
	assert_found("device any\nstart driver_ok\noffer_request q at=low+0x20000\n"
		     "offer_request q at=low+0x20200\nnotify q\n",
		     RULE_REQUEST_ANSWERED);
}

static void before_driver_ok_a_notification_asks_for_no_answer(void **state)
{
	static const char text[] = "device any\nstart queues\noffer_request q\nnotify q\nsettle\n"
				   "status 0xf\nnotify q\nsettle\n> answered q 1\n> silent\n";
	struct script_binding binding = { .queue = 1 };

	(void)state;
	take("fs");
	run(text, &binding);
	if (!result.passed)
		fail_msg("%s", result.failure);
	deaf = true;
	run(text, &binding);
	assert_false(result.passed);
}

/* A limit that is not asked for, broken where the device does not hear of a notification. */
static void what_only_warns_does_not_break_a_silence(void **state)
{
	static const char text[] = "device any\nstart driver_ok\nsend q b0\n> silent\n";
	const struct script_binding binding = { .queue = 1 };
	struct child_job job = { .script = &script, .target = &target, .expect = true };
	struct text_error error;

	(void)state;
	take("fs");
	target.model = false;
	target.requests = NULL;
	target.request_count = 0;
	deaf = true;
	assert_int_equal(text_parse_bound(&script, text, strlen(text), &binding, &error), 0);
	assert_int_equal(child_run(&job, &result, NULL), 0);
	assert_true(result.passed);
	assert_true(result.finding_count > 0);
	assert_int_equal(rule_table[result.findings[0].rule].severity, SEVERITY_LIMIT);
	job.judging.limits = true;
	assert_int_equal(child_run(&job, &result, NULL), 0);
	assert_false(result.passed);
}

static void a_wrong_length_and_a_wrong_byte_are_found(void **state)
{
	static struct target_request request;
	static struct target_bytes answer;

	(void)state;
	take_unknown("fs");
	deaf = false;
	request = *target_request(&target, 1, 0);
	target.requests = &request;
	target.request_count = 1;
	assert_found("device any\nstart driver_ok\nsend_request q\n> answered q 1\n", -1);
	assert_true(result.passed);
	request.used_min = request.used_max = request.used_max - 1;
	assert_found("device any\nstart driver_ok\nsend_request q\n", RULE_REQUEST_ANSWERED);
	assert_non_null(strstr(result.findings[0].message, "used.len is 80, expected 79 to 79"));
	request.used_max = 80;
	answer = (struct target_bytes){ 4, 1, (const uint8_t *)"x" };
	request.answer = &answer;
	request.answer_count = 1;
	assert_found("device any\nstart driver_ok\nsend_request q\n", RULE_REQUEST_ANSWERED);
	assert_non_null(
		strstr(result.findings[0].message, "byte 4 of the answer is 0x00, expected 0x78"));
}

/* The device writes 80 bytes of the 90 that it may. */
static void an_answer_beyond_the_used_length_is_judged_too(void **state)
{
	static const uint8_t nought[] = { 0, 0, 0, 0 };
	static struct target_request request;
	static struct target_bytes answer;

	(void)state;
	take_unknown("fs");
	deaf = false;
	request = *target_request(&target, 1, 0);
	request.used_min = 0;
	request.used_max = request.room = 90;
	request.exact = false;
	target.requests = &request;
	target.request_count = 1;
	request.answer = &answer;
	request.answer_count = 1;
	answer = (struct target_bytes){ 76, 4, nought };
	assert_null(target_fault(&target));
	assert_found("device any\nstart driver_ok\nsend_request q\n> answered q 1\n", -1);
	assert_true(result.passed);
	answer.offset = 80;
	assert_found("device any\nstart driver_ok\nsend_request q\n", RULE_REQUEST_ANSWERED);
	assert_non_null(
		strstr(result.findings[0].message, "byte 80 of the answer is 0xff, expected 0x00"));
	answer.offset = 87;
	assert_string_equal(target_fault(&target),
			    "has a request whose answer passes what the device may write");
}

static void an_honest_driver_sends_nothing_where_there_is_no_room(void **state)
{
	struct script_binding binding = { .queue = 1 };

	(void)state;
	take("fs");
	run("device any\nstart driver_ok size=4\n"
	    "repeat 7\n  offer_request q\nend\n> outstanding q 2\n"
	    "notify q\nsettle\n> answered q 2\n"
	    "send_request q split=1\n> answered q 1\n",
	    &binding);
	if (!result.passed)
		fail_msg("%s", result.failure);
}

static void a_demand_of_a_severity_that_is_not_asked_for_warns(void **state)
{
	static const char text[] = "device any\nstart driver_ok\nsend_request q\n"
				   "> should answered q 2\n> model counters nothing=1\n";
	struct script_binding binding = { .queue = 1 };

	(void)state;
	take_unknown("fs");
	deaf = false;
	run(text, &binding);
	assert_true(result.passed);
	assert_int_equal(result.unmet_count, 1);
	assert_int_equal(result.unmet[0].line, 4);
	assert_int_equal(result.unmet[0].severity, SEVERITY_SHOULD);
	assert_string_equal(result.unmet[0].message, "queue 1: requests answered: 1, expected 2");
	take("fs");
	run(text, &binding);
	assert_false(result.passed);
	assert_int_equal(result.failed_line, 5);
}

static void a_script_has_an_instance_for_each_queue_request_and_layout(void **state)
{
	static struct instance list[INSTANCES_MAX];
	static struct target_request held[2];
	struct text_error error;
	static const char about[] = "device any\nready q 0\n";
	static const char sends[] = "device any\nsend_request q\nsend_request other\n";

	(void)state;
	take("fs");
	assert_int_equal(text_parse(&script, about, strlen(about), &error), 0);
	assert_int_equal(instance_list(&script, &target, true, list), target.queue_count);
	assert_int_equal(text_parse(&script, sends, strlen(sends), &error), 0);
	target.features &= ~(1ull << 28);
	assert_int_equal(instance_list(&script, &target, true, list), 2);
	assert_int_equal(list[0].binding.queue, 0);
	assert_int_equal(list[0].binding.other, 1);
	assert_int_equal(list[1].binding.other, 0);
	/* Where the driver may not send what it would, there is no other. */
	held[0] = *target_request(&target, 0, 0);
	held[1] = *target_request(&target, 1, 0);
	held[1].features_off = 1ull << 32;
	target.requests = held;
	target.request_count = 2;
	assert_int_equal(instance_list(&script, &target, true, list), 2);
	assert_non_null(list[0].unmet);
	assert_null(list[1].unmet);
	held[1].features_off = 0;
	target.features |= 1ull << 28;
	assert_int_equal(instance_list(&script, &target, true, list), 4);
	assert_int_equal(list[1].binding.layout, LAYOUT_INDIRECT);
	target.request_count = 0;
	assert_int_equal(instance_list(&script, &target, true, list), 1);
	assert_non_null(list[0].unmet);
}

/* Of many requests a script meets three: the first directly and in a table, and two others,
 * which are not the same for all scripts. */
static void a_script_meets_some_of_many_requests(void **state)
{
	static struct instance list[INSTANCES_MAX];
	static struct target_request many[12];
	struct text_error error;
	char text[120];
	bool met[12] = { false };

	(void)state;
	take("fs");
	for (unsigned i = 0; i < 12; i++) {
		many[i] = *target_request(&target, 1, 0);
		many[i].features = i == 11 ? 1ull << 60 : 0;
	}
	target.requests = many;
	target.request_count = 12;
	target.features |= 1ull << 28 | 1ull << 60;
	for (unsigned n = 0; n < 40; n++) {
		strcpy(text, "device any features=0xfff\n");
		for (unsigned line = 0; line < n; line++)
			strcat(text, "\n");
		strcat(text, "send_request q\n");
		assert_int_equal(text_parse(&script, text, strlen(text), &error), 0);
		assert_int_equal(instance_list(&script, &target, true, list), 24);
		assert_int_equal(instance_list(&script, &target, false, list), 4);
		assert_int_equal(list[0].binding.which, 0);
		assert_int_equal(list[1].binding.layout, LAYOUT_INDIRECT);
		assert_int_not_equal(list[2].binding.which, list[3].binding.which);
		met[list[2].binding.which] = met[list[3].binding.which] = true;
	}
	/* The last needs a feature that the script holds back. */
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(met[i], i > 0 && i < 11);
}

/* The header may hold back what the request needs, or what the device cannot hold back. */
static void a_script_that_holds_features_back_is_skipped_where_it_cannot_be(void **state)
{
	static const char text[] = "device any features=VERSION_1\nstart driver_ok\n"
				   "send_request q\n";
	static struct target_request request;
	struct text_error error;
	struct instance in;

	(void)state;
	take("fs");
	request = *target_request(&target, 1, 0);
	in = (struct instance){ .queue = true, .request = &request };
	in.binding.queue = 1;
	assert_int_equal(text_parse_bound(&script, text, strlen(text), &in.binding, &error), 0);
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
	request.features = 1;
	target.features |= 1;
	assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
			    "holds back a feature that the request needs");
	request.features = 0;
	target.fixed_features = true;
	assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
			    "needs a device that can hold features back");
	target.fixed_features = false;
	script.prog.features = UINT64_MAX;
	script.prog.queue_max[0] = 4;
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
	target.fixed_sizes = true;
	assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
			    "needs a device that can offer smaller queues");
	target.fixed_sizes = false;
	script.prog.features = 1ull << VIRTIO_F_VERSION_1;
	target.fixed_features = true;
	/* There is nothing else to hold back. */
	target.features_always = target.features;
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
}

/* Those that come before the request have entries in the rings too. */
static void a_script_that_counts_entries_wants_a_request_that_comes_alone(void **state)
{
	static const char *const counting[] = {
		"device any\nstart driver_ok\nsend_request q\n> used_idx q 1\n",
		"device any\nstart driver_ok\nsend_request q\n> used q id=0\n",
		"device any\nstart driver_ok\nused_event q 0\nsend_request q\n",
	};
	static const char free[] = "device any\nstart driver_ok\nsend_request q\n> answered q 1\n"
				   "> model used_idx q 1\n";
	static struct target_request request;
	struct text_error error;
	struct instance in;

	(void)state;
	take("fs");
	target.model = false;
	request = *target_request(&target, 1, 0);
	in = (struct instance){ .queue = true, .request = &request };
	in.binding.queue = 1;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(text_parse_bound(&script, counting[i], strlen(counting[i]),
						  &in.binding, &error),
				 0);
		request.before = "send_request 0 which=1\n";
		request.after = NULL;
		assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
		request.before = "offer 0 b1\nbuffer b1 len=1 # send_request q\n";
		assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
		request.before = "settle\nsend q b1\n";
		assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
				    "needs a request that sends no other");
		request.before = NULL;
		request.after = "send_request 1\n";
		assert_non_null(instance_unmet(&in, &script, &target, &transport_mmio));
	}
	assert_int_equal(text_parse_bound(&script, free, strlen(free), &in.binding, &error), 0);
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
}

/* Whether the script passes; by queue 1. */
static bool passes(const char *text)
{
	struct script_binding binding = { .queue = 1 };

	run(text, &binding);
	return result.passed;
}

/* Nor what the device is, whoever accepts it. */
static void a_feature_that_the_device_always_has_is_not_held_back(void **state)
{
	static const char text[] = "device any features=VERSION_1\n"
				   "start driver_ok features=VERSION_1\nsend_request q\n";
	static struct target_request request;
	struct text_error error;
	struct instance in;
	char offered[120];

	(void)state;
	take("console");
	snprintf(offered, sizeof(offered),
		 "device any features=VERSION_1\nstart driver\nread DeviceFeatures\n> value 0x%x\n",
		 (unsigned)target.features);
	request = *target_request(&target, 1, 0);
	request.features_off = target.features & UINT32_MAX;
	in = (struct instance){ .queue = true, .request = &request };
	in.binding.queue = 1;
	assert_false(passes(offered));
	assert_int_equal(text_parse_bound(&script, text, strlen(text), &in.binding, &error), 0);
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
	target.features_always = target.features;
	assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
			    "needs a request that may be sent with the features accepted");
	assert_true(passes(offered));
	in = (struct instance){ .queue = false };
	assert_int_equal(text_parse(&script, offered, strlen(offered), &error), 0);
	assert_string_equal(instance_unmet(&in, &script, &target, &transport_mmio),
			    "needs a device without the features that it always offers");
	target.features_always = 0;
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
}

static void all_means_those_that_were_offered_and_one_at_least(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok size=8\n"
			   "offer_request q\noffer_request q\noffer_request q\n"
			   "notify q\nsettle\n> answered q all\n"
			   "send_request q\nsend_request q\n> answered q all\n"));
	assert_false(passes("device any\nstart driver_ok\nsettle\n> answered q all\n"));
	assert_false(passes("device any\nstart driver_ok\nsend_request q\n> answered q all\n"
			    "settle\n> answered q all\n"));
	assert_false(passes("device any\nstart driver_ok\nsend_request q\noffer_request q\n"
			    "> answered q all\n"));
	assert_true(passes("device any\nstart driver_ok\nsend_request q\noffer_request q\n"
			   "> answered q 1\nnotify q\nsettle\n> answered q all\n"));
}

static void what_a_request_sends_itself_is_not_counted(void **state)
{
	(void)state;
	take("net-loopback");
	assert_true(passes("device any\nstart driver_ok\nsend_request 0\n"
			   "> answered 0 1\n> answered 1 0\n"
			   "send_request 1\n> answered 1 all\n> outstanding 1 0\n"));
}

static void a_queue_that_the_script_sets_up_itself_takes_requests(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart features_ok\nqueue q size=4 desc=seam "
			   "avail=seam+0x1000 used=seam+0x2000\nstatus 0xf\n"
			   "repeat 9\nsend_request q\nend\n> answered q 9\n"));
	assert_true(passes("device any\nstart queues size=8\nready q 0\nqueue q size=4\n"
			   "status 0xf\nsend_request q\n> answered q 1\n"));
	assert_false(passes("device any\nstart features_ok\nstatus 0xf\nsend_request q\n"
			    "> answered q 1\n"));
}

static void start_puts_the_rings_of_one_queue_elsewhere(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok size=4 queue=q desc=seam avail=b4\n"
			   "send_request q\n> answered q 1\n> mem b4+2 0100\n"
			   "send_request 0\n> answered 0 1\n"));
	/* They stay there. */
	assert_true(passes("device any\nstart driver_ok size=4 queue=q avail=b4\n"
			   "start driver_ok size=4\nsend_request q\n> answered q 1\n"
			   "> mem b4+2 0100\n"));
	assert_false(passes("device any\nstart driver_ok size=4 queue=0 avail=b4\n"
			    "send_request q\n> answered q 1\n> mem b4+2 0100\n"));
}

static void requests_are_found_among_chains_that_were_published_by_hand(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok size=8\n"
			   "chain_request q head=6\npublish q 6\npublish q 6\n"
			   "send_request q\n> answered q 1\n> outstanding q 0\n"));
}

static void a_request_in_one_direction_takes_all_descriptors(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok size=4\n"
			   "fill q0.desc len=64 value=0xee\n"
			   "send_request 0 split=1\n> answered 0 1\n> mem q0.desc+60 0000\n"));
}

static void the_first_instance_has_what_the_script_needs(void **state)
{
	static const char driven[] = "device any\nneeds driven\nsend_request q\n";
	static const char writable[] = "device any\nneeds writable\nsend_request q\n";
	static const char large[] = "device any\nneeds size=256\nsend_request q\n";
	struct script_binding binding = { .queue = 9 };
	struct text_error error;

	(void)state;
	take("net-loopback");
	assert_int_equal(text_parse(&script, driven, strlen(driven), &error), 0);
	assert_true(instance_first(&script, &target, &binding));
	assert_int_equal(binding.queue, 1);
	take("fs");
	assert_int_equal(text_parse(&script, writable, strlen(writable), &error), 0);
	assert_true(instance_first(&script, &target, &binding));
	assert_int_equal(binding.queue, 1);
	assert_int_equal(text_parse(&script, large, strlen(large), &error), 0);
	assert_false(instance_first(&script, &target, &binding));
}

static void an_interrupt_counts_until_the_driver_does_something_else(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok\noffer_request q\n> raised none\n"
			   "notify q\n> raised used\nwork\n> raised used\nsettle\n"
			   "> raised used\ntake q\n> raised none\nsettle\n> raised none\n"));
	/* A level that stays up tells of what comes, and is nothing new where nothing does. */
	target.level_line = true;
	assert_true(passes("device any\nstart driver_ok\nsend_request q\ntake q\n"
			   "> raised none\n> raised used\nack used\n> raised none\n"));
	assert_false(passes("device any\nstart driver_ok\nsend_request q\nack used\n"
			    "> raised used\n"));
}

static void at_top_the_last_byte_is_that_of_memory(void **state)
{
	(void)state;
	take("fs");
	assert_true(passes("device any\nstart driver_ok\nfill top-80 len=80 value=0\n"
			   "send_request q at=top\n> answered q 1\n> mem top-80 50000000\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_answers_its_requests_however_they_are_divided),
		cmocka_unit_test(a_device_that_does_not_answer_is_found),
		cmocka_unit_test(what_excuses_a_device_is_not_judged),
		cmocka_unit_test(a_request_whose_memory_changes_is_not_judged),
		cmocka_unit_test(a_request_where_another_chain_is_written_to_is_not_judged),
		cmocka_unit_test(before_driver_ok_a_notification_asks_for_no_answer),
		cmocka_unit_test(what_only_warns_does_not_break_a_silence),
		cmocka_unit_test(a_wrong_length_and_a_wrong_byte_are_found),
		cmocka_unit_test(an_answer_beyond_the_used_length_is_judged_too),
		cmocka_unit_test(an_honest_driver_sends_nothing_where_there_is_no_room),
		cmocka_unit_test(a_demand_of_a_severity_that_is_not_asked_for_warns),
		cmocka_unit_test(a_script_has_an_instance_for_each_queue_request_and_layout),
		cmocka_unit_test(a_script_meets_some_of_many_requests),
		cmocka_unit_test(all_means_those_that_were_offered_and_one_at_least),
		cmocka_unit_test(what_a_request_sends_itself_is_not_counted),
		cmocka_unit_test(a_queue_that_the_script_sets_up_itself_takes_requests),
		cmocka_unit_test(start_puts_the_rings_of_one_queue_elsewhere),
		cmocka_unit_test(requests_are_found_among_chains_that_were_published_by_hand),
		cmocka_unit_test(a_request_in_one_direction_takes_all_descriptors),
		cmocka_unit_test(the_first_instance_has_what_the_script_needs),
		cmocka_unit_test(an_interrupt_counts_until_the_driver_does_something_else),
		cmocka_unit_test(at_top_the_last_byte_is_that_of_memory),
		cmocka_unit_test(a_script_that_holds_features_back_is_skipped_where_it_cannot_be),
		cmocka_unit_test(a_feature_that_the_device_always_has_is_not_held_back),
		cmocka_unit_test(a_script_that_counts_entries_wants_a_request_that_comes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
