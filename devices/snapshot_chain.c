/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A chain that waits, in and out of a snapshot; snapshot_chain.h has the contract.
 *
 * Every loop is bounded by the queue size.  VIRTIO 1.4, 2.7.5, 2.8.6.
 */
#include <errno.h>

#include "snapshot_chain.h"

static unsigned filled_count(const struct virtqueue_buffer *buffers, uint64_t total)
{
	unsigned count = 0;

	for (; total > 0; count++)
		total -= buffers[count].len;
	return count;
}

void snapshot_put_chain(struct snapshot_out *out, const struct virtqueue_chain *chain,
			const struct virtqueue_buffer *buffers, uint64_t total)
{
	unsigned count = filled_count(buffers, total), i;

	snapshot_put(out, 2, chain->head);
	if (chain->vq->packed)
		snapshot_put(out, 2, chain->slots);
	snapshot_put(out, 2, count);
	for (i = 0; i < count; i++) {
		snapshot_put(out, 8, buffers[i].addr);
		snapshot_put(out, 4, buffers[i].len);
	}
}

/* Entries of a packed ring that it takes. */
static uint16_t get_slots(struct snapshot_in *in, const struct snapshot_queue *q)
{
	uint16_t slots =
		(uint16_t)snapshot_get_max(in, 2, q->size, "more entries than the queue has");

	if (slots == 0 || slots > virtqueue_distance(q->used_cursor, q->avail_cursor, q->size))
		snapshot_bad_last(in, "a chain of other entries than are held");
	return slots;
}

uint64_t snapshot_get_chain(struct snapshot_in *in, const struct snapshot_view *view,
			    struct virtqueue *vq, bool writable, struct virtqueue_chain *chain,
			    struct virtqueue_buffer *buffers)
{
	const struct snapshot_queue *q = &view->queues[vq->index];
	bool packed = ring_is_packed(view->features);
	unsigned count, i;
	uint64_t total = 0;

	if (!q->ready || q->poisoned || snapshot_queue_held(q) != 1)
		snapshot_bad_last(in, "a chain of a queue that has none");
	*chain = (struct virtqueue_chain){
		.vq = vq, .whole = true, .writable = writable, .walk = (uint16_t)(q->next_avail - 1)
	};
	chain->head = (uint16_t)snapshot_get_max(in, 2, packed ? UINT16_MAX : q->size - 1u,
						 "a head beyond the queue");
	if (packed)
		chain->slots = get_slots(in, q);
	count = (unsigned)snapshot_get_max(in, 2, q->size, "more buffers than the queue has");
	for (i = 0; i < count && !in->err; i++) {
		struct virtqueue_buffer buffer = { .writable = writable };
		size_t at = in->at;
		uint64_t last;

		buffer.addr = snapshot_get(in, 8);
		buffer.len = (uint32_t)snapshot_get(in, 4);
		if (buffer.len && __builtin_add_overflow(buffer.addr, buffer.len - 1, &last))
			snapshot_bad(in, at, -EINVAL, "a buffer that passes 2^64");
		if (buffer.len == 0 && i + 1 == count)
			snapshot_bad(in, at, -EINVAL, "an empty buffer at the end");
		total += buffer.len;
		buffers[i] = buffer;
	}
	return total;
}
