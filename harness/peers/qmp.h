/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The client's side of QMP, QEMU's machine protocol: greeting, capabilities, a command and
 * its answer.  Events are skipped.  No JSON is taken apart beyond finding a member by its
 * name.
 */
#ifndef VRINGER_HARNESS_QMP_H
#define VRINGER_HARNESS_QMP_H

#include "harness/peers/patience.h"

#include <stdbool.h>
#include <stdint.h>

#define QMP_MESSAGE_MAX 65536u /* bytes of a message, either way */
#define QMP_EVENTS_MAX 4096u   /* that are skipped while one answer is awaited */
#define QMP_PATIENCE_MS 50

struct qmp {
	int fd; /* the caller's; a stream socket that blocks */
	int err;
	patience_fn *patience; /* asked whenever nothing was heard for QMP_PATIENCE_MS */
	void *ctx;
	uint32_t in_at, in_len;
	char in[QMP_MESSAGE_MAX];
};

/* These return 0 or an error that stays: -EPIPE (the other side closed), -EPROTO (it said
 * what is no answer, or more than fits), -ETIMEDOUT (patience ended), another of the
 * socket. */

/* Read the greeting and negotiate no capabilities. */
int qmp_open(struct qmp *q, int fd, patience_fn *patience, void *ctx);
/* Give a command; `arguments`: NULL or a JSON object.  *answer is what it returned, valid
 * until the next call.  -EREMOTEIO, which does not stay: it was refused, and *answer is
 * the error. */
int qmp_command(struct qmp *q, const char *command, const char *arguments, const char **answer);

/* The member of that name, of a JSON object or of one inside it: the first in the text that
 * is a name.  NULL: there is none. */
const char *qmp_member(const char *json, const char *name);
/* ... of the object itself. */
const char *qmp_own_member(const char *json, const char *name);
/* A member that is a number; false: there is none. */
bool qmp_number(const char *json, const char *name, uint64_t *value);

#endif
