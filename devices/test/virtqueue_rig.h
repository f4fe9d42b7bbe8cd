/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One queue in a fake host, for the tests of the walker.
 */
#ifndef VRINGER_DEVICES_TEST_VIRTQUEUE_RIG_H
#define VRINGER_DEVICES_TEST_VIRTQUEUE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/virtio_ring.h>

#include "../virtqueue.h"
#include "fake_host.h"

#define BASE 0x10000u
#define TABLE_AT (BASE + 0x50000u) /* behind the rings */
#define QUEUE 3			   /* its index, to be seen in every access */
#define F_NEXT VRING_DESC_F_NEXT
#define F_WRITE VRING_DESC_F_WRITE
#define F_INDIRECT VRING_DESC_F_INDIRECT
/* Every feature but the one that is another format, and the one that lets chains wait to be
 * returned. */
#define RIG_SPLIT (~(UINT64_C(1) << VIRTIO_F_RING_PACKED | UINT64_C(1) << VIRTIO_F_IN_ORDER))

extern struct fake_host rig_host;
extern struct fake_queue rig_q;
extern struct virtqueue vq;
extern struct virtqueue_chain chain;
extern struct virtqueue_buffer buffer;
extern uint8_t seen[32768 / 8 * 2];

/* A ready queue of `size` entries with its rings at the given addresses, no feature
 * negotiated. */
void rig_setup_at(uint64_t base, uint16_t size, uint64_t desc, uint64_t driver, uint64_t device);
void rig_setup(uint16_t size);

/* All that was made available up to `position` has come back. */
void rig_start_at(uint16_t position);

/* Entry `i` of the indirect table at `table`. */
void rig_entry(uint64_t table, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next);

void rig_access(unsigned i, enum guest_purpose purpose, uint16_t walk, uint64_t addr, uint32_t len);

#endif
