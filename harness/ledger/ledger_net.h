/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of a network device's packets: received (ledger_net.c,
 * ledger_net_offload.c), and sent (ledger_net_tunnel.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_NET_H
#define VRINGER_HARNESS_LEDGER_NET_H

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct ledger_digest;
struct ledger_frame;
struct target_stream;

#define LEDGER_HEAD_BYTES 42u /* of a packet: header and link layer */

struct ledger_net {
	uint16_t mtu; /* as the device was made; 0: there is none */
	/* A packet, while the device returns its chains. */
	uint16_t left; /* chains that are still to come */
	bool lost;     /* ... or not: not judged until the used index has moved */
	uint64_t bytes, bytes_max;
};

/* Of a chain. */
struct ledger_net_chain {
	uint64_t known;	   /* which of these bytes were written, a bit each */
	bool blind;	   /* ... nothing can be said of them */
	unsigned failures; /* writes to the chain that failed */
	uint8_t bytes[LEDGER_HEAD_BYTES];
};

/* As the device was made; 0: it has none. */
uint16_t ledger_net_mtu(const struct ledger *l);
/* Is what was negotiated known, and with it what a header is? */
bool ledger_net_was_negotiated(const struct ledger *l);

/* Flags of a packet to send that ask for a checksum: NEEDS_CSUM, and UDP_TUNNEL_CSUM, which is not
 * in every kernel's headers. */
#define LEDGER_NET_ASKS 0x09u

/* May a device refuse to send a packet with these in its header?  A driver that
 * negotiated nothing sets neither. */
bool ledger_net_may_refuse(const struct ledger *l, unsigned flags, unsigned gso_type);
/* What is wrong with the flags, gso_type and gso_size of a received packet, whose header begins
 * with these bytes, under the features that were negotiated; NULL: nothing. */
const char *ledger_net_offload_fault(const struct ledger *l, const uint8_t *head);
/* Why the device must not accept a packet that it read from a chain of that stream; NULL: there is
 * no cause, or not all of it is known. */
const char *ledger_net_send_fault(const struct ledger *l, const struct target_stream *desc,
				  const struct ledger_frame *frame);

/* A frame came out at `to`, whole, and is still among those of its stream. */
void ledger_net_sent(struct ledger *l, unsigned to, const struct ledger_digest *out);

/* Is that frame, which is to be received, beyond the MTU that was negotiated? */
bool ledger_net_is_oversize(const struct ledger *l, const uint8_t *frame, uint32_t len);

#endif
