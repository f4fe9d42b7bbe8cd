/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The sectors of a disk, as acknowledged writes and earlier reads left them (VIRTIO 5.2.6).
 *
 * disk.read: what a successful read returns of a sector is what was written there last and
 * acknowledged, or zeroes after a write of zeroes.  A sector is judged by nothing but what the
 * device itself did: the bytes that it read for a write, those that it stored for a read, and
 * the status that it gave.
 *
 * Such a read has stored all of its bytes: what the driver left in its buffers is not what sectors
 * hold, and VIRTIO_BLK_S_OK says that they were read, whatever used.len says.  A correct device
 * cannot break that, since it is judged only of a request that the driver may send (whole sectors
 * that were there all the time, within bounds of segments), where each access was seen, none
 * failed and none read the buffers for the data (the right bytes might have been there already),
 * and where nothing was stored in front of what was (a device may begin anywhere).
 *
 * disk.same: of a sector that nobody wrote, a read returns what the one before it returned.  The
 * driver cannot know that there are no others who write to a disk, nor that it keeps what was
 * never written, and VIRTIO promises neither: policy, for disks that are the device's alone.
 *
 * A correct device cannot break them, if nobody else writes to its disk.  A request acts on the
 * disk at any time between the device's first access of its chain and the move of the used
 * index that returns it, and requests that overlap so may be served in any order or mixed: a read
 * that overlaps anything that may change the sector is not judged, and what two overlapping writes
 * leave is not known.  What failed, was discarded, was never returned, or cannot be told from what
 * the device read, may have changed a sector or not, or may yet: nothing is known of it until an
 * acknowledged write has covered it.  Bytes that were read or stored twice, or not in order,
 * are not known, and a request that is not known may have been any.
 *
 * The disk outlasts a reset, and that its host loses what was not committed (VRINGER_PRETEND); what
 * was stable before it does so: flushed, or written by a driver that has a writethrough cache.  A
 * device that is restored in the place of one that was saved goes on with its disk, and all that
 * was acknowledged is there, flushed or not: a driver which flushes then is promised that it stays.
 * Where the snapshot is an older one, or was altered, nothing is known.
 *
 * A sector is kept as a sum of its bytes, each multiplied by a number of its place: equal
 * bytes have equal sums, and others hardly ever.
 */
#include "harness/ledger/ledger_disk_sectors.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_COUNT (2u * DISK_SLOTS)
#define ONE_SEGMENT 3u /* descriptors of a request: header, data, status */
#define RANGE_MAX 256u /* sectors that one request adds to those that are kept */

_Static_assert((SLOT_COUNT & (SLOT_COUNT - 1)) == 0, "a slot is chosen by low bits");

/* That sector, or the free slot for it.  There always is one. */
static struct disk_sector *slot_of(struct ledger *l, uint64_t number)
{
	uint32_t i = (uint32_t)(number * 0x9e3779b97f4a7c15ULL >> 32);

	for (;; i++) {
		struct disk_sector *sector = &l->disk.sectors[i & (SLOT_COUNT - 1)];

		if (!sector->used || sector->number == number)
			return sector;
	}
}

/* That sector, kept from here on; NULL: there are as many as can be. */
static struct disk_sector *keep(struct ledger *l, uint64_t number)
{
	struct disk_sector *sector = slot_of(l, number);

	if (sector->used)
		return sector;
	if (l->disk.count == DISK_SLOTS)
		return NULL;
	l->disk.count++;
	*sector = (struct disk_sector){ .number = number, .used = true };
	sector->state = l->disk.loose ? DISK_LOOSE : DISK_OPEN;
	return sector;
}

void disk_clear(struct ledger *l, bool loose)
{
	if (l->disk.count > 0)
		memset(l->disk.sectors, 0, SLOT_COUNT * sizeof(*l->disk.sectors));
	l->disk.count = 0;
	l->disk.cleared = l->disk.now;
	l->disk.loose = l->disk.loose || loose;
}

static bool is_within(uint64_t number, uint64_t first, uint64_t count)
{
	return number >= first && number - first < count;
}

/* Sectors that begin in the bytes which the device may take for the data of a write. */
static uint64_t write_count(const struct ledger_hold *hold)
{
	if (hold->expects || hold->piece.open || hold->readable < DISK_HEADER)
		return UINT64_MAX;
	return (hold->readable - DISK_HEADER + DISK_SECTOR - 1) / DISK_SECTOR;
}

/* What the request may do to this disk: of one that is offered as read-only a write must not write
 * anything (5.2.6.2).  Of discards and zeroes that is not said. */
static enum disk_effect effect_on(const struct ledger *l, const struct ledger_hold *hold)
{
	enum disk_effect effect = disk_effect_of(hold);

	return effect == DISK_WRITES && disk_offers(l, VIRTIO_BLK_F_RO) ? DISK_NOTHING : effect;
}

/* May the request, which is not back, change that sector? */
static bool may_touch(const struct ledger *l, const struct ledger_hold *hold, uint64_t number)
{
	unsigned count;

	if (hold->disk.blind)
		return true;
	switch (effect_on(l, hold)) {
	case DISK_NOTHING:
		return false;
	case DISK_WRITES:
		return is_within(number, disk_sector_of(hold), write_count(hold));
	case DISK_ZEROES:
	case DISK_DISCARDS:
		count = disk_segments(hold);
		for (unsigned i = 0; i < count; i++) {
			struct disk_segment segment = disk_segment(hold, i);

			if (is_within(number, segment.sector, segment.count))
				return true;
		}
		return count == 0;
	case DISK_ANYTHING:
		break;
	}
	return true;
}

/* May anything else have changed that sector since the request began? */
static bool is_shared(struct ledger *l, const struct ledger_hold *hold, uint64_t number)
{
	const struct disk_sector *sector = slot_of(l, number);

	if (l->disk.cleared > hold->disk.begin || l->disk.crashed > hold->disk.begin ||
	    (sector->used && sector->changed > hold->disk.begin))
		return true;
	for (unsigned q = 0; q < ledger_queues(l); q++)
		for (uint32_t i = l->queues[q].holds; i != LEDGER_NONE; i = l->hold[i].next)
			if (&l->hold[i] != hold && l->hold[i].disk.begun &&
			    may_touch(l, &l->hold[i], number))
				return true;
	return false;
}

static void set(struct ledger *l, uint64_t number, enum disk_state state, uint64_t sum)
{
	struct disk_sector *sector = keep(l, number);

	if (sector == NULL) {
		/* The next read of it would be believed. */
		l->disk.loose = true;
		return;
	}
	sector->state = (uint8_t)state;
	sector->sum = sum;
	sector->changed = l->disk.now;
	sector->written = true;
	sector->stable = false;
}

/* These hold what nobody knows. */
static void loosen(struct ledger *l, uint64_t first, uint64_t count)
{
	if (count > RANGE_MAX) {
		disk_clear(l, true);
		return;
	}
	for (uint64_t i = 0; i < count && first + i >= first; i++)
		set(l, first + i, DISK_LOOSE, 0);
}

/* Is the write stable now that it is completed?  That of a driver which accepted neither of these
 * is (5.2.6.2, case 1), and of one which has read since it last wrote to it that writeback is 0,
 * before the write began (case 2). */
static bool is_writethrough(const struct ledger *l, const struct ledger_hold *hold)
{
	const uint64_t says = 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE;

	if (!l->session.features_known || l->session.lost)
		return false;
	if (l->session.writethrough)
		return hold->disk.begin >= l->disk.through;
	return disk_offers(l, VIRTIO_BLK_F_FLUSH) && (l->session.driver_features & says) == 0;
}

static void on_written(struct ledger *l, const struct ledger_hold *hold,
		       const struct disk_request *r, bool well)
{
	uint64_t whole = r->data / DISK_SECTOR, count = write_count(hold);
	struct disk_sector *sector;

	if (count > RANGE_MAX) {
		disk_clear(l, true);
		return;
	}
	for (uint64_t i = 0; i < count && r->sector + i >= r->sector; i++) {
		bool known = well && i < whole && i < DISK_REQUEST_SUMS &&
			     hold->disk.sums[i].count == DISK_SECTOR && !hold->disk.disordered &&
			     !is_shared(l, hold, r->sector + i);

		set(l, r->sector + i, known ? DISK_KNOWN : DISK_LOOSE,
		    known ? hold->disk.sums[i].sum : 0);
		sector = slot_of(l, r->sector + i);
		sector->stable = sector->used && known && is_writethrough(l, hold);
	}
}

static void on_zeroed(struct ledger *l, const struct ledger_hold *hold, struct disk_segment segment)
{
	if (segment.count > RANGE_MAX) {
		disk_clear(l, true);
		return;
	}
	for (uint64_t i = 0; i < segment.count && segment.sector + i >= segment.sector; i++) {
		uint64_t number = segment.sector + i;

		/* The sum of zeroes is 0. */
		set(l, number, is_shared(l, hold, number) ? DISK_LOOSE : DISK_KNOWN, 0);
	}
}

void disk_on_change(struct ledger *l, const struct ledger_hold *hold, const struct disk_request *r)
{
	bool well = r->formed && r->answered && r->status == VIRTIO_BLK_S_OK;
	enum disk_effect effect = effect_on(l, hold);
	unsigned count = disk_segments(hold);

	if (effect == DISK_NOTHING)
		return;
	if (effect == DISK_WRITES) {
		on_written(l, hold, r, well);
		return;
	}
	if (effect == DISK_ANYTHING || count == 0) {
		/* What a device does not know it does not do. */
		if (!r->answered || r->status != VIRTIO_BLK_S_UNSUPP)
			disk_clear(l, true);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		struct disk_segment segment = disk_segment(hold, i);

		/* Of two that overlap both are zeroes, or neither is known. */
		if (well && effect == DISK_ZEROES)
			on_zeroed(l, hold, segment);
		else
			loosen(l, segment.sector, segment.count);
	}
}

void disk_on_dropped(struct ledger *l, const struct ledger_hold *hold)
{
	enum disk_effect effect = effect_on(l, hold);
	unsigned count = disk_segments(hold);

	if (hold->disk.blind) {
		disk_clear(l, true);
		return;
	}
	if (effect == DISK_NOTHING)
		return;
	if (effect == DISK_WRITES)
		loosen(l, disk_sector_of(hold), write_count(hold));
	else if (effect == DISK_ANYTHING || count == 0)
		disk_clear(l, true);
	for (unsigned i = 0; effect != DISK_WRITES && i < count; i++)
		loosen(l, disk_segment(hold, i).sector, disk_segment(hold, i).count);
}

/* A write that was not flushed is volatile (5.2.6.2): what a device does with it when it is
 * reset is its own affair, as that of a host whose power fails, and the next read tells. */
void disk_on_loss(struct ledger *l)
{
	for (unsigned i = 0; l->disk.count > 0 && i < SLOT_COUNT; i++) {
		struct disk_sector *sector = &l->disk.sectors[i];

		if (sector->used && sector->state == DISK_KNOWN && !sector->stable &&
		    sector->changed > l->disk.flushed)
			sector->state = DISK_OPEN;
	}
}

void ledger_disk_crashed(struct ledger *l)
{
	l->disk.crashed = ++l->disk.now;
	disk_on_loss(l);
}

static void on_sector_read(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			   uint64_t number, uint64_t sum)
{
	struct disk_sector *sector = is_shared(l, hold, number) ? NULL : keep(l, number);
	enum rule rule;

	if (sector == NULL || sector->state == DISK_LOOSE)
		return;
	if (sector->state == DISK_OPEN) {
		sector->state = DISK_KNOWN;
		sector->written = false;
		sector->sum = sum;
		return;
	}
	rule = sector->written ? RULE_DISK_READ : RULE_DISK_SAME;
	if (ledger_judges(l, rule) && sector->sum != sum)
		ledger_break(l, rule,
			     "queue %u: the chain of head %u returns a read of sector %llu that "
			     "succeeded, with other bytes than %s",
			     queue, hold->head, (unsigned long long)number,
			     sector->written ? "were last written there and acknowledged"
					     : "a read before, and nobody wrote there since");
}

/* Must a driver keep bounds of segments that it may have passed?  Nobody asked what they are, but
 * one sector in one segment is within them.  Our own device tells them and does not mind. */
static bool may_pass_bounds(const struct ledger *l, const struct ledger_hold *hold,
			    const struct disk_request *r)
{
	const uint64_t bounds = 1ULL << VIRTIO_BLK_F_SIZE_MAX | 1ULL << VIRTIO_BLK_F_SEG_MAX;

	if (l->target->model || (l->session.features_known && !l->session.lost &&
				 (l->session.driver_features & bounds) == 0))
		return false;
	return r->data > DISK_SECTOR || hold->desc_count > ONE_SEGMENT;
}

/* Is it a read of sectors that were there all the time? */
static bool is_plain_read(const struct ledger *l, const struct ledger_hold *hold,
			  const struct disk_request *r)
{
	uint64_t end = l->disk.capacity;

	return r->data % DISK_SECTOR == 0 && r->sector <= end &&
	       r->data / DISK_SECTOR <= end - r->sector && l->disk.cleared <= hold->disk.begin;
}

static void judge_stored(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 const struct disk_request *r)
{
	if (!is_plain_read(l, hold, r) || may_pass_bounds(l, hold, r) || ledger_starved(l) ||
	    !ledger_judges(l, RULE_DISK_READ))
		return;
	if (hold->disk.skipped)
		ledger_break(l, RULE_DISK_READ,
			     "queue %u: the chain of head %u returns a read of %llu bytes that "
			     "succeeded, and not all of them were stored",
			     queue, hold->head, (unsigned long long)r->data);
}

void disk_on_read(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		  const struct disk_request *r)
{
	uint64_t whole = r->data / DISK_SECTOR;

	if (hold->disk.disordered)
		return;
	judge_stored(l, queue, hold, r);
	for (uint64_t i = 0; i < whole && i < DISK_REQUEST_SUMS; i++)
		/* Past the end there is nothing that stays. */
		if (hold->disk.sums[i].count == DISK_SECTOR && r->sector + i >= r->sector &&
		    r->sector + i < l->disk.capacity)
			on_sector_read(l, queue, hold, r->sector + i, hold->disk.sums[i].sum);
}

int disk_open(struct ledger *l)
{
	uint64_t x = 0x9e3779b97f4a7c15ULL;

	l->disk.sectors = calloc(SLOT_COUNT, sizeof(*l->disk.sectors));
	l->disk.factors = calloc(DISK_SECTOR, sizeof(*l->disk.factors));
	if (l->disk.sectors == NULL || l->disk.factors == NULL)
		return -ENOMEM;
	/* Any numbers without a pattern: xorshift. */
	for (unsigned i = 0; i < DISK_SECTOR; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		l->disk.factors[i] = x | 1;
	}
	return 0;
}
