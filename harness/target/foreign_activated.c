/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Our transport over a device that has none: a model (devices/device.h) whose
 * every call goes to the author's device.  See foreign.h.
 *
 * The author's device knows of queues from activate on.  One queue stopped on a
 * live device is stopped there as well, or, where it cannot be, all of it: the
 * device is reset and says DEVICE_NEEDS_RESET.  One that can reset a queue alone is told of
 * that, and of the queue when it is ready again.
 */
#include "harness/target/foreign.h"

#include "devices/snapshot_codec.h"
#include "devices/virtqueue.h"

#include <linux/virtio_config.h>
#include <string.h>

static struct foreign_device *device_of(const struct device *dev)
{
	return dev->host->ctx; /* foreign_host_init */
}

static const struct vringer_target *given_of(const struct foreign_device *d)
{
	return &d->foreign->given;
}

static int shim_create(struct device *dev)
{
	device_of(dev)->dev = dev;
	return 0;
}

static void shim_destroy(struct device *dev)
{
	(void)dev;
}

static void shim_reset(struct device *dev)
{
	struct foreign_device *d = device_of(dev);

	foreign_enter(d);
	given_of(d)->reset(d->device);
	foreign_leave(d);
	d->activated = false;
}

static struct vringer_ring ring_of(const struct virtqueue *vq)
{
	return (struct vringer_ring){ .desc = vq->area[VIRTQUEUE_DESC],
				      .avail = vq->area[VIRTQUEUE_DRIVER],
				      .used = vq->area[VIRTQUEUE_DEVICE],
				      .size = vq->size,
				      .ready = 1 };
}

static void shim_activate(struct device *dev)
{
	struct foreign_device *d = device_of(dev);
	struct vringer_ring rings[PROGRAM_QUEUES] = { { 0 } };

	for (unsigned i = 0; i < dev->ops->queue_count; i++)
		if (dev->queues[i].ready)
			rings[i] = ring_of(&dev->queues[i]);
	d->activated = true;
	d->host.accepted_high = device_high(dev) != NULL ? device_high(dev)->features : 0;
	foreign_enter(d);
	given_of(d)->activate(d->device, dev->features, rings);
	foreign_leave(d);
}

static void shim_queue_stop(struct device *dev, unsigned queue)
{
	struct foreign_device *d = device_of(dev);

	if (!d->activated)
		return;
	if (given_of(d)->queue_stop == NULL) {
		shim_reset(dev);
		device_needs_reset(dev);
		return;
	}
	foreign_enter(d);
	given_of(d)->queue_stop(d->device, queue);
	foreign_leave(d);
}

/* Of a device that was never activated nothing is to be forgotten. */
static void shim_queue_reset(struct device *dev, unsigned queue)
{
	struct foreign_device *d = device_of(dev);

	if (!d->activated || given_of(d)->queue_reset == NULL)
		return;
	foreign_enter(d);
	given_of(d)->queue_reset(d->device, queue);
	foreign_leave(d);
}

static void shim_queue_start(struct device *dev, unsigned queue)
{
	struct foreign_device *d = device_of(dev);
	const struct vringer_ring ring = ring_of(&dev->queues[queue]);

	if (!d->activated || given_of(d)->queue_start == NULL)
		return;
	foreign_enter(d);
	given_of(d)->queue_start(d->device, queue, &ring);
	foreign_leave(d);
}

static void shim_notify(struct device *dev, unsigned queue)
{
	struct foreign_device *d = device_of(dev);

	if (!d->activated)
		return;
	foreign_enter(d);
	given_of(d)->kick(d->device, queue);
	foreign_leave(d);
}

static void shim_work(struct device *dev)
{
	struct foreign_device *d = device_of(dev);

	if (!d->activated || given_of(d)->step == NULL)
		return;
	foreign_enter(d);
	given_of(d)->step(d->device);
	foreign_leave(d);
}

static enum device_state shim_state(const struct device *dev)
{
	const struct foreign_device *d = device_of(dev);

	if (!d->activated || given_of(d)->state == NULL)
		return DEVICE_IDLE;
	return (enum device_state)given_of(d)->state(d->device);
}

static void shim_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	struct foreign_device *d = device_of(dev);

	if (given_of(d)->config_read == NULL) {
		memset(buf, 0, len);
		return;
	}
	foreign_enter(d);
	given_of(d)->config_read(d->device, offset, buf, len);
	foreign_leave(d);
}

static void shim_config_write(struct device *dev, uint64_t offset, const uint8_t *buf, uint32_t len)
{
	struct foreign_device *d = device_of(dev);

	if (given_of(d)->config_write == NULL)
		return;
	foreign_enter(d);
	given_of(d)->config_write(d->device, offset, buf, len);
	foreign_leave(d);
}

/* The model's part of our transport's snapshot: whether it is activated, and the bytes
 * of the author's. */
static void shim_save(const struct device *dev, struct snapshot_out *out)
{
	struct foreign_device *d = device_of(dev);
	size_t room;

	snapshot_put(out, 1, d->activated);
	room = out->room > out->len ? out->room - out->len : 0;
	foreign_enter(d);
	out->len += d->foreign->snapshots.save(d->device, room > 0 ? out->bytes + out->len : NULL,
					       room);
	foreign_leave(d);
}

static void shim_restore(struct device *dev, const struct snapshot_view *view,
			 struct snapshot_in *in)
{
	struct foreign_device *d = device_of(dev);
	bool live = device_started(view->status);
	bool activated = snapshot_get_max(in, 1, live, "activated before DRIVER_OK") != 0;
	const char *what = "the device does not say what is wrong";
	size_t from = in->at;
	const uint8_t *bytes = snapshot_get_bytes(in, in->len - from);
	uint64_t at = 0;
	int err;

	if (!in->commit || in->err != 0)
		return;
	foreign_enter(d);
	err = d->foreign->snapshots.restore(d->device, bytes, in->len - from, &at, &what);
	foreign_leave(d);
	if (err == 0)
		d->activated = activated;
	else
		snapshot_bad(in, from + at, err, what);
}

void foreign_ops_init(struct foreign *f)
{
	bool saves = f->snapshots.save != NULL;

	f->ops = (struct device_ops){
		.name = f->given.name,
		.device_id = f->given.device_id,
		.state_size = sizeof(struct device_high),
		.features = f->given.features,
		.features_high = f->given.features_high,
		.queue_count = f->given.queue_count,
		.queues = f->queues,
		.shm_count = f->given.shm_count,
		.shm = f->transport_shm,
		.create = shim_create,
		.destroy = shim_destroy,
		.reset = shim_reset,
		.live = shim_activate,
		.queue_stop = shim_queue_stop,
		.queue_reset = shim_queue_reset,
		.queue_start = shim_queue_start,
		.notify = shim_notify,
		.work = shim_work,
		.state = shim_state,
		.config_read = shim_config_read,
		.config_write = shim_config_write,
		.save = saves ? shim_save : NULL,
		.restore = saves ? shim_restore : NULL,
	};
}
