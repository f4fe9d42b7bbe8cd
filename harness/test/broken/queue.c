/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device of ../zoo with its queue broken in one way: what is served, what
 * comes back, who is told.  chains.c has what is wrong inside a chain, registers.c what
 * is wrong with registers.  README.md has the table.
 */
#include "flaws.h"

#include <linux/virtio_mmio.h>
#include <string.h>

/* ---- what is served -------------------------------------------------------- */

static void serve_nothing(struct device *d, struct queue *q)
{
	(void)d;
	(void)q;
}

MEMBER(serves_nothing, "broken-serves-nothing", w->serve = serve_nothing, USUALLY)

static void serve_all_but_last(struct device *d, struct queue *q)
{
	device_take(d, q);
	if (q->held_count > 1)
		q->held_count--;
	device_give_back(d, q);
}

MEMBER(forgets, "broken-forgets", w->serve = serve_all_but_last, USUALLY)

/* Counts on a notification for each chain. */
static void serve_one(struct device *d, struct queue *q)
{
	device_take(d, q);
	if (q->held_count > 1) {
		q->next_avail = (uint16_t)(q->next_avail - (q->held_count - 1));
		q->held_count = 1;
	}
	device_give_back(d, q);
}

MEMBER(serves_one, "broken-serves-one", w->serve = serve_one, USUALLY)

/* Believes an index that is further ahead than the queue is long. */
static bool look_believing(struct device *d, struct queue *q)
{
	return device_live(d) &&
	       device_read_le16(d, q, VRINGER_AVAIL_IDX, q->area[AVAIL] + 2, &q->avail_idx) &&
	       q->next_avail != q->avail_idx;
}

MEMBER(index_jump, "broken-index-jump", w->look = look_believing, NO_EVENT_IDX)

/* Asks to be notified, and does not look again. */
static bool look_once(struct device *d, struct queue *q)
{
	uint16_t idx;

	if (q->next_avail != q->avail_idx)
		return true;
	if (!device_read_le16(d, q, VRINGER_AVAIL_IDX, q->area[AVAIL] + 2, &idx) ||
	    (uint16_t)(idx - q->next_avail) > q->size) {
		d->ways.breach(d);
		return false;
	}
	q->avail_idx = idx;
	if (q->next_avail == idx && device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		device_write_le16(d, q, VRINGER_AVAIL_EVENT,
				  q->area[USED] + 4 + 8 * (uint64_t)q->size, q->next_avail);
	return q->next_avail != idx;
}

MEMBER(looks_once, "broken-looks-once", w->look = look_once, USUALLY)

static void serve_and_hush(struct device *d, struct queue *q)
{
	usual.serve(d, q);
	device_write_le16(d, q, VRINGER_USED_FLAGS, q->area[USED], VRING_USED_F_NO_NOTIFY);
}

MEMBER(suppresses, "broken-suppresses", w->serve = serve_and_hush, NO_EVENT_IDX)

static void notified_early(struct device *d, struct queue *q)
{
	if (q->ready && (d->status & VIRTIO_CONFIG_S_NEEDS_RESET) == 0)
		d->ways.serve(d, q);
}

MEMBER(before_driver_ok, "broken-too-early", w->notified = notified_early, USUALLY)

/* A queue that was stopped is served when it is notified. */
static void set_ready_forever(struct device *d, struct queue *q, uint32_t value)
{
	usual.set_ready(d, q, value);
	d->own |= q->ready;
}

static void notified_stopped(struct device *d, struct queue *q)
{
	if (device_live(d) && d->own != 0)
		d->ways.serve(d, q);
}

MEMBER(stopped_queue, "broken-stopped-queue",
       (w->set_ready = set_ready_forever, w->notified = notified_stopped), USUALLY)
MEMBER(packed_stopped, "broken-packed-stopped",
       (w->set_ready = set_ready_forever, w->notified = notified_stopped), USUALLY_PACKED)

/* ---- what comes back ------------------------------------------------------- */

static bool put_after_index(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			    const struct taken *taken, uint32_t count)
{
	uint16_t from = q->next_used;

	if (count > 0 && !device_move_idx(d, q, count))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!device_write_entry(d, q, &elem[i], taken[i], (uint16_t)(from + i)))
			return false;
	return true;
}

MEMBER(index_first, "broken-index-first", w->put = put_after_index, USUALLY)

static bool put_twice(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		      const struct taken *taken, uint32_t count)
{
	if (!usual.put(d, q, elem, taken, count))
		return false;
	return usual.put(d, q, elem, taken, count);
}

MEMBER(returns_twice, "broken-returns-twice", w->put = put_twice, USUALLY)

static bool put_next_id(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			const struct taken *taken, uint32_t count)
{
	struct vring_used_elem wrong[QUEUE_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		wrong[i].id = elem[i].id + 1;
		wrong[i].len = elem[i].len;
	}
	return usual.put(d, q, wrong, taken, count);
}

MEMBER(wrong_id, "broken-wrong-id", w->put = put_next_id, USUALLY)

/* Takes the largest size for the size. */
static bool put_by_max(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		       const struct taken *taken, uint32_t count)
{
	uint32_t size = q->size;
	bool ok;

	q->size = d->queue_max[q->index];
	ok = usual.put(d, q, elem, taken, count);
	q->size = size;
	return ok;
}

MEMBER(size_ignored, "broken-size-ignored", w->put = put_by_max, USUALLY)

/* The used index has 8 bits. */
static bool put_8_bits(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		       const struct taken *taken, uint32_t count)
{
	bool ok = usual.put(d, q, elem, taken, count);

	q->next_used &= 255;
	return ok && (q->next_used > 0 || count == 0 || device_move_idx(d, q, 0));
}

MEMBER(index_wraps, "broken-index-wraps", w->put = put_8_bits, USUALLY)

/* ---- who is told ----------------------------------------------------------- */

static void wake_nobody(struct device *d, struct queue *q, uint16_t used_before)
{
	(void)d;
	(void)q;
	(void)used_before;
}

MEMBER(no_interrupt, "broken-no-interrupt", w->wake = wake_nobody, USUALLY)

static bool wants_always(struct device *d, struct queue *q, uint16_t used_before)
{
	(void)d;
	(void)q;
	(void)used_before;
	return true;
}

MEMBER(unwanted_interrupt, "broken-unwanted", w->wants_interrupt = wants_always, USUALLY)

/* The driver wants one when the index passes used_event; this one waits for one more. */
static bool wants_late(struct device *d, struct queue *q, uint16_t used_before)
{
	uint16_t event;

	if (!device_negotiated(d, VIRTIO_RING_F_EVENT_IDX))
		return usual.wants_interrupt(d, q, used_before);
	return !device_read_le16(d, q, VRINGER_USED_EVENT,
				 q->area[AVAIL] + 4 + 2 * (uint64_t)q->size, &event) ||
	       vring_need_event((uint16_t)(event + 1), q->next_used, used_before);
}

MEMBER(event_late, "broken-event-late", w->wants_interrupt = wants_late, USUALLY)

/* Raises the interrupt, then shows what it is for. */
static bool put_after_interrupt(struct device *d, struct queue *q,
				const struct vring_used_elem *elem, const struct taken *taken,
				uint32_t count)
{
	if (count > 0)
		d->ways.raise(d, VIRTIO_MMIO_INT_VRING);
	return usual.put(d, q, elem, taken, count);
}

MEMBER(interrupt_first, "broken-wakes-first", (w->put = put_after_interrupt, w->wake = wake_nobody),
       USUALLY)
