/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is judged after a device call or an operation.  See ledger.h.
 *
 * stuck.*: judged for the queue that the last call was about, by the index and the
 * entries that the device itself read.  Not judged if an access of that queue failed in
 * the call, or if the device asked for a reset or has work left: VIRTIO lets it stop
 * then.  Of a device that is not ours all calls count since it rested last, since it may serve
 * a queue in any later one.  One that polls looks at a queue when it likes, and not because it
 * was notified.  If a completion could not be written, the guest itself caused the loss of that
 * chain.
 *
 * work.*: a call that takes no chain has a bound that is constant, but for devices with many
 * queues, and for those that poll, which may look at each of them several times.  Each chain and
 * descriptor adds what taking it needs, and twice the bytes up to the target's cap, since a device
 * may undo what it wrote.  A chain that was taken in an earlier call and is still held
 * counts again.
 *
 * work.chains: a driver has at most as many chains outstanding as the queue has
 * entries.  If a device takes more in one call, the guest is adding chains meanwhile and
 * can keep the device busy for ever.  The device must leave the rest as work for another
 * call.  From a queue that the device initiates it takes chains to deliver what came in:
 * each chain taken from another queue allows one more.
 *
 * work.backend: each backend call costs the host something, so a device call may make a
 * constant number of them and a number for each chain.  The target declares both
 * numbers.
 *
 * work.steady: memory that a target declares to keep, beyond what a new device has, is
 * freed only when the device is destroyed, even if an allocation fails.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <string.h>

static uint32_t taken_by(const struct ledger *l, unsigned i)
{
	return l->queues[i].call == l->call.number ? l->queues[i].call_chains : 0;
}

static void judge_chains(struct ledger *l)
{
	unsigned count = ledger_queues(l);

	if (l->call.chains == 0 || !ledger_judges(l, RULE_WORK_CHAINS))
		return;
	for (unsigned i = 0; i < count; i++) {
		uint32_t taken = taken_by(l, i), due = l->queues[i].size;

		if (taken <= due)
			continue;
		if (!l->target->queues[i].driver_initiated)
			due += l->call.chains - taken;
		if (taken > due)
			ledger_break(l, RULE_WORK_CHAINS,
				     "queue %u: %u chains taken in one call, the queue has %u "
				     "entries",
				     i, taken, l->queues[i].size);
	}
}

static void judge_backend(struct ledger *l)
{
	uint64_t due = l->target->backend_calls +
		       (uint64_t)l->target->backend_calls_chain * (l->call.chains + l->call.held);

	if (l->call.backend > due && ledger_judges(l, RULE_WORK_BACKEND))
		ledger_break(l, RULE_WORK_BACKEND,
			     "%u backend calls in one device call that took %u chains, at most "
			     "%llu are allowed",
			     l->call.backend, l->call.chains, (unsigned long long)due);
}

void ledger_backend(struct ledger *l)
{
	if (l->enabled && ++l->call.backend == LEDGER_ACCESSES_MAX)
		ledger_find(l, FINDING_HANG, "endless-loop", "%u backend calls in one device call",
			    l->call.backend);
}

void ledger_judge_work(struct ledger *l)
{
	if (l->call.blind)
		return;
	judge_backend(l);
	if (l->call.accesses == 0)
		return;
	judge_chains(l);
	if (ledger_judges(l, RULE_WORK_ACCESSES) && l->call.accesses > l->call.accesses_max)
		ledger_break(l, RULE_WORK_ACCESSES,
			     "%u accesses in one call that took %u chains and %u descriptors, at "
			     "most %llu are allowed",
			     l->call.accesses, l->call.chains, l->call.descs,
			     (unsigned long long)l->call.accesses_max);
	if (ledger_judges(l, RULE_WORK_BYTES) && l->call.bytes > l->call.bytes_max)
		ledger_break(l, RULE_WORK_BYTES,
			     "%llu bytes moved in one call that took %u chains and %u descriptors, "
			     "at most %llu are allowed",
			     (unsigned long long)l->call.bytes, l->call.chains, l->call.descs,
			     (unsigned long long)l->call.bytes_max);
}

static void judge_heap(struct ledger *l)
{
	unsigned kept;

	if (l->heap->exhausted) {
		ledger_find(l, FINDING_OOM, "out-of-memory",
			    "the device has %zu bytes in %u blocks and asked for more",
			    l->heap->live_bytes, l->heap->live_blocks);
		return;
	}
	if (ledger_judges(l, RULE_WORK_HEAP) && l->heap->live_bytes > l->target->heap_max)
		ledger_break(l, RULE_WORK_HEAP,
			     "the device has %zu bytes of heap memory, at most %u are allowed",
			     l->heap->live_bytes, l->target->heap_max);
	kept = l->device.heap_base + l->target->blocks_kept;
	if (kept > l->heap->peak_blocks)
		kept = l->heap->peak_blocks;
	if (l->target->blocks_kept > 0 && ledger_judges(l, RULE_WORK_STEADY) &&
	    l->heap->live_blocks < kept)
		ledger_break(l, RULE_WORK_STEADY,
			     "the device has %u blocks of heap memory and had %u, of which it "
			     "should have kept %u",
			     l->heap->live_blocks, l->heap->peak_blocks, kept);
}

void ledger_call_end(struct ledger *l, uint32_t old_status, const struct ledger_probe *probe)
{
	/* What the driver wrote the device may show; it has set nothing itself. */
	uint32_t set = probe->status & ~old_status & ~l->call.status_written;

	ledger_judge_work(l);
	judge_heap(l);
	if (probe->generation_seen)
		ledger_disk_capacity(l, probe->capacity);
	TELL_FOLLOWERS(l, called, l);
	ledger_judge_config(l, set, probe);
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].work.poisoned && ledger_judges(l, RULE_STATUS_POISON) &&
		    (probe->status & VIRTIO_CONFIG_S_NEEDS_RESET) == 0)
			ledger_break(l, RULE_STATUS_POISON,
				     "queue %u: its available ring is structurally wrong, but "
				     "DEVICE_NEEDS_RESET is not set",
				     i);
}

static bool holds_chain(const struct ledger *l, const struct ledger_queue *q, uint16_t *head)
{
	for (uint32_t i = q->holds; i != LEDGER_NONE; i = l->hold[i].next) {
		if (l->hold[i].abandoned || l->hold[i].early)
			continue;
		*head = l->hold[i].head;
		return true;
	}
	return false;
}

/* Queues that were notified or looked at since the device rested last, and those that an
 * access failed for. */
static uint64_t active(const struct ledger *l)
{
	return l->call.active | (l->target->model ? 0 : l->device.active);
}

static uint64_t failed(const struct ledger *l)
{
	return l->call.failed | (l->target->model ? 0 : l->device.failed);
}

static void judge_stuck(struct ledger *l, unsigned i)
{
	struct ledger_queue *q = &l->queues[i];
	uint16_t head;

	if ((active(l) >> i & 1) == 0 || (failed(l) >> i & 1) != 0 || ledger_queue_is_left(l, q) ||
	    !q->work.ready || !q->known)
		return;
	if (!l->target->polls && ledger_judges(l, RULE_STUCK_NOTIFY) && q->work.notified &&
	    l->target->queues[i].driver_initiated)
		ledger_break(l, RULE_STUCK_NOTIFY,
			     "queue %u was notified, but the device did not look at it", i);
	if (ledger_judges(l, RULE_STUCK_AVAILABLE) && q->work.index_seen &&
	    q->taken != q->work.avail_idx && l->target->queues[i].driver_initiated)
		ledger_break(l, RULE_STUCK_AVAILABLE,
			     "queue %u: the device read available index %u, took the entries below "
			     "%u and rests",
			     i, q->work.avail_idx, q->taken);
	if (!ledger_used_ring_wraps(q) && ledger_judges(l, RULE_STUCK_HELD) && !l->target->holds &&
	    holds_chain(l, q, &head))
		ledger_break(l, RULE_STUCK_HELD,
			     "queue %u: the device took the chain of head %u and rests without "
			     "returning it",
			     i, head);
}

/* The counter, as an index, with that name of `len` bytes; or -1. */
static int find_term(const struct ledger *l, const void *device, const char *term, size_t len)
{
	unsigned count = target_counter_count(l->target, device);
	enum target_chains kind;
	int queue;

	for (unsigned i = 0; i < count; i++) {
		const char *name = l->target->counter_name(device, i);

		if (strncmp(name, term, len) == 0 && name[len] == '\0')
			return (int)i;
	}
	queue = target_chains_term(term, len, &kind);
	return queue >= 0 && queue < PROGRAM_QUEUES
		       ? (int)ledger_chains_index(kind, (unsigned)queue)
		       : -1;
}

/* The counters named in `list`, as indices; a name that is none is skipped. */
void ledger_name_counters(const struct ledger *l, const void *device, const char *list,
			  int16_t terms[TARGET_SUM_TERMS_MAX + 1])
{
	unsigned n = 0;

	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, " ");
		int term = find_term(l, device, list, len);

		if (term >= 0 && n < TARGET_SUM_TERMS_MAX)
			terms[n++] = (int16_t)term;
		list += len + strspn(list + len, " ");
	}
	terms[n] = -1;
}

/* The counter of that name, as an index; -1 if there is none. */
int ledger_name_counter(const struct ledger *l, const void *device, const char *name)
{
	return name != NULL && *name != '\0' ? find_term(l, device, name, strlen(name)) : -1;
}

static void compile_gauges(struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);

	for (unsigned i = 0; i < count; i++)
		l->sums.gauges[i] = target_is_gauge(l->target, l->target->counter_name(device, i));
}

static void compile_sums(struct ledger *l, const void *device)
{
	const struct target_sum *sum = l->target->sums;

	l->sums.count = 0;
	for (; sum != NULL && sum->left != NULL && l->sums.count < TARGET_SUMS_MAX; sum++) {
		ledger_name_counters(l, device, sum->left, l->sums.terms[l->sums.count][0]);
		ledger_name_counters(l, device, sum->right, l->sums.terms[l->sums.count++][1]);
	}
	compile_gauges(l, device);
	TELL_FOLLOWERS(l, name, l, device);
	l->sums.ready = true;
}

static void judge_sums(struct ledger *l)
{
	for (unsigned i = 0; i < l->sums.count; i++) {
		uint64_t left = ledger_add_up(l, l->sums.terms[i][0]);
		uint64_t right = ledger_add_up(l, l->sums.terms[i][1]);

		if (left > right || (l->target->sums[i].equal && left < right))
			ledger_break(l, RULE_COUNTERS_SUM, "%s is %llu, %s than %s, which is %llu",
				     l->target->sums[i].left, (unsigned long long)left,
				     left > right ? "more" : "less", l->target->sums[i].right,
				     (unsigned long long)right);
	}
}

#define BLOCK 8u /* compared together: most are what they were, after most operations */

/* What they are now is kept. */
static void judge_moved(struct ledger *l, const void *device, const uint64_t *values, unsigned from,
			unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		if (values[i] == l->device.counters[i])
			continue;
		if (values[i] < l->device.counters[i] && !l->sums.gauges[i])
			ledger_break(l, RULE_COUNTERS_FALL, "%s fell from %llu to %llu",
				     l->target->counter_name(device, i),
				     (unsigned long long)l->device.counters[i],
				     (unsigned long long)values[i]);
		l->device.counters[i] = values[i];
	}
}

/* As memcmp() says of so few: sanitizers and engines look at each call of that. */
static inline bool are_same(const uint64_t *a, const uint64_t *b, unsigned count)
{
	uint64_t other = 0;

	for (unsigned i = 0; i < count; i++)
		other |= a[i] ^ b[i];
	return other == 0;
}

/* counters.sum: compared only when a counter moved or a chain came back, since a
 * sum of what stands still stands still. */
static void judge_counters(struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);
	uint64_t values[TARGET_COUNTERS_MAX];
	bool moved = l->call.moved != 0;

	if (!l->sums.ready)
		compile_sums(l, device);
	target_counters(l->target, device, values);
	for (unsigned i = 0; i < count; i += BLOCK) {
		unsigned n = count - i < BLOCK ? count - i : BLOCK;

		if (are_same(values + i, l->device.counters + i, n))
			continue;
		judge_moved(l, device, values, i, i + n);
		moved = true;
	}
	if (moved && ledger_judges(l, RULE_COUNTERS_SUM))
		judge_sums(l);
	TELL_FOLLOWERS(l, counted, l);
}

/* A device that asked for a reset need do nothing more.  Of our models one queue
 * that is wrong does not stop the others: only the call that finds it ends. */
static bool may_stop(const struct ledger *l)
{
	if ((l->device.status & VIRTIO_CONFIG_S_NEEDS_RESET) == 0)
		return false;
	return !l->target->model || l->call.config_interrupts > 0;
}

/* Of a queue that the device never looked at, nor said anything of, nothing is asked; what
 * stands in plain memory is asked of all. */
static bool may_be_silent(const struct ledger *l, const struct ledger_queue *q)
{
	return q->work.index_seen || q->work.notify.unwanted || q->work.notify.unchecked ||
	       l->plain.arena != NULL;
}

void ledger_rest(struct ledger *l, enum device_state state, const void *device)
{
	bool resting = state != DEVICE_WORK, excused;

	/* Of what it has left a suspended device says nothing. */
	if (!l->session.suspended)
		l->device.working = !resting;
	if (!l->enabled)
		return;
	if (l->plain.arena != NULL)
		ledger_plain_rest(l);
	if (!l->device.counters_lost && ledger_judges(l, RULE_COUNTERS_FALL))
		judge_counters(l, device);
	if (resting && l->session.suspended) {
		TELL_FOLLOWERS(l, rest, l, device, true);
		return;
	}
	if (resting) {
		ledger_config_rest(l);
		if (l->session.suspend_asked || l->session.resume_asked || l->session.change_owed)
			ledger_suspend_rest(l, state);
	}
	excused = (state == DEVICE_WAITING && followers_may_wait(l)) || may_stop(l);
	for (unsigned i = 0; resting && i < ledger_queues(l); i++) {
		if (l->queues[i].work.moved || l->queues[i].work.late)
			ledger_wakeup_rest(l, i);
		if (excused)
			continue;
		/* What is seen to be left undone says more than that nobody would tell of more. */
		if (l->plain.arena == NULL)
			judge_stuck(l, i);
		if (may_be_silent(l, &l->queues[i]))
			ledger_notify_rest(l, i);
		if (l->plain.arena != NULL)
			ledger_plain_stuck(l, i);
	}
	if (!resting)
		return;
	l->device.waiting = state == DEVICE_WAITING;
	ledger_interrupt_status_rest(l);
	TELL_FOLLOWERS(l, rest, l, device, excused);
	l->device.active = l->device.failed = 0;
	l->call.active = l->call.failed = 0;
}
