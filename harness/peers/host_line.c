/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes and frames between the host and a device in another process.  See host_line.h.
 */
#include "harness/peers/host_line.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIX 4u	  /* the length of a frame, before it */
#define RECEIVES_MAX 256u /* of one step */

/* Where both a piece and a frame are put together. */
static uint8_t piece[LINE_FRAME_MAX];

/* ---- stores ------------------------------------------------------------------------ */

static void store_put(struct line_store *s, const void *data, uint32_t len)
{
	uint32_t at = (s->first + s->len) % LINE_KEEPS;
	uint32_t part = len < LINE_KEEPS - at ? len : LINE_KEEPS - at;

	memcpy(s->bytes + at, data, part);
	memcpy(s->bytes, (const uint8_t *)data + part, len - part);
	s->len += len;
}

static void store_drop(struct line_store *s, uint32_t len)
{
	s->first = (s->first + len) % LINE_KEEPS;
	s->len -= len;
}

static void store_get(struct line_store *s, void *data, uint32_t len)
{
	uint32_t part = len < LINE_KEEPS - s->first ? len : LINE_KEEPS - s->first;

	if (len == 0)
		return;

	memcpy(data, s->bytes + s->first, part);
	memcpy((uint8_t *)data + part, s->bytes, len - part);
	store_drop(s, len);
}

static uint32_t room(const struct line_store *s)
{
	return LINE_KEEPS - s->len;
}

static void put_frame(struct line_store *s, const void *data, uint32_t len)
{
	store_put(s, &len, PREFIX);
	store_put(s, data, len);
}

/* The next frame, cut to `max`; 0: there is none. */
static uint32_t get_frame(struct line_store *s, void *data, uint32_t max)
{
	uint32_t len, some;

	if (s->len == 0)
		return 0;
	store_get(s, &len, PREFIX);
	some = len < max ? len : max;
	store_get(s, data, some);
	store_drop(s, len - some);
	return some;
}

/* ---- the line ---------------------------------------------------------------------- */

int line_open(struct line *line, bool frames)
{
	int ends[2], type = (frames ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;

	*line = (struct line){ .ours = -1, .theirs = -1, .frames = frames };
	line->given.bytes = malloc(LINE_KEEPS);
	line->come.bytes = malloc(LINE_KEEPS);
	if (line->given.bytes == NULL || line->come.bytes == NULL)
		return -ENOMEM;
	if (socketpair(AF_UNIX, type, 0, ends) != 0)
		return -errno;
	line->ours = ends[0];
	line->theirs = ends[1];
	return 0;
}

void line_close(struct line *line)
{
	if (line->ours >= 0)
		close(line->ours);
	if (line->theirs >= 0)
		close(line->theirs);
	free(line->given.bytes);
	free(line->come.bytes);
	*line = (struct line){ .ours = -1, .theirs = -1 };
}

uint32_t line_give(struct line *line, const void *data, uint32_t len)
{
	if (line->frames) {
		if (len == 0 || len > LINE_FRAME_MAX || len + PREFIX > room(&line->given))
			return 0;
		put_frame(&line->given, data, len);
		return len;
	}
	if (len > room(&line->given))
		len = room(&line->given);
	store_put(&line->given, data, len);
	return len;
}

uint32_t line_take(struct line *line, void *data, uint32_t max)
{
	if (line->frames)
		return get_frame(&line->come, data, max);
	if (max > line->come.len)
		max = line->come.len;
	store_get(&line->come, data, max);
	return max;
}

static void keep(struct line *line, uint32_t len)
{
	uint32_t need = len + (line->frames ? PREFIX : 0);

	while (need > room(&line->come)) {
		if (line->frames)
			get_frame(&line->come, NULL, 0);
		else
			store_drop(&line->come, need - room(&line->come));
	}
	if (line->frames)
		put_frame(&line->come, piece, len);
	else
		store_put(&line->come, piece, len);
}

/* Datagrams of no bytes are there, but are no frames. */
static bool receive(struct line *line)
{
	ssize_t len = 0;
	unsigned i;

	for (i = 0; i < RECEIVES_MAX; i++) {
		len = recv(line->ours, piece, sizeof(piece), MSG_DONTWAIT);
		if (len < 0 || (len == 0 && !line->frames))
			break;
		if (len > 0)
			keep(line, (uint32_t)len);
	}
	return i > 0;
}

/* A number that changes when the other side reads: what of ours is still accounted to us,
 * and how many bytes of a piece are left. */
static uint64_t look(const struct line *line)
{
	int queued = 0, left = 0;

	if (ioctl(line->ours, SIOCOUTQ, &queued) != 0 || ioctl(line->theirs, FIONREAD, &left) != 0)
		return 0;
	return (uint64_t)(uint32_t)queued << 32 | (uint32_t)left;
}

static void pass_on(struct line *line)
{
	uint32_t len;

	if (line->frames)
		len = get_frame(&line->given, piece, sizeof(piece));
	else {
		len = line->given.len < LINE_PIECE_MAX ? line->given.len : LINE_PIECE_MAX;
		store_get(&line->given, piece, len);
	}
	/* An empty socket has room for a piece; what it refuses all the same is lost, as on
	 * any wire. */
	(void)send(line->ours, piece, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool line_move(struct line *line)
{
	bool moved = receive(line);
	uint64_t unread = look(line);

	moved = moved || unread != line->unread;
	if (unread == 0 && line->given.len > 0) {
		pass_on(line);
		line->passed++;
		unread = look(line);
		moved = true;
	}
	line->unread = unread;
	return moved;
}

bool line_is_owed(const struct line *line)
{
	return line->given.len > 0 || line->unread != 0;
}

void line_take_back(struct line *line)
{
	line->given.len = 0;
	for (unsigned i = 0; i < RECEIVES_MAX && look(line) != 0; i++)
		if (recv(line->theirs, piece, sizeof(piece), MSG_DONTWAIT) < 0)
			break;
	line->unread = 0;
}

void line_forget(struct line *line)
{
	line_take_back(line);
	while (receive(line))
		;
	line->come.len = 0;
}
