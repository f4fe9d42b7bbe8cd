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

#define FEATURES                                                                                   \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |                        \
	 1ULL << VIRTIO_RING_F_EVENT_IDX)
#define JUDGED (VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD)

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
	static void *create_##id##_##kind(const struct vringer_host *host, uint64_t offered,       \
					  const uint16_t *queue_max)                               \
	{                                                                                          \
		struct ways ways;                                                                  \
                                                                                                   \
		ways_##id(&ways);                                                                  \
		return device_create(host, offered, queue_max, &id##_##kind, &ways);               \
	}                                                                                          \
	const struct vringer_target id##_##kind = { .version = VRINGER_VERSION,                    \
						    .size = sizeof(struct vringer_target),         \
						    .name = called "-" #kind,                      \
						    .help = #kind ", see README.md beside it",     \
						    .level = VRINGER_LEVEL_MMIO,                   \
						    .memory = kind_of_memory,                      \
						    .device_id = DEVICE_ID,                        \
						    .chain_bytes_max = 2 * ANSWER_BYTES,           \
						    .create = create_##id##_##kind,                \
						    .destroy = device_destroy,                     \
						    .read = device_read,                           \
						    .write = device_write,                         \
						    .step = device_step,                           \
						    .state = device_state,                         \
						    __VA_ARGS__ };

/* What most relatives say of themselves; a queue, features and flags of its own come
 * instead of these. */
#define ONE_QUEUE .queue_count = 1, .queues = one_queue
#define USUALLY ONE_QUEUE, .features = FEATURES, .flags = JUDGED | VRINGER_ALLOC

static const struct vringer_queue one_queue[] __attribute__((unused)) = {
	{ .name = "requests", .size_max = QUEUE_SIZE, .driver_initiated = 1 },
};

#define TARGETS(id) &id##_purposes, &id##_accessors, &id##_plain

#endif
