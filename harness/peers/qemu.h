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
 *   {disk}           a file of QEMU_DISK_SIZE zero bytes, for each device anew
 *   {wire}           number of a datagram socket behind which nobody reads
 * The device is the first from the last slot down that is of the entry's kind.  With
 * id=vringer on it, QMP is asked when it is at rest.
 *
 * qemu.c has the process, qemu_device.c the registers.
 */
#ifndef VRINGER_HARNESS_QEMU_H
#define VRINGER_HARNESS_QEMU_H

#include "harness/peers/peers.h"
#include "harness/peers/process.h"
#include "harness/peers/qmp.h"
#include "harness/peers/qtest.h"

#include <sys/types.h>

#define QEMU_DISK_SIZE (1u << 20)
#define QEMU_TOGETHER 12u
#define QEMU_HOLE (64u << 10) /* bytes of its memory that the driver has not */

/* What an entry says of its device: host_side. */
struct qemu_side {
	bool asynchronous; /* it goes on when a call has returned: threads, files */
};

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
	int wire_end;		 /* where nobody reads; or -1 */
	uint8_t *hole;
	bool resets; /* the machine can be reset: it was tried */
	bool in_use;

	struct qtest qtest;
	struct qmp qmp;
	bool has_qmp;
	uint64_t base; /* of the registers */
	/* Of the question that it does not answer. */
	unsigned waited;
	uint64_t waited_cpu;
	struct process_end end; /* why it was not waited for any longer */

	/* The device. */
	const struct vringer_host *host;
	bool known; /* ... are Status and InterruptStatus, and nobody changed them since */
	uint32_t status, interrupts;
	uint32_t told; /* bits of InterruptStatus that host->interrupt was called for */
	bool has_ahead;
	uint32_t ahead[QEMU_TOGETHER]; /* registers that were read with others, up to a write */
	bool worked;		       /* this call may have made it work */
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

/* `count` registers at once. */
int qemu_read(struct qemu *q, struct qtest_access *accesses, unsigned count);

#endif
