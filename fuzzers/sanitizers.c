/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the sanitizers do in the fuzzing binaries and replayers of our models.
 */
#include "harness/run/sanitizers.h"

SANITIZER_OPTIONS(SANITIZER_MEMORY)
