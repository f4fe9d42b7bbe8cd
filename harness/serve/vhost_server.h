/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The back-end's side of the vhost-user protocol (QEMU, docs/interop/vhost-user.rst): a
 * connection with one driver, which may be anybody.  Messages are checked whole, then they
 * become calls of a table; memory, rings and descriptors are kept here.
 *
 * It knows no device.  A message that is wrong ends the connection, with one line that says
 * what is wrong with which.
 */
#ifndef VRINGER_HARNESS_SERVE_VHOST_SERVER_H
#define VRINGER_HARNESS_SERVE_VHOST_SERVER_H

#include "harness/peers/vhost_msg.h"
#include "harness/serve/memory.h"

#define VHOST_SERVER_QUEUES_MAX 64u

/* A ring as the driver describes it. */
struct vhost_server_ring {
	uint32_t num;
	uint32_t base; /* where to begin, as VRING_BASE has it */
	bool goes_on;  /* ... where this end said that it stopped */
	bool has_addr;
	struct vhost_vring_addr addr;
	bool started; /* SET_VRING_KICK came, GET_VRING_BASE not since */
	bool enabled;
	int kick, call, err; /* or -1 */
};

struct vhost_server_calls {
	/* All that the device offers. */
	uint64_t (*features)(void *ctx);
	/* `len` bytes, which may pass the end of the configuration. */
	void (*config_read)(void *ctx, uint32_t offset, uint8_t *bytes, uint32_t len);
	void (*config_write)(void *ctx, uint32_t offset, const uint8_t *bytes, uint32_t len);
	/* The regions are others: where rings are is to be found out again. */
	void (*memory_changed)(void *ctx);
	/* Is that ring served, or not any more?  vhost_server_runs says it. */
	void (*ring_changed)(void *ctx, unsigned queue);
	/* It is stopped: where to go on, later. */
	uint32_t (*ring_base)(void *ctx, unsigned queue);
	void (*status_write)(void *ctx, uint8_t status);
	uint8_t (*status_read)(void *ctx);
	void (*reset)(void *ctx);
};

struct vhost_server {
	struct vhost_channel channel;
	int backend_requests; /* the driver's channel for ours, or -1 */
	uint64_t features;    /* that it accepted */
	uint64_t protocol;    /* ... of the protocol's own */
	bool has_features;
	struct driver_memory memory;
	unsigned queue_count; /* of the device */
	uint32_t unheard;     /* slices without a byte */
	struct vhost_server_ring rings[VHOST_SERVER_QUEUES_MAX];
	const struct vhost_server_calls *calls;
	void *ctx;
};

/* Serve the connection `fd`, which is the server's from now on. */
void vhost_server_open(struct vhost_server *server, int fd, unsigned queue_count,
		       const struct vhost_server_calls *calls, void *ctx);
void vhost_server_close(struct vhost_server *server);
/* The next message, which is waited for, and its answer.  0; -EPIPE: the driver closed the
 * connection; -EPROTO, and server->channel.why says what is wrong; or negative errno. */
int vhost_server_message(struct vhost_server *server);
/* Tell the driver that a ring is broken, where it gave a descriptor for that. */
void vhost_server_ring_error(struct vhost_server *server, unsigned queue);
/* Tell the driver that the configuration changed, where it has a channel for that. */
void vhost_server_config_changed(struct vhost_server *server);

/* Does the driver want that ring served? */
static inline bool vhost_server_runs(const struct vhost_server *server, unsigned queue)
{
	const struct vhost_server_ring *ring = &server->rings[queue];

	return ring->started && ring->enabled && ring->num != 0 && ring->has_addr;
}
/* Has it described a ring that it may yet begin?  Linux in user mode describes them all, and
 * then begins one after the other. */
static inline bool vhost_server_waits(const struct vhost_server *server, unsigned queue)
{
	const struct vhost_server_ring *ring = &server->rings[queue];

	return !vhost_server_runs(server, queue) && ring->num != 0 && ring->has_addr;
}

static inline bool vhost_server_speaks(const struct vhost_server *server,
				       enum vhost_protocol_feature feature)
{
	return (server->protocol >> feature & 1) != 0;
}

#endif
