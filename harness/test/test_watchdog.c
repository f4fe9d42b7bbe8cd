/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that never returns ends serve, and one that is slow does not
 * (harness/serve/watchdog.h).
 */
#include "harness/serve/watchdog.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BUSY_S 3 /* of CPU time: more than the watchdog gives */

/* Busy for so long, in a process of its own, one step after the other or in one: how it ended,
 * and what it said. */
static int watch(bool steps, char said[256])
{
	const struct rlimit none = { 0, 0 };
	int ends[2], status = 0;
	ssize_t len;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		/* No core files. */
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		watchdog_begin("mine", 1);
		while (clock() < BUSY_S * CLOCKS_PER_SEC)
			if (steps)
				watchdog_step();
		watchdog_end();
		_exit(0);
	}
	close(ends[1]);
	len = read(ends[0], said, 255);
	said[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void one_that_never_returns_is_ended(void **state)
{
	char said[256];
	int status = watch(false, said);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_string_equal(said,
			    "serve: mine: the device did not return within 1 s of CPU time\n");
}

static void one_that_is_slow_is_not(void **state)
{
	char said[256];

	(void)state;
	assert_int_equal(watch(true, said), 0);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_never_returns_is_ended),
		cmocka_unit_test(one_that_is_slow_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
