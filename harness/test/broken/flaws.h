/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The small device of ../zoo, broken in one way at a time: what the scripts and rules
 * must find.  targets.c has the list of all.
 */
#ifndef FLAWS_H
#define FLAWS_H

#include "harness/test/zoo/member.h"

/* For what is wrong only where notifications and interrupts are ruled by flags. */
#define NO_EVENT_IDX                                                                               \
	ONE_QUEUE, FLAGS, .features = FEATURES & ~(1ULL << VIRTIO_RING_F_EVENT_IDX),               \
			  .requests = requests

#endif
