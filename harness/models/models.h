/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What our own device models share as targets: each is a description of vringer.h, as
 * everybody's device is.
 */
#ifndef VRINGER_HARNESS_MODELS_H
#define VRINGER_HARNESS_MODELS_H

#include "devices/mmio.h"
#include "devices/virtqueue.h"
#include "harness/target/vringer.h"

/* A device of ours: its transport, and what that stands on, made of what vringer gives. */
struct model {
	struct device_host host;
	struct mmio *mmio;
};

/* Create its device; false if there is no memory. */
bool model_open(struct model *model, const struct device_ops *ops, const struct vringer_host *host,
		uint64_t offered, const uint16_t *queue_max);
/* The calls of a target whose device is a struct model, or begins with one. */
void *model_create(const struct device_ops *ops, const struct vringer_host *host, uint64_t offered,
		   const uint16_t *queue_max);
void model_destroy(void *device);
void model_read(void *device, uint64_t offset, void *buf, uint32_t len);
void model_write(void *device, uint64_t offset, const void *buf, uint32_t len);
void model_step(void *device);
uint32_t model_state(void *device);
void model_counters(void *device, uint64_t *values);
uint64_t model_save(const void *device, void *out, uint64_t room);
int32_t model_restore(void *device, const void *data, uint64_t len, uint64_t *at,
		      const char **what);
/* What in a snapshot no device of that model saves (vringer.h). */
const char *balloon_impossible(const void *data, uint64_t len, uint64_t *at);
const char *blk_impossible(const void *data, uint64_t len, uint64_t *at);
const char *console_impossible(const void *data, uint64_t len, uint64_t *at);
const char *fs_impossible(const void *data, uint64_t len, uint64_t *at);
const char *net_host_impossible(const void *data, uint64_t len, uint64_t *at);
const char *net_loopback_impossible(const void *data, uint64_t len, uint64_t *at);
const char *rng_impossible(const void *data, uint64_t len, uint64_t *at);
const char *vsock_impossible(const void *data, uint64_t len, uint64_t *at);
/* The snapshots of a model whose host has nothing to move. */
#define MODEL_SNAPSHOTS(reader)                                                                    \
	&(const struct vringer_snapshots)                                                          \
	{                                                                                          \
		.size = sizeof(struct vringer_snapshots), .save = model_save,                      \
		.restore = model_restore, .impossible = (reader)                                   \
	}
extern const struct vringer_calls model_calls;

/* The model behind its transport. */
struct device *model_device(void *device);

/* What every model has in common; models.c adds the names of its counters. */
#define MODEL                                                                                      \
	.version = VRINGER_VERSION, .size = sizeof(struct vringer_target),                         \
	.level = VRINGER_LEVEL_MMIO, .memory = VRINGER_MEMORY_PURPOSES,                            \
	.flags = VRINGER_JUDGE_MODEL | VRINGER_ALLOC | VRINGER_TRANSPORT | VRINGER_BACKEND,        \
	.read = model_read, .write = model_write, .calls = &model_calls, .step = model_step,       \
	.state = model_state, .counters = model_counters

/* What every model offers. */
#define MODEL_FEATURES (1ULL << VIRTIO_F_VERSION_1 | VIRTQUEUE_FEATURES | MMIO_FEATURES)

#define MODEL_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A struct vringer_request that is only a hint: to that queue, the bytes of a literal, all
 * of them. */
#define MODEL_HINT(to, literal)                                                                    \
	{                                                                                          \
		.name = "hint", .queue = (to), .flags = VRINGER_REQUEST_HINT,                      \
		.readable = (literal), .readable_len = sizeof(literal) - 1                         \
	}

/* The configuration of both network cards. */
extern const struct vringer_field model_net_fields[];

extern struct vringer_target net_loopback_target, console_target, net_host_target, fs_target,
	balloon_target, rng_target, blk_target, blk_ro_target, vsock_target;

#endif
