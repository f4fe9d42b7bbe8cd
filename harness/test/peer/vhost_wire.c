/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Messages of the vhost-user protocol.  See vhost_wire.h.
 */
#include "vhost_wire.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE 12u

union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
};

static void take_fds(struct msghdr *in, struct wire_message *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(in); c != NULL; c = CMSG_NXTHDR(in, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->fd_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fds, CMSG_DATA(c), m->fd_count * sizeof(int));
	}
}

/* All of that many bytes, with what descriptors come with the first of them. */
static bool receive(int socket, void *buf, size_t len, struct wire_message *m)
{
	size_t at = 0;

	while (at < len) {
		union control control;
		struct iovec piece = { (uint8_t *)buf + at, len - at };
		struct msghdr in = { .msg_iov = &piece, .msg_iovlen = 1 };
		ssize_t n;

		if (m->fd_count == 0) {
			in.msg_control = control.bytes;
			in.msg_controllen = sizeof(control.bytes);
		}
		n = recvmsg(socket, &in, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		take_fds(&in, m);
		at += (size_t)n;
	}
	return true;
}

bool wire_receive(int socket, struct wire_message *m)
{
	m->fd_count = 0;
	memset(&m->payload, 0, sizeof(m->payload));
	if (receive(socket, m, HEADER_SIZE, m) && m->size <= WIRE_PAYLOAD_MAX &&
	    (m->flags & WIRE_VERSION_MASK) == WIRE_VERSION &&
	    receive(socket, m->payload.bytes, m->size, m))
		return true;
	wire_close_fds(m);
	return false;
}

void wire_close_fds(struct wire_message *m)
{
	for (unsigned i = 0; i < m->fd_count; i++)
		close(m->fds[i]);
	m->fd_count = 0;
}

static void add_fd(struct msghdr *out, union control *control)
{
	const int fd = STDERR_FILENO;
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	out->msg_control = control->bytes;
	out->msg_controllen = CMSG_SPACE(sizeof(fd));
	c = CMSG_FIRSTHDR(out);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

void wire_reply(int socket, const struct wire_message *m, const void *payload, uint32_t size,
		enum moment moment)
{
	uint32_t header[] = { m->request, WIRE_VERSION | WIRE_REPLY, size };
	uint8_t bytes[WIRE_PAYLOAD_MAX + 4] = { 0 };
	struct iovec pieces[] = { { header, HEADER_SIZE }, { bytes, size } };
	struct msghdr out = { .msg_iov = pieces, .msg_iovlen = 2 };
	union control control;

	memcpy(bytes, payload, size);
	if (luck_is("wrong-size", moment))
		pieces[1].iov_len = header[2] = size + 4;
	if (luck_is("huge-size", moment))
		header[2] = 0xfffffff0;
	if (luck_is("wrong-flags", moment))
		header[1] = WIRE_VERSION;
	if (luck_is("wrong-version", moment))
		header[1] = 2 | WIRE_REPLY;
	if (luck_is("wrong-request", moment))
		header[0] = m->request + 1;
	if (luck_is("with-fd", moment))
		add_fd(&out, &control);
	while (sendmsg(socket, &out, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}
