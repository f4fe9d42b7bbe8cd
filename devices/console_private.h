/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the console share: its state, its counters, and what each
 * part does for the others.  For console*.c only.
 *
 * VIRTIO 1.4, 5.3.6 (device operation).
 */
#ifndef VRINGER_DEVICES_CONSOLE_PRIVATE_H
#define VRINGER_DEVICES_CONSOLE_PRIVATE_H

#include "chain.h"
#include "console.h"
#include "fifo.h"

/* Of each port, in the order of their names in console.c. */
enum console_port_counter {
	PORT_OUTPUT_BYTES,	   /* of chains that were taken over, lost ones too */
	PORT_OUTPUT_DROPPED,	   /* of these, lost: beyond a cap, or no host memory */
	PORT_OUTPUT_PUT_BACK,	   /* by the host */
	PORT_OUTPUT_TAKEN,	   /* by the host */
	PORT_OUTPUT_HELD,	   /* gauge: bytes that the host may take now */
	PORT_OUTPUT_CHAIN_INVALID, /* torn, writable or unreadable part, wraps */
	PORT_OUTPUT_CAPPED,	   /* a drain ended at what one call may take */
	PORT_OUTPUT_FULL,	   /* a drain ended for want of room */
	PORT_INPUT_BYTES,	   /* typed and accepted */
	PORT_INPUT_REFUSED,	   /* typed and not accepted */
	PORT_INPUT_DELIVERED,
	PORT_INPUT_PENDING,	  /* gauge */
	PORT_INPUT_DISCARDED,	  /* at reset */
	PORT_INPUT_CHAIN_INVALID, /* torn, readable part, wraps */
	PORT_INPUT_WRITE_FAILED,  /* a chain of good shape that could not be written */
	PORT_INPUT_CAPPED,
	PORT_COUNTER_COUNT
};

/* An event moves the counters named for it and no other; a chain that is of no
 * use and then cannot be returned is two events. */
enum console_counter {
	CONSOLE_PORT_COUNTERS,
	CONSOLE_CONTROL_MESSAGES = CONSOLE_PORTS * PORT_COUNTER_COUNT, /* read */
	CONSOLE_CONTROL_CHAIN_INVALID, /* not a message: also shorter than one */
	CONSOLE_CONTROL_REPEATED,      /* what was said before in this session */
	CONSOLE_CONTROL_UNKNOWN_PORT,
	CONSOLE_CONTROL_UNKNOWN_EVENT, /* or one that only a device sends */
	CONSOLE_CONTROL_BAD_VALUE,
	CONSOLE_CONTROL_PORT_FAILED, /* PORT_READY(0): the driver could not add it */
	CONSOLE_CONTROL_CAPPED,
	CONSOLE_ANSWERS_QUEUED,
	CONSOLE_ANSWERS_PUBLISHED,
	CONSOLE_ANSWERS_WAITING,   /* gauge */
	CONSOLE_ANSWERS_DISCARDED, /* at reset */
	CONSOLE_ANSWER_CHAIN_INVALID,
	CONSOLE_ANSWER_CHAIN_SMALL, /* for the message that was next */
	CONSOLE_ANSWER_WRITE_FAILED,
	CONSOLE_ANSWERS_CAPPED,
	CONSOLE_ADD_USED_FAILURES,
	CONSOLE_INVALID_AVAIL_IDX, /* a queue became poisoned */
	CONSOLE_ALLOC_FAILURES,
	CONSOLE_PUT_BACK_REFUSED, /* bytes, for want of room or host memory: port 1's */
	CONSOLE_COUNTER_COUNT
};

/* What the device says to the driver, each once a session at most.  In the order
 * of the table in console_control.c. */
enum console_answer {
	ANSWER_PORT0_ADD,
	ANSWER_PORT1_ADD,
	ANSWER_PORT0_CONSOLE,
	ANSWER_PORT0_NAME,
	ANSWER_PORT0_OPEN,
	ANSWER_PORT1_NAME,
	ANSWER_PORT1_OPEN,
	ANSWER_COUNT
};

/* Not looked at yet: a driver fills its receive queues and need not say so before
 * the device is live. */
#define CONSOLE_MORE_AT_FIRST (1u << CONSOLE_RX0 | 1u << CONSOLE_CONTROL_RX | 1u << CONSOLE_RX1)

struct console_port {
	struct fifo output, input;
	/* A transmit chain that was taken from the ring and waits for room, or for
	 * the next call: its descriptors are in console.waiting. */
	struct virtqueue_chain chain;
	uint64_t chain_len; /* bytes */
	bool has_chain;
	bool ready; /* said PORT_READY(1) */
	bool open;  /* said PORT_OPEN(1) */
};

struct console {
	struct device dev;
	struct console_port ports[CONSOLE_PORTS];
	uint8_t answers[ANSWER_COUNT]; /* waiting, oldest first */
	unsigned answer_first, answer_count;
	bool ready; /* the driver said DEVICE_READY(1) */
	/* Queues that may have chains which nobody has looked at, a bit each. */
	uint8_t more;
	bool poisoned_now; /* a queue was poisoned in this call: not signalled yet */

	/* Scratch from here on: descriptors of the chain in hand, and of those
	 * that wait. */
	struct virtqueue_buffer buffers[CONSOLE_QUEUE_SIZE_MAX];
	struct virtqueue_buffer waiting[CONSOLE_PORTS][CONSOLE_QUEUE_SIZE_MAX];
};

static inline void console_count(struct console *con, enum console_counter which)
{
	con->dev.counters[which]++;
}

static inline void console_add(struct console *con, unsigned port, enum console_port_counter which,
			       uint64_t n)
{
	con->dev.counters[CONSOLE_PORT_COUNTERS + port * PORT_COUNTER_COUNT + which] += n;
}

static inline bool console_has_more(const struct console *con, enum console_queue queue)
{
	return con->more >> queue & 1;
}

static inline void console_more(struct console *con, enum console_queue queue, bool more)
{
	con->more = (uint8_t)((con->more & ~(1u << queue)) | (unsigned)more << queue);
}

/* virtqueue_pop, with a poisoned queue counted and kept for the signal at the end
 * of the call.  A queue that has nothing is noted in `more`. */
bool console_pop(struct console *con, enum console_queue queue, struct virtqueue_chain *chain);
/* virtqueue_push; false if that failed, which was counted. */
bool console_push(struct console *con, const struct virtqueue_chain *chain, uint32_t len);

/* How many chains of that queue one call takes: at most `most`, and no more than a driver
 * that does not add to them meanwhile can have there. */
static inline unsigned console_call_chains(const struct console *con, enum console_queue queue,
					   unsigned most)
{
	unsigned size = con->dev.queues[queue].size;

	return size < most ? size : most;
}

/* Counters of what is held now, which can fall. */
void console_note_gauges(struct console *con);

/* console_snapshot.c. */
void console_save(const struct device *dev, struct snapshot_out *out);
void console_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in);

/* Of each part: do what a notification asks for, as far as one call goes, and is
 * there anything left to go on with? */

/* console_tx.c: what the guest sends. */
void console_drain_output(struct console *con, unsigned port);
bool console_output_goes_on(const struct console *con, unsigned port);
/* There is, but for want of room. */
bool console_output_waits(const struct console *con, unsigned port);
/* Before a reset: take over what is available on a live queue, return nothing. */
void console_rescue_output(struct console *con, unsigned port);

/* console_rx.c: what the host typed. */
void console_drain_input(struct console *con, unsigned port);
bool console_input_goes_on(const struct console *con, unsigned port);

/* console_control.c: the protocol.  `port` means nothing. */
void console_drain_control(struct console *con, unsigned port);
bool console_control_goes_on(const struct console *con, unsigned port);
void console_drain_answers(struct console *con, unsigned port);
bool console_answers_go_on(const struct console *con, unsigned port);

#endif
