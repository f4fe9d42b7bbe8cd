/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the minimiser share: the best program so far, and how a
 * candidate is made and tried.  Not for others: see minimize.h.
 */
#ifndef VRINGER_HARNESS_MINIMIZE_INTERNAL_H
#define VRINGER_HARNESS_MINIMIZE_INTERNAL_H

#include "harness/minimize/minimize.h"

#define MINIMIZE_TRIED_SIZE (1u << 16) /* a power of two, well above the candidates */

struct minimizer {
	const struct minimize_options *options;
	struct minimize_result *result;
	/* Of minimize_program; else NULL, and a child runs the candidate. */
	minimize_keeps_fn *keeps;
	void *ctx;
	unsigned max; /* candidates */
	struct child_job job;
	struct script *script; /* its program is the candidate */
	struct program best;   /* the finding stays in this one */
	struct program saved;  /* for trials that may be taken back */

	struct finding wanted;
	size_t core; /* bytes of its signature before the operation */
	bool loose;  /* whichever operation is in flight */

	const char *phase;
	bool changed; /* a candidate was kept */
	struct child_result outcome;
	char report[CHILD_REPORT_MAX];
	uint64_t tried[MINIMIZE_TRIED_SIZE]; /* hashes of programs; 0: free */
};

/* Say what is tried from now on. */
void minimize_phase(struct minimizer *m, const char *phase);
/* Is there nothing more to be tried: an interrupt, too many candidates? */
bool minimize_over(const struct minimizer *m);
/* A new candidate, the best so far, for the caller to change. */
struct program *minimize_candidate(struct minimizer *m);
/* Run the candidate, unless it was before; true if it is the best from now on. */
bool minimize_try(struct minimizer *m);
/* `from`, its used part: much less than the whole structure. */
void minimize_copy(struct program *to, const struct program *from);

/* minimize_ops.c */
void minimize_ops(struct minimizer *m);
void minimize_repeats(struct minimizer *m);
/* Nothing after the operation of that index. */
void minimize_end(struct minimizer *m, uint32_t index);

/* minimize_fields.c */
void minimize_fields(struct minimizer *m);
void minimize_header(struct minimizer *m);

/* minimize_payload.c */
void minimize_payloads(struct minimizer *m);

/* minimize_number.c: bring a number down; `set` tries one and says if it was kept. */
struct minimize_place {
	uint32_t op;
	unsigned field; /* or the byte of a payload, the queue of a header */
	uint8_t base;	/* of an address */
	bool negative;	/* the number is a magnitude */
};

typedef bool minimize_set_fn(struct minimizer *m, const struct minimize_place *place,
			     uint64_t value);

/* `min` and what follows it, powers of two, then the smallest that is kept by halving. */
void minimize_number(struct minimizer *m, minimize_set_fn *set, const struct minimize_place *place,
		     uint64_t value, uint64_t min);
/* 0, then bit by bit. */
void minimize_bits(struct minimizer *m, minimize_set_fn *set, const struct minimize_place *place,
		   uint64_t value);
/* Does that candidate have its operation's field so, and is it tried and kept? */
bool minimize_set_field(struct minimizer *m, const struct minimize_place *place, uint64_t value);

#endif
