/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The minimiser: what repeats, numbers, addresses, payloads and headers shrink
 * to.
 */
#include "minimize_rig.h"

#include "harness/run/sanitizers.h"

/* As the command sets them. */
SANITIZER_OPTIONS(SANITIZER_CHILDREN)

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
		"100\nwork\n"
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
	options.judging.limits = false;
	assert_shrinks_twice("device any\nname b3 = frame\n"
			     "store low ffee778011223344556677\nstore frame 0102\n"
			     "config_write 32 1\n",
			     "exit:50:config_write",
			     "device picky\nstore low 00000580\nconfig_write 32 0\n");
	assert_shrinks("device any\nname b9 = used\nfill low+0x100 len=600 value=9\n"
		       "buffer used at=seam-3 len=9\nconfig_write 32 1\n",
		       "exit:51:config_write",
		       "device picky\nfill low len=273 value=1\nconfig_write 32 0\n");
	options.judging.limits = true;
}

static void names_stay_with_their_slots(void **state)
{
	(void)state;
	options.judging.limits = false;
	assert_shrinks("device any\nname b9 = used\nname b14 = last\nbuffer used at=low+4 len=9\n"
		       "fill last-4 len=60 value=90\nread Status\nconfig_write 40 1\n",
		       "exit:70:config_write",
		       "device picky\nname b14 = last\nfill last len=1 value=90\n"
		       "config_write 40 0\n");
	options.judging.limits = true;
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

static void an_interrupt_in_a_trial_keeps_what_was_before_it(void **state)
{
	(void)state;
	for (unsigned candidates = 3; candidates < 90; candidates += 7) {
		char *out;

		assert_int_equal(minimize_stopped("device any\nrepeat 4\nread Status\n"
						  "config_write 4 65\nend\nconfig_write 20 0\n",
						  candidates),
				 0);
		assert_in_range(script.prog.op_count, 3, 4);
		out = printed();
		assert_reproduces(out, "exit:30:config_write");
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeat_around_one_goes),
		cmocka_unit_test(repeats_run_as_often_as_needed),
		cmocka_unit_test(what_repeats_twice_is_written_twice),
		cmocka_unit_test(what_is_needed_once_leaves_the_repeat),
		cmocka_unit_test(numbers_and_bits_shrink),
		cmocka_unit_test(payloads_and_addresses_shrink),
		cmocka_unit_test(names_stay_with_their_slots),
		cmocka_unit_test(headers_shrink),
		cmocka_unit_test(an_interrupt_in_a_trial_keeps_what_was_before_it),
	};

	return minimize_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
