/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a session share: session.c (the loop, and what happens in rings) and
 * session_device.c (what the driver says, and the device's life by it).
 */
#ifndef VRINGER_HARNESS_SERVE_SESSION_INTERNAL_H
#define VRINGER_HARNESS_SERVE_SESSION_INTERNAL_H

#include "harness/serve/session.h"

static inline struct guest *session_guest(const struct serve_session *s)
{
	return &s->world.steps.run->guest;
}

static inline bool session_is_over(const struct serve_session *s)
{
	return s->failed || s->world.steps.over;
}

/* The driver breaks the protocol: the session ends, and that is why. */
void session_fail(struct serve_session *s, const char *why);
/* What came of a ring.  -EPROTO: it is wrong, as world.why says; -ECANCELED: a finding has
 * ended the session; 0; or negative errno. */
void session_note(struct serve_session *s, unsigned queue, int err);
/* The device is initialised, up to DRIVER_OK, with the rings that run. */
void session_go_live(struct serve_session *s);
/* What the driver's messages become; the context is the session. */
extern const struct vhost_server_calls session_calls;

#endif
