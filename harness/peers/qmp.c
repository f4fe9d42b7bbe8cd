/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The client's side of QMP.  See qmp.h.
 *
 * A message is one line, as QEMU writes them.
 */
#include "harness/peers/qmp.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define COMMAND_MAX 512u

/* A call of the socket failed: is that the end? */
static bool is_over(struct qmp *q)
{
	q->err = patience_after(errno, q->patience, q->ctx);
	return q->err != 0;
}

/* The next message, ended by a 0 byte, up to the next call; NULL: q->err. */
static char *take_message(struct qmp *q)
{
	uint32_t looked = 0;

	if (q->in_at > 0)
		memmove(q->in, q->in + q->in_at, q->in_len - q->in_at);
	q->in_len -= q->in_at;
	q->in_at = 0;
	while (q->err == 0) {
		char *end = memchr(q->in + looked, '\n', q->in_len - looked);
		ssize_t n;

		if (end != NULL) {
			*end = '\0';
			q->in_at = (uint32_t)(end - q->in) + 1;
			return q->in;
		}
		looked = q->in_len;
		if (q->in_len == sizeof(q->in)) {
			q->err = -EPROTO;
			break;
		}
		n = recv(q->fd, q->in + q->in_len, sizeof(q->in) - q->in_len, 0);
		if (n > 0)
			q->in_len += (uint32_t)n;
		else if (n == 0)
			q->err = -EPIPE;
		else if (is_over(q))
			break;
	}
	return NULL;
}

static int send_text(struct qmp *q, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && q->err == 0) {
		ssize_t n = send(q->fd, text + at, len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (is_over(q))
			break;
	}
	return q->err;
}

/* Behind a string that begins at `text`, with its quotes; NULL: it does not end. */
static const char *skip_string(const char *text)
{
	for (text++; *text != '"'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		if (*text == '\0')
			return NULL;
	}
	return text + 1;
}

/* The value of a member of that name, no deeper than `deepest`. */
static const char *find(const char *json, const char *name, unsigned deepest)
{
	size_t len = strlen(name);
	unsigned depth = 0;

	while (json != NULL && *json != '\0') {
		const char *string = json;

		if (*json == '{' || *json == '[')
			depth++;
		else if ((*json == '}' || *json == ']') && --depth == 0)
			return NULL;
		if (*json++ != '"')
			continue;
		json = skip_string(string);
		if (json == NULL || depth > deepest || (size_t)(json - string) != len + 2 ||
		    memcmp(string + 1, name, len) != 0)
			continue;
		json += strspn(json, " \t");
		if (*json == ':')
			return json + 1 + strspn(json + 1, " \t");
	}
	return NULL;
}

const char *qmp_member(const char *json, const char *name)
{
	return find(json, name, UINT32_MAX);
}

const char *qmp_own_member(const char *json, const char *name)
{
	return find(json, name, 1);
}

bool qmp_number(const char *json, const char *name, uint64_t *value)
{
	const char *text = qmp_member(json, name);

	if (text == NULL || !isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, NULL, 10);
	return true;
}

/* The next message that is no event, and the member of it that says what it is. */
static const char *take_answer(struct qmp *q, const char *const *names, const char **value)
{
	for (unsigned i = 0; i < QMP_EVENTS_MAX; i++) {
		const char *message = take_message(q);

		if (message == NULL)
			return NULL;
		if (qmp_own_member(message, "event") != NULL)
			continue;
		for (; *names != NULL; names++) {
			*value = qmp_own_member(message, *names);
			if (*value != NULL)
				return *names;
		}
		break;
	}
	q->err = -EPROTO;
	return NULL;
}

int qmp_command(struct qmp *q, const char *command, const char *arguments, const char **answer)
{
	static const char *const names[] = { "return", "error", NULL };
	char text[COMMAND_MAX];
	const char *said;
	int len = snprintf(text, sizeof(text), "{\"execute\":\"%s\"%s%s}\n", command,
			   arguments != NULL ? ",\"arguments\":" : "",
			   arguments != NULL ? arguments : "");

	if ((size_t)len >= sizeof(text))
		return -EMSGSIZE;
	if (send_text(q, text, (size_t)len) != 0)
		return q->err;
	said = take_answer(q, names, answer);
	if (said == NULL)
		return q->err;
	return said == names[0] ? 0 : -EREMOTEIO;
}

int qmp_open(struct qmp *q, int fd, patience_fn *patience, void *ctx)
{
	static const char *const names[] = { "QMP", NULL };
	const struct timeval slice = { .tv_usec = QMP_PATIENCE_MS * 1000L };
	const char *answer;

	q->fd = fd;
	q->err = 0;
	q->patience = patience;
	q->ctx = ctx;
	q->in_at = q->in_len = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof(slice)) != 0)
		return q->err = -errno;
	if (take_answer(q, names, &answer) == NULL)
		return q->err;
	return qmp_command(q, "qmp_capabilities", NULL, &answer);
}
