/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Files of guest programs.  See load.h.
 */
#include "harness/run/load.h"
#include "harness/files/input.h"
#include "harness/program/binary.h"
#include "harness/run/report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does the file, behind comments, start with a word that starts a script? */
static bool looks_like_text(const char *data, size_t len)
{
	static const char *const starts[] = { "device", "clause", "needs", "name" };
	size_t i = 0;

	while (i < len && (isspace((unsigned char)data[i]) || data[i] == '#')) {
		if (data[i] == '#')
			while (i < len && data[i] != '\n')
				i++;
		else
			i++;
	}
	for (size_t w = 0; w < sizeof(starts) / sizeof(starts[0]); w++) {
		size_t n = strlen(starts[w]);

		if (len - i > n && memcmp(data + i, starts[w], n) == 0 &&
		    isspace((unsigned char)data[i + n]))
			return true;
	}
	return false;
}

static bool is_text(const char *path, const char *data, size_t len)
{
	/* Ignore a byte-order mark here: the parser reports it. */
	if (len > 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 && looks_like_text(data + 3, len - 3))
		return true;
	if (len >= 4 && memcmp(data, "VRNG", 4) == 0)
		return false;
	return input_is_script(path) || looks_like_text(data, len);
}

/* ... where it is not registered. */
static const char *also_of(const char *folder, size_t len)
{
	char name[PROGRAM_TARGET_MAX];
	const struct target *target;

	if (len >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = folder[i] == '_' ? '-' : folder[i];
	name[len] = '\0';
	target = target_find(name);
	return target != NULL ? target->name : NULL;
}

/* The target with the name of that folder, or NULL. */
static const char *target_of(const char *folder, size_t len)
{
	for (const struct target *const *t = target_all(); *t != NULL; t++) {
		const char *name = (*t)->name;
		size_t i = 0;

		while (i < len && (name[i] == folder[i] || (name[i] == '-' && folder[i] == '_')))
			i++;
		if (i == len && name[i] == '\0')
			return name;
	}
	return also_of(folder, len);
}

/* The only target there is; or the one whose name a folder of the path has, as in
 * build/findings/net_loopback and corpus/net-loopback (of several, the folder nearest
 * to the file); or NULL. */
static const char *likely_target(const char *path)
{
	const char *name = NULL;
	const char *end;

	if (target_find(NULL) != NULL)
		return target_find(NULL)->name;
	for (; (end = strchr(path, '/')) != NULL; path = end + 1) {
		const char *nearer = target_of(path, (size_t)(end - path));

		name = nearer != NULL ? nearer : name;
	}
	return name;
}

static int parse(struct script *script, const char *path, const char *data, size_t len,
		 const struct script_binding *binding)
{
	struct text_error error;
	int err = binding != NULL ? text_parse_bound(script, data, len, binding, &error)
				  : text_parse(script, data, len, &error);

	if (err == 0)
		return 0;
	fprintf(stderr, "%s:%u:%u: %s\n", input_name(path), error.line, error.column,
		error.message);
	return -EINVAL;
}

/* Parse a script as the instance that is asked for, on the target that it would run on. */
static int parse_as(struct script *script, const char *path, const char *data, size_t len,
		    const char *name, const struct instance_choice *choice)
{
	static const struct instance_choice first;
	const struct target *target;
	struct script_binding binding;
	char why[120];

	if (parse(script, path, data, len, NULL) != 0)
		return -EINVAL;
	if (!script->names_queue) {
		binding = (struct script_binding){ .ring = RING_FORMAT_PACKED };
		return choice != NULL && choice->packed ? parse(script, path, data, len, &binding)
							: 0;
	}
	if (strcmp(script->prog.target, "any") != 0)
		name = script->prog.target;
	else if (name == NULL)
		name = likely_target(path);
	target = name != NULL ? target_find(name) : NULL;
	if (target == NULL)
		return 0;
	if ((choice == NULL ||
	     (choice->queue == NULL && choice->request == NULL && !choice->indirect)) &&
	    instance_first(script, target, &binding)) {
		if (choice != NULL && choice->packed)
			binding.ring = RING_FORMAT_PACKED;
		return parse(script, path, data, len, &binding);
	}
	if (instance_choose(target, choice != NULL ? choice : &first, &binding, why, sizeof(why)) ==
	    0)
		return parse(script, path, data, len, &binding);
	fprintf(stderr, "%s: %s\n", input_name(path), why);
	return -EINVAL;
}

int load_decode_script(struct script *script, const char *path, const char *data, size_t len,
		       const struct script_binding *binding)
{
	bool magic = len >= 4 && memcmp(data, "VRNG", 4) == 0;

	/* Standard input has no name to tell what it holds: it must be a script. */
	if (is_text(path, data, len) || (strcmp(path, "-") == 0 && !magic))
		return parse(script, path, data, len, binding);
	fprintf(stderr, "%s: is not a script, expected text; 'vringer replay' runs other files\n",
		input_name(path));
	return -EINVAL;
}

int load_decode(struct script *script, const char *path, const char *data, size_t len,
		const char *target, const struct instance_choice *choice)
{
	struct text_error error;
	unsigned version = 0;

	if (is_text(path, data, len))
		return parse_as(script, path, data, len, target, choice);
	/* An empty file is a script without annotations. */
	text_parse(script, "device any\n", 11, &error);
	script->target_line = script->target_column = 0;
	if (binary_decode(&script->prog, (const uint8_t *)data, len,
			  target != NULL ? target : "any", &version) == 0)
		return 0;
	fprintf(stderr, "%s: has format version %u, expected %d: %s\n", input_name(path), version,
		BINARY_VERSION,
		version > BINARY_VERSION ? "it is newer than this vringer"
					 : "no such version exists");
	return -EINVAL;
}

int load_program(struct script *script, const char *path, const char *target, bool *text)
{
	return load_program_as(script, path, target, NULL, text);
}

int load_program_as(struct script *script, const char *path, const char *target,
		    const struct instance_choice *choice, bool *text)
{
	size_t len;
	char *data = input_read(path, &len);
	int err;

	if (data == NULL)
		return -EINVAL;
	if (text != NULL)
		*text = is_text(path, data, len);
	err = load_decode(script, path, data, len, target, choice);
	free(data);
	return err;
}

const struct target *load_target(const struct script *script, const char *path, const char *name)
{
	const struct target *target;

	if (strcmp(script->prog.target, "any") != 0)
		name = script->prog.target;
	else if (name == NULL)
		name = likely_target(path);
	if (name == NULL) {
		fprintf(stderr, "%s: does not say which device it is for, expected -t TARGET\n",
			input_name(path));
		return NULL;
	}
	target = target_find(name);
	if (target != NULL)
		return target;
	fputs(input_name(path), stderr);
	if (script->target_line != 0)
		fprintf(stderr, ":%u:%u", script->target_line, script->target_column);
	fprintf(stderr, ": unknown target '%s', '%s targets' lists them\n", name, report_command);
	return NULL;
}

int load_fits(const struct script *script, const char *path, const struct target *target,
	      const struct transport *transport)
{
	uint32_t line;
	const char *reason = transport_unmet(transport, target, script, &line);

	if (reason == NULL)
		return 0;
	fputs(input_name(path), stderr);
	if (line != 0)
		fprintf(stderr, ":%u", line);
	fprintf(stderr, ": not by --transport %s on %s: %s\n", transport->name, target->name,
		reason);
	return -EINVAL;
}
