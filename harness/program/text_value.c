/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The words of a line and the values in them, each checked against its range.  See
 * text.h.
 */
#include "harness/program/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

bool text_next(struct text_line *line, struct text_word *word)
{
	const char *p = line->pos;

	while (p < line->end && (*p == ' ' || *p == '\t'))
		p++;
	word->start = p;
	while (p < line->end && *p != ' ' && *p != '\t')
		p++;
	word->len = (size_t)(p - word->start);
	line->pos = p;
	return word->len > 0;
}

bool text_word_is(const struct text_word *word, const char *name)
{
	return strlen(name) == word->len && memcmp(word->start, name, word->len) == 0;
}

bool text_word_named(struct text_word *word, const char *name)
{
	size_t len = strlen(name);

	if (word->len <= len || word->start[len] != '=' || memcmp(word->start, name, len) != 0)
		return false;
	word->start += len + 1;
	word->len -= len + 1;
	return true;
}

int text_fail(const struct text_line *line, const struct text_word *word, const char *format, ...)
{
	const char *at = word != NULL ? word->start : line->end;
	va_list args;

	line->error->line = line->number;
	line->error->column = (unsigned)(at - line->start) + 1;
	va_start(args, format);
	vsnprintf(line->error->message, sizeof(line->error->message), format, args);
	va_end(args);
	return -EINVAL;
}

struct text_quoted text_quote(const struct text_word *word)
{
	struct text_quoted q;
	size_t n = word->len < 40 ? word->len : 40;

	for (size_t i = 0; i < n; i++)
		q.text[i] = word->start[i];
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)q.text[i] < ' ' || (unsigned char)q.text[i] > '~')
			q.text[i] = '?';
	memcpy(q.text + n, word->len > n ? "..." : "", word->len > n ? 4 : 1);
	return q;
}

/* Digits of `word` from `i` on; false if they are not one number below 2^64. */
static bool parse_digits(const struct text_word *word, size_t i, uint64_t *value)
{
	unsigned base = 10;
	size_t first;

	if (i + 1 < word->len && word->start[i] == '0' && word->start[i + 1] == 'x') {
		base = 16;
		i += 2;
	}
	*value = 0;
	for (first = i; i < word->len; i++) {
		int c = tolower((unsigned char)word->start[i]);
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			return false;
		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit, value))
			return false;
	}
	return i > first;
}

static int parse_number(struct text_line *line, const struct text_word *word, uint64_t max,
			uint64_t *value)
{
	if (!parse_digits(word, 0, value))
		return text_fail(line, word, "'%s' is not a number, expected 0 to %llu",
				 text_quote(word).text, (unsigned long long)max);
	if (*value > max)
		return text_fail(line, word, "%s is out of range, expected 0 to %llu",
				 text_quote(word).text, (unsigned long long)max);
	return 0;
}

static int parse_i16(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	bool negative = word->len > 0 && word->start[0] == '-';
	uint64_t magnitude;

	if (!parse_digits(word, negative, &magnitude) || magnitude > (negative ? 32768 : 32767))
		return text_fail(line, word, "'%s' is not a step, expected -32768 to 32767",
				 text_quote(word).text);
	*value = negative ? 0 - magnitude : magnitude;
	return 0;
}

static int parse_name(struct text_line *line, const struct text_word *word,
		      const char *const *names, uint64_t *value)
{
	char list[160] = "";

	for (uint64_t i = 0; names[i] != NULL; i++) {
		if (text_word_is(word, names[i])) {
			*value = i;
			return 0;
		}
		if (i > 0)
			strncat(list, ", ", sizeof(list) - strlen(list) - 1);
		strncat(list, names[i], sizeof(list) - strlen(list) - 1);
	}
	return text_fail(line, word, "'%s' is unknown, expected one of: %s", text_quote(word).text,
			 list);
}

static bool find_bit(const struct bit_name *bits, const struct text_word *word, uint64_t *bit)
{
	for (; bits->name != NULL; bits++) {
		if (text_word_is(word, bits->name)) {
			*bit = bits->bit;
			return true;
		}
	}
	return false;
}

/* NAME|NAME|number */
static int parse_bits(struct text_line *line, const struct text_word *word,
		      const struct bit_name *bits, uint64_t max, uint64_t *value)
{
	const char *end = word->start + word->len;
	struct text_word part = { word->start, 0 };

	*value = 0;
	for (;;) {
		const char *bar = memchr(part.start, '|', (size_t)(end - part.start));
		uint64_t bit;

		part.len = (size_t)((bar != NULL ? bar : end) - part.start);
		if (!find_bit(bits, &part, &bit)) {
			if (!parse_digits(&part, 0, &bit))
				return text_fail(line, &part,
						 "'%s' is not a bit, expected %s|..., or a number",
						 text_quote(&part).text, bits->name);
			if (bit > max)
				return text_fail(line, &part, "%s is out of range, at most 0x%llx",
						 text_quote(&part).text, (unsigned long long)max);
		}
		*value |= bit;
		if (bar == NULL)
			return 0;
		part.start = bar + 1;
	}
}

/* b0 to b15, or a name that the script gave; -1 if neither. */
static int find_slot(const struct script *script, const struct text_word *word)
{
	uint64_t number;

	for (int i = 0; i < PROGRAM_SLOTS; i++)
		if (script->slot_names[i][0] != '\0' && text_word_is(word, script->slot_names[i]))
			return i;
	if (word->len < 2 || word->len > 3 || word->start[0] != 'b' ||
	    (word->start[1] == '0' && word->len == 3) || !parse_digits(word, 1, &number) ||
	    number >= PROGRAM_SLOTS)
		return -1;
	return (int)number;
}

static int parse_slot(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	int slot = find_slot(line->script, word);

	if (slot < 0)
		return text_fail(line, word,
				 "no buffer '%s', expected b0 to b15 or a name given before",
				 text_quote(word).text);
	*value = (uint64_t)slot;
	return 0;
}

/* `q` or `other`, and what it stands for; false if it is neither. */
static bool find_bound(struct script *script, const struct text_word *word, uint64_t *queue)
{
	bool other = text_word_is(word, "other");

	if (!other && !text_word_is(word, "q"))
		return false;
	script->names_queue = true;
	script->names_other = script->names_other || other;
	*queue = other ? script->binding.other : script->binding.queue;
	return true;
}

/* q0 to q63; false if it is none of them. */
static bool find_numbered(const struct text_word *word, uint64_t *queue)
{
	if (word->len < 2 || word->len > 3 || word->start[0] != 'q' ||
	    (word->start[1] == '0' && word->len == 3))
		return false;
	return parse_digits(word, 1, queue) && *queue < PROGRAM_QUEUES;
}

/* qN.desc, qN.avail, qN.used, and the same of `q` and `other`; -1 if it is none of
 * them. */
static int find_ring(struct script *script, const struct text_word *word)
{
	const char *dot = memchr(word->start, '.', word->len);
	struct text_word name = { word->start, dot != NULL ? (size_t)(dot - word->start) : 0 };
	struct text_word rest;
	uint64_t queue;

	if (dot == NULL)
		return -1;
	rest = (struct text_word){ dot + 1, word->len - name.len - 1 };
	if (!find_bound(script, &name, &queue) && !find_numbered(&name, &queue))
		return -1;
	for (int i = 0; i < VIRTQUEUE_AREA_COUNT; i++)
		if (text_word_is(&rest, virtqueue_area_names[i]))
			return ring_base((unsigned)queue, (unsigned)i);
	return -1;
}

static int find_base(struct script *script, const struct text_word *word)
{
	int slot;

	for (int base = BASE_LOW; base < BASE_NAMED_COUNT; base++)
		if (text_word_is(word, base_names[base]))
			return base;
	slot = find_slot(script, word);
	return slot >= 0 ? BASE_SLOT + slot : find_ring(script, word);
}

static int parse_addr(struct text_line *line, const struct text_word *word, uint64_t *value,
		      uint8_t *base)
{
	struct text_word name = { word->start, 0 };
	struct text_word offset;
	int found;

	if (isdigit((unsigned char)word->start[0])) {
		*base = BASE_ABSOLUTE;
		return parse_number(line, word, UINT64_MAX, value);
	}
	while (name.len < word->len && name.start[name.len] != '+' && name.start[name.len] != '-')
		name.len++;
	found = find_base(line->script, &name);
	if (found < 0)
		return text_fail(line, word,
				 "'%s' is not an address, expected a number, low, seam, top, "
				 "hole, b0 "
				 "to b15, a name given before, or q0.desc, q0.avail, q0.used ..."
				 " q63.used, q.desc ...",
				 text_quote(&name).text);
	*base = (uint8_t)found;
	*value = 0;
	if (name.len == word->len)
		return 0;
	offset.start = name.start + name.len + 1;
	offset.len = word->len - name.len - 1;
	if (!parse_digits(&offset, 0, value))
		return text_fail(line, &offset, "'%s' is not an offset, expected a number",
				 text_quote(&offset).text);
	if (name.start[name.len] == '-')
		*value = 0 - *value;
	return 0;
}

static int parse_register(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	struct text_word name = { word->start, 0 };
	struct text_word offset;
	int found;

	if (isdigit((unsigned char)word->start[0]))
		return parse_number(line, word, 0xfff, value);
	while (name.len < word->len && name.start[name.len] != '+')
		name.len++;
	found = register_offset(name.start, name.len);
	if (found < 0)
		return text_fail(line, word,
				 "no register '%s', expected a name of VIRTIO 4.2.2 or an offset",
				 text_quote(&name).text);
	*value = 0;
	offset.start = name.start + name.len + 1;
	offset.len = name.len < word->len ? word->len - name.len - 1 : 0;
	if (name.len < word->len && (!parse_digits(&offset, 0, value) || *value > 0xfff))
		return text_fail(line, &offset, "'%s' is not an offset, expected 0 to 0xfff",
				 text_quote(&offset).text);
	*value += (uint64_t)found;
	return *value <= 0xfff ? 0
			       : text_fail(line, word, "past the register region, 0xfff at most");
}

static int parse_nop(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	int err = parse_number(line, word, 0xff, value);

	if (err == 0 && *value != OP_NOP && op_find((uint8_t)*value) != NULL)
		return text_fail(line, word, "%s is the code of '%s', expected an unassigned one",
				 text_quote(word).text, op_find((uint8_t)*value)->name);
	return err;
}

static int parse_queue(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	return parse_number(line, word, PROGRAM_QUEUES - 1, value);
}

static int parse_width(struct text_line *line, const struct text_word *word, uint64_t *value)
{
	if (parse_number(line, word, 8, value) != 0)
		return -EINVAL;
	return *value > 0 ? 0 : text_fail(line, word, "0 is not a width, expected 1 to 8");
}

/* Kinds whose form their names, bits or range do not tell. */
static int (*const parsers[FIELD_KIND_COUNT])(struct text_line *line, const struct text_word *word,
					      uint64_t *value) = {
	[FIELD_I16] = parse_i16,     [FIELD_SLOT] = parse_slot, [FIELD_REG] = parse_register,
	[FIELD_WIDTH] = parse_width, [FIELD_NOP] = parse_nop,	[FIELD_QUEUE] = parse_queue,
};

int text_value(struct text_line *line, const struct text_word *word, enum field_kind kind,
	       uint64_t *value, uint8_t *base)
{
	uint64_t max;

	if (word->len == 0)
		return text_fail(line, word, "the value is empty, expected one");
	*base = BASE_ABSOLUTE;
	if (kind == FIELD_ADDR)
		return parse_addr(line, word, value, base);
	if ((kind == FIELD_QUEUE || kind == FIELD_U32 || kind == FIELD_U64) &&
	    find_bound(line->script, word, value))
		return 0;
	if (parsers[kind] != NULL)
		return parsers[kind](line, word, value);
	if (field_names(kind) != NULL)
		return parse_name(line, word, field_names(kind), value);
	max = field_reduce(kind, UINT64_MAX);
	if (field_bits(kind) != NULL)
		return parse_bits(line, word, field_bits(kind), max, value);
	return parse_number(line, word, max, value);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_bytes(struct text_line *line, uint8_t *bytes, size_t max, size_t *count)
{
	struct text_word word;

	*count = 0;
	while (text_next(line, &word)) {
		if (word.len % 2 != 0)
			return text_fail(line, &word,
					 "%zu hex digits do not make whole bytes, expected an "
					 "even "
					 "number",
					 word.len);
		for (size_t i = 0; i < word.len; i += 2) {
			int high = hex_digit(word.start[i]);
			int low = hex_digit(word.start[i + 1]);
			struct text_word at = { word.start + i, 2 };

			if (high < 0 || low < 0)
				return text_fail(line, &at,
						 "'%s' is not a byte, expected two hex "
						 "digits",
						 text_quote(&at).text);
			if (*count == max)
				return text_fail(line, &at, "too many bytes, at most %zu", max);
			bytes[(*count)++] = (uint8_t)(high << 4 | low);
		}
	}
	return 0;
}
