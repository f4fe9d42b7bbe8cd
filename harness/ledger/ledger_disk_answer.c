/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How a block device may answer a request, by what it read of it itself (VIRTIO 5.2.6).
 *
 * All of these are judged on chains of which everything is known and nothing is wrong: no
 * access failed, buffers to write to come last, no descriptor was read twice.  What memory
 * holds does not matter, nor where the buffers end.  So a correct device cannot break them:
 *
 * disk.status: a request whose header the device read, and which has a byte to write to, has
 * its status in the last of these; of ours there are three.
 *
 * disk.unsupported: requests of zones where VIRTIO_BLK_F_ZONED was not negotiated are not
 * supported, whatever else is wrong with them; on a read-only disk another error may be due.
 * What has a flag that VIRTIO does not know, or an unmap in a discard, does not succeed.  It is not
 * supported where nothing else can be wrong with it; otherwise which error it gets is left open.
 *
 * disk.bounds: a read or write of a part of a sector, or past the capacity, does not succeed,
 * nor a discard or zeroes past it, or of a part of a range.  The driver may not ask for it
 * (5.2.6.1), nor for a type that there is not, and VIRTIO does not say what becomes of that.  The
 * capacity is the largest one that the driver could read while a request was in flight: if it seems
 * to be passed, it is looked at once more.
 *
 * disk.read-only: a write of at least a sector fails with VIRTIO_BLK_S_IOERR where
 * VIRTIO_BLK_F_RO is offered; zeroes do not succeed, since reads would have to return them.
 *
 * disk.id: of requests with room for 20 bytes; what comes behind a NUL is NUL.
 */
#include "harness/ledger/ledger_disk_sectors.h"

#include <linux/virtio_blk.h>
#include <string.h>

#define TYPE_SECURE_ERASE 14u

static bool is_well(const struct disk_request *r)
{
	return r->formed && r->answered && r->status == VIRTIO_BLK_S_OK;
}

static void judge_status(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 const struct disk_request *r)
{
	if (!r->formed || (!r->answered && ledger_starved(l)) ||
	    !ledger_judges(l, RULE_DISK_STATUS))
		return;
	if (!r->answered)
		ledger_break(l, RULE_DISK_STATUS,
			     "queue %u: the chain of head %u returns a request of type %u without "
			     "a status",
			     queue, hold->head, r->type);
	else if (r->status > VIRTIO_BLK_S_UNSUPP)
		ledger_break(l, RULE_DISK_STATUS,
			     "queue %u: the chain of head %u returns a request of type %u with "
			     "status %u, which there is not",
			     queue, hold->head, r->type, r->status);
}

/* Requests of zones: 15, 16, 18 and so on to 26. */
static bool is_of_zones(uint32_t type)
{
	return type == 15 || (type >= 16 && type <= 26 && type % 2 == 0);
}

/* Is there a flag in it that must not be there? */
static bool has_wrong_flag(const struct ledger_hold *hold)
{
	uint32_t right = disk_effect_of(hold) == DISK_ZEROES ? 1 : 0;
	unsigned count = disk_segments(hold);

	for (unsigned i = 0; i < count; i++)
		if ((disk_segment(hold, i).flags & ~right) != 0)
			return true;
	return false;
}

/* Is a flag all that may be wrong with it?  One segment of one sector at most, which is there, of a
 * kind that the driver may ask for. */
static bool is_otherwise_right(const struct ledger *l, const struct ledger_hold *hold)
{
	bool zeroes = disk_effect_of(hold) == DISK_ZEROES;
	unsigned feature = zeroes ? VIRTIO_BLK_F_WRITE_ZEROES : VIRTIO_BLK_F_DISCARD;
	struct disk_segment segment;

	if (disk_offers(l, VIRTIO_BLK_F_RO) || !l->session.features_known ||
	    (l->session.driver_features >> feature & 1) == 0 || disk_segments(hold) != 1 ||
	    l->disk.capacity != l->disk.capacity_max)
		return false;
	segment = disk_segment(hold, 0);
	return segment.count == 1 && segment.sector < l->disk.capacity;
}

static void judge_support(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			  const struct disk_request *r)
{
	enum disk_effect effect = disk_effect_of(hold);
	bool zones = is_of_zones(r->type) && !disk_offers(l, VIRTIO_BLK_F_RO);
	bool segments = effect == DISK_DISCARDS || effect == DISK_ZEROES;
	const char *what = NULL;

	if (!r->answered || !r->formed || ledger_starved(l))
		return;
	if (zones && r->status != VIRTIO_BLK_S_UNSUPP)
		what = "which belongs to zones, and VIRTIO_BLK_F_ZONED is not negotiated";
	else if (segments && has_wrong_flag(hold) &&
		 (is_well(r) || (r->status != VIRTIO_BLK_S_UNSUPP && is_otherwise_right(l, hold))))
		what = "with a flag that it does not have";
	if ((zones || segments) && ledger_judges(l, RULE_DISK_UNSUPPORTED) && what != NULL)
		ledger_break(l, RULE_DISK_UNSUPPORTED,
			     "queue %u: the chain of head %u returns a request of type %u, %s, "
			     "with status %u",
			     queue, hold->head, r->type, what, r->status);
}

static bool is_beyond(const struct ledger *l, uint64_t sector, uint64_t bytes)
{
	uint64_t end = l->disk.capacity_max;

	return end > 0 && (sector > end || bytes / DISK_SECTOR > end - sector);
}

/* Judged when the call is over, and the capacity was looked at once more. */
static void note_beyond(struct ledger *l, uint32_t type, uint64_t sector, uint64_t bytes)
{
	(void)ledger_judges(l, RULE_DISK_BOUNDS);
	if (bytes == 0 || !is_beyond(l, sector, bytes) || l->disk.beyond)
		return;
	l->disk.beyond = true;
	l->disk.beyond_call = l->call.number;
	l->disk.beyond_type = type;
	l->disk.beyond_sector = sector;
	l->disk.beyond_bytes = bytes;
}

/* What is wrong with that much data for a request of that type. */
static const char *form_fault(const struct ledger_hold *hold, const struct disk_request *r)
{
	enum disk_effect effect = disk_effect_of(hold);

	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT)
		return r->data % DISK_SECTOR != 0 ? "which are no whole sectors" : NULL;
	if (effect == DISK_ZEROES || effect == DISK_DISCARDS)
		return r->data % DISK_SEGMENT_BYTES != 0 ? "which are no whole ranges" : NULL;
	if (effect == DISK_ANYTHING && r->type != TYPE_SECURE_ERASE)
		return "a type that VIRTIO does not know";
	return NULL;
}

static void judge_bounds(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 const struct disk_request *r)
{
	enum disk_effect effect = disk_effect_of(hold);
	unsigned count = disk_segments(hold);
	const char *fault;

	if (!is_well(r))
		return;
	if (r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_OUT)
		note_beyond(l, r->type, r->sector, r->data);
	fault = form_fault(hold, r);
	if (fault != NULL && ledger_judges(l, RULE_DISK_BOUNDS))
		ledger_break(l, RULE_DISK_BOUNDS,
			     "queue %u: the chain of head %u returns a request of type %u for %llu "
			     "bytes, %s, as if it had succeeded",
			     queue, hold->head, r->type, (unsigned long long)r->data, fault);
	for (unsigned i = 0; (effect == DISK_ZEROES || effect == DISK_DISCARDS) && i < count; i++) {
		struct disk_segment segment = disk_segment(hold, i);

		note_beyond(l, r->type, segment.sector, (uint64_t)segment.count * DISK_SECTOR);
	}
}

static void judge_read_only(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			    const struct disk_request *r)
{
	bool write = r->type == VIRTIO_BLK_T_OUT && r->data >= DISK_SECTOR;
	bool zeroes = r->type == VIRTIO_BLK_T_WRITE_ZEROES && disk_segments(hold) > 0 &&
		      disk_segment(hold, 0).count > 0;

	if (!disk_offers(l, VIRTIO_BLK_F_RO) || !r->formed || !r->answered || (!write && !zeroes) ||
	    !ledger_judges(l, RULE_DISK_READ_ONLY))
		return;
	if (write ? r->status != VIRTIO_BLK_S_IOERR : r->status == VIRTIO_BLK_S_OK)
		ledger_break(l, RULE_DISK_READ_ONLY,
			     "queue %u: the chain of head %u returns a request of type %u to a "
			     "read-only disk with status %u",
			     queue, hold->head, r->type, r->status);
}

static void judge_id(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		     const struct disk_request *r)
{
	const uint8_t *id = hold->disk.head;
	const uint8_t *end = memchr(id, 0, DISK_ID_BYTES);
	const char *what = NULL;

	if (r->type != VIRTIO_BLK_T_GET_ID || !is_well(r) || r->data != DISK_ID_BYTES ||
	    hold->disk.disordered || hold->disk.sums[0].count != DISK_ID_BYTES + 1 ||
	    !ledger_judges(l, RULE_DISK_ID))
		return;
	for (; end != NULL && end < id + DISK_ID_BYTES; end++)
		if (*end != 0)
			what = "with other bytes than NUL behind a NUL";
	if (l->disk.has_id && memcmp(l->disk.id, id, DISK_ID_BYTES) != 0)
		what = "which is another than before";
	l->disk.has_id = true;
	memcpy(l->disk.id, id, DISK_ID_BYTES);
	if (what != NULL)
		ledger_break(l, RULE_DISK_ID, "queue %u: the chain of head %u returns an ID %s",
			     queue, hold->head, what);
}

void disk_judge(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		const struct disk_request *r)
{
	if (!r->sound)
		return;
	judge_status(l, queue, hold, r);
	judge_support(l, queue, hold, r);
	judge_bounds(l, queue, hold, r);
	judge_read_only(l, queue, hold, r);
	judge_id(l, queue, hold, r);
}

void disk_on_called(struct ledger *l)
{
	bool beyond = l->disk.beyond && l->disk.beyond_call == l->call.number;

	l->disk.beyond = false;
	if (beyond && is_beyond(l, l->disk.beyond_sector, l->disk.beyond_bytes) &&
	    ledger_judges(l, RULE_DISK_BOUNDS))
		ledger_break(l, RULE_DISK_BOUNDS,
			     "the device acknowledges a request of type %u for %llu bytes from "
			     "sector %llu on, and has %llu sectors",
			     l->disk.beyond_type, (unsigned long long)l->disk.beyond_bytes,
			     (unsigned long long)l->disk.beyond_sector,
			     (unsigned long long)l->disk.capacity_max);
	if (l->device.held == 0)
		l->disk.capacity_max = l->disk.capacity;
}
