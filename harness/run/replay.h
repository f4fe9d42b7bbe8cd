/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Run one file in a child and print what happened: for `vringer replay`, and
 * for a fuzzing binary that is given a file.
 */
#ifndef VRINGER_HARNESS_REPLAY_H
#define VRINGER_HARNESS_REPLAY_H

#include "harness/ledger/known.h"
#include "harness/rules/rules.h"

#include <stdbool.h>

struct transport;
struct instance_choice;

struct replay_options {
	const char *target;			/* for files that name none; NULL: the only one */
	const struct transport *transport;	/* NULL: the first of transport_all */
	const struct instance_choice *instance; /* of a portable script; NULL: the first */
	bool json;
	unsigned verbose;	/* 1: the trace; 2: with the registers that `start` accesses */
	bool print_script;	/* before it is run */
	struct judging judging; /* what the target declares is added */
	unsigned seconds;	/* 0: the default */
};

/* Returns an exit status: 0 nothing found, 1 a finding, 2 the file is invalid. */
int replay_file(const struct replay_options *options, const char *path);

#endif
