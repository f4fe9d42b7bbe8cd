/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket model as a target, and the host behind it.  See vringer.h.
 *
 *   port 0  a service on host port 1024: it accepts who asks, keeps what they send until it is
 *           taken, and sends what is typed on its oldest connection
 *   port 1  the same on host port 1025
 *   port 2  a client on host port 2000: what is typed goes to guest port 3000, which it asks
 *           for a connection where it has none
 *
 * What is taken ends with a message's end, if there is one: the host reads message by message,
 * and 1000 bytes at a time.  Where a port has no connection the host has not heard of it: it
 * types to the one that was there last, reads from it and ends it.
 *
 * refuse P N taken=0  the service refuses the next N connections
 *            taken=1  the host ends its N oldest connections: SHUTDOWN and RST
 *            taken=2  ... shuts them down for sending (4: for receiving, 6: both) and waits
 *            taken=8  what the host does the next N times, on any port, is told to the device and
 *                     does not make it go on
 * change_config V     the guest's CID is 3 + V, and the transport is reset; a version that
 *                     would be a CID which VIRTIO reserves is no change
 *
 * What an order leaves to be sent goes out with the device's next work.
 */
#include "harness/models/models.h"

#include "devices/table.h"
#include "devices/vsock.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>

#define F_STREAM (1ULL << VSOCK_F_STREAM)
#define F_SEQPACKET (1ULL << VIRTIO_VSOCK_F_SEQPACKET)
#define F_NO_IMPLIED_STREAM (1ULL << VSOCK_F_NO_IMPLIED_STREAM)

enum { SERVICE_0, SERVICE_1, CLIENT, PORT_COUNT };
#define CLIENT_TO 3000u

TABLE(static const uint32_t, host_ports, PORT_COUNT, 1,
	[SERVICE_0] = 1024,
	[SERVICE_1] = 1025,
	[CLIENT] = 2000);

#define READ_AT_ONCE 1000u

struct socket_host {
	struct model model; /* first: it is one */
	const struct vringer_host *host;
	uint32_t refusing[PORT_COUNT];	    /* connections that are still to be refused */
	uint32_t waiting;		    /* times that the device is not made to go on */
	struct vsock_flow flow[PORT_COUNT]; /* the connection that was spoken of last */
};

static bool socket_accept(void *ctx, const struct vsock_flow *flow)
{
	struct socket_host *s = ctx;

	s->host->backend(s->host->ctx);
	for (unsigned port = 0; port < CLIENT; port++) {
		if (host_ports[port] != flow->host_port)
			continue;
		if (s->refusing[port] == 0)
			return true;
		s->refusing[port]--;
	}
	return false;
}

static const struct vsock_backend socket_backend = { .accept = socket_accept };

static void *vsock_create(const struct vringer_host *host, uint64_t offered,
			  const uint16_t *queue_max)
{
	struct socket_host *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->host = host;
	if (model_open(&s->model, &vsock_ops, host, offered, queue_max)) {
		vsock_listen(model_device(s), &socket_backend, s);
		return s;
	}
	free(s);
	return NULL;
}

static void vsock_destroy(void *device)
{
	mmio_destroy(((struct socket_host *)device)->model.mmio);
	free(device);
}

/* What it was told is the host's, and no part of a snapshot. */
static void vsock_inherit(void *device, void *old)
{
	struct socket_host *to = device;
	const struct socket_host *from = old;

	for (unsigned port = 0; port < PORT_COUNT; port++)
		to->refusing[port] = from->refusing[port];
	to->waiting = from->waiting;
}

/* The `nth` connection of that port; the first time also one that was there. */
static struct vsock_flow *find(struct socket_host *s, unsigned port, unsigned nth)
{
	bool found = vsock_find(model_device(s), host_ports[port], nth, &s->flow[port]);

	return found || nth == 0 ? &s->flow[port] : NULL;
}

static void go_on(struct socket_host *s)
{
	if (s->waiting > 0)
		s->waiting--;
	else
		vsock_poll(model_device(s));
}

static uint32_t type(struct socket_host *s, unsigned port, const void *data, uint32_t len)
{
	struct device *dev = model_device(s);
	int err = port == CLIENT ? vsock_connect(dev, host_ports[port], CLIENT_TO) : 0;

	if (err != 0 && err != -EADDRINUSE)
		return 0;
	return vsock_send(dev, find(s, port, 0), data, len,
			  VIRTIO_VSOCK_SEQ_EOM | (port == SERVICE_1 ? VIRTIO_VSOCK_SEQ_EOR : 0));
}

/* Of all connections of that port, oldest first. */
static uint32_t take(struct socket_host *s, unsigned port, uint8_t *to, uint32_t max)
{
	struct device *dev = model_device(s);
	const struct vsock_flow *flow;
	uint32_t taken = 0, flags = 0;
	bool ends = false;

	for (unsigned i = 0; !ends && (flow = find(s, port, i)) != NULL; i++)
		do {
			uint32_t room = max - taken;

			taken += vsock_take(dev, flow, to + taken,
					    room < READ_AT_ONCE ? room : READ_AT_ONCE, &flags);
			ends = (flags & VIRTIO_VSOCK_SEQ_EOM) != 0 || taken == max;
		} while (!ends && vsock_readable(dev, flow));
	return taken;
}

static uint32_t vsock_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	struct socket_host *s = device;
	uint32_t done = 0;

	switch ((enum vringer_act)act) {
	case VRINGER_TYPE:
		done = port < PORT_COUNT ? type(s, port, data, len) : 0;
		break;
	case VRINGER_TAKE:
		done = port < PORT_COUNT ? take(s, port, data, len) : 0;
		break;
	case VRINGER_CHANGE_CONFIG:
		done = vsock_set_cid(model_device(s), VSOCK_CID_GUEST + (uint64_t)len) == 0;
		break;
	case VRINGER_PUT_BACK:
	case VRINGER_SET_NUM_PAGES:
		break;
	}
	go_on(s);
	return done;
}

enum { REFUSE_NEXT = 0, REFUSE_END = 1, REFUSE_WAIT = 8 };

static void end_oldest(struct socket_host *s, unsigned port, uint32_t count, uint32_t how)
{
	struct device *dev = model_device(s);
	const struct vsock_flow *flow;

	for (uint32_t i = 0; i < count && (flow = find(s, port, i)) != NULL; i++) {
		if (how == REFUSE_END)
			vsock_close(dev, flow);
		else
			vsock_shutdown(dev, flow,
				       (how & 2 ? VIRTIO_VSOCK_SHUTDOWN_SEND : 0u) |
					       (how & 4 ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0u));
	}
}

static void vsock_order(void *device, uint32_t order, uint32_t port, uint32_t count,
			uint32_t amount)
{
	struct socket_host *s = device;

	if (port >= PORT_COUNT)
		return;
	if (order == VRINGER_FORGET)
		s->refusing[port] = s->waiting = 0;
	else if (order == VRINGER_REFUSE && amount == REFUSE_NEXT)
		s->refusing[port] = count;
	else if (order == VRINGER_REFUSE && amount == REFUSE_WAIT)
		s->waiting = count;
	else if (order == VRINGER_REFUSE)
		end_oldest(s, port, count, amount);
}

#define VSOCK_PORT(number)                                                                         \
	{                                                                                          \
		.from = VRINGER_NO_QUEUE, .to = VRINGER_NO_QUEUE,                                  \
		.held_max = VSOCK_CONNECTIONS_MAX * VSOCK_BUFFER, .socket_port = (number)          \
	}
TABLE(static const struct vringer_port, vsock_ports, PORT_COUNT, 4,
	[SERVICE_0] = VSOCK_PORT(1024),
	[SERVICE_1] = VSOCK_PORT(1025),
	[CLIENT] = VSOCK_PORT(2000));

static const struct vringer_backend vsock_backend = {
	.size = sizeof(vsock_backend),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE | 1u << VRINGER_CHANGE_CONFIG,
	.orders = 1u << VRINGER_FORGET | 1u << VRINGER_REFUSE,
	.port_count = PORT_COUNT,
	.ports = vsock_ports,
	.act = vsock_act,
	.order = vsock_order,
};

static const struct vringer_queue vsock_queues[] = {
	{ "rx", VSOCK_QUEUE_SIZE_MAX, 0, 0 },
	{ "tx", VSOCK_QUEUE_SIZE_MAX, 1, 0 },
	{ "event", VSOCK_QUEUE_SIZE_MAX, 0, 0 },
};

static const struct vringer_field vsock_fields[] = {
	{ "guest_cid", 0, 8, 1 },
	{ .name = NULL },
};

/* A packet of the guest's, from its port 0x1234. */
#define GUEST "\3\0\0\0\0\0\0\0"
#define HOST "\2\0\0\0\0\0\0\0"
#define FROM "\x34\x12\0\0"
#define NOBODY "\x77\x77\0\0"
#define SERVICE "\0\4\0\0"
#define SERVICE_TWO "\1\4\0\0"
#define STREAM "\1\0"
#define SEQPACKET "\2\0"
#define PACKET(to, len, type, op, flags)                                                           \
	GUEST HOST FROM to len "\0\0\0" type op "\0" flags "\0\0\0\0\0\1\0\0\0\0\0"
#define HEADER_BYTES 44u
#define REQUEST(to, type) PACKET(to, "\0", type, "\1", "\0")
#define RST(type) PACKET(NOBODY, "\0", type, "\3", "\0")
#define SAYS(literal) .readable = (literal), .readable_len = sizeof(literal) - 1
#define SAY(literal) MODEL_HINT(VSOCK_TX, literal)

/* RST from there. */
static const struct vringer_bytes vsock_rst[] = {
	{ 0, 28, HOST GUEST NOBODY FROM "\0\0\0\0" },
	{ 30, 14, "\3\0\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ .bytes = NULL },
};

/* A buffer, to which comes what answers a packet to nobody of that type and operation. */
#define COMES_BACK(type_op)                                                                        \
	.queue = VSOCK_RX, .writable_len = 4096, .used_min = HEADER_BYTES,                         \
	.used_max = HEADER_BYTES, .answer = vsock_rst,                                             \
	.after = "store b3 03000000000000000200000000000000341200007777000000000000" type_op       \
		 "000000000001000000000000\n"                                                      \
		 "buffer b3 at=b3 len=44\n"                                                        \
		 "send 1 b3\n"

static const struct vringer_request vsock_requests[] = {
	/* RST alone is answered by nothing: other packets stop where answers have no room. */
	{ .name = "rst", .queue = VSOCK_TX, SAYS(RST(STREAM)), .flags = VRINGER_REQUEST_EXACT },
	{ .name = "rst-unknown-type",
	  .queue = VSOCK_TX,
	  SAYS(RST("\x77\0")),
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "refused", COMES_BACK("01000100"), .flags = VRINGER_REQUEST_EXACT },
	{ .name = "refused-type", COMES_BACK("77000100"), .flags = VRINGER_REQUEST_EXACT },
	SAY(REQUEST(NOBODY, STREAM)),
	SAY(REQUEST(NOBODY, "\x77\0")),
	SAY(REQUEST(SERVICE, STREAM)),
	SAY(REQUEST(SERVICE, STREAM)),
	SAY(REQUEST(SERVICE_TWO, SEQPACKET)),
	SAY(PACKET(SERVICE, "\0", STREAM, "\2", "\0")), /* RESPONSE */
	SAY(PACKET(SERVICE, "\0", STREAM, "\3", "\0")), /* RST */
	SAY(PACKET(SERVICE, "\0", STREAM, "\4", "\3")), /* SHUTDOWN */
	SAY(PACKET(SERVICE, "\0", STREAM, "\4", "\1")),
	SAY(PACKET(SERVICE, "\0", STREAM, "\4", "\2")),
	SAY(PACKET(SERVICE, "\5", STREAM, "\5", "\0") "hello"),
	SAY(PACKET(SERVICE, "\5", STREAM, "\5", "\0") "hello"),
	SAY(PACKET(SERVICE_TWO, "\5", SEQPACKET, "\5", "\1") "hello"),
	SAY(PACKET(SERVICE_TWO, "\5", SEQPACKET, "\5", "\3") "hello"),
	SAY(PACKET(SERVICE, "\0", STREAM, "\6", "\0")), /* CREDIT_UPDATE */
	SAY(PACKET(SERVICE, "\0", STREAM, "\7", "\0")), /* CREDIT_REQUEST */
	SAY(PACKET(SERVICE, "\xff", STREAM, "\5", "\0") "too short"),
	/* RESPONSE of guest port 3000 to host port 2000. */
	SAY(GUEST HOST "\xb8\x0b\0\0\xd0\7\0\0\0\0\0\0" STREAM "\2\0\0\0\0\0\0\1\0\0\0\0\0\0"),
	{ .name = NULL },
};

/* No packet, byte, answer, event or connection is lost without being counted. */
static const struct vringer_sum vsock_equal_sums[] = {
	{ "tx_packets", "tx_heeded tx_refused tx_ignored tx_foreign" },
	{ "answers_queued", "answers_sent answers_waiting answers_cancelled" },
	{ "connections_opened", "connections_closed connections" },
	{ "input_bytes", "input_delivered input_pending input_dropped" },
	{ "output_bytes", "output_taken output_held output_dropped" },
	{ "events_queued", "events_sent events_waiting events_dropped" },
	{ NULL, NULL },
};

static const struct vringer_sum vsock_sums[] = {
	{ "used.0", "rx_packets rx_chain_invalid rx_small rx_write_failed" },
	{ "used.1", "tx_packets tx_chain_invalid tx_short" },
	{ "used.2", "events_sent event_chain_invalid event_small event_write_failed" },
	{ "answers_sent", "rx_packets" },
	/* A drain that was capped took chains.  One that ended for want of room left
	 * VSOCK_ANSWERS_MAX answers waiting, and there was room when it began: between two of them
	 * one was sent or cancelled. */
	{ "tx_capped", "tx_packets tx_chain_invalid tx_short" },
	{ "256*tx_full", "256*answers_sent 256*answers_cancelled answers_waiting" },
	{ "rx_capped", "rx_packets rx_chain_invalid rx_small rx_write_failed" },
	{ "written.0", "rx_packets" },
	{ "written.2", "events_sent" },
	{ "failed.0 failed.1 failed.2", "add_used_failures" },
	{ "poisoned.0 poisoned.1 poisoned.2", "invalid_avail_idx_count" },
	{ NULL, NULL },
};

static const struct vringer_snapshots vsock_snapshots = {
	.size = sizeof(vsock_snapshots),
	.save = model_save,
	.restore = model_restore,
	.impossible = vsock_impossible,
	.inherit = vsock_inherit,
};

struct vringer_target vsock_target = {
	MODEL,
	.name = "vsock",
	.help = "virtio-vsock between a guest and the services and the client of a host",
	.device_id = VIRTIO_ID_VSOCK,
	.features = MODEL_FEATURES | F_STREAM | F_SEQPACKET | F_NO_IMPLIED_STREAM,
	.queue_count = VSOCK_QUEUE_COUNT,
	.queues = vsock_queues,
	.config_len = sizeof(struct virtio_vsock_config),
	.fields = vsock_fields,
	.chain_bytes_max = HEADER_BYTES + VSOCK_BUFFER,
	/* Two directions of each connection, and what the device is itself. */
	.heap_max = VSOCK_CONNECTIONS_MAX * 2 * VSOCK_BUFFER + (96u << 10),
	/* Is somebody there? */
	.backend_calls_chain = 1,
	.sums = vsock_sums,
	.equal_sums = vsock_equal_sums,
	.gauges = "answers_waiting connections input_pending output_held events_waiting",
	.backend = &vsock_backend,
	.requests = vsock_requests,
	.liveness = "device vsock\n"
		    "start driver_ok\n"
		    "change_config 0\n"
		    "offer 0 b9:w\n"
		    "store b3 03000000000000000200000000000000341200007777000000000000"
		    "01000100000000000001000000000000\n"
		    "buffer b3 at=b3 len=44\n"
		    "send 1 b3\n"
		    "> used 1 id=0 len=0\n"
		    "> used 0 id=0 len=44\n"
		    "> mem b9+30 0300\n",
	.create = vsock_create,
	.destroy = vsock_destroy,
	.snapshots = &vsock_snapshots,
};
