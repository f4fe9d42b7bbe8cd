/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ctrl-C for commands that work long: they end with what they have.
 */
#include "harness/cmd.h"

#include <signal.h>
#include <unistd.h>

volatile sig_atomic_t cmd_stop;

static pid_t owner;
static struct sigaction before[2];
static const int signals[2] = { SIGINT, SIGTERM };

/* The terminal sends it to the child as well, which is then of no use. */
static void on_signal(int signal)
{
	if (getpid() != owner)
		_exit(0);
	cmd_stop = signal;
}

/* What was ignored stays so: nohup, and what runs in the background. */
void cmd_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	owner = getpid();
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < 2; i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

void cmd_release_signals(void)
{
	for (int i = 0; i < 2; i++)
		sigaction(signals[i], &before[i], NULL);
}
