/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The registers of QEMU's virtio-mmio device.  See qemu.h.
 *
 * Accesses of 1, 2, 4 and 8 bytes are passed on as they are, others byte by byte; beyond
 * the device's slot there is nothing to access.
 *
 * A write that only stores something is posted, and goes with what is asked next.  After one that
 * may make the device work, QEMU's main loop is made to come round ROUNDS times: it takes up each
 * question of ours when it has done what the one before left behind (its bottom halves).  The
 * last of these is behind the count of what is out: what was not then has come back before it, with
 * its interrupt.  It looks at InterruptStatus and Status, which stay known until the next write.
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
#include <time.h>
#include <unistd.h>

#define SLOT_SIZE 0x200u
#define ROUNDS 3u	  /* after what may make it work */
#define ROUNDS_WAITING 4u /* where chains are with it, in the place of the last */
#define ROUNDS_LAST 2u	  /* after the last write that changed something */
#define PAUSE_NS 100000l  /* between questions to QMP */
#define SIGNATURE_MAX 80
#define INTERRUPT_BITS (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)

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

void qemu_forget(struct qemu *q)
{
	q->known = q->has_ahead = q->has_ready = q->set_ready = false;
	q->answered = 0;
	memset(q->selected, 0, sizeof(q->selected));
}

/* Status and InterruptStatus were read. */
static void tell(struct qemu *q)
{
	uint32_t raised = q->interrupts & ~q->told & INTERRUPT_BITS;

	q->told = q->interrupts;
	if (raised != 0)
		q->host->interrupt(q->host->ctx, raised);
}

/* A look at Status and InterruptStatus, when all before it is done. */
static bool look(struct qemu *q)
{
	struct qtest_access accesses[] = {
		{ VIRTIO_MMIO_STATUS, 4, 0 },
		{ VIRTIO_MMIO_INTERRUPT_STATUS, 4, 0 },
		{ VIRTIO_MMIO_QUEUE_READY, 4, 0 },
	};
	int err = qemu_read(q, accesses, q->set_ready ? 3 : 2);

	if (err != 0) {
		qemu_lose(q, err);
		return false;
	}
	q->status = (uint32_t)accesses[0].value;
	q->interrupts = (uint32_t)accesses[1].value;
	q->ready = (uint32_t)accesses[2].value;
	q->has_ready = q->set_ready;
	q->known = true;
	tell(q);
	return true;
}

/* A round, and what it interrupts for, but for its Status. */
static bool glance(struct qemu *q)
{
	struct qtest_access access = { VIRTIO_MMIO_INTERRUPT_STATUS, 4, 0 };
	int err = qemu_read(q, &access, 1);

	if (err != 0) {
		qemu_lose(q, err);
		return false;
	}
	q->interrupts = (uint32_t)access.value;
	tell(q);
	return true;
}

void qemu_come_round(struct qemu *q, unsigned rounds)
{
	while (rounds > 1 && glance(q))
		rounds--;
	if (rounds == 1)
		look(q);
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

/* Reads change nothing, so who reads the first of these gets the others with it, which he
 * reads next: the registers that tell a device from another, and then all of its state. */
static const uint16_t together[] = {
	VIRTIO_MMIO_MAGIC_VALUE,  VIRTIO_MMIO_VERSION,		VIRTIO_MMIO_DEVICE_ID,
	VIRTIO_MMIO_VENDOR_ID,	  VIRTIO_MMIO_DEVICE_FEATURES,	VIRTIO_MMIO_QUEUE_NUM_MAX,
	VIRTIO_MMIO_QUEUE_READY,  VIRTIO_MMIO_SHM_LEN_LOW,	VIRTIO_MMIO_SHM_LEN_HIGH,
	VIRTIO_MMIO_SHM_BASE_LOW, VIRTIO_MMIO_SHM_BASE_HIGH,	VIRTIO_MMIO_CONFIG_GENERATION,
	VIRTIO_MMIO_STATUS,	  VIRTIO_MMIO_INTERRUPT_STATUS,
};

#define TOGETHER (sizeof(together) / sizeof(together[0]))

_Static_assert(TOGETHER == QEMU_TOGETHER, "one value for each");

int qemu_read_together(struct qemu *q)
{
	struct qtest_access accesses[TOGETHER];
	int err;

	for (unsigned i = 0; i < TOGETHER; i++)
		accesses[i] = (struct qtest_access){ together[i], 4, 0 };
	err = qemu_read(q, accesses, TOGETHER);
	if (err != 0)
		return err;
	for (unsigned i = 0; i < TOGETHER; i++)
		q->ahead[i] = (uint32_t)accesses[i].value;
	q->status = q->ahead[TOGETHER - 2];
	q->interrupts = q->ahead[TOGETHER - 1];
	q->known = q->has_ahead = true;
	return 0;
}

static bool read_together(struct qemu *q)
{
	int err = qemu_read_together(q);

	if (err != 0)
		qemu_lose(q, err);
	else
		tell(q);
	return err == 0;
}

/* A register of four bytes that is known, or that is read with others. */
static bool read_known(struct qemu *q, uint64_t offset, uint32_t *value)
{
	if (offset == VIRTIO_MMIO_STATUS || offset == VIRTIO_MMIO_INTERRUPT_STATUS) {
		if (!q->known && !look(q))
			return false;
		*value = offset == VIRTIO_MMIO_STATUS ? q->status : q->interrupts;
		return true;
	}
	if (offset == VIRTIO_MMIO_QUEUE_READY && q->has_ready) {
		*value = q->ready;
		return true;
	}
	if (offset == together[0] && !q->has_ahead && !read_together(q))
		return false;
	for (unsigned i = 0; i < TOGETHER && q->has_ahead; i++)
		if (together[i] == offset) {
			*value = q->ahead[i];
			return true;
		}
	return false;
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
	if (len == 4 && read_known(q, offset, &value)) {
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

static const uint16_t selectors[] = {
	VIRTIO_MMIO_DEVICE_FEATURES_SEL,
	VIRTIO_MMIO_DRIVER_FEATURES_SEL,
	VIRTIO_MMIO_QUEUE_SEL,
	VIRTIO_MMIO_SHM_SEL,
};

_Static_assert(sizeof(selectors) / sizeof(selectors[0]) == QEMU_SELECTORS, "one value for each");

/* Is that written to a selector which it was written to already, with nothing in between
 * that may have changed it?  Then what was read still holds. */
static bool selects_again(struct qemu *q, uint64_t offset, uint64_t value, uint32_t len)
{
	for (unsigned i = 0; i < QEMU_SELECTORS && len == 4; i++)
		if (selectors[i] == offset)
			return q->selected[i] && q->selectors[i] == value;
	return false;
}

/* What follows is known of the selectors when that is written. */
static void note_selected(struct qemu *q, uint64_t offset, uint64_t value)
{
	for (unsigned i = 0; i < QEMU_SELECTORS; i++)
		if (selectors[i] == offset) {
			q->selected[i] = true;
			q->selectors[i] = (uint32_t)value;
		}
}

int qemu_select_first(struct qemu *q)
{
	int err = 0;

	for (unsigned i = 0; i < QEMU_SELECTORS && err == 0; i++) {
		const struct qtest_access access = { q->base + selectors[i], 4, 0 };

		err = qtest_write(&q->qtest, &access);
		note_selected(q, selectors[i], 0);
	}
	return err;
}

/* The registers are about to be written to. */
static void begin_write(struct qemu *q, uint64_t offset, uint64_t value, uint32_t len,
			enum follow follow)
{
	bool selected[QEMU_SELECTORS];

	if (selects_again(q, offset, value, len))
		return;
	memcpy(selected, q->selected, sizeof(selected));
	qemu_forget(q);
	if (follow != FOLLOW_NOTHING)
		return;
	memcpy(q->selected, selected, sizeof(selected));
	note_selected(q, offset, value);
	q->set_ready = offset == VIRTIO_MMIO_QUEUE_READY;
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
	begin_write(q, offset, load(buf, width), len, follow);
	for (uint32_t at = 0; at < len && err == 0; at += width) {
		const struct qtest_access access = { q->base + offset + at, width,
						     load((const uint8_t *)buf + at, width) };

		err = qtest_write(&q->qtest, &access);
	}
	if (err != 0)
		qemu_lose(q, err);
	else if (follow == FOLLOW_LOOK)
		qemu_come_round(q, 1);
	for (unsigned i = 1; follow == FOLLOW_WORK && q->process != NULL && i < ROUNDS; i++)
		glance(q);
	q->worked = follow == FOLLOW_WORK;
	if (len == 4 && offset == VIRTIO_MMIO_STATUS && load(buf, 4) == 0 && q->process != NULL)
		qemu_host_reset(q);
}

/* ---- rest -------------------------------------------------------------------------- */

/* How many chains the device has, as QMP says: of queues too that no driver may use yet, which
 * it may serve nevertheless. */
static int ask_inuse(struct qemu *q, uint64_t *sum)
{
	uint32_t queues = kind_find(q->peer->kind)->queue_count;

	*sum = 0;
	for (uint32_t i = 0; i < queues; i++) {
		char arguments[80];
		const char *answer;
		uint64_t inuse;
		int err;

		snprintf(arguments, sizeof(arguments),
			 "{\"path\":\"/machine/peripheral/vringer\",\"queue\":%u}", i);
		q->waited = 0;
		peer_waited();
		err = qmp_command(&q->qmp, "x-query-virtio-queue-status", arguments, &answer);
		/* No such device or queue: nothing is known of it. */
		if (err == -EREMOTEIO)
			continue;
		if (err != 0)
			return err;
		if (qmp_number(answer, "inuse", &inuse))
			*sum += inuse;
	}
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until it has no chain, and had none when it was asked first or after a look: what it ended
 * may have made it begin another. */
static int32_t wait_unused(struct qemu *q, uint32_t ms)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t end = 0, inuse;
	bool had = false;

	while (q->process != NULL) {
		int err = ask_inuse(q, &inuse);

		if (err != 0) {
			qemu_lose(q, err);
		} else if (inuse == 0 && !had) {
			break;
		} else if (inuse == 0) {
			had = false;
			qemu_come_round(q, 1);
		} else {
			had = true;
			if (end == 0)
				end = now_ms() + ms;
			else if (now_ms() >= end)
				return -ETIMEDOUT;
			nanosleep(&pause, NULL);
		}
	}
	return 0;
}

/* Only QMP knows whether it is still at one: what it does later, where it does that.  Before
 * DRIVER_OK nobody counts what is out, and it may serve nevertheless. */
static bool may_have_some(const struct qemu *q, uint32_t waiting)
{
	return q->has_qmp &&
	       (q->side->asynchronous || (q->side->keeps_none && (waiting > 0 || !q->live)));
}

static int32_t settle(void *device, uint32_t ms, const uint32_t *outstanding)
{
	struct qemu *q = device;
	uint32_t queues = kind_find(q->peer->kind)->queue_count, waiting = 0;

	if (q->process != NULL)
		qemu_host_seen(q, outstanding);
	if (!q->worked || q->process == NULL)
		return 0;
	for (uint32_t i = 0; i < queues; i++)
		waiting += outstanding[i];
	if (may_have_some(q, waiting)) {
		int32_t err = wait_unused(q, ms);

		if (err != 0 || q->process == NULL)
			return err;
	}
	q->worked = false;
	qemu_come_round(q, waiting > 0 ? ROUNDS_WAITING : 1);
	if (q->process != NULL)
		qemu_host_rest(q, outstanding, waiting > 0);
	return 0;
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
		.flags = VRINGER_LEVEL_LINE | VRINGER_FIXED_FEATURES | VRINGER_FIXED_SIZES,
		.features = 1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX,
		.create = create,
		.destroy = destroy,
		.read = read_register,
		.write = write_register,
		.settle_queues = settle,
		.probe = probe,
	},
};
