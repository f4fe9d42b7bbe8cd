/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a block device of ours have saved this?
 *
 * It reads the format that devices/blk_snapshot.c describes without that decoder, which it
 * checks: what is refused there and could be saved it does not know.
 *
 * VIRTIO 1.4, 5.2.6 (device operation).
 */
#include "devices/blk.h"
#include "devices/ring.h"
#include "devices/virtio_1_4.h"
#include "harness/models/models.h"
#include "harness/target/own_part.h"

#include <linux/virtio_config.h>

#define F(bit) (1ULL << VIRTIO_BLK_F_##bit)
#define SEGMENT ((uint32_t)sizeof(struct virtio_blk_discard_write_zeroes))

/* What became of a request: the numbers of its counters, in the order of `vringer targets blk`. */
enum { FATE_READ = 2, FATE_ID = 5, FATE_CHAIN_INVALID = 12, FATE_NO_STATUS = 13 };

/* Requests that a backend is asked for, and the feature that each needs. */
static const struct {
	uint32_t type;
	bool transfer, segments, writes;
	uint64_t feature;
} types[] = {
	{ VIRTIO_BLK_T_IN, .transfer = true },
	{ VIRTIO_BLK_T_OUT, .transfer = true, .writes = true },
	{ VIRTIO_BLK_T_FLUSH, .feature = F(FLUSH) },
	{ VIRTIO_BLK_T_DISCARD, .segments = true, .feature = F(DISCARD) },
	{ VIRTIO_BLK_T_WRITE_ZEROES, .segments = true, .writes = true, .feature = F(WRITE_ZEROES) },
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* A request, as it is read. */
struct request {
	bool is_done, flushing;
	unsigned fate;
	uint32_t type;
	uint64_t sector, done, part, room, len;
	const uint8_t *data;
};

static uint64_t number(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;

	while (width-- > 0)
		value = value << 8 | bytes[width];
	return value;
}

static bool is_on_a_disk(uint64_t sector, uint64_t sectors)
{
	const uint64_t end = 1ULL << BLK_CAPACITY_BITS;

	return sector < end && sectors < end - sector;
}

/* Of one that the backend has in hand, or that is flushed when it is through with it. */
static const char *transfer_fault(const struct request *r)
{
	if (r->type == VIRTIO_BLK_T_IN && r->len != r->room - 1)
		return "a read of other data than there is room for";
	if (r->len == 0 || r->len % BLK_SECTOR != 0)
		return "a read or write of no whole sectors";
	if (!is_on_a_disk(r->sector, r->len / BLK_SECTOR))
		return "a read or write beyond any disk";
	if (r->part != 0)
		return "a read or write with a part of a segment";
	if (r->flushing ? r->done != r->len : r->done >= r->len)
		return "a read or write that has done more, or less, than it can have";
	return NULL;
}

static const char *segments_fault(const struct request *r)
{
	if (r->len == 0 || r->len % SEGMENT != 0 || r->done % SEGMENT != 0)
		return "parts of segments";
	for (uint64_t at = 0; at < r->len; at += SEGMENT)
		if (!is_on_a_disk(number(r->data + at, 8), number(r->data + at + 8, 4)))
			return "a segment beyond any disk";
	if (r->flushing)
		return r->done != r->len || r->part != 0 ? "segments that are flushed undone"
							 : NULL;
	if (r->done >= r->len)
		return "segments that are done, and not their request";
	if (r->part >= number(r->data + r->done + 8, 4) * BLK_SECTOR)
		return "a segment of which more is done than it has";
	return NULL;
}

static const char *undone_fault(const struct request *r, uint64_t features)
{
	unsigned i = 0;

	while (i < TYPE_COUNT && types[i].type != r->type)
		i++;
	if (i == TYPE_COUNT || (types[i].feature & ~features) != 0)
		return "a request that no backend is asked for";
	if (r->room == 0)
		return "a request without a status that is not done";
	if (r->flushing && !types[i].writes)
		return "what writes nothing is flushed";
	if (types[i].transfer)
		return transfer_fault(r);
	if (types[i].segments)
		return segments_fault(r);
	return r->len != 0 || r->done != 0 || r->part != 0 ? "a flush of something" : NULL;
}

static const char *done_fault(const struct request *r)
{
	bool has_data = r->fate == FATE_READ || r->fate == FATE_ID;

	if (has_data && (r->room == 0 || r->len != r->room - 1))
		return "other data than there is room for";
	if (r->room == 0 && r->fate < FATE_CHAIN_INVALID)
		return "a request without a status that has one";
	return NULL;
}

/* The chain, but for its buffers; false: a request need not have all of it in hand. */
static bool read_chain(struct own_part *part, struct own_part_queue *q)
{
	unsigned queue = (unsigned)own_part_get_max(part, 1, BLK_QUEUE_COUNT - 1,
						    "a request of a queue that there is not");
	bool packed = ring_is_packed(part->features), whole, writable;
	uint64_t slots;

	*q = own_part_queue(part, queue);
	own_part_require(part, q->ready, "a request of a queue that is not ready");
	own_part_get_max(part, 2, packed || q->size == 0 ? UINT16_MAX : q->size - 1u,
			 "a head beyond the queue");
	own_part_get(part, 2);
	whole = own_part_get_max(part, 1, 1, "a chain that is neither whole nor not") != 0;
	writable = own_part_get_max(part, 1, 1, "a chain neither with room nor without") != 0;
	if (packed) {
		slots = own_part_get_max(part, 2, q->size, "a chain of more entries than a queue");
		own_part_require(part, slots > 0, "a chain without an entry");
	}
	return whole && writable;
}

/* How many bytes. */
static uint64_t read_buffers(struct own_part *part, const struct own_part_queue *q)
{
	uint64_t count = own_part_get_max(part, 2, q->size, "more buffers than the queue has");
	uint64_t room = 0;

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t addr = own_part_get(part, 8);
		uint64_t len = own_part_get(part, 4);

		own_part_require(part, len > 0 && addr <= UINT64_MAX - (len - 1),
				 "a buffer that is empty or passes 2^64");
		room += len;
	}
	return room;
}

static void read_fate(struct own_part *part, struct request *r, uint64_t next_done)
{
	uint64_t done_at;

	r->is_done = own_part_get_max(part, 1, 1, "neither done nor to be done") != 0;
	done_at = own_part_get(part, 8);
	own_part_require(part, !r->is_done || done_at < next_done, "done after what is next");
	r->fate = (unsigned)own_part_get_max(part, 1, FATE_NO_STATUS, "a fate that there is not");
	own_part_require(part, !r->is_done || r->fate >= FATE_READ, "done, and without a fate");
	own_part_get_max(part, 1, BLK_CALLS_MAX, "more calls than a request has");
	r->flushing = own_part_get_max(part, 1, 1, "neither flushing nor not") != 0;
}

/* Its tag. */
static uint64_t read_request(struct own_part *part, uint64_t next_tag, uint64_t next_done)
{
	struct own_part_queue q;
	struct request r = { .data = NULL };
	bool whole = read_chain(part, &q);
	uint64_t tag = own_part_get(part, 8);
	const char *fault;

	own_part_require(part, tag < next_tag, "a tag that was not given");
	read_fate(part, &r, next_done);
	r.type = (uint32_t)own_part_get(part, 4);
	r.sector = own_part_get(part, 8);
	r.done = own_part_get_max(part, 4, BLK_REQUEST_MAX, "more done than a request has");
	r.part = own_part_get(part, 8);
	r.room = read_buffers(part, &q);
	own_part_require(part, r.room == 0 || whole, "room of a chain that was not walked");
	r.len = own_part_get_max(part, 4, BLK_REQUEST_MAX, "more data than a request has");
	r.data = own_part_skip(part, r.len);
	if (part->what != NULL)
		return tag;
	fault = r.is_done ? done_fault(&r) : undone_fault(&r, part->features);
	own_part_require(part, fault == NULL, fault);
	return tag;
}

static void read_requests(struct own_part *part, bool started, uint64_t next_tag,
			  uint64_t next_done)
{
	uint64_t count = own_part_get_max(part, 1, started ? BLK_IN_FLIGHT_MAX : 0,
					  "more requests than it keeps");
	uint64_t last = 0, tag;

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		tag = read_request(part, next_tag, next_done);
		own_part_require(part, i == 0 || tag > last, "requests that are not in order");
		last = tag;
	}
}

const char *blk_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;
	uint64_t next_tag, next_done, capacity;
	bool started, says;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	started = (part.status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND)) != 0;
	says = (part.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	       (part.features & F(CONFIG_WCE)) != 0;
	capacity = own_part_get(&part, 8);
	own_part_require(&part, capacity >> BLK_CAPACITY_BITS == 0, "a disk that is too large");
	/* Nothing was said of it, writethrough, writeback. */
	own_part_get_max(&part, 1, says ? 2 : 0, "a cache that cannot be so");
	own_part_get_max(&part, 1, started ? (1u << BLK_QUEUE_COUNT) - 1 : 0,
			 "work left of queues that are none");
	next_tag = own_part_get(&part, 8);
	next_done = own_part_get(&part, 8);
	read_requests(&part, started, next_tag, next_done);
	return own_part_close(&part, at);
}
