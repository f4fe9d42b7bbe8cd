/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The list of known findings: signatures that do not fail a run, each with the
 * reason why not.  Work goes on past them, and every report names those that
 * were met.
 *
 * One a line, the reason behind a `#`; a line may be blank, or a comment:
 *
 *     # until net.c counts what it wrote
 *     completion.len:send    # the length has the header twice
 *     fetch.walk:*           # whichever the operation is
 *
 * A rule of the ledger is noted, and the program goes on.  After a crash
 * nothing goes on: the program ends there, and fails nothing.
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
	unsigned hits; /* times it was met; a program meets a signature once */
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

/* Why the signature does not fail a run; NULL: it does.  `known` may be NULL. */
const char *known_reason(const struct known *known, const char *signature);
/* A program met it.  true: the first. */
bool known_hit(struct known *known, const char *signature);
/* One line for each that was met. */
void known_report(FILE *out, const char *prefix, const struct known *known);
/* [{"signature":...,"reason":...,"hits":N},...] */
void known_report_json(struct json *json, const char *key, const struct known *known);

#endif
