/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of a disk.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "blk",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
