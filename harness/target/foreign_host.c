/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a device that is not ours stands on: guest memory, an interrupt line, a
 * heap, as vringer.h has them, made of what the harness gives a device.  See
 * foreign.h.
 *
 * Here threads of the device's are kept apart, and calls that come when none is
 * due are refused.
 */
#include "harness/target/foreign.h"

#include <linux/virtio_mmio.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)VRINGER_PAYLOAD == GUEST_PAYLOAD && (int)VRINGER_DESC == GUEST_DESC &&
		       (int)VRINGER_INDIRECT == GUEST_INDIRECT &&
		       (int)VRINGER_AVAIL_FLAGS == GUEST_AVAIL_FLAGS &&
		       (int)VRINGER_AVAIL_IDX == GUEST_AVAIL_IDX &&
		       (int)VRINGER_AVAIL_ENTRY == GUEST_AVAIL_ENTRY &&
		       (int)VRINGER_USED_EVENT == GUEST_USED_EVENT &&
		       (int)VRINGER_USED_FLAGS == GUEST_USED_FLAGS &&
		       (int)VRINGER_USED_IDX == GUEST_USED_IDX &&
		       (int)VRINGER_USED_ENTRY == GUEST_USED_ENTRY &&
		       (int)VRINGER_AVAIL_EVENT == GUEST_AVAIL_EVENT &&
		       (int)VRINGER_PACKED_DESC == GUEST_PACKED_DESC &&
		       (int)VRINGER_PACKED_FLAGS == GUEST_PACKED_FLAGS &&
		       (int)VRINGER_PACKED_USED == GUEST_PACKED_USED &&
		       (int)VRINGER_DRIVER_EVENT == GUEST_DRIVER_EVENT &&
		       (int)VRINGER_DEVICE_EVENT == GUEST_DEVICE_EVENT &&
		       (int)VRINGER_DEVICE_EVENT + 1 == GUEST_PURPOSE_COUNT,
	       "enum vringer_purpose is enum guest_purpose");
_Static_assert(sizeof(struct vringer_why) == sizeof(struct guest_why) &&
		       offsetof(struct vringer_why, queue) == offsetof(struct guest_why, queue) &&
		       offsetof(struct vringer_why, walk) == offsetof(struct guest_why, walk),
	       "struct vringer_why is struct guest_why");
_Static_assert((int)VRINGER_IDLE == DEVICE_IDLE && (int)VRINGER_WORK == DEVICE_WORK &&
		       (int)VRINGER_WAITING == DEVICE_WAITING &&
		       (int)VRINGER_WAITING + 1 == DEVICE_STATE_COUNT,
	       "enum vringer_state is enum device_state");

void foreign_abort(const struct foreign_device *d, const char *call, const char *what)
{
	fprintf(stderr, "vringer: target %s: %s: %s\n", d->foreign->given.name, call, what);
	abort();
}

static inline void check_due(const struct foreign_device *d, const char *call)
{
	if (d->calls == 0)
		foreign_abort(d, call,
			      "called while no device call was in progress; a device with "
			      "threads needs a settle that waits for them");
}

static inline void host_enter(struct foreign_device *d, const char *call)
{
	if (d->threads)
		pthread_mutex_lock(&d->lock);
	check_due(d, call);
}

static inline void host_leave(struct foreign_device *d)
{
	if (d->threads)
		pthread_mutex_unlock(&d->lock);
}

static inline void check_why(const struct foreign_device *d, const char *call,
			     struct vringer_why why)
{
	if (why.purpose >= GUEST_PURPOSE_COUNT)
		foreign_abort(d, call, "the purpose is not one of enum vringer_purpose");
}

/* Whole: member by member it would go through memory, and every access would wait. */
union same_why {
	struct vringer_why given;
	struct guest_why told;
};
#define TOLD_WHY(why) (((union same_why){ .given = (why) }).told)

/* Accesses are what a device calls most: where there are no threads nothing is done after one. */
static inline int32_t read_now(struct foreign_device *d, struct vringer_why why, uint64_t addr,
			       void *buf, uint32_t len)
{
	check_due(d, "read");
	check_why(d, "read", why);
	return d->inner->read(d->inner->ctx, TOLD_WHY(why), addr, buf, len);
}

static inline int32_t write_now(struct foreign_device *d, struct vringer_why why, uint64_t addr,
				const void *buf, uint32_t len)
{
	check_due(d, "write");
	check_why(d, "write", why);
	return d->inner->write(d->inner->ctx, TOLD_WHY(why), addr, buf, len);
}

static __attribute__((noinline)) int32_t read_locked(struct foreign_device *d,
						     struct vringer_why why, uint64_t addr,
						     void *buf, uint32_t len)
{
	int32_t err;

	pthread_mutex_lock(&d->lock);
	err = read_now(d, why, addr, buf, len);
	pthread_mutex_unlock(&d->lock);
	return err;
}

static __attribute__((noinline)) int32_t write_locked(struct foreign_device *d,
						      struct vringer_why why, uint64_t addr,
						      const void *buf, uint32_t len)
{
	int32_t err;

	pthread_mutex_lock(&d->lock);
	err = write_now(d, why, addr, buf, len);
	pthread_mutex_unlock(&d->lock);
	return err;
}

static int32_t host_read(void *ctx, struct vringer_why why, uint64_t addr, void *buf, uint32_t len)
{
	struct foreign_device *d = ctx;

	return d->threads ? read_locked(d, why, addr, buf, len) : read_now(d, why, addr, buf, len);
}

static int32_t host_write(void *ctx, struct vringer_why why, uint64_t addr, const void *buf,
			  uint32_t len)
{
	struct foreign_device *d = ctx;

	return d->threads ? write_locked(d, why, addr, buf, len)
			  : write_now(d, why, addr, buf, len);
}

static void *host_map(void *ctx, struct vringer_why why, uint64_t addr, uint32_t len,
		      uint32_t write)
{
	struct foreign_device *d = ctx;
	void *view;

	host_enter(d, "map");
	check_why(d, "map", why);
	view = d->inner->map(d->inner->ctx, TOLD_WHY(why), addr, len, write != 0);
	host_leave(d);
	return view;
}

static int32_t host_unmap(void *ctx, void *view)
{
	struct foreign_device *d = ctx;
	int err;

	host_enter(d, "unmap");
	err = d->inner->unmap(d->inner->ctx, view);
	host_leave(d);
	return err;
}

/* Nobody says what for. */
static const struct guest_why untold = { .purpose = GUEST_UNTOLD };

static int32_t host_load(void *ctx, uint64_t addr, void *buf, uint32_t len)
{
	struct foreign_device *d = ctx;
	int err;

	host_enter(d, "load");
	err = d->inner->read(d->inner->ctx, untold, addr, buf, len);
	host_leave(d);
	return err;
}

static int32_t host_store(void *ctx, uint64_t addr, const void *buf, uint32_t len)
{
	struct foreign_device *d = ctx;
	int err;

	host_enter(d, "store");
	err = d->inner->write(d->inner->ctx, untold, addr, buf, len);
	host_leave(d);
	return err;
}

static void host_interrupt(void *ctx, uint32_t bits)
{
	struct foreign_device *d = ctx;

	host_enter(d, "interrupt");
	if ((bits & ~(uint32_t)(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)) != 0)
		foreign_abort(d, "interrupt", "bits that InterruptStatus does not have");
	d->inner->interrupt(d->inner->ctx, bits);
	host_leave(d);
}

static void host_backend(void *ctx)
{
	struct foreign_device *d = ctx;

	host_enter(d, "backend");
	if (d->listener != NULL)
		d->listener->called(d->listener->ctx);
	host_leave(d);
}

static uint32_t host_is_memory(void *ctx, uint64_t addr, uint64_t len)
{
	struct foreign_device *d = ctx;
	bool is;

	host_enter(d, "is_memory");
	is = len > 0 && d->inner->is_memory(d->inner->ctx, addr, len);
	host_leave(d);
	return is;
}

static void host_frame(void *ctx, uint32_t end, const void *frame, uint32_t len)
{
	struct foreign_device *d = ctx;

	host_enter(d, "frame");
	if (end < FRAME_END_FIRST || end >= FRAME_END_PAST)
		foreign_abort(d, "frame", "the end is not one of enum vringer_end");
	if (d->listener != NULL)
		d->listener->frame(d->listener->ctx, (enum frame_end)end, frame, len);
	host_leave(d);
}

static void host_fault(void *ctx, const char *what)
{
	struct foreign_device *d = ctx;

	host_enter(d, "fault");
	if (d->listener != NULL)
		d->listener->fault(d->listener->ctx, what);
	host_leave(d);
}

static void host_report(void *ctx, uint32_t kind, const char *signature, const char *message)
{
	struct foreign_device *d = ctx;

	host_enter(d, "report");
	foreign_report(d, kind, signature, message);
	host_leave(d);
}

static void host_taken(void *ctx, uint32_t queue, uint32_t index)
{
	struct foreign_device *d = ctx;

	host_enter(d, "taken");
	if (queue >= d->foreign->given.queue_count || index > UINT16_MAX)
		foreign_abort(d, "taken", "there is no such queue, or index");
	if (d->listener != NULL && d->listener->taken != NULL)
		d->listener->taken(d->listener->ctx, queue, (uint16_t)index);
	host_leave(d);
}

static void host_used(void *ctx, uint32_t queue)
{
	struct foreign_device *d = ctx;

	host_enter(d, "used");
	if (queue >= d->foreign->given.queue_count)
		foreign_abort(d, "used", "there is no such queue");
	if (d->dev != NULL) {
		if (d->listener != NULL)
			d->listener->used(d->listener->ctx, queue);
		device_interrupt(d->dev, VIRTIO_MMIO_INT_VRING);
	}
	host_leave(d);
}

static void host_config_changed(void *ctx)
{
	struct foreign_device *d = ctx;

	host_enter(d, "config_changed");
	if (d->dev != NULL) {
		d->dev->config_generation++;
		device_interrupt(d->dev, VIRTIO_MMIO_INT_CONFIG);
	}
	host_leave(d);
}

static void host_needs_reset(void *ctx)
{
	struct foreign_device *d = ctx;

	host_enter(d, "needs_reset");
	if (d->dev != NULL)
		device_needs_reset(d->dev);
	host_leave(d);
}

static void *host_alloc(void *ctx, uint64_t size)
{
	struct foreign_device *d = ctx;
	void *block;

	host_enter(d, "alloc");
	block = d->inner->alloc(d->inner->ctx, size);
	host_leave(d);
	return block;
}

static void host_free(void *ctx, void *block)
{
	struct foreign_device *d = ctx;

	host_enter(d, "free");
	d->inner->free(d->inner->ctx, block);
	host_leave(d);
}

/* The heap of the harness lasts for one run; what outlives it, and our own
 * transport, is none of the ledger's business. */
static void *lasting_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void lasting_free(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

static void *host_lasting_alloc(void *ctx, uint64_t size)
{
	return lasting_alloc(ctx, size);
}

static void transport_interrupt(void *ctx, uint32_t bits)
{
	const struct foreign_device *d = ctx;

	d->inner->interrupt(d->inner->ctx, bits);
}

/* The regions of plain memory. */
void foreign_host_begin(struct foreign_device *d)
{
	struct arena_handout out[ARENA_REGIONS_MAX];
	unsigned count;

	if (d->foreign->given.memory != VRINGER_MEMORY_PLAIN)
		return;
	count = arena_hand_out(d->inner->ctx, out);

	for (unsigned i = 0; i < count; i++)
		d->regions[i] = (struct vringer_region){ .addr = out[i].addr,
							 .size = out[i].size,
							 .host = out[i].host,
							 .fd_offset = out[i].fd_offset,
							 .fd = out[i].fd };
	d->host.region_count = count;
}

void foreign_host_init(struct foreign_device *d)
{
	const struct vringer_target *t = &d->foreign->given;
	bool activated = t->level == VRINGER_LEVEL_ACTIVATED;
	bool purposes = t->memory == VRINGER_MEMORY_PURPOSES;
	bool accessors = t->memory == VRINGER_MEMORY_ACCESSORS;
	bool plain = t->memory == VRINGER_MEMORY_PLAIN;

	d->transport = (struct device_host){ .ctx = d,
					     .interrupt = transport_interrupt,
					     .alloc = lasting_alloc,
					     .free = lasting_free };
	d->host = (struct vringer_host){
		.version = VRINGER_VERSION,
		.size = sizeof(d->host),
		.ctx = d,
		.read = purposes ? host_read : NULL,
		.write = purposes ? host_write : NULL,
		.map = purposes ? host_map : NULL,
		.unmap = purposes ? host_unmap : NULL,
		.load = accessors ? host_load : NULL,
		.store = accessors ? host_store : NULL,
		.regions = plain ? d->regions : NULL,
		.interrupt = activated ? NULL : host_interrupt,
		.used = activated ? host_used : NULL,
		.config_changed = activated ? host_config_changed : NULL,
		.needs_reset = activated ? host_needs_reset : NULL,
		.alloc = t->destroy != NULL ? host_alloc : host_lasting_alloc,
		.free = t->destroy != NULL ? host_free : lasting_free,
		.backend = host_backend,
		.opaque = t->opaque,
		.is_memory = host_is_memory,
		.frame = host_frame,
		.fault = host_fault,
		.report = host_report,
		.taken = activated ? host_taken : NULL,
	};
}
