/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A look at configuration after the driver read some of it: the fields that it read a
 * part of, as they are now; the same bytes in accesses of other widths; and a count of
 * queues that is among them.  What it comes to the ledger says (ledger_field.c,
 * ledger_config.c).
 *
 * Reads of configuration change nothing (VIRTIO 2.5), so the device does not notice;
 * nothing past the end is looked at.
 */
#include "harness/run/run_internal.h"

static struct ledger_look look(const struct run *run, uint32_t at, uint32_t width)
{
	return (struct ledger_look){
		.at = at,
		.width = width,
		.value = run->transport->look_config(run, at, width),
	};
}

static void look_at_fields(struct run *run, const struct ledger_look *driver, uint32_t generation)
{
	for (unsigned i = 0; i < run->target->field_count; i++) {
		const struct target_field *field = &run->target->fields[i];

		/* Single bytes come in no pieces. */
		if (field->width == 1 || driver->at >= target_field_end(field) ||
		    driver->at + driver->width <= field->offset)
			continue;
		ledger_field_read(&run->ledger, i, driver->at, driver->width, driver->value,
				  look(run, field->offset, field->width).value, generation);
	}
}

/* The access at `at` reads otherwise, unless what the driver read is not there any more:
 * a device with threads may change it now. */
static bool differs(struct run *run, const struct ledger_look *driver, uint32_t at, uint32_t width)
{
	struct ledger_look again;

	if (at + width > run->target->config_len)
		return false;
	again = look(run, at, width);
	if (!ledger_config_differs(&run->ledger, driver, &again) ||
	    look(run, driver->at, driver->width).value != driver->value)
		return false;
	ledger_config_differ(&run->ledger, driver, &again);
	return true;
}

static void look_at_widths(struct run *run, const struct ledger_look *driver)
{
	uint32_t at = driver->at;

	if (driver->width == 1) {
		(void)(differs(run, driver, at & ~3u, 4) || differs(run, driver, at & ~1u, 2));
		return;
	}
	while (at < driver->at + driver->width && !differs(run, driver, at, 1))
		at++;
}

void guest_look_at_config(struct run *run, uint32_t at, uint32_t width, uint64_t value,
			  uint32_t generation)
{
	const struct ledger_look driver = { .at = at, .width = width, .value = value };
	uint32_t offset, count_width;

	/* An access that passes the end is of no field, whatever a device makes of it. */
	if (at + width > run->target->config_len)
		return;
	look_at_fields(run, &driver, generation);
	look_at_widths(run, &driver);
	if (ledger_config_counts(&run->ledger, at, width, &offset, &count_width))
		ledger_config_count(&run->ledger, look(run, offset, count_width).value);
}
