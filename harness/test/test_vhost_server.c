/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The back-end's side of the vhost-user protocol: each message does what it says, and one
 * that is wrong, in whatever way, is refused with one line and leaves no descriptor open
 * (harness/serve/vhost_server.h).
 */
#include "harness/serve/vhost_server.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define QUEUES 2u
#define OFFERED 0x500000020ull
#define PACKED (1ull << VIRTIO_F_RING_PACKED)
#define PROTOCOL (UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES)
#define ALL_PROTOCOL                                                                               \
	(1u << VHOST_PROTOCOL_MQ | 1u << VHOST_PROTOCOL_REPLY_ACK |                                \
	 1u << VHOST_PROTOCOL_BACKEND_REQ | 1u << VHOST_PROTOCOL_CONFIG |                          \
	 1u << VHOST_PROTOCOL_RESET_DEVICE | 1u << VHOST_PROTOCOL_STATUS)

static struct vhost_server server;
static struct vhost_channel driver; /* its side */
static struct vhost_user_msg reply;
static int memfd;
static unsigned fds_at_first;

/* What the device was asked. */
static struct {
	unsigned memory, rings, resets;
	uint8_t status, config[VHOST_CONFIG_MAX];
} asked;

static uint64_t on_features(void *ctx)
{
	(void)ctx;
	return OFFERED;
}

static void on_config_read(void *ctx, uint32_t offset, uint8_t *bytes, uint32_t len)
{
	(void)ctx;
	memcpy(bytes, asked.config + offset, len);
}

static void on_config_write(void *ctx, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	(void)ctx;
	memcpy(asked.config + offset, bytes, len);
}

static void on_memory(void *ctx)
{
	(void)ctx;
	asked.memory++;
}

static void on_ring(void *ctx, unsigned queue)
{
	(void)ctx;
	assert_in_range(queue, 0, QUEUES - 1);
	asked.rings++;
}

static uint32_t on_base(void *ctx, unsigned queue)
{
	(void)ctx;
	return 77 + queue;
}

static void on_status(void *ctx, uint8_t status)
{
	(void)ctx;
	asked.status = status;
}

static uint8_t on_status_read(void *ctx)
{
	(void)ctx;
	return asked.status;
}

static void on_reset(void *ctx)
{
	(void)ctx;
	asked.resets++;
}

static const struct vhost_server_calls calls = {
	.features = on_features,
	.config_read = on_config_read,
	.config_write = on_config_write,
	.memory_changed = on_memory,
	.ring_changed = on_ring,
	.ring_base = on_base,
	.status_write = on_status,
	.status_read = on_status_read,
	.reset = on_reset,
};

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int setup(void **state)
{
	int ends[2];

	(void)state;
	memset(&asked, 0, sizeof(asked));
	memfd = memfd_create("driver", MFD_CLOEXEC);
	assert_int_equal(ftruncate(memfd, 8192), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	driver = (struct vhost_channel){ .fd = ends[0] };
	vhost_server_open(&server, ends[1], QUEUES, &calls, NULL);
	server.protocol = ALL_PROTOCOL;
	server.features = (OFFERED & ~PACKED) | PROTOCOL;
	fds_at_first = count_fds();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vhost_server_close(&server);
	close(driver.fd);
	close(memfd);
	return 0;
}

static int say(const struct vhost_user_msg *msg)
{
	assert_int_equal(vhost_send(&driver, msg), 0);
	return vhost_server_message(&server);
}

static struct vhost_user_msg u64(uint32_t request, uint64_t value)
{
	struct vhost_user_msg msg = vhost_user_message(request, sizeof(value));

	msg.payload.u64 = value;
	return msg;
}

static struct vhost_user_msg state_of(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_msg msg = vhost_user_message(request, sizeof(struct vhost_vring_state));

	msg.payload.state = (struct vhost_vring_state){ index, num };
	return msg;
}

static struct vhost_user_msg with_fd(struct vhost_user_msg msg)
{
	msg.fds[msg.fd_count++] = memfd;
	return msg;
}

static struct vhost_user_msg memory(uint32_t count, uint32_t described, uint64_t size)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_SET_MEM_TABLE, 8 + described * 32);

	msg.payload.memory.count = count;
	for (uint32_t i = 0; i < described && i < VHOST_REGIONS_MAX; i++) {
		msg.payload.memory.regions[i].guest_addr = i * size;
		msg.payload.memory.regions[i].user_addr = i * size;
		msg.payload.memory.regions[i].size = size;
	}
	return msg;
}

static void takes(struct vhost_user_msg msg)
{
	int err = say(&msg);

	if (err != 0)
		fail_msg("message %u: %s", msg.header.request, server.channel.why);
}

static uint64_t answers(struct vhost_user_msg msg)
{
	takes(msg);
	assert_int_equal(vhost_receive_reply(&driver, msg.header.request, 8, 8, &reply), 0);
	return reply.payload.u64;
}

/* It is refused, with one line that has `part`, and nothing of it is left. */
static void refuses(struct vhost_user_msg msg, const char *part)
{
	server.channel.why[0] = '\0';
	if (say(&msg) != -EPROTO)
		fail_msg("message %u with %u bytes was taken, expected: %s", msg.header.request,
			 msg.header.size, part);
	if (strstr(server.channel.why, part) == NULL)
		fail_msg("'%s' says nothing of '%s'", server.channel.why, part);
	assert_null(strchr(server.channel.why, '\n'));
	assert_int_equal(count_fds(), fds_at_first);
}

/* ---- what is right ------------------------------------------------------------------------- */

static void a_driver_learns_what_there_is(void **state)
{
	(void)state;
	server.protocol = 0;
	assert_int_equal(answers(vhost_user_message(VHOST_USER_GET_FEATURES, 0)),
			 OFFERED | PROTOCOL);
	assert_int_equal(answers(vhost_user_message(VHOST_USER_GET_PROTOCOL_FEATURES, 0)),
			 ALL_PROTOCOL);
	takes(u64(VHOST_USER_SET_PROTOCOL_FEATURES, ALL_PROTOCOL));
	assert_int_equal(answers(vhost_user_message(VHOST_USER_GET_QUEUE_NUM, 0)), QUEUES);
	takes(vhost_user_message(VHOST_USER_SET_OWNER, 0));
	takes(u64(VHOST_USER_SET_FEATURES, OFFERED));
	assert_int_equal(server.features, OFFERED);
	takes(u64(VHOST_USER_SET_STATUS, 15));
	assert_int_equal(answers(vhost_user_message(VHOST_USER_GET_STATUS, 0)), 15);
	takes(vhost_user_message(VHOST_USER_RESET_DEVICE, 0));
	assert_int_equal(asked.resets, 1);
}

static void a_ring_begins_and_ends(void **state)
{
	struct vhost_user_msg addr =
		vhost_user_message(VHOST_USER_SET_VRING_ADDR, sizeof(struct vhost_vring_addr));
	struct vhost_user_msg base = state_of(VHOST_USER_GET_VRING_BASE, 1, 0);

	(void)state;
	addr.payload.addr.index = 1;
	takes(with_fd(memory(1, 1, 4096)));
	assert_int_equal(asked.memory, 1);
	takes(state_of(VHOST_USER_SET_VRING_NUM, 1, 64));
	takes(state_of(VHOST_USER_SET_VRING_BASE, 1, 3));
	assert_false(vhost_server_waits(&server, 1));
	takes(addr);
	/* It is described, and may yet begin, which the device has to wait for. */
	assert_true(vhost_server_waits(&server, 1));
	takes(with_fd(u64(VHOST_USER_SET_VRING_CALL, 1)));
	takes(with_fd(u64(VHOST_USER_SET_VRING_KICK, 1)));
	assert_false(vhost_server_runs(&server, 1));
	assert_true(vhost_server_waits(&server, 1));
	takes(state_of(VHOST_USER_SET_VRING_ENABLE, 1, 1));
	assert_true(vhost_server_runs(&server, 1));
	assert_int_equal(server.rings[1].base, 3);
	takes(base);
	assert_int_equal(vhost_receive_reply(&driver, VHOST_USER_GET_VRING_BASE, 8, 8, &reply), 0);
	assert_int_equal(reply.payload.state.num, 78);
	assert_false(vhost_server_runs(&server, 1));
	/* Without the protocol's features a ring begins with its descriptor. */
	takes(u64(VHOST_USER_SET_FEATURES, OFFERED));
	server.rings[1].enabled = false;
	takes(u64(VHOST_USER_SET_VRING_KICK, 1 | VHOST_RING_NO_FD));
	assert_true(vhost_server_runs(&server, 1));
	assert_int_equal(server.rings[1].kick, -1);
}

/* A packed ring begins at two positions of 16 bits, and what is said of one that was stopped
 * counts until the driver says another, or resets the device. */
static void a_packed_ring_goes_on_where_it_was_stopped(void **state)
{
	(void)state;
	takes(u64(VHOST_USER_SET_FEATURES, OFFERED & ~PACKED));
	takes(state_of(VHOST_USER_SET_VRING_BASE, 0, 0x8000));
	takes(u64(VHOST_USER_SET_FEATURES, OFFERED));
	takes(state_of(VHOST_USER_SET_VRING_BASE, 0, 0x80038004));
	assert_int_equal(server.rings[0].base, 0x80038004);
	assert_false(server.rings[0].goes_on);
	for (unsigned i = 0; i < 3; i++) {
		takes(state_of(VHOST_USER_GET_VRING_BASE, 0, 0));
		assert_int_equal(
			vhost_receive_reply(&driver, VHOST_USER_GET_VRING_BASE, 8, 8, &reply), 0);
		assert_int_equal(server.rings[0].base, reply.payload.state.num);
		assert_true(server.rings[0].goes_on);
		takes(state_of(VHOST_USER_SET_VRING_BASE, 0, reply.payload.state.num));
		assert_true(server.rings[0].goes_on);
		if (i == 0)
			takes(state_of(VHOST_USER_SET_VRING_BASE, 0, 0));
		else if (i == 1)
			takes(vhost_user_message(VHOST_USER_RESET_DEVICE, 0));
		assert_int_equal(server.rings[0].goes_on, i == 2);
	}
}

/* Linux in user mode has room for two, always. */
static void a_table_may_be_longer_than_its_regions(void **state)
{
	(void)state;
	takes(with_fd(memory(1, 2, 4096)));
	assert_int_equal(asked.memory, 1);
}

static void configuration_is_read_and_written(void **state)
{
	struct vhost_user_msg msg = vhost_user_message(VHOST_USER_SET_CONFIG, 12 + 4);

	(void)state;
	msg.payload.config.offset = 4;
	msg.payload.config.size = 4;
	memcpy(msg.payload.config.bytes, "abcd", 4);
	takes(msg);
	msg = vhost_user_message(VHOST_USER_GET_CONFIG, 12 + 8);
	msg.payload.config.size = 8;
	takes(msg);
	assert_int_equal(vhost_receive_reply(&driver, VHOST_USER_GET_CONFIG, 20, 20, &reply), 0);
	assert_memory_equal(reply.payload.config.bytes, "\0\0\0\0abcd", 8);
}

static void what_asks_for_an_answer_gets_one(void **state)
{
	struct vhost_user_msg msg = u64(VHOST_USER_SET_STATUS, 1);

	(void)state;
	msg.header.flags |= VHOST_FLAG_NEED_REPLY;
	assert_int_equal(answers(msg), 0);
	/* The message that negotiates answers is answered. */
	server.protocol = 0;
	msg = u64(VHOST_USER_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
	msg.header.flags |= VHOST_FLAG_NEED_REPLY;
	assert_int_equal(answers(msg), 0);
	/* One that has its own gets no second one. */
	msg = vhost_user_message(VHOST_USER_GET_STATUS, 0);
	msg.header.flags |= VHOST_FLAG_NEED_REPLY;
	assert_int_equal(answers(msg), 1);
	assert_int_equal(recv(driver.fd, &reply, 1, MSG_DONTWAIT), -1);
}

static int never(void *ctx)
{
	(void)ctx;
	return -ETIMEDOUT;
}

/* Sooner or later there is no room for one more. */
static void a_driver_that_takes_no_reply_is_refused(void **state)
{
	const struct vhost_user_msg msg = vhost_user_message(VHOST_USER_GET_FEATURES, 0);
	int err = 0;

	(void)state;
	server.channel.patience = never;
	for (int i = 0; i < 100000 && err == 0; i++)
		err = say(&msg);
	assert_int_equal(err, -EPROTO);
	assert_string_equal(server.channel.why, "it does not read the replies to its messages");
}

static void a_change_of_configuration_is_told(void **state)
{
	struct vhost_user_msg msg = vhost_user_message(VHOST_USER_SET_BACKEND_REQ_FD, 0);
	struct vhost_channel requests;
	int ends[2];

	(void)state;
	/* There is nobody to be told. */
	vhost_server_config_changed(&server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	msg.fds[msg.fd_count++] = ends[1];
	takes(msg);
	close(ends[1]);
	vhost_server_config_changed(&server);
	requests = (struct vhost_channel){ .fd = ends[0] };
	assert_int_equal(vhost_receive(&requests, &msg), 0);
	assert_int_equal(msg.header.request, VHOST_BACKEND_CONFIG_CHANGE);
	assert_int_equal(msg.header.size, 0);
	/* Nor does one that does not listen any more hurt. */
	close(ends[0]);
	vhost_server_config_changed(&server);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

/* Every number there is, of every size around its own. */
static void messages_of_a_wrong_size_are_refused(void **state)
{
	static const struct {
		uint32_t request, size;
	} sizes[] = {
		{ VHOST_USER_GET_FEATURES, 0 },	      { VHOST_USER_SET_FEATURES, 8 },
		{ VHOST_USER_SET_OWNER, 0 },	      { VHOST_USER_RESET_OWNER, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8 },      { VHOST_USER_SET_VRING_ADDR, 40 },
		{ VHOST_USER_SET_VRING_BASE, 8 },     { VHOST_USER_GET_VRING_BASE, 8 },
		{ VHOST_USER_SET_VRING_KICK, 8 },     { VHOST_USER_SET_VRING_CALL, 8 },
		{ VHOST_USER_SET_VRING_ERR, 8 },      { VHOST_USER_GET_PROTOCOL_FEATURES, 0 },
		{ VHOST_USER_GET_QUEUE_NUM, 0 },      { VHOST_USER_SET_PROTOCOL_FEATURES, 8 },
		{ VHOST_USER_RESET_DEVICE, 0 },	      { VHOST_USER_SET_VRING_ENABLE, 8 },
		{ VHOST_USER_SET_STATUS, 8 },	      { VHOST_USER_GET_STATUS, 0 },
		{ VHOST_USER_SET_BACKEND_REQ_FD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		refuses(vhost_user_message(sizes[i].request, sizes[i].size + 1), "expected");
		refuses(vhost_user_message(sizes[i].request, VHOST_PAYLOAD_MAX), "expected");
		if (sizes[i].size > 0)
			refuses(vhost_user_message(sizes[i].request, sizes[i].size - 1),
				"expected");
	}
	refuses(vhost_user_message(VHOST_USER_GET_CONFIG, 11), "GET_CONFIG has 11 bytes");
	refuses(vhost_user_message(VHOST_USER_SET_MEM_TABLE, 7), "SET_MEM_TABLE has 7 bytes");
}

static void unknown_messages_are_refused(void **state)
{
	static const uint32_t unknown[] = { 0, 6, 7, 19, 20, 22, 23, 31, 37, 41, 100, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		refuses(with_fd(vhost_user_message(unknown[i], 8)), "unknown");
}

static void what_was_not_negotiated_is_refused(void **state)
{
	(void)state;
	server.protocol = 0;
	refuses(vhost_user_message(VHOST_USER_GET_QUEUE_NUM, 0), "GET_QUEUE_NUM, which was not");
	refuses(vhost_user_message(VHOST_USER_GET_STATUS, 0), "GET_STATUS, which was not");
	refuses(vhost_user_message(VHOST_USER_RESET_DEVICE, 0), "RESET_DEVICE, which was not");
	refuses(vhost_user_message(VHOST_USER_GET_CONFIG, 12), "GET_CONFIG, which was not");
	refuses(with_fd(vhost_user_message(VHOST_USER_SET_BACKEND_REQ_FD, 0)), "which was not");
	refuses(u64(VHOST_USER_SET_PROTOCOL_FEATURES, 1 << 2), "0x4, which are not offered");
	refuses(u64(VHOST_USER_SET_FEATURES, 1), "features 0x1, which are not offered");
}

static void descriptors_that_do_not_fit_are_refused(void **state)
{
	static const uint32_t none[] = { VHOST_USER_SET_FEATURES, VHOST_USER_SET_PROTOCOL_FEATURES,
					 VHOST_USER_SET_STATUS };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		refuses(with_fd(u64(none[i], 0)), "comes with 1 descriptors");
	refuses(with_fd(state_of(VHOST_USER_SET_VRING_NUM, 0, 8)), "comes with 1 descriptors");
	refuses(u64(VHOST_USER_SET_VRING_KICK, 0), "comes with 0 descriptors");
	refuses(with_fd(u64(VHOST_USER_SET_VRING_CALL, VHOST_RING_NO_FD)), "1 descriptors");
	refuses(with_fd(with_fd(u64(VHOST_USER_SET_VRING_ERR, 0))), "2 descriptors");
	refuses(vhost_user_message(VHOST_USER_SET_BACKEND_REQ_FD, 0), "0 descriptors");
	refuses(memory(1, 1, 4096), "with 0 descriptors");
	refuses(with_fd(memory(2, 2, 4096)), "with 1 descriptors");
}

static void rings_that_are_not_there_are_refused(void **state)
{
	struct vhost_user_msg addr =
		vhost_user_message(VHOST_USER_SET_VRING_ADDR, sizeof(struct vhost_vring_addr));

	(void)state;
	refuses(state_of(VHOST_USER_SET_VRING_NUM, QUEUES, 8), "ring 2, the device has 2");
	refuses(state_of(VHOST_USER_SET_VRING_BASE, UINT32_MAX, 8), "ring 4294967295");
	refuses(state_of(VHOST_USER_GET_VRING_BASE, QUEUES, 0), "ring 2");
	refuses(state_of(VHOST_USER_SET_VRING_ENABLE, QUEUES, 1), "ring 2");
	refuses(with_fd(u64(VHOST_USER_SET_VRING_KICK, QUEUES)), "ring 2");
	refuses(with_fd(u64(VHOST_USER_SET_VRING_CALL, 255)), "ring 255");
	refuses(with_fd(u64(VHOST_USER_SET_VRING_CALL, 1ull << 63)), "ring 0x8000000000000000");
	addr.payload.addr.index = QUEUES;
	refuses(addr, "ring 2");
	/* DPDK disables what a device might have. */
	takes(state_of(VHOST_USER_SET_VRING_ENABLE, QUEUES, 0));
}

static void numbers_out_of_range_are_refused(void **state)
{
	struct vhost_user_msg msg;

	(void)state;
	refuses(state_of(VHOST_USER_SET_VRING_NUM, 0, 0), "0 entries");
	refuses(state_of(VHOST_USER_SET_VRING_NUM, 0, 32769), "32769 entries");
	refuses(state_of(VHOST_USER_SET_VRING_BASE, 0, 65536), "entry 65536");
	refuses(state_of(VHOST_USER_SET_VRING_ENABLE, 0, 2), "enabled by 2");
	refuses(u64(VHOST_USER_SET_STATUS, 256), "status 0x100");
	msg = vhost_user_message(VHOST_USER_SET_VRING_ADDR, sizeof(struct vhost_vring_addr));
	msg.payload.addr.flags = 1;
	refuses(msg, "flags 0x1");
	msg = vhost_user_message(VHOST_USER_GET_CONFIG, 12 + 4);
	msg.payload.config.size = 5;
	refuses(msg, "has 16 bytes");
	msg.payload.config.size = VHOST_CONFIG_MAX + 1;
	refuses(msg, "257 bytes of configuration");
	msg.payload.config.size = 4;
	msg.payload.config.offset = UINT32_MAX;
	refuses(msg, "at 4294967295");
	refuses(with_fd(memory(0, 1, 4096)), "has 0 regions");
	refuses(with_fd(memory(9, 1, 4096)), "has 9 regions");
	refuses(with_fd(memory(UINT32_MAX, 1, 4096)), "regions");
	refuses(with_fd(with_fd(memory(2, 1, 4096))), "a memory table of 40 bytes");
	refuses(with_fd(memory(1, 1, 8193)), "passes the end of its file");
	refuses(with_fd(memory(1, 1, UINT64_MAX)), "region 0");
}

static void a_running_ring_is_not_described_anew(void **state)
{
	(void)state;
	server.rings[0] = (struct vhost_server_ring){ .num = 8,
						      .has_addr = true,
						      .started = true,
						      .enabled = true,
						      .kick = -1,
						      .call = -1,
						      .err = -1 };
	refuses(state_of(VHOST_USER_SET_VRING_NUM, 0, 16), "which runs");
	refuses(state_of(VHOST_USER_SET_VRING_BASE, 0, 16), "which runs");
	assert_int_equal(server.rings[0].num, 8);
}

static void replies_and_other_versions_are_refused(void **state)
{
	struct vhost_user_msg msg = vhost_user_message(VHOST_USER_GET_FEATURES, 0);

	(void)state;
	msg.header.flags |= VHOST_FLAG_REPLY;
	refuses(msg, "the flag of a reply");
	msg.header.flags = 2;
	refuses(msg, "protocol version 2");
}

static void the_end_is_told_from_a_torn_message(void **state)
{
	static const struct vhost_header header = { VHOST_USER_SET_FEATURES, VHOST_FLAG_VERSION,
						    8 };

	(void)state;
	assert_int_equal(write(driver.fd, &header, sizeof(header)), sizeof(header));
	shutdown(driver.fd, SHUT_WR);
	assert_int_equal(vhost_server_message(&server), -EPROTO);
	assert_non_null(strstr(server.channel.why, "within a message"));
	assert_int_equal(vhost_server_message(&server), -EPIPE);
}

/* Any bytes at all: it ends, and no descriptor is left. */
static void rubbish_is_survived(void **state)
{
	uint32_t seed = 7;
	unsigned taken = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct vhost_user_msg msg = vhost_user_message(round % 45, 0);
		static const uint8_t sizes[] = { 0, 8, 40, 16, 20 };

		seed = seed * 1664525 + 1013904223;
		msg.header.size = sizes[(seed >> 8) % sizeof(sizes)];
		for (unsigned i = 0; i < 40; i++) {
			seed = seed * 1664525 + 1013904223;
			msg.payload.bytes[i] = (seed >> 28) < 12 ? 0 : (uint8_t)(seed >> 20) & 15;
		}
		if ((seed >> 27 & 1) != 0)
			msg = with_fd(msg);
		taken += say(&msg) == 0;
		while (recv(driver.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
			;
		server.protocol = ALL_PROTOCOL;
	}
	assert_in_range(taken, 100, 19000);
	/* At most three of each ring, and a channel. */
	assert_true(count_fds() <= fds_at_first + 3 * QUEUES + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_learns_what_there_is),
		TEST(a_ring_begins_and_ends),
		TEST(a_packed_ring_goes_on_where_it_was_stopped),
		TEST(a_table_may_be_longer_than_its_regions),
		TEST(configuration_is_read_and_written),
		TEST(what_asks_for_an_answer_gets_one),
		TEST(a_driver_that_takes_no_reply_is_refused),
		TEST(a_change_of_configuration_is_told),
		TEST(messages_of_a_wrong_size_are_refused),
		TEST(unknown_messages_are_refused),
		TEST(what_was_not_negotiated_is_refused),
		TEST(descriptors_that_do_not_fit_are_refused),
		TEST(rings_that_are_not_there_are_refused),
		TEST(numbers_out_of_range_are_refused),
		TEST(a_running_ring_is_not_described_anew),
		TEST(replies_and_other_versions_are_refused),
		TEST(the_end_is_told_from_a_torn_message),
		TEST(rubbish_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
