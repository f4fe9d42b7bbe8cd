/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What excuses a device that does not answer a request, operation by operation.  See
 * requests.h.
 *
 * Where it cannot tell cheaply whether the device has an excuse, it has one: what a
 * driver writes over rings by hand, publishes by hand, or makes change under the device
 * ends all verdicts until the next `start`.
 */
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/guest/guest_internal.h"

#include <linux/virtio_ring.h>

typedef void note_fn(struct guest *g, const struct program *prog, const struct op *op);

bool requests_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a_len > 0 && b_len > 0 && (a - b < b_len || b - a < a_len);
}

/* Bytes of each part of a split ring (VIRTIO 2.7). */
static uint64_t part_bytes(const struct guest_queue *q, unsigned part)
{
	TABLE(static const uint8_t, bytes, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = sizeof(struct vring_desc),
	      [VIRTQUEUE_DRIVER] = sizeof(uint16_t),
	      [VIRTQUEUE_DEVICE] = sizeof(struct vring_used_elem));

	return (uint64_t)bytes[part] * q->size + 6;
}

static bool is_ring(const struct guest *g, uint64_t addr, uint64_t len)
{
	/* While the device has no excuse, all rings are at their default places. */
	if (!requests_overlap(addr, len, g->arena.place[BASE_LOW], GUEST_RINGS_SIZE))
		return false;
	for (unsigned i = 0; i < g->target->queue_count && i < PROGRAM_QUEUES; i++)
		for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
			if (requests_overlap(addr, len, g->queues[i].ring[part],
					     part_bytes(&g->queues[i], part)))
				return true;
	return false;
}

/* Requests whose buffers are among these bytes are not judged any more. */
static void touch_sent(struct requests *r, uint64_t addr, uint64_t len)
{
	for (unsigned i = 0; i < r->sent_count; i++) {
		struct request_sent *s = &r->sent[i];
		uint64_t own = s->request != NULL ? s->request->len + s->request->room : 0;

		if (!requests_overlap(addr, len, s->at, own) &&
		    !requests_overlap(addr, len, s->area, s->area_len))
			continue;
		s->judged = s->content = false;
		r->strayed = true;
	}
}

bool requests_write(const struct requests *r, uint64_t addr, uint64_t len)
{
	for (unsigned i = 0; i < r->sent_count; i++)
		if (requests_overlap(addr, len, r->sent[i].written, r->sent[i].written_len))
			return true;
	return false;
}

void requests_touch(struct guest *g, uint64_t addr, uint64_t len)
{
	if (len == 0)
		return;
	if (addr + (len - 1) < addr || is_ring(g, addr, len))
		requests_excuse(&g->requests);
	touch_sent(&g->requests, addr, len);
}

static void note_excuse(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	requests_excuse(&g->requests);
}

/* A driver that accepted RING_RESET may do that at any time (VIRTIO 2.6.1). */
static void note_reset_queue(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	if (!requests_may_reset(g) || op->value[RESET_QUEUE_QUEUE] >= g->target->queue_count)
		requests_excuse(&g->requests);
}

/* ... and sets the queue up again; whether well is looked at then. */
static void note_queue(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	if (!requests_may_reset(g) || !g->requests.queue[op->value[QUEUE_QUEUE]].renewed)
		requests_excuse(&g->requests);
}

static void note_store(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	requests_touch(g, guest_addr(g, op->base[STORE_ADDR], op->value[STORE_ADDR]), op->data_len);
}

SAME_FIELD(FILL_ADDR, PATTERN_ADDR);
SAME_FIELD(FILL_LEN, PATTERN_LEN);
SAME_FIELD(FILL_ADDR, UNMAP_ADDR);
SAME_FIELD(FILL_LEN, UNMAP_LEN);

static void note_range(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	requests_touch(g, guest_addr(g, op->base[FILL_ADDR], op->value[FILL_ADDR]),
		       op->value[FILL_LEN]);
}

static void note_host(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	if (!g->requests.nested)
		g->requests.host_touched = true;
}

/* Those of what is on its way already as well. */
void requests_doubt_host(struct requests *r)
{
	r->host_touched = r->refused = true;
	for (unsigned i = 0; i < r->sent_count; i++)
		r->sent[i].judged = false;
}

/* Nobody knows how many frames it is about. */
static void note_refuse(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	if (!g->requests.nested || g->requests.host_touched)
		requests_doubt_host(&g->requests);
}

/* What a driver may write at any time. */
static void note_write(struct guest *g, const struct program *prog, const struct op *op)
{
	static const uint16_t harmless[] = {
		VIRTIO_MMIO_QUEUE_NOTIFY,	 VIRTIO_MMIO_INTERRUPT_ACK,
		VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DRIVER_FEATURES_SEL,
		VIRTIO_MMIO_QUEUE_SEL,		 VIRTIO_MMIO_SHM_SEL,
	};

	(void)prog;
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (op->value[WRITE_REGISTER] == harmless[i] && op->value[WRITE_WIDTH] == 4)
			return;
	requests_excuse(&g->requests);
}

/* Of a snapshot that was taken just before, nothing is lost. */
static void note_restore(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	if (!g->requests.saved)
		requests_excuse(&g->requests);
}

void requests_tell(struct requests *r, uint64_t queue)
{
	for (unsigned i = 0; i < r->sent_count; i++)
		if (r->sent[i].queue == queue)
			r->sent[i].told = true;
}

static void note_notify(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	requests_tell(&g->requests, guest_notified(g, op));
}

static void note_chain(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[CHAIN_QUEUE];
	uint32_t size = g->queues[queue].size != 0 ? g->queues[queue].size : 1;

	(void)prog;
	if (op->value[CHAIN_HEAD] + op->data_len > size ||
	    requests_uses(g, queue, (uint32_t)op->value[CHAIN_HEAD], op->data_len))
		requests_excuse(&g->requests);
}

/* How many bytes from the first to the last that may be written for a chain; *at: where. */
static uint64_t written_by(const struct guest *g, const uint8_t *elements, uint32_t count,
			   uint64_t *at)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct guest_slot *slot = &g->slots[elements[i] & ELEMENT_SLOT];

		if ((elements[i] & ELEMENT_WRITE) == 0 || slot->len == 0)
			continue;
		first = slot->addr < first ? slot->addr : first;
		if (slot->addr + (slot->len - 1) < slot->addr)
			last = UINT64_MAX;
		else if (slot->addr + (slot->len - 1) > last)
			last = slot->addr + (slot->len - 1);
	}
	*at = first;
	return last < first ? 0 : last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

/* Buffers of the program's own: legal as a chain in free descriptors, whatever it holds.
 * Most programs send these and no requests, so nothing is noted of the first ones: once
 * the device has returned all of them, their descriptors are free (guest_requests.c). */
static void note_offer(struct guest *g, const struct program *prog, const struct op *op)
{
	const uint8_t *elements = prog->data + op->data_off;
	unsigned queue = (unsigned)op->value[OFFER_QUEUE];
	struct requests *r = &g->requests;
	struct request_queue *rq = &r->queue[queue];
	uint32_t size = g->queues[queue].size, head = (uint32_t)op->value[OFFER_HEAD];
	struct request_sent *s = &r->sent[r->sent_count];

	if (!r->well)
		return;
	rq->mistaken = true;
	if (!rq->ready || size == 0 || op->data_len == 0 || op->data_len > size ||
	    head + op->data_len > size || rq->outstanding >= size ||
	    r->sent_count == REQUESTS_SENT_MAX || requests_uses(g, queue, head, op->data_len) ||
	    (requests_in_ring_order(g, queue) && head != rq->next)) {
		requests_excuse(r);
		return;
	}
	if (r->sent_count == 0) {
		rq->untracked = true;
		r->queues |= 1ull << queue;
	}
	for (uint32_t i = 0; i < op->data_len; i++) {
		const struct guest_slot *slot = &g->slots[elements[i] & ELEMENT_SLOT];

		if ((elements[i] & ELEMENT_WRITE) != 0)
			requests_touch(g, slot->addr, slot->len);
		/* The program moved it: the request's own operation cannot do its part. */
		if (r->nested && !arena_has(&g->arena, slot->addr, slot->len))
			requests_excuse(r);
		/* Requests lie there that are sent later. */
		if ((elements[i] & ELEMENT_WRITE) != 0 && rq->untracked &&
		    requests_overlap(slot->addr, slot->len, g->arena.requests, ARENA_REQUESTS_SIZE))
			requests_excuse(r);
	}
	if (rq->untracked) {
		if (requests_in_ring_order(g, queue))
			rq->next = (uint16_t)((head + op->data_len) % size);
		return;
	}
	*s = (struct request_sent){ .queue = (uint16_t)queue,
				    .head = (uint16_t)head,
				    .first = (uint16_t)head,
				    .count = op->data_len };
	s->written_len = written_by(g, elements, op->data_len, &s->written);
	requests_add(g);
	if (op->code == OP_SEND)
		requests_tell(r, queue);
}

/* The others change nothing that matters: reads, acknowledged interrupts, used entries
 * that are taken, suppressed interrupts, a snapshot and back. */
static note_fn *const notes[256] = {
	[OP_STATUS] = note_excuse,
	[OP_NEGOTIATE] = note_excuse,
	[OP_RESET_QUEUE] = note_reset_queue,
	[OP_QUEUE] = note_queue,
	[OP_READY] = note_excuse,
	[OP_NOTIFY] = note_notify,
	[OP_CONFIG_WRITE] = note_excuse,
	[OP_RESET] = note_excuse,
	[OP_WRITE] = note_write,
	[OP_STORE] = note_store,
	[OP_FILL] = note_range,
	[OP_PATTERN] = note_range,
	[OP_UNMAP] = note_range,
	[OP_DESC] = note_excuse,
	[OP_SET_DESC] = note_excuse,
	[OP_CHAIN] = note_chain,
	[OP_PUBLISH] = note_excuse,
	[OP_OFFER] = note_offer,
	[OP_SEND] = note_offer,
	[OP_AVAIL_IDX] = note_excuse,
	[OP_AVAIL_ENTRY] = note_excuse,
	[OP_PACKED_DESC] = note_excuse,
	[OP_PACKED_MOVE] = note_excuse,
	[OP_RACE] = note_excuse,
	[OP_RACE_WRITE] = note_excuse,
	[OP_FAULT_ACCESS] = note_excuse,
	[OP_FAULT_ALLOC] = note_excuse,
	[OP_TYPE] = note_host,
	[OP_PUT_BACK] = note_host,
	[OP_REFUSE] = note_refuse,
	[OP_HOLD] = note_host,
	[OP_PRETEND] = note_host,
	[OP_SET_NUM_PAGES] = note_host,
	[OP_CORRUPT] = note_excuse,
	[OP_CUT] = note_excuse,
	[OP_ALTER] = note_excuse,
	[OP_RESTORE] = note_restore,
	[OP_CHANGE_CONFIG] = note_host,
};

void requests_note(struct guest *g, const struct program *prog, const struct op *op)
{
	g->requests.saved = op->code == OP_SAVE || (op->code == OP_RESTORE && g->requests.saved);
	if (notes[op->code] == NULL)
		return;
	if (notes[op->code] != note_notify && notes[op->code] != note_restore &&
	    !g->requests.nested)
		g->requests.strayed = true;
	notes[op->code](g, prog, op);
}
