/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a peer's threads do: CPU time and sleep.
 *
 * Whether a thread waits is in its stat.  That says nothing of the time before: a thread
 * that was seen asleep may have been woken by one that was looked at later.  But whoever
 * woke it ran, and what ran is in the CPU time of the process when it sleeps again.  So
 * the peer sleeps if every thread does and that time did not move, neither during the look
 * nor since the last look that found the same.
 *
 * The CPU time of a process whose threads run is late: the kernel counts that of another
 * process's thread when the thread gives up its CPU, and at each tick of the scheduler's.
 */
#include "harness/peers/process_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define STAT_MAX 1024u
#define ASLEEP_IN_ALL 4u /* times what it may sleep at a stretch */
#define THREADS 17	 /* words after the state: the number of threads */

static struct process *all;
static uint64_t ended_ns; /* CPU time of those that are no longer among them */

void process_rest_begin(struct process *process)
{
	process->next = all;
	all = process;
	process->slept_ns = UINT64_MAX;
	if (clock_getcpuclockid(process->shared->pid, &process->clock) != 0)
		process->clock = -1;
}

static void forget_tasks(struct process *process)
{
	for (unsigned i = 0; i < process->task_count; i++)
		close(process->tasks[i].fd);
	process->task_count = 0;
}

void process_rest_end(struct process *process)
{
	for (struct process **at = &all; *at != NULL; at = &(*at)->next)
		if (*at == process) {
			*at = process->next;
			ended_ns += process->shared->cpu_ns;
			break;
		}
	forget_tasks(process);
}

/* Open the stat of every thread.  false: there are too many. */
static bool list_tasks(struct process *process)
{
	char path[64], file[96];
	const struct dirent *entry;
	bool listed = true;
	DIR *dir;

	forget_tasks(process);
	snprintf(path, sizeof(path), "/proc/%ld/task", (long)process->shared->pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	/* cppcheck-suppress readdirCalled ; one thread */
	while (listed && (entry = readdir(dir)) != NULL) {
		struct process_task *task = &process->tasks[process->task_count];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (process->task_count == PROCESS_TASKS_MAX) {
			listed = false;
			break;
		}
		snprintf(file, sizeof(file), "%s/%.16s/stat", path, entry->d_name);
		task->tid = (pid_t)strtol(entry->d_name, NULL, 10);
		task->fd = open(file, O_RDONLY | O_CLOEXEC);
		listed = task->fd >= 0;
		process->task_count += listed;
	}
	closedir(dir);
	return listed && process->task_count > 0;
}

enum look { LOOK_ASLEEP, LOOK_AWAKE, LOOK_CHANGED, LOOK_DEAD };

/* The stat of a thread; its words from the state on, behind its name, which may hold anything.
 * NULL: it is gone. */
static const char *read_stat(const struct process_task *task, char text[STAT_MAX])
{
	ssize_t len = pread(task->fd, text, STAT_MAX - 1, 0);
	const char *words;

	text[len > 0 ? len : 0] = '\0';
	words = strrchr(text, ')');
	return words != NULL && words[1] == ' ' ? words + 2 : NULL;
}

/* ... say that it is one of so many. */
static bool is_one_of(const char *words, unsigned count)
{
	for (int i = 0; i < THREADS && words != NULL; i++) {
		words = strchr(words, ' ');
		words = words != NULL ? words + 1 : NULL;
	}
	return words != NULL && strtoul(words, NULL, 10) == count;
}

/* Of one thread; with `count`, also whether it is still one of so many. */
static enum look look_at(const struct process_task *task, unsigned count)
{
	char text[STAT_MAX];
	const char *words = read_stat(task, text);

	if (words == NULL)
		return LOOK_CHANGED;
	/* What waits for a disk, a CPU or a debugger is not asleep. */
	if (strchr("STZX", words[0]) == NULL)
		return LOOK_AWAKE;
	if (!is_one_of(words, count))
		return LOOK_CHANGED;
	return strchr("ZX", words[0]) == NULL ? LOOK_ASLEEP : LOOK_DEAD;
}

/* The thread that began may end before the others; a process of which all have ended is no
 * sleeper, but one whose end is told at once. */
static enum look look_at_all(const struct process *process)
{
	enum look look = process->task_count > 0 ? LOOK_ASLEEP : LOOK_CHANGED;
	unsigned dead = 0;

	for (unsigned i = 0; look == LOOK_ASLEEP && i < process->task_count; i++) {
		look = look_at(&process->tasks[i], process->task_count);
		dead += look == LOOK_DEAD;
		look = look == LOOK_DEAD ? LOOK_ASLEEP : look;
	}
	return look == LOOK_ASLEEP && dead == process->task_count ? LOOK_DEAD : look;
}

static bool read_cpu(const struct process *process, uint64_t *ns)
{
	struct timespec used;

	if (clock_gettime(process->clock, &used) != 0)
		return false;
	*ns = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	process->shared->cpu_ns = *ns;
	return true;
}

uint64_t process_cpu_ns(const struct process *process)
{
	uint64_t ns;

	if (process->over || !process_is_mine(process) || !read_cpu(process, &ns))
		return process->shared->cpu_ns;
	return ns;
}

/* What the scheduler counted of one thread. */
static bool read_thread(const struct process *process, const struct process_task *task,
			uint64_t *ns)
{
	char path[96], text[64];
	int fd;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/schedstat", (long)process->shared->pid,
		 (long)task->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	*ns = strtoull(text, NULL, 10);
	return true;
}

/* false: there is none, or those that are listed are not all. */
static bool least_of(const struct process *process, const char *name, uint64_t *ns)
{
	bool found = false;

	for (unsigned i = 0; i < process->task_count; i++) {
		const struct process_task *task = &process->tasks[i];
		char text[STAT_MAX];
		const char *words = read_stat(task, text), *bracket = strchr(text, '(');
		uint64_t used;

		if (words == NULL || !is_one_of(words, process->task_count))
			return false;
		/* Its name, as its stat has it in brackets, begins so. */
		if (strncmp(bracket + 1, name, strlen(name)) != 0)
			continue;
		if (!read_thread(process, task, &used))
			return false;
		*ns = !found || used < *ns ? used : *ns;
		found = true;
	}
	return found;
}

bool process_thread_ns(struct process *process, const char *name, uint64_t *ns)
{
	if (process->over || !process_is_mine(process))
		return false;
	return least_of(process, name, ns) || (list_tasks(process) && least_of(process, name, ns));
}

uint64_t process_all_cpu_ns(void)
{
	uint64_t sum = ended_ns;

	for (const struct process *p = all; p != NULL; p = p->next)
		sum += process_cpu_ns(p);
	return sum;
}

static uint64_t process_bytes(const struct process *process)
{
	return __atomic_load_n(&process->shared->resident, __ATOMIC_RELAXED);
}

/* It took memory since it was given the last `spin_ns`?  Then it has them once more: the bound
 * of its memory bounds how often. */
static bool grew(const struct process *process, struct process_wait *wait)
{
	uint64_t bytes = process_bytes(process);

	if (bytes < wait->bytes_from + PROCESS_GROWTH)
		return false;
	wait->bytes_from = bytes;
	wait->cpu_from = process_cpu_ns(process);
	return true;
}

int process_wait(struct process *process, struct process_wait *wait,
		 const struct process_patience *patience, struct process_end *end)
{
	const unsigned most = patience->asleep_ms / patience->slice_ms;

	if (!process_is_well(process, end))
		return -ECHILD;
	if (wait->slices++ == 0) {
		wait->cpu_from = process_cpu_ns(process);
		wait->bytes_from = process_bytes(process);
	}
	wait->asleep = process_sleeps(process) ? wait->asleep + 1 : 0;
	wait->asleep_in_all += wait->asleep > 0;
	if (wait->asleep >= most || wait->asleep_in_all >= ASLEEP_IN_ALL * most)
		return -ETIMEDOUT;
	if (process_cpu_ns(process) - wait->cpu_from < patience->spin_ns)
		return 0;
	return grew(process, wait) ? 0 : -ETIME;
}

/* It has written what the keeper has not read: it may wait for room for more. */
static bool has_more_to_say(const struct process *process)
{
	int unread;

	return ioctl(process->words_unread, FIONREAD, &unread) == 0 && unread > 0;
}

bool process_sleeps(struct process *process)
{
	uint64_t before, after;
	enum look look;
	bool same;

	if (process->over || !process_is_mine(process) || !read_cpu(process, &before))
		return false;
	look = look_at_all(process);
	if (look == LOOK_CHANGED && list_tasks(process))
		look = look_at_all(process);
	if (look != LOOK_ASLEEP || !read_cpu(process, &after) || before != after ||
	    has_more_to_say(process)) {
		process->slept_ns = UINT64_MAX;
		return false;
	}
	same = process->slept_ns == after;
	process->slept_ns = after;
	return same;
}
