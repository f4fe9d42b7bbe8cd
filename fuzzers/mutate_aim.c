/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutations that are aimed: at indirect tables, at the end of the configuration, and at what a
 * filter of frames may know.
 * See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/if_ether.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define TABLE_MAX 4u	   /* descriptors of a table */
#define TABLE_DATA 0x28000 /* where buffers that are one piece begin, unless moved: guest.c */

/* Of an indirect table, before it is written. */
struct table {
	uint32_t count;
	struct vring_desc desc[TABLE_MAX];
	uint32_t len;	/* as the descriptor that names it says */
	uint64_t flags; /* ... beside INDIRECT */
};

/* A chain as a driver builds it: what is read, then what is written. */
static void fill_table(struct mutator *m, struct table *t, bool driven)
{
	static const uint16_t places[] = { 0, 0x100, 0x200, 0x1000, 0x2000, 0x2100, 0x3000 };
	static const uint16_t lens[] = { 12, 12, 64, 64, 76, 16, 8, 1, 0, 1514, 4096 };
	/* Room for what a device has to say, mostly. */
	static const uint16_t rooms[] = { 12, 64, 76, 8, 1514, 2048, 4096, 4096, 4096, 4096 };
	uint32_t read;

	memset(t, 0, sizeof(*t));
	t->count = 1 + random_below(m, TABLE_MAX);
	read = driven ? 1 + random_below(m, t->count) : 0;
	for (uint32_t i = 0; i < t->count; i++) {
		struct vring_desc *desc = &t->desc[i];

		desc->addr = TABLE_DATA + PICK(m, places);
		desc->len = driven ? PICK(m, lens) : PICK(m, rooms);
		desc->flags = (uint16_t)((i + 1 < t->count ? VRING_DESC_F_NEXT : 0) |
					 (i >= read ? VRING_DESC_F_WRITE : 0));
		desc->next = (uint16_t)(i + 1 < t->count ? i + 1 : 0);
	}
	t->len = t->count * (uint32_t)sizeof(struct vring_desc);
}

/* One mistake: in the length of the table, in its flags, or in what leads on. */
static void spoil_table(struct mutator *m, struct table *t)
{
	static const int32_t steps[] = { -1, 1, -8, 8, -16, 16, 15, INT32_MIN };
	struct vring_desc *desc = &t->desc[random_below(m, t->count)];

	switch (random_below(m, 8)) {
	case 0:
	case 6:
		t->len += (uint32_t)PICK(m, steps);
		break;
	case 1:
		t->len = (uint32_t)value_edge(m);
		break;
	case 2:
		t->flags = random_chance(m, 2) ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE;
		break;
	case 3: /* a table in a table */
		desc->flags |= VRING_DESC_F_INDIRECT;
		break;
	case 5: /* it is the entries that say so, not the table */
		for (uint32_t i = 0; i < t->count; i++)
			t->desc[i].flags &= (uint16_t)~VRING_DESC_F_WRITE;
		t->flags = random_chance(m, 2) ? VRING_DESC_F_WRITE : 0;
		break;
	case 4: /* a loop, or out of the table */
		desc->flags |= VRING_DESC_F_NEXT;
		desc->next = (uint16_t)random_below(m, TABLE_MAX + 2);
		break;
	default:
		desc->addr = value_edge(m);
		break;
	}
}

/* The table's bytes, as a guest writes them; in that of a packed ring the last two fields
 * stand the other way round, and what would be `next` is an id. */
static size_t spell_table(const struct table *t, bool packed, uint8_t *bytes)
{
	unsigned flags = packed ? 14 : 12, next = packed ? 12 : 14;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct vring_desc *desc = &t->desc[i];
		uint8_t *at = bytes + i * sizeof(*desc);

		put_number(at, desc->addr, 8);
		put_number(at + 8, desc->len, 4);
		put_number(at + flags, desc->flags, 2);
		put_number(at + next, desc->next, 2);
	}
	return t->count * sizeof(struct vring_desc);
}

bool aims_at_indirect(const struct mutator *m)
{
	return (m->features >> VIRTIO_RING_F_INDIRECT_DESC & 1) != 0;
}

/* Publish what a head names, and tell of it where the device waits for that. */
static bool publish(struct mutator *m, struct program *prog, uint32_t at, unsigned queue,
		    uint64_t head)
{
	struct op *op = edit_add(prog, at, OP_PUBLISH);

	if (op == NULL)
		return false;
	op->value[PUBLISH_QUEUE] = queue;
	op->value[PUBLISH_HEAD] = head;
	if (!m->driven[queue])
		return true;
	op = edit_add(prog, at + 1, OP_NOTIFY);
	if (op != NULL)
		op->value[NOTIFY_QUEUE] = queue;
	return op != NULL;
}

bool add_indirect(struct mutator *m, struct program *prog, uint32_t at)
{
	/* A page, a short one, one across a seam, the last bytes, one that is not there. */
	static const uint8_t slots[] = { 4, 4, 4, 11, 2, 1, 13, 13, 14, 15 };
	unsigned queue = random_below(m, m->queue_count), head = random_below(m, 4);
	uint8_t slot = PICK(m, slots), bytes[TABLE_MAX * sizeof(struct vring_desc)];
	struct table table;
	struct op *op = edit_add(prog, at, OP_STORE);

	fill_table(m, &table, m->driven[queue]);
	if (random_chance(m, 2))
		spoil_table(m, &table);
	if (op == NULL)
		return false;
	op->base[STORE_ADDR] = BASE_SLOT + slot;
	if (!edit_payload(m, prog, op, bytes, spell_table(&table, rings_are_packed(prog), bytes)))
		return false;
	op = edit_add(prog, at + 1, OP_DESC);
	if (op == NULL)
		return false;
	op->value[DESC_QUEUE] = queue;
	op->value[DESC_INDEX] = head;
	op->base[DESC_ADDR] = BASE_SLOT + slot;
	op->value[DESC_LEN] = table.len;
	op->value[DESC_FLAGS] = VRING_DESC_F_INDIRECT | table.flags;
	op->value[DESC_NEXT] = head + 1;
	return publish(m, prog, at + 2, queue, head);
}

/* An operation with buffers, and what they are: NULL if the program has none. */
static const struct op *find_chain(struct mutator *m, const struct program *prog)
{
	uint32_t at = prog->op_count > 0 ? random_below(m, prog->op_count) : 0;

	for (uint32_t i = 0; i < prog->op_count; i++) {
		const struct op *op = &prog->ops[(at + i) % prog->op_count];

		if (op_find(op->code)->payload == PAYLOAD_ELEMENTS && op->data_len > 0 &&
		    op->value[OFFER_QUEUE] < m->queue_count)
			return op;
	}
	return NULL;
}

/* The descriptor that makes a table of the first ones of the queue: of so many, or nearly;
 * behind them, or, now and then, one of them. */
static void name_table(struct mutator *m, struct op *op, unsigned queue, uint32_t count)
{
	static const uint8_t flags[] = { 0, 0, 0, 0, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE };
	static const int8_t steps[] = { 0, 0, 0, 0, 0, 0, -16, 16, -1, 1, 8 };

	op->value[DESC_QUEUE] = queue;
	op->value[DESC_INDEX] = random_chance(m, 8) ? random_below(m, count) : count;
	op->base[DESC_ADDR] = ring_base(queue, VIRTQUEUE_DESC);
	op->value[DESC_ADDR] = random_chance(m, 8) ? 16 : 0;
	op->value[DESC_LEN] =
		(uint32_t)((int32_t)count * (int32_t)sizeof(struct vring_desc) + PICK(m, steps));
	op->value[DESC_FLAGS] = VRING_DESC_F_INDIRECT | PICK(m, flags);
	op->value[DESC_NEXT] = random_below(m, count + 2);
}

/* A chain that the program has becomes a table, which is the queue's own descriptors: of a split
 * ring, where they lie in memory. */
static bool wrap_chain(struct mutator *m, struct program *prog, uint32_t at)
{
	const struct op *found = find_chain(m, prog);
	uint64_t head;
	unsigned queue;
	uint32_t count;
	struct op chain, *op;

	if (found == NULL || rings_are_packed(prog))
		return add_indirect(m, prog, at);
	chain = *found;
	queue = (unsigned)chain.value[OFFER_QUEUE];
	count = chain.data_len < 64 ? chain.data_len : 64;
	op = edit_add(prog, at, OP_CHAIN);
	if (op == NULL)
		return false;
	op->value[CHAIN_QUEUE] = queue;
	/* Payloads are never changed in place: two may share one. */
	op->data_off = chain.data_off;
	op->data_len = chain.data_len;
	op = edit_add(prog, at + 1, OP_DESC);
	if (op == NULL)
		return false;
	name_table(m, op, queue, count);
	head = op->value[DESC_INDEX];
	return publish(m, prog, at + 2, queue, head);
}

/* A request in a table, with one mistake in the descriptor that names it. */
static bool wrap_request(struct mutator *m, struct program *prog, uint32_t at)
{
	static const uint16_t lens[] = { 0, 1, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 1024, 4096 };
	static const uint8_t flags[] = { VRING_DESC_F_NEXT, VRING_DESC_F_WRITE,
					 VRING_DESC_F_INDIRECT, 0 };
	const struct target_request *request = &m->requests[random_below(m, m->request_count)];
	unsigned queue = request->queue;
	uint32_t head = 1 + random_below(m, 4);
	struct op *op = edit_add(prog, at, OP_CHAIN_REQUEST);

	if (op == NULL)
		return false;
	op->value[CHAIN_REQUEST_QUEUE] = queue;
	op->value[CHAIN_REQUEST_WHICH] = random_below(m, m->request_count);
	op->value[CHAIN_REQUEST_LAYOUT] = LAYOUT_INDIRECT;
	op->value[CHAIN_REQUEST_HEAD] = head;
	op->value[CHAIN_REQUEST_SPLIT] = random_below(m, 20);
	op = edit_add(prog, at + 1, OP_SET_DESC);
	if (op == NULL)
		return false;
	op->value[SET_DESC_QUEUE] = queue;
	op->value[SET_DESC_INDEX] = head;
	if (random_chance(m, 2)) {
		op->value[SET_DESC_FIELD] = DESC_FIELD_LEN;
		op->value[SET_DESC_VALUE] = PICK(m, lens);
	} else {
		op->value[SET_DESC_FIELD] = DESC_FIELD_FLAGS;
		op->value[SET_DESC_VALUE] = VRING_DESC_F_INDIRECT ^ PICK(m, flags);
	}
	return publish(m, prog, at + 2, queue, head);
}

bool add_wrapped(struct mutator *m, struct program *prog, uint32_t at)
{
	return m->has_named_requests && random_chance(m, 2) ? wrap_request(m, prog, at)
							    : wrap_chain(m, prog, at);
}

bool config_fresh(struct mutator *m, uint64_t *offset, uint64_t *width)
{
	static const uint8_t widths[] = { 1, 2, 4, 8, 4, 2, 3, 5, 6, 7 };
	uint32_t before = random_below(m, 9);

	if (m->config_len == 0 || random_chance(m, 3))
		return false;
	/* The last bytes, the first behind them, and what lies over the end. */
	*offset = before <= m->config_len ? m->config_len - before : 0;
	*width = PICK(m, widths);
	return true;
}

void aim_frame(struct mutator *m, uint8_t *bytes, size_t len)
{
	/* Everybody; bridges, and whoever is next on the line (802.1Q, 8.6.3); groups of IP;
	 * nobody. */
	static const uint8_t known[][ETH_ALEN] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 },
		{ 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e }, { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 },
		{ 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 }, { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 }
	};
	size_t header = sizeof(struct virtio_net_hdr_v1);

	if (m->device_id == VIRTIO_ID_NET && len >= header + ETH_ALEN && random_chance(m, 8))
		memcpy(bytes + header, PICK(m, known), ETH_ALEN);
}
