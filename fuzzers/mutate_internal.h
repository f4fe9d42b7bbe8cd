/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between the files of the mutator.  See mutate.h.
 *
 * While a program is being mutated operations may share payload bytes, since
 * a payload is never changed in place: whoever changes one writes a new one.
 */
#ifndef VRINGER_FUZZERS_MUTATE_INTERNAL_H
#define VRINGER_FUZZERS_MUTATE_INTERNAL_H

#include "devices/table.h"
#include "fuzzers/mutate.h"

/* mutate.c: numbers.  below: 0 to n - 1, n not 0; chance: once in n.  One call in
 * an expression: the order of two is the compiler's. */
uint64_t random_number(struct mutator *m);
uint32_t random_below(struct mutator *m, uint32_t n);
bool random_chance(struct mutator *m, uint32_t n);
#define PICK(m, table) ((table)[random_below((m), ARRAY_SIZE(table))])

/* A number of that many bytes, at most 8, as VIRTIO has it: the lowest first. */
static inline void put_number(uint8_t *bytes, uint64_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Numbers of queues below which one is worth a try: the target may have it, or not. */
static inline unsigned mutator_queues(const struct mutator *m)
{
	return m->queue_count > PROGRAM_QUEUES_LOW ? PROGRAM_QUEUES : PROGRAM_QUEUES_LOW;
}

/* A value of that kind, and of a queue one that is worth a try. */
static inline uint64_t mutator_reduce(const struct mutator *m, enum field_kind kind, uint64_t value)
{
	value = field_reduce(kind, value);
	return kind == FIELD_QUEUE && value >= mutator_queues(m) ? value % PROGRAM_QUEUES_LOW
								 : value;
}

/* mutate_edit.c: lists of operations.  Repeats around the place grow and
 * shrink with what is put in and taken out. */
bool edit_open(struct program *prog, uint32_t at, uint32_t count);
void edit_cut(struct program *prog, uint32_t at, uint32_t count);
/* A new operation, zeroed; NULL if the program is full. */
struct op *edit_add(struct program *prog, uint32_t at, uint8_t code);
/* The same, and *at is behind it. */
struct op *edit_put(struct program *prog, uint32_t *at, uint8_t code);
/* Give an operation that payload; false if there is no room. */
bool edit_payload(struct mutator *m, struct program *prog, struct op *op, const void *data,
		  size_t len);
/* Copy `count` operations of `from`, another program, to `at`. */
bool edit_graft(struct mutator *m, struct program *prog, uint32_t at, const struct program *from,
		uint32_t first, uint32_t count);
/* The same of the program's own; `at` is not inside them. */
bool edit_copy(struct program *prog, uint32_t at, uint32_t first, uint32_t count);
/* Make the program whole: payloads no longer shared and within bounds,
 * operations that do not fit dropped from the end, repeats clipped. */
void edit_settle(struct mutator *m, struct program *prog);
/* mutate_whole.c: mostly make it short as well, so that much of it is run in little time. */
void edit_shorten(struct mutator *m, struct program *prog);

/* mutate_value.c: what a field may usefully hold. */
unsigned field_count(const struct op_desc *desc);
uint64_t value_edge(struct mutator *m);
/* How many bytes into a buffer a device looks at an address again. */
uint64_t value_boundary(struct mutator *m);
uint64_t value_fresh(struct mutator *m, enum field_kind kind);
/* The operation is one of the program's. */
void address_fresh(struct mutator *m, const struct program *prog, struct op *op, unsigned field);
/* How many times one element, or one byte, may come in a row. */
#define RUN_MAX 257
uint32_t run_length(struct mutator *m);
/* Fill a new operation's fields and payload in. */
void op_fresh(struct mutator *m, struct program *prog, struct op *op);
/* mutate_special.c: fields of an operation that mean more than their kind says. */
void special_fresh(struct mutator *m, struct op *op);
/* mutate_aim.c: a table that a descriptor names, and that published, well-formed or with
 * one mistake; where the target offers that.  And bytes of the configuration at its end:
 * false if it has none, or they are left as they are. */
bool aims_at_indirect(const struct mutator *m);
bool add_indirect(struct mutator *m, struct program *prog, uint32_t at);
/* The same of a chain, or a request, that the program has: its descriptors become a table. */
bool add_wrapped(struct mutator *m, struct program *prog, uint32_t at);
/* mutate_ring.c: of the program's first `start`. */
bool rings_are_packed(const struct program *prog);
/* Does the target offer that?  A list that is written into a packed ring entry by entry,
 * well-formed or with one mistake; chains, and what the driver wants to hear of them. */
bool aims_at_packed(const struct mutator *m);
bool aims_at_events(const struct mutator *m);
bool add_entries(struct mutator *m, struct program *prog, uint32_t at);
bool add_event(struct mutator *m, struct program *prog, uint32_t at);
bool add_wrap(struct mutator *m, struct program *prog);
bool add_flood(struct mutator *m, struct program *prog, uint32_t at);
/* A race's place and payload: the driver adds a chain to that queue while the device looks. */
bool race_index(struct mutator *m, struct program *prog, struct op *op, unsigned queue);
/* From the device's index on, and how far. */
uint64_t step_fresh(struct mutator *m);
bool config_fresh(struct mutator *m, uint64_t *offset, uint64_t *width);
/* A request to a network device, now and then for an address that filters know. */
void aim_frame(struct mutator *m, uint8_t *bytes, size_t len);
/* Buffers that suit a request to that queue. */
void elements_fresh(struct mutator *m, struct program *prog, struct op *op, unsigned queue);

/* mutate_field.c: a range that ends at 2^64, or passes it, behind a boundary. */
void range_over_top(struct mutator *m, struct op *op, unsigned addr, unsigned len);

/* mutate_ops.c: a queue that the driver drives, or not, if there is one. */
unsigned pick_queue(struct mutator *m, bool driven);
/* One or more operations from `at` on; false if there was no room: a chain, a request of the
 * target's, `start`, any operation, the status. */
bool add_chain(struct mutator *m, struct program *prog, uint32_t at, bool driven);
bool add_well_formed(struct mutator *m, struct program *prog, uint32_t at);
bool add_start(struct mutator *m, struct program *prog, uint32_t at);
bool add_any(struct mutator *m, struct program *prog, uint32_t at);
bool add_status(struct program *prog, uint32_t at, uint64_t value);
/* mutate_accept.c: what a driver does that accepts IN_ORDER, NOTIFICATION_DATA, RING_RESET or
 * SUSPEND; with its `start` where the program has none that does.  Any operation where the target
 * offers none of them. */
bool add_accepted(struct mutator *m, struct program *prog, uint32_t at);

/* mutate_snapshot.c: a snapshot and back; and fields of what alters one. */
bool add_snapshot(struct mutator *m, struct program *prog, uint32_t at);
void fresh_corrupt(struct mutator *m, struct op *op);
void fresh_alter(struct mutator *m, struct op *op);
void fresh_cut(struct mutator *m, struct op *op);

/* mutate_socket.c: packets of a connection or two, where the device has such. */
bool aims_at_sockets(const struct mutator *m);
bool add_dialogue(struct mutator *m, struct program *prog, uint32_t at);
/* mutate_disk.c: requests to a disk that belong together. */
bool aims_at_disk(const struct mutator *m);
bool add_disk(struct mutator *m, struct program *prog, uint32_t at);

/* Mutations: false where there is nothing of that kind to change. */
typedef bool mutation_fn(struct mutator *m, struct program *prog, const struct program *other);
/* mutate_ops.c */
mutation_fn mutate_insert, mutate_delete, mutate_duplicate, mutate_move, mutate_swap, mutate_splice,
	mutate_repeat;
/* mutate_field.c */
mutation_fn mutate_nudge, mutate_address, mutate_flags, mutate_payload, mutate_header;
/* mutate_whole.c */
mutation_fn mutate_fresh;

#endif
