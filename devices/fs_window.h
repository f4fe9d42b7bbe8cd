/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The DAX window of the file system device: which parts of it the driver has mapped.
 *
 * Pieces do not overlap; what is mapped over others replaces them, and cuts those that
 * it meets in part.  There are at most FS_PIECES_MAX: what would need more changes
 * nothing.  Contents are not here: the one file that there is has none.
 *
 * VIRTIO 1.4, 5.11.6.4 (DAX window).
 */
#ifndef VRINGER_DEVICES_FS_WINDOW_H
#define VRINGER_DEVICES_FS_WINDOW_H

#include "snapshot_codec.h"

#define FS_PIECES_MAX 16u
/* log2 of what offsets into the window and the file are multiples of. */
#define FS_MAP_ALIGNMENT 12u

struct fs_piece {
	uint64_t at, len; /* bytes of the window; len is not 0 */
	uint64_t file;	  /* offset into the file of its first byte */
};

struct fs_window {
	unsigned count;
	struct fs_piece pieces[FS_PIECES_MAX]; /* by `at` */
};

/* Is that a range of the window, not empty, that begins where one may?  And, of the length of
 * one: is that a range of a file? */
bool fs_window_has(uint64_t at, uint64_t len);
bool fs_window_takes(uint64_t file, uint64_t len);

/* How many bytes are mapped of a range of the window. */
uint64_t fs_window_bytes(const struct fs_window *window, uint64_t at, uint64_t len);

/* Of a range of the window.  0, or -ENOMEM and nothing has changed. */
int fs_window_map(struct fs_window *window, uint64_t at, uint64_t len, uint64_t file);
int fs_window_unmap(struct fs_window *window, uint64_t at, uint64_t len);

/* A window's part of a snapshot.  restore: of a device that is not live it is empty; returns how
 * many bytes are mapped. */
void fs_window_save(const struct fs_window *window, struct snapshot_out *out);
uint64_t fs_window_restore(struct fs_window *window, bool live, struct snapshot_in *in);

#endif
