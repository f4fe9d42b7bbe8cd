/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is newer than the version of VIRTIO that a device was written against: rules and `>`
 * lines that stand for it are noted where they are broken, and fail nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/program/clause.h"
#include "harness/rules/finding.h"
#include "harness/run/child.h"
#include "harness/run/sanitizers.h"

#include <cmocka.h>

#include "broken.h"
#include "signals.h"

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

static struct target target;
static struct script script;
static struct child_result result;
static char words[CHILD_WORDS_MAX];

static void a_statement_has_a_version_and_a_section_has_none(void **state)
{
	(void)state;
	assert_int_equal(clause_since("dev.status.field.1"), 0x0102);
	assert_int_equal(clause_since("dev.feature.bits.3"), 0x0103);
	assert_int_equal(clause_since("dev.init.suspend.1"), 0x0104);
	assert_int_equal(clause_since("3.4"), 0);
	assert_int_equal(clause_since("policy"), 0);
	assert_int_equal(clause_since("dev.no.such.1"), 0);
}

static bool holds_against(uint16_t virtio, enum rule rule, struct judging judging)
{
	const struct finding finding = { .kind = FINDING_RULE, .rule = (uint16_t)rule };

	target.virtio = virtio;
	judging = target_judging(&target, judging);
	assert_int_equal(finding_fails(&finding, &judging), rule_fails(rule, &judging));
	assert_int_equal(finding_is_newer(&finding, &judging), rule_is_newer(rule, &judging));
	return rule_fails(rule, &judging);
}

static void a_rule_is_held_against_devices_of_its_version_and_later(void **state)
{
	const struct judging all = { .strict = true, .limits = true };

	(void)state;
	for (uint16_t virtio = 0x0102; virtio <= 0x0105; virtio++) {
		assert_int_equal(holds_against(virtio, RULE_SUSPEND_EARLY, all), virtio >= 0x0104);
		assert_int_equal(holds_against(virtio, RULE_SUSPEND_TOLD, all), virtio >= 0x0104);
		assert_int_equal(holds_against(virtio, RULE_STATUS_OFFERED, all), virtio >= 0x0103);
		assert_true(holds_against(virtio, RULE_STATUS_RESET, all));
		/* Policy, and a section. */
		assert_true(holds_against(virtio, RULE_WORK_ACCESSES, all));
		assert_true(holds_against(virtio, RULE_COMPLETION_NOT_HELD, all));
	}
	assert_true(holds_against(0, RULE_SUSPEND_EARLY, all));
	assert_false(holds_against(0x0104, RULE_SUSPEND_TOLD, (struct judging){ .strict = false }));
}

/* A device that died is no matter of versions. */
static void other_findings_are_of_no_version(void **state)
{
	const struct finding finding = { .kind = FINDING_SIGNAL, .rule = RULE_SUSPEND_EARLY };
	struct judging judging = { .strict = false };

	(void)state;
	target.virtio = 0x0102;
	judging = target_judging(&target, judging);
	assert_true(finding_fails(&finding, &judging));
	assert_false(finding_is_newer(&finding, &judging));
}

/* A new device rests in status 0: the first line is met, the second is not. */
static void run_script(const char *clauses, uint16_t virtio)
{
	const struct child_job job = {
		.script = &script,
		.target = &target,
		.expect = true,
		.judging = { .strict = true, .limits = true },
		.words = words,
	};
	struct text_error error;
	char text[200];

	target.virtio = virtio;
	snprintf(text, sizeof(text), "device any\n%s\nreset\n> status 0\n> status DRIVER\n",
		 clauses);
	if (text_parse(&script, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	signals_as_before();
	assert_int_equal(child_run(&job, &result, NULL), 0);
	signals_as_cmocka();
}

static void assert_noted(const char *clauses, uint16_t virtio)
{
	run_script(clauses, virtio);
	assert_true(result.passed);
	assert_int_equal(result.unmet_count, 1);
	assert_int_equal(result.unmet[0].line, 5);
	assert_true(result.unmet[0].newer);
	assert_int_equal(result.demands[0], DEMAND_MET);
	assert_int_equal(result.demands[1], DEMAND_NOT_JUDGED);
}

static void assert_fails(const char *clauses, uint16_t virtio)
{
	run_script(clauses, virtio);
	assert_false(result.passed);
	assert_int_equal(result.failed_line, 5);
	assert_int_equal(result.demands[1], DEMAND_BROKEN);
}

static void a_line_is_noted_if_all_that_its_script_stands_for_is_newer(void **state)
{
	(void)state;
	target.model = false;
	assert_noted("clause dev.init.suspend.6", 0x0102);
	assert_noted("clause dev.init.suspend.6 dev.feature.bits.3", 0x0102);
	assert_fails("clause dev.init.suspend.6 dev.feature.bits.3", 0x0103);
	assert_fails("clause dev.init.suspend.6", 0x0104);
	assert_fails("clause dev.init.suspend.6", 0);
	assert_fails("clause dev.init.suspend.6 dev.status.field.1", 0x0102);
	assert_fails("clause dev.init.suspend.6 3.4", 0x0102);
	assert_fails("clause policy", 0x0102);
	assert_fails("", 0x0102);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_has_a_version_and_a_section_has_none),
		cmocka_unit_test(a_rule_is_held_against_devices_of_its_version_and_later),
		cmocka_unit_test(other_findings_are_of_no_version),
		cmocka_unit_test(a_line_is_noted_if_all_that_its_script_stands_for_is_newer),
	};

	signals_remember();
	target = broken_target;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
