/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the block device share: its state, its counters, and what each part does for
 * the others.  For blk*.c only.
 *
 * VIRTIO 1.4, 5.2.6 (device operation).
 */
#ifndef VRINGER_DEVICES_BLK_PRIVATE_H
#define VRINGER_DEVICES_BLK_PRIVATE_H

#include "blk.h"
#include "chain.h"

#define BLK_F(bit) (UINT64_C(1) << VIRTIO_BLK_F_##bit)
#define BLK_FEATURES                                                                               \
	(BLK_F(SIZE_MAX) | BLK_F(SEG_MAX) | BLK_F(BLK_SIZE) | BLK_F(FLUSH) | BLK_F(TOPOLOGY) |     \
	 BLK_F(CONFIG_WCE) | BLK_F(MQ) | BLK_F(DISCARD) | BLK_F(WRITE_ZEROES))

/* An event moves the counters named for it and no other. */
enum blk_counter {
	BLK_REQUESTS, /* chains that were taken; each is one of the next, or in flight */
	BLK_SERVED,   /* OK; each is one of the next six */
	BLK_READS,
	BLK_WRITES,
	BLK_FLUSHES,
	BLK_IDS,
	BLK_DISCARDS,
	BLK_ZEROES,
	BLK_REFUSED,	   /* IOERR: short, beyond a limit or the capacity, or read-only */
	BLK_UNSUPPORTED,   /* UNSUPP */
	BLK_FAILED,	   /* IOERR: the backend failed */
	BLK_NO_MEMORY,	   /* IOERR: no host memory */
	BLK_CHAIN_INVALID, /* torn, out of order, unreadable part, wraps */
	BLK_NO_STATUS,	   /* no writable byte */
	BLK_ANSWER_FAILED, /* data or status could not be written */
	BLK_ABANDONED,	   /* its queue was reset, stopped or poisoned meanwhile */
	BLK_IN_FLIGHT,	   /* gauge */
	BLK_SECTORS_READ,
	BLK_SECTORS_WRITTEN,
	BLK_CONTINUED,	       /* calls for the rest after a short one */
	BLK_COMPLETED_UNKNOWN, /* completions of nothing that is in progress */
	BLK_WRITEBACK_WRITTEN,
	BLK_WRITEBACK_REFUSED, /* not negotiated, or neither 0 nor 1 */
	BLK_RESIZED,
	BLK_ADD_USED_FAILURES,
	BLK_INVALID_AVAIL_IDX, /* a queue became poisoned */
	BLK_COUNTER_COUNT
};

/* The driver's word of how its writes are cached. */
enum blk_writeback { BLK_WRITEBACK_UNSAID, BLK_WRITETHROUGH, BLK_WRITEBACK, BLK_WRITEBACK_COUNT };

enum blk_step {
	BLK_FREE,	 /* no request */
	BLK_TO_SUBMIT,	 /* has something for the backend */
	BLK_IN_PROGRESS, /* ... which has it */
	BLK_DONE,	 /* to be answered */
	BLK_STEP_COUNT
};

/* A request in hand. */
struct blk_request {
	struct virtqueue_chain chain;
	uint64_t tag;	  /* the order in which requests came; none is used twice */
	uint64_t done_at; /* the order in which they were done */
	uint64_t sector;
	uint64_t room;	/* writable bytes */
	uint8_t *data;	/* NULL or `len` bytes of host memory */
	uint32_t type;	/* VIRTIO_BLK_T_ */
	uint32_t len;	/* bytes of data */
	uint32_t done;	/* of these, done; or whole segments */
	uint64_t part;	/* bytes done of the next segment */
	uint8_t calls;	/* of the backend so far */
	uint8_t step;	/* enum blk_step */
	uint8_t fate;	/* enum blk_counter, once done */
	bool flushing;	/* a write that is done is being flushed */
	uint16_t count; /* writable buffers */
	uint8_t slot;	/* which of blk->requests, and its buffers */
};

struct blk {
	struct device dev;
	const struct blk_backend *backend;
	void *ctx;
	uint64_t capacity; /* the host's, so reset leaves it */
	uint64_t next_tag, next_done;
	uint8_t writeback; /* enum blk_writeback */
	uint8_t more;	   /* queues that may have chains which nobody has looked at, a bit each */
	bool busy;	   /* in a call: what completes is answered at its end */
	bool poisoned_now; /* a queue was poisoned in this call: not signalled yet */
	struct blk_request requests[BLK_IN_FLIGHT_MAX];

	/* Scratch from here on: descriptors of the chain in hand, and the writable ones of each
	 * request. */
	struct virtqueue_buffer buffers[BLK_QUEUE_SIZE_MAX];
	struct virtqueue_buffer writable[BLK_IN_FLIGHT_MAX][BLK_QUEUE_SIZE_MAX];
};

static inline struct blk *blk_of(struct device *dev)
{
	return (struct blk *)dev;
}

static inline void blk_count(struct blk *blk, enum blk_counter which)
{
	blk->dev.counters[which]++;
}

/* Is a write stable when it completes (VIRTIO 5.2.6.2)? */
bool blk_writethrough(const struct blk *blk);

/* A request that is being taken over. */
struct blk_intake {
	struct chain_cursor at; /* behind the header */
	uint64_t rest;		/* readable bytes from there on */
};

struct blk_type {
	uint32_t type;	       /* VIRTIO_BLK_T_ */
	uint64_t feature;      /* without which it is unsupported; or 0 */
	enum blk_counter fate; /* if all is well */
	/* Judge it and read what goes with it: BLK_COUNTER_COUNT to go on, or its fate. */
	enum blk_counter (*begin)(struct blk *blk, struct blk_request *r, struct blk_intake *in);
	/* Ask the backend for what is next; or NULL. */
	int64_t (*call)(struct blk *blk, struct blk_request *r);
};

/* blk_request.c.  NULL: there is none. */
const struct blk_type *blk_type_of(uint32_t type);
/* Take over a chain that was just popped, into a free request, which becomes BLK_TO_SUBMIT or
 * BLK_DONE. */
void blk_take(struct blk *blk, struct blk_request *r, const struct virtqueue_chain *chain);

/* blk_submit.c.  Of one that is BLK_TO_SUBMIT: call the backend until it is in progress or done. */
void blk_submit(struct blk *blk, struct blk_request *r);
/* The backend's result. */
void blk_result(struct blk *blk, struct blk_request *r, int64_t result);
/* It is done, and that became of it. */
void blk_done_as(struct blk *blk, struct blk_request *r, enum blk_counter fate);
/* Of a discard or write zeroes: the segment at byte `at` of its data, and go on to the next one
 * that has sectors, from r->done on; false: there is none. */
#define BLK_SEGMENT sizeof(struct virtio_blk_discard_write_zeroes)
struct virtio_blk_discard_write_zeroes blk_segment_at(const struct blk_request *r, uint32_t at);
bool blk_skip_empty(struct blk_request *r);
int64_t blk_call_read(struct blk *blk, struct blk_request *r);
int64_t blk_call_write(struct blk *blk, struct blk_request *r);
int64_t blk_call_flush(struct blk *blk, struct blk_request *r);
int64_t blk_call_discard(struct blk *blk, struct blk_request *r);
int64_t blk_call_zeroes(struct blk *blk, struct blk_request *r);
/* Of a snapshot, with `data` of r->len bytes: can there be one like that, of a device with
 * those features? */
bool blk_possible(const struct blk_request *r, const uint8_t *data, uint64_t features);

/* blk_answer.c: write data and status of one that is done; the used length. */
uint32_t blk_answer(struct blk *blk, struct blk_request *r);
/* It is no request any more. */
void blk_release(struct blk *blk, struct blk_request *r);

/* blk_config.c */
void blk_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len);
void blk_config_write(struct device *dev, uint64_t offset, const uint8_t *buf, uint32_t len);

/* blk_snapshot.c */
void blk_save(const struct device *dev, struct snapshot_out *out);
void blk_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in);

#endif
