/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Frames from TX to RX, each after 4 bytes of header: what counts as the same
 * frame, and what as delivered.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

#define HEADER 4u
#define FRAME_MAX 2000u

static uint16_t sent, received;
static uint8_t bytes[HEADER + FRAME_MAX];

static int setup_stream(void **state)
{
	(void)state;
	rig_new();
	rig_target.stream_count = 1;
	rig_target.streams = &rig_stream;
	rig_live(256);
	sent = received = 0;
	notify();
	return 0;
}

/* Frame `seed` of that many bytes, with a header before it. */
static void make_frame(uint8_t seed, uint32_t len)
{
	assert_true(len <= FRAME_MAX);
	memset(bytes, 0xee, HEADER);
	for (uint32_t i = 0; i < len; i++)
		bytes[HEADER + i] = (uint8_t)(seed + i * 7 + i / 256);
}

/* The driver wants no interrupts. */
static void finish(uint16_t *position, uint32_t len)
{
	return_chain(*position, *position, *position, len);
	avail_flags(NO_INTERRUPT);
	(*position)++;
}

static void begin(unsigned queue, uint32_t len)
{
	uint16_t position = queue == TX ? sent : received;

	on = queue;
	avail_idx((uint16_t)(position + 1));
	take(position, position, HEADER + len, queue == TX ? 0 : F_WRITE);
}

static void send_frame(uint8_t seed, uint32_t len)
{
	make_frame(seed, len);
	begin(TX, len);
	payload_bytes(sent, false, BUFFER, bytes, HEADER + len);
	finish(&sent, 0);
}

/* What is in `bytes`, in pieces of that size. */
static void receive_bytes(uint32_t len, uint32_t piece)
{
	begin(RX, len);
	for (uint32_t at = 0; at < HEADER + len; at += piece) {
		uint32_t left = HEADER + len - at;

		payload_bytes(received, true, BUFFER + at, bytes + at, left < piece ? left : piece);
	}
	finish(&received, HEADER + len);
}

static void receive_frame(uint8_t seed, uint32_t len)
{
	make_frame(seed, len);
	/* The header is the device's own. */
	memset(bytes, 0, HEADER);
	receive_bytes(len, HEADER + FRAME_MAX);
}

static void end_call(uint64_t counted)
{
	rig_counters[0] = counted;
	rig_counters[1] = counted;
	on = TX;
	done();
	rest(DEVICE_IDLE);
}

static void end_counted(void)
{
	end_call(received);
	assert_silent();
}

static void frames_come_in_order(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 5; i++)
		send_frame(i, 10u * i);
	for (uint8_t i = 0; i < 5; i++)
		receive_frame(i, 10u * i);
	end_counted();
}

static void two_that_are_swapped_are_not_in_order(void **state)
{
	(void)state;
	send_frame(1, 60);
	send_frame(2, 60);
	receive_frame(2, 60);
	assert_silent();
	receive_frame(1, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void one_does_not_come_twice(void **state)
{
	(void)state;
	send_frame(1, 60);
	receive_frame(1, 60);
	receive_frame(1, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void the_same_frame_sent_twice_may(void **state)
{
	(void)state;
	send_frame(1, 60);
	send_frame(1, 60);
	receive_frame(1, 60);
	receive_frame(1, 60);
	end_counted();
}

/* That is for the counters to tell. */
static void one_may_be_lost_on_the_way(void **state)
{
	(void)state;
	send_frame(1, 60);
	send_frame(2, 60);
	send_frame(3, 60);
	receive_frame(2, 60);
	receive_frame(3, 60);
	end_counted();
}

static void nothing_comes_that_was_not_sent(void **state)
{
	(void)state;
	receive_frame(1, 0);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void neither_longer_nor_shorter(void **state)
{
	static const uint32_t lens[] = { 1, 7, 8, 9, 63, 255, 256, 257, 1514 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (int more = -1; more < 2; more++) {
			setup_stream(state);
			send_frame(3, lens[i]);
			receive_frame(3, lens[i] + (uint32_t)more);
			if (more == 0)
				end_counted();
			else
				assert_breaks(RULE_STREAM_FRAMES);
		}
	}
}

static void every_byte_of_a_small_frame_counts(void **state)
{
	for (uint32_t i = 0; i < 61; i++) {
		setup_stream(state);
		send_frame(5, 61);
		make_frame(5, 61);
		bytes[HEADER + i] ^= 0x10;
		receive_bytes(61, FRAME_MAX);
		assert_breaks(RULE_STREAM_FRAMES);
	}
}

static void how_it_is_cut_makes_no_difference(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece < 50; piece++) {
		send_frame((uint8_t)piece, piece * 31);
		make_frame((uint8_t)piece, piece * 31);
		receive_bytes(piece * 31, piece);
	}
	end_counted();
	notify();
	send_frame(1, 60);
	make_frame(1, 60);
	bytes[HEADER + 33] ^= 1;
	receive_bytes(60, 5);
	assert_breaks(RULE_STREAM_FRAMES);
}

/* The second buffer lies where memory knows it, not where the frame has it. */
static void it_may_go_over_buffers_in_any_place(void **state)
{
	(void)state;
	make_frame(9, 60);
	on = TX;
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER + 4096, HEADER + 20, F_NEXT, 1);
	desc(0, 1, BUFFER, 0, F_NEXT, 2);
	desc(0, 2, BUFFER, 40, 0, 0);
	payload_bytes(0, false, BUFFER + 4096, bytes, HEADER + 20);
	payload_bytes(0, false, BUFFER, bytes + HEADER + 20, 40);
	finish(&sent, 0);
	receive_frame(9, 60);
	end_counted();
	notify();
	send_frame(9, 60);
	receive_frame(8, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void a_frame_that_cannot_be_followed_is_like_every_other(void **state)
{
	(void)state;
	/* Read twice. */
	make_frame(1, 60);
	begin(TX, 60);
	payload_bytes(0, false, BUFFER, bytes, HEADER + 60);
	payload_bytes(0, false, BUFFER, bytes, HEADER + 60);
	finish(&sent, 0);
	receive_frame(2, 60);
	end_counted();
	/* Written back to front. */
	notify();
	send_frame(3, 60);
	make_frame(4, 60);
	begin(RX, 60);
	payload_bytes(received, true, BUFFER + 32, bytes + 32, HEADER + 60 - 32);
	payload_bytes(received, true, BUFFER, bytes, 32);
	finish(&received, HEADER + 60);
	end_counted();
}

/* An access that failed carries nothing. */
static void what_could_not_be_read_is_not_in_it(void **state)
{
	(void)state;
	make_frame(1, 60);
	begin(TX, 60);
	payload_bytes(0, false, BUFFER, bytes, HEADER);
	access_error = -EFAULT;
	payload_bytes(0, false, BUFFER + HEADER, bytes, 60);
	access_error = 0;
	finish(&sent, 0);
	receive_frame(1, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void a_chain_that_comes_back_without_a_header_carries_none(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < HEADER; len++) {
		begin(RX, 60);
		make_frame(1, 60);
		payload_bytes(received, true, BUFFER, bytes, HEADER);
		finish(&received, len);
	}
	on = TX;
	avail_idx(0);
	end_call(0);
	assert_silent();
}

static void delivered_is_what_is_counted(void **state)
{
	for (uint64_t counted = 0; counted < 4; counted++) {
		setup_stream(state);
		send_frame(1, 60);
		send_frame(2, 60);
		receive_frame(1, 60);
		receive_frame(2, 60);
		end_call(counted);
		if (counted == 2)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_FRAMES);
	}
}

static void counters_go_on_over_a_reset_and_frames_do_not(void **state)
{
	(void)state;
	send_frame(1, 60);
	receive_frame(1, 60);
	send_frame(2, 60);
	end_counted();
	set_status(0);
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	set_status(STATUS_FEATURES);
	for (uint32_t q = 0; q < 2; q++) {
		reg_write(VIRTIO_MMIO_QUEUE_SEL, q);
		reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC_AT(q));
		reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL_AT(q));
		reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED_AT(q));
		shown.ready = 1;
		reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	set_status(STATUS_LIVE);
	rest(DEVICE_IDLE);
	assert_silent();
	sent = received = 0;
	notify();
	receive_frame(2, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

static void the_used_length_says_how_much_of_it_there_is(void **state)
{
	(void)state;
	send_frame(1, 60);
	make_frame(1, 60);
	begin(RX, 60);
	payload_bytes(received, true, BUFFER, bytes, HEADER + 60);
	finish(&received, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

/* More on the way than are remembered: the oldest may still come. */
static void one_that_was_forgotten_may_still_come(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LEDGER_FRAMES_MAX + 1; i++)
		send_frame((uint8_t)i, 60);
	receive_frame(0, 60);
	receive_frame(5, 60);
	end_counted();
	notify();
	receive_frame(200, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

/* Then the known one has not come yet, nor have those before it. */
static void what_equals_a_forgotten_one_is_that(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LEDGER_FRAMES_MAX; i++)
		send_frame((uint8_t)i, 60);
	send_frame(0, 60);
	receive_frame(0, 60);
	receive_frame(1, 60);
	receive_frame(0, 60);
	end_counted();
	notify();
	receive_frame(1, 60);
	assert_breaks(RULE_STREAM_FRAMES);
}

#define TEST(name) cmocka_unit_test_setup(name, setup_stream)

/* Nobody sees what passes at a queue that the ledger knows nothing of. */
static void one_from_a_queue_that_is_not_known(void **state)
{
	for (unsigned how = 0; how < UNKNOWN_COUNT; how++) {
		setup_stream(state);
		rig_unknown(TX, (enum rig_unknown)how);
		work();
		send_frame(1, 60);
		receive_bytes(60, 64);
		done();
		assert_silent();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_from_a_queue_that_is_not_known),
		TEST(frames_come_in_order),
		TEST(two_that_are_swapped_are_not_in_order),
		TEST(one_does_not_come_twice),
		TEST(the_same_frame_sent_twice_may),
		TEST(one_may_be_lost_on_the_way),
		TEST(nothing_comes_that_was_not_sent),
		TEST(neither_longer_nor_shorter),
		TEST(every_byte_of_a_small_frame_counts),
		TEST(how_it_is_cut_makes_no_difference),
		TEST(it_may_go_over_buffers_in_any_place),
		TEST(a_frame_that_cannot_be_followed_is_like_every_other),
		TEST(what_could_not_be_read_is_not_in_it),
		TEST(a_chain_that_comes_back_without_a_header_carries_none),
		TEST(delivered_is_what_is_counted),
		TEST(counters_go_on_over_a_reset_and_frames_do_not),
		TEST(the_used_length_says_how_much_of_it_there_is),
		TEST(one_that_was_forgotten_may_still_come),
		TEST(what_equals_a_forgotten_one_is_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
