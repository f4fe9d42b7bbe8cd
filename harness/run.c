/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a run.  See run.h.
 *
 * reset.registers, liveness.request: what comes after the program stands on
 * memory that is all mapped, with nothing armed and the driver's slots and
 * rings where they are at first, so nothing of what the guest did is left but
 * what the device kept.
 */
#include "harness/run.h"
#include "harness/ledger_internal.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The device raised its line. */
static void on_interrupt(void *ctx, uint32_t bits)
{
	struct run *run = CONTAINER_OF(ctx, struct run, arena);
	struct trace_event event = { .kind = TRACE_INTERRUPT, .value = bits };

	if (run->trace != NULL)
		run->trace->event(run->trace->ctx, &event);
	run->interrupts_used += (bits & VIRTIO_MMIO_INT_VRING) != 0;
	run->interrupts_config += (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	ledger_interrupt(&run->ledger, bits);
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
	r->ledger.heap = &r->heap;
	err = arena_init(&r->arena, ARENA_STANDARD, &r->heap);
	if (err != 0)
		goto fail_run;
	err = open_liveness(r, error);
	if (err != 0)
		goto fail_arena;
	r->arena.host.interrupt = on_interrupt;
	r->arena.observe = ledger_memory;
	r->arena.observe_ctx = &r->ledger;
	*run = r;
	return 0;

fail_arena:
	free(r->liveness);
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
	free(run->liveness);
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
	run->offered = (run->target->features & prog->features) | 1ULL << VIRTIO_F_VERSION_1;
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++) {
		uint16_t max = i < run->target->queue_count ? run->target->queues[i].size_max : 0;

		run->queue_max[i] = prog->queue_max[i];
		if (run->queue_max[i] == 0 || run->queue_max[i] > max)
			run->queue_max[i] = max;
	}
}

static uint32_t peek(const struct run *run, uint32_t offset)
{
	uint32_t value = 0;

	run->target->read(run->device, offset, &value, sizeof(value));
	return value;
}

/* Every register that may be read, as a new device shows it, selectors 0. */
static unsigned read_registers(const struct run *run, uint32_t *out)
{
	static const uint16_t offsets[] = {
		VIRTIO_MMIO_MAGIC_VALUE,   VIRTIO_MMIO_VERSION,		 VIRTIO_MMIO_DEVICE_ID,
		VIRTIO_MMIO_VENDOR_ID,	   VIRTIO_MMIO_DEVICE_FEATURES,	 VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_QUEUE_READY,   VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_STATUS,
		VIRTIO_MMIO_SHM_LEN_LOW,   VIRTIO_MMIO_SHM_LEN_HIGH,	 VIRTIO_MMIO_SHM_BASE_LOW,
		VIRTIO_MMIO_SHM_BASE_HIGH,
	};
	static const uint16_t selectors[] = { VIRTIO_MMIO_DEVICE_FEATURES_SEL,
					      VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_SHM_SEL };
	static const uint32_t zero;
	unsigned count = 0;

	/* What they hold at first VIRTIO does not say. */
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
		run->target->write(run->device, selectors[i], &zero, sizeof(zero));
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		out[count++] = peek(run, offsets[i]);
	for (unsigned i = 0; i < run->target->config_len && count < RUN_REGISTERS_MAX; i += 4)
		out[count++] = peek(run, VIRTIO_MMIO_CONFIG + i);
	return count;
}

static void judge_registers(struct run *run)
{
	uint32_t now[RUN_REGISTERS_MAX];
	unsigned count = read_registers(run, now);
	uint32_t value;

	for (unsigned i = 0; i < count; i++)
		if (now[i] != run->registers[i])
			ledger_break(&run->ledger, RULE_RESET_REGISTERS,
				     "after reset register %u of those compared reads 0x%x, on a "
				     "new device 0x%x",
				     i, now[i], run->registers[i]);
	for (uint32_t i = 0; i < run->target->queue_count; i++) {
		run->target->write(run->device, VIRTIO_MMIO_QUEUE_SEL, &i, sizeof(i));
		value = peek(run, VIRTIO_MMIO_QUEUE_READY);
		if (value != 0)
			ledger_break(&run->ledger, RULE_RESET_REGISTERS,
				     "after reset QueueReady of queue %u reads %u", i, value);
	}
}

/* Is the device at rest, and has it done what it had to? */
static void rest(struct run *run)
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
	if (run->trace != NULL || options->after_op != NULL)
		target_counters(run->target, run->device, run->counters);
	run->interrupts_used = 0;
	run->interrupts_config = 0;
	run->entered = false;
}

static void end_op(struct run *run, const struct run_options *options, uint32_t index)
{
	if (run->entered)
		rest(run);
	if (run->trace != NULL)
		trace_counters(run);
	if (options->after_op != NULL && index != FINDING_OP_END && !run->ledger.stop)
		options->after_op(options->ctx, run, index);
}

/* A repeat in progress. */
struct frame {
	uint32_t first; /* index of the repeat */
	uint32_t end;	/* of its body */
	uint32_t left;	/* times to go, after this one */
};

/* Operations in order, repeats unrolled, as many as the budget allows. */
static void run_ops(struct run *run, const struct program *prog, const struct run_options *options)
{
	uint32_t budget = prog->budget * (uint32_t)PROGRAM_BUDGET_UNIT;
	struct frame frames[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;
	uint32_t i = 0;

	if (budget < prog->op_count)
		budget = prog->op_count;
	run->ops_run = 0;
	while (!run->ledger.stop && run->ops_run < budget) {
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
		op = &prog->ops[i];
		run->ops_run++;
		if (op->code == OP_REPEAT) {
			if (op->value[0] > 0 && op->data_len > 0)
				frames[depth++] = (struct frame){ i, i + 1 + op->data_len,
								  (uint32_t)op->value[0] - 1 };
			else
				i += op->data_len;
			i++;
			continue;
		}
		begin_op(run, options, i, op_find(op->code)->name);
		guest_op(run, prog, op);
		end_op(run, options, i);
		i++;
	}
}

static void settle(struct run *run, const struct run_options *options)
{
	begin_op(run, options, FINDING_OP_END, "settle");
	for (int i = 0; i < RUN_SETTLE_MAX && target_state(run->target, run->device) == DEVICE_WORK;
	     i++)
		guest_work(run);
	end_op(run, options, FINDING_OP_END);
}

static void check_reset(struct run *run, const struct run_options *options)
{
	begin_op(run, options, FINDING_OP_END, "end-reset");
	arena_map(&run->arena, 0, UINT64_MAX);
	arena_map(&run->arena, UINT64_MAX, 1); /* a length cannot hold all of 2^64 */
	arena_disarm(&run->arena);
	guest_reset(run);
	guest_write(run, VIRTIO_MMIO_STATUS, 4, 0);
	end_op(run, options, FINDING_OP_END);
	if (run->ledger.enabled && ledger_judges(&run->ledger, RULE_RESET_REGISTERS))
		judge_registers(run);
}

/* The `>` lines of the liveness script that belong to one of its operations. */
static void check_liveness_line(struct run *run, const struct script *script, uint32_t op)
{
	char message[200];

	for (unsigned i = 0; i < script->expect_count; i++) {
		if (script->expects[i].op != op ||
		    expect_check(run, script, &script->expects[i], message, sizeof(message)))
			continue;
		ledger_break(&run->ledger, RULE_LIVENESS_REQUEST,
			     "after the program, a reset and a new start: line %u of the target's "
			     "liveness script: %s",
			     script->expects[i].line, message);
		return;
	}
}

static void check_liveness(struct run *run, const struct run_options *options)
{
	const struct program *prog = &run->liveness->prog;

	begin_op(run, options, FINDING_OP_END, "liveness");
	for (uint32_t i = 0; i < prog->op_count && !run->ledger.stop; i++) {
		guest_op(run, prog, &prog->ops[i]);
		rest(run);
		if (run->ledger.enabled && ledger_judges(&run->ledger, RULE_LIVENESS_REQUEST))
			check_liveness_line(run, run->liveness, i);
	}
	end_op(run, options, FINDING_OP_END);
}

static void destroy(struct run *run)
{
	unsigned leaked;

	arena_disarm(&run->arena);
	run->target->destroy(run->device);
	run->device = NULL;
	leaked = run->heap.live_blocks;
	if (leaked > 0)
		ledger_find(&run->ledger, FINDING_LEAK, "leak",
			    "the device was destroyed and left %u blocks of %zu bytes", leaked,
			    run->heap.live_bytes);
	heap_reset(&run->heap);
}

bool run_program(struct run *run, const struct program *prog, const struct run_options *options)
{
	set_options(run, options);
	set_offer(run, prog);
	arena_reset(&run->arena);
	heap_reset(&run->heap);
	guest_reset(run);
	ledger_reset(&run->ledger, run->target, run->offered);
	memcpy(run->ledger.queue_max, run->queue_max, sizeof(run->queue_max));
	ledger_op(&run->ledger, FINDING_OP_END, "create");
	run->device = run->target->create(&run->arena.host, run->offered, run->queue_max);
	if (run->device == NULL) {
		ledger_find(&run->ledger, FINDING_OOM, "create", "the target could not be created");
		return false;
	}
	run->register_count = read_registers(run, run->registers);
	run->ledger.generation = peek(run, VIRTIO_MMIO_CONFIG_GENERATION);
	run_ops(run, prog, options);
	if (!run->ledger.stop)
		settle(run, options);
	run->completions = run->ledger.completions;
	if (!run->ledger.stop)
		check_reset(run, options);
	if (!run->ledger.stop && run->liveness != NULL)
		check_liveness(run, options);
	ledger_op(&run->ledger, FINDING_OP_END, "destroy");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "destroy");
	destroy(run);
	return !run->ledger.stop;
}
