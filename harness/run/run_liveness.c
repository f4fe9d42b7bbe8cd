/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The target's own script, which a device just reset must satisfy after any
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
static bool has_features(struct run *run, const struct op *op, uint64_t features)
{
	uint64_t lacking = features & run->guest.target->features & ~run->guest.offered;

	if (lacking != 0)
		fall_short(run, op, LACK_FEATURES, 0, run->guest.offered, lacking);
	return lacking == 0;
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
	const struct guest_queue *q = &run->guest.queues[queue];

	return (uint16_t)(q->avail_idx -
			  arena_load16(&run->guest.arena,
				       q->ring[VIRTQUEUE_DEVICE] +
					       ring_at(&ring_split, GUEST_USED_IDX, 0, 0)));
}

static bool has_sizes(struct run *run, const struct op *op, uint32_t size)
{
	for (unsigned i = 0; i < run->guest.target->queue_count; i++)
		if (!has_room(run, op, i, run->guest.queue_max[i], size))
			return false;
	return true;
}

bool run_liveness_fits(struct run *run, const struct op *op)
{
	unsigned queue = (unsigned)op->value[0] % PROGRAM_QUEUES;
	uint32_t size = run->guest.queues[queue].size;

	switch (op->code) {
	case OP_START:
		return has_features(run, op, op->value[2]) &&
		       has_sizes(run, op, (uint32_t)op->value[1]);
	case OP_NEGOTIATE:
		return has_features(run, op, op->value[0]);
	case OP_QUEUE:
		return has_room(run, op, queue, run->guest.queue_max[queue],
				(uint32_t)op->value[1]);
	case OP_DESC:
	case OP_SET_DESC:
		return has_room(run, op, queue, size, (uint32_t)op->value[1] + 1);
	case OP_CHAIN:
		return has_room(run, op, queue, size, (uint32_t)op->value[1] + op->data_len);
	case OP_PUBLISH:
		return has_room(run, op, queue, size, (uint32_t)op->value[1] + 1) &&
		       has_room(run, op, queue, size, outstanding(run, queue) + 1);
	case OP_OFFER:
	case OP_SEND:
		return has_room(run, op, queue, size, (uint32_t)op->value[1] + op->data_len) &&
		       has_room(run, op, queue, size, outstanding(run, queue) + 1);
	default:
		return true;
	}
}

/* An operation of the script has run: its `>` lines. */
static void check_lines(void *ctx, struct run *run, uint32_t op)
{
	const struct script *script = ctx;
	char message[200];

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
	uint32_t ops_run = run->ops_run;

	run_stage(run, options, "liveness");
	own.after_op = check_lines;
	own.before_op = NULL;
	own.ctx = run->liveness;
	if (has_features(run, NULL, run->liveness->needs_features)) {
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
	else
		snprintf(text, size,
			 "this program holds back the features 0x%" PRIx64 ", which the target's "
			 "liveness script needs%s",
			 s->need, line);
}
