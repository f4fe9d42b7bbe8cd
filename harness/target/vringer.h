/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer's public interface: how to describe your device to vringer, what vringer
 * gives it, and how to register it.
 *
 * Fill in one `struct vringer_target`, register it with VRINGER_TARGETS, and
 * link with libvringer.a (pkg-config vringer).  With the library's own main you get the
 * `vringer` command for your device (run, replay, minimize, ...); with
 * -fsanitize=fuzzer you get a libFuzzer binary; with afl-clang-fast, an AFL++ one.
 *
 * A target enters at one of two levels:
 *
 *   mmio        the target answers accesses to virtio-mmio registers (VIRTIO 1.4,
 *               4.2.2).  It has a transport of its own, which is judged too.
 *   activated   the target gets features, queues and kicks, and vringer supplies
 *               the transport: status, negotiation, queue registers, interrupts.
 *
 * Calls are never nested.  A target is called from one thread, and it may make the host
 * calls below only until that call, or the `settle` after it, returns. vringer never
 * jumps out of a call with longjmp or an exception: a device call returns, or the
 * process ends.
 *
 * The same program must have the same outcome on every run: the chains that are
 * returned and their lengths, what is written to guest memory, and the interrupts.  So
 * no clock, random number or host address may influence it.  A device may make host
 * calls from threads of its own, one at a time, if `settle` waits until the threads
 * have nothing more to do.  Different queues may be served in any order, the chains of
 * one queue only in the same order each time.
 *
 * C11, or C++11 and later.  A structure with a `size` only grows at its end: `size` is
 * the size that the writer knew, and members beyond it count as 0.  `reserved` members
 * are 0.  No function here is called from a signal handler.
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

/* A region of guest memory for a target with VRINGER_MEMORY_PLAIN, valid as long as the
 * device exists.  No region ends past 2^64. */
struct vringer_region {
	uint64_t addr; /* guest-physical */
	uint64_t size; /* bytes */
	void *host;    /* where they are in this process */
	uint64_t fd_offset;
	int32_t fd; /* a descriptor of the same bytes, from fd_offset on, for mapping them
		     * elsewhere; or -1 */
	uint32_t reserved;
};

/* What vringer provides to a device, from create until destroy.  Pass `ctx` as the first
 * argument of every call.  A call that does not belong to the target's level or kind of
 * memory is NULL. */
struct vringer_host {
	uint32_t version; /* VRINGER_VERSION */
	uint32_t size;	  /* bytes of this structure */
	void *ctx;

	/* VRINGER_MEMORY_PURPOSES: copy `len` bytes between guest memory at
	 * guest-physical `addr` and `buf`.  Returns 0, or -EFAULT with nothing copied
	 * if any byte of the range is not mapped or the range does not fit in 64 bits.
	 * `len` 0 succeeds for any address.  Access each ring field with one call of the
	 * field's size. */
	int32_t (*read)(void *ctx, struct vringer_why why, uint64_t addr, void *buf, uint32_t len);
	int32_t (*write)(void *ctx, struct vringer_why why, uint64_t addr, const void *buf,
			 uint32_t len);
	/* map returns a view of a guest range, valid until unmap or the end of the
	 * device call; NULL if the range is not wholly mapped.  A view is a copy: a view
	 * for reading holds the bytes as they were at map, a view for writing (write !=
	 * 0) is copied to the guest at unmap, all of it. unmap returns 0 or -EFAULT. */
	void *(*map)(void *ctx, struct vringer_why why, uint64_t addr, uint32_t len,
		     uint32_t write);
	int32_t (*unmap)(void *ctx, void *view);

	/* VRINGER_MEMORY_ACCESSORS: as read and write, without a purpose. */
	int32_t (*load)(void *ctx, uint64_t addr, void *buf, uint32_t len);
	int32_t (*store)(void *ctx, uint64_t addr, const void *buf, uint32_t len);

	/* VRINGER_MEMORY_PLAIN: the regions, in the order of their addresses. */
	const struct vringer_region *regions;
	uint32_t region_count;
	uint32_t reserved;

	/* VRINGER_LEVEL_MMIO: the device raises its interrupt line; `bits` says
	 * why, as InterruptStatus does: 1 a used buffer, 2 the configuration. */
	void (*interrupt)(void *ctx, uint32_t bits);

	/* VRINGER_LEVEL_ACTIVATED.  used: raise the used-buffer interrupt of `queue`
	 * alone (each queue may have a vector of its own).  The device itself must check
	 * first whether the driver wants it. config_changed: config_read returns
	 * something new from now on. needs_reset: the device cannot go on until it is
	 * reset. */
	void (*used)(void *ctx, uint32_t queue);
	void (*config_changed)(void *ctx);
	void (*needs_reset)(void *ctx);

	/* Heap. alloc: NULL if there is no memory; contents are undefined, alignment is
	 * that of malloc. free: NULL is allowed.  A program may make an allocation fail.
	 * Set VRINGER_ALLOC if the device takes all its memory here. */
	void *(*alloc)(void *ctx, uint64_t size);
	void (*free)(void *ctx, void *block);

	/* Report one call of the device's backend (a disk, a socket, a filter).  A
	 * device that reports every such call declares their bound in backend_calls. */
	void (*backend)(void *ctx);

	/* Feature bits 64 to 127, of a target that has features_high.  offered_high: the
	 * ones to offer, from create on.  accepted_high, VRINGER_LEVEL_ACTIVATED: the ones
	 * that the driver accepted, from activate on. */
	uint64_t offered_high, accepted_high;
};

struct vringer_queue {
	const char *name;
	uint16_t size_max;	  /* entries, 1 to 32768 */
	uint8_t driver_initiated; /* 1: the device processes the queue when the driver notifies
				   * it */
	uint8_t reserved;
};

/* A queue as the driver set it up, for `activate`. */
struct vringer_ring {
	uint64_t desc, avail, used; /* guest-physical; aligned to 16, 2 and 4 */
	uint16_t size;		    /* entries, a power of two, at most size_max */
	uint16_t ready;		    /* 0: the driver does not use this queue */
	uint32_t reserved;
};

/* left <= right holds at any time.  Both are sums of the device's counters: names
 * separated by blanks, at most 12.  On the left, `used.N` is a counter too: the chains
 * that queue N returned, as far as vringer knows. */
struct vringer_sum {
	const char *left, *right;
};

/* A rule that the target disagrees with.  It is not judged by it, and every report says
 * so. */
struct vringer_disagreement {
	const char *rule;   /* its id, as `vringer rules` lists it */
	const char *reason; /* one line */
};

enum vringer_level {
	VRINGER_LEVEL_MMIO = 1,
	VRINGER_LEVEL_ACTIVATED = 2,
};

/* How the device reaches guest memory.  The less vringer learns of accesses, the more
 * rules it reports as not judged. */
enum vringer_memory {
	VRINGER_MEMORY_PURPOSES = 1,  /* host->read, write, map and unmap */
	VRINGER_MEMORY_ACCESSORS = 2, /* host->load and store */
	VRINGER_MEMORY_PLAIN = 3,     /* host->regions, by pointers, as VMMs do */
};

/* Which layout of guest memory the device supports. */
enum vringer_layout {
	VRINGER_LAYOUT_STANDARD,  /* five regions: two of them meet, one ends at 2^64 */
	VRINGER_LAYOUT_BELOW_TOP, /* the same, but the last region ends a page below 2^64 */
	VRINGER_LAYOUT_FLAT,	  /* one region */
};

enum vringer_flag {
	VRINGER_JUDGE_LIMITS = 1 << 0, /* broken rules of severity `limit` fail a run instead of
					* warning */
	VRINGER_JUDGE_SHOULD = 1 << 1, /* so do broken rules of severity `should` */
	VRINGER_JUDGE_MODEL = 1 << 2,  /* it is as strict as vringer's own models, and judged as
					* they are */
	VRINGER_HOLDS = 1 << 3,	       /* may keep chains while it is idle */
	VRINGER_ALLOC = 1 << 4,	       /* takes all memory from host->alloc */
	VRINGER_NO_INTERRUPT = 1 << 5, /* does not report every interrupt */
	VRINGER_POLLS = 1 << 6,	       /* processes its queues without being notified */
};

/* The state of a device after a call. */
enum vringer_state {
	VRINGER_IDLE,	 /* nothing to do until the guest or the host acts */
	VRINGER_WORK,	 /* has work left: `step` */
	VRINGER_WAITING, /* cannot go on until the host acts */
};

/* The description of a device.  It is constant and shared by all its instances.  Members
 * that are "NULL or" something may be left out. */
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
	uint32_t queue_count; /* at most 64; rings of those from 8 on have at most 16 entries
			       * where a program does not place them */
	uint64_t features;    /* every feature bit that it can offer. VIRTIO_F_VERSION_1 must be one
			       * of them; RING_PACKED, IN_ORDER, NOTIFICATION_DATA and RING_RESET
			       * must not. */
	const struct vringer_queue *queues;
	uint32_t config_len; /* bytes of configuration that hold fields */

	/* Bounds, for rules of severity `limit`; 0: unknown, the rule is not judged. */
	uint32_t chain_bytes_max; /* bytes that it moves at most for one chain */
	uint32_t heap_max;	  /* bytes that it has at most from host->alloc at a time */

	uint32_t counter_count;		  /* at most 48 */
	const char *const *counter_names; /* NULL or counter_count of them */
	const struct vringer_sum *sums;	  /* NULL or ended by one with a NULL left */
	const struct vringer_disagreement *disagreements; /* NULL or ended by a NULL rule */
	/* NULL or a script with `>` lines that the device must pass after any program
	 * followed by a reset. */
	const char *liveness;

	/* Create a device in the state after reset.  NULL if there is no memory.
	 * `offered`: the feature bits to offer, a part of those above; `queue_max`:
	 * queue_count sizes, the values that QueueNumMax must have.  A device that shows
	 * others breaks status.registers. */
	void *(*create)(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max);
	/* Free everything and end all threads.  NULL: the device cannot be destroyed.  It
	 * is then created once, with all features and the largest queues, and reset
	 * between programs. */
	void (*destroy)(void *device);

	/* VRINGER_LEVEL_MMIO: the driver accesses a register, at any offset below
	 * 0x1000 and with any width from 1 to 8.  A read fills `buf`. */
	void (*read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*write)(void *device, uint64_t offset, const void *buf, uint32_t len);

	/* VRINGER_LEVEL_ACTIVATED.
	 * activate: the driver set DRIVER_OK.  `features` are the bits that it accepted,
	 * `rings` is an array of queue_count; copy what you need.
	 * kick: the driver notified `queue`, which is ready.
	 * queue_stop: NULL or: the driver stopped that queue; do not touch it any more.
	 * If it is NULL, vringer resets the whole device and sets DEVICE_NEEDS_RESET.
	 * reset: the device is not activated from now on, whether or not it was.  When
	 * this returns, it does not touch guest memory any more.
	 * config_read, config_write: device-specific configuration, at any offset below
	 * 0xf00, with any width from 1 to 8.  NULL: reads are 0, writes are ignored. */
	void (*activate)(void *device, uint64_t features, const struct vringer_ring *rings);
	void (*kick)(void *device, uint32_t queue);
	void (*queue_stop)(void *device, uint32_t queue);
	void (*reset)(void *device);
	void (*config_read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*config_write)(void *device, uint64_t offset, const void *buf, uint32_t len);

	/* Work left over. state: NULL or returns enum vringer_state; a device without
	 * it is idle whenever a call has returned. step: NULL or goes on with left-over
	 * work, for a bounded time.
	 * settle: NULL or waits until the device's own threads have nothing more to do.
	 * It is called after every call here except destroy, state and counters, and
	 * nothing is judged before it returns.  It returns 0, or -ETIMEDOUT after `ms`
	 * milliseconds.  It is then called again as long as the threads got little CPU
	 * time; otherwise it is a hang. */
	void (*step)(void *device);
	uint32_t (*state)(void *device);
	int32_t (*settle)(void *device, uint32_t ms);

	/* NULL or returns all counters in the order of their names.  Counters never fall
	 * while the device exists, not even at a reset. */
	void (*counters)(void *device, uint64_t *values);

	/* How often one device call may call the backend, as reported by host->backend:
	 * backend_calls times, and backend_calls_chain times more for each chain that
	 * it takes or holds.  Both 0: not known. */
	uint32_t backend_calls, backend_calls_chain;

	/* Feature bits 64 to 127 that it can offer, bit 64 lowest: pages 2 and 3 of
	 * DeviceFeatures.  What to offer of them is in host->offered_high. */
	uint64_t features_high;
};

/* The registered targets, ended by NULL.  A program has exactly one VRINGER_TARGETS. */
extern const struct vringer_target *const vringer_targets[];

#define VRINGER_TARGETS(...)                                                                       \
	const struct vringer_target *const vringer_targets[] = { __VA_ARGS__, 0 }

#ifdef __cplusplus
}
#endif

#endif
