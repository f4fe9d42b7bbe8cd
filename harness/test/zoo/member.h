/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How a relative of the small device is described to vringer: three times, once for
 * each kind of memory, since each tells vringer of other things.
 *
 *   MEMBER(id, "name", WAYS, .member = of struct vringer_target, ...)
 *
 * WAYS are statements that change `w`, the usual ways.  The targets are named
 * name-purposes, name-accessors and name-plain; TARGETS(id) are all three.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "device.h"

#include <stddef.h>

#define FEATURES                                                                                   \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |                        \
	 1ULL << VIRTIO_RING_F_EVENT_IDX | 1ULL << RING_RESET)

#define PACKED (FEATURES | 1ULL << VIRTIO_F_RING_PACKED)

#define MEMBER(id, called, change, ...)                                                            \
	static void ways_##id(struct ways *w)                                                      \
	{                                                                                          \
		*w = usual;                                                                        \
		change;                                                                            \
	}                                                                                          \
	ONE_KIND(id, called, purposes, VRINGER_MEMORY_PURPOSES, __VA_ARGS__)                       \
	ONE_KIND(id, called, accessors, VRINGER_MEMORY_ACCESSORS, __VA_ARGS__)                     \
	ONE_KIND(id, called, plain, VRINGER_MEMORY_PLAIN, __VA_ARGS__)

#define ONE_KIND(id, called, kind, kind_of_memory, ...)                                            \
	extern const struct vringer_target id##_##kind;                                            \
	static struct member member_##id##_##kind = { ways_##id, &id##_##kind };                   \
	const struct vringer_target id##_##kind = { .version = VRINGER_VERSION,                    \
						    .size = sizeof(struct vringer_target),         \
						    .name = called "-" #kind,                      \
						    .help = #kind ", see README.md beside it",     \
						    .opaque = &member_##id##_##kind,               \
						    .level = VRINGER_LEVEL_MMIO,                   \
						    .memory = kind_of_memory,                      \
						    .chain_bytes_max = 2 * ANSWER_BYTES,           \
						    .create = device_create,                       \
						    .destroy = device_destroy,                     \
						    .read = device_read,                           \
						    .write = device_write,                         \
						    .step = device_step,                           \
						    .state = device_state,                         \
						    __VA_ARGS__ };

/* What a driver may ask, and the first bytes of the answers; device.c has how they come
 * about. */
#define ASKED "what is at this place? \x00\x01\xff"

static const struct vringer_bytes told[] __attribute__((unused)) = {
	{ 0, 8, "\x14\xcd\x50\xef\x88\x41\xc4\x63" },
	{ 0, 0, NULL },
};

static const struct vringer_bytes filled[] __attribute__((unused)) = {
	{ 0, 8, "\x2f\xcc\x69\x06\xa3\x40\xdd\x7a" },
	{ 0, 0, NULL },
};

static const struct vringer_request requests[] __attribute__((unused)) = {
	{ .name = "ask",
	  .flags = VRINGER_REQUEST_EXACT,
	  .readable = ASKED,
	  .readable_len = sizeof(ASKED) - 1,
	  .writable_len = 300,
	  .used_min = 300,
	  .used_max = 300,
	  .answer = told },
	{ .name = "fill",
	  .flags = VRINGER_REQUEST_EXACT,
	  .writable_len = 64,
	  .used_min = 64,
	  .used_max = 64,
	  .answer = filled },
	{ .name = NULL },
};

/* What most relatives say of themselves; a queue, features and flags of its own come
 * instead of these. */
#define ONE_QUEUE .device_id = DEVICE_ID, .queue_count = 1, .queues = one_queue
#define FLAGS .flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD | VRINGER_ALLOC
#define USUALLY ONE_QUEUE, FLAGS, .features = FEATURES, .requests = requests

#define USUALLY_PACKED ONE_QUEUE, FLAGS, .features = PACKED, .requests = requests
/* ... and IN_ORDER. */
#define IN_ORDER_TOO ONE_QUEUE, FLAGS, .features = FEATURES | 1ULL << IN_ORDER, .requests = requests

static const struct vringer_queue one_queue[] __attribute__((unused)) = {
	{ .name = "requests", .size_max = QUEUE_SIZE, .driver_initiated = 1 },
};

/* zoo_queue.c: ways of several relatives. */
void serve_take(struct device *d, struct queue *q);
void step_give_back(struct device *d);
bool put_batches(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		 const struct taken *taken, uint32_t count);

#define TARGETS(id) &id##_purposes, &id##_accessors, &id##_plain

#endif
