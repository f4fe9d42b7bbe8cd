/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ctrl-C for commands that take long: they end and print what they have so far.  They do
 * the same when the terminal closes or the machine shuts down.
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"

#include <signal.h>
#include <unistd.h>

volatile sig_atomic_t cmd_stop;

static pid_t owner;

/* The terminal sends the signal to the child as well, so its run is lost. */
static void on_signal(int signal)
{
	if (getpid() != owner)
		_exit(0);
	cmd_stop = signal;
}

/* A signal that was ignored stays ignored, as under nohup or in the background.  All
 * waiting is done in input_wait(), which a signal ends; other system calls may be
 * restarted. */
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
