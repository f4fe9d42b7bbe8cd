/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session that is recorded becomes programs that replay: whole and readable, split where
 * a program is full, each from a device as the session had it; and what cannot be kept is
 * told.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/sanitizers.h"
#include "recorder_rig.h"

#include <cmocka.h>

#include "broken.h"
#include "signals.h"

SANITIZER_OPTIONS(SANITIZER_CHILDREN)

static struct recorder_rig rig;
static struct script script;

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void assert_has(const char *text, const char *part)
{
	if (!has(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static unsigned count_ops(uint8_t code)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < script.prog.op_count; i++)
		count += script.prog.ops[i].code == code;
	return count;
}

static void assert_kept(unsigned programs)
{
	if (rig.told > 0)
		fail_msg("%s", rig.tell);
	assert_int_equal(rig.result.kept, programs);
	assert_int_equal(rig.result.differs, 0);
	assert_int_equal(rig.result.found, 0);
}

/* A frame that net-loopback sends back to itself. */
static void send_frame(unsigned i)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "fill low+0x18000 len=12\n"
		 "store low+0x1800c 0200000000%02x0200000000020800%04x\n"
		 "desc 1 0 addr=low+0x18000 len=12 flags=next next=1\n"
		 "desc 1 1 addr=low+0x1800c len=60\n"
		 "publish 1 0\nnotify 1\n",
		 i % 256, i % 65536);
	recorder_rig_run(&rig, text);
	assert_int_equal(recorder_rig_take(&rig, 1), 1);
	recorder_rig_run(&rig, "ack used\n");
}

static void give_room(unsigned head)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "desc 0 %u addr=low+0x%x len=1526 flags=write\npublish 0 %u\nnotify 0\n", head,
		 0x20000 + head * 0x800, head);
	recorder_rig_run(&rig, text);
}

static void a_short_session_is_one_readable_program(void **state)
{
	char *text;

	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	give_room(0);
	send_frame(1);
	assert_int_equal(recorder_rig_take(&rig, 0), 1);
	give_room(0);
	send_frame(2);
	assert_int_equal(recorder_rig_take(&rig, 0), 1);
	recorder_rig_close(&rig);
	assert_kept(1);
	text = recorder_rig_text(&rig, 1);
	assert_non_null(text);
	assert_has(text, "# Recorded by `vringer serve net-loopback` from a test.\n");
	assert_has(text, "\ndevice net-loopback\nstart driver_ok\n"
			 "desc 0 0 addr=low+0x20000 len=1526 flags=write\n"
			 "publish 0 0\nnotify 0\n"
			 "fill low+0x18000 len=12\n");
	assert_has(text, "notify 1\n> used 1 id=0 len=0\nack used\n> used 0 id=0 len=72\n");
	/* What is in the tables already is not written again. */
	assert_true(recorder_rig_load(&rig, 1, &script));
	assert_int_equal(count_ops(OP_DESC), 3);
	assert_int_equal(count_ops(OP_PUBLISH), 4);
	assert_int_equal(count_ops(OP_TAKE), 0);
	assert_int_equal(script.expect_count, 4);
	free(text);
	recorder_rig_release(&rig);
}

#define FRAMES 600u
#define ROOM 8u

static void a_long_session_is_split_and_starts_from_what_it_had(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start features_ok\nqueue 0 size=64\nqueue 1 size=32\n"
			       "status ACKNOWLEDGE|DRIVER|FEATURES_OK|DRIVER_OK\n");
	for (unsigned head = 0; head < ROOM; head++)
		give_room(head);
	for (unsigned i = 0; i < FRAMES; i++) {
		send_frame(i);
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
		give_room(i % ROOM);
	}
	recorder_rig_close(&rig);
	assert_true(rig.result.kept > 4);
	assert_false(rig.result.full);
	assert_kept(rig.result.kept);
	for (unsigned i = 1; i <= rig.result.kept; i++) {
		assert_true(recorder_rig_load(&rig, i, &script));
		assert_int_equal(script.prog.ops[0].code, OP_START);
		assert_int_equal(script.prog.ops[1].code, OP_QUEUE);
		assert_int_equal(script.prog.ops[1].value[QUEUE_SIZE], 64);
		assert_int_equal(script.prog.ops[3].code, OP_STATUS);
		/* The room that the device has is made first. */
		assert_int_equal(script.prog.ops[4].code, OP_DESC);
		assert_int_equal(script.prog.ops[4].value[DESC_QUEUE], 0);
		assert_true(script.expect_count > 5);
	}
	assert_false(recorder_rig_load(&rig, rig.result.kept + 1, &script));
	recorder_rig_release(&rig);
}

static void a_full_recording_is_told_once(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 2);
	recorder_rig_run(&rig, "start driver_ok\n");
	for (unsigned i = 0; i < FRAMES; i++) {
		give_room(i % ROOM);
		send_frame(i);
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
	}
	recorder_rig_close(&rig);
	assert_int_equal(rig.told, 1);
	assert_has(rig.tell, "it is full, 2 programs are recorded");
	assert_true(rig.result.full);
	assert_int_equal(rig.result.kept, 2);
	recorder_rig_release(&rig);
}

static void a_program_whose_replay_differs_is_told_and_not_kept(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	give_room(0);
	send_frame(0);
	rig.wrong = 1;
	assert_int_equal(recorder_rig_take(&rig, 0), 1);
	recorder_rig_close(&rig);
	assert_int_equal(rig.told, 1);
	assert_has(rig.tell, "not kept, its replay is not the session: line ");
	assert_has(rig.tell, "is id=0 len=72, expected id=0 len=73");
	assert_int_equal(rig.result.kept, 0);
	assert_int_equal(rig.result.differs, 1);
	assert_null(recorder_rig_text(&rig, 1));
	recorder_rig_release(&rig);
}

static void a_finding_is_recorded_and_shown_again(void **state)
{
	char text[64];

	(void)state;
	recorder_rig_open(&rig, &broken_target, 0);
	snprintf(text, sizeof(text), "start driver_ok\nconfig_write 0 %d\nsave\nrestore\n",
		 MISDEED_REFUSE_OWN);
	recorder_rig_run(&rig, text);
	recorder_rig_close(&rig);
	assert_kept(1);
	recorder_rig_release(&rig);
	/* Judged when a session is over. */
	recorder_rig_open(&rig, &broken_target, 0);
	snprintf(text, sizeof(text), "start driver_ok\nconfig_write 0 %d\n", MISDEED_KEEP_REGISTER);
	recorder_rig_run(&rig, text);
	recorder_rig_close(&rig);
	assert_kept(1);
	recorder_rig_release(&rig);
}

/* A message of the driver on the console's control queue. */
static void say(unsigned port, unsigned event, unsigned value)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "store low+0x18000 %02x000000%02x00%02x00\n"
		 "desc 3 0 addr=low+0x18000 len=8\npublish 3 0\nnotify 3\n",
		 port, event, value);
	recorder_rig_run(&rig, text);
	recorder_rig_take(&rig, 3);
	recorder_rig_take(&rig, 2);
	recorder_rig_run(&rig, "ack used\n");
}

static void shake_hands(void)
{
	char text[200];

	for (unsigned head = 0; head < 16; head++) {
		snprintf(text, sizeof(text),
			 "desc 2 %u addr=low+0x%x len=64 flags=write\npublish 2 %u\n", head,
			 0x19000 + head * 64, head);
		recorder_rig_run(&rig, text);
	}
	recorder_rig_run(&rig, "notify 2\n");
	say(0, 0, 1); /* DEVICE_READY */
	for (unsigned port = 0; port < 2; port++) {
		say(port, 3, 1); /* PORT_READY */
		say(port, 6, 1); /* PORT_OPEN */
	}
}

/* A port takes no room before the handshake, so without the dialogue a later program could
 * not show the same. */
static void a_console_s_dialogue_is_in_every_program(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("console"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	shake_hands();
	for (unsigned i = 0; i < 400; i++) {
		recorder_rig_run(&rig, "desc 0 0 addr=low+0x1a000 len=32 flags=write\n"
				       "publish 0 0\nnotify 0\ntype 0 68656c6c6f\n");
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
	}
	recorder_rig_close(&rig);
	assert_true(rig.result.kept > 1);
	assert_kept(rig.result.kept);
	for (unsigned i = 1; i <= rig.result.kept; i++) {
		unsigned answers = 0;

		assert_true(recorder_rig_load(&rig, i, &script));
		for (unsigned e = 0; e < script.expect_count; e++)
			answers += script.expects[e].value[2] == 2;
		assert_int_equal(answers, 7);
	}
	recorder_rig_release(&rig);
}

/* A new device would not have it. */
static void a_program_does_not_end_before_what_the_host_typed_is_there(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("console"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	shake_hands();
	for (unsigned i = 0; i < 200; i++) {
		recorder_rig_run(&rig,
				 "type 0 6f6e6365\nconfig_read 4\nconfig_read 4\nconfig_read 4\n"
				 "config_read 4\nconfig_read 4\nconfig_read 4\nconfig_read 4\n"
				 "desc 0 0 addr=low+0x1a000 len=32 flags=write\n"
				 "publish 0 0\nnotify 0\n");
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
	}
	recorder_rig_close(&rig);
	assert_true(rig.result.kept > 1);
	assert_kept(rig.result.kept);
	recorder_rig_release(&rig);
}

/* Requests are refused before FUSE_INIT and not taken. */
static void fuse_init_is_in_every_program(void **state)
{
	static const char init[] =
		"store low+0x18000 38000000 1a000000 0100000000000000 0000000000000000 "
		"00000000 00000000 00000000 00000000 07000000 1f000000 00000200 00000000\n"
		"desc 1 0 addr=low+0x18000 len=56 flags=next next=1\n"
		"desc 1 1 addr=low+0x19000 len=256 flags=write\n"
		"publish 1 0\nnotify 1\n";
	static const char other[] =
		"store low+0x18000 38000000 03000000 0200000000000000 0100000000000000 "
		"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
		"desc 1 0 addr=low+0x18000 len=56 flags=next next=1\n"
		"desc 1 1 addr=low+0x19000 len=256 flags=write\n"
		"publish 1 0\nnotify 1\n";

	(void)state;
	recorder_rig_open(&rig, target_find("fs"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	recorder_rig_run(&rig, init);
	recorder_rig_take(&rig, 1);
	for (unsigned i = 0; i < 300; i++) {
		recorder_rig_run(&rig, other);
		recorder_rig_take(&rig, 1);
		recorder_rig_run(&rig, "ack used\n");
	}
	recorder_rig_close(&rig);
	assert_true(rig.result.kept > 1);
	assert_kept(rig.result.kept);
	for (unsigned i = 1; i <= rig.result.kept; i++) {
		char *text = recorder_rig_text(&rig, i);

		assert_non_null(text);
		assert_has(text, " 380000001a000000");
		free(text);
	}
	recorder_rig_release(&rig);
}

static void what_the_host_set_is_in_every_program(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("balloon"), 0);
	recorder_rig_run(&rig, "start driver_ok\nset_num_pages 3\nset_num_pages 64\n");
	for (unsigned i = 0; i < 400; i++)
		recorder_rig_run(&rig, "config_read 0\nconfig_read 0\nack config\n");
	recorder_rig_close(&rig);
	assert_true(rig.result.kept > 1);
	assert_kept(rig.result.kept);
	assert_true(recorder_rig_load(&rig, 2, &script));
	assert_int_equal(script.prog.ops[1].code, OP_SET_NUM_PAGES);
	assert_int_equal(script.prog.ops[1].value[SET_NUM_PAGES_VALUE], 64);
	/* One of two reads in a row. */
	assert_int_equal(count_ops(OP_CONFIG_READ), count_ops(OP_ACK));
	recorder_rig_release(&rig);
}

/* In one chain, as a driver writes a large buffer: by pieces. */
static void send_large(uint32_t len, bool pattern)
{
	static const char digits[] = "0123456789abcdef";
	static char text[4096], hex[2 * 1024 + 1];
	uint32_t random = 1;

	recorder_rig_run(&rig, "fill low+0x18000 len=12\n"
			       "desc 1 0 addr=low+0x18000 len=12 flags=next next=1\n");
	for (uint32_t done = 0; done < len; done += 1024) {
		for (unsigned i = 0; i < 2048; i += 2) {
			uint8_t byte;

			random = random * 1664525 + 1013904223;
			byte = pattern ? arena_pattern_byte(0x10000 + 0x20000 + done + i / 2, 9)
				       : (uint8_t)(random >> 24);
			hex[i] = digits[byte >> 4];
			hex[i + 1] = digits[byte & 15];
		}
		snprintf(text, sizeof(text), "store low+0x%x %s\n", 0x20000 + done, hex);
		recorder_rig_run(&rig, text);
	}
	snprintf(text, sizeof(text), "desc 1 1 addr=low+0x20000 len=%u\npublish 1 0\nnotify 1\n",
		 len);
	recorder_rig_run(&rig, text);
	assert_int_equal(recorder_rig_take(&rig, 1), 1);
}

static void large_buffers_are_kept_small(void **state)
{
	char *text;

	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	send_large(49152, false);
	send_large(4096, true);
	send_frame(1);
	recorder_rig_close(&rig);
	assert_kept(1);
	text = recorder_rig_text(&rig, 1);
	assert_non_null(text);
	assert_has(text, "# The end of each large buffer stands as a pattern");
	assert_has(text, "pattern low+0x20800 len=0xb800 seed=1\n");
	assert_has(text, "pattern low+0x20000 len=0x1000 seed=9\n");
	free(text);
	recorder_rig_release(&rig);
}

/* More operations between two boundaries than a program may have. */
static void what_fits_in_no_program_is_left_out_and_told(void **state)
{
	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	give_room(0);
	send_frame(1);
	assert_int_equal(recorder_rig_take(&rig, 0), 1);
	for (unsigned i = 0; i < 1100; i++)
		recorder_rig_run(&rig,
				 i % 2 != 0 ? "set_desc 0 9 len 1\n" : "avail_entry 0 99 1\n");
	give_room(0);
	send_frame(2);
	assert_int_equal(recorder_rig_take(&rig, 0), 1);
	recorder_rig_close(&rig);
	assert_int_equal(rig.told, 1);
	assert_has(rig.tell, "does not fit in a program and is not recorded");
	assert_int_equal(rig.result.kept, 2);
	assert_int_equal(rig.result.differs, 0);
	recorder_rig_release(&rig);
}

static void a_device_that_ends_the_process_leaves_its_recording(void **state)
{
	char *text;

	(void)state;
	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	recorder_rig_run(&rig, "start driver_ok\n");
	give_room(0);
	send_frame(1);
	recorder_rescue(rig.recorder);
	text = recorder_rig_text(&rig, 1);
	assert_non_null(text);
	assert_has(text, "# Not replayed: the device ended the process that served it.\n");
	assert_has(text, "notify 1\n> used 1 id=0 len=0\n");
	free(text);
	recorder_rig_close(&rig);
	recorder_rig_release(&rig);
}

static void end_by_exit(void)
{
	exit(3);
}

static void end_by_abort(void)
{
	abort();
}

static void end_by_fault(void)
{
	raise(SIGSEGV);
}

/* However the process ends. */
static void an_end_of_the_process_is_noticed(void **state)
{
	static void (*const ends[])(void) = { end_by_exit, end_by_abort, end_by_fault };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *text;
		int status;
		pid_t pid;

		recorder_rig_open(&rig, target_find("net-loopback"), 0);
		recorder_rig_run(&rig, "start driver_ok\n");
		give_room(0);
		send_frame(1);
		signals_as_before();
		pid = fork();
		if (pid == 0) {
			if (freopen("/dev/null", "w", stderr) == NULL ||
			    freopen("/dev/null", "w", stdout) == NULL)
				_exit(1);
			ends[i]();
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		signals_as_cmocka();
		text = recorder_rig_text(&rig, 1);
		assert_non_null(text);
		assert_has(text, "notify 1\n> used 1 id=0 len=0\n");
		free(text);
		recorder_rig_close(&rig);
		recorder_rig_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_session_is_one_readable_program),
		cmocka_unit_test(a_long_session_is_split_and_starts_from_what_it_had),
		cmocka_unit_test(a_full_recording_is_told_once),
		cmocka_unit_test(a_program_whose_replay_differs_is_told_and_not_kept),
		cmocka_unit_test(a_finding_is_recorded_and_shown_again),
		cmocka_unit_test(a_console_s_dialogue_is_in_every_program),
		cmocka_unit_test(a_program_does_not_end_before_what_the_host_typed_is_there),
		cmocka_unit_test(fuse_init_is_in_every_program),
		cmocka_unit_test(what_the_host_set_is_in_every_program),
		cmocka_unit_test(large_buffers_are_kept_small),
		cmocka_unit_test(what_fits_in_no_program_is_left_out_and_told),
		cmocka_unit_test(a_device_that_ends_the_process_leaves_its_recording),
		cmocka_unit_test(an_end_of_the_process_is_noticed),
	};

	signals_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
