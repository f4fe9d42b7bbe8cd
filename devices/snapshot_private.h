/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The transport record, taken apart: what snapshot.c (the container) and
 * snapshot_record.c share.
 */
#ifndef VRINGER_DEVICES_SNAPSHOT_PRIVATE_H
#define VRINGER_DEVICES_SNAPSHOT_PRIVATE_H

#include "device.h"
#include "snapshot.h"
#include "snapshot_codec.h"
#include "virtqueue.h"

struct snapshot_record {
	uint64_t features;
	uint32_t status, interrupt_status;
	size_t counters_at; /* byte of the input: the model's */
	struct snapshot_queue queues[SNAPSHOT_QUEUES_MAX];
};

/* The size of the transport record. */
size_t snapshot_record_size(const struct mmio *m);
void snapshot_put_record(const struct mmio *m, struct snapshot_out *out);
/* Read and check all but the cursors. */
void snapshot_get_record(const struct mmio *m, struct snapshot_in *in, struct snapshot_record *r);
/* The cursors of each queue are at most its size apart, completions aside that
 * could not be written. */
void snapshot_check_cursors(const struct mmio *m, struct snapshot_in *in,
			    const struct snapshot_record *r);
/* Half of the features, which were read at byte `at`. */
void snapshot_check_features(struct snapshot_in *in, size_t at, uint32_t status, uint64_t features,
			     uint64_t offered);
void snapshot_take_record(struct mmio *m, const struct snapshot_record *r);

#endif
