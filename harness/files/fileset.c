/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files by device and inode.  See fileset.h.
 */
#include "harness/files/fileset.h"
#include "harness/files/hash.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file_set_entry {
	struct file_id id;
	char *path;
};

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

char *file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int file_id(struct file_id *id, const char *path)
{
	const char *name = file_name(path);
	struct stat st;
	char *folder;
	int err;

	memset(id, 0, sizeof(*id));
	if (stat(path, &st) != 0) {
		if (errno != ENOENT || *name == '\0')
			return -errno;
		if (strlen(name) >= sizeof(id->name))
			return -ENAMETOOLONG;
		folder = file_folder(path);
		if (folder == NULL)
			return -ENOMEM;
		err = stat(folder, &st) != 0 ? -errno : 0;
		free(folder);
		if (err != 0)
			return err;
		memcpy(id->name, name, strlen(name));
	}
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return 0;
}

bool file_id_same(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && strcmp(a->name, b->name) == 0;
}

/* Over what tells the file. */
static size_t hash_of(const struct file_id *id)
{
	uint64_t h = hash_step(hash_step(HASH_START, (uint64_t)id->ino), (uint64_t)id->dev);

	h = hash_bytes(h, id->name, strlen(id->name));
	return (size_t)(h ^ h >> 32);
}

/* Where it is, or where it would be put; the table has room. */
static size_t *slot_of(const struct file_set *set, const struct file_id *id)
{
	size_t at = hash_of(id) % set->slot_count;

	while (set->slots[at] != 0 && !file_id_same(&set->entries[set->slots[at] - 1].id, id))
		at = (at + 1) % set->slot_count;
	return &set->slots[at];
}

/* Room for one more, the table never more than half full. */
static int grow(struct file_set *set)
{
	size_t room = set->room != 0 ? 2 * set->room : 64;
	struct file_set_entry *entries;
	size_t *slots;

	if (set->count < set->room)
		return 0;
	entries = realloc(set->entries, room * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	set->entries = entries;
	slots = calloc(2 * room, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	free(set->slots);
	set->slots = slots;
	set->slot_count = 2 * room;
	set->room = room;
	for (size_t i = 0; i < set->count; i++)
		*slot_of(set, &set->entries[i].id) = i + 1;
	return 0;
}

int file_set_add(struct file_set *set, const struct file_id *id, const char *path,
		 const char **other)
{
	const char *found = file_set_find(set, id);
	struct file_set_entry *entry;

	if (found != NULL) {
		if (other != NULL)
			*other = found;
		return 0;
	}
	if (grow(set) != 0)
		return -ENOMEM;
	entry = &set->entries[set->count];
	entry->id = *id;
	entry->path = strdup(path);
	if (entry->path == NULL)
		return -ENOMEM;
	*slot_of(set, id) = ++set->count;
	return 1;
}

const char *file_set_find(const struct file_set *set, const struct file_id *id)
{
	size_t at;

	if (set->slot_count == 0)
		return NULL;
	at = *slot_of(set, id);
	return at != 0 ? set->entries[at - 1].path : NULL;
}

void file_set_release(struct file_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->entries[i].path);
	free(set->entries);
	free(set->slots);
	*set = (struct file_set){ .count = 0 };
}
