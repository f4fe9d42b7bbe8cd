/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What our own device models share as targets.  See target.h.
 */
#ifndef VRINGER_HARNESS_MODELS_H
#define VRINGER_HARNESS_MODELS_H

#include "harness/target/target.h"

/* The calls of a target, on a struct mmio. */
void model_destroy(void *device);
void model_read(void *device, uint64_t offset, void *buf, uint32_t len);
void model_write(void *device, uint64_t offset, const void *buf, uint32_t len);
void model_work(void *device);
enum device_state model_state(const void *device);
unsigned model_counter_count(const void *device);
const char *model_counter_name(const void *device, unsigned index);
void model_counters(const void *device, uint64_t *values);
size_t model_save(const void *device, void *out, size_t room);
extern const struct target_calls model_calls;
int model_restore(void *device, const void *data, size_t len, size_t *at, const char **what);

/* What every model on our mmio transport has in common. */
#define MODEL_CALLS(create_fn)                                                                     \
	.facts = FACT_ALL, .model = true, .transport = true, .strict = true, .limits = true,       \
	.create = (create_fn), .destroy = model_destroy, .read = model_read, .write = model_write, \
	.calls = &model_calls, .work = model_work, .state = model_state,                           \
	.counter_count = model_counter_count, .counter_name = model_counter_name,                  \
	.counters = model_counters

/* ... and of those that can be saved. */
#define MODEL_SNAPSHOTS .save = model_save, .restore = model_restore

/* A struct target_request: to that queue, the bytes of a literal, all of them. */
#define MODEL_REQUEST(queue_no, literal)                                                           \
	{                                                                                          \
		.queue = queue_no, .len = sizeof(literal) - 1, .bytes = literal                    \
	}

/* The configuration of both network cards. */
#define MODEL_NET_FIELDS 4u
extern const struct target_field model_net_fields[MODEL_NET_FIELDS];

extern const struct target console_target, net_host_target, fs_target, balloon_target;

#endif
