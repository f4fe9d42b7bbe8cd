/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the lying guest writes into memory, operation by operation: buffers,
 * descriptors (VIRTIO 2.7.5) and the driver's rings (2.7.6, 2.7.7).  See run.h.
 *
 * It never fails: what falls into a hole is lost, as on a real machine.
 */
#include "devices/table.h"
#include "harness/run_internal.h"

#include <endian.h>
#include <linux/virtio_ring.h>

void guest_store(struct run *run, const struct program *prog, const struct op *op)
{
	arena_store(&run->arena, guest_addr(run, op->base[0], op->value[0]),
		    prog->data + op->data_off, op->data_len);
}

void guest_fill(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_fill(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1],
		   (uint8_t)op->value[2]);
}

void guest_pattern(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_pattern(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1],
		      (uint8_t)op->value[2]);
}

void guest_unmap(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_unmap(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1]);
}

void guest_map(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_map(&run->arena, guest_addr(run, op->base[0], op->value[0]), op->value[1]);
}

void guest_buffer(struct run *run, const struct program *prog, const struct op *op)
{
	struct guest_slot *slot = &run->slots[op->value[0]];

	(void)prog;
	slot->addr = guest_addr(run, op->base[1], op->value[1]);
	slot->len = (uint32_t)op->value[2];
}

/* Write one descriptor; `index` is not checked against the queue's size. */
static void store_desc(struct run *run, unsigned queue, uint64_t index, uint64_t addr, uint32_t len,
		       uint16_t flags, uint16_t next)
{
	struct vring_desc desc = {
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = htole16(flags),
		.next = htole16(next),
	};

	arena_store(&run->arena, run->queues[queue].ring[RING_DESC] + sizeof(desc) * index, &desc,
		    sizeof(desc));
}

void guest_desc(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	store_desc(run, (unsigned)op->value[0], op->value[1],
		   guest_addr(run, op->base[2], op->value[2]), (uint32_t)op->value[3],
		   (uint16_t)op->value[4], (uint16_t)op->value[5]);
}

void guest_set_desc(struct run *run, const struct program *prog, const struct op *op)
{
	struct place {
		uint8_t offset, width;
	};
	TABLE(static const struct place, places, DESC_FIELD_COUNT, 2,
	      [DESC_ADDR] = { 0, 8 },
	      [DESC_LEN] = { 8, 4 },
	      [DESC_FLAGS] = { 12, 2 },
	      [DESC_NEXT] = { 14, 2 });
	uint64_t desc = run->queues[op->value[0]].ring[RING_DESC] + 16 * op->value[1];
	uint64_t value = htole64(op->value[3]);

	(void)prog;
	arena_store(&run->arena, desc + places[op->value[2]].offset, &value,
		    places[op->value[2]].width);
}

/* Buffers in descriptors from head on, each leading to the next; past the end
 * of the table it goes on at its start. */
void guest_chain(struct run *run, const struct program *prog, const struct op *op)
{
	const uint8_t *elements = prog->data + op->data_off;
	unsigned queue = (unsigned)op->value[0];
	uint32_t size = run->queues[queue].size != 0 ? run->queues[queue].size : 1;

	for (uint32_t i = 0; i < op->data_len; i++) {
		const struct guest_slot *slot = &run->slots[elements[i] & ELEMENT_SLOT];
		bool last = i + 1 == op->data_len;
		uint16_t flags = (uint16_t)((last ? 0 : 1) | (elements[i] & ELEMENT_WRITE ? 2 : 0));
		uint16_t next = (uint16_t)(last ? 0 : (op->value[1] + i + 1) % size);

		store_desc(run, queue, (op->value[1] + i) % size, slot->addr, slot->len, flags,
			   next);
	}
}

static void publish(struct run *run, unsigned queue, uint16_t head)
{
	struct guest_queue *q = &run->queues[queue];
	uint32_t size = q->size != 0 ? q->size : 1;

	arena_store16(&run->arena, q->ring[RING_AVAIL] + 4 + 2ull * (q->avail_idx % size), head);
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 2, ++q->avail_idx);
}

void guest_publish(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	publish(run, (unsigned)op->value[0], (uint16_t)op->value[1]);
}

void guest_offer(struct run *run, const struct program *prog, const struct op *op)
{
	guest_chain(run, prog, op);
	guest_publish(run, prog, op);
}

void guest_avail_idx(struct run *run, const struct program *prog, const struct op *op)
{
	struct guest_queue *q = &run->queues[op->value[0]];

	(void)prog;
	q->avail_idx = (uint16_t)(q->avail_idx + op->value[1]);
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 2, q->avail_idx);
}

void guest_avail_flags(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_store16(&run->arena, run->queues[op->value[0]].ring[RING_AVAIL],
		      (uint16_t)op->value[1]);
}

void guest_avail_entry(struct run *run, const struct program *prog, const struct op *op)
{
	(void)prog;
	arena_store16(&run->arena,
		      run->queues[op->value[0]].ring[RING_AVAIL] + 4 + 2 * op->value[1],
		      (uint16_t)op->value[2]);
}

void guest_used_event(struct run *run, const struct program *prog, const struct op *op)
{
	const struct guest_queue *q = &run->queues[op->value[0]];

	(void)prog;
	arena_store16(&run->arena, q->ring[RING_AVAIL] + 4 + 2ull * q->size,
		      (uint16_t)op->value[1]);
}
