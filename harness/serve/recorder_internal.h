/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a recorder share: recorder.c (the session, and where it is split),
 * recorder_note.c (what the session has come to), recorder_state.c (what goes into a
 * program), recorder_part.c (operations and demands, kept small), recorder_chain.c (a chain
 * out of guest memory), recorder_text.c (text, replay, files).
 */
#ifndef VRINGER_HARNESS_SERVE_RECORDER_INTERNAL_H
#define VRINGER_HARNESS_SERVE_RECORDER_INTERNAL_H

#include "harness/run/live.h"
#include "harness/serve/recorder.h"

#include <linux/virtio_ring.h>

/* A used entry that the session took when that operation had run. */
struct recorder_demand {
	uint32_t op; /* index */
	uint16_t queue;
	uint16_t entries; /* of the ring, that are used with it */
	uint32_t id, len;
};

/* Operations and their demands: a program, or what goes into several. */
struct recorder_part {
	struct program prog;
	unsigned demand_count;
	struct recorder_demand demands[SCRIPT_EXPECT_MAX];
	uint32_t literal;     /* bytes of the chain in progress that are kept as they are */
	uint32_t literal_max; /* ... at most */
	bool replaced;	      /* bytes stand as a pattern */
};

/* How far a part was. */
struct recorder_mark {
	uint32_t op_count, data_len;
	unsigned demand_count;
};

struct recorder_desc {
	bool known; /* the program that is recorded has written it, and so: */
	uint8_t base;
	uint16_t flags, next;
	uint32_t len;
	uint64_t addr;
};

/* A chain that the device has not returned. */
struct recorder_out {
	uint16_t head;
	uint16_t entries; /* of the ring: of a split one 1 */
	bool dialogue;
};

struct recorder_queue {
	unsigned out_count;
	struct recorder_out out[GUEST_QUEUE_SIZE_MAX]; /* in the order of their publication */
	/* Entries of the ring that were used, by the session and by this program: of a split ring
	 * modulo 2^16; of a packed one modulo two laps. */
	uint16_t used, used_now;
	bool asked; /* a chain of the dialogue waits for a notification */
	bool has_event;
	uint16_t event, flags; /* what the driver wrote there last */
	struct recorder_desc known[GUEST_QUEUE_SIZE_MAX];
};

/* What the host set last. */
struct recorder_host {
	bool given;
	uint64_t value;
};

struct recorder_text {
	char *text;
	size_t len;
	bool last;	/* the session ended in it */
	uint32_t first; /* operation of the session */
};

struct recorder {
	struct run *run;
	struct program header; /* its header alone */
	struct recorder_options options;

	struct recorder_part now;      /* the program that is recorded */
	struct recorder_part setup;    /* the driver's steps since the last reset */
	struct recorder_part dialogue; /* ... and what the device must have been told */
	struct recorder_queue queue[PROGRAM_QUEUES];
	struct recorder_host num_pages, config;

	uint32_t number; /* operations of the session so far */
	uint32_t first;	 /* of them, the first that is this program's own */
	uint32_t prefix; /* operations of this program before that one */
	uint8_t last;	 /* code of the session's last operation but takes */
	bool skipping;	 /* what comes up to the next boundary did not fit */
	bool full;	 /* no more is recorded */
	bool unsplit;	 /* what a further program would start from does not fit */
	bool rescuing;
	struct recorder_mark boundary; /* the last place where it could have been split */

	unsigned count, max;
	struct recorder_text *texts;
};

void recorder_tell(const struct recorder *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void recorder_part_clear(struct recorder_part *part, const struct program *header);
/* Append; false if there is no room, and what was appended of it is the caller's to undo. */
bool recorder_part_op(struct recorder_part *part, const struct program *prog, const struct op *op);
bool recorder_part_demand(struct recorder_part *part, const struct recorder_demand *demand);
/* Bytes in memory at base + offset, which is `addr`: in as few operations as they need. */
bool recorder_part_store(struct recorder_part *part, const struct arena *arena, uint8_t base,
			 uint64_t offset, const uint8_t *data, uint32_t len);
struct recorder_mark recorder_part_mark(const struct recorder_part *part);
void recorder_part_undo(struct recorder_part *part, const struct recorder_mark *mark);
/* How much of the room of a program is used, in percent. */
unsigned recorder_part_used(const struct recorder_part *part);

/* The base that the address is named by, and the offset from it. */
uint64_t recorder_name(const struct arena *arena, uint64_t addr, uint8_t *base);
/* The chain from `head` on as it is in memory: buffers, descriptors, and its publication. */
bool recorder_chain(struct recorder_part *part, struct recorder *r, unsigned queue, uint16_t head);
/* How many descriptors of the ring it has. */
uint16_t recorder_chain_entries(struct recorder *r, unsigned queue, uint16_t head);
/* Is the chain part of the dialogue that the target declares? */
bool recorder_is_dialogue(struct recorder *r, unsigned queue, uint16_t head);

/* An operation of the session, or of what a program starts from, in this program; false if
 * it does not fit. */
bool recorder_add(struct recorder *r, const struct program *prog, const struct op *op);
/* How many bytes of a chain are kept in this program now. */
uint32_t recorder_literal_max(const struct recorder *r);
/* What makes a new device as the session has it; false if it does not fit. */
bool recorder_add_state(struct recorder *r);
/* The operation with addresses by the name of a place. */
struct op recorder_named(const struct recorder *r, const struct op *op);
/* The program that is recorded does not know what is in the tables of descriptors. */
void recorder_forget_descs(struct recorder *r);

/* What the operation makes of the session's state. */
void recorder_note(struct recorder *r, const struct program *prog, const struct op *op);
/* ... and a used entry that was taken, which stands for as many entries of the ring as this
 * returns. */
uint16_t recorder_note_used(struct recorder *r, unsigned queue, uint32_t id, uint32_t len);
/* So many more entries of the ring are used, of those that *used counts. */
void recorder_count_used(const struct recorder *r, unsigned queue, uint16_t *used,
			 uint16_t entries);

/* Rescue that recorder if the process ends; NULL: none. */
void recorder_guard(struct recorder *r);

/* The program that is recorded, as text: one more in r->texts.  0, or -ENOMEM. */
int recorder_finish(struct recorder *r, bool last);

#endif
