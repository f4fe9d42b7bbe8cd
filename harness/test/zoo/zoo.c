/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device, each as correct as it is and unusual in one way.  No
 * rule may complain of them, and no script that is about VIRTIO may fail.  README.md
 * has the table of them.
 */
#include "member.h"

#include <linux/virtio_mmio.h>
#include <string.h>

MEMBER(base, "zoo-base", (void)0, USUALLY)

/* ---- interrupts (4.2.3.4, 2.7.7) ------------------------------------------- */

/* The line is up while a bit of InterruptStatus is: an event more changes nothing. */
static void raise_level(struct device *d, uint32_t bits)
{
	bool up = d->interrupt_status != 0;

	d->interrupt_status |= bits;
	if (!up)
		d->host->interrupt(d->host->ctx, bits);
}

MEMBER(level_line, "zoo-level-line", w->raise = raise_level, USUALLY)

/* The driver is told in a step of its own. */
static void wake_later(struct device *d, struct queue *q, uint16_t used_before)
{
	if (q->next_used != used_before && d->ways.wants_interrupt(d, q, used_before))
		d->own = 1;
}

static uint32_t state_own(const struct device *d)
{
	return d->own != 0 && device_live(d) ? VRINGER_WORK : usual.state(d);
}

static void step_wake(struct device *d)
{
	usual.step(d);
	if (d->own != 0)
		d->ways.raise(d, VIRTIO_MMIO_INT_VRING);
	d->own = 0;
}

MEMBER(late_interrupt, "zoo-late-interrupt",
       (w->wake = wake_later, w->state = state_own, w->step = step_wake), USUALLY)

static void raise_twice(struct device *d, uint32_t bits)
{
	usual.raise(d, bits);
	usual.raise(d, bits);
}

MEMBER(wakes_twice, "zoo-wakes-twice", w->raise = raise_twice, USUALLY)

/* ---- completion (2.7.8) ---------------------------------------------------- */

/* Chains are taken now and answered in a step. */
static void serve_take(struct device *d, struct queue *q)
{
	device_take(d, q);
}

static void step_give_back(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++) {
		struct queue *q = &d->queues[i];

		if (!q->ready || !device_live(d) || q->held_count == 0)
			continue;
		q->more = q->held_count == q->size;
		device_give_back(d, q);
		if (q->more && device_live(d))
			device_take(d, q);
	}
}

MEMBER(later, "zoo-later", (w->serve = serve_take, w->step = step_give_back), USUALLY)

static void step_last_first(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++) {
		struct queue *q = &d->queues[i];

		for (uint32_t a = 0, b = q->held_count; a + 1 < b; a++) {
			struct taken taken = q->held[--b];

			q->held[b] = q->held[a];
			q->held[a] = taken;
		}
	}
	step_give_back(d);
}

MEMBER(out_of_order, "zoo-out-of-order", (w->serve = serve_take, w->step = step_last_first),
       USUALLY)

/* The last entry is written first. */
static bool put_last_first(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			   const struct taken *taken, uint32_t count)
{
	for (uint32_t i = count; i-- > 0;)
		if (!device_write_entry(d, q, &elem[i], taken[i], (uint16_t)(q->next_used + i)))
			return false;
	q->next_used = (uint16_t)(q->next_used + count);
	return count == 0 || device_write_idx(d, q, q->next_used);
}

MEMBER(entries_last_first, "zoo-last-entry-first", w->put = put_last_first, USUALLY)

/* ---- descriptors (2.7.5) --------------------------------------------------- */

static bool read_desc_by_field(struct device *d, struct vringer_why why, uint64_t addr,
			       struct vring_desc *desc)
{
	if (!memory_read(d, why, addr, &desc->addr, 8) ||
	    !memory_read(d, why, addr + 8, &desc->len, 4) ||
	    !memory_read(d, why, addr + 12, &desc->flags, 2) ||
	    !memory_read(d, why, addr + 14, &desc->next, 2))
		return false;
	return true;
}

MEMBER(desc_by_field, "zoo-desc-by-field", w->read_desc = read_desc_by_field, USUALLY)

/* ---- all of them ----------------------------------------------------------- */

VRINGER_TARGETS(TARGETS(base), TARGETS(level_line), TARGETS(late_interrupt), TARGETS(wakes_twice),
		TARGETS(later), TARGETS(out_of_order), TARGETS(entries_last_first),
		TARGETS(desc_by_field));
