/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The commands of `vringer`, and the options that they share.  Each command
 * takes its own argv (argv[0] its name) and returns the exit status.
 */
#ifndef VRINGER_HARNESS_CMD_H
#define VRINGER_HARNESS_CMD_H

#include "harness/ledger/known.h"
#include "harness/rules/rules.h"
#include "harness/run/instance.h"

#include <signal.h>
#include <stdbool.h>
#include <time.h>

enum exit_status {
	STATUS_OK = 0,	   /* nothing broken */
	STATUS_BROKEN = 1, /* a rule broken, a demand not met */
	STATUS_USAGE = 2,  /* the input or the usage is wrong */
};

/* Run the command argv[1]. Returns the exit status. */
int command_main(int argc, char **argv);
/* Is that one of the commands, --help or --version? */
bool command_is(const char *name);

int cmd_targets(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_minimize(int argc, char **argv);
int cmd_triage(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_encode(int argc, char **argv);

struct transport;

/* The options of all commands.  An option that was not given is 0. */
struct cmd_options {
	const char *target; /* a peer's name too */
	const char *peer;
	const char *peer_command;
	const char *output;
	const char *html, *against; /* a page of results, and what it compares them with */
	const char *known_path;
	const char *engine;
	const char *socket;
	const char *record, *note;
	unsigned record_max;
	const char *feature_mask;   /* as given; NULL: it was not */
	uint64_t features;	    /* ... and its value */
	const char *transport_name; /* as given; NULL: it was not */
	const struct transport *transport;
	struct instance_choice instance; /* of a portable script */
	unsigned seconds, keep;
	bool all_transports; /* of those, each */
	unsigned verbose;    /* how often it was given */
	bool split;	     /* on no packed rings */
	bool all_requests;   /* of a queue, each */
	bool json, junit, completes, body, levels, brief, echo;
	struct judging judging; /* known: the list in known_path; NULL: none was given */
	/* The other arguments: files.  At least one where the command takes files. */
	char **files;
	int file_count;
};

struct cmd_usage {
	const char *files;   /* for the usage line: "FILE...", "[FILE...]"; NULL: takes none */
	const char *options; /* letters of the table in cmd_options.c */
	const char *help;    /* what the command does */
	const char *timeout; /* the default of --timeout, for the help; NULL: CHILD_SECONDS */
	bool all_transports; /* does it take --transport all? */
};

/* Parse argv by `usage`. 0, or the exit status plus 1 if the command is to end: --help
 * was printed, or one line on stderr said what is wrong. */
int cmd_parse(struct cmd_options *options, const struct cmd_usage *usage, int argc, char **argv);
/* The target of that name is about to run: what it has may be known only now, and whether
 * it can run here.  0, or STATUS_USAGE after one line on stderr.  NULL: any target. */
struct target;
int cmd_probe(const char *command, const struct target *target);
/* The same of the one that the options name, if they name one. */
int cmd_probe_chosen(const char *command, const struct cmd_options *options);
/* Which peer the options name, and how it is started: target_find then finds it, and
 * options->target is its name.  0, or STATUS_USAGE after one line. */
int cmd_choose_peer(const char *command, struct cmd_options *options);
/* For run: find the scripts that the arguments name; and is each output neither an input nor
 * another output, and can be written?  0, or STATUS_USAGE after lines on stderr. */
struct walk;
int cmd_find_scripts(struct walk *walk, char *const *paths, int count);
int cmd_plan_outputs(const struct walk *walk, const struct cmd_options *options);
/* From now on SIGINT, SIGTERM and SIGHUP set cmd_stop and end the running child.  The
 * command is to end soon; a second signal does not make it lose its result. */
extern volatile sig_atomic_t cmd_stop;
void cmd_catch_signals(void);
/* All results are written: from now on these signals end the process at once. */
void cmd_release_signals(void);

/* Progress of what takes long, on stderr: begin, show (as printf, at any rate), end. */
struct cmd_progress {
	bool terminal, told;
	time_t shown;
	unsigned wait; /* seconds until the next line of a log */
};
void cmd_progress_begin(struct cmd_progress *progress);
void cmd_progress_show(struct cmd_progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cmd_progress_end(const struct cmd_progress *progress);

/* Where the conformance scripts are installed; NULL if the command was not installed. */
const char *scripts_folder(void);
/* Is a script one of those? */
bool scripts_are_installed(const char *path);
/* ... and what fuzzes with a user's program (fuzzers/user.sh). */
const char *fuzz_folder(void);

/* One line on stderr; STATUS_USAGE. */
int cmd_fail(const char *command, const char *what);
/* The machine lacks something: `error` is an errno value.  STATUS_USAGE. */
int cmd_fail_host(const char *command, int error);

#endif
