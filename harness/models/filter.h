/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the metadata service of devices/mmds.h must do with a frame: an independent
 * implementation, which reads fixed offsets of fixed headers, to compare the model
 * with.  RFC 826, RFC 791.
 */
#ifndef VRINGER_HARNESS_FILTER_H
#define VRINGER_HARNESS_FILTER_H

#include "devices/mmds.h"

/* The right verdict on a frame of `len` bytes. */
enum net_verdict filter_verdict(const uint8_t *frame, uint32_t len);
/* Is this the right reply to the frame?  Only frames whose verdict is NET_REPLY have
 * one. */
bool filter_is_reply(const uint8_t *frame, uint32_t len, const uint8_t *reply, uint32_t reply_len);

#endif
