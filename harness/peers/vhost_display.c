/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a GPU's backend asks of its front-end.  See vhost_display.h.
 */
#include "harness/peers/vhost_display.h"

#include <errno.h>
#include <linux/virtio_gpu.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECES_MAX 4096u /* taken at a time: who says more is looked at in between */
#define FLAG_REPLY 0x4u
#define WIDTH 640u
#define HEIGHT 480u

/* Requests of the back-end, without those that a feature of the protocol brings. */
enum display_request {
	GET_PROTOCOL_FEATURES = 1,
	SET_PROTOCOL_FEATURES,
	GET_DISPLAY_INFO,
	CURSOR_POS,
	CURSOR_POS_HIDE,
	CURSOR_UPDATE,
	SCANOUT,
	UPDATE,
	DMABUF_SCANOUT,
	DMABUF_UPDATE,
	REQUESTS,
};

struct header {
	uint32_t request, flags, size;
};
_Static_assert(sizeof(struct header) == sizeof(((struct vhost_display *)NULL)->header),
	       "a header is kept");

static const uint64_t no_features;
static const struct virtio_gpu_resp_display_info one_display = {
	.hdr = { .type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO },
	.pmodes = { { .r = { .width = WIDTH, .height = HEIGHT }, .enabled = 1 } },
};

/* What is answered; all others are told, not asked. */
static const struct {
	const void *payload;
	uint32_t size;
	bool answered;
} answers[REQUESTS] = {
	[GET_PROTOCOL_FEATURES] = { &no_features, sizeof(no_features), true },
	[GET_DISPLAY_INFO] = { &one_display, sizeof(one_display), true },
	[DMABUF_UPDATE] = { NULL, 0, true },
};

int vhost_display_open(struct vhost_display *display, int *theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	*display = (struct vhost_display){ .fd = ends[0] };
	*theirs = ends[1];
	return 0;
}

void vhost_display_close(struct vhost_display *display)
{
	if (display->fd >= 0)
		close(display->fd);
	display->fd = -1;
}

/* One that closed its end, or does not take its answer, gets no more. */
static int give_up(struct vhost_display *display, int err)
{
	bool closed = err == -EPIPE || err == -ECONNRESET;

	vhost_display_close(display);
	return closed ? 0 : err;
}

static int answer(struct vhost_display *display, uint32_t request)
{
	uint8_t bytes[sizeof(struct header) + sizeof(one_display)];
	struct header header = { request, FLAG_REPLY, answers[request].size };
	size_t len = sizeof(header) + header.size;
	ssize_t sent;

	if (!answers[request].answered)
		return 0;
	memcpy(bytes, &header, sizeof(header));
	if (header.size > 0)
		memcpy(bytes + sizeof(header), answers[request].payload, header.size);
	sent = send(display->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -ENOBUFS;
}

/* A message that came whole. */
static int take_message(struct vhost_display *display, char *why, size_t size)
{
	struct header header;

	memcpy(&header, display->header, sizeof(header));
	display->have = 0;
	if (header.request > 0 && header.request < REQUESTS && header.flags == 0)
		return answer(display, header.request);
	snprintf(why, size, "message %u with flags 0x%x to its display, expected 1 to %u without",
		 header.request, header.flags, REQUESTS - 1u);
	return -EPROTO;
}

/* Bytes that came: of a header or a payload, never of two messages.  Negative errno. */
static ssize_t take_bytes(struct vhost_display *display)
{
	uint8_t thrown_away[4096];
	bool payload = display->skip > 0;
	uint8_t *to = payload ? thrown_away : display->header + display->have;
	size_t room = payload ? sizeof(thrown_away) : sizeof(display->header) - display->have;
	ssize_t got;

	if (payload && room > display->skip)
		room = display->skip;
	/* Descriptors that come along are closed by the kernel, since nobody asks for them. */
	got = recv(display->fd, to, room, MSG_DONTWAIT);
	if (got < 0)
		return -errno;
	if (got == 0)
		return -EPIPE;
	if (payload) {
		display->skip -= (uint32_t)got;
		return got;
	}
	display->have += (uint32_t)got;
	if (display->have == sizeof(display->header))
		memcpy(&display->skip, display->header + offsetof(struct header, size),
		       sizeof(display->skip));
	return got;
}

int vhost_display_serve(struct vhost_display *display, char *why, size_t size)
{
	unsigned pieces = 0;

	for (; display->fd >= 0 && pieces < PIECES_MAX; pieces++) {
		ssize_t got = take_bytes(display);
		int err = 0;

		if (got == -EAGAIN || got == -EINTR)
			break;
		if (got < 0)
			return give_up(display, (int)got);
		if (display->have == sizeof(display->header) && display->skip == 0)
			err = take_message(display, why, size);
		if (err != 0)
			return give_up(display, err);
	}
	return pieces > 0;
}
