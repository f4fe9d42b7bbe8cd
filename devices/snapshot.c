/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The container, and its order: check all, take over the model's part, which may
 * lack memory, and then the transport's, which cannot fail.  snapshot_record.c has
 * the record; snapshot.h the format.
 */
#include <errno.h>
#include <string.h>

#include "mmio_private.h"
#include "snapshot_private.h"

static const uint8_t magic[4] = "VRSS";
#define VERSION 1

/* What a queue's byte says; else 0. */
#define QUEUE_POISONED 1u
#define QUEUE_RENEWED 2u

static unsigned counter_count(const struct mmio *m)
{
	return MMIO_COUNTER_COUNT + m->dev->ops->counter_count;
}

static void put_cursors(const struct virtqueue *vq, struct snapshot_out *out)
{
	snapshot_put(out, 2, virtqueue_cursor(vq->avail_slot, vq->avail_wrap));
	snapshot_put(out, 2, virtqueue_cursor(vq->used_slot, vq->used_wrap));
}

static bool has_suspend(uint64_t features)
{
	return features >> VIRTIO_F_SUSPEND & 1;
}

static void put_session(const struct mmio *m, struct snapshot_out *out)
{
	const struct device *dev = m->dev;
	unsigned i;

	snapshot_put(out, 4, m->device_features_sel);
	snapshot_put(out, 4, m->driver_features_sel);
	snapshot_put(out, 4, m->queue_sel);
	snapshot_put(out, 4, m->shm_sel);
	snapshot_put(out, 4, dev->config_generation);
	if (has_suspend(dev->features))
		snapshot_put(out, 1, dev->config_owed);
	for (i = 0; i < dev->ops->queue_count; i++) {
		snapshot_put(out, 1,
			     dev->queues[i].renewed ? QUEUE_RENEWED : dev->queues[i].poisoned);
		snapshot_put(out, 2, dev->queues[i].lost);
		if (ring_is_packed(dev->features))
			put_cursors(&dev->queues[i], out);
	}
	snapshot_put(out, 4, counter_count(m));
	snapshot_put_words(out, m->counters, counter_count(m));
	if (device_high(m->dev))
		snapshot_put(out, 8, device_high(m->dev)->features);
}

/* `len`: how long all of it is; whoever only measures that may say anything. */
static void put_all(const struct mmio *m, struct snapshot_out *out, size_t len)
{
	const struct device *dev = m->dev;

	snapshot_put_bytes(out, magic, sizeof(magic));
	snapshot_put(out, 2, VERSION);
	snapshot_put(out, 2, 0);
	snapshot_put(out, 4, dev->ops->device_id);
	snapshot_put(out, 4, snapshot_record_size(m));
	snapshot_put_record(m, out);
	put_session(m, out);
	snapshot_put(out, 4, len - out->len - 4);
	if (dev->ops->save)
		dev->ops->save(dev, out);
}

size_t snapshot_save(const struct mmio *m, void *out, size_t room)
{
	struct snapshot_out all = { .bytes = out, .room = room };
	struct snapshot_out size = { .bytes = NULL };

	put_all(m, &size, 0);
	if (size.len <= room)
		put_all(m, &all, size.len);
	return size.len;
}

static void get_head(const struct mmio *m, struct snapshot_in *in)
{
	const uint8_t *bytes = snapshot_get_bytes(in, sizeof(magic));

	if (bytes && memcmp(bytes, magic, sizeof(magic)) != 0)
		snapshot_bad_last(in, "not a snapshot");
	if (snapshot_get(in, 2) != VERSION)
		snapshot_bad_last(in, "not of this version");
	snapshot_get_max(in, 2, 0, "not 0");
	if (snapshot_get(in, 4) != m->dev->ops->device_id)
		snapshot_bad_last(in, "of another device");
	if (snapshot_get(in, 4) != snapshot_record_size(m))
		snapshot_bad_last(in, "the length of the transport record");
}

static void get_features_high(struct device_high *high, struct snapshot_in *in,
			      const struct snapshot_record *r)
{
	size_t at = in->at;
	uint64_t features = snapshot_get(in, 8);

	snapshot_check_features(in, at, r->status, features, high->offered);
	if (in->commit)
		high->features = features;
}

static uint16_t get_cursor(struct snapshot_in *in, const struct snapshot_record *r,
			   const struct snapshot_queue *q)
{
	uint16_t cursor = (uint16_t)snapshot_get(in, 2);

	if ((cursor & (RING_EVENT_WRAP - 1u)) >= q->size)
		snapshot_bad_last(in, "an entry beyond the ring");
	if (cursor != RING_EVENT_WRAP && !device_started(r->status))
		snapshot_bad_last(in, "a ring that was worked on before DRIVER_OK");
	if (cursor != RING_EVENT_WRAP && q->renewed)
		snapshot_bad_last(in, "cursors of a queue that was reset");
	return cursor;
}

static void get_cursors(struct snapshot_in *in, const struct snapshot_record *r,
			struct snapshot_queue *q)
{
	q->avail_cursor = get_cursor(in, r, q);
	q->used_cursor = get_cursor(in, r, q);
}

/* Poisoned, or reset alone and not ready since: then it is as new. */
static void get_queue_state(struct snapshot_in *in, const struct snapshot_record *r,
			    struct snapshot_queue *q)
{
	bool resets = device_started(r->status) && (r->features & MMIO_F_RING_RESET);
	unsigned state = (unsigned)snapshot_get_max(in, 1, resets ? QUEUE_RENEWED : QUEUE_POISONED,
						    "a state that no queue can be in");

	q->poisoned = state == QUEUE_POISONED;
	q->renewed = state == QUEUE_RENEWED;
	if (q->poisoned && !(r->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		snapshot_bad_last(in, "a poisoned queue without NEEDS_RESET");
	if (q->renewed && (q->ready || q->next_avail || q->next_used))
		snapshot_bad_last(in, "a queue that was reset and then used");
}

/* What the record says is in `r`, checked but for the cursors. */
static void get_session(struct mmio *m, struct snapshot_in *in, struct snapshot_record *r)
{
	struct device *dev = m->dev;
	uint32_t selectors[4], generation;
	bool owed;
	unsigned i;

	for (i = 0; i < 4; i++)
		selectors[i] = (uint32_t)snapshot_get(in, 4);
	generation = (uint32_t)snapshot_get(in, 4);
	owed = has_suspend(r->features) &&
	       snapshot_get_max(in, 1, (r->status & VIRTIO_CONFIG_S_SUSPEND) != 0,
				"a change to be told of that cannot be");
	for (i = 0; i < dev->ops->queue_count; i++) {
		get_queue_state(in, r, &r->queues[i]);
		r->queues[i].lost = (uint16_t)snapshot_get(in, 2);
		if (r->queues[i].lost && !device_started(r->status))
			snapshot_bad_last(in, "completions before DRIVER_OK");
		if (r->queues[i].lost && r->queues[i].renewed)
			snapshot_bad_last(in, "completions of a queue that was reset");
		if (ring_is_packed(r->features))
			get_cursors(in, r, &r->queues[i]);
	}
	if (snapshot_get(in, 4) != counter_count(m))
		snapshot_bad_last(in, "the number of counters");
	r->counters_at = in->at + MMIO_COUNTER_COUNT * sizeof(uint64_t);
	snapshot_get_words(in, m->counters, counter_count(m));
	if (device_high(dev))
		get_features_high(device_high(dev), in, r);
	if (!in->commit)
		return;
	m->device_features_sel = selectors[0];
	m->driver_features_sel = selectors[1];
	m->queue_sel = selectors[2];
	m->shm_sel = selectors[3];
	dev->config_generation = generation;
	dev->config_owed = owed;
}

static void get_model(struct mmio *m, struct snapshot_in *in, const struct snapshot_record *r)
{
	const struct snapshot_view view = { .features = r->features,
					    .status = r->status,
					    .counters_at = r->counters_at,
					    .queues = r->queues };

	if (snapshot_get(in, 4) != in->len - in->at)
		snapshot_bad_last(in, "the length of the model's part");
	if (m->dev->ops->restore)
		m->dev->ops->restore(m->dev, &view, in);
	if (in->at < in->len)
		snapshot_bad(in, in->at, -EINVAL, "more than there is");
}

static void get_all(struct mmio *m, struct snapshot_in *in)
{
	struct snapshot_record r;
	size_t session, model;

	get_head(m, in);
	snapshot_get_record(m, in, &r);
	session = in->at;
	get_session(m, in, &r);
	snapshot_check_cursors(m, in, &r);
	model = in->at;
	get_model(m, in, &r);
	if (!in->err) {
		in->commit = true;
		in->at = model;
		get_model(m, in, &r);
	}
	/* Nothing of this can fail. */
	if (!in->err) {
		in->at = session;
		get_session(m, in, &r);
		snapshot_take_record(m, &r);
	}
}

int snapshot_restore(struct mmio *m, const void *data, size_t len, struct snapshot_error *error)
{
	struct snapshot_in in = { .bytes = data, .len = len };

	get_all(m, &in);
	*error = (struct snapshot_error){ .at = in.bad_at, .what = in.bad };
	return in.err;
}
