/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ledger's account of ports: every way in which bytes can be
 * lost, doubled, changed or mixed up is told, and nothing that a device may do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_rig.h"

static uint16_t written, given; /* chains so far */

static int setup_port(void **state)
{
	(void)state;
	rig_new();
	rig_gauges = true;
	rig_port();
	rig_gauges = false;
	rig_live(8);
	written = given = 0;
	return 0;
}

static void set_gauges(uint64_t held, uint64_t pending)
{
	rig_counters[0] = held;
	rig_counters[1] = pending;
}

static bool starving; /* the device gets no host memory */

/* The guest writes a chain of `len` bytes, of which the device reads `read`. */
static void guest_writes(const char *bytes, uint32_t len, uint32_t read)
{
	on = TX;
	notify();
	rig_heap.failures += starving;
	avail_idx((uint16_t)(written + 1));
	take(written, 0, len, 0);
	if (read > 0)
		payload_bytes(written, false, BUFFER, bytes, read);
	return_chain(written, written, 0, 0);
	wake();
	done();
	written++;
}

/* The device delivers a chain in a call of its own; returned with nothing, it could
 * not be written. */
static void device_gives(const char *bytes, uint32_t wrote, uint32_t len)
{
	on = RX;
	work();
	avail_idx((uint16_t)(given + 1));
	take(given, 0, 64, F_WRITE);
	if (wrote > 0)
		payload_bytes(given, true, BUFFER, bytes, wrote);
	if (len == 0) {
		access_error = -1;
		payload_bytes(given, true, BUFFER + wrote, NULL, 1);
		access_error = 0;
	}
	return_chain(given, given, 0, len);
	wake();
	done();
	given++;
}

static void output_in_pieces(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	guest_writes("defgh", 5, 5);
	set_gauges(8, 0);
	rest(DEVICE_IDLE);
	host(HOST_TAKE, "abcd", 100, 4);
	host(HOST_PUT_BACK, "XY", 2, 2);
	host(HOST_PUT_BACK, "refused", 7, 0);
	set_gauges(6, 0);
	rest(DEVICE_IDLE);
	host(HOST_TAKE, "XYefgh", 6, 6);
	host(HOST_TAKE, "", 6, 0);
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void output_out_of_order(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	guest_writes("def", 3, 3);
	host(HOST_TAKE, "defabc", 6, 6);
	assert_breaks(RULE_STREAM_BYTES);
}

static void output_twice(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	host(HOST_TAKE, "abc", 3, 3);
	host(HOST_TAKE, "abc", 3, 3);
	assert_breaks(RULE_STREAM_BYTES);
}

static void output_lost(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	set_gauges(2, 0);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

static void put_back_at_the_end(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	host(HOST_PUT_BACK, "X", 1, 1);
	host(HOST_TAKE, "abcX", 4, 4);
	assert_breaks(RULE_STREAM_BYTES);
}

static void chain_cut(void **state)
{
	(void)state;
	guest_writes("abc", 5, 3);
	assert_breaks(RULE_STREAM_BYTES);
}

/* One that is refused has none of its bytes read; what is beyond the most that a
 * chain gives is not read either. */
static void chain_refused_or_too_long(void **state)
{
	static const char bytes[64];

	(void)state;
	starving = true;
	guest_writes("", 5, 0);
	starving = false;
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	guest_writes(bytes, 65, 64);
	set_gauges(64, 0);
	rest(DEVICE_IDLE);
	assert_silent();
	guest_writes(bytes, 65, 63);
	assert_breaks(RULE_STREAM_BYTES);
}

static void chain_with_a_failed_part(void **state)
{
	(void)state;
	notify();
	avail_idx(1);
	take(0, 0, 8, 0);
	payload_bytes(0, false, BUFFER, "abcd", 4);
	access_error = -1;
	payload_bytes(0, false, BUFFER + 4, "efgh", 4);
	access_error = 0;
	return_chain(0, 0, 0, 0);
	wake();
	done();
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
	set_gauges(4, 0);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

static void too_much_is_kept(void **state)
{
	static const char bytes[64];

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		guest_writes(bytes, 64, 64);
		set_gauges(64 * i, 0);
		rest(DEVICE_IDLE);
	}
	assert_silent();
	guest_writes(bytes, 1, 1);
	set_gauges(257, 0);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WORK_HEAP);
}

static void input_in_pieces(void **state)
{
	(void)state;
	host(HOST_TYPE, "abcdef", 6, 5); /* f is refused */
	host(HOST_TYPE, "gh", 2, 2);
	set_gauges(0, 7);
	rest(DEVICE_IDLE);
	device_gives("abc", 3, 3);
	device_gives("torn", 4, 0);
	device_gives("degh", 4, 4);
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void input_changed(void **state)
{
	(void)state;
	host(HOST_TYPE, "abcd", 4, 4);
	device_gives("abdc", 4, 4);
	assert_breaks(RULE_STREAM_BYTES);
}

static void input_twice(void **state)
{
	(void)state;
	host(HOST_TYPE, "aa", 2, 2);
	device_gives("aa", 2, 2);
	device_gives("a", 1, 1);
	assert_breaks(RULE_STREAM_BYTES);
}

static void input_lost(void **state)
{
	(void)state;
	host(HOST_TYPE, "abcd", 4, 4);
	device_gives("ab", 2, 2);
	set_gauges(0, 1);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

/* A reset discards input, and nothing of the output. */
static void over_a_reset(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	host(HOST_TYPE, "xyz", 3, 3);
	set_status(0);
	set_gauges(3, 0);
	rest(DEVICE_IDLE);
	host(HOST_TAKE, "abc", 3, 3);
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* Round the ring of what the ledger remembers. */
static void many_bytes(void **state)
{
	char bytes[64];

	(void)state;
	for (unsigned i = 0; i < 3 * LEDGER_PORT_BYTES / 63; i++) {
		for (unsigned b = 0; b < 63; b++)
			bytes[b] = (char)(i * 63 + b * 7);
		ledger.ports[0].out.start += i == 0 ? LEDGER_PORT_BYTES - 20 : 0;
		written = (uint16_t)i;
		guest_writes(bytes, 63, 63);
		host(HOST_TAKE, bytes, 63, 63);
	}
	assert_silent();
}

static void more_than_can_be_kept(void **state)
{
	static const char bytes[65536];

	(void)state;
	for (unsigned i = 0; i <= LEDGER_PORT_BYTES / sizeof(bytes); i++)
		host(HOST_TYPE, bytes, sizeof(bytes), sizeof(bytes));
	assert_true(ledger.ports[0].lost);
	device_gives("whatever", 8, 8);
	assert_silent();
}

/* A chain returned in the call that resets: nobody was told. */
static void returned_at_reset(void **state)
{
	(void)state;
	rig_new();
	rig_live(8);
	call(VIRTIO_MMIO_STATUS, 0);
	on = TX;
	avail_idx(1);
	take(0, 0, 8, 0);
	return_chain(0, 0, 0, 0);
	shown.status = shown.interrupt_status = 0;
	done();
	assert_breaks(RULE_WAKEUP_MISSING);
}

static void equal_sums_and_gauges(void **state)
{
	static const struct target_sum equal[] = { { "out", "in", true }, { NULL, NULL, false } };

	(void)state;
	rig_new();
	rig_target.sums = equal;
	rig_target.gauges = "in out";
	rig_live(8);
	set_gauges(5, 5);
	rest(DEVICE_IDLE);
	set_gauges(3, 3);
	rest(DEVICE_IDLE);
	assert_silent();
	set_gauges(3, 4);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_COUNTERS_SUM);
	assert_true(target_is_gauge(&rig_target, "in") && target_is_gauge(&rig_target, "out"));
	assert_false(target_is_gauge(&rig_target, "ou") || target_is_gauge(&rig_target, "ut"));
	rig_target.gauges = NULL;
	assert_false(target_is_gauge(&rig_target, "in"));
}

/* Chains that nobody reads: "in" says how many bytes were dropped. */
static int setup_dropping(void **state)
{
	static const struct target_port dropping = { TX, RX, 64, 256, "", "", "in", NULL, NULL, 0 };

	(void)state;
	rig_new();
	rig_port();
	rig_target.ports = &dropping;
	rig_target.sums = NULL;
	rig_live(8);
	written = given = 0;
	starving = false;
	return 0;
}

static void unread_and_not_counted(void **state)
{
	(void)state;
	starving = true;
	guest_writes("", 10, 0);
	set_gauges(0, 9);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

static void unread_and_counted(void **state)
{
	(void)state;
	starving = true;
	guest_writes("", 10, 0);
	guest_writes("", 20, 0);
	set_gauges(0, 30);
	rest(DEVICE_IDLE);
	guest_writes("", 0, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

/* What was counted before is about other chains. */
static void unread_and_counted_before(void **state)
{
	(void)state;
	set_gauges(0, 30);
	rest(DEVICE_IDLE);
	starving = true;
	guest_writes("", 10, 0);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

/* To count it is no cause. */
static void counted_for_nothing(void **state)
{
	(void)state;
	guest_writes("", 10, 0);
	assert_breaks(RULE_STREAM_LOST);
}

static void counted_after_another_failure(void **state)
{
	(void)state;
	rig_heap.failures++;
	guest_writes("", 10, 0);
	assert_breaks(RULE_STREAM_LOST);
}

/* Bytes wait, and a chain comes back without one: it has room, or has none. */
static void give_nothing(uint32_t room)
{
	host(HOST_TYPE, "abc", 3, 3);
	on = RX;
	work();
	avail_idx(1);
	take(0, 0, room, F_WRITE);
	return_chain(0, 0, 0, 0);
	wake();
	done();
}

static void chain_for_input_refused(void **state)
{
	(void)state;
	give_nothing(1);
	assert_breaks(RULE_STREAM_LOST);
}

static void chain_for_input_without_room(void **state)
{
	(void)state;
	give_nothing(0);
	assert_silent();
}

static void tail_not_counted(void **state)
{
	char bytes[64] = "";

	(void)state;
	guest_writes(bytes, 65, 64);
	rest(DEVICE_IDLE);
	assert_breaks(RULE_STREAM_BYTES);
}

/* One chain of that descriptor alone, which the device returns unread. */
static void refuse(uint64_t addr, uint32_t len, unsigned flags)
{
	on = TX;
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, addr, len, flags, 8);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

static void refused_since_writable(void **state)
{
	(void)state;
	refuse(BUFFER, 0, F_WRITE);
	assert_silent();
}

static void refused_since_it_goes_on(void **state)
{
	(void)state;
	refuse(BUFFER, 10, F_NEXT);
	assert_silent();
}

static void refused_since_it_wraps(void **state)
{
	(void)state;
	refuse(UINT64_MAX - 1, 3, 0);
	assert_silent();
}

static void not_refused_at_the_top(void **state)
{
	(void)state;
	refuse(UINT64_MAX - 1, 2, 0);
	assert_breaks(RULE_STREAM_LOST);
}

/* A chain that is held, and room for one of 64 bytes or not. */
static void waits(uint64_t kept)
{
	char bytes[64] = "";

	for (uint64_t i = 0; i < kept / sizeof(bytes); i++)
		guest_writes(bytes, sizeof(bytes), sizeof(bytes));
	guest_writes(bytes, 1, 1);
	on = TX;
	notify();
	avail_idx((uint16_t)(written + 1));
	take(written, 0, 64, 0);
	done();
	set_gauges(kept + 1, 0);
	rest(DEVICE_WAITING);
}

static void waits_for_room(void **state)
{
	(void)state;
	waits(192);
	assert_silent();
}

static void waits_for_nothing(void **state)
{
	(void)state;
	waits(128);
	assert_breaks(RULE_STUCK_HELD);
}

/* Ports of one direction: the driver asks on TX for what the host types, the device asks the same
 * on RX, or TX has what the host takes. */
static void one_sided(uint16_t from, uint16_t to)
{
	static struct target_port port;

	rig_new();
	rig_port();
	port = (struct target_port){ from, to, 64, 256, "out", "in", NULL, NULL, NULL, 0 };
	rig_target.ports = &port;
	rig_target.gauges = "out in";
	rig_target.sums = NULL;
	rig_live(8);
	written = given = 0;
	starving = false;
}

static int setup_asking(void **state)
{
	(void)state;
	one_sided(TARGET_NO_QUEUE, TX);
	return 0;
}

static int setup_input(void **state)
{
	(void)state;
	one_sided(TARGET_NO_QUEUE, RX);
	return 0;
}

static int setup_output(void **state)
{
	(void)state;
	one_sided(TX, TARGET_NO_QUEUE);
	return 0;
}

/* The driver makes a chain available on TX, which the device keeps. */
static void keep_chain(unsigned flags, uint64_t pending)
{
	on = TX;
	notify();
	avail_idx(1);
	take(0, 0, 8, flags);
	done();
	set_gauges(0, pending);
	rest(DEVICE_WAITING);
}

/* The chain that is kept gets those bytes. */
static void answer_kept(const char *bytes, uint32_t len)
{
	on = TX;
	work();
	payload_bytes(0, true, BUFFER, bytes, len);
	return_chain(0, 0, 0, len);
	wake();
	done();
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
}

static void asked_for_before(void **state)
{
	(void)state;
	keep_chain(F_WRITE, 0);
	host(HOST_TYPE, "abc", 3, 3);
	answer_kept("abc", 3);
	assert_silent();
}

static void asked_for_and_changed(void **state)
{
	(void)state;
	keep_chain(F_WRITE, 0);
	host(HOST_TYPE, "abc", 3, 3);
	answer_kept("abd", 3);
	assert_breaks(RULE_STREAM_BYTES);
}

static void asked_for_and_there(void **state)
{
	(void)state;
	host(HOST_TYPE, "abc", 3, 3);
	keep_chain(F_WRITE, 3);
	assert_breaks(RULE_STUCK_HELD);
}

/* What the driver sends waits for no bytes that go the other way. */
static void input_is_no_excuse(void **state)
{
	(void)state;
	keep_chain(0, 0);
	assert_breaks(RULE_STUCK_HELD);
}

static void input_alone(void **state)
{
	(void)state;
	host(HOST_TYPE, "abc", 3, 3);
	device_gives("abc", 3, 3);
	set_gauges(0, 0);
	rest(DEVICE_IDLE);
	/* A chain of the other queue is none of the port's. */
	guest_writes("", 5, 0);
	rest(DEVICE_IDLE);
	assert_silent();
}

static void output_alone(void **state)
{
	(void)state;
	guest_writes("abc", 3, 3);
	host(HOST_TAKE, "abc", 3, 3);
	rest(DEVICE_IDLE);
	assert_silent();
	guest_writes("abc", 3, 3);
	host(HOST_TAKE, "abd", 3, 3);
	assert_breaks(RULE_STREAM_BYTES);
}

static void output_alone_waits_for_nothing(void **state)
{
	(void)state;
	keep_chain(0, 0);
	assert_breaks(RULE_STUCK_HELD);
}

/* Nobody sees what passes at a queue that the ledger knows nothing of. */
static void queue_that_is_not_known(void **state)
{
	for (unsigned how = 0; how < UNKNOWN_COUNT; how++) {
		setup_port(state);
		rig_unknown(TX, (enum rig_unknown)how);
		guest_writes("abc", 3, 3);
		host(HOST_TAKE, "abc", 3, 3);
		assert_silent();
		setup_port(state);
		rig_unknown(RX, (enum rig_unknown)how);
		host(HOST_TYPE, "abc", 3, 3);
		device_gives("abc", 3, 3);
		set_gauges(0, 0);
		rest(DEVICE_IDLE);
		assert_silent();
	}
}

static void is_empty_with(size_t bytes)
{
	rig_target.bytes_empty = 100;
	ledger.device.heap_new = 50;
	rig_heap.live_bytes = bytes;
}

/* Of a device that declares how much it has while it holds nothing. */
static void heap_of_an_empty_device(void **state)
{
	is_empty_with(150);
	rest(DEVICE_IDLE);
	guest_writes("x", 1, 1);
	set_gauges(1, 0);
	rig_heap.live_bytes = 151;
	rest(DEVICE_IDLE);
	assert_silent();
	setup_port(state);
	is_empty_with(151);
	ledger_ordered(&ledger, 0);
	rest(DEVICE_WORK);
	assert_silent();
	rest(DEVICE_IDLE);
	assert_breaks(RULE_WORK_HEAP);
}

int main(void)
{
#define DROPPING(name) cmocka_unit_test_setup(name, setup_dropping)
#define PORT(name) cmocka_unit_test_setup(name, setup_port)
	const struct CMUnitTest tests[] = {
		PORT(queue_that_is_not_known),
		PORT(heap_of_an_empty_device),
		PORT(output_in_pieces),
		PORT(output_out_of_order),
		PORT(output_twice),
		PORT(output_lost),
		PORT(put_back_at_the_end),
		PORT(chain_cut),
		PORT(chain_refused_or_too_long),
		PORT(chain_with_a_failed_part),
		PORT(too_much_is_kept),
		PORT(input_in_pieces),
		PORT(input_changed),
		PORT(input_twice),
		PORT(input_lost),
		PORT(over_a_reset),
		PORT(many_bytes),
		PORT(more_than_can_be_kept),
		PORT(waits_for_room),
		PORT(waits_for_nothing),
		DROPPING(unread_and_not_counted),
		DROPPING(unread_and_counted),
		DROPPING(unread_and_counted_before),
		DROPPING(counted_for_nothing),
		DROPPING(counted_after_another_failure),
		PORT(chain_for_input_refused),
		PORT(chain_for_input_without_room),
		DROPPING(tail_not_counted),
		DROPPING(refused_since_writable),
		DROPPING(refused_since_it_goes_on),
		DROPPING(refused_since_it_wraps),
		DROPPING(not_refused_at_the_top),
		cmocka_unit_test_setup(asked_for_before, setup_asking),
		cmocka_unit_test_setup(asked_for_and_changed, setup_asking),
		cmocka_unit_test_setup(asked_for_and_there, setup_asking),
		cmocka_unit_test_setup(input_is_no_excuse, setup_input),
		cmocka_unit_test_setup(input_alone, setup_input),
		cmocka_unit_test_setup(output_alone, setup_output),
		cmocka_unit_test_setup(output_alone_waits_for_nothing, setup_output),
		cmocka_unit_test(returned_at_reset),
		cmocka_unit_test(equal_sums_and_gauges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
