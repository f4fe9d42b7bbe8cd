/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What goes into a program that is recorded: the session's operations, and before them
 * what makes a new device as the session had it.  See recorder_internal.h.
 */
#include "harness/serve/recorder_internal.h"

#include "devices/ring.h"

#include <string.h>

#define EMPTY_PERCENT 25u /* of its room used, up to which a program keeps more of a chain */
#define PAGES_BYTES 8192u /* of numbers of pages: another number is another page */

void recorder_forget_descs(struct recorder *r)
{
	for (unsigned q = 0; q < PROGRAM_QUEUES; q++)
		memset(r->queue[q].known, 0, sizeof(r->queue[q].known));
}

/* Has this program written that descriptor so before?  From now on it has. */
static bool is_known(struct recorder *r, const struct op *op)
{
	uint64_t index = op->value[DESC_INDEX];
	struct recorder_desc *known, desc = { .known = true,
					      .base = op->base[DESC_ADDR],
					      .flags = (uint16_t)op->value[DESC_FLAGS],
					      .next = (uint16_t)op->value[DESC_NEXT],
					      .len = (uint32_t)op->value[DESC_LEN],
					      .addr = op->value[DESC_ADDR] };

	if (index >= GUEST_QUEUE_SIZE_MAX)
		return false;
	known = &r->queue[op->value[DESC_QUEUE]].known[index];
	if (known->known && known->base == desc.base && known->flags == desc.flags &&
	    known->next == desc.next && known->len == desc.len && known->addr == desc.addr)
		return true;
	*known = desc;
	return false;
}

struct op recorder_named(const struct recorder *r, const struct op *op)
{
	const struct op_desc *desc = op_find(op->code);
	struct op out = *op;

	for (unsigned i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++)
		if (desc->fields[i].kind == FIELD_ADDR && op->base[i] == BASE_ABSOLUTE &&
		    op->value[i] != 0)
			out.value[i] =
				recorder_name(&r->run->guest.arena, op->value[i], &out.base[i]);
	return out;
}

typedef bool add_fn(struct recorder *r, const struct program *prog, const struct op *op);

static bool add_store(struct recorder *r, const struct program *prog, const struct op *op)
{
	uint64_t addr = guest_addr(&r->run->guest, op->base[STORE_ADDR], op->value[STORE_ADDR]);
	uint8_t base;
	uint64_t offset = recorder_name(&r->run->guest.arena, addr, &base);

	return recorder_part_store(&r->now, &r->run->guest.arena, base, offset,
				   prog->data + op->data_off, op->data_len);
}

static bool add_desc(struct recorder *r, const struct program *prog, const struct op *op)
{
	return is_known(r, op) || recorder_part_op(&r->now, prog, op);
}

static bool add_publish(struct recorder *r, const struct program *prog, const struct op *op)
{
	r->now.literal = 0;
	r->now.literal_max = recorder_literal_max(r);
	return recorder_part_op(&r->now, prog, op);
}

uint32_t recorder_literal_max(const struct recorder *r)
{
	if (r->run->guest.target->pages_max > 0)
		return PAGES_BYTES;
	return recorder_part_used(&r->now) < EMPTY_PERCENT ? RECORDER_PAYLOAD_MAX
							   : RECORDER_PAYLOAD_LEAST;
}

/* A driver that looks at its configuration again has seen nothing new. */
static bool add_config_read(struct recorder *r, const struct program *prog, const struct op *op)
{
	const struct program *now = &r->now.prog;

	for (uint32_t i = now->op_count; i > 0 && now->ops[i - 1].code == OP_CONFIG_READ; i--)
		if (memcmp(now->ops[i - 1].value, op->value, sizeof(op->value)) == 0)
			return true;
	return recorder_part_op(&r->now, prog, op);
}

/* Of a long one the end stands as a pattern. */
static bool add_type(struct recorder *r, const struct program *prog, const struct op *op)
{
	struct op out = *op;
	uint32_t max = recorder_literal_max(r);

	if (op->value[TYPE_LEN] == 0 && op->data_len > max) {
		out.value[TYPE_LEN] = op->data_len - max;
		out.value[TYPE_SEED] = 1;
		out.data_len = (uint16_t)max;
		r->now.replaced = true;
	}
	return recorder_part_op(&r->now, prog, &out);
}

/* An entry of a packed ring and its wrap counter, as far behind another as `to` is behind
 * `from`. */
static uint16_t moved_event(uint16_t size, uint16_t event, uint16_t from, uint16_t to)
{
	uint32_t laps = 2u * size, entry = event & (RING_EVENT_WRAP - 1u);

	if (size == 0 || entry >= size)
		return event;
	if ((event & RING_EVENT_WRAP) == 0)
		entry += size;
	entry = (entry + laps + to - from) % laps;
	return (uint16_t)(entry % size | (entry < size ? RING_EVENT_WRAP : 0));
}

/* By this program's count of used entries. */
static bool add_used_event(struct recorder *r, const struct program *prog, const struct op *op)
{
	unsigned queue = (unsigned)op->value[USED_EVENT_QUEUE];
	const struct guest_queue *ring = &r->run->guest.queues[queue];
	const struct recorder_queue *q = &r->queue[queue];
	uint16_t event = (uint16_t)op->value[USED_EVENT_VALUE];
	struct op out = *op;

	out.value[USED_EVENT_VALUE] = ring->packed
					      ? moved_event(ring->size, event, q->used, q->used_now)
					      : (uint16_t)(event - q->used + q->used_now);
	return recorder_part_op(&r->now, prog, &out);
}

/* The others stand as they are. */
static add_fn *const add_fns[256] = {
	[OP_STORE] = add_store,		  [OP_DESC] = add_desc, [OP_PUBLISH] = add_publish,
	[OP_USED_EVENT] = add_used_event, [OP_TYPE] = add_type, [OP_CONFIG_READ] = add_config_read,
};

bool recorder_add(struct recorder *r, const struct program *prog, const struct op *op)
{
	struct op out = recorder_named(r, op);

	if (add_fns[op->code] != NULL)
		return add_fns[op->code](r, prog, &out);
	return recorder_part_op(&r->now, prog, &out);
}

static bool add_part(struct recorder *r, const struct recorder_part *part)
{
	unsigned demand = 0;

	for (uint32_t i = 0; i < part->prog.op_count; i++) {
		if (!recorder_add(r, &part->prog, &part->prog.ops[i]))
			return false;
		for (; demand < part->demand_count && part->demands[demand].op == i; demand++) {
			const struct recorder_demand *d = &part->demands[demand];

			recorder_count_used(r, d->queue, &r->queue[d->queue].used_now, d->entries);
			if (!recorder_part_demand(&r->now, d))
				return false;
		}
	}
	return true;
}

static bool add_plain(struct recorder *r, uint8_t code, uint64_t first, uint64_t second)
{
	struct op op = { .code = code, .value = { first, second } };

	return recorder_add(r, &r->now.prog, &op);
}

/* What the driver wrote for the device to look at before it interrupts. */
static bool add_wishes(struct recorder *r, unsigned queue)
{
	const struct recorder_queue *q = &r->queue[queue];

	if (q->flags != 0 && !add_plain(r, OP_AVAIL_FLAGS, queue, q->flags))
		return false;
	return !q->has_event || add_plain(r, OP_USED_EVENT, queue, q->event);
}

/* A chain on its way, by the same operations as the session's. */
static bool add_chain(struct recorder *r, unsigned queue, uint16_t head)
{
	static struct recorder_part part;
	recorder_part_clear(&part, &r->header);
	part.literal_max = recorder_literal_max(r);
	if (!recorder_chain(&part, r, queue, head))
		return false;
	r->now.replaced = r->now.replaced || part.replaced;
	return add_part(r, &part);
}

/* Chains that the device has, but for those that the dialogue made available. */
static bool add_outstanding(struct recorder *r)
{
	for (unsigned queue = 0; queue < PROGRAM_QUEUES; queue++) {
		const struct recorder_queue *q = &r->queue[queue];
		bool any = false;

		for (unsigned i = 0; i < q->out_count; i++) {
			if (q->out[i].dialogue)
				continue;
			any = true;
			if (!add_chain(r, queue, q->out[i].head))
				return false;
		}
		if (any && !add_plain(r, OP_NOTIFY, queue, 0))
			return false;
	}
	return true;
}

bool recorder_add_state(struct recorder *r)
{
	if (!add_part(r, &r->setup))
		return false;
	if (r->num_pages.given && !add_plain(r, OP_SET_NUM_PAGES, r->num_pages.value, 0))
		return false;
	if (r->config.given && !add_plain(r, OP_CHANGE_CONFIG, r->config.value, 0))
		return false;
	if (!add_part(r, &r->dialogue))
		return false;
	for (unsigned queue = 0; queue < PROGRAM_QUEUES; queue++)
		if (!add_wishes(r, queue))
			return false;
	return add_outstanding(r);
}
