/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ctrl-C for commands that work long: they end with what they have.  A terminal that
 * goes away, and whoever shuts the machine down, are the same to them.
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"

#include <signal.h>
#include <unistd.h>

volatile sig_atomic_t cmd_stop;

static pid_t owner;

/* The terminal sends it to the child as well, which is then of no use. */
static void on_signal(int signal)
{
	if (getpid() != owner)
		_exit(0);
	cmd_stop = signal;
}

/* What was ignored stays so: nohup, and what runs in the background.  Whatever
 * waits does so in input_wait(), which a signal ends, so that all else may be
 * started again. */
void cmd_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction before;

	owner = getpid();
	input_stop = &cmd_stop;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}
