/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An honest driver's requests, as the target declares them (request_draft.h): buffers in memory
 * that nothing else uses, descriptors that are free (or, for a driver that is not so honest, from a
 * given head on), one buffer for each direction or pieces of them.  See requests.h.
 *
 * It does nothing where an honest driver could not send: the queue is not set up, its
 * ring or its descriptors are all in use, or a feature that the request needs was not
 * accepted.
 */
#include "harness/guest/request_draft.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* Do its buffers lie in the driver's own area? */
static bool is_own(const struct draft *d)
{
	uint32_t bytes = d->request->len + d->request->room;

	return d->area_len == d->table_len + bytes && d->at == d->area + d->table_len;
}

static bool from_host(const struct target_request *request)
{
	return request->before != NULL || request->after != NULL;
}

/* Has the device not returned some chains that nobody noted (requests_note.c)? */
static bool others_outstanding(struct guest *g)
{
	const struct requests *r = &g->requests;

	for (unsigned i = 0; i < PROGRAM_QUEUES && r->queues >> i != 0; i++)
		if (r->queue[i].untracked && guest_used_idx(g, i) != g->queues[i].avail_idx)
			return true;
	return false;
}

/* On how many queues has the driver sent what is no well-formed request? */
static unsigned count_mistaken(const struct requests *r)
{
	unsigned count = 0;

	for (unsigned i = 0; i < PROGRAM_QUEUES && r->queues >> i != 0; i++)
		count += r->queue[i].mistaken;
	return count;
}

/* May what becomes of the request that is about to go be held against the device?  One
 * that needs the host, or another queue, only if it is sent at once and nothing else is on
 * its way, or was sent that another queue may still give: no other chain can then take
 * what the host gives, and the host has nothing else to give. */
static bool may_judge(struct guest *g, const struct draft *d, bool at_once)
{
	const struct requests *r = &g->requests;
	uint32_t bytes = d->request->len + d->request->room;

	/* It may take another queue to answer it, that its driver reset and has not set up. */
	for (unsigned i = 0; i < PROGRAM_QUEUES && r->queues >> i != 0; i++)
		if (r->queue[i].renewed)
			return false;
	if (r->refused || !arena_has(&g->arena, d->at, bytes) ||
	    !arena_has(&g->arena, d->area, d->area_len))
		return false;
	if (!is_own(d) && others_outstanding(g))
		return false;
	if (!from_host(d->request))
		return true;
	return at_once && !r->nested && !r->host_touched && r->owed == 0 && r->sent_count == 0 &&
	       !others_outstanding(g) && count_mistaken(r) == r->queue[d->queue].mistaken;
}

/* By force what is in use may be written over, and the chain may go round. */
static bool writes_over(const struct guest *g, const struct draft *d)
{
	return d->head + d->descs > d->size || requests_uses(g, d->queue, d->head, d->descs);
}

static void note_sent(struct guest *g, const struct op *op, const struct draft *d, uint16_t head,
		      bool at_once)
{
	struct requests *r = &g->requests;
	struct request_queue *rq = &r->queue[d->queue];
	struct request_sent *s = &r->sent[r->sent_count];
	uint32_t bytes = d->request->len + d->request->room;
	bool altered = op->value[SEND_REQUEST_FLIP] != 0 && d->request->len > 0;
	bool shared = requests_write(r, d->at, bytes) || requests_write(r, d->area, d->area_len);
	bool crossed = requests_overlap(d->at, bytes, d->table, d->table_len);
	bool judged = may_judge(g, d, at_once) && !shared && !crossed;

	r->owed += from_host(d->request) && !r->nested;
	if (r->sent_count == REQUESTS_SENT_MAX) {
		requests_excuse(r);
		return;
	}
	if (altered)
		rq->mistaken = true;
	/* Whether it is judged must not depend on how fast the device is. */
	r->strayed = r->strayed || altered || d->forced || !is_own(d) || !judged;
	/* Buffers across its own table: the chain is whatever is there then. */
	if (crossed)
		requests_excuse(r);
	if (d->forced &&
	    (writes_over(g, d) || (requests_in_ring_order(g, d->queue) && d->head != rq->next)))
		requests_excuse(r);
	requests_touch(g, d->at, bytes);
	requests_touch(g, d->area, d->area_len);
	*s = (struct request_sent){
		.request = altered ? NULL : d->request,
		.at = d->at,
		.written = d->at + d->request->len,
		.written_len = d->request->room,
		.area = d->area,
		.area_len = d->area_len,
		.queue = (uint16_t)d->queue,
		.head = head,
		.first = (uint16_t)d->head,
		.count = (uint16_t)d->descs,
		.judged = judged,
		.content = !shared,
		.clean = count_mistaken(r) == 0,
		.nested = r->nested,
	};
	rq->offered += s->request != NULL && !r->nested;
	requests_add(g);
}

/* Chains that nobody noted: if the device has returned them all, their descriptors are
 * free; if not, there is no saying what the request meets. */
static void track(struct guest *g, unsigned queue)
{
	struct request_queue *rq = &g->requests.queue[queue];
	uint16_t used = guest_used_idx(g, queue);

	if (!rq->untracked)
		return;
	if (used != g->queues[queue].avail_idx)
		requests_excuse(&g->requests);
	rq->untracked = false;
	rq->seen = used;
}

/* The request that the operation means, its buffers and descriptors written; false if it
 * cannot be sent. */
static bool prepare(struct guest *g, const struct op *op, struct draft *d)
{
	unsigned queue = (unsigned)op->value[SEND_REQUEST_QUEUE];
	struct requests *r = &g->requests;

	*d = (struct draft){ .queue = queue };
	d->request = target_request(g->target, queue, (unsigned)op->value[SEND_REQUEST_WHICH]);
	if (d->request == NULL || !r->queue[queue].ready || g->queues[queue].size == 0 ||
	    !draft_accepts(g, d->request->features) ||
	    (d->request->features_off & (g->accepted | g->target->features_always)) != 0)
		return false;
	d->script = &r->scripts[d->request - g->target->requests];
	d->size = g->queues[queue].size;
	track(g, queue);
	if (r->queue[queue].outstanding >= d->size || !draft_plan(g, op, d)) {
		r->lacked_room = true;
		return false;
	}
	draft_place(g, op, d);
	return true;
}

/* Is the memory there that the operation writes, or a buffer takes?  What the program did to
 * it, and where it has its buffers, is not the device's affair. */
static bool has_memory(struct guest *g, const struct op *op)
{
	if (op->code == OP_STORE)
		return arena_has(&g->arena,
				 guest_addr(g, op->base[STORE_ADDR], op->value[STORE_ADDR]),
				 op->data_len);
	if (op->code == OP_BUFFER)
		return arena_has(&g->arena,
				 guest_addr(g, op->base[BUFFER_AT], op->value[BUFFER_AT]),
				 op->value[BUFFER_LEN]);
	if (op->code == OP_FILL || op->code == OP_PATTERN)
		return arena_has(&g->arena,
				 guest_addr(g, op->base[FILL_ADDR], op->value[FILL_ADDR]),
				 op->value[FILL_LEN]);
	return true;
}

/* A request's own operations.  They hold no request with operations of its own. */
static void run_script(struct guest *g, const struct program *prog)
{
	if (prog == NULL || g->requests.nested)
		return;
	g->requests.nested = true;
	for (uint32_t i = 0; i < prog->op_count; i++) {
		if (!has_memory(g, &prog->ops[i]))
			requests_doubt_host(&g->requests);
		guest_op(g, prog, &prog->ops[i]);
	}
	g->requests.nested = false;
}

/* With EVENT_IDX a driver that waits says for what: the next one that comes back. */
static void ask_for_event(struct guest *g, unsigned queue)
{
	const struct guest_queue *q = &g->queues[queue];

	/* On a packed ring it wants to hear of all, unless the program says otherwise. */
	if (!q->packed && draft_accepts(g, 1ull << VIRTIO_RING_F_EVENT_IDX))
		arena_store16(&g->arena,
			      q->ring[VIRTQUEUE_DRIVER] +
				      ring_at(&ring_split, GUEST_USED_EVENT, q->size, 0),
			      g->requests.queue[queue].seen);
}

/* The same, behind what the host does before the chain is made available. */
static bool prepare_served(struct guest *g, const struct op *op, struct draft *d)
{
	if (!prepare(g, op, d))
		return false;
	if (d->script->before == NULL || g->requests.nested)
		return true;
	g->requests.preparing = true;
	run_script(g, d->script->before);
	g->requests.preparing = false;
	/* It may have sent requests: what they left is free. */
	requests_look(g);
	if (prepare(g, op, d))
		return true;
	g->requests.owed++;
	return false;
}

void guest_chain_request(struct guest *g, const struct program *prog, const struct op *op)
{
	struct draft d;

	(void)prog;
	if (!prepare_served(g, op, &d))
		return;
	/* Published by hand, if at all. */
	g->requests.strayed = true;
	if (writes_over(g, &d))
		requests_excuse(&g->requests);
	requests_touch(g, d.at, d.request->len + d.request->room);
	requests_touch(g, d.area, d.area_len);
	draft_write_readable(g, op, &d);
	draft_spoil_answer(g, &d);
	draft_write_descs(g, &d);
}

static bool offer(struct guest *g, const struct op *op, bool at_once, struct draft *d)
{
	uint16_t head;

	if (!prepare_served(g, op, d))
		return false;
	head = draft_head(d);
	draft_write_readable(g, op, d);
	draft_spoil_answer(g, d);
	draft_write_descs(g, d);
	note_sent(g, op, d, head, at_once);
	ask_for_event(g, d->queue);
	guest_publish_head(g, d->queue, head);
	return true;
}

SAME_FIELD(CHAIN_REQUEST_QUEUE, SEND_REQUEST_QUEUE);
SAME_FIELD(CHAIN_REQUEST_FLIP, SEND_REQUEST_FLIP);
SAME_FIELD(OFFER_REQUEST_QUEUE, SEND_REQUEST_QUEUE);
SAME_FIELD(OFFER_REQUEST_FLIP, SEND_REQUEST_FLIP);

void requests_follow(struct guest *g, unsigned queue)
{
	struct requests *r = &g->requests;

	/* Their operations may send more, behind these. */
	for (unsigned i = 0; i < r->sent_count; i++) {
		struct request_sent *s = &r->sent[i];

		if (s->queue != queue || s->request == NULL || !s->told || s->followed)
			continue;
		s->followed = true;
		run_script(g, r->scripts[s->request - g->target->requests].after);
	}
}

void guest_offer_request(struct guest *g, const struct program *prog, const struct op *op)
{
	struct draft d;

	(void)prog;
	offer(g, op, false, &d);
}

void guest_send_request(struct guest *g, const struct program *prog, const struct op *op)
{
	struct draft d;

	(void)prog;
	if (!offer(g, op, true, &d))
		return;
	requests_tell(&g->requests, d.queue);
	g->transport->notify(g, d.queue, 0);
	requests_follow(g, d.queue);
	guest_settle(g);
}
