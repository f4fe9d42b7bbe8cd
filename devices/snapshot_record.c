/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The transport record of a snapshot; snapshot.h has the format.
 *
 * What is refused is what the registers of this transport never let a driver set,
 * and what would have the device touch memory that it must not.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_mmio.h>

#include "mmio_private.h"
#include "snapshot_private.h"
#include "table.h"

#define HEAD_SIZE 20u
#define QUEUE_SIZE 31u
#define S_NEEDS_RESET ((uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)
#define S_FAILED ((uint32_t)VIRTIO_CONFIG_S_FAILED)
#define INTERRUPTS (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)

size_t snapshot_record_size(const struct mmio *m)
{
	return HEAD_SIZE + (size_t)QUEUE_SIZE * m->dev->ops->queue_count;
}

/* As it is in the record. */
struct record_queue {
	uint16_t size;
	uint8_t ready;
	uint64_t area[VIRTQUEUE_AREA_COUNT];
	uint16_t next_avail, next_used;
} __attribute__((packed));
_Static_assert(sizeof(struct record_queue) == QUEUE_SIZE, "a queue of the record has no padding");

static void put_queue(const struct virtqueue *vq, struct snapshot_out *out)
{
	struct record_queue *to = (void *)snapshot_put_room(out, sizeof(*to));
	unsigned area;

	if (!to)
		return;
	to->size = htole16(vq->size);
	to->ready = vq->ready;
	for (area = 0; area < VIRTQUEUE_AREA_COUNT; area++)
		to->area[area] = htole64(vq->area[area]);
	to->next_avail = htole16(vq->next_avail);
	to->next_used = htole16(vq->next_used);
}

void snapshot_put_record(const struct mmio *m, struct snapshot_out *out)
{
	const struct device *dev = m->dev;
	unsigned i;

	snapshot_put(out, 8, dev->features);
	snapshot_put(out, 4, dev->status);
	snapshot_put(out, 4, dev->interrupt_status);
	snapshot_put(out, 4, dev->ops->queue_count);
	for (i = 0; i < dev->ops->queue_count; i++)
		put_queue(&dev->queues[i], out);
}

/* One of the statuses that the ladder leads to. */
static bool status_possible(uint32_t status, uint64_t features)
{
	static const uint8_t rungs[] = { 0, 1, 3, 11, 15, 11 | VIRTIO_CONFIG_S_SUSPEND };
	size_t i;

	if ((status & VIRTIO_CONFIG_S_SUSPEND) && !(features >> VIRTIO_F_SUSPEND & 1))
		return false;
	/* Only a live device asks for a reset, and no driver can take DRIVER_OK back but by
	 * suspending it. */
	if (device_started(status))
		status &= ~S_NEEDS_RESET;
	status &= ~S_FAILED;
	for (i = 0; i < sizeof(rungs); i++)
		if (status == rungs[i])
			return true;
	return false;
}

static void get_area(struct snapshot_in *in, const struct ring_layout *layout,
		     struct snapshot_queue *q, enum virtqueue_area area)
{
	q->area[area] = snapshot_get(in, 8);
	if (q->area[area] % layout->align[area])
		snapshot_bad_last(in, "a ring that is not aligned");
	if (q->ready && ring_wraps(layout, area, q->size, q->area[area]))
		snapshot_bad(in, in->last, -EOVERFLOW, "a ring that passes 2^64");
}

static void get_queue(const struct mmio *m, struct snapshot_in *in, struct snapshot_record *r,
		      unsigned i)
{
	const struct virtqueue *vq = &m->dev->queues[i];
	struct snapshot_queue *q = &r->queues[i];
	const struct ring_layout *layout = ring_layout_of(r->features);
	uint64_t there = r->status & VIRTIO_CONFIG_S_FEATURES_OK ? r->features : m->dev->offered;

	q->avail_cursor = q->used_cursor = RING_EVENT_WRAP;
	q->size = (uint16_t)snapshot_get(in, 2);
	if (q->size > vq->size_max || !ring_size_possible(r->features, q->size))
		snapshot_bad_last(in, "a queue size that cannot be");
	q->ready = snapshot_get_max(in, 1, 1, "neither ready nor not");
	if (q->ready && !(r->status & VIRTIO_CONFIG_S_FEATURES_OK))
		snapshot_bad_last(in, "a queue that is ready before FEATURES_OK");
	if (q->ready && (m->dev->ops->queues[i].features & ~there))
		snapshot_bad_last(in, "a ready queue that does not exist");
	get_area(in, layout, q, VIRTQUEUE_DESC);
	get_area(in, layout, q, VIRTQUEUE_DRIVER);
	get_area(in, layout, q, VIRTQUEUE_DEVICE);
	q->cursors_at = in->at;
	q->next_avail = (uint16_t)snapshot_get(in, 2);
	q->next_used = (uint16_t)snapshot_get(in, 2);
	if (!device_started(r->status) && (q->next_avail || q->next_used))
		snapshot_bad(in, q->cursors_at, -EINVAL,
			     "a queue that was worked on before DRIVER_OK");
}

void snapshot_check_features(struct snapshot_in *in, size_t at, uint32_t status, uint64_t features,
			     uint64_t offered)
{
	if (features && !(status & VIRTIO_CONFIG_S_DRIVER))
		snapshot_bad(in, at, -EINVAL, "features accepted before DRIVER");
	if ((status & VIRTIO_CONFIG_S_FEATURES_OK) && (features & ~offered))
		snapshot_bad(in, at, -EINVAL, "FEATURES_OK with features that are not offered");
}

void snapshot_get_record(const struct mmio *m, struct snapshot_in *in, struct snapshot_record *r)
{
	const struct device *dev = m->dev;
	size_t at = in->at;
	unsigned i;

	r->features = snapshot_get(in, 8);
	r->status = (uint32_t)snapshot_get(in, 4);
	if (!status_possible(r->status, r->features))
		snapshot_bad_last(in, "a status that cannot be");
	snapshot_check_features(in, at, r->status, r->features, dev->offered);
	if ((r->status & VIRTIO_CONFIG_S_FEATURES_OK) && !(r->features & MMIO_F_VERSION_1))
		snapshot_bad(in, at, -EINVAL, "FEATURES_OK without VERSION_1");
	r->interrupt_status =
		(uint32_t)snapshot_get_max(in, 4, INTERRUPTS, "interrupts that cannot be");
	if (r->interrupt_status && !device_started(r->status))
		snapshot_bad_last(in, "an interrupt before DRIVER_OK");
	if (snapshot_get(in, 4) != dev->ops->queue_count)
		snapshot_bad_last(in, "the number of queues");
	for (i = 0; i < dev->ops->queue_count; i++)
		get_queue(m, in, r, i);
}

/* Chains that were taken and not returned, lost ones too, take an entry each at least. */
static void check_packed(struct snapshot_in *in, const struct snapshot_queue *q)
{
	uint16_t chains = (uint16_t)(q->next_avail - q->next_used);
	uint32_t entries = virtqueue_distance(q->used_cursor, q->avail_cursor, q->size);

	if (entries > q->size || chains > entries || (chains == 0) != (entries == 0))
		snapshot_bad(in, q->cursors_at, -EINVAL, "entries that no chains take");
}

void snapshot_check_cursors(const struct mmio *m, struct snapshot_in *in,
			    const struct snapshot_record *r)
{
	unsigned i;

	for (i = 0; i < m->dev->ops->queue_count; i++) {
		const struct snapshot_queue *q = &r->queues[i];

		if (snapshot_queue_held(q) > q->size)
			snapshot_bad(in, q->cursors_at, -EINVAL, "cursors more than a ring apart");
		if (ring_is_packed(r->features))
			check_packed(in, q);
	}
}

void snapshot_take_record(struct mmio *m, const struct snapshot_record *r)
{
	struct device *dev = m->dev;
	unsigned i;

	dev->features = r->features;
	dev->status = r->status;
	dev->interrupt_status = r->interrupt_status;
	for (i = 0; i < dev->ops->queue_count; i++) {
		struct virtqueue *vq = &dev->queues[i];
		const struct snapshot_queue *q = &r->queues[i];

		memcpy(vq->area, q->area, sizeof(vq->area));
		vq->size = q->size;
		vq->ready = q->ready;
		vq->poisoned = q->poisoned;
		vq->renewed = q->renewed;
		vq->lost = q->lost;
		vq->next_avail = q->next_avail;
		vq->next_used = q->next_used;
		vq->avail_slot = q->avail_cursor & (RING_EVENT_WRAP - 1u);
		vq->avail_wrap = q->avail_cursor & RING_EVENT_WRAP;
		vq->used_slot = q->used_cursor & (RING_EVENT_WRAP - 1u);
		vq->used_wrap = q->used_cursor & RING_EVENT_WRAP;
		virtqueue_negotiated(vq, r->features);
	}
}
