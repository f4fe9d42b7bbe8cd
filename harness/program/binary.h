/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The binary form of a guest program, for fuzzing engines.
 *
 * Decoding is total: every byte string is a program.  Version 1:
 *
 *   file    = [ "VRNG" version:1 budget:2 length:1 target:length ] body
 *   body    = record END record END ...           END = 0xf5
 *   record  = code:1 fields payload               little-endian, no padding
 *
 * Inside a record 0xf5 is written f6 05 and 0xf6 is written f6 06; f6 before any other
 * byte stands for itself.  A record that is too short is extended with zero bytes, one
 * that is too long is cut, an empty one is skipped.  Fields have the widths of
 * field_width(), in the order of the operation table; an address is its base (1 byte)
 * and its offset (8).  A queue is its number up to 7, or 192 and what it is above 8; of
 * other bytes the low three bits count, so what engines make up is mostly a queue that
 * the device has.  The payload is the rest of the record; that of a repeat is the
 * number of operations in its body (2 bytes).  So deleting or duplicating the bytes of
 * one operation does not change the others.
 *
 * A body may start with a header record, code 0x01: features withheld (8), the
 * largest size of each of 64 queues (2 each), features of bits 64 to 127 withheld (8).  Anywhere
 * else that code is unassigned, so it is a nop.
 *
 * Without magic the whole input is a body of this version for the target that the
 * caller names, with a budget of one unit, so an engine cannot make its inputs slow.
 */
#ifndef VRINGER_HARNESS_BINARY_H
#define VRINGER_HARNESS_BINARY_H

#include "harness/program/program.h"

#define BINARY_VERSION 1
#define BINARY_END 0xf5
#define BINARY_ESCAPE 0xf6

/* An encoded program never has more bytes, even if every byte is escaped. */
#define BINARY_SIZE_MAX (384 + 2 * (PROGRAM_OPS_MAX * 64 + PROGRAM_DATA_MAX))

/* Decode `len` bytes.  `target` names the target of an input without magic. 0, or
 * -EPROTONOSUPPORT for a file of another version: `prog` is then the empty program for
 * `target`, and `*version` (may be NULL) the version of the file. */
int binary_decode(struct program *prog, const uint8_t *data, size_t len, const char *target,
		  unsigned *version);

/* Encode into `out`, which has room for `size` bytes; magic, target and budget are
 * written only if `magic`.  Returns the number of bytes, or -ENOSPC. */
long binary_encode(const struct program *prog, uint8_t *out, size_t size, bool magic);

#endif
