/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a socket device of ours have saved this?
 *
 * It reads the format that devices/vsock_snapshot.c describes without that decoder, which it
 * checks.  It does not ask whether numbers of bytes could have come to be by packets: those of
 * a connection run free, modulo 2^32.
 *
 * VIRTIO 1.4, 5.10.6.
 */
#include "devices/virtio_1_4.h"
#include "devices/vsock.h"
#include "harness/models/models.h"
#include "harness/models/possible.h"

#include <linux/virtio_config.h>
#include <string.h>

#define BOTH 3u		  /* halves of a connection, and flags of a message */
#define RX_AND_EVENT 0x5u /* queues that nobody looked at before the device was started */

enum { ASKING, REQUESTED, CONNECTED, CLOSING };

struct flow {
	uint32_t host_port, guest_port;
	uint16_t type;
};

/* What was read before, for what refers to it. */
struct reading {
	struct own_part part;
	bool started;
	unsigned answers, connections;
	uint64_t output, input;
	/* Answers of a connection, and the connections. */
	struct flow answered[VSOCK_ANSWERS_MAX], connected[VSOCK_CONNECTIONS_MAX];
	unsigned answered_count;
};

static struct flow read_flow(struct reading *r)
{
	struct flow flow;

	flow.host_port = (uint32_t)own_part_get(&r->part, 4);
	flow.guest_port = (uint32_t)own_part_get(&r->part, 4);
	flow.type = (uint16_t)own_part_get(&r->part, 2);
	return flow;
}

/* A guest that accepted nothing has streams (5.10.3.2). */
static bool is_spoken(const struct reading *r, uint16_t type)
{
	uint64_t features = r->part.features;

	if (type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		return (features >> VIRTIO_VSOCK_F_SEQPACKET & 1) != 0;
	return type == VIRTIO_VSOCK_TYPE_STREAM &&
	       ((features >> VSOCK_F_STREAM & 1) != 0 ||
		(features >> VSOCK_F_NO_IMPLIED_STREAM & 1) == 0);
}

static void read_answer(struct reading *r)
{
	struct flow flow = read_flow(r);
	uint64_t op = own_part_get(&r->part, 2), buf_alloc, fwd_cnt;
	bool lives = op == VIRTIO_VSOCK_OP_RESPONSE || op == VIRTIO_VSOCK_OP_CREDIT_UPDATE;

	own_part_require(&r->part, lives || op == VIRTIO_VSOCK_OP_RST, "no answer");
	if (lives && r->answered_count < VSOCK_ANSWERS_MAX)
		r->answered[r->answered_count++] = flow;
	buf_alloc = own_part_get(&r->part, 4);
	own_part_require(&r->part, buf_alloc == VSOCK_BUFFER || (buf_alloc == 0 && !lives),
			 "a buffer that no connection has");
	fwd_cnt = own_part_get(&r->part, 4);
	own_part_require(&r->part, buf_alloc != 0 || fwd_cnt == 0,
			 "bytes taken from no connection");
}

/* The bytes that wait in one direction: how many. */
static uint32_t read_line(struct reading *r, uint16_t type)
{
	struct own_part *part = &r->part;
	uint64_t len = possible_fifo(part, VSOCK_BUFFER), left = len, count;

	count = own_part_get_max(part, 1, VSOCK_MESSAGES_MAX, "more messages than are kept");
	own_part_require(part, count == 0 || type == VIRTIO_VSOCK_TYPE_SEQPACKET,
			 "messages of a stream");
	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		left -= own_part_get_max(part, 4, left, "a message longer than what waits");
		own_part_get_max(part, 1, BOTH, "flags that there are not");
		own_part_require(part, (part->bytes[part->last] & VIRTIO_VSOCK_SEQ_EOM) != 0,
				 "a message without an end");
	}
	return (uint32_t)len;
}

static bool is_connected(const struct reading *r, const struct flow *flow, bool of_type)
{
	for (unsigned i = 0; i < r->connections; i++)
		if (r->connected[i].host_port == flow->host_port &&
		    r->connected[i].guest_port == flow->guest_port &&
		    (!of_type || r->connected[i].type == flow->type))
			return true;
	return false;
}

/* What either side shut down; the state. */
static unsigned read_state(struct reading *r, uint64_t *guest_shut)
{
	struct own_part *part = &r->part;
	unsigned state = (unsigned)own_part_get_max(part, 1, CLOSING, "a state that there is not");
	uint64_t host_shut, told;

	*guest_shut = own_part_get_max(part, 1, state >= CONNECTED ? BOTH : 0,
				       "shut down by a guest that cannot have done so");
	host_shut = own_part_get_max(part, 1, BOTH, "shut down in more than two directions");
	own_part_require(part, state != CLOSING || host_shut == BOTH, "closing, and not shut down");
	told = own_part_get(part, 1);
	own_part_require(part, (told & ~host_shut) == 0 && (told == 0 || state >= CONNECTED),
			 "the guest was told of what is not shut down");
	own_part_get_max(part, 1, 1, "neither asked for credit nor not");
	return state;
}

static void read_connection(struct reading *r)
{
	struct own_part *part = &r->part;
	struct flow flow = read_flow(r);
	uint64_t guest_shut;
	uint32_t output, input;
	unsigned state;

	own_part_require(part, is_spoken(r, flow.type), "a type that was not negotiated");
	own_part_require(part, !is_connected(r, &flow, false), "a connection that is there twice");
	r->connected[r->connections++] = flow;
	state = read_state(r, &guest_shut);
	/* What the guest said of its buffer and what passed: any numbers. */
	own_part_skip(part, 5 * 4);
	output = read_line(r, flow.type);
	own_part_require(part, output == 0 || state == CONNECTED,
			 "bytes of a guest that sent none, or that were dropped");
	input = read_line(r, flow.type);
	own_part_require(
		part,
		input == 0 || (state != CLOSING && (guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) == 0),
		"bytes for a guest that takes none");
	r->output += output;
	r->input += input;
}

static void read_connections(struct reading *r)
{
	struct own_part *part = &r->part;
	uint64_t count = own_part_get_max(part, 1, r->started ? VSOCK_CONNECTIONS_MAX : 0,
					  "more connections than there can be");

	own_part_get_max(part, 1, count > 0 ? count - 1 : 0, "the turn of nobody");
	for (uint64_t i = 0; i < count && part->what == NULL; i++)
		read_connection(r);
	for (unsigned i = 0; i < r->answered_count; i++)
		own_part_require(part, is_connected(r, &r->answered[i], true),
				 "an answer of a connection that there is not");
}

static void check_counters(struct reading *r, uint64_t event)
{
	const struct {
		const char *name;
		uint64_t value;
	} gauges[] = {
		{ "answers_waiting", r->answers }, { "connections", r->connections },
		{ "output_held", r->output },	   { "input_pending", r->input },
		{ "events_waiting", event },
	};

	for (size_t i = 0; i < MODEL_COUNT(gauges); i++)
		own_part_require_counter(&r->part, &vsock_target, gauges[i].name, gauges[i].value);
}

const char *vsock_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct reading r = { .answers = 0 };
	struct own_part *part = &r.part;
	uint64_t more, cid, event;

	if (!own_part_open(part, data, len, false))
		return NULL;
	r.started = own_part_started(part);
	more = own_part_get_max(part, 1, (1u << VSOCK_QUEUE_COUNT) - 1,
				"queues that there are not");
	own_part_require(part, r.started || more == RX_AND_EVENT,
			 "queues that nobody has looked at");
	cid = own_part_get(part, 4);
	own_part_require(part, cid > 2 && cid < UINT32_MAX, "a CID that no guest has");
	event = own_part_get_max(part, 1, r.started, "an event that nobody waits for");
	r.answers = (unsigned)own_part_get_max(part, 2, r.started ? VSOCK_ANSWERS_MAX : 0,
					       "more answers than can wait");
	for (unsigned i = 0; i < r.answers && part->what == NULL; i++)
		read_answer(&r);
	read_connections(&r);
	check_counters(&r, event);
	for (unsigned i = 0; i < part->queue_count; i++)
		own_part_require_held(part, i, 0);
	return own_part_close(part, at);
}
