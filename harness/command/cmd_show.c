/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer show, encode: convert a guest program from one form to the other.
 */
#include "harness/command/cmd.h"
#include "harness/files/input.h"
#include "harness/files/output.h"
#include "harness/program/binary.h"
#include "harness/run/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cmd_usage show_usage = {
	"FILE...", "toQEI7", "Print corpus and crash files, in text or binary form, as scripts.",
	NULL,	   false,
};

static const struct cmd_usage encode_usage = {
	"FILE...",
	"toQEI7BF",
	"Write guest programs in the binary form. Several FILEs need -o with a directory; a "
	"script\n"
	"for any queue then gives a file for each request of the target.",
	NULL,
	false,
};

struct convert {
	struct cmd_options options;
	struct script *script;
	bool folder; /* a folder: each of several results goes to a file of its own there */
};

/* Check all inputs and outputs before anything is read or written: 0, or STATUS_USAGE.
 * `place` returns where a file's result goes; the caller frees it. */
static int check_places(const struct convert *c,
			char *(*place)(const struct convert *c, const char *path))
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	int err = 0;

	for (int i = 0; i < c->options.file_count && err == 0; i++)
		err = output_plan_input(&plan, c->options.files[i]);
	for (int i = 0; i < c->options.file_count && err == 0; i++) {
		char *output = place(c, c->options.files[i]);

		err = output == NULL ? -ENOMEM : c->folder ? output_is_file(output) : 0;
		if (err == 0)
			err = output_plan_output(&plan, output, c->options.files[i]);
		/* If several go to standard output, one check is enough. */
		if (strcmp(output != NULL ? output : "-", "-") == 0)
			i = c->options.file_count;
		free(output);
	}
	output_plan_release(&plan);
	return err != 0 ? STATUS_USAGE : 0;
}

static char *one_place(const struct convert *c, const char *path)
{
	(void)path;
	return strdup(c->options.output != NULL ? c->options.output : "-");
}

/* Load a file.  A script for any device stays one unless -t was given.  A body, which
 * names no target, gets one. */
static int load(struct convert *c, const char *path)
{
	struct program *prog = &c->script->prog;
	const struct target *target;
	bool script;

	if (load_program_as(c->script, path, c->options.target, &c->options.instance, &script) != 0)
		return STATUS_USAGE;
	if (script && strcmp(prog->target, "any") == 0 && c->options.target == NULL)
		return 0;
	target = load_target(c->script, path, c->options.target);
	if (target == NULL)
		return STATUS_USAGE;
	snprintf(prog->target, sizeof(prog->target), "%s", target->name);
	return 0;
}

static int show_file(struct convert *c, const char *path, bool several)
{
	size_t len;
	char *text;
	FILE *out;
	int err;

	if (load(c, path) != 0)
		return STATUS_USAGE;
	out = output_text_open(&text, &len);
	if (out == NULL)
		return cmd_fail_host("show", ENOMEM);
	if (several)
		fprintf(out, "# %s\n", input_name(path));
	text_print(out, &c->script->prog, c->script->slot_names);
	err = output_text_close(out, &text);
	if (err == 0)
		err = output_write(c->options.output != NULL ? c->options.output : "-", text, len);
	free(text);
	return err != 0 ? STATUS_USAGE : 0;
}

int cmd_show(int argc, char **argv)
{
	struct convert c = { .folder = false };
	int status = cmd_parse(&c.options, &show_usage, argc, argv);
	bool several = c.options.file_count > 1;

	if (status != 0)
		return status - 1;
	if (several && c.options.output != NULL)
		return cmd_fail(argv[0], "several files for one output, expected one file");
	c.script = calloc(1, sizeof(*c.script));
	if (c.script == NULL)
		return cmd_fail_host(argv[0], ENOMEM);
	status = check_places(&c, one_place);
	for (int i = 0; i < c.options.file_count && status == 0; i++)
		status = show_file(&c, c.options.files[i], several);
	free(c.script);
	return status;
}

/* Where the encoded program goes: if the output is a folder, .../NAME.vr becomes
 * DIR/NAME. */
static char *encode_place(const struct convert *c, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "stdin" : file_name(path);
	size_t len = strlen(name);
	char *out;

	if (!c->folder)
		return one_place(c, path);
	if (input_is_script(name))
		len -= 3;
	return asprintf(&out, "%s/%.*s", c->options.output, (int)len, name) < 0 ? NULL : out;
}

/* Encode what is loaded; `suffix` tells instances of one script apart. */
static int write_encoded(struct convert *c, const char *path, const char *suffix, uint8_t *bytes)
{
	long len = binary_encode(&c->script->prog, bytes, BINARY_SIZE_MAX, !c->options.body);
	char *base = encode_place(c, path), *output = NULL;
	int err;

	if (base == NULL || asprintf(&output, "%s%s", base, suffix) < 0) {
		free(base);
		return cmd_fail_host("encode", ENOMEM);
	}
	err = output_write(output, bytes, (size_t)len);
	free(output);
	free(base);
	return err != 0 ? STATUS_USAGE : 0;
}

/* The other instances of a portable script that can run: .../NAME.q1-frame. */
static int encode_instances(struct convert *c, const char *path, uint8_t *bytes)
{
	static struct instance list[INSTANCES_MAX];
	const struct target *target = target_find(c->script->prog.target);
	unsigned count = target != NULL ? instance_list(c->script, target, true, list) : 0;
	int err = 0;

	for (unsigned i = 1; i < count && err == 0; i++) {
		const struct instance *in = &list[i];
		char queue[12], suffix[INSTANCE_TEXT_MAX];

		if (in->request == NULL ||
		    instance_unmet(in, c->script, target, transport_or_first(NULL)) != NULL)
			continue;
		snprintf(queue, sizeof(queue), "%u", in->binding.queue);
		snprintf(suffix, sizeof(suffix), ".q%s-%.40s%s", queue, in->request->name,
			 in->binding.layout == LAYOUT_INDIRECT ? "-indirect" : "");
		c->options.instance = (struct instance_choice){
			.queue = queue,
			.request = in->request->name,
			.indirect = in->binding.layout == LAYOUT_INDIRECT,
		};
		err = load(c, path);
		if (err == 0)
			err = write_encoded(c, path, suffix, bytes);
	}
	c->options.instance = (struct instance_choice){ .queue = NULL };
	return err;
}

static int encode_file(struct convert *c, const char *path, uint8_t *bytes)
{
	const struct instance_choice *choice = &c->options.instance;
	bool every = c->folder && !c->options.brief && choice->queue == NULL &&
		     choice->request == NULL && !choice->indirect && !choice->packed;
	int err = load(c, path);

	if (err == 0)
		err = write_encoded(c, path, "", bytes);
	if (err == 0 && every && c->script->names_queue)
		err = encode_instances(c, path, bytes);
	return err;
}

int cmd_encode(int argc, char **argv)
{
	struct convert c = { .folder = false };
	int status = cmd_parse(&c.options, &encode_usage, argc, argv);
	struct stat st;
	uint8_t *bytes;

	if (status != 0)
		return status - 1;
	if (c.options.output != NULL && stat(c.options.output, &st) == 0)
		c.folder = S_ISDIR(st.st_mode);
	if (c.options.file_count > 1 && !c.folder)
		return cmd_fail(argv[0], "several files, expected -o with a directory");
	c.script = calloc(1, sizeof(*c.script));
	bytes = malloc(BINARY_SIZE_MAX);
	if (c.script != NULL && bytes != NULL)
		status = check_places(&c, encode_place);
	else
		cmd_fail_host(argv[0], ENOMEM);
	for (int i = 0;
	     c.script != NULL && bytes != NULL && i < c.options.file_count && status == 0; i++)
		status = encode_file(&c, c.options.files[i], bytes);
	if (c.script == NULL || bytes == NULL)
		status = STATUS_USAGE;
	free(bytes);
	free(c.script);
	return status;
}
