/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What virtqueue.c (the interface) and the two formats, virtqueue_split.c and
 * virtqueue_packed.c, share.  Nobody else includes this.
 */
#ifndef VRINGER_DEVICES_VIRTQUEUE_PRIVATE_H
#define VRINGER_DEVICES_VIRTQUEUE_PRIVATE_H

#include <errno.h>

#include "virtqueue.h"

/* As the functions of virtqueue.h without the prefix, of a queue that is usable; the next
 * buffer of a chain that has more: 0 or negative errno. */
int virtqueue_split_pop(struct virtqueue *vq, struct virtqueue_chain *chain);
int virtqueue_packed_pop(struct virtqueue *vq, struct virtqueue_chain *chain);
int virtqueue_split_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer);
int virtqueue_packed_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer);
/* One used entry for all of a batch: 0 or -EFAULT; the cursors of the format, and no other. */
int virtqueue_split_push(struct virtqueue *vq, const struct virtqueue_batch *batch, uint32_t len);
int virtqueue_packed_push(struct virtqueue *vq, const struct virtqueue_batch *batch, uint32_t len);
bool virtqueue_split_wants_interrupt(struct virtqueue *vq);
bool virtqueue_packed_wants_interrupt(struct virtqueue *vq);

static inline struct guest_why ring_why(const struct virtqueue *vq, enum guest_purpose purpose,
					uint16_t walk)
{
	return (struct guest_why){
		.purpose = (uint8_t)purpose,
		.queue = vq->index,
		.walk = walk,
	};
}

static inline int area_read(const struct virtqueue *vq, enum virtqueue_area area,
			    struct guest_why why, uint64_t offset, void *buf, uint32_t len)
{
	uint64_t addr;

	if (__builtin_add_overflow(vq->area[area], offset, &addr))
		return -EFAULT;
	return vq->host->read(vq->host->ctx, why, addr, buf, len) ? -EFAULT : 0;
}

static inline int area_write(const struct virtqueue *vq, enum virtqueue_area area,
			     struct guest_why why, uint64_t offset, const void *buf, uint32_t len)
{
	uint64_t addr;

	if (__builtin_add_overflow(vq->area[area], offset, &addr))
		return -EFAULT;
	return vq->host->write(vq->host->ctx, why, addr, buf, len) ? -EFAULT : 0;
}

#endif
