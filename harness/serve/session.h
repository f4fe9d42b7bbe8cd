/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session: one driver, one device.  What the driver says, and does in its rings, becomes
 * operations on the device; what the device does goes back to the driver, until the driver
 * closes the connection, a rule is broken, or the user ends it.
 *
 * The device's life by the protocol's messages: a driver that speaks STATUS says it itself;
 * for one that does not, the device is initialised when all rings that it described are
 * enabled, or one of them is notified, and reset when none runs any more.
 */
#ifndef VRINGER_HARNESS_SERVE_SESSION_H
#define VRINGER_HARNESS_SERVE_SESSION_H

#include "harness/serve/serve.h"
#include "harness/serve/shadow.h"
#include "harness/serve/vhost_server.h"

struct serve_session {
	struct shadow_world world;
	struct vhost_server server;
	const struct target *target;
	const struct serve_options *options;
	struct shadow shadows[VHOST_SERVER_QUEUES_MAX];
	unsigned queue_count;
	uint8_t status;	 /* that the driver wrote last */
	bool negotiated; /* the device has the features */
	bool live;	 /* DRIVER_OK */
	bool silent;	 /* the driver, since it was last waited for */
	bool touched;	 /* the device is not as it was when it was new, or reset */
	bool unfinished; /* the last round was not the last that there is something to do in */
	bool broken;	 /* a ring is: the driver has to reset the device */
	bool at_fault;	 /* one was */
	bool failed;	 /* world.why says how the driver broke the protocol */
	/* The configuration as the driver read it last, and what of it it read. */
	uint8_t config[VHOST_CONFIG_MAX];
	bool config_known[VHOST_CONFIG_MAX];
	uint64_t features;  /* that the driver accepted last, for the summary */
	uint64_t echo_lost; /* bytes that could not be typed again */
};

/* How it ended. */
enum session_end {
	SESSION_CLOSED,	  /* the driver did */
	SESSION_STOPPED,  /* the user did */
	SESSION_FINDING,  /* a rule is broken */
	SESSION_PROTOCOL, /* the driver did something wrong: one line in `why` */
	SESSION_AT_FAULT, /* so it did, was told, and closed the connection later */
	SESSION_HOST,	  /* this machine: negative errno in *err */
};

/* Serve the connection `fd`, which is the session's, on the device of `run`, which has begun
 * (live.h); recorder: NULL, or it is recorded.  Room for `why`: DRIVER_RING_WHY_MAX bytes. */
enum session_end session_serve(struct serve_session *session, struct run *run,
			       struct recorder *recorder, int fd, char *why, int *err);

#endif
