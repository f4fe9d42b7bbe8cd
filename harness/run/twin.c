/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Judging by running again.  See twin.h.
 *
 * reset.session: the program does the same on both devices, and memory holds
 * the same bytes, so a correct device does the same whatever the program is:
 * races and faults count the device's own accesses, which are then the same.
 * Failing allocations are the exception, since a device may keep memory over a
 * reset that it then need not ask for: a program that has them is not judged.
 * Nor is one that alters snapshots: counters, which go on, are among their bytes.
 *
 * Of a device that is not ours and works in later calls, or in threads, the record is
 * loose (record.h), and only what stands in the end is compared.  Not if it has work left then,
 * or had some, or chains, when the driver reset it: how far it had come is its affair.
 *
 * snapshot.carry-on: the device that is restored is the one that was saved, and
 * the same happens to both.  Not judged with failing allocations, of which the
 * restored device has its own.
 *
 * fetch.consistent: up to the first read for the chain all three runs are the
 * same.  From there on a correct device has the old value, and does what it
 * does when the change comes later, or the new one.  Not judged where one byte
 * has two parts in a chain (ledger_is_refetch), where the device itself wrote
 * to those bytes in between, or where not all of them had been read.
 *
 * completion.len: a byte that the device wrote is the same in both runs, what was
 * there before is not, so in one of them it changed.  The guest does the same in
 * both; should the device do something else, since it reads what it returned in
 * another chain, then it is another chain or length, or bytes that would have to be
 * the same by chance.
 *
 * request.divided: VIRTIO lets a driver divide a request as it likes (2.7.4.1), and the
 * target says that the answer depends on nothing but the requests.  Only of programs in
 * which nothing else was sent and nothing gives the device an excuse; both times each
 * request had the descriptors that it needed.
 */
#include "harness/run/twin.h"
#include "devices/table.h"
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run_internal.h"

#include <endian.h>
#include <string.h>

#define SNAPSHOT_POINTS 3u /* of a program that has more operations than this: */
#define SNAPSHOT_EVERY 16u
#define SNAPSHOT_EACH 4096u /* ... and of one with more than this, all in one run */

static bool has_op(const struct program *prog, uint8_t code)
{
	for (uint32_t i = 0; i < prog->op_count; i++)
		if (prog->ops[i].code == code)
			return true;
	return false;
}

/* By what the program is, so that it is judged in the same way every time. */
static bool is_chosen(const struct program *prog)
{
	uint64_t sum = prog->op_count;

	for (uint32_t i = 0; i < prog->op_count; i++)
		sum = (sum + prog->ops[i].code + (prog->ops[i].value[0] << 8)) *
		      0x9e3779b97f4a7c15ULL;
	return (sum >> 32) % TWIN_FRACTION == 0;
}

/* May it do what it does at another time? */
static bool is_loose(const struct target *target)
{
	return !target->model && ((target->facts & FACT_CALLS) == 0 || target->work != NULL);
}

static void begin_pass(struct run *run, bool comparing)
{
	struct twin *twin = &run->twin;

	run->guest.record.on = true;
	run->guest.record.loose = is_loose(run->guest.target);
	twin->comparing = comparing;
	twin->count = 0;
	twin->differs = 0;
	memset(&run->guest.record.now, 0, sizeof(run->guest.record.now));
	target_counters(run->guest.target, run->guest.device, twin->counters);
}

void twin_begin(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct twin *twin = &run->twin;

	run->guest.record.on = twin->reset = twin->reset_differs = twin->snapshot = false;
	twin->swap_at = 0;
	if (options->judging.no_ledger || run->guest.target->facts == 0)
		return;
	/* `advance` is as much work as many programs: under an engine it is done once. */
	twin->reset = (options->twins || (is_chosen(prog) && !has_op(prog, OP_ADVANCE))) &&
		      !has_op(prog, OP_FAULT_ALLOC);
	twin->snapshot = twin->reset && run->guest.target->restore != NULL;
	twin->reset = twin->reset && !has_op(prog, OP_CORRUPT) && !has_op(prog, OP_CUT) &&
		      !has_op(prog, OP_ALTER);
	if (twin->reset || twin->snapshot || has_op(prog, OP_RACE))
		begin_pass(run, false);
}

static void note_counters(struct run *run)
{
	unsigned count = target_counter_count(run->guest.target, run->guest.device);
	uint64_t now[TARGET_COUNTERS_MAX];

	target_counters(run->guest.target, run->guest.device, now);
	/* Of a loose one, what they stand at. */
	if (run->guest.record.loose)
		run->guest.record.now.part[RECORD_COUNTERS] = 0;
	for (unsigned i = 0; i < count; i++)
		record_value(&run->guest.record, RECORD_COUNTERS, now[i] - run->twin.counters[i]);
}

static void compare(struct run *run, const struct record_digest *due)
{
	struct twin *twin = &run->twin;

	if (!twin->comparing || twin->differs != 0)
		return;
	if (run->guest.record.loose && due != &twin->last)
		return;
	for (unsigned i = 0; i < RECORD_PART_COUNT; i++)
		if (due->part[i] != run->guest.record.now.part[i])
			twin->differs |= (uint8_t)(1u << i);
	twin->first = twin->count;
}

void twin_end_op(struct run *run)
{
	struct twin *twin = &run->twin;

	note_counters(run);
	if (!twin->comparing) {
		twin->last = run->guest.record.now;
		twin->unrested = target_state(run->guest.target, run->guest.device) == DEVICE_WORK;
	}
	if (!twin->comparing && twin->count < TWIN_OPS_MAX)
		twin->ops[twin->count] = run->guest.record.now;
	if (twin->count < TWIN_OPS_MAX)
		compare(run, &twin->ops[twin->count]);
	twin->count++;
	if (!twin->comparing)
		twin->total = twin->count;
	else if (twin->count == twin->swap_at) {
		/* What was passed is not met again: of a step of 0, once. */
		twin->swap_at += twin->swap_step;
		if (snapshot_take(run, 1))
			snapshot_restore_run(run, 1, true);
	}
}

/* Of a loose one: was all that it had to do done, in both runs? */
static bool has_rested(const struct run *run)
{
	return !run->twin.unrested && !run->guest.ledger.device.cut_short &&
	       target_state(run->guest.target, run->guest.device) != DEVICE_WORK;
}

/* Run the program and compare. */
static void run_twin(struct run *run, const struct program *prog, const struct run_options *options)
{
	uint32_t ops_run = run->ops_run;

	begin_pass(run, true);
	run_session(run, prog, options);
	if (!is_loose(run->guest.target) || has_rested(run))
		compare(run, &run->twin.last);
	run->guest.record.on = false;
	run->ops_run = ops_run;
}

/* What differs, in words. */
static const char *name_parts(uint8_t parts)
{
	TABLE(static const char *const, names, RECORD_PART_COUNT, 1,
	      [RECORD_REGISTERS] = "its registers read",
	      [RECORD_MEMORY] = "it wrote to memory",
	      [RECORD_INTERRUPTS] = "it interrupted",
	      [RECORD_COUNTERS] = "its counters moved",
	      [RECORD_HOST] = "it gave the host");

	for (int i = 0; i < RECORD_PART_COUNT; i++)
		if ((parts >> i & 1) != 0)
			return names[i];
	return "it did";
}

/* Nobody is told of what the program does again, but of what breaks. */
static void hush(struct run *run, struct run_options *options)
{
	run->guest.trace = NULL;
	run->guest.arena.trace = NULL;
	run->guest.heap.trace = NULL;
	options->after_op = NULL;
}

void twin_reset(struct run *run, const struct program *prog, const struct run_options *options)
{
	const struct arena_refetch refetch = run->guest.arena.refetch;
	struct run_options quiet = *options;
	struct twin *twin = &run->twin;

	run->guest.record.on = false;
	if (!twin->reset || !ledger_judges(&run->guest.ledger, RULE_RESET_SESSION))
		return;
	run_stage(run, options, "reset-session");
	ledger_strays(&run->guest.ledger);
	hush(run, &quiet);
	run_reset(run);
	if (!run->guest.ledger.stop)
		run_twin(run, prog, &quiet);
	run_clear(run);
	run->guest.trace = options->trace;
	run->guest.arena.trace = options->trace;
	run->guest.heap.trace = options->trace;
	run->guest.arena.refetch = refetch;
	twin->reset_differs = !run->guest.ledger.stop && twin->differs != 0;
}

void twin_judge_reset(struct run *run)
{
	const struct twin *twin = &run->twin;

	if (!twin->reset_differs)
		return;
	ledger_op(&run->guest.ledger, FINDING_OP_END, "reset-session");
	ledger_break(&run->guest.ledger, RULE_RESET_SESSION,
		     "the program was run again on the device once it was reset: from operation "
		     "number %u of those run, %s otherwise than on a new device",
		     twin->first + 1, name_parts(twin->differs));
}

/* On a new device, with the race at another time: is the outcome another?  What
 * the device wrote itself must not be lost by that. */
static bool differs_retimed(struct run *run, const struct program *prog,
			    const struct run_options *quiet, uint32_t serial, uint32_t nth)
{
	run->guest.arena.retime = (struct arena_retime){ .serial = serial, .nth = nth };
	if (!run_create(run))
		return false;
	run_twin(run, prog, quiet);
	run_destroy(run);
	run->guest.arena.retime.serial = 0;
	return run->twin.differs != 0 && !run->guest.arena.overtaken;
}

void twin_fetch(struct run *run, const struct program *prog, const struct run_options *options)
{
	const struct arena_refetch refetch = run->guest.arena.refetch;
	struct run_options quiet = *options;
	struct ledger *l = &run->guest.ledger;
	bool differs;

	if (refetch.serial == 0 || options->judging.no_ledger ||
	    !ledger_judges(l, RULE_FETCH_CONSISTENT))
		return;
	hush(run, &quiet);
	ledger_op(l, refetch.op, refetch.verb);
	if (options->before_op != NULL)
		options->before_op(options->ctx, refetch.op, refetch.verb);
	/* Nothing is judged but the outcome. */
	ledger_enable(l, false);
	differs = differs_retimed(run, prog, &quiet, refetch.serial, refetch.first) &&
		  differs_retimed(run, prog, &quiet, refetch.serial, 0);
	ledger_enable(l, true);
	if (!differs || l->stop)
		return;
	ledger_op(l, refetch.op, refetch.verb);
	ledger_break(l, RULE_FETCH_CONSISTENT,
		     "%u bytes at 0x%llx changed between two reads for one chain, and the outcome "
		     "is neither that of the old value nor that of the new one",
		     refetch.len, (unsigned long long)refetch.addr);
}

/* The suspect of the first run that the second one confirms, or NULL. */
static const struct ledger_suspect *run_salted(struct run *run, const struct program *prog,
					       const struct run_options *quiet)
{
	ledger_reset_salted(&run->guest.ledger);
	if (run_create(run)) {
		run_session(run, prog, quiet);
		run_destroy(run);
	}
	return ledger_salted(&run->guest.ledger);
}

void twin_length(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct run_options quiet = *options;
	struct ledger *l = &run->guest.ledger;
	const struct ledger_suspect *suspect = ledger_suspect(l);
	uint32_t ops_run = run->ops_run;
	struct ledger_kept kept;

	if (suspect == NULL || options->judging.no_ledger)
		return;
	hush(run, &quiet);
	ledger_keep(l, &kept);
	ledger_op(l, suspect->op, suspect->verb);
	if (options->before_op != NULL)
		options->before_op(options->ctx, l->op, l->verb);
	suspect = run_salted(run, prog, &quiet);
	ledger_give_back(l, &kept);
	run->ops_run = ops_run;
	if (suspect == NULL)
		return;
	ledger_op(l, suspect->op, suspect->verb);
	ledger_break(l, RULE_COMPLETION_LEN,
		     "queue %u: a used entry says that %u bytes of the chain of head %u were "
		     "written, and some of them keep what was there before",
		     suspect->queue, suspect->len, suspect->head);
}

/* Are the answers there that this run was to get?  A device that is not done, or that
 * keeps chains as long as it likes, may have got further in the other one. */
static bool is_answered(const struct run *run)
{
	const struct guest *g = &run->guest;

	return requests_are_honest(g) && target_state(g->target, g->device) != DEVICE_WORK &&
	       (!g->target->holds || g->requests.sent_count == 0);
}

void twin_note_answers(struct run *run)
{
	const struct requests *r = &run->guest.requests;

	run->twin.honest = r->compared > 0 && is_answered(run);
	run->twin.answers = r->compared;
	run->twin.answers_digest = r->digest;
}

void twin_divided(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct run_options quiet = *options;
	const struct requests *r = &run->guest.requests;
	struct ledger *l = &run->guest.ledger;
	uint32_t ops_run = run->ops_run;
	bool differs;

	if (!run->twin.honest || options->judging.no_ledger ||
	    (!options->twins && !is_chosen(prog)) || !ledger_judges(l, RULE_REQUEST_DIVIDED))
		return;
	hush(run, &quiet);
	ledger_op(l, FINDING_OP_END, "divided");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "divided");
	ledger_enable(l, false);
	run->guest.requests.redivided = true;
	if (!run_create(run)) {
		run->guest.requests.redivided = false;
		ledger_enable(l, true);
		return;
	}
	run_session(run, prog, &quiet);
	differs = is_answered(run) &&
		  (r->compared != run->twin.answers || r->digest != run->twin.answers_digest);
	run->guest.requests.redivided = false;
	run_destroy(run);
	run->ops_run = ops_run;
	ledger_enable(l, true);
	ledger_op(l, FINDING_OP_END, "divided");
	if (differs && !l->stop)
		ledger_break(l, RULE_REQUEST_DIVIDED,
			     "%u requests were answered, and %u when they were sent in other "
			     "buffers; lengths or bytes differ",
			     run->twin.answers, r->compared);
}

/* With the device swapped for a restored one when `at` operations are over, and `step`
 * operations later again, and so on; 0: once. */
static bool differs_swapped(struct run *run, const struct program *prog,
			    const struct run_options *quiet, unsigned at, unsigned step)
{
	if (!run_create(run))
		return false;
	run->twin.swap_at = at;
	run->twin.swap_step = step;
	run_twin(run, prog, quiet);
	run->twin.swap_at = 0;
	run_destroy(run);
	return run->twin.differs != 0 || run->guest.ledger.stop;
}

/* At how many points of the program the device is swapped: of one with few
 * operations behind each of them. */
static unsigned snapshot_points(const struct twin *twin, const struct run_options *options)
{
	if (!options->twins)
		return 1;
	return twin->total <= SNAPSHOT_EVERY ? twin->total - 1 : SNAPSHOT_POINTS;
}

void twin_snapshot(struct run *run, const struct program *prog, const struct run_options *options)
{
	struct run_options quiet = *options;
	struct ledger *l = &run->guest.ledger;
	struct twin *twin = &run->twin;
	unsigned points = snapshot_points(twin, options), at = 0, step = 0;

	if (!twin->snapshot || twin->total < 2 || !ledger_judges(l, RULE_SNAPSHOT_CARRY_ON))
		return;
	hush(run, &quiet);
	run->guest.arena.retime.serial = 0;
	ledger_op(l, FINDING_OP_END, "snapshot");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "snapshot");
	/* A run of a long program takes long: at all its points in one run. */
	if (points > 1 && twin->total > SNAPSHOT_EACH) {
		step = twin->total / (points + 1);
		points = 1;
	}
	for (unsigned i = 0; i < points && !l->stop; i++) {
		/* Of one point, the middle. */
		at = step != 0 ? step : (unsigned)((uint64_t)twin->total * (i + 1) / (points + 1));
		if (at == 0)
			continue;
		ledger_enable(l, false);
		if (differs_swapped(run, prog, &quiet, at, step))
			break;
	}
	ledger_enable(l, true);
	ledger_op(l, FINDING_OP_END, "snapshot");
	if (twin->differs != 0 && !l->stop)
		ledger_break(l, RULE_SNAPSHOT_CARRY_ON,
			     "the device was restored after %u operations%s: from operation number "
			     "%u of those run, %s otherwise than without",
			     at, step != 0 ? ", and again after as many" : "", twin->first + 1,
			     name_parts(twin->differs));
	/* What leaked is the affair of the end. */
	ledger_op(l, FINDING_OP_END, "destroy");
	if (options->before_op != NULL)
		options->before_op(options->ctx, FINDING_OP_END, "destroy");
}
