/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console: what a notification, left-over work, a reset and the host's calls
 * do.  console_tx.c, console_rx.c and console_control.c have the parts.
 *
 * Each of them is bounded for one call; what is left over is DEVICE_WORK, so that
 * it does not wait for a notification which the driver has no reason to send.
 * Whoever moves a used index hears of it once, at the end of the call, unless the
 * driver wants no interrupt.
 *
 * Driver writes to configuration are ignored; a read that touches a byte beyond it
 * is all ones.
 *
 * VIRTIO 1.4, 5.3.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "console_private.h"
#include "table.h"

#define F_MULTIPORT (UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT)

#define PORT_NAMES(n)                                                                              \
	"port" #n "_output_bytes", "port" #n "_output_dropped", "port" #n "_output_put_back",      \
		"port" #n "_output_taken", "port" #n "_output_held",                               \
		"port" #n "_output_chain_invalid", "port" #n "_output_capped",                     \
		"port" #n "_output_full", "port" #n "_input_bytes", "port" #n "_input_refused",    \
		"port" #n "_input_delivered", "port" #n "_input_pending",                          \
		"port" #n "_input_discarded", "port" #n "_input_chain_invalid",                    \
		"port" #n "_input_write_failed", "port" #n "_input_capped"

TABLE(static const char *const, counter_names, CONSOLE_COUNTER_COUNT, 1,
	PORT_NAMES(0),
	PORT_NAMES(1),
	[CONSOLE_CONTROL_MESSAGES] = "control_messages",
	[CONSOLE_CONTROL_CHAIN_INVALID] = "control_chain_invalid",
	[CONSOLE_CONTROL_REPEATED] = "control_repeated",
	[CONSOLE_CONTROL_UNKNOWN_PORT] = "control_unknown_port",
	[CONSOLE_CONTROL_UNKNOWN_EVENT] = "control_unknown_event",
	[CONSOLE_CONTROL_BAD_VALUE] = "control_bad_value",
	[CONSOLE_CONTROL_PORT_FAILED] = "control_port_failed",
	[CONSOLE_CONTROL_CAPPED] = "control_capped",
	[CONSOLE_ANSWERS_QUEUED] = "answers_queued",
	[CONSOLE_ANSWERS_PUBLISHED] = "answers_published",
	[CONSOLE_ANSWERS_WAITING] = "answers_waiting",
	[CONSOLE_ANSWERS_DISCARDED] = "answers_discarded",
	[CONSOLE_ANSWER_CHAIN_INVALID] = "answer_chain_invalid",
	[CONSOLE_ANSWER_CHAIN_SMALL] = "answer_chain_small",
	[CONSOLE_ANSWER_WRITE_FAILED] = "answer_write_failed",
	[CONSOLE_ANSWERS_CAPPED] = "answers_capped",
	[CONSOLE_ADD_USED_FAILURES] = "add_used_failures",
	[CONSOLE_INVALID_AVAIL_IDX] = "invalid_avail_idx_count",
	[CONSOLE_ALLOC_FAILURES] = "host_alloc_failures",
	[CONSOLE_PUT_BACK_REFUSED] = "port1_output_put_back_refused");

TABLE(static const struct device_queue_desc, console_queues, CONSOLE_QUEUE_COUNT, 4,
	[CONSOLE_RX0] = { "receive0", CONSOLE_QUEUE_SIZE_MAX, false, 0 },
	[CONSOLE_TX0] = { "transmit0", CONSOLE_QUEUE_SIZE_MAX, true, 0 },
	[CONSOLE_CONTROL_RX] = { "control-receive", CONSOLE_QUEUE_SIZE_MAX, false, F_MULTIPORT },
	[CONSOLE_CONTROL_TX] = { "control-transmit", CONSOLE_QUEUE_SIZE_MAX, true, F_MULTIPORT },
	[CONSOLE_RX1] = { "receive1", CONSOLE_QUEUE_SIZE_MAX, false, F_MULTIPORT },
	[CONSOLE_TX1] = { "transmit1", CONSOLE_QUEUE_SIZE_MAX, true, F_MULTIPORT });

static struct console *console_of(struct device *dev)
{
	return (struct console *)dev;
}

bool console_pop(struct console *con, enum console_queue queue, struct virtqueue_chain *chain)
{
	int ret = virtqueue_pop(&con->dev.queues[queue], chain);

	if (ret < 0) {
		console_count(con, CONSOLE_INVALID_AVAIL_IDX);
		con->poisoned_now = true;
	}
	if (ret <= 0)
		console_more(con, queue, false);
	return ret > 0;
}

bool console_push(struct console *con, const struct virtqueue_chain *chain, uint32_t len)
{
	if (virtqueue_push(chain->vq, chain, len) == 0)
		return true;
	console_count(con, CONSOLE_ADD_USED_FAILURES);
	return false;
}

/* What is held now, as counters that can fall. */
void console_note_gauges(struct console *con)
{
	uint64_t *counters = con->dev.counters, *of_port = counters + CONSOLE_PORT_COUNTERS;

	for (unsigned i = 0; i < CONSOLE_PORTS; i++, of_port += PORT_COUNTER_COUNT) {
		of_port[PORT_OUTPUT_HELD] = con->ports[i].output.len;
		of_port[PORT_INPUT_PENDING] = con->ports[i].input.len;
	}
	counters[CONSOLE_ANSWERS_WAITING] = con->answer_count;
}

/* The end of a call: tell the driver what it did.  Completions go before the
 * poison signal: a driver that resets on the second has then heard of the
 * first. */
static void call_end(struct console *con)
{
	bool wanted = false;

	console_note_gauges(con);
	for (unsigned i = 0; i < CONSOLE_QUEUE_COUNT; i++)
		if (virtqueue_wants_interrupt(&con->dev.queues[i]))
			wanted = true;
	if (wanted)
		device_interrupt(&con->dev, VIRTIO_MMIO_INT_VRING);
	if (con->poisoned_now)
		device_needs_reset(&con->dev);
	con->poisoned_now = false;
}

/* What each queue is for. */
struct duty {
	void (*drain)(struct console *con, unsigned port);
	bool (*goes_on)(const struct console *con, unsigned port);
	unsigned port;
};

TABLE(static const struct duty, console_duties, CONSOLE_QUEUE_COUNT, 3,
	[CONSOLE_RX0] = { console_drain_input, console_input_goes_on, 0 },
	[CONSOLE_TX0] = { console_drain_output, console_output_goes_on, 0 },
	[CONSOLE_CONTROL_RX] = { console_drain_answers, console_answers_go_on, 0 },
	[CONSOLE_CONTROL_TX] = { console_drain_control, console_control_goes_on, 0 },
	[CONSOLE_RX1] = { console_drain_input, console_input_goes_on, 1 },
	[CONSOLE_TX1] = { console_drain_output, console_output_goes_on, 1 });

static void drain(struct console *con, unsigned queue)
{
	console_duties[queue].drain(con, console_duties[queue].port);
}

static bool goes_on(const struct console *con, unsigned queue)
{
	return console_duties[queue].goes_on(con, console_duties[queue].port);
}

static void console_notify(struct device *dev, unsigned queue)
{
	struct console *con = console_of(dev);

	drain(con, queue);
	/* What the driver said may be answered, and may have opened port 1. */
	if (queue == CONSOLE_CONTROL_TX) {
		if (goes_on(con, CONSOLE_CONTROL_RX))
			drain(con, CONSOLE_CONTROL_RX);
		if (goes_on(con, CONSOLE_RX1))
			drain(con, CONSOLE_RX1);
	}
	call_end(con);
}

/* Every queue once.  Control messages come first: they may let others go on. */
static void console_work(struct device *dev)
{
	TABLE(static const uint8_t, order, CONSOLE_QUEUE_COUNT, 1,
		CONSOLE_CONTROL_TX, CONSOLE_CONTROL_RX, CONSOLE_TX0,
		CONSOLE_RX0,	    CONSOLE_TX1,	CONSOLE_RX1);
	struct console *con = console_of(dev);

	for (unsigned i = 0; i < CONSOLE_QUEUE_COUNT; i++)
		if (goes_on(con, order[i]))
			drain(con, order[i]);
	call_end(con);
}

static enum device_state console_state(const struct device *dev)
{
	const struct console *con = (const struct console *)dev;

	for (unsigned i = 0; i < CONSOLE_QUEUE_COUNT; i++)
		if (goes_on(con, i))
			return DEVICE_WORK;
	for (unsigned port = 0; port < CONSOLE_PORTS; port++)
		if (console_output_waits(con, port))
			return DEVICE_WAITING;
	return DEVICE_IDLE;
}

static int console_create(struct device *dev)
{
	struct console *con = console_of(dev);

	for (unsigned i = 0; i < CONSOLE_PORTS; i++) {
		fifo_init(&con->ports[i].output, dev->host, CONSOLE_HELD_MAX);
		fifo_init(&con->ports[i].input, dev->host, CONSOLE_HELD_MAX);
	}
	con->more = CONSOLE_MORE_AT_FIRST;
	return 0;
}

static void console_destroy(struct device *dev)
{
	struct console *con = console_of(dev);

	for (unsigned i = 0; i < CONSOLE_PORTS; i++) {
		fifo_release(&con->ports[i].output);
		fifo_release(&con->ports[i].input);
	}
}

/* What the driver had made available is its last word, and is kept; it will look
 * at no used ring and hear no interrupt.  The host's words are for a driver that
 * is gone. */
static void console_reset(struct device *dev)
{
	struct console *con = console_of(dev);

	for (unsigned i = 0; i < CONSOLE_PORTS; i++) {
		struct console_port *p = &con->ports[i];

		if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
			console_rescue_output(con, i);
		p->has_chain = false;
		console_add(con, i, PORT_INPUT_DISCARDED, p->input.len);
		fifo_drop(&p->input, p->input.len);
		p->ready = p->open = false;
	}
	dev->counters[CONSOLE_ANSWERS_DISCARDED] += con->answer_count;
	con->answer_first = con->answer_count = 0;
	con->ready = false;
	con->more = CONSOLE_MORE_AT_FIRST;
	con->poisoned_now = false;
	console_note_gauges(con);
}

/* A chain that waits is the driver's again, and its bytes are nobody's. */
static void console_queue_reset(struct device *dev, unsigned queue)
{
	struct console *con = console_of(dev);

	for (unsigned i = 0; i < CONSOLE_PORTS; i++)
		if (con->ports[i].has_chain && con->ports[i].chain.vq->index == queue)
			con->ports[i].has_chain = false;
	console_more(con, queue, CONSOLE_MORE_AT_FIRST >> queue & 1);
}

static void console_config_read(const struct device *dev, uint64_t offset, uint8_t *buf,
				uint32_t len)
{
	const struct virtio_console_config config = { .max_nr_ports = htole32(CONSOLE_PORTS) };

	(void)dev;
	if (offset > sizeof(config) || len > sizeof(config) - offset)
		memset(buf, 0xff, len);
	else
		memcpy(buf, (const uint8_t *)&config + offset, len);
}

uint32_t console_take_output(struct device *dev, unsigned port, void *buf, uint32_t max)
{
	struct console *con = console_of(dev);
	uint32_t len = fifo_take(&con->ports[port].output, buf, max);

	console_add(con, port, PORT_OUTPUT_TAKEN, len);
	console_note_gauges(con);
	return len;
}

int console_put_back(struct device *dev, const void *data, uint32_t len)
{
	struct console *con = console_of(dev);
	int ret = fifo_put_back(&con->ports[1].output, data, len);

	if (ret == 0)
		console_add(con, 1, PORT_OUTPUT_PUT_BACK, len);
	else
		con->dev.counters[CONSOLE_PUT_BACK_REFUSED] += len;
	if (ret == -ENOMEM)
		console_count(con, CONSOLE_ALLOC_FAILURES);
	console_note_gauges(con);
	return ret;
}

uint32_t console_type(struct device *dev, unsigned port, const void *data, uint32_t len)
{
	struct console *con = console_of(dev);
	struct fifo *input = &con->ports[port].input;
	uint32_t fits = len < fifo_room(input) ? len : fifo_room(input);

	if (fifo_append(input, data, fits)) {
		console_count(con, CONSOLE_ALLOC_FAILURES);
		fits = 0;
	}
	console_add(con, port, PORT_INPUT_BYTES, fits);
	console_add(con, port, PORT_INPUT_REFUSED, len - fits);
	console_drain_input(con, port);
	call_end(con);
	return fits;
}

bool console_port_open(const struct device *dev, unsigned port)
{
	return ((const struct console *)dev)->ports[port].open;
}

const struct device_ops console_ops = {
	.name = "console",
	.device_id = VIRTIO_ID_CONSOLE,
	.state_size = sizeof(struct console),
	.scratch_size = sizeof(struct console) - offsetof(struct console, buffers),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1 | F_MULTIPORT,
	.queue_count = CONSOLE_QUEUE_COUNT,
	.queues = console_queues,
	.counter_count = CONSOLE_COUNTER_COUNT,
	.counter_names = counter_names,
	.create = console_create,
	.destroy = console_destroy,
	.reset = console_reset,
	.queue_reset = console_queue_reset,
	.notify = console_notify,
	.work = console_work,
	.state = console_state,
	.config_read = console_config_read,
	.save = console_save,
	.restore = console_restore,
};
