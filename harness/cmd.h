/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The commands of `vringer`.  Each takes its own argv (argv[0] its name) and
 * returns the exit status.
 */
#ifndef VRINGER_HARNESS_CMD_H
#define VRINGER_HARNESS_CMD_H

enum exit_status {
	STATUS_OK = 0,	   /* nothing broken */
	STATUS_BROKEN = 1, /* a rule broken, a demand not met */
	STATUS_USAGE = 2,  /* the input or the usage is wrong */
};

int cmd_targets(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_encode(int argc, char **argv);

/* Say what is wrong with the usage, in one line; STATUS_USAGE. */
int cmd_usage(const char *command, const char *what);
/* The same for what getopt_long returned, ':' or '?'; its option string starts
 * with ':' so that it says nothing itself. */
int cmd_bad_option(const char *command, int option, char *const *argv);

/* The number in an option's argument, 1 to max; 0 after one line on stderr. */
unsigned cmd_number(const char *command, const char *option, const char *text, unsigned max);

#endif
