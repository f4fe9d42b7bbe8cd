/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Fewer operations, and repeats that run less.  See minimize_internal.h.
 *
 * Repeats need no care of their own when operations go: a body is as long as
 * what is left of it, and one whose repeat went is run once.
 */
#include "harness/minimize/minimize_internal.h"

#include <stddef.h>
#include <string.h>

#define PAIRS_MAX 24u /* operations, of which every two are left out together */

/* Append operation `index` of `from`, payload and all; false if it does not fit. */
static bool append(struct program *to, const struct program *from, uint32_t index)
{
	const struct op *op = &from->ops[index];
	struct op *copy = program_add(to, op->code);

	if (copy == NULL)
		return false;
	memcpy(copy->base, op->base, sizeof(copy->base));
	memcpy(copy->value, op->value, sizeof(copy->value));
	if (op->code != OP_REPEAT)
		return program_add_data(to, from->data + op->data_off, op->data_len);
	copy->data_len = op->data_len;
	return true;
}

static void clear_ops(struct program *prog)
{
	prog->op_count = 0;
	prog->data_len = 0;
}

/* Try the best program without the operations marked. */
static bool try_without(struct minimizer *m, const bool *gone)
{
	struct program *next = minimize_candidate(m);

	clear_ops(next);
	for (uint32_t i = 0; i < m->best.op_count; i++) {
		const struct op *op = &m->best.ops[i];

		if (gone[i])
			continue;
		append(next, &m->best, i);
		for (uint32_t b = i + 1; op->code == OP_REPEAT && b <= i + op->data_len; b++)
			next->ops[next->op_count - 1].data_len -= gone[b];
	}
	return minimize_try(m);
}

static bool try_without_range(struct minimizer *m, uint32_t first, uint32_t end)
{
	bool gone[PROGRAM_OPS_MAX] = { false };

	for (uint32_t i = first; i < end; i++)
		gone[i] = true;
	return try_without(m, gone);
}

void minimize_end(struct minimizer *m, uint32_t index)
{
	minimize_phase(m, "operations");
	if (index + 1 < m->best.op_count)
		try_without_range(m, index + 1, m->best.op_count);
}

/* Leave out so many operations at a time, from the end on: what comes last
 * stands on what comes first, not the other way round. */
static bool sweep(struct minimizer *m, uint32_t size)
{
	uint32_t at = m->best.op_count;
	bool changed = false;

	while (at > 0 && !minimize_over(m)) {
		uint32_t first = at > size ? at - size : 0;

		if (try_without_range(m, first, at))
			changed = true;
		at = first;
	}
	return changed;
}

static void delete_chunks(struct minimizer *m)
{
	for (uint32_t size = m->best.op_count; size > 1; size = (size + 1) / 2)
		sweep(m, size);
	while (sweep(m, 1))
		;
}

/* Two that undo each other go together or not at all. */
static bool delete_pair(struct minimizer *m)
{
	uint32_t count = m->best.op_count;

	for (uint32_t a = 0; count <= PAIRS_MAX && a < count; a++) {
		for (uint32_t b = a + 1; b < count && !minimize_over(m); b++) {
			bool gone[PROGRAM_OPS_MAX] = { false };

			gone[a] = gone[b] = true;
			if (try_without(m, gone))
				return true;
		}
	}
	return false;
}

void minimize_ops(struct minimizer *m)
{
	minimize_phase(m, "operations");
	do
		delete_chunks(m);
	while (delete_pair(m));
}

/* A repeat with all of its body. */
static bool delete_repeat(struct minimizer *m, uint32_t at)
{
	return try_without_range(m, at, at + 1 + m->best.ops[at].data_len);
}

/* Operations run from `first` to `end`, if the budget allows; a large number
 * stands for all that are larger. */
static uint64_t executed(const struct program *prog, uint32_t first, uint32_t end)
{
	uint64_t sum = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct op *op = &prog->ops[i];

		sum++;
		if (op->code != OP_REPEAT)
			continue;
		sum += op->value[REPEAT_TIMES] * executed(prog, i + 1, i + 1 + op->data_len);
		i += op->data_len;
		if (sum > UINT32_MAX)
			return UINT32_MAX;
	}
	return sum;
}

/* The body of the repeat at `at` once in front of it, which runs one time less;
 * of two times nothing is left but the body, twice. */
static bool try_unrolled(struct minimizer *m, uint32_t at)
{
	const struct op *repeat = &m->best.ops[at];
	uint32_t end = at + 1 + repeat->data_len;
	uint32_t first = repeat->value[REPEAT_TIMES] > 2 ? at : at + 1;
	struct program *next = minimize_candidate(m);
	bool fits = true;

	clear_ops(next);
	for (uint32_t i = 0; i < at; i++) {
		fits = fits && append(next, &m->best, i);
		if (fits && next->ops[i].code == OP_REPEAT && i + next->ops[i].data_len >= at)
			next->ops[i].data_len += (uint16_t)(end - first - 1);
	}
	for (uint32_t i = at + 1; i < end; i++)
		fits = fits && append(next, &m->best, i);
	for (uint32_t i = first; i < m->best.op_count; i++) {
		fits = fits && append(next, &m->best, i);
		if (fits && i == at)
			next->ops[next->op_count - 1].value[REPEAT_TIMES]--;
	}
	return fits && minimize_try(m);
}

static void reduce_times(struct minimizer *m, uint32_t at)
{
	const struct minimize_place place = { .op = at };

	minimize_number(m, minimize_set_field, &place, m->best.ops[at].value[REPEAT_TIMES], 1);
}

/* The first operation of the body in front of its repeat, or the last behind:
 * as many operations, run once. */
static bool try_narrower(struct minimizer *m, uint32_t at, bool front)
{
	struct program *next = minimize_candidate(m);
	struct op *repeat = &next->ops[at];

	if (repeat->data_len < 2 || (front && repeat[1].code == OP_REPEAT))
		return false;
	repeat->data_len--;
	if (front) {
		struct op moved = repeat[1];

		repeat[1] = repeat[0];
		repeat[0] = moved;
	}
	program_reduce(next);
	return minimize_try(m);
}

/* Where the repeat is then. */
static uint32_t narrow(struct minimizer *m, uint32_t at)
{
	while (try_narrower(m, at, true))
		at++;
	while (try_narrower(m, at, false))
		;
	return at;
}

/* The first time round may need other operations than those that follow: worth
 * it if there are fewer, or as many that run less often. */
static void unroll(struct minimizer *m, uint32_t at)
{
	const struct finding finding = m->result->finding;
	uint64_t ran;

	if (m->best.ops[at].value[REPEAT_TIMES] < 2)
		return;
	minimize_copy(&m->saved, &m->best);
	if (!try_unrolled(m, at))
		return;
	delete_chunks(m);
	for (uint32_t i = m->best.op_count; i-- > 0;)
		if (m->best.ops[i].code == OP_REPEAT)
			reduce_times(m, i);
	ran = executed(&m->saved, 0, m->saved.op_count);
	if (m->best.op_count < m->saved.op_count || (m->best.op_count == m->saved.op_count &&
						     executed(&m->best, 0, m->best.op_count) < ran))
		return;
	minimize_copy(&m->best, &m->saved);
	m->result->finding = finding;
}

void minimize_repeats(struct minimizer *m)
{
	minimize_phase(m, "repeats");
	for (uint32_t i = m->best.op_count; i-- > 0 && !minimize_over(m);) {
		/* What was tried may have left fewer. */
		if (i >= m->best.op_count || m->best.ops[i].code != OP_REPEAT ||
		    delete_repeat(m, i))
			continue;
		reduce_times(m, i);
		unroll(m, narrow(m, i));
	}
}
