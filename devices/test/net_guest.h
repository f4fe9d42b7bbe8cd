/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest that the net tests share: net-loopback behind its transport, both
 * queues set up in a fake host, chains made of lengths, and an account of every
 * counter.
 *
 * Every step of a test says which counters it moves, and no other may have
 * moved.
 */
#ifndef VRINGER_DEVICES_TEST_NET_GUEST_H
#define VRINGER_DEVICES_TEST_NET_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "../mmio.h"
#include "../net.h"
#include "../virtqueue.h"
#include "fake_host.h"

#define BASE 0x100000u
#define RINGS 0x4000u /* of each queue */
#define TX_DATA (BASE + 2 * RINGS)
#define RX_DATA (TX_DATA + 0x20000u)
#define UNMAPPED 0x7000000u
#define SIZE 16 /* of both queues, unless a test says otherwise */
#define F_NEXT VRING_DESC_F_NEXT
#define F_WRITE VRING_DESC_F_WRITE
#define S_FEAT (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_OK (S_FEAT | VIRTIO_CONFIG_S_DRIVER_OK)

extern struct fake_host fake;
extern struct fake_queue rx, tx;
extern struct mmio *m;

/* Registers, 4 bytes. */
uint32_t reg_read(uint64_t offset);
void reg_write(uint64_t offset, uint32_t value);

/* Reset, and initialise with empty rings; queues are made ready as told. */
void net_start(uint32_t rx_ready, uint32_t tx_ready);
struct fake_queue net_queue_at(uint64_t at, uint16_t size);
/* For cmocka: a device that is started, or gone without a leak. */
int net_setup(void **state);
int net_teardown(void **state);
/* Notify TX. */
void net_kick(void);

struct moved {
	const char *name;
	uint64_t by;
};

/* The counters that moved since the last look are these, or none. */
#define expect(...) expect_moved((const struct moved[]){ __VA_ARGS__, { NULL, 0 } }, __LINE__)
#define expect_none() expect_moved((const struct moved[]){ { NULL, 0 } }, __LINE__)
void expect_moved(const struct moved *list, int line);
/* Counters that expect() passes over; NULL: none. */
extern bool (*expect_passes)(const char *counter);
/* A new account, all 0. */
void expect_anew(void);
/* A device of that model in a new host, not started; its queues lie one behind the
 * other from BASE on.  net_teardown ends it. */
void guest_setup(const struct device_ops *ops, struct fake_queue *queues, unsigned count);
/* Reset, and initialise with `features`: each of the queues that has a size is
 * made ready. */
void guest_start(struct fake_queue *queues, unsigned count, uint64_t features);

/* One chain of consecutive descriptors from `at`, made available: their lengths
 * follow, and their buffers lie one after another from `addr`. */
#define END UINT32_MAX
#define chain(q, at, addr, ...) net_chain((q), (at), (addr), (const uint32_t[]){ __VA_ARGS__, END })
void net_chain(struct fake_queue *q, uint16_t at, uint64_t addr, const uint32_t *lengths);

void assert_used(const struct fake_queue *q, uint16_t count, uint32_t id, uint32_t len);
/* Interrupts since the last look, as their bits: 0 after the last. */
void assert_interrupts(uint32_t first, uint32_t second);
void assert_bytes(uint64_t at, uint8_t value, uint32_t len);
/* The frame at `frame_addr` was received at `rx_addr`, and nothing behind it. */
void assert_received(uint64_t rx_addr, uint64_t frame_addr, uint32_t len);

#endif
