/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The mutator as AFL++ calls it: a library that afl-fuzz loads
 * (AFL_CUSTOM_MUTATOR_LIBRARY), built against the interface of 4.04c.
 *
 *   VRINGER_TARGET     the target of inputs that name none; "any" if not given
 *   VRINGER_MAX_LEN    bytes of an input at most
 *   VRINGER_QUEUES     of a target that this library does not know, a letter for
 *                      each queue: d, the driver initiates, or -, the device
 *   VRINGER_FEATURES   ... and the features that it can offer
 *   VRINGER_FEATURES_HIGH   ... of bits 64 to 127
 *   VRINGER_CONFIG     ... and the bytes of its configuration
 *
 * AFL++'s own havoc goes on beside it and keeps the byte level within reach;
 * what that makes is spelt canonically before it runs, so that the bytes of
 * what is kept all mean something.
 */
#include "fuzzers/mutator_afl.h"
#include "fuzzers/mutate.h"
#include "harness/peers/peers.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LEN 4096
/* afl_custom_fuzz starts from a kept input each time: up to 16 mutations. */
#define EFFORT 4
/* One child in so many has two parents. */
#define CROSS_CHANCE 8
#define HAVOC_PERCENT 25
#define DESCRIPTION_MAX 128

struct afl_mutator {
	struct mutator mutator;
	struct trimmer trimmer;
	size_t max;
	unsigned step, steps; /* of trimming */
	size_t posted_size;
	unsigned calls; /* of afl_custom_fuzz */
	bool crossed;	/* what it made last is a child of two */
	char description[DESCRIPTION_MAX];
	/* One for each caller: afl-fuzz keeps what it was given. */
	uint8_t fuzzed[BINARY_SIZE_MAX], havoc[BINARY_SIZE_MAX], posted[BINARY_SIZE_MAX];
	struct target_request requests[TARGET_REQUESTS_MAX]; /* of a target that is not ours */
};

/* The queues of its requests, commas between.  Their bytes are the target's affair. */
static void learn_requests(struct afl_mutator *a, const char *text)
{
	unsigned count = 0;

	while (text != NULL && *text >= '0' && *text <= '9' && count < TARGET_REQUESTS_MAX) {
		char *end;
		unsigned long queue = strtoul(text, &end, 10);

		a->requests[count++] =
			(struct target_request){ .name = "request",
						 .queue = (uint16_t)(queue % PROGRAM_QUEUES) };
		text = *end == ',' ? end + 1 : NULL;
	}
	if (count > 0)
		mutator_set_requests(&a->mutator, a->requests, count);
}

/* What the program under afl-fuzz knows of its own target, this library does not. */
static void learn_target(struct mutator *m)
{
	const char *queues = getenv("VRINGER_QUEUES"), *features = getenv("VRINGER_FEATURES"),
		   *high = getenv("VRINGER_FEATURES_HIGH");
	const char *config = getenv("VRINGER_CONFIG");
	size_t count = queues != NULL ? strlen(queues) : 0;

	if (features != NULL && *features != '\0')
		m->features = strtoull(features, NULL, 0);
	if (high != NULL && *high != '\0')
		m->features_high = strtoull(high, NULL, 0);
	if (config != NULL && *config != '\0')
		m->config_len = (uint32_t)strtoul(config, NULL, 0) % 4096;
	if (count == 0 || count > PROGRAM_QUEUES)
		return;
	m->queue_count = (unsigned)count;
	for (size_t i = 0; i < count; i++)
		m->driven[i] = queues[i] == 'd';
}

void *afl_custom_init(void *afl, unsigned int seed)
{
	struct afl_mutator *a = calloc(1, sizeof(*a));
	const char *target = getenv("VRINGER_TARGET"), *given = getenv("VRINGER_MAX_LEN");
	unsigned long max = given != NULL ? strtoul(given, NULL, 10) : MAX_LEN;

	(void)afl;
	if (a == NULL)
		return NULL;
	peer_register();
	mutator_init(&a->mutator, target != NULL ? target : "any", seed);
	learn_target(&a->mutator);
	learn_requests(a, getenv("VRINGER_REQUESTS"));
	a->mutator.effort = EFFORT;
	a->max = max > 0 && max < BINARY_SIZE_MAX ? max : MAX_LEN;
	return a;
}

void afl_custom_deinit(void *data)
{
	free(data);
}

/* afl-fuzz takes 0 bytes for a failure: what cannot be mutated stays. */
static size_t unchanged(uint8_t *buf, size_t size, uint8_t **out)
{
	*out = buf;
	return size;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t size, uint8_t **out, uint8_t *other,
		       size_t other_size, size_t max)
{
	struct afl_mutator *a = data;
	size_t len = 0;

	if (max > a->max)
		max = a->max;
	a->crossed = other_size > 0 && a->calls++ % CROSS_CHANCE == 0;
	if (a->crossed)
		len = mutator_cross(&a->mutator, buf, size, other, other_size, a->fuzzed, max);
	if (len == 0) {
		a->crossed = false;
		len = mutator_bytes(&a->mutator, buf, size, other, other_size, a->fuzzed, max);
	}
	*out = a->fuzzed;
	return len > 0 ? len : unchanged(buf, size, out);
}

/* One of the mutations that afl-fuzz stacks. */
size_t afl_custom_havoc_mutation(void *data, uint8_t *buf, size_t size, uint8_t **out, size_t max)
{
	struct afl_mutator *a = data;
	size_t len;

	if (max > a->max)
		max = a->max;
	a->mutator.effort = 0;
	len = mutator_bytes(&a->mutator, buf, size, NULL, 0, a->havoc, max);
	a->mutator.effort = EFFORT;
	*out = a->havoc;
	return len > 0 ? len : unchanged(buf, size, out);
}

uint8_t afl_custom_havoc_mutation_probability(void *data)
{
	(void)data;
	return HAVOC_PERCENT;
}

size_t afl_custom_post_process(void *data, uint8_t *buf, size_t size, uint8_t **out)
{
	struct afl_mutator *a = data;
	size_t len;

	/* Calibration gives back what it got, with the length that it had before. */
	if (buf == a->posted)
		return unchanged(buf, a->posted_size, out);
	/* What comes from us is canonical. */
	if (buf == a->fuzzed || buf == a->trimmer.bytes)
		return unchanged(buf, size, out);
	len = mutator_canonical(&a->mutator, buf, size, a->posted, a->max);
	a->posted_size = len;
	*out = a->posted;
	return len > 0 ? len : unchanged(buf, size, out);
}

int afl_custom_init_trim(void *data, uint8_t *buf, size_t size)
{
	struct afl_mutator *a = data;

	a->step = 0;
	a->steps = trim_begin(&a->trimmer, a->mutator.target, buf, size);
	return (int)a->steps;
}

/* 0 bytes: an unsuccessful step, and the last. */
size_t afl_custom_trim(void *data, uint8_t **out)
{
	struct afl_mutator *a = data;

	*out = a->trimmer.bytes;
	return trim_next(&a->trimmer);
}

/* How far it is: at `steps` afl-fuzz stops. */
int afl_custom_post_trim(void *data, uint8_t success)
{
	struct afl_mutator *a = data;

	if (!trim_result(&a->trimmer, success != 0))
		a->step = a->steps;
	else if (a->step + 1 < a->steps)
		a->step++;
	return (int)a->step;
}

/* For the name of the file that is kept. */
const char *afl_custom_describe(void *data, size_t max)
{
	struct afl_mutator *a = data;

	if (max > sizeof(a->description))
		max = sizeof(a->description);
	mutator_describe(&a->mutator, a->description, max);
	return a->crossed ? "cross" : a->description;
}
