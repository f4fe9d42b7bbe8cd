/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a front-end says, and the answers.  See vhost_device.h.
 */
#include "vhost_device.h"

#include "luck.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stddef.h>

#define BIT(n) (UINT64_C(1) << (n))
#define F_LOG_ALL BIT(26)
#define F_PROTOCOL BIT(30)
#define P_MQ BIT(0)
#define P_LOG_SHMFD BIT(1)
#define P_REPLY_ACK BIT(3)
#define P_CONFIG BIT(9)
#define P_RESET_DEVICE BIT(13)
#define P_STATUS BIT(16)
#define NO_FD BIT(8)

static uint64_t offered(void)
{
	return BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |
	       (own.is[NO_VERSION_1] ? 0 : BIT(VIRTIO_F_VERSION_1)) |
	       (own.is[NO_PROTOCOL] ? 0 : F_PROTOCOL) | (own.is[WITH_LOG] ? F_LOG_ALL : 0);
}

static uint64_t offered_protocol(void)
{
	return P_MQ | (own.is[NO_REPLY_ACK] ? 0 : P_REPLY_ACK) |
	       (own.is[NO_CONFIG] ? 0 : P_CONFIG) | (own.is[WITH_STATUS] ? P_STATUS : 0) |
	       (own.is[WITH_RESET] ? P_RESET_DEVICE : 0) | (own.is[WITH_LOG] ? P_LOG_SHMFD : 0);
}

static void reset(void)
{
	device_stop_ring();
	own.features = 0;
	own.enabled = false;
	own.memory.logs = false;
	own.status = 0;
	own.base = 0;
}

/* ---- one function a request: false refuses it ---- */

static bool do_nothing(struct wire_message *m)
{
	(void)m;
	return true;
}

static void reply_number(const struct wire_message *m, uint64_t number, enum moment moment)
{
	wire_reply(own.connection, m, &number, sizeof(number), moment);
}

static bool get_features(struct wire_message *m)
{
	reply_number(m, offered(), AT_HELLO);
	return true;
}

static bool set_features(struct wire_message *m)
{
	uint64_t wanted = m->payload.number;

	if ((wanted & ~offered()) != 0)
		return false;
	own.features = wanted;
	own.memory.logs = (wanted & F_LOG_ALL) != 0;
	own.enabled = own.enabled || (wanted & F_PROTOCOL) == 0;
	return true;
}

static bool get_protocol_features(struct wire_message *m)
{
	reply_number(m, offered_protocol(), NEVER);
	return !own.is[NO_PROTOCOL];
}

static bool set_protocol_features(struct wire_message *m)
{
	own.protocol = m->payload.number;
	return (own.protocol & ~offered_protocol()) == 0;
}

static bool get_queue_num(struct wire_message *m)
{
	reply_number(m, own.is[NO_QUEUE] ? 0 : 1, NEVER);
	return true;
}

static bool set_memory(struct wire_message *m)
{
	uint32_t count = m->payload.table.count;

	luck_strike(AT_MEMORY);
	if (count > WIRE_REGIONS_MAX || m->fd_count != count ||
	    m->size < 8 + count * sizeof(struct wire_region) || luck_is("refuses", AT_MEMORY))
		return false;
	memory_forget(&own.memory);
	for (uint32_t i = 0; i < count; i++) {
		const struct wire_region *r = &m->payload.table.regions[i];

		if (memory_add(&own.memory, m->fds[i], r->offset, r->guest, r->user, r->size) != 0)
			return false;
	}
	return true;
}

static bool set_log(struct wire_message *m)
{
	if (m->fd_count != 1 ||
	    memory_set_log(&own.memory, m->fds[0], m->payload.log.offset, m->payload.log.size) != 0)
		return false;
	reply_number(m, 0, NEVER);
	return true;
}

static bool set_num(struct wire_message *m)
{
	own.ring.size = (uint16_t)m->payload.state.num;
	return m->payload.state.index == 0 && m->payload.state.num <= RING_SIZE_MAX;
}

static bool set_addr(struct wire_message *m)
{
	own.at = m->payload.addr;
	return own.at.index == 0;
}

static bool set_base(struct wire_message *m)
{
	own.base = (uint16_t)m->payload.state.num;
	return m->payload.state.index == 0;
}

static bool get_base(struct wire_message *m)
{
	luck_strike(AT_STOP);
	device_stop_ring();
	m->payload.state.num = own.base;
	wire_reply(own.connection, m, &m->payload, sizeof(m->payload.state), AT_STOP);
	ring_haunt(&own.ring);
	return m->payload.state.index == 0;
}

/* SET_VRING_KICK, CALL or ERR. */
static bool set_descriptor(struct wire_message *m, int *fd)
{
	bool has_one = (m->payload.number & NO_FD) == 0;

	if ((m->payload.number & 0xff) != 0 || has_one != (m->fd_count == 1))
		return false;
	device_replace(fd, has_one ? m->fds[0] : -1);
	m->fd_count = 0;
	device_put_event(own.wake);
	/* As libvhost-user does. */
	if (own.is[CALLS_AT_START] && fd == &own.call)
		device_put_event(own.call);
	/* Nobody will notify. */
	own.kicked = own.kicked || (fd == &own.kick && (!has_one || own.is[POLLS]));
	return true;
}

static bool set_kick(struct wire_message *m)
{
	return set_descriptor(m, &own.kick);
}

static bool set_call(struct wire_message *m)
{
	return set_descriptor(m, &own.call);
}

static bool set_err(struct wire_message *m)
{
	return set_descriptor(m, &own.err);
}

static bool set_enable(struct wire_message *m)
{
	own.enabled = m->payload.state.num == 1;
	if (own.enabled && own.kicked)
		device_put_event(own.kick);
	return m->payload.state.index == 0;
}

/* There is none. */
static bool get_config(struct wire_message *m)
{
	wire_reply(own.connection, m, "", 0, NEVER);
	return true;
}

static bool reset_device(struct wire_message *m)
{
	(void)m;
	luck_strike(AT_STOP);
	reset();
	return own.is[WITH_RESET];
}

static bool set_status(struct wire_message *m)
{
	uint8_t value = (uint8_t)m->payload.number;

	if (value != 0) {
		own.status = value;
		return own.is[WITH_STATUS];
	}
	luck_strike(AT_STOP);
	reset();
	return own.is[WITH_STATUS];
}

static bool get_status(struct wire_message *m)
{
	reply_number(m, own.status, NEVER);
	return own.is[WITH_STATUS];
}

static const struct {
	bool (*answer)(struct wire_message *m);
	bool replies; /* by itself: REPLY_ACK adds nothing */
} answers[] = {
	[GET_FEATURES] = { get_features, true },
	[SET_FEATURES] = { set_features, false },
	[SET_OWNER] = { do_nothing, false },
	[RESET_OWNER] = { do_nothing, false },
	[SET_MEM_TABLE] = { set_memory, false },
	[SET_LOG_BASE] = { set_log, true },
	[SET_LOG_FD] = { do_nothing, false },
	[SET_VRING_NUM] = { set_num, false },
	[SET_VRING_ADDR] = { set_addr, false },
	[SET_VRING_BASE] = { set_base, false },
	[GET_VRING_BASE] = { get_base, true },
	[SET_VRING_KICK] = { set_kick, false },
	[SET_VRING_CALL] = { set_call, false },
	[SET_VRING_ERR] = { set_err, false },
	[GET_PROTOCOL_FEATURES] = { get_protocol_features, true },
	[SET_PROTOCOL_FEATURES] = { set_protocol_features, false },
	[GET_QUEUE_NUM] = { get_queue_num, true },
	[SET_VRING_ENABLE] = { set_enable, false },
	[GET_CONFIG] = { get_config, true },
	[RESET_DEVICE] = { reset_device, false },
	[SET_STATUS] = { set_status, false },
	[GET_STATUS] = { get_status, true },
};

/* false: it is over. */
static bool take_message(void)
{
	struct wire_message m;
	uint64_t refused = 1;
	bool heard = wire_receive(own.connection, &m), known, acknowledges;

	if (!heard)
		return false;
	known = m.request < sizeof(answers) / sizeof(answers[0]) &&
		answers[m.request].answer != NULL;
	luck_strike(AT_HELLO);
	pthread_mutex_lock(&own.lock);
	acknowledges = (own.protocol & P_REPLY_ACK) != 0 && (m.flags & WIRE_NEED_REPLY) != 0 &&
		       !(known && answers[m.request].replies);
	if (known && answers[m.request].answer(&m))
		refused = 0;
	pthread_mutex_unlock(&own.lock);
	wire_close_fds(&m);
	if (acknowledges)
		wire_reply(own.connection, &m, &refused, 8,
			   m.request == SET_MEM_TABLE ? AT_MEMORY : NEVER);
	return refused == 0 || acknowledges;
}

void serve_connection(void)
{
	bool threads = own.is[THREAD] || own.is[POLLS], goes_on = true;

	luck_connected(own.connection);
	while (goes_on) {
		struct pollfd p[] = { { .fd = own.connection, .events = POLLIN },
				      { .fd = threads ? -1 : own.kick, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents != 0 && !(own.is[MESSAGE_FIRST] && p[0].revents != 0))
			device_take_kick();
		if (p[0].revents != 0)
			goes_on = take_message();
	}
	pthread_mutex_lock(&own.lock);
	luck_strike(AT_END);
	reset();
	memory_forget(&own.memory);
	own.protocol = 0;
	device_replace(&own.call, -1);
	device_replace(&own.err, -1);
	device_replace(&own.connection, -1);
	pthread_mutex_unlock(&own.lock);
}
