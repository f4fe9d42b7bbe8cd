/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a fuzzing binary counted (meter.h), and what it cost.
 *
 *   live run FILE COMMAND...   run it, with VRINGER_METER=FILE, until it and all that it started
 *                              are over.  The last line of standard output: `cpu NS`, what all of
 *                              them used, user and system.  The exit status is the command's, 128
 *                              and more after a signal.
 *   live show FILE             a number a line, then `sample ADDRESS INSIDE COUNT` for each place
 */
#include "fuzzers/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t nanoseconds(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000u;
}

/* What a child leaves behind becomes ours, so its time counts too. */
static int wait_for_all(pid_t command)
{
	int result = 1, status;
	pid_t pid;

	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		if (pid != command)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return result;
}

static int run_command(const char *file, char **command)
{
	struct rusage usage;
	int result;
	pid_t pid;

	if ((unlink(file) != 0 && errno != ENOENT) || setenv("VRINGER_METER", file, 1) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
		perror(file);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		char text[20];

		snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("VRINGER_METER_ENGINE", text, 1);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (pid < 0) {
		perror("fork");
		return 2;
	}
	result = wait_for_all(pid);
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("cpu %" PRIu64 "\n", nanoseconds(&usage.ru_utime) + nanoseconds(&usage.ru_stime));
	return result;
}

static bool load(const char *file, struct meter *m)
{
	FILE *in = fopen(file, "rb");
	bool whole;

	if (in == NULL)
		return false;
	whole = fread(m, sizeof(*m), 1, in) == 1 && m->magic == METER_MAGIC;
	fclose(in);
	return whole;
}

static int show(const char *file)
{
	static struct meter m;
	bool loaded = load(file, &m);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "executions", m.executions },
		{ "given", m.given },
		{ "operations", m.operations },
		{ "taken", m.taken },
		{ "completed", m.completed },
		{ "answered", m.answered },
		{ "processes", m.processes },
		{ "start", m.start_ns },
		{ "target", m.cpu_ns },
		{ "lost", m.lost },
		{ "left", m.left },
		{ "skipped", m.skipped },
	};

	if (!loaded) {
		fprintf(stderr, "%s: nothing was measured\n", file);
		return 2;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		printf("%s %" PRIu64 "\n", numbers[i].name, numbers[i].value);
	for (size_t i = 0; i < METER_SAMPLES; i++)
		if (m.sample[i].where != 0)
			printf("sample 0x%" PRIx64 " %d %" PRIu64 "\n",
			       METER_ADDRESS(m.sample[i].where), METER_INSIDE(m.sample[i].where),
			       m.sample[i].count);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "run") == 0)
		return run_command(argv[2], argv + 3);
	if (argc == 3 && strcmp(argv[1], "show") == 0)
		return show(argv[2]);
	fprintf(stderr, "usage: %s run FILE COMMAND... | show FILE\n", argv[0]);
	return 2;
}
