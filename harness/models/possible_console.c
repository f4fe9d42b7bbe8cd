/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a console of ours have saved this?  By the format that devices/console_snapshot.c
 * describes.
 *
 * VIRTIO 1.4, 5.3.6.2.
 */
#include "devices/console.h"
#include "harness/models/models.h"
#include "harness/models/possible.h"

#include <linux/virtio_console.h>

/* Answers by what asks for them: the device's readiness, and that of each port. */
enum { ANSWER_ADD = 0, ANSWER_PORT0 = 2, ANSWER_PORT1 = 5, ANSWER_COUNT = 7 };

/* Queues that nobody looked at before the device was started. */
#define MORE_AT_FIRST (1u << CONSOLE_RX0 | 1u << CONSOLE_CONTROL_RX | 1u << CONSOLE_RX1)

struct reading {
	struct own_part part;
	bool session;	  /* of the protocol of ports */
	unsigned answers; /* that wait, a bit each */
	unsigned more;	  /* queues that are not looked through, a bit each */
	unsigned held;	  /* queues of which a chain waits, a bit each */
};

static void read_answers(struct reading *r)
{
	struct own_part *part = &r->part;
	uint64_t count = own_part_get_max(part, 1, ANSWER_COUNT, "more answers than there are");

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t answer =
			own_part_get_max(part, 1, ANSWER_COUNT - 1, "an answer that there is not");

		own_part_require(part, (r->answers >> (answer & 7) & 1) == 0,
				 "an answer that waits twice");
		r->answers |= 1u << (answer & 7);
	}
	own_part_require_counter(part, &console_target, "answers_waiting", count);
}

static bool read_port(struct reading *r, unsigned tx, const char *output, const char *input)
{
	struct own_part *part = &r->part;
	bool ready = own_part_get_max(part, 1, r->session, "ready without a session") != 0;

	own_part_get_max(part, 1, r->session, "open without a session");
	own_part_require_counter(part, &console_target, output,
				 possible_fifo(part, CONSOLE_HELD_MAX));
	own_part_require_counter(part, &console_target, input,
				 possible_fifo(part, CONSOLE_HELD_MAX));
	/* The queue of a chain that waits has more to do. */
	if (own_part_get_max(part, 1, r->more >> tx & 1, "a chain that waits for nothing") != 0) {
		possible_chain(part, tx);
		r->held |= 1u << tx;
	}
	return ready;
}

/* Of a queue that was stopped its one chain may be gone. */
static void check_held(struct reading *r)
{
	for (unsigned i = 0; i < CONSOLE_QUEUE_COUNT; i++) {
		bool stopped = !own_part_queue(&r->part, i).ready &&
			       (i == CONSOLE_TX0 || i == CONSOLE_TX1);

		if ((r->held >> i & 1) == 0)
			own_part_require_held_max(&r->part, i, stopped);
	}
}

static unsigned span(unsigned first, unsigned end)
{
	return (1u << end) - (1u << first);
}

const char *console_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct reading r = { .session = false };
	struct own_part *part = &r.part;
	unsigned asked = 0;

	if (!own_part_open(part, data, len, false))
		return NULL;
	r.session =
		own_part_started(part) && (part->features >> VIRTIO_CONSOLE_F_MULTIPORT & 1) != 0;
	if (own_part_get_max(part, 1, r.session, "ready without a session") != 0)
		asked |= span(ANSWER_ADD, ANSWER_PORT0);
	read_answers(&r);
	r.more = (unsigned)own_part_get_max(part, 1, (1u << CONSOLE_QUEUE_COUNT) - 1,
					    "queues that there are not");
	own_part_require(part, own_part_started(part) || r.more == MORE_AT_FIRST,
			 "queues that nobody has looked at");
	if (read_port(&r, CONSOLE_TX0, "port0_output_held", "port0_input_pending"))
		asked |= span(ANSWER_PORT0, ANSWER_PORT1);
	if (read_port(&r, CONSOLE_TX1, "port1_output_held", "port1_input_pending"))
		asked |= span(ANSWER_PORT1, ANSWER_COUNT);
	own_part_require(part, (r.answers & ~asked) == 0, "an answer to what was not said");
	check_held(&r);
	return own_part_close(part, at);
}
