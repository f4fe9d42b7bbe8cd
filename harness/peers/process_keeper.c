/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The keeper: a process between ours and the peer's.
 *
 * The peer must end when we do, however we end, and so must all that it started, also
 * what left its session or lost its parent.  So the keeper, which is forked for one peer,
 * is the parent of every process that is orphaned below it (PR_SET_CHILD_SUBREAPER):
 * killing its own children until it has none leaves nobody.  It waits for our end by a
 * pidfd, and the peer in turn dies with the keeper (PR_SET_PDEATHSIG).
 *
 * It also takes what the peer writes, so that no peer ever waits for us, and looks at
 * the peer's memory.
 *
 * It was forked from a process that may have threads and sanitizers: it calls only what a
 * signal handler may, allocates nothing, prints nothing, and keeps no descriptor of ours.
 */
#include "harness/peers/process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 50    /* between two looks at its memory */
#define FAR 32	      /* above every descriptor that has a place */
#define FIRST 3	      /* the first of the peer's descriptors */
#define TAKES_MAX 64u /* reads in a row: more words than that can wait */
#define PAUSE_MS 1000 /* at most, between two rounds against who does not die */
#define STACK 65536u
#define OPEN_MAX_OLD 65536u /* a kernel without close_range: so many are closed */

struct kept {
	const struct keeper *keeper;
	struct process_shared *shared;
	pid_t peer, self;
	bool stop; /* the owner wants it, or is gone */
	int owner, signals, statm;
	long page;
	uint64_t looked_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
	for (unsigned fd = first; fd < OPEN_MAX_OLD; fd++)
		close((int)fd);
}

/* dup2 of what is FAR: no two of them are in each other's way. */
static bool place(int from, int to, int flags)
{
	return from >= 0 && dup3(from, to, flags) == to;
}

/* 0: nothing, 1 and 2: the peer's words, from FIRST: its descriptors, then ours; nothing
 * else is open. */
static bool place_all(struct keeper *k)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int far[PROCESS_FDS_MAX], line, in, out, next = FIRST;
	bool placed;

	nothing = fcntl(nothing, F_DUPFD_CLOEXEC, FAR);
	line = fcntl(k->line, F_DUPFD_CLOEXEC, FAR);
	in = fcntl(k->words_in, F_DUPFD_CLOEXEC, FAR);
	out = fcntl(k->words_out, F_DUPFD_CLOEXEC, FAR);
	for (unsigned i = 0; i < k->fd_count; i++)
		far[i] = fcntl(k->fds[i], F_DUPFD_CLOEXEC, FAR);
	placed = dup2(nothing, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2;
	for (unsigned i = 0; i < k->fd_count; i++)
		placed = placed && far[i] >= 0 && dup2(far[i], next++) >= 0;
	k->line = next++;
	k->words_in = next++;
	placed = placed && place(line, k->line, O_CLOEXEC) && place(in, k->words_in, O_CLOEXEC);
	if (placed)
		close_from((unsigned)next);
	return placed;
}

/* What is the peer's alone goes. */
static void let_go(const struct keeper *k)
{
	dup2(0, 1);
	dup2(0, 2);
	for (unsigned i = 0; i < k->fd_count; i++)
		close(FIRST + (int)i);
}

/* Limits that we have for ourselves are not the peer's. */
static void set_limits(void)
{
	static const __rlimit_resource_t ours[] = { RLIMIT_AS, RLIMIT_CPU };
	struct rlimit limit = { 0, 0 };

	setrlimit(RLIMIT_CORE, &limit);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (getrlimit(ours[i], &limit) == 0) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(ours[i], &limit);
		}
}

static void set_signals(void)
{
	struct sigaction as_before = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &as_before, NULL);
}

/* Its memory lies where it did the last time, if the kernel lets us: what it finds where it
 * should not look is then the same. */
static void settle_places(void)
{
	int now = personality(0xffffffff);

	if (now != -1)
		personality((unsigned long)now | ADDR_NO_RANDOMIZE);
}

/* In a process that shares the keeper's memory until it executes: it returns rather than
 * exits, which sanitizers follow. */
static int be_peer(void *ctx)
{
	struct kept *kept = ctx;
	const struct keeper *k = kept->keeper;
	sigset_t none;

	sigemptyset(&none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != kept->self)
		return 1;
	setsid();
	settle_places();
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(k->path, k->argv, k->envp);
	kept->shared->error = errno;
	return 1;
}

static void say(const struct kept *kept, char what)
{
	while (send(kept->keeper->line, &what, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* "/proc/12/statm" */
static int open_statm(pid_t pid)
{
	char path[48] = "/proc/", digits[16];
	size_t at = strlen(path), count = 0;

	for (; pid > 0; pid /= 10)
		digits[count++] = (char)('0' + pid % 10);
	while (count > 0)
		path[at++] = digits[--count];
	memcpy(path + at, "/statm", sizeof("/statm"));
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The second word of statm, in bytes. */
static uint64_t resident(const struct kept *kept)
{
	char text[128];
	ssize_t len = pread(kept->statm, text, sizeof(text), 0), at = 0;
	uint64_t pages = 0;

	while (at < len && text[at] != ' ')
		at++;
	for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++)
		pages = pages * 10 + (uint64_t)(text[at] - '0');
	return pages * (uint64_t)kept->page;
}

/* What it wrote.  Whoever reads it meanwhile sees that `turn` moves. */
static void take_words(struct kept *kept, unsigned most)
{
	struct process_shared *shared = kept->shared;
	bool more = shared->words.fd >= 0;

	if (!more)
		return;
	__atomic_add_fetch(&shared->turn, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; more && i < most; i++)
		more = excerpt_take(&shared->words);
	__atomic_add_fetch(&shared->turn, 1, __ATOMIC_SEQ_CST);
}

/* Who has died; is the peer among them? */
static bool reap(struct kept *kept)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == kept->peer) {
			kept->shared->status = status;
			kept->peer = 0;
			ended = true;
		}
	return ended;
}

/* Every child that the kernel lists; it may miss one while others go. */
static void kill_listed(int list)
{
	char text[1024];
	pid_t pid = 0;
	ssize_t len;

	while ((len = read(list, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < len; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 0)
				kill(pid, SIGKILL);
			pid = 0;
		}
}

/* Without /proc: the peer and its group. */
static void kill_children(const struct kept *kept, pid_t peer)
{
	int list = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

	if (kept->peer > 0)
		kill(kept->peer, SIGKILL);
	if (list >= 0) {
		kill_listed(list);
		close(list);
	} else if (peer > 0) {
		kill(-peer, SIGKILL);
	}
}

/* Kill until there is nobody: a child's children are ours once it has died. */
static void kill_all(struct kept *kept)
{
	pid_t peer = kept->shared->pid;
	int pause = 1, status;

	for (;;) {
		struct pollfd fd = { .fd = kept->signals, .events = POLLIN };
		struct signalfd_siginfo info;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == kept->peer)
				kept->peer = 0;
		if (pid < 0)
			return;
		kill_children(kept, peer);
		poll(&fd, 1, pause);
		while (read(kept->signals, &info, sizeof(info)) > 0)
			;
		pause = pause * 2 < PAUSE_MS ? pause * 2 : PAUSE_MS;
	}
}

/* Nobody is left who could make them anew. */
static void remove_leftovers(const struct keeper *k)
{
	for (const char *const *path = k->leftovers; path != NULL && *path != NULL; path++)
		if (unlink(*path) != 0)
			rmdir(*path);
}

/* Only SIGCHLD is not a wish that it stops. */
static void hear_signals(struct kept *kept)
{
	struct signalfd_siginfo info;

	while (read(kept->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			kept->stop = true;
}

/* Wait for something, at most until the next look. */
static void wait_and_hear(struct kept *kept, int ms)
{
	struct pollfd fds[] = { { .fd = kept->keeper->line, .events = POLLIN },
				{ .fd = kept->owner, .events = POLLIN },
				{ .fd = kept->signals, .events = POLLIN },
				{ .fd = kept->shared->words.fd, .events = POLLIN } };

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), ms) > 0) {
		if (fds[0].revents != 0 || fds[1].revents != 0)
			kept->stop = true;
		if (fds[2].revents != 0)
			hear_signals(kept);
	}
	if (getppid() != kept->keeper->owner)
		kept->stop = true;
}

/* Memory and words within their bounds? */
static enum process_fault look(struct kept *kept)
{
	uint64_t now = now_ms(), bytes;

	if (kept->shared->words.len > kept->keeper->words_max)
		return PROCESS_FLOODED;
	if (now - kept->looked_ms < LOOK_MS)
		return PROCESS_SOUND;
	kept->looked_ms = now;
	bytes = resident(kept);
	__atomic_store_n(&kept->shared->resident, bytes, __ATOMIC_RELAXED);
	return bytes > kept->keeper->bytes_max ? PROCESS_ATE : PROCESS_SOUND;
}

/* Until the peer has ended, or must: true; or until the keeper is to stop. */
static bool watch(struct kept *kept)
{
	struct process_shared *shared = kept->shared;
	bool ended = false;

	while (!ended && !kept->stop) {
		enum process_fault fault;

		wait_and_hear(kept, LOOK_MS);
		/* Before: what it wrote last is then there to be taken. */
		ended = reap(kept);
		take_words(kept, TAKES_MAX);
		fault = look(kept);
		if (fault == PROCESS_SOUND)
			continue;
		shared->fault = (uint32_t)fault;
		kill_children(kept, shared->pid);
		ended = true;
	}
	return ended;
}

static void set_up(struct kept *kept)
{
	pid_t owner = kept->keeper->owner;
	sigset_t heard;

	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	sigaddset(&heard, SIGTERM);
	sigaddset(&heard, SIGINT);
	sigaddset(&heard, SIGHUP);
	sigaddset(&heard, SIGQUIT);
	kept->signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Without pidfds its end is seen at the next look. */
	kept->owner = (int)syscall(SYS_pidfd_open, owner, 0);
	if (getppid() != owner)
		_exit(0);
	kept->page = sysconf(_SC_PAGESIZE);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Seen by ps and killall: it is not the command. */
	prctl(PR_SET_NAME, "vringer-keeper");
	setsid();
}

void keeper_run(struct keeper *keeper)
{
	static _Alignas(64) char stack[STACK];
	static struct kept kept;

	kept = (struct kept){ .keeper = keeper, .shared = keeper->shared, .self = getpid() };
	set_signals();
	if (!place_all(keeper))
		_exit(1);
	keeper->shared->words.fd = keeper->words_in;
	set_limits();
	set_up(&kept);
	kept.peer = clone(be_peer, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &kept);
	let_go(keeper);
	if (kept.peer < 0)
		keeper->shared->error = errno;
	keeper->shared->pid = kept.peer;
	kept.statm = open_statm(kept.peer);
	say(&kept, SAY_STARTED);
	/* If anybody but the peer ends it, the owner hears no more than that it is gone. */
	if (kept.peer > 0 && keeper->shared->error == 0 && watch(&kept)) {
		take_words(&kept, TAKES_MAX);
		__atomic_store_n(&keeper->shared->ended, 1, __ATOMIC_RELEASE);
		say(&kept, SAY_ENDED);
	}
	close(keeper->words_in);
	keeper->shared->words.fd = -1;
	kill_all(&kept);
	remove_leftovers(keeper);
	while (!kept.stop)
		wait_and_hear(&kept, 1000);
	_exit(0);
}
