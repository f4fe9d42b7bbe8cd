/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the two parts of the parser share: text_parse.c (lines, operations) and
 * text_header.c (header, annotations).
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
	/* The open repeats and the lines that they start on.  There is room for one more
	 * than the nesting limit, for a repeat that stays empty. */
	uint32_t open[PROGRAM_REPEAT_DEPTH_MAX + 1];
	unsigned open_lines[PROGRAM_REPEAT_DEPTH_MAX + 1];
	/* The operation that ran last, which a `>` line here is about. */
	uint32_t last_op;
	bool has_last;
};

/* Lines that start with device, clause, needs, severity, name; the first word is taken. */
int text_parse_header(struct parser *p);
int text_parse_clause(struct parser *p);
int text_parse_needs(struct parser *p);
int text_parse_severity(struct parser *p);
int text_parse_slot_name(struct parser *p);

#endif
