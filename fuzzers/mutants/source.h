/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A small mutator of C.  It writes a source once, with all its mutants in it: each place has
 * what stands there and what could stand there instead, and which of them holds is chosen when
 * the program runs (select.h).  So mutants are not compiled one by one.
 *
 * What is changed, one place at a time, in the bodies of functions:
 *
 *   <  <=  >  >=    the other side of the boundary (not in `a < b ? a : b` and the like), and the
 * opposite
 *   ==  !=          the opposite
 *   &&  ||          the other one
 *   if, while, for, ?:, !   the opposite of the condition
 *   0, 1, true, false       the other one; of any other integer the next
 *   a statement that is an expression, return, break, continue, goto: left out
 *
 * What is not: what must be a constant (static initialisers, case labels, sizes of arrays,
 * what sizeof and offsetof are about), macros and what they are given, headers, characters and
 * floating point, named constants, arithmetic, a declaration's place, the step of a `for`, and the
 * return that ends a function.
 *
 * It reads tokens, not C: types are known by the look of a declaration.  Output that does not
 * compile tells that it was wrong about one.
 */
#ifndef VRINGER_FUZZERS_SOURCE_H
#define VRINGER_FUZZERS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum token_kind { TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_MARK, TOKEN_END };

struct token {
	enum token_kind kind;
	const char *text; /* in the source */
	size_t len;
	const char *before; /* white space, comments and directives before it begin here */
	unsigned line;
	char *open, *other, *close; /* to be written before it, in its place, after it; or NULL */
};

#define NAME_MAX_BYTES 64u
#define CHANGE_MAX 240u

struct mutant {
	unsigned number, line;
	char function[NAME_MAX_BYTES];
	const char *kind;
	char change[CHANGE_MAX]; /* what stands there, and { old -> new } or { delete } in it */
};

struct source {
	const char *path;
	struct token *tokens; /* the last one is TOKEN_END */
	size_t count, at;
	struct mutant *mutants;
	size_t mutant_count;
	unsigned base; /* numbers begin after it */
	char function[NAME_MAX_BYTES];
	size_t first; /* token of the statement in hand */
	size_t body_end;
	bool in_switch; /* a break ends a switch */
};

/* All that fails ends the program with one line on stderr and exit status 2. */
void source_fail(const struct source *s, const char *what) __attribute__((noreturn));
void *source_grow(void *old, size_t size);

void source_read(struct source *s, const char *path, const char *text);
bool token_is(const struct token *t, const char *text);
/* The token that closes what the one at `at` opens. */
size_t source_match(const struct source *s, size_t at);

/* A place from token `first` to `last`; the token `where` is the one that changes, and `left`
 * what stands there then, or NULL: all of it is left out. */
void source_mutant(struct source *s, const char *kind, size_t first, size_t last, size_t where,
		   const char *left);
/* Write around these tokens; %u in `open` is the number of the mutant that was noted last. */
void source_wrap(struct source *s, size_t first, size_t last, const char *open, const char *close);
void source_replace(struct source *s, size_t at, const char *text);

/* What a condition is made of, as far as its own opposite is among its mutants already. */
enum shape { SHAPE_OTHER, SHAPE_OPPOSED };

/* Parse at s->at and behind it. */
enum shape source_expression(struct source *s);
void source_assignment(struct source *s);
void source_initialiser(struct source *s);
bool source_is_type(const struct source *s, size_t at);
void source_condition(struct source *s);
void source_functions(struct source *s);

#endif
