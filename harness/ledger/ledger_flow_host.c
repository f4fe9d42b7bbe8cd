/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What becomes of the flows of a socket device at the host's end (VIRTIO 5.10.6), as the
 * device's own contract has it (devices/vsock.h).  See ledger_flow.c.  VIRTIO asks for none of
 * it: a host may end a connection, leave bytes where they are and be waited for as it likes, so
 * all this is of our model alone.
 *
 * vsock.ended: RST comes to a connection that was there for a reason: the guest sent a packet
 * that is refused or may be, or has shut it down both ways and the host has all its bytes, as
 * the RST's own fwd_cnt says; the host was given an order, which may be to end it; or the
 * device has said that it neither sends nor receives any more.  A REQUEST may be refused.
 * Where memory or an access failed nothing is known of any flow.  A REQUEST is not refused
 * before the host was asked, unless there are many connections, or the host may have asked for one
 * there.
 *
 * vsock.ended, messages: a guest that is done waits until the host looked for its last message,
 * which may be empty.  See ledger_flow_messages.c.
 *
 * vsock.stuck, what the host takes: of streams it takes all there is, unless it has no room.
 * So where it took less than it wanted, no byte is left that the device read and gave back the
 * chain of.  Of what may have been ended, or dropped by an order, nothing is said; nor is it
 * where a port has messages, of which the host takes one, or where what is left may be divided
 * in more ways than one.
 *
 * vsock.stuck, credit.  Of a connection of which nobody gave a cause to end it, fwd_cnt of every
 * packet is what the host has taken by then, but for those that are sent while it takes: how much
 * that was is known afterwards.  At rest, with a buffer, the guest has been told of all of it,
 * unless it said that it sends no more; with bytes for a guest that lets in none, it was asked for
 * credit since it last let in some.  CREDIT_UPDATE that tells nothing new answers CREDIT_REQUEST:
 * others would take the buffers away from what has something to say.  So would SHUTDOWN that adds
 * nothing to what was said; and what was said is said again, since it holds.  How much the host
 * took is known as long as there is one way to divide what it took, and no byte is on its way.
 *
 * vsock.stuck, a host that is waited for: the model waits where answers have no buffers, and
 * for bytes of a connection that the guest has shut down both ways.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_vsock.h>

#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

void ledger_flow_ordered(struct ledger *l, unsigned port)
{
	struct ledger_socket_session *s = &l->socket.session;

	struct ledger_socket_port *p = &l->socket.port[port];

	for (unsigned i = 0; i < s->count; i++)
		if (s->flow[i].host_port == l->target->ports[port].socket_port)
			s->flow[i].excused = true;
	/* One that the host asked for, and the guest was not told of yet, may be dropped, or end.
	 */
	p->ordered = p->ordered || p->typed;
	p->in_lost = p->in_lost || (p->in_len > 0 && p->alive == 0);
}

unsigned ledger_flow_port(const struct ledger *l, uint32_t host_port)
{
	unsigned i = 0;

	while (i < l->target->port_count &&
	       (host_port == 0 || l->target->ports[i].socket_port != host_port))
		i++;
	return i;
}

static const struct ledger_socket_port *port_of(const struct ledger *l, uint32_t host_port)
{
	unsigned port = ledger_flow_port(l, host_port);

	return port < l->target->port_count ? &l->socket.port[port] : NULL;
}

bool ledger_flow_was_ordered(const struct ledger *l, uint32_t host_port)
{
	const struct ledger_socket_port *p = port_of(l, host_port);

	return p != NULL && p->ordered;
}

static void judge_refusal(struct ledger *l, const struct ledger_hold *hold,
			  const struct ledger_flow *f)
{
	const struct ledger_socket_port *p = port_of(l, f->host_port);

	/* Calls of what is behind it are known of those that tell of them. */
	if (f->held > 0 || f->excused || f->host_asked || (l->target->facts & FACT_BACKEND) == 0 ||
	    (p != NULL && p->typed) || !ledger_judges(l, RULE_VSOCK_ENDED))
		return;
	ledger_break(l, RULE_VSOCK_ENDED,
		     "the chain of head %u refuses a connection of port %u of the guest to port "
		     "%u, and the host was not asked",
		     hold->head, f->guest_port, f->host_port);
}

void ledger_flow_ended(struct ledger *l, const struct ledger_hold *hold,
		       const struct ledger_flow *f, const struct ledger_packet *p)
{
	bool done = f->guest_shut == SHUT_BOTH;

	if (f->state == FLOW_ASKED)
		judge_refusal(l, hold, f);
	if (done && f->untaken && f->held == 0 && !f->excused && f->host_shut == 0 &&
	    ledger_judges(l, RULE_VSOCK_ENDED))
		ledger_break(l, RULE_VSOCK_ENDED,
			     "the chain of head %u ends by RST the connection of port %u of the "
			     "guest to port %u, of which the host has not taken the last message",
			     hold->head, f->guest_port, f->host_port);

	/* One whose chain is not back yet may turn out to be longer than its chain. */
	if (f->held > 0 || f->excused || f->state == FLOW_ASKED || f->host_shut == SHUT_BOTH ||
	    (done && f->drained_unsure) || !ledger_judges(l, RULE_VSOCK_ENDED))
		return;
	if (!done)
		ledger_break(l, RULE_VSOCK_ENDED,
			     "the chain of head %u ends by RST the connection of port %u of the "
			     "guest to port %u, of which nobody sent a wrong packet or is done",
			     hold->head, f->guest_port, f->host_port);
	else if (p->fwd_cnt != (uint32_t)f->received)
		ledger_break(l, RULE_VSOCK_ENDED,
			     "the chain of head %u ends by RST the connection of port %u of the "
			     "guest to port %u with fwd_cnt %u, and the guest sent %llu bytes",
			     hold->head, f->guest_port, f->host_port, p->fwd_cnt,
			     (unsigned long long)f->received);
}

/* Is it known what the host finds of that flow? */
static bool is_sure(const struct ledger_flow *f)
{
	if (f->unsure || f->held > 0)
		return false;
	return !ledger_flow_alive(f) || (!f->excused && f->type == VIRTIO_VSOCK_TYPE_STREAM);
}

/* What it does to a connection may show before it has told what it took. */
void ledger_flow_taking(struct ledger *l, unsigned port)
{
	struct ledger_socket_session *s = &l->socket.session;
	struct ledger_socket_port *p = &l->socket.port[port];

	p->taking = p->sure = true;
	for (unsigned i = 0; i < s->count; i++) {
		if (s->flow[i].host_port != l->target->ports[port].socket_port)
			continue;
		p->sure = p->sure && is_sure(&s->flow[i]);
		s->flow[i].untaken = false;
	}
}

void ledger_flow_kept(struct ledger *l, unsigned port)
{
	const struct ledger_socket_session *s = &l->socket.session;
	const struct ledger_socket_port *p = &l->socket.port[port];
	uint32_t host_port = l->target->ports[port].socket_port, left = 0;

	if (s->lost || s->crowded || p->out_lost || p->reading_count != 1 || !p->sure)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		const struct ledger_flow *f = &s->flow[i];

		if (f->host_port != host_port)
			continue;
		if (!is_sure(f))
			return;
		if (f->state == FLOW_OPEN && f->line != LEDGER_LINES_MAX)
			left += p->line[f->line].len - p->reading[0].at[f->line];
	}
	if (ledger_judges(l, RULE_VSOCK_STUCK) && left > 0)
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the host took all that it found of port %u, and %u bytes of the "
			     "guest are left",
			     host_port, left);
}

void ledger_flow_awaited(struct ledger *l)
{
	const struct ledger_socket_session *s = &l->socket.session;

	for (unsigned i = 0; i < s->count; i++) {
		const struct ledger_flow *f = &s->flow[i];

		if (f->unsure || f->held > 0 ||
		    (ledger_flow_alive(f) && (f->excused || f->guest_shut == SHUT_BOTH)))
			return;
	}
	if (!s->crowded && ledger_judges(l, RULE_VSOCK_STUCK))
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the device rests and waits for the host, of which no connection "
			     "waits that the guest has shut down both ways");
}

/* How many of that connection's bytes has the host taken?  false: that is not known. */
static bool count_taken(const struct ledger *l, const struct ledger_flow *f, uint64_t *taken)
{
	const struct ledger_socket_session *s = &l->socket.session;
	const struct ledger_socket_port *p = port_of(l, f->host_port);

	if (p == NULL || s->lost || s->crowded || f->unsure || f->excused || f->held > 0 ||
	    p->out_lost || p->taking || p->reading_count != 1)
		return false;
	*taken = f->received;
	if (f->line != LEDGER_LINES_MAX)
		*taken -= p->line[f->line].len - p->reading[0].at[f->line];
	return true;
}

void ledger_flow_counted(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *f,
			 const struct ledger_packet *p)
{
	bool new = p->fwd_cnt != f->told_fwd || p->buf_alloc != f->told_alloc;
	uint64_t taken;

	f->told_fwd = p->fwd_cnt;
	f->told_alloc = p->buf_alloc;
	f->asked = f->asked || p->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	if (count_taken(l, f, &taken) && ledger_judges(l, RULE_VSOCK_STUCK) &&
	    p->fwd_cnt != (uint32_t)taken)
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the chain of head %u gives port %u of the guest a packet from port "
			     "%u with fwd_cnt %u, and the host has taken %llu bytes",
			     hold->head, f->guest_port, f->host_port, p->fwd_cnt,
			     (unsigned long long)taken);
	if (p->op != VIRTIO_VSOCK_OP_CREDIT_UPDATE || new || !ledger_judges(l, RULE_VSOCK_STUCK))
		return;
	if (f->asks == 0)
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the chain of head %u tells port %u of the guest of credit that it "
			     "was told of, from port %u, and it did not ask",
			     hold->head, f->guest_port, f->host_port);
	else
		f->asks--;
}

void ledger_flow_shut(struct ledger *l, const struct ledger_hold *hold, const struct ledger_flow *f,
		      const struct ledger_packet *p)
{
	uint32_t flags = p->flags & SHUT_BOTH;

	if (!ledger_judges(l, RULE_VSOCK_STUCK) ||
	    (flags != f->host_shut && (flags & f->host_shut) == f->host_shut))
		return;
	ledger_break(l, RULE_VSOCK_STUCK,
		     "the chain of head %u shuts down the connection of port %u of the guest to "
		     "port %u, flags 0x%x: it was told 0x%x before",
		     hold->head, f->guest_port, f->host_port, p->flags, f->host_shut);
}

void ledger_flow_settled(struct ledger *l, const struct ledger_flow *f)
{
	uint64_t taken;
	uint32_t waiting;

	if (f->state != FLOW_OPEN || !count_taken(l, f, &taken))
		return;
	if (!f->said_end && ledger_judges(l, RULE_VSOCK_STUCK) && f->told_fwd != (uint32_t)taken)
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the device rests, and told port %u of the guest fwd_cnt %u of port "
			     "%u, of which the host has taken %llu bytes",
			     f->guest_port, f->told_fwd, f->host_port, (unsigned long long)taken);
	waiting = ledger_flow_bytes_waiting(l, f->host_port);
	if (waiting == 0 || f->asked || f->guest_shut != 0 || f->credit_unsure || f->room_unsure ||
	    f->sent < f->limit_last || f->type != VIRTIO_VSOCK_TYPE_STREAM)
		return;
	if (ledger_judges(l, RULE_VSOCK_STUCK))
		ledger_break(l, RULE_VSOCK_STUCK,
			     "the device rests with %u bytes for port %u of the guest from port "
			     "%u, which lets in none and was not asked for credit",
			     waiting, f->guest_port, f->host_port);
}
