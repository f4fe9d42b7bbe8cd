/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a ledger, and its findings.  See ledger.h.
 */
#include "devices/table.h"
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
		else if (rule_extent((enum rule)i, target->facts) == RULE_NOT_JUDGED)
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

int ledger_open(struct ledger *l, const struct target *target)
{
	if (target->pages_max > 0) {
		l->pages.bytes = malloc((size_t)target->pages_max * LEDGER_NUMBER_LEN);
		if (l->pages.bytes == NULL)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < target->port_count; i++) {
		if (target_port_frames(&target->ports[i]))
			continue;
		l->ports[i].out.bytes = malloc(LEDGER_PORT_BYTES);
		l->ports[i].in.bytes = malloc(LEDGER_PORT_BYTES);
		if (l->ports[i].out.bytes == NULL || l->ports[i].in.bytes == NULL)
			return -ENOMEM;
	}
	return 0;
}

void ledger_close(struct ledger *l)
{
	free(l->pages.bytes);
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		free(l->ports[i].out.bytes);
		free(l->ports[i].in.bytes);
	}
}

void ledger_reset(struct ledger *ledger, const struct target *target, uint64_t offered)
{
	if (ledger->target != target)
		ledger->sums_ready = false;
	ledger->target = target;
	note_silent(ledger);
	note_disagreements(ledger);
	ledger->offered = offered;
	ledger->op = 0;
	ledger->verb = "";
	ledger->status = 0;
	ledger->interrupts = 0;
	ledger->lost = false;
	ledger->features_sel_known = ledger->queue_sel_known = ledger->device_features_sel_known =
		ledger_knows_transport(ledger);
	ledger->driver_features_sel = 0;
	ledger->device_features_sel = 0;
	ledger->queue_sel = 0;
	ledger->shm_sel = 0;
	ledger->driver_features = 0;
	ledger->features_known = true;
	ledger->interrupt_status = 0;
	memset(&ledger->call, 0, sizeof(ledger->call));
	memset(ledger->queues, 0, sizeof(ledger->queues));
	memset(ledger->counters, 0, sizeof(ledger->counters));
	memset(ledger->judged, 0, sizeof(ledger->judged));
	ledger->node_free = ledger->hold_free = LEDGER_NONE;
	ledger->node_used = ledger->hold_used = 0;
	for (int i = 0; i < PROGRAM_QUEUES; i++)
		ledger->queues[i].holds = ledger->queues[i].last_hold = LEDGER_NONE;
	ledger->finding_count = 0;
	ledger->completions = 0;
	for (unsigned i = 0; i < TARGET_STREAMS_MAX; i++) {
		struct ledger_stream *stream = &ledger->streams[i];

		stream->first = stream->count = stream->gone = 0;
		stream->passed = 0;
		stream->lost = stream->unsure = false;
		stream->entered = stream->left = 0;
	}
	ledger->owes = false;
	ledger->net = (struct ledger_net){ .mtu = 0 };
	ledger->counters_lost = false;
	ledger->dialogue = (struct ledger_dialogue){ .asked = 0 };
	ledger_request_forget(ledger, true);
	memset(ledger->fields, 0, sizeof(ledger->fields));
	for (unsigned i = 0; i < TARGET_PORTS_MAX; i++) {
		struct ledger_port *port = &ledger->ports[i];

		port->out.start = port->out.len = port->in.start = port->in.len = 0;
		port->staged = 0;
		port->failed = port->lost = port->unsure = false;
		port->unread = port->dropped_before = 0;
		port->typed.before = port->typed.bytes = 0;
		port->put_back.before = port->put_back.bytes = 0;
	}
	ledger->held_bytes_max = ledger->held_accesses_max = 0;
	ledger->held = 0;
	ledger->plain.went_blind = ledger->plain.strayed = ledger->plain.stale = false;
	ledger->plain.tables = ledger->plain.over = false;
	ledger->plain.blind = ledger->plain.looking = ledger->plain.entered = false;
	memset(ledger->plain.interrupts, 0, sizeof(ledger->plain.interrupts));
	ledger->plain.salting = false;
	ledger->plain.salts = 0;
	ledger->plain.suspect_count = 0;
	ledger->plain.confirmed = NULL;
	ledger->stop = false;
}

void ledger_op(struct ledger *ledger, uint32_t index, const char *verb)
{
	ledger->op = index;
	ledger->verb = verb;
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

	if (ledger->stop || !ledger->enabled || ledger->plain.salting)
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

void ledger_find(struct ledger *ledger, enum finding_kind kind, const char *what,
		 const char *format, ...)
{
	struct finding *f;
	va_list args;

	/* The first that fails is the finding; a loop has no way back even so. */
	if (ledger->stop && ledger->finding_count > 0 && kind == FINDING_HANG &&
	    ledger->fatal != NULL)
		ledger->fatal(ledger->fatal_ctx, &ledger->findings[ledger->finding_count - 1]);
	if (ledger->stop || ledger->plain.salting)
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
