/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device of harness/examples/, and the same with a habit: a device with
 * registers of its own, whose queue may be set up again while it is live.  Built with its
 * entropy.c and against the installed files.
 *
 *   restart-well      correct
 *   restart-resume    correct: goes on where it was when its queue is ready again
 *   restart-stray     writes a byte that is nobody's when it returns its fifth chain
 */
#include <entropy.h>
#include <vringer.h>

#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS_MAX 8

struct restart {
	struct entropy entropy;
	struct entropy_memory memory[REGIONS_MAX];
	const struct vringer_host *host;
	unsigned chains; /* returned since the last reset */
};

static void interrupt(void *ctx, uint32_t bits)
{
	const struct vringer_host *host = ((struct restart *)ctx)->host;

	host->interrupt(host->ctx, bits);
}

static void get_random(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct restart *r = host->region_count <= REGIONS_MAX ? calloc(1, sizeof(*r)) : NULL;

	if (r == NULL)
		return NULL;
	for (uint32_t i = 0; i < host->region_count; i++)
		r->memory[i] = (struct entropy_memory){ .addr = host->regions[i].addr,
							.size = host->regions[i].size,
							.host = host->regions[i].host };
	r->host = host;
	r->entropy = (struct entropy){ .memory = r->memory,
				       .memory_count = host->region_count,
				       .interrupt = interrupt,
				       .get_random = get_random,
				       .ctx = r,
				       .features = offered,
				       .queue_max = queue_max[0] };
	return r;
}

static void read_register(void *device, uint64_t offset, void *buf, uint32_t len)
{
	entropy_read(&((struct restart *)device)->entropy, offset, buf, len);
}

static void write_well(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	entropy_write(&((struct restart *)device)->entropy, offset, buf, len);
}

static void write_resume(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct entropy_queue *q = &((struct restart *)device)->entropy.queue;
	uint16_t avail = q->next_avail, used = q->next_used;

	write_well(device, offset, buf, len);
	if (offset != VIRTIO_MMIO_QUEUE_READY || !q->ready)
		return;
	q->next_avail = avail;
	q->next_used = used;
}

static void write_stray(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct restart *r = device;
	uint16_t used = r->entropy.queue.next_used;

	write_well(device, offset, buf, len);
	if (r->entropy.status == 0)
		r->chains = 0;
	if (offset != VIRTIO_MMIO_QUEUE_NOTIFY)
		return;
	r->chains += (uint16_t)(r->entropy.queue.next_used - used);
	if (r->chains == 5)
		r->memory[0].host[0]++;
}

static const struct vringer_queue queues[] = {
	{ .name = "requests", .size_max = ENTROPY_QUEUE_SIZE, .driver_initiated = 1 },
};

#define RESTART(id, called, ...)                                                                   \
	static const struct vringer_target id = { .version = VRINGER_VERSION,                      \
						  .size = sizeof(id),                              \
						  .name = called,                                  \
						  .help = "entropy",                               \
						  .level = VRINGER_LEVEL_MMIO,                     \
						  .memory = VRINGER_MEMORY_PLAIN,                  \
						  .layout = VRINGER_LAYOUT_BELOW_TOP,              \
						  .flags = VRINGER_JUDGE_LIMITS,                   \
						  .device_id = 4,                                  \
						  .queue_count = 1,                                \
						  .features = ENTROPY_FEATURES,                    \
						  .queues = queues,                                \
						  .create = create,                                \
						  .destroy = free,                                 \
						  .read = read_register,                           \
						  __VA_ARGS__ }

RESTART(well, "restart-well", .write = write_well);
RESTART(resume, "restart-resume", .write = write_resume);
RESTART(stray, "restart-stray", .write = write_stray);

VRINGER_TARGETS(&well, &resume, &stray);
