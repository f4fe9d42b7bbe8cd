/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator from the outside: the generator, the choice of mutations, and
 * bytes in and out.  See mutate.h.
 */
#include "fuzzers/mutate_internal.h"

#include <stdio.h>
#include <string.h>

#define ADVANCE_KEPT_ONE_IN 256

/* How often a kind is chosen, out of the sum of them all. */
struct choice {
	const char *name;
	unsigned weight;
	mutation_fn *apply;
};

TABLE(static const struct choice, mutations, MUTATION_COUNT, 3,
	[MUTATE_INSERT] = { "insert", 24, mutate_insert },
	[MUTATE_DELETE] = { "delete", 8, mutate_delete },
	[MUTATE_DUPLICATE] = { "duplicate", 6, mutate_duplicate },
	[MUTATE_MOVE] = { "move", 5, mutate_move },
	[MUTATE_SWAP] = { "swap", 3, mutate_swap },
	[MUTATE_SPLICE] = { "splice", 6, mutate_splice },
	[MUTATE_NUDGE] = { "nudge", 20, mutate_nudge },
	[MUTATE_ADDRESS] = { "address", 9, mutate_address },
	[MUTATE_FLAGS] = { "flags", 6, mutate_flags },
	[MUTATE_PAYLOAD] = { "payload", 8, mutate_payload },
	[MUTATE_REPEAT] = { "repeat", 2, mutate_repeat },
	[MUTATE_HEADER] = { "header", 3, mutate_header },
	[MUTATE_FRESH] = { "fresh", 12, mutate_fresh });

/* How often `insert` takes each operation, out of the sum of them all. */
TABLE_SPARSE(static const uint8_t, weights, 256, OP_COUNT,
	     [OP_NOP] = 0,
	     [OP_START] = 2,
	     [OP_STATUS] = 4,
	     [OP_NEGOTIATE] = 2,
	     [OP_QUEUE] = 5,
	     [OP_READY] = 2,
	     [OP_NOTIFY] = 4,
	     [OP_TAKE] = 2,
	     [OP_ACK] = 1,
	     [OP_CONFIG_READ] = 2,
	     [OP_CONFIG_WRITE] = 2,
	     [OP_RESET] = 2,
	     [OP_RESET_QUEUE] = 3,
	     [OP_ADVANCE] = 0, /* takes as long as many programs: see add_wrap */
	     [OP_READ] = 3,
	     [OP_WRITE] = 5,
	     [OP_STORE] = 2,
	     [OP_FILL] = 2,
	     [OP_PATTERN] = 2,
	     [OP_UNMAP] = 5,
	     [OP_MAP] = 2,
	     [OP_BUFFER] = 6,
	     [OP_DESC] = 5,
	     [OP_SET_DESC] = 7,
	     [OP_CHAIN] = 3,
	     [OP_PUBLISH] = 5,
	     [OP_OFFER] = 8,
	     [OP_SEND] = 12,
	     [OP_CHAIN_REQUEST] = 2,
	     [OP_OFFER_REQUEST] = 4,
	     [OP_SEND_REQUEST] = 8,
	     [OP_AVAIL_IDX] = 4,
	     [OP_AVAIL_FLAGS] = 3,
	     [OP_AVAIL_ENTRY] = 3,
	     [OP_USED_EVENT] = 2,
	     [OP_PACKED_DESC] = 3,
	     [OP_PACKED_MOVE] = 2,
	     [OP_DRIVER_EVENT] = 2,
	     [OP_RACE] = 6,
	     [OP_RACE_WRITE] = 3,
	     [OP_FAULT_ACCESS] = 5,
	     [OP_FAULT_ALLOC] = 2,
	     [OP_DISARM] = 2,
	     [OP_EVENT_AT] = 3,
	     [OP_WORK] = 2,
	     [OP_SETTLE] = 1,
	     [OP_TYPE] = 6,
	     [OP_TAKE_OUTPUT] = 2,
	     [OP_PUT_BACK] = 2,
	     [OP_REFUSE] = 2,
	     [OP_HOLD] = 2,
	     [OP_PRETEND] = 2,
	     [OP_SET_NUM_PAGES] = 2,
	     [OP_SAVE] = 2,
	     [OP_RESTORE] = 2,
	     [OP_CORRUPT] = 2,
	     [OP_CUT] = 2,
	     [OP_ALTER] = 3,
	     [OP_CHANGE_CONFIG] = 2,
	     [OP_REPEAT] = 2);

/* xorshift64* */
uint64_t random_number(struct mutator *m)
{
	m->state ^= m->state >> 12;
	m->state ^= m->state << 25;
	m->state ^= m->state >> 27;
	return m->state * 0x2545f4914f6cdd1dULL;
}

uint32_t random_below(struct mutator *m, uint32_t n)
{
	return (uint32_t)((random_number(m) >> 32) * n >> 32);
}

bool random_chance(struct mutator *m, uint32_t n)
{
	return random_below(m, n) == 0;
}

/* Engines give seeds that differ in few bits: spread them (splitmix64). */
void mutator_seed(struct mutator *m, uint64_t seed)
{
	seed += 0x9e3779b97f4a7c15ULL;
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9ULL;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111ebULL;
	m->state = (seed ^ seed >> 31) | 1;
}

/* Operations that mean nothing to this device: a host's, where it gives the host
 * nothing to do. */
static bool is_idle(const struct mutator *m, uint8_t code)
{
	if (code == OP_TYPE || code == OP_TAKE_OUTPUT || code == OP_PUT_BACK)
		return m->port_count == 0;
	if (code >= OP_REFUSE && code <= OP_PRETEND)
		return !m->takes_orders;
	if ((code >= OP_SAVE && code <= OP_CUT) || code == OP_ALTER)
		return !m->has_snapshots;
	if (code >= OP_CHAIN_REQUEST && code <= OP_SEND_REQUEST)
		return !m->has_named_requests;
	if (code == OP_CHANGE_CONFIG)
		return !m->changes_config;
	if (code >= OP_PACKED_DESC && code <= OP_DRIVER_EVENT)
		return !aims_at_packed(m);
	return code == OP_SET_NUM_PAGES && !m->has_num_pages;
}

static void fill_bag(struct mutator *m)
{
	size_t count;
	const struct op_desc *ops = op_table(&count);

	for (size_t i = 0; i < count; i++) {
		unsigned weight = is_idle(m, ops[i].code) ? 0 : weights[ops[i].code];

		while (weight-- > 0 && m->bag_count < MUTATE_BAG_MAX)
			m->bag[m->bag_count++] = ops[i].code;
	}
}

void mutator_set_requests(struct mutator *m, const struct target_request *requests, unsigned count)
{
	m->request_count = count;
	m->requests = requests;
	for (unsigned i = 0; i < count; i++)
		m->has_named_requests = m->has_named_requests || requests[i].name != NULL;
	m->bag_count = 0;
	fill_bag(m);
}

void mutator_init(struct mutator *m, const char *target, uint64_t seed)
{
	const struct target *t = target_find(target);

	memset(m, 0, sizeof(*m));
	snprintf(m->target, sizeof(m->target), "%s", target);
	mutator_seed(m, seed);
	m->effort = 2;
	m->features = t != NULL ? t->features : ~0ULL;
	m->features_high = t != NULL ? t->features_high : 0;
	/* Of a device that is not known, as most are: queues both ways. */
	m->queue_count = t != NULL && t->queue_count > 0 ? t->queue_count : 2;
	if (m->queue_count > PROGRAM_QUEUES)
		m->queue_count = PROGRAM_QUEUES;
	if (t != NULL) {
		m->device_id = t->device_id;
		m->port_count = t->port_count;
		m->chain_max = t->chain_bytes_max;
		m->config_len = t->config_len;
		m->takes_orders = t->order != NULL;
		m->has_num_pages = t->has_num_pages;
		m->changes_config = t->changes_config;
		m->has_snapshots = t->restore != NULL;
		mutator_set_requests(m, t->requests, t->request_count);
	}
	if (t == NULL)
		fill_bag(m);
	for (unsigned i = 0; i < m->queue_count; i++)
		m->driven[i] = t != NULL ? t->queues[i].driver_initiated : i % 2 != 0;
}

static enum mutation choose(struct mutator *m)
{
	unsigned sum = 0, at;

	for (int i = 0; i < MUTATION_COUNT; i++)
		sum += mutations[i].weight;
	at = random_below(m, sum);
	for (int i = 0; i < MUTATION_COUNT; i++) {
		if (at < mutations[i].weight)
			return (enum mutation)i;
		at -= mutations[i].weight;
	}
	return MUTATE_INSERT;
}

enum mutation mutate_program(struct mutator *m, struct program *prog, const struct program *other)
{
	enum mutation kind = MUTATE_INSERT;

	/* Not everything can be done to a short program; a new operation fits
	 * nearly always, and out of a full one some can go. */
	for (int tries = 0; tries < 8; tries++) {
		kind = choose(m);
		if (mutations[kind].apply(m, prog, other))
			goto done;
	}
	kind = MUTATE_INSERT;
	if (!mutate_insert(m, prog, other)) {
		kind = MUTATE_DELETE;
		mutate_delete(m, prog, other);
	}
done:
	edit_settle(m, prog);
	m->counts[kind]++;
	return kind;
}

/* The most operations of the program, from the first on, that fit. */
static uint32_t ops_that_fit(struct program *prog, uint8_t *out, size_t max, bool magic)
{
	uint32_t fit = 0, all = prog->op_count, high = all;

	while (fit < high) {
		prog->op_count = fit + (high - fit + 1) / 2;
		if (binary_encode(prog, out, max, magic) >= 0)
			fit = prog->op_count;
		else
			high = prog->op_count - 1;
	}
	prog->op_count = all;
	return fit;
}

/* Encode in at most `max` bytes, leaving out what does not fit. */
static size_t encode(struct program *prog, uint8_t *out, size_t max, bool magic)
{
	long len = binary_encode(prog, out, max, magic);

	if (len >= 0)
		return (size_t)len;
	prog->op_count = ops_that_fit(prog, out, max, magic);
	/* A repeat that is cut shorter may be spelt longer. */
	for (;; prog->op_count--) {
		program_reduce(prog);
		len = binary_encode(prog, out, max, magic);
		if (len >= 0)
			return (size_t)len;
		if (prog->op_count == 0)
			break;
	}
	prog->features = prog->features_high = ~0ULL;
	memset(prog->queue_max, 0, sizeof(prog->queue_max));
	len = binary_encode(prog, out, max, magic);
	return len >= 0 ? (size_t)len : 0;
}

/* Decode into `prog`; `*magic`: with a front of its own. */
static bool decode(const struct mutator *m, struct program *prog, const uint8_t *data, size_t size,
		   bool *magic)
{
	unsigned version = 0;

	if (binary_decode(prog, data, size, m->target, &version) != 0)
		return false;
	*magic = version != 0;
	return true;
}

/* What `advance` was good for is found in its program, and in few that come of it: without
 * it they are as quick as others. */
static void leave_out_advance(struct mutator *m, struct program *prog)
{
	if (random_chance(m, ADVANCE_KEPT_ONE_IN))
		return;
	for (uint32_t i = prog->op_count; i-- > 0;)
		if (prog->ops[i].code == OP_ADVANCE)
			edit_cut(prog, i, 1);
}

size_t mutator_bytes(struct mutator *m, const uint8_t *data, size_t size, const uint8_t *other,
		     size_t other_size, uint8_t *out, size_t max)
{
	unsigned rounds = 1u << random_below(m, m->effort + 1);
	bool magic, spare, mate;

	m->applied_count = 0;
	if (!decode(m, &m->prog, data, size, &magic))
		return 0;
	leave_out_advance(m, &m->prog);
	mate = other_size > 0 && decode(m, &m->other, other, other_size, &spare);
	if (mate)
		leave_out_advance(m, &m->other);
	while (rounds-- > 0 && m->applied_count < MUTATE_ROUNDS_MAX)
		m->applied[m->applied_count++] =
			(uint8_t)mutate_program(m, &m->prog, mate ? &m->other : NULL);
	edit_shorten(m, &m->prog);
	return encode(&m->prog, out, max, magic);
}

size_t mutator_cross(struct mutator *m, const uint8_t *a, size_t a_size, const uint8_t *b,
		     size_t b_size, uint8_t *out, size_t max)
{
	uint32_t at, gone, first, count;
	bool magic, spare;

	m->applied_count = 0;
	if (!decode(m, &m->prog, a, a_size, &magic) || !decode(m, &m->other, b, b_size, &spare) ||
	    m->other.op_count == 0)
		return 0;
	leave_out_advance(m, &m->prog);
	leave_out_advance(m, &m->other);
	if (m->other.op_count == 0)
		return 0;
	at = random_below(m, m->prog.op_count + 1);
	gone = m->prog.op_count - at;
	first = random_below(m, m->other.op_count);
	count = m->other.op_count - first;
	/* The head of one and the tail of the other; or a piece of the other in
	 * the place of a piece of the one, or of nothing. */
	if (random_chance(m, 2)) {
		count = 1 + random_below(m, count);
		gone = random_chance(m, 2) ? 0 : random_below(m, gone + 1);
	}
	edit_cut(&m->prog, at, gone);
	edit_graft(m, &m->prog, at, &m->other, first, count);
	edit_shorten(m, &m->prog);
	return encode(&m->prog, out, max, magic);
}

size_t mutator_canonical(struct mutator *m, const uint8_t *data, size_t size, uint8_t *out,
			 size_t max)
{
	bool magic;

	return decode(m, &m->prog, data, size, &magic) ? encode(&m->prog, out, max, magic) : 0;
}

const char *mutation_name(enum mutation kind)
{
	return mutations[kind].name;
}

void mutator_describe(const struct mutator *m, char *text, size_t size)
{
	size_t len = 0;

	if (size > 0)
		text[0] = '\0';
	for (unsigned i = 0; i < m->applied_count && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i > 0 ? "+" : "",
					mutations[m->applied[i]].name);
}
