/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The control protocol of VIRTIO_CONSOLE_F_MULTIPORT.
 *
 *   driver                  device
 *   DEVICE_READY 1    -->
 *                     <--   PORT_ADD 1, of each port
 *   PORT_READY 1      -->
 *                     <--   CONSOLE_PORT 1 (port 0), PORT_NAME, PORT_OPEN 1
 *   PORT_OPEN 0 or 1  -->   which lets input of port 1 through, or not
 *
 * Each message from the driver is heeded once a session, but for PORT_OPEN, which
 * is answered by nothing.  So the device has at most ANSWER_COUNT messages to
 * send, whatever the driver repeats.  What is repeated, names no port, is not the
 * driver's to send or has another value changes nothing and is counted.
 *
 * One answer a chain, whole; it is taken off the list when it was published.
 *
 * VIRTIO 1.4, 5.3.6.2.
 */
#include <endian.h>
#include <string.h>

#include "console_private.h"
#include "table.h"

#define MESSAGE_SIZE ((uint32_t)sizeof(struct virtio_console_control))
#define NAME_SIZE_MAX 32u

struct answer {
	uint32_t port;
	uint16_t event;
	const char *name; /* follows PORT_NAME, without a NUL */
};

TABLE(static const struct answer, answers, ANSWER_COUNT, 3,
	[ANSWER_PORT0_ADD] = { 0, VIRTIO_CONSOLE_PORT_ADD, "" },
	[ANSWER_PORT1_ADD] = { 1, VIRTIO_CONSOLE_PORT_ADD, "" },
	[ANSWER_PORT0_CONSOLE] = { 0, VIRTIO_CONSOLE_CONSOLE_PORT, "" },
	[ANSWER_PORT0_NAME] = { 0, VIRTIO_CONSOLE_PORT_NAME, CONSOLE_PORT0_NAME },
	[ANSWER_PORT0_OPEN] = { 0, VIRTIO_CONSOLE_PORT_OPEN, "" },
	[ANSWER_PORT1_NAME] = { 1, VIRTIO_CONSOLE_PORT_NAME, CONSOLE_PORT1_NAME },
	[ANSWER_PORT1_OPEN] = { 1, VIRTIO_CONSOLE_PORT_OPEN, "" });

/* The answers from `first` to `last`.  Callers see to it that none comes twice in
 * a session: there is room for each of them once. */
static void queue_answers(struct console *con, enum console_answer first, enum console_answer last)
{
	for (unsigned answer = first; answer <= last; answer++) {
		con->answers[con->answer_first + con->answer_count++] = (uint8_t)answer;
		console_count(con, CONSOLE_ANSWERS_QUEUED);
	}
}

static void on_device_ready(struct console *con, uint32_t port, uint16_t value)
{
	(void)port; /* VIRTIO 5.3.6.2: unused */
	if (value != 1) {
		console_count(con, CONSOLE_CONTROL_BAD_VALUE);
	} else if (con->ready) {
		console_count(con, CONSOLE_CONTROL_REPEATED);
	} else {
		con->ready = true;
		queue_answers(con, ANSWER_PORT0_ADD, ANSWER_PORT1_ADD);
	}
}

static void on_port_ready(struct console *con, uint32_t port, uint16_t value)
{
	static const enum console_answer of_port[][2] = {
		{ ANSWER_PORT0_CONSOLE, ANSWER_PORT0_OPEN },
		{ ANSWER_PORT1_NAME, ANSWER_PORT1_OPEN },
	};
	_Static_assert(ARRAY_SIZE(of_port) == CONSOLE_PORTS, "answers to each port");

	if (value == 0) {
		console_count(con, CONSOLE_CONTROL_PORT_FAILED);
	} else if (value != 1) {
		console_count(con, CONSOLE_CONTROL_BAD_VALUE);
	} else if (con->ports[port].ready) {
		console_count(con, CONSOLE_CONTROL_REPEATED);
	} else {
		con->ports[port].ready = true;
		queue_answers(con, of_port[port][0], of_port[port][1]);
	}
}

static void on_port_open(struct console *con, uint32_t port, uint16_t value)
{
	if (value > 1)
		console_count(con, CONSOLE_CONTROL_BAD_VALUE);
	else if (con->ports[port].open == value)
		console_count(con, CONSOLE_CONTROL_REPEATED);
	else
		con->ports[port].open = value;
}

/* What a driver sends. */
static const struct {
	uint16_t event;
	bool any_port; /* the port number means nothing */
	void (*on)(struct console *con, uint32_t port, uint16_t value);
} events[] = {
	{ VIRTIO_CONSOLE_DEVICE_READY, true, on_device_ready },
	{ VIRTIO_CONSOLE_PORT_READY, false, on_port_ready },
	{ VIRTIO_CONSOLE_PORT_OPEN, false, on_port_open },
};

static void heed(struct console *con, const struct virtio_console_control *message)
{
	uint32_t port = le32toh(message->id);
	uint16_t event = le16toh(message->event);

	console_count(con, CONSOLE_CONTROL_MESSAGES);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i].event != event)
			continue;
		if (port >= CONSOLE_PORTS && !events[i].any_port)
			console_count(con, CONSOLE_CONTROL_UNKNOWN_PORT);
		else
			events[i].on(con, port, le16toh(message->value));
		return;
	}
	console_count(con, CONSOLE_CONTROL_UNKNOWN_EVENT);
}

/* The message in a chain of readable buffers; what follows it is not looked at. */
static bool read_message(struct console *con, struct virtqueue_chain *chain,
			 struct virtio_console_control *message)
{
	struct chain_cursor at = { .buffer = con->buffers };
	uint64_t len;

	return chain_collect(chain, false, con->buffers, &len) == 0 && len >= MESSAGE_SIZE &&
	       chain_read(chain, &at, message, MESSAGE_SIZE) == 0;
}

void console_drain_control(struct console *con, unsigned port)
{
	struct virtio_console_control message;
	struct virtqueue_chain chain;
	unsigned left = console_call_chains(con, CONSOLE_CONTROL_TX, CONSOLE_CONTROL_CHAINS_MAX);

	(void)port;
	console_more(con, CONSOLE_CONTROL_TX, true);
	for (; left > 0; left--) {
		if (!console_pop(con, CONSOLE_CONTROL_TX, &chain))
			return;
		if (read_message(con, &chain, &message))
			heed(con, &message);
		else
			console_count(con, CONSOLE_CONTROL_CHAIN_INVALID);
		console_push(con, &chain, 0);
	}
	console_count(con, CONSOLE_CONTROL_CAPPED);
}

bool console_control_goes_on(const struct console *con, unsigned port)
{
	(void)port;
	return console_has_more(con, CONSOLE_CONTROL_TX) &&
	       virtqueue_usable(&con->dev.queues[CONSOLE_CONTROL_TX]);
}

/* The answer that is next, in `bytes`; its length. */
static uint32_t spell_answer(const struct console *con, uint8_t bytes[MESSAGE_SIZE + NAME_SIZE_MAX])
{
	unsigned answer = con->answers[con->answer_first];
	const struct virtio_console_control message = {
		.id = htole32(answers[answer].port),
		.event = htole16(answers[answer].event),
		.value = htole16(1),
	};
	uint32_t len = (uint32_t)strlen(answers[answer].name);

	memcpy(bytes, &message, sizeof(message));
	memcpy(bytes + sizeof(message), answers[answer].name, len);
	return MESSAGE_SIZE + len;
}

/* The answer that is next into a chain, which is returned whatever happens.
 * false: the drain ends here. */
static bool send_answer(struct console *con, struct virtqueue_chain *chain)
{
	uint8_t bytes[MESSAGE_SIZE + NAME_SIZE_MAX];
	uint32_t len = spell_answer(con, bytes);
	struct chain_cursor at = { .buffer = con->buffers };
	uint64_t room;

	if (chain_collect(chain, true, con->buffers, &room)) {
		console_count(con, CONSOLE_ANSWER_CHAIN_INVALID);
		return console_push(con, chain, 0);
	}
	if (room < len) {
		console_count(con, CONSOLE_ANSWER_CHAIN_SMALL);
		return console_push(con, chain, 0);
	}
	if (chain_write(chain, &at, bytes, len) != len) {
		console_count(con, CONSOLE_ANSWER_WRITE_FAILED);
		console_push(con, chain, 0);
		return false;
	}
	if (!console_push(con, chain, len))
		return false;
	con->answer_first++;
	con->answer_count--;
	console_count(con, CONSOLE_ANSWERS_PUBLISHED);
	return true;
}

void console_drain_answers(struct console *con, unsigned port)
{
	struct virtqueue_chain chain;
	unsigned left = console_call_chains(con, CONSOLE_CONTROL_RX, CONSOLE_CONTROL_CHAINS_MAX);

	(void)port;
	console_more(con, CONSOLE_CONTROL_RX, true);
	for (; left > 0 && con->answer_count > 0; left--)
		if (!console_pop(con, CONSOLE_CONTROL_RX, &chain) || !send_answer(con, &chain))
			return;
	if (left == 0 && con->answer_count > 0)
		console_count(con, CONSOLE_ANSWERS_CAPPED);
}

bool console_answers_go_on(const struct console *con, unsigned port)
{
	(void)port;
	return con->answer_count > 0 && console_has_more(con, CONSOLE_CONTROL_RX) &&
	       virtqueue_usable(&con->dev.queues[CONSOLE_CONTROL_RX]);
}
