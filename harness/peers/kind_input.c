/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Input devices: VIRTIO 1.4, 5.8.  Events come from the host.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

enum { EVENTQ, STATUSQ };

static const struct vringer_queue input_queues[] = {
	[EVENTQ] = KIND_FILLS("eventq"),
	[STATUSQ] = KIND_ASKS("statusq"),
};

static const struct vringer_field input_fields[] = {
	{ "select", 0, 1, 1 },	 { "subsel", 1, 1, 1 }, { "size", 2, 1, 1 },
	{ "reserved", 3, 1, 5 }, { "u", 8, 1, 128 },	{ .name = NULL },
};

static const struct vringer_request input_requests[] = {
	/* EV_LED, LED_CAPSL, on: a device without that light takes it all the same. */
	{ .name = "led",
	  .queue = STATUSQ,
	  KIND_BYTES("\x11\0\1\0\1\0\0\0"),
	  .flags = VRINGER_REQUEST_EXACT },
	KIND_HINT(STATUSQ, "\0\0\0\0\0\0\0\0", 0),   /* EV_SYN */
	KIND_HINT(STATUSQ, "\x15\0\0\0\1\0\0\0", 0), /* EV_FF */
	KIND_HINT(STATUSQ, "\xff\xff\xff\xff\xff\xff\xff\xff", 0),
	{ .name = NULL },
};

const struct kind kind_input = {
	.name = "input",
	.device_id = VIRTIO_ID_INPUT,
	.queue_count = KIND_COUNT(input_queues),
	.queues = input_queues,
	.config_len = 136,
	.fields = input_fields,
	.requests = input_requests,
};
