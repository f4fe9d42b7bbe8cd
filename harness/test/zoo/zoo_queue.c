/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Relatives of the small device, each as correct as it is and unusual in one way: who is
 * told, what comes back and when, how a ring is read.
 * No rule may complain of them, and no script that is about VIRTIO may fail.  README.md has
 * the table of them.
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

MEMBER(level_line, "zoo-level-line", w->raise = raise_level, ONE_QUEUE, .features = FEATURES,
       .requests = requests,
       .flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD | VRINGER_ALLOC | VRINGER_LEVEL_LINE)

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

/* The driver is told no more of the only queue that there is. */
static void reset_queue_told(struct device *d, struct queue *q)
{
	usual.reset_queue(d, q);
	d->own = 0;
}

MEMBER(late_interrupt, "zoo-late-interrupt",
       (w->wake = wake_later, w->state = state_own, w->step = step_wake,
	w->reset_queue = reset_queue_told),
       USUALLY)

static void raise_twice(struct device *d, uint32_t bits)
{
	usual.raise(d, bits);
	usual.raise(d, bits);
}

/* An event more than it needs: the driver handles spurious ones (2.7.7.1). */
MEMBER(wakes_twice, "zoo-wakes-twice", w->raise = raise_twice, USUALLY)

/* A step raises the interrupt of each second wake-up, counted from its creation on. */
static void wake_by_mood(struct device *d, struct queue *q, uint16_t used_before)
{
	if (d->mood++ % 2 == 0)
		usual.wake(d, q, used_before);
	else
		wake_later(d, q, used_before);
}

MEMBER(moody, "zoo-moody",
       (w->wake = wake_by_mood, w->state = state_own, w->step = step_wake,
	w->reset_queue = reset_queue_told),
       USUALLY)

/* ---- completion (2.7.8) ---------------------------------------------------- */

/* Chains are taken now and answered in a step. */
void serve_take(struct device *d, struct queue *q)
{
	if (device_packed(d))
		packed_take(d, q);
	else
		device_take(d, q);
}

/* Where it had all that the queue has room for it did not look for more. */
void step_give_back(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++) {
		struct queue *q = &d->queues[i];
		bool full = (device_packed(d) ? q->packed.entries : q->held_count) == q->size;

		if (!q->ready || !device_live(d) || q->held_count == 0)
			continue;
		if (device_packed(d))
			packed_give_back(d, q);
		else
			device_give_back(d, q);
		if (full && device_live(d))
			serve_take(d, q);
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
	return count == 0 || device_move_idx(d, q, count);
}

MEMBER(entries_last_first, "zoo-last-entry-first", w->put = put_last_first, USUALLY)

/* One write for all entries up to the end of the ring. */
static bool put_at_once(struct device *d, struct queue *q, const struct vring_used_elem *elem,
			const struct taken *taken, uint32_t count)
{
	struct vringer_why why = { .purpose = VRINGER_USED_ENTRY, .queue = q->index };

	for (uint32_t i = 0, part; i < count; i += part) {
		uint32_t slot = (uint16_t)(q->next_used + i) % q->size;

		part = count - i < q->size - slot ? count - i : q->size - slot;
		why.walk = taken[i].walk;
		if (!memory_write(d, why, q->area[USED] + 4 + 8 * (uint64_t)slot, &elem[i],
				  part * (uint32_t)sizeof(*elem)))
			return false;
	}
	return count == 0 || device_move_idx(d, q, count);
}

MEMBER(entries_at_once, "zoo-entries-at-once", w->put = put_at_once, USUALLY)

/* In order, a batch has one entry: that of the last, where the first's would be (2.7.9).  One of
 * which not all was written ends its batch, to tell how much of it was. */
bool put_batches(struct device *d, struct queue *q, const struct vring_used_elem *elem,
		 const struct taken *taken, uint32_t count)
{
	uint32_t first = 0;

	if (!device_negotiated(d, IN_ORDER))
		return usual.put(d, q, elem, taken, count);
	for (uint32_t i = 0; i < count; i++) {
		if (i + 1 < count && taken[i].full)
			continue;
		if (!device_write_entry(d, q, &elem[i], taken[i], (uint16_t)(q->next_used + first)))
			return false;
		first = i + 1;
	}
	return count == 0 || device_move_idx(d, q, count);
}

MEMBER(batches, "zoo-batches", w->put = put_batches, IN_ORDER_TOO)

/* So, and the chains are taken now and answered in a step: a batch is of several
 * notifications. */
MEMBER(batches_later, "zoo-batches-later",
       (w->put = put_batches, w->serve = serve_take, w->step = step_give_back), IN_ORDER_TOO)

/* In order and one by one. */
MEMBER(in_order, "zoo-in-order", (void)0, IN_ORDER_TOO)

/* used.len may be less than what was written (2.7.8.2). */
static uint32_t answer_without_length(struct device *d, struct queue *q, const struct chain *c)
{
	usual.answer(d, q, c);
	return 0;
}

static const struct vringer_request no_length[] = {
	{ .name = "fill", .writable_len = 64 },
	{ .name = NULL },
};

MEMBER(len_0, "zoo-len-0", w->answer = answer_without_length, ONE_QUEUE, FLAGS,
       .features = FEATURES, .requests = no_length)

/* A chain with a buffer that is not mapped fails after the buffers before it were
 * written: what was written is nobody's business. */
static uint32_t answer_or_fail(struct device *d, struct queue *q, const struct chain *c)
{
	uint32_t room = 0, written = usual.answer(d, q, c);

	for (uint32_t i = 0; i < c->count && room < ANSWER_BYTES; i++)
		if ((c->desc[i].flags & VRING_DESC_F_WRITE) != 0)
			room += c->desc[i].len < ANSWER_BYTES ? c->desc[i].len : ANSWER_BYTES;
	return written == room || written == ANSWER_BYTES ? written : 0;
}

MEMBER(fails_late, "zoo-fails-late", w->answer = answer_or_fail, USUALLY)

/* ---- the available ring (2.7.6, 2.7.10) ------------------------------------- */

/* Reads ahead of the index, and forgets what it read. */
static bool look_prefetch(struct device *d, struct queue *q)
{
	struct vringer_why why = { .purpose = VRINGER_AVAIL_ENTRY,
				   .queue = q->index,
				   .walk = q->next_avail };
	uint64_t slot = q->next_avail % q->size;
	uint16_t entry;

	memory_read(d, why, q->area[AVAIL] + 4 + 2 * slot, &entry, sizeof(entry));
	return usual.look(d, q);
}

MEMBER(prefetch, "zoo-prefetch", w->look = look_prefetch, USUALLY)

/* Looks as soon as there is a ring, and takes nothing before DRIVER_OK (2.1.2). */
static void set_ready_look(struct device *d, struct queue *q, uint32_t value)
{
	uint16_t idx;

	usual.set_ready(d, q, value);
	if (q->ready)
		device_read_le16(d, q, VRINGER_AVAIL_IDX, q->area[AVAIL] + 2, &idx);
}

MEMBER(early_look, "zoo-early-look", w->set_ready = set_ready_look, USUALLY)

/* Serves what is there when it becomes live, before it is notified of it. */
static void live_serve(struct device *d)
{
	for (uint32_t i = 0; i < d->target->queue_count; i++)
		if (d->queues[i].ready)
			d->ways.serve(d, &d->queues[i]);
}

MEMBER(live_look, "zoo-live-look", w->live = live_serve, USUALLY)

/* Wants no notification, ever.  It looks at its queues by itself, three times after the
 * last chain without a pause. */
#define POLLS 3

static void set_ready_poll(struct device *d, struct queue *q, uint32_t value)
{
	usual.set_ready(d, q, value);
	if (q->ready)
		device_write_le16(d, q, VRINGER_USED_FLAGS, q->area[USED], VRING_USED_F_NO_NOTIFY);
}

static void serve_poll(struct device *d, struct queue *q)
{
	(void)q;
	d->own = POLLS;
}

static void step_poll(struct device *d)
{
	if (d->own > 0)
		d->own--;
	for (uint32_t i = 0; i < d->target->queue_count; i++) {
		uint16_t before = d->queues[i].next_used;

		if (!d->queues[i].ready || !device_live(d))
			continue;
		usual.serve(d, &d->queues[i]);
		if (d->queues[i].next_used != before)
			d->own = POLLS;
	}
}

MEMBER(polls, "zoo-polls",
       (w->set_ready = set_ready_poll, w->serve = serve_poll, w->state = state_own,
	w->step = step_poll),
       ONE_QUEUE, .features = FEATURES & ~(1ULL << VIRTIO_RING_F_EVENT_IDX),
       .flags = VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_SHOULD | VRINGER_ALLOC | VRINGER_POLLS,
       .requests = requests)

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

/* Without INDIRECT_DESC the bit is one of those that mean nothing. */
static bool read_desc_plain(struct device *d, struct vringer_why why, uint64_t addr,
			    struct vring_desc *desc)
{
	if (!usual.read_desc(d, why, addr, desc))
		return false;
	if (!device_negotiated(d, VIRTIO_RING_F_INDIRECT_DESC))
		desc->flags &= (uint16_t)~VRING_DESC_F_INDIRECT;
	return true;
}

MEMBER(plain_flag, "zoo-plain-flag", w->read_desc = read_desc_plain, USUALLY)

/* ---- a log of dirty pages (vringer.h, `logged`) ----------------------------------- */

static void wrote_logged(struct device *d, uint64_t addr, uint32_t len)
{
	log_pages(d, addr, addr + (len - 1));
}

MEMBER(logs, "zoo-logs", w->wrote = wrote_logged, USUALLY, .logged = device_logged)

/* The bytes of a buffer go one by one. */
MEMBER(byte_by_byte, "zoo-byte-by-byte", w->piece = 1, USUALLY)
