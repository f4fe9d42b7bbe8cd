/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Escape by the rules of each format.  See escape.h.
 */
#include "harness/files/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CHARACTER_MAX 4u /* bytes of UTF-8 */

/* The character of UTF-8 that text starts with, in `code`: its length, or 0 where
 * that is none, is longer than it need be, or is half of a pair of UTF-16. */
static size_t character(const char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[CHARACTER_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)text[0];
	size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (size == 0 || size > len || first >= 0xf8)
		return 0;
	*code = size == 1 ? first : first & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((uint8_t)text[i] & 0x3fu);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return size;
}

/* How a format writes one character that it does not take as it stands, and whether
 * it did; what it left is written as its bytes are shown, behind `escape`. */
struct format {
	bool (*write)(FILE *out, uint32_t code);
	bool (*refuses)(uint32_t code);
	const char *escape;
};

static void write_text(FILE *out, const struct format *format, const char *text, size_t len)
{
	uint32_t code;

	for (size_t at = 0; at < len;) {
		size_t size = character(text + at, len - at, &code);
		size_t bytes = size > 0 ? size : 1;

		if (size == 0 || format->refuses(code)) {
			for (size_t i = 0; i < bytes; i++)
				fprintf(out, "%s%02x", format->escape, (uint8_t)text[at + i]);
		} else if (!format->write(out, code)) {
			fwrite(text + at, 1, size, out);
		}
		at += bytes;
	}
}

static bool refuses_none(uint32_t code)
{
	(void)code;
	return false;
}

static bool refuses_controls(uint32_t code)
{
	return (code < ' ' && code != '\t') || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
	       code == 0x2029;
}

static bool refuses_xml(uint32_t code)
{
	return (code < ' ' && code != '\t' && code != '\n' && code != '\r') || code == 0xfffe ||
	       code == 0xffff;
}

static bool write_json(FILE *out, uint32_t code)
{
	if (code == '"' || code == '\\')
		fprintf(out, "\\%c", (char)code);
	else if (code < ' ' || code == 0x7f)
		fprintf(out, "\\u%04x", code);
	else
		return false;
	return true;
}

/* A bare return is read as an end of line. */
static bool write_xml(FILE *out, uint32_t code)
{
	if (code != '<' && code != '>' && code != '&' && code != '"' && code != '\r')
		return false;
	fprintf(out, "&#%u;", code);
	return true;
}

/* In a value, white space is read as a space. */
static bool write_xml_value(FILE *out, uint32_t code)
{
	if (code != '\t' && code != '\n')
		return write_xml(out, code);
	fprintf(out, "&#%u;", code);
	return true;
}

static bool write_tap(FILE *out, uint32_t code)
{
	if (code != '#' && code != '\\')
		return false;
	fprintf(out, "\\%c", (char)code);
	return true;
}

static bool write_plain(FILE *out, uint32_t code)
{
	(void)out;
	(void)code;
	return false;
}

void escape_json(FILE *out, const char *text)
{
	static const struct format format = { write_json, refuses_none, "\\\\x" };

	fputc('"', out);
	write_text(out, &format, text, strlen(text));
	fputc('"', out);
}

void escape_xml(FILE *out, const char *text)
{
	static const struct format format = { write_xml, refuses_xml, "\\x" };

	write_text(out, &format, text, strlen(text));
}

void escape_xml_value(FILE *out, const char *text)
{
	static const struct format format = { write_xml_value, refuses_xml, "\\x" };

	write_text(out, &format, text, strlen(text));
}

void escape_tap(FILE *out, const char *text)
{
	static const struct format format = { write_tap, refuses_controls, "\\\\x" };

	write_text(out, &format, text, strlen(text));
}

void escape_line(FILE *out, const char *text, size_t len)
{
	static const struct format format = { write_plain, refuses_controls, "\\x" };

	write_text(out, &format, text, strnlen(text, len));
}

void escape_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_";

	if (*word == '-')
		fputs("./", out);
	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word != '\0'; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}
