/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A process under test.  See process.h, and process_keeper.c for who holds it.
 *
 * No signal is ever sent to a process number from here but to our own child that was not
 * waited for: it is told to stop by its line.
 */
#include "harness/peers/process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 10000 /* for the keeper to end them all */
#define PIPE_BYTES (1 << 20)
#define TURNS_MAX 100 /* looks at words that change meanwhile */

/* Options of sanitizers that a peer was built with, which the user's may change: what they
 * find ends the peer, and says where. */
static const char *const defaults[] = { "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1" };

#define DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static size_t count_environment(void)
{
	size_t count = 0;

	while (environ != NULL && environ[count] != NULL)
		count++;
	return count;
}

/* "NAME=VALUE" of our environment, or the place behind it all. */
static size_t find_variable(const char *name, size_t len)
{
	size_t i = 0;

	while (environ != NULL && environ[i] != NULL &&
	       (strncmp(environ[i], name, len) != 0 || environ[i][len] != '='))
		i++;
	return i;
}

/* Our environment with the defaults, behind which the user's options come and so win; NULL:
 * no memory.  For free_environment, as long as nobody changes ours. */
static char **make_environment(void)
{
	size_t count = count_environment(), users = count;
	char **all = calloc(count + DEFAULTS + 1, sizeof(*all));

	if (all == NULL)
		return NULL;
	if (count > 0)
		memcpy(all, environ, count * sizeof(*all));
	for (size_t i = 0; i < DEFAULTS; i++) {
		size_t len = strcspn(defaults[i], "="), at = find_variable(defaults[i], len);
		bool has = at < users;
		char *both;

		if (asprintf(&both, "%s%s%s", defaults[i], has ? ":" : "",
			     has ? environ[at] + len + 1 : "") >= 0)
			all[has ? at : count++] = both;
	}
	return all;
}

static void free_environment(char **all)
{
	size_t count = count_environment();

	/* What is not the environment's is ours. */
	for (size_t i = 0; all != NULL && all[i] != NULL; i++)
		if (i >= count || environ[i] != all[i])
			free(all[i]);
	free(all);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Where `name` is; a name with a slash is a path.  false: nowhere in PATH. */
static bool find_program(const char *name, char *path, size_t size)
{
	const char *from = getenv("PATH");

	if (strchr(name, '/') != NULL)
		return (size_t)snprintf(path, size, "%s", name) < size;
	while (from != NULL) {
		size_t len = strcspn(from, ":");

		if ((size_t)snprintf(path, size, "%.*s/%s", len > 0 ? (int)len : 1,
				     len > 0 ? from : ".", name) < size &&
		    is_program(path))
			return true;
		from = from[len] == ':' ? from + len + 1 : NULL;
	}
	return false;
}

/* Fork the keeper.  No handler of anybody's runs in it. */
static pid_t fork_keeper(struct keeper *keeper)
{
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 34)
	pid_t pid = fork();
#else
	pid_t pid = _Fork();
#endif

	if (pid == 0)
		keeper_run(keeper);
	return pid;
}

/* Wait for a byte of the keeper's: it is in *what; false: there is none within `ms`
 * milliseconds (-1: for ever).  0 in *what: the keeper is gone. */
static bool hear(const struct process *process, int ms, char *what)
{
	uint64_t until = now_ms() + (ms > 0 ? (uint64_t)ms : 0);
	struct pollfd fd = { .fd = process->line, .events = POLLIN };
	int found;

	while ((found = poll(&fd, 1, ms)) < 0 && errno == EINTR)
		if (ms > 0)
			ms = until > now_ms() ? (int)(until - now_ms()) : 0;
	if (found <= 0)
		return false;
	*what = 0;
	return recv(process->line, what, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/* Until it has left.  false: it did not within STOP_MS. */
static bool wait_for_keeper(const struct process *process)
{
	char what = SAY_STARTED;

	while (what != 0 && hear(process, STOP_MS, &what))
		;
	if (what != 0)
		return false;
	while (waitpid(process->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}

static void free_process(struct process *process)
{
	process_rest_end(process);
	if (process->line >= 0)
		close(process->line);
	if (process->words_unread >= 0)
		close(process->words_unread);
	if (process->shared != NULL)
		munmap(process->shared, sizeof(*process->shared));
	free(process);
}

void process_stop(struct process *process)
{
	if (process == NULL)
		return;
	if (process_is_mine(process) && process->keeper > 0) {
		process_cpu_ns(process);
		shutdown(process->line, SHUT_WR);
		/* Something of it cannot be killed now; the peer itself dies with the keeper. */
		if (!wait_for_keeper(process) && waitpid(process->keeper, NULL, WNOHANG) == 0)
			kill(process->keeper, SIGKILL);
	}
	free_process(process);
}

/* Everything but the fork.  0, or negative errno. */
static int make_process(struct process **made, const struct process_options *options)
{
	struct process *process = calloc(1, sizeof(*process));
	void *shared;

	if (process == NULL)
		return -ENOMEM;
	process->line = process->words_unread = -1;
	process->owner = getpid();
	process->options = *options;
	snprintf(process->name, sizeof(process->name), "%s", base_name(options->argv[0]));
	shared = mmap(NULL, sizeof(*process->shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		free(process);
		return -ENOMEM;
	}
	process->shared = shared;
	process->shared->words = (struct excerpt){ .fd = -1,
						   .bytes = process->shared->bytes,
						   .size = sizeof(process->shared->bytes) };
	*made = process;
	return 0;
}

/* The keeper, and through it the program.  0, or negative errno. */
static int start_keeper(struct process *process, struct keeper *keeper)
{
	int line[2] = { -1, -1 }, words[2] = { -1, -1 };
	char what = 0;
	int err = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0 ||
	    pipe2(words, O_CLOEXEC) != 0) {
		err = -errno;
		goto out;
	}
	fcntl(words[0], F_SETFL, O_NONBLOCK);
	fcntl(words[1], F_SETPIPE_SZ, PIPE_BYTES);
	keeper->line = line[1];
	keeper->words_in = words[0];
	keeper->words_out = words[1];
	process->keeper = fork_keeper(keeper);
	if (process->keeper < 0) {
		err = -errno;
		goto out;
	}
	close(line[1]);
	process->line = line[0];
	process->words_unread = words[0];
	line[0] = line[1] = words[0] = -1;
	while (!hear(process, -1, &what))
		;
	err = what == SAY_STARTED ? -process->shared->error : -EIO;
out:
	for (int i = 0; i < 2; i++) {
		if (line[i] >= 0)
			close(line[i]);
		if (words[i] >= 0)
			close(words[i]);
	}
	return err;
}

static void explain(char *why, size_t size, const char *name, int err)
{
	if (err == -ENOENT)
		snprintf(why, size, "%s: there is no such program", name);
	else if (err == -EACCES)
		snprintf(why, size, "%s: it may not be executed", name);
	else if (err == -ENOEXEC)
		snprintf(why, size, "%s: it is no program for this machine", name);
	else
		snprintf(why, size, "%s: it cannot be started: %s", name, strerror(-err));
}

int process_start(struct process **process, const struct process_options *options, char *why,
		  size_t why_size)
{
	struct process *made = NULL;
	char path[4096];
	struct keeper keeper = {
		.owner = getpid(),
		.path = path,
		.fds = options->fds,
		.fd_count = options->fd_count,
		.bytes_max = options->bytes_max != 0 ? options->bytes_max : PROCESS_BYTES_MAX,
		.words_max = options->words_max != 0 ? options->words_max : PROCESS_FLOOD,
		.leftovers = options->leftovers,
	};
	char **environment = make_environment();
	int err = environment != NULL ? 0 : -ENOMEM;

	*process = NULL;
	if (err == 0 && options->fd_count > PROCESS_FDS_MAX)
		err = -E2BIG;
	if (err == 0 && !find_program(options->argv[0], path, sizeof(path)))
		err = -ENOENT;
	if (err == 0)
		err = make_process(&made, options);
	if (err != 0)
		goto out;
	/* execve writes to no argument, but its prototype does not say so. */
	memcpy(&keeper.argv, &options->argv, sizeof(keeper.argv));
	keeper.envp = environment;
	keeper.shared = made->shared;
	err = start_keeper(made, &keeper);
	if (err == 0)
		process_rest_begin(made);
out:
	free_environment(environment);
	if (err != 0) {
		explain(why, why_size, options->argv[0], err);
		process_stop(made);
		return err;
	}
	*process = made;
	return 0;
}

bool process_is_mine(const struct process *process)
{
	return process->owner == getpid();
}

/* The keeper has said that it is over, or is gone. */
static void conclude(struct process *process)
{
	struct process_shared *shared = process->shared;

	process->over = true;
	if (__atomic_load_n(&shared->ended, __ATOMIC_ACQUIRE) != 0) {
		process_end_name(&process->end, process->name, (enum process_fault)shared->fault,
				 shared->status, process_words(process));
		return;
	}
	strcpy(process->end.signature, "keeper");
	snprintf(process->end.message, sizeof(process->end.message),
		 "%s: somebody killed the process that watches it", process->name);
}

bool process_outlives(struct process *process, unsigned ms, struct process_end *end)
{
	char what;

	if (!process_is_mine(process)) {
		*end = (struct process_end){ .signature = "stranger" };
		snprintf(end->message, sizeof(end->message), "%s: process %ld started it",
			 process->name, (long)process->owner);
		return false;
	}
	if (!process->over && hear(process, (int)ms, &what))
		conclude(process);
	if (process->over)
		*end = process->end;
	return !process->over;
}

bool process_is_well(struct process *process, struct process_end *end)
{
	return process_outlives(process, 0, end);
}

const char *process_words(struct process *process)
{
	struct process_shared *shared = process->shared;
	struct excerpt words;
	uint32_t turn;

	for (int i = 0; i < TURNS_MAX; i++) {
		turn = __atomic_load_n(&shared->turn, __ATOMIC_ACQUIRE);
		words = shared->words;
		memcpy(process->words, shared->bytes, sizeof(process->words));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (turn % 2 == 0 && turn == __atomic_load_n(&shared->turn, __ATOMIC_RELAXED))
			break;
	}
	words.bytes = process->words;
	excerpt_end(&words);
	return process->words;
}

int64_t process_pid(const struct process *process)
{
	return process->shared->pid;
}
