/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of queues and chains, each broken once, and kept once next to it.  See
 * ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/virtio_1_4.h"
#include "ledger_cases.h"
#include "ledger_rig.h"

/* TX is notified and the device takes one chain, head 0, of one buffer. */
static void take_one(uint32_t len, unsigned flags)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, len, flags, 0);
}

/* The chain goes back and everything is as it should be. */
static void finish_one(uint32_t len)
{
	return_chain(0, 0, 0, len);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_queue_not_live(void)
{
	rig_features_ok(8);
	notify();
	avail_idx(0);
}

void case_queue_live(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_index_out_of_place(void)
{
	rig_live(8);
	notify();
	access_ring(GUEST_AVAIL_IDX, false, AVAIL_AT(TX) + 4, 2);
}

/* `at` bytes into the descriptor, of one readable buffer of 16 bytes. */
static void read_part(uint32_t at, uint32_t len)
{
	uint8_t bytes[16] = { BUFFER & 0xff, BUFFER >> 8, [8] = 16 };

	access_part(GUEST_DESC, 0, false, DESC_AT(TX) + at, bytes + at, len);
}

static void serve_parts(uint32_t first)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	read_part(0, first);
	if (first < 16)
		read_part(first, 16 - first);
	payload_read(0, BUFFER, 16);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_descriptor_in_halves(void)
{
	serve_parts(8);
}

void case_descriptor_in_one(void)
{
	serve_parts(16);
}

void case_index_in_place(void)
{
	rig_live(8);
	notify();
	access_ring(GUEST_AVAIL_IDX, false, AVAIL_AT(TX) + 2, 2);
	done();
	rest(DEVICE_IDLE);
}

void case_write_to_readable(void)
{
	take_one(16, 0);
	payload_write(0, BUFFER, 16);
}

void case_write_to_writable(void)
{
	take_one(16, F_WRITE);
	payload_write(0, BUFFER, 16);
	finish_one(16);
}

void case_read_past_buffer(void)
{
	take_one(16, 0);
	payload_read(0, BUFFER, 17);
}

void case_read_whole_buffer(void)
{
	take_one(16, 0);
	payload_read(0, BUFFER, 16);
	finish_one(0);
}

void case_read_of_writable(void)
{
	take_one(16, F_WRITE);
	payload_read(0, BUFFER, 16);
}

/* The same bytes are readable by one descriptor and writable by another. */
void case_read_of_both(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_NEXT, 1);
	desc(0, 1, BUFFER, 16, F_WRITE, 0);
	payload_read(0, BUFFER, 16);
	payload_write(0, BUFFER, 16);
	payload_read(0, BUFFER, 16);
	finish_one(16);
}

void case_read_before_the_end(void)
{
	take_one(16, F_NEXT);
	payload_read(0, BUFFER, 16);
}

void case_read_behind_the_end(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_NEXT, 1);
	desc(0, 1, BUFFER, 16, 0, 0);
	payload_read(0, BUFFER, 16);
	finish_one(0);
}

void case_table_not_negotiated(void)
{
	take_one(16, VRING_DESC_F_INDIRECT);
	access_ring(GUEST_INDIRECT, false, BUFFER, 16);
}

void case_table_negotiated(void)
{
	rig_live(8);
	negotiate(VIRTIO_RING_F_INDIRECT_DESC);
	notify();
	avail_idx(1);
	take(0, 0, 16, VRING_DESC_F_INDIRECT);
	access_ring(GUEST_INDIRECT, false, BUFFER, 16);
	finish_one(0);
}

/* The index is more than a queue ahead. */
void case_poisoned_read_again(void)
{
	rig_live(8);
	notify();
	avail_idx(9);
	avail_idx(9);
}

void case_poisoned_left_alone(void)
{
	rig_live(8);
	notify();
	avail_idx(9);
	need_reset();
	done();
	rest(DEVICE_IDLE);
	notify();
	done();
	rest(DEVICE_IDLE);
}

void case_returned_twice(void)
{
	take_one(16, 0);
	return_chain(0, 0, 0, 0);
	return_chain(1, 0, 0, 0);
}

void case_returned_once(void)
{
	take_one(16, 0);
	finish_one(0);
}

static void take_two(void)
{
	rig_live(8);
	notify();
	avail_idx(2);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, 0, 0);
	avail_entry(1, 1);
	desc(1, 1, BUFFER, 16, 0, 0);
}

void case_slot_skipped(void)
{
	take_two();
	used_entry(1, 0, 0, 0);
	used_idx(1);
}

void case_slots_in_order(void)
{
	take_two();
	used_entry(0, 1, 1, 0);
	used_entry(1, 0, 0, 0);
	used_idx(2);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_len_one_too_many(void)
{
	take_one(16, F_WRITE);
	payload_write(0, BUFFER, 9);
	return_chain(0, 0, 0, 10);
}

void case_len_as_written(void)
{
	take_one(16, F_WRITE);
	payload_write(0, BUFFER, 9);
	payload_write(0, BUFFER + 9, 1);
	finish_one(10);
}

/* In order, two chains are taken, of which the first has room. */
static void take_in_order(void)
{
	rig_live(8);
	negotiate(VIRTIO_F_IN_ORDER);
	notify();
	avail_idx(2);
	take(0, 0, 16, F_WRITE);
	take(1, 1, 16, 0);
}

static void return_both(void)
{
	used_entry(0, 1, 1, 0);
	used_idx(2);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_batch_skips_what_was_not_written(void)
{
	take_in_order();
	payload_write(0, BUFFER, 15);
	used_entry(0, 1, 1, 0);
	used_idx(2);
}

void case_batch_skips_what_was_written(void)
{
	take_in_order();
	payload_write(0, BUFFER, 16);
	return_both();
}

void case_second_returned_first(void)
{
	take_in_order();
	used_entry(0, 1, 1, 0);
	used_idx(1);
}

void case_both_returned_by_the_second(void)
{
	case_batch_skips_what_was_written();
}

void case_index_before_entry(void)
{
	take_one(16, 0);
	used_idx(1);
}

void case_index_after_entry(void)
{
	take_one(16, 0);
	used_entry(0, 0, 0, 0);
	used_idx(1);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_entry_at_the_index(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(1, 0);
}

void case_entry_below_the_index(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	finish_one(0);
}

void case_walk_leaves_the_chain(void)
{
	take_one(16, F_NEXT);
	desc(0, 3, BUFFER, 16, 0, 0);
}

void case_walk_follows_the_chain(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 2);
	desc(0, 2, BUFFER, 16, F_NEXT, 5);
	/* In a circle: once round is enough to see it. */
	desc(0, 5, BUFFER, 16, F_NEXT, 2);
	return_chain(0, 0, 2, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

/* One frame of 12 bytes from TX to RX. */
static void pass_frame(const char *in, const char *out)
{
	rig_target.stream_count = 1;
	rig_target.streams = &rig_stream;
	take_one(16, 0);
	payload_bytes(0, false, BUFFER, in, 16);
	on = RX;
	avail_idx(1);
	take(0, 0, 16, F_WRITE);
	payload_bytes(0, true, BUFFER, out, 16);
	return_chain(0, 0, 0, 16);
	avail_flags(NO_INTERRUPT);
	on = TX;
	rig_counters[0] = rig_counters[1] = 1;
	finish_one(0);
}

void case_frame_changed(void)
{
	pass_frame("HEADtwelve bytes", "headtwelve bites");
}

void case_frame_as_it_came(void)
{
	pass_frame("HEADtwelve bytes", "headtwelve bytes");
}
