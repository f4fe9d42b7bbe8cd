/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What was known before.  See judge.h.
 */
#include "judge.h"

#include "devices/table.h"
#include "harness/files/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SETS_MAX 64u

void memory_key(char *key, size_t size, const struct mutant_row *row)
{
	snprintf(key, size, "%s|%s|%s", row->file, row->function, row->change);
}

void memory_path(char *path, size_t size, const char *folder, enum judging_what what)
{
	TABLE(static const char *const, names, JUDGING_COUNT, 1,
	      [BY_SCRIPTS] = "by-scripts",
	      [BY_CORPUS] = "by-corpus",
	      [BY_SANITIZERS] = "by-sanitizers");

	snprintf(path, size, "%s/%s", folder, names[what]);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct known_row *)a)->key, ((const struct known_row *)b)->key);
}

/* Lines of key, verdict, program, set, script, target, which instance. */
void memory_read(struct known_rows *known, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, rows = 0;

	while (in != NULL && getline(&line, &room, in) > 0) {
		struct known_row row = { .key = NULL };
		char *word[7], *rest = line;
		unsigned n;

		for (n = 0; n < 7; n++)
			word[n] = strsep(&rest, "\t\n");
		if (word[6] == NULL)
			continue;
		row.key = strdup(word[0]);
		row.verdict = (enum verdict)strtoul(word[1], NULL, 10);
		row.program = strtoull(word[2], NULL, 16);
		row.set = strtoull(word[3], NULL, 16);
		row.script = strdup(word[4]);
		row.target = strdup(word[5]);
		row.nth = (unsigned)strtoul(word[6], NULL, 10);
		if (known->count == rows) {
			rows = 2 * rows + 1024;
			known->rows = realloc(known->rows, rows * sizeof(row));
		}
		if (row.key == NULL || row.script == NULL || row.target == NULL ||
		    known->rows == NULL)
			judge_fail("memory", strerror(ENOMEM));
		known->rows[known->count++] = row;
	}
	free(line);
	if (in != NULL)
		fclose(in);
	if (known->count > 0)
		qsort(known->rows, known->count, sizeof(*known->rows), by_key);
}

static int against_key(const void *key, const void *row)
{
	return strcmp(key, ((const struct known_row *)row)->key);
}

const struct known_row *memory_find(const struct known_rows *known, const char *key)
{
	if (known->count == 0)
		return NULL;
	return bsearch(key, known->rows, known->count, sizeof(*known->rows), against_key);
}

/* ---- sets of scripts ------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void set_path(char *path, size_t size, const char *folder, uint64_t set)
{
	snprintf(path, size, "%s/set-%016llx", folder, (unsigned long long)set);
}

uint64_t memory_note_set(const char *folder, const struct plan *plan)
{
	uint64_t *hashes = calloc(plan->source_count, sizeof(*hashes)), set;
	char path[4096];
	FILE *out;

	if (hashes == NULL)
		judge_fail("memory", strerror(ENOMEM));
	for (unsigned i = 0; i < plan->source_count; i++)
		hashes[i] = plan->sources[i].hash;
	qsort(hashes, plan->source_count, sizeof(*hashes), by_number);
	set = hash_bytes(HASH_START, hashes, plan->source_count * sizeof(*hashes));
	set_path(path, sizeof(path), folder, set);
	out = judge_open(path, "we");
	fwrite(hashes, sizeof(*hashes), plan->source_count, out);
	if (fclose(out) != 0)
		judge_fail(folder, strerror(errno));
	free(hashes);
	return set;
}

bool memory_met(const char *folder, uint64_t set, uint64_t script)
{
	static struct {
		uint64_t set, *hashes;
		size_t count;
	} sets[SETS_MAX];
	static unsigned used;
	unsigned i = 0;

	while (i < used && sets[i].set != set)
		i++;
	if (i == SETS_MAX)
		return false;
	if (i == used) {
		struct stat st;
		char path[4096];
		FILE *in;

		set_path(path, sizeof(path), folder, set);
		in = fopen(path, "re");
		used++;
		sets[i].set = set;
		if (in != NULL && fstat(fileno(in), &st) == 0 && st.st_size > 0) {
			sets[i].count = (size_t)st.st_size / sizeof(uint64_t);
			sets[i].hashes = calloc(sets[i].count, sizeof(uint64_t));
			if (sets[i].hashes == NULL || fread(sets[i].hashes, sizeof(uint64_t),
							    sets[i].count, in) != sets[i].count)
				sets[i].count = 0;
		}
		if (in != NULL)
			fclose(in);
	}
	return sets[i].count > 0 &&
	       bsearch(&script, sets[i].hashes, sets[i].count, sizeof(script), by_number) != NULL;
}
