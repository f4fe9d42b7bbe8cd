/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the metadata service of devices/mmds.h has to make of a frame: an account of
 * its own, of fixed places in fixed headers, for what the model does to be compared
 * with.  RFC 826, RFC 791.
 */
#ifndef VRINGER_HARNESS_FILTER_H
#define VRINGER_HARNESS_FILTER_H

#include "devices/mmds.h"

/* The verdict that is due on a frame of `len` bytes. */
enum net_verdict filter_verdict(const uint8_t *frame, uint32_t len);
/* Is that the reply to a frame on which NET_REPLY is due?  To any other there is none. */
bool filter_is_reply(const uint8_t *frame, uint32_t len, const uint8_t *reply, uint32_t reply_len);

#endif
