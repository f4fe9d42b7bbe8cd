/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device of harness/examples/, and the same with a habit: a device with
 * registers of its own, whose queue may be set up again while it is live.
 *
 *   restart-well      correct
 *   restart-resume    correct: goes on where it was when its queue is ready again
 *   restart-stray     writes a byte that is nobody's when it returns its fifth chain
 */
#include <vringer.h>

#include <linux/virtio_mmio.h>

#undef VRINGER_TARGETS
#define VRINGER_TARGETS(...) struct nothing
#include "harness/examples/entropy-c/target.c"
#undef VRINGER_TARGETS
#define VRINGER_TARGETS(...)                                                                       \
	const struct vringer_target *const vringer_targets[] = { __VA_ARGS__, 0 }

static void write_resume(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct entropy_queue *q = &((struct device *)device)->entropy.queue;
	uint16_t avail = q->next_avail, used = q->next_used;

	write_register(device, offset, buf, len);
	if (offset != VIRTIO_MMIO_QUEUE_READY || !q->ready)
		return;
	q->next_avail = avail;
	q->next_used = used;
}

/* The whole session's chains are counted where a reset does not reach. */
static void write_stray(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	static unsigned chains;
	struct device *d = device;
	uint16_t used = d->entropy.queue.next_used;

	write_register(device, offset, buf, len);
	if (d->entropy.status == 0)
		chains = 0;
	if (offset != VIRTIO_MMIO_QUEUE_NOTIFY)
		return;
	chains += (uint16_t)(d->entropy.queue.next_used - used);
	if (chains == 5)
		d->memory[0].host[0]++;
}

static struct vringer_target well, resume, stray;

__attribute__((constructor)) static void describe(void)
{
	well = resume = stray = entropy;
	well.liveness = resume.liveness = stray.liveness = NULL;
	well.name = "restart-well";
	resume.name = "restart-resume";
	resume.write = write_resume;
	stray.name = "restart-stray";
	stray.write = write_stray;
}

VRINGER_TARGETS(&well, &resume, &stray);
