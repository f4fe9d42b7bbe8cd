/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the lying guest writes into memory, operation by operation: buffers,
 * descriptors (VIRTIO 2.7.5) and the driver's rings (2.7.6, 2.7.7).  See guest.h.
 *
 * It never fails: what falls into a hole is lost, as on a real machine.
 */
#include "devices/table.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>
#include <linux/virtio_ring.h>

void guest_store(struct guest *g, const struct program *prog, const struct op *op)
{
	arena_store(&g->arena, guest_addr(g, op->base[STORE_ADDR], op->value[STORE_ADDR]),
		    prog->data + op->data_off, op->data_len);
}

void guest_fill(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_fill(&g->arena, guest_addr(g, op->base[FILL_ADDR], op->value[FILL_ADDR]),
		   op->value[FILL_LEN], (uint8_t)op->value[FILL_VALUE]);
}

void guest_pattern(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_pattern(&g->arena, guest_addr(g, op->base[PATTERN_ADDR], op->value[PATTERN_ADDR]),
		      op->value[PATTERN_LEN], (uint8_t)op->value[PATTERN_SEED]);
}

void guest_unmap(struct guest *g, const struct program *prog, const struct op *op)
{
	uint64_t addr = guest_addr(g, op->base[UNMAP_ADDR], op->value[UNMAP_ADDR]);

	(void)prog;
	arena_unmap(&g->arena, addr, op->value[UNMAP_LEN]);
	guest_set_regions(g, addr, op->value[UNMAP_LEN], false);
}

void guest_map(struct guest *g, const struct program *prog, const struct op *op)
{
	uint64_t addr = guest_addr(g, op->base[MAP_ADDR], op->value[MAP_ADDR]);

	(void)prog;
	arena_map(&g->arena, addr, op->value[MAP_LEN]);
	guest_set_regions(g, addr, op->value[MAP_LEN], true);
}

void guest_buffer(struct guest *g, const struct program *prog, const struct op *op)
{
	struct guest_slot *slot = &g->slots[op->value[BUFFER_SLOT]];

	(void)prog;
	slot->addr = guest_addr(g, op->base[BUFFER_AT], op->value[BUFFER_AT]);
	slot->len = (uint32_t)op->value[BUFFER_LEN];
}

uint64_t guest_desc_place(const struct guest *g, unsigned queue, uint64_t index)
{
	return g->queues[queue].ring[VIRTQUEUE_DESC] +
	       ring_at(&ring_split, GUEST_DESC, 0, (uint32_t)index);
}

static inline void store_desc(struct guest *g, uint64_t at, struct vring_desc desc)
{
	struct vring_desc le = {
		.addr = htole64(desc.addr),
		.len = htole32(desc.len),
		.flags = htole16(desc.flags),
		.next = htole16(desc.next),
	};

	arena_store(&g->arena, at, &le, sizeof(le));
}

static inline void put_desc(struct guest *g, unsigned queue, uint64_t index, struct vring_desc desc)
{
	struct vring_desc *own;

	if (!g->queues[queue].packed) {
		store_desc(g, guest_desc_place(g, queue, index), desc);
		return;
	}
	own = guest_packed_desc(g, queue, index);
	if (own != NULL)
		*own = desc;
}

void guest_put_desc(struct guest *g, unsigned queue, uint64_t index, struct vring_desc desc)
{
	put_desc(g, queue, index, desc);
}

/* In the table of a packed ring there is no `next` but an id, and no flag but WRITE counts
 * (VIRTIO 2.8.7). */
void guest_put_table_desc(struct guest *g, unsigned queue, uint64_t at, struct vring_desc desc)
{
	if (g->queues[queue].packed) {
		/* The last two fields stand the other way round. */
		desc.next = desc.flags & VRING_DESC_F_WRITE;
		desc.flags = 0;
	}
	store_desc(g, at, desc);
}

void guest_desc(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_put_desc(g, (unsigned)op->value[DESC_QUEUE], op->value[DESC_INDEX],
		       (struct vring_desc){
			       .addr = guest_addr(g, op->base[DESC_ADDR], op->value[DESC_ADDR]),
			       .len = (uint32_t)op->value[DESC_LEN],
			       .flags = (uint16_t)op->value[DESC_FLAGS],
			       .next = (uint16_t)op->value[DESC_NEXT] });
}

/* In the driver's own table, which is in the machine's byte order. */
static void set_own_desc(struct guest *g, unsigned queue, const struct op *op)
{
	struct vring_desc *desc = guest_packed_desc(g, queue, op->value[SET_DESC_INDEX]);
	uint64_t value = op->value[SET_DESC_VALUE];

	if (desc == NULL)
		return;
	switch ((enum desc_field)op->value[SET_DESC_FIELD]) {
	case DESC_FIELD_ADDR:
		desc->addr = value;
		break;
	case DESC_FIELD_LEN:
		desc->len = (uint32_t)value;
		break;
	case DESC_FIELD_FLAGS:
		desc->flags = (uint16_t)value;
		break;
	case DESC_FIELD_NEXT:
		desc->next = (uint16_t)value;
		break;
	case DESC_FIELD_COUNT:
		break;
	}
}

void guest_set_desc(struct guest *g, const struct program *prog, const struct op *op)
{
	struct place {
		uint8_t offset, width;
	};
	TABLE(static const struct place, places, DESC_FIELD_COUNT, 2,
	      [DESC_FIELD_ADDR] = { offsetof(struct vring_desc, addr), 8 },
	      [DESC_FIELD_LEN] = { offsetof(struct vring_desc, len), 4 },
	      [DESC_FIELD_FLAGS] = { offsetof(struct vring_desc, flags), 2 },
	      [DESC_FIELD_NEXT] = { offsetof(struct vring_desc, next), 2 });
	unsigned queue = (unsigned)op->value[SET_DESC_QUEUE];
	uint64_t desc = guest_desc_place(g, queue, op->value[SET_DESC_INDEX]);
	uint64_t value = htole64(op->value[SET_DESC_VALUE]);

	(void)prog;
	if (g->queues[queue].packed) {
		set_own_desc(g, queue, op);
		return;
	}
	arena_store(&g->arena, desc + places[op->value[SET_DESC_FIELD]].offset, &value,
		    places[op->value[SET_DESC_FIELD]].width);
}

/* Buffers in descriptors from head on, each leading to the next; past the end
 * of the table it goes on at its start. */
void guest_chain(struct guest *g, const struct program *prog, const struct op *op)
{
	const uint8_t *elements = prog->data + op->data_off;
	unsigned queue = (unsigned)op->value[CHAIN_QUEUE];
	uint32_t size = g->queues[queue].size != 0 ? g->queues[queue].size : 1;

	for (uint32_t i = 0; i < op->data_len; i++) {
		const struct guest_slot *slot = &g->slots[elements[i] & ELEMENT_SLOT];
		bool last = i + 1 == op->data_len;
		uint16_t flags = (uint16_t)((last ? 0 : 1) | (elements[i] & ELEMENT_WRITE ? 2 : 0));
		uint16_t next = (uint16_t)(last ? 0 : (op->value[CHAIN_HEAD] + i + 1) % size);

		put_desc(g, queue, (op->value[CHAIN_HEAD] + i) % size,
			 (struct vring_desc){ slot->addr, slot->len, flags, next });
	}
}

/* Where EVENT_IDX was accepted the flags of the available ring say nothing (VIRTIO 2.7.7): what
 * they mean is said by used_event, at the latest before something is made available. */
static void write_event(struct guest *g, unsigned queue)
{
	const struct guest_queue *q = &g->queues[queue];
	uint16_t next;

	if ((g->accepted >> VIRTIO_RING_F_EVENT_IDX & 1) == 0 || q->event == GUEST_EVENT_PROGRAM)
		return;
	next = guest_used_idx(g, queue);
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] +
			      ring_at(&ring_split, GUEST_USED_EVENT, q->size, 0),
		      q->event == GUEST_EVENT_NEXT ? next : (uint16_t)(next - 1));
}

void guest_publish_head(struct guest *g, unsigned queue, uint16_t head)
{
	struct guest_queue *q = &g->queues[queue];
	uint32_t size = q->size != 0 ? q->size : 1;

	if (q->packed) {
		guest_packed_publish(g, queue, head);
		return;
	}
	/* Heads are looked up in the ring. */
	if (q->in_order)
		guest_in_order_reap(g, queue);
	write_event(g, queue);
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] +
			      ring_at(&ring_split, GUEST_AVAIL_ENTRY, size, q->avail_idx % size),
		      head);
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0),
		      ++q->avail_idx);
}

void guest_publish(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	guest_publish_head(g, (unsigned)op->value[PUBLISH_QUEUE],
			   (uint16_t)op->value[PUBLISH_HEAD]);
}

SAME_FIELD(OFFER_QUEUE, CHAIN_QUEUE);
SAME_FIELD(OFFER_HEAD, CHAIN_HEAD);
SAME_FIELD(OFFER_QUEUE, PUBLISH_QUEUE);
SAME_FIELD(OFFER_HEAD, PUBLISH_HEAD);

void guest_offer(struct guest *g, const struct program *prog, const struct op *op)
{
	guest_chain(g, prog, op);
	guest_publish(g, prog, op);
}

void guest_avail_idx(struct guest *g, const struct program *prog, const struct op *op)
{
	struct guest_queue *q = &g->queues[op->value[AVAIL_IDX_QUEUE]];

	(void)prog;
	if (q->packed)
		return;
	q->avail_idx = (uint16_t)(q->avail_idx + op->value[AVAIL_IDX_DELTA]);
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0),
		      q->avail_idx);
}

void guest_avail_flags(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[AVAIL_FLAGS_QUEUE];
	bool silent = (op->value[AVAIL_FLAGS_VALUE] & VRING_AVAIL_F_NO_INTERRUPT) != 0;
	struct guest_queue *q = &g->queues[queue];

	(void)prog;
	if (q->packed) {
		guest_packed_event(g, queue, 0,
				   silent ? VRING_PACKED_EVENT_FLAG_DISABLE
					  : VRING_PACKED_EVENT_FLAG_ENABLE);
		return;
	}
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_FLAGS, 0, 0),
		      (uint16_t)op->value[AVAIL_FLAGS_VALUE]);
	q->event = silent ? GUEST_EVENT_NONE : GUEST_EVENT_NEXT;
	write_event(g, queue);
}

void guest_avail_entry(struct guest *g, const struct program *prog, const struct op *op)
{
	struct guest_queue *q = &g->queues[op->value[AVAIL_ENTRY_QUEUE]];

	(void)prog;
	if (q->packed)
		return;
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_ENTRY, 0,
							  (uint32_t)op->value[AVAIL_ENTRY_INDEX]),
		      (uint16_t)op->value[AVAIL_ENTRY_HEAD]);
}

static void write_used_event(struct guest *g, unsigned queue, uint16_t value)
{
	struct guest_queue *q = &g->queues[queue];

	q->event = GUEST_EVENT_PROGRAM;
	arena_store16(&g->arena,
		      q->ring[VIRTQUEUE_DRIVER] +
			      ring_at(&ring_split, GUEST_USED_EVENT, q->size, 0),
		      value);
}

/* Of a packed ring the value is an entry of the ring, and bit 15 its wrap counter. */
void guest_used_event(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[USED_EVENT_QUEUE];
	uint16_t value = (uint16_t)op->value[USED_EVENT_VALUE];

	(void)prog;
	if (g->queues[queue].packed)
		guest_packed_event(g, queue, value, VRING_PACKED_EVENT_FLAG_DESC);
	else
		write_used_event(g, queue, value);
}

void guest_event_at(struct guest *g, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[EVENT_AT_QUEUE];
	uint16_t step = (uint16_t)op->value[EVENT_AT_STEP];

	(void)prog;
	if (g->queues[queue].packed)
		guest_packed_event(g, queue, guest_packed_event_at(g, queue, (int16_t)step),
				   VRING_PACKED_EVENT_FLAG_DESC);
	else
		write_used_event(g, queue, (uint16_t)(guest_used_idx(g, queue) + step));
}
