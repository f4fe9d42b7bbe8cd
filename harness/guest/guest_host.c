/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's side, operation by operation: what a user of the device does to it
 * while a guest runs.  See guest.h.
 *
 * Nothing happens if the target has no host side.
 */
#include "harness/guest/guest_internal.h"

#include <string.h>

/* What an operation gives: its payload, and then `len` bytes of a pattern that is
 * the one of arena_pattern at address 0. */
SAME_FIELD(TYPE_PORT, PUT_BACK_PORT);
SAME_FIELD(TYPE_LEN, PUT_BACK_LEN);
SAME_FIELD(TYPE_SEED, PUT_BACK_SEED);

/* No engine knows how many ports there are, and a target's functions index by them. */
static bool has_port(const struct guest *g, unsigned port)
{
	return port < g->target->port_count;
}

static void give(struct guest *g, const struct program *prog, const struct op *op,
		 enum host_act act)
{
	static uint8_t bytes[OP_BYTES_MAX + UINT16_MAX];
	uint32_t len = (uint32_t)op->value[TYPE_LEN];
	unsigned port = (unsigned)op->value[TYPE_PORT];

	if (g->target->host == NULL || !has_port(g, port))
		return;
	if (op->data_len > 0)
		memcpy(bytes, prog->data + op->data_off, op->data_len);
	arena_pattern_bytes(bytes + op->data_len, 0, len, (uint8_t)op->value[TYPE_SEED]);
	guest_host(g, act, port, bytes, op->data_len + len);
}

void guest_type(struct guest *g, const struct program *prog, const struct op *op)
{
	give(g, prog, op, HOST_TYPE);
}

void guest_put_back(struct guest *g, const struct program *prog, const struct op *op)
{
	give(g, prog, op, HOST_PUT_BACK);
}

SAME_FIELD(REFUSE_PORT, HOLD_PORT);
SAME_FIELD(REFUSE_PORT, PRETEND_PORT);
SAME_FIELD(REFUSE_COUNT, HOLD_SENDS);
SAME_FIELD(REFUSE_COUNT, PRETEND_COUNT);

/* A device may act on it at once: on what the host had kept, and lets go. */
static void order(struct guest *g, enum host_order what, unsigned port, uint32_t count,
		  uint32_t amount)
{
	struct ledger_probe after;

	/* At 0 where there are none, as a disk's backend may have it. */
	if (g->target->order == NULL || (port > 0 && !has_port(g, port)))
		return;
	g->entered = true;
	ledger_work_begin(&g->ledger);
	ledger_ordered(&g->ledger, port);
	target_order(g->target, g->device, what, port, count, amount);
	guest_returned(g);
	guest_look(g, false, &after);
	ledger_work_end(&g->ledger, &after);
}

static void give_order(struct guest *g, const struct op *op, enum host_order what)
{
	order(g, what, (unsigned)op->value[REFUSE_PORT], (uint32_t)op->value[REFUSE_COUNT],
	      (uint32_t)op->value[REFUSE_TAKEN]);
}

void guest_refuse(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	give_order(g, op, ORDER_REFUSE);
}

void guest_hold(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	give_order(g, op, ORDER_HOLD);
}

void guest_pretend(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	give_order(g, op, ORDER_PRETEND);
	ledger_disk_crashed(&g->ledger);
}

void guest_forget_orders(struct guest *g)
{
	for (unsigned port = 0; port < g->target->port_count; port++)
		order(g, ORDER_FORGET, port, 0, 0);
	ledger_disk_replaced(&g->ledger);
}

/* What the driver reads where the host changed it is no matter of a reset. */
static void want(struct guest *g, enum host_act act, uint32_t value)
{
	uint32_t before[GUEST_REGISTERS_MAX];

	if (!(act == HOST_CHANGE_CONFIG ? g->target->changes_config : g->target->has_num_pages))
		return;
	guest_config_words(g, before);
	if (guest_host(g, act, 0, NULL, value) != 0)
		guest_note_config(g, before);
}

void guest_set_num_pages(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	want(g, HOST_SET_NUM_PAGES, (uint32_t)op->value[SET_NUM_PAGES_VALUE]);
}

void guest_change_config(struct guest *g, const struct program *prog, const struct op *op)
{
	(void)prog;
	want(g, HOST_CHANGE_CONFIG, (uint32_t)op->value[CHANGE_CONFIG_VALUE]);
}

void guest_want_nothing(struct guest *g)
{
	want(g, HOST_SET_NUM_PAGES, 0);
	want(g, HOST_CHANGE_CONFIG, 0);
}

static void take(struct guest *g, unsigned port, uint32_t max)
{
	if (g->target->host == NULL)
		return;
	g->output_len = has_port(g, port) ? guest_host(g, HOST_TAKE, port, g->output, max) : 0;
}

void guest_take_output(struct guest *g, const struct program *prog, const struct op *op)
{
	uint32_t max = (uint32_t)op->value[TAKE_OUTPUT_MAX];

	(void)prog;
	take(g, (unsigned)op->value[TAKE_OUTPUT_PORT], max != 0 ? max : GUEST_OUTPUT_MAX);
}

void guest_take_all_output(struct guest *g)
{
	for (unsigned port = 0; port < g->target->port_count; port++) {
		do
			take(g, port, GUEST_OUTPUT_MAX);
		while (g->output_len == GUEST_OUTPUT_MAX);
	}
}
