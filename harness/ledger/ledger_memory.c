/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Every access of guest memory that the device tells of: may there be one now, and what is
 * it of?  See ledger.h.
 *
 * memory.not-live, memory.poisoned: judged by the queue's own registers, the status and the
 * purpose that the device gave.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

static void judge_live(struct ledger *l, const struct ledger_queue *q,
		       const struct arena_access *access)
{
	if (l->call.live && q->work.ready)
		return;
	if (ledger_judges(l, RULE_MEMORY_NOT_LIVE))
		ledger_break(l, RULE_MEMORY_NOT_LIVE,
			     "queue %u is %s, and the device %s %u bytes at 0x%llx (%s)",
			     access->why.queue,
			     q->work.ready ? "ready but DRIVER_OK is not set" : "not ready",
			     access->write ? "wrote" : "read", access->len,
			     (unsigned long long)access->addr,
			     field_names(FIELD_PURPOSE)[access->why.purpose + 1]);
}

/* Nothing can be said of a queue whose size and addresses the device alone knows,
 * nor of one that it works on before the driver's QueueReady is seen to stand:
 * where it is in that queue then is not known either. */
static bool is_unknown(struct ledger *l, struct ledger_queue *q, unsigned queue)
{
	if ((l->call.starting >> queue & 1) != 0 && !q->work.ready)
		q->lost = true;
	else if (!q->work.ready || q->known || !l->call.live)
		return false;
	l->call.blind = true;
	return true;
}

/* An endless loop inside the device ends here, whatever it does. */
static void count_access(struct ledger *l, uint32_t len)
{
	l->call.bytes += len;
	if (++l->call.accesses == LEDGER_ACCESSES_MAX)
		ledger_find(l, FINDING_HANG, "endless-loop",
			    "%u guest-memory accesses in one call of the device", l->call.accesses);
}

/* Chains taken before the fault may still be finished. */
static void judge_poisoned(struct ledger *l, const struct arena_access *access)
{
	uint32_t finishing = 1u << GUEST_PAYLOAD | 1u << GUEST_AVAIL_FLAGS |
			     1u << GUEST_USED_EVENT | 1u << GUEST_DESC | 1u << GUEST_INDIRECT;

	if (!access->write && (finishing >> access->why.purpose & 1) == 0 &&
	    ledger_judges(l, RULE_MEMORY_POISONED))
		ledger_break(l, RULE_MEMORY_POISONED,
			     "queue %u: its available ring was structurally wrong, and the device "
			     "read %s again",
			     access->why.queue,
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

	if (access->why.purpose == GUEST_INDIRECT)
		ledger_desc_read(&a);
	else
		ledger_ring_access(&a);
}

void ledger_memory(struct ledger *l, const struct arena_access *access)
{
	struct guest_why why = access->why;
	struct ledger_queue *q;
	bool was_poisoned;

	if (!l->enabled)
		return;
	count_access(l, access->len);
	if (l->plain.accesses) {
		ledger_untold(l, access->write, access->addr, access->len, access->err);
		return;
	}
	if (why.queue >= l->target->queue_count || why.purpose >= GUEST_PURPOSE_COUNT) {
		if (ledger_judges(l, RULE_MEMORY_RING))
			ledger_break(l, RULE_MEMORY_RING,
				     "the device %s %u bytes at 0x%llx for queue %u, which there "
				     "is not",
				     access->write ? "wrote" : "read", access->len,
				     (unsigned long long)access->addr, why.queue);
		return;
	}
	if (why.queue >= PROGRAM_QUEUES)
		return;
	q = &l->queues[why.queue];
	if (is_unknown(l, q, why.queue))
		return;
	judge_live(l, q, access);
	was_poisoned = q->work.poisoned;
	/* A buffer that cannot be reached is no reason for our models to leave
	 * the queue. */
	if (access->err != 0 && (why.purpose != GUEST_PAYLOAD || !l->target->model)) {
		l->call.failed |= (uint8_t)(1u << why.queue);
		q->work.notify.gave_up = true;
	}
	if (access->err != 0)
		TELL_FOLLOWERS(l, failed, l, why.queue);
	if (why.purpose == GUEST_PAYLOAD)
		ledger_payload(l, q, access);
	else
		on_queue(l, q, access);
	if (was_poisoned)
		judge_poisoned(l, access);
}
