/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sets of files, identified by device and inode, not by name: a link, another path to
 * it and a hard link are all the same file.  A file that does not exist yet is
 * identified by its folder and its name.
 */
#ifndef VRINGER_HARNESS_FILESET_H
#define VRINGER_HARNESS_FILESET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct file_id {
	dev_t dev;
	ino_t ino;
	/* Of a file that is not there: its name, dev and ino being the folder's.
	 * Empty: the file is there. */
	char name[256];
};

/* 0, or negative errno: there is no such folder, say. */
int file_id(struct file_id *id, const char *path);
bool file_id_same(const struct file_id *a, const struct file_id *b);
/* The last part of a path. */
const char *file_name(const char *path);
/* Its folder, to be freed; NULL if there is no memory. */
char *file_folder(const char *path);

struct file_set {
	struct file_set_entry *entries;
	size_t count, room;
	size_t *slots; /* a hash table of indices plus 1 */
	size_t slot_count;
};

/* 1: added; 0: it was in it already, *other (may be NULL) is the path by which it
 * was added; or -ENOMEM. */
int file_set_add(struct file_set *set, const struct file_id *id, const char *path,
		 const char **other);
/* The path that it was added by, or NULL. */
const char *file_set_find(const struct file_set *set, const struct file_id *id);
void file_set_release(struct file_set *set);

#endif
