/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of virtio-net with the loopback personality.
 */
#include "fuzzers/engine.h"

const struct fuzz_target fuzz_target = {
	.name = "net-loopback",
	.one = session_one,
	.explain = session_explain,
	.programs = true,
};
