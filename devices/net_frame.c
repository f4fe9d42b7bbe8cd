/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Frames between guest chains and the host.
 *
 * A chain is judged as a whole, from copies of its descriptors, before one of
 * its bytes is read or written or a byte of host memory is allocated for it.
 * If several things are wrong with it, the first of these is counted:
 *
 *   transmit  not a chain of readable buffers of at least a header (torn, wrong
 *             direction, address overflow, short); frame over the limit; header
 *             unreadable, or asking for an offload; no host memory; frame unreadable
 *   receive   not a chain of writable buffers of at least a header; frame larger
 *             than the chain; memory not writable
 *
 * An empty buffer is legal anywhere: its address is not looked at and it takes
 * no part in anything below.
 *
 * Refused: offloads, mergeable and short receive buffers.  A driver that asks for
 * segmentation or a checksum has negotiated neither, so its packet is not accepted
 * and counts as a chain that is not valid.  In VIRTIO 1.4 that is a demand where
 * the bits of UDP tunnels are set (5.1.9.2.2), and for the rest our policy.  Bits of
 * flags that mean nothing here, and all that is behind gso_type, are ignored; so is
 * the whole header, as of 1.3 and before, where net.any_header says so.
 *
 * VIRTIO 1.4, 5.1.9 (device operation).
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "chain.h"
#include "net_frame.h"

#define FRAME_ROOM_MIN 2048u

/* Of VIRTIO 1.4: <linux/virtio_net.h> has it from Linux 6.17 on. */
#ifndef VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM
#define VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM 8
#endif

/* Flags that ask the device for work, which needs a feature that is not offered. */
#define FLAGS_REFUSED (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM)

/* The chain's buffers, in net->buffers; those of one too short for a header are
 * of no use. */
static int net_collect(struct net *net, struct virtqueue_chain *chain, bool writable,
		       uint64_t *total)
{
	int ret = chain_collect(chain, writable, net->buffers, total);

	return ret == 0 && *total < NET_HEADER_SIZE ? -EBADMSG : ret;
}

/* Room for `len` bytes, at most net->frame_max, at net->frame: a buffer that grows
 * on demand and survives reset, or one of the pool. */
static int frame_reserve(struct net *net, uint32_t len)
{
	const struct device_host *host = net->dev.host;
	uint32_t room = FRAME_ROOM_MIN;
	uint8_t *frame;

	if (net->uplink)
		return net_uplink_room(net);
	if (len <= net->frame_room)
		return 0;
	while (room < len)
		room *= 2;
	if (room > net->frame_max)
		room = net->frame_max;
	frame = host->alloc(host->ctx, room);
	if (!frame)
		return -ENOMEM;
	host->free(host->ctx, net->frame);
	net->frame = frame;
	net->frame_room = room;
	return 0;
}

bool net_pop(struct net *net, enum net_queue queue, struct virtqueue_chain *chain)
{
	int ret = virtqueue_pop(&net->dev.queues[queue], chain);

	if (ret < 0) {
		net_count(net, NET_INVALID_AVAIL_IDX);
		net->poisoned_now = true;
	}
	return ret > 0;
}

/* Does the header ask for what was not negotiated?  No segmentation was, so no
 * gso_type but NONE is good, with whichever of its bits set. */
static bool header_refused(const struct net *net, const struct virtio_net_hdr_v1 *header)
{
	return !net->any_header && (header->gso_type != VIRTIO_NET_HDR_GSO_NONE ||
				    (header->flags & FLAGS_REFUSED) != 0);
}

int net_capture(struct net *net, struct virtqueue_chain *chain, uint32_t *frame_len)
{
	struct chain_cursor at = { .buffer = net->buffers };
	struct virtio_net_hdr_v1 header;
	enum net_counter reason = NET_TX_CHAIN_INVALID;
	uint64_t total;
	uint32_t len;
	int ret;

	ret = net_collect(net, chain, false, &total);
	if (ret)
		goto drop;
	total -= NET_HEADER_SIZE;
	if (total > net->frame_max) {
		ret = -EMSGSIZE;
		reason = NET_TX_OVERSIZE_DROPPED;
		goto drop;
	}
	len = (uint32_t)total;

	ret = chain_read(chain, &at, &header, NET_HEADER_SIZE);
	if (ret)
		goto drop;
	if (header_refused(net, &header)) {
		ret = -EBADMSG;
		goto drop;
	}
	ret = frame_reserve(net, len);
	if (ret) {
		reason = ret == -ENOBUFS ? NET_POOL_EXHAUSTED : NET_ALLOC_FAILURES;
		goto drop;
	}
	ret = chain_read(chain, &at, net->frame, len);
	if (ret)
		goto drop;
	*frame_len = len;
	return 0;
drop:
	net_count(net, reason);
	return ret;
}

/* Fill the receive chain.  0 with all of header and frame in guest memory, or
 * negative errno, counted, with no byte of the header left there. */
static int chain_fill(struct net *net, struct virtqueue_chain *chain, const uint8_t *frame,
		      uint32_t len)
{
	/* VIRTIO 5.1.9.4.1: without mergeable buffers num_buffers is 1. */
	const struct virtio_net_hdr_v1 header = { .num_buffers = htole16(1) };
	struct chain_cursor at = { .buffer = net->buffers };
	uint32_t header_done;
	uint64_t total;
	int ret;

	ret = net_collect(net, chain, true, &total);
	if (ret) {
		net_count(net, NET_RX_CHAIN_INVALID);
		return ret;
	}
	if (total - NET_HEADER_SIZE < len) {
		net_count(net, NET_RX_FRAME_TOO_LARGE);
		return -EMSGSIZE;
	}

	header_done = chain_write(chain, &at, &header, NET_HEADER_SIZE);
	if (header_done == NET_HEADER_SIZE && chain_write(chain, &at, frame, len) == len)
		return 0;
	net_count(net, NET_RX_WRITE_FAILED);
	chain_clear(chain, net->buffers, header_done);
	return -EFAULT;
}

enum net_delivery net_deliver(struct net *net, const uint8_t *frame, uint32_t len)
{
	struct virtqueue *rx = &net->dev.queues[NET_RX];
	struct virtqueue_chain chain;
	int ret;

	/* A queue that was poisoned and then stopped still counts as poisoned. */
	if (!net_pop(net, NET_RX, &chain))
		return rx->poisoned ? NET_POISONED : NET_NO_BUFFER;

	ret = chain_fill(net, &chain, frame, len);
	if (virtqueue_push(rx, &chain, ret == 0 ? NET_HEADER_SIZE + len : 0)) {
		net_count(net, NET_RX_ADD_USED_FAILURES);
		return ret == -EMSGSIZE ? NET_TOO_LARGE : NET_UNRETURNED;
	}
	if (ret)
		return ret == -EMSGSIZE ? NET_TOO_LARGE : NET_LOST;
	net_count(net, NET_RX_PACKETS);
	net->dev.counters[NET_RX_BYTES] += len;
	return NET_DELIVERED;
}
