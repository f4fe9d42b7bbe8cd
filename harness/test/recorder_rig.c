/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A live session that is recorded.  See recorder_rig.h.
 */
#include "recorder_rig.h"
#include "signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES_MAX 64u

static void tell(void *ctx, const char *line)
{
	struct recorder_rig *rig = ctx;
	size_t used = strlen(rig->tell);

	rig->told++;
	snprintf(rig->tell + used, sizeof(rig->tell) - used, "%s\n", line);
}

void recorder_rig_open(struct recorder_rig *rig, const struct target *target, unsigned max)
{
	struct text_error error;

	memset(rig, 0, sizeof(*rig));
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/vringer-recorder-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/s.vr", rig->folder);
	rig->judging.judging = (struct judging){ .strict = true, .limits = true };
	rig->options = (struct recorder_options){ .path = rig->path,
						  .note = "a test",
						  .max = max,
						  .judging = rig->judging.judging,
						  .tell = tell,
						  .ctx = rig };
	assert_int_equal(run_open(&rig->run, target, &error), 0);
	program_init(&rig->line.prog, target->name);
	assert_true(live_begin(rig->run, &rig->line.prog, &rig->judging));
	assert_int_equal(recorder_open(&rig->recorder, rig->run, &rig->line.prog, &rig->options),
			 0);
}

static bool run_op(struct recorder_rig *rig, const struct program *prog, const struct op *op)
{
	recorder_op(rig->recorder, prog, op);
	return live_op(rig->run, prog, op, rig->number++);
}

void recorder_rig_run(struct recorder_rig *rig, const char *text)
{
	char script[4096];
	struct text_error error;

	snprintf(script, sizeof(script), "device any\n%s", text);
	if (text_parse(&rig->line, script, strlen(script), &error) != 0)
		fail_msg("line %u: %s", error.line, error.message);
	for (uint32_t i = 0; i < rig->line.prog.op_count; i++)
		if (!run_op(rig, &rig->line.prog, &rig->line.prog.ops[i]))
			return;
}

unsigned recorder_rig_take(struct recorder_rig *rig, unsigned queue)
{
	const struct op take = { .code = OP_TAKE, .value = { queue, 1 } };
	struct guest *g = &rig->run->guest;
	const struct guest_queue *q = &g->queues[queue];
	unsigned count = 0;

	for (; q->used_idx != guest_used_idx(g, queue); count++) {
		struct guest_used entry = guest_used_entry(g, queue, q->used_idx);

		run_op(rig, &rig->line.prog, &take);
		recorder_used(rig->recorder, queue, entry.id, entry.len + rig->wrong);
		rig->wrong = 0;
	}
	return count;
}

void recorder_rig_close(struct recorder_rig *rig)
{
	live_end(rig->run);
	signals_as_before();
	assert_int_equal(recorder_close(rig->recorder, &rig->result), 0);
	signals_as_cmocka();
	run_close(rig->run);
}

static void print_path(const struct recorder_rig *rig, unsigned number, char *path, size_t size)
{
	if (number == 1)
		snprintf(path, size, "%s", rig->path);
	else
		snprintf(path, size, "%s/s-%u.vr", rig->folder, number);
}

char *recorder_rig_text(const struct recorder_rig *rig, unsigned number)
{
	size_t room = 1u << 20, len;
	char path[128], *text;
	FILE *in;

	print_path(rig, number, path, sizeof(path));
	in = fopen(path, "r");
	if (in == NULL)
		return NULL;
	text = malloc(room);
	assert_non_null(text);
	len = fread(text, 1, room - 1, in);
	text[len] = '\0';
	fclose(in);
	return text;
}

bool recorder_rig_load(struct recorder_rig *rig, unsigned number, struct script *script)
{
	char *text = recorder_rig_text(rig, number);
	struct text_error error;

	if (text == NULL)
		return false;
	if (text_parse(script, text, strlen(text), &error) != 0)
		fail_msg("program %u, line %u: %s", number, error.line, error.message);
	free(text);
	return true;
}

void recorder_rig_release(struct recorder_rig *rig)
{
	char path[128];

	for (unsigned i = 1; i <= FILES_MAX; i++) {
		print_path(rig, i, path, sizeof(path));
		unlink(path);
	}
	assert_int_equal(rmdir(rig->folder), 0);
}
