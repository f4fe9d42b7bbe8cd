/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Our net model as somebody else's device: it stands on vringer.h alone, at
 * either level, and what all of our own scripts ask of the model they must get
 * of it here.  Built against the installed files.
 *
 *   LEVEL    VRINGER_LEVEL_MMIO: with our transport as its own
 *            VRINGER_LEVEL_ACTIVATED: without one
 */
#include <vringer.h>

#include "devices/mmio.h"
#include "devices/net.h"
#include "devices/virtqueue.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

struct wrapped {
	const struct vringer_host *host;
	struct device_host inner;
	struct mmio *mmio;  /* at the level of registers */
	struct device *dev; /* activated */
	struct virtqueue queues[NET_QUEUE_COUNT];
	uint8_t seen[NET_QUEUE_COUNT][NET_QUEUE_SIZE_MAX / 8];
	uint64_t counters[64];
};

static struct vringer_why why_of(struct guest_why why)
{
	return (struct vringer_why){ why.purpose, why.queue, why.walk };
}

static int inner_read(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->read(host->ctx, why_of(why), addr, buf, len);
}

static int inner_write(void *ctx, struct guest_why why, uint64_t addr, const void *buf,
		       uint32_t len)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->write(host->ctx, why_of(why), addr, buf, len);
}

static void *inner_map(void *ctx, struct guest_why why, uint64_t addr, uint32_t len, bool write)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->map(host->ctx, why_of(why), addr, len, write);
}

static int inner_unmap(void *ctx, void *view)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->unmap(host->ctx, view);
}

static void inner_interrupt(void *ctx, uint32_t bits)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	if (host->interrupt != NULL)
		host->interrupt(host->ctx, bits);
	else if ((bits & VIRTIO_MMIO_INT_VRING) != 0)
		host->used(host->ctx, 0);
	else
		host->needs_reset(host->ctx);
}

static void *inner_alloc(void *ctx, size_t size)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->alloc(host->ctx, size);
}

static void inner_free(void *ctx, void *block)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	host->free(host->ctx, block);
}

static void destroy(void *device)
{
	struct wrapped *w = device;

	mmio_destroy(w->mmio);
	if (w->dev != NULL)
		net_loopback_ops.destroy(w->dev);
	inner_free(w, w->dev);
	free(w);
}

/* A model without a transport, as mmio_create makes one. */
static bool create_bare(struct wrapped *w, uint64_t offered)
{
	w->dev = inner_alloc(w, net_loopback_ops.state_size);
	if (w->dev == NULL)
		return false;
	memset(w->dev, 0, net_loopback_ops.state_size);
	w->dev->ops = &net_loopback_ops;
	w->dev->host = &w->inner;
	w->dev->queues = w->queues;
	w->dev->counters = w->counters;
	w->dev->offered = offered;
	for (uint16_t i = 0; i < NET_QUEUE_COUNT; i++)
		virtqueue_init(&w->queues[i], &w->inner, i, NET_QUEUE_SIZE_MAX, w->seen[i]);
	if (net_loopback_ops.create(w->dev) == 0)
		return true;
	inner_free(w, w->dev);
	w->dev = NULL;
	return false;
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct wrapped *w = calloc(1, sizeof(*w));
	bool made;

	if (w == NULL)
		return NULL;
	w->host = host;
	w->inner = (struct device_host){ .ctx = w,
					 .read = inner_read,
					 .write = inner_write,
					 .map = inner_map,
					 .unmap = inner_unmap,
					 .interrupt = inner_interrupt,
					 .alloc = inner_alloc,
					 .free = inner_free };
	if (LEVEL == VRINGER_LEVEL_ACTIVATED) {
		made = create_bare(w, offered);
	} else {
		w->mmio = mmio_create(&net_loopback_ops, &w->inner, offered, queue_max);
		made = w->mmio != NULL;
	}
	if (made)
		return w;
	destroy(w);
	return NULL;
}

static uint32_t state(void *device)
{
	const struct wrapped *w = device;

	if (w->mmio != NULL)
		return mmio_state(w->mmio);
	return net_loopback_ops.state(w->dev);
}

static void step(void *device)
{
	const struct wrapped *w = device;

	if (w->mmio != NULL)
		mmio_work(w->mmio);
	else
		net_loopback_ops.work(w->dev);
}

static void counters(void *device, uint64_t *values)
{
	const struct wrapped *w = device;

	if (w->mmio != NULL)
		mmio_counters(w->mmio, values);
	else
		memcpy(values, w->counters,
		       net_loopback_ops.counter_count * sizeof(*values));
}

#if LEVEL == 1 /* VRINGER_LEVEL_MMIO */
static void reg_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	mmio_read(((struct wrapped *)device)->mmio, offset, buf, len);
}

static void reg_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	mmio_write(((struct wrapped *)device)->mmio, offset, buf, len);
}
#else
static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct wrapped *w = device;

	w->dev->features = features;
	w->dev->status = VIRTIO_CONFIG_S_DRIVER_OK;
	for (unsigned i = 0; i < NET_QUEUE_COUNT; i++) {
		w->queues[i].area[VIRTQUEUE_DESC] = rings[i].desc;
		w->queues[i].area[VIRTQUEUE_DRIVER] = rings[i].avail;
		w->queues[i].area[VIRTQUEUE_DEVICE] = rings[i].used;
		w->queues[i].size = rings[i].size;
		w->queues[i].ready = rings[i].ready != 0;
	}
}

static void kick(void *device, uint32_t queue)
{
	net_loopback_ops.notify(((struct wrapped *)device)->dev, queue);
}

static void queue_stop(void *device, uint32_t queue)
{
	((struct wrapped *)device)->queues[queue].ready = false;
}

static void reset(void *device)
{
	struct wrapped *w = device;

	net_loopback_ops.reset(w->dev);
	for (unsigned i = 0; i < NET_QUEUE_COUNT; i++)
		virtqueue_reset(&w->queues[i]);
	w->dev->status = 0;
	w->dev->features = 0;
}

static void config_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	net_loopback_ops.config_read(((struct wrapped *)device)->dev, offset, buf, len);
}
#endif

static const struct vringer_queue queues[] = { { "rx", 256, 0, 0 }, { "tx", 256, 1, 0 } };

/* Filled in before main: the model's names are not constants here. */
static const char *names[64];

static struct vringer_target target = {
	.version = VRINGER_VERSION,
	.size = sizeof(target),
	.name = "net-loopback",
	.help = "our net model behind vringer.h",
	.level = LEVEL,
	.memory = VRINGER_MEMORY_PURPOSES,
	.flags = VRINGER_ALLOC | FLAGS,
	.device_id = 1,
	.queue_count = 2,
	.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MAC,
	.queues = queues,
	.config_len = 12,
	.chain_bytes_max = 12 + 65557,
	.heap_max = 256u << 10,
	.counter_names = names,
	.liveness = "device net-loopback\n"
		    "start driver_ok\n"
		    "offer 0 b9:w\n"
		    "send 1 b3\n"
		    "> used 1 id=0 len=0\n"
		    "> used 0 id=0 len=76\n"
		    "> mem_equal b9+12 b3+12 len=64\n",
	.create = create,
	.destroy = destroy,
#if LEVEL == 1
	.read = reg_read,
	.write = reg_write,
#else
	.activate = activate,
	.kick = kick,
	.queue_stop = queue_stop,
	.reset = reset,
	.config_read = config_read,
#endif
	.step = step,
	.state = state,
	.counters = counters,
};


__attribute__((constructor)) static void name_counters(void)
{
	uint32_t count = 0;

	if (LEVEL == VRINGER_LEVEL_MMIO) {
		static const char *const transport[] = { "mmio_bad_access", "mmio_status_refused",
							 "mmio_features_refused",
							 "mmio_feature_write_refused",
							 "mmio_queue_config_refused",
							 "mmio_notify_ignored" };

		for (; count < 6; count++)
			names[count] = transport[count];
	}
	for (unsigned i = 0; i < net_loopback_ops.counter_count; i++)
		names[count++] = net_loopback_ops.counter_names[i];
	target.counter_count = count;
}

VRINGER_TARGETS(&target);
