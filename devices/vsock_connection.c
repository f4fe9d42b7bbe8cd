/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device's connections, their bytes and credit, and the answers that wait.
 *
 * Connections are in the order of their age, and few: they are looked for one by one.
 * Ports identify one, since there is one CID at each end; its type does not (VIRTIO
 * 5.10.6.2).
 *
 * VIRTIO 1.4, 5.10.6.3 (buffer space management), 5.10.6.6 (messages).
 */
#include <string.h>

#include "vsock_private.h"

bool vsock_speaks(uint64_t features, uint16_t type)
{
	if (type == VIRTIO_VSOCK_TYPE_STREAM)
		/* Without any feature, and with SEQPACKET alone: VIRTIO 5.10.3.2. */
		return (features >> VSOCK_F_STREAM & 1) ||
		       !(features >> VSOCK_F_NO_IMPLIED_STREAM & 1);
	return type == VIRTIO_VSOCK_TYPE_SEQPACKET && (features >> VIRTIO_VSOCK_F_SEQPACKET & 1);
}

static bool same_ports(const struct vsock_flow *a, const struct vsock_flow *b)
{
	return a->host_port == b->host_port && a->guest_port == b->guest_port;
}

unsigned vsock_index_of(const struct vsock *vsock, uint32_t host_port, uint32_t guest_port)
{
	const struct vsock_flow flow = { .host_port = host_port, .guest_port = guest_port };
	unsigned i = 0;

	while (i < vsock->connection_count && !same_ports(&vsock->connections[i].flow, &flow))
		i++;
	return i;
}

struct vsock_connection *vsock_connection(struct vsock *vsock, uint32_t host_port,
					  uint32_t guest_port)
{
	unsigned i = vsock_index_of(vsock, host_port, guest_port);

	return i < vsock->connection_count ? &vsock->connections[i] : NULL;
}

void vsock_lines_init(struct vsock_connection *conn, const struct device_host *host)
{
	fifo_init(&conn->output.bytes, host, VSOCK_BUFFER);
	fifo_init(&conn->input.bytes, host, VSOCK_BUFFER);
}

struct vsock_connection *vsock_open(struct vsock *vsock, const struct vsock_flow *flow,
				    enum vsock_state state)
{
	struct vsock_connection *conn = &vsock->connections[vsock->connection_count];

	if (vsock->connection_count == VSOCK_CONNECTIONS_MAX)
		return NULL;
	memset(conn, 0, sizeof(*conn));
	conn->flow = *flow;
	conn->state = state;
	vsock_lines_init(conn, vsock->dev.host);
	vsock->connection_count++;
	vsock_count(vsock, VSOCK_OPENED);
	return conn;
}

/* Answers of that connection, which nobody is to have any more.  RST stays: it was asked
 * for. */
static void cancel_answers(struct vsock *vsock, const struct vsock_flow *flow)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < vsock->answer_count; i++) {
		const struct vsock_answer answer =
			vsock->answers[(vsock->answer_first + i) % VSOCK_ANSWERS_MAX];

		if (answer.op != VIRTIO_VSOCK_OP_RST && same_ports(&answer.flow, flow))
			vsock_count(vsock, VSOCK_ANSWERS_CANCELLED);
		else
			vsock->answers[(vsock->answer_first + kept++) % VSOCK_ANSWERS_MAX] = answer;
	}
	vsock->answer_count = kept;
}

void vsock_drop(struct vsock *vsock, struct vsock_connection *conn)
{
	unsigned at = (unsigned)(conn - vsock->connections);

	vsock_add(vsock, VSOCK_INPUT_DROPPED, conn->input.bytes.len);
	vsock_add(vsock, VSOCK_OUTPUT_DROPPED, conn->output.bytes.len);
	fifo_release(&conn->input.bytes);
	fifo_release(&conn->output.bytes);
	cancel_answers(vsock, &conn->flow);
	vsock->connection_count--;
	memmove(conn, conn + 1, (vsock->connection_count - at) * sizeof(*conn));
	if (at < vsock->turn)
		vsock->turn--;
	if (vsock->turn >= vsock->connection_count)
		vsock->turn = 0;
	vsock_count(vsock, VSOCK_CLOSED);
}

void vsock_drop_all(struct vsock *vsock)
{
	while (vsock->connection_count > 0)
		vsock_drop(vsock, &vsock->connections[vsock->connection_count - 1]);
	vsock_add(vsock, VSOCK_ANSWERS_CANCELLED, vsock->answer_count);
	vsock->answer_first = vsock->answer_count = 0;
}

void vsock_answer(struct vsock *vsock, const struct vsock_flow *flow, uint16_t op,
		  const struct vsock_connection *conn)
{
	unsigned at = (vsock->answer_first + vsock->answer_count++) % VSOCK_ANSWERS_MAX;

	vsock->answers[at] = (struct vsock_answer){
		.flow = *flow,
		.op = op,
		.buf_alloc = conn ? VSOCK_BUFFER : 0,
		.fwd_cnt = conn ? vsock_fwd_cnt(conn) : 0,
	};
	vsock_count(vsock, VSOCK_ANSWERS_QUEUED);
}

uint32_t vsock_fwd_cnt(const struct vsock_connection *conn)
{
	return conn->rx_cnt - conn->output.bytes.len;
}

bool vsock_has_output(const struct vsock_connection *conn)
{
	return conn->output.bytes.len > 0 || conn->output.message_count > 0;
}

uint32_t vsock_credit(const struct vsock_connection *conn)
{
	/* A guest that claims to have had more than it was sent is 2^32 behind. */
	uint32_t in_flight = conn->tx_cnt - conn->peer_fwd_cnt;

	return in_flight < conn->peer_buf_alloc ? conn->peer_buf_alloc - in_flight : 0;
}

uint32_t vsock_line_open(const struct vsock_line *line)
{
	uint32_t len = line->bytes.len;

	for (unsigned i = 0; i < line->message_count; i++)
		len -= line->messages[i].len;
	return len;
}

void vsock_line_end(struct vsock_line *line, uint32_t flags)
{
	uint32_t len = vsock_line_open(line);

	line->messages[line->message_count++] = (struct vsock_message){ len, (uint8_t)flags };
}

uint32_t vsock_line_ready(const struct vsock_line *line)
{
	return line->message_count > 0 ? line->messages[0].len : line->bytes.len;
}

uint32_t vsock_line_took(struct vsock_line *line, uint32_t len)
{
	uint32_t flags = line->messages[0].flags;

	if (line->message_count == 0)
		return 0;
	line->messages[0].len -= len;
	if (line->messages[0].len > 0)
		return 0;
	line->message_count--;
	memmove(line->messages, line->messages + 1,
		line->message_count * sizeof(line->messages[0]));
	return flags;
}
