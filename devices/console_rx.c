/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the host typed into a port: from the port's input into receive chains.
 *
 * Bytes leave the input only when the chain that carries them was published, so
 * that none is lost and none comes twice.  A chain that fails in the middle is
 * returned with length 0 and ends the drain: what comes next is tried by a later
 * call.  A chain that is not one of device-writable buffers is returned with
 * length 0 as well.
 *
 * Input waits until the device is live, the queue ready and, for port 1, the
 * port open.  That there is no port 1 without VIRTIO_CONSOLE_F_MULTIPORT is the
 * transport's affair: its queues are never ready then.
 *
 * VIRTIO 1.4, 5.3.6.
 */
#include <linux/virtio_config.h>

#include "console_private.h"
#include "table.h"

TABLE(static const enum console_queue, rx_queues, CONSOLE_PORTS, 1, CONSOLE_RX0, CONSOLE_RX1);

/* The console's own port is always open (VIRTIO 5.3.6.2: what the driver must
 * answer to CONSOLE_PORT is no condition for input). */
static bool may_deliver(const struct console *con, unsigned port)
{
	const struct console_port *p = &con->ports[port];

	return (con->dev.status & VIRTIO_CONFIG_S_DRIVER_OK) && p->input.len > 0 &&
	       (port == 0 || p->open) && virtqueue_usable(&con->dev.queues[rx_queues[port]]);
}

/* The first `len` bytes of the input into a chain that has room for them. */
static bool fill_chain(const struct console *con, const struct fifo *input,
		       const struct virtqueue_chain *chain, uint32_t len)
{
	struct chain_cursor at = { .buffer = con->buffers };
	uint32_t done, piece;

	for (done = 0; done < len; done += piece) {
		const uint8_t *from = fifo_head(input, done, &piece);

		if (piece > len - done)
			piece = len - done;
		if (chain_write(chain, &at, from, piece) != piece)
			return false;
	}
	return true;
}

/* As much of the input as goes into one chain, which is returned whatever
 * happens.  false: the drain ends here. */
static bool deliver(struct console *con, unsigned port, struct virtqueue_chain *chain)
{
	struct fifo *input = &con->ports[port].input;
	uint64_t room;
	uint32_t len;

	if (chain_collect(chain, true, con->buffers, &room)) {
		console_add(con, port, PORT_INPUT_CHAIN_INVALID, 1);
		return console_push(con, chain, 0);
	}
	len = room < input->len ? (uint32_t)room : input->len;
	if (!fill_chain(con, input, chain, len)) {
		console_add(con, port, PORT_INPUT_WRITE_FAILED, 1);
		console_push(con, chain, 0);
		return false;
	}
	if (!console_push(con, chain, len))
		return false;
	fifo_drop(input, len);
	console_add(con, port, PORT_INPUT_DELIVERED, len);
	return true;
}

void console_drain_input(struct console *con, unsigned port)
{
	struct virtqueue_chain chain;
	unsigned left = console_call_chains(con, rx_queues[port], CONSOLE_INPUT_CHAINS_MAX);

	console_more(con, rx_queues[port], true);
	for (; left > 0 && may_deliver(con, port); left--)
		if (!console_pop(con, rx_queues[port], &chain) || !deliver(con, port, &chain))
			return;
	if (left == 0 && may_deliver(con, port))
		console_add(con, port, PORT_INPUT_CAPPED, 1);
}

bool console_input_goes_on(const struct console *con, unsigned port)
{
	return console_has_more(con, rx_queues[port]) && may_deliver(con, port);
}
