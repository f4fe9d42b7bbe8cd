/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes in and out of a descriptor chain; chain.h has the contract.
 *
 * Every loop is bounded by the queue size, which bounds the walk, or by a length
 * that the model checked.  VIRTIO 1.4, 2.7.4 and 2.7.5.
 */
#include <errno.h>

#include "chain.h"

#define ZEROES 64u

/* Does the buffer pass 2^64? */
static bool buffer_wraps(const struct virtqueue_buffer *buffer)
{
	uint64_t last;

	return buffer->len > 0 && __builtin_add_overflow(buffer->addr, buffer->len - 1, &last);
}

int chain_collect(struct virtqueue_chain *chain, bool writable, struct virtqueue_buffer *buffers,
		  uint64_t *total)
{
	struct virtqueue_buffer *buffer = buffers;
	int ret;

	*total = 0;
	for (; (ret = virtqueue_chain_next(chain, buffer)) > 0; buffer++) {
		if (buffer->writable != writable || buffer_wraps(buffer))
			return -EBADMSG;
		*total += buffer->len;
	}
	return ret;
}

int chain_collect_request(struct virtqueue_chain *chain, struct virtqueue_buffer *buffers,
			  unsigned *in_count, uint64_t *in, uint64_t *out)
{
	struct virtqueue_buffer *buffer = buffers;
	bool answer = false;
	int ret;

	*in_count = 0;
	*in = *out = 0;
	for (; (ret = virtqueue_chain_next(chain, buffer)) > 0; buffer++) {
		if (buffer_wraps(buffer) || (answer && !buffer->writable))
			return -EBADMSG;
		answer = buffer->writable;
		if (answer) {
			*out += buffer->len;
		} else {
			*in += buffer->len;
			(*in_count)++;
		}
	}
	return ret;
}

/* At most `want` contiguous bytes, 1 at least; `want` is not 0. */
static uint32_t cursor_take(struct chain_cursor *at, uint32_t want, uint64_t *addr)
{
	uint32_t take;

	while (at->used == at->buffer->len) {
		at->buffer++;
		at->used = 0;
	}
	take = at->buffer->len - at->used;
	if (take > want)
		take = want;
	*addr = at->buffer->addr + at->used;
	at->used += take;
	return take;
}

int chain_read(const struct virtqueue_chain *chain, struct chain_cursor *at, void *buf,
	       uint32_t len)
{
	const struct device_host *host = chain->vq->host;
	uint8_t *bytes = buf;

	while (len > 0) {
		uint64_t addr;
		uint32_t take = cursor_take(at, len, &addr);

		if (host->read(host->ctx, virtqueue_payload(chain), addr, bytes, take))
			return -EFAULT;
		bytes += take;
		len -= take;
	}
	return 0;
}

uint32_t chain_write(const struct virtqueue_chain *chain, struct chain_cursor *at, const void *buf,
		     uint32_t len)
{
	const struct device_host *host = chain->vq->host;
	const uint8_t *bytes = buf;
	uint32_t done = 0;

	while (done < len) {
		uint64_t addr;
		uint32_t take = cursor_take(at, len - done, &addr);

		if (host->write(host->ctx, virtqueue_payload(chain), addr, bytes + done, take))
			break;
		done += take;
	}
	return done;
}

void chain_clear(const struct virtqueue_chain *chain, const struct virtqueue_buffer *buffers,
		 uint32_t len)
{
	static const uint8_t zeroes[ZEROES];
	const struct device_host *host = chain->vq->host;
	struct chain_cursor at = { .buffer = buffers };

	while (len > 0) {
		uint64_t addr;
		uint32_t take = cursor_take(&at, len < ZEROES ? len : ZEROES, &addr);

		(void)host->write(host->ctx, virtqueue_payload(chain), addr, zeroes, take);
		len -= take;
	}
}
