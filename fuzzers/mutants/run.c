/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * run LIST FOLDER JOBS WHAT SECONDS SAMPLE SEED [FILE...]: judge the mutants of LIST, which `write`
 * wrote, that are in one of the files; SAMPLE of them, chosen by SEED, or all with 0.  WHAT is
 * `scripts`, `corpus` for corpus/ alone, or `sanitizers` for those alone that
 * survived scripts before, in a program that was built with them; SECONDS of CPU are what
 * a mutant gets at most, or 0.  See judge.h.
 *
 * A line on stdout for each: number, file, line, function, kind, change, `killed`, `crashed`,
 * `hung`, `survived` or `unreached`, the script that killed it, and the device.
 */
#include "devices/table.h"
#include "harness/files/hash.h"
#include "judge.h"
#include "select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned vringer_mutant;
unsigned char vringer_reached[MUTANTS_MAX];

static void read_list(struct list *list, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (in == NULL)
		judge_fail(path, strerror(errno));
	list->rows = calloc(MUTANTS_MAX, sizeof(*list->rows));
	if (list->rows == NULL)
		judge_fail("memory", strerror(ENOMEM));
	while (getline(&line, &room, in) > 0 && list->count < MUTANTS_MAX) {
		char *rest = strdup(line), *word[6];

		for (unsigned i = 0; i < 6; i++)
			word[i] = strsep(&rest, "\t\n");
		if (word[5] == NULL)
			judge_fail(path, "is no list of mutants");
		list->rows[list->count++] = (struct mutant_row){
			.number = (unsigned)strtoul(word[0], NULL, 10) % MUTANTS_MAX,
			.file = word[1],
			.line = (unsigned)strtoul(word[2], NULL, 10),
			.function = word[3],
			.kind = word[4],
			.change = word[5],
		};
	}
	free(line);
	fclose(in);
	list->words = (list->count + 63) / 64;
}

/* ---- which ------------------------------------------------------------------------- */

static uint64_t lot_of(const struct mutant_row *row, const char *seed)
{
	uint64_t hash = hash_bytes(HASH_START, seed, strlen(seed));

	hash = hash_bytes(hash, row->file, strlen(row->file));
	hash = hash_bytes(hash, row->function, strlen(row->function));
	hash = hash_bytes(hash, row->change, strlen(row->change));
	/* Of so simple a hash the last bytes stir little. */
	hash ^= hash >> 31;
	return hash * 0x9e3779b97f4a7c15u;
}

static void choose(struct list *list, char **files, unsigned sample, const char *seed)
{
	uint64_t *lots = calloc(list->count + 1, sizeof(*lots)), bound = UINT64_MAX;
	unsigned count = 0;

	if (lots == NULL)
		judge_fail("memory", strerror(ENOMEM));
	for (unsigned m = 0; m < list->count; m++) {
		struct mutant_row *row = &list->rows[m];

		row->chosen = *files == NULL;
		for (char **f = files; *f != NULL; f++)
			row->chosen = row->chosen || strcmp(*f, row->file) == 0;
		if (row->chosen)
			lots[count++] = lot_of(row, seed);
	}
	if (count == 0)
		judge_fail("FILES", "have no mutant");
	for (unsigned n = 0; sample > 0 && sample < count && n < sample; n++) {
		unsigned at = n;

		for (unsigned i = n; i < count; i++)
			at = lots[i] < lots[at] ? i : at;
		bound = lots[at];
		lots[at] = lots[n];
		lots[n] = bound;
	}
	for (unsigned m = 0; m < list->count; m++)
		list->rows[m].chosen =
			list->rows[m].chosen && lot_of(&list->rows[m], seed) <= bound;
	free(lots);
}

static void choose_survivors(struct list *list, const char *folder)
{
	struct known_rows known = { .count = 0 };
	char path[4096], key[1024];

	memory_path(path, sizeof(path), folder, BY_SCRIPTS);
	memory_read(&known, path);
	for (unsigned m = 0; m < list->count; m++) {
		const struct known_row *row;

		memory_key(key, sizeof(key), &list->rows[m]);
		row = memory_find(&known, key);
		list->rows[m].chosen =
			list->rows[m].chosen && row != NULL && row->verdict == SURVIVED;
	}
}

static enum judging_what what_of(const char *word)
{
	TABLE(static const char *const, words, JUDGING_COUNT, 1,
	      [BY_SCRIPTS] = "scripts",
	      [BY_CORPUS] = "corpus",
	      [BY_SANITIZERS] = "sanitizers");
	unsigned what = 0;

	while (what < JUDGING_COUNT && strcmp(word, words[what]) != 0)
		what++;
	if (what == JUDGING_COUNT)
		judge_fail(word, "expected scripts, corpus or sanitizers");
	return (enum judging_what)what;
}

/* ---- the results ------------------------------------------------------------------- */

static void print(const struct plan *plan, const struct list *list, const struct result *results)
{
	static const char *const words[] = { "unknown", "killed",   "crashed",
					     "hung",	"survived", "unreached" };

	for (unsigned m = 0; m < list->count; m++) {
		const struct mutant_row *row = &list->rows[m];
		const struct job *job = &plan->jobs[results[m].job];
		bool dead = results[m].verdict < SURVIVED;

		if (!row->chosen)
			continue;
		printf("%u\t%s\t%u\t%s\t%s\t%s\t%s\t%s\t%s\n", row->number, row->file, row->line,
		       row->function, row->kind, row->change, words[results[m].verdict],
		       dead ? plan->sources[job->source].path : "-",
		       dead ? job->target->name : "-");
	}
}

static uint64_t hash_program(void)
{
	FILE *in = judge_open("/proc/self/exe", "re");
	uint64_t hash = HASH_START;
	char block[65536];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		hash = hash_bytes(hash, block, n);
	fclose(in);
	return hash;
}

int main(int argc, char **argv)
{
	struct plan plan = { .program = 0 };
	struct list list = { .count = 0 };
	struct judging_options options;
	struct result *results;
	uint64_t *reach;

	if (argc < 8)
		judge_fail("usage", "run LIST FOLDER JOBS WHAT SECONDS SAMPLE SEED [FILE...]");
	options = (struct judging_options){
		.folder = argv[2],
		.processes = (unsigned)strtoul(argv[3], NULL, 10),
		.what = what_of(argv[4]),
		.seconds = (unsigned)strtoul(argv[5], NULL, 10),
	};
	if (options.processes < 1 || options.processes > 64)
		judge_fail("JOBS", "expected 1 to 64");
	read_list(&list, argv[1]);
	choose(&list, argv + 8, (unsigned)strtoul(argv[6], NULL, 10), argv[7]);
	if (options.what == BY_SANITIZERS)
		choose_survivors(&list, options.folder);
	plan.program = hash_program();
	plan_read(&plan);
	plan_open(&plan);
	reach = reach_record(&plan, &list, &options);
	fprintf(stderr, "mutants: %u jobs of %u scripts\n", plan.job_count, plan.source_count);
	results = judge_share(list.count * sizeof(*results));
	judge_all(&plan, &list, reach, results, &options);
	print(&plan, &list, results);
	/* All of it is in use to the end, and a sanitizer would call it leaked. */
	fflush(NULL);
	_exit(ferror(stdout) ? 2 : 0);
}
