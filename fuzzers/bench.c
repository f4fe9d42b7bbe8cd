/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How fast sessions run: decode, run and judge, over and over, on one core.
 *
 *   bench DIR    DIR: the encoded corpus of net-loopback
 *
 * The ledger is always on.  Each row is measured for about two seconds.
 */
#include "harness/binary.h"
#include "harness/input.h"
#include "harness/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define INPUTS_MAX 4096
#define ROW_SECONDS 2.0

struct input {
	uint8_t *data;
	size_t size;
};

static struct program program;
static struct script script;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bench_row(struct run *run, const char *name, const struct input *inputs, size_t count)
{
	struct run_options options = { .strict = true, .limits = true };
	unsigned long long runs = 0, chains = 0, ops = 0;
	double start = now(), elapsed = 0;

	while (elapsed < ROW_SECONDS) {
		for (size_t i = 0; i < count; i++) {
			binary_decode(&program, inputs[i].data, inputs[i].size, "net-loopback",
				      NULL);
			if (!run_program(run, &program, &options)) {
				fprintf(stderr, "%s: %s\n", name,
					run->ledger.findings[0].signature);
				exit(1);
			}
			runs++;
			chains += run->completions;
			ops += run->ops_run;
		}
		elapsed = now() - start;
	}
	printf("%-30s %8zu %12.0f %12.0f %14.0f\n", name, count, (double)runs / elapsed,
	       (double)ops / elapsed, (double)chains / elapsed);
}

/* 64 operations: start, 31 frames, take. */
static struct input encode_session(const char *rx, const char *tx)
{
	struct input input = { malloc(BINARY_SIZE_MAX), 0 };
	struct text_error error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL || input.data == NULL)
		exit(1);
	fputs("device net-loopback\nstart driver_ok size=64\n", out);
	for (int i = 0; i < 31; i++)
		fprintf(out, "offer 0 head=%d %s\nsend 1 head=%d %s\n", i, rx, 2 * i, tx);
	fputs("take 0\n", out);
	fclose(out);
	if (text_parse(&script, text, len, &error) != 0) {
		fprintf(stderr, "%u:%u: %s\n", error.line, error.column, error.message);
		exit(1);
	}
	free(text);
	input.size = (size_t)binary_encode(&script.prog, input.data, BINARY_SIZE_MAX, false);
	return input;
}

static size_t read_corpus(const char *dir, struct input *inputs)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	size_t count = 0;

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		exit(2);
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && count < INPUTS_MAX) {
			inputs[count].data = (uint8_t *)input_read(path, &inputs[count].size);
			count += inputs[count].data != NULL;
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	static struct input inputs[INPUTS_MAX];
	struct input small, large;
	struct text_error error;
	struct rusage usage;
	struct run *run;
	size_t count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	if (run_open(&run, target_find("net-loopback"), &error) != 0)
		return 1;
	count = read_corpus(argv[1], inputs);
	small = encode_session("b9:w", "b0 b1");
	large = encode_session("b12:w", "b0 b5");
	printf("%-30s %8s %12s %12s %14s\n", "session", "inputs", "executions/s", "operations/s",
	       "chains/s");
	if (count > 0)
		bench_row(run, "corpus and scripts", inputs, count);
	bench_row(run, "64 operations, small frames", &small, 1);
	bench_row(run, "64 operations, 64 KiB frames", &large, 1);
	getrusage(RUSAGE_SELF, &usage);
	printf("peak memory: %ld MiB\n", usage.ru_maxrss / 1024);
	for (size_t i = 0; i < count; i++)
		free(inputs[i].data);
	free(small.data);
	free(large.data);
	run_close(run);
	return 0;
}
