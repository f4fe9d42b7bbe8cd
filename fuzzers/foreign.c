/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of a device that is not ours, in a program that registers it with
 * VRINGER_TARGETS: what an engine calls, the same for every such program.
 *
 *   VRINGER_TARGET=NAME    which of several targets is fuzzed
 *   VRINGER_FEEDBACK=observed    the engine hears of what the device shows too, as well as
 *                          of its code: for one that is not instrumented (feedback.h)
 *
 * The program serves people too: where its first argument is one of vringer's
 * commands it is that command, whatever main it has.
 */
#include "fuzzers/engine.h"

#include "fuzzers/feedback.h"
#include "harness/command/cmd.h"
#include "harness/run/report.h"
#include "harness/run/sanitizers.h"
#include "harness/target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

SANITIZER_OPTIONS(SANITIZER_CHILDREN)

static const char *choose(void)
{
	static const struct target *target;
	const char *name = getenv("VRINGER_TARGET");

	if (target != NULL)
		return target->name;
	target = target_find(name);
	if (target != NULL)
		return target->name;
	if (name != NULL)
		fprintf(stderr, "VRINGER_TARGET: unknown target '%s', '%s targets' lists them\n",
			name, report_command);
	else
		fprintf(stderr,
			"several targets are registered, expected VRINGER_TARGET=NAME; "
			"'%s targets' lists them\n",
			report_command);
	exit(2);
}

static int command(int argc, char **argv)
{
	report_command = argv[0];
	report_in_tree = false;
	if (argc > 1 && command_is(argv[1]))
		return command_main(argc, argv);
	/* To an engine the end of the process would be a finding later on. */
	if (report_is_engine() && (argc < 2 || strncmp(argv[1], "-help", 5) != 0))
		choose();
	return -1;
}

/* Files alone: what do they do? */
static int replay(int argc, char **argv)
{
	static char verb[] = "replay";
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	int status;

	if (args == NULL)
		return 2;
	args[0] = argv[0];
	args[1] = verb;
	memcpy(args + 2, argv + 1, (size_t)(argc - 1) * sizeof(*args));
	status = command_main(argc + 1, args);
	free(args);
	return status;
}

int vringer_main(int argc, char **argv)
{
	struct stat st;

	LLVMFuzzerInitialize(&argc, &argv);
	if (argc > 1 && stat(argv[1], &st) == 0)
		return replay(argc, argv);
	return command_main(argc, argv);
}

const struct fuzz_target fuzz_target = {
	.one = session_one,
	.explain = session_explain,
	.choose = choose,
	.command = command,
	.feedback = FEEDBACK_BLIND,
	.programs = true,
};
