/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device of vhost_user_rng.c, and what is said of it over a connection.
 */
#ifndef PEER_VHOST_DEVICE_H
#define PEER_VHOST_DEVICE_H

#include "memory.h"
#include "ring.h"
#include "vhost_wire.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* All of them are legal, as far as the protocol goes. */
enum character {
	THREAD,	       /* another thread serves the ring, and answers `us` microseconds later */
	POLLS,	       /* so, and looks every `us` microseconds, notified or not */
	MESSAGE_FIRST, /* messages before the ring */
	LATE,	       /* begins to listen after 300 ms */
	ONCE,	       /* ends when the connection does */
	HANGS_UP, /* when the driver breaks its ring; otherwise it signals the error descriptor */
	CALLS_AT_START,
	NO_PROTOCOL, /* no protocol features */
	NO_REPLY_ACK,
	NO_CONFIG,
	WITH_STATUS,
	WITH_RESET,
	WITH_LOG,
	NO_VERSION_1, /* a legacy device, which nobody asked for */
	NO_QUEUE,
	CHARACTERS
};

/* The device.  What both threads use is used with the lock. */
struct own {
	bool is[CHARACTERS];
	long delay_us;
	pthread_mutex_t lock;
	pthread_cond_t returned;
	struct memory memory;
	struct ring ring;
	struct vhost_vring_addr at; /* as the front-end calls it */
	uint16_t base;
	int kick, call, err, wake, connection;
	bool enabled, kicked;
	uint64_t features, protocol;
	uint8_t status;
};
extern struct own own;

/* ---- vhost_device.c: with the lock but for device_open ---- */

/* false: it has no thread that it needs. */
bool device_open(void);
void device_pause_us(long us);
/* Descriptors that the front-end gave; -1: none. */
void device_replace(int *fd, int with);
void device_put_event(int fd);
void device_take_kick(void);
void device_stop_ring(void);

/* ---- vhost_answers.c ---- */

/* Until the connection ends. */
void serve_connection(void);

#endif
