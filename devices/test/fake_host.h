/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A host for unit tests of device models: one flat window of guest memory
 * anywhere in the 64-bit address space, a log of accesses, and faults on demand.
 * And the driver's half of a split virtqueue, which writes whatever it is told.
 *
 * It judges nothing: that is for the tests.
 */
#ifndef VRINGER_DEVICES_TEST_FAKE_HOST_H
#define VRINGER_DEVICES_TEST_FAKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "../device.h"

#define FAKE_MEM_SIZE 0x60000u
#define FAKE_LOG_SIZE 4096

struct fake_access {
	struct guest_why why;
	uint64_t addr;
	uint32_t len;
	bool write;
	bool failed;
};

struct fake_host {
	struct device_host host;
	uint64_t base; /* guest address of mem[0] */
	uint8_t mem[FAKE_MEM_SIZE];

	struct fake_access log[FAKE_LOG_SIZE];
	unsigned logged; /* later accesses are not kept, but counted */

	/* The nth access of this purpose from now on fails; 0: none does. */
	unsigned fail_nth[GUEST_PURPOSE_COUNT];
	/* Called before each access. */
	void (*hook)(struct fake_host *fake, const struct fake_access *access);
	void *hook_arg;

	uint32_t interrupts[16]; /* bits of each, in order */
	unsigned interrupt_count;

	unsigned allocs_left; /* how many more succeed */
	unsigned alloc_calls;
	unsigned blocks; /* allocated and not freed */
	size_t last_alloc;
};

void fake_host_init(struct fake_host *fake, uint64_t base);

/* Guest memory at a guest address; the range must be there. */
uint8_t *fake_mem(struct fake_host *fake, uint64_t addr, uint64_t len);

/* Accesses logged for a purpose. */
unsigned fake_log_count(const struct fake_host *fake, enum guest_purpose purpose);
/* Forget accesses and interrupts. */
void fake_log_clear(struct fake_host *fake);

/* The driver's side of one queue. */
struct fake_queue {
	struct fake_host *fake;
	uint64_t desc, driver, device;
	uint16_t size;
	uint16_t avail_idx;
};

void fake_desc(struct fake_queue *q, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next);
/* Put `head` into the next place of the available ring and move the idx. */
void fake_offer(struct fake_queue *q, uint16_t head);
void fake_avail_set(struct fake_queue *q, uint16_t idx);
void fake_avail_flags(struct fake_queue *q, uint16_t flags);
uint16_t fake_used_idx(const struct fake_queue *q);
uint32_t fake_used_id(const struct fake_queue *q, uint16_t idx);
uint32_t fake_used_len(const struct fake_queue *q, uint16_t idx);

#endif
