/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Processes under test.  See process_rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "process_rig.h"

const char *rig_self;

bool rig_find_self(void)
{
	rig_self = realpath("/proc/self/exe", NULL);
	return rig_self != NULL;
}

struct process *start_with(const char *const *argv, struct process_options options)
{
	struct process *process = NULL;
	char why[200] = "";

	options.argv = argv;
	if (process_start(&process, &options, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	return process;
}

struct process *start_shell(const char *script)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	return start_with(argv, (struct process_options){ .argv = NULL });
}

struct process *start_act(const char *name)
{
	const char *const argv[] = { rig_self, name, NULL };

	return start_with(argv, (struct process_options){ .argv = NULL });
}

void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

void wait_for_words(struct process *process, const char *text)
{
	for (unsigned ms = 0; strstr(process_words(process), text) == NULL; ms++) {
		if (ms > RIG_PATIENCE)
			fail_msg("it did not say: %s", text);
		pause_ms(1);
	}
}
