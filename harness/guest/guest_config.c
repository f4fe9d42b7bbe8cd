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
#include "harness/guest/guest_internal.h"

static struct ledger_look look(const struct guest *g, uint32_t at, uint32_t width)
{
	return (struct ledger_look){
		.at = at,
		.width = width,
		.value = g->transport->look_config(g, at, width),
	};
}

/* The field, in accesses that every device serves (4.2.2.2). */
static uint64_t look_at_field(const struct guest *g, const struct target_field *field)
{
	if (field->width < 8)
		return look(g, field->offset, field->width).value;
	return look(g, field->offset, 4).value | look(g, field->offset + 4u, 4).value << 32;
}

static void look_at_fields(struct guest *g, const struct ledger_look *driver, uint32_t generation)
{
	for (unsigned i = 0; i < g->target->field_count; i++) {
		const struct target_field *field = &g->target->fields[i];

		/* Single bytes come in no pieces. */
		if (field->width == 1 || driver->at >= target_field_end(field) ||
		    driver->at + driver->width <= field->offset)
			continue;
		ledger_field_read(&g->ledger, i, driver->at, driver->width, driver->value,
				  look_at_field(g, field), generation);
	}
}

/* The access at `at` reads otherwise, unless what the driver read is not there any more:
 * a device with threads may change it now. */
static bool differs(struct guest *g, const struct ledger_look *driver, uint32_t at, uint32_t width)
{
	struct ledger_look again;

	if (at + width > g->target->config_len)
		return false;
	again = look(g, at, width);
	if (!ledger_config_differs(&g->ledger, driver, &again) ||
	    look(g, driver->at, driver->width).value != driver->value)
		return false;
	ledger_config_differ(&g->ledger, driver, &again);
	return true;
}

static void look_at_widths(struct guest *g, const struct ledger_look *driver)
{
	uint32_t at = driver->at;

	if (driver->width == 1) {
		(void)(differs(g, driver, at & ~3u, 4) || differs(g, driver, at & ~1u, 2));
		return;
	}
	while (at < driver->at + driver->width && !differs(g, driver, at, 1))
		at++;
}

void guest_look_at_told(struct guest *g, uint32_t at, uint32_t width)
{
	uint32_t offset, told_width;

	if (ledger_config_tells(&g->ledger, at, width, &offset, &told_width))
		ledger_config_told(&g->ledger, look(g, offset, told_width).value);
}

void guest_look_at_config(struct guest *g, uint32_t at, uint32_t width, uint64_t value,
			  uint32_t generation)
{
	const struct ledger_look driver = { .at = at, .width = width, .value = value };
	uint32_t offset, count_width;

	/* An access that passes the end is of no field, whatever a device makes of it. */
	if (at + width > g->target->config_len)
		return;
	look_at_fields(g, &driver, generation);
	look_at_widths(g, &driver);
	guest_look_at_told(g, at, width);
	if (ledger_config_counts(&g->ledger, at, width, &offset, &count_width))
		ledger_config_count(&g->ledger, look(g, offset, count_width).value);
}

unsigned guest_config_words(const struct guest *g, uint32_t *out)
{
	unsigned words = (g->target->config_len + 3) / 4;

	if (words > g->register_count)
		words = g->register_count;
	for (unsigned i = 0; i < words; i++)
		out[i] = (uint32_t)g->transport->look_config(g, 4 * i, 4);
	return words;
}

void guest_note_config(struct guest *g, const uint32_t *before)
{
	uint32_t now[GUEST_REGISTERS_MAX];
	unsigned words;

	/* Of a device that keeps its configuration it is not among them. */
	if (g->target->keeps_config)
		return;
	words = guest_config_words(g, now);
	/* Configuration comes last. */
	for (unsigned i = 0; i < words; i++)
		if (now[i] != before[i])
			g->registers[g->register_count - words + i] = now[i];
}
