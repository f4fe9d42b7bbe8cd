/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device of entropy.c, for vringer: all that it needs to know of it.
 */
#include "entropy.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <vringer.h>

#define REGIONS_MAX 8

struct device {
	struct entropy entropy;
	struct entropy_memory memory[REGIONS_MAX];
	const struct vringer_host *host;
};

static void interrupt(void *ctx, uint32_t bits)
{
	const struct vringer_host *host = ((struct device *)ctx)->host;

	host->interrupt(host->ctx, bits);
}

/* Not random at all: the same program must do the same on every run. */
static void get_random(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i * 0x9d + 0x2f);
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct device *d = host->region_count <= REGIONS_MAX ? calloc(1, sizeof(*d)) : NULL;

	if (d == NULL)
		return NULL;
	for (uint32_t i = 0; i < host->region_count; i++)
		d->memory[i] = (struct entropy_memory){ .addr = host->regions[i].addr,
							.size = host->regions[i].size,
							.host = host->regions[i].host };
	d->host = host;
	d->entropy.memory = d->memory;
	d->entropy.memory_count = host->region_count;
	d->entropy.interrupt = interrupt;
	d->entropy.get_random = get_random;
	d->entropy.ctx = d;
	d->entropy.features = offered;
	d->entropy.queue_max = queue_max[0];
	return d;
}

static void read_register(void *device, uint64_t offset, void *buf, uint32_t len)
{
	entropy_read(&((struct device *)device)->entropy, offset, buf, len);
}

static void write_register(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	entropy_write(&((struct device *)device)->entropy, offset, buf, len);
}

static const struct vringer_queue queues[] = {
	{ .name = "requests", .size_max = ENTROPY_QUEUE_SIZE, .driver_initiated = 1 },
};

/* What a driver asks: 64 bytes, all of which are filled. */
static const struct vringer_request requests[] = {
	{ .name = "read", .queue = 0, .writable_len = 64, .used_min = 64, .used_max = 64 },
	{ .name = NULL },
};

static const struct vringer_target entropy = {
	.version = VRINGER_VERSION,
	.size = sizeof(entropy),
	.name = "entropy",
	.help = "an entropy device of a monitor in C",
	.level = VRINGER_LEVEL_MMIO,
	.memory = VRINGER_MEMORY_PLAIN,
	.layout = VRINGER_LAYOUT_BELOW_TOP,
	.flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD,
	.device_id = VIRTIO_ID_RNG,
	.queue_count = 1,
	.features = ENTROPY_FEATURES,
	.queues = queues,
	.chain_bytes_max = ENTROPY_REQUEST_MAX,
	.requests = requests,
	.create = create,
	.destroy = free,
	.read = read_register,
	.write = write_register,
};

VRINGER_TARGETS(&entropy);
