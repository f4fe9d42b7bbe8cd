/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of interrupts, and of what the driver said about wanting
 * them (VIRTIO 2.7.7, 2.7.10).  See ledger.h.
 *
 * wakeup.missing: the used index moved, as the device itself wrote it; the only
 * leave to be silent is a value that the device read after that: the flags, or,
 * where EVENT_IDX was negotiated, used_event, and then only if it lies outside
 * the range that the index moved by since an interrupt was last due, modulo
 * 2^16.  Looked at earlier they say nothing: the driver may have set them back
 * before it looked at the used ring for the last time.  What a guest does to
 * those fields, by a race or by a ring laid over them, the device reads, and by
 * what it read it is judged; a field that it could not read leaves it free, as does a used_event
 * that would lie past 2^64, which no access need try.  Our own models interrupt then
 * (devices/README.md).  The interrupt may come in any later call until the device rests.  A reset
 * forgives what is owed; but our own models interrupt in the very call in which they return a
 * chain, should it be the one that resets.  Nor is anything owed by a device that asked for a reset
 * meanwhile: its driver has to reset it (2.1.1).
 *
 * A level line is up as long as a bit of InterruptStatus is set, and cannot be raised
 * again before it fell: a bit that is pending is the wake-up for what is used meanwhile,
 * since the driver looks at the rings after it acknowledged that bit.
 *
 * wakeup.superfluous, wakeup.unasked: an interrupt of the line serves every queue
 * whose index moved since the last one, so one that wants it is enough.  A device
 * that has our transport over it, and says which queue each is for, serves that
 * queue alone (vringer.h): on a bus that has a vector for each queue the driver of
 * another would hear of nothing.  VIRTIO advises against an interrupt that the driver wants none
 * of, and says nothing of one that repeats what the driver has not acknowledged: our own models
 * do not, nor do they raise two in one call of the driver's.  One that was wanted when the device
 * asked may come late, after the index moved once more and the driver wants none.
 *
 * wakeup.changed: a target says of each act of its host whether it was a change.
 *
 * wakeup.used-bit: bit 0 of InterruptStatus stands for used buffers, and bits whose event
 * did not take place are zero (dev.mmio.regs.4).  An interrupt for the configuration that sets
 * it too, although no used index moved since the driver acknowledged it last, sets a
 * bit without event.  One that is pending the device may name again.
 *
 * wakeup.queue-reset: a device must not notify the driver for a queue that was reset
 * (dev.vq.reset.1).  An interrupt that serves a line may be for any queue that is ready, or
 * that its driver stopped without a reset: where there is none of them it is for one that was
 * reset.  What the driver has not acknowledged may be said again, and what is raised in the
 * very call that resets the queue comes before that is over.
 *
 * wakeup.needs-reset: the notification must come after the status was set
 * (dev.status.field.3), and VIRTIO does not say how soon: by the time that the device
 * rests.
 *
 * wakeup.config: what is raised is compared with what the device shows when its
 * call is over.  Our models ask for a reset once for each queue that they find
 * structurally wrong, which the ledger knows from what they read.  An available
 * ring that passes 2^64 is wrong without being read.  ConfigGeneration must move where a
 * driver might see an inconsistent state (dev.mmio.regs.6): for a field that is read in one
 * access it need not, and what a device that is not ours has changed is then not known.
 * Of these the rule judges those without configuration, which have nothing to change.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

/* What the driver wants cannot be known. */
static bool is_nowhere(const struct ledger *l, const struct ledger_queue *q)
{
	return ledger_has_event_idx(l) && ledger_event_wraps(q, GUEST_USED_EVENT);
}

/* ... and leaves the device free. */
static bool is_open(const struct ledger *l, const struct ledger_queue *q)
{
	return q->work.unsure || (!l->target->model && is_nowhere(l, q));
}

void ledger_index_moved(struct ledger_queue *q, uint16_t used_idx)
{
	if (!q->work.moved || (q->work.asked && q->work.silenced))
		q->work.moved_from = q->used_idx;
	q->used_idx = used_idx;
	q->work.late = q->work.late || (q->work.moved && q->work.asked && !q->work.silenced);
	q->work.moved = true;
	q->work.asked = q->work.silenced = q->work.unsure = false;
}

void ledger_driver_said(const struct ledger *l, struct ledger_queue *q, int err, bool silence)
{
	q->work.asked = true;
	q->work.silenced = err == 0 && silence;
	q->work.unsure = !l->session.features_known || (err != 0 && !l->target->model);
}

void ledger_flags_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t flags)
{
	if (!l->session.features_known)
		ledger_driver_said(l, q, -1, false);
	else if (!ledger_has_event_idx(l))
		ledger_driver_said(l, q, err, (flags & VRING_AVAIL_F_NO_INTERRUPT) != 0);
}

void ledger_event_read(struct ledger *l, struct ledger_queue *q, int err, uint16_t event)
{
	bool needed =
		(uint16_t)(q->used_idx - event - 1) < (uint16_t)(q->used_idx - q->work.moved_from);

	if (!l->session.features_known)
		ledger_driver_said(l, q, -1, false);
	else if (ledger_has_event_idx(l) && q->work.moved)
		ledger_driver_said(l, q, err, !needed);
}

void ledger_flags_written(struct ledger *l, unsigned queue, uint16_t flags)
{
	uint16_t max =
		l->session.features_known && ledger_has_event_idx(l) ? 0 : VRING_USED_F_NO_NOTIFY;

	if (ledger_judges(l, RULE_WAKEUP_FLAGS) && flags > max)
		ledger_break(l, RULE_WAKEUP_FLAGS,
			     "queue %u: the device wrote 0x%x to the flags of the used ring, the "
			     "largest there is is %u",
			     queue, flags, max);
	ledger_notify_said(l, queue, (flags & VRING_USED_F_NO_NOTIFY) == 0);
}

/* A used-buffer interrupt on a live device, which serves the queues [from, to).  up: the
 * line is. */
static void judge_used(struct ledger *l, unsigned from, unsigned to, bool up)
{
	bool due = false, asked = true, wanted = false, known = true;
	bool repeats = !l->target->model && (l->session.events & VIRTIO_MMIO_INT_VRING) != 0;

	for (unsigned i = from; i < to; i++) {
		struct ledger_queue *q = &l->queues[i];

		known = known && (q->known || !q->work.ready);
		if (!q->work.moved)
			continue;
		due = true;
		/* A queue that was given up since is left alone, its flags too. */
		asked = asked && (q->work.asked || ledger_queue_is_left(l, q) || is_nowhere(l, q));
		wanted = wanted || q->work.late || !q->work.asked || !q->work.silenced;
		q->work.moved = q->work.late = false;
	}
	if (!known)
		return;
	if (due && !asked && ledger_judges(l, RULE_WAKEUP_UNASKED))
		ledger_break(l, RULE_WAKEUP_UNASKED,
			     "a used-buffer interrupt, and the device did not look at what the "
			     "driver wants after it moved the used index");
	else if (!up && (due ? !wanted : !repeats) && ledger_judges(l, RULE_WAKEUP_SUPERFLUOUS))
		ledger_break(l, RULE_WAKEUP_SUPERFLUOUS, "a used-buffer interrupt, and %s",
			     due ? "the driver wants none" : "no used index moved");
}

/* Is there no queue of [from, to) that a used-buffer interrupt can be for, because it was
 * reset? */
static bool were_reset(const struct ledger *l, unsigned from, unsigned to)
{
	bool renewed = false;

	for (unsigned i = from; i < to; i++) {
		const struct ledger_queue *q = &l->queues[i];

		if (q->work.ready || q->was_stopped)
			return false;
		renewed = renewed || q->renewed;
	}
	return renewed;
}

void ledger_interrupt(struct ledger *l, uint32_t bits, unsigned queue)
{
	unsigned from = queue != LEDGER_LINE ? queue : 0;
	unsigned to = queue != LEDGER_LINE ? queue + 1 : ledger_queues(l);
	uint32_t pending = l->session.interrupt_status;
	bool fresh = ((pending | l->session.events) & VIRTIO_MMIO_INT_VRING) == 0;

	l->device.interrupts |= bits;
	l->session.interrupt_status |= bits & (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	if ((bits & VIRTIO_MMIO_INT_CONFIG) != 0) {
		l->call.config_interrupts++;
		l->session.reset_owed = false;
	}
	if (!l->enabled || (bits & VIRTIO_MMIO_INT_VRING) == 0)
		return;
	if (l->call.suspended) {
		if (ledger_judges(l, RULE_SUSPEND_NOTIFIES))
			ledger_break(l, RULE_SUSPEND_NOTIFIES,
				     "a used-buffer interrupt while the device is suspended");
		return;
	}
	if (fresh && l->call.live && were_reset(l, from, to) &&
	    ledger_judges(l, RULE_WAKEUP_QUEUE_RESET))
		ledger_break(l, RULE_WAKEUP_QUEUE_RESET,
			     "a used-buffer interrupt, and no queue is ready: queues were reset");
	l->call.used_bit_fresh = fresh && (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	if (l->plain.device.looking) {
		l->plain.device.interrupts[queue] += fresh || !l->target->level_line;
	} else if (l->call.live) {
		if (queue == LEDGER_LINE && ++l->call.used_interrupts > 1 && l->target->model &&
		    l->call.by_driver && ledger_judges(l, RULE_WAKEUP_SUPERFLUOUS))
			ledger_break(l, RULE_WAKEUP_SUPERFLUOUS,
				     "a second used-buffer interrupt in one call");
		ledger_judge_used_bit(l);
		judge_used(l, from, to, l->target->level_line && !fresh);
	}
	if (!l->plain.device.looking && !l->call.live && ledger_judges(l, RULE_WAKEUP_NOT_LIVE))
		ledger_break(l, RULE_WAKEUP_NOT_LIVE,
			     "a used-buffer interrupt while DRIVER_OK is not set");
}

/* An interrupt named both bits, and bit 0 was not pending. */
void ledger_judge_used_bit(struct ledger *l)
{
	bool known = !l->plain.session.blind;

	if (!l->call.used_bit_fresh)
		return;
	l->call.used_bit_fresh = false;
	for (unsigned i = 0; i < ledger_queues(l); i++)
		known = known && (l->queues[i].known || !l->queues[i].work.ready);
	if (known && (l->session.events & VIRTIO_MMIO_INT_VRING) == 0 &&
	    ledger_judges(l, RULE_WAKEUP_USED_BIT))
		ledger_break(l, RULE_WAKEUP_USED_BIT,
			     "an interrupt for the configuration says that a buffer was used, too, "
			     "and none was since the driver acknowledged that last");
}

/* Queues that a device may find wrong without an access: a ring that wraps, and, in order, one
 * on which it could not write what it returned. */
static unsigned count_wrapping(const struct ledger *l)
{
	bool packed = ring_is_packed(l->session.driver_features);
	unsigned count = 0;

	for (unsigned i = 0; i < ledger_queues(l); i++) {
		const struct ledger_queue *q = &l->queues[i];

		count += q->work.ready && !q->work.poisoned &&
			 (ledger_may_be_broken(l, q) ||
			  (packed ? ring_wraps(&ring_packed, VIRTQUEUE_DESC, q->size, q->desc)
				  : ring_wraps(&ring_split, VIRTQUEUE_DRIVER, q->size, q->avail)));
	}
	return count;
}

/* Configuration interrupts of a call, and DEVICE_NEEDS_RESET, which `set` are
 * the status bits that the device itself set in it. */
void ledger_judge_config(struct ledger *l, uint32_t set, const struct ledger_probe *probe)
{
	unsigned raised = l->call.config_interrupts;
	bool changed = probe->generation_seen && probe->generation != l->device.generation;
	unsigned faults = (unsigned)__builtin_popcountll(l->call.poisoned);
	unsigned due = changed + faults + ledger_suspend_config(l, changed, raised, probe);

	/* A device may have reasons of its own, which the status then tells. */
	if (faults == 0 && (set & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		due++;
	if ((set & VIRTIO_CONFIG_S_NEEDS_RESET) != 0 &&
	    (probe->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && raised == 0)
		l->session.reset_owed = true;
	if (probe->generation_seen)
		l->device.generation = probe->generation;
	if (l->call.host_changes && l->call.host_changed != changed &&
	    ledger_judges(l, RULE_STATUS_GENERATION))
		ledger_break(l, RULE_STATUS_GENERATION, "the host %s, and ConfigGeneration %s",
			     changed ? "changed nothing" : "changed the configuration",
			     changed ? "moved" : "did not move");
	if (l->call.host_changed && l->call.live && raised == 0 &&
	    ledger_judges(l, RULE_WAKEUP_CHANGED))
		ledger_break(l, RULE_WAKEUP_CHANGED,
			     "the host changed the configuration of a live device and no "
			     "configuration interrupt came");
	if (raised == 0 || l->call.suspended)
		return;
	if (!l->target->model && (probe->status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		return;
	if (!l->target->model && l->target->config_len > 0) {
		ledger_lacks(l, RULE_WAKEUP_CONFIG);
		return;
	}
	if (!ledger_judges(l, RULE_WAKEUP_CONFIG))
		return;
	if (raised > due && raised > due + count_wrapping(l))
		ledger_break(l, RULE_WAKEUP_CONFIG,
			     "%u configuration interrupts in one call, in which the device %s its "
			     "configuration generation and found %u queues structurally wrong",
			     raised, changed ? "moved" : "did not move", faults);
}

void ledger_config_rest(struct ledger *l)
{
	if (!l->session.reset_owed)
		return;
	l->session.reset_owed = false;
	if (!ledger_line_is_up(l, VIRTIO_MMIO_INT_CONFIG) &&
	    ledger_judges(l, RULE_WAKEUP_NEEDS_RESET))
		ledger_break(l, RULE_WAKEUP_NEEDS_RESET,
			     "the device set DEVICE_NEEDS_RESET and raised no configuration "
			     "interrupt");
}

bool ledger_wakeup_owed(const struct ledger *l, unsigned i)
{
	const struct ledger_queue *q = &l->queues[i];

	return q->work.moved && !is_open(l, q) && !ledger_line_is_up(l, VIRTIO_MMIO_INT_VRING) &&
	       !(q->work.asked && q->work.silenced);
}

void ledger_wakeup_rest(struct ledger *l, unsigned i)
{
	struct ledger_queue *q = &l->queues[i];
	bool moved = q->work.moved, owed = ledger_wakeup_owed(l, i);

	q->work.moved = q->work.late = false;
	if (!moved || (!l->target->model && (l->device.status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0))
		return;
	if (is_open(l, q) || ledger_line_is_up(l, VIRTIO_MMIO_INT_VRING) ||
	    !ledger_judges(l, RULE_WAKEUP_MISSING) || !owed)
		return;
	ledger_break(
		l, RULE_WAKEUP_MISSING,
		"queue %u: the used index moved to %u and no interrupt came; %s", i, q->used_idx,
		l->plain.arena != NULL ? "what the driver says in memory does not ask for silence"
		: q->work.asked ? "what the device read of the driver does not ask for silence"
				: "the device did not look whether the driver wants one");
}
