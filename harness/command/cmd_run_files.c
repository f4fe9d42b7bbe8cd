/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The files of `vringer run`: which scripts its arguments name, and whether its outputs can
 * be written.  Nothing of a script is read here.
 */
#include "harness/command/cmd.h"
#include "harness/files/output.h"
#include "harness/files/walk.h"

int cmd_find_scripts(struct walk *walk, char *const *paths, int count)
{
	int status = 0;

	for (int i = 0; i < count; i++) {
		size_t before = walk->count, refused = walk->refused;

		if (walk_add(walk, paths[i]) != 0)
			return STATUS_USAGE;
		if (walk->count > before || walk->refused > refused)
			continue;
		fprintf(stderr, "%s: no script in it, expected *.vr\n", paths[i]);
		status = STATUS_USAGE;
	}
	return walk->refused > 0 ? STATUS_USAGE : status;
}

int cmd_plan_outputs(const struct walk *walk, const struct cmd_options *options)
{
	const char *const inputs[] = { options->known_path, options->against };
	struct output_plan plan = { .inputs = { .count = 0 } };
	int err = 0;

	for (size_t i = 0; i < walk->count && err == 0; i++)
		err = output_plan_input(&plan, walk->paths[i]);
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]) && err == 0; i++)
		err = inputs[i] != NULL ? output_plan_input(&plan, inputs[i]) : 0;
	if (err == 0)
		err = output_plan_output(&plan, options->output != NULL ? options->output : "-",
					 "run");
	if (err == 0 && options->html != NULL)
		err = output_plan_output(&plan, options->html, "run --html");
	output_plan_release(&plan);
	return err != 0 ? STATUS_USAGE : 0;
}
