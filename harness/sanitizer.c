/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Read what AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer
 * write, and make a signature of it: kind and top frames, no addresses.
 * See child.h.
 */
#include "harness/child.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FRAMES_MAX 3
#define RUST_HASH 19u

/* What is in the name of every file of the harness, as it was built. */
#ifndef HARNESS_PATH
#define HARNESS_PATH "harness/"
#endif

/* Frames that say how a fault was noticed, not where it was made. */
static bool is_noise(const char *name, size_t len)
{
	static const char *const prefixes[] = {
		"__asan",   "__interceptor", "__ubsan", "__sanitizer", "__lsan",
		"mem",	    "abort",	     "raise",	"__GI_",       "__pthread",
		"__assert", "malloc",	     "calloc",	"realloc",     "pthread_kill",
		"std::",    "core::",	     "alloc::", "__rust",      "rust_begin_unwind"
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (len >= strlen(prefixes[i]) &&
		    memcmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return len == 0;
}

/* "    #1 0x55... in net_rx devices/net.c:12" to "net_rx"; NULL if the line
 * is no frame. */
static const char *frame_name(const char *line, size_t *len)
{
	const char *in;

	while (*line == ' ')
		line++;
	if (line[0] != '#' || !isdigit((unsigned char)line[1]))
		return NULL;
	in = strstr(line, " in ");
	if (in == NULL || in > line + strcspn(line, "\n"))
		return NULL;
	in += 4;
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
static bool is_seam(const char *line)
{
	static const char *const files[] = { "seam.c", "arena_access.c", "heap.c", "foreign_host.c",
					     "foreign_plain.c" };
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
		if (name != NULL && is_harness(line) && !(frames == 0 && is_seam(line)))
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

bool sanitizer_finding(const char *report, struct finding *finding)
{
	const char *asan = strstr(report, "ERROR: AddressSanitizer: ");
	const char *lsan = strstr(report, "ERROR: LeakSanitizer: ");
	const char *ubsan = strstr(report, ": runtime error: ");

	if (asan == NULL && lsan == NULL && ubsan == NULL)
		return false;
	memset(finding->signature, 0, sizeof(finding->signature));
	if (ubsan != NULL && (asan == NULL || ubsan < asan)) {
		finding->kind = FINDING_SANITIZER;
		copy_line(ubsan + 2, finding->message, sizeof(finding->message));
		strcpy(finding->signature, "ubsan:");
		append_text(ubsan + strlen(": runtime error: "), finding->signature, 64);
		append_frames(strchr(ubsan, '\n'), finding->signature, 140);
	} else if (asan != NULL) {
		const char *kind = asan + strlen("ERROR: AddressSanitizer: ");

		finding->kind = FINDING_SANITIZER;
		if (strncmp(kind, "allocation-size-too-big", 23) == 0 ||
		    strncmp(kind, "requested allocation size", 25) == 0 ||
		    strncmp(kind, "out-of-memory", 13) == 0)
			finding->kind = FINDING_OOM;
		snprintf(finding->message, sizeof(finding->message), "AddressSanitizer: %.*s",
			 (int)strcspn(kind, " \n"), kind);
		snprintf(finding->signature, 64, "asan:%.*s", (int)strcspn(kind, " \n"), kind);
		append_frames(strchr(asan, '\n'), finding->signature, 140);
	} else {
		finding->kind = FINDING_LEAK;
		copy_line(lsan + 7, finding->message, sizeof(finding->message));
		strcpy(finding->signature, "lsan:leak");
		append_frames(strchr(lsan, '\n'), finding->signature, 140);
	}
	return true;
}
