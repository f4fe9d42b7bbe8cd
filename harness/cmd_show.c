/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer show, encode: from one spelling of a guest program to the other.
 */
#include "harness/binary.h"
#include "harness/cmd.h"
#include "harness/input.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char show_help[] = "usage: vringer show [-t TARGET] [-o OUT] FILE...\n"
				"Print corpus and crash files, in either spelling, as scripts.\n"
				"  -t, --target TARGET  the target of a file that names none\n"
				"  -o, --output OUT     write there instead; one FILE only\n";

static const char encode_help[] =
	"usage: vringer encode [-t TARGET] [--body] [-o OUT] FILE...\n"
	"Write guest programs in the binary spelling.\n"
	"  -t, --target TARGET  the target of a script for any\n"
	"      --body           without magic and target, as an engine's corpus has them\n"
	"  -o, --output OUT     a file, or for several FILEs a directory; else standard output\n";

struct convert {
	const char *command;
	const char *target;
	const char *output;
	bool body;
	struct script *script;
};

/* 0, or an exit status. */
static int parse_options(struct convert *c, int argc, char **argv, const char *help)
{
	static const struct option options[] = {
		{ "target", required_argument, NULL, 't' },
		{ "output", required_argument, NULL, 'o' },
		{ "body", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, ":t:o:h", options, NULL)) != -1) {
		switch (option) {
		case 't':
			c->target = optarg;
			break;
		case 'o':
			c->output = optarg;
			break;
		case 'b':
			c->body = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(STATUS_OK);
		default:
			return cmd_bad_option(c->command, option, argv);
		}
	}
	if (optind == argc)
		return cmd_usage(c->command, "no file");
	if (c->target != NULL && target_find(c->target) == NULL) {
		fprintf(stderr, "vringer %s: unknown target '%s', 'vringer targets' lists them\n",
			c->command, c->target);
		return STATUS_USAGE;
	}
	return 0;
}

/* Load a file and make its target a known one; "any" stays in a script. */
static int load(struct convert *c, const char *path)
{
	struct program *prog = &c->script->prog;

	if (input_load(c->script, path, c->target) != 0)
		return STATUS_USAGE;
	if (strcmp(prog->target, "any") == 0 && c->target != NULL)
		strcpy(prog->target, c->target);
	if (strcmp(prog->target, "any") != 0 && input_target(prog, path, NULL) == NULL)
		return STATUS_USAGE;
	return 0;
}

static int show_file(struct convert *c, const char *path, bool several)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int err;

	if (load(c, path) != 0)
		return STATUS_USAGE;
	out = open_memstream(&text, &len);
	if (out == NULL)
		return STATUS_USAGE;
	if (several)
		fprintf(out, "# %s\n", path);
	text_print(out, &c->script->prog, c->script->slot_names);
	fclose(out);
	err = output_write(c->output != NULL ? c->output : "-", text, len);
	free(text);
	return err != 0 ? STATUS_USAGE : 0;
}

int cmd_show(int argc, char **argv)
{
	struct convert c = { .command = "show" };
	int status = parse_options(&c, argc, argv, show_help);
	bool several = argc - optind > 1;

	if (status != 0)
		return status;
	if (several && c.output != NULL)
		return cmd_usage(c.command, "several files and one output");
	c.script = calloc(1, sizeof(*c.script));
	if (c.script == NULL)
		return STATUS_USAGE;
	for (int i = optind; i < argc && status == 0; i++)
		status = show_file(&c, argv[i], several);
	free(c.script);
	return status;
}

/* DIR/NAME for .../NAME.vr; to be freed. */
static char *output_path(const char *dir, const char *path)
{
	const char *name = strrchr(path, '/');
	char *out;
	size_t len;

	name = name != NULL ? name + 1 : path;
	len = strlen(name);
	if (len > 3 && strcmp(name + len - 3, ".vr") == 0)
		len -= 3;
	return asprintf(&out, "%s/%.*s", dir, (int)len, name) < 0 ? NULL : out;
}

static int encode_file(struct convert *c, const char *path, uint8_t *bytes, bool directory)
{
	const char *output = c->output != NULL ? c->output : "-";
	char *name = NULL;
	long len;
	int err = load(c, path);

	if (err != 0)
		return err;
	len = binary_encode(&c->script->prog, bytes, BINARY_SIZE_MAX, !c->body);
	if (directory) {
		name = output_path(output, path);
		output = name;
	}
	if (output == NULL)
		return STATUS_USAGE;
	err = output_write(output, bytes, (size_t)len);
	free(name);
	return err != 0 ? STATUS_USAGE : 0;
}

int cmd_encode(int argc, char **argv)
{
	struct convert c = { .command = "encode" };
	int status = parse_options(&c, argc, argv, encode_help);
	bool directory = false;
	struct stat st;
	uint8_t *bytes;

	if (status != 0)
		return status;
	if (c.output != NULL && stat(c.output, &st) == 0)
		directory = S_ISDIR(st.st_mode);
	if (argc - optind > 1 && !directory)
		return cmd_usage(c.command, "several files, expected -o with a directory");
	c.script = calloc(1, sizeof(*c.script));
	bytes = malloc(BINARY_SIZE_MAX);
	if (c.script == NULL || bytes == NULL)
		status = STATUS_USAGE;
	for (int i = optind; i < argc && status == 0; i++)
		status = encode_file(&c, argv[i], bytes, directory);
	free(bytes);
	free(c.script);
	return status;
}
