/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that its driver suspends (VIRTIO 3.4).  See ledger.h.
 *
 * It is suspended as long as it shows SUSPEND and not DRIVER_OK, to a driver that accepted
 * VIRTIO_F_SUSPEND: the device itself says when that begins and when it ends.  A driver that asks
 * it to resume ends it too, for all that is forbidden, since the status may follow what the device
 * does.  So until a device shows SUSPEND it may finish what it has.
 *
 * suspend.ignored, suspend.resumed: VIRTIO does not say how long that takes.  A device that
 * has nothing left to do, waits for nobody and holds no chain has no reason to be anything
 * but suspended, running, or in need of a reset.  Judged is a driver that added that one bit to the
 * status of a live device; what others write is no such request, nor is it one where it is not
 * known any more which features hold.
 *
 * suspend.early: a device that offers the feature knows the bit, and before DRIVER_OK
 * nothing makes it set it.  Of a driver that writes both bits at once it is not said
 * which comes first.
 *
 * suspend.queues, suspend.notifies: in a call that begins with a suspended device, and
 * does not resume it, there is no reason to touch a ring or a buffer, not even to look,
 * nor to raise an interrupt for one.
 *
 * suspend.config: nor for the configuration, but a device that asks for a reset may
 * say so.  That the configuration changes meanwhile is not judged: 3.4.2 forbids the device
 * to do so, and says what is due where it happens; the host may be whose act it is.
 *
 * suspend.changed: the host changed the configuration of a suspended device, as the target
 * says itself; the interrupt is due from the resumption on, and comes before the device rests.
 *
 * suspend.told: used buffers are told of before the device shows that it is suspended.  What
 * was not told is owed when it runs again, and is wakeup.missing's then.
 *
 * While a device is suspended nothing is stuck, and what it owes it owes later: rules of rest ask
 * once it has resumed.
 */
#include "harness/ledger/ledger_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define SUSPEND ((uint32_t)VIRTIO_CONFIG_S_SUSPEND)
#define NEEDS_RESET ((uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)
#define LIVE ((uint32_t)VIRTIO_CONFIG_S_DRIVER_OK)
#define RUNNING                                                                                    \
	((uint32_t)(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |                         \
		    VIRTIO_CONFIG_S_FEATURES_OK) |                                                 \
	 LIVE)

void ledger_suspend_begin(struct ledger *l, bool status, uint32_t value)
{
	bool resumes = status && (value & LIVE) != 0;

	l->call.suspended = l->session.suspended && !resumes;
	if (!l->session.suspended || !resumes)
		return;
	/* What it was told before it was suspended it goes on with. */
	l->call.active |= l->device.active;
	l->call.failed |= l->device.failed;
}

void ledger_suspend_written(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	uint32_t old = l->device.status;

	if ((l->offered >> VIRTIO_F_SUSPEND & 1) != 0 && (value & SUSPEND) != 0 &&
	    ((old | value) & LIVE) == 0 && (old & SUSPEND) == 0 &&
	    ledger_judges(l, RULE_SUSPEND_EARLY) && (probe->status & SUSPEND) != 0)
		ledger_break(l, RULE_SUSPEND_EARLY,
			     "the driver wrote SUSPEND on status 0x%x, before DRIVER_OK, and the "
			     "device shows 0x%x",
			     old, probe->status);
	if (!ledger_has_suspend(l))
		return;
	value &= ~NEEDS_RESET;
	l->session.suspend_asked = old == RUNNING && value == (RUNNING | SUSPEND);
	l->session.resume_asked =
		old == ((RUNNING & ~LIVE) | SUSPEND) && value == (RUNNING | SUSPEND);
}

/* Used buffers that the driver has not heard of. */
static void judge_told(struct ledger *l)
{
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (ledger_wakeup_owed(l, i) && ledger_judges(l, RULE_SUSPEND_TOLD))
			ledger_break(l, RULE_SUSPEND_TOLD,
				     "queue %u: the device is suspended, and the used index moved "
				     "to %u without an interrupt",
				     i, l->queues[i].used_idx);
}

void ledger_suspend_shown(struct ledger *l, uint32_t status)
{
	bool suspended = ledger_has_suspend(l) && (status & (SUSPEND | LIVE)) == SUSPEND;

	if (suspended || (status & NEEDS_RESET) != 0)
		l->session.suspend_asked = false;
	if ((status & (SUSPEND | LIVE)) == LIVE || (status & NEEDS_RESET) != 0)
		l->session.resume_asked = false;
	suspended = suspended && !l->session.resume_asked;
	if (suspended && !l->session.suspended)
		judge_told(l);
	l->session.suspended = suspended;
}

/* A call is over: the configuration changed in it, or `raised` interrupts told of that; how
 * many of these are due for what changed while the device was suspended. */
unsigned ledger_suspend_config(struct ledger *l, bool changed, unsigned raised,
			       const struct ledger_probe *probe)
{
	unsigned due = l->session.change_seen;

	if (l->call.suspended) {
		l->session.change_seen = l->session.change_seen || changed;
		l->session.change_owed = l->session.change_owed || l->call.host_changed;
		if (raised > 0 && (probe->status & NEEDS_RESET) == 0 &&
		    ledger_judges(l, RULE_SUSPEND_CONFIG))
			ledger_break(l, RULE_SUSPEND_CONFIG,
				     "a configuration interrupt while the device is suspended");
		return 0;
	}
	if (raised > 0)
		l->session.change_seen = l->session.change_owed = false;
	return due;
}

static bool holds_any(const struct ledger *l)
{
	for (unsigned i = 0; i < ledger_queues(l); i++)
		if (l->queues[i].hold_count > 0)
			return true;
	return false;
}

/* Does it still show something else than the driver asked for? */
static void judge_asked(struct ledger *l, bool *asked, enum rule rule, const char *what)
{
	bool was = *asked;

	*asked = false;
	if (was && ledger_has_suspend(l) && !(l->target->holds && holds_any(l)) &&
	    ledger_judges(l, rule))
		ledger_break(l, rule,
			     "the driver asked the device to %s, and it rests with status 0x%x",
			     what, l->device.status);
}

void ledger_suspend_rest(struct ledger *l, enum device_state state)
{
	if (state == DEVICE_IDLE) {
		judge_asked(l, &l->session.suspend_asked, RULE_SUSPEND_IGNORED, "suspend itself");
		judge_asked(l, &l->session.resume_asked, RULE_SUSPEND_RESUMED, "resume");
	}
	if (!l->session.change_owed || (l->device.status & LIVE) == 0)
		return;
	l->session.change_owed = l->session.change_seen = false;
	if ((l->device.status & NEEDS_RESET) == 0 && ledger_judges(l, RULE_SUSPEND_CHANGED) &&
	    !ledger_line_is_up(l, VIRTIO_MMIO_INT_CONFIG))
		ledger_break(l, RULE_SUSPEND_CHANGED,
			     "the host changed the configuration while the device was suspended; "
			     "it resumed and raised no configuration interrupt");
}
