/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's end of a line against another side that reads and writes when the test says
 * so: one piece on the way at a time, nothing lost or mixed, and nothing waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/peers/host_line.h"

#include <sys/socket.h>

static struct line line;
static uint8_t bytes[LINE_KEEPS + 16], got[LINE_KEEPS + 16];

static void open_line(bool frames)
{
	assert_int_equal(line_open(&line, frames), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
}

static int open_bytes(void **state)
{
	(void)state;
	open_line(false);
	return 0;
}

static int open_frames(void **state)
{
	(void)state;
	open_line(true);
	return 0;
}

static int close_line(void **state)
{
	(void)state;
	line_close(&line);
	return 0;
}

/* The other side reads at most `max`: how many, or -1 if there is nothing. */
static int read_there(uint32_t max)
{
	return (int)recv(line.theirs, got, max, MSG_DONTWAIT);
}

static void write_there(const void *data, uint32_t len)
{
	assert_int_equal(send(line.theirs, data, len, MSG_DONTWAIT), len);
}

static void test_bytes_go_a_piece_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(line_give(&line, bytes, 5000), 5000);
	assert_true(line_is_owed(&line));
	assert_int_equal(read_there(10000), -1);
	assert_true(line_move(&line));
	assert_false(line_move(&line));
	assert_int_equal(read_there(100), 100);
	/* That it was read in part shows, and the next piece waits. */
	assert_true(line_move(&line));
	assert_int_equal(read_there(10000), LINE_PIECE_MAX - 100);
	assert_memory_equal(got, bytes + 100, LINE_PIECE_MAX - 100);
	assert_true(line_is_owed(&line));
	assert_true(line_move(&line));
	assert_int_equal(read_there(10000), 5000 - LINE_PIECE_MAX);
	assert_memory_equal(got, bytes + LINE_PIECE_MAX, 5000 - LINE_PIECE_MAX);
	assert_true(line_move(&line));
	assert_false(line_is_owed(&line));
	assert_false(line_move(&line));
}

static void test_bytes_that_do_not_fit(void **state)
{
	(void)state;
	assert_int_equal(line_give(&line, bytes, 10), 10);
	assert_int_equal(line_give(&line, bytes, LINE_KEEPS), LINE_KEEPS - 10);
	assert_int_equal(line_give(&line, bytes, 1), 0);
}

static void test_frames_go_one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(line_give(&line, bytes, 0), 0);
	assert_int_equal(line_give(&line, bytes, LINE_FRAME_MAX + 1), 0);
	assert_int_equal(line_give(&line, bytes, 60), 60);
	assert_int_equal(line_give(&line, bytes + 1, 60), 60);
	assert_int_equal(line_give(&line, bytes + 2, LINE_FRAME_MAX), LINE_FRAME_MAX);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(line_move(&line));
		assert_true(line_is_owed(&line));
		assert_int_equal(read_there(sizeof(got)), i < 2 ? 60 : LINE_FRAME_MAX);
		assert_memory_equal(got, bytes + i, i < 2 ? 60 : LINE_FRAME_MAX);
		assert_int_equal(read_there(sizeof(got)), -1);
	}
	assert_int_equal(line.passed, 3);
	line_move(&line);
	assert_false(line_is_owed(&line));
}

/* A frame that does not fit as a whole is refused as a whole. */
static void test_frames_that_do_not_fit(void **state)
{
	uint32_t count = 0;

	(void)state;
	while (line_give(&line, bytes, 60000) > 0)
		count++;
	assert_int_equal(count, LINE_KEEPS / 60004);
	assert_int_equal(line_give(&line, bytes, LINE_KEEPS % 60004 - 4), LINE_KEEPS % 60004 - 4);
	assert_int_equal(line_give(&line, bytes, 1), 0);
}

static void test_bytes_come(void **state)
{
	(void)state;
	assert_int_equal(line_take(&line, got, 10), 0);
	write_there(bytes, 100);
	assert_int_equal(line_take(&line, got, 10), 0);
	assert_true(line_move(&line));
	assert_int_equal(line_take(&line, got, 10), 10);
	assert_int_equal(line_take(&line, got, 1000), 90);
	assert_memory_equal(got, bytes + 10, 90);
}

static void test_frames_come(void **state)
{
	(void)state;
	write_there(bytes, 60);
	write_there(bytes + 1, 0);
	write_there(bytes + 2, LINE_FRAME_MAX + 9);
	write_there(bytes + 3, 1);
	assert_true(line_move(&line));
	assert_int_equal(line_take(&line, got, 20), 20);
	assert_memory_equal(got, bytes, 20);
	assert_int_equal(line_take(&line, got, sizeof(got)), LINE_FRAME_MAX);
	assert_memory_equal(got, bytes + 2, LINE_FRAME_MAX);
	assert_int_equal(line_take(&line, got, sizeof(got)), 1);
	assert_int_equal(got[0], bytes[3]);
	assert_int_equal(line_take(&line, got, sizeof(got)), 0);
}

/* The other side never waits: of too much, the oldest go. */
static void test_too_many_bytes_come(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < LINE_KEEPS + 16; at += 16) {
		write_there(bytes + at, 16);
		line_move(&line);
	}
	assert_int_equal(line_take(&line, got, sizeof(got)), LINE_KEEPS);
	assert_memory_equal(got, bytes + 16, LINE_KEEPS);
}

static void test_too_many_frames_come(void **state)
{
	uint32_t count = LINE_KEEPS / 1004, len;

	(void)state;
	for (uint32_t i = 0; i < count + 7; i++) {
		write_there(bytes + i, 1000);
		line_move(&line);
	}
	for (uint32_t i = 0; i < count; i++) {
		len = line_take(&line, got, sizeof(got));
		assert_int_equal(len, 1000);
		assert_memory_equal(got, bytes + i + 7, 1000);
	}
	assert_int_equal(line_take(&line, got, sizeof(got)), 0);
}

static void test_taken_back(void **state)
{
	(void)state;
	line_give(&line, bytes, 60);
	line_give(&line, bytes, 60);
	line_move(&line);
	write_there(bytes + 5, 30);
	line_take_back(&line);
	assert_false(line_is_owed(&line));
	assert_int_equal(read_there(100), -1);
	/* Of what came nothing is lost. */
	line_move(&line);
	assert_int_equal(line_take(&line, got, 100), 30);
	write_there(bytes, 30);
	line_forget(&line);
	assert_false(line_move(&line));
	assert_int_equal(line_take(&line, got, 100), 0);
	/* And it goes on. */
	line_give(&line, bytes + 9, 8);
	assert_true(line_move(&line));
	assert_int_equal(read_there(100), 8);
	assert_memory_equal(got, bytes + 9, 8);
}

#define BYTES(test) cmocka_unit_test_setup_teardown(test, open_bytes, close_line)
#define FRAMES(test) cmocka_unit_test_setup_teardown(test, open_frames, close_line)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BYTES(test_bytes_go_a_piece_at_a_time),
		BYTES(test_bytes_that_do_not_fit),
		FRAMES(test_frames_go_one_at_a_time),
		FRAMES(test_frames_that_do_not_fit),
		BYTES(test_bytes_come),
		FRAMES(test_frames_come),
		BYTES(test_too_many_bytes_come),
		FRAMES(test_too_many_frames_come),
		BYTES(test_taken_back),
		FRAMES(test_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
