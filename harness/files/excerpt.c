/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The first and the last of what is written to a pipe.  See excerpt.h.
 */
#include "harness/files/excerpt.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The part behind the first half is a ring, of the size that is returned. */
static size_t ring_of(const struct excerpt *text)
{
	return text->size - text->size / 2 - EXCERPT_NOTE;
}

static void add(struct excerpt *text, const char *from, size_t len)
{
	size_t half = text->size / 2;

	for (size_t i = 0; text->bytes != NULL && i < len; i++, text->len++) {
		size_t at = text->len < half ? (size_t)text->len
					     : half + (size_t)((text->len - half) % ring_of(text));

		text->bytes[at] = from[i];
	}
}

static void reverse(char *bytes, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char byte = bytes[i];

		bytes[i] = bytes[len - 1 - i];
		bytes[len - 1 - i] = byte;
	}
}

void excerpt_end(struct excerpt *text)
{
	size_t half = text->size / 2, ring = ring_of(text), len;

	if (text->bytes == NULL)
		return;
	len = (size_t)text->len;
	if (text->len > half + ring) {
		size_t oldest = (size_t)((text->len - half) % ring);
		char note[EXCERPT_NOTE];
		int size = snprintf(note, sizeof(note), "\n[%llu bytes left out]\n",
				    (unsigned long long)(text->len - half - ring));

		reverse(text->bytes + half, oldest);
		reverse(text->bytes + half + oldest, ring - oldest);
		reverse(text->bytes + half, ring);
		memmove(text->bytes + half + size, text->bytes + half, ring);
		memcpy(text->bytes + half, note, (size_t)size);
		len = half + (size_t)size + ring;
	}
	text->bytes[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text->bytes[i]) && text->bytes[i] != '\n' &&
		    text->bytes[i] != '\t')
			text->bytes[i] = '?';
}

bool excerpt_take(struct excerpt *text)
{
	static char chunk[65536];
	ssize_t len;

	if (text->fd < 0)
		return false;
	len = read(text->fd, chunk, sizeof(chunk));
	if (len > 0)
		add(text, chunk, (size_t)len);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(text->fd);
		text->fd = -1;
	}
	return len > 0;
}
