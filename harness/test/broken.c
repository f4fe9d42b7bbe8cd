/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The target with the misdeeds; see broken.h.
 */
#include "broken.h"
#include "devices/table.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct broken {
	const struct device_host *host;
	uint64_t offered;
	uint16_t queue_max;
	uint32_t features_sel, queue_sel, status, kept, secret;
	uint32_t desc, avail, used; /* of queue 0 */
	bool ready, dead, leak_at_reset;
	enum misdeed at_restore;
};

static volatile unsigned zero;
/* Not NULL, which UBSan would speak of first. */
static volatile char *volatile nowhere = (volatile char *)64;
static void *volatile lost;

static void crash(struct broken *device)
{
	(void)device;
	*nowhere = 1;
}

static void give_up(struct broken *device)
{
	(void)device;
	abort();
}

static void leave(struct broken *device)
{
	(void)device;
	exit(3);
}

static void leave_quietly(struct broken *device)
{
	(void)device;
	exit(0);
}

static void spin(struct broken *device)
{
	(void)device;
	while (zero == 0)
		;
}

static void spin_reading(struct broken *device)
{
	uint8_t byte;

	while (zero == 0)
		device->host->read(device->host->ctx, (struct guest_why){ 0 }, 0x10000, &byte, 1);
}

static void eat_heap(struct broken *device)
{
	while (device->host->alloc(device->host->ctx, 1 << 20) != NULL)
		;
}

static void eat_at_once(struct broken *device)
{
	(void)device;
	lost = malloc((size_t)1 << 40 | zero);
	free(lost);
}

/* The same pages, mapped again and again: each mapping counts as resident. */
static void eat_pages(struct broken *device)
{
	size_t size = 64u << 20;
	int fd = memfd_create("pages", 0);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return;
	for (int i = 0; i < 40; i++) {
		volatile char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		for (size_t at = 0; pages != MAP_FAILED && at < size; at += 4096)
			pages[at] = 1;
	}
	spin(device);
}

static void leak_heap(struct broken *device)
{
	lost = device->host->alloc(device->host->ctx, 48);
}

static void leak_malloc(struct broken *device)
{
	(void)device;
	lost = malloc(48);
	lost = NULL;
}

static void overflow(struct broken *device)
{
	volatile uint8_t *block = device->host->alloc(device->host->ctx, 24);

	block[24 + zero] = 1;
}

static void use_after_free(struct broken *device)
{
	uint8_t *block = device->host->alloc(device->host->ctx, 24);

	device->host->free(device->host->ctx, block);
	*(volatile uint8_t *)block = 1;
}

static void divide(struct broken *device)
{
	device->kept = 7 / zero;
}

static void shift(struct broken *device)
{
	device->kept = 1u << (32 + zero);
}

static void free_twice(struct broken *device)
{
	void *block = device->host->alloc(device->host->ctx, 24);

	device->host->free(device->host->ctx, block);
	device->host->free(device->host->ctx, block);
}

static void keep(struct broken *device)
{
	device->kept = 0x600d;
}

static void plan_death(struct broken *device)
{
	device->dead = true;
}

static void plan_leak(struct broken *device)
{
	device->leak_at_reset = true;
}

static void keep_secret(struct broken *device)
{
	device->secret = 0x5ec2e7;
}

static void touch(const struct broken *device, enum guest_purpose purpose, uint64_t addr,
		  void *data, uint32_t len)
{
	struct guest_why why = { .purpose = (uint8_t)purpose };

	if (purpose == GUEST_USED_ENTRY || purpose == GUEST_USED_IDX)
		device->host->write(device->host->ctx, why, addr, data, len);
	else
		device->host->read(device->host->ctx, why, addr, data, len);
}

/* The first chain of queue 0, of one buffer whose first byte is read twice. */
static void fetch_twice(struct broken *device, uint32_t mask)
{
	uint8_t first = 0, second = 0, used[8] = { 0 };
	uint16_t index = 0, head = 0, flags;
	struct vring_desc desc = { 0 };

	touch(device, GUEST_AVAIL_IDX, device->avail + 2ull, &index, sizeof(index));
	if (index == 0)
		return;
	touch(device, GUEST_AVAIL_ENTRY, device->avail + 4ull, &head, sizeof(head));
	touch(device, GUEST_DESC, device->desc + 16ull * head, &desc, sizeof(desc));
	touch(device, GUEST_PAYLOAD, desc.addr, &first, 1);
	touch(device, GUEST_PAYLOAD, desc.addr, &second, 1);
	device->secret = (first & mask) | (second & ~mask & 0xff);
	used[0] = (uint8_t)head;
	index = 1;
	touch(device, GUEST_USED_ENTRY, device->used + 4ull, used, sizeof(used));
	touch(device, GUEST_USED_IDX, device->used + 2ull, &index, sizeof(index));
	touch(device, GUEST_AVAIL_FLAGS, device->avail, &flags, sizeof(flags));
}

static void fetch_and_mix(struct broken *device)
{
	fetch_twice(device, 0xf0);
}

static void fetch_and_drop(struct broken *device)
{
	fetch_twice(device, 0);
}

static void refuse_own(struct broken *device)
{
	device->at_restore = MISDEED_REFUSE_OWN;
}

static void take_partly(struct broken *device)
{
	device->at_restore = MISDEED_TAKE_PARTLY;
}

static void show_other(struct broken *device)
{
	device->at_restore = MISDEED_SHOW_OTHER;
}

/* What it learns and does not restore. */
static void restore_less(struct broken *device)
{
	device->at_restore = MISDEED_RESTORE_LESS;
	device->secret = 7;
}

typedef void misdeed_fn(struct broken *device);

TABLE(static misdeed_fn *const, misdeeds, MISDEED_COUNT, 1,
	[MISDEED_NONE] = NULL,
	[MISDEED_SEGV] = crash,
	[MISDEED_ABORT] = give_up,
	[MISDEED_EXIT] = leave,
	[MISDEED_EXIT_0] = leave_quietly,
	[MISDEED_SPIN] = spin,
	[MISDEED_SPIN_READING] = spin_reading,
	[MISDEED_EAT_HEAP] = eat_heap,
	[MISDEED_EAT_AT_ONCE] = eat_at_once,
	[MISDEED_EAT_PAGES] = eat_pages,
	[MISDEED_LEAK_HEAP] = leak_heap,
	[MISDEED_LEAK_MALLOC] = leak_malloc,
	[MISDEED_OVERFLOW] = overflow,
	[MISDEED_USE_AFTER_FREE] = use_after_free,
	[MISDEED_DIVIDE] = divide,
	[MISDEED_SHIFT] = shift,
	[MISDEED_FREE_TWICE] = free_twice,
	[MISDEED_KEEP_REGISTER] = keep,
	[MISDEED_DIE_AT_RESET] = plan_death,
	[MISDEED_LEAK_AT_RESET] = plan_leak,
	[MISDEED_KEEP_SECRET] = keep_secret,
	[MISDEED_FETCH_AND_MIX] = fetch_and_mix,
	[MISDEED_FETCH_AND_DROP] = fetch_and_drop,
	[MISDEED_REFUSE_OWN] = refuse_own,
	[MISDEED_TAKE_PARTLY] = take_partly,
	[MISDEED_SHOW_OTHER] = show_other,
	[MISDEED_RESTORE_LESS] = restore_less);

static void *broken_create(const struct target *target, const struct device_host *host,
			   uint64_t offered, const uint16_t *queue_max)
{
	struct broken *device = host->alloc(host->ctx, sizeof(*device));

	(void)target;
	if (device == NULL)
		return NULL;
	memset(device, 0, sizeof(*device));
	device->host = host;
	device->offered = offered;
	device->queue_max = queue_max[0];
	return device;
}

static void broken_destroy(void *opaque)
{
	struct broken *device = opaque;

	device->host->free(device->host->ctx, device);
}

static uint32_t value_of(const struct broken *device, uint64_t offset)
{
	if (offset == BROKEN_SECRET)
		return device->secret;
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return 0x74726976;
	case VIRTIO_MMIO_VERSION:
		return 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return 1;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return device->features_sel < 2
			       ? (uint32_t)(device->offered >> (32 * device->features_sel))
			       : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return device->queue_sel == 0 ? device->queue_max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return device->queue_sel == 0 && device->ready;
	case VIRTIO_MMIO_STATUS:
		return device->status;
	case VIRTIO_MMIO_CONFIG:
		return device->kept;
	default:
		return 0;
	}
}

static void broken_read(void *opaque, uint64_t offset, void *buf, uint32_t len)
{
	uint32_t value = value_of(opaque, offset);

	memset(buf, 0, len);
	memcpy(buf, &value, len < sizeof(value) ? len : sizeof(value));
}

static void set_status(struct broken *device, uint32_t status)
{
	if (status != 0) {
		device->status = status;
		return;
	}
	/* One that died shows 0 for ever. */
	device->status = 0;
	device->ready = false;
	device->features_sel = 0;
	device->queue_sel = 0;
	if (device->at_restore == MISDEED_RESTORE_LESS)
		device->secret = 0;
	device->at_restore = MISDEED_NONE;
	if (device->leak_at_reset)
		leak_heap(device);
}

static void broken_write(void *opaque, uint64_t offset, const void *buf, uint32_t len)
{
	struct broken *device = opaque;
	uint32_t value = 0;

	memcpy(&value, buf, len < sizeof(value) ? len : sizeof(value));
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		device->features_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		device->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		device->desc = value;
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		device->avail = value;
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		device->used = value;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		device->ready = value != 0 && device->queue_sel == 0;
		break;
	case VIRTIO_MMIO_STATUS:
		set_status(device, device->dead ? 0 : value);
		break;
	case VIRTIO_MMIO_CONFIG:
		if (value < MISDEED_COUNT && misdeeds[value] != NULL)
			misdeeds[value](device);
		break;
	default:
		break;
	}
}

static void broken_work(void *opaque)
{
	(void)opaque;
}

static enum device_state broken_state(const void *opaque)
{
	(void)opaque;
	return DEVICE_IDLE;
}

static unsigned broken_counter_count(const void *opaque)
{
	(void)opaque;
	return 0;
}

static const char *broken_counter_name(const void *opaque, unsigned index)
{
	(void)opaque;
	(void)index;
	return "";
}

static void broken_counters(const void *opaque, uint64_t *values)
{
	(void)opaque;
	(void)values;
}

/* The state as it lies in memory, but for what is of the host, and a secret that
 * is not saved. */
static size_t broken_save(const void *opaque, void *out, size_t room)
{
	struct broken copy = *(const struct broken *)opaque;

	copy.host = NULL;
	if (copy.at_restore == MISDEED_RESTORE_LESS)
		copy.secret = 0;
	if (sizeof(copy) <= room)
		memcpy(out, &copy, sizeof(copy));
	return sizeof(copy);
}

static int broken_restore(void *opaque, const void *data, size_t len, size_t *at, const char **what)
{
	struct broken *device = opaque;
	const struct device_host *host = device->host;
	struct broken copy;

	*at = len;
	*what = "another length";
	if (len != sizeof(copy))
		return -EINVAL;
	memcpy(&copy, data, sizeof(copy));
	copy.host = host;
	*at = 0;
	*what = "no reason";
	if (copy.at_restore == MISDEED_TAKE_PARTLY)
		device->kept = 1;
	if (copy.at_restore == MISDEED_REFUSE_OWN || copy.at_restore == MISDEED_TAKE_PARTLY)
		return copy.at_restore == MISDEED_REFUSE_OWN ? -EINVAL : -EOVERFLOW;
	if (copy.at_restore == MISDEED_SHOW_OTHER)
		copy.status ^= 1;
	*device = copy;
	return 0;
}

static const struct device_queue_desc broken_queues[] = { { "queue", 8, false, 0 } };

struct target broken_target = {
	.name = "broken",
	.help = "a device with a bug for every register value",
	.features = 1ULL << VIRTIO_F_VERSION_1,
	.device_id = 1,
	.queue_count = 1,
	.queues = broken_queues,
	.config_len = 4,
	.facts = FACT_ALL,
	.chain_bytes_max = 4096,
	.heap_max = 256u << 20,
	.liveness = "device any\nstart driver_ok\n> status +DRIVER_OK\n",
	.create = broken_create,
	.destroy = broken_destroy,
	.read = broken_read,
	.write = broken_write,
	.work = broken_work,
	.state = broken_state,
	.counter_count = broken_counter_count,
	.counter_name = broken_counter_name,
	.counters = broken_counters,
	.save = broken_save,
	.restore = broken_restore,
};
