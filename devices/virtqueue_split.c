/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The walker of split virtqueues; virtqueue.h has the picture and the contract.
 *
 * Every 16-bit index that the guest supplies is used only after it was compared
 * with the queue size, and every ring address is computed with an overflow
 * check.  VIRTIO 1.4, 2.7.
 */
#include <endian.h>
#include <string.h>

#include "virtqueue_private.h"

#define AVAIL_FLAGS ring_at(&ring_split, GUEST_AVAIL_FLAGS, 0, 0)
#define AVAIL_IDX ring_at(&ring_split, GUEST_AVAIL_IDX, 0, 0)
#define USED_IDX ring_at(&ring_split, GUEST_USED_IDX, 0, 0)

static int avail_read(const struct virtqueue *vq, struct guest_why why, uint64_t offset,
		      uint16_t *value)
{
	uint16_t raw;
	int ret = area_read(vq, VIRTQUEUE_DRIVER, why, offset, &raw, sizeof(raw));

	if (ret == 0)
		*value = le16toh(raw);
	return ret;
}

/* How many entries of the available ring were not taken: 0 or more, or negative errno. */
static int virtqueue_ahead(const struct virtqueue *vq)
{
	uint16_t idx;
	int ret = avail_read(vq, ring_why(vq, GUEST_AVAIL_IDX, 0), AVAIL_IDX, &idx);

	return ret ? ret : (uint16_t)(idx - vq->next_avail);
}

/* Nothing is there: the driver is to tell of the next entry.  What it made available before it
 * could see that is looked for once more (VIRTIO 2.7.10.1); as virtqueue_ahead.  Where it cannot
 * be told, it is asked again the next time that nothing is there. */
static int virtqueue_ask(struct virtqueue *vq)
{
	uint16_t event = htole16(vq->next_avail);

	if (area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_AVAIL_EVENT, 0),
		       ring_at(&ring_split, GUEST_AVAIL_EVENT, vq->size, 0), &event, sizeof(event)))
		return 0;
	return virtqueue_ahead(vq);
}

int virtqueue_split_pop(struct virtqueue *vq, struct virtqueue_chain *chain)
{
	uint16_t head;
	int ret = virtqueue_ahead(vq);

	if (ret == 0 && vq->event_idx)
		ret = virtqueue_ask(vq);
	if (ret == 0)
		return 0;
	if (ret < 0)
		return ret;
	if (ret > vq->size)
		return -EBADMSG;

	ret = avail_read(
		vq, ring_why(vq, GUEST_AVAIL_ENTRY, vq->next_avail),
		ring_at(&ring_split, GUEST_AVAIL_ENTRY, vq->size, vq->next_avail % vq->size),
		&head);
	if (ret)
		return ret;
	if (head >= vq->size)
		return -EBADMSG;

	memset(vq->seen, 0, virtqueue_seen_size(vq->size));
	*chain = (struct virtqueue_chain){
		.vq = vq,
		.head = head,
		.walk = vq->next_avail,
		.next = head,
		.left = vq->size,
		.more = true,
	};
	vq->next_avail++;
	return 1;
}

/* Marks descriptor `i` of the queue's table or of the indirect one; false if it was already
 * marked.  This is what keeps a loop from being read twice. */
static bool chain_visit(const struct virtqueue_chain *chain, uint16_t i)
{
	struct virtqueue *vq = chain->vq;
	uint8_t *seen = vq->seen + (chain->in_table ? virtqueue_seen_size(vq->size) / 2 : 0);
	uint8_t bit = (uint8_t)(1u << (i % 8));

	if (seen[i / 8] & bit)
		return false;
	seen[i / 8] |= bit;
	return true;
}

/* The descriptor that comes next, in the machine's byte order. */
static int chain_read_desc(struct virtqueue_chain *chain, struct vring_desc *desc)
{
	struct virtqueue *vq = chain->vq;
	uint32_t size = chain->in_table ? chain->table_size : vq->size;
	enum guest_purpose purpose = chain->in_table ? GUEST_INDIRECT : GUEST_DESC;
	uint64_t at = chain->in_table ? chain->table : vq->area[VIRTQUEUE_DESC];
	struct vring_desc raw;
	int ret;

	/* A table may be larger than the queue: of what lies beyond that only the chain's length
	 * keeps a loop from going on. */
	if (chain->next >= size || (chain->next < vq->size && !chain_visit(chain, chain->next)))
		return -EBADMSG;
	if (__builtin_add_overflow(at, ring_at(&ring_split, GUEST_DESC, 0, chain->next), &at))
		return -EFAULT;
	ret = vq->host->read(vq->host->ctx, ring_why(vq, purpose, chain->walk), at, &raw,
			     sizeof(raw));
	if (ret)
		return -EFAULT;
	desc->addr = le64toh(raw.addr);
	desc->len = le32toh(raw.len);
	desc->flags = le16toh(raw.flags);
	desc->next = le16toh(raw.next);
	return 0;
}

/* The chain goes on in the table that `desc` names.  Whether it is writable does not count
 * (VIRTIO 2.7.5.3.2). */
static int chain_enter_table(struct virtqueue_chain *chain, const struct vring_desc *desc)
{
	if (!chain->vq->indirect || chain->in_table || desc->flags & VRING_DESC_F_NEXT ||
	    desc->len == 0 || desc->len % RING_DESC_SIZE != 0)
		return -EBADMSG;
	chain->in_table = true;
	chain->table = desc->addr;
	chain->table_size = desc->len / RING_DESC_SIZE;
	chain->next = 0;
	return 0;
}

int virtqueue_split_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer)
{
	struct vring_desc desc;
	int ret;

	if (chain->left-- == 0)
		return -EBADMSG;
	ret = chain_read_desc(chain, &desc);
	if (ret == 0 && desc.flags & VRING_DESC_F_INDIRECT) {
		ret = chain_enter_table(chain, &desc);
		if (ret == 0)
			ret = chain_read_desc(chain, &desc);
		if (ret == 0 && desc.flags & VRING_DESC_F_INDIRECT)
			ret = -EBADMSG;
	}
	if (ret)
		return ret;

	buffer->addr = desc.addr;
	buffer->len = desc.len;
	buffer->writable = desc.flags & VRING_DESC_F_WRITE;
	chain->more = desc.flags & VRING_DESC_F_NEXT;
	chain->next = desc.next;
	return 0;
}

int virtqueue_split_push(struct virtqueue *vq, const struct virtqueue_batch *batch, uint32_t len)
{
	struct vring_used_elem entry = { .id = htole32(batch->head), .len = htole32(len) };
	uint16_t idx = htole16((uint16_t)(vq->next_used + batch->count));
	int ret;

	/* The entry is complete before the index says so (VIRTIO 2.7.8.2).  The
	 * host's accessors take effect in the order of the calls; a host with
	 * real guest CPUs would have to put a barrier into its write. */
	ret = area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_USED_ENTRY, batch->walk),
			 ring_at(&ring_split, GUEST_USED_ENTRY, vq->size, vq->next_used % vq->size),
			 &entry, sizeof(entry));
	if (ret == 0)
		ret = area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_USED_IDX, 0), USED_IDX,
				 &idx, sizeof(idx));
	return ret;
}

/* With event_idx: did the used idx pass used_event since the driver was told last? */
static bool virtqueue_passed_event(struct virtqueue *vq)
{
	uint16_t event, told = vq->told;

	vq->told = vq->next_used;
	if (avail_read(vq, ring_why(vq, GUEST_USED_EVENT, 0),
		       ring_at(&ring_split, GUEST_USED_EVENT, vq->size, 0), &event))
		return true;
	return vring_need_event(event, vq->next_used, told);
}

bool virtqueue_split_wants_interrupt(struct virtqueue *vq)
{
	uint16_t flags;

	if (vq->event_idx)
		return virtqueue_passed_event(vq);
	if (avail_read(vq, ring_why(vq, GUEST_AVAIL_FLAGS, 0), AVAIL_FLAGS, &flags))
		return true;
	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}
