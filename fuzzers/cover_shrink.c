/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Shrink an input while it reaches what it is kept for: a guest program as `vringer
 * minimize` does, anything else byte by byte.  See cover.h.
 */
#include "fuzzers/cover.h"

#include "fuzzers/engine.h"
#include "harness/minimize/minimize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANDIDATES_MAX 3000 /* a few seconds */

struct shrinking {
	const uint8_t *needed;
	uint8_t *edges; /* of the candidate */
	uint8_t *bytes; /* of the candidate */
	/* In memory that the parent sees: the best so far. */
	uint8_t *best_edges, *best;
	size_t *best_size;
};

bool cover_is_session(void)
{
	return fuzz_target.one == session_one;
}

bool cover_is_text(void)
{
	return strcmp(fuzz_target.name, "text") == 0;
}

void *cover_shared(size_t size)
{
	void *memory = mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		return memory;
	perror("cover");
	exit(2);
}

static bool reaches(const uint8_t *edges, const uint8_t *needed)
{
	for (size_t i = 0; i < cover_edge_bytes(); i++)
		if ((needed[i] & ~edges[i]) != 0)
			return false;
	return true;
}

/* Text is kept with a comment above it, which is not part of the candidate. */
static void run_candidate(struct shrinking *s, size_t size)
{
	static uint8_t text[sizeof(COVER_COMMENT) + COVER_SIZE_MAX];
	size_t above = 0;

	if (cover_is_text())
		above = (size_t)snprintf((char *)text, sizeof(text), "%s", COVER_COMMENT);
	memcpy(text + above, s->bytes, size);
	memset(s->edges, 0, cover_edge_bytes());
	alarm(COVER_SECONDS);
	cover_run(text, above + size, s->edges);
	alarm(0);
}

/* Is the candidate one to go on from? */
static bool try_bytes(struct shrinking *s, size_t size)
{
	run_candidate(s, size);
	if (!reaches(s->edges, s->needed))
		return false;
	memcpy(s->best, s->bytes, size);
	memcpy(s->best_edges, s->edges, cover_edge_bytes());
	*s->best_size = size;
	return true;
}

static bool keeps(void *ctx, const struct program *prog)
{
	struct shrinking *s = ctx;
	long size = binary_encode(prog, s->bytes, COVER_SIZE_MAX, false);

	return size >= 0 && try_bytes(s, (size_t)size);
}

static void shrink_program(struct shrinking *s)
{
	static struct program program;

	if (binary_decode(&program, s->best, *s->best_size, fuzz_target_name(), NULL) == 0)
		minimize_program(&program, keeps, s, CANDIDATES_MAX);
}

/* Without the bytes from `at` on, or with zeros there. */
static bool try_part(struct shrinking *s, size_t at, size_t len, bool zero)
{
	size_t size = *s->best_size;

	memcpy(s->bytes, s->best, size);
	if (!zero) {
		memmove(s->bytes + at, s->bytes + at + len, size - at - len);
		return try_bytes(s, size - len);
	}
	memset(s->bytes + at, 0, len);
	return memcmp(s->bytes, s->best, size) != 0 && try_bytes(s, size);
}

/* Line by line, from the end on: where one is an error, what is below it is not read. */
static void shrink_lines(struct shrinking *s)
{
	size_t end = *s->best_size;

	while (end > 0) {
		size_t at = end - 1;

		while (at > 0 && s->best[at - 1] != '\n')
			at--;
		try_part(s, at, end - at, false);
		end = at;
	}
}

static void shrink_bytes(struct shrinking *s, bool zero)
{
	unsigned tried = 0;

	for (size_t len = (*s->best_size + 1) / 2; len > 0; len = len > 1 ? (len + 1) / 2 : 0) {
		for (size_t end = *s->best_size; end > 0 && tried < CANDIDATES_MAX; tried++) {
			size_t at = end > len ? end - len : 0;

			try_part(s, at, end - at, zero);
			end = at;
		}
	}
}

/* As it is kept: of a program there is one spelling. */
static size_t spell(struct shrinking *s, const struct cover_input *input)
{
	static struct program program;
	size_t above = 0;
	long size = -1;

	if (cover_is_session() &&
	    binary_decode(&program, input->data, input->size, fuzz_target_name(), NULL) == 0)
		size = binary_encode(&program, s->bytes, COVER_SIZE_MAX, false);
	if (size >= 0)
		return (size_t)size;
	if (cover_is_text())
		above = cover_comment_size(input->data, input->size);
	memcpy(s->bytes, input->data + above, input->size - above);
	return input->size - above;
}

/* In a child.  What it does not reach, as it is kept, it is not kept for. */
static void shrink(struct shrinking *s, const struct cover_input *input, uint8_t *needed)
{
	size_t size = spell(s, input);

	run_candidate(s, size);
	for (size_t i = 0; i < cover_edge_bytes(); i++)
		needed[i] &= s->edges[i];
	if (!try_bytes(s, size))
		return;
	if (cover_is_session()) {
		shrink_program(s);
		return;
	}
	if (cover_is_text())
		shrink_lines(s);
	shrink_bytes(s, false);
	/* Text has no use for zeros. */
	if (!cover_is_text())
		shrink_bytes(s, true);
}

bool cover_shrink(struct cover_input *input, uint8_t *needed)
{
	static uint8_t *shared;
	size_t bits = cover_edge_bytes();
	struct shrinking s;
	uint8_t *still_needed;
	int status = 0;
	pid_t child;

	if (shared == NULL)
		shared = cover_shared(2 * COVER_SIZE_MAX + 3 * bits + sizeof(size_t));
	s.best_size = (size_t *)shared;
	s.best = shared + sizeof(size_t);
	s.bytes = s.best + COVER_SIZE_MAX;
	s.best_edges = s.bytes + COVER_SIZE_MAX;
	s.edges = s.best_edges + bits;
	still_needed = s.edges + bits;
	s.needed = still_needed;
	memcpy(still_needed, needed, bits);
	memset(s.best_edges, 0, 2 * bits);
	*s.best_size = 0;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		shrink(&s, input, still_needed);
		_exit(0);
	}
	/* Of one that died the best so far is as good. */
	if (child < 0 || waitpid(child, &status, 0) != child || *s.best_size == 0)
		return false;
	if (status != 0)
		printf("  something that %s shrinks to ends the process\n", input->path);
	memcpy(needed, still_needed, bits);
	memcpy(input->edges, s.best_edges, bits);
	free(input->data);
	input->data = malloc(*s.best_size);
	if (input->data == NULL)
		exit(2);
	memcpy(input->data, s.best, *s.best_size);
	input->size = *s.best_size;
	return true;
}
