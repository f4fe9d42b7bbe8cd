/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session becomes programs: what each starts from, and where one ends and the next
 * begins.  See recorder.h.
 *
 * A program ends at a boundary: between two chains, never between a chain's bytes and its
 * publication, and not before what belongs to the operation before (its used entries, its
 * acknowledgement).  If what lies between two boundaries does not fit, it is left out, told,
 * and the next program starts behind it.
 */
#include "harness/serve/recorder_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room that is used when a program ends: at a boundary where the device and its host rest;
 * at any behind a notification; and at any. */
#define RESTING_PERCENT 40u
#define NOTIFIED_PERCENT 88u
#define ANY_PERCENT 94u
/* ... and at most by what a program starts from. */
#define STATE_PERCENT 75u

/* Operations behind which there is no boundary, since something follows that they are for;
 * and those before which there is none. */
static const bool builds[256] = {
	[OP_STORE] = true,	[OP_FILL] = true,	   [OP_PATTERN] = true,
	[OP_BUFFER] = true,	[OP_DESC] = true,	   [OP_SET_DESC] = true,
	[OP_CHAIN] = true,	[OP_AVAIL_ENTRY] = true,   [OP_RACE] = true,
	[OP_RACE_WRITE] = true, [OP_FAULT_ACCESS] = true,  [OP_FAULT_ALLOC] = true,
	[OP_SAVE] = true,	[OP_OFFER_REQUEST] = true, [OP_CHAIN_REQUEST] = true,
};
static const bool follows[256] = {
	[OP_TAKE] = true,   [OP_ACK] = true,	 [OP_WORK] = true,
	[OP_SETTLE] = true, [OP_NOTIFY] = true,	 [OP_TAKE_OUTPUT] = true,
	[OP_SAVE] = true,   [OP_RESTORE] = true, [OP_DISARM] = true,
};

void recorder_tell(const struct recorder *r, const char *format, ...)
{
	char line[RECORDER_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (r->options.tell != NULL)
		r->options.tell(r->options.ctx, line);
	else
		fprintf(stderr, "%s\n", line);
}

int recorder_open(struct recorder **r, struct run *run, const struct program *header,
		  const struct recorder_options *options)
{
	struct recorder *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return -ENOMEM;
	new->run = run;
	new->options = *options;
	new->max = options->max != 0 ? options->max : RECORDER_PROGRAMS;
	if (new->max > RECORDER_PROGRAMS_MAX)
		new->max = RECORDER_PROGRAMS_MAX;
	new->texts = calloc(new->max, sizeof(*new->texts));
	if (new->texts == NULL) {
		free(new);
		return -ENOMEM;
	}
	memcpy(&new->header, header, offsetof(struct program, ops));
	snprintf(new->header.target, sizeof(new->header.target), "%s", run->guest.target->name);
	recorder_part_clear(&new->now, &new->header);
	recorder_part_clear(&new->setup, &new->header);
	recorder_part_clear(&new->dialogue, &new->header);
	recorder_guard(new);
	*r = new;
	return 0;
}

static void end_recording(struct recorder *r, const char *why)
{
	r->full = true;
	recorder_tell(r, "%s: the recording ends at operation %u of the session, which goes on: %s",
		      r->options.path, r->number, why);
}

/* A further program: the device is to be as it is now. */
static void begin(struct recorder *r)
{
	char why[64];

	if (r->count == r->max) {
		snprintf(why, sizeof(why), "it is full, %u programs are recorded", r->count);
		end_recording(r, why);
		return;
	}
	recorder_part_clear(&r->now, &r->header);
	recorder_forget_descs(r);
	for (unsigned queue = 0; queue < PROGRAM_QUEUES; queue++)
		r->queue[queue].used_now = 0;
	r->skipping = false;
	r->first = r->number;
	if (r->unsplit) {
		recorder_part_clear(&r->now, &r->header);
		end_recording(r, "what a further program starts from does not fit in one");
		return;
	}
	/* Too many chains are out now. */
	if (!recorder_add_state(r) || recorder_part_used(&r->now) > STATE_PERCENT) {
		recorder_part_clear(&r->now, &r->header);
		r->skipping = true;
		return;
	}
	r->prefix = r->now.prog.op_count;
	r->boundary = recorder_part_mark(&r->now);
}

static void finish(struct recorder *r, bool last)
{
	if (recorder_finish(r, last) != 0)
		end_recording(r, strerror(ENOMEM));
}

/* May the program end before an operation of that code? */
static bool is_boundary(const struct recorder *r, uint8_t code)
{
	return r->number > 0 && !builds[r->last] && !follows[code];
}

/* Has the device all that its host has for it?  A new device has not what was typed before. */
static bool is_delivered(const struct recorder *r)
{
	const struct target *target = r->run->guest.target;
	const void *device = r->run->guest.device;
	unsigned count = target_counter_count(target, device);
	uint64_t now[TARGET_COUNTERS_MAX];

	if (target->waiting != NULL && target->waiting(device) > 0)
		return false;
	target_counters(target, device, now);
	for (unsigned port = 0; port < target->port_count; port++)
		for (unsigned i = 0; i < count && target->ports[port].pending != NULL; i++)
			if (now[i] > 0 && strcmp(target->counter_name(device, i),
						 target->ports[port].pending) == 0)
				return false;
	return true;
}

static bool is_notified(const struct recorder *r)
{
	return r->last != OP_PUBLISH && r->last != OP_OFFER;
}

static bool is_resting(const struct recorder *r)
{
	return is_notified(r) && is_delivered(r) &&
	       target_state(r->run->guest.target, r->run->guest.device) != DEVICE_WORK;
}

static bool is_time(const struct recorder *r)
{
	unsigned used = recorder_part_used(&r->now);

	if (used >= ANY_PERCENT)
		return true;
	if (used >= NOTIFIED_PERCENT && is_notified(r))
		return true;
	return used >= RESTING_PERCENT && is_resting(r);
}

static void split(struct recorder *r)
{
	finish(r, false);
	if (!r->full)
		begin(r);
}

/* What came since the last boundary has no room. */
static void leave_out(struct recorder *r)
{
	recorder_part_undo(&r->now, &r->boundary);
	recorder_tell(r,
		      "%s: what comes before operation %u of the session does not fit in a "
		      "program and is not recorded",
		      r->options.path, r->number);
	/* A program that holds nothing but what it starts from is none. */
	if (r->now.prog.op_count > r->prefix)
		finish(r, false);
	r->skipping = true;
}

void recorder_op(struct recorder *r, const struct program *prog, const struct op *op)
{
	if (r->full)
		return;
	if (is_boundary(r, op->code)) {
		if (r->skipping && is_resting(r))
			begin(r);
		else if (!r->skipping && is_time(r))
			split(r);
		r->boundary = recorder_part_mark(&r->now);
	}
	if (r->full)
		return;
	recorder_note(r, prog, op);
	if (op->code != OP_TAKE && !r->skipping && !recorder_add(r, prog, op))
		leave_out(r);
	if (op->code != OP_TAKE)
		r->last = op->code;
	r->number++;
}

void recorder_used(struct recorder *r, unsigned queue, uint32_t id, uint32_t len)
{
	struct recorder_demand demand = { .queue = (uint16_t)queue, .id = id, .len = len };

	if (r->full || queue >= PROGRAM_QUEUES)
		return;
	demand.entries = recorder_note_used(r, queue, id, len);
	if (!r->skipping && !recorder_part_demand(&r->now, &demand))
		leave_out(r);
}
