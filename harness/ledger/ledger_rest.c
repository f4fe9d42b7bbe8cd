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
 * freed only when the device is destroyed, even if an allocation fails.  Of our own models one that
 * keeps a single block, which it has, asks its host for another only to have more in its place.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>

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

/* It had the block that it keeps, asked for memory, and has as much as before. */
static void judge_replaced(struct ledger *l)
{
	const unsigned due = l->device.heap_base + 1;

	if (!l->target->model || l->target->blocks_kept != 1 || l->heap->call_bytes == 0 ||
	    l->call.heap_blocks != due || l->heap->live_blocks != due ||
	    l->heap->live_bytes > l->call.heap_bytes || !ledger_judges(l, RULE_WORK_STEADY))
		return;
	ledger_break(
		l, RULE_WORK_STEADY,
		"the device keeps a block of heap memory and had it, asked for %zu bytes more in "
		"one call and has %zu, as before",
		l->heap->call_bytes, l->heap->live_bytes);
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
	judge_replaced(l);
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

/* work.heap, of a device that holds nothing: memory that it took for what it held is given back. */
static void judge_empty(struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);
	size_t most = l->device.heap_new + l->target->bytes_empty;

	if (l->target->bytes_empty == 0 || !l->sums.ready || !ledger_judges(l, RULE_WORK_HEAP))
		return;
	for (unsigned i = 0; i < count; i++)
		if (l->sums.gauges[i] && l->device.counters[i] != 0)
			return;
	if (l->heap->live_bytes > most)
		ledger_break(l, RULE_WORK_HEAP,
			     "the device holds nothing and has %zu bytes of heap memory, at most "
			     "%zu are allowed",
			     l->heap->live_bytes, most);
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
		ledger_judge_counters(l, device);
	if (resting && !l->device.counters_lost)
		judge_empty(l, device);
	if (!resting)
		ledger_waiting_work(l, device);
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
