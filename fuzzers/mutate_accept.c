/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations that are aimed at what a driver may accept beside its rings (VIRTIO 6): chains that
 * come back in order, notifications that say more, the reset of one queue, suspension.  They do
 * what such a driver does, and something on the way.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_config.h>

#include "devices/virtio_1_4.h"

#define BATCH_MAX 5u
#define TRIES_MAX 16u

/* Of one move: where the next operation goes, and the queue that it is about. */
struct move {
	struct program *prog;
	uint32_t at;
	uint64_t queue;
};

typedef bool add_fn(struct mutator *m, struct program *prog, uint32_t at);

/* What that adds, and go on behind it. */
static bool put(struct mutator *m, struct move *move, add_fn *add)
{
	uint32_t count = move->prog->op_count;
	bool done = add(m, move->prog, move->at);

	move->at += move->prog->op_count - count;
	return done;
}

SAME_FIELD(SEND_QUEUE, SEND_REQUEST_QUEUE);

/* A chain for some queue, or for that of the move; told: the device hears of it. */
static bool put_chain(struct mutator *m, struct move *move, bool told, bool of_queue)
{
	uint32_t at = move->at;
	bool named = m->has_named_requests && random_chance(m, 2);
	bool driven = of_queue && move->queue < m->queue_count ? m->driven[move->queue]
							       : !random_chance(m, 4);
	struct op *op;

	if (named ? !put(m, move, add_well_formed) : !add_chain(m, move->prog, move->at++, driven))
		return false;
	op = &move->prog->ops[at];
	if (named)
		op->code = told ? OP_SEND_REQUEST : OP_OFFER_REQUEST;
	else
		op->code = told ? OP_SEND : OP_OFFER;
	if (of_queue)
		op->value[SEND_QUEUE] = move->queue;
	move->queue = op->value[SEND_QUEUE];
	return true;
}

static bool put_notify(struct mutator *m, struct move *move)
{
	struct op *op = edit_put(move->prog, &move->at, OP_NOTIFY);

	if (op == NULL)
		return false;
	op_fresh(m, move->prog, op);
	if (!random_chance(m, 4))
		op->value[NOTIFY_QUEUE] = move->queue;
	return true;
}

static bool put_status(struct move *move, uint64_t status)
{
	return add_status(move->prog, move->at++, status);
}

/* The host does something, where the device gives it anything to do; or it works on. */
static bool put_host(struct mutator *m, struct move *move)
{
	uint8_t code = OP_WORK;
	struct op *op;

	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		uint8_t any = m->bag[random_below(m, m->bag_count)];

		if (any == OP_CONFIG_WRITE || (any >= OP_TYPE && any <= OP_SET_NUM_PAGES) ||
		    any == OP_CHANGE_CONFIG) {
			code = any;
			break;
		}
	}
	op = edit_put(move->prog, &move->at, code);
	if (op != NULL)
		op_fresh(m, move->prog, op);
	return op != NULL;
}

/* While the queue, or all of them, stand still. */
static bool put_meanwhile(struct mutator *m, struct move *move)
{
	switch (random_below(m, 7)) {
	case 0:
		return put_notify(m, move);
	case 1:
		return put_chain(m, move, true, random_chance(m, 2));
	case 2:
		return m->has_snapshots ? put(m, move, add_snapshot) : put_host(m, move);
	case 3:
		return put(m, move, add_any);
	case 4:
		return put_host(m, move);
	default:
		return true;
	}
}

/* Set the queue up, of another size perhaps. */
static bool put_queue(struct mutator *m, struct move *move)
{
	struct op *op = edit_put(move->prog, &move->at, OP_QUEUE);

	if (op == NULL)
		return false;
	op_fresh(m, move->prog, op);
	op->value[QUEUE_QUEUE] = move->queue;
	op->value[QUEUE_SIZE] = random_chance(m, 3) ? 0 : 1u << random_below(m, 8);
	return true;
}

static bool put_reset_queue(struct move *move)
{
	struct op *op = edit_put(move->prog, &move->at, OP_RESET_QUEUE);

	if (op != NULL)
		op->value[RESET_QUEUE_QUEUE] = move->queue;
	return op != NULL;
}

/* A queue with a chain in it is reset and set up again, and what comes then is served there. */
static bool reset_queue(struct mutator *m, struct move *move)
{
	uint32_t chains = 1 + random_below(m, 3);

	if (!put_chain(m, move, !random_chance(m, 3), false))
		return false;
	while (--chains > 0)
		if (!put_chain(m, move, random_chance(m, 2), true))
			return false;
	if (random_chance(m, 4) && !put_host(m, move))
		return false;
	return put_reset_queue(move) && put_meanwhile(m, move) &&
	       (!random_chance(m, 8) || put_reset_queue(move)) && put_queue(m, move) &&
	       put_chain(m, move, true, true);
}

/* The device is suspended, perhaps with a chain that it holds, and resumed. */
static bool suspend(struct mutator *m, struct move *move)
{
	enum {
		RUNNING = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			  VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
	};
	uint32_t count = 1 + random_below(m, 2);

	move->queue = pick_queue(m, true);
	if (random_chance(m, 2) && !put_chain(m, move, random_chance(m, 2), false))
		return false;
	if (!put_status(move, RUNNING | VIRTIO_CONFIG_S_SUSPEND))
		return false;
	for (; count > 0; count--)
		if (!put_meanwhile(m, move))
			return false;
	return put_status(move, RUNNING | (random_chance(m, 8) ? 0 : VIRTIO_CONFIG_S_SUSPEND)) &&
	       (random_chance(m, 2) || put_chain(m, move, true, true));
}

/* Chains that the device finds together, in descriptors of their own, and something among them. */
static bool send_batch(struct mutator *m, struct move *move)
{
	uint32_t count = 2 + random_below(m, BATCH_MAX - 1), odd = random_below(m, 2 * BATCH_MAX);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = move->at;

		if (!put_chain(m, move, false, i > 0))
			return false;
		if (move->prog->ops[at].code == OP_OFFER)
			move->prog->ops[at].value[OFFER_HEAD] = 3 * (uint64_t)i;
		if (i == odd && !put(m, move, add_any))
			return false;
	}
	return put_notify(m, move);
}

/* A chain, and a notification that says where it is, or something else. */
static bool notify_with_data(struct mutator *m, struct move *move)
{
	return put_chain(m, move, random_chance(m, 4), false) && put_notify(m, move);
}

struct offer {
	uint8_t feature;
	uint16_t accept; /* enum accept_bit */
	bool (*add)(struct mutator *m, struct move *move);
};

static const struct offer offers[] = {
	{ VIRTIO_F_IN_ORDER, ACCEPT_IN_ORDER, send_batch },
	{ VIRTIO_F_NOTIFICATION_DATA, ACCEPT_NOTIFICATION_DATA, notify_with_data },
	{ VIRTIO_F_RING_RESET, ACCEPT_RING_RESET, reset_queue },
	{ VIRTIO_F_SUSPEND, ACCEPT_SUSPEND, suspend },
};

/* One that the target offers; NULL if it offers none. */
static const struct offer *pick_offer(struct mutator *m)
{
	unsigned at = random_below(m, ARRAY_SIZE(offers));

	for (unsigned i = 0; i < ARRAY_SIZE(offers); i++) {
		const struct offer *offer = &offers[(at + i) % ARRAY_SIZE(offers)];

		if ((m->features >> offer->feature & 1) != 0)
			return offer;
	}
	return NULL;
}

/* Does the driver at `at` accept that? */
static bool accepts(const struct program *prog, uint32_t at, uint16_t bit)
{
	while (at-- > 0)
		if (prog->ops[at].code == OP_START)
			return (prog->ops[at].value[START_ACCEPT] & bit) != 0;
	return false;
}

bool add_accepted(struct mutator *m, struct program *prog, uint32_t at)
{
	struct move move = { prog, at, 0 };
	const struct offer *offer = pick_offer(m);

	if (offer == NULL)
		return add_any(m, prog, at);
	/* Or what becomes of it where the driver did not. */
	if (!accepts(prog, at, offer->accept) && !random_chance(m, 8)) {
		if (!put(m, &move, add_start))
			return false;
		prog->ops[at].value[START_RUNG] = RUNG_DRIVER_OK;
		prog->ops[at].value[START_ACCEPT] |= offer->accept;
	}
	return offer->add(m, &move);
}
