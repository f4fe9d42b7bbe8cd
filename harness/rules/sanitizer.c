/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read the reports of gcc's and clang's sanitizers and make a signature: kind and top
 * frames, no addresses.  See sanitizer.h.
 */
#include "harness/rules/sanitizer.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FRAMES_MAX 3
#define RUST_HASH 19u

/* What is in the name of every file of the harness, as it was built. */
#ifndef HARNESS_PATH
#define HARNESS_PATH "harness/"
#endif

/* Frames that show how a bug was detected, not where it is. */
static bool is_noise(const char *name, size_t len)
{
	static const char *const prefixes[] = {
		"__asan",  "__interceptor", "__ubsan",		"__sanitizer", "__lsan",
		"__msan",  "__tsan",	    "__hwasan",		"mem",	       "abort",
		"raise",   "__GI_",	    "__pthread",	"__assert",    "malloc",
		"calloc",  "realloc",	    "pthread_kill",	"std::",       "core::",
		"alloc::", "__rust",	    "rust_begin_unwind"
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (len >= strlen(prefixes[i]) &&
		    memcmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return len == 0;
}

/* "    #1 0x55... in net_rx devices/net.c:12" to "net_rx", and so without the
 * address, as ThreadSanitizer writes it; NULL if the line is no frame. */
static const char *frame_name(const char *line, size_t *len)
{
	const char *in;

	while (*line == ' ')
		line++;
	if (line[0] != '#' || !isdigit((unsigned char)line[1]))
		return NULL;
	in = line + 1 + strspn(line + 1, "0123456789");
	if (*in != ' ')
		return NULL;
	in++;
	if (strncmp(in, "0x", 2) == 0) {
		in = strstr(in, " in ");
		if (in == NULL || in > line + strcspn(line, "\n"))
			return NULL;
		in += 4;
	}
	*len = strcspn(in, " (\n");
	/* Rust ends a name with a hash of its build: "::h" and 16 digits. */
	if (*len > RUST_HASH && memcmp(in + *len - RUST_HASH, "::h", 3) == 0)
		*len -= RUST_HASH;
	return in;
}

/* Is the frame on this line one of the harness's, by the path of its file? */
static bool is_harness(const char *line)
{
	const char *end = line + strcspn(line, "\n");
	const char *at = strstr(line, HARNESS_PATH);

	return at != NULL && at < end && strstr(line, HARNESS_PATH "test/") != at;
}

/* Is it one of those that copy for a device, or allocate? */
static bool is_for_device(const char *line)
{
	static const char *const files[] = { "instrumented.c", "arena_access.c", "heap.c",
					     "foreign_host.c" };
	const char *end = line + strcspn(line, "\n");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *at = strstr(line, files[i]);

		if (at != NULL && at < end)
			return true;
	}
	return false;
}

/* The top frames of the first stack in `report`, as ":a<b<c". */
static void append_frames(const char *report, char *signature, size_t size)
{
	int frames = 0;

	for (const char *line = report; line != NULL && frames < FRAMES_MAX;) {
		size_t len = 0;
		const char *name = frame_name(line, &len);

		/* Below the device there is only the harness, above it no more than
		 * a copy that it asked for. */
		if (name != NULL && is_harness(line) && !(frames == 0 && is_for_device(line)))
			break;
		if (name != NULL && is_harness(line))
			name = NULL;
		else if (name != NULL && !is_noise(name, len)) {
			size_t used = strlen(signature);

			snprintf(signature + used, size - used, "%s%.*s", frames++ == 0 ? ":" : "<",
				 (int)len, name);
		} else if (name == NULL && frames > 0) {
			break;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
}

/* Copy words of `text` up to the end of the line, numbers left out. */
static void append_text(const char *text, char *signature, size_t size)
{
	size_t used = strlen(signature);

	for (; *text != '\n' && *text != '\0' && used + 1 < size; text++) {
		char c = *text;

		if (isalpha((unsigned char)c) || c == '-' || c == '_')
			signature[used++] = c;
		else if (used > 0 && signature[used - 1] != '-' && signature[used - 1] != ':')
			signature[used++] = '-';
	}
	while (used > 0 && signature[used - 1] == '-')
		used--;
	signature[used] = '\0';
}

static void copy_line(const char *from, char *to, size_t size)
{
	snprintf(to, size, "%.*s", (int)strcspn(from, "\n"), from);
}

/* What each of them is called in a report, and in a signature; what its words are
 * behind: "ERROR: " or "WARNING: ", and ": ". */
static const struct sanitizer {
	const char *name, *prefix;
	enum finding_kind kind;
} sanitizers[] = {
	{ "AddressSanitizer", "asan", FINDING_SANITIZER },
	{ "HWAddressSanitizer", "hwasan", FINDING_SANITIZER },
	{ "MemorySanitizer", "msan", FINDING_SANITIZER },
	{ "ThreadSanitizer", "tsan", FINDING_SANITIZER },
	{ "UndefinedBehaviorSanitizer", "ubsan", FINDING_SANITIZER },
	{ "LeakSanitizer", "lsan", FINDING_LEAK },
};

#define UBSAN_WORDS ": runtime error: "

/* UndefinedBehaviorSanitizer's line, from its words on; NULL: there is none.  "panic:
 * runtime error: " is Go's. */
static const char *find_ubsan(const char *text)
{
	static const char go[] = "panic";
	const char *at = text;

	while ((at = strstr(at, UBSAN_WORDS)) != NULL) {
		bool is_go = at - text >= (ptrdiff_t)strlen(go) &&
			     memcmp(at - strlen(go), go, strlen(go)) == 0;

		at += strlen(UBSAN_WORDS);
		if (!is_go)
			return at;
	}
	return NULL;
}

/* The first report in `text`: whose, and its words; NULL if there is none.  NULL in
 * `whose`: UndefinedBehaviorSanitizer's, of one line. */
static const char *find_report(const char *text, const struct sanitizer **whose)
{
	static const char *const levels[] = { "ERROR: ", "WARNING: " };
	const char *first = find_ubsan(text);

	*whose = NULL;
	for (size_t i = 0; i < 2 * sizeof(sanitizers) / sizeof(sanitizers[0]); i++) {
		const struct sanitizer *s = &sanitizers[i / 2];
		char mark[64];
		const char *at;

		snprintf(mark, sizeof(mark), "%s%s: ", levels[i % 2], s->name);
		at = strstr(text, mark);
		if (at == NULL)
			continue;
		at += strlen(mark);
		/* Memory that was lost indirectly is not a finding of its own. */
		if (first == NULL || at < first ||
		    (*whose != NULL && (*whose)->kind == FINDING_LEAK)) {
			first = at;
			*whose = s;
		}
	}
	return first;
}

/* "heap-use-after-free on ...", "data race (pid=1)", "SEGV on unknown ..." */
static size_t kind_len(const char *words)
{
	size_t len = strcspn(words, " \n");

	return strncmp(words, "data race", 9) == 0 ? 9 : len;
}

static bool is_out_of_memory(const char *words)
{
	static const char *const starts[] = {
		"allocation-size-too-big", "requested allocation size", "out-of-memory",
		"out of memory",	   "calloc-overflow",		"rss-limit-exceeded"
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(words, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

bool sanitizer_finding(const char *report, struct finding *finding)
{
	const struct sanitizer *whose;
	const char *words = find_report(report, &whose);
	size_t used;

	if (words == NULL)
		return false;
	memset(finding->signature, 0, sizeof(finding->signature));
	finding->kind = whose != NULL ? (uint8_t)whose->kind : FINDING_SANITIZER;
	if (whose == NULL) {
		copy_line(words - strlen("runtime error: "), finding->message,
			  sizeof(finding->message));
		strcpy(finding->signature, "ubsan:");
		append_text(words, finding->signature, 64);
	} else if (whose->kind == FINDING_LEAK) {
		copy_line(words - strlen("LeakSanitizer: "), finding->message,
			  sizeof(finding->message));
		strcpy(finding->signature, "lsan:leak");
	} else {
		if (is_out_of_memory(words))
			finding->kind = FINDING_OOM;
		snprintf(finding->message, sizeof(finding->message), "%s: %.*s", whose->name,
			 (int)kind_len(words), words);
		used = (size_t)snprintf(finding->signature, 64, "%s:%.*s", whose->prefix,
					(int)kind_len(words), words);
		for (size_t i = 0; i < used && i < 63; i++)
			if (finding->signature[i] == ' ')
				finding->signature[i] = '-';
	}
	append_frames(strchr(words, '\n'), finding->signature, 140);
	return true;
}

bool sanitizer_is_ours(const char *report)
{
	const struct sanitizer *whose;
	const char *line = find_report(report, &whose);

	for (line = line != NULL ? strchr(line, '\n') : NULL; line != NULL;
	     line = strchr(line + 1, '\n')) {
		size_t len = 0;
		const char *name = frame_name(line + 1, &len);

		if (name != NULL && !is_noise(name, len))
			return is_harness(line + 1);
	}
	return false;
}
