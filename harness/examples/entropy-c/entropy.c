/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device.  See entropy.h.
 */
#include "entropy.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* Where the monitor has these bytes of guest memory, and in *len how many of them lie
 * there in one piece; NULL if it does not have the first. */
static void *to_host_part(const struct entropy *e, uint64_t addr, uint64_t *len)
{
	for (size_t i = 0; i < e->memory_count; i++) {
		const struct entropy_memory *m = &e->memory[i];

		if (addr < m->addr || addr - m->addr >= m->size)
			continue;
		if (*len > m->size - (addr - m->addr))
			*len = m->size - (addr - m->addr);
		return m->host + (addr - m->addr);
	}
	return NULL;
}

/* The same; NULL if it does not have them all, in one piece. */
static void *to_host(const struct entropy *e, uint64_t addr, uint64_t len)
{
	uint64_t part = len;
	void *host = to_host_part(e, addr, &part);

	return part == len ? host : NULL;
}

static void raise_interrupt(struct entropy *e, uint32_t bits)
{
	e->interrupt_status |= bits;
	e->interrupt(e->ctx, bits);
}

/* The guest broke the queue. */
static void need_reset(struct entropy *e)
{
	e->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	raise_interrupt(e, VIRTIO_MMIO_INT_CONFIG);
}

/* Random bytes for one buffer, over all regions that it lies in; how many. */
static uint32_t fill_buffer(struct entropy *e, uint64_t addr, uint32_t len)
{
	uint32_t written = 0;

	while (written < len) {
		uint64_t part = len - written;
		void *buf = to_host_part(e, addr + written, &part);

		if (buf == NULL)
			break;
		e->get_random(e->ctx, buf, part);
		written += (uint32_t)part;
	}
	return written;
}

/* ... and for the buffers of one chain. */
static uint32_t fill_chain(struct entropy *e, const struct vring_desc *table, uint16_t head)
{
	uint32_t written = 0;
	uint16_t next = head;

	for (uint32_t i = 0; i < e->queue.size && next < e->queue.size; i++) {
		struct vring_desc desc = ((const volatile struct vring_desc *)table)[next];
		uint32_t len = desc.len, filled;

		if (len > ENTROPY_REQUEST_MAX - written)
			len = ENTROPY_REQUEST_MAX - written;
		if ((desc.flags & VRING_DESC_F_WRITE) == 0)
			break;
		filled = fill_buffer(e, desc.addr, len);
		written += filled;
		if (filled < len || (desc.flags & VRING_DESC_F_NEXT) == 0)
			break;
		next = desc.next;
	}
	return written;
}

static void serve_queue(struct entropy *e)
{
	struct entropy_queue *q = &e->queue;
	struct vring_desc *table = to_host(e, q->area[0], sizeof(*table) * (uint64_t)q->size);
	volatile uint16_t *avail = to_host(e, q->area[1], 4 + 2 * (uint64_t)q->size);
	struct vring_used *used = to_host(e, q->area[2], sizeof(*used) + 8 * (uint64_t)q->size);
	uint16_t first_used = q->next_used;
	uint16_t avail_idx;

	if (table == NULL || avail == NULL || used == NULL) {
		need_reset(e);
		return;
	}
	avail_idx = __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE);
	if ((uint16_t)(avail_idx - q->next_avail) > q->size) {
		need_reset(e);
		return;
	}
	for (; q->next_avail != avail_idx; q->next_avail++) {
		uint16_t head = avail[2 + q->next_avail % q->size];
		struct vring_used_elem *elem = &used->ring[q->next_used % q->size];

		elem->id = head;
		elem->len = head < q->size ? fill_chain(e, table, head) : 0;
		__atomic_store_n(&used->idx, ++q->next_used, __ATOMIC_RELEASE);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->next_used != first_used && (avail[0] & VRING_AVAIL_F_NO_INTERRUPT) == 0)
		raise_interrupt(e, VIRTIO_MMIO_INT_VRING);
}

static uint32_t half(uint64_t value, uint32_t which)
{
	return which < 2 ? (uint32_t)(value >> 32 * which) : 0;
}

static void set_half(uint64_t *value, uint32_t which, uint32_t to)
{
	if (which < 2)
		*value = (uint64_t)half(*value, 1 - which) << 32 * (1 - which) |
			 (uint64_t)to << 32 * which;
}

static void reset(struct entropy *e)
{
	memset(&e->status, 0, sizeof(*e) - offsetof(struct entropy, status));
}

/* Registers are 32 bits wide; what else there may be to read is 0. */
void entropy_read(struct entropy *e, uint64_t offset, void *buf, uint32_t len)
{
	const struct entropy_queue none = { 0 };
	const struct entropy_queue *q = e->queue_sel == 0 ? &e->queue : &none;
	const uint32_t registers[] = {
		[VIRTIO_MMIO_MAGIC_VALUE / 4] = 0x74726976,
		[VIRTIO_MMIO_VERSION / 4] = 2,
		[VIRTIO_MMIO_DEVICE_ID / 4] = VIRTIO_ID_RNG,
		[VIRTIO_MMIO_DEVICE_FEATURES / 4] = half(e->features, e->device_features_sel),
		[VIRTIO_MMIO_QUEUE_NUM_MAX / 4] = e->queue_sel == 0 ? e->queue_max : 0,
		[VIRTIO_MMIO_QUEUE_READY / 4] = q->ready,
		[VIRTIO_MMIO_INTERRUPT_STATUS / 4] = e->interrupt_status,
		[VIRTIO_MMIO_STATUS / 4] = e->status,
		[VIRTIO_MMIO_SHM_LEN_LOW / 4] = UINT32_MAX,
		[VIRTIO_MMIO_SHM_LEN_HIGH / 4] = UINT32_MAX,
		[VIRTIO_MMIO_SHM_BASE_LOW / 4] = UINT32_MAX,
		[VIRTIO_MMIO_SHM_BASE_HIGH / 4] = UINT32_MAX,
	};

	memset(buf, 0, len);
	if (len == 4 && offset % 4 == 0 && offset < sizeof(registers))
		memcpy(buf, &registers[offset / 4], 4);
}

static void write_status(struct entropy *e, uint32_t value)
{
	if (value == 0) {
		reset(e);
		return;
	}
	if ((e->driver_features & ~e->features) != 0 ||
	    (e->driver_features & 1ULL << VIRTIO_F_VERSION_1) == 0)
		value &= ~(uint32_t)(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	e->status = (e->status & VIRTIO_CONFIG_S_NEEDS_RESET) | (value & 0xff);
}

/* Only before the queue is used, and only the one there is. */
static void write_queue(struct entropy *e, uint64_t offset, uint32_t value)
{
	static const uint32_t align[] = { 16, 2, 4 };
	struct entropy_queue *q = &e->queue;
	uint64_t area = (offset - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16;

	if (e->queue_sel != 0 || (q->ready && offset != VIRTIO_MMIO_QUEUE_READY))
		return;
	if (offset == VIRTIO_MMIO_QUEUE_NUM && value <= e->queue_max && (value & (value - 1)) == 0)
		q->size = value;
	else if (offset == VIRTIO_MMIO_QUEUE_READY && value <= 1) {
		if (!q->ready)
			q->next_avail = q->next_used = 0;
		q->ready = value == 1 && q->size != 0;
	} else if (offset >= VIRTIO_MMIO_QUEUE_DESC_LOW && area < 3 && offset % 16 == 0)
		set_half(&q->area[area], 0, value & ~(align[area] - 1));
	else if (offset >= VIRTIO_MMIO_QUEUE_DESC_LOW && area < 3 && offset % 16 == 4)
		set_half(&q->area[area], 1, value);
}

void entropy_write(struct entropy *e, uint64_t offset, const void *buf, uint32_t len)
{
	uint32_t value;

	if (len != sizeof(value) || offset % 4 != 0)
		return;
	memcpy(&value, buf, sizeof(value));
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		e->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		e->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if ((e->status & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
			set_half(&e->driver_features, e->driver_features_sel, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		e->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value == 0 && e->queue.ready && (e->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 &&
		    (e->status & VIRTIO_CONFIG_S_NEEDS_RESET) == 0)
			serve_queue(e);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		e->interrupt_status &= ~value;
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(e, value);
		break;
	default:
		write_queue(e, offset, value);
	}
}
