/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A socket device that is not there, and a connection of port 99 of the guest to port 1024.
 * See ledger_rig.h.  Include after cmocka.h.
 */
#ifndef VRINGER_HARNESS_TEST_LEDGER_SOCKET_RIG_H
#define VRINGER_HARNESS_TEST_LEDGER_SOCKET_RIG_H

#include <stdint.h>

#define GUEST_CID 3u
#define EVENT 2u

struct packet {
	uint16_t op, type; /* type 0: a stream */
	uint32_t len, flags, buf_alloc, fwd_cnt;
	uint32_t cut;	   /* used.len is that much less than what was written */
	uint32_t host;	   /* CID at the other end; 0: the host */
	uint32_t port;	   /* of the guest; 0: 99 */
	const char *bytes; /* NULL: the device does not read them, or writes zeros */
};

void socket_new(void);
/* The device reads that packet and returns its chain; the call goes on. */
void guest_sends(struct packet packet);
/* It returns one of rx, in a call that began; a buffer is left there. */
void guest_is_sent(struct packet packet);
/* The call ends, and the device rests. */
void all_is_sent(void);
void assert_silent_at_rest(void);
/* Before each test. */
int socket_setup(void **state);
/* A new device and an open connection. */
void connect_guest(uint16_t type, uint32_t buf_alloc);
/* ... to a port of the target, which stands for port 1024. */
void connect_port(uint32_t buf_alloc);
void connect_port_as(uint16_t type, uint32_t buf_alloc);
/* A call in which the device may send. */
void device_works(void);

#endif
