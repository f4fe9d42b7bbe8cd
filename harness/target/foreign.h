/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that is not ours as a target: what vringer.h promises its author, on
 * top of what target.h asks for.
 *
 * foreign.c checks the description and makes a target of it, foreign_device.c
 * has the life and the calls of a device, foreign_host.c what it stands on,
 * foreign_activated.c puts our transport over one that has none, and
 * foreign_targets.c is the table of what was registered.
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

#define FOREIGN_COUNTERS_MAX 48u /* and those of our transport */
#define FOREIGN_RULES_MAX 128u	 /* disagreements */
#define FOREIGN_SUMS_MAX 8u
#define FOREIGN_SETTLE_MS 1000u
#define FOREIGN_SETTLES 10u	    /* times that it is waited for */
#define FOREIGN_SETTLE_CPU_MS 2000u /* but not after it used so much CPU time */

struct foreign;

/* The one device of a target that there is at a time. */
struct foreign_device {
	struct foreign *foreign;
	void *device;	    /* the author's */
	struct mmio *mmio;  /* our transport over it; NULL at the level of registers */
	struct device *dev; /* ... and the part of it that all models have */
	bool activated;
	const struct target_listener *listener; /* who hears whose an interrupt is */
	uint64_t offered_high;			/* what the next one offers */
	bool hung;				/* `settle` said so */
	uint64_t calls;				/* in progress: 0 or 1 */
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
	struct device_ops ops; /* of a device under our transport */
	struct device_queue_desc queues[PROGRAM_QUEUES];
	struct target_sum sums[FOREIGN_SUMS_MAX + 1];
	struct target_disagreement disagreements[FOREIGN_RULES_MAX + 1];
	struct foreign_device device;
	char fault[200];
};

/* Make f->target from `given`, which must stay valid as long as f.  NULL, or what is
 * wrong with it, as a phrase that follows its name. */
const char *foreign_open(struct foreign *f, const struct vringer_target *given);

/* Calls of the author's device are bracketed, so that a host call outside of
 * them is seen; leave waits until its threads are at rest. */
void foreign_enter(struct foreign_device *d);
void foreign_leave(struct foreign_device *d);

/* What a device of f stands on; d->inner is there. */
void foreign_host_init(struct foreign_device *d);
/* The author's device broke the contract of vringer.h: does not return. */
void foreign_abort(const struct foreign_device *d, const char *call, const char *what)
	__attribute__((noreturn));
/* A host call begins and ends. */
void foreign_host_enter(struct foreign_device *d, const char *call);
void foreign_host_leave(struct foreign_device *d);

/* The calls of f->target, and f->ops. */
void foreign_target_init(struct foreign *f);
void foreign_ops_init(struct foreign *f);

#endif
