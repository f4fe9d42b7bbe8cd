/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Write results.  See output.h.
 */
#include "harness/files/input.h"
#include "harness/files/output_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".vringer-"
#define TEMPORARY_SUFFIX ".tmp"
#define TEMPORARY_TRIES 16
#define LINKS_MAX 40 /* as many as the kernel follows */

static bool stdout_failed;

struct output_held output_held = { .fd = -1 };

bool output_stdout_failed(void)
{
	return stdout_failed;
}

int output_fail(const char *path, int err)
{
	bool is_stdout = strcmp(path, "-") == 0;

	fprintf(stderr, "%s: cannot be written: %s\n", is_stdout ? "(standard output)" : path,
		err == -ENXIO ? "nobody reads it" : strerror(-err));
	stdout_failed = stdout_failed || is_stdout;
	return err;
}

/* ---- the file that a path leads to ------------------------------------------ */

/* One step: where the link at `path` leads, taking the place of it. */
static char *follow(char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	char *folder = NULL, *next = NULL;

	if (len >= 0) {
		target[len] = '\0';
		folder = target[0] == '/' ? strdup("/") : file_folder(path);
	}
	if (folder != NULL && asprintf(&next, "%s/%s", folder, target) < 0)
		next = NULL;
	free(folder);
	free(path);
	return next;
}

/* Links followed, also one that leads to where nothing is yet; to be freed.  NULL
 * if there is no memory, or if they lead in a circle. */
char *output_resolve(const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real != NULL)
		return real;
	real = strdup(path);
	for (int i = 0; real != NULL && lstat(real, &st) == 0 && S_ISLNK(st.st_mode); i++) {
		if (i == LINKS_MAX) {
			free(real);
			return NULL;
		}
		real = follow(real);
	}
	return real;
}

/* ---- files beside files ------------------------------------------------------ */

static bool is_temporary(const char *name)
{
	const size_t prefix = sizeof(TEMPORARY_PREFIX) - 1, suffix = sizeof(TEMPORARY_SUFFIX) - 1;
	size_t len = strlen(name);

	return len > prefix + suffix && memcmp(name, TEMPORARY_PREFIX, prefix) == 0 &&
	       strcmp(name + len - suffix, TEMPORARY_SUFFIX) == 0;
}

/* Remove it if nobody holds its lock, which ends with the process that does. */
static void sweep_one(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
	close(fd);
}

/* Once for each folder, as long as it is the same one. */
static void sweep(const char *path)
{
	static struct file_id last;
	struct file_id id;
	struct dirent *entry;
	DIR *folder;

	if (file_id(&id, path) != 0 || file_id_same(&id, &last))
		return;
	last = id;
	folder = opendir(path);
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (is_temporary(entry->d_name))
			sweep_one(dirfd(folder), entry->d_name);
	closedir(folder);
}

/* A new file in the folder, locked: its descriptor, and its path to be freed. */
int output_make_temporary(const char *folder, char **path)
{
	static unsigned number;

	sweep(folder);
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		struct stat st;
		int fd, err;

		if (asprintf(path, "%s/" TEMPORARY_PREFIX "%ld-%u" TEMPORARY_SUFFIX, folder,
			     (long)getpid(), number++) < 0)
			return -ENOMEM;
		fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		err = fd < 0 ? -errno : 0;
		/* Somebody may have swept it before it was locked. */
		if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
		    fstat(fd, &st) == 0 && st.st_nlink > 0)
			return fd;
		if (fd >= 0)
			close(fd);
		free(*path);
		*path = NULL;
		if (err != 0 && err != -EEXIST)
			return err;
	}
	return -EEXIST;
}

int output_drop_temporary(int fd, char *path)
{
	unlink(path);
	free(path);
	return close(fd) != 0 ? -errno : 0;
}

/* ---- writing ----------------------------------------------------------------- */

/* Wait until it takes more: a signal that is caught ends that. */
static int wait_writable(int fd)
{
	return input_wait(fd, POLLOUT);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, data, len);

		if (done < 0 && errno == EAGAIN) {
			int err = wait_writable(fd);

			if (err != 0)
				return err;
		} else if (done < 0 && errno != EINTR) {
			return -errno;
		}
		if (done > 0) {
			data += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

static int write_stdout(const void *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0)
		return 0;
	return errno != 0 ? -errno : -EIO;
}

/* Something other than a file. */
static int write_special(const char *path, const void *data, size_t len)
{
	struct file_id id;
	int fd = -1;
	int err;

	if (output_held.fd >= 0 && file_id(&id, path) == 0 && file_id_same(&id, &output_held.id)) {
		fd = output_held.fd;
		output_held.fd = -1;
	}
	if (fd < 0)
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (close(fd) != 0 && err == 0)
		err = -errno;
	return err;
}

/* A file of several names is written where it is, for all of them to have it: there
 * is room for it before the first byte goes. */
static int write_in_place(const char *path, off_t old_len, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if ((off_t)len > old_len)
		err = -posix_fallocate(fd, 0, (off_t)len);
	if (err == -EOPNOTSUPP || err == -EINVAL)
		err = 0;
	if (err == 0)
		err = write_all(fd, data, len);
	/* What there was is kept where there is no room for more. */
	if (err == 0 ? ftruncate(fd, (off_t)len) != 0 : ftruncate(fd, old_len) != 0)
		err = err != 0 ? err : -errno;
	if (close(fd) != 0 && err == 0)
		err = -errno;
	return err;
}

/* The new file belongs to whom the old one did, as far as may be. */
static int take_over(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0)
		errno = 0;
	return fchmod(fd, old->st_mode & 07777) != 0 ? -errno : 0;
}

static int write_beside(const char *path, const struct stat *old, const void *data, size_t len)
{
	char *folder = file_folder(path);
	char *temporary = NULL;
	int fd = folder != NULL ? output_make_temporary(folder, &temporary) : -ENOMEM;
	int err = 0;

	free(folder);
	if (fd < 0 || temporary == NULL)
		return fd < 0 ? fd : -ENOMEM;
	if (old != NULL)
		err = take_over(fd, old);
	if (err == 0)
		err = write_all(fd, data, len);
	if (err == 0 && rename(temporary, path) != 0)
		err = -errno;
	if (err != 0) {
		output_drop_temporary(fd, temporary);
		return err;
	}
	free(temporary);
	return close(fd) != 0 ? -errno : 0;
}

static int write_file(const char *path, const void *data, size_t len)
{
	char *real = output_resolve(path);
	struct stat st;
	int err;

	if (real == NULL)
		return errno == ENOMEM ? -ENOMEM : -ELOOP;
	if (stat(real, &st) != 0)
		err = errno == ENOENT ? write_beside(real, NULL, data, len) : -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		err = write_special(real, data, len);
	else if (access(real, W_OK) != 0)
		err = -errno;
	else if (st.st_nlink > 1)
		err = write_in_place(real, st.st_size, data, len);
	else
		err = write_beside(real, &st, data, len);
	free(real);
	return err;
}

int output_write(const char *path, const void *data, size_t len)
{
	int err = strcmp(path, "-") == 0 ? write_stdout(data, len) : write_file(path, data, len);

	return err != 0 ? output_fail(path, err) : 0;
}

/* ---- texts --------------------------------------------------------------------- */

static int no_memory(void)
{
	fprintf(stderr, "(memory for a result): %s\n", strerror(ENOMEM));
	return -ENOMEM;
}

FILE *output_text_open(char **text, size_t *len)
{
	FILE *out;

	*text = NULL;
	*len = 0;
	out = open_memstream(text, len);
	if (out == NULL)
		no_memory();
	return out;
}

int output_text_close(FILE *out, char **text)
{
	int bad = ferror(out);

	bad |= fclose(out);
	if (bad == 0 && *text != NULL)
		return 0;
	free(*text);
	*text = NULL;
	return no_memory();
}
