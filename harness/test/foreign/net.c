/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Our net model as somebody else's device: it stands on vringer.h alone, at
 * either level, and what all of our own scripts ask of the model they must get
 * of it here.  Built against the installed files.
 *
 *   LEVEL    1, VRINGER_LEVEL_MMIO: with our transport as its own
 *            2, VRINGER_LEVEL_ACTIVATED: without one
 *   MEMORY   1, 2 or 3 of enum vringer_memory
 *   FLAGS    of enum vringer_flag
 *   BUG      1: claims to have written a byte more than it has
 *            2: writes a byte behind the used ring's index
 *            3: does not forget a queue that is reset
 *            4: returns chains where it did before the reset
 */
#include <vringer.h>

#include "net_requests.h"

#include "devices/mmio.h"
#include "devices/net.h"
#include "devices/virtqueue.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#ifndef LEVEL
#define LEVEL 1
#endif
#ifndef MEMORY
#define MEMORY 1
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef LINE /* its interrupt line is a level */
#define LINE 0
#endif
#ifndef BUG
#define BUG 0
#endif

/* What our transport takes: without it they are vringer's own to offer, or nobody's. */
#define TRANSPORT (LEVEL == 1 ? MMIO_FEATURES : 0)

struct view {
	struct view *next;
	uint64_t addr;
	uint32_t len;
	bool write;
	uint8_t data[];
};

struct wrapped {
	const struct vringer_host *host;
	struct device_host inner;
	struct mmio *mmio;  /* at the level of registers */
	struct device *dev; /* activated */
	struct virtqueue queues[NET_QUEUE_COUNT];
	uint8_t seen[NET_QUEUE_COUNT][NET_QUEUE_SIZE_MAX * sizeof(struct vring_packed_desc)];
	uint64_t used_before[NET_QUEUE_COUNT]; /* the device area at the queue's reset */
	bool moved[NET_QUEUE_COUNT]; /* used buffers came, and the driver wants to hear of them */
	uint64_t counters[64];
	struct view *views;
	uint32_t up; /* bits that hold a level up */
};

static struct vringer_why why_of(struct guest_why why)
{
	return (struct vringer_why){ why.purpose, why.queue, why.walk };
}

/* The device's mistakes, in what it is about to write. */
static void spoil(struct guest_why why, uint8_t *buf)
{
	if (BUG == 1 && why.purpose == GUEST_USED_ENTRY)
		buf[4]++;
}

#if MEMORY == 1
static int load(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

	return host->read(host->ctx, why_of(why), addr, buf, len);
}

static int store(void *ctx, struct guest_why why, uint64_t addr, const void *buf, uint32_t len)
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
#else
/* Copy, all or nothing: whatever can reach memory without saying why. */
static int reach(void *ctx, bool write, uint64_t addr, void *buf, uint32_t len)
{
	const struct vringer_host *host = ((struct wrapped *)ctx)->host;

#if MEMORY == 2
	return write ? host->store(host->ctx, addr, buf, len)
		     : host->load(host->ctx, addr, buf, len);
#else
	for (uint32_t copy = 0, done = 0; copy < 2; copy++, done = 0) {
		uint64_t at = addr;

		while (done < len) {
			const struct vringer_region *r = NULL;
			uint64_t piece;

			for (uint32_t i = 0; i < host->region_count && r == NULL; i++)
				if (at >= host->regions[i].addr &&
				    at - host->regions[i].addr < host->regions[i].size)
					r = &host->regions[i];
			if (r == NULL || (at < addr && done > 0))
				return -EFAULT;
			piece = r->size - (at - r->addr);
			if (piece > len - done)
				piece = len - done;
			if (copy && write)
				memcpy((uint8_t *)r->host + (at - r->addr), (uint8_t *)buf + done,
				       piece);
			else if (copy)
				memcpy((uint8_t *)buf + done, (uint8_t *)r->host + (at - r->addr),
				       piece);
			at += piece;
			done += (uint32_t)piece;
		}
	}
	return 0;
#endif
}

static int load(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	(void)why;
	return reach(ctx, false, addr, buf, len);
}

static int store(void *ctx, struct guest_why why, uint64_t addr, const void *buf, uint32_t len)
{
	(void)why;
	return reach(ctx, true, addr, (void *)(uintptr_t)buf, len);
}

static void *inner_map(void *ctx, struct guest_why why, uint64_t addr, uint32_t len, bool write)
{
	struct wrapped *w = ctx;
	struct view *view = malloc(sizeof(*view) + len);

	(void)why;
	if (view == NULL)
		return NULL;
	*view = (struct view){ .next = w->views, .addr = addr, .len = len, .write = write };
	/* A view to write is filled too: that it can be read shows that it is there. */
	if (reach(ctx, false, addr, view->data, len) != 0) {
		free(view);
		return NULL;
	}
	w->views = view;
	return view->data;
}

static int inner_unmap(void *ctx, void *data)
{
	struct wrapped *w = ctx;
	struct view **at = &w->views, *view;
	int err;

	while ((*at)->data != data)
		at = &(*at)->next;
	view = *at;
	*at = view->next;
	err = view->write ? reach(ctx, true, view->addr, view->data, view->len) : 0;
	free(view);
	return err;
}
#endif

static int inner_read(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	return load(ctx, why, addr, buf, len);
}

static int inner_write(void *ctx, struct guest_why why, uint64_t addr, const void *buf,
		       uint32_t len)
{
	uint8_t copy[16];
	int err;

	if (len > sizeof(copy))
		return store(ctx, why, addr, buf, len);
	memcpy(copy, buf, len);
	spoil(why, copy);
	err = store(ctx, why, addr, copy, len);
	if (BUG == 2 && why.purpose == GUEST_USED_IDX)
		store(ctx, why, addr - 8, copy, 1);
	return err;
}

/* The model's question of each queue, whatever its format (linked with --wrap). */
bool __real_virtqueue_wants_interrupt(struct virtqueue *vq);
bool __wrap_virtqueue_wants_interrupt(struct virtqueue *vq);

bool __wrap_virtqueue_wants_interrupt(struct virtqueue *vq)
{
	bool wants = __real_virtqueue_wants_interrupt(vq);

	((struct wrapped *)vq->host->ctx)->moved[vq->index] |= wants;
	return wants;
}

/* The model has one line: for which queues is it? */
static void notify_each(struct wrapped *w)
{
	for (unsigned i = 0; i < NET_QUEUE_COUNT; i++)
		if (w->moved[i])
			w->host->used(w->host->ctx, i);
	memset(w->moved, 0, sizeof(w->moved));
}

static void inner_interrupt(void *ctx, uint32_t bits)
{
	struct wrapped *w = ctx;
	const struct vringer_host *host = w->host;
	bool was_up = (bits & ~w->up) == 0;

	w->up |= bits;
	if (LINE && was_up)
		return;
	if (host->interrupt != NULL)
		host->interrupt(host->ctx, bits);
	else if ((bits & VIRTIO_MMIO_INT_VRING) != 0)
		notify_each(ctx);
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
	for (unsigned i = 0; i < NET_QUEUE_COUNT; i++)
		virtqueue_init(&w->queues[i], &w->inner, (uint16_t)i, NET_QUEUE_SIZE_MAX,
			       w->seen[i]);
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
		memcpy(values, mmio_counters(w->mmio),
		       mmio_counter_count(w->mmio) * sizeof(*values));
	else
		memcpy(values, w->counters, net_loopback_ops.counter_count * sizeof(*values));
}

#if LEVEL == 1 /* VRINGER_LEVEL_MMIO */
static void reg_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	mmio_read(((struct wrapped *)device)->mmio, offset, buf, len);
}

static void reg_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct wrapped *w = device;

	mmio_write(w->mmio, offset, buf, len);
	w->up &= mmio_interrupt_status(w->mmio);
}
#else
static void start(struct wrapped *w, uint32_t queue, const struct vringer_ring *ring)
{
	struct virtqueue *vq = &w->queues[queue];

	vq->area[VIRTQUEUE_DESC] = ring->desc;
	vq->area[VIRTQUEUE_DRIVER] = ring->avail;
	vq->area[VIRTQUEUE_DEVICE] = ring->used;
	vq->size = ring->size;
	vq->ready = ring->ready != 0;
	virtqueue_negotiated(vq, w->dev->features);
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct wrapped *w = device;

	w->dev->features = features;
	w->dev->status = VIRTIO_CONFIG_S_DRIVER_OK;
	for (unsigned i = 0; i < NET_QUEUE_COUNT; i++)
		start(w, i, &rings[i]);
}

static void queue_reset(void *device, uint32_t queue)
{
	struct wrapped *w = device;

	w->used_before[queue] = w->queues[queue].area[VIRTQUEUE_DEVICE];
	net_loopback_ops.queue_reset(w->dev, queue);
	if (BUG != 3)
		virtqueue_reset(&w->queues[queue]);
}

static void queue_start(void *device, uint32_t queue, const struct vringer_ring *ring)
{
	struct wrapped *w = device;

	start(w, queue, ring);
	if (BUG == 4)
		w->queues[queue].area[VIRTQUEUE_DEVICE] = w->used_before[queue];
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
	.memory = MEMORY,
	.flags = VRINGER_ALLOC | FLAGS,
	.device_id = 1,
	.queue_count = 2,
	.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MAC | VIRTQUEUE_FEATURES |
		    TRANSPORT,
	.queues = queues,
	.requests = requests,
	.config_len = 12,
	.chain_bytes_max = 12 + 65557,
	.heap_max = 256u << 10,
	.counter_names = names,
	.liveness = "device net-loopback\n"
		    "start driver_ok\n"
		    "pattern b3 len=76\n"
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
	.queue_reset = queue_reset,
	.queue_start = queue_start,
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
		static const char *const transport[] = {
			"mmio_bad_access",	     "mmio_status_refused",
			"mmio_features_refused",     "mmio_feature_write_refused",
			"mmio_queue_config_refused", "mmio_notify_ignored"
		};

		for (; count < 6; count++)
			names[count] = transport[count];
	}
	for (unsigned i = 0; i < net_loopback_ops.counter_count; i++)
		names[count++] = net_loopback_ops.counter_names[i];
	target.counter_count = count;
}

VRINGER_TARGETS(&target);
