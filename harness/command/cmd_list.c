/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer targets, rules, ops: list the devices, rules and operations, from their
 * tables.
 */
#include "devices/table.h"
#include "harness/command/cmd.h"
#include "harness/run/report.h"
#include "harness/run/run.h"

#include <stdio.h>

/* These commands take --help and nothing else. */
static int no_options(int argc, char **argv, const char *help)
{
	const struct cmd_usage usage = { .options = "", .help = help };
	struct cmd_options options;

	return cmd_parse(&options, &usage, argc, argv);
}

/* The names of a device's counters; only an instance knows them. */
static void print_counters(const struct target *target)
{
	struct text_error error;
	struct run *run;
	void *device;

	if ((target->facts & FACT_COUNTERS) == 0 || run_open(&run, target, &error) != 0)
		return;
	device = target_create(target, &run->guest.arena.host,
			       (struct features){ target->features, target->features_high }, NULL);
	for (unsigned i = 0; device != NULL && i < target_counter_count(target, device); i++)
		printf("%s%s", i == 0 ? "    counters: " : " ", target->counter_name(device, i));
	if (device != NULL) {
		putchar('\n');
		target->destroy(device);
	}
	run_close(run);
}

/* The environment that tells AFL++'s mutator about a target that is not ours. */
static void print_for_afl(const struct target *target)
{
	bool any = false;

	printf("    for afl-fuzz: VRINGER_TARGET=%s VRINGER_FEATURES=0x%llx ", target->name,
	       (unsigned long long)target->features);
	if (target->features_high != 0)
		printf("VRINGER_FEATURES_HIGH=0x%llx ", (unsigned long long)target->features_high);
	printf("VRINGER_CONFIG=%u VRINGER_QUEUES=", target->config_len);
	for (unsigned i = 0; i < target->queue_count; i++)
		putchar(target->queues[i].driver_initiated ? 'd' : '-');
	for (unsigned queue = 0; queue < target->queue_count; queue++)
		for (unsigned i = 0; i < target_request_count(target, queue); i++, any = true)
			printf("%s%u", any ? "," : " VRINGER_REQUESTS=", queue);
	putchar('\n');
}

static void print_requests(const struct target *target)
{
	bool any = false;

	for (unsigned queue = 0; queue < target->queue_count; queue++)
		for (unsigned i = 0; i < target_request_count(target, queue); i++, any = true)
			printf("%s %u=%s", any ? "" : "    requests:", queue,
			       target_request(target, queue, i)->name);
	if (any)
		putchar('\n');
}

int cmd_targets(int argc, char **argv)
{
	int status = no_options(argc, argv,
				"List the devices that vringer can drive, with their queues and "
				"counters.");

	if (status != 0)
		return status - 1;
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		printf("%s: %s\n", (*t)->name, (*t)->help);
		printf("    device id %u, features 0x%llx, ", (*t)->device_id,
		       (unsigned long long)(*t)->features);
		if ((*t)->features_high != 0)
			printf("features_high 0x%llx, ", (unsigned long long)(*t)->features_high);
		fputs("queues:", stdout);
		for (unsigned i = 0; i < (*t)->queue_count; i++)
			printf(" %u=%s(%u)", i, (*t)->queues[i].name, (*t)->queues[i].size_max);
		putchar('\n');
		print_requests(*t);
		print_counters(*t);
		if (!report_in_tree)
			print_for_afl(*t);
	}
	return STATUS_OK;
}

/* The facts that a rule needs besides access to guest memory. */
static void print_other_facts(unsigned facts)
{
	static const struct {
		unsigned fact;
		const char *name;
	} others[] = { { FACT_INTERRUPT, "interrupts" }, { FACT_STATE, "`state`" },
		       { FACT_HEAP, "`VRINGER_ALLOC`" }, { FACT_COUNTERS, "`counters`" },
		       { FACT_CALLS, "no `settle`" },	 { FACT_BACKEND, "`backend_calls`" },
		       { FACT_REQUESTS, "`requests`" },	 { FACT_LOG, "`logged`" } };
	const char *between = " ";

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if ((facts & others[i].fact) == 0)
			continue;
		printf("%s%s", between, others[i].name);
		between = ", ";
	}
}

/* The table of harness/examples/README.md; a test compares the two. */
static void print_levels(void)
{
	static const unsigned memory[] = { TARGET_PURPOSES, TARGET_ACCESSORS, TARGET_PLAIN };
	TABLE(static const char *const, extent, RULE_EXTENT_COUNT, 1,
	      [RULE_NOT_JUDGED] = "-",
	      [RULE_IN_PART] = "in part",
	      [RULE_WHOLE] = "yes");

	printf("| rule | severity | purposes | accessors | plain memory | needs as well |\n"
	       "|---|---|---|---|---|---|\n");
	for (int i = 0; i < RULE_COUNT; i++) {
		printf("| `%s` | %s |", rule_table[i].id, severity_name(rule_table[i].severity));
		for (size_t m = 0; m < sizeof(memory) / sizeof(memory[0]); m++)
			printf(" %s |",
			       extent[rule_extent((enum rule)i,
						  (FACT_ALL & ~TARGET_MEMORY) | memory[m])]);
		print_other_facts(rule_table[i].facts);
		printf(" |\n");
	}
}

int cmd_rules(int argc, char **argv)
{
	static const struct cmd_usage usage = {
		.options = "V",
		.help = "List the rules that devices are judged by: id, severity, clause of VIRTIO "
			"1.4, demand.\n"
			"A broken `must` fails a run, `should` with --strict, `limit` with "
			"--limits.  `model` is\n"
			"judged on vringer's own models only; on these all four fail.",
	};
	struct cmd_options options;
	int status = cmd_parse(&options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (options.levels) {
		print_levels();
		return STATUS_OK;
	}
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

/* The names of a field's values, where they have names. */
static void print_names(const struct field_desc *field)
{
	const char *const *names = field_names((enum field_kind)field->kind);
	const struct bit_name *bits = field_bits((enum field_kind)field->kind);

	if (names == NULL && bits == NULL && field->kind != FIELD_REG)
		return;
	printf("        %s:", field->name);
	for (; names != NULL && *names != NULL; names++)
		printf(" %s", *names);
	for (; bits != NULL && bits->name != NULL; bits++)
		printf(" %s%s", bits->name, bits[1].name != NULL ? " |" : "");
	for (uint32_t at = 0; field->kind == FIELD_REG && at < 0x104; at += 4)
		if (register_name(at) != NULL)
			printf(" %s", register_name(at));
	putchar('\n');
}

int cmd_ops(int argc, char **argv)
{
	TABLE(static const char *const, payloads, PAYLOAD_KIND_COUNT, 1,
	      [PAYLOAD_NONE] = "",
	      [PAYLOAD_BYTES] = " [HEX...]",
	      [PAYLOAD_ELEMENTS] = " [bN|bN:w][*TIMES]...",
	      [PAYLOAD_OPS] = " ... end");
	int status = no_options(argc, argv,
				"List the operations of guest programs, their fields and "
				"payloads.  A field in brackets\n"
				"may be left out: it is then 0 (head=0: descriptor 0), and "
				"width is 4.");
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
		for (int f = 0; f < OP_FIELDS_MAX && ops[i].fields[f].kind != FIELD_NONE; f++)
			print_names(&ops[i].fields[f]);
	}
	return STATUS_OK;
}
