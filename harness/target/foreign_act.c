/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the host does to a device, and its snapshots: the harness's calls, made into
 * those of vringer.h.  See foreign.h.
 *
 * Snapshots of a device under our transport have the transport's part around them
 * (devices/snapshot.h); foreign_activated.c has the author's part of that.
 */
#include "harness/target/foreign.h"

#include "devices/snapshot.h"
#include "harness/target/own_part.h"

_Static_assert((int)VRINGER_TYPE == HOST_TYPE && (int)VRINGER_TAKE == HOST_TAKE &&
		       (int)VRINGER_PUT_BACK == HOST_PUT_BACK &&
		       (int)VRINGER_SET_NUM_PAGES == HOST_SET_NUM_PAGES &&
		       (int)VRINGER_CHANGE_CONFIG == HOST_CHANGE_CONFIG &&
		       (int)VRINGER_CHANGE_CONFIG + 1 == HOST_ACT_COUNT,
	       "enum vringer_act is enum host_act");
_Static_assert((int)VRINGER_FORGET == ORDER_FORGET && (int)VRINGER_REFUSE == ORDER_REFUSE &&
		       (int)VRINGER_HOLD == ORDER_HOLD && (int)VRINGER_PRETEND == ORDER_PRETEND &&
		       (int)VRINGER_PRETEND + 1 == HOST_ORDER_COUNT,
	       "enum vringer_order is enum host_order");

static uint32_t foreign_host(void *device, enum host_act act, unsigned port, void *data,
			     uint32_t len)
{
	struct foreign_device *d = device;
	const struct vringer_backend *backend = &d->foreign->backend;
	uint32_t done;

	if ((backend->acts >> act & 1) == 0)
		return 0;
	foreign_enter(d);
	done = backend->act(d->device, (uint32_t)act, port, data, len);
	foreign_leave(d);
	return done;
}

static void foreign_order(void *device, enum host_order order, unsigned port, uint32_t count,
			  uint32_t amount)
{
	struct foreign_device *d = device;
	const struct vringer_backend *backend = &d->foreign->backend;

	if ((backend->orders >> order & 1) == 0)
		return;
	foreign_enter(d);
	backend->order(d->device, (uint32_t)order, port, count, amount);
	foreign_leave(d);
}

static uint32_t foreign_waiting(const void *device)
{
	const struct foreign_device *d = device;

	return d->foreign->backend.waiting(d->device);
}

_Static_assert(PROGRAM_QUEUES <= SNAPSHOT_QUEUES_MAX, "what has a program's queues is restored");

static size_t foreign_save(const void *device, void *out, size_t room)
{
	struct foreign_device *d = ((const struct foreign_device *)device)->host.ctx;
	size_t len;

	if (d->mmio != NULL)
		return snapshot_save(d->mmio, out, room);
	foreign_enter(d);
	len = d->foreign->snapshots.save(d->device, out, room);
	foreign_leave(d);
	return len;
}

static int foreign_restore(void *device, const void *data, size_t len, size_t *at,
			   const char **what)
{
	struct foreign_device *d = device;
	struct snapshot_error error;
	uint64_t bad_at = 0;
	int err;

	*what = "the device does not say what is wrong";
	if (d->mmio != NULL) {
		err = snapshot_restore(d->mmio, data, len, &error);
		*at = error.at;
		*what = error.what;
		return err;
	}
	foreign_enter(d);
	err = d->foreign->snapshots.restore(d->device, data, len, &bad_at, what);
	foreign_leave(d);
	*at = bad_at;
	return err;
}

/* At VRINGER_LEVEL_ACTIVATED the author's bytes come behind those of our transport, and behind
 * one that says whether the device is activated. */
static const char *foreign_impossible(const struct target *target, const void *data, size_t len,
				      size_t *at)
{
	const struct foreign *f = target->owner;
	struct own_part part = { .bytes = data, .at = 0 };
	uint64_t bad_at = 0;
	const char *what;

	if (f->given.level == VRINGER_LEVEL_ACTIVATED &&
	    (!own_part_open(&part, data, len, target->features_high != 0) || part.what != NULL ||
	     own_part_get_max(&part, 1, 1, "activated or not") > 1)) {
		*at = part.wrong;
		return part.what;
	}
	what = f->snapshots.impossible(part.bytes + part.at, len - part.at, &bad_at);
	*at = part.at + bad_at;
	/* cppcheck-suppress returnDanglingLifetime ; it is a constant of the author's */
	return what;
}

static void foreign_inherit(void *device, void *old)
{
	struct foreign_device *d = device;

	foreign_enter(d);
	d->foreign->snapshots.inherit(d->device, ((struct foreign_device *)old)->device);
	foreign_leave(d);
}

static bool foreign_set_region(void *device, uint64_t addr, bool present)
{
	struct foreign_device *d = device;
	int32_t err;

	foreign_enter(d);
	err = d->foreign->given.set_region(d->device, addr, present);
	foreign_leave(d);
	return err == 0;
}

void foreign_act_init(struct foreign *f)
{
	struct target *t = &f->target;

	t->host = f->backend.act != NULL ? foreign_host : NULL;
	t->order = f->backend.order != NULL ? foreign_order : NULL;
	t->waiting = f->backend.waiting != NULL ? foreign_waiting : NULL;
	t->save = f->snapshots.save != NULL ? foreign_save : NULL;
	t->restore = f->snapshots.restore != NULL ? foreign_restore : NULL;
	t->impossible = f->snapshots.impossible != NULL ? foreign_impossible : NULL;
	t->set_region = f->given.set_region != NULL ? foreign_set_region : NULL;
	t->inherit = f->snapshots.inherit != NULL ? foreign_inherit : NULL;
}
