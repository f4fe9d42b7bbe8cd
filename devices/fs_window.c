/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The pieces of the DAX window; fs_window.h has the contract.
 *
 * A change is made to a copy, one piece at a time, and taken over when all of it
 * fits.  VIRTIO 1.4, 5.11.6.4.1.
 */
#include <errno.h>

#include "fs.h"
#include "fs_window.h"

#define ALIGNED(n) (((n) & ((UINT64_C(1) << FS_MAP_ALIGNMENT) - 1)) == 0)

static bool in_window(uint64_t at, uint64_t len)
{
	return len > 0 && len <= FS_SHM_LEN && at <= FS_SHM_LEN - len;
}

/* Of a length that is one of the window's. */
static bool in_file(uint64_t file, uint64_t len)
{
	return file <= INT64_MAX - len;
}

bool fs_window_has(uint64_t at, uint64_t len)
{
	return ALIGNED(at) && in_window(at, len);
}

bool fs_window_takes(uint64_t file, uint64_t len)
{
	return ALIGNED(file) && in_file(file, len);
}

uint64_t fs_window_bytes(const struct fs_window *window, uint64_t at, uint64_t len)
{
	const uint64_t end = at + len;
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < window->count; i++) {
		const struct fs_piece *p = &window->pieces[i];
		const uint64_t from = p->at > at ? p->at : at;
		const uint64_t to = p->at + p->len < end ? p->at + p->len : end;

		if (from < to)
			bytes += to - from;
	}
	return bytes;
}

/* Behind the others. */
static int append(struct fs_window *window, uint64_t at, uint64_t end, uint64_t file)
{
	if (at >= end)
		return 0;
	if (window->count == FS_PIECES_MAX)
		return -ENOMEM;
	window->pieces[window->count++] =
		(struct fs_piece){ .at = at, .len = end - at, .file = file };
	return 0;
}

/* What is left of the pieces, with [at, end) taken out of them and, where `file` says what
 * is mapped there, in its place. */
static int replace(struct fs_window *window, uint64_t at, uint64_t end, const uint64_t *file)
{
	struct fs_window next = { .count = 0 };
	unsigned i;
	int err = 0;

	for (i = 0; err == 0 && i < window->count; i++) {
		const struct fs_piece *p = &window->pieces[i];
		uint64_t p_end = p->at + p->len;

		err = append(&next, p->at, p_end < at ? p_end : at, p->file);
		/* The new one comes before the first that ends behind it. */
		if (err == 0 && file && p_end > end) {
			err = append(&next, at, end, *file);
			file = NULL;
		}
		if (err == 0 && p->at >= end)
			err = append(&next, p->at, p_end, p->file);
		else if (err == 0)
			err = append(&next, end, p_end, p->file + (end - p->at));
	}
	if (err == 0 && file)
		err = append(&next, at, end, *file);
	if (err == 0)
		*window = next;
	return err;
}

int fs_window_map(struct fs_window *window, uint64_t at, uint64_t len, uint64_t file)
{
	return replace(window, at, at + len, &file);
}

int fs_window_unmap(struct fs_window *window, uint64_t at, uint64_t len)
{
	return replace(window, at, at + len, NULL);
}

void fs_window_save(const struct fs_window *window, struct snapshot_out *out)
{
	unsigned i;

	snapshot_put(out, 1, window->count);
	for (i = 0; i < window->count; i++) {
		snapshot_put(out, 8, window->pieces[i].at);
		snapshot_put(out, 8, window->pieces[i].len);
		snapshot_put(out, 8, window->pieces[i].file);
	}
}

uint64_t fs_window_restore(struct fs_window *window, bool live, struct snapshot_in *in)
{
	struct fs_window found = { .count = 0 };
	unsigned count = (unsigned)snapshot_get_max(in, 1, live ? FS_PIECES_MAX : 0,
						    "more of the window is mapped than can be");
	uint64_t end = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		size_t at = in->at;
		struct fs_piece *p = &found.pieces[i];

		p->at = snapshot_get(in, 8);
		p->len = snapshot_get(in, 8);
		p->file = snapshot_get(in, 8);
		if (p->at < end || !in_window(p->at, p->len) || !in_file(p->file, p->len))
			snapshot_bad(in, at, -EINVAL, "a mapping that the window cannot have");
		end = p->at + p->len;
		found.count++;
	}
	if (in->commit)
		*window = found;
	return fs_window_bytes(&found, 0, FS_SHM_LEN);
}
