/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The script that stands for a group of crash files.  See triage.h.
 *
 * It is called after the signature, so that the next triage finds it, and
 * starts from it if it is smaller than what there is otherwise: then nothing
 * changes, however often the same files are sorted.
 */
#include "harness/binary.h"
#include "harness/input.h"
#include "harness/minimize.h"
#include "harness/triage.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STOP_TIME (-1) /* the time for this group is over */

struct shrink {
	volatile sig_atomic_t *stop;
	struct timespec start;
	unsigned seconds;
};

static unsigned seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec - start->tv_sec);
}

static void on_progress(void *ctx, const struct minimize_progress *progress)
{
	struct shrink *s = ctx;

	(void)progress;
	if (*s->stop == 0 && seconds_since(&s->start) >= s->seconds)
		*s->stop = STOP_TIME;
}

/* A signature as the name of a file, for shells and other systems too. */
static char *script_path(const struct triage *triage, const struct triage_group *group)
{
	const struct triage_group *first = triage->groups;
	char name[sizeof(group->finding.signature)];
	const char *dir = triage->options->output;
	const int dir_len = (int)strlen(dir) - (dir[1] != '\0' && dir[strlen(dir) - 1] == '/');
	unsigned same = 0;
	char *path;
	int err;

	snprintf(name, sizeof(name), "%s", group->finding.signature);
	for (char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
			*c = '-';
	/* Signatures of two targets, say. */
	for (; first < group; first++)
		same += first->script != NULL &&
			strcmp(first->finding.signature, group->finding.signature) == 0;
	if (same > 0)
		err = asprintf(&path, "%.*s/%s-%s.vr", dir_len, dir, name, group->target->name);
	else
		err = asprintf(&path, "%.*s/%s.vr", dir_len, dir, name);
	return err < 0 ? NULL : path;
}

static long size_of(const struct program *prog)
{
	static uint8_t bytes[BINARY_SIZE_MAX];

	return binary_encode(prog, bytes, sizeof(bytes), false);
}

/* The script, loaded from the smaller of the two; 0 or -EINVAL. */
static int load_smaller(struct triage *triage, const char *one, const char *other)
{
	const char *target = triage->options->target;
	long size;

	if (input_load(triage->script, one, target, NULL) != 0)
		return -EINVAL;
	if (access(other, R_OK) != 0)
		return 0;
	size = size_of(&triage->script->prog);
	if (input_load(triage->script, other, target, NULL) == 0 &&
	    size_of(&triage->script->prog) <= size)
		return 0;
	return input_load(triage->script, one, target, NULL);
}

static int minimize_group(struct triage *triage, const struct triage_group *group,
			  struct minimize_result *result)
{
	const struct triage_options *o = triage->options;
	struct shrink s = { .stop = o->stop, .seconds = TRIAGE_SHRINK_SECONDS };
	const struct minimize_options options = {
		.target = group->target,
		.strict = o->strict || group->target->strict,
		.limits = o->limits || group->target->limits,
		.no_ledger = o->no_ledger,
		.known = o->known,
		.seconds = o->seconds,
		.stop = o->stop,
		.progress = on_progress,
		.ctx = &s,
	};
	unsigned left = 0;
	int err;

	if (triage->shrunk_seconds < TRIAGE_SHRINK_ALL_SECONDS)
		left = TRIAGE_SHRINK_ALL_SECONDS - triage->shrunk_seconds;
	if (s.seconds > left)
		s.seconds = left;
	clock_gettime(CLOCK_MONOTONIC, &s.start);
	err = minimize_script(triage->script, &options, result);
	triage->shrunk_seconds += seconds_since(&s.start);
	if (*o->stop == STOP_TIME)
		*o->stop = 0;
	return err;
}

static int fail_memory(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
	return -ENOMEM;
}

static int write_script(struct triage *triage, struct triage_group *group,
			const struct finding *finding, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (out == NULL)
		return fail_memory(path);
	minimize_print(out, triage->script, finding);
	fclose(out);
	err = output_write(path, text, len);
	free(text);
	group->op_count = triage->script->prog.op_count;
	return err;
}

/* From the file that the script is loaded from: its finding is the group's, or
 * shrinking did not come that far. */
static bool is_of_group(const struct triage_group *group, int err,
			const struct minimize_result *result)
{
	if (err == 0)
		return strcmp(result->finding.signature, group->finding.signature) == 0;
	return err == -EINTR || err == -ESTALE;
}

int triage_shrink(struct triage *triage, struct triage_group *group)
{
	const char *input = group->inputs[0].path;
	struct minimize_result result;
	char *path = script_path(triage, group);
	int err;

	if (path == NULL)
		return fail_memory(input);
	err = load_smaller(triage, input, path);
	if (err == 0) {
		err = minimize_group(triage, group, &result);
		/* What an earlier triage left is of another build, say. */
		if (!is_of_group(group, err, &result) &&
		    input_load(triage->script, input, triage->options->target, NULL) == 0)
			err = minimize_group(triage, group, &result);
		group->shrunk = err == 0 && result.ended == 0;
		err = write_script(triage, group, err == 0 ? &result.finding : &group->finding,
				   path);
	}
	if (err == 0)
		group->script = path;
	else
		free(path);
	return err;
}
