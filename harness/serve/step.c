/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One operation at a time.  See step.h.
 */
#include "harness/serve/step.h"

#include "harness/run/live.h"
#include "harness/serve/recorder.h"

void steps_open(struct steps *steps, struct run *run, struct recorder *recorder, const char *target)
{
	steps->run = run;
	steps->recorder = recorder;
	steps->count = 0;
	steps->over = steps->config_changed = false;
	program_init(&steps->prog, target);
}

struct op *step_begin(struct steps *steps, uint8_t code)
{
	steps->prog.op_count = 0;
	steps->prog.data_len = 0;
	return program_add(&steps->prog, code);
}

void step_bytes(struct steps *steps, const void *bytes, uint32_t len)
{
	/* An empty program has room for any payload of one operation. */
	program_add_data(&steps->prog, bytes, len);
}

bool step_run_op(struct steps *steps, const struct program *prog, const struct op *op)
{
	if (steps->over)
		return false;
	if (steps->recorder != NULL)
		recorder_op(steps->recorder, prog, op);
	if (!live_op(steps->run, prog, op, steps->count++))
		steps->over = true;
	steps->config_changed = steps->config_changed || steps->run->interrupts_config > 0;
	return !steps->over;
}

bool step_run(struct steps *steps)
{
	return step_run_op(steps, &steps->prog, &steps->prog.ops[0]);
}

bool step_run_simple(struct steps *steps, uint8_t code, uint64_t value)
{
	step_begin(steps, code)->value[0] = value;
	return step_run(steps);
}

void step_used(struct steps *steps, unsigned queue, uint32_t id, uint32_t len)
{
	if (steps->recorder != NULL)
		recorder_used(steps->recorder, queue, id, len);
}
