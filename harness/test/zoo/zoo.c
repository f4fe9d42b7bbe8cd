/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The list of all relatives.  README.md says what is unusual in each.
 */
#include "member.h"

/* clang-format off */
/* zoo_queue.c */
#define QUEUE(X) \
	X(base) X(level_line) X(late_interrupt) X(wakes_twice) X(moody) X(later) \
	X(out_of_order) X(batches) X(batches_later) X(in_order) X(entries_last_first) X(entries_at_once) X(len_0) X(fails_late) \
	X(prefetch) X(early_look) X(live_look) X(polls) X(desc_by_field) X(plain_flag) \
	X(byte_by_byte) X(logs)

/* zoo_device.c */
#define DEVICE(X) \
	X(platform) X(page_2) X(older) X(never_resets) X(late_breach) X(slow_reset) X(slow_queue_reset) \
	X(optional_queue) X(size_48) X(generation) X(one_byte) X(balloon)

/* zoo_packed.c */
#define PACKED_QUEUE(X) \
	X(packed) X(packed_later) X(packed_reversed) X(packed_whole) X(packed_one_write) \
	X(packed_last_first) X(packed_silent) X(packed_as_linux) X(packed_polls)

/* zoo_suspend.c */
#define SUSPEND(X) X(suspends) X(suspends_later)

/* zoo_all.c */
#define ALL(X) X(all) X(all_later)

#define DECLARED(id) extern const struct vringer_target id##_purposes, id##_accessors, id##_plain;
#define LISTED(id) TARGETS(id),

QUEUE(DECLARED)
DEVICE(DECLARED)
PACKED_QUEUE(DECLARED)
SUSPEND(DECLARED)
ALL(DECLARED)

VRINGER_TARGETS(QUEUE(LISTED) DEVICE(LISTED) PACKED_QUEUE(LISTED) SUSPEND(LISTED) \
		ALL(LISTED) NULL);
/* clang-format on */
