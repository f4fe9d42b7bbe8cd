/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Groups of crash files.  See triage.h.
 */
#include "harness/minimize/triage.h"
#include "harness/files/input.h"
#include "harness/run/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SILENT_MAX 256u /* files that leaks are looked for in together */

int triage_open(struct triage *triage, const struct triage_options *options)
{
	*triage = (struct triage){ .options = options };
	triage->script = calloc(1, sizeof(*triage->script));
	triage->report = malloc(CHILD_REPORT_MAX);
	if (triage->script != NULL && triage->report != NULL && batch_open(&triage->batch) == 0)
		return 0;
	triage_close(triage);
	return -ENOMEM;
}

static void release_input(struct triage_input *input)
{
	free(input->path);
	free(input->data);
}

void triage_close(struct triage *triage)
{
	for (size_t i = 0; i < triage->count; i++) {
		struct triage_group *group = &triage->groups[i];

		for (size_t k = 0; k < group->count; k++)
			release_input(&group->inputs[k]);
		free(group->inputs);
		free(group->script);
	}
	for (size_t i = 0; i < triage->warning_count; i++)
		free(triage->warnings[i].path);
	free(triage->warnings);
	for (size_t i = 0; i < triage->silent_count; i++)
		release_input(&triage->silent[i]);
	free(triage->silent);
	free(triage->groups);
	file_set_release(&triage->seen);
	batch_close(triage->batch);
	free(triage->script);
	free(triage->report);
	*triage = (struct triage){ .count = 0 };
}

/* One more element in an array of `size` each; NULL if there is no memory. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room != 0 ? 2 * *room : 16;
	void *grown = array;

	if (count < *room)
		return array;
	grown = realloc(array, more * size);
	if (grown != NULL)
		*room = more;
	return grown;
}

/* The group of a finding, made if there is none yet; NULL if there is no memory. */
static struct triage_group *group_of(struct triage *triage, const struct target *target,
				     const struct finding *finding)
{
	struct triage_group *groups;

	for (size_t i = 0; i < triage->count; i++)
		if (triage->groups[i].target == target &&
		    strcmp(triage->groups[i].finding.signature, finding->signature) == 0)
			return &triage->groups[i];
	groups = grow(triage->groups, triage->count, &triage->room, sizeof(*groups));
	if (groups == NULL)
		return NULL;
	triage->groups = groups;
	groups[triage->count] = (struct triage_group){ .target = target, .finding = *finding };
	return &groups[triage->count++];
}

/* Takes the input. */
static int add_input(struct triage_input **inputs, size_t *count, size_t *room,
		     struct triage_input *input)
{
	struct triage_input *grown = grow(*inputs, *count, room, sizeof(*grown));

	if (grown == NULL) {
		fprintf(stderr, "%s: %s\n", input_name(input->path), strerror(ENOMEM));
		release_input(input);
		return -ENOMEM;
	}
	*inputs = grown;
	grown[(*count)++] = *input;
	return 0;
}

static int add_warning(struct triage *triage, const struct target *target,
		       const struct finding *finding, const char *path)
{
	struct triage_warning *list;

	for (size_t i = 0; i < triage->warning_count; i++) {
		struct triage_warning *w = &triage->warnings[i];

		if (w->target == target && strcmp(w->finding.signature, finding->signature) == 0) {
			w->count++;
			return 0;
		}
	}
	list = grow(triage->warnings, triage->warning_count, &triage->warning_room, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	triage->warnings = list;
	list += triage->warning_count;
	*list = (struct triage_warning){ target, *finding, strdup(path), 1 };
	if (list->path == NULL)
		return -ENOMEM;
	triage->warning_count++;
	return 0;
}

static int add_to_group(struct triage *triage, const struct target *target,
			const struct finding *finding, struct triage_input *input)
{
	struct triage_group *group = group_of(triage, target, finding);

	if (group != NULL) {
		triage->inputs++;
		return add_input(&group->inputs, &group->count, &group->room, input);
	}
	fprintf(stderr, "%s: %s\n", input_name(input->path), strerror(ENOMEM));
	release_input(input);
	return -ENOMEM;
}

struct looked {
	const struct triage *triage;
	const struct target *target;
};

/* The first of its signature is run in a child of its own. */
static bool is_news(void *ctx, const struct finding *finding)
{
	const struct looked *l = ctx;

	for (size_t i = 0; i < l->triage->count; i++)
		if (l->triage->groups[i].target == l->target &&
		    strcmp(l->triage->groups[i].finding.signature, finding->signature) == 0)
			return false;
	return true;
}

/* What the script that is loaded shows: the finding, a known one, or none.  `>`
 * lines are not looked at. */
static int look(struct triage *triage, const char *path, const struct target *target, bool quick,
		struct finding *finding)
{
	const struct triage_options *o = triage->options;
	const struct child_job job = {
		.script = triage->script,
		.target = target,
		.transport = o->transport,
		.leaks = true,
		.judging = target_judging(target, o->judging),
		.seconds = o->seconds != 0 ? o->seconds : TRIAGE_SECONDS,
	};
	struct looked l = { triage, target };
	struct child_result result;
	const struct finding *f;
	int err = quick ? batch_look(triage->batch, &job, &result, triage->report, is_news, &l)
			: child_run(&job, &result, triage->report);

	if (err != 0) {
		child_explain(path, target, err, &result);
		return err;
	}
	/* A signal may have been for the child too. */
	if (*o->stop != 0)
		return -EINTR;
	if (err != 0) {
		fprintf(stderr, "%s: cannot start a process to run it: %s\n", input_name(path),
			strerror(-err));
		return err;
	}
	child_note_known(&result, o->judging.known);
	f = child_finding(&result, &job);
	if (f == NULL)
		f = child_known(&result);
	*finding = f != NULL ? *f : (struct finding){ .kind = FINDING_NONE };
	for (unsigned i = 0; i < result.finding_count && err == 0; i++)
		if (&result.findings[i] != f && result.findings[i].known == NULL)
			err = add_warning(triage, target, &result.findings[i], path);
	if (err != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	return err;
}

int triage_look(struct triage *triage, const char *path, const struct target *target,
		struct finding *finding)
{
	return look(triage, path, target, false, finding);
}

int triage_load(struct triage *triage, struct triage_input *input)
{
	const char *name = triage->options->target;
	char *data = input->data;
	size_t len = input->size;
	struct stat st;

	if (data == NULL)
		data = input_read(input->path, &len);
	if (data == NULL)
		return -EINVAL;
	input->target = NULL;
	if (load_decode(triage->script, input->path, data, len, name, NULL) == 0)
		input->target = load_target(triage->script, input->path, name);
	if (input->target != NULL &&
	    load_fits(triage->script, input->path, input->target, triage->options->transport) != 0)
		input->target = NULL;
	input->size = len;
	/* What cannot be read again is kept. */
	if (input->data == NULL && strcmp(input->path, "-") != 0 && stat(input->path, &st) == 0 &&
	    S_ISREG(st.st_mode))
		free(data);
	else
		input->data = data;
	return input->target != NULL ? 0 : -EINVAL;
}

/* All that showed nothing: put them there, or if anything was leaked since, look at
 * each of them again. */
static int settle_silent(struct triage *triage)
{
	bool again = triage->silent_count > 0 && batch_leaked(triage->batch);
	int err = 0;

	while (triage->silent_count > 0 && err == 0) {
		struct triage_input input = triage->silent[--triage->silent_count];
		struct finding finding = { .kind = FINDING_NONE };

		if (again && triage_load(triage, &input) != 0) {
			triage->refused++;
			release_input(&input);
			continue;
		}
		if (again)
			err = look(triage, input.path, input.target, false, &finding);
		if (err == 0)
			err = add_to_group(triage, input.target, &finding, &input);
		else
			release_input(&input);
	}
	return err;
}

/* 1: not met before, 0: it was; or -ENOMEM. */
static int meet(struct triage *triage, const char *path, struct file_id *id)
{
	if (strcmp(path, "-") == 0 || file_id(id, path) != 0)
		return 1;
	return file_set_add(&triage->seen, id, path, NULL);
}

static int sort_input(struct triage *triage, struct triage_input *input)
{
	struct finding finding;
	int err;

	if (triage_load(triage, input) != 0) {
		release_input(input);
		if (*triage->options->stop != 0)
			return -EINTR;
		triage->refused++;
		return 0;
	}
	err = look(triage, input->path, input->target, true, &finding);
	if (err != 0) {
		release_input(input);
		return err;
	}
	if (finding.kind != FINDING_NONE)
		return add_to_group(triage, input->target, &finding, input);
	err = add_input(&triage->silent, &triage->silent_count, &triage->silent_room, input);
	return err == 0 && triage->silent_count >= SILENT_MAX ? settle_silent(triage) : err;
}

int triage_add(struct triage *triage, const char *path)
{
	struct triage_input input = { .path = NULL };
	int fresh = meet(triage, path, &input.id);

	if (fresh == 0)
		return 0;
	if (*triage->options->stop != 0)
		return -EINTR;
	input.path = fresh > 0 ? strdup(path) : NULL;
	if (input.path != NULL)
		return sort_input(triage, &input);
	fprintf(stderr, "%s: %s\n", input_name(path), strerror(ENOMEM));
	return -ENOMEM;
}

static int by_size(const void *a, const void *b)
{
	const struct triage_input *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int by_signature(const void *a, const void *b)
{
	const struct triage_group *x = a, *y = b;
	int order = strcmp(x->finding.signature, y->finding.signature);

	return order != 0 ? order : strcmp(x->target->name, y->target->name);
}

int triage_sort(struct triage *triage)
{
	int err = settle_silent(triage);

	for (size_t i = 0; i < triage->count; i++)
		if (triage->groups[i].count > 0)
			qsort(triage->groups[i].inputs, triage->groups[i].count,
			      sizeof(struct triage_input), by_size);
	if (triage->count > 0)
		qsort(triage->groups, triage->count, sizeof(struct triage_group), by_signature);
	return err;
}

/* Is the file still the one that was looked at? */
static bool is_there(const struct triage_input *input)
{
	struct file_id now;
	struct stat st;

	return stat(input->path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (size_t)st.st_size == input->size && file_id(&now, input->path) == 0 &&
	       file_id_same(&now, &input->id);
}

/* Are all that are kept there? */
static bool are_kept(const struct triage_group *group, unsigned keep)
{
	for (size_t i = 0; i < keep && i < group->count; i++)
		if (!is_there(&group->inputs[i]))
			return false;
	return true;
}

int triage_prune(struct triage_group *group, unsigned keep)
{
	if (group->finding.kind == FINDING_NONE)
		return 0;
	for (size_t i = keep; i < group->count; i++) {
		const char *path = group->inputs[i].path;

		/* Whoever changed it meanwhile has a use for it. */
		if (!is_there(&group->inputs[i]))
			continue;
		if (!are_kept(group, keep)) {
			fprintf(stderr, "%s: is not removed: what would be kept has changed\n",
				path);
			return -ESTALE;
		}
		if (unlink(path) == 0 || errno == ENOENT)
			continue;
		fprintf(stderr, "%s: cannot be removed: %s\n", path, strerror(errno));
		return -errno;
	}
	return 0;
}
