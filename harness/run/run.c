/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The life of a run.  See run.h; run_ops.c has its operations, run_listen.c what the device
 * does meanwhile.
 */
#include "harness/arena/instrumented.h"
#include "harness/run/run_internal.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

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
	run_listen(r);
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

void run_judge_as(struct run *run, const struct run_options *options)
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

void run_offer(struct run *run, const struct program *prog)
{
	const struct target *target = run->guest.target;
	uint64_t mask = prog->features & ~run->guest.transport->features_hidden;

	run->guest.offered.low = (target->features & (target->fixed_features ? UINT64_MAX : mask)) |
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

void run_settle(struct run *run, const struct run_options *options)
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
		run_settle(run, options);
}

bool run_begin(struct run *run)
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
		return false;
	}
	return true;
}

void run_finish(struct run *run, const struct run_options *options)
{
	ledger_op(&run->guest.ledger, FINDING_OP_END, "destroy");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "destroy");
	run_destroy(run);
	ledger_gone(&run->guest.ledger);
}

/* The program, and what comes after it, on one device.  `thorough`: on plain
 * memory, all of it is compared after every call. */
static void run_once(struct run *run, const struct program *prog, const struct run_options *options,
		     bool thorough)
{
	if (!run_begin(run))
		return;
	twin_begin(run, prog, options);
	ledger_thorough(&run->guest.ledger, thorough);
	run_session(run, prog, options);
	twin_note_answers(run);
	run->leftovers = requests_left_something(&run->guest.requests);
	run->taken = run->guest.ledger.device.taken;
	run->completions = ledger_completions(&run->guest.ledger);
	run->answered = run->guest.requests.answered;
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
	run_finish(run, options);
}

bool run_program(struct run *run, const struct program *prog, const struct run_options *options)
{
	run_judge_as(run, options);
	run_offer(run, prog);
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
