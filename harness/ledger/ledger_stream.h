/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of streams: frames between queues and the ends of a device
 * (ledger_stream.c), and those that do not come out (ledger_loss.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_STREAM_H
#define VRINGER_HARNESS_LEDGER_STREAM_H

#include "harness/ledger/ledger_digest.h"
#include "harness/target/target.h"

struct arena_access;
struct ledger;
struct ledger_hold;

#define LEDGER_FRAMES_MAX 64 /* read and not delivered, that are kept */

/* A frame that is on its way. */
struct ledger_frame {
	struct ledger_digest digest;
	uint32_t serial;
	bool whole;	  /* all of it was read, from a chain that nothing is wrong with */
	bool forgiven;	  /* ... and there is a cause for it not to come out */
	uint8_t head[2];  /* what stands before it: flags, gso_type */
	uint8_t head_len; /* bytes of that */
	uint32_t looks;	  /* at the queue that it goes to, when it came */
	/* NULL, or why a network device must not accept it (ledger_net_tunnel.c). */
	const char *fault;
};

/* A counter of a sum. */
struct ledger_term {
	int16_t counter; /* its index; -1: the last was before */
	uint32_t factor; /* it counts so many times: 1 where the list may not say */
};

/* A target_stream. */
struct ledger_stream {
	/* Of a target: the counters that say the same. */
	struct ledger_stream_counters {
		struct ledger_term entered[TARGET_SUM_TERMS_MAX + 1];
		struct ledger_term left[TARGET_SUM_TERMS_MAX + 1];
		struct ledger_term waiting[TARGET_SUM_TERMS_MAX + 1]; /* ... of those that wait */
	} counters;
	/* Of a device. */
	struct ledger_stream_device {
		bool lost; /* `left` is not known */
		uint64_t entered, left;
	} device;
	/* Until the device is reset: frames, oldest first. */
	struct ledger_stream_session {
		unsigned first, count;
		uint32_t serial;
		uint64_t passed;   /* kinds of those that were forgotten and may still come, bits */
		bool unsure;	   /* there may be frames that are not known */
		unsigned gone;	   /* passed over since the device last rested, without a cause */
		uint32_t gone_len; /* ... bytes of one of these */
	} session;
	/* Not cleared: first and count say which there are. */
	struct ledger_frame frames[LEDGER_FRAMES_MAX];
};

struct ledger_streams {
	bool owes; /* the device has not answered a frame that it must answer */
	struct ledger_stream stream[TARGET_STREAMS_MAX];
};

/* Of a chain. */
struct ledger_stream_chain {
	struct ledger_digest out; /* the frame that is written to it */
	bool carries;		  /* a frame into a stream, which has this serial there */
	uint32_t serial;
};

/* The place of the frame that came `nth`, of those that are kept. */
static inline struct ledger_frame *ledger_stream_frame(struct ledger_stream *s, unsigned nth)
{
	return &s->frames[(s->session.first + nth) % LEDGER_FRAMES_MAX];
}

/*
 * What was given and does not come out, of streams that say what the device takes.
 * read: bytes of a frame's chain were.  given: a frame came from an end.  gone: so many
 * frames were passed over by one that came out.  matched: that one came out of `stream`,
 * whose frame equals it; NULL: which one it was is not known.  away: a frame passed at an
 * end.  returned: a chain was, after the stream was told.  entry: the device writes a used
 * entry of that queue: what was read is dealt with.  failed: an access for that queue did.
 * called: a call is over.  rest: at rest, counters known or not.
 */
void ledger_loss_read(struct ledger *l, struct ledger_stream *s, const struct ledger_hold *hold,
		      struct ledger_frame *frame, const struct arena_access *access);
void ledger_loss_given(struct ledger *l, struct ledger_stream *s, const uint8_t *frame,
		       uint32_t len);
void ledger_loss_gone(struct ledger *l, struct ledger_stream *s, unsigned count);
void ledger_loss_matched(struct ledger *l, unsigned to, const struct ledger_stream *stream,
			 const struct ledger_frame *frame);
void ledger_loss_away(struct ledger *l, enum frame_end end, const uint8_t *frame, uint32_t len);
void ledger_loss_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			  uint32_t len);
void ledger_loss_entry(struct ledger *l, unsigned queue);
void ledger_loss_failed(struct ledger *l, unsigned queue);
void ledger_loss_called(struct ledger *l);
void ledger_loss_rest(struct ledger *l);

/* At rest: frames that wait (ledger_waiting.c). */
void ledger_waiting_rest(struct ledger *l, const void *device);
/* The device says that it has work left. */
void ledger_waiting_work(struct ledger *l, const void *device);

#endif
