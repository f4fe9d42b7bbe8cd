/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Operations that come one at a time.  See live.h.
 */
#include "harness/run/live.h"
#include "harness/run/run_internal.h"

bool live_begin(struct run *run, const struct program *header, const struct run_options *options)
{
	run->live = NULL;
	run_judge_as(run, options);
	run_offer(run, header);
	run->guest.arena.retime.serial = 0;
	run->guest.record.on = false;
	run->twin.snapshot = false;
	run->ops_limit = UINT32_MAX;
	run->measuring = false;
	run->unusable = NULL;
	if (!run_begin(run)) {
		run->unusable = target_unusable(run->guest.target);
		return false;
	}
	ledger_thorough(&run->guest.ledger, options->twins);
	run->live = options;
	return true;
}

bool live_op(struct run *run, const struct program *prog, const struct op *op, uint32_t index)
{
	if (run->guest.ledger.stop)
		return false;
	if (op->code != OP_REPEAT)
		run_one(run, prog, op, run->live, index);
	return !run->guest.ledger.stop;
}

bool live_end(struct run *run)
{
	const struct run_options *options = run->live;

	if (!run->guest.ledger.stop)
		run_settle(run, options);
	run->leftovers = requests_left_something(&run->guest.requests);
	run->taken = run->guest.ledger.device.taken;
	run->completions = ledger_completions(&run->guest.ledger);
	run->answered = run->guest.requests.answered;
	ledger_over(&run->guest.ledger);
	if (!run->guest.ledger.stop)
		run_check_reset(run, options);
	if (!run->guest.ledger.stop && run->liveness != NULL)
		run_check_liveness(run, options);
	run_finish(run, options);
	run->unusable = target_unusable(run->guest.target);
	run->live = NULL;
	return !run->guest.ledger.stop;
}
