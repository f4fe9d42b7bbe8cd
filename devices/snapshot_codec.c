/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Numbers in and out of a snapshot; snapshot_codec.h has the contract.
 */
#include <errno.h>
#include <string.h>

#include "snapshot_codec.h"
#include "virtqueue.h"

void snapshot_put_bytes(struct snapshot_out *out, const void *bytes, size_t len)
{
	if (out->len <= out->room && len <= out->room - out->len)
		memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

void snapshot_put(struct snapshot_out *out, unsigned width, uint64_t value)
{
	uint8_t bytes[8];
	unsigned i;

	for (i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	snapshot_put_bytes(out, bytes, width);
}

void snapshot_bad(struct snapshot_in *in, size_t at, int err, const char *what)
{
	if (in->err)
		return;
	in->err = err;
	in->bad_at = at;
	in->bad = what;
}

const uint8_t *snapshot_get_bytes(struct snapshot_in *in, size_t len)
{
	const uint8_t *bytes = in->bytes + in->at;

	if (in->err)
		return NULL;
	if (len > in->len - in->at) {
		snapshot_bad(in, in->len, -EINVAL, "it ends here");
		return NULL;
	}
	in->at += len;
	return bytes;
}

static uint64_t number(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint64_t snapshot_get(struct snapshot_in *in, unsigned width)
{
	const uint8_t *bytes = snapshot_get_bytes(in, width);

	return bytes ? number(bytes, width) : 0;
}

uint64_t snapshot_peek(const struct snapshot_in *in, size_t at, unsigned width)
{
	return number(in->bytes + at, width);
}

uint64_t snapshot_get_max(struct snapshot_in *in, unsigned width, uint64_t max, const char *what)
{
	size_t at = in->at;
	uint64_t value = snapshot_get(in, width);

	if (value <= max)
		return value;
	snapshot_bad(in, at, -EINVAL, what);
	return 0;
}

void snapshot_check_none_held(struct snapshot_in *in, const struct snapshot_view *view,
			      unsigned queue_count)
{
	unsigned i;

	for (i = 0; i < queue_count; i++)
		if (snapshot_queue_held(&view->queues[i]))
			snapshot_bad(in, view->queues[i].cursors_at, -EINVAL,
				     "a chain that nobody has");
}

void snapshot_check_gauge(struct snapshot_in *in, const struct snapshot_view *view,
			  unsigned counter, uint64_t held)
{
	size_t at = view->counters_at + counter * sizeof(uint64_t);

	if (!in->err && snapshot_peek(in, at, sizeof(uint64_t)) != held)
		snapshot_bad(in, at, -EINVAL, "a counter of what is held, and another is held");
}
