/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations of the list of operations.  See mutate.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define REGISTER_LEN 4u
#define WRAP_ONE_IN 32768u
#define MESSAGE_MAX 512u /* bytes of a request that are sent from a buffer slot */

/* The status as a driver writes it, step by step. */
enum {
	ACKNOWLEDGE = VIRTIO_CONFIG_S_ACKNOWLEDGE,
	DRIVER = ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
	FEATURES_OK = DRIVER | VIRTIO_CONFIG_S_FEATURES_OK,
	DRIVER_OK = FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
};

/* A run of the program's operations, mostly short. */
static bool pick_run(struct mutator *m, const struct program *prog, uint32_t *first,
		     uint32_t *count)
{
	uint32_t most;

	if (prog->op_count == 0)
		return false;
	*first = random_below(m, prog->op_count);
	most = prog->op_count - *first;
	if (!random_chance(m, 8) && most > 4)
		most = 4;
	*count = random_chance(m, 2) ? 1 : 1 + random_below(m, most);
	return true;
}

unsigned pick_queue(struct mutator *m, bool driven)
{
	unsigned at = random_below(m, m->queue_count);

	for (unsigned i = 0; i < m->queue_count; i++)
		if (m->driven[(at + i) % m->queue_count] == driven)
			return (at + i) % m->queue_count;
	return at;
}

/* A chain for a queue: offered where the device comes for it, sent where it
 * waits to be told.  Heads are far enough apart for both to be in flight. */
bool add_chain(struct mutator *m, struct program *prog, uint32_t at, bool driven)
{
	struct op *op = edit_add(prog, at, driven ? OP_SEND : OP_OFFER);

	if (op == NULL)
		return false;
	op->value[OFFER_QUEUE] = pick_queue(m, driven);
	op->value[OFFER_HEAD] = random_chance(m, 2) ? 0 : random_below(m, 8);
	elements_fresh(m, prog, op, (unsigned)op->value[OFFER_QUEUE]);
	return true;
}

/* One that a device must answer, divided and laid out in some way; or nearly one. */
bool add_well_formed(struct mutator *m, struct program *prog, uint32_t at)
{
	static const uint16_t splits[] = { 1, 2, 3, 4, 7, 8, 12, 16, 24, 40, 64, 512 };
	const struct target_request *request = &m->requests[random_below(m, m->request_count)];
	struct op *op = edit_add(prog, at,
				 random_chance(m, 4)   ? OP_OFFER_REQUEST
				 : random_chance(m, 8) ? OP_CHAIN_REQUEST
						       : OP_SEND_REQUEST);

	if (op == NULL)
		return false;
	op->value[SEND_REQUEST_QUEUE] = request->queue;
	op->value[SEND_REQUEST_WHICH] = random_below(m, m->request_count);
	if (random_chance(m, 2))
		op->value[SEND_REQUEST_SPLIT] = splits[random_below(m, ARRAY_SIZE(splits))];
	if (random_chance(m, 3))
		op->value[SEND_REQUEST_LAYOUT] = random_below(m, LAYOUT_COUNT);
	if (random_chance(m, 6)) {
		op->value[SEND_REQUEST_FLIP_AT] = random_below(m, 64);
		op->value[SEND_REQUEST_FLIP] = 1u << random_below(m, 8);
	}
	if (random_chance(m, 12)) {
		op->base[SEND_REQUEST_AT] = (uint8_t)(BASE_LOW + random_below(m, 3));
		op->value[SEND_REQUEST_AT] = op->base[SEND_REQUEST_AT] == BASE_LOW
						     ? 0x20000
						     : 0 - (uint64_t)random_below(m, 64);
	}
	return true;
}

/* Words that the device knows, sent where it listens for them; in descriptors of
 * their own, since several may be in flight. */
static bool add_request(struct mutator *m, struct program *prog, uint32_t at)
{
	const struct target_request *request = &m->requests[random_below(m, m->request_count)];
	uint8_t slot = (uint8_t)random_below(m, 4), bytes[MESSAGE_MAX];
	uint16_t len = request->len < MESSAGE_MAX ? request->len : MESSAGE_MAX;
	struct op *op;

	if (len == 0) /* there is nothing to say, but to give room */
		return add_well_formed(m, prog, at);
	op = edit_add(prog, at, OP_STORE);
	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = BASE_SLOT + slot;
	memcpy(bytes, request->bytes, len);
	aim_frame(m, bytes, len);
	/* Nearly what it should be: the parser comes as far as what is wrong. */
	if (random_chance(m, 3)) {
		uint8_t *byte = &bytes[random_below(m, len)];

		*byte ^= (uint8_t)(random_chance(m, 2) ? 1u << random_below(m, 8)
						       : 1 + random_below(m, 255));
	}
	if (!edit_payload(m, prog, op, bytes, len))
		return false;
	op = edit_add(prog, at + 1, random_chance(m, 4) ? OP_OFFER : OP_SEND);
	if (op == NULL)
		return false;
	op->value[OFFER_QUEUE] = request->queue;
	op->value[OFFER_HEAD] = random_chance(m, 2) ? 0 : random_below(m, 8);
	return edit_payload(m, prog, op, &slot, 1);
}

static bool add_exchange(struct mutator *m, struct program *prog, uint32_t at)
{
	return add_chain(m, prog, at, false) && add_chain(m, prog, at + 1, true);
}

bool add_start(struct mutator *m, struct program *prog, uint32_t at)
{
	static const uint16_t sizes[] = { 1, 2, 2, 4, 4, 4, 8, 8, 16, 64, 0, 256, 3 };
	struct op *op = edit_add(prog, at, OP_START);

	if (op == NULL)
		return false;
	op->value[START_RUNG] = value_fresh(m, FIELD_RUNG);
	op->value[START_SIZE] = sizes[random_below(m, ARRAY_SIZE(sizes))];
	op->value[START_FEATURES] = random_chance(m, 6) ? value_fresh(m, FIELD_FEATURES) : 0;
	if (aims_at_packed(m) && random_chance(m, 3))
		op->value[START_RING] = RING_FORMAT_PACKED;
	if (random_chance(m, 6))
		op->value[START_ACCEPT] = value_fresh(m, FIELD_ACCEPT);
	return true;
}

bool add_any(struct mutator *m, struct program *prog, uint32_t at)
{
	struct op *op = edit_add(prog, at, m->bag[random_below(m, m->bag_count)]);

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	return true;
}

bool add_status(struct program *prog, uint32_t at, uint64_t value)
{
	struct op *op = edit_add(prog, at, OP_STATUS);

	if (op != NULL)
		op->value[STATUS_VALUE] = value;
	return op != NULL;
}

/* Initialisation up to some rung, and the next step of it.  In between, perhaps:
 * features, anything that does not belong there, or a bit of the status that
 * does not, and is carried on. */
static bool add_steps(struct mutator *m, struct program *prog, uint32_t at)
{
	TABLE(static const uint8_t, status, RUNG_COUNT + 1, 1,
	      [RUNG_RESET] = 0,
	      [RUNG_ACKNOWLEDGE] = ACKNOWLEDGE,
	      [RUNG_DRIVER] = DRIVER,
	      [RUNG_FEATURES] = DRIVER,
	      [RUNG_FEATURES_OK] = FEATURES_OK,
	      [RUNG_QUEUES] = FEATURES_OK,
	      [RUNG_DRIVER_OK] = DRIVER_OK,
	      [RUNG_COUNT] = DRIVER_OK);
	uint32_t rung = random_below(m, RUNG_COUNT), next = rung + 1;
	uint64_t stray = 0;
	struct op *op;

	while (next < RUNG_COUNT && status[next] == status[rung])
		next++;
	if (!add_start(m, prog, at))
		return false;
	prog->ops[at++].value[START_RUNG] = rung;
	switch (random_below(m, 4)) {
	case 0:
		op = edit_add(prog, at++, OP_NEGOTIATE);
		if (op == NULL)
			return false;
		op_fresh(m, prog, op);
		break;
	case 1:
		stray = 1ULL << random_below(m, 8);
		if (!add_status(prog, at++, status[rung] | stray))
			return false;
		break;
	case 2:
		if (!add_any(m, prog, at++))
			return false;
		break;
	default:
		break;
	}
	return add_status(prog, at, status[next] | stray);
}

/* What the driver wrote before the device looked it writes while the device looks, and before
 * that nearly the same: a value that matters arrives between two looks at it. */
static bool add_late_store(struct mutator *m, struct program *prog)
{
	static const uint8_t reads[] = { 2, 2, 2, 1, 3, 4 };
	uint32_t at = prog->op_count > 0 ? random_below(m, prog->op_count) : 0, skip;
	uint8_t bytes[OP_BYTES_MAX];
	struct op store, *op;

	for (uint32_t i = 0; i < prog->op_count && prog->ops[at].code != OP_STORE; i++)
		at = (at + 1) % prog->op_count;
	if (at >= prog->op_count || prog->ops[at].code != OP_STORE || prog->ops[at].data_len == 0)
		return false;
	store = prog->ops[at++];
	memcpy(bytes, prog->data + store.data_off, store.data_len);
	/* All of it, or what comes behind a header. */
	skip = random_chance(m, 3) ? 0 : (uint32_t)value_boundary(m);
	if (skip >= store.data_len)
		skip = random_below(m, store.data_len);
	op = edit_put(prog, &at, OP_RACE);
	if (op == NULL)
		return false;
	op->value[RACE_READ] = PICK(m, reads);
	op->base[RACE_ADDR] = store.base[STORE_ADDR];
	op->value[RACE_ADDR] = store.value[STORE_ADDR] + skip;
	if (!edit_payload(m, prog, op, bytes + skip, store.data_len - skip))
		return false;
	op = edit_add(prog, at, OP_STORE);
	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = store.base[STORE_ADDR];
	op->value[STORE_ADDR] = store.value[STORE_ADDR] + skip;
	bytes[skip] ^= (uint8_t)(1u << random_below(m, 8));
	return edit_payload(m, prog, op, bytes + skip, 1);
}

/* Something that waits for the device, and what makes the device run into it. */
static bool add_trap(struct mutator *m, struct program *prog, uint32_t at)
{
	static const uint8_t traps[] = { OP_RACE,	  OP_RACE,	   OP_RACE_WRITE,
					 OP_FAULT_ACCESS, OP_FAULT_ACCESS, OP_UNMAP,
					 OP_SET_DESC,	  OP_FAULT_ALLOC,  OP_AVAIL_FLAGS,
					 OP_USED_EVENT,	  OP_EVENT_AT,	   OP_DRIVER_EVENT };
	struct op *op = edit_add(prog, at, traps[random_below(m, ARRAY_SIZE(traps))]);

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	if (!add_chain(m, prog, at + 1, true))
		return false;
	op = &prog->ops[at];
	if ((op->code != OP_RACE && op->code != OP_RACE_WRITE) || random_chance(m, 2))
		return true;
	if (!race_index(m, prog, op, (unsigned)prog->ops[at + 1].value[OFFER_QUEUE]))
		return false;
	/* Or it is a reset that finds the chain there. */
	if (!random_chance(m, 8))
		return true;
	prog->ops[at + 1].code = OP_OFFER;
	return edit_add(prog, at + 2, OP_RESET) != NULL;
}

/* A buffer of a size or in a place of its own, and a chain that uses it. */
static bool add_misfit(struct mutator *m, struct program *prog, uint32_t at)
{
	struct op *op = edit_add(prog, at, OP_BUFFER);
	bool driven = random_chance(m, 2);
	uint8_t element;

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	if (random_chance(m, 2)) { /* memory that is there and large enough */
		op->base[BUFFER_AT] = BASE_LOW;
		op->value[BUFFER_AT] = 0x20000;
	}
	element = (uint8_t)(op->value[BUFFER_SLOT] | (driven ? 0 : ELEMENT_WRITE));
	if (!add_chain(m, prog, at + 1, driven))
		return false;
	op = &prog->ops[at + 1];
	if (!random_chance(m, 4))
		edit_payload(m, prog, op, &element, 1);
	return driven || add_chain(m, prog, at + 2, true);
}

/* A request in a buffer that passes the end of memory, whose first bytes are as long as
 * a device's header may be: what it does with an address behind them shows. */
static bool add_over_top(struct mutator *m, struct program *prog, uint32_t at)
{
	bool driven = m->request_count > 0 || random_chance(m, 2);
	struct op *op;
	uint8_t slot;

	/* The bytes that it needs, in a slot that moves first. */
	if (m->request_count > 0 && !random_chance(m, 4)) {
		if (!add_request(m, prog, at))
			return false;
		if (prog->ops[at].code != OP_STORE)
			return true;
		slot = prog->ops[at].base[STORE_ADDR] - BASE_SLOT;
	} else {
		if (!add_chain(m, prog, at, driven) ||
		    (!driven && !add_chain(m, prog, at + 1, true)))
			return false;
		op = &prog->ops[at];
		if (op->data_len == 0) /* there was no room */
			return true;
		slot = prog->data[op->data_off + random_below(m, op->data_len)] & ELEMENT_SLOT;
	}
	op = edit_add(prog, at, OP_BUFFER);
	if (op == NULL)
		return false;
	op->value[BUFFER_SLOT] = slot;
	range_over_top(m, op, BUFFER_AT, BUFFER_LEN);
	return true;
}

/* A number that there may be or not, and a register that shows it.  Devices that look at
 * a part of the number show another. */
static bool add_selection(struct mutator *m, struct program *prog, uint32_t at)
{
	static const struct {
		uint16_t selector, shows, count;
	} kinds[] = {
		{ VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DEVICE_FEATURES, 1 },
		{ VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_QUEUE_NUM_MAX, 1 },
		{ VIRTIO_MMIO_SHM_SEL, VIRTIO_MMIO_SHM_LEN_LOW, 4 },
	};
	unsigned kind = random_below(m, ARRAY_SIZE(kinds));
	struct op *op = edit_add(prog, at, OP_WRITE);

	if (op == NULL)
		return false;
	op->value[WRITE_REGISTER] = kinds[kind].selector;
	op->value[WRITE_VALUE] = random_below(m, 4);
	if (random_chance(m, 2))
		op->value[WRITE_VALUE] |= 1ULL << random_below(m, 32);
	op->value[WRITE_WIDTH] = REGISTER_LEN;
	op = edit_add(prog, at + 1, OP_READ);
	if (op == NULL)
		return false;
	op->value[READ_REGISTER] =
		kinds[kind].shows + REGISTER_LEN * random_below(m, kinds[kind].count);
	op->value[READ_WIDTH] = REGISTER_LEN;
	return true;
}

/* Has the driver anything to be served with? */
static bool has_request(const struct program *prog)
{
	for (uint32_t i = 0; i < prog->op_count; i++)
		if (prog->ops[i].code == OP_SEND || prog->ops[i].code == OP_NOTIFY ||
		    prog->ops[i].code == OP_SEND_REQUEST)
			return true;
	return false;
}

bool mutate_insert(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t at = random_below(m, prog->op_count + 1), what = random_below(m, 16);

	(void)other;
	/* There is little to find in a device that is not started, or has nothing
	 * to do. */
	if (prog->op_count == 0 || (prog->ops[0].code != OP_START && random_chance(m, 4)))
		return add_start(m, prog, 0);
	if (random_chance(m, WRAP_ONE_IN))
		return add_wrap(m, prog);
	if (random_chance(m, 3))
		at = prog->op_count;
	if (aims_at_sockets(m) && random_chance(m, 3))
		return add_dialogue(m, prog, at);
	if (aims_at_disk(m) && random_chance(m, 3))
		return add_disk(m, prog, at);
	if (m->has_named_requests && random_chance(m, 5))
		return add_well_formed(m, prog, at);
	if (random_chance(m, 128))
		return add_flood(m, prog, at);
	if (m->has_snapshots && random_chance(m, 24))
		return add_snapshot(m, prog, at);
	if (m->request_count > 0 && random_chance(m, 3))
		return add_request(m, prog, at);
	if (aims_at_indirect(m) && random_chance(m, 8))
		return random_chance(m, 2) ? add_indirect(m, prog, at) : add_wrapped(m, prog, at);
	if (rings_are_packed(prog) && random_chance(m, 6))
		return add_entries(m, prog, at);
	if ((aims_at_events(m) || rings_are_packed(prog)) && random_chance(m, 10))
		return add_event(m, prog, at);
	if (what < 3 || (what < 8 && !has_request(prog)))
		return add_exchange(m, prog, at);
	if (what < 5)
		return (random_chance(m, 4) && add_late_store(m, prog)) || add_trap(m, prog, at);
	if (what < 6)
		return add_misfit(m, prog, at);
	if (what < 7)
		return random_chance(m, 2) ? add_start(m, prog, at) : add_steps(m, prog, at);
	if (what < 8 && m->has_snapshots)
		return add_snapshot(m, prog, at);
	if (what < 9 && random_chance(m, 2))
		return add_over_top(m, prog, at);
	if (what < 9 && random_chance(m, 4))
		return add_selection(m, prog, at);
	if (what < 10)
		return add_accepted(m, prog, at);
	return add_any(m, prog, at);
}

bool mutate_delete(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t first, count;

	(void)other;
	if (!pick_run(m, prog, &first, &count))
		return false;
	edit_cut(prog, first, count);
	return true;
}

bool mutate_duplicate(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t first, count;

	(void)other;
	return pick_run(m, prog, &first, &count) && edit_copy(prog, first + count, first, count);
}

bool mutate_move(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t first, count, at;

	(void)other;
	if (!pick_run(m, prog, &first, &count) || count == prog->op_count)
		return false;
	/* To a place that is neither in it nor right before or behind it. */
	at = random_below(m, prog->op_count - count);
	if (at >= first)
		at += count + 1;
	if (!edit_copy(prog, at, first, count))
		return false;
	edit_cut(prog, at <= first ? first + count : first, count);
	return true;
}

bool mutate_swap(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t a, b;
	struct op kept;

	(void)other;
	if (prog->op_count < 2)
		return false;
	a = random_below(m, prog->op_count);
	b = random_chance(m, 2) ? (a + 1) % prog->op_count : random_below(m, prog->op_count);
	if (a == b)
		return false;
	kept = prog->ops[a];
	prog->ops[a] = prog->ops[b];
	prog->ops[b] = kept;
	return true;
}

bool mutate_splice(struct mutator *m, struct program *prog, const struct program *other)
{
	uint32_t first, count, at = random_below(m, prog->op_count + 1);

	if (other == NULL || other->op_count == 0) {
		if (!pick_run(m, prog, &first, &count))
			return false;
		if (at > first && at < first + count)
			at = first + count;
		return edit_copy(prog, at, first, count);
	}
	if (!pick_run(m, other, &first, &count))
		return false;
	/* Its tail is a way of going on. */
	if (random_chance(m, 4)) {
		count = other->op_count - first;
		edit_cut(prog, at, prog->op_count - at);
	}
	return edit_graft(m, prog, at, other, first, count);
}

bool mutate_repeat(struct mutator *m, struct program *prog, const struct program *other)
{
	static const uint16_t times[] = { 2, 2, 3, 4, 5, 8, 9, 16, 17, 64, 128, 255, 256 };
	uint16_t value = times[random_below(m, ARRAY_SIZE(times))];
	uint32_t first, count;
	struct op *op;

	(void)other;
	if (!pick_run(m, prog, &first, &count))
		return false;
	for (uint32_t i = 0; i < prog->op_count && random_chance(m, 2); i++) {
		op = &prog->ops[(first + i) % prog->op_count];
		if (op->code == OP_REPEAT && op->value[REPEAT_TIMES] != value) {
			op->value[REPEAT_TIMES] = value;
			return true;
		}
	}
	op = edit_add(prog, first, OP_REPEAT);
	if (op == NULL)
		return false;
	op->value[REPEAT_TIMES] = value;
	op->data_len = (uint16_t)count;
	return true;
}
