/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Scripts that are wrong, and where the parser must say so.  Include after
 * cmocka.h.
 */
#ifndef VRINGER_HARNESS_TEST_BAD_TEXT_H
#define VRINGER_HARNESS_TEST_BAD_TEXT_H

#include <stddef.h>

struct bad_text {
	const char *text;
	unsigned line, column;
	const char *message; /* a part of it */
};

void assert_bad(const char *text, size_t len, unsigned line, unsigned column, const char *message);
void assert_all_bad(const struct bad_text *table, size_t count);
/* Parses, into `parsed`. */
void assert_good(const char *text, size_t len);

#endif
