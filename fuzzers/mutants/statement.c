/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Functions and their statements.  See source.h.
 */
#include "source.h"

#include <ctype.h>
#include <string.h>

static bool here(const struct source *s, const char *text)
{
	return token_is(&s->tokens[s->at], text);
}

static bool next_is(const struct source *s, size_t ahead, const char *text)
{
	return token_is(&s->tokens[s->at + ahead], text);
}

static void expect(struct source *s, const char *text)
{
	if (!here(s, text))
		source_fail(s, "this was not understood");
	s->at++;
}

static void statement(struct source *s);

/* Behind the next `mark` that nothing encloses. */
static void skip_to(struct source *s, const char *mark)
{
	while (!here(s, mark)) {
		if (s->tokens[s->at].kind == TOKEN_END)
			source_fail(s, "a statement does not end");
		s->at = source_match(s, s->at) + 1;
	}
	s->at++;
}

static bool is_declaration(const struct source *s)
{
	const struct token *t = &s->tokens[s->at];

	if (source_is_type(s, s->at))
		return true;
	if (t->kind != TOKEN_NAME)
		return false;
	/* Nobody multiplies to throw the product away. */
	return t[1].kind == TOKEN_NAME || (token_is(&t[1], "*") && t[2].kind == TOKEN_NAME &&
					   (token_is(&t[3], "=") || token_is(&t[3], ";")));
}

/* With its `;`. */
static void declaration(struct source *s)
{
	if (here(s, "static") || here(s, "extern") || here(s, "typedef")) {
		skip_to(s, ";");
		return;
	}
	for (;;) {
		while (!here(s, "=") && !here(s, ",") && !here(s, ";"))
			s->at = source_match(s, s->at) + 1;
		if (here(s, "=")) {
			s->at++;
			source_initialiser(s);
		}
		if (here(s, ";"))
			break;
		expect(s, ",");
	}
	s->at++;
}

static void leave_out(struct source *s, size_t first)
{
	source_mutant(s, "delete", first, s->at - 1, first, NULL);
	source_wrap(s, first, s->at - 1, "{ if (!MUTANT_IS(%u)) { ", " } }");
}

/* `(void)name;` and the like do nothing. */
static bool does_nothing(const struct source *s)
{
	return here(s, ";") || (here(s, "(") && next_is(s, 1, "void") && next_is(s, 4, ";"));
}

static bool is_macro_statement(const struct source *s)
{
	const struct token *t = &s->tokens[s->at];

	for (size_t i = 0; i < t->len; i++)
		if (islower((unsigned char)t->text[i]))
			return token_is(t, "_Static_assert") || token_is(t, "__attribute__");
	return t->kind == TOKEN_NAME && next_is(s, 1, "(");
}

static void simple(struct source *s)
{
	size_t first = s->at;

	if (does_nothing(s) || is_macro_statement(s)) {
		skip_to(s, ";");
		return;
	}
	source_expression(s);
	expect(s, ";");
	leave_out(s, first);
}

/* return, break, continue, goto. */
static void jump(struct source *s)
{
	size_t first = s->at++;
	bool is_last;

	if (token_is(&s->tokens[first], "goto"))
		s->at++;
	else if (!here(s, ";"))
		source_expression(s);
	expect(s, ";");
	is_last = s->at == s->body_end ||
		  (s->in_switch && token_is(&s->tokens[first], "break") && here(s, "}"));
	if (!is_last)
		leave_out(s, first);
}

static void block(struct source *s)
{
	expect(s, "{");
	while (!here(s, "}"))
		statement(s);
	s->at++;
}

static void body(struct source *s, bool in_switch)
{
	bool before = s->in_switch;

	s->in_switch = in_switch;
	statement(s);
	s->in_switch = before;
}

static void in_brackets(struct source *s, bool condition)
{
	expect(s, "(");
	s->first = s->at;
	if (condition)
		source_condition(s);
	else
		source_expression(s);
	expect(s, ")");
}

static void loop_for(struct source *s)
{
	size_t close;

	expect(s, "(");
	close = source_match(s, s->at - 1);
	if (here(s, ";")) {
		s->at++;
	} else if (is_declaration(s)) {
		declaration(s);
	} else {
		source_expression(s);
		expect(s, ";");
	}
	s->first = s->at;
	if (!here(s, ";"))
		source_condition(s);
	expect(s, ";");
	/* The step: it is seldom wrong and never ends without it. */
	s->at = close + 1;
	body(s, false);
}

static void keyword_if(struct source *s)
{
	s->at++;
	in_brackets(s, true);
	statement(s);
	if (here(s, "else")) {
		s->at++;
		statement(s);
	}
}

static void keyword_do(struct source *s)
{
	s->at++;
	body(s, false);
	expect(s, "while");
	in_brackets(s, true);
	expect(s, ";");
}

static void statement(struct source *s)
{
	s->first = s->at;
	if (here(s, "{")) {
		block(s);
	} else if (here(s, "if")) {
		keyword_if(s);
	} else if (here(s, "while") || here(s, "switch")) {
		bool in_switch = here(s, "switch");

		s->at++;
		in_brackets(s, !in_switch);
		body(s, in_switch);
	} else if (here(s, "for")) {
		s->at++;
		loop_for(s);
	} else if (here(s, "do")) {
		keyword_do(s);
	} else if (here(s, "case") || here(s, "default")) {
		skip_to(s, ":");
	} else if (next_is(s, 1, ":") && s->tokens[s->at].kind == TOKEN_NAME) {
		s->at += 2;
	} else if (here(s, "return") || here(s, "break") || here(s, "continue") ||
		   here(s, "goto")) {
		jump(s);
	} else if (is_declaration(s)) {
		declaration(s);
	} else {
		simple(s);
	}
}

/* The name before the brackets that end in front of the token at `at`; false: there is none. */
static bool name_function(struct source *s, size_t at)
{
	size_t open = at;

	while (open-- > 0)
		if (token_is(&s->tokens[open], "(") && source_match(s, open) == at - 1)
			break;
	if (open == 0 || s->tokens[open - 1].kind != TOKEN_NAME)
		return false;
	if (token_is(&s->tokens[open - 1], "__attribute__"))
		return name_function(s, open - 1);
	snprintf(s->function, sizeof(s->function), "%.*s", (int)s->tokens[open - 1].len,
		 s->tokens[open - 1].text);
	return true;
}

void source_functions(struct source *s)
{
	for (s->at = 0; s->tokens[s->at].kind != TOKEN_END;) {
		if (!here(s, "{")) {
			s->at++;
		} else if (s->at > 0 && token_is(&s->tokens[s->at - 1], ")") &&
			   name_function(s, s->at)) {
			s->body_end = source_match(s, s->at);
			block(s);
		} else {
			s->at = source_match(s, s->at) + 1;
		}
	}
}
