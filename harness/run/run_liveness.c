/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The target's own script, or its requests, which a device just reset must satisfy after any
 * program.  See run.h.
 *
 * liveness.request: it is judged under the same conditions as reset.registers
 * (run_end.c), and its script runs like any script.  If the script needs features or
 * queue sizes that the program withholds, it ends there, is not judged from there on,
 * and the result says so.
 */
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void fall_short(struct run *run, const struct op *op, enum run_lack lack, unsigned queue,
		       uint64_t have, uint64_t need)
{
	const struct script *script = run->liveness;
	uint32_t index = op != NULL ? (uint32_t)(op - script->prog.ops) : 0;

	run->shortage = (struct run_shortage){ .lack = lack,
					       .line = op != NULL ? script->op_lines[index] : 0,
					       .queue = queue,
					       .have = have,
					       .need = need };
}

/* Features that the target has and the program held back. */
static bool has_features(struct run *run, const struct op *op, struct features features)
{
	const struct guest *g = &run->guest;
	uint64_t low = features.low & g->target->features & ~g->offered.low;
	uint64_t high = features.high & g->target->features_high & ~g->offered.high;

	if (low != 0)
		fall_short(run, op, LACK_FEATURES, 0, g->offered.low, low);
	else if (high != 0)
		fall_short(run, op, LACK_FEATURES_HIGH, 0, g->offered.high, high);
	return low == 0 && high == 0;
}

/* `need` descriptors, or entries, where the queue has room for `have`.  One that is
 * as large as it can be is as large as the script says. */
static bool has_room(struct run *run, const struct op *op, unsigned queue, uint32_t have,
		     uint32_t need)
{
	if (queue >= run->guest.target->queue_count || need <= have ||
	    run->guest.queue_max[queue] >= run->guest.target->queues[queue].size_max)
		return true;
	fall_short(run, op, LACK_ROOM, queue, have, need);
	return false;
}

/* Chains available and not returned yet, of a queue. */
static uint32_t outstanding(struct run *run, unsigned queue)
{
	return (uint16_t)(run->guest.queues[queue].avail_idx - guest_used_idx(&run->guest, queue));
}

static bool has_sizes(struct run *run, const struct op *op, uint32_t size)
{
	for (unsigned i = 0; i < run->guest.target->queue_count; i++)
		if (!has_room(run, op, i, run->guest.queue_max[i], guest_start_size(i, size)))
			return false;
	return true;
}

static unsigned queue_of(const struct op *op)
{
	return (unsigned)op->value[QUEUE_QUEUE] % PROGRAM_QUEUES;
}

/* Descriptors of its queue up to `end`. */
static bool has_descs(struct run *run, const struct op *op, uint32_t end)
{
	unsigned queue = queue_of(op);

	return has_room(run, op, queue, run->guest.queues[queue].size, end);
}

/* An available entry. */
static bool has_entry(struct run *run, const struct op *op)
{
	return has_descs(run, op, outstanding(run, queue_of(op)) + 1);
}

static bool start_fits(struct run *run, const struct op *op)
{
	return has_features(run, op,
			    (struct features){ op->value[START_FEATURES],
					       op->value[START_FEATURES_HIGH] }) &&
	       has_sizes(run, op, (uint32_t)op->value[START_SIZE]);
}

static bool negotiate_fits(struct run *run, const struct op *op)
{
	return has_features(run, op,
			    (struct features){ op->value[NEGOTIATE_FEATURES],
					       op->value[NEGOTIATE_FEATURES_HIGH] });
}

static bool queue_fits(struct run *run, const struct op *op)
{
	unsigned queue = queue_of(op);

	return has_room(run, op, queue, run->guest.queue_max[queue],
			(uint32_t)op->value[QUEUE_SIZE]);
}

static bool desc_fits(struct run *run, const struct op *op)
{
	return has_descs(run, op, (uint32_t)op->value[DESC_INDEX] + 1);
}

static bool chain_fits(struct run *run, const struct op *op)
{
	return has_descs(run, op, (uint32_t)op->value[CHAIN_HEAD] + op->data_len);
}

static bool publish_fits(struct run *run, const struct op *op)
{
	return has_descs(run, op, (uint32_t)op->value[PUBLISH_HEAD] + 1) && has_entry(run, op);
}

static bool offer_fits(struct run *run, const struct op *op)
{
	return chain_fits(run, op) && has_entry(run, op);
}

static bool request_fits(struct run *run, const struct op *op)
{
	const struct target_request *request = target_request(
		run->guest.target, queue_of(op), (unsigned)op->value[SEND_REQUEST_WHICH]);

	return request == NULL ||
	       (has_features(run, op, (struct features){ .low = request->features }) &&
		has_descs(run, op, requests_descs(request, op)) && has_entry(run, op));
}

typedef bool fits_fn(struct run *run, const struct op *op);

SAME_FIELD(DESC_INDEX, SET_DESC_INDEX);
SAME_FIELD(CHAIN_HEAD, OFFER_HEAD);
SAME_FIELD(CHAIN_HEAD, SEND_HEAD);
SAME_FIELD(QUEUE_QUEUE, DESC_QUEUE);
SAME_FIELD(QUEUE_QUEUE, SET_DESC_QUEUE);
SAME_FIELD(QUEUE_QUEUE, CHAIN_QUEUE);
SAME_FIELD(QUEUE_QUEUE, PUBLISH_QUEUE);
SAME_FIELD(QUEUE_QUEUE, OFFER_QUEUE);
SAME_FIELD(QUEUE_QUEUE, SEND_QUEUE);
SAME_FIELD(QUEUE_QUEUE, SEND_REQUEST_QUEUE);

/* The others need nothing that a program can hold back. */
static fits_fn *const fits[256] = {
	[OP_START] = start_fits,
	[OP_NEGOTIATE] = negotiate_fits,
	[OP_QUEUE] = queue_fits,
	[OP_DESC] = desc_fits,
	[OP_SET_DESC] = desc_fits,
	[OP_CHAIN] = chain_fits,
	[OP_PUBLISH] = publish_fits,
	[OP_OFFER] = offer_fits,
	[OP_SEND] = offer_fits,
	[OP_CHAIN_REQUEST] = request_fits,
	[OP_OFFER_REQUEST] = request_fits,
	[OP_SEND_REQUEST] = request_fits,
};

bool run_liveness_fits(struct run *run, const struct op *op)
{
	return fits[op->code] == NULL || fits[op->code](run, op);
}

/* Does the operation send a request for which the host does something, and may it still
 * have what the program made it do?  Only of scripts that were written for the target:
 * it knows what its own demands are. */
static bool is_excused(const struct run *run, const struct op *op)
{
	const struct target *target = run->guest.target;
	const struct target_request *request;

	if (target->liveness != NULL || op->code != OP_SEND_REQUEST)
		return false;
	request = target_request(target, queue_of(op), (unsigned)op->value[SEND_REQUEST_WHICH]);
	return request != NULL && (request->before != NULL || request->after != NULL) &&
	       run->leftovers;
}

/* An operation of the script has run: its `>` lines. */
static void check_lines(void *ctx, struct run *run, uint32_t op)
{
	const struct script *script = ctx;
	struct request_wrong wrong;
	char message[200];
	uint32_t offered;

	if (is_excused(run, &script->prog.ops[op])) {
		/* Nor is its answer counted by the next line. */
		requests_take_answered(&run->guest, queue_of(&script->prog.ops[op]), &offered,
				       &wrong);
		return;
	}
	if (!run->guest.ledger.enabled || !ledger_judges(&run->guest.ledger, RULE_LIVENESS_REQUEST))
		return;
	for (unsigned i = 0; i < script->expect_count; i++) {
		if (script->expects[i].op != op ||
		    expect_check(run, script, &script->expects[i], message, sizeof(message)))
			continue;
		ledger_break(&run->guest.ledger, RULE_LIVENESS_REQUEST,
			     "after the program, a reset and a new start: line %u of the target's "
			     "liveness script: %s",
			     script->expects[i].line, message);
		return;
	}
}

void run_check_liveness(struct run *run, const struct run_options *options)
{
	struct run_options own = *options;
	uint32_t ops_run = run->ops_run, line;
	const char *reason;

	run_stage(run, options, "liveness");
	if (run->leftovers)
		run->guest.requests.host_touched = true;
	reason = transport_unmet(options->transport, run->guest.target, run->liveness, &line);
	if (reason != NULL)
		run->shortage = (struct run_shortage){ .lack = LACK_REGISTERS, .line = line };
	own.after_op = check_lines;
	own.before_op = NULL;
	own.ctx = run->liveness;
	if (reason == NULL &&
	    has_features(run, NULL,
			 (struct features){ run->liveness->needs_features,
					    run->liveness->needs_features_high })) {
		run->in_liveness = true;
		run_ops(run, &run->liveness->prog, &own);
		run->in_liveness = false;
	}
	run->ops_run = ops_run;
}

void run_print_shortage(const struct run *run, char *text, size_t size)
{
	const struct run_shortage *s = &run->shortage;
	char line[32] = "";

	if (s->line != 0)
		snprintf(line, sizeof(line), ", line %u", s->line);
	if (s->lack == LACK_NOTHING)
		text[0] = '\0';
	else if (s->lack == LACK_ROOM)
		snprintf(text, size,
			 "queue %u has room for %" PRIu64 " in this program, and the target's "
			 "liveness script needs %" PRIu64 "%s",
			 s->queue, s->have, s->need, line);
	else if (s->lack == LACK_REGISTERS)
		snprintf(text, size,
			 "the target's liveness script needs registers, and the transport has "
			 "none%s",
			 line);
	else
		snprintf(text, size,
			 "this program holds back the features%s 0x%" PRIx64 ", which the "
			 "target's liveness script needs%s",
			 s->lack == LACK_FEATURES_HIGH ? " of bits 64 to 127" : "", s->need, line);
}
