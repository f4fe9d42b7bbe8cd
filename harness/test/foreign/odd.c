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
	uint32_t queue;
	int mute; /* says nothing of what it returned */
	/* Of the one with a thread: */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int kicked, stop;
};

static uint16_t read16(const struct odd *o, uint16_t purpose, uint64_t addr)
{
	struct vringer_why why = { .purpose = purpose,
				   .queue = (uint16_t)o->queue,
				   .walk = o->next };
	uint16_t value = 0;

	if (purpose == VRINGER_AVAIL_IDX || purpose == VRINGER_AVAIL_FLAGS)
		why.walk = 0;
	o->host->read(o->host->ctx, why, addr, &value, sizeof(value));
	return value;
}

/* The next chain, if there is one. */
static int serve_one(struct odd *o)
{
	uint16_t queue = (uint16_t)o->queue;
	struct vringer_why entry = { VRINGER_USED_ENTRY, queue, o->next };
	struct vringer_why idx = { VRINGER_USED_IDX, queue, 0 };
	uint32_t elem[2] = { 0 };
	uint16_t slot, used;

	if (!o->ring.ready || read16(o, VRINGER_AVAIL_IDX, o->ring.avail + 2) == o->next)
		return 0;
	slot = o->next % o->ring.size;
	elem[0] = read16(o, VRINGER_AVAIL_ENTRY, o->ring.avail + 4 + 2 * slot);
	o->host->write(o->host->ctx, entry, o->ring.used + 4 + 8 * slot, elem, sizeof(elem));
	used = ++o->next;
	o->host->write(o->host->ctx, idx, o->ring.used + 2, &used, sizeof(used));
	if ((read16(o, VRINGER_AVAIL_FLAGS, o->ring.avail) & 1) == 0 && !o->mute)
		o->host->used(o->host->ctx, o->queue);
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

static void say(const struct odd *o, uint16_t flags)
{
	struct vringer_why why = { .purpose = VRINGER_USED_FLAGS };

	o->host->write(o->host->ctx, why, o->ring.used, &flags, sizeof(flags));
}

/* Wants no notification while it works. */
static void kick_quiet(void *device, uint32_t queue)
{
	struct odd *o = device;

	(void)queue;
	say(o, 1);
	serve(o);
	say(o, 0);
	serve(o);
}

/* ... and none when it rests. */
static void kick_mute(void *device, uint32_t queue)
{
	(void)queue;
	say(device, 1);
	serve(device);
}

/* Turns to what is behind it, twice for each chain. */
static void kick_ask(void *device, uint32_t queue)
{
	struct odd *o = device;

	(void)queue;
	for (int i = 0; i < 64 && serve_one(o); i++) {
		o->host->backend(o->host->ctx);
		o->host->backend(o->host->ctx);
	}
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
		if ((avail[0] & 1) == 0 && !o->mute)
			o->host->used(o->host->ctx, o->queue);
	}
}

/* Two queues, both served when either is kicked.  `tells` has a bit for each of which
 * it says that a chain was returned. */
struct two {
	const struct vringer_host *host;
	struct odd of[2];
};

static void *create_two(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max)
{
	struct two *two = calloc(1, sizeof(*two));

	(void)offered;
	(void)queue_max;
	for (uint32_t i = 0; two != NULL && i < 2; i++)
		two->of[i] = (struct odd){ .host = host, .queue = i };
	return two;
}

static void activate_two(void *device, uint64_t features, const struct vringer_ring *rings)
{
	for (uint32_t i = 0; i < 2; i++)
		activate(&((struct two *)device)->of[i], features, &rings[i]);
}

static void reset_two(void *device)
{
	for (uint32_t i = 0; i < 2; i++)
		reset(&((struct two *)device)->of[i]);
}

static void queue_stop_two(void *device, uint32_t queue)
{
	reset(&((struct two *)device)->of[queue]);
}

static void kick_two(void *device, void (*one)(void *device, uint32_t queue), uint32_t tells)
{
	struct two *two = device;

	/* The first is the last, so that its interrupt comes when all are returned. */
	for (uint32_t i = 2; i-- > 0;) {
		two->of[i].mute = (tells >> i & 1) == 0;
		if (two->of[i].ring.ready)
			one(&two->of[i], i);
	}
}

static void kick_both(void *device, uint32_t queue)
{
	(void)queue;
	kick_two(device, kick_well, 3);
}

static void kick_first(void *device, uint32_t queue)
{
	(void)queue;
	kick_two(device, kick_well, 1);
}

static void kick_both_plain(void *device, uint32_t queue)
{
	(void)queue;
	kick_two(device, kick_plain, 3);
}

static void kick_first_plain(void *device, uint32_t queue)
{
	(void)queue;
	kick_two(device, kick_plain, 1);
}

/* Wants no notification while it works; and when it rests. */
static void kick_plain_quiet(void *device, uint32_t queue)
{
	struct odd *o = device;
	uint8_t *memory = (uint8_t *)o->host->regions[0].host - o->host->regions[0].addr;
	volatile uint16_t *used = (void *)(memory + o->ring.used);

	*used = 1;
	kick_plain(device, queue);
	*used = 0;
	kick_plain(device, queue);
}

static void kick_plain_mute(void *device, uint32_t queue)
{
	struct odd *o = device;
	uint8_t *memory = (uint8_t *)o->host->regions[0].host - o->host->regions[0].addr;

	kick_plain(device, queue);
	*(volatile uint16_t *)(void *)(memory + o->ring.used) = 1;
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
	{ .name = "others", .size_max = 64, .driver_initiated = 1 },
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

#define TWO(id, called, ...)                                                                       \
	ODD(id, called, .queue_count = 2, .create = create_two, .destroy = free,                   \
	    .activate = activate_two, .reset = reset_two, .queue_stop = queue_stop_two,            \
	    __VA_ARGS__)
TWO(both, "odd-both", .kick = kick_both);
TWO(first, "odd-first", .kick = kick_first);
TWO(both_plain, "odd-both-plain", .kick = kick_both_plain, .memory = VRINGER_MEMORY_PLAIN,
    .layout = VRINGER_LAYOUT_FLAT);
TWO(first_plain, "odd-first-plain", .kick = kick_first_plain, .memory = VRINGER_MEMORY_PLAIN,
    .layout = VRINGER_LAYOUT_FLAT);

ODD(quiet, "odd-quiet", .create = create, .destroy = free, .kick = kick_quiet,
    .flags = VRINGER_JUDGE_LIMITS);
ODD(mute, "odd-mute", .create = create, .destroy = free, .kick = kick_mute,
    .flags = VRINGER_JUDGE_LIMITS);
ODD(polls, "odd-polls", .create = create, .destroy = free, .kick = kick_mute,
    .flags = VRINGER_JUDGE_LIMITS | VRINGER_POLLS);
ODD(asks, "odd-asks", .create = create, .destroy = free, .kick = kick_ask,
    .flags = VRINGER_JUDGE_LIMITS, .backend_calls_chain = 2);
ODD(asks_more, "odd-asks-more", .create = create, .destroy = free, .kick = kick_ask,
    .flags = VRINGER_JUDGE_LIMITS, .backend_calls = 1);

ODD(plain_quiet, "odd-plain-quiet", .create = create, .destroy = free, .kick = kick_plain_quiet,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_FLAT, .flags = VRINGER_JUDGE_LIMITS);
ODD(plain_mute, "odd-plain-mute", .create = create, .destroy = free, .kick = kick_plain_mute,
    .memory = VRINGER_MEMORY_PLAIN, .layout = VRINGER_LAYOUT_FLAT, .flags = VRINGER_JUDGE_LIMITS);

__attribute__((constructor)) static void spoil(void)
{
	static const struct vringer_sum unknown_sum[] = { { "served", "sevred" }, { 0, 0 } };
	static const struct vringer_sum used_right[] = { { "served", "used.0" }, { 0, 0 } };
	static const struct vringer_sum used_queue[] = { { "used.10", "served" }, { 0, 0 } };
	static const struct vringer_disagreement unknown[] = { { "no.such", "why not" }, { 0, 0 } };
	static const struct vringer_request sends_itself[] = { { .name = "again",
								 .readable = "?",
								 .readable_len = 1,
								 .after = "send_request q\n" },
							       { .name = NULL } };
	const char *what = getenv("SPOIL");

	if (what == NULL)
		return;
	if (strcmp(what, "version") == 0)
		well.version = 99;
	else if (strcmp(what, "size") == 0)
		well.size = 16;
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
		well.queue_count = 65;
	else if (strcmp(what, "rule") == 0)
		well.disagreements = unknown;
	else if (strcmp(what, "request") == 0)
		well.requests = sends_itself;
	else if (strcmp(what, "liveness") == 0)
		well.liveness = "device odd-well\nnonsense\n";
}

VRINGER_TARGETS(&well, &exits, &loops, &held, &threaded, &restless, &forever, &below, &flat, &plain,
		&miscount, &lasting, &both, &first, &both_plain, &first_plain, &quiet, &mute,
		&polls, &asks, &asks_more, &plain_quiet, &plain_mute, &sleeps, &closes, &prints,
		&hungry, &late);
