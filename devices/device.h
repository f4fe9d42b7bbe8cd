/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The contract between a device model, what it is given and what drives it.
 *
 * A model gets a `struct device_host`: guest memory through accessors, an
 * interrupt line, and allocation.  It offers a constant `struct device_ops`.
 * Between the two stands a transport (mmio.h), which owns status, features,
 * queue registers and interrupts, and calls the model.
 *
 * A model never sees a host address of guest memory, a clock, a thread or the
 * code that drives it, and it is never re-entered: a call runs to its end.
 *
 * Guest mistakes are never assertions and never host errors: they are counted,
 * and where the policy says so the device asks for a reset.  Host mistakes are
 * negative errno.
 *
 * VIRTIO 1.4 chapter 2 (basic facilities), 2.7 (split virtqueues), 2.8 (packed
 * virtqueues).
 */
#ifndef VRINGER_DEVICES_DEVICE_H
#define VRINGER_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio_1_4.h"

struct virtqueue;
struct snapshot_in;
struct snapshot_out;
struct snapshot_queue;

/* What a guest-memory access is for.  Every access says so: a trace is then
 * readable, and a judge can tell a descriptor from a payload byte. */
enum guest_purpose {
	GUEST_PAYLOAD,	   /* bytes of a buffer that a descriptor names */
	GUEST_DESC,	   /* one 16-byte entry of the descriptor table */
	GUEST_INDIRECT,	   /* one 16-byte entry of an indirect table */
	GUEST_AVAIL_FLAGS, /* le16 */
	GUEST_AVAIL_IDX,   /* le16 */
	GUEST_AVAIL_ENTRY, /* le16, one head */
	GUEST_USED_EVENT,  /* le16, behind the available ring */
	GUEST_USED_FLAGS,  /* le16 */
	GUEST_USED_IDX,	   /* le16 */
	GUEST_USED_ENTRY,  /* 8 bytes: le32 id, le32 len */
	GUEST_AVAIL_EVENT, /* le16, behind the used ring */
	/* Of a packed ring: */
	GUEST_PACKED_DESC,  /* an entry of the descriptor ring: 16 bytes, or 14 without flags */
	GUEST_PACKED_FLAGS, /* le16, the flags of one: is it available; written: it is used */
	GUEST_PACKED_USED,  /* 6 bytes, le32 len and le16 id of a used one */
	GUEST_DRIVER_EVENT, /* 4 bytes: le16 offset and wrap, le16 flags */
	GUEST_DEVICE_EVENT, /* the same */
	GUEST_PURPOSE_COUNT
};

/* Passed by value with every access. */
struct guest_why {
	uint16_t purpose; /* enum guest_purpose */
	uint16_t queue;	  /* index of the queue that the access serves */
	/* The chain that the access serves, as the free-running position (mod
	 * 2^16) of its entry in the available ring; of a packed ring, how many were
	 * taken before it.  For AVAIL_ENTRY, DESC, INDIRECT, PAYLOAD, USED_ENTRY and
	 * PACKED_*; 0 for the others. */
	uint16_t walk;
};

/* Bits of InterruptStatus (VIRTIO 4.2.2) are VIRTIO_MMIO_INT_VRING and
 * VIRTIO_MMIO_INT_CONFIG of <linux/virtio_mmio.h>. */

/* What a model is given.  It makes these calls only inside a device call, with `ctx`
 * first. */
struct device_host {
	void *ctx;

	/* Copy `len` bytes between guest memory at guest-physical `addr` and
	 * `buf`.  All or nothing: 0, or -EFAULT with nothing copied if any byte
	 * of the range is not mapped or the range does not fit in 64 bits.
	 * `len` 0 succeeds for any address. */
	int (*read)(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len);
	int (*write)(void *ctx, struct guest_why why, uint64_t addr, const void *buf, uint32_t len);

	/* A view of a guest range, valid until unmap or the end of the device call.
	 * NULL if the range is not wholly mapped.  A view is a bounce buffer: a view for
	 * reading holds the bytes as they were at map, a view for writing is copied to
	 * the guest at unmap, all of it. unmap: 0 or -EFAULT. */
	void *(*map)(void *ctx, struct guest_why why, uint64_t addr, uint32_t len, bool write);
	int (*unmap)(void *ctx, void *view);

	/* Raise the interrupt line; `bits` says why, as InterruptStatus does. */
	void (*interrupt)(void *ctx, uint32_t bits);

	/* Is all of the range guest memory?  No access: nothing is read.  `len` is
	 * not 0; false where the range does not fit in 64 bits. */
	bool (*is_memory)(void *ctx, uint64_t addr, uint64_t len);

	/* Heap. alloc: NULL if there is no memory; contents undefined, aligned as by
	 * malloc. free: NULL is allowed. */
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *block);
};

/* The state of a device after a call. */
enum device_state {
	DEVICE_IDLE,	/* nothing to do until the guest or the host acts */
	DEVICE_WORK,	/* has work left: call work() again */
	DEVICE_WAITING, /* cannot go on until the host acts (a full buffer) */
	DEVICE_STATE_COUNT
};

struct device_queue_desc {
	const char *name;
	uint16_t size_max;     /* entries, a power of two, 1..32768 */
	bool driver_initiated; /* a notification makes the device process it */
	/* The queue exists only with these feature bits: offered, and from FEATURES_OK
	 * on accepted. 0: it always exists. */
	uint64_t features;
};

/* A shared-memory region (VIRTIO 2.10): where the guest sees it. */
struct device_shm {
	uint32_t id;
	uint64_t base, len; /* guest-physical, bytes; neither is all ones */
};

struct device;

/* What a snapshot says of the transport, for the model to check its part against. */
struct snapshot_view {
	uint64_t features; /* as the driver accepted them */
	uint32_t status;
	size_t counters_at; /* byte of the input: the model's first counter, u64 each */
	const struct snapshot_queue *queues; /* ops->queue_count of them */
};

/* What a model offers: constant, shared by all its instances. */
struct device_ops {
	const char *name;
	uint32_t device_id; /* VIRTIO 5 */
	size_t state_size;  /* bytes; the state starts with a struct device */
	/* Bytes at the end of the state that are working memory: undefined when
	 * create is called.  Big arrays go there, so that a new device costs
	 * little. */
	size_t scratch_size;
	uint64_t features; /* every bit the model can offer */
	/* ... of bits 64 to 127; not 0: the state starts with a struct device_high.  0: words
	 * 2 and 3 are not there. */
	uint64_t features_high;
	unsigned queue_count;
	const struct device_queue_desc *queues;
	unsigned shm_count; /* regions; an id that is none of theirs is absent */
	const struct device_shm *shm;
	/* Counters never fall while the device lives, not even across reset. */
	unsigned counter_count;
	const char *const *counter_names;

	/* The state is zeroed but for its struct device, which is filled in, and
	 * its scratch bytes.  0, or negative errno with nothing left allocated:
	 * destroy is not called then. */
	int (*create)(struct device *dev);
	/* Give back what create and later calls allocated; not the state. */
	void (*destroy)(struct device *dev);
	/* Session state back to that of a new device; counters stay.  The queues,
	 * status and features are still as they were before the reset; the
	 * transport clears them when this returns. */
	void (*reset)(struct device *dev);
	/* May be NULL.  live: the driver has set DRIVER_OK, the first time.  Of a device that it
	 * has started: queue_stop: it has stopped `queue`; queue_reset: it resets `queue` alone,
	 * ready or not (VIRTIO 2.6.1), which is as it was and is cleared when this returns; no
	 * chain of it is with the model any more; queue_start: it has made `queue` ready, which was
	 * reset. */
	void (*live)(struct device *dev);
	/* The driver suspends the device, which is live for that long: return what it can (VIRTIO
	 * 3.4.2), take nothing more.  May be NULL: what it has stays with it. */
	void (*suspend)(struct device *dev);
	void (*queue_stop)(struct device *dev, unsigned queue);
	void (*queue_reset)(struct device *dev, unsigned queue);
	void (*queue_start)(struct device *dev, unsigned queue);
	/* The driver notified `queue`, which exists, is ready and the device is
	 * live (DRIVER_OK). */
	void (*notify)(struct device *dev, unsigned queue);
	/* Go on with work that an earlier call left, or that came while the device was
	 * suspended.  Live devices only. */
	void (*work)(struct device *dev);
	enum device_state (*state)(const struct device *dev);
	/* Device-specific configuration, `offset` from its start in bytes, any
	 * width.  config_write may be NULL: writes are ignored. */
	void (*config_read)(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len);
	void (*config_write)(struct device *dev, uint64_t offset, const uint8_t *buf, uint32_t len);
	/* The model's part of a snapshot (snapshot.h): its own state, without what the
	 * transport saves, written with snapshot_codec.h.  Both may be NULL: it has
	 * none. */
	void (*save)(const struct device *dev, struct snapshot_out *out);
	/* Into a new device.  Checks each field, against the transport's part too,
	 * which is not taken over yet; with in->commit, which comes after all were
	 * found good, takes them over.  -ENOMEM by snapshot_bad leaves the device as
	 * it was. */
	void (*restore)(struct device *dev, const struct snapshot_view *view,
			struct snapshot_in *in);
};

/* The part that every instance has; a model embeds it first in its state. */
struct device {
	const struct device_ops *ops;
	const struct device_host *host;
	/* ops->queue_count of them, the transport's; one more is a report. */
	struct virtqueue *queues;
	uint64_t *counters; /* ops->counter_count of them */
	uint64_t offered;   /* feature bits this instance offers */
	uint64_t features;  /* as the driver accepted them */
	uint32_t status;    /* device status, VIRTIO 2.1 */
	uint32_t interrupt_status;
	/* Moves before a change that the device makes to its configuration can be
	 * seen (VIRTIO 2.5); not for the driver's own writes, not at reset. */
	uint32_t config_generation;
	/* The configuration changed while the device was suspended: its driver is told when it
	 * resumes. */
	bool config_owed;
};

/* Has the driver started a device of that status?  It is live, or suspended (VIRTIO 3.4). */
static inline bool device_started(uint32_t status)
{
	return status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND);
}

/* Feature bits 64 to 127.  A model that has some has these behind its struct device. */
struct device_high {
	struct device dev;
	uint64_t offered, features;
};

/* NULL: it has none. */
static inline struct device_high *device_high(struct device *dev)
{
	return dev->ops->features_high ? (struct device_high *)(void *)dev : NULL;
}

/* Is there a queue of that number now? */
bool device_queue_exists(const struct device *dev, unsigned queue);

/* Present an event in InterruptStatus and raise the line. */
void device_interrupt(struct device *dev, uint32_t bits);

/* Around a change that the device makes to its configuration: before the first
 * byte of it can be read, and when the last one can.  The generation moves at the
 * first, so that a driver which reads one half before and the other after sees it
 * (VIRTIO 2.5); a live device tells its driver at the second, a suspended one when it
 * resumes. */
void device_config_changing(struct device *dev);
void device_config_changed(struct device *dev);

/* The device can only be used again after a reset (VIRTIO 2.1.2): sets
 * DEVICE_NEEDS_RESET and, on a live device, raises a configuration interrupt.
 * Doing it twice before a reset raises it twice. */
void device_needs_reset(struct device *dev);

#endif
