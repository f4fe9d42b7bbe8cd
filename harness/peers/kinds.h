/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that VIRTIO chapter 5 defines, as a peer offers them: what every block device
 * has in common, whoever wrote it.  A peer's entry names a kind and says how it differs.
 * Nothing here is about one implementation.
 */
#ifndef VRINGER_HARNESS_KINDS_H
#define VRINGER_HARNESS_KINDS_H

#include "harness/target/vringer.h"

struct kind {
	const char *name; /* "blk": letters, digits */
	uint32_t device_id;
	uint32_t queue_count;
	const struct vringer_queue *queues; /* size_max: the largest that VIRTIO allows */
	const struct vringer_queue_need *queue_needs;
	uint64_t features;	  /* all that VIRTIO defines for the kind, without those of 6 */
	uint64_t features_always; /* of these, the ones that say what a device is (vringer.h) */
	uint32_t config_len;
	const struct vringer_field *fields;
	const struct vringer_request *requests;
};

/* NULL: there is no such kind. */
const struct kind *kind_find(const char *name);
/* Ended by NULL. */
extern const struct kind *const kinds[];

#endif
