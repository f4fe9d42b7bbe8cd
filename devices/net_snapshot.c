/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What net-host adds to the network card's part of a snapshot: what it took from
 * the interceptor and the backend and the driver has not had yet, and the buffers
 * of its pool.
 *
 *   u8 work left of receiving
 *   u8 replies that wait, each as u32 length and the bytes, oldest first
 *   u8 frames that wait, likewise
 *   u8 buffers that the pool keeps
 *
 * What is handed out of the pool is the sum of these, and in no field of its own.
 * Where a line begins in its ring is nobody's business: it begins anew.
 *
 * Not in it: backend and interceptor, with what they hold, and MAC and MTU.  Those
 * are the new device's, and the host's to carry over.
 */
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "net_uplink.h"
#include "snapshot_codec.h"

static void put_line(struct snapshot_out *out, const struct net_line *line)
{
	unsigned i;

	snapshot_put(out, 1, line->count);
	for (i = 0; i < line->count; i++) {
		const struct net_waiting *next = net_line_at(line, i);

		snapshot_put(out, 4, next->len);
		snapshot_put_bytes(out, next->frame, next->len);
	}
}

void net_uplink_save(const struct net *net, struct snapshot_out *out)
{
	const struct net_uplink *up = net->uplink;

	snapshot_put(out, 1, up->work_left);
	put_line(out, &up->replies);
	put_line(out, &up->frames);
	snapshot_put(out, 1, up->pool.kept);
}

static void get_frame(struct net_uplink *up, struct net_line *line,
		      const struct snapshot_view *view, struct snapshot_in *in)
{
	size_t at = in->at;
	uint32_t len = (uint32_t)snapshot_get_max(in, 4, up->pool.size, "larger than its buffer");
	const uint8_t *bytes = snapshot_get_bytes(in, len);
	uint8_t *frame;

	if (in->err)
		return;
	if (line == &up->replies && len == 0)
		snapshot_bad(in, at, -EINVAL, "a reply without a byte");
	if (line == &up->frames && net_uplink_oversize(up, view->features, bytes, len))
		snapshot_bad(in, at, -EINVAL, "a packet larger than the MTU");
	if (!in->commit)
		return;
	if (net_pool_acquire(&up->pool, &frame)) {
		snapshot_bad(in, at, -ENOMEM, "no memory");
		return;
	}
	memcpy(frame, bytes, len);
	net_line_push(line, frame, len);
}

/* How many wait there. */
static unsigned get_line(struct net_uplink *up, struct net_line *line,
			 const struct snapshot_view *view, struct snapshot_in *in)
{
	unsigned room = device_started(view->status) ? line->room : 0;
	unsigned count = (unsigned)snapshot_get_max(in, 1, room, "more than can wait");
	unsigned i;

	for (i = 0; i < count && !in->err; i++)
		get_frame(up, line, view, in);
	return count;
}

/* As it was when new: what was taken over before memory ran out is given back. */
static void forget(struct net *net)
{
	struct net_uplink *up = net->uplink;

	while (up->replies.count > 0)
		net_line_pop(&up->replies, &up->pool);
	while (up->frames.count > 0)
		net_line_pop(&up->frames, &up->pool);
	net_pool_fini(&up->pool);
}

void net_uplink_restore(struct net *net, const struct snapshot_view *view, struct snapshot_in *in)
{
	struct net_uplink *up = net->uplink;
	bool live = device_started(view->status);
	bool work_left = snapshot_get_max(in, 1, live, "work left that cannot be");
	unsigned left = NET_POOL_MAX, replies, frames, kept;

	replies = get_line(up, &up->replies, view, in);
	snapshot_check_gauge(in, view, NET_REPLIES_WAITING, replies);
	frames = get_line(up, &up->frames, view, in);
	snapshot_check_gauge(in, view, NET_HOST_FRAMES_WAITING, frames);
	left -= replies + frames;
	kept = (unsigned)snapshot_get_max(in, 1, left < NET_POOL_KEPT ? left : NET_POOL_KEPT,
					  "more buffers than the pool has");
	if (!in->commit)
		return;
	if (!in->err && net_pool_stock(&up->pool, kept))
		snapshot_bad(in, in->last, -ENOMEM, "no memory");
	if (in->err) {
		forget(net);
		return;
	}
	up->work_left = work_left;
	up->connected = true;
}
