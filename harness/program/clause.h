/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a script, a rule or a comment may cite: the normative statements of VIRTIO
 * 1.4 by id, its sections by number, and `policy`, which is the house's own.
 *
 * The table is made at build time from conformance/clauses.tsv and sections.txt
 * (clause_table.awk).  It holds who must do what kind of thing where, and no word
 * of the specification.
 */
#ifndef VRINGER_HARNESS_CLAUSE_H
#define VRINGER_HARNESS_CLAUSE_H

#include <stddef.h>

/* One thing to cite.  Of a section the last three are empty.  An id that ends in
 * ".*" stands for every section below a number. */
struct clause {
	const char *id;
	const char *party;   /* "device" or "driver" */
	const char *keyword; /* "MUST", "MUST NOT", "SHOULD", "SHOULD NOT" or "MAY" */
	const char *section;
};

/* All of them, in the order of strcmp on the id. */
extern const struct clause clause_table[];
extern const size_t clause_count;

/* The one that `len` bytes of `word` cite; NULL if there is none. */
const struct clause *clause_find(const char *word, size_t len);

#endif
