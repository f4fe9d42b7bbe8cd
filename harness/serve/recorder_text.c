/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Programs of a recording as text; their replay, and their files.  See recorder.h.
 */
#include "harness/files/output.h"
#include "harness/run/child.h"
#include "harness/serve/recorder_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".vr"
#define PATH_MAX_HERE 4096u

/* One line, whatever is in it. */
static void print_note(FILE *out, const char *note)
{
	for (; *note != '\0'; note++)
		fputc(iscntrl((unsigned char)*note) ? ' ' : *note, out);
}

static void print_comment(FILE *out, const struct recorder *r)
{
	fprintf(out, "# Recorded by `vringer serve %s`", r->header.target);
	if (r->options.note != NULL && r->options.note[0] != '\0') {
		fputs(" from ", out);
		print_note(out, r->options.note);
	}
	fprintf(out, ".\n# Features negotiated: 0x%" PRIx64 ".  ", r->run->guest.accepted);
	fprintf(out, "Program %u of the session, from its operation %u on.\n", r->count + 1,
		r->first);
	if (r->now.replaced)
		fputs("# The end of each large buffer stands as a pattern of the same length.\n",
		      out);
	if (r->rescuing)
		fputs("# Not replayed: the device ended the process that served it.\n", out);
	fputs("# See what it does: vringer replay -v FILE\n\n", out);
}

static void print_program(FILE *out, struct recorder *r)
{
	struct program *prog = &r->now.prog;
	uint32_t count = prog->op_count;
	unsigned demand = 0;

	/* The header alone. */
	prog->op_count = 0;
	text_print(out, prog, NULL);
	prog->op_count = count;
	if (r->prefix > 0)
		fputs("# What the session had come to:\n", out);
	for (uint32_t i = 0; i < count; i++) {
		if (r->prefix > 0 && i == r->prefix)
			fputs("# The session goes on:\n", out);
		text_print_op(out, prog, &prog->ops[i], NULL);
		fputc('\n', out);
		for (; demand < r->now.demand_count && r->now.demands[demand].op == i; demand++)
			fprintf(out, "> used %u id=%u len=%u\n", r->now.demands[demand].queue,
				r->now.demands[demand].id, r->now.demands[demand].len);
	}
}

int recorder_finish(struct recorder *r, bool last)
{
	struct recorder_text *t = &r->texts[r->count];
	FILE *out = output_text_open(&t->text, &t->len);

	if (out == NULL)
		return -ENOMEM;
	print_comment(out, r);
	print_program(out, r);
	if (output_text_close(out, &t->text) != 0) {
		t->text = NULL;
		return -ENOMEM;
	}
	t->last = last;
	t->first = r->first;
	r->count++;
	return 0;
}

/* FILE.vr, FILE-2.vr, ... */
static void print_path(const struct recorder *r, unsigned index, char *path, size_t size)
{
	const char *first = r->options.path;
	size_t len = strlen(first), suffix = strlen(SUFFIX);

	if (index == 0) {
		snprintf(path, size, "%s", first);
		return;
	}
	if (len > suffix && strcmp(first + len - suffix, SUFFIX) == 0)
		len -= suffix;
	else
		suffix = 0;
	snprintf(path, size, "%.*s-%u%s", (int)len, first, index + 1, suffix > 0 ? SUFFIX : "");
}

/* The finding that ended the session. */
static const struct finding *session_finding(const struct recorder *r)
{
	const struct ledger *ledger = &r->run->guest.ledger;

	for (unsigned i = 0; i < ledger->finding_count; i++)
		if (finding_fails(&ledger->findings[i], &ledger->judging))
			return &ledger->findings[i];
	return NULL;
}

enum outcome { SAME, FOUND, DIFFERS };

static enum outcome compare(const struct finding *due, const struct child_result *result,
			    const struct child_job *job, char *why, size_t size)
{
	const struct finding *shown = child_finding(result, job);

	if (due != NULL &&
	    (shown == NULL || shown->kind != due->kind || shown->rule != due->rule)) {
		snprintf(why, size, "the session shows %s, and it shows %s", due->signature,
			 shown != NULL ? shown->signature : "nothing");
		return DIFFERS;
	}
	if (due == NULL && shown != NULL) {
		snprintf(why, size, "%s: %s", shown->signature, shown->message);
		return FOUND;
	}
	if (due == NULL && result->failed_line != 0 && child_failed(result, job)) {
		snprintf(why, size, "line %u: %s", result->failed_line, result->failure);
		return DIFFERS;
	}
	return SAME;
}

/* Its replay against the session: 0 and *outcome, or negative errno, told. */
static int replay(struct recorder *r, const struct recorder_text *t, const char *path,
		  struct script *script, enum outcome *outcome, char *why, size_t size)
{
	struct child_job job = { .script = script,
				 .path = path,
				 .target = r->run->guest.target,
				 .transport = r->options.transport,
				 .expect = true,
				 .judging = r->options.judging };
	static struct child_result result;
	struct text_error error;
	int err;

	if (text_parse(script, t->text, t->len, &error) != 0) {
		recorder_tell(r, "%s:%u:%u: %s", path, error.line, error.column, error.message);
		return -EINVAL;
	}
	err = child_run(&job, &result, NULL);
	if (err != 0) {
		child_explain(path, job.target, err, &result);
		return err;
	}
	*outcome = compare(t->last ? session_finding(r) : NULL, &result, &job, why, size);
	return 0;
}

static int keep(struct recorder *r, unsigned index, struct script *script,
		struct recorder_result *result)
{
	const struct recorder_text *t = &r->texts[index];
	enum outcome outcome = SAME;
	char path[PATH_MAX_HERE], why[RECORDER_LINE_MAX];
	int err;

	print_path(r, index, path, sizeof(path));
	err = replay(r, t, path, script, &outcome, why, sizeof(why));
	if (err != 0)
		return err;
	if (outcome == DIFFERS) {
		result->differs++;
		recorder_tell(r, "%s: not kept, its replay is not the session: %s", path, why);
		return 0;
	}
	if (outcome == FOUND) {
		result->found++;
		recorder_tell(r, "%s: its replay shows what the session does not judge: %s", path,
			      why);
	}
	err = output_write(path, t->text, t->len);
	result->kept += err == 0;
	return err;
}

static void release(struct recorder *r)
{
	for (unsigned i = 0; i < r->count; i++)
		free(r->texts[i].text);
	free(r->texts);
	free(r);
}

/* The program in progress, if it has anything of its own. */
static int finish_last(struct recorder *r)
{
	if (r->full || r->skipping || r->count == r->max || r->now.prog.op_count == r->prefix)
		return 0;
	return recorder_finish(r, true);
}

int recorder_close(struct recorder *r, struct recorder_result *result)
{
	struct script *script;
	int err;

	*result = (struct recorder_result){ .kept = 0 };
	recorder_guard(NULL);
	if (r == NULL)
		return 0;
	err = finish_last(r);
	script = malloc(sizeof(*script));
	if (script == NULL)
		err = -ENOMEM;
	for (unsigned i = 0; script != NULL && i < r->count; i++) {
		int wrong = keep(r, i, script, result);

		err = err != 0 ? err : wrong;
	}
	result->full = r->full;
	free(script);
	release(r);
	return err;
}

void recorder_rescue(struct recorder *r)
{
	char path[PATH_MAX_HERE];

	if (r == NULL || r->rescuing)
		return;
	r->rescuing = true;
	finish_last(r);
	for (unsigned i = 0; i < r->count; i++) {
		print_path(r, i, path, sizeof(path));
		output_write(path, r->texts[i].text, r->texts[i].len);
	}
}
