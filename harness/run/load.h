/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest programs out of files, in either spelling, and how they are told apart:
 *
 *   - our magic in front: binary, of the target that it names;
 *   - the name ends in ".vr", or the first word is one that starts a script:
 *     text;
 *   - anything else, whatever it is called (crash-*, leak-*, oom-*, timeout-*):
 *     a body without magic, as engines write them.
 */
#ifndef VRINGER_HARNESS_LOAD_H
#define VRINGER_HARNESS_LOAD_H

#include "harness/guest/transport.h"
#include "harness/program/text.h"
#include "harness/target/target.h"

/* Decode or parse what was read from `path`.  `target` names the target of a
 * body without magic, and stands for "any"; NULL: the only one there is, or an
 * error.  0, or -EINVAL after one line on stderr. */
int load_decode(struct script *script, const char *path, const char *data, size_t len,
		const char *target);

/* Read and decode: 0, or -EINVAL after one line on stderr.  *text (may be
 * NULL): it was a script. */
int load_program(struct script *script, const char *path, const char *target, bool *text);

/* Parse what was read from `path` as a script: anything else is an error. */
int load_decode_script(struct script *script, const char *path, const char *data, size_t len);

/* The target that a program is for; `name` stands for "any"; NULL: the only one
 * there is, or the one that a folder of `path` is named after.  NULL after one
 * line on stderr, which names the place in a script where an unknown one stands. */
const struct target *load_target(const struct script *script, const char *path, const char *name);

/* Can it be run on the target by that transport (NULL: the one that is used by
 * itself)?  0, or -EINVAL after one line on stderr. */
int load_fits(const struct script *script, const char *path, const struct target *target,
	      const struct transport *transport);

#endif
