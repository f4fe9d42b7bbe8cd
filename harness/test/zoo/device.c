/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The queue of the small device: take chains, answer them, give them back.  See
 * device.h.
 *
 * One call takes at most as many chains as the queue has entries, a chain has at most
 * that many descriptors, and at most ANSWER_BYTES are read and written for it.  What
 * breaks a rule for drivers (2.7) is a breach: the device needs a reset.
 *
 * VIRTIO 1.4, 2.7: split virtqueues, with INDIRECT_DESC and EVENT_IDX.
 */
#include "device.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static struct vringer_why why_chain(uint16_t purpose, const struct queue *q, struct taken taken)
{
	return (struct vringer_why){ .purpose = purpose, .queue = q->index, .walk = taken.walk };
}

bool device_read_le16(struct device *d, struct queue *q, uint16_t purpose, uint64_t addr,
		      uint16_t *value)
{
	struct vringer_why why = { .purpose = purpose, .queue = q->index };

	if (!memory_read(d, why, addr, value, sizeof(*value)))
		return false;
	*value = le16toh(*value);
	return true;
}

bool device_write_le16(struct device *d, struct queue *q, uint16_t purpose, uint64_t addr,
		       uint16_t value)
{
	struct vringer_why why = { .purpose = purpose, .queue = q->index };

	value = htole16(value);
	return memory_write(d, why, addr, &value, sizeof(value));
}

/* ---- take ------------------------------------------------------------------ */

/* An index further ahead than the queue is long names chains that cannot be. */
static bool read_avail_idx(struct device *d, struct queue *q)
{
	uint16_t idx;

	if (!device_read_le16(d, q, VRINGER_AVAIL_IDX, q->area[AVAIL] + 2, &idx) ||
	    (uint16_t)(idx - q->next_avail) > q->size) {
		d->ways.breach(d);
		return false;
	}
	q->avail_idx = idx;
	return true;
}

/* Is there a chain to take?  If not, the driver is asked to notify the next one, and may
 * have offered it before it saw that. */
static bool usual_look(struct device *d, struct queue *q)
{
	if (q->next_avail != q->avail_idx)
		return true;
	if (!read_avail_idx(d, q))
		return false;
	if (q->next_avail != q->avail_idx || !device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		return q->next_avail != q->avail_idx;
	if (!device_write_le16(d, q, VRINGER_AVAIL_EVENT, q->area[USED] + 4 + 8 * (uint64_t)q->size,
			       q->next_avail)) {
		d->ways.breach(d);
		return false;
	}
	return read_avail_idx(d, q) && q->next_avail != q->avail_idx;
}

/* All chains that are available, as far as there is room for them. */
void device_take(struct device *d, struct queue *q)
{
	while (q->held_count < q->size && d->ways.look(d, q)) {
		struct taken taken = { .walk = q->next_avail };
		uint64_t slot = q->next_avail % q->size;

		if (!memory_read(d, why_chain(VRINGER_AVAIL_ENTRY, q, taken),
				 q->area[AVAIL] + 4 + 2 * slot, &taken.head, 2)) {
			d->ways.breach(d);
			return;
		}
		taken.head = le16toh(taken.head);
		q->held[q->held_count++] = taken;
		q->next_avail++;
	}
}

/* ---- answer ---------------------------------------------------------------- */

static bool usual_read_desc(struct device *d, struct vringer_why why, uint64_t addr,
			    struct vring_desc *desc)
{
	if (!memory_read(d, why, addr, desc, sizeof(*desc)))
		return false;
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->flags = le16toh(desc->flags);
	desc->next = le16toh(desc->next);
	return true;
}

/* Whether a descriptor may refer to an indirect table (2.7.5.3).  Its WRITE flag means
 * nothing. */
static bool table_allowed(const struct device *d, const struct vring_desc *desc)
{
	return device_negotiated(d, VIRTIO_RING_F_INDIRECT_DESC) &&
	       (desc->flags & VRING_DESC_F_NEXT) == 0 && desc->len >= sizeof(*desc) &&
	       desc->len % sizeof(*desc) == 0;
}

/* A buffer of no bytes is one too.  None goes past 2^64. */
static bool usual_allows(struct device *d, const struct vring_desc *desc)
{
	(void)d;
	return desc->len == 0 || desc->addr + (desc->len - 1) >= desc->addr;
}

/* The descriptors of a chain.  False if it is none: a number that is not in the table,
 * more descriptors than the queue has entries, a table where none may be. */
static bool usual_walk(struct device *d, struct queue *q, struct chain *c)
{
	struct vringer_why why = why_chain(VRINGER_DESC, q, c->taken);
	uint64_t table = q->area[DESC], entries = q->size;
	uint64_t i = c->taken.head;

	for (c->count = 0; c->count < q->size;) {
		struct vring_desc *desc = &c->desc[c->count];

		if (i >= entries || !d->ways.read_desc(d, why, table + 16 * i, desc) ||
		    !d->ways.allows(d, desc))
			return false;
		if ((desc->flags & VRING_DESC_F_INDIRECT) != 0) {
			if (why.purpose == VRINGER_INDIRECT || !table_allowed(d, desc))
				return false;
			why.purpose = VRINGER_INDIRECT;
			table = desc->addr;
			entries = desc->len / sizeof(*desc);
			i = 0;
			continue;
		}
		c->count++;
		if ((desc->flags & VRING_DESC_F_NEXT) == 0)
			return true;
		i = desc->next;
	}
	return false;
}

/* What the driver has to say, as a number that depends on each byte and its place. */
static bool read_request(struct device *d, struct queue *q, const struct chain *c, uint32_t *sum)
{
	uint32_t left = ANSWER_BYTES;
	uint8_t piece[ANSWER_BYTES];

	for (uint32_t i = 0; i < c->count; i++) {
		const struct vring_desc *desc = &c->desc[i];

		if ((desc->flags & VRING_DESC_F_WRITE) != 0)
			continue;
		for (uint32_t at = 0, len; at < desc->len && left > 0; at += len, left -= len) {
			len = desc->len - at < left ? desc->len - at : left;
			len = len < d->ways.piece ? len : d->ways.piece;
			if (!memory_read(d, why_chain(VRINGER_PAYLOAD, q, c->taken),
					 desc->addr + at, piece, len))
				return false;
			for (uint32_t b = 0; b < len; b++)
				*sum = *sum * 31 + piece[b] + 1;
		}
	}
	return true;
}

static uint8_t answer_byte(uint32_t sum, uint32_t position)
{
	return (uint8_t)((sum >> position % 4 * 8) + position * 0x9d + 0x2f);
}

/* Answer a chain; how many bytes were written to it.  It ends at a buffer that is not
 * mapped. */
static uint32_t usual_answer(struct device *d, struct queue *q, const struct chain *c)
{
	uint32_t sum = 0, written = 0;
	uint8_t piece[ANSWER_BYTES];

	if (!read_request(d, q, c, &sum))
		return 0;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct vring_desc *desc = &c->desc[i];

		if ((desc->flags & VRING_DESC_F_WRITE) == 0)
			continue;
		for (uint32_t at = 0, len; at < desc->len && written < ANSWER_BYTES; at += len) {
			len = ANSWER_BYTES - written;
			len = desc->len - at < len ? desc->len - at : len;
			len = len < d->ways.piece ? len : d->ways.piece;
			for (uint32_t b = 0; b < len; b++)
				piece[b] = answer_byte(sum, written + b);
			if (!memory_write(d, why_chain(VRINGER_PAYLOAD, q, c->taken),
					  desc->addr + at, piece, len))
				return written;
			written += len;
		}
	}
	return written;
}

/* ---- give back ------------------------------------------------------------- */

bool device_write_entry(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			struct taken taken, uint16_t position)
{
	struct vring_used_elem le = { .id = htole32(elem->id), .len = htole32(elem->len) };

	return memory_write(d, why_chain(VRINGER_USED_ENTRY, q, taken),
			    q->area[USED] + 4 + 8 * (uint64_t)(position % q->size), &le,
			    sizeof(le));
}

bool device_move_idx(struct device *d, struct queue *q, uint32_t count)
{
	uint16_t idx = (uint16_t)(q->next_used + count);

	if (!device_write_le16(d, q, VRINGER_USED_IDX, q->area[USED] + 2, idx))
		return false;
	q->next_used = idx;
	return true;
}

/* First the entries, then the index that shows them to the driver. */
static bool usual_put(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		      const struct taken *taken, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!device_write_entry(d, q, &elem[i], taken[i], (uint16_t)(q->next_used + i)))
			return false;
	return count == 0 || device_move_idx(d, q, count);
}

/* 2.7.7.2.  What cannot be read cannot say no. */
static bool usual_wants_interrupt(struct device *d, struct queue *q, uint16_t used_before)
{
	uint16_t value;

	if (device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		return !device_read_le16(d, q, VRINGER_USED_EVENT,
					 q->area[AVAIL] + 4 + 2 * (uint64_t)q->size, &value) ||
		       vring_need_event(value, q->next_used, used_before);
	return !device_read_le16(d, q, VRINGER_AVAIL_FLAGS, q->area[AVAIL], &value) ||
	       (value & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}

static void usual_wake(struct device *d, struct queue *q, uint16_t used_before)
{
	if (q->next_used != used_before && d->ways.wants_interrupt(d, q, used_before))
		d->ways.raise(d, 1);
}

bool device_is_full(const struct chain *c, uint32_t written)
{
	uint64_t room = 0;

	for (uint32_t i = 0; i < c->count; i++)
		if ((c->desc[i].flags & VRING_DESC_F_WRITE) != 0)
			room += c->desc[i].len;
	return room == written;
}

/* Answer all chains that are held, and give them back.  After a breach the device has
 * nothing more to do with the rest. */
void device_give_back(struct device *d, struct queue *q)
{
	struct vring_used_elem elem[QUEUE_SIZE] = { { 0, 0 } };
	uint16_t used_before = q->next_used;
	uint32_t held = q->held_count, count;
	struct chain chain;

	for (count = 0; count < held; count++) {
		chain.taken = q->held[count];
		if (!d->ways.walk(d, q, &chain))
			break;
		elem[count].id = chain.taken.head;
		elem[count].len = d->ways.answer(d, q, &chain);
		q->held[count].full = device_is_full(&chain, elem[count].len);
	}
	q->held_count = 0;
	if (!d->ways.put(d, q, elem, q->held, count)) {
		d->ways.breach(d);
		return;
	}
	d->ways.wake(d, q, used_before);
	if (count < held)
		d->ways.breach(d);
}

/* The driver may add to a full queue while it is served: that is left for later. */
static void usual_serve(struct device *d, struct queue *q)
{
	if (device_packed(d)) {
		packed_serve(d, q);
		return;
	}
	device_take(d, q);
	q->more = q->held_count == q->size;
	device_give_back(d, q);
	q->more = q->more && device_live(d) && d->ways.look(d, q);
}

/* ---- life ------------------------------------------------------------------ */

/* Whether there is work for a step. */
bool device_chains(const struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++)
		if (d->queues[i].ready && (d->queues[i].more || d->queues[i].held_count > 0))
			return device_live(d);
	return false;
}

static uint32_t usual_state(const struct device *d)
{
	return device_chains(d) && !device_suspended(d) ? VRINGER_WORK : VRINGER_IDLE;
}

static void usual_step(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++)
		if (d->queues[i].more && d->queues[i].ready && device_live(d))
			d->ways.serve(d, &d->queues[i]);
}

uint32_t device_state(void *device)
{
	const struct device *d = device;

	return d->ways.state(d);
}

void device_step(void *device)
{
	struct device *d = device;

	d->ways.step(d);
}

const struct ways usual = {
	.serve = usual_serve,
	.look = usual_look,
	.read_desc = usual_read_desc,
	.allows = usual_allows,
	.walk = usual_walk,
	.answer = usual_answer,
	.put = usual_put,
	.wants_interrupt = usual_wants_interrupt,
	.wake = usual_wake,
	.put_packed = packed_put,
	.wants_packed = packed_wants_interrupt,
	.breach = usual_breach,
	.raise = usual_raise,
	.acknowledge = usual_acknowledge,
	.reset = usual_reset,
	.accepts = usual_accepts,
	.set_ready = usual_set_ready,
	.reset_queue = usual_reset_queue,
	.notified = usual_notified,
	.live = usual_live,
	.suspend = usual_suspend,
	.resume = usual_resume,
	.read_status = usual_read_status,
	.exists = usual_exists,
	.read_register = usual_read_register,
	.read_config = usual_read_config,
	.write_config = usual_write_config,
	.state = usual_state,
	.step = usual_step,
	.piece = ANSWER_BYTES,
};

void *device_create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	const struct member *member = host->opaque;
	struct device *d = host->alloc(host->ctx, sizeof(*d));

	if (d == NULL)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->host = host;
	d->target = member->target;
	member->ways(&d->ways);
	memcpy(d->queue_max, queue_max, d->target->queue_count * sizeof(*queue_max));
	d->offered[0] = (uint32_t)offered;
	d->offered[1] = (uint32_t)(offered >> 32);
	d->offered[2] = (uint32_t)host->offered_high;
	d->offered[3] = (uint32_t)(host->offered_high >> 32);
	d->ways.reset(d);
	return d;
}

void device_destroy(void *device)
{
	struct device *d = device;

	d->host->free(d->host->ctx, d);
}
