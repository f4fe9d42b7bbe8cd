/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files and folders.  See walk.h.
 */
#include "harness/files/walk.h"
#include "harness/files/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int no_memory(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
	return -ENOMEM;
}

static void refuse(struct walk *walk, const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	walk->refused++;
}

/* 1: not met before; 0: it was; or -ENOMEM. */
static int meet(struct walk *walk, const char *path)
{
	struct file_id id;

	if (file_id(&id, path) != 0)
		return 1;
	return file_set_add(&walk->seen, &id, path, NULL);
}

static int add_file(struct walk *walk, const char *path)
{
	int fresh = walk->once && strcmp(path, "-") != 0 ? meet(walk, path) : 1;

	if (fresh <= 0)
		return fresh < 0 ? no_memory(path) : 0;
	if (walk->count == walk->room) {
		size_t room = walk->room != 0 ? 2 * walk->room : 64;
		char **paths = realloc(walk->paths, room * sizeof(*paths));

		if (paths == NULL)
			return no_memory(path);
		walk->paths = paths;
		walk->room = room;
	}
	walk->paths[walk->count] = strdup(path);
	if (walk->paths[walk->count] == NULL)
		return no_memory(path);
	walk->count++;
	return 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_folder(struct walk *walk, const char *folder);

/* What a folder holds: the name alone says whether a file is wanted, and only of
 * what is it is asked what it is. */
static int add_found(struct walk *walk, const char *path, const char *name)
{
	char why[48];
	struct stat st;
	bool there = stat(path, &st) == 0;

	if (there && S_ISDIR(st.st_mode))
		return walk->deep ? add_folder(walk, path) : 0;
	if (!walk->wanted(name))
		return 0;
	if (!there) {
		refuse(walk, path, strerror(errno));
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return add_file(walk, path);
	snprintf(why, sizeof(why), "is %s, expected a file", input_kind(st.st_mode));
	refuse(walk, path, why);
	return 0;
}

/* A folder that a link leads back to is not gone through again. */
static int add_folder(struct walk *walk, const char *folder)
{
	const size_t len = strlen(folder);
	const int shown = (int)(len - (len > 1 && folder[len - 1] == '/'));
	int fresh = meet(walk, folder);
	struct dirent **entries;
	int count, err = 0;

	if (fresh <= 0)
		return fresh < 0 ? no_memory(folder) : 0;
	count = scandir(folder, &entries, visible, alphasort);
	if (count < 0) {
		refuse(walk, folder, strerror(errno));
		return 0;
	}
	for (int i = 0; i < count; i++) {
		char *path = NULL;

		if (err == 0 && asprintf(&path, "%.*s/%s", shown, folder, entries[i]->d_name) < 0) {
			path = NULL;
			err = no_memory(folder);
		}
		if (err == 0)
			err = add_found(walk, path, entries[i]->d_name);
		free(path);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int walk_add(struct walk *walk, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return add_file(walk, path);
	if (stat(path, &st) != 0) {
		refuse(walk, path, strerror(errno));
		return 0;
	}
	return S_ISDIR(st.st_mode) ? add_folder(walk, path) : add_file(walk, path);
}

void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		free(walk->paths[i]);
	free(walk->paths);
	file_set_release(&walk->seen);
	walk->paths = NULL;
	walk->count = walk->room = 0;
}
