/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the tests of the socket device share: a guest that sends packets and hears what is sent to
 * it, one by one, and a host that accepts or not.
 */
#ifndef VRINGER_DEVICES_TEST_VSOCK_GUEST_H
#define VRINGER_DEVICES_TEST_VSOCK_GUEST_H

#include <errno.h>

#include "../vsock.h"
#include "net_guest.h"

#define F(bit) (UINT64_C(1) << (bit))
#define ALL                                                                                        \
	(F(VIRTIO_F_VERSION_1) | F(VSOCK_F_STREAM) | F(VIRTIO_VSOCK_F_SEQPACKET) |                 \
	 F(VSOCK_F_NO_IMPLIED_STREAM))
#define HEADER ((uint32_t)sizeof(struct virtio_vsock_hdr))
#define PACKET (BASE + VSOCK_QUEUE_COUNT * RINGS) /* of the guest's */
#define ROOM (PACKET + 0x10000u)		  /* for packets to it */
#define ROOM_LEN 0x1100u			  /* of each buffer */

extern struct fake_queue sock_q[VSOCK_QUEUE_COUNT];
extern struct device *sockets;

struct vsock_guest {
	uint64_t cid;	     /* what its packets are from */
	uint32_t alloc, fwd; /* what its packets say of its buffer */
	uint16_t heard;	     /* packets to it that were looked at */
	uint16_t given;	     /* buffers for them */
	bool refuses;	     /* the host listens to nobody */
	unsigned asked;	     /* how often the host was */
};
extern struct vsock_guest sock_guest;

extern const struct vsock_flow stream, messages; /* to host ports 1024 and 1025 */

/* Reset, and initialise with those features. */
void vsock_guest_start(uint64_t features);
int vsock_guest_setup(void **state);

void sock_kick(unsigned queue);
/* Put a packet to PACKET, with `len` bytes that depend on their position. */
void sock_put(const struct vsock_flow *flow, uint16_t op, uint32_t len, uint32_t flags);
/* ... and send it as one buffer; it comes back. */
void sock_say(const struct vsock_flow *flow, uint16_t op, uint32_t len, uint32_t flags);
/* Offer `count` buffers of `len` bytes to receive, and notify. */
void sock_give(unsigned count, uint32_t len);
/* The next packet to the guest is that, with `len` bytes. */
const struct virtio_vsock_hdr *hear(const struct vsock_flow *flow, uint16_t op, uint32_t len);
void hear_nothing(void);
/* The guest opens that connection, with a buffer of `alloc` bytes. */
void open_flow(const struct vsock_flow *flow, uint32_t alloc);
/* The host sends `len` bytes that depend on their position; it takes all that is there. */
uint32_t host_sends(const struct vsock_flow *flow, uint32_t len);
uint32_t host_takes(const struct vsock_flow *flow, uint32_t max, uint32_t *flags);
uint64_t sock_counter(const char *name);

#endif
