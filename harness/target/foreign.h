/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The device of a description of vringer.h as a target: what vringer.h promises its
 * author, on top of what target.h asks for.  Our own models come this way too.
 *
 * foreign.c checks the description and makes a target of it; foreign_tables.c and
 * foreign_backend.c do so for its tables and for what is behind the device.
 * foreign_device.c has the life and the calls of a device, foreign_settle.c what is
 * around each, foreign_act.c the calls of its host, foreign_host.c what it stands on,
 * foreign_activated.c puts our transport over one that has none, foreign_probe.c asks one
 * that knows itself only when it runs, and foreign_targets.c is the table of what was
 * registered.
 *
 * A violation of the interface ends the process: in the description, with one line and
 * exit status 2; by a running device, with abort(), so that the stack shows where it
 * happened.
 */
#ifndef VRINGER_HARNESS_FOREIGN_H
#define VRINGER_HARNESS_FOREIGN_H

#include "devices/device.h"
#include "devices/mmio.h"
#include "harness/arena/arena.h"
#include "harness/program/program.h"
#include "harness/target/target.h"
#include "harness/target/vringer.h"

#include <pthread.h>

#define FOREIGN_COUNTERS_MAX 64u /* and those of our transport */
#define FOREIGN_RULES_MAX 128u	 /* disagreements */
#define FOREIGN_SUMS_MAX 12u
#define FOREIGN_SHM_MAX 8u
#define FOREIGN_SETTLE_MS 1000u
#define FOREIGN_SETTLES 10u	    /* times that it is waited for */
#define FOREIGN_SETTLE_CPU_MS 2000u /* but not after it used so much CPU time */

struct foreign;

/* A device.  There are two at a time while one is restored from a snapshot. */
struct foreign_device {
	struct foreign *foreign;
	struct foreign_device *next; /* that is not in use */
	bool threads;		     /* it settles */
	void *device;		     /* the author's */
	struct mmio *mmio;	     /* our transport over it; NULL at the level of registers */
	struct device *dev;	     /* ... and the part of it that all models have */
	bool activated;
	const struct target_listener *listener; /* who hears of frames and interrupts */
	bool hung;				/* `settle` said so */
	bool gone;				/* host->report said so */
	/* What the driver wrote to Status, QueueReady and QueueSel, for settle_queues. */
	bool live;
	uint64_t ready;
	uint32_t queue_sel;
	uint64_t calls; /* in progress: 0 or 1 */
	pthread_mutex_t lock;
	const struct device_host *inner;		  /* what the harness gave */
	struct device_host transport;			  /* what our transport stands on */
	struct vringer_host host;			  /* what the author's device stands on */
	struct vringer_region regions[ARENA_REGIONS_MAX]; /* of plain memory */
	uint64_t counters_from[FOREIGN_COUNTERS_MAX];	  /* where they stood when the run began */
};

struct foreign {
	struct target target; /* first: the harness hands this back */
	struct vringer_target given;
	/* What it points to, as far as this version goes; all 0 where it is NULL. */
	struct vringer_backend backend;
	struct vringer_kept kept;
	struct vringer_snapshots snapshots;
	struct vringer_calls calls;
	struct vringer_kind kind;
	struct device_ops ops; /* of a device under our transport */
	struct device_queue_desc queues[PROGRAM_QUEUES];
	struct target_sum sums[2 * FOREIGN_SUMS_MAX + 1];
	struct target_disagreement disagreements[FOREIGN_RULES_MAX + 1];
	struct target_field fields[TARGET_FIELDS_MAX];
	struct target_region shm[FOREIGN_SHM_MAX];
	struct device_shm transport_shm[FOREIGN_SHM_MAX]; /* the same, as our transport has it */
	struct target_request requests[TARGET_REQUESTS_MAX];
	struct target_stream streams[TARGET_STREAMS_MAX];
	struct target_port ports[TARGET_PORTS_MAX];
	struct target_ask asks[TARGET_ANSWERS_MAX];
	struct target_answer answers[TARGET_ANSWERS_MAX];
	struct target_dialogue dialogue;
	struct foreign_device *spare; /* those that are not in use */
	uint64_t offered_high;	      /* what the next device offers */
	char fault[200];
	bool probed;
	int probe_err;			/* what the probe came to */
	char unusable[TARGET_WHAT_MAX]; /* why; or why the last `create` failed */
};

/* Make f->target from `given`, which must stay valid as long as f.  NULL, or what is
 * wrong with it, as a phrase that follows its name. */
const char *foreign_open(struct foreign *f, const struct vringer_target *given);

/* Parts of foreign_open: each checks what the description says of its matter and puts it
 * into f->target.  NULL, or what is wrong. */
const char *foreign_parts_fault(struct foreign *f);
const char *foreign_tables_fault(struct foreign *f);
const char *foreign_backend_fault(struct foreign *f);
const char *foreign_requests(struct foreign *f);
/* Are these, separated by blanks, counters of the target's, or those that vringer keeps
 * of one of its queues?  `what`: what names them, "a sum". */
const char *foreign_terms_fault(struct foreign *f, const char *what, const char *list);
/* Is it a queue of the target's? */
bool foreign_is_queue(const struct foreign *f, uint32_t queue);

/* Calls of the author's device are bracketed, so that a host call outside of
 * them is seen; leave waits until its threads are at rest. */
void foreign_enter(struct foreign_device *d);
void foreign_leave(struct foreign_device *d);
/* Before a register of the author's is written. */
void foreign_watch(struct foreign_device *d, uint64_t offset, const void *buf, uint32_t len);

/* What a device of d->foreign stands on, once; and for a new one, when d->inner is there. */
void foreign_host_init(struct foreign_device *d);
void foreign_host_begin(struct foreign_device *d);
/* The author's device broke the contract of vringer.h: does not return. */
void foreign_abort(const struct foreign_device *d, const char *call, const char *what)
	__attribute__((noreturn));

/* f->target with what `probe` found. */
void foreign_probe_init(struct foreign *f);
/* What the device reports of itself. */
void foreign_report(struct foreign_device *d, uint32_t kind, const char *signature,
		    const char *message);

/* The calls of f->target, and f->ops; those of the device's host and snapshots apart. */
void foreign_target_init(struct foreign *f);
void foreign_act_init(struct foreign *f);
void foreign_ops_init(struct foreign *f);

#endif
