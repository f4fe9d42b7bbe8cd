/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Dialogues with a socket device: packets that belong together, of a few connections, with
 * what the host does between them, and now and then a mistake in one of them.  A connection
 * has a state, so that few packets by themselves mean anything.  VIRTIO 1.4, 5.10.6.
 * See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <string.h>

enum { RX, TX, EVENT };

#define GUEST_CID 3u
#define HOST_CID 2u
#define STEPS_MAX 10u
#define BYTES_MAX 20u /* of a packet, in the slot that it comes in */

/* Steps of a dialogue: the packets that the guest sends, and what is not a packet. */
enum step {
	STEP_END, /* VIRTIO_VSOCK_OP_INVALID */
	STEP_REQUEST = VIRTIO_VSOCK_OP_REQUEST,
	STEP_RESPONSE = VIRTIO_VSOCK_OP_RESPONSE,
	STEP_RST = VIRTIO_VSOCK_OP_RST,
	STEP_SHUTDOWN = VIRTIO_VSOCK_OP_SHUTDOWN,
	STEP_RW = VIRTIO_VSOCK_OP_RW,
	STEP_UPDATE = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	STEP_ASK = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
	STEP_SHUT_BOTH, /* SHUTDOWN with both flags */
	STEP_FILL,	/* RW of about a page */
	STEP_TYPE,	/* the host sends bytes */
	STEP_TAKE,	/* the host takes what it was sent */
	STEP_REFUSE,	/* the host refuses or closes */
	STEP_ROOM,	/* a buffer for what the device has to say */
	STEP_EVENTS,	/* two for events */
	STEP_CONFIG,	/* the transport is reset */
	STEP_OTHER,	/* go on with another connection */
	STEP_SNAPSHOT,
	STEP_ANY,
};

static const uint8_t dialogues[][STEPS_MAX] = {
	{ STEP_ROOM, STEP_REQUEST, STEP_RW, STEP_TAKE, STEP_ASK },
	{ STEP_ROOM, STEP_REQUEST, STEP_RW, STEP_ASK, STEP_ROOM, STEP_SHUTDOWN, STEP_RW },
	{ STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_TYPE, STEP_UPDATE, STEP_ROOM, STEP_TYPE },
	{ STEP_ROOM, STEP_REQUEST, STEP_OTHER, STEP_ROOM, STEP_REQUEST, STEP_RW, STEP_OTHER,
	  STEP_ASK, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_OTHER, STEP_ROOM, STEP_REQUEST, STEP_TYPE, STEP_ROOM,
	  STEP_TYPE, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_SHUT_BOTH, STEP_ROOM, STEP_RW, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_SHUTDOWN, STEP_TYPE, STEP_RW, STEP_SHUTDOWN,
	  STEP_ROOM },
	{ STEP_ROOM, STEP_TYPE, STEP_RESPONSE, STEP_ROOM, STEP_TYPE, STEP_RW },
	{ STEP_TYPE, STEP_ROOM, STEP_RST, STEP_TYPE, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_RW, STEP_SNAPSHOT, STEP_RW, STEP_TAKE, STEP_ASK,
	  STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_CONFIG, STEP_RW, STEP_ROOM },
	{ STEP_REFUSE, STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_RW },
	{ STEP_REQUEST, STEP_ASK, STEP_ASK, STEP_SHUT_BOTH, STEP_ROOM, STEP_ROOM, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_FILL, STEP_RW, STEP_TAKE, STEP_RW, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_RST, STEP_RW, STEP_ROOM, STEP_REQUEST },
	{ STEP_ROOM, STEP_REQUEST, STEP_REQUEST, STEP_ROOM, STEP_RW, STEP_ROOM },
	{ STEP_EVENTS, STEP_CONFIG, STEP_ROOM, STEP_CONFIG },
	{ STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_RW, STEP_SHUT_BOTH, STEP_TAKE, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_ROOM, STEP_FILL, STEP_TAKE, STEP_ROOM },
	{ STEP_ROOM, STEP_REQUEST, STEP_OTHER, STEP_OTHER, STEP_OTHER, STEP_ROOM, STEP_REQUEST,
	  STEP_FILL, STEP_TAKE, STEP_ROOM },
	{ STEP_ROOM, STEP_ANY, STEP_ROOM },
};

/* A dialogue while it is written: where the next operation goes, and of which connection. */
struct dialogue {
	struct mutator *m;
	struct program *prog;
	uint32_t at;
	unsigned connection;
	uint16_t type;
};

/* Ports of connection n: the guest's, and that of a service, or of the host's own.  Three
 * connections have one port of the guest, which is the one that the host's client asks. */
static uint32_t port_of_guest(const struct dialogue *d)
{
	return 3000 + d->connection / 3;
}

static uint32_t port_of_host(const struct dialogue *d)
{
	static const uint16_t ports[] = { 1024, 1025, 2000 };

	return ports[d->connection % ARRAY_SIZE(ports)];
}

#define FIELD_AT(field) offsetof(struct virtio_vsock_hdr, field)
#define FIELD_LEN(field) sizeof(((struct virtio_vsock_hdr *)0)->field)
#define PUT_FIELD(bytes, field, value)                                                             \
	put_number((bytes) + FIELD_AT(field), (value), FIELD_LEN(field))

/* One mistake in a header. */
static void spoil_packet(struct mutator *m, uint8_t *bytes)
{
	static const uint32_t credits[] = { 0, 1, 16, 100, 0x7fffffff, 0x80000000, 0xfffffff0 };
	static const uint32_t lens[] = { 0, 1, 20, 21, 33, 4096, 0x10000, 0xffffffd4, 0xffffffff };
	static const uint32_t ports[] = { 0, 1024, 1025, 2000, 3000, 3001, 0x7777, 0xffffffff };
	static const uint64_t cids[] = { 0, 1, 2, 3, 4, 0xffffffff, 0x100000002, 0x100000003 };

	switch (random_below(m, 10)) {
	case 0:
		PUT_FIELD(bytes, src_cid, PICK(m, cids));
		break;
	case 1:
		PUT_FIELD(bytes, dst_cid, PICK(m, cids));
		break;
	case 2:
		PUT_FIELD(bytes, src_port, PICK(m, ports));
		break;
	case 3:
		PUT_FIELD(bytes, dst_port, PICK(m, ports));
		break;
	case 4:
		PUT_FIELD(bytes, len, PICK(m, lens));
		break;
	case 5:
		PUT_FIELD(bytes, type, random_below(m, 4));
		break;
	case 6:
		PUT_FIELD(bytes, op, random_below(m, 10));
		break;
	case 7:
		PUT_FIELD(bytes, buf_alloc, PICK(m, credits));
		break;
	case 8:
		PUT_FIELD(bytes, fwd_cnt, PICK(m, credits));
		break;
	default:
		PUT_FIELD(bytes, flags, random_below(m, 8));
		break;
	}
}

/* The packet's bytes: a whole page has the same, and what the page holds behind them. */
static size_t spell_packet(struct dialogue *d, unsigned step, uint8_t *bytes)
{
	static const uint16_t rooms[] = { 0, 1, 8, 64, 4096, 4096, 4096, 0xffff };
	static const uint8_t lens[] = { 0, 1, 4, 8, 16, 20, 20 };
	struct mutator *m = d->m;
	uint32_t len = 0, flags = 0;
	uint16_t op = step < STEP_SHUT_BOTH    ? (uint16_t)step
		      : step == STEP_SHUT_BOTH ? VIRTIO_VSOCK_OP_SHUTDOWN
					       : VIRTIO_VSOCK_OP_RW;

	if (step == STEP_RW)
		len = PICK(m, lens);
	if (step == STEP_FILL)
		len = 4096 - sizeof(struct virtio_vsock_hdr) - random_below(m, 2);
	if (op == VIRTIO_VSOCK_OP_RW && d->type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		flags = random_below(m, 4);
	if (step == STEP_SHUTDOWN)
		flags = 1 + random_below(m, 2);
	if (step == STEP_SHUT_BOTH)
		flags = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
	memset(bytes, 0, sizeof(struct virtio_vsock_hdr));
	PUT_FIELD(bytes, src_cid, GUEST_CID);
	PUT_FIELD(bytes, dst_cid, HOST_CID);
	PUT_FIELD(bytes, src_port, port_of_guest(d));
	PUT_FIELD(bytes, dst_port, port_of_host(d));
	PUT_FIELD(bytes, len, len);
	PUT_FIELD(bytes, type, d->type);
	PUT_FIELD(bytes, op, op);
	PUT_FIELD(bytes, flags, flags);
	PUT_FIELD(bytes, buf_alloc, PICK(m, rooms));
	if (random_chance(m, 4))
		PUT_FIELD(bytes, fwd_cnt, random_below(m, 64));
	if (random_chance(m, 6))
		spoil_packet(m, bytes);
	if (len > BYTES_MAX)
		len = BYTES_MAX;
	for (uint32_t i = 0; i < len; i++)
		bytes[sizeof(struct virtio_vsock_hdr) + i] = (uint8_t)(random_number(m) >> 32);
	return sizeof(struct virtio_vsock_hdr) + len;
}

static bool put_packet(struct dialogue *d, unsigned step)
{
	uint8_t bytes[sizeof(struct virtio_vsock_hdr) + BYTES_MAX];
	/* A small frame's slot, or a page. */
	uint8_t slot = step == STEP_FILL ? 4 : 1;
	size_t len = spell_packet(d, step, bytes);
	struct op *op = edit_put(d->prog, &d->at, OP_STORE);

	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = BASE_SLOT + slot;
	if (!edit_payload(d->m, d->prog, op, bytes, len))
		return false;
	op = edit_put(d->prog, &d->at, OP_SEND);
	if (op == NULL)
		return false;
	op->value[SEND_QUEUE] = TX;
	return edit_payload(d->m, d->prog, op, &slot, 1);
}

/* Room in receive buffers, several perhaps; of the event queue at times. */
static bool put_room(struct dialogue *d)
{
	static const uint8_t slots[] = { 11, 11, 11, 9, 13, 8, 10 };
	unsigned count = 1 + random_below(d->m, 3);

	while (count-- > 0) {
		uint8_t element = PICK(d->m, slots) | ELEMENT_WRITE;
		struct op *op = edit_put(d->prog, &d->at, OP_OFFER);

		if (op == NULL)
			return false;
		op->value[OFFER_QUEUE] = random_chance(d->m, 8) ? EVENT : RX;
		op->value[OFFER_HEAD] = random_below(d->m, 8);
		if (!edit_payload(d->m, d->prog, op, &element, 1))
			return false;
	}
	return random_chance(d->m, 2) || edit_put(d->prog, &d->at, OP_SETTLE) != NULL;
}

static bool put_events(struct dialogue *d)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t element = (uint8_t)(8 + i) | ELEMENT_WRITE;
		struct op *op = edit_put(d->prog, &d->at, OP_OFFER);

		if (op == NULL)
			return false;
		op->value[OFFER_QUEUE] = EVENT;
		op->value[OFFER_HEAD] = 2 * i;
		if (!edit_payload(d->m, d->prog, op, &element, 1))
			return false;
	}
	return true;
}

static bool put_notify_rx(struct dialogue *d)
{
	struct op *op = edit_put(d->prog, &d->at, OP_NOTIFY);

	if (op != NULL)
		op->value[NOTIFY_QUEUE] = RX;
	return op != NULL;
}

SAME_FIELD(TYPE_PORT, TAKE_OUTPUT_PORT);
SAME_FIELD(TYPE_PORT, REFUSE_PORT);

/* An act of the host at the port of this connection; what else it is, as any such is. */
static bool put_act(struct dialogue *d, uint8_t code)
{
	struct op *op = edit_put(d->prog, &d->at, code);

	if (op == NULL)
		return false;
	op_fresh(d->m, d->prog, op);
	if (code != OP_CHANGE_CONFIG && !random_chance(d->m, 8))
		op->value[TYPE_PORT] = d->connection % 3;
	if (code == OP_TYPE && random_chance(d->m, 2))
		op->value[TYPE_LEN] = 1 + random_below(d->m, 32);
	return true;
}

static bool put_step(struct dialogue *d, unsigned step)
{
	static const uint8_t acts[] = {
		[STEP_TYPE] = OP_TYPE,
		[STEP_TAKE] = OP_TAKE_OUTPUT,
		[STEP_REFUSE] = OP_REFUSE,
		[STEP_CONFIG] = OP_CHANGE_CONFIG,
	};
	uint32_t before = d->prog->op_count;
	bool done;

	if (step <= STEP_FILL)
		return put_packet(d, step);
	if (step == STEP_ROOM)
		return put_room(d) && put_notify_rx(d);
	if (step == STEP_EVENTS)
		return put_events(d);
	if (step < ARRAY_SIZE(acts) && acts[step] != OP_NOP)
		return put_act(d, acts[step]);
	if (step == STEP_OTHER) {
		d->connection = (d->connection + 1) % 4;
		return true;
	}
	done = step == STEP_SNAPSHOT ? add_snapshot(d->m, d->prog, d->at)
				     : add_any(d->m, d->prog, d->at);
	d->at += d->prog->op_count - before;
	return done;
}

bool aims_at_sockets(const struct mutator *m)
{
	return m->device_id == VIRTIO_ID_VSOCK && m->queue_count > EVENT;
}

bool add_dialogue(struct mutator *m, struct program *prog, uint32_t at)
{
	const uint8_t *steps = dialogues[random_below(m, ARRAY_SIZE(dialogues))];
	struct dialogue d = { .m = m, .prog = prog, .at = at };
	unsigned step;

	d.connection = random_below(m, 4);
	d.type = random_chance(m, 3) ? VIRTIO_VSOCK_TYPE_SEQPACKET : VIRTIO_VSOCK_TYPE_STREAM;
	/* One packet of a connection that there may be, or a whole dialogue. */
	if (random_chance(m, 3)) {
		step = 1 + random_below(m, STEP_OTHER - 1);
		return put_step(&d, step);
	}
	for (unsigned i = 0; i < STEPS_MAX && steps[i] != STEP_END; i++) {
		step = steps[i];
		if (random_chance(m, 16))
			step = 1 + random_below(m, STEP_ANY);
		if (!put_step(&d, step))
			return i > 0;
	}
	return true;
}
