/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the reports of gcc's and clang's sanitizers say: kind and top frames, no addresses.
 */
#ifndef VRINGER_HARNESS_SANITIZER_H
#define VRINGER_HARNESS_SANITIZER_H

#include "harness/rules/finding.h"

#include <stdbool.h>

/* Make a finding of a sanitizer's report; false if the text holds none. */
bool sanitizer_finding(const char *report, struct finding *finding);
/* Is the top frame of the report's stack in the harness? */
bool sanitizer_is_ours(const char *report);

#endif
