/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a front-end says to a vhost-user backend: who it is, where guest memory and the
 * rings are, when they begin and end, and the configuration.  See vhost_user.h.
 *
 * Each call ends with an answer of the backend's, so that what was asked for is done when it
 * returns.  On the way there messages follow each other without waiting.
 */
#include "harness/peers/vhost_user.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))
/* Where a packed ring begins, the driver and the device: entry 0, wrap counters 1 (2.8.1). */
#define PACKED_BASE 0x80008000u
#define STATUS_FEATURES                                                                            \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

bool vhost_speaks(const struct vhost_user *u, enum vhost_protocol_feature feature)
{
	return (u->protocol >> feature & 1) != 0;
}

static int say(struct vhost_user *u, const struct vhost_user_msg *msg)
{
	u->wait = (struct process_wait){ .slices = 0 };
	return vhost_post(&u->channel, msg);
}

static int say_u64(struct vhost_user *u, enum vhost_request request, uint64_t value)
{
	struct vhost_user_msg msg = vhost_user_message(request, sizeof(value));

	msg.payload.u64 = value;
	return say(u, &msg);
}

static int say_ring(struct vhost_user *u, enum vhost_request request, unsigned queue, uint32_t num)
{
	struct vhost_user_msg msg = vhost_user_message(request, sizeof(msg.payload.state));

	msg.payload.state = (struct vhost_vring_state){ .index = queue, .num = num };
	return say(u, &msg);
}

static int say_ring_fd(struct vhost_user *u, enum vhost_request request, unsigned queue, int fd)
{
	struct vhost_user_msg msg = vhost_user_message(request, sizeof(msg.payload.u64));

	msg.payload.u64 = queue;
	msg.fds[0] = fd;
	msg.fd_count = 1;
	return say(u, &msg);
}

/* The answers that are due, in order.  -EREMOTEIO: one of the messages was refused. */
static int receive_due(struct vhost_user *u)
{
	bool refused = false;
	int err = vhost_flush(&u->channel);

	if (u->due_count > 0)
		peer_waited();
	for (unsigned i = 0; i < u->due_count && err == 0; i++) {
		const struct vhost_due *due = &u->due[i];
		struct vhost_user_msg reply;

		err = vhost_receive_reply(&u->channel, due->request, sizeof(uint64_t),
					  sizeof(uint64_t), &reply);
		if (err == 0 && due->ack) {
			refused = refused || reply.payload.u64 != 0;
		} else if (err == 0 && reply.payload.u64 != due->value) {
			snprintf(u->channel.why, sizeof(u->channel.why),
				 "another answer to message %u than in the connection before",
				 due->request);
			err = -EPROTO;
		}
	}
	u->due_count = 0;
	return err != 0 ? err : refused ? -EREMOTEIO : 0;
}

static int add_due(struct vhost_user *u, struct vhost_due due)
{
	int err = u->due_count == VHOST_DUE_MAX ? receive_due(u) : 0;

	if (err == 0)
		u->due[u->due_count++] = due;
	return err;
}

int vhost_ask(struct vhost_user *u, struct vhost_user_msg *msg, uint32_t size_min,
	      uint32_t size_max)
{
	uint32_t request = msg->header.request;
	int err = say(u, msg);

	/* What is due comes with it. */
	if (u->due_count == 0)
		peer_waited();
	if (err == 0)
		err = receive_due(u);
	if (err == 0 || err == -EREMOTEIO) {
		int last = vhost_receive_reply(&u->channel, request, size_min, size_max, msg);

		err = last != 0 ? last : err;
	}
	return err;
}

static int ask_u64(struct vhost_user *u, enum vhost_request request, uint64_t *value)
{
	struct vhost_user_msg msg = vhost_user_message(request, 0);
	int err = vhost_ask(u, &msg, sizeof(*value), sizeof(*value));

	if (err == 0)
		*value = msg.payload.u64;
	return err;
}

int vhost_round_trip(struct vhost_user *u)
{
	uint64_t features;

	return ask_u64(u, VHOST_USER_GET_FEATURES, &features);
}

int vhost_say_acked(struct vhost_user *u, struct vhost_user_msg *msg)
{
	int err = 0;

	if (vhost_speaks(u, VHOST_PROTOCOL_REPLY_ACK)) {
		msg->header.flags |= VHOST_FLAG_NEED_REPLY;
		err = add_due(u, (struct vhost_due){ msg->header.request, true, 0 });
	}
	return err != 0 ? err : say(u, msg);
}

int vhost_wait(struct vhost_user *u)
{
	return vhost_speaks(u, VHOST_PROTOCOL_REPLY_ACK) ? receive_due(u) : vhost_round_trip(u);
}

/* What is used of the protocol's own features. */
static uint64_t wanted(const struct vhost_user *u)
{
	return VHOST_PROTOCOL_FEATURES | (u->side.logs ? BIT(VHOST_PROTOCOL_LOG_SHMFD) : 0);
}

/* ---- who it is ------------------------------------------------------------------ */

/* A descriptor that it keeps; ours is closed. */
static int give_fd(struct vhost_user *u, enum vhost_request request, int fd)
{
	struct vhost_user_msg msg = vhost_user_message(request, 0);
	int err;

	msg.fds[0] = fd;
	msg.fd_count = 1;
	err = say(u, &msg);
	if (err == 0)
		err = vhost_flush(&u->channel);
	close(fd);
	return err;
}

static int give_backend_channel(struct vhost_user *u)
{
	int ends[2];

	if (!vhost_speaks(u, VHOST_PROTOCOL_BACKEND_REQ))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	u->backend_requests = ends[0];
	return give_fd(u, VHOST_USER_SET_BACKEND_REQ_FD, ends[1]);
}

static int give_display(struct vhost_user *u)
{
	int theirs, err;

	if (!u->side.displays)
		return 0;
	err = vhost_display_open(&u->display, &theirs);
	return err != 0 ? err : give_fd(u, VHOST_USER_GPU_SET_SOCKET, theirs);
}

/* `known`: it said so before, and will say so again. */
static int learn(struct vhost_user *u, enum vhost_request request, uint64_t *value)
{
	struct vhost_user_msg msg = vhost_user_message(request, 0);
	int err;

	if (!u->known)
		return ask_u64(u, request, value);
	err = add_due(u, (struct vhost_due){ request, false, *value });
	return err != 0 ? err : say(u, &msg);
}

int vhost_introduce(struct vhost_user *u)
{
	struct vhost_user_msg owner = vhost_user_message(VHOST_USER_SET_OWNER, 0);
	int err;

	u->memory = 0;
	u->due_count = 0;
	err = learn(u, VHOST_USER_GET_FEATURES, &u->features);
	if (err == 0 && (u->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1) != 0) {
		err = learn(u, VHOST_USER_GET_PROTOCOL_FEATURES, &u->offered);
		if (err == 0)
			err = say_u64(u, VHOST_USER_SET_PROTOCOL_FEATURES, u->offered & wanted(u));
		u->protocol = u->offered & wanted(u);
	}
	if (err == 0)
		err = say(u, &owner);
	if (err == 0)
		err = give_backend_channel(u);
	if (err == 0)
		err = give_display(u);
	if (err == 0 && vhost_speaks(u, VHOST_PROTOCOL_MQ))
		err = learn(u, VHOST_USER_GET_QUEUE_NUM, &u->queue_num);
	if (err == 0)
		err = vhost_flush(&u->channel);
	u->known = u->known || err == 0;
	return err;
}

int vhost_get_status(struct vhost_user *u, uint8_t *status)
{
	uint64_t value = 0;
	int err = ask_u64(u, VHOST_USER_GET_STATUS, &value);

	*status = (uint8_t)value;
	return err;
}

static int set_status(struct vhost_user *u, uint8_t status)
{
	if (!vhost_speaks(u, VHOST_PROTOCOL_STATUS))
		return 0;
	return say_u64(u, VHOST_USER_SET_STATUS, status);
}

/* ---- configuration -------------------------------------------------------------- */

int vhost_get_config(struct vhost_user *u, uint8_t *bytes)
{
	uint32_t size = (uint32_t)VHOST_CONFIG_HEADER + u->config_len;
	struct vhost_user_msg msg = vhost_user_message(VHOST_USER_GET_CONFIG, size);
	int err;

	msg.payload.config.size = u->config_len;
	err = vhost_ask(u, &msg, 0, size);
	if (err != 0)
		return err;
	/* No payload, or none of the configuration, is how it refuses. */
	if (msg.header.size != size || msg.payload.config.size != u->config_len)
		return -EREMOTEIO;
	memcpy(bytes, msg.payload.config.bytes, u->config_len);
	return 0;
}

int vhost_set_config(struct vhost_user *u, uint32_t offset, const void *bytes, uint32_t len)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_SET_CONFIG, (uint32_t)VHOST_CONFIG_HEADER + len);
	int err;

	msg.payload.config.offset = offset;
	msg.payload.config.size = len;
	memcpy(msg.payload.config.bytes, bytes, len);
	err = vhost_say_acked(u, &msg);
	if (err == 0)
		err = vhost_wait(u);
	/* VIRTIO says nothing of writes to fields that are not the driver's to write. */
	return err == -EREMOTEIO ? 0 : err;
}

/* ---- memory and rings ------------------------------------------------------------ */

static int make_eventfd(int *fd)
{
	if (*fd < 0)
		*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

static int open_ring(struct vhost_ring *ring)
{
	uint64_t count;
	int err = make_eventfd(&ring->kick);

	if (err == 0)
		err = make_eventfd(&ring->call);
	if (err == 0)
		err = make_eventfd(&ring->err);
	/* A notification that the last device did not take is not for this one. */
	if (err == 0 && read(ring->kick, &count, sizeof(count)) < 0 && errno != EAGAIN)
		err = -errno;
	return err;
}

static int say_addresses(struct vhost_user *u, unsigned queue, const struct vringer_ring *ring)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_SET_VRING_ADDR, sizeof(msg.payload.addr));

	msg.payload.addr = (struct vhost_vring_addr){ .index = queue,
						      .desc_user_addr = ring->desc,
						      .avail_user_addr = ring->avail,
						      .used_user_addr = ring->used };
	if (u->side.logs) {
		msg.payload.addr.flags = 1u << VHOST_VRING_F_LOG;
		msg.payload.addr.log_guest_addr = ring->used;
	}
	return vhost_say_acked(u, &msg);
}

/* All that a ring has but the notifications that start it. */
static int describe_ring(struct vhost_user *u, unsigned queue, const struct vringer_ring *ring)
{
	int err = open_ring(&u->rings[queue]);

	if (err == 0)
		err = say_ring(u, VHOST_USER_SET_VRING_NUM, queue, ring->size);
	if (err == 0)
		err = say_ring(u, VHOST_USER_SET_VRING_BASE, queue, u->packed ? PACKED_BASE : 0);
	if (err == 0)
		err = say_ring_fd(u, VHOST_USER_SET_VRING_ERR, queue, u->rings[queue].err);
	if (err == 0)
		err = say_ring_fd(u, VHOST_USER_SET_VRING_CALL, queue, u->rings[queue].call);
	return err != 0 ? err : say_addresses(u, queue, ring);
}

static int say_enabled(struct vhost_user *u, unsigned queue, bool on)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_SET_VRING_ENABLE, sizeof(msg.payload.state));

	if ((u->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1) == 0)
		return 0;
	msg.payload.state = (struct vhost_vring_state){ .index = queue, .num = on };
	return vhost_say_acked(u, &msg);
}

int vhost_enable(struct vhost_user *u, bool on)
{
	int err = 0;

	for (unsigned i = 0; i < u->kind->queue_count && err == 0; i++)
		if (u->rings[i].live)
			err = say_enabled(u, i, on);
	return err != 0 ? err : vhost_wait(u);
}

int vhost_activate(struct vhost_user *u, uint64_t features, const struct vringer_ring *rings)
{
	uint64_t own = u->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	uint64_t log = u->side.logs ? BIT(VHOST_F_LOG_ALL) : 0;
	bool paused = u->side.rest == VHOST_REST_PAUSED;
	int err = say_u64(u, VHOST_USER_SET_FEATURES, features | own | log);

	if (err == 0)
		err = set_status(u, STATUS_FEATURES);
	if (err == 0)
		err = vhost_say_memory(u);
	if (err == 0 && u->side.logs)
		err = vhost_say_log(u);
	for (unsigned i = 0; i < u->kind->queue_count && err == 0; i++)
		if (rings[i].ready != 0)
			err = describe_ring(u, i, &rings[i]);
	/* A backend may raise an interrupt when it is told how to: that is none of the device's. */
	if (err == 0)
		err = vhost_wait(u);
	if (err == 0)
		vhost_drain(u);
	for (unsigned i = 0; i < u->kind->queue_count && err == 0; i++) {
		if (rings[i].ready == 0)
			continue;
		u->rings[i].live = true;
		u->places[i] = rings[i];
		u->rings[i].told = 0;
		vhost_ring_told(u, i);
		err = say_ring_fd(u, VHOST_USER_SET_VRING_KICK, i, u->rings[i].kick);
		if (err == 0)
			err = say_enabled(u, i, !paused);
	}
	if (err == 0)
		err = set_status(u, STATUS_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK);
	return err != 0 ? err : vhost_wait(u);
}

int vhost_stop_ring(struct vhost_user *u, unsigned queue, uint16_t *taken)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_GET_VRING_BASE, sizeof(msg.payload.state));
	int err;

	u->rings[queue].live = false;
	msg.payload.state = (struct vhost_vring_state){ .index = queue };
	err = vhost_ask(u, &msg, sizeof(msg.payload.state), sizeof(msg.payload.state));
	if (err == 0)
		*taken = (uint16_t)msg.payload.state.num;
	return err;
}

int vhost_reset(struct vhost_user *u)
{
	struct vhost_user_msg device = vhost_user_message(VHOST_USER_RESET_DEVICE, 0);
	uint16_t taken;
	int err = 0;

	for (unsigned i = 0; i < u->kind->queue_count && err == 0; i++)
		if (u->rings[i].live)
			err = vhost_stop_ring(u, i, &taken);
	if (err == 0)
		err = set_status(u, 0);
	if (err == 0)
		err = vhost_flush(&u->channel);
	if (err != 0 || !vhost_speaks(u, VHOST_PROTOCOL_RESET_DEVICE))
		return err;
	/* It may forget all that it was told. */
	u->memory = 0;
	err = vhost_say_acked(u, &device);
	return err != 0 ? err : vhost_wait(u);
}
