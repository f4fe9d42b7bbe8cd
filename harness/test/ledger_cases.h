/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * For each rule a sequence that breaks it, and nothing before it, and next to
 * it a correct one.  Both start with rig_new() done.
 */
#ifndef VRINGER_HARNESS_TEST_LEDGER_CASES_H
#define VRINGER_HARNESS_TEST_LEDGER_CASES_H

#include "harness/ledger/ledger.h"

struct ledger_case {
	enum rule rule;
	void (*broken)(void);
	void (*correct)(void);
};

extern const struct ledger_case ledger_cases[];
extern const size_t ledger_case_count;

/* Rules of queues and chains, of what follows at rest, and of registers. */
#define LEDGER_CASES(X)                                                                            \
	X(MEMORY_NOT_LIVE, queue_not_live, queue_live)                                             \
	X(MEMORY_RING, index_out_of_place, index_in_place)                                         \
	X(MEMORY_FIELD, descriptor_in_halves, descriptor_in_one)                                   \
	X(MEMORY_WRITE, write_to_readable, write_to_writable)                                      \
	X(MEMORY_READ, read_past_buffer, read_whole_buffer)                                        \
	X(MEMORY_READ_WRITABLE, read_of_writable, read_of_both)                                    \
	X(MEMORY_TORN, read_before_the_end, read_behind_the_end)                                   \
	X(MEMORY_MIXED, frame_from_a_mixed_chain, frame_from_a_plain_chain)                        \
	X(MEMORY_INDIRECT, table_not_negotiated, table_negotiated)                                 \
	X(MEMORY_POISONED, poisoned_read_again, poisoned_left_alone)                               \
	X(COMPLETION_NOT_HELD, returned_twice, returned_once)                                      \
	X(COMPLETION_SLOT, slot_skipped, slots_in_order)                                           \
	X(COMPLETION_LEN, len_one_too_many, len_as_written)                                        \
	X(COMPLETION_BATCH, batch_skips_what_was_not_written, batch_skips_what_was_written)        \
	X(ORDER_RETURNS, second_returned_first, both_returned_by_the_second)                       \
	X(ORDER_ENTRY, index_before_entry, index_after_entry)                                      \
	X(ORDER_UNAVAILABLE, entry_at_the_index, entry_below_the_index)                            \
	X(FETCH_WALK, walk_leaves_the_chain, walk_follows_the_chain)                               \
	X(STREAM_FRAMES, frame_changed, frame_as_it_came)                                          \
	X(STREAM_LOST, frame_dropped, frame_without_a_chain)                                       \
	X(STREAM_REFUSED, third_buffer_refused, writable_buffer_refused)                           \
	X(STREAM_FILTER, filter_finds_fault, filter_finds_none)                                    \
	X(STREAM_BYTES, bytes_changed, bytes_as_they_came)                                         \
	X(STREAM_ANSWERS, answered_twice, answered_once)                                           \
	X(FETCH_CONSISTENT, half_of_each_fetch, second_fetch_alone)                                \
	X(WAKEUP_MISSING, no_interrupt, no_interrupt_wanted)                                       \
	X(WAKEUP_SUPERFLUOUS, interrupt_not_wanted, interrupt_wanted)                              \
	X(WAKEUP_UNASKED, interrupt_unasked, interrupt_asked)                                      \
	X(WAKEUP_NOT_LIVE, used_interrupt_early, config_interrupt_early)                           \
	X(WAKEUP_NEEDS_RESET, needs_reset_in_silence, needs_reset_told)                            \
	X(WAKEUP_USED_BIT, both_bits_for_a_change, both_bits_for_both)                             \
	X(WAKEUP_CONFIG, config_interrupt_for_nothing, config_interrupt_for_change)                \
	X(WAKEUP_CHANGED, change_in_silence, change_told)                                          \
	X(WAKEUP_FLAGS, used_flags_two, used_flags_one)                                            \
	X(STUCK_NOTIFY, notified_in_vain, notified_and_looked)                                     \
	X(STUCK_AVAILABLE, one_of_two_taken, two_of_two_taken)                                     \
	X(STUCK_HELD, chain_kept, chain_kept_where_declared)                                       \
	X(STUCK_SUPPRESSED, rests_suppressed, works_suppressed)                                    \
	X(STUCK_UNCHECKED, look_before_clear, look_behind_clear)                                   \
	X(STUCK_FRAME, frame_waits_in_vain, frame_waits_for_a_chain)                               \
	X(STUCK_BYTES, bytes_left_behind, bytes_as_many_as_chains)                                 \
	X(STUCK_BUSY, busy_with_nothing, busy_with_a_chain)                                        \
	X(WORK_ACCESSES, accesses_one_too_many, accesses_at_the_bound)                             \
	X(WORK_BYTES, bytes_moved_three_times, bytes_moved_twice)                                  \
	X(WORK_CHAINS, chains_more_than_entries, chains_as_many_as_entries)                        \
	X(WORK_BACKEND, backend_called_once_more, backend_called_as_due)                           \
	X(WORK_HEAP, heap_one_too_many, heap_at_the_bound)                                         \
	X(WORK_STEADY, block_given_back, block_kept)                                               \
	X(COUNTERS_FALL, counter_falls, counter_stands)                                            \
	X(COUNTERS_SUM, sum_broken, sum_kept)                                                      \
	X(STATUS_IDENTITY, version_one, version_two)                                               \
	X(STATUS_REGISTERS, more_offered_than_is_true, offer_as_it_is)                             \
	X(STATUS_GENERATION, generation_moves_in_silence, generation_moves_with_interrupt)         \
	X(STATUS_TORN, halves_of_two_values, halves_under_two_generations)                         \
	X(STATUS_CONFIG, past_config_is_left_over, past_config_is_zero)                            \
	X(STATUS_CONFIG_WIDTH, byte_of_another_lane, byte_at_two_widths)                           \
	X(STATUS_CONFIG_COUNT, more_queues_than_there_are, queues_that_there_are)                  \
	X(STATUS_CONFIG_KEPT, half_of_actual_kept, actual_kept)                                    \
	X(STATUS_RESET, status_stays, status_zero)                                                 \
	X(STATUS_FEATURES, features_not_offered, features_refused)                                 \
	X(STATUS_LADDER, step_skipped, step_ignored)                                               \
	X(STATUS_POISON, poison_in_silence, poison_told)                                           \
	X(STATUS_INTERRUPT, interrupt_not_shown, interrupt_shown)                                  \
	X(STATUS_QUEUE_READY, ready_stays, ready_falls)                                            \
	X(SUSPEND_EARLY, suspended_before_driver_ok, suspend_ignored_before_driver_ok)             \
	X(SUSPEND_IGNORED, suspend_ignored, suspend_taken)                                         \
	X(SUSPEND_RESUMED, suspended_for_ever, suspended_and_resumed)                              \
	X(SUSPEND_QUEUES, suspended_and_looking, suspended_and_still)                              \
	X(SUSPEND_NOTIFIES, suspended_and_notifying, notifying_as_it_is_suspended)                 \
	X(SUSPEND_CONFIG, suspended_and_telling_of_config, suspended_and_silent_of_config)         \
	X(SUSPEND_CHANGED, change_never_told, change_told_later)                                   \
	X(SUSPEND_TOLD, suspended_and_owing, suspended_and_owing_nothing)                          \
	X(STATUS_OFFERED, offer_of_another_transport, offer_of_this_transport)                     \
	X(STATUS_REQUIRES, offer_without_what_it_requires, offer_with_what_it_requires)            \
	X(STATUS_QUEUE_RESET, queue_stays_ready, queue_is_reset)                                   \
	X(WAKEUP_QUEUE_RESET, interrupt_of_a_reset_queue, interrupt_of_a_queue_set_up_again)       \
	X(STREAM_PAGES, half_a_page, whole_pages)                                                  \
	X(STREAM_REPLIES, reply_to_another, reply_to_the_request)                                  \
	X(STREAM_UNANSWERED, operation_unanswered, forget_unanswered)                              \
	X(NET_HEADER, header_counts_none, header_counts_one)                                       \
	X(NET_SPARE, header_left_over, header_cleared)                                             \
	X(NET_MTU, packet_over_the_mtu, packet_at_the_mtu)                                         \
	X(NET_TUNNEL, two_tunnels_passed_on, no_tunnel_passed_on)                                  \
	X(DISK_READ, other_sector_read, written_sector_read)                                       \
	X(DISK_SAME, sector_changes, sector_stays)                                                 \
	X(DISK_STATUS, answered_with_a_seven, answered_with_an_error)                              \
	X(DISK_UNSUPPORTED, zone_request_succeeds, zone_request_unsupported)                       \
	X(DISK_BOUNDS, read_past_the_end, read_up_to_the_end)                                      \
	X(DISK_READ_ONLY, read_only_written, read_only_read)                                       \
	X(DISK_CONFIG, writeback_without_flush, writeback_with_flush)                              \
	X(DISK_FIELDS, field_not_offered, field_offered)                                           \
	X(DISK_ID, other_id, same_id)                                                              \
	X(VSOCK_HEADER, packet_longer_than_its_bytes, packet_as_long_as_its_bytes)                 \
	X(VSOCK_CREDIT, bytes_beyond_the_credit, bytes_within_the_credit)                          \
	X(VSOCK_COUNT, count_beyond_what_was_sent, count_of_what_was_sent)                         \
	X(VSOCK_CLOSED, bytes_after_rst, bytes_after_an_update)                                    \
	X(VSOCK_MESSAGE, record_without_a_message, record_with_its_message)                        \
	X(VSOCK_STUCK, typed_bytes_kept, typed_bytes_sent)                                         \
	X(VSOCK_ENDED, end_without_a_reason, end_of_a_wrong_packet)                                \
	X(VSOCK_ANSWER, credit_not_told, credit_told)                                              \
	X(VSOCK_ORDER, bytes_with_a_gap, bytes_in_order)                                           \
	X(VSOCK_STRAY, stray_not_answered, stray_rst_not_answered)                                 \
	X(VSOCK_TYPE, type_not_answered, rst_not_answered)                                         \
	X(VSOCK_EVENT, event_of_no_kind, event_of_a_reset)                                         \
	X(SNAPSHOT_REFUSED, own_snapshot_refused, own_snapshot_taken)                              \
	X(SNAPSHOT_SAME, other_status_shown, same_status_shown)                                    \
	X(SNAPSHOT_POSSIBLE, status_of_no_device, status_of_another_device)                        \
	X(SNAPSHOT_CARRY_ON, secret_not_restored, secret_restored)                                 \
	X(RESET_REGISTERS, register_kept, register_cleared)                                        \
	X(RESET_SESSION, secret_kept, secret_not_kept)                                             \
	X(MEMORY_LOGGED, page_not_logged, pages_logged)                                            \
	X(REQUEST_ANSWERED, request_left_alone, request_answered)                                  \
	X(REQUEST_RESUMED, request_left_alone_after_a_mistake, request_answered_after_a_mistake)   \
	X(REQUEST_DIVIDED, halves_left_alone, halves_answered)                                     \
	X(LIVENESS_REQUEST, dead_after_reset, alive_after_reset)

#define X(rule, broken, correct)                                                                   \
	void case_##broken(void);                                                                  \
	void case_##correct(void);
LEDGER_CASES(X)
#undef X

/* Once more, in a program of ten thousand operations; lost is what the device learnt after
 * `before` thousand. */
void case_secret_not_restored_for_long(unsigned before);
void case_secret_restored_for_long(unsigned before);

#endif
