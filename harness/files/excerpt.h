/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What another process writes to a pipe: its beginning and its end are kept, as far as
 * there is room.
 */
#ifndef VRINGER_HARNESS_EXCERPT_H
#define VRINGER_HARNESS_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first and the last that was written to a pipe; the middle is left out. */
struct excerpt {
	int fd;	      /* the end to read from; -1: closed */
	char *bytes;  /* room for `size`; NULL: nothing is kept */
	size_t size;  /* more than 2 * EXCERPT_NOTE */
	uint64_t len; /* written so far */
};

#define EXCERPT_NOTE 64 /* bytes of the line that says how much is left out */

/* Take what is there, at most a pipe's worth; false if there is nothing, now or
 * ever.  It calls only what a signal handler may. */
bool excerpt_take(struct excerpt *text);
/* Make bytes[] a string: control characters are '?', but for tabs and newlines. */
void excerpt_end(struct excerpt *text);

#endif
