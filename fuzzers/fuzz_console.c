/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of virtio-console with two ports.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "console",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
