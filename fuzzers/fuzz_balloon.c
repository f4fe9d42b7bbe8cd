/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of the memory balloon.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "balloon",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
