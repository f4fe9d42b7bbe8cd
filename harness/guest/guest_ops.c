/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lying guest, operation by operation: sessions here, what it
 * writes into memory in guest_memory.c.  See guest.h.
 *
 * It never fails: what cannot be done (a ring in a hole, a queue that is not
 * there) is done as far as it goes, as on a real machine.
 */
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/guest/guest_internal.h"

#include <linux/virtio_config.h>

/* Set a queue up as a driver does, rings initialised; ring[part] 0: where it
 * is.  size 0: the largest that its place has room for.  `needed` false: leave a
 * queue alone that the device says is not there. */
static bool set_up_queue(struct guest *g, unsigned queue, uint16_t size,
			 const uint64_t ring[VIRTQUEUE_AREA_COUNT], bool needed)
{
	const struct transport *t = g->transport;
	struct guest_queue *q = &g->queues[queue];
	uint32_t max;

	t->select_queue(g, queue);
	max = t->read_queue_max(g);
	if (max == 0 && !needed)
		return false;
	if (size == 0) {
		size = (uint16_t)guest_queue_room(queue);
		while (size > max && size > 1)
			size /= 2;
	}
	q->size = size;
	for (int part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		if (ring[part] != 0)
			q->ring[part] = ring[part];
	t->write_queue(g, size, q->ring);
	q->avail_idx = 0;
	q->event = GUEST_EVENT_NEXT;
	q->used_idx = 0;
	arena_fill(&g->arena, q->ring[VIRTQUEUE_DRIVER], 4, 0);
	arena_fill(&g->arena, q->ring[VIRTQUEUE_DEVICE], 4, 0);
	q->packed = ring_is_packed(g->accepted);
	q->in_order = (g->accepted >> VIRTIO_F_IN_ORDER & 1) != 0;
	if (q->packed || q->in_order)
		guest_packed_start(g, queue);
	t->write_queue_ready(g, 1);
	return true;
}

/* Where an operation puts the parts of a ring, from that field on; 0: where they are. */
static void ring_places(const struct guest *g, const struct op *op, unsigned field,
			uint64_t ring[VIRTQUEUE_AREA_COUNT])
{
	for (unsigned part = 0; part < VIRTQUEUE_AREA_COUNT; part++)
		ring[part] = guest_addr(g, op->base[field + part], op->value[field + part]);
}

#define FEATURE(name) (UINT64_C(1) << VIRTIO_F_##name)
#define NAMED_FEATURES                                                                             \
	(FEATURE(RING_PACKED) | FEATURE(IN_ORDER) | FEATURE(NOTIFICATION_DATA) |                   \
	 FEATURE(RING_RESET) | FEATURE(SUSPEND))

static uint64_t accepted_by_name(const struct op *op)
{
	static const struct {
		uint16_t bit; /* enum accept_bit */
		uint64_t feature;
	} named[] = {
		{ ACCEPT_IN_ORDER, FEATURE(IN_ORDER) },
		{ ACCEPT_NOTIFICATION_DATA, FEATURE(NOTIFICATION_DATA) },
		{ ACCEPT_RING_RESET, FEATURE(RING_RESET) },
		{ ACCEPT_SUSPEND, FEATURE(SUSPEND) },
	};
	uint64_t features = op->value[START_RING] == RING_FORMAT_PACKED ? FEATURE(RING_PACKED) : 0;

	for (unsigned i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if ((op->value[START_ACCEPT] & named[i].bit) != 0)
			features |= named[i].feature;
	return features;
}

/* Of those offered; bits 0 to 63 as they are where none of these is named, and so bits 64
 * to 127 where none of all is.  The packed ring and what `accept` may name are accepted by their
 * own names alone: old programs mean a driver without them, whatever they say of features. */
static struct features start_features(struct features offered, const struct op *op)
{
	uint64_t low = op->value[START_FEATURES], high = op->value[START_FEATURES_HIGH];
	uint64_t by_name = NAMED_FEATURES, named = accepted_by_name(op);

	if (low != 0 || high != 0)
		offered.high &= high;
	if (low != 0)
		offered.low &= low | by_name;
	offered.low &= ~by_name | named;
	return offered;
}

static void op_start(struct guest *g, const struct program *prog, const struct op *op)
{
	static const uint64_t in_place[VIRTQUEUE_AREA_COUNT];
	uint64_t places[VIRTQUEUE_AREA_COUNT];
	const struct transport *t = g->transport;
	uint64_t rung = op->value[START_RUNG];
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE;

	(void)prog;
	ring_places(g, op, START_DESC, places);
	t->write_status(g, 0);
	if (rung >= RUNG_ACKNOWLEDGE)
		t->write_status(g, status);
	status |= VIRTIO_CONFIG_S_DRIVER;
	if (rung >= RUNG_DRIVER)
		t->write_status(g, status);
	if (rung >= RUNG_FEATURES) {
		struct features accepted = start_features(t->read_features(g), op);

		g->accepted = accepted.low;
		t->write_features(g, accepted);
	}
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	if (rung >= RUNG_FEATURES_OK)
		t->write_status(g, status);
	for (unsigned i = 0; rung >= RUNG_QUEUES && i < g->target->queue_count; i++)
		if (i < PROGRAM_QUEUES)
			g->requests.queue[i].ready = set_up_queue(
				g, i, guest_start_size(i, op->value[START_SIZE]),
				i == op->value[START_QUEUE] ? places : in_place, false);
	if (rung >= RUNG_DRIVER_OK)
		t->write_status(g, status | VIRTIO_CONFIG_S_DRIVER_OK);
	requests_started(g, rung >= RUNG_DRIVER_OK);
}

static void op_status(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->write_status(g, (uint32_t)op->value[STATUS_VALUE]);
}

static void op_negotiate(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->accepted = op->value[NEGOTIATE_FEATURES];
	g->transport->write_features(
		g, (struct features){ g->accepted, op->value[NEGOTIATE_FEATURES_HIGH] });
}

static void op_queue(struct guest *g, const struct program *prog, const struct op *op)
{
	uint64_t ring[VIRTQUEUE_AREA_COUNT];

	(void)prog;
	ring_places(g, op, QUEUE_DESC, ring);
	set_up_queue(g, (unsigned)op->value[QUEUE_QUEUE], (uint16_t)op->value[QUEUE_SIZE], ring,
		     true);
	if (op->value[QUEUE_QUEUE] < g->target->queue_count)
		requests_set_up(g, (unsigned)op->value[QUEUE_QUEUE]);
}

static void op_ready(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->select_queue(g, op->value[READY_QUEUE]);
	g->transport->write_queue_ready(g, op->value[READY_VALUE]);
}

uint64_t guest_notified(const struct guest *g, const struct op *op)
{
	uint64_t value = op->value[NOTIFY_QUEUE];

	return (g->accepted & FEATURE(NOTIFICATION_DATA)) != 0 ? value & UINT16_MAX : value;
}

static void op_notify(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->notify(g, op->value[NOTIFY_QUEUE], (uint16_t)op->value[NOTIFY_FLIP]);
	if (guest_notified(g, op) < PROGRAM_QUEUES)
		requests_follow(g, (unsigned)guest_notified(g, op));
}

static void op_take(struct guest *g, const struct program *prog, const struct op *op)
{
	uint64_t count = op->value[TAKE_COUNT] != 0 ? op->value[TAKE_COUNT] : UINT16_MAX + 1;
	uint32_t id, len;

	(void)prog;
	while (count-- > 0 && guest_take(g, (unsigned)op->value[TAKE_QUEUE], &id, &len))
		;
}

static void op_ack(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->ack_interrupt(g, op->value[ACK_BITS]);
}

static void op_config_read(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->read_config(g, op->value[CONFIG_READ_OFFSET],
				  (uint32_t)op->value[CONFIG_READ_WIDTH]);
}

static void op_config_write(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->write_config(g, op->value[CONFIG_WRITE_OFFSET],
				   (uint32_t)op->value[CONFIG_WRITE_WIDTH],
				   op->value[CONFIG_WRITE_VALUE]);
}

static void op_reset(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	g->transport->write_status(g, 0);
}

static void op_reset_queue(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->transport->select_queue(g, op->value[RESET_QUEUE_QUEUE]);
	g->transport->write_queue_reset(g, 1);
	if (op->value[RESET_QUEUE_QUEUE] < g->target->queue_count)
		requests_queue_reset(g, (unsigned)op->value[RESET_QUEUE_QUEUE]);
}

static void op_read(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	if (g->transport->read_register != NULL)
		g->transport->read_register(g, (uint32_t)op->value[READ_REGISTER],
					    (uint32_t)op->value[READ_WIDTH]);
}

static void op_write(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	if (g->transport->write_register != NULL)
		g->transport->write_register(g, (uint32_t)op->value[WRITE_REGISTER],
					     (uint32_t)op->value[WRITE_WIDTH],
					     op->value[WRITE_VALUE]);
}

SAME_FIELD(SEND_QUEUE, OFFER_QUEUE);
SAME_FIELD(SEND_HEAD, OFFER_HEAD);
static void op_send(struct guest *g, const struct program *prog, const struct op *op)
{
	guest_offer(g, prog, op);
	g->transport->notify(g, op->value[SEND_QUEUE], 0);
	requests_follow(g, (unsigned)op->value[SEND_QUEUE]);
}

static void op_race(struct guest *g, const struct program *prog, const struct op *op)
{
	arena_race(&g->arena, (uint32_t)op->value[RACE_READ],
		   guest_addr(g, op->base[RACE_ADDR], op->value[RACE_ADDR]),
		   prog->data + op->data_off,
		   op->data_len < ARENA_RACE_BYTES_MAX ? op->data_len : ARENA_RACE_BYTES_MAX);
}

static void op_race_write(struct guest *g, const struct program *prog, const struct op *op)
{
	arena_race_write(&g->arena, (uint32_t)op->value[RACE_WRITE_WRITE],
			 guest_addr(g, op->base[RACE_WRITE_OF], op->value[RACE_WRITE_OF]),
			 guest_addr(g, op->base[RACE_WRITE_ADDR], op->value[RACE_WRITE_ADDR]),
			 prog->data + op->data_off,
			 op->data_len < ARENA_RACE_BYTES_MAX ? op->data_len : ARENA_RACE_BYTES_MAX);
}

static void op_fault_access(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->arena.fault_nth = (uint32_t)op->value[FAULT_ACCESS_NTH];
	g->arena.fault_kind = (uint8_t)op->value[FAULT_ACCESS_KIND];
	g->arena.fault_purpose = (uint8_t)op->value[FAULT_ACCESS_PURPOSE];
}

static void op_fault_alloc(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	g->heap.fault_nth = (uint32_t)op->value[FAULT_ALLOC_NTH];
}

static void op_disarm(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	arena_disarm(&g->arena);
}

static void op_work(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	guest_work(g);
}

static void op_settle(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	(void)op;
	guest_settle(g);
}

static void op_nop(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)g;
	(void)prog;
	(void)op;
}

typedef void guest_op_fn(struct guest *g, const struct program *prog, const struct op *op);

/* The others are the run's. */
TABLE_SPARSE(static guest_op_fn *const, op_fns, 256, OP_COUNT - GUEST_OPS_ELSEWHERE,
	[OP_NOP] = op_nop,
	[OP_START] = op_start,
	[OP_STATUS] = op_status,
	[OP_NEGOTIATE] = op_negotiate,
	[OP_QUEUE] = op_queue,
	[OP_READY] = op_ready,
	[OP_NOTIFY] = op_notify,
	[OP_TAKE] = op_take,
	[OP_ACK] = op_ack,
	[OP_CONFIG_READ] = op_config_read,
	[OP_CONFIG_WRITE] = op_config_write,
	[OP_RESET] = op_reset,
	[OP_RESET_QUEUE] = op_reset_queue,
	[OP_READ] = op_read,
	[OP_WRITE] = op_write,
	[OP_STORE] = guest_store,
	[OP_FILL] = guest_fill,
	[OP_PATTERN] = guest_pattern,
	[OP_UNMAP] = guest_unmap,
	[OP_MAP] = guest_map,
	[OP_BUFFER] = guest_buffer,
	[OP_DESC] = guest_desc,
	[OP_SET_DESC] = guest_set_desc,
	[OP_CHAIN] = guest_chain,
	[OP_PUBLISH] = guest_publish,
	[OP_OFFER] = guest_offer,
	[OP_SEND] = op_send,
	[OP_CHAIN_REQUEST] = guest_chain_request,
	[OP_OFFER_REQUEST] = guest_offer_request,
	[OP_SEND_REQUEST] = guest_send_request,
	[OP_AVAIL_IDX] = guest_avail_idx,
	[OP_AVAIL_FLAGS] = guest_avail_flags,
	[OP_AVAIL_ENTRY] = guest_avail_entry,
	[OP_USED_EVENT] = guest_used_event,
	[OP_PACKED_DESC] = guest_put_entry,
	[OP_PACKED_MOVE] = guest_move,
	[OP_DRIVER_EVENT] = guest_driver_event,
	[OP_RACE] = op_race,
	[OP_RACE_WRITE] = op_race_write,
	[OP_FAULT_ACCESS] = op_fault_access,
	[OP_FAULT_ALLOC] = op_fault_alloc,
	[OP_DISARM] = op_disarm,
	[OP_EVENT_AT] = guest_event_at,
	[OP_WORK] = op_work,
	[OP_SETTLE] = op_settle,
	[OP_TYPE] = guest_type,
	[OP_TAKE_OUTPUT] = guest_take_output,
	[OP_PUT_BACK] = guest_put_back,
	[OP_REFUSE] = guest_refuse,
	[OP_HOLD] = guest_hold,
	[OP_PRETEND] = guest_pretend,
	[OP_SET_NUM_PAGES] = guest_set_num_pages,
	[OP_CHANGE_CONFIG] = guest_change_config);

void guest_op(struct guest *g, const struct program *prog, const struct op *op)
{
	requests_note(g, prog, op);
	op_fns[op->code](g, prog, op);
}
