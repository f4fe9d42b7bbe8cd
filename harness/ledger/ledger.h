/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The judge.
 *
 * The ledger knows what the guest offered and what the device did from one source: the
 * values that each device access returned or stored, with their purpose, the register
 * accesses, and the interrupts.  It never reads guest memory to find out, except for
 * devices on plain memory, where it compares memory before and after a call
 * (ledger_plain.h).
 *
 * Every rule is a row of the table in rules/rules.h.  The reason why a correct device
 * can never break a rule stands above the code that judges it, in ledger_*.c.
 *
 * The first broken rule that fails the run stops the program after the current
 * operation.
 */
#ifndef VRINGER_HARNESS_LEDGER_H
#define VRINGER_HARNESS_LEDGER_H

#include "harness/arena/heap.h"
#include "harness/arena/trace.h"
#include "harness/ledger/known.h"
#include "harness/program/program.h"
#include "harness/rules/finding.h"
#include "harness/rules/rules.h"
#include "harness/target/target.h"

struct arena_access;

#define LEDGER_NONE UINT32_MAX /* no node */
#define LEDGER_NODES_MAX 8192  /* descriptors and ranges known at a time */
#define LEDGER_HOLDS_MAX 1024
#define LEDGER_PENDING_MAX 512
#define LEDGER_FINDINGS_MAX 8
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
	int16_t entered_terms[TARGET_SUM_TERMS_MAX + 1], left_terms[TARGET_SUM_TERMS_MAX + 1];
	int16_t waiting_terms[TARGET_SUM_TERMS_MAX + 1]; /* ... that wait */
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
	struct judging judging;
	bool enabled; /* false: judge nothing */
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
	int16_t sums[TARGET_SUMS_MAX][2][TARGET_SUM_TERMS_MAX + 1];

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
