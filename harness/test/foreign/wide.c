/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device of 64 queues that is not ours: each returns every chain of its queue with a
 * length of 0.  `wide` says what its accesses are for, `wide-plain` has pointers;
 * `wide-lost` returns chains of queue 63 twice.  Built against the installed files.
 */
#include <vringer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUES 64u

struct wide {
	const struct vringer_host *host;
	struct vringer_ring rings[QUEUES];
	uint16_t next[QUEUES];
	int left[QUEUES];
	uint64_t returned;
	uint32_t twice; /* queue that returns each chain twice; QUEUES: none does */
};

/* That byte; NULL: it is not there. */
static uint8_t *byte_at(const struct wide *w, uint64_t addr)
{
	for (uint32_t i = 0; i < w->host->region_count; i++) {
		const struct vringer_region *region = &w->host->regions[i];

		if (addr - region->addr < region->size)
			return (uint8_t *)region->host + (addr - region->addr);
	}
	return NULL;
}

/* 0, or an error: it is not all there. */
static int load(const struct wide *w, struct vringer_why why, uint64_t addr, void *buf,
		uint32_t len)
{
	if (w->host->read != NULL)
		return w->host->read(w->host->ctx, why, addr, buf, len);
	for (uint32_t i = 0; i < len; i++) {
		const uint8_t *byte = byte_at(w, addr + i);

		if (byte == NULL)
			return -1;
		((uint8_t *)buf)[i] = *byte;
	}
	return 0;
}

static int store(const struct wide *w, struct vringer_why why, uint64_t addr, const void *buf,
		 uint32_t len)
{
	if (w->host->write != NULL)
		return w->host->write(w->host->ctx, why, addr, buf, len);
	for (uint32_t i = 0; i < len; i++)
		if (byte_at(w, addr + i) == NULL)
			return -1;
	for (uint32_t i = 0; i < len; i++)
		*byte_at(w, addr + i) = ((const uint8_t *)buf)[i];
	return 0;
}

static int load16(const struct wide *w, uint32_t queue, uint16_t purpose, uint16_t walk,
		  uint64_t addr, uint16_t *value)
{
	struct vringer_why why = { purpose, (uint16_t)queue, walk };

	return load(w, why, addr, value, sizeof(*value));
}

/* A chain is returned: the entry, then the index. */
static int give_back(struct wide *w, uint32_t queue, uint16_t walk, uint16_t head, uint16_t used)
{
	const struct vringer_ring *ring = &w->rings[queue];
	struct vringer_why entry = { VRINGER_USED_ENTRY, (uint16_t)queue, walk };
	struct vringer_why idx = { VRINGER_USED_IDX, (uint16_t)queue, 0 };
	uint32_t elem[2] = { head, 0 };

	if (store(w, entry, ring->used + 4 + 8 * ((used - 1u) % ring->size), elem, sizeof(elem)) ||
	    store(w, idx, ring->used + 2, &used, sizeof(used)))
		return -1;
	w->returned++;
	return 0;
}

/* One chain, if there is one: 1; 0: there is none; or an error. */
static int serve(struct wide *w, uint32_t queue)
{
	const struct vringer_ring *ring = &w->rings[queue];
	uint16_t copies = w->twice == queue ? 2 : 1;
	uint16_t walk = w->next[queue], idx, head, flags;

	if (load16(w, queue, VRINGER_AVAIL_IDX, 0, ring->avail + 2, &idx))
		return -1;
	if (idx == walk)
		return 0;
	if ((uint16_t)(idx - walk) > ring->size ||
	    load16(w, queue, VRINGER_AVAIL_ENTRY, walk, ring->avail + 4 + 2 * (walk % ring->size),
		   &head) ||
	    head >= ring->size)
		return -1;
	w->next[queue]++;
	for (uint16_t i = 0; i < copies; i++)
		if (give_back(w, queue, walk, head, (uint16_t)(copies * walk + i + 1)))
			return -1;
	if (load16(w, queue, VRINGER_AVAIL_FLAGS, 0, ring->avail, &flags))
		return -1;
	if ((flags & 1) == 0)
		w->host->used(w->host->ctx, queue);
	return 1;
}

/* A ring that is wrong, or not there, is left. */
static void kick(void *device, uint32_t queue)
{
	struct wide *w = device;

	for (uint32_t n = 0; n < w->rings[queue].size && !w->left[queue]; n++) {
		int served = serve(w, queue);

		w->left[queue] = served < 0;
		if (served <= 0)
			break;
	}
	if (w->left[queue])
		w->host->needs_reset(w->host->ctx);
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct wide *w = calloc(1, sizeof(*w));

	(void)offered;
	(void)queue_max;
	if (w == NULL)
		return NULL;
	w->host = host;
	w->twice = QUEUES;
	return w;
}

static void *create_lost(const struct vringer_host *host, uint64_t offered,
			 const uint16_t *queue_max)
{
	struct wide *w = create(host, offered, queue_max);

	if (w != NULL)
		w->twice = QUEUES - 1;
	return w;
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct wide *w = device;

	(void)features;
	memcpy(w->rings, rings, sizeof(w->rings));
	memset(w->next, 0, sizeof(w->next));
	memset(w->left, 0, sizeof(w->left));
}

static void queue_stop(void *device, uint32_t queue)
{
	struct wide *w = device;

	w->rings[queue].ready = 0;
	w->next[queue] = 0;
	w->left[queue] = 0;
}

static void reset(void *device)
{
	for (uint32_t i = 0; i < QUEUES; i++)
		queue_stop(device, i);
}

static void counters(void *device, uint64_t *values)
{
	*values = ((struct wide *)device)->returned;
}

static const char *const counter_names[] = { "returned" };
static const struct vringer_sum sums[] = { { "used.0 used.8 used.63", "returned" }, { 0, 0 } };

static char names[QUEUES][8];
static struct vringer_queue queues[QUEUES];

__attribute__((constructor)) static void name_queues(void)
{
	for (uint32_t i = 0; i < QUEUES; i++) {
		snprintf(names[i], sizeof(names[i]), "wide%u", i);
		queues[i] = (struct vringer_queue){ .name = names[i],
						    .size_max = 256,
						    .driver_initiated = 1 };
	}
}

/* On both sides of where default places become small. */
#define REQUEST(number, says, size)                                                                \
	{                                                                                          \
		.name = (says), .queue = (number), .flags = VRINGER_REQUEST_EXACT,                 \
		.readable = (says), .readable_len = (size)                                         \
	}
static const struct vringer_request requests[] = { REQUEST(7, "low", 3),
						   REQUEST(63, "last", 4),
						   { 0 } };

#define WIDE(id, called, makes, how)                                                               \
	static const struct vringer_target id = {                                                  \
		.version = VRINGER_VERSION,                                                        \
		.size = sizeof(id),                                                                \
		.name = (called),                                                                  \
		.help = "64 queues",                                                               \
		.level = VRINGER_LEVEL_ACTIVATED,                                                  \
		.memory = (how),                                                                   \
		.flags = VRINGER_JUDGE_LIMITS,                                                     \
		.device_id = 4,                                                                    \
		.queue_count = QUEUES,                                                             \
		.features = 1ull << 32,                                                            \
		.queues = queues,                                                                  \
		.counter_count = 1,                                                                \
		.counter_names = counter_names,                                                    \
		.sums = sums,                                                                      \
		.liveness =                                                                        \
			"device " called "\nstart driver_ok\nsend 63 b1\n> used 63 id=0 len=0\n"   \
			"send 8 b1 b2\n> used 8 id=0 len=0\n",                                     \
		.requests = requests,                                                              \
		.create = (makes),                                                                 \
		.destroy = free,                                                                   \
		.activate = activate,                                                              \
		.kick = kick,                                                                      \
		.queue_stop = queue_stop,                                                          \
		.reset = reset,                                                                    \
		.counters = counters,                                                              \
	}

WIDE(purposes, "wide", create, VRINGER_MEMORY_PURPOSES);
WIDE(plain, "wide-plain", create, VRINGER_MEMORY_PLAIN);
WIDE(lost, "wide-lost", create_lost, VRINGER_MEMORY_PURPOSES);
WIDE(plain_lost, "wide-plain-lost", create_lost, VRINGER_MEMORY_PLAIN);

VRINGER_TARGETS(&purposes, &plain, &lost, &plain_lost);
