/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A vhost-user backend of an entropy device (VIRTIO 1.4, 5.4), written from the protocol's
 * text (QEMU, docs/interop/vhost-user.rst) and from nothing else in this tree: what a
 * front-end may meet, legal or not, as its options say.
 *
 *	vhost_user_rng --socket PATH | --fd N | --connection N [--mode NAME]... [--at MOMENT]
 *		[--us N]
 *
 * A mode is a character below, a habit of its ring (ring.h), or a misfortune (luck.h),
 * which happens at that moment.  Without one: a single thread that serves its ring before
 * messages, and one connection after the other.
 */
#include "luck.h"
#include "memory.h"
#include "ring.h"
#include "vhost_wire.h"

#include <errno.h>
#include <getopt.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

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

/* All of them are legal, as far as the protocol goes. */
enum character {
	THREAD,	       /* another thread serves the ring, and answers `us` microseconds later */
	POLLS,	       /* so, and looks every `us` microseconds, notified or not */
	MESSAGE_FIRST, /* messages before the ring */
	LATE,	       /* begins to listen after 300 ms */
	ONCE,	       /* ends when the connection does */
	HANGS_UP, /* when the driver breaks its ring; otherwise it signals the error descriptor */
	CALLS_AT_START,
	NO_PROTOCOL, /* no protocol features */
	NO_REPLY_ACK,
	NO_CONFIG,
	WITH_STATUS,
	WITH_RESET,
	WITH_LOG,
	NO_VERSION_1, /* a legacy device, which nobody asked for */
	NO_QUEUE,
	CHARACTERS
};

static const char *const names[] = {
	[THREAD] = "thread",
	[POLLS] = "polls",
	[MESSAGE_FIRST] = "message-first",
	[LATE] = "late",
	[ONCE] = "once",
	[HANGS_UP] = "hangs-up",
	[CALLS_AT_START] = "calls-at-start",
	[NO_PROTOCOL] = "no-protocol",
	[NO_REPLY_ACK] = "no-reply-ack",
	[NO_CONFIG] = "no-config",
	[WITH_STATUS] = "status",
	[WITH_RESET] = "reset-device",
	[WITH_LOG] = "log",
	[NO_VERSION_1] = "no-version-1",
	[NO_QUEUE] = "no-queue",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CHARACTERS, "a name for each character");

static bool is[CHARACTERS];
static long delay_us = 3000;

/* The device.  What both threads use is used with the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned = PTHREAD_COND_INITIALIZER;
static struct memory memory;
static struct ring ring = { .memory = &memory };
static struct vhost_vring_addr at; /* as the front-end calls it */
static uint16_t base;
static int kick = -1, call = -1, err = -1, wake = -1, connection = -1;
static bool enabled, kicked;
static uint64_t features, protocol;
static uint8_t status;

static void put_event(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		perror("peer: an eventfd");
}

static void interrupt(void *ctx)
{
	(void)ctx;
	put_event(call);
}

static void replace(int *fd, int with)
{
	if (*fd >= 0)
		close(*fd);
	*fd = with;
}

/* ---- the ring ------------------------------------------------------------------------ */

static void start_ring(void)
{
	ring.event_idx = (features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
	ring.indirect = (features & BIT(VIRTIO_RING_F_INDIRECT_DESC)) != 0;
	ring.log_used = (at.flags & BIT(VHOST_VRING_F_LOG)) != 0;
	ring.used_log = at.log_guest_addr;
	if (!memory_from_user(&memory, at.desc_user_addr, &ring.desc) ||
	    !memory_from_user(&memory, at.avail_user_addr, &ring.avail) ||
	    !memory_from_user(&memory, at.used_user_addr, &ring.used))
		ring.desc = 1;
	ring_start(&ring, base);
}

/* The driver broke the ring: the front-end is told. */
static void complain(bool was_broken)
{
	if (was_broken || !ring.broken)
		return;
	put_event(err);
	status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (is[HANGS_UP])
		shutdown(connection, SHUT_RDWR);
}

static void pause_us(long us)
{
	const struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

/* With the lock, as all below; it is left for the time that answers take. */
static void serve(void)
{
	bool was_broken = ring.live && ring.broken;

	if (!ring.live)
		start_ring();
	if (!is[THREAD]) {
		ring_serve(&ring);
		complain(was_broken);
		return;
	}
	while (ring_take(&ring)) {
		pthread_mutex_unlock(&lock);
		pause_us(delay_us);
		pthread_mutex_lock(&lock);
		ring_return(&ring);
		pthread_cond_broadcast(&returned);
	}
	/* It may have been stopped meanwhile, and have nothing to say. */
	if (ring.live)
		ring_serve(&ring);
	complain(was_broken);
}

static void take_kick(void)
{
	uint64_t count;

	if (kick < 0 || read(kick, &count, sizeof(count)) != sizeof(count))
		return;
	if (!luck_strike(AT_KICK))
		return;
	kicked = true;
	if (enabled)
		serve();
}

static void stop_ring(void)
{
	while (ring.held_count > 0)
		pthread_cond_wait(&returned, &lock);
	if (ring.live)
		base = ring.next_avail;
	ring_stop(&ring);
	kicked = false;
	replace(&kick, -1);
}

static bool is_kicked(void)
{
	struct pollfd p = { .fd = kick, .events = POLLIN };

	return kick >= 0 && poll(&p, 1, 0) > 0;
}

/* The other thread. */
static void *serve_for_ever(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		struct pollfd p[] = { { .fd = wake, .events = POLLIN },
				      { .fd = kick, .events = POLLIN } };
		uint64_t count;

		pthread_mutex_unlock(&lock);
		if (is[POLLS])
			pause_us(delay_us);
		else if (poll(p, 2, -1) > 0 && p[0].revents != 0 &&
			 read(wake, &count, sizeof(count)) < 0)
			return arg;
		pthread_mutex_lock(&lock);
		if (is_kicked())
			take_kick();
		else if (is[POLLS] && enabled && kicked)
			serve();
	}
}

/* ---- messages ------------------------------------------------------------------------ */

static uint64_t offered(void)
{
	return BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |
	       (is[NO_VERSION_1] ? 0 : BIT(VIRTIO_F_VERSION_1)) |
	       (is[NO_PROTOCOL] ? 0 : F_PROTOCOL) | (is[WITH_LOG] ? F_LOG_ALL : 0);
}

static uint64_t offered_protocol(void)
{
	return P_MQ | (is[NO_REPLY_ACK] ? 0 : P_REPLY_ACK) | (is[NO_CONFIG] ? 0 : P_CONFIG) |
	       (is[WITH_STATUS] ? P_STATUS : 0) | (is[WITH_RESET] ? P_RESET_DEVICE : 0) |
	       (is[WITH_LOG] ? P_LOG_SHMFD : 0);
}

static void reset(void)
{
	stop_ring();
	features = 0;
	enabled = false;
	memory.logs = false;
	status = 0;
	base = 0;
}

/* ---- one function a request: false refuses it ---- */

static bool do_nothing(struct wire_message *m)
{
	(void)m;
	return true;
}

static void reply_number(const struct wire_message *m, uint64_t number, enum moment moment)
{
	wire_reply(connection, m, &number, sizeof(number), moment);
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
	features = wanted;
	memory.logs = (wanted & F_LOG_ALL) != 0;
	enabled = enabled || (wanted & F_PROTOCOL) == 0;
	return true;
}

static bool get_protocol_features(struct wire_message *m)
{
	reply_number(m, offered_protocol(), NEVER);
	return !is[NO_PROTOCOL];
}

static bool set_protocol_features(struct wire_message *m)
{
	protocol = m->payload.number;
	return (protocol & ~offered_protocol()) == 0;
}

static bool get_queue_num(struct wire_message *m)
{
	reply_number(m, is[NO_QUEUE] ? 0 : 1, NEVER);
	return true;
}

static bool set_memory(struct wire_message *m)
{
	uint32_t count = m->payload.table.count;

	luck_strike(AT_MEMORY);
	if (count > WIRE_REGIONS_MAX || m->fd_count != count ||
	    m->size < 8 + count * sizeof(struct wire_region) || luck_is("refuses", AT_MEMORY))
		return false;
	memory_forget(&memory);
	for (uint32_t i = 0; i < count; i++) {
		const struct wire_region *r = &m->payload.table.regions[i];

		if (memory_add(&memory, m->fds[i], r->offset, r->guest, r->user, r->size) != 0)
			return false;
	}
	return true;
}

static bool set_log(struct wire_message *m)
{
	if (m->fd_count != 1 ||
	    memory_set_log(&memory, m->fds[0], m->payload.log.offset, m->payload.log.size) != 0)
		return false;
	reply_number(m, 0, NEVER);
	return true;
}

static bool set_num(struct wire_message *m)
{
	ring.size = (uint16_t)m->payload.state.num;
	return m->payload.state.index == 0 && m->payload.state.num <= RING_SIZE_MAX;
}

static bool set_addr(struct wire_message *m)
{
	at = m->payload.addr;
	return at.index == 0;
}

static bool set_base(struct wire_message *m)
{
	base = (uint16_t)m->payload.state.num;
	return m->payload.state.index == 0;
}

static bool get_base(struct wire_message *m)
{
	luck_strike(AT_STOP);
	stop_ring();
	m->payload.state.num = base;
	wire_reply(connection, m, &m->payload, sizeof(m->payload.state), AT_STOP);
	ring_haunt(&ring);
	return m->payload.state.index == 0;
}

/* SET_VRING_KICK, CALL or ERR. */
static bool set_descriptor(struct wire_message *m, int *fd)
{
	bool has_one = (m->payload.number & NO_FD) == 0;

	if ((m->payload.number & 0xff) != 0 || has_one != (m->fd_count == 1))
		return false;
	replace(fd, has_one ? m->fds[0] : -1);
	m->fd_count = 0;
	put_event(wake);
	/* As libvhost-user does. */
	if (is[CALLS_AT_START] && fd == &call)
		put_event(call);
	/* Nobody will notify. */
	kicked = kicked || (fd == &kick && (!has_one || is[POLLS]));
	return true;
}

static bool set_kick(struct wire_message *m)
{
	return set_descriptor(m, &kick);
}

static bool set_call(struct wire_message *m)
{
	return set_descriptor(m, &call);
}

static bool set_err(struct wire_message *m)
{
	return set_descriptor(m, &err);
}

static bool set_enable(struct wire_message *m)
{
	enabled = m->payload.state.num == 1;
	if (enabled && kicked)
		put_event(kick);
	return m->payload.state.index == 0;
}

/* There is none. */
static bool get_config(struct wire_message *m)
{
	wire_reply(connection, m, "", 0, NEVER);
	return true;
}

static bool reset_device(struct wire_message *m)
{
	(void)m;
	luck_strike(AT_STOP);
	reset();
	return is[WITH_RESET];
}

static bool set_status(struct wire_message *m)
{
	uint8_t value = (uint8_t)m->payload.number;

	if (value != 0) {
		status = value;
		return is[WITH_STATUS];
	}
	luck_strike(AT_STOP);
	reset();
	return is[WITH_STATUS];
}

static bool get_status(struct wire_message *m)
{
	reply_number(m, status, NEVER);
	return is[WITH_STATUS];
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
	bool heard = wire_receive(connection, &m), known, acknowledges;

	if (!heard)
		return false;
	known = m.request < sizeof(answers) / sizeof(answers[0]) &&
		answers[m.request].answer != NULL;
	luck_strike(AT_HELLO);
	pthread_mutex_lock(&lock);
	acknowledges = (protocol & P_REPLY_ACK) != 0 && (m.flags & WIRE_NEED_REPLY) != 0 &&
		       !(known && answers[m.request].replies);
	if (known && answers[m.request].answer(&m))
		refused = 0;
	pthread_mutex_unlock(&lock);
	wire_close_fds(&m);
	if (acknowledges)
		wire_reply(connection, &m, &refused, 8,
			   m.request == SET_MEM_TABLE ? AT_MEMORY : NEVER);
	return refused == 0 || acknowledges;
}

static void serve_connection(void)
{
	bool threads = is[THREAD] || is[POLLS], goes_on = true;

	luck_connected(connection);
	while (goes_on) {
		struct pollfd p[] = { { .fd = connection, .events = POLLIN },
				      { .fd = threads ? -1 : kick, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents != 0 && !(is[MESSAGE_FIRST] && p[0].revents != 0))
			take_kick();
		if (p[0].revents != 0)
			goes_on = take_message();
	}
	pthread_mutex_lock(&lock);
	luck_strike(AT_END);
	reset();
	memory_forget(&memory);
	protocol = 0;
	replace(&call, -1);
	replace(&err, -1);
	replace(&connection, -1);
	pthread_mutex_unlock(&lock);
}

/* ---- options ------------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(where.sun_path)) {
		fprintf(stderr, "vhost_user_rng: %s: the path is too long\n", path);
		exit(1);
	}
	strcpy(where.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 ||
	    listen(fd, 1) != 0) {
		fprintf(stderr, "vhost_user_rng: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static bool choose(const char *name)
{
	for (unsigned i = 0; i < CHARACTERS; i++)
		if (strcmp(names[i], name) == 0)
			return is[i] = true;
	return ring_habit(&ring, name) || luck_choose(name);
}

static int usage(void)
{
	fprintf(stderr, "vhost_user_rng --socket PATH | --fd N | --connection N [--mode NAME]... "
			"[--at MOMENT] [--us N]\ncharacters:");
	for (unsigned i = 0; i < CHARACTERS; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, "\n");
	ring_help();
	luck_help();
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", 1, NULL, 's' }, { "fd", 1, NULL, 'f' }, { "connection", 1, NULL, 'c' },
		{ "mode", 1, NULL, 'm' },   { "at", 1, NULL, 'a' }, { "us", 1, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	bool right = true;
	int listening = -1, option;
	pthread_t thread;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		path = option == 's' ? optarg : path;
		listening = option == 'f' ? (int)strtol(optarg, NULL, 10) : listening;
		connection = option == 'c' ? (int)strtol(optarg, NULL, 10) : connection;
		delay_us = option == 'u' ? strtol(optarg, NULL, 10) : delay_us;
		right = right && option != '?' && (option != 'm' || choose(optarg)) &&
			(option != 'a' || luck_when(optarg));
	}
	if (!right || (path != NULL) + (listening >= 0) + (connection >= 0) != 1)
		return usage();
	luck_strike(AT_START);
	if (is[LATE])
		pause_us(300000);
	if (path != NULL)
		listening = listen_at(path);
	ring.interrupt = interrupt;
	wake = eventfd(0, EFD_CLOEXEC);
	if ((is[THREAD] || is[POLLS]) && pthread_create(&thread, NULL, serve_for_ever, NULL) != 0)
		return 1;
	do {
		if (listening >= 0)
			/* Nobody wants to know who it is. */
			/* cppcheck-suppress nullPointer */
			connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (connection >= 0)
			serve_connection();
	} while (listening >= 0 && !is[ONCE]);
	return 0;
}
