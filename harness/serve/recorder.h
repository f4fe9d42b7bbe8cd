/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write a live session down as guest programs that replay.
 *
 * Every operation of the session is given to the recorder, and every used entry that the
 * session takes: the entry becomes a `> used` line, which takes it when the program is
 * replayed, in place of the `take`.  A session is longer than a program may be, so that it
 * becomes several, FILE.vr, FILE-2.vr, ...  Each starts from a device that is set up as the
 * session had it: the driver's steps since the last reset, what the host wants, the
 * dialogue that the target declares (control messages of a console, FUSE_INIT), and the
 * chains that were outstanding, published again.
 *
 * What is not as it was, and said in the file: of a chain with more than RECORDER_PAYLOAD_MAX
 * bytes of its own, or RECORDER_PAYLOAD_LEAST where the program is no longer empty, and of
 * what the host types, the rest stands as a pattern of the same length.  Numbers of pages
 * are kept.  Of reads of the configuration in a row, the same one stands once.
 *
 * When the session is over, each program is replayed in a child process.  It is kept if it
 * shows the same used entries and the same verdict; if not, the first difference is told and
 * it is not kept.
 *
 * Not here: what becomes an operation (shadow.h), and how it is run (run/live.h).
 */
#ifndef VRINGER_HARNESS_SERVE_RECORDER_H
#define VRINGER_HARNESS_SERVE_RECORDER_H

#include "harness/run/run.h"

#define RECORDER_PROGRAMS 16u	    /* of a session, unless the options say otherwise */
#define RECORDER_PROGRAMS_MAX 999u  /* whatever they say */
#define RECORDER_PAYLOAD_MAX 2048u  /* bytes of a chain that are kept as they are */
#define RECORDER_PAYLOAD_LEAST 128u /* ... at least */
#define RECORDER_LINE_MAX 512u	    /* bytes of a line that is told, NUL included */

struct recorder;

struct recorder_options {
	const char *path;	/* of the first program; "-2" and so on stand before its ".vr" */
	const char *note;	/* from which driver; one line, or NULL */
	unsigned max;		/* programs, at most RECORDER_PROGRAMS_MAX; 0: RECORDER_PROGRAMS */
	struct judging judging; /* as the session's */
	const struct transport *transport;
	/* Gets one line without a newline for each thing that a user has to know; NULL:
	 * standard error gets it. */
	void (*tell)(void *ctx, const char *line);
	void *ctx;
};

struct recorder_result {
	unsigned kept;	  /* programs that were written */
	unsigned differs; /* ... that were not, since their replay is another */
	unsigned found;	  /* ... that were, and break a rule that the session did not */
	bool full;	  /* the session went on unrecorded */
};

/* Record the sessions of `run`, whose offers are those of `header`.  `run`, and what
 * `options` points to, stay the caller's and are used until recorder_close.  0, or -ENOMEM.
 */
int recorder_open(struct recorder **r, struct run *run, const struct program *header,
		  const struct recorder_options *options);

/* The session's next operation, before live_op runs it.  Its payload is in `prog`. */
void recorder_op(struct recorder *r, const struct program *prog, const struct op *op);

/* The `take` that was run last took this entry; in order, once for each. */
void recorder_used(struct recorder *r, unsigned queue, uint32_t id, uint32_t len);

/* After live_end: replay and write the programs, and free the recorder (NULL: nothing is
 * done).  The session's findings are those of its run.  0, or the negative errno of what
 * could not be written or replayed, which was told. */
int recorder_close(struct recorder *r, struct recorder_result *result);

/* The device ends this process: write down what there is, not replayed.  From recorder_open
 * to recorder_close, where the process ends by a fault, a sanitizer's report or exit(), this
 * is called by itself. */
void recorder_rescue(struct recorder *r);

#endif
