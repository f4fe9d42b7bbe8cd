/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An entropy device's registers as virtio-mmio has them (VIRTIO 1.4, 4.2.2), from the
 * standard's text.
 */
#ifndef PEER_MMIO_H
#define PEER_MMIO_H

#include "ring.h"

/* What is wrong with it, on top of the habits of its ring. */
enum mmio_fault {
	MMIO_WRONG_MAGIC,
	MMIO_LEGACY,	   /* version 1 */
	MMIO_NO_DEVICE,	   /* device id 0 */
	MMIO_OTHER_DEVICE, /* one that was not asked for */
	MMIO_STAYS,	   /* a write of 0 to Status does not reset it */
	MMIO_EARLY,	   /* serves its queue before DRIVER_OK */
	MMIO_AGREES,	   /* keeps FEATURES_OK with features that it did not offer */
	MMIO_STRAYS,	   /* writes to guest address 0 */
	MMIO_FAULTS
};

struct mmio {
	struct ring ring;
	bool faults[MMIO_FAULTS];
	bool later; /* what is taken is returned by mmio_go_on */

	uint32_t features_sel, driver_sel, queue_sel, shm_sel;
	uint64_t driver_features;
	uint32_t status, interrupts;
	uint32_t queue_num, queue_ready;
	uint64_t addresses[3]; /* descriptors, available ring, used ring */
};

bool mmio_fault(struct mmio *d, const char *name);
void mmio_help(void);
void mmio_start(struct mmio *d);
/* As when the machine is switched on. */
void mmio_reset(struct mmio *d);
uint32_t mmio_read(struct mmio *d, uint64_t offset);
void mmio_write(struct mmio *d, uint64_t offset, uint32_t value);
void mmio_go_on(struct mmio *d);

#endif
