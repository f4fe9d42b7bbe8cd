/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Counts and samples of a fuzzing binary, in a file.  See meter.h.
 *
 * A timer that runs with the process's CPU time interrupts it, by SIGPROF, about a thousand
 * times a second (as often as the kernel's own clock ticks, if that is slower).  The handler
 * writes to the mapped file alone, and calls nothing but clock_gettime().
 */
#include "fuzzers/meter.h"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define SAMPLE_US 1000
#define PROBES_MAX 64u

struct meter *meter;

static struct {
	uintptr_t bias, from, to; /* of the program's own code, as it is loaded */
	volatile sig_atomic_t inside;
	bool started;	/* in this process */
	uint64_t at_ns; /* CPU time of this process when a session began last */
} state;

/* 0: there is no such clock. */
static uint64_t read_clock(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_time(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* The first is the program itself. */
static int find_code(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	state.bias = (uintptr_t)info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
			continue;
		state.from = state.bias + part->p_vaddr;
		state.to = state.from + part->p_memsz;
	}
	return 1;
}

static uint64_t where_is(uintptr_t pc)
{
	bool ours = pc >= state.from && pc < state.to;

	return METER_WHERE(ours ? pc - state.bias : 0, state.inside != 0);
}

static void count_sample(uint64_t where)
{
	uint64_t at = where * 0x9e3779b97f4a7c15ull >> 32;

	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct meter_sample *sample = &meter->sample[(at + i) % METER_SAMPLES];

		if (sample->where == 0)
			sample->where = where;
		if (sample->where != where)
			continue;
		sample->count++;
		return;
	}
	meter->lost++;
}

static void on_tick(int number, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;

	(void)number;
	(void)info;
#if defined(__x86_64__)
	count_sample(where_is((uintptr_t)at->uc_mcontext.gregs[REG_RIP]));
#elif defined(__aarch64__)
	count_sample(where_is((uintptr_t)at->uc_mcontext.pc));
#else
	(void)at;
	count_sample(where_is(0));
#endif
}

/* A timer does not outlive a fork. */
static void forget_timer(void)
{
	state.started = false;
}

static void start_process(void)
{
	struct itimerval every = { { 0, SAMPLE_US }, { 0, SAMPLE_US } };
	struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	state.started = true;
	state.at_ns = cpu_time();
	meter->processes++;
	meter->start_ns += state.at_ns;
}

static void *map_file(const char *path)
{
	void *memory = MAP_FAILED;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return memory;
	if (ftruncate(fd, sizeof(*meter)) == 0)
		memory = mmap(NULL, sizeof(*meter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return memory;
}

static uint64_t variable(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

void meter_open(void)
{
	const char *path = getenv("VRINGER_METER");
	struct meter *file;

	if (meter != NULL || path == NULL || *path == '\0')
		return;
	file = map_file(path);
	if (file == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	if (file->magic != METER_MAGIC && variable("VRINGER_METER_SKIP") > 0)
		file->left = variable("VRINGER_METER_SKIP") + 1;
	file->magic = METER_MAGIC;
	dl_iterate_phdr(find_code, NULL);
	pthread_atfork(NULL, NULL, forget_timer);
	meter = file;
}

/* The engine's CPU time, where that is another process. */
static uint64_t engine_time(void)
{
	pid_t pid = (pid_t)variable("VRINGER_METER_ENGINE");
	clockid_t clock;

	if (pid > 0 && pid != getpid() && clock_getcpuclockid(pid, &clock) == 0)
		return read_clock(clock);
	return 0;
}

/* What was counted so far is the seeds'. */
static void begin_counting(void)
{
	*meter = (struct meter){
		.magic = METER_MAGIC,
		.processes = meter->processes,
		.skipped = meter->start_ns + meter->cpu_ns + engine_time(),
	};
}

void meter_begin_session(void)
{
	uint64_t now;

	if (!state.started)
		start_process();
	now = cpu_time();
	meter->cpu_ns += now - state.at_ns;
	state.at_ns = now;
	if (meter->left > 0 && --meter->left == 0)
		begin_counting();
	meter->executions++;
	state.inside = 1;
}

void meter_end_session(const struct run *run, const struct program *prog)
{
	state.inside = 0;
	meter->given += prog->op_count;
	meter->operations += run->ops_run;
	meter->taken += run->taken;
	meter->completed += run->completions;
	meter->answered += run->answered;
}
