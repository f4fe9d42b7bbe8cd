/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the two halves of the parser share: text_parse.c (lines, operations) and
 * text_header.c (the header and the annotations).
 */
#ifndef VRINGER_HARNESS_TEXT_PARSE_H
#define VRINGER_HARNESS_TEXT_PARSE_H

#include "harness/program/text.h"

struct parser {
	struct text_line line;
	struct text_error *error;
	struct script *script;
	bool header; /* seen */
	unsigned depth;
	/* The repeats that are open, with the lines they start on.  One more
	 * than may hold operations: an empty one is harmless at any depth, and
	 * needs to be open only until its `end`. */
	uint32_t open[PROGRAM_REPEAT_DEPTH_MAX + 1];
	unsigned open_lines[PROGRAM_REPEAT_DEPTH_MAX + 1];
	/* What a `>` line here judges: the operation run last. */
	uint32_t last_op;
	bool has_last;
};

/* Lines that start with device, clause, needs, name; the first word is taken. */
int text_parse_header(struct parser *p);
int text_parse_clause(struct parser *p);
int text_parse_needs(struct parser *p);
int text_parse_slot_name(struct parser *p);

#endif
