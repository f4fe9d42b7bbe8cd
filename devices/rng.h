/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device: the driver asks for random bytes, the host gives what it has.
 *
 *   host --- rng_give ---> bytes, at most RNG_HELD_MAX ---> chains of requestq
 *
 * A chain gets as many bytes as it has room for, or those that are there: one at least, so one
 * that finds none waits, and the device is DEVICE_WAITING until the host gives some.  No byte is
 * given to two chains that were returned.  A device that is suspended keeps the chain that waits:
 * whether the host gives bytes at all nobody knows, so that the wait which VIRTIO 3.4.2 asks for
 * could have no end.
 *
 * What it refuses: a chain with a device-readable, torn or wrapping part, or without a byte
 * to write to, comes back at once with length 0, and is counted.  So is one whose first byte
 * cannot be written; behind that one it ends where it cannot be written.  A reset throws away
 * what the host gave: it is for a driver that is gone.
 *
 * This device makes no random numbers: whether what the host gives is random is the host's affair.
 *
 * VIRTIO 1.4, 5.4.
 */
#ifndef VRINGER_DEVICES_RNG_H
#define VRINGER_DEVICES_RNG_H

#include "device.h"

enum rng_queue { RNG_REQUESTS, RNG_QUEUE_COUNT };

#define RNG_QUEUE_SIZE_MAX 128
#define RNG_HELD_MAX 16384u /* bytes of the host that wait for a chain */

extern const struct device_ops rng_ops;

/* The host has random bytes: the number that was accepted, from the first on, which is less than
 * `len` where RNG_HELD_MAX wait.  A chain that waited gets them at once.  `dev` is an instance of
 * rng_ops and in no other call. */
uint32_t rng_give(struct device *dev, const void *data, uint32_t len);

#endif
