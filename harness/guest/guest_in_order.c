/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What comes back in order (VIRTIO 2.7.9, 2.8.8): a used entry may stand for a batch of
 * chains, of which it names the last.  The driver knows by its id how many these are, and
 * keeps a used ring of its own with one entry for each, so that who looks there need not
 * know.
 *
 * The length of a chain that was skipped nobody tells: the driver takes it that all of it
 * was written.
 *
 * An id that the driver did not publish stands for itself alone; the ledger has more to say.
 */
#include "devices/ring.h"
#include "harness/guest/guest_internal.h"

#include <endian.h>

/* The head that was published at that position.  In a split ring it stands there until it has
 * come back; programs write it by hand, too. */
static uint16_t head_at(struct guest *g, unsigned queue, uint16_t position)
{
	const struct guest_queue *q = &g->queues[queue];

	if (q->packed)
		return g->packed.order[guest_packed_index(queue, position)];
	return arena_load16(&g->arena,
			    q->ring[VIRTQUEUE_DRIVER] + ring_at(&ring_split, GUEST_AVAIL_ENTRY,
								q->size, position % q->size));
}

/* Chains of the batch that ends with that id. */
static uint16_t batch_size(struct guest *g, unsigned queue, uint32_t id, uint16_t most)
{
	const struct guest_queue *q = &g->queues[queue];

	for (uint16_t n = 0; n < most && n < q->size; n++)
		if (head_at(g, queue, (uint16_t)(q->packed_at.used_idx + n)) == id)
			return (uint16_t)(n + 1);
	return 1;
}

uint32_t guest_in_order_used(struct guest *g, unsigned queue, struct guest_used used, uint16_t most)
{
	struct guest_packed_queue *at = &g->queues[queue].packed_at;
	uint32_t entries = 0;

	for (uint16_t left = batch_size(g, queue, used.id, most); left > 0; left--) {
		struct guest_used one = used;

		if (left > 1)
			one = (struct guest_used){ .id = head_at(g, queue, at->used_idx),
						   .skipped = true };
		g->packed.used[guest_packed_index(queue, at->used_idx++)] = one;
		if (g->queues[queue].packed)
			entries += guest_packed_back(g, queue, (uint16_t)one.id);
	}
	return entries;
}

void guest_in_order_reap(struct guest *g, unsigned queue)
{
	struct guest_queue *q = &g->queues[queue];
	struct guest_packed_queue *at = &q->packed_at;
	uint16_t idx = arena_load16(&g->arena, q->ring[VIRTQUEUE_DEVICE] +
						       ring_at(&ring_split, GUEST_USED_IDX, 0, 0));

	/* Whose batches are found needs a look for each chain.  Ids that are not found take as many
	 * again, all together: what they name then stands for itself. */
	uint32_t looks = 2u * q->size;

	for (uint32_t i = 0; i < q->size && at->used_idx != idx; i++) {
		struct vring_used_elem entry;
		uint16_t from = at->used_idx, most = (uint16_t)(idx - from);
		bool alone;

		arena_load(&g->arena,
			   q->ring[VIRTQUEUE_DEVICE] + ring_at(&ring_split, GUEST_USED_ENTRY,
							       q->size, at->used_idx % q->size),
			   &entry, sizeof(entry));
		if (most > looks)
			most = (uint16_t)looks;
		alone = head_at(g, queue, from) == le32toh(entry.id);
		guest_in_order_used(
			g, queue,
			(struct guest_used){ .id = le32toh(entry.id), .len = le32toh(entry.len) },
			most);
		if (alone || (uint16_t)(at->used_idx - from) > 1)
			most = (uint16_t)(at->used_idx - from);
		looks -= most < looks ? most : looks;
	}
	/* An index further on than the ring is long names nothing. */
	at->used_idx = idx;
}
