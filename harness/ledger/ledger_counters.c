/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The counters of a device: its own, which its target names, and those that the ledger keeps of
 * its queues (enum target_chains).  See ledger.h.
 *
 * counters.fall: one that is no gauge moves up alone.
 *
 * counters.sum: the target says which sums hold.  What the ledger keeps stands on their lesser side
 * alone: it counts what it has seen, and never more.  It does not count what it cannot be sure
 * of: what a chain had that it could not follow, or a write that failed in order, which may be of a
 * batch that its device returned long ago.  Of a device that a snapshot made, what its
 * counters stand at is not known, and nothing is judged.
 *
 * Which of them follow from VIRTIO is the target's to say: this compares.  VIRTIO 1.4, 2.7, 2.8.
 */
#include "harness/ledger/follower.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

/* The counter, as an index, with that name of `len` bytes; or -1. */
static int find_term(const struct ledger *l, const void *device, const char *term, size_t len)
{
	unsigned count = target_counter_count(l->target, device);
	enum target_chains kind;
	int queue;

	for (unsigned i = 0; i < count; i++) {
		const char *name = l->target->counter_name(device, i);

		if (strncmp(name, term, len) == 0 && name[len] == '\0')
			return (int)i;
	}
	queue = target_chains_term(term, len, &kind);
	return queue >= 0 && queue < PROGRAM_QUEUES
		       ? (int)ledger_chains_index(kind, (unsigned)queue)
		       : -1;
}

/* The counter of that name, as an index; -1 if there is none. */
int ledger_name_counter(const struct ledger *l, const void *device, const char *name)
{
	return name != NULL && *name != '\0' ? find_term(l, device, name, strlen(name)) : -1;
}

void ledger_name_counters(const struct ledger *l, const void *device, const char *list,
			  struct ledger_term terms[TARGET_SUM_TERMS_MAX + 1])
{
	unsigned n = 0;

	while (list != NULL && *list != '\0') {
		uint32_t factor = target_term_factor(&list);
		size_t len = strcspn(list, " ");
		int term = find_term(l, device, list, len);

		if (term >= 0 && n < TARGET_SUM_TERMS_MAX)
			terms[n++] = (struct ledger_term){ (int16_t)term, factor };
		list += len + strspn(list + len, " ");
	}
	terms[n].counter = -1;
}

/* Does a side name `none.N`?  What moves with every look is kept for those alone. */
static bool names_looks(const struct ledger_term *term)
{
	const int first = (int)ledger_chains_index(CHAINS_NONE, 0);

	while (term->counter >= 0 &&
	       (term->counter < first || term->counter >= first + PROGRAM_QUEUES))
		term++;
	return term->counter >= 0;
}

static void compile_gauges(struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);

	for (unsigned i = 0; i < count; i++)
		l->sums.gauges[i] = target_is_gauge(l->target, l->target->counter_name(device, i));
}

static void compile_sums(struct ledger *l, const void *device)
{
	const struct target_sum *sum = l->target->sums;

	l->sums.count = 0;
	l->sums.name_looks = false;
	for (; sum != NULL && sum->left != NULL && l->sums.count < TARGET_SUMS_MAX; sum++) {
		ledger_name_counters(l, device, sum->left, l->sums.terms[l->sums.count][0]);
		l->sums.name_looks |= names_looks(l->sums.terms[l->sums.count][0]);
		ledger_name_counters(l, device, sum->right, l->sums.terms[l->sums.count++][1]);
	}
	compile_gauges(l, device);
	TELL_FOLLOWERS(l, name, l, device);
	l->sums.ready = true;
}

static void judge_sums(struct ledger *l)
{
	for (unsigned i = 0; i < l->sums.count; i++) {
		uint64_t left = ledger_add_up(l, l->sums.terms[i][0]);
		uint64_t right = ledger_add_up(l, l->sums.terms[i][1]);

		if (left > right || (l->target->sums[i].equal && left < right))
			ledger_break(l, RULE_COUNTERS_SUM, "%s is %llu, %s than %s, which is %llu",
				     l->target->sums[i].left, (unsigned long long)left,
				     left > right ? "more" : "less", l->target->sums[i].right,
				     (unsigned long long)right);
	}
}

#define BLOCK 8u /* compared together: most are what they were, after most operations */

/* What they are now is kept. */
static void judge_moved(struct ledger *l, const void *device, const uint64_t *values, unsigned from,
			unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		if (values[i] == l->device.counters[i])
			continue;
		if (values[i] < l->device.counters[i] && !l->sums.gauges[i])
			ledger_break(l, RULE_COUNTERS_FALL, "%s fell from %llu to %llu",
				     l->target->counter_name(device, i),
				     (unsigned long long)l->device.counters[i],
				     (unsigned long long)values[i]);
		l->device.counters[i] = values[i];
	}
}

/* As memcmp() says of so few: sanitizers and engines look at each call of that. */
static inline bool are_same(const uint64_t *a, const uint64_t *b, unsigned count)
{
	uint64_t other = 0;

	for (unsigned i = 0; i < count; i++)
		other |= a[i] ^ b[i];
	return other == 0;
}

/* counters.sum: compared only when a counter moved, or what is kept of queues, since a
 * sum of what stands still stands still. */
void ledger_judge_counters(struct ledger *l, const void *device)
{
	unsigned count = target_counter_count(l->target, device);
	uint64_t values[TARGET_COUNTERS_MAX];
	bool moved = l->call.moved != 0 || l->device.sums_due;

	if (!l->sums.ready)
		compile_sums(l, device);
	target_counters(l->target, device, values);
	for (unsigned i = 0; i < count; i += BLOCK) {
		unsigned n = count - i < BLOCK ? count - i : BLOCK;

		if (are_same(values + i, l->device.counters + i, n))
			continue;
		judge_moved(l, device, values, i, i + n);
		moved = true;
	}
	l->device.sums_due = false;
	if (moved && ledger_judges(l, RULE_COUNTERS_SUM))
		judge_sums(l);
	TELL_FOLLOWERS(l, counted, l);
}
