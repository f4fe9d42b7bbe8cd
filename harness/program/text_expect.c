/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Parse `>` lines: what the device must show once the operation before them
 * has run.  expect.c checks them.
 *
 *   > value 0xf                     the last read returned this
 *   > read QueueReady 1             a register reads so now
 *   > status ACKNOWLEDGE|DRIVER     the device status, whole
 *   > status +DRIVER_OK -FAILED     ... or these bits set, those clear
 *   > interrupt_status used
 *   > interrupts used=1 config=0    raised by the operation; not named: 0
 *   > order used config             it raised both, and one of this kind first
 *   > generation moved              or same: since the driver read ConfigGeneration
 *   > used 1 id=0 len=0             the driver's next used entry, taken
 *   > used 1 none                   and there is no further one
 *   > used_idx 1 3
 *   > mem b8+12 00112233
 *   > mem_fill b8 len=12 value=0
 *   > mem_equal b8+12 b0+12 len=64
 *   > mem_typed b8 len=64 seed=1 at=0   bytes of what `type ... len= seed=` gives
 *   > output 68656c6c6f             what take_output took, or none
 *   > output_len 5
 *   > output_equal b1 len=5 at=0    ... from there on is what memory holds
 *   > restored                      a new device accepted the snapshot
 *   > refused 28                    it refused it, because of this byte
 *   > counters tx_packets=1         exactly these moved, by that much
 *   > counters none
 *   > counter tx_packets=3          stands at
 *   > state work                    the device rests with work left, waiting or idle
 *   > silent                        no rule broken so far that fails a run
 *   > breaks completion.not-held    the operation breaks that rule
 *   > answered q 3                  three requests came back since the last such line or
 *                                   `start`, each as the target declares; `all`: as many
 *                                   as were offered, and one at least
 *   > outstanding q 1               so many have not come back
 *   > raised used                   the operation raised it, or the one that it goes on
 *                                   with, or a level-triggered line is up
 *
 * A severity may stand first, as rules have one: `> should raised none`.  Else it is that of
 * the header's `severity` line, or that of the kind of demand: must, what VIRTIO demands or
 * the target itself declares, but for what VIRTIO says nothing of.  That a snapshot is taken
 * is our policy (limit), as the rules about snapshots are; counters, how many interrupts
 * there are and in which order, what a device rests in and why it refuses a snapshot are
 * each device's own (model).
 */
#include "devices/table.h"
#include "harness/program/text.h"
#include "harness/rules/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

TABLE(const char *const, expect_states, DEVICE_STATE_COUNT + 1, 1,
      [DEVICE_IDLE] = "idle",
      [DEVICE_WORK] = "work",
      [DEVICE_WAITING] = "waiting",
      [DEVICE_STATE_COUNT] = NULL);
const char *const expect_interrupts[] = { "used", "config", NULL };
const char *const expect_raised[] = { "used", "config", "none", NULL };
const char *const expect_moves[] = { "same", "moved", NULL };

/* Copy a name from `word`, up to an optional '=', into `name`. */
static int copy_name(struct text_line *line, const struct text_word *word, size_t len,
		     char (*name)[48])
{
	if (len == 0 || len >= sizeof(*name))
		return text_fail(line, word, "no name, expected 1 to %zu characters",
				 sizeof(*name) - 1);
	memcpy(*name, word->start, len);
	(*name)[len] = '\0';
	return 0;
}

static int need_value(struct text_line *line, enum field_kind kind, const char *what,
		      uint64_t *value, uint8_t *base)
{
	struct text_word word;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected %s", what);
	return text_value(line, &word, kind, value, base);
}

/* NAME=VALUE words up to the end; each at most once, all of them if `all`. */
static int named_values(struct text_line *line, const char *const *names, bool all,
			const enum field_kind *fields, uint64_t *values, bool *given)
{
	struct text_word word;
	uint8_t base;

	while (text_next(line, &word)) {
		int i = 0;

		while (names[i] != NULL && !text_word_named(&word, names[i]))
			i++;
		if (names[i] == NULL)
			return text_fail(line, &word, "unknown, expected %s=", names[0]);
		if (given[i])
			return text_fail(line, &word, "'%s' is given twice", names[i]);
		given[i] = true;
		if (text_value(line, &word, fields[i], &values[i], &base) != 0)
			return -EINVAL;
	}
	for (int i = 0; all && names[i] != NULL; i++)
		if (!given[i])
			return text_fail(line, NULL, "expected %s=", names[i]);
	return 0;
}

static int parse_value(struct text_line *line, struct expect *e)
{
	return need_value(line, FIELD_U64, "the value", &e->value[0], &e->base[0]);
}

static int parse_read(struct text_line *line, struct expect *e)
{
	if (need_value(line, FIELD_REG, "a register", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	return need_value(line, FIELD_U32, "its value", &e->value[1], &e->base[1]);
}

/* The whole status, or bits with signs: value[0] is compared under the mask. */
static int parse_status(struct text_line *line, struct expect *e)
{
	struct text_word word;
	uint64_t bits;
	uint8_t base;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected bits, +BIT or -BIT");
	do {
		char sign = word.start[0];

		if (sign == '+' || sign == '-') {
			word.start++;
			word.len--;
		} else if (e->mask != 0) {
			return text_fail(line, &word, "expected +BIT or -BIT");
		}
		if (e->mask == UINT32_MAX)
			return text_fail(line, &word, "expected nothing after the whole status");
		if (text_value(line, &word, FIELD_STATUS, &bits, &base) != 0)
			return -EINVAL;
		e->mask |= sign == '+' || sign == '-' ? bits : UINT32_MAX;
		if (sign != '-')
			e->value[0] |= bits;
	} while (text_next(line, &word));
	return 0;
}

static int parse_interrupt_status(struct text_line *line, struct expect *e)
{
	return need_value(line, FIELD_INTERRUPT, "bits", &e->value[0], &e->base[0]);
}

static int parse_interrupts(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "used", "config", NULL };
	static const enum field_kind fields[] = { FIELD_U32, FIELD_U32 };
	bool given[2] = { false, false };

	return named_values(line, names, false, fields, e->value, given);
}

/* Parse one of `names`; *value gets its index. */
static int need_name(struct text_line *line, const char *const *names, const char *list,
		     uint64_t *value)
{
	struct text_word word;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected %s", list);
	for (*value = 0; names[*value] != NULL; ++*value)
		if (text_word_is(&word, names[*value]))
			return 0;
	return text_fail(line, &word, "'%s', expected %s", text_quote(&word).text, list);
}

static int parse_order(struct text_line *line, struct expect *e)
{
	for (int i = 0; i < 2; i++)
		if (need_name(line, expect_interrupts, "used config or config used",
			      &e->value[i]) != 0)
			return -EINVAL;
	if (e->value[0] == e->value[1])
		return text_fail(line, NULL,
				 "the same word twice, expected used config or "
				 "config used");
	return 0;
}

static int parse_generation(struct text_line *line, struct expect *e)
{
	return need_name(line, expect_moves, "moved or same", &e->value[0]);
}

static int parse_used(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "id", "len", NULL };
	static const enum field_kind fields[] = { FIELD_U32, FIELD_U32 };
	struct text_line rest;
	struct text_word word;

	if (need_value(line, FIELD_QUEUE, "a queue", &e->value[2], &e->base[0]) != 0)
		return -EINVAL;
	rest = *line;
	if (!text_next(&rest, &word))
		return text_fail(line, NULL, "expected id=, len= or none");
	if (text_word_is(&word, "none")) {
		*line = rest;
		e->kind = EXPECT_USED_NONE;
		return 0;
	}
	return named_values(line, names, false, fields, e->value, e->given);
}

static int parse_used_idx(struct text_line *line, struct expect *e)
{
	if (need_value(line, FIELD_QUEUE, "a queue", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	return need_value(line, FIELD_U16, "the index", &e->value[1], &e->base[1]);
}

static int parse_mem(struct text_line *line, struct expect *e)
{
	size_t count;

	if (need_value(line, FIELD_ADDR, "an address", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	if (text_bytes(line, e->bytes, sizeof(e->bytes), &count) != 0)
		return -EINVAL;
	if (count == 0)
		return text_fail(line, NULL, "expected bytes in hex");
	e->byte_count = (uint16_t)count;
	return 0;
}

static int parse_mem_fill(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "len", "value", NULL };
	static const enum field_kind fields[] = { FIELD_U32, FIELD_U8 };
	bool given[2] = { false, false };

	if (need_value(line, FIELD_ADDR, "an address", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	return named_values(line, names, true, fields, e->value + 2, given);
}

static int parse_mem_equal(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "len", NULL };
	static const enum field_kind fields[] = { FIELD_U32 };
	bool given[1] = { false };

	if (need_value(line, FIELD_ADDR, "an address", &e->value[0], &e->base[0]) != 0 ||
	    need_value(line, FIELD_ADDR, "another address", &e->value[1], &e->base[1]) != 0)
		return -EINVAL;
	return named_values(line, names, true, fields, e->value + 2, given);
}

static int parse_mem_typed(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "len", "seed", "at", NULL };
	static const enum field_kind fields[] = { FIELD_U32, FIELD_U8, FIELD_U32 };
	bool given[3] = { false, false, false };

	if (need_value(line, FIELD_ADDR, "an address", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	return named_values(line, names, false, fields, e->value + 1, given);
}

static int parse_output(struct text_line *line, struct expect *e)
{
	struct text_line rest = *line;
	struct text_word word;
	size_t count;

	if (!text_next(&rest, &word))
		return text_fail(line, NULL, "expected bytes in hex, or none");
	if (text_word_is(&word, "none")) {
		*line = rest;
		return 0;
	}
	if (text_bytes(line, e->bytes, sizeof(e->bytes), &count) != 0)
		return -EINVAL;
	e->byte_count = (uint16_t)count;
	return 0;
}

static int parse_output_len(struct text_line *line, struct expect *e)
{
	return need_value(line, FIELD_U32, "the number of bytes", &e->value[0], &e->base[0]);
}

static int parse_output_equal(struct text_line *line, struct expect *e)
{
	static const char *const names[] = { "len", "at", NULL };
	static const enum field_kind fields[] = { FIELD_U32, FIELD_U32 };
	bool given[2] = { false, false };

	if (need_value(line, FIELD_ADDR, "an address", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	return named_values(line, names, false, fields, e->value + 2, given);
}

/* NAME=VALUE */
static int parse_pair(struct text_line *line, const struct text_word *word, char (*name)[48],
		      uint64_t *value)
{
	const char *equals = memchr(word->start, '=', word->len);
	struct text_word rest;
	uint8_t base;

	if (equals == NULL)
		return text_fail(line, word, "expected COUNTER=NUMBER");
	if (copy_name(line, word, (size_t)(equals - word->start), name) != 0)
		return -EINVAL;
	rest.start = equals + 1;
	rest.len = (size_t)(word->start + word->len - rest.start);
	return text_value(line, &rest, FIELD_U64, value, &base);
}

static int parse_counters(struct text_line *line, struct expect *e)
{
	struct script *script = line->script;
	struct text_word word;

	e->pair_first = (uint16_t)script->pair_count;
	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected COUNTER=NUMBER ... or none");
	if (text_word_is(&word, "none"))
		return 0;
	do {
		struct counter_pair *pair = &script->pairs[script->pair_count];

		if (script->pair_count == SCRIPT_PAIR_MAX)
			return text_fail(line, &word, "too many counters, at most %d in a script",
					 SCRIPT_PAIR_MAX);
		if (parse_pair(line, &word, &pair->name, &pair->value) != 0)
			return -EINVAL;
		script->pair_count++;
		e->pair_count++;
	} while (text_next(line, &word));
	return 0;
}

static int parse_counter(struct text_line *line, struct expect *e)
{
	struct text_word word;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected COUNTER=NUMBER");
	return parse_pair(line, &word, &e->name, &e->value[0]);
}

static int parse_state(struct text_line *line, struct expect *e)
{
	return need_name(line, expect_states, "idle, work or waiting", &e->value[0]);
}

static int parse_silent(struct text_line *line, struct expect *e)
{
	(void)line;
	(void)e;
	return 0;
}

static int parse_restored(struct text_line *line, struct expect *e)
{
	(void)line;
	(void)e;
	return 0;
}

static int parse_refused(struct text_line *line, struct expect *e)
{
	return need_value(line, FIELD_U32, "the byte", &e->value[0], &e->base[0]);
}

static int parse_breaks(struct text_line *line, struct expect *e)
{
	struct text_word word;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected a rule, 'vringer rules' lists them");
	if (copy_name(line, &word, word.len, &e->name) != 0)
		return -EINVAL;
	if (rule_find(e->name) < 0)
		return text_fail(line, &word, "no rule '%s', 'vringer rules' lists them", e->name);
	return 0;
}

static int parse_answered(struct text_line *line, struct expect *e)
{
	struct text_line rest;
	struct text_word word;

	if (need_value(line, FIELD_QUEUE, "a queue", &e->value[0], &e->base[0]) != 0)
		return -EINVAL;
	rest = *line;
	if (e->kind == EXPECT_ANSWERED && text_next(&rest, &word) && text_word_is(&word, "all")) {
		*line = rest;
		e->value[1] = EXPECT_ANSWERED_ALL;
		return 0;
	}
	return need_value(line, FIELD_COUNT, "how many", &e->value[1], &e->base[1]);
}

static int parse_raised(struct text_line *line, struct expect *e)
{
	return need_name(line, expect_raised, "used, config or none", &e->value[0]);
}

static const struct {
	const char *name;
	uint8_t kind, severity;
	int (*parse)(struct text_line *line, struct expect *e);
} expectations[] = {
	{ "value", EXPECT_VALUE, SEVERITY_MUST, parse_value },
	{ "read", EXPECT_REGISTER, SEVERITY_MUST, parse_read },
	{ "status", EXPECT_STATUS, SEVERITY_MUST, parse_status },
	{ "interrupt_status", EXPECT_INTERRUPT_STATUS, SEVERITY_MUST, parse_interrupt_status },
	{ "interrupts", EXPECT_INTERRUPTS, SEVERITY_MODEL, parse_interrupts },
	{ "order", EXPECT_ORDER, SEVERITY_MODEL, parse_order },
	{ "generation", EXPECT_GENERATION, SEVERITY_MUST, parse_generation },
	{ "used", EXPECT_USED, SEVERITY_MUST, parse_used },
	{ "used_idx", EXPECT_USED_IDX, SEVERITY_MUST, parse_used_idx },
	{ "mem", EXPECT_MEM, SEVERITY_MUST, parse_mem },
	{ "mem_fill", EXPECT_MEM_FILL, SEVERITY_MUST, parse_mem_fill },
	{ "mem_equal", EXPECT_MEM_EQUAL, SEVERITY_MUST, parse_mem_equal },
	{ "mem_typed", EXPECT_MEM_TYPED, SEVERITY_MUST, parse_mem_typed },
	{ "output", EXPECT_OUTPUT, SEVERITY_MUST, parse_output },
	{ "output_len", EXPECT_OUTPUT_LEN, SEVERITY_MUST, parse_output_len },
	{ "output_equal", EXPECT_OUTPUT_EQUAL, SEVERITY_MUST, parse_output_equal },
	{ "restored", EXPECT_RESTORED, SEVERITY_LIMIT, parse_restored },
	{ "refused", EXPECT_REFUSED, SEVERITY_MODEL, parse_refused },
	{ "counters", EXPECT_COUNTERS, SEVERITY_MODEL, parse_counters },
	{ "counter", EXPECT_COUNTER, SEVERITY_MODEL, parse_counter },
	{ "state", EXPECT_STATE, SEVERITY_MODEL, parse_state },
	{ "silent", EXPECT_SILENT, SEVERITY_MUST, parse_silent },
	{ "breaks", EXPECT_BREAKS, SEVERITY_MUST, parse_breaks },
	{ "answered", EXPECT_ANSWERED, SEVERITY_MUST, parse_answered },
	{ "outstanding", EXPECT_OUTSTANDING, SEVERITY_MUST, parse_answered },
	{ "raised", EXPECT_RAISED, SEVERITY_MUST, parse_raised },
};

uint8_t text_severity(const struct text_word *word)
{
	uint8_t severity = 0;

	while (severity < SEVERITY_COUNT &&
	       !text_word_is(word, severity_name((enum severity)severity)))
		severity++;
	return severity;
}

/* Names all that there are. */
static int unknown_demand(struct text_line *line, const struct text_word *word,
			  const char *severities)
{
	char names[TEXT_MESSAGE_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		int n = snprintf(names + len, sizeof(names) - len, " %s", expectations[i].name);

		if (n < 0 || (size_t)n >= sizeof(names) - len)
			break;
		len += (size_t)n;
	}
	return text_fail(line, word, "unknown demand '%s', expected %sone of%s",
			 text_quote(word).text, severities, names);
}

int text_expect(struct text_line *line)
{
	struct script *script = line->script;
	struct expect *e = &script->expects[script->expect_count];
	struct text_word word;
	uint8_t severity, named;

	if (!text_next(line, &word))
		return text_fail(line, NULL,
				 "nothing after '>', expected what the device must "
				 "show");
	named = text_severity(&word);
	if (named != SEVERITY_COUNT && !text_next(line, &word))
		return text_fail(line, NULL, "expected what the device must show");
	severity = named != SEVERITY_COUNT ? named : script->severity;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		if (!text_word_is(&word, expectations[i].name))
			continue;
		e->kind = expectations[i].kind;
		e->severity = severity != SEVERITY_COUNT ? severity : expectations[i].severity;
		if (expectations[i].parse(line, e) != 0)
			return -EINVAL;
		if (text_next(line, &word))
			return text_fail(line, &word, "expected nothing more here");
		script->expect_count++;
		return 0;
	}
	return unknown_demand(line, &word,
			      named == SEVERITY_COUNT ? "must, should, limit, model or " : "");
}
