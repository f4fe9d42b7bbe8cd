/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The layout of a virtqueue in guest memory: how large its areas are, and where
 * each field lies in its area.  Nobody else computes that.
 *
 * A layout is one constant table, so that a call with constant arguments folds
 * to a sum.  Here: the split ring and the packed one.
 *
 * Not here: what fields mean (virtqueue.h), and whether an address plus an
 * offset fits in 64 bits.  Offsets themselves cannot overflow: sizes are at most
 * 32768 entries.
 *
 * VIRTIO 1.4, 2.7 (split virtqueues), 2.7.5.3 (indirect tables), 2.8 (packed
 * virtqueues).
 */
#ifndef VRINGER_DEVICES_RING_H
#define VRINGER_DEVICES_RING_H

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "device.h"
#include "table.h"

/* VIRTIO 2.7 calls them areas; in a split ring, and in a packed one, they are: */
enum virtqueue_area {
	VIRTQUEUE_DESC,	  /* the descriptor table; the descriptor ring */
	VIRTQUEUE_DRIVER, /* the available ring; the driver's event suppression */
	VIRTQUEUE_DEVICE, /* the used ring; the device's event suppression */
	VIRTQUEUE_AREA_COUNT
};

/* A field, or an array of one for each entry of the queue. */
struct ring_field {
	uint8_t area;	/* enum virtqueue_area */
	uint8_t offset; /* bytes from the start of its area to the first */
	uint8_t size;	/* bytes of one; 0: the format has no such field */
	bool array;
	bool behind; /* it follows the array of its area */
	bool device; /* the device writes it, the driver reads it */
};

struct ring_layout {
	uint8_t entry[VIRTQUEUE_AREA_COUNT]; /* bytes of an entry of the area's array */
	uint8_t align[VIRTQUEUE_AREA_COUNT]; /* of the area's address, bytes */
	uint8_t start[VIRTQUEUE_AREA_COUNT]; /* bytes before the array, or of all there is */
	uint8_t tail[VIRTQUEUE_AREA_COUNT];  /* ... behind it: the event field */
	struct ring_field field[GUEST_PURPOSE_COUNT];
};

#define RING_DESC_SIZE ((uint32_t)sizeof(struct vring_desc))
#define RING_USED_ENTRY_SIZE ((uint32_t)sizeof(struct vring_used_elem))

static const struct ring_layout ring_split = {
	.entry = { [VIRTQUEUE_DESC] = sizeof(struct vring_desc),
		   [VIRTQUEUE_DRIVER] = sizeof(__virtio16),
		   [VIRTQUEUE_DEVICE] = sizeof(struct vring_used_elem) },
	.align = { [VIRTQUEUE_DESC] = VRING_DESC_ALIGN_SIZE,
		   [VIRTQUEUE_DRIVER] = VRING_AVAIL_ALIGN_SIZE,
		   [VIRTQUEUE_DEVICE] = VRING_USED_ALIGN_SIZE },
	.start = { [VIRTQUEUE_DRIVER] = offsetof(struct vring_avail, ring),
		   [VIRTQUEUE_DEVICE] = offsetof(struct vring_used, ring) },
	.tail = { [VIRTQUEUE_DRIVER] = sizeof(__virtio16),
		  [VIRTQUEUE_DEVICE] = sizeof(__virtio16) },
	.field = {
		[GUEST_DESC] = { VIRTQUEUE_DESC, 0, sizeof(struct vring_desc), .array = true },
		[GUEST_AVAIL_FLAGS] = { VIRTQUEUE_DRIVER, offsetof(struct vring_avail, flags), 2,
					.array = false },
		[GUEST_AVAIL_IDX] = { VIRTQUEUE_DRIVER, offsetof(struct vring_avail, idx), 2,
					.array = false },
		[GUEST_AVAIL_ENTRY] = { VIRTQUEUE_DRIVER, offsetof(struct vring_avail, ring), 2,
					.array = true },
		[GUEST_USED_EVENT] = { VIRTQUEUE_DRIVER, offsetof(struct vring_avail, ring), 2,
				       .behind = true },
		[GUEST_USED_FLAGS] = { VIRTQUEUE_DEVICE, offsetof(struct vring_used, flags), 2,
				       .device = true },
		[GUEST_USED_IDX] = { VIRTQUEUE_DEVICE, offsetof(struct vring_used, idx), 2,
				     .device = true },
		[GUEST_USED_ENTRY] = { VIRTQUEUE_DEVICE, offsetof(struct vring_used, ring),
				       sizeof(struct vring_used_elem), .array = true,
				       .device = true },
		[GUEST_AVAIL_EVENT] = { VIRTQUEUE_DEVICE, offsetof(struct vring_used, ring), 2,
					.behind = true, .device = true },
	},
};

/* The flags of a descriptor are its last field, and tell of it (VIRTIO 2.8.1). */
#define RING_PACKED_AVAIL (UINT16_C(1) << VRING_PACKED_DESC_F_AVAIL)
#define RING_PACKED_USED (UINT16_C(1) << VRING_PACKED_DESC_F_USED)
/* Of an event suppression structure: the wrap counter beside the offset (2.8.14). */
#define RING_EVENT_WRAP (UINT16_C(1) << VRING_PACKED_EVENT_F_WRAP_CTR)
#define RING_EVENT_FLAGS UINT16_C(3) /* the others are reserved */
#define RING_PACKED_USED_SIZE                                                                      \
	((uint32_t)(offsetof(struct vring_packed_desc, flags) -                                    \
		    offsetof(struct vring_packed_desc, len)))

_Static_assert(sizeof(struct vring_packed_desc) == sizeof(struct vring_desc), "of one size");

static const struct ring_layout ring_packed = {
	.entry = { [VIRTQUEUE_DESC] = sizeof(struct vring_packed_desc) },
	.align = { [VIRTQUEUE_DESC] = 16, [VIRTQUEUE_DRIVER] = 4, [VIRTQUEUE_DEVICE] = 4 },
	.start = { [VIRTQUEUE_DRIVER] = sizeof(struct vring_packed_desc_event),
		   [VIRTQUEUE_DEVICE] = sizeof(struct vring_packed_desc_event) },
	.field = {
		[GUEST_PACKED_DESC] = { VIRTQUEUE_DESC, 0, sizeof(struct vring_packed_desc),
					.array = true },
		[GUEST_PACKED_FLAGS] = { VIRTQUEUE_DESC, offsetof(struct vring_packed_desc, flags),
					 2, .array = true },
		[GUEST_PACKED_USED] = { VIRTQUEUE_DESC, offsetof(struct vring_packed_desc, len),
					RING_PACKED_USED_SIZE, .array = true, .device = true },
		[GUEST_DRIVER_EVENT] = { VIRTQUEUE_DRIVER, 0,
					 sizeof(struct vring_packed_desc_event),
					 .array = false },
		[GUEST_DEVICE_EVENT] = { VIRTQUEUE_DEVICE, 0,
					 sizeof(struct vring_packed_desc_event),
					 .device = true },
	},
};

/* The format that these features, once accepted, give every queue. */
static inline bool ring_is_packed(uint64_t features)
{
	return features >> VIRTIO_F_RING_PACKED & 1;
}

static inline const struct ring_layout *ring_layout_of(uint64_t features)
{
	return ring_is_packed(features) ? &ring_packed : &ring_split;
}

/* A number of entries that a queue of that format can have (VIRTIO 2.7, 2.8.10.1). */
static inline bool ring_size_possible(uint64_t features, uint32_t size)
{
	return size != 0 && (ring_is_packed(features) || (size & (size - 1)) == 0);
}

/* Where in its area the field of a ring of `size` entries lies; of an array, the
 * one of entry `index`, which is 0 for any other. */
static inline __attribute__((always_inline)) uint64_t
ring_at(const struct ring_layout *layout, enum guest_purpose purpose, uint32_t size, uint32_t index)
{
	const struct ring_field *f = &layout->field[purpose];

	return f->offset + (uint64_t)layout->entry[f->area] * (f->behind ? size : index);
}

/* Bytes of an area up to the end of its array: what a device without
 * VIRTIO_F_EVENT_IDX accesses. */
static inline __attribute__((always_inline)) uint64_t
ring_size(const struct ring_layout *layout, enum virtqueue_area area, uint32_t size)
{
	return layout->start[area] + (uint64_t)layout->entry[area] * size;
}

/* ... and all of it, the event field too (VIRTIO 2.7). */
static inline __attribute__((always_inline)) uint64_t
ring_extent(const struct ring_layout *layout, enum virtqueue_area area, uint32_t size)
{
	return ring_size(layout, area, size) + layout->tail[area];
}

/* An area at `addr` does not fit in the address space, its event field aside. */
static inline __attribute__((always_inline)) bool
ring_wraps(const struct ring_layout *layout, enum virtqueue_area area, uint32_t size, uint64_t addr)
{
	return addr > UINT64_MAX - (ring_size(layout, area, size) - 1);
}

#endif
