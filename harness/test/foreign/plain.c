/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices on plain memory that are not ours: a correct one of one queue, which fills what
 * the driver lets it write, and the same with one habit each.  Built against the
 * installed files.
 *
 *   plain-well      correct: of an available index that jumped it serves nothing more
 *   plain-stray     writes a byte that is nobody's after each chain of 13 bytes
 *   plain-resume    goes on where it was when its queue is ready again, as it may
 *   plain-drop      returns no chain that is invalid, as it may
 *   plain-crash     ends the process when it is activated
 */
#include <vringer.h>

#include <stdlib.h>
#include <string.h>

#define F_NEXT 1u
#define F_WRITE 2u
#define F_INDIRECT 4u
#define INDIRECT_DESC (1ull << 28)
#define PARTS_MAX 64u

struct plain {
	const struct vringer_host *host;
	struct vringer_ring ring;
	uint16_t next, used;
	int broken, indirect;
	int strays, resumes, drops;
};

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* NULL: not all of it is memory. */
static void *at(const struct plain *p, uint64_t addr, uint64_t len)
{
	for (uint32_t i = 0; i < p->host->region_count; i++) {
		const struct vringer_region *r = &p->host->regions[i];

		if (addr >= r->addr && addr - r->addr < r->size &&
		    len <= r->size - (addr - r->addr))
			return (uint8_t *)r->host + (addr - r->addr);
	}
	return NULL;
}

/* Fill the writable buffers of a chain: how many bytes, or -1 if it is invalid. */
static int64_t fill(struct plain *p, uint16_t head)
{
	const struct desc *table = at(p, p->ring.desc, 16ull * p->ring.size);
	struct desc part[PARTS_MAX];
	uint32_t size = p->ring.size, index = head, count = 0;
	int in_table = 0;
	int64_t len = 0;

	for (;;) {
		struct desc d;

		if (table == NULL || index >= size || count == PARTS_MAX)
			return -1;
		memcpy(&d, &table[index], sizeof(d));
		if ((d.flags & F_INDIRECT) != 0) {
			if (in_table || !p->indirect || (d.flags & F_NEXT) != 0 || d.len == 0 ||
			    d.len % 16 != 0)
				return -1;
			table = at(p, d.addr, d.len);
			size = d.len / 16;
			index = 0;
			in_table = 1;
			continue;
		}
		if (d.len > 0 && at(p, d.addr, d.len) == NULL)
			return -1;
		part[count++] = d;
		if ((d.flags & F_NEXT) == 0)
			break;
		index = d.next;
	}
	for (uint32_t i = 0; i < count; i++) {
		if ((part[i].flags & F_WRITE) == 0 || part[i].len == 0)
			continue;
		memset(at(p, part[i].addr, part[i].len), 0x5a, part[i].len);
		len += part[i].len;
	}
	return len;
}

static void serve(struct plain *p)
{
	volatile uint16_t *avail = at(p, p->ring.avail, 6 + 2ull * p->ring.size);
	volatile uint16_t *used = at(p, p->ring.used, 6 + 8ull * p->ring.size);

	if (avail == NULL || used == NULL || (uint16_t)(avail[1] - p->next) > p->ring.size)
		p->broken = 1;
	while (!p->broken && avail[1] != p->next) {
		uint16_t head = avail[2 + p->next++ % p->ring.size];
		int64_t len = fill(p, head);
		volatile uint32_t *entry =
			(volatile uint32_t *)(used + 2) + 2u * (p->used % p->ring.size);

		if (p->strays && len == 13)
			((uint8_t *)p->host->regions[0].host)[p->host->regions[0].size - 1]++;
		if (len < 0 && p->drops)
			continue;
		entry[0] = head;
		entry[1] = len < 0 ? 0 : (uint32_t)len;
		used[1] = ++p->used;
		if ((avail[0] & 1) == 0)
			p->host->used(p->host->ctx, 0);
	}
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	struct plain *p = calloc(1, sizeof(*p));

	(void)offered, (void)queue_max;
	if (p != NULL)
		p->host = host;
	return p;
}

static void *create_stray(const struct vringer_host *host, uint64_t offered,
			  const uint16_t *queue_max)
{
	struct plain *p = create(host, offered, queue_max);

	if (p != NULL)
		p->strays = 1;
	return p;
}

static void *create_resume(const struct vringer_host *host, uint64_t offered,
			   const uint16_t *queue_max)
{
	struct plain *p = create(host, offered, queue_max);

	if (p != NULL)
		p->resumes = 1;
	return p;
}

static void *create_drop(const struct vringer_host *host, uint64_t offered,
			 const uint16_t *queue_max)
{
	struct plain *p = create(host, offered, queue_max);

	if (p != NULL)
		p->drops = 1;
	return p;
}

static void reset(void *device)
{
	struct plain *p = device;

	p->ring.ready = 0;
	p->next = p->used = 0;
	p->broken = 0;
}

static void queue_stop(void *device, uint32_t queue)
{
	struct plain *p = device;

	(void)queue;
	p->ring.ready = 0;
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct plain *p = device;

	p->indirect = (features & INDIRECT_DESC) != 0;
	p->ring = rings[0];
	if (p->resumes)
		return;
	p->next = p->used = 0;
	p->broken = 0;
}

static void crash(void *device, uint64_t features, const struct vringer_ring *rings)
{
	(void)device, (void)features, (void)rings;
	abort();
}

static void kick(void *device, uint32_t queue)
{
	(void)queue;
	serve(device);
}

static const struct vringer_queue queues[] = {
	{ .name = "requests", .size_max = 8, .driver_initiated = 1 },
};

#define PLAIN(id, called, ...)                                                                     \
	static const struct vringer_target id = { .version = VRINGER_VERSION,                      \
						  .size = sizeof(id),                              \
						  .name = called,                                  \
						  .help = "on plain memory",                       \
						  .level = VRINGER_LEVEL_ACTIVATED,                \
						  .memory = VRINGER_MEMORY_PLAIN,                  \
						  .layout = VRINGER_LAYOUT_FLAT,                   \
						  .flags = VRINGER_JUDGE_LIMITS,                   \
						  .device_id = 4,                                  \
						  .queue_count = 1,                                \
						  .features = 1ull << 32 | INDIRECT_DESC,          \
						  .queues = queues,                                \
						  .destroy = free,                                 \
						  .kick = kick,                                    \
						  .reset = reset,                                  \
						  .queue_stop = queue_stop,                        \
						  __VA_ARGS__ }

PLAIN(well, "plain-well", .create = create, .activate = activate);
PLAIN(stray, "plain-stray", .create = create_stray, .activate = activate);
PLAIN(resume, "plain-resume", .create = create_resume, .activate = activate);
PLAIN(drop, "plain-drop", .create = create_drop, .activate = activate);
PLAIN(crashes, "plain-crash", .create = create, .activate = crash);

VRINGER_TARGETS(&well, &stray, &resume, &drop, &crashes);
