/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The vhost-user protocol's messages: what is sent is what comes, in whatever pieces, and
 * what is wrong is refused, with no descriptor left open (harness/peers/vhost_msg.h).
 */
#include "harness/peers/vhost_msg.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct vhost_channel channel; /* ours */
static int other;		     /* its other side */

static int setup(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	channel = (struct vhost_channel){ .fd = ends[0] };
	other = ends[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(channel.fd);
	close(other);
	return 0;
}

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void put(uint32_t request, uint32_t flags, uint32_t size, const void *payload, size_t len)
{
	struct vhost_header header = { request, flags, size };

	assert_int_equal(write(other, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(other, payload, len), len);
}

/* One byte with `count` descriptors. */
static void put_fds(unsigned count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(32 * sizeof(int))];
	} control = { .bytes = { 0 } };
	uint8_t byte = VHOST_USER_GET_FEATURES;
	struct iovec piece = { &byte, 1 };
	struct msghdr out = { .msg_iov = &piece,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&out);
	int fd = other;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(fd), &fd, sizeof(fd));
	assert_int_equal(sendmsg(other, &out, 0), 1);
}

static int ask_u64(struct vhost_user_msg *reply)
{
	return vhost_receive_reply(&channel, VHOST_USER_GET_FEATURES, 8, 8, reply);
}

static const uint64_t features = 0x130007e46;

static void what_is_sent_comes_with_its_descriptors(void **state)
{
	struct vhost_channel receiver = { .fd = other };
	struct vhost_user_msg msg = vhost_user_message(VHOST_USER_SET_VRING_ADDR, 40), got;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	msg.payload.addr.used_user_addr = UINT64_MAX;
	msg.fds[0] = fds[1];
	msg.fd_count = 1;
	assert_int_equal(vhost_send(&channel, &msg), 0);
	assert_int_equal(vhost_receive(&receiver, &got), 0);
	assert_int_equal(got.header.request, VHOST_USER_SET_VRING_ADDR);
	assert_int_equal(got.header.size, 40);
	assert_memory_equal(&got.payload, &msg.payload, 40);
	assert_int_equal(got.fd_count, 1);
	assert_int_equal(write(got.fds[0], "x", 1), 1);
	assert_int_equal(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	vhost_close_fds(&got);
	close(fds[0]);
	close(fds[1]);
}

/* Nothing is sent before its time, and a descriptor comes with its own message. */
static void what_is_posted_goes_together(void **state)
{
	static const uint32_t requests[] = { VHOST_USER_SET_OWNER, VHOST_USER_SET_VRING_NUM,
					     VHOST_USER_SET_VRING_KICK,
					     VHOST_USER_SET_VRING_ENABLE };
	struct vhost_channel receiver = { .fd = other };
	struct vhost_user_msg got;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct vhost_user_msg msg = vhost_user_message(requests[i], 8);

		msg.payload.u64 = i;
		msg.fds[0] = fds[1];
		msg.fd_count = requests[i] == VHOST_USER_SET_VRING_KICK;
		assert_int_equal(vhost_post(&channel, &msg), 0);
		if (i < 2)
			assert_int_equal(recv(other, &got, 1, MSG_DONTWAIT), -1);
	}
	assert_int_equal(vhost_flush(&channel), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(vhost_receive(&receiver, &got), 0);
		assert_int_equal(got.header.request, requests[i]);
		assert_int_equal(got.payload.u64, i);
		assert_int_equal(got.fd_count, requests[i] == VHOST_USER_SET_VRING_KICK);
		vhost_close_fds(&got);
	}
	assert_int_equal(recv(other, &got, 1, MSG_DONTWAIT), -1);
	close(fds[0]);
	close(fds[1]);
}

/* Who sleeps in the socket is asked as often. */
static int third(void *ctx)
{
	return ++*(unsigned *)ctx == 3 ? -ETIME : 0;
}

static void a_socket_that_blocks_is_no_excuse(void **state)
{
	unsigned asked = 0;
	struct vhost_user_msg got;

	(void)state;
	channel.patience = third;
	channel.ctx = &asked;
	assert_int_equal(vhost_block(&channel), 0);
	assert_int_equal(vhost_receive(&channel, &got), -ETIME);
	assert_int_equal(asked, 3);
}

static void pieces_are_put_together(void **state)
{
	struct vhost_header header = { VHOST_USER_GET_FEATURES, 5, 8 };
	struct vhost_user_msg reply;
	uint8_t wire[20];
	pid_t writer;

	(void)state;
	memcpy(wire, &header, sizeof(header));
	memcpy(wire + 12, &features, sizeof(features));
	writer = fork();
	for (size_t i = 0; writer == 0 && i < sizeof(wire); i++)
		if (write(other, wire + i, 1) != 1)
			_exit(1);
	if (writer == 0)
		_exit(0);
	assert_int_equal(ask_u64(&reply), 0);
	assert_true(reply.payload.u64 == features);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void wrong_replies_are_refused(void **state)
{
	static const struct {
		struct vhost_header header;
		const char *why;
	} cases[] = {
		{ { VHOST_USER_GET_FEATURES, 0x6, 8 }, "version 2" },
		{ { VHOST_USER_GET_FEATURES, 0x1, 8 }, "without the reply flag" },
		{ { VHOST_USER_GET_QUEUE_NUM, 0x5, 8 }, "expected the reply to 1" },
		{ { VHOST_USER_GET_FEATURES, 0x5, 4 }, "of 4 bytes, expected 8 to 8" },
		{ { VHOST_USER_GET_FEATURES, 0x5, VHOST_PAYLOAD_MAX + 1 }, "at most 512" },
		{ { VHOST_USER_GET_FEATURES, 0x5, UINT32_MAX }, "at most 512" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vhost_header *h = &cases[i].header;
		struct vhost_user_msg reply;

		put(h->request, h->flags, h->size, &features, h->size < 8 ? h->size : 8);
		assert_int_equal(ask_u64(&reply), -EPROTO);
		assert_non_null(strstr(channel.why, cases[i].why));
		teardown(state);
		setup(state);
	}
}

static void the_end_is_told_from_a_torn_message(void **state)
{
	struct vhost_user_msg reply;

	(void)state;
	put(VHOST_USER_GET_FEATURES, 5, 8, &features, 7);
	shutdown(other, SHUT_WR);
	assert_int_equal(ask_u64(&reply), -EPROTO);
	assert_non_null(strstr(channel.why, "within a message"));
	teardown(state);
	setup(state);
	shutdown(other, SHUT_WR);
	assert_int_equal(ask_u64(&reply), -EPIPE);
	close(other);
	reply = vhost_user_message(VHOST_USER_GET_FEATURES, 0);
	assert_int_equal(vhost_send(&channel, &reply), -EPIPE);
	other = -1;
}

static void descriptors_that_nobody_wants_are_closed(void **state)
{
	static const unsigned counts[] = { 1, VHOST_FDS_MAX, VHOST_FDS_MAX + 1, 20 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned before = count_fds();
		uint8_t rest[19] = { [3] = 5, [7] = 8 };
		struct vhost_user_msg reply;

		put_fds(counts[i]);
		assert_int_equal(write(other, rest, sizeof(rest)), sizeof(rest));
		assert_int_equal(ask_u64(&reply), -EPROTO);
		assert_non_null(strstr(channel.why, counts[i] > VHOST_FDS_MAX
							    ? "more than 8 descriptors"
							    : "a descriptor with the reply"));
		assert_int_equal(count_fds(), before);
		teardown(state);
		setup(state);
	}
}

static unsigned slices;

static int give_up(void *ctx)
{
	(void)ctx;
	return ++slices == 3 ? -ETIME : 0;
}

static void silence_is_the_callers_to_judge(void **state)
{
	struct vhost_user_msg reply;

	(void)state;
	assert_int_equal(ask_u64(&reply), -ETIMEDOUT);
	slices = 0;
	channel.patience = give_up;
	assert_int_equal(ask_u64(&reply), -ETIME);
	assert_int_equal(slices, 3);
	/* The same where the other side takes nothing. */
	slices = 0;
	reply = vhost_user_message(VHOST_USER_GET_CONFIG, VHOST_PAYLOAD_MAX);
	for (unsigned i = 0; i < 100000 && slices == 0; i++)
		(void)vhost_send(&channel, &reply);
	assert_int_equal(slices, 3);
}

static void what_is_too_long_is_not_sent(void **state)
{
	struct vhost_user_msg msg = vhost_user_message(1, VHOST_PAYLOAD_MAX + 1);

	(void)state;
	assert_int_equal(vhost_send(&channel, &msg), -EPROTO);
	msg = vhost_user_message(1, 0);
	msg.fd_count = VHOST_FDS_MAX + 1;
	assert_int_equal(vhost_send(&channel, &msg), -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_sent_comes_with_its_descriptors),
		TEST(what_is_posted_goes_together),
		TEST(a_socket_that_blocks_is_no_excuse),
		TEST(pieces_are_put_together),
		TEST(wrong_replies_are_refused),
		TEST(the_end_is_told_from_a_torn_message),
		TEST(descriptors_that_nobody_wants_are_closed),
		TEST(silence_is_the_callers_to_judge),
		TEST(what_is_too_long_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
