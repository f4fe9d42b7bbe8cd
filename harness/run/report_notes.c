/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print what a result does not say of the device.  See report.h.
 */
#include "harness/program/clause.h"
#include "harness/run/report.h"

#include <string.h>

/* Is the clause one about registers and the device status, and features as they show
 * there?  VIRTIO 4.2 (virtio over MMIO), 2.1, 2.2. */
static bool is_of_transport(const char *word)
{
	static const char *const sections[] = { "4.2", "2.1", "2.2" };
	const struct clause *clause = clause_find(word, strlen(word));
	const char *section;

	if (clause == NULL)
		return false;
	section = clause->section[0] != '\0' ? clause->section : clause->id;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		size_t len = strlen(sections[i]);

		if (strncmp(section, sections[i], len) == 0 &&
		    (section[len] == '\0' || section[len] == '.'))
			return true;
	}
	return false;
}

bool report_transport_note(FILE *out, const struct target *target, const struct script *script)
{
	const char *before = "note: ";
	bool any = false;

	if (!target->transport || target->model)
		return false;
	for (unsigned i = 0; i < script->clause_count; i++) {
		if (!is_of_transport(script->clauses[i]))
			continue;
		any = true;
		if (out == NULL)
			break;
		fprintf(out, "%s%s", before, script->clauses[i]);
		before = ", ";
	}
	if (any && out != NULL)
		fputs(": vringer's own transport was judged, not the device\n", out);
	return any;
}
