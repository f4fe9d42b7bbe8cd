/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer replay: run a corpus or crash file in a child and print what
 * happened.  A fuzzing binary that is given a file does the same.
 */
#include "harness/cmd.h"
#include "harness/replay.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"usage: vringer replay [-v] [--json] [-t TARGET] [OPTION]... FILE...\n"
	"Run corpus and crash files, each in a process of its own, and print the finding.\n"
	"  -v, --verbose        print every operation, access, interrupt and counter\n"
	"      --json           one JSON object a line\n"
	"  -t, --target TARGET  the target of a file that names none\n"
	"      --strict         a broken SHOULD fails too (always so on vringer's own models)\n"
	"      --limits         a broken policy on hostile guests fails too (likewise)\n"
	"      --no-ledger      look for crashes only\n"
	"      --timeout N      seconds until a device hangs (20)\n";

int cmd_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "target", required_argument, NULL, 't' },
		{ "strict", no_argument, NULL, 's' },
		{ "limits", no_argument, NULL, 'l' },
		{ "no-ledger", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct replay_options replay = { .command = "vringer replay" };
	int status = STATUS_OK;
	int option;

	while ((option = getopt_long(argc, argv, ":vt:h", options, NULL)) != -1) {
		switch (option) {
		case 'v':
			replay.verbose = true;
			break;
		case 'j':
			replay.json = true;
			break;
		case 't':
			replay.target = optarg;
			break;
		case 's':
			replay.strict = true;
			break;
		case 'l':
			replay.limits = true;
			break;
		case 'n':
			replay.no_ledger = true;
			break;
		case 'T':
			replay.seconds = cmd_number("replay", "timeout", optarg, 86400);
			if (replay.seconds == 0)
				return STATUS_USAGE;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_OK;
		default:
			return cmd_bad_option("replay", option, argv);
		}
	}
	if (optind == argc)
		return cmd_usage("replay", "no file");
	for (int i = optind; i < argc; i++) {
		int one = replay_file(&replay, argv[i]);

		if (one > status)
			status = one;
	}
	return status;
}
