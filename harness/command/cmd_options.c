/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The options of the commands: one table, from which parsing and --help come.
 */
#include "harness/command/cmd.h"
#include "harness/guest/transport.h"
#include "harness/run/child.h"
#include "harness/run/report.h"
#include "harness/target/target.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 86400

/* The value of a macro, as a string. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

enum option_kind {
	OPTION_FLAG,   /* a bool */
	OPTION_LEVEL,  /* an unsigned: how often it is given */
	OPTION_TEXT,   /* a const char * */
	OPTION_NUMBER, /* an unsigned, 1 to NUMBER_MAX */
	OPTION_HELP,
};

/* An option whose letter is upper case has no short form. */
static const struct {
	char letter;
	uint8_t kind;
	const char *name;
	const char *argument; /* NULL: takes none */
	size_t offset;
	const char *help;
} table[] = {
#define AT(field) offsetof(struct cmd_options, field)
	{ 't', OPTION_TEXT, "target", "TARGET", AT(target), "the device for files that name none" },
	{ 'D', OPTION_TEXT, "peer", "NAME", AT(peer),
	  "the device is in a process of its own: one that `vringer peers` lists" },
	{ 'X', OPTION_TEXT, "command", "CMD", AT(peer_command),
	  "... which is started by this program or command line; with {socket} or the like in it "
	  "it is all, otherwise the peer's own arguments follow" },
	{ 'R', OPTION_TEXT, "transport", "NAME", AT(transport_name),
	  "how the device is reached: mmio (the default), or activated, without registers; for "
	  "run also all" },
	{ 'Q', OPTION_TEXT, "queue", "N", AT(instance.queue),
	  "what a script's `q` stands for: this queue, not the first that has a request" },
	{ 'E', OPTION_TEXT, "request", "NAME", AT(instance.request),
	  "... and which of its requests is sent, not the first" },
	{ 'I', OPTION_FLAG, "indirect", NULL, AT(instance.indirect), "... in indirect tables" },
	{ '7', OPTION_FLAG, "packed", NULL, AT(instance.packed),
	  "on packed rings only, where a script leaves the format open" },
	{ '8', OPTION_FLAG, "split", NULL, AT(split),
	  "on split rings only: without it and --packed, scripts for any device run on both where "
	  "they and the device let them" },
	{ 'A', OPTION_FLAG, "all-requests", NULL, AT(all_requests),
	  "each script with every request of each queue, not with three of many, or one if it is "
	  "long" },
	{ 'o', OPTION_TEXT, "output", "PATH", AT(output),
	  "write to this file, or, for several results, into this folder" },
	{ 'v', OPTION_LEVEL, "verbose", NULL, AT(verbose),
	  "print every operation, access, interrupt and counter; -vv: and the registers of "
	  "`start`" },
	{ 'J', OPTION_FLAG, "json", NULL, AT(json), "print JSON" },
	{ 'U', OPTION_FLAG, "junit", NULL, AT(junit), "print JUnit XML" },
	{ 'C', OPTION_FLAG, "completes", NULL, AT(completes),
	  "fail a script in which the device "
	  "returns no chain" },
	{ 'F', OPTION_FLAG, "brief", NULL, AT(brief),
	  "take a script for any queue and request for the first that it fits, not for others" },
	{ 'S', OPTION_FLAG, "strict", NULL, AT(judging.strict),
	  "a broken `should` rule or `>` line fails (always on for vringer's own models)" },
	{ 'L', OPTION_FLAG, "limits", NULL, AT(judging.limits),
	  "a broken `limit` rule or `>` line fails (always on for vringer's own models)" },
	{ 'N', OPTION_FLAG, "no-ledger", NULL, AT(judging.no_ledger),
	  "check no rule and no `>` line, only crashes, hangs and leaks" },
	{ 'G', OPTION_TEXT, "engine", "PATH", AT(engine),
	  "the program that has a fuzzing engine; without it, fuzz-NAME beside this one" },
	{ 'K', OPTION_TEXT, "known", "FILE", AT(known_path),
	  "known findings, which do not fail: lines 'SIGNATURE # REASON'" },
	{ 'P', OPTION_NUMBER, "keep", "N", AT(keep),
	  "keep the N smallest files of each signature, delete the others" },
	{ 'B', OPTION_FLAG, "body", NULL, AT(body),
	  "write no magic and no target, as files in an engine's corpus have none" },
	{ 'V', OPTION_FLAG, "levels", NULL, AT(levels),
	  "print which rules can be judged for each kind of access to guest memory" },
	{ '1', OPTION_TEXT, "socket", "PATH", AT(socket), "listen there" },
	{ '2', OPTION_TEXT, "record", "FILE.vr", AT(record),
	  "write the session down as programs that replay, FILE.vr, FILE-2.vr and so on" },
	{ '3', OPTION_NUMBER, "record-max", "N", AT(record_max), "... at most N of them (16)" },
	{ '6', OPTION_TEXT, "note", "TEXT", AT(note),
	  "... which say that they are from that driver" },
	{ '4', OPTION_TEXT, "features", "MASK", AT(feature_mask),
	  "offer none but these of the device's features" },
	{ '5', OPTION_FLAG, "echo", NULL, AT(echo),
	  "what a port gives the host, the host types into it again" },
	{ 'T', OPTION_NUMBER, "timeout", "N", AT(seconds),
	  "a device call hangs after N seconds of CPU time or of sleep (%s)" },
	{ 'h', OPTION_HELP, "help", NULL, 0, "this text" },
#undef AT
};

#define OPTION_COUNT (sizeof(table) / sizeof(table[0]))

int cmd_fail(const char *command, const char *what)
{
	fprintf(stderr, "%s %s: %s, see '%s %s --help'\n", report_command, command, what,
		report_command, command);
	return STATUS_USAGE;
}

int cmd_fail_host(const char *command, int error)
{
	fprintf(stderr, "%s %s: %s\n", report_command, command, strerror(error));
	return STATUS_USAGE;
}

static bool is_allowed(const struct cmd_usage *usage, size_t i)
{
	return table[i].letter == 'h' || strchr(usage->options, table[i].letter) != NULL;
}

static bool has_short(size_t i)
{
	return table[i].letter >= 'a';
}

/* A line of help, in which "%s" is the default. */
static void print_option_help(const char *help, const char *by_itself)
{
	const char *at = strstr(help, "%s");

	if (at == NULL)
		puts(help);
	else
		printf("%.*s%s%s\n", (int)(at - help), help, by_itself, at + 2);
}

static void print_help(const char *command, const struct cmd_usage *usage)
{
	printf("usage: %s %s [OPTION]...%s%s\n%s\n", report_command, command,
	       usage->files != NULL ? " " : "", usage->files != NULL ? usage->files : "",
	       usage->help);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char name[48];

		if (!is_allowed(usage, i))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", table[i].name,
			 table[i].argument != NULL ? " " : "",
			 table[i].argument != NULL ? table[i].argument : "");
		printf("  %c%c%c --%-16s ", has_short(i) ? '-' : ' ',
		       has_short(i) ? table[i].letter : ' ', has_short(i) ? ',' : ' ', name);
		print_option_help(table[i].help,
				  usage->timeout != NULL ? usage->timeout : TEXT(CHILD_SECONDS));
	}
}

/* What getopt_long returned, ':' or '?', in one line. */
static int bad_option(const char *command, int option, char *const *argv)
{
	const char *word = argv[optind - 1];
	const char letter[] = { '-', (char)optopt, '\0' };

	/* A short option may be one of several letters in a word; a long one is the
	 * word. */
	if (strncmp(word, "--", 2) != 0)
		word = letter;
	fprintf(stderr, "%s %s: %s '%s', see '%s %s --help'\n", report_command, command,
		option == ':' ? "no argument for option" : "unknown option", word, report_command,
		command);
	return STATUS_USAGE;
}

static int set_number(const char *command, size_t i, unsigned *value)
{
	char *end;
	unsigned long number = strtoul(optarg, &end, 10);

	if (*optarg >= '0' && *optarg <= '9' && *end == '\0' && number >= 1 &&
	    number <= NUMBER_MAX) {
		*value = (unsigned)number;
		return 0;
	}
	fprintf(stderr, "%s %s: --%s '%s': expected a number from 1 to %d\n", report_command,
		command, table[i].name, optarg, NUMBER_MAX);
	return STATUS_USAGE;
}

/* The options that the command takes, for getopt_long. */
static void build(const struct cmd_usage *usage, struct option *longs, char *shorts)
{
	size_t count = 0;

	*shorts++ = ':'; /* getopt_long says nothing itself */
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!is_allowed(usage, i))
			continue;
		longs[count++] = (struct option){ table[i].name, table[i].argument != NULL, NULL,
						  table[i].letter };
		if (!has_short(i))
			continue;
		*shorts++ = table[i].letter;
		if (table[i].argument != NULL)
			*shorts++ = ':';
	}
	longs[count] = (struct option){ NULL, 0, NULL, 0 };
	*shorts = '\0';
}

/* 0, or the exit status plus 1. */
static int set_option(struct cmd_options *options, const struct cmd_usage *usage,
		      const char *command, int letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		void *at = (char *)options + table[i].offset;

		if (table[i].letter != letter)
			continue;
		if (table[i].kind == OPTION_FLAG)
			*(bool *)at = true;
		else if (table[i].kind == OPTION_LEVEL)
			++*(unsigned *)at;
		else if (table[i].kind == OPTION_TEXT)
			*(const char **)at = optarg;
		else if (table[i].kind == OPTION_NUMBER)
			return set_number(command, i, at) != 0 ? 1 + STATUS_USAGE : 0;
		else
			print_help(command, usage);
	}
	return letter == 'h' ? 1 + STATUS_OK : 0;
}

/* 0, or STATUS_USAGE.  The list is kept until the process ends. */
static int load_known(struct cmd_options *options)
{
	static struct known known;

	if (options->known_path == NULL)
		return 0;
	options->judging.known = &known;
	return known_load(&known, options->known_path) != 0 ? STATUS_USAGE : 0;
}

/* 0, or STATUS_USAGE. */
static int set_features(const char *command, struct cmd_options *options)
{
	const char *text = options->feature_mask;
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	options->features = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
		return 0;
	fprintf(stderr, "%s %s: --features '%s': expected a number of 64 bits\n", report_command,
		command, text);
	return STATUS_USAGE;
}

static int bad_transport(const char *command, const struct cmd_usage *usage, const char *name)
{
	fprintf(stderr, "%s %s: unknown transport '%s', expected", report_command, command, name);
	for (const struct transport *const *t = transport_all; *t != NULL; t++)
		fprintf(stderr, "%s %s", t != transport_all ? " or" : "", (*t)->name);
	fprintf(stderr, "%s\n", usage->all_transports ? " or all" : "");
	return STATUS_USAGE;
}

int cmd_parse(struct cmd_options *options, const struct cmd_usage *usage, int argc, char **argv)
{
	struct option longs[OPTION_COUNT + 1];
	char shorts[2 * OPTION_COUNT + 2];
	int letter;

	*options = (struct cmd_options){ .target = NULL };
	build(usage, longs, shorts);
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int status;

		if (letter == ':' || letter == '?')
			return 1 + bad_option(argv[0], letter, argv);
		status = set_option(options, usage, argv[0], letter);
		if (status != 0)
			return status;
	}
	options->files = argv + optind;
	options->file_count = argc - optind;
	if (usage->files == NULL && options->file_count > 0)
		return 1 + cmd_fail(argv[0], "takes no argument");
	if (usage->files != NULL && usage->files[0] != '[' && options->file_count == 0)
		return 1 + cmd_fail(argv[0], "no file");
	if (cmd_choose_peer(argv[0], options) != 0)
		return 1 + STATUS_USAGE;
	if (options->target != NULL && target_find(options->target) == NULL) {
		fprintf(stderr, "%s %s: unknown target '%s', '%s targets' lists them\n",
			report_command, argv[0], options->target, report_command);
		return 1 + STATUS_USAGE;
	}
	options->all_transports = usage->all_transports && options->transport_name != NULL &&
				  strcmp(options->transport_name, "all") == 0;
	if (options->transport_name != NULL && !options->all_transports) {
		options->transport = transport_find(options->transport_name);
		if (options->transport == NULL)
			return 1 + bad_transport(argv[0], usage, options->transport_name);
	}
	if (set_features(argv[0], options) != 0)
		return 1 + STATUS_USAGE;
	return load_known(options) != 0 ? 1 + STATUS_USAGE : 0;
}
