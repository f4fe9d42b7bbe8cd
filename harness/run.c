/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a run, and its operations in order.  See run.h.
 */
#include "harness/run_internal.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

/* What an access of the device's costs beside its bytes, as bytes. */
#define RUN_ACCESS_BYTES 64

#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The device raised its line. */
static void on_interrupt(void *ctx, uint32_t bits)
{
	struct run *run = CONTAINER_OF(ctx, struct run, arena);
	unsigned queue = run->interrupt_queue;
	bool used = (bits & VIRTIO_MMIO_INT_VRING) != 0;
	struct trace_event event = { .kind = TRACE_INTERRUPT,
				     .value = bits,
				     .index = queue != LEDGER_LINE ? queue + 1 : 0 };

	run->interrupt_queue = LEDGER_LINE;
	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	if (run->interrupts_used + run->interrupts_config == 0)
		run->interrupts_first = bits;
	/* Queues that have one each do not add up. */
	if (used && ++run->interrupts_of[queue] > run->interrupts_used)
		run->interrupts_used = run->interrupts_of[queue];
	run->interrupts_config += (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	twin_value(&run->twin, TWIN_INTERRUPTS, bits);
	ledger_interrupt(&run->ledger, bits, queue);
}

static void on_used(void *ctx, unsigned queue)
{
	((struct run *)ctx)->interrupt_queue = queue;
}

/* A race struck at a second fetch: note where, or that it is none after all. */
static void look_at_refetch(struct run *run, struct guest_why why)
{
	struct arena_refetch *refetch = &run->arena.refetch;

	refetch->fresh = false;
	refetch->op = run->ledger.op;
	refetch->verb = run->ledger.verb;
	if (!ledger_is_refetch(&run->ledger, why, refetch->addr, refetch->len))
		refetch->serial = 0;
}

/* The device accessed guest memory. */
static void on_memory(void *ctx, const struct arena_access *access)
{
	struct run *run = ctx;

	run->bytes += access->len + RUN_ACCESS_BYTES;
	ledger_memory(&run->ledger, access);
	if (run->arena.refetch.fresh)
		look_at_refetch(run, access->why);
	if (!run->twin.recording || !access->write || access->err != 0)
		return;
	twin_value(&run->twin, TWIN_MEMORY, access->addr);
	twin_bytes(&run->twin, TWIN_MEMORY, access->data, access->len);
}

/* The device asked whether that is memory. */
static void on_asked(void *ctx, uint64_t addr, uint64_t len)
{
	ledger_backend(&((struct run *)ctx)->ledger);
	ledger_page(&((struct run *)ctx)->ledger, addr, len);
}

/* A frame passed at an end of the device. */
static void on_frame(void *ctx, enum frame_end end, const uint8_t *frame, uint32_t len)
{
	struct run *run = ctx;
	struct trace_event event = { .kind = TRACE_FRAME, .value = end, .len = len, .data = frame };

	ledger_frame(&run->ledger, end, frame, len);
	twin_value(&run->twin, TWIN_HOST, end);
	twin_bytes(&run->twin, TWIN_HOST, frame, len);
	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
}

/* The device calls what is behind it. */
static void on_called(void *ctx)
{
	ledger_backend(&((struct run *)ctx)->ledger);
}

static void on_fault(void *ctx, const char *what)
{
	ledger_fault(&((struct run *)ctx)->ledger, what);
}

/* The device changed plain memory. */
static void on_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	struct trace_event event = { .kind = TRACE_CHANGE, .addr = addr, .len = len, .data = data };
	struct run *run = ctx;

	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	if (!run->twin.recording)
		return;
	twin_value(&run->twin, TWIN_MEMORY, addr);
	twin_bytes(&run->twin, TWIN_MEMORY, data, len);
}

/* Of what the host takes, and of snapshots: one block. */
static int open_buffers(struct run *run)
{
	run->output = malloc(RUN_OUTPUT_MAX + 3ull * SNAPSHOT_MAX);
	if (run->output == NULL)
		return -ENOMEM;
	run->snapshots[0].bytes = run->output + RUN_OUTPUT_MAX;
	run->snapshots[1].bytes = run->snapshots[0].bytes + SNAPSHOT_MAX;
	run->scratch = run->snapshots[1].bytes + SNAPSHOT_MAX;
	return 0;
}

static int open_liveness(struct run *run, struct text_error *error)
{
	const char *text = run->target->liveness;

	if (text == NULL)
		return 0;
	run->liveness = calloc(1, sizeof(*run->liveness));
	if (run->liveness == NULL)
		return -ENOMEM;
	return text_parse(run->liveness, text, strlen(text), error);
}

int run_open(struct run **run, const struct target *target, struct text_error *error)
{
	struct run *r = calloc(1, sizeof(*r));
	int err;

	*error = (struct text_error){ .line = 0 };
	if (r == NULL)
		return -ENOMEM;
	r->target = target;
	r->transport = &transport_mmio;
	r->ledger.heap = &r->heap;
	err = arena_init(&r->arena, (enum arena_layout)target->layout, target_is_plain(target),
			 &r->heap);
	if (err != 0)
		goto fail_run;
	err = open_buffers(r);
	if (err == 0)
		err = ledger_open(&r->ledger, target);
	if (err == 0)
		err = open_liveness(r, error);
	if (err != 0)
		goto fail_arena;
	r->arena.host.interrupt = on_interrupt;
	r->arena.observe = on_memory;
	r->arena.asked = on_asked;
	r->arena.observe_ctx = r;
	r->interrupt_queue = LEDGER_LINE;
	r->listener = (struct target_listener){
		.ctx = r, .frame = on_frame, .fault = on_fault, .used = on_used, .called = on_called
	};
	r->arena.watch = (target->facts & TARGET_MEMORY) == TARGET_ACCESSORS;
	if (r->arena.watch || r->arena.plain)
		r->ledger.plain = (struct ledger_plain){ .arena = &r->arena,
							 .accesses = r->arena.watch,
							 .told = on_change,
							 .told_ctx = r };
	*run = r;
	return 0;

fail_arena:
	free(r->liveness);
	free(r->output);
	ledger_close(&r->ledger);
	arena_release(&r->arena);
fail_run:
	free(r);
	return err;
}

void run_close(struct run *run)
{
	if (run == NULL)
		return;
	arena_release(&run->arena);
	heap_release(&run->heap);
	ledger_close(&run->ledger);
	free(run->liveness);
	free(run->output);
	free(run);
}

static void set_options(struct run *run, const struct run_options *options)
{
	run->trace = options->trace;
	run->arena.trace = options->trace;
	run->heap.trace = options->trace;
	run->ledger.trace = options->trace;
	run->ledger.enabled = !options->no_ledger;
	run->ledger.strict = options->strict;
	run->ledger.limits = options->limits;
	run->ledger.known = options->known;
	run->ledger.fatal = options->fatal;
	run->ledger.fatal_ctx = options->ctx;
}

/* Largest queue sizes and features as the program holds them back. */
static void set_offer(struct run *run, const struct program *prog)
{
	run->offered =
		(run->target->features & (run->target->fixed ? UINT64_MAX : prog->features)) |
		1ULL << VIRTIO_F_VERSION_1;
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++) {
		uint16_t max = i < run->target->queue_count ? run->target->queues[i].size_max : 0;

		run->queue_max[i] = run->target->fixed ? 0 : prog->queue_max[i];
		if (run->queue_max[i] == 0 || run->queue_max[i] > max)
			run->queue_max[i] = max;
	}
}

void run_rest(struct run *run)
{
	ledger_rest(&run->ledger, target_state(run->target, run->device), run->device);
}

static void trace_counters(const struct run *run)
{
	unsigned count = target_counter_count(run->target, run->device);
	uint64_t now[TARGET_COUNTERS_MAX];

	target_counters(run->target, run->device, now);
	for (unsigned i = 0; i < count; i++) {
		struct trace_event event = {
			.kind = TRACE_COUNTER,
			.name = run->target->counter_name(run->device, i),
			.value = now[i] - run->counters[i],
		};

		if (event.value != 0)
			run->trace->event(run->trace->ctx, &event);
	}
}

/* So far the operation has raised and moved nothing. */
static void begin(struct run *run, const struct run_options *options)
{
	if (run->trace != NULL || options->after_op != NULL)
		target_counters(run->target, run->device, run->counters);
	run->interrupts_used = 0;
	run->interrupts_config = 0;
	run->interrupts_first = 0;
	memset(run->interrupts_of, 0, sizeof(run->interrupts_of));
	run->entered = false;
}

static void begin_op(struct run *run, const struct run_options *options, uint32_t index,
		     const char *verb)
{
	struct trace_event event = { .kind = TRACE_OP, .index = index, .name = verb };

	if (index == FINDING_OP_END)
		event.kind = TRACE_STAGE;
	ledger_op(&run->ledger, index, verb);
	if (options->before_op != NULL)
		options->before_op(options->ctx, index, verb);
	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	begin(run, options);
}

void run_stage(struct run *run, const struct run_options *options, const char *name)
{
	begin_op(run, options, FINDING_OP_END, name);
}

void run_stage_end(struct run *run)
{
	if (run->entered)
		run_rest(run);
	if (run->trace != NULL)
		trace_counters(run);
}

static void end_op(struct run *run, const struct run_options *options, uint32_t index)
{
	run_stage_end(run);
	if (options->after_op != NULL && !run->ledger.stop)
		options->after_op(options->ctx, run, index);
	if (run->twin.recording && !run->ledger.stop)
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
static uint64_t op_bytes(const struct run *run, const struct op *op)
{
	uint64_t len = 0;

	switch (op->code) {
	case OP_FILL:
	case OP_PATTERN:
	case OP_MAP:
	case OP_UNMAP:
		len = op->value[1] < ARENA_SIZE_MAX ? op->value[1] : ARENA_SIZE_MAX;
		break;
	case OP_SAVE:
	case OP_RESTORE:
		/* Saved, restored, saved and compared again. */
		len = 4 * run->snapshots[0].len;
		break;
	case OP_TAKE_OUTPUT:
		len = run->output_len;
		break;
	default:
		len = op->data_len;
	}
	return len;
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

/* Operations in order, repeats unrolled, as many as the budget allows. */
void run_ops(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct frame frames[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;
	uint32_t i = 0;

	run->ops_run = 0;
	run->bytes = 0;
	run->spent = false;
	while (!run->ledger.stop) {
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
		if (i >= prog->op_count || run->ledger.stop)
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
		/* Of the liveness script all operations are one stage. */
		if (run->in_liveness)
			begin(run, options);
		else
			begin_op(run, options, i, op_find(op->code)->name);
		if (run->in_liveness && !run_liveness_fits(run, op))
			return;
		run->bytes += op_bytes(run, op);
		guest_op(run, prog, op);
		end_op(run, options, i);
		i++;
	}
	if (run->measuring && run->spent)
		run->ops_limit = run->ops_run;
	run->measuring = false;
}

static void settle(struct run *run, const struct run_options *options)
{
	run_stage(run, options, "settle");
	for (int i = 0; i < RUN_SETTLE_MAX && target_state(run->target, run->device) == DEVICE_WORK;
	     i++)
		guest_work(run);
	run_stage_end(run);
	if (run->twin.recording && !run->ledger.stop)
		twin_end_op(run);
}

void run_session(struct run *run, const struct program *prog, const struct run_options *options)
{
	run_ops(run, prog, options);
	if (!run->ledger.stop)
		settle(run, options);
}

/* The program, and what comes after it, on one device.  `thorough`: on plain
 * memory, all of it is compared after every call. */
static void run_once(struct run *run, const struct program *prog, const struct run_options *options,
		     bool thorough)
{
	ledger_reset(&run->ledger, run->target, run->offered);
	memcpy(run->ledger.queue_max, run->queue_max, sizeof(run->queue_max));
	run->shortage.lack = LACK_NOTHING;
	ledger_op(&run->ledger, FINDING_OP_END, "create");
	if (!run_create(run)) {
		ledger_find(&run->ledger, FINDING_OOM, "create", "the target could not be created");
		return;
	}
	twin_begin(run, prog, options);
	run->ledger.plain.thorough = thorough;
	run_session(run, prog, options);
	run->completions = run->ledger.completions;
	run->ledger.plain.over = true;
	if (!run->ledger.stop)
		run_check_reset(run, options);
	/* Before a request that goes well, which heals what a reset did not. */
	if (!run->ledger.stop)
		twin_reset(run, prog, options);
	if (!run->ledger.stop && run->liveness != NULL)
		run_check_liveness(run, options);
	if (!run->ledger.stop)
		twin_judge_reset(run);
	ledger_op(&run->ledger, FINDING_OP_END, "destroy");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "destroy");
	run_destroy(run);
	ledger_gone(&run->ledger);
}

bool run_program(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct ledger_plain *plain = &run->ledger.plain;

	set_options(run, options);
	set_offer(run, prog);
	run->arena.retime.serial = 0;
	run->ops_limit = UINT32_MAX;
	run->measuring = true;
	run_once(run, prog, options, options->twins);
	/* Something changed that is no buffer's and no ring's, or a finding was made
	 * without all memory compared: when and where was it first? */
	if (plain->arena != NULL && !plain->thorough &&
	    (run->ledger.stop || (plain->strayed && !plain->went_blind)))
		run_once(run, prog, options, true);
	if (!run->ledger.stop)
		twin_fetch(run, prog, options);
	if (!run->ledger.stop)
		twin_length(run, prog, options);
	twin_snapshot(run, prog, options);
	return !run->ledger.stop;
}
