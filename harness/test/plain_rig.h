/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The rig of ledger_rig.h with a device that is not ours and reaches memory without saying why:
 * by pointers, or by accessors.  Its rings and buffers lie in an arena.  Include after
 * ledger_rig.h.
 */
#ifndef VRINGER_HARNESS_TEST_PLAIN_RIG_H
#define VRINGER_HARNESS_TEST_PLAIN_RIG_H

#include "harness/arena/arena.h"

#define DESC 0x10000u
#define AVAIL 0x11000u
#define USED 0x12000u
#define DATA 0x14000u
#define SIZE 8u

extern struct arena plain_arena;

/* A new rig, on plain memory or with accessors; and its end. */
void plain_set_up(bool by_accessors);
int plain_teardown(void **state);
/* Up to FEATURES_OK, with those features beside VERSION_1, and that queue ready. */
void plain_begin(unsigned queue, uint64_t features);
/* The device stores the lower bytes of a value, or several; it reads. */
void plain_put(uint64_t addr, uint64_t value, uint32_t len);
void plain_put_bytes(uint64_t addr, const void *bytes, uint32_t len);
void plain_look(uint64_t addr, uint32_t len);

#endif
