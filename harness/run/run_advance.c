/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * `advance`: honest traffic until a queue's index is as wanted.
 *
 * Indices go round after 2^16 chains (VIRTIO 2.7.13.3), and no driver can bring a device there
 * but by sending so many.  So that is what happens, without an operation for each: chains are
 * made available, as many as there is room for, the device is notified, goes on until it has
 * nothing left to do, and is judged at rest, as after any operation.  None of it is traced.
 *
 * It gives up where the device does not return all of a batch: it waits for the host, or holds
 * its chains, or is not live.  It never sends more than there is room for, and nothing in a
 * descriptor that is in use but by chains that the program put there itself.
 */
#include "harness/run/run_internal.h"

#include <string.h>

/* Chains of one operation, and of all of a program: each is as much work as an operation. */
#define ADVANCE_CHAINS_MAX (1u << 16)
#define ADVANCE_PROGRAM_MAX (2 * ADVANCE_CHAINS_MAX)
/* Of one operation: a batch may be one chain, of large buffers. */
#define ADVANCE_BATCHES_MAX (1u << 14)
#define ADVANCE_BYTES_MAX (128ull << 20)

/* What is published, again and again. */
struct traffic {
	const struct program *prog;
	unsigned queue;
	struct op op;	 /* that publishes one of them */
	uint32_t descs;	 /* that one takes */
	bool one_by_one; /* the host has to do something for each */
};

SAME_FIELD(ADVANCE_QUEUE, OFFER_QUEUE);

/* False: there is nothing to send there. */
static bool begin_traffic(const struct guest *g, const struct op *op, struct traffic *t)
{
	const struct target_request *request;

	memset(&t->op, 0, sizeof(t->op));
	t->queue = (unsigned)op->value[ADVANCE_QUEUE];
	t->op.code = OP_OFFER;
	t->op.value[OFFER_QUEUE] = t->queue;
	t->op.data_off = op->data_off;
	t->op.data_len = op->data_len;
	t->descs = op->data_len;
	t->one_by_one = false;
	if (t->queue >= g->target->queue_count || g->queues[t->queue].size == 0)
		return false;
	if (op->data_len > 0)
		return true;
	request = target_request(g->target, t->queue, 0);
	if (request == NULL)
		return false;
	t->one_by_one = request->before != NULL || request->after != NULL;
	t->op.code = t->one_by_one ? OP_SEND_REQUEST : OP_OFFER_REQUEST;
	t->descs = requests_descs(request, &t->op);
	return t->descs > 0;
}

/* Chains that fit into the ring now. */
static uint32_t room_for(struct guest *g, const struct traffic *t)
{
	uint32_t size = g->queues[t->queue].size, out = guest_outstanding(g, t->queue);
	uint32_t room = out < size ? (size - out) / t->descs : 0;
	uint32_t told_apart = REQUESTS_SENT_MAX - g->requests.sent_count;

	if (t->op.code == OP_OFFER)
		return room;
	if (t->one_by_one)
		return room > 0;
	return room < told_apart ? room : told_apart;
}

/* At most `most` of them; how many. */
static uint32_t publish(struct run *run, struct traffic *t, uint32_t most)
{
	struct guest *g = &run->guest;
	struct guest_queue *q = &g->queues[t->queue];
	uint32_t count = room_for(g, t), first = 0;
	uint16_t before = q->avail_idx;

	if (count > most)
		count = most;
	if (requests_in_ring_order(g, t->queue))
		first = g->requests.queue[t->queue].next;
	for (uint32_t i = 0; i < count; i++) {
		if (t->op.code == OP_OFFER)
			t->op.value[OFFER_HEAD] = (first + i * t->descs) % q->size;
		guest_op(g, t->prog, &t->op);
	}
	return (uint16_t)(q->avail_idx - before);
}

/* The device serves what there is: did it return any? */
static bool serve(struct run *run, const struct traffic *t)
{
	struct guest *g = &run->guest;
	struct guest_queue *q = &g->queues[t->queue];
	struct op notify = { .code = OP_NOTIFY };

	notify.value[NOTIFY_QUEUE] = t->queue;
	if (!t->one_by_one)
		guest_op(g, t->prog, &notify);
	guest_settle(g);
	run_rest(run);
	if (q->used_idx == guest_used_idx(g, t->queue))
		return false;
	q->used_idx = guest_used_idx(g, t->queue);
	return true;
}

void run_op_advance(struct run *run, const struct program *prog, const struct op *op)
{
	struct guest *g = &run->guest;
	const struct trace *trace = g->trace;
	struct traffic t = { .prog = prog };
	uint64_t bytes = run->bytes + ADVANCE_BYTES_MAX;
	uint32_t left, batches = 0, held;

	/* Not one that only sends requests and waits, which can be compared with another. */
	g->requests.strayed = true;
	if (!begin_traffic(g, op, &t))
		return;
	left = (uint16_t)(op->value[ADVANCE_INDEX] - g->queues[t.queue].avail_idx);
	if (left > ADVANCE_PROGRAM_MAX - run->advanced)
		left = ADVANCE_PROGRAM_MAX - run->advanced;
	held = guest_outstanding(g, t.queue);
	g->trace = g->arena.trace = g->heap.trace = NULL;
	while (left > 0 && !g->ledger.stop && batches++ < ADVANCE_BATCHES_MAX &&
	       run->bytes < bytes) {
		uint32_t count = publish(run, &t, left);

		/* A request that comes with another of its own queue publishes more. */
		count = count < left ? count : left;
		left -= count;
		run->advanced += count;
		if (count == 0 || !serve(run, &t))
			break;
		/* Its heads are used again by the next batch. */
		if (t.op.code == OP_OFFER && guest_outstanding(g, t.queue) > held)
			break;
	}
	g->trace = g->arena.trace = g->heap.trace = trace;
}
