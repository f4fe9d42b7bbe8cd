/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer fuzz: fuzz a user's device with libFuzzer or AFL++, past findings, and sort them.
 *
 * The user's program is linked twice, with the main of libvringer.a and with an
 * engine.  This finds the second and leaves the work to the scripts that `make fuzz`
 * uses too (fuzzers/user.sh), which are installed.
 */
#include "harness/command/cmd.h"
#include "harness/run/report.h"
#include "harness/target/target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS "60"
#define JOBS "1"

static const struct cmd_usage usage = {
	"[SECONDS [JOBS]] [SCRIPT|DIR...]",
	"toGK",
	"Fuzz the device for SECONDS (" SECONDS "; 0: until it is stopped) in JOBS (" JOBS
	") processes, and\n"
	"end with a line for each finding.  It needs this program linked with -fsanitize=fuzzer\n"
	"too, or built by afl-clang-fast.  It begins with the installed scripts and with yours:\n"
	"those given, or those in the current folder.  What it grows and finds goes to\n"
	"fuzzing/TARGET, or to the folder of -o, and the next run goes on from there.",
	NULL,
	false,
};

static bool is_number(const char *word)
{
	return *word != '\0' && word[strspn(word, "0123456789")] == '\0';
}

/* One line; STATUS_USAGE. */
static int no_engine(const char *engine)
{
	fprintf(stderr,
		"%s fuzz: %s: %s; link your files for it: clang -g -O1 "
		"-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined "
		"$(pkg-config --cflags vringer) *.c -o %s $(pkg-config --libs vringer), or with "
		"afl-clang-fast for AFL++, or name a program that is: --engine PATH\n",
		report_command, engine, strerror(errno), engine);
	return STATUS_USAGE;
}

/* A number of seconds may be 0. */
static bool is_count(const char *word, bool of_seconds)
{
	return (word[0] != '0' || (of_seconds && word[1] == '\0')) && strlen(word) <= 8;
}

/* The first arguments that are numbers; their count, or -1 after one line. */
static int take_numbers(const struct cmd_options *options, const char *number[2])
{
	int count = 0;

	for (; count < 2 && count < options->file_count && is_number(options->files[count]);
	     count++) {
		number[count] = options->files[count];
		if (is_count(number[count], count == 0))
			continue;
		fprintf(stderr, "%s fuzz: '%s': expected a number of %s\n", report_command,
			number[count], count == 0 ? "seconds" : "processes above 0");
		return -1;
	}
	return count;
}

/* What user.sh is given before the user's own scripts. */
#define OWN_ARGS 9

/* Become the shell: returns only where it cannot, STATUS_USAGE. */
static int become(const char *const own[OWN_ARGS], char *const *files, int count)
{
	static char **args; /* kept until the process ends */

	args = calloc((size_t)count + OWN_ARGS + 1, sizeof(*args));
	for (int i = 0; args != NULL && i < OWN_ARGS; i++) {
		args[i] = strdup(own[i]);
		if (args[i] == NULL)
			return cmd_fail_host("fuzz", ENOMEM);
	}
	if (args == NULL)
		return cmd_fail_host("fuzz", ENOMEM);
	for (int i = 0; i < count; i++)
		args[OWN_ARGS + i] = files[i];
	execv("/bin/sh", args);
	return cmd_fail_host("fuzz", errno);
}

static int run(const struct cmd_options *options, const struct target *target, const char *engine)
{
	char script[PATH_MAX], command[PATH_MAX], folder[PATH_MAX];
	const char *number[2] = { SECONDS, JOBS };
	int first = take_numbers(options, number);
	const char *const own[OWN_ARGS] = {
		"sh",
		script,
		command,
		engine,
		target->name,
		number[0],
		number[1],
		options->output != NULL ? options->output : folder,
		scripts_folder(),
	};

	if (first < 0)
		return STATUS_USAGE;
	snprintf(script, sizeof(script), "%s/user.sh", fuzz_folder());
	snprintf(command, sizeof(command), "%s fuzz", report_command);
	snprintf(folder, sizeof(folder), "fuzzing/%s", target->name);
	if (setenv("KNOWN", options->known_path != NULL ? options->known_path : "", 1) != 0)
		return cmd_fail_host("fuzz", ENOMEM);
	return become(own, options->files + first, options->file_count - first);
}

int cmd_fuzz(int argc, char **argv)
{
	struct cmd_options options;
	const struct target *target;
	const char *engine;
	int status = cmd_parse(&options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (fuzz_folder() == NULL)
		return cmd_fail("fuzz", "is for programs that link the installed libvringer.a; for "
					"the models of this tree there is `make fuzz`");
	target = target_find(options.target);
	if (target == NULL)
		return cmd_fail("fuzz", "several targets are registered, expected -t TARGET");
	engine = options.engine != NULL ? options.engine : report_engine();
	if (access(engine, X_OK) != 0)
		return no_engine(engine);
	return run(&options, target, engine);
}
