/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ctrl-C for commands that take long: they end and print what they have so far.  They do
 * the same when the terminal closes or the machine shuts down.
 */
#include "harness/arena/instrumented.h"
#include "harness/command/cmd.h"
#include "harness/files/input.h"

#include <signal.h>
#include <unistd.h>

volatile sig_atomic_t cmd_stop;

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };

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
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction before;

	owner = getpid();
	input_stop = &cmd_stop;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	}
}

/* LeakSanitizer stops the process by a SIGSTOP and waits until it is stopped; a SIGCONT
 * takes that SIGSTOP back, and it waits for ever.  timeout, systemd and shells send
 * SIGCONT after the signal that is to end a process, so there must be no check behind
 * one: where it came before, none is made, and where it comes later, it kills. */
void cmd_release_signals(void)
{
	struct sigaction before;

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], NULL, &before);
		if (before.sa_handler == on_signal)
			signal(caught[i], SIG_DFL);
	}
	if (cmd_stop != 0)
		instrumented_end_unchecked();
}
