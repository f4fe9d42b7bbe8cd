/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * For a program without VRINGER_TARGETS: no targets, so that it links, and says what it
 * lacks in one line (harness/target/foreign_targets.c).  A member of libvringer.a by
 * itself: a program's own takes its place.
 */
#include "harness/target/vringer.h"

const struct vringer_target *const vringer_targets[] = { 0 };
