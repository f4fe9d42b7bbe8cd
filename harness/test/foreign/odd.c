/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that are not ours and do what devices may, or must not, do: exit, loop
 * for ever, complete from a thread, never come to rest, keep chains, live for ever,
 * keep their configuration over a reset, count nothing, sleep, close what is not their
 * own, print, want memory, come to rest late.
 * Each returns every chain of its one queue with a length of 0.  Built against the
 * installed files.
 *
 *   SPOIL=WHAT    in the environment: the first description is wrong in that
 */
#include <vringer.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct odd {
	const struct vringer_host *host;
	struct vringer_ring ring;
	uint16_t next;
	uint32_t steps; /* calls of `step` until the chain is returned */
	uint8_t config;
	/* Of the one with a thread: */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int kicked, stop;
};

static uint16_t read16(const struct odd *o, uint16_t purpose, uint64_t addr)
{
	struct vringer_why why = { .purpose = purpose, .walk = o->next };
	uint16_t value = 0;

	if (purpose == VRINGER_AVAIL_IDX || purpose == VRINGER_AVAIL_FLAGS)
		why.walk = 0;
	o->host->read(o->host->ctx, why, addr, &value, sizeof(value));
	return value;
}

/* The next chain, if there is one. */
static int serve_one(struct odd *o)
{
	struct vringer_why entry = { .purpose = VRINGER_USED_ENTRY, .walk = o->next };
	struct vringer_why idx = { .purpose = VRINGER_USED_IDX };
	uint32_t elem[2] = { 0 };
	uint16_t slot, used;

	if (!o->ring.ready || read16(o, VRINGER_AVAIL_IDX, o->ring.avail + 2) == o->next)
		return 0;
	slot = o->next % o->ring.size;
	elem[0] = read16(o, VRINGER_AVAIL_ENTRY, o->ring.avail + 4 + 2 * slot);
	o->host->write(o->host->ctx, entry, o->ring.used + 4 + 8 * slot, elem, sizeof(elem));
	used = ++o->next;
	o->host->write(o->host->ctx, idx, o->ring.used + 2, &used, sizeof(used));
	if ((read16(o, VRINGER_AVAIL_FLAGS, o->ring.avail) & 1) == 0)
		o->host->used(o->host->ctx, 0);
	return 1;
}

static void serve(struct odd *o)
{
	for (int i = 0; i < 64 && serve_one(o); i++)
		;
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct odd *o = calloc(1, sizeof(*o));

	(void)offered;
	(void)queue_max;
	if (o != NULL)
		o->host = host;
	return o;
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct odd *o = device;

	(void)features;
	o->ring = rings[0];
	o->next = 0;
	o->steps = 0;
}

static void reset(void *device)
{
	((struct odd *)device)->ring.ready = 0;
}

static void queue_stop(void *device, uint32_t queue)
{
	(void)queue;
	reset(device);
}

static void kick_well(void *device, uint32_t queue)
{
	(void)queue;
	serve(device);
}

static void kick_exit(void *device, uint32_t queue)
{
	(void)queue;
	serve(device);
	exit(3);
}

static void kick_loop(void *device, uint32_t queue)
{
	(void)queue;
	for (volatile int go = 1; go;)
		;
	serve(device);
}

/* Sleeps for ever: what it waits for nobody sends. */
static void kick_sleep(void *device, uint32_t queue)
{
	(void)queue;
	serve(device);
	for (;;)
		pause();
}

/* Closes what is not its own, and loops. */
static void kick_close(void *device, uint32_t queue)
{
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	kick_loop(device, queue);
}

/* Says on standard output what would be a result there. */
static void kick_print(void *device, uint32_t queue)
{
	(void)queue;
	puts("not ok 1 - {\"result\": <failure>\n1..99");
	serve(device);
}

/* Gets no memory of the host's, and does without. */
static void kick_alloc(void *device, uint32_t queue)
{
	struct odd *o = device;

	(void)queue;
	o->host->free(o->host->ctx, o->host->alloc(o->host->ctx, 40u << 20));
	serve(device);
}

/* Holds what it got for two steps. */
static void kick_hold(void *device, uint32_t queue)
{
	(void)queue;
	((struct odd *)device)->steps = 2;
}

static void step_hold(void *device)
{
	struct odd *o = device;

	if (o->steps > 0 && --o->steps == 0)
		serve(o);
}

static uint32_t state_hold(void *device)
{
	return ((struct odd *)device)->steps > 0 ? VRINGER_WORK : VRINGER_IDLE;
}

static void *work(void *device)
{
	struct odd *o = device;

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		if (o->kicked) {
			pthread_mutex_unlock(&o->lock);
			usleep(200);
			serve(o);
			pthread_mutex_lock(&o->lock);
			o->kicked = 0;
			pthread_cond_broadcast(&o->changed);
		} else {
			pthread_cond_wait(&o->changed, &o->lock);
		}
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void *create_thread(const struct vringer_host *host, uint64_t offered,
			   const uint16_t *queue_max)
{
	struct odd *o = create(host, offered, queue_max);

	if (o == NULL)
		return NULL;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->changed, NULL);
	if (pthread_create(&o->thread, NULL, work, o) == 0)
		return o;
	free(o);
	return NULL;
}

static void destroy_thread(void *device)
{
	struct odd *o = device;

	pthread_mutex_lock(&o->lock);
	o->stop = 1;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	free(o);
}

static void kick_thread(void *device, uint32_t queue)
{
	struct odd *o = device;

	(void)queue;
	pthread_mutex_lock(&o->lock);
	o->kicked = 1;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

static int32_t settle_thread(void *device, uint32_t ms)
{
	struct odd *o = device;
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	pthread_mutex_lock(&o->lock);
	while (o->kicked && err == 0)
		err = pthread_cond_timedwait(&o->changed, &o->lock, &until);
	pthread_mutex_unlock(&o->lock);
	return err == 0 ? 0 : -ETIMEDOUT;
}

/* Once kicked it is never done. */
static int32_t settle_never(void *device, uint32_t ms)
{
	(void)ms;
	return ((struct odd *)device)->steps > 0 ? -ETIMEDOUT : 0;
}

/* Comes to rest at the fourth look: a busy machine gave its threads no time. */
static int32_t settle_late(void *device, uint32_t ms)
{
	struct odd *o = device;

	(void)ms;
	if (o->steps == 0)
		return 0;
	if (++o->steps < 6)
		return -ETIMEDOUT;
	o->steps = 0;
	serve(o);
	return 0;
}

/* Some VMMs cannot have a region that ends at 2^64. */
static void *create_below(const struct vringer_host *host, uint64_t offered,
			  const uint16_t *queue_max)
{
	for (uint32_t i = 0; i < host->region_count; i++)
		if (host->regions[i].addr + host->regions[i].size == 0)
			abort();
	return create(host, offered, queue_max);
}

static void *create_flat(const struct vringer_host *host, uint64_t offered,
			 const uint16_t *queue_max)
{
	if (host->region_count != 1)
		abort();
	return create(host, offered, queue_max);
}

static void kick_nothing(void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
}

/* One region, by a pointer. */
static void kick_plain(void *device, uint32_t queue)
{
	struct odd *o = device;
	uint8_t *memory = (uint8_t *)o->host->regions[0].host - o->host->regions[0].addr;
	volatile uint16_t *avail = (void *)(memory + o->ring.avail);
	volatile uint16_t *used = (void *)(memory + o->ring.used);

	(void)queue;
	for (; avail[1] != o->next; o->next++) {
		uint16_t slot = o->next % o->ring.size;

		((volatile uint32_t *)(used + 2))[2 * slot] = avail[2 + slot];
		((volatile uint32_t *)(used + 2))[2 * slot + 1] = 0;
		used[1] = (uint16_t)(o->next + 1);
		if ((avail[0] & 1) == 0)
			o->host->used(o->host->ctx, 0);
	}
}

static void config_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	memset(buf, 0, len);
	if (offset == 0)
		memcpy(buf, &((struct odd *)device)->config, 1);
}

static void config_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	if (offset == 0 && len == 1)
		memcpy(&((struct odd *)device)->config, buf, 1);
}

static void count_nothing(void *device, uint64_t *values)
{
	(void)device;
	*values = 0;
}

static const char *const counter_names[] = { "served" };
static const struct vringer_sum sums[] = { { "used.0", "served" }, { 0, 0 } };

static const struct vringer_queue queues[] = {
	{ .name = "requests", .size_max = 64, .driver_initiated = 1 },
};

#define ODD(id, called, ...)                                                                       \
	static struct vringer_target id = { .version = VRINGER_VERSION,                            \
					    .size = sizeof(id),                                    \
					    .name = called,                                        \
					    .help = "odd",                                         \
					    .level = VRINGER_LEVEL_ACTIVATED,                      \
					    .memory = VRINGER_MEMORY_PURPOSES,                     \
					    .device_id = 4,                                        \
					    .queue_count = 1,                                      \
					    .features = 1ull << 32,                                \
					    .queues = queues,                                      \
					    .activate = activate,                                  \
					    .reset = reset,                                        \
					    .queue_stop = queue_stop,                              \
					    __VA_ARGS__ }

ODD(well, "odd-well", .create = create, .destroy = free, .kick = kick_well);
ODD(exits, "odd-exit", .create = create, .destroy = free, .kick = kick_exit);
ODD(loops, "odd-loop", .create = create, .destroy = free, .kick = kick_loop);
ODD(sleeps, "odd-sleep", .create = create, .destroy = free, .kick = kick_sleep);
ODD(closes, "odd-close", .create = create, .destroy = free, .kick = kick_close);
ODD(prints, "odd-print", .create = create, .destroy = free, .kick = kick_print);
ODD(hungry, "odd-hungry", .create = create, .destroy = free, .kick = kick_alloc);
ODD(held, "odd-hold", .create = create, .destroy = free, .kick = kick_hold, .step = step_hold,
    .state = state_hold);
ODD(threaded, "odd-thread", .create = create_thread, .destroy = destroy_thread, .kick = kick_thread,
    .settle = settle_thread);
ODD(lasting, "odd-lasting", .create = create_thread, .kick = kick_thread, .settle = settle_thread);
ODD(restless, "odd-restless", .create = create, .destroy = free, .kick = kick_hold,
    .settle = settle_never);
ODD(late, "odd-late", .create = create, .destroy = free, .kick = kick_hold, .settle = settle_late);
ODD(forever, "odd-forever", .create = create, .kick = kick_well);
ODD(below, "odd-below", .create = create_below, .destroy = free, .kick = kick_nothing,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_BELOW_TOP);
ODD(flat, "odd-flat", .create = create_flat, .destroy = free, .kick = kick_nothing,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_FLAT);

ODD(plain, "odd-plain", .create = create, .destroy = free, .kick = kick_plain,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_FLAT, .config_len = 1,
    .config_read = config_read, .config_write = config_write);
ODD(miscount, "odd-miscount", .create = create, .destroy = free, .kick = kick_plain,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_FLAT, .flags = VRINGER_JUDGE_LIMITS,
    .counter_count = 1, .counter_names = counter_names, .counters = count_nothing, .sums = sums);

__attribute__((constructor)) static void spoil(void)
{
	static const struct vringer_sum unknown_sum[] = { { "served", "sevred" }, { 0, 0 } };
	static const struct vringer_sum used_right[] = { { "served", "used.0" }, { 0, 0 } };
	static const struct vringer_sum used_queue[] = { { "used.1", "served" }, { 0, 0 } };
	static const struct vringer_disagreement unknown[] = { { "no.such", "why not" }, { 0, 0 } };
	const char *what = getenv("SPOIL");

	if (what == NULL)
		return;
	if (strcmp(what, "version") == 0)
		well.version = 99;
	else if (strcmp(what, "size") == 0)
		well.size -= 8;
	else if (strcmp(what, "packed") == 0)
		well.features |= 1ull << 34;
	else if (strcmp(what, "sum") == 0)
		miscount.sums = unknown_sum;
	else if (strcmp(what, "sum-right") == 0)
		miscount.sums = used_right;
	else if (strcmp(what, "sum-queue") == 0)
		miscount.sums = used_queue;
	else if (strcmp(what, "level") == 0)
		well.level = 0;
	else if (strcmp(what, "kick") == 0)
		well.kick = NULL;
	else if (strcmp(what, "memory") == 0)
		well.memory = 9;
	else if (strcmp(what, "layout") == 0)
		well.layout = 9;
	else if (strcmp(what, "name") == 0)
		well.name = "odd-exit";
	else if (strcmp(what, "queues") == 0)
		well.queue_count = 9;
	else if (strcmp(what, "rule") == 0)
		well.disagreements = unknown;
	else if (strcmp(what, "liveness") == 0)
		well.liveness = "device odd-well\nnonsense\n";
}

VRINGER_TARGETS(&well, &exits, &loops, &held, &threaded, &restless, &forever, &below, &flat, &plain,
		&miscount, &lasting, &sleeps, &closes, &prints, &hungry, &late);
