/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The minimiser: every kind of finding stays what it is while all the noise
 * around it goes, down to a script that is known; twice the same; and what it
 * refuses.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/minimize.h"

#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "broken.h"

/* As the command sets them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "exitcode=77:max_allocation_size_mb=1024:handle_abort=1";
}

/*
 * The broken target, for numbers that one does not come by on the way to
 * another: a misdeed is a thousand times its own, plus 7.  At other offsets of
 * the configuration it exits for reasons that take more than one operation.
 * Each run has a process of its own, so what it knows is in variables.
 */
static struct target picky;
static unsigned counted, readied;
static const struct device_host *host;
static uint64_t offered;
static uint16_t queue_max;
static unsigned *runs; /* shared by all processes */

static void *picky_create(const struct device_host *h, uint64_t features, const uint16_t *sizes)
{
	host = h;
	offered = features;
	queue_max = sizes[0];
	++*runs;
	return broken_target.create(h, features, sizes);
}

static void count(uint32_t value)
{
	counted += value >= 65;
}

static void ready(uint32_t value)
{
	(void)value;
	readied = 1;
}

static void count_if_ready(uint32_t value)
{
	(void)value;
	counted += readied;
}

static void exit_if_two(uint32_t value)
{
	(void)value;
	if (counted >= 2)
		exit(20);
}

static void exit_if_three(uint32_t value)
{
	(void)value;
	if (counted >= 3)
		exit(30);
}

static void exit_if_many(uint32_t value)
{
	(void)value;
	if (counted >= 300)
		exit(99);
}

static void exit_if_held_back(uint32_t value)
{
	(void)value;
	if ((offered & 1u << 5) == 0 && queue_max == 3)
		exit(40);
}

static void exit_if_bytes(uint32_t value)
{
	uint8_t bytes[512];

	(void)value;
	host->read(host->ctx, (struct guest_why){ 0 }, 0x10000, bytes, sizeof(bytes));
	if (bytes[2] >= 5 && bytes[3] == 0x80)
		exit(50);
	if (bytes[272] != 0)
		exit(51);
}

static void exit_every_other_run(uint32_t value)
{
	if (*runs % 2 == value)
		exit(60);
}

/* The first byte of b14. */
static void exit_if_last(uint32_t value)
{
	uint8_t byte = 0;

	(void)value;
	host->read(host->ctx, (struct guest_why){ 0 }, 0 - (uint64_t)64, &byte, 1);
	if (byte != 0)
		exit(70);
}

static void (*const acts[])(uint32_t value) = {
	NULL,	       count,
	ready,	       count_if_ready,
	exit_if_two,   exit_if_three,
	exit_if_many,  exit_if_held_back,
	exit_if_bytes, exit_every_other_run,
	exit_if_last,
};

static void picky_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	uint64_t act = (offset - VIRTIO_MMIO_CONFIG) / 4;
	uint32_t value = 0;

	memcpy(&value, buf, len < sizeof(value) ? len : sizeof(value));
	if (offset == VIRTIO_MMIO_STATUS && (value & 0x42) == 0x42)
		exit(5);
	if (offset > VIRTIO_MMIO_CONFIG && offset % 4 == 0 && act < sizeof(acts) / sizeof(acts[0]))
		acts[act](value);
	if (offset != VIRTIO_MMIO_CONFIG) {
		broken_target.write(device, offset, buf, len);
	} else if (value % 1000 == 7) {
		value /= 1000;
		broken_target.write(device, offset, &value, sizeof(value));
	}
}

static struct script script, again;
static struct minimize_result result;
static struct minimize_options options = { .target = &picky, .strict = true, .limits = true };

static void parse(struct script *to, const char *text)
{
	struct text_error error;

	if (text_parse(to, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s\n%s", error.line, error.message, text);
}

/* Signals as they were before cmocka caught them: a child inherits that. */
static const int caught[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };
static struct sigaction before[5];

static void swap_signals(const struct sigaction *to, struct sigaction *old)
{
	for (int i = 0; i < 5; i++)
		sigaction(caught[i], &to[i], old != NULL ? &old[i] : NULL);
}

static int minimize(const char *text)
{
	struct sigaction cmocka[5];
	int err;

	parse(&script, text);
	*runs = 0;
	swap_signals(before, cmocka);
	err = minimize_script(&script, &options, &result);
	swap_signals(cmocka, NULL);
	return err;
}

/* The result as it is written, to be freed. */
static char *printed(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	minimize_print(out, &script, &result.finding);
	fclose(out);
	return text;
}

/* It is a script, and shows the finding. */
static void assert_reproduces(const char *text, const char *signature)
{
	struct child_job job = {
		.script = &again,
		.target = &picky,
		.strict = options.strict,
		.limits = options.limits,
		.leaks = true,
		.seconds = options.seconds,
	};
	struct child_result outcome;
	struct sigaction cmocka[5];
	const struct finding *f;

	parse(&again, text);
	assert_true(program_equal(&again.prog, &script.prog));
	swap_signals(before, cmocka);
	assert_int_equal(child_run(&job, &outcome, NULL), 0);
	swap_signals(cmocka, NULL);
	f = child_finding(&outcome, &job);
	assert_non_null(f);
	assert_string_equal(f->signature, signature);
}

static const char *after_comment(const char *text)
{
	while (*text == '#')
		text = strchr(text, '\n') + 1;
	return text;
}

/* `text` shrinks to exactly `program`, of a finding whose signature starts so. */
static void assert_shrinks(const char *text, const char *signature, const char *program)
{
	char *out;

	assert_int_equal(minimize(text), 0);
	assert_int_equal(result.ended, 0);
	out = printed();
	if (strncmp(result.finding.signature, signature, strlen(signature)) != 0 ||
	    strcmp(after_comment(out), program) != 0)
		fail_msg("%s, not %s:\n%s", result.finding.signature, signature, out);
	assert_memory_equal(out + 2, result.finding.signature, strlen(result.finding.signature));
	assert_reproduces(out, result.finding.signature);
	free(out);
}

/* ... and does so again, in as many steps. */
static void assert_shrinks_twice(const char *text, const char *signature, const char *program)
{
	unsigned candidates;
	char *first, *second;

	assert_shrinks(text, signature, program);
	candidates = result.candidates;
	first = printed();
	assert_shrinks(text, signature, program);
	second = printed();
	assert_int_equal(result.candidates, candidates);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

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
	options.limits = false;
	/* Before DRIVER_OK a single access is a finding of another kind. */
	assert_needs("start driver_ok\n", MISDEED_SPIN_READING, "endless-loop:config_write");
	assert_int_equal(result.finding.kind, FINDING_HANG);
	options.limits = true;
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

static void a_repeat_around_one_goes(void **state)
{
	(void)state;
	assert_shrinks("device any\nrepeat 9\nread Status\nrepeat 4\nconfig_write 0 3007\nreset\n"
		       "end\nend\n",
		       "exit:3:config_write", "device picky\nconfig_write 0 3007\n");
}

static void repeats_run_as_often_as_needed(void **state)
{
	(void)state;
	assert_shrinks_twice(
		"device any budget=20\nstart driver_ok\nrepeat 900\nread Status\nconfig_write 4 "
		"100\nreset\n"
		"end\nread Status\nconfig_write 20 1\n",
		"exit:30:config_write",
		"device picky\nrepeat 3\n  config_write 4 65\nend\nconfig_write 20 0\n");
}

static void what_repeats_twice_is_written_twice(void **state)
{
	(void)state;
	assert_shrinks_twice(
		"device any budget=40\nrepeat 50\nrepeat 50\nread Status\nconfig_write 4 100\nend\n"
		"end\nconfig_write 16 1\n",
		"exit:20:config_write",
		"device picky\nconfig_write 4 65\nconfig_write 4 65\nconfig_write 16 0\n");
}

static void what_is_needed_once_leaves_the_repeat(void **state)
{
	(void)state;
	assert_shrinks("device any\nrepeat 5\nread Status\nconfig_write 8 1\nconfig_write 12 1\n"
		       "config_write 20 1\nend\n",
		       "exit:30:config_write",
		       "device picky\nconfig_write 8 0\nrepeat 3\n  config_write 12 0\nend\n"
		       "config_write 20 0\n");
}

static void a_program_without_operations_is_the_least(void **state)
{
	const char *liveness = picky.liveness;

	(void)state;
	picky.liveness = "device any\nstart driver_ok\n> status NEEDS_RESET\n";
	assert_shrinks(NOISE_BEFORE NOISE_AFTER, "liveness.request:liveness", "device picky\n");
	picky.liveness = liveness;
}

static void numbers_and_bits_shrink(void **state)
{
	(void)state;
	assert_shrinks("device any\nstatus ACKNOWLEDGE|DRIVER|NEEDS_RESET|0xff00\n",
		       "exit:5:status", "device picky\nstatus DRIVER|NEEDS_RESET\n");
	assert_shrinks("device any\nstatus 0xffffffff\n", "exit:5:status",
		       "device picky\nstatus DRIVER|NEEDS_RESET\n");
	assert_shrinks("device any\nwrite 0x070 0x4f width=1\n", "exit:5:write",
		       "device picky\nwrite Status 66\n");
}

static void payloads_and_addresses_shrink(void **state)
{
	(void)state;
	options.limits = false;
	assert_shrinks_twice("device any\nname b3 = frame\n"
			     "store low ffee778011223344556677\nstore frame 0102\n"
			     "config_write 32 1\n",
			     "exit:50:config_write",
			     "device picky\nstore low 00000580\nconfig_write 32 0\n");
	assert_shrinks("device any\nname b9 = used\nfill low+0x100 len=600 value=9\n"
		       "buffer used at=seam-3 len=9\nconfig_write 32 1\n",
		       "exit:51:config_write",
		       "device picky\nfill low len=273 value=1\nconfig_write 32 0\n");
	options.limits = true;
}

static void names_stay_with_their_slots(void **state)
{
	(void)state;
	options.limits = false;
	assert_shrinks("device any\nname b9 = used\nname b14 = last\nbuffer used at=low+4 len=9\n"
		       "fill last-4 len=600 value=9\nread Status\nconfig_write 40 1\n",
		       "exit:70:config_write",
		       "device picky\nname b14 = last\nfill last len=1 value=1\n"
		       "config_write 40 0\n");
	options.limits = true;
}

static void headers_shrink(void **state)
{
	(void)state;
	assert_shrinks("device any features=0x1000000c3 queue_max=3,7,9 budget=9\nread Status\n"
		       "config_write 28 1\n",
		       "exit:40:config_write",
		       "device picky features=0xffffffffffffffdf queue_max=3\nconfig_write 28 0\n");
	assert_shrinks("device any budget=1024\nrepeat 2000\nconfig_write 4 100\nend\n"
		       "config_write 24 1\n",
		       "exit:99:config_write",
		       "device picky budget=2\nrepeat 300\n  config_write 4 65\nend\n"
		       "config_write 24 0\n");
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

static volatile sig_atomic_t stop;
static unsigned stop_after;

static void stop_at(void *ctx, const struct minimize_progress *progress)
{
	(void)ctx;
	assert_non_null(progress->phase);
	if (progress->candidates >= stop_after)
		stop = 1;
}

static void an_interrupt_keeps_the_best_so_far(void **state)
{
	static const char text[] = NOISE_BEFORE "config_write 0 3007 width=8\n" NOISE_AFTER;
	uint32_t ops = UINT32_MAX;
	char *out;

	(void)state;
	options.stop = &stop;
	options.progress = stop_at;
	for (stop_after = 2; stop_after < 12; stop_after += 3) {
		stop = 0;
		assert_int_equal(minimize(text), 0);
		assert_int_equal(result.ended, -EINTR);
		assert_int_equal(result.candidates, stop_after);
		assert_string_equal(result.finding.signature, "exit:3:config_write");
		assert_true(script.prog.op_count <= ops);
		ops = script.prog.op_count;
		out = printed();
		assert_reproduces(out, "exit:3:config_write");
		free(out);
	}
	assert_in_range(ops, 1, 8);
	/* Before the finding is known there is no best. */
	stop_after = 0;
	stop = 0;
	assert_int_equal(minimize(text), -EINTR);
	options.stop = NULL;
	options.progress = NULL;
}

static void an_interrupt_in_a_trial_keeps_what_was_before_it(void **state)
{
	(void)state;
	options.stop = &stop;
	options.progress = stop_at;
	for (stop_after = 3; stop_after < 90; stop_after += 7) {
		char *out;

		stop = 0;
		assert_int_equal(minimize("device any\nrepeat 4\nread Status\nconfig_write 4 65\n"
					  "end\nconfig_write 20 0\n"),
				 0);
		assert_in_range(script.prog.op_count, 3, 4);
		out = printed();
		assert_reproduces(out, "exit:30:config_write");
		free(out);
	}
	options.stop = NULL;
	options.progress = NULL;
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
		cmocka_unit_test(a_repeat_around_one_goes),
		cmocka_unit_test(repeats_run_as_often_as_needed),
		cmocka_unit_test(what_repeats_twice_is_written_twice),
		cmocka_unit_test(what_is_needed_once_leaves_the_repeat),
		cmocka_unit_test(a_program_without_operations_is_the_least),
		cmocka_unit_test(numbers_and_bits_shrink),
		cmocka_unit_test(payloads_and_addresses_shrink),
		cmocka_unit_test(names_stay_with_their_slots),
		cmocka_unit_test(headers_shrink),
		cmocka_unit_test(without_a_finding_there_is_nothing_to_do),
		cmocka_unit_test(what_differs_from_run_to_run_is_refused),
		cmocka_unit_test(an_interrupt_keeps_the_best_so_far),
		cmocka_unit_test(an_interrupt_in_a_trial_keeps_what_was_before_it),
	};

	runs = mmap(NULL, sizeof(*runs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runs == MAP_FAILED)
		return 1;
	picky = broken_target;
	picky.name = "picky";
	picky.features |= 0xff;
	picky.config_len = 4;
	picky.create = picky_create;
	picky.write = picky_write;
	for (int i = 0; i < 5; i++)
		sigaction(caught[i], NULL, &before[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
