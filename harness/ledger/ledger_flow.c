/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Flows of a socket device (VIRTIO 5.10.6.2), by the packets of the guest that the device
 * read: which connections there are, as the device can know it, how much credit it was
 * given, and what it owes.  See ledger_flow_out.c for what it sends.
 *
 * A flow is a pair of ports: some devices look at no more.  So a packet of the same ports
 * and other CIDs, or another type, makes of a flow one of which nothing is known; so does
 * whatever leaves to the device whether there is a connection afterwards: a second REQUEST,
 * one while answers to something before it may be on their way, a packet that is cut
 * short.  The guest's RST ends that, once the device has sent all that it had.
 *
 * What a device read it may act on at once, before it returns the chain, or never if the
 * chain is wrong.  So credit and bytes count from the header on, which only allows more,
 * and what is owed is asked for when the chain came back whole.
 *
 * A packet that its connection does not expect, or that says more than its operation needs, a
 * device may refuse or leave unheeded.  Such a one, and RW, which may be too long, takes no
 * credit back, shuts nothing down and asks for nothing.  Nor does one take credit back whose
 * fwd_cnt goes back: a device may keep the largest.  Whatever its operation, bytes behind a
 * header may count as received.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_vsock.h>

#define SHUT_BOTH ((uint32_t)(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND))
#define CID_HOST 2u
/* With so many on one connection a device may have no room for another. */
#define MESSAGES_SURE 32u
/* ... and with so many connections. */
#define CONNECTIONS_SURE 8u

struct ledger_flow *ledger_flow_find(struct ledger *l, uint32_t guest_port, uint32_t host_port)
{
	struct ledger_socket_session *s = &l->socket.session;

	for (unsigned i = 0; i < s->count; i++)
		if (s->flow[i].guest_port == guest_port && s->flow[i].host_port == host_port)
			return &s->flow[i];
	return NULL;
}

/* One that is over and quiet is as good as one that never was. */
static struct ledger_flow *find_free(struct ledger_socket_session *s)
{
	if (s->count < LEDGER_FLOWS_MAX)
		return &s->flow[s->count++];
	for (unsigned i = 0; i < s->count; i++) {
		const struct ledger_flow *f = &s->flow[i];

		if (!f->unsure && !f->stirred && f->held == 0 && f->owes == 0 &&
		    (f->state == FLOW_NONE || f->state == FLOW_OVER))
			return &s->flow[i];
	}
	s->crowded = true;
	return NULL;
}

struct ledger_flow *ledger_flow_add(struct ledger *l, uint32_t guest_port, uint32_t host_port)
{
	struct ledger_flow *f = find_free(&l->socket.session);

	if (f != NULL)
		/* It may be one of those that were not kept. */
		*f = (struct ledger_flow){ .guest_port = guest_port,
					   .host_port = host_port,
					   .unsure = l->socket.session.crowded };
	return f;
}

void ledger_flow_begin(struct ledger_flow *f, enum ledger_flow_state state)
{
	f->state = (uint8_t)state;
	f->guest_shut = f->host_shut = f->shut_heard = 0;
	f->ended = f->drained_unsure = f->credit_unsure = f->room_unsure = false;
	f->sent = f->limit = f->limit_last = f->limit_least = 0;
	f->received = f->forwarded = f->forwarded_rest = 0;
	f->peer_fwd = 0;
	f->room = 0;
	f->said_end = f->excused = false;
	f->messages = 0;
	f->line = LEDGER_LINES_MAX;
	f->told_fwd = f->told_alloc = f->asks = 0;
	f->asked = f->untaken = false;
	f->host_asked = true;
}

static void lose(struct ledger_flow *f)
{
	f->unsure = f->stirred = true;
	f->state = FLOW_NONE;
	f->owes &= OWES_TYPE;
}

/* VIRTIO 5.10.6.3: peer_free is what is left of buf_alloc.  Where the guest's numbers make
 * that wrap, everything is allowed by the letter, until it says something else. */
static void give_credit(struct ledger_flow *f, const struct ledger_packet *p, bool heeded)
{
	uint32_t in_flight = (uint32_t)f->sent - p->fwd_cnt;
	uint64_t limit =
		in_flight > p->buf_alloc ? UINT64_MAX : f->sent + (p->buf_alloc - in_flight);

	if (limit == UINT64_MAX)
		f->room_unsure = true;
	/* It may have more on its way than it is allowed now, for which that wraps. */
	if (limit < f->limit)
		f->credit_unsure = true;
	else
		f->limit = limit;
	if (heeded && limit != UINT64_MAX && limit > f->sent)
		f->asked = false;
	if (heeded && p->fwd_cnt - f->peer_fwd <= INT32_MAX) {
		f->peer_fwd = p->fwd_cnt;
		f->limit_last = f->limit_least = limit;
		return;
	}
	if (limit > f->limit_last)
		f->limit_last = limit;
	if (limit < f->limit_least)
		f->limit_least = limit;
}

/* Has its device room for another connection, for sure? */
static bool has_room(const struct ledger_socket_session *s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->count; i++)
		count += s->flow[i].unsure || ledger_flow_alive(&s->flow[i]);
	return !s->crowded && count < CONNECTIONS_SURE;
}

static void on_request(struct ledger *l, struct ledger_flow *f, const struct ledger_packet *p)
{
	if (ledger_flow_alive(f) || f->stirred) {
		lose(f);
		return;
	}
	ledger_flow_begin(f, FLOW_ASKED);
	f->host_asked = !has_room(&l->socket.session);
	f->call = l->call.number;
	f->backend_calls = l->call.backend;
	f->type = p->type;
	f->guest_cid = (uint32_t)p->src_cid;
	f->host_cid = (uint32_t)p->dst_cid;
	f->owes |= p->len == 0 ? OWES_ANSWER : 0;
	f->excused = p->len > 0;
	f->stirred = true;
	f->received = p->len;
	f->peer_fwd = p->fwd_cnt;
	give_credit(f, p, true);
}

/* Of a flow without a connection. */
static void on_stray(struct ledger_flow *f, const struct ledger_packet *p)
{
	if (p->op == VIRTIO_VSOCK_OP_RST)
		return;
	f->stirred = true;
	if (p->op > VIRTIO_VSOCK_OP_INVALID && p->op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST)
		f->owes |= OWES_STRAY;
}

/* Of a connection: can the device do nothing but heed it?  One that said that it neither sends
 * nor receives any more may wait for RST alone. */
static bool is_heeded(const struct ledger_flow *f, const struct ledger_packet *p)
{
	uint32_t flags = p->op == VIRTIO_VSOCK_OP_SHUTDOWN ? p->flags & ~SHUT_BOTH : p->flags;

	if (p->len > 0 || flags != 0 || f->host_shut == SHUT_BOTH)
		return false;
	if (p->op == VIRTIO_VSOCK_OP_RESPONSE)
		return f->state == FLOW_CALLED;
	return f->state == FLOW_OPEN &&
	       (p->op == VIRTIO_VSOCK_OP_SHUTDOWN || p->op == VIRTIO_VSOCK_OP_CREDIT_UPDATE ||
		p->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST);
}

/* Of RW, which counts as received: has its device no reason to end the connection?  It may keep
 * few messages. */
static bool is_welcome(struct ledger_flow *f, const struct ledger_packet *p)
{
	bool message = p->type == VIRTIO_VSOCK_TYPE_SEQPACKET;

	if (message && f->messages < MESSAGES_SURE)
		f->messages++;
	return p->op == VIRTIO_VSOCK_OP_RW && f->state == FLOW_OPEN && !f->said_end &&
	       f->received <= f->room && f->messages < MESSAGES_SURE;
}

static void on_own(struct ledger_flow *f, const struct ledger_packet *p)
{
	bool heeded = is_heeded(f, p);

	f->stirred = true;
	give_credit(f, p, heeded);
	f->received += p->len;
	f->excused = f->excused || !(heeded || is_welcome(f, p));
	f->drained_unsure = f->drained_unsure || (p->op == VIRTIO_VSOCK_OP_RW) == (p->len == 0);
	f->untaken = f->untaken || ledger_packet_ends(p);
	switch (p->op) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		if (heeded)
			f->state = FLOW_OPEN;
		return;
	case VIRTIO_VSOCK_OP_RST:
		f->state = FLOW_OVER;
		f->owes &= OWES_TYPE;
		return;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		f->said_end = f->said_end || (p->flags & VIRTIO_VSOCK_SHUTDOWN_SEND) != 0;
		f->guest_shut |= heeded ? p->flags & SHUT_BOTH : 0;
		if (heeded && f->guest_shut == SHUT_BOTH)
			f->owes |= OWES_END;
		return;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		f->owes |= heeded ? OWES_CREDIT : 0;
		f->asks++;
		return;
	default:
		return;
	}
}

static bool is_type(uint16_t type)
{
	return type == VIRTIO_VSOCK_TYPE_STREAM || type == VIRTIO_VSOCK_TYPE_SEQPACKET;
}

/* Is it a type that the device may take for unknown, or for one that it knows? */
static bool is_doubtful(const struct ledger *l, uint16_t type)
{
	uint64_t features = l->session.features_known ? l->session.driver_features : 0;

	if (type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		return (features >> VIRTIO_VSOCK_F_SEQPACKET & 1) == 0;
	/* Is a stream implied (5.10.3.2)? */
	return (features & 1) == 0;
}

/* May a device take it for somebody else's? */
static bool is_foreign(const struct ledger *l, const struct ledger_packet *p)
{
	return l->socket.cid == 0 || p->src_cid != l->socket.cid || p->dst_cid != CID_HOST;
}

/* Does it end whatever there is on that flow?  Some devices have one of each type there, and
 * of each CID. */
static bool ends_all(const struct ledger *l, const struct ledger_flow *f,
		     const struct ledger_packet *p)
{
	return p->op == VIRTIO_VSOCK_OP_RST && !l->socket.session.crowded &&
	       f->types == 1u << p->type;
}

static void on_packet(struct ledger *l, struct ledger_flow *f, const struct ledger_packet *p)
{
	bool foreign = is_foreign(l, p);

	if (!is_type(p->type)) {
		if (p->op != VIRTIO_VSOCK_OP_RST && !foreign)
			f->owes |= OWES_TYPE;
		lose(f);
		return;
	}
	f->types |= (uint8_t)(1u << p->type | foreign);
	if (foreign || is_doubtful(l, p->type) || (ledger_flow_alive(f) && f->type != p->type)) {
		lose(f);
		return;
	}
	if (f->unsure) {
		f->stirred = true;
		f->state = ends_all(l, f, p) ? FLOW_OVER : FLOW_NONE;
		return;
	}
	if (p->op == VIRTIO_VSOCK_OP_REQUEST)
		on_request(l, f, p);
	else if (ledger_flow_alive(f))
		on_own(f, p);
	else
		on_stray(f, p);
}

uint8_t ledger_flow_heard(struct ledger *l, const struct ledger_packet *p)
{
	struct ledger_flow *f = ledger_flow_find(l, p->src_port, p->dst_port);

	if (f == NULL)
		f = ledger_flow_add(l, p->src_port, p->dst_port);
	if (f == NULL)
		return LEDGER_FLOWS_MAX;
	f->held++;
	on_packet(l, f, p);
	return (uint8_t)(f - l->socket.session.flow);
}

void ledger_flow_returned(struct ledger *l, uint8_t flow, bool whole)
{
	struct ledger_flow *f;

	if (flow == LEDGER_FLOWS_MAX)
		return;
	f = &l->socket.session.flow[flow];
	f->held--;
	f->host_asked =
		f->host_asked || l->call.number != f->call || l->call.backend != f->backend_calls;
	if (whole)
		return;
	lose(f);
	f->state = FLOW_NONE;
	f->owes = 0;
	ledger_flow_bytes_look(l, f->host_port);
}

void ledger_flow_quiet(struct ledger *l)
{
	for (unsigned i = 0; i < l->socket.session.count; i++) {
		struct ledger_flow *f = &l->socket.session.flow[i];

		if (f->held > 0)
			continue;
		/* The guest's RST was the last that the device read. */
		if (f->unsure && f->state == FLOW_OVER)
			*f = (struct ledger_flow){ .guest_port = f->guest_port,
						   .host_port = f->host_port,
						   .state = FLOW_OVER,
						   .types = f->types };
		if (!f->unsure && !ledger_flow_alive(f))
			f->stirred = false;
		f->shut_heard = f->guest_shut;
		f->forwarded_rest = f->forwarded;
		if (f->credit_unsure && f->sent <= f->limit_least) {
			f->limit = f->limit_last;
			f->credit_unsure = false;
		}
	}
}
