/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which edges an input reaches, from the counters of the fuzz flavour
 * (-fsanitize-coverage=inline-8bit-counters,pc-table), and where they are.  See cover.h.
 */
#include "fuzzers/cover.h"

#include "fuzzers/engine.h"

#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <string.h>

struct pc {
	void *address;
	uintptr_t flags;
};

/* All objects are linked into one program, so there is one array of each. */
static uint8_t *counters;
static size_t counter_count;
static const struct pc *pcs;

/* The compiler has every object call these. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
	counters = start;
	counter_count = (size_t)(stop - start);
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	(void)stop;
	pcs = (const struct pc *)start;
}
/* NOLINTEND(bugprone-reserved-identifier) */

size_t cover_edge_count(void)
{
	return counter_count;
}

void cover_run(const uint8_t *data, size_t size, uint8_t *edges)
{
	/* It ends where its block does, as under an engine. */
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		exit(2);
	memcpy(copy, data, size);
	memset(counters, 0, counter_count);
	LLVMFuzzerTestOneInput(copy, size);
	for (size_t i = 0; i < counter_count; i++)
		if (counters[i] != 0)
			edges[i / 8] |= (uint8_t)(1u << i % 8);
	free(copy);
}

/* "/home/me/vringer/devices/blk.c" is devices/blk.c. */
static void set_file(struct cover_place *place, const char *path)
{
	static const char *const folders[] = { "devices/", "harness/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *at = NULL;

		for (const char *next = strstr(path, folders[i]); next != NULL;
		     next = strstr(next + 1, folders[i]))
			if (next == path || next[-1] == '/')
				at = next;
		if (at != NULL) {
			snprintf(place->file, sizeof(place->file), "%s", at);
			return;
		}
	}
}

static void look_up(struct cover_place *place, size_t edge)
{
	char text[4096] = "";
	char *path, *line;

	__sanitizer_symbolize_pc(pcs[edge].address, "%f|%s|%l", text, sizeof(text));
	path = strchr(text, '|');
	line = path != NULL ? strchr(path + 1, '|') : NULL;
	if (line == NULL)
		return;
	*path++ = *line++ = '\0';
	snprintf(place->function, sizeof(place->function), "%.90s", text);
	place->line = (unsigned)strtoul(line, NULL, 10);
	set_file(place, path);
}

const struct cover_place *cover_place(size_t edge)
{
	static struct cover_place *places;

	if (places == NULL)
		places = calloc(counter_count, sizeof(struct cover_place));
	if (places == NULL)
		exit(2);
	if (!places[edge].known)
		look_up(&places[edge], edge);
	places[edge].known = true;
	return &places[edge];
}

void cover_mask(uint8_t *edges)
{
	for (size_t i = 0; i < counter_count; i++)
		if (cover_has(edges, i) && cover_place(i)->file[0] == '\0')
			edges[i / 8] &= (uint8_t) ~(1u << i % 8);
}
