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
 * are 0, and so are flags that this header does not name: anything else is refused.  No
 * function here is called from a signal handler.
 *
 * History: what an older description may have to change.
 *   the `reserved` byte of struct vringer_queue became `flags`; where it was named, name
 *   it so.  A description compiled before needs nothing.
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
	/* Of a packed ring (VIRTIO 2.8): */
	VRINGER_PACKED_DESC,  /* an entry of the descriptor ring: 16 bytes, or 14 without flags */
	VRINGER_PACKED_FLAGS, /* le16, the flags of one: is it available; written: it is used */
	VRINGER_PACKED_USED,  /* 6 bytes, le32 len and le16 id of a used one; 8 with its flags */
	VRINGER_DRIVER_EVENT, /* 4 bytes: le16 offset and wrap, le16 flags */
	VRINGER_DEVICE_EVENT, /* the same */
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

	/* `opaque` of the target's description. */
	void *opaque;

	/* Is all of that range guest memory?  Nothing is accessed.  0 or 1; 0 for `len` 0 and
	 * where the range does not fit in 64 bits. */
	uint32_t (*is_memory)(void *ctx, uint64_t addr, uint64_t len);

	/* For targets with streams: a frame passes an end of the device that is no queue, now.
	 * `end`: enum vringer_end. */
	void (*frame)(void *ctx, uint32_t end, const void *frame, uint32_t len);
	/* The backend finds the device at fault, as `what` says in one line: a finding of rule
	 * stream.filter. */
	void (*fault)(void *ctx, const char *what);

	/* Feature bits 64 to 127, of a target that has features_high.  offered_high: the
	 * ones to offer, from create on.  accepted_high, VRINGER_LEVEL_ACTIVATED: the ones
	 * that the driver accepted, from activate on. */
	uint64_t offered_high, accepted_high;

	/* Something is to be told of the device: enum vringer_report.  `signature`: what
	 * happened, for people and for lists of known findings: up to 80 letters, digits, ':',
	 * '-', '_' and '.', the same each time that the same happens.  `message`: one line. */
	void (*report)(void *ctx, uint32_t kind, const char *signature, const char *message);
	/* The device stopped `queue`, having taken the chains up to this free-running
	 * available index (modulo 2^16).  VRINGER_LEVEL_ACTIVATED. */
	void (*taken)(void *ctx, uint32_t queue, uint32_t index);
};

/* What host->report tells. */
enum vringer_report {
	/* The device is at fault: a finding.  The program goes on. */
	VRINGER_REPORT_FAULT = 1,
	/* So, and it is gone: its process ended, or it stopped answering.  The program ends
	 * here; `destroy` is the next call, and a later `create` makes a new one. */
	VRINGER_REPORT_GONE,
	/* The device cannot be run here: it does not start, or speaks another protocol.  No
	 * finding: the command ends with `message` and exit status 2. */
	VRINGER_REPORT_UNUSABLE,
};

/* What a device says of itself when it runs, for `probe`. */
struct vringer_probe {
	uint32_t size;	     /* sizeof(struct vringer_probe) */
	uint32_t config_len; /* bytes of configuration that hold fields */
	uint64_t features;   /* of those of the description, the ones that it offers */
	uint64_t features_high;
	uint16_t *queue_max; /* queue_count sizes, at most size_max; 0: it has no such queue */
};

struct vringer_queue {
	const char *name;
	uint16_t size_max;	  /* entries, 1 to 32768 */
	uint8_t driver_initiated; /* 1: the device processes the queue when the driver notifies
				   * it */
	uint8_t flags;		  /* enum vringer_queue_flag, or'ed */
};

enum vringer_queue_flag {
	/* Readable buffers of the queue are le32 numbers of 4096-byte guest pages, and the
	 * driver hands those pages to the host (VIRTIO 5.5.6, inflateq): that they are
	 * written or discarded is no breach of memory.write. */
	VRINGER_GIVES_AWAY = 1 << 0,
};

/* The feature bits, 0 to 63, without which a queue does not exist: all of them offered,
 * and from FEATURES_OK on accepted.  0: it always exists. */
struct vringer_queue_need {
	uint64_t features;
	uint64_t reserved;
};

/* A queue as the driver set it up, for `activate`. */
struct vringer_ring {
	uint64_t desc, avail, used; /* guest-physical; aligned to 16, 2 and 4 */
	uint16_t size;		    /* entries, a power of two, at most size_max */
	uint16_t ready;		    /* 0: the driver does not use this queue */
	uint32_t reserved;
};

/* left <= right holds at any time.  Both are sums of the device's counters: names
 * separated by blanks, at most 12; `12*name` is 12 times that one (up to 999999).  On the left of
 * a sum that is not of equals there are also counters that vringer keeps, as far as it knows:
 * - `used.N`: chains that queue N returned; of them `readable.N` and `writable.N`, those that had
 *   a byte for the device to read, or to write, and `written.N`, those with a used length above
 *   0; `written_bytes.N`: their used lengths; and `large.N`, those of buffers for the device to
 *   read alone, more bytes than chain_bytes_max, with nothing wrong and without an indirect table;
 * - `none.N`: how often the device looked for a chain of queue N and found none: every look, the
 *   second one after it asked to be notified again, too; but none where EVENT_IDX was negotiated;
 * - `failed.N`: chains of queue N of which a write to the used ring was refused by guest memory,
 *   once each, also where the device tries again; without VIRTIO_F_IN_ORDER;
 * - `poisoned.N`: how often the device found, on a queue N that was not so yet, an available index
 *   further ahead than the queue is long, a head beyond it, an available ring past 2^64, or that
 *   guest memory refuses one of these; of a packed ring a list that goes on where nothing is
 *   available;
 * - `config_changes`: VRINGER_CHANGE_CONFIG and VRINGER_SET_NUM_PAGES that did not return 0. */
struct vringer_sum {
	const char *left, *right;
};

/* A rule that the target disagrees with.  It is not judged by it, and every report says
 * so. */
struct vringer_disagreement {
	const char *rule;   /* its id, as `vringer rules` lists it */
	const char *reason; /* one line */
};

/* Bytes of an answer: at `offset` of what the device writes, `len` of them are those. */
struct vringer_bytes {
	uint32_t offset, len;
	const void *bytes;
};

/* A well-formed request: one chain that a driver may send, and what the device does with
 * it.  The suite sends it in every legal way, and wherever it occurs it is judged: a
 * device that is well returns it before it rests, with a used length and bytes as
 * declared here. */
struct vringer_request {
	/* Up to 40 letters a to z, digits, '-'; on its queue no other has it; NULL ends a
	 * list. */
	const char *name;
	uint32_t queue;
	uint32_t flags;	      /* enum vringer_request_flag, or'ed */
	uint64_t features;    /* that the driver must have accepted; else it is not sent */
	const void *readable; /* what the device reads; NULL with readable_len 0 */
	uint32_t readable_len;
	uint32_t writable_len; /* what it may write; both together 1 to 16384 bytes */
	uint32_t used_min, used_max;
	/* NULL or ended by one with a NULL `bytes`; below writable_len.  Those that used.len need
	 * not cover (a status byte behind data that failed) are looked at as well: the driver
	 * has put other bytes there. */
	const struct vringer_bytes *answer;
	/* NULL or operations, a line each, as in a script: what the host (or the driver, on
	 * another queue) does before the chain is made available, and after the device was
	 * notified of it.  `q` is this queue.  Not: start, repeat, advance, snapshots, `>`
	 * lines, and requests with operations of their own. */
	const char *before, *after;
	/* 0, or into how many buffers of each direction the driver may divide it at most, as
	 * seg_max of a block device limits it.  Otherwise into as many as its queue has
	 * room for (VIRTIO 2.7.4). */
	uint32_t buffers_max;
	uint32_t reserved;
	/* That the driver must not have accepted; else it is not sent.  A feature may give
	 * the queue another number, or the request another form. */
	uint64_t features_off;
};

enum vringer_request_flag {
	/* The answer depends on nothing but the requests before: used.len, and all bytes below
	 * it, are the same however the driver divides the buffers. */
	VRINGER_REQUEST_EXACT = 1 << 0,
	/* No request, but bytes that mean something to the device: they are sent under
	 * fuzzing, and nothing is demanded. */
	VRINGER_REQUEST_HINT = 1 << 1,
};

/* A field of the configuration (VIRTIO 2.5). */
struct vringer_field {
	const char *name; /* as VIRTIO has it */
	uint16_t offset;  /* bytes from the start of the configuration */
	uint8_t width;	  /* 1, 2, 4 or 8 bytes, accessed at once */
	uint8_t count;	  /* of an array; 0 is 1 */
};

/* A shared-memory region (VIRTIO 2.10): where the driver sees it. */
struct vringer_shm {
	uint32_t id; /* at most 255 */
	uint32_t reserved;
	uint64_t base, len; /* guest-physical, bytes; neither is all ones */
};

/* Ends of a device, besides queues, where frames come in or go out. */
enum vringer_end {
	VRINGER_END_AWAY = 0x100, /* passed to the backend, whether it takes it or not */
	VRINGER_END_GIVEN,	  /* the device took it from the backend */
	VRINGER_END_REPLY,	  /* the device answers a frame itself */
};

/* Frames on their way through the device, in order: from chains of a queue or from an
 * end, to chains of a queue or to an end; in a chain after `skip` bytes of header.  Where
 * several streams go to one queue, a frame is of the first of them that has it. */
struct vringer_stream {
	uint16_t from, to; /* queue or enum vringer_end; no two are from the same */
	uint16_t skip;	   /* bytes */
	/* How many frames may wait for a chain of `to`; 0: none, so a frame that does not
	 * come out at once is lost. */
	uint16_t kept;
	/* Bytes of the largest frame that the device takes, where it has no MTU in its
	 * configuration: with one, Ethernet header, two VLAN tags and that.  A frame that
	 * it took then comes out unless there is a cause: no chain, one that is too small
	 * or wrong, no host memory.  0: unknown, and a loss is not judged. */
	uint32_t frame_max;
	uint32_t reserved;
	const char *entered; /* NULL or counters, blanks between: frames that came from an end */
	const char *left;    /* NULL or counters: frames that reached `to`, of all streams */
	/* NULL or counters: frames that wait in the device for a chain of `to`. */
	const char *waiting;
};

/* A port: bytes that the driver sends in chains of one queue and the host takes, and
 * bytes that the host types and the device delivers in chains of another.  The device
 * reads a chain's bytes once and in order, and keeps all that it read unless an access
 * failed; it writes them in order as well.  A chain of which it reads any it reads whole,
 * but for what is beyond `chain_max`.  A reset discards what was typed and not delivered,
 * and nothing that can be taken.
 * With VRINGER_NO_QUEUE on one side, bytes go the other way alone.  A device that serves chains of
 * `to` when the driver notifies it may wait with one as long as there are no bytes.
 * With VRINGER_NO_QUEUE on both sides, what is typed or taken at a time is a frame:
 * streams are about those, and the rest is not said. */
#define VRINGER_NO_QUEUE 0xffffu
struct vringer_port {
	uint16_t from, to;
	uint32_t chain_max; /* bytes of one chain that are kept */
	uint32_t held_max;  /* bytes that it keeps in each direction */
	/* Socket device (19), with VRINGER_NO_QUEUE on both sides: the port of the host that it
	 * stands for, a service or a client.  What is typed goes to one of its connections, and
	 * what is taken is of each a beginning of what the guest sent, in order and without a
	 * gap, whichever comes first; it is less than was asked for only where nothing is left
	 * of those that ended: vsock.order.  0: another device, or that is not so. */
	uint32_t socket_port;
	const char *held;    /* NULL or a counter: bytes that can be taken */
	const char *pending; /* NULL or a counter: bytes typed and not delivered */
	/* NULL or a counter: bytes of chains that were returned and not kept, though
	 * nothing was wrong with them: there was no host memory, or they were beyond
	 * `chain_max`. */
	const char *dropped;
	/* NULL or counters: bytes that the host typed, or put back, and that the device did
	 * not take. */
	const char *typed_refused, *put_back_refused;
};

/* The device's answers to messages of the driver: each is sent once a session, after the
 * message that asks for it; the answers to one message come in order. */
struct vringer_ask {
	uint64_t head, mask; /* the first 8 bytes, little-endian, and which bits count */
};
struct vringer_answer {
	uint64_t head;
	const char *tail; /* NULL or what is behind it */
	uint32_t ask;	  /* index */
	uint32_t reserved;
};
struct vringer_dialogue {
	uint16_t from, to;		  /* queues */
	uint16_t ask_count, answer_count; /* at most 16 each */
	const struct vringer_ask *asks;
	const struct vringer_answer *answers;
};

/* What the host does to a device. */
enum vringer_act {
	VRINGER_TYPE,	       /* give bytes to a port; how many were accepted, from the first on */
	VRINGER_TAKE,	       /* take at most that many bytes of a port's output; how many */
	VRINGER_PUT_BACK,      /* bytes in front of a port's output; all of them, or 0 */
	VRINGER_SET_NUM_PAGES, /* of a balloon, to `len`; returns 1 if that is a change */
	/* Change the configuration, to the host's version number `len` of it; 0 is that of a
	 * new device.  No two versions read the same.  Returns 1 if that is a change. */
	VRINGER_CHANGE_CONFIG,
};

/* Orders: what the backend is to do when the device calls it next. */
enum vringer_order {
	VRINGER_FORGET,	 /* all orders, what is on its way, and what the device left */
	VRINGER_REFUSE,	 /* the next `count` frames: take `amount` bytes of each */
	VRINGER_HOLD,	 /* keep what is typed from here on until the device sends the `count`th
			  * frame */
	VRINGER_PRETEND, /* claim once that `count` frames wait; of a disk: lose all that it was
			  * not told to commit, as if the power had failed */
};

/* What is behind the device: its ports, streams of frames, and what vringer does there as
 * the host.  In a test that is the author's: a console's other end, a network's wire. */
struct vringer_backend {
	uint32_t size;	       /* sizeof(struct vringer_backend) */
	uint32_t acts;	       /* bits: 1 << enum vringer_act, those that `act` serves */
	uint32_t orders;       /* bits: 1 << enum vringer_order, those that `order` serves */
	uint32_t port_count;   /* at most 4 */
	uint32_t stream_count; /* at most 4 */
	uint32_t
		frames_max; /* frames that it has room for at a time, of all streams; 0: no bound */
	const struct vringer_port *ports;	 /* NULL or port_count */
	const struct vringer_stream *streams;	 /* NULL or stream_count */
	const struct vringer_dialogue *dialogue; /* NULL or that of one pair of queues */
	/* NULL or one act of the host: `len` bytes of `data` at `port`, an index below
	 * port_count, or 0 of an act that is at none. */
	uint32_t (*act)(void *device, uint32_t act, uint32_t port, void *data, uint32_t len);
	/* NULL or an order to the backend of that port, 0 where there is none. */
	void (*order)(void *device, uint32_t order, uint32_t port, uint32_t count, uint32_t amount);
	/* NULL or: how many frames has the backend for the device, which it told it of?  Of
	 * the stream from VRINGER_END_GIVEN. */
	uint32_t (*waiting)(const void *device);
	/* NULL or: must the device answer that frame, which it does not pass on, to
	 * VRINGER_END_REPLY?  0 or 1. */
	uint32_t (*answers)(const void *frame, uint32_t len);
};

/* What it keeps of host memory and of the guest's work. */
struct vringer_kept {
	uint32_t size;	       /* sizeof(struct vringer_kept) */
	uint32_t blocks;       /* blocks of host->alloc, beyond those of a new device, that it keeps
				* once it has allocated them: work.steady; of one alone, with
				* VRINGER_JUDGE_MODEL: it then asks for memory only to have more */
	uint32_t blocks_saved; /* 1: a restored device has as many blocks as the saved one */
	uint32_t chains;       /* of a queue, while it is VRINGER_WAITING for the host; at most
				* 65535 */
	uint32_t empty_bytes;  /* 0, or bytes of host->alloc, beyond those of a new device, that it
				* has at most while it rests and all its gauges are 0: work.heap */
};

/* Snapshots: a device as bytes, and a new device that goes on from them.  The bytes are
 * the author's.  At VRINGER_LEVEL_ACTIVATED vringer saves its transport (status, features,
 * queue registers, interrupts) itself and `activate` is not called again: what it said is
 * the device's to save.  A device with snapshots can be destroyed, and there are two at
 * a time. */
struct vringer_snapshots {
	uint32_t size; /* sizeof(struct vringer_snapshots) */
	uint32_t reserved;
	/* The number of bytes, of which `out` holds none unless all fit in `room`.  Changes
	 * nothing. */
	uint64_t (*save)(const void *device, void *out, uint64_t room);
	/* Into a new device.  0; or negative errno with `what` is wrong, a constant, `at`
	 * which byte, and the device is as it was: -EINVAL for what no device could have
	 * saved, -ENOMEM, -EOVERFLOW. */
	int32_t (*restore)(void *device, const void *data, uint64_t len, uint64_t *at,
			   const char **what);
	/* NULL or: `device` was restored and replaces `old`, which is destroyed next; move
	 * what the backend has from `old` to `device`. */
	void (*inherit)(void *device, void *old);
	/* NULL or a second reader of the author's bytes, written from the format and not from
	 * restore: what is in them that no device could have saved, a constant, and `at` which
	 * of the author's bytes; NULL if there is nothing such.  At VRINGER_LEVEL_ACTIVATED these
	 * do not tell features or status: what depends on them it cannot judge.  It is given no
	 * device and calls no host.  Asked of snapshots that vringer altered and
	 * restore took: snapshot.possible, with VRINGER_JUDGE_MODEL. */
	const char *(*impossible)(const void *data, uint64_t len, uint64_t *at);
};

/* VRINGER_LEVEL_MMIO: the device also answers to the driver without registers, by
 * meaning; `--transport activated` drives it so.  A call has the effect of its register
 * (VIRTIO 4.2.2).  None is NULL; those with a const device change nothing and make no
 * host calls. */
struct vringer_calls {
	uint32_t size; /* sizeof(struct vringer_calls) */
	uint32_t reserved;
	uint32_t (*status)(const void *device);
	void (*set_status)(void *device, uint32_t status); /* 0 resets */
	/* word: 32 bits of features or of an address, the low ones first. */
	uint32_t (*offered)(const void *device, uint32_t word);
	void (*accept)(void *device, uint32_t word, uint32_t features);
	uint32_t (*queue_max)(const void *device, uint32_t queue); /* 0: there is none */
	void (*set_queue_size)(void *device, uint32_t queue, uint32_t size);
	/* area: 0 descriptors, 1 available ring, 2 used ring. */
	void (*set_queue_area)(void *device, uint32_t queue, uint32_t area, uint32_t word,
			       uint32_t address);
	uint32_t (*queue_ready)(const void *device, uint32_t queue);
	void (*set_queue_ready)(void *device, uint32_t queue, uint32_t ready);
	void (*notify)(void *device, uint32_t queue);
	uint32_t (*interrupt_status)(const void *device);
	void (*acknowledge)(void *device, uint32_t bits);
	uint32_t (*generation)(const void *device);
	void (*config_read)(void *device, uint64_t offset, void *buf, uint32_t len);
	void (*config_write)(void *device, uint64_t offset, const void *buf, uint32_t len);
	/* NULL, both, of a device that does not offer VIRTIO_F_RING_RESET. */
	uint32_t (*queue_reset)(const void *device, uint32_t queue);
	void (*set_queue_reset)(void *device, uint32_t queue, uint32_t reset);
};

/* What VIRTIO leaves open in devices of some kinds.  Members for another device_id are
 * 0. */
struct vringer_kind {
	uint32_t size; /* sizeof(struct vringer_kind) */
	/* Memory balloon (5): page numbers of one chain that it handles, asking
	 * host->is_memory for each; 0: stream.pages is not judged. */
	uint32_t pages_max;
	/* File system (26): 1: it serves FUSE_INIT, and refuses other requests as FUSE has it;
	 * 0: its replies are not judged. */
	uint32_t fuse_init_only;
	uint32_t reserved;
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
	/* VRINGER_MEMORY_PLAIN: the standard one below 2^32 + 2^20, every region at the offset
	 * of its own address in the file (fd_offset == addr), for devices that map one file as
	 * all of guest memory. */
	VRINGER_LAYOUT_OFFSET,
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
	/* VRINGER_LEVEL_MMIO: its registers are those of vringer's own transport
	 * (devices/mmio.h), and every one is judged as that has it; so are its snapshots
	 * (devices/snapshot.h). */
	VRINGER_TRANSPORT = 1 << 7,
	/* It reports every call of its backend by host->backend, so that both bounds below
	 * may be 0. */
	VRINGER_BACKEND = 1 << 8,
	/* It always offers all its features, or has the largest queues, whatever `create`
	 * says. */
	VRINGER_FIXED_FEATURES = 1 << 9,
	VRINGER_FIXED_SIZES = 1 << 10,
	/* VRINGER_LEVEL_MMIO: the interrupt line is a level, up while a bit of
	 * InterruptStatus is.  host->interrupt then says that a bit was set: another event
	 * of a bit that is still set need not be reported.  Otherwise every event is. */
	VRINGER_LEVEL_LINE = 1 << 11,
	/* It relies on what Linux's driver does with a packed ring beyond what VIRTIO says, which
	 * is broken, and known.  The driver is like that one then, so that all else is judged: the
	 * buffer's id stands in every descriptor of a list (2.8.6: it is that of the last), and the
	 * length of a used descriptor counts without WRITE (2.8.4: it means nothing). */
	VRINGER_PACKED_AS_LINUX = 1 << 12,
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
			       * of them.  RING_RESET: of an activated device with
			       * queue_reset and queue_start alone; SUSPEND: at VRINGER_LEVEL_MMIO
			       * alone.  NOTIFICATION_DATA is its transport's where the device is
			       * activated: `kick` names a queue and no more. */
	const struct vringer_queue *queues;
	uint32_t config_len; /* bytes of configuration that hold fields */

	/* Bounds, for rules of severity `limit`; 0: unknown, the rule is not judged. */
	uint32_t chain_bytes_max; /* bytes that it moves at most for one chain */
	uint32_t heap_max;	  /* bytes that it has at most from host->alloc at a time */

	uint32_t counter_count;		  /* at most 64 */
	const char *const *counter_names; /* NULL or counter_count of them */
	const struct vringer_sum *sums;	  /* NULL or ended by one with a NULL left */
	const struct vringer_disagreement *disagreements; /* NULL or ended by a NULL rule */
	/* NULL or a script with `>` lines that the device must pass after any program
	 * followed by a reset. */
	const char *liveness;

	/* Create a device in the state after reset.  NULL if there is no memory.
	 * `offered`: the feature bits to offer, a part of those above with features_always;
	 * `queue_max`: queue_count sizes, the values that QueueNumMax must have.  A device that
	 * shows others breaks status.registers. */
	void *(*create)(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max);
	/* Free everything and end all threads.  NULL: the device cannot be destroyed.  It
	 * is then created once, with all features and the largest queues, and reset
	 * between programs; at VRINGER_LEVEL_MMIO it has both flags VRINGER_FIXED_*. */
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
	 * while the device exists, not even at a reset, but for `gauges`. */
	void (*counters)(void *device, uint64_t *values);

	/* How often one device call may call the backend, as reported by host->backend:
	 * backend_calls times, and backend_calls_chain times more for each chain that
	 * it takes or holds.  Both 0: not known. */
	uint32_t backend_calls, backend_calls_chain;

	/* NULL or the requests that it serves, ended by one with a NULL name.  Without a
	 * `liveness` script, these are what a device must serve after a reset. */
	const struct vringer_request *requests;

	/* What else there is to say; each may be NULL or 0.  The more is said, the more is
	 * judged. */
	void *opaque; /* the author's own, the same for all instances: host->opaque */
	/* Version of VIRTIO that it was written against, 0x0102 for 1.2; 0: 0x0104, the newest that
	 * vringer knows.  What is broken of a statement that is newer is noted, and fails nothing:
	 * a rule that stands for it, and `>` lines of a script all of whose clauses are newer.
	 * Scripts with `needs virtio_1.4` are skipped where it is older. */
	uint32_t virtio;
	uint32_t config_past; /* VRINGER_JUDGE_MODEL: the byte that reads past the end of the
			       * configuration return */
	const struct vringer_queue_need *queue_needs; /* queue_count of them */
	const struct vringer_field *fields;	      /* at most 32, ended by a NULL name */
	const struct vringer_shm *shm; /* shm_count of them: ids that are not there are absent */
	uint32_t shm_count;	       /* at most 8 */
	uint32_t reserved;
	const struct vringer_sum *equal_sums; /* left == right; ended by a NULL left */
	const char *gauges;		      /* counters that may fall, blanks between */
	const struct vringer_backend *backend;
	const struct vringer_kept *kept;
	const struct vringer_snapshots *snapshots;
	const struct vringer_calls *calls;
	const struct vringer_kind *kind;
	/* In the place of `settle`: `outstanding` has queue_count numbers, of the chains that
	 * the driver made available and that are not in the used ring, by the indices of the
	 * two rings; 0 for a queue that is not live. */
	int32_t (*settle_queues)(void *device, uint32_t ms, const uint32_t *outstanding);

	/* Feature bits 64 to 127 that it can offer, bit 64 lowest: pages 2 and 3 of
	 * DeviceFeatures.  What to offer of them is in host->offered_high. */
	uint64_t features_high;

	/* NULL or: which features, queue sizes and configuration the device has is known only
	 * when it runs.  `probe` holds what the description says; correct it.  Called at most
	 * once in a process and before `create`, and never to list targets.  0; or negative
	 * errno with one line in `what` (VRINGER_WHAT_MAX bytes): it cannot be run here. */
	int32_t (*probe)(void *opaque, struct vringer_probe *probe, char *what);
	/* NULL or: does the device's log of dirty pages, which it keeps from `create` on, name
	 * guest page number `page` (of 4096 bytes)?  0 or 1.  memory.logged. */
	uint32_t (*logged)(const void *device, uint64_t page);
	/* VRINGER_MEMORY_PLAIN.  NULL or: the host takes a region of guest memory away
	 * (`present` 0), or gives it back: the one at `addr`.  When this returns with 0 the
	 * device does not access a region that is away, and what is there is as it was.  A
	 * device that cannot do so now returns negative errno, and it stays as it was.  All
	 * regions are there when a device is created. */
	int32_t (*set_region)(void *device, uint64_t addr, uint32_t present);
	/* Milliseconds that settle waits at most before it returns -ETIMEDOUT; 0: as long as
	 * vringer's own bound. */
	uint32_t settle_ms;
	uint32_t reserved2;
	/* Of `features`, the bits that say what the device is, as VIRTIO_BLK_F_RO does: it
	 * offers them whatever `offered` says, no script holds them back, and they count as
	 * accepted where a request must not be sent with them. */
	uint64_t features_always;
	/* VRINGER_LEVEL_ACTIVATED.  NULL, both, or it may offer VIRTIO_F_RING_RESET.
	 * queue_reset: the driver resets that queue, which may never have been ready: forget
	 * all of it, chains that were not returned too.  When this returns, the device does not
	 * touch it, and interrupts for it no more.
	 * queue_start: the driver made a queue ready that was reset: it is `ring`, of another
	 * size or elsewhere perhaps, and begins at its first entry. */
	void (*queue_reset)(void *device, uint32_t queue);
	void (*queue_start)(void *device, uint32_t queue, const struct vringer_ring *ring);
};

#define VRINGER_WHAT_MAX 200u

/* The registered targets, ended by NULL.  A program has exactly one VRINGER_TARGETS. */
extern const struct vringer_target *const vringer_targets[];

#define VRINGER_TARGETS(...)                                                                       \
	const struct vringer_target *const vringer_targets[] = { __VA_ARGS__, 0 }

#ifdef __cplusplus
}
#endif

#endif
