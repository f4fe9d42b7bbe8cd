/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What can be observed of a device, as an engine's feedback.  See feedback.h.
 *
 * libFuzzer reads the counters in the section below after each input.  AFL++ has a map of
 * its own, and guards that say where in it something is counted: here is one for each of our
 * counters.
 */
#include "fuzzers/feedback.h"

#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "fuzzers/engine.h"
#include "harness/rules/finding.h"

#include <endian.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Small numbers are themselves, others count by their magnitude. */
#define EXACT_MAX 2u
/* No device: what tells vringer of one may be compiled by an engine's flags alone. */
#define FEW_EDGES 64

/* What is counted besides events, in the place of their kind. */
enum { AFTER_JUDGED = TRACE_KIND_COUNT, AFTER_STATE, AFTER_WORK, AFTER_NEAR, ORDER };

__attribute__((section("__libfuzzer_extra_counters"), used)) uint8_t feedback_map[FEEDBACK_MAP];

/* AFL++'s; not there in other programs. */
void __sanitizer_cov_trace_pc_guard(uint32_t *guard) __attribute__((weak));
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop) __attribute__((weak));
extern uint32_t __afl_final_loc __attribute__((weak));

/* Counters and guards of edges, as the linker finds them. */
extern const uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern const uint8_t __stop___sancov_cntrs[] __attribute__((weak));
extern const uint32_t __start___sancov_guards[] __attribute__((weak));
extern const uint32_t __stop___sancov_guards[] __attribute__((weak));

/* Whatever the flags: feedback from this file would be about itself, and clang, where it adds
 * some, has these symbols for itself. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

static uint32_t guards[FEEDBACK_MAP];
static bool has_guards;

/* Of the program that runs. */
static struct {
	uint32_t verb;			   /* the operation in flight, or the stage */
	uint32_t returned[PROGRAM_QUEUES]; /* id of the last chain that came back, + 1 */
	uint64_t judged[(RULE_COUNT + 63) / 64];
	uint64_t completions;
} seen;

/* Mix a number into a hash. */
static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash * 31 + value + 1) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static uint32_t mix_text(uint32_t hash, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		hash = mix(hash, (uint8_t)*text);
	return hash;
}

static uint32_t class_of(uint64_t value)
{
	return value <= EXACT_MAX ? (uint32_t)value
				  : EXACT_MAX + 64u - (uint32_t)__builtin_clzll(value);
}

/* How often is no news: an engine would keep ever longer programs for it. */
static void hit_at(uint32_t hash)
{
	uint32_t at = hash & (FEEDBACK_MAP - 1);

	if (feedback_map[at] != 0)
		return;
	feedback_map[at] = 1;
	if (has_guards)
		__sanitizer_cov_trace_pc_guard(&guards[at]);
}

/* By the operation that led there. */
static void hit(uint32_t kind, uint32_t number)
{
	hit_at(mix(mix(number, kind), seen.verb));
}

/* What would be too many by every operation. */
static void hit_by_any(uint32_t kind, uint32_t number)
{
	hit_at(mix(number, kind));
}

/* The device's answer to a driver that reads; 0 of the configuration says little. */
static uint32_t of_register(const struct trace_event *e)
{
	switch (e->addr) {
	case VIRTIO_MMIO_STATUS:
	case VIRTIO_MMIO_INTERRUPT_STATUS:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_RESET:
		return mix((uint32_t)e->addr, (uint32_t)e->value & 0xff);
	default:
		return e->value != 0 ? mix(mix((uint32_t)e->addr, e->len), class_of(e->value)) : 0;
	}
}

/* Of what a device writes that the driver goes by: a length, a status.  A used entry may be
 * written in two halves, which say nothing each. */
static uint32_t of_content(const struct trace_event *e)
{
	bool split = e->why.purpose == GUEST_USED_ENTRY && e->len == sizeof(struct vring_used_elem);
	bool packed = e->why.purpose == GUEST_PACKED_USED && e->len >= sizeof(uint32_t);
	uint32_t len;

	if (e->kind != TRACE_WRITE || e->err != 0 || e->data == NULL)
		return 0;
	if (e->why.purpose == GUEST_PAYLOAD)
		return e->len == 1 ? class_of(*e->data) : 0;
	if (!split && !packed)
		return 0;
	memcpy(&len, e->data + (split ? offsetof(struct vring_used_elem, len) : 0), sizeof(len));
	return class_of(le32toh(len));
}

static uint32_t of_access(const struct trace_event *e)
{
	uint32_t which = mix(mix(e->why.purpose, e->why.queue), class_of(e->len));

	return mix(mix(which, e->err != 0), of_content(e));
}

/* Came it back in the order in which it was offered, as far as its id tells? */
static uint32_t of_order(uint16_t queue, uint32_t id)
{
	uint32_t last = queue < PROGRAM_QUEUES ? seen.returned[queue] : 0;

	if (queue < PROGRAM_QUEUES)
		seen.returned[queue] = id + 1;
	if (last == 0)
		return 1;
	return id >= last ? 2 + (id > last) : 4 + (id + 1 < last);
}

static uint32_t of_used(const struct trace_event *e)
{
	hit(ORDER, mix(e->why.queue, of_order(e->why.queue, (uint32_t)e->value)));
	return mix(e->why.queue, class_of(e->len));
}

static uint32_t of_interrupt(const struct trace_event *e)
{
	return mix((uint32_t)e->value, e->index);
}

static uint32_t of_frame(const struct trace_event *e)
{
	return mix((uint32_t)e->value, class_of(e->len));
}

static uint32_t of_host(const struct trace_event *e)
{
	return mix(mix((uint32_t)e->value, e->index), class_of(e->len));
}

static uint32_t of_counter(const struct trace_event *e)
{
	return mix_text(class_of(e->value), e->name);
}

/* How many bytes, and of one byte what it became: a status, an index. */
static uint32_t of_change(const struct trace_event *e)
{
	return mix(class_of(e->len), e->data != NULL && e->len == 1 ? class_of(*e->data) : 0);
}

/* Broken rules, also those that fail nothing. */
static uint32_t of_finding(const struct trace_event *e)
{
	return mix_text(1, e->finding->signature);
}

/* What a device decides on, as a number; 0: nothing new is in it.  NULL: the guest's or
 * the harness's own doing. */
typedef uint32_t of_event_fn(const struct trace_event *e);
TABLE(static of_event_fn *const, of_event, TRACE_KIND_COUNT, 1,
      [TRACE_OP] = NULL,
      [TRACE_STAGE] = NULL,
      [TRACE_REG_READ] = of_register,
      [TRACE_REG_WRITE] = NULL,
      [TRACE_ACT] = NULL,
      [TRACE_READ] = of_access,
      [TRACE_WRITE] = of_access,
      [TRACE_INTERRUPT] = of_interrupt,
      [TRACE_RACE] = NULL,
      [TRACE_FAULT] = NULL,
      [TRACE_ALLOC] = NULL,
      [TRACE_FREE] = NULL,
      [TRACE_WORK] = NULL,
      [TRACE_USED] = of_used,
      [TRACE_COUNTER] = of_counter,
      [TRACE_HOST] = of_host,
      [TRACE_FRAME] = of_frame,
      [TRACE_CHANGE] = of_change,
      [TRACE_REGION] = NULL,
      [TRACE_ALTER] = NULL,
      [TRACE_FINDING] = of_finding);

void feedback_event(void *ctx, const struct trace_event *e)
{
	uint32_t number;

	(void)ctx;
	if (e->kind == TRACE_OP || e->kind == TRACE_STAGE) {
		seen.verb = mix_text(e->kind, e->name);
		return;
	}
	number = of_event[e->kind] != NULL ? of_event[e->kind](e) : 0;
	if (number != 0)
		hit(e->kind, number);
}

/* Rules that had something to judge for the first time: what leads to them is worth keeping. */
static void of_judged(const struct ledger *ledger)
{
	for (size_t i = 0; i < ARRAY_SIZE(seen.judged); i++) {
		uint64_t fresh = ledger->judged[i] & ~seen.judged[i];

		seen.judged[i] |= fresh;
		for (; fresh != 0; fresh &= fresh - 1)
			hit(AFTER_JUDGED, 1 + (uint32_t)__builtin_ctzll(fresh) + 64 * (uint32_t)i);
	}
}

/* Of the most that a rule allows, how much was used?  1: a quarter, 2: half, 3: all; 0: less, or
 * there is no bound. */
static uint32_t nearness(uint64_t used, uint64_t most)
{
	if (most == 0 || used == 0 || used < most / 4)
		return 0;
	return used >= most ? 3 : used >= most / 2 ? 2 : 1;
}

static void of_near(const struct ledger *ledger)
{
	uint32_t accesses = nearness(ledger->call.accesses, ledger->call.accesses_max);
	uint32_t bytes = nearness(ledger->call.bytes, ledger->call.bytes_max);
	uint32_t heap = nearness(ledger->heap->live_bytes, ledger->target->heap_max);

	if ((accesses | bytes | heap) != 0)
		hit(AFTER_NEAR, mix(mix(mix(1, accesses), bytes), heap));
}

void feedback_after_op(void *ctx, struct run *run, uint32_t index)
{
	const struct ledger *ledger = &run->guest.ledger;
	uint64_t returned = ledger->device.completions - seen.completions;

	(void)ctx, (void)index;
	seen.completions = ledger->device.completions;
	of_judged(ledger);
	if (run->guest.entered)
		of_near(ledger);
	hit_by_any(AFTER_STATE, mix(mix(1, ledger->device.status), ledger->device.shown));
	hit_by_any(AFTER_WORK, mix(mix(1, class_of(returned)), class_of(ledger->device.held)));
}

/* Does an engine see of the device's code? */
static bool is_instrumented(void)
{
	if (&__afl_final_loc != NULL && __afl_final_loc >= FEW_EDGES)
		return true;
	return (uintptr_t)__stop___sancov_cntrs - (uintptr_t)__start___sancov_cntrs >= FEW_EDGES ||
	       (uintptr_t)__stop___sancov_guards - (uintptr_t)__start___sancov_guards >=
		       FEW_EDGES * sizeof(__start___sancov_guards[0]);
}

static bool is_wanted(void)
{
	const char *given = getenv("VRINGER_FEEDBACK");

	if (given != NULL && *given != '\0')
		return strcmp(given, "observed") == 0;
	return fuzz_target.feedback == FEEDBACK_ALWAYS ||
	       (fuzz_target.feedback == FEEDBACK_BLIND && !is_instrumented());
}

static bool wanted;

/* Before AFL++'s runtime makes its map (5), and after it counted what is instrumented (2). */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"
#endif
__attribute__((constructor(4))) static void ask_for_guards(void)
{
	wanted = is_wanted();
	if (!wanted || __sanitizer_cov_trace_pc_guard_init == NULL || &__afl_final_loc == NULL)
		return;
	__sanitizer_cov_trace_pc_guard_init(guards, guards + FEEDBACK_MAP);
	has_guards = true;
}

void feedback_begin(struct run_options *options)
{
	static const struct trace reader = { .event = feedback_event };

	if (!wanted)
		return;
	memset(&seen, 0, sizeof(seen));
	/* Else the engine itself does that. */
	if (has_guards)
		memset(feedback_map, 0, sizeof(feedback_map));
	options->trace = &reader;
	options->after_op = feedback_after_op;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
