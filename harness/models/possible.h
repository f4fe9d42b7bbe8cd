/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a device of ours have saved this?  What several models have in their part of a
 * snapshot, read as harness/target/own_part.h reads: without the decoders in devices/, which
 * is what is checked.
 */
#ifndef VRINGER_HARNESS_POSSIBLE_H
#define VRINGER_HARNESS_POSSIBLE_H

#include "harness/target/own_part.h"

/* u32 size of a buffer, u32 start, u32 length, and the bytes (devices/fifo.h): how many bytes.
 * A buffer has at most `limit` bytes. */
uint32_t possible_fifo(struct own_part *part, uint32_t limit);

/* A chain that waits, which is all that the device has of its queue, and of which the byte
 * before says that there is one (devices/snapshot_chain.h): its bytes. */
uint64_t possible_chain(struct own_part *part, unsigned queue);

/* u32 queues that are not looked through (devices/drain.h), of a device that keeps no chain. */
void possible_drain(struct own_part *part);

#endif
