/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What foreign/net.c says of the requests that our net model serves: the same as the model
 * says itself (harness/models/model_net_loopback.c), by vringer.h alone.  VIRTIO 1.4, 5.1.6.
 */
#ifndef VRINGER_FOREIGN_NET_REQUESTS_H
#define VRINGER_FOREIGN_NET_REQUESTS_H

#include <vringer.h>

#include <stddef.h>

#define FRAME                                                                                      \
	"\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x88\xb5"                                 \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"

/* A frame as the driver gets it: behind a header that says it came in one buffer. */
static const struct vringer_bytes answer[] = {
	{ 0, 76, "\0\0\0\0\0\0\0\0\0\0\1\0" FRAME },
	{ .bytes = NULL },
};

static const struct vringer_request requests[] = {
	{ .name = "frame",
	  .queue = 1,
	  .readable = "\0\0\0\0\0\0\0\0\0\0\0\0" FRAME,
	  .readable_len = 76,
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = "buffer",
	  .queue = 0,
	  .writable_len = 128,
	  .used_min = 76,
	  .used_max = 76,
	  .answer = answer,
	  .after = "send_request 1\n",
	  .flags = VRINGER_REQUEST_EXACT },
	{ .name = NULL },
};

#endif
