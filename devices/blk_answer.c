/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The answer to a request of the block device: its data, then its status, the last writable
 * byte, and no byte of the guest's after that.
 *
 * A request that failed has zeroes for data, so that the used length can count the status, which
 * is behind them, and the driver is shown nothing that was left in its buffers.
 *
 * VIRTIO 1.4, 5.2.6; 2.7.8 (used lengths).
 */
#include <string.h>

#include "blk_private.h"

/* What the driver is told. */
static uint8_t status_of(enum blk_counter fate)
{
	if (fate == BLK_UNSUPPORTED)
		return VIRTIO_BLK_S_UNSUPP;
	return fate <= BLK_ZEROES ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static bool has_data(const struct blk_request *r)
{
	return r->fate == BLK_READS || r->fate == BLK_IDS;
}

/* At most BLK_REQUEST_MAX of them. */
static bool write_zeroes(const struct blk_request *r, struct chain_cursor *at, uint32_t len)
{
	static const uint8_t zeroes[BLK_REQUEST_MAX];

	return chain_write(&r->chain, at, zeroes, len) == len;
}

/* The writable bytes before the status. */
static bool write_data(const struct blk *blk, const struct blk_request *r)
{
	struct chain_cursor at = { .buffer = blk->writable[r->slot] };

	if (!has_data(r))
		return write_zeroes(r, &at, (uint32_t)(r->room - 1));
	return chain_write(&r->chain, &at, r->data, r->len) == r->len;
}

uint32_t blk_answer(struct blk *blk, struct blk_request *r)
{
	const struct virtqueue_buffer *last;
	struct chain_cursor at;
	uint8_t status = status_of(r->fate);
	bool bounded = r->room - 1 <= BLK_REQUEST_MAX, whole;

	/* There is no place to say it, or none that makes sense. */
	if (r->room == 0 || r->fate == BLK_CHAIN_INVALID)
		return 0;
	last = &blk->writable[r->slot][r->count - 1];
	at = (struct chain_cursor){ .buffer = last, .used = last->len - 1 };
	whole = bounded && write_data(blk, r);
	if (bounded && !whole) {
		r->fate = BLK_ANSWER_FAILED;
		status = VIRTIO_BLK_S_IOERR;
	}
	if (chain_write(&r->chain, &at, &status, 1) == 1)
		return whole ? (uint32_t)r->room : 0;
	r->fate = BLK_ANSWER_FAILED;
	return 0;
}
