/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A declared request becomes a chain: how many pieces, in which descriptors, where its
 * buffers and tables lie, and what is written there.  It does not decide whether the request
 * may be sent, nor what the device then owes (guest_requests.c).
 */
#include "harness/guest/request_draft.h"
#include "devices/table.h"

#include <linux/virtio_ring.h>

#define NO_HEAD UINT32_MAX

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

bool draft_accepts(const struct guest *g, uint64_t features)
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
bool draft_plan(struct guest *g, const struct op *op, struct draft *d)
{
	struct requests *r = &g->requests;
	uint32_t most = d->size < REQUESTS_PIECES_MAX ? d->size : REQUESTS_PIECES_MAX;
	uint32_t wanted[2], count;

	d->piece_len = (uint32_t)op->value[SEND_REQUEST_SPLIT];
	d->layout = (enum request_layout)op->value[SEND_REQUEST_LAYOUT];
	if (r->redivided)
		redivide(d);
	if (direct_of(d->layout, 1) == 0 && !draft_accepts(g, 1ull << VIRTIO_RING_F_INDIRECT_DESC))
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
void draft_place(struct guest *g, const struct op *op, struct draft *d)
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

void draft_write_descs(struct guest *g, struct draft *d)
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
void draft_write_readable(struct guest *g, const struct op *op, const struct draft *d)
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
void draft_spoil_answer(struct guest *g, const struct draft *d)
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

uint16_t draft_head(const struct draft *d)
{
	return (uint16_t)(d->layout == LAYOUT_REVERSED ? desc_index(d, 0) : d->head);
}
