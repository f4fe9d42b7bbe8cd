/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What net-host adds to the frontend: where a transmitted frame goes, and frames
 * that wait for receive chains.
 *
 * A valid frame goes to the interceptor or to the backend, never to both, and an
 * empty one to neither.  It is given away when all of it has been read and judged,
 * from a buffer of the pool that nobody writes any more.
 *
 * Frames wait in two lines: replies of the interceptor, which go first, and what
 * was taken from the backend.  A frame leaves its line only when the chain that
 * carries it was published, or it is dropped and counted: where the chain that it
 * meets is too small.  Where a chain is no good or cannot be written the next one
 * is tried; where the used ring cannot be written, or RX is poisoned or empty, the
 * lines wait.  A frame that there is no host memory for stays with the backend,
 * and is work that is left: nobody would tell of it again.
 *
 * The backend is asked at the start of a call, for as many frames as may wait, and again
 * when all of them are delivered: what the driver has no room for stays there.
 *
 * Bounds of one call: as many chains as RX has entries, and as many frames from
 * the backend for each as may wait.
 *
 * VIRTIO 1.4, 5.1.4 (configuration), 5.1.9.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "net_uplink.h"
#include "table.h"

#define F_MAC (UINT64_C(1) << VIRTIO_NET_F_MAC)
#define F_MTU (UINT64_C(1) << VIRTIO_NET_F_MTU)

static void note_gauges(struct net *net)
{
	net->dev.counters[NET_REPLIES_WAITING] = net->uplink->replies.count;
	net->dev.counters[NET_HOST_FRAMES_WAITING] = net->uplink->frames.count;
}

/* A buffer of the pool: 0, or what net_pool_acquire says, counted. */
static int take_buffer(struct net *net, uint8_t **buffer)
{
	int ret = net_pool_acquire(&net->uplink->pool, buffer);

	if (ret)
		net_count(net, ret == -ENOBUFS ? NET_POOL_EXHAUSTED : NET_ALLOC_FAILURES);
	return ret;
}

/* ---- transmit ------------------------------------------------------------- */

int net_uplink_room(struct net *net)
{
	return net_pool_acquire(&net->uplink->pool, &net->frame);
}

void net_uplink_give_back(struct net *net)
{
	if (net->frame)
		net_pool_release(&net->uplink->pool, net->frame);
	net->frame = NULL;
}

/* The interceptor answers a frame. */
static void answer(struct net *net, const uint8_t *frame, uint32_t len)
{
	struct net_uplink *up = net->uplink;
	uint8_t *reply = NULL;
	int reply_len = -ENOSPC;

	if (up->replies.count < NET_REPLIES_MAX && take_buffer(net, &reply) == 0)
		reply_len = up->interceptor->reply(up->interceptor_ctx, frame, len, reply,
						   up->pool.size);
	if (reply_len > 0) {
		net_line_push(&up->replies, reply, (uint32_t)reply_len);
		return;
	}
	net_count(net, NET_REPLIES_LOST);
	if (reply)
		net_pool_release(&up->pool, reply);
}

static enum net_verdict judge(const struct net_uplink *up, const uint8_t *frame, uint32_t len)
{
	return up->interceptor ? up->interceptor->judge(up->interceptor_ctx, frame, len) : NET_PASS;
}

static void send(struct net *net, const uint8_t *frame, uint32_t len)
{
	const struct net_uplink *up = net->uplink;
	int64_t taken = up->backend ? up->backend->send(up->backend_ctx, frame, len) : -ENOTCONN;

	if (taken <= 0)
		net_count(net, NET_TX_REFUSED);
	else
		net_count(net, taken < len ? NET_TX_SENT_SHORT : NET_TX_SENT);
}

static void uplink_sink(struct net *net, const uint8_t *frame, uint32_t len)
{
	TABLE(static const enum net_counter, claimed, NET_VERDICT_COUNT, 1,
		[NET_PASS] = NET_TX_SENT,
		[NET_DROP] = NET_TX_CLAIMED,
		[NET_MALFORMED] = NET_TX_CLAIMED_MALFORMED,
		[NET_REPLY] = NET_TX_ANSWERED);
	enum net_verdict verdict;

	if (len == 0) {
		net_count(net, NET_TX_EMPTY);
		return;
	}
	verdict = judge(net->uplink, frame, len);
	if (verdict == NET_PASS) {
		send(net, frame, len);
		return;
	}
	net_count(net, claimed[verdict]);
	if (verdict == NET_REPLY)
		answer(net, frame, len);
}

/* ---- receive -------------------------------------------------------------- */

/* Bytes in front of the packet. */
static uint32_t link_size(const uint8_t *frame, uint32_t len)
{
	uint32_t size = ETH_HLEN;
	uint16_t type;

	while (size < NET_LINK_MAX && len >= size) {
		memcpy(&type, frame + size - sizeof(type), sizeof(type));
		if (type != htobe16(ETH_P_8021Q) && type != htobe16(ETH_P_8021AD))
			break;
		size += NET_VLAN_SIZE;
	}
	return size;
}

bool net_uplink_oversize(const struct net_uplink *up, uint64_t features, const uint8_t *frame,
			 uint32_t len)
{
	if (len > up->pool.size)
		return true;
	return features & F_MTU && len > link_size(frame, len) + up->mtu;
}

/* One frame from the backend; false if none is to be had now. */
static bool fetch(struct net *net)
{
	struct net_uplink *up = net->uplink;
	uint8_t *frame;
	int64_t len;
	int ret;

	if (up->backend->waiting(up->backend_ctx) == 0)
		return false;
	if (up->frames.count == NET_HOST_FRAMES_MAX) {
		net_count(net, NET_HOST_HELD_BACK);
		return false;
	}
	ret = take_buffer(net, &frame);
	if (ret) {
		up->starved = ret == -ENOMEM;
		return false;
	}
	len = up->backend->receive(up->backend_ctx, frame, up->pool.size);
	if (len < 0) {
		net_pool_release(&up->pool, frame);
		return false;
	}
	net_count(net, NET_HOST_FRAMES);
	if (len > UINT32_MAX || net_uplink_oversize(up, net->dev.features, frame, (uint32_t)len)) {
		net_count(net, NET_HOST_FRAMES_OVERSIZE);
		net_pool_release(&up->pool, frame);
	} else {
		net_line_push(&up->frames, frame, (uint32_t)len);
	}
	return true;
}

/* As many as may wait; true if there may be more. */
static bool fetch_all(struct net *net)
{
	unsigned left = NET_HOST_FRAMES_MAX + 1;
	bool more = net->uplink->backend != NULL;

	for (; left > 0 && more; left--)
		more = fetch(net);
	return more;
}

/* The next of what waits goes into the next chain; false if it has to wait. */
static bool deliver_next(struct net *net)
{
	struct net_uplink *up = net->uplink;
	struct net_line *line = up->replies.count > 0 ? &up->replies : &up->frames;
	const struct net_waiting *next = &line->places[line->first];
	enum net_delivery delivery = net_deliver(net, next->frame, next->len);
	bool gone = delivery == NET_DELIVERED || delivery == NET_TOO_LARGE;

	if (gone)
		net_line_pop(line, &up->pool);
	return gone || delivery == NET_LOST;
}

void net_uplink_receive(struct net *net)
{
	struct net_uplink *up = net->uplink;
	unsigned left = net->dev.queues[NET_RX].size;
	bool more;

	up->starved = false;
	more = fetch_all(net);
	while (left > 0 && up->replies.count + up->frames.count > 0) {
		if (!deliver_next(net))
			break;
		if (up->frames.count == 0)
			more = fetch_all(net);
		left--;
	}
	up->work_left =
		more || up->starved || (left == 0 && up->replies.count + up->frames.count > 0);
	note_gauges(net);
}

bool net_uplink_goes_on(const struct net *net)
{
	return net->uplink->work_left && virtqueue_usable(&net->dev.queues[NET_RX]);
}

/* A driver has no reason to tell about buffers that were there before, nor a host
 * about frames once more. */
void net_uplink_live(struct net *net)
{
	struct net_uplink *up = net->uplink;

	up->work_left = up->backend && up->backend->waiting(up->backend_ctx) > 0;
}

/* ... and of buffers that were there before the queue was ready again. */
void net_uplink_start(struct net *net)
{
	struct net_uplink *up = net->uplink;

	net_uplink_live(net);
	up->work_left = up->work_left || up->replies.count + up->frames.count > 0;
}

/* ---- life ----------------------------------------------------------------- */

void net_uplink_reset(struct net *net)
{
	struct net_uplink *up = net->uplink;
	struct net_line *lines[] = { &up->replies, &up->frames };
	unsigned i;

	for (i = 0; i < 2; i++) {
		while (lines[i]->count > 0) {
			net_line_pop(lines[i], &up->pool);
			net_count(net, NET_RX_DISCARDED);
		}
	}
	up->work_left = false;
	note_gauges(net);
}

static void set_mtu(struct net *net, uint32_t mtu)
{
	struct net_uplink *up = net->uplink;

	up->mtu = mtu;
	net->frame_max = NET_LINK_MAX + mtu;
	net_pool_init(&up->pool, net->dev.host, net->frame_max);
}

int net_uplink_create(struct net *net)
{
	struct net_uplink *up = net->dev.host->alloc(net->dev.host->ctx, sizeof(*up));

	if (!up)
		return -ENOMEM;
	memset(up, 0, sizeof(*up));
	up->replies = (struct net_line){ .places = up->reply_places, .room = NET_REPLIES_MAX };
	up->frames = (struct net_line){ .places = up->frame_places, .room = NET_HOST_FRAMES_MAX };
	net->uplink = up;
	net->sink = uplink_sink;
	set_mtu(net, NET_MTU_DEFAULT);
	up->may_offer = net->dev.offered & (F_MAC | F_MTU);
	net->dev.offered &= ~up->may_offer;
	return 0;
}

void net_uplink_destroy(struct net *net)
{
	net_uplink_reset(net);
	net_pool_fini(&net->uplink->pool);
	net->dev.host->free(net->dev.host->ctx, net->uplink);
}

int net_host_connect(struct device *dev, const struct net_host_config *config)
{
	struct net *net = (struct net *)dev;
	struct net_uplink *up = net->uplink;

	if (config->mtu != 0 && config->mtu < NET_MTU_MIN)
		return -EINVAL;
	if (dev->status != 0 || up->connected)
		return -EBUSY;
	if (config->mac) {
		dev->offered |= F_MAC & up->may_offer;
		memcpy(net->config.mac, config->mac, ETH_ALEN);
	}
	if (config->mtu != 0) {
		dev->offered |= F_MTU & up->may_offer;
		net->config.mtu = htole16(config->mtu);
		set_mtu(net, config->mtu);
	}
	up->backend = config->backend;
	up->backend_ctx = config->backend_ctx;
	up->interceptor = config->interceptor;
	up->interceptor_ctx = config->interceptor_ctx;
	up->connected = true;
	return 0;
}
