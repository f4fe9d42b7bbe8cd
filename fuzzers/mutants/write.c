/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * write FOLDER SOURCE...: write each source, with all its mutants, into FOLDER under its own
 * name, and a list of them on stdout: a line each of number, file, line, function, kind and
 * change, separated by tabs.  See source.h.
 *
 * A source's numbers begin at MUTANTS_OF times its place among them, so that a change to one
 * leaves the others as they were.
 */
#include "select.h"
#include "source.h"

#include "harness/files/input.h"

#include <stdlib.h>
#include <string.h>

#define MUTANTS_OF 1000u

static void write_source(const struct source *s, const char *folder)
{
	const char *base = strrchr(s->path, '/');
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, base != NULL ? base + 1 : s->path);
	out = fopen(path, "we");
	if (out == NULL) {
		perror(path);
		exit(2);
	}
	fprintf(out, "#line 1 \"%s\"\n", s->path);
	for (size_t i = 0; i < s->count; i++) {
		const struct token *t = &s->tokens[i];

		fwrite(t->before, 1, (size_t)(t->text - t->before), out);
		fputs(t->open != NULL ? t->open : "", out);
		if (t->other != NULL)
			fputs(t->other, out);
		else
			fwrite(t->text, 1, t->len, out);
		fputs(t->close != NULL ? t->close : "", out);
	}
	if (fclose(out) != 0) {
		perror(path);
		exit(2);
	}
}

static void write_list(const struct source *s)
{
	for (size_t i = 0; i < s->mutant_count; i++) {
		const struct mutant *m = &s->mutants[i];

		printf("%u\t%s\t%u\t%s\t%s\t%s\n", m->number, s->path, m->line, m->function,
		       m->kind, m->change);
	}
}

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		struct source s = { .base = MUTANTS_OF * (unsigned)(i - 2) };
		size_t len;
		char *text = input_read(argv[i], &len);

		if (text == NULL)
			return 2;
		source_read(&s, argv[i], text);
		source_functions(&s);
		if (s.mutant_count >= MUTANTS_OF || s.base + MUTANTS_OF > MUTANTS_MAX)
			source_fail(&s, "there are too many mutants");
		write_source(&s, argv[1]);
		write_list(&s);
		free(text);
	}
	return argc > 2 ? 0 : 2;
}
