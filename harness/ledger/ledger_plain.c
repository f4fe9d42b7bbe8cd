/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that reach guest memory by pointers (plain memory): what they did is what
 * changed during a call.  See ledger.h; ledger_survey.c finds before the call what they
 * may do.
 *
 * memory.*: a byte that changed lies in a used ring, or in a device-writable part
 * of a chain that was available and not returned when the call began, whatever
 * order the device did things in.  Reads, and writes of the value that was there
 * already, are not seen.
 *
 * memory.not-live: before DRIVER_OK what may change is what the device says about
 * notifications, of a queue that is ready; accessors may also look at its rings, but for
 * the descriptors (see ledger_ring.c).  What lies in no live queue, but in one that the
 * driver stopped (QueueReady 0) or in its chains, is an access to that queue.
 *
 * Accessors without purposes are judged in the same way, but every access is seen when
 * it happens, and memory can change or an access fail during the call: after that
 * nothing is judged for a while (ledger_blind.c).
 *
 * order.entry: with accessors a used entry is seen to be written when the used index, as it
 * stands then, has passed it: the driver may have read it.
 */
#include "harness/ledger/ledger_plain.h"

#include "devices/table.h"
#include "harness/arena/arena.h"

#include <string.h>

enum place {
	PLACE_NONE,
	PLACE_BUFFER, /* that the device may write to */
	PLACE_FLAGS,  /* of a used ring */
	PLACE_EVENT,  /* behind it */
	PLACE_USED,   /* what else it may write there */
	PLACE_SLOT,   /* a used entry that is not due */
	PLACE_DESC,   /* a descriptor of a packed ring that is not due */
	PLACE_RING,   /* the driver's */
};

/* Where a byte of a used ring at `offset` lies, and the offset of the last that
 * lies there too. */
static enum place used_place(const struct ledger_queue *q, uint64_t offset, uint64_t *last)
{
	uint64_t entries = ring_at(&ring_split, GUEST_USED_ENTRY, q->size, 0);
	uint64_t index = ring_at(&ring_split, GUEST_USED_IDX, q->size, 0);
	uint64_t slot = (offset - entries) / RING_USED_ENTRY_SIZE;

	if (offset < entries) {
		*last = (offset < index ? index : entries) - 1;
		return offset < index ? PLACE_FLAGS : PLACE_USED;
	}
	if (offset >= ring_at(&ring_split, GUEST_AVAIL_EVENT, q->size, 0)) {
		*last = ring_extent(&ring_split, VIRTQUEUE_DEVICE, q->size) - 1;
		return PLACE_EVENT;
	}
	*last = ring_at(&ring_split, GUEST_USED_ENTRY, q->size, (uint32_t)slot + 1) - 1;
	return (uint32_t)(slot - q->used_idx) % q->size < q->work.held ? PLACE_USED : PLACE_SLOT;
}

static bool in_span(uint64_t addr, uint64_t first, uint64_t len, uint64_t *last)
{
	*last = first + (len - 1);
	return addr - first < len;
}

/* Of a packed ring the device says something in an area of its own, and writes to the
 * descriptors that it has. */
static enum place packed_place(const struct ledger_queue *q, uint64_t addr, uint64_t *last)
{
	if (in_span(addr, q->used, ring_extent(&ring_packed, VIRTQUEUE_DEVICE, q->size), last))
		return PLACE_EVENT;
	if (in_span(addr, q->avail, ring_extent(&ring_packed, VIRTQUEUE_DRIVER, q->size), last))
		return PLACE_RING;
	if (!in_span(addr, q->desc, ring_extent(&ring_packed, VIRTQUEUE_DESC, q->size), last))
		return PLACE_NONE;
	*last = q->desc + ((addr - q->desc) | (RING_DESC_SIZE - 1));
	return ledger_packed_is_due(q, addr - q->desc) ? PLACE_USED : PLACE_DESC;
}

static enum place ring_place(const struct ledger_queue *q, uint64_t addr, uint64_t *last)
{
	enum place place;

	if (q->packed)
		return packed_place(q, addr, last);
	if (in_span(addr, q->used, ring_extent(&ring_split, VIRTQUEUE_DEVICE, q->size), last)) {
		place = used_place(q, addr - q->used, last);
		*last += q->used;
		return place;
	}
	if (in_span(addr, q->desc, ring_extent(&ring_split, VIRTQUEUE_DESC, q->size), last) ||
	    in_span(addr, q->avail, ring_extent(&ring_split, VIRTQUEUE_DRIVER, q->size), last))
		return PLACE_RING;
	return PLACE_NONE;
}

static bool buffer_place(const struct ledger *l, const struct ledger_queue *q, uint64_t addr,
			 uint64_t *last)
{
	for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next) {
		for (uint32_t n = l->hold[h].first; n != LEDGER_NONE; n = l->nodes[n].next) {
			const struct ledger_node *node = &l->nodes[n];

			if (!node->writable || node->empty || addr < node->first ||
			    addr > node->last)
				continue;
			*last = node->last;
			return true;
		}
	}
	return false;
}

/* Where `addr` lies, of which queue, and how far that goes. */
static enum place find_place(const struct ledger *l, uint64_t addr, unsigned *queue, uint64_t *last)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];
		enum place place;

		if (!q->work.ready)
			continue;
		*queue = i;
		place = ring_place(q, addr, last);
		if (place != PLACE_NONE)
			return place;
		if (buffer_place(l, q, addr, last))
			return PLACE_BUFFER;
	}
	return PLACE_NONE;
}

static void tell(const struct ledger *l, uint64_t addr, const uint8_t *data, uint32_t len)
{
	if (l->plain.told != NULL)
		l->plain.told(l->plain.told_ctx, addr, data, len);
}

/* Does it lie in a queue that the driver stopped? */
static bool judge_stopped(struct ledger *l, uint64_t addr, const char *what)
{
	unsigned queue;

	if (!ledger_is_stopped(l, addr, &queue))
		return false;
	if (ledger_judges(l, RULE_MEMORY_NOT_LIVE))
		ledger_break(l, RULE_MEMORY_NOT_LIVE,
			     "0x%llx %s, which lies in queue %u or one of its chains, and the "
			     "driver wrote 0 to its QueueReady",
			     (unsigned long long)addr, what, queue);
	return true;
}

/* Does it lie in a region that was taken away?  Of plain memory alone: there are no other
 * holes. */
static bool judge_away(struct ledger *l, uint64_t addr)
{
	if (l->plain.accesses || arena_has(l->plain.arena, addr, 1))
		return false;
	if (ledger_judges(l, RULE_MEMORY_WRITE))
		ledger_break(l, RULE_MEMORY_WRITE,
			     "0x%llx changed, which lies in a region that the host had taken away",
			     (unsigned long long)addr);
	return true;
}

/* An accessor wrote where it may return chains: has the driver been shown that already? */
static void judge_order(struct ledger *l, unsigned queue, uint64_t addr, uint32_t len)
{
	const struct ledger_queue *q = &l->queues[queue];
	uint64_t entries = ring_at(&ring_split, GUEST_USED_ENTRY, q->size, 0);
	uint64_t slot = (addr - q->used - entries) / RING_USED_ENTRY_SIZE;

	if (q->packed) {
		ledger_packed_written(l, queue, addr, len);
		return;
	}
	if (addr - q->used < entries)
		return;
	if ((uint32_t)(slot - q->used_idx) % q->size <
		    (uint16_t)(ledger_used_idx(l, q) - q->used_idx) &&
	    ledger_judges(l, RULE_ORDER_ENTRY))
		ledger_break(l, RULE_ORDER_ENTRY,
			     "queue %u: the device wrote used entry %llu after the used index had "
			     "passed it (%u)",
			     queue, (unsigned long long)slot, ledger_used_idx(l, q));
}

/* The device said when it wants to be notified. */
static void on_event(struct ledger *l, unsigned queue)
{
	const struct ledger_queue *q = &l->queues[queue];
	uint64_t at = q->used + (q->packed ? ring_at(&ring_packed, GUEST_DEVICE_EVENT, 0, 0)
					   : ring_at(&ring_split, GUEST_AVAIL_EVENT, q->size, 0));

	if (q->packed)
		ledger_packed_said(l, queue, arena_load16(l->plain.arena, at),
				   arena_load16(l->plain.arena, at + 2));
	else
		ledger_notify_event(l, queue, arena_load16(l->plain.arena, at));
}

/* These bytes changed, or were written, in a call of a live device. */
static void judge_write(struct ledger *l, uint64_t addr, uint32_t len)
{
	uint64_t end = addr + (len - 1);
	uint64_t last = 0;

	if (judge_away(l, addr))
		return;
	for (bool more = !l->plain.session.blind; more; more = last < end, addr = last + 1) {
		unsigned queue = 0;
		enum place place = find_place(l, addr, &queue, &last);

		if (place == PLACE_FLAGS)
			ledger_flags_written(l, queue,
					     arena_load16(l->plain.arena, l->queues[queue].used));
		if (place == PLACE_EVENT)
			on_event(l, queue);
		if (place == PLACE_DESC && ledger_judges(l, RULE_COMPLETION_SLOT))
			ledger_break(l, RULE_COMPLETION_SLOT,
				     "queue %u: descriptor %llu changed; the next to use is %u and "
				     "the device has %u",
				     queue,
				     (unsigned long long)(addr - l->queues[queue].desc) /
					     RING_DESC_SIZE,
				     l->queues[queue].place.used_slot, l->queues[queue].place.held);
		if (place == PLACE_USED && l->plain.accesses)
			judge_order(l, queue, addr,
				    (uint32_t)((last < end ? last : end) - addr) + 1);
		if (place == PLACE_SLOT && ledger_judges(l, RULE_COMPLETION_SLOT))
			ledger_break(l, RULE_COMPLETION_SLOT,
				     "queue %u: used entry %llu changed; the used index is %u and "
				     "%u chains are available or held",
				     queue,
				     (unsigned long long)(addr - l->queues[queue].used - 4) /
					     RING_USED_ENTRY_SIZE,
				     l->queues[queue].used_idx, l->queues[queue].work.held);
		if (place == PLACE_RING && ledger_judges(l, RULE_MEMORY_RING))
			ledger_break(l, RULE_MEMORY_RING,
				     "queue %u: 0x%llx, which lies in a ring that belongs to the "
				     "driver, "
				     "changed",
				     queue, (unsigned long long)addr);
		if (place != PLACE_NONE)
			continue;
		if (l->target->gives_away != 0)
			ledger_away_look(l);
		last = end < (addr | (LEDGER_PAGE - 1)) ? end : addr | (LEDGER_PAGE - 1);
		if (ledger_away(l, addr, last))
			continue;
		if (judge_stopped(l, addr, "changed"))
			return;
		if (ledger_judges(l, RULE_MEMORY_WRITE))
			ledger_break(l, RULE_MEMORY_WRITE,
				     "0x%llx changed, which lies in no used ring and in no "
				     "device-writable buffer of a chain that is available or held",
				     (unsigned long long)addr);
		return;
	}
}

static void on_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	tell(ctx, addr, data, len);
	judge_write(ctx, addr, len);
}

/* ... of a packed ring: an entry's flags it may read with the rest of the entry. */
static bool is_a_packed_look(const struct ledger_queue *q, bool write, uint64_t addr, uint64_t end)
{
	static const enum virtqueue_area looks[] = { VIRTQUEUE_DEVICE, VIRTQUEUE_DRIVER,
						     VIRTQUEUE_DESC };
	TABLE(const uint64_t, area, VIRTQUEUE_AREA_COUNT, 1,
	      [VIRTQUEUE_DESC] = q->desc,
	      [VIRTQUEUE_DRIVER] = q->avail,
	      [VIRTQUEUE_DEVICE] = q->used);
	uint64_t last;

	for (unsigned i = 0; i < (write ? 1 : 3); i++)
		if (in_span(addr, area[looks[i]], ring_extent(&ring_packed, looks[i], q->size),
			    &last) &&
		    end <= last)
			return looks[i] != VIRTQUEUE_DESC ||
			       (addr - q->desc) / RING_DESC_SIZE ==
				       (end - q->desc) / RING_DESC_SIZE;
	return false;
}

/* May a device access these bytes before DRIVER_OK?  So it may if it is not known where
 * the rings are. */
static bool is_a_look(struct ledger *l, bool write, uint64_t addr, uint32_t len)
{
	uint64_t end = addr + (len - 1), last;

	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];

		/* In the call that makes it ready nobody knows since when it is. */
		if (!q->work.ready && (l->call.starting >> i & 1) != 0) {
			ledger_lacks(l, RULE_MEMORY_NOT_LIVE);
			return true;
		}
		if (!q->work.ready)
			continue;
		if (!q->known) {
			ledger_lacks(l, ledger_dead_rule(l));
			return true;
		}
		if (l->session.suspended)
			continue;
		if (q->packed && is_a_packed_look(q, write, addr, end))
			return true;
		if (q->packed)
			continue;
		if (write &&
		    ((in_span(addr, q->used, 2, &last) && end <= last) ||
		     (in_span(addr, q->used + ring_at(&ring_split, GUEST_AVAIL_EVENT, q->size, 0),
			      2, &last) &&
		      end <= last)))
			return true;
		if (!write &&
		    ((in_span(addr, q->used, ring_extent(&ring_split, VIRTQUEUE_DEVICE, q->size),
			      &last) &&
		      end <= last) ||
		     (in_span(addr, q->avail, ring_extent(&ring_split, VIRTQUEUE_DRIVER, q->size),
			      &last) &&
		      end <= last)))
			return true;
	}
	return false;
}

/* ... of one that is not live. */
static void on_dead_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	struct ledger *l = ctx;

	tell(l, addr, data, len);
	if (!l->session.lost && !is_a_look(l, true, addr, len) &&
	    ledger_judges(l, ledger_dead_rule(l)))
		ledger_break(l, ledger_dead_rule(l),
			     "%u bytes at 0x%llx changed while DRIVER_OK is not set", len,
			     (unsigned long long)addr);
}

/* Memory that changed while the device was called, or could not be accessed, is
 * not what it was before. */
static void note_strikes(struct ledger *l)
{
	if (l->plain.device.struck == l->plain.arena->struck)
		return;
	l->plain.device.struck = l->plain.arena->struck;
	ledger_go_blind(l, BLIND_STRUCK, PROGRAM_QUEUES);
}

/* How far from `addr` on a chain that is held permits to be read: its buffers, and
 * the table that it names. */
static bool read_place(const struct ledger *l, uint64_t addr, uint64_t *last)
{
	for (unsigned i = 0; i < ledger_queues(l); i++) {
		for (uint32_t h = l->queues[i].holds; h != LEDGER_NONE; h = l->hold[h].next) {
			const struct ledger_hold *hold = &l->hold[h];

			*last = hold->table_last;
			if (hold->has_table && addr >= hold->table_first && addr <= *last)
				return true;
			for (uint32_t n = hold->first; n != LEDGER_NONE; n = l->nodes[n].next) {
				*last = l->nodes[n].last;
				if (!l->nodes[n].empty && addr >= l->nodes[n].first &&
				    addr <= *last)
					return true;
			}
		}
	}
	return false;
}

static void judge_read(struct ledger *l, uint64_t addr, uint32_t len)
{
	uint64_t end = addr + (len - 1);
	uint64_t last = 0;
	unsigned queue;

	if (!ledger_judges(l, RULE_MEMORY_READ))
		return;
	for (bool more = true; more; more = last < end, addr = last + 1) {
		if (read_place(l, addr, &last) || find_place(l, addr, &queue, &last) != PLACE_NONE)
			continue;
		if (judge_stopped(l, addr, "was read"))
			return;
		ledger_break(l, RULE_MEMORY_READ,
			     "the device read 0x%llx, which lies in no ring and in no chain that "
			     "is available or held",
			     (unsigned long long)addr);
		return;
	}
}

void ledger_untold(struct ledger *l, bool write, uint64_t addr, uint32_t len, int err)
{
	if (len == 0 || err != 0)
		return;
	if (!l->plain.device.looking) {
		if (!l->session.lost && !is_a_look(l, write, addr, len) &&
		    ledger_judges(l, ledger_dead_rule(l)))
			ledger_break(l, ledger_dead_rule(l),
				     "the device %s %u bytes at 0x%llx while DRIVER_OK is not set",
				     write ? "wrote" : "read", len, (unsigned long long)addr);
		return;
	}
	note_strikes(l);
	if (!l->plain.session.blind && write)
		judge_write(l, addr, len);
	else if (!l->plain.session.blind)
		judge_read(l, addr, len);
}

/* ... while nobody looked. */
static void on_untold_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	tell(ctx, addr, data, len);
}

/* What the device changed in calls while it was not live. */
static void look_dead(struct ledger *l)
{
	if (l->plain.device.entered && l->plain.thorough && !l->plain.accesses) {
		arena_look(l->plain.arena);
		arena_compare_all(l->plain.arena, on_dead_change, l);
	}
	l->plain.device.entered = false;
}

/* Only where the device may write, and the rings. */
static void compare_due(struct ledger *l)
{
	struct arena *arena = l->plain.arena;

	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];
		const struct ring_layout *layout = ledger_layout(q);

		if (!q->work.ready)
			continue;
		arena_compare(arena, q->used, ring_extent(layout, VIRTQUEUE_DEVICE, q->size),
			      on_change, l);
		arena_compare(arena, q->avail, ring_extent(layout, VIRTQUEUE_DRIVER, q->size),
			      on_change, l);
		arena_compare(arena, q->desc, ring_extent(layout, VIRTQUEUE_DESC, q->size),
			      on_change, l);
		for (uint32_t h = q->holds; h != LEDGER_NONE; h = l->hold[h].next)
			for (uint32_t n = l->hold[h].first; n != LEDGER_NONE; n = l->nodes[n].next)
				if (l->nodes[n].writable && !l->nodes[n].empty)
					arena_compare(arena, l->nodes[n].first,
						      l->nodes[n].last - l->nodes[n].first + 1,
						      on_change, l);
	}
}

/* Is this call one after which nobody knows where the device stands? */
static void look_for_doubts(struct ledger *l, enum ledger_unsure unsure)
{
	struct ledger_plain *p = &l->plain;
	const struct ledger_queue *q =
		&l->queues[l->session.queue_sel < PROGRAM_QUEUES ? l->session.queue_sel : 0];

	p->session.fresh = unsure == UNSURE_START && l->session.queue_sel_known && !q->work.ready &&
			   !q->packed && ledger_has_rings(l, q) && ledger_used_idx(l, q) == 0;
	if (unsure == UNSURE_REGISTER || l->session.lost)
		ledger_go_blind(l, BLIND_REGISTERS, PROGRAM_QUEUES);
	else if (p->arena->hole_count > 0)
		ledger_go_blind(l, BLIND_HOLES, PROGRAM_QUEUES);
	else if (unsure == UNSURE_START)
		ledger_go_blind(l, BLIND_STARTED, PROGRAM_QUEUES);
}

void ledger_plain_begin(struct ledger *l, enum ledger_unsure unsure)
{
	struct ledger_plain *p = &l->plain;

	memset(p->device.interrupts, 0, ledger_queues(l) * sizeof(p->device.interrupts[0]));
	p->device.interrupts[LEDGER_LINE] = 0;
	p->device.struck = p->arena->struck;
	p->device.looking = l->call.live;
	if (!p->device.looking) {
		p->device.entered = true;
		return;
	}
	look_dead(l);
	if (p->session.blind)
		ledger_blind_begin(l);
	if (p->device.stale && !p->session.blind && !p->accesses)
		arena_compare_all(p->arena, on_untold_change, l);
	p->device.stale = p->device.stale && p->session.blind;
	look_for_doubts(l, unsure);
	arena_look(p->arena);
	if (!p->session.blind)
		ledger_survey(l);
}

void ledger_plain_end(struct ledger *l)
{
	struct ledger_plain *p = &l->plain;

	if (!p->device.looking)
		return;
	p->device.looking = false;
	note_strikes(l);
	if (l->target->gives_away != 0)
		ledger_away_look(l);
	if (p->thorough && !p->accesses)
		arena_compare_all(p->arena, on_change, l);
	else if (!p->session.blind && !p->accesses)
		compare_due(l);
	if (p->session.blind)
		ledger_judge_jump(l);
	for (unsigned i = 0; i < ledger_queues(l) && !p->session.blind; i++)
		if (l->queues[i].work.ready)
			ledger_plain_used(l, i);
	if (!p->session.blind)
		ledger_plain_interrupts(l);
	else
		ledger_blind_end(l);
}

void ledger_plain_rest(struct ledger *l)
{
	look_dead(l);
}

static void on_stray(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	struct ledger *l = ctx;

	(void)addr;
	(void)data;
	(void)len;
	l->plain.device.strayed = true;
}

void ledger_strays(struct ledger *l)
{
	if (l->plain.arena == NULL || l->plain.accesses)
		return;
	arena_look(l->plain.arena);
	if (l->plain.device.stale && !l->plain.thorough)
		arena_compare_all(l->plain.arena, on_untold_change, l);
	else
		arena_compare_all(l->plain.arena, l->plain.thorough ? on_dead_change : on_stray, l);
	l->plain.device.stale = false;
}

void ledger_gone(struct ledger *l)
{
	ledger_strays(l);
	if (l->plain.arena != NULL && !l->plain.accesses)
		arena_settled(l->plain.arena);
}

void ledger_plain_open(struct ledger *l, struct arena *arena, bool accesses, ledger_told_fn *told,
		       void *ctx)
{
	l->plain = (struct ledger_plain){
		.arena = arena, .accesses = accesses, .told = told, .told_ctx = ctx
	};
}

void ledger_thorough(struct ledger *l, bool thorough)
{
	l->plain.thorough = thorough;
}

/* Something changed that is no buffer's and no ring's, or a finding was made without all
 * memory compared: when and where was it first? */
bool ledger_wants_thorough(const struct ledger *l)
{
	return ledger_is_plain(l) && !l->plain.thorough && (l->stop || l->plain.device.strayed);
}
