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

#include "harness/program/text.h"
#include "harness/target/target.h"

#include <signal.h>
#include <sys/types.h>

#define INPUT_SIZE_MAX (4u << 20)

/* Read a file or, for "-", standard input, which can be had once, into fresh
 * memory, the caller's to free, with a NUL behind it.  A pipe is waited for, unless
 * input_stop says otherwise.  On failure NULL, and one line on stderr (none where a
 * signal ended it). */
char *input_read(const char *path, size_t *len);

/* What a signal handler sets; NULL: no signal is caught.  Waiting ends with it. */
extern const volatile sig_atomic_t *input_stop;
/* Wait for POLLIN or POLLOUT of a descriptor: 0, or -EINTR. */
int input_wait(int fd, short events);
/* What stat() says of something that is no file: "a FIFO", say. */
const char *input_kind(mode_t mode);
/* How a path is called in what people read: "-" is "(standard input)". */
const char *input_name(const char *path);

/* Decode or parse what was read from `path`.  `target` names the target of a
 * body without magic, and stands for "any"; NULL: the only one there is, or an
 * error.  0, or -EINVAL after one line on stderr. */
int input_decode(struct script *script, const char *path, const char *data, size_t len,
		 const char *target);

/* Both of the above: 0, or -EINVAL after one line on stderr.  *text (may be
 * NULL): it was a script. */
int input_load(struct script *script, const char *path, const char *target, bool *text);

/* Parse what was read from `path` as a script: anything else is an error. */
int input_decode_script(struct script *script, const char *path, const char *data, size_t len);

/* The target that a program is for; `name` stands for "any"; NULL: the only one
 * there is, or the one that a folder of `path` is named after.  NULL after one
 * line on stderr, which names the place in a script where an unknown one stands. */
const struct target *input_target(const struct script *script, const char *path, const char *name);

#endif
