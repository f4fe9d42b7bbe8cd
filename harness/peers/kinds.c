/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The table of kinds of devices.  See kinds.h.
 */
#include "harness/peers/kind.h"

#include <stddef.h>
#include <string.h>

const struct kind *const kinds[] = { &kind_rng,	    &kind_blk,	   &kind_net,	&kind_fs,
				     &kind_console, &kind_balloon, &kind_scsi,	&kind_input,
				     &kind_gpu,	    &kind_crypto,  &kind_vsock, &kind_i2c,
				     &kind_gpio,    &kind_sound,   &kind_iommu, &kind_pmem,
				     NULL };

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; kinds[i] != NULL; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}
