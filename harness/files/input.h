/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read what a command is given: files, pipes, standard input.  Nothing is waited for
 * longer than the user wants: a signal ends it.
 */
#ifndef VRINGER_HARNESS_INPUT_H
#define VRINGER_HARNESS_INPUT_H

#include <signal.h>
#include <stddef.h>
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

#endif
