/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of frames, and of bytes, that wait for the driver, at rest.  See
 * ledger.h; struct target_stream and struct target_port say where they wait.
 *
 * stuck.frame: a device that has frames for a queue, in itself or at its host, and
 * rests, has looked for chains there since the driver last told of some, and taken
 * all that it saw.  So much it knows from its own reads, whatever the driver did to
 * the ring meanwhile.  A queue that it never looked at, it has no reason to believe
 * empty: a driver may fill it before DRIVER_OK, and tells of that to nobody.
 *
 * It has a reason to rest, and is not judged, where the queue is not ready or was
 * found wrong, an access of it failed in this call, its used ring or the index of
 * its available ring passes 2^64, or the device asked for a reset.  A host that lies
 * about what it has, or lets frames go without a word, has told of none.
 *
 * stuck.bytes: a device gave the driver bytes that were typed into a port, has more of them,
 * and read an available index of that queue that it did not come to, all in the call behind
 * which it rests.  Whether a port is open nobody here knows, but in that call it was: the
 * driver does nothing meanwhile.  It may stop there to bound the call, and then it has work
 * left, and says so; nobody will tell it again of chains that it was told of.  It has the
 * same reasons to rest as above.
 *
 * stuck.busy: of our own models each step of what is left takes a chain, reads or writes a buffer,
 * returns something or calls the backend, or finds that nothing is left and says so from then on.
 * To ask a backend that has nothing, with nothing that waits in the device, is no step.
 * One that finds nothing to do, again and again, and goes on saying that it has work keeps its
 * host's processor busy for nothing.  Nor has one of our models any work left of which nobody told
 * it: no queue was notified since it, or the device, was reset; its host did nothing, and gave no
 * frame, since the device was; and nothing waits in it or at its host.  It looks for chains where
 * it is notified, or has something for them.  A host that was told how to behave may have lied to
 * it, and what a restored device was told of is not known.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>

bool ledger_may_have_room(const struct ledger *l, unsigned i)
{
	const struct ledger_queue *q = &l->queues[i];

	if (!q->work.ready || !q->known || ledger_queue_is_left(l, q) ||
	    (l->call.failed >> i & 1) != 0 || ledger_used_ring_wraps(q) ||
	    q->avail > UINT64_MAX - 3)
		return false;
	if (!q->work.index_seen)
		return true;
	return (l->call.active >> i & 1) != 0 &&
	       (q->work.notified || q->work.avail_idx != q->taken);
}

void ledger_waiting_rest(struct ledger *l, const void *device)
{
	if (l->device.counters_lost || !l->sums.ready ||
	    (l->device.status & VIRTIO_CONFIG_S_DRIVER_OK) == 0)
		return;
	for (unsigned i = 0; i < l->target->stream_count; i++) {
		const struct target_stream *desc = &l->target->streams[i];
		uint64_t inside, outside = 0;

		if (desc->waiting == NULL || !ledger_may_have_room(l, desc->to) ||
		    !ledger_judges(l, RULE_STUCK_FRAME))
			continue;
		inside = ledger_add_up(l, l->streams.stream[i].counters.waiting);
		if (desc->from == END_GIVEN && l->target->waiting != NULL)
			outside = l->target->waiting(device);
		if (inside + outside > 0)
			ledger_break(l, RULE_STUCK_FRAME,
				     "%llu frames wait in the device and %llu at its host, and it "
				     "rests: queue %u was %s",
				     (unsigned long long)inside, (unsigned long long)outside,
				     desc->to,
				     !l->queues[desc->to].work.index_seen ? "never looked at"
				     : l->queues[desc->to].work.notified
					     ? "notified and not looked at"
					     : "left with chains that it saw");
	}
}

static bool began_to_give(const struct ledger *l, const struct ledger_port *p)
{
	return !p->lost && p->in.len > 0 && p->given != 0 && p->given == l->call.number;
}

void ledger_waiting_bytes(struct ledger *l, const void *device, bool excused)
{
	(void)device;
	if (excused || (l->device.status & VIRTIO_CONFIG_S_DRIVER_OK) == 0 || l->target->polls ||
	    l->session.suspend_asked || ledger_starved(l))
		return;
	/* Of several ports, one may be closed by what the device reads in the same call. */
	if (!l->target->model && l->target->port_count > 1)
		return;
	for (unsigned i = 0; i < l->target->port_count; i++) {
		unsigned to = l->target->ports[i].to;
		const struct ledger_queue *q;

		if (to == TARGET_NO_QUEUE || !began_to_give(l, &l->ports[i]) ||
		    !ledger_may_have_room(l, to) || !ledger_judges(l, RULE_STUCK_BYTES))
			continue;
		q = &l->queues[to];
		if (q->work.index_seen && q->work.avail_idx != q->taken)
			ledger_break(l, RULE_STUCK_BYTES,
				     "queue %u: the device read available index %u, gave bytes of "
				     "port %u to chains below %u and rests, and %u more wait",
				     to, q->work.avail_idx, i, q->taken, l->ports[i].in.len);
	}
}

/* Has it something now, of whatever it counts as it comes and goes? */
static bool has_some(const struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);

	for (unsigned i = 0; i < count; i++)
		if (l->sums.gauges[i] && l->device.counters[i] != 0)
			return true;
	return false;
}

/* Does nothing wait, in the device or at its host, as far as both say? */
static bool has_nothing(const struct ledger *l, const void *device)
{
	uint64_t waiting = 0;

	if (l->device.counters_lost || !l->sums.ready)
		return false;
	for (unsigned i = 0; i < l->target->stream_count; i++)
		if (l->target->streams[i].waiting != NULL)
			waiting += ledger_add_up(l, l->streams.stream[i].counters.waiting);
	return waiting == 0 && (l->target->waiting == NULL || l->target->waiting(device) == 0);
}

/* Is nothing there that a call of the backend can be about? */
static bool is_idle(const struct ledger *l, const void *device)
{
	if (l->call.backend == 0)
		return true;
	return l->target->waiting != NULL && has_nothing(l, device);
}

static bool was_told(const struct ledger *l)
{
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].told)
			return true;
	return l->device.acted || l->device.untold;
}

void ledger_waiting_work(struct ledger *l, const void *device)
{
	if (!l->target->model || was_told(l) || l->session.suspended || l->session.suspend_asked ||
	    l->session.resume_asked || l->target->polls || !has_nothing(l, device) ||
	    has_some(l, device) || !ledger_judges(l, RULE_STUCK_BUSY))
		return;
	ledger_break(l, RULE_STUCK_BUSY,
		     "the device says that it has work left, and neither its driver nor its host "
		     "has told it of any");
}

bool ledger_stood_still(const struct ledger *l, const void *device)
{
	/* Of others nobody asks how much their host has. */
	return l->target->model && l->call.chains == 0 && !l->call.carried && l->call.moved == 0 &&
	       l->call.failed == 0 && is_idle(l, device);
}

void ledger_worked(struct ledger *l, unsigned still, bool busy)
{
	if (l->enabled && ledger_judges(l, RULE_STUCK_BUSY) && busy)
		ledger_break(l, RULE_STUCK_BUSY,
			     "the device did nothing in %u calls for what it has left, and says "
			     "that it has work left",
			     still);
}
