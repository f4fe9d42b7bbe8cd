/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files of guest programs, in either spelling, and how they are told apart:
 *
 *   - our magic in front: binary, of the target that it names;
 *   - the name ends in ".vr", or the first word is one that starts a script:
 *     text;
 *   - anything else, whatever it is called (crash-*, leak-*, oom-*, timeout-*):
 *     a body without magic, as engines write them.
 */
#ifndef VRINGER_HARNESS_INPUT_H
#define VRINGER_HARNESS_INPUT_H

#include "harness/target.h"
#include "harness/text.h"

#define INPUT_SIZE_MAX (4u << 20)

/* Read a file or, for "-", standard input, into fresh memory, the caller's to
 * free, with a NUL behind it.  On failure NULL, and one line on stderr. */
char *input_read(const char *path, size_t *len);

/* Decode or parse what was read from `path`.  `target` names the target of a
 * body without magic, and stands for "any"; NULL: the only one there is, or an
 * error.  0, or -EINVAL after one line on stderr. */
int input_decode(struct script *script, const char *path, const char *data, size_t len,
		 const char *target);

/* Both of the above: 0, or -EINVAL after one line on stderr.  *text (may be
 * NULL): it was a script. */
int input_load(struct script *script, const char *path, const char *target, bool *text);

/* The same for a script: anything else is an error. */
int input_load_script(struct script *script, const char *path);

/* The target that a program is for; `name` stands for "any"; NULL: the only one
 * there is, or the one that a folder of `path` is named after.  NULL after one
 * line on stderr. */
const struct target *input_target(const struct program *prog, const char *path, const char *name);

/* Write a file whole or not at all: beside it first, then renamed.  "-" is
 * standard output.  0, or negative errno after one line on stderr. */
int output_write(const char *path, const void *data, size_t len);
/* Would writing `output` lose `input`?  Then one line on stderr. */
bool output_is_input(const char *output, const char *input);

#endif
