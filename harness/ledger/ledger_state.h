/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows, by how long it is so: for as long as the ledger is open or has
 * that target, for one device, for one session (until the driver resets the device), for
 * one call.  Each is a structure, so that its end is an assignment.
 *
 * Others than the ledger's own files read what it found, at the end of struct ledger; all
 * else is done through the functions of ledger.h.
 */
#ifndef VRINGER_HARNESS_LEDGER_STATE_H
#define VRINGER_HARNESS_LEDGER_STATE_H

#include "harness/arena/heap.h"
#include "harness/arena/trace.h"
#include "harness/ledger/follower.h"
#include "harness/ledger/known.h"
#include "harness/ledger/ledger_away.h"
#include "harness/ledger/ledger_dialogue.h"
#include "harness/ledger/ledger_disk.h"
#include "harness/ledger/ledger_fuse.h"
#include "harness/ledger/ledger_net.h"
#include "harness/ledger/ledger_pages.h"
#include "harness/ledger/ledger_port.h"
#include "harness/ledger/ledger_socket.h"
#include "harness/ledger/ledger_stream.h"
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

/* Descriptors of a table, the first ones, of which is known whether a walk has come by: as many as
 * the largest queue of our own models has. */
#define LEDGER_VISITS 256u

#define LEDGER_SUSPECTS_MAX 16

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

/* A descriptor that the device reads field by field. */
struct ledger_piece {
	uint64_t at;   /* its address */
	uint16_t mask; /* bytes that were read */
	bool open;     /* not enough of it */
	bool in_table; /* of an indirect table */
	uint8_t bytes[16];
};

/* Of a packed ring: an entry, the wrap counter there, and how many entries came before it. */
struct ledger_place {
	uint16_t slot;
	bool wrap;
	uint32_t at;
};

/* A chain that the device took and has not returned. */
struct ledger_hold {
	uint32_t next; /* hold of the same queue */
	uint16_t walk, head;
	uint16_t expect; /* the descriptor that the walk leads to */
	bool expects;	 /* it leads on */
	bool in_table;	 /* ... of the indirect table */
	bool past_table; /* what named it said that the chain goes on behind it */
	uint32_t walked; /* reads of descriptors, of any table, since it was taken */
	uint32_t reads;	 /* of descriptors, those of an indirect table too */
	/* A bit for each descriptor that the walk came by: of the queue's table, of the indirect
	 * one. */
	uint64_t visited[2][LEDGER_VISITS / 64];
	bool strayed;		   /* a descriptor was read to which the chain did not lead */
	bool spent;		   /* more descriptors were read than its walks can need */
	bool restarted;		   /* taken twice: what is allowed is the sum of both */
	bool blind;		   /* not all of it is known: not judged */
	bool odd;		   /* of plain memory: the device may make several things of it */
	bool salted, pure;	   /* ... its buffers were changed; and only it writes there */
	uint32_t look;		   /* ... the first comparison that can show what it wrote */
	bool early;		   /* its available entry was read before it was available */
	bool abandoned;		   /* its completion could not be written */
	bool failed;		   /* ... once at least, for `failed.N` of sums */
	bool faulted;		   /* an access for it failed */
	uint32_t call;		   /* the call that it was taken in */
	uint16_t entries;	   /* of a packed ring, that it takes as far as it was read */
	struct ledger_place place; /* ... in plain memory, where it begins */
	uint32_t desc_count;
	uint32_t first, last_desc;	  /* nodes of descriptors */
	uint32_t cursor;		  /* where the last access was found */
	uint32_t written;		  /* nodes of ranges */
	uint32_t moved_max;		  /* bytes of it that the device may move */
	uint64_t table_first, table_last; /* of the indirect table, if it names one */
	bool has_table;
	uint64_t readable, writable; /* bytes */
	uint64_t read;		     /* bytes that were read of it, all reads together */
	struct ledger_piece piece;
	/* What it adds to the bounds of a call while it is held. */
	uint64_t bytes_max, accesses_max;
	/* What followers know of it.  Last: each sets up its own when the chain is taken, if
	 * it applies. */
	struct ledger_stream_chain stream;
	struct ledger_net_chain net;
	struct ledger_port_chain port;
	struct ledger_fuse_chain fuse;
	struct ledger_dialogue_chain dialogue;
	struct ledger_disk_chain disk;
	struct ledger_socket_chain socket;
};

/* A used entry that the used index has not passed. */
#define PENDING_ID 1u
#define PENDING_LEN 2u
#define PENDING_FLAGS 4u /* of a packed ring, which make it used */
#define PENDING_SHOWN 8u /* ... and all before it are: the driver may have read it */
struct ledger_pending {
	uint16_t slot, walk;
	uint8_t have; /* the device wrote id (PENDING_ID), len (PENDING_LEN) */
	uint32_t id, len;
};

/* What the device says about being notified of a queue, by the flags of the used
 * ring or its avail_event. */
struct ledger_notify {
	bool unwanted;	/* it was told not to be needed, last */
	bool unchecked; /* ... to be needed again, and the available index not read since */
	bool gave_up;	/* an access for that queue failed since it said so */
	/* With EVENT_IDX: the avail_event that it wrote last. */
	bool event_said;
	uint16_t event;
};

/* Places of a packed ring that were used one after the other: the first and the last, and how
 * many entries the chains take that were returned there. */
struct ledger_range {
	uint16_t slot, last_slot;
	bool wrap, last_wrap;
	uint32_t entries, chains;
	bool open; /* what was used before may count too: the last look told nothing */
};

/* Where a device is in a packed ring, by what it read and wrote. */
struct ledger_packed {
	uint16_t avail_slot, used_slot;
	bool avail_wrap, used_wrap;
	bool available; /* the entry at avail_slot, as the device read its flags last: */
	uint16_t flags;
	uint32_t held;	  /* entries that were taken and not returned */
	uint32_t used_at; /* entries that were used, of plain memory */
	uint16_t event;	  /* offset and wrap counter that the device event was set to last */
	struct ledger_range moved; /* since an interrupt was last due */
};

/* Of a queue, for as long as it is ready. */
struct ledger_work {
	bool ready;
	bool index_seen;    /* avail_idx is valid */
	uint16_t avail_idx; /* as the device read it last */
	bool used_read;	    /* it has read the used index since it wrote it; may go by that: */
	uint16_t used_seen;
	uint16_t moved_from;	      /* where it stood when an interrupt was last due */
	bool poisoned;		      /* a structural fault was read */
	bool broken;		      /* in order, a model could not write what it returned */
	uint32_t held;		      /* chains available or held, of plain memory */
	uint32_t moved_count;	      /* ... entries that it moved by since then */
	bool moved;		      /* the used index moved and no interrupt came */
	bool asked, silenced, unsure; /* flags read since: done, NO_INTERRUPT, failed */
	bool late;		      /* one was wanted for an earlier move, and none came */
	bool notified;		      /* and the available index not read since */
	struct ledger_notify notify;
	bool overflowed; /* more chains taken than can be kept: not all judged */
	/* In order: chains that the last batch skipped, by their places in the available ring. */
	uint16_t skipped, skipped_end;
	/* ... the call whose last return was of a chain that a later one could have stood for. */
	bool alone;
	uint32_t alone_call;
	unsigned pending_count; /* entries in ledger.pending */
	/* Of plain memory that is not followed, see ledger_blind.c. */
	uint8_t doubt;	     /* enum ledger_doubt */
	bool quiet;	     /* nothing was outstanding after the last call */
	uint16_t seen_avail; /* the available index, when memory was last looked at */
};

/* Of a session: until the driver resets the device. */
struct ledger_queue {
	/* as the driver configured it */
	uint16_t size;
	union {
		struct {
			uint64_t desc, avail, used;
		};
		uint64_t area[VIRTQUEUE_AREA_COUNT];
	};
	bool known;  /* size and addresses are what the device goes by */
	bool lost;   /* ... or not, until reset: the driver wrote what it may not */
	bool packed; /* it is ready and known, and its ring is packed */
	struct ledger_packed place;
	/* it was ready and known, and is not ready any more */
	bool stopped;
	bool was_stopped; /* it was ready on a live device once, and then not */
	/* Its driver reset it alone, and has not made it ready since. */
	bool renewed;
	bool told; /* the driver notified it, whatever the device made of that */
	/* Of plain memory: the available index jumped too far; chains then, and used index. */
	bool jumped;
	uint16_t jumped_used;
	uint32_t jumped_held;
	/* as the device works on it */
	struct ledger_work work;
	uint16_t taken;		    /* heads taken: the position of the next */
	uint16_t used_idx;	    /* as the device wrote it last */
	uint32_t looks;		    /* how often it read the available index */
	uint32_t call, call_chains; /* the last call that took chains, and how many */
	uint32_t holds, last_hold;  /* chains, or LEDGER_NONE */
	uint32_t hold_count;	    /* how many these are */
};

_Static_assert(PROGRAM_QUEUES <= 64, "a bit of 64 each");
struct ledger_call {
	uint32_t number;
	uint32_t accesses, chains, descs;
	uint32_t held, backend; /* chains held when it began; calls of what is behind */
	uint64_t bytes, bytes_max, accesses_max;
	uint32_t status_written; /* by the driver, in this call */
	uint64_t active;	 /* queues notified or looked at, a bit each */
	uint64_t failed;	 /* queues that an access failed for */
	uint64_t poisoned;	 /* queues that were first found structurally wrong */
	uint64_t moved;		 /* queues whose used index moved */
	unsigned heap_failures;	 /* allocations that had failed before it */
	unsigned heap_blocks;	 /* what the device had before it, and bytes of that */
	size_t heap_bytes;
	unsigned config_interrupts;
	unsigned used_interrupts; /* while the device was live */
	/* The driver's, or left-over work, and goes on: in an act of the host it may enter many
	 * times. */
	bool by_driver;
	bool live;	   /* queues may be touched */
	bool suspended;	   /* it began with a suspended device, and does not resume it */
	bool blind;	   /* an access was for a queue that is not known */
	bool carried;	   /* a buffer was read or written */
	uint64_t starting; /* queues that the driver sets ready in this call */
	bool host_changes; /* the host is about to change the configuration */
	bool host_changed; /* ... and did */

	/* An interrupt named both bits, and bit 0 was not pending. */
	bool used_bit_fresh;
};

/* Why a device's work on plain memory cannot be followed; ledger_blind.c has the words. */
enum ledger_blind {
	BLIND_NEVER,
	BLIND_RING,	 /* a ring is not in memory, or not known */
	BLIND_USED,	 /* the driver wrote to the used index */
	BLIND_JUMP,	 /* more is available than the queue has entries, or the index went back */
	BLIND_ENTRY,	 /* an available entry changed while its chain was outstanding */
	BLIND_CHAIN,	 /* a chain that can be understood in many ways */
	BLIND_ROOM,	 /* more chains or descriptors than are kept */
	BLIND_HEADS,	 /* two different chains of one head were outstanding */
	BLIND_LAP,	 /* entries of one call lie over each other */
	BLIND_OVERLAP,	 /* what it writes may be what it reads as a ring or a table */
	BLIND_AWAY,	 /* a ring lies in a page that the driver handed to the host */
	BLIND_UNKNOWN,	 /* it returned what is not known to be outstanding */
	BLIND_STARTED,	 /* a queue was made ready on a live device */
	BLIND_STRUCK,	 /* memory changed, or an access failed, in the middle of a call */
	BLIND_HOLES,	 /* some memory is unmapped */
	BLIND_REGISTERS, /* a register was accessed in a way that VIRTIO does not know */
	BLIND_LIST,	 /* of a packed ring: a list goes on in what is not available */
	BLIND_OWNED,	 /* ... the driver changed entries that the device has */
	BLIND_COUNT
};

/* The first time that it could not. */
struct ledger_blindness {
	uint8_t cause; /* enum ledger_blind; BLIND_NEVER: it could always */
	bool over;     /* it can again, ... */
	uint8_t queue; /* that it is about; PROGRAM_QUEUES: of none alone */
	uint32_t op;
	uint32_t until; /* ... from this operation on */
	uint32_t more;	/* how often it could not after that */
};

/* Memory changed in a call of the device. */
typedef void ledger_told_fn(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len);

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
	/* The owner's, ledger_plain_open. */
	struct arena *arena; /* NULL: there are purposes */
	bool accesses;	     /* accesses are told, nothing is compared */
	ledger_told_fn *told;
	void *told_ctx;
	bool thorough; /* all memory is compared after every call, see ledger_thorough */
	/* Until the driver resets the device. */
	struct ledger_plain_session {
		bool tables; /* a chain that is held names one */
		bool blind;  /* what it may do cannot be told */
		bool wild;   /* ... and it may write anywhere */
		bool fresh;  /* the queue that the driver makes ready has returned nothing */
	} session;
	/* For as long as there is one device. */
	struct ledger_plain_device {
		bool looking;	 /* in a call of a live device */
		bool strayed;	 /* what is compared in the end alone changed */
		bool entered;	 /* called while it was not live, and not looked at since */
		uint32_t struck; /* races and faults before this call */
		/* Used-buffer interrupts of this call: of each queue, and of their line. */
		uint32_t interrupts[PROGRAM_QUEUES + 1];
		bool stale; /* memory was not compared while it was blind */
		bool over;  /* the program is: chains are no suspects any more */
		/* The second run of a program, whose suspects are those of the first. */
		bool salting;
		uint32_t salts;
		unsigned suspect_count;
		const struct ledger_suspect *confirmed;
	} device;
	/* Not cleared: suspect_count says how many there are, and a second run is given it. */
	struct ledger_suspect suspects[LEDGER_SUSPECTS_MAX];
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

/* For as long as there is one device; but for what each follower keeps so. */
struct ledger_device {
	uint32_t status;     /* as the device showed it last */
	uint32_t interrupts; /* raised since it did, bits */
	uint32_t shown;	     /* InterruptStatus, as the device showed it last */
	uint32_t generation; /* of the configuration, as the device showed it last */
	unsigned heap_base;  /* blocks that it had when it was new */
	size_t heap_new;     /* ... and bytes */
	/* As call.active and call.failed, of the calls before this one since it rested. */
	uint64_t active, failed;
	bool working; /* it had work left after the last operation */
	bool waiting; /* it said that it waits for the host when it rested last */
	/* Its host did something, which it may have left; or what its host told it is not known:
	 * that was told how to behave, at any time, or the device is a restored one. */
	bool acted, untold;
	bool cut_short; /* the driver reset it while it had work left, or chains */
			/* Then what was seen, of each enum target_chains and queue. */
	uint64_t counters[TARGET_COUNTERS_MAX + CHAINS_KINDS * PROGRAM_QUEUES];
	bool sums_due;	      /* such a one moved since the sums were judged */
	bool counters_lost;   /* what they stand at is not known: not judged */
	bool padding_said;    /* of a disk: its driver has written to padding */
	uint64_t taken;	      /* chains, by the device */
	uint64_t completions; /* chains returned */
	uint64_t held_bytes_max, held_accesses_max; /* sums over all holds */
	uint32_t held;				    /* how many these are */
	struct ledger_field fields[TARGET_FIELDS_MAX];
	/* Of ledger.nodes and ledger.hold: what is free, and how many ever were in use. */
	uint32_t node_free, node_used, hold_free, hold_used;
};

/* Until the driver resets the device; with the queues, and what followers keep so. */
struct ledger_session {
	/* The driver accessed registers in a way that VIRTIO does not know, and
	 * what this device made of it is its own affair. */
	bool lost;
	/* What the selectors hold; not known until written, except of a model. */
	bool features_sel_known, queue_sel_known, device_features_sel_known;
	uint32_t driver_features_sel, queue_sel, device_features_sel, shm_sel;
	uint64_t driver_features, driver_features_high;
	bool features_known;
	bool writeback_said;	  /* of a disk: its driver has written there; */
	bool writethrough;	  /* and has read since that it is 0 */
	uint64_t told, told_mask; /* what it has told the device by its configuration; known bits */
	uint32_t interrupt_status; /* raised and not acknowledged */
	/* Bits of InterruptStatus whose event took place since the driver acknowledged them, as
	 * far as accesses show; and bits that are shown, and not raised yet. */
	uint32_t events, unraised;
	bool reset_owed; /* DEVICE_NEEDS_RESET was set, and no interrupt came for it */
	/* The device shows that it is suspended; the driver has asked it to be, or to resume, and
	 * it does not show that yet. */
	bool suspended, suspend_asked, resume_asked;
	/* The configuration changed meanwhile, as far as seen, or by the host's act: and no
	 * interrupt came for it. */
	bool change_seen, change_owed;
};

/* Of a target: indices of counters, once the ledger has had a device of it. */
struct ledger_sums {
	bool ready;
	unsigned count;
	struct ledger_term terms[TARGET_SUMS_MAX][2][TARGET_SUM_TERMS_MAX + 1];
	bool name_looks;		  /* one has a term `none.N` */
	bool gauges[TARGET_COUNTERS_MAX]; /* counters that may fall */
};

struct ledger {
	/* The owner's, by ledger_open, ledger_judge and ledger_reset. */
	const struct target *target;
	struct heap *heap;
	const struct trace *trace;
	struct judging judging;
	bool enabled; /* false: judge nothing */
	void (*fatal)(void *ctx, const struct finding *finding);
	void *fatal_ctx;
	uint64_t offered, offered_high;
	uint32_t looks_max;		    /* accesses of a call that takes no chain */
	uint16_t queue_max[PROGRAM_QUEUES]; /* QueueNumMax as the device shows it */

	struct ledger_sums sums;
	struct ledger_device device;
	struct ledger_session session;
	struct ledger_queue queues[PROGRAM_QUEUES];
	struct ledger_call call;
	uint32_t op; /* index of the operation in flight */
	const char *verb;

	/* Those that apply to the target, and what each of them knows. */
	struct follower_lists followers;
	struct ledger_streams streams;
	struct ledger_net net;
	struct ledger_port ports[TARGET_PORTS_MAX];
	struct ledger_pages pages;
	struct ledger_fuse fuse;
	struct ledger_dialogue dialogue;
	struct ledger_disk disk;
	struct ledger_socket socket;

	struct ledger_plain plain;
	struct ledger_away away;

	/* Too large to be cleared for every program: counts elsewhere say what is in use. */
	struct ledger_pending pending[PROGRAM_QUEUES][LEDGER_PENDING_MAX];
	struct ledger_node nodes[LEDGER_NODES_MAX];
	struct ledger_hold hold[LEDGER_HOLDS_MAX];

	unsigned without; /* facts that the target has and the transport does not show */

	/* What it found, until the next ledger_reset. */
	bool stop; /* a finding fails the run */
	struct ledger_blindness blindness;
	unsigned finding_count;
	struct finding findings[LEDGER_FINDINGS_MAX];
	uint64_t judged[(RULE_COUNT + 63) / 64];     /* rules that had something to judge */
	uint64_t not_judged[(RULE_COUNT + 63) / 64]; /* ... and lacked a fact */
	uint64_t silent[(RULE_COUNT + 63) / 64];     /* that the target is not judged by */
};

#endif
