/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The `>` lines of a script that compare bytes: of guest memory, and of what the
 * host took.  Memory is read as the guest reads it, and the ledger is not told.
 */
#include "harness/run/expect_internal.h"

#include <inttypes.h>
#include <stdio.h>

static uint8_t load_byte(const struct verdict *v, uint64_t addr)
{
	uint8_t byte;

	arena_load(&v->run->guest.arena, addr, &byte, 1);
	return byte;
}

static uint64_t expect_addr(const struct verdict *v, int i)
{
	return guest_addr(&v->run->guest, v->expect->base[i], v->expect->value[i]);
}

/* An address as the script names it. */
static struct spelled spell_addr(const struct verdict *v, int i, uint64_t at)
{
	struct spelled s = { "" };
	FILE *out = fmemopen(s.text, sizeof(s.text), "w");

	if (out != NULL) {
		text_print_addr(out, v->expect->base[i], v->expect->value[i] + at,
				v->script->slot_names);
		fprintf(out, " (0x%" PRIx64 ")", expect_addr(v, i) + at);
		fclose(out);
	}
	return s;
}

/* Memory that is not there holds nothing, not even zeroes. */
static bool is_there(const struct verdict *v, int i, uint64_t len)
{
	if (arena_has(&v->run->guest.arena, expect_addr(v, i), len))
		return true;
	return expect_wrong(v, "%s: not all of these %llu bytes are mapped",
			    spell_addr(v, i, 0).text, (unsigned long long)len);
}

static bool wrong_byte(const struct verdict *v, uint64_t at, uint8_t due)
{
	return expect_wrong(v, "the byte at %s is 0x%02x, expected 0x%02x",
			    spell_addr(v, 0, at).text, load_byte(v, expect_addr(v, 0) + at), due);
}

bool expect_mem(const struct verdict *v)
{
	uint64_t addr = expect_addr(v, 0);

	if (!is_there(v, 0, v->expect->byte_count))
		return false;
	for (uint64_t i = 0; i < v->expect->byte_count; i++)
		if (load_byte(v, addr + i) != v->expect->bytes[i])
			return wrong_byte(v, i, v->expect->bytes[i]);
	return true;
}

bool expect_mem_fill(const struct verdict *v)
{
	uint64_t addr = expect_addr(v, 0);

	if (!is_there(v, 0, v->expect->value[2]))
		return false;
	for (uint64_t i = 0; i < v->expect->value[2]; i++)
		if (load_byte(v, addr + i) != v->expect->value[3])
			return wrong_byte(v, i, (uint8_t)v->expect->value[3]);
	return true;
}

bool expect_mem_equal(const struct verdict *v)
{
	uint64_t addr = expect_addr(v, 0);
	uint64_t other = expect_addr(v, 1);

	if (!is_there(v, 0, v->expect->value[2]) || !is_there(v, 1, v->expect->value[2]))
		return false;
	for (uint64_t i = 0; i < v->expect->value[2]; i++)
		if (load_byte(v, addr + i) != load_byte(v, other + i))
			return wrong_byte(v, i, load_byte(v, other + i));
	return true;
}

bool expect_mem_typed(const struct verdict *v)
{
	const uint64_t *value = v->expect->value; /* address, len, seed, at */

	if (!is_there(v, 0, value[1]))
		return false;
	for (uint64_t i = 0; i < value[1]; i++) {
		uint8_t due = arena_pattern_byte(value[3] + i, (uint8_t)value[2]);

		if (load_byte(v, expect_addr(v, 0) + i) != due)
			return wrong_byte(v, i, due);
	}
	return true;
}

static bool check_output_len(const struct verdict *v, uint64_t due)
{
	if (v->run->guest.output_len == due)
		return true;
	return expect_wrong(v, "the host took %u bytes, expected %llu", v->run->guest.output_len,
			    (unsigned long long)due);
}

bool expect_output_bytes(const struct verdict *v)
{
	return check_output_len(v, v->expect->value[0]);
}

static bool wrong_output(const struct verdict *v, uint64_t at, uint8_t due)
{
	return expect_wrong(v, "byte %llu of what the host took is 0x%02x, expected 0x%02x",
			    (unsigned long long)at, v->run->guest.output[at], due);
}

bool expect_output(const struct verdict *v)
{
	const struct expect *e = v->expect;

	if (!check_output_len(v, e->byte_count))
		return false;
	for (uint32_t i = 0; i < e->byte_count; i++)
		if (v->run->guest.output[i] != e->bytes[i])
			return wrong_output(v, i, e->bytes[i]);
	return true;
}

bool expect_output_equal(const struct verdict *v)
{
	uint64_t len = v->expect->value[2], at = v->expect->value[3];

	if (!is_there(v, 0, len))
		return false;
	if (at + len > v->run->guest.output_len)
		return check_output_len(v, at + len);
	for (uint64_t i = 0; i < len; i++) {
		uint8_t due = load_byte(v, expect_addr(v, 0) + i);

		if (v->run->guest.output[at + i] != due)
			return wrong_output(v, at + i, due);
	}
	return true;
}
