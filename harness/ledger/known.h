/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The list of known findings: signatures that do not fail a run, each with the reason.
 * Every report names those that were found.
 *
 * One signature on each line, the reason behind a `#`.  Blank lines and comments are
 * allowed:
 *
 *     # until net.c counts what it wrote
 *     completion.len:send    # the length has the header twice
 *     fetch.walk:* # at any operation
 *
 * When a known rule is broken, the ledger notes it and the program goes on.  A known
 * crash ends the program, which then does not fail.
 */
#ifndef VRINGER_HARNESS_KNOWN_H
#define VRINGER_HARNESS_KNOWN_H

#include "harness/files/json.h"

#include <stdbool.h>
#include <stdio.h>

struct known_entry {
	char *signature;
	char *reason;
	unsigned line;
	unsigned hits; /* number of programs that showed it */
};

struct known {
	struct known_entry *entries;
	size_t count, room;
	size_t *slots; /* of entries by signature: a hash table of indices plus 1 */
	size_t slot_count;
};

/* Add what the file lists.  0, or -EINVAL after one line on stderr. */
int known_load(struct known *known, const char *path);
void known_release(struct known *known);

/* The reason why the signature does not fail a run; NULL: it does.  `known` may be NULL. */
const char *known_reason(const struct known *known, const char *signature);
/* A program showed it. true: for the first time. */
bool known_hit(struct known *known, const char *signature);
/* Print one line for each that was found. */
void known_report(FILE *out, const char *prefix, const struct known *known);
/* [{"signature":...,"reason":...,"hits":N},...] */
void known_report_json(struct json *json, const char *key, const struct known *known);

#endif
