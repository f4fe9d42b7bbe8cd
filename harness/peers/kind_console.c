/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Consoles: VIRTIO 1.4, 5.3, with ports 0 and 1.  Whatever is behind port 0 takes what it is
 * given.  What is received comes from the host, and so does what is said of ports.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F_MULTIPORT KIND_F(VIRTIO_CONSOLE_F_MULTIPORT)

enum { RECEIVEQ0, TRANSMITQ0, CONTROL_RECEIVEQ, CONTROL_TRANSMITQ, RECEIVEQ1, TRANSMITQ1 };

static const struct vringer_queue console_queues[] = {
	[RECEIVEQ0] = KIND_FILLS("receiveq0"),
	[TRANSMITQ0] = KIND_ASKS("transmitq0"),
	[CONTROL_RECEIVEQ] = KIND_FILLS("control-receiveq"),
	[CONTROL_TRANSMITQ] = KIND_ASKS("control-transmitq"),
	[RECEIVEQ1] = KIND_FILLS("receiveq1"),
	[TRANSMITQ1] = KIND_ASKS("transmitq1"),
};

static const struct vringer_queue_need console_needs[KIND_COUNT(console_queues)] = {
	[CONTROL_RECEIVEQ] = { .features = F_MULTIPORT },
	[CONTROL_TRANSMITQ] = { .features = F_MULTIPORT },
	[RECEIVEQ1] = { .features = F_MULTIPORT },
	[TRANSMITQ1] = { .features = F_MULTIPORT },
};

static const struct vringer_field console_fields[] = {
	{ "cols", 0, 2, 1 },	 { "rows", 2, 2, 1 }, { "max_nr_ports", 4, 4, 1 },
	{ "emerg_wr", 8, 4, 1 }, { .name = NULL },
};

/* A control message of port 0 or 1. */
#define MESSAGE(port, event, value) port "\0\0\0" event "\0" value "\0"

static const struct vringer_request console_requests[] = {
	/* With ports, it is the device that says when there is one. */
	{ .name = "output",
	  .queue = TRANSMITQ0,
	  KIND_BYTES("hello, world\r\n"),
	  .features_off = F_MULTIPORT,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "device-ready",
	  .queue = CONTROL_TRANSMITQ,
	  .features = F_MULTIPORT,
	  KIND_BYTES(MESSAGE("\0", "\0", "\1")),
	  .flags = VRINGER_REQUEST_EXACT },
	KIND_HINT(TRANSMITQ0, "hello, world\r\n", 0),
	KIND_HINT(TRANSMITQ1, "hello, port\r\n", 0),
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\0", "\3", "\1"), 0), /* PORT_READY */
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\1", "\3", "\1"), 0),
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\0", "\6", "\1"), 0), /* PORT_OPEN */
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\1", "\6", "\1"), 0),
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\1", "\6", "\0"), 0),
	KIND_HINT(CONTROL_TRANSMITQ, MESSAGE("\1", "\1", "\0"), 0), /* the device's to say */
	{ .name = NULL },
};

const struct kind kind_console = {
	.name = "console",
	.device_id = VIRTIO_ID_CONSOLE,
	.queue_count = KIND_COUNT(console_queues),
	.queues = console_queues,
	.queue_needs = console_needs,
	.features =
		KIND_F(VIRTIO_CONSOLE_F_SIZE) | F_MULTIPORT | KIND_F(VIRTIO_CONSOLE_F_EMERG_WRITE),
	.config_len = 12,
	.fields = console_fields,
	.requests = console_requests,
};
