/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The decoder of snapshots, of every device: the first byte chooses the device, the
 * rest is restored in the middle of a live session, which
 * then goes on.
 *
 * Either it is refused, and the new device is as it was, or the device that comes
 * of it saves the same bytes again, holds itself to what needs no knowledge of it
 * (memory, bounds, endless work), and serves a well-formed request after a reset.
 */
#include "fuzzers/engine.h"

#include "harness/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_AT 2u /* operation of the session */

static const char session[] =
	"device any\n"
	"start driver_ok size=16\n"
	"save\n"
	"restore\n"
	"read Status\n"
	"config_read 0 width=8\n"
	/* Of a console: what a driver says, once more than it may. */
	"store b1 0000000000000100000000000300010001000000030001000100000006000100\n"
	"buffer b4 at=b1 len=8\n"
	"buffer b5 at=b1+8 len=8\n"
	"buffer b6 at=b1+16 len=8\n"
	"buffer b7 at=b1+24 len=8\n"
	"repeat 2\n"
	"send 3 b4\nsend 3 b5\nsend 3 b6\nsend 3 b7\n"
	"end\n"
	"repeat 2\n"
	"notify 0\nnotify 1\nnotify 2\nnotify 3\nnotify 4\nnotify 5\n"
	"work\n"
	"end\n"
	"take_output 0\n"
	"take_output 1\n"
	"type 0 len=8\n"
	"type 1 len=8\n"
	"set_num_pages 3\n"
	"settle\n"
	"save\n"
	"restore\n";

/* By the first byte; seeds and findings have it, so a new one goes to the end. */
static const char *const names[] = { "net-loopback", "console", "fs",  "balloon", "net-host",
				     "blk",	     "blk-ro",	"rng", "vsock" };
#define NAMES (sizeof(names) / sizeof(names[0]))

static struct script script;
static struct run *runs[NAMES];

struct input {
	struct run *run;
	const uint8_t *data;
	size_t size;
};

/* The program saved a snapshot: the input takes its place. */
static void put_input(void *ctx, uint32_t index, const char *verb)
{
	const struct input *in = ctx;
	struct snapshot *s = &in->run->snapshots[0];

	(void)verb;
	if (index != RESTORE_AT || s->len == 0)
		return;
	memcpy(s->bytes, in->data, in->size);
	s->len = in->size;
	s->altered = true;
	s->same = false;
	s->intact = 0;
}

static void check_again(void *ctx, struct run *run, uint32_t index)
{
	const struct input *in = ctx;
	struct snapshot *s = &run->snapshots[0];
	size_t len;

	if (index != RESTORE_AT || s->outcome != SNAPSHOT_RESTORED)
		return;
	len = run->guest.target->save(run->guest.device, run->scratch, SNAPSHOT_MAX);
	if (len == in->size && memcmp(run->scratch, in->data, len) == 0)
		return;
	fprintf(stderr, "vringer: %s took a snapshot of %zu bytes and saves another of %zu\n",
		run->guest.target->name, in->size, len);
	abort();
}

static void give_up(void *ctx, const struct finding *finding)
{
	const struct input *in = ctx;

	fprintf(stderr, "vringer: %s: %s: %s\n", in->run->guest.target->name, finding->signature,
		finding->message);
	abort();
}

/* Every target that has snapshots must be in the table. */
static void check_names(void)
{
	unsigned count = 0;

	for (const struct target *const *t = target_all(); *t != NULL; t++)
		count += (*t)->restore != NULL;
	if (count != NAMES) {
		fprintf(stderr, "vringer: %u targets have snapshots, fuzz_snapshot knows %zu\n",
			count, NAMES);
		exit(2);
	}
}

/* Each runs once, and restores what it saved itself: what only the first session of
 * a process does is no coverage of an input. */
static void open_targets(void)
{
	const struct run_options options = { .judging = { .strict = true, .limits = true } };
	struct text_error error;

	check_names();
	if (text_parse(&script, session, sizeof(session) - 1, &error) != 0)
		abort();
	for (size_t i = 0; i < NAMES; i++) {
		if (run_open(&runs[i], target_find(names[i]), &error) != 0)
			exit(2);
		if (!run_program(runs[i], &script.prog, &options))
			abort();
	}
}

static int snapshot_one(const char *name, const uint8_t *data, size_t size)
{
	struct run_options options = { .judging = { .strict = true, .limits = true },
				       .before_op = put_input,
				       .after_op = check_again,
				       .fatal = give_up };
	struct input in;

	(void)name;
	if (runs[0] == NULL)
		open_targets();
	if (size < 2 || size > SNAPSHOT_MAX)
		return -1;
	in = (struct input){ .run = runs[data[0] % NAMES], .data = data + 1, .size = size - 1 };
	options.ctx = &in;
	if (!run_program(in.run, &script.prog, &options))
		give_up(&in,
			&in.run->guest.ledger.findings[in.run->guest.ledger.finding_count - 1]);
	return 0;
}

const struct fuzz_target fuzz_target = {
	.name = "snapshot",
	.one = snapshot_one,
};
