/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A ring in a driver's memory, from the device's side: the chains that the driver makes
 * available, and the used entries that it gets back (VIRTIO 2.7, the split ring; 2.8, the
 * packed ring).
 *
 * Indices, descriptors and tables are the driver's word: each is read once and checked, and
 * every walk is bounded by the size of the ring.  What is wrong is one line in `why`.
 *
 * Positions are indices in a split ring; in a packed one they are entries, counted over two
 * laps, of which the first is that of wrap counter 1.
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
	uint16_t head;	 /* what the driver knows it by: the head, the buffer's id */
	unsigned direct; /* buffers in the ring's own table; the last may stand for a table */
	unsigned count;	 /* of all, those in the indirect table after the others */
	bool indirect;	 /* buffer direct - 1 is that table */
	struct driver_buffer buffers[2 * DRIVER_RING_MAX];
};

struct driver_ring_setup {
	unsigned queue; /* for messages */
	uint16_t size;
	bool packed;
	uint32_t base; /* where it begins, as the protocol says it: see driver_ring_base */
	bool goes_on;  /* ... which this end has said, and the driver says no other */
	/* The front-end's own addresses; of a packed ring `avail` and `used` are the event
	 * suppression of the driver and the device. */
	uint64_t desc, avail, used;
	bool event_idx, indirect;
	/* The driver has no way to say that it resets the device.  Linux, in user mode, does so,
	 * takes back what it made available, and disables the rings only then. */
	bool takes_back;
};

struct driver_ring {
	struct driver_ring_setup setup;
	const struct driver_ring_format *format;
	uint8_t *desc;
	uint16_t *avail, *used;
	uint16_t next_avail; /* position that is read next */
	uint16_t seen;	     /* ... up to which something is available, at the last look */
	uint16_t behind;     /* so far it was behind what was taken, at the last look */
	uint16_t next_used;  /* position that is written next */
	uint16_t told;	     /* ... up to which the driver was told */
	uint16_t untold;     /* of a packed ring: the flags of the entry at `told` */
};

/* What the driver says of interrupts. */
struct driver_ring_wish {
	bool event; /* it wants one when used entries pass a position; else: by flags */
	/* That position, as far as it is ahead of next_used; or VRING_AVAIL_F_NO_INTERRUPT, or 0.
	 */
	int32_t value;
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
/* Take the one that was seen last, which has `direct` buffers in the ring's own table. */
void driver_ring_take(struct driver_ring *ring, unsigned direct);
/* Give a chain back that was taken with these; the driver does not see it yet. */
void driver_ring_put(struct driver_ring *ring, uint16_t head, uint32_t len, unsigned direct);
/* Show the driver all entries; does it want to be interrupted? */
bool driver_ring_show(struct driver_ring *ring);
struct driver_ring_wish driver_ring_wish(const struct driver_ring *ring);

/* Where a ring goes on, as VRING_BASE has it, for one that is stopped with `next_avail` to be
 * read next.  Of a split ring: that index.  Of a packed one: its entry, with the wrap counter in
 * bit 15, and in the upper half those of the used entry that is written next. */
uint32_t driver_ring_base(const struct driver_ring *ring, uint16_t next_avail);

#endif
