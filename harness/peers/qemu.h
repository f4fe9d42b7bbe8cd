/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * QEMU with a virtio-mmio device, behind its qtest socket, as a target.
 *
 * All of QEMU's memory is the file of the one region that the device gets.  What lies below
 * that region is memory to QEMU and none to the driver: a driver may point a device at it,
 * so what is written there is no fault, and it is zero again for each device.  QEMU's
 * processor is halted.  One process serves many devices, one after the other: the machine
 * is reset between them, by the keyboard controller; a process where that does not work is
 * replaced.
 *
 * Words in an entry's arguments, and in a user's command:
 *   {memory} {size}  the file of guest memory, and how long it is: "448k"
 *   {bios}           a file of 64 KiB that halts the processor
 *   {qtest} {qmp}    numbers of descriptors: connected sockets
 *   {line0} {line1}  numbers of descriptors: what is behind the device
 *   {disk}           a file of QEMU_DISK_SIZE zero bytes, for each device anew
 * The device is the first from the last slot down that is of the entry's kind.  With
 * id=vringer on it, QMP is asked when it is at rest.
 *
 * qemu.c has the process, qemu_device.c the registers, qemu_ahead.c what is known of them,
 * qemu_rest.c when the device is at rest, qemu_host.c what the host does to the
 * device, qemu_sides.c what is behind each device.
 */
#ifndef VRINGER_HARNESS_QEMU_H
#define VRINGER_HARNESS_QEMU_H

#include "harness/peers/host_line.h"
#include "harness/peers/peers.h"
#include "harness/peers/process.h"
#include "harness/peers/qmp.h"
#include "harness/peers/qtest.h"

#include <sys/types.h>

#define QEMU_DISK_SIZE (1u << 20)
#define QEMU_TOGETHER 14u
#define QEMU_SELECTORS 4u
#define QEMU_HOLE (64u << 10) /* bytes of its memory that the driver has not */

#define QEMU_LINES_MAX 2u

struct qemu;

/* What an entry says of its device: host_side. */
struct qemu_side {
	bool asynchronous; /* it goes on when a call has returned: threads, files */
	/* It keeps no chain, but until it has dealt with it: where some are out, QMP knows
	 * whether it is still at one.  Implied by `asynchronous`. */
	bool keeps_none;
	bool frames;   /* its lines carry frames, and bytes otherwise */
	uint8_t lines; /* at most QEMU_LINES_MAX: ports of its backend, in their order */
	/* Both by QMP.  NULL or: the host wants that number, another than before; 1: done, 0:
	 * it cannot be had, or negative errno of the connection.  NULL or: undo what outlasts a
	 * reset of the machine, which was just done; false: it cannot be. */
	int (*want)(struct qemu *q, uint32_t value);
	bool (*renew)(struct qemu *q);
};

/* The host's sides (qemu_sides.c), and what an entry says with them: `backend`, `requests`. */
extern const struct qemu_side qemu_side_blk, qemu_side_net, qemu_side_console,
	qemu_side_console_alone, qemu_side_balloon;
extern const struct vringer_backend qemu_backend_blk, qemu_backend_net, qemu_backend_console,
	qemu_backend_console_alone, qemu_backend_balloon;
extern const struct vringer_request qemu_requests_net[], qemu_requests_console[];

extern const struct peer_link peer_qtest;

/* A process, and the device that it is now. */
struct qemu {
	struct qemu *next;
	const struct peer *peer;
	const struct qemu_side *side;
	dev_t file_dev; /* which file its memory is */
	ino_t file_ino;
	struct process *process; /* NULL: it is gone */
	int sockets[2];		 /* qtest and QMP */
	int disk;		 /* or -1 */
	uint64_t size;		 /* of its memory */
	uint8_t *hole;
	bool resets; /* the machine can be reset: it was tried */
	bool in_use;

	struct qtest qtest;
	struct qmp qmp;
	bool has_qmp;
	uint64_t base; /* of the registers */
	/* Of the question that it does not answer. */
	unsigned waited;
	struct process_wait wait;
	struct process_end end; /* why it was not waited for any longer */

	/* The device. */
	const struct vringer_host *host;
	bool known; /* ... are Status and InterruptStatus, and nobody changed them since */
	uint32_t status, interrupts;
	uint32_t told; /* bits of InterruptStatus that host->interrupt was called for */
	bool has_ahead;
	uint32_t ahead[QEMU_TOGETHER]; /* registers that were read with others, up to a write */
	bool selected[QEMU_SELECTORS]; /* that selector holds what was written to it: */
	uint32_t selectors[QEMU_SELECTORS];
	bool set_ready; /* QueueReady was written last, so it is looked at too */
	bool has_ready; /* ... and this is what it reads */
	uint32_t ready;
	unsigned answered; /* questions since the last write that changed something */
	bool worked;	   /* this call may have made it work */
	bool live;	   /* DRIVER_OK is what was written to Status last */

	/* What is behind it (qemu_host.c). */
	struct line lines[QEMU_LINES_MAX];
	unsigned line_count; /* that are open */
	uint32_t wanted;     /* the number that the host wants of it: 0 in a new device */
	/* A frame went in, and it may keep it: until fewer chains of the receive queue than
	 * these are outstanding. */
	bool keeps;
	uint32_t keeps_until;
};

/* A process with that memory and a device as after a reset; NULL with one line in `why`
 * (VRINGER_WHAT_MAX bytes). */
struct qemu *qemu_take(const struct peer *peer, int fd, uint64_t size, char *why);
/* It may be taken again. */
void qemu_give_back(struct qemu *q);
/* End the process.  `q` stays until it is given back. */
void qemu_stop(struct qemu *q);
/* The socket failed with `err`: why, of a process that is ended now. */
void qemu_explain(struct qemu *q, int err, struct process_end *end);

/* Status and InterruptStatus were read. */
void qemu_tell(struct qemu *q);
/* Look at them, when all before is done; false: it is gone. */
bool qemu_look(struct qemu *q);
/* Let its main loop come round that often, and look. */
void qemu_come_round(struct qemu *q, unsigned rounds);
/* The device may have something to do: let it begin.  qemu_settle waits for the end. */
void qemu_work(struct qemu *q);
/* vringer_target's `settle_queues`. */
int32_t qemu_settle(void *device, uint32_t ms, const uint32_t *outstanding);
/* The socket failed with `err`, in a call of the device: tell that it is gone. */
void qemu_lose(struct qemu *q, int err);

/* Open its lines, as its side has them, before it starts: 0 or negative errno.  Close. */
int qemu_host_open(struct qemu *q);
void qemu_host_close(struct qemu *q);
/* Nothing is left of an earlier device behind this one; false: that cannot be had.  The
 * machine was just reset. */
bool qemu_host_renew(struct qemu *q);
/* The device is reset. */
void qemu_host_reset(struct qemu *q);
/* How many chains are outstanding, at the end of a call and before qemu_host_rest. */
void qemu_host_seen(struct qemu *q, const uint32_t *outstanding);
/* Pass on what was given, and take what comes, until nothing moves. */
void qemu_host_rest(struct qemu *q, const uint32_t *outstanding, bool waiting);
/* vringer_backend's `act`. */
uint32_t qemu_host_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len);
/* Give a QMP command, after all that was posted: 0, -EREMOTEIO (refused), or an error of the
 * connection. */
int qemu_command(struct qemu *q, const char *command, const char *arguments);

/* Registers that are read one after the other, all at once, and Status and InterruptStatus
 * with them: 0 or an error of the connection. */
int qemu_read_together(struct qemu *q);
/* The selectors at first. */
int qemu_select_first(struct qemu *q);
/* Something changed: nothing that was read is known to hold. */
void qemu_forget(struct qemu *q);
/* ... where that is about to be written.  `stores`: it changes what is read there, no more. */
void qemu_forget_for(struct qemu *q, uint64_t offset, uint64_t value, uint32_t len, bool stores);
/* A register of four bytes that is known, or that is read with others; false: it is neither. */
bool qemu_read_known(struct qemu *q, uint64_t offset, uint32_t *value);
/* `count` registers at once. */
int qemu_read(struct qemu *q, struct qtest_access *accesses, unsigned count);

#endif
