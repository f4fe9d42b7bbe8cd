/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Save, alter and restore the device of a run.  See snapshot.h.
 *
 * snapshot.refused: a device must accept its own snapshot, unless a ring passes 2^64:
 * then it may return -EOVERFLOW.  Whether refusing a snapshot changed a device is found
 * by comparing what it saves before and after.
 *
 * snapshot.same: nothing of the guest or the host comes between the two looks,
 * neither when the device is saved, which may go on, nor when it is restored.
 * They are at what reading does not change: registers at the selectors as they
 * are, configuration, counters, state, and the snapshot of each.  A model of ours
 * always has something to save.
 *
 * A snapshot that was altered, or is older than the device, restores to a device
 * that says of itself what the snapshot said, and that could have been; of it the
 * ledger knows nothing more: it forgets, until reset, what it knew, and judges what
 * needs no knowledge (memory safety, bounds, what follows a reset).
 */
#include "harness/run/snapshot.h"
#include "harness/arena/instrumented.h"
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run_internal.h"
#include "harness/target/own_part.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define HEAD_WIDTH 4u
#define SNAPSHOT_GUARD 64u /* bytes behind a snapshot that no device may read */

struct view {
	uint32_t words[16 + GUEST_REGISTERS_MAX];
	unsigned count;
	enum device_state state;
	uint64_t counters[TARGET_COUNTERS_MAX];
};

static void look(const struct run *run, struct view *view)
{
	const struct transport *t = run->guest.transport;
	const struct guest *g = &run->guest;
	struct features features = t->look_features(g);
	const uint32_t shown[] = {
		t->look_status(g),	 t->look_interrupt_status(g),	  t->look_generation(g),
		(uint32_t)features.low,	 (uint32_t)(features.low >> 32),  t->look_queue_max(g),
		(uint32_t)features.high, (uint32_t)(features.high >> 32), t->look_queue_ready(g)
	};

	memset(view, 0, sizeof(*view));
	memcpy(view->words, shown, sizeof(shown));
	view->count = sizeof(shown) / sizeof(shown[0]);
	/* A shared-memory region is shown by registers, where there are any. */
	if (t->look_register != NULL) {
		view->words[view->count++] =
			(uint32_t)t->look_register(g, VIRTIO_MMIO_SHM_LEN_LOW, 4);
		view->words[view->count++] =
			(uint32_t)t->look_register(g, VIRTIO_MMIO_SHM_BASE_LOW, 4);
	}
	view->count += guest_config_words(&run->guest, view->words + view->count);
	view->state = target_state(run->guest.target, run->guest.device);
	target_counters(run->guest.target, run->guest.device, view->counters);
}

bool snapshot_take(struct run *run, unsigned i)
{
	struct snapshot *s = &run->snapshots[i];
	size_t len;

	if (run->guest.target->save == NULL)
		return false;
	len = run->guest.target->save(run->guest.device, s->bytes, SNAPSHOT_MAX);
	if (len > SNAPSHOT_MAX)
		return false;
	s->len = len;
	s->altered = s->same = false;
	s->intact = len;
	s->call = ledger_calls(&run->guest.ledger);
	return true;
}

static void judge_possible(struct run *run, const struct snapshot *s)
{
	const struct target *target = run->guest.target;
	const char *what = NULL;
	size_t at;

	/* Others have a format of their own. */
	if ((!target->transport && target->impossible == NULL) ||
	    !ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_POSSIBLE))
		return;
	if (target->transport)
		what = snapshot_impossible(run, s, &at);
	if (what == NULL && target->impossible != NULL)
		what = target->impossible(target, s->bytes, s->len, &at);
	if (what != NULL)
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_POSSIBLE,
			     "the device takes a snapshot that none saves, at byte %zu: %s", at,
			     what);
}

/* Does the device, which was restored, save what it was restored from?  Under an engine,
 * where programs restore one snapshot many times, asked until it did once. */
static bool saves_same(struct run *run, struct snapshot *s)
{
	if (!s->same || run->guest.ledger.plain.thorough) {
		size_t len = run->guest.target->save(run->guest.device, run->scratch, SNAPSHOT_MAX);

		s->same = len == s->len && memcmp(run->scratch, s->bytes, len) == 0;
	}
	return s->same;
}

/* before: NULL if the snapshot is not of the device as it was. */
static void judge_same(struct run *run, const struct view *before, struct snapshot *s)
{
	struct view after;

	if (!ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_SAME))
		return;
	if (before != NULL)
		look(run, &after);
	if (before != NULL && memcmp(before, &after, sizeof(after)) != 0)
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_SAME,
			     "the restored device shows other registers, configuration, state or "
			     "counters than the one that was saved");
	else if (!saves_same(run, s))
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_SAME,
			     "the restored device does not save what it was restored from");
}

static void judge_blocks(struct run *run, unsigned before)
{
	unsigned now = run->guest.heap.live_blocks;

	if (run->guest.target->saves_blocks && now != before &&
	    ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_SAME))
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_SAME,
			     "the restored device has %u blocks of host memory, the one that was "
			     "saved had %u",
			     now, before);
}

/* Of our own models: the head says what the snapshot is, and none of what follows speaks against
 * it, as of two numbers that belong together one speaks against the other.  A number there
 * has at most HEAD_WIDTH bytes, and is named by its first. */
static bool names_what_is_right(const struct run *run, const struct snapshot *s)
{
	return run->guest.target->model && run->guest.target->transport &&
	       s->refused_at < SNAPSHOT_RECORD_AT && s->refused_at + HEAD_WIDTH <= s->intact;
}

static void judge_refusal(struct run *run, const struct snapshot *s, bool clean, int err,
			  const char *what, const uint8_t *fresh, size_t fresh_len)
{
	static uint8_t now[SNAPSHOT_NEW_MAX];
	size_t len = run->guest.target->save(run->guest.device, now, sizeof(now));

	if (!ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_REFUSED))
		return;
	if (clean && err == -EINVAL)
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_REFUSED,
			     "the device refuses what it saved, at byte %zu: %s", s->refused_at,
			     what);
	else if (err == -EINVAL && names_what_is_right(run, s))
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_REFUSED,
			     "the snapshot was refused, at byte %zu (%s), and that is as it was "
			     "saved",
			     s->refused_at, what);
	else if (len != fresh_len || (len <= sizeof(now) && memcmp(now, fresh, len) != 0))
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_REFUSED,
			     "the snapshot was refused, at byte %zu (%s), and the new device is no "
			     "longer new",
			     s->refused_at, what);
}

/* The new device was restored; the host is the same. */
static void take_place(struct run *run, void *old)
{
	if (run->guest.target->listen != NULL)
		run->guest.target->listen(run->guest.device, &run->guest.listener);
	if (run->guest.target->inherit != NULL)
		run->guest.target->inherit(run->guest.device, old);
	run->guest.target->destroy(old);
}

void snapshot_restore_run(struct run *run, unsigned i, bool clean)
{
	static uint8_t fresh[SNAPSHOT_NEW_MAX];
	struct snapshot *s = &run->snapshots[i];
	void *old = run->guest.device;
	const char *what = "";
	struct view before;
	unsigned blocks = run->guest.heap.live_blocks, peak = run->guest.heap.peak_blocks;
	size_t fresh_len;
	int err;

	s->outcome = SNAPSHOT_NONE;
	if (run->guest.target->restore == NULL || s->len == 0)
		return;
	clean = clean && run->guest.ledger.enabled;
	if (clean)
		look(run, &before);
	run->guest.device = target_create(run->guest.target, &run->guest.arena.host,
					  run->guest.offered, run->guest.queue_max);
	if (run->guest.device == NULL) {
		run->guest.heap.peak_blocks = peak;
		run->guest.device = old;
		return;
	}
	fresh_len = run->guest.target->save(run->guest.device, fresh, sizeof(fresh));
	/* What lies behind it is none of the device's. */
	instrumented_poison(s->bytes + s->len, SNAPSHOT_GUARD);
	err = run->guest.target->restore(run->guest.device, s->bytes, s->len, &s->refused_at,
					 &what);
	instrumented_unpoison(s->bytes + s->len, SNAPSHOT_GUARD);
	if (err == 0) {
		s->outcome = SNAPSHOT_RESTORED;
		take_place(run, old);
		ledger_restored(&run->guest.ledger);
		run->guest.heap.peak_blocks = run->guest.heap.live_blocks;
		if (!run->guest.ledger.enabled)
			return;
		/* It was taken: so much for that. */
		ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_REFUSED);
		if (!clean)
			judge_possible(run, s);
		judge_same(run, clean ? &before : NULL, s);
		if (clean)
			judge_blocks(run, blocks);
		return;
	}
	s->outcome = SNAPSHOT_REFUSED;
	if (run->guest.ledger.enabled)
		judge_refusal(run, s, clean, err, what, fresh, fresh_len);
	run->guest.target->destroy(run->guest.device);
	run->guest.heap.peak_blocks = peak;
	run->guest.device = old;
}

void snapshot_op_save(struct run *run, const struct program *prog, const struct op *op)
{
	struct view before, after;

	(void)prog;
	(void)op;
	if (run->guest.ledger.enabled)
		look(run, &before);
	if (!snapshot_take(run, 0) || !run->guest.ledger.enabled ||
	    !ledger_judges(&run->guest.ledger, RULE_SNAPSHOT_SAME))
		return;
	if (run->snapshots[0].len == 0 && run->guest.target->model &&
	    run->guest.target->transport) {
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_SAME, "the device saves nothing");
		return;
	}
	look(run, &after);
	if (memcmp(&before, &after, sizeof(after)) != 0)
		ledger_break(&run->guest.ledger, RULE_SNAPSHOT_SAME,
			     "the device shows other registers, configuration, state or counters "
			     "once it was saved");
}

void snapshot_op_restore(struct run *run, const struct program *prog, const struct op *op)
{
	struct snapshot *s = &run->snapshots[0];
	bool clean = !s->altered && s->call == ledger_calls(&run->guest.ledger);

	(void)prog;
	(void)op;
	run->guest.entered = true;
	snapshot_restore_run(run, 0, clean);
	record_value(&run->guest.record, RECORD_HOST, s->outcome);
	if (s->outcome == SNAPSHOT_RESTORED && !clean) {
		ledger_forget(&run->guest.ledger,
			      run->guest.transport->look_generation(&run->guest));
		run->guest.ledger.socket.cid = guest_socket_cid(&run->guest);
		requests_doubt_host(&run->guest.requests);
		run->config_unknown = true;
	}
}

void snapshot_op_corrupt(struct run *run, const struct program *prog, const struct op *op)
{
	struct snapshot *s = &run->snapshots[0];
	uint64_t at = op->value[CORRUPT_AT], back = (1ULL << 32) - at;

	(void)prog;
	/* What lies behind the largest snapshot is counted from the end. */
	if (back <= s->len && at >= SNAPSHOT_MAX)
		at = s->len - back;
	if (at >= s->len)
		return;
	s->bytes[at] ^= (uint8_t)op->value[CORRUPT_XOR];
	s->altered = true;
	s->intact = at < s->intact ? at : s->intact;
	s->same = false;
}

void snapshot_op_cut(struct run *run, const struct program *prog, const struct op *op)
{
	struct snapshot *s = &run->snapshots[0];
	size_t len = op->value[CUT_LEN];

	(void)prog;
	if (s->len == 0 || len == 0 || len > SNAPSHOT_MAX)
		return;
	if (len > s->len)
		memset(s->bytes + s->len, 0, len - s->len);
	s->altered = s->altered || len != s->len;
	s->intact = len < s->intact ? len : s->intact;
	s->same = false;
	s->len = len;
}
