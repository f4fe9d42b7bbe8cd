/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer for a device that is not ours: what a target says of itself, what it
 * gets, and how it is registered.
 *
 * Fill in one `struct vringer_target`, register it with VRINGER_TARGETS, and
 * link with libvringer.a (pkg-config vringer).  With the archive's own main you
 * get the `vringer` command for your device (run, replay, minimize, ...); with
 * -fsanitize=fuzzer, a libFuzzer binary, or, by afl-clang-fast, an AFL++ one.
 *
 * There are two levels to enter at:
 *
 *   mmio        the target is driven through virtio-mmio registers (VIRTIO 1.4,
 *               4.2.2): it has a transport of its own, which is judged too.
 *   activated   the target gets features, queues and kicks, and vringer supplies
 *               the transport: status, negotiation, queue registers, interrupts.
 *
 * Calls are never nested: a target is called from one thread, and the host calls
 * below may be made only while such a call, or `settle` after it, has not
 * returned.  Nothing is ever jumped over: a call of the device returns, or the
 * process ends.
 *
 * The same program must do the same on every run, in all that is judged: which
 * chains are returned with what, what is written, and whether an interrupt
 * follows.  So: no clock, no random number, no address in a result.  A device
 * with threads of its own may make host calls from them, one at a time, if
 * `settle` waits until they have nothing more to do; queues served by different
 * threads may be served in any order, chains of one queue may not.
 *
 * C11, or C++11 and later.  A structure with a `size` only grows at its end: `size`
 * says what is there, and what is not there is 0.  What is `reserved` is 0.  No
 * function here is called on a signal.
 */
#ifndef VRINGER_H
#define VRINGER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VRINGER_VERSION 1u

/* What a guest-memory access is for. */
enum vringer_purpose {
	VRINGER_PAYLOAD,     /* bytes of a buffer that a descriptor names */
	VRINGER_DESC,	     /* one 16-byte entry of the descriptor table */
	VRINGER_INDIRECT,    /* one 16-byte entry of an indirect table */
	VRINGER_AVAIL_FLAGS, /* le16 */
	VRINGER_AVAIL_IDX,   /* le16 */
	VRINGER_AVAIL_ENTRY, /* le16, one head */
	VRINGER_USED_EVENT,  /* le16, behind the available ring */
	VRINGER_USED_FLAGS,  /* le16 */
	VRINGER_USED_IDX,    /* le16 */
	VRINGER_USED_ENTRY,  /* 8 bytes: le32 id, le32 len */
	VRINGER_AVAIL_EVENT, /* le16, behind the used ring */
};

/* Passed by value with every access. */
struct vringer_why {
	uint16_t purpose; /* enum vringer_purpose */
	uint16_t queue;	  /* index of the queue that the access serves */
	/* The chain that the access serves, as the free-running position (modulo
	 * 2^16) of its entry in the available ring.  For PAYLOAD, DESC, INDIRECT,
	 * AVAIL_ENTRY and USED_ENTRY; 0 for the others. */
	uint16_t walk;
};

/* Guest memory as a target with VRINGER_MEMORY_PLAIN gets it: these bytes are
 * there as long as the device is.  No region ends past 2^64. */
struct vringer_region {
	uint64_t addr; /* guest-physical */
	uint64_t size; /* bytes */
	void *host;    /* where they are in this process */
	uint64_t fd_offset;
	int32_t fd; /* the same bytes, from fd_offset on, to be mapped elsewhere; or -1 */
	uint32_t reserved;
};

/* What a device stands on, from create until destroy.  Every call takes `ctx`
 * first; a call that the target's level or memory has no use for is NULL. */
struct vringer_host {
	uint32_t version; /* VRINGER_VERSION */
	uint32_t size;	  /* bytes of this structure */
	void *ctx;

	/* VRINGER_MEMORY_PURPOSES: copy `len` bytes between guest memory at
	 * guest-physical `addr` and `buf`.  All or nothing: 0, or -EFAULT with
	 * nothing copied if any byte of the range is not mapped or the range
	 * does not fit in 64 bits.  `len` 0 succeeds and looks at no address.  A
	 * ring field is one access of its own size. */
	int32_t (*read)(void *ctx, struct vringer_why why, uint64_t addr, void *buf, uint32_t len);
	int32_t (*write)(void *ctx, struct vringer_why why, uint64_t addr, const void *buf,
			 uint32_t len);
	/* A host view of a guest range, until unmap or the end of the call of
	 * the device.  NULL if the range is not mapped whole.  A view is a copy:
	 * one to read holds what was there at map, one to write (write != 0)
	 * reaches the guest at unmap, whole.  unmap: 0 or -EFAULT. */
	void *(*map)(void *ctx, struct vringer_why why, uint64_t addr, uint32_t len,
		     uint32_t write);
	int32_t (*unmap)(void *ctx, void *view);

	/* VRINGER_MEMORY_ACCESSORS: the same as read and write, without a purpose. */
	int32_t (*load)(void *ctx, uint64_t addr, void *buf, uint32_t len);
	int32_t (*store)(void *ctx, uint64_t addr, const void *buf, uint32_t len);

	/* VRINGER_MEMORY_PLAIN: in the order of their addresses. */
	const struct vringer_region *regions;
	uint32_t region_count;
	uint32_t reserved;

	/* VRINGER_LEVEL_MMIO: the device raises its interrupt line; `bits` says
	 * why, as InterruptStatus does: 1 a used buffer, 2 the configuration. */
	void (*interrupt)(void *ctx, uint32_t bits);

	/* VRINGER_LEVEL_ACTIVATED.  used: notify the driver of buffers used on
	 * `queue`, and on no other: each queue may have a vector of its own; whether
	 * the driver wants that is for the device to have looked at.
	 * config_changed: what config_read returns is another.  needs_reset: the
	 * device cannot go on until it is reset. */
	void (*used)(void *ctx, uint32_t queue);
	void (*config_changed)(void *ctx);
	void (*needs_reset)(void *ctx);

	/* Host heap.  alloc: NULL when there is none; contents undefined, aligned
	 * as malloc's.  free: NULL is allowed.  A program may have an allocation
	 * fail.  Whoever takes all memory here says VRINGER_ALLOC. */
	void *(*alloc)(void *ctx, uint64_t size);
	void (*free)(void *ctx, void *block);

	/* The device calls what is behind it (a disk, a socket, a filter), once more.
	 * Whoever tells of all such calls says how many there may be: backend_calls. */
	void (*backend)(void *ctx);
};

struct vringer_queue {
	const char *name;
	uint16_t size_max;	  /* entries, 1 to 32768 */
	uint8_t driver_initiated; /* 1: a notification makes the device process it */
	uint8_t reserved;
};

/* A queue as the driver set it up, for `activate`. */
struct vringer_ring {
	uint64_t desc, avail, used; /* guest-physical; aligned to 16, 2 and 4 */
	uint16_t size;		    /* entries, a power of two, at most size_max */
	uint16_t ready;		    /* 0: the driver does not use this queue */
	uint32_t reserved;
};

/* left <= right, at any time: sums of its own counters by name, separated by blanks,
 * at most 12.  On the left `used.N` is a counter too: chains of queue N that came back,
 * as far as known. */
struct vringer_sum {
	const char *left, *right;
};

/* A rule that the target is not judged by; every report names it. */
struct vringer_disagreement {
	const char *rule;   /* its id, as `vringer rules` lists it */
	const char *reason; /* one line */
};

enum vringer_level {
	VRINGER_LEVEL_MMIO = 1,
	VRINGER_LEVEL_ACTIVATED = 2,
};

/* How the device reaches guest memory.  The less vringer is told, the more
 * rules are reported as not judged. */
enum vringer_memory {
	VRINGER_MEMORY_PURPOSES = 1,  /* host->read, write, map and unmap */
	VRINGER_MEMORY_ACCESSORS = 2, /* host->load and store */
	VRINGER_MEMORY_PLAIN = 3,     /* host->regions: untold, as a VMM's threads do */
};

/* Which guest memory it can take. */
enum vringer_layout {
	VRINGER_LAYOUT_STANDARD,  /* five regions, two that meet, one that ends at 2^64 */
	VRINGER_LAYOUT_BELOW_TOP, /* the same, the last one ends a page below 2^64 */
	VRINGER_LAYOUT_FLAT,	  /* one region */
};

enum vringer_flag {
	VRINGER_JUDGE_LIMITS = 1 << 0, /* rules of severity `limit` fail a run, not warn */
	VRINGER_JUDGE_SHOULD = 1 << 1, /* so do those of severity `should` */
	VRINGER_JUDGE_MODEL = 1 << 2,  /* it is as strict as vringer's own models */
	VRINGER_HOLDS = 1 << 3,	       /* may keep chains while it is idle */
	VRINGER_ALLOC = 1 << 4,	       /* takes all host memory from host->alloc */
	VRINGER_NO_INTERRUPT = 1 << 5, /* does not tell of every interrupt */
	VRINGER_POLLS = 1 << 6,	       /* looks at its queues without being notified */
};

/* What a device says of itself when a call has ended. */
enum vringer_state {
	VRINGER_IDLE,	 /* nothing to do until the guest or the host acts */
	VRINGER_WORK,	 /* has work left: `step` */
	VRINGER_WAITING, /* cannot go on until the host acts */
};

/* A target: constant, shared by all its devices.  What is "NULL or" may be
 * left out. */
struct vringer_target {
	uint32_t version; /* VRINGER_VERSION */
	uint32_t size;	  /* sizeof(struct vringer_target) */
	const char *name; /* letters a to z, digits, '-' */
	const char *help; /* one line */

	uint32_t level;	 /* enum vringer_level */
	uint32_t memory; /* enum vringer_memory */
	uint32_t layout; /* enum vringer_layout */
	uint32_t flags;	 /* enum vringer_flag, or'ed */

	uint32_t device_id;   /* VIRTIO 5 */
	uint32_t queue_count; /* at most 8 */
	uint64_t features;    /* every bit that it can offer, VIRTIO_F_VERSION_1 among them;
			       * not RING_PACKED, IN_ORDER, NOTIFICATION_DATA, RING_RESET */
	const struct vringer_queue *queues;
	uint32_t config_len; /* bytes of configuration that hold fields */

	/* Bounds, for rules of severity `limit`; 0: none is known. */
	uint32_t chain_bytes_max; /* bytes of one chain that it ever moves */
	uint32_t heap_max;	  /* bytes it ever has from host->alloc at a time */

	uint32_t counter_count;		  /* at most 48 */
	const char *const *counter_names; /* NULL or counter_count of them */
	const struct vringer_sum *sums;	  /* NULL or ended by one with a NULL left */
	const struct vringer_disagreement *disagreements; /* NULL or ended by a NULL rule */
	/* NULL or a script with its `>` lines, which a device must satisfy after
	 * any program and a reset. */
	const char *liveness;

	/* A new device, reset.  NULL if there is no host memory for it.
	 * `offered`: the feature bits to offer, of those above; `queue_max`:
	 * queue_count sizes, what QueueNumMax is to say.  A device that shows others
	 * breaks status.registers. */
	void *(*create)(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max);
	/* Give everything back, threads too.  NULL: such a device cannot be
	 * destroyed; one is made for the life of the process, and reset between
	 * programs.  It is always made with all features and the largest queues. */
	void (*destroy)(void *device);

	/* VRINGER_LEVEL_MMIO: a register access at any offset below 0x1000, of any
	 * width from 1 to 8.  A read fills `buf`. */
	void (*read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*write)(void *device, uint64_t offset, const void *buf, uint32_t len);

	/* VRINGER_LEVEL_ACTIVATED.
	 * activate: the driver set DRIVER_OK; `features` are those that it
	 * accepted, `rings` queue_count of them, both for the device to copy.
	 * kick: the driver notified `queue`, which is ready.
	 * queue_stop: NULL or the driver stopped that queue, which must not be
	 * touched any more; where it is NULL the device is reset, and its driver
	 * told so.
	 * reset: not activated from now on, whether or not it was; when it returns
	 * guest memory is not touched any more.
	 * config_read, config_write: device-specific configuration, any offset
	 * below 0xf00, any width from 1 to 8; NULL or: reads are 0, writes ignored. */
	void (*activate)(void *device, uint64_t features, const struct vringer_ring *rings);
	void (*kick)(void *device, uint32_t queue);
	void (*queue_stop)(void *device, uint32_t queue);
	void (*reset)(void *device);
	void (*config_read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*config_write)(void *device, uint64_t offset, const void *buf, uint32_t len);

	/* Left-over work.  state: NULL or enum vringer_state; a device without it
	 * is idle when a call has returned.  step: NULL or go on with work left,
	 * for a bounded time.
	 * settle: NULL or wait until the device's own threads have nothing more to
	 * do; it is called after every call here but destroy, state and counters, and nothing
	 * is judged before it returns.  0, or -ETIMEDOUT after `ms` milliseconds:
	 * asked again, as long as the threads had little CPU time, it is then a hang. */
	void (*step)(void *device);
	uint32_t (*state)(void *device);
	int32_t (*settle)(void *device, uint32_t ms);

	/* NULL or all counters, in the order of their names.  They never fall
	 * while the device lives, not even by a reset. */
	void (*counters)(void *device, uint64_t *values);

	/* 0, both, or how often one call of the device calls what is behind it, as told
	 * by host->backend: at most so often, and so much more for each chain that it
	 * takes or holds. */
	uint32_t backend_calls, backend_calls_chain;
};

/* What is registered, ended by NULL: exactly one VRINGER_TARGETS in a program. */
extern const struct vringer_target *const vringer_targets[];

#define VRINGER_TARGETS(...)                                                                       \
	const struct vringer_target *const vringer_targets[] = { __VA_ARGS__, 0 }

#ifdef __cplusplus
}
#endif

#endif
