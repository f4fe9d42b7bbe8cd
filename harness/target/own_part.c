/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A model's own part of a snapshot.  See own_part.h. */
#include "harness/target/own_part.h"

#include "devices/ring.h"
#include "devices/virtio_1_4.h"
#include "harness/target/vringer.h"

#include <linux/virtio_config.h>
#include <string.h>

static uint64_t number(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;

	while (width-- > 0)
		value = value << 8 | bytes[width];
	return value;
}

size_t own_part_rest_len(uint64_t features)
{
	return 5 * 4 + (features >> VIRTIO_F_SUSPEND & 1);
}

size_t own_part_queue_rest_len(uint64_t features)
{
	return 1 + 2 + (ring_is_packed(features) ? 2 * 2 : 0);
}

static void wrong(struct own_part *part, size_t at, const char *what)
{
	if (part->what != NULL)
		return;
	part->what = what;
	part->wrong = at;
}

uint64_t own_part_get(struct own_part *part, unsigned width)
{
	const uint8_t *bytes = own_part_skip(part, width);

	return bytes != NULL ? number(bytes, width) : 0;
}

const uint8_t *own_part_skip(struct own_part *part, uint64_t len)
{
	part->last = part->at;
	if (len > part->len - part->at) {
		wrong(part, part->len, "less than what it says that it has");
		part->at = part->len;
		return NULL;
	}
	part->at += len;
	return part->bytes + part->last;
}

void own_part_require(struct own_part *part, bool possible, const char *what)
{
	if (!possible)
		wrong(part, part->last, what);
}

uint64_t own_part_get_max(struct own_part *part, unsigned width, uint64_t max, const char *what)
{
	uint64_t value = own_part_get(part, width);

	own_part_require(part, value <= max, what);
	return value;
}

bool own_part_open(struct own_part *part, const void *bytes, size_t len, bool high)
{
	uint64_t queues, own;

	*part = (struct own_part){ .bytes = bytes, .len = len };
	if (len < SNAPSHOT_QUEUES_AT)
		return false;
	part->features = number(part->bytes + SNAPSHOT_RECORD_AT, 8);
	part->status = (uint32_t)number(part->bytes + SNAPSHOT_STATUS_AT, 4);
	queues = number(part->bytes + SNAPSHOT_COUNT_AT, 4);
	part->queue_count = (unsigned)queues;
	part->at = SNAPSHOT_QUEUES_AT;
	own_part_skip(part, queues * SNAPSHOT_QUEUE_LEN + own_part_rest_len(part->features));
	part->rest = part->at;
	own_part_skip(part, queues * own_part_queue_rest_len(part->features));
	part->counter_count = (uint32_t)own_part_get(part, 4);
	part->counters = part->at;
	own_part_skip(part, part->counter_count * 8ULL);
	own_part_skip(part, high ? 8 : 0);
	own = own_part_get(part, 4);
	if (part->what != NULL)
		return false;
	own_part_require(part, own == len - part->at, "another length than what follows has");
	return true;
}

/* Bit 15 of each is its wrap counter. */
uint16_t own_part_distance(uint64_t from, uint64_t to, uint16_t size)
{
	const uint64_t wrap = 1u << 15;

	return (uint16_t)(to % wrap + (((from ^ to) & wrap) != 0 ? size : 0) - from % wrap);
}

struct own_part_queue own_part_queue(const struct own_part *part, unsigned i)
{
	struct own_part_queue q = { .ready = false };
	const uint8_t *queue, *rest;

	if (i >= part->queue_count)
		return q;
	queue = part->bytes + SNAPSHOT_QUEUES_AT + (size_t)SNAPSHOT_QUEUE_LEN * i;
	rest = part->bytes + part->rest + own_part_queue_rest_len(part->features) * i;
	q.size = (uint16_t)number(queue, 2);
	q.next_avail = (uint16_t)number(queue + SNAPSHOT_NEXT_AVAIL_AT, 2);
	q.next_used = (uint16_t)number(queue + SNAPSHOT_NEXT_USED_AT, 2);
	q.lost = (uint16_t)number(rest + SNAPSHOT_LOST_AT, 2);
	q.ready = queue[SNAPSHOT_READY_AT] != 0;
	q.poisoned = rest[0] == SNAPSHOT_QUEUE_POISONED;
	if (ring_is_packed(part->features))
		q.entries = own_part_distance(number(rest + SNAPSHOT_USED_CURSOR_AT, 2),
					      number(rest + SNAPSHOT_AVAIL_CURSOR_AT, 2), q.size);
	return q;
}

void own_part_require_counter(struct own_part *part, const struct vringer_target *target,
			      const char *name, uint64_t value)
{
	for (uint32_t i = 0; i < target->counter_count && i < part->counter_count; i++) {
		size_t at = part->counters + 8ULL * i;

		if (strcmp(target->counter_names[i], name) != 0)
			continue;
		if (number(part->bytes + at, 8) != value)
			wrong(part, at, "a counter of what it has, and it has another number");
		return;
	}
	wrong(part, part->counters, "it has not the counter that tells what it has");
}

static void require_held(struct own_part *part, unsigned queue, uint32_t least, uint32_t most)
{
	struct own_part_queue q = own_part_queue(part, queue);
	uint16_t held = own_part_held(&q);

	if (held < least || held > most)
		wrong(part,
		      SNAPSHOT_QUEUES_AT + (size_t)SNAPSHOT_QUEUE_LEN * queue +
			      SNAPSHOT_NEXT_AVAIL_AT,
		      "a chain that nobody has");
}

void own_part_require_held(struct own_part *part, unsigned queue, uint32_t chains)
{
	require_held(part, queue, chains, chains);
}

void own_part_require_held_max(struct own_part *part, unsigned queue, uint32_t chains)
{
	require_held(part, queue, 0, chains);
}

bool own_part_started(const struct own_part *part)
{
	return (part->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND)) != 0;
}

const char *own_part_close(struct own_part *part, uint64_t *at)
{
	if (part->at < part->len)
		wrong(part, part->at, "more than what it says that it has");
	*at = part->wrong;
	return part->what;
}
