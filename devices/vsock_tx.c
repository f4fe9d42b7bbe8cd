/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packets of the guest.
 *
 * The header is copied from the chain once, wherever the driver divided it, and only the copy
 * is looked at.  Each packet has at most one answer, for which there is room before its chain
 * is taken: so none is lost, and a driver that gives no buffers stops its own packets and
 * nothing else.
 *
 * VIRTIO 1.4, 5.10.6.1 (flow control), 5.10.6.4 (receive and transmit), 5.10.6.5 (streams),
 * 5.10.6.6 (messages).
 */
#include <endian.h>

#include <linux/virtio_config.h>

#include "table.h"
#include "vsock_private.h"

/* A packet in hand: its header, in host byte order, and where its bytes are. */
struct packet {
	struct vsock_flow flow;
	uint64_t from, to; /* CIDs */
	uint32_t len, flags, buf_alloc, fwd_cnt;
	uint16_t op;
	uint64_t there; /* bytes behind the header */
	const struct virtqueue_chain *chain;
	struct chain_cursor at;
};

/* Do what a packet of a connection asks for; false: it is wrong.  `conn` is NULL where there is
 * none. */
typedef bool on_packet(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet);

static void take_credit(struct vsock_connection *conn, const struct packet *packet)
{
	conn->peer_buf_alloc = packet->buf_alloc;
	conn->peer_fwd_cnt = packet->fwd_cnt;
	if (vsock_credit(conn) > 0)
		conn->asked = false;
}

static bool on_request(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet)
{
	/* Nobody is asked for what there is no room for. */
	if (vsock->connection_count == VSOCK_CONNECTIONS_MAX || !vsock->backend ||
	    !vsock->backend->accept(vsock->backend_ctx, &packet->flow))
		return false;
	conn = vsock_open(vsock, &packet->flow, VSOCK_CONNECTED);
	take_credit(conn, packet);
	vsock_answer(vsock, &packet->flow, VIRTIO_VSOCK_OP_RESPONSE, conn);
	return true;
}

static bool on_response(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet)
{
	(void)vsock;
	(void)packet;
	conn->state = VSOCK_CONNECTED;
	return true;
}

/* What was said once holds, whatever later packets say. */
static bool on_shutdown(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet)
{
	conn->guest_shut |= (uint8_t)(packet->flags & VSOCK_SHUTDOWN_BOTH);
	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		vsock_add(vsock, VSOCK_INPUT_DROPPED, conn->input.bytes.len);
		fifo_drop(&conn->input.bytes, conn->input.bytes.len);
		conn->input.message_count = 0;
	}
	return true;
}

/* Bytes that were checked to fit, behind those that are there; false: no memory, or they
 * cannot be read. */
static bool take_bytes(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet)
{
	struct fifo *bytes = &conn->output.bytes;
	uint32_t done, piece;

	if (fifo_reserve(bytes, packet->len)) {
		vsock_count(vsock, VSOCK_ALLOC_FAILURES);
		return false;
	}
	for (done = 0; done < packet->len; done += piece) {
		uint8_t *to = fifo_tail(bytes, done, &piece);

		if (piece > packet->len - done)
			piece = packet->len - done;
		if (chain_read(packet->chain, &packet->at, to, piece))
			return false;
	}
	fifo_commit(bytes, packet->len);
	conn->rx_cnt += packet->len;
	vsock_add(vsock, VSOCK_OUTPUT_BYTES, packet->len);
	return true;
}

static bool on_rw(struct vsock *vsock, struct vsock_connection *conn, struct packet *packet)
{
	bool ends = packet->flow.type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
		    (packet->flags & VIRTIO_VSOCK_SEQ_EOM);

	if ((conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    packet->len > fifo_room(&conn->output.bytes))
		return false;
	/* It was on its way when the host said that it receives no more. */
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		conn->rx_cnt += packet->len;
		vsock_add(vsock, VSOCK_OUTPUT_BYTES, packet->len);
		vsock_add(vsock, VSOCK_OUTPUT_DROPPED, packet->len);
		return true;
	}
	if (ends && conn->output.message_count == VSOCK_MESSAGES_MAX)
		return false;
	if (!take_bytes(vsock, conn, packet))
		return false;
	if (ends)
		vsock_line_end(&conn->output,
			       packet->flags & (VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR));
	return true;
}

/* That it says how much it lets in is all. */
static bool on_credit_update(struct vsock *vsock, struct vsock_connection *conn,
			     struct packet *packet)
{
	(void)vsock;
	(void)conn;
	(void)packet;
	return true;
}

static bool on_credit_request(struct vsock *vsock, struct vsock_connection *conn,
			      struct packet *packet)
{
	vsock_answer(vsock, &packet->flow, VIRTIO_VSOCK_OP_CREDIT_UPDATE, conn);
	return true;
}

#define OP_COUNT (VIRTIO_VSOCK_OP_CREDIT_REQUEST + 1)

/* By the state of the connection.  NULL: such a packet is not for now.  RST is not among
 * them: it is never wrong. */
static on_packet *const expected[VSOCK_STATE_COUNT][OP_COUNT] = {
	[VSOCK_REQUESTED] = { [VIRTIO_VSOCK_OP_RESPONSE] = on_response },
	[VSOCK_CONNECTED] = { [VIRTIO_VSOCK_OP_SHUTDOWN] = on_shutdown,
			      [VIRTIO_VSOCK_OP_RW] = on_rw,
			      [VIRTIO_VSOCK_OP_CREDIT_UPDATE] = on_credit_update,
			      [VIRTIO_VSOCK_OP_CREDIT_REQUEST] = on_credit_request },
	/* What was on its way when the host gave it up. */
	[VSOCK_CLOSING] = { [VIRTIO_VSOCK_OP_SHUTDOWN] = on_shutdown,
			    [VIRTIO_VSOCK_OP_RW] = on_rw,
			    [VIRTIO_VSOCK_OP_CREDIT_UPDATE] = on_credit_update,
			    [VIRTIO_VSOCK_OP_CREDIT_REQUEST] = on_credit_request },
};

static on_packet *who_expects(const struct vsock_connection *conn, const struct packet *packet)
{
	if (packet->op >= OP_COUNT)
		return NULL;
	if (conn)
		return expected[conn->state][packet->op];
	return packet->op == VIRTIO_VSOCK_OP_REQUEST ? on_request : NULL;
}

/* Is it right as far as that can be said without doing what it asks for? */
static bool well_formed(const struct vsock *vsock, const struct vsock_connection *conn,
			const struct packet *packet)
{
	return vsock_speaks(vsock->dev.features, packet->flow.type) &&
	       (!conn || conn->flow.type == packet->flow.type) && packet->len <= packet->there;
}

static void heed(struct vsock *vsock, struct packet *packet)
{
	struct vsock_connection *conn =
		vsock_connection(vsock, packet->flow.host_port, packet->flow.guest_port);
	on_packet *on = who_expects(conn, packet);

	if (packet->from != vsock->guest_cid || packet->to != VSOCK_CID_HOST) {
		vsock_count(vsock, VSOCK_TX_FOREIGN);
		return;
	}
	if (packet->op == VIRTIO_VSOCK_OP_RST) {
		vsock_count(vsock, conn ? VSOCK_TX_HEEDED : VSOCK_TX_IGNORED);
		if (conn)
			vsock_drop(vsock, conn);
		return;
	}
	if (on && well_formed(vsock, conn, packet)) {
		if (conn)
			take_credit(conn, packet);
		if (on(vsock, conn, packet)) {
			vsock_count(vsock, VSOCK_TX_HEEDED);
			return;
		}
	}
	vsock_count(vsock, VSOCK_TX_REFUSED);
	vsock_answer(vsock, &packet->flow, VIRTIO_VSOCK_OP_RST, conn);
	if (conn)
		vsock_drop(vsock, conn);
}

static void take_packet(struct vsock *vsock, struct virtqueue_chain *chain)
{
	struct packet packet = { .chain = chain, .at = { .buffer = vsock->buffers } };
	struct virtio_vsock_hdr header;
	uint64_t total;

	if (chain_collect(chain, false, vsock->buffers, &total)) {
		vsock_count(vsock, VSOCK_TX_CHAIN_INVALID);
		return;
	}
	if (total < VSOCK_HEADER) {
		vsock_count(vsock, VSOCK_TX_SHORT);
		return;
	}
	if (chain_read(chain, &packet.at, &header, VSOCK_HEADER)) {
		vsock_count(vsock, VSOCK_TX_CHAIN_INVALID);
		return;
	}
	vsock_count(vsock, VSOCK_TX_PACKETS);
	packet.there = total - VSOCK_HEADER;
	packet.from = le64toh(header.src_cid);
	packet.to = le64toh(header.dst_cid);
	packet.flow = (struct vsock_flow){ .host_port = le32toh(header.dst_port),
					   .guest_port = le32toh(header.src_port),
					   .type = le16toh(header.type) };
	packet.len = le32toh(header.len);
	packet.op = le16toh(header.op);
	packet.flags = le32toh(header.flags);
	packet.buf_alloc = le32toh(header.buf_alloc);
	packet.fwd_cnt = le32toh(header.fwd_cnt);
	heed(vsock, &packet);
}

static bool has_room(const struct vsock *vsock)
{
	return vsock->answer_count < VSOCK_ANSWERS_MAX;
}

void vsock_drain_tx(struct vsock *vsock)
{
	struct virtqueue_chain chain;
	unsigned left = vsock->dev.queues[VSOCK_TX].size;

	for (; left > 0 && has_room(vsock); left--) {
		if (!vsock_pop(vsock, VSOCK_TX, &chain))
			return;
		take_packet(vsock, &chain);
		vsock_push(vsock, &chain, 0);
	}
	vsock_count(vsock, left == 0 ? VSOCK_TX_CAPPED : VSOCK_TX_FULL);
}

bool vsock_tx_goes_on(const struct vsock *vsock)
{
	return vsock_has_more(vsock, VSOCK_TX) && vsock_live(vsock, VSOCK_TX) && has_room(vsock);
}

bool vsock_tx_waits(const struct vsock *vsock)
{
	return vsock_has_more(vsock, VSOCK_TX) && vsock_live(vsock, VSOCK_TX) && !has_room(vsock);
}
