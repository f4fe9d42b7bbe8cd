/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of received packets, of a network device (ledger_net.c,
 * ledger_net_offload.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_NET_H
#define VRINGER_HARNESS_LEDGER_NET_H

#include <stdbool.h>
#include <stdint.h>

struct ledger;

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
	uint64_t known; /* which of these bytes were written, a bit each */
	bool blind;	/* ... nothing can be said of them */
	uint8_t bytes[LEDGER_HEAD_BYTES];
};

/* As the device was made; 0: it has none. */
uint16_t ledger_net_mtu(const struct ledger *l);
/* May a device refuse to send a packet with these in its header?  A driver that
 * negotiated nothing sets neither. */
bool ledger_net_may_refuse(const struct ledger *l, unsigned flags, unsigned gso_type);
/* What is wrong with the flags, gso_type and gso_size of a received packet, whose header begins
 * with these bytes, under the features that were negotiated; NULL: nothing. */
const char *ledger_net_offload_fault(const struct ledger *l, const uint8_t *head);
/* Is that frame, which is to be received, beyond the MTU that was negotiated? */
bool ledger_net_is_oversize(const struct ledger *l, const uint8_t *frame, uint32_t len);

#endif
