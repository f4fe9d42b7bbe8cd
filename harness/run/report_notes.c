/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print what a result does not say of the device.  See report.h.
 */
#include "harness/program/clause.h"
#include "harness/run/report.h"

#include <string.h>

/* VIRTIO 4.2 (virtio over MMIO), 2.1, 2.2. */
bool report_is_of_transport(const char *word)
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
		if (!report_is_of_transport(script->clauses[i]))
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

/* An operation, by its number and its line. */
static void print_place(FILE *out, const struct script *script, uint32_t op)
{
	if (op == FINDING_OP_END) {
		fputs("the end of the program", out);
		return;
	}
	fprintf(out, "op %u", op);
	if (script->op_lines[op] != 0)
		fprintf(out, " (line %u)", script->op_lines[op]);
}

/* Was it over before the program was? */
static bool is_over(const struct ledger_blindness *b)
{
	return b->over && b->until != FINDING_OP_END;
}

void report_blindness(FILE *out, const struct child_result *result, const struct child_job *job)
{
	const struct ledger_blindness *b = &result->blindness;
	const char *before = ": ";

	if (b->cause == BLIND_NEVER)
		return;
	fputs("not judged from ", out);
	print_place(out, job->script, b->op);
	if (is_over(b)) {
		fputs(" to ", out);
		print_place(out, job->script, b->until);
	} else {
		fputs(" on", out);
	}
	if (b->more > 0)
		fprintf(out, ", and %u times after that", b->more);
	fprintf(out, ", since %s", ledger_blind_words((enum ledger_blind)b->cause));
	if (b->queue < PROGRAM_QUEUES)
		fprintf(out, " (queue %u)", b->queue);
	for (int i = 0; i < RULE_COUNT; i++) {
		if (!ledger_is_seen((enum rule)i, job->target->facts))
			continue;
		fprintf(out, "%s%s", before, rule_table[i].id);
		before = ", ";
	}
	fputc('\n', out);
}

void report_blindness_json(struct json *json, const struct child_result *result,
			   const struct child_job *job)
{
	const struct ledger_blindness *b = &result->blindness;

	if (b->cause == BLIND_NEVER)
		return;
	json_object(json, NULL);
	json_array(json, "rules");
	for (int i = 0; i < RULE_COUNT; i++)
		if (ledger_is_seen((enum rule)i, job->target->facts))
			json_string(json, NULL, rule_table[i].id);
	json_array_end(json);
	json_string(json, "reason", ledger_blind_words((enum ledger_blind)b->cause));
	if (b->queue < PROGRAM_QUEUES)
		json_number(json, "queue", b->queue);
	if (b->op != FINDING_OP_END)
		json_number(json, "op", b->op);
	if (is_over(b))
		json_number(json, "until", b->until);
	json_object_end(json);
}
