/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sockets: VIRTIO 1.4, 5.10.  The guest's CID is 3, and on the host nobody listens to port
 * 0x7777.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>

/* Not in the header of Debian 12. */
#define F_STREAM KIND_F(0)
#define F_NO_IMPLIED_STREAM KIND_F(2)

#define F_SEQPACKET KIND_F(VIRTIO_VSOCK_F_SEQPACKET)

enum { RX, TX, EVENT };

static const struct vringer_queue vsock_queues[] = {
	[RX] = KIND_FILLS("rx"),
	[TX] = KIND_ASKS("tx"),
	[EVENT] = KIND_FILLS("event"),
};

static const struct vringer_field vsock_fields[] = {
	{ "guest_cid", 0, 8, 1 },
	{ .name = NULL },
};

#define GUEST "\3\0\0\0\0\0\0\0"
#define HOST "\2\0\0\0\0\0\0\0"
#define PORTS "\x34\x12\0\0\x77\x77\0\0"
#define PORTS_BACK "\x77\x77\0\0\x34\x12\0\0"
#define PACKET_BYTES 44u
/* A packet of the guest's to the host. */
#define PACKET(len, type, op, flags)                                                               \
	GUEST HOST PORTS len "\0\0\0" type "\0" op "\0" flags "\0\0\0\0\0\1\0\0\0\0\0"
#define CONNECT PACKET("\0", "\1", "\1", "\0")
#define CONNECT_SEQPACKET PACKET("\0", "\2", "\1", "\0")
#define UNKNOWN_TYPE PACKET("\0", "\x77", "\1", "\0")

/* VIRTIO_VSOCK_OP_RST, from there. */
static const struct vringer_bytes rst[] = {
	{ 0, 24, HOST GUEST PORTS_BACK },
	{ 30, 2, "\3\0" },
	{ .bytes = NULL },
};

#define SENT .queue = TX
/* What comes back for it. */
#define COMES_BACK                                                                                 \
	.queue = RX, .writable_len = 4096, .used_min = PACKET_BYTES, .used_max = PACKET_BYTES,     \
	.answer = rst

/* The first three are sent by others, which name them by their number.  Those that need a
 * feature come last: without it they may be left out. */
static const struct vringer_request vsock_requests[] = {
	{ .name = "unknown-type", SENT, KIND_BYTES(UNKNOWN_TYPE), .flags = VRINGER_REQUEST_EXACT },
	/* Without any of the features it is meant all the same, as it was before there were. */
	{ .name = "connect-implied",
	  SENT,
	  KIND_BYTES(CONNECT),
	  .flags = VRINGER_REQUEST_EXACT,
	  .features_off = F_STREAM | F_SEQPACKET | F_NO_IMPLIED_STREAM },
	{ .name = "connect",
	  SENT,
	  KIND_BYTES(CONNECT),
	  .flags = VRINGER_REQUEST_EXACT,
	  .features = F_STREAM },
	{ .name = "connect-seqpacket",
	  SENT,
	  KIND_BYTES(CONNECT_SEQPACKET),
	  .features = F_SEQPACKET },
	{ .name = "rst", COMES_BACK, .features = F_STREAM, .after = "send_request 1 which=2\n" },
	{ .name = "rst-implied",
	  COMES_BACK,
	  .features_off = F_STREAM | F_SEQPACKET | F_NO_IMPLIED_STREAM,
	  .after = "send_request 1 which=1\n" },
	{ .name = "rst-unknown-type", COMES_BACK, .after = "send_request 1\n" },
	KIND_HINT(TX, PACKET("\0", "\1", "\2", "\0"), 0), /* RESPONSE */
	KIND_HINT(TX, PACKET("\0", "\1", "\3", "\0"), 0), /* RST */
	KIND_HINT(TX, PACKET("\0", "\1", "\4", "\3"), 0), /* SHUTDOWN */
	KIND_HINT(TX, PACKET("\5", "\1", "\5", "\0") "hello", 0),
	KIND_HINT(TX, PACKET("\0", "\1", "\6", "\0"), 0), /* CREDIT_UPDATE */
	KIND_HINT(TX, PACKET("\0", "\1", "\7", "\0"), 0), /* CREDIT_REQUEST */
	KIND_HINT(TX, PACKET("\xff", "\1", "\5", "\0") "too short", 0),
	{ .name = NULL },
};

const struct kind kind_vsock = {
	.name = "vsock",
	.device_id = VIRTIO_ID_VSOCK,
	.queue_count = KIND_COUNT(vsock_queues),
	.queues = vsock_queues,
	.features = F_STREAM | F_SEQPACKET | F_NO_IMPLIED_STREAM,
	.config_len = 8,
	.fields = vsock_fields,
	.requests = vsock_requests,
};
