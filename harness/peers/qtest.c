/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The client's side of QEMU's qtest protocol.  See qtest.h.
 *
 * An answer is "OK", or "OK 0x" and digits; lines that begin with "IRQ " are nobody's
 * answer and are skipped.  What waits to be sent is bounded, and so is what the other side
 * has to say to it, so neither side can block the other while both write.
 */
#include "harness/peers/qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define NOISE_MAX 4096u /* lines that are skipped while one answer is awaited */

static const char letters[] = { [1] = 'b', [2] = 'w', [4] = 'l', [8] = 'q' };

int qtest_open(struct qtest *q, int fd, patience_fn *patience, void *ctx)
{
	const struct timeval slice = { .tv_usec = QTEST_PATIENCE_MS * 1000L };

	memset(q, 0, sizeof(*q));
	q->fd = fd;
	q->patience = patience;
	q->ctx = ctx;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof(slice)) != 0)
		q->err = -errno;
	return q->err;
}

/* A call of the socket failed: is that the end? */
static bool is_over(struct qtest *q)
{
	q->err = patience_after(errno, q->patience, q->ctx);
	return q->err != 0;
}

static int send_all(struct qtest *q)
{
	uint32_t at = 0;

	while (at < q->out_len && q->err == 0) {
		ssize_t n = send(q->fd, q->out + at, q->out_len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (uint32_t)n;
		else if (is_over(q))
			break;
	}
	q->out_len = 0;
	return q->err;
}

/* More of what the other side says, behind what there is of a line. */
static int receive(struct qtest *q)
{
	if (q->in_at > 0)
		memmove(q->in, q->in + q->in_at, q->in_len - q->in_at);
	q->in_len -= q->in_at;
	q->in_at = 0;
	while (q->err == 0) {
		ssize_t n = recv(q->fd, q->in + q->in_len, sizeof(q->in) - q->in_len, 0);

		if (n > 0) {
			q->in_len += (uint32_t)n;
			break;
		}
		if (n == 0)
			q->err = -EPIPE;
		else if (is_over(q))
			break;
	}
	return q->err;
}

/* The next line, ended by a 0 byte; NULL: q->err. */
static char *take_line(struct qtest *q)
{
	uint32_t looked = 0;

	while (q->err == 0) {
		uint32_t there = q->in_len - q->in_at;
		char *line = q->in + q->in_at;
		char *end = memchr(line + looked, '\n', there - looked);

		if (end != NULL && end - line < (ptrdiff_t)QTEST_LINE_MAX) {
			*end = '\0';
			q->in_at += (uint32_t)(end - line) + 1;
			return line;
		}
		if (end != NULL || there >= QTEST_LINE_MAX) {
			q->err = -EPROTO;
			break;
		}
		looked = there;
		receive(q);
	}
	return NULL;
}

static int take_answer(struct qtest *q, bool has_value, uint64_t *value)
{
	const char *line = NULL;
	char *end;

	for (unsigned i = 0; i < NOISE_MAX && line == NULL && q->err == 0; i++) {
		line = take_line(q);
		if (line != NULL && strncmp(line, "IRQ ", 4) == 0)
			line = NULL;
	}
	if (q->err != 0)
		return q->err;
	if (line == NULL || strncmp(line, has_value ? "OK 0x" : "OK", has_value ? 5 : 3) != 0)
		return q->err = -EPROTO;
	q->owed--;
	if (!has_value)
		return 0;
	errno = 0;
	*value = strtoull(line + 5, &end, 16);
	if (errno != 0 || end == line + 5 || *end != '\0')
		q->err = -EPROTO;
	return q->err;
}

/* Answers that tell nothing, until no more than `left` are to come. */
static int settle_debts(struct qtest *q, unsigned left)
{
	if (q->owed > left && q->out_len > 0)
		send_all(q);
	while (q->owed > left && q->err == 0)
		take_answer(q, false, NULL);
	return q->err;
}

static void put(struct qtest *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* There is room: each line owes an answer, and there are no more of those. */
static void put(struct qtest *q, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(q->out + q->out_len, QTEST_LINE_MAX, format, args);
	va_end(args);
	q->out_len += (uint32_t)len;
	q->owed++;
}

static int make_room(struct qtest *q)
{
	return q->owed < QTEST_OWED_MAX ? q->err : settle_debts(q, 0);
}

int qtest_write(struct qtest *q, const struct qtest_access *access)
{
	if (make_room(q) == 0)
		put(q, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", letters[access->width],
		    access->addr, access->value);
	return q->err;
}

int qtest_out(struct qtest *q, uint16_t port, uint8_t value)
{
	if (make_room(q) == 0)
		put(q, "outb 0x%x 0x%x\n", port, value);
	return q->err;
}

int qtest_read(struct qtest *q, struct qtest_access *accesses, unsigned count)
{
	if (q->owed + count > QTEST_OWED_MAX)
		settle_debts(q, 0);
	for (unsigned i = 0; i < count && q->err == 0; i++)
		put(q, "read%c 0x%" PRIx64 "\n", letters[accesses[i].width], accesses[i].addr);
	if (q->err == 0)
		send_all(q);
	settle_debts(q, count);
	for (unsigned i = 0; i < count && q->err == 0; i++)
		take_answer(q, true, &accesses[i].value);
	return q->err;
}

int qtest_sync(struct qtest *q)
{
	return settle_debts(q, 0);
}
