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

#define TRACE_BYTES_MAX 16 /* of an access shown */

const char *report_command = "vringer";
bool report_in_tree = true;

/* Print "COMMAND VERB -t TARGET PATH", quoted for a shell. */
static void print_command(FILE *out, const char *verb, const char *target, const char *path)
{
	escape_word(out, report_command);
	fprintf(out, " %s -t ", verb);
	escape_word(out, target);
	fputc(' ', out);
	escape_word(out, path);
}

void report_next(FILE *out, const char *target, const char *path)
{
	fputs("next: ", out);
	print_command(out, "replay -v", target, path);
	fputs("   (every operation and access)\n      ", out);
	print_command(out, "minimize", target, path);
	fputs(" -o ", out);
	if (report_in_tree)
		fprintf(out, "corpus/%s/regressions/", target);
	fputs("CAUSE.vr   (keep it)\n", out);
}

void report_elsewhere(FILE *out, const char *target, const char *path)
{
	fprintf(out,
		"this program is built with %s; if an engine reported the file, run the engine's "
		"program",
		instrumented_sanitizers());
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
	      [FINDING_MEMORY] = "memory");

	return names[kind];
}

static void print_bytes(FILE *out, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; data != NULL && i < len && i < TRACE_BYTES_MAX; i++)
		fprintf(out, "%02x", data[i]);
	if (data != NULL && len > TRACE_BYTES_MAX)
		fputs("...", out);
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

static void print_register(FILE *out, const struct trace_event *e)
{
	fprintf(out, "  driver %s ", e->kind == TRACE_REG_READ ? "reads" : "writes");
	text_print_value(out, FIELD_REG, e->addr);
	if (e->len != 4)
		fprintf(out, " (%u bytes)", e->len);
	fprintf(out, " = 0x%" PRIx64 "\n", e->value);
}

/* NULL: the device does not tell the purpose. */
static const char *purpose_name(struct guest_why why)
{
	return why.purpose != GUEST_UNTOLD ? field_names(FIELD_PURPOSE)[why.purpose + 1] : NULL;
}

static void print_access(FILE *out, const struct trace_event *e)
{
	const char *purpose = purpose_name(e->why);

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
	fputc('\n', out);
}

static void print_host(FILE *out, const struct trace_event *e)
{
	TABLE(static const char *const, acts, HOST_ACT_COUNT, 1,
	      [HOST_TYPE] = "types",
	      [HOST_TAKE] = "takes",
	      [HOST_PUT_BACK] = "puts back",
	      [HOST_SET_NUM_PAGES] = "wants");

	if (e->value == HOST_SET_NUM_PAGES) {
		fprintf(out, "  host sets num_pages: %u\n", e->len);
		return;
	}
	fprintf(out, "  host %s %u bytes of port %u: ", acts[e->value], e->len, e->index);
	print_bytes(out, e->data, e->len);
	fputc('\n', out);
}

static void print_frame(FILE *out, const struct trace_event *e)
{
	TABLE(static const char *const, ends, FRAME_END_COUNT, 1,
	      [END_AWAY - FRAME_END_FIRST] = "hands on",
	      [END_GIVEN - FRAME_END_FIRST] = "is given",
	      [END_REPLY - FRAME_END_FIRST] = "answers with");

	fprintf(out, "  device %s a frame of %u bytes: ", ends[e->value - FRAME_END_FIRST], e->len);
	print_bytes(out, e->data, e->len);
	fputc('\n', out);
}

static void print_event(const struct report_trace *t, const struct trace_event *e)
{
	FILE *out = t->out;

	switch (e->kind) {
	case TRACE_OP:
		print_op(t, e);
		break;
	case TRACE_STAGE:
		fprintf(out, "after the program: %s\n", e->name);
		break;
	case TRACE_REG_READ:
	case TRACE_REG_WRITE:
		print_register(out, e);
		break;
	case TRACE_READ:
	case TRACE_WRITE:
		print_access(out, e);
		break;
	case TRACE_INTERRUPT:
		fputs("    device interrupts: ", out);
		text_print_value(out, FIELD_INTERRUPT, e->value);
		if (e->index > 0)
			fprintf(out, ", of queue %u", e->index - 1);
		fputc('\n', out);
		break;
	case TRACE_RACE:
		fprintf(out, "    race: 0x%" PRIx64 " becomes ", e->addr);
		print_bytes(out, e->data, e->len);
		fputc('\n', out);
		break;
	case TRACE_FAULT:
		fputs("    fault: the access that follows fails\n", out);
		break;
	case TRACE_ALLOC:
		fprintf(out, "    device allocates %u bytes%s\n", e->len,
			e->err != 0 ? ": fails" : "");
		break;
	case TRACE_FREE:
		fprintf(out, "    device frees %u bytes\n", e->len);
		break;
	case TRACE_WORK:
		fputs("  the device goes on with left-over work\n", out);
		break;
	case TRACE_USED:
		fprintf(out, "  driver takes used entry of queue %u: id %" PRIu64 " len %u\n",
			e->why.queue, e->value, e->len);
		break;
	case TRACE_COUNTER:
		/* What a gauge falls by wraps around 2^64. */
		fprintf(out, "  counter %s %+" PRId64 "\n", e->name, (int64_t)e->value);
		break;
	case TRACE_FRAME:
		print_frame(out, e);
		break;
	case TRACE_HOST:
		print_host(out, e);
		break;
	case TRACE_CHANGE:
		fprintf(out, "    device changed 0x%" PRIx64 " len %u: ", e->addr, e->len);
		print_bytes(out, e->data, e->len);
		fputc('\n', out);
		break;
	default:
		report_finding(out, "  ", e->finding, t->script);
	}
}

static void print_event_json(const struct report_trace *t, const struct trace_event *e)
{
	TABLE(static const char *const, kinds, TRACE_KIND_COUNT, 1,
	      [TRACE_OP] = "op",
	      [TRACE_STAGE] = "stage",
	      [TRACE_REG_READ] = "register-read",
	      [TRACE_REG_WRITE] = "register-write",
	      [TRACE_READ] = "read",
	      [TRACE_WRITE] = "write",
	      [TRACE_INTERRUPT] = "interrupt",
	      [TRACE_RACE] = "race",
	      [TRACE_FAULT] = "fault",
	      [TRACE_ALLOC] = "alloc",
	      [TRACE_FREE] = "free",
	      [TRACE_WORK] = "work",
	      [TRACE_USED] = "used",
	      [TRACE_COUNTER] = "counter",
	      [TRACE_HOST] = "host",
	      [TRACE_FRAME] = "frame",
	      [TRACE_CHANGE] = "change",
	      [TRACE_FINDING] = "finding");
	FILE *out = t->out;

	fprintf(out, "{\"event\":\"%s\"", kinds[e->kind]);
	if (e->kind == TRACE_OP)
		fprintf(out, ",\"index\":%u", e->index);
	if (e->name != NULL) {
		fputs(",\"name\":", out);
		escape_json(out, e->name);
	}
	if ((e->kind == TRACE_READ || e->kind == TRACE_WRITE) && purpose_name(e->why) != NULL)
		fprintf(out, ",\"queue\":%u,\"purpose\":\"%s\",\"chain\":%u", e->why.queue,
			purpose_name(e->why), e->why.walk);
	if (e->kind == TRACE_USED)
		fprintf(out, ",\"queue\":%u", e->why.queue);
	if (e->kind == TRACE_INTERRUPT && e->index > 0)
		fprintf(out, ",\"queue\":%u", e->index - 1);
	fprintf(out,
		",\"addr\":\"0x%" PRIx64 "\",\"len\":%u,\"value\":\"0x%" PRIx64 "\",\"err\":%d",
		e->addr, e->len, e->value, e->err);
	if (e->data != NULL && e->err == 0) {
		fputs(",\"data\":\"", out);
		print_bytes(out, e->data, e->len);
		fputc('"', out);
	}
	if (e->finding != NULL) {
		fputs(",\"finding\":", out);
		report_finding_json(out, e->finding, t->script);
	}
	fputs("}\n", out);
}

void report_trace_event(void *ctx, const struct trace_event *event)
{
	const struct report_trace *t = ctx;

	if (t->json)
		print_event_json(t, event);
	else
		print_event(t, event);
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

const char *report_disagreements_json(FILE *out, const char *separator, const struct target *target)
{
	const struct target_disagreement *d = target->disagreements;

	for (; d != NULL && d->rule != NULL; d++) {
		fprintf(out, "%s{\"target\":", separator);
		escape_json(out, target->name);
		fprintf(out, ",\"rule\":\"%s\",\"reason\":", d->rule);
		escape_json(out, d->reason);
		fputc('}', out);
		separator = ",";
	}
	return separator;
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
	} else {
		fprintf(out, "%s  guest: after the program, %s\n", prefix, finding->verb);
	}
	fprintf(out, "%s  device: %s\n", prefix, finding->message);
	if (finding->known != NULL)
		fprintf(out, "%s  known: %s\n", prefix, finding->known);
}

static void print_finding_json(FILE *out, const struct finding *finding,
			       const struct script *script, const char *more)
{
	fprintf(out, "{\"kind\":\"%s\",\"signature\":",
		finding_kind_name((enum finding_kind)finding->kind));
	escape_json(out, finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];

		fprintf(out, ",\"rule\":\"%s\",\"severity\":\"%s\",\"clause\":\"%s\"", rule->id,
			severity_name(rule->severity), rule->clause);
	}
	if (finding->op != FINDING_OP_END) {
		fprintf(out, ",\"op\":%u", finding->op);
		if (script != NULL && script->op_lines[finding->op] != 0)
			fprintf(out, ",\"line\":%u", script->op_lines[finding->op]);
	}
	fputs(",\"verb\":", out);
	escape_json(out, finding->verb);
	fputs(",\"message\":", out);
	escape_json(out, finding->message);
	if (finding->known != NULL) {
		fputs(",\"known\":", out);
		escape_json(out, finding->known);
	}
	fprintf(out, "%s}", more);
}

void report_finding_json(FILE *out, const struct finding *finding, const struct script *script)
{
	print_finding_json(out, finding, script, "");
}

bool report_has_notes(const struct child_result *result, const struct child_job *job)
{
	const struct finding *failing = child_finding(result, job);

	return result->finding_count > (failing != NULL) || result->shortage[0] != '\0';
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
	if (result->shortage[0] != '\0')
		fprintf(out, "not judged: %s: %s\n", rule_table[RULE_LIVENESS_REQUEST].id,
			result->shortage);
}

void report_result_json(FILE *out, const struct child_result *result, const struct child_job *job)
{
	fputs("\"findings\":[", out);
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i];
		bool fails = finding_fails(f, &job->judging);

		fputs(i > 0 ? "," : "", out);
		print_finding_json(out, f, job->script,
				   fails ? ",\"fails\":true" : ",\"fails\":false");
	}
	fputs("],\"unjudged\":[", out);
	if (result->shortage[0] != '\0') {
		fprintf(out, "{\"rule\":\"%s\",\"reason\":", rule_table[RULE_LIVENESS_REQUEST].id);
		escape_json(out, result->shortage);
		fputc('}', out);
	}
	fputc(']', out);
}
