/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Parse text into a guest program and its annotations, line by line; the first
 * fault ends it.  See text.h.
 */
#include "harness/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct parser {
	struct text_line line;
	struct text_error *error;
	struct script *script;
	bool header; /* seen */
	unsigned depth;
	/* The repeats that are open, with the lines they start on.  One more
	 * than may hold operations: an empty one is harmless at any depth, and
	 * needs to be open only until its `end`. */
	uint32_t open[PROGRAM_REPEAT_DEPTH_MAX + 1];
	unsigned open_lines[PROGRAM_REPEAT_DEPTH_MAX + 1];
	/* What a `>` line here judges: the operation run last. */
	uint32_t last_op;
	bool has_last;
};

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

static int parse_target(struct text_line *line, struct program *prog)
{
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
	return 0;
}

static int parse_header(struct parser *p)
{
	struct program *prog = &p->script->prog;
	struct text_line *line = &p->line;
	struct text_word word;
	uint64_t value;
	uint8_t base;

	if (p->header)
		return text_fail(line, NULL, "a second header, expected one 'device' line");
	if (prog->op_count > 0)
		return text_fail(line, NULL, "the header is late, expected before any operation");
	p->header = true;
	if (parse_target(line, prog) != 0)
		return -EINVAL;
	while (text_next(line, &word)) {
		if (text_word_named(&word, "features")) {
			if (text_value(line, &word, FIELD_FEATURES, &prog->features, &base) != 0)
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
					 "unknown, expected features=, queue_max= or budget=");
		}
	}
	return 0;
}

static int parse_clause(struct parser *p)
{
	struct script *script = p->script;
	struct text_word word;

	while (text_next(&p->line, &word)) {
		if (script->clause_count == SCRIPT_CLAUSE_MAX)
			return text_fail(&p->line, &word, "too many clauses, at most %d",
					 SCRIPT_CLAUSE_MAX);
		if (word.len >= sizeof(script->clauses[0]))
			return text_fail(&p->line, &word, "the clause's id is too long");
		memcpy(script->clauses[script->clause_count], word.start, word.len);
		script->clauses[script->clause_count++][word.len] = '\0';
	}
	return 0;
}

static int parse_needs(struct parser *p)
{
	struct script *script = p->script;
	struct text_word word;
	uint64_t value;
	uint8_t base;

	while (text_next(&p->line, &word)) {
		if (text_word_is(&word, "model")) {
			script->needs_model = true;
		} else if (text_word_named(&word, "queues")) {
			if (text_value(&p->line, &word, FIELD_U8, &value, &base) != 0)
				return -EINVAL;
			script->needs_queues = (unsigned)value;
		} else if (text_word_named(&word, "features")) {
			if (text_value(&p->line, &word, FIELD_FEATURES, &value, &base) != 0)
				return -EINVAL;
			script->needs_features |= value;
		} else {
			return text_fail(&p->line, &word,
					 "unknown, expected queues=, features= or model");
		}
	}
	return 0;
}

/* A name that is no other word where a name may stand. */
static int check_name(struct text_line *line, const struct text_word *word)
{
	static const char *const taken[] = { "low", "seam", "top", "hole" };
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
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (text_word_is(word, taken[i]))
			return text_fail(line, word, "'%s' is the name of a place", taken[i]);
	if (word->len > 1 && strchr("bq", word->start[0]) != NULL &&
	    isdigit((unsigned char)word->start[1]))
		return text_fail(line, word, "names like b0 and q0 are taken");
	for (int i = 0; i < PROGRAM_SLOTS; i++)
		if (text_word_is(word, line->script->slot_names[i]))
			return text_fail(line, word, "the name is b%d's already", i);
	return 0;
}

static int parse_slot_name(struct parser *p)
{
	struct text_line *line = &p->line;
	struct text_word word;
	uint64_t slot;
	uint8_t base;

	if (!text_next(line, &word))
		return text_fail(line, NULL, "no slot, expected b0 to b15");
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

/* The field that a word gives: by name, or the next positional one. */
static int find_field(struct text_line *line, const struct op_desc *desc, struct text_word *word,
		      unsigned *given)
{
	int count = 0;

	while (count < OP_FIELDS_MAX && desc->fields[count].kind != FIELD_NONE)
		count++;
	for (int i = 0; i < count; i++) {
		struct text_word whole = *word;

		if (!text_word_named(word, desc->fields[i].name))
			continue;
		if (*given & 1u << i)
			return text_fail(line, &whole, "'%s' is given twice", desc->fields[i].name);
		return i;
	}
	for (int i = 0; i < count; i++)
		if (desc->fields[i].positional && !(*given & 1u << i))
			return i;
	return count;
}

/* SLOT[:r|:w][*TIMES] */
static int parse_element(struct text_line *line, const struct text_word *word, uint8_t *element,
			 uint64_t *times)
{
	struct text_word slot = *word;
	const char *star = memchr(word->start, '*', word->len);
	bool write = false;
	uint64_t value;
	uint8_t base;

	*element = 0;
	*times = 1;
	if (star != NULL) {
		struct text_word number = { star + 1,
					    (size_t)(word->start + word->len - star) - 1 };

		if (text_value(line, &number, FIELD_U16, times, &base) != 0)
			return -EINVAL;
		if (*times == 0)
			return text_fail(line, &number, "0 times, expected 1 at least");
		slot.len = (size_t)(star - word->start);
	}
	if (slot.len > 2 && slot.start[slot.len - 2] == ':') {
		char access = slot.start[slot.len - 1];

		if (access != 'r' && access != 'w')
			return text_fail(line, word,
					 "expected ':r', ':w' or nothing after the "
					 "buffer");
		write = access == 'w';
		slot.len -= 2;
	}
	if (text_value(line, &slot, FIELD_SLOT, &value, &base) != 0)
		return -EINVAL;
	*element = (uint8_t)(value | (write ? ELEMENT_WRITE : 0));
	return 0;
}

/* The payload; `word` is its first word. */
static int parse_payload(struct parser *p, enum payload_kind kind, struct text_word *word)
{
	struct text_line *line = &p->line;
	uint8_t bytes[OP_BYTES_MAX];
	uint64_t times;
	size_t count = 0;

	if (kind == PAYLOAD_BYTES) {
		line->pos = word->start;
		if (text_bytes(line, bytes, sizeof(bytes), &count) != 0)
			return -EINVAL;
	} else {
		do {
			uint8_t element;

			if (parse_element(line, word, &element, &times) != 0)
				return -EINVAL;
			if (times > sizeof(bytes) - count)
				return text_fail(line, word, "too many buffers, at most %d",
						 OP_BYTES_MAX);
			memset(bytes + count, element, times);
			count += times;
		} while (text_next(line, word));
	}
	if (!program_add_data(&p->script->prog, bytes, count))
		return text_fail(line, NULL, "the program is too large, at most %d payload bytes",
				 PROGRAM_DATA_MAX);
	return 0;
}

static int parse_fields(struct parser *p, const struct op_desc *desc, struct op *op)
{
	struct text_line *line = &p->line;
	struct text_word word;
	unsigned given = 0;

	for (int i = 0; i < OP_FIELDS_MAX; i++)
		op->value[i] = desc->fields[i].kind == FIELD_WIDTH ? 4 : 0;
	while (text_next(line, &word)) {
		int i = find_field(line, desc, &word, &given);

		if (i < 0)
			return i;
		if (i == OP_FIELDS_MAX || desc->fields[i].kind == FIELD_NONE) {
			if (desc->payload != PAYLOAD_BYTES && desc->payload != PAYLOAD_ELEMENTS)
				return text_fail(line, &word, "expected nothing more for '%s'",
						 desc->name);
			if (parse_payload(p, desc->payload, &word) != 0)
				return -EINVAL;
			break;
		}
		if (text_value(line, &word, desc->fields[i].kind, &op->value[i], &op->base[i]) != 0)
			return -EINVAL;
		given |= 1u << i;
	}
	for (int i = 0; i < OP_FIELDS_MAX && desc->fields[i].kind != FIELD_NONE; i++)
		if (desc->fields[i].positional && !(given & 1u << i))
			return text_fail(line, NULL, "'%s' lacks its %s", desc->name,
					 desc->fields[i].name);
	return 0;
}

static int parse_op(struct parser *p, const struct text_word *verb)
{
	const struct op_desc *desc = op_find_name(verb->start, verb->len);
	struct program *prog = &p->script->prog;
	struct op *op;

	if (desc == NULL)
		return text_fail(&p->line, verb, "unknown operation, 'vringer ops' lists them");
	if (!p->header)
		return text_fail(&p->line, verb, "no header yet, expected a 'device' line first");
	if (p->depth > PROGRAM_REPEAT_DEPTH_MAX)
		return text_fail(&p->line, verb, "repeats are nested too deep, at most %d",
				 PROGRAM_REPEAT_DEPTH_MAX);
	op = program_add(prog, desc->code);
	if (op == NULL)
		return text_fail(&p->line, verb, "the program is too long, at most %d operations",
				 PROGRAM_OPS_MAX);
	p->script->op_lines[prog->op_count - 1] = p->line.number;
	if (parse_fields(p, desc, op) != 0)
		return -EINVAL;
	p->last_op = prog->op_count - 1;
	p->has_last = desc->code != OP_REPEAT;
	if (desc->code == OP_REPEAT) {
		p->open[p->depth] = prog->op_count - 1;
		p->open_lines[p->depth++] = p->line.number;
	}
	return 0;
}

static int parse_end(struct parser *p, const struct text_word *verb)
{
	struct text_word word;
	uint32_t first;

	if (p->depth == 0)
		return text_fail(&p->line, verb, "no repeat is open here");
	if (text_next(&p->line, &word))
		return text_fail(&p->line, &word, "expected nothing after 'end'");
	first = p->open[--p->depth];
	p->script->prog.ops[first].data_len = (uint16_t)(p->script->prog.op_count - first - 1);
	p->last_op = first;
	p->has_last = true;
	return 0;
}

static int parse_expect(struct parser *p, const struct text_word *mark)
{
	struct script *script = p->script;
	unsigned count = script->expect_count;

	if (!p->has_last)
		return text_fail(&p->line, mark, "no operation before it that it could judge");
	if (count == SCRIPT_EXPECT_MAX)
		return text_fail(&p->line, mark, "too many '>' lines, at most %d",
				 SCRIPT_EXPECT_MAX);
	/* '>' may stand against the first word. */
	p->line.pos = mark->start + 1;
	memset(&script->expects[count], 0, sizeof(script->expects[count]));
	script->expects[count].line = p->line.number;
	script->expects[count].op = p->last_op;
	return text_expect(&p->line);
}

static int parse_line(struct parser *p)
{
	static const struct {
		const char *name;
		int (*parse)(struct parser *p);
	} annotations[] = {
		{ "device", parse_header },
		{ "clause", parse_clause },
		{ "needs", parse_needs },
		{ "name", parse_slot_name },
	};
	struct text_word verb;

	if (!text_next(&p->line, &verb))
		return 0;
	if (verb.start[0] == '>')
		return parse_expect(p, &verb);
	for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++)
		if (text_word_is(&verb, annotations[i].name))
			return annotations[i].parse(p);
	return text_word_is(&verb, "end") ? parse_end(p, &verb) : parse_op(p, &verb);
}

/* Keep what the comment lines before the header say, joined by blanks. */
static void keep_prose(struct parser *p, const char *comment, const char *end)
{
	char *prose = p->script->prose;
	size_t used = strlen(prose);

	if (p->header || p->script->prog.op_count > 0)
		return;
	while (comment < end && (*comment == '#' || *comment == ' ' || *comment == '\t'))
		comment++;
	if (strncmp(comment, "SPDX", 4) == 0 || comment >= end)
		return;
	snprintf(prose + used, SCRIPT_PROSE_MAX - used, "%s%.*s", used > 0 ? " " : "",
		 (int)(end - comment), comment);
}

/* Set the line up from [start, end): no comment, no odd bytes, not too long. */
static int open_line(struct parser *p, const char *start, const char *end)
{
	const char *comment;

	p->line.start = start;
	p->line.pos = start;
	p->line.end = end;
	p->line.number++;
	if (end - start > TEXT_LINE_MAX)
		return text_fail(&p->line, NULL, "the line is too long, at most %d bytes",
				 TEXT_LINE_MAX);
	if (end > start && end[-1] == '\r')
		p->line.end = --end;
	comment = memchr(start, '#', (size_t)(end - start));
	if (comment != NULL) {
		keep_prose(p, comment, end);
		p->line.end = comment;
	}
	for (const char *c = start; c < end; c++) {
		struct text_word at = { c, 1 };

		if ((unsigned char)*c < ' ' && *c != '\t')
			return text_fail(&p->line, &at, "byte 0x%02x, expected text",
					 (unsigned char)*c);
	}
	return 0;
}

int text_parse(struct script *script, const char *text, size_t len, struct text_error *error)
{
	struct parser p = { .error = error, .script = script };
	const char *end = text + len;
	struct text_line *line = &p.line;

	memset(script->slot_names, 0, sizeof(script->slot_names));
	script->prose[0] = '\0';
	program_init(&script->prog, "any");
	script->clause_count = 0;
	script->needs_queues = 0;
	script->needs_features = 0;
	script->needs_model = false;
	script->expect_count = 0;
	script->pair_count = 0;
	line->script = script;
	line->error = error;
	line->start = line->end = text;
	for (const char *start = text; start < end;) {
		const char *newline = memchr(start, '\n', (size_t)(end - start));

		if (open_line(&p, start, newline != NULL ? newline : end) != 0 ||
		    parse_line(&p) != 0)
			return -EINVAL;
		start = newline != NULL ? newline + 1 : end;
	}
	if (line->number == 0)
		line->number = 1;
	if (p.depth > 0)
		return text_fail(line, NULL, "the repeat of line %u is open, expected 'end'",
				 p.open_lines[p.depth - 1]);
	if (!p.header)
		return text_fail(line, NULL, "no header, expected a 'device' line");
	return 0;
}
