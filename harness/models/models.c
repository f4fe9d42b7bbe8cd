/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Our own device models as targets: the list, and what they share.  See vringer.h.
 */
#include "harness/models/models.h"

#include "devices/balloon.h"
#include "devices/blk.h"
#include "devices/console.h"
#include "devices/fs.h"
#include "devices/mmio.h"
#include "devices/net.h"
#include "devices/rng.h"
#include "devices/snapshot.h"
#include "devices/vsock.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What a model stands on, by what vringer gives it: ctx is a struct vringer_host. */

/* Whole: member by member it would go through memory, and every access would wait. */
union same_why {
	struct guest_why model;
	struct vringer_why given;
};
_Static_assert(sizeof(struct vringer_why) == sizeof(struct guest_why) &&
		       offsetof(struct vringer_why, queue) == offsetof(struct guest_why, queue) &&
		       offsetof(struct vringer_why, walk) == offsetof(struct guest_why, walk),
	       "struct guest_why is struct vringer_why");
#define GIVEN_WHY(why) (((union same_why){ .model = (why) }).given)

static int host_read(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	const struct vringer_host *host = ctx;

	return host->read(host->ctx, GIVEN_WHY(why), addr, buf, len);
}

static int host_write(void *ctx, struct guest_why why, uint64_t addr, const void *buf, uint32_t len)
{
	const struct vringer_host *host = ctx;

	return host->write(host->ctx, GIVEN_WHY(why), addr, buf, len);
}

static void *host_map(void *ctx, struct guest_why why, uint64_t addr, uint32_t len, bool write)
{
	const struct vringer_host *host = ctx;

	return host->map(host->ctx, GIVEN_WHY(why), addr, len, write);
}

static int host_unmap(void *ctx, void *view)
{
	const struct vringer_host *host = ctx;

	return host->unmap(host->ctx, view);
}

static void host_interrupt(void *ctx, uint32_t bits)
{
	const struct vringer_host *host = ctx;

	host->interrupt(host->ctx, bits);
}

static bool host_is_memory(void *ctx, uint64_t addr, uint64_t len)
{
	const struct vringer_host *host = ctx;

	return host->is_memory(host->ctx, addr, len) != 0;
}

static void *host_alloc(void *ctx, size_t size)
{
	const struct vringer_host *host = ctx;

	return host->alloc(host->ctx, size);
}

static void host_free(void *ctx, void *block)
{
	const struct vringer_host *host = ctx;

	host->free(host->ctx, block);
}

bool model_open(struct model *model, const struct device_ops *ops, const struct vringer_host *host,
		uint64_t offered, const uint16_t *queue_max)
{
	union {
		const struct vringer_host *given;
		void *ctx;
	} under = { .given = host };

	model->host = (struct device_host){
		.ctx = under.ctx,
		.read = host_read,
		.write = host_write,
		.map = host_map,
		.unmap = host_unmap,
		.interrupt = host_interrupt,
		.is_memory = host_is_memory,
		.alloc = host_alloc,
		.free = host_free,
	};
	model->mmio = mmio_create(ops, &model->host, offered, queue_max);
	return model->mmio != NULL;
}

/* Blocks that are not in use, for the next models: one is made for every program, and
 * two are there while one is restored.  They are none of the model's memory, which the
 * harness counts. */
static struct model *spare;

static void give_back(struct model *model)
{
	model->mmio = NULL;
	if (spare == NULL)
		spare = model;
	else
		free(model);
}

void *model_create(const struct device_ops *ops, const struct vringer_host *host, uint64_t offered,
		   const uint16_t *queue_max)
{
	struct model *model = spare != NULL ? spare : malloc(sizeof(*model));

	spare = NULL;
	if (model == NULL || model_open(model, ops, host, offered, queue_max))
		return model;
	give_back(model);
	return NULL;
}

static struct mmio *mmio_of(const void *device)
{
	return ((const struct model *)device)->mmio;
}

struct device *model_device(void *device)
{
	return mmio_device(mmio_of(device));
}

void model_destroy(void *device)
{
	mmio_destroy(mmio_of(device));
	give_back(device);
}

void model_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	mmio_read(mmio_of(device), offset, buf, len);
}

void model_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	mmio_write(mmio_of(device), offset, buf, len);
}

void model_step(void *device)
{
	mmio_work(mmio_of(device));
}

_Static_assert((int)VRINGER_IDLE == DEVICE_IDLE && (int)VRINGER_WORK == DEVICE_WORK &&
		       (int)VRINGER_WAITING == DEVICE_WAITING,
	       "enum device_state is enum vringer_state");

uint32_t model_state(void *device)
{
	return mmio_state(mmio_of(device));
}

/* By eights, which compilers do in place: it is done after every operation. */
void model_counters(void *device, uint64_t *values)
{
	const uint64_t *from = mmio_counters(mmio_of(device));
	unsigned i = 0, count = mmio_counter_count(mmio_of(device));

	for (; count - i >= 8; i += 8)
		memcpy(values + i, from + i, 8 * sizeof(*values));
	for (; i < count; i++)
		values[i] = from[i];
}

/* The driver's acts, and what it sees: the transport has each by that name. */
#define LOOK(name, parameters, ...)                                                                \
	static uint32_t call_##name parameters                                                     \
	{                                                                                          \
		return mmio_##name(__VA_ARGS__);                                                   \
	}
#define ACT(name, parameters, ...)                                                                 \
	static void call_##name parameters                                                         \
	{                                                                                          \
		mmio_##name(__VA_ARGS__);                                                          \
	}
LOOK(status, (const void *device), mmio_of(device))
ACT(set_status, (void *device, uint32_t status), mmio_of(device), status)
LOOK(offered, (const void *device, uint32_t word), mmio_of(device), word)
ACT(accept, (void *device, uint32_t word, uint32_t features), mmio_of(device), word, features)
LOOK(queue_max, (const void *device, uint32_t queue), mmio_of(device), queue)
ACT(set_queue_size, (void *device, uint32_t queue, uint32_t size), mmio_of(device), queue, size)
ACT(set_queue_area, (void *device, uint32_t queue, uint32_t area, uint32_t word, uint32_t address),
    mmio_of(device), queue, (enum virtqueue_area)area, word, address)
LOOK(queue_ready, (const void *device, uint32_t queue), mmio_of(device), queue)
ACT(set_queue_ready, (void *device, uint32_t queue, uint32_t ready), mmio_of(device), queue, ready)
LOOK(queue_reset, (const void *device, uint32_t queue), mmio_of(device), queue)
ACT(set_queue_reset, (void *device, uint32_t queue, uint32_t reset), mmio_of(device), queue, reset)
ACT(notify, (void *device, uint32_t queue), mmio_of(device), queue)
LOOK(interrupt_status, (const void *device), mmio_of(device))
ACT(acknowledge, (void *device, uint32_t bits), mmio_of(device), bits)
LOOK(generation, (const void *device), mmio_of(device))
ACT(config_read, (void *device, uint64_t offset, void *buf, uint32_t len), mmio_of(device), offset,
    buf, len)
ACT(config_write, (void *device, uint64_t offset, const void *buf, uint32_t len), mmio_of(device),
    offset, buf, len)

const struct vringer_calls model_calls = {
	.size = sizeof(model_calls),
	.status = call_status,
	.set_status = call_set_status,
	.offered = call_offered,
	.accept = call_accept,
	.queue_max = call_queue_max,
	.set_queue_size = call_set_queue_size,
	.set_queue_area = call_set_queue_area,
	.queue_ready = call_queue_ready,
	.set_queue_ready = call_set_queue_ready,
	.notify = call_notify,
	.interrupt_status = call_interrupt_status,
	.acknowledge = call_acknowledge,
	.generation = call_generation,
	.config_read = call_config_read,
	.config_write = call_config_write,
	.queue_reset = call_queue_reset,
	.set_queue_reset = call_set_queue_reset,
};

uint64_t model_save(const void *device, void *out, uint64_t room)
{
	return snapshot_save(mmio_of(device), out, room);
}

int32_t model_restore(void *device, const void *data, uint64_t len, uint64_t *at, const char **what)
{
	struct snapshot_error error;
	int err = snapshot_restore(mmio_of(device), data, len, &error);

	*at = error.at;
	*what = error.what;
	return err;
}

#define COUNTERS_MAX 64

/* The names of a device's counters are the transport's and the model's: there is one list
 * of each, so they are put together when the program starts. */
static void name_counters(struct vringer_target *target, const struct device_ops *ops,
			  const char *names[COUNTERS_MAX])
{
	uint32_t count = 0;

	while (count < COUNTERS_MAX && mmio_counter_name_of(ops, count) != NULL) {
		names[count] = mmio_counter_name_of(ops, count);
		count++;
	}
	target->counter_names = names;
	target->counter_count = count;
}

__attribute__((constructor)) static void name_all_counters(void)
{
	static const struct {
		struct vringer_target *target;
		const struct device_ops *ops;
	} models[] = {
		{ &net_loopback_target, &net_loopback_ops },
		{ &net_host_target, &net_host_ops },
		{ &console_target, &console_ops },
		{ &fs_target, &fs_ops },
		{ &balloon_target, &balloon_ops },
		{ &rng_target, &rng_ops },
		{ &blk_target, &blk_ops },
		{ &blk_ro_target, &blk_ops },
		{ &vsock_target, &vsock_ops },
	};
	static const char *names[MODEL_COUNT(models)][COUNTERS_MAX];

	for (size_t i = 0; i < MODEL_COUNT(models); i++)
		name_counters(models[i].target, models[i].ops, names[i]);
}

VRINGER_TARGETS(&net_loopback_target, &net_host_target, &console_target, &fs_target,
		&balloon_target, &rng_target, &blk_target, &blk_ro_target, &vsock_target);
