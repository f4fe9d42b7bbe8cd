/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An honest driver's requests, as the target declares them: buffers in memory that
 * nothing else uses, descriptors that are free (or, for a driver that is not so honest,
 * from a given head on), one buffer for each direction or pieces of them.  See
 * requests.h.
 *
 * It does nothing where an honest driver could not send: the queue is not set up, its
 * ring or its descriptors are all in use, or a feature that the request needs was not
 * accepted.
 */
#include "devices/table.h"
#include "harness/guest/guest_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define NO_HEAD UINT32_MAX

/* A request, ready to be written. */
struct draft {
	const struct target_request *request;
	const struct request_script *script;
	unsigned queue;
	uint32_t size;	    /* of the queue */
	uint32_t pieces[2]; /* readable, writable */
	uint32_t piece_len; /* bytes of each but the last; 0: there is one of each kind */
	uint32_t descs;	    /* in the queue's table */
	enum request_layout layout;
	bool forced; /* the operation says which descriptors */
	uint32_t head;
	uint64_t at, table; /* buffers; an indirect table */
	uint64_t area;
	uint32_t area_len, table_len;
};

static uint32_t count_pieces(uint32_t len, uint32_t piece_len, uint32_t most)
{
	uint32_t count = len == 0 ? 0 : piece_len == 0 ? 1 : (len + piece_len - 1) / piece_len;

	return count < most ? count : most;
}

static unsigned pieces_of(const struct target_request *request, uint32_t piece_len, uint32_t most,
			  uint32_t pieces[2])
{
	bool both = request->len > 0 && request->room > 0;
	uint32_t of_each = both && most > 1 ? most / 2 : most;

	if (request->buffers_max != 0 && request->buffers_max < of_each)
		of_each = request->buffers_max;
	pieces[0] = count_pieces(request->len, piece_len, of_each);
	pieces[1] = count_pieces(request->room, piece_len, of_each);
	return pieces[0] + pieces[1];
}

/* How many of the pieces have descriptors in the queue's table; the others have a table of
 * their own. */
static uint32_t direct_of(enum request_layout layout, uint32_t pieces)
{
	TABLE(static const uint8_t, part, LAYOUT_COUNT, 1,
	      [LAYOUT_DIRECT] = 1,
	      [LAYOUT_REVERSED] = 1,
	      [LAYOUT_INDIRECT] = 0,
	      [LAYOUT_MIXED] = 2);

	return part[layout] != 0 ? pieces / part[layout] : 0;
}

/* Descriptors in the queue's table. */
static uint32_t descs_of(enum request_layout layout, uint32_t pieces)
{
	uint32_t direct = direct_of(layout, pieces);

	return direct < pieces ? direct + 1 : pieces;
}

unsigned requests_descs(const struct target_request *request, const struct op *op)
{
	uint32_t pieces[2];
	unsigned count = pieces_of(request, (uint32_t)op->value[SEND_REQUEST_SPLIT],
				   REQUESTS_PIECES_MAX, pieces);

	return descs_of((enum request_layout)op->value[SEND_REQUEST_LAYOUT], count);
}

/* The first free descriptors in a row, that many; NO_HEAD: there are none.  In ring order
 * there is no choice. */
static uint32_t find_free(const struct guest *g, unsigned queue, uint32_t size, uint32_t count)
{
	const struct request_queue *rq = &g->requests.queue[queue];
	uint32_t run = 0;

	if (requests_in_ring_order(g, queue))
		return count <= size && !requests_uses(g, queue, rq->next, count) ? rq->next
										  : NO_HEAD;
	if (size > REQUESTS_DESCS_MAX)
		size = REQUESTS_DESCS_MAX;
	for (uint32_t d = 0; d < size; d++) {
		run = (rq->used[d / 64] >> d % 64 & 1) != 0 ? 0 : run + 1;
		if (run == count)
			return d + 1 - count;
	}
	return NO_HEAD;
}

static bool accepted(const struct guest *g, uint64_t features)
{
	return (features & ~g->accepted) == 0;
}

/* Another of the legal ways: in halves what was whole, and the other way round. */
static void redivide(struct draft *d)
{
	uint32_t longest = d->request->len > d->request->room ? d->request->len : d->request->room;

	d->piece_len = d->piece_len == 0 ? (longest + 1) / 2 : 0;
	if (d->layout != LAYOUT_INDIRECT)
		d->layout = d->layout == LAYOUT_DIRECT ? LAYOUT_REVERSED : LAYOUT_DIRECT;
}

/* Divide it into buffers and choose their descriptors. */
static bool plan(struct guest *g, const struct op *op, struct draft *d)
{
	struct requests *r = &g->requests;
	uint32_t most = d->size < REQUESTS_PIECES_MAX ? d->size : REQUESTS_PIECES_MAX;
	uint32_t wanted[2], count;

	d->piece_len = (uint32_t)op->value[SEND_REQUEST_SPLIT];
	d->layout = (enum request_layout)op->value[SEND_REQUEST_LAYOUT];
	if (r->redivided)
		redivide(d);
	if (direct_of(d->layout, 1) == 0 && !accepted(g, 1ull << VIRTIO_RING_F_INDIRECT_DESC))
		d->layout = LAYOUT_DIRECT;
	if (d->layout == LAYOUT_REVERSED && requests_in_ring_order(g, d->queue))
		d->layout = LAYOUT_DIRECT;
	/* A list of a packed ring has a table or descriptors, not both (2.8.19). */
	if (d->layout == LAYOUT_MIXED && g->queues[d->queue].packed)
		d->layout = LAYOUT_INDIRECT;
	count = pieces_of(d->request, d->piece_len, most, d->pieces);
	d->forced = op->value[SEND_REQUEST_HEAD] != 0;
	/* Fewer and larger pieces, rather than none. */
	for (;;) {
		d->descs = descs_of(d->layout, count);
		d->head = d->forced ? (uint32_t)op->value[SEND_REQUEST_HEAD] % d->size
				    : find_free(g, d->queue, d->size, d->descs);
		/* No chain is longer than the queue, and no table (drv.split.indirect.3). */
		if (d->head != NO_HEAD && count <= d->size)
			break;
		if (d->pieces[0] <= 1 && d->pieces[1] <= 1) {
			r->lacked_room = true;
			return false;
		}
		d->pieces[0] = (d->pieces[0] + 1) / 2;
		d->pieces[1] = (d->pieces[1] + 1) / 2;
		count = d->pieces[0] + d->pieces[1];
	}
	pieces_of(d->request, d->piece_len, REQUESTS_PIECES_MAX, wanted);
	if (wanted[0] != d->pieces[0] || wanted[1] != d->pieces[1])
		r->lacked_room = true;
	return true;
}

/* Where buffers and table lie. */
static void place(struct guest *g, const struct op *op, struct draft *d)
{
	struct requests *r = &g->requests;
	uint64_t at = guest_addr(g, op->base[SEND_REQUEST_AT], op->value[SEND_REQUEST_AT]);
	bool own = op->base[SEND_REQUEST_AT] == BASE_ABSOLUTE && op->value[SEND_REQUEST_AT] == 0;
	bool last = op->base[SEND_REQUEST_AT] == BASE_TOP && op->value[SEND_REQUEST_AT] == 0;
	uint32_t pieces = d->pieces[0] + d->pieces[1];
	uint32_t table =
		(pieces - direct_of(d->layout, pieces)) * (uint32_t)sizeof(struct vring_desc);

	d->table_len = table;
	d->area_len = table + (own ? d->request->len + d->request->room : 0);
	if (d->area_len > ARENA_REQUESTS_SIZE - r->area_at)
		r->area_at = 0;
	d->area = g->arena.requests + r->area_at;
	/* Tables, and so all of it, are aligned to 16. */
	r->area_at += (d->area_len + 15) & ~15u;
	d->table = d->area;
	/* At the end of memory: it ends there. */
	d->at = own ? d->area + table : last ? at - d->request->len - d->request->room : at;
}

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

static uint32_t piece_end(uint32_t len, uint32_t piece_len, uint32_t i, uint32_t count)
{
	uint64_t end = piece_len == 0 ? len : (uint64_t)piece_len * (i + 1);

	return i + 1 == count || end > len ? len : (uint32_t)end;
}

/* Descriptor number i of the chain. */
static struct vring_desc describe(const struct draft *d, uint32_t i, uint16_t next)
{
	const struct target_request *request = d->request;
	bool write = i >= d->pieces[0];
	uint32_t n = write ? i - d->pieces[0] : i, count = d->pieces[write];
	uint32_t len = write ? request->room : request->len;
	uint32_t first = n > 0 ? piece_end(len, d->piece_len, n - 1, count) : 0;
	bool last = i + 1 == d->pieces[0] + d->pieces[1];

	return (struct vring_desc){
		.addr = d->at + (write ? request->len : 0) + first,
		.len = piece_end(len, d->piece_len, n, count) - first,
		.flags = (uint16_t)((write ? VRING_DESC_F_WRITE : 0) |
				    (last ? 0 : VRING_DESC_F_NEXT)),
		.next = last ? 0 : next,
	};
}

/* In reverse, the chain begins at the last of its descriptors. */
static uint32_t desc_index(const struct draft *d, uint32_t i)
{
	uint32_t offset = d->layout == LAYOUT_REVERSED ? d->descs - 1 - i : i;

	return (d->head + offset) % d->size;
}

static void write_descs(struct guest *g, struct draft *d)
{
	uint32_t count = d->pieces[0] + d->pieces[1];
	uint32_t direct = direct_of(d->layout, count), rest = count - direct;

	for (uint32_t i = 0; i < direct; i++)
		guest_put_desc(g, d->queue, desc_index(d, i),
			       describe(d, i, (uint16_t)desc_index(d, i + 1)));
	for (uint32_t i = 0; i < rest; i++)
		guest_put_table_desc(g, d->queue, d->table + i * sizeof(struct vring_desc),
				     describe(d, direct + i, (uint16_t)(i + 1)));
	if (rest > 0)
		guest_put_desc(
			g, d->queue, desc_index(d, direct),
			(struct vring_desc){ .addr = d->table,
					     .len = rest * (uint32_t)sizeof(struct vring_desc),
					     .flags = VRING_DESC_F_INDIRECT });
}

/* What the device reads; one byte of it perhaps not as it should be. */
static void write_readable(struct guest *g, const struct op *op, const struct draft *d)
{
	uint8_t flip = (uint8_t)op->value[SEND_REQUEST_FLIP];
	uint64_t at = op->value[SEND_REQUEST_FLIP_AT];

	if (d->request->len == 0)
		return;
	arena_store(&g->arena, d->at, d->request->bytes, d->request->len);
	if (flip != 0) {
		uint8_t byte = (uint8_t)d->request->bytes[at % d->request->len] ^ flip;

		arena_store(&g->arena, d->at + at % d->request->len, &byte, 1);
	}
}

/* Bytes that used.len need not cover are looked at all the same: they are not there yet. */
static void spoil_answer(struct guest *g, const struct draft *d)
{
	const struct target_request *request = d->request;

	for (unsigned i = 0; i < request->answer_count; i++) {
		const struct target_bytes *due = &request->answer[i];
		uint32_t b = due->offset < request->used_min ? request->used_min - due->offset : 0;

		for (; b < due->len; b++) {
			uint8_t other = (uint8_t)~due->bytes[b];

			arena_store(&g->arena, d->at + request->len + due->offset + b, &other, 1);
		}
	}
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
		r->well = false;
		return;
	}
	if (altered)
		rq->mistaken = true;
	/* Whether it is judged must not depend on how fast the device is. */
	r->strayed = r->strayed || altered || d->forced || !is_own(d) || !judged;
	/* Buffers across its own table: the chain is whatever is there then. */
	if (crossed)
		r->well = false;
	if (d->forced &&
	    (writes_over(g, d) || (requests_in_ring_order(g, d->queue) && d->head != rq->next)))
		r->well = false;
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
		g->requests.well = false;
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
	    !accepted(g, d->request->features) ||
	    (d->request->features_off & (g->accepted | g->target->features_always)) != 0)
		return false;
	d->script = &r->scripts[d->request - g->target->requests];
	d->size = g->queues[queue].size;
	track(g, queue);
	if (r->queue[queue].outstanding >= d->size || !plan(g, op, d)) {
		r->lacked_room = true;
		return false;
	}
	place(g, op, d);
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
	if (!q->packed && accepted(g, 1ull << VIRTIO_RING_F_EVENT_IDX))
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
		g->requests.well = false;
	requests_touch(g, d.at, d.request->len + d.request->room);
	requests_touch(g, d.area, d.area_len);
	write_readable(g, op, &d);
	spoil_answer(g, &d);
	write_descs(g, &d);
}

static bool offer(struct guest *g, const struct op *op, bool at_once, struct draft *d)
{
	uint16_t head;

	if (!prepare_served(g, op, d))
		return false;
	head = (uint16_t)(d->layout == LAYOUT_REVERSED ? desc_index(d, 0) : d->head);
	write_readable(g, op, d);
	spoil_answer(g, d);
	write_descs(g, d);
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
