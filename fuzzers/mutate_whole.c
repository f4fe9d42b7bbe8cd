/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A program as a whole: made from nothing, and kept short.  See mutate_internal.h.
 *
 * Most bugs need few operations that fit.  A new program of few is run in the time that one
 * of many takes to begin, and has what no program in the corpus leads to; what an input
 * repeats it has covered the first times.  Neither is a limit: now and then a program may be
 * as long as it likes and repeat as often.
 */
#include "fuzzers/mutate_internal.h"

#include <string.h>

#define STEPS_MAX 24u /* of a new program; a step is an operation, or some that belong together */
#define OPS_SHORT 48u
#define LONG_ONE_IN 4u
#define TIMES_SHORT 4u
#define OFTEN_ONE_IN 4u

bool mutate_fresh(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t steps = 1 + random_below(m, STEPS_MAX);

	edit_cut(prog, 0, prog->op_count);
	prog->data_len = 0;
	prog->features = prog->features_high = ~0ULL;
	memset(prog->queue_max, 0, sizeof(prog->queue_max));
	while (steps-- > 0)
		mutate_insert(m, prog, other);
	if (random_chance(m, 4))
		mutate_nudge(m, prog, other);
	return true;
}

/* Without a run of operations somewhere in it. */
static void cut_short(struct mutator *m, struct program *prog)
{
	uint32_t over;

	if (prog->op_count <= OPS_SHORT || random_chance(m, LONG_ONE_IN))
		return;
	over = prog->op_count - OPS_SHORT;
	edit_cut(prog, random_below(m, prog->op_count - over + 1), over);
}

static void repeat_less(struct mutator *m, struct program *prog)
{
	if (random_chance(m, OFTEN_ONE_IN))
		return;
	for (uint32_t i = 0; i < prog->op_count; i++) {
		struct op *op = &prog->ops[i];

		if (op->code == OP_REPEAT && op->value[REPEAT_TIMES] > TIMES_SHORT)
			op->value[REPEAT_TIMES] = 2 + random_below(m, TIMES_SHORT - 1);
	}
}

void edit_shorten(struct mutator *m, struct program *prog)
{
	cut_short(m, prog);
	repeat_less(m, prog);
	edit_settle(m, prog);
}
