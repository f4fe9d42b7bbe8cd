/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Snapshots: taken, altered and restored.  See mutate_internal.h.
 */
#include "fuzzers/mutate_internal.h"

#include <linux/virtio_config.h>

#define SNAPSHOTS_MAX 8u
#define STATUS_FIELD 1u /* of the transport's part */

/* A byte of what every snapshot has, or of the device's own, which ends it. */
void fresh_corrupt(struct mutator *m, struct op *op)
{
	/* Of a snapshot: its head and the transport's record, counters, the model's part. */
	static const uint16_t ends[] = { 128, 128, 320, 1024 };
	uint32_t end = PICK(m, ends);

	op->value[CORRUPT_AT] = random_below(m, end);
	if (random_chance(m, 3))
		op->value[CORRUPT_AT] = UINT32_MAX - random_below(m, 24);
	op->value[CORRUPT_XOR] =
		random_chance(m, 2) ? 1u << random_below(m, 8) : 1 + random_below(m, 255);
}

/* A field of the transport's part, among those that a snapshot of a few queues has, or of all,
 * those deep in the device's own part too; a bit of it, mostly a low one; and perhaps of another
 * that holds the same. */
void fresh_alter(struct mutator *m, struct op *op)
{
	static const uint16_t ends[] = { 8, 48, 48, 160, 160, 512, 4096 };

	op->value[ALTER_FIELD] = random_below(m, PICK(m, ends));
	op->value[ALTER_XOR] = 1ULL << random_below(m, random_chance(m, 8) ? 64 : 8);
	if (random_chance(m, 3))
		op->value[ALTER_XOR] = random_chance(m, 2) ? 1 : random_below(m, UINT16_MAX);
	op->value[ALTER_ALSO] = random_chance(m, 3) ? 1 + random_below(m, 16) : 0;
	/* A device that is not live, with what a live one has. */
	if (random_chance(m, 16)) {
		op->value[ALTER_FIELD] = STATUS_FIELD;
		op->value[ALTER_XOR] = VIRTIO_CONFIG_S_DRIVER_OK;
		op->value[ALTER_ALSO] = 0;
	}
}

void fresh_cut(struct mutator *m, struct op *op)
{
	op->value[CUT_LEN] = 1 + random_below(m, 1024);
}

/* Mostly a field; bytes at random; its end. */
static bool add_alteration(struct mutator *m, struct program *prog, uint32_t *at)
{
	static const uint8_t codes[] = { OP_ALTER, OP_ALTER, OP_ALTER,	 OP_ALTER,
					 OP_ALTER, OP_ALTER, OP_CORRUPT, OP_CUT };
	struct op *op = edit_put(prog, at, PICK(m, codes));

	if (op == NULL)
		return false;
	op_fresh(m, prog, op);
	return true;
}

/* A snapshot and back, perhaps with a field or two changed on the way, and of a device that is
 * not live yet.  Again and again: what is refused changes nothing, and takes less than a
 * program of its own. */
bool add_snapshot(struct mutator *m, struct program *prog, uint32_t at)
{
	uint32_t times = random_chance(m, 3) ? 1 : 1 + random_below(m, SNAPSHOTS_MAX);

	if (random_chance(m, 4) && !add_start(m, prog, at++))
		return false;
	for (; times > 0; times--) {
		uint32_t changes = times > 1 ? 1 : random_below(m, 4);

		if (edit_put(prog, &at, OP_SAVE) == NULL)
			return false;
		for (; changes > 0; changes--)
			if (!add_alteration(m, prog, &at))
				return false;
		if (edit_put(prog, &at, OP_RESTORE) == NULL)
			return false;
	}
	return true;
}
