/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The commands of `vringer`, and the options that they share.  Each command
 * takes its own argv (argv[0] its name) and returns the exit status.
 */
#ifndef VRINGER_HARNESS_CMD_H
#define VRINGER_HARNESS_CMD_H

#include "harness/ledger/known.h"
#include "harness/rules/rules.h"

#include <signal.h>
#include <stdbool.h>

enum exit_status {
	STATUS_OK = 0,	   /* nothing broken */
	STATUS_BROKEN = 1, /* a rule broken, a demand not met */
	STATUS_USAGE = 2,  /* the input or the usage is wrong */
};

/* Everything: argv[1] is the command.  The exit status. */
int command_main(int argc, char **argv);
/* Is that one of the commands, --help or --version? */
bool command_is(const char *name);

int cmd_targets(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_minimize(int argc, char **argv);
int cmd_triage(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_encode(int argc, char **argv);

/* Every option of every command; what was not given is 0. */
struct transport;

struct cmd_options {
	const char *target;
	const char *output;
	const char *known_path;
	const char *transport_name; /* as given; NULL: it was not */
	const struct transport *transport;
	unsigned seconds, keep;
	bool verbose, json, junit, completes, body, levels;
	struct judging judging; /* known: what known_path lists; NULL: none was given */
	/* What is left: files, never none where the command takes them. */
	char **files;
	int file_count;
};

struct cmd_usage {
	const char *files;   /* as in "FILE...", or "[FILE...]"; NULL: takes none */
	const char *options; /* letters of the table in cmd_options.c */
	const char *help;    /* what the command does */
	const char *timeout; /* what --timeout is by itself; NULL: CHILD_SECONDS */
};

/* Parse argv by `usage`.  0, or the exit status plus 1 where there is nothing
 * more to do: --help was printed, or one line on stderr said what is wrong. */
int cmd_parse(struct cmd_options *options, const struct cmd_usage *usage, int argc, char **argv);
/* SIGINT, SIGTERM and SIGHUP set cmd_stop from now on, and end a child: the command is
 * to end soon, and does not lose what it has to a second one. */
extern volatile sig_atomic_t cmd_stop;
void cmd_catch_signals(void);

/* Where the conformance scripts are installed; NULL in a command that is not. */
const char *scripts_folder(void);

/* One line on stderr; STATUS_USAGE. */
int cmd_fail(const char *command, const char *what);
/* What the host lacks: `error` of errno(3). */
int cmd_fail_host(const char *command, int error);

#endif
