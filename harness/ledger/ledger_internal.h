/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the ledger share: ledger.c (rules and findings),
 * ledger_regs.c (registers and status), ledger_show.c (what they read as), ledger_ring.c
 * (queues and chains), ledger_odd.c (fields in pieces), ledger_desc.c (descriptors), ledger_chain.c
 * (what a chain permits), ledger_sound.c (what is wrong with one), ledger_wakeup.c (interrupts),
 * ledger_notify.c (notifications), ledger_suspend.c (suspended devices), ledger_config.c
 * (configuration), ledger_rest.c (at rest), the followers (follower.h) and, of plain memory,
 * ledger_plain.c and ledger_survey.c.
 */
#ifndef VRINGER_HARNESS_LEDGER_INTERNAL_H
#define VRINGER_HARNESS_LEDGER_INTERNAL_H

#include "devices/virtio_1_4.h"
#include "harness/arena/arena.h"
#include "harness/ledger/ledger.h"

/* Are the device's registers those of devices/mmio.h, whose answers to a driver
 * that breaks the rules are known? */
static inline bool ledger_knows_transport(const struct ledger *l)
{
	return l->target->model || l->target->transport;
}

/* The queues that the target has and a program can name: all others stay as they are at
 * first. */
static inline unsigned ledger_queues(const struct ledger *l)
{
	return l->target->queue_count < PROGRAM_QUEUES ? l->target->queue_count : PROGRAM_QUEUES;
}

/* Is the rule to be judged for this target?  Notes that it was. */
static inline bool ledger_judges(struct ledger *l, enum rule rule)
{
	uint64_t bit = 1ULL << rule % 64;

	if ((l->silent[rule / 64] & bit) != 0)
		return false;
	if (l->session.lost && (rule_table[rule].facts & FACT_REGISTERS) != 0) {
		l->not_judged[rule / 64] |= bit;
		return false;
	}
	l->judged[rule / 64] |= bit;
	return true;
}

/* What that rule is about was met, and what must be known of it is not. */
static inline void ledger_lacks(struct ledger *l, enum rule rule)
{
	l->not_judged[rule / 64] |= 1ULL << rule % 64 & ~l->silent[rule / 64];
}

/* What taking a chain, and each of its descriptors, allows a device to do. */
#define LEDGER_CHAIN_BYTES 64u
#define LEDGER_CHAIN_ACCESSES 16u
#define LEDGER_DESC_BYTES 64u
#define LEDGER_DESC_ACCESSES 8u
/* How often a device may walk a chain: to measure it, to check it, to use it.  What it
 * reads from then on allows nothing more: a loop ends. */
#define LEDGER_WALKS 4u

static inline uint16_t ledger_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ledger_get32(const uint8_t *p)
{
	return ledger_get16(p) | (uint32_t)ledger_get16(p + 2) << 16;
}

static inline uint64_t ledger_get64(const uint8_t *p)
{
	return ledger_get32(p) | (uint64_t)ledger_get32(p + 4) << 32;
}

/* One access of a ring, taken apart. */
struct ring_access {
	struct ledger *l;
	struct ledger_queue *q;
	struct ledger_pending *pending; /* of q */
	struct guest_why why;
	bool write;
	uint64_t addr;
	const uint8_t *data;
	uint32_t len;
	int err;
};

/* An access of a field, of its size and in its place; of another size: false if it lies
 * elsewhere; of a descriptor of an indirect table, in pieces. */
void ledger_field_told(const struct ring_access *a);
bool ledger_field_odd(const struct ring_access *a);
void ledger_table_odd(const struct ring_access *a);
/* ... which vringer.h asks not to do. */
void ledger_judge_size(const struct ring_access *a);
/* The device wrote a used entry, the used index, or tried to; and read the index. */
void ledger_used_entry_written(const struct ring_access *a);
void ledger_used_idx_written(const struct ring_access *a);
void ledger_used_idx_seen(const struct ring_access *a);
/* The device read a descriptor, or several of an indirect table.  In two parts: that it did,
 * and what one says, in the machine's byte order, of that place in its table. */
void ledger_desc_read(const struct ring_access *a);
struct vring_desc;
bool ledger_desc_walk(const struct ring_access *a, struct ledger_hold *hold);
void ledger_desc_add(const struct ring_access *a, struct ledger_hold *hold,
		     const struct vring_desc *desc, uint16_t index);
/* What a used entry returns is taken off: one chain, or, in order, a batch; how many entries of
 * a packed ring that took, and how many chains it was. */
uint16_t ledger_used_returned(const struct ring_access *a, const struct ledger_pending *entry,
			      uint16_t *chains);
/* The used index moved by that much, past entries of which the first was not written. */
void ledger_used_unwritten(const struct ring_access *a, uint16_t moved);
/* The entry returns that hold, or one that the device does not hold (LEDGER_NONE). */
void ledger_used_judge(const struct ring_access *a, const struct ledger_pending *entry,
		       uint32_t found);
/* In order (ledger_in_order.c): the used index is about to move by `moved`; over how many of
 * these positions it is known what came back. */
uint16_t ledger_in_order_moved(const struct ring_access *a, uint16_t moved);
/* ... and an entry of a packed ring, as ledger_used_returned. */
uint16_t ledger_in_order_returned(const struct ring_access *a, const struct ledger_pending *entry,
				  uint16_t *chains);
/* ... the device returns what it does not hold: was that skipped by a batch? */
bool ledger_in_order_late(const struct ring_access *a, const struct ledger_pending *entry);
/* ... of plain memory: chains that are held and older than that one. */
uint16_t ledger_in_order_older(const struct ledger *l, const struct ledger_queue *q,
			       uint32_t found);
/* The oldest chain that is held; LEDGER_NONE. */
uint32_t ledger_in_order_oldest(const struct ledger *l, const struct ledger_queue *q);
/* Its completion could not be written. */
void ledger_used_abandoned(const struct ring_access *a);
/* The available ring is structurally wrong, as the device read it. */
void ledger_ring_poison(const struct ring_access *a);
/* A field of a packed ring was accessed, in its place or not (ledger_packed.c). */
void ledger_packed_start(struct ledger_queue *q);
void ledger_packed_access(const struct ring_access *a);
/* The place that the device looks at next, as an event names one. */
uint16_t ledger_packed_next(const struct ledger_queue *q);
/* From a place of a packed ring on by so many entries. */
static inline void ledger_packed_go_on(uint16_t *slot, bool *wrap, uint16_t size, uint32_t entries)
{
	uint32_t next = *slot + entries;

	*wrap ^= next / size % 2 != 0;
	*slot = (uint16_t)(next % size);
}

/* Does the device have the descriptor at that offset of the ring, and may write there? */
static inline bool ledger_packed_is_due(const struct ledger_queue *q, uint64_t offset)
{
	uint32_t slot = (uint32_t)(offset / RING_DESC_SIZE);

	return (slot + q->size - q->place.used_slot) % q->size < q->place.held;
}

/* Event suppression (ledger_packed_event.c).  A chain of so many entries is returned in the next
 * place to use: that is the first of the range, or one more.  Does the driver want an interrupt
 * for the range, by what its structure says?  And the device's says that. */
enum ledger_wanted { WANTED_NO, WANTED_YES, WANTED_UNSURE };
void ledger_range_add(struct ledger_range *range, const struct ledger_queue *q, uint32_t entries);
/* ... or as many as follow it. */
void ledger_range_join(struct ledger_range *range, const struct ledger_range *more);
enum ledger_wanted ledger_packed_wanted(const struct ledger *l, const struct ledger_queue *q,
					const struct ledger_range *range, uint16_t off_wrap,
					uint16_t flags);
void ledger_packed_said(struct ledger *l, unsigned queue, uint16_t off_wrap, uint16_t flags);

static inline const struct ring_layout *ledger_layout(const struct ledger_queue *q)
{
	return q->packed ? &ring_packed : &ring_split;
}

/* What registers show: a 4-byte read of one, and InterruptStatus. */
void ledger_judge_read(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value);
/* ... a read of `width` bytes that is of no register. */
void ledger_judge_odd_read(struct ledger *l, uint64_t offset, uint32_t width, uint64_t value);
void ledger_judge_interrupt_status(struct ledger *l, uint32_t shown);
void ledger_interrupt_status_rest(struct ledger *l);
/* The driver read `value` from a word of the offer. */
void ledger_judge_requires(struct ledger *l, uint32_t word, uint32_t value);

/* A suspended device (ledger_suspend.c): a call begins, which may be a write of the status; the
 * driver wrote it; the device shows it; the configuration interrupts of a call, and how many
 * of them are due for what changed before; at rest. */
static inline bool ledger_has_suspend(const struct ledger *l)
{
	return l->session.features_known &&
	       (l->session.driver_features >> VIRTIO_F_SUSPEND & 1) != 0;
}
void ledger_suspend_begin(struct ledger *l, bool status, uint32_t value);
void ledger_suspend_written(struct ledger *l, uint32_t value, const struct ledger_probe *probe);
void ledger_suspend_shown(struct ledger *l, uint32_t status);
unsigned ledger_suspend_config(struct ledger *l, bool changed, unsigned raised,
			       const struct ledger_probe *probe);
void ledger_suspend_rest(struct ledger *l, enum device_state state);
/* The rule that an access breaks while the device is not live. */
static inline enum rule ledger_dead_rule(const struct ledger *l)
{
	return l->session.suspended ? RULE_SUSPEND_QUEUES : RULE_MEMORY_NOT_LIVE;
}

/* The driver reset the device: another session begins. */
void ledger_session_end(struct ledger *l);

/* Queues. */
void ledger_queue_start(struct ledger *l, struct ledger_queue *q);
/* Until reset nobody knows its size and addresses, or where the device stands in it; what
 * passes there is not seen. */
void ledger_queue_lose(struct ledger *l, struct ledger_queue *q);
/* The device has no business with the queue any more. */
void ledger_queue_stop(struct ledger *l, struct ledger_queue *q);

/* Chains.  hold_find: LEDGER_NONE if the device holds no such chain. */
uint32_t ledger_hold_search(struct ledger *l, struct ledger_queue *q, uint16_t walk);
/* Mostly it is the one that was found last. */
static inline uint32_t ledger_hold_find(struct ledger *l, struct ledger_queue *q, uint16_t walk)
{
	uint32_t last = q->last_hold;

	if (last != LEDGER_NONE && l->hold[last].walk == walk)
		return last;
	return q->holds != LEDGER_NONE ? ledger_hold_search(l, q, walk) : LEDGER_NONE;
}
uint32_t ledger_hold_take(struct ledger *l, struct ledger_queue *q, uint16_t walk, uint16_t head);
/* May the device act on a chain whose entry it read early?  Then it has taken it. */
bool ledger_hold_act(struct ledger_queue *q, struct ledger_hold *hold);
/* Is that entry below the available index, as the device read it last? */
static inline bool ledger_is_available(const struct ledger_queue *q, uint16_t walk)
{
	return q->work.index_seen && (uint16_t)(q->work.avail_idx - walk - 1) < 0x8000;
}
void ledger_hold_drop(struct ledger *l, struct ledger_queue *q, uint32_t index);
void ledger_hold_add(struct ledger *l, struct ledger_hold *hold, uint64_t addr, uint32_t len,
		     bool writable);
/* The device read or wrote payload bytes of a chain. */
void ledger_payload(struct ledger *l, struct ledger_queue *q, const struct arena_access *access);
/* Are these bytes, all of them, in one buffer of the chain alone?  Addresses, both inclusive. */
bool ledger_hold_in_one(const struct ledger *l, const struct ledger_hold *hold, uint64_t first,
			uint64_t last);
/* Which buffers the chain has, if all of it is known, nothing about it is wrong as the
 * device read it, and no access for it failed; else 0. */
enum { CHAIN_READABLE = 1, CHAIN_WRITABLE = 2, CHAIN_REQUEST = 3 };
unsigned ledger_hold_kinds(const struct ledger *l, const struct ledger_hold *hold);
/* Did the device leave it before its end, though all that it read is of these kinds, and
 * nothing about that is wrong? */
bool ledger_hold_is_left(const struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 unsigned kinds);
/* Were all of the first `len` device-writable bytes written? */
bool ledger_hold_covers(const struct ledger *l, const struct ledger_hold *hold, uint32_t len);

/* What the driver says about interrupts, as the device read it (err: it could
 * not), what the device says about notifications, and what it raised. */
void ledger_index_moved(struct ledger_queue *q, uint16_t used_idx);
/* The device has read what the queue's available index is, for `none.N` of sums. */
void ledger_looked(struct ledger *l, unsigned queue);
/* The device looked at what the driver wants, in either format; err: it could not, or it leaves
 * the device free. */
void ledger_driver_said(const struct ledger *l, struct ledger_queue *q, int err, bool silence);
void ledger_flags_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t flags);
void ledger_event_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t event);
void ledger_flags_written(struct ledger *l, unsigned queue, uint16_t flags);
void ledger_fields_forget(struct ledger *l);
/* The driver wrote `width` bytes of configuration (ledger_config.c). */
void ledger_config_written(struct ledger *l, uint64_t at, uint32_t width, uint64_t value);
/* The driver wrote or read `width` bytes of configuration (ledger_disk_config.c). */
void ledger_disk_config(struct ledger *l, bool write, uint64_t at, uint32_t width, uint64_t value);
/* The device said whether a queue's driver is to notify it, or something that is not
 * known; at rest: may it be silent about queue `i`? */
void ledger_notify_said(struct ledger *l, unsigned queue, bool wanted);
void ledger_notify_event(struct ledger *l, unsigned queue, uint16_t event);
void ledger_notify_flags(struct ledger *l, unsigned queue, bool wanted);
void ledger_notify_unknown(struct ledger_queue *q);
void ledger_notify_rest(struct ledger *l, unsigned i);
void ledger_judge_config(struct ledger *l, uint32_t set, const struct ledger_probe *probe);
/* At rest: did the interrupt come that queue `i` still waits for? */
void ledger_wakeup_rest(struct ledger *l, unsigned i);
/* ... and the one for DEVICE_NEEDS_RESET? */
void ledger_config_rest(struct ledger *l);
/* ... may it be missing, as far as is known so far? */
bool ledger_wakeup_owed(const struct ledger *l, unsigned i);
/* Is the line up for that bit? */
static inline bool ledger_line_is_up(const struct ledger *l, uint32_t bit)
{
	return l->target->level_line && (l->device.shown & bit) != 0;
}
/* Did a buffer take place for what an interrupt said in this call? */
void ledger_judge_used_bit(struct ledger *l);

/* The device returned a chain that it must use, as it read it itself, and read or
 * wrote too little of it, or left it: is it for how it is cut, or for nothing? */
void ledger_refused(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
		    const char *what);
/* Did an allocation of the device fail in this call? */
static inline bool ledger_starved(const struct ledger *l)
{
	return l->heap->failures != l->call.heap_failures;
}

/* A used ring that passes 2^64 has entries that are nowhere: a device that
 * notices need not try to write them. */
static inline bool ledger_used_ring_wraps(const struct ledger_queue *q)
{
	return ring_wraps(ledger_layout(q), VIRTQUEUE_DEVICE, q->size, q->used);
}

static inline bool ledger_has_in_order(const struct ledger *l)
{
	return l->session.features_known && (l->session.driver_features >> VIRTIO_F_IN_ORDER & 1);
}

/* In order, may a model have lost what it returned?  It did where that was seen to fail; an entry
 * that is nowhere is not seen. */
static inline bool ledger_may_be_broken(const struct ledger *l, const struct ledger_queue *q)
{
	return q->work.broken || (l->target->model && ledger_has_in_order(l) && !q->packed &&
				  ledger_used_ring_wraps(q));
}

/* Has a model nothing more to do with the queue? */
static inline bool ledger_queue_is_left(const struct ledger *l, const struct ledger_queue *q)
{
	return q->work.poisoned || ledger_may_be_broken(l, q);
}

static inline bool ledger_has_event_idx(const struct ledger *l)
{
	return (l->session.driver_features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0;
}

/* So it is with the event field behind an area's entries: nobody can read it, or write it. */
static inline bool ledger_event_wraps(const struct ledger_queue *q, enum guest_purpose purpose)
{
	uint64_t base = purpose == GUEST_USED_EVENT ? q->avail : q->used;

	return !q->packed && base > UINT64_MAX - (ring_at(&ring_split, purpose, q->size, 0) + 1);
}

/* May there be a chain on queue `i`, as far as the device can know? */
bool ledger_may_have_room(const struct ledger *l, unsigned i);

/* Rules about chains say nothing of a queue that is not known. */
void ledger_note_unknown(struct ledger *l);

/* Of a device on plain memory: around a call; at rest; and its queue `i` there.  What the
 * device makes of some calls is not known. */
enum ledger_unsure { UNSURE_NOT, UNSURE_START, UNSURE_REGISTER };
void ledger_plain_begin(struct ledger *l, enum ledger_unsure unsure);
void ledger_plain_end(struct ledger *l);
void ledger_plain_rest(struct ledger *l);
/* A queue of it becomes ready; and a session begins, in which it can be followed. */
void ledger_blind_start(struct ledger *l, struct ledger_queue *q);
void ledger_blind_reset(struct ledger *l);
void ledger_plain_stuck(struct ledger *l, unsigned i);

/* Of a device on plain memory: a chain is coming back, and all of that call are held yet; it
 * comes back; and all that the index passed have. */
void ledger_net_look(struct ledger *l, unsigned queue, struct ledger_hold *hold);
void ledger_net_seen(struct ledger *l, unsigned queue, struct ledger_hold *hold, uint32_t len);
void ledger_net_moved(struct ledger *l, unsigned queue);
/* An access without a purpose. */
void ledger_untold(struct ledger *l, bool write, uint64_t addr, uint32_t len, int err);
/* The counters named in `list`, which may be NULL; a name that is none is skipped.
 * And one: -1 if there is none of that name, or it is NULL. */
void ledger_name_counters(const struct ledger *l, const void *device, const char *list,
			  struct ledger_term terms[TARGET_SUM_TERMS_MAX + 1]);
int ledger_name_counter(const struct ledger *l, const void *device, const char *name);
/* Their sum. */
static inline uint64_t ledger_add_up(const struct ledger *l, const struct ledger_term *term)
{
	uint64_t sum = 0;

	for (; term->counter >= 0; term++)
		sum += term->factor * l->device.counters[term->counter];
	return sum;
}

/* The counter of what was seen at a queue, and its index among the counters; and it moves. */
static inline unsigned ledger_chains_index(enum target_chains kind, unsigned queue)
{
	return TARGET_COUNTERS_MAX + kind * PROGRAM_QUEUES + queue;
}

static inline uint64_t *ledger_chains(struct ledger *l, enum target_chains kind, unsigned queue)
{
	return &l->device.counters[ledger_chains_index(kind, queue)];
}

static inline void ledger_count(struct ledger *l, enum target_chains kind, unsigned queue,
				uint64_t n)
{
	*ledger_chains(l, kind, queue) += n;
	l->device.sums_due = true;
}

/* Was VIRTIO_F_RING_RESET negotiated? */
bool ledger_has_ring_reset(const struct ledger *l);
/* Is there a queue of that number now? */
bool ledger_queue_exists(const struct ledger *l, unsigned i);

/* After a call, the one that resets too: how much it did. */
void ledger_judge_work(struct ledger *l);
/* After an operation, of a device whose counters are known: counters.fall and counters.sum. */
void ledger_judge_counters(struct ledger *l, const void *device);
/* After any other call: what must follow at once. */
void ledger_call_end(struct ledger *l, uint32_t old_status, const struct ledger_probe *probe);

/* Pages that the driver handed to the host.  read: the device read that payload, and may.
 * look: in plain memory, of chains that it holds.  Is all of that range in such pages? */
void ledger_away_read(struct ledger *l, const struct arena_access *access);
void ledger_away_look(struct ledger *l);
bool ledger_away(const struct ledger *l, uint64_t addr, uint64_t last);
/* Does any page of [addr, last] belong to the host? */
bool ledger_away_any(const struct ledger *l, uint64_t addr, uint64_t last);

#endif
