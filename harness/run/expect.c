/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Check what the `>` lines of a script demand: registers, rings, counters, findings;
 * bytes are compared in expect_memory.c.  See text.h for what they mean.
 *
 * A check looks at the device as a driver does, and at guest memory as the guest does.
 * The ledger learns of neither, so a script is judged alike with and without `>` lines.
 * `used` takes the entry, as a driver does.
 */
#include "devices/table.h"
#include "harness/run/expect_internal.h"

#include <linux/virtio_mmio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool expect_wrong(const struct verdict *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(v->message, v->size, format, args);
	va_end(args);
	return false;
}

/* A value as a field of that kind. */
static struct spelled spell(enum field_kind kind, uint64_t value)
{
	struct spelled s = { "" };
	FILE *out = fmemopen(s.text, sizeof(s.text), "w");

	if (out != NULL) {
		text_print_value(out, kind, value);
		fclose(out);
	}
	return s;
}

static bool check_value(const struct verdict *v)
{
	if (v->run->guest.last_read == v->expect->value[0])
		return true;
	return expect_wrong(v, "the read returned 0x%llx, expected 0x%llx",
			    (unsigned long long)v->run->guest.last_read,
			    (unsigned long long)v->expect->value[0]);
}

static bool check_register(const struct verdict *v)
{
	uint32_t offset = (uint32_t)v->expect->value[0];
	const struct transport *t = v->run->guest.transport;
	uint32_t value;

	if (t->look_register == NULL)
		return expect_wrong(v, "%s has no registers", t->name);
	value = (uint32_t)t->look_register(&v->run->guest, offset, 4);
	if (value == v->expect->value[1])
		return true;
	return expect_wrong(v, "%s reads 0x%x, expected 0x%llx", spell(FIELD_REG, offset).text,
			    value, (unsigned long long)v->expect->value[1]);
}

static bool check_status(const struct verdict *v)
{
	uint32_t status = v->run->guest.transport->look_status(&v->run->guest);

	if ((status & v->expect->mask) == v->expect->value[0])
		return true;
	return expect_wrong(
		v, "the device status is %s, expected %s of %s", spell(FIELD_STATUS, status).text,
		spell(FIELD_STATUS, v->expect->value[0]).text,
		v->expect->mask == UINT32_MAX ? "all" : spell(FIELD_STATUS, v->expect->mask).text);
}

static bool check_interrupt_status(const struct verdict *v)
{
	uint32_t value = v->run->guest.transport->look_interrupt_status(&v->run->guest);

	if (value == v->expect->value[0])
		return true;
	return expect_wrong(v, "InterruptStatus is %s, expected %s",
			    spell(FIELD_INTERRUPT, value).text,
			    spell(FIELD_INTERRUPT, v->expect->value[0]).text);
}

static bool check_interrupts(const struct verdict *v)
{
	if (v->run->interrupts_used == v->expect->value[0] &&
	    v->run->interrupts_config == v->expect->value[1])
		return true;
	return expect_wrong(
		v, "the operation raised used=%u config=%u, expected used=%llu config=%llu",
		v->run->interrupts_used, v->run->interrupts_config,
		(unsigned long long)v->expect->value[0], (unsigned long long)v->expect->value[1]);
}

/* Both kinds were raised, and the first of one kind came before the first of the other.
 * An interrupt with both bits counts as neither first. */
static bool check_order(const struct verdict *v)
{
	static const uint32_t bits[] = { VIRTIO_MMIO_INT_VRING, VIRTIO_MMIO_INT_CONFIG };
	const struct run *run = v->run;

	if (run->interrupts_used > 0 && run->interrupts_config > 0 &&
	    run->interrupts_first == bits[v->expect->value[0]])
		return true;
	return expect_wrong(
		v, "the operation raised used=%u config=%u, first %s, expected %s before %s",
		run->interrupts_used, run->interrupts_config,
		spell(FIELD_INTERRUPT, run->interrupts_first).text,
		expect_interrupts[v->expect->value[0]], expect_interrupts[v->expect->value[1]]);
}

static bool check_generation(const struct verdict *v)
{
	uint32_t now = v->run->guest.transport->look_generation(&v->run->guest);

	if (!v->run->guest.generation_read)
		return expect_wrong(v, "the driver has not read ConfigGeneration, expected 'read "
				       "ConfigGeneration' somewhere before");
	if ((now != v->run->guest.generation) == v->expect->value[0])
		return true;
	return expect_wrong(v, "ConfigGeneration reads 0x%x, and read 0x%llx before, expected %s",
			    now, (unsigned long long)v->run->guest.generation,
			    v->expect->value[0] ? "another" : "the same");
}

/* A demand on a queue that the target has not would always hold, or never. */
static bool has_queue(const struct verdict *v, uint64_t queue)
{
	if (queue < v->run->guest.target->queue_count)
		return true;
	return expect_wrong(v, "%s has no queue %llu", v->run->guest.target->name,
			    (unsigned long long)queue);
}

static bool check_used(const struct verdict *v)
{
	const struct expect *e = v->expect;
	uint32_t id, len;

	if (!has_queue(v, e->value[2]))
		return false;
	if (!guest_take(&v->run->guest, (unsigned)e->value[2], &id, &len))
		return expect_wrong(v, "queue %llu has no further used entry, expected one",
				    (unsigned long long)e->value[2]);
	if ((!e->given[0] || id == e->value[0]) && (!e->given[1] || len == e->value[1]))
		return true;
	return expect_wrong(
		v, "the used entry of queue %llu is id=%u len=%u, expected id=%llu len=%llu",
		(unsigned long long)e->value[2], id, len,
		(unsigned long long)(e->given[0] ? e->value[0] : id),
		(unsigned long long)(e->given[1] ? e->value[1] : len));
}

static bool check_used_none(const struct verdict *v)
{
	uint32_t id, len;

	if (!has_queue(v, v->expect->value[2]))
		return false;
	if (!guest_take(&v->run->guest, (unsigned)v->expect->value[2], &id, &len))
		return true;
	return expect_wrong(v, "queue %llu has a used entry, id=%u len=%u, expected none",
			    (unsigned long long)v->expect->value[2], id, len);
}

static bool check_used_idx(const struct verdict *v)
{
	uint64_t queue = v->expect->value[0];
	uint16_t idx = guest_used_idx(&v->run->guest, (unsigned)queue);

	if (idx == v->expect->value[1])
		return true;
	return expect_wrong(v, "the used index of queue %llu is %u, expected %llu",
			    (unsigned long long)queue, idx,
			    (unsigned long long)v->expect->value[1]);
}

static int find_counter(const struct verdict *v, const char *name)
{
	unsigned count = target_counter_count(v->run->guest.target, v->run->guest.device);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(v->run->guest.target->counter_name(v->run->guest.device, i), name) == 0)
			return (int)i;
	return -1;
}

/* By how much `name` was to move. */
static uint64_t due_move(const struct verdict *v, const char *name)
{
	const struct counter_pair *pair = &v->script->pairs[v->expect->pair_first];

	for (unsigned i = 0; i < v->expect->pair_count; i++)
		if (strcmp(pair[i].name, name) == 0)
			return pair[i].value;
	return 0;
}

static bool check_counters(const struct verdict *v)
{
	const struct target *target = v->run->guest.target;
	unsigned count = target_counter_count(target, v->run->guest.device);
	uint64_t now[TARGET_COUNTERS_MAX];

	target_counters(target, v->run->guest.device, now);
	for (unsigned i = 0; i < v->expect->pair_count; i++) {
		const char *name = v->script->pairs[v->expect->pair_first + i].name;

		if (find_counter(v, name) < 0)
			return expect_wrong(v, "%s has no counter %s", target->name, name);
		if (target_is_gauge(target, name))
			return expect_wrong(
				v, "%s can fall: expected '> counter %s=', where it stands", name,
				name);
	}
	v->message[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		const char *name = target->counter_name(v->run->guest.device, i);
		uint64_t moved = now[i] - v->run->counters[i];
		size_t used = strlen(v->message);

		if (moved != due_move(v, name) && !target_is_gauge(target, name))
			snprintf(v->message + used, v->size - used,
				 "%s%s moved by %llu, expected %llu", used > 0 ? "; " : "", name,
				 (unsigned long long)moved, (unsigned long long)due_move(v, name));
	}
	return v->message[0] == '\0';
}

static bool check_counter(const struct verdict *v)
{
	int i = find_counter(v, v->expect->name);
	uint64_t now[TARGET_COUNTERS_MAX];

	if (i < 0)
		return expect_wrong(v, "%s has no counter %s", v->run->guest.target->name,
				    v->expect->name);
	target_counters(v->run->guest.target, v->run->guest.device, now);
	if (now[i] == v->expect->value[0])
		return true;
	return expect_wrong(v, "%s is %llu, expected %llu", v->expect->name,
			    (unsigned long long)now[i], (unsigned long long)v->expect->value[0]);
}

static bool check_restored(const struct verdict *v)
{
	const struct snapshot *s = &v->run->snapshots[0];

	if (s->outcome == SNAPSHOT_RESTORED)
		return true;
	if (s->outcome == SNAPSHOT_NONE)
		return expect_wrong(v, "no snapshot was restored");
	return expect_wrong(v, "the snapshot was refused, at byte %zu", s->refused_at);
}

static bool check_refused(const struct verdict *v)
{
	const struct snapshot *s = &v->run->snapshots[0];
	size_t at = (size_t)v->expect->value[0];

	if (s->outcome == SNAPSHOT_REFUSED && s->refused_at == at)
		return true;
	if (s->outcome == SNAPSHOT_REFUSED)
		return expect_wrong(v, "the snapshot was refused at byte %zu, expected %zu",
				    s->refused_at, at);
	return expect_wrong(v, "the snapshot was %s, expected a refusal at byte %zu",
			    s->outcome == SNAPSHOT_NONE ? "not restored" : "taken", at);
}

static bool check_state(const struct verdict *v)
{
	enum device_state state = target_state(v->run->guest.target, v->run->guest.device);

	if (state == v->expect->value[0])
		return true;
	return expect_wrong(v, "the device is %s, expected %s", expect_states[state],
			    expect_states[v->expect->value[0]]);
}

/* What only warns, or is known, is told of by itself; what fails the run ends it, mostly
 * before its demands are looked at. */
static bool check_silent(const struct verdict *v)
{
	const struct ledger *ledger = &v->run->guest.ledger;

	for (unsigned i = 0; i < ledger->finding_count; i++) {
		const struct finding *f = &ledger->findings[i];

		if (finding_fails(f, &ledger->judging))
			return expect_wrong(v, "%s: %s, expected silence", rule_table[f->rule].id,
					    f->message);
	}
	return true;
}

/* Had the rule been broken, the operation would not have come to its checks:
 * the runner looks at the finding itself. */
static bool check_breaks(const struct verdict *v)
{
	const struct ledger *ledger = &v->run->guest.ledger;

	for (unsigned i = 0; i < ledger->finding_count; i++)
		if (strcmp(rule_table[ledger->findings[i].rule].id, v->expect->name) == 0)
			return true;
	return expect_wrong(v, "the device keeps %s, expected it broken", v->expect->name);
}

static bool check_answered(const struct verdict *v)
{
	struct guest *g = &v->run->guest;
	struct request_wrong wrong;
	char text[160];
	uint64_t due = v->expect->value[1];
	uint32_t answered, offered;

	if (!has_queue(v, v->expect->value[0]))
		return false;
	answered = requests_take_answered(g, (unsigned)v->expect->value[0], &offered, &wrong);
	if (due == EXPECT_ANSWERED_ALL)
		due = offered > 0 ? offered : 1;
	if (wrong.kind != REQUEST_RIGHT) {
		request_wrong_print(&wrong, text, sizeof(text));
		return expect_wrong(v, "%s", text);
	}
	if (answered == due)
		return true;
	return expect_wrong(v, "queue %llu: requests answered: %u, expected %llu",
			    (unsigned long long)v->expect->value[0], answered,
			    (unsigned long long)due);
}

static bool check_outstanding(const struct verdict *v)
{
	uint32_t outstanding;

	if (!has_queue(v, v->expect->value[0]))
		return false;
	outstanding = v->run->guest.requests.queue[v->expect->value[0]].outstanding;
	if (outstanding == v->expect->value[1])
		return true;
	return expect_wrong(v, "%u chains on queue %llu have not come back, expected %llu",
			    outstanding, (unsigned long long)v->expect->value[0],
			    (unsigned long long)v->expect->value[1]);
}

/* At least one: VIRTIO allows more.  With a level-triggered line, one that was not
 * acknowledged stands for the next one too; it is no new one, though. */
static bool check_raised(const struct verdict *v)
{
	const struct run *run = v->run;
	uint32_t pending = run->guest.target->level_line
				   ? run->guest.transport->look_interrupt_status(&run->guest)
				   : 0;
	bool used = run->raised_used, config = run->raised_config;
	const bool met[] = {
		used || (pending & VIRTIO_MMIO_INT_VRING) != 0,
		config || (pending & VIRTIO_MMIO_INT_CONFIG) != 0,
		!used && !config,
	};

	if (met[v->expect->value[0]])
		return true;
	return expect_wrong(v, "raised are used=%d config=%d, expected %s", used, config,
			    expect_raised[v->expect->value[0]]);
}

typedef bool check_fn(const struct verdict *v);

TABLE(static check_fn *const, checks, EXPECT_KIND_COUNT, 1,
	[EXPECT_VALUE] = check_value,
	[EXPECT_REGISTER] = check_register,
	[EXPECT_STATUS] = check_status,
	[EXPECT_INTERRUPT_STATUS] = check_interrupt_status,
	[EXPECT_INTERRUPTS] = check_interrupts,
	[EXPECT_ORDER] = check_order,
	[EXPECT_GENERATION] = check_generation,
	[EXPECT_USED] = check_used,
	[EXPECT_USED_NONE] = check_used_none,
	[EXPECT_USED_IDX] = check_used_idx,
	[EXPECT_MEM] = expect_mem,
	[EXPECT_MEM_FILL] = expect_mem_fill,
	[EXPECT_MEM_EQUAL] = expect_mem_equal,
	[EXPECT_MEM_TYPED] = expect_mem_typed,
	[EXPECT_OUTPUT] = expect_output,
	[EXPECT_OUTPUT_LEN] = expect_output_bytes,
	[EXPECT_OUTPUT_EQUAL] = expect_output_equal,
	[EXPECT_RESTORED] = check_restored,
	[EXPECT_REFUSED] = check_refused,
	[EXPECT_COUNTERS] = check_counters,
	[EXPECT_COUNTER] = check_counter,
	[EXPECT_STATE] = check_state,
	[EXPECT_SILENT] = check_silent,
	[EXPECT_BREAKS] = check_breaks,
	[EXPECT_ANSWERED] = check_answered,
	[EXPECT_OUTSTANDING] = check_outstanding,
	[EXPECT_RAISED] = check_raised);

bool expect_check(struct run *run, const struct script *script, const struct expect *expect,
		  char *message, size_t size)
{
	struct verdict v = { run, script, expect, message, size };

	return checks[expect->kind](&v);
}
