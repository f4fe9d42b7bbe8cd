/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The backend of a network card, directed by a script: frames for the guest, frames
 * that the guest sent, and how it answers the device.
 *
 * Every frame is told to vringer's host, so that the judge need not trust the device's
 * counters.
 *
 * Refused: more than WIRE_FRAMES frames for the guest at a time.  Of what the
 * guest sent the last WIRE_FRAMES are kept, and of a frame WIRE_BYTES.
 */
#ifndef VRINGER_HARNESS_WIRE_H
#define VRINGER_HARNESS_WIRE_H

#include "harness/target/vringer.h"

#include <stdbool.h>

#define WIRE_FRAMES 64u
#define WIRE_BYTES 2048u
#define WIRE_GARBAGE 0x5a

struct wire_frame {
	uint32_t len;
	uint8_t bytes[WIRE_BYTES];
};

struct wire_line {
	unsigned first, count;
	struct wire_frame frames[WIRE_FRAMES];
};

/* What the host was told to do. */
struct wire_orders {
	unsigned held;		       /* the last of `in`: not there yet */
	uint32_t hold;		       /* sends until they are */
	uint32_t refuse, refuse_taken; /* so many sends, of each so many bytes taken */
	bool pretends;
	uint32_t pretended;
};

struct wire {
	const struct vringer_host *host; /* who is told */
	struct wire_orders orders;
	bool told; /* the device knows of frames that are there, if there are any */
	struct wire_line in, out;
};

/* What a network model calls (devices/net.h); `ctx` is a struct wire. */
int64_t wire_send(void *ctx, const uint8_t *frame, uint32_t len);
uint32_t wire_waiting(void *ctx);
int64_t wire_receive(void *ctx, uint8_t *frame, uint32_t room);

/* As a wire that nothing was done to; the host stays. */
void wire_reset(struct wire *wire);
/* What was done to `old`, which then is as after wire_reset, was done to `wire`,
 * which is so before; each keeps its host. */
void wire_take_over(struct wire *wire, struct wire *old);
/* A frame for the guest: false if there is no room.  Whether it is there at once
 * is for wire_holds to say: if so, the device is to be told. */
bool wire_put(struct wire *wire, const uint8_t *frame, uint32_t len);
bool wire_holds(const struct wire *wire);
/* How many frames are there that the device was told of, or saw. */
uint32_t wire_due(const struct wire *wire);
/* The oldest frame that the guest sent and that was not taken, its first `max`
 * bytes; how many, 0: there is none. */
uint32_t wire_take(struct wire *wire, uint8_t *frame, uint32_t max);
/* order: enum vringer_order. */
void wire_order(struct wire *wire, uint32_t order, uint32_t count, uint32_t amount);
/* Tell the host: of a frame, and of a call of the host. */
void wire_tell(const struct wire *wire, enum vringer_end end, const uint8_t *frame, uint32_t len);
void wire_called(const struct wire *wire);

#endif
