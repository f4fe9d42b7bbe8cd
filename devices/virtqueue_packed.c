/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The walker of packed virtqueues; virtqueue.h has the picture and the contract.
 *
 * Only the last descriptor of a chain names the buffer, and only a chain's length says
 * where the next one begins and how far a used descriptor skips.  So a chain is copied as
 * a whole when it is popped, each descriptor by one read, and the copies are walked.  The
 * flags of the first, which make it available, are read before all else.
 *
 * What the device has taken and not returned is never taken again, whatever the flags of
 * those entries say: a lap of the ring is as far as a driver can be ahead.
 *
 * VIRTIO 1.4, 2.8.
 */
#include <endian.h>
#include <string.h>

#include "virtqueue_private.h"

/* Where a packed ring's side is: an entry, and the wrap counter there. */
struct place {
	uint16_t slot;
	bool wrap;
};

static struct place place_after(struct place at, uint16_t size, uint32_t entries)
{
	uint32_t slot = at.slot + entries;

	if (slot < size)
		return (struct place){ (uint16_t)slot, at.wrap };
	return (struct place){ (uint16_t)(slot - size), !at.wrap };
}

/* Entries that were taken and not returned: size at most. */
static uint32_t entries_held(const struct virtqueue *vq)
{
	return virtqueue_distance(virtqueue_cursor(vq->used_slot, vq->used_wrap),
				  virtqueue_cursor(vq->avail_slot, vq->avail_wrap), vq->size);
}

static uint64_t entry_at(enum guest_purpose purpose, uint16_t slot)
{
	return ring_at(&ring_packed, purpose, 0, slot);
}

/* Available are those whose bits differ, and show the driver's wrap counter (2.8.1). */
static bool is_available(uint16_t flags, bool wrap)
{
	return !(flags & RING_PACKED_AVAIL) == !wrap && !(flags & RING_PACKED_USED) == wrap;
}

/* Is the next entry available?  0, or 1 and its flags, or negative errno.  Where the device
 * has all entries nothing can be. */
static int packed_poll(const struct virtqueue *vq, uint16_t *flags)
{
	uint16_t raw;

	if (entries_held(vq) == vq->size)
		return 0;
	if (area_read(vq, VIRTQUEUE_DESC, ring_why(vq, GUEST_PACKED_FLAGS, vq->next_avail),
		      entry_at(GUEST_PACKED_FLAGS, vq->avail_slot), &raw, sizeof(raw)))
		return -EFAULT;
	*flags = le16toh(raw);
	return is_available(*flags, vq->avail_wrap);
}

/* Nothing is there: the driver is to tell of the entry that is looked at next, and that is
 * looked at once more.  Where it cannot be told, it is asked again another time. */
static int packed_ask(struct virtqueue *vq, uint16_t *flags)
{
	uint16_t next = virtqueue_cursor(vq->avail_slot, vq->avail_wrap);
	struct vring_packed_desc_event event = {
		.off_wrap = htole16(next),
		.flags = htole16(VRING_PACKED_EVENT_FLAG_DESC),
	};

	if (area_write(vq, VIRTQUEUE_DEVICE, ring_why(vq, GUEST_DEVICE_EVENT, 0),
		       ring_at(&ring_packed, GUEST_DEVICE_EVENT, 0, 0), &event, sizeof(event)))
		return 0;
	return packed_poll(vq, flags);
}

static void put_copy(struct virtqueue *vq, uint32_t i, const struct vring_packed_desc *desc)
{
	memcpy(vq->seen + i * sizeof(*desc), desc, sizeof(*desc));
}

/* Copy the chain whose first flags are known; how many entries it takes, and its buffer's
 * id, or negative errno.  It cannot take more than the device has not already. */
static int packed_copy(struct virtqueue *vq, uint16_t flags, uint16_t *id)
{
	struct place at = { vq->avail_slot, vq->avail_wrap };
	uint32_t room = vq->size - entries_held(vq);
	struct guest_why why = ring_why(vq, GUEST_PACKED_DESC, vq->next_avail);
	struct vring_packed_desc desc;
	uint32_t len = offsetof(struct vring_packed_desc, flags);

	desc.flags = htole16(flags);
	for (uint32_t i = 0; i < room; i++) {
		if (area_read(vq, VIRTQUEUE_DESC, why, entry_at(GUEST_PACKED_DESC, at.slot), &desc,
			      len))
			return -EFAULT;
		/* That the driver may rely on it does not mean that it did (2.8.15). */
		if (!is_available(le16toh(desc.flags), at.wrap))
			return -EBADMSG;
		put_copy(vq, i, &desc);
		if (!(le16toh(desc.flags) & VRING_DESC_F_NEXT)) {
			*id = le16toh(desc.id);
			return (int)i + 1;
		}
		at = place_after(at, vq->size, 1);
		len = sizeof(desc);
	}
	return -EBADMSG;
}

int virtqueue_packed_pop(struct virtqueue *vq, struct virtqueue_chain *chain)
{
	uint16_t flags, id;
	struct place next;
	int ret = packed_poll(vq, &flags);

	if (ret == 0 && vq->event_idx)
		ret = packed_ask(vq, &flags);
	if (ret <= 0)
		return ret;
	ret = packed_copy(vq, flags, &id);
	if (ret < 0)
		return ret;
	*chain = (struct virtqueue_chain){
		.vq = vq,
		.head = id,
		.walk = vq->next_avail,
		.slots = (uint16_t)ret,
		.left = vq->size,
		.more = true,
	};
	next = place_after((struct place){ vq->avail_slot, vq->avail_wrap }, vq->size,
			   chain->slots);
	vq->avail_slot = next.slot;
	vq->avail_wrap = next.wrap;
	vq->next_avail++;
	return 1;
}

/* The chain goes on in the table that `desc` names, and in nothing else (2.8.19). */
static int packed_enter_table(struct virtqueue_chain *chain, const struct vring_packed_desc *desc)
{
	uint32_t len = le32toh(desc->len);

	if (!chain->vq->indirect || chain->slots != 1 || len == 0 || len % RING_DESC_SIZE != 0)
		return -EBADMSG;
	chain->in_table = true;
	chain->table = le64toh(desc->addr);
	chain->table_size = len / RING_DESC_SIZE;
	return 0;
}

/* Entries of a table follow each other; of their flags WRITE alone counts (2.8.7). */
static int packed_read_table(struct virtqueue_chain *chain, struct vring_packed_desc *desc)
{
	struct virtqueue *vq = chain->vq;
	uint64_t at;

	if (__builtin_add_overflow(chain->table, entry_at(GUEST_PACKED_DESC, chain->next), &at) ||
	    vq->host->read(vq->host->ctx, ring_why(vq, GUEST_INDIRECT, chain->walk), at, desc,
			   sizeof(*desc)))
		return -EFAULT;
	return 0;
}

int virtqueue_packed_next(struct virtqueue_chain *chain, struct virtqueue_buffer *buffer)
{
	struct vring_packed_desc desc;
	int ret = 0;

	if (!chain->in_table) {
		memcpy(&desc, chain->vq->seen + chain->next * sizeof(desc), sizeof(desc));
		if (le16toh(desc.flags) & VRING_DESC_F_INDIRECT)
			ret = packed_enter_table(chain, &desc);
	}
	/* Of entries of the ring there are no more than that. */
	if (ret == 0 && chain->left-- == 0)
		ret = -EBADMSG;
	if (ret == 0 && chain->in_table)
		ret = packed_read_table(chain, &desc);
	if (ret)
		return ret;
	buffer->addr = le64toh(desc.addr);
	buffer->len = le32toh(desc.len);
	buffer->writable = le16toh(desc.flags) & VRING_DESC_F_WRITE;
	chain->next++;
	chain->more = chain->next < (chain->in_table ? chain->table_size : chain->slots);
	return 0;
}

int virtqueue_packed_push(struct virtqueue *vq, const struct virtqueue_batch *batch, uint32_t len)
{
	struct place next = { vq->used_slot, vq->used_wrap };
	uint16_t flags = htole16((uint16_t)((next.wrap ? RING_PACKED_AVAIL | RING_PACKED_USED : 0) |
					    (len > 0 ? VRING_DESC_F_WRITE : 0)));
	struct vring_packed_desc used = { .len = htole32(len), .id = htole16(batch->head) };

	/* The flags make it used, so they come last; see virtqueue_split_push. */
	if (area_write(vq, VIRTQUEUE_DESC, ring_why(vq, GUEST_PACKED_USED, batch->walk),
		       entry_at(GUEST_PACKED_USED, next.slot), &used.len, RING_PACKED_USED_SIZE) ||
	    area_write(vq, VIRTQUEUE_DESC, ring_why(vq, GUEST_PACKED_FLAGS, batch->walk),
		       entry_at(GUEST_PACKED_FLAGS, next.slot), &flags, sizeof(flags)))
		return -EFAULT;
	next = place_after(next, vq->size, batch->slots);
	vq->used_slot = next.slot;
	vq->used_wrap = next.wrap;
	vq->used_slots += batch->slots;
	return 0;
}

/* Did the device use the entry at `off_wrap` since the driver was told last?  An offset past
 * the ring is that of no entry. */
static bool packed_passed(const struct virtqueue *vq, uint16_t off_wrap, uint32_t used)
{
	uint32_t size = vq->size, offset = off_wrap & (RING_EVENT_WRAP - 1u);
	uint32_t now = vq->used_slot + (vq->used_wrap ? size : 0);
	uint32_t event = offset + (off_wrap & RING_EVENT_WRAP ? size : 0);

	/* Two laps are all there is: how far behind the next place to use is it? */
	return offset < size && (now + 2 * size - 1 - event) % (2 * size) < used;
}

bool virtqueue_packed_wants_interrupt(struct virtqueue *vq)
{
	struct vring_packed_desc_event event;
	uint32_t used = vq->used_slots;
	unsigned flags;

	vq->used_slots = 0;
	if (area_read(vq, VIRTQUEUE_DRIVER, ring_why(vq, GUEST_DRIVER_EVENT, 0),
		      ring_at(&ring_packed, GUEST_DRIVER_EVENT, 0, 0), &event, sizeof(event)))
		return true;
	flags = le16toh(event.flags) & RING_EVENT_FLAGS;
	/* Events of one descriptor are of no meaning without EVENT_IDX (2.8.10). */
	if (flags == VRING_PACKED_EVENT_FLAG_DESC && vq->event_idx)
		return packed_passed(vq, le16toh(event.off_wrap), used);
	return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
}
