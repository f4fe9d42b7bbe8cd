/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is known of the registers of QEMU's device without asking: those that were read with
 * others, up to a write that may change them.  See qemu.h.
 */
#include "harness/peers/qemu.h"

#include <linux/virtio_mmio.h>
#include <string.h>

void qemu_forget(struct qemu *q)
{
	q->known = q->has_ahead = q->has_ready = q->set_ready = false;
	q->answered = 0;
	memset(q->selected, 0, sizeof(q->selected));
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
		qemu_tell(q);
	return err == 0;
}

bool qemu_read_known(struct qemu *q, uint64_t offset, uint32_t *value)
{
	if (offset == VIRTIO_MMIO_STATUS || offset == VIRTIO_MMIO_INTERRUPT_STATUS) {
		if (!q->known && !qemu_look(q))
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

void qemu_forget_for(struct qemu *q, uint64_t offset, uint64_t value, uint32_t len, bool stores)
{
	bool selected[QEMU_SELECTORS];

	if (selects_again(q, offset, value, len))
		return;
	memcpy(selected, q->selected, sizeof(selected));
	qemu_forget(q);
	if (!stores)
		return;
	memcpy(q->selected, selected, sizeof(selected));
	note_selected(q, offset, value);
	q->set_ready = offset == VIRTIO_MMIO_QUEUE_READY;
}
