/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between the engines and the fuzz targets.  A target is one small file that
 * fills `fuzz_target` in; engine.c has the entry points that libFuzzer, AFL++
 * and the standalone replayer call.
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
	/* NULL, or the name where it is not fixed. */
	const char *(*choose)(void);
	/* NULL, or run what the arguments ask for: an exit status, or -1 for
	 * arguments that are an engine's. */
	int (*command)(int argc, char **argv);
	uint8_t feedback; /* enum feedback_when: is what can be observed told to the engine? */
	/* What it starts for an input belongs to this process: nothing runs before it forks. */
	bool alone;
	bool programs; /* inputs are guest programs in the binary form */
};

extern const struct fuzz_target fuzz_target;

static inline const char *fuzz_target_name(void)
{
	return fuzz_target.choose != NULL ? fuzz_target.choose() : fuzz_target.name;
}

/* Targets that are sessions of a device. */
int session_one(const char *name, const uint8_t *data, size_t size);
int session_explain(const char *name, const char *path);

/* The main of a program that registers its own devices. */
int vringer_main(int argc, char **argv);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
