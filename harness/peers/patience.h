/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A socket with a time limit for each call (SO_RCVTIMEO, SO_SNDTIMEO), behind which somebody
 * may take long: what a call that failed means.  It waits for nothing itself.
 */
#ifndef VRINGER_HARNESS_PATIENCE_H
#define VRINGER_HARNESS_PATIENCE_H

#include <errno.h>
#include <stdbool.h>

/* Is it worth waiting on? */
typedef bool patience_fn(void *ctx);

/* After a call failed with `error`, an errno value: 0, make it again; or negative errno:
 * -ETIMEDOUT, patience ended; -EPIPE, the other side is gone; another of the socket. */
static inline int patience_after(int error, patience_fn *patience, void *ctx)
{
	if (error == EINTR)
		return 0;
	if (error == EAGAIN || error == EWOULDBLOCK)
		return patience(ctx) ? 0 : -ETIMEDOUT;
	return error == ECONNRESET ? -EPIPE : -error;
}

#endif
