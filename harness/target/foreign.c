/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Check the description of a device and make a target of it.  Its kind of memory decides
 * which facts the ledger gets.  See foreign.h.
 */
#include "harness/target/foreign.h"
#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/arena/arena.h"
#include "harness/program/text.h"
#include "harness/rules/rules.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_SIZE_MAX 32768u
#define VIRTIO_VERSION 0x0104 /* that a target was written against which does not say */
/* What a target has that says nothing of its bounds. */
#define CHAIN_BYTES_MAX (1u << 30)
#define HEAP_MAX (64u << 20)
#define FLAGS_ALL 0x1fffu  /* enum vringer_flag */
#define QUEUE_FLAGS_ALL 1u /* enum vringer_queue_flag */
#define GROWTH_MAX 4096u   /* bytes that a later vringer.h may have added */

/* What the level asks for, all or nothing. */
static const char *level_fault(const struct vringer_target *t)
{
	if (t->level == VRINGER_LEVEL_MMIO) {
		if (t->read == NULL || t->write == NULL)
			return "has VRINGER_LEVEL_MMIO, expected read and write";
		if (t->activate != NULL || t->kick != NULL)
			return "has VRINGER_LEVEL_MMIO, but activate and kick are for "
			       "VRINGER_LEVEL_ACTIVATED";
		return NULL;
	}
	if (t->level == VRINGER_LEVEL_ACTIVATED &&
	    ((t->flags & (VRINGER_TRANSPORT | VRINGER_LEVEL_LINE)) != 0 || t->calls != NULL))
		return "has VRINGER_TRANSPORT, VRINGER_LEVEL_LINE or calls, which are for "
		       "VRINGER_LEVEL_MMIO";
	if (t->level != VRINGER_LEVEL_ACTIVATED)
		return "has no level, expected VRINGER_LEVEL_MMIO or "
		       "VRINGER_LEVEL_ACTIVATED";
	if (t->activate == NULL || t->kick == NULL || t->reset == NULL)
		return "has VRINGER_LEVEL_ACTIVATED, expected activate, kick and reset";
	if (t->read != NULL || t->write != NULL)
		return "has VRINGER_LEVEL_ACTIVATED, but read and write are for "
		       "VRINGER_LEVEL_MMIO";
	return NULL;
}

static const char *queue_fault(const struct vringer_target *t)
{
	if (t->queue_count > PROGRAM_QUEUES)
		return "has more than 64 queues";
	if (t->queue_count > 0 && t->queues == NULL)
		return "has a queue_count but no queues";
	for (uint32_t i = 0; i < t->queue_count; i++)
		if (t->queues[i].name == NULL || t->queues[i].size_max == 0 ||
		    t->queues[i].size_max > QUEUE_SIZE_MAX)
			return "has a queue without a name, or with a size_max that is not 1 to "
			       "32768";
	for (uint32_t i = 0; i < t->queue_count; i++)
		if ((t->queues[i].flags & ~QUEUE_FLAGS_ALL) != 0)
			return "has a queue with unknown flags, expected those of enum "
			       "vringer_queue_flag";
	for (uint32_t i = 0; i < t->queue_count && t->queue_needs != NULL; i++)
		if ((t->queue_needs[i].features & ~t->features) != 0 ||
		    t->queue_needs[i].reserved != 0)
			return "has a queue that needs a feature which it does not offer";
	return NULL;
}

static const char *counter_fault(const struct vringer_target *t)
{
	if (t->counter_count > FOREIGN_COUNTERS_MAX)
		return "has more than 64 counters";
	if (t->counter_count > 0 && (t->counter_names == NULL || t->counters == NULL))
		return "has a counter_count, expected counter_names and counters";
	for (uint32_t i = 0; i < t->counter_count; i++)
		if (t->counter_names[i] == NULL)
			return "has a counter without a name";
	return NULL;
}

static const char *values_fault(const struct vringer_target *t)
{
	if (t->name == NULL || strlen(t->name) >= PROGRAM_TARGET_MAX)
		return "has no name, or one of more than 31 letters";
	if (strcmp(t->name, "any") == 0)
		return "has the name 'any', which stands for every device";
	if (t->memory < VRINGER_MEMORY_PURPOSES || t->memory > VRINGER_MEMORY_PLAIN)
		return "has no kind of memory, expected an enum vringer_memory";
	if (t->layout > VRINGER_LAYOUT_OFFSET)
		return "has an unknown layout, expected an enum vringer_layout";
	if ((t->flags & ~FLAGS_ALL) != 0)
		return "has unknown flags, expected those of enum vringer_flag";
	if ((t->features >> VIRTIO_F_VERSION_1 & 1) == 0)
		return "does not offer VIRTIO_F_VERSION_1 (bit 32)";
	if (t->level == VRINGER_LEVEL_ACTIVATED && (t->features >> VIRTIO_F_RING_RESET & 1) != 0 &&
	    (t->queue_reset == NULL || t->queue_start == NULL))
		return "offers RING_RESET (bit 40), expected queue_reset and queue_start";
	if (t->level == VRINGER_LEVEL_ACTIVATED && (t->features >> VIRTIO_F_SUSPEND & 1) != 0)
		return "offers SUSPEND (bit 43), which is for VRINGER_LEVEL_MMIO: there is no call "
		       "for it";
	if (t->create == NULL)
		return "has no create";
	if (t->step != NULL && t->state == NULL)
		return "has step without state, expected both";
	if (t->settle != NULL && t->settle_queues != NULL)
		return "has settle and settle_queues, expected one of them";
	if (t->set_region != NULL && t->memory != VRINGER_MEMORY_PLAIN)
		return "has set_region, which is for VRINGER_MEMORY_PLAIN";
	if (t->layout == VRINGER_LAYOUT_OFFSET && t->memory != VRINGER_MEMORY_PLAIN)
		return "has VRINGER_LAYOUT_OFFSET, which is for VRINGER_MEMORY_PLAIN";
	if (t->reserved != 0)
		return "has a reserved member that is not 0";
	if (t->config_past > UINT8_MAX || t->virtio > UINT16_MAX)
		return "has a config_past that is no byte, or a virtio that is no version as "
		       "0x0104";
	return NULL;
}

/* A counter of the target's, or of chains of one of its queues. */
static bool is_term(const struct vringer_target *t, const char *term, size_t len, bool left)
{
	enum target_chains kind;
	int queue;

	for (uint32_t i = 0; i < t->counter_count; i++)
		if (strlen(t->counter_names[i]) == len &&
		    memcmp(t->counter_names[i], term, len) == 0)
			return true;
	queue = target_chains_term(term, len, &kind);
	return left && queue >= 0 && (uint32_t)queue < t->queue_count;
}

static const char *terms_fault(struct foreign *f, const char *what, const char *list, bool left,
			       bool factors)
{
	unsigned count = 0;

	for (list += strspn(list, " "); *list != '\0'; list += strspn(list, " ")) {
		size_t len;

		if (factors)
			(void)target_term_factor(&list);
		len = strcspn(list, " ");
		if (!is_term(&f->given, list, len, left)) {
			snprintf(f->fault, sizeof(f->fault),
				 "declares %s with '%.*s', which is not one of its counters%s",
				 what, (int)(len < 40 ? len : 40), list,
				 left ? ", nor used.N or another that vringer keeps of one of its "
					"queues"
				      : "");
			return f->fault;
		}
		if (++count > TARGET_SUM_TERMS_MAX)
			return "declares a sum of more than 12 counters";
		list += len;
	}
	return NULL;
}

const char *foreign_terms_fault(struct foreign *f, const char *what, const char *list)
{
	return terms_fault(f, what, list, false, false);
}

static const char *take_sums(struct foreign *f, const struct vringer_sum *sum, bool equal,
			     unsigned *n)
{
	const unsigned end = *n + FOREIGN_SUMS_MAX;
	const char *fault;

	for (; sum != NULL && sum->left != NULL; sum++) {
		if (*n == end)
			return "declares more than 12 sums";
		if (sum->right == NULL)
			return "declares a sum without a right side";
		fault = terms_fault(f, "a sum", sum->left, !equal, true);
		if (fault == NULL)
			fault = terms_fault(f, "a sum", sum->right, false, true);
		if (fault != NULL)
			return fault;
		f->sums[(*n)++] = (struct target_sum){ .left = sum->left,
						       .right = sum->right,
						       .equal = equal };
	}
	return NULL;
}

static const char *sums_fault(struct foreign *f)
{
	unsigned n = 0;
	const char *fault = take_sums(f, f->given.sums, false, &n);

	if (fault == NULL)
		fault = take_sums(f, f->given.equal_sums, true, &n);
	f->target.sums = n > 0 ? f->sums : NULL;
	return fault;
}

static const char *disagreements_fault(struct foreign *f)
{
	const struct vringer_disagreement *d = f->given.disagreements;
	unsigned n = 0;

	for (; d != NULL && d->rule != NULL; d++) {
		if (n == FOREIGN_RULES_MAX)
			return "disagrees with more than 128 rules";
		if (rule_find(d->rule) < 0) {
			snprintf(f->fault, sizeof(f->fault),
				 "disagrees with '%.40s', which is not a rule; 'rules' lists "
				 "them",
				 d->rule);
			return f->fault;
		}
		if (d->reason == NULL || d->reason[0] == '\0') {
			snprintf(f->fault, sizeof(f->fault), "disagrees with %s without a reason",
				 d->rule);
			return f->fault;
		}
		f->disagreements[n++] = (struct target_disagreement){ d->rule, d->reason };
	}
	f->target.disagreements = n > 0 ? f->disagreements : NULL;
	return NULL;
}

static const char *liveness_fault(struct foreign *f)
{
	struct script *script;
	struct text_error error;

	if (f->given.liveness == NULL)
		return NULL;
	script = calloc(1, sizeof(*script));
	if (script == NULL)
		return "could not be checked: no memory";
	if (text_parse(script, f->given.liveness, strlen(f->given.liveness), &error) != 0)
		snprintf(f->fault, sizeof(f->fault),
			 "has an invalid liveness script: %u:%u: %.120s", error.line, error.column,
			 error.message);
	free(script);
	return f->fault[0] != '\0' ? f->fault : NULL;
}

static unsigned facts_of(const struct vringer_target *t)
{
	TABLE(static const unsigned, memory, VRINGER_MEMORY_PLAIN + 1, 1,
	      [0] = 0,
	      [VRINGER_MEMORY_PURPOSES] = TARGET_PURPOSES,
	      [VRINGER_MEMORY_ACCESSORS] = TARGET_ACCESSORS,
	      [VRINGER_MEMORY_PLAIN] = TARGET_PLAIN);
	unsigned facts = FACT_REGISTERS | FACT_LAYOUT | FACT_STATE | memory[t->memory];

	if ((t->flags & VRINGER_NO_INTERRUPT) == 0)
		facts |= FACT_INTERRUPT;
	if (t->counter_count > 0 || t->level == VRINGER_LEVEL_ACTIVATED)
		facts |= FACT_COUNTERS;
	if ((t->flags & VRINGER_ALLOC) != 0 && t->destroy != NULL)
		facts |= FACT_HEAP;
	if (t->settle == NULL && t->settle_queues == NULL)
		facts |= FACT_CALLS;
	if (t->backend_calls != 0 || t->backend_calls_chain != 0 ||
	    (t->flags & VRINGER_BACKEND) != 0)
		facts |= FACT_BACKEND;
	if (t->requests != NULL)
		facts |= FACT_REQUESTS;
	if (t->logged != NULL)
		facts |= FACT_LOG;
	return facts;
}

static void describe(struct foreign *f)
{
	TABLE(static const uint8_t, layouts, VRINGER_LAYOUT_OFFSET + 1, 1,
	      [VRINGER_LAYOUT_STANDARD] = ARENA_STANDARD,
	      [VRINGER_LAYOUT_BELOW_TOP] = ARENA_BELOW_TOP,
	      [VRINGER_LAYOUT_FLAT] = ARENA_FLAT,
	      [VRINGER_LAYOUT_OFFSET] = ARENA_OFFSET);
	const struct vringer_target *t = &f->given;
	struct target *target = &f->target;
	bool whole = t->destroy == NULL && t->level == VRINGER_LEVEL_MMIO;

	for (uint32_t i = 0; i < t->queue_count; i++) {
		f->queues[i] = (struct device_queue_desc){
			.name = t->queues[i].name,
			.size_max = t->queues[i].size_max,
			.driver_initiated = t->queues[i].driver_initiated != 0,
			.features = t->queue_needs != NULL ? t->queue_needs[i].features : 0,
		};
		if ((t->queues[i].flags & VRINGER_GIVES_AWAY) != 0)
			target->gives_away |= 1ULL << i;
	}
	target->name = t->name;
	target->help = t->help;
	target->device_id = t->device_id;
	target->features = t->features;
	target->features_high = t->features_high;
	target->features_always = t->features & t->features_always;
	target->queue_count = t->queue_count;
	target->queues = f->queues;
	target->config_len = t->config_len;
	target->facts = facts_of(t);
	target->model = (t->flags & VRINGER_JUDGE_MODEL) != 0;
	target->transport =
		t->level == VRINGER_LEVEL_ACTIVATED || (t->flags & VRINGER_TRANSPORT) != 0;
	target->strict = (t->flags & (VRINGER_JUDGE_SHOULD | VRINGER_JUDGE_MODEL)) != 0;
	target->limits = (t->flags & (VRINGER_JUDGE_LIMITS | VRINGER_JUDGE_MODEL)) != 0;
	target->keeps_config = (t->flags & VRINGER_JUDGE_MODEL) == 0;
	target->fixed_features = whole || (t->flags & VRINGER_FIXED_FEATURES) != 0;
	target->fixed_sizes = whole || (t->flags & VRINGER_FIXED_SIZES) != 0;
	target->level_line = (t->flags & VRINGER_LEVEL_LINE) != 0;
	target->virtio = t->virtio != 0 ? (uint16_t)t->virtio : VIRTIO_VERSION;
	target->config_past = (uint8_t)t->config_past;
	target->layout = layouts[t->layout];
	target->holds = (t->flags & VRINGER_HOLDS) != 0;
	target->polls = (t->flags & VRINGER_POLLS) != 0;
	target->packed_as_linux = (t->flags & VRINGER_PACKED_AS_LINUX) != 0;
	target->backend_calls = t->backend_calls;
	target->backend_calls_chain = t->backend_calls_chain;
	target->chain_bytes_max = t->chain_bytes_max != 0 ? t->chain_bytes_max : CHAIN_BYTES_MAX;
	target->heap_max = t->heap_max != 0 ? t->heap_max : HEAP_MAX;
	target->liveness = t->liveness;
}

/* What it had when this version began. */
#define SIZE_MIN                                                                                   \
	(offsetof(struct vringer_target, counters) +                                               \
	 sizeof(((const struct vringer_target *)NULL)->counters))

/* A structure of this version that has grown since is fine as long as it asks
 * for nothing that was not there; of one that grew later the rest is 0. */
static const char *version_fault(struct foreign *f, const struct vringer_target *given)
{
	const uint8_t *bytes = (const uint8_t *)given;
	uint32_t at = sizeof(*given);

	if (given->version == VRINGER_VERSION && given->size >= SIZE_MIN &&
	    given->size <= sizeof(*given) + GROWTH_MAX) {
		while (at < given->size && bytes[at] == 0)
			at++;
		if (at >= given->size)
			return NULL;
	}
	snprintf(f->fault, sizeof(f->fault),
		 "was built with a different vringer.h: its version is %u and its size %u, "
		 "expected %u "
		 "and %zu",
		 given->version, given->size, VRINGER_VERSION, sizeof(*given));
	return f->fault;
}

const char *foreign_open(struct foreign *f, const struct vringer_target *given)
{
	static const char *(*const faults[])(const struct vringer_target *) = {
		values_fault, level_fault, queue_fault, counter_fault
	};
	static const char *(*const more_faults[])(struct foreign *) = {
		foreign_parts_fault,   sums_fault,     disagreements_fault, foreign_tables_fault,
		foreign_backend_fault, liveness_fault, foreign_requests
	};
	const char *fault = NULL;

	memset(f, 0, sizeof(*f));
	fault = version_fault(f, given);
	if (fault != NULL)
		return fault;
	memcpy(&f->given, given, given->size < sizeof(f->given) ? given->size : sizeof(f->given));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]) && fault == NULL; i++)
		fault = faults[i](&f->given);
	if (fault != NULL)
		return fault;
	describe(f);
	for (size_t i = 0; i < sizeof(more_faults) / sizeof(more_faults[0]) && fault == NULL; i++)
		fault = more_faults[i](f);
	if (fault != NULL)
		return fault;
	foreign_target_init(f);
	foreign_act_init(f);
	foreign_probe_init(f);
	foreign_ops_init(f);
	return target_fault(&f->target);
}
