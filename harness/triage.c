/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Groups of crash files.  See triage.h.
 */
#include "harness/triage.h"
#include "harness/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int triage_open(struct triage *triage, const struct triage_options *options)
{
	*triage = (struct triage){ .options = options };
	triage->script = calloc(1, sizeof(*triage->script));
	triage->report = malloc(CHILD_REPORT_MAX);
	if (triage->script != NULL && triage->report != NULL)
		return 0;
	triage_close(triage);
	return -ENOMEM;
}

void triage_close(struct triage *triage)
{
	for (size_t i = 0; i < triage->count; i++) {
		struct triage_group *group = &triage->groups[i];

		for (size_t k = 0; k < group->count; k++)
			free(group->inputs[k].path);
		free(group->inputs);
		free(group->script);
	}
	free(triage->groups);
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

static int add_input(struct triage_group *group, const char *path)
{
	struct triage_input *inputs =
		grow(group->inputs, group->count, &group->room, sizeof(*inputs));
	struct stat st;

	if (inputs == NULL)
		return -ENOMEM;
	group->inputs = inputs;
	inputs[group->count].path = strdup(path);
	inputs[group->count].size = stat(path, &st) == 0 ? (size_t)st.st_size : 0;
	return inputs[group->count++].path != NULL ? 0 : -ENOMEM;
}

/* What the file shows: the finding, a known one, or none.  `>` lines are not
 * looked at. */
static int look(struct triage *triage, const char *path, const struct target **target,
		struct finding *finding)
{
	const struct triage_options *o = triage->options;
	struct child_job job = { .script = triage->script, .leaks = true };
	struct child_result result;
	const struct finding *f;
	int err;

	if (input_load(triage->script, path, o->target, NULL) != 0)
		return -EINVAL;
	*target = job.target = input_target(&triage->script->prog, path, o->target);
	if (job.target == NULL)
		return -EINVAL;
	job.strict = o->strict || job.target->strict;
	job.limits = o->limits || job.target->limits;
	job.no_ledger = o->no_ledger;
	job.known = o->known;
	job.seconds = o->seconds != 0 ? o->seconds : TRIAGE_SECONDS;
	err = child_run(&job, &result, triage->report);
	if (err != 0) {
		child_explain(path, job.target, err, &result);
		return err;
	}
	/* A signal may have been for the child too. */
	if (*o->stop != 0)
		return -EINTR;
	child_note_known(&result, o->known);
	f = child_finding(&result, &job);
	if (f == NULL)
		f = child_known(&result);
	*finding = f != NULL ? *f : (struct finding){ .kind = FINDING_NONE };
	return 0;
}

int triage_add(struct triage *triage, const char *path)
{
	const struct target *target;
	struct triage_group *group;
	struct finding finding;
	int err = *triage->options->stop != 0 ? -EINTR : look(triage, path, &target, &finding);

	if (err != 0)
		return err;
	group = group_of(triage, target, &finding);
	err = group != NULL ? add_input(group, path) : -ENOMEM;
	if (err != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	triage->inputs++;
	return err;
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

void triage_sort(struct triage *triage)
{
	for (size_t i = 0; i < triage->count; i++)
		qsort(triage->groups[i].inputs, triage->groups[i].count,
		      sizeof(struct triage_input), by_size);
	if (triage->count > 0)
		qsort(triage->groups, triage->count, sizeof(struct triage_group), by_signature);
}

int triage_prune(struct triage_group *group, unsigned keep)
{
	for (size_t i = keep; i < group->count; i++) {
		if (unlink(group->inputs[i].path) == 0 || errno == ENOENT)
			continue;
		fprintf(stderr, "%s: cannot be removed: %s\n", group->inputs[i].path,
			strerror(errno));
		return -EIO;
	}
	return 0;
}
