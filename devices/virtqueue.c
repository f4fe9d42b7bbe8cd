/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The split-virtqueue walker; virtqueue.h has the picture and the contract.
 *
 * Every 16-bit index that the guest supplies is used only after it was compared
 * with the queue size, and every ring address is computed with an overflow
 * check.  VIRTIO 1.4, 2.7.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "virtqueue.h"

#define AVAIL_FLAGS ring_at(&ring_split, GUEST_AVAIL_FLAGS, 0, 0)
#define AVAIL_IDX ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0)
#define USED_IDX ring_at(&ring_split, GUEST_USED_IDX, 0, 0)

static struct guest_why ring_why(const struct virtqueue *vq, enum guest_purpose purpose,
				 uint16_t walk)
{
	return (struct guest_why){
		.purpose = (uint8_t)purpose,
		.queue = vq->index,
		.walk = walk,
	};
}

static int area_read(const struct virtqueue *vq, enum virtqueue_area area, struct guest_why why,
		     uint64_t offset, void *buf, uint32_t len)
{
	uint64_t addr;

	if (__builtin_add_overflow(vq->area[area], offset, &addr))
		return -EFAULT;
	return vq->host->read(vq->host->ctx, why, addr, buf, len) ? -EFAULT : 0;
}

static int area_write(const struct virtqueue *vq, enum virtqueue_area area, struct guest_why why,
		      uint64_t offset, const void *buf, uint32_t len)
{
	uint64_t addr;

	if (__builtin_add_overflow(vq->area[area], offset, &addr))
		return -EFAULT;
	return vq->host->write(vq->host->ctx, why, addr, buf, len) ? -EFAULT : 0;
}

static int avail_read(const struct virtqueue *vq, struct guest_why why, uint64_t offset,
		      uint16_t *value)
{
	uint16_t raw;
	int ret = area_read(vq, VIRTQUEUE_DRIVER, why, offset, &raw, sizeof(raw));

	if (ret == 0)
		*value = le16toh(raw);
	return ret;
}

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
	vq->lost = 0;
	vq->ready = false;
	vq->poisoned = false;
	vq->moved = false;
}

int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain)
{
	uint16_t idx, head, ahead;
	int ret;

	if (!virtqueue_usable(vq))
		return 0;

	ret = avail_read(vq, ring_why(vq, GUEST_AVAIL_IDX, 0), AVAIL_IDX, &idx);
	if (ret)
		goto poison;
	ahead = (uint16_t)(idx - vq->next_avail);
	if (ahead == 0)
		return 0;
	ret = -EBADMSG;
	if (ahead > vq->size)
		goto poison;

	ret = avail_read(
		vq, ring_why(vq, GUEST_AVAIL_ENTRY, vq->next_avail),
		ring_at(&ring_split, GUEST_AVAIL_ENTRY, vq->size, vq->next_avail % vq->size),
		&head);
	if (ret)
		goto poison;
	ret = -EBADMSG;
	if (head >= vq->size)
		goto poison;

	memset(vq->seen, 0, virtqueue_seen_size(vq->size));
	*chain = (struct virtqueue_chain){
		.vq = vq,
		.head = head,
		.walk = vq->next_avail,
		.next = head,
		.more = true,
	};
	vq->next_avail++;
	return 1;
poison:
	vq->poisoned = true;
	return ret;
}

/* Marks descriptor `i`; false if it was already marked.  This is what bounds a
 * walk by the queue size, and what keeps a loop from being read twice. */
static bool chain_visit(struct virtqueue *vq, uint16_t i)
{
	uint8_t bit = (uint8_t)(1u << (i % 8));
	uint8_t *byte = &vq->seen[i / 8];

	if (*byte & bit)
		return false;
	*byte |= bit;
	return true;
}

int virtqueue_chain_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer)
{
	struct virtqueue *vq = chain->vq;
	struct vring_desc raw;
	uint16_t flags;
	int ret;

	if (!chain->more)
		return 0;
	chain->more = false;

	if (chain->next >= vq->size || !chain_visit(vq, chain->next))
		return -EBADMSG;
	ret = area_read(vq, VIRTQUEUE_DESC, ring_why(vq, GUEST_DESC, chain->walk),
			ring_at(&ring_split, GUEST_DESC, vq->size, chain->next), &raw, sizeof(raw));
	if (ret)
		return ret;
	flags = le16toh(raw.flags);
	if (flags & VRING_DESC_F_INDIRECT)
		return -EBADMSG;

	buffer->addr = le64toh(raw.addr);
	buffer->len = le32toh(raw.len);
	buffer->writable = flags & VRING_DESC_F_WRITE;
	chain->more = flags & VRING_DESC_F_NEXT;
	chain->next = le16toh(raw.next);
	return 1;
}

int virtqueue_push(struct virtqueue *vq, const struct virtqueue_chain *chain, uint32_t len)
{
	struct vring_used_elem entry = { .id = htole32(chain->head), .len = htole32(len) };
	uint16_t idx = htole16((uint16_t)(vq->next_used + 1));
	int ret;

	if (!virtqueue_usable(vq)) {
		vq->lost++;
		return -ESHUTDOWN;
	}

	/* The entry is complete before the index says so (VIRTIO 2.7.8.2).  The
	 * host's accessors take effect in the order of the calls; a host with
	 * real guest CPUs would have to put a barrier into its write. */
	ret = area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_USED_ENTRY, chain->walk),
			 ring_at(&ring_split, GUEST_USED_ENTRY, vq->size, vq->next_used % vq->size),
			 &entry, sizeof(entry));
	if (ret == 0)
		ret = area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_USED_IDX, 0), USED_IDX,
				 &idx, sizeof(idx));
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
	uint16_t flags;

	if (!vq->moved)
		return false;
	vq->moved = false;
	if (!virtqueue_usable(vq))
		return true;
	if (avail_read(vq, ring_why(vq, GUEST_AVAIL_FLAGS, 0), AVAIL_FLAGS, &flags))
		return true;
	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}
