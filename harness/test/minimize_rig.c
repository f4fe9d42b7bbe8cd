/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the tests of the minimiser share; see minimize_rig.h.
 */
#include "minimize_rig.h"
#include "broken.h"
#include "signals.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <sys/mman.h>

struct target picky;
static unsigned counted, readied;
static const struct device_host *host;
static uint64_t offered;
static uint16_t queue_max;
static unsigned *runs; /* shared by all processes */

static void *picky_create(const struct target *target, const struct device_host *h,
			  uint64_t features, const uint16_t *sizes)
{
	host = h;
	offered = features;
	queue_max = sizes[0];
	++*runs;
	return broken_target.create(target, h, features, sizes);
}

static void count(uint32_t value)
{
	counted += value >= 65;
}

static void ready(uint32_t value)
{
	(void)value;
	readied = 1;
}

static void count_if_ready(uint32_t value)
{
	(void)value;
	counted += readied;
}

static void exit_if_two(uint32_t value)
{
	(void)value;
	if (counted >= 2)
		exit(20);
}

static void exit_if_three(uint32_t value)
{
	(void)value;
	if (counted >= 3)
		exit(30);
}

static void exit_if_many(uint32_t value)
{
	(void)value;
	if (counted >= 300)
		exit(99);
}

static void exit_if_held_back(uint32_t value)
{
	(void)value;
	if ((offered & 1u << 5) == 0 && queue_max == 3)
		exit(40);
}

static void exit_if_bytes(uint32_t value)
{
	uint8_t bytes[512];

	(void)value;
	host->read(host->ctx, (struct guest_why){ 0 }, 0x10000, bytes, sizeof(bytes));
	if (bytes[2] >= 5 && bytes[3] == 0x80)
		exit(50);
	if (bytes[272] != 0)
		exit(51);
}

static void exit_every_other_run(uint32_t value)
{
	if (*runs % 2 == value)
		exit(60);
}

/* The first byte of b14. */
static void exit_if_last(uint32_t value)
{
	uint8_t byte = 0;

	(void)value;
	host->read(host->ctx, (struct guest_why){ 0 }, 0 - (uint64_t)64, &byte, 1);
	if (byte == 90)
		exit(70);
}

static void (*const acts[])(uint32_t value) = {
	NULL,	       count,
	ready,	       count_if_ready,
	exit_if_two,   exit_if_three,
	exit_if_many,  exit_if_held_back,
	exit_if_bytes, exit_every_other_run,
	exit_if_last,
};

static void picky_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	uint64_t act = (offset - VIRTIO_MMIO_CONFIG) / 4;
	uint32_t value = 0;

	memcpy(&value, buf, len < sizeof(value) ? len : sizeof(value));
	if (offset == VIRTIO_MMIO_STATUS && (value & 0x42) == 0x42)
		exit(5);
	if (offset == VIRTIO_MMIO_STATUS && value == 0)
		counted = readied = 0;
	if (offset > VIRTIO_MMIO_CONFIG && offset % 4 == 0 && act < sizeof(acts) / sizeof(acts[0]))
		acts[act](value);
	if (offset != VIRTIO_MMIO_CONFIG) {
		broken_target.write(device, offset, buf, len);
	} else if (value % 1000 == 7) {
		value /= 1000;
		broken_target.write(device, offset, &value, sizeof(value));
	}
}

struct script script;
struct minimize_result result;
static struct script again;
struct minimize_options options = { .target = &picky,
				    .judging = { .strict = true, .limits = true } };

static void parse(struct script *to, const char *text)
{
	struct text_error error;

	if (text_parse(to, text, strlen(text), &error) != 0)
		fail_msg("line %u: %s\n%s", error.line, error.message, text);
}

int minimize(const char *text)
{
	int err;

	parse(&script, text);
	*runs = 0;
	signals_as_before();
	err = minimize_script(&script, &options, &result);
	signals_as_cmocka();
	return err;
}

/* The result as it is written, to be freed. */
char *printed(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	minimize_print(out, &script, &result.finding, NULL);
	fclose(out);
	return text;
}

/* It is a script, and shows the finding. */
void assert_reproduces(const char *text, const char *signature)
{
	struct child_job job = {
		.script = &again,
		.target = &picky,
		.judging = options.judging,
		.leaks = true,
		.seconds = options.seconds,
	};
	struct child_result outcome;
	const struct finding *f;

	parse(&again, text);
	assert_true(program_equal(&again.prog, &script.prog));
	signals_as_before();
	assert_int_equal(child_run(&job, &outcome, NULL), 0);
	signals_as_cmocka();
	f = child_finding(&outcome, &job);
	assert_non_null(f);
	assert_string_equal(f->signature, signature);
}

static const char *after_comment(const char *text)
{
	while (*text == '#')
		text = strchr(text, '\n') + 1;
	return text;
}

/* `text` shrinks to exactly `program`, of a finding whose signature starts so. */
void assert_shrinks(const char *text, const char *signature, const char *program)
{
	char *out;

	assert_int_equal(minimize(text), 0);
	assert_int_equal(result.ended, 0);
	out = printed();
	if (strncmp(result.finding.signature, signature, strlen(signature)) != 0 ||
	    strcmp(after_comment(out), program) != 0)
		fail_msg("%s, not %s:\n%s", result.finding.signature, signature, out);
	assert_memory_equal(out + 2, result.finding.signature, strlen(result.finding.signature));
	assert_reproduces(out, result.finding.signature);
	free(out);
}

/* ... and does so again, in as many steps. */
void assert_shrinks_twice(const char *text, const char *signature, const char *program)
{
	unsigned candidates;
	char *first, *second;

	assert_shrinks(text, signature, program);
	candidates = result.candidates;
	first = printed();
	assert_shrinks(text, signature, program);
	second = printed();
	assert_int_equal(result.candidates, candidates);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static volatile sig_atomic_t stop;
static unsigned stop_after;

static void stop_at(void *ctx, const struct minimize_progress *progress)
{
	(void)ctx;
	assert_non_null(progress->phase);
	if (progress->candidates >= stop_after)
		stop = 1;
}

int minimize_stopped(const char *text, unsigned candidates)
{
	int err;

	stop = 0;
	stop_after = candidates;
	options.stop = &stop;
	options.progress = stop_at;
	err = minimize(text);
	options.stop = NULL;
	options.progress = NULL;
	return err;
}

int minimize_tests(const struct CMUnitTest *tests, size_t count)
{
	runs = mmap(NULL, sizeof(*runs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runs == MAP_FAILED)
		return 1;
	picky = broken_target;
	picky.name = "picky";
	picky.features |= 0xff;
	picky.config_len = 4;
	picky.create = picky_create;
	picky.write = picky_write;
	/* It keeps account over all its devices: one made anew is no other. */
	picky.save = NULL;
	picky.restore = NULL;
	signals_remember();
	return _cmocka_run_group_tests("minimize", tests, count, NULL, NULL);
}
