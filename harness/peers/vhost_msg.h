/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The vhost-user protocol's messages (QEMU, docs/interop/vhost-user.rst): numbers, forms,
 * and how one is sent and received over a Unix stream socket.  Rings' numbers and
 * addresses have the kernel's own forms (<linux/vhost_types.h>).
 *
 * It knows no device.  What a peer sends is checked before it is used: version, size,
 * flags, and that no descriptor comes where none is due.
 */
#ifndef VRINGER_HARNESS_VHOST_MSG_H
#define VRINGER_HARNESS_VHOST_MSG_H

#include <linux/vhost_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests of the front-end. */
enum vhost_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES,
	VHOST_USER_SET_OWNER,
	VHOST_USER_RESET_OWNER,
	VHOST_USER_SET_MEM_TABLE,
	VHOST_USER_SET_LOG_BASE,
	VHOST_USER_SET_LOG_FD,
	VHOST_USER_SET_VRING_NUM,
	VHOST_USER_SET_VRING_ADDR,
	VHOST_USER_SET_VRING_BASE,
	VHOST_USER_GET_VRING_BASE,
	VHOST_USER_SET_VRING_KICK,
	VHOST_USER_SET_VRING_CALL,
	VHOST_USER_SET_VRING_ERR,
	VHOST_USER_GET_PROTOCOL_FEATURES,
	VHOST_USER_SET_PROTOCOL_FEATURES,
	VHOST_USER_GET_QUEUE_NUM,
	VHOST_USER_SET_VRING_ENABLE,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG,
	VHOST_USER_GPU_SET_SOCKET = 33,
	VHOST_USER_RESET_DEVICE,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS,
};

/* Requests of the back-end, on a channel of its own. */
enum vhost_backend_request {
	VHOST_BACKEND_CONFIG_CHANGE = 2,
};

/* Bit numbers of the protocol's own features. */
enum vhost_protocol_feature {
	VHOST_PROTOCOL_MQ = 0,
	VHOST_PROTOCOL_LOG_SHMFD = 1,
	VHOST_PROTOCOL_REPLY_ACK = 3,
	VHOST_PROTOCOL_BACKEND_REQ = 5,
	VHOST_PROTOCOL_CONFIG = 9,
	VHOST_PROTOCOL_RESET_DEVICE = 13,
	VHOST_PROTOCOL_STATUS = 16,
};

/* In GET_FEATURES: there are protocol features, and rings begin disabled. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

/* Of the header: the version in the low bits, and what the message is. */
#define VHOST_FLAG_VERSION_MASK 0x3u
#define VHOST_FLAG_VERSION 0x1u
#define VHOST_FLAG_REPLY 0x4u
#define VHOST_FLAG_NEED_REPLY 0x8u

/* In the number of SET_VRING_KICK, CALL and ERR: no descriptor comes with it. */
#define VHOST_RING_INDEX_MASK 0xffu
#define VHOST_RING_NO_FD 0x100u

#define VHOST_CONFIG_MAX 256u
#define VHOST_REGIONS_MAX 8u
#define VHOST_FDS_MAX 8u
#define VHOST_PAYLOAD_MAX 512u
#define VHOST_OUT_MAX 2048u

struct vhost_memory_table {
	uint32_t count, padding;
	struct {
		uint64_t guest_addr, size, user_addr, mmap_offset;
	} regions[VHOST_REGIONS_MAX];
};

struct vhost_log {
	uint64_t mmap_size, mmap_offset;
};

struct vhost_config {
	uint32_t offset, size, flags;
	uint8_t bytes[VHOST_CONFIG_MAX];
};

struct vhost_header {
	uint32_t request, flags, size;
};

struct vhost_user_msg {
	struct vhost_header header;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct vhost_memory_table memory;
		struct vhost_log log;
		struct vhost_config config;
		uint8_t bytes[VHOST_PAYLOAD_MAX];
	} payload;
	int fds[VHOST_FDS_MAX]; /* to send: the caller's; received: now the caller's */
	unsigned fd_count;
};

/* An end of a connection. */
struct vhost_channel {
	int fd;
	/* Called about every VHOST_SLICE_MS that the other side neither takes nor sends
	 * anything: 0 to go on, or negative errno to give up with.  NULL: one slice. */
	int (*patience)(void *ctx);
	void *ctx;
	bool blocks;   /* the socket does, for VHOST_SLICE_MS at a time: vhost_block */
	char why[120]; /* what is wrong, after -EPROTO */
	/* What was posted and not sent. */
	uint32_t out_len;
	unsigned out_fd_count;
	int out_fds[VHOST_FDS_MAX];
	uint8_t out[VHOST_OUT_MAX];
};

#define VHOST_SLICE_MS 50

/* A message with that many bytes of payload, which the caller fills in. */
struct vhost_user_msg vhost_user_message(uint32_t request, uint32_t size);

/* Send it.  0; -EPIPE: the other side closed; -EPROTO: the message itself is wrong, or
 * what `patience` said, or negative errno. */
int vhost_send(struct vhost_channel *channel, const struct vhost_user_msg *msg);
/* ... at the latest before something is received: with others, in one piece.  Its
 * descriptors must stay open until then. */
int vhost_post(struct vhost_channel *channel, const struct vhost_user_msg *msg);
/* Send what was posted. */
int vhost_flush(struct vhost_channel *channel);
/* From now on receiving sleeps in the socket, whose other side may be any. */
int vhost_block(struct vhost_channel *channel);
/* The next message.  0; -EPIPE: the other side closed between two messages; -EPROTO with
 * `why`; or what `patience` said.  Of a failure no descriptor is left open. */
int vhost_receive(struct vhost_channel *channel, struct vhost_user_msg *msg);
/* The reply to `request`, with size_min to size_max bytes of payload and no descriptor.
 * As vhost_receive. */
int vhost_receive_reply(struct vhost_channel *channel, uint32_t request, uint32_t size_min,
			uint32_t size_max, struct vhost_user_msg *reply);
void vhost_close_fds(struct vhost_user_msg *msg);

#endif
