/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A virtio entropy device (VIRTIO 5.4) on virtio-mmio, as part of a virtual
 * machine monitor that has guest memory mapped.
 */
#ifndef ENTROPY_H
#define ENTROPY_H

#include <linux/virtio_config.h>
#include <stddef.h>
#include <stdint.h>

#define ENTROPY_FEATURES (1ULL << VIRTIO_F_VERSION_1)
#define ENTROPY_QUEUE_SIZE 64
#define ENTROPY_REQUEST_MAX 4096 /* bytes; the guest may ask again */

/* Guest memory, and where the monitor has it. */
struct entropy_memory {
	uint64_t addr, size;
	uint8_t *host;
};

struct entropy_queue {
	uint32_t size, ready;
	uint64_t area[3]; /* descriptors, available ring, used ring */
	uint16_t next_avail, next_used;
};

struct entropy {
	const struct entropy_memory *memory;
	size_t memory_count;
	void (*interrupt)(void *ctx, uint32_t bits);
	void (*get_random)(void *ctx, uint8_t *buf, size_t len);
	void *ctx;
	uint64_t features; /* to offer, of ENTROPY_FEATURES */
	uint32_t queue_max;

	uint32_t status, interrupt_status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	struct entropy_queue queue;
};

/* The guest accessed a register: the monitor's side of a trap. */
void entropy_read(struct entropy *e, uint64_t offset, void *buf, uint32_t len);
void entropy_write(struct entropy *e, uint64_t offset, const void *buf, uint32_t len);

#endif
