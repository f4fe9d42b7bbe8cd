/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Descriptors by which a driver and a device tell each other that something happened
 * (eventfd(2), or a pipe).  They are the driver's, which may have made them anything, and
 * shares their flags with us: neither of these waits for it.
 *
 * Only a driver that fills one in the instant between the look at it and the write can make
 * event_signal wait.
 */
#ifndef VRINGER_HARNESS_SERVE_EVENT_H
#define VRINGER_HARNESS_SERVE_EVENT_H

/* Tell the other side.  0, also if it has not yet seen so many that there is no room for one
 * more; or negative errno. */
int event_signal(int fd);
/* Take what the other side told.  1: it did; 0: it did not; -EPIPE: it never will again; or
 * negative errno. */
int event_take(int fd);

#endif
