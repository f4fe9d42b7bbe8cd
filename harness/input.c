/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files of guest programs.  See input.h.
 */
#include "harness/input.h"
#include "harness/binary.h"

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

static const char *only_target(void)
{
	return target_table[0] != NULL && target_table[1] == NULL ? target_table[0]->name : NULL;
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

int input_load(struct script *script, const char *path, const char *target)
{
	size_t len;
	char *data = input_read(path, &len);
	int err;

	if (data == NULL)
		return -EINVAL;
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
		name = only_target();
	if (name == NULL) {
		fprintf(stderr, "%s: names no target, expected one with -t\n", path);
		return NULL;
	}
	target = target_find(name);
	if (target == NULL)
		fprintf(stderr, "%s: unknown target '%s', 'vringer targets' lists them\n", path,
			name);
	return target;
}

int output_write(const char *path, const void *data, size_t len)
{
	size_t size = strlen(path) + 32;
	char *temporary;
	FILE *out;
	int err = 0;

	if (strcmp(path, "-") == 0)
		return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : -EIO;
	temporary = malloc(size);
	if (temporary == NULL)
		return -ENOMEM;
	snprintf(temporary, size, "%s.tmp-%ld", path, (long)getpid());
	out = fopen(temporary, "wb");
	if (out == NULL) {
		err = -errno;
		goto done;
	}
	if (fwrite(data, 1, len, out) != len)
		err = -EIO;
	if (fclose(out) != 0)
		err = -EIO;
	if (err == 0 && rename(temporary, path) != 0)
		err = -errno;
	if (err != 0)
		unlink(temporary);
done:
	if (err != 0)
		fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(-err));
	free(temporary);
	return err;
}
