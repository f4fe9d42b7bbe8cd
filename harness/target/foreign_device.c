/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a device, and the harness's calls of it.  See foreign.h.
 *
 * A device that cannot be destroyed is made once, with all that it can offer,
 * and only reset from then on; its counters are shown from where they stood.
 */
#include "harness/target/foreign.h"
#include "harness/target/mmio_calls.h"

#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

static struct foreign_device *get(void *device)
{
	return device;
}

static const struct vringer_target *given_of(const struct foreign_device *d)
{
	return &d->foreign->given;
}

/* As after a reset that the driver asked for. */
static void reset(struct foreign_device *d)
{
	const struct vringer_target *t = given_of(d);
	static const uint32_t zero;

	foreign_enter(d);
	if (t->level == VRINGER_LEVEL_ACTIVATED)
		t->reset(d->device);
	else
		t->write(d->device, VIRTIO_MMIO_STATUS, &zero, sizeof(zero));
	foreign_leave(d);
	d->live = false;
	d->activated = false;
}

/* The author's device: a new one, or the only one there can be. */
static bool create_given(struct foreign_device *d, uint64_t offered, const uint16_t *queue_max)
{
	const struct vringer_target *t = given_of(d);
	uint16_t sizes[PROGRAM_QUEUES] = { 0 };

	if (d->device != NULL) {
		reset(d);
		t->counters != NULL ? t->counters(d->device, d->counters_from) : (void)0;
		return true;
	}
	if (t->destroy == NULL)
		offered = t->features;
	for (uint32_t i = 0; i < t->queue_count; i++) {
		sizes[i] = t->queues[i].size_max;
		if (t->destroy != NULL && queue_max != NULL && queue_max[i] != 0)
			sizes[i] = queue_max[i];
	}
	foreign_enter(d);
	d->device = t->create(&d->host, offered, sizes);
	foreign_leave(d);
	return d->device != NULL;
}

static void destroy_given(struct foreign_device *d)
{
	const struct vringer_target *t = given_of(d);
	void *device = d->device;

	if (t->destroy == NULL) {
		reset(d);
		return;
	}
	foreign_enter(d);
	t->destroy(device);
	d->device = NULL;
	foreign_leave(d);
}

/* Blocks that are not in use are kept: one is needed for every program, and one that
 * cannot be destroyed is in its block. */
static struct foreign_device *take_spare(struct foreign *f)
{
	struct foreign_device *d = f->spare;

	if (d != NULL) {
		f->spare = d->next;
		return d;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->foreign = f;
	d->threads = f->given.settle != NULL || f->given.settle_queues != NULL;
	pthread_mutex_init(&d->lock, NULL);
	foreign_host_init(d);
	return d;
}

static void give_back(struct foreign_device *d)
{
	d->next = d->foreign->spare;
	d->foreign->spare = d;
}

static void *foreign_create(const struct target *target, const struct device_host *host,
			    uint64_t offered, const uint16_t *queue_max)
{
	struct foreign *f = target->owner;
	struct foreign_device *d = take_spare(f);

	if (d == NULL)
		return NULL;
	d->inner = host;
	d->hung = d->gone = false;
	f->unusable[0] = '\0';
	d->listener = NULL;
	d->activated = d->live = false;
	d->ready = 0;
	foreign_host_begin(d);
	d->host.offered_high = f->given.destroy != NULL ? f->offered_high : f->given.features_high;
	d->host.accepted_high = 0;
	if (!create_given(d, offered, queue_max))
		goto fail;
	if (f->given.level == VRINGER_LEVEL_MMIO)
		return d;
	d->mmio = mmio_create(&f->ops, &d->transport, offered, queue_max);
	if (d->mmio != NULL) {
		mmio_offer_high(d->mmio, f->offered_high);
		return d;
	}
	destroy_given(d);
fail:
	give_back(d);
	return NULL;
}

static void foreign_offer_high(const struct target *target, uint64_t offered)
{
	((struct foreign *)target->owner)->offered_high = offered;
}

static void foreign_destroy(void *device)
{
	struct foreign_device *d = get(device);

	destroy_given(d);
	mmio_destroy(d->mmio);
	d->mmio = NULL;
	d->dev = NULL;
	give_back(d);
}

static void foreign_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	struct foreign_device *d = get(device);

	if (d->mmio != NULL) {
		mmio_read(d->mmio, offset, buf, len);
		return;
	}
	foreign_enter(d);
	given_of(d)->read(d->device, offset, buf, len);
	foreign_leave(d);
}

static void foreign_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct foreign_device *d = get(device);

	if (d->mmio != NULL) {
		mmio_write(d->mmio, offset, buf, len);
		return;
	}
	foreign_watch(d, offset, buf, len);
	foreign_enter(d);
	given_of(d)->write(d->device, offset, buf, len);
	foreign_leave(d);
}

/* A device that has no registers is driven by those of our transport's calls. */
#define CALLEE (((const struct foreign_device *)device)->mmio)
MMIO_CALLS(static, foreign_calls);

/* Those of a device that has them beside its registers. */
#define GIVEN_LOOK(type, name, parameters, arguments)                                              \
	static type given_##name parameters                                                        \
	{                                                                                          \
		return ((const struct foreign_device *)device)->foreign->calls.name arguments;     \
	}
#define GIVEN_ACT(name, parameters, arguments)                                                     \
	static void given_##name parameters                                                        \
	{                                                                                          \
		struct foreign_device *d = device;                                                 \
                                                                                                   \
		foreign_enter(d);                                                                  \
		d->foreign->calls.name arguments;                                                  \
		foreign_leave(d);                                                                  \
	}
#define GIVEN_CALL_LOOK(type, name, parameters, arguments) .name = given_##name,
#define GIVEN_CALL_ACT(name, parameters, arguments) .name = given_##name,
#undef CALLEE
#define CALLEE (((const struct foreign_device *)device)->device)
TARGET_CALLS(GIVEN_LOOK, GIVEN_ACT)
static const struct target_calls given_calls = { TARGET_CALLS(GIVEN_CALL_LOOK, GIVEN_CALL_ACT) };

static void foreign_work(void *device)
{
	struct foreign_device *d = get(device);

	if (d->mmio != NULL) {
		mmio_work(d->mmio);
		return;
	}
	foreign_enter(d);
	given_of(d)->step(d->device);
	foreign_leave(d);
}

static enum device_state foreign_state(const void *device)
{
	const struct foreign_device *d = device;
	const struct vringer_target *t = given_of(d);

	if (d->mmio != NULL)
		return mmio_state(d->mmio);
	return t->state != NULL ? (enum device_state)t->state(d->device) : DEVICE_IDLE;
}

static bool foreign_hung(const void *device)
{
	return ((const struct foreign_device *)device)->hung;
}

/* The transport's counters, then the device's. */
static unsigned transport_counters(const struct foreign_device *d)
{
	return d->mmio != NULL ? mmio_counter_count(d->mmio) : 0;
}

static unsigned foreign_counter_count(const void *device)
{
	const struct foreign_device *d = device;

	return transport_counters(d) + given_of(d)->counter_count;
}

static const char *foreign_counter_name(const void *device, unsigned index)
{
	const struct foreign_device *d = device;
	unsigned transport = transport_counters(d);

	if (index < transport)
		return mmio_counter_name(d->mmio, index);
	return given_of(d)->counter_names[index - transport];
}

static void foreign_counters(const void *device, uint64_t *values)
{
	const struct foreign_device *d = device;
	const struct vringer_target *t = given_of(d);

	if (d->mmio != NULL)
		memcpy(values, mmio_counters(d->mmio), transport_counters(d) * sizeof(*values));
	values += transport_counters(d);
	if (t->counter_count == 0)
		return;
	t->counters(d->device, values);
	for (uint32_t i = 0; t->destroy == NULL && i < t->counter_count; i++)
		values[i] -= d->counters_from[i];
}

static bool foreign_logged(const void *device, uint64_t page)
{
	const struct foreign_device *d = device;

	return given_of(d)->logged(d->device, page) != 0;
}

static void foreign_listen(void *device, const struct target_listener *listener)
{
	get(device)->listener = listener;
}

void foreign_target_init(struct foreign *f)
{
	struct target *t = &f->target;

	t->owner = f;
	t->create = foreign_create;
	t->offer_high = foreign_offer_high;
	t->destroy = foreign_destroy;
	t->read = foreign_read;
	t->write = foreign_write;
	if (f->given.level == VRINGER_LEVEL_ACTIVATED)
		t->calls = &foreign_calls;
	else if (f->given.calls != NULL)
		t->calls = &given_calls;
	t->work = f->given.step != NULL ? foreign_work : NULL;
	t->state = foreign_state;
	t->listen = foreign_listen;
	t->logged = f->given.logged != NULL ? foreign_logged : NULL;
	if (f->given.settle != NULL || f->given.settle_queues != NULL)
		t->hung = foreign_hung;
	t->counter_count = foreign_counter_count;
	t->counter_name = foreign_counter_name;
	t->counters = foreign_counters;
}
