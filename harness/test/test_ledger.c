/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The judge: every rule is broken once, kept once, and not judged where a fact
 * is missing; severities; findings.  Correct devices in odd places are in
 * test_ledger_chains.c and test_ledger_sessions.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

#include <linux/virtio_ids.h>

static bool found(enum rule rule)
{
	for (unsigned i = 0; i < ledger.finding_count; i++)
		if (ledger.findings[i].kind == FINDING_RULE && ledger.findings[i].rule == rule)
			return true;
	return false;
}

static bool in_set(const uint64_t *set, enum rule rule)
{
	return (set[rule / 64] >> rule % 64 & 1) != 0;
}

/* Judged by a run of a whole program. */
static bool is_of_the_run(enum rule rule)
{
	return rule == RULE_REQUEST_ANSWERED || rule == RULE_REQUEST_RESUMED ||
	       rule == RULE_REQUEST_DIVIDED || rule == RULE_SNAPSHOT_REFUSED ||
	       rule == RULE_SNAPSHOT_SAME || rule == RULE_SNAPSHOT_POSSIBLE ||
	       rule == RULE_SNAPSHOT_CARRY_ON || rule == RULE_RESET_REGISTERS ||
	       rule == RULE_LIVENESS_REQUEST || rule == RULE_RESET_SESSION ||
	       rule == RULE_FETCH_CONSISTENT || rule == RULE_MEMORY_LOGGED;
}

static void every_rule_has_a_case(void **state)
{
	unsigned cases[RULE_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++)
		cases[ledger_cases[i].rule]++;
	for (int i = 0; i < RULE_COUNT; i++)
		if (cases[i] != 1)
			fail_msg("%s has %u cases", rule_table[i].id, cases[i]);
}

static void a_broken_rule_is_found_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		const char *id = rule_table[ledger_cases[i].rule].id;

		rig_new();
		ledger_cases[i].broken();
		if (ledger.finding_count == 0)
			fail_msg("%s is broken and not found", id);
		if (ledger.finding_count != 1 || !found(ledger_cases[i].rule))
			fail_msg("%s is broken and found is %s: %s", id,
				 ledger.findings[0].signature, ledger.findings[0].message);
		assert_true(ledger.stop);
		assert_true(in_set(ledger.judged, ledger_cases[i].rule));
	}
}

static void its_correct_neighbour_is_silent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		rig_new();
		ledger_cases[i].correct();
		if (ledger.finding_count != 0)
			fail_msg("next to %s, %s: %s", rule_table[ledger_cases[i].rule].id,
				 ledger.findings[0].signature, ledger.findings[0].message);
		assert_false(ledger.stop);
		if (is_of_the_run(ledger_cases[i].rule) &&
		    !in_set(ledger.judged, ledger_cases[i].rule))
			fail_msg("next to %s nothing is judged",
				 rule_table[ledger_cases[i].rule].id);
	}
}

static void without_a_fact_it_needs_a_rule_is_not_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		enum rule rule = ledger_cases[i].rule;

		for (unsigned fact = 1; fact <= FACT_ALL; fact <<= 1) {
			if (rule_extent(rule, FACT_ALL & ~fact) != RULE_NOT_JUDGED)
				continue;
			rig_new();
			rig_target.facts &= ~fact;
			ledger_cases[i].broken();
			if (found(rule))
				fail_msg("%s is judged without fact %u", rule_table[rule].id, fact);
			if (!in_set(ledger.not_judged, rule))
				fail_msg("%s is passed over in silence without fact %u",
					 rule_table[rule].id, fact);
			assert_false(in_set(ledger.judged, rule));
		}
	}
}

static void a_target_without_facts_has_all_its_rules_reported_as_not_judged(void **state)
{
	(void)state;
	rig_new();
	rig_target.facts = 0;
	rig_live(8);
	for (int i = 0; i < RULE_COUNT; i++)
		if (in_set(ledger.not_judged, (enum rule)i) != (rule_table[i].facts != 0))
			fail_msg("%s", rule_table[i].id);
	/* Rules for our own models say nothing of others. */
	rig_target.model = false;
	rig_live(8);
	for (int i = 0; i < RULE_COUNT; i++)
		assert_int_equal(in_set(ledger.not_judged, (enum rule)i),
				 rule_table[i].severity != SEVERITY_MODEL);
}

static void a_rule_that_is_not_judged_is_not_reported_as_judged(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	serve(0);
	for (int i = 0; i < RULE_COUNT; i++)
		assert_false(in_set(ledger.not_judged, (enum rule)i));
	assert_true(in_set(ledger.judged, RULE_COMPLETION_LEN));
	assert_false(in_set(ledger.judged, RULE_MEMORY_WRITE));
}

static void severities_decide_what_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		enum rule rule = ledger_cases[i].rule;
		uint8_t severity = rule_table[rule].severity;

		if (is_of_the_run(rule))
			continue;
		for (unsigned options = 0; options < 4; options++) {
			bool fails = severity == SEVERITY_MUST || severity == SEVERITY_MODEL ||
				     (severity == SEVERITY_SHOULD && (options & 1) != 0) ||
				     (severity == SEVERITY_LIMIT && (options & 2) != 0);

			rig_new();
			rig_live(8);
			ledger.judging.strict = (options & 1) != 0;
			ledger.judging.limits = (options & 2) != 0;
			ledger_break(&ledger, rule, "by hand");
			assert_true(found(rule));
			assert_int_equal(ledger.stop, fails);
		}
	}
}

static void model_rules_do_not_judge_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		enum rule rule = ledger_cases[i].rule;

		if (rule_table[rule].severity != SEVERITY_MODEL)
			continue;
		rig_new();
		rig_target.model = false;
		ledger_cases[i].broken();
		if (ledger.finding_count != 0)
			fail_msg("%s: %s", rule_table[rule].id, ledger.findings[0].signature);
	}
}

static void a_ledger_that_is_off_judges_nothing(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	ledger.enabled = false;
	notify();
	avail_idx(9);
	used_idx(700);
	raise_interrupt(1);
	shown.status = 0xffffffff;
	done();
	rest(DEVICE_IDLE);
	assert_int_equal(ledger.finding_count, 0);
}

static void the_first_that_fails_stops_and_is_the_only_one(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	notify();
	used_idx(3);
	assert_true(ledger.stop);
	used_idx(9);
	access_ring(GUEST_AVAIL_IDX, false, 0, 2);
	ledger_break(&ledger, RULE_STATUS_RESET, "later");
	ledger_find(&ledger, FINDING_LEAK, "leak", "later");
	assert_int_equal(ledger.finding_count, 1);
	assert_int_equal(ledger.findings[0].rule, RULE_ORDER_ENTRY);
}

static void lesser_rules_are_told_once_and_leave_room_for_a_failure(void **state)
{
	unsigned lesser = 0;

	(void)state;
	rig_new();
	rig_live(8);
	ledger.judging.strict = ledger.judging.limits = false;
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < RULE_COUNT; i++)
			if (rule_table[i].severity == SEVERITY_SHOULD ||
			    rule_table[i].severity == SEVERITY_LIMIT) {
				ledger_break(&ledger, (enum rule)i, "turn %d", turn);
				lesser++;
			}
	assert_true(lesser / 2 > LEDGER_FINDINGS_MAX);
	assert_int_equal(ledger.finding_count, LEDGER_FINDINGS_MAX - 1);
	assert_false(ledger.stop);
	for (unsigned i = 0; i < ledger.finding_count; i++)
		assert_string_equal(ledger.findings[i].message, "turn 0");
	ledger_break(&ledger, RULE_ORDER_ENTRY, "fails");
	assert_true(ledger.stop);
	assert_int_equal(ledger.findings[LEDGER_FINDINGS_MAX - 1].rule, RULE_ORDER_ENTRY);
}

static void a_signature_is_the_rule_and_the_operation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger_case_count; i++) {
		enum rule rule = ledger_cases[i].rule;
		char expected[64];

		rig_new();
		ledger_cases[i].broken();
		snprintf(expected, sizeof(expected), "%s:%s", rule_table[rule].id,
			 ledger.findings[0].verb);
		assert_string_equal(ledger.findings[0].signature, expected);
		assert_null(strstr(ledger.findings[0].signature, "0x"));
		assert_true(strlen(ledger.findings[0].message) > 15);
		if (is_of_the_run(rule)) {
			assert_int_equal(ledger.findings[0].op, rule == RULE_FETCH_CONSISTENT	 ? 5
								: rule == RULE_REQUEST_ANSWERED	 ? 1
								: rule == RULE_MEMORY_LOGGED	 ? 1
								: rule == RULE_REQUEST_RESUMED	 ? 2
								: rule == RULE_SNAPSHOT_POSSIBLE ? 2
								: rule == RULE_SNAPSHOT_REFUSED	 ? 3
								: rule == RULE_SNAPSHOT_SAME
									? 3
									: FINDING_OP_END);
			continue;
		}
		assert_string_equal(ledger.findings[0].verb, "test");
		assert_int_equal(ledger.findings[0].op, 7);
	}
}

static void rules_have_ids_clauses_and_abort_functions_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < RULE_COUNT; i++) {
		assert_int_equal(rule_find(rule_table[i].id), i);
		assert_true(strlen(rule_table[i].clause) > 0);
		assert_true(strlen(rule_table[i].demand) > 0);
		for (int j = 0; j < i; j++)
			assert_true(rule_table[i].fail != rule_table[j].fail);
	}
	assert_int_equal(rule_find("no.such-rule"), -1);
	assert_int_equal(rule_find(""), -1);
}

static int fatal_calls;

static void on_fatal(void *ctx, const struct finding *finding)
{
	assert_ptr_equal(ctx, &fatal_calls);
	assert_int_equal(finding->kind, FINDING_HANG);
	assert_string_equal(finding->signature, "endless-loop:test");
	fatal_calls++;
}

static void a_call_of_endless_accesses_is_a_hang(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	fatal_calls = 0;
	ledger.fatal = on_fatal;
	ledger.fatal_ctx = &fatal_calls;
	notify();
	for (uint32_t i = 1; i < LEDGER_ACCESSES_MAX; i++)
		avail_idx(0);
	assert_int_equal(ledger.finding_count, 0);
	avail_idx(0);
	assert_int_equal(fatal_calls, 1);
	assert_true(ledger.stop);
}

static void memory_without_end_is_out_of_memory(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	notify();
	rig_heap.exhausted = true;
	done();
	assert_int_equal(ledger.finding_count, 1);
	assert_int_equal(ledger.findings[0].kind, FINDING_OOM);
	assert_string_equal(ledger.findings[0].signature, "out-of-memory:test");
}

static bool tells(size_t event, enum follower_id first, unsigned count)
{
	unsigned n = 0;

	while (ledger.followers.told[event][n] != NULL)
		n++;
	return n == count && (ledger.followers.applying >> first & 1) == (count > 0);
}

/* Those that apply, and of these those that have to know; as the target is, not as it was. */
static void followers_are_those_of_the_target(void **state)
{
	(void)state;
	rig_new();
	for (size_t event = 0; event < FOLLOWER_EVENTS; event++)
		assert_true(tells(event, FOLLOWER_STREAM, 0));
	rig_port();
	rig_dialogue();
	rig_reset();
	assert_int_equal(ledger.followers.applying, 1u << FOLLOWER_PORT | 1u << FOLLOWER_DIALOGUE);
	assert_true(tells(FOLLOWER_EVENT(accessed), FOLLOWER_PORT, 2));
	assert_true(tells(FOLLOWER_EVENT(may_wait), FOLLOWER_PORT, 1));
	assert_true(tells(FOLLOWER_EVENT(moved), FOLLOWER_NET, 0));
	rig_new();
	rig_target.device_id = VIRTIO_ID_NET;
	rig_reset();
	assert_int_equal(ledger.followers.applying, 1u << FOLLOWER_NET);
	assert_true(tells(FOLLOWER_EVENT(moved), FOLLOWER_NET, 1));
	assert_true(tells(FOLLOWER_EVENT(may_wait), FOLLOWER_PORT, 0));
}

/* A long program is run again once, with the device restored at a quarter, the half and three
 * quarters of it: what it loses at the last of them alone is found as well. */
static void a_long_program_is_restored_at_each_quarter(void **state)
{
	(void)state;
	for (unsigned before = 1; before <= 7; before += 3) {
		rig_new();
		case_secret_not_restored_for_long(before);
		assert_int_equal(ledger.finding_count, 1);
		assert_true(found(RULE_SNAPSHOT_CARRY_ON));
		assert_non_null(strstr(ledger.findings[0].message,
				       "after 2500 operations, and again after as many"));
		rig_new();
		case_secret_restored_for_long(before);
		assert_int_equal(ledger.finding_count, 0);
		assert_true(in_set(ledger.judged, RULE_SNAPSHOT_CARRY_ON));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followers_are_those_of_the_target),
		cmocka_unit_test(every_rule_has_a_case),
		cmocka_unit_test(a_broken_rule_is_found_and_nothing_else),
		cmocka_unit_test(its_correct_neighbour_is_silent),
		cmocka_unit_test(a_long_program_is_restored_at_each_quarter),
		cmocka_unit_test(without_a_fact_it_needs_a_rule_is_not_judged),
		cmocka_unit_test(a_target_without_facts_has_all_its_rules_reported_as_not_judged),
		cmocka_unit_test(a_rule_that_is_not_judged_is_not_reported_as_judged),
		cmocka_unit_test(severities_decide_what_fails),
		cmocka_unit_test(model_rules_do_not_judge_others),
		cmocka_unit_test(a_ledger_that_is_off_judges_nothing),
		cmocka_unit_test(the_first_that_fails_stops_and_is_the_only_one),
		cmocka_unit_test(lesser_rules_are_told_once_and_leave_room_for_a_failure),
		cmocka_unit_test(a_signature_is_the_rule_and_the_operation),
		cmocka_unit_test(rules_have_ids_clauses_and_abort_functions_of_their_own),
		cmocka_unit_test(a_call_of_endless_accesses_is_a_hang),
		cmocka_unit_test(memory_without_end_is_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
