/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Scripts and their jobs.  See judge.h.
 */
#include "judge.h"

#include "harness/files/hash.h"
#include "harness/files/input.h"
#include "harness/files/walk.h"
#include "harness/run/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RUNS_MAX 32u

void judge_fail(const char *what, const char *why)
{
	fprintf(stderr, "mutants: %s: %s\n", what, why);
	exit(2);
}

FILE *judge_open(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (file == NULL)
		judge_fail(path, strerror(errno));
	return file;
}

void *judge_share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		judge_fail("memory", strerror(errno));
	return p;
}

static void *grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes);

	if (p == NULL)
		judge_fail("memory", strerror(ENOMEM));
	return p;
}

/* The device that a folder of corpus/ is for; NULL: it is no folder of a device. */
static const struct target *target_of_folder(const char *path)
{
	char name[64];
	const char *from = path + strlen("corpus/"), *to = strchr(from, '/');

	if (to == NULL)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(to - from), from);
	return target_find(name);
}

static void add_jobs(struct plan *plan, unsigned source, const struct target *target)
{
	static struct instance instances[INSTANCES_MAX];
	const struct source_file *file = &plan->sources[source];
	unsigned count, i;
	uint8_t ring = plan->script->binding.ring;
	bool first = true;

	count = instance_list(plan->script, target, false, instances);
	count = instances_add_packed(plan->script, target, false, instances, count);
	for (i = 0; i < count; i++) {
		struct job job = { .source = source, .target = target, .instance = instances[i] };

		job.bound = job.instance.queue || job.instance.binding.ring != ring;
		if (load_decode_script(plan->script, file->path, file->data, file->len,
				       job.bound ? &job.instance.binding : NULL) != 0)
			judge_fail(file->path, "cannot be parsed");
		if (instance_unmet(&job.instance, plan->script, target, NULL) != NULL)
			continue;
		if (plan->job_count == plan->job_room) {
			plan->job_room = 2 * plan->job_room + 1024;
			plan->jobs = grow(plan->jobs, plan->job_room * sizeof(job));
		}
		job.first = first;
		first = false;
		plan->jobs[plan->job_count++] = job;
	}
	/* As it was, for the next target. */
	if (load_decode_script(plan->script, file->path, file->data, file->len, NULL) != 0)
		judge_fail(file->path, "cannot be parsed");
}

static void add_source(struct plan *plan, const char *path, bool corpus)
{
	struct source_file *file = &plan->sources[plan->source_count];
	const struct target *only = corpus ? target_of_folder(path) : NULL;
	const char *name;

	*file = (struct source_file){ .path = path,
				      .corpus = corpus,
				      .first_job = plan->job_count };
	if (corpus && only == NULL)
		return;
	file->data = input_read(path, &file->len);
	if (file->data == NULL ||
	    load_decode_script(plan->script, path, file->data, file->len, NULL) != 0)
		judge_fail(path, "cannot be read");
	file->hash = hash_bytes(hash_bytes(HASH_START, path, strlen(path)), file->data, file->len);
	name = plan->script->prog.target;
	for (const struct target *const *t = target_all(); *t != NULL; t++)
		if ((only == NULL || *t == only) &&
		    (strcmp(name, "any") == 0 || strcmp(name, (*t)->name) == 0))
			add_jobs(plan, plan->source_count, *t);
	file->jobs = plan->job_count - file->first_job;
	plan->source_count++;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void plan_read(struct plan *plan)
{
	static const char *const folders[] = { "conformance", "corpus" };
	size_t room = 0;

	plan->script = calloc(1, sizeof(*plan->script));
	plan->result = judge_share(sizeof(*plan->result));
	if (plan->script == NULL)
		judge_fail("memory", strerror(ENOMEM));
	for (unsigned f = 0; f < 2; f++) {
		/* It keeps the paths. */
		struct walk *walk = calloc(1, sizeof(*walk));

		if (walk == NULL)
			judge_fail("memory", strerror(ENOMEM));
		walk->wanted = input_is_script;
		walk->deep = true;
		if (walk_add(walk, folders[f]) != 0)
			judge_fail(folders[f], "cannot be read");
		qsort(walk->paths, walk->count, sizeof(*walk->paths), by_path);
		room += walk->count;
		plan->sources = grow(plan->sources, room * sizeof(*plan->sources));
		for (size_t i = 0; i < walk->count; i++)
			add_source(plan, walk->paths[i], f == 1);
	}
}

/* ---- running ---------------------------------------------------------------------- */

static struct {
	const struct target *target;
	struct run *run;
} runs[RUNS_MAX];

void plan_open(struct plan *plan)
{
	unsigned count = 0;

	(void)plan;
	for (const struct target *const *t = target_all(); *t != NULL && count < RUNS_MAX; t++) {
		struct text_error error;

		runs[count].target = *t;
		if (run_open(&runs[count++].run, *t, &error) != 0)
			judge_fail((*t)->name, "cannot be opened");
	}
}

bool plan_run(struct plan *plan, unsigned number)
{
	const struct job *job = &plan->jobs[number];
	const struct source_file *file = &plan->sources[job->source];
	struct child_job work = {
		.script = plan->script,
		.path = file->path,
		.target = job->target,
		.expect = true,
		.judging = target_judging(job->target, (struct judging){ .known = NULL }),
	};
	struct child_result *result = plan->result;

	memset(result, 0, sizeof(*result));
	if (load_decode_script(plan->script, file->path, file->data, file->len,
			       job->bound ? &job->instance.binding : NULL) != 0)
		judge_fail(file->path, "cannot be parsed");
	for (unsigned i = 0; i < RUNS_MAX; i++)
		if (runs[i].target == job->target)
			child_perform(&work, runs[i].run, result);
	return result->done && result->passed;
}
