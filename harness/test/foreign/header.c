/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer.h and nothing else: in C and in C++, by foreign.sh.
 */
#include <vringer.h>

static struct vringer_target target;

VRINGER_TARGETS(&target);
