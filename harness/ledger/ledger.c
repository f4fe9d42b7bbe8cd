/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a ledger, and its findings.  See ledger.h.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Rules that lack a fact are not judged, whether or not the run comes to where
 * they would be.  Those for our own models have nothing to say of others. */
static void note_silent(struct ledger *ledger)
{
	const struct target *target = ledger->target;

	memset(ledger->not_judged, 0, sizeof(ledger->not_judged));
	memset(ledger->silent, 0, sizeof(ledger->silent));
	for (int i = 0; i < RULE_COUNT; i++) {
		uint64_t bit = 1ULL << i % 64;

		if (rule_table[i].severity == SEVERITY_MODEL && !target->model)
			ledger->silent[i / 64] |= bit;
		else if (rule_extent((enum rule)i, target->facts & ~ledger->without) ==
			 RULE_NOT_JUDGED)
			ledger->not_judged[i / 64] |= bit;
		ledger->silent[i / 64] |= ledger->not_judged[i / 64];
	}
}

/* What a target disagrees with. */
static void note_disagreements(struct ledger *ledger)
{
	const struct target_disagreement *d = ledger->target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		int rule = rule_find(d->rule);

		if (rule >= 0)
			ledger->silent[rule / 64] |= 1ULL << rule % 64;
	}
}

int ledger_open(struct ledger *l, const struct target *target, struct heap *heap)
{
	l->heap = heap;
	return followers_open(l, target);
}

void ledger_close(struct ledger *l)
{
	followers_close(l);
}

void ledger_judge(struct ledger *l, const struct judging *judging, const struct trace *trace,
		  void (*fatal)(void *ctx, const struct finding *finding), void *ctx)
{
	l->judging = *judging;
	l->enabled = !judging->no_ledger;
	l->trace = trace;
	l->fatal = fatal;
	l->fatal_ctx = ctx;
}

void ledger_without(struct ledger *l, unsigned facts)
{
	l->without = facts;
}

void ledger_enable(struct ledger *l, bool enabled)
{
	l->enabled = enabled;
}

/* A new session: what the driver knows nothing of yet.  Chains are nobody's any more. */
static void begin_session(struct ledger *l)
{
	bool known = ledger_knows_transport(l);

	l->session = (struct ledger_session){ .features_sel_known = known,
					      .queue_sel_known = known,
					      .device_features_sel_known = known,
					      .features_known = true };
	ledger_blind_reset(l);
	l->away.count = l->away.have = 0;
	l->away.all = false;
	for (unsigned i = 0; i < ledger_queues(l); i++)
		l->queues[i] =
			(struct ledger_queue){ .holds = LEDGER_NONE, .last_hold = LEDGER_NONE };
}

void ledger_session_end(struct ledger *l)
{
	TELL_FOLLOWERS(l, reset, l);
	for (unsigned i = 0; i < ledger_queues(l); i++)
		ledger_queue_stop(l, &l->queues[i]);
	begin_session(l);
	/* What its host has for it is asked. */
	l->device.acted = l->device.acted && l->target->waiting == NULL;
}

void ledger_forget(struct ledger *l, uint32_t generation)
{
	ledger_session_end(l);
	for (unsigned i = 0; i < ledger_queues(l); i++)
		l->queues[i].lost = true;
	l->away.all = true;
	TELL_FOLLOWERS(l, forget, l);
	ledger_fields_forget(l);
	l->device.counters_lost = l->device.padding_said = true;
	l->device.generation = generation;
	l->session.lost = true;
}

/* Accesses that a device may make in a call to find that there is nothing to do. */
static uint32_t looks_max(const struct target *target)
{
	uint32_t queues = target->queue_count < 8 ? 8 : target->queue_count;

	return (target->polls ? 16u : 1u) * 8u * queues;
}

void ledger_reset(struct ledger *l, const struct target *target, uint64_t offered,
		  const uint16_t queue_max[PROGRAM_QUEUES])
{
	if (l->target != target)
		l->sums.ready = false;
	l->target = target;
	l->looks_max = looks_max(target);
	l->offered = offered;
	memcpy(l->queue_max, queue_max, sizeof(l->queue_max));
	memset(&l->device, 0, sizeof(l->device));
	l->device.node_free = l->device.hold_free = LEDGER_NONE;
	l->call = (struct ledger_call){ .number = 0 };
	l->plain.device = (struct ledger_plain_device){ .looking = false };
	begin_session(l);
	followers_choose(l);
	ledger_op(l, 0, "");
	l->stop = false;
	l->blindness = (struct ledger_blindness){ .cause = BLIND_NEVER };
	l->finding_count = 0;
	memset(l->judged, 0, sizeof(l->judged));
	note_silent(l);
	note_disagreements(l);
}

void ledger_offers_high(struct ledger *l, uint64_t offered)
{
	l->offered_high = offered;
}

void ledger_created(struct ledger *l, uint32_t generation, uint16_t mtu)
{
	l->device.generation = generation;
	l->device.heap_base = l->heap->peak_blocks = l->heap->live_blocks;
	l->device.heap_new = l->heap->live_bytes;
	l->net.mtu = mtu;
}

void ledger_op(struct ledger *ledger, uint32_t index, const char *verb)
{
	ledger->op = index;
	ledger->verb = verb;
}

void ledger_keep(const struct ledger *l, struct ledger_kept *kept)
{
	kept->blindness = l->blindness;
	kept->finding_count = l->finding_count;
	memcpy(kept->findings, l->findings, sizeof(kept->findings));
	memcpy(kept->judged, l->judged, sizeof(kept->judged));
	memcpy(kept->not_judged, l->not_judged, sizeof(kept->not_judged));
}

void ledger_give_back(struct ledger *l, const struct ledger_kept *kept)
{
	l->blindness = kept->blindness;
	l->finding_count = kept->finding_count;
	memcpy(l->findings, kept->findings, sizeof(kept->findings));
	memcpy(l->judged, kept->judged, sizeof(kept->judged));
	memcpy(l->not_judged, kept->not_judged, sizeof(kept->not_judged));
}

void ledger_stop(struct ledger *l)
{
	l->stop = true;
}

void ledger_restored(struct ledger *l)
{
	l->device.untold = true;
}

/* Before the device has what the host gives: it may pass it on at once. */
void ledger_host_begin(struct ledger *l, enum host_act act, unsigned port, const void *data,
		       uint32_t len)
{
	l->call.by_driver = false;
	l->device.acted = true;
	l->call.host_changes = act == HOST_SET_NUM_PAGES || act == HOST_CHANGE_CONFIG;
	if (l->enabled)
		TELL_FOLLOWERS(l, host_begin, l, act, port, data, len);
}

/* More than there was?  There are no such bytes, so that nothing could be said of the port. */
static bool is_too_much(enum host_act act, uint32_t len, uint32_t moved)
{
	return (act == HOST_TYPE || act == HOST_TAKE || act == HOST_PUT_BACK) && moved > len;
}

void ledger_ordered(struct ledger *l, unsigned port)
{
	l->call.by_driver = false;
	l->device.untold = true;
	if (l->enabled)
		TELL_FOLLOWERS(l, ordered, l, port);
}

uint32_t ledger_host_end(struct ledger *l, enum host_act act, unsigned port, const void *data,
			 uint32_t len, uint32_t moved)
{
	if (is_too_much(act, len, moved)) {
		if (l->enabled && ledger_judges(l, RULE_STREAM_BYTES))
			ledger_break(l, RULE_STREAM_BYTES,
				     "of %u bytes the host's side of port %u says that %u were "
				     "moved",
				     len, port, moved);
		moved = len;
	}
	l->call.host_changed = l->call.host_changes && moved != 0;
	if (l->call.host_changed)
		ledger_count(l, CHAINS_CHANGES, 0, 1);
	if (l->enabled)
		TELL_FOLLOWERS(l, host_end, l, act, port, data, len, moved);
	return moved;
}

/* A finding with its place filled in; NULL when there is no room, which there
 * always is for the first that fails the run. */
static struct finding *new_finding(struct ledger *ledger, enum finding_kind kind)
{
	struct finding *f;

	if (ledger->finding_count == LEDGER_FINDINGS_MAX)
		return NULL;
	f = &ledger->findings[ledger->finding_count++];
	memset(f, 0, sizeof(*f));
	f->kind = (uint8_t)kind;
	f->op = ledger->op;
	snprintf(f->verb, sizeof(f->verb), "%s", ledger->verb);
	return f;
}

static void told(const struct ledger *ledger, const struct finding *f)
{
	struct trace_event event = { .kind = TRACE_FINDING, .finding = f };

	if (ledger->trace != NULL)
		ledger->trace->event(ledger->trace->ctx, &event);
}

/* What does not fail the run is told once: a rule of lesser severity, a known
 * signature. */
static bool was_told(const struct ledger *ledger, enum rule rule, const char *known,
		     const char *signature)
{
	for (unsigned i = 0; i < ledger->finding_count; i++) {
		const struct finding *f = &ledger->findings[i];

		if (known != NULL ? strcmp(f->signature, signature) == 0
				  : f->kind == FINDING_RULE && f->rule == rule && f->known == NULL)
			return true;
	}
	return false;
}

void ledger_break(struct ledger *ledger, enum rule rule, const char *format, ...)
{
	const struct rule_desc *desc = &rule_table[rule];
	char signature[sizeof(((struct finding *)NULL)->signature)];
	const char *known = NULL;
	struct finding *f;
	va_list args;
	bool failing;

	if (ledger->stop || !ledger->enabled || ledger->plain.device.salting)
		return;
	snprintf(signature, sizeof(signature), "%s:%s", desc->id, ledger->verb);
	failing = rule_fails(rule, &ledger->judging);
	if (failing)
		known = known_reason(ledger->judging.known, signature);
	failing = failing && known == NULL;
	/* It leaves room for a failure. */
	if (!failing && (was_told(ledger, rule, known, signature) ||
			 ledger->finding_count == LEDGER_FINDINGS_MAX - 1))
		return;
	f = new_finding(ledger, FINDING_RULE);
	if (f == NULL)
		return;
	f->rule = (uint16_t)rule;
	f->known = known;
	memcpy(f->signature, signature, sizeof(signature));
	va_start(args, format);
	vsnprintf(f->message, sizeof(f->message), format, args);
	va_end(args);
	ledger->stop = failing;
	told(ledger, f);
}

void ledger_report(struct ledger *ledger, bool gone, const char *what, const char *message)
{
	char signature[sizeof(((struct finding *)NULL)->signature)];
	const char *known;
	struct finding *f;

	if (ledger->stop)
		return;
	snprintf(signature, sizeof(signature), "%s:%s", what, ledger->verb);
	known = known_reason(ledger->judging.known, signature);
	if (known != NULL && !gone &&
	    (was_told(ledger, 0, known, signature) ||
	     ledger->finding_count == LEDGER_FINDINGS_MAX - 1))
		return;
	if (ledger->finding_count == LEDGER_FINDINGS_MAX)
		ledger->finding_count--;
	f = new_finding(ledger, FINDING_REPORTED);
	f->known = known;
	memcpy(f->signature, signature, sizeof(signature));
	snprintf(f->message, sizeof(f->message), "%s", message);
	ledger->stop = gone || known == NULL;
	told(ledger, f);
}

void ledger_find(struct ledger *ledger, enum finding_kind kind, const char *what,
		 const char *format, ...)
{
	struct finding *f;
	va_list args;

	/* The first that fails is the finding; a loop has no way back even so. */
	if (ledger->stop && ledger->finding_count > 0 && kind == FINDING_HANG &&
	    ledger->fatal != NULL)
		ledger->fatal(ledger->fatal_ctx, &ledger->findings[ledger->finding_count - 1]);
	if (ledger->stop || ledger->plain.device.salting)
		return;
	if (ledger->finding_count == LEDGER_FINDINGS_MAX)
		ledger->finding_count--;
	f = new_finding(ledger, kind);
	snprintf(f->signature, sizeof(f->signature), "%s:%s", what, ledger->verb);
	f->known = known_reason(ledger->judging.known, f->signature);
	va_start(args, format);
	vsnprintf(f->message, sizeof(f->message), format, args);
	va_end(args);
	ledger->stop = true;
	told(ledger, f);
	if (kind == FINDING_HANG && ledger->fatal != NULL)
		ledger->fatal(ledger->fatal_ctx, f);
}
