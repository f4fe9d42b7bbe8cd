/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read the inputs of a command.  See input.h.
 */
#include "harness/files/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const volatile sig_atomic_t *input_stop;

const char *input_kind(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISBLK(mode) || S_ISCHR(mode))
		return "a device";
	return "a file";
}

bool input_is_script(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".vr") == 0;
}

const char *input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "(standard input)" : path;
}

/* Signals are taken only while it waits: one that comes between the look at
 * input_stop and the waiting is not missed. */
int input_wait(int fd, short events)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	struct pollfd poll = { .fd = fd, .events = events };
	sigset_t block, before;
	int err = 0;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaddset(&block, caught[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	while (err == 0) {
		if (input_stop != NULL && *input_stop != 0)
			err = -EINTR;
		else if (ppoll(&poll, 1, NULL, &before) >= 0)
			break;
		else if (errno != EINTR)
			err = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static char *fail_read(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", input_name(path), why);
	return NULL;
}

/* As read(), but that it waits for what has no bytes yet; negative errno. */
static ssize_t read_some(int fd, char *data, size_t size)
{
	for (;;) {
		int err = input_wait(fd, POLLIN);
		ssize_t got = err == 0 ? read(fd, data, size) : 0;

		if (err != 0)
			return err;
		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

/* How much there may be, and how that is told. */
struct bound {
	size_t most;
	const char *what;
};

/* All of it. */
static char *read_all(int fd, const char *path, const struct bound *bound, size_t *len)
{
	size_t room = 65536;
	char *data = malloc(room);
	ssize_t got = 0;

	*len = 0;
	while (data != NULL) {
		char *more;

		got = read_some(fd, data + *len, room - *len - 1);
		if (got <= 0)
			break;
		*len += (size_t)got;
		if (*len > bound->most) {
			free(data);
			fprintf(stderr, "%s: too large%s, expected at most %zu MiB\n",
				input_name(path), bound->what, bound->most >> 20);
			return NULL;
		}
		if (*len + 1 < room)
			continue;
		room *= 2;
		more = realloc(data, room);
		if (more == NULL)
			free(data);
		data = more;
	}
	if (data == NULL)
		return fail_read(path, strerror(ENOMEM));
	if (got < 0) {
		free(data);
		return got == -EINTR ? NULL : fail_read(path, strerror((int)-got));
	}
	data[*len] = '\0';
	return data;
}

static char *read_stdin(const struct bound *bound, size_t *len)
{
	static bool taken;

	if (taken)
		return fail_read("-", "was read already, expected it once");
	taken = true;
	return read_all(STDIN_FILENO, "-", bound, len);
}

static char *read_bounded(const char *path, const struct bound *bound, size_t *len)
{
	struct stat st;
	char *data;
	int fd;

	if (strcmp(path, "-") == 0)
		return read_stdin(bound, len);
	/* A FIFO that nobody writes to yet is no reason to wait where no signal is
	 * seen. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENXIO)
		return fail_read(path, "is a socket, expected a file");
	if (fd < 0)
		return fail_read(path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		data = fail_read(path, "is a directory, expected a file");
	else
		data = read_all(fd, path, bound, len);
	close(fd);
	return data;
}

char *input_read(const char *path, size_t *len)
{
	static const struct bound bound = { INPUT_SIZE_MAX, " for a guest program" };

	return read_bounded(path, &bound, len);
}

char *input_read_large(const char *path, size_t most, size_t *len)
{
	const struct bound bound = { most, "" };

	return read_bounded(path, &bound, len);
}
