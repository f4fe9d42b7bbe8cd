/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Escape arbitrary bytes (a path, a comment, a reason) for JSON, XML, TAP and a shell's
 * command line.
 *
 * In the first three, what no text may hold there (a byte that is not UTF-8, a
 * control character, and in XML U+FFFE and U+FFFF) is shown as \xNN for each byte.
 */
#ifndef VRINGER_HARNESS_ESCAPE_H
#define VRINGER_HARNESS_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* A string, quotes and all (RFC 8259). */
void escape_json(FILE *out, const char *text);
/* The text of an element, or the value of an attribute without its quotes (XML 1.0,
 * 2.2 and 3.3.3). */
void escape_xml(FILE *out, const char *text);
void escape_xml_value(FILE *out, const char *text);
/* The description of a test: no `#` in it starts a directive. */
void escape_tap(FILE *out, const char *text);
/* What follows `# ` on one line of TAP, or any line of text that is one line; `len`
 * bytes, or up to a NUL. */
void escape_line(FILE *out, const char *text, size_t len);
/* One word of a POSIX shell's command, never taken for an option; the bytes stay. */
void escape_word(FILE *out, const char *word);

#endif
