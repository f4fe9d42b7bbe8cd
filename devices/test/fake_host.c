/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The unit tests' host; fake_host.h says what it offers.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"

static bool fake_inside(const struct fake_host *fake, uint64_t addr, uint64_t len)
{
	uint64_t offset = addr - fake->base;

	return len <= FAKE_MEM_SIZE && offset <= FAKE_MEM_SIZE - len;
}

uint8_t *fake_mem(struct fake_host *fake, uint64_t addr, uint64_t len)
{
	if (!fake_inside(fake, addr, len))
		abort();
	return fake->mem + (addr - fake->base);
}

static int fake_access(struct fake_host *fake, bool write, struct guest_why why, uint64_t addr,
		       uint32_t len)
{
	struct fake_access access = { .why = why, .addr = addr, .len = len, .write = write };
	unsigned *nth = &fake->fail_nth[why.purpose];

	if (fake->hook)
		fake->hook(fake, &access);
	access.failed = len > 0 && !fake_inside(fake, addr, len);
	if (*nth > 0 && --*nth == 0)
		access.failed = true;
	if (fake->logged < FAKE_LOG_SIZE)
		fake->log[fake->logged] = access;
	fake->logged++;
	return access.failed ? -EFAULT : 0;
}

static int fake_read(void *ctx, struct guest_why why, uint64_t addr, void *buf, uint32_t len)
{
	struct fake_host *fake = ctx;
	int ret = fake_access(fake, false, why, addr, len);

	if (ret == 0 && len > 0)
		memcpy(buf, fake_mem(fake, addr, len), len);
	return ret;
}

static int fake_write(void *ctx, struct guest_why why, uint64_t addr, const void *buf, uint32_t len)
{
	struct fake_host *fake = ctx;
	int ret = fake_access(fake, true, why, addr, len);

	if (ret == 0 && len > 0)
		memcpy(fake_mem(fake, addr, len), buf, len);
	return ret;
}

static void *fake_map(void *ctx, struct guest_why why, uint64_t addr, uint32_t len, bool write)
{
	(void)ctx, (void)why, (void)addr, (void)len, (void)write;
	return NULL;
}

static int fake_unmap(void *ctx, void *view)
{
	(void)ctx, (void)view;
	return -EFAULT;
}

static void fake_interrupt(void *ctx, uint32_t bits)
{
	struct fake_host *fake = ctx;

	if (fake->interrupt_count < sizeof(fake->interrupts) / sizeof(fake->interrupts[0]))
		fake->interrupts[fake->interrupt_count] = bits;
	fake->interrupt_count++;
}

static bool fake_is_memory(void *ctx, uint64_t addr, uint64_t len)
{
	const struct fake_host *fake = ctx;

	return addr >= fake->base && addr - fake->base < FAKE_MEM_SIZE &&
	       len <= FAKE_MEM_SIZE - (addr - fake->base);
}

static void *fake_alloc(void *ctx, size_t size)
{
	struct fake_host *fake = ctx;
	void *block;

	fake->alloc_calls++;
	fake->last_alloc = size;
	if (fake->allocs_left == 0)
		return NULL;
	fake->allocs_left--;
	fake->blocks++;
	block = malloc(size);
	/* What a model does not zero must not look like zero. */
	memset(block, 0xa5, size);
	return block;
}

static void fake_free(void *ctx, void *block)
{
	struct fake_host *fake = ctx;

	if (block)
		fake->blocks--;
	free(block);
}

void fake_host_init(struct fake_host *fake, uint64_t base)
{
	memset(fake, 0, sizeof(*fake));
	fake->host = (struct device_host){
		.ctx = fake,
		.read = fake_read,
		.write = fake_write,
		.map = fake_map,
		.unmap = fake_unmap,
		.interrupt = fake_interrupt,
		.is_memory = fake_is_memory,
		.alloc = fake_alloc,
		.free = fake_free,
	};
	fake->base = base;
	fake->allocs_left = 1000;
}

unsigned fake_log_count(const struct fake_host *fake, enum guest_purpose purpose)
{
	unsigned i, count = 0;

	for (i = 0; i < fake->logged && i < FAKE_LOG_SIZE; i++)
		count += fake->log[i].why.purpose == purpose;
	return count;
}

void fake_log_clear(struct fake_host *fake)
{
	fake->logged = 0;
	fake->interrupt_count = 0;
}

static void put16(struct fake_host *fake, uint64_t addr, uint16_t value)
{
	value = htole16(value);
	memcpy(fake_mem(fake, addr, 2), &value, 2);
}

static uint16_t get16(struct fake_host *fake, uint64_t addr)
{
	uint16_t value;

	memcpy(&value, fake_mem(fake, addr, 2), 2);
	return le16toh(value);
}

static uint32_t get32(struct fake_host *fake, uint64_t addr)
{
	return get16(fake, addr) | (uint32_t)get16(fake, addr + 2) << 16;
}

void fake_desc(struct fake_queue *q, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next)
{
	uint8_t *at = fake_mem(q->fake, q->desc + 16u * i, 16);
	uint64_t addr_le = htole64(addr);
	uint32_t len_le = htole32(len);

	memcpy(at, &addr_le, 8);
	memcpy(at + 8, &len_le, 4);
	put16(q->fake, q->desc + 16u * i + 12, flags);
	put16(q->fake, q->desc + 16u * i + 14, next);
}

void fake_offer(struct fake_queue *q, uint16_t head)
{
	put16(q->fake, q->driver + 4 + 2u * (q->avail_idx % q->size), head);
	fake_avail_set(q, (uint16_t)(q->avail_idx + 1));
}

void fake_avail_set(struct fake_queue *q, uint16_t idx)
{
	q->avail_idx = idx;
	put16(q->fake, q->driver + 2, idx);
}

void fake_avail_flags(struct fake_queue *q, uint16_t flags)
{
	put16(q->fake, q->driver, flags);
}

uint16_t fake_used_idx(const struct fake_queue *q)
{
	return get16(q->fake, q->device + 2);
}

uint32_t fake_used_id(const struct fake_queue *q, uint16_t idx)
{
	return get32(q->fake, q->device + 4 + 8u * (idx % q->size));
}

uint32_t fake_used_len(const struct fake_queue *q, uint16_t idx)
{
	return get32(q->fake, q->device + 8 + 8u * (idx % q->size));
}
