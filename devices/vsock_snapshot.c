/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device's part of a snapshot.
 *
 *   u8  queues that may have chains which nobody has looked at, a bit each
 *   u32 guest_cid
 *   u8  an event is owed
 *   u16 answers that wait, oldest first, each
 *       u32 host port, u32 guest port, u16 type, u16 op, u32 buf_alloc, u32 fwd_cnt
 *   u8  connections, oldest first; u8 which one is next to send; each
 *       u32 host port, u32 guest port, u16 type, u8 state
 *       u8  what the guest shut down, u8 the host, u8 of that, what the guest was told
 *       u8  credit was asked for
 *       u32 buf_alloc and fwd_cnt of the guest, u32 bytes sent to it, u32 bytes from it,
 *       u32 fwd_cnt that it was told
 *       twice, output and input: u32 size, start and length of the buffer, the bytes,
 *       u8 messages, each u32 length, u8 flags
 *
 * Not in it: who listens.  That is the new device's.
 *
 * VIRTIO 1.4, 5.10.6.
 */
#include <errno.h>

#include "snapshot_codec.h"
#include "vsock_private.h"

#define SEQ_BOTH (VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR)

static void put_flow(struct snapshot_out *out, const struct vsock_flow *flow)
{
	snapshot_put(out, 4, flow->host_port);
	snapshot_put(out, 4, flow->guest_port);
	snapshot_put(out, 2, flow->type);
}

static void put_line(struct snapshot_out *out, const struct vsock_line *line)
{
	const struct fifo *bytes = &line->bytes;
	uint32_t done, piece;

	snapshot_put(out, 4, bytes->size);
	snapshot_put(out, 4, bytes->start);
	snapshot_put(out, 4, bytes->len);
	for (done = 0; done < bytes->len; done += piece) {
		const uint8_t *from = fifo_head(bytes, done, &piece);

		if (piece > bytes->len - done)
			piece = bytes->len - done;
		snapshot_put_bytes(out, from, piece);
	}
	snapshot_put(out, 1, line->message_count);
	for (unsigned i = 0; i < line->message_count; i++) {
		snapshot_put(out, 4, line->messages[i].len);
		snapshot_put(out, 1, line->messages[i].flags);
	}
}

static void put_connection(struct snapshot_out *out, const struct vsock_connection *conn)
{
	put_flow(out, &conn->flow);
	snapshot_put(out, 1, conn->state);
	snapshot_put(out, 1, conn->guest_shut);
	snapshot_put(out, 1, conn->host_shut);
	snapshot_put(out, 1, conn->told_shut);
	snapshot_put(out, 1, conn->asked);
	snapshot_put(out, 4, conn->peer_buf_alloc);
	snapshot_put(out, 4, conn->peer_fwd_cnt);
	snapshot_put(out, 4, conn->tx_cnt);
	snapshot_put(out, 4, conn->rx_cnt);
	snapshot_put(out, 4, conn->told);
	put_line(out, &conn->output);
	put_line(out, &conn->input);
}

void vsock_save(const struct device *dev, struct snapshot_out *out)
{
	const struct vsock *vsock = (const struct vsock *)dev;

	snapshot_put(out, 1, vsock->more);
	snapshot_put(out, 4, vsock->guest_cid);
	snapshot_put(out, 1, vsock->event_owed);
	snapshot_put(out, 2, vsock->answer_count);
	for (unsigned i = 0; i < vsock->answer_count; i++) {
		const struct vsock_answer *answer =
			&vsock->answers[(vsock->answer_first + i) % VSOCK_ANSWERS_MAX];

		put_flow(out, &answer->flow);
		snapshot_put(out, 2, answer->op);
		snapshot_put(out, 4, answer->buf_alloc);
		snapshot_put(out, 4, answer->fwd_cnt);
	}
	snapshot_put(out, 1, vsock->connection_count);
	snapshot_put(out, 1, vsock->turn);
	for (unsigned i = 0; i < vsock->connection_count; i++)
		put_connection(out, &vsock->connections[i]);
}

/* What was found in a snapshot, for what comes later in it. */
struct found {
	uint64_t features;
	uint32_t held, pending;
	unsigned answer_count, connection_count;
	/* Answers that need a connection, and the connections. */
	struct vsock_flow asked[VSOCK_ANSWERS_MAX], connected[VSOCK_CONNECTIONS_MAX];
	unsigned asked_count;
	size_t asked_at;
};

static struct vsock_flow get_flow(struct snapshot_in *in)
{
	struct vsock_flow flow;

	flow.host_port = (uint32_t)snapshot_get(in, 4);
	flow.guest_port = (uint32_t)snapshot_get(in, 4);
	flow.type = (uint16_t)snapshot_get(in, 2);
	return flow;
}

static void get_answer(struct vsock *vsock, unsigned i, struct found *found, struct snapshot_in *in)
{
	struct vsock_answer answer = { .flow = get_flow(in) };
	size_t at = in->at;

	answer.op = (uint16_t)snapshot_get(in, 2);
	answer.buf_alloc = (uint32_t)snapshot_get(in, 4);
	answer.fwd_cnt = (uint32_t)snapshot_get(in, 4);
	if (answer.op == VIRTIO_VSOCK_OP_RESPONSE || answer.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
		found->asked[found->asked_count++] = answer.flow;
		if (answer.buf_alloc != VSOCK_BUFFER)
			snapshot_bad(in, at, -EINVAL, "room that no connection has");
	} else if (answer.op != VIRTIO_VSOCK_OP_RST) {
		snapshot_bad(in, at, -EINVAL, "no answer");
	} else if (answer.buf_alloc != VSOCK_BUFFER && (answer.buf_alloc || answer.fwd_cnt)) {
		snapshot_bad(in, at, -EINVAL, "room that no connection has");
	}
	if (in->commit)
		vsock->answers[i] = answer;
}

/* Bytes and messages of one direction; how many bytes.  `none`: why there can be none, or NULL. */
static uint32_t get_line(struct vsock_line *line, uint16_t type, const char *none,
			 struct snapshot_in *in)
{
	size_t at = in->at;
	uint32_t size = (uint32_t)snapshot_get(in, 4);
	uint32_t start = (uint32_t)snapshot_get(in, 4);
	uint32_t len = (uint32_t)snapshot_get(in, 4), left = len;
	const struct fifo shape = { .limit = VSOCK_BUFFER };
	const uint8_t *bytes;
	unsigned count;

	if (!fifo_shape_possible(&shape, size, start, len))
		snapshot_bad(in, at, -EINVAL, "a buffer that a connection cannot have");
	if (len > 0 && none)
		snapshot_bad(in, at, -EINVAL, none);
	bytes = snapshot_get_bytes(in, len);
	if (in->commit && bytes && fifo_restore(&line->bytes, size, start, bytes, len))
		snapshot_bad(in, at, -ENOMEM, "no memory");
	count = (unsigned)snapshot_get_max(
		in, 1, type == VIRTIO_VSOCK_TYPE_SEQPACKET ? VSOCK_MESSAGES_MAX : 0,
		"messages that cannot be");
	for (unsigned i = 0; i < count && !in->err; i++) {
		uint32_t part =
			(uint32_t)snapshot_get_max(in, 4, left, "longer than what is there");
		uint8_t flags =
			(uint8_t)snapshot_get_max(in, 1, SEQ_BOTH, "flags that there are not");

		if (!(flags & VIRTIO_VSOCK_SEQ_EOM))
			snapshot_bad_last(in, "a message without an end");
		left -= part;
		if (in->commit)
			line->messages[i] = (struct vsock_message){ part, flags };
	}
	if (in->commit)
		line->message_count = count;
	return len;
}

/* Is there a connection of these ports, and with `typed` of that type? */
static bool is_connected(const struct found *found, const struct vsock_flow *flow, bool typed)
{
	for (unsigned i = 0; i < found->connection_count; i++)
		if (found->connected[i].host_port == flow->host_port &&
		    found->connected[i].guest_port == flow->guest_port &&
		    (!typed || found->connected[i].type == flow->type))
			return true;
	return false;
}

static void get_connection(struct vsock *vsock, struct found *found, struct snapshot_in *in)
{
	struct vsock_connection conn = { .state = VSOCK_CONNECTED }, *to = &conn;
	size_t at = in->at;

	conn.flow = get_flow(in);
	if (!vsock_speaks(found->features, conn.flow.type))
		snapshot_bad(in, at, -EINVAL, "a type that was not negotiated");
	if (is_connected(found, &conn.flow, false))
		snapshot_bad(in, at, -EINVAL, "a connection that comes twice");
	found->connected[found->connection_count++] = conn.flow;
	conn.state = (enum vsock_state)snapshot_get_max(in, 1, VSOCK_STATE_COUNT - 1,
							"a state that there is not");
	conn.guest_shut = (uint8_t)snapshot_get_max(
		in, 1, conn.state >= VSOCK_CONNECTED ? VSOCK_SHUTDOWN_BOTH : 0,
		"shut down, which it cannot be");
	conn.host_shut = (uint8_t)snapshot_get_max(in, 1, VSOCK_SHUTDOWN_BOTH,
						   "shut down, which it cannot be");
	if (conn.state == VSOCK_CLOSING && conn.host_shut != VSOCK_SHUTDOWN_BOTH)
		snapshot_bad_last(in, "closing, and not shut down");
	conn.told_shut =
		(uint8_t)snapshot_get_max(in, 1, conn.state >= VSOCK_CONNECTED ? conn.host_shut : 0,
					  "told of what was not shut down");
	if (conn.told_shut & (uint8_t)~conn.host_shut)
		snapshot_bad_last(in, "told of what was not shut down");
	conn.asked = snapshot_get_max(in, 1, 1, "neither asked nor not");
	conn.peer_buf_alloc = (uint32_t)snapshot_get(in, 4);
	conn.peer_fwd_cnt = (uint32_t)snapshot_get(in, 4);
	conn.tx_cnt = (uint32_t)snapshot_get(in, 4);
	conn.rx_cnt = (uint32_t)snapshot_get(in, 4);
	conn.told = (uint32_t)snapshot_get(in, 4);
	if (in->commit) {
		vsock_lines_init(&conn, vsock->dev.host);
		to = &vsock->connections[vsock->connection_count++];
		*to = conn;
	}
	/* Whom the guest has not answered it sent nothing; of one that is closing it is dropped. */
	found->held += get_line(&to->output, conn.flow.type,
				conn.state != VSOCK_CONNECTED
					? "bytes of the guest that it cannot have sent"
					: NULL,
				in);
	found->pending += get_line(&to->input, conn.flow.type,
				   conn.state == VSOCK_CLOSING ||
						   (conn.guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
					   ? "bytes for a guest that takes no more"
					   : NULL,
				   in);
}

/* As it was when new: what was taken over before memory ran out is given back. */
static void forget(struct vsock *vsock)
{
	for (unsigned i = 0; i < vsock->connection_count; i++) {
		fifo_release(&vsock->connections[i].output.bytes);
		fifo_release(&vsock->connections[i].input.bytes);
	}
	vsock->connection_count = vsock->turn = vsock->answer_count = 0;
}

static void get_answers(struct vsock *vsock, struct found *found, bool live, struct snapshot_in *in)
{
	found->asked_at = in->at;
	found->answer_count = (unsigned)snapshot_get_max(in, 2, live ? VSOCK_ANSWERS_MAX : 0,
							 "more answers than can wait");
	for (unsigned i = 0; i < found->answer_count && !in->err; i++)
		get_answer(vsock, i, found, in);
	if (in->commit) {
		vsock->answer_first = 0;
		vsock->answer_count = found->answer_count;
	}
}

static void get_connections(struct vsock *vsock, struct found *found, bool live,
			    struct snapshot_in *in)
{
	unsigned count = (unsigned)snapshot_get_max(in, 1, live ? VSOCK_CONNECTIONS_MAX : 0,
						    "more connections than there can be");
	unsigned turn =
		(unsigned)snapshot_get_max(in, 1, count ? count - 1 : 0, "the turn of nobody");

	for (unsigned i = 0; i < count && !in->err; i++)
		get_connection(vsock, found, in);
	if (in->commit)
		vsock->turn = turn;
	for (unsigned i = 0; i < found->asked_count; i++)
		if (!is_connected(found, &found->asked[i], true))
			snapshot_bad(in, found->asked_at, -EINVAL,
				     "an answer of a connection that there is not");
}

void vsock_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in)
{
	struct vsock *vsock = (struct vsock *)dev;
	const bool live = device_started(view->status);
	struct found found = { .features = view->features };
	uint64_t guest_cid;
	uint8_t more = (uint8_t)snapshot_get_max(in, 1, (1u << VSOCK_QUEUE_COUNT) - 1,
						 "queues that there are not");
	bool event_owed;

	if (!live && more != VSOCK_MORE_AT_FIRST)
		snapshot_bad_last(in, "queues that nobody has looked at");
	guest_cid = snapshot_get(in, 4);
	if (!vsock_cid_valid(guest_cid))
		snapshot_bad_last(in, "a CID that no guest has");
	event_owed = snapshot_get_max(in, 1, live, "an event that nobody waits for");
	get_answers(vsock, &found, live, in);
	get_connections(vsock, &found, live, in);
	snapshot_check_none_held(in, view, VSOCK_QUEUE_COUNT);
	snapshot_check_gauge(in, view, VSOCK_ANSWERS_WAITING, found.answer_count);
	snapshot_check_gauge(in, view, VSOCK_CONNECTIONS, found.connection_count);
	snapshot_check_gauge(in, view, VSOCK_OUTPUT_HELD, found.held);
	snapshot_check_gauge(in, view, VSOCK_INPUT_PENDING, found.pending);
	snapshot_check_gauge(in, view, VSOCK_EVENTS_WAITING, event_owed);
	if (!in->commit)
		return;
	if (in->err) {
		forget(vsock);
		return;
	}
	vsock->more = more;
	vsock->guest_cid = guest_cid;
	vsock->event_owed = event_owed;
}
