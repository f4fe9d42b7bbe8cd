/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * GPIO devices: VIRTIO 1.4, 5.18.  Behind one may be lines of the machine's: what is demanded
 * only reads.
 */
#include "harness/peers/kind.h"

#include <linux/virtio_gpio.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#define F_IRQ KIND_F(VIRTIO_GPIO_F_IRQ)

enum { REQUESTQ, EVENTQ };

static const struct vringer_queue gpio_queues[] = {
	[REQUESTQ] = KIND_ASKS("requestq"),
	[EVENTQ] = KIND_FILLS("eventq"),
};

static const struct vringer_queue_need gpio_needs[KIND_COUNT(gpio_queues)] = {
	[EVENTQ] = { .features = F_IRQ },
};

static const struct vringer_field gpio_fields[] = {
	{ "ngpio", 0, 2, 1 },
	{ "padding", 2, 1, 2 },
	{ "gpio_names_size", 4, 4, 1 },
	{ .name = NULL },
};

#define MESSAGE(type, line, value) type "\0" line value "\0\0\0"
/* The last line that a device can have is 65534. */
#define NO_LINE "\xff\xff"

static const struct vringer_bytes error[] = { { 0, 1, "\1" }, { .bytes = NULL } };

#define REQUEST(type, line)                                                                        \
	.queue = REQUESTQ, KIND_BYTES(MESSAGE(type, line, "\0")), .writable_len = 2, .used_max = 2

static const struct vringer_request gpio_requests[] = {
	{ .name = "get-direction", .flags = VRINGER_REQUEST_SELDOM, REQUEST("\2", "\0\0") },
	{ .name = "get-value", REQUEST("\4", "\0\0") },
	{ .name = "get-direction-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST("\2", NO_LINE),
	  .answer = error },
	{ .name = "get-value-none",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST("\4", NO_LINE),
	  .answer = error },
	{ .name = "unknown",
	  .flags = VRINGER_REQUEST_SELDOM,
	  REQUEST("\x77", "\0\0"),
	  .answer = error },
	KIND_HINT(REQUESTQ, MESSAGE("\1", "\0\0", "\0"), 256), /* GET_NAMES */
	KIND_HINT(REQUESTQ, MESSAGE("\3", NO_LINE, "\2"), 2),  /* SET_DIRECTION */
	KIND_HINT(REQUESTQ, MESSAGE("\5", NO_LINE, "\1"), 2),  /* SET_VALUE */
	KIND_HINT(REQUESTQ, MESSAGE("\6", "\0\0", "\0"), 2),   /* IRQ_TYPE: none */
	KIND_HINT(EVENTQ, "\0\0", 1),
	KIND_HINT(EVENTQ, NO_LINE, 1),
	{ .name = NULL },
};

const struct kind kind_gpio = {
	.name = "gpio",
	.device_id = VIRTIO_ID_GPIO,
	.queue_count = KIND_COUNT(gpio_queues),
	.queues = gpio_queues,
	.queue_needs = gpio_needs,
	.features = F_IRQ,
	.config_len = 8,
	.fields = gpio_fields,
	.requests = gpio_requests,
};
