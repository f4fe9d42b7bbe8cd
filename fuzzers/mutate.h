/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The structure-aware mutator: guest programs in, guest programs out.
 *
 * It works on decoded operations, so what it makes means what it meant: the
 * bytes it gives decode to the very program that it built.  A driver's mistake
 * is one operation away from a well-formed exchange, and that is the step it
 * takes.  One mutator serves both engines (mutator_libfuzzer.c and
 * mutator_afl.c); mutations of raw bytes are the engines' own.
 *
 * The same seed and input give the same output on every machine: no clock, no
 * libc generator.  Nothing here allocates.
 */
#ifndef VRINGER_FUZZERS_MUTATE_H
#define VRINGER_FUZZERS_MUTATE_H

#include "harness/program/binary.h"
#include "harness/target/target.h"

/* Kinds of mutation; mutate.c has the table. */
enum mutation {
	MUTATE_INSERT,	  /* a new operation, or an exchange, or one with a trap */
	MUTATE_DELETE,	  /* a run of operations */
	MUTATE_DUPLICATE, /* a run of operations, behind itself */
	MUTATE_MOVE,	  /* a run of operations elsewhere */
	MUTATE_SWAP,	  /* two operations */
	MUTATE_SPLICE,	  /* a run of another program's operations, or of its own */
	MUTATE_NUDGE,	  /* a field, to an edge or by one */
	MUTATE_ADDRESS,	  /* where an address points, or how rings and buffers overlap */
	MUTATE_FLAGS,	  /* one bit of status, features, flags, or `:w` of an element */
	MUTATE_PAYLOAD,	  /* bytes or elements of an operation */
	MUTATE_REPEAT,	  /* wrap operations in a repeat, or how often one runs */
	MUTATE_HEADER,	  /* features and queue sizes that the device offers */
	MUTATE_FRESH,	  /* a new program of a few steps in its place */
	MUTATION_COUNT
};

#define MUTATE_ROUNDS_MAX 16
#define MUTATE_BAG_MAX 256

struct mutator {
	uint64_t state;	 /* of the generator; not 0 */
	unsigned effort; /* up to 2^effort mutations at a time; at most 4 */
	char target[PROGRAM_TARGET_MAX];
	uint32_t device_id; /* VIRTIO 5; 0: not known */
	uint64_t features;  /* that the target can offer */
	uint64_t features_high;
	unsigned queue_count;
	bool driven[PROGRAM_QUEUES]; /* the driver initiates: it sends there */
	unsigned port_count;	     /* that the host has; 0: it does nothing */
	bool takes_orders;	     /* ... and it can be told how */
	bool has_snapshots;	     /* the device can be saved and restored */
	uint32_t config_len;	     /* bytes of its configuration; 0: none, or not known */
	uint32_t chain_max;	     /* bytes that it takes or gives at a time; 0: not known */
	bool has_num_pages;	     /* the host can want something of the driver */
	bool changes_config;	     /* the host can change the configuration */
	unsigned request_count;
	const struct target_request *requests; /* that mean something to the target */
	bool has_named_requests;	       /* ... of which an answer is demanded */
	uint8_t bag[MUTATE_BAG_MAX];	       /* operation codes, each as often as it is wanted */
	unsigned bag_count;
	uint32_t counts[MUTATION_COUNT];    /* applied since the mutator was set up */
	uint8_t applied[MUTATE_ROUNDS_MAX]; /* the last call's, in order */
	unsigned applied_count;
	/* NULL or: the engine's own way to change bytes, which knows what the device compared
	 * bytes with; the new length. */
	size_t (*engine_bytes)(uint8_t *bytes, size_t len, size_t max);
	struct program prog, other;
	uint8_t packed[PROGRAM_DATA_MAX];
};

/* Set up for inputs of that target; "any" or one that is not there: no device
 * of its own. */
void mutator_init(struct mutator *m, const char *target, uint64_t seed);
/* Start the generator anew. */
void mutator_seed(struct mutator *m, uint64_t seed);

/* What the target declares as requests, where it is not one that this program knows; they
 * stay the caller's. */
void mutator_set_requests(struct mutator *m, const struct target_request *requests, unsigned count);

/* One mutation of `prog`, which stays valid.  `other` (may be NULL) is where
 * splices come from.  The kind that was applied. */
enum mutation mutate_program(struct mutator *m, struct program *prog, const struct program *other);

/*
 * Bytes in, bytes out: mutate, or cross two parents over at operation
 * boundaries.  At most `max` bytes are written to `out`; operations at the end
 * that do not fit are dropped.  A front with magic, the target's name and the
 * budget in it, stays the first parent's.  0 if nothing can be made: a parent is
 * of another version, there is nothing to cross over with, or not even an empty
 * program fits.
 */
size_t mutator_bytes(struct mutator *m, const uint8_t *data, size_t size, const uint8_t *other,
		     size_t other_size, uint8_t *out, size_t max);
size_t mutator_cross(struct mutator *m, const uint8_t *a, size_t a_size, const uint8_t *b,
		     size_t b_size, uint8_t *out, size_t max);

/* The same program, spelt as binary_encode spells it; 0 as above. */
size_t mutator_canonical(struct mutator *m, const uint8_t *data, size_t size, uint8_t *out,
			 size_t max);

/* The last call's mutations by name, as "insert+nudge"; cut at `size`. */
void mutator_describe(const struct mutator *m, char *text, size_t size);
const char *mutation_name(enum mutation kind);

/*
 * Shrink an input by operations: in halves at first, then one by one.  begin,
 * then next and result in turns until result says that it was the last.
 */
struct trimmer {
	struct program good, candidate;
	uint32_t chunk; /* operations left out at a time; 0: nothing left to try */
	uint32_t at;	/* the first of them */
	bool magic;
	size_t size; /* bytes of the best so far */
	uint8_t bytes[BINARY_SIZE_MAX];
};

/* How many steps it may take; 0: there is nothing to trim. */
unsigned trim_begin(struct trimmer *t, const char *target, const uint8_t *data, size_t size);
/* The next candidate: fewer bytes than the best so far, in t->bytes; 0 if
 * there is none. */
size_t trim_next(struct trimmer *t);
/* Was the candidate as good?  false when there is nothing left to try. */
bool trim_result(struct trimmer *t, bool as_good);

#endif
