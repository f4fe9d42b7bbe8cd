/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device of ../zoo with its registers broken in one way: status, features,
 * reset, interrupts, configuration.
 */
#include "flaws.h"

#include <linux/virtio_mmio.h>
#include <string.h>

/* ---- reset (2.4) ----------------------------------------------------------- */

static void reset_but_index(struct device *d)
{
	struct queue before[QUEUES];

	memcpy(before, d->queues, sizeof(before));
	usual.reset(d);
	for (int i = 0; i < QUEUES; i++) {
		d->queues[i].next_avail = d->queues[i].avail_idx = before[i].next_avail;
		d->queues[i].next_used = before[i].next_used;
	}
}

static void set_ready_as_was(struct device *d, struct queue *q, uint32_t value)
{
	uint16_t avail = q->next_avail, used = q->next_used;

	usual.set_ready(d, q, value);
	q->next_avail = q->avail_idx = avail;
	q->next_used = used;
}

MEMBER(index_over_reset, "broken-index-kept",
       (w->reset = reset_but_index, w->set_ready = set_ready_as_was), USUALLY)

static void reset_but_interrupt(struct device *d)
{
	uint32_t before = d->interrupt_status;

	usual.reset(d);
	d->interrupt_status = before;
}

MEMBER(interrupt_over_reset, "broken-interrupt-kept", w->reset = reset_but_interrupt, USUALLY)

static void reset_but_features(struct device *d)
{
	uint32_t before[PAGES + 1];

	memcpy(before, d->accepted, sizeof(before));
	usual.reset(d);
	memcpy(d->accepted, before, sizeof(before));
}

MEMBER(features_over_reset, "broken-features-kept", w->reset = reset_but_features, USUALLY)

static void reset_but_status(struct device *d)
{
	uint32_t before = d->status;

	usual.reset(d);
	d->status = before & VIRTIO_CONFIG_S_ACKNOWLEDGE;
}

MEMBER(status_over_reset, "broken-status-kept", w->reset = reset_but_status, USUALLY)

static void reset_but_ready(struct device *d)
{
	struct queue before[QUEUES];

	memcpy(before, d->queues, sizeof(before));
	usual.reset(d);
	for (int i = 0; i < QUEUES; i++)
		if (before[i].ready)
			d->queues[i] = before[i];
}

MEMBER(ready_over_reset, "broken-ready-kept", w->reset = reset_but_ready, USUALLY)

/* ---- status and features (2.1, 2.2) ------------------------------------------ */

static bool accept_anything(const struct device *d)
{
	(void)d;
	return true;
}

MEMBER(any_features, "broken-any-features", w->accepts = accept_anything, USUALLY)

static void breach_in_silence(struct device *d)
{
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
}

MEMBER(silent_breach, "broken-silent-breach", w->breach = breach_in_silence, USUALLY)

/* What the driver did is none of its business: the device is gone for good. */
static void breach_by_abort(struct device *d)
{
	(void)d;
	__builtin_trap();
}

MEMBER(asserts, "broken-asserts", w->breach = breach_by_abort, USUALLY)

/* Feature bits of a page that it does not have are those of one that it has. */
static uint32_t read_pages_again(struct device *d, uint64_t offset)
{
	if (offset == VIRTIO_MMIO_DEVICE_FEATURES)
		return d->offered[d->device_features_sel & 1];
	return usual.read_register(d, offset);
}

MEMBER(feature_pages, "broken-feature-pages", w->read_register = read_pages_again, USUALLY)

/* ---- queues (4.2.2) ---------------------------------------------------------- */

static void set_ready_for_good(struct device *d, struct queue *q, uint32_t value)
{
	if (value != 0)
		usual.set_ready(d, q, value);
}

MEMBER(ready_sticks, "broken-ready-sticks", w->set_ready = set_ready_for_good, USUALLY)

/* Announces a queue that is not there. */
static uint32_t read_more_queues(struct device *d, uint64_t offset)
{
	if (offset == VIRTIO_MMIO_QUEUE_NUM_MAX)
		return d->queue_max[0];
	return usual.read_register(d, offset);
}

MEMBER(more_queues, "broken-more-queues", w->read_register = read_more_queues, USUALLY)

/* ---- interrupts (4.2.2.1) ---------------------------------------------------- */

static void acknowledge_nothing(struct device *d, uint32_t bits)
{
	(void)d;
	(void)bits;
}

MEMBER(ack_ignored, "broken-ack-ignored", w->acknowledge = acknowledge_nothing, USUALLY)

static void acknowledge_all(struct device *d, uint32_t bits)
{
	(void)bits;
	d->interrupt_status = 0;
}

MEMBER(acks_all, "broken-acks-all", w->acknowledge = acknowledge_all, USUALLY)

/* The line without the register that says why. */
static void raise_without_bit(struct device *d, uint32_t bits)
{
	d->host->interrupt(d->host->ctx, bits);
}

MEMBER(no_status_bit, "broken-no-status-bit", w->raise = raise_without_bit, USUALLY)

static void raise_both(struct device *d, uint32_t bits)
{
	(void)bits;
	usual.raise(d, VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
}

MEMBER(both_bits, "broken-both-bits", w->raise = raise_both, USUALLY)

/* ---- configuration (2.5, 4.2.2) ------------------------------------------------ */

static uint32_t answer_counted(struct device *d, struct queue *q, const struct chain *c)
{
	memset(d->config, d->config[0] + 1, 8);
	return usual.answer(d, q, c);
}

static const struct vringer_field answers[] = {
	{ .name = "answers", .width = 8 },
	{ .name = NULL },
};

MEMBER(no_generation, "broken-no-generation", w->answer = answer_counted, USUALLY, .config_len = 8,
       .fields = answers)

static void reset_to_fields(struct device *d)
{
	usual.reset(d);
	memcpy(d->config, "\x11\x22\x33\x44", 4);
}

/* A byte comes from where a word's is. */
static void read_config_by_words(const struct device *d, uint64_t offset, uint8_t *buf,
				 uint32_t len)
{
	usual.read_config(d, len < 4 ? offset / 4 * 4 : offset, buf, len);
}

MEMBER(wrong_lane, "broken-wrong-lane",
       (w->reset = reset_to_fields, w->read_config = read_config_by_words), USUALLY,
       .config_len = 4)

static uint32_t read_shm_0(struct device *d, uint64_t offset)
{
	if (offset >= VIRTIO_MMIO_SHM_LEN_LOW && offset <= VIRTIO_MMIO_SHM_BASE_HIGH)
		return 0;
	return usual.read_register(d, offset);
}

MEMBER(shm_0, "broken-shm-0", w->read_register = read_shm_0, USUALLY)
