/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of a shadow queue share: shadow.c (its life, and the way back) and
 * shadow_publish.c (the way to the device).
 */
#ifndef VRINGER_HARNESS_SERVE_SHADOW_INTERNAL_H
#define VRINGER_HARNESS_SERVE_SHADOW_INTERNAL_H

#include "harness/serve/shadow.h"

/* The chain has no buffers any more. */
void shadow_give_room(struct shadow_chain *chain, struct room *room);
/* A buffer that was in memory is not any more: world->why says so.  -EPROTO. */
int shadow_went_away(struct shadow_world *world, const struct shadow_buffer *buffer, uint32_t at,
		     uint32_t len);

#endif
