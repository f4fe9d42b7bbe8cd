/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Signals as they were before cmocka caught them, for a test that forks: a child
 * inherits what its parent does about them, and a crash in it is not cmocka's.
 */
#ifndef VRINGER_HARNESS_TEST_SIGNALS_H
#define VRINGER_HARNESS_TEST_SIGNALS_H

/* In main, before cmocka runs. */
void signals_remember(void);
/* As they were then, from here on. */
void signals_as_before(void);
/* As cmocka has them again; after each signals_as_before. */
void signals_as_cmocka(void);

#endif
