/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Look up a citation.  See clause.h.
 */
#include "harness/program/clause.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CLAUSE_ID_MAX 48 /* bytes, NUL included: longer than any id */

static int compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct clause *)entry)->id);
}

static const struct clause *find(const char *id)
{
	return bsearch(id, clause_table, clause_count, sizeof(clause_table[0]), compare);
}

/* Numbers with a dot between each two. */
static int is_section(const char *word)
{
	while (isdigit((unsigned char)*word)) {
		while (isdigit((unsigned char)*word))
			word++;
		if (*word == '\0')
			return 1;
		if (*word++ != '.')
			return 0;
	}
	return 0;
}

/* A section of a chapter whose sections are not listed one by one: the entry `N.N.*`
 * covers it. */
static const struct clause *find_open(char *id)
{
	char *dot = is_section(id) ? strchr(id, '.') : NULL;

	if (dot == NULL)
		return NULL;
	dot += 1 + strspn(dot + 1, "0123456789");
	strcpy(dot, ".*"); /* there is room: clause_find */
	return find(id);
}

const struct clause *clause_find(const char *word, size_t len)
{
	static const struct clause policy = { "policy", "", "", "", "", "", "", "" };
	char id[CLAUSE_ID_MAX + sizeof(".*")];
	const struct clause *found;

	if (len >= CLAUSE_ID_MAX)
		return NULL;
	memcpy(id, word, len);
	id[len] = '\0';
	if (strcmp(id, policy.id) == 0)
		return &policy;
	found = find(id);
	/* `N.N.*` itself is not a citation. */
	if (strchr(id, '*') != NULL)
		return NULL;
	return found != NULL ? found : find_open(id);
}
