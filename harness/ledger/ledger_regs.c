/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Registers: a small reference model of status, features and interrupt status (VIRTIO
 * 2.1, 2.2, 4.2.2) for accesses in any order and of any width.  See ledger.h.
 *
 * Rules of severity `must` compare what the device itself shows.  VIRTIO does not say
 * how a device reacts to a driver that breaks the rules (writes a queue's size after
 * DRIVER_OK, or a feature word before DRIVER).  Our own models ignore such writes, as
 * our policy says.  For other devices the ledger forgets what it knows of the queue or
 * the features until reset.
 */
#include "devices/virtio_1_4.h"
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <stddef.h>

#define STEP_1 VIRTIO_CONFIG_S_ACKNOWLEDGE
#define STEP_2 (STEP_1 | VIRTIO_CONFIG_S_DRIVER)
#define STEP_3 (STEP_2 | VIRTIO_CONFIG_S_FEATURES_OK)
#define STEP_4 (STEP_3 | VIRTIO_CONFIG_S_DRIVER_OK)
#define SUSPENDED ((uint32_t)(STEP_3 | VIRTIO_CONFIG_S_SUSPEND))

/* Did the driver accept a feature that is not offered? */
static bool accepts_more(const struct ledger *l)
{
	return (l->session.driver_features & ~l->offered) != 0 ||
	       (l->session.driver_features_high & ~l->offered_high) != 0;
}

/* The status that our models show once the driver wrote `value`. */
static uint32_t ladder(const struct ledger *l, uint32_t old, uint32_t value)
{
	static const struct {
		uint32_t from, to;
	} steps[] = { { 0, STEP_1 }, { STEP_1, STEP_2 }, { STEP_2, STEP_3 }, { STEP_3, STEP_4 } };
	uint64_t missing = 1ULL << VIRTIO_F_VERSION_1;

	value &= ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;
	if (value == (old | VIRTIO_CONFIG_S_FAILED))
		return value;
	if (old == STEP_4 && value == (STEP_4 | SUSPENDED) &&
	    (l->session.driver_features >> VIRTIO_F_SUSPEND & 1) != 0)
		return SUSPENDED;
	if (old == SUSPENDED && (value | SUSPENDED) == (STEP_4 | SUSPENDED) &&
	    (value & STEP_4) == STEP_4)
		return STEP_4;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (old != steps[i].from || value != steps[i].to)
			continue;
		if (value == STEP_3 &&
		    (accepts_more(l) || (l->session.driver_features & missing) == 0))
			return old | VIRTIO_CONFIG_S_FAILED;
		return value;
	}
	return old;
}

static void judge_ladder(struct ledger *l, uint32_t old, uint32_t due, uint32_t status,
			 const char *what, uint32_t value)
{
	status &= ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;
	if (status != due && ledger_judges(l, RULE_STATUS_LADDER))
		ledger_break(l, RULE_STATUS_LADDER,
			     "%s 0x%x on status 0x%x: the device shows 0x%x, the policy is 0x%x",
			     what, value, old, status, due);
}

static void break_features(struct ledger *l)
{
	bool high = (l->session.driver_features & ~l->offered) == 0;
	uint64_t accepted = high ? l->session.driver_features_high : l->session.driver_features;
	uint64_t offered = high ? l->offered_high : l->offered;

	ledger_break(l, RULE_STATUS_FEATURES,
		     "FEATURES_OK is set, but the driver accepted features 0x%llx%s, of which "
		     "0x%llx were not offered",
		     (unsigned long long)accepted, high ? " (bits 64 to 127)" : "",
		     (unsigned long long)(accepted & ~offered));
}

static void on_status(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	uint32_t old = l->device.status & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;

	if (value == 0) {
		for (unsigned i = 0; i < ledger_queues(l); i++)
			if (l->target->model && (l->call.moved >> i & 1) != 0)
				ledger_wakeup_rest(l, i);
		ledger_judge_work(l);
		for (unsigned i = 0; i < ledger_queues(l); i++)
			l->device.cut_short |= l->queues[i].hold_count > 0;
		l->device.cut_short |= l->device.working;
		ledger_session_end(l);
		if (ledger_judges(l, RULE_STATUS_RESET) && probe->status != 0)
			ledger_break(l, RULE_STATUS_RESET,
				     "the driver wrote 0, but the device status reads 0x%x",
				     probe->status);
		return;
	}
	if ((probe->status & ~old & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	    l->session.features_known && ledger_judges(l, RULE_STATUS_FEATURES) && accepts_more(l))
		break_features(l);
	ledger_suspend_written(l, value, probe);
	judge_ladder(l, old, ladder(l, old, value), probe->status, "the driver wrote", value);
}

static void on_driver_features_sel(struct ledger *l, uint32_t value,
				   const struct ledger_probe *probe)
{
	(void)probe;
	l->session.features_sel_known = true;
	l->session.driver_features_sel = value;
}

static void on_device_features_sel(struct ledger *l, uint32_t value,
				   const struct ledger_probe *probe)
{
	(void)probe;
	l->session.device_features_sel_known = true;
	l->session.device_features_sel = value;
}

static void on_queue_sel(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	(void)probe;
	l->session.queue_sel_known = true;
	l->session.queue_sel = value;
}

static void on_shm_sel(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	(void)probe;
	l->session.shm_sel = value;
}

void ledger_note_unknown(struct ledger *l)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if ((rule_table[i].facts & FACT_WALK) != 0 &&
		    (rule_table[i].severity != SEVERITY_MODEL || l->target->model))
			l->not_judged[i / 64] |= 1ULL << i % 64;
}

/* The driver wrote to a queue's registers what, or when, it may not.  Our transport
 * ignores it; what others do is not known. */
static void lose_queue(struct ledger *l, struct ledger_queue *q)
{
	if (ledger_knows_transport(l))
		return;
	ledger_queue_lose(l, q);
	if (q->work.ready)
		ledger_note_unknown(l);
}

static bool may_be_in_order(const struct ledger *l)
{
	return (l->offered >> VIRTIO_F_IN_ORDER & 1) != 0;
}

/* The driver accepted features when it may not, or such as no register is known for: which ones
 * hold now our transport alone tells.  Where that may be IN_ORDER, what a used entry stands for
 * is not known. */
static void lose_features(struct ledger *l)
{
	if (!l->session.features_known || ledger_knows_transport(l))
		return;
	l->session.features_known = false;
	for (unsigned i = 0; i < l->target->queue_count && may_be_in_order(l); i++)
		lose_queue(l, &l->queues[i]);
}

static void on_driver_features(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	uint32_t page = l->session.driver_features_sel;
	struct features features = { l->session.driver_features, l->session.driver_features_high };

	(void)probe;
	if (!l->session.features_sel_known || (l->device.status & STEP_2) != STEP_2 ||
	    (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0) {
		lose_features(l);
		return;
	}
	if (page >= target_feature_pages(l->target)) {
		/* Whether the device has a register there is not known. */
		if (value != 0)
			lose_features(l);
		return;
	}
	features_set(&features, page, value);
	l->session.driver_features = features.low;
	l->session.driver_features_high = features.high;
}

static struct ledger_queue *selected(struct ledger *l)
{
	if (!l->session.queue_sel_known)
		l->session.lost = true;
	if (l->session.queue_sel >= l->target->queue_count ||
	    l->session.queue_sel >= PROGRAM_QUEUES)
		return NULL;
	/* Of a queue that is not there our models take no configuration. */
	return !l->target->model || ledger_queue_exists(l, l->session.queue_sel)
		       ? &l->queues[l->session.queue_sel]
		       : NULL;
}

bool ledger_queue_exists(const struct ledger *l, unsigned i)
{
	uint64_t there = (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0
				 ? l->session.driver_features
				 : l->offered;

	return i < l->target->queue_count && (l->target->queues[i].features & ~there) == 0;
}

/* The queue whose registers may be written now, or NULL. */
static struct ledger_queue *writable(struct ledger *l)
{
	struct ledger_queue *q = selected(l);

	if (q == NULL)
		return NULL;
	if ((l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	    ((l->device.status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND)) == 0 ||
	     q->renewed) &&
	    !q->work.ready)
		return q;
	lose_queue(l, q);
	return NULL;
}

static bool has_packed_rings(const struct ledger *l)
{
	return l->session.features_known ? ring_is_packed(l->session.driver_features)
					 : ring_is_packed(l->offered);
}

static void on_queue_num(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	struct ledger_queue *q = writable(l);

	(void)probe;
	if (q == NULL)
		return;
	if (value > l->queue_max[l->session.queue_sel] ||
	    !ring_size_possible(has_packed_rings(l) ? l->session.driver_features : 0, value)) {
		lose_queue(l, q);
		return;
	}
	q->size = (uint16_t)value;
}

static void set_addr(struct ledger *l, size_t field, bool high, uint32_t value,
		     enum virtqueue_area area)
{
	const struct ring_layout *layout = has_packed_rings(l) ? &ring_packed : &ring_split;
	struct ledger_queue *q = writable(l);
	uint64_t *addr;

	if (q == NULL)
		return;
	if (!high && value % layout->align[area] != 0) {
		lose_queue(l, q);
		return;
	}
	addr = (uint64_t *)(void *)((char *)q + field);
	*addr &= high ? 0xffffffffULL : ~0xffffffffULL;
	*addr |= (uint64_t)value << (high ? 32 : 0);
}

#define ADDR_WRITER(name, field, high, area)                                                       \
	static void on_##name(struct ledger *l, uint32_t value, const struct ledger_probe *probe)  \
	{                                                                                          \
		(void)probe;                                                                       \
		set_addr(l, offsetof(struct ledger_queue, field), high, value, area);              \
	}
ADDR_WRITER(desc_low, desc, false, VIRTQUEUE_DESC)
ADDR_WRITER(desc_high, desc, true, VIRTQUEUE_DESC)
ADDR_WRITER(avail_low, avail, false, VIRTQUEUE_DRIVER)
ADDR_WRITER(avail_high, avail, true, VIRTQUEUE_DRIVER)
ADDR_WRITER(used_low, used, false, VIRTQUEUE_DEVICE)
ADDR_WRITER(used_high, used, true, VIRTQUEUE_DEVICE)

/* The largest that is not above `max`, which is not 0. */
static uint16_t power_of_two(uint16_t max)
{
	return (uint16_t)(1u << (31 - __builtin_clz(max)));
}

/* Nothing follows a packed ring where it may be a split one, nor single entries where they may be
 * batches. */
static bool is_followed(const struct ledger *l)
{
	return l->session.features_known || (!has_packed_rings(l) && !may_be_in_order(l));
}

static void on_queue_ready(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	struct ledger_queue *q = selected(l);

	if (q == NULL)
		return;
	if (value == 0 && probe->ready != 0 && ledger_judges(l, RULE_STATUS_QUEUE_READY))
		ledger_break(l, RULE_STATUS_QUEUE_READY,
			     "the driver wrote 0 to QueueReady of queue %u, but reads %u",
			     l->session.queue_sel, probe->ready);
	if (probe->ready == 0) {
		/* Where a device goes on when the queue is ready again VIRTIO does
		 * not say. */
		q->stopped = q->stopped || (q->work.ready && q->known);
		if (q->work.index_seen)
			lose_queue(l, q);
		ledger_queue_stop(l, q);
	} else if (!q->work.ready) {
		q->renewed = false;
		/* Never written: our transport goes by the largest power of two. */
		q->known =
			!q->lost && (q->size != 0 || ledger_knows_transport(l)) && is_followed(l);
		q->packed = q->known && has_packed_rings(l);
		if (q->size == 0)
			q->size = power_of_two(l->queue_max[l->session.queue_sel]);
		/* An entry past 2^64 is nowhere: no access tells that it was looked at. */
		if (q->packed && ring_wraps(&ring_packed, VIRTQUEUE_DESC, q->size, q->desc))
			q->known = q->packed = false;
		if (!q->known) {
			TELL_FOLLOWERS(l, lost, l, l->session.queue_sel);
			ledger_note_unknown(l);
		}
		ledger_queue_start(l, q);
	}
}

bool ledger_has_ring_reset(const struct ledger *l)
{
	return (l->device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && l->session.features_known &&
	       (l->session.driver_features >> VIRTIO_F_RING_RESET & 1) != 0;
}

/* Where that was negotiated the queue is as on a new device, and its driver may set it up as
 * at first.  What another write there does VIRTIO does not say.
 *
 * status.queue-reset: the driver waits until QueueReset reads 0 before this is judged, as long
 * as a device that has a way to say so is at work.  Then the reset is over, and both registers
 * read 0 (dev.mmio.regs.12). */
static void on_queue_reset(struct ledger *l, uint32_t value, const struct ledger_probe *probe)
{
	struct ledger_queue *q = selected(l);

	if (q == NULL)
		return;
	if (value != 1 || !ledger_has_ring_reset(l)) {
		if ((l->offered >> VIRTIO_F_RING_RESET & 1) != 0)
			lose_queue(l, q);
		return;
	}
	if ((probe->resetting != 0 || probe->ready != 0) &&
	    ledger_judges(l, RULE_STATUS_QUEUE_RESET))
		ledger_break(l, RULE_STATUS_QUEUE_RESET,
			     "the driver reset queue %u, and QueueReset reads %u, QueueReady %u",
			     l->session.queue_sel, probe->resetting, probe->ready);
	ledger_queue_stop(l, q);
	*q = (struct ledger_queue){ .holds = LEDGER_NONE,
				    .last_hold = LEDGER_NONE,
				    .renewed = true };
}

#define REGISTER(offset) ((offset) / 4)

/* By register; NULL: what is written there the ledger need not remember. */
static void (*const writers[REGISTER(VIRTIO_MMIO_CONFIG)])(struct ledger *l, uint32_t value,
							   const struct ledger_probe *probe) = {
	[REGISTER(VIRTIO_MMIO_STATUS)] = on_status,
	[REGISTER(VIRTIO_MMIO_DRIVER_FEATURES)] = on_driver_features,
	[REGISTER(VIRTIO_MMIO_DRIVER_FEATURES_SEL)] = on_driver_features_sel,
	[REGISTER(VIRTIO_MMIO_DEVICE_FEATURES_SEL)] = on_device_features_sel,
	[REGISTER(VIRTIO_MMIO_QUEUE_SEL)] = on_queue_sel,
	[REGISTER(VIRTIO_MMIO_SHM_SEL)] = on_shm_sel,
	[REGISTER(VIRTIO_MMIO_QUEUE_NUM)] = on_queue_num,
	[REGISTER(VIRTIO_MMIO_QUEUE_READY)] = on_queue_ready,
	[REGISTER(VIRTIO_MMIO_QUEUE_RESET)] = on_queue_reset,
	[REGISTER(VIRTIO_MMIO_QUEUE_DESC_LOW)] = on_desc_low,
	[REGISTER(VIRTIO_MMIO_QUEUE_DESC_HIGH)] = on_desc_high,
	[REGISTER(VIRTIO_MMIO_QUEUE_AVAIL_LOW)] = on_avail_low,
	[REGISTER(VIRTIO_MMIO_QUEUE_AVAIL_HIGH)] = on_avail_high,
	[REGISTER(VIRTIO_MMIO_QUEUE_USED_LOW)] = on_used_low,
	[REGISTER(VIRTIO_MMIO_QUEUE_USED_HIGH)] = on_used_high,
};

/* A control register was accessed in a way that VIRTIO does not know. */
static bool is_odd(uint64_t offset, uint32_t width)
{
	return offset < VIRTIO_MMIO_CONFIG && (width != 4 || offset % 4 != 0);
}

/* Before the device sees it: what it raises in answer is new. */
static void acknowledge(struct ledger *l, uint32_t bits)
{
	l->session.interrupt_status &= ~bits;
	l->session.events &= ~bits;
	for (unsigned i = 0; i < ledger_queues(l); i++)
		l->queues[i].work.silenced = l->queues[i].work.silenced && l->queues[i].work.moved;
}

/* The status that the write of `value` may lead to. */
static uint32_t may_become(const struct ledger *l, uint32_t value)
{
	if (!ledger_knows_transport(l) || value == 0)
		return value;
	return ladder(l, l->device.status & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET, value);
}

static inline void begin_call(struct ledger *l, bool write, uint64_t offset, uint32_t width,
			      uint64_t value)
{
	bool known = write && !is_odd(offset, width);

	l->device.active |= l->call.active;
	l->device.failed |= l->call.failed;
	l->call = (struct ledger_call){ .number = l->call.number + 1,
					.bytes_max = 4096 + l->device.held_bytes_max,
					.accesses_max = l->looks_max + l->device.held_accesses_max,
					.held = l->device.held,
					.heap_failures = l->heap->failures,
					.heap_blocks = l->heap->live_blocks,
					.heap_bytes = l->heap->live_bytes };
	l->heap->call_bytes = 0;
	l->call.live = (l->device.status & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
	if (l->session.suspended)
		ledger_suspend_begin(l, known && offset == VIRTIO_MMIO_STATUS, (uint32_t)value);
	if (!known)
		return;
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK)
		acknowledge(l, (uint32_t)value);
	if (offset == VIRTIO_MMIO_STATUS)
		l->call.status_written = (uint32_t)value;
	if (offset == VIRTIO_MMIO_QUEUE_READY && value != 0 && !ledger_knows_transport(l))
		l->call.starting =
			l->session.queue_sel_known && l->session.queue_sel < PROGRAM_QUEUES
				? 1ULL << l->session.queue_sel
				: UINT64_MAX;
	if (offset == VIRTIO_MMIO_STATUS)
		l->call.live = l->call.live ||
			       (may_become(l, (uint32_t)value) & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
	/* Whatever else the driver says there is its own word. */
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && l->session.features_known &&
	    (l->session.driver_features >> VIRTIO_F_NOTIFICATION_DATA & 1) != 0)
		value &= UINT16_MAX;
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && (value & UINT16_MAX) < PROGRAM_QUEUES)
		l->queues[value & UINT16_MAX].told = true;
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && value < l->target->queue_count &&
	    value < PROGRAM_QUEUES && l->call.live && l->queues[value].work.ready &&
	    !l->queues[value].work.poisoned) {
		/* An index past 2^64 is nowhere: no access tells of the look. */
		/* Nor is there one to a packed ring that the device has all of. */
		l->queues[value].work.notified =
			l->queues[value].avail <= UINT64_MAX - 3 &&
			!(l->queues[value].packed &&
			  l->queues[value].place.held >= l->queues[value].size);
		l->call.active |= 1ULL << value;
	}
}

static enum ledger_unsure unsure_of(const struct ledger *l, uint64_t offset, uint32_t width,
				    uint64_t value)
{
	if (is_odd(offset, width))
		return ledger_knows_transport(l) ? UNSURE_NOT : UNSURE_REGISTER;
	return offset == VIRTIO_MMIO_QUEUE_READY && value != 0 ? UNSURE_START : UNSURE_NOT;
}

void ledger_access_begin(struct ledger *l, bool write, uint64_t offset, uint32_t width,
			 uint64_t value)
{
	begin_call(l, write, offset, width, value);
	l->call.by_driver = true;
	/* A queue that becomes ready under a live device may be served at once. */
	if (l->plain.arena != NULL && l->enabled)
		ledger_plain_begin(l, write ? unsure_of(l, offset, width, value) : UNSURE_NOT);
}

void ledger_access_end(struct ledger *l, bool write, uint64_t offset, uint32_t width,
		       uint64_t value, const struct ledger_probe *probe)
{
	uint32_t old = l->device.status;
	bool odd = is_odd(offset, width);
	bool status = write && !odd && offset == VIRTIO_MMIO_STATUS;

	l->call.by_driver = false;
	if (!l->enabled)
		return;
	if (l->plain.arena != NULL)
		ledger_plain_end(l);
	/* The driver's own writes may change configuration, and so may a reset. */
	if (write && (status || offset >= VIRTIO_MMIO_CONFIG))
		ledger_fields_forget(l);
	if (write && !odd) {
		if (offset < VIRTIO_MMIO_CONFIG && writers[REGISTER(offset)] != NULL)
			writers[REGISTER(offset)](l, (uint32_t)value, probe);
	} else if (write && !ledger_knows_transport(l)) {
		l->session.lost = true;
	} else if (!write && !odd) {
		ledger_judge_read(l, offset, width, value);
	} else if (!write) {
		ledger_judge_odd_read(l, offset, width, value);
	}
	if (write && offset >= VIRTIO_MMIO_CONFIG)
		ledger_config_written(l, offset - VIRTIO_MMIO_CONFIG, width, value);
	if (offset >= VIRTIO_MMIO_CONFIG)
		ledger_disk_config(l, write, offset - VIRTIO_MMIO_CONFIG, width, value);
	if (probe == NULL)
		return;
	if (!status)
		judge_ladder(l, old, old & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET, probe->status,
			     write ? "a write of" : "a read of", (uint32_t)value);
	ledger_judge_interrupt_status(l, probe->interrupt_status);
	if (!status || value != 0)
		ledger_call_end(l, old, probe);
	/* What a device does that was live, and whose driver took DRIVER_OK back
	 * without a reset, is its own affair. */
	if (ledger_has_suspend(l) || l->session.suspended || l->session.suspend_asked ||
	    l->session.resume_asked)
		ledger_suspend_shown(l, probe->status);
	if (status && value != 0 && !ledger_knows_transport(l) && !l->session.suspended &&
	    (old & ~probe->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
		l->session.lost = true;
	l->device.status = probe->status;
	l->device.interrupts = 0;
}

void ledger_work_begin(struct ledger *l)
{
	ledger_access_begin(l, false, VIRTIO_MMIO_CONFIG, 1, 0);
}

void ledger_work_end(struct ledger *l, const struct ledger_probe *probe)
{
	ledger_access_end(l, false, VIRTIO_MMIO_CONFIG, 1, 0, probe);
}
