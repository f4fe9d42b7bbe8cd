/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Expressions: operands are found by precedence.  See source.h.
 */
#include "source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct token *now(const struct source *s)
{
	return &s->tokens[s->at];
}

static bool here(const struct source *s, const char *text)
{
	return token_is(now(s), text);
}

/* Is one of those here?  Then pass it. */
static bool take_any(struct source *s, const char *const *marks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!here(s, marks[i]))
			continue;
		s->at++;
		return true;
	}
	return false;
}

static void expect(struct source *s, const char *text)
{
	if (!here(s, text))
		source_fail(s, "this was not understood");
	s->at++;
}

/* A macro, by its name: what is given to it stays as it is. */
static bool is_macro(const struct token *t)
{
	static const char *const others[] = { "offsetof", "__builtin_offsetof", "typeof",
					      "va_arg",	  "_Alignof",		"__attribute__" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (token_is(t, others[i]))
			return true;
	for (size_t i = 0; i < t->len; i++)
		if (islower((unsigned char)t->text[i]))
			return false;
	return t->kind == TOKEN_NAME;
}

bool source_is_type(const struct source *s, size_t at)
{
	static const char *const words[] = { "const",	 "volatile", "static", "extern",
					     "register", "struct",   "union",  "enum",
					     "void",	 "char",     "short",  "int",
					     "long",	 "float",    "double", "signed",
					     "bool",	 "unsigned", "_Bool",  "__auto_type",
					     "typeof",	 "FILE",     "typedef" };
	const struct token *t = &s->tokens[at];

	if (t->kind != TOKEN_NAME)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(t, words[i]))
			return true;
	if (t->len > 2 && memcmp(t->text + t->len - 2, "_t", 2) == 0)
		return true;
	return t->len > 3 && memcmp(t->text + t->len - 3, "_fn", 3) == 0;
}

/* ---- what is noted ------------------------------------------------------------------ */

struct operator
{
	const char *text;
	unsigned precedence;
	const char *edge, *opposite; /* of a comparison; of && and || the other one */
};

static const struct operator operators[] = {
	{ "||", 1, NULL, "&&" }, { "&&", 2, NULL, "||" }, { "|", 3, NULL, NULL },
	{ "^", 4, NULL, NULL },	 { "&", 5, NULL, NULL },  { "==", 6, NULL, "!=" },
	{ "!=", 6, NULL, "==" }, { "<", 7, "<=", ">=" },  { "<=", 7, "<", ">" },
	{ ">", 7, ">=", "<=" },	 { ">=", 7, ">", "<" },	  { "<<", 8, NULL, NULL },
	{ ">>", 8, NULL, NULL }, { "+", 9, NULL, NULL },  { "-", 9, NULL, NULL },
	{ "*", 10, NULL, NULL }, { "/", 10, NULL, NULL }, { "%", 10, NULL, NULL },
};

static const struct operator* operator_here(const struct source *s)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (here(s, operators[i].text))
			return &operators[i];
	return NULL;
}

/* Are the tokens from `a` to `last` those from `b` on, with `end` behind them?  A cast in front of
 * the latter does not count. */
static bool same(const struct source *s, size_t a, size_t last, size_t b, const char *end)
{
	if (token_is(&s->tokens[b], "(") && source_is_type(s, b + 1))
		b = source_match(s, b) + 1;
	for (; a <= last; a++, b++)
		if (s->tokens[a].len != s->tokens[b].len ||
		    memcmp(s->tokens[a].text, s->tokens[b].text, s->tokens[a].len) != 0)
			return false;
	return token_is(&s->tokens[b], end);
}

/* `a < b ? a : b`, and the same as a statement: where they are equal it does not matter which. */
static bool is_choice(const struct source *s, size_t first, size_t where)
{
	size_t other = s->at + 1;

	/* `if (a > b) a = b;` */
	if (here(s, ")") && same(s, first, where - 1, s->at + 1, "=")) {
		while (!token_is(&s->tokens[other], "="))
			other++;
		return same(s, where + 1, s->at - 1, other + 1, ";");
	}
	if (!here(s, "?"))
		return false;
	while (s->tokens[other].kind != TOKEN_END && !token_is(&s->tokens[other], ":"))
		other++;
	return (same(s, first, where - 1, s->at + 1, ":") &&
		(same(s, where + 1, s->at - 1, other + 1, ";") ||
		 same(s, where + 1, s->at - 1, other + 1, ")"))) ||
	       (same(s, where + 1, s->at - 1, s->at + 1, ":") &&
		(same(s, first, where - 1, other + 1, ";") ||
		 same(s, first, where - 1, other + 1, ")")));
}

static void note_operator(struct source *s, const struct operator* op, size_t first, size_t where)
{
	size_t last = s->at - 1;
	char open[64];

	if (op->edge != NULL && is_choice(s, first, where)) {
		source_mutant(s, "compare", first, last, where, op->opposite);
		source_wrap(s, first, last, "MUTANT_NOT(%u, (", "))");
		return;
	}
	if (op->edge != NULL) {
		snprintf(open, sizeof(open), "MUTANT_ORDER(%%u, %s, %s, %s, (", op->text, op->edge,
			 op->opposite);
		source_mutant(s, "edge", first, last, where, op->edge);
		/* The number is the first one's. */
		source_wrap(s, first, last, open, "))");
		source_mutant(s, "compare", first, last, where, op->opposite);
	} else if (op->precedence > 2) {
		source_mutant(s, "compare", first, last, where, op->opposite);
		source_wrap(s, first, last, "MUTANT_NOT(%u, (", "))");
		return;
	} else {
		source_mutant(s, "logic", first, last, where, op->opposite);
		source_wrap(s, first, last,
			    op->precedence == 1 ? "MUTANT_OR(%u, (" : "MUTANT_AND(%u, (", "))");
	}
	source_replace(s, where, "), (");
}

static void note_opposite(struct source *s, size_t first, size_t last)
{
	source_mutant(s, "negate", first, last, first, NULL);
	source_wrap(s, first, last, "MUTANT_NOT(%u, (", "))");
}

/* The constant from `first` to `last`, which may be in a macro that gives it its type. */
static void note_constant(struct source *s, size_t first, size_t last, const char *digits)
{
	char other[96], close[112], *suffix;
	const struct token *a = &s->tokens[first], *b = &s->tokens[last];
	unsigned long long value = strtoull(digits, &suffix, 0);

	if (value > 1)
		snprintf(other, sizeof(other), "%.*s + 1", (int)(b->text + b->len - a->text),
			 a->text);
	else
		snprintf(other, sizeof(other), "%u%.*s", value == 0,
			 (int)(b->text + b->len - suffix), suffix);
	if (value <= 1 && last > first)
		snprintf(other, sizeof(other), "%.*s(%u)", (int)a->len, a->text, value == 0);
	snprintf(close, sizeof(close), ", %s)", other);
	source_mutant(s, "constant", first, last, last, other);
	source_wrap(s, first, last, "MUTANT_CONSTANT(%u, ", close);
}

static void note_word(struct source *s, const char *other)
{
	char close[16];

	snprintf(close, sizeof(close), ", %s)", other);
	source_mutant(s, "constant", s->at, s->at, s->at, other);
	source_wrap(s, s->at, s->at, "MUTANT_CONSTANT(%u, ", close);
}

/* ---- expressions -------------------------------------------------------------------- */

static enum shape unary(struct source *s);
static enum shape conditional(struct source *s);

static void arguments(struct source *s)
{
	expect(s, "(");
	while (!here(s, ")")) {
		source_assignment(s);
		if (!here(s, ")"))
			expect(s, ",");
	}
	s->at++;
}

void source_initialiser(struct source *s)
{
	if (!here(s, "{")) {
		source_assignment(s);
		return;
	}
	s->at++;
	while (!here(s, "}")) {
		bool named = here(s, ".") || here(s, "[");

		while (named && !here(s, "="))
			s->at = here(s, "[") ? source_match(s, s->at) + 1 : s->at + 1;
		s->at += named;
		source_initialiser(s);
		if (!here(s, "}"))
			expect(s, ",");
	}
	s->at++;
}

static enum shape name(struct source *s)
{
	const struct token *t = now(s);

	if (token_is(t, "UINT64_C") || token_is(t, "INT64_C") || token_is(t, "UINT32_C")) {
		size_t last = source_match(s, s->at + 1);

		if (last == s->at + 3)
			note_constant(s, s->at, last, s->tokens[s->at + 2].text);
		s->at = last + 1;
	} else if (token_is(&s->tokens[s->at + 1], "(") && is_macro(t)) {
		s->at = source_match(s, s->at + 1) + 1;
	} else {
		if (token_is(t, "true"))
			note_word(s, "false");
		else if (token_is(t, "false"))
			note_word(s, "true");
		s->at++;
	}
	return SHAPE_OTHER;
}

static enum shape primary(struct source *s)
{
	enum shape shape = SHAPE_OTHER;

	switch (now(s)->kind) {
	case TOKEN_NAME:
		return name(s);
	case TOKEN_NUMBER:
		if (memchr(now(s)->text, '.', now(s)->len) == NULL)
			note_constant(s, s->at, s->at, now(s)->text);
		s->at++;
		break;
	case TOKEN_STRING:
		while (now(s)->kind == TOKEN_STRING ||
		       (now(s)->kind == TOKEN_NAME && strncmp(now(s)->text, "PRI", 3) == 0))
			s->at++;
		break;
	case TOKEN_MARK:
	case TOKEN_END:
		expect(s, "(");
		shape = source_expression(s);
		expect(s, ")");
		break;
	}
	return shape;
}

static enum shape postfix(struct source *s)
{
	enum shape shape = primary(s);

	for (;; shape = SHAPE_OTHER) {
		if (here(s, "(")) {
			arguments(s);
		} else if (here(s, "[")) {
			s->at++;
			source_expression(s);
			expect(s, "]");
		} else if (here(s, ".") || here(s, "->")) {
			s->at += 2;
		} else if (here(s, "++") || here(s, "--")) {
			s->at++;
		} else {
			return shape;
		}
	}
}

/* Behind `sizeof`: nothing of it is evaluated. */
static void size_of(struct source *s)
{
	if (here(s, "(")) {
		s->at = source_match(s, s->at) + 1;
		return;
	}
	while (here(s, "*"))
		s->at++;
	s->at++;
	while (here(s, ".") || here(s, "->") || here(s, "["))
		s->at = here(s, "[") ? source_match(s, s->at) + 1 : s->at + 2;
}

static enum shape opposite(struct source *s)
{
	size_t first = s->at++;

	if (here(s, "!")) {
		unary(s);
		return SHAPE_OTHER;
	}
	unary(s);
	note_opposite(s, first, s->at - 1);
	return SHAPE_OPPOSED;
}

static enum shape unary(struct source *s)
{
	static const char *const marks[] = { "-", "+", "~", "*", "&", "++", "--" };

	if (here(s, "!"))
		return opposite(s);
	if (here(s, "sizeof")) {
		s->at++;
		size_of(s);
		return SHAPE_OTHER;
	}
	if (take_any(s, marks, sizeof(marks) / sizeof(*marks))) {
		unary(s);
		return SHAPE_OTHER;
	}
	if (!here(s, "(") || !source_is_type(s, s->at + 1))
		return postfix(s);
	s->at = source_match(s, s->at) + 1;
	if (here(s, "{"))
		source_initialiser(s);
	else
		unary(s);
	return SHAPE_OTHER;
}

static enum shape binary(struct source *s, unsigned least)
{
	size_t first = s->at, where;
	enum shape shape = unary(s);
	const struct operator* op;

	while ((op = operator_here(s)) != NULL && op->precedence >= least) {
		where = s->at++;
		binary(s, op->precedence + 1);
		shape = op->precedence == 6 || op->precedence == 7 ? SHAPE_OPPOSED : SHAPE_OTHER;
		if (op->opposite != NULL)
			note_operator(s, op, first, where);
	}
	return shape;
}

static enum shape conditional(struct source *s)
{
	size_t first = s->at;
	enum shape shape = binary(s, 1);

	if (!here(s, "?"))
		return shape;
	if (shape != SHAPE_OPPOSED)
		note_opposite(s, first, s->at - 1);
	s->at++;
	source_expression(s);
	expect(s, ":");
	conditional(s);
	return SHAPE_OTHER;
}

static enum shape assignment(struct source *s)
{
	static const char *const marks[] = { "=",  "*=", "/=", "%=",  "+=", "-=",
					     "&=", "^=", "|=", "<<=", ">>=" };
	enum shape shape = conditional(s);

	if (take_any(s, marks, sizeof(marks) / sizeof(*marks))) {
		assignment(s);
		return SHAPE_OTHER;
	}
	return shape;
}

void source_assignment(struct source *s)
{
	assignment(s);
}

enum shape source_expression(struct source *s)
{
	enum shape shape = assignment(s);

	while (here(s, ",")) {
		s->at++;
		shape = assignment(s);
	}
	return shape;
}

void source_condition(struct source *s)
{
	size_t first = s->at;

	if (source_expression(s) != SHAPE_OPPOSED)
		note_opposite(s, first, s->at - 1);
}
