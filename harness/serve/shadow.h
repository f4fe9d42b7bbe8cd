/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue: chains that a driver makes available in its own memory are copied into
 * the arena and made available to the device there; what the device wrote, up to used.len
 * and no further, goes back.
 *
 * The ring in the arena may be smaller than the driver's.  Where the driver's descriptors
 * fit, and are free, they keep their numbers.  Chains for which there is no room wait in
 * the driver's ring.
 */
#ifndef VRINGER_HARNESS_SERVE_SHADOW_H
#define VRINGER_HARNESS_SERVE_SHADOW_H

#include "harness/serve/driver_ring.h"
#include "harness/serve/room.h"
#include "harness/serve/step.h"

#define SHADOW_CHAINS_MAX 32u /* of a queue in the arena at a time */

struct shadow_buffer {
	uint64_t addr; /* the driver's */
	uint32_t len;
	bool write;    /* the device's to write */
	uint16_t desc; /* in the arena's table; SHADOW_NO_DESC: in an indirect one */
	struct room_place place;
};
#define SHADOW_NO_DESC UINT16_MAX

struct shadow_chain {
	bool held;	/* by the device */
	bool forgotten; /* the driver does not wait for it any more */
	uint16_t head;	/* in the arena */
	uint16_t driver_head;
	uint16_t number; /* of the chains that were taken */
	uint16_t place;	 /* in the driver's ring */
	uint32_t cost;	 /* bytes of room */
	unsigned direct; /* buffers in the rings' own tables */
	unsigned count;
	struct shadow_buffer *buffers;
};

struct shadow {
	unsigned queue;
	bool set_up;	 /* the device has the queue */
	bool begun;	 /* the ring of the driver was looked at, whatever came of it */
	bool running;	 /* the driver wants it served */
	bool notified;	 /* by the driver, and the device was not */
	bool owed;	 /* ... of chains that were not published then, or nobody ever notifies */
	bool fresh;	 /* published since the device was notified */
	uint16_t size;	 /* of the ring in the arena */
	bool event_told; /* what the device was told of interrupts: an event, or flags */
	uint16_t value_told;
	uint16_t taken;	  /* chains of the driver's */
	uint16_t used_at; /* of a packed ring in the arena: where the next chain is returned */
	uint32_t bytes;	  /* of room that is held */
	unsigned chain_count;
	/* What is wrong with the chain that is next, in a ring that the driver may have left: empty
	 * for nothing. */
	char doubt[DRIVER_RING_WHY_MAX];
	uint64_t descs[GUEST_QUEUE_SIZE_MAX / 64]; /* in use */
	struct driver_ring ring;
	struct shadow_chain chains[SHADOW_CHAINS_MAX];
	struct shadow_buffer *buffers; /* of all chains */
};

/* What shadows of one session share. */
struct shadow_world {
	struct steps steps;
	struct room room;
	const struct driver_memory *memory;
	uint32_t share;		     /* bytes of room that a queue may fill */
	uint64_t chains, interrupts; /* returned; signalled */
	struct driver_chain chain;   /* the one that is looked at */
	char why[DRIVER_RING_WHY_MAX];
};

/* The device has that queue from now on, with `size` entries.  0 or -ENOMEM. */
int shadow_set_up(struct shadow *shadow, unsigned queue, uint16_t size);
/* The device does not have it any more: nothing is held. */
void shadow_reset(struct shadow *shadow, struct shadow_world *world);
void shadow_close(struct shadow *shadow);
/* The driver's ring is there, or somewhere else than it was.  0 or -EPROTO. */
int shadow_begin(struct shadow *shadow, struct shadow_world *world,
		 const struct driver_ring_setup *setup);
/* The driver stops the ring: where it is to go on (driver_ring_base).  What the device holds is
 * forgotten. */
uint32_t shadow_stop(struct shadow *shadow);
/* Publish what the driver made available, as much as there is room for; `look`: up to what
 * its index is now, else up to what it was.  A device may look at a ring without being
 * notified, so this comes before every call of the device.  0, or -EPROTO. */
int shadow_publish(struct shadow *shadow, struct shadow_world *world, bool look);
/* Notify the device, if the driver did. */
int shadow_notify(struct shadow *shadow, struct shadow_world *world);
/* Give back what the device returned.  1: the driver wants to be interrupted; 0; -EPROTO. */
int shadow_collect(struct shadow *shadow, struct shadow_world *world);

#endif
