/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of virtio-fs.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "fs",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
