/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The guest and the host that the console tests share: the console behind its
 * transport, all six queues set up in a fake host.  Registers, the account of
 * counters and what is asserted of queues are those of net_guest.h; the gauges
 * are not in the account.
 */
#ifndef VRINGER_DEVICES_TEST_CONSOLE_GUEST_H
#define VRINGER_DEVICES_TEST_CONSOLE_GUEST_H

#include "../console.h"
#include "net_guest.h"

#define MULTIPORT (UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT)
#define VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)

extern struct fake_queue q[CONSOLE_QUEUE_COUNT]; /* a size of 0: left alone by the start */
extern struct device *console;

/* Transmit data, of position-dependent bytes, and room to receive, all 0xee. */
#define OUT (BASE + 6 * RINGS)
#define OUT_SIZE 0x20000u
#define IN (OUT + OUT_SIZE)
#define IN_SIZE 0x10000u

/* Reset, and initialise with those features. */
void console_start(uint64_t features);
int console_setup(void **state);

/* One chain of consecutive descriptors from `at`, made available, in the direction
 * of its queue; lengths up to END, buffers one behind the other from `addr`. */
#define offer(queue, at, addr, ...)                                                                \
	console_chain((queue), (at), (addr), (const uint32_t[]){ __VA_ARGS__, END })
void console_chain(unsigned queue, uint16_t at, uint64_t addr, const uint32_t *lengths);
void kick(unsigned queue);
/* A control message, sent. */
void say(uint32_t port, uint16_t event, uint16_t value);
void put_message(uint64_t addr, uint32_t port, uint16_t event, uint16_t value);

/* Take all output of a port: it is what lies at `addr`, `len` bytes. */
void assert_output(unsigned port, uint64_t addr, uint32_t len);
uint64_t counter(const char *name);

#endif
