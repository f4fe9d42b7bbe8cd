/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Shrink a guest program to what its finding needs: fewer operations, shorter
 * payloads, fields at their defaults.
 *
 * Each candidate runs in a child (child.h) and is kept if its finding has the same
 * signature.  If two runs of the input itself differ only in the operation at the end of
 * the signature (as a hang may), that part is ignored.  An input whose signature is less
 * stable is refused.
 *
 * There is no randomness: for a device that has none, the same input gives the
 * same result.  The result is minimal in this sense: no operation, no pair of
 * operations (of few), no byte of a payload can be left out, and no field be
 * brought closer to its default, alone, with the finding staying what it is.
 *
 * `>` lines are not checked: only findings count here.
 *
 * minimize_program shrinks a program in the same way to what its caller asks of it.
 */
#ifndef VRINGER_HARNESS_MINIMIZE_H
#define VRINGER_HARNESS_MINIMIZE_H

#include "harness/run/child.h"

#include <signal.h>
#include <stdio.h>

#define MINIMIZE_SECONDS 2	      /* a candidate's, then it is a hang */
#define MINIMIZE_CANDIDATES_MAX 20000 /* about a minute of crashes */

struct minimize_progress {
	const char *phase;
	unsigned candidates;	    /* run so far */
	const struct program *best; /* the smallest so far */
};

struct minimize_options {
	const struct target *target;
	const struct transport *transport; /* NULL: the first of transport_all */
	struct judging judging;
	/* Until a device hangs; 0: CHILD_SECONDS for the input, then
	 * MINIMIZE_SECONDS, and if the input was no hang 3 seconds more, or more
	 * if it took long. */
	unsigned seconds;
	/* Set by a signal handler, say: end, with the best so far.  May be NULL. */
	const volatile sig_atomic_t *stop;
	/* Called before each phase and after each candidate.  May be NULL. */
	void (*progress)(void *ctx, const struct minimize_progress *progress);
	void *ctx;
};

struct minimize_result {
	struct finding finding;	   /* of the smallest program */
	struct finding other;	   /* -ESTALE: what the second run found, if anything */
	struct child_result input; /* what the input showed, all of it */
	unsigned candidates;	   /* run */
	/* 0: nothing was left to try; -EINTR: `stop` was set; -ENOSPC:
	 * MINIMIZE_CANDIDATES_MAX; else why there was no child to be had. */
	int ended;
	struct child_result last; /* then: of that run, for child_explain */
};

/* Shrink script->prog; annotations that are not names of slots still used are
 * dropped, and the target's name takes the place of "any".  0, or
 *   -ENOENT  it shows no finding;
 *   -ESTALE  another one each time it is run;
 *   -EINTR   `stop` was set before the finding was known;
 *   another negative errno if there is no memory or no child to be had. */
int minimize_script(struct script *script, const struct minimize_options *options,
		    struct minimize_result *result);

/* Does this program still do what is wanted of it? */
typedef bool minimize_keeps_fn(void *ctx, const struct program *prog);

/* Shrink a program to what `keeps` asks of it, which it asks in this process, of at most
 * `max` candidates (no more than MINIMIZE_CANDIDATES_MAX).  It holds for the program as it is
 * given.  0, or -ENOMEM. */
int minimize_program(struct program *prog, minimize_keeps_fn *keeps, void *ctx, unsigned max);

/* Print it as a regression test: the finding as a comment, and the transport where it is
 * not the one that is used by itself, then the program. */
void minimize_print(FILE *out, const struct script *script, const struct finding *finding,
		    const struct transport *transport);

#endif
