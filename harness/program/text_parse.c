/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Parse text into a guest program and its annotations, line by line, up to the first
 * error.  See text.h.
 */
#include "harness/program/text_parse.h"
#include "harness/rules/rules.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* The field that a word sets: named by NAME=, or the next positional one. */
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

/* What a request of `q` or `other` is by default; notes what the script names. */
static void bind_request(struct script *script, struct op *op, const struct text_word *queue,
			 unsigned given)
{
	const struct script_binding *binding = &script->binding;
	bool other = text_word_is(queue, "other"), named = other || text_word_is(queue, "q");

	if (op->code < OP_CHAIN_REQUEST || op->code > OP_SEND_REQUEST || !named)
		return;
	script->sends_request = script->sends_request || !other;
	if ((given >> SEND_REQUEST_WHICH & 1) == 0)
		op->value[SEND_REQUEST_WHICH] = other ? binding->other_which : binding->which;
	if ((given >> SEND_REQUEST_LAYOUT & 1) == 0) {
		op->value[SEND_REQUEST_LAYOUT] = binding->layout;
		script->free_layout = true;
	}
}

static void bind_ring(struct script *script, struct op *op, unsigned given)
{
	if (op->code != OP_START || (given >> START_RING & 1) != 0)
		return;
	op->value[START_RING] = script->binding.ring;
	script->free_ring = true;
}

static int parse_fields(struct parser *p, const struct op_desc *desc, struct op *op)
{
	struct text_line *line = &p->line;
	struct text_word word, queue = { "", 0 };
	unsigned given = 0;

	for (int i = 0; i < OP_FIELDS_MAX; i++)
		op->value[i] = desc->fields[i].kind == FIELD_WIDTH ? 4 : 0;
	while (text_next(line, &word)) {
		int i = find_field(line, desc, &word, &given);

		if (i < 0)
			return i;
		if (i == OP_FIELDS_MAX || desc->fields[i].kind == FIELD_NONE) {
			if (desc->payload != PAYLOAD_BYTES && desc->payload != PAYLOAD_ELEMENTS)
				return text_fail(line, &word,
						 "unknown '%s', expected nothing more for '%s'",
						 text_quote(&word).text, desc->name);
			if (parse_payload(p, desc->payload, &word) != 0)
				return -EINVAL;
			break;
		}
		if (text_value(line, &word, desc->fields[i].kind, &op->value[i], &op->base[i]) != 0)
			return -EINVAL;
		given |= 1u << i;
		if (desc->fields[i].kind == FIELD_QUEUE)
			queue = word;
	}
	bind_request(p->script, op, &queue, given);
	bind_ring(p->script, op, given);
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
		return text_fail(&p->line, verb, "unknown operation '%s', 'vringer ops' lists them",
				 text_quote(verb).text);
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
	if (op->code == OP_SET_DESC &&
	    op->value[SET_DESC_VALUE] !=
		    desc_value_reduce((enum desc_field)op->value[SET_DESC_FIELD],
				      op->value[SET_DESC_VALUE]))
		return text_fail(&p->line, verb, "the value does not fit the field %s",
				 field_names(FIELD_DESC_FIELD)[op->value[SET_DESC_FIELD]]);
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
		return text_fail(&p->line, mark,
				 "no operation before this line, expected one "
				 "for it to be about");
	if (count == SCRIPT_EXPECT_MAX)
		return text_fail(&p->line, mark, "too many '>' lines, at most %d",
				 SCRIPT_EXPECT_MAX);
	/* There may be no space between '>' and the first word. */
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
		{ "device", text_parse_header },  { "clause", text_parse_clause },
		{ "needs", text_parse_needs },	  { "severity", text_parse_severity },
		{ "name", text_parse_slot_name },
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

/* Keep the text of the comment lines before the header, joined by spaces. */
static void keep_prose(struct parser *p, const char *comment, const char *end)
{
	char *prose = p->script->prose;
	size_t used = strlen(prose);

	if (p->header || p->script->prog.op_count > 0)
		return;
	while (comment < end && (*comment == '#' || *comment == ' ' || *comment == '\t'))
		comment++;
	if (comment == end || (end - comment >= 4 && memcmp(comment, "SPDX", 4) == 0))
		return;
	snprintf(prose + used, SCRIPT_PROSE_MAX - used, "%s%.*s", used > 0 ? " " : "",
		 (int)(end - comment), comment);
}

/* Set the line up from [start, end): remove the comment, reject odd bytes and excess
 * length. */
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

const char *text_mark(const char *text, size_t len)
{
	static const struct {
		const char *bytes, *name;
	} marks[] = {
		{ "\xef\xbb\xbf", "a byte-order mark (UTF-8)" },
		{ "\xff\xfe", "a byte-order mark (UTF-16)" },
		{ "\xfe\xff", "a byte-order mark (UTF-16)" },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (len >= strlen(marks[i].bytes) &&
		    memcmp(text, marks[i].bytes, strlen(marks[i].bytes)) == 0)
			return marks[i].name;
	return NULL;
}

int text_parse(struct script *script, const char *text, size_t len, struct text_error *error)
{
	static const struct script_binding first = { .queue = 0, .other = 1 };

	return text_parse_bound(script, text, len, &first, error);
}

int text_parse_bound(struct script *script, const char *text, size_t len,
		     const struct script_binding *binding, struct text_error *error)
{
	struct parser p = { .error = error, .script = script };
	const char *end = text + len;
	struct text_line *line = &p.line;

	memset(script->slot_names, 0, sizeof(script->slot_names));
	script->target_line = script->target_column = 0;
	script->prose[0] = '\0';
	program_init(&script->prog, "any");
	script->clause_count = 0;
	script->needs_queues = 0;
	script->needs_features = script->needs_features_high = 0;
	script->needs = 0;
	script->needs_size = 0;
	script->severity = SEVERITY_COUNT;
	script->binding = *binding;
	script->names_queue = script->names_other = script->sends_request = false;
	script->free_layout = script->free_ring = false;
	script->expect_count = 0;
	script->pair_count = 0;
	line->script = script;
	line->error = error;
	line->start = line->end = text;
	if (text_mark(text, len) != NULL) {
		const struct text_word at = { text, 1 };

		line->number = 1;
		return text_fail(line, &at, "%s, expected text without one", text_mark(text, len));
	}
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
		return text_fail(line, NULL,
				 "the repeat of line %u is not closed, expected "
				 "'end'",
				 p.open_lines[p.depth - 1]);
	if (!p.header)
		return text_fail(line, NULL, "no header, expected a 'device' line");
	return 0;
}
