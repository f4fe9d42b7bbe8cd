/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The parent watches a child: it keeps what the child prints, and ends it when one
 * device call does not return.  See child_internal.h.
 *
 * Wall-clock time alone never counts as a hang, since a busy machine makes any device
 * slow.  A call hangs if it has used the limit in CPU time, or if every thread of the
 * child was asleep, and used none, for that long.  A call that waits for another process
 * has a bound of its own for that (target_waits).  Time between calls belongs to the harness
 * and is no finding.
 */
#include "harness/run/child_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100u	   /* between two looks at it */
#define LOOK_COUNTS_MS 500 /* at most, of the time since the last: we may have been stopped */
#define REAP_MS 5	   /* between two looks whether it ended, if nothing tells */
#define REPORT_MS 60000u   /* for a sanitizer to write what it has begun */
#define DRAIN_MAX 256	   /* reads once it ended: others may have the pipe, and fill it */

/* What /proc says of a process. */
struct usage {
	uint64_t cpu_ms;
	uint64_t resident; /* bytes */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The words of a stat file from the third on; NULL if it cannot be read.  Its
 * second is a name in brackets, which may hold anything. */
static const char *read_stat(const char *path, char *text, size_t size)
{
	FILE *in = fopen(path, "re");
	size_t len;
	char *end;

	if (in == NULL)
		return NULL;
	len = fread(text, 1, size - 1, in);
	fclose(in);
	text[len] = '\0';
	end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' ? end + 2 : NULL;
}

static uint64_t word_of(const char *words, int number)
{
	for (; number > 0 && words != NULL; number--) {
		words = strchr(words, ' ');
		words = words != NULL ? words + 1 : NULL;
	}
	return words != NULL ? strtoull(words, NULL, 10) : 0;
}

static bool read_usage(pid_t pid, struct usage *usage)
{
	char path[64], text[1024];
	const char *words;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	words = read_stat(path, text, sizeof(text));
	if (words == NULL)
		return false;
	/* Words 14, 15 and 24 of proc_pid_stat(5). */
	usage->cpu_ms =
		(word_of(words, 11) + word_of(words, 12)) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	usage->resident = word_of(words, 21) * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

bool child_is_asleep(pid_t pid)
{
	char path[64], file[sizeof(path) + 32], text[1024];
	bool asleep = true;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	/* cppcheck-suppress readdirCalled ; one thread */
	while (asleep && (entry = readdir(dir)) != NULL) {
		const char *words;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(file, sizeof(file), "%s/%.20s/stat", path, entry->d_name);
		words = read_stat(file, text, sizeof(text));
		asleep = words == NULL || strchr("STZX", *words) != NULL;
	}
	closedir(dir);
	return asleep;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
		if (errno != EINTR)
			return true;
	return info.si_pid != 0;
}

static bool has_begun_report(const struct excerpt *report)
{
	const char *marks[] = { "Sanitizer: ", ": runtime error: " };
	size_t len = report->len < report->size ? (size_t)report->len : report->size;

	for (size_t i = 0; report->bytes != NULL && i < 2; i++)
		if (memmem(report->bytes, len, marks[i], strlen(marks[i])) != NULL)
			return true;
	return false;
}

/* The device sleeps.  It does not count while its sanitizer may be waiting for the
 * process that reads symbols. */
static bool sleeps_too_long(const struct child_watch *w)
{
	if (w->asleep_ms < w->limit_ms)
		return false;
	return !has_begun_report(w->report) || w->asleep_ms >= REPORT_MS;
}

static enum child_end look(struct child_watch *w)
{
	uint32_t calls = __atomic_load_n(&w->shared->calls, __ATOMIC_RELAXED);
	uint32_t inside = __atomic_load_n(&w->shared->inside, __ATOMIC_RELAXED);
	uint64_t now = now_ms(), passed = now - w->looked_ms, used;
	struct usage usage = { .cpu_ms = 0 };

	if (passed > LOOK_COUNTS_MS)
		passed = LOOK_COUNTS_MS;
	w->looked_ms = now;
	/* Without /proc there is only that clock. */
	if (!read_usage(w->pid, &usage))
		usage.cpu_ms = w->cpu_ms + passed;
	used = usage.cpu_ms - w->cpu_ms;
	w->cpu_ms = usage.cpu_ms;
	w->total_ms += used;
	w->call = inside < CALL_COUNT ? (enum child_call)inside : CALL_NONE;
	w->device_ms += w->call != CALL_NONE ? used : 0;
	if (calls != w->calls || w->call == CALL_NONE) {
		w->calls = calls;
		w->call_ms = w->asleep_ms = 0;
	} else {
		w->call_ms += used;
		w->asleep_ms += used == 0 && child_is_asleep(w->pid) ? passed : 0;
	}
	if (w->call_ms >= w->limit_ms)
		return CHILD_SPUN;
	if (sleeps_too_long(w))
		return CHILD_ASLEEP;
	if (usage.resident > CHILD_BYTES_MAX)
		return CHILD_ATE;
	return w->total_ms >= CHILD_SECONDS_MAX * 1000ull ? CHILD_TOO_LONG : CHILD_ENDED;
}

enum child_end child_watch(struct child_watch *w)
{
	enum child_end end = CHILD_ENDED;
	bool ended = false;

	w->looked_ms = now_ms();
	while (end == CHILD_ENDED && !ended) {
		struct pollfd fds[] = { { .fd = w->ended, .events = POLLIN },
					{ .fd = w->report->fd, .events = POLLIN },
					{ .fd = w->words->fd, .events = POLLIN } };

		poll(fds, 3, w->ended >= 0 ? (int)LOOK_MS : REAP_MS);
		/* Before: what it wrote last is then there to be taken. */
		ended = has_ended(w->pid);
		excerpt_take(w->report);
		excerpt_take(w->words);
		if (!ended && now_ms() - w->looked_ms >= LOOK_MS)
			end = look(w);
	}
	if (!ended)
		kill(w->pid, SIGKILL);
	for (int i = 0; i < DRAIN_MAX && excerpt_take(w->report); i++)
		;
	for (int i = 0; i < DRAIN_MAX && excerpt_take(w->words); i++)
		;
	return end;
}
