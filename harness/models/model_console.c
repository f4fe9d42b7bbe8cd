/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console model as a target.  See target.h.
 */
#include "harness/models/models.h"

#include "devices/console.h"
#include "devices/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define F_MULTIPORT (1ULL << VIRTIO_CONSOLE_F_MULTIPORT)

static void *console_create(const struct target *target, const struct device_host *host,
			    uint64_t offered, const uint16_t *queue_max)
{
	(void)target;
	return mmio_create(&console_ops, host, offered, queue_max);
}

static uint32_t console_host(void *device, enum host_act act, unsigned port, void *data,
			     uint32_t len)
{
	struct device *dev = mmio_device(device);

	switch (act) {
	case HOST_TYPE:
		return console_type(dev, port, data, len);
	case HOST_TAKE:
		return console_take_output(dev, port, data, len);
	case HOST_PUT_BACK:
		return port == 1 && console_put_back(dev, data, len) == 0 ? len : 0;
	case HOST_SET_NUM_PAGES:
	case HOST_ACT_COUNT:
		break;
	}
	return 0;
}

static const struct device_queue_desc console_queues[] = {
	{ "receive0", 256, false, 0 },
	{ "transmit0", 256, true, 0 },
	{ "control-receive", 256, false, F_MULTIPORT },
	{ "control-transmit", 256, true, F_MULTIPORT },
	{ "receive1", 256, false, F_MULTIPORT },
	{ "transmit1", 256, true, F_MULTIPORT },
};

static const struct target_port console_ports[] = {
	{ CONSOLE_TX0, CONSOLE_RX0, CONSOLE_CALL_BYTES_MAX, CONSOLE_HELD_MAX, "port0_output_held",
	  "port0_input_pending", "port0_output_dropped", "port0_input_refused", NULL },
	{ CONSOLE_TX1, CONSOLE_RX1, CONSOLE_CALL_BYTES_MAX, CONSOLE_HELD_MAX, "port1_output_held",
	  "port1_input_pending", "port1_output_dropped", "port1_input_refused",
	  "port1_output_put_back_refused" },
};

/* A message as its first 8 bytes: le32 id, le16 event, le16 value. */
#define MESSAGE(id, event, value)                                                                  \
	((uint64_t)(value) << 48 | (uint64_t)VIRTIO_CONSOLE_##event << 32 | (id))
#define WHOLE UINT64_MAX
#define ANY_PORT 0xffffffff00000000u

static const struct target_ask console_asks[] = {
	{ MESSAGE(0, DEVICE_READY, 1), ANY_PORT },
	{ MESSAGE(0, PORT_READY, 1), WHOLE },
	{ MESSAGE(1, PORT_READY, 1), WHOLE },
};

static const struct target_answer console_answers[] = {
	{ MESSAGE(0, PORT_ADD, 1), NULL, 0 },
	{ MESSAGE(1, PORT_ADD, 1), NULL, 0 },
	{ MESSAGE(0, CONSOLE_PORT, 1), NULL, 1 },
	{ MESSAGE(0, PORT_NAME, 1), CONSOLE_PORT0_NAME, 1 },
	{ MESSAGE(0, PORT_OPEN, 1), NULL, 1 },
	{ MESSAGE(1, PORT_NAME, 1), CONSOLE_PORT1_NAME, 2 },
	{ MESSAGE(1, PORT_OPEN, 1), NULL, 2 },
};

static const struct target_dialogue console_dialogue = {
	.from = CONSOLE_CONTROL_TX,
	.to = CONSOLE_CONTROL_RX,
	.ask_count = 3,
	.answer_count = 7,
	.asks = console_asks,
	.answers = console_answers,
};

/* What a driver says, and what it may not. */
static const struct target_bytes console_hello[] = { { 0, 5, (const uint8_t *)"hello" } };
static const struct target_request console_requests[] = {
	{ .name = "input",
	  .queue = 0,
	  .room = 64,
	  .used_min = 5,
	  .used_max = 5,
	  .answer = console_hello,
	  .answer_count = 1,
	  .after = "type 0 68656c6c6f\n",
	  .exact = true },
	{ .name = "output",
	  .queue = 1,
	  .bytes = "hello, world",
	  .len = 12,
	  .after = "take_output 0\n",
	  .exact = true },
	{ .name = "device-ready",
	  .queue = CONSOLE_CONTROL_TX,
	  .bytes = "\0\0\0\0\0\0\1\0",
	  .len = 8,
	  .exact = true },
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\0\0\0\0\0\0\1\0"), /* DEVICE_READY 1 */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\0\0\0\0\3\0\1\0"), /* PORT_READY 1 */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\1\0\0\0\3\0\1\0"),
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\1\0\0\0\3\0\0\0"), /* PORT_READY 0 */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\1\0"), /* PORT_OPEN 1 */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\1\0"),
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\0\0"), /* PORT_OPEN 0 */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\0\0\0\0\6\0\1\0"),
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\2\0\0\0\3\0\1\0"), /* no such port */
	MODEL_REQUEST(CONSOLE_CONTROL_TX, "\0\0\0\0\1\0\1\0"), /* PORT_ADD: the device's to say */
};

/* No byte and no message is lost without being counted. */
static const struct target_sum console_sums[] = {
	{ "port0_output_bytes port0_output_put_back",
	  "port0_output_taken port0_output_held port0_output_dropped", true },
	{ "port1_output_bytes port1_output_put_back",
	  "port1_output_taken port1_output_held port1_output_dropped", true },
	{ "port0_input_bytes", "port0_input_delivered port0_input_pending port0_input_discarded",
	  true },
	{ "port1_input_bytes", "port1_input_delivered port1_input_pending port1_input_discarded",
	  true },
	{ "answers_queued", "answers_published answers_waiting answers_discarded", true },
	{ "control_repeated control_unknown_port control_unknown_event control_bad_value "
	  "control_port_failed",
	  "control_messages", false },
	{ NULL, NULL, false },
};

static const struct target_field console_fields[] = {
	{ "cols", 0, 2, 1 },
	{ "rows", 2, 2, 1 },
	{ "max_nr_ports", 4, 4, 1 },
	{ "emerg_wr", 8, 4, 1 },
};

const struct target console_target = {
	.name = "console",
	.help = "virtio-console with two ports and the multiport control protocol",
	.device_id = VIRTIO_ID_CONSOLE,
	.features = 1ULL << VIRTIO_F_VERSION_1 | F_MULTIPORT,
	.queue_count = CONSOLE_QUEUE_COUNT,
	.queues = console_queues,
	.config_len = sizeof(struct virtio_console_config),
	.config_past = 0xff,
	.field_count = sizeof(console_fields) / sizeof(console_fields[0]),
	.fields = console_fields,
	.chain_bytes_max = CONSOLE_HELD_MAX,
	/* Two directions of each port, and what is small. */
	.heap_max = 4 * CONSOLE_HELD_MAX + (64u << 10),
	.sums = console_sums,
	.gauges = "port0_output_held port0_input_pending port1_output_held port1_input_pending "
		  "answers_waiting",
	.port_count = CONSOLE_PORTS,
	.chains_kept = 1,
	.ports = console_ports,
	.dialogue = &console_dialogue,
	.request_count = sizeof(console_requests) / sizeof(console_requests[0]),
	.requests = console_requests,
	/* Port 0 alone: a program may keep the rest from being offered. */
	.liveness = "device console\n"
		    "reset\n"
		    "take_output 0\n"
		    "start driver_ok\n"
		    "send 1 b1\n"
		    "> used 1 id=0 len=0\n"
		    "take_output 0\n"
		    "> output_equal b1 len=64\n"
		    "> output_len 64\n"
		    "offer 0 b11:w\n"
		    "type 0 len=64 seed=3\n"
		    "> used 0 id=0 len=64\n"
		    "> mem_typed b11 len=64 seed=3\n",
	.host = console_host,
	MODEL_CALLS(console_create),
	MODEL_SNAPSHOTS,
};
