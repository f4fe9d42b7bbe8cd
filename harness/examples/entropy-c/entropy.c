/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device.  See entropy.h.
 */
#include "entropy.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <string.h>

/* The status bits of a driver; SUSPEND is not offered, so it is ignored (3.4.2). */
#define STATUS_DRIVER                                                                              \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

/* Where the monitor has guest memory from that address on, and how many of *len bytes it
 * has in one piece there; NULL if it has none. */
static uint8_t *find(const struct entropy *e, uint64_t addr, uint64_t *len)
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

/* A field of a ring.  No two regions meet inside of one: they begin and end at pages, and
 * rings are aligned. */
static void *to_host(const struct entropy *e, uint64_t addr, uint64_t len)
{
	uint64_t found = len;
	uint8_t *host = find(e, addr, &found);

	return found == len ? host : NULL;
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

/* Random bytes for a buffer, up to where the monitor has no memory; how many. */
static uint32_t fill_buffer(const struct entropy *e, uint64_t addr, uint32_t len)
{
	uint32_t filled = 0;

	while (filled < len && addr + filled >= addr) {
		uint64_t piece = len - filled;
		uint8_t *buf = find(e, addr + filled, &piece);

		if (buf == NULL)
			break;
		e->get_random(e->ctx, buf, piece);
		filled += (uint32_t)piece;
	}
	return filled;
}

/* Random bytes for the buffers of one chain; how many. */
static uint32_t fill_chain(const struct entropy *e, uint16_t head)
{
	uint32_t written = 0;
	uint16_t next = head;

	for (uint32_t i = 0; i < e->queue.size && next < e->queue.size; i++) {
		const volatile struct vring_desc *entry =
			to_host(e, e->queue.area[0] + sizeof(*entry) * next, sizeof(*entry));
		struct vring_desc desc = { 0 };
		uint32_t len, filled;

		if (entry != NULL)
			desc = *entry;
		len = desc.len;
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

/* The next entry of the available ring, returned; false if the guest broke the queue. */
static bool serve_entry(struct entropy *e)
{
	struct entropy_queue *q = &e->queue;
	uint64_t slot = q->next_avail % q->size, used_slot = q->next_used % q->size;
	const volatile uint16_t *entry = to_host(e, q->area[1] + 4 + 2 * slot, sizeof(*entry));
	/* Its two halves are aligned, the element is not. */
	uint32_t *id = to_host(e, q->area[2] + 4 + 8 * used_slot, sizeof(*id));
	uint32_t *len = to_host(e, q->area[2] + 8 + 8 * used_slot, sizeof(*len));
	uint16_t *idx = to_host(e, q->area[2] + 2, sizeof(*idx));
	uint16_t head;

	if (entry == NULL || id == NULL || len == NULL || idx == NULL)
		return false;
	head = *entry;
	if (head >= q->size)
		return false;
	*len = fill_chain(e, head);
	*id = head;
	q->next_avail++;
	__atomic_store_n(idx, ++q->next_used, __ATOMIC_RELEASE);
	return true;
}

static void serve_queue(struct entropy *e)
{
	struct entropy_queue *q = &e->queue;
	const volatile uint16_t *flags = to_host(e, q->area[1], sizeof(*flags));
	const uint16_t *idx = to_host(e, q->area[1] + 2, sizeof(*idx));
	uint16_t first_used = q->next_used, avail_idx;
	bool broken = flags == NULL || idx == NULL;

	if (!broken) {
		avail_idx = __atomic_load_n(idx, __ATOMIC_ACQUIRE);
		broken = (uint16_t)(avail_idx - q->next_avail) > q->size;
		while (!broken && q->next_avail != avail_idx)
			broken = !serve_entry(e);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (q->next_used != first_used && (*flags & VRING_AVAIL_F_NO_INTERRUPT) == 0)
			raise_interrupt(e, VIRTIO_MMIO_INT_VRING);
	}
	if (broken)
		need_reset(e);
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
	e->status = (e->status & VIRTIO_CONFIG_S_NEEDS_RESET) | (value & STATUS_DRIVER);
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
