/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The virtio-mmio transport, layout version 2: the registers that a driver
 * sees, over any model of device.h.
 *
 * Stricter than VIRTIO by our policy: a driver must set the status bits one step at a
 * time, and queue and feature registers answer only in the step they belong to.  A
 * refused access changes nothing and is counted.
 *
 * A queue of a live device is configured only after its driver reset it alone, which
 * VIRTIO_F_RING_RESET allows.
 *
 * Where VIRTIO_F_NOTIFICATION_DATA was accepted a notification also says how far the
 * driver is in the ring.  It is the driver's word: the ring is read as ever, and the word
 * is not looked at.
 *
 * Where VIRTIO_F_SUSPEND was accepted a driver may suspend the device: DRIVER_OK is clear
 * then, so that queues are left alone and nobody is interrupted; the host's changes of the
 * configuration can be read at once, and are told when the device resumes.  What was taken
 * and not returned stays with the device.
 *
 * Not here: legacy registers, and VIRTIO_F_NOTIF_CONFIG_DATA, since
 * this transport has no register that would provide the data (never offered).
 *
 * VIRTIO 1.4, 4.2 (virtio over MMIO), 2.1 (status), 2.9 (notifications), 3.1
 * (initialisation), 3.4 (suspend).
 */
#ifndef VRINGER_DEVICES_MMIO_H
#define VRINGER_DEVICES_MMIO_H

#include <stdint.h>

#include "device.h"
#include "ring.h"

/* Bytes of the region. Accesses beyond it fall into configuration space. */
#define MMIO_REGION_SIZE 0x1000

/* This transport takes these features, whatever the model. */
#define MMIO_FEATURES (UINT64_C(1) << VIRTIO_F_NOTIFICATION_DATA | UINT64_C(1) << VIRTIO_F_SUSPEND)

struct mmio;

/* A new device.  `offered`: the features to offer, of those that the model has;
 * VIRTIO_F_VERSION_1 always is.  `queue_max`: the largest size of each of the
 * model's queues, from 1 to the model's own, which NULL means for all.  All memory
 * comes from `host`, which must outlive the device.  NULL if there is none, or the
 * model refuses; nothing is leaked. */
struct mmio *mmio_create(const struct device_ops *ops, const struct device_host *host,
			 uint64_t offered, const uint16_t *queue_max);
/* Offer these of bits 64 to 127, of those that the model has; a new device offers none. */
void mmio_offer_high(struct mmio *m, uint64_t offered);
/* NULL is allowed. */
void mmio_destroy(struct mmio *m);

/* A guest's access of `len` bytes, 1 to 8, at any offset from the base of the
 * region.  A read always fills `buf`. */
void mmio_read(struct mmio *m, uint64_t offset, void *buf, uint32_t len);
void mmio_write(struct mmio *m, uint64_t offset, const void *buf, uint32_t len);

/* The same without registers: what a driver does, and what it sees, by meaning.  The
 * registers come to these calls, and so do the counters of what is refused.  `queue`:
 * any number; `word`: 32 bits of features or of an address, the low ones first;
 * `value`: what the driver writes.
 *
 * 0 resets the device. */
void mmio_set_status(struct mmio *m, uint32_t value);
uint32_t mmio_status(const struct mmio *m);
/* Features that are offered; those that the driver accepts. */
uint32_t mmio_offered(const struct mmio *m, uint32_t word);
void mmio_accept(struct mmio *m, uint32_t word, uint32_t value);
/* Entries; 0: there is no such queue. */
uint32_t mmio_queue_max(const struct mmio *m, uint32_t queue);
void mmio_set_queue_size(struct mmio *m, uint32_t queue, uint32_t value);
/* word: 0 or 1. */
void mmio_set_queue_area(struct mmio *m, uint32_t queue, enum virtqueue_area area, uint32_t word,
			 uint32_t value);
uint32_t mmio_queue_ready(const struct mmio *m, uint32_t queue);
void mmio_set_queue_ready(struct mmio *m, uint32_t queue, uint32_t value);
/* 0: no reset of that queue is going on.  Where VIRTIO_F_RING_RESET was accepted, 1 resets that
 * queue alone: it is as after a reset of the device when this returns, and may be set up once more.
 * Refused while the device is suspended. */
uint32_t mmio_queue_reset(const struct mmio *m, uint32_t queue);
void mmio_set_queue_reset(struct mmio *m, uint32_t queue, uint32_t value);
/* value: what QueueNotify is written with; and: bits of InterruptStatus. */
void mmio_notify(struct mmio *m, uint32_t value);
uint32_t mmio_interrupt_status(const struct mmio *m);
void mmio_acknowledge(struct mmio *m, uint32_t value);
uint32_t mmio_generation(const struct mmio *m);
/* `len` bytes at any offset of the configuration.  A read always fills `buf`; a
 * width other than 1, 2, 4 and 8 is refused, and reads all ones.  A write is refused while
 * the device is suspended. */
void mmio_config_read(struct mmio *m, uint64_t offset, void *buf, uint32_t len);
void mmio_config_write(struct mmio *m, uint64_t offset, const void *buf, uint32_t len);

/* The model behind the registers: for what its own header lets a host do. */
struct device *mmio_device(struct mmio *m);

/* Go on with work left by an earlier call; bounded, as a notification is.
 * Nothing happens on a device that is not live. */
void mmio_work(struct mmio *m);
enum device_state mmio_state(const struct mmio *m);

/* Counters: the transport's, then the model's.  They never fall.  The name of one beyond
 * the last is NULL. */
unsigned mmio_counter_count(const struct mmio *m);
const char *mmio_counter_name(const struct mmio *m, unsigned i);
/* ... of any device with that model. */
const char *mmio_counter_name_of(const struct device_ops *ops, unsigned i);
/* All of them: mmio_counter_count() values, the device's own, which move as it
 * runs.  They end with it. */
const uint64_t *mmio_counters(const struct mmio *m);

#endif
