/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer replay: run a corpus or crash file in a child and print what happened.  A
 * fuzzing binary does the same when it is given one file.
 */
#include "harness/command/cmd.h"
#include "harness/run/replay.h"

static const struct cmd_usage usage = {
	"FILE...",
	"tDXQEI7vJSLNKTR",
	"Run corpus and crash files, each in a process of its own, and print what was found.",
	NULL,
	false,
};

int cmd_replay(int argc, char **argv)
{
	struct cmd_options options;
	struct replay_options replay;
	int status = cmd_parse(&options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (cmd_probe_chosen(argv[0], &options) != 0)
		return STATUS_USAGE;
	replay = (struct replay_options){
		.target = options.target,
		.transport = options.transport,
		.instance = &options.instance,
		.verbose = options.verbose,
		.json = options.json,
		.judging = options.judging,
		.seconds = options.seconds,
	};
	for (int i = 0; i < options.file_count; i++) {
		int one = replay_file(&replay, options.files[i]);

		if (one > status)
			status = one;
	}
	return status;
}
