/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Trimming by operations.  See mutate.h.
 */
#include "fuzzers/mutate_internal.h"

#include <string.h>

/* What is in use of a program: most of it is room. */
static void copy(struct program *to, const struct program *from)
{
	memcpy(to, from, offsetof(struct program, ops) + from->op_count * sizeof(from->ops[0]));
	memcpy(to->data, from->data, from->data_len);
}

unsigned trim_begin(struct trimmer *t, const char *target, const uint8_t *data, size_t size)
{
	unsigned version = 0, steps = 0;

	t->chunk = 0;
	t->at = 0;
	t->size = size;
	if (binary_decode(&t->good, data, size, target, &version) != 0 || t->good.op_count == 0)
		return 0;
	t->magic = version != 0;
	t->chunk = (t->good.op_count + 1) / 2;
	/* 2, 4, 8 ... chunks, and each may be taken out. */
	for (uint32_t chunk = t->chunk; chunk > 0; chunk /= 2)
		steps += (t->good.op_count + chunk - 1) / chunk;
	return steps;
}

/* On to smaller chunks where this size has been tried everywhere. */
static void advance(struct trimmer *t)
{
	while (t->chunk > 0 && t->at >= t->good.op_count) {
		t->chunk /= 2;
		t->at = 0;
	}
}

size_t trim_next(struct trimmer *t)
{
	for (advance(t); t->chunk > 0; advance(t)) {
		uint32_t left = t->good.op_count - t->at;
		long len;

		copy(&t->candidate, &t->good);
		edit_cut(&t->candidate, t->at, t->chunk < left ? t->chunk : left);
		program_reduce(&t->candidate);
		len = binary_encode(&t->candidate, t->bytes, sizeof(t->bytes), t->magic);
		/* What was not spelt canonically may grow. */
		if (len > 0 && (size_t)len < t->size)
			return (size_t)len;
		t->at += t->chunk;
	}
	return 0;
}

bool trim_result(struct trimmer *t, bool as_good)
{
	if (as_good && t->chunk > 0) {
		long len;

		copy(&t->good, &t->candidate);
		len = binary_encode(&t->good, t->bytes, sizeof(t->bytes), t->magic);
		t->size = len > 0 ? (size_t)len : t->size;
	} else {
		t->at += t->chunk;
	}
	advance(t);
	return t->chunk > 0;
}
