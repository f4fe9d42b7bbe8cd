/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Counts what all executed inputs reached of a device, whatever the engine kept: for
 * fuzzers/measure.sh.
 *
 * The device has clang's counters of edges.  They are linked to this file, which hands them
 * on to libFuzzer or keeps them to itself: the same program with and without that feedback,
 * at the same speed.  An input counter that is the same for all inputs keeps libFuzzer from
 * giving up where it sees nothing else.
 *
 *   MEASURE_CODE=yes       libFuzzer sees them
 *   MEASURE_CPU=SECONDS    of CPU time; then the process prints one line and ends
 *
 * Edges, and behaviours: how often an edge is taken by an input is one of eight magnitudes,
 * and each that was seen of an edge counts.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNTERS_MAX 65536u
#define INPUTS_A_LOOK 16 /* at the time */

/* The linker makes these of what they wrap (--wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __real___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __wrap___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __real___sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);
void __wrap___sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);
/* NOLINTEND(bugprone-reserved-identifier) */

__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t ran;

/* All that are linked in lie in one piece. */
static uint8_t *counters, *counters_end;
static uint8_t magnitudes[COUNTERS_MAX]; /* a bit for each that was seen */
static unsigned long executions;

static bool sees_code(void)
{
	return getenv("MEASURE_CODE") != NULL;
}

void __wrap___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
	counters = start;
	counters_end = stop - start <= COUNTERS_MAX ? stop : start + COUNTERS_MAX;
	if (sees_code())
		__real___sanitizer_cov_8bit_counters_init(start, stop);
}

void __wrap___sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	if (sees_code())
		__real___sanitizer_cov_pcs_init(start, stop);
}

static uint8_t magnitude(uint8_t count)
{
	static const uint8_t limits[] = { 1, 2, 3, 7, 15, 31, 127 };
	unsigned i = 0;

	while (i < sizeof(limits) && count > limits[i])
		i++;
	return (uint8_t)(1u << i);
}

static void note(void)
{
	for (uint8_t *counter = counters; counter < counters_end; counter++)
		if (*counter != 0)
			magnitudes[counter - counters] |= magnitude(*counter);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end(void) __attribute__((noreturn));

static void end(void)
{
	unsigned edges = 0, behaviours = 0;

	for (size_t i = 0; i < COUNTERS_MAX; i++) {
		edges += magnitudes[i] != 0;
		behaviours += (unsigned)__builtin_popcount(magnitudes[i]);
	}
	fprintf(stderr, "measured: %u of %zu edges, %u behaviours, %lu executions\n", edges,
		(size_t)(counters_end - counters), behaviours, executions);
	fflush(NULL);
	_exit(0);
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *given = getenv("MEASURE_CPU");
	int result;

	if (!sees_code() && counters != NULL)
		memset(counters, 0, (size_t)(counters_end - counters));
	ran = 1;
	result = __real_LLVMFuzzerTestOneInput(data, size);
	note();
	if (++executions % INPUTS_A_LOOK == 0 && given != NULL &&
	    cpu_seconds() >= strtod(given, NULL))
		end();
	return result;
}
