/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtqueue's life and its interface over the two formats; virtqueue.h has the
 * picture and the contract.
 *
 * VIRTIO 1.4, 2.7 and 2.8.
 */
#include <string.h>

#include "virtqueue_private.h"

void virtqueue_init(struct virtqueue *vq, const struct device_host *host, uint16_t index,
		    uint16_t size_max, uint8_t *seen)
{
	vq->host = host;
	vq->index = index;
	vq->size_max = size_max;
	vq->seen = seen;
	virtqueue_reset(vq);
}

void virtqueue_reset(struct virtqueue *vq)
{
	memset(vq->area, 0, sizeof(vq->area));
	/* QueueNum must be a power of two even where QueueNumMax is not. */
	vq->size = (uint16_t)(1u << (31 - __builtin_clz(vq->size_max)));
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->avail_slot = vq->used_slot = 0;
	vq->avail_wrap = vq->used_wrap = true;
	vq->lost = 0;
	vq->ready = false;
	vq->poisoned = false;
	vq->moved = false;
	vq->renewed = false;
	virtqueue_negotiated(vq, 0);
}

void virtqueue_negotiated(struct virtqueue *vq, uint64_t features)
{
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->packed = ring_is_packed(features);
	vq->told = vq->next_used;
	vq->used_slots = 0;
}

int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain)
{
	if (!virtqueue_usable(vq))
		return 0;
	return vq->packed ? virtqueue_packed_pop(vq, chain) : virtqueue_split_pop(vq, chain);
}

int virtqueue_chain_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer)
{
	if (!chain->more)
		return 0;
	chain->more = false;
	return chain->vq->packed ? virtqueue_packed_next(chain, buffer)
				 : virtqueue_split_next(chain, buffer);
}

int virtqueue_push(struct virtqueue *vq, const struct virtqueue_chain *chain, uint32_t len)
{
	int ret;

	if (!virtqueue_usable(vq)) {
		vq->lost++;
		return -ESHUTDOWN;
	}
	ret = vq->packed ? virtqueue_packed_push(vq, chain, len)
			 : virtqueue_split_push(vq, chain, len);
	if (ret) {
		vq->lost++;
		return ret;
	}
	vq->next_used++;
	vq->moved = true;
	return 0;
}

bool virtqueue_wants_interrupt(struct virtqueue *vq)
{
	if (!vq->moved)
		return false;
	vq->moved = false;
	if (!virtqueue_usable(vq))
		return true;
	return vq->packed ? virtqueue_packed_wants_interrupt(vq)
			  : virtqueue_split_wants_interrupt(vq);
}
