/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What expect.c and expect_memory.c share.  Nobody else includes it.
 */
#ifndef HARNESS_EXPECT_INTERNAL_H
#define HARNESS_EXPECT_INTERNAL_H

#include "harness/run/run.h"

/* Where a check says what it saw. */
struct verdict {
	struct run *run;
	const struct script *script;
	const struct expect *expect;
	char *message;
	size_t size;
};

/* A value spelled as a script would. */
struct spelled {
	char text[96];
};

/* Says why a check fails, into its message; false, for the check to return. */
bool expect_wrong(const struct verdict *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Checks of bytes: guest memory, and what the host took; see expect_memory.c. */
bool expect_mem(const struct verdict *v);
bool expect_mem_fill(const struct verdict *v);
bool expect_mem_equal(const struct verdict *v);
bool expect_mem_typed(const struct verdict *v);
bool expect_output_bytes(const struct verdict *v);
bool expect_output(const struct verdict *v);
bool expect_output_equal(const struct verdict *v);

#endif
