/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console model as a target.  See vringer.h.
 */
#include "harness/models/models.h"

#include "devices/console.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define F_MULTIPORT (1ULL << VIRTIO_CONSOLE_F_MULTIPORT)

static void *console_create(const struct vringer_host *host, uint64_t offered,
			    const uint16_t *queue_max)
{
	return model_create(&console_ops, host, offered, queue_max);
}

static uint32_t console_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	struct device *dev = model_device(device);

	switch ((enum vringer_act)act) {
	case VRINGER_TYPE:
		return console_type(dev, port, data, len);
	case VRINGER_TAKE:
		return console_take_output(dev, port, data, len);
	case VRINGER_PUT_BACK:
		return port == 1 && console_put_back(dev, data, len) == 0 ? len : 0;
	case VRINGER_SET_NUM_PAGES:
	case VRINGER_CHANGE_CONFIG:
		break;
	}
	return 0;
}

static const struct vringer_queue console_queues[] = {
	{ "receive0", 256, 0, 0 },	  { "transmit0", 256, 1, 0 },
	{ "control-receive", 256, 0, 0 }, { "control-transmit", 256, 1, 0 },
	{ "receive1", 256, 0, 0 },	  { "transmit1", 256, 1, 0 },
};

static const struct vringer_queue_need console_needs[MODEL_COUNT(console_queues)] = {
	[CONSOLE_CONTROL_RX] = { .features = F_MULTIPORT },
	[CONSOLE_CONTROL_TX] = { .features = F_MULTIPORT },
	[CONSOLE_RX1] = { .features = F_MULTIPORT },
	[CONSOLE_TX1] = { .features = F_MULTIPORT },
};

static const struct vringer_port console_ports[] = {
	{ .from = CONSOLE_TX0,
	  .to = CONSOLE_RX0,
	  .chain_max = CONSOLE_CALL_BYTES_MAX,
	  .held_max = CONSOLE_HELD_MAX,
	  .held = "port0_output_held",
	  .pending = "port0_input_pending",
	  .dropped = "port0_output_dropped",
	  .typed_refused = "port0_input_refused" },
	{ .from = CONSOLE_TX1,
	  .to = CONSOLE_RX1,
	  .chain_max = CONSOLE_CALL_BYTES_MAX,
	  .held_max = CONSOLE_HELD_MAX,
	  .held = "port1_output_held",
	  .pending = "port1_input_pending",
	  .dropped = "port1_output_dropped",
	  .typed_refused = "port1_input_refused",
	  .put_back_refused = "port1_output_put_back_refused" },
};

/* A message as its first 8 bytes: le32 id, le16 event, le16 value. */
#define MESSAGE(id, event, value)                                                                  \
	((uint64_t)(value) << 48 | (uint64_t)VIRTIO_CONSOLE_##event << 32 | (id))
#define WHOLE UINT64_MAX
#define ANY_PORT 0xffffffff00000000u

static const struct vringer_ask console_asks[] = {
	{ MESSAGE(0, DEVICE_READY, 1), ANY_PORT },
	{ MESSAGE(0, PORT_READY, 1), WHOLE },
	{ MESSAGE(1, PORT_READY, 1), WHOLE },
};

static const struct vringer_answer console_answers[] = {
	{ MESSAGE(0, PORT_ADD, 1), NULL, 0, 0 },
	{ MESSAGE(1, PORT_ADD, 1), NULL, 0, 0 },
	{ MESSAGE(0, CONSOLE_PORT, 1), NULL, 1, 0 },
	{ MESSAGE(0, PORT_NAME, 1), CONSOLE_PORT0_NAME, 1, 0 },
	{ MESSAGE(0, PORT_OPEN, 1), NULL, 1, 0 },
	{ MESSAGE(1, PORT_NAME, 1), CONSOLE_PORT1_NAME, 2, 0 },
	{ MESSAGE(1, PORT_OPEN, 1), NULL, 2, 0 },
};

static const struct vringer_dialogue console_dialogue = {
	.from = CONSOLE_CONTROL_TX,
	.to = CONSOLE_CONTROL_RX,
	.ask_count = 3,
	.answer_count = 7,
	.asks = console_asks,
	.answers = console_answers,
};

/* What a driver says, and what it may not. */
static const struct vringer_bytes console_hello[] = { { 0, 5, "hello" }, { .bytes = NULL } };

static const struct vringer_request console_requests[] = {
	{ .name = "input",
	  .queue = 0,
	  .writable_len = 64,
	  .used_min = 5,
	  .used_max = 5,
	  .answer = console_hello,
	  .after = "type 0 68656c6c6f\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "output",
	  .queue = 1,
	  .readable = "hello, world",
	  .readable_len = 12,
	  .after = "take_output 0\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "device-ready",
	  .queue = CONSOLE_CONTROL_TX,
	  .features = F_MULTIPORT,
	  .readable = "\0\0\0\0\0\0\1\0",
	  .readable_len = 8,
	  .flags = VRINGER_REQUEST_EXACT },
	MODEL_HINT(CONSOLE_CONTROL_TX, "\0\0\0\0\0\0\1\0"), /* DEVICE_READY 1 */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\0\0\0\0\3\0\1\0"), /* PORT_READY 1 */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\1\0\0\0\3\0\1\0"),
	MODEL_HINT(CONSOLE_CONTROL_TX, "\1\0\0\0\3\0\0\0"), /* PORT_READY 0 */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\1\0"), /* PORT_OPEN 1 */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\1\0"),
	MODEL_HINT(CONSOLE_CONTROL_TX, "\1\0\0\0\6\0\0\0"), /* PORT_OPEN 0 */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\0\0\0\0\6\0\1\0"),
	MODEL_HINT(CONSOLE_CONTROL_TX, "\2\0\0\0\3\0\1\0"), /* no such port */
	MODEL_HINT(CONSOLE_CONTROL_TX, "\0\0\0\0\1\0\1\0"), /* PORT_ADD: the device's to say */
	{ .name = NULL },
};

/* No byte and no message is lost without being counted. */
static const struct vringer_sum console_equal_sums[] = {
	{ "port0_output_bytes port0_output_put_back",
	  "port0_output_taken port0_output_held port0_output_dropped" },
	{ "port1_output_bytes port1_output_put_back",
	  "port1_output_taken port1_output_held port1_output_dropped" },
	{ "port0_input_bytes", "port0_input_delivered port0_input_pending port0_input_discarded" },
	{ "port1_input_bytes", "port1_input_delivered port1_input_pending port1_input_discarded" },
	{ "answers_queued", "answers_published answers_waiting answers_discarded" },
	{ NULL, NULL },
};

static const struct vringer_sum console_sums[] = {
	{ "control_repeated control_unknown_port control_unknown_event control_bad_value "
	  "control_port_failed",
	  "control_messages" },
	{ "writable.0",
	  "port0_input_delivered port0_input_chain_invalid port0_input_write_failed" },
	{ "readable.1", "port0_output_bytes port0_output_chain_invalid" },
	{ "used.2",
	  "answers_published answer_chain_invalid answer_chain_small answer_write_failed" },
	{ "written.2", "answers_published" },
	{ "used.3", "control_messages control_chain_invalid" },
	{ "writable.4",
	  "port1_input_delivered port1_input_chain_invalid port1_input_write_failed" },
	{ "readable.5", "port1_output_bytes port1_output_chain_invalid" },
	{ "failed.0 failed.1 failed.2 failed.3 failed.4 failed.5", "add_used_failures" },
	{ "poisoned.0 poisoned.1 poisoned.2 poisoned.3 poisoned.4 poisoned.5",
	  "invalid_avail_idx_count" },
	{ NULL, NULL },
};

static const struct vringer_field console_fields[] = {
	{ "cols", 0, 2, 1 },	 { "rows", 2, 2, 1 }, { "max_nr_ports", 4, 4, 1 },
	{ "emerg_wr", 8, 4, 1 }, { .name = NULL },
};

static const struct vringer_backend console_backend = {
	.size = sizeof(console_backend),
	.acts = 1u << VRINGER_TYPE | 1u << VRINGER_TAKE | 1u << VRINGER_PUT_BACK,
	.port_count = CONSOLE_PORTS,
	.ports = console_ports,
	.dialogue = &console_dialogue,
	.act = console_act,
};

/* What is empty keeps what it had at first, of each port and direction. */
static const struct vringer_kept console_kept = {
	.size = sizeof(console_kept),
	.chains = 1,
	.empty_bytes = 2 * CONSOLE_PORTS * 4096,
};

struct vringer_target console_target = {
	MODEL,
	.name = "console",
	.help = "virtio-console with two ports and the multiport control protocol",
	.device_id = VIRTIO_ID_CONSOLE,
	.features = MODEL_FEATURES | F_MULTIPORT,
	.queue_count = CONSOLE_QUEUE_COUNT,
	.queues = console_queues,
	.queue_needs = console_needs,
	.config_len = sizeof(struct virtio_console_config),
	.config_past = 0xff,
	.fields = console_fields,
	.chain_bytes_max = CONSOLE_HELD_MAX,
	/* Two directions of each port, and what is small. */
	.heap_max = 4 * CONSOLE_HELD_MAX + (64u << 10),
	.sums = console_sums,
	.equal_sums = console_equal_sums,
	.gauges = "port0_output_held port0_input_pending port1_output_held port1_input_pending "
		  "answers_waiting",
	.kept = &console_kept,
	.backend = &console_backend,
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
	.create = console_create,
	.destroy = model_destroy,
	.snapshots = MODEL_SNAPSHOTS(console_impossible),
};
