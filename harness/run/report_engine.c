/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The program of a user that has an engine: this one, or `fuzz-NAME` beside it.  See
 * report.h.
 */
#include "harness/run/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libFuzzer's; not there in other programs. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *data, size_t size))
	__attribute__((weak));

#define PREFIX "fuzz-"

bool report_is_engine(void)
{
	return LLVMFuzzerRunDriver != NULL;
}

const char *report_engine(void)
{
	static char path[4096];
	const char *slash = strrchr(report_command, '/');
	const char *name = slash != NULL ? slash + 1 : report_command;
	int folder = slash != NULL ? (int)(slash + 1 - report_command) : 0;
	ssize_t len;

	if (report_is_engine()) {
		len = readlink("/proc/self/exe", path, sizeof(path) - 1);
		if (slash != NULL || len < 0)
			return report_command;
		path[len] = '\0';
		return path;
	}
	/* A command that was found in PATH has its engine there too, or here. */
	snprintf(path, sizeof(path), "%.*s" PREFIX "%s", folder != 0 ? folder : 2,
		 folder != 0 ? report_command : "./", name);
	return path;
}
