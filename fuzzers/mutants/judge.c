/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Mutant after mutant, in several processes.  See judge.h.
 */
#include "judge.h"
#include "select.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS_US 1000000u /* of CPU for a job, or more where it takes long by itself */
#define HANGS_TIMES 50u
#define ADDRESSES_MAX (4ull << 30)
#define RECENT 6u /* scripts that killed others of a function */
#define NO_JOB UINT32_MAX

struct shared {
	unsigned next; /* mutant */
	struct {
		uint32_t job;
		bool failed, cut;
	} now[64];
};

struct state {
	struct plan *plan;
	const struct list *list;
	const uint64_t *reach;
	struct result *results;
	struct judging_options options;
	struct known_rows known;
	struct shared *shared;
	uint32_t (*recent)[RECENT]; /* by the first mutant of a function */
	unsigned *function_of;
	unsigned *order; /* jobs, in the order in which they are tried */
	unsigned self;
};

static bool reaches(const struct state *s, unsigned job, unsigned mutant)
{
	return s->reach[(size_t)job * s->list->words + mutant / 64] >> mutant % 64 & 1;
}

/* ---- one mutant ------------------------------------------------------------------- */

static void try_job(struct state *s, unsigned job)
{
	uint64_t us = (uint64_t)s->plan->jobs[job].us * HANGS_TIMES;
	struct itimerval limit = { .it_value = { 0, 0 } };

	us = us > HANGS_US ? us : HANGS_US;
	limit.it_value.tv_sec = (time_t)(us / 1000000);
	limit.it_value.tv_usec = (suseconds_t)(us % 1000000);
	s->shared->now[s->self].job = job;
	setitimer(ITIMER_PROF, &limit, NULL);
	if (!plan_run(s->plan, job)) {
		s->shared->now[s->self].failed = true;
		_exit(0);
	}
}

/* The job that killed it before; NO_JOB: none, or it is no more. */
static uint32_t killer_of(const struct state *s, const struct known_row *row)
{
	const struct plan *plan = s->plan;

	for (unsigned i = 0; row != NULL && i < plan->source_count; i++) {
		const struct source_file *file = &plan->sources[i];
		unsigned nth = 0;

		if (strcmp(file->path, row->script) != 0)
			continue;
		for (unsigned j = file->first_job; j < file->first_job + file->jobs; j++)
			if (strcmp(plan->jobs[j].target->name, row->target) == 0 &&
			    nth++ == row->nth)
				return j;
	}
	return NO_JOB;
}

/* Is that job one of those that judge here? */
static bool judges(const struct state *s, unsigned number)
{
	const struct job *job = &s->plan->jobs[number];

	switch (s->options.what) {
	case BY_CORPUS:
		return s->plan->sources[job->source].corpus;
	case BY_SANITIZERS:
		return job->first;
	case BY_SCRIPTS:
	case JUDGING_COUNT:
		break;
	}
	return true;
}

static void try_all(struct state *s, unsigned mutant, const struct known_row *row)
{
	const struct plan *plan = s->plan;
	uint32_t before = killer_of(s, row), *recent = s->recent[s->function_of[mutant]];
	bool survived = row != NULL && row->verdict == SURVIVED && row->program == plan->program;

	vringer_mutant = s->list->rows[mutant].number;
	if (before != NO_JOB && reaches(s, before, mutant) && judges(s, before))
		try_job(s, before);
	for (unsigned i = 0; i < RECENT && !survived; i++)
		if (recent[i] != NO_JOB && recent[i] != before && reaches(s, recent[i], mutant))
			try_job(s, recent[i]);
	for (unsigned i = 0; i < plan->job_count; i++) {
		unsigned job = s->order[i];
		const struct source_file *file = &plan->sources[plan->jobs[job].source];

		if (s->options.seconds > 0 &&
		    judge_micros() > s->options.seconds * UINT64_C(1000000)) {
			s->shared->now[s->self].cut = true;
			break;
		}
		if (reaches(s, job, mutant) && judges(s, job) &&
		    !(survived && memory_met(s->options.folder, row->set, file->hash)))
			try_job(s, job);
	}
	_exit(0);
}

static void isolate(const struct state *s, pid_t parent)
{
	struct rlimit limit = { ADDRESSES_MAX, ADDRESSES_MAX }, core = { 0, 0 };
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Sanitizers map terabytes. */
	if (s->options.what != BY_SANITIZERS)
		setrlimit(RLIMIT_AS, &limit);
	setrlimit(RLIMIT_CORE, &core);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
}

static void judge_one(struct state *s, unsigned mutant)
{
	const struct list *list = s->list;
	struct result *result = &s->results[mutant];
	bool reached = false;
	char key[1024];
	const struct known_row *row;
	pid_t self = getpid(), pid;
	uint32_t *recent;
	int status = 0;

	for (unsigned j = 0; j < s->plan->job_count && !reached; j++)
		reached = reaches(s, j, mutant);
	if (!reached) {
		result->verdict = UNREACHED;
		return;
	}
	memory_key(key, sizeof(key), &list->rows[mutant]);
	row = memory_find(&s->known, key);
	/* Of the one before. */
	memset(s->plan->result, 0, sizeof(*s->plan->result));
	s->shared->now[s->self].failed = s->shared->now[s->self].cut = false;
	pid = fork();
	if (pid < 0)
		judge_fail("fork", strerror(errno));
	if (pid == 0) {
		isolate(s, self);
		try_all(s, mutant, row);
	}
	if (waitpid(pid, &status, 0) < 0)
		judge_fail("wait", strerror(errno));
	result->job = s->shared->now[s->self].job;
	if (s->shared->now[s->self].failed)
		result->verdict = KILLED;
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		result->verdict = HUNG;
	else if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
		result->verdict = CRASHED;
	else
		/* An endless loop that the judge saw ends the process with status 0, too. */
		result->verdict =
			s->plan->result->done && !s->plan->result->passed ? KILLED : SURVIVED;
	result->cut = s->shared->now[s->self].cut;
	if (result->verdict == SURVIVED)
		return;
	recent = s->recent[s->function_of[mutant]];
	memmove(recent + 1, recent, (RECENT - 1) * sizeof(*recent));
	recent[0] = result->job;
}

static void work(struct state *s)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	s->plan->result = judge_share(sizeof(*s->plan->result));
	for (;;) {
		unsigned mutant = __atomic_fetch_add(&s->shared->next, 1, __ATOMIC_SEQ_CST);

		if (mutant >= s->list->count)
			_exit(0);
		if (s->list->rows[mutant].chosen)
			judge_one(s, mutant);
	}
}

/* ---- all of them ------------------------------------------------------------------ */

static const struct plan *sorted_plan;

static int by_cost(const void *a, const void *b)
{
	const struct job *x = &sorted_plan->jobs[*(const unsigned *)a];
	const struct job *y = &sorted_plan->jobs[*(const unsigned *)b];
	bool cx = sorted_plan->sources[x->source].corpus,
	     cy = sorted_plan->sources[y->source].corpus;

	if (cx != cy)
		return cx ? 1 : -1;
	if (x->first != y->first)
		return x->first ? -1 : 1;
	return x->us != y->us ? (x->us > y->us) - (x->us < y->us) : (x > y) - (x < y);
}

static void prepare(struct state *s)
{
	const struct list *list = s->list;
	unsigned function = 0;

	s->order = calloc(s->plan->job_count, sizeof(*s->order));
	s->function_of = calloc(list->count, sizeof(*s->function_of));
	if (s->order == NULL || s->function_of == NULL)
		judge_fail("memory", strerror(ENOMEM));
	s->recent = judge_share(list->count * sizeof(*s->recent));
	memset(s->recent, 0xff, list->count * sizeof(*s->recent));
	for (unsigned i = 0; i < s->plan->job_count; i++)
		s->order[i] = i;
	sorted_plan = s->plan;
	qsort(s->order, s->plan->job_count, sizeof(*s->order), by_cost);
	for (unsigned m = 0; m < list->count; m++) {
		if (m == 0 || strcmp(list->rows[m].function, list->rows[m - 1].function) != 0)
			function = m;
		s->function_of[m] = function;
	}
	s->shared = judge_share(sizeof(*s->shared));
}

/* Lines as memory_read has them; what was not judged now is as it was. */
static void save(const struct state *s, uint64_t set)
{
	char path[4096], fresh[5000], key[1024];
	FILE *out;

	memory_path(path, sizeof(path), s->options.folder, s->options.what);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	out = judge_open(fresh, "we");
	for (unsigned m = 0; m < s->list->count; m++) {
		const struct result *r = &s->results[m];
		const struct known_row *row;

		memory_key(key, sizeof(key), &s->list->rows[m]);
		row = memory_find(&s->known, key);
		if (r->verdict == UNKNOWN && row != NULL) {
			fprintf(out, "%s\t%d\t%llx\t%llx\t%s\t%s\t%u\n", key, row->verdict,
				(unsigned long long)row->program, (unsigned long long)row->set,
				row->script, row->target, row->nth);
		} else if (r->verdict == SURVIVED) {
			fprintf(out, "%s\t%d\t%llx\t%llx\t-\t-\t0\n", key, SURVIVED,
				(unsigned long long)s->plan->program,
				r->cut ? 0 : (unsigned long long)set);
		} else if (r->verdict >= KILLED && r->verdict <= HUNG) {
			const struct job *job = &s->plan->jobs[r->job];
			const struct source_file *file = &s->plan->sources[job->source];
			unsigned nth = 0;

			for (unsigned j = file->first_job; j < r->job; j++)
				nth += s->plan->jobs[j].target == job->target;
			fprintf(out, "%s\t%d\t0\t0\t%s\t%s\t%u\n", key, r->verdict, file->path,
				job->target->name, nth);
		}
	}
	if (fclose(out) != 0 || rename(fresh, path) != 0)
		judge_fail(path, strerror(errno));
}

static void show(const struct state *s, const char *end)
{
	unsigned all = 0, done = 0, alive = 0;

	for (unsigned m = 0; m < s->list->count; m++) {
		all += s->list->rows[m].chosen;
		done += s->results[m].verdict != UNKNOWN;
		alive += s->results[m].verdict >= SURVIVED;
	}
	fprintf(stderr, "mutants: %u of %u, %u survive%s", done, all, alive, end);
}

void judge_all(struct plan *plan, const struct list *list, const uint64_t *reach,
	       struct result *results, const struct judging_options *options)
{
	struct state s = {
		.plan = plan, .list = list, .reach = reach, .results = results, .options = *options
	};
	unsigned left = options->processes, seconds = 0;
	uint64_t set = memory_note_set(options->folder, plan);
	bool live = isatty(STDERR_FILENO);
	char path[4096];
	int status;

	memory_path(path, sizeof(path), options->folder, options->what);
	memory_read(&s.known, path);
	prepare(&s);
	fflush(NULL);
	for (unsigned p = 0; p < options->processes; p++) {
		pid_t pid = fork();

		s.self = p;
		if (pid < 0)
			judge_fail("fork", strerror(errno));
		if (pid == 0)
			work(&s);
	}
	while (left > 0) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0 && status != 0)
			judge_fail("a process", "ended early");
		if (pid > 0) {
			left--;
			continue;
		}
		sleep(1);
		seconds++;
		if (live || seconds % 30 == 0)
			show(&s, live ? "\r" : "\n");
		if (seconds % 30 == 0)
			save(&s, set);
	}
	save(&s, set);
	show(&s, "\n");
}
