/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The targets of a program that registers its own: VRINGER_TARGETS of vringer.h.
 * In libvringer.a this stands where harness/models/models.c stands in our own command.
 */
#include "harness/target/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One description wrong: one line, and nothing is run. */
static void refuse(const char *name, const char *fault) __attribute__((noreturn));

static void refuse(const char *name, const char *fault)
{
	fprintf(stderr, "vringer: target %s %s\n", name, fault);
	exit(2);
}

static void open_one(struct foreign *f, const struct vringer_target *given,
		     const struct target *const *before)
{
	const char *fault = foreign_open(f, given);
	/* Another version's name may be anywhere. */
	const char *name = f->given.name != NULL ? f->given.name : "?";

	if (fault != NULL)
		refuse(name, fault);
	for (; *before != NULL; before++)
		if (strcmp((*before)->name, name) == 0)
			refuse(name, "is registered twice");
}

const struct target *const *target_all(void)
{
	static const struct target **table;
	struct foreign *foreign;
	size_t count = 0;

	if (table != NULL)
		return table;
	while (vringer_targets[count] != NULL)
		count++;
	if (count == 0) {
		fputs("vringer: no device is registered, expected VRINGER_TARGETS(&target) in one "
		      "of the files that are linked (a static library stands before -lvringer)\n",
		      stderr);
		exit(2);
	}
	table = calloc(count + 1, sizeof(const struct target *));
	foreign = calloc(count, sizeof(*foreign));
	if (table == NULL || foreign == NULL)
		refuse("?", "cannot be registered: no memory");
	for (size_t i = 0; i < count; i++) {
		open_one(&foreign[i], vringer_targets[i], table);
		table[i] = &foreign[i].target;
	}
	return table;
}
