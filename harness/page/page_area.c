/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print, by area of VIRTIO, what became of its statements: how many were kept, broken, not
 * judged, each with the reason.  Areas that nothing of the run was about are named, no more.
 */
#include "harness/page/page_internal.h"

#include <stdlib.h>
#include <string.h>

#define AREAS_MAX 64u

/* What the areas are called; one that is not here is called by its key. */
static const struct {
	const char *key, *name;
} names[] = {
	{ "status", "Device status" },
	{ "feature", "Feature bits" },
	{ "reset", "Reset" },
	{ "config", "Configuration space" },
	{ "vq", "Virtqueues" },
	{ "split", "Split virtqueues" },
	{ "packed", "Packed virtqueues" },
	{ "shm", "Shared memory" },
	{ "init", "Initialization and operation" },
	{ "mmio", "Virtio over MMIO" },
	{ "id", "Device types" },
	{ "net", "Network device" },
	{ "blk", "Block device" },
	{ "console", "Console device" },
	{ "rng", "Entropy device" },
	{ "balloon", "Memory balloon device" },
	{ "input", "Input device" },
	{ "vsock", "Socket device" },
	{ "fs", "File system device" },
	{ "pmem", "PMEM device" },
	{ "resfeat", "Reserved feature bits" },
};

struct area {
	const char *key;
	const char *section; /* the first that it has statements of */
	unsigned of_device[PAGE_STATE_COUNT], tried, of_driver;
	bool met; /* something of the run was about it */
};

struct areas {
	struct area list[AREAS_MAX];
	unsigned count;
};

static const char *name_of(const char *key)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].key, key) == 0)
			return names[i].name;
	return key;
}

/* As numbers, dot by dot. */
static int compare_sections(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		char *after_a, *after_b;
		unsigned long x = strtoul(a, &after_a, 10), y = strtoul(b, &after_b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		a = after_a + (*after_a == '.');
		b = after_b + (*after_b == '.');
		if (a == after_a && *a != '\0')
			return 0; /* no section: never in our table */
	}
	return (*a != '\0') - (*b != '\0');
}

static int compare_areas(const void *a, const void *b)
{
	const struct area *x = a, *y = b;
	int order = compare_sections(x->section, y->section);

	return order != 0 ? order : strcmp(x->key, y->key);
}

static struct area *area_of(struct areas *areas, const char *key)
{
	for (unsigned i = 0; i < areas->count; i++)
		if (areas->list[i].key == key)
			return &areas->list[i];
	if (areas->count == AREAS_MAX)
		return NULL;
	areas->list[areas->count] = (struct area){ .key = key };
	return &areas->list[areas->count++];
}

/* Such rules count as statements that were broken: of others nobody can say how many there
 * are. */
static void count_sections(struct areas *areas, const struct suite *suite)
{
	for (int i = 0; i < RULE_COUNT; i++) {
		struct area *area = page_breaks_section(suite, i)
					    ? area_of(areas, page_area_of(rule_table[i].clause))
					    : NULL;

		if (area == NULL)
			continue;
		area->of_device[PAGE_BROKEN]++;
		area->met = true;
	}
}

static void count_areas(struct areas *areas, const struct page *page, const struct suite *suite)
{
	for (size_t i = 0; i < clause_count; i++) {
		const struct clause *clause = &clause_table[i];
		const struct page_statement *s = &page->statements[i];
		struct area *area;

		if (!page_is_statement(clause))
			continue;
		area = area_of(areas, page_area_of(clause->id));
		if (area == NULL)
			continue;
		if (area->section == NULL || compare_sections(clause->section, area->section) < 0)
			area->section = clause->section;
		area->met |= s->held > 0 || s->failed > 0 || s->broken || s->transport ||
			     s->skip != NULL;
		if (page_is_of_device(clause)) {
			enum page_state state = page_state_of(page, suite, clause);

			area->of_device[state]++;
			area->met |= state == PAGE_BROKEN || state == PAGE_KEPT;
		} else {
			area->of_driver++;
			area->tried += s->held > 0 || s->failed > 0;
		}
	}
	count_sections(areas, suite);
	qsort(areas->list, areas->count, sizeof(areas->list[0]), compare_areas);
}

static void print_row(FILE *out, const struct area *area)
{
	unsigned judged = area->of_device[PAGE_BROKEN] + area->of_device[PAGE_KEPT];
	unsigned all = judged + area->of_device[PAGE_NOT_JUDGED];

	fprintf(out, "<tr><th scope=\"row\" class=\"named\"><a href=\"#area-%s\">%s</a></th>",
		area->key, name_of(area->key));
	if (all > 0)
		fprintf(out,
			"<td><span class=\"bar\"><span style=\"width:%u%%\"></span></span>"
			"<span class=\"share\">%u%%</span></td>",
			judged * 100 / all, judged * 100 / all);
	else
		fputs("<td></td>", out);
	fprintf(out, "<td%s>%u</td><td>%u</td><td>%u</td><td>%u</td><td>%u of %u</td></tr>\n",
		area->of_device[PAGE_BROKEN] > 0 ? " class=\"bad\"" : "",
		area->of_device[PAGE_BROKEN], area->of_device[PAGE_KEPT],
		area->of_device[PAGE_NOT_JUDGED], area->of_device[PAGE_CANNOT_BE], area->tried,
		area->of_driver);
}

static void print_table(FILE *out, const struct areas *areas)
{
	bool any = false;

	for (unsigned i = 0; i < areas->count; i++)
		any |= areas->list[i].met;
	if (!any) {
		fputs("<p class=\"none\">No statement was judged.</p>\n", out);
		return;
	}
	page_open_table(out, "Areas", "");
	fputs("<caption>Statements about "
	      "the device, the share of those that can be judged, and how many about the driver "
	      "scripts broke on purpose</caption><thead><tr>"
	      "<th scope=\"col\">Area</th><th scope=\"col\">judged</th>"
	      "<th scope=\"col\">broken</th><th scope=\"col\">kept</th>"
	      "<th scope=\"col\">not judged</th><th scope=\"col\">cannot be</th>"
	      "<th scope=\"col\">driver&#8217;s, tried</th></tr></thead><tbody>\n",
	      out);
	for (unsigned i = 0; i < areas->count; i++)
		if (areas->list[i].met)
			print_row(out, &areas->list[i]);
	fputs("</tbody></table></div>\n<h3>Each statement</h3>\n", out);
}

static void print_area(FILE *out, const struct page *page, const struct suite *suite,
		       const struct area *area)
{
	fprintf(out,
		"<details class=\"area\" id=\"area-%s\"><summary>%s: %u kept, "
		"<span%s>%u broken</span>, %u not judged</summary>",
		area->key, name_of(area->key), area->of_device[PAGE_KEPT],
		area->of_device[PAGE_BROKEN] > 0 ? " class=\"bad\"" : "",
		area->of_device[PAGE_BROKEN], area->of_device[PAGE_NOT_JUDGED]);
	page_open_table(out, name_of(area->key), "statements");
	fputs("<thead><tr><th scope=\"col\">Statement</th>"
	      "<th scope=\"col\" class=\"words\">What it says</th>"
	      "<th scope=\"col\" class=\"words\">What became of it</th></tr></thead><tbody>\n",
	      out);
	page_print_statements(out, page, suite, area->key);
	fputs("</tbody></table></div></details>\n", out);
}

void page_print_areas(FILE *out, const struct page *page, const struct suite *suite)
{
	struct areas areas = { .count = 0 };
	const char *before = "<p class=\"soft\">Nothing of this run was about: ";

	count_areas(&areas, page, suite);
	fputs("<section id=\"areas\"><h2>By area of VIRTIO 1.4</h2>\n", out);
	print_table(out, &areas);
	for (unsigned i = 0; i < areas.count; i++)
		if (areas.list[i].met)
			print_area(out, page, suite, &areas.list[i]);
	for (unsigned i = 0; i < areas.count; i++) {
		if (areas.list[i].met)
			continue;
		fprintf(out, "%s%s", before, name_of(areas.list[i].key));
		before = ", ";
	}
	fprintf(out, "%s</section>\n", *before == ',' ? ".</p>\n" : "");
}
