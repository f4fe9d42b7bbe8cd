/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console's part of a snapshot: the bytes that a port holds in either
 * direction, a transmit chain that waits, the protocol's flags and answers.
 *
 *   u8 ready, u8 answers, u8 each; u8 queues that were not looked at
 *   per port: u8 ready, u8 open, output, input, each as u32 size of its ring,
 *   u32 start, u32 length and the bytes in order; u8 waits; if so the chain, as
 *   snapshot_chain.h has it
 *
 * A chain that waits is the one taken last, of a live queue; its place in the ring
 * is the queue's cursor.
 *
 * The flags of the protocol are those of a session, which there is on a live device
 * with VIRTIO_CONSOLE_F_MULTIPORT; answers that wait are to what the flags say was
 * asked, which is why there is always room for what a driver may still ask; and the
 * counters that tell what is held tell of what is there.
 */
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "console_private.h"
#include "snapshot_chain.h"
#include "table.h"

#define F_MULTIPORT (UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT)

TABLE(static const enum console_queue, tx_queues, CONSOLE_PORTS, 1, CONSOLE_TX0, CONSOLE_TX1);

/* What was found in a snapshot, for what comes later in it. */
struct found {
	bool session;
	unsigned said;	  /* the device's readiness, and that of each port, a bit each */
	unsigned answers; /* that wait, a bit each */
	unsigned waits;	  /* queues with a chain that waits, a bit each */
	uint8_t more;
};

static void put_fifo(struct snapshot_out *out, const struct fifo *fifo)
{
	uint32_t done, piece;

	snapshot_put(out, 4, fifo->size);
	snapshot_put(out, 4, fifo->start);
	snapshot_put(out, 4, fifo->len);
	for (done = 0; done < fifo->len; done += piece) {
		const uint8_t *from = fifo_head(fifo, done, &piece);

		if (piece > fifo->len - done)
			piece = fifo->len - done;
		snapshot_put_bytes(out, from, piece);
	}
}

static void put_port(const struct console *con, unsigned port, struct snapshot_out *out)
{
	const struct console_port *p = &con->ports[port];
	/* Of a queue that was stopped it waits for ever: it is gone. */
	bool waits = p->has_chain && virtqueue_usable(&con->dev.queues[tx_queues[port]]);

	snapshot_put(out, 1, p->ready);
	snapshot_put(out, 1, p->open);
	put_fifo(out, &p->output);
	put_fifo(out, &p->input);
	snapshot_put(out, 1, waits);
	if (waits)
		snapshot_put_chain(out, &p->chain, con->waiting[port], p->chain_len);
}

void console_save(const struct device *dev, struct snapshot_out *out)
{
	const struct console *con = (const struct console *)dev;
	unsigned i;

	snapshot_put(out, 1, con->ready);
	snapshot_put(out, 1, con->answer_count);
	for (i = 0; i < con->answer_count; i++)
		snapshot_put(out, 1, con->answers[(con->answer_first + i) % ANSWER_COUNT]);
	snapshot_put(out, 1, con->more);
	for (i = 0; i < CONSOLE_PORTS; i++)
		put_port(con, i, out);
}

static uint32_t get_fifo(struct snapshot_in *in, struct fifo *fifo)
{
	size_t at = in->at;
	uint32_t size = (uint32_t)snapshot_get(in, 4);
	uint32_t start = (uint32_t)snapshot_get(in, 4);
	uint32_t len = (uint32_t)snapshot_get(in, 4);
	const uint8_t *bytes;

	if (!fifo_shape_possible(fifo, size, start, len))
		snapshot_bad(in, at, -EINVAL, "a buffer that a port cannot have");
	bytes = snapshot_get_bytes(in, len);
	if (in->commit && bytes && fifo_restore(fifo, size, start, bytes, len))
		snapshot_bad(in, at, -ENOMEM, "no memory");
	return len;
}

static void get_port(struct console *con, unsigned port, struct found *found,
		     const struct snapshot_view *view, struct snapshot_in *in)
{
	const unsigned counters = CONSOLE_PORT_COUNTERS + port * PORT_COUNTER_COUNT;
	struct console_port *p = &con->ports[port];
	bool ready = snapshot_get_max(in, 1, found->session, "ready, which it cannot be");
	bool open = snapshot_get_max(in, 1, found->session, "open, which it cannot be");
	bool listed = found->more >> tx_queues[port] & 1;

	snapshot_check_gauge(in, view, counters + PORT_OUTPUT_HELD, get_fifo(in, &p->output));
	snapshot_check_gauge(in, view, counters + PORT_INPUT_PENDING, get_fifo(in, &p->input));
	/* Whoever waits has more to do. */
	if (snapshot_get_max(in, 1, listed, "waiting, which it cannot be")) {
		uint64_t len = snapshot_get_chain(in, view, &con->dev.queues[tx_queues[port]],
						  false, &p->chain, con->waiting[port]);

		found->waits |= 1u << tx_queues[port];
		if (in->commit) {
			p->chain_len = len;
			p->has_chain = true;
		}
	}
	found->said |= (unsigned)ready << (port + 1);
	if (!in->commit)
		return;
	p->ready = ready;
	p->open = open;
}

static unsigned get_answers(struct console *con, struct snapshot_in *in)
{
	unsigned count = (unsigned)snapshot_get_max(in, 1, ANSWER_COUNT, "too many answers");
	unsigned seen = 0, i;

	for (i = 0; i < count && !in->err; i++) {
		unsigned answer = (unsigned)snapshot_get_max(in, 1, ANSWER_COUNT - 1,
							     "an answer that there is not");

		if (seen >> answer & 1)
			snapshot_bad_last(in, "an answer that comes twice");
		seen |= 1u << answer;
		if (in->commit)
			con->answers[i] = (uint8_t)answer;
	}
	if (in->commit) {
		con->answer_first = 0;
		con->answer_count = count;
	}
	return seen;
}

/* As it was when new: what was taken over before memory ran out is given back. */
static void forget(struct console *con)
{
	unsigned i;

	for (i = 0; i < CONSOLE_PORTS; i++) {
		struct console_port *p = &con->ports[i];

		fifo_release(&p->output);
		fifo_release(&p->input);
		p->ready = p->open = p->has_chain = false;
	}
	con->answer_count = 0;
}

/* A chain is with the device only while it waits; of a queue that was stopped it is
 * gone, and nobody has it. */
static void check_held(const struct found *found, const struct snapshot_view *view,
		       struct snapshot_in *in)
{
	unsigned i;

	for (i = 0; i < CONSOLE_QUEUE_COUNT; i++) {
		const struct snapshot_queue *q = &view->queues[i];
		bool stopped = !q->ready && (i == CONSOLE_TX0 || i == CONSOLE_TX1);

		if (snapshot_queue_held(q) > (stopped || (found->waits >> i & 1)))
			snapshot_bad(in, q->cursors_at, -EINVAL, "a chain that nobody has");
	}
}

/* Each answer is queued once, when what asks for it is said. */
static bool answers_possible(const struct found *found)
{
	struct span {
		enum console_answer first, last;
	};
	TABLE(static const struct span, asked, CONSOLE_PORTS + 1, 2,
		{ ANSWER_PORT0_ADD, ANSWER_PORT1_ADD },
		{ ANSWER_PORT0_CONSOLE, ANSWER_PORT0_OPEN },
		{ ANSWER_PORT1_NAME, ANSWER_PORT1_OPEN });
	unsigned i, answer;

	for (i = 0; i < CONSOLE_PORTS + 1; i++)
		for (answer = asked[i].first; answer <= asked[i].last; answer++)
			if ((found->answers >> answer & 1) && !(found->said >> i & 1))
				return false;
	return true;
}

void console_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in)
{
	struct console *con = (struct console *)dev;
	const bool live = device_started(view->status);
	struct found found = { .session = live && (view->features & F_MULTIPORT) };
	bool ready = snapshot_get_max(in, 1, found.session, "ready, which it cannot be");
	size_t answers_at = in->at;
	unsigned i;

	found.said = ready;
	found.answers = get_answers(con, in);
	found.more = (uint8_t)snapshot_get_max(in, 1, (1u << CONSOLE_QUEUE_COUNT) - 1,
					       "queues that there are not");
	if (!live && found.more != CONSOLE_MORE_AT_FIRST)
		snapshot_bad_last(in, "queues that nobody has looked at");
	for (i = 0; i < CONSOLE_PORTS; i++)
		get_port(con, i, &found, view, in);
	if (!answers_possible(&found))
		snapshot_bad(in, answers_at, -EINVAL, "an answer to what was not said");
	snapshot_check_gauge(in, view, CONSOLE_ANSWERS_WAITING,
			     (unsigned)__builtin_popcount(found.answers));
	check_held(&found, view, in);
	if (!in->commit)
		return;
	if (in->err) {
		forget(con);
		return;
	}
	con->ready = ready;
	con->more = found.more;
}
