/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtqueue's life and its interface over the two formats; virtqueue.h has the
 * picture and the contract.
 *
 * With VIRTIO_F_IN_ORDER a driver takes it that what a batch skips was used whole (2.7.9).
 * So only chains are skipped that were walked to their end and have no buffer to write: all
 * others are returned at once, and their lengths are told.
 *
 * VIRTIO 1.4, 2.7 and 2.8.
 */
#include "virtqueue_private.h"

void virtqueue_init(struct virtqueue *vq, const struct device_host *host, uint16_t index,
		    uint16_t size_max, uint8_t *seen)
{
	*vq = (struct virtqueue){
		.host = host,
		.index = index,
		.size_max = size_max,
		.seen = seen,
		/* QueueNum must be a power of two even where QueueNumMax is not. */
		.size = (uint16_t)(1u << (31 - __builtin_clz(size_max))),
		.avail_wrap = true,
		.used_wrap = true,
	};
}

void virtqueue_reset(struct virtqueue *vq)
{
	virtqueue_init(vq, vq->host, vq->index, vq->size_max, vq->seen);
}

void virtqueue_negotiated(struct virtqueue *vq, uint64_t features)
{
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->packed = ring_is_packed(features);
	vq->in_order = features >> VIRTIO_F_IN_ORDER & 1;
	vq->told = vq->next_used;
}

/* Write the used entry that stands for a batch; 0 or negative errno, and it is lost. */
static int batch_return(struct virtqueue *vq, const struct virtqueue_batch *batch, uint32_t len)
{
	int ret = -ESHUTDOWN;

	if (virtqueue_usable(vq))
		ret = vq->packed ? virtqueue_packed_push(vq, batch, len)
				 : virtqueue_split_push(vq, batch, len);
	if (ret) {
		vq->lost += batch->count;
		return ret;
	}
	vq->next_used += batch->count;
	vq->moved = true;
	return 0;
}

/* ... of the one that waits, if there is one. */
static void batch_end(struct virtqueue *vq)
{
	struct virtqueue_batch batch = vq->batch;

	vq->batch.count = 0;
	if (batch.count > 0)
		(void)batch_return(vq, &batch, 0);
}

int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain)
{
	int ret;

	if (!virtqueue_usable(vq))
		return 0;
	if (vq->in_order && vq->lost > 0)
		ret = -EFAULT;
	else
		ret = vq->packed ? virtqueue_packed_pop(vq, chain) : virtqueue_split_pop(vq, chain);
	if (ret < 0) {
		/* What was used before that the driver hears of. */
		batch_end(vq);
		vq->poisoned = true;
	}
	return ret;
}

int virtqueue_chain_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer)
{
	int ret;

	if (!chain->more)
		return 0;
	ret = chain->vq->packed ? virtqueue_packed_next(chain, buffer)
				: virtqueue_split_next(chain, buffer);
	if (ret) {
		chain->more = false;
		return ret;
	}
	chain->whole = !chain->more;
	chain->writable = chain->writable || buffer->writable;
	return 1;
}

/* In order: may a later one stand for it? */
static bool may_be_skipped(const struct virtqueue_chain *chain)
{
	return chain->whole && !chain->writable;
}

int virtqueue_push(struct virtqueue *vq, const struct virtqueue_chain *chain, uint32_t len)
{
	struct virtqueue_batch batch = {
		.count = 1, .head = chain->head, .walk = chain->walk, .slots = chain->slots
	};

	if (!vq->in_order)
		return batch_return(vq, &batch, len);
	if (vq->lost > 0) {
		vq->lost++;
		return -EFAULT;
	}
	batch.count += vq->batch.count;
	if (vq->batch.count > 0)
		batch.slots += vq->batch.slots;
	vq->batch = batch;
	if (len == 0 && may_be_skipped(chain) && virtqueue_usable(vq))
		return 0;
	vq->batch.count = 0;
	return batch_return(vq, &batch, len);
}

bool virtqueue_wants_interrupt(struct virtqueue *vq)
{
	batch_end(vq);
	if (!vq->moved)
		return false;
	vq->moved = false;
	if (!virtqueue_usable(vq))
		return true;
	return vq->packed ? virtqueue_packed_wants_interrupt(vq)
			  : virtqueue_split_wants_interrupt(vq);
}
