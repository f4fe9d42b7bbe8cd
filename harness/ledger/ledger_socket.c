/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packets of a socket device (VIRTIO 5.10.6.4, struct virtio_vsock_hdr): what the device
 * itself read of chains of tx, and wrote to those of rx and event.  See ledger.h.  What they
 * mean is in ledger_flow.c and ledger_flow_out.c.
 *
 * A header is the bytes at the start of the chain, wherever its buffers lie: those that the
 * device read, each the same whenever it read it again, or those that it wrote last.  Memory
 * is never looked at.  A byte of which memory has another part in the chain is nobody's in
 * particular.
 *
 * vsock.event: an event is an id of 4 bytes, and there is one (5.10.6.7).
 *
 * Where a packet may have passed that is not known, nothing is said until the driver
 * resets the device: an access failed, memory ran out, a chain is not wholly known, was taken
 * twice, or was returned with a header of which the device read a part; a queue was reset;
 * the device was restored; the transport was reset.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>
#include <string.h>

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT, QUEUES };

#define HEAD LEDGER_PACKET_HEAD
#define EVENT ((uint32_t)sizeof(struct virtio_vsock_event))

_Static_assert(sizeof(struct virtio_vsock_hdr) == HEAD, "a header is kept");

#define AT(bytes, get, field) get((bytes) + offsetof(struct virtio_vsock_hdr, field))

static struct ledger_packet packet_of(const uint8_t *bytes)
{
	return (struct ledger_packet){
		.src_cid = AT(bytes, ledger_get64, src_cid),
		.dst_cid = AT(bytes, ledger_get64, dst_cid),
		.src_port = AT(bytes, ledger_get32, src_port),
		.dst_port = AT(bytes, ledger_get32, dst_port),
		.len = AT(bytes, ledger_get32, len),
		.type = AT(bytes, ledger_get16, type),
		.op = AT(bytes, ledger_get16, op),
		.flags = AT(bytes, ledger_get32, flags),
		.buf_alloc = AT(bytes, ledger_get32, buf_alloc),
		.fwd_cnt = AT(bytes, ledger_get32, fwd_cnt),
	};
}

static void lose(struct ledger *l)
{
	l->socket.session.lost = true;
	ledger_flow_bytes_lose(l);
}

static bool is_known(const struct ledger_socket_chain *c, uint32_t len)
{
	uint64_t wanted = (1ULL << len) - 1;

	return !c->blind && (c->known & wanted) == wanted;
}

/* Bytes at the start of the chain. */
static void keep(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	const struct ledger_node *node = &l->nodes[hold->cursor];
	struct ledger_socket_chain *c = &hold->socket;
	uint64_t at = node->offset + (a->addr - node->first);
	uint32_t len = a->len;

	if (a->addr >= node->first && at >= HEAD)
		return;
	if (a->data == NULL || hold->restarted ||
	    !ledger_hold_in_one(l, hold, a->addr, a->addr + (len - 1))) {
		c->blind = true;
		return;
	}
	if (len > HEAD - at)
		len = (uint32_t)(HEAD - at);
	for (uint32_t i = 0; i < len; i++) {
		bool again = (c->known >> (at + i) & 1) != 0;

		c->blind = c->blind || (!a->write && again && c->bytes[at + i] != a->data[i]);
		c->bytes[at + i] = a->data[i];
		c->known |= 1ULL << (at + i);
	}
}

/* Bytes behind the header, in the order in which they are moved. */
static void pass(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	const struct ledger_node *node = &l->nodes[hold->cursor];
	struct ledger_socket_chain *c = &hold->socket;
	uint64_t at = node->offset + (a->addr - node->first);
	uint32_t skip = a->addr >= node->first && at < HEAD ? (uint32_t)(HEAD - at) : 0;
	const uint8_t *bytes;

	if (a->len <= skip)
		return;
	c->torn = c->torn || a->data == NULL || hold->restarted ||
		  at + skip != HEAD + (uint64_t)c->body.len || (!a->write && !c->heard) ||
		  !ledger_hold_in_one(l, hold, a->addr, a->addr + (a->len - 1));
	if (c->torn)
		return;
	bytes = a->data + skip;
	if (!a->write && c->line != LEDGER_LINES_MAX)
		ledger_flow_bytes_read(l, packet_of(c->bytes).dst_port, c->line, bytes,
				       a->len - skip);
	if (a->write)
		ledger_digest_add(&c->body, bytes, a->len - skip);
	else
		c->body.len += a->len - skip;
}

/* The header of a packet of the guest's was read. */
static void hear(struct ledger *l, struct ledger_socket_chain *c)
{
	struct ledger_packet packet = packet_of(c->bytes);

	c->heard = true;
	c->flow = ledger_flow_heard(l, &packet);
	c->line = ledger_flow_bytes_heard(l, c->flow, &packet);
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	struct ledger_socket_chain *c = &hold->socket;

	if (a->why.queue >= QUEUES)
		return;
	if (a->err != 0 || (c->heard && hold->restarted)) {
		lose(l);
		return;
	}
	keep(l, hold, a);
	if (a->write != (a->why.queue == QUEUE_RX) || a->why.queue == QUEUE_EVENT)
		return;
	if (a->write) {
		pass(l, hold, a);
		return;
	}
	if (c->blind)
		lose(l);
	if (l->socket.session.lost)
		return;
	if (!c->heard && is_known(c, HEAD))
		hear(l, c);
	pass(l, hold, a);
	if (c->torn && c->heard)
		ledger_flow_bytes_torn(l, packet_of(c->bytes).dst_port);
}

/* A chain of the guest's comes back. */
static void on_sent(struct ledger *l, const struct ledger_hold *hold)
{
	const struct ledger_socket_chain *c = &hold->socket;
	bool readable = ledger_hold_kinds(l, hold) == CHAIN_READABLE;

	if (hold->blind || hold->restarted || hold->strayed || c->blind ||
	    (!c->heard && c->known != 0 && hold->readable >= HEAD))
		lose(l);
	else if (c->heard)
		ledger_flow_returned(l, c->flow,
				     readable && packet_of(c->bytes).len <= hold->readable - HEAD);
}

static void on_received(struct ledger *l, const struct ledger_hold *hold, uint32_t len)
{
	const struct ledger_socket_chain *c = &hold->socket;
	struct ledger_packet packet;

	if (hold->blind || hold->restarted || hold->strayed) {
		lose(l);
		return;
	}
	/* It carries nothing. */
	if (len == 0)
		return;
	if (len < HEAD && ledger_judges(l, RULE_VSOCK_HEADER))
		ledger_break(l, RULE_VSOCK_HEADER,
			     "the chain of head %u gives the guest %u bytes, which is no packet",
			     hold->head, len);
	if (len < HEAD || !is_known(c, HEAD)) {
		lose(l);
		return;
	}
	packet = packet_of(c->bytes);
	if (packet.len > len - HEAD && ledger_judges(l, RULE_VSOCK_HEADER))
		ledger_break(l, RULE_VSOCK_HEADER,
			     "the chain of head %u gives the guest %u bytes behind a header that "
			     "says %u",
			     hold->head, len - HEAD, packet.len);
	ledger_flow_told(l, hold, &packet);
	ledger_flow_bytes_given(l, hold, &packet);
}

static void on_event(struct ledger *l, const struct ledger_hold *hold, uint32_t len)
{
	uint32_t id;

	if (len == 0)
		return;
	/* There are no connections any more. */
	lose(l);
	if (hold->blind || hold->restarted || hold->strayed || hold->socket.blind ||
	    !ledger_judges(l, RULE_VSOCK_EVENT))
		return;
	if (len < EVENT) {
		ledger_break(l, RULE_VSOCK_EVENT,
			     "the chain of head %u returns an event of %u bytes", hold->head, len);
		return;
	}
	id = ledger_get32(hold->socket.bytes);
	if (is_known(&hold->socket, EVENT) && id != VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)
		ledger_break(l, RULE_VSOCK_EVENT,
			     "the chain of head %u returns an event of id %u, which there is not",
			     hold->head, id);
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	if (queue >= QUEUES)
		return;
	if (hold == NULL || ledger_starved(l))
		lose(l);
	if (hold != NULL && queue == QUEUE_EVENT)
		on_event(l, hold, len);
	if (l->socket.session.lost || hold == NULL || queue == QUEUE_EVENT)
		return;
	if (queue == QUEUE_TX)
		on_sent(l, hold);
	else
		on_received(l, hold, len);
}

static void on_moved(struct ledger *l, unsigned queue, bool lost)
{
	if (lost && queue < QUEUES)
		lose(l);
}

static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	(void)hold;
	(void)write;
	if (queue < QUEUES)
		lose(l);
}

static void on_failed(struct ledger *l, unsigned queue)
{
	if (queue < QUEUES)
		lose(l);
}

static void on_called(struct ledger *l)
{
	if (ledger_starved(l) || l->queues[QUEUE_RX].was_stopped || l->queues[QUEUE_TX].was_stopped)
		lose(l);
}

static bool is_socket(const struct ledger *l, unsigned port)
{
	return port < l->target->port_count && l->target->ports[port].socket_port != 0;
}

/* The guest's CID changes with what else there is. */
static void on_host_begin(struct ledger *l, enum host_act act, unsigned port, const void *data,
			  uint32_t len)
{
	if (act == HOST_TYPE && is_socket(l, port))
		ledger_flow_bytes_typed(l, port, data, len);
	if (act == HOST_TAKE && is_socket(l, port))
		ledger_flow_taking(l, port);
	if (act != HOST_CHANGE_CONFIG)
		return;
	lose(l);
	l->socket.cid = 0;
}

static void on_host_end(struct ledger *l, enum host_act act, unsigned port, const void *data,
			uint32_t len, uint32_t moved)
{
	if (!is_socket(l, port))
		return;
	if (act == HOST_TYPE)
		ledger_flow_bytes_refused(l, port, len - moved);
	else if (act == HOST_TAKE)
		ledger_flow_bytes_taken(l, port, data, moved, len);
	l->socket.port[port].taking = false;
}

static void on_ordered(struct ledger *l, unsigned port)
{
	if (is_socket(l, port))
		ledger_flow_ordered(l, port);
}

/* Does the device know of a buffer that it has no use for, or never asked for one? */
static bool has_room(const struct ledger *l)
{
	const struct ledger_queue *q = &l->queues[QUEUE_RX];

	if (!q->work.ready || !q->known || ledger_queue_is_left(l, q) ||
	    ledger_used_ring_wraps(q) || q->avail > UINT64_MAX - 3)
		return false;
	return !q->work.index_seen || q->work.notified || q->work.avail_idx != q->taken;
}

static void on_rest(struct ledger *l, const void *device, bool excused)
{
	(void)device;
	if (l->device.waiting && !l->socket.session.lost && !l->queues[QUEUE_TX].work.poisoned &&
	    has_room(l))
		ledger_flow_awaited(l);
	if (excused || l->socket.session.lost || l->queues[QUEUE_TX].work.poisoned || !has_room(l))
		return;
	ledger_flow_owed(l);
	ledger_flow_quiet(l);
}

static void on_reset(struct ledger *l)
{
	l->socket.session.lost = l->socket.session.crowded = false;
	l->socket.session.count = 0;
	ledger_flow_bytes_reset(l);
}

static void on_renew(struct ledger *l)
{
	l->socket.cid = 0;
	on_reset(l);
	ledger_flow_bytes_renew(l);
}

static void on_lost(struct ledger *l, unsigned queue)
{
	if (queue < QUEUES)
		lose(l);
}

/* The bytes need not be cleared. */
static void on_taken(struct ledger_hold *hold)
{
	hold->socket.known = 0;
	hold->socket.blind = hold->socket.heard = hold->socket.torn = false;
	hold->socket.line = LEDGER_LINES_MAX;
	hold->socket.body = (struct ledger_digest){ .len = 0 };
}

static void on_retaken(struct ledger_hold *hold)
{
	hold->socket.blind = true;
}

static bool applies(const struct target *target)
{
	return target->device_id == VIRTIO_ID_VSOCK;
}

const struct follower socket_follower = {
	.applies = applies,
	.open = ledger_flow_bytes_open,
	.close = ledger_flow_bytes_close,
	.renew = on_renew,
	.reset = on_reset,
	.forget = lose,
	.taken = on_taken,
	.retaken = on_retaken,
	.accessed = on_access,
	.unknown = on_unknown,
	.failed = on_failed,
	.returned = on_returned,
	.moved = on_moved,
	.lost = on_lost,
	.host_begin = on_host_begin,
	.host_end = on_host_end,
	.ordered = on_ordered,
	.called = on_called,
	.rest = on_rest,
};
