/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Could a block device of ours have saved this?
 *
 * It reads the format that devices/blk_snapshot.c describes without that decoder, which it
 * checks: what is refused there and could be saved it does not know.
 */
#include "devices/blk.h"
#include "devices/ring.h"
#include "harness/models/models.h"
#include "harness/target/own_part.h"

static void read_request(struct own_part *part, uint64_t next_tag, uint64_t next_done)
{
	unsigned queue = (unsigned)own_part_get_max(part, 1, BLK_QUEUE_COUNT - 1,
						    "a request of a queue that there is not");
	struct own_part_queue q = own_part_queue(part, queue);

	own_part_require(part, q.ready, "a request of a queue that is not ready");
	(void)next_tag;
	(void)next_done;
}

const char *blk_impossible(const void *data, uint64_t len, uint64_t *at)
{
	struct own_part part;
	uint64_t next_tag, next_done, count;

	if (!own_part_open(&part, data, len, false))
		return NULL;
	own_part_get(&part, 8);
	own_part_get_max(&part, 1, 1,
			 "neither a cache that is written through nor one that is not");
	own_part_get(&part, 1);
	next_tag = own_part_get(&part, 8);
	next_done = own_part_get(&part, 8);
	count = own_part_get_max(&part, 1, BLK_IN_FLIGHT_MAX, "more requests than it keeps");
	for (uint64_t i = 0; i < count && part.what == NULL; i++)
		read_request(&part, next_tag, next_done);
	*at = part.wrong;
	return part.what;
}
