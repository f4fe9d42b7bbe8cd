/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's side of the socket device: vsock.h has the contract.
 *
 * These calls change what is to be sent and send nothing.
 *
 * VIRTIO 1.4, 5.10.6.
 */
#include <errno.h>

#include <linux/virtio_config.h>

#include "vsock_private.h"

/* The connection with these ends, of that type; NULL: there is none. */
static struct vsock_connection *connection_of(struct device *dev, const struct vsock_flow *flow)
{
	struct vsock_connection *conn =
		vsock_connection(vsock_of(dev), flow->host_port, flow->guest_port);

	return conn && conn->flow.type == flow->type ? conn : NULL;
}

void vsock_listen(struct device *dev, const struct vsock_backend *backend, void *ctx)
{
	vsock_of(dev)->backend = backend;
	vsock_of(dev)->backend_ctx = ctx;
}

bool vsock_find(const struct device *dev, uint32_t host_port, unsigned nth, struct vsock_flow *flow)
{
	const struct vsock *vsock = (const struct vsock *)dev;

	for (unsigned i = 0; i < vsock->connection_count; i++) {
		if (vsock->connections[i].flow.host_port != host_port || nth-- > 0)
			continue;
		*flow = vsock->connections[i].flow;
		return true;
	}
	return false;
}

int vsock_connect(struct device *dev, uint32_t host_port, uint32_t guest_port)
{
	struct vsock *vsock = vsock_of(dev);
	struct vsock_flow flow = { .host_port = host_port,
				   .guest_port = guest_port,
				   .type = VIRTIO_VSOCK_TYPE_STREAM };
	int err;

	if (!vsock_speaks(dev->features, flow.type))
		flow.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	if (!device_started(dev->status) || !vsock_speaks(dev->features, flow.type))
		return -ENOTCONN;
	if (vsock_connection(vsock, host_port, guest_port))
		return -EADDRINUSE;
	err = vsock_open(vsock, &flow, VSOCK_ASKING) ? 0 : -ENOSPC;
	vsock_note_gauges(vsock);
	return err;
}

/* So many of the host's bytes are accepted.  A connection that the host closed is shut down
 * both ways. */
static uint32_t admitted(const struct vsock_connection *conn, uint32_t len)
{
	uint32_t room = fifo_room(&conn->input.bytes);

	if ((conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV))
		return 0;
	if (conn->flow.type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
	    (len > room || conn->input.message_count == VSOCK_MESSAGES_MAX))
		return 0;
	return len < room ? len : room;
}

uint32_t vsock_send(struct device *dev, const struct vsock_flow *flow, const void *data,
		    uint32_t len, uint32_t flags)
{
	struct vsock *vsock = vsock_of(dev);
	struct vsock_connection *conn = connection_of(dev, flow);

	len = conn ? admitted(conn, len) : 0;
	if (len == 0)
		return len;
	if (fifo_append(&conn->input.bytes, data, len)) {
		vsock_count(vsock, VSOCK_ALLOC_FAILURES);
		len = 0;
	} else if (flow->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		vsock_line_end(&conn->input, flags);
	}
	vsock_add(vsock, VSOCK_INPUT_BYTES, len);
	vsock_note_gauges(vsock);
	return len;
}

bool vsock_readable(const struct device *dev, const struct vsock_flow *flow)
{
	const struct vsock *vsock = (const struct vsock *)dev;
	unsigned i = vsock_index_of(vsock, flow->host_port, flow->guest_port);

	return i < vsock->connection_count && vsock->connections[i].flow.type == flow->type &&
	       vsock_has_output(&vsock->connections[i]);
}

uint32_t vsock_take(struct device *dev, const struct vsock_flow *flow, void *buf, uint32_t max,
		    uint32_t *flags)
{
	struct vsock *vsock = vsock_of(dev);
	struct vsock_connection *conn = connection_of(dev, flow);
	uint32_t len;

	if (!conn)
		return 0;
	len = vsock_line_ready(&conn->output);
	if (len > max)
		len = max;
	fifo_take(&conn->output.bytes, buf, len);
	*flags = vsock_line_took(&conn->output, len);
	vsock_add(vsock, VSOCK_OUTPUT_TAKEN, len);
	vsock_note_gauges(vsock);
	return len;
}

void vsock_shutdown(struct device *dev, const struct vsock_flow *flow, uint32_t flags)
{
	struct vsock_connection *conn = connection_of(dev, flow);

	if (conn)
		conn->host_shut |= (uint8_t)(flags & VSOCK_SHUTDOWN_BOTH);
}

void vsock_close(struct device *dev, const struct vsock_flow *flow)
{
	struct vsock *vsock = vsock_of(dev);
	struct vsock_connection *conn = connection_of(dev, flow);

	if (!conn)
		return;
	/* The guest has not heard of it. */
	if (conn->state == VSOCK_ASKING) {
		vsock_drop(vsock, conn);
	} else {
		/* Of one that it has not agreed to there is nothing to shut down. */
		if (conn->state == VSOCK_REQUESTED)
			conn->told_shut = VSOCK_SHUTDOWN_BOTH;
		conn->host_shut = VSOCK_SHUTDOWN_BOTH;
		conn->state = VSOCK_CLOSING;
		vsock_add(vsock, VSOCK_INPUT_DROPPED, conn->input.bytes.len);
		vsock_add(vsock, VSOCK_OUTPUT_DROPPED, conn->output.bytes.len);
		fifo_drop(&conn->input.bytes, conn->input.bytes.len);
		fifo_drop(&conn->output.bytes, conn->output.bytes.len);
		conn->input.message_count = conn->output.message_count = 0;
	}
	vsock_note_gauges(vsock);
}

bool vsock_cid_valid(uint64_t cid)
{
	return cid > VSOCK_CID_HOST && cid < UINT32_MAX;
}

int vsock_set_cid(struct device *dev, uint64_t cid)
{
	struct vsock *vsock = vsock_of(dev);

	if (cid == vsock->guest_cid)
		return -EALREADY;
	if (!vsock_cid_valid(cid))
		return -EINVAL;
	device_config_changing(dev);
	vsock->guest_cid = cid;
	vsock_drop_all(vsock);
	/* One that waits says it for both. */
	if (device_started(dev->status) && !vsock->event_owed) {
		vsock->event_owed = true;
		vsock_count(vsock, VSOCK_EVENTS_QUEUED);
	}
	vsock_note_gauges(vsock);
	device_config_changed(dev);
	return 0;
}
