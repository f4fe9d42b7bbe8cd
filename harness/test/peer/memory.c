/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory.  See memory.h.
 */
#include "memory.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* mmap takes offsets of whole pages only. */
static int map(int fd, uint64_t offset, uint64_t size, void **mapping, size_t *mapped,
	       uint8_t **bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t before = offset % page;

	if (size == 0 || size > SIZE_MAX - before || offset > INT64_MAX)
		return -EINVAL;
	*mapped = (size_t)(size + before);
	*mapping = mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			(off_t)(offset - before));
	if (*mapping == MAP_FAILED)
		return -errno;
	*bytes = (uint8_t *)*mapping + before;
	return 0;
}

int memory_add(struct memory *m, int fd, uint64_t offset, uint64_t guest, uint64_t user,
	       uint64_t size)
{
	struct memory_region *r = &m->regions[m->count];
	int err;

	if (m->count == MEMORY_REGIONS_MAX || size == 0 || guest > UINT64_MAX - (size - 1) ||
	    user > UINT64_MAX - (size - 1))
		return -EINVAL;
	err = map(fd, offset, size, &r->mapping, &r->mapped, &r->host);
	if (err != 0)
		return err;
	r->guest = guest;
	r->user = user;
	r->size = size;
	m->count++;
	return 0;
}

int memory_set_log(struct memory *m, int fd, uint64_t offset, uint64_t size)
{
	if (m->log != NULL)
		munmap(m->log_mapping, m->log_mapped);
	m->log = NULL;
	m->log_size = size;
	return map(fd, offset, size, &m->log_mapping, &m->log_mapped, &m->log);
}

void memory_forget(struct memory *m)
{
	while (m->count > 0) {
		m->count--;
		munmap(m->regions[m->count].mapping, m->regions[m->count].mapped);
	}
}

bool memory_from_user(const struct memory *m, uint64_t user, uint64_t *guest)
{
	for (unsigned i = 0; i < m->count; i++) {
		const struct memory_region *r = &m->regions[i];

		if (user < r->user || user - r->user >= r->size)
			continue;
		*guest = r->guest + (user - r->user);
		return true;
	}
	return false;
}

/* The bytes at `addr`, and how many there are in a row; NULL: none. */
static uint8_t *find(const struct memory *m, uint64_t addr, uint64_t *run)
{
	for (unsigned i = 0; i < m->count; i++) {
		const struct memory_region *r = &m->regions[i];

		if (addr < r->guest || addr - r->guest >= r->size)
			continue;
		*run = r->size - (addr - r->guest);
		return r->host + (addr - r->guest);
	}
	return NULL;
}

bool memory_has(const struct memory *m, uint64_t addr, uint64_t len)
{
	while (len > 0) {
		uint64_t run;

		if (find(m, addr, &run) == NULL)
			return false;
		if (run >= len)
			return true;
		/* Nothing follows the end of the address space. */
		if (addr + run == 0)
			return false;
		addr += run;
		len -= run;
	}
	return true;
}

/* Where the range begins, with what of it lies in a row. */
static uint8_t *next(const struct memory *m, uint64_t *addr, size_t *len, size_t *piece)
{
	uint64_t run;
	uint8_t *at = find(m, *addr, &run);

	*piece = run < *len ? (size_t)run : *len;
	*addr += *piece;
	*len -= *piece;
	return at;
}

bool memory_read(const struct memory *m, uint64_t addr, void *buf, size_t len)
{
	uint8_t *to = buf;
	size_t piece;

	if (!memory_has(m, addr, len))
		return false;
	for (; len > 0; to += piece) {
		const uint8_t *at = next(m, &addr, &len, &piece);

		memcpy(to, at, piece);
	}
	return true;
}

bool memory_write(const struct memory *m, uint64_t addr, const void *buf, size_t len)
{
	const uint8_t *from = buf;
	size_t piece;

	if (!memory_has(m, addr, len))
		return false;
	for (; len > 0; from += piece) {
		uint8_t *at = next(m, &addr, &len, &piece);

		memcpy(at, from, piece);
	}
	return true;
}

void memory_mark(struct memory *m, uint64_t addr, uint64_t len)
{
	if (m->log == NULL || !m->logs || len == 0)
		return;
	for (uint64_t page = addr / MEMORY_LOG_PAGE; page <= (addr + (len - 1)) / MEMORY_LOG_PAGE;
	     page++)
		if (page / 8 < m->log_size)
			__atomic_fetch_or(&m->log[page / 8], (uint8_t)(1u << page % 8),
					  __ATOMIC_SEQ_CST);
}

static uint16_t *aligned16(const struct memory *m, uint64_t addr)
{
	uint64_t run;
	void *at = addr % 2 == 0 ? find(m, addr, &run) : NULL;

	return at != NULL && run >= 2 ? at : NULL;
}

bool memory_read16(const struct memory *m, uint64_t addr, uint16_t *value)
{
	const uint16_t *at = aligned16(m, addr);

	if (at != NULL)
		*value = __atomic_load_n(at, __ATOMIC_SEQ_CST);
	else if (!memory_read(m, addr, value, sizeof(*value)))
		return false;
	*value = le16toh(*value);
	return true;
}

bool memory_write16(const struct memory *m, uint64_t addr, uint16_t value)
{
	uint16_t *at = aligned16(m, addr);

	value = htole16(value);
	if (at == NULL)
		return memory_write(m, addr, &value, sizeof(value));
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
	return true;
}
