/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A ring in a driver's memory, from the device's side: the chains that the driver makes
 * available, and the used entries that it gets back (VIRTIO 2.7, the split ring).
 *
 * Indices, descriptors and tables are the driver's word: each is read once and checked, and
 * every walk is bounded by the size of the ring.  What is wrong is one line in `why`.
 *
 * It knows no device and copies no buffer.
 */
#ifndef VRINGER_HARNESS_SERVE_DRIVER_RING_H
#define VRINGER_HARNESS_SERVE_DRIVER_RING_H

#include "harness/serve/memory.h"

#define DRIVER_RING_MAX 1024u	/* entries: the largest that any driver here uses */
#define DRIVER_RING_WHY_MAX 120 /* bytes of a line that says what is wrong */

struct driver_buffer {
	uint64_t addr; /* the guest's */
	uint32_t len;
	uint16_t flags; /* VRING_DESC_F_*, as the driver has them */
	uint16_t index; /* in its table */
};

/* A chain, as the driver wrote it. */
struct driver_chain {
	uint16_t head;	 /* what the driver knows it by */
	unsigned direct; /* buffers in the ring's own table; the last may stand for a table */
	unsigned count;	 /* of all, those in the indirect table after the others */
	bool indirect;	 /* buffer direct - 1 is that table */
	struct driver_buffer buffers[2 * DRIVER_RING_MAX];
};

struct driver_ring_setup {
	unsigned queue; /* for messages */
	uint16_t size, base;
	uint64_t desc, avail, used; /* the front-end's own addresses */
	bool event_idx, indirect;
	/* The driver has no way to say that it resets the device.  Linux, in user mode, does so,
	 * takes back what it made available, and disables the rings only then. */
	bool takes_back;
};

struct driver_ring {
	struct driver_ring_setup setup;
	const uint8_t *desc;
	uint16_t *avail, *used;
	uint16_t next_avail; /* entry that is read next */
	uint16_t seen;	     /* available index, at the last look */
	uint16_t behind;     /* so far it was behind what was taken, at the last look */
	uint16_t next_used;  /* entry that is written next */
	uint16_t told;	     /* used index up to which the driver was told */
};

/* 0; or -EPROTO. */
int driver_ring_open(struct driver_ring *ring, const struct driver_memory *memory,
		     const struct driver_ring_setup *setup, char *why);
/* How far did the driver get?  0; or -EPROTO. */
int driver_ring_look(struct driver_ring *ring, char *why);
/* Is something available that was seen? */
static inline bool driver_ring_waits(const struct driver_ring *ring)
{
	return ring->next_avail != ring->seen;
}
/* The next chain that was seen, which stays available: 1; 0: there is none; or -EPROTO. */
int driver_ring_peek(const struct driver_ring *ring, const struct driver_memory *memory,
		     struct driver_chain *chain, char *why);
/* Take the one that was seen last. */
void driver_ring_take(struct driver_ring *ring);
/* A used entry; the driver does not see it yet. */
void driver_ring_put(struct driver_ring *ring, uint16_t head, uint32_t len);
/* Show the driver all entries; does it want to be interrupted? */
bool driver_ring_show(struct driver_ring *ring);
/* What the driver says of interrupts: the flags of its ring; its used_event. */
uint16_t driver_ring_flags(const struct driver_ring *ring);
uint16_t driver_ring_used_event(const struct driver_ring *ring);

#endif
