/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Check the outputs before any work.  See output.h.
 */
#include "harness/files/input.h"
#include "harness/files/output_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Can a file be made in the folder of `path`?  Only trying tells. */
static int try_folder(const char *path)
{
	char *folder = file_folder(path);
	char *temporary = NULL;
	int fd = folder != NULL ? output_make_temporary(folder, &temporary) : -ENOMEM;

	free(folder);
	return fd < 0 ? fd : output_drop_temporary(fd, temporary);
}

static int try_special(const char *path, mode_t mode, const struct file_id *id)
{
	if (!S_ISFIFO(mode))
		return access(path, W_OK) != 0 ? -errno : 0;
	if (output_held.fd >= 0)
		return 0;
	output_held.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	output_held.id = *id;
	return output_held.fd < 0 ? -errno : 0;
}

/* 0 with what it is, or negative errno: it cannot be written. */
static int try_place(const char *path, struct file_id *id, mode_t *mode)
{
	char *real = output_resolve(path);
	struct stat st;
	int err;

	*mode = 0;
	if (real == NULL)
		return errno == ENOMEM ? -ENOMEM : -ELOOP;
	err = file_id(id, real);
	if (err == 0 && stat(real, &st) == 0) {
		*mode = st.st_mode;
		if (S_ISDIR(st.st_mode))
			err = -EISDIR;
		else if (!S_ISREG(st.st_mode))
			err = try_special(real, st.st_mode, id);
		else if (access(real, W_OK) != 0)
			err = -errno;
		else if (st.st_nlink == 1)
			err = try_folder(real);
	} else if (err == 0) {
		err = *file_name(real) == '\0' ? -EISDIR : try_folder(real);
	}
	free(real);
	return err;
}

/* What an open descriptor is; false: nothing that could be met by a path. */
static bool id_of_fd(int fd, struct file_id *id)
{
	struct stat st;

	memset(id, 0, sizeof(*id));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return true;
}

int output_plan_input(struct output_plan *plan, const char *path)
{
	struct file_id id;
	struct stat st;

	if (strcmp(path, "-") == 0) {
		if (!id_of_fd(STDIN_FILENO, &id))
			return 0;
	} else if (stat(path, &st) != 0 || S_ISCHR(st.st_mode) || file_id(&id, path) != 0) {
		return 0;
	}
	if (file_set_add(&plan->inputs, &id, path, NULL) >= 0)
		return 0;
	fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
	return -ENOMEM;
}

static int collides(const char *path, const char *input)
{
	if (strcmp(path, "-") == 0)
		path = "(standard output)";
	if (strcmp(path, input) == 0)
		fprintf(stderr, "%s: is the input, expected another output\n", path);
	else
		fprintf(stderr, "%s: is the input %s, expected another output\n", path, input);
	return -EEXIST;
}

int output_plan_output(struct output_plan *plan, const char *path, const char *input)
{
	const char *other;
	struct file_id id;
	mode_t mode = S_IFREG;
	int err = 0;

	if (strcmp(path, "-") == 0) {
		int flags = fcntl(STDOUT_FILENO, F_GETFL);

		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			return output_fail(path, -EBADF);
		if (!id_of_fd(STDOUT_FILENO, &id))
			return 0;
		other = file_set_find(&plan->inputs, &id);
		return other != NULL ? collides(path, other) : 0;
	}
	err = try_place(path, &id, &mode);
	if (err != 0)
		return output_fail(path, err);
	if (S_ISCHR(mode))
		return 0;
	other = file_set_find(&plan->inputs, &id);
	if (other != NULL)
		return collides(path, other);
	err = file_set_add(&plan->outputs, &id, input, &other);
	if (err < 0)
		return output_fail(path, err);
	if (err == 1)
		return 0;
	fprintf(stderr, "%s: is the output of %s and of %s, expected one for each\n", path, other,
		input);
	return -EEXIST;
}

int output_plan_meets(const struct output_plan *plan, const char *path)
{
	struct file_id id;
	const char *other = file_id(&id, path) == 0 ? file_set_find(&plan->inputs, &id) : NULL;

	return other != NULL ? collides(path, other) : 0;
}

int output_folder(const char *path)
{
	char *temporary = NULL;
	struct stat st;
	int fd;

	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		fd = -errno;
		fprintf(stderr, "%s: cannot be made: %s\n", path, strerror(-fd));
		return fd;
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "%s: is no directory, expected one\n", path);
		return -ENOTDIR;
	}
	fd = output_make_temporary(path, &temporary);
	return fd < 0 ? output_fail(path, fd) : output_drop_temporary(fd, temporary);
}

void output_plan_release(struct output_plan *plan)
{
	file_set_release(&plan->inputs);
	file_set_release(&plan->outputs);
}

int output_is_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return 0;
	fprintf(stderr, "%s: is %s, expected a file\n", path, input_kind(st.st_mode));
	return -EINVAL;
}
