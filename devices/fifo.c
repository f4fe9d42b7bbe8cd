/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The byte queue; fifo.h has the contract.
 *
 * Positions are taken modulo `size`, which is a power of two at most 2^31: sums
 * of two of them fit in 32 bits.
 */
#include <errno.h>
#include <string.h>

#include "fifo.h"

#define FIFO_SIZE_MIN 4096u

void fifo_init(struct fifo *fifo, const struct device_host *host, uint32_t limit)
{
	*fifo = (struct fifo){ .host = host, .limit = limit };
}

void fifo_release(struct fifo *fifo)
{
	fifo->host->free(fifo->host->ctx, fifo->bytes);
	fifo_init(fifo, fifo->host, fifo->limit);
}

int fifo_reserve(struct fifo *fifo, uint32_t len)
{
	const struct device_host *host = fifo->host;
	uint32_t size = fifo->size ? fifo->size : FIFO_SIZE_MIN;
	uint32_t kept = fifo->len;
	uint8_t *bytes;

	if (len > fifo_room(fifo))
		return -ENOSPC;
	/* Nothing to keep needs no memory. */
	if (len <= fifo->size - fifo->len)
		return 0;
	while (size - fifo->len < len)
		size *= 2;
	bytes = host->alloc(host->ctx, size);
	if (!bytes)
		return -ENOMEM;
	fifo_take(fifo, bytes, kept);
	host->free(host->ctx, fifo->bytes);
	fifo->bytes = bytes;
	fifo->size = size;
	fifo->start = 0;
	fifo->len = kept;
	return 0;
}

/* The piece of the ring that starts `ahead` behind the front. */
static uint8_t *fifo_piece(const struct fifo *fifo, uint32_t ahead, uint32_t *len)
{
	uint32_t at = (fifo->start + ahead) & (fifo->size - 1);

	*len = fifo->size - at;
	return fifo->bytes + at;
}

uint8_t *fifo_tail(struct fifo *fifo, uint32_t ahead, uint32_t *len)
{
	return fifo_piece(fifo, fifo->len + ahead, len);
}

void fifo_commit(struct fifo *fifo, uint32_t len)
{
	fifo->len += len;
}

const uint8_t *fifo_head(const struct fifo *fifo, uint32_t ahead, uint32_t *len)
{
	return fifo_piece(fifo, ahead, len);
}

/* What holds nothing keeps no memory but what it would have at first: neither for a
 * guest that was loud once, nor as a trace of its session in the next, where the
 * pieces would be others. */
void fifo_drop(struct fifo *fifo, uint32_t len)
{
	fifo->len -= len;
	fifo->start = fifo->len ? (fifo->start + len) & (fifo->size - 1) : 0;
	if (fifo->len == 0 && fifo->size > FIFO_SIZE_MIN)
		fifo_release(fifo);
}

/* Both ways: `len` bytes from `ahead` behind the front on. */
static void fifo_store(struct fifo *fifo, uint32_t ahead, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t piece;
		uint8_t *to = fifo_piece(fifo, ahead, &piece);

		if (piece > len)
			piece = len;
		memcpy(to, data, piece);
		ahead += piece;
		data += piece;
		len -= piece;
	}
}

int fifo_append(struct fifo *fifo, const void *data, uint32_t len)
{
	int ret = fifo_reserve(fifo, len);

	if (ret)
		return ret;
	fifo_store(fifo, fifo->len, data, len);
	fifo_commit(fifo, len);
	return 0;
}

int fifo_put_back(struct fifo *fifo, const void *data, uint32_t len)
{
	int ret = fifo_reserve(fifo, len);

	if (ret || len == 0)
		return ret;
	fifo->start = (fifo->start - len) & (fifo->size - 1);
	fifo->len += len;
	fifo_store(fifo, 0, data, len);
	return 0;
}

bool fifo_shape_possible(const struct fifo *fifo, uint32_t size, uint32_t start, uint32_t len)
{
	if (size == 0)
		return start == 0 && len == 0;
	return size >= FIFO_SIZE_MIN && size <= fifo->limit && (size & (size - 1)) == 0 &&
	       start < size && len <= size;
}

int fifo_restore(struct fifo *fifo, uint32_t size, uint32_t start, const void *data, uint32_t len)
{
	if (size == 0)
		return 0;
	fifo->bytes = fifo->host->alloc(fifo->host->ctx, size);
	if (!fifo->bytes)
		return -ENOMEM;
	fifo->size = size;
	fifo->start = start;
	fifo_store(fifo, 0, data, len);
	fifo->len = len;
	return 0;
}

uint32_t fifo_take(struct fifo *fifo, void *buf, uint32_t max)
{
	uint8_t *to = buf;
	uint32_t done = 0;

	if (max > fifo->len)
		max = fifo->len;
	while (done < max) {
		uint32_t piece;
		const uint8_t *from = fifo_piece(fifo, done, &piece);

		if (piece > max - done)
			piece = max - done;
		memcpy(to + done, from, piece);
		done += piece;
	}
	fifo_drop(fifo, done);
	return done;
}
