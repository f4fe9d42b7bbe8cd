/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What several models have in their part of a snapshot.  See possible.h. */
#include "harness/models/possible.h"

#include "devices/ring.h"

#define BUFFER_MIN 4096u /* bytes, and a power of 2 */

uint32_t possible_fifo(struct own_part *part, uint32_t limit)
{
	uint64_t size = own_part_get_max(part, 4, limit, "a buffer that is too large"), start, len;

	own_part_require(part, size == 0 || (size >= BUFFER_MIN && (size & (size - 1)) == 0),
			 "a buffer of a size that none has");
	start = own_part_get(part, 4);
	own_part_require(part, start == 0 || start < size, "a start beyond the buffer");
	len = own_part_get_max(part, 4, size, "more bytes than the buffer holds");
	own_part_skip(part, len);
	return (uint32_t)len;
}

uint64_t possible_chain(struct own_part *part, unsigned queue)
{
	struct own_part_queue q = own_part_queue(part, queue);
	uint64_t count, len = 1, total = 0;

	own_part_require(part, q.ready && !q.poisoned && own_part_held(&q) == 1,
			 "a chain of a queue that has none");
	own_part_get_max(part, 2, ring_is_packed(part->features) ? UINT16_MAX : q.size - 1ULL,
			 "a head beyond the queue");
	if (ring_is_packed(part->features))
		own_part_require(part,
				 own_part_get_max(part, 2, q.entries, "too many entries") != 0,
				 "a chain without an entry");
	count = own_part_get_max(part, 2, q.size, "more buffers than the queue has entries");
	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t addr = own_part_get(part, 8);

		len = own_part_get(part, 4);
		own_part_require(part, len == 0 || addr <= UINT64_MAX - (len - 1),
				 "a buffer that passes 2^64");
		total += len;
	}
	own_part_require(part, len != 0, "an empty buffer at the end");
	return total;
}

void possible_drain(struct own_part *part)
{
	uint64_t queues = part->queue_count < 32 ? (1ULL << part->queue_count) - 1 : UINT32_MAX;

	own_part_get_max(part, 4, own_part_started(part) ? queues : 0,
			 "work left of queues that are none");
	for (unsigned i = 0; i < part->queue_count; i++)
		own_part_require_held(part, i, 0);
}
