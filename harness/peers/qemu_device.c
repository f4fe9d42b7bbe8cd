/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The registers of QEMU's virtio-mmio device.  See qemu.h.
 *
 * Accesses of 1, 2, 4 and 8 bytes are passed on as they are, others byte by byte; beyond
 * the device's slot there is nothing to access.
 *
 * A write that only stores something is posted, and goes with what is asked next.
 */
#include "harness/peers/qemu.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_SIZE 0x200u
#define ROUNDS_LAST 2u /* after the last write that changed something */
#define SIGNATURE_MAX 80

/* What a write is followed by. */
enum follow { FOLLOW_NOTHING, FOLLOW_LOOK, FOLLOW_WORK };

void qemu_lose(struct qemu *q, int err)
{
	char signature[SIGNATURE_MAX + 1];
	struct process_end end;

	qemu_explain(q, err, &end);
	snprintf(signature, sizeof(signature), "peer:%.*s", SIGNATURE_MAX - 5, end.signature);
	qemu_forget(q);
	q->known = true;
	q->status = q->interrupts = 0;
	q->host->report(q->host->ctx, VRINGER_REPORT_GONE, signature, end.message);
}

/* ---- registers --------------------------------------------------------------------- */

static enum follow follow_of(uint64_t offset, uint64_t value, uint32_t len)
{
	if (len != 4 || offset >= VIRTIO_MMIO_CONFIG)
		return FOLLOW_WORK;
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
	case VIRTIO_MMIO_DRIVER_FEATURES:
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
	case VIRTIO_MMIO_QUEUE_SEL:
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_SHM_SEL:
		return FOLLOW_NOTHING;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		return FOLLOW_LOOK;
	case VIRTIO_MMIO_STATUS:
		if ((value & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
			return FOLLOW_WORK;
		return value == 0 ? FOLLOW_LOOK : FOLLOW_NOTHING;
	default:
		return FOLLOW_WORK;
	}
}

static bool is_whole(uint32_t len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

static uint64_t load(const uint8_t *bytes, uint32_t len)
{
	uint64_t value = 0;

	for (uint32_t i = len; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static void store(uint8_t *bytes, uint32_t len, uint64_t value)
{
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static void read_register(void *device, uint64_t offset, void *buf, uint32_t len)
{
	struct qemu *q = device;
	uint32_t width = is_whole(len) ? len : 1, value;
	struct qtest_access accesses[8];
	unsigned count = 0;
	int err;

	memset(buf, 0, len);
	if (q->process == NULL || offset >= SLOT_SIZE || len > SLOT_SIZE - offset)
		return;
	if (len == 4 && qemu_read_known(q, offset, &value)) {
		store(buf, 4, value);
		return;
	}
	for (uint32_t at = 0; at < len && q->process != NULL; at += width)
		accesses[count++] = (struct qtest_access){ offset + at, width, 0 };
	err = count > 0 ? qemu_read(q, accesses, count) : 0;
	if (err != 0) {
		qemu_lose(q, err);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		store((uint8_t *)buf + (size_t)i * width, width, accesses[i].value);
}

static void write_register(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct qemu *q = device;
	uint32_t width = is_whole(len) ? len : 1;
	enum follow follow;
	int err = 0;

	if (q->process == NULL || offset >= SLOT_SIZE || len > SLOT_SIZE - offset)
		return;
	q->waited = 0;
	if (len == 4 && offset == VIRTIO_MMIO_STATUS)
		q->live = (load(buf, 4) & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
	follow = follow_of(offset, load(buf, width), len);
	qemu_forget_for(q, offset, load(buf, width), len, follow == FOLLOW_NOTHING);
	q->worked = false;
	for (uint32_t at = 0; at < len && err == 0; at += width) {
		const struct qtest_access access = { q->base + offset + at, width,
						     load((const uint8_t *)buf + at, width) };

		err = qtest_write(&q->qtest, &access);
	}
	if (err != 0)
		qemu_lose(q, err);
	else if (follow == FOLLOW_LOOK)
		qemu_come_round(q, 1);
	else if (follow == FOLLOW_WORK)
		qemu_work(q);
	if (len == 4 && offset == VIRTIO_MMIO_STATUS && load(buf, 4) == 0 && q->process != NULL)
		qemu_host_reset(q);
}

/* ---- life -------------------------------------------------------------------------- */

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	const struct vringer_region *region = host->regions;
	char why[VRINGER_WHAT_MAX] = "";
	struct qemu *q;

	(void)offered;
	(void)queue_max;
	q = qemu_take(host->opaque, region->fd, region->addr + region->size, why);
	if (q == NULL) {
		host->report(host->ctx, VRINGER_REPORT_UNUSABLE, "peer:unusable", why);
		return NULL;
	}
	q->host = host;
	return q;
}

static void destroy(void *device)
{
	struct qemu *q = device;

	/* What was posted is done, and its end shows, while the program is there. */
	if (q->process != NULL && q->answered < ROUNDS_LAST)
		qemu_come_round(q, 1);
	qemu_give_back(q);
}

static int look_around(struct qemu *q, struct vringer_probe *found, uint32_t queues)
{
	uint64_t features = 0;

	for (unsigned half = 0; half < 2; half++) {
		const struct qtest_access sel = { q->base + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4,
						  half };
		struct qtest_access word = { VIRTIO_MMIO_DEVICE_FEATURES, 4, 0 };
		int err = qtest_write(&q->qtest, &sel);

		if (err == 0)
			err = qemu_read(q, &word, 1);
		if (err != 0)
			return err;
		features |= word.value << 32 * half;
	}
	found->features &= features;
	found->features_high = 0;
	for (uint32_t i = 0; i < queues; i++) {
		const struct qtest_access sel = { q->base + VIRTIO_MMIO_QUEUE_SEL, 4, i };
		struct qtest_access max = { VIRTIO_MMIO_QUEUE_NUM_MAX, 4, 0 };
		int err = qtest_write(&q->qtest, &sel);

		if (err == 0)
			err = qemu_read(q, &max, 1);
		if (err != 0)
			return err;
		if (max.value < found->queue_max[i])
			found->queue_max[i] = (uint16_t)max.value;
	}
	return 0;
}

#define PROBE_MEMORY (448u << 10)

static int32_t probe(void *opaque, struct vringer_probe *found, char *what)
{
	const struct peer *peer = opaque;
	int fd = memfd_create("vringer-probe", MFD_CLOEXEC), err = -EMFILE;
	struct process_end end;
	struct qemu *q;

	if (fd < 0 || ftruncate(fd, PROBE_MEMORY) != 0) {
		snprintf(what, VRINGER_WHAT_MAX, "no memory by descriptor: %s", strerror(errno));
		goto out;
	}
	q = qemu_take(peer, fd, PROBE_MEMORY, what);
	if (q == NULL) {
		err = -ENODEV;
		goto out;
	}
	err = look_around(q, found, kind_find(peer->kind)->queue_count);
	if (err != 0) {
		qemu_explain(q, err, &end);
		snprintf(what, VRINGER_WHAT_MAX, "it does not run: %.150s", end.message);
	}
	qemu_stop(q);
	qemu_give_back(q);
out:
	if (fd >= 0)
		close(fd);
	return err;
}

const struct peer_link peer_qtest = {
	.name = "qtest",
	.target = {
		.level = VRINGER_LEVEL_MMIO,
		.memory = VRINGER_MEMORY_PLAIN,
		.layout = VRINGER_LAYOUT_FLAT,
		.flags = VRINGER_LEVEL_LINE | VRINGER_FIXED_FEATURES | VRINGER_FIXED_SIZES |
			 VRINGER_PACKED_AS_LINUX,
		.features = 1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX |
			    1ull << VIRTIO_F_RING_PACKED,
		.create = create,
		.destroy = destroy,
		.read = read_register,
		.write = write_register,
		.settle_queues = qemu_settle,
		.probe = probe,
	},
};
