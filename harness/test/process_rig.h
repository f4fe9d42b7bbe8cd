/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Processes under test for the tests of process.h: a shell, or the test's own program with an
 * act as its argument.
 */
#ifndef VRINGER_TEST_PROCESS_RIG_H
#define VRINGER_TEST_PROCESS_RIG_H

#include "harness/peers/process_internal.h"

#include <stdbool.h>

#define RIG_PATIENCE 300000u /* ms: then the test itself hangs */

/* The path of this program; before the first test. */
extern const char *rig_self;
bool rig_find_self(void);

struct process *start_with(const char *const *argv, struct process_options options);
struct process *start_shell(const char *script);
struct process *start_act(const char *name);
void pause_ms(unsigned ms);
/* Until it has written `text`. */
void wait_for_words(struct process *process, const char *text);

#endif
