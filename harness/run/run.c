/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a run, and its operations in order.  See run.h.
 */
#include "devices/table.h"
#include "harness/arena/instrumented.h"
#include "harness/run/run_internal.h"

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
	struct run *run = CONTAINER_OF(ctx, struct run, guest.arena);
	unsigned queue = run->interrupt_queue;
	bool used = (bits & VIRTIO_MMIO_INT_VRING) != 0;
	struct trace_event event = { .kind = TRACE_INTERRUPT,
				     .value = bits,
				     .index = queue != LEDGER_LINE ? queue + 1 : 0 };

	run->interrupt_queue = LEDGER_LINE;
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
	if (run->interrupts_used + run->interrupts_config == 0)
		run->interrupts_first = bits;
	/* Queues that have one each do not add up. */
	if (used && ++run->interrupts_of[queue] > run->interrupts_used)
		run->interrupts_used = run->interrupts_of[queue];
	run->interrupts_config += (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	run->raised_used = run->raised_used || used;
	run->raised_config = run->raised_config || (bits & VIRTIO_MMIO_INT_CONFIG) != 0;
	record_timed(&run->guest.record, RECORD_INTERRUPTS, bits);
	ledger_interrupt(&run->guest.ledger, bits, queue);
}

static void on_used(void *ctx, unsigned queue)
{
	((struct run *)ctx)->interrupt_queue = queue;
}

/* A race struck at a second fetch: note where, or that it is none after all. */
static void look_at_refetch(struct run *run, struct guest_why why)
{
	struct arena_refetch *refetch = &run->guest.arena.refetch;

	refetch->fresh = false;
	refetch->op = run->guest.ledger.op;
	refetch->verb = run->guest.ledger.verb;
	if (!ledger_is_refetch(&run->guest.ledger, why, refetch->addr, refetch->len))
		refetch->serial = 0;
}

/* Where in a ring something is, and indices, depend on when it is done. */
static void record_write(struct run *run, const struct arena_access *access)
{
	struct record *record = &run->guest.record;
	uint16_t purpose = access->why.purpose;

	if (!record->loose || purpose == GUEST_PAYLOAD)
		record_item(record, RECORD_MEMORY, access->addr, access->data, access->len);
	else if (purpose == GUEST_USED_ENTRY)
		record_item(record, RECORD_MEMORY, access->why.queue, access->data, access->len);
}

/* The device accessed guest memory. */
static void on_memory(void *ctx, const struct arena_access *access)
{
	struct run *run = ctx;

	run->bytes += access->len + RUN_ACCESS_BYTES;
	ledger_memory(&run->guest.ledger, access);
	if (run->guest.arena.refetch.fresh)
		look_at_refetch(run, access->why);
	if (run->guest.target->logged != NULL && access->write && access->err == 0)
		run_note_written(run, access->addr, access->len);
	/* A device that was restored may set avail_event again, to be sure. */
	if (!run->guest.record.on || !access->write || access->err != 0 || access->same)
		return;
	record_write(run, access);
}

/* The device asked whether that is memory. */
static void on_asked(void *ctx, uint64_t addr, uint64_t len)
{
	ledger_backend(&((struct run *)ctx)->guest.ledger);
	ledger_page(&((struct run *)ctx)->guest.ledger, addr, len);
}

/* A frame passed at an end of the device. */
static void on_frame(void *ctx, enum frame_end end, const uint8_t *frame, uint32_t len)
{
	struct run *run = ctx;
	struct trace_event event = { .kind = TRACE_FRAME, .value = end, .len = len, .data = frame };

	ledger_frame(&run->guest.ledger, end, frame, len);
	record_item(&run->guest.record, RECORD_HOST, end, frame, len);
	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
}

/* The device calls what is behind it. */
static void on_called(void *ctx)
{
	ledger_backend(&((struct run *)ctx)->guest.ledger);
}

/* The target says that its device is at fault. */
static void on_report(void *ctx, bool gone, const char *signature, const char *message)
{
	ledger_report(&((struct run *)ctx)->guest.ledger, gone, signature, message);
}

static void on_taken(void *ctx, unsigned queue, uint16_t index)
{
	ledger_taken(&((struct run *)ctx)->guest.ledger, queue, index);
}

static uint32_t on_outstanding(void *ctx, unsigned queue)
{
	return guest_outstanding(&((struct run *)ctx)->guest, queue);
}

static void on_fault(void *ctx, const char *what)
{
	ledger_fault(&((struct run *)ctx)->guest.ledger, what);
}

/* The device changed plain memory. */
static void on_change(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len)
{
	struct trace_event event = { .kind = TRACE_CHANGE, .addr = addr, .len = len, .data = data };
	struct run *run = ctx;

	if (run->guest.trace != NULL)
		run->guest.trace->event(run->guest.trace->ctx, &event);
	if (run->guest.record.on && !run->guest.record.loose)
		record_item(&run->guest.record, RECORD_MEMORY, addr, data, len);
	if (run->guest.target->logged != NULL)
		run_note_written(run, addr, len);
}

/* Of what the host takes, and of snapshots: one block. */
#define BUFFERS_SIZE (GUEST_OUTPUT_MAX + 3ull * SNAPSHOT_MAX)

static int open_buffers(struct run *run)
{
	run->guest.output = instrumented_reserve(BUFFERS_SIZE, false);
	if (run->guest.output == NULL)
		return -ENOMEM;
	run->snapshots[0].bytes = run->guest.output + GUEST_OUTPUT_MAX;
	run->snapshots[1].bytes = run->snapshots[0].bytes + SNAPSHOT_MAX;
	run->scratch = run->snapshots[1].bytes + SNAPSHOT_MAX;
	return 0;
}

/* A script that sends each request of the target once, of those that a driver may send
 * that accepts all there is: what a device must serve after a reset, unless the target
 * says it otherwise. */
static size_t write_liveness(const struct target *target, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "device any\nstart driver_ok\n");

	for (unsigned queue = 0; queue < target->queue_count; queue++)
		for (unsigned i = 0; i < target_request_count(target, queue); i++)
			if (target_may_send(target, target_request(target, queue, i)))
				len += (size_t)snprintf(
					text + len, len < size ? size - len : 0,
					"send_request %u which=%u\n> answered %u 1\n", queue, i,
					queue);
	return len;
}

#define LIVENESS_MAX (64 + TARGET_REQUESTS_MAX * 64)

static int open_liveness(struct run *run, struct text_error *error)
{
	const struct target *target = run->guest.target;
	const char *text = target->liveness;
	char written[LIVENESS_MAX];

	if (text == NULL && target->request_count == 0)
		return 0;
	if (text == NULL) {
		write_liveness(target, written, sizeof(written));
		text = written;
	}
	run->liveness = calloc(1, sizeof(*run->liveness));
	if (run->liveness == NULL)
		return -ENOMEM;
	return text_parse(run->liveness, text, strlen(text), error);
}

int run_open(struct run **run, const struct target *target, struct text_error *error)
{
	struct run *r = calloc(1, sizeof(*r));
	char what[TARGET_WHAT_MAX] = "";
	int err;

	*error = (struct text_error){ .line = 0 };
	if (r == NULL)
		return -ENOMEM;
	err = target_probe(target, what);
	if (err != 0) {
		snprintf(error->message, sizeof(error->message), "%s", what);
		err = -ENODEV;
		goto fail_run;
	}
	r->guest.target = target;
	r->guest.transport = transport_or_first(NULL);
	err = arena_init(&r->guest.arena, (enum arena_layout)target->layout,
			 target_is_plain(target), &r->guest.heap);
	if (err != 0)
		goto fail_run;
	err = open_buffers(r);
	if (err == 0)
		err = ledger_open(&r->guest.ledger, target, &r->guest.heap);
	if (err == 0)
		err = requests_open(&r->guest.requests, target);
	if (err == 0)
		err = open_liveness(r, error);
	if (err != 0)
		goto fail_arena;
	r->guest.arena.host.interrupt = on_interrupt;
	r->guest.arena.observe = on_memory;
	r->guest.arena.asked = on_asked;
	r->guest.arena.observe_ctx = r;
	r->interrupt_queue = LEDGER_LINE;
	r->guest.listener = (struct target_listener){ .ctx = r,
						      .frame = on_frame,
						      .fault = on_fault,
						      .used = on_used,
						      .called = on_called,
						      .outstanding = on_outstanding,
						      .report = on_report,
						      .taken = on_taken };
	r->guest.arena.watch = (target->facts & TARGET_MEMORY) == TARGET_ACCESSORS;
	if (r->guest.arena.watch || r->guest.arena.plain)
		ledger_plain_open(&r->guest.ledger, &r->guest.arena, r->guest.arena.watch,
				  on_change, r);
	*run = r;
	return 0;

fail_arena:
	requests_close(&r->guest.requests);
	free(r->liveness);
	instrumented_unreserve(r->guest.output, BUFFERS_SIZE);
	ledger_close(&r->guest.ledger);
	arena_release(&r->guest.arena);
fail_run:
	free(r);
	return err;
}

void run_close(struct run *run)
{
	if (run == NULL)
		return;
	arena_release(&run->guest.arena);
	heap_release(&run->guest.heap);
	ledger_close(&run->guest.ledger);
	requests_close(&run->guest.requests);
	free(run->liveness);
	instrumented_unreserve(run->guest.output, BUFFERS_SIZE);
	free(run);
}

static void set_options(struct run *run, const struct run_options *options)
{
	run->guest.transport = transport_or_first(options->transport);
	run->guest.trace = options->trace;
	run->guest.arena.trace = options->trace;
	run->guest.heap.trace = options->trace;
	ledger_judge(&run->guest.ledger, &options->judging, options->trace, options->fatal,
		     options->ctx);
	ledger_without(&run->guest.ledger,
		       run->guest.transport->read_register != NULL ? 0 : FACT_LAYOUT);
}

/* Largest queue sizes and features as the program holds them back. */
static void set_offer(struct run *run, const struct program *prog)
{
	const struct target *target = run->guest.target;

	run->guest.offered.low =
		(target->features & (target->fixed_features ? UINT64_MAX : prog->features)) |
		target->features_always | 1ULL << VIRTIO_F_VERSION_1;
	run->guest.offered.high =
		target->features_high & (target->fixed_features ? UINT64_MAX : prog->features_high);
	for (unsigned i = 0; i < PROGRAM_QUEUES; i++) {
		uint16_t max = i < run->guest.target->queue_count
				       ? run->guest.target->queues[i].size_max
				       : 0;

		run->guest.queue_max[i] = run->guest.target->fixed_sizes ? 0 : prog->queue_max[i];
		if (run->guest.queue_max[i] == 0 || run->guest.queue_max[i] > max)
			run->guest.queue_max[i] = max;
	}
}

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

/* Of snapshots; all other operations are the guest's. */
typedef void run_op_fn(struct run *run, const struct program *prog, const struct op *op);

TABLE_SPARSE(static run_op_fn *const, op_fns, 256, GUEST_OPS_ELSEWHERE - 1,
	     [OP_SAVE] = snapshot_op_save,
	     [OP_RESTORE] = snapshot_op_restore,
	     [OP_CORRUPT] = snapshot_op_corrupt,
	     [OP_CUT] = snapshot_op_cut);

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

/* Operations in order, repeats unrolled, as many as the budget allows. */
void run_ops(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct frame frames[PROGRAM_REPEAT_DEPTH_MAX];
	unsigned depth = 0;
	uint32_t i = 0;

	run->ops_run = 0;
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
		if (op->code != OP_WORK && op->code != OP_SETTLE)
			run->raised_used = run->raised_config = false;
		/* Of the liveness script all operations are one stage. */
		if (run->in_liveness)
			begin(run, options);
		else
			begin_op(run, options, i, op_find(op->code)->name);
		if (run->in_liveness && !run_liveness_fits(run, op))
			return;
		run->bytes += op_bytes(run, op);
		run_op(run, prog, op);
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
	guest_settle(&run->guest);
	run_stage_end(run);
	if (run->guest.record.on && !run->guest.ledger.stop)
		twin_end_op(run);
}

void run_session(struct run *run, const struct program *prog, const struct run_options *options)
{
	run_ops(run, prog, options);
	if (!run->guest.ledger.stop)
		settle(run, options);
}

/* The program, and what comes after it, on one device.  `thorough`: on plain
 * memory, all of it is compared after every call. */
static void run_once(struct run *run, const struct program *prog, const struct run_options *options,
		     bool thorough)
{
	ledger_reset(&run->guest.ledger, run->guest.target, run->guest.offered.low,
		     run->guest.queue_max);
	ledger_offers_high(&run->guest.ledger, run->guest.offered.high);
	run->shortage.lack = LACK_NOTHING;
	ledger_op(&run->guest.ledger, FINDING_OP_END, "create");
	if (!run_create(run)) {
		if (target_unusable(run->guest.target) != NULL)
			ledger_stop(&run->guest.ledger);
		else
			ledger_find(&run->guest.ledger, FINDING_OOM, "create",
				    "the target could not be created");
		return;
	}
	twin_begin(run, prog, options);
	ledger_thorough(&run->guest.ledger, thorough);
	run_session(run, prog, options);
	twin_note_answers(run);
	run->leftovers = requests_left_something(&run->guest.requests);
	run->completions = ledger_completions(&run->guest.ledger);
	ledger_over(&run->guest.ledger);
	if (!run->guest.ledger.stop)
		run_check_reset(run, options);
	/* Before a request that goes well, which heals what a reset did not. */
	if (!run->guest.ledger.stop)
		twin_reset(run, prog, options);
	if (!run->guest.ledger.stop && run->liveness != NULL)
		run_check_liveness(run, options);
	if (!run->guest.ledger.stop)
		twin_judge_reset(run);
	ledger_op(&run->guest.ledger, FINDING_OP_END, "destroy");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "destroy");
	run_destroy(run);
	ledger_gone(&run->guest.ledger);
}

bool run_program(struct run *run, const struct program *prog, const struct run_options *options)
{
	set_options(run, options);
	set_offer(run, prog);
	run->guest.arena.retime.serial = 0;
	run->ops_limit = UINT32_MAX;
	run->measuring = true;
	run_once(run, prog, options, options->twins);
	if (ledger_wants_thorough(&run->guest.ledger))
		run_once(run, prog, options, true);
	if (!run->guest.ledger.stop)
		twin_fetch(run, prog, options);
	if (!run->guest.ledger.stop)
		twin_length(run, prog, options);
	if (!run->guest.ledger.stop)
		twin_divided(run, prog, options);
	twin_snapshot(run, prog, options);
	run->unusable = target_unusable(run->guest.target);
	return !run->guest.ledger.stop;
}
