/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read the inputs of a command: files, pipes, standard input.  A signal ends any wait.
 */
#ifndef VRINGER_HARNESS_INPUT_H
#define VRINGER_HARNESS_INPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define INPUT_SIZE_MAX (4u << 20)

/* Read a file or, for "-", standard input (only once) into new memory, which the caller
 * frees, with a NUL behind it.  Waits for a pipe until input_stop is set.  On failure
 * NULL after one line on stderr (no line if a signal ended it). */
char *input_read(const char *path, size_t *len);
/* ... that may be as large as `most`, and is not a guest program. */
char *input_read_large(const char *path, size_t most, size_t *len);

/* What a signal handler sets; NULL: no signal is caught.  Waiting ends with it. */
extern const volatile sig_atomic_t *input_stop;
/* Wait for POLLIN or POLLOUT of a descriptor: 0, or -EINTR. */
int input_wait(int fd, short events);
/* What stat() says of something that is no file: "a FIFO", say. */
const char *input_kind(mode_t mode);
/* Is it a script, by its name? */
bool input_is_script(const char *path);
/* The name of a path in messages: "-" is "(standard input)". */
const char *input_name(const char *path);

#endif
