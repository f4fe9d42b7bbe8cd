/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory as a device of each kind reaches it: by calls that say what for, by
 * calls that do not, by pointers.  See enum vringer_memory.
 */
#include "device.h"

#include <string.h>

/* Where the bytes at `addr` are, and how many of `len` are in one piece there. */
static uint8_t *find(const struct device *d, uint64_t addr, uint64_t *len)
{
	for (uint32_t i = 0; i < d->host->region_count; i++) {
		const struct vringer_region *r = &d->host->regions[i];

		if (addr < r->addr || addr - r->addr >= r->size)
			continue;
		if (*len > r->size - (addr - r->addr))
			*len = r->size - (addr - r->addr);
		return (uint8_t *)r->host + (addr - r->addr);
	}
	return NULL;
}

/* Two regions may meet inside the range.  None ends past 2^64, and nor may this. */
static bool mapped(const struct device *d, uint64_t addr, uint32_t len)
{
	uint64_t piece;

	if (len > 0 && addr + (len - 1) < addr)
		return false;
	for (; len > 0; addr += piece, len -= (uint32_t)piece) {
		piece = len;
		if (find(d, addr, &piece) == NULL)
			return false;
	}
	return true;
}

static bool copy(const struct device *d, uint64_t addr, uint8_t *to, const uint8_t *from,
		 uint32_t len)
{
	uint64_t piece;

	if (!mapped(d, addr, len))
		return false;
	for (uint32_t at = 0; at < len; at += (uint32_t)piece) {
		uint8_t *host;

		piece = len - at;
		host = find(d, addr + at, &piece);
		if (to != NULL)
			memcpy(to + at, host, piece);
		else
			memcpy(host, from + at, piece);
	}
	return true;
}

bool memory_read(const struct device *d, struct vringer_why why, uint64_t addr, void *buf,
		 uint32_t len)
{
	if (d->target->memory == VRINGER_MEMORY_PURPOSES)
		return d->host->read(d->host->ctx, why, addr, buf, len) == 0;
	if (d->target->memory == VRINGER_MEMORY_ACCESSORS)
		return d->host->load(d->host->ctx, addr, buf, len) == 0;
	return copy(d, addr, buf, NULL, len);
}

bool memory_write(struct device *d, struct vringer_why why, uint64_t addr, const void *buf,
		  uint32_t len)
{
	bool written;

	if (d->target->memory == VRINGER_MEMORY_PURPOSES)
		written = d->host->write(d->host->ctx, why, addr, buf, len) == 0;
	else if (d->target->memory == VRINGER_MEMORY_ACCESSORS)
		written = d->host->store(d->host->ctx, addr, buf, len) == 0;
	else
		written = copy(d, addr, NULL, buf, len);
	if (written && len > 0 && d->ways.wrote != NULL)
		d->ways.wrote(d, addr, len);
	return written;
}

#define PAGE_SHIFT 12

uint32_t device_logged(const void *device, uint64_t page)
{
	const struct device *d = device;

	for (uint32_t i = 0; i < d->log_count; i++)
		if (d->log[i] == page)
			return 1;
	return 0;
}

void log_pages(struct device *d, uint64_t first, uint64_t last)
{
	for (uint64_t page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
		if (device_logged(d, page) == 0 && d->log_count < LOG_PAGES)
			d->log[d->log_count++] = page;
}
