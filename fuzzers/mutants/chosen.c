/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutant that a fuzzing binary has: the one that VRINGER_MUTANT names by its number.
 */
#include "select.h"

#include <stdlib.h>

unsigned vringer_mutant;
unsigned char vringer_reached[MUTANTS_MAX];

static void choose(void) __attribute__((constructor));

static void choose(void)
{
	const char *number = getenv("VRINGER_MUTANT");

	if (number != NULL)
		vringer_mutant = (unsigned)strtoul(number, NULL, 10);
}
