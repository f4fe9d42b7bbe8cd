/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Queues: what the device read from the rings and wrote to them.  See ledger.h.
 *
 * memory.not-live, memory.ring: judged by the queue's own registers and the
 * purpose that the device gave; where rings lie over each other or over
 * buffers the purpose still says which field was meant.
 *
 * memory.not-live: a device does not access a queue while QueueReady is 0 (dev.mmio.regs.7),
 * and does not consume buffers before DRIVER_OK (dev.status.field.1).  Of a queue that is ready
 * it may then look at the rings, as far as an available entry, and say whether it wants
 * notifications; descriptors, buffers, used entries and the used index are forbidden.  Our own
 * models leave the queue alone until then.
 *
 * memory.ring: VIRTIO says where a field lies, and not in how many accesses it is read.
 * One of another size than vringer.h asks for is for ledger_odd.c.
 *
 * memory.poisoned: in order so it is, too, once an entry of the used ring, or its index, could not
 * be written: no later chain may come back before the one that is lost.
 *
 * order.unavailable: VIRTIO does not forbid to read an available entry early, as long as the
 * device does not act on it, nor does it say what a device makes of an available index that is
 * further ahead than the queue is long.  It is our policy that a device goes by the index.
 *
 * What the device writes to a used ring is for ledger_used.c.
 */
#include "devices/table.h"
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

void ledger_queue_stop(struct ledger *l, struct ledger_queue *q)
{
	while (q->holds != LEDGER_NONE)
		ledger_hold_drop(l, q, q->holds);
	q->was_stopped = q->was_stopped || (q->work.ready && (l->call.live || l->call.suspended));
	q->work = (struct ledger_work){ .ready = false };
}

void ledger_queue_lose(struct ledger *l, struct ledger_queue *q)
{
	q->lost = true;
	q->known = false;
	TELL_FOLLOWERS(l, lost, l, (unsigned)(q - l->queues));
}

void ledger_queue_start(struct ledger *l, struct ledger_queue *q)
{
	ledger_queue_stop(l, q);
	q->stopped = false;
	q->work.ready = true;
	q->taken = 0;
	q->used_idx = 0;
	if (q->packed)
		ledger_packed_start(q);
	ledger_blind_start(l, q);
}

void ledger_ring_poison(const struct ring_access *a)
{
	if (!a->q->work.poisoned) {
		a->l->call.poisoned |= 1ULL << a->why.queue;
		ledger_count(a->l, CHAINS_POISONED, a->why.queue, 1);
	}
	a->q->work.poisoned = true;
}

void ledger_looked(struct ledger *l, unsigned queue)
{
	const struct ledger_queue *q = &l->queues[queue];

	if (l->sums.name_looks && l->session.features_known && !ledger_has_event_idx(l) &&
	    q->work.avail_idx == q->taken)
		ledger_count(l, CHAINS_NONE, queue, 1);
}

static void on_avail_idx(const struct ring_access *a)
{
	struct ledger_queue *q = a->q;

	a->l->call.active |= 1ULL << a->why.queue;
	q->looks++;
	q->work.notified = false;
	q->work.notify.unchecked = false;
	if (a->err != 0) {
		ledger_ring_poison(a);
		return;
	}
	q->work.index_seen = true;
	q->work.avail_idx = ledger_get16(a->data);
	ledger_looked(a->l, a->why.queue);
	if ((uint16_t)(q->work.avail_idx - q->taken) > q->size)
		ledger_ring_poison(a);
	/* An entry past 2^64 is nowhere: it cannot be read, and no access tells. */
	if (q->work.avail_idx != q->taken &&
	    ring_wraps(&ring_split, VIRTQUEUE_DRIVER, q->taken % q->size + 1u, q->avail))
		ledger_ring_poison(a);
}

/* The entry is not available yet.  What it holds need not be what the driver will put
 * there. */
static void take_early(const struct ring_access *a, uint32_t index)
{
	struct ledger *l = a->l;

	if (index != LEDGER_NONE && !l->hold[index].early)
		return;
	if (index != LEDGER_NONE)
		ledger_hold_drop(l, a->q, index);
	if (a->err != 0 || ledger_get16(a->data) >= a->q->size)
		return;
	index = ledger_hold_take(l, a->q, a->why.walk, ledger_get16(a->data));
	if (index != LEDGER_NONE)
		l->hold[index].early = true;
}

/* The driver made available what is no head.  Ours leave it; another may return it as it
 * came, and the id is then the one that the driver put there (2.7.8). */
static void take_none(const struct ring_access *a, uint32_t index)
{
	if (a->l->target->model || index != LEDGER_NONE)
		return;
	index = ledger_hold_take(a->l, a->q, a->why.walk, ledger_get16(a->data));
	if (index != LEDGER_NONE)
		a->l->hold[index].blind = true;
}

/* Is the available index that the device read no place where a driver's may be?  It went
 * back, or further than the queue is long: VIRTIO does not say what is available then, and
 * a device may go by what it finds. */
static bool has_jumped(const struct ledger_queue *q)
{
	return q->work.index_seen && (uint16_t)(q->work.avail_idx - q->taken) > q->size;
}

/* A walk that starts: the device takes the chain, or takes it again. */
static void on_avail_entry(const struct ring_access *a)
{
	struct ledger *l = a->l;
	struct ledger_queue *q = a->q;
	uint16_t walk = a->why.walk;
	uint32_t index = ledger_hold_find(l, q, walk);
	bool early = !ledger_is_available(q, walk) && (l->target->model || !has_jumped(q));

	if (ledger_judges(l, RULE_ORDER_UNAVAILABLE) &&
	    (early || (uint16_t)(q->work.avail_idx - walk) > q->size))
		ledger_break(l, RULE_ORDER_UNAVAILABLE,
			     "queue %u: the device read available entry %u, the index it read last "
			     "is %u",
			     a->why.queue, walk, q->work.avail_idx);
	if (early) {
		take_early(a, index);
		return;
	}
	if (index != LEDGER_NONE && l->hold[index].early) {
		ledger_hold_drop(l, q, index);
		index = LEDGER_NONE;
	}
	if (a->err != 0) {
		ledger_ring_poison(a);
		return;
	}
	if ((uint16_t)(walk - q->taken) < 0x8000) {
		q->taken = (uint16_t)(walk + 1);
		q->call_chains = (q->call == l->call.number ? q->call_chains : 0) + 1;
		q->call = l->call.number;
	}
	l->call.chains++;
	l->call.bytes_max += LEDGER_CHAIN_BYTES;
	l->call.accesses_max += LEDGER_CHAIN_ACCESSES;
	if (ledger_get16(a->data) >= q->size) {
		ledger_ring_poison(a);
		take_none(a, index);
		return;
	}
	if (index == LEDGER_NONE) {
		ledger_hold_take(l, q, walk, ledger_get16(a->data));
		return;
	}
	if (l->hold[index].call == l->call.number && ledger_judges(l, RULE_FETCH_WALK))
		ledger_break(l, RULE_FETCH_WALK,
			     "queue %u: the device read available entry %u twice in one call",
			     a->why.queue, walk);
	l->hold[index].call = l->call.number;
	l->hold[index].head = l->hold[index].expect = ledger_get16(a->data);
	l->hold[index].expects = true;
	l->hold[index].abandoned = false;
	l->hold[index].restarted = true;
	l->hold[index].strayed = false;
	l->hold[index].in_table = l->hold[index].past_table = false;
	l->hold[index].walked = 0;
	memset(l->hold[index].visited, 0, sizeof(l->hold[index].visited));
	l->hold[index].moved_max = 0;
	TELL_FOLLOWERS(l, retaken, &l->hold[index]);
}

static void on_avail_flags(const struct ring_access *a)
{
	ledger_flags_read(a->l, a->q, a->err, a->err == 0 ? ledger_get16(a->data) : 0);
}

static void on_used_event(const struct ring_access *a)
{
	ledger_event_read(a->l, a->q, a->err, a->err == 0 ? ledger_get16(a->data) : 0);
}

static void on_used_flags(const struct ring_access *a)
{
	if (a->err == 0)
		ledger_flags_written(a->l, a->why.queue, ledger_get16(a->data));
	else
		ledger_notify_unknown(a->q);
}

static void on_avail_event(const struct ring_access *a)
{
	if (a->err == 0)
		ledger_notify_event(a->l, a->why.queue, ledger_get16(a->data));
	else
		ledger_notify_unknown(a->q);
}

/* What the ledger makes of each purpose's field; ring.h says where it lies. */
typedef void on_field_fn(const struct ring_access *a);

TABLE(static on_field_fn *const, on_field, GUEST_PURPOSE_COUNT, 1,
      [GUEST_PAYLOAD] = NULL, /* of these two ledger_memory has its own idea */
      [GUEST_INDIRECT] = NULL,
      [GUEST_DESC] = ledger_desc_read,
      [GUEST_AVAIL_FLAGS] = on_avail_flags,
      [GUEST_AVAIL_IDX] = on_avail_idx,
      [GUEST_AVAIL_ENTRY] = on_avail_entry,
      [GUEST_USED_EVENT] = on_used_event,
      [GUEST_USED_FLAGS] = on_used_flags,
      [GUEST_USED_IDX] = ledger_used_idx_written,
      [GUEST_USED_ENTRY] = ledger_used_entry_written,
      [GUEST_AVAIL_EVENT] = on_avail_event,
      /* ledger_packed.c */
      [GUEST_PACKED_DESC] = NULL,
      [GUEST_PACKED_FLAGS] = NULL,
      [GUEST_PACKED_USED] = NULL,
      [GUEST_DRIVER_EVENT] = NULL,
      [GUEST_DEVICE_EVENT] = NULL);

_Static_assert(offsetof(struct ledger_queue, desc) ==
			       offsetof(struct ledger_queue, area[VIRTQUEUE_DESC]) &&
		       offsetof(struct ledger_queue, avail) ==
			       offsetof(struct ledger_queue, area[VIRTQUEUE_DRIVER]) &&
		       offsetof(struct ledger_queue, used) ==
			       offsetof(struct ledger_queue, area[VIRTQUEUE_DEVICE]),
	       "areas have names");

static bool in_place(const struct ring_access *a)
{
	uint16_t purpose = a->why.purpose;
	const struct ring_field *f = &ring_split.field[purpose];
	uint64_t offset = a->addr - a->q->area[f->area] - f->offset;

	/* 0: of the other format. */
	if (f->size == 0 || a->len != f->size || (a->write && !f->device))
		return false;
	if (f->behind)
		return offset == (uint64_t)ring_split.entry[f->area] * a->q->size;
	if (!f->array)
		return offset == 0;
	if (purpose == GUEST_AVAIL_ENTRY && (a->l->target->facts & FACT_WALK) != 0)
		return offset == (uint64_t)a->why.walk % a->q->size * f->size;
	/* Sizes of entries are powers of two: no division at each access. */
	return (offset & (a->len - 1)) == 0 && offset < (uint64_t)a->q->size * a->len;
}

/* A device may look at what it wrote, and learns nothing new. */
void ledger_field_told(const struct ring_access *a)
{
	uint16_t purpose = a->why.purpose;

	if (a->write == ring_split.field[purpose].device)
		on_field[purpose](a);
	else if (purpose == GUEST_USED_IDX)
		ledger_used_idx_seen(a);
}

static __attribute__((noinline)) void judge_place(const struct ring_access *a)
{
	if (ledger_field_odd(a))
		return;
	if (ledger_judges(a->l, RULE_MEMORY_RING))
		ledger_break(a->l, RULE_MEMORY_RING,
			     "queue %u: the device %s %u bytes at 0x%llx as %s, which does "
			     "not lie there",
			     a->why.queue, a->write ? "wrote" : "read", a->len,
			     (unsigned long long)a->addr,
			     field_names(FIELD_PURPOSE)[a->why.purpose + 1]);
}

static void on_ring(const struct ring_access *a)
{
	if (!a->q->known)
		return;
	if (a->q->packed)
		ledger_packed_access(a);
	else if (in_place(a))
		ledger_field_told(a);
	else
		judge_place(a);
}

/* Is it no more than a look at the rings, or a word about notifications? */
static bool is_a_look(const struct arena_access *access)
{
	uint32_t read = 1u << GUEST_AVAIL_FLAGS | 1u << GUEST_AVAIL_IDX | 1u << GUEST_AVAIL_ENTRY |
			1u << GUEST_USED_EVENT | 1u << GUEST_USED_FLAGS | 1u << GUEST_USED_IDX |
			1u << GUEST_USED_ENTRY | 1u << GUEST_AVAIL_EVENT |
			1u << GUEST_PACKED_FLAGS | 1u << GUEST_DRIVER_EVENT |
			1u << GUEST_DEVICE_EVENT;
	uint32_t write =
		1u << GUEST_USED_FLAGS | 1u << GUEST_AVAIL_EVENT | 1u << GUEST_DEVICE_EVENT;

	return ((access->write ? write : read) >> access->why.purpose & 1) != 0;
}

static __attribute__((noinline)) void judge_live(struct ledger *l, const struct ledger_queue *q,
						 const struct arena_access *access)
{
	if (l->call.live && q->work.ready)
		return;
	if (q->work.ready && !l->target->model && !l->session.suspended && is_a_look(access))
		return;
	if (ledger_judges(l, ledger_dead_rule(l)))
		ledger_break(l, ledger_dead_rule(l),
			     "queue %u is %s, and the device %s %u bytes at 0x%llx (%s)",
			     access->why.queue,
			     l->session.suspended ? "a suspended device's"
			     : q->work.ready	  ? "ready but DRIVER_OK is not set"
						  : "not ready",
			     access->write ? "wrote" : "read", access->len,
			     (unsigned long long)access->addr,
			     field_names(FIELD_PURPOSE)[access->why.purpose + 1]);
}

/* Nothing can be said of a queue whose size and addresses the device alone knows,
 * nor of one that it works on before the driver's QueueReady is seen to stand:
 * where it is in that queue then is not known either. */
static __attribute__((noinline)) bool is_unknown(struct ledger *l, struct ledger_queue *q,
						 unsigned queue)
{
	if ((l->call.starting >> queue & 1) != 0 && !q->work.ready)
		ledger_queue_lose(l, q);
	else if (!q->work.ready || q->known || !l->call.live)
		return false;
	l->call.blind = true;
	return true;
}

static __attribute__((noinline)) void break_loop(struct ledger *l)
{
	ledger_find(l, FINDING_HANG, "endless-loop",
		    "%u guest-memory accesses in one call of the device", l->call.accesses);
}

/* An endless loop inside the device ends here, whatever it does. */
static void count_access(struct ledger *l, uint32_t len)
{
	l->call.bytes += len;
	if (++l->call.accesses == LEDGER_ACCESSES_MAX)
		break_loop(l);
}

/* Chains taken before the fault may still be finished. */
static __attribute__((noinline)) void judge_poisoned(struct ledger *l,
						     const struct arena_access *access)
{
	uint32_t finishing = 1u << GUEST_PAYLOAD | 1u << GUEST_AVAIL_FLAGS |
			     1u << GUEST_USED_EVENT | 1u << GUEST_DESC | 1u << GUEST_INDIRECT |
			     1u << GUEST_DRIVER_EVENT;

	if (!access->write && (finishing >> access->why.purpose & 1) == 0 &&
	    ledger_judges(l, RULE_MEMORY_POISONED))
		ledger_break(l, RULE_MEMORY_POISONED, "queue %u: %s, and the device read %s again",
			     access->why.queue,
			     l->queues[access->why.queue].work.poisoned
				     ? "its available ring was structurally wrong"
				     : "what it returned in order could not be written",
			     field_names(FIELD_PURPOSE)[access->why.purpose + 1]);
}

static void on_queue(struct ledger *l, struct ledger_queue *q, const struct arena_access *access)
{
	struct ring_access a = { .l = l,
				 .q = q,
				 .pending = l->pending[access->why.queue],
				 .why = access->why,
				 .write = access->write,
				 .addr = access->addr,
				 .data = access->data,
				 .len = access->len,
				 .err = access->err };

	if (access->why.purpose == GUEST_INDIRECT && access->len % RING_DESC_SIZE != 0)
		ledger_table_odd(&a);
	else if (access->why.purpose == GUEST_INDIRECT)
		ledger_desc_read(&a);
	else
		on_ring(&a);
}

/* The device named a queue or a field that there is not. */
static __attribute__((noinline)) void judge_named(struct ledger *l,
						  const struct arena_access *access)
{
	if (ledger_judges(l, RULE_MEMORY_RING))
		ledger_break(l, RULE_MEMORY_RING,
			     "the device %s %u bytes at 0x%llx for queue %u, which there "
			     "is not",
			     access->write ? "wrote" : "read", access->len,
			     (unsigned long long)access->addr, access->why.queue);
}

/* A buffer that cannot be reached is no reason for our models to leave the queue. */
static __attribute__((noinline)) void note_failed(struct ledger *l, struct ledger_queue *q,
						  struct guest_why why)
{
	if (why.purpose != GUEST_PAYLOAD || !l->target->model) {
		l->call.failed |= 1ULL << why.queue;
		q->work.notify.gave_up = true;
	}
	TELL_FOLLOWERS(l, failed, l, why.queue);
}

void ledger_memory(struct ledger *l, const struct arena_access *access)
{
	struct guest_why why = access->why;
	struct ledger_queue *q;
	bool was_left;

	if (!l->enabled)
		return;
	count_access(l, access->len);
	if (l->plain.accesses) {
		ledger_untold(l, access->write, access->addr, access->len, access->err);
		return;
	}
	if (why.queue >= l->target->queue_count || why.purpose >= GUEST_PURPOSE_COUNT) {
		judge_named(l, access);
		return;
	}
	if (why.queue >= PROGRAM_QUEUES)
		return;
	q = &l->queues[why.queue];
	/* Of a queue that is known and live both have nothing to say. */
	if (!(q->work.ready && q->known && l->call.live)) {
		if (is_unknown(l, q, why.queue))
			return;
		judge_live(l, q, access);
	}
	was_left = q->work.poisoned || q->work.broken;
	l->call.carried = l->call.carried || why.purpose == GUEST_PAYLOAD;
	if (access->err != 0)
		note_failed(l, q, why);
	if (why.purpose == GUEST_PAYLOAD)
		ledger_payload(l, q, access);
	else
		on_queue(l, q, access);
	if (was_left)
		judge_poisoned(l, access);
}
