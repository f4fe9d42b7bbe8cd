/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * FNV-1a, 64 bits: for tables and to know content again.  Nothing that a hostile input must
 * not foresee may rest on it.
 */
#ifndef VRINGER_HARNESS_HASH_H
#define VRINGER_HARNESS_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* One step, of a byte or a whole word. */
static inline uint64_t hash_step(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		hash = hash_step(hash, byte[i]);
	return hash;
}

#endif
