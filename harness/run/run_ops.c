/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The operations of a program in order, repeats unrolled, as many as the budget allows; and
 * what begins and ends with each, or with a stage after the program.  See run.h.
 */
#include "devices/table.h"
#include "harness/run/run_internal.h"

#include <string.h>

void run_rest(struct run *run)
{
	enum device_state state = target_state(run->guest.target, run->guest.device);

	ledger_rest(&run->guest.ledger, state, run->guest.device);
	if (run->written_count > 0 && state != DEVICE_WORK)
		run_judge_log(run);
	requests_rest(&run->guest, state);
}

static void trace_counters(const struct run *run)
{
	unsigned count = target_counter_count(run->guest.target, run->guest.device);
	uint64_t now[TARGET_COUNTERS_MAX];

	target_counters(run->guest.target, run->guest.device, now);
	for (unsigned i = 0; i < count; i++) {
		struct trace_event event = {
			.kind = TRACE_COUNTER,
			.name = run->guest.target->counter_name(run->guest.device, i),
			.value = now[i] - run->counters[i],
		};

		if (event.value != 0)
			run->guest.trace->event(run->guest.trace->ctx, &event);
	}
}

/* So far the operation has raised and moved nothing. */
static void begin(struct run *run, const struct run_options *options)
{
	if (run->guest.trace != NULL || options->after_op != NULL)
		target_counters(run->guest.target, run->guest.device, run->counters);
	if (run->interrupts_used > 0)
		memset(run->interrupts_of, 0, sizeof(run->interrupts_of));
	run->interrupts_used = 0;
	run->interrupts_config = 0;
	run->interrupts_first = 0;
	run->guest.entered = false;
}

static void begin_op(struct run *run, const struct run_options *options, uint32_t index,
		     const char *verb)
{
	struct trace_event event = { .kind = TRACE_OP, .index = index, .name = verb };

	if (index == FINDING_OP_END)
		event.kind = TRACE_STAGE;
	ledger_op(&run->guest.ledger, index, verb);
	if (options->before_op != NULL)
		options->before_op(options->ctx, index, verb);
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
	begin(run, options);
}

void run_stage(struct run *run, const struct run_options *options, const char *name)
{
	begin_op(run, options, FINDING_OP_END, name);
}

void run_stage_end(struct run *run)
{
	if (run->guest.entered)
		run_rest(run);
	if (run->guest.trace != NULL)
		trace_counters(run);
}

static void end_op(struct run *run, const struct run_options *options, uint32_t index)
{
	run_stage_end(run);
	if (options->after_op != NULL && !run->guest.ledger.stop)
		options->after_op(options->ctx, run, index);
	if (run->guest.record.on && !run->guest.ledger.stop)
		twin_end_op(run);
}

/* A repeat in progress. */
struct frame {
	uint32_t first; /* index of the repeat */
	uint32_t end;	/* of its body */
	uint32_t left;	/* times to go, after this one */
};

/* What an operation moves itself; the device's accesses are counted as they come.
 * That plain memory is compared after each is no part of it: its operations bound
 * that, and a script runs as far however a device reaches memory. */
typedef uint64_t op_bytes_fn(const struct run *run, const struct op *op);

SAME_FIELD(FILL_LEN, PATTERN_LEN);
SAME_FIELD(FILL_LEN, MAP_LEN);
SAME_FIELD(FILL_LEN, UNMAP_LEN);

static uint64_t range_bytes(const struct run *run, const struct op *op)
{
	(void)run;
	return op->value[FILL_LEN] < ARENA_SIZE_MAX ? op->value[FILL_LEN] : ARENA_SIZE_MAX;
}

/* Saved, restored, saved and compared again. */
static uint64_t snapshot_bytes(const struct run *run, const struct op *op)
{
	(void)op;
	return 4 * run->snapshots[0].len;
}

static uint64_t output_bytes(const struct run *run, const struct op *op)
{
	(void)op;
	return run->guest.output_len;
}

/* The others move their payload and no more. */
static op_bytes_fn *const op_bytes_fns[256] = {
	[OP_FILL] = range_bytes,	 [OP_PATTERN] = range_bytes, [OP_MAP] = range_bytes,
	[OP_UNMAP] = range_bytes,	 [OP_SAVE] = snapshot_bytes, [OP_RESTORE] = snapshot_bytes,
	[OP_TAKE_OUTPUT] = output_bytes,
};

static uint64_t op_bytes(const struct run *run, const struct op *op)
{
	op_bytes_fn *bytes = op_bytes_fns[op->code];

	return bytes != NULL ? bytes(run, op) : op->data_len;
}

/* Of snapshots, and traffic, in the course of which the device comes to rest; all other
 * operations are the guest's. */
typedef void run_op_fn(struct run *run, const struct program *prog, const struct op *op);

TABLE_SPARSE(static run_op_fn *const, op_fns, 256, GUEST_OPS_ELSEWHERE - 1,
	     [OP_ADVANCE] = run_op_advance,
	     [OP_SAVE] = snapshot_op_save,
	     [OP_RESTORE] = snapshot_op_restore,
	     [OP_CORRUPT] = snapshot_op_corrupt,
	     [OP_CUT] = snapshot_op_cut,
	     [OP_ALTER] = snapshot_op_alter);

static void run_op(struct run *run, const struct program *prog, const struct op *op)
{
	if (op_fns[op->code] == NULL) {
		guest_op(&run->guest, prog, op);
		return;
	}
	requests_note(&run->guest, prog, op);
	op_fns[op->code](run, prog, op);
}

/* Is the budget used up?  An operation that no repeat repeats is run in any case. */
static bool is_spent(struct run *run, const struct program *prog)
{
	uint32_t ops = prog->budget * (uint32_t)PROGRAM_BUDGET_UNIT;
	uint64_t bytes = PROGRAM_BYTES + prog->budget * (uint64_t)PROGRAM_BYTES_UNIT;

	if (run->ops_run >= run->ops_limit)
		return true;
	if (run->ops_run < prog->op_count)
		return false;
	return run->ops_run >= ops || (run->measuring && run->bytes >= bytes);
}

bool run_one(struct run *run, const struct program *prog, const struct op *op,
	     const struct run_options *options, uint32_t index)
{
	if (op->code != OP_WORK && op->code != OP_SETTLE)
		run->raised_used = run->raised_config = false;
	/* Of the liveness script all operations are one stage. */
	if (run->in_liveness)
		begin(run, options);
	else
		begin_op(run, options, index, op_find(op->code)->name);
	if (run->in_liveness && !run_liveness_fits(run, op))
		return false;
	run->bytes += op_bytes(run, op);
	run_op(run, prog, op);
	end_op(run, options, index);
	return true;
}

/* Operations in order, repeats unrolled, as many as the budget allows. */
void run_ops(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct frame frames[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;
	uint32_t i = 0;

	run->ops_run = 0;
	run->advanced = 0;
	run->bytes = 0;
	run->spent = false;
	while (!run->guest.ledger.stop) {
		const struct op *op;

		while (depth > 0 && i == frames[depth - 1].end) {
			struct frame *frame = &frames[depth - 1];

			if (frame->left-- > 0) {
				i = frame->first + 1;
				break;
			}
			depth--;
			if (options->after_op != NULL)
				options->after_op(options->ctx, run, frame->first);
		}
		if (i >= prog->op_count || run->guest.ledger.stop)
			break;
		run->spent = is_spent(run, prog);
		if (run->spent)
			break;
		op = &prog->ops[i];
		run->ops_run++;
		if (op->code == OP_REPEAT) {
			if (op->value[REPEAT_TIMES] > 0 && op->data_len > 0)
				frames[depth++] =
					(struct frame){ i, i + 1 + op->data_len,
							(uint32_t)op->value[REPEAT_TIMES] - 1 };
			else
				i += op->data_len;
			i++;
			continue;
		}
		if (!run_one(run, prog, op, options, i))
			return;
		i++;
	}
	if (run->measuring && run->spent)
		run->ops_limit = run->ops_run;
	run->measuring = false;
}
