/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which mutants each job reaches.  See judge.h.
 */
#include "harness/files/hash.h"
#include "judge.h"
#include "select.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct head {
	uint64_t program, list; /* hashes */
};
struct entry {
	uint64_t source, jobs;
};

uint64_t judge_micros(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Bits are by place in the list. */
static uint64_t hash_list(const struct list *list)
{
	uint64_t hash = HASH_START;

	for (unsigned m = 0; m < list->count; m++)
		hash = hash_bytes(hash, &list->rows[m].number, sizeof(list->rows[m].number));
	return hash;
}

static void note(const struct list *list, uint64_t *bits)
{
	for (unsigned m = 0; m < list->count; m++)
		if (vringer_reached[list->rows[m].number])
			bits[m / 64] |= UINT64_C(1) << m % 64;
}

/* One process of several: each has every n-th source. */
static void record(struct plan *plan, const struct list *list, uint64_t *reach, uint32_t *times,
		   unsigned self, unsigned processes)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < plan->job_count; i++) {
		uint64_t begin = judge_micros();

		if (plan->jobs[i].source % processes != self || times[i] != 0)
			continue;
		memset(vringer_reached, 0, sizeof(vringer_reached));
		if (!plan_run(plan, i)) {
			fprintf(stderr, "mutants: %s fails on %s without a mutant: %s\n",
				plan->sources[plan->jobs[i].source].path,
				plan->jobs[i].target->name, plan->result->failure);
			_exit(2);
		}
		note(list, &reach[(size_t)i * list->words]);
		times[i] = (uint32_t)(judge_micros() - begin + 1);
	}
	_exit(0);
}

static void remember(const struct plan *plan, const struct list *list, const uint64_t *reach,
		     const uint32_t *times, const char *path)
{
	struct head head = { plan->program, hash_list(list) };
	char fresh[5000];
	FILE *out;

	snprintf(fresh, sizeof(fresh), "%s.%ld", path, (long)getpid());
	out = judge_open(fresh, "we");
	fwrite(&head, sizeof(head), 1, out);
	for (unsigned s = 0; s < plan->source_count; s++) {
		const struct source_file *file = &plan->sources[s];
		struct entry entry = { file->hash, file->jobs };

		fwrite(&entry, sizeof(entry), 1, out);
		fwrite(&times[file->first_job], sizeof(*times), file->jobs, out);
		fwrite(&reach[(size_t)file->first_job * list->words], 8 * (size_t)list->words,
		       file->jobs, out);
	}
	if (fclose(out) != 0 || rename(fresh, path) != 0)
		judge_fail(path, strerror(errno));
}

static const struct source_file *find_source(const struct plan *plan, const struct entry *entry)
{
	for (unsigned s = 0; s < plan->source_count; s++)
		if (plan->sources[s].hash == entry->source && plan->sources[s].jobs == entry->jobs)
			return &plan->sources[s];
	return NULL;
}

/* What this very program found the last time, or `any`. */
static void recall(const struct plan *plan, const struct list *list, uint64_t *reach,
		   uint32_t *times, const char *path, bool any)
{
	size_t bytes = 8 * (size_t)list->words;
	FILE *in = fopen(path, "re");
	struct entry entry;
	struct head head;

	if (in == NULL)
		return;
	if (fread(&head, sizeof(head), 1, in) == 1 && (any || head.program == plan->program) &&
	    head.list == hash_list(list))
		while (fread(&entry, sizeof(entry), 1, in) == 1) {
			const struct source_file *file = find_source(plan, &entry);

			if (file == NULL) {
				fseek(in, (long)(entry.jobs * (sizeof(*times) + bytes)), SEEK_CUR);
				continue;
			}
			if (fread(&times[file->first_job], sizeof(*times), file->jobs, in) !=
				    file->jobs ||
			    fread(&reach[(size_t)file->first_job * list->words], bytes, file->jobs,
				  in) != file->jobs)
				judge_fail(path, "is cut short, remove it");
		}
	fclose(in);
}

uint64_t *reach_record(struct plan *plan, const struct list *list,
		       const struct judging_options *options)
{
	uint64_t *reach = judge_share((size_t)plan->job_count * list->words * 8);
	uint32_t *times = judge_share((size_t)plan->job_count * sizeof(*times));
	/* With sanitizers or without, the mutants are the same. */
	bool any = options->what == BY_SANITIZERS;
	char path[4096];
	int status;

	snprintf(path, sizeof(path), "%s/reach", options->folder);
	recall(plan, list, reach, times, path, any);
	fflush(NULL);
	for (unsigned p = 0; p < options->processes; p++) {
		pid_t pid = fork();

		if (pid < 0)
			judge_fail("fork", strerror(errno));
		if (pid == 0) {
			plan->result = judge_share(sizeof(*plan->result));
			record(plan, list, reach, times, p, options->processes);
		}
	}
	for (unsigned p = 0; p < options->processes; p++)
		if (wait(&status) < 0 || status != 0)
			judge_fail("scripts", "do not all pass without a mutant");
	for (unsigned i = 0; i < plan->job_count; i++)
		plan->jobs[i].us = times[i];
	if (!any)
		remember(plan, list, reach, times, path);
	return reach;
}
