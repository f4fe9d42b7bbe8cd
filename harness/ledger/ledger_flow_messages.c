/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Messages of a socket device's connections (VIRTIO 5.10.6.6), between the guest and the host:
 * where they end.  See ledger_flow_bytes.c, which follows their bytes.
 *
 * vsock.ended, messages.  The host takes one at a time (harness/models/model_vsock.c), so what it
 * takes at once goes past no end of one.  What it types at once is one, never of no bytes: RW
 * has some of its bytes, none of the next one's, and EOM with the last and no other.  That
 * is so of our model alone: VIRTIO does not say what a host means by what it types.
 *
 * An end beyond those that are kept makes the later ones unknown, until no byte waits.  Empty
 * messages of the guest end where there is nothing to tell them from the one before.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_vsock.h>
#include <string.h>

void ledger_ends_add(struct ledger_ends *ends, uint32_t at)
{
	if (at == 0 || ends->lost || (ends->count > 0 && ends->at[ends->count - 1] == at))
		return;
	if (ends->count == LEDGER_ENDS_MAX)
		ends->lost = true;
	else
		ends->at[ends->count++] = at;
}

void ledger_ends_drop(struct ledger_ends *ends, uint32_t gone, uint32_t left)
{
	unsigned over = 0;

	while (over < ends->count && ends->at[over] <= gone)
		over++;
	ends->count -= over;
	memmove(ends->at, ends->at + over, ends->count * sizeof(ends->at[0]));
	for (unsigned i = 0; i < ends->count; i++)
		ends->at[i] -= gone;
	if (left == 0)
		ends->lost = false;
}

void ledger_ends_cut(struct ledger_ends *ends, uint32_t left)
{
	while (ends->count > 0 && ends->at[ends->count - 1] > left)
		ends->count--;
}

static const char *carried_fault(const struct ledger_packet *p, const struct ledger_ends *ends)
{
	bool ends_here = ledger_packet_ends(p);

	if (ends->count == 0)
		return NULL;
	if (p->len > ends->at[0])
		return "a message ends before";
	if (p->len == ends->at[0] && !ends_here)
		return "a message ends there, and EOM is not set";
	if (p->len < ends->at[0] && ends_here)
		return "no message ends there, and EOM is set";
	return NULL;
}

void ledger_flow_carried(struct ledger *l, const struct ledger_hold *hold,
			 const struct ledger_packet *p, const struct ledger_ends *ends)
{
	const char *what;

	if (p->type != VIRTIO_VSOCK_TYPE_SEQPACKET || !ledger_judges(l, RULE_VSOCK_ENDED))
		return;
	what = p->len > 0 ? carried_fault(p, ends) : "no message of the host is empty";
	if (what != NULL)
		ledger_break(l, RULE_VSOCK_ENDED,
			     "the chain of head %u gives port %u of the guest %u bytes of messages "
			     "from port %u, flags 0x%x: %s",
			     hold->head, p->dst_port, p->len, p->src_port, p->flags, what);
}

void ledger_flow_joined(struct ledger *l, unsigned port)
{
	const struct ledger_socket_port *p = &l->socket.port[port];

	for (unsigned i = 0; i < LEDGER_LINES_MAX; i++) {
		const struct ledger_ends *ends = &p->line[i].ends;

		if (ends->count == 0 || !ledger_judges(l, RULE_VSOCK_ENDED) ||
		    p->reading[0].at[i] <= ends->at[0])
			continue;
		ledger_break(l, RULE_VSOCK_ENDED,
			     "the host took %u bytes of a connection to port %u at once, and a "
			     "message ends at %u",
			     p->reading[0].at[i], l->target->ports[port].socket_port, ends->at[0]);
	}
}
