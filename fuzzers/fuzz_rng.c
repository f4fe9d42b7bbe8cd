/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of an entropy device.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "rng",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
