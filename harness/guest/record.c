/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Digests of what guest and host see.  See record.h.
 */
#include "harness/guest/record.h"

#include <endian.h>
#include <string.h>

#define MULTIPLIER 0x9e3779b1u

void record_value(struct record *record, enum record_part part, uint64_t value)
{
	uint32_t *hash = &record->now.part[part];

	if (!record->on)
		return;
	*hash = (*hash ^ (uint32_t)value) * MULTIPLIER;
	*hash = (*hash ^ *hash >> 15 ^ (uint32_t)(value >> 32)) * MULTIPLIER;
	*hash ^= *hash >> 13;
}

void record_bytes(struct record *record, enum record_part part, const void *data, uint32_t len)
{
	const uint8_t *bytes = data;
	uint64_t word = 0;

	if (!record->on)
		return;
	record_value(record, part, len);
	for (; len >= sizeof(word); len -= (uint32_t)sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		record_value(record, part, le64toh(word));
	}
	word = 0;
	memcpy(&word, bytes, len);
	record_value(record, part, le64toh(word));
}

void record_timed(struct record *record, enum record_part part, uint64_t value)
{
	if (!record->loose)
		record_value(record, part, value);
}

void record_item(struct record *record, enum record_part part, uint64_t what, const void *data,
		 uint32_t len)
{
	struct record alone = { .on = true };
	struct record *to = record->loose ? &alone : record;

	if (!record->on)
		return;
	record_value(to, part, what);
	record_bytes(to, part, data, len);
	if (record->loose)
		record->now.part[part] += alone.now.part[part];
}
