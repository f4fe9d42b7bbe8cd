/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Snapshots: a device as bytes, and a new device that carries on from them.
 *
 * The transport record, little-endian, without padding; 82 bytes for two queues:
 *
 *   0   u32 driver features 0 to 31       per queue, 31 bytes:
 *   4   u32 driver features 32 to 63        0   u16 size
 *   8   u32 status                          2   u8  ready
 *   12  u32 interrupt status                3   u64 descriptor table
 *   16  u32 number of queues                11  u64 available ring
 *   20  the queues                          19  u64 used ring
 *                                           27  u16 next available entry
 *                                           29  u16 next used entry
 *
 * The container around it, with what the record has no place for:
 *
 *   "VRSS" u16 version (1) u16 0  u32 device id
 *   u32 length of the record, the record
 *   u32 selectors: device features, driver features, queue, shared memory
 *   u32 configuration generation
 *   u8 a change of the configuration is to be told of when the device resumes, where
 *     VIRTIO_F_SUSPEND was accepted
 *   per queue: u8 0, 1: poisoned, or 2: reset alone and not ready since, u16 completions that
 *     could not be written, and where RING_PACKED was accepted u16 next entry to look at, u16
 *     next entry to use, each with its wrap counter in bit 15
 *   u32 number of counters, u64 each
 *   u64 driver features 64 to 127, of a device that has some
 *   u32 length of the model's part, that part
 *
 * Restore trusts nothing: every field is checked before anything is changed, and
 * an error says what is wrong, and at which byte of the input.  What a snapshot
 * cannot say, since it would be another device, is what is offered and how large
 * queues may be: those are the new device's.
 *
 * A queue that is ready with a ring that passes 2^64 can be saved and not
 * restored.  Pending interrupts are in the record; nothing is raised again.
 */
#ifndef VRINGER_DEVICES_SNAPSHOT_H
#define VRINGER_DEVICES_SNAPSHOT_H

#include "mmio.h"

/* A device that is saved and restored has at most so many queues. */
#define SNAPSHOT_QUEUES_MAX 64

struct snapshot_error {
	size_t at;	  /* byte of the input */
	const char *what; /* a constant */
};

/* Save; `out` has room for `room` bytes and is written only if that is enough.
 * The number of bytes that the snapshot has. */
size_t snapshot_save(const struct mmio *m, void *out, size_t room);

/* Restore into a device that is new.  0; -EINVAL for what no device of this kind
 * could have saved, -EOVERFLOW for a ring that passes 2^64, with `error` filled
 * in; -ENOMEM.  On any of these the device is as it was. */
int snapshot_restore(struct mmio *m, const void *data, size_t len, struct snapshot_error *error);

#endif
