/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer show, encode: from one spelling of a guest program to the other.
 */
#include "harness/binary.h"
#include "harness/cmd.h"
#include "harness/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cmd_usage show_usage = {
	"FILE...",
	"to",
	"Print corpus and crash files, in either spelling, as scripts.",
	NULL,
};

static const struct cmd_usage encode_usage = {
	"FILE...",
	"toB",
	"Write guest programs in the binary spelling; several FILEs into a directory.",
	NULL,
};

struct convert {
	struct cmd_options options;
	struct script *script;
};

/* Load a file.  A script for any device stays one, unless a target was asked
 * for; a body, which names none, gets the one that it is for. */
static int load(struct convert *c, const char *path)
{
	struct program *prog = &c->script->prog;
	const struct target *target;
	bool script;

	if (c->options.output != NULL && output_is_input(c->options.output, path))
		return STATUS_USAGE;
	if (input_load(c->script, path, c->options.target, &script) != 0)
		return STATUS_USAGE;
	if (script && strcmp(prog->target, "any") == 0 && c->options.target == NULL)
		return 0;
	target = input_target(prog, path, c->options.target);
	if (target == NULL)
		return STATUS_USAGE;
	snprintf(prog->target, sizeof(prog->target), "%s", target->name);
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
		return cmd_fail_host("show", ENOMEM);
	if (several)
		fprintf(out, "# %s\n", path);
	text_print(out, &c->script->prog, c->script->slot_names);
	fclose(out);
	err = output_write(c->options.output != NULL ? c->options.output : "-", text, len);
	free(text);
	return err != 0 ? STATUS_USAGE : 0;
}

int cmd_show(int argc, char **argv)
{
	struct convert c;
	int status = cmd_parse(&c.options, &show_usage, argc, argv);
	bool several = c.options.file_count > 1;

	if (status != 0)
		return status - 1;
	if (several && c.options.output != NULL)
		return cmd_fail(argv[0], "several files and one output");
	c.script = calloc(1, sizeof(*c.script));
	if (c.script == NULL)
		return cmd_fail_host(argv[0], ENOMEM);
	for (int i = 0; i < c.options.file_count && status == 0; i++)
		status = show_file(&c, c.options.files[i], several);
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
	const char *output = c->options.output != NULL ? c->options.output : "-";
	char *name = NULL;
	long len;
	int err = load(c, path);

	if (err != 0)
		return err;
	len = binary_encode(&c->script->prog, bytes, BINARY_SIZE_MAX, !c->options.body);
	if (directory) {
		name = output_path(output, path);
		output = name;
	}
	if (output == NULL)
		return cmd_fail_host("encode", ENOMEM);
	err = output_write(output, bytes, (size_t)len);
	free(name);
	return err != 0 ? STATUS_USAGE : 0;
}

int cmd_encode(int argc, char **argv)
{
	struct convert c;
	int status = cmd_parse(&c.options, &encode_usage, argc, argv);
	bool directory = false;
	struct stat st;
	uint8_t *bytes;

	if (status != 0)
		return status - 1;
	if (c.options.output != NULL && stat(c.options.output, &st) == 0)
		directory = S_ISDIR(st.st_mode);
	if (c.options.file_count > 1 && !directory)
		return cmd_fail(argv[0], "several files, expected -o with a directory");
	c.script = calloc(1, sizeof(*c.script));
	bytes = malloc(BINARY_SIZE_MAX);
	if (c.script == NULL || bytes == NULL) {
		cmd_fail_host(argv[0], ENOMEM);
		status = STATUS_USAGE;
	}
	for (int i = 0; i < c.options.file_count && status == 0; i++)
		status = encode_file(&c, c.options.files[i], bytes, directory);
	free(bytes);
	free(c.script);
	return status;
}
