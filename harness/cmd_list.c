/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer targets, rules, ops: what there is, from the tables themselves.
 */
#include "harness/cmd.h"
#include "harness/ledger.h"
#include "harness/text.h"

#include <stdio.h>

/* These commands take --help and nothing else. */
static int no_options(int argc, char **argv, const char *help)
{
	const struct cmd_usage usage = { NULL, "", help };
	struct cmd_options options;

	return cmd_parse(&options, &usage, argc, argv);
}

int cmd_targets(int argc, char **argv)
{
	int status = no_options(argc, argv,
				"List the devices that can be driven, with their "
				"queues.\n");

	if (status != 0)
		return status - 1;
	for (const struct target *const *t = target_table; *t != NULL; t++) {
		printf("%-14s %s\n", (*t)->name, (*t)->help);
		printf("%-14s device id %u, features 0x%llx, queues:", "", (*t)->device_id,
		       (unsigned long long)(*t)->features);
		for (unsigned i = 0; i < (*t)->queue_count; i++)
			printf(" %u=%s(%u)", i, (*t)->queues[i].name, (*t)->queues[i].size_max);
		putchar('\n');
	}
	return STATUS_OK;
}

int cmd_rules(int argc, char **argv)
{
	int status =
		no_options(argc, argv,
			   "List the rules that devices are judged by: id, severity, clause of "
			   "VIRTIO 1.4, demand.\n"
			   "must and limit fail a run, should fails a strict one; model judges "
			   "vringer's own models only.\n");

	if (status != 0)
		return status - 1;
	for (int i = 0; i < RULE_COUNT; i++)
		printf("%-20s %-6s %-34s %s\n", rule_table[i].id,
		       severity_name(rule_table[i].severity), rule_table[i].clause,
		       rule_table[i].demand);
	return STATUS_OK;
}

/* How a field is written in help. */
static void print_field(const struct field_desc *field)
{
	if (field->positional)
		printf(" %s", field->name);
	else
		printf(" [%s=]", field->name);
}

int cmd_ops(int argc, char **argv)
{
	static const char *const payloads[] = { "", " [HEX...]", " [bN|bN:w]...", "" };
	int status = no_options(argc, argv,
				"List the operations of guest programs, their fields and "
				"payloads.\n");
	const struct op_desc *ops;
	size_t count;

	if (status != 0)
		return status - 1;
	ops = op_table(&count);
	for (size_t i = 0; i < count; i++) {
		printf("%s", ops[i].name);
		for (int f = 0; f < OP_FIELDS_MAX && ops[i].fields[f].kind != FIELD_NONE; f++)
			print_field(&ops[i].fields[f]);
		printf("%s\n        %s\n", payloads[ops[i].payload], ops[i].help);
	}
	return STATUS_OK;
}
