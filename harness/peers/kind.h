/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the files kind_*.c share: how a kind of device is written down.
 *
 * A request that is no hint is one that every conforming device of the kind must answer so,
 * whatever it is made of.  Its used lengths are the ones that VIRTIO allows.  A device
 * writes at least used.len bytes and may write more (VIRTIO 2.7.8.2), and a driver knows
 * nothing of those beyond (2.7.8.3).  So used_min is what the driver has to learn by the
 * length: data whose amount is the device's to say, or data that was asked for.  A status
 * byte has its place, and whether it is counted is left to the device; what it says is
 * declared as an answer all the same.
 */
#ifndef VRINGER_HARNESS_KIND_H
#define VRINGER_HARNESS_KIND_H

#include "harness/peers/kinds.h"

#define KIND_QUEUE_MAX 32768u /* entries: VIRTIO 2.7 */
#define KIND_COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define KIND_F(bit) (UINT64_C(1) << (bit))

/* A queue that the device serves when it is notified, and one where it waits for the host. */
#define KIND_ASKS(called)                                                                          \
	{                                                                                          \
		(called), KIND_QUEUE_MAX, 1, 0                                                     \
	}
#define KIND_FILLS(called)                                                                         \
	{                                                                                          \
		(called), KIND_QUEUE_MAX, 0, 0                                                     \
	}

/* The readable bytes of a request, all those of a literal. */
#define KIND_BYTES(literal) .readable = (literal), .readable_len = sizeof(literal) - 1
/* The one byte at `at` of what the device writes. */
#define KIND_BYTE(at, literal)                                                                     \
	(const struct vringer_bytes[])                                                             \
	{                                                                                          \
		{ (at), 1, (literal) },                                                            \
		{                                                                                  \
			.bytes = NULL                                                              \
		}                                                                                  \
	}
/* Bytes that mean something to a device, with room for an answer. */
#define KIND_HINT(to, literal, room)                                                               \
	{                                                                                          \
		.name = "hint", .queue = (to), .flags = VRINGER_REQUEST_HINT, KIND_BYTES(literal), \
		.writable_len = (room), .used_max = (room)                                         \
	}

extern const struct kind kind_rng, kind_blk, kind_net, kind_fs, kind_console, kind_balloon,
	kind_scsi, kind_input, kind_gpu, kind_crypto, kind_vsock, kind_i2c, kind_gpio, kind_sound,
	kind_iommu, kind_pmem;

#endif
