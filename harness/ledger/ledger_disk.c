/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Requests of a block device, as the device itself read them, and its answers (VIRTIO 5.2.6).
 * See ledger_disk_sectors.c for what they make of the disk.  Zoned devices are not followed.
 *
 * A request is what the device read of its header, wherever that lies; its data are the bytes
 * behind the header, or the device-writable ones before the last, which is the status.  Where
 * one address has several places in a chain nobody knows which was meant, and the request is
 * not judged: it may have been any.
 */
#include "harness/ledger/ledger_disk_sectors.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_GET_LIFETIME 10u /* VIRTIO 5.2.6; not in all kernels' headers */
#define F_ZONED 17
/* Bytes of the header that say what a request is: type and sector. */
#define HEADER_TYPE 0x000fu
#define HEADER_SECTOR 0xff00u

uint32_t disk_type(const struct ledger_hold *hold)
{
	return ledger_get32(hold->disk.header);
}

uint64_t disk_sector_of(const struct ledger_hold *hold)
{
	return ledger_get64(hold->disk.header + 8);
}

static const struct {
	uint32_t type;
	uint8_t effect; /* enum disk_effect */
} types[] = {
	{ VIRTIO_BLK_T_IN, DISK_NOTHING },	    { VIRTIO_BLK_T_OUT, DISK_WRITES },
	{ VIRTIO_BLK_T_FLUSH, DISK_NOTHING },	    { VIRTIO_BLK_T_GET_ID, DISK_NOTHING },
	{ TYPE_GET_LIFETIME, DISK_NOTHING },	    { VIRTIO_BLK_T_DISCARD, DISK_DISCARDS },
	{ VIRTIO_BLK_T_WRITE_ZEROES, DISK_ZEROES },
};

static enum disk_effect effect_of_type(uint32_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return (enum disk_effect)types[i].effect;
	return DISK_ANYTHING;
}

/* A device need not look at the sector of a request that has none (5.2.6). */
bool disk_is_read(const struct ledger_hold *hold)
{
	const uint32_t type = disk_type(hold);
	const enum disk_effect effect = effect_of_type(type);
	const bool placed = type == VIRTIO_BLK_T_IN || effect == DISK_WRITES;
	const uint32_t needed = placed ? HEADER_TYPE | HEADER_SECTOR : HEADER_TYPE;

	return (hold->disk.known & needed) == needed;
}

/* One whose header is not read does nothing yet. */
enum disk_effect disk_effect_of(const struct ledger_hold *hold)
{
	return disk_is_read(hold) ? effect_of_type(disk_type(hold)) : DISK_NOTHING;
}

unsigned disk_segments(const struct ledger_hold *hold)
{
	uint64_t data = hold->readable < DISK_HEADER ? 0 : hold->readable - DISK_HEADER;

	if (hold->expects || data == 0 || data > sizeof(hold->disk.head) ||
	    data % DISK_SEGMENT_BYTES != 0 || hold->disk.disordered ||
	    hold->disk.read != hold->readable)
		return 0;
	return (unsigned)(data / DISK_SEGMENT_BYTES);
}

struct disk_segment disk_segment(const struct ledger_hold *hold, unsigned index)
{
	const uint8_t *at = hold->disk.head + (size_t)index * DISK_SEGMENT_BYTES;

	return (struct disk_segment){ .sector = ledger_get64(at),
				      .count = ledger_get32(at + 8),
				      .flags = ledger_get32(at + 12) };
}

/* Where in the bytes of its direction that access lies; false: that is not known. */
static bool find_place(const struct ledger *l, const struct ledger_hold *hold,
		       const struct arena_access *a, uint64_t *place)
{
	uint64_t last = a->addr + (a->len - 1);
	unsigned found = 0;

	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next) {
		const struct ledger_node *node = &l->nodes[i];

		if (node->empty || node->writable != a->write || last < node->first ||
		    a->addr > node->last)
			continue;
		if (a->addr < node->first || last > node->last)
			return false;
		found++;
		*place = node->offset + (a->addr - node->first);
	}
	return found == 1;
}

/* More data: `at` is where among the data it lies.  Sector by sector, in few variables: every
 * byte of every request comes through here. */
static void add_data(const struct ledger *l, struct ledger_disk_chain *c, uint64_t at,
		     const uint8_t *data, uint32_t len)
{
	const uint64_t end = (uint64_t)DISK_REQUEST_SUMS * DISK_SECTOR;
	uint32_t n;

	if (at >= end)
		return;
	if (len > end - at)
		len = (uint32_t)(end - at);
	for (uint32_t i = 0; i < len && at + i < sizeof(c->head); i++)
		c->head[at + i] = data[i];
	for (uint32_t i = 0; i < len; i += n) {
		uint32_t sector = (uint32_t)((at + i) / DISK_SECTOR);
		uint32_t within = (uint32_t)((at + i) % DISK_SECTOR);
		const uint64_t *factors = l->disk.factors + within;
		uint64_t sum = 0;

		n = len - i < DISK_SECTOR - within ? len - i : DISK_SECTOR - within;
		for (uint32_t b = 0; b < n; b++)
			sum += data[i + b] * factors[b];
		c->sums[sector].sum += sum;
		c->sums[sector].count += n;
	}
}

/* The header may be read in any order and again, as long as it is the same. */
static void on_header(struct ledger_disk_chain *c, uint64_t at, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		uint16_t bit = (uint16_t)(1u << (at + i));

		if ((c->known & bit) != 0 && c->header[at + i] != data[i])
			c->blind = true;
		c->header[at + i] = data[i];
		c->known |= bit;
	}
}

static void on_bytes_read(const struct ledger *l, struct ledger_hold *hold, uint64_t place,
			  const uint8_t *data, uint32_t len)
{
	struct ledger_disk_chain *c = &hold->disk;
	uint32_t head = place < DISK_HEADER ? DISK_HEADER - (uint32_t)place : 0;

	if (head > len)
		head = len;
	on_header(c, place, data, head);
	if (place + len <= DISK_HEADER) {
		if (c->read < DISK_HEADER)
			c->read = place + len;
		return;
	}
	/* A device may skip what it does not need of the header. */
	if (c->read < DISK_HEADER)
		c->read = DISK_HEADER;
	c->disordered = c->disordered || place + head != c->read || !disk_is_read(hold) ||
			disk_effect_of(hold) == DISK_NOTHING;
	c->read = place + len;
	if (!c->disordered)
		add_data(l, c, place + head - DISK_HEADER, data + head, len - head);
}

static void on_bytes_written(const struct ledger *l, struct ledger_hold *hold, uint64_t place,
			     const uint8_t *data, uint32_t len)
{
	struct ledger_disk_chain *c = &hold->disk;
	bool stores = disk_effect_of(hold) == DISK_NOTHING;

	c->disordered = c->disordered || (stores && place < c->end);
	c->skipped = c->skipped || place > c->end;
	if (place + len >= c->end)
		c->last = data[len - 1];
	if (place + len > c->end)
		c->end = place + len;
	if (!c->disordered && disk_is_read(hold) && stores)
		add_data(l, c, place, data, len);
}

static void on_access(struct ledger *l, struct ledger_hold *hold, const struct arena_access *a)
{
	struct ledger_disk_chain *c = &hold->disk;
	uint64_t place = 0;

	if (!c->begun)
		c->begin = l->disk.now;
	c->begun = true;
	if (a->err != 0 || c->blind)
		return;
	if (a->data == NULL || hold->restarted || hold->strayed || !find_place(l, hold, a, &place))
		c->blind = true;
	else if (a->write)
		on_bytes_written(l, hold, place, a->data, a->len);
	else
		on_bytes_read(l, hold, place, a->data, a->len);
}

/* Is all of the chain known, with nothing wrong about it? */
static bool is_sound(const struct ledger *l, const struct ledger_hold *hold)
{
	bool writable = false;
	uint64_t bytes = 0;

	if (hold->blind || hold->disk.blind || hold->restarted || hold->strayed || hold->faulted ||
	    hold->expects || hold->piece.open || hold->past_table)
		return false;
	for (uint32_t i = hold->first; i != LEDGER_NONE; i = l->nodes[i].next) {
		const struct ledger_node *node = &l->nodes[i];

		if (!node->writable && writable)
			return false;
		writable = writable || node->writable;
		bytes += node->empty ? 0 : node->last - node->first + 1;
	}
	/* What passes 2^64 was cut there. */
	return bytes == hold->readable + hold->writable && hold->writable > 0;
}

static struct disk_request request_of(const struct ledger *l, const struct ledger_hold *hold)
{
	struct disk_request r = { .type = disk_type(hold), .sector = disk_sector_of(hold) };
	bool sound = is_sound(l, hold) && hold->readable >= DISK_HEADER;
	bool writes = disk_effect_of(hold) != DISK_NOTHING;

	if (!sound)
		return r;
	r.sound = true;
	r.data = writes ? hold->readable - DISK_HEADER : hold->writable - 1;
	r.formed = writes || r.type == VIRTIO_BLK_T_FLUSH ? hold->writable == 1
							  : hold->readable == DISK_HEADER;
	r.answered = hold->disk.end == hold->writable;
	r.status = hold->disk.last;
	return r;
}

/* Are two chains of that head outstanding?  Nobody knows which of them comes back. */
static bool has_twin(const struct ledger *l, unsigned queue, const struct ledger_hold *hold)
{
	for (uint32_t i = l->queues[queue].holds; i != LEDGER_NONE; i = l->hold[i].next)
		if (&l->hold[i] != hold && l->hold[i].head == hold->head)
			return true;
	return false;
}

static void lose(struct ledger *l)
{
	disk_clear(l, true);
	l->disk.lost = true;
}

static void on_returned(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			uint32_t len)
{
	struct disk_request r;

	(void)len;
	l->disk.now++;
	l->disk.returning = hold;
	if (hold == NULL || disk_offers(l, F_ZONED) || has_twin(l, queue, hold)) {
		lose(l);
		return;
	}
	if (l->disk.lost)
		return;
	if (hold->disk.blind || hold->restarted) {
		disk_clear(l, true);
		return;
	}
	if (!disk_is_read(hold)) {
		/* It was answered all the same: by what, nobody saw. */
		if (hold->disk.end > 0)
			disk_clear(l, true);
		return;
	}
	r = request_of(l, hold);
	disk_judge(l, queue, hold, &r);
	disk_on_change(l, hold, &r);
	if (r.type == VIRTIO_BLK_T_FLUSH && r.formed && r.answered && r.status == VIRTIO_BLK_S_OK &&
	    hold->disk.begin > l->disk.flushed)
		l->disk.flushed = hold->disk.begin;
	if (r.type == VIRTIO_BLK_T_IN && r.formed && r.answered && r.status == VIRTIO_BLK_S_OK)
		disk_on_read(l, queue, hold, &r);
}

static void on_dropped(struct ledger *l, const struct ledger_hold *hold)
{
	bool told = l->disk.returning == hold;

	l->disk.returning = NULL;
	if (told || !hold->disk.begun)
		return;
	l->disk.now++;
	disk_on_dropped(l, hold);
}

static void on_unknown(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write)
{
	(void)queue;
	(void)write;
	if (hold == NULL)
		lose(l);
	else
		hold->disk.begun = hold->disk.blind = true;
}

static void on_retaken(struct ledger_hold *hold)
{
	hold->disk.blind = hold->disk.begun;
}

static void on_taken(struct ledger_hold *hold)
{
	memset(&hold->disk, 0, sizeof(hold->disk));
}

static void on_lost(struct ledger *l, unsigned queue)
{
	(void)queue;
	lose(l);
}

static void on_reset(struct ledger *l)
{
	if (l->disk.lost)
		disk_clear(l, true);
	l->disk.lost = false;
	disk_on_loss(l);
}

/* Its ID may be another's, too. */
static void on_forget(struct ledger *l)
{
	l->disk.has_id = false;
	lose(l);
}

void ledger_disk_replaced(struct ledger *l)
{
	l->disk.now++;
	l->disk.has_id = false;
	disk_clear(l, false);
}

static void on_host_end(struct ledger *l, enum host_act act, unsigned port, const void *data,
			uint32_t len, uint32_t moved)
{
	(void)port;
	(void)data;
	(void)len;
	(void)moved;
	if (act == HOST_CHANGE_CONFIG)
		ledger_disk_replaced(l);
}

void ledger_disk_capacity(struct ledger *l, uint64_t sectors)
{
	l->disk.capacity = sectors;
	if (sectors > l->disk.capacity_max)
		l->disk.capacity_max = sectors;
}

static void on_renew(struct ledger *l)
{
	disk_clear(l, false);
	l->disk = (struct ledger_disk){ .sectors = l->disk.sectors, .factors = l->disk.factors };
}

static int on_open(struct ledger *l, const struct target *target)
{
	(void)target;
	return disk_open(l);
}

static void on_close(struct ledger *l)
{
	free(l->disk.sectors);
	free(l->disk.factors);
	l->disk.sectors = NULL;
	l->disk.factors = NULL;
}

static bool applies(const struct target *target)
{
	return target->device_id == VIRTIO_ID_BLOCK &&
	       (target->facts & TARGET_PURPOSES) == TARGET_PURPOSES;
}

const struct follower disk_follower = {
	.applies = applies,
	.open = on_open,
	.close = on_close,
	.renew = on_renew,
	.reset = on_reset,
	.forget = on_forget,
	.taken = on_taken,
	.retaken = on_retaken,
	.accessed = on_access,
	.unknown = on_unknown,
	.returned = on_returned,
	.dropped = on_dropped,
	.lost = on_lost,
	.host_end = on_host_end,
	.called = disk_on_called,
};
