/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the ledger share: ledger.c (rules and findings),
 * ledger_regs.c (registers and status), ledger_show.c (what they read as), ledger_ring.c (queues
 * and chains), ledger_desc.c (descriptors), ledger_chain.c (what a chain permits), ledger_sound.c
 * (what is wrong with one), ledger_wakeup.c (interrupts), ledger_notify.c (notifications),
 * ledger_config.c (configuration), ledger_stream.c and ledger_loss.c (frames, and those that do not
 * come out), ledger_netheader.c (received packets), ledger_request.c and ledger_fuse.c (requests),
 * ledger_rest.c and ledger_waiting.c (at rest), and, of plain memory, ledger_plain.c and
 * ledger_survey.c.
 */
#ifndef VRINGER_HARNESS_LEDGER_INTERNAL_H
#define VRINGER_HARNESS_LEDGER_INTERNAL_H

#include "harness/arena/arena.h"
#include "harness/ledger/ledger.h"

#include <linux/virtio_ids.h>

/* Are the device's registers those of devices/mmio.h, whose answers to a driver
 * that breaks the rules are known? */
static inline bool ledger_knows_transport(const struct ledger *l)
{
	return l->target->model || l->target->transport;
}

/* Is the rule to be judged for this target?  Notes that it was. */
static inline bool ledger_judges(struct ledger *l, enum rule rule)
{
	uint64_t bit = 1ULL << rule % 64;

	if ((l->silent[rule / 64] & bit) != 0)
		return false;
	if (l->lost && (rule_table[rule].facts & FACT_REGISTERS) != 0) {
		l->not_judged[rule / 64] |= bit;
		return false;
	}
	l->judged[rule / 64] |= bit;
	return true;
}

/* What taking a chain, and each of its descriptors, allows a device to do. */
#define LEDGER_CHAIN_BYTES 64u
#define LEDGER_CHAIN_ACCESSES 16u
#define LEDGER_DESC_BYTES 64u
#define LEDGER_DESC_ACCESSES 8u

static inline uint16_t ledger_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ledger_get32(const uint8_t *p)
{
	return ledger_get16(p) | (uint32_t)ledger_get16(p + 2) << 16;
}

static inline uint64_t ledger_get64(const uint8_t *p)
{
	return ledger_get32(p) | (uint64_t)ledger_get32(p + 4) << 32;
}

/* One access of a ring, taken apart. */
struct ring_access {
	struct ledger *l;
	struct ledger_queue *q;
	struct ledger_pending *pending; /* of q */
	struct guest_why why;
	bool write;
	uint64_t addr;
	const uint8_t *data;
	uint32_t len;
	int err;
};

/* The device read a descriptor, or several of an indirect table. */
void ledger_desc_read(const struct ring_access *a);

/* What registers show: a 4-byte read of one, and InterruptStatus. */
void ledger_judge_read(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value);
void ledger_judge_interrupt_status(struct ledger *l, uint32_t shown);

/* Queues. */
void ledger_queue_start(struct ledger *l, struct ledger_queue *q);
/* The device has no business with the queue any more. */
void ledger_queue_stop(struct ledger *l, struct ledger_queue *q);

/* Chains.  hold_find: LEDGER_NONE if the device holds no such chain. */
uint32_t ledger_hold_find(struct ledger *l, struct ledger_queue *q, uint16_t walk);
uint32_t ledger_hold_take(struct ledger *l, struct ledger_queue *q, uint16_t walk, uint16_t head);
void ledger_hold_drop(struct ledger *l, struct ledger_queue *q, uint32_t index);
void ledger_hold_add(struct ledger *l, struct ledger_hold *hold, uint64_t addr, uint32_t len,
		     bool writable);
/* The device read or wrote payload bytes of a chain. */
void ledger_payload(struct ledger *l, struct ledger_queue *q, const struct arena_access *access);
/* Which buffers the chain has, if all of it is known, nothing about it is wrong as the
 * device read it, and no access for it failed; else 0. */
enum { CHAIN_READABLE = 1, CHAIN_WRITABLE = 2, CHAIN_REQUEST = 3 };
unsigned ledger_hold_kinds(const struct ledger *l, const struct ledger_hold *hold);
/* Did the device leave it before its end, though all that it read is of these kinds, and
 * nothing about that is wrong? */
bool ledger_hold_is_left(const struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 unsigned kinds);
/* Were all of the first `len` device-writable bytes written? */
bool ledger_hold_covers(const struct ledger *l, const struct ledger_hold *hold, uint32_t len);

/* What the driver says about interrupts, as the device read it (err: it could
 * not), what the device says about notifications, and what it raised. */
void ledger_index_moved(struct ledger_queue *q, uint16_t used_idx);
void ledger_flags_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t flags);
void ledger_event_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t event);
void ledger_flags_written(struct ledger *l, unsigned queue, uint16_t flags);
void ledger_fields_forget(struct ledger *l);
/* The device said whether a queue's driver is to notify it, or something that is not
 * known; at rest: may it be silent about queue `i`? */
void ledger_notify_said(struct ledger *l, unsigned queue, bool wanted);
void ledger_notify_unknown(struct ledger_queue *q);
void ledger_notify_rest(struct ledger *l, unsigned i);
void ledger_judge_config(struct ledger *l, uint32_t set, const struct ledger_probe *probe);
/* At rest: did the interrupt come that queue `i` still waits for? */
void ledger_wakeup_rest(struct ledger *l, unsigned i);

/* Streams, of a target that has one.  access: of payload that the device may
 * access, found at hold->cursor, and did.  out: a chain was returned. */
void ledger_stream_access(struct ledger *l, struct ledger_hold *hold,
			  const struct arena_access *access);
/* ... of a chain that is not known, NULL, or not whole. */
void ledger_stream_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write);
void ledger_stream_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		       uint32_t len);
/* The place of the frame that came `nth`, of those that are kept. */
static inline struct ledger_digest *ledger_stream_frame(struct ledger_stream *s, unsigned nth)
{
	return &s->frames[(s->first + nth) % LEDGER_FRAMES_MAX];
}

/* What was given and does not come out (ledger_loss.c), of streams that say what the
 * device takes.  read: bytes of a frame's chain were.  given: a frame came from an
 * end.  gone: so many frames were passed over by one that came out.  matched: that
 * one came out of `stream`, whose frame equals it; NULL: which one it was is not known.
 * away: a frame passed at an end.  returned: a chain was, after ledger_stream_out.
 * settle: is there a cause, before more happens?  fault: an access for that queue failed.
 * end: of a call.  rest: at rest, counters known or not. */
void ledger_loss_read(struct ledger *l, struct ledger_stream *s, const struct ledger_hold *hold,
		      struct ledger_digest *frame, const struct arena_access *access);
void ledger_loss_given(struct ledger *l, struct ledger_stream *s, const uint8_t *frame,
		       uint32_t len);
void ledger_loss_gone(struct ledger *l, struct ledger_stream *s, unsigned count);
void ledger_loss_matched(struct ledger *l, unsigned to, const struct ledger_stream *stream,
			 const struct ledger_digest *frame);
void ledger_loss_away(struct ledger *l, enum frame_end end, const uint8_t *frame, uint32_t len);
void ledger_loss_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			  uint32_t len);
void ledger_loss_settle(struct ledger *l, struct ledger_stream *s);
void ledger_loss_fault(struct ledger *l, unsigned queue);
void ledger_loss_end(struct ledger *l);
void ledger_loss_rest(struct ledger *l);

/* The device returned a chain that it must use, as it read it itself, and read or
 * wrote too little of it, or left it: is it for how it is cut, or for nothing? */
void ledger_refused(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		    const char *what);
/* Did an allocation of the device fail in this call? */
static inline bool ledger_starved(const struct ledger *l)
{
	return l->heap->failures != l->call.heap_failures;
}
/* What the device does with a queue, or any, can no longer be followed. */
void ledger_stream_lose(struct ledger *l);
void ledger_stream_rest(struct ledger *l);
/* Reset: nothing is on its way. */
void ledger_stream_forget(struct ledger *l);

/* A used ring that passes 2^64 has entries that are nowhere: a device that
 * notices need not try to write them. */
static inline bool ledger_used_ring_wraps(const struct ledger_queue *q)
{
	return ring_wraps(&ring_split, VIRTQUEUE_DEVICE, q->size, q->used);
}
/* At rest, of a target with streams: frames that wait. */
void ledger_waiting_rest(struct ledger *l, const void *device);
/* May there be a chain on queue `i`, as far as the device can know? */
bool ledger_may_have_room(const struct ledger *l, unsigned i);

/* Received packets, of a network device.  is_net: do that queue's chains carry
 * them?  written: bytes of such a chain, found at hold->cursor.  out: it was
 * returned.  moved: with the chains before it; lost: there were others. */
static inline bool ledger_is_net(const struct ledger *l, unsigned queue)
{
	return queue == 0 && l->target->device_id == VIRTIO_ID_NET;
}
void ledger_net_written(struct ledger *l, struct ledger_hold *hold, uint64_t addr,
			const uint8_t *data, uint32_t len);
void ledger_net_out(struct ledger *l, const struct ledger_hold *hold, uint32_t len);
void ledger_net_moved(struct ledger *l, bool lost);
/* May a device refuse to send a packet with these in its header?  A driver that
 * negotiated nothing sets neither. */
bool ledger_net_may_refuse(const struct ledger *l, unsigned flags, unsigned gso_type);
/* Is that frame, which is to be received, beyond the MTU that was negotiated? */
bool ledger_net_is_oversize(const struct ledger *l, const uint8_t *frame, uint32_t len);

/* Of a device on plain memory: around a call (unsure: what the device makes of it is
 * not known); at rest; and its queue `i` there. */
void ledger_plain_begin(struct ledger *l, bool unsure);
void ledger_plain_end(struct ledger *l);
void ledger_plain_rest(struct ledger *l);
void ledger_plain_stuck(struct ledger *l, unsigned i);

/* An access without a purpose. */
void ledger_untold(struct ledger *l, bool write, uint64_t addr, uint32_t len, int err);
/* Digests: of bytes in the order in which they come. */
void ledger_digest_add(struct ledger_digest *digest, const uint8_t *data, uint32_t len);
bool ledger_digest_equal(const struct ledger_digest *a, const struct ledger_digest *b);

/* Ports, of a target that has them.  access: as ledger_stream_access, or one that failed.
 * out: a chain was returned.  forget: reset. */
void ledger_port_access(struct ledger *l, struct ledger_hold *hold,
			const struct arena_access *access);
void ledger_port_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		     uint32_t len);
/* What the device does with a queue can no longer be followed. */
void ledger_port_lose(struct ledger *l, unsigned queue);
void ledger_port_rest(struct ledger *l);
/* May it be that the device waits for the host, as it says? */
bool ledger_port_may_wait(const struct ledger *l);
void ledger_port_forget(struct ledger *l);

/* The dialogue, of a target that has one. */
void ledger_dialogue_access(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			    bool write);
void ledger_dialogue_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 uint32_t len);
/* At rest: is anything due that there is room for? */
void ledger_dialogue_rest(struct ledger *l);

/* Requests, of a target that has some.  access: as ledger_port_access.  out: a chain
 * was returned.  forget: by a reset, or what came before is not known, since of
 * some chain nothing is. */
void ledger_request_access(struct ledger *l, struct ledger_hold *hold,
			   const struct arena_access *access);
void ledger_request_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len);
void ledger_request_forget(struct ledger *l, bool reset);

/* FUSE requests and replies (ledger_fuse.c).  head: the first bytes of a request or
 * reply are kept.  access, out: as those of requests. */
void ledger_head_add(struct ledger_hold *hold, const struct arena_access *access);
void ledger_fuse_access(struct ledger *l, struct ledger_hold *hold,
			const struct arena_access *access);
void ledger_fuse_out(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		     uint32_t len);

/* The sum of these counters, ended by -1. */
static inline uint64_t ledger_add_up(const struct ledger *l, const int16_t *terms)
{
	uint64_t sum = 0;

	while (*terms >= 0)
		sum += l->counters[*terms++];
	return sum;
}

/* Is there a queue of that number now? */
bool ledger_queue_exists(const struct ledger *l, unsigned i);

/* After a call, the one that resets too: how much it did. */
void ledger_judge_work(struct ledger *l);
/* After any other call: what must follow at once. */
void ledger_call_end(struct ledger *l, uint32_t old_status, const struct ledger_probe *probe);

#endif
