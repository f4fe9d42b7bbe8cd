/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The network device.  One frontend (transmit walk, header, receive delivery)
 * with personalities that say where a transmitted frame goes.
 *
 * net-loopback gives each frame back to the guest at once, into one receive
 * chain.
 *
 * VIRTIO 1.4, 5.1 (network device).
 */
#ifndef VRINGER_DEVICES_NET_H
#define VRINGER_DEVICES_NET_H

#include <linux/if_ether.h>
#include <linux/virtio_net.h>

#include "device.h"

enum net_queue { NET_RX, NET_TX, NET_QUEUE_COUNT };

#define NET_QUEUE_SIZE_MAX 256
#define NET_HEADER_SIZE ((uint32_t)sizeof(struct virtio_net_hdr_v1))
/* Ethernet header, two VLAN tags, and the largest IP packet. */
#define NET_FRAME_MAX ((uint32_t)(ETH_HLEN + 2 * 4 + 65535))
/* Locally administered: it belongs to no vendor. */
#define NET_MAC                                                                                    \
	{                                                                                          \
		0x52, 0x54, 0x00, 0x12, 0x34, 0x56                                                 \
	}

extern const struct device_ops net_loopback_ops;

#endif
