/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Descriptors for events are the driver's, and may be anything: nobody waits for them
 * (harness/serve/event.h).
 */
#include "harness/serve/event.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_S 20 /* who waits that long waits for ever */

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE_S);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	return 0;
}

/* Not one of these has O_NONBLOCK. */
static void what_one_signals_the_other_takes(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(event_take(fd), 0);
	assert_int_equal(event_signal(fd), 0);
	assert_int_equal(event_signal(fd), 0);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(event_take(fd), 0);
	close(fd);
}

static void a_counter_that_is_full_is_left(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(event_signal(fd), 0);
	assert_int_equal(event_take(fd), 1);
	assert_int_equal(event_signal(fd), 0);
	close(fd);
}

/* Linux in user mode gives pipes. */
static void a_pipe_is_as_good(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(event_take(ends[0]), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(event_signal(ends[1]), 0);
	assert_int_equal(event_take(ends[0]), 1);
	close(ends[0]);
	assert_int_equal(event_signal(ends[1]), -EPIPE);
	close(ends[1]);
}

static void what_never_tells_anything_is_said(void **state)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(event_take(null), -EPIPE);
	close(null);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	assert_int_equal(event_take(ends[0]), -EPIPE);
	close(ends[0]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(event_take(ends[0]), 0);
	close(ends[1]);
	assert_int_equal(event_take(ends[0]), -EPIPE);
	close(ends[0]);
	assert_int_equal(event_take(-1), -EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_one_signals_the_other_takes),
		TEST(a_counter_that_is_full_is_left),
		TEST(a_pipe_is_as_good),
		TEST(what_never_tells_anything_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
