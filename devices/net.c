/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The network frontend: what a notification does, configuration, and the
 * net-loopback personality.  net_uplink.c has what net-host adds.
 *
 * It offers VERSION_1, MAC and, in net-host, MTU, and nothing that would change
 * the header or the number of queues.  Driver writes to configuration are ignored.
 *
 * A drain takes at most one queue-full of transmit chains, because a guest can
 * make the available ring grow while it is being drained (by laying a used ring
 * over it).  What may be left over is DEVICE_WORK.
 *
 * VIRTIO 1.4, 5.1.
 */
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "net_frame.h"
#include "snapshot_codec.h"
#include "table.h"

#define F_VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)
#define F_MAC (UINT64_C(1) << VIRTIO_NET_F_MAC)
#define F_MTU (UINT64_C(1) << VIRTIO_NET_F_MTU)

#define COMMON_NAMES                                                                               \
	[NET_TX_PACKETS] = "tx_packets", [NET_TX_BYTES] = "tx_bytes",                              \
	[NET_TX_CHAIN_INVALID] = "tx_chain_invalid",                                               \
	[NET_TX_OVERSIZE_DROPPED] = "tx_oversize_dropped",                                         \
	[NET_TX_ADD_USED_FAILURES] = "tx_add_used_failures",                                       \
	[NET_RX_ADD_USED_FAILURES] = "rx_add_used_failures", [NET_RX_PACKETS] = "rx_packets",      \
	[NET_RX_BYTES] = "rx_bytes", [NET_RX_CHAIN_INVALID] = "rx_chain_invalid",                  \
	[NET_RX_FRAME_TOO_LARGE] = "rx_frame_too_large",                                           \
	[NET_RX_WRITE_FAILED] = "rx_write_failed",                                                 \
	[NET_INVALID_AVAIL_IDX] = "invalid_avail_idx_count",                                       \
	[NET_ALLOC_FAILURES] = "host_alloc_failures"

TABLE(static const char *const, loopback_names, NET_LOOPBACK_COUNTERS, 1,
	COMMON_NAMES,
	[NET_TX_DROPPED_NO_RX] = "tx_dropped_no_rx_buffer",
	[NET_TX_DROPPED_RX_POISONED] = "tx_dropped_rx_poisoned");

TABLE(static const char *const, host_names, NET_HOST_COUNTERS, 1,
	COMMON_NAMES,
	[NET_TX_SENT] = "tx_sent",
	[NET_TX_SENT_SHORT] = "tx_sent_short",
	[NET_TX_REFUSED] = "tx_refused",
	[NET_TX_EMPTY] = "tx_empty",
	[NET_TX_ANSWERED] = "tx_answered",
	[NET_TX_CLAIMED] = "tx_claimed",
	[NET_TX_CLAIMED_MALFORMED] = "tx_claimed_malformed",
	[NET_REPLIES_LOST] = "replies_lost",
	[NET_REPLIES_WAITING] = "replies_waiting",
	[NET_HOST_FRAMES] = "host_frames",
	[NET_HOST_FRAMES_OVERSIZE] = "host_frames_oversize",
	[NET_HOST_FRAMES_WAITING] = "host_frames_waiting",
	[NET_HOST_HELD_BACK] = "host_held_back",
	[NET_RX_DISCARDED] = "rx_discarded",
	[NET_POOL_EXHAUSTED] = "pool_exhausted");

TABLE(static const struct device_queue_desc, net_queues, NET_QUEUE_COUNT, 4,
	[NET_RX] = { "rx", NET_QUEUE_SIZE_MAX, false, 0 },
	[NET_TX] = { "tx", NET_QUEUE_SIZE_MAX, true, 0 });

static struct net *net_of(struct device *dev)
{
	return (struct net *)dev;
}

/* Take a transmit chain to its end. */
static void net_transmit(struct net *net, struct virtqueue_chain *chain)
{
	uint32_t len;
	bool valid = net_capture(net, chain, &len) == 0;

	if (valid)
		net->sink(net, net->frame, len);
	if (virtqueue_push(&net->dev.queues[NET_TX], chain, 0)) {
		net_count(net, NET_TX_ADD_USED_FAILURES);
	} else if (valid) {
		net_count(net, NET_TX_PACKETS);
		net->dev.counters[NET_TX_BYTES] += len;
	}
	if (net->uplink)
		net_uplink_give_back(net);
}

/* Tell the driver what a drain did.  Completions go before the poison signal:
 * a driver that resets on the second has then heard of the first. */
static void net_signal(struct net *net)
{
	bool wanted = false;
	unsigned i;

	for (i = 0; i < NET_QUEUE_COUNT; i++)
		if (virtqueue_wants_interrupt(&net->dev.queues[i]))
			wanted = true;
	if (wanted)
		device_interrupt(&net->dev, VIRTIO_MMIO_INT_VRING);
	if (net->poisoned_now)
		device_needs_reset(&net->dev);
	net->poisoned_now = false;
}

/* Ends when the queue is empty, at its bound, or when either queue becomes
 * poisoned: the driver is then told to reset, and chains that are still there
 * wait for another notification if it does not. */
static void net_drain(struct net *net)
{
	struct virtqueue_chain chain;
	unsigned left = net->dev.queues[NET_TX].size;

	for (; left > 0 && !net->poisoned_now; left--) {
		if (!net_pop(net, NET_TX, &chain))
			break;
		net_transmit(net, &chain);
	}
	net->work_left = left == 0 && !net->poisoned_now;
	/* What was sent may have been answered. */
	if (net->uplink)
		net_uplink_receive(net);
	net_signal(net);
}

static void net_destroy(struct device *dev)
{
	struct net *net = net_of(dev);

	if (net->uplink)
		net_uplink_destroy(net);
	dev->host->free(dev->host->ctx, net->frame);
}

static void net_reset(struct device *dev)
{
	/* poisoned_now does not outlive a call, and the frame buffer is kept. */
	net_of(dev)->work_left = false;
	if (net_of(dev)->uplink)
		net_uplink_reset(net_of(dev));
}

/* Frames that wait for buffers are the host's, and wait on. */
static void net_queue_reset(struct device *dev, unsigned queue)
{
	if (queue == NET_TX)
		net_of(dev)->work_left = false;
}

static void host_queue_start(struct device *dev, unsigned queue)
{
	if (queue == NET_RX)
		net_uplink_start(net_of(dev));
}

/* Frames to receive buffers.  Without an uplink there is never one that waits. */
static void net_receive(struct net *net)
{
	if (!net->uplink)
		return;
	net_uplink_receive(net);
	net_signal(net);
}

static void host_live(struct device *dev)
{
	net_uplink_live(net_of(dev));
}

static void net_notify(struct device *dev, unsigned queue)
{
	/* New receive buffers wait until there is a frame for them. */
	if (queue == NET_TX)
		net_drain(net_of(dev));
	else
		net_receive(net_of(dev));
}

static void net_work(struct device *dev)
{
	if (net_of(dev)->work_left)
		net_drain(net_of(dev));
	else
		net_receive(net_of(dev));
}

static enum device_state net_state(const struct device *dev)
{
	const struct net *net = (const struct net *)dev;

	if (net->work_left && virtqueue_usable(&dev->queues[NET_TX]))
		return DEVICE_WORK;
	return net->uplink && net_uplink_goes_on(net) ? DEVICE_WORK : DEVICE_IDLE;
}

static void net_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	const struct virtio_net_config *config = &((const struct net *)dev)->config;
	const uint8_t *bytes = (const uint8_t *)config;
	uint32_t i;

	for (i = 0; i < len; i++)
		buf[i] = offset < sizeof(*config) && i < sizeof(*config) - offset
				 ? bytes[offset + i]
				 : 0;
}

static void net_save(const struct device *dev, struct snapshot_out *out)
{
	const struct net *net = (const struct net *)dev;

	snapshot_put(out, 1, net->work_left);
	if (net->uplink)
		net_uplink_save(net, out);
}

static void net_restore(struct device *dev, const struct snapshot_view *view,
			struct snapshot_in *in)
{
	struct net *net = net_of(dev);
	bool live = device_started(view->status);
	bool work_left = snapshot_get_max(in, 1, live, "work left that cannot be");

	snapshot_check_none_held(in, view, NET_QUEUE_COUNT);
	if (net->uplink)
		net_uplink_restore(net, view, in);
	if (in->commit && !in->err)
		net->work_left = work_left;
}

/* Loopback: what the guest sends, it receives. */
static void loopback_sink(struct net *net, const uint8_t *frame, uint32_t len)
{
	enum net_delivery delivery = net_deliver(net, frame, len);

	if (delivery == NET_NO_BUFFER)
		net_count(net, NET_TX_DROPPED_NO_RX);
	else if (delivery == NET_POISONED)
		net_count(net, NET_TX_DROPPED_RX_POISONED);
}

static int loopback_create(struct device *dev)
{
	struct net *net = net_of(dev);

	net->sink = loopback_sink;
	net->frame_max = NET_FRAME_MAX;
	net->config = (struct virtio_net_config){ .mac = NET_MAC };
	return 0;
}

static int host_create(struct device *dev)
{
	return net_uplink_create(net_of(dev));
}

void net_accept_any_header(struct device *dev)
{
	net_of(dev)->any_header = true;
}

void net_host_poll(struct device *dev)
{
	/* Before that the driver may still choose features, and has no buffers. */
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		net_receive(net_of(dev));
}

/* What the personalities have in common. */
#define NET_OPS                                                                                    \
	.device_id = VIRTIO_ID_NET, .state_size = sizeof(struct net),                              \
	.scratch_size = sizeof(struct net) - offsetof(struct net, buffers),                        \
	.queue_count = NET_QUEUE_COUNT, .queues = net_queues, .destroy = net_destroy,              \
	.reset = net_reset, .queue_reset = net_queue_reset, .notify = net_notify,                  \
	.work = net_work, .state = net_state, .config_read = net_config_read, .save = net_save,    \
	.restore = net_restore

const struct device_ops net_loopback_ops = {
	.name = "net-loopback",
	.features = F_VERSION_1 | F_MAC,
	.counter_count = NET_LOOPBACK_COUNTERS,
	.counter_names = loopback_names,
	.create = loopback_create,
	NET_OPS,
};

const struct device_ops net_host_ops = {
	.name = "net-host",
	.features = F_VERSION_1 | F_MAC | F_MTU,
	.counter_count = NET_HOST_COUNTERS,
	.counter_names = host_names,
	.create = host_create,
	.live = host_live,
	.queue_start = host_queue_start,
	NET_OPS,
};
