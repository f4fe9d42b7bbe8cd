/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a block device of ours have saved this?
 *
 * It reads the format that devices/blk_snapshot.c describes without that decoder, which it
 * checks.
 *
 * VIRTIO 1.4, 5.2.6.
 */
#include "devices/blk.h"
#include "devices/ring.h"
#include "harness/models/disk.h"
#include "harness/models/models.h"
#include "harness/target/own_part.h"

#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <string.h>

#define SEGMENT ((uint64_t)sizeof(struct virtio_blk_discard_write_zeroes))

enum { UNSAID, THROUGH, BACK };

/* Of a request. */
struct request {
	unsigned queue;
	bool whole, writable; /* was walked to its end, and has a writable byte */
	bool is_done, flushing;
	uint32_t type, done;
	uint64_t fate, sector, part;
	uint64_t room; /* writable bytes */
	const uint8_t *data;
	uint64_t len; /* of the data */
	size_t at;
};

struct reading {
	struct own_part part;
	bool started;
	uint64_t next_tag, next_done;
	uint32_t held[BLK_QUEUE_COUNT];
};

static bool has(const struct reading *r, unsigned feature)
{
	return (r->part.features >> feature & 1) != 0;
}

/* A disk has fewer than 2^BLK_CAPACITY_BITS sectors. */
static bool lies_on_disk(uint64_t sector, uint64_t sectors)
{
	return sector >> BLK_CAPACITY_BITS == 0 && (sector + sectors) >> BLK_CAPACITY_BITS == 0;
}

static void read_chain(struct reading *r, struct request *request)
{
	struct own_part *part = &r->part;
	struct own_part_queue q;
	uint64_t head;

	request->queue = (unsigned)own_part_get_max(part, 1, BLK_QUEUE_COUNT - 1,
						    "a request of a queue that there is not");
	if (part->what != NULL)
		return;
	q = own_part_queue(part, request->queue);
	own_part_require(part, q.ready, "a request of a queue that is not ready");
	r->held[request->queue]++;
	head = own_part_get(part, 2);
	own_part_require(part, ring_is_packed(part->features) || head < q.size,
			 "a head beyond the queue");
	own_part_get(part, 2);
	request->whole = own_part_get_max(part, 1, 1, "neither whole nor not") != 0;
	request->writable = own_part_get_max(part, 1, 1, "neither writable nor not") != 0;
	if (!ring_is_packed(part->features))
		return;
	own_part_get_max(part, 2, q.size, "more entries than the queue has");
	own_part_require(part, part->bytes[part->last] != 0 || part->bytes[part->last + 1] != 0,
			 "a chain without an entry");
}

static void read_buffers(struct reading *r, struct request *request)
{
	struct own_part *part = &r->part;
	uint64_t count = own_part_get_max(part, 2, own_part_queue(part, request->queue).size,
					  "more buffers than the queue has entries");

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t addr = own_part_get(part, 8), len = own_part_get(part, 4);

		own_part_require(part, len != 0 && addr <= UINT64_MAX - (len - 1),
				 "a buffer that is empty or passes 2^64");
		request->room += len;
	}
	own_part_require(part, count == 0 || (request->whole && request->writable),
			 "buffers of a chain that was not walked or has none");
}

/* Sectors of a list of ranges, up to the one that it is at. */
static bool ranges_possible(const struct request *request)
{
	struct virtio_blk_discard_write_zeroes range;

	if (request->len == 0 || request->len % SEGMENT != 0 || request->done % SEGMENT != 0)
		return false;
	for (uint64_t at = 0; at < request->len; at += SEGMENT) {
		memcpy(&range, request->data + at, SEGMENT);
		if (!lies_on_disk(le64toh(range.sector), le32toh(range.num_sectors)))
			return false;
	}
	if (request->flushing)
		return request->done == request->len && request->part == 0;
	if (request->done >= request->len)
		return false;
	memcpy(&range, request->data + request->done, SEGMENT);
	return request->part < (uint64_t)le32toh(range.num_sectors) * BLK_SECTOR;
}

static bool sectors_possible(const struct request *request)
{
	return request->len != 0 && request->len % BLK_SECTOR == 0 && request->part == 0 &&
	       lies_on_disk(request->sector, request->len / BLK_SECTOR) &&
	       (request->flushing ? request->done == request->len : request->done < request->len);
}

/* One that the backend is to be asked for: what was asked can be served. */
static bool is_possible(const struct reading *r, const struct request *request)
{
	if (request->room == 0)
		return false;
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
		return !request->flushing && request->len == request->room - 1 &&
		       sectors_possible(request);
	case VIRTIO_BLK_T_OUT:
		return sectors_possible(request);
	case VIRTIO_BLK_T_FLUSH:
		return has(r, VIRTIO_BLK_F_FLUSH) && !request->flushing && request->len == 0 &&
		       request->done == 0 && request->part == 0;
	case VIRTIO_BLK_T_DISCARD:
		return has(r, VIRTIO_BLK_F_DISCARD) && ranges_possible(request);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return has(r, VIRTIO_BLK_F_WRITE_ZEROES) && ranges_possible(request);
	default:
		return false;
	}
}

/* What became of it: the number, in the model's list, of the counter that counts it. */
enum fate { READS = 2, IDS = 5, CHAIN_INVALID = 12, NO_STATUS = 13 };

static uint64_t read_fate(struct own_part *part, bool is_done)
{
	uint64_t fate = own_part_get_max(part, 1, NO_STATUS, "a fate that no request has");

	own_part_require(part, !is_done || fate >= READS, "done, and nothing became of it");
	return fate;
}

/* One that is done: it has room for a status, but where that is what is wrong with it, and
 * what it reads fills the rest. */
static bool is_possible_done(const struct request *request)
{
	if (request->fate == READS || request->fate == IDS)
		return request->room > 0 && request->len == request->room - 1;
	return request->room > 0 || request->fate >= CHAIN_INVALID;
}

static void read_request(struct reading *r, uint64_t *after, bool first)
{
	struct own_part *part = &r->part;
	struct request request = { .at = part->at };
	uint64_t tag, done_at;

	read_chain(r, &request);
	tag = own_part_get(part, 8);
	own_part_require(part, tag < r->next_tag, "a tag that was not given");
	own_part_require(part, first || tag > *after, "a request not behind the one before");
	*after = tag;
	request.is_done = own_part_get_max(part, 1, 1, "neither to be submitted nor done") != 0;
	done_at = own_part_get(part, 8);
	own_part_require(part, !request.is_done || done_at < r->next_done,
			 "done, and later than the last that was");
	request.fate = read_fate(part, request.is_done);
	own_part_get_max(part, 1, BLK_CALLS_MAX, "more calls than one may have");
	request.flushing = own_part_get_max(part, 1, 1, "neither flushing nor not") != 0;
	request.type = (uint32_t)own_part_get(part, 4);
	request.sector = own_part_get(part, 8);
	request.done = (uint32_t)own_part_get_max(part, 4, BLK_REQUEST_MAX, "more than one can do");
	request.part = own_part_get(part, 8);
	read_buffers(r, &request);
	request.len = own_part_get_max(part, 4, BLK_REQUEST_MAX, "more data than one can have");
	request.data = own_part_skip(part, request.len);
	if (part->what != NULL)
		return;
	part->last = request.at;
	own_part_require(part,
			 request.is_done ? is_possible_done(&request) : is_possible(r, &request),
			 "a request that cannot be");
}

static void read_requests(struct reading *r)
{
	struct own_part *part = &r->part;
	uint64_t count = own_part_get_max(part, 1, r->started ? BLK_IN_FLIGHT_MAX : 0,
					  "more requests than can be");
	uint64_t tag = 0;

	for (uint64_t i = 0; i < count && part->what == NULL; i++)
		read_request(r, &tag, i == 0);
	own_part_require_counter(part, &blk_target, "in_flight", count);
	for (unsigned i = 0; i < BLK_QUEUE_COUNT; i++)
		if (own_part_queue(part, i).ready)
			own_part_require_held(part, i, r->held[i]);
		else
			own_part_require_held_max(part, i, BLK_IN_FLIGHT_MAX);
}

const char *blk_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct reading r = { .started = false };
	struct own_part *part = &r.part;
	bool says;

	if (!own_part_open(part, data, len, false))
		return NULL;
	r.started = own_part_started(part);
	says = (part->status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	       has(&r, VIRTIO_BLK_F_CONFIG_WCE);
	own_part_require(part, own_part_get(part, 8) >> BLK_CAPACITY_BITS == 0,
			 "a disk that is too large");
	own_part_get_max(part, 1, says ? BACK : UNSAID, "a cache of which the driver said nothing");
	own_part_get_max(part, 1, r.started ? (1u << BLK_QUEUE_COUNT) - 1 : 0,
			 "work left of queues that are none");
	r.next_tag = own_part_get(part, 8);
	r.next_done = own_part_get(part, 8);
	read_requests(&r);
	return own_part_close(part, at);
}
