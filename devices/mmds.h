/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The metadata service's end of a network card: an interceptor (net.h) for frames
 * that a guest sends to 169.254.169.254, a link-local address that no network
 * beyond the host may see.
 *
 * It claims
 *   - frames to its MAC address, whatever is in them;
 *   - ARP for its IPv4 address;
 *   - IPv4 TCP to it,
 * behind up to two VLAN tags, and answers ARP requests.  There is no service
 * behind it: the rest of what it claims ends here.
 *
 * A packet that says that it is for the address is claimed even where its lengths
 * are wrong, or it is a fragment: a network that reads it more kindly must not get
 * it.  What is too short to say so is not claimed.
 *
 * RFC 826 (ARP), RFC 791 (IPv4), RFC 3927 (link-local addresses), IEEE 802.1Q.
 */
#ifndef VRINGER_DEVICES_MMDS_H
#define VRINGER_DEVICES_MMDS_H

#include "net.h"

#define MMDS_MAC                                                                                   \
	{                                                                                          \
		0x06, 0x01, 0x23, 0x45, 0x67, 0x01                                                 \
	}
#define MMDS_ADDRESS                                                                               \
	{                                                                                          \
		169, 254, 169, 254                                                                 \
	}
/* The longest answer: to an ARP request behind two VLAN tags. */
#define MMDS_REPLY_MAX (NET_LINK_MAX + 28u)

/* It has no state: `ctx` is not looked at. */
extern const struct net_interceptor mmds_interceptor;

#endif
