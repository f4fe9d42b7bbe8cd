/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device: connections between ports of the guest and ports of the host, of
 * streams and of messages (seqpacket).
 *
 *   guest                          device                               host
 *   tx  --> packet --> connection (guest port, host port) --> 4 KiB --> vsock_take
 *   rx  <-- packet <-- answers, then what connections owe <-- 4 KiB <-- vsock_send
 *   event <-- the transport was reset                     <------------ vsock_set_cid
 *
 * Packets of one flow that make no sense together end it: whatever is wrong with a packet
 * that is from the guest to the host is answered by RST, and its connection is gone.  Wrong
 * are: a type that was not negotiated or is not the connection's; a length beyond the chain;
 * an operation that its connection does not expect now, or that is none; bytes beyond the
 * credit, after the guest's SHUTDOWN, or that cannot be read; more messages than are kept.  A
 * REQUEST is refused by RST where nobody listens or no connection is free.  RST itself is
 * never answered, and a packet with another source than guest_cid or another destination
 * than the host is dropped: a reply would go to somebody else.
 *
 * A connection that the guest shut down both ways ends with RST once the host has taken what
 * there is.  One that ends by RST loses what is on its way in both directions, which is
 * counted, and answers of it that wait and are no RST.
 *
 * What is sent waits in the device where the driver gave no buffers: VSOCK_ANSWERS_MAX
 * answers, beyond which packets of the guest stay where they are (DEVICE_WAITING), and what
 * connections owe, which is a state and takes no room.
 *
 * Not offered: datagrams.  The device has no clock: when to give up waiting for the guest's
 * RST is for the host to say (vsock_close).
 *
 * VIRTIO 1.4, 5.10.
 */
#ifndef VRINGER_DEVICES_VSOCK_H
#define VRINGER_DEVICES_VSOCK_H

#include <linux/virtio_vsock.h>

#include "device.h"

/* Not in the header of Debian 12. */
#define VSOCK_F_STREAM 0
#define VSOCK_F_NO_IMPLIED_STREAM 2

enum vsock_queue { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUE_COUNT };

#define VSOCK_QUEUE_SIZE_MAX 128
#define VSOCK_CID_HOST 2u
#define VSOCK_CID_GUEST 3u /* of a new device */
#define VSOCK_CONNECTIONS_MAX 16u
#define VSOCK_BUFFER 4096u     /* bytes of a connection that are kept in each direction */
#define VSOCK_MESSAGES_MAX 32u /* of a connection that are kept in each direction */
#define VSOCK_ANSWERS_MAX 256u /* that wait for the driver's buffers */

extern const struct device_ops vsock_ops;

/* A connection's two ends, and enum virtio_vsock_type. */
struct vsock_flow {
	uint32_t host_port, guest_port;
	uint16_t type;
};

/* What is behind the device. */
struct vsock_backend {
	/* The guest asks for that connection: does somebody listen, and take it? */
	bool (*accept)(void *ctx, const struct vsock_flow *flow);
};

/*
 * The host's side.  `dev` is an instance of vsock_ops; these calls are made when the device
 * is in no other call.  They touch no guest memory: what they leave to be sent is work of
 * the device, which vsock_poll does at once.  A flow without a connection has no bytes, and
 * takes none.
 */

/* Before the device is used.  Without a backend nobody listens.  `backend` outlives `dev`. */
void vsock_listen(struct device *dev, const struct vsock_backend *backend, void *ctx);
void vsock_poll(struct device *dev);

/* The connection of that host port that is `nth` by age, 0 the oldest; false: there are not so
 * many. */
bool vsock_find(const struct device *dev, uint32_t host_port, unsigned nth,
		struct vsock_flow *flow);
/* Ask the guest for a connection, of streams if they were negotiated.  0; -ENOTCONN without a
 * driver, -EADDRINUSE where there is one, or -ENOSPC. */
int vsock_connect(struct device *dev, uint32_t host_port, uint32_t guest_port);
/* Send bytes once the guest lets them in; how many were accepted: of a stream from the first
 * on, as many as there is room for.  A message (`flags`: enum virtio_vsock_rw) is accepted
 * whole or not at all; it is not empty. */
uint32_t vsock_send(struct device *dev, const struct vsock_flow *flow, const void *data,
		    uint32_t len, uint32_t flags);
/* Is there anything to take, if only an empty message? */
bool vsock_readable(const struct device *dev, const struct vsock_flow *flow);
/* Take at most `max` bytes, oldest first, of one message where there are messages; how many.
 * *flags: enum virtio_vsock_rw, with EOM where they are the last of a message; it is left alone
 * without a connection. */
uint32_t vsock_take(struct device *dev, const struct vsock_flow *flow, void *buf, uint32_t max,
		    uint32_t *flags);
/* The host receives or sends no more (enum virtio_vsock_shutdown), which the guest is told
 * once it was sent all that was accepted.  What comes all the same is dropped. */
void vsock_shutdown(struct device *dev, const struct vsock_flow *flow, uint32_t flags);
/* End it now: SHUTDOWN, if the guest has not heard of it, and RST. */
void vsock_close(struct device *dev, const struct vsock_flow *flow);

/* The guest is somebody else from now on: all connections are gone, and the driver is sent
 * VIRTIO_VSOCK_EVENT_TRANSPORT_RESET.  0; -EALREADY where that is its CID, -EINVAL for one
 * that VIRTIO reserves. */
int vsock_set_cid(struct device *dev, uint64_t cid);

#endif
