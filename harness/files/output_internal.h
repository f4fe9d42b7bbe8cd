/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the two halves of output.h share: output.c (writing) and output_plan.c (looking
 * at places before anything is written).
 */
#ifndef VRINGER_HARNESS_OUTPUT_INTERNAL_H
#define VRINGER_HARNESS_OUTPUT_INTERNAL_H

#include "harness/files/output.h"

/* A pipe that was asked for by name: opened before the work, since whoever reads it
 * takes a second opening for another text. */
struct output_held {
	struct file_id id;
	int fd; /* -1: none */
};
extern struct output_held output_held;

/* One line on stderr: why `path` cannot be written.  `err`. */
int output_fail(const char *path, int err);
/* Links followed, also one that leads to where nothing is yet; to be freed.  NULL if
 * there is no memory, or if they lead in a circle. */
char *output_resolve(const char *path);
/* A new file in the folder, locked: its descriptor, with its path to be freed; or
 * negative errno. */
int output_make_temporary(const char *folder, char **path);
/* Takes both.  0, or negative errno. */
int output_drop_temporary(int fd, char *path);

#endif
