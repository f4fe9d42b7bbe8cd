/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One line of a trace for all registers that `start` accesses.  See report.h.
 */
#include "harness/run/report.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

static bool is_driver(const struct trace_event *e)
{
	return e->kind == TRACE_REG_READ || e->kind == TRACE_REG_WRITE || e->kind == TRACE_ACT;
}

static bool is_status(const struct trace_event *e)
{
	if (e->kind == TRACE_ACT)
		return strcmp(e->name, "set_status") == 0;
	return e->kind == TRACE_REG_WRITE && e->addr == VIRTIO_MMIO_STATUS;
}

void report_fold_end(FILE *out, struct report_fold *fold)
{
	if (fold->count == 0)
		return;
	fprintf(out, "  start: %u %s", fold->count, fold->calls ? "calls" : "register accesses");
	if (fold->has_status)
		fprintf(out, ", ends with Status = 0x%x", fold->status);
	fputc('\n', out);
	fold->count = 0;
	fold->has_status = false;
}

bool report_fold_event(const struct report_trace *t, const struct trace_event *e)
{
	struct report_fold *fold = t->fold;

	if (fold->folding && is_driver(e)) {
		fold->count++;
		fold->calls = e->kind == TRACE_ACT;
		fold->has_status = fold->has_status || is_status(e);
		if (is_status(e))
			fold->status = (uint32_t)e->value;
		fold->folding = !fold->stage || !is_status(e) ||
				(e->value & VIRTIO_CONFIG_S_DRIVER_OK) == 0;
		return true;
	}
	report_fold_end(t->out, fold);
	if (e->kind == TRACE_OP)
		fold->folding = t->script->prog.ops[e->index].code == OP_START;
	/* Of the liveness script no operation is told: what comes up to DRIVER_OK is
	 * `start`. */
	if (e->kind == TRACE_STAGE)
		fold->folding = strcmp(e->name, "liveness") == 0;
	if (e->kind == TRACE_OP || e->kind == TRACE_STAGE)
		fold->stage = e->kind == TRACE_STAGE;
	return false;
}
