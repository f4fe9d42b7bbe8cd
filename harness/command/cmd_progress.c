/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Progress on stderr: on a terminal it updates one line once a second; elsewhere it is a
 * line now and then, more and more rarely.  What takes no time shows none.  See cmd.h.
 */
#include "harness/command/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define FIRST_SECONDS 5
#define MOST_SECONDS 60

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

void cmd_progress_begin(struct cmd_progress *progress)
{
	*progress = (struct cmd_progress){ .terminal = isatty(STDERR_FILENO) == 1,
					   .shown = now(),
					   .wait = FIRST_SECONDS };
}

void cmd_progress_show(struct cmd_progress *progress, const char *format, ...)
{
	va_list args;

	if (now() - progress->shown < (progress->terminal ? 1 : progress->wait))
		return;
	progress->wait = progress->wait < MOST_SECONDS / 2 ? 2 * progress->wait : MOST_SECONDS;
	progress->shown = now();
	progress->told = true;
	fputs(progress->terminal ? "\r\033[K" : "", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(progress->terminal ? "" : "\n", stderr);
	fflush(stderr);
}

void cmd_progress_end(const struct cmd_progress *progress)
{
	if (progress->terminal && progress->told)
		fputs("\r\033[K", stderr);
}
