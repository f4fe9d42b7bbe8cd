/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a device may lose, or not use, and what it may not: each cause next to the same
 * without it.
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
#define FRAME_MAX 100u
#define LEN 60u

static struct target_stream stream;
static uint16_t sent, received;
static uint8_t bytes[HEADER + 2 * FRAME_MAX];

static int setup(void **state)
{
	(void)state;
	rig_new();
	stream = (struct target_stream){
		.from = TX, .to = RX, .skip = HEADER, .frame_max = FRAME_MAX
	};
	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_target.sums = NULL;
	rig_live(8);
	sent = received = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i < HEADER ? 0 : (uint8_t)(i * 3);
	notify();
	return 0;
}

static void read_frame(uint32_t len)
{
	on = TX;
	avail_idx((uint16_t)(sent + 1));
	take(sent, sent, HEADER + len, 0);
	payload_bytes(sent, false, BUFFER, bytes, HEADER + len);
}

/* The driver wants no interrupts. */
static void return_sent(void)
{
	on = TX;
	return_chain(sent, sent, sent, 0);
	avail_flags(NO_INTERRUPT);
	sent++;
}

static void take_receive(uint32_t len)
{
	on = RX;
	avail_idx((uint16_t)(received + 1));
	take(received, received, len, F_WRITE);
}

static void return_received(uint32_t len)
{
	return_chain(received, received, received, len);
	avail_flags(NO_INTERRUPT);
	received++;
}

static void deliver(uint32_t len)
{
	take_receive(HEADER + len);
	payload_bytes(received, true, BUFFER, bytes, HEADER + len);
	return_received(HEADER + len);
}

static void look_in_vain(void)
{
	on = RX;
	avail_idx(received);
}

/* The call ends, and the device rests. */
static void over(void)
{
	on = TX;
	return_sent();
	done();
	rest(DEVICE_IDLE);
}

static void dropped(void **state)
{
	(void)state;
	read_frame(LEN);
	over();
	assert_breaks(RULE_STREAM_LOST);
}

static void delivered(void **state)
{
	(void)state;
	read_frame(LEN);
	deliver(LEN);
	over();
	assert_silent();
}

static void without_a_chain(void **state)
{
	(void)state;
	read_frame(LEN);
	look_in_vain();
	over();
	assert_silent();
}

/* A device that is no model of ours looks where it is notified. */
static void looked_before(void **state)
{
	for (int model = 0; model < 2; model++) {
		setup(state);
		rig_target.model = model != 0;
		look_in_vain();
		read_frame(LEN);
		over();
		if (model != 0)
			assert_breaks(RULE_STREAM_LOST);
		else
			assert_silent();
	}
}

static void with_a_chain_that_it_saw(void **state)
{
	(void)state;
	read_frame(LEN);
	on = RX;
	avail_idx(1);
	over();
	assert_breaks(RULE_STREAM_LOST);
}

static void chain_too_small(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		setup(state);
		read_frame(LEN);
		take_receive(HEADER + LEN - 1 + more);
		return_received(0);
		over();
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_LOST);
	}
}

/* In three buffers, an empty one among them, which the device returns empty. */
static void give_back(unsigned flags, uint64_t addr, uint16_t next, int error)
{
	read_frame(LEN);
	on = RX;
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, addr, HEADER, F_WRITE | F_NEXT, 1);
	desc(0, 1, BUFFER, 0, F_WRITE | F_NEXT, 2);
	desc(0, 2, BUFFER, LEN, flags, next);
	access_error = error;
	if (error != 0)
		payload_write(0, addr, HEADER);
	access_error = 0;
	return_received(0);
	over();
}

static void chain_refused_for_its_parts(void **state)
{
	(void)state;
	give_back(F_WRITE, BUFFER, 0, 0);
	assert_breaks(RULE_STREAM_REFUSED);
}

static void chain_refused_for_a_cause(void **state)
{
	give_back(0, BUFFER, 0, 0); /* of both directions */
	assert_silent();
	setup(state);
	give_back(F_WRITE | F_NEXT, BUFFER, 8, 0); /* torn */
	assert_silent();
	setup(state);
	give_back(F_WRITE, UINT64_MAX - 1, 0, 0); /* passes 2^64 */
	assert_silent();
	setup(state);
	give_back(F_WRITE, BUFFER, 0, -EFAULT);
	assert_silent();
}

static void chain_that_could_not_be_returned(void **state)
{
	(void)state;
	read_frame(LEN);
	take_receive(HEADER + LEN);
	payload_bytes(0, true, BUFFER, bytes, HEADER + LEN);
	access_error = -EFAULT;
	used_entry(0, 0, 0, HEADER + LEN);
	access_error = 0;
	over();
	assert_silent();
}

static void without_host_memory(void **state)
{
	(void)state;
	read_frame(LEN);
	rig_heap.failures++;
	over();
	assert_silent();
	/* Of another call. */
	notify();
	read_frame(LEN);
	over();
	assert_breaks(RULE_STREAM_LOST);
}

static void larger_than_it_takes(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		setup(state);
		read_frame(FRAME_MAX + more);
		over();
		if (more == 0)
			assert_breaks(RULE_STREAM_LOST);
		else
			assert_silent();
	}
}

static void queue_stopped_or_wrong(void **state)
{
	(void)state;
	done();
	on = RX;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, RX);
	shown.ready = 0;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	on = TX;
	notify();
	read_frame(LEN);
	over();
	assert_silent();
	setup(state);
	read_frame(LEN);
	on = RX;
	avail_idx(9);
	need_reset();
	over();
	assert_silent();
}

/* Whether it is one that it may drop is not known. */
static void read_twice(void **state)
{
	(void)state;
	read_frame(LEN);
	payload_bytes(sent, false, BUFFER, bytes, HEADER + LEN);
	over();
	assert_silent();
}

static void read_in_part(void **state)
{
	(void)state;
	avail_idx(1);
	take(0, 0, HEADER + LEN, 0);
	payload_bytes(0, false, BUFFER, bytes, HEADER);
	access_error = -EFAULT;
	payload_bytes(0, false, BUFFER + HEADER, bytes, LEN);
	access_error = 0;
	over();
	assert_silent();
}

static void one_of_two_that_are_equal(void **state)
{
	(void)state;
	read_frame(LEN);
	deliver(LEN);
	return_sent();
	read_frame(LEN);
	over();
	assert_breaks(RULE_STREAM_LOST);
	/* The first found no chain. */
	setup(state);
	read_frame(LEN);
	look_in_vain();
	return_sent();
	read_frame(LEN);
	deliver(LEN);
	over();
	assert_silent();
}

static void passed_over(void **state)
{
	(void)state;
	read_frame(LEN);
	return_sent();
	read_frame(LEN + 1);
	deliver(LEN + 1);
	over();
	assert_breaks(RULE_STREAM_LOST);
}

static void at_a_reset(void **state)
{
	(void)state;
	read_frame(LEN);
	return_sent();
	done();
	set_status(0);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* The driver's chain in three buffers, `len` bytes, that the device does not read. */
static void refuse(unsigned flags, uint32_t len, int error)
{
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, HEADER, F_NEXT, 1);
	desc(0, 1, BUFFER, 0, F_NEXT, 2);
	desc(0, 2, BUFFER, len, flags, 0);
	access_error = error;
	if (error != 0)
		payload_bytes(0, false, BUFFER, bytes, HEADER);
	access_error = 0;
	over();
}

static void sent_chain_refused(void **state)
{
	(void)state;
	refuse(0, LEN, 0);
	assert_breaks(RULE_STREAM_REFUSED);
}

static void sent_chain_refused_for_a_cause(void **state)
{
	refuse(F_WRITE, LEN, 0);
	assert_silent();
	setup(state);
	refuse(F_NEXT, LEN, 0);
	assert_silent();
	setup(state);
	refuse(0, FRAME_MAX + 1, 0);
	assert_silent();
	setup(state);
	refuse(0, LEN, -EFAULT);
	assert_silent();
	setup(state);
	rig_heap.failures++;
	refuse(0, LEN, 0);
	assert_silent();
	setup(state);
	refuse(0, 0, 0); /* a header alone */
	assert_silent();
}

/* The device leaves the driver's chain after `len` bytes, where that leads on to `next`. */
static void leave(uint64_t addr, uint32_t len, unsigned flags, uint16_t next)
{
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, addr, len, flags | F_NEXT, next);
	over();
}

static void chain_left_where_it_leads_on(void **state)
{
	(void)state;
	leave(BUFFER, 0, 0, 2);
	assert_breaks(RULE_STREAM_REFUSED);
}

static void chain_left_for_a_cause(void **state)
{
	leave(BUFFER, 12, 0, 8); /* there is none of that number */
	assert_silent();
	setup(state);
	leave(BUFFER, 12, 0, 0); /* it was there before */
	assert_silent();
	setup(state);
	leave(BUFFER, 0, F_WRITE, 2);
	assert_silent();
	setup(state);
	leave(BUFFER, HEADER + FRAME_MAX + 1, 0, 2);
	assert_silent();
	setup(state);
	leave(UINT64_MAX, 2, 0, 2);
	assert_silent();
}

/* No descriptor of it was read, and none can be. */
static void chain_not_looked_at(void **state)
{
	(void)state;
	avail_idx(1);
	avail_entry(0, 0);
	over();
	assert_breaks(RULE_STREAM_LOST);
	setup(state);
	ledger.queues[TX].desc = UINT64_MAX - 14;
	avail_idx(1);
	avail_entry(0, 0);
	over();
	assert_silent();
}

static void receive_chain_left(void **state)
{
	(void)state;
	read_frame(LEN);
	on = RX;
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 1, F_WRITE | F_NEXT, 1);
	return_received(0);
	over();
	assert_breaks(RULE_STREAM_REFUSED);
}

/* A device that looks at no header passes over it. */
static void header_not_read(void **state)
{
	(void)state;
	avail_idx(1);
	take(0, 0, HEADER + LEN, 0);
	payload_bytes(0, false, BUFFER + HEADER, bytes + HEADER, LEN);
	deliver(LEN);
	over();
	assert_silent();
}

static void handed_on(void **state)
{
	(void)state;
	stream.to = END_AWAY;
	read_frame(LEN);
	ledger_frame(&ledger, END_AWAY, bytes + HEADER, LEN);
	return_sent();
	read_frame(0);
	over();
	assert_silent();
	notify();
	read_frame(1);
	over();
	assert_breaks(RULE_STREAM_LOST);
}

static int setup_given(void **state)
{
	(void)state;
	rig_new();
	stream = (struct target_stream){ .from = END_GIVEN,
					 .to = RX,
					 .skip = HEADER,
					 .frame_max = FRAME_MAX,
					 .waiting = "in",
					 .kept = 2 };
	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_target.gauges = "in";
	rig_target.sums = NULL;
	rig_live(8);
	sent = received = 0;
	on = RX;
	notify();
	return 0;
}

static void end_given(uint64_t waiting)
{
	rig_counters[1] = waiting;
	on = RX;
	done();
	rest(DEVICE_IDLE);
}

static void given_frames(void **state)
{
	ledger_frame(&ledger, END_GIVEN, bytes + HEADER, LEN);
	look_in_vain();
	end_given(1);
	notify();
	ledger_frame(&ledger, END_GIVEN, bytes + HEADER, FRAME_MAX + 1);
	deliver(LEN);
	end_given(0);
	assert_silent();
	setup_given(state);
	ledger_frame(&ledger, END_GIVEN, bytes + HEADER, FRAME_MAX);
	look_in_vain();
	end_given(0);
	assert_breaks(RULE_STREAM_LOST);
}

static void given_frame_and_its_chain(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		setup_given(state);
		ledger_frame(&ledger, END_GIVEN, bytes + HEADER, LEN);
		take_receive(HEADER + LEN - 1 + more);
		return_received(0);
		end_given(0);
		if (more == 0)
			assert_silent();
		else
			assert_breaks(RULE_STREAM_LOST);
	}
}

static uint32_t answers(const void *frame, uint32_t len)
{
	(void)frame;
	return len == LEN;
}

static int setup_answers(void **state)
{
	setup_given(state);
	stream.from = END_REPLY;
	rig_target.answers = answers;
	return 0;
}

static void answered(void **state)
{
	(void)state;
	ledger_frame(&ledger, END_AWAY, bytes, LEN);
	ledger_frame(&ledger, END_REPLY, bytes, 7);
	ledger_frame(&ledger, END_AWAY, bytes, LEN + 1);
	look_in_vain();
	end_given(1);
	assert_silent();
}

static void not_answered(void **state)
{
	(void)state;
	ledger_frame(&ledger, END_AWAY, bytes, LEN);
	end_given(0);
	assert_breaks(RULE_STREAM_UNANSWERED);
}

static void the_first_not_answered(void **state)
{
	(void)state;
	ledger_frame(&ledger, END_AWAY, bytes, LEN);
	ledger_frame(&ledger, END_AWAY, bytes, LEN);
	assert_breaks(RULE_STREAM_UNANSWERED);
}

static void not_answered_for_want_of(void **state)
{
	for (unsigned i = 0; i < 2; i++)
		ledger_frame(&ledger, END_REPLY, bytes, 7);
	ledger_frame(&ledger, END_AWAY, bytes, LEN); /* a place */
	look_in_vain();
	end_given(2);
	assert_silent();
	setup_answers(state);
	ledger_frame(&ledger, END_AWAY, bytes, LEN); /* memory */
	rig_heap.failures++;
	end_given(0);
	assert_silent();
}

#define TEST(name) cmocka_unit_test_setup(name, setup)
#define GIVEN(name) cmocka_unit_test_setup(name, setup_given)
#define ANSWERS(name) cmocka_unit_test_setup(name, setup_answers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dropped),
		TEST(delivered),
		TEST(without_a_chain),
		TEST(looked_before),
		TEST(with_a_chain_that_it_saw),
		TEST(chain_too_small),
		TEST(chain_refused_for_its_parts),
		TEST(chain_refused_for_a_cause),
		TEST(chain_that_could_not_be_returned),
		TEST(without_host_memory),
		TEST(larger_than_it_takes),
		TEST(queue_stopped_or_wrong),
		TEST(read_twice),
		TEST(read_in_part),
		TEST(one_of_two_that_are_equal),
		TEST(passed_over),
		TEST(at_a_reset),
		TEST(sent_chain_refused),
		TEST(sent_chain_refused_for_a_cause),
		TEST(chain_left_where_it_leads_on),
		TEST(chain_left_for_a_cause),
		TEST(chain_not_looked_at),
		TEST(receive_chain_left),
		TEST(header_not_read),
		TEST(handed_on),
		GIVEN(given_frames),
		GIVEN(given_frame_and_its_chain),
		ANSWERS(answered),
		ANSWERS(not_answered),
		ANSWERS(the_first_not_answered),
		ANSWERS(not_answered_for_want_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
