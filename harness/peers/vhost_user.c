/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A vhost-user backend as an activated device of vringer.h.  See vhost_user.h.
 *
 * One process serves many programs.  Each program gets a connection of its own, or a new
 * process where a backend serves one connection alone, once the last program used it: what
 * a backend keeps beyond a reset must not reach the next program.
 */
#include "harness/peers/vhost_user.h"

#include "devices/ring.h"
#include "devices/virtio_1_4.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))
/* LOG_ALL, PROTOCOL_FEATURES: the protocol's own.  ACCESS_PLATFORM asks for an IOMMU of the
 * front-end's; IN_ORDER and RING_RESET are not driven by vringer here; the protocol has no
 * message for what NOTIFICATION_DATA and NOTIF_CONFIG_DATA say, nor for SUSPEND. */
#define FEATURES_HIDDEN                                                                            \
	(BIT(VHOST_F_LOG_ALL) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) |                              \
	 BIT(VIRTIO_F_ACCESS_PLATFORM) | BIT(VIRTIO_F_IN_ORDER) |                                  \
	 BIT(VIRTIO_F_NOTIFICATION_DATA) | BIT(VIRTIO_F_NOTIF_CONFIG_DATA) |                       \
	 BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_F_SUSPEND))

static struct vhost_user *users;

static const struct vhost_side no_side;

static struct vhost_user *make_user(const struct peer *peer)
{
	struct vhost_user *u = calloc(1, sizeof(*u));
	const struct kind *kind = kind_find(peer->kind);

	if (u == NULL || kind == NULL || kind->queue_count > VHOST_QUEUES_MAX) {
		free(u);
		return NULL;
	}
	u->peer = peer;
	u->kind = kind;
	u->side =
		*(peer->host_side != NULL ? (const struct vhost_side *)peer->host_side : &no_side);
	u->door = u->disk = u->channel.fd = u->backend_requests = u->log_fd = u->display.fd = -1;
	u->channel.patience = vhost_patience;
	u->channel.ctx = u;
	for (unsigned i = 0; i < VHOST_QUEUES_MAX; i++)
		u->rings[i].kick = u->rings[i].call = u->rings[i].err = -1;
	u->owner = getpid();
	u->next = users;
	users = u;
	return u;
}

/* What was started by the process that this one was forked from is not ours: let go of it,
 * which leaves it running. */
static void disown(struct vhost_user *u)
{
	for (unsigned i = 0; i < VHOST_QUEUES_MAX; i++) {
		int *fds[] = { &u->rings[i].kick, &u->rings[i].call, &u->rings[i].err };

		for (unsigned n = 0; n < 3; n++) {
			if (*fds[n] >= 0)
				close(*fds[n]);
			*fds[n] = -1;
		}
	}
	vhost_end(u);
	u->owner = getpid();
}

static struct vhost_user *user_of(const struct peer *peer)
{
	struct vhost_user *u = users;

	while (u != NULL && u->peer != peer)
		u = u->next;
	if (u == NULL)
		return make_user(peer);
	if (u->owner != getpid())
		disown(u);
	return u;
}

/* ---- the calls ------------------------------------------------------------------ */

/* A backend that we did not start may serve one connection at a time, and another process of
 * ours may want it next. */
static void leave_theirs(struct vhost_user *u)
{
	if (u->process == NULL)
		vhost_leave(u);
}

/* Until there is a device.  One that polls takes its CPU from those that other processes of
 * ours drive, which are waited for by their CPU time. */
static void leave_probed(struct vhost_user *u)
{
	if (u->side.rest == VHOST_REST_PAUSED)
		vhost_end(u);
	leave_theirs(u);
}

/* The most bytes of configuration that it gives. */
static int measure_config(struct vhost_user *u)
{
	uint8_t bytes[VHOST_CONFIG_MAX];
	int err;

	u->config_len = 0;
	if (!vhost_speaks(u, VHOST_PROTOCOL_CONFIG))
		return 0;
	u->config_len =
		u->kind->config_len < VHOST_CONFIG_MAX ? u->kind->config_len : VHOST_CONFIG_MAX;
	do
		err = u->config_len > 0 ? vhost_get_config(u, bytes) : 0;
	while (err == -EREMOTEIO && --u->config_len > 0);
	return err == -EREMOTEIO ? 0 : err;
}

static int32_t user_probe(void *opaque, struct vringer_probe *probe, char *what)
{
	struct vhost_user *u = user_of(opaque);
	uint16_t size;
	uint64_t count;
	int err;

	if (u == NULL)
		return -ENOMEM;
	err = vhost_renew(u, what);
	if (err != 0)
		return err;
	err = measure_config(u);
	if (err != 0) {
		snprintf(what, VRINGER_WHAT_MAX, "%s: its configuration cannot be read: %s",
			 u->peer->name, err == -EPROTO ? u->channel.why : strerror(-err));
		vhost_end(u);
		return err;
	}
	probe->features &= u->features & ~FEATURES_HIDDEN;
	probe->features_high = 0;
	probe->config_len = u->config_len;
	size = u->side.queue_max != 0 ? u->side.queue_max : VHOST_QUEUE_SIZE;
	count = vhost_speaks(u, VHOST_PROTOCOL_MQ) ? u->queue_num : u->kind->queue_count;
	if (u->side.pairs)
		count *= 2;
	for (uint32_t i = 0; i < u->kind->queue_count; i++) {
		if (probe->queue_max[i] > size)
			probe->queue_max[i] = size;
		if (i >= count)
			probe->queue_max[i] = 0;
	}
	leave_probed(u);
	return 0;
}

static void *user_create(const struct vringer_host *host, uint64_t offered,
			 const uint16_t *queue_max)
{
	char why[VRINGER_WHAT_MAX] = "";
	struct vhost_user *u = user_of(host->opaque);

	(void)offered;
	(void)queue_max;
	if (u == NULL)
		return NULL;
	u->host = host;
	vhost_all_regions(u);
	vhost_clear_log(u);
	if (vhost_renew(u, why) != 0) {
		host->report(host->ctx, VRINGER_REPORT_UNUSABLE, "peer:unusable", why);
		return NULL;
	}
	if (u->disk >= 0 && (ftruncate(u->disk, 0) != 0 || ftruncate(u->disk, u->side.disk_len)))
		return NULL;
	return u;
}

static void user_reset(void *device)
{
	struct vhost_user *u = device;
	int err;

	u->broken = false;
	if (u->gone || !u->live)
		return;
	err = vhost_reset(u);
	u->live = false;
	vhost_drain(u);
	if (err != 0)
		vhost_failed(u, err);
}

static void user_destroy(void *device)
{
	struct vhost_user *u = device;

	/* It must not look at rings that are no more: memory is made new after this. */
	user_reset(u);
	/* It may have died since the last message. */
	if (!u->gone && u->process != NULL && !process_is_well(u->process, &u->end))
		vhost_report_end(u);
	if (u->gone)
		vhost_end(u);
	leave_theirs(u);
	u->live = false;
	u->host = NULL;
}

static void user_activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct vhost_user *u = device;
	int err;

	if (u->gone || u->channel.fd < 0)
		return;
	u->live = u->used = true;
	u->given_up = 0;
	u->stays_deaf = false;
	memset(u->used_then, 0, sizeof(u->used_then));
	u->event_idx = (features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
	u->packed = ring_is_packed(features);
	/* One loop has done all it was told when it answers. */
	u->busy = u->side.rest != VHOST_REST_LOOP || vhost_speaks(u, VHOST_PROTOCOL_STATUS);
	err = vhost_activate(u, features, rings);
	if (err != 0)
		vhost_failed(u, err);
}

static void user_kick(void *device, uint32_t queue)
{
	static const uint64_t one = 1;
	struct vhost_user *u = device;

	if (u->gone || !u->rings[queue].live)
		return;
	u->busy = true;
	vhost_ring_told(u, queue);
	/* It fails where nobody took 2^64 - 2 notifications. */
	if (write(u->rings[queue].kick, &one, sizeof(one)) < 0)
		vhost_failed(u, -errno);
}

static void user_queue_stop(void *device, uint32_t queue)
{
	struct vhost_user *u = device;
	uint16_t taken = 0;
	int err;

	if (u->gone || !u->rings[queue].live)
		return;
	u->busy = true;
	err = vhost_stop_ring(u, queue, &taken);
	if (err != 0)
		vhost_failed(u, err);
	else
		u->host->taken(u->host->ctx, queue, taken);
}

static void user_config_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	struct vhost_user *u = device;
	uint8_t bytes[VHOST_CONFIG_MAX];
	int err = 0;

	memset(buf, 0, len);
	if (u->gone || u->channel.fd < 0 || offset >= u->config_len)
		return;
	err = vhost_get_config(u, bytes);
	if (err != 0) {
		vhost_failed(u, err);
		return;
	}
	if (len > u->config_len - offset)
		len = u->config_len - (uint32_t)offset;
	memcpy(buf, bytes + offset, len);
}

static void user_config_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct vhost_user *u = device;
	int err;

	if (u->gone || u->channel.fd < 0 || offset >= u->config_len)
		return;
	if (len > u->config_len - offset)
		len = u->config_len - (uint32_t)offset;
	u->used = u->busy = true;
	err = vhost_set_config(u, (uint32_t)offset, buf, len);
	if (err != 0)
		vhost_failed(u, err);
}

static int32_t user_settle(void *device, uint32_t ms, const uint32_t *outstanding)
{
	struct vhost_user *u = device;

	(void)ms;
	vhost_settle(u, outstanding);
	return 0;
}

static int32_t user_set_region(void *device, uint64_t addr, uint32_t present)
{
	struct vhost_user *u = device;
	int err;

	if (u->gone || u->channel.fd < 0)
		return -ENOTCONN;
	err = vhost_set_region(u, addr, present != 0);
	if (err != 0 && err != -EREMOTEIO && err != -EINVAL)
		vhost_failed(u, err);
	return err;
}

static uint32_t user_logged(const void *device, uint64_t page)
{
	const struct vhost_user *u = device;

	/* One that hung up wrote down what it had to, or not: nobody asks any more. */
	return u->gone || u->broken || vhost_logged(u, page);
}

#define CALLS(place)                                                                               \
	.version = VRINGER_VERSION, .size = sizeof(struct vringer_target),                         \
	.level = VRINGER_LEVEL_ACTIVATED, .memory = VRINGER_MEMORY_PLAIN, .layout = (place),       \
	.features = BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |              \
		    BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) |                          \
		    BIT(VIRTIO_F_ORDER_PLATFORM),                                                  \
	.create = user_create, .destroy = user_destroy, .activate = user_activate,                 \
	.kick = user_kick, .queue_stop = user_queue_stop, .reset = user_reset,                     \
	.config_read = user_config_read, .config_write = user_config_write,                        \
	.settle_queues = user_settle, .probe = user_probe, .set_region = user_set_region

const struct peer_link peer_vhost_user = {
	.name = "vhost-user",
	.target = { CALLS(VRINGER_LAYOUT_BELOW_TOP) },
};

const struct peer_link peer_vhost_user_log = {
	.name = "vhost-user",
	.target = { CALLS(VRINGER_LAYOUT_OFFSET), .logged = user_logged },
};
