/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The back-end's side of the vhost-user protocol's messages: received, and answered, also
 * as they must not be (luck.h: wrong-size and so on, of the answer at its moment).
 */
#ifndef PEER_VHOST_WIRE_H
#define PEER_VHOST_WIRE_H

#include "luck.h"

#include <linux/vhost_types.h>
#include <stdbool.h>
#include <stdint.h>

#define WIRE_FDS_MAX 8u
#define WIRE_REGIONS_MAX 8u
#define WIRE_PAYLOAD_MAX 512u

enum wire_request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_LOG_BASE = 6,
	SET_LOG_FD = 7,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
	RESET_DEVICE = 34,
	SET_STATUS = 39,
	GET_STATUS = 40,
};

/* Bits of the flags, beside the version. */
#define WIRE_VERSION 1u
#define WIRE_VERSION_MASK 3u
#define WIRE_REPLY 4u
#define WIRE_NEED_REPLY 8u

struct wire_region {
	uint64_t guest, size, user, offset;
};

struct wire_message {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count, padding;
			struct wire_region regions[WIRE_REGIONS_MAX];
		} table;
		struct {
			uint64_t size, offset;
		} log;
		uint8_t bytes[WIRE_PAYLOAD_MAX];
	} payload;
	int fds[WIRE_FDS_MAX];
	unsigned fd_count;
};

/* false: the other side hung up, or said what is no message. */
bool wire_receive(int socket, struct wire_message *m);
void wire_close_fds(struct wire_message *m);
/* Answer `m` with `size` bytes.  `moment`: what this answer belongs to. */
void wire_reply(int socket, const struct wire_message *m, const void *payload, uint32_t size,
		enum moment moment);

#endif
