/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Requests of a balloon and of FUSE, for the ledger under test.
 */
#ifndef VRINGER_HARNESS_TEST_LEDGER_REQUESTS_H
#define VRINGER_HARNESS_TEST_LEDGER_REQUESTS_H

#include <stdint.h>

#define PAGE 4096ull
#define REPLY (BUFFER + 0x1000u)
#define REPLY_ROOM 80u

/* A device that goes by the first four numbers of a chain; one that speaks FUSE. */
void balloon_new(void);
void fuse_new(void);

/* In a call of their own: the driver offers a list of `len` bytes, of which the device
 * reads `read`; the device returns it. */
void list_read(const void *numbers, uint32_t len, uint32_t read);
void list_returned(void);

/* A request of which the device reads `read` bytes, and what it writes and returns. */
void request_read(const void *head, uint32_t read);
void reply_returned(const void *reply, uint32_t wrote, uint32_t len);

#endif
