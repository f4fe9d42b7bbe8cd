/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The list of all broken devices.  README.md says what is wrong with each.
 */
#include "flaws.h"

/* clang-format off */
/* queue.c */
#define QUEUE(X) \
	X(serves_nothing) X(forgets) X(serves_one) X(index_jump) X(looks_once) \
	X(suppresses) X(before_driver_ok) X(stopped_queue) X(packed_stopped) X(index_first) X(returns_twice) \
	X(wrong_id) X(size_ignored) X(index_wraps) X(no_interrupt) X(unwanted_interrupt) \
	X(event_late) X(interrupt_first)

/* chains.c */
#define CHAINS(X) \
	X(len_all_ones) X(len_plus_one) X(len_0) X(unwritten) X(wrong_data) X(past_the_end) \
	X(writes_readable) X(clears_desc) X(addr_32) X(addr_wraps) X(first_desc) X(framing) \
	X(unbounded) X(double_fetch) X(refuses_empty) X(table_write_flag) X(table_after) \
	X(head_unchecked) X(leaks) X(log_first_page) X(log_no_ring)

/* registers.c */
#define REGISTERS(X) \
	X(index_over_reset) X(interrupt_over_reset) X(features_over_reset) \
	X(status_over_reset) X(ready_over_reset) X(any_features) X(silent_breach) \
	X(asserts) X(feature_pages) X(ready_sticks) X(more_queues) X(ack_ignored) \
	X(acks_all) X(no_status_bit) X(both_bits) X(no_generation) X(wrong_lane) X(shm_0)

/* queue_reset.c */
#define QUEUE_RESETS(X) \
	X(queue_reset_ignored) X(queue_reset_index) X(queue_reset_chains) \
	X(queue_reset_interrupt) X(queue_reset_shown)

/* suspend.c */
#define SUSPENDED(X) X(suspend_ignored) X(resume_ignored) X(suspend_untold)

/* packed.c */
#define PACKED_QUEUE(X) \
	X(packed_one_lap) X(packed_flags_first) X(packed_twice_written) X(packed_wrong_id) \
	X(packed_large_id) X(packed_place_for_id) X(packed_each) X(packed_returns_twice) \
	X(packed_skips_one) X(packed_len) X(packed_clears) X(packed_unwanted) \
	X(packed_event_late) X(packed_event_lap) X(packed_notify_lap) X(packed_suppresses) \
	X(packed_reserved) X(packed_writes_readable) X(packed_forgets)

#define DECLARED(id) extern const struct vringer_target id##_purposes, id##_accessors, id##_plain;
#define LISTED(id) TARGETS(id),

QUEUE(DECLARED)
CHAINS(DECLARED)
REGISTERS(DECLARED)
QUEUE_RESETS(DECLARED)
SUSPENDED(DECLARED)
PACKED_QUEUE(DECLARED)

VRINGER_TARGETS(QUEUE(LISTED) CHAINS(LISTED) REGISTERS(LISTED) QUEUE_RESETS(LISTED) SUSPENDED(LISTED)
		PACKED_QUEUE(LISTED) NULL);
/* clang-format on */
