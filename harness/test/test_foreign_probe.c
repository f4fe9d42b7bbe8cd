/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that knows itself only when it runs (probe), and one that reports a fault, is
 * gone or cannot be run (host->report): vringer.h.
 */
#include "harness/run/child.h"
#include "harness/target/foreign.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)

/* What the device of these tests is to do; fork gives it to the child. */
static struct {
	int32_t probe_err;
	uint64_t features;
	uint16_t queue_max[2];
	uint32_t config_len;
	unsigned probes;
	uint32_t kind; /* that it reports when it is kicked; 0: none */
	bool in_create;
	const char *signature;
	unsigned kicks;
} behaviour;

static const struct vringer_host *host;

static int32_t probe(void *opaque, struct vringer_probe *probe, char *what)
{
	assert_ptr_equal(opaque, &behaviour);
	behaviour.probes++;
	assert_int_equal(probe->queue_max[0], 256);
	probe->features &= behaviour.features;
	probe->config_len = behaviour.config_len;
	memcpy(probe->queue_max, behaviour.queue_max, sizeof(behaviour.queue_max));
	if (behaviour.probe_err != 0)
		snprintf(what, VRINGER_WHAT_MAX, "nobody is there");
	return behaviour.probe_err;
}

static void *create(const struct vringer_host *given, uint64_t offered, const uint16_t *queue_max)
{
	(void)offered;
	(void)queue_max;
	host = given;
	if (!behaviour.in_create)
		return &behaviour;
	host->report(host->ctx, behaviour.kind, behaviour.signature, "it does not start");
	return NULL;
}

static void destroy(void *device)
{
	(void)device;
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	(void)device;
	(void)features;
	(void)rings;
}

static void kick(void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
	behaviour.kicks++;
	if (behaviour.kind != 0 && !behaviour.in_create)
		host->report(host->ctx, behaviour.kind, behaviour.signature, "it is no more");
}

static const struct vringer_queue queues[] = { { "first", 256, 1, 0 }, { "second", 128, 1, 0 } };

static const struct vringer_field fields[] = {
	{ "first", 0, 4, 1 },
	{ "second", 4, 8, 1 },
	{ .name = NULL },
};

static const struct vringer_target given = {
	.version = VRINGER_VERSION,
	.size = sizeof(struct vringer_target),
	.name = "late",
	.help = "knows itself when it runs",
	.level = VRINGER_LEVEL_ACTIVATED,
	.memory = VRINGER_MEMORY_PLAIN,
	.device_id = 4,
	.queue_count = 2,
	.features = VERSION_1 | 3,
	.queues = queues,
	.config_len = 12,
	.fields = fields,
	.create = create,
	.destroy = destroy,
	.activate = activate,
	.kick = kick,
	.reset = destroy,
	.opaque = &behaviour,
	.probe = probe,
};

static struct foreign opened;

static const struct target *open_target(void)
{
	assert_null(foreign_open(&opened, &given));
	return &opened.target;
}

static int setup(void **state)
{
	(void)state;
	memset(&behaviour, 0, sizeof(behaviour));
	behaviour.features = UINT64_MAX;
	behaviour.queue_max[0] = 64;
	behaviour.config_len = 12;
	behaviour.queue_max[1] = 128;
	behaviour.signature = "peer:exit-1";
	return 0;
}

static int run_kick(const struct target *target, struct child_result *result)
{
	static struct script script;
	static const char text[] = "device late\nstart driver_ok\nnotify 0\nnotify 0\n";
	struct text_error error;
	struct child_job job = { .script = &script, .target = target };

	assert_int_equal(text_parse(&script, text, sizeof(text) - 1, &error), 0);
	return child_run(&job, result, NULL);
}

static void opening_asks_nothing(void **state)
{
	(void)state;
	open_target();
	assert_int_equal(behaviour.probes, 0);
}

static void a_probe_takes_away_and_is_asked_once(void **state)
{
	const struct target *t = open_target();
	char what[TARGET_WHAT_MAX];

	(void)state;
	behaviour.features = VERSION_1 | 2;
	assert_int_equal(target_probe(t, what), 0);
	assert_int_equal(target_probe(t, what), 0);
	assert_int_equal(behaviour.probes, 1);
	assert_true(t->features == (VERSION_1 | 2));
	assert_int_equal(t->queues[0].size_max, 64);
	assert_int_equal(t->queue_count, 2);
}

static void queues_at_the_end_may_be_missing(void **state)
{
	const struct target *t = open_target();
	char what[TARGET_WHAT_MAX];

	(void)state;
	behaviour.queue_max[1] = 0;
	assert_int_equal(target_probe(t, what), 0);
	assert_int_equal(t->queue_count, 1);
}

static void fields_at_the_end_may_be_missing(void **state)
{
	const struct target *t = open_target();
	char what[TARGET_WHAT_MAX];

	(void)state;
	assert_int_equal(t->field_count, 2);
	behaviour.config_len = 8;
	assert_int_equal(target_probe(t, what), 0);
	assert_int_equal(t->config_len, 8);
	assert_int_equal(t->field_count, 1);
	assert_string_equal(t->fields[0].name, "first");
}

static void a_wrong_probe_is_refused(void **state)
{
	char what[TARGET_WHAT_MAX];

	(void)state;
	behaviour.queue_max[0] = 0;
	assert_int_equal(target_probe(open_target(), what), -EPROTO);
	assert_non_null(strstr(what, "a queue after one"));
	setup(NULL);
	behaviour.queue_max[0] = behaviour.queue_max[1] = 0;
	assert_int_equal(target_probe(open_target(), what), -EPROTO);
	assert_non_null(strstr(what, "none of its queues"));
	setup(NULL);
	behaviour.queue_max[1] = 256;
	assert_int_equal(target_probe(open_target(), what), -EPROTO);
	assert_non_null(strstr(what, "larger"));
	setup(NULL);
	behaviour.features = 3;
	assert_int_equal(target_probe(open_target(), what), -EPROTO);
	assert_non_null(strstr(what, "VERSION_1"));
	setup(NULL);
	behaviour.probe_err = -ECONNREFUSED;
	assert_int_equal(target_probe(open_target(), what), -ECONNREFUSED);
	assert_string_equal(what, "nobody is there");
}

static void what_cannot_be_run_is_no_finding(void **state)
{
	struct child_result result;

	(void)state;
	behaviour.probe_err = -ECONNREFUSED;
	assert_int_equal(run_kick(open_target(), &result), -ENODEV);
	assert_string_equal(result.failure, "nobody is there");
	setup(NULL);
	behaviour.in_create = true;
	behaviour.kind = VRINGER_REPORT_UNUSABLE;
	assert_int_equal(run_kick(open_target(), &result), -ENODEV);
	assert_string_equal(result.failure, "it does not start");
	behaviour.kind = VRINGER_REPORT_GONE;
	assert_int_equal(run_kick(open_target(), &result), -ENODEV);
	setup(NULL);
	behaviour.kind = VRINGER_REPORT_UNUSABLE;
	assert_int_equal(run_kick(open_target(), &result), -ENODEV);
	assert_string_equal(result.failure, "it is no more");
}

static void a_device_that_is_gone_is_a_finding_of_the_operation(void **state)
{
	struct child_result result;

	(void)state;
	behaviour.kind = VRINGER_REPORT_GONE;
	assert_int_equal(run_kick(open_target(), &result), 0);
	assert_false(result.passed);
	assert_int_equal(result.finding_count, 1);
	assert_int_equal(result.findings[0].kind, FINDING_REPORTED);
	assert_string_equal(result.findings[0].signature, "peer:exit-1:notify");
	assert_string_equal(result.findings[0].message, "it is no more");
	assert_int_equal(result.findings[0].op, 1);
}

static void a_fault_is_a_finding_too(void **state)
{
	struct child_result result;

	(void)state;
	behaviour.kind = VRINGER_REPORT_FAULT;
	behaviour.signature = "stray-write";
	assert_int_equal(run_kick(open_target(), &result), 0);
	assert_false(result.passed);
	assert_string_equal(result.findings[0].signature, "stray-write:notify");
}

static void a_device_that_is_well_passes(void **state)
{
	struct child_result result;

	(void)state;
	assert_int_equal(run_kick(open_target(), &result), 0);
	assert_true(result.passed);
}

static void a_signature_with_an_address_in_it_is_refused(void **state)
{
	struct child_result result;

	(void)state;
	behaviour.kind = VRINGER_REPORT_FAULT;
	behaviour.signature = "died at 0x1234";
	assert_int_equal(run_kick(open_target(), &result), 0);
	assert_int_not_equal(result.findings[0].kind, FINDING_REPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opening_asks_nothing, setup),
		cmocka_unit_test_setup(a_probe_takes_away_and_is_asked_once, setup),
		cmocka_unit_test_setup(queues_at_the_end_may_be_missing, setup),
		cmocka_unit_test_setup(fields_at_the_end_may_be_missing, setup),
		cmocka_unit_test_setup(a_wrong_probe_is_refused, setup),
		cmocka_unit_test_setup(what_cannot_be_run_is_no_finding, setup),
		cmocka_unit_test_setup(a_device_that_is_gone_is_a_finding_of_the_operation, setup),
		cmocka_unit_test_setup(a_fault_is_a_finding_too, setup),
		cmocka_unit_test_setup(a_device_that_is_well_passes, setup),
		cmocka_unit_test_setup(a_signature_with_an_address_in_it_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
