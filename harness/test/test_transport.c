/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The tables of transports: each call is there, or those of registers are none of them;
 * an activated device is driven without one register access, from the first call to the
 * last; what needs registers is refused with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <endian.h>
#include <linux/virtio_mmio.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/guest/transport.h"
#include "harness/run/child.h"

#include <cmocka.h>

static struct script script;
static struct child_result result;
static struct target target;
static struct target_calls calls;

static void parse(const char *text)
{
	struct text_error error;

	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
}

/* Are those bytes of the table no NULL pointer? */
static bool is_call(const struct transport *t, size_t at)
{
	const void *none = NULL;

	return memcmp((const char *)t + at, &none, sizeof(none)) != 0;
}

#define CALL(field)                                                                                \
	{                                                                                          \
#field, offsetof(struct transport, field)                                          \
	}
static const struct {
	const char *name;
	size_t at;
} always[] = {
	CALL(name),	       CALL(write_status),
	CALL(read_features),   CALL(write_features),
	CALL(select_queue),    CALL(read_queue_max),
	CALL(write_queue),     CALL(write_queue_ready),
	CALL(notify),	       CALL(ack_interrupt),
	CALL(read_config),     CALL(write_config),
	CALL(aim),	       CALL(aim_at_first),
	CALL(look_status),     CALL(look_interrupt_status),
	CALL(look_generation), CALL(look_features),
	CALL(look_queue_max),  CALL(look_queue_ready),
	CALL(look_config),     CALL(write_queue_reset),
	CALL(look_queue_reset),
}, registers[] = {
	CALL(read_register),
	CALL(write_register),
	CALL(look_register),
};
#undef CALL
_Static_assert(sizeof(always) / sizeof(always[0]) + sizeof(registers) / sizeof(registers[0]) ==
		       (sizeof(struct transport) -
			sizeof(((struct transport *)NULL)->features_hidden)) /
			       sizeof(void *),
	       "every member of struct transport is in one of the two lists");

static void every_call_is_there(void **state)
{
	(void)state;
	for (const struct transport *const *t = transport_all; *t != NULL; t++) {
		bool has = is_call(*t, registers[0].at);

		for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
			if (!is_call(*t, always[i].at))
				fail_msg("%s has no %s", (*t)->name, always[i].name);
		for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
			if (is_call(*t, registers[i].at) != has)
				fail_msg("%s has %s or has it not, unlike %s", (*t)->name,
					 registers[i].name, registers[0].name);
	}
	assert_non_null(transport_mmio.read_register);
	assert_null(transport_activated.read_register);
}

static void a_transport_has_a_name(void **state)
{
	(void)state;
	assert_ptr_equal(transport_find("mmio"), &transport_mmio);
	assert_ptr_equal(transport_find("activated"), &transport_activated);
	assert_null(transport_find("pci"));
	assert_ptr_equal(transport_or_first(NULL), &transport_mmio);
	assert_null(transport_to_name(NULL));
	assert_null(transport_to_name(&transport_mmio));
	assert_string_equal(transport_to_name(&transport_activated), "activated");
}

/* A target that lacks one of the calls is none. */
static void a_table_without_a_call_is_a_fault(void **state)
{
	const struct target *loopback = target_find("net-loopback");

	(void)state;
	target = *loopback;
	target.calls = &calls;
	calls = *loopback->calls;
	assert_null(target_fault(&target));
#define WITHOUT_LOOK(type, name, parameters, arguments) WITHOUT_ACT(name, parameters, arguments)
#define WITHOUT_ACT(name, parameters, arguments)                                                   \
	calls = *loopback->calls;                                                                  \
	calls.name = NULL;                                                                         \
	if (target_fault(&target) == NULL)                                                         \
		fail_msg("a table without %s is taken", #name);
	TARGET_CALLS(WITHOUT_LOOK, WITHOUT_ACT)
}

static void no_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	(void)device;
	(void)buf;
	(void)len;
	fprintf(stderr, "a register read at 0x%llx\n", (unsigned long long)offset);
	abort();
}

static void no_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	(void)device;
	(void)buf;
	(void)len;
	fprintf(stderr, "a register write at 0x%llx\n", (unsigned long long)offset);
	abort();
}

#define SESSION                                                                                    \
	"start driver_ok size=8\n"                                                                 \
	"> status ACKNOWLEDGE|DRIVER|DRIVER_OK|FEATURES_OK\n"                                      \
	"config_read 0 width=1\n"                                                                  \
	"config_write 0 0x55\n"                                                                    \
	"offer 0 b9:w\n"                                                                           \
	"pattern b3 len=76\n"                                                                      \
	"send 1 b3\n"                                                                              \
	"> interrupts used=1 config=0\n"                                                           \
	"> interrupt_status used\n"                                                                \
	"ack used\n"                                                                               \
	"> interrupt_status 0\n"                                                                   \
	"> used 0 id=0 len=76\n"                                                                   \
	"save\n"                                                                                   \
	"restore\n"                                                                                \
	"> restored\n"                                                                             \
	"ready 1 0\n"                                                                              \
	"notify 1\n"                                                                               \
	"reset\n"                                                                                  \
	"> status 0\n"

static void run_on(const struct transport *transport, const char *text)
{
	struct child_job job = {
		.script = &script,
		.target = &target,
		.transport = transport,
		.expect = true,
		.judging = { .strict = true, .limits = true },
		.leaks = true,
	};
	static char report[CHILD_REPORT_MAX];

	parse(text);
	assert_int_equal(child_run(&job, &result, report), 0);
}

static bool is_judged(const char *rule)
{
	int i = rule_find(rule);

	assert_true(i >= 0);
	return (result.not_judged[i / 64] >> i % 64 & 1) == 0;
}

/* All of a run, with what comes after the program and the twins. */
static void an_activated_device_sees_no_register(void **state)
{
	(void)state;
	target = *target_find("net-loopback");
	target.read = no_read;
	target.write = no_write;
	run_on(&transport_activated, "device net-loopback\n" SESSION);
	if (result.finding_count > 0)
		fail_msg("%s", result.findings[0].message);
	if (!result.passed)
		fail_msg("line %u: %s", result.failed_line, result.failure);
	assert_true(result.completions > 0);
	assert_false(is_judged("status.identity"));
	assert_false(is_judged("reset.registers"));
	assert_true(is_judged("status.reset"));
	assert_true(is_judged("status.torn"));
	/* The test can fail. */
	run_on(&transport_mmio, "device net-loopback\n" SESSION);
	assert_true(result.finding_count > 0);
}

static uint32_t status_never_0(const void *device)
{
	return target_find("net-loopback")->calls->status(device) | 1;
}

static void no_notify(void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
}

static void assert_finds(const char *rule)
{
	run_on(&transport_activated, "device net-loopback\n" SESSION);
	assert_true(result.finding_count > 0);
	assert_string_equal(rule_table[result.findings[0].rule].id, rule);
}

/* What the calls show is judged, and so is what a device makes of them. */
static void what_a_call_does_wrong_is_found(void **state)
{
	(void)state;
	target = *target_find("net-loopback");
	calls = *target.calls;
	target.calls = &calls;
	calls.status = status_never_0;
	assert_finds("status.reset");
	calls = *target_find("net-loopback")->calls;
	calls.notify = no_notify;
	assert_finds("stuck.notify");
}

static void assert_unmet(const char *text, uint32_t line)
{
	uint32_t at;

	parse(text);
	assert_non_null(transport_unmet(&transport_activated, &target, &script, &at));
	assert_int_equal(at, line);
	assert_null(transport_unmet(&transport_mmio, &target, &script, &at));
	assert_null(transport_unmet(NULL, &target, &script, &at));
}

static void what_needs_registers_is_told(void **state)
{
	uint32_t at;

	(void)state;
	target = *target_find("net-loopback");
	assert_unmet("device any\nreset\nread Status\n", 3);
	assert_unmet("device any\nwrite QueueSel 1\n", 2);
	assert_unmet("device any\nreset\n\n> read Version 2\n", 4);
	parse("device any\nreset\nconfig_read 0\n> status 0\n> interrupt_status 0\n");
	assert_null(transport_unmet(&transport_activated, &target, &script, &at));
	target.calls = NULL;
	assert_unmet("device any\nreset\n", 0);
}

/* The liveness script is not judged where it cannot be run, and nothing else changes. */
static void a_liveness_script_may_need_registers(void **state)
{
	(void)state;
	target = *target_find("net-loopback");
	target.liveness = "device any\nread Status\n> value 7\n";
	run_on(&transport_activated, "device net-loopback\n" SESSION);
	assert_true(result.passed);
	assert_non_null(strstr(result.shortage, "needs registers"));
	run_on(&transport_mmio, "device net-loopback\n" SESSION);
	assert_int_equal(result.findings[0].rule, RULE_LIVENESS_REQUEST);
}

/* What the driver is to write to QueueNotify, one after the other; what comes behind is not looked
 * at: twins, the reset, the liveness script. */
static const uint32_t *due;
static unsigned due_count, notified;

static void check_notification(uint32_t value)
{
	if (notified < due_count && value != due[notified]) {
		fprintf(stderr, "notification %u is 0x%x, not 0x%x\n", notified, value,
			due[notified]);
		abort();
	}
	notified++;
}

static void write_checked(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	uint32_t value;

	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && len == sizeof(value)) {
		memcpy(&value, buf, sizeof(value));
		check_notification(le32toh(value));
	}
	target_find("net-loopback")->write(device, offset, buf, len);
}

static void notify_checked(void *device, uint32_t queue)
{
	check_notification(queue);
	target_find("net-loopback")->calls->notify(device, queue);
}

static void assert_notifies(const struct transport *transport, const char *text,
			    const uint32_t *values, unsigned count)
{
	due = values;
	due_count = count;
	notified = 0;
	run_on(transport, text);
	if (result.finding_count > 0)
		fail_msg("%s: %s", text, result.findings[0].message);
	assert_true(result.passed);
}

#define COUNT(values) (sizeof(values) / sizeof((values)[0]))
#define FRAMES                                                                                     \
	"send 1 b3\nsend 1 head=1 b3\nnotify 1\nnotify 1 flip=0x8001\nnotify 0\n"                  \
	"notify 0x12340001\nnotify 77\nsend 1 b3\nsend 1 b3\nnotify 1\n"

/* Of a split ring the available index, of a packed one offset and wrap counter; nothing to a device
 * that was not told so, and over a transport that has no place for it. */
static void a_notification_says_where_the_driver_is(void **state)
{
	static const uint32_t split[] = { 0x10001,    0x20001, 0x20001, 0x80030001, 0,
					  0x12340001, 77,      0x30001, 0x40001,    0x40001 };
	static const uint32_t packed[] = { 0x80010001, 0x80020001, 0x80020001, 0x00030001,
					   0x80000000, 0x12340001, 77,	       0x00000001,
					   0x00010001, 0x00010001 };
	static const uint32_t plain[] = { 1, 1, 1, 1, 0, 0x12340001, 77, 1, 1, 1 };

	(void)state;
	target = *target_find("net-loopback");
	target.write = write_checked;
	assert_notifies(
		&transport_mmio,
		"device net-loopback\nstart driver_ok size=4 accept=NOTIFICATION_DATA\n" FRAMES,
		split, COUNT(split));
	assert_notifies(&transport_mmio,
			"device net-loopback\n"
			"start driver_ok size=3 ring=packed accept=NOTIFICATION_DATA\n" FRAMES,
			packed, COUNT(packed));
	assert_notifies(&transport_mmio, "device net-loopback\nstart driver_ok size=4\n" FRAMES,
			plain, COUNT(plain));
	calls = *target.calls;
	calls.notify = notify_checked;
	target.calls = &calls;
	assert_notifies(
		&transport_activated,
		"device net-loopback\nstart driver_ok size=4 accept=NOTIFICATION_DATA\n" FRAMES,
		plain, COUNT(plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_there),
		cmocka_unit_test(a_transport_has_a_name),
		cmocka_unit_test(a_table_without_a_call_is_a_fault),
		cmocka_unit_test(an_activated_device_sees_no_register),
		cmocka_unit_test(what_a_call_does_wrong_is_found),
		cmocka_unit_test(what_needs_registers_is_told),
		cmocka_unit_test(a_liveness_script_may_need_registers),
		cmocka_unit_test(a_notification_says_where_the_driver_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
