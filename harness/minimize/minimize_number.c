/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bring one number closer to its default.  See minimize_internal.h.
 *
 * What is tried is smaller than what is there, always: so the rounds of the
 * minimiser come to an end.
 */
#include "harness/minimize/minimize_internal.h"

#define SMALL 8u /* so many numbers from the least on are tried one by one */

/* The smallest that is kept between one that is not and one that is, if all
 * above a threshold are. */
static void halve(struct minimizer *m, minimize_set_fn *set, const struct minimize_place *place,
		  uint64_t bad, uint64_t good)
{
	while (good - bad > 1) {
		uint64_t middle = bad + (good - bad) / 2;

		if (set(m, place, middle))
			good = middle;
		else
			bad = middle;
	}
}

/* What is tried after `at`; 0: nothing, there is no larger power of two. */
static uint64_t step(uint64_t at, uint64_t min)
{
	uint64_t power = 1;

	if (at - min < SMALL)
		return at + 1;
	while (power != 0 && power <= at)
		power <<= 1;
	return power;
}

void minimize_number(struct minimizer *m, minimize_set_fn *set, const struct minimize_place *place,
		     uint64_t value, uint64_t min)
{
	uint64_t bad = min;

	if (value <= min || set(m, place, min))
		return;
	for (uint64_t next = min + 1; next != 0 && next < value; next = step(next, min)) {
		if (set(m, place, next)) {
			value = next;
			break;
		}
		bad = next;
	}
	halve(m, set, place, bad, value);
}

void minimize_bits(struct minimizer *m, minimize_set_fn *set, const struct minimize_place *place,
		   uint64_t value)
{
	if (value == 0 || set(m, place, 0))
		return;
	for (uint64_t bit = 1ULL << 63; bit != 0; bit >>= 1)
		if ((value & bit) != 0 && value != bit && set(m, place, value & ~bit))
			value &= ~bit;
}
