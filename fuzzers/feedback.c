/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What can be observed of a device, as an engine's feedback.  See feedback.h.
 *
 * libFuzzer reads the counters in the section below after each input; AFL++ has a map of
 * its own, of which feedback_guards are a part.
 */
#include "fuzzers/feedback.h"

#include "devices/table.h"
#include "devices/virtio_1_4.h"
#include "harness/rules/finding.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Small numbers are themselves, others count by their magnitude. */
#define EXACT_MAX 2u
/* More often than that is no news. */
#define TIMES_MAX 4u

__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t map[FEEDBACK_MAP];

uint32_t *feedback_guards;

/* AFL++'s; not there in other programs. */
void __sanitizer_cov_trace_pc_guard(uint32_t *guard) __attribute__((weak));

/* The operation in flight, or the stage. */
static uint32_t verb;

/* Mix a number into a hash. */
static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * 0x9e3779b1u;
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

static void hit(uint32_t hash)
{
	uint32_t at = hash & (FEEDBACK_MAP - 1);

	if (feedback_guards != NULL && __sanitizer_cov_trace_pc_guard != NULL)
		__sanitizer_cov_trace_pc_guard(&feedback_guards[at]);
	else if (map[at] < TIMES_MAX)
		map[at]++;
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
		return e->addr >= VIRTIO_MMIO_CONFIG && e->value != 0
			       ? mix(mix((uint32_t)e->addr, e->len), class_of(e->value))
			       : 0;
	}
}

static uint32_t of_access(const struct trace_event *e)
{
	return mix(mix(mix(e->why.purpose, e->why.queue), class_of(e->len)), e->err != 0);
}

static uint32_t of_used(const struct trace_event *e)
{
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
      [TRACE_FINDING] = of_finding);

static void on_event(void *ctx, const struct trace_event *e)
{
	uint32_t number;

	(void)ctx;
	if (e->kind == TRACE_OP || e->kind == TRACE_STAGE) {
		verb = mix_text(e->kind, e->name);
		return;
	}
	number = of_event[e->kind] != NULL ? of_event[e->kind](e) : 0;
	if (number != 0)
		hit(mix(mix(number, e->kind), verb));
}

const struct trace *feedback_begin(void)
{
	static const struct trace reader = { .event = on_event };

	verb = 0;
	return &reader;
}

const struct trace *feedback_if_asked(void)
{
	static enum { UNKNOWN, ON, OFF } state;

	if (state == UNKNOWN) {
		const char *given = getenv("VRINGER_FEEDBACK");

		state = given != NULL && strcmp(given, "observed") == 0 ? ON : OFF;
	}
	return state == ON ? feedback_begin() : NULL;
}
