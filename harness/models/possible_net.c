/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a network card of ours have saved this?  By the formats that devices/net.c and
 * net_snapshot.c describe.  It does not look into frames: which are too large depends on
 * what the host said.
 *
 * VIRTIO 1.4, 5.1.6.
 */
#include "devices/net.h"
#include "harness/models/models.h"
#include "harness/models/possible.h"

/* Buffers of net-host's pool: handed out at most, and kept at most. */
enum { POOL_MAX = 32, POOL_KEPT = 16 };

static void read_card(struct own_part *part)
{
	own_part_get_max(part, 1, own_part_started(part), "work left of a device not started");
	for (unsigned i = 0; i < part->queue_count; i++)
		own_part_require_held(part, i, 0);
}

const char *net_loopback_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	read_card(&part);
	return own_part_close(&part, at);
}

/* Frames that wait: how many.  A reply has a byte at least. */
static unsigned read_line(struct own_part *part, unsigned room, uint64_t least, const char *counter)
{
	uint64_t count = own_part_get_max(part, 1, own_part_started(part) ? room : 0,
					  "more frames than can wait");

	for (uint64_t i = 0; i < count && part->what == NULL; i++) {
		uint64_t len =
			own_part_get_max(part, 4, NET_FRAME_MAX, "a frame that is too large");

		own_part_require(part, len >= least, "a reply without a byte");
		own_part_skip(part, len);
	}
	own_part_require_counter(part, &net_host_target, counter, count);
	return (unsigned)count;
}

const char *net_host_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;
	unsigned waiting, left;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	read_card(&part);
	own_part_get_max(&part, 1, own_part_started(&part), "work left of a device not started");
	waiting = read_line(&part, NET_REPLIES_MAX, 1, "replies_waiting");
	waiting += read_line(&part, NET_HOST_FRAMES_MAX, 0, "host_frames_waiting");
	left = waiting < POOL_MAX ? POOL_MAX - waiting : 0;
	own_part_get_max(&part, 1, left < POOL_KEPT ? left : POOL_KEPT,
			 "more buffers than the pool has");
	return own_part_close(&part, at);
}
