/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between the engines and the fuzz targets.  A target is one small file that
 * fills `fuzz_target` in; engine.c has the entry points that libFuzzer, AFL++
 * and the plain replayer call.
 */
#ifndef VRINGER_FUZZERS_ENGINE_H
#define VRINGER_FUZZERS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
	const char *name; /* of the device, for files that name none; or of the codec */
	/* Run one input; aborts on a finding.  0, or -1 for one that is not
	 * worth keeping. */
	int (*one)(const char *name, const uint8_t *data, size_t size);
	/* Run the file that a person gave, and say what happened: an exit
	 * status.  NULL: nothing to say beyond what `one` does. */
	int (*explain)(const char *name, const char *path);
	bool programs; /* inputs are guest programs in the binary spelling */
};

extern const struct fuzz_target fuzz_target;

/* Targets that are sessions of a device. */
int session_one(const char *name, const uint8_t *data, size_t size);
int session_explain(const char *name, const char *path);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
