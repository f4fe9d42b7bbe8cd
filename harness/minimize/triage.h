/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sort many crash files by finding.  They run in children (batch.h); files of one target
 * and one signature form a group, whose smallest input is shrunk (minimize.h) to a
 * script.
 *
 * A file is read once and identified by device and inode.  A file that cannot be read or
 * is not a guest program is reported and counted, and the rest is sorted.
 *
 * Files without a finding form a group too: an engine reported them, for a reason that
 * is not in the file alone.
 */
#ifndef VRINGER_HARNESS_TRIAGE_H
#define VRINGER_HARNESS_TRIAGE_H

#include "harness/files/fileset.h"
#include "harness/minimize/minimize.h"
#include "harness/run/batch.h"

#include <signal.h>

/* Until a device hangs; engines have less patience than `replay`. */
#define TRIAGE_SECONDS 10
/* For shrinking: of one group, and of all together. */
#define TRIAGE_SHRINK_SECONDS 15
#define TRIAGE_SHRINK_ALL_SECONDS 60

struct triage_input {
	char *path;
	size_t size;
	struct file_id id;	     /* of what was looked at */
	char *data;		     /* of what can be read but once: a pipe; else NULL */
	const struct target *target; /* once it is loaded */
};

struct triage_group {
	const struct target *target;
	struct finding finding; /* of the first input; FINDING_NONE: they show nothing */
	struct triage_input *inputs;
	size_t count, room;
	/* The result of shrinking. */
	char *script; /* where it was written; NULL: nowhere */
	uint32_t op_count;
	bool shrunk; /* nothing is left to try */
	bool kept;   /* somebody has written in it: it stays as it is */
};

/* What was found and fails nothing. */
struct triage_warning {
	const struct target *target;
	struct finding finding; /* of the first file */
	char *path;		/* of that */
	size_t count;		/* files */
};

struct triage_options {
	const char *target;		   /* of files that name none */
	const char *output;		   /* the folder for scripts; NULL: none are written */
	const struct transport *transport; /* NULL: the first of transport_all */
	struct judging judging;
	unsigned seconds; /* 0: TRIAGE_SECONDS */
	/* Called while a group is shrunk, if not NULL. */
	void (*progress)(void *ctx, const struct triage_group *group,
			 const struct minimize_progress *progress);
	void *ctx;
	/* Set by a signal handler: end with what is known so far.  Also used to
	 * end a shrinking whose time is over. */
	volatile sig_atomic_t *stop;
};

struct triage {
	const struct triage_options *options;
	struct triage_group *groups; /* in the order of signatures, once shrunk */
	size_t count, room;
	struct triage_warning *warnings; /* in the order in which they were met */
	size_t warning_count, warning_room;
	size_t inputs;	/* sorted */
	size_t refused; /* named on stderr */
	struct file_set seen;
	/* Those that showed nothing so far: leaks are looked for together. */
	struct triage_input *silent;
	size_t silent_count, silent_room;
	struct batch *batch;
	struct script *script;
	char *report;
	unsigned shrunk_seconds;
};

/* 0 or -ENOMEM.  `options` must outlive it. */
int triage_open(struct triage *triage, const struct triage_options *options);
void triage_close(struct triage *triage);

/* Run a file and put it where it belongs, unless it was met already.  0, also where
 * the file is no good, which is told and counted; -EINTR, it was not looked at; or a
 * negative errno after one line on stderr: nothing more can be run. */
int triage_add(struct triage *triage, const char *path);
/* Read an input into triage->script: 0, or -EINVAL after one line on stderr. */
int triage_load(struct triage *triage, struct triage_input *input);
/* What triage->script shows on the target, in a child of its own: FINDING_NONE or a
 * finding, a known one too.  As triage_add. */
int triage_look(struct triage *triage, const char *path, const struct target *target,
		struct finding *finding);
/* All files are there: sort groups, and the inputs of each by size.  As triage_add. */
int triage_sort(struct triage *triage);
/* Shrink the smallest input of a group, or what an earlier triage made of it, and
 * write it.  A script that somebody has written in (a comment, a `>` line) and that
 * shows the finding is left alone; one that does not show it, too, and another name
 * is found.  0, or a negative errno after one line on stderr. */
int triage_shrink(struct triage *triage, struct triage_group *group);
/* Remove all but the `keep` smallest inputs of a group that shows something.  Only
 * what was looked at is removed, and only while what is kept is there.  0, or a
 * negative errno after one line on stderr. */
int triage_prune(struct triage_group *group, unsigned keep);

#endif
