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
 *             unreadable; no host memory; frame unreadable
 *   receive   not a chain of writable buffers of at least a header; frame larger
 *             than the chain; memory not writable
 *
 * An empty buffer is legal anywhere: its address is not looked at and it takes
 * no part in anything below.
 *
 * Refused: offloads, mergeable and short receive buffers.  The header that the
 * driver transmits must be readable and is otherwise ignored, since no feature
 * gives it a meaning.  VIRTIO 1.4, 5.1.6.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "net_frame.h"

#define FRAME_ROOM_MIN 2048u

/* The chain as one run of bytes: a position in net->buffers.  Nothing is taken
 * beyond the total that chain_collect reported. */
struct cursor {
	const struct virtqueue_buffer *buffer;
	uint32_t used; /* of `buffer` */
};

/* At most `want` contiguous bytes, 1 at least; `want` is not 0. */
static uint32_t cursor_take(struct cursor *at, uint32_t want, uint64_t *addr)
{
	uint32_t take;

	while (at->used == at->buffer->len) {
		at->buffer++;
		at->used = 0;
	}
	take = at->buffer->len - at->used;
	if (take > want)
		take = want;
	*addr = at->buffer->addr + at->used;
	at->used += take;
	return take;
}

static int chain_read(const struct net *net, const struct virtqueue_chain *chain, struct cursor *at,
		      uint8_t *buf, uint32_t len)
{
	const struct device_host *host = net->dev.host;

	while (len > 0) {
		uint64_t addr;
		uint32_t take = cursor_take(at, len, &addr);

		if (host->read(host->ctx, virtqueue_payload(chain), addr, buf, take))
			return -EFAULT;
		buf += take;
		len -= take;
	}
	return 0;
}

/* Returns how many bytes were written before an access failed. */
static uint32_t chain_write(const struct net *net, const struct virtqueue_chain *chain,
			    struct cursor *at, const uint8_t *buf, uint32_t len)
{
	const struct device_host *host = net->dev.host;
	uint32_t done = 0;

	while (done < len) {
		uint64_t addr;
		uint32_t take = cursor_take(at, len - done, &addr);

		if (host->write(host->ctx, virtqueue_payload(chain), addr, buf + done, take))
			break;
		done += take;
	}
	return done;
}

/* Zero the first `len` bytes of the chain, of the header, which were written before.  A piece
 * that can no longer be written does not keep the others. */
static void chain_clear(const struct net *net, const struct virtqueue_chain *chain, uint32_t len)
{
	static const uint8_t zeroes[NET_HEADER_SIZE];
	const struct device_host *host = net->dev.host;
	struct cursor at = { .buffer = net->buffers };

	while (len > 0) {
		uint64_t addr;
		uint32_t take = cursor_take(&at, len, &addr);

		(void)host->write(host->ctx, virtqueue_payload(chain), addr, zeroes, take);
		len -= take;
	}
}

/* Copy a chain's descriptors to net->buffers and judge their shape; `total` is
 * their bytes.  The walk is bounded by the queue size, which is at most
 * NET_QUEUE_SIZE_MAX, so `total` cannot overflow. */
static int chain_collect(struct net *net, struct virtqueue_chain *chain, bool writable,
			 uint64_t *total)
{
	struct virtqueue_buffer *buffer = net->buffers;
	int ret;

	*total = 0;
	for (; (ret = virtqueue_chain_next(chain, buffer)) > 0; buffer++) {
		uint64_t last;

		if (buffer->writable != writable)
			return -EBADMSG;
		if (buffer->len > 0 && __builtin_add_overflow(buffer->addr, buffer->len - 1, &last))
			return -EBADMSG;
		*total += buffer->len;
	}
	if (ret == 0 && *total < NET_HEADER_SIZE)
		ret = -EBADMSG;
	return ret;
}

static int frame_reserve(struct net *net, uint32_t len)
{
	const struct device_host *host = net->dev.host;
	uint32_t room = FRAME_ROOM_MIN;
	uint8_t *frame;

	if (len <= net->frame_room)
		return 0;
	while (room < len)
		room *= 2;
	if (room > NET_FRAME_MAX)
		room = NET_FRAME_MAX;
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

int net_capture(struct net *net, struct virtqueue_chain *chain, uint32_t *frame_len)
{
	struct cursor at = { .buffer = net->buffers };
	uint8_t header[NET_HEADER_SIZE];
	enum net_counter reason = NET_TX_CHAIN_INVALID;
	uint64_t total;
	uint32_t len;
	int ret;

	ret = chain_collect(net, chain, false, &total);
	if (ret)
		goto drop;
	total -= NET_HEADER_SIZE;
	if (total > NET_FRAME_MAX) {
		ret = -EMSGSIZE;
		reason = NET_TX_OVERSIZE_DROPPED;
		goto drop;
	}
	len = (uint32_t)total;

	ret = chain_read(net, chain, &at, header, NET_HEADER_SIZE);
	if (ret)
		goto drop;
	ret = frame_reserve(net, len);
	if (ret) {
		reason = NET_ALLOC_FAILURES;
		goto drop;
	}
	ret = chain_read(net, chain, &at, net->frame, len);
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
	/* VIRTIO 5.1.6.4.1: without mergeable buffers num_buffers is 1. */
	const struct virtio_net_hdr_v1 header = { .num_buffers = htole16(1) };
	struct cursor at = { .buffer = net->buffers };
	uint32_t header_done;
	uint64_t total;
	int ret;

	ret = chain_collect(net, chain, true, &total);
	if (ret) {
		net_count(net, NET_RX_CHAIN_INVALID);
		return ret;
	}
	if (total - NET_HEADER_SIZE < len) {
		net_count(net, NET_RX_FRAME_TOO_LARGE);
		return -EMSGSIZE;
	}

	header_done = chain_write(net, chain, &at, (const uint8_t *)&header, NET_HEADER_SIZE);
	if (header_done == NET_HEADER_SIZE && chain_write(net, chain, &at, frame, len) == len)
		return 0;
	net_count(net, NET_RX_WRITE_FAILED);
	chain_clear(net, chain, header_done);
	return -EFAULT;
}

enum net_delivery net_deliver(struct net *net, const uint8_t *frame, uint32_t len)
{
	struct virtqueue *rx = &net->dev.queues[NET_RX];
	struct virtqueue_chain chain;
	bool filled;

	/* A queue that was poisoned and then stopped still counts as poisoned. */
	if (!net_pop(net, NET_RX, &chain))
		return rx->poisoned ? NET_POISONED : NET_NO_BUFFER;

	filled = chain_fill(net, &chain, frame, len) == 0;
	if (virtqueue_push(rx, &chain, filled ? NET_HEADER_SIZE + len : 0)) {
		net_count(net, NET_RX_ADD_USED_FAILURES);
		return NET_LOST;
	}
	if (!filled)
		return NET_LOST;
	net_count(net, NET_RX_PACKETS);
	net->dev.counters[NET_RX_BYTES] += len;
	return NET_DELIVERED;
}
