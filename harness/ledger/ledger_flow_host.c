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
 * Where memory or an access failed nothing is known of any flow.
 *
 * vsock.stuck, what the host takes: of streams it takes all there is, unless it has no room.
 * So where it took less than it wanted, no byte is left that the device read and gave back the
 * chain of.  Of what may have been ended, or dropped by an order, nothing is said; nor is it
 * where a port has messages, of which the host takes one, or where what is left may be divided
 * in more ways than one.
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

	for (unsigned i = 0; i < s->count; i++)
		if (s->flow[i].host_port == l->target->ports[port].socket_port)
			s->flow[i].excused = true;
}

void ledger_flow_ended(struct ledger *l, const struct ledger_hold *hold,
		       const struct ledger_flow *f, const struct ledger_packet *p)
{
	bool done = f->guest_shut == SHUT_BOTH;

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

void ledger_flow_kept(struct ledger *l, unsigned port)
{
	const struct ledger_socket_session *s = &l->socket.session;
	const struct ledger_socket_port *p = &l->socket.port[port];
	uint32_t host_port = l->target->ports[port].socket_port, left = 0;

	if (s->lost || s->crowded || p->out_lost || p->reading_count != 1)
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
