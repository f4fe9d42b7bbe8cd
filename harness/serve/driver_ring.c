/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A ring in a driver's memory, whatever its format.  See driver_ring.h.
 */
#include "harness/serve/driver_ring_internal.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

int driver_ring_fault(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DRIVER_RING_WHY_MAX, format, args);
	va_end(args);
	return -EPROTO;
}

void *driver_ring_place(const struct driver_memory *memory, uint64_t addr, uint64_t len,
			uint64_t align)
{
	void *host = driver_memory_ring(memory, addr, len);

	return addr % align == 0 && (uintptr_t)host % align == 0 ? host : NULL;
}

int driver_ring_add(const struct driver_ring *ring, const struct driver_memory *memory,
		    struct driver_chain *chain, const struct driver_buffer *buffer, char *why)
{
	chain->buffers[chain->count++] = *buffer;
	if ((buffer->flags & VRING_DESC_F_INDIRECT) != 0 ||
	    driver_memory_has(memory, buffer->addr, buffer->len))
		return 0;
	return driver_ring_fault(
		why, "descriptor %u of ring %u: %u bytes at 0x%llx are not in memory",
		buffer->index, ring->setup.queue, buffer->len, (unsigned long long)buffer->addr);
}

int driver_ring_open(struct driver_ring *ring, const struct driver_memory *memory,
		     const struct driver_ring_setup *setup, char *why)
{
	*ring = (struct driver_ring){ .setup = *setup,
				      .format = setup->packed ? &driver_ring_packed
							      : &driver_ring_split };
	return ring->format->open(ring, memory, why);
}

int driver_ring_look(struct driver_ring *ring, char *why)
{
	return ring->format->look(ring, why);
}

static int read_table(const struct driver_ring *ring, const struct driver_memory *memory,
		      struct driver_chain *chain, char *why)
{
	const struct driver_buffer *last = &chain->buffers[chain->direct - 1];
	uint32_t count = last->len / (uint32_t)sizeof(struct vring_desc);

	if (count == 0 || last->len % sizeof(struct vring_desc) != 0)
		return driver_ring_fault(why,
					 "the indirect table of chain %u of ring %u has %u bytes",
					 chain->head, ring->setup.queue, last->len);
	return ring->format->read_table(ring, memory, chain, last->addr, count, why);
}

int driver_ring_peek(const struct driver_ring *ring, const struct driver_memory *memory,
		     struct driver_chain *chain, char *why)
{
	int err;

	if (!driver_ring_waits(ring))
		return 0;
	chain->count = 0;
	chain->indirect = false;
	err = ring->format->read(ring, memory, chain, why);
	chain->direct = chain->count;
	if (err == 0 && chain->indirect)
		err = read_table(ring, memory, chain, why);
	return err != 0 ? err : 1;
}

void driver_ring_take(struct driver_ring *ring, unsigned direct)
{
	ring->format->take(ring, direct);
	if (!ring->setup.event_idx)
		return;
	ring->format->ask(ring);
	/* What it made available before it saw that is seen by the next look (2.7.10.1). */
	atomic_thread_fence(memory_order_seq_cst);
}

void driver_ring_put(struct driver_ring *ring, uint16_t head, uint32_t len, unsigned direct)
{
	ring->format->put(ring, head, len, direct);
}

bool driver_ring_show(struct driver_ring *ring)
{
	uint16_t old = ring->told;

	if (old == ring->next_used)
		return false;
	ring->format->show(ring);
	ring->told = ring->next_used;
	/* The driver sees the entries before what it says of interrupts is looked at (2.7.7.2). */
	atomic_thread_fence(memory_order_seq_cst);
	return ring->format->wants(ring, old);
}

struct driver_ring_wish driver_ring_wish(const struct driver_ring *ring)
{
	return ring->format->wish(ring);
}

uint32_t driver_ring_base(const struct driver_ring *ring, uint16_t next_avail)
{
	return ring->format->base(ring, next_avail);
}
