/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the guest writes to a port: from transmit chains into the port's output.
 *
 * A chain is taken over whole or not at all.  It is judged, and its bytes are
 * summed up, from copies of its descriptors; one that does not fit, in what a
 * call may take or in what the host keeps, waits as it is and no later one
 * passes it.  Only one that is longer than a call may take at all is cut there,
 * and the rest counted as dropped.
 *
 * A chain with a device-writable or unreadable part, one that is torn or that
 * passes 2^64, is returned and counted, and none of its bytes is kept.
 *
 * VIRTIO 1.4, 5.3.6.
 */
#include <errno.h>

#include "console_private.h"
#include "table.h"

TABLE(static const enum console_queue, tx_queues, CONSOLE_PORTS, 1, CONSOLE_TX0, CONSOLE_TX1);

static struct virtqueue *output_queue(const struct console *con, unsigned port)
{
	return &con->dev.queues[tx_queues[port]];
}

/* Of a chain of `len` bytes, how many are kept. */
static uint32_t chain_keeps(uint64_t len)
{
	return len < CONSOLE_CALL_BYTES_MAX ? (uint32_t)len : CONSOLE_CALL_BYTES_MAX;
}

/* The chain that waits, or else the next one of the ring, is in hand; it becomes the
 * one that waits if it is a chain of readable buffers.  false: there is none. */
static bool next_chain(struct console *con, unsigned port)
{
	struct console_port *p = &con->ports[port];

	if (p->has_chain)
		return true;
	if (!console_pop(con, tx_queues[port], &p->chain))
		return false;
	p->has_chain = chain_collect(&p->chain, false, con->waiting[port], &p->chain_len) == 0;
	return true;
}

/* The first `len` bytes of the chain that waits, which there is room for, to the
 * end of the output. */
static int copy_output(struct console *con, unsigned port, uint32_t len)
{
	struct console_port *p = &con->ports[port];
	struct chain_cursor at = { .buffer = con->waiting[port] };
	uint32_t done, piece;

	if (fifo_reserve(&p->output, len)) {
		console_count(con, CONSOLE_ALLOC_FAILURES);
		return -ENOMEM;
	}
	for (done = 0; done < len; done += piece) {
		uint8_t *to = fifo_tail(&p->output, done, &piece);

		if (piece > len - done)
			piece = len - done;
		if (piece > CONSOLE_COPY_MAX)
			piece = CONSOLE_COPY_MAX;
		if (chain_read(&p->chain, &at, to, piece)) {
			fifo_drop(&p->output, 0);
			return -EFAULT;
		}
	}
	fifo_commit(&p->output, len);
	return 0;
}

/* The chain that waits is taken over, `keep` bytes of it, and waits no longer.
 * What there is no memory for is dropped. */
static void take_over(struct console *con, unsigned port, uint32_t keep)
{
	struct console_port *p = &con->ports[port];
	int ret = copy_output(con, port, keep);

	p->has_chain = false;
	if (ret == -EFAULT) {
		console_add(con, port, PORT_OUTPUT_CHAIN_INVALID, 1);
		return;
	}
	if (ret)
		keep = 0;
	console_add(con, port, PORT_OUTPUT_BYTES, p->chain_len);
	console_add(con, port, PORT_OUTPUT_DROPPED, p->chain_len - keep);
}

void console_drain_output(struct console *con, unsigned port)
{
	struct console_port *p = &con->ports[port];
	uint32_t budget = CONSOLE_CALL_BYTES_MAX;
	unsigned chains = output_queue(con, port)->size;
	uint32_t keep;

	console_more(con, tx_queues[port], true);
	for (; chains > 0 && budget > 0; chains--) {
		if (!next_chain(con, port))
			return;
		if (p->has_chain) {
			keep = chain_keeps(p->chain_len);
			if (keep > budget)
				break;
			if (keep > fifo_room(&p->output)) {
				console_add(con, port, PORT_OUTPUT_FULL, 1);
				return;
			}
			budget -= keep;
			take_over(con, port, keep);
		} else {
			console_add(con, port, PORT_OUTPUT_CHAIN_INVALID, 1);
		}
		console_push(con, &p->chain, 0);
	}
	console_add(con, port, PORT_OUTPUT_CAPPED, 1);
}

static bool output_left(const struct console *con, unsigned port)
{
	return console_has_more(con, tx_queues[port]) && virtqueue_usable(output_queue(con, port));
}

bool console_output_waits(const struct console *con, unsigned port)
{
	const struct console_port *p = &con->ports[port];

	return output_left(con, port) && p->has_chain &&
	       chain_keeps(p->chain_len) > fifo_room(&p->output);
}

bool console_output_goes_on(const struct console *con, unsigned port)
{
	return output_left(con, port) && !console_output_waits(con, port);
}

void console_rescue_output(struct console *con, unsigned port)
{
	struct console_port *p = &con->ports[port];
	uint32_t budget = CONSOLE_CALL_BYTES_MAX;
	unsigned chains = output_queue(con, port)->size;
	uint32_t keep;

	/* One chain may wait beside a full ring. */
	if (p->has_chain)
		chains++;
	if (budget > fifo_room(&p->output))
		budget = fifo_room(&p->output);
	for (; chains > 0 && virtqueue_usable(output_queue(con, port)); chains--) {
		if (!next_chain(con, port))
			return;
		if (p->has_chain) {
			/* One that is cut leaves nothing for what comes after the gap. */
			keep = p->chain_len < budget ? (uint32_t)p->chain_len : budget;
			budget -= keep;
			take_over(con, port, keep);
		} else {
			console_add(con, port, PORT_OUTPUT_CHAIN_INVALID, 1);
		}
	}
}
