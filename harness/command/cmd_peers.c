/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer peers, and what the other commands have to do with peers: choose one, name the
 * program that is started, find out what it offers.
 *
 * Listing starts no process: it looks for programs, and asks none of them anything.
 */
#include "harness/command/cmd.h"
#include "harness/files/json.h"
#include "harness/peers/peers.h"
#include "harness/run/report.h"
#include "harness/target/target.h"

#include <stdio.h>
#include <string.h>

static const struct cmd_usage usage = {
	.options = "DXJ",
	.help = "List the devices of other people's programs that vringer can start and drive, "
		"each with its\n"
		"link (how it is reached), and the program that was found or the Debian package "
		"that has it.\n"
		"With --peer that one, with --command started so.  No process is started here.",
};

static int unknown(const char *command, const char *name)
{
	fprintf(stderr, "%s %s: unknown peer '%s', '%s peers' lists them\n", report_command,
		command, name, report_command);
	return STATUS_USAGE;
}

/* Is that a target that no process is started for? */
static bool is_registered(const char *name)
{
	for (const struct target *const *t = target_all(); *t != NULL; t++)
		if (strcmp((*t)->name, name) == 0)
			return true;
	return false;
}

int cmd_choose_peer(const char *command, struct cmd_options *options)
{
	const char *name = options->peer != NULL ? options->peer : options->target;
	const struct peer *peer = peer_find(name);
	char why[80] = "";
	int err;

	if (options->peer != NULL && options->target != NULL)
		return cmd_fail(command, "--peer and -t were both given, expected one of them");
	if (options->peer != NULL && peer == NULL)
		return unknown(command, name);
	if (options->peer != NULL && is_registered(name))
		return cmd_fail(command, "--peer names a device of this program, expected -t");
	options->target = name;
	if (options->peer_command == NULL)
		return 0;
	if (peer == NULL || is_registered(name))
		return cmd_fail(command, "--command starts a peer, expected --peer NAME as well");
	err = peer_use_command(peer, options->peer_command, why, sizeof(why));
	if (err == 0)
		return 0;
	if (why[0] == '\0')
		return cmd_fail_host(command, -err);
	fprintf(stderr, "%s %s: --command %s\n", report_command, command, why);
	return STATUS_USAGE;
}

int cmd_probe(const char *command, const struct target *target)
{
	char what[TARGET_WHAT_MAX] = "";

	if (target == NULL || target_probe(target, what) == 0)
		return 0;
	fprintf(stderr, "%s %s: %s: %s\n", report_command, command, target->name, what);
	return STATUS_USAGE;
}

int cmd_probe_chosen(const char *command, const struct cmd_options *options)
{
	return options->target != NULL ? cmd_probe(command, target_find(options->target)) : 0;
}

static bool is_wanted(const struct cmd_options *options, const struct peer *peer)
{
	return options->peer == NULL || strcmp(options->peer, peer->name) == 0;
}

/* The widest of a column, so that the table needs no bounds of its own. */
static int widest(const struct cmd_options *options, const char *(*column)(const struct peer *))
{
	size_t most = 0;

	for (const struct peer *const *p = peer_all(); *p != NULL; p++)
		if (is_wanted(options, *p) && strlen(column(*p)) > most)
			most = strlen(column(*p));
	return (int)most;
}

static const char *name_of(const struct peer *peer)
{
	return peer->name;
}

static const char *kind_of(const struct peer *peer)
{
	return peer->kind;
}

static const char *link_of(const struct peer *peer)
{
	return peer->link->name;
}

static void print_rows(const struct cmd_options *options)
{
	int name = widest(options, name_of), kind = widest(options, kind_of);
	int link = widest(options, link_of);

	for (const struct peer *const *p = peer_all(); *p != NULL; p++) {
		const char *program = peer_program(*p);
		char missing[200];

		if (!is_wanted(options, *p))
			continue;
		peer_missing(*p, missing, sizeof(missing));
		printf("%-*s  %-*s  %-*s  %s\n", name, (*p)->name, kind, (*p)->kind, link,
		       (*p)->link->name, program != NULL ? program : missing);
	}
}

static void print_json(const struct cmd_options *options)
{
	struct json json = json_open(stdout);

	json_object(&json, NULL);
	json_array(&json, "peers");
	for (const struct peer *const *p = peer_all(); *p != NULL; p++) {
		const char *program = peer_program(*p);
		char missing[200];

		if (!is_wanted(options, *p))
			continue;
		json_break(&json);
		json_object(&json, NULL);
		json_string(&json, "peer", (*p)->name);
		json_string(&json, "help", (*p)->help);
		json_string(&json, "kind", (*p)->kind);
		json_string(&json, "link", (*p)->link->name);
		if ((*p)->package != NULL)
			json_string(&json, "package", (*p)->package);
		json_bool(&json, "found", program != NULL);
		if (program == NULL)
			peer_missing(*p, missing, sizeof(missing));
		json_string(&json, program != NULL ? "program" : "missing",
			    program != NULL ? program : missing);
		json_string(&json, "version_arguments",
			    (*p)->version != NULL ? (*p)->version : "--version");
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
	json_end(&json);
}

int cmd_peers(int argc, char **argv)
{
	struct cmd_options options;
	int status = cmd_parse(&options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (options.json)
		print_json(&options);
	else
		print_rows(&options);
	return STATUS_OK;
}
