/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * I2C adapters: VIRTIO 1.4, 5.15.  Behind one may be a bus of the machine's: what is demanded
 * only reads, at address 0x7f, which is reserved and nobody's.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_i2c.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

/* A driver must accept it, and a device refuse one that does not. */
#define F_ZERO_LENGTH KIND_F(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST)

static const struct vringer_queue i2c_queues[] = { KIND_ASKS("requestq") };

/* A 7-bit address is in bits 1 to 7. */
#define HEAD(address, flags) address "\0\0\0" flags "\0\0\0"
#define READ(room)                                                                                 \
	.queue = 0, .features = F_ZERO_LENGTH, KIND_BYTES(HEAD("\xfe", "\2")),                     \
	.writable_len = (room) + 1, .used_max = (room) + 1

static const struct vringer_request i2c_requests[] = {
	{ .name = "read-none", .flags = VRINGER_REQUEST_SELDOM, READ(0) },
	{ .name = "read-byte", READ(1) },
	{ .name = "read-bytes", .flags = VRINGER_REQUEST_SELDOM, READ(16) },
	/* One that fails the next, which is another's. */
	KIND_HINT(0, HEAD("\xfe", "\3"), 2),
	KIND_HINT(0, HEAD("\xfe", "\0"), 1),
	KIND_HINT(0, HEAD("\xfe", "\0") "\0", 1),
	KIND_HINT(0, HEAD("\xfe", "\xf2"), 2),
	{ .name = NULL },
};

const struct kind kind_i2c = {
	.name = "i2c",
	.device_id = VIRTIO_ID_I2C_ADAPTER,
	.queue_count = KIND_COUNT(i2c_queues),
	.queues = i2c_queues,
	.features = F_ZERO_LENGTH,
	.requests = i2c_requests,
};
