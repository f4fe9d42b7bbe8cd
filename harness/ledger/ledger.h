/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The judge.
 *
 * The ledger knows what the guest offered and what the device did from one
 * source: the values that each device access returned or stored, with their
 * purpose, the register accesses, and the interrupts.  Of a device that tells of
 * accesses it never reads guest memory to find out; of one that has plain memory
 * it knows what changed there (ledger_plain.h).
 *
 * Every rule is a row of LEDGER_RULES: id, severity, the facts it needs, the
 * clause of VIRTIO 1.4 it stands for (an id or a section; "policy" where it is the
 * house's) and what it demands.  Why a correct device can never trip it stands
 * above the code that judges it, in ledger_*.c.
 *
 * The first rule broken whose severity fails the run stops the program after
 * the operation in flight.
 */
#ifndef VRINGER_HARNESS_LEDGER_H
#define VRINGER_HARNESS_LEDGER_H

#include "harness/arena/heap.h"
#include "harness/arena/trace.h"
#include "harness/program/program.h"
#include "harness/rules/finding.h"
#include "harness/rules/known.h"
#include "harness/target/target.h"

struct arena_access;

enum severity {
	SEVERITY_MUST,	 /* VIRTIO says MUST */
	SEVERITY_SHOULD, /* VIRTIO says SHOULD: fails a strict run */
	SEVERITY_LIMIT,	 /* house policy on hostile guests */
	SEVERITY_MODEL,	 /* stricter behaviour of our own models */
	SEVERITY_COUNT
};

#define REGS FACT_REGISTERS
#define INTR (REGS | FACT_INTERRUPT)
#define SEEN (REGS | FACT_CHANGES)
#define TOLD (SEEN | FACT_ACCESS)
#define MEM (TOLD | FACT_PURPOSE)
#define WALK (MEM | FACT_WALK)

/* X(name, id, severity, facts, part, clause, demand): with `facts` a rule is judged,
 * with `part` of them (0: none) as far as those go. */
#define LEDGER_RULES(X)                                                                            \
	X(MEMORY_NOT_LIVE, "memory.not-live", MUST, MEM, SEEN, "dev.mmio.regs.7",                  \
	  "no access for a queue that is not ready, before DRIVER_OK or after reset")              \
	X(MEMORY_RING, "memory.ring", MUST, MEM, SEEN, "dev.split.desc-table.2",                   \
	  "a ring is accessed where it lies: each field at its place, and only the used ring "     \
	  "written")                                                                               \
	X(MEMORY_WRITE, "memory.write", MUST, WALK, SEEN, "dev.split.desc-table.1a",               \
	  "every byte written lies in a device-writable part of a chain that the device holds")    \
	X(MEMORY_READ, "memory.read", LIMIT, WALK, TOLD, "policy",                                 \
	  "every byte read lies in a chain that the device holds")                                 \
	X(MEMORY_READ_WRITABLE, "memory.read-writable", SHOULD, WALK, 0,                           \
	  "dev.split.desc-table.1b", "a device-writable buffer is not read")                       \
	X(MEMORY_TORN, "memory.torn", MODEL, WALK, 0, "policy",                                    \
	  "no buffer of a chain is accessed before the walk has come to its end")                  \
	X(MEMORY_MIXED, "memory.mixed", MODEL, WALK, 0, "policy",                                  \
	  "no frame is read from, or written to, a chain that has buffers for both directions")    \
	X(MEMORY_INDIRECT, "memory.indirect", LIMIT, WALK, 0, "drv.split.indirect.1",              \
	  "an indirect table is read only where that was negotiated, and within the table")        \
	X(MEMORY_POISONED, "memory.poisoned", MODEL, WALK, 0, "policy",                            \
	  "a queue whose available ring was structurally wrong is left alone until reset")         \
	X(COMPLETION_NOT_HELD, "completion.not-held", MUST, WALK, SEEN, "2.7.8",                   \
	  "a used entry names a chain that the device holds, once per hold")                       \
	X(COMPLETION_SLOT, "completion.slot", MUST, WALK, SEEN, "2.7.8",                           \
	  "used entries are written in the order of the used ring")                                \
	X(COMPLETION_LEN, "completion.len", MUST, WALK, SEEN, "dev.split.used-ring.2",             \
	  "every byte below used.len was written by the device while it held the chain")           \
	X(ORDER_ENTRY, "order.entry", MUST, WALK, 0, "dev.split.used-ring.1",                      \
	  "a used entry is written before the used index passes it")                               \
	X(ORDER_UNAVAILABLE, "order.unavailable", MUST, WALK, 0, "2.7.13.3",                       \
	  "an available entry is read only below the available index")                             \
	X(WAKEUP_MISSING, "wakeup.missing", MUST, MEM | INTR, SEEN | INTR,                         \
	  "dev.split.used-notify-suppress.3",                                                      \
	  "the used index moved: an interrupt follows, unless the driver said it wants none")      \
	X(WAKEUP_SUPERFLUOUS, "wakeup.superfluous", SHOULD, MEM | INTR, SEEN | INTR,               \
	  "dev.split.used-notify-suppress.2", "no used-buffer interrupt without need")             \
	X(WAKEUP_UNASKED, "wakeup.unasked", MODEL, MEM | INTR, 0,                                  \
	  "dev.split.used-notify-suppress.2",                                                      \
	  "the device looks whether the driver wants an interrupt before it raises one")           \
	X(WAKEUP_NOT_LIVE, "wakeup.not-live", MUST, INTR, 0, "dev.status.field.1",                 \
	  "no used-buffer interrupt before DRIVER_OK")                                             \
	X(WAKEUP_NEEDS_RESET, "wakeup.needs-reset", MUST, INTR, 0, "dev.status.field.3",           \
	  "DEVICE_NEEDS_RESET on a live device comes with a configuration interrupt")              \
	X(WAKEUP_CONFIG, "wakeup.config", SHOULD, INTR, 0, "dev.mmio.regs.4",                      \
	  "no configuration interrupt without a change or DEVICE_NEEDS_RESET")                     \
	X(WAKEUP_CHANGED, "wakeup.changed", MODEL, INTR, 0, "2.3",                                 \
	  "a change of configuration on a live device comes with a configuration interrupt")       \
	X(WAKEUP_FLAGS, "wakeup.flags", MUST, SEEN, 0, "dev.split.avail-notify-suppress.1",        \
	  "the used ring's flags are 0 or 1, and 0 with EVENT_IDX")                                \
	X(STUCK_NOTIFY, "stuck.notify", LIMIT, WALK | FACT_STATE, 0, "policy",                     \
	  "a notified queue is looked at before the device rests")                                 \
	X(STUCK_AVAILABLE, "stuck.available", LIMIT, WALK | FACT_STATE, SEEN | FACT_STATE,         \
	  "policy",                                                                                \
	  "what is available on a queue that the driver serves is taken before the device rests")  \
	X(STUCK_HELD, "stuck.held", LIMIT, WALK | FACT_STATE, 0, "policy",                         \
	  "a chain taken is returned before the device rests")                                     \
	X(STUCK_SUPPRESSED, "stuck.suppressed", LIMIT, MEM | FACT_STATE, SEEN | FACT_STATE,        \
	  "dev.split.avail-notify-suppress.2",                                                     \
	  "a device that rests lets its driver notify it, unless it polls")                        \
	X(STUCK_UNCHECKED, "stuck.unchecked", LIMIT, MEM | FACT_STATE, 0,                          \
	  "dev.split.avail-notify-suppress.2",                                                     \
	  "the available index is read again once notifications are allowed again")                \
	X(STUCK_FRAME, "stuck.frame", LIMIT, WALK | FACT_STATE | FACT_COUNTERS, 0, "policy",       \
	  "a frame that waits is delivered before the device rests, where a chain may be there "   \
	  "for it")                                                                                \
	X(STATUS_IDENTITY, "status.identity", MUST, REGS, 0, "dev.mmio.regs.1",                    \
	  "MagicValue is 'virt' and Version 2, always")                                            \
	X(STATUS_REGISTERS, "status.registers", MUST, REGS, 0, "4.2.2",                            \
	  "DeviceID, DeviceFeatures and QueueNumMax read as the device was made")                  \
	X(STATUS_GENERATION, "status.generation", MODEL, REGS, 0, "dev.mmio.regs.6",               \
	  "ConfigGeneration moves when the device changes its configuration, only")                \
	X(STATUS_TORN, "status.torn", MUST, REGS, 0, "dev.mmio.regs.6",                            \
	  "a field that a driver reads in pieces under one generation is one that it was")         \
	X(STATUS_CONFIG, "status.config", MODEL, REGS, 0, "policy",                                \
	  "what is read past the end of the configuration is fixed: no byte of the host's memory") \
	X(STATUS_CONFIG_WIDTH, "status.config-width", LIMIT, REGS, 0, "policy",                    \
	  "a byte of the configuration reads the same at every width")                             \
	X(STATUS_CONFIG_COUNT, "status.config-count", MUST, REGS, 0, "2.5",                        \
	  "the configuration counts no more queues than there are, and not none")                  \
	X(STATUS_RESET, "status.reset", MUST, REGS, 0, "dev.reset.op.1",                           \
	  "the device status is 0 after reset")                                                    \
	X(STATUS_FEATURES, "status.features", MUST, REGS, 0, "dev.feature.bits.2b",                \
	  "FEATURES_OK is refused when the driver accepted what was not offered")                  \
	X(STATUS_LADDER, "status.ladder", MODEL, REGS, 0, "policy",                                \
	  "the status moves one step of initialisation at a time")                                 \
	X(STATUS_POISON, "status.poison", MODEL, WALK, 0, "dev.status.field.2",                    \
	  "a structurally wrong available ring sets DEVICE_NEEDS_RESET")                           \
	X(STATUS_INTERRUPT, "status.interrupt", MUST, INTR, 0, "dev.mmio.regs.3",                  \
	  "InterruptStatus shows what was raised and not acknowledged, and nothing else")          \
	X(STATUS_QUEUE_READY, "status.queue-ready", MUST, REGS, 0, "4.2.2",                        \
	  "QueueReady reads 0 after 0 was written")                                                \
	X(WORK_ACCESSES, "work.accesses", LIMIT, WALK, 0, "policy",                                \
	  "accesses of one call are bounded by the chains and descriptors it took")                \
	X(WORK_BYTES, "work.bytes", LIMIT, WALK, 0, "policy",                                      \
	  "bytes moved in one call are bounded by the chains it took")                             \
	X(WORK_CHAINS, "work.chains", LIMIT, WALK | FACT_CALLS, 0, "policy",                       \
	  "one call takes at most a queue's size of chains from it")                               \
	X(WORK_BACKEND, "work.backend", LIMIT, WALK | FACT_CALLS | FACT_BACKEND, 0, "policy",      \
	  "calls of what is behind the device are bounded by the chains that one call took")       \
	X(WORK_HEAP, "work.heap", LIMIT, FACT_HEAP, 0, "policy",                                   \
	  "host memory is bounded, whatever the guest does")                                       \
	X(WORK_STEADY, "work.steady", LIMIT, FACT_HEAP, 0, "policy",                               \
	  "host memory that a device keeps for the next request is not given back")                \
	X(FETCH_CONSISTENT, "fetch.consistent", LIMIT, WALK, 0, "policy",                          \
	  "memory that changes between two reads for one chain makes no difference: the outcome "  \
	  "is that of the old value or of the new one")                                            \
	X(FETCH_WALK, "fetch.walk", MODEL, WALK, 0, "policy",                                      \
	  "a walk reads each descriptor once, where the one before leads")                         \
	X(RESET_REGISTERS, "reset.registers", MUST, REGS, 0, "dev.mmio.regs.5",                    \
	  "after reset every register reads as on a new device")                                   \
	X(RESET_SESSION, "reset.session", LIMIT, SEEN, 0, "2.4",                                   \
	  "after reset the same session goes as it did on a new device")                           \
	X(LIVENESS_REQUEST, "liveness.request", LIMIT, REGS, 0, "policy",                          \
	  "after any program a reset device serves a well-formed request")                         \
	X(STREAM_FRAMES, "stream.frames", LIMIT, WALK, 0, "policy",                                \
	  "frames come out whole, in order, once, and counted")                                    \
	X(STREAM_LOST, "stream.lost", LIMIT, WALK, 0, "policy",                                    \
	  "what the device was given is used and comes out, unless the ledger itself saw why not") \
	X(STREAM_REFUSED, "stream.refused", MUST, WALK, 0, "dev.split.message-framing.1",          \
	  "a chain of legal size and direction is used, however it is cut into buffers")           \
	X(STREAM_FILTER, "stream.filter", LIMIT, WALK, 0, "policy",                                \
	  "a frame goes where a filter sends it, is judged once and as it is, and answered as it " \
	  "should be")                                                                             \
	X(STREAM_BYTES, "stream.bytes", LIMIT, WALK | FACT_COUNTERS, 0, "policy",                  \
	  "bytes of a port come out whole, in order, once, at the other end of that port")         \
	X(STREAM_ANSWERS, "stream.answers", LIMIT, WALK, 0, "policy",                              \
	  "a control message is one of the protocol, answers what asked for it, and comes once")   \
	X(STREAM_PAGES, "stream.pages", MODEL, WALK, 0, "policy",                                  \
	  "a balloon asks about each page that a chain names, whole, in order and once")           \
	X(STREAM_REPLIES, "stream.replies", MODEL, WALK, 0, "policy",                              \
	  "a FUSE reply is the one that is due to the request of its chain")                       \
	X(STREAM_UNANSWERED, "stream.unanswered", LIMIT, WALK, 0, "policy",                        \
	  "a request whose reply there is room for gets it, and used.len is as long as it is")     \
	X(NET_HEADER, "net.header", MUST, WALK, 0, "dev.net.rx-packets.1",                         \
	  "the header of a received packet counts its buffers, and tells of no offload that was "  \
	  "not negotiated")                                                                        \
	X(NET_SPARE, "net.spare", MODEL, WALK, 0, "policy",                                        \
	  "what an offload would have put into the header is 0 without one")                       \
	X(NET_MTU, "net.mtu", MUST, WALK, 0, "dev.net.config-layout.5",                            \
	  "no received packet is larger than the MTU that was negotiated")                         \
	X(SNAPSHOT_REFUSED, "snapshot.refused", LIMIT, REGS, 0, "policy",                          \
	  "a device takes the snapshot that it saved, and one that it refuses changes nothing")    \
	X(SNAPSHOT_SAME, "snapshot.same", LIMIT, REGS, 0, "policy",                                \
	  "a restored device shows what the saved one showed")                                     \
	X(SNAPSHOT_POSSIBLE, "snapshot.possible", MODEL, 0, 0, "policy",                           \
	  "a device takes no altered snapshot that it could not have saved")                       \
	X(SNAPSHOT_CARRY_ON, "snapshot.carry-on", LIMIT, SEEN, 0, "policy",                        \
	  "a restored device goes on as the saved one would have")                                 \
	X(COUNTERS_FALL, "counters.fall", LIMIT, FACT_COUNTERS, 0, "policy",                       \
	  "counters never fall, but for gauges")                                                   \
	X(COUNTERS_SUM, "counters.sum", LIMIT, FACT_COUNTERS, 0, "policy",                         \
	  "counters satisfy the sums that the device declares")

enum rule {
#define X(name, id, severity, facts, part, clause, demand) RULE_##name,
	LEDGER_RULES(X)
#undef X
		RULE_COUNT
};

struct rule_desc {
	const char *id;
	uint8_t severity;
	unsigned facts; /* all of them needed */
	unsigned part;	/* ... to be judged as far as these go; 0: not at all */
	const char *clause;
	const char *demand;
	void (*fail)(void) __attribute__((noreturn)); /* aborts; its name is the rule's */
};

extern const struct rule_desc rule_table[RULE_COUNT];
/* How far a rule is judged on these facts, of enum target_fact. */
enum rule_extent { RULE_NOT_JUDGED, RULE_IN_PART, RULE_WHOLE, RULE_EXTENT_COUNT };
enum rule_extent rule_extent(enum rule rule, unsigned facts);
/* -1 if there is none of that id. */
int rule_find(const char *id);
const char *severity_name(enum severity severity);

#define LEDGER_NONE UINT32_MAX /* no node */
#define LEDGER_NODES_MAX 8192  /* descriptors and ranges known at a time */
#define LEDGER_HOLDS_MAX 1024
#define LEDGER_PENDING_MAX 512
#define LEDGER_FINDINGS_MAX 8
#define LEDGER_SUMS_MAX 16 /* sums that a target declares */
#define LEDGER_SUM_TERMS_MAX 12
#define LEDGER_ACCESSES_MAX (1u << 20) /* of one call; more is an endless loop */

#define LEDGER_SUSPECTS_MAX 16
#define LEDGER_PORT_BYTES (2u << 20) /* of a port in each direction, that are kept */
#define LEDGER_FRAMES_MAX 64	     /* read and not delivered, that are kept */
#define LEDGER_NUMBER_LEN 4u	     /* bytes of a page number (VIRTIO 5.5.6) */
#define LEDGER_HEAD_BYTES 42u	     /* of a received packet: header and link layer */

/* A descriptor of a chain, or a range of written bytes: [first, last]. */
struct ledger_node {
	uint64_t first, last;
	uint64_t written; /* of a descriptor: bytes from the first on */
	uint64_t offset;  /* ... and bytes of its direction in the chain before it */
	uint32_t next;	  /* node, or LEDGER_NONE */
	bool empty;	  /* a descriptor of no bytes */
	bool writable;
	uint16_t index; /* ... in the table, of a queue that says what it reads */
};

/* What is known of a frame. */
struct ledger_digest {
	uint32_t serial;
	uint64_t at;  /* bytes of the chain that were accessed */
	uint32_t len; /* ... of the frame */
	uint64_t sum, word;
	bool blind; /* not all of it is known */
	/* Of a frame that is on its way (ledger_loss.c). */
	bool whole;	  /* all of it was read, from a chain that nothing is wrong with */
	bool forgiven;	  /* ... and there is a cause for it not to come out */
	uint8_t head[2];  /* what stands before it: flags, gso_type */
	uint8_t head_len; /* bytes of that */
	uint32_t looks;	  /* at the queue that it goes to, when it came */
};

/* Frames of a target_stream, oldest first. */
struct ledger_stream {
	unsigned first, count;
	uint32_t serial;
	uint64_t passed; /* kinds of those that were forgotten and may still come, bits */
	bool lost;	 /* `left` is not known */
	bool unsure;	 /* there may be frames that are not known, until reset */
	uint64_t entered, left;
	unsigned gone;	   /* passed over since the device last rested, without a cause */
	uint32_t gone_len; /* ... bytes of one of these */
	/* Indices of the counters that say the same, ended by -1. */
	int16_t entered_terms[LEDGER_SUM_TERMS_MAX + 1], left_terms[LEDGER_SUM_TERMS_MAX + 1];
	int16_t waiting_terms[LEDGER_SUM_TERMS_MAX + 1]; /* ... that wait */
	struct ledger_digest frames[LEDGER_FRAMES_MAX];
};

/* Bytes on their way: a ring of LEDGER_PORT_BYTES. */
struct ledger_bytes {
	uint8_t *bytes;
	uint32_t start, len;
};

/* What is on its way through a target_port. */
struct ledger_port {
	struct ledger_bytes out, in;
	uint32_t staged; /* bytes read behind `out`, of the chain that is being read */
	uint16_t walk;	 /* ... which is this one */
	bool failed;	 /* ... of which an access failed */
	bool lost;	 /* more than can be kept: not judged */
	/* Bytes of chains that were returned since the device last rested and that
	 * nobody read; `unsure`: it may be more chains than is known. */
	uint64_t unread;
	bool unsure;
	int held, pending, dropped; /* indices of counters, or -1 */
	uint64_t dropped_before;    /* ... as that stood when the device last rested */
	/* Of bytes that the device did not take: the counter, or -1, as that stood then,
	 * and how many there were since. */
	struct ledger_refusal {
		int counter;
		uint64_t before, bytes;
	} typed, put_back;
};

/* What was said in a target_dialogue in this session: bits. */
struct ledger_dialogue {
	uint16_t asked, answered;
	bool lost;   /* not all that was said is known: not judged */
	bool unsure; /* ... nor of what is due: what is not said is not judged */
};

/* The first bytes of a request, or of its reply, in the order in which they came. */
#define LEDGER_MESSAGE_BYTES 80u
struct ledger_head {
	uint8_t len;
	bool blind; /* which they are is not known */
};

/* In which byte order a session is, of a target that speaks FUSE. */
enum ledger_order { ORDER_LITTLE, ORDER_BIG, ORDER_UNSURE };

/* A list of page numbers, of which the device reads one at a time. */
struct ledger_pages {
	uint8_t *bytes; /* room for target.pages_max */
	bool reading;	/* the device has one in hand: the chain of that walk */
	bool known;	/* ... all that it read of it is in `bytes` */
	uint16_t queue, walk;
	uint32_t read;	/* bytes */
	uint32_t asked; /* pages about which it asked */
};

/* A chain that the device took and has not returned. */
struct ledger_hold {
	uint32_t next; /* hold of the same queue */
	uint16_t walk, head;
	uint16_t expect;   /* the descriptor that the walk leads to */
	bool expects;	   /* it leads on */
	bool in_table;	   /* ... of the indirect table */
	uint32_t walked;   /* reads of the descriptor table since it was taken */
	bool strayed;	   /* a descriptor was read to which the chain did not lead */
	bool restarted;	   /* taken twice: what is allowed is the sum of both */
	bool blind;	   /* not all of it is known: not judged */
	bool odd;	   /* of plain memory: the device may make several things of it */
	bool salted, pure; /* ... its buffers were changed; and only it writes there */
	uint32_t look;	   /* ... the first comparison that can show what it wrote */
	bool abandoned;	   /* its completion could not be written */
	bool faulted;	   /* an access for it failed */
	uint32_t call;	   /* the call that it was taken in */
	uint32_t desc_count;
	uint32_t first, last_desc;	  /* nodes of descriptors */
	uint32_t cursor;		  /* where the last access was found */
	uint32_t written;		  /* nodes of ranges */
	uint32_t moved_max;		  /* bytes of it that the device may move */
	uint64_t table_first, table_last; /* of the indirect table, if it names one */
	bool has_table;
	uint64_t readable, writable; /* bytes */
	uint64_t read;		     /* bytes that were read of it, all reads together */
	struct ledger_digest out;    /* the frame that is written to it */
	uint64_t first_bytes;	     /* the first bytes read or written, little-endian */
	uint8_t first_count;
	struct ledger_head request, reply; /* of a target that speaks FUSE */
	uint64_t head_known;		   /* which of head_bytes were written, a bit each */
	bool head_blind;		   /* ... nothing can be said of them */
	bool carries;			   /* a frame into a stream, which has this serial there */
	uint32_t frame;
	/* What it adds to the bounds of a call while it is held. */
	uint64_t bytes_max;
	uint32_t accesses_max;
	/* Last, since it is not cleared: head_known says what is there. */
	uint8_t head_bytes[LEDGER_HEAD_BYTES]; /* written to the start of a receive chain */
	uint8_t request_bytes[LEDGER_MESSAGE_BYTES], reply_bytes[LEDGER_MESSAGE_BYTES];
};

/* A received packet, while the device returns its chains. */
struct ledger_net {
	uint16_t mtu;  /* as the device was made; 0: there is none */
	uint16_t left; /* chains of the packet that are still to come */
	bool lost;     /* ... or not: not judged until the used index has moved */
	uint64_t bytes, bytes_max;
};

struct ledger_pending {
	uint16_t slot, walk;
	uint32_t id, len;
};

/* What the device says about being notified of a queue, by the flags of the used
 * ring; an event index says the same in another way. */
struct ledger_notify {
	bool unwanted;	/* it was told not to be needed, last */
	bool unchecked; /* ... to be needed again, and the available index not read since */
	bool gave_up;	/* an access for that queue failed since it said so */
};

struct ledger_queue {
	/* as the driver configured it */
	uint16_t size;
	uint64_t desc, avail, used;
	bool ready;
	bool known; /* size and addresses are what the device goes by */
	bool lost;  /* ... or not, until reset: the driver wrote what it may not */
	/* as the device worked on it */
	bool index_seen;    /* avail_idx is valid */
	uint16_t avail_idx; /* as the device read it last */
	uint32_t looks;	    /* how often it did */
	uint16_t taken;	    /* heads taken: the position of the next */
	uint16_t used_idx;  /* as the device wrote it last */
	bool used_read;	    /* it has read it since, and it may go by that: */
	uint16_t used_seen;
	uint16_t moved_from;	      /* where it stood when an interrupt was last due */
	bool poisoned;		      /* a structural fault was read */
	uint32_t held;		      /* chains available or held, of plain memory */
	uint32_t moved_count;	      /* ... entries that it moved by since then */
	bool moved;		      /* the used index moved and no interrupt came */
	bool asked, silenced, unsure; /* flags read since: done, NO_INTERRUPT, failed */
	bool notified;		      /* and the available index not read since */
	struct ledger_notify notify;
	uint32_t call, call_chains; /* the last call that took chains, and how many */
	bool overflowed;	    /* more chains taken than can be kept: not all judged */
	uint32_t holds, last_hold;
	unsigned pending_count; /* entries in ledger.pending */
};

struct ledger_call {
	uint32_t number;
	uint32_t accesses, chains, descs;
	uint32_t held, backend; /* chains held when it began; calls of what is behind */
	uint64_t bytes, bytes_max, accesses_max;
	uint32_t status_written; /* by the driver, in this call */
	uint8_t active;		 /* queues notified or looked at, a bit each */
	uint8_t failed;		 /* queues that an access failed for */
	uint8_t poisoned;	 /* queues that were first found structurally wrong */
	uint8_t moved;		 /* queues whose used index moved */
	unsigned heap_failures;	 /* allocations that had failed before it */
	unsigned config_interrupts;
	bool live;	   /* queues may be touched */
	bool blind;	   /* an access was for a queue that is not known */
	uint8_t starting;  /* queues that the driver sets ready in this call */
	bool host_changes; /* the host is about to change the configuration */
	bool host_changed; /* ... and did */
};

/* A returned chain of which not all bytes below used.len seem to be written. */
struct ledger_suspect {
	uint64_t serial; /* of the completion */
	uint16_t queue, head;
	uint32_t len;
	uint32_t op;
	const char *verb;
};

/* Of a device that reaches memory without purposes: plain memory, or accessors. */
struct ledger_plain {
	struct arena *arena; /* NULL: there are purposes.  Reset leaves it, and: */
	bool accesses;	     /* accesses are told, nothing is compared */
	/* Told of what changed; may be NULL. */
	void (*told)(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len);
	void *told_ctx;

	bool tables;  /* a chain that is held names one */
	bool blind;   /* what it may do cannot be told, until reset */
	bool looking; /* in a call of a live device */
	/* All memory is compared after every call, and not only what the device may
	 * write to and the rings: the owner's to say.  Where it is not, the rest is
	 * compared in the end: `strayed` says that it changed. */
	bool thorough, strayed;
	bool entered;	 /* called while it was not live, and not looked at since */
	uint32_t struck; /* races and faults before this call */
	/* Used-buffer interrupts of this call: of each queue, and of their line. */
	uint32_t interrupts[PROGRAM_QUEUES + 1];
	bool went_blind;
	bool stale; /* memory was not compared while it was blind */
	bool over;  /* the program is: chains are no suspects any more */
	/* The second run of a program, whose suspects are those of the first. */
	bool salting;
	uint32_t salts;
	unsigned suspect_count;
	struct ledger_suspect suspects[LEDGER_SUSPECTS_MAX];
	const struct ledger_suspect *confirmed;
};

/* What the driver read of a target_field under one generation, piece by piece. */
#define LEDGER_FIELD_VALUES 4u
struct ledger_field {
	uint64_t read; /* little-endian */
	uint8_t mask;  /* bytes of it that were read */
	uint32_t generation;
	unsigned value_count; /* what it was at these reads; more than fit: not judged */
	uint64_t values[LEDGER_FIELD_VALUES];
};

struct ledger {
	const struct target *target;
	const struct trace *trace;
	struct heap *heap;
	uint64_t offered;
	uint16_t queue_max[PROGRAM_QUEUES]; /* QueueNumMax as the device shows it */
	bool strict;			    /* `should` fails */
	bool limits;			    /* `limit` fails */
	bool enabled;			    /* false: judge nothing */
	const struct known *known;	    /* findings that fail nothing; may be NULL */
	/* What to do about an endless loop inside the device, from which there
	 * is no return. */
	void (*fatal)(void *ctx, const struct finding *finding);
	void *fatal_ctx;

	uint32_t op; /* index of the operation in flight */
	const char *verb;

	uint32_t status;     /* as the device showed it last */
	uint32_t interrupts; /* raised since it did, bits */
	/* The driver accessed registers in a way that VIRTIO does not know, and
	 * what this device made of it is its own affair, until reset. */
	bool lost;
	/* What the selectors hold; not known until written, except of a model. */
	bool features_sel_known, queue_sel_known, device_features_sel_known;
	uint32_t driver_features_sel, queue_sel, device_features_sel, shm_sel;
	uint64_t driver_features;
	bool features_known;
	uint32_t interrupt_status; /* raised and not acknowledged */
	uint32_t generation;	   /* of the configuration, as the device showed it last */
	struct ledger_queue queues[PROGRAM_QUEUES];
	struct ledger_pending pending[PROGRAM_QUEUES][LEDGER_PENDING_MAX];
	struct ledger_call call;
	uint64_t counters[TARGET_COUNTERS_MAX + PROGRAM_QUEUES]; /* then the used.N */
	uint64_t completions;					 /* chains returned */
	uint64_t held_bytes_max, held_accesses_max;		 /* sums over all holds */
	uint32_t held;						 /* how many these are */
	/* The target's sums as indices of counters, ended by -1. */
	bool sums_ready;
	unsigned sum_count;
	int16_t sums[LEDGER_SUMS_MAX][2][LEDGER_SUM_TERMS_MAX + 1];

	struct ledger_stream streams[TARGET_STREAMS_MAX];
	struct ledger_net net;
	struct ledger_plain plain;
	struct ledger_port ports[TARGET_PORTS_MAX];
	struct ledger_pages pages;
	uint8_t order; /* enum ledger_order */
	bool owes;     /* the device has not answered a frame that it must answer */
	struct ledger_dialogue dialogue;
	struct ledger_field fields[TARGET_FIELDS_MAX];
	bool counters_lost; /* what they stand at is not known: not judged */
	unsigned heap_base; /* blocks that the device had when it was new */
	uint64_t gauges;    /* counters that may fall, bits */
	uint32_t node_free, node_used, hold_free, hold_used;
	struct ledger_node nodes[LEDGER_NODES_MAX];
	struct ledger_hold hold[LEDGER_HOLDS_MAX];

	unsigned finding_count;
	bool stop; /* a finding fails the run */
	struct finding findings[LEDGER_FINDINGS_MAX];
	uint64_t judged[(RULE_COUNT + 63) / 64];     /* rules that had something to judge */
	uint64_t not_judged[(RULE_COUNT + 63) / 64]; /* ... and lacked a fact */
	uint64_t silent[(RULE_COUNT + 63) / 64];     /* that the target is not judged by */
};

/* Room for what a target of that description needs; 0 or -ENOMEM.  The ledger is
 * zeroed before. */
int ledger_open(struct ledger *ledger, const struct target *target);
void ledger_close(struct ledger *ledger);

/* For a new device of `target` that offers `offered`; then queue_max,
 * generation, heap_base and net.mtu are the caller's to fill in. */
void ledger_reset(struct ledger *ledger, const struct target *target, uint64_t offered);

/* Where a network device that offers `offered` has its MTU, in the configuration; 0:
 * it has none. */
uint32_t ledger_net_mtu_at(const struct target *target, uint64_t offered);

/* An operation begins; what breaks from here on is its. */
void ledger_op(struct ledger *ledger, uint32_t index, const char *verb);

/* One register access of the driver: before it reaches the device, and after.
 * `probe` is what the device shows once it has returned, `ready` the QueueReady
 * of the selected queue where that was written, `generation` ConfigGeneration
 * where a configuration interrupt was raised or the host changes something; NULL: nobody looked. */
void ledger_access_begin(struct ledger *ledger, bool write, uint64_t offset, uint32_t width,
			 uint64_t value);
struct ledger_probe {
	uint32_t status, interrupt_status, ready, generation;
	bool generation_seen;
};
void ledger_access_end(struct ledger *ledger, bool write, uint64_t offset, uint32_t width,
		       uint64_t value, const struct ledger_probe *probe);

/* A call of the device that is no register access (left-over work). */
void ledger_work_begin(struct ledger *ledger);
void ledger_work_end(struct ledger *ledger, const struct ledger_probe *probe);

/* Around an act of the host: `moved` is what it came to. */
void ledger_host_begin(struct ledger *ledger, enum host_act act, unsigned port, const void *data,
		       uint32_t len);
void ledger_host_end(struct ledger *ledger, enum host_act act, unsigned port, const void *data,
		     uint32_t len, uint32_t moved);

/* The device deals wrongly with what is behind it, or `what` of it does. */
void ledger_fault(struct ledger *ledger, const char *what);

/* A frame passed at an end of the device. */
void ledger_frame(struct ledger *ledger, enum frame_end end, const void *frame, uint32_t len);

/* The driver read `width` bytes of configuration, `value`, at `at` and so a part of
 * the target's field `index`, which is `now` and the generation `generation`. */
void ledger_field_read(struct ledger *ledger, unsigned index, uint32_t at, uint32_t width,
		       uint64_t value, uint64_t now, uint32_t generation);

/* The device showed `width` bytes of configuration, 1 to 8, at `at`. */
struct ledger_look {
	uint32_t at, width;
	uint64_t value; /* little-endian */
};

/* The driver and then the harness read configuration: may they not both be right,
 * though nothing came in between?  differ: nothing did. */
bool ledger_config_differs(struct ledger *ledger, const struct ledger_look *driver,
			   const struct ledger_look *again);
void ledger_config_differ(struct ledger *ledger, const struct ledger_look *driver,
			  const struct ledger_look *again);

/* Is there a count of queues in these bytes of configuration?  Then where; and it is
 * `value`. */
bool ledger_config_counts(const struct ledger *ledger, uint32_t at, uint32_t width,
			  uint32_t *offset, uint32_t *count_width);
void ledger_config_count(struct ledger *ledger, uint64_t value);

/* The device is in a state that is not known: until reset only what needs no
 * knowledge of it is judged, and of its counters nothing. */
void ledger_forget(struct ledger *ledger);

/* The device accessed guest memory. */
void ledger_memory(struct ledger *ledger, const struct arena_access *access);
/* The device calls what is behind it. */
void ledger_backend(struct ledger *ledger);
/* The device asked whether that is guest memory. */
void ledger_page(struct ledger *ledger, uint64_t addr, uint64_t len);
/* Was the access told last a second fetch?  Not where one byte has several
 * parts in a chain, or where the chain led the device there again. */
bool ledger_is_refetch(struct ledger *ledger, struct guest_why why, uint64_t addr, uint32_t len);
/* The device raised its interrupt: of one queue alone, or of the line that all have. */
#define LEDGER_LINE PROGRAM_QUEUES
void ledger_interrupt(struct ledger *ledger, uint32_t bits, unsigned queue);

/* Memory is about to be reset; and: the device is gone. */
void ledger_strays(struct ledger *ledger);
void ledger_gone(struct ledger *ledger);

/* An operation is over and the device is in `state`; `device` for counters. */
void ledger_rest(struct ledger *ledger, enum device_state state, const void *device);

/* A rule is broken.  Judges severity: recorded, and if it fails the run,
 * ledger->stop is set. */
void ledger_break(struct ledger *ledger, enum rule rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A finding of another kind: always fails the run. */
void ledger_find(struct ledger *ledger, enum finding_kind kind, const char *what,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
