/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packets to the guest, and events.
 *
 * Answers come first, in the order in which they were asked for; then connections take turns,
 * each with one packet.  What is to be said of a connection follows from its state, so it
 * waits without room of its own, and what was written to a chain counts once the chain was
 * returned.  A chain that fails in the middle is returned with length 0 and ends the drain:
 * the packet is tried again by a later call.
 *
 * Bytes are sent as far as the guest lets them in and one chain has room.
 *
 * VIRTIO 1.4, 5.10.6.3 (buffer space management), 5.10.6.4, 5.10.6.5, 5.10.6.7 (events).
 */
#include <endian.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "vsock_private.h"

/* What a connection has to say next. */
enum due {
	DUE_NOTHING,
	DUE_REQUEST,
	DUE_RST, /* and it is gone */
	DUE_SHUTDOWN,
	DUE_CREDIT_UPDATE,
	DUE_RW,
	DUE_CREDIT_REQUEST,
};

/* Of what the host shut down, what the guest is to be told now: that nothing more comes only
 * behind the last byte. */
static uint8_t shutdown_due(const struct vsock_connection *conn)
{
	uint8_t due = conn->host_shut & (uint8_t)~conn->told_shut;

	return conn->input.bytes.len > 0 ? due & (uint8_t)~VIRTIO_VSOCK_SHUTDOWN_SEND : due;
}

static enum due connected_due(const struct vsock_connection *conn)
{
	if (conn->guest_shut == VSOCK_SHUTDOWN_BOTH)
		return vsock_has_output(conn) ? DUE_NOTHING : DUE_RST;
	/* Whoever sends no more need not know of room. */
	if (vsock_fwd_cnt(conn) != conn->told && !(conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		return DUE_CREDIT_UPDATE;
	if (shutdown_due(conn))
		return DUE_SHUTDOWN;
	if (conn->input.bytes.len == 0)
		return DUE_NOTHING;
	if (vsock_credit(conn) > 0)
		return DUE_RW;
	return conn->asked ? DUE_NOTHING : DUE_CREDIT_REQUEST;
}

static enum due connection_due(const struct vsock_connection *conn)
{
	switch (conn->state) {
	case VSOCK_ASKING:
		return DUE_REQUEST;
	case VSOCK_CONNECTED:
		return connected_due(conn);
	case VSOCK_CLOSING:
		return shutdown_due(conn) ? DUE_SHUTDOWN : DUE_RST;
	case VSOCK_REQUESTED:
	case VSOCK_STATE_COUNT:
		break;
	}
	return DUE_NOTHING;
}

/* What is due by whose turn it is; *speaker: its index, if that is something. */
static enum due next_due(const struct vsock *vsock, unsigned *speaker)
{
	enum due due = DUE_NOTHING;

	for (unsigned i = 0; i < vsock->connection_count && due == DUE_NOTHING; i++) {
		*speaker = (vsock->turn + i) % vsock->connection_count;
		due = connection_due(&vsock->connections[*speaker]);
	}
	return due;
}

static void put_header(struct vsock *vsock, const struct vsock_flow *flow, uint16_t op,
		       uint32_t buf_alloc, uint32_t fwd_cnt)
{
	vsock->packet.header = (struct virtio_vsock_hdr){
		.src_cid = htole64(VSOCK_CID_HOST),
		.dst_cid = htole64(vsock->guest_cid),
		.src_port = htole32(flow->host_port),
		.dst_port = htole32(flow->guest_port),
		.type = htole16(flow->type),
		.op = htole16(op),
		.buf_alloc = htole32(buf_alloc),
		.fwd_cnt = htole32(fwd_cnt),
	};
}

/* As many bytes of what waits as the guest lets in and `room` takes; how many. */
static uint32_t put_bytes(struct vsock *vsock, const struct vsock_connection *conn, uint64_t room)
{
	const struct vsock_line *line = &conn->input;
	uint32_t len = vsock_line_ready(line), credit = vsock_credit(conn), done, piece;

	if (len > credit)
		len = credit;
	if (len > room)
		len = (uint32_t)room;
	for (done = 0; done < len; done += piece) {
		const uint8_t *from = fifo_head(&line->bytes, done, &piece);

		if (piece > len - done)
			piece = len - done;
		memcpy(vsock->packet.bytes + done, from, piece);
	}
	vsock->packet.header.len = htole32(len);
	if (line->message_count > 0 && len == line->messages[0].len)
		vsock->packet.header.flags = htole32(line->messages[0].flags);
	return len;
}

/* The packet in hand into a chain of that room, which is returned whatever happens; false: the
 * drain ends here and the packet was not sent. */
static bool send_packet(struct vsock *vsock, struct virtqueue_chain *chain, uint32_t len)
{
	struct chain_cursor at = { .buffer = vsock->buffers };

	if (chain_write(chain, &at, &vsock->packet, len) != len) {
		vsock_count(vsock, VSOCK_RX_WRITE_FAILED);
		vsock_push(vsock, chain, 0);
		return false;
	}
	if (!vsock_push(vsock, chain, len))
		return false;
	vsock_count(vsock, VSOCK_RX_PACKETS);
	return true;
}

static bool send_answer(struct vsock *vsock, struct virtqueue_chain *chain)
{
	const struct vsock_answer *answer = &vsock->answers[vsock->answer_first];
	struct vsock_connection *conn = NULL;
	uint32_t fwd_cnt = answer->fwd_cnt;

	if (answer->op != VIRTIO_VSOCK_OP_RST) {
		conn = vsock_connection(vsock, answer->flow.host_port, answer->flow.guest_port);
		fwd_cnt = vsock_fwd_cnt(conn);
	}
	put_header(vsock, &answer->flow, answer->op, answer->buf_alloc, fwd_cnt);
	if (!send_packet(vsock, chain, VSOCK_HEADER))
		return false;
	if (conn)
		conn->told = fwd_cnt;
	vsock->answer_first = (vsock->answer_first + 1) % VSOCK_ANSWERS_MAX;
	vsock->answer_count--;
	vsock_count(vsock, VSOCK_ANSWERS_SENT);
	return true;
}

/* What `conn` has to say was said, with `len` bytes. */
static void was_said(struct vsock *vsock, struct vsock_connection *conn, enum due due, uint32_t len)
{
	conn->told = vsock_fwd_cnt(conn);
	vsock->turn = (unsigned)(conn - vsock->connections + 1) % vsock->connection_count;
	if (due == DUE_REQUEST)
		conn->state = VSOCK_REQUESTED;
	if (due == DUE_SHUTDOWN)
		conn->told_shut |= shutdown_due(conn);
	if (due == DUE_CREDIT_REQUEST)
		conn->asked = true;
	if (due == DUE_RW) {
		conn->tx_cnt += len;
		fifo_drop(&conn->input.bytes, len);
		vsock_line_took(&conn->input, len);
		vsock_add(vsock, VSOCK_INPUT_DELIVERED, len);
	}
	if (due == DUE_RST)
		vsock_drop(vsock, conn);
}

static bool send_due(struct vsock *vsock, struct vsock_connection *conn, enum due due,
		     struct virtqueue_chain *chain, uint64_t room)
{
	static const uint16_t ops[] = {
		[DUE_REQUEST] = VIRTIO_VSOCK_OP_REQUEST,
		[DUE_RST] = VIRTIO_VSOCK_OP_RST,
		[DUE_SHUTDOWN] = VIRTIO_VSOCK_OP_SHUTDOWN,
		[DUE_CREDIT_UPDATE] = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
		[DUE_RW] = VIRTIO_VSOCK_OP_RW,
		[DUE_CREDIT_REQUEST] = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
	};
	uint32_t len = 0;

	put_header(vsock, &conn->flow, ops[due], VSOCK_BUFFER, vsock_fwd_cnt(conn));
	/* What was told once is said again: it holds. */
	if (due == DUE_SHUTDOWN)
		vsock->packet.header.flags =
			htole32((uint32_t)(conn->told_shut | shutdown_due(conn)));
	if (due == DUE_RW)
		len = put_bytes(vsock, conn, room - VSOCK_HEADER);
	if (!send_packet(vsock, chain, VSOCK_HEADER + len))
		return false;
	was_said(vsock, conn, due, len);
	return true;
}

/* What is next into a chain, which is returned whatever happens.  false: the drain ends. */
static bool fill_chain(struct vsock *vsock, struct virtqueue_chain *chain)
{
	enum due due = DUE_NOTHING;
	unsigned speaker = vsock->turn;
	uint64_t room;

	if (chain_collect(chain, true, vsock->buffers, &room)) {
		vsock_count(vsock, VSOCK_RX_CHAIN_INVALID);
		return vsock_push(vsock, chain, 0);
	}
	if (vsock->answer_count == 0)
		due = next_due(vsock, &speaker);
	if (room < VSOCK_HEADER + (due == DUE_RW)) {
		vsock_count(vsock, VSOCK_RX_SMALL);
		return vsock_push(vsock, chain, 0);
	}
	return due != DUE_NOTHING ? send_due(vsock, &vsock->connections[speaker], due, chain, room)
				  : send_answer(vsock, chain);
}

static bool has_packet(const struct vsock *vsock)
{
	unsigned speaker;

	return vsock->answer_count > 0 || next_due(vsock, &speaker) != DUE_NOTHING;
}

void vsock_drain_rx(struct vsock *vsock)
{
	struct virtqueue_chain chain;
	unsigned left = vsock->dev.queues[VSOCK_RX].size;

	for (; left > 0 && has_packet(vsock); left--)
		if (!vsock_pop(vsock, VSOCK_RX, &chain) || !fill_chain(vsock, &chain))
			return;
	if (left == 0)
		vsock_count(vsock, VSOCK_RX_CAPPED);
}

bool vsock_rx_goes_on(const struct vsock *vsock)
{
	return vsock_has_more(vsock, VSOCK_RX) && vsock_live(vsock, VSOCK_RX) && has_packet(vsock);
}

/* One is owed, and no more.  false: the drain ends. */
static bool send_event(struct vsock *vsock, struct virtqueue_chain *chain)
{
	const struct virtio_vsock_event event = {
		.id = htole32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET),
	};
	struct chain_cursor at = { .buffer = vsock->buffers };
	uint64_t room;

	if (chain_collect(chain, true, vsock->buffers, &room)) {
		vsock_count(vsock, VSOCK_EVENT_CHAIN_INVALID);
		return vsock_push(vsock, chain, 0);
	}
	if (room < sizeof(event)) {
		vsock_count(vsock, VSOCK_EVENT_SMALL);
		return vsock_push(vsock, chain, 0);
	}
	if (chain_write(chain, &at, &event, sizeof(event)) != sizeof(event)) {
		vsock_count(vsock, VSOCK_EVENT_WRITE_FAILED);
		vsock_push(vsock, chain, 0);
		return false;
	}
	if (!vsock_push(vsock, chain, sizeof(event)))
		return false;
	vsock->event_owed = false;
	vsock_count(vsock, VSOCK_EVENTS_SENT);
	return false;
}

void vsock_drain_event(struct vsock *vsock)
{
	struct virtqueue_chain chain;
	unsigned left = vsock->dev.queues[VSOCK_EVENT].size;

	for (; left > 0; left--)
		if (!vsock_pop(vsock, VSOCK_EVENT, &chain) || !send_event(vsock, &chain))
			return;
}

bool vsock_event_goes_on(const struct vsock *vsock)
{
	return vsock->event_owed && vsock_has_more(vsock, VSOCK_EVENT) &&
	       vsock_live(vsock, VSOCK_EVENT);
}
