/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write results, so that nothing that was there is lost:
 *
 *   - a file is written beside itself and renamed, so that it is whole or not at
 *     all, whatever ends the process; a link is followed and stays a link, modes
 *     stay, and a file with several hard links keeps them;
 *   - an output that is also an input, or another output, is recognised by device and
 *     inode and refused before any work;
 *   - a place that cannot be written is refused before any work too;
 *   - what a killed command left beside a file (".vringer-*.tmp", which its
 *     writer holds a lock on) is swept by the next that writes to that folder.
 *
 * A terminal, a pipe or a device is written as it is.
 */
#ifndef VRINGER_HARNESS_OUTPUT_H
#define VRINGER_HARNESS_OUTPUT_H

#include "harness/files/fileset.h"

#include <signal.h>
#include <stdio.h>

/* The inputs and outputs of a command. */
struct output_plan {
	struct file_set inputs, outputs;
};

/* "-" is standard input.  What cannot be looked at is left to who reads it.  0,
 * or -ENOMEM after one line on stderr. */
int output_plan_input(struct output_plan *plan, const char *path);
/* `path`, or "-" for standard output, is written for `input`; all inputs are in the
 * plan.  0, or negative errno after one line on stderr: it cannot be written, or is
 * an input, or is written for another input too. */
int output_plan_output(struct output_plan *plan, const char *path, const char *input);
/* The same for a place that may be written: only whether it is an input is looked at. */
int output_plan_meets(const struct output_plan *plan, const char *path);
/* A folder for results, made if it is not there.  As above. */
int output_folder(const char *path);
void output_plan_release(struct output_plan *plan);

/* For a place in a folder, which nobody named: a FIFO, a socket or a device there is
 * refused with one line on stderr, and -EINVAL. */
int output_is_file(const char *path);

/* Write all of it.  0, or negative errno after one line on stderr. */
int output_write(const char *path, const void *data, size_t len);
/* Did standard output fail, and was that told? */
bool output_stdout_failed(void);

/* A text to be written: a stream into memory, which writes to *text and *len until it is closed, so
 * both live that long.  NULL after one line on stderr. */
FILE *output_text_open(char **text, size_t *len);
/* Ends it: 0; or -ENOMEM after one line on stderr, and the text is freed. */
int output_text_close(FILE *out, char **text);

#endif
