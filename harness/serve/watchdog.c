/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that never return.  See watchdog.h.
 */
#include "harness/serve/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;
static sig_atomic_t limit;
static char line[128];

static void on_tick(int signal)
{
	(void)signal;
	if (++ticks <= limit)
		return;
	ticks = 0;
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		ticks = 0;
	raise(SIGABRT);
}

static void tick_every(time_t seconds)
{
	const struct itimerval every = { .it_interval.tv_sec = seconds,
					 .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &every, NULL);
}

void watchdog_begin(const char *target, unsigned seconds)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };

	snprintf(line, sizeof(line),
		 "serve: %.40s: the device did not return within %u s of CPU time\n", target,
		 seconds);
	limit = (sig_atomic_t)seconds;
	ticks = 0;
	sigemptyset(&action.sa_mask);
	sigaction(SIGPROF, &action, NULL);
	tick_every(1);
}

void watchdog_step(void)
{
	ticks = 0;
}

void watchdog_end(void)
{
	tick_every(0);
}
