/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A small virtio device, correct in all that VIRTIO 1.4 demands of it, and what its
 * relatives may do in another way.
 *
 * It answers requests: it reads the readable buffers of a chain and fills the writable
 * ones with bytes that depend on what it read and on their position.  It is none of
 * VIRTIO's devices (5), so nothing but chapters 2, 3, 4.2 and 6 binds it.
 *
 *   device.c      the queue: take chains, answer them, give them back
 *   packed.c      the same of a packed ring
 *   registers.c   the registers (4.2.2), status and features
 *   memory.c      guest memory, in each of the three ways of vringer.h
 *   zoo_*.c       relatives that are as correct, each unusual in one way
 *   ../broken     relatives that are wrong in one way
 *
 * Each step of the work is a member of `struct ways`.  A relative has the usual ways but
 * for one or two of its own.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <vringer.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

/* Of VIRTIO 1.4; not in every kernel's headers. */
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif
#ifndef VIRTIO_F_SUSPEND
#define VIRTIO_F_SUSPEND 43
#endif
#ifndef VIRTIO_CONFIG_S_SUSPEND
#define VIRTIO_CONFIG_S_SUSPEND 0x10u
#endif
#define IN_ORDER 35
#define RING_RESET 40
#define QUEUE_RESET 0x0c0

#define DEVICE_ID 63	   /* assigned to no device */
#define QUEUES 2	   /* most have only the first */
#define QUEUE_SIZE 64	   /* entries at most */
#define ANSWER_BYTES 4096u /* read at most, and written at most, for a chain */
#define PAGES 4		   /* feature bits 0 to 127 */
#define CONFIG_BYTES 16
#define LOG_PAGES 512 /* more than all of guest memory has */

struct device;

/* A chain that was taken from the available ring. */
struct taken {
	uint16_t head;
	uint16_t walk; /* position of its entry there */
	bool full;     /* it was answered, to the last of its writable bytes */
};

/* Where a packed ring's side is: an entry, and the wrap counter there. */
struct place {
	uint16_t slot;
	bool wrap;
};

/* A chain that was taken from a packed ring: its id, and the copies of its entries. */
struct held {
	uint16_t id, walk;
	uint32_t first, entries;
	bool full; /* as of `struct taken` */
};

/* A chain as its descriptors described it when they were read, once. */
struct chain {
	struct taken taken;
	uint32_t count;
	struct vring_desc desc[QUEUE_SIZE];
};

enum { DESC, AVAIL, USED, AREAS };

struct queue {
	uint16_t index;
	uint16_t ready;
	uint32_t size;
	uint64_t area[AREAS];
	uint16_t avail_idx; /* as last read */
	uint16_t next_avail, next_used;
	uint32_t held_count; /* chains taken and not given back */
	struct taken held[QUEUE_SIZE];
	bool more; /* there may be chains to take without a notification */
	struct {
		struct place avail, used, used_before;
		uint32_t entries; /* of the chains that are held */
		uint32_t copies;
		struct held held[QUEUE_SIZE];
		struct vring_packed_desc copy[QUEUE_SIZE];
	} packed;
};

/* Ways of a packed ring. */
enum {
	PACKED_WHOLE = 1,      /* the first entry of a chain is read at once, flags and rest */
	PACKED_ONE_WRITE = 2,  /* a used descriptor is written at once */
	PACKED_LAST_FIRST = 4, /* the last of a batch is written first */
	PACKED_SILENT = 8,     /* DISABLE while it works, ENABLE before it rests */
	PACKED_BATCHES = 32,   /* in order, chains that come back together are a batch (2.8.8) */
	PACKED_AS_LINUX = 16,  /* it goes by what Linux does: see VRINGER_PACKED_AS_LINUX */
};

struct ways {
	/* The queue. */
	void (*serve)(struct device *d, struct queue *q);
	bool (*look)(struct device *d, struct queue *q);
	bool (*read_desc)(struct device *d, struct vringer_why why, uint64_t addr,
			  struct vring_desc *desc);
	bool (*allows)(struct device *d, const struct vring_desc *desc);
	bool (*walk)(struct device *d, struct queue *q, struct chain *c);
	uint32_t (*answer)(struct device *d, struct queue *q, const struct chain *c);
	bool (*put)(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		    const struct taken *taken, uint32_t count);
	bool (*wants_interrupt)(struct device *d, struct queue *q, uint16_t used_before);
	void (*wake)(struct device *d, struct queue *q, uint16_t used_before);
	void (*breach)(struct device *d);
	/* A packed ring. */
	unsigned packed;
	bool (*put_packed)(struct device *d, struct queue *q, struct place at,
			   const struct held *held, uint32_t len);
	bool (*wants_packed)(struct device *d, struct queue *q, uint32_t entries);
	/* Registers. */
	void (*raise)(struct device *d, uint32_t bits);
	void (*acknowledge)(struct device *d, uint32_t bits);
	void (*reset)(struct device *d);
	bool (*accepts)(const struct device *d);
	void (*set_ready)(struct device *d, struct queue *q, uint32_t value);
	void (*reset_queue)(struct device *d, struct queue *q); /* 1 was written to QueueReset */
	void (*notified)(struct device *d, struct queue *q);
	void (*live)(struct device *d); /* DRIVER_OK was set */
	/* The driver asks for it; the device shows when it is done (3.4). */
	void (*suspend)(struct device *d);
	void (*resume)(struct device *d);
	uint32_t (*read_status)(struct device *d);
	bool (*exists)(const struct device *d, uint32_t queue);
	uint32_t (*read_register)(struct device *d, uint64_t offset);
	void (*read_config)(const struct device *d, uint64_t offset, uint8_t *buf, uint32_t len);
	void (*write_config)(struct device *d, uint64_t offset, const uint8_t *buf, uint32_t len);
	/* Work of its own. */
	uint32_t (*state)(const struct device *d);
	void (*step)(struct device *d);
	/* NULL or: it has written there. */
	void (*wrote)(struct device *d, uint64_t addr, uint32_t len);
	/* Bytes of a buffer that are moved at a time, at most ANSWER_BYTES. */
	uint32_t piece;
};

struct device {
	const struct vringer_host *host;
	const struct vringer_target *target;
	struct ways ways;
	uint32_t offered[PAGES];
	uint16_t queue_max[QUEUES];
	uint32_t generation;
	uint64_t log[LOG_PAGES]; /* of dirty pages, in the ways of a relative */
	uint32_t log_count;
	uint32_t mood; /* for a relative's ways, as `own`, over a reset */

	/* From here on: 0 after a reset. */
	uint32_t status, interrupt_status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint32_t accepted[PAGES + 1]; /* the last: what was accepted of later pages */
	struct queue queues[QUEUES];
	uint8_t config[CONFIG_BYTES];
	uint32_t own; /* for the ways of a relative */
};

/* What host->opaque is. */
struct member {
	void (*ways)(struct ways *w);
	const struct vringer_target *target;
};

extern const struct ways usual;

/* memory.c: copy `len` bytes between guest memory at `addr` and `buf`.  False, with
 * nothing copied, if they are not all mapped. */
bool memory_read(const struct device *d, struct vringer_why why, uint64_t addr, void *buf,
		 uint32_t len);
bool memory_write(struct device *d, struct vringer_why why, uint64_t addr, const void *buf,
		  uint32_t len);

/* memory.c: put the pages of these addresses into the log; `logged` of vringer.h. */
void log_pages(struct device *d, uint64_t first, uint64_t last);
uint32_t device_logged(const void *device, uint64_t page);

/* device.c: parts of the usual ways. */
void device_take(struct device *d, struct queue *q);
void device_give_back(struct device *d, struct queue *q);
bool device_chains(const struct device *d);
bool device_is_full(const struct chain *c, uint32_t written);
bool device_write_entry(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			struct taken taken, uint16_t position);
bool device_move_idx(struct device *d, struct queue *q, uint32_t count);
bool device_read_le16(struct device *d, struct queue *q, uint16_t purpose, uint64_t addr,
		      uint16_t *value);
bool device_write_le16(struct device *d, struct queue *q, uint16_t purpose, uint64_t addr,
		       uint16_t value);

/* packed.c: parts of the usual ways. */
struct place packed_after(const struct queue *q, struct place at, uint32_t entries);
void packed_take(struct device *d, struct queue *q);
void packed_give_back(struct device *d, struct queue *q);
void packed_serve(struct device *d, struct queue *q);
bool packed_put(struct device *d, struct queue *q, struct place at, const struct held *held,
		uint32_t len);
bool packed_wants_interrupt(struct device *d, struct queue *q, uint32_t entries);
bool device_packed(const struct device *d);

/* registers.c: the rest of the usual ways, and what they rest on. */
void usual_raise(struct device *d, uint32_t bits);
void usual_acknowledge(struct device *d, uint32_t bits);
void usual_breach(struct device *d);
void usual_reset(struct device *d);
bool usual_accepts(const struct device *d);
void usual_set_ready(struct device *d, struct queue *q, uint32_t value);
void usual_reset_queue(struct device *d, struct queue *q);
void usual_notified(struct device *d, struct queue *q);
void usual_live(struct device *d);
void usual_suspend(struct device *d);
void usual_resume(struct device *d);
bool device_suspended(const struct device *d);
uint32_t usual_read_status(struct device *d);
bool usual_exists(const struct device *d, uint32_t queue);
uint32_t usual_read_register(struct device *d, uint64_t offset);
void usual_read_config(const struct device *d, uint64_t offset, uint8_t *buf, uint32_t len);
void usual_write_config(struct device *d, uint64_t offset, const uint8_t *buf, uint32_t len);
bool device_live(const struct device *d);
bool device_negotiated(const struct device *d, unsigned bit);
void device_read(void *device, uint64_t offset, void *buf, uint32_t len);
void device_write(void *device, uint64_t offset, const void *buf, uint32_t len);

/* The calls of struct vringer_target. */
void *device_create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max);
void device_destroy(void *device);
uint32_t device_state(void *device);
void device_step(void *device);

#endif
