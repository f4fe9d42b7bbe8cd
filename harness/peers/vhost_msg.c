/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The vhost-user protocol's messages over a Unix stream socket.  See vhost_msg.h.
 *
 * Nothing here waits without a bound: each slice of time without a byte is the caller's
 * to judge.
 */
#include "harness/peers/vhost_msg.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct vhost_header) == 12, "the header as it is on the wire");
_Static_assert(sizeof(struct vhost_memory_table) == 8 + VHOST_REGIONS_MAX * 32,
	       "a memory table as it is on the wire");
_Static_assert(sizeof(struct vhost_vring_state) == 8 && sizeof(struct vhost_vring_addr) == 40 &&
		       sizeof(struct vhost_config) == 12 + VHOST_CONFIG_MAX,
	       "payloads as they are on the wire");

union control {
	struct cmsghdr header;
	/* One more than is allowed, so that it is seen and closed. */
	uint8_t bytes[CMSG_SPACE((VHOST_FDS_MAX + 1) * sizeof(int))];
};

static int fault(struct vhost_channel *channel, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fault(struct vhost_channel *channel, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(channel->why, sizeof(channel->why), format, args);
	va_end(args);
	return -EPROTO;
}

/* A slice of time went by: 0 to go on. */
static int be_patient(struct vhost_channel *channel)
{
	return channel->patience != NULL ? channel->patience(channel->ctx) : -ETIMEDOUT;
}

/* Wait until the socket is ready for `events`, or closed. */
static int wait_for(struct vhost_channel *channel, short events)
{
	static const struct timespec slice = { .tv_nsec = VHOST_SLICE_MS * 1000000l };

	for (;;) {
		struct pollfd ready = { .fd = channel->fd, .events = events };
		int err = ppoll(&ready, 1, &slice, NULL);

		if (err > 0)
			return 0;
		if (err < 0 && errno != EINTR)
			return -errno;
		if (err < 0)
			continue;
		err = be_patient(channel);
		if (err != 0)
			return err;
	}
}

int vhost_block(struct vhost_channel *channel)
{
	const struct timeval slice = { .tv_usec = VHOST_SLICE_MS * 1000L };

	channel->blocks =
		setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) == 0;
	return channel->blocks ? 0 : -errno;
}

struct vhost_user_msg vhost_user_message(uint32_t request, uint32_t size)
{
	return (struct vhost_user_msg){
		.header = { .request = request, .flags = VHOST_FLAG_VERSION, .size = size }
	};
}

void vhost_close_fds(struct vhost_user_msg *msg)
{
	for (unsigned i = 0; i < msg->fd_count; i++)
		close(msg->fds[i]);
	msg->fd_count = 0;
}

static void put_fds(struct msghdr *out, union control *control, const int *fds, unsigned count)
{
	struct cmsghdr *header;

	if (count == 0)
		return;
	memset(control, 0, sizeof(*control));
	out->msg_control = control->bytes;
	out->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(out);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

int vhost_flush(struct vhost_channel *channel)
{
	uint32_t len = channel->out_len, at = 0;
	union control control;
	int err = 0;

	channel->out_len = 0;
	while (at < len && err == 0) {
		struct iovec piece = { channel->out + at, len - at };
		struct msghdr out = { .msg_iov = &piece, .msg_iovlen = 1 };
		ssize_t sent;

		if (at == 0)
			put_fds(&out, &control, channel->out_fds, channel->out_fd_count);
		sent = sendmsg(channel->fd, &out, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			at += (uint32_t)sent;
		else if (errno == EAGAIN)
			err = wait_for(channel, POLLOUT);
		else if (errno != EINTR)
			err = errno == ECONNRESET ? -EPIPE : -errno;
	}
	return err;
}

int vhost_post(struct vhost_channel *channel, const struct vhost_user_msg *msg)
{
	uint32_t len = (uint32_t)sizeof(msg->header) + msg->header.size;
	int err = 0;

	if (msg->header.size > VHOST_PAYLOAD_MAX || msg->fd_count > VHOST_FDS_MAX)
		return fault(channel, "a message that is too long to be sent");
	/* Descriptors come with the first byte of what is sent. */
	if (channel->out_len > 0 && (msg->fd_count > 0 || len > VHOST_OUT_MAX - channel->out_len))
		err = vhost_flush(channel);
	if (channel->out_len == 0) {
		channel->out_fd_count = msg->fd_count;
		memcpy(channel->out_fds, msg->fds, msg->fd_count * sizeof(msg->fds[0]));
	}
	memcpy(channel->out + channel->out_len, &msg->header, sizeof(msg->header));
	memcpy(channel->out + channel->out_len + sizeof(msg->header), &msg->payload,
	       msg->header.size);
	channel->out_len += len;
	return err;
}

int vhost_send(struct vhost_channel *channel, const struct vhost_user_msg *msg)
{
	int err = vhost_post(channel, msg);

	return err != 0 ? err : vhost_flush(channel);
}

/* Take the descriptors that came with a piece; false: more than there may be. */
static bool take_fds(struct msghdr *in, struct vhost_user_msg *msg)
{
	bool fits = (in->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(in); header != NULL;
	     header = CMSG_NXTHDR(in, header)) {
		size_t count;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			if (msg->fd_count < VHOST_FDS_MAX) {
				msg->fds[msg->fd_count++] = fd;
				continue;
			}
			close(fd);
			fits = false;
		}
	}
	return fits;
}

/* `len` bytes to `to`, and descriptors that come with them to `msg`.  `begun`: of a
 * message of which some is there. */
static int take_bytes(struct vhost_channel *channel, void *to, size_t len,
		      struct vhost_user_msg *msg, bool begun)
{
	union control control;

	for (size_t at = 0; at < len;) {
		struct iovec piece = { (uint8_t *)to + at, len - at };
		struct msghdr in = { .msg_iov = &piece,
				     .msg_iovlen = 1,
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control.bytes) };
		int wait = channel->blocks ? 0 : MSG_DONTWAIT;
		ssize_t got = recvmsg(channel->fd, &in, wait | MSG_CMSG_CLOEXEC);

		if (got > 0) {
			at += (size_t)got;
			begun = true;
			if (!take_fds(&in, msg))
				return fault(channel, "more than %u descriptors in one message",
					     VHOST_FDS_MAX);
		} else if (got == 0 || errno == ECONNRESET) {
			return begun ? fault(channel, "it closed the connection within a message")
				     : -EPIPE;
		} else if (errno == EAGAIN) {
			int err = channel->blocks ? be_patient(channel) : wait_for(channel, POLLIN);

			if (err != 0)
				return err;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int check_header(struct vhost_channel *channel, const struct vhost_header *header)
{
	if ((header->flags & VHOST_FLAG_VERSION_MASK) != VHOST_FLAG_VERSION)
		return fault(channel, "a message of protocol version %u, expected %u",
			     header->flags & VHOST_FLAG_VERSION_MASK, VHOST_FLAG_VERSION);
	if (header->size > VHOST_PAYLOAD_MAX)
		return fault(channel, "a message of %u bytes, expected at most %u", header->size,
			     VHOST_PAYLOAD_MAX);
	return 0;
}

int vhost_receive(struct vhost_channel *channel, struct vhost_user_msg *msg)
{
	int err;

	msg->fd_count = 0;
	memset(&msg->payload, 0, sizeof(msg->payload));
	err = vhost_flush(channel);
	if (err == 0)
		err = take_bytes(channel, &msg->header, sizeof(msg->header), msg, false);
	if (err == 0)
		err = check_header(channel, &msg->header);
	if (err == 0)
		err = take_bytes(channel, &msg->payload, msg->header.size, msg, true);
	if (err != 0)
		vhost_close_fds(msg);
	return err;
}

int vhost_receive_reply(struct vhost_channel *channel, uint32_t request, uint32_t size_min,
			uint32_t size_max, struct vhost_user_msg *reply)
{
	int err = vhost_receive(channel, reply);

	if (err != 0)
		return err;
	if (reply->header.request != request)
		err = fault(channel, "message %u, expected the reply to %u", reply->header.request,
			    request);
	else if ((reply->header.flags & VHOST_FLAG_REPLY) == 0)
		err = fault(channel, "message %u without the reply flag, in reply", request);
	else if (reply->header.size < size_min || reply->header.size > size_max)
		err = fault(channel, "a reply to message %u of %u bytes, expected %u to %u",
			    request, reply->header.size, size_min, size_max);
	else if (reply->fd_count != 0)
		err = fault(channel, "a descriptor with the reply to message %u", request);
	if (err != 0)
		vhost_close_fds(reply);
	return err;
}
