/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's end of a line to a device in another process: bytes by a stream socket, or
 * frames by a datagram socket, of a pair whose other end the process inherits.
 *
 * Nothing here waits.  What the host gives is kept until the other side has read all that
 * was given before, so that there is never more than one piece on the way, whatever the
 * sockets have room for.  What comes is taken off the socket whenever line_move is called,
 * so that the other side never waits for the host; of more than LINE_KEEPS bytes the oldest
 * go.  We keep the other end open too: to know how much of it is unread, and to take that
 * back.
 */
#ifndef VRINGER_HARNESS_HOST_LINE_H
#define VRINGER_HARNESS_HOST_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define LINE_KEEPS (1u << 20) /* bytes, each way; a frame counts 4 more */
#define LINE_FRAME_MAX 65536u /* bytes; of longer ones that come the rest is lost */
#define LINE_PIECE_MAX 4096u  /* bytes on the way at a time */

/* Bytes in order, round and round. */
struct line_store {
	uint8_t *bytes; /* LINE_KEEPS */
	uint32_t first, len;
};

struct line {
	int ours, theirs; /* or -1 */
	bool frames;
	struct line_store given, come;
	uint32_t passed; /* pieces, or frames, that went out */
	uint64_t unread; /* when we last looked; 0: nothing */
};

/* 0, or negative errno; then, too, line_close is due. */
int line_open(struct line *line, bool frames);
void line_close(struct line *line);
/* Give bytes, or one frame of 1 to LINE_FRAME_MAX bytes: how many there was room for, of a
 * frame all or none. */
uint32_t line_give(struct line *line, const void *data, uint32_t len);
/* Take at most `max` bytes of what came, or the next frame, cut to that: how many. */
uint32_t line_take(struct line *line, void *data, uint32_t max);
/* One step: take in what came, pass on the next piece if the one before was read.  Did
 * anything move since the last step? */
bool line_move(struct line *line);
/* Was something given that the other side has not read? */
bool line_is_owed(const struct line *line);
/* Forget what was given.  The other side, which is at rest, has not read it. */
void line_take_back(struct line *line);
/* Forget what came, too. */
void line_forget(struct line *line);

#endif
