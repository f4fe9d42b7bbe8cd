/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The command line: `vringer COMMAND ...`.
 */
#include "harness/command/cmd.h"
#include "harness/files/output.h"
#include "harness/peers/peers.h"
#include "harness/program/binary.h"
#include "harness/run/report.h"
#include "harness/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "targets", cmd_targets, "list the devices that vringer can drive" },
	{ "peers", cmd_peers, "list devices of other programs that it can start and drive" },
	{ "run", cmd_run, "run scripts and print the results as TAP, JUnit or JSON" },
	{ "replay", cmd_replay, "run a crash or corpus file and print what happened" },
	{ "serve", cmd_serve,
	  "serve a device to a driver: Linux, DPDK, QEMU; and judge what it does" },
	{ "fuzz", cmd_fuzz, "fuzz a device of your own with libFuzzer, and sort what is found" },
	{ "minimize", cmd_minimize, "shrink a crash file as far as its finding stays the same" },
	{ "triage", cmd_triage, "sort many crash files by finding" },
	{ "show", cmd_show, "print a crash or corpus file as a script" },
	{ "encode", cmd_encode, "convert scripts to the binary form" },
	{ "rules", cmd_rules, "list the rules that devices are judged by" },
	{ "ops", cmd_ops, "list the operations of guest programs" },
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: %s COMMAND [OPTION]... [FILE]...\n"
		"Drive a virtio device model as a hostile guest, and judge what it does.\n\n",
		report_command);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"\n'%s COMMAND --help' says more about a command.\n"
		"Exit status: 0 nothing is broken, 1 a rule or a `>` line is broken, 2 the input\n"
		"or the usage is wrong.\n",
		report_command);
}

/* A result that could not be written is an error, which is reported once. */
static int finish(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout) && !output_stdout_failed())
		return status;
	if (!output_stdout_failed())
		fprintf(stderr, "(standard output): cannot be written: %s\n",
			strerror(errno != 0 ? errno : EIO));
	return STATUS_USAGE;
}

/* If standard input, output or error is closed, open /dev/null in its place, the wrong
 * way round: no other file may take its number, and using it still fails. */
static void fill_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_USAGE);
}

/* A wrong description of a target would make its device look broken. */
static bool targets_are_sound(void)
{
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		const char *fault = target_fault(*t);

		if (fault == NULL)
			continue;
		fprintf(stderr, "vringer: target %s %s\n", (*t)->name != NULL ? (*t)->name : "?",
			fault);
		return false;
	}
	return true;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

bool command_is(const char *name)
{
	return find(name) != NULL || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	       strcmp(name, "help") == 0 || strcmp(name, "--version") == 0;
}

int command_main(int argc, char **argv)
{
	const struct command *command;
	int status;

	fill_standard();
	if (argc < 2) {
		fprintf(stderr, "%s: no command, see '%s --help'\n", report_command,
			report_command);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return finish(STATUS_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("vringer, guest programs of version %d\n", BINARY_VERSION);
		return finish(STATUS_OK);
	}
	command = find(argv[1]);
	if (command != NULL && !targets_are_sound())
		return STATUS_USAGE;
	peer_register();
	if (command != NULL) {
		status = finish(command->run(argc - 1, argv + 1));
		cmd_release_signals();
		return status;
	}
	fprintf(stderr, "%s: unknown command '%s', see '%s --help'\n", report_command, argv[1],
		report_command);
	return STATUS_USAGE;
}
