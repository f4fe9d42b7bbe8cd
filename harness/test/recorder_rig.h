/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A live session that is recorded into a folder of its own, driven by a test.
 */
#ifndef VRINGER_HARNESS_TEST_RECORDER_RIG_H
#define VRINGER_HARNESS_TEST_RECORDER_RIG_H

#include "harness/run/live.h"
#include "harness/serve/recorder.h"

struct recorder_rig {
	struct run *run;
	struct recorder *recorder;
	struct recorder_options options;
	struct run_options judging;
	struct script line; /* what is run next */
	struct recorder_result result;
	char folder[64], path[96];
	uint32_t number; /* of the session's next operation */
	unsigned told;	 /* lines */
	char tell[4096]; /* all of them */
	uint32_t wrong;	 /* added to the length of the used entry that is taken next */
};

/* A session of the target begins.  max: programs, or 0. */
void recorder_rig_open(struct recorder_rig *rig, const struct target *target, unsigned max);
/* Operations in script syntax, one a line. */
void recorder_rig_run(struct recorder_rig *rig, const char *text);
/* Take what there is; how many. */
unsigned recorder_rig_take(struct recorder_rig *rig, unsigned queue);
/* It ends. */
void recorder_rig_close(struct recorder_rig *rig);
/* The program of that number, from 1, parsed; false: there is none. */
bool recorder_rig_load(struct recorder_rig *rig, unsigned number, struct script *script);
/* Its text, to be freed; NULL: there is none. */
char *recorder_rig_text(const struct recorder_rig *rig, unsigned number);
/* The folder is removed. */
void recorder_rig_release(struct recorder_rig *rig);

#endif
