/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The tokens of a source, and what is written around them.  See source.h.
 */
#include "source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void source_fail(const struct source *s, const char *what)
{
	unsigned line = s->at < s->count ? s->tokens[s->at].line : 0;

	fprintf(stderr, "%s:%u: %s\n", s->path, line, what);
	exit(2);
}

void *source_grow(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (p == NULL) {
		fputs("mutants: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

bool token_is(const struct token *t, const char *text)
{
	return t->len == strlen(text) && memcmp(t->text, text, t->len) == 0;
}

/* ---- reading ------------------------------------------------------------------- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Behind a directive, with the lines that it goes on to. */
static const char *skip_directive(const char *p)
{
	while (*p != '\0' && *p != '\n')
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	return p;
}

static const char *skip_comment(const char *p)
{
	const char *end = strstr(p + 2, "*/");

	return end != NULL ? end + 2 : p + strlen(p);
}

/* Behind white space, comments and directives. */
static const char *skip_blank(const char *p, const char *text)
{
	for (;;) {
		if (isspace((unsigned char)*p))
			p++;
		else if (p[0] == '/' && p[1] == '*')
			p = skip_comment(p);
		else if ((p[0] == '/' && p[1] == '/') ||
			 (*p == '#' && (p == text || p[-1] == '\n')))
			p = skip_directive(p);
		else
			return p;
	}
}

static size_t string_len(const char *p)
{
	size_t n = 1;

	while (p[n] != '\0' && p[n] != *p)
		n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
	return n + (p[n] != '\0');
}

static size_t mark_len(const char *p)
{
	static const char *const marks[] = { "<<=", ">>=", "...", "->", "++", "--", "<<", ">>",
					     "<=",  ">=",  "==",  "!=", "&&", "||", "*=", "/=",
					     "%=",  "+=",  "-=",  "&=", "^=", "|=", "##" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strncmp(p, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 1;
}

static void read_token(struct token *t, const char *p)
{
	t->text = p;
	if (*p == '\0') {
		t->kind = TOKEN_END;
	} else if (*p == '"' || *p == '\'') {
		t->kind = TOKEN_STRING;
		t->len = string_len(p);
	} else if (is_name(*p)) {
		t->kind = isdigit((unsigned char)*p) ? TOKEN_NUMBER : TOKEN_NAME;
		while (is_name(p[t->len]) || (t->kind == TOKEN_NUMBER && p[t->len] == '.'))
			t->len++;
	} else {
		t->kind = TOKEN_MARK;
		t->len = mark_len(p);
	}
}

void source_read(struct source *s, const char *path, const char *text)
{
	const char *p = text, *counted = text;
	size_t room = 0;
	unsigned line = 1;

	s->path = path;
	do {
		struct token *t;

		if (s->count == room) {
			room = 2 * room + 1024;
			s->tokens = source_grow(s->tokens, room * sizeof(*s->tokens));
		}
		t = &s->tokens[s->count++];
		*t = (struct token){ .before = p };
		p = skip_blank(p, text);
		for (; counted < p; counted++)
			line += *counted == '\n';
		t->line = line;
		read_token(t, p);
		p += t->len;
	} while (s->tokens[s->count - 1].kind != TOKEN_END);
}

size_t source_match(const struct source *s, size_t at)
{
	size_t depth = 0;

	for (; s->tokens[at].kind != TOKEN_END; at++) {
		const struct token *t = &s->tokens[at];

		if (token_is(t, "(") || token_is(t, "[") || token_is(t, "{"))
			depth++;
		else if (token_is(t, ")") || token_is(t, "]") || token_is(t, "}"))
			depth--;
		if (depth == 0)
			return at;
	}
	source_fail(s, "something is not closed");
}

/* ---- writing ------------------------------------------------------------------- */

static char *join(char *old, const char *first, const char *second)
{
	char *text = source_grow(NULL, strlen(first) + strlen(second) + 1);

	strcpy(text, first);
	strcat(text, second);
	free(old);
	return text;
}

/* The inner parts of an expression come before the outer ones. */
void source_wrap(struct source *s, size_t first, size_t last, const char *open, const char *close)
{
	struct token *a = &s->tokens[first], *b = &s->tokens[last];
	char text[256];

	snprintf(text, sizeof(text), open, s->mutants[s->mutant_count - 1].number);
	a->open = join(a->open, text, a->open != NULL ? a->open : "");
	b->close = join(b->close, b->close != NULL ? b->close : "", close);
}

void source_replace(struct source *s, size_t at, const char *text)
{
	s->tokens[at].other = join(s->tokens[at].other, text, "");
}

/* ---- what a mutant is called ------------------------------------------------------- */

#define AROUND 9u /* tokens on each side that are shown */

static void add_text(char *to, const char *text, size_t len)
{
	size_t used = strlen(to);

	if (used + len + 1 >= CHANGE_MAX)
		return;
	memcpy(to + used, text, len);
	to[used + len] = '\0';
}

/* A blank where the source has one. */
static void add_token(char *to, const struct token *t)
{
	size_t used = strlen(to);

	if (t->text != t->before && used > 0 && to[used - 1] != ' ')
		add_text(to, " ", 1);
	add_text(to, t->text, t->len);
}

/* How many of the function have the same name already. */
static unsigned count_same(const struct source *s, const struct mutant *m)
{
	unsigned same = 0;

	for (size_t i = 0; i < s->mutant_count; i++) {
		const struct mutant *other = &s->mutants[i];
		size_t len = strlen(m->change);

		same += strcmp(other->function, m->function) == 0 &&
			strncmp(other->change, m->change, len) == 0 &&
			(other->change[len] == '\0' || strncmp(other->change + len, " #", 2) == 0);
	}
	return same;
}

/* All of it in brackets behind the word for what is done to it. */
static void show_whole(const struct source *s, struct mutant *m, size_t first, size_t last)
{
	add_text(m->change, "{ ", 2);
	add_text(m->change, m->kind, strlen(m->kind));
	for (size_t i = first; i <= last; i++) {
		if (i == first)
			add_text(m->change, " ", 1);
		add_token(m->change, &s->tokens[i]);
	}
	add_text(m->change, " }", 2);
}

/* One token of it, as it is and as it would be, among its neighbours. */
static void show_token(const struct source *s, struct mutant *m, size_t where, const char *left)
{
	size_t i = where > s->first + AROUND ? where - AROUND : s->first;
	size_t to = where + AROUND;

	for (; i <= to && s->tokens[i].kind != TOKEN_END; i++) {
		const struct token *t = &s->tokens[i];

		if (i != where) {
			add_token(m->change, t);
			if (i > where && (token_is(t, ";") || token_is(t, "{")))
				break;
			continue;
		}
		add_text(m->change, " { ", 3);
		add_text(m->change, t->text, t->len);
		add_text(m->change, " -> ", 4);
		add_text(m->change, left, strlen(left));
		add_text(m->change, " }", 2);
	}
}

void source_mutant(struct source *s, const char *kind, size_t first, size_t last, size_t where,
		   const char *left)
{
	struct mutant m = { .number = s->base + (unsigned)s->mutant_count + 1,
			    .line = s->tokens[where].line,
			    .kind = kind };
	char again[16];
	unsigned same;

	strcpy(m.function, s->function);
	if (left == NULL)
		show_whole(s, &m, first, last);
	else
		show_token(s, &m, where, left);
	same = count_same(s, &m);
	if (same > 0) {
		snprintf(again, sizeof(again), " #%u", same + 1);
		add_text(m.change, again, strlen(again));
	}
	if ((s->mutant_count & (s->mutant_count + 1)) == 0)
		s->mutants = source_grow(s->mutants, (2 * s->mutant_count + 2) * sizeof(m));
	s->mutants[s->mutant_count++] = m;
}
