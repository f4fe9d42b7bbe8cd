/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * An arena with a device's hands on it, and a record of what its observer was
 * told.  Include after cmocka.h.
 */
#ifndef VRINGER_HARNESS_TEST_ARENA_RIG_H
#define VRINGER_HARNESS_TEST_ARENA_RIG_H

#include "harness/arena/arena.h"

#define LOW 0x10000ULL
#define LOW_SIZE (320u << 10)
#define SEAM (1ULL << 32)
#define SIDE (96u << 10) /* on each side of the seam, and at the top */
#define TOP_START (0 - (uint64_t)SIDE)
#define HOLE (1ULL << 31)
#define ZERO_SIZE 4096u /* at address 0 */
#define TOLD_MAX 64

struct told {
	struct guest_why why;
	bool write;
	uint64_t addr;
	uint32_t len;
	int err;
	uint8_t first; /* byte of the data, where it succeeded */
};

extern struct arena arena;
extern struct heap heap;
extern struct told told[TOLD_MAX];
extern unsigned told_count;

/* A cmocka setup and teardown around each test. */
int arena_setup(void **state);
int arena_teardown(void **state);

/* The device's accesses, for purpose payload. */
int dev_read(uint64_t addr, void *buf, uint32_t len);
int dev_write(uint64_t addr, const void *buf, uint32_t len);
int dev_read_for(enum guest_purpose purpose, uint64_t addr, void *buf, uint32_t len);
/* One byte: its value, or -1 if it is not there. */
int dev_byte(uint64_t addr);
bool dev_reaches(uint64_t addr, uint32_t len);
/* The host byte behind a guest address, reached or not; NULL in a gap. */
uint8_t *host_byte(uint64_t addr);

#endif
