/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that is served runs in this process, and one that never returns would keep it
 * for ever, deaf to the user.  Who uses the processor for so long within one operation ends the
 * process by SIGABRT, as a crash would: a recorder writes what it has (recorder.h).
 *
 * One that sleeps is not found.
 */
#ifndef VRINGER_HARNESS_SERVE_WATCHDOG_H
#define VRINGER_HARNESS_SERVE_WATCHDOG_H

/* Watch from now on: `seconds` of CPU time, and one more at most.  `target`: for the line that
 * says what happened; it stays the caller's. */
void watchdog_begin(const char *target, unsigned seconds);
/* An operation begins, or the session waits. */
void watchdog_step(void);
void watchdog_end(void);

#endif
