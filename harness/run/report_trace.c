/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Print a trace: each event as a line of text or as a JSON object.  See report.h.
 */
#include "devices/table.h"
#include "harness/run/report.h"

#include <inttypes.h>
#include <string.h>

#define TRACE_BYTES_MAX 16 /* of an access shown */

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

static void print_op(const struct report_trace *t, const struct trace_event *e)
{
	if (t->script != NULL)
		report_guest_op(t->out, t->script, e->index);
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
	    e->why.purpose == GUEST_AVAIL_ENTRY || e->why.purpose == GUEST_USED_ENTRY ||
	    e->why.purpose == GUEST_PACKED_DESC || e->why.purpose == GUEST_PACKED_USED)
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

static void print_alter(const struct report_trace *t, const struct trace_event *e)
{
	fprintf(t->out, "  snapshot, bytes %" PRIu64 " to %" PRIu64 " become ", e->addr,
		e->addr + e->len - 1);
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
      [TRACE_ALTER] = { "alter", print_alter },
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
