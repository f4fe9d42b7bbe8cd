/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a peer's death is called: how it ended, and what it said of it.
 *
 * A name must be the same each time the same thing happens, and another where another
 * does.  So of its words only those count that programs write when they end themselves
 * (sanitizers, assert, GLib, QEMU, glibc's heap, Rust, Go), and of those no number, path or
 * address.  Nothing here knows a peer.
 */
#include "harness/peers/process_internal.h"
#include "harness/rules/sanitizer.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SLUG_MAX 44u   /* letters of a message, up to the end of a word */
#define DETAIL_MAX 64u /* ... of a function's name, or a file and a message */
#define SAID_MAX 200u  /* bytes of a line, in a message */

/* What is looked at: one line without its end, and where the rest begins. */
struct line {
	const char *text;
	size_t len;
	const char *next; /* the line after it; NULL: it is the last */
};

/* The line at `text`. */
static struct line line_at(const char *text)
{
	size_t len = strcspn(text, "\n");

	return (struct line){ .text = text,
			      .len = len,
			      .next = text[len] != '\0' ? text + len + 1 : NULL };
}

static bool begins(const struct line *line, const char *with)
{
	size_t len = strlen(with);

	return line->len >= len && memcmp(line->text, with, len) == 0;
}

/* Where `what` is in the line; NULL: nowhere. */
static const char *find(const struct line *line, const char *from, const char *what)
{
	return memmem(from, (size_t)(line->text + line->len - from), what, strlen(what));
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A word of a message that is the same each time: not a path, no number in it. */
static bool is_plain(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isdigit((unsigned char)word[i]) || word[i] == '/')
			return false;
	return len > 0;
}

/* Add the words of `text`, `-` between them: "virtio-zero-sized-buffers". */
static void add_slug(char *to, size_t size, const char *text, size_t len)
{
	size_t used = strlen(to), begin = used;

	for (size_t i = 0; i < len;) {
		size_t word = 0, at = used, letters = 0;

		while (i + word < len && !isspace((unsigned char)text[i + word]))
			word++;
		if (is_plain(text + i, word)) {
			bool gap = used > begin;

			for (size_t j = 0; j < word; j++) {
				char c = text[i + j];

				if (!isalpha((unsigned char)c) && c != '_') {
					gap = letters > 0 || used > begin;
					continue;
				}
				if (at + 2 >= size || at + 2 - begin > SLUG_MAX)
					goto out;
				if (gap)
					to[at++] = '-';
				gap = false;
				to[at++] = c;
				letters++;
			}
			used = letters > 0 ? at : used;
		}
		i += word + 1;
	}
out:
	to[used] = '\0';
}

/* Add a name of C, C++, Rust or Go, as far as a signature may hold it. */
static void add_name(char *to, size_t size, const char *name, size_t len)
{
	size_t used = strlen(to);

	for (size_t i = 0; i < len && used + 1 < size; i++) {
		bool kept = is_name_char(name[i]) || strchr(".:-", name[i]) != NULL;

		to[used++] = kept ? name[i] : '_';
	}
	to[used] = '\0';
}

/* The name before a '(' or the end: of "void ns::f(int)" "ns::f". */
static void add_function(char *to, size_t size, const char *text, size_t len)
{
	const char *bracket = memchr(text, '(', len);
	size_t end = bracket != NULL ? (size_t)(bracket - text) : len, begin = end;

	while (begin > 0 && text[begin - 1] != ' ')
		begin--;
	add_name(to, size, text + begin, end - begin);
}

/* "prog: ../a.c:12: f: Assertion `x' failed.", of glibc; musl: "Assertion failed: x (a.c:
 * f: 12)" */
static bool say_assert(const struct line *line, char *detail, size_t size)
{
	const char *end = find(line, line->text, ": Assertion `"), *begin;

	if (end != NULL) {
		begin = end;
		/* A name of C++ has colons, but no blank after one. */
		while (begin > line->text &&
		       !(begin[-1] == ' ' && begin - 1 > line->text && begin[-2] == ':'))
			begin--;
		add_function(detail, size, begin, (size_t)(end - begin));
		return true;
	}
	if (!begins(line, "Assertion failed: "))
		return false;
	end = memrchr(line->text, ':', line->len);
	begin = end != NULL ? memrchr(line->text, ':', (size_t)(end - line->text)) : NULL;
	if (begin == NULL)
		return false;
	begin += strspn(begin, ": ");
	add_function(detail, size, begin, (size_t)(end - begin));
	return end > begin;
}

/* "ERROR:../a.c:12:f: assertion failed: (x)", "Bail out! ERROR:...", of GLib */
static bool say_glib(const struct line *line, char *detail, size_t size)
{
	const char *at = line->text;
	size_t len;

	if (begins(line, "Bail out! "))
		at += strlen("Bail out! ");
	if ((size_t)(line->text + line->len - at) < 6 || memcmp(at, "ERROR:", 6) != 0)
		return false;
	for (at += 6; at < line->text + line->len; at++)
		if (at[0] == ':' && isdigit((unsigned char)at[1])) {
			at += 1 + strspn(at + 1, "0123456789");
			len = *at == ':' ? strcspn(at + 1, ":\n") : 0;
			add_function(detail, size, at + 1, len);
			return len > 0;
		}
	return false;
}

/* "Unexpected error in f() at ../a.c:12:", of QEMU */
static bool say_unexpected(const struct line *line, char *detail, size_t size)
{
	static const char words[] = "Unexpected error in ";
	const char *at = find(line, line->text, words);

	if (at == NULL)
		return false;
	at += strlen(words);
	add_name(detail, size, at, strcspn(at, "( \n"));
	return true;
}

/* "thread 'x' panicked at 'words', src/a.rs:1:2", and since Rust 1.73 "thread 'x' panicked
 * at src/a.rs:1:2:" with the words on the next line */
static bool say_rust(const struct line *line, char *detail, size_t size)
{
	static const char words[] = " panicked at ";
	const char *at = begins(line, "thread '") ? find(line, line->text, words) : NULL;
	const char *end = line->text + line->len, *file, *said, *colon;
	size_t len;

	if (at == NULL)
		return false;
	at += strlen(words);
	if (*at == '\'') {
		said = at + 1;
		file = said < end ? memrchr(said, ' ', (size_t)(end - said)) : NULL;
		file = file != NULL ? file + 1 : end;
		len = (size_t)(file - said);
	} else {
		said = line->next != NULL ? line->next : end;
		file = at;
		len = strcspn(said, "\n");
	}
	colon = memchr(file, ':', (size_t)(end - file));
	end = colon != NULL ? colon : end;
	for (const char *c = file; c < end; c++)
		if (*c == '/')
			file = c + 1;
	add_name(detail, size, file, (size_t)(end - file));
	if (strlen(detail) + 1 < size)
		strcat(detail, ":");
	add_slug(detail, size, said, len);
	return true;
}

/* "panic: runtime error: ...", "fatal error: ..." with "goroutine" below, of Go */
static bool say_go(const struct line *line, char *detail, size_t size)
{
	if ((!begins(line, "panic: ") && !begins(line, "fatal error: ")) || line->next == NULL ||
	    strstr(line->next, "goroutine ") == NULL)
		return false;
	add_slug(detail, size, line->text, line->len);
	return true;
}

/* What glibc says before it aborts. */
static bool say_libc(const struct line *line, char *detail, size_t size)
{
	static const char *const starts[] = {
		"free(): ",
		"malloc(): ",
		"realloc(): ",
		"munmap_chunk(): ",
		"malloc_",
		"double free ",
		"corrupted ",
		"*** stack smashing ",
		"*** buffer ",
		"terminate ",
		"FATAL: exception not rethrown",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (begins(line, starts[i])) {
			add_slug(detail, size, line->text, line->len);
			return true;
		}
	return false;
}

/* Programs that say where they ended themselves; the line that says so is in *found. */
static bool find_place(const char *words, struct line *found, char *detail, size_t size)
{
	static bool (*const sayings[])(const struct line *, char *,
				       size_t) = { say_assert, say_glib, say_unexpected,
						   say_rust,   say_go,	 say_libc };

	for (const char *at = words; at != NULL && *at != '\0'; at = found->next) {
		*found = line_at(at);
		/* The first: what comes after it may come of it. */
		for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
			if (sayings[i](found, detail, size))
				return true;
	}
	return false;
}

/* The bytes of "prog: " at the beginning of a line, for any `name` where that is NULL; 0:
 * there are none. */
static size_t speaker_of(const struct line *line, const char *name)
{
	size_t len = 0;

	while (len < line->len && is_name_char(line->text[len]))
		len++;
	if (name != NULL)
		len = strlen(name);
	if (len == 0 || line->len <= len + 2 || memcmp(line->text + len, ": ", 2) != 0 ||
	    (name != NULL && !begins(line, name)))
		return 0;
	return len + 2;
}

/* The bytes before the words of "** (prog:123): CRITICAL **: 12:34:56.789: words", which GLib
 * logs; 0: it is no such line, or a milder one. */
static size_t logged_by(const struct line *line)
{
	static const char *const levels[] = { "): CRITICAL **: ", "): ERROR **: " };
	static const char stamp[] = "00:00:00.000: ";
	const char *at = NULL, *end = line->text + line->len;
	size_t n = 0;

	if (!begins(line, "(") && !begins(line, "** ("))
		return 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && at == NULL; i++) {
		at = find(line, line->text, levels[i]);
		if (at != NULL)
			at += strlen(levels[i]);
	}
	if (at == NULL)
		return 0;
	while (n + 1 < sizeof(stamp) && at + n < end &&
	       (stamp[n] == '0' ? isdigit((unsigned char)at[n]) != 0 : at[n] == stamp[n]))
		n++;
	return (size_t)(at - line->text) + (n + 1 == sizeof(stamp) ? n : 0);
}

/* The last line that begins with its own name, "prog: what is wrong", or, `name` NULL, with
 * any; a warning is no reason. */
static bool find_complaint(const char *words, const char *name, struct line *found, char *detail,
			   size_t size)
{
	struct line line;
	size_t from = 0;

	found->text = NULL;
	for (const char *at = words; at != NULL && *at != '\0'; at = line.next) {
		size_t words_at;

		line = line_at(at);
		words_at = logged_by(&line);
		if (words_at > 0) {
			*found = (struct line){ line.text + words_at, line.len - words_at,
						line.next };
			from = 0;
			continue;
		}
		if (speaker_of(&line, name) == 0 || find(&line, line.text, ": warning: ") != NULL)
			continue;
		*found = line;
		from = name != NULL ? speaker_of(&line, name) : 0;
	}
	if (found->text == NULL)
		return false;
	add_slug(detail, size, found->text + from, found->len - from);
	return detail[0] != '\0';
}

/* The last line that says anything. */
static struct line find_last(const char *words)
{
	struct line last = line_at(words), line;

	for (const char *at = words; at != NULL && *at != '\0'; at = line.next) {
		line = line_at(at);
		if (line.len > 0)
			last = line;
	}
	return last;
}

/* Does a program that ends so say why?  Others were ended in the middle of something. */
static bool may_complain(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGTRAP;
	return WEXITSTATUS(status) != 0;
}

/* "asan:heap-buffer-overflow:f" */
static bool name_report(struct process_end *end, const char *name, const char *words)
{
	struct finding finding = { .kind = FINDING_NONE };

	if (!sanitizer_finding(words, &finding))
		return false;
	add_name(end->signature, sizeof(end->signature), finding.signature,
		 strcspn(finding.signature, "<"));
	snprintf(end->message, sizeof(end->message), "%s: %s", name, finding.message);
	return true;
}

/* "SIGABRT:iov_copy", "exit-1" */
static void name_status(struct process_end *end, const char *name, int status, const char *words)
{
	char how[48], detail[DETAIL_MAX] = "";
	struct line said = { .text = NULL };
	bool named;

	if (WIFSIGNALED(status)) {
		const char *signal = sigabbrev_np(WTERMSIG(status));

		snprintf(end->signature, sizeof(end->signature), "SIG%s",
			 signal != NULL ? signal : "RT");
		snprintf(how, sizeof(how), "was ended by SIG%s", signal != NULL ? signal : "RT");
	} else {
		snprintf(end->signature, sizeof(end->signature), "exit-%d", WEXITSTATUS(status));
		snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
	}
	named = find_place(words, &said, detail, sizeof(detail));
	if (!named && may_complain(status)) {
		named = find_complaint(words, name, &said, detail, sizeof(detail));
		if (!named && said.text == NULL && WIFEXITED(status))
			named = find_complaint(words, NULL, &said, detail, sizeof(detail));
	}
	if (!named)
		said = find_last(words);
	if (detail[0] != '\0') {
		strcat(end->signature, ":");
		strcat(end->signature, detail);
	}
	snprintf(end->message, sizeof(end->message), "%s %s%s%.*s", name, how,
		 said.len > 0 ? ": " : "", said.len < SAID_MAX ? (int)said.len : (int)SAID_MAX,
		 said.text);
	/* What is told in two lines. */
	if (said.len > 0 && said.text[said.len - 1] == ':' && said.next != NULL) {
		size_t used = strlen(end->message), len = strcspn(said.next, "\n");

		snprintf(end->message + used, sizeof(end->message) - used, " %.*s",
			 len < SAID_MAX / 2 ? (int)len : (int)SAID_MAX / 2, said.next);
	}
}

void process_end_name(struct process_end *end, const char *name, enum process_fault fault,
		      int status, const char *words)
{
	static const struct {
		const char *signature, *message;
	} faults[] = {
		[PROCESS_ATE] = { "memory", "took more memory than it may" },
		[PROCESS_FLOODED] = { "flood", "wrote more than it may to its standard output" },
	};

	*end = (struct process_end){ .signature = "" };
	if (fault == PROCESS_ATE || fault == PROCESS_FLOODED) {
		snprintf(end->signature, sizeof(end->signature), "%s", faults[fault].signature);
		snprintf(end->message, sizeof(end->message), "%s %s", name, faults[fault].message);
	} else if (!name_report(end, name, words)) {
		name_status(end, name, status, words);
	}
}
