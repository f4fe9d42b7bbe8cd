/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The back-end's side of the vhost-user protocol.  See vhost_server.h.
 */
#include "harness/serve/vhost_server.h"

#include "devices/ring.h"
#include "harness/serve/event.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))
#define TABLE_HEADER offsetof(struct vhost_memory_table, regions)
#define REGION_SIZE sizeof(((struct vhost_memory_table *)NULL)->regions[0])

/* A driver that sends a part of a message and then nothing for that long never will, nor does
 * one that takes no reply. */
#define SILENT_MS 5000u

static int fault(struct vhost_server *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fault(struct vhost_server *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->channel.why, sizeof(s->channel.why), format, args);
	va_end(args);
	return -EPROTO;
}

static int be_patient(void *ctx)
{
	struct vhost_server *s = ctx;

	return ++s->unheard * VHOST_SLICE_MS >= SILENT_MS ? -ETIMEDOUT : 0;
}

static void put_fd(int *at, int fd)
{
	if (*at >= 0)
		close(*at);
	*at = fd;
}

/* The message's descriptor is ours from now on. */
static int take_fd(struct vhost_user_msg *msg)
{
	msg->fd_count = 0;
	return msg->fds[0];
}

/* ---- who it is -------------------------------------------------------------------------- */

static int get_features(struct vhost_server *s, struct vhost_user_msg *msg)
{
	msg->payload.u64 = s->calls->features(s->ctx) | BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	return 0;
}

static int set_features(struct vhost_server *s, struct vhost_user_msg *msg)
{
	uint64_t offered = s->calls->features(s->ctx) | BIT(VHOST_USER_F_PROTOCOL_FEATURES);

	if ((msg->payload.u64 & ~offered) != 0)
		return fault(s, "it accepts features 0x%llx, which are not offered",
			     (unsigned long long)(msg->payload.u64 & ~offered));
	s->features = msg->payload.u64;
	s->has_features = true;
	return 0;
}

static int get_protocol_features(struct vhost_server *s, struct vhost_user_msg *msg)
{
	(void)s;
	msg->payload.u64 = VHOST_PROTOCOL_FEATURES;
	return 0;
}

static int set_protocol_features(struct vhost_server *s, struct vhost_user_msg *msg)
{
	if ((msg->payload.u64 & ~VHOST_PROTOCOL_FEATURES) != 0)
		return fault(s, "it accepts protocol features 0x%llx, which are not offered",
			     (unsigned long long)(msg->payload.u64 & ~VHOST_PROTOCOL_FEATURES));
	s->protocol = msg->payload.u64;
	return 0;
}

static int nothing(struct vhost_server *s, struct vhost_user_msg *msg)
{
	(void)s;
	(void)msg;
	return 0;
}

static int get_queue_num(struct vhost_server *s, struct vhost_user_msg *msg)
{
	msg->payload.u64 = s->queue_count;
	return 0;
}

static int set_backend_requests(struct vhost_server *s, struct vhost_user_msg *msg)
{
	put_fd(&s->backend_requests, take_fd(msg));
	return 0;
}

/* ---- device ------------------------------------------------------------------------------ */

static int check_config(struct vhost_server *s, const struct vhost_user_msg *msg)
{
	const struct vhost_config *config = &msg->payload.config;

	if (config->size > VHOST_CONFIG_MAX || config->offset > VHOST_CONFIG_MAX - config->size)
		return fault(s,
			     "message %u is about %u bytes of configuration at %u, expected "
			     "none past %u",
			     msg->header.request, config->size, config->offset, VHOST_CONFIG_MAX);
	if (msg->header.size != VHOST_CONFIG_HEADER + config->size)
		return fault(s, "message %u has %u bytes, and says that %zu are due",
			     msg->header.request, msg->header.size,
			     VHOST_CONFIG_HEADER + config->size);
	return 0;
}

static int get_config(struct vhost_server *s, struct vhost_user_msg *msg)
{
	struct vhost_config *config = &msg->payload.config;
	int err = check_config(s, msg);

	if (err == 0)
		s->calls->config_read(s->ctx, config->offset, config->bytes, config->size);
	return err;
}

static int set_config(struct vhost_server *s, struct vhost_user_msg *msg)
{
	const struct vhost_config *config = &msg->payload.config;
	int err = check_config(s, msg);

	if (err == 0)
		s->calls->config_write(s->ctx, config->offset, config->bytes, config->size);
	return err;
}

static int get_status(struct vhost_server *s, struct vhost_user_msg *msg)
{
	msg->payload.u64 = s->calls->status_read(s->ctx);
	return 0;
}

static int set_status(struct vhost_server *s, struct vhost_user_msg *msg)
{
	if (msg->payload.u64 > UINT8_MAX)
		return fault(s, "it sets the status 0x%llx, expected 8 bits",
			     (unsigned long long)msg->payload.u64);
	s->calls->status_write(s->ctx, (uint8_t)msg->payload.u64);
	return 0;
}

static int reset_device(struct vhost_server *s, struct vhost_user_msg *msg)
{
	(void)msg;
	for (unsigned i = 0; i < s->queue_count; i++)
		s->rings[i].started = s->rings[i].goes_on = false;
	s->calls->reset(s->ctx);
	return 0;
}

/* ---- memory and rings --------------------------------------------------------------------- */

static int set_mem_table(struct vhost_server *s, struct vhost_user_msg *msg)
{
	const struct vhost_memory_table *table = &msg->payload.memory;
	int err = 0;

	if (table->count == 0 || table->count > VHOST_REGIONS_MAX)
		return fault(s, "its memory has %u regions, expected 1 to %u", table->count,
			     VHOST_REGIONS_MAX);
	/* Linux in user mode has room for two behind it and always sends that. */
	if (msg->header.size < TABLE_HEADER + table->count * REGION_SIZE)
		return fault(s, "a memory table of %u bytes, which says that it has %u regions",
			     msg->header.size, table->count);
	if (msg->fd_count != table->count)
		return fault(s, "a memory table of %u regions, with %u descriptors", table->count,
			     msg->fd_count);
	err = driver_memory_set(&s->memory, table, msg->fds, s->channel.why,
				sizeof(s->channel.why));
	if (err == 0)
		s->calls->memory_changed(s->ctx);
	return err;
}

/* The ring that it is about; NULL: there is none. */
static struct vhost_server_ring *find_ring(struct vhost_server *s, uint64_t index, uint32_t request)
{
	if (index < s->queue_count)
		return &s->rings[index];
	fault(s, "message %u is about ring %llu, the device has %u", request,
	      (unsigned long long)index, s->queue_count);
	return NULL;
}

/* What describes a ring does not come while it runs. */
static struct vhost_server_ring *find_idle(struct vhost_server *s, uint64_t index, uint32_t request)
{
	struct vhost_server_ring *ring = find_ring(s, index, request);

	if (ring == NULL || !vhost_server_runs(s, (unsigned)index))
		return ring;
	fault(s, "message %u is about ring %llu, which runs", request, (unsigned long long)index);
	return NULL;
}

static int set_vring_num(struct vhost_server *s, struct vhost_user_msg *msg)
{
	struct vhost_server_ring *ring =
		find_idle(s, msg->payload.state.index, msg->header.request);

	if (ring == NULL)
		return -EPROTO;
	if (msg->payload.state.num == 0 || msg->payload.state.num > 32768)
		return fault(s, "ring %u has %u entries, expected 1 to 32768",
			     msg->payload.state.index, msg->payload.state.num);
	ring->num = msg->payload.state.num;
	return 0;
}

static int set_vring_base(struct vhost_server *s, struct vhost_user_msg *msg)
{
	struct vhost_server_ring *ring =
		find_idle(s, msg->payload.state.index, msg->header.request);

	if (ring == NULL)
		return -EPROTO;
	/* Of a packed ring there are two positions. */
	if (msg->payload.state.num > UINT16_MAX && !ring_is_packed(s->features))
		return fault(s, "ring %u begins at entry %u, expected 16 bits",
			     msg->payload.state.index, msg->payload.state.num);
	ring->goes_on = ring->goes_on && msg->payload.state.num == ring->base;
	ring->base = msg->payload.state.num;
	return 0;
}

static int set_vring_addr(struct vhost_server *s, struct vhost_user_msg *msg)
{
	struct vhost_server_ring *ring = find_idle(s, msg->payload.addr.index, msg->header.request);

	if (ring == NULL)
		return -EPROTO;
	if (msg->payload.addr.flags != 0)
		return fault(s, "ring %u has flags 0x%x, expected none", msg->payload.addr.index,
			     msg->payload.addr.flags);
	ring->addr = msg->payload.addr;
	ring->has_addr = true;
	return 0;
}

static int get_vring_base(struct vhost_server *s, struct vhost_user_msg *msg)
{
	unsigned queue = msg->payload.state.index;
	struct vhost_server_ring *ring = find_ring(s, queue, msg->header.request);

	if (ring == NULL)
		return -EPROTO;
	ring->base = s->calls->ring_base(s->ctx, queue);
	ring->goes_on = true;
	ring->started = false;
	s->calls->ring_changed(s->ctx, queue);
	put_fd(&ring->kick, -1);
	msg->payload.state.num = ring->base;
	return 0;
}

static int set_vring_enable(struct vhost_server *s, struct vhost_user_msg *msg)
{
	unsigned queue = msg->payload.state.index;
	struct vhost_server_ring *ring;

	/* Some drivers disable queues that a device could have and this one does not. */
	if (msg->payload.state.num == 0 && queue >= s->queue_count)
		return 0;
	ring = find_ring(s, queue, msg->header.request);
	if (ring == NULL)
		return -EPROTO;
	if (msg->payload.state.num > 1)
		return fault(s, "ring %u is enabled by %u, expected 0 or 1", queue,
			     msg->payload.state.num);
	ring->enabled = msg->payload.state.num == 1;
	s->calls->ring_changed(s->ctx, queue);
	return 0;
}

/* The descriptor that comes with the message, or -1 where none is to come. */
static int ring_fd(struct vhost_server *s, struct vhost_user_msg *msg, unsigned *queue, int *fd)
{
	uint64_t value = msg->payload.u64;
	bool none = (value & VHOST_RING_NO_FD) != 0;

	if ((value & ~(uint64_t)(VHOST_RING_INDEX_MASK | VHOST_RING_NO_FD)) != 0)
		return fault(s, "message %u is about ring 0x%llx", msg->header.request,
			     (unsigned long long)value);
	if (msg->fd_count != (none ? 0 : 1))
		return fault(s, "message %u comes with %u descriptors, expected %u",
			     msg->header.request, msg->fd_count, none ? 0 : 1);
	*queue = (unsigned)(value & VHOST_RING_INDEX_MASK);
	if (find_ring(s, *queue, msg->header.request) == NULL)
		return -EPROTO;
	*fd = none ? -1 : take_fd(msg);
	return 0;
}

static int set_vring_kick(struct vhost_server *s, struct vhost_user_msg *msg)
{
	unsigned queue = 0;
	int fd = -1, err = ring_fd(s, msg, &queue, &fd);

	if (err != 0)
		return err;
	put_fd(&s->rings[queue].kick, fd);
	s->rings[queue].started = true;
	if ((s->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)) == 0)
		s->rings[queue].enabled = true;
	s->calls->ring_changed(s->ctx, queue);
	return 0;
}

static int set_vring_call(struct vhost_server *s, struct vhost_user_msg *msg)
{
	unsigned queue = 0;
	int fd = -1, err = ring_fd(s, msg, &queue, &fd);

	if (err == 0)
		put_fd(&s->rings[queue].call, fd);
	return err;
}

static int set_vring_err(struct vhost_server *s, struct vhost_user_msg *msg)
{
	unsigned queue = 0;
	int fd = -1, err = ring_fd(s, msg, &queue, &fd);

	if (err == 0)
		put_fd(&s->rings[queue].err, fd);
	return err;
}

/* ---- the table ------------------------------------------------------------------------------ */

#define NO_FEATURE UINT8_MAX

/* A message: what comes with it, and what its handler does, which leaves the reply in it. */
struct message {
	const char *name;
	int (*handle)(struct vhost_server *s, struct vhost_user_msg *msg);
	uint16_t size, size_max; /* bytes of payload; size_max 0: exactly `size` */
	uint16_t reply;		 /* bytes of the reply; 0: none of its own */
	uint8_t fds_min, fds_max;
	uint8_t feature; /* of the protocol; NO_FEATURE: it is always there */
};

#define U64 sizeof(uint64_t)
#define STATE sizeof(struct vhost_vring_state)
#define ADDR sizeof(struct vhost_vring_addr)
#define SAME UINT16_MAX /* a reply as large as the message */

/* By number; the handler is NULL where there is no such message. */
static const struct message messages[VHOST_USER_GET_STATUS + 1] = {
	[VHOST_USER_GET_FEATURES] = { "GET_FEATURES", get_features, 0, 0, U64, 0, 0, NO_FEATURE },
	[VHOST_USER_SET_FEATURES] = { "SET_FEATURES", set_features, U64, 0, 0, 0, 0, NO_FEATURE },
	[VHOST_USER_SET_OWNER] = { "SET_OWNER", nothing, 0, 0, 0, 0, 0, NO_FEATURE },
	[VHOST_USER_RESET_OWNER] = { "RESET_OWNER", reset_device, 0, 0, 0, 0, 0, NO_FEATURE },
	[VHOST_USER_SET_MEM_TABLE] = { "SET_MEM_TABLE", set_mem_table, TABLE_HEADER,
				       sizeof(struct vhost_memory_table), 0, 0, VHOST_FDS_MAX,
				       NO_FEATURE },
	[VHOST_USER_SET_VRING_NUM] = { "SET_VRING_NUM", set_vring_num, STATE, 0, 0, 0, 0,
				       NO_FEATURE },
	[VHOST_USER_SET_VRING_ADDR] = { "SET_VRING_ADDR", set_vring_addr, ADDR, 0, 0, 0, 0,
					NO_FEATURE },
	[VHOST_USER_SET_VRING_BASE] = { "SET_VRING_BASE", set_vring_base, STATE, 0, 0, 0, 0,
					NO_FEATURE },
	[VHOST_USER_GET_VRING_BASE] = { "GET_VRING_BASE", get_vring_base, STATE, 0, STATE, 0, 0,
					NO_FEATURE },
	[VHOST_USER_SET_VRING_KICK] = { "SET_VRING_KICK", set_vring_kick, U64, 0, 0, 0, 1,
					NO_FEATURE },
	[VHOST_USER_SET_VRING_CALL] = { "SET_VRING_CALL", set_vring_call, U64, 0, 0, 0, 1,
					NO_FEATURE },
	[VHOST_USER_SET_VRING_ERR] = { "SET_VRING_ERR", set_vring_err, U64, 0, 0, 0, 1,
				       NO_FEATURE },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", get_protocol_features, 0, 0,
					       U64, 0, 0, NO_FEATURE },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", set_protocol_features, U64,
					       0, 0, 0, 0, NO_FEATURE },
	[VHOST_USER_GET_QUEUE_NUM] = { "GET_QUEUE_NUM", get_queue_num, 0, 0, U64, 0, 0,
				       VHOST_PROTOCOL_MQ },
	[VHOST_USER_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", set_vring_enable, STATE, 0, 0, 0, 0,
					  NO_FEATURE },
	[VHOST_USER_SET_BACKEND_REQ_FD] = { "SET_BACKEND_REQ_FD", set_backend_requests, 0, 0, 0, 1,
					    1, VHOST_PROTOCOL_BACKEND_REQ },
	[VHOST_USER_GET_CONFIG] = { "GET_CONFIG", get_config, VHOST_CONFIG_HEADER,
				    sizeof(struct vhost_config), SAME, 0, 0,
				    VHOST_PROTOCOL_CONFIG },
	[VHOST_USER_SET_CONFIG] = { "SET_CONFIG", set_config, VHOST_CONFIG_HEADER,
				    sizeof(struct vhost_config), 0, 0, 0, VHOST_PROTOCOL_CONFIG },
	[VHOST_USER_RESET_DEVICE] = { "RESET_DEVICE", reset_device, 0, 0, 0, 0, 0,
				      VHOST_PROTOCOL_RESET_DEVICE },
	[VHOST_USER_SET_STATUS] = { "SET_STATUS", set_status, U64, 0, 0, 0, 0,
				    VHOST_PROTOCOL_STATUS },
	[VHOST_USER_GET_STATUS] = { "GET_STATUS", get_status, 0, 0, U64, 0, 0,
				    VHOST_PROTOCOL_STATUS },
};

static int check(struct vhost_server *s, const struct vhost_user_msg *msg)
{
	const struct message *m;
	uint32_t request = msg->header.request, size = msg->header.size;

	if (request >= sizeof(messages) / sizeof(messages[0]) || messages[request].handle == NULL)
		return fault(s, "message %u, which is unknown or was not negotiated", request);
	m = &messages[request];
	if ((msg->header.flags & VHOST_FLAG_REPLY) != 0)
		return fault(s, "%s has the flag of a reply", m->name);
	if (m->feature != NO_FEATURE && (s->protocol >> m->feature & 1) == 0)
		return fault(s, "%s, which was not negotiated", m->name);
	if (size < m->size || size > (m->size_max != 0 ? m->size_max : m->size))
		return fault(s, "%s has %u bytes, expected %u", m->name, size, m->size);
	if (msg->fd_count < m->fds_min || msg->fd_count > m->fds_max)
		return fault(s, "%s comes with %u descriptors, expected %s%u", m->name,
			     msg->fd_count, m->fds_min != m->fds_max ? "at most " : "", m->fds_max);
	return 0;
}

/* The reply that the message has of its own, or that the driver asks for. */
static int reply(struct vhost_server *s, struct vhost_user_msg *msg)
{
	const struct message *m = &messages[msg->header.request];
	bool asked = (msg->header.flags & VHOST_FLAG_NEED_REPLY) != 0 &&
		     vhost_server_speaks(s, VHOST_PROTOCOL_REPLY_ACK);
	int err;

	if (m->reply == 0 && !asked)
		return 0;
	if (m->reply == 0) {
		msg->payload.u64 = 0;
		msg->header.size = U64;
	} else if (m->reply != SAME) {
		msg->header.size = m->reply;
	}
	msg->header.flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY;
	s->unheard = 0;
	err = vhost_send(&s->channel, msg);
	return err == -ETIMEDOUT ? fault(s, "it does not read the replies to its messages") : err;
}

int vhost_server_message(struct vhost_server *s)
{
	struct vhost_user_msg msg;
	int err;

	s->unheard = 0;
	err = vhost_receive(&s->channel, &msg);
	if (err == -ETIMEDOUT)
		return fault(s, "it sent a part of a message, and no more of it");
	if (err != 0)
		return err;
	err = check(s, &msg);
	if (err == 0)
		err = messages[msg.header.request].handle(s, &msg);
	vhost_close_fds(&msg);
	return err != 0 ? err : reply(s, &msg);
}

void vhost_server_config_changed(struct vhost_server *s)
{
	const struct vhost_user_msg msg = vhost_user_message(VHOST_BACKEND_CONFIG_CHANGE, 0);
	struct vhost_channel channel = { .fd = s->backend_requests };

	/* A driver that does not listen any more ends by the other channel. */
	if (s->backend_requests >= 0)
		vhost_send(&channel, &msg);
}

void vhost_server_ring_error(struct vhost_server *s, unsigned queue)
{
	/* Whether anybody listens is the driver's affair. */
	if (s->rings[queue].err >= 0)
		event_signal(s->rings[queue].err);
}

void vhost_server_open(struct vhost_server *s, int fd, unsigned queue_count,
		       const struct vhost_server_calls *calls, void *ctx)
{
	memset(s, 0, sizeof(*s));
	s->channel.fd = fd;
	s->channel.patience = be_patient;
	s->channel.ctx = s;
	s->backend_requests = -1;
	s->queue_count =
		queue_count < VHOST_SERVER_QUEUES_MAX ? queue_count : VHOST_SERVER_QUEUES_MAX;
	s->calls = calls;
	s->ctx = ctx;
	for (unsigned i = 0; i < VHOST_SERVER_QUEUES_MAX; i++)
		s->rings[i].kick = s->rings[i].call = s->rings[i].err = -1;
}

void vhost_server_close(struct vhost_server *s)
{
	for (unsigned i = 0; i < VHOST_SERVER_QUEUES_MAX; i++) {
		put_fd(&s->rings[i].kick, -1);
		put_fd(&s->rings[i].call, -1);
		put_fd(&s->rings[i].err, -1);
	}
	put_fd(&s->backend_requests, -1);
	put_fd(&s->channel.fd, -1);
	driver_memory_release(&s->memory);
}
