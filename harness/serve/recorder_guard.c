/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The device is served in this process: where it ends it, by a crash, a sanitizer's report
 * or exit(), what was recorded is written first.  See recorder.h.
 *
 * What does that is no function for a signal's handler.  The process is at its end in any
 * case, and a second fault ends it at once.
 */
#include "harness/serve/recorder_internal.h"

#include <signal.h>
#include <stdlib.h>

/* Of gcc's and clang's run-time libraries; not there without them. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the name is theirs. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct recorder *guarded;

static void rescue(void)
{
	struct recorder *r = guarded;

	guarded = NULL;
	recorder_rescue(r);
}

static void on_end(int status, void *ctx)
{
	(void)status;
	(void)ctx;
	rescue();
}

static void on_fault(int signal)
{
	rescue();
	raise(signal);
}

/* Once for the life of the process. */
static void install(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = on_fault,
				    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };

	on_exit(on_end, NULL);
	if (__sanitizer_set_death_callback != NULL) {
		__sanitizer_set_death_callback(rescue);
		return;
	}
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &action, NULL);
}

void recorder_guard(struct recorder *r)
{
	static bool installed;

	guarded = r;
	if (installed || r == NULL)
		return;
	install();
	installed = true;
}
