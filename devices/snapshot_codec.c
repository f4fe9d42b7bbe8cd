/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Numbers in and out of a snapshot; snapshot_codec.h has the contract.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "snapshot_codec.h"
#include "virtqueue.h"

uint8_t *snapshot_put_room(struct snapshot_out *out, size_t len)
{
	out->len += len;
	return out->len <= out->room ? out->bytes + out->len - len : NULL;
}

void snapshot_put_bytes(struct snapshot_out *out, const void *bytes, size_t len)
{
	uint8_t *to = snapshot_put_room(out, len);

	if (to && len > 0)
		memcpy(to, bytes, len);
}

void snapshot_put_words(struct snapshot_out *out, const uint64_t *values, unsigned count)
{
	uint8_t *to = snapshot_put_room(out, count * sizeof(*values));
	unsigned i;

	for (i = 0; to && i < count; i++) {
		const uint64_t value = htole64(values[i]);

		memcpy(to + i * sizeof(value), &value, sizeof(value));
	}
}

void snapshot_bad(struct snapshot_in *in, size_t at, int err, const char *what)
{
	if (in->bad)
		return;
	in->err = err;
	in->bad_at = at;
	in->bad = what;
}

void snapshot_bad_last(struct snapshot_in *in, const char *what)
{
	snapshot_bad(in, in->last, -EINVAL, what);
}

const uint8_t *snapshot_get_bytes(struct snapshot_in *in, size_t len)
{
	const uint8_t *bytes = in->bytes + in->at;

	if (len > in->len - in->at)
		snapshot_bad(in, in->len, -EINVAL, "it ends here");
	if (in->err)
		return NULL;
	in->last = in->at;
	in->at += len;
	return bytes;
}

void snapshot_get_words(struct snapshot_in *in, uint64_t *values, unsigned count)
{
	const uint8_t *bytes = snapshot_get_bytes(in, count * sizeof(*values));
	unsigned i;

	for (i = 0; in->commit && i < count; i++) {
		uint64_t value;

		memcpy(&value, bytes + i * sizeof(value), sizeof(value));
		values[i] = le64toh(value);
	}
}

uint64_t snapshot_get_max(struct snapshot_in *in, unsigned width, uint64_t max, const char *what)
{
	uint64_t value = snapshot_get(in, width);

	if (value <= max)
		return value;
	snapshot_bad_last(in, what);
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
	uint64_t value;

	if (in->err)
		return;
	memcpy(&value, in->bytes + at, sizeof(value));
	if (le64toh(value) != held)
		snapshot_bad(in, at, -EINVAL, "a counter of what is held, and another is held");
}
