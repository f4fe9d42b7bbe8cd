/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Configuration that changes while a driver reads it (VIRTIO 2.5).  See ledger.h.
 *
 * status.torn: a driver that reads ConfigGeneration, then a field in pieces, then
 * ConfigGeneration again, takes the pieces for one value if both are the same.  So
 * what they add up to must be a value that the field had at one of these reads.
 * The harness looks at the field after each of them, in one access, and at the
 * generation: nothing can come in between.  Under another generation, and after
 * the driver's own writes and resets, the pieces before are forgotten.  A field
 * with more values than can be kept under one generation is not judged.
 *
 * A driver reads a field of up to 4 bytes in one access, and one of 8 bytes in two
 * (drv.mmio.regs.3): a device that is not ours owes nothing to one that reads in other pieces,
 * and these are not looked at.  Our own models' generation tells of every change.
 */
#include "harness/ledger/ledger_internal.h"

#include <string.h>

void ledger_fields_forget(struct ledger *l)
{
	for (unsigned i = 0; i < TARGET_FIELDS_MAX; i++)
		l->device.fields[i].mask = 0;
}

static bool was_value(const struct ledger_field *field, uint64_t value)
{
	for (unsigned i = 0; i < field->value_count; i++)
		if (field->values[i] == value)
			return true;
	return false;
}

/* Is the access one that a driver may use for the field? */
static bool is_fit(const struct target_field *field, uint32_t at, uint32_t width)
{
	uint32_t due = field->width < 4 ? field->width : 4;

	return width == due && at >= field->offset && (at - field->offset) % due == 0;
}

void ledger_field_read(struct ledger *l, unsigned index, uint32_t at, uint32_t width,
		       uint64_t value, uint64_t now, uint32_t generation)
{
	const struct target_field *where = &l->target->fields[index];
	struct ledger_field *field = &l->device.fields[index];

	if (!l->enabled || (!l->target->model && !is_fit(where, at, width)))
		return;
	if (field->mask == 0 || field->generation != generation) {
		memset(field, 0, sizeof(*field));
		field->generation = generation;
	}
	if (field->value_count > LEDGER_FIELD_VALUES)
		return;
	if (!was_value(field, now) && field->value_count++ < LEDGER_FIELD_VALUES)
		field->values[field->value_count - 1] = now;
	for (uint32_t i = 0; i < width; i++) {
		uint32_t byte = at + i - where->offset;

		if (byte >= where->width)
			continue;
		field->read &= ~(0xffULL << (8 * byte));
		field->read |= (value >> (8 * i) & 0xff) << (8 * byte);
		field->mask |= (uint8_t)(1u << byte);
	}
	if (field->mask != (1u << where->width) - 1 || field->value_count > LEDGER_FIELD_VALUES ||
	    !ledger_judges(l, RULE_STATUS_TORN) || was_value(field, field->read))
		return;
	ledger_break(l, RULE_STATUS_TORN,
		     "the driver read 0x%llx in pieces from the %u bytes at offset %u of the "
		     "configuration, which never had that value under ConfigGeneration %u",
		     (unsigned long long)field->read, where->width, where->offset, generation);
}
