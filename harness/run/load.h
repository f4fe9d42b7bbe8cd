/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Load guest programs from files, in text or binary form.  A file is
 *
 *   - binary, for the target that it names, if it starts with the magic;
 *   - text, if its name ends in ".vr" or its first word is one that starts a script;
 *   - a body without magic, as engines write them (crash-*, leak-*, oom-*, timeout-*),
 *     in all other cases.
 */
#ifndef VRINGER_HARNESS_LOAD_H
#define VRINGER_HARNESS_LOAD_H

#include "harness/guest/transport.h"
#include "harness/program/text.h"
#include "harness/run/instance.h"
#include "harness/target/target.h"

/* Decode or parse the contents of `path`.  `target` names the target of a body without
 * magic and of a script for "any"; NULL: the only one there is, or an error.  Of a portable
 * script it is the instance of `choice` (NULL: the first).  0, or -EINVAL after one line on
 * stderr. */
int load_decode(struct script *script, const char *path, const char *data, size_t len,
		const char *target, const struct instance_choice *choice);

/* Read and decode: 0, or -EINVAL after one line on stderr. *text (may be NULL): was it
 * a script? */
int load_program(struct script *script, const char *path, const char *target, bool *text);

/* The same of one instance of a portable script; NULL: the first. */
int load_program_as(struct script *script, const char *path, const char *target,
		    const struct instance_choice *choice, bool *text);

/* Parse the contents of `path` as a script; anything else is an error.  binding: what its
 * words stand for; or NULL. */
int load_decode_script(struct script *script, const char *path, const char *data, size_t len,
		       const struct script_binding *binding);

/* The target that a program is for.  For a program for "any" it is `name` or, if that is
 * NULL, the only target there is or the one whose name a folder of `path` has.  NULL
 * after one line on stderr; for an unknown name in a script it gives line and column. */
const struct target *load_target(const struct script *script, const char *path, const char *name);

/* Can it be run on the target by that transport (NULL: the one that is used by
 * itself)?  0, or -EINVAL after one line on stderr. */
int load_fits(const struct script *script, const char *path, const struct target *target,
	      const struct transport *transport);

#endif
