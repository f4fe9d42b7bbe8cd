/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The script that stands for a group of crash files.  See triage.h.
 *
 * It is named after the signature, so that the next triage finds it and starts from it
 * if it is smaller than the inputs: sorting the same files again changes nothing.
 *
 * A script that a person has edited is never changed.  If it shows the finding it
 * represents the group; otherwise the next free name is used.
 */
#include "harness/files/input.h"
#include "harness/files/output.h"
#include "harness/minimize/minimize.h"
#include "harness/minimize/triage.h"
#include "harness/program/binary.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STOP_TIME (-1) /* the time for this group is over */
#define NAMES_MAX 100u /* of scripts for one signature that people have written in */

struct shrink {
	const struct triage_options *options;
	const struct triage_group *group;
	struct timespec start;
	unsigned seconds;
};

static unsigned seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec - start->tv_sec);
}

static void on_progress(void *ctx, const struct minimize_progress *progress)
{
	struct shrink *s = ctx;

	if (s->options->progress != NULL)
		s->options->progress(s->options->ctx, s->group, progress);
	if (*s->options->stop == 0 && seconds_since(&s->start) >= s->seconds)
		*s->options->stop = STOP_TIME;
}

/* A signature as the name of a file, for shells and other systems too; `number`: the
 * how manieth of that name. */
static char *script_path(const struct triage *triage, const struct triage_group *group,
			 unsigned number)
{
	const struct triage_group *first = triage->groups;
	char name[sizeof(group->finding.signature)], suffix[16] = "";
	const char *dir = triage->options->output;
	const int dir_len = (int)strlen(dir) - (dir[1] != '\0' && dir[strlen(dir) - 1] == '/');
	unsigned same = 0;
	char *path;

	snprintf(name, sizeof(name), "%s", group->finding.signature);
	for (char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
			*c = '-';
	/* Signatures of two targets, say. */
	for (; first < group; first++)
		same += first->script != NULL &&
			strcmp(first->finding.signature, group->finding.signature) == 0;
	if (number > 1)
		snprintf(suffix, sizeof(suffix), "-%u", number);
	if (asprintf(&path, "%.*s/%s%s%s%s.vr", dir_len, dir, name, same > 0 ? "-" : "",
		     same > 0 ? group->target->name : "", suffix) < 0)
		return NULL;
	return path;
}

static long size_of(const struct program *prog)
{
	static uint8_t bytes[BINARY_SIZE_MAX];

	return binary_encode(prog, bytes, sizeof(bytes), false);
}

/* What stands at a script's path before it is written. */
struct earlier {
	char *text; /* NULL: nothing */
	size_t len;
	long size;   /* of its program */
	bool shows;  /* the group's finding */
	bool theirs; /* somebody has written in it */
};

/* What is printed of the script that is loaded; NULL after one line on stderr. */
static char *print(const struct triage *triage, const struct finding *finding, size_t *len)
{
	char *text;
	FILE *out = output_text_open(&text, len);

	if (out == NULL)
		return NULL;
	if (finding != NULL)
		minimize_print(out, triage->script, finding, triage->options->transport);
	else
		text_print(out, &triage->script->prog, triage->script->slot_names);
	return output_text_close(out, &text) == 0 ? text : NULL;
}

static bool is_text(const struct earlier *e, size_t from, const char *text, size_t len)
{
	return text != NULL && e->len - from == len && memcmp(e->text + from, text, len) == 0;
}

/* Is it what a triage writes, whatever the message was then: nothing but the finding
 * in front, and the program as it is printed? */
static bool is_plain(const struct triage *triage, const struct triage_group *group,
		     const struct earlier *e)
{
	const char *signature = group->finding.signature;
	size_t n = strlen(signature), at = 0, len;
	unsigned comments = 0;
	char *text;
	bool plain;

	while (at < e->len && e->text[at] == '#') {
		const char *end = memchr(e->text + at, '\n', e->len - at);

		if (comments++ == 0 && (e->len < n + 4 || memcmp(e->text + 2, signature, n) != 0))
			return false;
		at = end != NULL ? (size_t)(end + 1 - e->text) : e->len;
	}
	text = print(triage, NULL, &len);
	plain = comments <= 2 && is_text(e, at, text, len);
	free(text);
	return plain;
}

/* Look at what an earlier triage, or a person, left at `path`.  0, or a negative
 * errno after one line on stderr. */
static int look_at_earlier(struct triage *triage, const struct triage_group *group,
			   const char *path, struct earlier *e)
{
	const struct target *target;
	struct text_error error;
	struct finding finding;
	struct stat st;
	size_t len;
	char *text;
	int err;

	*e = (struct earlier){ .text = NULL };
	if (stat(path, &st) != 0)
		return 0;
	err = output_is_file(path);
	e->text = err == 0 ? input_read(path, &e->len) : NULL;
	if (e->text == NULL)
		return -EINVAL;
	e->theirs = true;
	if (text_parse(triage->script, e->text, e->len, &error) != 0)
		return 0;
	e->size = size_of(&triage->script->prog);
	target = target_find(triage->script->prog.target);
	if (target == group->target) {
		err = triage_look(triage, path, target, &finding);
		if (err != 0)
			return err;
		e->shows = strcmp(finding.signature, group->finding.signature) == 0;
	}
	if (e->shows) {
		text = print(triage, &finding, &len);
		e->theirs = !is_text(e, 0, text, len);
		free(text);
	} else {
		e->theirs = !is_plain(triage, group, e);
	}
	return 0;
}

/* The script, loaded from the smaller of the two; 0 or -EINVAL. */
static int load_smaller(struct triage *triage, struct triage_input *input, const struct earlier *e)
{
	struct text_error error;

	if (triage_load(triage, input) != 0)
		return -EINVAL;
	if (!e->shows || e->size > size_of(&triage->script->prog))
		return 0;
	return text_parse(triage->script, e->text, e->len, &error);
}

static int minimize_group(struct triage *triage, const struct triage_group *group,
			  struct minimize_result *result)
{
	const struct triage_options *o = triage->options;
	struct shrink s = { .options = o, .group = group, .seconds = TRIAGE_SHRINK_SECONDS };
	const struct minimize_options options = {
		.target = group->target,
		.transport = o->transport,
		.judging = target_judging(group->target, o->judging),
		.seconds = o->seconds,
		.stop = o->stop,
		.progress = on_progress,
		.ctx = &s,
	};
	unsigned left = 0;
	int err;

	if (triage->shrunk_seconds < TRIAGE_SHRINK_ALL_SECONDS)
		left = TRIAGE_SHRINK_ALL_SECONDS - triage->shrunk_seconds;
	if (s.seconds > left)
		s.seconds = left;
	clock_gettime(CLOCK_MONOTONIC, &s.start);
	err = minimize_script(triage->script, &options, result);
	triage->shrunk_seconds += seconds_since(&s.start);
	if (*o->stop == STOP_TIME)
		*o->stop = 0;
	return err;
}

/* Nothing is written where it would be the same. */
static int write_script(struct triage *triage, struct triage_group *group,
			const struct finding *finding, const char *path, const struct earlier *e)
{
	struct file_id id;
	size_t len;
	char *text = print(triage, finding, &len);
	int err = text == NULL ? -ENOMEM : 0;

	if (err == 0 && file_id(&id, path) == 0 && file_set_find(&triage->seen, &id) != NULL) {
		fprintf(stderr, "%s: is the input %s, expected another output\n", path,
			file_set_find(&triage->seen, &id));
		err = -EEXIST;
	}
	if (err == 0 && (e->text == NULL || !is_text(e, 0, text, len)))
		err = output_write(path, text, len);
	free(text);
	group->op_count = triage->script->prog.op_count;
	return err;
}

/* From the file that the script is loaded from: its finding is the group's, or
 * shrinking did not come that far. */
static bool is_of_group(const struct triage_group *group, int err,
			const struct minimize_result *result)
{
	if (err == 0)
		return strcmp(result->finding.signature, group->finding.signature) == 0;
	return err == -EINTR || err == -ESTALE;
}

static int shrink_to(struct triage *triage, struct triage_group *group, const char *path,
		     const struct earlier *e)
{
	struct triage_input *input = &group->inputs[0];
	struct minimize_result result;
	int err = load_smaller(triage, input, e);

	if (err != 0)
		return err;
	err = minimize_group(triage, group, &result);
	/* What an earlier triage left is of another build, say. */
	if (!is_of_group(group, err, &result) && triage_load(triage, input) == 0)
		err = minimize_group(triage, group, &result);
	group->shrunk = err == 0 && result.ended == 0;
	return write_script(triage, group, err == 0 ? &result.finding : &group->finding, path, e);
}

int triage_shrink(struct triage *triage, struct triage_group *group)
{
	struct earlier e = { .text = NULL };
	char *path = NULL;
	int err = 0;

	for (unsigned number = 1; number <= NAMES_MAX; number++) {
		free(path);
		free(e.text);
		path = script_path(triage, group, number);
		if (path == NULL)
			return -ENOMEM;
		err = look_at_earlier(triage, group, path, &e);
		if (err != 0 || !e.theirs || e.shows)
			break;
	}
	if (err == 0 && e.theirs && e.shows) {
		group->kept = true;
		group->op_count = triage->script->prog.op_count;
	} else if (err == 0 && e.theirs) {
		fprintf(stderr, "%s: and all before it are somebody's, expected a free name\n",
			path);
		err = -EEXIST;
	} else if (err == 0) {
		err = shrink_to(triage, group, path, &e);
	}
	free(e.text);
	if (err == 0)
		group->script = path;
	else
		free(path);
	return err;
}
