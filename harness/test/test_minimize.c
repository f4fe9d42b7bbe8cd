/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The minimiser: every kind of finding stays what it is while all the noise
 * around it goes, twice the same; what it refuses, and an interrupt.  Which
 * parts of a program shrink how is in test_minimize_shapes.c.
 */
#include "broken.h"
#include "minimize_rig.h"

#include "harness/run/sanitizers.h"

#include <errno.h>

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

#define NOISE_BEFORE                                                                               \
	"# What a script says of itself goes.\n"                                                   \
	"device any features=0x1ffffffff queue_max=4,2 budget=3\n"                                 \
	"clause dev.status.field.1\n"                                                              \
	"name b3 = frame\n"                                                                        \
	"start driver_ok size=4\n"                                                                 \
	"read Status\n"                                                                            \
	"> status +DRIVER_OK\n"                                                                    \
	"store frame+5 0102030405\n"                                                               \
	"fill b9 len=76 value=0xee\n"                                                              \
	"repeat 7\n"                                                                               \
	"  read 0x071 width=2\n"                                                                   \
	"  repeat 2\n"                                                                             \
	"    config_read 3 width=1\n"                                                              \
	"  end\n"                                                                                  \
	"end\n"                                                                                    \
	"desc 0 1 addr=frame len=64 flags=next|write next=2\n"                                     \
	"race 3 q0.desc+8 ffff\n"
#define NOISE_AFTER                                                                                \
	"take 0\n"                                                                                 \
	"read InterruptStatus\n"                                                                   \
	"buffer b9 at=top-64 len=8\n"                                                              \
	"config_write 3 77 width=1\n"                                                              \
	"nop 0x99\n"

/* `first`: operations that the misdeed needs before it. */
static void assert_needs(const char *first, enum misdeed misdeed, const char *signature)
{
	char text[2000], program[200];

	snprintf(text, sizeof(text), "%sconfig_write 0 %d007 width=8\n%s", NOISE_BEFORE,
		 (int)misdeed, NOISE_AFTER);
	/* Large numbers are written otherwise. */
	snprintf(program, sizeof(program),
		 misdeed < 5 ? "device picky\n%sconfig_write 0 %u\n"
			     : "device picky\n%sconfig_write 0 0x%x\n",
		 first, (unsigned)misdeed * 1000 + 7);
	assert_shrinks(text, signature, program);
}

static void assert_misdeed_shrinks(enum misdeed misdeed, const char *signature)
{
	assert_needs("", misdeed, signature);
}

static void twice_is_twice_the_same(void **state)
{
	(void)state;
	assert_shrinks_twice(NOISE_BEFORE "config_write 0 1007\n" NOISE_AFTER, "asan:SEGV:crash<",
			     "device picky\nconfig_write 0 1007\n");
	assert_shrinks_twice(NOISE_BEFORE "config_write 0 17007\n" NOISE_AFTER,
			     "reset.registers:end-reset", "device picky\nconfig_write 0 0x426f\n");
}

static void crashes_shrink_to_one_operation(void **state)
{
	(void)state;
	assert_misdeed_shrinks(MISDEED_SEGV, "asan:SEGV:crash<");
	assert_misdeed_shrinks(MISDEED_OVERFLOW, "asan:heap-buffer-overflow:overflow<");
	assert_misdeed_shrinks(MISDEED_DIVIDE, "ubsan:division-by-zero");
	assert_misdeed_shrinks(MISDEED_ABORT, "");
	assert_true(result.finding.kind == FINDING_SIGNAL ||
		    result.finding.kind == FINDING_SANITIZER);
}

static void exits_shrink_to_one_operation(void **state)
{
	(void)state;
	assert_misdeed_shrinks(MISDEED_EXIT, "exit:3:config_write");
	assert_misdeed_shrinks(MISDEED_EXIT_0, "exit:0:config_write");
}

static void memory_without_end_shrinks_to_one_operation(void **state)
{
	(void)state;
	assert_misdeed_shrinks(MISDEED_EAT_AT_ONCE, "asan:");
	assert_int_equal(result.finding.kind, FINDING_OOM);
}

static void leaks_shrink_to_one_operation(void **state)
{
	(void)state;
	assert_misdeed_shrinks(MISDEED_LEAK_HEAP, "leak:destroy");
	assert_misdeed_shrinks(MISDEED_LEAK_AT_RESET, "leak:destroy");
	assert_misdeed_shrinks(MISDEED_LEAK_MALLOC, "lsan:leak:leak_malloc");
}

static void broken_rules_shrink_to_one_operation(void **state)
{
	char *out;

	(void)state;
	assert_misdeed_shrinks(MISDEED_KEEP_REGISTER, "reset.registers:end-reset");
	out = printed();
	assert_memory_equal(
		out, "# reset.registers:end-reset (must, VIRTIO 1.4 dev.mmio.regs.5): ",
		strlen("# reset.registers:end-reset (must, VIRTIO 1.4 dev.mmio.regs.5): "));
	free(out);
	assert_misdeed_shrinks(MISDEED_DIE_AT_RESET, "liveness.request:liveness");
	out = printed();
	assert_non_null(strstr(out, "(limit, house policy): "));
	free(out);
}

static void an_endless_loop_of_accesses_shrinks(void **state)
{
	(void)state;
	options.judging.limits = false;
	/* Before DRIVER_OK a single access is a finding of another kind. */
	assert_needs("start driver_ok\n", MISDEED_SPIN_READING, "endless-loop:config_write");
	assert_int_equal(result.finding.kind, FINDING_HANG);
	options.judging.limits = true;
}

/* Each candidate that hangs costs a second: little noise, and once. */
static void a_hang_shrinks(void **state)
{
	(void)state;
	options.seconds = 1;
	assert_shrinks("device any\nstart driver_ok\nread Status\nconfig_write 0 5007\nreset\n",
		       "hang:config_write", "device picky\nconfig_write 0 0x138f\n");
	options.seconds = 0;
}

static void a_crash_is_not_traded_for_another(void **state)
{
	(void)state;
	/* Alone, the second is a finding too. */
	assert_shrinks("device any\nreset\nconfig_write 0 3007\nconfig_write 0 4007\n",
		       "exit:3:config_write", "device picky\nconfig_write 0 3007\n");
	/* The same by another operation. */
	assert_shrinks("device any\nread Status\nwrite Config 3007\n", "exit:3:write",
		       "device picky\nwrite Config 3007\n");
}

static void a_program_without_operations_is_the_least(void **state)
{
	const char *liveness = picky.liveness;

	(void)state;
	picky.liveness = "device any\nstart driver_ok\n> status NEEDS_RESET\n";
	assert_shrinks(NOISE_BEFORE NOISE_AFTER, "liveness.request:liveness", "device picky\n");
	picky.liveness = liveness;
}

static void without_a_finding_there_is_nothing_to_do(void **state)
{
	(void)state;
	assert_int_equal(minimize("device any\nstart driver_ok\n"), -ENOENT);
	assert_int_equal(result.candidates, 1);
	/* A `>` line is no finding, and one that expects it hides none. */
	assert_int_equal(minimize("device any\nreset\n> status DRIVER\n"), -ENOENT);
	assert_shrinks("device any\nreset\nconfig_write 0 17007\n> breaks reset.registers\n",
		       "reset.registers:end-reset", "device picky\nconfig_write 0 0x426f\n");
}

static void what_differs_from_run_to_run_is_refused(void **state)
{
	(void)state;
	assert_int_equal(minimize("device any\nreset\nconfig_write 36 1\n"), -ESTALE);
	assert_string_equal(result.finding.signature, "exit:60:config_write");
	assert_int_equal(result.other.kind, FINDING_NONE);
	/* Another operation in flight is the same finding, told by a clock. */
	assert_int_equal(minimize("device any\nread Status\nconfig_write 36 1\nwrite 0x124 0\n"),
			 0);
	assert_memory_equal(result.finding.signature, "exit:60:", 8);
	assert_in_range(script.prog.op_count, 1, 2);
}

static void an_interrupt_keeps_the_best_so_far(void **state)
{
	static const char text[] = NOISE_BEFORE "config_write 0 3007 width=8\n" NOISE_AFTER;
	uint32_t ops = UINT32_MAX;
	char *out;

	(void)state;
	for (unsigned candidates = 2; candidates < 12; candidates += 3) {
		assert_int_equal(minimize_stopped(text, candidates), 0);
		assert_int_equal(result.ended, -EINTR);
		assert_int_equal(result.candidates, candidates);
		assert_string_equal(result.finding.signature, "exit:3:config_write");
		assert_true(script.prog.op_count <= ops);
		ops = script.prog.op_count;
		out = printed();
		assert_reproduces(out, "exit:3:config_write");
		free(out);
	}
	assert_in_range(ops, 1, 8);
	/* Before the finding is known there is no best. */
	assert_int_equal(minimize_stopped(text, 0), -EINTR);
}

/* Does the program notify and then read something? */
static bool notifies_and_reads(void *ctx, const struct program *prog)
{
	unsigned *asked = ctx;
	bool notifies = false;

	(*asked)++;
	for (uint32_t i = 0; i < prog->op_count; i++) {
		notifies = notifies || prog->ops[i].code == OP_NOTIFY;
		if (notifies && prog->ops[i].code == OP_READ)
			return true;
	}
	return false;
}

static void a_program_shrinks_to_what_its_caller_asks_of_it(void **state)
{
	static const char text[] = "device any\nstart driver_ok size=4\nread Status\nrepeat 3\n"
				   "  notify 5 flip=7\n  send 0 b3\nend\nread Version\nnop 7\n";
	struct text_error error;
	unsigned asked = 0;

	(void)state;
	assert_int_equal(text_parse(&script, text, sizeof(text) - 1, &error), 0);
	assert_int_equal(minimize_program(&script.prog, notifies_and_reads, &asked, 1000), 0);
	assert_int_equal(script.prog.op_count, 2);
	assert_int_equal(script.prog.ops[0].code, OP_NOTIFY);
	assert_int_equal(script.prog.ops[0].value[0], 0);
	assert_int_equal(script.prog.ops[1].code, OP_READ);
	assert_int_equal(script.prog.data_len, 0);
	assert_in_range(asked, 1, 1000);

	assert_int_equal(text_parse(&script, text, sizeof(text) - 1, &error), 0);
	asked = 0;
	assert_int_equal(minimize_program(&script.prog, notifies_and_reads, &asked, 3), 0);
	assert_int_equal(asked, 3);
	assert_true(notifies_and_reads(&asked, &script.prog));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_is_twice_the_same),
		cmocka_unit_test(crashes_shrink_to_one_operation),
		cmocka_unit_test(exits_shrink_to_one_operation),
		cmocka_unit_test(memory_without_end_shrinks_to_one_operation),
		cmocka_unit_test(leaks_shrink_to_one_operation),
		cmocka_unit_test(broken_rules_shrink_to_one_operation),
		cmocka_unit_test(an_endless_loop_of_accesses_shrinks),
		cmocka_unit_test(a_hang_shrinks),
		cmocka_unit_test(a_crash_is_not_traded_for_another),
		cmocka_unit_test(a_program_without_operations_is_the_least),
		cmocka_unit_test(without_a_finding_there_is_nothing_to_do),
		cmocka_unit_test(what_differs_from_run_to_run_is_refused),
		cmocka_unit_test(an_interrupt_keeps_the_best_so_far),
		cmocka_unit_test(a_program_shrinks_to_what_its_caller_asks_of_it),
	};

	return minimize_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
