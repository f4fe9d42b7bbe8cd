/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One child for many programs.  See batch.h.
 *
 * The shared child uses child_perform(); child_run() gives all results that need a
 * child of their own.  A byte over a socket pair tells the child to run a program, a
 * byte answers; job, script and result are in shared memory.  The parent works on copies
 * and checks them: at worst a program runs twice.
 */
#include "harness/arena/instrumented.h"
#include "harness/files/hash.h"
#include "harness/ledger/known.h"
#include "harness/run/batch_internal.h"
#include "harness/run/child_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH_JOBS_MAX 1000u   /* of one child: what a device gathers ends with it */
#define BATCH_PATIENCE_MS 2000 /* for one program; a child of its own has more */
#define BATCH_UNIT_MS 50       /* ... and for each unit of its budget */
#define BATCH_SHARE 60	       /* ... by the clock so many times that: others want the processor */
#define BATCH_BYTES_MAX (1ull << 30) /* resident */
#define BATCH_CRASHES_MAX 256u	     /* that are remembered */

/* A coverage build writes its counters at exit, which a child does not reach. */
extern int __llvm_profile_write_file(void) __attribute__((weak));

/* A crash that was reported once.  Children of one process have the same addresses, so
 * the same stack means the same report. */
struct crash {
	uint64_t key;
	struct finding finding;
};

struct batch {
	struct batch_shared *shared;
	pid_t pid; /* 0: there is no child */
	int line;  /* the parent's end */
	int words; /* what the device writes to its standard output */
	unsigned jobs, alone;
	unsigned looked; /* programs since leaks were looked for last */
	bool suspect;	 /* some of them may have leaked */
	struct crash crashes[BATCH_CRASHES_MAX];
	unsigned crash_count;
};

int batch_open(struct batch **batch)
{
	struct batch *b = calloc(1, sizeof(*b));

	*batch = NULL;
	if (b == NULL)
		return -ENOMEM;
	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED) {
		free(b);
		return -ENOMEM;
	}
	*batch = b;
	return 0;
}

unsigned batch_alone(const struct batch *batch)
{
	return batch->alone;
}

/* ---- the parent ---------------------------------------------------------------- */

static void end_child(struct batch *b)
{
	if (b->pid == 0)
		return;
	kill(b->pid, SIGKILL);
	while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(b->line);
	close(b->words);
	b->pid = 0;
	b->suspect = b->suspect || b->looked > 0;
	b->looked = 0;
}

/* With a child that is killed goes what a coverage build counted of all its programs, and
 * such a build is slow: it waits for longer. */
static int patience_ms(void)
{
	return __llvm_profile_write_file != NULL ? 30 * BATCH_PATIENCE_MS : BATCH_PATIENCE_MS;
}

/* A program that may run many operations gets the time for them: ended too early it would
 * run twice. */
static long long patience_for(const struct child_job *job)
{
	long long ms = patience_ms();

	if (job == NULL)
		return ms;
	if (job->seconds != 0 && job->seconds * 1000ll < ms)
		ms = job->seconds * 1000ll;
	return ms + (long long)job->script->prog.budget * (patience_ms() / BATCH_PATIENCE_MS) *
			    BATCH_UNIT_MS;
}

/* It ends by itself: a coverage build has something to write. */
static void release_child(struct batch *b)
{
	struct pollfd ended = { .fd = b->line, .events = POLLIN };

	if (b->pid == 0)
		return;
	if (__llvm_profile_write_file != NULL) {
		shutdown(b->line, SHUT_WR);
		poll(&ended, 1, patience_ms());
		usleep(1000);
	}
	end_child(b);
}

/* false: no process to be had, which a child of its own will tell. */
static bool start_child(struct batch *b)
{
	int line[2], words[2];
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0)
		return false;
	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) != 0) {
		close(line[0]);
		close(line[1]);
		return false;
	}
	fflush(stdout);
	fflush(stderr);
	b->line = line[0];
	b->words = words[0];
	b->jobs = 0;
	b->pid = fork();
	if (b->pid == 0) {
		close(line[0]);
		close(words[0]);
		batch_serve(b->shared, parent, line[1], words[1]);
	}
	close(line[1]);
	close(words[1]);
	if (b->pid > 0)
		return true;
	close(line[0]);
	close(words[0]);
	b->pid = 0;
	return false;
}

/* Resident bytes of the child; 0 if that cannot be told. */
static unsigned long long resident_bytes(pid_t pid)
{
	char path[64], text[64] = "", *pages;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	in = fopen(path, "re");
	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) == NULL)
		text[0] = '\0';
	fclose(in);
	pages = strchr(text, ' ');
	return pages == NULL
		       ? 0
		       : strtoull(pages, NULL, 10) * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* CPU time that the child has used, so that it may take longer on a machine that is busy;
 * -1 if that cannot be told. */
static long long used_ms(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return -1;
	return used.tv_sec * 1000ll + used.tv_nsec / 1000000;
}

/* Ask, and wait: the answer, or 0 if it did not come as it should.  `job`: what is asked to
 * be run; or NULL. */
static char ask(struct batch *b, char what, const struct child_job *job)
{
	long long patience = patience_for(job), before = used_ms(b->pid), used = before;
	long long idle_since = now_ms(), end = idle_since + BATCH_SHARE * patience;
	char say = 0;

	if (send(b->line, &what, 1, MSG_NOSIGNAL) != 1)
		return 0;
	do {
		struct pollfd answer = { .fd = b->line, .events = POLLIN };
		long long now;

		if (poll(&answer, 1, 100) > 0)
			return recv(b->line, &say, 1, MSG_DONTWAIT) == 1 ? say : 0;
		now = used_ms(b->pid);
		/* Who waits for a processor is not idle. */
		if (now != used || !child_is_asleep(b->pid))
			idle_since = now_ms();
		used = now;
	} while (used - before < patience && now_ms() - idle_since < patience && now_ms() < end &&
		 resident_bytes(b->pid) < BATCH_BYTES_MAX);
	return 0;
}

/* Did the device write to its standard output? */
static bool has_words(struct batch *b)
{
	char byte;

	return read(b->words, &byte, 1) > 0;
}

/* Is a string ended within its array? */
#define IS_STRING(array) (memchr(array, '\0', sizeof(array)) != NULL)

/* What a child that serves many says of a program: rules are all that it finds, and
 * live through. */
static bool is_sound(const struct child_job *job, struct child_result *r)
{
	if (!child_is_sound(job, r) || !r->done)
		return false;
	for (unsigned i = 0; i < r->finding_count; i++)
		if (r->findings[i].kind != FINDING_RULE)
			return false;
	return true;
}

static void look_for_leaks(struct batch *b)
{
	if (b->looked > 0 && ask(b, ASK_LEAKS, NULL) != SAY_DONE)
		b->suspect = true;
	b->looked = 0;
}

/* true: the result is what the child says, and sound. */
static bool serve_one(struct batch *b, const struct child_job *job, struct child_result *result)
{
	if (b->pid != 0 && b->jobs >= BATCH_JOBS_MAX) {
		look_for_leaks(b);
		release_child(b);
	}
	if (b->pid == 0 && !start_child(b))
		return false;
	b->jobs++;
	b->shared->job = *job;
	memcpy(&b->shared->script, job->script, sizeof(b->shared->script));
	memset(&b->shared->result, 0, sizeof(b->shared->result));
	b->shared->result.op = FINDING_OP_END;
	b->shared->crash = 0;
	if (ask(b, ASK_RUN, job) != SAY_DONE || has_words(b))
		return false;
	*result = b->shared->result;
	return is_sound(job, result);
}

static int run_alone(struct batch *b, const struct child_job *job, struct child_result *result,
		     char *report)
{
	int err;

	release_child(b);
	b->alone++;
	err = child_run(job, result, report);
	/* Read symbols once, so that the next crash is reported faster. */
	if (err == 0 && result->finding_count > 0 && result->findings[0].kind == FINDING_SANITIZER)
		instrumented_read_symbols();
	return err;
}

int batch_run(struct batch *batch, const struct child_job *job, struct child_result *result,
	      char *report)
{
	if (job->trace != NULL || !serve_one(batch, job, result) || !result->passed ||
	    child_finding(result, job) != NULL || child_known(result) != NULL)
		return run_alone(batch, job, result, report);
	if (report != NULL)
		*report = '\0';
	if (job->words != NULL)
		*job->words = '\0';
	return 0;
}

/* The crash that ended the child, as far as its stack tells it from others; 0: none. */
static uint64_t crash_of(const struct batch *b, const struct child_job *job)
{
	uint64_t key = b->shared->crash;

	if (key == 0 || !IS_STRING(b->shared->result.verb))
		return 0;
	key = hash_bytes(key, b->shared->result.verb, strlen(b->shared->result.verb));
	return hash_step(key, (uint64_t)(uintptr_t)job->target);
}

static const struct finding *crash_find(const struct batch *b, uint64_t key)
{
	for (unsigned i = 0; i < b->crash_count && key != 0; i++)
		if (b->crashes[i].key == key)
			return &b->crashes[i].finding;
	return NULL;
}

/* The child did not answer: the finding was reported already, or a child of its own
 * will report it. */
static int tell_crash(struct batch *b, const struct child_job *job, struct child_result *result,
		      char *report)
{
	uint64_t key = crash_of(b, job);
	const struct finding *f = crash_find(b, key);
	int err;

	if (f != NULL) {
		end_child(b);
		*result = (struct child_result){ .finding_count = 1, .findings = { *f } };
		result->findings[0].known = known_reason(job->judging.known, f->signature);
		return 0;
	}
	err = run_alone(b, job, result, report);
	if (err == 0 && key != 0 && result->finding_count > 0 &&
	    result->findings[0].kind == FINDING_SANITIZER && b->crash_count < BATCH_CRASHES_MAX)
		b->crashes[b->crash_count++] = (struct crash){ key, result->findings[0] };
	return err;
}

int batch_look(struct batch *batch, const struct child_job *job, struct child_result *result,
	       char *report, bool (*is_news)(void *ctx, const struct finding *finding), void *ctx)
{
	struct child_job quick = *job;
	const struct finding *f;

	/* Leaks are looked for once, at the end. */
	quick.leaks = false;
	if (report != NULL)
		*report = '\0';
	if (!serve_one(batch, &quick, result))
		return tell_crash(batch, job, result, report);
	f = child_finding(result, job);
	if (f == NULL)
		f = child_known(result);
	if (f != NULL && is_news != NULL && is_news(ctx, f))
		return run_alone(batch, job, result, report);
	batch->looked += job->leaks;
	return 0;
}

bool batch_leaked(struct batch *batch)
{
	bool leaked;

	if (batch->pid != 0) {
		look_for_leaks(batch);
		/* What is lost once is lost in all that come after. */
		if (batch->suspect)
			release_child(batch);
	}
	leaked = batch->suspect;
	batch->suspect = false;
	return leaked;
}

void batch_close(struct batch *batch)
{
	if (batch == NULL)
		return;
	release_child(batch);
	munmap(batch->shared, sizeof(*batch->shared));
	free(batch);
}
