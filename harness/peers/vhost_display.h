/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The display of a GPU that is a vhost-user backend (QEMU, docs/interop/vhost-user-gpu.rst).
 *
 * Such a backend draws nothing itself: it asks the front-end, over a socket of their own,
 * which displays there are, and sends it what they show.  This is a front-end with one
 * display of 640 by 480 that nobody looks at: questions are answered, pictures and
 * descriptors are thrown away.  It offers none of the protocol's features.
 */
#ifndef VRINGER_HARNESS_VHOST_DISPLAY_H
#define VRINGER_HARNESS_VHOST_DISPLAY_H

#include <stddef.h>
#include <stdint.h>

struct vhost_display {
	int fd;	       /* our end, or -1 */
	uint32_t have; /* bytes of `header` that came */
	uint8_t header[12];
	uint32_t skip; /* bytes of payload that are still to come */
};

/* Make the socket.  0 with the other end in *theirs, which is the caller's to close; or
 * negative errno. */
int vhost_display_open(struct vhost_display *display, int *theirs);
/* Take what it said, and answer that, without waiting.  1: there was something; 0: nothing,
 * or it closed its end; -EPROTO with a line in `why` (`size` bytes), or negative errno. */
int vhost_display_serve(struct vhost_display *display, char *why, size_t size);
void vhost_display_close(struct vhost_display *display);

#endif
