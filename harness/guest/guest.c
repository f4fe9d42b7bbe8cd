/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The hostile guest: what a driver knows, and the device calls that no driver makes.
 * Its operations are in guest_ops.c; transport_mmio.c carries them to a device.  See
 * guest.h.
 */
#include "devices/table.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define KIB 1024u
#define RING_SPAN (4 * KIB) /* between the parts of a ring at its default place */

/* Where the slots are at first: base and offset from it, length. */
struct slot_place {
	uint8_t base;
	int32_t offset;
	uint32_t len;
};

TABLE(static const struct slot_place, default_slots, PROGRAM_SLOTS, 3,
	{ BASE_LOW, 96 * KIB, 12 },		/* b0: a virtio-net header */
	{ BASE_LOW, 96 * KIB + 0x100, 64 },	/* b1: a small frame */
	{ BASE_LOW, 96 * KIB + 0x400, 1514 },	/* b2: a full frame */
	{ BASE_LOW, 96 * KIB + 0x200, 76 },	/* b3: header and small frame */
	{ BASE_LOW, 96 * KIB + 0x1000, 4096 },	/* b4: a page */
	{ BASE_LOW, 96 * KIB + 0x4000, 65557 }, /* b5: the largest frame */
	{ BASE_SEAM, -32768, 65569 }, /* b6: the largest frame and its header, across the seam */
	{ BASE_LOW, 96 * KIB + 0x3000, 0 },	 /* b7: nothing */
	{ BASE_LOW, 96 * KIB + 0x2000, 12 },	 /* b8 to b12: as b0, b3, b2 and header, b4, b6 */
	{ BASE_LOW, 96 * KIB + 0x2100, 76 },	 /* b9 */
	{ BASE_LOW, 96 * KIB + 0x2200, 1526 },	 /* b10 */
	{ BASE_LOW, 96 * KIB + 0x3000, 4096 },	 /* b11 */
	{ BASE_LOW, 96 * KIB + 0x14100, 65569 }, /* b12 */
	{ BASE_SEAM, -32, 64 },			 /* b13: across the seam */
	{ BASE_TOP, -64, 64 },			 /* b14: the last bytes there are */
	{ BASE_HOLE, 0, 64 }			 /* b15: not there */
);

/* Queues from 8 on have small rings, in what the available rings of queues 0 to 7 leave
 * of their 4 KiB, seven in each:
 *
 *   0         518      1024                                    4048
 *   | avail 0 |        | desc avail used | ... of seven queues |
 */
#define SMALL_AVAIL 256u
#define SMALL_USED 296u
#define SMALL_SPAN 432u
#define SMALL_FIRST 1024u
#define SMALL_QUEUES ((PROGRAM_QUEUES - PROGRAM_QUEUES_LOW) / PROGRAM_QUEUES_LOW)

_Static_assert(SMALL_AVAIL >= 16 * GUEST_QUEUE_SIZE_SMALL, "table");
_Static_assert(SMALL_USED >= SMALL_AVAIL + 6 + 2 * GUEST_QUEUE_SIZE_SMALL, "available ring");
_Static_assert(SMALL_SPAN >= SMALL_USED + 6 + 8 * GUEST_QUEUE_SIZE_SMALL, "used ring");
_Static_assert(SMALL_SPAN % 16 == 0 && SMALL_USED % 4 == 0, "alignment");
_Static_assert(SMALL_FIRST >= 6 + 2 * GUEST_QUEUE_SIZE_MAX, "available ring of the host");
_Static_assert(SMALL_FIRST + SMALL_QUEUES * SMALL_SPAN <= RING_SPAN, "seven");
_Static_assert(PROGRAM_QUEUES_LOW *VIRTQUEUE_AREA_COUNT *RING_SPAN <= GUEST_RINGS_SIZE, "rings");

/* From `low` on. */
static void place_rings(unsigned queue, uint64_t ring[VIRTQUEUE_AREA_COUNT], uint64_t low)
{
	unsigned small = queue - PROGRAM_QUEUES_LOW;

	if (queue < PROGRAM_QUEUES_LOW) {
		for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
			ring[part] = low + (queue * VIRTQUEUE_AREA_COUNT + part) * RING_SPAN;
		return;
	}
	low += (small / SMALL_QUEUES * VIRTQUEUE_AREA_COUNT + VIRTQUEUE_DRIVER) * RING_SPAN;
	low += SMALL_FIRST + small % SMALL_QUEUES * SMALL_SPAN;
	ring[VIRTQUEUE_DESC] = low;
	ring[VIRTQUEUE_DRIVER] = low + SMALL_AVAIL;
	ring[VIRTQUEUE_DEVICE] = low + SMALL_USED;
}

/* Once: it is done before every program, and there are many queues. */
static void make_new_queues(struct guest *g)
{
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++) {
		struct guest_queue *q = &g->new_queues[i];

		*q = (struct guest_queue){ .size = (uint16_t)guest_queue_room(i) };
		place_rings(i, q->ring, g->arena.place[BASE_LOW]);
	}
}

uint64_t guest_ring_place(const struct guest *g, unsigned queue, unsigned part)
{
	return g->new_queues[queue].ring[part];
}

void guest_reset(struct guest *g)
{
	const struct arena *arena = &g->arena;

	for (int i = 0; i < PROGRAM_SLOTS; i++) {
		g->slots[i].addr = arena->place[default_slots[i].base] +
				   (uint64_t)(int64_t)default_slots[i].offset;
		g->slots[i].len = default_slots[i].len;
	}
	if (g->new_queues[0].size == 0)
		make_new_queues(g);
	memcpy(g->queues, g->new_queues, sizeof(g->queues));
	guest_packed_reset(g);
	g->accepted = 0;
	requests_reset(g);
	g->last_read = 0;
	g->generation_read = false;
	g->output_len = 0;
}

uint64_t guest_addr(const struct guest *g, uint8_t base, uint64_t offset)
{
	if (base >= BASE_RING)
		return g->queues[ring_base_queue(base)].ring[ring_base_area(base)] + offset;
	if (base >= BASE_SLOT)
		return g->slots[base - BASE_SLOT].addr + offset;
	if (base >= BASE_LOW && base <= BASE_HOLE)
		return g->arena.place[base] + offset;
	return offset;
}

/* A call of the device is over. */
void guest_returned(struct guest *g)
{
	if (g->target->hung != NULL && g->target->hung(g->device))
		ledger_find(&g->ledger, FINDING_HANG, "hang",
			    "the device's own threads did not come to rest");
	if (g->arena.race_count > 0)
		arena_strike_due(&g->arena);
}

uint64_t guest_disk_capacity(const struct guest *g)
{
	if (g->target->device_id != VIRTIO_ID_BLOCK || g->target->config_len < 8)
		return 0;
	return g->transport->look_config(g, 0, 4) | g->transport->look_config(g, 4, 4) << 32;
}

uint32_t guest_socket_cid(const struct guest *g)
{
	if (g->target->device_id != VIRTIO_ID_VSOCK || g->target->config_len < 8)
		return 0;
	return (uint32_t)g->transport->look_config(g, 0, 4);
}

/* What a guest sees next; reads of these change nothing (VIRTIO 4.2.2). */
void guest_look(struct guest *g, bool queue, struct ledger_probe *p)
{
	const struct transport *t = g->transport;

	p->status = t->look_status(g);
	p->interrupt_status = t->look_interrupt_status(g);
	p->generation_seen = ledger_wants_generation(&g->ledger);
	p->generation = p->generation_seen ? t->look_generation(g) : 0;
	p->capacity = p->generation_seen ? guest_disk_capacity(g) : 0;
	record_timed(&g->record, RECORD_REGISTERS, (uint64_t)p->interrupt_status << 32 | p->status);
	p->ready = queue ? t->look_queue_ready(g) : 0;
	p->resetting = queue ? t->look_queue_reset(g) : 0;
}

void guest_note_read(struct guest *g, uint32_t offset, uint64_t value)
{
	/* Events may come at another time. */
	if (offset == VIRTIO_MMIO_STATUS || offset == VIRTIO_MMIO_INTERRUPT_STATUS)
		record_timed(&g->record, RECORD_REGISTERS, value);
	else
		record_value(&g->record, RECORD_REGISTERS, value);
}

void guest_poll(struct guest *g, uint32_t (*look)(const struct guest *g))
{
	if (g->target->transport)
		return;
	for (int i = 0; i < GUEST_SETTLE_MAX && look(g) != 0; i++) {
		if (target_state(g->target, g->device) == DEVICE_WORK) {
			target_work(g->target, g->device);
			guest_returned(g);
		} else if (i == GUEST_POLLS_MAX) {
			break;
		}
	}
}

void guest_work(struct guest *g)
{
	struct trace_event event = { .kind = TRACE_WORK };
	struct ledger_probe after;

	g->entered = true;
	if (g->trace != NULL)
		g->trace->event(g->trace->ctx, &event);
	ledger_work_begin(&g->ledger);
	target_work(g->target, g->device);
	guest_returned(g);
	guest_look(g, false, &after);
	ledger_work_end(&g->ledger, &after);
}

void guest_settle(struct guest *g)
{
	bool works = target_state(g->target, g->device) == DEVICE_WORK;
	unsigned steps = 0, still = 0;

	for (; steps < GUEST_SETTLE_MAX && works; steps++) {
		guest_work(g);
		still = ledger_stood_still(&g->ledger, g->device) ? still + 1 : 0;
		works = target_state(g->target, g->device) == DEVICE_WORK;
	}
	if (steps > 0)
		ledger_worked(&g->ledger, still, works && still == GUEST_SETTLE_MAX);
}

static void set_region(struct guest *g, unsigned region, bool present)
{
	const struct trace_event event = { .kind = TRACE_REGION,
					   .addr = g->arena.regions[region].base,
					   .value = present,
					   .len = g->arena.regions[region].whole };
	struct ledger_probe after;
	bool done;

	if ((g->arena.regions[region].size != 0) == present)
		return;
	g->entered = true;
	if (g->trace != NULL)
		g->trace->event(g->trace->ctx, &event);
	if (present)
		arena_set_region(&g->arena, region, true);
	ledger_work_begin(&g->ledger);
	done = g->target->set_region(g->device, g->arena.regions[region].base, present);
	guest_returned(g);
	guest_look(g, false, &after);
	ledger_work_end(&g->ledger, &after);
	/* What it still did there in that call was no mistake. */
	if (done != present)
		arena_set_region(&g->arena, region, false);
}

void guest_set_regions(struct guest *g, uint64_t addr, uint64_t len, bool present)
{
	if (!g->arena.plain || g->target->set_region == NULL || g->device == NULL)
		return;
	for (unsigned i = 0; i < g->arena.region_count; i++) {
		uint64_t offset = g->arena.regions[i].base - addr;
		uint32_t whole = g->arena.regions[i].whole;

		if (offset < len && len - offset >= whole)
			set_region(g, i, present);
	}
}

uint32_t guest_host(struct guest *g, enum host_act act, unsigned port, void *data, uint32_t len)
{
	struct trace_event event = { .kind = TRACE_HOST, .index = port, .value = act };
	struct ledger_probe after;
	uint32_t moved;

	g->entered = true;
	ledger_work_begin(&g->ledger);
	ledger_host_begin(&g->ledger, act, port, data, len);
	moved = target_host(g->target, g->device, act, port, data, len);
	guest_returned(g);
	moved = ledger_host_end(&g->ledger, act, port, data, len, moved);
	guest_look(g, false, &after);
	ledger_work_end(&g->ledger, &after);
	record_timed(&g->record, RECORD_HOST, moved);
	if (act == HOST_TAKE && !g->record.loose)
		record_bytes(&g->record, RECORD_HOST, data, moved);
	event.len = moved;
	event.data = data;
	if (g->trace != NULL)
		g->trace->event(g->trace->ctx, &event);
	return moved;
}

uint32_t guest_outstanding(struct guest *g, unsigned queue)
{
	const struct guest_queue *q = &g->queues[queue];
	uint64_t avail = q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0);

	if (q->size == 0)
		return 0;
	return (uint16_t)((q->packed ? q->avail_idx : arena_load16(&g->arena, avail)) -
			  guest_used_idx(g, queue));
}

uint16_t guest_used_idx(struct guest *g, unsigned queue)
{
	if (g->queues[queue].packed)
		return guest_packed_used_idx(g, queue);
	if (g->queues[queue].in_order)
		guest_in_order_reap(g, queue);
	return arena_load16(&g->arena, g->queues[queue].ring[VIRTQUEUE_DEVICE] +
					       ring_at(&ring_split, GUEST_USED_IDX, 0, 0));
}

struct guest_used guest_used_entry(struct guest *g, unsigned queue, uint16_t idx)
{
	const struct guest_queue *q = &g->queues[queue];
	struct vring_used_elem entry;

	if (q->packed || q->in_order)
		return guest_packed_used(g, queue, idx);
	arena_load(&g->arena,
		   q->ring[VIRTQUEUE_DEVICE] +
			   ring_at(&ring_split, GUEST_USED_ENTRY, q->size, idx % q->size),
		   &entry, sizeof(entry));
	return (struct guest_used){ .id = le32toh(entry.id), .len = le32toh(entry.len) };
}

bool guest_take(struct guest *g, unsigned queue, uint32_t *id, uint32_t *len)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_used entry;

	if (q->size == 0 || q->used_idx == guest_used_idx(g, queue))
		return false;
	entry = guest_used_entry(g, queue, q->used_idx++);
	*id = entry.id;
	*len = entry.len;
	if (g->trace != NULL) {
		struct trace_event event = { .kind = TRACE_USED,
					     .why = { .queue = (uint16_t)queue },
					     .value = *id,
					     .len = *len };

		g->trace->event(g->trace->ctx, &event);
	}
	return true;
}
