/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write what was chosen so that a person can read it: a guest program as a script, text
 * as text, anything else as it stands, with a README.md that shows it.  Each is named
 * after a function that it alone reaches, and says which and where.  See cover.h.
 */
#include "fuzzers/cover.h"

#include "fuzzers/engine.h"
#include "harness/program/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 100
#define FUNCTIONS_MAX 4 /* named; of the others there is a count */
#define LINES_MAX 4	/* of each function */
#define NAME_MAX_BYTES 128
#define SHOWN_MAX 1024 /* bytes of a raw input */
#define LINE_BYTES 24u
#define SHOWN_LINES 30 /* of a program */

struct reached {
	const struct cover_place *first;
	unsigned lines[LINES_MAX], line_count;
	unsigned edges;
};

struct entry {
	const struct cover_input *input;
	char name[NAME_MAX_BYTES];
	struct reached functions[FUNCTIONS_MAX];
	unsigned count;
	unsigned others; /* edges of functions that are not named */
};

size_t cover_comment_size(const uint8_t *text, size_t size)
{
	size_t at = 0;

	while (at < size && text[at] == '#') {
		const uint8_t *end = memchr(text + at, '\n', size - at);

		if (end == NULL)
			break;
		at = (size_t)(end + 1 - text);
	}
	return at;
}

static void add_line(struct reached *r, unsigned line)
{
	for (unsigned i = 0; i < r->line_count; i++)
		if (r->lines[i] == line)
			return;
	if (line != 0 && r->line_count < LINES_MAX)
		r->lines[r->line_count++] = line;
}

static int by_number(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static int more_edges(const void *a, const void *b)
{
	const struct reached *x = a, *y = b;

	if (x->edges != y->edges)
		return x->edges > y->edges ? -1 : 1;
	return strcmp(x->first->function, y->first->function);
}

/* The edges that it alone reaches, by function, those with most of them first. */
static void group_edges(struct entry *e, const uint8_t *own)
{
	size_t count = cover_edge_count(), found = 0;
	struct reached *all = calloc(count, sizeof(*all));

	if (all == NULL)
		exit(2);
	for (size_t edge = 0; edge < count; edge++) {
		const struct cover_place *place;
		size_t at = 0;

		if (!cover_has(own, edge))
			continue;
		place = cover_place(edge);
		while (at < found && (strcmp(all[at].first->function, place->function) != 0 ||
				      strcmp(all[at].first->file, place->file) != 0))
			at++;
		found += at == found;
		if (all[at].first == NULL)
			all[at].first = place;
		all[at].edges++;
		add_line(&all[at], place->line);
	}
	for (size_t i = 0; i < found; i++)
		qsort(all[i].lines, all[i].line_count, sizeof(all[i].lines[0]), by_number);
	qsort(all, found, sizeof(*all), more_edges);
	for (size_t i = 0; i < found; i++) {
		if (i < FUNCTIONS_MAX)
			e->functions[e->count++] = all[i];
		else
			e->others += all[i].edges;
	}
	free(all);
}

static bool is_taken(const struct entry *entries, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0)
			return true;
	return false;
}

/* blk_discard is blk-discard; if there is one, with its line, else with a number. */
static void set_name(struct entry *e, const struct entry *entries, size_t count)
{
	const struct reached *r = &e->functions[0];
	char name[96];

	snprintf(name, sizeof(name), "%s", r->first->function);
	for (char *c = name; *c != '\0'; c++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789", *c) == NULL)
			*c = '-';
	snprintf(e->name, sizeof(e->name), "%s", name);
	if (is_taken(entries, count, e->name) && r->line_count > 0)
		snprintf(e->name, sizeof(e->name), "%s-%u", name, r->lines[0]);
	for (unsigned n = 2; is_taken(entries, count, e->name); n++)
		snprintf(e->name, sizeof(e->name), "%s-%u", name, n);
}

static void print_words(FILE *out, const char *prefix, const char *text)
{
	size_t column = (size_t)fprintf(out, "%s", prefix);

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column + 1 + len > COLUMNS) {
			fprintf(out, "\n%s", prefix);
			column = strlen(prefix);
		}
		column += (size_t)fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)len, text);
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

/* "Reaches blk_discard (devices/blk_request.c:210, 214), which no other script does." */
static char *describe(const struct entry *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		exit(2);
	fputs("Reaches ", out);
	for (unsigned i = 0; i < e->count; i++) {
		const struct reached *r = &e->functions[i];

		if (i > 0)
			fputs(i + 1 == e->count && e->others == 0 ? " and " : ", ", out);
		fprintf(out, "%s (%s", r->first->function, r->first->file);
		for (unsigned l = 0; l < r->line_count; l++)
			fprintf(out, "%s%u", l > 0 ? ", " : ":", r->lines[l]);
		fputc(')', out);
	}
	if (e->others > 0)
		fprintf(out, " and %u %s more", e->others, e->others == 1 ? "edge" : "edges");
	fprintf(out, ", which no other %s does.", cover_is_session() ? "script" : "input");
	if (fclose(out) != 0)
		exit(2);
	return text;
}

static void print_program(FILE *out, const struct cover_input *input)
{
	static struct program program;

	binary_decode(&program, input->data, input->size,
		      cover_is_session() ? fuzz_target_name() : "any", NULL);
	text_print(out, &program, NULL);
}

static FILE *create(const char *folder, const char *name, const char *suffix)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
	out = fopen(path, "wb");
	if (out == NULL)
		fprintf(stderr, "cover: %s: %s\n", path, strerror(errno));
	return out;
}

static int write_input(const char *folder, const struct entry *e)
{
	FILE *out = create(folder, e->name, cover_is_session() ? ".vr" : "");
	char *text = describe(e);

	if (out == NULL) {
		free(text);
		return -1;
	}
	if (cover_is_session() || cover_is_text())
		print_words(out, "#", text);
	if (cover_is_session())
		print_program(out, e->input);
	else
		fwrite(e->input->data, 1, e->input->size, out);
	free(text);
	return fclose(out);
}

/* A line of `hexdump -C`, without the text. */
static void show_line(FILE *out, const struct cover_input *input, size_t at)
{
	fprintf(out, "    %04zx ", at);
	for (size_t i = at; i < at + LINE_BYTES && i < input->size; i++)
		fprintf(out, " %02x", input->data[i]);
	fputc('\n', out);
}

/* Lines that are as the one before are left out. */
static void show_bytes(FILE *out, const struct cover_input *input)
{
	bool same = false;
	size_t at;

	for (at = 0; at < input->size && at < SHOWN_MAX; at += LINE_BYTES) {
		bool before = same;

		same = at > 0 && at + LINE_BYTES <= input->size &&
		       memcmp(input->data + at, input->data + at - LINE_BYTES, LINE_BYTES) == 0;
		if (!same)
			show_line(out, input, at);
		else if (!before)
			fputs("    *\n", out);
	}
	if (at < input->size)
		fprintf(out, "    ... %zu bytes in all\n", input->size);
}

/* A program as it prints, as a block of Markdown. */
static void show_program(FILE *out, const struct cover_input *input)
{
	char *text = NULL, *rest;
	unsigned lines = 0;
	size_t len = 0;
	FILE *print = open_memstream(&text, &len);

	if (print == NULL)
		exit(2);
	print_program(print, input);
	if (fclose(print) != 0)
		exit(2);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (lines++ == SHOWN_LINES) {
			fprintf(out, "    ... %zu bytes in all\n", input->size);
			break;
		}
		fprintf(out, "    %.*s%s\n", COLUMNS, line, strlen(line) > COLUMNS ? "..." : "");
	}
	free(text);
}

static int write_readme(const char *folder, const struct entry *entries, size_t count)
{
	FILE *out = create(folder, "README", ".md");

	if (out == NULL)
		return -1;
	fprintf(out,
		"# corpus/%s/coverage/\n\nWritten by `make corpus T=%s`: inputs that fuzzing found "
		"and what they alone reach.\n",
		fuzz_target.name, fuzz_target.name);
	for (size_t i = 0; i < count; i++) {
		char *text = describe(&entries[i]);

		fprintf(out, "\n## %s\n\n", entries[i].name);
		print_words(out, "", text);
		fputc('\n', out);
		if (fuzz_target.programs)
			show_program(out, entries[i].input);
		else
			show_bytes(out, entries[i].input);
		free(text);
	}
	return fclose(out);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void find_own(const struct cover_input *input, const struct cover_input *inputs,
		     size_t count, const uint8_t *base, uint8_t *own)
{
	for (size_t b = 0; b < cover_edge_bytes(); b++)
		own[b] = (uint8_t)(input->edges[b] & ~base[b]);
	for (size_t i = 0; i < count; i++)
		for (size_t b = 0;
		     inputs[i].chosen && &inputs[i] != input && b < cover_edge_bytes(); b++)
			own[b] &= (uint8_t)~inputs[i].edges[b];
}

/* Those that have names keep them; then the others find theirs. */
static size_t make_entries(struct entry *entries, const struct cover_input *inputs, size_t count,
			   const uint8_t *base)
{
	uint8_t *own = calloc(1, cover_edge_bytes() + 1);
	size_t made = 0;

	for (int named = 1; own != NULL && named >= 0; named--) {
		for (size_t i = 0; i < count; i++) {
			struct entry *e = &entries[made];

			if (!inputs[i].chosen || (inputs[i].name != NULL) != (named == 1))
				continue;
			e->input = &inputs[i];
			find_own(&inputs[i], inputs, count, base, own);
			group_edges(e, own);
			if (named == 1)
				snprintf(e->name, sizeof(e->name), "%s", inputs[i].name);
			else
				set_name(e, entries, made);
			made++;
		}
	}
	free(own);
	return made;
}

int cover_write(const char *folder, const struct cover_input *inputs, size_t count,
		const uint8_t *base)
{
	struct entry *entries = calloc(count + 1, sizeof(*entries));
	size_t made;
	int err = 0;

	if (entries == NULL)
		return -1;
	made = make_entries(entries, inputs, count, base);
	qsort(entries, made, sizeof(*entries), by_name);
	for (size_t i = 0; i < made && err == 0; i++)
		err = write_input(folder, &entries[i]);
	if (err == 0 && made > 0 && !cover_is_session() && !cover_is_text())
		err = write_readme(folder, entries, made);
	free(entries);
	return err;
}
