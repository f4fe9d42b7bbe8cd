/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The network device.  One frontend (transmit walk, header, receive delivery)
 * with personalities that say where a transmitted frame goes and where received
 * ones come from.
 *
 * net-loopback gives each frame back to the guest at once, into one receive
 * chain.
 *
 * net-host stands between the guest and a backend that a VMM supplies:
 *
 *   guest                    device                            VMM
 *   TX chain -> frame -> interceptor? -- no ----------> backend->send
 *                            | yes
 *                            v
 *   RX chain <- first:   replies, at most NET_REPLIES_MAX
 *            <- then:    host frames, at most NET_HOST_FRAMES_MAX <- backend->receive
 *
 * Frames have no virtio header there.  A frame without a receive chain waits, in order.
 * If no more may wait, if there is no heap memory, or if the device is not live yet,
 * frames stay with the backend; the device asks for them when it can, or is
 * DEVICE_WORK.  Every dropped frame is counted.
 *
 * A snapshot has replies and frames that wait in the device.  What the backend and
 * the interceptor hold is theirs to save: connect a new device as the old one was,
 * and then restore it.
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
/* In front of a packet: the Ethernet header, and two VLAN tags. */
#define NET_VLAN_SIZE 4u
#define NET_VLAN_TAGS_MAX 2u
#define NET_LINK_MAX ((uint32_t)ETH_HLEN + NET_VLAN_TAGS_MAX * NET_VLAN_SIZE)
/* ... and the largest IP packet. */
#define NET_FRAME_MAX (NET_LINK_MAX + 65535u)
/* Locally administered: it belongs to no vendor. */
#define NET_MAC                                                                                    \
	{                                                                                          \
		0x52, 0x54, 0x00, 0x12, 0x34, 0x56                                                 \
	}

/* Frames that wait for receive chains. */
#define NET_HOST_FRAMES_MAX 24u
#define NET_REPLIES_MAX 8u
/* The MTU of a net-host that is not told one, and what VIRTIO 5.1.4.1 allows. */
#define NET_MTU_DEFAULT 1500u
#define NET_MTU_MIN 68u

extern const struct device_ops net_loopback_ops;
extern const struct device_ops net_host_ops;

/*
 * The host's side of net-host.  The device calls these, with `ctx` first, inside
 * its own calls; they must not call the device.
 */
struct net_backend {
	/* A frame that the guest sent, `len` bytes and at least 1, valid until this
	 * returns.  How many of them the host took, or negative errno: none.  A
	 * frame that was not taken whole is not sent again. */
	int64_t (*send)(void *ctx, const uint8_t *frame, uint32_t len);
	/* How many frames wait for the guest.  A hint: `receive` knows. */
	uint32_t (*waiting)(void *ctx);
	/* The next of them, into `frame`, which has room for `room` bytes.  Its
	 * length: if that is more than `room`, the frame is lost and nothing of
	 * what is in `frame` is looked at.  -EAGAIN: there is none. */
	int64_t (*receive)(void *ctx, uint8_t *frame, uint32_t room);
};

/* What an interceptor makes of a frame. */
enum net_verdict {
	NET_PASS,      /* not its own: goes to the backend */
	NET_DROP,      /* its own, nothing to answer */
	NET_MALFORMED, /* its own, and not as it should be */
	NET_REPLY,     /* its own, and answered */
	NET_VERDICT_COUNT
};

struct net_interceptor {
	/* `frame` has `len` bytes, at least 1, and is the device's own copy. */
	enum net_verdict (*judge)(void *ctx, const uint8_t *frame, uint32_t len);
	/* The answer to a frame that was judged NET_REPLY, into `reply`: its length,
	 * at least 1, or -ENOSPC if it needs more than `room` bytes. */
	int (*reply)(void *ctx, const uint8_t *frame, uint32_t len, uint8_t *reply, uint32_t room);
};

struct net_host_config {
	const uint8_t *mac;		   /* ETH_ALEN bytes; NULL: not offered */
	uint16_t mtu;			   /* at least NET_MTU_MIN; 0: not offered */
	const struct net_backend *backend; /* NULL: what is sent is refused */
	void *backend_ctx;
	const struct net_interceptor *interceptor; /* NULL: none */
	void *interceptor_ctx;
};

/* Connect an instance of net_host_ops, before a driver has seen it.  What
 * `config` points at, the MAC aside, must outlive the device.  Features that it
 * does not configure are no longer offered.  0, -EINVAL for an MTU that cannot be,
 * -EBUSY for a device that is in use, connected or restored: nothing has changed
 * then. */
int net_host_connect(struct device *dev, const struct net_host_config *config);

/* Take packets whatever their header says, as VIRTIO 1.3 and before allow, in either
 * personality; before a driver has seen the device.  It is no part of a snapshot.
 * VIRTIO 1.4 forbids it (5.1.9.2.2). */
void net_accept_any_header(struct device *dev);

/* The backend has frames: deliver what the driver is ready for.  To be called when
 * the device is not in another call. */
void net_host_poll(struct device *dev);

#endif
