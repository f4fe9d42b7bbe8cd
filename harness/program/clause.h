/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a script, a rule or a comment may cite: normative statements of VIRTIO 1.4 by
 * id, its sections by number, and `policy`, for demands that are our own.
 *
 * The table is made at build time from conformance/clauses.tsv and sections.txt
 * (clause_table.awk).  It has the id, the party and the keyword (MUST, SHOULD, ...) of
 * each statement, our own few words on it and how it is judged, and no text of the
 * specification.
 */
#ifndef VRINGER_HARNESS_CLAUSE_H
#define VRINGER_HARNESS_CLAUSE_H

#include <stddef.h>

/* One thing to cite.  For a section all others are empty.  An id that ends in ".*"
 * stands for every section below a number. */
struct clause {
	const char *id;
	const char *party;   /* "device" or "driver" */
	const char *keyword; /* "MUST", "MUST NOT", "SHOULD", "SHOULD NOT" or "MAY" */
	const char *section;
	const char *since; /* the first version that has it; these four may be empty */
	const char *words; /* our own */
	const char *how;   /* it is judged, or why not: see conformance/README.md */
	const char *by;    /* "rule:NAME", "script:PATH" and the like, or the reason */
};

/* All of them, sorted by id with strcmp. */
extern const struct clause clause_table[];
extern const size_t clause_count;

/* Find the entry that the first `len` bytes of `word` cite; NULL if there is none. */
const struct clause *clause_find(const char *word, size_t len);

#endif
