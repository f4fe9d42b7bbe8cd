/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a socket device sends (VIRTIO 5.10.6), judged by what it read on that flow.  See
 * ledger_flow.c.
 *
 * vsock.header: a packet has the address of this guest, an operation and a type that there
 * are, and a length that the driver finds in its buffer; and unless it asks for a connection
 * it is of one, or answers something.  RST may carry the type of what it answers.
 *
 * vsock.credit: RW has no more bytes than the guest's buf_alloc and fwd_cnt leave, of any
 * packet that the device read on that connection.  Of an older one too: what was sent when it
 * was the last may have waited since.  That ends when the device rests and has buffers
 * left: it had nothing to send any more.
 *
 * vsock.count: fwd_cnt counts bytes that the guest sent, so it never goes back, and is at
 * most what headers that the device read say, modulo 2^32.  A packet that was made before
 * another may be sent after it, so fwd_cnt is compared with what it was when the device last
 * rested and had buffers left: none waited then.  RST is not judged: it may be of a device
 * that knows of no connection.
 *
 * vsock.closed: nothing follows the device's own RST or, of bytes, its SHUTDOWN for sending.
 * Nor do bytes come once the device has read that the guest receives no more, rested, and
 * had buffers for all that was on its way.
 *
 * vsock.message: EOR marks the end of a record and so of a message (5.10.6.6.1): EOM is
 * there as well.
 *
 * vsock.answer, vsock.type, vsock.stray: judged at rest, where the device has buffers that it
 * saw and left, or has never looked for any, so that nothing keeps the answer back.  A host
 * that has not taken all bytes of the guest may keep a connection open, so the RST that ends
 * one is due when fwd_cnt says that it has.
 *
 * vsock.stuck: so is this.  A guest says how much it lets in with every packet (5.10.6.3), and the
 * least that the device may go by counts.  Of a device that is not ours nothing is asked: VIRTIO
 * does not say that it must not gather bytes, nor wait for more room.
 *
 * vsock.stray: VIRTIO says what answers a REQUEST, and nothing of other packets of no
 * connection: some devices drop them.  Our model answers them.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_vsock.h>

static void fault(struct ledger *l, enum rule rule, const struct ledger_hold *hold,
		  const struct ledger_packet *p, const char *what)
{
	if (ledger_judges(l, rule))
		ledger_break(l, rule,
			     "the chain of head %u gives the guest a packet from port %u to its "
			     "port %u of type %u, operation %u, flags 0x%x and length %u: %s",
			     hold->head, p->src_port, p->dst_port, p->type, p->op, p->flags, p->len,
			     what);
}

/* Of the header alone. */
static const char *header_fault(const struct ledger *l, const struct ledger_packet *p)
{
	bool rst = p->op == VIRTIO_VSOCK_OP_RST;

	if (p->src_cid >> 32 != 0)
		return "the upper half of src_cid is not 0";
	if (p->op == VIRTIO_VSOCK_OP_INVALID || p->op > VIRTIO_VSOCK_OP_CREDIT_REQUEST)
		return "there is no such operation";
	if (rst)
		return NULL;
	if (p->dst_cid >> 32 != 0)
		return "the upper half of dst_cid is not 0";
	if (l->socket.cid != 0 && p->dst_cid != l->socket.cid)
		return "dst_cid is not that of the guest";
	if (p->type != VIRTIO_VSOCK_TYPE_STREAM && p->type != VIRTIO_VSOCK_TYPE_SEQPACKET)
		return "there is no such type";
	if (p->type == VIRTIO_VSOCK_TYPE_SEQPACKET && l->session.features_known &&
	    (l->session.driver_features >> VIRTIO_VSOCK_F_SEQPACKET & 1) == 0)
		return "SEQPACKET was not negotiated";
	return NULL;
}

/* Of its flow, without a connection. */
static const char *stray_fault(const struct ledger_flow *f, const struct ledger_packet *p)
{
	if (f->stirred || p->op == VIRTIO_VSOCK_OP_REQUEST)
		return NULL;
	if (p->op == VIRTIO_VSOCK_OP_RST)
		return "it answers nothing, or RST";
	return "there is no such connection";
}

static const char *own_fault(const struct ledger_flow *f, const struct ledger_packet *p)
{
	/* REQUEST may be for another connection, of other CIDs. */
	if (p->op == VIRTIO_VSOCK_OP_RST || p->op == VIRTIO_VSOCK_OP_REQUEST)
		return NULL;
	if (p->type != f->type)
		return "the connection has the other type";
	if (p->dst_cid != f->guest_cid || p->src_cid != f->host_cid)
		return "the connection has other CIDs";
	if (p->op == VIRTIO_VSOCK_OP_RESPONSE && f->state != FLOW_ASKED)
		return "no REQUEST waits for a RESPONSE";
	if (p->op == VIRTIO_VSOCK_OP_RW && f->state == FLOW_ASKED)
		return "the connection was not accepted yet";
	return NULL;
}

static void judge_credit(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *f,
			 const struct ledger_packet *p)
{
	f->sent += p->len;
	if (f->credit_unsure || f->sent <= f->limit || !ledger_judges(l, RULE_VSOCK_CREDIT))
		return;
	ledger_break(l, RULE_VSOCK_CREDIT,
		     "the chain of head %u gives the guest %u bytes from port %u for its port %u: "
		     "%llu in all, and buf_alloc and fwd_cnt of what the device read allow %llu",
		     hold->head, p->len, p->src_port, p->dst_port, (unsigned long long)f->sent,
		     (unsigned long long)f->limit);
	f->credit_unsure = true;
}

static void judge_count(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *f,
			const struct ledger_packet *p)
{
	uint32_t more = p->fwd_cnt - (uint32_t)f->forwarded_rest;

	if (more <= f->received - f->forwarded_rest) {
		(void)ledger_judges(l, RULE_VSOCK_COUNT);
		if (f->forwarded_rest + more > f->forwarded)
			f->forwarded = f->forwarded_rest + more;
		f->room = f->forwarded_rest + more + p->buf_alloc;
		return;
	}
	if (ledger_judges(l, RULE_VSOCK_COUNT))
		ledger_break(l, RULE_VSOCK_COUNT,
			     "the chain of head %u gives the guest a packet from port %u to its "
			     "port %u with fwd_cnt %u: it was %llu, and the guest sent %llu bytes",
			     hold->head, p->src_port, p->dst_port, p->fwd_cnt,
			     (unsigned long long)f->forwarded, (unsigned long long)f->received);
}

static void judge_bytes(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *f,
			const struct ledger_packet *p)
{
	if (p->type == VIRTIO_VSOCK_TYPE_SEQPACKET && (p->flags & VIRTIO_VSOCK_SEQ_EOR) != 0 &&
	    (p->flags & VIRTIO_VSOCK_SEQ_EOM) == 0)
		fault(l, RULE_VSOCK_MESSAGE, hold, p, "a record ends, and its message does not");
	if ((f->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) != 0 && p->len > 0)
		fault(l, RULE_VSOCK_CLOSED, hold, p, "the device said that it sends no more");
	else if ((f->shut_heard & VIRTIO_VSOCK_SHUTDOWN_RCV) != 0 && p->len > 0)
		fault(l, RULE_VSOCK_CLOSED, hold, p,
		      "the guest said before that it receives no more");
	judge_credit(l, hold, f, p);
}

static void on_call(const struct ledger *l, struct ledger_flow *f, const struct ledger_packet *p)
{
	/* The same once more. */
	if (f->state == FLOW_CALLED && f->host_cid == (uint32_t)p->src_cid && f->type == p->type)
		return;
	if (f->stirred || f->state == FLOW_ASKED || f->state == FLOW_OPEN) {
		f->unsure = f->stirred = true;
		f->state = FLOW_NONE;
		f->owes &= OWES_TYPE;
		return;
	}
	ledger_flow_begin(f, FLOW_CALLED);
	f->excused = ledger_flow_was_ordered(l, f->host_port);
	f->type = p->type;
	f->types |= (uint8_t)(1u << p->type);
	f->guest_cid = (uint32_t)p->dst_cid;
	f->host_cid = (uint32_t)p->src_cid;
	f->room = p->buf_alloc;
	f->told_fwd = p->fwd_cnt;
	f->told_alloc = p->buf_alloc;
	f->stirred = true;
}

static void on_rst(struct ledger_flow *f)
{
	f->owes = 0;
	if (f->unsure)
		return;
	f->ended = ledger_flow_alive(f);
	f->state = FLOW_OVER;
}

/* A packet of a connection, that is no RST. */
static void on_own(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *f,
		   const struct ledger_packet *p)
{
	judge_count(l, hold, f, p);
	ledger_flow_counted(l, hold, f, p);
	if (p->op == VIRTIO_VSOCK_OP_RW)
		judge_bytes(l, hold, f, p);
	if (p->op == VIRTIO_VSOCK_OP_RESPONSE) {
		f->state = FLOW_OPEN;
		f->owes &= (uint8_t)~OWES_ANSWER;
	}
	if (p->op == VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		f->owes &= (uint8_t)~OWES_CREDIT;
	if (p->op == VIRTIO_VSOCK_OP_SHUTDOWN) {
		ledger_flow_shut(l, hold, f, p);
		f->host_shut |= (uint8_t)(p->flags & 3);
	}
	/* It may have been done when it read what asks for these. */
	if (f->host_shut == 3)
		f->owes &= (uint8_t) ~(OWES_CREDIT | OWES_END);
}

void ledger_flow_told(struct ledger *l, const struct ledger_hold *hold,
		      const struct ledger_packet *p)
{
	struct ledger_flow *f = ledger_flow_find(l, p->dst_port, p->src_port);
	const char *what = header_fault(l, p);
	bool connection;

	if (f == NULL)
		f = ledger_flow_add(l, p->dst_port, p->src_port);
	(void)ledger_judges(l, RULE_VSOCK_HEADER);
	if (what != NULL)
		fault(l, RULE_VSOCK_HEADER, hold, p, what);
	if (what != NULL || f == NULL)
		return;
	connection = ledger_flow_alive(f);
	if (f->unsure) {
		/* It may be a connection that began after the guest's RST. */
		if (p->op == VIRTIO_VSOCK_OP_RST)
			on_rst(f);
		else
			f->state = FLOW_NONE;
		return;
	}
	if (!connection && f->ended && p->op != VIRTIO_VSOCK_OP_RST &&
	    p->op != VIRTIO_VSOCK_OP_REQUEST) {
		fault(l, RULE_VSOCK_CLOSED, hold, p, "the device ended the connection by RST");
		return;
	}
	what = connection ? own_fault(f, p) : stray_fault(f, p);
	if (what != NULL) {
		fault(l, RULE_VSOCK_HEADER, hold, p, what);
		f->unsure = f->stirred = true;
		f->state = FLOW_NONE;
		f->owes = 0;
		return;
	}
	if (p->op == VIRTIO_VSOCK_OP_RST && connection)
		ledger_flow_ended(l, hold, f, p);
	if (p->op == VIRTIO_VSOCK_OP_RST)
		on_rst(f);
	else if (p->op == VIRTIO_VSOCK_OP_REQUEST)
		on_call(l, f, p);
	else if (connection)
		on_own(l, hold, f, p);
}

static const struct {
	uint8_t bit;
	const char *what;
} owed[] = {
	{ OWES_ANSWER, "neither RESPONSE nor RST to a REQUEST" },
	{ OWES_CREDIT, "no CREDIT_UPDATE to a CREDIT_REQUEST" },
	{ OWES_END, "no RST to a guest that neither sends nor receives any more" },
};

static void judge_owed(struct ledger *l, struct ledger_flow *f)
{
	uint8_t owes = f->owes;

	if ((owes & OWES_TYPE) != 0 && ledger_judges(l, RULE_VSOCK_TYPE))
		ledger_break(l, RULE_VSOCK_TYPE,
			     "the device rests, and sent no RST to a packet of unknown type from "
			     "port %u of the guest to port %u",
			     f->guest_port, f->host_port);
	if ((owes & OWES_STRAY) != 0 && ledger_judges(l, RULE_VSOCK_STRAY))
		ledger_break(l, RULE_VSOCK_STRAY,
			     "the device rests, and sent no RST to a packet of no connection, from "
			     "port %u of the guest to port %u",
			     f->guest_port, f->host_port);
	f->owes &= OWES_END;
	for (unsigned i = 0; i < sizeof(owed) / sizeof(owed[0]); i++) {
		if ((owes & owed[i].bit) == 0 || !ledger_judges(l, RULE_VSOCK_ANSWER))
			continue;
		if (owed[i].bit == OWES_END && (f->drained_unsure || f->received != f->forwarded))
			continue;
		ledger_break(l, RULE_VSOCK_ANSWER,
			     "the device rests, and sent %s, from port %u of the guest to port %u",
			     owed[i].what, f->guest_port, f->host_port);
	}
}

/* Are there bytes for the guest, and has it let some of them in? */
static void judge_waiting(struct ledger *l, const struct ledger_flow *f)
{
	uint32_t waiting;

	if (f->unsure || f->state != FLOW_OPEN || f->type != VIRTIO_VSOCK_TYPE_STREAM ||
	    f->guest_shut != 0 || f->credit_unsure || f->room_unsure)
		return;
	waiting = ledger_flow_bytes_waiting(l, f->host_port);
	if (waiting == 0 || !ledger_judges(l, RULE_VSOCK_STUCK) || f->sent >= f->limit_least)
		return;
	ledger_break(l, RULE_VSOCK_STUCK,
		     "the device rests with %u bytes for port %u of the guest from port %u, which "
		     "lets in %llu more",
		     waiting, f->guest_port, f->host_port,
		     (unsigned long long)(f->limit_least - f->sent));
}

void ledger_flow_owed(struct ledger *l)
{
	for (unsigned i = 0; i < l->socket.session.count; i++) {
		struct ledger_flow *f = &l->socket.session.flow[i];

		if (f->held == 0 && f->owes != 0)
			judge_owed(l, f);
		if (f->held > 0)
			continue;
		judge_waiting(l, f);
		ledger_flow_settled(l, f);
	}
}
