/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's side while a device is served: what ports give is typed into them again, and
 * lines of a script, as they come, are what the host does besides.
 */
#ifndef VRINGER_HARNESS_SERVE_HOST_H
#define VRINGER_HARNESS_SERVE_HOST_H

#include "harness/program/text.h"
#include "harness/serve/step.h"

#define HOST_LINE_MAX 8192u

/* Lines from a descriptor. */
struct host_lines {
	int fd; /* -1: there are none, or no more */
	size_t len;
	char text[HOST_LINE_MAX];
	struct script *script; /* that a line is parsed into */
};

int host_lines_open(struct host_lines *lines, int fd);
void host_lines_close(struct host_lines *lines);
/* Read what is there, and do what whole lines say.  What is no operation of the host's is
 * refused, with one line on stderr. */
void host_lines_run(struct host_lines *lines, struct steps *steps);

/* Type into each port what it gives.  `lost`: bytes of frames that are too long for that are
 * added. */
void host_echo(struct steps *steps, uint64_t *lost);

/* A snapshot, and a new device from it; false: the session is over. */
bool host_swap(struct steps *steps);

#endif
