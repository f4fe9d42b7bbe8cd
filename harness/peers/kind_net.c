/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Network cards: VIRTIO 1.4, 5.1, with one pair of queues.
 *
 * VIRTIO_NET_F_MQ and _RSS are left out: where they are accepted, queue 2 is another
 * receive queue and the control queue is elsewhere.  So are the features from bit 64 on,
 * which make the header of a frame longer.  What is received comes from the host.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stddef.h>

/* Not in the header of Debian 12. */
#define F_DEVICE_STATS KIND_F(50)
#define F_HASH_TUNNEL KIND_F(51)
#define F_VQ_NOTF_COAL KIND_F(52)
#define F_GUEST_USO4 KIND_F(54)
#define F_GUEST_USO6 KIND_F(55)
#define F_HOST_USO KIND_F(56)
#define F_GUEST_HDRLEN KIND_F(59)

#define F_CTRL_VQ KIND_F(VIRTIO_NET_F_CTRL_VQ)
#define F_CTRL_RX KIND_F(VIRTIO_NET_F_CTRL_RX)
#define F_CTRL_RX_EXTRA KIND_F(VIRTIO_NET_F_CTRL_RX_EXTRA)
#define F_CTRL_VLAN KIND_F(VIRTIO_NET_F_CTRL_VLAN)
#define F_CTRL_OFFLOADS KIND_F(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)
#define F_NOTF_COAL KIND_F(VIRTIO_NET_F_NOTF_COAL)
#define F_HASH_REPORT KIND_F(VIRTIO_NET_F_HASH_REPORT)

enum { RECEIVEQ, TRANSMITQ, CONTROLQ, QUEUES };

static const struct vringer_queue net_queues[] = {
	[RECEIVEQ] = KIND_FILLS("receiveq1"),
	[TRANSMITQ] = KIND_ASKS("transmitq1"),
	[CONTROLQ] = KIND_ASKS("controlq"),
};

static const struct vringer_queue_need net_needs[QUEUES] = {
	[CONTROLQ] = { .features = F_CTRL_VQ },
};

static const struct vringer_field net_fields[] = {
	{ "mac", 0, 1, 6 },
	{ "status", 6, 2, 1 },
	{ "max_virtqueue_pairs", 8, 2, 1 },
	{ "mtu", 10, 2, 1 },
	{ "speed", 12, 4, 1 },
	{ "duplex", 16, 1, 1 },
	{ "rss_max_key_size", 17, 1, 1 },
	{ "rss_max_indirection_table_length", 18, 2, 1 },
	{ "supported_hash_types", 20, 4, 1 },
	{ "supported_tunnel_types", 24, 4, 1 },
	{ .name = NULL },
};

/* The header of a frame, which says nothing. */
#define NO_HEADER "\0\0\0\0\0\0\0\0\0\0\0\0"
#define NO_HASH "\0\0\0\0\0\0\0\0"
/* Ethernet: to and from locally administered addresses, of a protocol for experiments. */
#define FRAME                                                                                      \
	"\2vring\2again\x88\xb5"                                                                   \
	"the quick brown fox jumps over the lazy dog 01"

static const struct vringer_bytes ok[] = { { 0, 1, "\0" }, { .bytes = NULL } };

/* A command, and one that must succeed: an ack, where the device puts it. */
#define COMMAND(called, needs, literal, ...)                                                       \
	{                                                                                          \
		.name = (called), .queue = CONTROLQ, .features = F_CTRL_VQ | (needs),              \
		KIND_BYTES(literal), .writable_len = 1, .used_max = 1, __VA_ARGS__                 \
	}
#define DEMAND(called, needs, literal) COMMAND(called, needs, literal, .answer = ok)

static const struct vringer_request net_requests[] = {
	{ .name = "frame",
	  .queue = TRANSMITQ,
	  KIND_BYTES(NO_HEADER FRAME),
	  .features_off = F_HASH_REPORT,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "frame-hash",
	  .queue = TRANSMITQ,
	  KIND_BYTES(NO_HEADER NO_HASH FRAME),
	  .features = F_HASH_REPORT,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "promisc-on",
	  .queue = CONTROLQ,
	  KIND_BYTES("\0\0\1"),
	  .writable_len = 1,
	  .used_max = 1,
	  .answer = ok,
	  .features = F_CTRL_VQ | F_CTRL_RX },
	DEMAND("promisc-off", F_CTRL_RX, "\0\0\0"),
	DEMAND("allmulti-on", F_CTRL_RX, "\0\1\1"),
	DEMAND("alluni-on", F_CTRL_RX_EXTRA, "\0\2\1"),
	DEMAND("nomulti-off", F_CTRL_RX_EXTRA, "\0\3\0"),
	DEMAND("nouni-off", F_CTRL_RX_EXTRA, "\0\4\0"),
	DEMAND("nobcast-off", F_CTRL_RX_EXTRA, "\0\5\0"),
	DEMAND("mac-table-set", F_CTRL_RX,
	       "\1\0"
	       "\1\0\0\0\2other"
	       "\0\0\0\0"),
	/* Of these it is not said that they must succeed: a device may have nothing that could
	 * change its offloads, or no room for a VLAN. */
	COMMAND("vlan-add", F_CTRL_VLAN, "\2\0\5\0"),
	COMMAND("vlan-del", F_CTRL_VLAN, "\2\1\5\0"),
	COMMAND("offloads-none", F_CTRL_OFFLOADS, "\5\0\0\0\0\0\0\0\0\0"),
	COMMAND("coalesce-tx", F_NOTF_COAL, "\6\0\1\0\0\0\0\0\0\0"),
	COMMAND("coalesce-rx", F_NOTF_COAL, "\6\1\1\0\0\0\0\0\0\0"),
	COMMAND("unknown-class", 0, "\xee\0\0\0"),
	KIND_HINT(CONTROLQ, "\1\1\2other", 1),					 /* MAC_ADDR_SET */
	KIND_HINT(CONTROLQ, "\3\0", 1),						 /* ANNOUNCE_ACK */
	KIND_HINT(CONTROLQ, "\4\0\1\0", 1),					 /* VQ_PAIRS_SET */
	KIND_HINT(CONTROLQ, "\1\0\xff\xff\xff\xff\2other", 1),			 /* MAC_TABLE_SET */
	KIND_HINT(CONTROLQ, "\x8\0", 64),					 /* STATS_QUERY */
	KIND_HINT(TRANSMITQ, "\1\0\0\0\0\0\x22\0\x10\0\0\0" FRAME, 0),		 /* NEEDS_CSUM */
	KIND_HINT(TRANSMITQ, "\1\1\x36\0\x08\0\x22\0\x10\0\0\0" FRAME FRAME, 0), /* and TSO */
	KIND_HINT(TRANSMITQ, NO_HEADER, 0),
	{ .name = NULL },
};

const struct kind kind_net = {
	.name = "net",
	.device_id = VIRTIO_ID_NET,
	.queue_count = KIND_COUNT(net_queues),
	.queues = net_queues,
	.queue_needs = net_needs,
	.features = KIND_F(VIRTIO_NET_F_CSUM) | KIND_F(VIRTIO_NET_F_GUEST_CSUM) | F_CTRL_OFFLOADS |
		    KIND_F(VIRTIO_NET_F_MTU) | KIND_F(VIRTIO_NET_F_MAC) |
		    KIND_F(VIRTIO_NET_F_GUEST_TSO4) | KIND_F(VIRTIO_NET_F_GUEST_TSO6) |
		    KIND_F(VIRTIO_NET_F_GUEST_ECN) | KIND_F(VIRTIO_NET_F_GUEST_UFO) |
		    KIND_F(VIRTIO_NET_F_HOST_TSO4) | KIND_F(VIRTIO_NET_F_HOST_TSO6) |
		    KIND_F(VIRTIO_NET_F_HOST_ECN) | KIND_F(VIRTIO_NET_F_HOST_UFO) |
		    KIND_F(VIRTIO_NET_F_MRG_RXBUF) | KIND_F(VIRTIO_NET_F_STATUS) | F_CTRL_VQ |
		    F_CTRL_RX | F_CTRL_VLAN | F_CTRL_RX_EXTRA |
		    KIND_F(VIRTIO_NET_F_GUEST_ANNOUNCE) | KIND_F(VIRTIO_NET_F_CTRL_MAC_ADDR) |
		    F_DEVICE_STATS | F_HASH_TUNNEL | F_VQ_NOTF_COAL | F_NOTF_COAL | F_GUEST_USO4 |
		    F_GUEST_USO6 | F_HOST_USO | F_HASH_REPORT | F_GUEST_HDRLEN |
		    KIND_F(VIRTIO_NET_F_RSC_EXT) | KIND_F(VIRTIO_NET_F_STANDBY) |
		    KIND_F(VIRTIO_NET_F_SPEED_DUPLEX),
	.config_len = 28,
	.fields = net_fields,
	.requests = net_requests,
};
