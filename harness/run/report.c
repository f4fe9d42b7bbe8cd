/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print traces and findings.  See report.h.
 */
#include "harness/run/report.h"
#include "devices/table.h"
#include "harness/arena/instrumented.h"
#include "harness/files/escape.h"

#include <inttypes.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <unistd.h>

#define TRACE_BYTES_MAX 16 /* of an access shown */

const char *report_command = "vringer";
bool report_in_tree = true;

void report_target(FILE *out, const char *target)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->words != NULL) {
		fputs(found->words, out);
		return;
	}
	fputs("-t ", out);
	escape_word(out, target);
}

/* Print "COMMAND VERB -t TARGET PATH", quoted for a shell. */
static void print_command(FILE *out, const char *verb, const char *target,
			  const struct transport *transport, const char *path)
{
	escape_word(out, report_command);
	fprintf(out, " %s ", verb);
	report_target(out, target);
	if (transport_to_name(transport) != NULL)
		fprintf(out, " --transport %s", transport_to_name(transport));
	fputc(' ', out);
	escape_word(out, path);
}

/* Where the scripts that this tree keeps for it are. */
static void print_folder(FILE *out, const char *target)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->folder != NULL)
		fprintf(out, "%s/", found->folder);
	else
		fprintf(out, "corpus/%s/regressions/", target);
}

void report_next(FILE *out, const char *target, const struct transport *transport, const char *path)
{
	fputs("next: ", out);
	print_command(out, "replay -v", target, transport, path);
	fputs("   (every operation and access)\n      ", out);
	print_command(out, "minimize", target, transport, path);
	fputs(" -o ", out);
	if (report_in_tree)
		print_folder(out, target);
	fputs("CAUSE.vr   (keep it)\n", out);
}

void report_elsewhere(FILE *out, const char *target, const char *path)
{
	const struct target *found = target_find(target);

	if (found != NULL && found->words != NULL) {
		fputs("the device is in a process of its own: if it was found to break a rule with "
		      "this file, it does not do so each time, or is another version",
		      out);
		return;
	}
	fprintf(out,
		"this program is built with %s; if an engine reported the file, run the engine's "
		"program",
		instrumented_sanitizers());
	if (!report_in_tree && !report_is_engine() && access(report_engine(), X_OK) == 0) {
		fputs(": ", out);
		escape_word(out, report_engine());
		fputc(' ', out);
		escape_word(out, path);
	}
	if (!report_in_tree)
		return;
	fputs(": build/fuzz/fuzz_", out);
	for (; *target != '\0'; target++)
		fputc(*target == '-' ? '_' : *target, out);
	fprintf(out, " %s", path);
}

const char *finding_kind_name(enum finding_kind kind)
{
	TABLE(static const char *const, names, FINDING_KIND_COUNT, 1,
	      [FINDING_NONE] = "none",
	      [FINDING_RULE] = "rule",
	      [FINDING_SANITIZER] = "sanitizer",
	      [FINDING_SIGNAL] = "signal",
	      [FINDING_EXIT] = "exit",
	      [FINDING_HANG] = "hang",
	      [FINDING_OOM] = "oom",
	      [FINDING_LEAK] = "leak",
	      [FINDING_MEMORY] = "memory",
	      [FINDING_REPORTED] = "reported");

	return names[kind];
}

/* The first bytes in hexadecimal, and dots for the others. */
struct hex {
	char text[2 * TRACE_BYTES_MAX + sizeof("...")];
};

static struct hex hex_of(const uint8_t *data, uint32_t len)
{
	struct hex hex = { "" };
	uint32_t i = 0;

	for (; data != NULL && i < len && i < TRACE_BYTES_MAX; i++)
		snprintf(hex.text + 2 * i, 3, "%02x", data[i]);
	if (data != NULL && len > TRACE_BYTES_MAX)
		strcpy(hex.text + 2 * i, "...");
	return hex;
}

/* The end of a line. */
static void print_bytes(FILE *out, const uint8_t *data, uint32_t len)
{
	fprintf(out, "%s\n", hex_of(data, len).text);
}

/* Print an operation and its line in the script. */
static void print_guest_op(FILE *out, const struct script *script, uint32_t op)
{
	fprintf(out, "op %u", op);
	if (script->op_lines[op] != 0)
		fprintf(out, " (line %u)", script->op_lines[op]);
	fputs(": ", out);
	text_print_op(out, &script->prog, &script->prog.ops[op], script->slot_names);
	fputc('\n', out);
}

static void print_op(const struct report_trace *t, const struct trace_event *e)
{
	if (t->script != NULL)
		print_guest_op(t->out, t->script, e->index);
	else
		fprintf(t->out, "op %u: %s\n", e->index, e->name);
}

static void print_stage(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "after the program: %s\n", e->name);
}

static void print_register(const struct report_trace *t, const struct trace_event *e)
{
	FILE *out = t->out;

	fprintf(out, "  driver %s ", e->kind == TRACE_REG_READ ? "reads" : "writes");
	text_print_value(out, FIELD_REG, e->addr);
	if (e->len != 4)
		fprintf(out, " (%u bytes)", e->len);
	fprintf(out, " = 0x%" PRIx64 "\n", e->value);
}

static void print_act(const struct report_trace *t, const struct trace_event *e)
{
	FILE *out = t->out;

	fprintf(out, "  driver calls %s", e->name);
	if (e->index > 0)
		fprintf(out, " of queue %u", e->index - 1);
	if (e->addr != 0)
		fprintf(out, " at 0x%" PRIx64, e->addr);
	if (e->len != 4)
		fprintf(out, " (%u bytes)", e->len);
	fprintf(out, " = 0x%" PRIx64 "\n", e->value);
}

/* NULL: the device does not tell the purpose. */
static const char *purpose_name(struct guest_why why)
{
	return why.purpose != GUEST_UNTOLD ? field_names(FIELD_PURPOSE)[why.purpose + 1] : NULL;
}

static void print_access(const struct report_trace *t, const struct trace_event *e)
{
	const char *purpose = purpose_name(e->why);
	FILE *out = t->out;

	fprintf(out, "    device %s 0x%" PRIx64 " len %u",
		e->kind == TRACE_READ ? "reads" : "writes", e->addr, e->len);
	if (purpose != NULL)
		fprintf(out, ": queue %u %s", e->why.queue, purpose);
	if (e->why.purpose == GUEST_DESC || e->why.purpose == GUEST_PAYLOAD ||
	    e->why.purpose == GUEST_AVAIL_ENTRY || e->why.purpose == GUEST_USED_ENTRY)
		fprintf(out, ", chain %u", e->why.walk);
	if (e->err != 0) {
		fputs(": fails\n", out);
		return;
	}
	fputs(": ", out);
	print_bytes(out, e->data, e->len);
}

static void print_host(const struct report_trace *t, const struct trace_event *e)
{
	TABLE(static const char *const, acts, HOST_ACT_COUNT, 1,
	      [HOST_TYPE] = "types",
	      [HOST_TAKE] = "takes",
	      [HOST_PUT_BACK] = "puts back",
	      [HOST_SET_NUM_PAGES] = "sets num_pages",
	      [HOST_CHANGE_CONFIG] = "changes the configuration");
	FILE *out = t->out;

	if (e->value == HOST_SET_NUM_PAGES || e->value == HOST_CHANGE_CONFIG) {
		fprintf(out, "  host %s: %u\n", acts[e->value], e->len);
		return;
	}
	fprintf(out, "  host %s %u bytes of port %u: ", acts[e->value], e->len, e->index);
	print_bytes(out, e->data, e->len);
}

static void print_frame(const struct report_trace *t, const struct trace_event *e)
{
	TABLE(static const char *const, ends, FRAME_END_COUNT, 1,
	      [END_AWAY - FRAME_END_FIRST] = "hands on",
	      [END_GIVEN - FRAME_END_FIRST] = "is given",
	      [END_REPLY - FRAME_END_FIRST] = "answers with");
	FILE *out = t->out;

	fprintf(out, "  device %s a frame of %u bytes: ", ends[e->value - FRAME_END_FIRST], e->len);
	print_bytes(out, e->data, e->len);
}

static void print_interrupt(const struct report_trace *t, const struct trace_event *e)
{
	fputs("    device interrupts: ", t->out);
	text_print_value(t->out, FIELD_INTERRUPT, e->value);
	if (e->index > 0)
		fprintf(t->out, ", of queue %u", e->index - 1);
	fputc('\n', t->out);
}

static void print_race(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "    race: 0x%" PRIx64 " becomes ", e->addr);
	print_bytes(t->out, e->data, e->len);
}

static void print_fault(const struct report_trace *t, const struct trace_event *e)
{
	(void)e;
	fputs("    fault: the access that follows fails\n", t->out);
}

static void print_alloc(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "    device allocates %u bytes%s\n", e->len, e->err != 0 ? ": fails" : "");
}

static void print_free(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "    device frees %u bytes\n", e->len);
}

static void print_work(const struct report_trace *t, const struct trace_event *e)
{
	(void)e;
	fputs("  the device goes on with left-over work\n", t->out);
}

static void print_region(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "  host %s %u bytes of memory at 0x%" PRIx64 "\n",
		e->value != 0 ? "gives back" : "takes away", e->len, e->addr);
}

static void print_used(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "  driver takes used entry of queue %u: id %" PRIu64 " len %u\n",
		e->why.queue, e->value, e->len);
}

static void print_counter(const struct report_trace *t, const struct trace_event *e)
{
	/* What a gauge falls by wraps around 2^64. */
	fprintf(t->out, "  counter %s %+" PRId64 "\n", e->name, (int64_t)e->value);
}

static void print_change(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "    device changed 0x%" PRIx64 " len %u: ", e->addr, e->len);
	print_bytes(t->out, e->data, e->len);
}

static void print_finding(const struct report_trace *t, const struct trace_event *e)
{
	report_finding(t->out, "  ", e->finding, t->script);
}

typedef void print_event_fn(const struct report_trace *t, const struct trace_event *e);

/* How each kind of event is shown: to programs by its name, to people as a line. */
struct event_kind {
	const char *name;
	print_event_fn *print;
};

TABLE(static const struct event_kind, event_kinds, TRACE_KIND_COUNT, 2,
      [TRACE_OP] = { "op", print_op },
      [TRACE_STAGE] = { "stage", print_stage },
      [TRACE_REG_READ] = { "register-read", print_register },
      [TRACE_REG_WRITE] = { "register-write", print_register },
      [TRACE_ACT] = { "act", print_act },
      [TRACE_READ] = { "read", print_access },
      [TRACE_WRITE] = { "write", print_access },
      [TRACE_INTERRUPT] = { "interrupt", print_interrupt },
      [TRACE_RACE] = { "race", print_race },
      [TRACE_FAULT] = { "fault", print_fault },
      [TRACE_ALLOC] = { "alloc", print_alloc },
      [TRACE_FREE] = { "free", print_free },
      [TRACE_WORK] = { "work", print_work },
      [TRACE_USED] = { "used", print_used },
      [TRACE_COUNTER] = { "counter", print_counter },
      [TRACE_HOST] = { "host", print_host },
      [TRACE_FRAME] = { "frame", print_frame },
      [TRACE_CHANGE] = { "change", print_change },
      [TRACE_REGION] = { "region", print_region },
      [TRACE_FINDING] = { "finding", print_finding });

/* The queue that an event is about, where it says which. */
static int queue_of(const struct trace_event *e)
{
	if (e->kind == TRACE_USED)
		return e->why.queue;
	return e->kind == TRACE_INTERRUPT || e->kind == TRACE_ACT ? (int)e->index - 1 : -1;
}

static void print_event_json(const struct report_trace *t, const struct trace_event *e)
{
	const char *purpose =
		e->kind == TRACE_READ || e->kind == TRACE_WRITE ? purpose_name(e->why) : NULL;
	struct json json = json_open(t->out);

	json_object(&json, NULL);
	json_string(&json, "event", event_kinds[e->kind].name);
	if (e->kind == TRACE_OP)
		json_number(&json, "index", e->index);
	if (e->name != NULL)
		json_string(&json, "name", e->name);
	if (purpose != NULL) {
		json_number(&json, "queue", e->why.queue);
		json_string(&json, "purpose", purpose);
		json_number(&json, "chain", e->why.walk);
	}
	if (queue_of(e) >= 0)
		json_number(&json, "queue", (uint64_t)queue_of(e));
	json_hex(&json, "addr", e->addr);
	json_number(&json, "len", e->len);
	json_hex(&json, "value", e->value);
	json_signed(&json, "err", e->err);
	if (e->data != NULL && e->err == 0)
		json_string(&json, "data", hex_of(e->data, e->len).text);
	if (e->finding != NULL)
		report_finding_json(&json, "finding", e->finding, t->script);
	json_object_end(&json);
	json_end(&json);
}

void report_trace_event(void *ctx, const struct trace_event *event)
{
	const struct report_trace *t = ctx;

	if (t->json)
		print_event_json(t, event);
	else if (t->fold == NULL || t->script == NULL || !report_fold_event(t, event))
		event_kinds[event->kind].print(t, event);
}

void report_failure(FILE *out, const char *path, const struct child_result *result,
		    const struct script *script)
{
	fprintf(out, "%s:%u: %s\n", path, result->failed_line, result->failure);
	fputs("  guest: ", out);
	print_guest_op(out, script, result->failed_op);
}

void report_words(FILE *out, const char *prefix, const char *words)
{
	while (*words != '\0') {
		size_t len = strcspn(words, "\n");

		fprintf(out, "%sdevice prints: %.*s\n", prefix, (int)len, words);
		words += len + (words[len] == '\n');
	}
}

void report_disagreements(FILE *out, const char *prefix, const struct target *target)
{
	const struct target_disagreement *d = target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		fputs(prefix, out);
		escape_line(out, target->name, SIZE_MAX);
		fprintf(out, " disagrees: %s: ", d->rule);
		escape_line(out, d->reason, SIZE_MAX);
		fputc('\n', out);
	}
}

void report_disagreements_json(struct json *json, const struct target *target)
{
	const struct target_disagreement *d = target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		json_object(json, NULL);
		json_string(json, "target", target->name);
		json_string(json, "rule", d->rule);
		json_string(json, "reason", d->reason);
		json_object_end(json);
	}
}

void report_finding(FILE *out, const char *prefix, const struct finding *finding,
		    const struct script *script)
{
	fprintf(out, "%sfinding: %s\n", prefix, finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];

		fprintf(out, "%s  rule: %s (%s, %s): %s\n", prefix, rule->id,
			severity_name(rule->severity), rule->clause, rule->demand);
	} else {
		fprintf(out, "%s  kind: %s\n", prefix,
			finding_kind_name((enum finding_kind)finding->kind));
	}
	if (finding->op != FINDING_OP_END && script != NULL) {
		fprintf(out, "%s  guest: ", prefix);
		print_guest_op(out, script, finding->op);
	} else if (finding->op != FINDING_OP_END) {
		fprintf(out, "%s  guest: operation %u, %s\n", prefix, finding->op, finding->verb);
	} else {
		fprintf(out, "%s  guest: after the program, %s\n", prefix, finding->verb);
	}
	fprintf(out, "%s  device: %s\n", prefix, finding->message);
	if (finding->known != NULL)
		fprintf(out, "%s  known: %s\n", prefix, finding->known);
}

static void finding_members(struct json *json, const struct finding *finding,
			    const struct script *script)
{
	json_string(json, "kind", finding_kind_name((enum finding_kind)finding->kind));
	json_string(json, "signature", finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];

		json_string(json, "rule", rule->id);
		json_string(json, "severity", severity_name(rule->severity));
		json_string(json, "clause", rule->clause);
	}
	if (finding->op != FINDING_OP_END) {
		json_number(json, "op", finding->op);
		if (script != NULL && script->op_lines[finding->op] != 0)
			json_number(json, "line", script->op_lines[finding->op]);
	}
	json_string(json, "verb", finding->verb);
	json_string(json, "message", finding->message);
	if (finding->known != NULL)
		json_string(json, "known", finding->known);
}

void report_finding_json(struct json *json, const char *key, const struct finding *finding,
			 const struct script *script)
{
	json_object(json, key);
	finding_members(json, finding, script);
	json_object_end(json);
}

bool report_has_notes(const struct child_result *result, const struct child_job *job)
{
	const struct finding *failing = child_finding(result, job);

	return result->finding_count > (failing != NULL) || result->shortage[0] != '\0' ||
	       result->blindness.cause != BLIND_NEVER || result->unmet_count > 0;
}

void report_notes(FILE *out, const struct child_result *result, const struct child_job *job)
{
	const struct finding *failing = child_finding(result, job);

	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i];

		if (f == failing)
			continue;
		fputs(f->known != NULL ? "known: " : "warning: ", out);
		report_finding(out, "", f, job->script);
	}
	for (unsigned i = 0; i < result->unmet_count; i++)
		fprintf(out, "warning: line %u (%s): %s\n", result->unmet[i].line,
			severity_name((enum severity)result->unmet[i].severity),
			result->unmet[i].message);
	if (result->shortage[0] != '\0')
		fprintf(out, "not judged: %s: %s\n", rule_table[RULE_LIVENESS_REQUEST].id,
			result->shortage);
	report_blindness(out, result, job);
}

void report_result_json(struct json *json, const struct child_result *result,
			const struct child_job *job)
{
	json_array(json, "findings");
	for (unsigned i = 0; result != NULL && i < result->finding_count; i++) {
		json_object(json, NULL);
		finding_members(json, &result->findings[i], job->script);
		json_bool(json, "fails", finding_fails(&result->findings[i], &job->judging));
		json_object_end(json);
	}
	json_array_end(json);
	json_array(json, "unmet");
	for (unsigned i = 0; result != NULL && i < result->unmet_count; i++) {
		json_object(json, NULL);
		json_number(json, "line", result->unmet[i].line);
		json_string(json, "severity",
			    severity_name((enum severity)result->unmet[i].severity));
		json_string(json, "message", result->unmet[i].message);
		json_object_end(json);
	}
	json_array_end(json);
	json_array(json, "unjudged");
	if (result != NULL && result->shortage[0] != '\0') {
		json_object(json, NULL);
		json_string(json, "rule", rule_table[RULE_LIVENESS_REQUEST].id);
		json_string(json, "reason", result->shortage);
		json_object_end(json);
	}
	if (result != NULL)
		report_blindness_json(json, result, job);
	json_array_end(json);
}

static bool has_rule(const uint64_t *rules, int rule)
{
	return (rules[rule / 64] >> rule % 64 & 1) != 0;
}

void report_not_judged(FILE *out, const char *prefix, const uint64_t *not_judged)
{
	const char *before = ": ";

	for (int i = 0; i < RULE_COUNT; i++) {
		if (!has_rule(not_judged, i))
			continue;
		fprintf(out, "%s%s%s", *before == ':' ? prefix : "", before, rule_table[i].id);
		before = ", ";
	}
	if (*before == ',')
		fputc('\n', out);
}

void report_not_judged_json(struct json *json, const char *key, const uint64_t *not_judged)
{
	json_array(json, key);
	for (int i = 0; i < RULE_COUNT; i++)
		if (has_rule(not_judged, i))
			json_string(json, NULL, rule_table[i].id);
	json_array_end(json);
}
