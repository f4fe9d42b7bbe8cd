/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files of guest programs.  See input.h.
 */
#include "harness/input.h"
#include "harness/binary.h"
#include "harness/report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *fail_read(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	return NULL;
}

/* All of `in`, at most INPUT_SIZE_MAX bytes. */
static char *read_all(FILE *in, const char *path, size_t *len)
{
	size_t room = 65536;
	char *data = malloc(room);

	*len = 0;
	while (data != NULL) {
		size_t got = fread(data + *len, 1, room - *len - 1, in);
		char *more;

		*len += got;
		if (got == 0)
			break;
		if (*len > INPUT_SIZE_MAX) {
			free(data);
			return fail_read(path,
					 "too large for a guest program, expected at most 4 MiB");
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
	if (ferror(in)) {
		free(data);
		return fail_read(path, strerror(errno));
	}
	data[*len] = '\0';
	return data;
}

char *input_read(const char *path, size_t *len)
{
	struct stat st;
	char *data;
	FILE *in;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, "(standard input)", len);
	if (stat(path, &st) != 0)
		return fail_read(path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail_read(path, "is a directory, expected a file");
	in = fopen(path, "rb");
	if (in == NULL)
		return fail_read(path, strerror(errno));
	data = read_all(in, path, len);
	fclose(in);
	return data;
}

/* The first word that is no comment starts a script. */
static bool looks_like_text(const char *data, size_t len)
{
	static const char *const starts[] = { "device", "clause", "needs", "name" };
	size_t i = 0;

	while (i < len && (isspace((unsigned char)data[i]) || data[i] == '#')) {
		if (data[i] == '#')
			while (i < len && data[i] != '\n')
				i++;
		else
			i++;
	}
	for (size_t w = 0; w < sizeof(starts) / sizeof(starts[0]); w++) {
		size_t n = strlen(starts[w]);

		if (len - i > n && memcmp(data + i, starts[w], n) == 0 &&
		    isspace((unsigned char)data[i + n]))
			return true;
	}
	return false;
}

static bool is_text(const char *path, const char *data, size_t len)
{
	size_t n = strlen(path);

	if (len >= 4 && memcmp(data, "VRNG", 4) == 0)
		return false;
	return (n > 3 && strcmp(path + n - 3, ".vr") == 0) || looks_like_text(data, len);
}

/* The target that a folder is named after, or NULL. */
static const char *target_of(const char *folder, size_t len)
{
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		const char *name = (*t)->name;
		size_t i = 0;

		while (i < len && (name[i] == folder[i] || (name[i] == '-' && folder[i] == '_')))
			i++;
		if (i == len && name[i] == '\0')
			return name;
	}
	return NULL;
}

/* The only target there is, or the one that a folder of the path is named
 * after, as build/findings/net_loopback and corpus/net-loopback are; of several
 * the nearest to the file; or NULL. */
static const char *likely_target(const char *path)
{
	const char *name = NULL;
	const char *end;

	if (target_find(NULL) != NULL)
		return target_find(NULL)->name;
	for (; (end = strchr(path, '/')) != NULL; path = end + 1) {
		const char *nearer = target_of(path, (size_t)(end - path));

		name = nearer != NULL ? nearer : name;
	}
	return name;
}

int input_load_script(struct script *script, const char *path)
{
	size_t len;
	char *data = input_read(path, &len);
	int err = -EINVAL;

	if (data == NULL)
		return -EINVAL;
	if (is_text(path, data, len))
		err = input_decode(script, path, data, len, NULL);
	else
		fprintf(stderr,
			"%s: is no script, expected text; 'vringer replay' runs other files\n",
			path);
	free(data);
	return err;
}

int input_decode(struct script *script, const char *path, const char *data, size_t len,
		 const char *target)
{
	struct text_error error;
	unsigned version = 0;

	if (is_text(path, data, len)) {
		if (text_parse(script, data, len, &error) == 0)
			return 0;
		fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.message);
		return -EINVAL;
	}
	/* An empty text is a script without annotations. */
	text_parse(script, "device any\n", 11, &error);
	if (binary_decode(&script->prog, (const uint8_t *)data, len,
			  target != NULL ? target : "any", &version) == 0)
		return 0;
	fprintf(stderr,
		"%s: the file is of format version %u, expected %d: it is newer than this "
		"vringer\n",
		path, version, BINARY_VERSION);
	return -EINVAL;
}

int input_load(struct script *script, const char *path, const char *target, bool *text)
{
	size_t len;
	char *data = input_read(path, &len);
	int err;

	if (data == NULL)
		return -EINVAL;
	if (text != NULL)
		*text = is_text(path, data, len);
	err = input_decode(script, path, data, len, target);
	free(data);
	return err;
}

const struct target *input_target(const struct program *prog, const char *path, const char *name)
{
	const struct target *target;

	if (strcmp(prog->target, "any") != 0)
		name = prog->target;
	else if (name == NULL)
		name = likely_target(path);
	if (name == NULL) {
		fprintf(stderr, "%s: names no target, expected one with -t\n", path);
		return NULL;
	}
	target = target_find(name);
	if (target == NULL)
		fprintf(stderr, "%s: unknown target '%s', '%s targets' lists them\n", path, name,
			report_command);
	return target;
}

static int write_all(FILE *out, const void *data, size_t len)
{
	return fwrite(data, 1, len, out) == len && fflush(out) == 0 ? 0 : -EIO;
}

/* Something other than a file (a terminal, a pipe, /dev/full) is written as it
 * is; a file is written beside itself and renamed. */
static int write_place(const char *path, const void *data, size_t len)
{
	FILE *out = fopen(path, "wb");
	int err;

	if (out == NULL)
		return -errno;
	err = write_all(out, data, len);
	if (fclose(out) != 0 && err == 0)
		err = -EIO;
	return err;
}

static int write_file(const char *path, const void *data, size_t len)
{
	size_t size = strlen(path) + 32;
	char *temporary = malloc(size);
	int err;

	if (temporary == NULL)
		return -ENOMEM;
	snprintf(temporary, size, "%s.tmp-%ld", path, (long)getpid());
	err = write_place(temporary, data, len);
	if (err == 0 && rename(temporary, path) != 0)
		err = -errno;
	if (err != 0)
		unlink(temporary);
	free(temporary);
	return err;
}

int output_write(const char *path, const void *data, size_t len)
{
	struct stat st;
	int err;

	if (strcmp(path, "-") == 0)
		err = write_all(stdout, data, len);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		err = write_place(path, data, len);
	else
		err = write_file(path, data, len);
	if (err != 0)
		fprintf(stderr, "%s: cannot be written: %s\n",
			strcmp(path, "-") == 0 ? "(standard output)" : path, strerror(-err));
	return err;
}

bool output_is_input(const char *output, const char *input)
{
	struct stat a, b;

	if (stat(output, &a) != 0 || stat(input, &b) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return false;
	fprintf(stderr, "%s: is the input, expected another output\n", output);
	return true;
}
