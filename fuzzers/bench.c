/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How fast sessions run: decode, run and judge, over and over, on one core.
 *
 *   bench TARGET DIR...    DIR: the encoded corpus of that target
 *   bench --peer NAME...   another program's device: one request of it, over and over, and
 *                          where the time goes
 *
 * The ledger is always on.  Each row is measured for about two seconds.
 *
 * A session of a peer is all from creating the device, which makes it as new, to
 * destroying it.  Everything stays on one processor.
 */
#include "harness/files/input.h"
#include "harness/peers/peers.h"
#include "harness/program/binary.h"
#include "harness/run/run.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
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

/* CPU time: what else the machine does is not measured. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bench_row(struct run *run, const char *name, const struct input *inputs, size_t count)
{
	struct run_options options = { .judging = { .strict = true, .limits = true } };
	unsigned long long runs = 0, chains = 0, ops = 0;
	double start = now(), elapsed = 0;

	while (elapsed < ROW_SECONDS) {
		for (size_t i = 0; i < count; i++) {
			binary_decode(&program, inputs[i].data, inputs[i].size,
				      run->guest.target->name, NULL);
			if (!run_program(run, &program, &options)) {
				fprintf(stderr, "%s: %s\n", name,
					run->guest.ledger.findings[0].signature);
				exit(1);
			}
			runs++;
			chains += run->completions;
			ops += run->ops_run;
		}
		elapsed = now() - start;
	}
	printf("%-13s %-26s %6zu %12.0f %12.0f %14.0f\n", run->guest.target->name, name, count,
	       (double)runs / elapsed, (double)ops / elapsed, (double)chains / elapsed);
}

#define SENDS(queue, layout) "send_request " queue " split=4 layout=" layout "\n"
#define REQUESTS(target, queue)                                                                    \
	{ target, "requests", SENDS(queue, "direct") SENDS(queue, "direct") },                     \
	{                                                                                          \
		target, "requests, indirect", SENDS(queue, "indirect") SENDS(queue, "indirect")    \
	}

/* Sessions of about 64 operations: what is done 31 times, `@` being the how
 * many-th time it is.  Each runs on a split ring and on a packed one. */
static const struct session {
	const char *target, *name, *round;
} sessions[] = {
	{ "net-loopback", "small frames", "offer 0 head=@ b9:w\nsend 1 head=@ b0 b1\n" },
	{ "net-loopback", "64 KiB frames", "offer 0 head=@ b12:w\nsend 1 head=@ b0 b5\n" },
	{ "net-host", "frames sent", "send 1 head=@ b0 b1\ntake_output 0\n" },
	{ "net-host", "frames received", "offer 0 head=@ b9:w\ntype 0 len=64\n" },
	{ "console", "lines of output", "send 1 head=@ b1\ntake_output 0\n" },
	{ "console", "lines of input", "offer 0 head=@ b9:w\ntype 0 len=64\n" },
	{ "console", "64 KiB of output", "send 5 head=@ b5\ntake_output 1\n" },
	{ "blk", "sectors written", "send_request 0\nsend_request 0\n" },
	{ "blk", "sectors read", "send_request 0 which=5\nsend_request 0 which=5\n" },
	{ "rng", "bytes asked for", "type 0 len=64\noffer 0 head=@ b9:w\nnotify 0\n" },
	{ "vsock", "packets answered", "offer 0 head=@ b9:w\nsend_request 1\n" },
	/* Requests of two descriptors, in the ring and in a table. */
	REQUESTS("net-loopback", "1"),
	REQUESTS("net-host", "1"),
	REQUESTS("console", "1"),
	REQUESTS("fs", "1"),
	REQUESTS("balloon", "0"),
};

static struct input encode_session(const struct session *session, bool packed)
{
	struct input input = { malloc(BINARY_SIZE_MAX), 0 };
	struct text_error error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL || input.data == NULL)
		exit(1);
	fprintf(out, "device %s\nstart driver_ok size=64%s\n", session->target,
		packed ? " ring=packed" : "");
	for (int i = 0; i < 31; i++) {
		for (const char *c = session->round; *c != '\0'; c++) {
			if (*c == '@')
				fprintf(out, "%d", i);
			else
				fputc(*c, out);
		}
	}
	fputs("take 0\n", out);
	if (fclose(out) != 0)
		exit(1);
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

static void bench_target(const struct target *target, const char *dir)
{
	static struct input inputs[INPUTS_MAX];
	size_t count = read_corpus(dir, inputs);
	struct text_error error;
	struct run *run;

	if (run_open(&run, target, &error) != 0)
		exit(1);
	if (count > 0)
		bench_row(run, "corpus and scripts", inputs, count);
	for (size_t i = 0; i < count; i++)
		free(inputs[i].data);
	for (size_t i = 0; i < 2 * sizeof(sessions) / sizeof(sessions[0]); i++) {
		const struct session *session = &sessions[i / 2];
		struct input input;
		char name[40];

		if (strcmp(session->target, target->name) != 0)
			continue;
		input = encode_session(session, i % 2 != 0);
		snprintf(name, sizeof(name), "%s%s", session->name, i % 2 != 0 ? ", packed" : "");
		bench_row(run, name, &input, 1);
		free(input.data);
	}
	run_close(run);
}

/* ---- peers ------------------------------------------------------------------------- */

struct spent {
	double wall, own, peer;
	uint64_t round_trips;
};

static struct spent spent(void)
{
	struct peer_cost cost = peer_cost();
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct spent){ .wall = (double)t.tv_sec + (double)t.tv_nsec / 1e9,
			       .own = now(),
			       .peer = (double)cost.cpu_ns / 1e9,
			       .round_trips = cost.round_trips };
}

/* Us and what is started by us. */
static void stay_here(void)
{
	cpu_set_t here;
	int cpu = sched_getcpu();

	CPU_ZERO(&here);
	CPU_SET(cpu >= 0 ? (size_t)cpu : 0, &here);
	if (sched_setaffinity(0, sizeof(here), &here) != 0)
		perror("sched_setaffinity");
}

/* The first request that a driver can send at once, which the device answers. */
static void write_request(const struct target *target, char *text, size_t size)
{
	unsigned queue = 0;

	while (queue + 1 < target->queue_count && target_request_count(target, queue) == 0)
		queue++;
	snprintf(text, size, "device %s\nstart driver_ok\nsend_request %u\n", target->name, queue);
}

static void bench_peer_row(struct run *run, const char *name)
{
	struct run_options options = { .judging = { .strict = true, .limits = true } };
	struct spent from, to;
	double runs = 0, each;

	run_program(run, &script.prog, &options);
	from = to = spent();
	while (to.wall - from.wall < ROW_SECONDS) {
		if (!run_program(run, &script.prog, &options)) {
			fprintf(stderr, "%s: %s\n", name, run->guest.ledger.findings[0].signature);
			exit(1);
		}
		runs++;
		to = spent();
	}
	each = runs / 1e6;
	printf("%-16s %-12s %10.0f %10.0f %8.1f %8.0f %8.0f %8.0f\n", run->guest.target->name, name,
	       runs / (to.wall - from.wall), runs / (to.own - from.own + to.peer - from.peer),
	       (double)(to.round_trips - from.round_trips) / runs, (to.own - from.own) / each,
	       (to.peer - from.peer) / each,
	       (to.wall - from.wall - (to.own - from.own) - (to.peer - from.peer)) / each);
}

static void bench_peer(const char *name)
{
	const struct peer *peer = peer_find(name);
	const struct target *target = peer != NULL ? peer_target(peer) : NULL;
	struct script *liveness;
	struct text_error error;
	struct run *run;
	char text[200];

	if (target == NULL) {
		fprintf(stderr, "%s: no such peer\n", name);
		exit(2);
	}
	if (run_open(&run, target, &error) != 0) {
		fprintf(stderr, "%s: %s\n", name, error.message);
		exit(2);
	}
	write_request(target, text, sizeof(text));
	if (text_parse(&script, text, strlen(text), &error) != 0) {
		fprintf(stderr, "%u:%u: %s\n", error.line, error.column, error.message);
		exit(1);
	}
	liveness = run->liveness;
	run->liveness = NULL;
	bench_peer_row(run, "one request");
	run->liveness = liveness;
	bench_peer_row(run, "a program");
	run_close(run);
}

static int bench_peers(int count, char **names)
{
	stay_here();
	printf("%-16s %-12s %10s %10s %8s %8s %8s %8s\n", "", "", "sessions/s", "sessions/s",
	       "round", "CPU us", "CPU us", "us");
	printf("%-16s %-12s %10s %10s %8s %8s %8s %8s\n", "peer", "session", "now", "of CPU",
	       "trips", "of us", "of peer", "waiting");
	for (int i = 0; i < count; i++)
		bench_peer(names[i]);
	return 0;
}

int main(int argc, char **argv)
{
	struct rusage usage;

	if (argc > 2 && strcmp(argv[1], "--peer") == 0)
		return bench_peers(argc - 2, argv + 2);
	if (argc < 3 || argc % 2 == 0) {
		fprintf(stderr, "usage: %s TARGET DIR... | --peer NAME...\n", argv[0]);
		return 2;
	}
	printf("%-40s %6s %12s %12s %14s\n", "session", "inputs", "executions/s", "operations/s",
	       "chains/s");
	for (int i = 1; i < argc; i += 2) {
		const struct target *target = target_find(argv[i]);

		if (target == NULL) {
			fprintf(stderr, "%s: no such target\n", argv[i]);
			return 2;
		}
		bench_target(target, argv[i + 1]);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("peak memory: %ld MiB\n", usage.ru_maxrss / 1024);
	return 0;
}
