/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A ledger that is told of a device which is not there: what its registers
 * show, what it reads and writes, its interrupts.  So that a test can break one
 * rule and no other.  Include after cmocka.h.
 */
#ifndef VRINGER_HARNESS_TEST_LEDGER_RIG_H
#define VRINGER_HARNESS_TEST_LEDGER_RIG_H

#include "harness/ledger/ledger.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#define RX 0u /* the device's to begin with */
#define TX 1u /* the driver notifies, the device processes */

/* Queue q has its rings here. */
#define DESC_AT(q) (0x100000ULL * (q) + 0x10000)
#define AVAIL_AT(q) (0x100000ULL * (q) + 0x20000)
#define USED_AT(q) (0x100000ULL * (q) + 0x30000)

#define F_NEXT 1u
#define F_WRITE 2u
#define NO_INTERRUPT 1u

#define BUFFER 0x5000u
#define INDIRECT_AT 0x9000000ULL

#define STATUS_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define STATUS_LIVE (STATUS_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)
#define STATUS_SUSPEND 0x10u /* VIRTIO_CONFIG_S_SUSPEND */
#define STATUS_SUSPENDED (STATUS_FEATURES | STATUS_SUSPEND)

extern struct ledger ledger;
extern struct heap rig_heap;
extern struct target rig_target; /* a test may change it between rig_new and rig_live */
/* Frames from TX to RX after 4 bytes of header, counted by "out". */
extern const struct target_stream rig_stream;

/* Before rig_live: port 0 takes bytes from TX and gives bytes to RX, at most 64 of
 * a chain and 256 in all; "out" counts what is held and "in" what is pending,
 * where rig_gauges is set. */
void rig_port(void);
extern bool rig_gauges;
/* What is asked on TX and answered on RX. */
#define RIG_ASK "askasker"
#define RIG_ANSWER "answersitall"
void rig_dialogue(void);
/* An act of the host on port 0, which came to `moved` bytes. */
extern uint32_t host_raises; /* interrupts that the next one leads to */
void host(enum host_act act, const void *data, uint32_t len, uint32_t moved);

/* What the device shows. */
extern struct ledger_probe shown;
extern uint64_t rig_counters[2]; /* "out", "in"; out <= in */
/* The queue that what follows is about, and how accesses end. */
extern unsigned on;
extern int access_error;

/* How a queue comes to be one that the ledger knows nothing of: the driver writes to its
 * registers while the device is live; never writes its size; or the device serves it before
 * its QueueReady is seen. */
enum rig_unknown { UNKNOWN_WRITTEN, UNKNOWN_SIZE, UNKNOWN_START, UNKNOWN_COUNT };
/* rig_live, of another's device, in which `queue` is such a one. */
void rig_unknown(unsigned queue, enum rig_unknown how);

/* A new device of rig_target, for the ledger as it is. */
void rig_reset(void);
/* A target with every fact, judged by every rule; its ledger; nothing done. */
void rig_new(void);
/* Initialised, both queues of that size ready; with DRIVER_OK and without. */
void rig_live(uint16_t size);
void rig_features_ok(uint16_t size);

/* One register access of the driver: its start, its end, and both. */
void call(uint64_t offset, uint64_t value);
void done(void);
void reg_write(uint64_t offset, uint64_t value);
#define RIG_CONFIG_LEN 6u /* bytes */
void reg_read(uint64_t offset, uint64_t value);
/* The device status is written, and shown as written. */
void set_status(uint32_t status);
/* As if the driver had accepted that feature too. */
void negotiate(unsigned bit);
void notify(void);
void work(void);
void rest(enum device_state state);

/* What the device does. */
void avail_idx(uint16_t value);
void avail_entry(uint16_t walk, uint16_t head);
void avail_flags(uint16_t value);
void desc(uint16_t walk, uint16_t index, uint64_t addr, uint32_t len, unsigned flags,
	  uint16_t next);
void indirect(uint16_t walk, uint16_t index, uint64_t addr, uint32_t len, unsigned flags);
void payload_read(uint16_t walk, uint64_t addr, uint32_t len);
void payload_write(uint16_t walk, uint64_t addr, uint32_t len);
/* Bytes that the stream is judged by; those of the two above are not known. */
void payload_bytes(uint16_t walk, bool write, uint64_t addr, const void *data, uint32_t len);
void used_entry(uint16_t slot, uint16_t walk, uint32_t id, uint32_t len);
void used_idx(uint16_t value);
void raise_interrupt(uint32_t bits);
/* ... for used buffers of that queue alone. */
void raise_interrupt_of(unsigned queue);
void used_event(uint16_t value);
void used_flags(uint16_t value);
void avail_event(uint16_t value);
/* Any access, of bytes that are all zero, for walk 0. */
void access_ring(enum guest_purpose purpose, bool write, uint64_t addr, uint32_t len);

/* Any access, of these bytes. */
void access_part(enum guest_purpose purpose, uint16_t walk, bool write, uint64_t addr,
		 const void *data, uint32_t len);

/* Entry and index of a chain returned at that position. */
void return_chain(uint16_t position, uint16_t walk, uint32_t id, uint32_t len);
/* Flags looked at and the interrupt raised. */
void wake(void);
/* One readable buffer of 16 bytes at that position, taken, read, returned with
 * an interrupt, all in one notification of queue TX. */
void serve(uint16_t position);
/* The queue's ring is found structurally wrong and the device says so. */
void need_reset(void);

/* A cmocka setup: rig_new, rig_live with 8 entries. */
int rig_setup(void **state);
/* Take a chain of one buffer. */
void take(uint16_t walk, uint16_t head, uint32_t len, unsigned flags);
/* Nothing was found; the same once the call has ended and the device rests. */
void assert_silent(void);
void end_silent(void);
/* That rule, and nothing else. */
void assert_breaks(enum rule rule);

#endif
