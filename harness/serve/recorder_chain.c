/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A chain out of guest memory, as the guest that wrote it sees it, as operations that write
 * it again.  See recorder_internal.h.
 *
 * Every walk is bounded by the size of the table that it is in.
 */
#include "devices/ring.h"
#include "harness/serve/recorder_internal.h"

#include <endian.h>
#include <linux/fuse.h>
#include <string.h>

#define TABLE_MAX 1024u /* descriptors of an indirect table that are looked at */

uint64_t recorder_name(const struct arena *arena, uint64_t addr, uint8_t *base)
{
	static const uint8_t bases[] = { BASE_LOW, BASE_SEAM, BASE_TOP };

	*base = BASE_ABSOLUTE;
	for (unsigned i = 0; i < arena->region_count; i++) {
		uint64_t first = arena->regions[i].base, whole = arena->regions[i].whole;

		if (addr - first >= whole)
			continue;
		/* Of the region's ends, the one that has a name. */
		for (size_t b = 0; b < sizeof(bases) && *base == BASE_ABSOLUTE; b++)
			if (arena->place[bases[b]] - first <= whole)
				*base = bases[b];
	}
	return *base == BASE_ABSOLUTE ? addr : addr - arena->place[*base];
}

static void load_desc(struct recorder *r, uint64_t at, struct vring_desc *desc)
{
	arena_load(&r->run->guest.arena, at, desc, sizeof(*desc));
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->flags = le16toh(desc->flags);
	desc->next = le16toh(desc->next);
}

/* A descriptor of the queue's table, which the driver of a packed ring keeps to itself. */
static void ring_desc(struct recorder *r, unsigned queue, uint32_t index, struct vring_desc *desc)
{
	struct guest *g = &r->run->guest;
	const struct guest_queue *q = &g->queues[queue];
	const struct vring_desc *own = q->packed ? guest_packed_desc(g, queue, index) : NULL;

	*desc = (struct vring_desc){ .len = 0 };
	if (own != NULL)
		*desc = *own;
	else if (!q->packed)
		load_desc(r, q->ring[VIRTQUEUE_DESC] + ring_at(&ring_split, GUEST_DESC, 0, index),
			  desc);
}

/* ... and of an indirect table, as one of a split ring: of a packed one the entries follow each
 * other, and the last two fields stand the other way round (VIRTIO 2.8.7). */
static void table_desc(struct recorder *r, bool packed, uint64_t table, uint32_t index,
		       uint32_t count, struct vring_desc *desc)
{
	uint16_t flags;

	load_desc(r, table + ring_at(&ring_split, GUEST_DESC, 0, index), desc);
	if (!packed)
		return;
	flags = desc->next & VRING_DESC_F_WRITE;
	desc->flags = (uint16_t)(flags | (index + 1 < count ? VRING_DESC_F_NEXT : 0));
	desc->next = (uint16_t)(index + 1);
}

static bool add_memory(struct recorder_part *part, struct recorder *r, uint64_t addr, uint32_t len)
{
	uint8_t data[OP_BYTES_MAX];

	/* There is no more memory than that. */
	if (len > ARENA_SIZE_MAX)
		len = ARENA_SIZE_MAX;
	for (uint32_t done = 0, piece; done < len; done += piece) {
		uint8_t base;
		uint64_t offset = recorder_name(&r->run->guest.arena, addr + done, &base);

		piece = len - done < sizeof(data) ? len - done : (uint32_t)sizeof(data);
		arena_load(&r->run->guest.arena, addr + done, data, piece);
		if (!recorder_part_store(part, &r->run->guest.arena, base, offset, data, piece))
			return false;
	}
	return true;
}

static uint32_t table_count(const struct vring_desc *desc)
{
	uint32_t count = desc->len / RING_DESC_SIZE;

	return count < TABLE_MAX ? count : TABLE_MAX;
}

/* An indirect table, and what the device reads of what it leads to. */
static bool add_table(struct recorder_part *part, struct recorder *r, bool packed,
		      const struct vring_desc *desc)
{
	uint32_t count = table_count(desc), index = 0;

	for (uint32_t i = 0; i < count && index < count; i++) {
		struct vring_desc entry;

		table_desc(r, packed, desc->addr, index, count, &entry);
		if ((entry.flags & VRING_DESC_F_WRITE) == 0 &&
		    !add_memory(part, r, entry.addr, entry.len))
			return false;
		if ((entry.flags & VRING_DESC_F_NEXT) == 0)
			break;
		index = entry.next;
	}
	return add_memory(part, r, desc->addr, desc->len);
}

static bool add_desc(struct recorder_part *part, struct recorder *r, unsigned queue, uint32_t index,
		     const struct vring_desc *desc)
{
	struct op op = { .code = OP_DESC };

	op.value[DESC_QUEUE] = queue;
	op.value[DESC_INDEX] = index;
	op.value[DESC_ADDR] = recorder_name(&r->run->guest.arena, desc->addr, &op.base[DESC_ADDR]);
	op.value[DESC_LEN] = desc->len;
	op.value[DESC_FLAGS] = desc->flags;
	op.value[DESC_NEXT] = desc->next;
	return recorder_part_op(part, &part->prog, &op);
}

bool recorder_chain(struct recorder_part *part, struct recorder *r, unsigned queue, uint16_t head)
{
	const struct guest_queue *q = &r->run->guest.queues[queue];
	uint32_t size = q->size, index = head;
	struct op op = { .code = OP_PUBLISH };

	part->literal = 0;
	for (uint32_t i = 0; i < size && index < size; i++) {
		struct vring_desc desc;
		bool ok = true;

		ring_desc(r, queue, index, &desc);
		if ((desc.flags & VRING_DESC_F_INDIRECT) != 0)
			ok = add_table(part, r, q->packed, &desc);
		else if ((desc.flags & VRING_DESC_F_WRITE) == 0)
			ok = add_memory(part, r, desc.addr, desc.len);
		if (!ok || !add_desc(part, r, queue, index, &desc))
			return false;
		if ((desc.flags & VRING_DESC_F_NEXT) == 0)
			break;
		index = desc.next;
	}
	op.value[PUBLISH_QUEUE] = queue;
	op.value[PUBLISH_HEAD] = head;
	return recorder_part_op(part, &part->prog, &op);
}

uint16_t recorder_chain_entries(struct recorder *r, unsigned queue, uint16_t head)
{
	const struct guest_queue *q = &r->run->guest.queues[queue];
	struct vring_desc desc = { .flags = VRING_DESC_F_NEXT, .next = head };
	uint16_t count = 0;

	if (!q->packed)
		return 1;
	while (count < q->size && (desc.flags & VRING_DESC_F_NEXT) != 0) {
		ring_desc(r, queue, desc.next, &desc);
		count++;
	}
	return count;
}

/* The first descriptor of the chain that is none of a table. */
static void first_buffer(struct recorder *r, unsigned queue, uint16_t head, struct vring_desc *desc)
{
	bool packed = r->run->guest.queues[queue].packed;

	ring_desc(r, queue, head, desc);
	if ((desc->flags & VRING_DESC_F_INDIRECT) != 0)
		table_desc(r, packed, desc->addr, 0, table_count(desc), desc);
}

bool recorder_is_dialogue(struct recorder *r, unsigned queue, uint16_t head)
{
	const struct target *target = r->run->guest.target;
	struct fuse_in_header in;
	struct vring_desc desc;

	if (target->dialogue != NULL)
		return queue == target->dialogue->from || queue == target->dialogue->to;
	if (!target->fuse)
		return false;
	first_buffer(r, queue, head, &desc);
	if ((desc.flags & VRING_DESC_F_WRITE) != 0 || desc.len < sizeof(in))
		return false;
	arena_load(&r->run->guest.arena, desc.addr, &in, sizeof(in));
	return le32toh(in.opcode) == FUSE_INIT;
}
