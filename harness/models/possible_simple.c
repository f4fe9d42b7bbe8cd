/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a balloon, a file system or a source of entropy of ours have saved this?  By the
 * formats that devices/balloon.c, fs.c, fs_window.c and rng.c describe.
 *
 * Pages of a balloon are any numbers: what the driver says and what the host wants need not
 * agree (VIRTIO 1.4, 5.5.6).
 */
#include "devices/fs.h"
#include "devices/fs_window.h"
#include "devices/rng.h"
#include "harness/models/models.h"
#include "harness/models/possible.h"

const char *balloon_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	possible_drain(&part);
	own_part_skip(&part, 2 * 4);
	return own_part_close(&part, at);
}

/* Pieces of the window, one behind the other. */
static void read_window(struct own_part *part)
{
	uint64_t count = own_part_get_max(part, 1, own_part_started(part) ? FS_PIECES_MAX : 0,
					  "more of the window is mapped than can be");
	uint64_t end = 0, mapped = 0;

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t at = own_part_get(part, 8), len, file;

		own_part_require(part, at >= end && at < FS_SHM_LEN,
				 "a mapping over the one before, or beyond the window");
		len = own_part_get(part, 8);
		own_part_require(part, len > 0 && len <= FS_SHM_LEN - at,
				 "a mapping of nothing, or beyond the window");
		file = own_part_get(part, 8);
		own_part_require(part, file <= INT64_MAX - len, "a mapping of what no file has");
		end = at + len;
		mapped += len;
	}
	own_part_require_counter(part, &fs_target, "window_bytes", mapped);
}

const char *fs_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	possible_drain(&part);
	own_part_get_max(&part, 1, own_part_started(&part), "a byte order before a session");
	read_window(&part);
	return own_part_close(&part, at);
}

const char *rng_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;
	uint64_t waits, held;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	own_part_get_max(&part, 1, own_part_started(&part), "work left of a device not started");
	waits = own_part_get_max(&part, 1, own_part_started(&part), "a chain before DRIVER_OK");
	if (waits != 0)
		own_part_require(&part, possible_chain(&part, RNG_REQUESTS) > 0,
				 "a chain without a byte that waits");
	else
		own_part_require_held_max(&part, RNG_REQUESTS,
					  !own_part_queue(&part, RNG_REQUESTS).ready);
	held = own_part_get_max(&part, 4, RNG_HELD_MAX, "more bytes than it keeps");
	own_part_require_counter(&part, &rng_target, "bytes_pending", held);
	own_part_skip(&part, held);
	return own_part_close(&part, at);
}
