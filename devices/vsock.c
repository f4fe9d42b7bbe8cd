/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device: what a notification, left-over work and a reset do.  vsock_tx.c has what
 * the guest sends, vsock_rx.c what it is sent, vsock_connection.c who is connected and
 * vsock_host.c the host's calls.
 *
 * A call takes at most one queue-full of chains from each queue; the rest is left-over work.
 * Whoever moves a used index hears of it once, at the end of the call, unless the driver wants
 * no interrupt.
 *
 * Driver writes to configuration are ignored; bytes beyond it read 0.
 *
 * VIRTIO 1.4, 5.10.
 */
#include <endian.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "table.h"
#include "vsock_private.h"

TABLE(static const char *const, counter_names, VSOCK_COUNTER_COUNT, 1,
	[VSOCK_TX_PACKETS] = "tx_packets",
	[VSOCK_TX_HEEDED] = "tx_heeded",
	[VSOCK_TX_REFUSED] = "tx_refused",
	[VSOCK_TX_IGNORED] = "tx_ignored",
	[VSOCK_TX_FOREIGN] = "tx_foreign",
	[VSOCK_TX_CHAIN_INVALID] = "tx_chain_invalid",
	[VSOCK_TX_SHORT] = "tx_short",
	[VSOCK_TX_CAPPED] = "tx_capped",
	[VSOCK_TX_FULL] = "tx_full",
	[VSOCK_RX_PACKETS] = "rx_packets",
	[VSOCK_RX_CHAIN_INVALID] = "rx_chain_invalid",
	[VSOCK_RX_SMALL] = "rx_small",
	[VSOCK_RX_WRITE_FAILED] = "rx_write_failed",
	[VSOCK_RX_CAPPED] = "rx_capped",
	[VSOCK_ANSWERS_QUEUED] = "answers_queued",
	[VSOCK_ANSWERS_SENT] = "answers_sent",
	[VSOCK_ANSWERS_WAITING] = "answers_waiting",
	[VSOCK_ANSWERS_CANCELLED] = "answers_cancelled",
	[VSOCK_OPENED] = "connections_opened",
	[VSOCK_CLOSED] = "connections_closed",
	[VSOCK_CONNECTIONS] = "connections",
	[VSOCK_INPUT_BYTES] = "input_bytes",
	[VSOCK_INPUT_DELIVERED] = "input_delivered",
	[VSOCK_INPUT_PENDING] = "input_pending",
	[VSOCK_INPUT_DROPPED] = "input_dropped",
	[VSOCK_OUTPUT_BYTES] = "output_bytes",
	[VSOCK_OUTPUT_TAKEN] = "output_taken",
	[VSOCK_OUTPUT_HELD] = "output_held",
	[VSOCK_OUTPUT_DROPPED] = "output_dropped",
	[VSOCK_EVENTS_QUEUED] = "events_queued",
	[VSOCK_EVENTS_SENT] = "events_sent",
	[VSOCK_EVENTS_WAITING] = "events_waiting",
	[VSOCK_EVENTS_DROPPED] = "events_dropped",
	[VSOCK_EVENT_CHAIN_INVALID] = "event_chain_invalid",
	[VSOCK_EVENT_SMALL] = "event_small",
	[VSOCK_EVENT_WRITE_FAILED] = "event_write_failed",
	[VSOCK_ADD_USED_FAILURES] = "add_used_failures",
	[VSOCK_INVALID_AVAIL_IDX] = "invalid_avail_idx_count",
	[VSOCK_ALLOC_FAILURES] = "host_alloc_failures");

TABLE(static const struct device_queue_desc, vsock_queues, VSOCK_QUEUE_COUNT, 4,
	[VSOCK_RX] = { "rx", VSOCK_QUEUE_SIZE_MAX, false, 0 },
	[VSOCK_TX] = { "tx", VSOCK_QUEUE_SIZE_MAX, true, 0 },
	[VSOCK_EVENT] = { "event", VSOCK_QUEUE_SIZE_MAX, false, 0 });

bool vsock_pop(struct vsock *vsock, enum vsock_queue queue, struct virtqueue_chain *chain)
{
	int ret = virtqueue_pop(&vsock->dev.queues[queue], chain);

	if (ret < 0) {
		vsock_count(vsock, VSOCK_INVALID_AVAIL_IDX);
		vsock->poisoned_now = true;
	}
	if (ret <= 0)
		vsock_more(vsock, queue, false);
	return ret > 0;
}

bool vsock_push(struct vsock *vsock, const struct virtqueue_chain *chain, uint32_t len)
{
	if (virtqueue_push(chain->vq, chain, len) == 0)
		return true;
	vsock_count(vsock, VSOCK_ADD_USED_FAILURES);
	return false;
}

bool vsock_live(const struct vsock *vsock, enum vsock_queue queue)
{
	return (vsock->dev.status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       virtqueue_usable(&vsock->dev.queues[queue]);
}

void vsock_note_gauges(struct vsock *vsock)
{
	uint64_t *counters = vsock->dev.counters, held = 0, pending = 0;

	for (unsigned i = 0; i < vsock->connection_count; i++) {
		held += vsock->connections[i].output.bytes.len;
		pending += vsock->connections[i].input.bytes.len;
	}
	counters[VSOCK_OUTPUT_HELD] = held;
	counters[VSOCK_INPUT_PENDING] = pending;
	counters[VSOCK_ANSWERS_WAITING] = vsock->answer_count;
	counters[VSOCK_CONNECTIONS] = vsock->connection_count;
	counters[VSOCK_EVENTS_WAITING] = vsock->event_owed;
}

/* The end of a call: tell the driver what it did.  Completions go before the poison signal: a
 * driver that resets on the second has then heard of the first. */
static void call_end(struct vsock *vsock)
{
	bool wanted = false;

	vsock_note_gauges(vsock);
	for (unsigned i = 0; i < VSOCK_QUEUE_COUNT; i++)
		if (virtqueue_wants_interrupt(&vsock->dev.queues[i]))
			wanted = true;
	if (wanted)
		device_interrupt(&vsock->dev, VIRTIO_MMIO_INT_VRING);
	if (vsock->poisoned_now)
		device_needs_reset(&vsock->dev);
	vsock->poisoned_now = false;
}

/* Every queue once, as far as there is anything to do.  The guest's packets come first: they
 * are what is answered. */
static void vsock_work(struct device *dev)
{
	struct vsock *vsock = vsock_of(dev);

	if (vsock_tx_goes_on(vsock))
		vsock_drain_tx(vsock);
	if (vsock_rx_goes_on(vsock))
		vsock_drain_rx(vsock);
	if (vsock_event_goes_on(vsock))
		vsock_drain_event(vsock);
	call_end(vsock);
}

static void vsock_notify(struct device *dev, unsigned queue)
{
	vsock_more(vsock_of(dev), queue, true);
	vsock_work(dev);
}

void vsock_poll(struct device *dev)
{
	vsock_work(dev);
}

static bool host_is_awaited(const struct vsock *vsock)
{
	for (unsigned i = 0; i < vsock->connection_count; i++) {
		const struct vsock_connection *conn = &vsock->connections[i];

		if (conn->guest_shut == VSOCK_SHUTDOWN_BOTH && vsock_has_output(conn))
			return true;
	}
	return false;
}

/* A connection that the guest has shut down waits for the host to take what is left of it. */
static enum device_state vsock_state(const struct device *dev)
{
	const struct vsock *vsock = (const struct vsock *)dev;

	if (vsock_tx_goes_on(vsock) || vsock_rx_goes_on(vsock) || vsock_event_goes_on(vsock))
		return DEVICE_WORK;
	return vsock_tx_waits(vsock) || host_is_awaited(vsock) ? DEVICE_WAITING : DEVICE_IDLE;
}

static int vsock_create(struct device *dev)
{
	struct vsock *vsock = vsock_of(dev);

	vsock->guest_cid = VSOCK_CID_GUEST;
	vsock->more = VSOCK_MORE_AT_FIRST;
	return 0;
}

static void vsock_destroy(struct device *dev)
{
	vsock_drop_all(vsock_of(dev));
}

/* Who listens and what the guest is called are the host's affair, and stay. */
static void vsock_reset(struct device *dev)
{
	struct vsock *vsock = vsock_of(dev);

	vsock_drop_all(vsock);
	vsock_add(vsock, VSOCK_EVENTS_DROPPED, vsock->event_owed);
	vsock->event_owed = false;
	vsock->more = VSOCK_MORE_AT_FIRST;
	vsock->poisoned_now = false;
	vsock_note_gauges(vsock);
}

static void vsock_queue_reset(struct device *dev, unsigned queue)
{
	vsock_more(vsock_of(dev), queue, VSOCK_MORE_AT_FIRST >> queue & 1);
}

/* Byte by byte: a read may begin and end anywhere. */
static void vsock_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	const struct virtio_vsock_config config = {
		.guest_cid = htole64(((const struct vsock *)dev)->guest_cid),
	};
	const uint8_t *bytes = (const uint8_t *)&config;

	for (uint32_t i = 0; i < len; i++)
		buf[i] = offset < sizeof(config) && i < sizeof(config) - offset ? bytes[offset + i]
										: 0;
}

const struct device_ops vsock_ops = {
	.name = "vsock",
	.device_id = VIRTIO_ID_VSOCK,
	.state_size = sizeof(struct vsock),
	.scratch_size = sizeof(struct vsock) - offsetof(struct vsock, connections),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VSOCK_F_STREAM |
		    UINT64_C(1) << VIRTIO_VSOCK_F_SEQPACKET |
		    UINT64_C(1) << VSOCK_F_NO_IMPLIED_STREAM,
	.queue_count = VSOCK_QUEUE_COUNT,
	.queues = vsock_queues,
	.counter_count = VSOCK_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = vsock_create,
	.destroy = vsock_destroy,
	.reset = vsock_reset,
	.queue_reset = vsock_queue_reset,
	.notify = vsock_notify,
	.work = vsock_work,
	.state = vsock_state,
	.config_read = vsock_config_read,
	.save = vsock_save,
	.restore = vsock_restore,
};
