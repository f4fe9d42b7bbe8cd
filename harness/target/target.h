/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A target: anything that can be driven at the level of registers, and by calls where
 * it has them.
 *
 * A target describes its device (queues, features), what the ledger may assume (facts,
 * policy, caps) and the calls that drive it.  Calls are never nested.  What a target gets
 * in `create` stays valid until `destroy`.
 */
#ifndef VRINGER_HARNESS_TARGET_H
#define VRINGER_HARNESS_TARGET_H

#include "devices/device.h"
#include "devices/ring.h"
#include "harness/rules/rules.h"

/* How a device reaches guest memory, as the facts that this gives. */
#define TARGET_PLAIN FACT_CHANGES		      /* by pointers: untold */
#define TARGET_ACCESSORS (TARGET_PLAIN | FACT_ACCESS) /* with GUEST_UNTOLD for a purpose */
#define TARGET_PURPOSES (TARGET_ACCESSORS | FACT_PURPOSE | FACT_WALK)
#define TARGET_MEMORY TARGET_PURPOSES

/* The purpose of an access that does not tell it. */
#define GUEST_UNTOLD GUEST_PURPOSE_COUNT

/* left <= right, or left == right, both sums of counters by name, separated by
 * blanks; N*NAME is a counter that many times.  On the left of the former what was seen at queue
 * N is counted too, as far as known: KIND.N, see enum target_chains. */
struct target_sum {
	const char *left;
	const char *right;
	bool equal;
};

/* A rule that the target disagrees with and is not judged by. */
struct target_disagreement {
	const char *rule;   /* its id */
	const char *reason; /* one line */
};

/* Ends of a device, besides queues, where frames come in or go out; a listener sees
 * these. */
#define FRAME_END_FIRST 0x100
enum frame_end {
	END_AWAY = FRAME_END_FIRST, /* passed to the backend, whether it takes it or not */
	END_GIVEN,		    /* the device took it from the backend */
	END_REPLY,		    /* the device answers a frame itself */
	FRAME_END_PAST
};
#define FRAME_END_COUNT (FRAME_END_PAST - FRAME_END_FIRST)

/* Frames on their way through the device, in order: from chains of a queue or from
 * an end, to chains of a queue or to an end; in a chain after `skip` bytes of
 * header.  Where several streams go to one queue, a frame is of the first of them
 * that has it. */
struct target_stream {
	uint16_t from, to;   /* queue or enum frame_end; no two are from the same */
	uint16_t skip;	     /* bytes */
	const char *entered; /* counters: frames that came from an end; or NULL */
	const char *left;    /* counters: frames that reached `to`, of all streams; or NULL */
	/* Counters: frames that wait in the device for a chain of `to`; NULL: unknown,
	 * and waiting frames are not judged. */
	const char *waiting;
	/* Bytes of the largest frame that the device takes, where it has no MTU in its
	 * configuration: with one, Ethernet header, two VLAN tags and that.  A frame that
	 * it took then comes out unless there is a cause: no chain, one that is too small
	 * or wrong, no host memory.  0: unknown, and a loss is not judged. */
	uint32_t frame_max;
	/* How many may wait for a chain of `to`; 0: none, so a frame that does not come
	 * out at once is lost. */
	uint16_t kept;
};

/* Observes frames at the ends, backend calls and queues' interrupts, inside device
 * calls. */
struct target_listener {
	void *ctx;
	void (*frame)(void *ctx, enum frame_end end, const uint8_t *frame, uint32_t len);
	/* The backend reports an error of the device, in one line. */
	void (*fault)(void *ctx, const char *what);
	/* The next used-buffer interrupt is for that queue alone. */
	void (*used)(void *ctx, unsigned queue);
	/* The device calls its backend. */
	void (*called)(void *ctx);
	/* A question: how many chains of the queue were made available and are not in the
	 * used ring, by the indices of the two rings? 0 if it is not live. */
	uint32_t (*outstanding)(void *ctx, unsigned queue);
	/* The target reports a fault of the device.  `gone`: it is no more. */
	void (*report)(void *ctx, bool gone, const char *signature, const char *message);
	/* The queue was stopped, and chains up to that available index were taken. */
	void (*taken)(void *ctx, unsigned queue, uint16_t index);
};

/* A port: bytes that the driver sends in chains of one queue and the host takes,
 * and bytes that the host types and the device delivers in chains of another.
 * The device reads a chain's bytes once and in order, and keeps all that it read
 * unless an access failed; it writes them in order as well.  A chain of which it
 * reads any it reads whole, but for what is beyond `chain_max`.  A reset discards
 * what was typed and not delivered, and nothing that can be taken.
 * With TARGET_NO_QUEUE on one side, bytes go the other way alone.  A device that serves chains of
 * `to` when the driver notifies it may wait with one as long as there are no bytes.
 * With TARGET_NO_QUEUE on both sides, what is typed or taken at a time is a frame:
 * streams are about those, and the rest is not said. */
#define TARGET_NO_QUEUE UINT16_MAX
struct target_port {
	uint16_t from, to;
	uint32_t chain_max;  /* bytes of one chain that are kept */
	uint32_t held_max;   /* bytes that it keeps in each direction */
	const char *held;    /* counter: bytes that can be taken */
	const char *pending; /* counter: bytes typed and not delivered */
	/* Counter: bytes of chains that were returned and not kept, though nothing
	 * was wrong with them: there was no host memory, or they were beyond
	 * `chain_max`; NULL: that is not counted. */
	const char *dropped;
	/* Counters: bytes that the host typed, or put back, and that the device did not
	 * take; NULL: that is not counted. */
	const char *typed_refused, *put_back_refused;
	uint32_t socket_port; /* of the host, whose connections end there; 0: that is not said */
};

/* The device's answers to messages of the driver: each is sent once a session, after
 * the message that asks for it; the answers to one message come in order. */
struct target_ask {
	uint64_t head, mask; /* the first 8 bytes, little-endian, and which bits count */
};
struct target_answer {
	uint64_t head;
	const char *tail; /* behind it; or NULL */
	uint8_t ask;	  /* index */
};
struct target_dialogue {
	uint16_t from, to;		 /* queues */
	uint8_t ask_count, answer_count; /* at most TARGET_ANSWERS_MAX each */
	const struct target_ask *asks;
	const struct target_answer *answers;
};

/* Bytes of an answer: at `offset` of what the device writes, `len` of them are those. */
struct target_bytes {
	uint32_t offset, len;
	const uint8_t *bytes;
};

/* What a driver may send to a queue, and what a device that is well does with it.  One
 * without a name is only bytes that mean something to the device; the mutator sends
 * both. */
struct target_request {
	uint16_t queue;
	uint16_t len;	       /* bytes that the device reads */
	const char *bytes;     /* `len` of them */
	const char *name;      /* letters a to z, digits, '-'; NULL: nothing is demanded */
	uint32_t room;	       /* bytes for the device to write to */
	uint64_t features;     /* that the driver must have accepted */
	uint64_t features_off; /* ... and must not */
	/* Operations, as in a script without its header: what happens before the chain is
	 * available, and after the notification; or NULL. */
	const char *before, *after;
	uint32_t used_min, used_max; /* used.len */
	uint32_t buffers_max;	     /* of each direction; 0: as many as there is room for */
	unsigned answer_count;
	const struct target_bytes *answer;
	/* The answer depends on nothing but the requests before: used.len, and all bytes
	 * below it, are the same however the buffers are divided. */
	bool exact;
};
#define TARGET_REQUESTS_MAX 64u
#define TARGET_REQUEST_BYTES_MAX (16u << 10) /* len + room */
#define TARGET_REQUEST_NAME_MAX 40u	     /* letters */

/* A field of the configuration (VIRTIO 2.5). */
struct target_field {
	const char *name; /* as VIRTIO has it */
	uint16_t offset;
	uint8_t width; /* 1, 2, 4 or 8 bytes, read in one access */
	uint8_t count; /* of an array; or 0, which is 1 */
};

static inline uint32_t target_field_end(const struct target_field *field)
{
	return field->offset + (uint32_t)field->width * (field->count > 0 ? field->count : 1);
}

/* A shared-memory region (VIRTIO 2.10). */
struct target_region {
	uint8_t id;
	uint64_t base, len; /* bytes */
};

/* What the host does to a device. */
enum host_act {
	HOST_TYPE,	    /* give bytes to a port; how many were accepted, from the first on */
	HOST_TAKE,	    /* take at most that many bytes of a port's output; how many */
	HOST_PUT_BACK,	    /* bytes in front of a port's output; all of them, or 0 */
	HOST_SET_NUM_PAGES, /* set the balloon's num_pages to `len`; returns 1 if that is a
			     * change */
	HOST_CHANGE_CONFIG, /* the configuration, to version number `len`, of which 0 is a
			     * new device's; returns 1 if that is a change */
	HOST_ACT_COUNT
};

/* Orders: what the host is to do when the device calls it next. */
enum host_order {
	ORDER_FORGET,  /* all orders, and what is on its way */
	ORDER_REFUSE,  /* the next `count` frames: take `amount` bytes of each */
	ORDER_HOLD,    /* keep what is typed from here on until the device sends the `count`th
			* frame */
	ORDER_PRETEND, /* claim once that `count` frames wait; of a disk: lose all that it was
			* not told to commit */
	HOST_ORDER_COUNT
};

/* How a device is reached without registers: a driver's acts, and what it sees, by
 * meaning, as devices/mmio.h describes them.  LOOK(type, name, parameters, arguments)
 * gives a value and changes nothing, ACT(name, parameters, arguments) is the driver's;
 * in the arguments CALLEE stands for the device. */
#define TARGET_CALLS(LOOK, ACT)                                                                    \
	LOOK(uint32_t, status, (const void *device), (CALLEE))                                     \
	ACT(set_status, (void *device, uint32_t status), (CALLEE, status))                         \
	LOOK(uint32_t, offered, (const void *device, uint32_t word), (CALLEE, word))               \
	ACT(accept, (void *device, uint32_t word, uint32_t features), (CALLEE, word, features))    \
	LOOK(uint32_t, queue_max, (const void *device, uint32_t queue), (CALLEE, queue))           \
	ACT(set_queue_size, (void *device, uint32_t queue, uint32_t size), (CALLEE, queue, size))  \
	ACT(set_queue_area,                                                                        \
	    (void *device, uint32_t queue, enum virtqueue_area area, uint32_t word,                \
	     uint32_t address),                                                                    \
	    (CALLEE, queue, area, word, address))                                                  \
	LOOK(uint32_t, queue_ready, (const void *device, uint32_t queue), (CALLEE, queue))         \
	ACT(set_queue_ready, (void *device, uint32_t queue, uint32_t ready),                       \
	    (CALLEE, queue, ready))                                                                \
	LOOK(uint32_t, queue_reset, (const void *device, uint32_t queue), (CALLEE, queue))         \
	ACT(set_queue_reset, (void *device, uint32_t queue, uint32_t reset),                       \
	    (CALLEE, queue, reset))                                                                \
	ACT(notify, (void *device, uint32_t queue), (CALLEE, queue))                               \
	LOOK(uint32_t, interrupt_status, (const void *device), (CALLEE))                           \
	ACT(acknowledge, (void *device, uint32_t bits), (CALLEE, bits))                            \
	LOOK(uint32_t, generation, (const void *device), (CALLEE))                                 \
	ACT(config_read, (void *device, uint64_t offset, void *buf, uint32_t len),                 \
	    (CALLEE, offset, buf, len))                                                            \
	ACT(config_write, (void *device, uint64_t offset, const void *buf, uint32_t len),          \
	    (CALLEE, offset, buf, len))

/* A table of them; none is NULL. */
struct target_calls {
#define TARGET_LOOK(type, name, parameters, arguments) type(*name) parameters;
#define TARGET_ACT(name, parameters, arguments) void(*name) parameters;
	TARGET_CALLS(TARGET_LOOK, TARGET_ACT)
#undef TARGET_LOOK
#undef TARGET_ACT
};

struct target {
	const char *name; /* letters a to z, digits, '-' */
	const char *help; /* one line */
	uint32_t device_id;
	uint64_t features; /* every bit that it can offer */
	/* ... of bits 64 to 127; 0: it has no pages of features above 1, and what a driver
	 * writes there is lost. */
	uint64_t features_high;
	unsigned queue_count;
	const struct device_queue_desc *queues;
	unsigned config_len; /* bytes that hold fields */
	uint8_t config_past; /* the byte that reads past the end of the configuration return */
	unsigned region_count;
	const struct target_region *regions;
	unsigned field_count; /* at most TARGET_FIELDS_MAX */
	const struct target_field *fields;

	unsigned facts;		  /* enum fact */
	bool model;		  /* rules of severity `model` apply */
	bool transport;		  /* its registers are those of devices/mmio.h */
	bool strict, limits;	  /* broken rules of severity `should`, `limit` always fail a run */
	bool keeps_config;	  /* the configuration may outlast a reset */
	bool fixed_features;	  /* always offers all features */
	uint64_t features_always; /* that it always offers: those that say what it is */
	bool fixed_sizes;	  /* always has the largest queues */
	uint16_t virtio;	  /* the version that it was written against, 0x0104 for 1.4 */
	uint64_t gives_away;	  /* bits: queues whose chains name pages that become the host's */
	unsigned layout;	  /* enum arena_layout: the memory that it takes */
	bool holds;		  /* may hold chains while it is idle */
	bool level_line;	  /* the line is up while a bit of InterruptStatus is, not an
				   * edge for each event */
	bool polls;		  /* processes its queues without being notified */
	bool packed_as_linux;	  /* of a packed ring it wants what only Linux's driver does */
	uint16_t chains_kept;	  /* of a queue, while it waits for the host */
	uint32_t pages_max;	  /* numbers of a chain of pages (VIRTIO 5.5.6); or 0 */
	bool fuse;		  /* FUSE requests (VIRTIO 5.11.6); INIT alone is served */
	uint32_t chain_bytes_max; /* bytes that it moves at most for one chain */
	uint32_t heap_max;	  /* heap bytes that it has at most */
	/* Backend calls in one device call, and how many more for each chain that it
	 * takes or holds. */
	uint32_t backend_calls, backend_calls_chain;
	/* Heap blocks, beyond those of a new device, that it keeps once it has
	 * allocated them. */
	unsigned blocks_kept;
	uint32_t bytes_empty; /* ... and heap bytes, while its gauges are 0; 0: nobody says */
	bool saves_blocks;    /* a restored device has as many as the saved one */
	const struct target_sum *sums; /* ended by one with a NULL left; or NULL */
	const char *gauges;	       /* counters that may fall, blanks between; or NULL */
	unsigned stream_count;	       /* at most TARGET_STREAMS_MAX */
	const struct target_stream *streams;
	uint16_t frames_max; /* that it has room for at a time, of all streams; 0: no bound */
	/* May be NULL: must it answer that frame, which it does not pass on, to END_REPLY? */
	uint32_t (*answers)(const void *frame, uint32_t len);
	/* Ended by one with a NULL rule; or NULL. */
	const struct target_disagreement *disagreements;
	unsigned port_count; /* at most TARGET_PORTS_MAX */
	const struct target_port *ports;
	bool has_num_pages;			/* HOST_SET_NUM_PAGES is served; 0 at first */
	bool changes_config;			/* HOST_CHANGE_CONFIG is served; 0 at first */
	const struct target_dialogue *dialogue; /* NULL: there is none */
	unsigned request_count;
	const struct target_request *requests;
	/* A script with `>` lines that a device must pass right after a reset. */
	const char *liveness; /* NULL: none, and liveness.request is not judged */

	void *owner; /* the target's own */

	/* NULL, or how a command is told to use it, for a shell, where it is not `-t NAME`;
	 * and the folder for its scripts in this tree, where it is not its own of corpus/. */
	const char *words, *folder;

	/* NULL or: find out what of the above is known only when the device runs; called by
	 * target_probe. */
	int (*probe)(const struct target *target, char *what);
	/* NULL or: plain memory: take the region at `addr` away, or give it back: false: not now.
	 */
	bool (*set_region)(void *device, uint64_t addr, bool present);
	/* NULL or: is that page of 4096 bytes in the device's log of dirty pages? */
	bool (*logged)(const void *device, uint64_t page);
	/* NULL or: why `create` failed, if it is not for lack of memory; else NULL. */
	const char *(*unusable)(const struct target *target);

	/* A new device, in the state after reset.  NULL if there is no memory. */
	void *(*create)(const struct target *target, const struct device_host *host,
			uint64_t offered, const uint16_t *queue_max);
	/* What the device that is created next offers of features_high; NULL where that is 0. */
	void (*offer_high)(const struct target *target, uint64_t offered);
	void (*destroy)(void *device);
	/* A register access: any offset below 0x1000, any width of 1 to 8. */
	void (*read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*write)(void *device, uint64_t offset, const void *buf, uint32_t len);
	/* The same without registers; NULL: there are only registers. */
	const struct target_calls *calls;
	/* May be NULL: a device that never leaves work, or without FACT_STATE. */
	void (*work)(void *device);
	enum device_state (*state)(const void *device);
	/* May be NULL: has a thread of the device's not come to rest after the
	 * last call? */
	bool (*hung)(const void *device);
	/* One act of the host; NULL: the target has no host side. */
	uint32_t (*host)(void *device, enum host_act act, unsigned port, void *data, uint32_t len);
	/* May be NULL: how many frames the host has for the device, which it told it
	 * of; those of the stream from END_GIVEN. */
	uint32_t (*waiting)(const void *device);
	/* An order to the host of that port; NULL: it takes none. */
	void (*order)(void *device, enum host_order order, unsigned port, uint32_t count,
		      uint32_t amount);
	/* Tell `listener` of frames at the ends, of calls of what is behind the device, and whose
	 * an interrupt is where queues have one each, until `destroy`; may be NULL where no stream
	 * has an end and all queues share a line. */
	void (*listen)(void *device, const struct target_listener *listener);
	/* Snapshots; NULL, both: there are none.  save: the number of bytes, of which
	 * `out` holds none unless all fit in `room`.  restore, into a new device: 0,
	 * or negative errno with what is wrong at which byte, and the device is as it
	 * was; -EINVAL is for what no device could have saved. */
	size_t (*save)(const void *device, void *out, size_t room);
	int (*restore)(void *device, const void *data, size_t len, size_t *at, const char **what);
	/* NULL or: what in a snapshot no device could have saved, and at which byte; NULL if there
	 * is nothing such.  It is not restore's code. */
	const char *(*impossible)(const struct target *target, const void *data, size_t len,
				  size_t *at);
	/* `device` was restored and replaces `old`, which is destroyed next: move the
	 * host's state from `old` to `device`; NULL: there is none. */
	void (*inherit)(void *device, void *old);
	/* May be NULL without FACT_COUNTERS. */
	unsigned (*counter_count)(const void *device); /* at most TARGET_COUNTERS_MAX */
	const char *(*counter_name)(const void *device, unsigned index);
	/* All of them, in that order; the harness reads them after every call. */
	void (*counters)(const void *device, uint64_t *values);
};

#define TARGET_COUNTERS_MAX 70u /* 64, and those of our transport */
#define TARGET_WHAT_MAX 200u
#define TARGET_PORTS_MAX 4u
#define TARGET_STREAMS_MAX 4u
#define TARGET_FIELDS_MAX 32u
#define TARGET_ANSWERS_MAX 16u
#define TARGET_SUMS_MAX 24u
#define TARGET_SUM_TERMS_MAX 12

/* Defaults for calls that a target leaves out. */
enum device_state target_state(const struct target *target, const void *device);
void target_work(const struct target *target, void *device);
unsigned target_counter_count(const struct target *target, const void *device);
void target_counters(const struct target *target, const void *device, uint64_t *values);
/* May that counter fall? */
bool target_is_gauge(const struct target *target, const char *counter);
/* Before anything is asked of the target or run on it: what it has may be known only now.
 * 0; or negative errno with one line in `what` (TARGET_WHAT_MAX bytes): it cannot be run
 * here.  From the second time on it costs nothing. */
int target_probe(const struct target *target, char *what);
/* A call of a device that waits for another process, and ends that by a bound of its own, says
 * at least once a second that it does: who bounds the call counts from there.  And who that
 * is: one at a time; NULL: nobody. */
void target_waits(void);
void target_watch_waits(void (*waits)(void));
/* Why the last device could not be made or lost its way, which is no fault of the device's;
 * or NULL. */
const char *target_unusable(const struct target *target);
/* How much the host moved; 0 if the target has no host side. */
uint32_t target_host(const struct target *target, void *device, enum host_act act, unsigned port,
		     void *data, uint32_t len);

/* The request of a queue that has a name, the `which`th of them, or the first if there are
 * not so many; NULL if it has none. */
const struct target_request *target_request(const struct target *target, unsigned queue,
					    unsigned which);
/* Can it be sent, with all the features that there are? */
static inline bool target_has_features(const struct target *target,
				       const struct target_request *request)
{
	return (request->features & ~target->features) == 0;
}

/* Whether a driver that accepts all features may send it. */
static inline bool target_may_send(const struct target *target,
				   const struct target_request *request)
{
	return target_has_features(target, request) &&
	       (request->features_off & target->features) == 0;
}

/* How many requests with a name the queue has. */
unsigned target_request_count(const struct target *target, unsigned queue);

/* Is it one of frames? */
static inline bool target_port_frames(const struct target_port *port)
{
	return port->from == TARGET_NO_QUEUE && port->to == TARGET_NO_QUEUE;
}
/* Nothing happens if the target takes no orders. */
void target_order(const struct target *target, void *device, enum host_order order, unsigned port,
		  uint32_t count, uint32_t amount);
/* Features, bits 0 to 127. */
struct features {
	uint64_t low, high;
};

/* Pages of 32 bits that its features have. */
static inline uint32_t target_feature_pages(const struct target *target)
{
	return target->features_high != 0 ? 4 : 2;
}

/* Pages that a driver writes which accepts these. */
static inline uint32_t features_pages(const struct target *target, struct features features)
{
	return features.high != 0 ? 4 : target_feature_pages(target);
}

/* Page 0 to 3, 32 bits each. */
static inline uint32_t features_get(struct features features, uint32_t page)
{
	return (uint32_t)((page < 2 ? features.low : features.high) >> (32 * (page % 2)));
}

static inline void features_set(struct features *features, uint32_t page, uint32_t value)
{
	uint64_t *half = page < 2 ? &features->low : &features->high;

	*half &= ~((uint64_t)UINT32_MAX << (32 * (page % 2)));
	*half |= (uint64_t)value << (32 * (page % 2));
}

/* A new device; NULL: there is no memory. */
void *target_create(const struct target *target, const struct device_host *host,
		    struct features offered, const uint16_t *queue_max);
/* What was seen at a queue, as counters of sums: chains that came back, looks at it, and what
 * else. */
enum target_chains {
	CHAINS_USED,	 /* used.N: all */
	CHAINS_READABLE, /* readable.N: with a byte for the device to read */
	CHAINS_WRITABLE, /* writable.N: with one for it to write */
	CHAINS_LARGE,	 /* large.N: with more bytes to read than it moves, and nothing wrong */
	CHAINS_WRITTEN,	 /* written.N: with a used length above 0 */
	CHAINS_NONE,	 /* none.N: looks for one that found none; without EVENT_IDX */
	CHAINS_BYTES,	 /* written_bytes.N: their used lengths */
	CHAINS_FAILED, /* failed.N: that could not be returned, since a write of its ring failed */
	CHAINS_POISONED, /* poisoned.N: how often its available ring was structurally wrong */
	CHAINS_CHANGES,	 /* config_changes: of the host's act, of no queue: kept as of queue 0 */
	CHAINS_KINDS
};
/* The N of KIND.N, `len` bytes: a decimal number of one or two digits; -1: it is not.  0 for a
 * KIND without a queue. */
int target_chains_term(const char *term, size_t len, enum target_chains *kind);
/* The N of N*NAME in front of a term of a sum, and past it: 1 to 999 999; 1 if there is none. */
uint32_t target_term_factor(const char **term);
/* Does it reach guest memory by pointers? */
bool target_is_plain(const struct target *target);

/* The options that a run on the target is judged with, if `judging` was asked for. */
struct judging target_judging(const struct target *target, struct judging judging);
/* Was the target written against a version of VIRTIO that has not the statement `id`? */
bool target_precedes(const struct target *target, const char *id);

struct program;

/* Parse what happens before or after a request; `text` may be NULL: no operations.  0 and
 * *prog, which is the caller's to free; -ENOMEM; or -EINVAL with what is wrong in `why`
 * (may be NULL).  Only once target_fault has nothing to say are numbers of queues right. */
int target_request_ops(const struct target *target, const struct target_request *request,
		       const char *text, struct program **prog, char *why, size_t size);

/* What is wrong with the description of a target, or NULL. */
const char *target_fault(const struct target *target);

/* All registered targets, NULL-terminated; they stay. */
const struct target *const *target_all(void);
/* The one of that name, or, for NULL, the only one; NULL if there is none. */
const struct target *target_find(const char *name);
/* From now on target_find asks that for names that no registered target has; NULL: nobody.
 * What it returns stays. */
void target_find_also(const struct target *(*find)(const char *name));

#endif
