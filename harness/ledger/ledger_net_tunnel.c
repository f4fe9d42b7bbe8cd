/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The headers with which a device must not accept a packet to send (VIRTIO 5.1.9.2.2).  See
 * ledger.h.
 *
 * net.tunnel: a frame that comes out was accepted.  VIRTIO 1.4 names what stands in the header of
 * one that must not be: both UDP tunnels; one of them without NEEDS_CSUM, with DATA_VALID or with
 * no segmentation; UDP_TUNNEL_CSUM without a tunnel.  No feature makes an exception for the first
 * two.  The last is a flag, and flags that a device does not know are to be ignored: it is judged
 * where the driver negotiated the flag's feature.  A device of an older VIRTIO may use these bits
 * for what it likes: the statement is newer, and what is broken of that is noted and fails nothing.
 * An offload that was not negotiated is the driver's mistake alone: no text bids the device to
 * refuse that packet, and nothing is said of it here; but our own models, which offer none, accept
 * no packet that asks for one (devices/net_frame.c).
 *
 * The header is what the device's own reads returned, once each, in order, of a chain that is
 * readable and that it read whole; what the guest makes of the memory is no matter.  A device that
 * reads any of it twice, or a part of the chain, may know better than the ledger.
 *
 * Which frame came out is told by its bytes, so each that equals it must be one that was not to be
 * accepted; where one cannot be told from it, is forgotten or was never seen, nothing is said.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

/* Not in every kernel's headers. */
#define F_HOST_UDP_TUNNEL_GSO_CSUM 68
#define GSO_TUNNELS 0x60u
#define FLAG_UDP_TUNNEL_CSUM 0x08u

/* What is wrong with a packet to send; NULL: nothing that this is about. */
static const char *tunnel_fault(const struct ledger *l, unsigned flags, unsigned gso)
{
	bool knows_sum =
		(l->session.driver_features_high >> (F_HOST_UDP_TUNNEL_GSO_CSUM - 64) & 1) != 0;
	unsigned tunnels = gso & GSO_TUNNELS;

	if (tunnels == 0)
		return knows_sum && (flags & FLAG_UDP_TUNNEL_CSUM) != 0
			       ? "UDP_TUNNEL_CSUM without a tunnel"
			       : NULL;
	if (tunnels == GSO_TUNNELS)
		return "tunnels over IPv4 and IPv6 at once";
	if ((flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return "a tunnel without NEEDS_CSUM";
	if ((flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
		return "a tunnel and DATA_VALID";
	return gso == tunnels ? "a tunnel without segmentation" : NULL;
}

/* ... to one of our own models. */
static const char *offload_fault(unsigned flags, unsigned gso)
{
	if (gso != VIRTIO_NET_HDR_GSO_NONE)
		return "segmentation, which was not negotiated";
	return (flags & LEDGER_NET_ASKS) != 0 ? "a checksum, which was not negotiated" : NULL;
}

const char *ledger_net_send_fault(const struct ledger *l, const struct target_stream *desc,
				  const struct ledger_frame *frame)
{
	const uint32_t header = sizeof(struct virtio_net_hdr_v1);

	if (l->target->device_id != VIRTIO_ID_NET || !frame->whole || desc->skip < header ||
	    frame->digest.at < desc->skip || !ledger_net_was_negotiated(l))
		return NULL;
	if (l->target->model)
		return offload_fault(frame->head[0], frame->head[1]);
	return tunnel_fault(l, frame->head[0], frame->head[1]);
}

void ledger_net_sent(struct ledger *l, unsigned to, const struct ledger_digest *out)
{
	const struct ledger_frame *found = NULL;

	for (unsigned i = 0; i < l->target->stream_count; i++) {
		struct ledger_stream *s = &l->streams.stream[i];

		if (l->target->streams[i].to != to)
			continue;
		if (s->session.unsure || s->session.passed != 0)
			return;
		for (unsigned n = 0; n < s->session.count; n++) {
			const struct ledger_frame *frame = ledger_stream_frame(s, n);

			if (!frame->digest.blind && !ledger_digest_equal(&frame->digest, out))
				continue;
			if (frame->digest.blind || frame->fault == NULL)
				return;
			found = frame;
		}
	}
	if (found != NULL && ledger_judges(l, RULE_NET_TUNNEL))
		ledger_break(l, RULE_NET_TUNNEL,
			     "the device passes on a frame of %u bytes that was sent with flags "
			     "0x%x and gso_type 0x%x: %s, so it must not accept it",
			     out->len, found->head[0], found->head[1], found->fault);
}
