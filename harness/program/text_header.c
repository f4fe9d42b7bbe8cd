/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Parse a script's header and its annotations.  See text.h.
 */
#include "harness/program/clause.h"
#include "harness/program/text_parse.h"
#include "harness/rules/rules.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int parse_queue_max(struct text_line *line, const struct text_word *word,
			   struct program *prog)
{
	const char *end = word->start + word->len;
	struct text_word part = { word->start, 0 };

	for (int i = 0;; i++) {
		const char *comma = memchr(part.start, ',', (size_t)(end - part.start));
		uint64_t value;
		uint8_t base;

		part.len = (size_t)((comma != NULL ? comma : end) - part.start);
		if (i == PROGRAM_QUEUES)
			return text_fail(line, &part, "too many queues, at most %d",
					 PROGRAM_QUEUES);
		if (text_value(line, &part, FIELD_U16, &value, &base) != 0)
			return -EINVAL;
		prog->queue_max[i] = (uint16_t)value;
		if (comma == NULL)
			return 0;
		part.start = comma + 1;
	}
}

static int parse_target(struct text_line *line, struct script *script)
{
	struct program *prog = &script->prog;
	struct text_word word;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "no name, expected a target or 'any'");
	if (word.len >= PROGRAM_TARGET_MAX)
		return text_fail(line, &word, "the name is too long, at most %d characters",
				 PROGRAM_TARGET_MAX - 1);
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.start[i];

		if (!islower(c) && !isdigit(c) && c != '-' && c != '_')
			return text_fail(line, &word,
					 "no name of a target, expected letters a to "
					 "z, digits, '-' and '_'");
	}
	program_init(prog, "");
	memcpy(prog->target, word.start, word.len);
	prog->target[word.len] = '\0';
	script->target_line = line->number;
	script->target_column = (uint32_t)(word.start - line->start) + 1;
	return 0;
}

int text_parse_header(struct parser *p)
{
	struct program *prog = &p->script->prog;
	struct text_line *line = &p->line;
	struct text_word word;
	uint64_t value;
	uint8_t base;

	if (p->header)
		return text_fail(line, NULL, "a second header, expected one 'device' line");
	if (prog->op_count > 0)
		return text_fail(line, NULL,
				 "the header comes too late, expected it before any "
				 "operation");
	p->header = true;
	if (parse_target(line, p->script) != 0)
		return -EINVAL;
	while (text_next(line, &word)) {
		if (text_word_named(&word, "features")) {
			if (text_value(line, &word, FIELD_FEATURES, &prog->features, &base) != 0)
				return -EINVAL;
		} else if (text_word_named(&word, "features_high")) {
			if (text_value(line, &word, FIELD_FEATURES_HIGH, &prog->features_high,
				       &base) != 0)
				return -EINVAL;
		} else if (text_word_named(&word, "queue_max")) {
			if (parse_queue_max(line, &word, prog) != 0)
				return -EINVAL;
		} else if (text_word_named(&word, "budget")) {
			if (text_value(line, &word, FIELD_U16, &value, &base) != 0)
				return -EINVAL;
			if (value < 1 || value > PROGRAM_BUDGET_MAX)
				return text_fail(line, &word, "out of range, expected 1 to %d",
						 PROGRAM_BUDGET_MAX);
			prog->budget = (uint16_t)value;
		} else {
			return text_fail(line, &word,
					 "unknown '%s', expected features=, features_high=, "
					 "queue_max= or budget=",
					 text_quote(&word).text);
		}
	}
	return 0;
}

int text_parse_clause(struct parser *p)
{
	struct script *script = p->script;
	struct text_word word;

	while (text_next(&p->line, &word)) {
		if (script->clause_count == SCRIPT_CLAUSE_MAX)
			return text_fail(&p->line, &word, "too many clauses, at most %d",
					 SCRIPT_CLAUSE_MAX);
		if (clause_find(word.start, word.len) == NULL)
			return text_fail(&p->line, &word,
					 "no clause '%s', expected an id or a section of VIRTIO "
					 "1.4 (clauses.tsv, sections.txt), or policy",
					 text_quote(&word).text);
		/* Any id that clause_find finds fits into the array. */
		memcpy(script->clauses[script->clause_count], word.start, word.len);
		script->clauses[script->clause_count++][word.len] = '\0';
	}
	return 0;
}

const struct need_name script_needs[] = {
	{ NEED_READABLE, "readable" },
	{ NEED_WRITABLE, "writable" },
	{ NEED_EXACT, "exact" },
	{ NEED_DRIVEN, "driven" },
	{ NEED_REQUEST, "request" },
	{ NEED_COUNTERS, "counters" },
	{ NEED_MODEL, "model" },
	{ NEED_TOP, "memory_to_2_64" },
	{ NEED_VIRTIO_1_4, "virtio_1.4" },
	{ NEED_SPLIT, "split" },
	{ 0, NULL },
};

/* 0: none of them. */
static unsigned find_need(const struct text_word *word)
{
	const struct need_name *need = script_needs;

	while (need->name != NULL && !text_word_is(word, need->name))
		need++;
	return need->need;
}

int text_parse_needs(struct parser *p)
{
	struct script *script = p->script;
	struct text_word word;
	uint64_t value;
	uint8_t base;

	while (text_next(&p->line, &word)) {
		if (find_need(&word) != 0) {
			script->needs |= find_need(&word);
		} else if (text_word_named(&word, "size")) {
			if (text_value(&p->line, &word, FIELD_U16, &value, &base) != 0)
				return -EINVAL;
			script->needs_size = (unsigned)value;
		} else if (text_word_named(&word, "queues")) {
			if (text_value(&p->line, &word, FIELD_U8, &value, &base) != 0)
				return -EINVAL;
			script->needs_queues = (unsigned)value;
		} else if (text_word_named(&word, "features")) {
			if (text_value(&p->line, &word, FIELD_FEATURES, &value, &base) != 0)
				return -EINVAL;
			script->needs_features |= value;
		} else if (text_word_named(&word, "features_high")) {
			if (text_value(&p->line, &word, FIELD_FEATURES_HIGH, &value, &base) != 0)
				return -EINVAL;
			script->needs_features_high |= value;
		} else {
			return text_fail(
				&p->line, &word,
				"unknown need '%s', expected queues=, features=, "
				"features_high=, size=, readable, writable, exact, "
				"driven, request, counters, memory_to_2_64, split or model",
				text_quote(&word).text);
		}
	}
	return 0;
}

/* Of all demands, so it stands before the first. */
int text_parse_severity(struct parser *p)
{
	struct script *script = p->script;
	struct text_word word;
	uint8_t severity;

	if (script->severity != SEVERITY_COUNT)
		return text_fail(&p->line, NULL, "a second severity, expected one line of it");
	if (script->prog.op_count > 0)
		return text_fail(&p->line, NULL,
				 "the severity comes too late, expected it before any operation");
	if (!text_next(&p->line, &word))
		return text_fail(&p->line, NULL, "no severity, expected " TEXT_SEVERITIES);
	severity = text_severity(&word);
	if (severity == SEVERITY_COUNT)
		return text_fail(&p->line, &word, "no severity '%s', expected " TEXT_SEVERITIES,
				 text_quote(&word).text);
	if (text_next(&p->line, &word))
		return text_fail(&p->line, &word, "expected nothing after the severity");
	script->severity = severity;
	return 0;
}

/* A name that cannot be confused with another word in its place. */
static int check_name(struct text_line *line, const struct text_word *word)
{
	bool good = word->len > 0 && isalpha((unsigned char)word->start[0]);

	for (size_t i = 0; i < word->len; i++)
		good = good && (isalnum((unsigned char)word->start[i]) || word->start[i] == '_');
	if (!good)
		return text_fail(line, word,
				 "no name, expected a letter, then letters, digits "
				 "and '_'");
	if (word->len >= TEXT_NAME_MAX)
		return text_fail(line, word, "the name is too long, at most %d characters",
				 TEXT_NAME_MAX - 1);
	for (int base = BASE_LOW; base < BASE_NAMED_COUNT; base++)
		if (text_word_is(word, base_names[base]))
			return text_fail(line, word,
					 "'%s' is already the name of a place in "
					 "memory",
					 base_names[base]);
	if (word->len > 1 && strchr("bq", word->start[0]) != NULL &&
	    isdigit((unsigned char)word->start[1]))
		return text_fail(line, word, "names like b0 and q0 are taken");
	for (int i = 0; i < PROGRAM_SLOTS; i++)
		if (text_word_is(word, line->script->slot_names[i]))
			return text_fail(line, word, "b%d already has this name", i);
	return 0;
}

int text_parse_slot_name(struct parser *p)
{
	struct text_line *line = &p->line;
	struct text_word word;
	uint64_t slot;
	uint8_t base;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "no such slot, expected b0 to b15");
	if (text_value(line, &word, FIELD_SLOT, &slot, &base) != 0)
		return -EINVAL;
	if (!text_next(line, &word) || !text_word_is(&word, "="))
		return text_fail(line, &word, "expected '='");
	if (!text_next(line, &word))
		return text_fail(line, NULL, "expected the name");
	if (check_name(line, &word) != 0)
		return -EINVAL;
	memcpy(p->script->slot_names[slot], word.start, word.len);
	p->script->slot_names[slot][word.len] = '\0';
	if (text_next(line, &word))
		return text_fail(line, &word, "expected nothing after the name");
	return 0;
}
