/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What `make corpus` keeps (grow.sh): a small set of inputs that reach edges which the
 * committed ones do not.  One program for each fuzz target, with no engine.
 *
 * cover.c         the list of inputs, what each reaches, which are chosen
 * cover_edges.c   run an input: the edges that it reaches, and where they are
 * cover_shrink.c  leave out of an input what those edges do not need
 * cover_write.c   names, comments, files
 *
 * Only edges count, not how often they are taken, and of these only such as are in the
 * code under test.  Nothing is judged: an input that ends the process is named and left
 * out.
 */
#ifndef VRINGER_FUZZERS_COVER_H
#define VRINGER_FUZZERS_COVER_H

#include "harness/program/binary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COVER_SIZE_MAX BINARY_SIZE_MAX /* bytes of an input */
#define COVER_KEEP 60		       /* inputs in a set, unless -n says otherwise */
#define COVER_MS_MAX 50		       /* of CPU time, for an input that is kept */
#define COVER_SECONDS 20	       /* until one that runs is taken for endless */

enum cover_kind {
	COVER_BASE, /* a committed input: what it reaches counts as reached */
	COVER_KEPT, /* one that was kept before */
	COVER_NEW,  /* one that fuzzing found */
};

struct cover_input {
	enum cover_kind kind;
	char *path;
	const char *name; /* KEPT: the name that it has */
	uint8_t *data;
	size_t size;
	uint8_t *edges; /* a bit for each; shared with children */
	bool chosen;
};

/* cover_edges.c */

/* Edges that there are, reached or not. */
size_t cover_edge_count(void);
static inline size_t cover_edge_bytes(void)
{
	return (cover_edge_count() + 7) / 8;
}
static inline bool cover_has(const uint8_t *edges, size_t edge)
{
	return (edges[edge / 8] >> edge % 8 & 1) != 0;
}
/* Run an input in this process, and set the bits of the edges that it reaches. */
void cover_run(const uint8_t *data, size_t size, uint8_t *edges);

struct cover_place {
	char function[96];
	char file[96]; /* in this tree; empty: unknown, or not of the code under test */
	unsigned line;
	bool known; /* it was looked up */
};
/* Where an edge is; looked up once. */
const struct cover_place *cover_place(size_t edge);
/* Clear those of the bits that are not of the code under test. */
void cover_mask(uint8_t *edges);

/* cover_shrink.c */

/* Are the target's inputs guest programs, kept as scripts? */
bool cover_is_session(void);
/* ... text, kept below a comment? */
bool cover_is_text(void);
#define COVER_COMMENT "# Reaches\n" /* in place of it while shrinking */
/* Shrink an input while it reaches all of `needed`; the bits and the bytes are then those
 * of the result.  If it does not reach all to begin with, those bits are cleared in
 * `needed`.  Runs in a child: false, and nothing changed, where that died. */
bool cover_shrink(struct cover_input *input, uint8_t *needed);
/* For children and their parents: memory that both see, zeroed. */
void *cover_shared(size_t size);

/* cover_write.c */

/* Bytes of the comment that a text begins with. */
size_t cover_comment_size(const uint8_t *text, size_t size);

/* Write the chosen inputs into the folder; each reaches edges that none of the others
 * nor `base` does.  0, or -1 after one line on stderr. */
int cover_write(const char *folder, const struct cover_input *inputs, size_t count,
		const uint8_t *base);

#endif
