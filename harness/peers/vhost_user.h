/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vhost-user backends as devices under test: each serves the rings of one device in guest
 * memory that it maps, and vringer is its front-end (QEMU, docs/interop/vhost-user.rst).
 *
 * vhost_start.c has the process and the connection, vhost_session.c what is said over it,
 * vhost_rest.c when the device is at rest and what it did until then, vhost_rings.c what its
 * rings show of that, vhost_display.c what a GPU asks of its front-end, vhost_user.c the calls of
 * vringer.h.
 *
 * Guest memory is announced with guest addresses as the front-end's own: a ring at an
 * address that is no memory is announced as it stands, and the backend has to refuse it.
 *
 * A hang-up is what a backend has in the place of DEVICE_NEEDS_RESET: the protocol allows
 * to close the connection on an error and has no message that says it.  So it is no
 * finding while a device is active and the process lives on: the device says
 * DEVICE_NEEDS_RESET, and the next reset makes a new connection.  What the ledger has to
 * say of that (a request that was in order and is not answered) it says.  A process that
 * ends is a finding.
 */
#ifndef VRINGER_HARNESS_VHOST_USER_H
#define VRINGER_HARNESS_VHOST_USER_H

#include "harness/peers/peers.h"
#include "harness/peers/process.h"
#include "harness/peers/vhost_display.h"
#include "harness/peers/vhost_msg.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define VHOST_QUEUES_MAX 64u
#define VHOST_PATIENCE_MS 50u /* with threads that sleep while chains are outstanding */
#define VHOST_QUEUE_SIZE 256u /* the largest ring, where the entry does not say */

/* When a backend has nothing more to do. */
enum vhost_rest {
	/* Its threads sleep. */
	VHOST_REST_THREADS,
	/* One thread serves notifications and messages in turn, and completes a request before
	 * it returns: a message that was answered after the notification was taken. */
	VHOST_REST_LOOP,
	/* It polls its rings: they are enabled only during a call, until those who poll have
	 * run for a while and used nothing. */
	VHOST_REST_PAUSED,
};

/* How one backend is treated: host_side of its peer.  NULL: all 0. */
struct vhost_side {
	enum vhost_rest rest;
	const char *poller; /* VHOST_REST_PAUSED: how the names of the threads that poll begin */
	bool reconnects;    /* it serves another connection when one is closed */
	uint16_t queue_max; /* 0: VHOST_QUEUE_SIZE */
	uint32_t disk_len;  /* bytes of {disk} */
	bool pairs;	    /* GET_QUEUE_NUM counts pairs of queues */
	bool logs;	    /* it is to keep a log of dirty pages */
	bool displays;	    /* it shows what it draws by a socket that it is given */
};

/* In a peer's arguments, and in a command line of the user:
 *   {socket}      path of a socket that the program makes, listens at and accepts from
 *   {fd}          number of a descriptor that listens already
 *   {connection}  number of a descriptor that is connected already
 *   {disk}        path of a file of disk_len bytes in memory, zeroes for each program
 *   {folder}      path of a folder, which is empty and was deleted: nothing can be made in it
 * A command line "unix:PATH" starts nothing: somebody listens at PATH. */

struct vhost_ring {
	int kick, call, err;  /* eventfds, made once */
	bool live;	      /* the backend may touch it */
	uint16_t told;	      /* how far the driver was when the backend was notified last */
	uint16_t used_before; /* vhost_ring_used when what goes on was begun, of a packed ring */
};

/* An answer that was not waited for yet. */
struct vhost_due {
	uint32_t request;
	bool ack;	/* whether it was done: 0 */
	uint64_t value; /* else: what it said when it was asked first */
};
#define VHOST_DUE_MAX 32u

/* A backend, for as long as this process lives. */
struct vhost_user {
	struct vhost_user *next;
	const struct peer *peer;
	const struct kind *kind;
	struct vhost_side side;
	pid_t owner; /* the process that it was started by: a child that is forked starts anew */

	struct process *process; /* NULL: none, or none of ours */
	struct sockaddr_un at;	 /* where it listens */
	socklen_t at_len;
	int door; /* the file of its socket, or -1 */
	int disk;
	struct vhost_channel channel; /* fd -1: not connected */
	int backend_requests;	      /* our end, or -1 */
	struct vhost_display display;
	/* Of the wait that goes on. */
	struct process_wait wait;
	uint32_t given_up;		      /* chains that it was waited for in vain */
	uint16_t used_then[VHOST_QUEUES_MAX]; /* ... and how far its rings were used then */

	struct vhost_due due[VHOST_DUE_MAX];
	unsigned due_count;

	/* What it said of itself. */
	bool known;
	uint64_t features, offered; /* `offered` and `protocol`: of the protocol's own */
	uint64_t protocol;	    /* ... those that are used */
	uint32_t config_len;
	uint64_t queue_num;

	/* The device. */
	const struct vringer_host *host;
	uint64_t memory; /* inode of the file whose table it has; 0: none */
	uint32_t away;	 /* regions that were taken away, a bit each */
	int log_fd;	 /* of dirty pages, as long as the process lives; -1: none */
	uint8_t *log;
	size_t log_len;
	struct vringer_ring places[VHOST_QUEUES_MAX]; /* of the rings */
	struct vhost_ring rings[VHOST_QUEUES_MAX];
	bool event_idx;	 /* the driver took VIRTIO_RING_F_EVENT_IDX */
	bool packed;	 /* ... VIRTIO_F_RING_PACKED */
	bool stays_deaf; /* it was waited for in vain to ask for notifications again */
	bool live;	 /* activated */
	bool used;	 /* not as it was when it was connected to */
	bool busy;	 /* something was asked since the last rest */
	bool broken;	 /* it hung up or refused, and the driver did not reset it yet */
	bool gone;	 /* so it was reported, or is unusable */
	struct process_end end;
};

/* ---- vhost_start.c -------------------------------------------------------------- */

/* As new: connect, with a new process or connection where the old one was used. */
int vhost_renew(struct vhost_user *u, char *why);
/* ... and start none in the place of one that ends meanwhile: -ECHILD, and `end` says how. */
int vhost_reconnect(struct vhost_user *u, char *why);
/* Start it, as far as it is not running, and connect.  0; or negative errno with a line in
 * `why` (VRINGER_WHAT_MAX bytes). */
int vhost_start(struct vhost_user *u, char *why);
/* Close the connection; end the process too unless it serves another. */
void vhost_leave(struct vhost_user *u);
/* End it. */
void vhost_end(struct vhost_user *u);
/* For a channel: is it worth waiting for? */
int vhost_patience(void *user);

/* ---- vhost_session.c: 0, or what the channel says -------------------------------- */

/* Ask for features and all else that does not depend on a driver.  Of a process that was
 * asked before the answers are not waited for: the next exchange checks that they are the
 * same. */
int vhost_introduce(struct vhost_user *u);
/* A message, and its answer. */
int vhost_round_trip(struct vhost_user *u);
int vhost_get_status(struct vhost_user *u, uint8_t *status);
/* The configuration, all of it: config_len bytes. */
int vhost_get_config(struct vhost_user *u, uint8_t *bytes);
int vhost_set_config(struct vhost_user *u, uint32_t offset, const void *bytes, uint32_t len);
/* Until the next reset. */
int vhost_activate(struct vhost_user *u, uint64_t features, const struct vringer_ring *rings);
/* All live rings. */
int vhost_enable(struct vhost_user *u, bool on);
/* Stop one ring: how far it was taken. */
int vhost_stop_ring(struct vhost_user *u, unsigned queue, uint16_t *taken);
/* Stop all rings, and reset the device as far as the backend has a message for it. */
int vhost_reset(struct vhost_user *u);
/* Does the protocol have that feature, and both sides speak it? */
bool vhost_speaks(const struct vhost_user *u, enum vhost_protocol_feature feature);

/* Send a message that is answered, and receive that; what was said before is done then. */
int vhost_ask(struct vhost_user *u, struct vhost_user_msg *msg, uint32_t size_min,
	      uint32_t size_max);
/* Say it; vhost_wait says whether it was done. */
int vhost_say_acked(struct vhost_user *u, struct vhost_user_msg *msg);
/* Until all that was said is done.  -EREMOTEIO: something was refused. */
int vhost_wait(struct vhost_user *u);

/* ---- vhost_memory.c -------------------------------------------------------------- */

/* The table of regions, unless it has that already. */
int vhost_say_memory(struct vhost_user *u);
/* A region comes or goes.  -EREMOTEIO: it was refused, and stays as it was. */
int vhost_set_region(struct vhost_user *u, uint64_t addr, bool present);
/* All are there again, for the next program. */
void vhost_all_regions(struct vhost_user *u);
/* The log of dirty pages: announce it, clear it, ask it. */
int vhost_say_log(struct vhost_user *u);
void vhost_clear_log(struct vhost_user *u);
bool vhost_logged(const struct vhost_user *u, uint64_t page);

/* ---- vhost_rings.c --------------------------------------------------------------- */

/* Something that moves when the backend returns a chain of that ring, by 1, and otherwise only
 * when the driver makes one available in a packed ring. */
uint16_t vhost_ring_used(const struct vhost_user *u, unsigned queue);
/* The backend is notified of what is available in that ring. */
void vhost_ring_told(struct vhost_user *u, unsigned queue);
/* How many of the chains of that ring that were outstanding are so now, but those that it wants to
 * be notified of and was not; and *deaf: it has returned all, and is not notified of the next. */
uint32_t vhost_ring_owed(const struct vhost_user *u, unsigned queue, uint32_t outstanding,
			 bool *deaf);

/* ---- vhost_rest.c ---------------------------------------------------------------- */

/* Wait until it is at rest, then tell the host what it did.  `outstanding`: chains that it had
 * not returned, of each queue. */
void vhost_settle(struct vhost_user *u, const uint32_t *outstanding);
/* Its process ended, as u->end says: tell the host. */
void vhost_report_end(struct vhost_user *u);
/* A message failed with `err`: tell the host what that means. */
void vhost_failed(struct vhost_user *u, int err);
/* Forget what call descriptors have. */
void vhost_drain(struct vhost_user *u);

/* The log of a backend covers memory up to its end, so that must not be at 2^64. */
extern const struct peer_link peer_vhost_user, peer_vhost_user_log;

#endif
