/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Each reason why a script is skipped on a device: it is given where the device lacks what
 * the script needs, and not where it has that (harness/run/instance.h).
 */
#include "harness/arena/arena.h"
#include "harness/run/instance.h"

#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FEATURE (1ull << 3)

static struct script script;
static struct target target;
static struct device_queue_desc queues[8];
static struct target_request request;
static struct instance in;

/* A device that has all that a script may need, and a request that is sent to queue 1. */
static void take(void)
{
	target = *target_find("fs");
	memcpy(queues, target.queues, target.queue_count * sizeof(queues[0]));
	target.queues = queues;
	target.facts = ~0u;
	target.model = true;
	target.virtio = 0x0104;
	target.layout = ARENA_STANDARD;
	target.features |= FEATURE | 1ull << VIRTIO_RING_F_INDIRECT_DESC;
	target.features_high = 1;
	target.has_num_pages = target.changes_config = true;
	target.port_count = 1;
	target.restore = target_find("console")->restore;
	target.order = target_find("console")->order;
	if (target.order == NULL)
		target.order = target_find("net-host")->order;
	request = *target_request(&target, 1, 0);
	request.before = request.after = NULL;
	request.exact = true;
	in = (struct instance){ .queue = true, .request = &request };
	in.binding.queue = 1;
}

static void no_top(void)
{
	target.layout = ARENA_BELOW_TOP;
}

static void flat(void)
{
	target.layout = ARENA_FLAT;
}

static void no_model(void)
{
	target.model = false;
}

static void older(void)
{
	target.virtio = 0x0103;
}

static void no_facts(void)
{
	target.facts = 0;
}

static void no_purpose(void)
{
	target.facts &= ~(unsigned)FACT_PURPOSE;
}

static void not_driven(void)
{
	queues[1].driver_initiated = false;
}

static void not_exact(void)
{
	request.exact = false;
}

static void not_read(void)
{
	request.len = 0;
}

static void not_written(void)
{
	request.room = 0;
}

static void sends_before(void)
{
	request.before = "send_request 1\n";
}

static void sends_after(void)
{
	request.after = "offer 1 b3\n";
}

static void wants_a_feature(void)
{
	request.features = FEATURE;
}

static void wants_none(void)
{
	request.features_off = FEATURE;
}

static void queue_wants_a_feature(void)
{
	queues[1].features = FEATURE;
}

static void not_offered(void)
{
	request.features = 1ull << 4;
}

static void no_feature(void)
{
	target.features &= ~FEATURE;
}

static void no_high_feature(void)
{
	target.features_high = 0;
}

static void fixed_features(void)
{
	target.fixed_features = true;
}

static void fixed_sizes(void)
{
	target.fixed_sizes = true;
}

static void always(void)
{
	target.features_always = FEATURE;
}

static void small(void)
{
	queues[1].size_max = 8;
}

static void one_queue(void)
{
	target.queue_count = 2;
}

static void no_snapshots(void)
{
	target.restore = NULL;
}

static void no_port(void)
{
	target.port_count = 0;
}

static void no_orders(void)
{
	target.order = NULL;
}

static void no_num_pages(void)
{
	target.has_num_pages = false;
}

static void no_changes(void)
{
	target.changes_config = false;
}

#define SENDS "start driver_ok\nsend_request q\n"

/* Behind "device any". */
static const struct {
	const char *text;
	void (*lack)(void);
	const char *unmet; /* how it begins */
} cases[] = {
	{ "\nneeds memory_to_2_64\n" SENDS, no_top, "needs memory that ends at 2^64" },
	{ "\nneeds model\n" SENDS, no_model, "is for vringer's own models only" },
	{ "\nneeds virtio_1.4\n" SENDS, older, "needs a device of VIRTIO 1.4" },
	{ "\nneeds counters\n" SENDS, no_facts, "needs a device with counters" },
	{ "\nneeds driven\n" SENDS, not_driven, "needs a queue that is served when" },
	{ "\nneeds exact\n" SENDS, not_exact, "needs a request with one answer only" },
	{ "\nneeds readable\n" SENDS, not_read, "needs a request that the device reads" },
	{ "\nneeds writable\n" SENDS, not_written, "needs a request that the device writes to" },
	{ "\nneeds size=64\n" SENDS, small, "needs a larger queue" },
	{ "\nneeds queues=3\n" SENDS, one_queue, "needs more queues" },
	{ "\nneeds features=0x8\n" SENDS, no_feature, "needs features that the device" },
	{ "\nneeds features_high=0x1\n" SENDS, no_high_feature, "needs features that the device" },
	{ "\n" SENDS "> used_idx q 1\n", sends_before, "needs a request that sends no other" },
	{ "\n" SENDS "> used q id=0\n", sends_after, "needs a request that sends no other" },
	{ "\nstart driver_ok\nused_event q 0\nsend_request q\n", sends_before,
	  "needs a request that sends no other" },
	{ "\nstart driver_ok\nevent_at q 0\nsend_request q\n", sends_before,
	  "needs a request that sends no other" },
	{ "\n" SENDS "> model used_idx q 1\n", sends_before,
	  "needs a request that sends no other" },
	{ "\n" SENDS, not_offered, "needs a request without the features that it needs" },
	{ "\nstart driver_ok features=0x100000000\nsend_request q\n", wants_a_feature,
	  "needs a request without the features that it needs" },
	{ "\nstart driver_ok features=0x100000000\nsend_request q\n", queue_wants_a_feature,
	  "needs a request without the features that it needs" },
	{ "\n" SENDS, wants_none, "needs a request that may be sent with" },
	{ " features=0x100000000\n" SENDS, wants_a_feature,
	  "holds back a feature that the request" },
	{ " features=0x100000000\n" SENDS, fixed_features,
	  "needs a device that can hold features" },
	{ " features_high=0x0\n" SENDS, fixed_features, "needs a device that can hold features" },
	{ " features=0x100000008\nstart driver\nread DeviceFeatures\n", always, NULL },
	{ " features=0x100000000\nstart driver\nread DeviceFeatures\n", always,
	  "needs a device without the features that it always" },
	{ " queue_max=4\n" SENDS, fixed_sizes, "needs a device that can offer smaller queues" },
	{ "\nstart driver_ok size=16\nsend_request q\n", small, "needs a larger queue" },
	{ "\nsave\n" SENDS, no_snapshots, "the device has no snapshots" },
	{ "\ntype 0 61\n" SENDS, no_port, "the device has no such port" },
	{ "\ntake_output 0\n" SENDS, no_port, "the device has no such port" },
	{ "\nrefuse 0 1\n" SENDS, no_orders, "the device's host takes no orders" },
	{ "\nset_num_pages 1\n" SENDS, no_num_pages, "the device has no num_pages" },
	{ "\nchange_config 1\n" SENDS, no_changes, "the device's host does not change" },
	{ "\nunmap 0x50000 len=0x100000\n" SENDS, no_facts, "holes need a device that" },
	{ "\nunmap 0x50000 len=4096\n" SENDS, no_facts, "races and holes need a device" },
	{ "\nrace 1 b0 00\n" SENDS, no_facts, "races and holes need a device" },
	{ "\nfault_access 1\n" SENDS, no_facts, "failing accesses need a device" },
	{ "\nfault_access 1 purpose=desc\n" SENDS, no_purpose,
	  "needs a device that tells the purpose" },
	{ "\nfault_alloc 1\n" SENDS, no_facts, "needs a device that takes all memory" },
	{ "\nstart driver_ok\nsend_request q at=1\n", flat, "needs memory at address 0" },
};

static const char *unmet_of(const char *rest, void (*lack)(void))
{
	char text[200] = "device any";
	struct text_error error;

	take();
	strcat(text, rest);
	if (text_parse_bound(&script, text, strlen(text), &in.binding, &error) != 0)
		fail_msg("%s: line %u: %s", text, error.line, error.message);
	if (lack != NULL)
		lack();
	return instance_unmet(&in, &script, &target, &transport_mmio);
}

static void each_reason_is_given_where_it_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *with = unmet_of(cases[i].text, NULL);
		const char *without = unmet_of(cases[i].text, cases[i].lack);
		const char *expected = cases[i].unmet;

		if (with != NULL)
			fail_msg("%s: '%s' of a device that has all", cases[i].text, with);
		if (expected == NULL
			    ? without != NULL
			    : without == NULL || strncmp(without, expected, strlen(expected)) != 0)
			fail_msg("%s: '%s', expected '%s'", cases[i].text,
				 without != NULL ? without : "nothing",
				 expected != NULL ? expected : "nothing");
	}
}

static bool is_told(void *device, uint64_t addr, bool present)
{
	(void)device;
	(void)addr;
	return present;
}

/* A region as a whole can go, too, where a device is told so. */
static void a_region_can_be_taken_from_who_is_told(void **state)
{
	static const char whole[] = "\nunmap 0x50000 len=0x100000\n" SENDS;

	(void)state;
	assert_non_null(unmet_of(whole, no_facts));
	target.set_region = is_told;
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
}

/* A demand on our models alone does not count on another's device. */
static void a_demand_on_models_is_no_need_of_others(void **state)
{
	(void)state;
	assert_non_null(unmet_of("\n" SENDS "> model used_idx q 1\n", sends_before));
	target.model = false;
	assert_null(instance_unmet(&in, &script, &target, &transport_mmio));
}

/* Of a queue of one entry. */
static void a_request_both_ways_takes_two_descriptors(void **state)
{
	static const char one[] = "\nstart driver_ok size=1\nsend_request q\n";

	(void)state;
	assert_string_equal(unmet_of(one, NULL), "needs a request in one buffer");
	assert_null(unmet_of(one, not_read));
	assert_null(unmet_of(one, not_written));
}

/* Of a ring that the script leaves open. */
static void what_is_written_into_a_packed_ring_is_about_packed_rings(void **state)
{
	static const char *const ops[] = { "packed_desc q 0 len=1\n", "packed_move q 1\n",
					   "driver_event q value=1\n" };
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		snprintf(text, sizeof(text), "\nstart driver_ok\n%s", ops[i]);
		assert_string_equal(unmet_of(text, NULL), "is about packed rings");
		snprintf(text, sizeof(text), "\nstart driver_ok ring=packed\n%s", ops[i]);
		assert_null(unmet_of(text, NULL));
	}
	assert_null(unmet_of("\nstart driver_ok\nevent_at q 0\n", NULL));
}

/* Without another queue there is no other. */
static void the_other_queue_that_is_chosen_exists(void **state)
{
	struct instance_choice choice = { .queue = "1" };
	struct script_binding binding = { .other = 9 };
	char why[120];

	(void)state;
	take();
	assert_int_equal(instance_choose(&target, &choice, &binding, why, sizeof(why)), 0);
	assert_int_equal(binding.queue, 1);
	assert_int_equal(binding.other, 0);
	target.request_count = 0;
	choice.queue = "0";
	assert_int_equal(instance_choose(&target, &choice, &binding, why, sizeof(why)), 0);
	assert_int_equal(binding.other, 0);
	choice.queue = "3";
	assert_int_equal(instance_choose(&target, &choice, &binding, why, sizeof(why)), -22);
	assert_string_equal(why, "fs has no queue '3', expected 0 to 2");
}

/* Of more requests than a script meets, only those that it can be run with. */
static void a_script_meets_none_that_it_cannot_be_run_with(void **state)
{
	static struct target_request many[8];
	static struct instance list[INSTANCES_MAX];
	static const char text[] = "device any\nneeds exact\n" SENDS;
	struct text_error error;
	unsigned count;

	(void)state;
	take();
	for (unsigned i = 0; i < 8; i++) {
		many[i] = request;
		many[i].exact = i == 2 || i == 5;
	}
	target.requests = many;
	target.request_count = 8;
	assert_int_equal(text_parse(&script, text, strlen(text), &error), 0);
	count = instance_list(&script, &target, false, list);
	assert_int_equal(count, 4);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(list[i].binding.which, i < 2 ? 2 : 5);
}

/* How many packed ones stand behind the split ones of a script with that text. */
static unsigned add_packed(const char *text, bool all, struct instance *list, unsigned *split)
{
	struct text_error error;

	assert_int_equal(text_parse(&script, text, strlen(text), &error), 0);
	*split = instance_list(&script, &target, true, list);
	return instances_add_packed(&script, &target, all, list, *split) - *split;
}

/* On packed rings each queue is run, with its first request, and a part of the others. */
static void packed_instances_stand_behind_the_split(void **state)
{
	static struct target_request many[12];
	static struct instance list[INSTANCES_MAX];
	unsigned split, count, behind;

	(void)state;
	take();
	target.features |= 1ull << VIRTIO_F_RING_PACKED;
	for (unsigned i = 0; i < 12; i++) {
		many[i] = request;
		many[i].queue = (uint16_t)(i % 3);
	}
	target.requests = many;
	target.request_count = 12;
	count = add_packed("device any\n" SENDS, true, list, &split);
	assert_int_equal(split, 24);
	assert_int_equal(count, split);
	for (unsigned i = 0; i < split; i++) {
		assert_int_equal(list[i].binding.ring, RING_FORMAT_SPLIT);
		assert_int_equal(list[split + i].binding.ring, RING_FORMAT_PACKED);
		assert_ptr_equal(list[split + i].request, list[i].request);
		assert_int_equal(list[split + i].binding.layout, list[i].binding.layout);
	}
	count = add_packed("device any\n" SENDS, false, list, &split);
	assert_in_range(count, split / 2, split / 2 + 3);
	behind = split;
	for (unsigned i = 0; i < split; i++) {
		bool first = i == 0 || list[i].binding.queue != list[i - 1].binding.queue;
		bool there = behind < split + count && list[behind].request == list[i].request &&
			     list[behind].binding.layout == list[i].binding.layout;

		assert_true(there || !first);
		behind += there;
	}
	assert_int_equal(behind, split + count);

	/* The format is said, or the features or the script leave no other. */
	assert_int_equal(add_packed("device any\nreset\n", true, list, &split), 0);
	assert_int_equal(add_packed("device any\nneeds split\n" SENDS, true, list, &split), 0);
	assert_int_equal(add_packed("device any features=0xffffffff\n" SENDS, true, list, &split),
			 0);
	assert_int_equal(
		add_packed("device any\nstart driver_ok ring=packed\n", true, list, &split), 0);

	/* One that knows no queue under test; of somebody's own device it is split. */
	assert_int_equal(add_packed("device any\nstart driver_ok\n", false, list, &split), 1);
	assert_int_equal(split, 1);
	assert_int_equal(add_packed("device fs\nstart driver_ok\n", false, list, &split), 1);
	target.model = false;
	assert_int_equal(add_packed("device fs\nstart driver_ok\n", false, list, &split), 0);
	assert_int_equal(add_packed("device any\nstart driver_ok\n", false, list, &split), 1);
	target.features &= ~(1ull << VIRTIO_F_RING_PACKED);
	assert_int_equal(add_packed("device any\n" SENDS, true, list, &split), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_given_where_it_is_one),
		cmocka_unit_test(a_region_can_be_taken_from_who_is_told),
		cmocka_unit_test(a_demand_on_models_is_no_need_of_others),
		cmocka_unit_test(a_request_both_ways_takes_two_descriptors),
		cmocka_unit_test(what_is_written_into_a_packed_ring_is_about_packed_rings),
		cmocka_unit_test(the_other_queue_that_is_chosen_exists),
		cmocka_unit_test(a_script_meets_none_that_it_cannot_be_run_with),
		cmocka_unit_test(packed_instances_stand_behind_the_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
