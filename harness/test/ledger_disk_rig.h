/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A block device for the ledger under test, on queue TX.
 */
#ifndef VRINGER_HARNESS_TEST_LEDGER_DISK_RIG_H
#define VRINGER_HARNESS_TEST_LEDGER_DISK_RIG_H

#include <stdint.h>

#define DISK_RIG_SECTORS 128u

/* A live one that offers these features too. */
void disk_new(uint64_t features);

/* The parts of a request, for those that overlap: the device takes it and reads its header, in
 * the call; and its data; and stores data; it stores the status and returns it.  Data are as
 * long as the chain has room for. */
void disk_begin(uint32_t type, uint64_t sector, uint32_t out, uint32_t in);
void disk_data_read(unsigned request, const void *data, uint32_t len);
void disk_data_stored(unsigned request, const void *data, uint32_t len);
void disk_status_stored(unsigned request, uint8_t status);
void disk_end(unsigned request, uint8_t status);
/* ... with a part of the data, and with another used length. */
void disk_data_stored_at(unsigned request, uint32_t at, const void *data, uint32_t len);
void disk_end_with(unsigned request, uint8_t status, uint32_t len);
/* The device reads so many bytes of headers from here on, and not all of them. */
void disk_reads_headers(uint32_t len);
/* The number of the next request. */
unsigned disk_next(void);

/* A whole one in a call of its own: with data that the device reads, or stores, and a status. */
void disk_request(uint32_t type, uint64_t sector, const void *data, uint32_t len, uint8_t status);
void disk_answer(uint32_t type, uint64_t sector, const void *data, uint32_t len, uint8_t status);
void disk_out(uint64_t sector, const void *data, uint32_t len, uint8_t status);
void disk_in(uint64_t sector, const void *data, uint32_t len, uint8_t status);

/* The driver reads, or writes, one byte of configuration. */
#define DISK_WRITEBACK_AT 32u
#define DISK_PADDING_AT 59u
void disk_config_read(uint32_t at, uint8_t value);
void disk_config_written(uint32_t at, uint8_t value);

#endif
