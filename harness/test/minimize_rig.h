/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * For the tests of the minimiser: a target that is broken in ways that take
 * exactly known programs, and what shrinks to which.
 *
 * It is the broken target, for numbers that one does not come by on the way to
 * another: a misdeed is a thousand times its own, plus 7.  At other offsets of
 * the configuration it exits for reasons that take more than one operation.
 */
#ifndef VRINGER_HARNESS_TEST_MINIMIZE_RIG_H
#define VRINGER_HARNESS_TEST_MINIMIZE_RIG_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/minimize/minimize.h"

#include <cmocka.h>

extern struct target picky;
/* What the minimiser is given and gives. */
extern struct script script;
extern struct minimize_options options;
extern struct minimize_result result;

/* Minimise a script; what minimize_script returns. */
int minimize(const char *text);
/* The same, stopped after so many candidates. */
int minimize_stopped(const char *text, unsigned candidates);
/* The result as it is written, to be freed. */
char *printed(void);
/* What is written is a script, the same program, and has that finding. */
void assert_reproduces(const char *text, const char *signature);
/* `text` shrinks to exactly `program`, of a finding whose signature starts so. */
void assert_shrinks(const char *text, const char *signature, const char *program);
/* ... and does so again, in as many steps. */
void assert_shrinks_twice(const char *text, const char *signature, const char *program);

/* Run the tests, for main. */
int minimize_tests(const struct CMUnitTest *tests, size_t count);

#endif
