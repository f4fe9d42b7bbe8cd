/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The table of kinds of devices.  See kinds.h.
 */
#include "harness/peers/kind.h"

#include <stddef.h>
#include <string.h>

const struct kind *const kinds[] = { &kind_rng, &kind_blk, &kind_net, &kind_fs, NULL };

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; kinds[i] != NULL; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}
